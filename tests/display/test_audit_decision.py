"""What the audit advises and how it closes: every case of the wording, with numbers worked out by hand."""

from dataclasses import replace
from datetime import date
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from crmlib.analysis.audit.cohorts import Trend
from crmlib.analysis.audit.next_period import NextPeriod, Rehearsal
from crmlib.analysis.audit.two_periods import Change
from crmlib.analysis.audit.verdict import Verdict
from crmlib.analysis.period import Period
from crmlib.display.audit import closing, decision, outlook

BEFORE = Period(date(2024, 7, 1), date(2025, 6, 30), 12)
YEAR = Period(date(2025, 7, 1), date(2026, 6, 30), 12)
HALF = Period(date(2026, 1, 1), date(2026, 6, 30), 6)
NAN = float("nan")


@pytest.fixture
def wb(shops):
    return shops["sales"]


def a_need(existing=82_000.0, ends=(90.0, 150.0), won=100, per_new=150.0):
    """£100,000 to hold. Today's customers bring a known part of it, give or take £12,000; a new one £150."""
    groups = pd.DataFrame({"customers": [400], "sales": [90_000.0], "expected": [existing]}, index=["old"])
    needed = (100_000.0 - existing) / per_new
    around = (existing - 12_000.0, existing + 12_000.0)
    return NextPeriod(groups, 100_000.0, existing, around, per_new, won, 0.0, needed, ends, 0.62)


NOBODY = a_need(ends=(NAN, NAN), won=0, per_new=NAN)
UNPRICED = Verdict("open", False, 133.0, NAN, NAN, (NAN, NAN), 12, 900.0)


# Lens five --------------------------------------------------------------------------------------


def test_the_title_of_the_need_names_both_sums(wb, hold):
    hold(outlook.need_title(wb, a_need()), "Without new customers", "come to £82.0k after £100k")


@pytest.mark.parametrize(
    ("need", "parts"),
    [
        (a_need(), ("sell £100k again, 120 customers", "90 to 150", "100 were won in the 12 months to 30 June 2026",
                    "£150.00", "62% of the uncertainty")),
        (a_need(ends=(-30.4, 270.4)), ("120 customers", "0 to 270", "100 were won")),
        (a_need(106_000.0, ends=(-90.0, -10.0)), ("alone", "£106k", "£94.0k to £118k", "more than the £100k",
                                                  "100 were won", "£150.00")),
        (NOBODY, ("Nobody was won in the 12 months to 30 June 2026", "£82.0k", "£70.0k to £94.0k", "£100k")),
    ],
)  # fmt: skip
def test_what_must_be_won_is_never_below_nothing(wb, hold, need, parts):
    (said,) = outlook.needs(wb, need, None, YEAR)
    assert "−" not in hold(said, *parts)


@pytest.mark.parametrize(
    ("actual", "same", "parts"),
    [
        (95_000.0, 105_000.0, ("A rehearsal:", "became £95.0k", "would have said £105k.")),
        (95_000.0, 100_000.0, ("A rehearsal:", "became £95.0k", "would have said £100k.")),
        (100_000.0, 200_000.0, ("A rehearsal:", "became £100k", "would have said £200k.")),
        (95_000.0, 96_000.0, ("A rehearsal:", "became £95.0k", "£96.0k, would have come closer.")),
        (104_000.0, 120_000.0, ("A rehearsal missed:", "became £104k, outside", "£120k, would have been further off.")),
        (104_000.0, 103_000.0, ("A rehearsal missed:", "became £104k, outside", "£103k, would have come closer.")),
        (79_000.0, 78_000.0, ("A rehearsal missed:", "became £79.0k, outside", "£78.0k", "not with its middle.")),
    ],
)  # fmt: skip
def test_a_rehearsal_is_judged_by_its_range_and_beside_the_period_before(wb, hold, actual, same, parts):
    test = Rehearsal(90_000.0, (80_000.0, 100_000.0), actual, same)
    first, said = outlook.needs(wb, a_need(), test, YEAR)
    hold(first, "120 customers")
    hold(said, parts[0], "£90.0k (£80.0k to £100k)", *parts[1:])


# The decision -----------------------------------------------------------------------------------


