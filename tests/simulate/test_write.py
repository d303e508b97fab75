import os
from datetime import date
from decimal import Decimal

import numpy as np
import pytest

from crmlib.errors import ParameterError
from crmlib.intake.simulate.write import company_folder, day, identifier, money, number


def test_money_is_exact_at_any_size_and_sign():
    cents = np.array([0, 1, -1, 123456789012, -(2**45)])
    assert money(cents).to_pylist() == [Decimal(int(value)) / 100 for value in cents]


def test_blank_money_and_ids_are_null():
    blank = np.array([True, False])
    assert money(np.array([5, 5]), blank).to_pylist() == [None, Decimal("0.05")]
    assert identifier("C", np.array([7, 8]), 6, blank).to_pylist() == [None, "C000008"]


def test_days_count_from_the_start_and_nan_is_null():
    assert day(date(2024, 2, 28), np.array([0, 2, -1, np.nan])).to_pylist() == [
        date(2024, 2, 28),
        date(2024, 3, 1),
        date(2024, 2, 27),
        None,
    ]


def test_numbers_are_rounded_and_nan_is_null():
    assert number(np.array([1.23456, np.nan]), 2).to_pylist() == [1.23, None]


def test_a_failure_leaves_nothing_behind(tmp_path):
    with pytest.raises(ZeroDivisionError), company_folder(tmp_path / "new", "csv") as out:
        out.append("orders", {"a": [1]})
        raise ZeroDivisionError
    assert list(tmp_path.iterdir()) == []


def test_nothing_appears_before_everything_is_written(tmp_path):
    with company_folder(tmp_path / "new", "csv") as out:
        out.append("orders", {"a": [1]})
        assert not (tmp_path / "new").exists()
        out.append("orders", {"a": [2]})
    assert (tmp_path / "new" / "orders.csv").read_text() == "a\n1\n2\n"


def test_the_rest_of_a_killed_run_is_in_nobodys_way(tmp_path):
    left_over = tmp_path / f".new.{os.getpid()}.part"
    left_over.mkdir()
    (left_over / "orders.csv").write_text("half")
    with company_folder(tmp_path / "new", "csv") as out:
        out.append("orders", {"a": [1]})
    assert [path.name for path in tmp_path.iterdir()] == ["new"]
    assert (tmp_path / "new" / "orders.csv").read_text() == "a\n1\n"


def test_an_empty_folder_may_be_filled_a_full_one_not(tmp_path):
    (tmp_path / "empty").mkdir()
    with company_folder(tmp_path / "empty", "csv") as out:
        out.append("orders", {"a": [1]})
    with (
        pytest.raises(ParameterError, match="not an empty folder"),
        company_folder(tmp_path / "empty", "csv"),
    ):
        pass
    assert (tmp_path / "empty" / "orders.csv").exists()


def test_a_value_that_would_need_quotes_is_refused_not_garbled(tmp_path):
    with (
        pytest.raises(Exception, match="CSV values may not contain"),
        company_folder(tmp_path / "new", "csv") as out,
    ):
        out.append("orders", {"a": ["one, two"]})
