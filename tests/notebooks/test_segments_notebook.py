"""The notebook on segments, run from top to bottom and held against plain arithmetic on the raw files."""

import hashlib
import json
import re
from pathlib import Path
from types import SimpleNamespace

import duckdb
import numpy as np
import pandas as pd
import papermill
import pytest
from made_tables import make_tables

DATA = Path(__file__).parent.parent.parent / "data"
NAME = "06_segments"
EARLIER = pd.Timestamp("2026-03-31")
UNSAYABLE = r"\bnan\b|\binf\b|(?<!Replace )\bNone\b|<NA>|NaT|[{}]|−[€$£]?0(?![.,]?\d)"
OTHERWISE = {
    "as_of": str(EARLIER.date()), "value_cut": 80.0, "tenure_cut": 18.0, "relationship_share": 0.01, "level_effect": 0.08,
    "rfm_groups": [4, 3, 5], "reward_cost": 20.0,
}  # fmt: skip
MONEY = ["net_sales", "gross_margin", "service_cost", "acquisition_cost", "profit"]
GROUPS = ["True friends", "Butterflies", "Barnacles", "Strangers"]
# Day that dates the rows of each file, and days in it that may lie later.
DATED = {
    "orders": "ordered_at", "customers": "acquired_on", "events": "occurred_on", "contacts": "contacted_on",
    "contracts": "started_on", "survey": "answered_on", "referrals": "referred_on", "reviews": "reviewed_on",
    "deliveries": "delivered_on",
}  # fmt: skip
LATER = {"customers": "club_member_since", "contracts": "ended_on"}


def lean(run, folder, source="bundled", **parameters):
    """Run the notebook on tables made in a moment; returns the run and these tables."""
    profits, values = make_tables(folder, source, parameters.get("as_of", ""))
    executed = run(NAME, [SimpleNamespace(folder=folder)], source=source, **parameters)
    saved = pd.read_parquet(executed.table("segments.parquet")).set_index("customer_id")
    return SimpleNamespace(executed=executed, profits=profits, values=values, saved=saved)