def test_figures_of_the_next_period_are_not_below_zero_and_unknown_without_it():
    figures = decision.figures_of(a_need(106_000.0, ends=(-90.0, -10.0)))
    assert (figures["needed"], figures["low"], figures["high"], figures["won"]) == (0, 0, 0, 100)
    assert (figures["target"], figures["existing"], figures["gap"]) == (100_000, 106_000, -6_000)
    assert (figures["bottom"], figures["top"]) == (94_000, 118_000)
    nothing = decision.figures_of(None)
    assert set(nothing) == set(figures) and set(nothing.values()) == {None}
    assert np.isnan(decision.figures_of(NOBODY)["needed"])


@pytest.mark.parametrize(
    ("need", "state", "parts"),
    [
        (a_need(), "wears out", ("Win more than now.", "120 new customers", "90 to 150; 133 if only", "100 were won")),
        (a_need(), "open", ("Win more than now.", "120 new customers")),
        (a_need(88_000.0), "open", ("Win about as many as now.", "80 new customers", "100 were won")),
        (a_need(85_000.0), "open", ("Win about as many as now.", "100 new customers", "100 were won")),
        (a_need(97_000.0, ends=(-5.0, 45.0)), "renews", ("20 new customers", "0 to 45", "100 were won")),
    ],
)  # fmt: skip
def test_the_advice_sets_the_number_needed_beside_the_number_won(wb, hold, need, state, parts):
    act, _ = decision.decision(wb, replace(UNPRICED, state=state), need, 100_000.0, YEAR)
    text = hold(act, parts[0], *parts[1:], "12 months to 30 June 2026")
    assert "next 12 months" in text and "that winning one cost" not in text and "−" not in text


def test_the_cost_of_winning_gives_a_budget_and_numbers_below_zero_are_shown_as_none(wb, hold):
    judged = replace(UNPRICED, cost=40.0, latest=-12.0)
    act, _ = decision.decision(wb, judged, a_need(), 100_000.0, YEAR)
    hold(act, "0 if only the latest", "£40.00 that winning one cost", "£4,800")  # 120 customers at £40


@pytest.mark.parametrize(
    ("per_new", "words"),
    [(150.0, "£900 of sales, as much as 6 new customers bring."), (NAN, "£900 of sales.")],
)
def test_keeping_is_weighed_in_sales_and_in_new_customers_where_these_are_known(wb, hold, per_new, words):
    state = "open" if per_new > 0 else "closed"
    need = a_need() if per_new > 0 else NOBODY
    act, _ = decision.decision(wb, replace(UNPRICED, state=state), need, 100_000.0, YEAR)
    assert hold(act, "one point more", words).endswith(words)


def test_where_nobody_was_won_the_gap_is_named_and_no_number_of_customers(wb, hold):
    act, wait = decision.decision(wb, replace(UNPRICED, state="closed"), NOBODY, 100_000.0, YEAR)
    hold(act, "Decide whether customers shall be won again.", "£18.0k less than now")
    hold(wait, "£82.0k", "£70.0k to £94.0k", "after £100k")


@pytest.mark.parametrize(
    ("period", "words"),
    [(HALF, "Set no target for new customers yet: two whole years"), (YEAR, "Set no target for new customers from")],
)  # fmt: skip
def test_without_a_forecast_no_target_is_set(wb, hold, period, words):
    judged = replace(UNPRICED, state="unknown", latest=NAN, point=NAN)
    act, wait = decision.decision(wb, judged, None, 12_345.0, period)
    assert "Keeping" not in hold(act, words, "cannot be seen yet")
    hold(wait, "£12.3k of the", period.in_words, "no guide")


def test_doing_nothing_is_winning_as_many_or_nobody(wb, hold):
    _, wait = decision.decision(wb, UNPRICED, a_need(), 100_000.0, YEAR)
    # 82,000 and 100 customers at 150 are 97,000, give or take 12,000.
    hold(wait, "now (100)", "£97.0k", "£85.0k to £109k", "nobody is won", "£82.0k (£70.0k to £94.0k)")


@pytest.mark.parametrize(
    ("cost", "worth", "interval", "parts"),
    [
        (NAN, NAN, (NAN, NAN), ("cannot be seen yet",)),
        (40.0, NAN, (NAN, NAN), ("cannot be seen yet",)),
        (
            NAN,
            55.0,
            (20.0, 90.0),
            ("brought £55.00 each in their first 9 months", "may not cost more than that"),
        ),
        (40.0, 55.0, (0.5, 109.5), ("has paid", "£55.00", "9 months", "£0.50 to £110", "Most brought")),
        (40.0, -55.0, (-109.5, -0.5), ("has not paid within 9 months", "−£55.00", "−£110 to −£0.50")),
        (40.0, 55.0, (-20.0, 130.0), ("Whether winning pays within 9 months", "£55.00", "−£20.00 to £130")),
    ],
)
def test_what_a_customer_brings_is_set_beside_the_cost_of_winning(wb, hold, cost, worth, interval, parts):
    judged = replace(UNPRICED, cost=cost, worth=worth, worth_interval=interval, worth_months=9)
    hold(decision.decision(wb, judged, a_need(), 100_000.0, YEAR)[0], *parts)


