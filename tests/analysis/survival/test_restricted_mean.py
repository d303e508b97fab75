"""Restricted means: areas by hand, the library's area, and how often the interval holds the truth."""

import numpy as np
import pandas as pd
import pytest

from crmlib.analysis.survival.kaplan_meier import survival_by, survival_curve
from crmlib.analysis.survival.restricted_mean import restricted_mean, restricted_mean_by
from crmlib.errors import ParameterError


def test_published_mean_remission_of_the_treated(remission):
    """Klein & Moeschberger (2003), example 4.1 goes on to 23.29 weeks up to week 35, standard error 2.83."""
    found = restricted_mean(survival_by(remission, "arm")["6-MP"], until=35)
    assert round(found.mean, 2) == 23.29 and round(found.standard_error, 2) == 2.83


def test_without_censoring_it_is_the_plain_mean_and_its_plain_error():
    life = np.array([1.0, 2, 2, 5, 7, 9])
    curve = survival_curve(pd.DataFrame({"duration": life, "ended": True}))
    found = restricted_mean(curve, until=6)
    cut = np.minimum(life, 6)
    assert found.mean == pytest.approx(cut.mean(), rel=1e-5)
    assert found.standard_error == pytest.approx(cut.std() / np.sqrt(6), rel=1e-5)


def test_the_area_is_that_of_the_library(drawn):
    from lifelines import KaplanMeierFitter
    from lifelines.utils import restricted_mean_survival_time

    table = drawn.assign(entry=0)
    theirs = KaplanMeierFitter().fit(table["duration"], table["ended"])
    for until in (3, 12.5, 24):
        expected = restricted_mean_survival_time(theirs, t=until)
        assert restricted_mean(survival_curve(table), until).mean == pytest.approx(expected, rel=1e-5)


def test_groups_are_compared_within_one_horizon(drawn):
    found = restricted_mean_by(drawn.assign(entry=0), "plan").set_index("group")
    assert found["until"].nunique() == 1 and found.loc["B", "low"] > found.loc["A", "high"]
    assert ((found["low"] < found["mean"]) & (found["mean"] < found["high"])).all()


def test_nineteen_in_twenty_intervals_hold_the_truth():
    rng, hits = np.random.default_rng(4), 0
    truth = sum(0.9**age for age in range(12))
    for _ in range(200):
        life, seen = rng.geometric(0.1, 100), rng.integers(1, 40, 100)
        curve = survival_curve(pd.DataFrame({"duration": np.minimum(life, seen), "ended": life <= seen}))
        found = restricted_mean(curve, until=12)
        hits += found.low <= truth <= found.high
    assert 0.90 <= hits / 200 <= 0.985


@pytest.mark.parametrize("until", [0, -2, 36])
def test_a_horizon_beyond_what_was_seen_is_refused(remission, until):
    with pytest.raises(ParameterError, match=f"until = {until}"):
        restricted_mean(survival_curve(remission), until)
