"""Forecasts without a model: what a company could do with a table and an afternoon.

A model has to earn its place. Each forecast here is learned from what was known some time ago and
what came of it since, and is then made for the customers of today. All of them answer the same
question as the models: purchase days and net sales of each customer within a horizon.

That rules of thumb can pick future best customers as well as models was shown by Wübben & von Wangenheim (2008),
Journal of Marketing 72:82-93.
"""

from datetime import date, timedelta
from itertools import pairwise
from typing import Protocol, Self

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from crmlib.analysis.clv.purchases.purchase_log import PurchaseLog
from crmlib.errors import ParameterError, TooLittleData

OUTCOMES = ["purchases", "money"]


class Baseline(Protocol):
    """What all forecasts of this module can do."""

    #: Whether the data must reach a horizon and more behind the day of the forecast.
    learns: bool

    def fit(self, log: PurchaseLog, horizon_days: int) -> Self:
        """Learn from a log what follows within a horizon; nothing after its last day has any part in it."""

    def predict(self, log: PurchaseLog) -> pd.DataFrame:
        """Forecast ``purchases`` (days) and ``money`` (net sales) of all customers of a log, after its end."""


class SameAgain(BaseEstimator):
    """The last stretch as long as the horizon comes once more: for a year, last year's purchases and sales.

    Notes
    -----
    Definition of this project. Customers who have left or come since are not thought of.

    Examples
    --------
    >>> import ibis
    >>> bought = {"customer_id": ["A", "A"], "day": [date(2025, 2, 1), date(2026, 2, 1)], "net_sales": [9.0, 7.0]}
    >>> log = PurchaseLog.of(ibis.memtable(bought), date(2026, 6, 30))
    >>> SameAgain().fit(log, 365).predict(log)
                 purchases  money
    customer_id
    A                  1.0    7.0
    """

    learns = False

    def fit(self, log: PurchaseLog, horizon_days: int) -> Self:
        """Remember the horizon (days)."""
        self.horizon_days_ = _days(horizon_days)
        return self

    def predict(self, log: PurchaseLog) -> pd.DataFrame:
        """Forecast; see `Baseline.predict`."""
        check_is_fitted(self)
        return _before(log, log.last, self.horizon_days_, log.histories().index).astype("float64")


class CarriedOver(SameAgain):
    """The last stretch comes once more, times the share that was carried over from one stretch to the next.

    The share is that of all customers together: what those of a horizon ago have brought since, over what
    they had brought in the stretch before. The order of customers is that of `SameAgain`.

    Attributes
    ----------
    carried_ : Series
        Share of ``purchases`` and of ``money`` carried over.

    Notes
    -----
    Definition of this project; ratio of totals. Where the data did not reach a horizon and a horizon back, the
    stretch before is shorter and counts in proportion.
    """

    learns = True

    def fit(self, log: PurchaseLog, horizon_days: int) -> Self:
        """Learn the share carried over from the last two stretches of the log."""
        super().fit(log, horizon_days)
        then, came = _lesson(log, horizon_days)
        reach = min(horizon_days, (then.last - log.first).days + 1)
        had = _before(log, then.last, reach, came.index).sum() * (horizon_days / reach)
        if (had <= 0).any():
            raise TooLittleData(
                f"no sales in the {reach} days to {then.last}", "sales to carry over", "shorten the horizon"
            )
        self.carried_ = (came.sum() / had).rename("carried")
        return self

    def predict(self, log: PurchaseLog) -> pd.DataFrame:
        """Forecast; see `Baseline.predict`."""
        return super().predict(log) * self.carried_


