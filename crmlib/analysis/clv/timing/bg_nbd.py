"""BG/NBD: irregular purchases, with a chance to leave after each repeat purchase."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import ClassVar

import numpy as np
import pandas as pd

from crmlib.analysis.clv.discounting import Schedule
from crmlib.analysis.clv.timing import geometric_dropout, until_gone
from crmlib.analysis.clv.timing.attrition import LatentAttrition
from crmlib.analysis.clv.timing.cells import Cells
from crmlib.analysis.clv.timing.histories import Histories, LogGrowth, checked
from crmlib.analysis.clv.timing.until_gone import expected_until_gone

_BLOCK = 32_768
_FEW, _DENSE = 200_000, 4_000_000


class BGNBD(LatentAttrition):
    """The beta-geometric/NBD model.

    While active, a customer buys as a Poisson process of rate λ, with λ from Gamma(r, α) over customers; after
    each repeat purchase the customer leaves with probability p, with p from Beta(a, b).

    A customer without a repeat purchase had no chance to leave: `predict_alive` is 1 for all of
    them, whatever the time since. That is an artefact of the model; `MBGNBD` does not have it.

    Attributes
    ----------
    params_ : Series
        ``r``, ``alpha`` (units of time), ``a``, ``b``.

    Notes
    -----
    Fader, Hardie & Lee (2005), Marketing Science 24:275-284: likelihood equation 6,
    expected purchases equation 9, conditional expectation equation 10; probability to be active from Fader,
    Hardie & Lee (2008), note 021.

    Examples
    --------
    >>> customers = pd.DataFrame({"x": [2, 1], "t_x": [30.43, 1.71], "T": [38.86, 38.86]}, index=["A", "B"])
    >>> model = BGNBD().with_params([0.2426, 4.4135, 0.7929, 2.4258])
    >>> model.predict_alive(customers).round(3).to_dict()
    {'A': 0.727, 'B': 0.212}
    >>> model.predict_orders(customers, 39.0).round(3).to_dict()
    {'A': 1.226, 'B': 0.203}
    """

    names: ClassVar[tuple[str, ...]] = geometric_dropout.NAMES
    scales: ClassVar[tuple[str, ...]] = ("alpha",)
    long_products: ClassVar[bool] = False
    #: Chances to leave before the first repeat purchase.
    first: ClassVar[int] = 0

    def curved(self, histories: Histories) -> Callable:
        """Return the log-likelihood as a function of the logarithms of r, alpha, a, b."""
        return partial(geometric_dropout.log_likelihood, histories=histories, first=self.first)

    def values(self, histories: Histories) -> Callable[[np.ndarray], np.ndarray]:
        """Return the log-likelihood at many points; see `LatentAttrition.values`."""
        return partial(geometric_dropout.values, histories=histories, first=self.first)

    def simulate(self, T: np.ndarray, rng: np.random.Generator) -> pd.DataFrame:
        """Draw customers; see `LatentAttrition.simulate`."""
        r, alpha, a, b = self._values
        T = np.asarray(T, dtype="float64")
        rate = rng.gamma(r, 1 / alpha, len(T))
        leaves = rng.beta(a, b, len(T))
        chances = rng.geometric(np.clip(leaves, 1e-12, 1.0))  # the chance at which the customer leaves
        x, t_x = np.zeros(len(T)), np.zeros(len(T))
        now = np.zeros(len(T))
        there = np.flatnonzero(chances > self.first)
        while len(there):
            now[there] += rng.standard_exponential(len(there)) / np.maximum(rate[there], 1e-300)
            there = there[now[there] <= T[there]]
            x[there] += 1
            t_x[there] = now[there]
            there = there[x[there] + self.first < chances[there]]
        alive = x + self.first < chances
        return pd.DataFrame({"x": x.astype("int64"), "t_x": t_x, "T": T, "rate": rate, "alive": alive})

    def draw_futures(
        self, customers: pd.DataFrame, ends: Sequence[float], rng: np.random.Generator
    ) -> np.ndarray:
        """Draw one possible future of each customer; see `LatentAttrition.draw_futures`."""
        r, alpha, a, b = self._values
        x, t_x, T = checked(customers)
        alive = rng.random(len(x)) < self._alive(x, t_x, T)
        rate = rng.gamma(r + x) / (alpha + T)
        leaves = rng.beta(a, b + x + self.first)
        left = np.where(alive, rng.geometric(np.clip(leaves, 1e-12, 1.0)), 0)
        found = np.empty((len(x), len(ends)), dtype=np.int64)
        for number, length in enumerate(np.diff(np.asarray(ends, dtype="float64"), prepend=0.0)):
            found[:, number] = np.minimum(rng.poisson(rate * length), left)
            left -= found[:, number]
        return found

    def _starts(self, histories: Histories) -> list[np.ndarray]:
        often = histories.exposure / max(histories.repeats, 1e-300)
        return [
            np.array([r, r * often * share, a, b])
            for r, share, a, b in (
                (0.5, 0.6, 1.0, 2.5),
                (1.0, 1.0, 0.1, 1.0),
                (4.0, 0.6, 0.5, 5.0),
                (200.0, 0.3, 1.0, 1.0),
                (0.3, 0.5, 200.0, 200.0),
            )
        ]

    def _alive(self, x: np.ndarray, t_x: np.ndarray, T: np.ndarray) -> np.ndarray:
        r, alpha, a, b = self._values
        growth = LogGrowth.of(alpha, t_x, T)
        found = np.empty(len(x))
        for start in range(0, len(x), _BLOCK):
            part = slice(start, start + _BLOCK)
            odds = found[part]
            growth.between(t_x[part], T[part], out=odds)
            chances = x[part] + self.first
            odds *= r + x[part]
            odds += np.log(a)
            odds -= self._log_stay(b, chances)
            with np.errstate(over="ignore"):
                np.exp(odds, out=odds)
            odds += 1
            np.divide(1, odds, out=odds)
        return found

    @staticmethod
    def _log_stay(b: float, chances: np.ndarray) -> np.ndarray:
        """Logarithm of what the odds to have left are divided by; without a chance to leave, infinite."""
        most = int(chances.max(initial=0.0))
        if most > len(chances):
            stay = np.where(chances > 0, b + chances - 1, np.inf)
            return np.log(stay)
        table = np.concatenate([[np.inf], np.log(b + np.arange(most))])
        return table.take(chances.astype(np.int32))

    def _ahead(self, cells: Cells, horizons: np.ndarray) -> np.ndarray:
        found = np.zeros((len(cells.x), len(horizons)))
        later = horizons > 0
        found[:, later] = self._summed(cells, horizons[later], np.eye(int(later.sum())))
        return found

    def _ahead_discounted(self, cells: Cells, schedule: Schedule) -> np.ndarray:
        return self._summed(cells, schedule.ends, schedule.by_total[:, None])[:, 0]

    def _summed(self, cells: Cells, horizons: np.ndarray, weights: np.ndarray) -> np.ndarray:
        """Weighted sums over horizons of the expected purchases of the active, shape (n_cells, n_sums).

        They depend smoothly on the time seen: where there are many times, their logarithms are
        interpolated at Chebyshev points of log(alpha + T).
        """
        r, alpha, a, b = self._values
        found = np.zeros((len(cells.x), weights.shape[1]))
        if not found.size:
            return found
        runs = cells.runs()
        counts = np.array([x for x, _ in runs])
        logs = np.log(alpha + cells.T)
        low, high = float(logs.min()), float(logs.max())
        count = until_gone.terms(low, high)
        seen, number = (logs, None) if len(logs) > _FEW else np.unique(logs, return_inverse=True)
        direct = len(seen) <= count
        at = seen if direct else until_gone.points(low, high, count)
        w = (horizons / np.exp(at)[:, None]).ravel()
        known = until_gone.expected_by_count(r, a, b + self.first, counts, w)
        known = (known.reshape(len(counts), len(at), len(horizons)) @ weights).transpose(0, 2, 1)
        place = until_gone.placed(seen, low, high)
        if not direct:
            known = until_gone.series(np.log(known))
        if not direct and number is not None and known[..., 0].size * len(seen) < _DENSE:
            known = np.exp(known @ np.polynomial.chebyshev.chebvander(place, count - 1).T)
            direct = True
        for own, (_, part) in zip(known, runs, strict=True):
            if direct:
                found[part] = own.take(number[part], axis=1).T
            else:
                there = place[part] if number is None else place[number[part]]
                found[part] = np.exp(np.polynomial.chebyshev.chebval(there, own.T)).T
        return found

    def _buys(self, cells: Cells, horizon: float) -> np.ndarray:
        r, alpha, _, _ = self._values
        return -np.expm1(-(r + cells.x) * np.log1p(horizon / (alpha + cells.T)))

    def _expected(self, times: np.ndarray) -> np.ndarray:
        r, alpha, a, b = self._values
        stayed = b / (a + b) if self.first else 1.0
        return stayed * expected_until_gone(r, a, b + self.first, times / alpha)
