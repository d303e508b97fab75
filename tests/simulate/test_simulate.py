"""The company as a whole: bytes, sizes, and the shape that makes its profitability worth a lesson."""

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

import crmlib.intake.simulate as package
from crmlib.errors import ParameterError
from crmlib.intake.simulate import simulate

DATA = Path(__file__).parents[2] / "data"


def fingerprints(folder):
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


# ------------------------------------------------------------------------------------ same bytes


@pytest.mark.parametrize("format", ["csv", "parquet"])
def test_same_seed_same_bytes_in_another_process_and_place(tmp_path, format):
    simulate(tmp_path / "here", customers=250, format=format)
    elsewhere = tmp_path / "somewhere else"
    elsewhere.mkdir()
    subprocess.run(
        [
            sys.executable,
            "-c",
            f"from crmlib.intake.simulate import simulate; simulate('there', customers=250, format={format!r})",
        ],
        cwd=elsewhere,
        check=True,
        env={**os.environ, "PYTHONHASHSEED": "77", "TZ": "Asia/Tokyo"},
    )
    assert fingerprints(tmp_path / "here") == fingerprints(elsewhere / "there")


def test_another_seed_is_another_company_of_the_same_kind(tmp_path):
    simulate(tmp_path / "one", customers=250, seed=1)
    simulate(tmp_path / "two", customers=250, seed=2)
    one, two = fingerprints(tmp_path / "one"), fingerprints(tmp_path / "two")
    fixed = {"products.csv", "partners.csv", "activities.csv", "truth/partners.csv", "truth/parameters.csv"}
    assert {name for name in one if one[name] == two[name]} == fixed


def test_the_bundled_files_are_what_simulate_writes(folder):
    bundled = {name: value for name, value in fingerprints(DATA).items() if name.endswith(".csv")}
    assert bundled == fingerprints(folder)


def test_the_bundled_files_are_small(folder):
    assert sum(path.stat().st_size for path in folder.rglob("*.csv")) < 8_100_000


def test_parquet_and_csv_hold_the_same(tmp_path, connect):
    simulate(tmp_path / "csv", customers=200)
    simulate(tmp_path / "parquet", customers=200, format="parquet")
    text, binary = connect(tmp_path / "csv"), connect(tmp_path / "parquet", "parquet")
    for name in ("orders", "customers", "events", "deliveries", "survey", "contracts", "truth_profit"):
        columns = text.sql(f"FROM {name}").columns
        same = ", ".join(
            f"{c}::DOUBLE" if t in ("DOUBLE", "BIGINT") else c
            for c, t in zip(columns, map(str, text.sql(f"FROM {name}").types), strict=True)
        )
        assert (
            text.sql(f"SELECT {same} FROM {name}").fetchall()
            == binary.sql(f"SELECT {same} FROM {name}").fetchall()
        ), name


# ------------------------------------------------------------------------------------ many chunks


def test_chunks_join_without_clashes_and_do_not_touch_each_other(tmp_path, connect, monkeypatch):
    monkeypatch.setattr(package, "CHUNK", 150)
    simulate(tmp_path / "two", customers=300, format="parquet")
    simulate(tmp_path / "three", customers=420, format="parquet")
    two, three = connect(tmp_path / "two", "parquet"), connect(tmp_path / "three", "parquet")
    assert three.sql("SELECT count(*), count(DISTINCT customer_id) FROM customers").fetchall() == [(420, 420)]
    orders = three.sql("SELECT count(*) FROM (SELECT DISTINCT order_id, customer_id FROM orders)").fetchall()
    assert orders == three.sql("SELECT count(DISTINCT order_id) FROM orders").fetchall()
    contracts = three.sql("SELECT count(*), count(DISTINCT contract_id) FROM contracts").fetchall()[0]
    assert contracts[0] == contracts[1]
    first = "FROM orders WHERE customer_id <= 'C000300'"
    assert two.sql(first).fetchall() == three.sql(first).fetchall()


