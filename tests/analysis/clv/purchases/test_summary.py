"""Purchase histories against plain pandas, against print, and on another engine."""

import datetime as dt
import gzip
import os
from pathlib import Path

import ibis
import numpy as np
import pandas as pd
import pytest

from crmlib.analysis.clv.purchases.summary import last_gaps, purchase_summary, purchases_in
from crmlib.analysis.clv.spend.gamma_gamma import GammaGamma
from crmlib.analysis.clv.timing.bg_nbd import BGNBD
from crmlib.analysis.clv.timing.pareto_nbd import ParetoNBD
from crmlib.analysis.ledger import customer_ledger, order_lines
from crmlib.analysis.period import Period
from crmlib.errors import DataError, ParameterError

REAL = os.environ.get("CRMLIB_REAL_DATA")
START, AS_OF = dt.date(2025, 1, 1), dt.date(2025, 12, 31)
PURCHASES = ("paid", "bought", "any")


def drawn(seed: int, rows: int = 400, customers: int = 40) -> pd.DataFrame:
    """Order lines with returns, gifts, several orders a day, anonymous sales, and days after `AS_OF`."""
    rng = np.random.default_rng(seed)
    amounts = rng.choice([-20.0, -5.5, 0.0, 5.5, 20.0, 33.33], rows, p=[0.08, 0.07, 0.15, 0.3, 0.2, 0.2])
    numbers = rng.integers(0, customers + 4, rows)
    return pd.DataFrame(
        {
            "customer_id": [f"K{number}" if number < customers else None for number in numbers],
            "order_id": [f"B{number}" for number in rng.integers(0, rows // 3 + 1, rows)],
            "ordered_at": [START + dt.timedelta(days=int(d)) for d in rng.integers(0, 60, rows) * 7],
            "net_amount": amounts,
            "cost_of_goods": np.where(rng.random(rows) < 0.8, amounts * 0.5, np.nan).round(2),
        }
    )


def plain_days(table: pd.DataFrame, last: dt.date, purchase: str) -> pd.DataFrame:
    """Days of known customers by the definitions: money in cents, and whether they are purchases."""
    known = table[table["customer_id"].notna() & (table["ordered_at"] <= last)]
    cost = known["cost_of_goods"].fillna(known["net_amount"] * 0.7)
    cents = known.assign(net=(known["net_amount"] * 1e4).round(), cost=(cost * 1e4).round())
    days = cents.groupby(["customer_id", "ordered_at"]).agg(
        net=("net", "sum"), cost=("cost", "sum"), top=("net", "max")
    )
    days["paid"] = days["net"] > 0
    days["bought"] = {"paid": days["net"] > 0, "bought": days["top"] > 0, "any": days["top"] >= 0}[purchase]
    return days.reset_index()


def plain_summary(table, last, purchase, money_over, since=None):
    """The second way: customer by customer."""
    found = {}
    for who, days in plain_days(table, last, purchase).groupby("customer_id"):
        bought = days[days["bought"]]
        if bought.empty:
            continue
        first = bought["ordered_at"].min()
        kept = days[days["paid"]]
        if money_over == "repeats":
            kept = kept[kept["ordered_at"] != first]
        other = days[~days["paid"]]
        mean = kept[["net", "cost"]].mean() / 1e4
        found[who] = {
            "x": len(bought) - 1,
            "t_x": (bought["ordered_at"].max() - first).days,
            "T": (last - first).days,
            "first_on": pd.Timestamp(first),
            "n": len(kept),
            "money": mean["net"],
            "margin": mean["net"] - mean["cost"],
            "returned": other["net"].sum() / 1e4,
            "returned_margin": (other["net"] - other["cost"]).sum() / 1e4,
        }
        if since:
            back = days.loc[days["net"] < 0, "ordered_at"]
            found[who]["began_before"] = first < since or (len(back) > 0 and back.min() < first)
    return pd.DataFrame.from_dict(found, orient="index").sort_index()


def same(found: pd.DataFrame, expected: pd.DataFrame, **options) -> None:
    pd.testing.assert_frame_equal(found, expected, check_dtype=False, check_names=False, check_index_type=False,
                                  rtol=1e-12, atol=1e-9, **options)  # fmt: skip


@pytest.fixture(scope="module")
def lay(build):
    """Return a function that turns a drawn table into order lines."""

    def out(table: pd.DataFrame) -> ibis.Table:
        rows = table.astype(object).where(table.notna(), None).to_dict("records")
        rows = [row | {"net_amount": f"{row['net_amount']:.4f}"} for row in rows]
        return order_lines(build("orders", rows, list(table.columns)), 0.3)

    return out


@pytest.fixture(scope="module")
def lines(lay):
    return lay(drawn(1))


@pytest.mark.parametrize("money_over", ["repeats", "all"])
@pytest.mark.parametrize("purchase", PURCHASES)
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_summary_is_that_of_plain_pandas(lay, seed, purchase, money_over):
    table = drawn(seed)
    found = purchase_summary(lay(table), AS_OF, purchase=purchase, money_over=money_over)
    same(found, plain_summary(table, AS_OF, purchase, money_over))


@pytest.mark.parametrize("purchase", PURCHASES)
def test_the_calibration_ends_where_it_is_told_to(lines, purchase):
    until = dt.date(2025, 6, 30)
    found = purchase_summary(lines, AS_OF, until=until, purchase=purchase)
    same(found, plain_summary(drawn(1), until, purchase, "repeats"))
    same(found, purchase_summary(lines, until, purchase=purchase))


def test_customers_who_began_before_are_left_out_or_told_apart(lay):
    table, since = drawn(5, rows=160), dt.date(2025, 2, 1)
    expected = plain_summary(table, AS_OF, "paid", "repeats", since)
    flagged = purchase_summary(lay(table), AS_OF, since=since, censored="flag")
    same(flagged, expected)
    began = expected["began_before"].astype(bool)
    sent_back = began & (expected["first_on"] >= pd.Timestamp(since))
    assert 0 < sent_back.sum() < began.sum() < len(began)
    same(purchase_summary(lay(table), AS_OF, since=since), expected[~began].drop(columns="began_before"))


def test_a_day_is_one_purchase_however_many_orders_it_has(lay):
    table = drawn(1, rows=3, customers=1).assign(
        customer_id="A", order_id=["1", "2", "3"], ordered_at=[START, START, START + dt.timedelta(days=9)],
        net_amount=[5.0, 7.0, 9.0], cost_of_goods=1.0,
    )  # fmt: skip
    found = purchase_summary(lay(table), AS_OF, money_over="all").iloc[0]
    assert (found["x"], found["t_x"], found["n"], found["money"], found["margin"]) == (1, 9, 2, 10.5, 9.0)


@pytest.mark.parametrize(
    ("amounts", "purchases"),
    [
        ([20.0, -20.0], {"bought", "any"}),
        ([20.0, -33.33], {"bought", "any"}),
        ([20.0, -5.5], {"paid", "bought", "any"}),
        ([0.0], {"any"}),
        ([0.0, -5.5], {"any"}),
        ([-5.5], set()),
        ([0.0, 5.5], {"paid", "bought", "any"}),
    ],
)
def test_which_days_are_purchases(lay, amounts, purchases):
    table = drawn(1, rows=len(amounts)).assign(customer_id="A", ordered_at=START, net_amount=amounts)
    for purchase in PURCHASES:
        found = purchase_summary(lay(table), AS_OF, purchase=purchase)
        assert len(found) == (purchase in purchases)


def test_sums_of_floats_that_only_rounding_keeps_from_zero_are_no_purchase():
    table = {"customer_id": ["A"] * 3, "day": [START] * 3, "net_sales": [0.1, 0.2, -0.3]}
    assert sum(table["net_sales"]) > 0
    assert purchase_summary(ibis.memtable(table), AS_OF).empty


@pytest.mark.parametrize("purchase", PURCHASES)
def test_money_adds_up_to_the_ledger(lines, purchase):
    ledger = customer_ledger(lines, Period(START, AS_OF, 12)).customers
    found = purchase_summary(lines, AS_OF, purchase=purchase, money_over="all")
    money = found["money"].fillna(0) * found["n"] + found["returned"]
    margin = found["margin"].fillna(0) * found["n"] + found["returned_margin"]
    assert len(found) > 30
    np.testing.assert_allclose(money, ledger.loc[found.index, "net_sales"], atol=1e-9)
    np.testing.assert_allclose(margin, ledger.loc[found.index, "gross_margin"], atol=1e-9)
    year = purchases_in(lines, Period(START, AS_OF, 12), purchase=purchase)
    assert list(year.index) == list(ledger.index)
    np.testing.assert_allclose(year["net_sales"] + year["returned"], ledger["net_sales"], atol=1e-9)
    np.testing.assert_allclose(
        year["gross_margin"] + year["returned_margin"], ledger["gross_margin"], atol=1e-9
    )


def everything(lines: ibis.Table, until: dt.date | None = None) -> list[pd.DataFrame]:
    period = Period(START, until or AS_OF, 12)
    return [
        purchase_summary(lines, AS_OF, until=until),
        purchase_summary(
            lines, AS_OF, until=until, purchase="any", money_over="all", since=dt.date(2025, 2, 1)
        ),
        purchases_in(lines, period),
        last_gaps(lines, AS_OF, until=until),
    ]


@pytest.mark.parametrize("last", [AS_OF, dt.date(2025, 5, 14)])
def test_nothing_after_the_last_day_touches_any_number(lay, last):
    table = drawn(7)
    later = table["ordered_at"] > last
    assert later.sum() > 20
    rng = np.random.default_rng(0)
    shuffled = table.copy()
    for name in ("customer_id", "net_amount", "order_id"):
        shuffled.loc[later, name] = rng.permutation(shuffled.loc[later, name].to_numpy())
    shuffled.loc[later, "net_amount"] *= 100
    until = None if last == AS_OF else last
    for with_all, without, other in zip(
        everything(lay(table), until), everything(lay(table[~later]), until), everything(lay(shuffled), until),
        strict=True,
    ):  # fmt: skip
        pd.testing.assert_frame_equal(with_all, without)
        pd.testing.assert_frame_equal(with_all, other)


def test_the_order_of_lines_does_not_matter(lay):
    table = drawn(3)
    for one, other in zip(
        everything(lay(table)), everything(lay(table.sample(frac=1, random_state=4))), strict=True
    ):
        pd.testing.assert_frame_equal(one, other)


def test_names_of_customers_do_not_matter(lay):
    table = drawn(3)
    names = sorted(table["customer_id"].dropna().unique())
    other = dict(zip(names, np.random.default_rng(8).permutation([f"Ü {n}·" for n in names]), strict=True))
    renamed = table.assign(customer_id=table["customer_id"].map(other, na_action="ignore"))
    for one, found in zip(everything(lay(table)), everything(lay(renamed)), strict=True):
        pd.testing.assert_frame_equal(one.rename(index=other).sort_index(), found, check_index_type=False)


@pytest.mark.parametrize("purchase", PURCHASES)
def test_waits_are_those_between_purchase_days(lines, purchase):
    days = plain_days(drawn(1), AS_OF, purchase)
    found = last_gaps(lines, AS_OF, purchase=purchase)
    summary = purchase_summary(lines, AS_OF, purchase=purchase)
    assert found.index.equals(summary.index)
    for who, part in days[days["bought"]].groupby("customer_id"):
        waits = np.diff([day.toordinal() for day in sorted(part["ordered_at"])])
        expected = [waits[-1] if len(waits) else 0, waits[-2] if len(waits) > 1 else 0, np.log(waits).sum()]
        np.testing.assert_allclose(found.loc[who].to_numpy(float), expected, atol=1e-8)
    assert found["log_itts"].gt(0).any() and found["itt_2"].eq(0).any()


@pytest.mark.parametrize("purchase", PURCHASES)
def test_purchases_in_a_hold_out(lines, purchase):
    holdout = Period(dt.date(2025, 7, 1), AS_OF, 6)
    days = plain_days(drawn(1), AS_OF, purchase)
    days = days[days["ordered_at"] >= holdout.first]
    calibration = purchase_summary(lines, AS_OF, until=dt.date(2025, 6, 30), purchase=purchase)
    found = purchases_in(lines, holdout, purchase=purchase, customers=calibration.index)
    assert found.index.equals(calibration.index)
    by = days.assign(x=days["bought"], net=days["net"] / 1e4).groupby("customer_id")
    np.testing.assert_array_equal(found["purchases"], by["x"].sum().reindex(calibration.index, fill_value=0))
    paid = (
        days[days["paid"]].groupby("customer_id")["net"].sum().reindex(calibration.index, fill_value=0) / 1e4
    )
    np.testing.assert_allclose(found["net_sales"], paid, atol=1e-9)
    assert {str(dtype) for dtype in found.dtypes} == {"int32", "float64"}


def test_small_dtypes_and_a_sorted_index_of_text(lines):
    found = purchase_summary(lines, AS_OF, since=START, censored="flag")
    assert found.dtypes.astype(str).to_dict() == {
        "x": "int32", "t_x": "int32", "T": "int32", "first_on": "datetime64[s]", "n": "int32", "money": "float64",
        "margin": "float64", "returned": "float64", "returned_margin": "float64", "began_before": "bool",
    }  # fmt: skip
    assert found.index.name == "customer_id" and found.index.dtype == "str"
    assert list(found.index) == sorted(found.index)
    gaps = last_gaps(lines, AS_OF)
    assert gaps.dtypes.astype(str).to_list() == ["int32", "int32", "float64"]


def test_no_lines_and_one_customer(lay, lines):
    nothing = lay(drawn(1).iloc[:0])
    for found, full in zip(everything(nothing), everything(lines), strict=True):
        assert found.empty
        assert found.dtypes.equals(full.dtypes)
        assert found.index.dtype == full.index.dtype
    table = drawn(1, rows=1).assign(customer_id="A", ordered_at=AS_OF, net_amount=5.5)
    found = purchase_summary(lay(table), AS_OF)
    assert found[["x", "t_x", "T", "n"]].to_numpy().tolist() == [[0, 0, 0, 0]]
    assert found["money"].isna().all()
    assert last_gaps(lay(table), AS_OF).to_numpy().tolist() == [[0, 0, 0]]
    anonymous = lay(drawn(1).assign(customer_id=None))
    assert all(found.empty for found in everything(anonymous))


def test_without_costs_there_is_no_margin(lines):
    found = purchase_summary(lines.drop("cost_of_goods"), AS_OF)
    same(found, purchase_summary(lines, AS_OF)[found.columns])
    assert not any("margin" in name for name in found.columns)
    assert not any(
        "margin" in name for name in purchases_in(lines.drop("cost_of_goods"), Period(START, AS_OF, 12))
    )


@pytest.mark.parametrize("seed", [1, 11])
def test_another_engine_gives_the_same_frames(lay, seed):
    duck = lay(drawn(seed)).select("customer_id", "day", "net_sales", "cost_of_goods")
    columns = duck.schema().items()
    floats = {name: "float64" if kind.is_decimal() else kind for name, kind in columns}
    lite = ibis.sqlite.connect().create_table(
        "lines", duck.cast(floats).to_pyarrow(), schema=ibis.schema(floats)
    )
    for one, other in zip(everything(duck), everything(lite), strict=True):
        same(one, other)
        assert one.dtypes.equals(other.dtypes) and one.index.equals(other.index)


@pytest.mark.parametrize("dialect", ["duckdb", "sqlite", "postgres"])
def test_what_the_engines_are_asked_is_portable(dialect, monkeypatch):
    """Every expression can be said in the words of each engine."""
    kinds = {
        "customer_id": "string",
        "day": "date",
        "net_sales": "decimal(18, 4)",
        "cost_of_goods": "decimal(18, 4)",
    }
    empty = ibis.memtable(pd.DataFrame({name: [] for name in kinds}), schema=kinds)
    asked = []
    monkeypatch.setattr(
        ibis.Table,
        "to_pyarrow",
        lambda table: asked.append(table) or table.schema().to_pyarrow().empty_table(),
    )
    everything(empty)
    assert len(asked) == 4
    for table in asked:
        assert "SELECT" in ibis.to_sql(table, dialect=dialect).upper()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"until": dt.date(2026, 1, 1)}, "until = 2026-01-01, after as_of = 2025-12-31"),
        ({"since": dt.date(2026, 1, 1)}, "since = 2026-01-01, after the last day 2025-12-31"),
        ({"purchase": "orders"}, "purchase = 'orders'. Expected: paid or bought or any"),
        ({"money_over": "first"}, "money_over = 'first'. Expected: repeats or all"),
        ({"censored": "keep"}, "censored = 'keep'. Expected: drop or flag"),
    ],
)
def test_options_are_checked_before_anything_is_read(lines, options, message):
    with pytest.raises(ParameterError, match=message):
        purchase_summary(lines, AS_OF, **options)


