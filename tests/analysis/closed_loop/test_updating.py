"""What is believed of actions: by hand, against a published synthesis, and closer to the truth with every list."""

import numpy as np
import pandas as pd
import pytest

from crmlib.analysis.actions.rates import prior_rates, update_rates
from crmlib.analysis.closed_loop.updating import between_variance, update
from crmlib.errors import DataError, ParameterError

# Trials of the vaccine BCG: cases and others, vaccinated and not (Colditz et al. 1994, JAMA 271:698-702).
BCG = np.array([
    (4, 119, 11, 128), (6, 300, 29, 274), (3, 228, 11, 209), (62, 13536, 248, 12619), (33, 5036, 47, 5761),
    (180, 1361, 372, 1079), (8, 2537, 10, 619), (505, 87886, 499, 87892), (29, 7470, 45, 7232), (17, 1699, 65, 1600),
    (186, 50448, 141, 27197), (5, 2493, 3, 2338), (27, 16886, 29, 17825)], dtype=float)  # fmt: skip


def priors(**actions):
    return pd.DataFrame.from_dict(actions, orient="index", columns=["prior_mean", "prior_spread"])


def seen(*rows, gain=10.0):
    """Evidence from (list, action, rate, error of the rate)."""
    frame = pd.DataFrame(rows, columns=["list_id", "action", "effect", "error"])
    frame[["effect", "error"]] *= gain
    frame = frame.assign(gain=gain, cost=1.0, treated=100, control=40)
    frame["source"] = "list " + frame["list_id"]
    return frame.set_index(["list_id", "action"])


def test_published_between_variance_of_dersimonian_and_laird():
    """Viechtbauer 2010, Journal of Statistical Software 36(3): tau2 0.3088 for log relative risks."""
    a, b, c, d = BCG.T
    effect = np.log(a / (a + b)) - np.log(c / (c + d))
    variance = 1 / a - 1 / (a + b) + 1 / c - 1 / (c + d)
    assert between_variance(effect, variance, np.zeros(13)) == pytest.approx(0.3088, abs=5e-5)
    twice = between_variance(
        np.tile(effect, 2) + np.repeat([0, 9], 13), np.tile(variance, 2), np.repeat([1, 2], 13)
    )
    assert twice == pytest.approx(0.3088, abs=5e-5)


def test_estimates_that_differ_by_less_than_chance_differ_by_nothing():
    assert between_variance(np.array([1.0, 1.1]), np.ones(2), np.zeros(2)) == 0.0
    assert between_variance(np.array([1.0, 9.0]), np.ones(2), np.array([1, 2])) == 0.0


def test_one_list_and_one_assumption_weigh_by_their_precision():
    found = update(priors(save=(0.1, 0.05)), seen(("may", "save", 0.3, 0.1))).table.loc["save"]
    assert found["mean"] == pytest.approx((0.1 / 0.05**2 + 0.3 / 0.1**2) / (1 / 0.05**2 + 1 / 0.1**2))
    assert found["spread"] == pytest.approx((1 / 0.05**2 + 1 / 0.1**2) ** -0.5, rel=1e-5)
    assert found["weight"] == pytest.approx(0.2) and found["lists"] == 1


def test_it_is_what_the_rates_of_actions_become_where_assumptions_are_not_alike():
    """The same numbers on another way: one row of evidence per action, put to the assumption by precision."""
    menu = prior_rates().loc[["save", "up-sell", "win back"]]
    rows = seen(("april", "save", 0.11, 0.05), ("may", "save", 0.09, 0.04), ("may", "up-sell", 0.04, 0.01))
    found = update(menu, rows, alike=0.0)
    rates = update_rates(menu, found.evidence)
    np.testing.assert_allclose(
        found.table[["mean", "spread"]], rates[["mean", "spread"]].astype(float), rtol=2e-5
    )
    assert rates.loc["save", "sources"] == "list april, list may"


def test_months_that_differ_beyond_chance_make_an_action_less_sure():
    steady = update(priors(save=(0.1, 0.05)), seen(("a", "save", 0.2, 0.01), ("b", "save", 0.2, 0.01)))
    shaky = update(priors(save=(0.1, 0.05)), seen(("a", "save", 0.1, 0.01), ("b", "save", 0.3, 0.01)))
    assert steady.between_months == 0.0
    # Seen with one degree of freedom, beside four by which months were said not to differ.
    months = (0.2**2 / 2 - 0.01**2) / 5
    assert shaky.between_months * 0.05 == pytest.approx(np.sqrt(months), rel=1e-4)
    assert shaky.table.loc["save", "spread"] > 3 * steady.table.loc["save", "spread"]
    assert shaky.evidence.loc["save", "error"] == pytest.approx(
        10 * np.sqrt((0.01**2 + months) / 2), rel=1e-4
    )