# Headline and findings --------------------------------------------------------------------------


def the_signs(**ends):
    return pd.DataFrame.from_dict(ends, orient="index", columns=["low", "high"])


UP, DOWN, UNSURE = (0.01, 0.05), (-0.05, -0.01), (-0.05, 0.05)


@pytest.mark.parametrize(
    ("signs", "words"),
    [
        (the_signs(retention=UP, profit=UNSURE), "getting healthier"),
        (the_signs(carried_old=DOWN, carried_won=UNSURE, active=(NAN, NAN)), "getting weaker"),
        (the_signs(per_new=UP, carried_won=DOWN), "Some signs of health rose and others fell"),
        (the_signs(profit=(0.0, 5.0), retention=(-5.0, 0.0)), "neither healthier nor weaker"),
        (the_signs(sales=UP, cost=DOWN, won=(NAN, NAN)), "neither healthier nor weaker"),
    ],
)
def test_health_follows_the_signs_that_moved_by_more_than_chance(hold, signs, words):
    hold(closing.health(signs), words)


CHANGE = Change(pd.DataFrame(), pd.DataFrame(), 230, 240, 0.453, (0.38, 0.52), (0.0, 0.0))


@pytest.mark.parametrize(
    ("state", "need", "period", "parts"),
    [
        ("closed", NOBODY, YEAR, ("Nobody new was won in the 12 months to", "£82.0k in the next 12 months", "£100k")),
        ("renews", a_need(106_000.0), YEAR, ("getting weaker: in the next 12 months", "alone", "£106k", "£100k")),
        ("open", a_need(ends=(-3.0, 250.0)), YEAR, ("getting weaker. Holding", "next 12 months", "120 new customers",
                                                    "0 to 250", "100 were won in the 12 months to 30 June 2026")),
        ("unknown", None, HALF, ("cannot be told yet", "45% of the active", "6 months to 30 June 2026", "season")),
        ("unknown", None, YEAR, ("getting weaker. What the next period needs cannot be told",)),
    ],
)  # fmt: skip
def test_the_headline_says_as_much_as_the_data_allow(wb, hold, state, need, period, parts):
    judged = replace(UNPRICED, state=state)
    text = hold(closing.headline(wb, judged, the_signs(profit=DOWN), CHANGE, need, period), *parts)
    assert "missed" not in text and "−" not in text


def test_a_forecast_that_missed_is_said_in_the_headline(wb, hold):
    judged = replace(UNPRICED, missed=True)
    hold(closing.headline(wb, judged, the_signs(), CHANGE, a_need(), YEAR), "120 new", "missed the last time")


def found(wb, latest=YEAR, gain=200.0, interval=(50.0, 350.0), losses=(-40.0,) * 4, silence=(24, 60), gone=120,
          next_orders=(0.41, 0.74), line=None, parts=(1, 1, 1, 2, 2, 3, 5, 7, 8, 10)):  # fmt: skip
    """The findings on forty who earn £50 each, one who earns nothing and some who lose; seven earn half."""
    now = pd.DataFrame({"profit": [50.0] * 40 + [0.0] + list(losses)})
    bridge = pd.DataFrame({"profit_before": [1000.0, 400.0], "profit_now": [1400.0 + gain, 0.0]})
    bridge["change"] = bridge["profit_now"] - bridge["profit_before"]
    change = replace(CHANGE, bridge=bridge, profit_interval=interval)
    moved = pd.DataFrame({"before": 1.0, "now": [1.1, 1.2, 0.9, 1.0], "contribution": [70.0, 230.0, -100.0, 0.0]},
                         index=["customers", "orders", "order_value", "margin"])  # fmt: skip
    luck = pd.DataFrame({"customers": [gone], "observed": [0.3], "by_chance": [0.2]}, index=["gone"])
    curve = pd.DataFrame({"days_90": 0.5 * np.array(next_orders), "days_180": next_orders, "days_365": NAN})
    curve.index += 1  # the number of the order
    counts = pd.DataFrame({"customers": list(parts)})
    return closing.findings(
        wb, now, counts, change, moved, luck, silence, curve, line, (YEAR, BEFORE, latest)
    )


