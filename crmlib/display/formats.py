"""Numbers as people read them: fixed rules, one place.

Money in prose is short (``€412k``, ``€1.23M``), in tables full (``€412,305``). A missing
number reads ``not known``, never ``nan``.
"""

import math
from datetime import date
from functools import partial

SYMBOLS = {"EUR": "€", "GBP": "£", "USD": "$", "JPY": "¥", "CHF": "CHF ", "PLN": "PLN "}
MISSING = "not known"


def money(value: float, currency: str = "EUR") -> str:
    """Money for prose, three significant figures.

    Examples
    --------
    >>> money(412_305), money(-1_234_567, "GBP"), money(38.5), money(0)
    ('€412k', '−£1.23M', '€38.50', '€0')
    """
    if _missing(value):
        return MISSING
    size = abs(float(value))
    symbol = SYMBOLS.get(currency, f"{currency} ")
    for limit, divisor, unit in ((999_500_000, 1e9, "bn"), (999_500, 1e6, "M"), (9_995, 1e3, "k")):
        if size >= limit:
            return _signed(value, f"{symbol}{_three(size / divisor)}{unit}")
    if size >= 99.5 or size == 0:
        return _signed(value, f"{symbol}{size:,.0f}")
    return _signed(value, f"{symbol}{size:,.2f}")


def money_range(low: float, high: float, currency: str = "EUR") -> str:
    """A bin of money in words; open where an end is infinite.

    Examples
    --------
    >>> money_range(0, 50), money_range(-20, 0), money_range(500, math.inf), money_range(-math.inf, -100, "USD")
    ('€0 to 50', '−€20 to 0', '€500 or more', 'below −$100')
    """
    if math.isinf(high):
        return f"{round_money(low, currency)} or more"
    if math.isinf(low):
        return f"below {round_money(high, currency)}"
    symbol = SYMBOLS.get(currency, f"{currency} ")
    return f"{round_money(low, currency)} to {round_money(high, currency).replace(symbol, '')}"


def round_money(value: float, currency: str = "EUR") -> str:
    """Money without needless decimals, for axes and bins.

    Examples
    --------
    >>> round_money(1_500_000), round_money(20_000), round_money(40), round_money(0.5)
    ('€1.5M', '€20k', '€40', '€0.50')
    """
    text = money(value, currency)
    head = text.rstrip("kMbn")
    if head == text:
        return text.removesuffix(".00")
    return (head.rstrip("0").rstrip(".") if "." in head else head) + text[len(head) :]


def full_money(value: float, currency: str = "EUR") -> str:
    """Money to the unit, with thousands separators.

    Examples
    --------
    >>> full_money(-412_305.4)
    '−€412,305'
    """
    if _missing(value):
        return MISSING
    symbol = SYMBOLS.get(currency, f"{currency} ")
    return _signed(value, f"{symbol}{abs(value):,.0f}")


def exact_money(value: float, currency: str = "EUR") -> str:
    """Money to the cent.

    Examples
    --------
    >>> exact_money(1234.5)
    '€1,234.50'
    """
    if _missing(value):
        return MISSING
    symbol = SYMBOLS.get(currency, f"{currency} ")
    return _signed(value, f"{symbol}{abs(value):,.2f}")


def share(value: float, decimals: int | None = None) -> str:
    """A share as a percentage; one decimal below 10 %, none above unless asked.

    Examples
    --------
    >>> share(0.1234), share(0.0423), share(-0.5), share(0.1234, 1)
    ('12%', '4.2%', '−50%', '12.3%')
    """
    if _missing(value):
        return MISSING
    percent = abs(value) * 100
    if decimals is None:
        decimals = 1 if 0 < percent < 9.95 else 0
    return _signed(value, f"{percent:,.{decimals}f}%")


def count(value: float) -> str:
    """A whole number with thousands separators.

    Examples
    --------
    >>> count(135080)
    '135,080'
    """
    return MISSING if _missing(value) else _signed(value, f"{abs(round(value)):,}")


def number(value: float, decimals: int = 1) -> str:
    """A plain number with a fixed number of decimals.

    Examples
    --------
    >>> number(2.345), number(0.80, 2)
    ('2.3', '0.80')
    """
    return MISSING if _missing(value) else _signed(value, f"{abs(value):,.{decimals}f}")


def day(value: date) -> str:
    """A date as people write it.

    Examples
    --------
    >>> day(date(2026, 6, 30))
    '30 June 2026'
    """
    return f"{value.day} {value:%B %Y}"


_MONEY = {"money": money, "full_money": full_money, "exact_money": exact_money}
_PLAIN = {
    "share": share,
    "share1": partial(share, decimals=1),
    "count": count,
    "number": number,
    "number2": partial(number, decimals=2),
    "number3": partial(number, decimals=3),
    "day": day,
}


def written(value: object, kind: str, currency: str = "EUR") -> str:
    """Write a value in the format of this name, as sentences, tables and key figures name it.

    ``share1`` is a share with one decimal, ``number2`` a number with two, ``number3`` with three.

    Raises
    ------
    ValueError
        If there is no such format.

    Examples
    --------
    >>> written(412_305, "money"), written(0.6234, "share1"), written(2.5, "number2"), written(None, "count")
    ('€412k', '62.3%', '2.50', 'not known')
    """
    if kind in _MONEY:
        return _MONEY[kind](value, currency)
    if kind not in _PLAIN:
        raise ValueError(f"'{kind}' is not a format of the house; there are {', '.join([*_MONEY, *_PLAIN])}")
    return _PLAIN[kind](value)


def _three(value: float) -> str:
    decimals = 2 if value < 9.995 else 1 if value < 99.95 else 0
    return f"{value:,.{decimals}f}"


def _signed(value: float, text: str) -> str:
    """Put a minus before what is below zero, unless nothing is left of it after rounding."""
    return f"−{text}" if value < 0 and any(digit in text for digit in "123456789") else text


def _missing(value: float | None) -> bool:
    return value is None or not math.isfinite(value)