def test_progress_is_told_after_each_chunk(tmp_path, monkeypatch):
    monkeypatch.setattr(package, "CHUNK", 100)
    told = []
    simulate(tmp_path / "new", customers=250, progress=lambda done, total: told.append((done, total)))
    assert told == [(100, 250), (200, 250), (250, 250)]


def test_a_year_is_enough(tmp_path, connect):
    simulate(tmp_path / "year", customers=150, months=12)
    db = connect(tmp_path / "year")
    first = str(db.sql("SELECT min(ordered_at)::DATE FROM orders").fetchall()[0][0])
    assert "2025-07-01" <= first < "2025-07-08"
    assert db.sql("SELECT count(DISTINCT year_ending) FROM truth_profit").fetchall() == [(1,)]
    assert db.sql("SELECT count(*) > 0 FROM contacts").fetchall() == [(True,)]


# ------------------------------------------------------------------------------------ refusals


@pytest.mark.parametrize(
    "wrong",
    [
        {"customers": 99},
        {"customers": True},
        {"customers": 1000.0},
        {"seed": -1},
        {"months": 11},
        {"months": 121},
        {"format": "xlsx"},
    ],
    ids=str,
)
def test_wrong_values_are_refused_before_anything_is_written(tmp_path, wrong):
    with pytest.raises(ParameterError) as refusal:
        simulate(tmp_path / "new", **wrong)
    assert str(next(iter(wrong.values()))) in refusal.value.found
    assert list(tmp_path.iterdir()) == []


def test_a_folder_in_use_is_refused_and_untouched(tmp_path):
    (tmp_path / "orders.csv").write_text("mine")
    with pytest.raises(ParameterError, match="not an empty folder"):
        simulate(tmp_path, customers=100)
    assert [path.read_text() for path in tmp_path.iterdir()] == ["mine"]
    with pytest.raises(ParameterError, match="not an empty folder"):
        simulate(tmp_path / "orders.csv", customers=100)


def test_a_failure_half_way_leaves_nothing(tmp_path, monkeypatch):
    def fail(*_):
        raise OSError("disk full")

    monkeypatch.setattr(package, "_write_company", fail)
    with pytest.raises(OSError, match="disk full"):
        simulate(tmp_path / "new", customers=100)
    assert list(tmp_path.iterdir()) == []


# ------------------------------------------------------------------------------------ shape

PROFIT = """
WITH sales AS (SELECT customer_id, sum(net_amount) AS net, sum(cost_of_goods) AS goods FROM orders
               WHERE customer_id IS NOT NULL AND ordered_at >= DATE '{start}' AND ordered_at < DATE '{end}' GROUP BY 1),
service AS (SELECT customer_id, sum(quantity * minutes_per_event * cost_per_month / practical_minutes_per_month) AS service
            FROM events JOIN activities USING (activity) JOIN resources USING (resource)
            WHERE occurred_on >= DATE '{start}' AND occurred_on < DATE '{end}' GROUP BY 1),
won AS (SELECT customer_id, acquisition_cost AS won FROM customers
        WHERE acquired_on >= DATE '{start}' AND acquired_on < DATE '{end}')
SELECT customer_id, coalesce(net, 0) AS net, coalesce(goods, 0) AS goods, coalesce(service, 0) AS service,
       coalesce(won, 0) AS won, coalesce(net, 0) - coalesce(goods, 0) - coalesce(service, 0) - coalesce(won, 0) AS profit
FROM sales FULL JOIN service USING (customer_id) FULL JOIN won USING (customer_id)
"""


def shape(db):
    """Time-driven profit per customer over the last 12 months, from what the company can see."""
    db.execute("CREATE OR REPLACE TEMP TABLE now AS " + PROFIT.format(start="2025-07-01", end="2026-07-01"))
    names = ("net_margin", "gross_margin", "peak", "losers", "top_fifth", "anonymous")
    return dict(
        zip(
            names,
            db.sql("""
        SELECT sum(profit) / sum(net), 1 - sum(goods) / sum(net), sum(profit) FILTER (profit > 0) / sum(profit),
               avg((profit < 0)::INT),
               (SELECT sum(profit) FROM (FROM now ORDER BY profit DESC LIMIT (SELECT count(*) // 5 FROM now))) / sum(profit),
               (SELECT sum(net_amount) FILTER (customer_id IS NULL) / sum(net_amount) FROM orders)
        FROM now""").fetchall()[0],
            strict=True,
        )
    )


