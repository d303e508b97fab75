"""Models against the curve: the published example, hold-out, late entry, and a constant rate where it is true."""

import numpy as np
import pandas as pd
import pytest

from crmlib.analysis.survival.against_curve import models_against_curve
from crmlib.errors import ParameterError, TooLittleData

# Fader & Hardie (2007), table 1: per cent of 1,000 customers who survive years 0 to 12.
REGULAR = [1000, 631, 468, 382, 326, 289, 262, 241, 223, 207, 194, 183, 173]
HIGH_END = [1000, 869, 743, 653, 593, 551, 517, 491, 468, 445, 427, 409, 394]


def lives(survivors):
    ends = -np.diff(survivors)
    last = len(ends)
    duration = np.append(np.repeat(np.arange(1, last + 1), ends), np.full(survivors[-1], last))
    return pd.DataFrame({"entry": 0, "duration": duration, "ended": np.arange(len(duration)) < ends.sum()})


@pytest.mark.parametrize(("survivors", "alpha", "beta"), [(REGULAR, 0.704, 1.182), (HIGH_END, 0.668, 3.806)])
def test_published_fader_hardie_2007_fit_on_seven_years(survivors, alpha, beta):
    found = models_against_curve(lives(survivors), fitted_until=7)
    assert found.alpha == pytest.approx(alpha, abs=5e-4) and found.beta == pytest.approx(beta, abs=6e-4)
    assert found.table["survival"].tolist() == pytest.approx([count / 1000 for count in survivors[1:]])
    summary = found.summary.set_index(["model", "part"])
    assert summary.loc[("sbg", "held out"), "ages"] == 5 and summary.loc[("sbg", "fitted"), "inside"] == 7
    assert abs(summary.loc[("sbg", "held out"), "largest_gap"]) < 0.03
    assert summary.loc[("constant", "held out"), "inside"] == 0
    assert (found.table["held_out"] == (found.table["age"] > 7)).all()


def test_what_happens_after_the_fitted_ages_changes_no_parameter():
    table = lives(HIGH_END)
    later = table["duration"] > 7
    changed = table.assign(ended=table["ended"] & ~later, duration=table["duration"].where(~later, 12))
    one, two = (models_against_curve(t, fitted_until=7) for t in (table, changed))
    assert (one.alpha, one.beta, one.constant_rate) == (two.alpha, two.beta, two.constant_rate)


@pytest.mark.parametrize("late", [False, True])
def test_the_mixture_that_was_drawn_is_found_also_with_late_entry(late):
    rng = np.random.default_rng(6)
    size = 40_000
    life = rng.geometric(rng.beta(0.8, 4.0, size))
    entry = rng.integers(0, 8, size) if late else np.zeros(size, dtype=int)
    table = pd.DataFrame({"entry": entry, "duration": np.minimum(life, 24), "ended": life <= 24})
    table = table[table["duration"] > table["entry"]]
    found = models_against_curve(table, fitted_until=12)
    assert found.alpha == pytest.approx(0.8, rel=0.12) and found.beta == pytest.approx(4.0, rel=0.12)
    held = found.summary.set_index(["model", "part"]).loc[("sbg", "held out")]
    assert held["inside"] >= 10 and found.from_age == 0


def test_where_all_have_the_same_rate_the_constant_one_is_inside_and_sbg_says_they_hardly_differ():
    rng = np.random.default_rng(9)
    life = rng.geometric(0.1, 3000)
    found = models_against_curve(
        pd.DataFrame({"entry": 0, "duration": np.minimum(life, 20), "ended": life <= 20})
    )
    assert found.fitted_until == 10 and found.constant_rate == pytest.approx(0.1, abs=0.006)
    inside = found.summary.set_index(["model", "part"])["inside"]
    assert inside["constant", "held out"] >= 8
    assert found.at_edge or found.alpha + found.beta > 30


def test_ages_that_hardly_anybody_reached_are_not_judged():
    table = pd.concat([lives(REGULAR), pd.DataFrame({"entry": 0, "duration": [15] * 4, "ended": False})])
    found = models_against_curve(table, fitted_until=7).table.set_index("age")
    assert (
        found["at_risk"][13] == 4
        and found["sbg_inside"][13:].isna().all()
        and found["sbg_inside"][:12].notna().all()
    )


def test_what_cannot_be_is_refused():
    with pytest.raises(ParameterError, match="fitted_until = 2"):
        models_against_curve(lives(REGULAR), fitted_until=2)
    with pytest.raises(ParameterError, match="fitted_until = 13, with ages up to 12"):
        models_against_curve(lives(REGULAR), fitted_until=13)
    late = pd.DataFrame({"entry": 0, "duration": [8] * 50, "ended": True})
    with pytest.raises(TooLittleData, match="no end up to age 4"):
        models_against_curve(late, fitted_until=4)


def test_telco_is_compared_at_ages_the_models_have_not_seen(telco):
    from crmlib.analysis.survival.durations import contract_durations

    found = models_against_curve(contract_durations(*telco).table, fitted_until=36)
    assert found.table["age"].max() == 72 and set(found.summary["part"]) == {"fitted", "held out"}
    # Two years' plans end late: the constant rate expects too few to stay, sBG, fitted to the first half, too many.
    gaps = found.summary.set_index(["model", "part"])["largest_gap"]
    assert gaps["constant", "held out"] < 0 < gaps["sbg", "held out"]
    assert abs(gaps["sbg", "fitted"]) < 0.02 < 0.05 < abs(gaps["sbg", "held out"])