@pytest.fixture(scope="module")
def march(run, tmp_path_factory, prepared):
    """A quarter earlier, with other parameters."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CRMLIB_CACHE", str(prepared))
        return lean(run, tmp_path_factory.mktemp("march"), **OTHERWISE)


@pytest.fixture(scope="module")
def june(run, tmp_path_factory, prepared, march):
    """The defaults, where the report of March is known, with one cluster in it that is gone and one number left out."""
    folder = tmp_path_factory.mktemp("june")
    table = march.saved.reset_index()
    table["cluster"] = table["cluster"].replace({1: 7})
    path = folder / "segments.parquet"
    table.to_parquet(path, index=False)
    entry = {
        "as_of": str(EARLIER.date()),
        "file": str(path),
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
    }
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CRMLIB_CACHE", str(prepared))
        patch.setenv("CRMLIB_EARLIER", json.dumps({"segments": [entry]}))
        found = lean(run, folder)
    return SimpleNamespace(**vars(found), before=table.set_index("customer_id"))


@pytest.fixture(scope="module", params=["march", "june"])
def either(request):
    return request.getfixturevalue(request.param)


@pytest.fixture(scope="module")
def purchases():
    """One row per known customer and day with net sales above zero."""
    lines = pd.read_csv(DATA / "orders.csv", dtype={"customer_id": str}).query("customer_id.notna()")
    lines["day"] = pd.to_datetime(lines["ordered_at"].str[:10])
    days = lines.groupby(["customer_id", "day"])["net_amount"].sum().round(4).reset_index()
    return days[days["net_amount"] > 0]


def as_of(found):
    return (
        EARLIER
        if found.executed.notebook.metadata.papermill.parameters.get("as_of")
        else pd.Timestamp("2026-06-30")
    )


def amount(cell):
    return float(cell.replace("−", "-").replace("€", "").replace(",", ""))


def share(cell):
    return float(cell.replace("−", "-").rstrip("%"))


# Who is where -----------------------------------------------------------------------------------


def test_every_customer_stands_once_and_money_is_that_of_the_other_notebooks(either):
    saved = either.saved
    assert saved.index.is_unique and set(saved.index) == set(either.profits.index) | set(either.values.index)
    for column in MONEY:
        assert saved[column].sum() == pytest.approx(either.profits[column].sum(), abs=0.005)
    assert saved["value_ahead"].sum() == pytest.approx(either.values["value_36"].sum(), abs=0.01)
    assert saved[["segment", "level", "direction"]].ne("").all(axis=None)


def test_inactive_is_whoever_bought_nothing_in_the_period(either, purchases):
    day = as_of(either)
    year = purchases[(purchases["day"] > day - pd.DateOffset(years=1)) & (purchases["day"] <= day)]
    assert set(either.saved.index[either.saved["segment"] != "Inactive"]) == set(year["customer_id"])


def test_groups_are_cut_by_the_stated_lines(either):
    here = either.saved[either.saved["segment"] != "Inactive"]
    high = here["profit"] + here["acquisition_cost"] >= here["value_cut"]
    long = here["months_ahead"] >= here["tenure_cut"]
    by_hand = np.select([high & long, high, long], GROUPS[:3], GROUPS[3])
    assert (here["segment"] == by_hand).all()
    assert (here["value_loyalty"].str.capitalize() == here["segment"]).all()


def test_the_line_of_value_is_as_asked_for_or_that_of_the_report_before(march, june):
    assert march.saved["value_cut"].unique().tolist() == [80.0] and march.saved[
        "tenure_cut"
    ].unique().tolist() == [18.0]
    assert june.saved["value_cut"].unique().tolist() == [80.0] and june.saved[
        "tenure_cut"
    ].unique().tolist() == [24.0]
    assert "the line of the last report" in june.executed.text


def test_tenure_ahead_orders_customers_as_the_truth_does(june):
    truth = pd.read_csv(DATA / "truth" / "customers.csv", dtype={"customer_id": str}).set_index("customer_id")
    here = june.saved[june.saved["segment"] != "Inactive"]
    end = pd.to_datetime(truth.loc[here.index, "lifetime_end"])
    stays = ((end - pd.Timestamp("2026-06-30")).dt.days / 30.4375).clip(0, 36)
    long = here["months_ahead"] >= 24
    assert stays[long].mean() - stays[~long].mean() > 5
    assert (
        f"truly stay {stays[long].mean():.1f} and the others {stays[~long].mean():.1f}" in june.executed.text
    )


def test_the_statement_is_the_sum_of_the_saved_profits(either):
    table = either.executed.shown["Income statement by group"]
    sums = either.saved.groupby("segment")[MONEY].sum()
    for name in [*GROUPS, "Inactive"]:
        assert amount(table["Customer profit"][name]) == pytest.approx(sums.loc[name, "profit"], abs=0.51)
        assert amount(table["Net sales"][name]) == pytest.approx(sums.loc[name, "net_sales"], abs=0.51)
    assert amount(table["Customer profit"]["All"]) == pytest.approx(either.profits["profit"].sum(), abs=0.51)


def test_rfm_cells_are_counted_over_everybody_who_bought(either, purchases):
    table = either.executed.shown["Named cells of RFM"]
    known = purchases[purchases["day"] <= as_of(either)]["customer_id"].nunique()
    assert sum(int(row["Customers"].replace(",", "")) for row in table.values()) == known
    counts = either.saved["rfm_cell"].value_counts()
    for cell, row in table.items():
        assert counts[cell.lower()] == int(row["Customers"].replace(",", ""))


# Identity ---------------------------------------------------------------------------------------


def test_clusters_keep_the_number_of_the_report_before(june):
    """The cluster that was called 7 is called so again; no number in use means two things."""
    both = june.saved.index.intersection(june.before.index[june.before["cluster"].notna()])
    now, then = june.saved.loc[both, "cluster"], june.before.loc[both, "cluster"]
    pairs = pd.crosstab(then[now.notna()], now[now.notna()])
    assert set(now.dropna()) & set(then)
    for number in set(now.dropna()) & set(then):
        assert pairs.loc[number, number] > 0.5 * pairs.loc[number].sum()
    fresh = set(now.dropna()) - set(then)
    assert all(number > then.max() for number in fresh)
    assert "the report of 31 March 2026" in june.executed.text


def test_customers_in_no_cluster_are_those_who_were_not_looked_at(june):
    missing = june.saved["cluster"].isna()
    assert june.saved.loc[missing, "segment"].eq("Inactive").mean() > 0.9
    assert not june.saved.loc[~missing, "segment"].eq("Inactive").any()


# Levels -----------------------------------------------------------------------------------------


def test_the_plan_gives_no_lower_margin_a_higher_level_within_a_group(march):
    money = march.profits.reindex(march.saved.index).fillna(0.0)
    margin = money["gross_margin"] - money["service_order"] - money["service_return"]
    order = ["basic", "reactive", "accountable", "proactive", "full partnership"]
    place = march.saved["level"].map(order.index)
    for _, own in march.saved[march.saved["segment"] != "Inactive"].groupby("segment"):
        ranked = place[own.index].groupby(place[own.index]).groups
        highest = [margin[ranked[level]].max() for level in sorted(ranked)]
        assert highest == sorted(highest)
    assert (march.saved.loc[march.saved["segment"] == "Inactive", "level"] == "basic").all()


def test_the_plan_keeps_within_the_budget_of_the_parameters(march):
    money = march.profits
    active = march.saved.index[march.saved["segment"] != "Inactive"]
    own = money.reindex(active).fillna(0.0)
    margin = (own["gross_margin"] - own["service_order"] - own["service_return"]).sum()
    extra = march.saved.loc[active, "level_cost"].sum() - len(active)
    assert extra <= 0.01 * margin + 0.01
    assert f"Budget €{0.01 * margin:,.0f} a year above basic" in march.executed.text


def test_levels_lived_today_follow_what_calls_and_visits_cost(june):
    spent = june.profits["service_relationship"].reindex(june.saved.index).fillna(0.0)
    lived = june.saved["level_now"]
    assert (lived[june.saved["segment"] == "Inactive"] == "").all()
    assert spent[lived == "full partnership"].min() > spent[lived == "basic"].max()


def test_the_decision_and_the_key_figure_are_the_same_money(either):
    gain = either.executed.metrics["level_gain"]
    assert gain["low"] < gain["value"] < gain["high"]
    table = either.executed.shown["Which level for how many"]
    order = ["basic", "reactive", "accountable", "proactive", "full partnership"]
    now = either.saved["level_now"].replace("", "basic").map(order.index)
    raised = (either.saved["level"].map(order.index) > now).sum()
    assert 0 < raised <= (either.saved["level"] != "basic").sum()
    assert int(table["All"]["Raised"].replace(",", "")) == raised
    assert amount(table["All"]["Expected gain"]) == pytest.approx(gain["value"], abs=0.51)
    assert f"{raised:,} customers" in either.executed.findings["decision"]["text"]
    assert f"{raised:,} customers" in str(either.executed.findings["headline"])


def test_what_the_raises_cost_and_bring_is_counted_customer_by_customer(either):
    """From the saved levels, the raw profits and the parameters: today's level against the planned one."""
    saved, order = either.saved, ["basic", "reactive", "accountable", "proactive", "full partnership"]
    effect = either.executed.notebook.metadata.papermill.parameters.get("level_effect", 0.05)
    price = saved.groupby("level")["level_cost"].first()
    money = either.profits.reindex(saved.index).fillna(0.0)
    margin = money["gross_margin"] - money["service_order"] - money["service_return"]
    steps = saved["level"].map(order.index) - saved["level_now"].replace("", "basic").map(order.index)
    up = steps > 0
    cost = (saved["level"].map(price) - saved["level_now"].replace("", "basic").map(price))[up]
    more = (effect * steps * margin)[up]
    assert (saved.loc[~up, ["raise_cost", "level_gain"]] == 0).all(axis=None)
    assert saved.loc[up, "raise_cost"].tolist() == pytest.approx(cost.tolist(), abs=1e-4)
    assert saved.loc[up, "level_gain"].tolist() == pytest.approx((more - cost).tolist(), abs=1e-4)
    gain = either.executed.metrics["level_gain"]
    assert gain["value"] == pytest.approx((more - cost).sum(), abs=0.01)
    assert [gain["low"], gain["high"]] == pytest.approx([(f * more - cost).sum() for f in (0.5, 2)], abs=0.01)
    assert f"{effect * cost.sum() / more.sum():.1%} a step or more" in either.executed.text


