"""The notebook on churn on public files as downloaded, against plain arithmetic on the same files."""

import csv
import gzip
import os
import re
import tomllib
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest
from test_customer_base_on_public_files import cdnow, online_retail

MAPS = Path(__file__).parent.parent.parent / "data" / "maps"
NAME = "03_churn"
REAL = os.environ.get("CRMLIB_REAL_DATA")
UNSAYABLE = r"\bnan\b|\binf\b|(?<!Replace )\bNone\b|<NA>|NaT|[{}]|−[$£]?0(?![.,]?\d)"
# How to read the file, where it stands, its map, its last day, and the margin that the map assumes.
FILES = {
    "CDNOW": (cdnow, "cdnow/CDNOW_master.txt.gz", "cdnow.toml", "1998-06-30", 0.2),
    "UCI Online Retail": (
        online_retail, "online_retail/online_retail.csv.gz", "online_retail.toml", "2011-12-09", 0.4,
    ),
}  # fmt: skip


def execute(run, folder, place, name):
    if not REAL:
        pytest.skip("set CRMLIB_REAL_DATA to the folder of the public files")
    text = (MAPS / name).read_text(encoding="utf-8")
    run_file = folder / "run.toml"
    run_file.write_text(f"source = '{Path(REAL, place)}'\n{text}", encoding="utf-8")
    return run(NAME, source=str(run_file), **tomllib.loads(text).get("notebooks", {}).get(NAME, {}))


@pytest.fixture(scope="module", params=FILES)
def public(request, run, tmp_path_factory):
    """The run on a public file of orders, without lifetime values, and the days on which somebody bought."""
    read, place, name, last, margin = FILES[request.param]
    executed = execute(run, tmp_path_factory.mktemp("map"), place, name)
    lines = read()
    days = lines.groupby(["who", "day"])["net"].sum().round(4).reset_index()
    return SimpleNamespace(
        executed=executed, lines=lines, bought=days[days["net"] > 0], last=pd.Timestamp(last), margin=margin,
        table=pd.read_parquet(executed.table("churn.parquet")).set_index("customer_id"),
    )  # fmt: skip


def length(words):
    number, unit = re.fullmatch(r"(\d+) (day|week|month)s?", words).groups()
    return int(int(number) * {"day": 1, "week": 7, "month": 365.25 / 12}[unit])


def windows(executed):
    """Eligibility and outcome window, in days, as the page defines them."""
    said = re.search(
        r"bought in the ([\w ]+?) up to a day, and nothing in the ([\w ]+?) after it", executed.text
    )
    return length(said[1]), length(said[2])


def who_bought(bought, after, until):
    return set(bought.loc[(bought["day"] > after) & (bought["day"] <= until), "who"])


def left(public, day):
    """Customers looked at on a day, and those without a purchase in the window after it."""
    eligible, outcome = (pd.Timedelta(days=days) for days in windows(public.executed))
    before = who_bought(public.bought, day - eligible, day)
    return before, before - who_bought(public.bought, day, day + outcome)


