"""Maximum profit: the published case, every cut tried by hand, and numeric integration as a second computation."""

import itertools

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from scipy.integrate import quad

from crmlib.analysis.targeting.campaign_terms import OfferTerms
from crmlib.analysis.targeting.maximum_profit import MEASURES, maximum_profit, profit_by_share
from crmlib.analysis.targeting.save_rate import SaveRate
from crmlib.errors import DataError, ParameterError, TooLittleData

OTHER = OfferTerms(60, 8, 2, SaveRate(0.25, 12))


def people(size):
    return pd.Index([f"C{i:05d}" for i in range(size)], name="customer_id")


def case(churned, scores):
    index = people(len(churned))
    return pd.Series(churned, index, dtype=bool), pd.Series(scores, index, dtype=float, name="score")


def drawn(seed=1, size=300, digits=None, share=0.3):
    rng = np.random.default_rng(seed)
    churned = rng.random(size) < share
    scores = np.clip(rng.normal(0.3 + 0.2 * churned, 0.2), 0, 1)
    return case(churned, scores if digits is None else np.round(scores, digits))


def measured(churned, scores, terms=None):
    return maximum_profit(churned, scores, terms, n_resamples=0).values.loc["score"]


def profits_of_cuts(churned, scores, rate, terms):
    """Profit per customer of every cut of the ordered customers that does not part equal scores, nobody first."""
    found = [0.0]
    for cut in sorted(set(scores), reverse=True):
        chosen = (scores >= cut).to_numpy()
        leavers, stayers = (chosen & churned.to_numpy()).sum(), (chosen & ~churned.to_numpy()).sum()
        kept = leavers * (rate * (terms.value - terms.offer_cost) - terms.contact_cost)
        found.append((kept - stayers * (terms.offer_cost + terms.contact_cost)) / len(churned))
    return np.array(found)


def test_the_published_case():
    """Example of the documentation of empulse, which follows Verbraken, Verbeke & Baesens (2013)."""
    found = measured(*case([0, 1] * 4, [0.1, 0.2, 0.3, 0.4, 0.5, 0.7, 0.8, 0.9]))
    assert found["profit"] == pytest.approx(23.875) and found["share"] == pytest.approx(0.875)
    assert found["expected_profit"] == pytest.approx(23.8755934183, abs=1e-9)
    assert found["expected_share"] == pytest.approx(0.8743700763, abs=1e-9)
    assert found["threshold"] == 0.2


@pytest.mark.parametrize("seed, digits", [(1, None), (2, 2), (3, 1)])
@pytest.mark.parametrize("terms", [OfferTerms(), OTHER])
def test_the_maximum_is_that_of_all_cuts(seed, digits, terms):
    churned, scores = drawn(seed, digits=digits)
    found = measured(churned, scores, terms)
    cuts = profits_of_cuts(churned, scores, terms.save_rate.mean, terms)
    assert found["profit"] == pytest.approx(cuts.max())
    assert found["share"] == pytest.approx((scores >= found["threshold"]).mean())
    assert found["everyone"] == pytest.approx(cuts[-1])


@pytest.mark.parametrize("seed, digits", [(1, None), (2, 1)])
@pytest.mark.parametrize("terms", [OfferTerms(), OTHER, OfferTerms(40, 15, 0, SaveRate(0.6, 5))])
def test_the_expected_maximum_agrees_with_numeric_integration(seed, digits, terms):
    churned, scores = drawn(seed, 60, digits)
    density = stats.beta(terms.save_rate.alpha, terms.save_rate.beta).pdf
    rates = np.linspace(0, 1, 20_001)
    best = np.array([profits_of_cuts(churned, scores, rate, terms).max() for rate in (0.0, 1.0)])
    lines = np.array([profits_of_cuts(churned, scores, rate, terms) for rate in (0.0, 1.0)])
    every = (lines[0][:, None] * (1 - rates) + lines[1][:, None] * rates).max(
        axis=0
    )  # cuts are linear in the rate
    assert every[[0, -1]] == pytest.approx(best)
    expected = np.trapezoid(every * density(rates), rates)
    assert measured(churned, scores, terms)["expected_profit"] == pytest.approx(expected, rel=1e-5)


def test_integration_by_quadrature_on_the_published_case():
    churned, scores = case([0, 1] * 4, [0.1, 0.2, 0.3, 0.4, 0.5, 0.7, 0.8, 0.9])
    density = stats.beta(6, 14).pdf
    value, _ = quad(
        lambda rate: profits_of_cuts(churned, scores, rate, OfferTerms()).max() * density(rate),
        0,
        1,
        limit=500,
    )
    assert measured(churned, scores)["expected_profit"] == pytest.approx(value, abs=1e-6)


def test_a_save_rate_that_is_known_makes_both_measures_one():
    churned, scores = drawn()
    found = measured(churned, scores, OfferTerms(60, 8, 2, SaveRate(0.25, np.inf)))
    assert found["expected_profit"] == pytest.approx(found["profit"])
    assert found["expected_share"] == pytest.approx(found["share"])