class RFMCells(BaseEstimator):
    """The mean outcome of the cell of recency, frequency and money that a customer is in.

    Cells are cut and their outcomes seen a horizon ago: who was in which cell then, and what
    each bought since. The cut-offs are kept, and applied to the customers of today.

    Recency is days since the last purchase. Frequency and money are purchase days and net sales of the last
    stretch as long as the horizon, or shorter where the data did not reach so far back then;
    the same length counts today.

    Parameters
    ----------
    classes : int
        Classes of each of the three, as equal in size as equal values allow: they share one class.
    fewest : int
        Customers a cell needs to speak for itself. With fewer, customers get the mean of their
        recency and frequency, then that of their recency, then that of all.

    Attributes
    ----------
    edges_ : dict of str to ndarray
        Highest value of each class but the last: ``recency_days``, ``purchases``, ``money``.
    cells_ : list of DataFrame
        From the finest to the coarsest cells: ``customers``, ``purchases``, ``money`` (means).
    window_days_ : int
        Length of the stretch for frequency and money.

    Notes
    -----
    Classes as in Hughes (1994), Strategic Database Marketing, but by average ranks; the fall-back is
    a definition of this project.
    """

    learns = True

    def __init__(self, classes: int = 4, fewest: int = 20):
        self.classes = classes
        self.fewest = fewest

    def fit(self, log: PurchaseLog, horizon_days: int) -> Self:
        """Cut the cells a horizon before the end of the log, and see what came of them."""
        if self.classes < 2 or self.fewest < 1:
            raise ParameterError(
                f"classes = {self.classes}, fewest = {self.fewest}",
                "two classes, one customer",
                "correct them",
            )
        then, came = _lesson(log, _days(horizon_days))
        self.window_days_ = min(horizon_days, (then.last - log.first).days + 1)
        standing = self._standing(then)
        self.edges_ = {name: _edges(standing[name], self.classes) for name in standing}
        keys = self._keys(standing)
        size = self.classes + 1
        self.cells_ = []
        for key, depth in zip(keys, (3, 2, 1, 0), strict=True):
            count = np.bincount(key, minlength=size**depth)
            means = {
                name: np.bincount(key, came[name], size**depth) / np.maximum(count, 1) for name in OUTCOMES
            }
            self.cells_.append(pd.DataFrame({"customers": count, **means}))
        return self

    def predict(self, log: PurchaseLog) -> pd.DataFrame:
        """Forecast; see `Baseline.predict`."""
        check_is_fitted(self)
        standing = self._standing(log)
        found = np.empty((len(standing), 2))
        open_ = np.ones(len(standing), dtype=bool)
        for key, cells in zip(self._keys(standing), self.cells_, strict=True):
            enough = cells["customers"].to_numpy()[key] >= (self.fewest if len(cells) > 1 else 1)
            found[open_ & enough] = cells[OUTCOMES].to_numpy()[key[open_ & enough]]
            open_ &= ~enough
        return pd.DataFrame(found, index=standing.index, columns=OUTCOMES)

    def _standing(self, log: PurchaseLog) -> pd.DataFrame:
        histories = log.histories()
        recent = _before(log, log.last, self.window_days_, histories.index)
        return pd.concat([histories["recency_days"], recent], axis=1)

    def _keys(self, standing: pd.DataFrame) -> list[np.ndarray]:
        """Number the cell of each customer, from the finest cells to one for all."""
        of = [np.searchsorted(self.edges_[name], standing[name].to_numpy()) for name in standing]
        size = self.classes + 1
        recency, frequency, money = of
        by_two = recency * size + frequency
        return [by_two * size + money, by_two, recency, np.zeros(len(standing), dtype=np.int64)]


