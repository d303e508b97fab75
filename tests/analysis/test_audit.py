"""The audit on small companies whose answers can be seen: days won, edges, ties, a second engine.

Real files worked a second way, edges, invariances and known truth stand in the folder ``audit``
beside this module.
"""

import datetime as dt
import math

import ibis
import numpy as np
import pandas as pd
import pytest

from crmlib.analysis.audit.cohorts import by_age, sizes
from crmlib.analysis.audit.customer_days import customer_base
from crmlib.analysis.audit.expected import EXPECTED, base_figures, sales_by_day, second_looks
from crmlib.analysis.audit.factors import contributions, factors_of
from crmlib.analysis.audit.one_period import (
    active,
    averages_two_ways,
    money_distribution,
    tenths_of_profit,
)
from crmlib.analysis.audit.product_lens import breadth, entries, item_lines, next_items, what_follows
from crmlib.analysis.audit.two_periods import two_periods
from crmlib.analysis.audit.whole_base import by_window, grouped_cohorts, stacked
from crmlib.analysis.audit.windows import Windows
from crmlib.analysis.ledger import customer_ledger, order_lines
from crmlib.analysis.period import Period
from crmlib.analysis.profitability import profit_in
from crmlib.errors import DataError

AS_OF = dt.date(2025, 12, 31)
FIRST = dt.date(2025, 1, 1)
YEAR = Period(FIRST, AS_OF, 12)
HALVES = Period(FIRST, dt.date(2025, 6, 30), 6), Period(dt.date(2025, 7, 1), AS_OF, 6)
QUARTERS = [
    Period.ending(dt.date(2025, month, day), 3) for month, day in ((3, 31), (6, 30), (9, 30), (12, 31))
]


def line(who, day, net, **more):
    return {"customer_id": who, "ordered_at": f"{day} 10:00:00", "net_amount": net, **more}


@pytest.fixture
def lay(tables):
    """Return a function that lays out the base of a small company: 2025 by quarters, half the sales margin."""

    def base(orders, months=3, lead_in=0, as_of=AS_OF, since=FIRST, **others):
        made = tables(orders=orders, **others)
        windows = Windows.back_from(as_of, months, since)
        return customer_base(made, order_lines(made("orders"), 0.5), windows, lead_in)

    return base


# Windows ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("last", "months", "since", "labels"),
    [
        ("2026-06-30", 3, "2025-10-01", ["Q4 2025", "Q1 2026", "Q2 2026"]),
        ("2026-06-30", 1, "2026-04-01", ["Apr 2026", "May 2026", "Jun 2026"]),
        ("2025-12-31", 12, "2024-01-01", ["2024", "2025"]),
        ("2026-06-30", 12, "2024-07-01", ["Jul 2024–Jun 2025", "Jul 2025–Jun 2026"]),
        ("2026-01-31", 3, "2025-08-01", ["Aug–Oct 2025", "Nov 2025–Jan 2026"]),
        ("2026-06-30", 3, "2025-11-15", ["15 Nov–31 Dec 2025", "Q1 2026", "Q2 2026"]),
        ("2026-06-30", 3, "2025-12-01", ["Dec 2025", "Q1 2026", "Q2 2026"]),
        ("2011-12-09", 3, "2011-06-01", ["1 Jun–9 Jun 2011", "10 Jun–9 Sep 2011", "10 Sep–9 Dec 2011"]),
        ("2012-01-09", 2, "2011-09-10", ["10 Sep–9 Nov 2011", "10 Nov 2011–9 Jan 2012"]),
        # The last days of months: each window begins so many months before the end, not before its neighbour.
        ("2025-05-30", 1, "2025-01-31", ["31 Jan–27 Feb 2025", "28 Feb–30 Mar 2025", "31 Mar–29 Apr 2025",
                                         "30 Apr–30 May 2025"]),
        ("2024-02-28", 12, "2022-02-28", ["28 Feb 2022–27 Feb 2023", "28 Feb 2023–28 Feb 2024"]),
        ("2024-02-29", 1, "2024-01-01", ["Jan 2024", "Feb 2024"]),
        ("2025-07-15", 6, "2025-07-15", ["15 Jul–15 Jul 2025"]),
    ],
)  # fmt: skip
def test_windows_are_named_and_follow_each_other(last, months, since, labels):
    windows = Windows.back_from(dt.date.fromisoformat(last), months, dt.date.fromisoformat(since))
    assert list(windows.labels) == labels
    assert len(set(windows.labels)) == len(windows)
    for end, start in zip(windows.lasts[:-1], windows.firsts[1:], strict=True):
        assert start - end == dt.timedelta(days=1)
    assert (windows.firsts[0], windows.lasts[-1]) == (
        dt.date.fromisoformat(since),
        dt.date.fromisoformat(last),
    )


