"""What cohorts, the whole base, the next period and the product lens say, with numbers worked out by hand."""

from datetime import date

import numpy as np
import pandas as pd
import pytest

from crmlib.analysis.audit.cohorts import Trend
from crmlib.analysis.audit.next_period import Rehearsal
from crmlib.analysis.period import Period
from crmlib.display.audit import outlook, tables

YEAR = Period(date(2025, 7, 1), date(2026, 6, 30), 12)
HALF = Period(date(2026, 1, 1), date(2026, 6, 30), 6)
HOSTILE = "<b>x</b> {y} **z** $1 & 'co'"
NAN = float("nan")


@pytest.fixture
def wb(shops):
    return shops["sales"]


# Lens four --------------------------------------------------------------------------------------


def a_line(per_year, low, high):
    return Trend(per_year, (low, high), pd.Series(dtype=float))


PARTS = {"from_orders": "orders per customer", "from_order_value": "order value", "from_margin": "margin",
         "from_winning": "the cost of winning"}  # fmt: skip


def the_cohorts(*changes, largest="from_orders"):
    """A first cohort and changes from one to the next, each ten either side; one part is the largest."""
    change = [NAN, *changes]
    side = pd.DataFrame({"change": change}).assign(**dict.fromkeys(PARTS, 1.0))
    side[largest] = -3.0
    return side.assign(change_low=side["change"] - 10, change_high=side["change"] + 10)


@pytest.mark.parametrize(
    ("changes", "line", "words"),
    [
        ((4.0, -5.0), None, "no cohort stands apart from the one before"),
        ((4.0, -25.0), None, "some cohorts differ from the one before"),
        ((4.0, -10.0, 10.0), None, "no cohort stands apart from the one before"),
        ((4.0, 10.5), None, "some cohorts differ from the one before"),
        ((4.0, 25.0), a_line(-8.0, -20.0, 4.0), "some cohorts differ from the one before"),
        ((4.0, 5.0), a_line(-8.0, -20.0, 4.0), "No clear rise or fall"),
        ((4.0, 5.0), a_line(8.0, 0.0, 16.0), "No clear rise or fall"),
        ((4.0, 5.0), a_line(-0.8, -1.2, -0.4), "A customer won a year later earns us £0.80 less"),
        ((4.0, 5.0), a_line(0.8, 0.4, 1.2), "A customer won a year later earns us £0.80 more"),
    ],
)
def test_the_title_of_the_cohorts_tells_a_trend_only_where_zero_is_left_out(wb, hold, changes, line, words):
    hold(outlook.cohort_title(wb, the_cohorts(*changes), line), words)


@pytest.mark.parametrize(("largest", "words"), PARTS.items())
def test_what_sets_cohorts_apart_is_the_part_that_moves_most_up_or_down(hold, largest, words):
    apart, within = the_cohorts(4.0, -25.0, largest=largest), the_cohorts(4.0, -5.0, largest=largest)
    assert hold(outlook.changes_title(apart)) == f"What sets neighbouring cohorts apart is mostly {words}"
    hold(outlook.changes_title(within), f"Neighbouring cohorts cannot be told apart; {words} varies most")


@pytest.mark.parametrize("line", [None, a_line(-8.0, -20.0, 4.0)])
@pytest.mark.parametrize(
    ("changes", "parts"),
    [
        ((), ("No cohort differs", "(0 compared)")),
        ((3.0, -4.0, NAN, 9.0), ("No cohort differs", "(3 compared)")),
        ((10.5, -10.5, NAN, 9.0), ("2 of 3 compared with the one before differ by", "one in twenty")),
        ((10.5, 9.5), ("1 of 2 compared with the one before differs by", "one in twenty")),
    ],
)
def test_cohorts_are_told_apart_only_beyond_chance(wb, hold, changes, parts, line):
    text = hold(outlook.cohorts(wb, the_cohorts(*changes), line), *parts)
    assert ("The line through all" in text) == (line is not None)


# Lens five --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("share", "assumed", "title"),
    [
        (0.164, False, "Customers won in the 6 months to 30 June 2026 bring 16% of the sales to known customers"),
        (0.164, True, "Customers known to be won in the 6 months to 30 June 2026 bring at least 16% of the sales "
                      "to known customers"),
        (0.005, False, "Customers won in the 6 months to 30 June 2026 bring 0.5% of the sales to known customers"),
        (0.004, True, "Nearly all sales in the 6 months to 30 June 2026 are to customers won earlier"),
        (0.0, False, "Nearly all sales in the 6 months to 30 June 2026 are to customers won earlier"),
        (0.994, False, "Customers won in the 6 months to 30 June 2026 bring 99% of the sales to known customers"),
        (0.995, True, "Nearly all sales in the 6 months to 30 June 2026 are to customers won in it"),
        (1.0, False, "Nearly all sales in the 6 months to 30 June 2026 are to customers won in it"),
        (NAN, False, "Nearly all sales in the 6 months to 30 June 2026 are to customers won earlier"),
    ],
)  # fmt: skip
def test_how_much_rests_on_new_customers_is_a_lower_bound_where_beginnings_are_assumed(
    wb, hold, share, assumed, title
):
    assert hold(outlook.dependence(wb, share, HALF, assumed)) == title


