"""How the audit closes: headline, findings and the truth, every case, with numbers worked out by hand."""

from dataclasses import replace
from datetime import date
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from crmlib.analysis.audit.cohorts import Trend
from crmlib.analysis.audit.two_periods import Change
from crmlib.analysis.audit.verdict import Verdict
from crmlib.analysis.period import Period
from crmlib.display.audit import closing

BEFORE = Period(date(2024, 7, 1), date(2025, 6, 30), 12)
YEAR = Period(date(2025, 7, 1), date(2026, 6, 30), 12)
HALF = Period(date(2026, 1, 1), date(2026, 6, 30), 6)
NAN = float("nan")
ASSUMED = ", at an assumed margin of 40% of sales,"


@pytest.fixture
def wb(shops):
    return shops["sales"]


# Health and the headline ------------------------------------------------------------------------


def the_signs(sales=(100_000.0, 104_000.0), active=(1000, 1000), **moves):
    """Sales, active customers and other signs in two periods; the latter with half the width of their interval."""
    rows = {"sales": (*sales, NAN), "active": (*active, NAN), **moves}
    table = pd.DataFrame.from_dict(rows, orient="index", columns=[0, 1, "half"])
    change = table[1] - table[0]
    low, high = change - table["half"], change + table["half"]
    return table.drop(columns="half").assign(change=change, low=low, high=high)


def a_sign(change, half=1.0):
    return (50.0, 50.0 + change, half)


UP, DOWN, UNSURE = a_sign(2.0), a_sign(-2.0), a_sign(0.5)


@pytest.mark.parametrize(
    ("signs", "words"),
    [
        ({"retention": UP, "profit": UNSURE}, "The base is getting healthier: retention rose by more than chance"),
        ({"retention": UP, "profit": UP}, "The base is getting healthier: retention and profit rose by more"),
        ({"carried_old": DOWN, "carried_won": UNSURE},
         "The base is getting weaker: what earlier customers carry over fell by more than chance"),
        ({"per_new": UP, "carried_won": DOWN},
         "Some signs of health rose (sales per new customer) and others fell (what those just won carry over)"),
        ({"profit": a_sign(1.0), "retention": a_sign(-1.0)}, "cannot be told: sales rose by 4.0% and active customers did not"),
        ({"cost": DOWN, "won": UP}, "Whether the base gets healthier cannot be told"),
        ({"retention": a_sign(2.0, NAN), "profit": a_sign(NAN)}, "Whether the base gets healthier cannot be told"),
    ],
)  # fmt: skip
def test_health_follows_the_signs_that_moved_by_more_than_chance(hold, signs, words):
    hold(closing.health(the_signs(**signs)), words)


@pytest.mark.parametrize(("known", "factor"), [(1, 1.0), (2, 1.1436), (3, 1.2214), (4, 1.2744), (5, 1.3142)])
@pytest.mark.parametrize("way", [1, -1])
def test_the_more_signs_are_looked_at_the_further_one_has_to_move(hold, known, factor, way):
    """Normal quantiles of 1 - 0.025 / k, from a table: 1.960, 2.241, 2.394, 2.498, 2.576; divided by 1.96."""
    names = ["retention", "carried_old", "carried_won", "per_new", "profit"][:known]
    for move, told in ((factor - 0.002, False), (factor + 0.002, True)):
        signs = the_signs(**dict.fromkeys(names, a_sign(0.0)) | {names[-1]: a_sign(way * move)})
        said = hold(closing.health(signs))
        assert (f"getting {'healthier' if way > 0 else 'weaker'}" in said) == told
        assert ("cannot be told" in said) != told


@pytest.mark.parametrize(
    ("was", "now", "words"),
    [(100_000.0, 96_000.0, "sales fell by 4.0%"), (1000.0, 1000.4, "sales did not change"), (1000.0, 1001.0, "sales rose by 0.1%"),
     (0.0, 5.0, "sales did not change"), (50.0, 100.0, "sales rose by 100.0%")],
)  # fmt: skip
def test_where_health_cannot_be_told_sales_and_customers_are(hold, was, now, words):
    said = hold(
        closing.health(the_signs(sales=(was, now), active=(800, 600))),
        words,
        "and active customers fell by 25.0%",
    )
    assert said.endswith("but no sign of health moved by more than chance explains")


