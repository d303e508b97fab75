"""MBG/CNBD-k: regular purchases, with a chance to leave after every purchase, the first one included."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import ClassVar, Self

import numpy as np
import pandas as pd
from scipy.special import expit, gammaln

from crmlib.analysis.clv.fitting.estimator import Prior
from crmlib.analysis.clv.refusals import refuse_some
from crmlib.analysis.clv.timing import erlang_dropout
from crmlib.analysis.clv.timing.attrition import LatentAttrition
from crmlib.analysis.clv.timing.erlang_future import HistoryCells, expected_while_active
from crmlib.analysis.clv.timing.histories import Histories, checked
from crmlib.errors import DataError, ParameterError

#: The largest k that is tried where none is given.
LARGEST_K = 8


class MBGCNBD(LatentAttrition):
    """The modified beta-geometric/condensed negative binomial model with Erlang-k inter-purchase times.

    As `MBGNBD`, which it is for k of 1, but purchases come more regularly, the more so the larger k:
    a regular customer who is overdue has probably left, while the same silence means little
    of one who buys at random.

    Histories need a column more than those of other models to compare values of k: ``log_itts``, the sum of the
    logarithms of all inter-purchase times of a customer, in the unit of ``t_x`` (0 where ``x`` is 0).

    Parameters
    ----------
    k : int, optional
        Shape of the inter-purchase times, 1 or more; by default, the one of 1 to 8 with the largest likelihood.

    Attributes
    ----------
    params_ : Series
        ``r``, ``alpha`` (units of time), ``a``, ``b``. The mean rate of purchases while active is r / (k alpha).
    k_ : int
        The given or chosen k. It counts as known in the standard errors.
    by_k_ : Series
        Log-likelihood by k, where k was chosen.
    log_likelihood_ : float
        The log-likelihood at the estimates, with the part of the inter-purchase times: values for
        different k can be compared, and for k of 1 it is that of `MBGNBD`.

    Notes
    -----
    Platzer & Reutterer (2016), Marketing Science 35:779-799; Reutterer, Platzer & Schröder (2021), International
    Journal of Research in Marketing 38:194-215. Expectations are exact sums.

    Examples
    --------
    >>> customers = pd.DataFrame({"x": [6, 6], "t_x": [60.0, 60.0], "T": [64.0, 90.0]}, index=["due", "overdue"])
    >>> params = {1: [2.0, 20.0, 0.5, 3.0], 4: [2.0, 5.0, 0.5, 3.0]}
    >>> for k in params:
    ...     model = MBGCNBD(k).with_params(params[k])
    ...     print(k, model.predict_alive(customers).round(2).to_dict())
    1 {'due': 0.92, 'overdue': 0.58}
    4 {'due': 0.94, 'overdue': 0.12}
    """

    names: ClassVar[tuple[str, ...]] = erlang_dropout.NAMES
    scales: ClassVar[tuple[str, ...]] = ("alpha",)

    def __init__(self, k: int | None = None):
        self.k = k

    def fit(
        self, customers: pd.DataFrame, weight: np.ndarray | None = None, prior: Prior | None = None
    ) -> Self:
        """Fit by maximum likelihood.

        Parameters
        ----------
        customers : DataFrame of shape (n_customers, 4 or more)
            Histories: columns ``x``, ``t_x``, ``T``, and ``log_itts`` (which k of 1 does not need).
        weight : ndarray of shape (n_customers,), optional
            How often each customer counts.
        prior : Prior, optional
            Turns the maximum of the likelihood into that of the posterior. It is for one k: where k is chosen,
            it is so by the likelihood at each such maximum.

        Raises
        ------
        DataError
            If a history cannot be one; the message names the first customers.
        TooLittleData
            If there are fewer than two customers, or nobody bought again.
        NotConverged
            If the search ends without a maximum.
        """
        return super().fit(customers, weight, prior)

    def beside(self, customers: pd.DataFrame, weight: np.ndarray | None = None) -> dict[str, float]:
        """Return the sum of ``log_itts`` over customers, which k of 1 does not need."""
        if self.k == 1:
            return {}
        logs = _checked_logs(customers)
        return {"log_itts": float(logs.sum() if weight is None else logs @ weight)}

    def alike(self) -> Self:
        """Return a model that is not fitted, with the given or chosen k."""
        return type(self)(self._ticks)

    def fit_histories(
        self,
        histories: Histories,
        prior: Prior | None = None,
        start: np.ndarray | None = None,
        log_itts: float | None = None,
    ) -> Self:
        """Fit to histories that were checked and folded before; see `fit`.

        Parameters
        ----------
        histories : Histories
        prior : Prior, optional
        start : ndarray of shape (4,), optional
            Logarithms of the parameters; the search begins there and nowhere else. It is for one k.
        log_itts : float, optional
            Sum of ``log_itts`` over customers. Without it k must be given, and unless it is 1 the
            log-likelihood lacks a constant.
        """
        if self.k is not None:
            return self._fit_one(histories, prior, _whole(self.k), log_itts, start=start)
        if start is not None:
            raise ParameterError("k = None with a start", "a start for one k", "give k, or no start")
        if log_itts is None:
            raise ParameterError(
                "k = None without log_itts", "inter-purchase times to choose k by", "give log_itts, or k"
            )
        fits = []
        for k in range(1, LARGEST_K + 1):
            near = self._near(fits[-1]) if fits else []
            fits.append(type(self)(k)._fit_one(histories, prior, k, log_itts, near))
        best = max(fits, key=lambda fit: fit.log_likelihood_)
        vars(self).update({**vars(best), "k": None})
        self.by_k_ = pd.Series(
            [fit.log_likelihood_ for fit in fits],
            index=pd.RangeIndex(1, LARGEST_K + 1, name="k"),
            name="log_likelihood",
        )
        return self

    def _fit_one(
        self,
        histories: Histories,
        prior: Prior | None,
        k: int,
        log_itts: float | None,
        near: Sequence[np.ndarray] = (),
        start: np.ndarray | None = None,
    ) -> Self:
        self.k_, self._start_near = k, list(near)
        super().fit_histories(histories, prior, start)
        del self._start_near
        self.log_likelihood_ += (k - 1) * (log_itts or 0.0) - histories.repeats * float(gammaln(k))
        return self

    @staticmethod
    def _near(fit: "MBGCNBD") -> list[np.ndarray]:
        """Parameters to start from with a k larger by 1: the same rate of purchases."""
        values = np.array(fit._values)
        values[1] *= fit.k_ / (fit.k_ + 1)
        return [values]

    def with_params(self, params: Sequence[float] | pd.Series) -> Self:
        """Return a copy with these parameters and the same k; nothing is fitted."""
        copy = super().with_params(params)
        copy.k_ = self._ticks
        return copy

    @property
    def _ticks(self) -> int:
        if self.k is None and not hasattr(self, "k_"):
            raise ParameterError(
                "k = None before a fit", "a whole number of 1 or more", "give k, or fit first"
            )
        return self.k_ if self.k is None else _whole(self.k)

    def curved(self, histories: Histories) -> Callable:
        """Return the log-likelihood as a function of the logarithms of r, alpha, a, b.

        It lacks the part of the inter-purchase times, which depends on no parameter but k.
        """
        ticks = erlang_dropout.in_ticks(histories, self._ticks)
        return partial(erlang_dropout.log_likelihood, histories=histories, ticks=ticks, k=self._ticks)

    def predict_active(self, customers: pd.DataFrame, horizon: float) -> pd.Series:
        """Probability that each customer buys at least once within `horizon`.

        Returns
        -------
        Series of shape (n_customers,)
        """
        if not (np.isfinite(horizon) and horizon >= 0):
            raise ParameterError(f"a horizon of {horizon}", "a finite time of 0 or more", "correct it")
        found = self._folded(customers, lambda cells: self._buys(cells, horizon)[:, None])
        return pd.Series(found[:, 0], index=customers.index, name="active")

    def simulate(self, T: np.ndarray, rng: np.random.Generator) -> pd.DataFrame:
        """Draw customers; see `LatentAttrition.simulate`. There is a column ``log_itts``, too."""
        r, alpha, a, b = self._values
        k, T = self._ticks, np.asarray(T, dtype="float64")
        rate, leaves = rng.gamma(r, 1 / alpha, len(T)), rng.beta(a, b, len(T))
        x, t_x, log_itts = np.zeros((3, len(T)))
        alive = rng.random(len(T)) >= leaves
        there = np.flatnonzero(alive)
        while len(there):
            itt = rng.standard_gamma(k, len(there)) / np.maximum(rate[there], 1e-300)
            bought = t_x[there] + itt <= T[there]
            there, itt = there[bought], itt[bought]
            x[there] += 1
            t_x[there] += itt
            log_itts[there] += np.log(itt)
            alive[there] = rng.random(len(there)) >= leaves[there]
            there = there[alive[there]]
        return pd.DataFrame(
            {
                "x": x.astype("int64"),
                "t_x": t_x,
                "T": T,
                "log_itts": log_itts,
                "rate": rate / k,
                "alive": alive,
            }
        )

    def draw_futures(
        self, customers: pd.DataFrame, ends: Sequence[float], rng: np.random.Generator
    ) -> np.ndarray:
        """Draw one possible future of each customer; see `LatentAttrition.draw_futures`."""
        r, alpha, a, b = self._values
        k, (x, t_x, T) = self._ticks, checked(customers)
        alive = rng.random(len(x)) < self._alive(x, t_x, T)
        shape = r + k * x
        # Ticks since the last purchase, then the rate given them.
        likely = np.cumsum(erlang_dropout.elapsed_ticks(shape, (T - t_x) / (alpha + T), k), axis=0)
        ticks = (rng.random(len(x)) * likely[-1] >= likely[:-1]).sum(axis=0)
        rate = rng.standard_gamma(shape + ticks) / (alpha + T)
        leaves = rng.beta(a, b + x + 1)
        allowed = np.where(alive, rng.geometric(np.clip(leaves, 1e-12, 1.0)), 0)
        made = np.zeros(len(x), dtype=np.int64)
        found = np.empty((len(x), len(ends)), dtype=np.int64)
        for number, length in enumerate(np.diff(np.asarray(ends, dtype="float64"), prepend=0.0)):
            ticks = ticks + rng.poisson(rate * length)
            orders = np.minimum(ticks // k, allowed)
            found[:, number], made = orders - made, orders
        return found

    def _starts(self, histories: Histories) -> list[np.ndarray]:
        often = histories.exposure / max(histories.repeats, 1e-300) / self._ticks
        return self._start_near + [
            np.array([r, r * often * share, a, b])
            for r, share, a, b in ((0.5, 0.6, 1.0, 2.5), (1.0, 1.0, 0.1, 1.0), (4.0, 0.6, 0.5, 5.0))
        ]

    def _alive(self, x: np.ndarray, t_x: np.ndarray, T: np.ndarray) -> np.ndarray:
        r, alpha, a, b = self._values
        shape = r + self._ticks * x
        likely = erlang_dropout.elapsed_ticks(shape, (T - t_x) / (alpha + T), self._ticks).sum(axis=0)
        odds = np.log(a) - np.log(b + x) + shape * np.log1p((T - t_x) / (alpha + t_x)) - np.log(likely)
        return expit(-odds)

    def _ahead(self, cells: HistoryCells, horizons: np.ndarray) -> np.ndarray:
        found = np.empty((len(cells.x), len(horizons)))
        for number, horizon in enumerate(horizons):
            found[:, number] = expected_while_active(
                cells.x, cells.t_x, cells.T, float(horizon), self._values, self._ticks
            )
        return found

    def _buys(self, cells: HistoryCells, horizon: float) -> np.ndarray:
        r, alpha, _, _ = self._values
        shape, until = r + self._ticks * cells.x, alpha + cells.T
        silent = cells.T - cells.t_x
        now = erlang_dropout.elapsed_ticks(shape, silent / until, self._ticks).sum(axis=0)
        later = (silent + horizon) / (until + horizon)
        then = erlang_dropout.elapsed_ticks(shape, later, self._ticks).sum(axis=0)
        return -np.expm1(np.log(then / now) - shape * np.log1p(horizon / until))

    def _expected(self, times: np.ndarray) -> np.ndarray:
        _, _, a, b = self._values
        none = np.zeros(times.size)
        found = expected_while_active(none, none, none, times.ravel(), self._values, self._ticks)
        return b / (a + b) * found.reshape(times.shape)

    def _folded(self, customers: pd.DataFrame, of_cells: Callable[[HistoryCells], np.ndarray]) -> np.ndarray:
        """Compute something of the active for each distinct history, and hand it out times the chance to be active."""
        x, t_x, T = checked(customers)
        cells = HistoryCells.of_histories(x, t_x, T)
        alive = self._alive(cells.x, cells.t_x, cells.T)
        return (alive[:, None] * of_cells(cells))[cells.of]


def _whole(k: int) -> int:
    if isinstance(k, bool) or k != int(k) or k < 1:
        raise ParameterError(f"k = {k}", "a whole number of 1 or more", "correct it")
    return int(k)


def _checked_logs(customers: pd.DataFrame) -> np.ndarray:
    """Return ``log_itts`` of checked histories, or say why it cannot belong to them."""
    if "log_itts" not in customers.columns or customers["log_itts"].dtype.kind not in "iuf":
        raise DataError(
            "a table without numbers in a column log_itts",
            "for each customer, the sum of the logarithms of the inter-purchase times",
            "add it; it is 0 without repeat purchases, and has the unit of t_x",
        )
    x, t_x, _ = checked(customers)
    logs, index = customers["log_itts"].to_numpy(dtype="float64"), customers.index
    bad = ~np.isfinite(logs) | ((x == 0) & (logs != 0))
    refuse_some(
        bad, index, logs, "log_itts", "finite numbers, 0 where x is 0", "count purchases of one day once"
    )
    # Times with a given sum have the largest product where all are equal; one time is known.
    most = np.where(x > 0, x * np.log(np.maximum(t_x, 1e-300) / np.maximum(x, 1)), 0.0)
    slack = 1e-6 * (1 + x)
    refuse_some(
        (logs > most + slack) | ((x == 1) & (logs < most - slack)), index, logs, "log_itts",
        "no more than x ln(t_x / x), and just that where x is 1",
        "take the logarithms of the times between purchases, in the unit of t_x",
    )  # fmt: skip
    return logs
