"""What the audit advises: every case of the wording, with numbers worked out by hand."""

from dataclasses import replace
from datetime import date

import numpy as np
import pytest

from crmlib.analysis.audit.verdict import Verdict
from crmlib.analysis.period import Period
from crmlib.display.audit import decision

YEAR = Period(date(2025, 7, 1), date(2026, 6, 30), 12)
HALF = Period(date(2026, 1, 1), date(2026, 6, 30), 6)
NAN = float("nan")
UNPRICED = Verdict("open", False, 133.0, NAN, NAN, (NAN, NAN), 12, 900.0)
LOSING = {"worth": -55.0, "worth_interval": (-109.5, -0.5), "worth_months": 9}


@pytest.fixture
def advise(shops, a_need):
    """What is advised in one state, and what happens without, where £100,000 was sold."""

    def say(state="open", need=(), period=YEAR, years=3.0, assumed="", **judged):
        verdict = replace(UNPRICED, state=state, **judged)
        told = None if need is None else a_need(**dict(need))
        return decision.decision(shops["sales"], verdict, told, 100_000.0, period, years, assumed)

    return say


def test_figures_of_the_next_period_are_not_below_zero_and_unknown_without_it(a_need):
    figures = decision.figures_of(a_need(106_000.0, ends=(-90.0, -10.0)))
    assert (figures["needed"], figures["low"], figures["high"], figures["won"]) == (0, 0, 0, 100)
    assert (figures["target"], figures["existing"], figures["gap"]) == (100_000, 106_000, -6_000)
    assert (figures["bottom"], figures["top"]) == (94_000, 118_000)
    nothing = decision.figures_of(None)
    assert set(nothing) == set(figures) and set(nothing.values()) == {None}
    assert np.isnan(decision.figures_of(a_need(won=0))["needed"])


# How many to win --------------------------------------------------------------------------------

FEW = {"existing": 97_000.0, "ends": (-5.0, 45.0)}  # 3,000 at £150 are 20 customers
ENOUGH = {"existing": 106_000.0, "ends": (-90.0, -10.0)}


@pytest.mark.parametrize(
    ("state", "need", "parts"),
    [
        ("wears out", {}, ("Win more than now. 100 customers were won in the 12 months to 30 June 2026",
                           "about 120 would hold sales in the next 12 months", "90 to 150; 133 if only")),
        ("open", {}, ("Win more than now.", "about 120 would hold")),
        ("open", {"existing": 88_000.0}, ("Win about as many as now: 100. About 80 would hold", "90 to 150; 133 if only",
                                          "reaches beyond those won: it does not justify winning fewer.")),
        ("open", {"existing": 85_000.0}, ("Win about as many as now: 100. About 100 would hold",)),
        ("renews", FEW, ("Fewer than now would hold sales; as many as now let them grow. 100 customers were won in the "
                         "12 months to 30 June 2026", "about 20 would hold sales in the next 12 months", "0 to 45; 133")),
        ("renews", ENOUGH, ("Sales hold without new customers.", "Today's alone", "£106k, after £100k", "adds to that.")),
        ("open", ENOUGH, ("Sales hold without new customers.", "Today's alone", "£106k, after £100k")),
    ],
)  # fmt: skip
def test_the_advice_sets_the_number_needed_beside_the_number_won(hold, advise, state, need, parts):
    text = hold(advise(state, need)[0], *parts, "cannot be seen yet. Keeping counts too")
    assert "cost" not in text and "missed" not in text and "−" not in text


@pytest.mark.parametrize(
    ("state", "need", "words"),
    [
        ("wears out", {}, "At the £40.00 that winning one cost, that is £4,800."),  # 120 customers at £40
        ("open", {"existing": 88_000.0}, "Win about as many as now: 100, for £4,000 (£40.00 each). About 80"),
        ("renews", FEW, "0 if only the latest shares are taken). Winning 100 cost £4,000."),
    ],
)
def test_the_cost_of_winning_gives_a_budget_and_numbers_below_zero_are_shown_as_none(
    hold, advise, state, need, words
):
    text = hold(advise(state, need, cost=40.0, latest=-12.0)[0], words)
    assert "; 0 if only the latest shares are taken)" in text


def test_a_missed_forecast_is_one_more_reason_not_to_win_fewer(hold, advise):
    act, _ = advise(need={"existing": 88_000.0}, missed=True)
    hold(
        act,
        "beyond those won, and the same forecast missed the last time: it does not justify winning fewer.",
    )


def test_the_latest_shares_are_passed_over_where_they_tell_no_number(hold, advise):
    assert "latest" not in hold(advise(latest=NAN)[0], "90 to 150).")


# Where no number is advised ---------------------------------------------------------------------


@pytest.mark.parametrize("state", ["wears out", "open", "renews"])
def test_where_all_who_were_won_lose_money_more_of_them_are_not_advised(hold, advise, state):
    what = ("Do not win more of the same customers before each one earns.", "has not paid within 9 months",
            "Of these, about 120 would hold sales", "90 to 150", "each would add to the loss.")  # fmt: skip
    hold(advise(state, cost=40.0, **LOSING)[0], *what)
    unpriced = (
        "lost us £55.00 each in their first 9 months, the cost of winning them not counted.",
        *what[2:],
    )
    hold(advise(state, **LOSING)[0], what[0], *unpriced)
    text = hold(
        advise(state, ENOUGH, cost=40.0, **LOSING)[0], what[0], "Today's alone", "£106k, after £100k."
    )
    assert "Of these" not in text


