"""Profit of a contact: by hand, against the model of one value, and intervals that keep what customers share."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from crmlib.analysis.targeting.campaign_terms import ContactTerms, OfferTerms
from crmlib.analysis.targeting.contact_profit import CONTACT, LEAVE, UNSURE, expected_profit
from crmlib.analysis.targeting.maximum_profit import maximum_profit
from crmlib.analysis.targeting.save_rate import MeasuredSaveRate, SaveRate
from crmlib.errors import DataError, ParameterError

KNOWN = SaveRate(0.25, np.inf)


def people(churn, value, **columns):
    index = pd.Index([f"C{i:04d}" for i in range(len(churn))], name="customer_id")
    return pd.DataFrame({"churn_probability": churn, "value": value}, index=index, dtype=float).assign(
        **columns
    )


def drawn(size=400, seed=1):
    rng = np.random.default_rng(seed)
    return people(rng.beta(1, 2, size), rng.gamma(2, 50, size))


def test_five_customers_by_hand():
    found = expected_profit(
        people([0.5, 0.1, 1.0, 0.0, 0.4], [100, 100, 20, 500, -50]), ContactTerms(2, 10, KNOWN, 0.5, 0.02)
    )
    # Kept: p * 0.25 * (v - 10). Lost: (1 - p) * (0.98 * 0.5 * 10 + 0.02 * v) + 2.
    expected = [
        0.5 * 0.25 * 90 - 0.5 * (4.9 + 2) - 2, 0.1 * 0.25 * 90 - 0.9 * 6.9 - 2, 0.25 * 10 - 2,
        -(4.9 + 10) - 2, 0.4 * 0.25 * -60 - 0.6 * (4.9 - 1) - 2,
    ]  # fmt: skip
    assert found.customers["profit"].tolist() == pytest.approx(expected)
    assert found.customers["verdict"].tolist() == [CONTACT, LEAVE, CONTACT, LEAVE, LEAVE]
    cost = [2 + 10 * (p * 0.25 + (1 - p) * 0.98 * 0.5) for p in (0.5, 0.1, 1.0, 0.0, 0.4)]
    assert found.customers["cost"].tolist() == pytest.approx(cost)
    assert found.options["customers"].to_dict() == {
        "nobody": 0,
        "everyone": 5,
        "expected gain": 2,
        "sure gain": 2,
    }
    assert found.options.loc["expected gain", "profit"] == pytest.approx(expected[0] + expected[2])
    assert found.best == "expected gain"


def test_everything_known_leaves_no_interval():
    found = expected_profit(drawn(), ContactTerms(2, 10, KNOWN))
    np.testing.assert_allclose(found.customers["low"], found.customers["profit"])
    np.testing.assert_allclose(found.customers["high"], found.customers["profit"])
    assert not (found.customers["verdict"] == UNSURE).any()
    assert set(found.customers["chance"]) == {0.0, 1.0}


def test_customers_of_one_value_are_the_model_of_maximum_profit():
    """Contacting the same customers at the mean save rate earns the same, worked out from leavers and stayers."""
    churned = people(np.resize([1, 0, 1, 1, 0], 200), 200)
    found = expected_profit(churned, ContactTerms(1, 10, SaveRate(0.3, 20)))
    outcome, score = (
        churned["churn_probability"] > 0,
        pd.Series(np.arange(200.0), churned.index, name="score"),
    )
    values = maximum_profit(outcome, score, OfferTerms(), n_resamples=0).values.loc["score"]
    assert found.options.loc["everyone", "profit"] == pytest.approx(200 * values["everyone"])
    assert found.options.loc["expected gain", "profit"] == pytest.approx(200 * values["perfect"])
    probability = OfferTerms().break_even_probability()
    edge = expected_profit(people([probability], [200]), ContactTerms(1, 10, SaveRate(0.3, 20)))
    assert edge.customers["profit"].iloc[0] == pytest.approx(0)
    assert (
        edge.customers["least_value"].iloc[0]
        == pytest.approx(OfferTerms().break_even_value(probability))
        == 200
    )


@pytest.mark.parametrize("terms", [ContactTerms(2, 10), ContactTerms(2, 10, SaveRate(0.4, 9), 0.5, 0.03)])
def test_at_the_break_even_rate_and_the_least_value_a_contact_earns_nothing(terms):
    base = drawn(60)
    found = expected_profit(base, terms)
    rates = found.customers["break_even_rate"]
    for customer, rate in rates[(rates > 0) & (rates < 1)].items():
        at = ContactTerms(2, 10, SaveRate(rate, np.inf), terms.acceptance, terms.annoyance)
        assert expected_profit(base.loc[[customer]], at).customers["profit"].iloc[0] == pytest.approx(
            0, abs=1e-9
        )
    reachable = base[np.isfinite(found.customers["least_value"])]
    at = reachable.assign(value=found.customers["least_value"])
    np.testing.assert_allclose(expected_profit(at, terms).customers["profit"], 0, atol=1e-9)
    assert len(reachable) > 20
    rate = found.options.loc["everyone", "break_even_rate"]
    even = ContactTerms(2, 10, SaveRate(rate, np.inf), terms.acceptance, terms.annoyance)
    assert expected_profit(base, even).options.loc["everyone", "profit"] == pytest.approx(0, abs=1e-8)


def test_who_cannot_be_worth_it_has_no_break_even():
    found = expected_profit(
        people([0.0, 0.5, 0.01], [100, 8, 100]), ContactTerms(2, 10, KNOWN, annoyance=0.1)
    )
    assert np.isinf(found.customers["break_even_rate"].iloc[:2]).all()
    assert np.isinf(found.customers["least_value"].iloc[[0, 2]]).all()


def test_the_interval_of_a_customer_is_that_of_the_save_rate():
    found = expected_profit(people([0.5], [100]), ContactTerms(2, 10, SaveRate(0.3, 20)), draws=50_000)
    ends = stats.beta(6, 14).ppf([0.025, 0.975])
    row = found.customers.iloc[0]
    assert [row["low"], row["high"]] == pytest.approx(0.5 * 90 * ends - 7, abs=0.2)
    assert row["chance"] == pytest.approx(stats.beta(6, 14).sf(7 / 45), abs=0.01)


def test_what_is_shared_does_not_average_out_over_a_list():
    one = expected_profit(people([0.5], [100]), ContactTerms(2, 10)).options.loc["everyone"]
    many = expected_profit(people([0.5] * 500, [100] * 500), ContactTerms(2, 10)).options.loc["everyone"]
    np.testing.assert_allclose(many[["profit", "low", "high"]], 500 * one[["profit", "low", "high"]])
    assert many["chance"] == one["chance"]


def test_what_is_each_customers_own_averages_out():
    frame = people([0.5] * 400, [100] * 400, value_low=50.0, value_high=150.0)
    found = expected_profit(frame, ContactTerms(2, 0, KNOWN), draws=2000)
    single = (found.customers["high"] - found.customers["low"]).mean()
    total = found.options.loc["everyone", "high"] - found.options.loc["everyone", "low"]
    assert total == pytest.approx(20 * single, rel=0.1)


def test_the_interval_of_the_total_holds_the_truth_as_often_as_it_says():
    """True save rates, levels of value and values of customers are drawn from what the inputs say."""
    rng = np.random.default_rng(3)
    base = drawn(150, 5)
    spread = 0.3 * base["value"]
    frame = base.assign(value_low=base["value"] - 1.96 * spread, value_high=base["value"] + 1.96 * spread)
    terms = ContactTerms(1, 3, SaveRate(0.3, 20), value_doubt=0.2)
    low, high = expected_profit(frame, terms, level=0.8, draws=4000).options.loc["everyone", ["low", "high"]]
    # The frame was read with the level of 0.8: bring the spread of the values back to what was meant.
    wide = stats.norm.ppf(0.9) / 1.96
    frame = base.assign(
        value_low=base["value"] - wide * 1.96 * spread, value_high=base["value"] + wide * 1.96 * spread
    )
    low, high = expected_profit(frame, terms, level=0.8, draws=4000).options.loc["everyone", ["low", "high"]]
    inside = []
    for _ in range(1500):
        rate, factor = rng.beta(6, 14), rng.lognormal(-np.log(1.04) / 2, np.sqrt(np.log(1.04)))
        value = factor * (base["value"] + spread * rng.standard_normal(150))
        risk = base["churn_probability"]
        inside.append(low < (risk * rate * (value - 3) - (1 - risk) * 3 - 1).sum() < high)
    assert np.mean(inside) == pytest.approx(0.8, abs=0.04)


def test_a_test_that_shows_nothing_leaves_the_verdict_open():
    assumed = expected_profit(drawn(), ContactTerms(2, 0, SaveRate(0.3, 200)))
    nothing = expected_profit(drawn(), ContactTerms(2, 0, MeasuredSaveRate(290, 1000, 300, 1000)))
    assert (assumed.customers["verdict"] == CONTACT).sum() > 200
    assert not (nothing.customers["verdict"] == CONTACT).any()
    assert nothing.options.loc["everyone", "low"] < 0 < nothing.options.loc["everyone", "high"]
    assert nothing.options.loc["sure gain", "customers"] == 0


def test_nobody_is_an_option_and_the_best_one_when_all_others_lose():
    found = expected_profit(drawn(), ContactTerms(500, 0))
    assert (
        found.best == "nobody" and (found.options.loc["nobody", ["cost", "profit", "low", "high"]] == 0).all()
    )
    assert found.options.loc["everyone", "profit"] < 0
    assert found.options.loc["expected gain", "customers"] == 0
    assert (found.options["profit"].max() == found.options["profit"]).loc["nobody"]


def test_more_annoyance_and_dearer_offers_never_earn_more():
    base = drawn()
    for field, values in (
        ("annoyance", (0, 0.01, 0.1)),
        ("offer_cost", (0, 5, 20)),
        ("contact_cost", (0, 2, 9)),
    ):
        found = [
            expected_profit(base, ContactTerms(**{"contact_cost": 1.0} | {field: value})).customers["profit"]
            for value in values
        ]
        assert (found[0] >= found[1]).all() and (found[1] >= found[2]).all()
    rising = [
        expected_profit(base, ContactTerms(1, 0, SaveRate(rate, 20))).customers["profit"]
        for rate in (0.1, 0.3)
    ]
    assert (rising[0] <= rising[1]).all()


def test_costs_of_customers_replace_those_of_the_terms():
    base = drawn()
    found = expected_profit(base.assign(contact_cost=2.0, offer_cost=10.0), ContactTerms(99, 99))
    pd.testing.assert_frame_equal(found.customers, expected_profit(base, ContactTerms(2, 10)).customers)


def test_knowing_the_save_rate_is_worth_what_it_changes():
    rate, value = SaveRate(0.3, 20), 30.0
    found = expected_profit(people([0.5], [value]), ContactTerms(4.0, 0, rate), draws=100_000)
    # Profit 15 s - 4.0: above 0 from a rate of 0.2667 on.
    least = 4 / 15
    gained = 15 * (0.3 - rate.mean_below(least)) - 4 * (1 - rate.below(least))
    assert found.worth_of_knowing_save_rate() == pytest.approx(gained - 0.5, abs=0.01)
    assert (
        expected_profit(people([0.5], [value]), ContactTerms(4.0, 0, KNOWN)).worth_of_knowing_save_rate() == 0
    )


def test_lists_of_ones_own_are_valued_with_the_same_draws():
    base = drawn()
    found = expected_profit(base, ContactTerms(2, 5))
    top = found.customers.index[found.customers["profit"] > 0]
    own = found.totals({"by name": top, "by mask": found.customers["profit"] > 0, "none": top[:0]})
    for name in ("by name", "by mask"):
        pd.testing.assert_series_equal(own.loc[name], found.options.loc["expected gain"], check_names=False)
    assert own.loc["none", "customers"] == 0 and np.isnan(own.loc["none", "break_even_rate"])
    with pytest.raises(DataError, match="X9 first"):
        found.totals({"strangers": pd.Index(["X9"])})


def test_a_seed_says_all_and_the_order_of_rows_nothing():
    base = drawn().assign(value_low=lambda f: 0.5 * f["value"], value_high=lambda f: 2 * f["value"])
    terms = ContactTerms(2, 5, risk_doubt=0.2, value_doubt=0.1)
    found = expected_profit(base, terms, seed=3)
    mixed = expected_profit(base.sample(frac=1, random_state=1), terms, seed=3)
    pd.testing.assert_frame_equal(mixed.customers.loc[base.index], found.customers)
    pd.testing.assert_frame_equal(mixed.options, found.options)
    other = expected_profit(base, terms, seed=4)
    pd.testing.assert_series_equal(other.customers["profit"], found.customers["profit"])
    assert not other.customers["low"].equals(found.customers["low"])


def test_the_currency_scales_money_alone():
    base = drawn()
    found, cents = (
        expected_profit(base, ContactTerms(2, 5)),
        expected_profit(base.assign(value=100 * base["value"]), ContactTerms(200, 500)),
    )
    money = ["value", "profit", "low", "high", "cost", "least_value"]
    np.testing.assert_allclose(cents.customers[money], 100 * found.customers[money])
    pd.testing.assert_series_equal(cents.customers["verdict"], found.customers["verdict"])


def test_no_customers_are_no_error():
    found = expected_profit(drawn().iloc[:0], ContactTerms(2, 5))
    assert found.best == "nobody" and (found.options["profit"] == 0).all() and len(found.customers) == 0


@pytest.mark.parametrize(
    "change, named",
    [
        ({"churn_probability": 1.2}, "churn_probability = 1.2"), ({"churn_probability": np.nan}, "churn_probability"),
        ({"value": np.nan}, "value"), ({"value": np.inf}, "value"), ({"value_low": 1.0}, "value_low alone"),
        ({"value_low": 1e6, "value_high": 2e6}, "value"), ({"churn_low": 0.0, "churn_high": 0.0}, "churn_probability"),
        ({"contact_cost": -1.0}, "contact_cost"),
    ],
)  # fmt: skip
def test_bad_customers_are_refused_by_name(change, named):
    with pytest.raises(DataError, match=named):
        expected_profit(drawn(5).assign(**change), ContactTerms(2, 5))


def test_bad_frames_and_options_are_refused():
    with pytest.raises(DataError, match="without value"):
        expected_profit(drawn()[["churn_probability"]], ContactTerms(2))
    with pytest.raises(DataError, match="stands twice, at 1 of 6 customers: C0000"):
        expected_profit(pd.concat([drawn(5), drawn(1)]), ContactTerms(2))
    with pytest.raises(ParameterError, match="draws = 10"):
        expected_profit(drawn(), ContactTerms(2), draws=10)
    with pytest.raises(ParameterError, match="level"):
        expected_profit(drawn(), ContactTerms(2), level=1.0)