# Club, moves, cards -----------------------------------------------------------------------------


def test_the_naive_comparison_of_the_club_is_far_from_the_known_truth_and_ours_is_not(june):
    table = june.executed.shown["Why the usual comparisons mislead"]
    naive, *_, own = table.values()
    assert share(naive["Low"]) > 50 and share(own["Low"]) < 8 < share(own["High"])
    assert abs(share(own["Off the truth by"])) < 5


def test_true_friends_who_still_are_are_counted_by_hand(june, march, purchases):
    """Both groups again from the file: profit of each of the two years, and the tenure that the notebook predicts."""
    table = june.executed.shown["Who moves: from the row to the column, one period later"]
    title = next(name for name in table if name.startswith("True friends"))
    kept = june.executed.metrics["friends_kept"]
    assert f"{kept['value']:.0%} (" in table[title]["True friends"]
    before = int(re.search(r"\((\d+)\)", title)[1])
    old = purchases[(purchases["day"] > "2024-06-30") & (purchases["day"] <= "2025-06-30")][
        "customer_id"
    ].nunique()
    groups = [
        int(re.search(r"\(([\d,]+)\)", name)[1].replace(",", ""))
        for name in table
        if name.split(" (")[0] in GROUPS
    ]
    assert sum(groups) == old and 0 < before < old


