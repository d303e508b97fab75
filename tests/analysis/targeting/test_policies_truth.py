"""Policies carried out in truth: by hand, by carrying the contacts out, and on the bundled company."""

from datetime import date

import numpy as np
import pandas as pd
import pytest

from crmlib.analysis.targeting.policies_truth import (
    PERFECT,
    TrueEffects,
    compare_policies,
    true_gains,
)
from crmlib.errors import DataError, ParameterError
from crmlib.intake import open_data

AS_OF, EFFECTS = date(2026, 1, 1), TrueEffects(extra_orders=0.3, leaves=0.16)


def truth_of(size=600, seed=1):
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "customer_id": [f"C{i:04d}" for i in range(size)],
            "contact_class": rng.choice(["persuadable", "sleeping dog", "unmoved"], size, p=[0.3, 0.1, 0.6]),
            "lifetime_end": (pd.Timestamp("2025-10-01") + pd.to_timedelta(rng.integers(0, 1500, size), "D")).astype(str),
            "purchase_rate_per_year": rng.gamma(2, 2, size), "mean_order_value": rng.gamma(4, 12, size),
            "gross_margin": np.where(np.arange(size) % 9 == 0, np.nan, 0.45), "dropout_hazard_per_year": 0.4,
        }
    )  # fmt: skip


@pytest.fixture(scope="module")
def gains():
    return true_gains(truth_of(), EFFECTS, AS_OF, months=12)


@pytest.fixture(scope="module")
def scores(gains):
    rng = np.random.default_rng(2)
    return pd.DataFrame({"lot": rng.random(len(gains)), "value": gains["remaining"]}, gains.index)


def test_nobody_earns_nothing_and_the_all_knowing_most(gains, scores):
    for places in (0, 50, None):
        table = compare_policies(scores, gains, 1.4, contacts=places).table
        assert (table.loc["nobody", ["contacts", "gained", "lost", "cost", "profit"]] == 0).all()
        assert (table["short"] >= -1e-9).all() and table.loc[PERFECT, "short"] == 0
        assert (table["profit"] - (table["gained"] - table["lost"] - table["cost"])).abs().max() < 1e-9


def test_the_all_knowing_contacts_only_those_who_bring_more_than_they_cost(gains, scores):
    table = compare_policies(scores, gains, 1.4).table
    worth = gains["gained"] - gains["lost"] - 1.4
    assert table.loc[PERFECT, "profit"] == pytest.approx(worth.clip(lower=0).sum())
    assert table.loc[PERFECT, ["sleeping_dogs", "gone"]].tolist() == [0, 0]
    assert table.loc["everyone", "profit"] == pytest.approx(worth.sum())
    dear = compare_policies(scores, gains, 1e6)
    assert dear.table.loc[PERFECT, "contacts"] == 0 and dear.best == "nobody" and dear.distance == 0
    assert np.isnan(dear.table.loc["lot", "of_perfect"])


def test_expected_profit_is_the_mean_of_contacts_carried_out(gains, scores):
    """Draw orders and leaving anew, as the simulation does, and add up the money."""
    table = compare_policies(scores, gains, 1.4, contacts=200).table
    chosen = scores["value"].rank(ascending=False) <= 200
    own = gains[chosen]
    rng, alive = np.random.default_rng(3), own["there"].to_numpy()
    kind, total = own["contact_class"].to_numpy(), []
    for _ in range(1500):
        extra = rng.poisson(0.3, 200) * (alive & (kind == "persuadable"))
        left = (rng.random(200) < 0.16) & alive & (kind == "sleeping dog")
        total.append((extra * own["order_margin"]).sum() - (left * own["remaining"]).sum() - 1.4 * 200)
    assert np.mean(total) == pytest.approx(
        table.loc["value", "profit"], abs=4 * np.std(total) / np.sqrt(1500)
    )


