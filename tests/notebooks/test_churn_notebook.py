"""The notebook on churn, run from top to bottom and held against plain arithmetic on the raw files."""

import csv
import re
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import papermill
import pytest
from dateutil.relativedelta import relativedelta
from scipy.stats import rankdata

DATA = Path(__file__).parent.parent.parent / "data"
NAME = "03_churn"
LAST, EARLIER = pd.Timestamp("2026-06-30"), pd.Timestamp("2026-03-31")
UNSAYABLE = r"\bnan\b|\binf\b|(?<!Replace )\bNone\b|<NA>|NaT|[{}]|−[€$£]?0(?![.,]?\d)"
OTHERWISE = {"as_of": str(EARLIER.date()), "outcome_days": 91, "budget_share": 0.1, "save_rate": 0.2}
# Day that dates the rows of each file, and days in it that may lie later.
DATED = {
    "orders": "ordered_at", "customers": "acquired_on", "events": "occurred_on", "contacts": "contacted_on",
    "contracts": "started_on", "survey": "answered_on", "referrals": "referred_on", "reviews": "reviewed_on",
    "deliveries": "delivered_on",
}  # fmt: skip
LATER = {"customers": "club_member_since", "contracts": "ended_on"}


@pytest.fixture(scope="module")
def valued(run):
    return run("04_lifetime_value")


@pytest.fixture(scope="module")
def default(run, valued):
    return run(NAME, [valued])


@pytest.fixture(scope="module")
def other(run):
    """A quarter earlier, with other parameters, and nobody's lifetime value known."""
    return run(NAME, **OTHERWISE)


@pytest.fixture(scope="module")
def saved(default):
    return pd.read_parquet(default.table("churn.parquet")).set_index("customer_id")


@pytest.fixture(scope="module")
def lines():
    """Lines of known customers, with their day and their margin."""
    read = pd.read_csv(DATA / "orders.csv", dtype={"customer_id": str}).query("customer_id.notna()")
    return read.assign(
        day=pd.to_datetime(read["ordered_at"].str[:10]), margin=read["net_amount"] - read["cost_of_goods"]
    )


@pytest.fixture(scope="module")
def purchases(lines):
    """One row per known customer and day with net sales above zero."""
    days = lines.groupby(["customer_id", "day"])["net_amount"].sum().round(4).reset_index()
    return days[days["net_amount"] > 0]


def bought(purchases, after, until):
    inside = (purchases["day"] > after) & (purchases["day"] <= until)
    return set(purchases.loc[inside, "customer_id"])


def looked_at(purchases, day, days=365):
    return bought(purchases, day - pd.Timedelta(days=days), day)


def left(purchases, day, outcome, eligible=365):
    """Customers looked at on a day, and those of them without a purchase in the window after it."""
    before = looked_at(purchases, day, eligible)
    return before, before - bought(purchases, day, day + pd.Timedelta(days=outcome))


def test_days(executed):
    """The days the method was tested on, a quarter apart, and how many customers on them, as the page says."""
    said = re.search(r"tested on ([\d,]+) customers on (\d+) days?, the last (\d+ \w+ \d+)", executed.text)
    last = pd.to_datetime(said[3], format="%d %B %Y")
    return [last - pd.Timedelta(days=91 * back) for back in range(int(said[2]))], int(
        said[1].replace(",", "")
    )


test_days.__test__ = False


def amount(cell):
    return float(cell.replace("−", "-").replace("€", "").replace("$", "").replace(",", ""))


# Who is looked at, and how many leave ------------------------------------------------------------


def test_scored_is_whoever_bought_in_the_twelve_months_up_to_the_last_day(saved, purchases):
    assert list(saved.index) == sorted(looked_at(purchases, LAST))
    assert saved["churn_probability"].between(0, 1).all()
    # Whoever is of a kind that no test had, such as a channel that was never contacted, has no tested profit.
    tested = saved["expected_profit"].notna()
    assert tested.mean() > 0.95 and saved.loc[~tested, "decision"].eq("leave alone").all()
    assert saved.notna().all().drop(["expected_profit", "profit_low", "profit_high"]).all()
    assert (saved["why"].str.len() > 10).all()


@pytest.mark.parametrize(("which", "last", "outcome"), [("default", LAST, 182), ("other", EARLIER, 91)])
def test_the_churn_rate_is_that_of_the_test_days_by_hand(which, last, outcome, purchases, request):
    executed = request.getfixturevalue(which)
    days, customers = test_days(executed)
    assert days[0] == last - pd.Timedelta(days=outcome)
    counted = [left(purchases, day, outcome) for day in days]
    before, gone = (sum(len(one[part]) for one in counted) for part in (0, 1))
    rate = executed.metrics["churn_rate"]
    assert customers == before and len(days) >= 2
    assert rate["value"] == pytest.approx(gone / before, abs=1e-6)
    assert rate["low"] < rate["value"] < rate["high"]


