"""Estimates beside the truth of a simulated company."""

import datetime as dt

import pandas as pd

from crmlib.analysis.period import Period
from crmlib.analysis.truth import against_truth

YEAR = Period(dt.date(2025, 3, 1), dt.date(2026, 2, 28), 12)


def truth_of(rows):
    return pd.DataFrame(rows, columns=["customer_id", "year_ending", "profit"])


def test_estimates_are_compared_with_the_truth_of_the_same_year_and_customer(account):
    customers = account({"a": {"list_sales": 10}, "b": {"returns": -4}, "c": {"list_sales": 1}, "d": {}})
    truth = truth_of([
        ("b", "2026-02-28", "-5"), ("a", "2026-02-28", "7"), ("c", "2026-02-28", "-1"), ("d", "2026-02-28", "0"),
        ("a", "2025-02-28", "99"), ("stranger", "2026-02-28", "50"),
    ])  # fmt: skip
    close = against_truth(customers, truth, YEAR)
    assert close.estimate.to_dict() == {"a": 10.0, "b": -4.0, "c": 1.0, "d": 0.0}
    assert close.truth.to_dict() == {"a": 7.0, "b": -5.0, "c": -1.0, "d": 0.0}
    assert close.typical_error == 1.5  # of 3, 1, 2 and 0
    assert close.same_sign == 0.75


def test_no_truth_no_whole_year_or_another_year_cannot_be_compared(account):
    customers = account({"a": {"list_sales": 10}})
    truth = truth_of([("a", "2026-02-28", 7)])
    assert against_truth(customers, None, YEAR) is None
    assert against_truth(customers, truth, Period.ending(dt.date(2026, 2, 28), 6)) is None
    assert against_truth(customers, truth, Period.ending(dt.date(2026, 1, 31), 12)) is None
    assert against_truth(customers, truth_of([("z", "2026-02-28", 7)]), YEAR) is None