@pytest.mark.parametrize("months", [1, 2, 3, 6, 12])
@pytest.mark.parametrize("last", ["2025-12-31", "2026-02-28", "2024-02-29", "2026-03-30", "2026-05-14"])
def test_every_day_lies_in_one_window_of_the_engine_and_of_the_calendar(duck, last, months):
    last = dt.date.fromisoformat(last)
    since = last - dt.timedelta(days=500)
    windows = Windows.back_from(last, months, since)
    days = pd.DataFrame({"day": pd.date_range(since - dt.timedelta(days=3), last).date})
    table = ibis.memtable(days).mutate(day=ibis._.day.cast("date"))
    found = duck.execute(table.mutate(number=windows.number(table.day)).order_by("day"))["number"]
    expected = [
        next(
            (
                n
                for n, ends in enumerate(zip(windows.firsts, windows.lasts, strict=True))
                if ends[0] <= day <= ends[1]
            ),
            -1,
        )
        for day in days["day"]
    ]
    assert found.tolist() == expected == [windows.holding(day) for day in days["day"]]
    assert set(range(len(windows))) == set(expected) - {-1}
    assert not windows.cut or (windows.lasts[0] - since).days < 31 * months


# When a customer was won --------------------------------------------------------------------------


def person(who, day=None, cost=None):
    return {"customer_id": who, "acquired_on": day, "acquisition_cost": cost}


ORDERS = [
    line("a", "2025-02-10", 100, order_id="1"), line("a", "2025-08-01", 50, order_id="2"),
    line("b", "2025-05-05", 80, order_id="3"), line("b", "2025-05-05", 20, order_id="3"),
    line("b", "2025-05-20", -20, order_id="3"),
    line("c", "2025-11-11", 60, order_id="4"), line(None, "2025-11-12", 500, order_id="5"),
]  # fmt: skip


def won(base):
    members = base.members()
    return {who: None if pd.isna(day) else str(day.date()) for who, day in members["won_on"].items()}


def test_the_day_won_is_that_of_the_customers_else_of_the_first_order(lay):
    people = [person("a", "2025-01-15"), person("b", "2025-09-01"), person("c")]
    base = lay(ORDERS, customers=people)
    assert won(base) == {"a": "2025-01-15", "b": "2025-05-05", "c": "2025-11-11"}
    assert base.members()["cohort"].to_dict() == {"a": 0, "b": 1, "c": 3}
    assert base.assumed
    assert not lay(ORDERS, customers=[*people[:2], person("c", "2025-11-11")]).assumed


@pytest.mark.parametrize(
    ("lead_in", "hidden"), [(0, set()), (1, {"a"}), (3, {"a"}), (4, {"a", "b"}), (6, {"a", "b"})]
)
def test_in_the_lead_in_nobody_can_tell_new_from_old(lay, lead_in, hidden):
    """A lead-in of four months ends with the next window, so that no cohort is cut."""
    base = lay(ORDERS, lead_in=lead_in)
    assert {who for who, day in won(base).items() if day is None} == hidden
    assert (base.members().loc[sorted(hidden), "cohort"] == -1).all()
    known = lay(ORDERS, lead_in=lead_in, customers=[person("a", "2025-02-10"), person("b"), person("c")])
    assert won(known)["a"] == "2025-02-10"