def test_other_windows_give_the_rates_of_the_file(default, purchases):
    table = default.shown["Other definitions, other numbers"]
    note = re.search(r"Customers who bought in the 12 months up to (\d+ \w+ \d+)", default.text)[1]
    day = pd.to_datetime(note, format="%d %B %Y")
    first = left(purchases, day, 182)[1]
    for words, days in (("6 months", 182), ("3 months", 91), ("8 months", 243)):
        before, gone = left(purchases, day, days)
        row = table[f"no purchase in {words} after it"]
        assert row["Churn rate"] == f"{len(gone) / len(before):.1%}"
        assert row["Overlap with the first"] == f"{len(first & gone) / len(first | gone):.0%}"


def test_how_many_came_back_is_counted_by_hand(default, purchases):
    said = re.search(
        r"Of the (\d+) customers who had churned by (\d+ \w+ \d+), (\d+)%.*?bought again in the (\d+) days", default.text
    )  # fmt: skip
    ends = pd.to_datetime(said[2], format="%d %B %Y")
    gone = left(purchases, ends - pd.Timedelta(days=182), 182)[1]
    again = gone & bought(purchases, ends, LAST)
    assert (int(said[1]), int(said[4])) == (len(gone), (LAST - ends).days)
    assert said[3] == f"{len(again) / len(gone):.0%}".rstrip("%")


def test_probabilities_rank_and_level_are_near_to_the_truth(saved, default):
    """Whoever has truly left gets the higher probability of two customers, more often than not."""
    truth = pd.read_csv(DATA / "truth" / "customers.csv", dtype={"customer_id": str}).set_index("customer_id")
    truth = truth.loc[saved.index]
    gone = (pd.to_datetime(truth["lifetime_end"]) <= LAST + pd.Timedelta(days=182)).to_numpy()
    days = (pd.to_datetime(truth["lifetime_end"]) - LAST).dt.days.clip(0, 182).to_numpy()
    silent = np.exp(-truth["purchase_rate_per_year"].to_numpy() * days / 365.25)
    ranks = rankdata(saved["churn_probability"].to_numpy())
    auc = (ranks[gone].mean() - (gone.sum() + 1) / 2) / (~gone).sum()
    assert auc > 0.65 and f"has the higher probability in {auc:.0%} of the cases" in default.text
    assert saved["churn_probability"].mean() == pytest.approx(silent.mean(), abs=0.06)


# What is lost -----------------------------------------------------------------------------------


@pytest.mark.parametrize("which", ["default", "other"])
def test_key_figures_are_sums_of_the_saved_table(which, request):
    executed = request.getfixturevalue(which)
    table, metrics = pd.read_parquet(executed.table("churn.parquet")), executed.metrics
    assert metrics["expected_leavers"]["value"] == pytest.approx(table["churn_probability"].sum(), rel=1e-5)
    assert metrics["value_at_risk"]["value"] == pytest.approx(table["value_at_risk"].sum(), abs=0.02)
    for name in ("expected_leavers", "value_at_risk"):
        assert metrics[name]["low"] < metrics[name]["value"] < metrics[name]["high"]


def test_value_at_risk_is_probability_times_a_year_of_those_who_stay_less_those_who_return(
    default, valued, saved, lines, purchases
):
    """The part that comes back is mean margin of those churned over that of those who stayed, to the last day."""
    worth = pd.read_parquet(valued.table("lifetime_value.parquet")).set_index("customer_id").loc[saved.index]
    ends = pd.to_datetime(re.search(r"had churned by (\d+ \w+ \d+),", default.text)[1], format="%d %B %Y")
    before, gone = left(purchases, ends - pd.Timedelta(days=182), 182)
    later = lines[(lines["day"] > ends) & (lines["day"] <= LAST)].groupby("customer_id")["margin"].sum()
    part = (
        later.reindex(sorted(gone), fill_value=0).mean()
        / later.reindex(sorted(before - gone), fill_value=0).mean()
    )
    for months, found in (
        ("12", saved["value_at_risk"]),
        ("36", saved["churn_probability"] * saved["worth_if_kept"]),
    ):
        stays = (1 - part) * worth[f"value_{months}"] / worth["alive"]
        expected = saved["churn_probability"] * stays
        assert found.to_numpy() == pytest.approx(expected.to_numpy(), rel=2e-3, abs=2e-3)


