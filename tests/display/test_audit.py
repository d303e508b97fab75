"""What the lenses of the audit say: the right numbers, in words that fit them, and nothing else."""

from datetime import date

import pandas as pd
import pytest

from crmlib.analysis.audit.cohorts import Trend
from crmlib.analysis.audit.customer_days import Base
from crmlib.analysis.audit.two_periods import Change
from crmlib.analysis.audit.windows import Windows
from crmlib.analysis.ledger import Ledger
from crmlib.analysis.period import Period
from crmlib.display.audit import outlook, sentences

BEFORE = Period(date(2024, 7, 1), date(2025, 6, 30), 12)
YEAR = Period(date(2025, 7, 1), date(2026, 6, 30), 12)
HALF_BEFORE = Period(date(2025, 7, 1), date(2025, 12, 31), 6)
HALF = Period(date(2026, 1, 1), date(2026, 6, 30), 6)
NAN = float("nan")


@pytest.fixture
def wb(shops):
    return shops["sales"]


@pytest.mark.parametrize(
    "left_over",
    ["It is nan.", "It is not known.", "A {x}.", "A **b**.", "A  b.", "A .", "It is −0.", "It is −£0.00.", "It is €3.",
     "It takes −3 new customers.", "it is.", "It is. ", "None came."],
)  # fmt: skip
def test_what_the_machine_leaves_over_is_seen(hold, left_over):
    hold("It is −0.5% or −£0.05, information.", "−0.5%", "£0.05")
    with pytest.raises(AssertionError):
        hold(left_over)


def test_words_in_another_order_are_seen(hold):
    with pytest.raises(AssertionError, match="'2' is not where it should be"):
        hold("First 2, then 1.", "1", "2")


# Lens one ---------------------------------------------------------------------------------------


def a_book(unnamed=0.0, lines=0, returns=0.0, costed=0.0):
    columns = ["orders", "lines", "net_sales", "returns"]
    customers = pd.DataFrame([[3, 4, 380.4, returns]], columns=columns)
    anonymous = pd.Series([0.0, lines, unnamed, returns / 4], index=columns)
    return Ledger(customers, anonymous, 380.4 + unnamed, costed)


def the_buyers(others):
    """Three who ordered for £400.40 together, and some who sent back for £10 each."""
    rows = [(1, 100.0), (4, 250.4), (2, 50.0), *[(0, -10.0)] * others]
    return pd.DataFrame(rows, columns=["orders", "net_sales"])


def test_a_period_in_numbers_names_buyers_sales_and_what_has_no_name(wb, hold):
    book = a_book(unnamed=95.1, lines=4, returns=-20.0)
    said = sentences.period_in_numbers(wb, the_buyers(2), book, YEAR)
    hold(said, "3 customers", "12 months to 30 June 2026", "2 who only sent something back", "£380",
         "£95, 20.0% of all, has no name", "took back £25.00")  # fmt: skip


def test_a_period_without_others_names_or_returns_says_so(wb, hold):
    text = hold(sentences.period_in_numbers(wb, the_buyers(0), a_book(), YEAR), "3 customers", "£400")
    assert "only sent" not in text and "took back" not in text
    assert "All sales have a customer's name. There are no returns in the data." in text


@pytest.mark.parametrize(
    ("assumed", "lead_in", "known_since", "without", "parts"),
    [
        (True, date(2025, 10, 1), date(2025, 7, 1), 0,
         ("before 1 October 2025", "2 count as won before", "3 are dated by", "All windows of time are whole")),
        (True, date(2025, 8, 15), date(2025, 8, 15), 2,
         ("do not say", "first order of 3 customers", "2 without any order", "15 Aug–30 Sep 2025, is cut short")),
        (False, date(2025, 7, 1), date(2025, 7, 1), 2,
         ("2 of the 5 customers", "won before the data begin", "3 were won since", "2 without any order")),
        (False, date(2025, 8, 15), date(2025, 8, 15), 0, ("2 of the 5", "15 Aug–30 Sep 2025, is cut short")),
    ],
)  # fmt: skip
def test_how_customers_began_is_told_as_the_data_know_it(
    wb, hold, assumed, lead_in, known_since, without, parts
):
    windows = Windows.back_from(date(2026, 6, 30), 3, known_since)
    members = pd.DataFrame({"cohort": [-1, -1, 0, 2, 1], "orders": [*[0] * without, *[4] * (5 - without)]})
    text = hold(sentences.beginnings(wb, Base(None, windows, lead_in, assumed), members), *parts)
    assert ("without any order" in text) == bool(without)
    assert ("cut short" in text) != ("All windows of time are whole." in text)


@pytest.mark.parametrize("costed", [0.0, NAN])
def test_without_costs_the_assumed_margin_is_called_an_assumption(hold, shops, costed):
    hold(
        sentences.costs(shops["sales"], a_book(costed=costed)),
        "hold no costs",
        "40% of net sales",
        "assumption",
    )


