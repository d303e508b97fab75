"""Whole reports on public files as downloaded; their totals were added up outside the suite."""

import json
import os
from pathlib import Path

import duckdb
import pytest

from crmlib.publish.request import Request
from crmlib.publish.run import make_report

MAPS = Path(__file__).parents[2] / "data" / "maps"
REAL = os.environ.get("CRMLIB_REAL_DATA")
needs_real_data = pytest.mark.skipif(
    not REAL, reason="set CRMLIB_REAL_DATA to the folder of public files (cdnow, online_retail)"
)


@needs_real_data
@pytest.mark.parametrize(
    ("file", "run_file", "total", "lines", "last_12_months"),
    [
        ("cdnow/CDNOW_master.txt.gz", "cdnow.toml", "$2,500,315.63", "69,659", "1997-07-01"),
        (
            "online_retail/online_retail.csv.gz",
            "online_retail.toml",
            "£9,747,747.93",
            "541,909",
            "2010-12-10",
        ),
    ],
    ids=["CDNOW", "UCI Online Retail"],
)
def test_a_report_on_a_public_file(file, run_file, total, lines, last_12_months, tmp_path):
    made = make_report(
        Request(source=str(Path(REAL) / file), run_file=MAPS / run_file, output=tmp_path / "reports")
    )
    front = (made.folder / "index.html").read_text(encoding="utf-8")
    assert total in front and lines in front
    assert "Cost to serve" in front and "Measure what an order costs to serve" in front
    page = (made.folder / "02_profitability.html").read_text(encoding="utf-8")
    assert "The data hold no costs of goods." in page
    saved = duckdb.sql(
        f"SELECT count(*), round(sum(net_sales), 2) FROM '{made.folder / 'tables' / 'profit_per_customer.parquet'}'"
    ).fetchall()[0]
    assert saved == _by_hand(Path(REAL) / file, last_12_months)
    _groups_and_list_add_up(made.folder)


def _groups_and_list_add_up(folder: Path):
    """Every customer once in the groups and on the list; money of both is that of the other pages, to the cent."""
    names = ("lifetime_value", "profit_per_customer", "segments", "actions")
    table = {name: f"'{folder / 'tables' / name}.parquet'" for name in names}

    def one(query: str) -> tuple:
        return duckdb.sql(query.format(**table)).fetchall()[0]

    for name in ("segments", "actions"):
        assert one(f"SELECT count(*) = count(DISTINCT customer_id) FROM {{{name}}}") == (True,)
        known = f"SELECT customer_id FROM {{{name}}}"
        assert one(f"SELECT count(*) FROM {{lifetime_value}} WHERE customer_id NOT IN ({known})") == (0,)
    assert one(
        "SELECT abs((SELECT sum(profit) FROM {segments}) - (SELECT sum(profit) FROM {profit_per_customer})) < 0.01"
    ) == (True,)
    assert one("SELECT bool_and(segment <> '') FROM {segments}") == (True,)
    arms = duckdb.sql("SELECT DISTINCT arm FROM {actions}".format(**table)).fetchall()
    assert {"leave alone"} < {arm for (arm,) in arms} <= {"contact", "hold out", "leave alone"}
    ((listed, promised),) = duckdb.sql(
        "SELECT count(*), sum(expected_profit) FROM {actions} WHERE arm = 'contact'".format(**table)
    ).fetchall()
    told = {
        metric["name"]: metric["value"]
        for metric in json.loads((folder / "metrics.json").read_text(encoding="utf-8"))["metrics"][
            "09_actions"
        ]
    }
    assert told["listed_customers"] == listed and told["list_profit"] == pytest.approx(promised, abs=0.01)


def _by_hand(path: Path, since: str) -> tuple[int, float]:
    """Customers and their net sales since a day, by the engine alone, straight from the file."""
    if "cdnow" in path.parts:
        lines = f"""
            SELECT cells[1] AS customer, strptime(cells[2], '%Y%m%d') AS day, CAST(cells[4] AS DECIMAL(18, 4)) AS amount
            FROM (SELECT regexp_split_to_array(trim(line), '\\s+') AS cells
                  FROM read_csv('{path}', columns = {{'line': 'VARCHAR'}}, delim = '\t', header = true, quote = ''))
        """
    else:
        lines = f"""
            SELECT CustomerID AS customer, CAST(InvoiceDate AS TIMESTAMP) AS day,
                   CAST(Quantity AS DECIMAL(18, 4)) * CAST(UnitPrice AS DECIMAL(18, 4)) AS amount
            FROM read_csv('{path}', all_varchar = true) WHERE CustomerID IS NOT NULL
        """
    return duckdb.sql(f"""
        SELECT count(DISTINCT customer), round(CAST(sum(amount) AS DOUBLE), 2) FROM ({lines}) WHERE day >= '{since}'
    """).fetchall()[0]
