"""Ways to rank customers within the same budget."""

import numpy as np
import pandas as pd
import pytest

from crmlib.analysis.targeting.budget import best_list
from crmlib.analysis.targeting.list_orders import compare_orders
from crmlib.errors import DataError


@pytest.fixture
def people():
    return pd.DataFrame(
        {"churn_probability": [0.9, 0.8, 0.5, 0.1], "value": [2.0, 10.0, 90.0, 80.0],
         "profit": [-1.0, 0.5, 11.5, 3.0], "cost": [1.0, 1.0, 2.0, 1.0]},
        index=list("ABCD"),
    )  # fmt: skip


def test_each_order_fills_the_budget_from_its_top(people):
    found = compare_orders(people, budget=3)
    assert found["profit"].to_dict() == {
        "best list": 14.5, "churn_probability": -0.5, "value_at_risk": 12.0, "profit": 14.5, "profit_per_money": 14.5,
    }  # fmt: skip
    assert found.loc["churn_probability", ["customers", "cost", "expected_losses", "short"]].tolist() == [
        2,
        2,
        1,
        15,
    ]
    # B and D have the same value at risk; B comes first by name
    assert found.loc["churn_probability", "in_common"] == 0 and found.loc["profit", "in_common"] == 1


def test_a_list_stops_at_the_first_customer_who_does_not_fit(people):
    found = compare_orders(people, budget=1, orders=["value"])
    assert found.loc["value", "customers"] == 0 and np.isnan(found.loc["value", "in_common"])
    assert found.loc["best list", "profit"] == 3.0


def test_no_order_earns_more_than_the_bound_and_all_agree_without_limits_but_for_losses():
    rng = np.random.default_rng(1)
    frame = pd.DataFrame({"churn_probability": rng.random(200), "value": rng.gamma(1, 50, 200),
                          "profit": rng.normal(0, 5, 200), "cost": rng.uniform(1, 3, 200)})  # fmt: skip
    found = compare_orders(frame, budget=60)
    assert (found["profit"] <= best_list(frame, 60).bound + 1e-9).all()
    assert (found["cost"] <= 60 + 1e-9).all()
    everybody = compare_orders(frame)
    assert everybody["profit"].drop("best list").round(6).nunique() == 1
    assert everybody["short"].iloc[1] == pytest.approx(-frame["profit"].clip(upper=0).sum())


def test_places_limit_all_orders_and_missing_keys_come_last(people):
    people.loc["A", "churn_probability"] = np.nan
    found = compare_orders(people, places=1, orders=["churn_probability"])
    assert found.loc["churn_probability", "profit"] == 0.5 and (found["customers"] == 1).all()


def test_a_free_contact_comes_first_only_if_it_earns(people):
    people["cost"] = [0.0, 0.0, 2.0, 1.0]
    found = compare_orders(people, budget=0, orders=["profit_per_money"])
    assert found.loc["profit_per_money", "customers"] == 1 and found.loc["profit_per_money", "profit"] == 0.5


def test_a_column_that_is_not_there_is_refused(people):
    with pytest.raises(DataError, match="without value"):
        compare_orders(people.drop(columns="value"))


def test_the_order_of_rows_changes_nothing(people):
    pd.testing.assert_frame_equal(compare_orders(people.iloc[::-1], 3), compare_orders(people, 3))