def test_what_profit_leaves_out_is_said_only_where_it_is_left_out(hold, shops):
    text = hold(sentences.costs(shops["goods"], a_book(costed=1.0)), "no cost of serving", "gross margin")
    assert "%" not in text
    assert sentences.costs(shops["all"], a_book(costed=1.0)) is None


# Lens two ---------------------------------------------------------------------------------------


def a_change(interval, gain=200.0):
    bridge = pd.DataFrame({"profit_before": [1000.0, 400.0], "profit_now": [1400.0 + gain, 0.0]})
    bridge["change"] = bridge["profit_now"] - bridge["profit_before"]
    return Change(pd.DataFrame(), bridge, 230, 240, 0.453, (0.38, 0.52), interval)


@pytest.mark.parametrize(
    ("gain", "interval", "parts"),
    [
        (200.0, (0.5, 399.5), ("rose by £200, more than chance", "£0.50 to £400")),
        (-200.0, (-399.5, -0.5), ("fell by £200, more than chance", "−£400 to −£0.50")),
        (200.0, (-150.0, 550.0), ("rose by £200, which chance", "can bring about", "−£150 to £550")),
        (-200.0, (-550.0, 150.0), ("fell by £200, which chance", "−£550 to £150")),
        (200.0, (0.0, 400.0), ("rose by £200, which chance", "£0 to £400")),
        (-0.4, (-0.8, 0.0), ("fell by £0.40, which chance", "−£0.80 to £0")),
        (0.4, (-0.1, 0.9), ("rose by £0.40, which chance", "−£0.10 to £0.90")),
    ],
)
def test_the_change_of_profit_is_called_chance_where_it_can_be(wb, hold, gain, interval, parts):
    change = a_change(interval, gain)
    kept = ("230 customers", "12 months to 30 June 2025", "45% were active", "38% to 52%")
    assert "season" not in hold(sentences.retention(wb, change, BEFORE, YEAR), *kept, *parts)
    hold(
        sentences.retention(wb, change, HALF_BEFORE, HALF), "6 months to 30 June 2026", *parts, "time of year"
    )


def test_more_or_less_of_both_is_told_with_what_it_did_to_the_profit(wb, hold):
    index = pd.MultiIndex.from_tuples([("up", "up"), ("down", "down"), ("same", "up")])
    table = pd.DataFrame({"customers": [31, 27, 5], "change": [1234.0, -45.5, 9.0]}, index=index)
    hold(sentences.ups_and_downs(wb, table), "31 who order more", "by £1,234", "27 with less", "by −£45.50")


FACTORS = ["customers", "orders", "order_value", "margin"]


def a_split(contribution, rose):
    now = [11.0 if up else 9.0 for up in rose]
    return pd.DataFrame({"before": 10.0, "now": now, "contribution": contribution}, index=FACTORS)


@pytest.mark.parametrize(
    ("contribution", "rose", "words"),
    [
        ([-5, 80, -90, 1], [0, 1, 0, 1], "a lower order value took £90.00, more orders each added £80.00"),
        ([700, 0, 0, -20], [1, 1, 1, 0], "more customers added £700, a lower profit margin took £20.00"),
        ([-8, 0, 6, 0], [0, 1, 1, 1], "fewer customers took £8.00, a higher order value added £6.00"),
        ([0, -3, 0, 2], [1, 0, 1, 1], "fewer orders each took £3.00, a higher profit margin added £2.00"),
        ([4, -4, 4, -4], [1, 0, 1, 0], "more customers added £4.00, fewer orders each took £4.00"),
        ([-0.9, 0, 0, 0.4], [1, 1, 1, 1], "more customers took £0.90, a higher profit margin added £0.40"),
        ([-9, 0, 0, 0], [1, 1, 1, 1], "more customers took £9.00"),
        ([NAN, 5, NAN, NAN], [1, 1, 1, 1], "more orders each added £5.00"),
        ([0, 0, 0, 0], [1, 1, 1, 1], "nothing moved it"),
    ],
)
def test_the_two_largest_factors_are_named_with_their_direction(wb, contribution, rose, words):
    assert sentences.two_largest(wb, a_split(contribution, rose)) == words


def some_luck(gone=0.2, moved=0.4):
    """A hundred and twenty customers: 30% gone, half of them moved, and what luck alone does."""
    rows = {"gone": (120, 0.3, 0.225, 0.388, gone), "moved": (120, 0.5, 0.41, 0.59, moved)}
    columns = ["customers", "observed", "observed_low", "observed_high", "by_chance"]
    return pd.DataFrame.from_dict(rows, orient="index", columns=columns)