def test_there_is_a_card_for_every_group_and_it_is_saved(either):
    cards = pd.read_parquet(either.executed.table("segment_cards.parquet"))
    present = [name for name in [*GROUPS, "Inactive"] if (either.saved["segment"] == name).any()]
    assert cards["segment"].tolist() == present
    for row in cards.itertuples(index=False):
        size = (either.saved["segment"] == row.segment).sum()
        assert row[1].startswith(f"{size:,} customers")
        assert all(part and part.endswith(".") for part in row[1:])


def test_nothing_is_shown_that_cannot_be_said(either):
    assert not re.search(UNSAYABLE, either.executed.text), re.search(
        f".{{60}}({UNSAYABLE}).{{30}}", either.executed.text
    )
    assert {"true_friends", "true_friends_profit", "friends_kept", "level_gain"} <= set(
        either.executed.metrics
    )
    assert 3 <= len(either.executed.findings["findings"]) <= 5


# Another day, other parameters ------------------------------------------------------------------


def test_without_churn_the_columns_it_would_bring_are_named(march):
    assert any("chance to stay away" in one["part"] for one in march.executed.bundles("left_out"))
    assert "groups by recency 4, by frequency 3, by money 5" in march.executed.text
    assert "if rewards cost €20.00 a member and year" in march.executed.text


def test_what_happens_after_the_last_known_day_changes_no_number(run, march, tmp_path, monkeypatch, prepared):
    """The same company with everything later cut from its files: the same tables, figures and words."""
    monkeypatch.setenv("CRMLIB_CACHE", str(prepared))
    duck, files = duckdb.connect(), tmp_path / "files"
    files.mkdir()
    for path in DATA.glob("*.csv"):
        dated, later = DATED.get(path.stem), LATER.get(path.stem)
        keep = f"WHERE {dated} IS NULL OR {dated}[:10] <= '{EARLIER.date()}'" if dated else ""
        blank = (
            f"REPLACE (CASE WHEN {later} <= '{EARLIER.date()}' THEN {later} END AS {later})" if later else ""
        )
        duck.execute(
            f"COPY (SELECT * {blank} FROM read_csv('{path}', all_varchar = true) {keep}) TO '{files / path.name}' (HEADER)"
        )
    (files / "run.toml").write_text((DATA / "run.toml").read_text())
    cut = lean(run, tmp_path / "cut", str(files / "run.toml"), **{**OTHERWISE, "as_of": ""})
    pd.testing.assert_frame_equal(cut.saved, march.saved)
    assert cut.executed.metrics == march.executed.metrics
    for name in ("headline", "findings", "decision"):
        assert cut.executed.findings[name] == march.executed.findings[name]


@pytest.mark.parametrize(
    ("wrong", "kind", "said"),
    [
        ({"rfm_groups": [5, 1, 5]}, "ParameterError", ("rfm_groups", "three whole numbers from 2 to 10")),
        (
            {"level_effect": 0, "relationship_share": 1.5, "tenure_cut": 0.5},
            "ParameterProblems",
            (
                "level_effect",
                "from 0.001 to 1",
                "relationship_share",
                "from 0 to 1",
                "tenure_cut",
                "from 1 to 240",
            ),
        ),
        (
            {},
            "TooLittleData",
            ("no results in a saved table 'profit_per_customer'", "run 02_profitability first"),
        ),
    ],
)
def test_what_cannot_be_is_refused_in_one_sentence(run, wrong, kind, said):
    with pytest.raises(papermill.PapermillExecutionError) as error:
        run(NAME, **wrong)
    assert error.value.ename == kind
    for part in said:
        assert part in error.value.evalue
    assert "Expected: " in error.value.evalue and "What to do: " in error.value.evalue


# The committed notebooks ------------------------------------------------------------------------


def test_the_solutions_are_right_for_other_parameters_too(run):
    solved = run(
        f"solutions/{NAME}", as_of="2026-03-15", value_cut=30.0, level_effect=0.1, relationship_share=0.01
    )
    assert [output["data"]["text/plain"] for output in solved.outputs] == ["Right."] * 3


def test_the_committed_outputs_are_those_of_a_fresh_run(run, comes_out_again):
    """On the tables that the notebooks before it save."""
    before = [run("02_profitability"), run("04_lifetime_value")]
    comes_out_again(f"notebooks/{NAME}.ipynb", [*before, run("03_churn", before)])
    comes_out_again(f"notebooks/solutions/{NAME}.ipynb")
