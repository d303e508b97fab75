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
        }
        | more
    )


def test_an_interval_above_zero_is_adopted_with_its_doubt_and_its_limit():
    text = str(adopt(option(38_809, 5_538, 71_672), "GBP"))
    assert text.startswith("Cap the discount for 112 loss-making customers")
    for part in ("£38.8k", "£5,538 to £71.7k", "95% interval", "less than 74%"):
        assert part in text
    assert "Test first" not in text and "Leave" not in text


@pytest.mark.parametrize("low", [-1, 0, -5_000])
def test_an_interval_that_reaches_zero_is_tested_on_a_random_half(low):
    text = str(adopt(option(900, low, 2_000), "EUR"))
    assert text.startswith("Test first: ")
    assert "random half of 112" in text and "€900" in text and "more than 74%" in text


@pytest.mark.parametrize("gain", [0, -250])
def test_an_option_that_brings_nothing_leaves_the_terms_alone(gain):
    text = str(adopt(option(gain, -900, 400), "EUR"))
    assert text.startswith("Leave the terms as they are")
    assert "cap the discount" in text
    assert text.endswith(("€0.", "−€250."))


def test_what_is_found_in_a_label_is_text():
    sentence = adopt(option(900, 10, 2_000, label="<b>**x**</b>"), "EUR")
    assert "&lt;b&gt;**x**&lt;/b&gt;" in sentence.html
    assert str(sentence).startswith("<b>**x**</b> for")


def test_the_option_is_not_changed():
    given = option(1, 0, 2)
    before = given.copy()
    adopt(given, "EUR")
    assert given.equals(before)