@pytest.mark.parametrize(
    ("share", "interval", "parts"),
    [(0.16, (0.11, 0.21), ("11% and 21%",)), (0.005, (-0.01, 0.02), ("0% and 2.0%",)), (0.9, (0.7, 1.1), ("100%",))],
)  # fmt: skip
def test_the_range_of_a_share_stays_within_a_whole(wb, hold, share, interval, parts):
    hold(outlook.dependence_range(wb, share, interval), *parts, "95% interval")


@pytest.mark.parametrize("share", [0.0, 0.0049, 0.995, 1.0, NAN])
def test_no_range_is_given_where_hardly_anybody_or_everybody_was_won(wb, share):
    assert outlook.dependence_range(wb, share, (0.0, 0.1)) is None


# The next period --------------------------------------------------------------------------------


def test_the_title_of_the_need_names_the_sum_and_its_range(wb, hold, a_need):
    hold(outlook.need_title(wb, a_need()), "Without new customers", "come to about £82.0k (£70.0k to £94.0k)")


@pytest.mark.parametrize(
    ("need", "parts"),
    [
        ({}, ("sell £100k again, about 120 customers", "90 to 150", "100 were won in the 12 months to 30 June 2026",
              "£150.00", "62% of the uncertainty")),
        ({"ends": (-30.4, 270.4)}, ("120 customers", "0 to 270", "100 were won")),
        ({"existing": 99_940.0, "ends": (-30.4, 31.2)}, ("about 1 customer must", "0 to 31", "100 were won")),
        ({"existing": 106_000.0, "ends": (-90.0, -10.0)},
         ("Today's customers alone", "£106k", "£94.0k to £118k", "more than the £100k", "100 customers were won", "£150.00")),
        ({"won": 0}, ("Nobody new was won in the 12 months to 30 June 2026", "£82.0k", "£70.0k to £94.0k", "after £100k")),
        ({"won": 1}, ("Hardly anybody new was won in the 12 months", "£82.0k", "£70.0k to £94.0k", "£100k")),
        ({"won": 5, "per_new": -3.0}, ("Those won sent back as much as they bought in the 12 months", "£82.0k")),
    ],
)  # fmt: skip
def test_what_must_be_won_is_never_below_nothing(wb, hold, a_need, need, parts):
    (said,) = outlook.needs(wb, a_need(**need), None, YEAR)
    assert "−" not in hold(said, *parts)


@pytest.mark.parametrize(("large", "told"), [(0.1, True), (0.099, False)])
def test_the_largest_customers_are_told_where_they_make_a_tenth_of_the_uncertainty(
    wb, hold, a_need, large, told
):
    (said,) = outlook.needs(wb, a_need(from_largest=large), None, YEAR)
    assert ("10% of the uncertainty" in hold(said, "120 customers")) == told


def test_without_a_forecast_nobody_is_known_to_be_won(a_need):
    assert outlook.nobody_won(None) == outlook.nobody_won(a_need(won=0)) == "Nobody new was won"


@pytest.mark.parametrize(
    ("actual", "same", "parts"),
    [
        (95_000.0, 105_000.0, ("A rehearsal: given", "became £95.0k", "would have said £105k.")),
        (95_000.0, 100_000.0, ("A rehearsal: given", "became £95.0k", "would have said £100k.")),
        (100_000.0, 200_000.0, ("A rehearsal: given", "became £100k", "would have said £200k.")),
        (95_000.0, 96_000.0, ("A rehearsal: given", "became £95.0k", "£96.0k, would have come closer.")),
        (104_000.0, 120_000.0, ("A rehearsal missed: given", "became £104k, above the interval", "£120k, would have been further off.")),
        (79_000.0, 60_000.0, ("A rehearsal missed: given", "became £79.0k, below the interval", "£60.0k, would have been further off.")),
        (104_000.0, 103_000.0, ("A rehearsal missed: given", "became £104k, above", "£103k, would have come closer.",
                                "Expect more than the middle")),
        (79_000.0, 78_000.0, ("A rehearsal missed: given", "became £79.0k, below", "£78.0k, would have come closer.",
                              "Expect less than the middle")),
    ],
)  # fmt: skip
def test_a_rehearsal_is_judged_by_its_range_and_beside_the_period_before(
    wb, hold, a_need, actual, same, parts
):
    test = Rehearsal(90_000.0, (80_000.0, 100_000.0), actual, same, 37)
    first, said = outlook.needs(wb, a_need(), test, YEAR)
    hold(first, "120 customers")
    text = hold(said, parts[0], "37 customers really won", "£90.0k (£80.0k to £100k)", *parts[1:])
    assert text.endswith((".", "too narrow.")) and ("too narrow" in text) == ("Expect" in text)


