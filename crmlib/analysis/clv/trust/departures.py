"""How large a departure from an assumption is, and whether that matters.

One rule decides all checks: an assumption does *not* hold where the estimate is beyond the limit and
its interval leaves out "no departure"; it holds where the whole interval lies within the limits; in between
nobody can tell. In a large base harmless departures are significant, and in a small one
harmful ones are not: neither alone is an answer.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from crmlib.errors import ParameterError

#: What each assumption moves where it does not hold.
AFFECTS: Mapping[str, tuple[str, ...]] = {
    "spend": ("money", "total", "prospect"),
    "stationarity": ("orders", "total", "prospect"),
    "season": ("orders", "total", "prospect"),
    "censoring": ("orders", "alive", "total", "prospect"),
    "regularity": ("orders", "alive"),
    "rehearsal": ("orders", "alive", "total", "prospect"),
}


@dataclass(frozen=True)
class Check:
    """One assumption, and what the data say about it.

    Attributes
    ----------
    name : {'spend', 'stationarity', 'season', 'censoring', 'regularity', 'rehearsal'}
    statistic : float
        Size of the departure; NaN where it cannot be estimated.
    low, high : float
        Its interval; NaN where there is none.
    limit : float
        What `statistic` may reach. For ratios, in either direction: 1.25 stands for 0.8, too.
    holds : bool or None
        None: cannot be told.
    affects : tuple of str
        What it moves where it does not hold, of ``money`` (per purchase), ``orders`` (of each customer),
        ``alive`` (probabilities to be active), ``total`` (of the base) and ``prospect`` (a new
        customer's value).
    numbers : dict
        What a sentence about it may need.
    """

    name: str
    statistic: float
    low: float
    high: float
    limit: float
    holds: bool | None
    affects: tuple[str, ...]
    numbers: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(
        cls, name: str, statistic: float, low: float, high: float, limit: float,
        holds: bool | None, numbers: Mapping[str, Any],
    ) -> "Check":  # fmt: skip
        """Return a check of one of the names of `AFFECTS`."""
        return cls(
            name, float(statistic), float(low), float(high), limit, holds, AFFECTS[name], dict(numbers)
        )

    @classmethod
    def unknown(cls, name: str, limit: float, numbers: Mapping[str, Any]) -> "Check":
        """Return a check that there is too little data for."""
        return cls.of(name, *[float("nan")] * 3, limit, None, numbers)


def for_simple(checks: Sequence[Check], new_customer_days: float) -> list[Check]:
    """Return checks with what they move where a simple forecast gives the values, and a model chances to be active.

    A simple forecast of purchases assumes nothing about rates, beginnings or regularity; its value still holds the
    money of a purchase, and the season of the months it reaches to.

    Parameters
    ----------
    checks : sequence of Check
        Season for the reach of the simple forecast.
    new_customer_days : float
        How far ahead a new customer is valued, by the model.
    """
    # Within three days of whole years, seasons play no part for new customers.
    apart = abs(new_customer_days / 365.25 - round(new_customer_days / 365.25)) * 365.25
    moved = {
        "spend": ("money", "total", "prospect"),
        "stationarity": ("prospect",),
        "season": ("orders", "total") if apart <= 3 else ("orders", "total", "prospect"),
        "censoring": ("alive", "prospect"),
        "regularity": ("alive",),
    }
    return [replace(check, affects=moved.get(check.name, check.affects)) for check in checks]


def ratio_holds(ratio: float, low: float, high: float, limit: float) -> bool | None:
    """Judge a ratio that is 1 where an assumption holds; `limit` is above 1 and stands for its inverse, too.

    Examples
    --------
    >>> ratio_holds(1.05, 0.95, 1.15, 1.25), ratio_holds(1.4, 1.1, 1.8, 1.25), ratio_holds(1.4, 0.9, 2.0, 1.25)
    (True, False, None)
    """
    if 1 / limit <= low and high <= limit:
        return True
    beyond = ratio > limit or ratio < 1 / limit
    return False if beyond and (low > 1 or high < 1) else None


def check_options(level: float, limit: float, least: float = 1.0) -> None:
    """Raise a `ParameterError` if a level is no probability, or a limit is `least` or less."""
    if not 0 < level < 1:
        raise ParameterError(f"level = {level}", "a probability between 0 and 1", "correct it")
    if not limit > least:
        raise ParameterError(f"limit = {limit}", f"a number above {least:g}", "correct it")
