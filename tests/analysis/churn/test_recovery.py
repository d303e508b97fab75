"""Recovery of the truth: by hand, and on customers whose lives are drawn here."""

from datetime import date

import numpy as np
import pandas as pd
import pytest

from crmlib.analysis.churn.recovery import (
    chances_beside_truth,
    true_silence,
    truly_gone,
    windows_beside_truth,
)
from crmlib.errors import ParameterError, TooLittleData

DAY = date(2026, 6, 30)


def lives(size=4000, seed=1):
    """Exponential lifetimes and Poisson purchases after a day on which all have been there for two years."""
    rng = np.random.default_rng(seed)
    people = pd.Index([f"C{number:05d}" for number in range(size)], name="customer_id")
    rate, hazard = rng.gamma(2, 2, size) + 0.2, rng.gamma(2, 0.15, size)
    left_after = rng.exponential(1 / hazard) * 365.25 - 730
    ends = pd.Timestamp(DAY) + pd.to_timedelta(np.ceil(left_after), unit="D")
    truth = pd.DataFrame(
        {
            "customer_id": people,
            "lifetime_end": ends.strftime("%Y-%m-%d"),
            "purchase_rate_per_year": rate,
        }
    )
    # Days from DAY to the first purchase afterwards; never, if the customer leaves before.
    waits = rng.exponential(365.25 / rate)
    waits[waits > np.maximum(np.ceil(left_after), 0)] = np.inf
    return truth, people, pd.Series(waits, people), pd.Series(1 - np.exp(-2 * hazard), people)


def test_gone_is_who_left_by_the_end_of_the_day_and_strangers_are_left_out():
    ends = ["2026-06-29", "2026-06-30", "2026-07-01"]
    truth = pd.DataFrame({"customer_id": list("ABC"), "lifetime_end": ends})
    found = truly_gone(truth, pd.Index(["C", "Z", "B", "A"]), DAY)
    assert found.to_dict() == {"C": False, "B": True, "A": True} and found.name == "gone"


def test_windows_by_hand():
    """Ten customers: four left long ago, one leaves on day 40 after buying, five stay and one of these is slow."""
    people = pd.Index(list("ABCDEFGHIJ"), name="customer_id")
    ends = ["2026-01-01"] * 4 + ["2026-08-09"] + ["2030-01-01"] * 5
    truth = pd.DataFrame({"customer_id": people, "lifetime_end": ends})
    silent = pd.DataFrame(
        {30: [True] * 6 + [False] * 4, 90: [True] * 4 + [False] + [True] + [False] * 4}, people
    )
    found = windows_beside_truth(silent.iloc[::-1], truth, DAY)
    assert found.index.tolist() == [30, 90] and found["customers"].tolist() == [10, 10]
    assert found["silent"].tolist() == [0.6, 0.5] and found["gone_before"].tolist() == [0.4, 0.4]
    assert found["gone"].tolist() == [0.4, 0.5]
    assert found["truly_gone"].tolist() == pytest.approx([4 / 6, 4 / 5])
    assert found["found"].tolist() == pytest.approx([1, 4 / 5])
    assert found["false_alarm"].tolist() == pytest.approx([2 / 6, 1 / 5])
    assert ((found["low"] < found["truly_gone"]) & (found["truly_gone"] < found["high"])).all()


def test_longer_silence_tells_more_surely_who_left():
    truth, people, waits, _ = lives()
    silent = pd.DataFrame({days: waits > days for days in (30, 90, 180, 360)}, people)
    found = windows_beside_truth(silent, truth, DAY)
    assert found["truly_gone"].is_monotonic_increasing and found["false_alarm"].is_monotonic_decreasing
    assert found["gone_before"].nunique() == 1 and found["gone"].is_monotonic_increasing


def test_the_true_silence_comes_true():
    truth, people, waits, _ = lives(20_000)
    for days in (30, 180):
        silence = true_silence(truth, people, DAY, days)
        silent = (waits > days).to_numpy()
        assert silence["all_knowing"].mean() == pytest.approx(silent.mean(), abs=0.01)
        tenth = pd.qcut(silence["all_knowing"], 10, labels=False, duplicates="drop")
        come = pd.Series(silent, people).groupby(tenth).mean()
        np.testing.assert_allclose(silence["all_knowing"].groupby(tenth).mean(), come, atol=0.04)
        assert (silence["rate_alone"] <= silence["all_knowing"] + 1e-12).all()


def test_true_chances_of_having_left_agree_with_the_truth_and_false_ones_do_not():
    truth, people, _, gone = lives()
    chances = pd.DataFrame({"true": gone, "halved": gone / 2}, people)
    found = chances_beside_truth(chances, truth, DAY, n_resamples=100)
    table = found.scores.table
    assert table.loc[("true", "slope"), "low"] < 1 < table.loc[("true", "slope"), "high"]
    assert table.loc[("true", "intercept"), "low"] < 0 < table.loc[("true", "intercept"), "high"]
    assert table.loc[("halved", "too_high"), "high"] < 0
    assert found.customers == 4000 and found.gone == pytest.approx(gone.mean(), abs=0.02)
    assert found.reliability.loc["true", "agrees"].sum() >= 8
    assert found.reliability.loc["halved", "agrees"].sum() <= 2
    later = chances_beside_truth(chances, truth, DAY, 365, n_resamples=20)
    assert later.gone > found.gone


def test_without_truth_there_is_nothing_to_say():
    people = pd.Index(["A"], name="customer_id")
    assert windows_beside_truth(pd.DataFrame({30: [True]}, people), None, DAY) is None
    assert chances_beside_truth(pd.DataFrame({"m": [0.5]}, people), None, DAY) is None


def test_a_window_below_zero_and_one_outcome_are_refused():
    truth, people, _, gone = lives(100)
    chances = pd.DataFrame({"m": gone}, people)
    with pytest.raises(ParameterError, match="window_days"):
        chances_beside_truth(chances, truth, DAY, -1)
    with pytest.raises(TooLittleData, match="100 of 100"):
        chances_beside_truth(chances, truth.assign(lifetime_end="2020-01-01"), DAY)
