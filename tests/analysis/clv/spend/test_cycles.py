"""What each purchase left, against a walk through the days of each customer in exact decimals."""

import datetime as dt
from decimal import Decimal

import ibis
import numpy as np
import pandas as pd
import pytest

from crmlib.analysis import ledger
from crmlib.analysis.audit import customer_days
from crmlib.analysis.audit.windows import Windows
from crmlib.analysis.clv.purchases.summary import purchase_summary
from crmlib.analysis.clv.spend.credibility import Credibility
from crmlib.analysis.clv.spend.cycles import contribution, purchase_cycles

START = dt.date(2025, 1, 1)
MONEY = ["net_sales", "gross_margin", "service_cost"]


def drawn(seed: int, customers: int = 40, rows: int = 500) -> pd.DataFrame:
    """Days with purchases, returns, gifts, service alone, and losses; one row per customer and day."""
    rng = np.random.default_rng(seed)
    days = pd.DataFrame(
        {
            "customer_id": [f"K{number:02d}" for number in rng.integers(0, customers, rows)],
            "day": [START + dt.timedelta(days=int(d)) for d in rng.integers(0, 300, rows)],
            "net_sales": rng.choice([0.0, 0.0, -20.0, 12.34, 50.0, 99.99], rows),
        }
    ).drop_duplicates(["customer_id", "day"])
    days["gross_margin"] = (days["net_sales"] * rng.choice([0.4, -0.1], len(days))).round(4)
    days["service_cost"] = rng.choice([0.0, 0.25, 7.5], len(days))
    return days


def walked(days: pd.DataFrame) -> pd.DataFrame:
    """The second way: day by day, in exact decimals."""
    rows = {}
    for who, own in days.sort_values("day").groupby("customer_id"):
        cycles, before = [], Decimal(0)
        for net, margin, service in own[MONEY].astype(str).itertuples(index=False):
            left = Decimal(margin) - Decimal(service)
            if Decimal(net) > 0:
                cycles.append(left)
            elif cycles:
                cycles[-1] += left
            else:
                before += left
        if cycles:
            cycles[0] += before
            mean = sum(cycles) / len(cycles)
            rows[who] = len(cycles), float(mean), float(sum((value - mean) ** 2 for value in cycles))
    return pd.DataFrame.from_dict(rows, orient="index", columns=["n", "money", "squares"]).sort_index()


def exact(days: pd.DataFrame) -> ibis.Table:
    return ibis.memtable(days.assign(**{n: [Decimal(str(v)) for v in days[n]] for n in MONEY}))


def same(found: pd.DataFrame, expected: pd.DataFrame) -> None:
    pd.testing.assert_frame_equal(
        found, expected, check_dtype=False, check_names=False, check_index_type=False, rtol=1e-10, atol=1e-8
    )


@pytest.mark.parametrize("seed", range(4))
def test_cycles_are_those_of_a_walk_through_the_days(seed):
    days = drawn(seed)
    found = purchase_cycles(exact(days))
    same(found, walked(days))
    assert contribution(exact(days)) == pytest.approx((found["n"] * found["money"]).sum(), abs=1e-6)


def test_decimals_floats_and_another_engine_agree():
    days = drawn(5)
    same(purchase_cycles(ibis.memtable(days)), walked(days))
    con = ibis.sqlite.connect()
    con.create_table("days", ibis.memtable(days).to_pyarrow())
    other = con.table("days")
    same(purchase_cycles(other.mutate(day=other.day.cast("date"))), walked(days))