def test_without_lifetime_values_the_margin_of_the_last_year_is_at_risk(other, lines):
    table = pd.read_parquet(other.table("churn.parquet")).set_index("customer_id")
    year = lines[(lines["day"] > EARLIER - pd.DateOffset(years=1)) & (lines["day"] <= EARLIER)]
    margin = year.groupby("customer_id")["margin"].sum().reindex(table.index)
    # All are scaled by the one part that does not come back.
    ratio = (table["worth_if_kept"] / margin)[margin.abs() > 5]
    assert ratio.max() - ratio.min() < 1e-3 and 0.5 < ratio.mean() <= 1
    at_risk = table["churn_probability"] * table["worth_if_kept"]
    assert table["value_at_risk"].to_numpy() == pytest.approx(at_risk.to_numpy(), rel=1e-4, abs=2e-3)
    assert "gross margin of the last 12 months" in other.text


def test_the_expected_profit_of_the_lists_is_summed_by_hand(default, saved):
    p, v = saved["churn_probability"], saved["worth_if_kept"]
    profit = p * 0.1 * (v - 5) - (1 - p) * 5 - 3
    places = int(0.3 * len(saved))
    # Paid out: the contact, and the offer to all who stay, those kept included.
    paid = 3 + (1 - p + 0.1 * p) * 5
    table = default.shown["What each list earns if a contact keeps 10% of those about to leave"]
    lists = {
        "Most likely to leave": p.sort_values(ascending=False, kind="stable").index[:places],
        "Most value at risk": (p * v).sort_values(ascending=False, kind="stable").index[:places],
        "Highest expected profit": profit[profit > 0]
        .sort_values(ascending=False, kind="stable")
        .index[:places],
        "Everybody": saved.index,
        "Nobody": saved.index[:0],
    }
    assert set(table) == set(lists)
    for words, who in lists.items():
        assert table[words]["Customers"] == f"{len(who):,}"
        assert amount(table[words]["Expected profit"]) == pytest.approx(profit[who].sum(), abs=2)
        assert amount(table[words]["Paid out"]) == pytest.approx(paid[who].sum(), abs=2)


# Contracts --------------------------------------------------------------------------------------


def completed_months(start, until):
    gone = relativedelta(until.to_pydatetime(), start.to_pydatetime())
    return 12 * gone.years + gone.months, gone.days > 0


def test_contracts_survive_as_kaplan_and_meier_say_by_plain_loops(default):
    contracts = pd.read_csv(DATA / "contracts.csv", parse_dates=["started_on", "ended_on"])
    watched = []
    for one in contracts.itertuples():
        ended = one.ended_on <= LAST
        months, more = completed_months(
            one.started_on, (one.ended_on if ended else LAST) + pd.Timedelta(days=1)
        )
        watched.append((months + (ended and more), ended))
    watched = [one for one in watched if one[0] > 0]
    assert len(watched) == 444 and len(contracts) == 446
    assert "Left out: 2 contracts, less than a month in sight" in default.text
    table, still = default.shown["Survival of contracts by hand"], 1.0
    assert len(table) == 5
    for age in sorted({months for months, ended in watched if ended})[:5]:
        at_risk = sum(months >= age for months, _ in watched)
        gone = sum(months == age and ended for months, ended in watched)
        still *= 1 - gone / at_risk
        row = table[str(age)]
        assert (row["Running before"], row["Ended"]) == (f"{at_risk:,}", f"{gone:,}")
        assert (row["Stay"], row["Still running"]) == (f"{1 - gone / at_risk:.1%}", f"{still:.1%}")


def test_contracts_lost_in_the_last_year_are_those_of_the_file(default):
    contracts = pd.read_csv(DATA / "contracts.csv", parse_dates=["started_on", "ended_on"])
    since = LAST - pd.DateOffset(years=1)
    ran = contracts[(contracts["started_on"] <= since) & ~(contracts["ended_on"] <= since)]
    rate = (ran["ended_on"] <= LAST).mean()
    assert f"In the last 12 months {rate:.0%} of {len(ran)} contracts ended" in default.text


# Campaigns --------------------------------------------------------------------------------------


