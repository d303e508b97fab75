"""Clusters against RFM: the verdict follows what is true of drawn customers, whichever method that favours."""

import datetime as dt

import numpy as np
import pandas as pd
import pytest

from crmlib.analysis.period import Period
from crmlib.analysis.segments.against_rfm import METHODS, against_rfm, picked
from crmlib.analysis.segments.period_pairs import Pair
from crmlib.errors import DataError, ParameterError, TooLittleData

LAST = Period.ending(dt.date(2026, 6, 30), 12)
#: Columns on which the customers below lie in three groups.
APART = {"frequency": "log", "money": "log", "web_share": "plain"}


def _few(features):
    """Much from those who bought lately for little, which no named cell of RFM tells apart."""
    lately, little = (features[name] < features[name].quantile(0.2) for name in ("recency_days", "money"))
    return 500.0 * (lately & little).to_numpy()


def pair(truth, size=700, seed=1, period=LAST):
    """Customers whose next profit follows a truth: kind (hidden to RFM), money, or nothing at all."""
    rng = np.random.default_rng([seed, size])
    kind = rng.integers(0, 3, size)
    frequency = np.maximum(rng.poisson(4, size), 1)
    money = rng.gamma(4, 25, size)
    features = pd.DataFrame(
        {
            "recency_days": rng.integers(0, 365, size),
            "frequency": frequency,
            "money": money,
            "web_share": kind / 2 + rng.normal(0, 0.02, size),
        },
        index=[f"K{number:04d}" for number in rng.permutation(size)],
    )
    expected = {
        "kind": np.array([0.0, 400, 50])[kind],
        "money": money,
        "scores": _few(features),
        "chance": np.full(size, 100.0),
    }[truth]
    later = pd.Series(expected + rng.normal(0, 40, size), features.index)
    return Pair(features, later, period.previous(), period)


def both(truth, **options):
    return pair(truth, seed=1, **options), pair(truth, seed=2, period=LAST.previous(), **options)


def test_groups_that_rfm_cannot_see_are_worth_their_clusters():
    later, earlier = both("kind")
    found = against_rfm(later, earlier, {"web_share": "plain"}, k=3, draws=200)
    assert (found.winner, found.use, found.clusters_against_rfm) == ("clusters", "clusters", "better")
    spread = np.var([0, 400, 50])
    assert found.scores.loc["clusters", "r2"] == pytest.approx(spread / (spread + 40**2), abs=0.03)
    low, high = found.scores.loc["clusters", ["r2_low", "r2_high"]]
    assert low < spread / (spread + 40**2) < high
    assert abs(found.scores.loc["rfm_cells", "r2"]) < 0.05
    assert found.differences.loc[("rfm_cells", "r2"), "low"] > 0.5
    assert found.scores.loc["clusters", "groups"] == 3 and found.scores.loc["money_fifths", "groups"] == 5


def test_clusters_are_held_against_the_better_rfm():
    later, earlier = both("scores")
    found = against_rfm(later, earlier, k=4, draws=200)
    assert (found.winner, found.use, found.rfm, found.clusters_against_rfm) == (*["rfm_scores"] * 3, "worse")
    assert found.scores.loc["rfm_scores", "groups"] > 80
    cells = against_rfm(*both("kind"), {"web_share": "plain"}, k=3, draws=50)
    better = cells.scores.loc[["rfm_cells", "rfm_scores"], "r2"].idxmax()
    assert cells.rfm == better == "rfm_cells"


def test_where_profit_repeats_itself_the_simple_rule_is_the_one_to_use():
    later, earlier = both("money")
    found = against_rfm(later, earlier, k=4, draws=200)
    assert found.use == "last_money" and found.winner in ("last_money", "line")
    assert (
        found.differences.xs("r2", level="measure").loc["last_money", ["clusters_less", "high"]] < 0
    ).all()
    assert found.scores.loc["last_money", "r2"] == pytest.approx(50**2 / (50**2 + 40**2), abs=0.06)


def test_where_nothing_foretells_profit_one_mean_is_the_one_to_use():
    later, earlier = both("chance")
    found = against_rfm(later, earlier, APART, k=3, draws=200)
    assert (found.use, found.clusters_against_rfm) == ("one_mean", "no difference beyond chance")
    assert found.scores.loc["one_mean", ["r2", "top_tenth", "top_fifth"]].tolist() == pytest.approx(
        [0, 0.1, 0.2]
    )


def test_clusters_can_be_worse_than_rfm_and_it_is_said():
    later, earlier = both("money")
    found = against_rfm(later, earlier, {"web_share": "plain"}, k=3, draws=200)
    assert found.clusters_against_rfm == "worse"


