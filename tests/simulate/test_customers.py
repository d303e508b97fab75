import numpy as np
import pytest

from crmlib.intake.simulate.company import BOTH, CONTRACT, KIND_SHARES, RESELLER, WEB
from crmlib.intake.simulate.company import constant as c
from crmlib.intake.simulate.customers import cohort_hazard, draw_people, kinds_of
from crmlib.intake.simulate.partners import CARRIERS, RESELLERS


def test_kinds_come_in_exact_shares():
    count = np.bincount(kinds_of(np.random.default_rng(1), 2000), minlength=len(KIND_SHARES))
    assert count.tolist() == [round(share * 2000) for share in KIND_SHARES]


def test_same_stream_same_customers():
    kind = kinds_of(np.random.default_rng(1), 500)
    one, two = (draw_people(np.random.default_rng(2), kind, None) for _ in range(2))
    assert all((one[name] == two[name]).all() for name in one)


def test_performance_falls_with_failed_deliveries_and_the_weak_carrier(chunk):
    people = chunk.people
    web = people["kind"] == WEB
    means = [people["performance"][web & (people["carrier"] == k)].mean() for k in range(len(CARRIERS))]
    assert np.argmin(means) == np.argmax([carrier.late for carrier in CARRIERS])
    failing = web & (people["failed_delivery_share"] > 0.2)
    assert people["performance"][failing].mean() < people["performance"][web & ~failing].mean() - 0.5


def test_performance_falls_with_the_weak_reseller(chunk):
    people = chunk.people
    means = [people["performance"][people["reseller"] == r].mean() for r in range(len(RESELLERS))]
    assert np.argmin(means) == np.argmin([quality for *_, quality in RESELLERS])
    assert (people["reseller"][people["kind"] != RESELLER] == -1).all()


def test_satisfaction_rises_with_performance_and_falls_with_expectation(chunk):
    people = chunk.people
    terms = np.column_stack([np.ones(people["kind"].size), people["performance"], people["expectation"]])
    _, performance, expectation = np.linalg.lstsq(terms, people["satisfaction"], rcond=None)[0]
    assert performance > 0.6
    assert expectation < -0.4


def test_disappointment_weighs_more_than_delight(chunk):
    people = chunk.people
    gap = people["performance"] - people["expectation"]
    inner = (people["satisfaction"] > 1.2) & (people["satisfaction"] < 9.8)

    def slope(where):
        return np.polyfit(gap[where & inner], people["satisfaction"][where & inner], 1)[0]

    assert slope(gap < 0) > slope(gap > 0) + 0.1


def test_satisfied_customers_live_longer(chunk):
    people = chunk.people
    new = (people["acquired"] >= 0) & (people["kind"] != CONTRACT)
    life = people["lifetime_end"] - people["acquired"]
    happy, unhappy = new & (people["satisfaction"] > 8), new & (people["satisfaction"] < 6)
    assert np.median(life[happy]) > 1.5 * np.median(life[unhappy])


def test_later_cohorts_leave_a_little_sooner(chunk, window):
    drift = cohort_hazard(np.array([-1000.0, 0.0, 365.25, 730.5]))
    assert drift == pytest.approx(np.exp(c("cohort_drift_hazard") * np.array([0, 0, 1, 2])))


def test_whom_the_window_finds_is_loyal_above_average(chunk):
    people = chunk.people
    households = people["kind"] != CONTRACT
    old, new = households & (people["acquired"] < 0), households & (people["acquired"] >= 0)
    assert (people["lifetime_end"][old] >= 0).all()
    assert people["hazard"][old].mean() < 0.75 * people["hazard"][new].mean()


def test_lifetimes_are_exponential_given_the_hazard(chunk):
    people = chunk.people
    new = people["acquired"] >= 0
    scaled = (people["lifetime_end"] - people["acquired"])[new] / 365.25 * people["hazard"][new]
    # mean 1; contacts cut a few short
    assert scaled.mean() == pytest.approx(1, abs=0.06)


def test_members_were_better_customers_before_they_joined(chunk):
    people = chunk.people
    member = np.isfinite(people["club_joined"])
    households = people["kind"] != CONTRACT
    assert people["rate"][member].mean() > 1.3 * people["rate"][households & ~member].mean()
    assert not member[people["kind"] == CONTRACT].any()


def test_heterogeneity_is_gamma_as_stated(chunk):
    plain = (chunk.people["kind"] == BOTH) & (chunk.people["entry"] == 0)
    rate = chunk.people["rate"][plain]
    assert rate.var() / rate.mean() ** 2 == pytest.approx(1 / c("purchase_rate_shape"), rel=0.25)


def test_costly_customers_are_a_fifth_of_the_contract_customers(chunk):
    people = chunk.people
    contract = people["kind"] == CONTRACT
    assert people["costly"][~contract].sum() == 0
    assert people["costly"].sum() / contract.sum() == pytest.approx(c("costly_contract_share"), abs=0.03)


def test_wallets_hold_what_is_spent_here(chunk):
    people = chunk.people
    here = people["rate"] * people["order_value"]
    assert (people["wallet"] >= here).all()
    assert here / people["wallet"] == pytest.approx(people["wallet_share"])