def test_a_customer_won_before_the_data_is_of_no_cohort_but_has_an_age(lay):
    base = lay(ORDERS, customers=[person("a", "2024-12-31"), person("b", "2020-05-05"), person("c")])
    assert base.members()["cohort"].to_dict() == {"a": -1, "b": -1, "c": 3}
    days = base.days.execute().set_index(["customer_id", "day"])["age_days"]
    assert days["a"].tolist()[0] == (dt.date(2025, 2, 10) - dt.date(2024, 12, 31)).days
    assert base.label(-1) == "before" and base.label(3) == "Q4 2025"


def test_who_only_returned_or_returned_first_was_a_customer_before(lay):
    base = lay([*ORDERS, line("r", "2025-03-03", -30, order_id="0"), line("s", "2025-03-03", -30, order_id="0"),
                line("s", "2025-09-09", 40, order_id="9")])  # fmt: skip
    assert won(base)["r"] is None and won(base)["s"] is None
    year = base.customers_in(YEAR)
    assert year.loc["r", ["orders", "net_sales", "profit"]].tolist() == [0, -30, -15]
    change = two_periods(base.customers_in(HALVES[0]), base.customers_in(HALVES[1]), HALVES[1].first)
    assert change.customers["group"].to_dict() == {
        "a": "retained",
        "b": "lost",
        "c": "new",
        "r": "none",
        "s": "back",
    }
    assert by_window(base).loc[-1]["active"].sum() == 1
    assert by_window(base)["net_sales"].sum() == pytest.approx(270)


def test_an_acquisition_without_an_order_is_a_customer_who_cost_money(lay):
    people = [person("a", "2025-01-15", 10), person("b", None, 5), person("c", "2025-11-11", None),
              person("d", "2025-04-04", 30)]  # fmt: skip
    base = lay(ORDERS, customers=people)
    assert won(base)["d"] == "2025-04-04"
    year = base.customers_in(YEAR)
    assert year.loc["d", ["orders", "net_sales", "acquisition_cost", "profit"]].tolist() == [0, 0, 30, -30]
    assert year["acquisition_cost"].to_dict() == {"a": 10, "b": 0, "c": 0, "d": 30}
    ages = by_age(base)
    assert ages.loc[(1, 1), ["customers", "active", "repeaters", "orders"]].tolist() == [2, 1, 0, 1]
    assert ages.loc[(1, 1), "profit"] == pytest.approx(0.5 * 80 - 30)


def test_who_was_won_and_never_ordered_counts_whether_the_cost_is_known_or_not(lay):
    people = [
        {"customer_id": "d", "acquired_on": "2025-04-04"},
        {"customer_id": "e", "acquired_on": "2024-04-04"},
    ]
    base = lay(ORDERS, customers=people)
    assert base.customers_in(YEAR).loc["d", ["orders", "net_sales", "profit"]].tolist() == [0, 0, 0]
    assert base.members().loc["d", ["cohort", "orders"]].tolist() == [1, 0]
    assert "e" not in base.members().index  # won before the data, and nothing since
    assert by_age(base).loc[(1, 1), ["customers", "active"]].tolist() == [2, 1]


# The cost of serving ------------------------------------------------------------------------------

POOL = [{"resource": "desk", "cost_per_month": "100", "practical_minutes_per_month": "300"}]
WORK = [{"activity": "call", "minutes_per_event": "1", "resource": "desk"}]


def call(who, day, times=1, activity="call"):
    return {"customer_id": who, "occurred_on": day, "activity": activity, "quantity": times}


def test_an_event_of_an_unknown_activity_is_refused_as_in_the_income_statement(lay):
    with pytest.raises(DataError, match="activity 'visit'"):
        lay(ORDERS, events=[call("a", "2025-02-11"), call("a", "2025-03-01", activity="visit")],
            activities=WORK, resources=POOL)  # fmt: skip


def test_a_cost_that_decimals_cannot_hold_stays_right_for_many_pieces(lay, tables):
    """A third of a cent per piece, a million pieces: the audit and the income statement agree to the cent."""
    rows = {"orders": ORDERS, "events": [call("a", "2025-02-11", 1_000_000), call("b", "2025-05-06", 7)],
                "activities": WORK, "resources": POOL}  # fmt: skip
    found = lay(**rows).customers_in(YEAR)["service_cost"]
    made = tables(**rows)
    known = profit_in(made, order_lines(made("orders"), 0.5), YEAR)["service_cost"]
    assert found["a"] == pytest.approx(1_000_000 / 3, abs=0.005)
    assert found["a"] == pytest.approx(known["a"], abs=0.005)
    assert found["b"] == pytest.approx(7 / 3, abs=1e-5)


