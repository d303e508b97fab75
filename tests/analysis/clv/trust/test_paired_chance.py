"""Differences between forecasts that are more than luck: against drawing the tables anew in full."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from crmlib.analysis.clv.trust.forecast_scores import score
from crmlib.analysis.clv.trust.paired_chance import PickedApart, error_apart, resampled


def origin(seed, count, total=120):
    """One hold-out of the first `count` of all customers, with equal forecasts among them."""
    rng = np.random.default_rng(seed)
    names = pd.Index([f"K{i:03d}" for i in range(count)], name="customer_id")
    level = rng.gamma(0.6, 50, count)
    money = pd.DataFrame({"good": level, "coarse": np.round(level, -2), "blind": 30.0}, index=names)
    came = level * rng.gamma(0.5, 2, count)
    actual = pd.DataFrame({"purchases": rng.poisson(1, count), "money": came}, index=names)
    return SimpleNamespace(money=money, actual=actual)


def test_a_draw_is_the_score_of_the_table_drawn_anew():
    held, methods = (origin(1, 120), origin(2, 90)), ["good", "coarse", "blind"]
    picked, error = resampled(held, methods, 0.2, 3, seed=7)
    rng = np.random.default_rng([7, 120])
    for draw in range(3):
        rows = rng.integers(0, 120, 120, dtype=np.int32)
        for name in methods:
            found = []
            for one in held:
                own = rows[rows < len(one.actual)]
                forecast = pd.DataFrame({"purchases": 1.0, "money": one.money[name].to_numpy()[own]})
                found.append(score(forecast, one.actual.iloc[own].reset_index(drop=True)))
            assert picked.loc[draw, name] == pytest.approx(sum(each["picked_money"] for each in found))
            assert error.loc[draw, name] == pytest.approx(np.mean([abs(each["error"]) for each in found]))


def test_blocks_of_draws_are_the_same_draws(monkeypatch):
    held = (origin(1, 120),)
    one = resampled(held, ["good", "blind"], 0.2, 50, seed=1)
    monkeypatch.setattr("crmlib.analysis.clv.trust.paired_chance._BLOCK", 700)
    for frame, other in zip(one, resampled(held, ["good", "blind"], 0.2, 50, seed=1), strict=True):
        pd.testing.assert_frame_equal(frame, other)


def test_a_forecast_that_knows_more_is_told_from_luck_and_a_twin_is_not():
    one = origin(4, 600)
    one.money["twin"] = one.money["good"] * np.random.default_rng(1).normal(1, 1e-3, 600)
    methods = ["good", "twin", "blind"]
    picked, _ = resampled((one,), methods, 0.2, 300, seed=1)
    came = {
        name: score(one.money[[name]].set_axis(["money"], axis=1).assign(purchases=1.0), one.actual)
        for name in methods
    }
    money = pd.Series({name: found["picked_money"] for name, found in came.items()})
    apart = PickedApart(money, picked, 0.95)
    found = apart.from_all("good")
    assert found["by_chance"].to_dict() == {"good": True, "twin": True, "blind": False}
    assert found.loc["blind", "low"] > 0
    assert apart.more("blind", "good")[2] == pytest.approx(-found.loc["blind", "low"])
    size = pd.Series({"good": 0.2, "twin": 0.1, "blind": 0.01})
    assert apart.best_of(methods, methods, size) == "twin"
    assert apart.best_of(["blind"], methods, size) == "blind"


def test_a_total_is_clearly_worse_if_it_is_so_by_more_than_the_tolerance_and_beyond_chance():
    size = pd.Series({"a": 0.02, "b": 0.05, "c": 0.2, "d": 0.2})
    rng = np.random.default_rng(1)
    error = pd.DataFrame({"a": np.full(200, 0.02), "b": 0.05, "c": 0.2, "d": rng.normal(0.2, 0.2, 200)})
    found = error_apart(size, error, 0.05, 0.95)
    assert found["total_clearly_worse"].to_dict() == {"a": False, "b": False, "c": True, "d": False}
    assert found["error_more"].to_list() == pytest.approx([0, 0.03, 0.18, 0.18])
