"""Features: as a second, plain way counts them; nothing after the day; what is missing is named."""

import datetime as dt
from collections import Counter, defaultdict
from decimal import Decimal

import ibis
import numpy as np
import pandas as pd
import pytest

from crmlib.analysis.churn.activity import customer_activity
from crmlib.analysis.churn.point_in_time import known_until
from crmlib.analysis.period import Period
from crmlib.analysis.segments.customer_features import COLUMNS, customer_features, features_on, value_months
from crmlib.errors import DataError, ParameterError

PERIOD = Period(dt.date(2025, 7, 1), dt.date(2025, 12, 31), 6)
LAST = dt.date(2026, 6, 30)
CATEGORIES = {"P1": "cups", "P2": "cups", "P3": "pots", "P4": None}


def dressed(rows):
    """Give order lines a product and a channel, by their content alone."""
    for number, row in enumerate(rows.orders):
        row["product_id"] = f"P{number % 4 + 1}" if number % 7 else None
        row["channel"] = ("web", "shop", "fair")[int(str(row["ordered_at"])[8:10]) % 3]
    return rows


@pytest.fixture(scope="module")
def firm(tables, untidy):
    rows = dressed(untidy(5))
    products = [{"product_id": name, "category": kind} for name, kind in CATEGORIES.items()]
    made = tables(orders=rows.orders, customers=rows.customers, products=products)
    return rows, made, customer_activity(made, LAST, 0.35)


@pytest.fixture(scope="module")
def second_way(firm):
    """Walk through the lines one by one."""
    rows, _, _ = firm
    won = {row["customer_id"]: dt.date.fromisoformat(row["acquired_on"]) for row in rows.customers}
    days, kinds = defaultdict(lambda: defaultdict(lambda: [Decimal(0), Decimal(0), set()])), defaultdict(set)
    for row in rows.orders:
        day = dt.date.fromisoformat(row["ordered_at"][:10])
        if row["customer_id"] is None or day > PERIOD.last:
            continue
        net = Decimal(row["net_amount"])
        cost = net * Decimal("0.65") if row["cost_of_goods"] is None else Decimal(row["cost_of_goods"])
        account = days[row["customer_id"]][day]
        account[0] += net
        account[1] += net - cost
        if net > 0:
            account[2].add(row["channel"])
            kind = CATEGORIES.get(row["product_id"])
            if kind and day >= PERIOD.first:
                kinds[row["customer_id"]].add(kind)
    found = {}
    for who, account in days.items():
        bought = sorted(day for day, (net, _, _) in account.items() if net > 0)
        if not bought:
            continue
        inside = [day for day in bought if day >= PERIOD.first]
        channels = Counter(min(account[day][2]) for day in inside)
        began = min([bought[0], won[who]] if won[who] <= PERIOD.last else [bought[0]])
        found[who] = {
            "recency_days": (PERIOD.last - bought[-1]).days,
            "tenure_days": (PERIOD.last - began).days,
            "purchases": len(bought),
            "frequency": len(inside),
            "money": float(sum(margin for day, (_, margin, _) in account.items() if day >= PERIOD.first)),
            "net_sales": float(sum(net for day, (net, _, _) in account.items() if day >= PERIOD.first)),
            "categories": len(kinds[who]),
            "main_channel": min(channels, key=lambda name: (-channels[name], name)) if channels else None,
            "web_share": channels["web"] / len(inside) if inside else np.nan,
        }
    return pd.DataFrame.from_dict(found, orient="index").sort_index()


def test_features_are_what_walking_through_the_lines_counts(firm, second_way):
    _, made, activity = firm
    found = features_on(made, activity, PERIOD)
    assert len(second_way) > 15 and second_way["web_share"].nunique() > 3
    assert (second_way["tenure_days"] > second_way["recency_days"]).any() and (
        second_way["frequency"] == 0
    ).any()
    both = found[list(second_way.columns)]
    pd.testing.assert_frame_equal(both, second_way, check_dtype=False, check_names=False, atol=0.002)


def test_nothing_after_the_day_is_read(firm):
    """Deleting all later rows, of every table, changes no feature of the earlier day."""
    _, made, activity = firm
    cut = known_until(made, PERIOD.last)
    alone = features_on(cut, customer_activity(cut, PERIOD.last, 0.35), PERIOD)
    pd.testing.assert_frame_equal(alone, features_on(made, activity, PERIOD))
    later = features_on(made, activity, Period(PERIOD.first, LAST, 12))
    assert not later["recency_days"].equals(alone["recency_days"])


def test_the_chance_to_be_active_is_a_chance_and_multiplies_the_margin(firm):
    _, made, activity = firm
    found = features_on(made, activity, PERIOD)
    assert found["active_chance"].between(0, 1).all()
    assert found["expected_margin"].to_numpy() == pytest.approx(
        found["active_chance"] * found["money"], abs=1e-5
    )


def test_dates_and_amounts_are_enough_and_what_is_missing_is_named(tables, untidy):
    rows = untidy(5)
    lines = [{k: row[k] for k in ("customer_id", "ordered_at", "net_amount")} for row in rows.orders]
    made = tables(orders=lines)
    found = customer_features(made, customer_activity(made, LAST, 0.35), PERIOD)
    present = {
        "recency_days", "tenure_days", "purchases", "frequency", "money", "net_sales", "active_chance",
        "expected_margin",
    }  # fmt: skip
    assert set(found.customers) == present
    assert set(found.missing.index) == set(COLUMNS) - present
    assert found.missing.loc["value_ahead", "needs"] == "lifetime_value of 04_lifetime_value"


