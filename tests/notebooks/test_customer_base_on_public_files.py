"""The notebook on the customer base on public files as downloaded, against plain pandas on the same files."""

import gzip
import os
import re
import tomllib
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest
from scipy.stats import binomtest

MAPS = Path(__file__).parent.parent.parent / "data" / "maps"
NAME = "01_customer_base"
REAL = os.environ.get("CRMLIB_REAL_DATA")


def cdnow():
    with gzip.open(Path(REAL, "cdnow", "CDNOW_master.txt.gz"), "rt") as stream:
        cells = [line.split() for line in stream][1:]
    raw = pd.DataFrame(cells, columns=["who", "day", "count", "net"])
    return raw.assign(day=pd.to_datetime(raw["day"]), net=raw["net"].astype(float))


def online_retail():
    raw = pd.read_csv(Path(REAL, "online_retail", "online_retail.csv.gz"), dtype={"CustomerID": str})
    raw = raw[raw["CustomerID"].notna()]
    return pd.DataFrame(
        {"who": raw["CustomerID"].str.removesuffix(".0"), "day": pd.to_datetime(raw["InvoiceDate"].str[:10]),
         "net": raw["Quantity"] * raw["UnitPrice"]}
    )  # fmt: skip


# How to read the file, where it stands and its map. Then, by the calendar: the first days of the two halves of its
# last year and the day after them, the first day after the lead-in, and the last one of the cohorts that are followed
# (of CDNOW two of four months, of Online Retail one of three quarters).
FILES = {
    "CDNOW": (
        cdnow, "cdnow/CDNOW_master.txt.gz", "cdnow.toml",
        "1997-07-01", "1998-01-01", "1998-07-01", "1997-01-01", "1997-02-28",
    ),
    "UCI Online Retail": (
        online_retail, "online_retail/online_retail.csv.gz", "online_retail.toml",
        "2010-12-10", "2011-06-10", "2011-12-10", "2011-03-10", "2011-06-09",
    ),
}  # fmt: skip


@pytest.fixture(scope="module", params=FILES)
def public(request, run, tmp_path_factory):
    """The run on a public file by its map, the raw lines of known customers, and the days of `FILES`."""
    if not REAL:
        pytest.skip("set CRMLIB_REAL_DATA to the folder of the public files")
    read, place, name, *days = FILES[request.param]
    text = (MAPS / name).read_text(encoding="utf-8")
    run_file = tmp_path_factory.mktemp("map") / "run.toml"
    run_file.write_text(f"source = '{Path(REAL, place)}'\n{text}", encoding="utf-8")
    notebook = run(NAME, source=str(run_file), **tomllib.loads(text)["notebooks"][NAME])
    start, middle, after, lead_in, followed = map(pd.Timestamp, days)
    lines = read()
    return SimpleNamespace(
        notebook=notebook, lines=lines, bought=lines[lines["net"] > 0], start=start, middle=middle, after=after,
        lead_in=lead_in, followed=followed, table=pd.read_parquet(notebook.table("customer_base.parquet")).set_index("customer_id"),
    )  # fmt: skip


def between(lines, first, after):
    return lines[(lines["day"] >= first) & (lines["day"] < after)]


def test_active_customers_retention_and_sales_are_those_of_the_file(public):
    before = set(between(public.bought, public.start, public.middle)["who"])
    now = set(between(public.bought, public.middle, public.after)["who"])
    interval = binomtest(len(before & now), len(before)).proportion_ci(method="wilson")
    found = [public.notebook.metrics["retention"][name] for name in ("low", "value", "high")]
    expected = [interval.low, len(before & now) / len(before), interval.high]
    assert found == pytest.approx(expected, abs=1e-6)
    assert public.notebook.metrics["active"]["value"] == len(now)
    for column, first, after in (
        ("net_sales", public.middle, public.after),
        ("net_sales_before", public.start, public.middle),
    ):
        sales = between(public.lines, first, after).groupby("who")["net"].sum()
        assert (public.table[column] - sales.reindex(public.table.index).fillna(0.0)).abs().max() < 0.005
    assert set(public.table.index) == set(public.lines["who"])


def test_customers_are_won_on_the_day_of_their_first_order(public):
    first = public.bought.groupby("who")["day"].min()
    returned = public.lines[public.lines["net"] < 0].groupby("who")["day"].min()
    late = first[first >= public.lead_in]
    won = late[~(returned.reindex(late.index) < late)]  # who sends back before buying has bought before
    days = pd.to_datetime(public.table["won_on"]).dropna().sort_index()
    pd.testing.assert_series_equal(
        days, won.sort_index(), check_names=False, check_index_type=False, check_dtype=False
    )
    cohorts = pd.read_parquet(public.notebook.table("cohorts.parquet"))
    assert cohorts.loc[cohorts["cohort"] != "before", "customers"].sum() == len(won)
    last = list(public.notebook.shown["Signs of health"]["New customers won"].values())[-2]
    assert last == f"{(won >= public.middle).sum():,}"


def test_the_share_with_a_second_order_in_180_days_is_the_product_limit_by_hand(public):
    won = pd.to_datetime(public.table["won_on"])
    cohort = won[(won >= public.lead_in) & (won <= public.followed)]
    days = public.bought[public.bought["who"].isin(cohort.index)].drop_duplicates(["who", "day"])
    days = days.sort_values("day")
    second = days[days.groupby("who").cumcount() == 1].set_index("who")["day"].reindex(cohort.index)
    waits, left = (second.fillna(public.after - pd.Timedelta(days=1)) - cohort).dt.days, 1.0
    for day in range(1, 181):
        left *= 1 - ((waits == day) & second.notna()).sum() / (waits >= day).sum()
    row = public.notebook.shown["From each order to the next"]["1 to 2"]
    assert row["Within 180 days"] == f"{1 - left:.0%}"
    assert row["Customers who placed it"] == f"{len(cohort):,}"


def test_what_cannot_be_told_is_said(public):
    notebook = public.notebook
    reasons = {one["part"]: one["reason"] for one in notebook.bundles("left_out")}
    assert "whole year" in reasons["what the next period needs"]
    assert "The data hold no cost of goods." in notebook.text and "€" not in notebook.text
    assert "cannot be told yet" in notebook.findings["headline"]
    assert notebook.findings["decision"]["text"].startswith("Set no target for new customers yet")
    assert not re.search(r"\bnan\b|\binf\b|(?<!Replace )\bNone\b|<NA>|[{}]|−[$£]?0(?![.,]?\d)", notebook.text)
