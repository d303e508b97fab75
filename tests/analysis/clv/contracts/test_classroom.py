"""Classroom formulas: against sums worked out, against each other, and refusals."""

import numpy as np
import pandas as pd
import pytest

from crmlib.analysis.clv.contracts.classroom import (
    TIMINGS,
    margin_multiple,
    retention_elasticity,
    retention_value,
    state_values,
    yearly_value,
)
from crmlib.errors import ParameterError

PERIODS = np.arange(2_000)


@pytest.mark.parametrize(("retention", "rate"), [(0.8, 0.1), (0.0, 0.05), (0.95, 0.02), (1.0, 0.2)])
def test_each_timing_is_its_sum(retention, rate):
    discount = 1 / (1 + rate)
    stays = retention**PERIODS
    now = 50 * (stays * discount**PERIODS).sum()
    wanted = dict(zip(TIMINGS, (now, now - 50, now * discount), strict=True))
    for timing in TIMINGS:
        assert retention_value(50, retention, rate, timing) == pytest.approx(
            wanted[timing], rel=1e-9, abs=1e-9
        )


def test_elasticity_is_that_of_the_multiple():
    step = 1e-6
    for retention, rate in ((0.8, 0.12), (0.5, 0.3)):
        up, down = (
            margin_multiple(retention * (1 + step), rate),
            margin_multiple(retention * (1 - step), rate),
        )
        slope = (up - down) / (2 * step) / margin_multiple(retention, rate)
        assert retention_elasticity(retention, rate) == pytest.approx(slope, rel=1e-8)


def test_yearly_value_by_hand():
    by_hand = 100 + 100 * 0.5 / 1.21 + 100 * 0.25 / 1.21**2 - 10 / 1.1 - 10 * 0.5 / 1.1**3
    assert yearly_value(100, 10, 0.5, 0.21, 2) == pytest.approx(by_hand)
    assert yearly_value(100, 10, 0.5, 0.21, 0) == 100


def test_without_promotion_and_end_it_is_the_value_of_a_payment_now():
    assert yearly_value(100, 0, 0.8, 0.1, 500) == pytest.approx(retention_value(100, 0.8, 0.1, "payment_now"))


def test_two_states_are_the_formula_of_retention():
    moves = pd.DataFrame([[0.8, 0.2], [0, 1]], index=["active", "gone"], columns=["active", "gone"])
    values = state_values(moves, pd.Series({"gone": 0, "active": 100}), 0.1)
    assert values["active"] == pytest.approx(366.6666667) and values["gone"] == 0
    assert list(values.index) == ["active", "gone"]
    lossy = state_values(np.array([[0.8]]), [100], 0.1)
    assert lossy[0] == pytest.approx(values["active"])


def test_states_in_another_order_change_nothing():
    rng = np.random.default_rng(0)
    names = list("abcd")
    moves = pd.DataFrame(rng.dirichlet(np.ones(4), 4), index=names, columns=names)
    rewards = pd.Series(rng.normal(size=4), index=names)
    order = list("cadb")
    again = state_values(moves.loc[order, list("dcba")], rewards, 0.15)
    pd.testing.assert_series_equal(again.loc[names], state_values(moves, rewards, 0.15))


def test_a_long_horizon_comes_to_the_value_without_end():
    moves = np.array([[0.5, 0.5], [0.3, 0.7]])
    endless = state_values(moves, [10, -1], 0.2)
    np.testing.assert_allclose(state_values(moves, [10, -1], 0.2, horizon=300), endless, rtol=1e-12)
    np.testing.assert_allclose(state_values(moves, [10, -1], 0.2, horizon=0), [10, -1])
    np.testing.assert_allclose(state_values(moves, [10, -1], 0.0, horizon=1), [14.5, 1.3])


@pytest.mark.parametrize(
    ("call", "part"),
    [
        pytest.param(lambda: retention_value(1, 1.2, 0.5, "payment_now"), "retention = 1.2", id="retention above 1"),
        pytest.param(lambda: retention_value(1, 80, 0.1, "payment_now"), "0.8 for 80 %", id="retention in per cent"),
        pytest.param(lambda: retention_value(1, 1.0, 0.0, "payment_now"), "above 0", id="endless for ever"),
        pytest.param(lambda: retention_value(1, 0.8, -0.3, "payment_now"), "above -0.2", id="negative rate"),
        pytest.param(lambda: retention_value(1, 0.8, 0.1, "start"), "timing = 'start'", id="unknown timing"),
        pytest.param(lambda: retention_value(np.inf, 0.8, 0.1, "payment_now"), "margin", id="infinite margin"),
        pytest.param(lambda: yearly_value(1, 1, 0.8, -1.0, 3), "rate = -1", id="rate of minus one"),
        pytest.param(lambda: yearly_value(1, 1, 0.8, 0.1, 2.5), "years = 2.5", id="half a year"),
        pytest.param(lambda: state_values(np.array([[0.9, 0.2], [0, 1]]), [1, 0], 0.1), "state 0", id="row above 1"),
        pytest.param(lambda: state_values(np.array([[1.1, -0.1], [0, 1]]), [1, 0], 0.1), "state 0", id="negative"),
        pytest.param(lambda: state_values(np.array([[1.0, 0.0]]), [1], 0.1), "1 rows and 2 columns", id="not square"),
        pytest.param(lambda: state_values(np.eye(2), [1], 0.1), "for 2 states", id="rewards too few"),
        pytest.param(
            lambda: state_values(pd.DataFrame(np.eye(2)), pd.Series({0: 1.0}), 0.1), "no reward for 1", id="reward missing"
        ),
        pytest.param(lambda: state_values(np.eye(2), [1, 0], 0.0), "rate = 0", id="no rate, no horizon"),
        pytest.param(lambda: state_values(np.eye(2), [1, 0], 0.1, horizon=-1), "horizon = -1", id="negative horizon"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused(call, part):
    with pytest.raises(ParameterError, match=part):
        call()
