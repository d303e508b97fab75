"""Numbers as people read them: where the rules change, nothing may jump, vanish or read twice."""

import datetime as dt
import math
import re
from decimal import Decimal

import numpy as np
import pytest

from crmlib.display import formats

ALL = (formats.money, formats.full_money, formats.exact_money, formats.share, formats.count, formats.number)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "€0"), (0.004, "€0.00"), (0.01, "€0.01"), (1, "€1.00"), (99.49, "€99.49"), (99.5, "€100"),
        (99.994, "€100"), (100.4, "€100"), (999, "€999"), (1_000, "€1,000"), (9_994, "€9,994"), (9_994.9, "€9,995"),
        (9_995, "€10.0k"), (10_049, "€10.0k"), (10_051, "€10.1k"), (99_949, "€99.9k"), (99_950, "€100k"),
        (412_305, "€412k"), (999_499, "€999k"), (999_500, "€1.00M"), (1_234_567, "€1.23M"), (9_994_999, "€9.99M"),
        (9_995_000, "€10.0M"), (99_949_000, "€99.9M"), (99_950_000, "€100M"), (999_499_999, "€999M"),
        (999_500_000, "€1.00bn"), (12_345_678_901, "€12.3bn"),
    ],
)  # fmt: skip
def test_money_in_prose_at_every_edge(value, text):
    assert formats.money(value) == text
    if value > 0.005:
        assert formats.money(-value) == f"−{text}"


def test_money_in_prose_never_shrinks_as_the_amount_grows():
    units = {"": 1, "k": 1e3, "M": 1e6, "bn": 1e9}
    last = -1.0
    for step in range(4_000):
        value = 0.001 * 1.008**step
        digits, unit = re.fullmatch(r"€([\d,.]+)(k|M|bn|)", formats.money(value)).groups()
        read = float(digits.replace(",", "")) * units[unit]
        assert read >= last - 1e-9
        assert read == pytest.approx(value, rel=0.0051, abs=0.0051)
        last = read


@pytest.mark.parametrize(
    ("value", "full", "exact"),
    [
        (0, "€0", "€0.00"), (0.4, "€0", "€0.40"), (-0.4, "€0", "−€0.40"), (-0.004, "€0", "€0.00"),
        (0.6, "€1", "€0.60"), (-0.6, "−€1", "−€0.60"), (999_999.5, "€1,000,000", "€999,999.50"),
        (1234.567, "€1,235", "€1,234.57"), (-1e9, "−€1,000,000,000", "−€1,000,000,000.00"),
    ],
)  # fmt: skip
def test_money_in_full_and_to_the_cent(value, full, exact):
    assert formats.full_money(value) == full
    assert formats.exact_money(value) == exact


@pytest.mark.parametrize(
    ("currency", "text"),
    [("EUR", "−€412k"), ("GBP", "−£412k"), ("USD", "−$412k"), ("CHF", "−CHF 412k"), ("SEK", "−SEK 412k")],
)
def test_every_currency_is_named(currency, text):
    assert formats.money(-412_000, currency) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0%"), (0.00001, "0.0%"), (0.0004, "0.0%"), (0.0006, "0.1%"), (0.0949, "9.5%"), (0.0994, "9.9%"),
        (0.0996, "10%"), (0.1, "10%"), (0.5, "50%"), (0.994, "99%"), (0.996, "100%"), (1, "100%"), (1.234, "123%"),
        (12.5, "1,250%"), (-0.5, "−50%"), (-0.00001, "0.0%"),
    ],
)  # fmt: skip
def test_a_share_at_every_edge(value, text):
    assert formats.share(value) == text


@pytest.mark.parametrize(
    ("value", "text"), [(0, "0.0%"), (0.5, "50.0%"), (0.12345, "12.3%"), (-0.0001, "0.0%")]
)
def test_a_share_with_the_decimals_asked_for(value, text):
    assert formats.share(value, 1) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (999, "999"),
        (1000, "1,000"),
        (-1000, "−1,000"),
        (2.6, "3"),
        (-0.4, "0"),
        (135080, "135,080"),
    ],
)
def test_a_count(value, text):
    assert formats.count(value) == text


@pytest.mark.parametrize(
    ("value", "decimals", "text"),
    [(2.345, 1, "2.3"), (0.8, 2, "0.80"), (-0.04, 1, "0.0"), (-0.06, 1, "−0.1"), (12345.6, 0, "12,346")],
)
def test_a_plain_number(value, decimals, text):
    assert formats.number(value, decimals) == text


@pytest.mark.parametrize("rule", ALL)
@pytest.mark.parametrize("value", [None, math.nan, math.inf, -math.inf, np.float64("nan"), np.float32("nan")])
def test_what_is_not_known_says_so(rule, value):
    assert rule(value) == "not known"


@pytest.mark.parametrize("rule", ALL)
@pytest.mark.parametrize("size", [0, 3, 250, 77_777, 5_000_000])
def test_every_kind_of_number_reads_the_same(rule, size):
    texts = {rule(kind(size)) for kind in (int, float, np.int64, np.float64, np.float32, Decimal)}
    assert len(texts) == 1


@pytest.mark.parametrize("rule", ALL)
def test_no_text_holds_a_minus_zero_a_plain_hyphen_or_nan(rule):
    for value in (-1e-9, -0.0, -0.001, -0.0049, -0.2, -0.49, -1.5, -1e5, -1e12):
        text = rule(value)
        assert "-" not in text and "nan" not in text and "e+" not in text
        if not re.search(r"[1-9]", text):
            assert "−" not in text, text


def test_a_day_as_people_write_it_has_no_leading_zero():
    assert formats.day(dt.date(2026, 7, 1)) == "1 July 2026"
    assert formats.day(dt.datetime(2024, 2, 29, 23, 59)) == "29 February 2024"