def test_luck_is_set_beside_what_was_seen_and_silence_beside_those_who_return(wb, hold):
    said = sentences.chance(wb, some_luck(), (24, 60), BEFORE)
    # Wilson by hand: z = 1.96, centre (0.4 + z²/120) / (1 + z²/60) = 0.406, half 0.120.
    text = hold(said, "before 1 July 2024", "120", "30% placed no order", "22% to 39%", "20% are missing",
                "60 who had fallen silent", "40% bought again", "29% to 53%", "50% moved", "against 40%")  # fmt: skip
    assert text.endswith("says little about that customer.")


@pytest.mark.parametrize("silence", [None, (0, 0)])
def test_where_nobody_fell_silent_earlier_nobody_is_said_to_return(wb, hold, silence):
    text = hold(sentences.chance(wb, some_luck(moved=0.1), silence, BEFORE), "30%", "against 10% between")
    assert "bought again" not in text and text.endswith("the halves.")


@pytest.mark.parametrize(("by_chance", "little"), [(0.374, False), (0.376, True)])
def test_a_move_says_little_once_luck_makes_three_quarters_of_it(wb, hold, by_chance, little):
    assert ("says little" in hold(sentences.chance(wb, some_luck(moved=by_chance), None, BEFORE))) == little


# Lens three -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("shares", "title"),
    [
        ({90: [0.2, 0.3], 180: [0.3, 0.5], 365: [0.414, 0.737]},
         "41% order again within 365 days; after order 2, 74% do"),
        ({90: [0.2, 0.3], 180: [0.3, 0.5], 365: [NAN, NAN]}, "30% order again within 180 days; after order 2, 50% do"),
        ({90: [0.042, NAN], 180: [NAN, NAN], 365: [NAN, NAN]}, "4.2% order again within 90 days"),
        ({90: [NAN, NAN], 180: [NAN, NAN], 365: [NAN, NAN]}, "From one order to the next"),
        ({90: [], 180: [], 365: []}, "From one order to the next"),
    ],
)  # fmt: skip
def test_the_title_of_the_next_order_takes_the_longest_time_that_is_known(wb, hold, shares, title):
    table = pd.DataFrame({f"days_{mark}": column for mark, column in shares.items()})
    assert hold(sentences.second_order(wb, table.set_axis(range(1, len(table) + 1)))) == title


def test_value_so_far_is_the_last_one_at_its_age(wb, hold):
    life = pd.DataFrame({"value": [-12.0, 5.5, 20.25]})
    assert hold(sentences.value_so_far(wb, life, 3)) == "After 9 months each customer won has brought £20.25"


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
        ((4.0, 25.0), a_line(-8.0, -20.0, 4.0), "No clear rise or fall"),
        ((4.0, 25.0), a_line(8.0, 0.0, 16.0), "No clear rise or fall"),
        ((4.0, 5.0), a_line(-0.8, -1.2, -0.4), "A customer won a year later brings £0.80 less"),
        ((4.0, 5.0), a_line(0.8, 0.4, 1.2), "A customer won a year later brings £0.80 more"),
    ],
)
def test_the_title_of_the_cohorts_tells_a_trend_only_where_zero_is_left_out(wb, hold, changes, line, words):
    hold(outlook.cohort_title(wb, the_cohorts(*changes), line), words)


@pytest.mark.parametrize(("largest", "words"), PARTS.items())
def test_what_sets_cohorts_apart_is_the_part_that_moves_most_up_or_down(hold, largest, words):
    apart, within = the_cohorts(4.0, -25.0, largest=largest), the_cohorts(4.0, -5.0, largest=largest)
    assert hold(outlook.changes_title(apart)) == f"What sets neighbouring cohorts apart is mostly {words}"
    hold(outlook.changes_title(within), f"mostly through {words}, all within chance")


@pytest.mark.parametrize("line", [None, a_line(-8.0, -20.0, 4.0)])
@pytest.mark.parametrize(
    ("changes", "parts"),
    [
        ((), ("No two neighbouring cohorts",)),
        ((3.0, -4.0, NAN, 9.0), ("No cohort differs", "(3 compared)")),
        ((10.5, -10.5, NAN, 9.0), ("Of 3 cohorts", "2 differ", "one in twenty")),
    ],
)
def test_cohorts_are_told_apart_only_beyond_chance(wb, hold, changes, parts, line):
    text = hold(outlook.cohorts(wb, the_cohorts(*changes), line), *parts)
    assert ("The line through all" in text) == (line is not None and bool(changes))


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
    hold(outlook.dependence_range(wb, share, interval), *parts, "95% range")


@pytest.mark.parametrize("share", [0.0, 0.0049, NAN])
def test_no_range_is_given_where_hardly_anybody_was_won(wb, share):
    assert outlook.dependence_range(wb, share, (0.0, 0.1)) is None
