"""What money later is worth today, with the timing of payments said out loud."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from crmlib.errors import ParameterError

DAYS_PER_YEAR = 365.25
Timing = Literal["start", "middle", "end"]
_SHARE_BEFORE = {"start": 1.0, "middle": 0.5, "end": 0.0}


@dataclass(frozen=True)
class Schedule:
    """Periods ahead, and what one euro in each of them is worth now.

    Attributes
    ----------
    ends : ndarray of shape (n_periods,)
        Ends of the periods, in units of time from now.
    factors : ndarray of shape (n_periods,)
        Worth now of one euro paid in each period.
    timing : {'start', 'middle', 'end'}
        When in a period it is taken to be paid.
    annual_rate : float
        Discount rate per year.
    """

    ends: np.ndarray
    factors: np.ndarray
    timing: Timing
    annual_rate: float

    @classmethod
    def until(
        cls,
        horizon: float,
        annual_rate: float,
        period: float = DAYS_PER_YEAR / 12,
        timing: Timing = "middle",
        per_year: float = DAYS_PER_YEAR,
    ) -> "Schedule":
        """Cut the time up to a horizon into periods; the last one may be shorter.

        Parameters
        ----------
        horizon : float
            How far ahead, in units of time (days, unless `per_year` says otherwise).
        annual_rate : float
            Discount rate per year, 0.1 for 10 %; compounded.
        period : float
            Length of a period; a month of 30.4375 days by default.
        timing : {'start', 'middle', 'end'}
            When in a period money is taken to be paid. Values under ``start`` and ``end`` differ
            by the factor ``(1 + annual_rate) ** (period / per_year)``.
        per_year : float
            Units of time in a year: 365.25 for days, 52 for weeks as in the literature.

        Raises
        ------
        ParameterError
            If a length is not above 0, or the rate is -1 or less.

        Examples
        --------
        >>> year = Schedule.until(365.25, annual_rate=0.10, period=365.25, timing="end")
        >>> year.factors.round(4).tolist()
        [0.9091]
        """
        for name, value in (("horizon", horizon), ("period", period), ("per_year", per_year)):
            if not (np.isfinite(value) and value > 0):
                raise ParameterError(f"{name} = {value}", "a length of time above 0", f"correct {name}")
        if not (np.isfinite(annual_rate) and annual_rate > -1):
            raise ParameterError(
                f"annual_rate = {annual_rate}", "a rate per year above -1, such as 0.1 for 10 %", "correct it"
            )
        if timing not in _SHARE_BEFORE:
            raise ParameterError(f"timing = {timing!r}", "start, middle or end", "choose one of them")
        ends = np.append(np.arange(1, np.ceil(horizon / period - 1e-9)) * period, float(horizon))
        lengths = np.diff(ends, prepend=0.0)
        paid = (ends - _SHARE_BEFORE[timing] * lengths) / per_year
        return cls(ends, (1 + annual_rate) ** -paid, timing, annual_rate)

    @property
    def by_total(self) -> np.ndarray:
        """Weights of totals up to each end: their weighted sum is the sum of discounted increments."""
        return self.factors - np.append(self.factors[1:], 0.0)

    @property
    def horizon(self) -> float:
        """Length of all periods together."""
        return float(self.ends[-1])