CHANGE = Change(pd.DataFrame(), pd.DataFrame(), 230, 240, 0.453, (0.38, 0.52), (0.0, 0.0))
WEAKER = "getting weaker: profit fell by more than chance."


@pytest.mark.parametrize(
    ("state", "need", "period", "parts"),
    [
        ("closed", {"won": 0}, YEAR, ("Nobody new was won in the 12 months to", "£82.0k in the next 12 months", "£100k")),
        ("closed", {"won": 1}, YEAR, ("Hardly anybody new was won in the 12 months to", "£82.0k", "£100k")),
        ("closed", {"won": 5, "per_new": -3.0}, YEAR, ("Those won sent back as much as they bought in the 12 months",)),
        ("renews", {"existing": 106_000.0}, YEAR, (f"{WEAKER} In the next 12 months", "alone", "£106k", "£100k")),
        ("open", {"ends": (-3.0, 250.0)}, YEAR, (f"{WEAKER} Holding", "next 12 months", "120 new customers",
                                                 "0 to 250", "100 were won in the 12 months to 30 June 2026")),
        ("open", {"existing": 99_850.0}, YEAR, ("about 1 new customer (95%",)),
        ("unknown", None, HALF, ("cannot be told yet", "45% of the active", "6 months to 30 June 2026", "season")),
        ("unknown", None, YEAR, (f"{WEAKER} What the next period needs cannot be told",)),
    ],
)  # fmt: skip
@pytest.mark.parametrize("missed", [False, True])
def test_the_headline_says_as_much_as_the_data_allow(wb, hold, a_need, state, need, period, parts, missed):
    judged = Verdict(state, missed, 133.0, NAN, NAN, (NAN, NAN), 12, 900.0)
    told = None if need is None else a_need(**need)
    text = hold(closing.headline(wb, judged, the_signs(profit=DOWN), CHANGE, told, period), *parts)
    assert ("missed the last time" in text) == (missed and need is not None) and "−" not in text


# Findings ---------------------------------------------------------------------------------------


@pytest.fixture
def found(wb):
    """The findings on forty who earn £50 each, one who earns nothing and some who lose; seven earn half."""

    def find(latest=YEAR, gain=200.0, interval=(50.0, 350.0), losses=(-40.0,) * 4, just_won=0, silence=(24, 60),
             gone=(120, 0.3), next_orders=(0.41, 0.74), line=None, parts=(1, 1, 1, 2, 2, 3, 5, 7, 8, 10),
             who="won before 1 July 2024", assumed=""):  # fmt: skip
        now = pd.DataFrame({"profit": [50.0] * 40 + [0.0] + list(losses)})
        days = ["2025-06-30"] * 41 + ["2025-07-01"] * just_won + [None] * (len(losses) - just_won)
        now["won_on"] = pd.to_datetime(days)
        bridge = pd.DataFrame({"profit_before": [1000.0, 400.0], "profit_now": [1400.0 + gain, 0.0]})
        bridge["change"] = bridge["profit_now"] - bridge["profit_before"]
        change = replace(CHANGE, bridge=bridge, profit_interval=interval)
        moved = pd.DataFrame({"before": 1.0, "now": [1.1, 1.2, 0.9, 1.0], "contribution": [70.0, 230.0, -100.0, 0.0]},
                             index=["customers", "orders", "order_value", "margin"])  # fmt: skip
        luck = pd.DataFrame({"customers": gone[0], "observed": gone[1], "by_chance": 0.2}, index=["gone"])
        curve = pd.DataFrame(
            {"days_90": 0.5 * np.array(next_orders), "days_180": next_orders, "days_365": NAN}
        )
        curve = curve.assign(days_180_low=curve["days_180"] - 0.03, days_180_high=curve["days_180"] + 0.03)
        curve.index += 1  # the number of the order
        counts = pd.DataFrame({"customers": list(parts)})
        return closing.findings(
            wb,
            now,
            counts,
            change,
            moved,
            luck,
            silence,
            curve,
            line,
            (YEAR, BEFORE, latest),
            who,
            30,
            assumed,
        )

    return find