@pytest.mark.parametrize("folded", [False, True])
def test_neither_rows_nor_names_nor_the_currency_decide(folded):
    later, earlier = both("kind", size=300)

    def shuffled(one):
        rows = np.random.default_rng(3).permutation(len(one.later))
        names = [f"X{number}" for number in range(len(rows))]
        features = one.features.iloc[rows].set_axis(names)
        return Pair(features, one.later.iloc[rows].set_axis(names), one.known, one.next)

    def richer(one):
        return Pair(one.features.assign(money=one.features["money"] * 8), one.later * 8, one.known, one.next)

    sides = (later, None) if folded else (later, earlier)
    first = against_rfm(*sides, APART, k=3, draws=50)
    assert first.learned_on == ("folds of customers" if folded else "earlier pair")
    for change in (shuffled, richer):
        again = against_rfm(*(one and change(one) for one in sides), APART, k=3, draws=50)
        pd.testing.assert_frame_equal(first.scores, again.scores, rtol=1e-4, atol=1e-5)
        assert (first.winner, first.use) == (again.winner, again.use)


def test_folds_come_to_the_same_verdict_and_compare_nobody_between_folds():
    later, _ = both("kind")
    found = against_rfm(later, None, {"web_share": "plain"}, k=3, draws=100)
    assert (found.winner, found.clusters_against_rfm) == ("clusters", "better")
    # One mean ranks nobody, though its means differ from fold to fold.
    assert found.scores.loc["one_mean", "top_tenth"] == pytest.approx(0.1, abs=1e-6)


def test_folds_never_learn_from_those_they_are_tried_on():
    """Profit that is pure chance cannot be foretold, however many clusters there are."""
    later, _ = both("chance", size=200)
    found = against_rfm(later, None, APART, k=40, draws=50)
    assert found.scores.loc["clusters", "r2"] < 0.05


def test_a_few_giants_are_set_aside_for_the_usual_customer():
    later, earlier = both("chance")
    money = later.features["money"].copy()
    money.iloc[:7] = -90_000.0
    future = later.later.copy()
    future.iloc[:7] = -90_000.0
    found = against_rfm(
        Pair(later.features.assign(money=money), future, later.known, later.next), earlier, draws=50
    )
    assert found.scores.loc["last_money", "r2"] > 0.99
    assert found.scores.loc["last_money", "r2_usual"] < 0.2
    # Altogether a loss: no share of it can be named.
    assert np.isnan(found.scores.loc["clusters", "top_tenth"])


def test_a_segment_nobody_was_in_before_expects_the_mean_of_all():
    later, earlier = both("money", size=300)
    few = earlier.features["money"] > earlier.features["money"].quantile(0.3)
    part = Pair(earlier.features[few], earlier.later[few], earlier.known, earlier.next)
    found = against_rfm(later, part, draws=20)
    assert found.scores[["r2", "top_tenth"]].notna().all().all()


def test_the_later_customers_are_put_on_the_scale_of_the_earlier_ones():
    """Were they put on their own, two of the three groups would be taken for others."""
    later, earlier = both("kind")
    few = later.features["web_share"] > 0.25
    part = Pair(later.features[few], later.later[few], later.known, later.next)
    found = against_rfm(part, earlier, {"web_share": "plain"}, k=3, draws=20)
    assert found.scores.loc["clusters", "r2"] > 0.8


def test_places_at_the_edge_are_shared():
    assert picked(np.array([1.0, 1, 1, 1]), 0.1).tolist() == pytest.approx([0.1] * 4)
    assert picked(np.array([3.0, 9, 3, 1, 0]), 0.4).tolist() == [0.5, 1, 0.5, 0, 0]
    values = np.random.default_rng(1).integers(0, 9, 40).astype(float)
    assert picked(values, 0.2).sum() == pytest.approx(8)
    assert picked(np.array([2.0]), 0.2).tolist() == pytest.approx([0.2])


def test_all_measures_of_all_methods_are_there_with_ends_around_them():
    later, earlier = both("money", size=300)
    found = against_rfm(later, earlier, draws=100)
    assert list(found.scores.index) == list(METHODS) and found.customers == 300
    for measure in ("r2", "r2_usual", "top_tenth", "top_fifth"):
        low, middle, high = (found.scores[f"{measure}{end}"] for end in ("_low", "", "_high"))
        assert ((low <= middle + 1e-6) & (middle <= high + 1e-6)).all()
    assert len(found.differences) == 4 * (len(METHODS) - 1)


def test_what_cannot_be_compared_is_refused():
    later, earlier = both("money", size=300)
    with pytest.raises(TooLittleData, match="30 customers"):
        against_rfm(pair("money", size=30))
    with pytest.raises(ParameterError, match="k = 1"):
        against_rfm(later, earlier, k=1)
    with pytest.raises(DataError, match="different customers"):
        against_rfm(Pair(later.features, later.later.iloc[::-1], later.known, later.next), earlier)
    with pytest.raises(DataError, match="no column visits"):
        against_rfm(later, earlier, {"visits": "log"})
    with pytest.raises(TooLittleData, match="same profit"):
        against_rfm(Pair(later.features, later.later * 0, later.known, later.next))
    with pytest.raises(TooLittleData, match="frequency = 1 for all"):
        same = later.features.assign(frequency=1)
        against_rfm(Pair(same, later.later, later.known, later.next), earlier)
