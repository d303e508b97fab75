"""What the audit finds in companies whose truth is known: drift of cohorts, who had left, what came next."""

import numpy as np
import pandas as pd
import pytest

from crmlib.analysis.audit.cohorts import by_age, with_intervals
from crmlib.analysis.audit.customer_days import customer_base
from crmlib.analysis.audit.next_period import rehearse
from crmlib.analysis.audit.two_periods import beside_chance, two_periods
from crmlib.analysis.audit.windows import Windows
from crmlib.analysis.ledger import order_lines
from crmlib.analysis.period import Period
from crmlib.intake import open_data
from crmlib.intake.simulate import simulate
from crmlib.intake.simulate.company import PARAMETERS

CUSTOMERS, MONTHS = 12_000, 120


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    """Return a function that draws ten years of Casa Verbena with a drift of the hazard: base and true traits."""
    place = tmp_path_factory.mktemp("drawn")

    def company(drift):
        with pytest.MonkeyPatch.context() as changed:
            changed.setitem(PARAMETERS, "cohort_drift_hazard", (drift, "changed for this test"))
            simulate(place / f"{drift}", CUSTOMERS, seed=1, months=MONTHS, format="parquet")
        data = open_data(place / f"{drift}", cache=place / "cache")
        windows = Windows.back_from(data.as_of, 3, data.first_day)
        base = customer_base(data.table, order_lines(data.orders, data.gross_margin), windows)
        truth = data.truth("customers").set_index("customer_id")
        truth["lifetime_end"] = pd.to_datetime(truth["lifetime_end"])
        return base, truth

    return company


@pytest.fixture(scope="module")
def verbena(drawn):
    drift = PARAMETERS["cohort_drift_hazard"][0]
    assert drift == 0.1
    return drawn(drift)


def implied(truth, age):
    """Probability of an order in a quarter of age, from a customer's true hazard and rate of purchase.

    With hazard h and rate r, and a quarter from a to e: who leaves within it orders before leaving or not, who
    stays to its end orders in it or not.
    """
    hazard, rate = truth["dropout_hazard_per_year"], truth["purchase_rate_per_year"]
    start, length, both = (age - 1) / 4, 0.25, hazard + rate
    leaves = 1 - np.exp(-hazard * length) - hazard / both * (1 - np.exp(-both * length))
    stays = np.exp(-hazard * length) * (1 - np.exp(-rate * length))
    return np.exp(-hazard * start) * (leaves + stays)


def change_per_year(share, customers):
    """Slope of a share over cohorts by quarter, the seasons set apart, with its standard error."""
    quarter, share = share.index.to_numpy(), share.to_numpy()
    weight = np.sqrt(customers.to_numpy() / (share * (1 - share)))
    rows = np.column_stack([*((quarter % 4 == season).astype(float) for season in range(4)), quarter / 4])
    rows = rows * weight[:, None]
    cover = np.linalg.inv(rows.T @ rows)
    return (cover @ rows.T @ (share * weight))[-1], np.sqrt(cover[-1, -1])


def found_and_implied(base, truth, age):
    there = with_intervals(by_age(base).xs(age, level="age"))
    cohort = base.members()["cohort"].reindex(truth.index)
    known = implied(truth, age).groupby(cohort).mean().reindex(there.index)
    slope, error = change_per_year(there["active_share"], there["customers"])
    return slope, error, change_per_year(known, there["customers"])[0], there, known


@pytest.mark.parametrize("age", [4, 8])
def test_later_cohorts_are_less_active_at_the_same_age_by_what_the_drift_implies(verbena, age):
    slope, error, true, there, known = found_and_implied(*verbena, age)
    assert true < -0.01  # a customer in a hundred fewer each year
    assert slope + 1.96 * error < 0
    assert abs(slope - true) < 1.96 * error
    assert abs(there["active_share"].mean() - known.mean()) < 0.03  # cards left at home, contacts, seasons
    half = len(there) // 2
    assert there["active_share"].iloc[:half].mean() > there["active_share"].iloc[-half:].mean() + 0.03


def test_without_drift_cohorts_differ_by_chance_only(drawn):
    base, truth = drawn(0.0)
    for age in (4, 8):
        slope, error, true, *_ = found_and_implied(base, truth, age)
        assert abs(true) < 0.002
        assert abs(slope) < 1.96 * error


@pytest.fixture(scope="module")
def years(verbena):
    """Nine years of the company, with everybody in them."""
    base, _ = verbena
    periods = [Period.ending(base.as_of, 12)]
    while len(periods) < 9:
        periods.insert(0, periods[0].previous())
    return periods, [base.customers_in(period) for period in periods]


def test_of_the_lost_most_had_left_and_of_those_who_had_left_none_is_retained(verbena, years):
    _, truth = verbena
    periods, customers = years
    for number in (2, 5, 8):
        now = periods[number]
        change = two_periods(customers[number - 1], customers[number], now.first).customers
        end = truth["lifetime_end"].reindex(change.index)
        lost = change["group"] == "lost"
        left_before, left = end < pd.Timestamp(now.first), end <= pd.Timestamp(now.last)
        assert 0.7 < left[lost].mean() < 0.9  # the others only happened not to buy
        assert not (left_before & (change["group"] == "retained")).any()
        was = change["orders_before"] > 0
        assert lost[was & left_before].all()


def test_what_goes_beyond_chance_is_about_the_share_that_had_left(verbena, years):
    """Who left before the second year is gone for certain; chance takes the same share of both hands."""
    base, truth = verbena
    periods, customers = years
    for number in (2, 5, 8):
        before, now = periods[number - 1], periods[number]
        change = two_periods(customers[number - 1], customers[number], now.first)
        table = beside_chance(base, change, before, now)
        there = change.customers
        old = there[(there["orders_before"] > 0) & ~(there["won_on"] >= pd.Timestamp(before.first))]
        left = (truth["lifetime_end"].reindex(old.index) < pd.Timestamp(now.first)).mean()
        beyond = table.loc["gone", "observed"] - table.loc["gone", "by_chance"]
        assert table.loc["gone", "customers"] == len(old)
        assert table.loc["gone", "observed_low"] > table.loc["gone", "by_chance"]
        assert abs(beyond - left) < 0.05


def test_the_forecast_of_a_year_held_what_came_in_most_years(years):
    """Six years, each from the years before it. Prices rise and cohorts get worse, so not all of them need hold."""
    periods, customers = years
    hits = 0
    for number in range(3, 9):
        window = slice(number - 3, number + 1)
        found = rehearse(customers[window], [period.first for period in periods[window]])
        hits += found.interval[0] <= found.actual <= found.interval[1]
        assert abs(found.expected / found.actual - 1) < 0.15
    assert hits >= 5
