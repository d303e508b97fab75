"""Key figures: rounded for machines, in words for people, nothing that JSON cannot hold."""

import math

import numpy as np
import pytest

from crmlib.display.formats import written
from crmlib.display.key_figures import key_figure


def figure(value, unit="money", interval=None):
    return key_figure("m", "M", value, unit, "What it is.", interval, "range", "12 months to May", "GBP")


def test_a_figure_has_its_number_its_words_and_its_interval():
    assert figure(1234.5678, interval=(1000.0, 2000.004)) == {
        "name": "m", "label": "M", "value": 1234.57, "unit": "money", "low": 1000.0, "high": 2000.0,
        "text": "£1,235", "interval": "£1,000 to £2,000", "interval_label": "range", "definition": "What it is.",
        "period": "12 months to May",
    }  # fmt: skip


def test_without_an_interval_it_has_no_words_for_one():
    made = figure(0.5, "share")
    assert made["low"] is made["high"] is None and made["interval"] == "" and made["text"] == "50%"


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, None, np.float64("nan")])
def test_a_number_that_is_not_known_is_null_and_says_so(value):
    assert figure(value)["value"] is None and figure(value)["text"] == "not known"


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [(412_305, "money", "£412k"), (0.0423, "share", "4.2%"), (412_305, "count", "412,305"), (4.46, "number", "4.5")],
)  # fmt: skip
def test_a_number_is_written_in_its_unit(value, unit, text):
    assert written(value, unit, "GBP") == text


def test_money_is_kept_to_the_cent_and_other_numbers_to_six_digits():
    assert figure(123456.789)["value"] == 123456.79
    assert figure(123456.789, "number")["value"] == 123457.0
    assert isinstance(figure(np.float32(2.5))["value"], float)
