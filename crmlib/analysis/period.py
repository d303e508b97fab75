"""A stretch of whole months that ends on the last known day."""

from dataclasses import dataclass
from datetime import date, timedelta

import ibis
import pandas as pd

DAYS_PER_MONTH = 365.25 / 12


@dataclass(frozen=True)
class Period:
    """The days from `first` to `last`, both included.

    Attributes
    ----------
    first, last : datetime.date
        First and last day of the period.
    months : float
        Length in months. Whole for a period cut by `ending`; a fraction where
        the data begin later than the period would.

    Examples
    --------
    >>> year = Period.ending(date(2026, 6, 30), months=12)
    >>> print(year)
    1 July 2025 to 30 June 2026
    >>> print(year.previous())
    1 July 2024 to 30 June 2025
    """

    first: date
    last: date
    months: float

    @classmethod
    def ending(cls, last: date, months: int, known_since: date | None = None) -> "Period":
        """Cut the last `months` months up to `last`, but not before `known_since`.

        Parameters
        ----------
        last : datetime.date
            Last day, usually ``as_of``.
        months : int
            Whole months wanted.
        known_since : datetime.date, optional
            First day with data. Where it lies inside the period, the period
            starts there and `months` becomes days divided by 30.4375.
        """
        first = (pd.Timestamp(last + timedelta(days=1)) - pd.DateOffset(months=months)).date()
        if known_since is None or known_since <= first:
            return cls(first, last, months)
        return cls(known_since, last, ((last - known_since).days + 1) / DAYS_PER_MONTH)

    def previous(self) -> "Period":
        """Return the period of the same length just before this one."""
        if self.months != int(self.months):
            length = (self.last - self.first).days + 1
            return Period(self.first - timedelta(days=length), self.first - timedelta(days=1), self.months)
        return Period.ending(self.first - timedelta(days=1), int(self.months))

    def compared(self, known_since: date) -> tuple["Period", "Period"] | None:
        """Return two periods of equal length to compare, the earlier first.

        The period before this one and this one, where the data reach back far enough; else
        the two halves of this period; None where a half would be shorter than a month.

        Examples
        --------
        >>> year = Period.ending(date(2026, 6, 30), months=12)
        >>> [str(part) for part in year.compared(known_since=date(2025, 3, 1))]
        ['1 July 2025 to 31 December 2025', '1 January 2026 to 30 June 2026']
        """
        if self.previous().first >= known_since:
            return self.previous(), self
        half = Period.ending(self.last, int(self.months) // 2) if self.months >= 2 else None
        return (half.previous(), half) if half else None

    def series(self, known_since: date) -> list["Period"]:
        """Return all neighbouring periods that the data hold, of the length `compared` takes.

        Two or more, the earliest first; empty where nothing can be compared.

        Examples
        --------
        >>> year = Period.ending(date(2026, 6, 30), months=12)
        >>> [part.first.year for part in year.series(known_since=date(2023, 7, 1))]
        [2023, 2024, 2025]
        """
        found = list(self.compared(known_since) or ())
        while found and found[0].previous().first >= known_since:
            found.insert(0, found[0].previous())
        return found

    def covers(self, day: ibis.Value) -> ibis.Value:
        """Return the condition that the date or timestamp expression `day` lies in the period."""
        end = self.last + timedelta(days=1)
        return (day >= ibis.literal(self.first)) & (day < ibis.literal(end))

    @property
    def whole_years(self) -> bool:
        """Whether it is one or several whole years, so that seasons play no part."""
        return self.months >= 12 and self.months % 12 == 0

    @property
    def in_words(self) -> str:
        """Length and end, as in ``12 months to 30 June 2026``."""
        if self.months == int(self.months):
            return f"{int(self.months)} month{'s' * (self.months != 1)} to {_day(self.last)}"
        return f"{(self.last - self.first).days + 1} days to {_day(self.last)}"

    def __str__(self) -> str:
        return f"{_day(self.first)} to {_day(self.last)}"


def _day(day: date) -> str:
    return f"{day.day} {day:%B %Y}"