def answers(until=LAST, days=28):
    """One row per customer and campaign: orders and margin within so many days, that of the contact included."""
    return (
        duckdb.connect()
        .execute(f"""
        WITH made AS (
            SELECT customer_id, order_id, CAST(ordered_at AS DATE) AS day, max(net_amount) > 0 AS bought,
                   sum(net_amount - cost_of_goods) AS margin
            FROM '{DATA / "orders.csv"}' WHERE customer_id IS NOT NULL AND CAST(ordered_at AS DATE) <= '{until:%Y-%m-%d}'
            GROUP BY ALL)
        SELECT c.customer_id, campaign_id, arm = 'treatment' AS treated, min(contacted_on) AS contacted_on,
               count(made.day) FILTER (bought) AS orders, coalesce(sum(margin), 0) AS margin
        FROM '{DATA / "contacts.csv"}' c LEFT JOIN made ON made.customer_id = c.customer_id
             AND made.day >= c.contacted_on AND made.day < c.contacted_on + {days}
        WHERE c.contacted_on + {days - 1} <= '{until:%Y-%m-%d}'
        GROUP BY ALL""")
        .df()
    )


def test_arms_of_the_campaigns_ordered_and_brought_what_the_files_say(default):
    """Campaigns hold out unequal shares: the mean of those left alone weighs each by those whom it contacted."""
    table = default.shown["What a contact changed, per customer"]
    for words, column, days in (
        ("Orders within 28 days", "orders", 28),
        ("Margin within 28 days (EUR)", "margin", 28),
        ("Margin within half a year (EUR)", "margin", 180),
    ):
        rows, row = answers(days=days), table[words]
        arms = rows.groupby(["campaign_id", "treated"])[column].agg(["mean", "size"]).unstack()
        contacted, held_out = arms["size"][True], arms["size"][False]
        mean = (arms["mean"][False] * contacted).sum() / contacted.sum()
        assert row["Left alone, mean"] == f"{mean:.2f}"
        assert (row["Contacted"], row["Left alone"]) == (f"{contacted.sum():,}", f"{held_out.sum():,}")
        # What customers did before is taken out, which moves the plain difference, but not out of its interval.
        plain = ((arms["mean"][True] - arms["mean"][False]) * contacted).sum() / contacted.sum()
        assert amount(row["Low"]) < plain < amount(row["High"])


def test_the_first_campaign_is_compared_arm_by_arm(default):
    soon = answers()
    first = soon[
        soon["campaign_id"] == soon.sort_values(["contacted_on", "campaign_id"])["campaign_id"].iloc[0]
    ]
    for words, treated in (("Contacted", True), ("Left alone", False)):
        arm, row = first[first["treated"] == treated], default.shown["One campaign, both arms"][words]
        assert row["Customers"] == f"{len(arm):,}"
        assert row["Orders per customer"] == f"{arm['orders'].mean():.2f}"
        assert amount(row["Margin per customer"]) == pytest.approx(arm["margin"].mean(), abs=0.0051)


# The decision, and what is said -----------------------------------------------------------------


@pytest.mark.parametrize("which", ["default", "other"])
def test_who_is_to_be_contacted_fits_the_decision_and_the_budget(which, request):
    executed = request.getfixturevalue(which)
    table, advice = pd.read_parquet(executed.table("churn.parquet")), executed.findings["decision"]["text"]
    chosen = table["decision"].eq("contact").sum()
    assert chosen <= executed_budget(which) * len(table)
    assert set(table["decision"]) <= {"contact", "leave alone"} and set(table["basis"]) == {"test"}
    assert advice.startswith("Contact nobody") == (chosen == 0)
    assert (executed.metrics["contact_profit"]["value"] == 0) == (chosen == 0)
    lists = next(rows for title, rows in executed.shown.items() if title.startswith("What each list earns"))
    assert lists["Nobody"]["Expected profit"] in ("€0", "€0.00")


def executed_budget(which):
    return 0.3 if which == "default" else OTHERWISE["budget_share"]


@pytest.mark.parametrize(("which", "length"), [("default", "6 months"), ("other", "3 months")])
def test_no_churn_rate_stands_without_its_definition(which, length, request):
    executed = request.getfixturevalue(which)
    meaning = f"bought in the 12 months up to a day, and nothing in the {length} after it"
    assert meaning in executed.text
    for name in ("churn_rate", "expected_leavers"):
        assert f"churned: {meaning}" in executed.metrics[name]["definition"]
    told = [line for line in re.split(r"(?<=[.!?])\s|\n", executed.text) if "hurn rate" in line]
    heads = [line for line in told if line.startswith("Churned  ")]
    assert len(heads) == 1 and len(told) > 1
    assert all("definition" in line for line in told if line not in heads)
    assert all(
        words.startswith("no purchase ") for words in executed.shown["Other definitions, other numbers"]
    )
    assert f"in the next {length}" in executed.findings["headline"]


