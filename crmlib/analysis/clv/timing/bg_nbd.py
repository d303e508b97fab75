"""BG/NBD: irregular purchases, with a chance to leave after each repeat purchase."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import ClassVar

import numpy as np
import pandas as pd
from scipy.special import expit

from crmlib.analysis.clv.timing import geometric_dropout
from crmlib.analysis.clv.timing.attrition import LatentAttrition
from crmlib.analysis.clv.timing.cells import Cells
from crmlib.analysis.clv.timing.histories import Histories, checked
from crmlib.analysis.clv.timing.until_gone import expected_until_gone


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
        chances = x + self.first
        odds = np.log(a) - np.log(np.where(chances > 0, b + chances - 1, 1.0))
        odds += (r + x) * np.log1p((T - t_x) / (alpha + t_x))
        return np.where(chances > 0, expit(-odds), 1.0)

    def _ahead(self, cells: Cells, horizons: np.ndarray) -> np.ndarray:
        r, alpha, a, b = self._values
        found = np.empty((len(cells.x), len(horizons)))
        for x, part in cells.runs():
            w = horizons / (alpha + cells.T[part, None])
            found[part] = expected_until_gone(r + x, a, b + x + self.first, w)
        return found

    def _buys(self, cells: Cells, horizon: float) -> np.ndarray:
        r, alpha, _, _ = self._values
        return -np.expm1(-(r + cells.x) * np.log1p(horizon / (alpha + cells.T)))

    def _expected(self, times: np.ndarray) -> np.ndarray:
        r, alpha, a, b = self._values
        stayed = b / (a + b) if self.first else 1.0
        return stayed * expected_until_gone(r, a, b + self.first, times / alpha)
