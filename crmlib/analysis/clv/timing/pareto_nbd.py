"""Pareto/NBD: irregular purchases, and an end that may come at any time."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import ClassVar

import numpy as np
import pandas as pd

from crmlib.analysis.clv.timing import pareto_likelihood
from crmlib.analysis.clv.timing.attrition import LatentAttrition
from crmlib.analysis.clv.timing.cells import Cells
from crmlib.analysis.clv.timing.histories import Histories, checked
from crmlib.analysis.clv.timing.lifetime_tail import FULL_DIGITS

_BLOCK = 20_000
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(64)


class ParetoNBD(LatentAttrition):
    """The Pareto/NBD model.

    While active, a customer buys as a Poisson process of rate λ, with λ from Gamma(r, α) over customers; the
    customer stays active for an exponential time of rate μ, with μ from Gamma(s, β).

    Attributes
    ----------
    params_ : Series
        ``r``, ``alpha`` (units of time), ``s``, ``beta`` (units of time). The likelihood is flat along
        s and β together: compare predictions rather than these two.

    Notes
    -----
    Schmittlein, Morrison & Colombo (1987), Management Science 33:1-24; likelihood, probability
    to be active and expected purchases as in Fader & Hardie (2005), A note on deriving the Pareto/NBD
    model (equations 18, 31, 41).

    Examples
    --------
    >>> customers = pd.DataFrame({"x": [2, 0], "t_x": [30.43, 0.0], "T": [38.86, 38.86]}, index=["A", "B"])
    >>> model = ParetoNBD().with_params([0.553, 10.578, 0.606, 11.669])
    >>> model.predict_alive(customers).round(3).to_dict()
    {'A': 0.869, 'B': 0.295}
    >>> model.predict_orders(customers, 39.0).round(2).to_dict()
    {'A': 1.46, 'B': 0.11}
    """

    names: ClassVar[tuple[str, ...]] = pareto_likelihood.NAMES
    scales: ClassVar[tuple[str, ...]] = ("alpha", "beta")

    def curved(self, histories: Histories) -> Callable:
        """Return the log-likelihood as a function of the logarithms of r, alpha, s, beta."""
        rows = pareto_likelihood.groups(histories)
        return partial(pareto_likelihood.log_likelihood, histories=histories, rows=rows)

    def _nearly_curved(self, histories: Histories) -> Callable:
        return partial(self.curved(histories), digits=pareto_likelihood.FEWER_DIGITS)

    def values(self, histories: Histories) -> Callable[[np.ndarray], np.ndarray]:
        """Return the log-likelihood at many points; see `LatentAttrition.values`."""
        rows = pareto_likelihood.groups(histories)
        return partial(pareto_likelihood.values, histories=histories, rows=rows)

    def simulate(self, T: np.ndarray, rng: np.random.Generator) -> pd.DataFrame:
        """Draw customers; see `LatentAttrition.simulate`."""
        r, alpha, s, beta = self._values
        T = np.asarray(T, dtype="float64")
        rate = rng.gamma(r, 1 / alpha, len(T))
        leaving = np.maximum(rng.gamma(s, 1 / beta, len(T)), 1e-300)
        lifetime = rng.standard_exponential(len(T)) / leaving
        there = np.minimum(lifetime, T)
        x = rng.poisson(rate * there)
        last = rng.random(len(T)) ** (1 / np.maximum(x, 1))  # the largest of x uniform times
        t_x = np.where(x > 0, there * last, 0.0)
        return pd.DataFrame({"x": x, "t_x": t_x, "T": T, "rate": rate, "alive": lifetime > T})

    def draw_futures(
        self, customers: pd.DataFrame, ends: Sequence[float], rng: np.random.Generator
    ) -> np.ndarray:
        """Draw one possible future of each customer; see `LatentAttrition.draw_futures`."""
        r, alpha, s, beta = self._values
        x, t_x, T = checked(customers)
        # A chance that is off by 1e-10 changes a draw in 1e10.
        alive = rng.random(len(x)) < self._alive(x, t_x, T, pareto_likelihood.FEWER_DIGITS)
        rate = rng.gamma(r + x) / (alpha + T)
        leaving = np.maximum(rng.gamma(s, size=len(x)) / (beta + T), 1e-300)
        lifetime = np.where(alive, rng.standard_exponential(len(x)) / leaving, 0.0)
        ends = np.asarray(ends, dtype="float64")
        there = np.diff(np.minimum(lifetime[:, None], ends), axis=1, prepend=0.0)
        return rng.poisson(rate[:, None] * there)

    def _starts(self, histories: Histories) -> list[np.ndarray]:
        often = histories.exposure / max(histories.repeats, 1e-300)
        seen = histories.exposure / histories.customers
        return [
            np.array([r, r * often * share, s, beta * seen])
            for r, share, s, beta in ((0.6, 0.6, 0.6, 0.4), (1.0, 1.0, 0.3, 3.0), (4.0, 0.5, 2.0, 2.0))
        ]

    def _alive(
        self, x: np.ndarray, t_x: np.ndarray, T: np.ndarray, digits: float = FULL_DIGITS
    ) -> np.ndarray:
        r, alpha, s, beta = self._values
        silent = (r + x) * np.log1p((T - t_x) / (alpha + t_x)) + s * np.log1p((T - t_x) / (beta + t_x))
        there = np.exp(-silent)
        twice, times = np.concatenate([x, x]), np.concatenate([t_x, T])
        first, last = s * self._tails(twice, times, digits).reshape(2, -1)
        left = np.maximum(first - there * last, 0.0)
        return there / np.maximum(there + left, 1e-300)

    def _tails(self, x: np.ndarray, times: np.ndarray, digits: float) -> np.ndarray:
        r, alpha, s, beta = self._values
        if not len(x):
            return np.empty(0)
        cells = Cells.among(x, times)
        shapes, number = np.unique(cells.x, return_inverse=True)
        at = pareto_likelihood.Times(alpha, beta, cells.T)
        tails = at.interpolant(shapes + r, s, False, digits)
        found = np.empty(len(cells.x))
        for start in range(0, len(found), _BLOCK):
            part = slice(start, start + _BLOCK)
            found[part] = tails.paired(number[part], at.logs[part])[0]
        return found[cells.of]

    def _ahead(self, cells: Cells, horizons: np.ndarray) -> np.ndarray:
        r, alpha, s, beta = self._values
        rate = (r + cells.x) / (alpha + cells.T)
        return rate[:, None] * _time_there(beta + cells.T[:, None], s, horizons)

    def _buys(self, cells: Cells, horizon: float) -> np.ndarray:
        r, alpha, s, beta = self._values
        shape, scale, stay = (r + cells.x)[:, None], (alpha + cells.T)[:, None], (beta + cells.T)[:, None]
        # The first purchase at u, still there: integrated in log(1 + u / the smaller scale), as
        # far as anything is left.
        small = np.minimum(scale, stay)
        bought, gone = (at * np.expm1(np.minimum(40 / of, 600)) for at, of in ((scale, shape), (stay, s)))
        end = np.log1p(np.minimum(np.minimum(bought, gone), horizon) / small)
        u = small * np.expm1(0.5 * end * (1 + _NODES))
        density = shape / scale * np.exp(-(shape + 1) * np.log1p(u / scale) - s * np.log1p(u / stay))
        return ((density * (u + small)) @ _WEIGHTS) * (0.5 * end[:, 0])

    def _expected(self, times: np.ndarray) -> np.ndarray:
        r, alpha, s, beta = self._values
        return r / alpha * _time_there(beta, s, times)


def _time_there(scale: np.ndarray | float, s: float, horizon: np.ndarray) -> np.ndarray:
    """Expected time active within the horizon, for rates of leaving from Gamma(s, scale); also at s = 1."""
    spent = np.log1p(horizon / scale)
    if s == 1:
        return scale * spent
    return scale * -np.expm1(-(s - 1) * spent) / (s - 1)
