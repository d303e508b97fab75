"""The steps of the search by themselves: what fits, what the prices say, and what the edge adds."""

import numpy as np

from crmlib.analysis.actions.knapsack import Knapsack, fitting


def problem():
    keys = np.array([0, 0, 1, 2, 3])
    profit = np.array([9.0, 7.0, 6.0, 5.0, 1.0])
    uses = np.array([[5.0, 2.0, 3.0, 3.0, 1.0]])
    return Knapsack.of(keys, profit, uses, np.array([6.0]))


def test_what_does_not_fit_is_passed_over_and_smaller_ones_further_down_still_taken():
    uses = np.array([[4.0, 4.0, 2.0, 3.0, 1.0], [0.0, 0.0, 1.0, 0.0, 0.0]])
    assert fitting(uses, np.array([8.0, 0.0])).tolist() == [0, 1]
    assert fitting(uses, np.array([7.0, 1.0])).tolist() == [0, 2, 4]
    assert fitting(uses, np.array([0.0, 0.0])).tolist() == []


def test_at_the_prices_found_the_dual_is_lowest():
    found = problem()
    price = found.prices()

    def dual(at):
        return found.reduced(at)[found.best(at)].sum() + at.sum()

    # by hand: 7 + 6 leave 1 of 6 units, filled by a third of customer 2 at 5 per 3 units
    assert np.isclose(dual(price), 7 + 6 + 5 / 3, atol=1e-6)
    assert all(dual(price) <= dual(np.array([other])) + 1e-9 for other in np.linspace(0, 20, 200))


def test_the_list_is_filled_up_and_the_edge_settled():
    picked, prices, bound = problem().solve()
    assert picked.tolist() == [1, 2, 4]  # 2 + 3 + 1 of 6 units
    assert bound >= 14 and np.isclose(prices[0], 5 / 3, atol=1e-3)


def test_the_exact_search_mends_a_bad_start():
    found = problem()
    assert found.profit[found.improved(np.array([4]), np.array([10.0]))].sum() == 14
