"""What the first three lenses of the audit say: the right numbers, in words that fit them, and nothing else."""

from datetime import date

import pandas as pd
import pytest

from crmlib.analysis.audit.customer_days import Base
from crmlib.analysis.audit.two_periods import Change
from crmlib.analysis.audit.windows import Windows
from crmlib.analysis.ledger import Ledger
from crmlib.analysis.period import Period
from crmlib.display.audit import sentences

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
    hold(said, "3 customers", "12 months to 30 June 2026", "Another 2 customers only sent something back, were served or were won.", "£380",
         "£95, 20.0% of all, have no name", "took back £25.00")  # fmt: skip


def test_one_other_customer_is_one(wb, hold):
    hold(
        sentences.period_in_numbers(wb, the_buyers(1), a_book(), YEAR),
        "Another 1 customer",
        "was served or was won.",
    )


def test_a_period_without_others_names_or_returns_says_so(wb, hold):
    text = hold(sentences.period_in_numbers(wb, the_buyers(0), a_book(), YEAR), "3 customers", "£400")
    assert "Another" not in text and "took back" not in text
    assert "All sales have a customer's name. There are no returns in the data." in text


@pytest.mark.parametrize(
    ("assumed", "lead_in", "known_since", "without", "parts"),
    [
        (True, date(2025, 10, 1), date(2025, 7, 1), 0,
         ("before 1 October 2025", "2 count as won before", "other 3 are dated by their first order.", "All windows of time are whole")),
        (True, date(2025, 8, 15), date(2025, 8, 15), 2,
         ("do not say", "first order of 3 customers", "2 customers placed no order above zero.", "15 Aug–30 Sep 2025, is cut short")),
        (False, date(2025, 7, 1), date(2025, 7, 1), 1,
         ("2 of the 5 customers", "won before the data begin", "3 were won since", "1 customer placed no order above zero.")),
        (False, date(2025, 8, 15), date(2025, 8, 15), 0, ("2 of the 5", "15 Aug–30 Sep 2025, is cut short")),
    ],
)  # fmt: skip
def test_how_customers_began_is_told_as_the_data_know_it(
    wb, hold, assumed, lead_in, known_since, without, parts
):
    windows = Windows.back_from(date(2026, 6, 30), 3, known_since)
    members = pd.DataFrame({"cohort": [-1, -1, 0, 2, 1], "orders": [*[0] * without, *[4] * (5 - without)]})
    text = hold(sentences.beginnings(wb, Base(None, windows, lead_in, assumed), members), *parts)
    assert ("placed no order" in text) == bool(without)
    assert "Hardly anybody" not in text
    assert ("cut short" in text) != ("All windows of time are whole." in text)


QUARTERS = Windows.back_from(date(2026, 6, 30), 3, date(2025, 7, 1))


def test_days_of_winning_that_some_customers_have_are_named(wb, hold):
    members = pd.DataFrame({"cohort": [-1, 1, 2], "orders": 1})
    base = Base(None, QUARTERS, date(2025, 10, 1), assumed=True, some_known=True)
    hold(
        sentences.beginnings(wb, base, members),
        "other 2 are dated by their day of winning or their first order.",
    )


@pytest.mark.parametrize("assumed", [True, False])
@pytest.mark.parametrize("lead_in", [date(2025, 7, 1), date(2025, 10, 1)])
def test_where_all_were_won_before_nobody_can_be_followed(wb, hold, assumed, lead_in):
    members = pd.DataFrame({"cohort": [-1] * 4, "orders": [3, 0, 0, 1]})
    text = hold(sentences.beginnings(wb, Base(None, QUARTERS, lead_in, assumed), members),
                "All 4 customers in these data count as won before", "nobody can be followed",
                "2 customers placed no order above zero.", "All windows")  # fmt: skip
    assert "Hardly anybody" not in text and "dated by" not in text


@pytest.mark.parametrize("assumed", [True, False])
@pytest.mark.parametrize(
    ("early", "late", "stop"),
    [([0] * 150 + [1] * 50, 1, "31 December 2025"), ([0] * 101, 1, "30 September 2025"), ([1], 0, "31 December 2025"),
     ([0] * 150 + [1] * 50, 3, None), ([0] * 99, 1, None)],
)  # fmt: skip
def test_a_closed_group_of_customers_is_suspected_where_winning_stops(wb, hold, early, late, stop, assumed):
    """Fewer than one in a hundred were won in the later half of the four quarters: 1 of 201 or of 102, none of 1."""
    members = pd.DataFrame({"cohort": [-1, -1, *early, *[2] * late], "orders": 1})
    text = hold(sentences.beginnings(wb, Base(None, QUARTERS, date(2025, 7, 1), assumed), members))
    assert (
        f"Hardly anybody is known to be won after {stop}. If these data follow a chosen group" in text
    ) == bool(stop)
    assert ("chosen group" in text) == bool(stop)


@pytest.mark.parametrize("costed", [0.0, NAN])
def test_without_costs_the_assumed_margin_is_called_an_assumption(hold, shops, costed):
    book = a_book(costed=costed)
    hold(sentences.costs(shops["sales"], book), "hold no cost of goods", "40% of net sales", "assumption",
         "No cost of serving a customer is in it.")  # fmt: skip
    assert hold(sentences.costs(shops["all"], book), "40% of net sales").endswith("of the run's settings.")
    all_of_it = ", at an assumed margin of 40% of sales," if costed == 0 else ""  # nothing sold: nothing
    assert sentences.if_assumed(shops["sales"], book) == all_of_it
    part = ", at an assumed margin of 40% of sales whose cost is missing,"
    assert sentences.if_assumed(shops["sales"], a_book(costed=0.9)) == part
    assert sentences.if_assumed(shops["sales"], a_book(costed=1.0)) == ""


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
        (0.004, (-5.0, 5.0), ("Profit did not change, which chance", "−£5.00 to £5.00")),
    ],
)
def test_the_change_of_profit_is_called_chance_where_it_can_be(wb, hold, gain, interval, parts):
    change = a_change(interval, gain)
    kept = ("230 customers", "12 months to 30 June 2025", "45% were active", "38% to 52%")
    assert "season" not in hold(sentences.retention(wb, change, BEFORE, YEAR), *kept, *parts)
    hold(
        sentences.retention(wb, change, HALF_BEFORE, HALF), "6 months to 30 June 2026", *parts, "time of year"
    )


