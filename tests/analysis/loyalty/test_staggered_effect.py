"""The effect of the club is found where it is known, and told from everything that only looks like it."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from crmlib.analysis.loyalty.staggered_effect import club_effect
from crmlib.errors import ParameterError, TooLittleData

TRUE = 0.08


def test_the_true_effect_is_found_although_good_customers_join(found):
    assert found.low < TRUE < found.high and found.clear
    assert found.effect == pytest.approx(TRUE, abs=2 * found.error)
    assert found.error < 0.02 and found.p_value < 0.001


def test_nothing_is_found_in_the_months_before(found):
    assert found.before.low < 0 < found.before.high and found.before.p_value > 0.05
    assert found.before.degrees == 3


def test_the_plain_design_takes_being_there_for_an_effect(big_club):
    """Joining proves a customer alive: the plain comparison says more than twice the truth, and its past shows it."""
    plain = club_effect(big_club, known_alive=False)
    assert plain.effect > 2 * TRUE and plain.low > TRUE
    assert plain.before.p_value < 0.001 and plain.before.effect > 0.1


def test_without_leaving_the_plain_design_is_right_too(loyal):
    panel = loyal.drawn(size=20_000, seed=2, leaving=0.0)
    plain = club_effect(panel, known_alive=False)
    assert plain.effect == pytest.approx(TRUE, abs=3 * plain.error)


def test_a_club_without_effect_has_none(loyal):
    none = club_effect(loyal.drawn(size=20_000, seed=4, effect=0.0))
    assert none.low < 0 < none.high and not none.clear


def test_intervals_hold_the_truth_about_as_often_as_they_say(loyal):
    held = [club_effect(loyal.drawn(size=3000, seed=seed, months=30), draws=100) for seed in range(40)]
    assert sum(one.low <= TRUE <= one.high for one in held) >= 34  # 38 expected
    spread = np.std([np.log1p(one.effect) for one in held])
    assert spread == pytest.approx(np.mean([one.error for one in held]), rel=0.35)


def test_purchases_before_joining_show_and_anticipation_takes_them_out(loyal):
    panel = loyal.drawn(size=20_000, seed=6, before=0.5)
    blind = club_effect(panel)
    assert blind.before.p_value < 0.001
    assert blind.by_month.loc[[-2, -1], "low"].min() > 0.2 and blind.by_month.loc[-3, "low"] < 0.1
    assert blind.high < TRUE  # the raised base hides the effect
    careful = club_effect(panel, anticipation=2)
    assert careful.low < TRUE < careful.high
    assert careful.by_month.index.min() == -3 and -2 not in careful.by_month.index


def test_season_and_selection_need_no_matching(big_club, found):
    """Joiners compared within quarters of the year they came in: the same answer."""
    quarter = pd.Series(big_club.customers["begins"] // 12, big_club.customers.index)
    within = club_effect(big_club, strata=quarter)
    assert within.effect == pytest.approx(found.effect, abs=found.error)


def test_months_and_stages_belong_to_the_whole(found):
    months, stages = found.by_month.loc[1:], found.by_stage
    assert list(found.by_month.index) == [-3, -2, -1, *range(1, 13)]
    assert list(stages.index) == ["1 to 3", "4 to 6", "7 to 12"]
    for table in (months, stages):
        assert table["observed"].sum() == pytest.approx(found.observed)
        assert table["expected"].sum() == pytest.approx(found.expected, rel=1e-4)
    assert found.effect == pytest.approx(found.observed / found.expected - 1, rel=1e-4)
    known = found.by_month
    logs = np.log1p(known[["low", "band_low", "effect", "high", "band_high"]])
    wider = (logs["band_high"] - logs["effect"]) / (logs["high"] - logs["effect"])
    assert wider.to_numpy() == pytest.approx(np.full(len(logs), wider.iloc[0]), rel=1e-3)
    assert (logs["effect"] - logs["band_low"]).tolist() == pytest.approx(
        (logs["band_high"] - logs["effect"]).tolist(), abs=1e-4
    )
    # Fifteen months almost independent of each other: 2.93 instead of 1.96 errors (Sidak), a little less.
    assert 1.35 < wider.iloc[0] < 2.93 / 1.96 + 0.03
    assert (known["band_low"] < known["low"]).all() and (known["band_high"] > known["high"]).all()


def test_money_follows_orders(big_club):
    margin = club_effect(big_club, "margin")
    assert margin.low < TRUE < margin.high


def test_units_and_order_of_rows_change_nothing(loyal):
    panel = loyal.drawn(size=3000, seed=8)
    base = club_effect(panel, "margin")
    shuffled = panel.rows.sample(frac=1, random_state=1).assign(margin=lambda rows: rows["margin"] * 100)
    again = club_effect(replace(panel, rows=shuffled), "margin")
    assert (again.effect, again.low, again.high) == (base.effect, base.low, base.high)
    pd.testing.assert_frame_equal(again.by_month[["low", "band_low"]], base.by_month[["low", "band_low"]])


def test_members_before_the_data_change_nothing(loyal):
    panel = loyal.drawn(size=3000, seed=8)
    rows, people = panel.rows, panel.customers
    first = people.iloc[:1].assign(begins=0, joined=-1, proven=35).set_axis(["old"])
    more = pd.DataFrame({"customer": len(people), "month": range(36), "orders": 9.0})
    with_old = replace(panel, customers=pd.concat([people, first]), rows=pd.concat([rows, more]))
    assert with_old.members_before == 1
    assert club_effect(with_old).effect == club_effect(panel).effect


def test_what_cannot_be_answered_is_refused(loyal):
    panel = loyal.drawn(size=300, seed=1)
    with pytest.raises(TooLittleData, match="joiners with 3 months before"):
        club_effect(panel)
    with pytest.raises(ParameterError, match="level"):
        club_effect(panel, level=1.0)
    big = loyal.drawn(size=3000, seed=1)
    lost = replace(big, rows=big.rows.assign(margin=-1.0))
    with pytest.raises(TooLittleData, match="pairs of months"):
        club_effect(lost, "margin")