# The product lens -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("best", "worst", "mean", "title"),
    [
        ((41.5, 33.0, 50.0), (30.0, 22.0, 38.0), 32.0, f"Customers who begin with {HOSTILE} earn us more than others: £41.50"),
        ((41.5, 33.0, 50.0), (20.0, 12.0, 28.0), 32.0, f"Customers who begin with {HOSTILE} earn us more than others: £41.50"),
        ((41.5, 33.0, 50.0), (30.0, 22.0, 32.9), 33.0, "Customers who begin with b earn us less than others: £30.00"),
        ((41.5, 33.0, 50.0), (30.0, 22.0, 33.0), 33.0, "No first category brings customers who are clearly better than the average"),
    ],
)  # fmt: skip
def test_an_entry_is_better_or_worse_only_beyond_the_mean_and_its_name_stays_text(
    wb, best, worst, mean, title
):
    follows = pd.DataFrame(
        [best, worst], columns=["shrunk", "shrunk_low", "shrunk_high"], index=[HOSTILE, "b"]
    )
    follows.attrs["mean"] = mean
    assert outlook.entry_title(wb, follows, "category") == title


@pytest.mark.parametrize(
    ("items", "age", "why"),
    [(None, 4, "do not say what was bought"), (pd.DataFrame(), 0, "No cohort is old enough"),
     (pd.DataFrame(), 4, "by 30 customers or more")],
)  # fmt: skip
def test_why_the_product_lens_is_left_out_names_the_first_thing_that_is_missing(hold, items, age, why):
    hold(outlook.why_no_entry(items, age, 30), why)


def the_broad(*ends, orders=(3.4, 3.6, 4.1)):
    """Three groups of buyers; the middle of their range is what each brings."""
    ends = np.array(ends)
    return pd.DataFrame(
        {"alike": [40, 35, 31], "alike_orders": orders, "alike_profit": ends.mean(axis=1),
         "alike_low": ends[:, 0], "alike_high": ends[:, 1]},
        index=pd.Index(["2", "3", "4 or more"], name="items"),
    )  # fmt: skip


UNKNOWN = (NAN, NAN)


@pytest.mark.parametrize(
    ("ends", "parts"),
    [
        (((10, 20), (0, 99), (22, 40)), ("4 or more of the categories earned us £31.00 each", "bought 2 £15.00.",
                                         "(4.1 orders against 3.4)", "does not show that breadth")),
        ((UNKNOWN, (0, 20), (22, 40)), ("4 or more", "£31.00 each", "bought 3 £10.00.", "(4.1 orders against 3.6)")),
        (((22, 40), (0, 99), (10, 20)), ("the broad ones are not the better ones", "4 or more", "£15.00 each", "bought 2 £31.00.")),
        (((10, 20), (0, 99), (19, 40)), ("cannot be told apart", "4 or more", "£29.50 each", "bought 2 £15.00.", "on the left")),
        (((10, 20), (0, 99), (20, 40)), ("cannot be told apart", "£30.00 each", "£15.00.")),
        (((20, 40), (0, 99), (10, 20)), ("cannot be told apart", "£15.00 each", "£30.00.")),
        (((10, 20), (0, 99), UNKNOWN), ("cannot be told apart", "bought 3 of the categories", "£49.50 each", "bought 2 £15.00.")),
        ((UNKNOWN, UNKNOWN, (22, 40)), ("Too few customers",)),
        ((UNKNOWN, UNKNOWN, UNKNOWN), ("Too few customers",)),
    ],
)  # fmt: skip
def test_broad_buyers_are_judged_by_ranges_that_are_known_and_apart(wb, hold, ends, parts):
    hold(outlook.breadth(wb, the_broad(*ends), "categories"), *parts)


@pytest.mark.parametrize(("often", "told"), [(4.3, True), (4.1, False), (3.0, False)])
def test_orders_that_still_differ_are_told_beyond_a_twentieth(wb, hold, often, told):
    broad = the_broad((10, 20), (0, 99), (22, 40), orders=(4.0, 4.0, often))
    assert (
        "still order more (4.3 orders against 4.0)" in hold(outlook.breadth(wb, broad, "products"))
    ) == told


def test_the_range_of_breadth_is_written_or_a_dash():
    written = tables.breadth(the_broad((-10, 20), (0, 99), UNKNOWN), "GBP")
    assert list(written["items"]) == ["2", "3", "4 or more"]
    assert list(written["interval"]) == ["−£10.00 to £20.00", "£0.00 to £99.00", "–"]
