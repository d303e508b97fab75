"""Tiny tables typed like the prepared store, and a second, plain way to compute everything."""

import datetime as dt
import itertools
import random
from decimal import Decimal
from types import SimpleNamespace

import ibis
import pandas as pd
import pytest

from crmlib.analysis.costing import cost_to_serve
from crmlib.analysis.ledger import customer_ledger, order_lines
from crmlib.analysis.levers import Terms, affected_orders
from crmlib.analysis.period import Period
from crmlib.analysis.profitability import customer_profit
from crmlib.intake.contract import TABLES

TYPES = {
    "date": "DATE",
    "time": "TIMESTAMP",
    "money": "DECIMAL(18,4)",
    "number": "DECIMAL(18,4)",
    "share": "DECIMAL(18,4)",
    "score": "DECIMAL(18,4)",
    "flag": "BOOLEAN",
}


@pytest.fixture(scope="session")
def duck():
    return ibis.duckdb.connect()


@pytest.fixture(scope="session")
def build(duck):
    """Return a function that makes a table of the contract from rows of text."""
    numbers = itertools.count()

    def make(name: str, rows: list[dict], columns: list[str] | None = None) -> ibis.Table:
        """`columns` default to those that any row has; text is cast as the prepared store has it."""
        columns = columns or list(dict.fromkeys(key for row in rows for key in row))
        called = f"{name}_{next(numbers)}"
        kinds = {column: TYPES.get(TABLES[name][column].kind, "VARCHAR") for column in columns}
        written = ", ".join(f"{column} {kind}" for column, kind in kinds.items())
        duck.raw_sql(f"CREATE TABLE {called} ({written})")
        if rows:
            marks = ", ".join(f"CAST(? AS {kind})" for kind in kinds.values())
            values = [None if row.get(c) is None else str(row[c]) for row in rows for c in columns]
            duck.con.execute(f"INSERT INTO {called} VALUES {', '.join([f'({marks})'] * len(rows))}", values)
        return duck.table(called)

    return make


@pytest.fixture(scope="session")
def tables(build):
    """Return a function that makes a whole company: the same call as `Data.table`."""

    def company(**rows_of: list[dict]):
        made = {name: build(name, rows) for name, rows in rows_of.items() if rows is not None}
        return made.get

    return company


def _rows(seed: int, customers: int = 25, lines: int = 300, named_orders: bool = True) -> SimpleNamespace:
    """Draw an untidy company: anonymous lines, returns, gifts, blank costs, events on edge days."""
    rng = random.Random(seed)
    first = dt.date(2025, 1, 1)
    orders, events, order_of = [], [], {}
    for number in range(lines):
        order = f"O{number // 2:04d}"
        if order not in order_of:
            who = rng.choice([None, *(f"K{i:02d}" for i in range(customers))])
            order_of[order] = (who, first + dt.timedelta(days=rng.randrange(540)))
        who, day = order_of[order]
        net = Decimal(rng.randrange(1, 30_000)) / 100
        cost = net * Decimal(rng.randrange(20, 130)) / 100
        row = {
            "customer_id": who,
            "ordered_at": f"{day} {rng.randrange(24):02d}:{rng.randrange(60):02d}:00",
            "net_amount": net,
            "order_id": order if named_orders and rng.random() > 0.05 else None,
            "discount_amount": rng.choice([None, Decimal(0), Decimal(rng.randrange(0, 9_000)) / 100]),
            "cost_of_goods": None if rng.random() < 0.2 else cost.quantize(Decimal("0.0001")),
        }
        orders.append(row)
        if rng.random() < 0.15:
            back = row | {"net_amount": -net, "discount_amount": None}
            back["cost_of_goods"] = None if row["cost_of_goods"] is None else -row["cost_of_goods"]
            later = day + dt.timedelta(days=rng.randrange(20))
            orders.append(back | {"ordered_at": f"{later} 12:00:00"})
        if rng.random() < 0.04:
            orders.append(row | {"net_amount": Decimal(0)})
        if rng.random() < 0.6 and who:
            events.append(
                {
                    "customer_id": who,
                    "occurred_on": str(day + dt.timedelta(days=rng.randrange(25))),
                    "activity": rng.choice(["pack", "drive", "call"]),
                    "quantity": rng.choice([None, "1", "2", "0.5"]),
                    "order_id": rng.choice([order, order, None]),
                }
            )
    activities = [
        {"activity": "pack", "minutes_per_event": "7.5", "resource": "stock"},
        {"activity": "drive", "minutes_per_event": "12", "resource": "vans"},
        {"activity": "call", "minutes_per_event": "9.25", "resource": "desk"},
    ]
    resources = [
        {"resource": "stock", "cost_per_month": "400", "practical_minutes_per_month": "900"},
        {"resource": "vans", "cost_per_month": "333.33", "practical_minutes_per_month": "1000"},
        {"resource": "desk", "cost_per_month": "120", "practical_minutes_per_month": "40"},
    ]
    people = [
        {
            "customer_id": f"K{i:02d}",
            "acquired_on": str(first + dt.timedelta(days=rng.randrange(540))),
            "acquisition_cost": rng.choice([None, Decimal(rng.randrange(0, 6_000)) / 100]),
        }
        for i in range(customers + 3)  # three who never order
    ]
    return SimpleNamespace(
        orders=orders, events=events, activities=activities, resources=resources, customers=people
    )


