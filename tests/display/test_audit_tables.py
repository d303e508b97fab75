"""Tables of the audit: what is not known is a dash, and a product's name is text."""

import re
from datetime import date
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest

from crmlib.analysis.audit.expected import EXPECTED, second_looks
from crmlib.analysis.audit.vital_signs import SIGNS
from crmlib.analysis.audit.windows import Windows
from crmlib.analysis.period import Period
from crmlib.display.audit import tables

HOSTILE = "<b>x</b> {y} **z** $1 & 'co'"
NAN = float("nan")
QUARTERS = Windows.back_from(date(2026, 6, 30), 3, date(2025, 7, 1))


@pytest.fixture
def wb(shops):
    return shops["sales"]


def rows_of(frame, *columns):
    """Some columns row by row, once no cell shows a number that is missing."""
    rows = [tuple(row) for row in frame[list(columns)].itertuples(index=False)]
    for cell in (cell for row in rows for cell in row if isinstance(cell, str)):
        assert cell and not re.search(r"\b(nan|inf|None|not known)\b|−\D?0(?![\d.,]*[1-9])|€", cell), cell
    return rows


# Signs, averages, bins --------------------------------------------------------------------------


def the_signs(periods):
    columns = [*range(periods), "low", "high"]
    rows = {
        "active": [*(1000.0 + 100 * n for n in range(periods)), NAN, NAN],
        "retention": [NAN, *(0.5 + n / 100 for n in range(1, periods)), 0.001, 0.02],
        "carried_old": [NAN, *(0.8 - n / 100 for n in range(1, periods)), -0.03, -0.001],
        "per_new": [*(100.5 + n for n in range(periods)), -1.0, 3.0],
        "profit": [*(-1000.0 * n for n in range(periods)), 0.0, 5.0],
    }
    table = pd.DataFrame.from_dict(rows, orient="index", columns=columns)
    return table.assign(change=table[periods - 1] - table[periods - 2])


def years(number):
    last = date(2026, 6, 30)
    return [Period.ending(last.replace(year=2026 - back), 12) for back in reversed(range(number))]


def test_signs_are_written_in_their_unit_for_the_last_four_periods():
    written = tables.signs(the_signs(5), years(5), "GBP", judged=True)
    assert list(written) == ["label", "period_0", "period_1", "period_2", "period_3", "change"]
    # 100 of 1,300 are 7.7%, 1 of 103.50 is 1.0%; a loss has no share to grow by, so its change is in money.
    assert rows_of(written, "label", "period_0", "period_3", "change") == [
        ("Active customers", "1,100", "1,400", "+7.7%"),
        ("Retention", "51%", "54%", "+1 point, more than chance"),
        ("Carried over by customers won earlier", "79%", "76%", "−1 point, more than chance"),
        ("Sales per new customer", "£101.50", "£104.50", "+1.0%, within chance"),
        ("Profit from known customers", "−£1,000", "−£4,000", "−£1,000, within chance"),
    ]
    unjudged = tables.signs(the_signs(5), years(5), "GBP", judged=False)
    assert [change.partition(",")[0] for change in written["change"][:4]] == list(unjudged["change"][:4])
    assert unjudged["change"][4] == "−£1,000"


def test_signs_of_two_periods_show_both_and_a_dash_for_what_is_not_known_yet():
    written = tables.signs(the_signs(2), years(2), "GBP", judged=True)
    assert list(written) == ["label", "period_0", "period_1", "change"]
    assert rows_of(written, "period_0", "period_1")[:2] == [("1,000", "1,100"), ("–", "51%")]
    assert rows_of(written, "period_0")[4] == ("£0",)
    assert rows_of(written, "change")[0] == ("+10.0%",)
    unknown = the_signs(2).assign(low=NAN, high=NAN)
    assert rows_of(tables.signs(unknown, years(2), "GBP", judged=True), "change")[1] == ("–",)


@pytest.mark.parametrize(
    ("name", "was", "now", "change"),
    [
        ("retention", 0.5, 0.52, "+2 points"), ("retention", 0.5, 0.488, "−1 point"), ("retention", 0.5, 0.504, "0 points"),
        ("retention", 0.5, 0.496, "0 points"), ("active", 1000, 1000, "0.0%"), ("sales", 2000.0, 1500.0, "−25.0%"),
        ("sales", 100_000.0, 99_999.0, "0.0%"), ("won", 0, 5, "+5"), ("profit", -200.0, 100.0, "+£300"),
    ],
)  # fmt: skip
def test_a_change_is_in_points_in_shares_or_as_it_is(name, was, now, change):
    table = pd.DataFrame({0: was, 1: now, "change": now - was, "low": NAN, "high": NAN}, index=[name])
    assert rows_of(tables.signs(table, years(2), "GBP", judged=True), "change") == [(change,)]