@pytest.mark.parametrize(
    ("changes", "title"),
    [
        ((-900.0, 300.0, 50.0, 120.0), "Lost customers took £900; new and returning ones added £350, those who stayed added £120"),
        ((40.0, -30.0, -10.0, -5.0), "Lost customers added £40.00; new and returning ones took £40.00, those who stayed took £5.00"),
        ((-1.0, 30.0, -30.0, 0.0), "Lost customers took £1.00; new and returning ones added £0, those who stayed added £0"),
    ],
)  # fmt: skip
def test_the_title_of_the_bridge_says_what_each_kind_of_customer_did(wb, hold, changes, title):
    bridge = pd.DataFrame({"change": changes}, index=["lost", "new", "back", "retained"])
    assert hold(sentences.bridge_title(wb, bridge)) == title


def test_more_or_less_of_both_is_told_with_what_it_did_to_the_profit(wb, hold):
    index = pd.MultiIndex.from_tuples([("up", "up"), ("down", "down"), ("same", "up")])
    table = pd.DataFrame({"customers": [31, 27, 5], "change": [1234.0, -45.5, 9.0]}, index=index)
    hold(sentences.ups_and_downs(wb, table), "31 who order more", "by £1,234", "27 with less", "by −£45.50")
    for nobody in [("up", "up"), ("down", "down")]:
        assert sentences.ups_and_downs(wb, table.assign(customers=(index != nobody) * 5)) is None


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
        ([NAN, NAN, NAN, NAN], [1, 1, 1, 1], "through what cannot be told"),
    ],
)
def test_the_two_largest_factors_are_named_with_their_direction(wb, contribution, rose, words):
    assert sentences.two_largest(wb, a_split(contribution, rose)) == words


OLD = "won before 1 July 2024"


def some_luck(gone=0.2, moved=0.4):
    """A hundred and twenty customers: 30% gone, half of them moved, and what luck alone does."""
    rows = {"gone": (120, 0.3, 0.225, 0.388, gone), "moved": (120, 0.5, 0.41, 0.59, moved)}
    columns = ["customers", "observed", "observed_low", "observed_high", "by_chance"]
    return pd.DataFrame.from_dict(rows, orient="index", columns=columns)


def test_luck_is_set_beside_what_was_seen_and_silence_beside_those_who_return(wb, hold):
    said = sentences.chance(wb, some_luck(), (24, 60), OLD)
    # Wilson by hand: z = 1.96, centre (0.4 + z²/120) / (1 + z²/60) = 0.406, half 0.120.
    text = hold(said, "Only customers won before 1 July 2024 are compared", "120", "30% placed no order", "22% to 39%",
                "20% are missing", "60 customers who had fallen silent", "40% bought again", "29% to 53%",
                "not proof of a loss.", "50% moved", "against 40%")  # fmt: skip
    assert text.endswith("says little about that customer.")


@pytest.mark.parametrize("silence", [None, (0, 0)])
def test_where_nobody_fell_silent_earlier_nobody_is_said_to_return(wb, hold, silence):
    text = hold(sentences.chance(wb, some_luck(moved=0.1), silence, OLD), "30%", "against 10% between")
    assert "bought again" not in text and text.endswith("the halves.")


@pytest.mark.parametrize(
    ("silence", "parts", "proof"),
    [((0, 60), ("60 customers", "0% bought again", "to 6.0%), whatever was sent to them. 50% moved"), False),
     ((1, 1), ("Of the 1 customer who", "100% bought again", "to 100%), whatever"), True)],
)  # fmt: skip
def test_silence_is_no_proof_once_somebody_returned(wb, hold, silence, parts, proof):
    # Wilson by hand for none of 60: the upper end is z² / (60 + z²) = 6.0%.
    assert ("not proof" in hold(sentences.chance(wb, some_luck(), silence, OLD), *parts)) == proof


@pytest.mark.parametrize(
    ("assumed", "lead_in", "who"),
    [(True, date(2024, 10, 1), "who may have been won before the data (first seen before 1 October 2024)"),
     (True, date(2024, 7, 1), "won before 1 July 2024"), (False, date(2024, 10, 1), "won before 1 July 2024")],
)  # fmt: skip
def test_long_known_are_those_with_the_whole_period_to_order_in(assumed, lead_in, who):
    assert sentences.long_known(Base(None, QUARTERS, lead_in, assumed), BEFORE) == who


@pytest.mark.parametrize(("by_chance", "little"), [(0.374, False), (0.376, True)])
def test_a_move_says_little_once_luck_makes_three_quarters_of_it(wb, hold, by_chance, little):
    assert ("says little" in hold(sentences.chance(wb, some_luck(moved=by_chance), None, OLD))) == little


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
    assert (
        hold(sentences.value_so_far(wb, life, 3))
        == "After 9 months a customer won has earned us £20.25 on average"
    )
    loss = hold(sentences.value_so_far(wb, life.iloc[:1], 1))
    assert loss == "After 1 month a customer won has cost us £12.00 on average"