@pytest.mark.parametrize("which", ["default", "other"])
def test_nothing_is_shown_that_cannot_be_said(which, request):
    executed = request.getfixturevalue(which)
    assert not re.search(UNSAYABLE, executed.text)
    assert not executed.bundles("left_out")
    pages = "".join("".join(output.get("data", {}).get("text/html", "")) for output in executed.outputs)
    assert not re.search(r"\bNaN\b|&lt;NA&gt;|\bNaT\b", pages)


def test_the_saved_list_for_people_is_that_for_machines(default, saved):
    with default.table("churn.csv").open(newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    assert [row["customer_id"] for row in rows] == list(saved.index)
    assert [float(row["churn_probability"]) for row in rows] == pytest.approx(
        saved["churn_probability"].tolist()
    )
    assert not any(cell.startswith(("=", "+", "@", "\t")) for row in rows for cell in row.values())


# Another day, other parameters ------------------------------------------------------------------


def test_other_parameters_are_followed(other, purchases):
    table = pd.read_parquet(other.table("churn.parquet"))
    assert list(table["customer_id"]) == sorted(looked_at(purchases, EARLIER))
    assert "The outcome window: stated in the parameters." in other.text
    assert "What each list earns if a contact keeps 20% of those about to leave" in other.shown
    assert "save rate 20% (assumed)" in other.text
    lists = other.shown["What each list earns if a contact keeps 20% of those about to leave"]
    assert lists["Most likely to leave"]["Customers"] == f"{int(0.1 * len(table)):,}"


def test_what_happens_after_the_last_known_day_changes_no_number(run, other, tmp_path):
    """The same company with everything later cut from its files: the same table, figures and words."""
    duck = duckdb.connect()
    for path in DATA.glob("*.csv"):
        dated, later = DATED.get(path.stem), LATER.get(path.stem)
        keep = f"WHERE {dated} IS NULL OR {dated}[:10] <= '{EARLIER.date()}'" if dated else ""
        blank = (
            f"REPLACE (CASE WHEN {later} <= '{EARLIER.date()}' THEN {later} END AS {later})" if later else ""
        )
        duck.execute(
            f"COPY (SELECT * {blank} FROM read_csv('{path}', all_varchar = true) {keep}) TO '{tmp_path / path.name}' (HEADER)"
        )
    (tmp_path / "run.toml").write_text((DATA / "run.toml").read_text())
    cut = run(NAME, source=str(tmp_path / "run.toml"), **{**OTHERWISE, "as_of": ""})
    pd.testing.assert_frame_equal(*(pd.read_parquet(one.table("churn.parquet")) for one in (cut, other)))
    assert cut.metrics == other.metrics
    for name in ("headline", "findings", "decision"):
        assert cut.findings[name] == other.findings[name]


@pytest.mark.parametrize(
    ("wrong", "kind", "said"),
    [
        ({"save_rate": 0}, "ParameterError", ("save_rate", "from 0.001 to 0.999")),
        ({"budget_share": 0}, "ParameterError", ("budget_share", "from 0.01 to 1")),
        ({"outcome_days": -1}, "ParameterError", ("outcome_days", "from 0")),
        ({"outcome_days": 5000}, "ParameterError", ("outcome_days", "730")),
        ({"outcome_days": 730}, "TooLittleData", ("days of data", "windows", "shorter windows")),
    ],
)
def test_parameters_out_of_range_are_refused_in_one_sentence(run, wrong, kind, said):
    with pytest.raises(papermill.PapermillExecutionError) as error:
        run(NAME, **wrong)
    assert error.value.ename == kind
    for part in (*said, *(str(value) for value in wrong.values())):
        assert part in error.value.evalue
    assert (
        "Found: " in error.value.evalue
        and "Expected: " in error.value.evalue
        and "What to do: " in error.value.evalue
    )


# The committed notebooks ------------------------------------------------------------------------


def test_the_solutions_are_right_for_other_parameters_too(run):
    solved = run(f"solutions/{NAME}", outcome_days=91, as_of="2026-03-15", offer_cost=2.0)
    assert [output["data"]["text/plain"] for output in solved.outputs] == ["Right."] * 3


@pytest.mark.parametrize("path", [f"notebooks/{NAME}.ipynb", f"notebooks/solutions/{NAME}.ipynb"])
def test_the_committed_outputs_are_those_of_a_fresh_run(path, comes_out_again, request):
    """The notebook finds the lifetime values that stand beside it; its solutions need none."""
    beside = [request.getfixturevalue("valued")] if "solutions" not in path else ()
    comes_out_again(path, beside)
