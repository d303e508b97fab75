"""Real and drawn companies as the audit sees them, and the same companies in plain pandas.

`Plain` knows nothing of the package: it starts from the lines of the raw files and follows the
definitions. Money is in whole ten-thousandths, so that its sums are exact.
"""

import calendar
import datetime as dt
import functools
import gzip
import os
from bisect import bisect_right
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from crmlib.analysis.audit.cohorts import by_age, compared, horizon, pooled, sizes, trend
from crmlib.analysis.audit.customer_days import customer_base
from crmlib.analysis.audit.lists import cohort_list, customer_list
from crmlib.analysis.audit.next_period import next_period, rehearse
from crmlib.analysis.audit.one_cohort import next_order_curves, next_order_table, order_waits, who_stops
from crmlib.analysis.audit.one_period import (
    averages_two_ways,
    money_distribution,
    order_distribution,
    profit_factors,
    tenths,
    tenths_of_profit,
)
from crmlib.analysis.audit.two_periods import beside_chance, migration, two_periods, up_and_down, what_moved
from crmlib.analysis.audit.whole_base import by_window, grouped_cohorts, stacked
from crmlib.analysis.audit.windows import Windows
from crmlib.analysis.ledger import order_lines
from crmlib.analysis.period import Period
from crmlib.intake import open_data

DATA = Path(__file__).parents[3] / "data"
REAL = os.environ.get("CRMLIB_REAL_DATA")
UNIT = 10_000
LENGTH = 365.25 / 12  # days of an average month