def test_other_tables_are_told_from_order_lines(lines):
    with pytest.raises(DataError, match="order lines without day, net_sales"):
        purchase_summary(lines.drop("net_sales").rename(tag="day"), AS_OF)


@pytest.fixture(scope="module")
def cdnow(duck):
    if not REAL:
        pytest.skip("set CRMLIB_REAL_DATA to the folder of the public files")
    with gzip.open(Path(REAL, "cdnow", "CDNOW_sample.txt.gz"), "rt") as file:
        rows = [line.split() for line in file]
    table = pd.DataFrame(
        {
            "customer_id": [row[1] for row in rows],
            "ordered_at": pd.to_datetime([row[2] for row in rows]),
            "net_amount": [row[4] for row in rows],
        }
    )
    orders = duck.create_table("cdnow_sample", table, overwrite=True)
    money = orders.mutate(net_amount=orders.net_amount.cast("decimal(18, 4)"))
    return order_lines(money, 0.2)


END_OF_CALIBRATION, END_OF_CDNOW = dt.date(1997, 9, 30), dt.date(1998, 6, 30)


def test_cdnow_histories_are_those_of_fader_hardie_lee_2005_table_1(cdnow):
    found = purchase_summary(cdnow, END_OF_CDNOW, until=END_OF_CALIBRATION, purchase="any")
    assert len(found) == 2357
    assert found["x"].sum() == 2457
    assert (found["x"] == 0).sum() == 1411
    printed = pd.read_csv(Path(REAL, "cdnow", "cdnow_customers_summary.csv"))
    assert [int(who) for who in found.index] == printed["ID"].to_list()
    np.testing.assert_array_equal(found["x"], printed["frequency"])
    np.testing.assert_allclose(found["t_x"] / 7, printed["recency"], atol=0.00501)
    np.testing.assert_allclose(found["T"] / 7, printed["T"], atol=0.00501)
    weeks = purchases_in(
        cdnow, Period(dt.date(1997, 10, 1), END_OF_CDNOW, 9), purchase="any", customers=found.index
    )
    assert weeks["purchases"].sum() == 1882
    assert weeks["purchases"][found["x"] == 0].sum() == 334