def test_doubt_about_the_save_rate_is_worth_money_to_who_can_adapt():
    churned, scores = drawn(size=1000)
    values = [
        measured(churned, scores, OfferTerms(60, 8, 2, SaveRate(0.25, strength)))["expected_profit"]
        for strength in (2, 12, 200, np.inf)
    ]
    assert values == sorted(values, reverse=True)


def test_nobody_is_contacted_when_no_cut_pays():
    found = measured(*drawn(), OfferTerms(11, 10, 5, SaveRate(0.1, np.inf)))
    assert found["profit"] == found["share"] == found["expected_profit"] == found["perfect"] == 0
    assert np.isnan(found["threshold"]) and found["everyone"] < 0


def test_everyone_is_contacted_when_contacts_cost_nothing():
    churned, scores = drawn()
    found = measured(churned, scores, OfferTerms(100, 0, 0))
    assert found["profit"] == pytest.approx(found["everyone"]) == found["perfect"]
    assert found["profit"] == pytest.approx(0.3 * 100 * churned.mean())


def test_a_perfect_score_earns_the_perfect_profit():
    churned, _ = drawn()
    found = measured(churned, churned.astype(float).rename("score"))
    assert found["profit"] == pytest.approx(found["perfect"]) and found["share"] == pytest.approx(
        churned.mean()
    )
    rate = OfferTerms().save_rate.mean
    assert found["perfect"] == pytest.approx(churned.mean() * (rate * 190 - 1))


def test_equal_scores_are_contacted_together_or_not_at_all():
    churned, _ = drawn()
    found = measured(churned, pd.Series(0.5, churned.index, name="score"), OTHER)
    assert found["share"] in (0.0, 1.0) and found["profit"] == pytest.approx(max(found["everyone"], 0))


def test_only_the_order_of_scores_counts_but_for_the_threshold():
    churned, scores = drawn(digits=2)
    found, bent = (
        measured(churned, scores, OTHER),
        measured(churned, np.exp(3 * scores).rename("score"), OTHER),
    )
    same = ["profit", "share", "expected_profit", "expected_share", "everyone", "perfect"]
    pd.testing.assert_series_equal(found[same], bent[same])
    assert bent["threshold"] == pytest.approx(np.exp(3 * found["threshold"])) and np.isnan(
        bent["at_break_even"]
    )


def test_names_order_of_rows_and_currency_change_nothing_else():
    churned, scores = drawn(digits=2)
    found = maximum_profit(churned, scores, OTHER, n_resamples=0).values
    mixed = scores.sample(frac=1, random_state=3)
    again = maximum_profit(churned.reindex(mixed.index), mixed, OTHER, n_resamples=0).values
    pd.testing.assert_frame_equal(found, again)
    cents = maximum_profit(churned, scores, OfferTerms(6000, 800, 200, OTHER.save_rate), n_resamples=0).values
    money = ["profit", "expected_profit", "at_break_even", "everyone", "perfect"]
    np.testing.assert_allclose(cents[money], 100 * found[money])
    np.testing.assert_allclose(cents[["share", "threshold"]], found[["share", "threshold"]])


def test_probabilities_that_come_true_earn_nearly_the_maximum_at_break_even():
    rng = np.random.default_rng(7)
    chance = rng.beta(1, 3, 40_000)
    churned, scores = case(rng.random(40_000) < chance, chance)
    found = measured(churned, scores, OTHER)
    assert 0 <= found["profit"] - found["at_break_even"] < 0.02 * found["profit"]
    assert found["threshold"] == pytest.approx(OTHER.break_even_probability(), abs=0.05)
    wrong = measured(churned, (scores / 3).rename("score"), OTHER)
    assert wrong["profit"] == pytest.approx(found["profit"])
    assert wrong["at_break_even"] < 0.9 * found["at_break_even"]


def test_profit_at_break_even_by_hand():
    churned, scores = case([0, 1] * 4, [0.1, 0.15, 0.17, 0.4, 0.5, 0.7, 0.8, 0.9])
    # Break-even is 0.1642: six are contacted, three of them leave.
    assert measured(churned, scores)["at_break_even"] == pytest.approx((3 * (57 - 1) - 3 * 11) / 8)


def test_corners_follow_each_other_and_hold_the_whole_chance():
    churned, scores = drawn(size=2000)
    corners = maximum_profit(churned, scores, OTHER, n_resamples=0).corners["score"]
    assert corners["chance"].sum() == pytest.approx(1)
    assert corners["share"].is_monotonic_increasing and corners["threshold"].iloc[1:].is_monotonic_decreasing
    np.testing.assert_allclose(corners["from_rate"].iloc[1:], corners["to_rate"].iloc[:-1])
    assert corners["from_rate"].iloc[0] == 0 and corners["to_rate"].iloc[-1] == 1
    for _, row in corners.iloc[1:].iterrows():
        assert (scores >= row["threshold"]).mean() == pytest.approx(row["share"])


