"""Windows: where they come from, when they give way, and when there are none."""

from datetime import date, timedelta

import pandas as pd
import pytest

from crmlib.analysis.churn.rhythm import Rhythm
from crmlib.analysis.churn.windows import choose_windows, in_words, rolling_days, whole_length
from crmlib.errors import ParameterError, TooLittleData

AS_OF = date(2026, 6, 30)


def rhythm(*days):
    """Tenths of those who come back, at so many days each; four in five come back."""
    shares = [0.8 * (place + 1) / len(days) for place in range(len(days))]
    curve = pd.DataFrame({"days": days, "share": shares})
    return Rhythm(pd.DataFrame(), curve, 0.8, pd.DataFrame(), 100, 500)


REGULAR = rhythm(5, 10, 15, 20, 25, 30, 40, 60, 100, 130)


def start(days):
    return AS_OF - timedelta(days=days - 1)


def test_the_outcome_window_waits_for_nine_in_ten_and_the_eligible_for_nearly_all():
    found = choose_windows(REGULAR, start(2000), AS_OF)
    assert (found.outcome_days, found.eligible_days) == (121, 152)  # 100 and 130 days: four and five months
    assert found.step_days == 121
    assert "90% do so within 100 days" in found.chosen.loc["outcome", "reason"]
    assert found.definition == (
        "churned: bought in the 5 months up to a day, and nothing in the 4 months after it"
    )


def test_all_snapshots_lie_within_the_data():
    for length in (500, 800, 1500):
        found = choose_windows(REGULAR, start(length), AS_OF)
        assert found.days[-1] + timedelta(days=found.outcome_days) == AS_OF
        assert found.days[0] - timedelta(days=found.eligible_days - 1) >= found.first
        steps = {(two - one).days for one, two in zip(found.days, found.days[1:], strict=False)}
        assert steps == {found.step_days}
        assert (found.days[-1] - found.days[0]).days + found.outcome_days >= 3 * found.outcome_days


def test_short_data_make_short_windows_and_say_so():
    found = choose_windows(REGULAR, start(300), AS_OF)
    assert found.outcome_days == 56  # a fifth of 300 days, in whole weeks
    assert found.eligible_days >= found.outcome_days
    assert "must fit into 300 days of data" in found.chosen.loc["outcome", "reason"]
    assert found.eligible_days + 4 * found.outcome_days <= 300


def test_half_steps_where_few_windows_fit():
    found = choose_windows(REGULAR, start(700), AS_OF)
    assert found.step_days * 2 >= found.outcome_days  # two steps leave no day to two windows
    assert "half an outcome window" in found.chosen.loc["step", "reason"]


def test_own_windows_are_taken_as_they_are():
    found = choose_windows(REGULAR, start(700), AS_OF, outcome_days=90, eligible_days=200, step_days=30)
    assert (found.outcome_days, found.eligible_days, found.step_days) == (90, 200, 30)
    assert set(found.chosen["reason"]) == {"stated in the parameters"}
    # A year is known before the first of them.
    assert found.days[0] == AS_OF - timedelta(days=90 + 30 * ((700 - 90 - 340) // 30))
    assert len(choose_windows(REGULAR, start(4000), AS_OF).days) == 12


@pytest.mark.parametrize(
    "options", [{"outcome_days": 700}, {"eligible_days": 650}, {"outcome_days": 400, "eligible_days": 301}]
)
def test_windows_longer_than_the_data_are_refused(options):
    with pytest.raises(TooLittleData, match="700 days of data"):
        choose_windows(REGULAR, start(700), AS_OF, **options)


def test_a_month_of_data_is_too_little():
    with pytest.raises(TooLittleData, match="5 windows of four weeks or more"):
        choose_windows(REGULAR, start(30), AS_OF)


def test_a_silence_of_days_is_no_leaving_however_quick_the_rhythm():
    curve = pd.DataFrame({"days": [2, 5, 9], "waiting": [100, 50, 9], "share": [0.5, 0.9, 0.97]})
    quick = Rhythm(curve, curve, 0.97, curve, 100, 900)
    found = choose_windows(quick, start(700), AS_OF)
    assert found.outcome_days == 28 and "no less than 4 weeks" in found.chosen.loc["outcome", "reason"]
    assert (
        choose_windows(quick, start(700), AS_OF, outcome_days=14).outcome_days == 14
    )  # whoever states it may


@pytest.mark.parametrize(
    "options", [{"outcome_days": -1}, {"snapshots": 0}, {"share": 1.0}, {"step_days": -7}]
)
def test_choices_out_of_range_are_refused(options):
    with pytest.raises(ParameterError):
        choose_windows(REGULAR, start(700), AS_OF, **options)


@pytest.mark.parametrize("length", [2000, 600, 300])
def test_features_look_back_no_further_than_the_first_snapshot_can(length):
    found = choose_windows(REGULAR, start(length), AS_OF)
    known = (found.days[0] - found.first).days + 1
    assert all(one * 30.4 <= known or one == 1 for one in found.look_back_months)
    assert found.look_back_months[-1] <= 12
    if length == 2000:
        assert found.look_back_months == (3, 12)


def test_lengths_are_whole_and_said_in_words():
    assert [in_words(whole_length(days, up=True)) for days in (3, 20, 62, 100, 365, 366)] == [
        "1 week", "3 weeks", "3 months", "4 months", "12 months", "13 months",
    ]  # fmt: skip
    assert [in_words(days) for days in (1, 7, 30, 45, 730)] == [
        "1 day",
        "1 week",
        "30 days",
        "45 days",
        "24 months",
    ]


def test_no_snapshot_fits():
    assert rolling_days(start(50), AS_OF, 30, 30, 10) == ()
    assert rolling_days(start(60), AS_OF, 30, 30, 10) == (AS_OF - timedelta(days=30),)