def test_no_events_so_far_cost_nothing(lay, build):
    made = {"orders": build("orders", ORDERS), "events": build("events", [], list(call("a", "2025-01-01"))),
            "activities": build("activities", WORK), "resources": build("resources", POOL)}  # fmt: skip
    windows = Windows.back_from(AS_OF, 3, FIRST)
    base = customer_base(made.get, order_lines(made["orders"], 0.5), windows)
    assert base.customers_in(YEAR)["service_cost"].eq(0).all()


def test_service_before_the_first_order_counts_from_the_first_day_on(lay):
    """A visit that won the customer is older than the customer; it belongs to the first window of age."""
    base = lay(ORDERS, events=[call("c", "2025-10-30", 30)], activities=WORK, resources=POOL, months=1)
    ages = by_age(base)
    assert ages.loc[(10, 1), "service_cost"] == pytest.approx(10)
    assert by_window(base).loc[(10, 9), "service_cost"] == pytest.approx(10)


def test_what_was_done_before_the_first_window_is_no_part_of_the_base(lay, tables):
    """Service may be recorded longer than orders; windows, cohorts and periods leave it out alike."""
    rows = {"orders": ORDERS, "events": [call("a", "2024-11-30", 30), call("z", "2024-10-01"), call("b", "2025-01-02", 3)],
            "activities": WORK, "resources": POOL}  # fmt: skip
    base, made = lay(**rows), tables(**rows)
    assert base.members().index.tolist() == ["a", "b", "c"]
    known = profit_in(made, order_lines(made("orders"), 0.5), YEAR)
    table = by_window(base)
    assert table["service_cost"].sum() == pytest.approx(known["service_cost"].sum()) == pytest.approx(1)
    assert table.index.get_level_values("window").min() == 0
    stack = stacked(table, "profit", grouped_cohorts(base, 1), len(base.windows))
    assert stack.to_numpy().sum() == pytest.approx(known["profit"].sum())


# Small truths -------------------------------------------------------------------------------------


def test_a_customer_who_crosses_a_boundary_belongs_where_the_profit_begins():
    table = tenths_of_profit(pd.Series([95.0, 5.0, 10.0, -10.0, 0.0])).set_index("part")
    # Total 100: the best customer fills nine tenths and a half, the next two begin in the last and beyond.
    assert table["customers"].to_dict() == {
        "tenth 1": 1, **{f"tenth {n}": 0 for n in range(2, 10)}, "tenth 10": 1, "beyond": 1, "nothing": 1, "loss": 1,
    }  # fmt: skip
    assert table["profit"].sum() == 100


@pytest.mark.parametrize("count", [3, 7, 10, 13, 30])
def test_equal_profits_fill_the_tenths_evenly_whatever_binary_fractions_do(count):
    table = tenths_of_profit(pd.Series([0.1] * count))
    assert table["customers"].tolist() == [
        sum(part * count <= 10 * n < (part + 1) * count for n in range(count)) for part in range(10)
    ]


def test_money_on_an_edge_lies_in_the_bin_it_opens():
    values = pd.Series([round(n / 10, 1) for n in range(11)])
    table = money_distribution(values)
    for row in table.itertuples():
        assert row.customers == sum(round(row.low, 9) <= value < round(row.high, 9) for value in values), row


@pytest.mark.parametrize("values", [[], [0.0], [-5.0] * 3, [5.0] * 3, [-1e6, 1e-6, 1e6]])
def test_a_distribution_of_money_holds_everybody_and_nobody_twice(values):
    table = money_distribution(pd.Series(values, dtype="float64"))
    assert table["customers"].sum() == len(values)
    assert table.loc[table["marked"], "customers"].sum() == sum(value < 0 for value in values)


