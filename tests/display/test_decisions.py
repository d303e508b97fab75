"""From an interval to a decision: adopt, test first, or leave things as they are."""

import pandas as pd
import pytest

from crmlib.display.decisions import adopt


def option(gain, low, high, **more):
    return pd.Series(
        {
            "label": "Cap the discount",
            "customers": 112,
            "gain": gain,
            "low": low,
            "high": high,
            "break_even": 0.74,
            "at_half": -120,
            "price_rise": 0.47,
        }
        | more
    )


def test_a_range_above_zero_is_adopted_with_its_doubt_and_its_limit():
    text = str(adopt(option(38_809, 5_538, 71_672), "GBP"))
    assert text.startswith("Cap the discount: £38.8k")
    parts = (
        "£5,538 to £71.7k",
        "112 loss-making customers",
        "rise by 47%",
        "less than 74%",
        "half walking away it moves −£120",
    )
    for part in parts:
        assert part in text
    assert "Test first" not in text and "Leave" not in text


@pytest.mark.parametrize("low", [-1, 0, -5_000])
def test_an_interval_that_reaches_zero_is_tested_on_a_random_half(low):
    text = str(adopt(option(900, low, 2_000), "EUR"))
    assert text.startswith("Test first, on a random half: cap the discount.")
    assert "112 loss-making" in text and "€900" in text and "less than 74%" in text


def test_where_prices_stay_nothing_is_said_of_them():
    for rise in (0.0, float("nan")):
        assert "rise" not in str(adopt(option(900, 10, 2_000, price_rise=rise), "EUR"))


@pytest.mark.parametrize("gain", [0, -250])
def test_an_option_that_brings_nothing_leaves_the_terms_alone(gain):
    text = str(adopt(option(gain, -900, 400), "EUR"))
    assert text.startswith("Leave the terms as they are")
    assert "cap the discount" in text
    assert text.endswith(("€0.", "−€250."))


def test_what_is_found_in_a_label_is_text():
    sentence = adopt(option(900, 10, 2_000, label="<b>**x**</b>"), "EUR")
    assert "&lt;b&gt;**x**&lt;/b&gt;" in sentence.html
    assert str(sentence).startswith("<b>**x**</b>: ")


def test_the_option_is_not_changed():
    given = option(1, 0, 2)
    before = given.copy()
    adopt(given, "EUR")
    assert given.equals(before)