class SegmentMarkov(BaseEstimator):
    """Customers move between classes of recency and frequency as they did lately, and bring what their class brings.

    The horizon is cut into `periods` parts: quarters, for a year. States are read at the end of
    a part, from the parts back to a horizon before: how long ago the last purchase was (this part, the
    part before, longer) by how many purchase days there were (1, 2 to 3, 4 or more), and one state
    for those without a purchase in all that time. Moves from one part to the next, and purchases and net sales of
    the next part by state, are those of the last horizon, all parts together; so seasons even
    out where the horizon is whole years. Forecasts chain as many parts as the horizon has.

    Parameters
    ----------
    periods : int
        Parts of the horizon.

    Attributes
    ----------
    transitions_ : DataFrame of shape (n_states, n_states)
        Probability to be in each state a part later. A state nobody was in is kept.
    rewards_ : DataFrame of shape (n_states, 3)
        ``customers`` seen in the state, and their mean ``purchases`` and ``money`` in the next part; the mean
        of all in a state nobody was in.

    Notes
    -----
    Pfeifer & Carraway (2000), Journal of Interactive Marketing, with a finite horizon and no discount; the
    states are a definition of this project.
    """

    learns = True

    def __init__(self, periods: int = 4):
        self.periods = periods

    def fit(self, log: PurchaseLog, horizon_days: int) -> Self:
        """Learn the moves within the last horizon of the log."""
        if self.periods < 1 or _days(horizon_days) < self.periods:
            raise ParameterError(
                f"periods = {self.periods} in {horizon_days} days",
                "parts of a day or more",
                "take fewer parts",
            )
        self.horizon_days_ = int(horizon_days)
        _lesson(log, horizon_days)
        size = len(STATES)
        moves, seen, brought = np.zeros((size, size)), np.zeros(size), np.zeros((size, 2))
        ends = self._ends(log.last)
        for start, end in pairwise(ends):
            at_start, at_end = self._states(log.until(start)), self._states(log.until(end))
            state, later = at_start.to_numpy(), at_end.reindex(at_start.index).to_numpy()
            moves += np.bincount(state * size + later, minlength=size**2).reshape(size, size)
            seen += np.bincount(state, minlength=size)
            came = log.sums(start + timedelta(days=1), end, at_start.index)
            for column, name in enumerate(OUTCOMES):
                brought[:, column] += np.bincount(state, came[name], size)
        empty = seen == 0
        moves[empty] = np.eye(size)[empty]
        brought[empty] = brought.sum(axis=0) / seen.sum()
        each = np.where(empty, 1.0, seen)[:, None]
        self.transitions_ = pd.DataFrame(moves / each, index=STATES, columns=STATES)
        self.rewards_ = pd.DataFrame(brought / each, index=STATES, columns=OUTCOMES)
        self.rewards_.insert(0, "customers", seen.astype("int64"))
        return self

    def predict(self, log: PurchaseLog) -> pd.DataFrame:
        """Forecast; see `Baseline.predict`."""
        check_is_fitted(self)
        states = self._states(log)
        ahead, moves = self.rewards_[OUTCOMES].to_numpy(), self.transitions_.to_numpy()
        total = np.zeros_like(ahead)
        for _ in range(self.periods):
            total += ahead
            ahead = moves @ ahead
        return pd.DataFrame(total[states.to_numpy()], index=states.index, columns=OUTCOMES)

    def _ends(self, last: date) -> list[date]:
        """Ends of the parts up to a day, and of the one before them."""
        back = [round(self.horizon_days_ * part / self.periods) for part in range(self.periods, -1, -1)]
        return [last - timedelta(days=days) for days in back]

    def _states(self, log: PurchaseLog) -> pd.Series:
        histories = log.histories()
        part = self.horizon_days_ / self.periods
        age = np.minimum(histories["recency_days"].to_numpy() // part, 2).astype(np.int64)
        often = _before(log, log.last, self.horizon_days_, histories.index)["purchases"].to_numpy()
        state = age * len(_OFTEN) + np.searchsorted(_OFTEN, often, side="right") - 1
        gone = histories["recency_days"].to_numpy() >= self.horizon_days_
        return pd.Series(np.where(gone, len(STATES) - 1, state), index=histories.index, name="state")


#: Fewest purchase days of each class of frequency.
_OFTEN = np.array([1, 2, 4])
#: States of `SegmentMarkov`: when the last purchase was, and how many there were.
STATES = [
    f"{when} {often}" for when in ("this part", "part before", "longer") for often in ("1", "2-3", "4+")
]
STATES.append("none")


def _lesson(log: PurchaseLog, horizon_days: int) -> tuple[PurchaseLog, pd.DataFrame]:
    """Return what was known a horizon before the end of the log, and what came of those customers since."""
    then = log.until(log.last - timedelta(days=int(horizon_days)))
    customers = then.histories().index
    if not len(customers):
        raise TooLittleData(
            f"no customer {horizon_days} days before {log.last}",
            "customers who were there a horizon ago, to learn from what they did since",
            "shorten the horizon, or use a forecast that needs no such lesson",
        )
    return then, _before(log, log.last, horizon_days, customers)


def _before(log: PurchaseLog, last: date, days: int, customers: pd.Index) -> pd.DataFrame:
    """Purchases and money of the last `days` days up to a day."""
    return log.sums(last - timedelta(days=int(days) - 1), last, customers)


def _edges(values: pd.Series, classes: int) -> np.ndarray:
    """Return the highest value of each class but the last: classes of equal size by average rank."""
    known = np.sort(values.to_numpy(dtype="float64"))
    distinct, first, count = np.unique(known, return_index=True, return_counts=True)
    rank = (first + (count + 1) / 2) / (len(known) + 1)
    number = np.minimum((rank * classes).astype(np.int64), classes - 1)
    return distinct[:-1][number[1:] > number[:-1]]


def _days(horizon_days: int) -> int:
    if isinstance(horizon_days, bool) or int(horizon_days) != horizon_days or horizon_days < 1:
        raise ParameterError(f"horizon_days = {horizon_days}", "whole days, 1 or more", "correct it")
    return int(horizon_days)
