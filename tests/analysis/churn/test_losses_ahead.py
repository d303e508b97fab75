"""Expected losses: by hand, by simulation, and with a doubt that does not average out."""

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit, logit

from crmlib.analysis.churn.losses_ahead import level_doubt, losses_ahead
from crmlib.errors import DataError


def people(size=800, seed=1):
    rng = np.random.default_rng(seed)
    index = pd.Index([f"C{number:04d}" for number in range(size)], name="customer_id")
    return pd.Series(rng.beta(2, 4, size), index), pd.Series(rng.gamma(1.5, 60, size) - 10, index)


def test_sums_are_those_worked_by_hand():
    index = pd.Index(["A", "B", "C"])
    found = losses_ahead(pd.Series([0.5, 0.2, 0.0], index), pd.Series([100.0, -10.0, 7.0], index))
    assert (found.customers, found.leavers, found.at_risk, found.of) == (3, 0.7, 48.0, 97.0)
    assert found.by_customer.to_dict() == {"A": 50.0, "B": -2.0, "C": 0.0}


@pytest.mark.parametrize("doubt", [0.0, 0.4])
def test_customers_add_up_to_the_total_and_the_interval_is_around_it(doubt):
    churn, value = people()
    found = losses_ahead(churn, value, doubt)
    assert found.by_customer.sum() == pytest.approx(found.at_risk)
    assert found.leavers == pytest.approx(churn.sum()) and found.of == pytest.approx(value.sum())
    assert 0 <= found.leavers_low < found.leavers < found.leavers_high <= len(churn)
    assert found.at_risk_low < found.at_risk < found.at_risk_high


def test_without_doubt_the_interval_is_that_of_independent_customers():
    churn, value = people()
    found = losses_ahead(churn, value)
    for ends, own in (
        ((found.leavers_low, found.leavers_high), np.ones(len(churn))),
        ((found.at_risk_low, found.at_risk_high), value.to_numpy()),
    ):
        spread = np.sqrt((own**2 * churn * (1 - churn)).sum())
        assert ends[1] - ends[0] == pytest.approx(2 * 1.96 * spread, rel=0.05)


def test_a_larger_doubt_and_a_higher_level_widen_the_interval():
    churn, value = people()
    widths = [
        (found.leavers_high - found.leavers_low, found.at_risk_high - found.at_risk_low)
        for found in (losses_ahead(churn, value, doubt) for doubt in (0.0, 0.1, 0.3, 1.0))
    ]
    assert (np.diff(widths, axis=0) > 0).all()
    narrow, wide = (losses_ahead(churn, value, 0.2, level) for level in (0.5, 0.99))
    assert wide.leavers_low < narrow.leavers_low and narrow.at_risk_high < wide.at_risk_high


def test_the_interval_covers_what_comes_as_often_as_it_says():
    """The level of all is off by one draw for everybody, and then each customer is left to luck."""
    churn, value = people(400)
    found = losses_ahead(churn, value, 0.3)
    rng = np.random.default_rng(9)
    shift = 0.3 * rng.standard_normal((3000, 1))
    left = rng.random((3000, 400)) < expit(logit(churn.to_numpy()) + shift)
    numbers, money = left.sum(axis=1), left @ value.to_numpy()
    assert ((numbers >= found.leavers_low) & (numbers <= found.leavers_high)).mean() == pytest.approx(
        0.95, abs=0.015
    )
    assert ((money >= found.at_risk_low) & (money <= found.at_risk_high)).mean() == pytest.approx(
        0.95, abs=0.015
    )


@pytest.mark.parametrize("chances", [[0.0, 0.0], [1.0, 1.0], [0.0, 1.0], [0.01, 0.99]])
def test_leavers_stay_between_nobody_and_everybody(chances):
    index = pd.Index(["A", "B"])
    for doubt in (0.0, 3.0):
        found = losses_ahead(pd.Series(chances, index), pd.Series([5.0, 5.0], index), doubt)
        assert 0 <= found.leavers_low <= found.leavers_high <= 2


def test_values_are_matched_by_customer_and_the_order_changes_nothing():
    churn, value = people()
    found = losses_ahead(churn, value, 0.2)
    mixed = churn.sample(frac=1, random_state=1)
    other = losses_ahead(mixed, value.sample(frac=1, random_state=2), 0.2)
    assert (other.at_risk, other.at_risk_low, other.leavers_high) == pytest.approx(
        (found.at_risk, found.at_risk_low, found.leavers_high)
    )
    pd.testing.assert_series_equal(other.by_customer.loc[churn.index], found.by_customer)
    assert other.by_customer.index.equals(mixed.index)


def test_the_same_seed_gives_the_same_ends_and_nothing_is_changed():
    churn, value = people()
    before = churn.copy(), value.copy()
    first, second = (losses_ahead(churn, value, 0.2, seed=4) for _ in range(2))
    assert (first.at_risk_low, first.leavers_high) == (second.at_risk_low, second.leavers_high)
    assert churn.equals(before[0]) and value.equals(before[1])


def test_customers_without_a_value_are_refused_by_name():
    churn, value = people(5)
    with pytest.raises(DataError, match="C0002") as caught:
        losses_ahead(churn, value.drop("C0002"))
    assert "1 customers without a value" in caught.value.found


@pytest.mark.parametrize("wrong", [np.nan, -0.1, 1.1])
def test_what_is_no_probability_is_refused(wrong):
    churn, value = people(5)
    churn.iloc[3] = wrong
    with pytest.raises(DataError, match="without a probability, C0003 first"):
        losses_ahead(churn, value)


def test_the_doubt_of_the_level_is_in_log_odds():
    days = pd.DataFrame({"predicted": [0.5, 0.5], "observed": [expit(0.3), expit(-0.4)]})
    assert level_doubt(days) == pytest.approx(np.sqrt((0.09 + 0.16) / 2))
    assert level_doubt(days.iloc[::-1]) == pytest.approx(level_doubt(days))
    assert level_doubt(days.assign(observed=0.5)) == 0.0
    assert np.isfinite(level_doubt(days.assign(observed=[0.0, 1.0])))
