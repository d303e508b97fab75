"""Cells of customers with one count and one time."""

import numpy as np
import pytest

from crmlib.analysis.clv.timing.cells import Cells

KINDS = {
    "whole days": lambda rng: (rng.poisson(1.0, 500), rng.integers(0, 60, 500)),
    "weeks with decimals": lambda rng: (rng.poisson(1.0, 500), rng.integers(0, 60, 500) / 7),
    "extreme counts": lambda rng: (rng.choice([0, 3, 1_000_000], 500), rng.integers(0, 60, 500)),
    "extreme times": lambda rng: (rng.poisson(1.0, 500), rng.choice([0.0, 3.0, 1e12], 500)),
    "both extreme": lambda rng: (rng.choice([0, 3, 10_000_000], 500), rng.random(500) * 1e9),
    "all alike": lambda rng: (np.full(500, 2), np.full(500, 30)),
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_customer_finds_the_own_count_and_time_in_the_cell(kind):
    x, T = (np.asarray(v, float) for v in KINDS[kind](np.random.default_rng(1)))
    cells = Cells.among(x, T)
    assert cells.x[cells.of].tolist() == x.tolist()
    assert cells.T[cells.of].tolist() == T.tolist()
    pairs = list(zip(cells.x.tolist(), cells.T.tolist(), strict=True))
    assert pairs == sorted(set(zip(x.tolist(), T.tolist(), strict=True)))


@pytest.mark.parametrize("kind", KINDS)
def test_runs_cover_every_cell_once_and_each_has_one_count(kind):
    x, T = (np.asarray(v, float) for v in KINDS[kind](np.random.default_rng(2)))
    cells = Cells.among(x, T)
    runs = cells.runs()
    assert [value for value, _ in runs] == sorted(set(x.tolist()))
    covered = np.concatenate([np.arange(len(cells.x))[part] for _, part in runs])
    assert covered.tolist() == list(range(len(cells.x)))
    assert all((cells.x[part] == value).all() for value, part in runs)


def test_nobody_has_no_cells():
    cells = Cells.among(np.array([]), np.array([]))
    assert len(cells.x) == len(cells.T) == len(cells.of) == 0
    assert cells.runs() == []


def test_one_customer_is_one_cell():
    cells = Cells.among(np.array([4.0]), np.array([0.5]))
    assert (cells.x.tolist(), cells.T.tolist(), cells.of.tolist()) == ([4.0], [0.5], [0])