@pytest.mark.parametrize(
    ("measure", "low", "high"),
    [
        ("net_margin", 0.10, 0.16),
        ("gross_margin", 0.44, 0.50),
        ("peak", 1.25, 1.60),
        ("losers", 0.20, 0.35),
        ("top_fifth", 1.05, 1.40),
        ("anonymous", 0.025, 0.035),
    ],
)
def test_the_bundled_profit_has_the_shape_of_a_whale(db, measure, low, high):
    assert low < shape(db)[measure] < high


def test_capacity_is_used_but_for_one_pool(db):
    used = dict(
        db.sql("""
        SELECT resource, sum(minutes_per_event * quantity) / 12 / any_value(practical_minutes_per_month)
        FROM events JOIN activities USING (activity) JOIN resources USING (resource)
        WHERE occurred_on > DATE '2025-06-30' GROUP BY 1""").fetchall()
    )
    assert used.pop("field sales") == pytest.approx(0.63, abs=0.02)
    assert len(used) == 4
    assert all(0.78 < share < 0.91 for share in used.values())
    assert len({round(share, 2) for share in used.values()}) == 4


def test_losses_persist_in_part(db):
    db.execute(
        "CREATE OR REPLACE TEMP TABLE before AS " + PROFIT.format(start="2024-07-01", end="2025-07-01")
    )
    db.execute("CREATE OR REPLACE TEMP TABLE now AS " + PROFIT.format(start="2025-07-01", end="2026-07-01"))
    again = dict(
        db.sql("""SELECT b.profit < 0, avg((n.profit < 0)::INT)
                           FROM before b JOIN now n USING (customer_id) GROUP BY 1""").fetchall()
    )
    assert 0.35 < again[True] < 0.75
    assert again[False] < 0.2


def test_the_known_loss_makers_lose_and_the_others_earn(db):
    db.execute("CREATE OR REPLACE TEMP TABLE now AS " + PROFIT.format(start="2025-07-01", end="2026-07-01"))
    by_segment = dict(
        db.sql("""SELECT segment, sum(profit) FROM now JOIN truth_customers USING (customer_id)
                                GROUP BY 1""").fetchall()
    )
    assert by_segment.pop("ordinary") > 0
    assert all(profit < 0 for profit in by_segment.values())
    (rank,) = (
        row[0]
        for row in db.sql("""
        SELECT count(*) FROM (FROM now ORDER BY net DESC LIMIT 20) WHERE profit < 0""").fetchall()
    )
    assert rank >= 3  # some of the twenty largest customers cost more than they bring


def test_some_customers_only_lose_because_of_service(db):
    db.execute("CREATE OR REPLACE TEMP TABLE now AS " + PROFIT.format(start="2025-07-01", end="2026-07-01"))
    share = db.sql("SELECT avg((net > goods)::INT) FROM now WHERE profit < 0").fetchall()[0][0]
    assert share > 0.6


def test_the_shape_does_not_depend_on_size(tmp_path, connect):
    shapes = {}
    for customers in (1000, 6000):
        simulate(tmp_path / str(customers), customers=customers, format="parquet")
        shapes[customers] = shape(connect(tmp_path / str(customers), "parquet"))
    small, large = shapes[1000], shapes[6000]
    assert large["gross_margin"] == pytest.approx(small["gross_margin"], abs=0.04)
    assert large["losers"] == pytest.approx(small["losers"], abs=0.06)
    assert large["anonymous"] == pytest.approx(small["anonymous"], abs=0.015)
    for one in shapes.values():
        assert 0.08 < one["net_margin"] < 0.25
        assert 1.1 < one["peak"] < 1.8