def test_cdnow_money_of_repeats_is_that_of_fader_hardie_lee_2005_jmr(cdnow):
    found = purchase_summary(cdnow, END_OF_CDNOW, until=END_OF_CALIBRATION, purchase="any")
    spenders = found[found["n"] > 0]
    assert len(spenders) == 946
    assert (spenders["n"] == spenders["x"]).all()
    money = spenders["money"]
    assert money.mean().round(2) == 35.08
    assert money.std().round(2) == 30.28
    printed = [2.99, 15.76, 27.50, 41.79, 299.63]
    np.testing.assert_allclose(money.quantile([0, 0.25, 0.5, 0.75, 1]), printed, atol=0.00501)
    np.testing.assert_allclose(spenders["margin"], money * 0.2, atol=1e-3)


def test_cdnow_has_eight_customers_who_spent_nothing_on_their_only_day(cdnow):
    every = purchase_summary(cdnow, END_OF_CDNOW, until=END_OF_CALIBRATION, purchase="any", money_over="all")
    paid = purchase_summary(cdnow, END_OF_CDNOW, until=END_OF_CALIBRATION)
    nothing = every.index.difference(paid.index)
    assert len(nothing) == 8
    assert every.loc[nothing, ["x", "n"]].eq(0).all(axis=None)
    assert every["x"].drop(nothing).equals(paid["x"])


def test_cdnow_from_raw_lines_to_the_published_parameters(cdnow):
    """Fader, Hardie & Lee 2005, Marketing Science, table 2, in weeks; and 2005, JMR, gamma-gamma."""
    found = purchase_summary(cdnow, END_OF_CDNOW, until=END_OF_CALIBRATION, purchase="any")
    weeks = found.assign(t_x=found["t_x"] / 7, T=found["T"] / 7)
    bg_nbd, pareto, spend = BGNBD().fit(weeks), ParetoNBD().fit(weeks), GammaGamma().fit(found)
    np.testing.assert_allclose(bg_nbd.params_, [0.243, 4.414, 0.793, 2.426], atol=0.0015)
    np.testing.assert_allclose(pareto.params_, [0.553, 10.578, 0.606, 11.669], rtol=0.001)
    np.testing.assert_allclose(spend.params_, [6.25, 3.74, 15.44], atol=0.0105)
    likelihoods = [bg_nbd.log_likelihood_, pareto.log_likelihood_, spend.log_likelihood_]
    np.testing.assert_allclose(likelihoods, [-9582.4, -9595.0, -4055.92], atol=0.1)
