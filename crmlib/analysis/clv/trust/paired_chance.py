"""Whether one forecast is better than another, or luckier with these customers.

Customers are drawn anew many times; both methods are scored on the same draw, so that what moves
both falls out of their difference.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from crmlib.analysis.clv.trust.forecast_scores import Ordered
from crmlib.analysis.clv.trust.hold_out import HoldOut

_BLOCK = 4_000_000


@dataclass(frozen=True)
class PickedApart:
    """Money of the customers that each method picks, and how far apart two methods are.

    Attributes
    ----------
    money : Series
        Picked money by method, over all origins.
    resampled : DataFrame of shape (n_resamples, n_methods)
        The same with the customers drawn anew.
    level : float
        Level of the intervals.
    """

    money: pd.Series
    resampled: pd.DataFrame
    level: float

    def more(self, one: str, other: str) -> tuple[float, float, float]:
        """Return how much more one picks than the other, with the interval."""
        tails = [(1 - self.level) / 2, (1 + self.level) / 2]
        low, high = np.quantile(self.resampled[one] - self.resampled[other], tails)
        return float(self.money[one] - self.money[other]), float(low), float(high)

    def from_all(self, chosen: str) -> pd.DataFrame:
        """Return how much more the chosen method picks than each."""
        rows = {name: self.more(chosen, name) for name in self.money.index}
        found = pd.DataFrame.from_dict(rows, orient="index", columns=["picked_less", "low", "high"])
        return found.assign(by_chance=(found["low"] <= 0) & (found["high"] >= 0)).rename_axis("method")

    def best_of(self, names: Sequence[str], left: Sequence[str], error_size: pd.Series) -> str:
        """Return the most accurate total of those `names` whose pick no method `left` beats beyond chance.

        The largest pick of `names` is kept in any case.
        """
        top = self.money[list(names)].idxmax()
        kept = [name for name in names if all(self.more(other, name)[1] <= 0 for other in left)]
        return error_size[sorted({top, *kept}, key=list(names).index)].idxmin()


def resampled(
    held: Sequence[HoldOut], methods: Sequence[str], share: float, n_resamples: int, seed: int
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Score methods with the customers drawn anew, a customer with all origins being one unit.

    Parameters
    ----------
    held : sequence of HoldOut
        One per origin.
    methods : sequence of str
        Those with a forecast at every origin.
    share : float
        Share of the customers picked by forecast money.
    n_resamples, seed : int

    Returns
    -------
    picked, error : DataFrame of shape (n_resamples, n_methods)
        Actual money of the picked customers, summed over origins; and the size of the error of the total as a share
        of the actual money, averaged over origins.

    Notes
    -----
    Efron & Tibshirani (1993), An Introduction to the Bootstrap, chapter 13: percentile intervals.
    """
    everybody = held[0].actual.index
    for one in held[1:]:
        everybody = everybody.union(one.actual.index)
    size, methods = len(everybody), list(methods)
    rng = np.random.default_rng([seed, size])
    origins = [_Origin.of(one, methods, everybody, share) for one in held]
    picked, error = np.zeros((n_resamples, len(methods))), np.zeros((n_resamples, len(methods)))
    step = max(1, min(n_resamples, _BLOCK // size))
    for start in range(0, n_resamples, step):
        rows = slice(start, min(start + step, n_resamples))
        count = rows.stop - start
        times = np.stack(
            [np.bincount(rng.integers(0, size, size, dtype=np.int32), minlength=size) for _ in range(count)]
        )
        for origin in origins:
            weight = times[:, origin.places].astype("float64")
            totals = weight @ origin.columns
            error[rows] += np.abs(totals[:, :-1] / totals[:, -1:] - 1) / len(held)
            for column, first in enumerate(origin.firsts):
                picked[rows, column] += first.picked(weight, share)
    return pd.DataFrame(picked, columns=methods), pd.DataFrame(error, columns=methods)


def error_apart(size: pd.Series, error: pd.DataFrame, tolerance: float, level: float) -> pd.DataFrame:
    """Compare the error of each total with that of the most accurate method.

    Parameters
    ----------
    size : Series
        Size of the error by method, a share of the actual money.
    error : DataFrame
        The same with the customers drawn anew; see `resampled`.
    tolerance, level : float

    Returns
    -------
    DataFrame
        ``error_more`` with its interval ``error_low``, ``error_high``, and ``total_clearly_worse``: above the
        tolerance, and the interval above 0.
    """
    first = size.idxmin()
    more = error.sub(error[first], axis=0)
    low, high = (more.quantile(tail) for tail in ((1 - level) / 2, (1 + level) / 2))
    found = pd.DataFrame({"error_more": size - size[first], "error_low": low, "error_high": high})
    worse = (found["error_more"] > tolerance) & (found["error_low"] > 0)
    return found.assign(total_clearly_worse=worse).loc[size.index]


@dataclass(frozen=True)
class _First:
    """The customers that a method may pick, the highest forecast first, in steps of equal forecasts."""

    order: np.ndarray
    ends: np.ndarray
    money: np.ndarray

    @classmethod
    def of(cls, forecast: np.ndarray, money: np.ndarray, share: float) -> "_First":
        ordered = Ordered.by(forecast)
        size = len(money)
        # No draw that ever comes up reaches further down than this, or not by anything that can be seen.
        deepest = size * share + 8 * np.sqrt(size * share) + 8
        steps = min(int(np.searchsorted(ordered.ends, deepest)) + 1, len(ordered.ends))
        ends = ordered.ends[:steps]
        order = ordered.order[: ends[-1] + 1]
        return cls(order, ends, money[order])

    def picked(self, weight: np.ndarray, share: float) -> np.ndarray:
        """Money of the picked for each row of weights, shape (n_rows,)."""
        wanted = share * weight.sum(axis=1)
        found = np.empty(len(weight))
        for row, own in enumerate(weight):
            times = own[self.order]
            place, money = np.cumsum(times)[self.ends], np.cumsum(times * self.money)[self.ends]
            found[row] = np.interp(wanted[row], np.append(0.0, place), np.append(0.0, money))
        return found


@dataclass(frozen=True)
class _Origin:
    """One origin, laid out for draws: forecasts and, as the last column, what came."""

    places: np.ndarray
    columns: np.ndarray
    firsts: list[_First]

    @classmethod
    def of(cls, held: HoldOut, methods: list[str], everybody: pd.Index, share: float) -> "_Origin":
        came = held.actual["money"].to_numpy("float64")
        forecasts = held.money[methods].to_numpy("float64")
        firsts = [_First.of(column, came, share) for column in forecasts.T]
        places = everybody.get_indexer(held.actual.index)
        return cls(places, np.column_stack([forecasts, came]), firsts)