def test_customers_who_may_earn_something_are_advised_on_as_usual(hold, advise):
    hold(
        advise(cost=40.0, worth=-55.0, worth_interval=(-110.0, 0.0))[0],
        "Win more than now.",
        "cannot be told",
    )


def test_where_nobody_was_won_the_gap_is_named_and_no_number_of_customers(hold, advise):
    act, wait = advise("closed", {"won": 0})
    text = hold(act, "Decide whether customers shall be won again.", "£18.0k less than now", "£900 of sales.")
    assert "would hold" not in text
    hold(wait, "£82.0k", "£70.0k to £94.0k", "after £100k")


@pytest.mark.parametrize(("existing", "written"), [(106_000.0, "£106k"), (100_000.0, "£100k")])
def test_where_nobody_was_won_and_sales_hold_all_the_same_no_target_is_set(hold, advise, existing, written):
    act, wait = advise("closed", {"won": 0, "existing": existing})
    text = hold(act, "Set no target for new customers. Today's", f"{written} in the next 12 months",
                "no less than the £100k of the 12 months to 30 June 2026", "£900 of sales.")  # fmt: skip
    assert "less than now" not in text and "−" not in text
    hold(wait, f"come to {written}", "after £100k")


@pytest.mark.parametrize(
    ("period", "years", "parts"),
    [
        (HALF, 2.0, ("from periods that are no whole years: they differ by season. Run this page with a period of 12",)),
        (HALF, 1.9, ("Set no target for new customers yet: two whole years",)),
        (YEAR, 3.0, ("Set no target for new customers from these data.",)),
        (YEAR, 1.9, ("Set no target for new customers from these data.",)),
    ],
)  # fmt: skip
def test_without_a_forecast_no_target_is_set(hold, advise, period, years, parts):
    act, wait = advise("unknown", None, period, years, latest=NAN, point=NAN)
    assert "Keeping" not in hold(act, "Set no target", "cannot be seen yet.")
    hold(act, *parts)
    text = hold(wait, "£100k of the", period.in_words, "no guide", "customers just won cannot be told")
    assert ("the season and how much from" in text) == (period is HALF)


def test_doing_nothing_is_winning_as_many_or_nobody(hold, advise):
    # 82,000 and 100 customers at 150 are 97,000, give or take 12,000.
    hold(
        advise()[1],
        "now (100)",
        "£97.0k",
        "£85.0k to £109k",
        "after £100k",
        "nobody is won",
        "£82.0k (£70.0k to £94.0k)",
    )


# Keeping, and what a customer earns -------------------------------------------------------------


@pytest.mark.parametrize(
    ("state", "need", "point", "words"),
    [
        ("open", {}, 900.0, "£900 of sales, as much as 6 new customers buy for."),
        ("open", {}, 225.0, "£225 of sales, as much as 2 new customers buy for."),
        ("open", {}, 224.0, "£224 of sales."),
        ("closed", {"won": 0}, 900.0, "£900 of sales."),
        ("closed", {"won": 1}, 900.0, "£900 of sales."),
        ("closed", {"won": 5, "per_new": -3.0}, 900.0, "£900 of sales."),
    ],
)
def test_keeping_is_weighed_in_sales_and_in_new_customers_where_these_are_known(
    hold, advise, state, need, point, words
):
    assert hold(advise(state, need, point=point)[0], "one point more", words).endswith(words)


@pytest.mark.parametrize(
    ("state", "need"),
    [("open", {}), ("open", {"existing": 88_000.0}), ("open", ENOUGH), ("renews", FEW), ("closed", {"won": 0}),
     ("closed", {"won": 0, "existing": 106_000.0})],
)  # fmt: skip
def test_where_nobody_was_won_earlier_nothing_is_said_of_keeping(hold, advise, state, need):
    assert hold(advise(state, need, point=NAN)[0]).endswith("cannot be seen yet.")


ASSUMED = ", at an assumed margin of 40% of sales,"


@pytest.mark.parametrize(
    ("cost", "worth", "interval", "parts"),
    [
        (NAN, NAN, (NAN, NAN), ("cannot be seen yet",)),
        (40.0, NAN, (NAN, NAN), ("cannot be seen yet",)),
        (NAN, 55.0, (20.0, 90.0), ("earned us £55.00 each in their first 9 months", "may not cost more than that")),
        (NAN, -5.0, (-20.0, 10.0), ("lost us £5.00 each in their first 9 months, the cost of winning them not",)),
        (NAN, 0.0, (-20.0, 20.0), ("lost us £0.00 each",)),
        (40.0, 55.0, (0.5, 109.5), ("has paid", "£55.00", "9 months", "£0.50 to £110", "Most earned less")),
        (40.0, -55.0, (-109.5, -0.5), ("has not paid within 9 months", "−£55.00", "−£110 to −£0.50")),
        (40.0, 55.0, (-20.0, 130.0), ("Whether winning pays within 9 months", "£55.00", "−£20.00 to £130")),
    ],
)  # fmt: skip
def test_what_a_customer_earns_is_set_beside_the_cost_of_winning(hold, advise, cost, worth, interval, parts):
    judged = {"cost": cost, "worth": worth, "worth_interval": interval, "worth_months": 9}
    assert "assumed" not in hold(advise(**judged)[0], *parts)


def test_an_assumed_margin_is_told_beside_what_a_customer_earns(hold, advise):
    judged = {"worth": 55.0, "worth_interval": (20.0, 90.0), "worth_months": 1}
    hold(advise(assumed=ASSUMED, **judged)[0], f"earned us £55.00 each{ASSUMED} in their first 1 month:")