def test_an_action_that_falls_short_makes_the_others_doubtful_as_far_as_they_are_alike():
    both = priors(save=(0.10, 0.05), up=(0.04, 0.02))
    rows = seen(("may", "save", 0.0, 0.001))
    assert update(both, rows, alike=0.0).table.loc["up", "mean"] == 0.04
    found = update(both, rows, alike=0.5).table
    # Save is known to be two of its spreads below what was assumed; of up, half as many are expected.
    assert found.loc["up", "mean"] == pytest.approx(0.04 - 0.5 * 2 * 0.02, rel=1e-3)
    assert found.loc["up", "spread"] == pytest.approx(0.02 * np.sqrt(1 - 0.25), rel=1e-3)
    assert found.loc["up", "lists"] == 0


def test_assumptions_that_were_too_sure_of_themselves_count_less():
    names = dict.fromkeys("abcd", (0.1, 0.01))
    far = seen(
        *(("may", name, rate, 0.01) for name, rate in zip("abcd", (0.0, 0.2, 0.05, 0.15), strict=True))
    )
    near = seen(*(("may", name, 0.1, 0.01) for name in "abcd"))
    assert update(priors(**names), near).between_actions ** 2 == pytest.approx(0.75)
    found = update(priors(**names), far)
    deviations = np.array([-10.0, 10.0, -5.0, 5.0])
    seen_apart = deviations @ deviations / 3 - 1
    assert found.between_actions**2 == pytest.approx((4 * 0.75 + 3 * seen_apart) / 7, rel=1e-4)
    assert found.table.loc["a", "weight"] > 0.95 > update(priors(**names), near).table.loc["a", "weight"]
    assert found.table.loc["a", "mean"] < 0.005


def test_evidence_from_the_same_customers_counts_less():
    rows = seen(("a", "save", 0.2, 0.05), ("b", "save", 0.2, 0.05))
    shared = pd.DataFrame(np.full((2, 2), 0.9 * 0.5**2) + np.eye(2) * 0.1 * 0.5**2, rows.index, rows.index)
    alone = update(priors(save=(0.1, 0.05)), rows).table.loc["save"]
    found = update(priors(save=(0.1, 0.05)), rows, shared).table.loc["save"]
    assert found["weight"] < alone["weight"] and found["mean"] < alone["mean"]
    one = update(priors(save=(0.1, 0.05)), rows.iloc[:1]).table.loc["save"]
    assert one["weight"] < found["weight"]


def test_with_every_month_the_interval_narrows_and_holds_the_truth():
    """60 companies, each with its own true rates drawn from what is assumed, and twelve months."""
    rng = np.random.default_rng(8)
    inside = []
    for _ in range(60):
        truth = {"save": rng.normal(0.1, 0.05), "up": rng.normal(0.04, 0.02)}
        rows = [
            (f"{m:02d}", name, rng.normal(rate, 0.05), 0.05)
            for m in range(12)
            for name, rate in truth.items()
        ]
        spreads = []
        for months in (1, 4, 12):
            found = update(priors(save=(0.1, 0.05), up=(0.04, 0.02)), seen(*rows[: 2 * months])).table
            spreads.append(found["spread"])
        assert (spreads[0] > spreads[2]).all()
        inside += [found.loc[n, "low"] < rate < found.loc[n, "high"] for n, rate in truth.items()]
    assert 0.89 <= np.mean(inside) <= 0.995


def test_nothing_seen_leaves_what_was_assumed():
    found = update(priors(save=(0.1, 0.05), up=(0.04, 0.02)), seen())
    assert found.table["mean"].tolist() == [0.1, 0.04] and found.table["weight"].tolist() == [0.0, 0.0]
    np.testing.assert_allclose(found.table["spread"], [0.05, 0.02])
    assert found.evidence.empty


def test_the_order_of_evidence_and_actions_changes_nothing():
    rows = seen(
        ("a", "save", 0.2, 0.05), ("b", "save", 0.1, 0.02), ("a", "up", 0.1, 0.02), ("a", "else", 0.1, 0.02)
    )
    both = priors(save=(0.1, 0.05), up=(0.04, 0.02))
    first, again = update(both, rows), update(both.iloc[::-1], rows.iloc[::-1])
    pd.testing.assert_frame_equal(first.table, again.table.loc[["save", "up"]])
    assert "else" not in first.table.index


def test_the_same_evidence_twice_is_refused():
    rows = seen(("a", "save", 0.2, 0.05))
    with pytest.raises(DataError, match="evidence of a on save that stands twice"):
        update(priors(save=(0.1, 0.05)), pd.concat([rows, rows]))


@pytest.mark.parametrize("change", [{"error": 0.0}, {"gain": -1.0}, {"effect": np.nan}, {"error": np.inf}])
def test_evidence_that_is_no_number_is_refused(change):
    with pytest.raises(DataError, match="evidence of a on save without"):
        update(priors(save=(0.1, 0.05)), seen(("a", "save", 0.2, 0.05)).assign(**change))


@pytest.mark.parametrize("wrong", [{"alike": 1.0}, {"alike": -0.1}, {"level": 0.0}])
def test_parameters_out_of_range_are_refused(wrong):
    with pytest.raises(ParameterError):
        update(priors(save=(0.1, 0.05)), seen(), **wrong)
    with pytest.raises(DataError):
        update(priors(save=(0.1, 0.0)), seen())