def test_the_mean_of_ratios_counts_small_customers_as_much_as_large_ones():
    customers = pd.DataFrame(
        {"orders": [1, 9, 0], "net_sales": [10.0, 900.0, -5.0], "profit": [5.0, 90.0, -2.0]}
    )
    table = averages_two_ways(customers)
    assert table.loc["order_value"].tolist() == pytest.approx([90.5, 55.0])
    assert table.loc["margin"].tolist() == pytest.approx([93 / 905, 0.3])
    assert len(active(customers)) == 2


@pytest.mark.parametrize("seed", range(5))
def test_contributions_add_up_and_favour_no_factor(seed):
    rng = np.random.default_rng(seed)
    names = ["a", "b", "c", "d"][: 2 + seed % 3]
    before, now = (pd.Series(rng.normal(1, 2, len(names)), index=names) for _ in range(2))
    parts = contributions(before, now)
    assert parts.sum() == pytest.approx(now.prod() - before.prod())
    turned = contributions(before[::-1], now[::-1])
    assert turned[names].to_numpy() == pytest.approx(parts.to_numpy())
    assert contributions(now, before).to_numpy() == pytest.approx(-parts.to_numpy())
    still = before.copy()
    still.iloc[1:] = now.iloc[1:]
    assert contributions(before, still).iloc[0] == pytest.approx(
        0, abs=1e-12
    )  # what does not move moves nothing


def test_a_factor_nobody_knows_leaves_all_contributions_open():
    none = factors_of(customers=0, orders=0, net_sales=0, profit=0)
    assert none["customers"] == 0 and none[1:].isna().all()
    assert contributions(none, factors_of(2, 4, 100, 10)).isna().all()


def test_second_looks_say_what_lies_outside():
    looks = second_looks({"largest": 0.12, "margin": 0.1, "retention": math.nan, "one_order": 0.7})
    assert looks["inside"].to_dict() == {"margin": True, "largest": False, "one_order": True}
    assert all(rule.low < rule.high and rule.ask.endswith("?") for rule in EXPECTED.values())


def test_the_figures_of_a_base_by_hand(lay, tables):
    base = lay(ORDERS)
    lines = order_lines(tables(orders=ORDERS)("orders"), 0.5)
    book, windows = customer_ledger(lines, YEAR), by_window(base)["net_sales"].groupby("window").sum()
    figures = base_figures(
        book, base.customers_in(YEAR), sales_by_day(lines, YEAR), 0.5, windows, sizes(base), 3
    )
    assert set(figures) == set(EXPECTED)
    assert figures == pytest.approx(
        {"unnamed": 500 / 790, "returned": 20 / 810, "margin": 0.5, "largest": 150 / 290, "top_tenth": 150 / 290,
         "one_order": 2 / 3, "busiest_day": 500 / 790, "retention": 0.5, "last_window": 60 / 100, "first_cohort": 1.0}
    )  # fmt: skip


# Products -----------------------------------------------------------------------------------------


def test_products_by_hand(lay, tables):
    orders = [
        line("a", "2025-01-10", 30, product_id="P1"), line("a", "2025-01-10", 20, product_id="P2"),
        line("a", "2025-01-10", 20, product_id="P2"), line("a", "2025-02-10", 9, product_id="P3"),
        line("b", "2025-01-11", 10, product_id="P3"), line("b", "2025-01-11", 10, product_id="P1"),
        line("b", "2025-01-12", -10, product_id="P1"), line("c", "2025-04-01", 5, product_id="P9"),
    ]  # fmt: skip
    goods = [{"product_id": f"P{n}", "category": kind} for n, kind in ((1, "cups"), (2, "pans"), (3, "cups"))]
    base, made = lay(orders, products=goods), tables(orders=orders, products=goods)
    items = item_lines(made("orders"), made("products"), "category")
    base = customer_base(made, order_lines(made("orders"), 0.5), base.windows)
    assert items.execute()["item"].value_counts().to_dict() == {"cups": 4, "pans": 2, "(no category)": 1}
    entered = entries(base, items)
    assert entered.execute().set_index("customer_id")["item"].to_dict() == {
        "a": "pans",
        "b": "cups",
        "c": "(no category)",
    }
    by_product = item_lines(made("orders"), None, "product")
    first = entries(base, by_product).execute().set_index("customer_id")["item"].to_dict()
    assert first == {"a": "P2", "b": "P1", "c": "P9"}  # two lines of P2 make more than P1; equal ones by name
    following = next_items(base, items, entered)
    assert (
        following.loc["pans", "cups"]
        == following.loc["cups", "none"]
        == following.loc["(no category)", "none"]
        == 1
    )
    table = what_follows(base, entered, 1, 1)
    assert table.attrs["customers"] == 3 and table.empty  # no spread from one customer
    wide = breadth(items, base.customers_in(YEAR), YEAR, (1, 2), 1)
    assert wide["customers"].to_dict() == {"1": 2, "2": 1, "3": 0, "4 or more": 0}
    assert item_lines(made("orders"), None, "category") is None


