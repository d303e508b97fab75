"""The rule that decides whether an assumption holds."""

import numpy as np
import pytest

from crmlib.analysis.clv.trust.departures import AFFECTS, Check, check_options, for_simple, ratio_holds
from crmlib.errors import ParameterError


@pytest.mark.parametrize(
    ("ratio", "low", "high", "holds"),
    [(1.0, 0.9, 1.1, True), (1.1, 1.05, 1.2, True), (1.3, 1.2, 1.4, False), (0.7, 0.6, 0.79, False),
     (1.2, 1.1, 1.3, None), (1.3, 0.9, 1.8, None), (0.7, 0.4, 1.2, None), (np.nan, np.nan, np.nan, None)],
)  # fmt: skip
def test_the_rule(ratio, low, high, holds):
    assert ratio_holds(ratio, low, high, 1.25) is holds


@pytest.mark.parametrize("limit", [1.05, 1.25, 3.0])
def test_a_ratio_and_its_inverse_are_judged_alike(limit):
    rng = np.random.default_rng(1)
    for _ in range(200):
        low, ratio, high = np.sort(np.exp(0.4 * rng.standard_normal(3)))
        assert ratio_holds(ratio, low, high, limit) is ratio_holds(1 / ratio, 1 / high, 1 / low, limit)


def test_a_narrower_interval_never_turns_a_verdict_around():
    for ratio in np.linspace(0.5, 2, 31):
        verdicts = [
            ratio_holds(ratio, ratio / reach, ratio * reach, 1.25) for reach in (3, 2, 1.5, 1.2, 1.05, 1.001)
        ]
        told = [verdict for verdict in verdicts if verdict is not None]
        assert len(set(told)) <= 1 and verdicts[: len(verdicts) - len(told)] == [None] * (
            len(verdicts) - len(told)
        )


def test_a_check_knows_what_it_moves():
    for name, affects in AFFECTS.items():
        unknown = Check.unknown(name, 1.2, {"months": 3})
        assert (unknown.name, unknown.affects, unknown.holds, unknown.limit) == (name, affects, None, 1.2)
        assert np.isnan([unknown.statistic, unknown.low, unknown.high]).all()
        assert unknown.numbers == {"months": 3}


@pytest.mark.parametrize(
    ("level", "limit", "least"), [(95, 1.2, 1), (0, 1.2, 1), (0.9, 1.0, 1), (0.9, np.nan, 1), (0.9, 0, 0)]
)
def test_options_that_cannot_be_are_refused(level, limit, least):
    with pytest.raises(ParameterError):
        check_options(level, limit, least)


@pytest.mark.parametrize(("days", "season"), [(3 * 365.25, False), (2.5 * 365.25, True)])
def test_beside_a_simple_forecast_the_checks_of_models_touch_chances_and_new_customers_alone(days, season):
    checks = [Check.of(name, 2.0, 1.8, 2.2, 1.25, False, {}) for name in AFFECTS if name != "rehearsal"]
    moved = {check.name: set(check.affects) for check in for_simple(checks, days)}
    for name in ("stationarity", "censoring", "regularity"):
        assert not moved[name] & {"money", "orders", "total"}
    assert moved["spend"] == set(AFFECTS["spend"]) and {"orders", "total"} <= moved["season"]
    assert ("prospect" in moved["season"]) == season
    assert all(moved[check.name] <= set(check.affects) and check.holds is False for check in checks)
