"""Larger discounts of members are found, and none where there are none."""

from dataclasses import replace

import numpy as np
import pytest

from crmlib.analysis.loyalty.discount_rise import discount_rise


def dearer_for(panel, rise):
    """Members get `rise` more of the list price off; others about a tenth, more in January."""
    rows = panel.rows
    people = panel.customers.iloc[rows["customer"]]
    member = (rows["month"].to_numpy() > people["joined"].to_numpy()) & (
        rows["month"].to_numpy() <= people["left"].to_numpy()
    )
    rng = np.random.default_rng(1)
    share = 0.1 + 0.1 * (rows["month"] % 12 == 6) + rise * member + rng.uniform(-0.05, 0.05, len(rows))
    return replace(panel, rows=rows.assign(discounts=share * rows["list_sales"]))


@pytest.mark.parametrize("true", [0.0, 0.05])
def test_the_true_rise_is_found(loyal, true):
    found = discount_rise(dearer_for(loyal.drawn(size=8000, seed=3), true))
    assert found.low < true < found.high and found.high - found.low < 0.02
    assert found.clear == (true > 0)
    assert found.rise == pytest.approx(found.share - found.expected_share, abs=1e-5)


def test_its_error_is_that_of_panels_drawn_anew(loyal):
    found = [discount_rise(dearer_for(loyal.drawn(size=2500, seed=seed), 0.05)) for seed in range(30)]
    errors = [(one.high - one.low) / 3.92 for one in found]
    assert np.std([one.rise for one in found], ddof=1) == pytest.approx(np.mean(errors), rel=0.35)
    joiner = found[0].influence[np.argmax(np.abs(found[0].influence))]
    assert abs(joiner) < 10 * errors[0]


def test_influences_sum_to_zero(loyal):
    found = discount_rise(dearer_for(loyal.drawn(size=3000, seed=3), 0.05))
    assert found.influence.sum() == pytest.approx(0, abs=1e-9)


def test_data_without_discounts_have_no_rise(loyal):
    panel = loyal.drawn(size=300, seed=3)
    assert discount_rise(replace(panel, rows=panel.rows.assign(discounts=0.0))) is None
