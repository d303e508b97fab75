"""Purchase histories, laid out for likelihoods: checked once, and folded where customers are alike.

A history is three numbers: ``x`` repeat purchases, the last of them ``t_x`` after the first
purchase, seen until ``T`` after the first purchase. All times have one unit, any unit.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from crmlib.analysis.clv.refusals import refuse, refuse_some
from crmlib.errors import DataError, TooLittleData

COLUMNS = ("x", "t_x", "T")
_WHOLE_DAYS = 50_000


@dataclass(frozen=True)
class Histories:
    """Histories of many customers, as sums over what the likelihoods cannot tell apart.

    A likelihood needs of a customer without repeats only ``T``, and of the others all three
    numbers in one term alone. So the first are a histogram, and the rest of the terms read
    histograms, too. Times are numbers in a sorted table, which makes a logarithm of a time a
    lookup; whole days make the smallest table, any other times work as well.

    Attributes
    ----------
    times : ndarray of shape (n_times,)
        The distinct times, sorted; time 0 is among them.
    customers : float
        Customers, or the sum of their weights.
    once_by_T, all_by_T, repeats_by_T : ndarray of shape (n_times,)
        By number of ``T``: customers without repeats, all customers, and repeat purchases.
    by_x : ndarray of shape (x_max + 1,)
        Customers by ``x``.
    x, t_x, T : ndarray of shape (n_repeaters,)
        Of each customer with repeats: ``x``, and the numbers of the two times.
    weight : ndarray of shape (n_repeaters,) or None
        Weights of these; None where all are 1.
    """

    times: np.ndarray
    customers: float
    once_by_T: np.ndarray
    all_by_T: np.ndarray
    repeats_by_T: np.ndarray
    by_x: np.ndarray
    x: np.ndarray
    t_x: np.ndarray
    T: np.ndarray
    weight: np.ndarray | None

    @classmethod
    def of(cls, customers: pd.DataFrame, weight: np.ndarray | None = None) -> "Histories":
        """Check histories and fold them.

        Parameters
        ----------
        customers : DataFrame of shape (n_customers, 3 or more)
            Columns ``x``, ``t_x``, ``T``.
        weight : ndarray of shape (n_customers,), optional
            How often each customer counts.

        Raises
        ------
        DataError
            If a history cannot be one; the message names the first customers.
        TooLittleData
            If there are fewer than two customers, or nobody bought again.
        """
        found = cls.of_any(customers, weight)
        if len(customers) < 2 or not found.repeats > 0:
            raise TooLittleData(
                f"{len(customers):,} customer{'s' * (len(customers) != 1)}, of whom {len(found.x):,} bought again",
                "two customers or more, one of them with a repeat purchase",
                "take more customers or a longer time; without a repeat nothing can be learnt about repeats",
            )
        return found

    @classmethod
    def of_any(cls, customers: pd.DataFrame, weight: np.ndarray | None = None) -> "Histories":
        """Check and fold histories that may be few and without repeats: a part of a larger base."""
        x, t_x, T = checked(customers)
        if weight is not None:
            weight = np.asarray(weight, dtype="float64")
            if weight.shape != x.shape:
                raise DataError(
                    f"weights of shape {weight.shape} for {len(x):,} customers",
                    "one per customer",
                    "correct them",
                )
            bad = ~(np.isfinite(weight) & (weight >= 0))
            refuse_some(bad, customers.index, weight, "weights", "numbers of 0 or more", "correct them")
        repeaters = np.flatnonzero(x)
        times, codes_T, codes_t = _numbered(T, t_x.take(repeaters))
        count = len(times)
        whole, again = x.take(repeaters).astype(np.int32), codes_T.take(repeaters)
        own = None if weight is None else weight.take(repeaters)
        all_by_T = np.bincount(codes_T, weight, count).astype("float64")
        by_x = np.bincount(whole, own, 1).astype("float64")
        if weight is None:
            once_by_T = all_by_T - np.bincount(again, minlength=count)
            by_x[0] = len(x) - len(whole)
        else:
            once = x == 0
            once_by_T = np.bincount(codes_T[once], weight[once], count).astype("float64")
            by_x[0] = once_by_T.sum()
        return cls(
            times=times,
            customers=float(len(x) if weight is None else weight.sum()),
            once_by_T=once_by_T,
            all_by_T=all_by_T,
            repeats_by_T=np.bincount(again, whole if own is None else whole * own, count),
            by_x=by_x,
            x=whole,
            t_x=codes_t,
            T=again,
            weight=own,
        )

    def more_than(self, shift: int = 0) -> np.ndarray:
        """Customers with ``x + shift`` above 0, 1, 2, ...: how often each step of a product occurs."""
        tail = self._tail
        return tail[1 - shift :] if shift <= 1 else np.concatenate([np.full(shift - 1, tail[0]), tail])

    @cached_property
    def _tail(self) -> np.ndarray:
        """Customers with ``x`` of 0, 1, 2, ... or more."""
        return np.ascontiguousarray(self.by_x[::-1].cumsum()[::-1])

    @cached_property
    def repeats(self) -> float:
        """Repeat purchases of all."""
        return float(self.repeats_by_T.sum())

    @cached_property
    def exposure(self) -> float:
        """Time seen, of all customers together."""
        return float(self.all_by_T @ self.times)

    def part(self, step: int) -> "Histories":
        """Return every `step`-th repeater with the rest scaled to match: a start for a fit."""
        if step <= 1:
            return self
        picked = slice(None, None, step)
        share = len(self.x[picked]) / len(self.x)
        by_x = np.bincount(self.x[picked], _of(self.weight, picked), len(self.by_x)).astype("float64")
        count = len(self.times)
        by_T = np.bincount(self.T[picked], _of(self.weight, picked), count)
        own = self.x[picked] if self.weight is None else self.x[picked] * self.weight[picked]
        by_x[0] = self.by_x[0] * share
        once = self.once_by_T * share
        return Histories(
            self.times, self.customers * share, once, once + by_T,
            np.bincount(self.T[picked], own, count), by_x,
            self.x[picked], self.t_x[picked], self.T[picked], _of(self.weight, picked),
        )  # fmt: skip


def checked(customers: pd.DataFrame) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return ``x``, ``t_x`` and ``T`` as floats, or say which customers have a history that cannot be.

    Raises
    ------
    DataError
        Found, expected and what to do, with the first customers by name.
    """
    missing = [name for name in COLUMNS if name not in customers.columns]
    if missing:
        raise DataError(
            f"a table without {', '.join(missing)}",
            f"the columns {', '.join(COLUMNS)}",
            "build it with crmlib.analysis.clv.purchases.summary.purchase_summary",
        )
    values = []
    for name in COLUMNS:
        column = customers[name]
        if column.dtype.kind not in "iuf":
            raise DataError(
                f"column {name} of type {column.dtype}", "numbers", "give times as numbers of one unit"
            )
        values.append(column.to_numpy())
    x, t_x, T = values
    index = customers.index
    for name, value in zip(COLUMNS, values, strict=True):
        # NaN is neither; the look at each customer is for those who have to be named.
        if len(value) and not (value.min() >= 0 and value.max() < np.inf):
            bad = ~(np.isfinite(value) & (value >= 0))
            refuse_some(
                bad, index, value, name, "finite numbers of 0 or more", "correct or leave out these rows"
            )
    if x.dtype.kind == "f":
        refuse_some(x != np.floor(x), index, x, "x", "whole numbers of repeat purchases", "count purchases")
    late = t_x > T
    if late.any():
        ratio = float(np.median(t_x[late] / np.maximum(T[late], 1e-300)))
        hint = "; are t_x and T in one unit, such as days?" if late.sum() * 2 > (x > 0).sum() else ""
        refuse(
            late, index, f"t_x above T, for example {t_x[late][0]:g} above {T[late][0]:g}",
            "the last repeat purchase within the time seen",
            f"check the times (t_x is {ratio:.3g} times T in the middle of these){hint}",
        )  # fmt: skip
    bought = x > 0
    odd = bought != (t_x > 0)
    if odd.any():
        refuse_some(
            odd & bought, index, x, "x", "t_x above 0 where x is above 0",
            "count purchases of one day once; the first purchase is no repeat",
        )  # fmt: skip
        refuse_some(odd, index, t_x, "t_x", "t_x of 0 where x is 0", "set it to 0, or count x")
    x, t_x, T = (value.astype("float64", copy=False) for value in values)
    return x, t_x, T