def test_few_who_earn_and_those_who_lose_are_both_counted(wb, hold):
    # 40 at 50 less 4 at 40 are 1,840; a twentieth of that is 92, less than the 160 lost.
    said, meaning = found(wb)[0]
    hold(said, "7 of 45 customers", "half of the profit of the 12 months", "4 others lose £160")
    hold(meaning, "both by name")


def test_losses_below_a_twentieth_of_the_profit_are_passed_over(wb, hold):
    # 4 at 20 are 80 of 1,920, and a twentieth of that is 96.
    said, meaning = found(wb, losses=(-20.0,) * 4)[0]
    assert "lose" not in hold(said, "7 of 45 customers earn half")
    hold(meaning, "in common")
    assert found(wb, parts=())[0] is None


@pytest.mark.parametrize(
    ("latest", "gain", "interval", "parts", "meaning"),
    [
        (YEAR, 200.0, (0.5, 399.5), ("rose by £200", "£1,600", "12 months to"), "larger of the two"),
        (YEAR, -600.0, (-1199.5, -0.5), ("fell by £600", "£800"), "larger of the two"),
        (YEAR, 200.0, (-50.0, 450.0), ("rose by £200", "£1,600"), "nothing to explain yet"),
        (HALF, 200.0, (50.0, 350.0), ("rose by £200", "£1,600", "6 months to 30 June 2026"), "time of year"),
    ],
)
def test_only_more_than_chance_is_explained(wb, hold, latest, gain, interval, parts, meaning):
    said, means = found(wb, latest, gain, interval)[1]
    hold(said, *parts, "more orders each added £230, a lower order value took £100")
    hold(means, meaning)


@pytest.mark.parametrize(
    ("silence", "parts", "meaning"),
    [((24, 60), ("Of those who had fallen silent", "40% bought again"), "many return by themselves"),
     (None, ("By luck it can be up to 20%",), "not proof of a loss"),
     ((0, 0), ("By luck it can be up to 20%",), "not proof of a loss")],
)  # fmt: skip
def test_silence_is_set_beside_those_who_return_or_beside_luck(wb, hold, silence, parts, meaning):
    said, means = found(wb, silence=silence)[2]
    hold(said, "30% of the customers won before 1 July 2024", "12 months to 30 June 2025", *parts)
    hold(means, meaning)
    assert found(wb, silence=silence, gone=0)[2] is None


def test_where_most_stop_after_the_first_order_it_is_a_finding(wb, hold):
    said, meaning = found(wb, next_orders=(0.41, 0.6, 0.74, NAN))[3]
    hold(said, "41% ordered a second time within 180 days", "3 orders, 74%")
    hold(meaning, "More stop after the first order")
    hold(found(wb, next_orders=(0.41, 0.42))[3][0], "41%", "2 orders, 42%")
    for shares in ((0.5, 0.4), (0.5,), (NAN, NAN), ()):
        assert found(wb, next_orders=shares)[3] is None


@pytest.mark.parametrize(
    ("line", "parts", "meaning"),
    [
        (
            (-8.0, -20.0, 4.0),
            ("cannot be told", "£8.00 less", "£20.00 less to £4.00 more"),
            "about £12.00 a year",
        ),
        ((-0.8, -1.2, -0.4), ("£0.80 less", "£1.20 less to £0.40 less"), "what new customers are offered"),
        ((0.8, 0.4, 1.2), ("£0.80 more", "£0.40 more to £1.20 more"), "what made them better"),
    ],
)
def test_a_trend_is_told_in_words_with_its_range(wb, hold, line, parts, meaning):
    said, means = found(wb, line=Trend(line[0], line[1:], pd.Series(dtype=float)))[4]
    hold(said, *parts)
    hold(means, meaning)
    assert found(wb, line=None)[4] is None


# The truth --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (None, "before the data."),
        ((-8.0, -0.5), "worth less, too."),
        ((-12.0, 4.0), "not show it for certain"),
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


@pytest.mark.parametrize(("people", "cohorts"), [(None, pd.DataFrame()), (pd.DataFrame(), None)])
def test_real_companies_have_no_truth_to_compare_with(wb, people, cohorts):
    assert closing.against_truth(wb, people, cohorts, CHANGE, None) is None