@pytest.mark.parametrize(
    ("losses", "just_won", "parts"),
    [
        ((-40.0,) * 4, 0, ("7 of 45 customers earn as much as half", "4 customers lose £160, half of it just 2 of them.")),
        ((-10.0, -100.0, -30.0, -20.0), 1, ("4 customers lose £160, half of it just 1 of them.", "1 of those who lose was only just won.")),
        ((-40.0,) * 4, 3, ("half of it just 2 of them.", "3 of those who lose were only just won.")),
        ((-160.0,), 0, ("7 of 42 customers earn", "1 customer loses £160.")),
    ],
)  # fmt: skip
def test_few_who_earn_and_those_who_lose_are_both_counted(hold, found, losses, just_won, parts):
    # 40 at 50 less 160 are 1,840; a twentieth of that is 92, less than the 160 lost.
    said, meaning = found(losses=losses, just_won=just_won)[0]
    assert ("just won" in hold(said, *parts)) == bool(just_won)
    hold(meaning, "Know the 7 and the", "by name", "list of customers")


def test_losses_below_a_twentieth_of_the_profit_are_passed_over(hold, found):
    # 4 at 20 are 80 of 1,920, and a twentieth of that is 96.
    said, meaning = found(losses=(-20.0,) * 4)[0]
    assert "lose" not in hold(said, "7 of 45 customers earn half of the profit of the 12 months")
    hold(meaning, "in common")
    hold(found(losses=(), parts=(1, 0, 0, 0, 0, 2))[0][0], "1 of 41 customers earns half")


def test_where_all_together_lose_money_more_of_them_are_no_help(hold, found):
    # 40 at 50 less 4 at 700 are −800.
    said, meaning = found(losses=(-700.0,) * 4, parts=())[0]
    assert "−" not in hold(said, "together lost £800 in the 12 months to 30 June 2026", "4 of 45 lose money.")
    hold(meaning, "make the loss larger")


@pytest.mark.parametrize(
    ("latest", "gain", "interval", "parts", "meaning"),
    [
        (YEAR, 200.0, (0.5, 399.5), ("rose by £200", "£1,600", "12 months to"), "Ask what is behind it."),
        (YEAR, -600.0, (-1199.5, -0.5), ("fell by £600", "£800"), "Ask what is behind it."),
        (YEAR, 200.0, (-50.0, 450.0), ("rose by £200", "£1,600"), "nothing to explain yet"),
        (YEAR, 0.0, (-50.0, 50.0), ("did not change and stands at £1,400",), "nothing to explain yet"),
        (HALF, 200.0, (50.0, 350.0), ("rose by £200", "£1,600", "6 months to 30 June 2026"), "time of year"),
    ],
)
def test_only_more_than_chance_is_explained(hold, found, latest, gain, interval, parts, meaning):
    said, means = found(latest, gain, interval)[1]
    text = hold(said, *parts, "more orders each added £230, a lower order value took £100")
    assert text.startswith(f"Profit {parts[0]}")
    hold(means, meaning)
    hold(found(latest, gain, interval, assumed=ASSUMED)[1][0], f"Profit{ASSUMED} {parts[0]}")


@pytest.mark.parametrize(
    ("silence", "parts", "meaning"),
    [((24, 60), ("Of those who had fallen silent", "40% bought again"), "a group that is left alone"),
     ((12, 30), ("Of those who had fallen silent", "40% bought again"), "a group that is left alone"),
     ((10, 29), ("Between alternate weeks 20% are missing",), "not proof of a loss"),
     (None, ("Between alternate weeks 20% are missing",), "not proof of a loss"),
     ((0, 0), ("Between alternate weeks 20% are missing",), "not proof of a loss")],
)  # fmt: skip
def test_silence_is_set_beside_those_who_return_or_beside_luck(hold, found, silence, parts, meaning):
    said, means = found(silence=silence)[2]
    hold(
        said,
        "Of the customers won before 1 July 2024, 30% of those active in the 12 months to 30 June 2025",
        *parts,
    )
    hold(means, meaning)
    hold(
        found(silence=silence, who="who may be old")[2][0],
        "Of the customers who may be old, 30% of those active",
    )
    for gone in ((29, 0.3), (0, NAN), (120, 0.0)):
        assert found(silence=silence, gone=gone)[2] is None


