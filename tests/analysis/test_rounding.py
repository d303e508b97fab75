"""Significant digits of any size, as Python prints them."""

import numpy as np
import pytest

from crmlib.analysis.rounding import rounded


@pytest.mark.parametrize("digits", [1, 3, 6, 9])
def test_numbers_are_those_that_python_prints(digits):
    """But for halves in the last place, which no random number is."""
    rng = np.random.default_rng(1)
    values = rng.normal(size=5000) * 10.0 ** rng.integers(-9, 20, 5000)
    assert rounded(values, digits).tolist() == [float(f"{value:.{digits - 1}e}") for value in values]


def test_numbers_just_below_a_power_of_ten_reach_it():
    assert rounded(np.array([99.9999999, -0.00099999999, 999999.7])).tolist() == [100.0, -0.001, 1e6]


def test_what_is_no_number_stays_and_next_to_nothing_is_nothing():
    found = rounded(np.array([np.nan, np.inf, -np.inf, 1e-17, -1e-13, 0.0]))
    assert np.isnan(found[0]) and found[1:].tolist() == [np.inf, -np.inf, 0.0, 0.0, 0.0]


def test_the_shape_stays_and_twice_is_once():
    values = np.random.default_rng(2).lognormal(0, 9, (3, 40))
    once = rounded(values)
    assert once.shape == (3, 40) and rounded(1 / 3).shape == ()
    np.testing.assert_array_equal(rounded(once), once)