def test_every_sign_can_be_written():
    table = pd.DataFrame({0: 0.25, 1: 0.5, "change": 0.25, "low": 0.1, "high": 0.2}, index=list(SIGNS))
    written = tables.signs(table, years(2), "GBP", judged=True)
    assert len(rows_of(written, *written)) == len(SIGNS)
    assert set(written["change"]) == {"+25 points, more than chance", "+100.0%, more than chance"}


def test_averages_are_written_both_ways():
    table = pd.DataFrame(
        {"ratio_of_totals": [72.4, -0.031], "mean_of_ratios": [88.888, NAN]}, index=["order_value", "margin"]
    )
    written = tables.averages(table, "GBP")
    assert rows_of(written, "right", "wrong") == [("£72.40", "£88.89"), ("−3.1%", "–")]
    assert list(written["label"]) == ["Order value", "Profit margin"]
    assert list(tables.averages(table, "GBP", margin=False)["label"]) == ["Order value"]


def test_bins_of_money_are_named_by_their_edges():
    edges = [-np.inf, -100.0, 0.0, 500.0, np.inf]
    bins = pd.DataFrame({"low": edges[:-1], "high": edges[1:], "customers": [1, 2, 3, 4]})
    assert rows_of(tables.money_bins(bins, "GBP"), "label", "customers") == [
        ("below −£100", 1), ("−£100 to 0", 2), ("£0 to 500", 3), ("£500 or more", 4),
    ]  # fmt: skip


def test_checks_are_written_as_shares_or_ratios_with_the_question_where_one_is_outside():
    looks = second_looks({"unnamed": 0.0512, "margin": 0.414, "last_window": 1.5, "first_cohort": 0.5})
    assert rows_of(tables.checked(looks), "label", "value", "range", "look") == [
        ("Sales without a customer's name", "5.1%", "0% to 5.0%", EXPECTED["unnamed"].ask),
        ("Gross margin on net sales", "41.4%", "10% to 80%", "as expected"),
        ("Sales of the last window against a year earlier", "1.50", "0.70 to 1.40", EXPECTED["last_window"].ask),
        ("Size of the first cohort against the median", "0.50", "0.50 to 1.50", "as expected"),
    ]  # fmt: skip


# Periods and cohorts ----------------------------------------------------------------------------


def test_contributions_of_several_groups_add_up_to_their_change():
    moved = {name: pd.DataFrame({"contribution": values}, index=["customers", "orders", "margin"])
             for name, values in {"All": [5.0, -7.5, 1.0], "Kept": [0.0, 2.0, -3.0]}.items()}  # fmt: skip
    found = tables.contributions(moved)
    assert rows_of(found, "label", "customers", "orders", "margin", "change") == [
        ("All", 5.0, -7.5, 1.0, -1.5), ("Kept", 0.0, 2.0, -3.0, -1.0),
    ]  # fmt: skip


def test_what_went_up_and_down_is_in_words_the_most_customers_first():
    index = pd.MultiIndex.from_product([["up", "same"], ["same", "down"]], names=["orders", "order_value"])
    table = pd.DataFrame({"customers": [1, 0, 8, 1], "change": [1.0, 0.0, -2.0, 4.0]}, index=index)
    assert rows_of(tables.up_and_down(table), "label", "customers", "change") == [
        ("Orders the same, order value the same", 8, -2.0),
        ("Orders the same, order value down", 1, 4.0),
        ("Orders up, order value the same", 1, 1.0),
    ]


def test_the_span_of_cohorts_goes_from_the_first_day_of_one_to_the_last_of_another():
    assert tables.span(QUARTERS, range(1, 3)) == "1 October 2025 to 31 March 2026"
    assert tables.span(QUARTERS, range(3, 4)) == "1 April 2026 to 30 June 2026"