def _numbered(T: np.ndarray, last: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Number the times: whole days number themselves, others by their place among the distinct ones."""
    top = float(T.max(initial=0.0))
    if top < _WHOLE_DAYS:
        days, last_days = T.astype(np.int32), last.astype(np.int32)
        if (days == T).all() and (last_days == last).all():
            return np.arange(int(top) + 1.0), days, last_days
    times, codes = np.unique(np.concatenate([[0.0], T, last]), return_inverse=True)
    codes = codes.astype(np.int32)
    return times, codes[1 : len(T) + 1], codes[len(T) + 1 :]


@dataclass(frozen=True)
class LogGrowth:
    """Logarithm of (scale + late) / (scale + early) for pairs of times, from a table where they are whole days.

    Attributes
    ----------
    scale : float
    table : ndarray of shape (n_days,) or None
        Logarithm of (scale + day) / scale; None where times are others.
    """

    scale: float
    table: np.ndarray | None

    @classmethod
    def of(cls, scale: float, early: np.ndarray, late: np.ndarray) -> "LogGrowth":
        """Look at the times of all customers.

        Examples
        --------
        >>> early, late = np.array([0.0]), np.array([1.0])
        >>> LogGrowth.of(1.0, early, late).between(early, late).round(4).tolist()
        [0.6931]
        """
        top = float(late.max(initial=0.0))
        if top < min(len(late), _WHOLE_DAYS) and all((t == np.floor(t)).all() for t in (late, early)):
            return cls(scale, np.log1p(np.arange(top + 1) / scale))
        return cls(scale, None)

    def between(self, early: np.ndarray, late: np.ndarray, out: np.ndarray | None = None) -> np.ndarray:
        """Return the logarithms for some of these customers."""
        if self.table is None:
            return np.log1p((late - early) / (self.scale + early), out=out)
        days = [self.table.take(times.astype(np.int32)) for times in (late, early)]
        return np.subtract(*days, out=out)


def _of(weight: np.ndarray | None, picked: slice) -> np.ndarray | None:
    return None if weight is None else weight[picked]
