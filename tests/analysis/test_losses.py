"""Why customers lose money, and whether they do it again."""

import math
import random

import numpy as np
import pandas as pd
import pytest

from crmlib.analysis.concentration import whale
from crmlib.analysis.losses import CAUSES, anatomy, loss_causes, persistence, shortfalls

COSTS = {"list_sales": (0, 400), "discounts": (0, 90), "returns": (-80, 0), "cost_of_goods": (0, 150),
         "returned_goods": (-40, 0), "service_order": (0, 60), "service_return": (0, 30),
         "service_relationship": (0, 60), "acquisition_cost": (0, 40)}  # fmt: skip


@pytest.fixture
def drawn(account):
    def make(seed, n=60, **fixed):
        rng = random.Random(seed)
        return account(
            {
                f"K{i:02d}": {name: rng.uniform(*ends) for name, ends in COSTS.items()} | fixed
                for i in range(n)
            }
        )

    return make


# Causes -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_causes_add_up_to_the_distance_from_the_earners_average(drawn, seed):
    customers = drawn(seed)
    earners = customers[customers["profit"] > 0]
    rate = earners["profit"].sum() / earners["list_sales"].sum()
    table = shortfalls(customers)
    assert set(table.columns) == (set(CAUSES) - {"no purchase"}) | {"shortfall"}
    for who, row in table.iterrows():
        distance = rate * customers.loc[who, "list_sales"] - customers.loc[who, "profit"]
        assert row["shortfall"] == pytest.approx(distance, abs=1e-9)
        assert row.drop("shortfall").sum() == pytest.approx(row["shortfall"], abs=1e-9)


def test_the_excesses_of_all_earners_cancel_out(drawn):
    customers = drawn(4)
    excess = shortfalls(customers)[customers["profit"] > 0]
    assert excess.sum().tolist() == pytest.approx([0.0] * excess.shape[1], abs=1e-9)


@pytest.mark.parametrize(
    ("cause", "costs"),
    [
        ("acquisition", {"acquisition_cost": 90}),
        ("discounts", {"discounts": 90}),
        ("goods", {"cost_of_goods": 140}),
        ("returns", {"returns": -80, "cost_of_goods": 50, "returned_goods": -10}),
        ("returns", {"service_return": 90}),
        ("orders", {"service_order": 90}),
        ("relationship", {"service_relationship": 90}),
        ("no purchase", {"list_sales": 0, "service_relationship": 90}),
        ("no purchase", {"list_sales": 0, "returns": -20, "returned_goods": -10}),
        ("acquisition", {"list_sales": 0, "acquisition_cost": 90}),
    ],
)
def test_the_one_unusual_cost_is_the_main_cause(account, cause, costs):
    usual = {"list_sales": 100, "discounts": 5, "cost_of_goods": 50, "service_order": 5,
             "service_relationship": 5, "acquisition_cost": 1}  # fmt: skip
    loser = (usual if "list_sales" not in costs else {}) | costs
    customers = account({"a": usual, "b": usual, "loser": loser})
    assert customers.loc["loser", "profit"] < 0
    assert loss_causes(customers).to_dict() == {"loser": cause}


def test_a_return_at_full_cost_price_leaves_only_its_lost_margin(account):
    """Bought for 100 at cost 60 and taken back whole: the excess is the margin of 40, not the 100."""
    customers = account(
        {
            "usual": {"list_sales": 100, "cost_of_goods": 60},
            "back": {"list_sales": 100, "returns": -100, "cost_of_goods": 0, "returned_goods": -60},
        }
    )
    excess = shortfalls(customers).loc["back"]
    assert excess["returns"] == pytest.approx(40)
    assert excess["goods"] == pytest.approx(0)
    assert excess["shortfall"] == pytest.approx(40)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_losses_by_cause_are_the_losses_of_the_whale(drawn, seed):
    customers = drawn(seed)
    table, w = anatomy(customers), whale(customers["profit"])
    assert table["loss"].sum() == pytest.approx(w.loss)
    assert table["customers"].sum() == w.losers
    losers = customers[customers["profit"] < 0]
    assert table["net_sales"].sum() == pytest.approx(losers["net_sales"].sum())
    assert table["loss"].is_monotonic_increasing
    assert set(table.index) <= set(CAUSES)