def test_waits_carry_the_interval_of_the_longest_time_that_is_known():
    rows = {
        1: {"days_90": 0.2, "days_90_low": 0.1, "days_90_high": 0.3,
            "days_365": 0.5, "days_365_low": 0.42, "days_365_high": 0.58},
        2: {"days_90": 0.04, "days_90_low": 0.031, "days_90_high": 0.052},
        3: {"days_90": 0.3, "days_90_low": NAN, "days_90_high": NAN},
        4: {"days_365_low": 0.1, "days_365_high": 0.2},
    }  # fmt: skip
    written = tables.waits(pd.DataFrame.from_dict(rows, orient="index").rename_axis("order"))
    assert rows_of(written, "label", "interval") == [
        ("1 to 2", "42% to 58%"), ("2 to 3", "3.1% to 5.2%"), ("3 to 4", "–"), ("4 to 5", "–"),
    ]  # fmt: skip


def test_cohorts_side_by_side_are_the_newest_that_are_known_each_with_its_verdict():
    side = pd.DataFrame({"value": [1.0, 2.0, NAN, 4.0, 5.0, 6.0], "change": [NAN, 1.0, NAN, 2.0, 1.0, 1.0]})
    side["change_low"] = side["change"] - [0, 3, 0, 1.5, 3, 1]
    side["change_high"] = side["change"] + [0, 3, 0, 1.5, -1.5, -1]
    expected = ["–", "not told apart", "better", "worse", "not told apart"]
    assert rows_of(tables.side_by_side(side), "value", "verdict") == list(
        zip([1, 2, 4, 5, 6], expected, strict=True)
    )
    assert rows_of(tables.side_by_side(side, rows=2), "verdict") == [("worse",), ("not told apart",)]


def test_ten_rows_are_shown_where_there_are_more():
    many = pd.DataFrame(1, columns=["none", "a"], index=pd.Index(list("abcdefghijkl"), name="item"))
    assert rows_of(tables.next_items(many), "item") == [(name,) for name in "abcdefghij"]
    side = pd.DataFrame(1.0, columns=["value", "change", "change_low", "change_high"], index=range(12))
    assert tables.side_by_side(side).index.tolist() == list(range(2, 12))


@pytest.mark.parametrize(
    ("first", "inside"), [(date(2026, 1, 1), [0, 0, 1, 1]), (date(2025, 7, 1), [1, 1, 1, 1])]
)
def test_windows_within_a_period_are_those_from_its_first_day_on(first, inside):
    index = pd.MultiIndex.from_tuples([(-1, 0), (-1, 1), (0, 2), (2, 3)], names=["cohort", "window"])
    period = Period(first, date(2026, 6, 30), 6)
    found = tables.within(pd.DataFrame({"profit": 1.0}, index=index), QUARTERS, period)
    assert found.tolist() == [bool(one) for one in inside] and found.index.equals(index)


# The product lens -------------------------------------------------------------------------------


class Cells(HTMLParser):
    """The words and the tags of some HTML."""

    def __init__(self, markup):
        super().__init__(convert_charrefs=True)
        self.text, self.tags = "", set()
        self.feed(markup)

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)

    def handle_data(self, data):
        self.text += data


def the_next():
    """What 34 customers bought on the second day, by what they began with."""
    columns = pd.Index(["(not known)", HOSTILE, "a", "none"], name="following")
    counts = [[0, 1, 2, 7], [1, 3, 2, 14], [0, 0, 0, 4]]
    return pd.DataFrame(counts, columns=columns, index=pd.Index(["a", HOSTILE, "c"], name="item"))


def test_what_comes_next_is_none_the_same_or_most_often_something_else():
    assert rows_of(tables.next_items(the_next()), "item", "customers", "none", "same", "most") == [
        (HOSTILE, 20, 0.7, 0.15, "a"), ("a", 10, 0.7, 0.2, HOSTILE), ("c", 4, 1.0, 0.0, "–"),
    ]  # fmt: skip
    assert rows_of(tables.next_items(the_next(), rows=1), "item") == [(HOSTILE,)]
    everybody = the_next().drop(columns="none").iloc[:2]
    assert rows_of(tables.next_items(everybody), "item", "none") == [(HOSTILE, 0.0), ("a", 0.0)]


def test_a_hostile_product_is_text_in_a_table(wb):
    columns = {"item": ("First product", "text"), "none": ("None", "share"), "most": ("Most often", "text")}
    table = wb.table(tables.next_items(the_next()), "Next", columns)
    page = Cells(table.to_html())
    assert page.text.count(HOSTILE) == 2 and not page.tags & {"b", "strong", "em"}
    assert table.rows[1] == ["a", "70%", HOSTILE]