def test_two_customers_who_bought_once_have_features_without_a_chance(tables):
    rows = [{"customer_id": who, "ordered_at": "2025-08-01 10:00:00", "net_amount": "10"} for who in "AB"]
    made = tables(orders=rows)
    found = features_on(made, customer_activity(made, LAST, 0.5), PERIOD)
    assert found["money"].tolist() == [5, 5] and found["recency_days"].tolist() == [152, 152]


def test_the_web_is_named_by_the_caller_and_is_missing_where_nobody_uses_it(firm):
    _, made, activity = firm
    shop = features_on(made, activity, PERIOD, web=["shop", "fair"])["web_share"]
    both = shop + features_on(made, activity, PERIOD)["web_share"]
    assert both.dropna().eq(1).all() and both.notna().sum() > 10
    assert "web_share" not in features_on(made, activity, PERIOD, web=["online"])


@pytest.fixture
def saved(firm):
    """Tables as other notebooks save them: most customers, one more who never bought, nobody twice."""
    _, made, activity = firm
    ids = features_on(made, activity, PERIOD).index
    known = pd.Index([*ids[:-3], "K99"])
    n = len(known)
    profit = pd.DataFrame(
        {
            "customer_id": known,
            "profit": np.arange(n) - 3.0,
            "service_cost": 2.0,
            "net_sales": np.arange(n) * 4.0,
        }
    )
    ahead = pd.DataFrame(
        {"customer_id": known, "alive": 0.5, "value_12": 1.0, "value_36": 3.0, "low_36": 1.0, "high_36": 7.0}
    )
    left = pd.DataFrame({"customer_id": known[:5], "churn_probability": 0.25, "value_at_risk": 9.0})
    return ids, profit, ahead, left


def test_saved_tables_are_joined_and_everybody_in_them_has_a_row(firm, saved):
    _, made, activity = firm
    ids, profit, ahead, left = saved
    found = customer_features(made, activity, PERIOD, profit, ahead, left)
    people = found.customers
    assert list(people.index) == sorted([*ids, "K99"]) and found.missing.empty
    assert list(people.columns) == [name for name in COLUMNS if name in people]
    assert people["profit"].sum() == pytest.approx(profit["profit"].sum())
    assert people.loc[ids[-1], "profit"] == 0 and np.isnan(people.loc[ids[-1], "value_ahead"])
    assert people.loc["K99", ["purchases", "frequency", "money"]].tolist() == [0, 0, 0]
    assert np.isnan(people.loc["K99", "recency_days"])
    assert people["purchases"].dtype == "int64"
    assert people.loc[ids[1], ["value_ahead", "value_low", "value_high", "active_chance"]].tolist() == [
        3,
        1,
        7,
        0.5,
    ]
    assert people.loc[ids[1], "cost_to_serve_share"] == 0.5 and np.isnan(
        people.loc[ids[0], "cost_to_serve_share"]
    )
    assert people["churn_probability"].notna().sum() == 5
    own = features_on(made, activity, PERIOD)
    assert people.loc[ids[-1], "active_chance"] == own.loc[ids[-1], "active_chance"]


def test_the_caller_s_tables_stay_as_they_are(firm, saved):
    _, made, activity = firm
    _, profit, ahead, left = saved
    copies = [table.copy() for table in (profit, ahead, left)]
    customer_features(made, activity, PERIOD, profit, ahead, left)
    for table, copy in zip((profit, ahead, left), copies, strict=True):
        pd.testing.assert_frame_equal(table, copy)


def test_without_costs_there_is_no_cost_to_serve(firm, saved):
    _, made, activity = firm
    _, profit, _, _ = saved
    found = customer_features(made, activity, PERIOD, profit.assign(service_cost=0.0))
    assert "cost_to_serve_share" in found.missing.index and "profit" in found.customers


def test_tables_that_cannot_be_joined_are_refused(firm, saved):
    _, made, activity = firm
    _, profit, _, _ = saved
    with pytest.raises(DataError, match="twice in profit_per_customer"):
        customer_features(made, activity, PERIOD, pd.concat([profit, profit[:1]]))
    with pytest.raises(DataError, match="without customer_id"):
        customer_features(made, activity, PERIOD, profit.drop(columns="customer_id"))
    with pytest.raises(ParameterError, match="ends on 2027"):
        features_on(made, activity, Period(PERIOD.first, dt.date(2027, 1, 1), 12))


def test_the_horizon_with_an_interval_is_found():
    assert (
        value_months(pd.DataFrame(columns=["value_12", "low_12", "high_12", "value_60", "low_60", "high_60"]))
        == 60
    )
    assert value_months(pd.DataFrame(columns=["value_12", "low_x", "high_12"])) is None


def test_another_engine_comes_to_the_same_features(firm):
    _, made, activity = firm
    lite = ibis.sqlite.connect()

    def copied(name):
        table = made(name)
        if table is None:
            return None
        amounts = [column for column, kind in table.schema().items() if kind.is_decimal()]
        frame = table.mutate(**{column: table[column].cast("float64") for column in amounts}).execute()
        days = [column for column, kind in table.schema().items() if kind.is_date()]
        frame[days] = frame[days].apply(lambda column: pd.to_datetime(column).dt.strftime("%Y-%m-%d"))
        return lite.create_table(name, frame, schema=table.schema())

    copies = {name: copied(name) for name in ("orders", "customers", "products")}
    found = features_on(copies.get, customer_activity(copies.get, LAST, 0.35), PERIOD)
    pd.testing.assert_frame_equal(found, features_on(made, activity, PERIOD), check_exact=False, atol=1e-3)
