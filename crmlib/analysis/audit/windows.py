"""Time cut into windows of whole months, counted back from the last known day."""

from dataclasses import dataclass
from datetime import date, timedelta

import ibis
import pandas as pd

from crmlib.analysis.period import DAYS_PER_MONTH


@dataclass(frozen=True)
class Windows:
    """Windows of equal length that end with the last known day.

    Counted back from the end, the last window is always whole. The first is cut short where the
    data begin inside it.

    Attributes
    ----------
    months : int
        Length of a window in months.
    firsts : tuple of datetime.date
        First day of each window, oldest first; the first of all is the first day with data.
    last : datetime.date
        Last day of the last window.
    cut : bool
        Whether the oldest window is cut short.

    Examples
    --------
    >>> quarters = Windows.back_from(date(2026, 6, 30), months=3, known_since=date(2025, 8, 15))
    >>> quarters.labels
    ('15 Aug–30 Sep 2025', 'Q4 2025', 'Q1 2026', 'Q2 2026')
    >>> quarters.cut, quarters.first_whole(date(2025, 11, 1))
    (True, 2)
    """

    months: int
    firsts: tuple[date, ...]
    last: date
    cut: bool

    @classmethod
    def back_from(cls, last: date, months: int, known_since: date) -> "Windows":
        """Cut the days from `known_since` to `last` into windows of `months` months."""
        after, firsts = pd.Timestamp(last + timedelta(days=1)), []
        while not firsts or firsts[0] > known_since:
            firsts.insert(0, (after - pd.DateOffset(months=months * (len(firsts) + 1))).date())
        cut = firsts[0] < known_since
        return cls(months, (known_since, *firsts[1:]), last, cut)

    def __len__(self) -> int:
        return len(self.firsts)

    @property
    def days(self) -> float:
        """Average length of a window in days."""
        return self.months * DAYS_PER_MONTH

    @property
    def lasts(self) -> tuple[date, ...]:
        """Last day of each window."""
        return (*(first - timedelta(days=1) for first in self.firsts[1:]), self.last)

    @property
    def labels(self) -> tuple[str, ...]:
        """Name of each window: quarter, month or year where it is one, else its first and last day."""
        return tuple(_label(*days) for days in zip(self.firsts, self.lasts, strict=True))

    def number(self, day: ibis.Value) -> ibis.Value:
        """Return the number of the window in which the date `day` lies; -1 before the first."""
        begun = [(day >= ibis.literal(first)).cast("int16") for first in self.firsts]
        return sum(begun[1:], begun[0]) - 1

    def holding(self, day: date) -> int:
        """Return the number of the window in which `day` lies; -1 before the first."""
        return sum(first <= day for first in self.firsts) - 1

    def first_whole(self, day: date) -> int:
        """Return the number of the first window that begins on `day` or later, at most the last."""
        return min(sum(first < day for first in self.firsts), len(self) - 1)


def _label(first: date, last: date) -> str:
    after = last + timedelta(days=1)
    months = (after.year - first.year) * 12 + after.month - first.month
    if first.day == 1 and after.day == 1:
        if months == 1:
            return f"{first:%b %Y}"
        if months == 3 and first.month % 3 == 1:
            return f"Q{first.month // 3 + 1} {first.year}"
        if months == 12 and first.month == 1:
            return str(first.year)
        between = "" if first.year == last.year else f" {first.year}"
        return f"{first:%b}{between}–{last:%b %Y}"
    between = "" if first.year == last.year else f" {first.year}"
    return f"{first.day} {first:%b}{between}–{last.day} {last:%b %Y}"