def months_later(day: dt.date, months: int) -> dt.date:
    """Same day so many months later (earlier, if negative), the last of the month where there is none."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return dt.date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


class Plain:
    """A customer base by the definitions, in pandas.

    `lines` has ``customer``, ``day``, ``order``, ``net``, ``cost`` and ``item``; `acquired` the day each
    customer was won, where known; `extra` further rows of ``customer``, ``day``, ``service`` and
    ``acquisition`` in currency. All of it up to `as_of`.
    """

    def __init__(self, lines, as_of, first_day, months, lead_in_months, acquired=None, extra=None):
        self.everything = lines
        self.lines = lines = lines[lines["customer"].notna()]
        self.as_of, self.first_day, self.months = as_of, first_day, months
        self.step = months * LENGTH
        self.starts = self._starts()
        self.ends = [start - dt.timedelta(days=1) for start in self.starts[1:]] + [as_of]
        by = ["customer", "day"]
        placed = lines[lines["net"] > 0].assign(order=lines["order"].fillna("no number"))
        days = lines.groupby(by)[["net", "cost"]].sum() / UNIT
        days["orders"] = placed.groupby(by)["order"].nunique()
        if extra is not None:
            days = days.join(extra.groupby(by)[["service", "acquisition"]].sum(), how="outer")
        days = days.reindex(columns=["orders", "net", "cost", "service", "acquisition"]).fillna(0.0)
        days["margin"] = days["net"] - days["cost"]
        days["profit"] = days["margin"] - days["service"] - days["acquisition"]
        days = days.reset_index()
        days["day"] = pd.to_datetime(days["day"])
        self.won = self._won(days, {} if acquired is None else acquired.dropna().to_dict(), lead_in_months)
        self.cohort = {who: self.window_of(day) for who, day in self.won.items()}
        days["cohort"] = days["customer"].map(self.cohort)
        days["window"] = [self.window_of(day.date()) for day in days["day"]]
        days["age_days"] = (days["day"] - pd.to_datetime(days["customer"].map(self.won))).dt.days
        self.days = days

    def _starts(self):
        after, starts = self.as_of + dt.timedelta(days=1), []
        for count in range(1, 1000):
            starts.insert(0, months_later(after, -count * self.months))
            if starts[0] <= self.first_day:
                break
        return [self.first_day, *starts[1:]]

    def _won(self, days, acquired, lead_in_months):
        until = months_later(self.first_day, lead_in_months)
        self.lead_in = next((start for start in self.starts if start >= until), self.starts[-1])
        first = days[days["orders"] > 0].groupby("customer")["day"].min().dt.date.to_dict()
        back = days[days["net"] < 0].groupby("customer")["day"].min().dt.date.to_dict()
        won = {}
        for who in days["customer"].unique():
            known = acquired.get(who)
            if known is not None:
                won[who] = min(known, first.get(who, known))
            elif who in first and first[who] >= self.lead_in and back.get(who, first[who]) >= first[who]:
                won[who] = first[who]
            else:
                won[who] = None
        return won

    def window_of(self, day):
        """Number of the window that holds a day; -1 before all."""
        return -1 if day is None else bisect_right(self.starts, day) - 1

    def within(self, first, last):
        """Rows of customer days from `first` to `last`."""
        return self.days[self.days["day"].between(pd.Timestamp(first), pd.Timestamp(last))]

    def customers(self, first, last):
        """Everybody with anything in the days from `first` to `last`, added up, under the names of the audit."""
        return self.added(self.within(first, last))

    def added(self, rows):
        """Add up customer days, under the names of the audit."""
        found = rows.groupby("customer")[
            ["orders", "net", "margin", "service", "acquisition", "profit"]
        ].sum()
        found.columns = [
            "orders",
            "net_sales",
            "gross_margin",
            "service_cost",
            "acquisition_cost",
            "profit",
        ]
        found.insert(0, "cohort", found.index.map(self.cohort))
        return found.sort_index().astype({"orders": "int64", "cohort": "int64"})


def _whole(values: pd.Series) -> pd.Series:
    """Money of a file in ten-thousandths."""
    return (values.astype("float64") * UNIT).round().astype("int64")


def _cdnow():
    with gzip.open(Path(REAL, "cdnow", "CDNOW_master.txt.gz"), "rt") as stream:
        cells = [line.split() for line in stream][1:]
    raw = pd.DataFrame(cells, columns=["customer", "day", "count", "dollars"])
    net = _whole(raw["dollars"])
    return pd.DataFrame(
        {"customer": raw["customer"], "day": pd.to_datetime(raw["day"]), "order": None, "net": net,
         "cost": net * 8 // 10, "item": None}
    )  # fmt: skip


def _online_retail():
    raw = pd.read_csv(Path(REAL, "online_retail", "online_retail.csv.gz"), dtype=str, keep_default_na=False)
    net = raw["Quantity"].astype("int64") * _whole(raw["UnitPrice"])
    assert (net * 6 % 10 == 0).all()
    return pd.DataFrame(
        {"customer": raw["CustomerID"].str.removesuffix(".0").replace("", None),
         "day": pd.to_datetime(raw["InvoiceDate"].str[:10]), "order": raw["InvoiceNo"], "net": net,
         "cost": net * 6 // 10, "item": raw["StockCode"]}
    )  # fmt: skip


def _bundled():
    raw = pd.read_csv(DATA / "orders.csv", dtype=str)
    kinds = pd.read_csv(DATA / "products.csv", dtype=str).set_index("product_id")["category"]
    net = _whole(raw["net_amount"])
    cost = _whole(raw["cost_of_goods"].fillna("0")).where(raw["cost_of_goods"].notna(), net * 52 // 100)
    return pd.DataFrame(
        {"customer": raw["customer_id"], "day": pd.to_datetime(raw["ordered_at"].str[:10]),
         "order": raw["order_id"], "net": net, "cost": cost, "item": raw["product_id"].map(kinds)}
    )  # fmt: skip


def _bundled_costs(as_of: dt.date):
    """Days of winning, and what serving and winning cost, as far as known on a day."""
    events = pd.read_csv(DATA / "events.csv", dtype={"customer_id": str, "order_id": str})
    activities = pd.read_csv(DATA / "activities.csv").set_index("activity")
    pools = pd.read_csv(DATA / "resources.csv").set_index("resource")
    rate = (pools["cost_per_month"] / pools["practical_minutes_per_month"])[activities["resource"]]
    each = pd.Series(activities["minutes_per_event"].to_numpy() * rate.to_numpy(), index=activities.index)
    times = events["quantity"].fillna(1)
    served = pd.DataFrame(
        {"customer": events["customer_id"], "day": pd.to_datetime(events["occurred_on"]),
         "service": times * events["activity"].map(each)}
    )  # fmt: skip
    people = pd.read_csv(DATA / "customers.csv", dtype={"customer_id": str}, parse_dates=["acquired_on"])
    people = people[~(people["acquired_on"] > pd.Timestamp(as_of))]
    acquired = people.set_index("customer_id")["acquired_on"].dt.date
    paid = people[people["acquisition_cost"].notna()]
    paid = pd.DataFrame(
        {"customer": paid["customer_id"], "day": paid["acquired_on"], "acquisition": paid["acquisition_cost"]}
    )
    extra = pd.concat([served, paid]).fillna({"service": 0.0, "acquisition": 0.0})
    extra = extra[extra["day"].between(pd.Timestamp("2023-07-01"), pd.Timestamp(as_of))]
    return acquired, extra


# Name: how to read the raw file, where it stands, its map, last day, months of a cohort and of the
# lead-in, length of a period, and what its items are.
FIRMS = {
    "CDNOW": (_cdnow, "cdnow/CDNOW_master.txt.gz", "cdnow.toml", None, 1, 0, 6, None),
    "UCI Online Retail": (
        _online_retail, "online_retail/online_retail.csv.gz", "online_retail.toml", None, 3, 3, 6, "product",
    ),
    "bundled": (_bundled, "bundled", None, None, 3, 3, 12, "category"),
    "bundled, an odd day": (_bundled, "bundled", None, "2025-11-14", 2, 0, 8, "category"),
}  # fmt: skip


@pytest.fixture(scope="session")
def opened(tmp_path_factory):
    """Return a function that opens one of `FIRMS` as of a day: the data, and its raw lines up to that day."""
    cache, raw = tmp_path_factory.mktemp("cache"), {}

    @functools.cache
    def look(name: str, as_of: str | None = None):
        read, place, run_file, *_ = FIRMS[name]
        if place != "bundled" and not REAL:
            pytest.skip("set CRMLIB_REAL_DATA to the folder of the public files")
        if read not in raw:
            raw[read] = read()
        source = place if place == "bundled" else Path(REAL, place)
        data = open_data(source, as_of, cache, run_file and DATA / "maps" / run_file)
        return data, raw[read][raw[read]["day"] <= pd.Timestamp(data.as_of)]

    return look


@pytest.fixture(scope="session")
def base_of(opened):
    """Return a function that lays out one of `FIRMS` both ways: the base of the package, and `Plain`."""

    def lay(name: str, as_of: str | None, months: int, lead_in: int):
        data, raw = opened(name, as_of)
        windows = Windows.back_from(data.as_of, months, data.first_day)
        acquired, extra = _bundled_costs(data.as_of) if FIRMS[name][0] is _bundled else (None, None)
        base = customer_base(data.table, order_lines(data.orders, data.gross_margin), windows, lead_in)
        return base, Plain(raw, data.as_of, data.first_day, months, lead_in, acquired, extra)

    return lay


@pytest.fixture(scope="session", params=FIRMS)
def firm(request, opened, base_of):
    """One company both ways: ``base`` of the package and ``plain``, with the same periods."""
    as_of, months, lead_in, length, by = FIRMS[request.param][3:]
    data, _ = opened(request.param, as_of)
    base, plain = base_of(request.param, as_of, months, lead_in)
    now = Period.ending(data.as_of, length)
    return SimpleNamespace(
        name=request.param, data=data, lines=order_lines(data.orders, data.gross_margin), base=base,
        windows=base.windows, plain=plain, now=now, before=now.previous(), by=by, length=length,
    )  # fmt: skip


@pytest.fixture(scope="session")
def change(firm):
    """Customers of both periods of a company, both ways."""
    sides = SimpleNamespace()
    for side in ("before", "now"):
        period = getattr(firm, side)
        setattr(sides, side, firm.base.customers_in(period))
        setattr(sides, f"plain_{side}", firm.plain.customers(period.first, period.last))
    sides.first_new = next(
        number for number, start in enumerate(firm.plain.starts) if start >= firm.now.first
    )
    return sides


@pytest.fixture(scope="session")
def money():
    """Return a comparison to far below a cent of frames or series with the same labels."""

    def same(found, expected, cents: float = 1e-4):
        assert len(found) == len(expected) and (found.index == expected.index).all()
        distance = np.abs(np.asarray(found, dtype=float) - np.asarray(expected, dtype=float))
        both_missing = np.isnan(np.asarray(found, float)) & np.isnan(np.asarray(expected, float))
        assert np.where(both_missing, 0.0, distance).max(initial=0.0) <= cents

    return same


def all_lenses(base, halves, smallest=1):
    """All lenses of a base by name, over two halves of a year; None where a lens has nothing to say."""
    before, now = halves
    first, second = (base.customers_in(half) for half in halves)
    change = two_periods(first, second, now.first)
    quarters = [
        Period.ending(day, 3)
        for half in halves
        for day in (Period.ending(half.last, 3).previous().last, half.last)
    ]
    thirds = [base.customers_in(quarter) for quarter in quarters]
    firsts = [quarter.first for quarter in quarters]
    whole = base.customers_in(Period(before.first, now.last, 12))
    ages, windows = by_age(base), by_window(base)
    table = compared(base, ages, horizon(ages, 4), smallest)
    everybody = range(len(base.windows))
    waits = order_waits(base, everybody)
    curves = next_order_curves(waits, smallest)
    return {
        "year": whole, "before": first, "now": second, "members": base.members(), "change": change.customers,
        "bridge": change.bridge, "retention": (change.retention, *change.retention_interval),
        "factors": profit_factors(whole), "averages": averages_two_ways(whole),
        "orders": order_distribution(whole["orders"]), "money": money_distribution(whole["profit"]),
        "tenths": tenths(whole), "tenths of profit": tenths_of_profit(whole["profit"]),
        "moved": what_moved(change.customers), "up": up_and_down(change.customers),
        "migration": migration(change.customers), "chance": beside_chance(base, change, before, now),
        "waits": waits, "curves": curves, "next": next_order_table(waits, curves, [30, 90]),
        "stops": who_stops(base, everybody, quarters[2].last, smallest),
        "ages": ages, "compared": table, "trend": trend(base, table), "sizes": sizes(base),
        "pooled": pooled(ages, range(0, 2)), "windows": windows,
        "stack": stacked(windows, "profit", grouped_cohorts(base, 2), len(base.windows)),
        "need": next_period(thirds, firsts), "rehearsal": rehearse(thirds, firsts),
        "list": customer_list(base, change, second, first), "cohorts": cohort_list(base, windows, table),
    }  # fmt: skip


@pytest.fixture(scope="session")
def lenses():
    return all_lenses
