"""Lists within a budget: against every subset of small lists, and by what a shadow price promises."""

import numpy as np
import pandas as pd
import pytest

from crmlib.analysis.targeting.budget import best_list, by_budget
from crmlib.errors import DataError, ParameterError


def people(profit, cost, ids=None):
    return pd.DataFrame(
        {"profit": profit, "cost": cost}, index=ids or [f"C{i:02d}" for i in range(len(profit))]
    )


def best_of_all(frame, budget, places):
    """The best profit of any subset that keeps to the limits."""
    subsets = (np.arange(2 ** len(frame))[:, None] >> np.arange(len(frame))) & 1
    fits = (subsets @ frame["cost"].to_numpy() <= budget + 1e-12) & (subsets.sum(axis=1) <= places)
    return float((subsets[fits] @ frame["profit"].to_numpy()).max())


@pytest.mark.parametrize("seed", range(25))
def test_no_subset_beats_the_bound_and_the_list_is_within_one_contact_of_the_best(seed):
    rng = np.random.default_rng(seed)
    frame = people(rng.normal(3, 4, 9).round(1), rng.choice([0.0, 1, 2, 2.5, 4], 9))
    budget, places = float(rng.choice([0, 1, 3, 6, 12])), int(rng.integers(0, 10))
    found, truth = best_list(frame, budget, places), best_of_all(frame, budget, places)
    assert found.cost <= budget + 1e-9 and len(found.chosen) <= places
    assert found.profit <= truth + 1e-9 <= found.bound + 2e-9
    assert truth - found.profit <= found.short_at_most + 1e-9
    assert found.short_at_most <= 2 * frame["profit"].clip(lower=0).max() + 1e-9
    assert (found.chosen["profit"] > 0).all()
    assert found.profit == pytest.approx(frame.loc[found.chosen.index, "profit"].sum())
    assert found.left_out == (frame["profit"] > 0).sum() - len(found.chosen)


@pytest.mark.parametrize("seed", range(10))
def test_with_equal_costs_the_list_is_the_best_there_is(seed):
    rng = np.random.default_rng(seed)
    frame = people(rng.normal(1, 4, 12), [2.0] * 12)
    for budget in (0, 2, 5, 8, 100):
        assert best_list(frame, budget).profit == pytest.approx(best_of_all(frame, budget, 12))
        assert best_list(frame, places=budget).profit == pytest.approx(best_of_all(frame, 1e9, budget))


def test_without_limits_everybody_with_a_gain_is_on_the_list_best_return_first():
    found = best_list(people([5.0, -1.0, 8.0, 0.0, 3.0], [1.0, 1, 4, 1, 0]))
    assert found.chosen.index.tolist() == ["C04", "C00", "C02"]
    assert found.chosen["rank"].tolist() == [1, 2, 3]
    assert found.chosen["cost_so_far"].tolist() == [0, 1, 5]
    assert (found.profit, found.bound, found.worth_of_money, found.left_out) == (16, 16, 0, 0)


def test_the_worth_of_money_is_what_one_more_contact_earns_per_unit():
    frame = people(np.arange(100, 0, -1.0), [2.0] * 100)
    found = best_list(frame, budget=40)
    assert found.worth_of_money == pytest.approx(80 / 2)
    assert best_list(frame, budget=42).profit - found.profit == pytest.approx(2 * found.worth_of_money)
    assert best_list(frame, places=20).worth_of_place == pytest.approx(80)


def test_a_budget_of_nothing_gives_an_empty_list_that_says_why():
    frame = people([5.0, 3.0], [1.0, 1.0])
    assert best_list(frame, 0).empty_because == "The budget is 0." and best_list(frame, 0).profit == 0
    assert best_list(frame, places=0).empty_because == "No contact can be made."
    assert "does not pay for a single" in best_list(frame, 0.5).empty_because
    assert "earn more than" in best_list(people([-1.0], [1.0])).empty_because
    assert best_list(frame.iloc[:0], 5).empty_because == "There are no customers."
    free = best_list(people([5.0, 3.0], [0.0, 1.0]), 0)
    assert free.chosen.index.tolist() == ["C00"] and free.empty_because == ""


def test_equal_customers_are_taken_by_id_and_rows_may_stand_in_any_order():
    frame = people([4.0] * 6, [1.0] * 6, list("FBDACE"))
    for order in (frame, frame.iloc[::-1], frame.sort_index()):
        assert best_list(order, 3).chosen.index.tolist() == ["A", "B", "C"]


def test_more_money_never_earns_less_and_its_worth_falls():
    rng = np.random.default_rng(4)
    frame = people(rng.gamma(1, 5, 300) - 2, rng.uniform(1, 5, 300))
    table = by_budget(frame, [0, 20, 50, 100, 200, 1e9])
    assert (np.diff(table["profit"]) >= -1e-9).all() and (np.diff(table["worth_of_money"]) <= 1e-9).all()
    assert table["profit"].iloc[-1] == pytest.approx(frame["profit"].clip(lower=0).sum())


def test_the_table_given_is_not_changed_and_units_do_not_matter():
    frame = people([9.0, 8.0, 5.0], [3.0, 2.0, 2.0])
    before = frame.copy()
    found, cents = best_list(frame, 4), best_list(frame * 100, 400)
    pd.testing.assert_frame_equal(frame, before)
    assert found.chosen.index.tolist() == cents.chosen.index.tolist()
    assert cents.worth_of_money == pytest.approx(found.worth_of_money)


@pytest.mark.parametrize(
    ("frame", "options", "error", "text"),
    [
        (people([1.0], [1.0])[["profit"]], {}, DataError, "customers without cost"),
        (people([np.nan, 1], [1.0, 1]), {}, DataError, "profit = nan, at 1 of 2 customers: C00"),
        (people([1.0, 1], [-1.0, 1]), {}, DataError, "cost = -1"),
        (people([1.0, 1], [1.0, 1], ["A", "A"]), {}, DataError, "stands twice"),
        (people([1.0], [1.0]), {"budget": -1}, ParameterError, "budget = -1"),
        (people([1.0], [1.0]), {"budget": np.nan}, ParameterError, "budget = nan"),
        (people([1.0], [1.0]), {"places": -1}, ParameterError, "places = -1"),
    ],
)
def test_what_cannot_be_is_refused(frame, options, error, text):
    with pytest.raises(error, match=text):
        best_list(frame, **options)
