"""What groups are made from is checked, and each refusal names column, value and customers."""

import numpy as np
import pandas as pd
import pytest

from crmlib.analysis.segments.customer_numbers import customer_numbers, refuse_constant, refuse_few
from crmlib.errors import DataError, TooLittleData

PEOPLE = pd.DataFrame({"money": [1, 2, 3], "orders": [1.5, 2.5, 0.0]}, index=["A", "B", "C"])


def test_columns_come_as_numbers_in_the_order_asked_for():
    found = customer_numbers(PEOPLE, ["orders", "money"], least=0)
    assert list(found) == ["orders", "money"]
    np.testing.assert_array_equal(found["money"], [1.0, 2.0, 3.0])
    assert found["money"].dtype == float


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda p: p.drop(columns="money"), "no column money among orders"),
        (lambda p: p.assign(money=["1", "2", "3"]), "column money of type str"),
        (lambda p: p.assign(money=[1, None, 3]), "money = nan, at 1 of 3 customers: B"),
        (
            lambda p: p.assign(money=pd.array([1, None, 3], dtype="Int64")),
            "money = nan, at 1 of 3 customers: B",
        ),
        (lambda p: p.assign(money=[1, np.inf, 3]), "money = inf, at 1 of 3 customers: B"),
        (lambda p: p.assign(money=[1, -2, 3]), "money = -2, at 1 of 3 customers: B"),
        (lambda p: p.set_axis(["A", "B", "A"]), "a customer who stands twice, at 1 of 3 customers: A"),
    ],
)
def test_what_cannot_be_used_is_named(change, said):
    with pytest.raises(DataError) as error:
        customer_numbers(change(PEOPLE), ["money"], least=0)
    assert said in error.value.found


def test_negative_values_pass_where_they_are_allowed():
    assert customer_numbers(PEOPLE.assign(money=-1), ["money"])["money"].tolist() == [-1.0] * 3


def test_columns_that_tell_nobody_apart_and_too_few_customers_are_refused():
    refuse_constant(np.array([1.0, 2.0]), "money")
    refuse_few(5, 5, "5 groups")
    with pytest.raises(TooLittleData, match="money = 1 for all 2 customers"):
        refuse_constant(np.ones(2), "money")
    with pytest.raises(TooLittleData, match="4 customers"):
        refuse_few(4, 5, "5 groups")
