"""The notebook on segments on public files of dates and amounts alone, against plain arithmetic on the same files."""

import os
import re
import tomllib
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest
from made_tables import make_tables
from test_customer_base_on_public_files import cdnow, online_retail

MAPS = Path(__file__).parent.parent.parent / "data" / "maps"
NAME = "06_segments"
REAL = os.environ.get("CRMLIB_REAL_DATA")
UNSAYABLE = r"\bnan\b|\binf\b|(?<!Replace )\bNone\b|<NA>|NaT|[{}]|−[$£]?0(?![.,]?\d)|not known(?! from)"
# How to read the file, where it stands, its map, its last day, the margin that the map assumes, and the sign of money.
FILES = {
    "CDNOW": (cdnow, "cdnow/CDNOW_master.txt.gz", "cdnow.toml", "1998-06-30", 0.2, "$"),
    "UCI Online Retail": (
        online_retail, "online_retail/online_retail.csv.gz", "online_retail.toml", "2011-12-09", 0.4, "£",
    ),
}  # fmt: skip


@pytest.fixture(scope="module", params=FILES)
def public(request, run, tmp_path_factory, prepared):
    if not REAL:
        pytest.skip("set CRMLIB_REAL_DATA to the folder of the public files")
    read, place, name, last, margin, sign = FILES[request.param]
    folder = tmp_path_factory.mktemp("public")
    text = (MAPS / name).read_text(encoding="utf-8")
    run_file = folder / "run.toml"
    run_file.write_text(f"source = '{Path(REAL, place)}'\n{text}", encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CRMLIB_CACHE", str(prepared))
        make_tables(folder, str(run_file))
    parameters = tomllib.loads(text).get("notebooks", {}).get(NAME, {})
    executed = run(NAME, [SimpleNamespace(folder=folder)], source=str(run_file), **parameters)
    lines = read()
    days = lines.groupby(["who", "day"])["net"].sum().round(4).reset_index()
    return SimpleNamespace(
        executed=executed, lines=lines, bought=days[days["net"] > 0], last=pd.Timestamp(last), margin=margin, sign=sign,
        saved=pd.read_parquet(executed.table("segments.parquet")).set_index("customer_id"), name=request.param,
    )  # fmt: skip


def year(public, table):
    return table[(table["day"] > public.last - pd.DateOffset(years=1)) & (table["day"] <= public.last)]


def test_active_customers_and_their_profit_are_those_of_the_file(public):
    active = public.saved.index[public.saved["segment"] != "Inactive"]
    assert set(active) == set(year(public, public.bought)["who"])
    own = public.margin * year(public, public.lines).groupby("who")["net"].sum().reindex(active)
    assert public.saved.loc[active, "profit"].to_numpy() == pytest.approx(own.to_numpy(), abs=1e-3)


def test_the_line_of_value_is_the_mean_in_round_numbers(public):
    here = public.saved[public.saved["segment"] != "Inactive"]
    assert public.saved["value_cut"].unique() == [float(f"{here['profit'].mean():.2g}")]
    high = here["segment"].isin(["True friends", "Butterflies"])
    assert (here["profit"][high] >= here["value_cut"][high]).all() and (here["profit"] < here["value_cut"])[
        ~high
    ].all()


def test_equal_frequencies_get_equal_scores_and_the_page_says_what_that_costs(public):
    counts = public.bought.groupby("who").size()
    tie = (counts == 1).mean()
    said = re.search(
        r"By frequency that leaves fewer groups than asked for: (\d+)% of the customers", public.executed.text
    )
    assert said[1] == f"{tie:.0%}".rstrip("%")
    cells = public.saved.loc[counts.index, "rfm_cell"]
    assert (cells != "").all()


def test_what_these_data_cannot_tell_is_left_out_in_one_line_each(public):
    left_out = {one["part"]: one["reason"] for one in public.executed.bundles("left_out")}
    assert {"what the club changes", "how customers are served today"} <= set(left_out)
    assert "clusters against RFM" in left_out and "who moves between groups" in left_out
    assert all(reason.endswith(".") for reason in left_out.values())
    assert "which is assumed: no resources are in the data" in public.executed.text
    assert (public.saved["level_now"] == "").all()


def test_a_line_that_parts_nobody_is_warned_of(public):
    here = public.saved[public.saved["segment"] != "Inactive"]
    long = (here["months_ahead"] >= here["tenure_cut"]).mean()
    assert ("Read the months with care" in public.executed.text) == (not 0.01 < long < 0.99)


def test_the_plan_is_the_best_level_for_each_customer_within_its_limits(public):
    """Nothing limits but money: where that is enough, everybody gets what pays by his own margin."""
    gain = public.executed.metrics["level_gain"]
    assert gain["low"] <= gain["value"] <= gain["high"] and gain["value"] >= 0
    here = public.saved[public.saved["segment"] != "Inactive"]
    extra = here["level_cost"].sum() - len(here)
    assert extra <= 0.05 * here["profit"].clip(lower=0).sum() + 0.01
    assert (public.saved["level"] != "basic").any()


def test_nothing_is_shown_that_cannot_be_said(public):
    text = public.executed.text
    assert not re.search(UNSAYABLE, text), re.search(f".{{60}}({UNSAYABLE}).{{30}}", text)
    assert "€" not in text and public.sign in text