def test_who_came_again_for_something_not_listed_came_again(tables):
    orders = [
        line("a", "2025-01-10", 30, product_id="P1"), line("a", "2025-02-10", 9),
        line("b", "2025-01-10", 30, product_id="P1"), line("b", "2025-02-10", 4, product_id="POST"),
        line("c", "2025-01-10", 30, product_id="P1"), line("d", "2025-01-10", 5, product_id="POST"),
    ]  # fmt: skip
    made = tables(orders=orders)
    base = customer_base(made, order_lines(made("orders"), 0.5), Windows.back_from(AS_OF, 3, FIRST))
    items = item_lines(made("orders"), None, "product", leave_out=["POST"])
    entered = entries(base, items)
    assert entered.execute()["customer_id"].sort_values().tolist() == ["a", "b", "c"]
    assert next_items(base, items, entered).loc["P1"].to_dict() == {"(not known)": 2, "none": 1}


def test_an_item_whose_customers_are_all_equal_does_not_swallow_the_others(lay, tables):
    """Without spread an item looks certain; thirty equal customers are still only thirty."""
    rng = np.random.default_rng(3)
    orders = [line(f"x{n:03d}", "2025-01-10", 10, product_id="voucher") for n in range(30)]
    for item, middle in (("lamp", 90), ("vase", 110), ("rug", 100)):
        orders += [
            line(f"{item}{n:03d}", "2025-01-10", round(rng.normal(middle, 10), 2), product_id=item)
            for n in range(200)
        ]
    made = tables(orders=orders)
    base = customer_base(made, order_lines(made("orders"), 0.5), Windows.back_from(AS_OF, 3, FIRST))
    table = what_follows(base, entries(base, item_lines(made("orders"), None, "product")), 1, 10)
    for item in ("lamp", "vase", "rug"):
        assert abs(table.loc[item, "shrunk"] - table.loc[item, "value"]) < 1.5, item


# A second engine ----------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", [1, 2])
def test_another_engine_comes_to_the_same_base(untidy, seed):
    """SQLite knows no decimals and no days, so this is a different road to the same sums."""
    rows, bases = untidy(seed, customers=60, lines=800), []
    for engine in (ibis.duckdb.connect(), ibis.sqlite.connect()):
        made = {}
        for name in ("orders", "customers", "events", "activities", "resources"):
            frame = pd.DataFrame(getattr(rows, name))
            for column in frame:
                if column.endswith(("_at", "_on")):
                    frame[column] = pd.to_datetime(frame[column])
                elif column in ("net_amount", "discount_amount", "cost_of_goods", "acquisition_cost", "quantity",
                                "minutes_per_event", "cost_per_month", "practical_minutes_per_month"):  # fmt: skip
                    frame[column] = frame[column].astype("float64")
            made[name] = engine.create_table(name, frame)
            days = {c: made[name][c].date() for c in ("occurred_on", "acquired_on") if c in frame}
            made[name] = made[name].mutate(**days)
        windows = Windows.back_from(dt.date(2026, 6, 30), 3, dt.date(2025, 1, 1))
        bases.append(customer_base(made.get, order_lines(made["orders"], 0.35), windows, 3))
    duck, lite = bases
    period = Period.ending(duck.as_of, 6)
    for lens in (lambda base: base.customers_in(period), by_age, by_window):
        one, two = lens(duck), lens(lite)
        assert len(one) > 10
        pd.testing.assert_frame_equal(one, two, check_dtype=False, check_exact=False, rtol=1e-6, atol=1e-3)