@pytest.fixture(scope="session")
def untidy():
    return _rows


def _second_ledger(orders: list[dict], first: dt.date, last: dt.date, gross_margin: str) -> dict:
    """Add the lines up one by one in exact decimals; None stands for sales without a customer."""
    book: dict = {}
    for row in orders:
        day = dt.date.fromisoformat(str(row["ordered_at"])[:10])
        if not first <= day <= last:
            continue
        net = Decimal(row["net_amount"])
        discount = Decimal(row.get("discount_amount") or 0)
        cost = row.get("cost_of_goods")
        cost = net * (1 - Decimal(gross_margin)) if cost is None else Decimal(cost)
        account = book.setdefault(
            row["customer_id"],
            {"list_sales": 0, "discounts": 0, "returns": 0, "net_sales": 0, "cost_of_goods": 0,
             "returned_goods": 0, "lines": 0, "orders": set()},
        )  # fmt: skip
        account["lines"] += 1
        account["net_sales"] += net
        account["cost_of_goods"] += cost
        if net < 0:
            account["returns"] += net
            account["returned_goods"] += cost
        else:
            account["list_sales"] += net + discount
            account["discounts"] += discount
        if net > 0:
            account["orders"].add(row.get("order_id") or f"day {day}")
    for account in book.values():
        account["orders"] = len(account["orders"])
        account["gross_margin"] = account["net_sales"] - account["cost_of_goods"]
    return book


@pytest.fixture(scope="session")
def second_ledger():
    return _second_ledger


def _second_service(rows: SimpleNamespace, first: dt.date, last: dt.date) -> dict:
    """Walk through the events one by one; returns {(customer, purpose): cost} in exact fractions."""
    from fractions import Fraction

    rates = {
        r["resource"]: Fraction(r["cost_per_month"]) / Fraction(r["practical_minutes_per_month"])
        for r in rows.resources
    }
    unit = {a["activity"]: Fraction(a["minutes_per_event"]) * rates[a["resource"]] for a in rows.activities}
    came_back: dict = {}
    for row in rows.orders:
        if Decimal(row["net_amount"]) < 0 and row.get("order_id"):
            day = str(row["ordered_at"])[:10]
            came_back[row["order_id"]] = min(day, came_back.get(row["order_id"], day))
    spent: dict = {}
    for event in rows.events:
        day = event["occurred_on"]
        if not str(first) <= day <= str(last):
            continue
        order = event.get("order_id")
        if not order:
            purpose = "relationship"
        elif order in came_back and day >= came_back[order]:
            purpose = "return"
        else:
            purpose = "order"
        key = event["customer_id"], purpose
        times = Fraction(1 if event.get("quantity") is None else event["quantity"])
        spent[key] = spent.get(key, Fraction(0)) + times * unit[event["activity"]]
    return spent


@pytest.fixture(scope="session")
def second_service():
    return _second_service


@pytest.fixture
def account():
    """Return a function that makes rows as `customer_profit` returns them, profit consistent with its parts."""

    def make(rows: dict[str, dict[str, float]]) -> pd.DataFrame:
        """`rows` maps customer_id to any of the money columns; what is missing is zero."""
        names = [
            "orders", "lines", "list_sales", "discounts", "returns", "cost_of_goods", "returned_goods",
            "service_order", "service_return", "service_relationship", "acquisition_cost",
        ]  # fmt: skip
        frame = pd.DataFrame.from_dict(rows, orient="index", columns=None).reindex(columns=names)
        frame = frame.astype("float64").fillna(0.0)
        frame["net_sales"] = frame["list_sales"] - frame["discounts"] + frame["returns"]
        frame["gross_margin"] = frame["net_sales"] - frame["cost_of_goods"]
        frame["service_cost"] = frame[["service_order", "service_return", "service_relationship"]].sum(axis=1)
        frame["profit"] = frame["gross_margin"] - frame["service_cost"] - frame["acquisition_cost"]
        return frame.rename_axis("customer_id")

    return make


@pytest.fixture(scope="session")
def year():
    """Return the period that levers and steps are tried on."""
    return Period(dt.date(2025, 3, 1), dt.date(2026, 2, 28), 12)


@pytest.fixture(scope="session")
def terms():
    """Return the terms that levers, options and steps are tried with."""
    return Terms(minimum_order=120.0, delivery_fee=6.0, contact_shift=0.4, discount_cap=0.15, walk_away=0.2,
                 capacity_realised=0.5)  # fmt: skip


@pytest.fixture
def firm(tables, untidy, year, terms):
    """Everything the levers start from, of a drawn company."""

    def make(seed, changed_terms=None, change=None, **drawn):
        rows = untidy(seed, **drawn)
        if change:
            change(rows)
        made = tables(**{k: v for k, v in vars(rows).items() if v})
        lines = order_lines(made("orders"), 0.35)
        served = cost_to_serve(made, lines, year)
        customers = customer_profit(customer_ledger(lines, year), served.service if served else None)
        costs = served.unit_costs if served else None
        touched = affected_orders(lines, made("events"), costs, year, changed_terms or terms)
        return rows, customers, touched

    return make
