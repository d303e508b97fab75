"""The best list within limits, held against every list there is on small cases, and against its bound on large ones."""

import itertools

import numpy as np
import pandas as pd
import pytest

from crmlib.analysis.actions.choice import best_actions, choose_actions
from crmlib.analysis.actions.expected import expected_profit
from crmlib.analysis.actions.options import Options
from crmlib.analysis.actions.rates import prior_rates, update_rates
from crmlib.errors import DataError, ParameterError


def of_all_lists(options, limits):
    """The most that any list earns, by trying every one of them."""
    most = 0.0
    groups = [[None, *own.index] for _, own in options.groupby("customer")]
    for picked in itertools.product(*groups):
        own = options.loc[[row for row in picked if row is not None]]
        if all(own[name].sum() <= limit + 1e-9 for name, limit in limits.items()):
            most = max(most, own["profit"].sum())
    return most


def drawn(rng, rows, customers, digits=2):
    return pd.DataFrame({
        "customer": rng.integers(0, customers, rows), "profit": np.round(rng.normal(4, 6, rows), digits),
        "money": np.round(rng.uniform(0, 5, rows), 1), "calls": rng.integers(0, 2, rows).astype(float),
    })  # fmt: skip


@pytest.mark.parametrize("seed", range(25))
def test_no_list_earns_more(seed):
    rng = np.random.default_rng(seed)
    options = drawn(rng, int(rng.integers(1, 12)), 5, int(rng.integers(0, 3)))
    limits = {"money": float(np.round(rng.uniform(0, 8), 1)), "calls": float(rng.integers(0, 4))}
    found, most = best_actions(options, limits), of_all_lists(options, limits)
    assert found.profit == pytest.approx(most, abs=1e-9)
    assert found.bound >= most - 1e-6


@pytest.mark.parametrize("alike", [False, True])
def test_a_large_list_keeps_the_limits_and_is_near_its_bound(alike):
    rng = np.random.default_rng(3)
    options = drawn(rng, 9000, 3000)
    if alike:  # equal customers all change their mind at the same price
        options = options.assign(profit=options["profit"].round(), money=3.0)
    limits = {"money": 1000.0, "calls": 60.0}
    found = best_actions(options, limits)
    own = options[found.chosen]
    assert not own["customer"].duplicated().any() and (own["profit"] > 0).all()
    assert (found.limits["used"] <= found.limits["available"] + 1e-6).all()
    assert own["profit"].sum() == pytest.approx(found.profit)
    # At most one customer is split for each limit, and a split one is worth no more than the best.
    assert found.short_at_most <= 2 * options["profit"].max()
    assert found.short_at_most < 0.002 * found.profit


def test_the_order_of_rows_changes_nothing():
    rng = np.random.default_rng(4)
    options = drawn(rng, 600, 200, 1)
    mixed = options.sample(frac=1, random_state=1)
    limits = {"money": 90.0, "calls": 10.0}
    one, other = best_actions(options, limits), best_actions(mixed, limits)
    assert one.profit == pytest.approx(other.profit, rel=1e-9)
    names = ["customer", "profit", "money", "calls"]
    first = options[one.chosen].sort_values(names)[names].reset_index(drop=True)
    pd.testing.assert_frame_equal(first, mixed[other.chosen].sort_values(names)[names].reset_index(drop=True))


def test_a_shadow_price_is_what_one_more_unit_earns():
    rng = np.random.default_rng(5)
    options = drawn(rng, 3000, 1000).assign(calls=0.0)
    less, more = (best_actions(options, {"money": money}) for money in (200.0, 210.0))
    assert (more.profit - less.profit) / 10 == pytest.approx(less.limits.loc["money", "worth"], rel=0.03)
    free = best_actions(options, {"money": np.inf})
    assert free.limits.loc["money", "worth"] == 0 and free.short_at_most == 0


def test_without_limits_everybody_gets_the_best_that_earns():
    options = pd.DataFrame({"customer": ["B", "A", "B", "C"], "profit": [2.0, 1.0, 3.0, 0.0]})
    found = best_actions(options, {})
    assert found.chosen.tolist() == [False, True, True, False]
    assert found.left_out == 0 and found.bound == found.profit == 4.0