def test_remaining_value_is_bounded_by_horizon_life_and_discount():
    truth = truth_of(50)
    far, near, dear = (
        true_gains(truth, EFFECTS, AS_OF, **options)["remaining"]
        for options in ({}, {"months": 6}, {"annual_rate": 0.1})
    )
    assert (near <= far + 1e-12).all() and (dear <= far + 1e-12).all()
    own = truth.set_index("customer_id").loc["C0001"]
    days = (pd.Timestamp(own["lifetime_end"]) - pd.Timestamp(AS_OF)).days
    yearly = own["purchase_rate_per_year"] * own["mean_order_value"] * 0.45
    assert far["C0001"] == pytest.approx(yearly * max(days, 0) / 365.25)
    assert near["C0001"] == pytest.approx(yearly * min(max(days, 0) / 365.25, 0.5))
    assert dear["C0001"] == pytest.approx(yearly * (1 - 1.1 ** (-max(days, 0) / 365.25)) / np.log(1.1))


def test_the_gone_bring_and_lose_nothing():
    truth = truth_of().assign(lifetime_end="2025-12-31")
    found = true_gains(truth, EFFECTS, AS_OF)
    assert not found["there"].any() and (found[["remaining", "gained", "lost"]] == 0).all().all()


def test_places_cost_and_limits_are_kept(gains, scores):
    table = compare_policies(scores, gains, 2.0, contacts=100, above={"value": 30.0}).table
    assert table.loc["lot", "contacts"] == 100 and table.loc["random", "cost"] == pytest.approx(200)
    assert table.loc["value", "contacts"] == min((scores["value"] > 30).sum(), 100)
    assert table.loc["everyone", "contacts"] == len(gains), "everyone is everyone, whatever the places"


def test_the_order_of_customers_changes_nothing(gains, scores):
    mixed = compare_policies(scores.sample(frac=1, random_state=1), gains.iloc[::-1], 1.4, contacts=77).table
    pd.testing.assert_frame_equal(mixed, compare_policies(scores, gains, 1.4, contacts=77).table)


def test_what_cannot_be_is_refused(gains, scores):
    with pytest.raises(DataError, match="contact class 'angry'"):
        true_gains(truth_of().assign(contact_class="angry"), EFFECTS, AS_OF)
    with pytest.raises(DataError, match="persuadable_extra_orders"):
        TrueEffects.of(pd.DataFrame({"name": ["other"], "value": ["1"]}))
    with pytest.raises(DataError, match="a policy called nobody"):
        compare_policies(scores.rename(columns={"lot": "nobody"}), gains, 1.0)
    with pytest.raises(DataError, match="limit for uplift"):
        compare_policies(scores, gains, 1.0, above={"uplift": 0.0})
    with pytest.raises(DataError, match="no customer with a score"):
        compare_policies(scores.set_axis([f"X{i}" for i in range(len(scores))]), gains, 1.0)
    for options in ({"contact_cost": -1.0}, {"contact_cost": 1.0, "contacts": -1}):
        with pytest.raises(ParameterError, match="contact_cost"):
            compare_policies(scores, gains, **options)
    with pytest.raises(ParameterError, match="months = 0"):
        true_gains(truth_of(), EFFECTS, AS_OF, months=0)


def test_on_the_bundled_company_the_truth_adds_up_to_the_campaigns_told():
    """Extra orders of all contacts made: truth of the campaigns, expected from classes of those still there."""
    data = open_data("bundled", "")
    effects, truth = TrueEffects.of(data.truth("parameters")), data.truth("customers")
    assert effects == TrueEffects(0.3, 0.16)
    contacts = data.table("contacts").filter(lambda t: t.arm == "treatment").execute()
    expected = 0.0
    for day, rows in contacts.groupby("contacted_on"):
        found = true_gains(truth, effects, pd.Timestamp(day).date(), months=6)
        own = found.reindex(rows["customer_id"])
        expected += 0.3 * (own["there"] & (own["contact_class"] == "persuadable")).sum()
    happened = data.truth("campaigns")["extra_orders"].sum()
    assert happened == pytest.approx(expected, abs=4 * np.sqrt(expected))