def test_losses_by_cause_by_hand(drawn):
    customers = drawn(5)
    cause = loss_causes(customers)
    for name, row in anatomy(customers).iterrows():
        mine = sorted(customers.loc[cause.index[cause == name], "profit"])
        middle = (mine[(len(mine) - 1) // 2] + mine[len(mine) // 2]) / 2
        assert row["median_loss"] == pytest.approx(middle)
        assert row["customers"] == len(mine) and row["loss"] == pytest.approx(sum(mine))


def test_the_main_cause_is_the_largest_excess(drawn):
    customers = drawn(6)
    excess = shortfalls(customers).drop(columns="shortfall")
    for who, cause in loss_causes(customers).items():
        assert excess.loc[who, cause] == max(excess.loc[who])


def test_order_names_and_scale_change_no_cause(drawn):
    customers = drawn(7)
    expected = loss_causes(customers)
    shuffled = customers.sample(frac=1, random_state=1)
    pd.testing.assert_series_equal(loss_causes(shuffled).sort_index(), expected)
    pd.testing.assert_frame_equal(anatomy(shuffled), anatomy(customers))
    renamed = customers.rename(index=lambda name: f"x{99 - int(name[1:])}")
    assert loss_causes(renamed).tolist() == expected.tolist()
    assert loss_causes(customers * 1000).tolist() == expected.tolist()


def test_nobody_loses_nobody_has_a_cause(drawn):
    customers = drawn(1, **{name: 0.0 for name in COSTS if name != "list_sales"})
    assert anatomy(customers).empty and loss_causes(customers).empty
    assert anatomy(customers)["loss"].sum() == 0


def test_all_lose_and_every_loss_has_a_cause(drawn):
    customers = drawn(1, acquisition_cost=5_000.0)
    assert set(loss_causes(customers)) == {"acquisition"}
    assert anatomy(customers)["loss"].sum() == pytest.approx(customers["profit"].sum())


@pytest.mark.parametrize("row", [{"list_sales": 5}, {"returns": -5}, {"acquisition_cost": 5}])
def test_a_single_customer_breaks_nothing(account, row):
    customers = account({"a": row})
    assert anatomy(customers)["loss"].sum() == min(0.0, customers.loc["a", "profit"])


def test_no_customer_at_all_breaks_nothing(account):
    customers = account({"a": {"list_sales": 1}}).iloc[:0]
    assert anatomy(customers).empty and shortfalls(customers).empty


def test_causes_change_no_input(drawn):
    customers = drawn(8)
    before = customers.copy()
    shortfalls(customers), anatomy(customers), persistence(customers, customers)
    pd.testing.assert_frame_equal(customers, before)


# Persistence ------------------------------------------------------------------------------------


def of_profit(account, profits, acquisition=None):
    acquisition = acquisition or {}
    return account(
        {
            who: {"list_sales": max(p, 0) + acquisition.get(who, 0), "returns": min(p, 0),
                  "acquisition_cost": acquisition.get(who, 0)}
            for who, p in profits.items()
        }
    )  # fmt: skip


def test_every_customer_of_the_first_period_is_followed_once(account):
    first = of_profit(account, {"ll": -10, "lg": -20, "l-": -30, "gl": 5, "gg": 6, "g-": 7, "zz": 0})
    second = of_profit(account, {"ll": -4, "lg": 1, "gl": -2, "gg": 9, "zz": 0, "new": -99})
    lasting = persistence(first, second)
    assert lasting.table.to_dict("index") == {
        "loss": {"loss": 1, "gain": 1, "gone": 1}, "gain": {"loss": 1, "gain": 2, "gone": 1},
    }  # fmt: skip
    assert lasting.losers == 3
    assert lasting.repeat_share == pytest.approx(1 / 3)
    assert lasting.base_share == pytest.approx(1 / 4)
    assert (lasting.before, lasting.after) == (-60, -4)
    assert lasting.repeat_money == pytest.approx(4 / 60)
    low, high = lasting.repeat_interval
    assert 0 < low < 1 / 3 < high < 1
    low, high = lasting.money_interval
    assert low <= 4 / 60 <= high


def test_the_cost_of_winning_a_customer_is_no_lasting_loss(account):
    first = of_profit(account, {"a": 5, "b": -5}, {"a": 50, "b": 50})
    assert first["profit"].tolist() == [5, -5]  # without the acquisition cost both earned money
    second = of_profit(account, {"a": 5, "b": -5})
    lasting = persistence(first, second)
    assert lasting.losers == 0
    assert math.isnan(lasting.repeat_share) and math.isnan(lasting.repeat_money)
    assert lasting.table.loc["gain"].to_dict() == {"loss": 1, "gain": 1, "gone": 0}


def test_a_period_compared_with_itself_repeats_everything(drawn):
    customers = drawn(3, acquisition_cost=0.0)
    lasting = persistence(customers, customers)
    assert lasting.repeat_share == lasting.repeat_money == 1.0
    assert lasting.base_share == 0.0
    assert lasting.table["gone"].sum() == 0
    assert lasting.money_interval == pytest.approx((1.0, 1.0))


def test_order_and_names_change_nothing_about_persistence(drawn):
    first, second = drawn(4), drawn(5).sample(40, random_state=2)
    expected = persistence(first, second)
    again = persistence(first.sample(frac=1, random_state=3), second.sample(frac=1, random_state=4))
    renamed = persistence(*(frame.rename(index=lambda n: "é" + n[::-1]) for frame in (first, second)))
    for other in (again, renamed):
        pd.testing.assert_frame_equal(other.table, expected.table)
        assert other.repeat_money == pytest.approx(expected.repeat_money)
        assert other.money_interval == pytest.approx(expected.money_interval)


def test_the_money_that_returns_may_be_more_than_was_lost(account):
    lasting = persistence(of_profit(account, {"a": -1, "b": -1}), of_profit(account, {"a": -3, "b": -2}))
    assert lasting.repeat_money == pytest.approx(2.5)
    assert lasting.money_interval[1] > 2.5


def test_the_interval_of_the_money_that_returns_covers_the_truth(account):
    """Known truth: each loss returns with a chance of 0.4, at its old size."""
    rng, hits = np.random.default_rng(8), 0
    base = account({f"c{i}": {} for i in range(200)})
    for _ in range(100):
        loss = rng.exponential(10, 200)
        back = loss * (rng.random(200) < 0.4)
        low, high = persistence(base.assign(profit=-loss), base.assign(profit=-back)).money_interval
        hits += low <= 0.4 <= high
    assert 0.88 <= hits / 100 <= 1


@pytest.mark.parametrize("losses", [{}, {"a": -5}])
def test_with_fewer_than_two_losers_there_is_no_interval_of_money(account, losses):
    """One end of an interval without the other would be printed as if something were known."""
    lasting = persistence(of_profit(account, {"x": 5, **losses}), of_profit(account, {"x": 5, **losses}))
    assert all(math.isnan(end) for end in lasting.money_interval)


def test_an_empty_second_period_is_everybody_gone(account):
    first = of_profit(account, {"a": -5, "b": 5})
    lasting = persistence(first, first.iloc[:0])
    assert lasting.table["gone"].tolist() == [1, 1]
    assert lasting.repeat_share == lasting.repeat_money == 0


def test_an_empty_first_period_says_nothing(account):
    first = of_profit(account, {"a": -5})
    lasting = persistence(first.iloc[:0], first)
    assert lasting.table.to_numpy().sum() == 0
    assert lasting.repeat_interval == (0.0, 1.0)
    assert math.isnan(lasting.repeat_share) and math.isnan(lasting.base_share)
