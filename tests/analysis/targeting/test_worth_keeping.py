"""What is gained when a customer stays: which source is taken, and what those who come back take off."""

import numpy as np
import pandas as pd
import pytest

from crmlib.analysis.targeting.worth_keeping import SOURCES, of_fees, worth_keeping
from crmlib.errors import DataError, ParameterError

PEOPLE = pd.Index(["A", "B", "C"], name="customer_id")
KNOWN = pd.DataFrame(
    {"orders_12m": 5, "gross_margin_3m": [9.0, 9.0, 9.0], "gross_margin_12m": [40.0, 10.0, -4.0]},
    index=PEOPLE,
)
# B has no value of his own; Z is no customer of today.
SAVED = pd.DataFrame(
    {"customer_id": ["C", "A", "Z"], "alive": [0.5, 0.8, 1.0], "value_12": [20.0, 40.0, 1.0],
     "value_36": [50.0, 80.0, 1.0]}
)  # fmt: skip


def test_lifetime_values_come_first_over_the_longest_horizon():
    found = worth_keeping(SAVED, KNOWN)
    assert found.source == "value" and found.months == 36 and found.words == SOURCES["value"]
    # 80 at a chance of 0.8; the margin of the year where there is no value; 50 at a chance of a half.
    assert found.value.to_dict() == {"A": 100.0, "B": 10.0, "C": 100.0}
    assert found.yearly.to_dict() == {"A": 50.0, "B": 10.0, "C": 40.0}


def test_without_a_value_over_a_year_the_longer_one_is_divided():
    found = worth_keeping(SAVED.drop(columns="value_12"), KNOWN)
    assert found.yearly.round(6).to_dict() == {"A": 33.333333, "B": 10.0, "C": 33.333333}


@pytest.mark.parametrize(
    "saved",
    [None, SAVED.drop(columns="alive"), SAVED.assign(alive=[0.5, np.nan, 1.0]),
     SAVED.drop(columns=["value_12", "value_36"])],
    ids=["nothing saved", "no chances", "a chance missing", "no horizon"],
)  # fmt: skip
def test_else_the_margin_of_the_past_year_stands_in(saved):
    found = worth_keeping(saved, KNOWN)
    assert (found.source, found.months) == ("margin", 12)
    assert found.value.tolist() == found.yearly.tolist() == [40.0, 10.0, -4.0]


def test_a_shorter_look_back_is_carried_to_a_year_and_said_so():
    found = worth_keeping(None, KNOWN[["gross_margin_3m"]])
    assert found.source == "sums" and found.value.tolist() == [36.0] * 3
    assert "looked back" in found.words


def test_a_stated_margin_is_taken_for_everybody_whatever_else_is_known():
    found = worth_keeping(SAVED, KNOWN[["orders_12m"]], stated=25.0)
    assert (found.source, found.value.tolist(), found.yearly.tolist()) == ("stated", [25.0] * 3, [25.0] * 3)


@pytest.mark.parametrize(("saved", "stated"), [(SAVED, 0.0), (None, 0.0), (SAVED, 25.0)])
def test_what_comes_back_by_itself_is_taken_off_once(saved, stated):
    whole = worth_keeping(saved, KNOWN, stated)
    less = worth_keeping(saved, KNOWN, stated, comes_back=0.25)
    np.testing.assert_allclose(less.value, 0.75 * whole.value)
    np.testing.assert_allclose(less.yearly, 0.75 * whole.yearly)
    assert less.comes_back == 0.25
    assert (worth_keeping(saved, KNOWN, stated, comes_back=1.0).value == 0).all()


def test_values_are_in_the_order_of_the_customers_and_nobody_is_missing():
    mixed = KNOWN.iloc[[2, 0, 1]]
    found, other = worth_keeping(SAVED, KNOWN), worth_keeping(SAVED.iloc[::-1], mixed)
    assert found.value.index.equals(PEOPLE) and other.value.index.equals(mixed.index)
    assert other.value.to_dict() == found.value.to_dict() and other.yearly.to_dict() == found.yearly.to_dict()
    assert found.value.notna().all() and found.yearly.notna().all()


def test_nothing_given_is_changed():
    saved, known = SAVED.copy(), KNOWN.copy()
    worth_keeping(saved, known, comes_back=0.5)
    assert saved.equals(SAVED) and known.equals(KNOWN)


def test_without_any_margin_it_is_refused_and_says_what_to_do():
    with pytest.raises(DataError, match="gross_margin_12m") as caught:
        worth_keeping(None, KNOWN[["orders_12m"]])
    assert "state a margin" in caught.value.remedy


@pytest.mark.parametrize("part", [-0.1, 1.5, np.nan])
def test_what_comes_back_is_a_share(part):
    with pytest.raises(ParameterError, match="comes_back"):
        worth_keeping(None, KNOWN, comes_back=part)


def test_under_contract_the_margin_on_fees_is_the_value():
    margin = pd.Series([120, 60], pd.Index(["A", "B"], name="customer_id"), name="fee")
    found = of_fees(margin)
    assert found.value.to_dict() == found.yearly.to_dict() == {"A": 120.0, "B": 60.0}
    assert (found.source, found.months, found.comes_back) == ("fee", 12, 0.0) and margin.name == "fee"
    assert found.words == "margin on the fees of a year"


def test_without_costs_the_stated_gross_margin_is_taken_of_the_sales():
    sold = pd.DataFrame(
        {"net_sales_3m": [30.0, 0.0, 10.0], "net_sales_12m": [100.0, 50.0, -10.0]}, index=PEOPLE
    )
    found = worth_keeping(None, sold, comes_back=0.5, gross_margin=0.4)
    assert found.value.tolist() == pytest.approx([20.0, 10.0, -2.0]) and found.source == "margin"
    assert worth_keeping(None, KNOWN, gross_margin=0.4).value.tolist() == [40.0, 10.0, -4.0]
    with pytest.raises(DataError, match="gross margin"):
        worth_keeping(None, sold)


def test_values_of_a_simple_forecast_are_no_values_of_those_who_stay():
    simple = worth_keeping(SAVED.assign(basis="simple forecast"), KNOWN)
    assert simple.source == "margin" and simple.value.tolist() == [40.0, 10.0, -4.0]
    assert worth_keeping(SAVED.assign(basis="model"), KNOWN).source == "value"