@pytest.mark.parametrize(
    ("options", "limits", "because"),
    [
        (
            [("A", 5.0, 3.0)],
            {"money": 0.0},
            "There is not enough money for any action that is expected to earn something.",
        ),
        (
            [("A", -5.0, 3.0)],
            {"money": 9.0},
            "No action is expected to earn more than it costs with any customer.",
        ),
        ([], {"money": 9.0}, "No customer is eligible for any action that could be valued."),
    ],
)
def test_an_empty_list_says_why(options, limits, because):
    frame = pd.DataFrame(options, columns=["customer", "profit", "money"]).astype(
        {"profit": float, "money": float}
    )
    found = best_actions(frame, limits)
    assert not found.chosen.any() and found.profit == 0 and found.nothing_because == because
    # where not even one option fits, one more unit has no price
    assert found.limits["worth"].isna().all() == because.startswith("There is not enough")


def test_what_is_left_out_is_counted():
    options = pd.DataFrame({"customer": [1, 2, 3], "profit": [3.0, 2.0, 1.0], "calls": 1.0})
    found = best_actions(options, {"calls": 2.0})
    assert found.left_out == 1 and found.nothing_because == ""


def test_numbers_that_make_no_sense_are_refused():
    options = pd.DataFrame({"customer": [1], "profit": [1.0], "money": [-1.0]})
    with pytest.raises(DataError, match="money = -1"):
        best_actions(options, {"money": 1.0})
    with pytest.raises(ParameterError, match="money = -2"):
        best_actions(options.assign(money=1.0), {"money": -2.0})
    with pytest.raises(DataError, match="without calls"):
        best_actions(options, {"calls": 1.0})
    with pytest.raises(DataError, match="without a profit"):
        best_actions(options.assign(profit=np.nan, money=1.0), {"money": 1.0})


def test_what_is_not_worth_doing_is_not_chosen_however_large_its_profit():
    """A tested action needs a sure gain: here the expected one is above 0 and the interval is not."""
    offers = {"save": pd.DataFrame({"gain": [100.0, 60.0], "cost": 3.0}, index=["A", "B"])}
    seen = pd.DataFrame({"effect": [0.09], "error": 0.04, "gain": 1.0}, index=["save"])
    options = Options.of(pd.Index(["A", "B"]), offers)
    found = choose_actions(expected_profit(options, update_rates(prior_rates(), seen)), {"money": 100.0})
    assert not found.chosen.any() and "No action is expected to earn" in found.nothing_because
    untested = choose_actions(expected_profit(options, prior_rates()), {"money": 100.0, "calls": 0.0})
    assert untested.chosen.all() and untested.limits.loc["money", "used"] == 6.0


def test_customers_worth_the_same_are_drawn_by_lot_and_not_by_name():
    ids = pd.Index([f"C{n:03d}" for n in range(60)])
    offers = {"save": pd.DataFrame({"gain": 100.0, "cost": 3.0}, index=ids)}
    profit = expected_profit(Options.of(ids, offers), prior_rates())
    drawn = {}
    for seed in range(40):
        chosen = choose_actions(profit, {"money": 60.0}, seed).chosen
        assert chosen.sum() == 20
        drawn[seed] = chosen
    assert (choose_actions(profit, {"money": 60.0}, 3).chosen == drawn[3]).all()
    often = np.mean(list(drawn.values()), axis=0)
    # Forty draws of a third: within four standard errors of it, the first by name no more often than the last.
    assert (np.abs(often - 1 / 3) < 4 * np.sqrt(2 / 9 / 40)).all()
    assert abs(often[:30].mean() - often[30:].mean()) < 0.1


def test_new_terms_need_no_budget():
    offers = {"reprice": pd.DataFrame({"gain": [100.0], "cost": 30.0}, index=["A"])}
    found = choose_actions(
        expected_profit(Options.of(pd.Index(["A"]), offers), prior_rates()), {"money": 0.0, "calls": 0}
    )
    assert found.chosen.tolist() == [True]