def test_days(public):
    """The days of the test: back from the last by half an outcome window, or by a whole one where the page says so."""
    said = re.search(
        r"tested on ([\d,]+) customers on (\d+) days?, the last (\d+ \w+ \d+)", public.executed.text
    )
    last, outcome = pd.to_datetime(said[3], format="%d %B %Y"), windows(public.executed)[1]
    learned = re.search(r"corrected on (\d+ \w+ \d+), tested", public.executed.text)[1]
    assert last == public.last - pd.Timedelta(days=outcome)
    steps = [
        [last - pd.Timedelta(days=step * back) for back in range(int(said[2]))]
        for step in (-(-outcome // 2), outcome)
    ]
    corrected = pd.to_datetime(learned, format="%d %B %Y")
    return [days for days in steps if days[-1] > corrected], int(said[1].replace(",", ""))


test_days.__test__ = False


def test_scored_is_whoever_bought_in_the_window_up_to_the_last_day(public):
    assert set(public.table.index) == left(public, public.last)[0]
    assert public.table["churn_probability"].between(0, 1).all()


def test_the_churn_rate_is_that_of_the_test_days_of_the_file(public):
    rate, (laid, customers) = public.executed.metrics["churn_rate"], test_days(public)
    counted = [[left(public, day) for day in days] for days in laid]
    sizes = [sum(len(before) for before, _ in one) for one in counted]
    (own,) = [one for one, size in zip(counted, sizes, strict=True) if size == customers][:1]
    gone = sum(len(one) for _, one in own)
    assert rate["value"] == pytest.approx(gone / customers, abs=1e-6)
    assert f"{gone / customers:.0%} of them stayed away" in public.executed.text
    assert "churned: bought in the" in rate["definition"]


def test_value_at_risk_falls_back_to_the_margin_on_the_sales_looked_back(public):
    """Without lifetime values: the assumed margin on net sales, the part off that comes back, carried to a year."""
    table, metrics = public.table, public.executed.metrics
    assert metrics["value_at_risk"]["value"] == pytest.approx(table["value_at_risk"].sum(), abs=0.05)
    assert metrics["expected_leavers"]["value"] == pytest.approx(table["churn_probability"].sum(), rel=1e-5)
    at_risk = table["churn_probability"] * table["worth_if_kept"]
    assert table["value_at_risk"].to_numpy() == pytest.approx(at_risk.to_numpy(), rel=1e-4, abs=2e-3)
    fits = []
    for months in range(1, 13):
        since = public.last - pd.Timedelta(days=int(months * 365.25 / 12))
        looked_back = public.lines[(public.lines["day"] > since) & (public.lines["day"] <= public.last)]
        sales = looked_back.groupby("who")["net"].sum().reindex(table.index, fill_value=0.0)
        margin = public.margin * sales * 12 / months
        ratio = (table["worth_if_kept"] / margin)[margin.abs() > 20]
        fits.append(ratio.max() - ratio.min() < 1e-3 and 0.5 < ratio.mean() <= 1)
    assert sum(fits) == 1


def test_without_contacts_the_design_of_a_test_is_shown(public):
    executed = public.executed
    assert "A test would tell." in executed.text
    parts = {one["part"] for one in executed.bundles("left_out")}
    assert {"what contacts changed", "how long contracts last"} <= parts
    assert set(public.table["basis"]) == {"assumption"}
    assert "Nobody" in next(
        rows for title, rows in executed.shown.items() if title.startswith("What each list")
    )
    assert not re.search(UNSAYABLE, executed.text) and "€" not in executed.text.replace("(EUR)", "")


# Contracts alone --------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def telco(run, tmp_path_factory):
    executed = execute(
        run, tmp_path_factory.mktemp("telco"), "telco_ibm/Telco-Customer-Churn.csv.gz", "telco_ibm.toml"
    )
    with gzip.open(Path(REAL, "telco_ibm", "Telco-Customer-Churn.csv.gz"), "rt", newline="") as stream:
        rows = list(csv.DictReader(stream))
    return SimpleNamespace(
        executed=executed,
        rows=rows,
        table=pd.read_parquet(executed.table("churn.parquet")).set_index("customer_id"),
    )


def still_running(rows, months, plan=None):
    """Kaplan-Meier by plain loops over the rows of the file; 11 customers without a month say nothing."""
    watched = [(int(row["tenure"]), row["Churn"] == "Yes") for row in rows if plan in (None, row["Contract"])]
    share = 1.0
    for month in range(1, months + 1):
        at_risk = sum(age >= month for age, _ in watched)
        share *= 1 - sum(age == month and ended for age, ended in watched) / at_risk
    return share


def test_telco_has_the_customers_and_ends_of_its_file(telco):
    ended = sum(row["Churn"] == "Yes" for row in telco.rows)
    young = sum(row["tenure"] == "0" for row in telco.rows)
    assert (len(telco.rows), ended, young) == (7043, 1869, 11)
    assert set(telco.table.index) == {row["customerID"] for row in telco.rows if row["Churn"] == "No"}
    assert "Left out: 11 contracts" in telco.executed.text


def test_telco_survives_the_first_months_as_plain_loops_say(telco):
    table = telco.executed.shown["Survival of contracts by hand"]
    assert list(table) == ["1", "2", "3", "4", "5"]
    for age, row in table.items():
        assert row["Running before"] == f"{sum(int(one['tenure']) >= int(age) for one in telco.rows):,}"
        assert row["Still running"] == f"{still_running(telco.rows, int(age)):.1%}"


def test_telco_s_churn_rate_is_one_less_the_survival_of_a_year_with_its_definition(telco):
    """All ends of the file fall into its last month, so a rate of the last year would be no such thing."""
    rate = telco.executed.metrics["churn_rate"]
    assert rate["value"] == pytest.approx(1 - still_running(telco.rows, 12), abs=1e-6)
    assert rate["low"] < rate["value"] < rate["high"]
    assert "ended within 12 months of its beginning" in rate["definition"]
    assert "27%" not in rate["text"] and rate["value"] != pytest.approx(1869 / 7043, abs=0.05)


def test_telco_s_customers_are_scored_by_age_and_plan_and_worth_their_fees(telco):
    by_id = {row["customerID"]: row for row in telco.rows}
    worth = [0.4 * 12 * float(by_id[who]["MonthlyCharges"]) for who in telco.table.index]
    assert telco.table["worth_if_kept"].to_numpy() == pytest.approx(worth, rel=1e-5)
    at_risk = telco.table["churn_probability"] * worth
    assert telco.executed.metrics["value_at_risk"]["value"] == pytest.approx(at_risk.sum(), rel=1e-4)
    # New customers of a month each have the chance to end within a year that the curve of their plan shows.
    for plan in ("Month-to-month", "One year", "Two year"):
        mine = [
            who for who in telco.table.index if by_id[who]["Contract"] == plan and by_id[who]["tenure"] == "1"
        ]
        expected = 1 - still_running(telco.rows, 13, plan) / still_running(telco.rows, 1, plan)
        assert telco.table.loc[mine, "churn_probability"].to_numpy() == pytest.approx(expected, abs=0.02)
        assert telco.table.loc[mine, "why"].str.contains(plan).all()


def test_telco_says_what_contracts_cannot_answer(telco):
    executed = telco.executed
    assert "leaving is the end of a contract here" in executed.text
    parts = {one["part"] for one in executed.bundles("left_out")}
    assert {"churn by silence", "who will fall silent", "what contacts changed"} <= parts
    assert "expected to end their contract" in executed.findings["headline"]
    assert not re.search(UNSAYABLE, executed.text)