def test_where_fewer_go_on_after_the_first_order_it_is_a_finding(hold, found):
    said, meaning = found(next_orders=(0.41, 0.6, 0.74, NAN))[3]
    hold(said, "41% ordered a second time within 180 days", "3 orders, 74%")
    hold(meaning, "Fewer order again after the first order")
    hold(found(next_orders=(0.41, 0.48))[3][0], "41%", "2 orders, 48%")  # 0.44 lies below 0.45
    for shares in ((0.41, 0.46), (0.5, 0.4), (0.5,), (NAN, NAN), ()):  # 0.44 lies above 0.43
        assert found(next_orders=shares)[3] is None


@pytest.mark.parametrize(
    ("line", "parts", "meaning"),
    [
        (
            (-8.0, -20.0, 4.0),
            ("cannot be told", "£8.00 less", "£20.00 less to £4.00 more"),
            "change of £12.00 a year would be noticed",
        ),
        ((-0.8, -1.2, -0.4), ("£0.80 less", "£1.20 less to £0.40 less"), "what new customers are offered"),
        ((0.8, 0.4, 1.2), ("£0.80 more", "£0.40 more to £1.20 more"), "what made them better"),
    ],
)
def test_a_trend_is_told_in_words_with_its_range(hold, found, line, parts, meaning):
    said, means = found(line=Trend(line[0], line[1:], pd.Series(dtype=float)))[4]
    hold(said, *parts)
    hold(means, meaning)
    assert found(line=None)[4] is None


# The truth --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (None, "before the data."),
        ((-8.0, -0.5), "worth less, too."),
        ((-12.0, 4.0), "not show it for certain"),
        ((-12.0, 0.0), "not show it for certain"),
        ((0.5, 8.0), "finds the opposite"),
    ],
)
def test_the_truth_counts_who_had_left_by_the_last_day(wb, hold, line, words):
    """Of five called lost, one left before the last day, one on it, and three later; others do not count."""
    data = SimpleNamespace(as_of=date(2026, 6, 30))
    ends = ["2026-06-29", "2026-06-30", "2026-07-01", "2031-01-01", "2027-01-01", "2026-01-01"]
    people = pd.DataFrame({"customer_id": list("abcdef"), "lifetime_end": ends})
    cohorts = pd.DataFrame({"hazard_factor": ["1.0", "1.1", "1.337"]})
    groups = pd.DataFrame({"group": ["lost"] * 5 + ["retained"]}, index=list("abcdef"))
    simulated = SimpleNamespace(data=data, say=wb.say)
    trend = Trend(-4.0, line, pd.Series(dtype=float)) if line else None
    said = closing.against_truth(simulated, people, cohorts, replace(CHANGE, customers=groups), trend)
    assert words in hold(said, "5 customers", "40% had really left", "1.34 times")
    assert ("line through" in str(said)) == (line is not None)
    alike = closing.against_truth(
        simulated, people, cohorts.assign(hazard_factor="1.0"), replace(CHANGE, customers=groups), trend
    )
    assert "line through" not in hold(alike, "40% had really left", "1.00 times")
    nobody = replace(CHANGE, customers=groups[groups["group"] == "retained"])
    assert closing.against_truth(simulated, people, cohorts, nobody, trend) is None


@pytest.mark.parametrize(("people", "cohorts"), [(None, pd.DataFrame()), (pd.DataFrame(), None)])
def test_real_companies_have_no_truth_to_compare_with(wb, people, cohorts):
    assert closing.against_truth(wb, people, cohorts, CHANGE, None) is None