@pytest.mark.parametrize("amount", [303_701.0, 5e9, 1e12])
def test_purchases_of_any_size_are_squared(amount):
    """A shop in yen, one large order: two purchases of m and 3 m are m apart from their mean."""
    days = pd.DataFrame({"customer_id": "A", "day": [START, START + dt.timedelta(1)], "net_sales": [amount, 3 * amount],
                         "gross_margin": [amount, 3 * amount], "service_cost": 0.0})  # fmt: skip
    expected = pytest.approx([2, 2 * amount, 2 * amount**2], rel=1e-14)
    assert purchase_cycles(exact(days)).loc["A"].tolist() == expected
    con = ibis.sqlite.connect()
    con.create_table("days", ibis.memtable(days).to_pyarrow())
    other = con.table("days")
    found = purchase_cycles(other.mutate(day=other.day.cast("date")))
    assert found.loc["A"].tolist() == expected


def test_one_customer_by_hand():
    """Service 2 before the first purchase; a return of 5 and a call of 1 after it; a second purchase."""
    days = pd.DataFrame(
        [("A", 1, 0, 0, 2), ("A", 3, 100, 40, 3), ("A", 5, -10, -5, 0), ("A", 9, 0, 0, 1), ("A", 20, 50, 20, 0),
         ("B", 3, 0, 0, 4), ("B", 4, -5, -2, 0)],
        columns=["customer_id", "day", *MONEY],
    )  # fmt: skip
    days["day"] = [START + dt.timedelta(days=d) for d in days["day"]]
    found = purchase_cycles(exact(days))
    assert found.index.tolist() == ["A"]
    first, second = -2 + 37 - 5 - 1, 20
    assert found.loc["A"].tolist() == pytest.approx([2, (first + second) / 2, (first - second) ** 2 / 2])


def test_a_day_on_which_as_much_came_back_is_no_purchase():
    days = pd.DataFrame({"customer_id": "A", "day": [START, START + dt.timedelta(1)], "net_sales": [10.0, 0.0],
                         "gross_margin": [4.0, -1.0], "service_cost": [0.0, 0.5]})  # fmt: skip
    assert purchase_cycles(exact(days)).loc["A"].tolist() == pytest.approx([1, 2.5, 0])


def test_equal_purchases_have_no_squares():
    days = pd.DataFrame({"customer_id": "A", "day": [START + dt.timedelta(d) for d in range(36)], "net_sales": 99.99,
                         "gross_margin": 29.9, "service_cost": 0.1})  # fmt: skip
    assert purchase_cycles(exact(days)).loc["A"].tolist() == pytest.approx([36, 29.8, 0], abs=1e-6)


def test_nobody_bought():
    days = drawn(1).assign(net_sales=-1.0)
    assert purchase_cycles(exact(days)).empty


def test_the_order_of_rows_and_the_names_of_customers_do_not_matter():
    days = drawn(6)
    found = purchase_cycles(exact(days))
    pd.testing.assert_frame_equal(purchase_cycles(exact(days.sample(frac=1, random_state=1))), found)
    names = {name: f"Z{name[::-1]}" for name in days["customer_id"].unique()}
    renamed = purchase_cycles(exact(days.assign(customer_id=days["customer_id"].map(names))))
    same(renamed.loc[found.index.map(names)].set_axis(found.index), found)


@pytest.mark.parametrize("seed", [1, 2])
def test_cycles_of_a_company_add_up_and_are_the_purchases_of_the_summary(tables, untidy, seed):
    rows = untidy(seed)
    made = tables(**{name: value for name, value in vars(rows).items() if value})
    lines = ledger.order_lines(made("orders"), 0.35)
    last = dt.date(2026, 7, 31)
    base = customer_days.customer_base(made, lines, Windows.back_from(last, 3, START), 0)
    found = purchase_cycles(base.days)
    summary = purchase_summary(lines, last)
    assert found.index.tolist() == summary.index.tolist()
    assert (found["n"] == summary["x"] + 1).all()
    money = base.days.execute().astype(dict.fromkeys(MONEY, "float64"))
    money = money[money["customer_id"].isin(found.index)]
    total = (money["gross_margin"] - money["service_cost"]).sum()
    assert (found["n"] * found["money"]).sum() == pytest.approx(total, abs=0.01)
    assert np.isfinite(Credibility().fit(found).predict(found)).all()
