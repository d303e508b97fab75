"""Purchase histories, laid out for likelihoods: checked once, and folded where customers are alike.

A history is three numbers: ``x`` repeat purchases, the last of them ``t_x`` after the first
purchase, seen until ``T`` after the first purchase. All times have one unit, any unit.
"""

from dataclasses import dataclass

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
        repeated = x > 0
        times, codes_T, codes_t = _numbered(T, t_x, repeated)
        count = len(times)
        own = weight[repeated] if weight is not None else None
        whole = x.astype(np.int32)
        repeats = x if weight is None else x * weight
        return cls(
            times=times,
            customers=float(len(x) if weight is None else weight.sum()),
            once_by_T=np.bincount(
                codes_T[~repeated], None if weight is None else weight[~repeated], count
            ).astype("float64"),
            all_by_T=np.bincount(codes_T, weight, count).astype("float64"),
            repeats_by_T=np.bincount(codes_T, repeats, count),
            by_x=np.bincount(whole, weight).astype("float64"),
            x=whole[repeated],
            t_x=codes_t,
            T=codes_T[repeated],
            weight=own,
        )

    def more_than(self, shift: int = 0) -> np.ndarray:
        """Customers with ``x + shift`` above 0, 1, 2, ...: how often each step of a product occurs."""
        tail = self.by_x[::-1].cumsum()[::-1]
        return tail[1 - shift :] if shift <= 1 else np.concatenate([np.full(shift - 1, tail[0]), tail])

    @property
    def repeats(self) -> float:
        """Repeat purchases of all."""
        return float(self.repeats_by_T.sum())

    @property
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
        values.append(column.to_numpy(dtype="float64"))
    x, t_x, T = values
    index = customers.index
    for name, value in zip(COLUMNS, values, strict=True):
        bad = ~(np.isfinite(value) & (value >= 0))
        refuse_some(bad, index, value, name, "finite numbers of 0 or more", "correct or leave out these rows")
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
    refuse_some(
        (x > 0) & (t_x == 0), index, x, "x", "t_x above 0 where x is above 0",
        "count purchases of one day once; the first purchase is no repeat",
    )  # fmt: skip
    refuse_some((x == 0) & (t_x > 0), index, t_x, "t_x", "t_x of 0 where x is 0", "set it to 0, or count x")
    return x, t_x, T


def _numbered(
    T: np.ndarray, t_x: np.ndarray, repeated: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Number the times: whole days number themselves, others by their place among the distinct ones."""
    last = t_x[repeated]
    top = float(T.max(initial=0.0))
    if top < _WHOLE_DAYS and not (T % 1).any() and not (last % 1).any():
        return np.arange(int(top) + 1.0), T.astype(np.int32), last.astype(np.int32)
    times, codes = np.unique(np.concatenate([[0.0], T, last]), return_inverse=True)
    codes = codes.astype(np.int32)
    return times, codes[1 : len(T) + 1], codes[len(T) + 1 :]


def _of(weight: np.ndarray | None, picked: slice) -> np.ndarray | None:
    return None if weight is None else weight[picked]