def test_at_the_ends_of_a_corner_its_neighbours_earn_the_same():
    churned, scores = drawn(size=500)
    corners = maximum_profit(churned, scores, OTHER, n_resamples=0).corners["score"]

    def earned(row, rate):
        gone, stayed = row["leavers"] * churned.mean(), row["stayers"] * (1 - churned.mean())
        return rate * 52 * gone - 2 * gone - 10 * stayed

    for (_, one), (_, other) in itertools.pairwise(corners.iterrows()):
        assert earned(one, one["to_rate"]) == pytest.approx(earned(other, one["to_rate"]), abs=1e-9)


# Intervals


def test_intervals_hold_the_estimate_and_come_again_with_the_seed():
    churned, scores = drawn(size=800)
    found = maximum_profit(churned, scores, seed=4)
    again = maximum_profit(churned, scores, seed=4)
    pd.testing.assert_frame_equal(found.table, again.table)
    table = found.table.drop(index=[("score", "threshold")])
    assert ((table["low"] <= table["value"]) & (table["value"] <= table["high"])).all()
    wide = maximum_profit(churned, scores, seed=4, level=0.99).table.loc[("score", "expected_profit")]
    own = found.table.loc[("score", "expected_profit")]
    assert wide["low"] < own["low"] and wide["high"] > own["high"]


def test_a_draw_is_the_measure_of_the_customers_drawn():
    """The interval of a bootstrap made the slow way: frames of drawn customers, measured one by one."""
    churned, scores = drawn(size=200, digits=1)
    rng = np.random.default_rng([9, 200])
    slow = []
    for _ in range(20):
        times = np.bincount(rng.integers(0, 200, 200), minlength=200)
        place = np.repeat(np.arange(200), times)
        slow.append(measured(*case(churned.to_numpy()[place], scores.to_numpy()[place]), OTHER))
    found = maximum_profit(churned, scores, OTHER, n_resamples=20, seed=9)
    for name in ("profit", "share", "threshold", "expected_profit", "expected_share", "at_break_even"):
        np.testing.assert_allclose(found.resampled[name]["score"], [float(one[name]) for one in slow])


def test_customers_seen_on_several_days_are_drawn_with_all_of_them():
    churned, scores = drawn(size=400)
    days = pd.concat(dict.fromkeys(("a", "b", "c"), churned), names=["day"])
    thrice = pd.concat(dict.fromkeys(("a", "b", "c"), scores), names=["day"])
    once, found = (
        maximum_profit(churned, scores, seed=2),
        maximum_profit(days, thrice.rename("score"), seed=2),
    )
    pd.testing.assert_frame_equal(once.table, found.table)
    assert found.customers == 400


def test_methods_are_compared_on_the_same_draws():
    churned, scores = drawn(size=1500)
    rng = np.random.default_rng(8)
    frame = pd.DataFrame({"good": scores, "same": 2 * scores, "noise": rng.random(1500)}, index=scores.index)
    found = maximum_profit(churned, frame, OTHER)
    value, low, high = found.difference("expected_profit", "good", "noise")
    assert 0 < low < value < high
    assert found.difference("expected_profit", "good", "same") == (0.0, 0.0, 0.0)
    assert found.values.columns.tolist() == list(MEASURES) and found.values.index.tolist() == list(
        frame.columns
    )


def test_bad_input_is_refused():
    churned, scores = drawn()
    with pytest.raises(TooLittleData, match="0 of 300"):
        measured(churned & False, scores)
    with pytest.raises(TooLittleData, match="300 of 300"):
        measured(churned | True, scores)
    with pytest.raises(DataError, match="indexed"):
        measured(churned, scores.iloc[::-1])
    with pytest.raises(DataError, match="without a score 'score'"):
        measured(churned, scores.where(scores > 0.3))
    with pytest.raises(ParameterError, match="n_resamples"):
        maximum_profit(churned, scores, n_resamples=5)


# By share


def test_profit_by_share_passes_through_the_cuts():
    churned, scores = drawn(size=100)
    scores = scores.rank(method="first")
    curve = profit_by_share(churned, scores, OTHER)
    np.testing.assert_allclose(curve["profit"], profits_of_cuts(churned, scores, 0.25, OTHER), atol=1e-12)
    assert curve["profit"].max() == pytest.approx(measured(churned, scores, OTHER)["profit"])
    assert (curve["low"] <= curve["profit"]).all() and (curve["profit"] <= curve["high"]).all()


def test_equal_scores_make_a_straight_line():
    churned, _ = drawn()
    curve = profit_by_share(churned, pd.Series(0.4, churned.index), points=11)["profit"]
    np.testing.assert_allclose(curve.diff().iloc[1:], curve.iloc[-1] / 10)
