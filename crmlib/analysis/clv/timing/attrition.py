"""Models of customers who buy at irregular times and leave without saying so."""

from abc import abstractmethod
from collections.abc import Callable, Sequence
from typing import Self

import numpy as np
import pandas as pd

from crmlib.analysis.clv.discounting import Schedule
from crmlib.analysis.clv.fitting.estimator import LikelihoodModel, Prior
from crmlib.analysis.clv.fitting.maximum import LARGEST, SMALLEST
from crmlib.analysis.clv.timing.cells import Cells
from crmlib.analysis.clv.timing.histories import Histories, checked
from crmlib.errors import ParameterError

#: Customers with repeats of the parts of a large base on which the search begins, the smallest first.
_PARTS = (1_500, 16_000)


class LatentAttrition(LikelihoodModel):
    """A model of purchases in continuous time with an end that nobody sees.

    Histories are frames with one row per customer and the columns ``x`` (repeat purchases),
    ``t_x`` (time from the first to the last purchase, 0 without repeats) and ``T`` (time from
    the first purchase to the last known day), in one unit of time; the parameters that are times,
    and all horizons, are in that unit, too. Predictions keep the index of the frame.
    """

    #: Parameters in units of time; the edges of the search follow the length of the histories.
    scales: tuple[str, ...]

    def fit(
        self, customers: pd.DataFrame, weight: np.ndarray | None = None, prior: Prior | None = None
    ) -> Self:
        """Fit by maximum likelihood.

        Parameters
        ----------
        customers : DataFrame of shape (n_customers, 3 or more)
            Histories: columns ``x``, ``t_x``, ``T``.
        weight : ndarray of shape (n_customers,), optional
            How often each customer counts.
        prior : Prior, optional
            Turns the maximum of the likelihood into that of the posterior.

        Raises
        ------
        DataError
            If a history cannot be one; the message names the first customers.
        TooLittleData
            If there are fewer than two customers, or nobody bought again.
        NotConverged
            If the search ends without a maximum.
        """
        histories = Histories.of(customers, weight)
        return self.fit_histories(histories, prior, **self.beside(customers, weight))

    def fit_histories(
        self, histories: Histories, prior: Prior | None = None, start: np.ndarray | None = None
    ) -> Self:
        """Fit to histories that were checked and folded before; see `fit`.

        With `start` (logarithms of the parameters) the search begins there and nowhere else.
        """
        time = np.log(
            [histories.exposure / histories.customers if n in self.scales else 1.0 for n in self.names]
        )
        rows = len(histories.x)
        parts = [histories.part(rows // size) for size in _PARTS if rows >= 2 * size]
        self.n_customers_ = histories.customers
        return self._fit(
            self.curved(histories),
            [np.log(point) for point in self._starts(histories)] if start is None else [start],
            lower=time + np.log(SMALLEST),
            upper=time + np.log(LARGEST),
            prior=prior,
            rough=[self._nearly_curved(part) for part in parts],
        )

    def beside(self, customers: pd.DataFrame, weight: np.ndarray | None = None) -> dict[str, float]:
        """Return what `fit_histories` needs of customers beside their histories: by name, mostly nothing."""
        return {}

    def alike(self) -> Self:
        """Return a model that is not fitted, with all that is no parameter as it is here."""
        return type(self)(**self.get_params())

    def predict_alive(self, customers: pd.DataFrame) -> pd.Series:
        """Probability that each customer is still active at the end of the time seen.

        Returns
        -------
        Series of shape (n_customers,)
        """
        return pd.Series(self._alive(*checked(customers)), index=customers.index, name="alive")

    def predict_active(self, customers: pd.DataFrame, horizon: float) -> pd.Series:
        """Probability that each customer buys at least once within `horizon`.

        Returns
        -------
        Series of shape (n_customers,)
        """
        x, t_x, T = checked(customers)
        (horizon,) = _horizons([horizon])
        cells = Cells.among(x, T)
        buys = self._buys(cells, horizon)[cells.of]
        return pd.Series(self._alive(x, t_x, T) * buys, index=customers.index, name="active")

    def predict_orders(
        self, customers: pd.DataFrame, horizons: float | Sequence[float]
    ) -> pd.Series | pd.DataFrame:
        """Expected purchases of each customer after the time seen.

        Parameters
        ----------
        customers : DataFrame
            Histories.
        horizons : float or sequence of float
            How far ahead; 0 or more.

        Returns
        -------
        Series of shape (n_customers,), or DataFrame with one column per horizon
        """
        single = np.ndim(horizons) == 0
        ahead = _horizons([horizons] if single else horizons)
        found = self._folded(customers, lambda cells: self._ahead(cells, ahead))
        if single:
            return pd.Series(found[:, 0], index=customers.index, name="orders")
        return pd.DataFrame(found, index=customers.index, columns=pd.Index(ahead, name="horizon"))

    def discounted_orders(self, customers: pd.DataFrame, schedule: Schedule) -> pd.Series:
        """Expected purchases up to the horizon of a schedule, each discounted to now.

        Times a margin per order this is the residual lifetime value: without the purchases
        already made, and without the cost of winning the customer.

        Returns
        -------
        Series of shape (n_customers,)
        """
        found = self._folded(customers, lambda cells: self._ahead_discounted(cells, schedule)[:, None])
        return pd.Series(found[:, 0], index=customers.index, name="discounted_orders")

    def discounted_orders_of_new(self, schedule: Schedule) -> float:
        """Expected discounted repeat purchases of a customer who makes the first purchase now."""
        return float(self.expected_orders(schedule.ends) @ schedule.by_total)

    def expected_orders(self, times: float | np.ndarray) -> np.ndarray:
        """Expected repeat purchases of a new customer up to a time after the first purchase.

        Parameters
        ----------
        times : float or ndarray

        Returns
        -------
        ndarray
        """
        return self._expected(np.asarray(_horizons(np.ravel(times))).reshape(np.shape(times)))

    @abstractmethod
    def curved(self, histories: Histories) -> Callable:
        """Return the log-likelihood of histories as a function of the logarithms of the parameters.

        The function returns its value, its gradient and its Hessian.
        """

    def _nearly_curved(self, histories: Histories) -> Callable:
        """Return the same, perhaps less exactly and sooner: for the start of a search."""
        return self.curved(histories)

    @abstractmethod
    def values(self, histories: Histories) -> Callable[[np.ndarray], np.ndarray]:
        """Return the log-likelihood of histories at many points: (n_points, n_parameters) to (n_points,)."""

    @abstractmethod
    def simulate(self, T: np.ndarray, rng: np.random.Generator) -> pd.DataFrame:
        """Draw customers from the model.

        Parameters
        ----------
        T : ndarray of shape (n_customers,)
            Time each is seen, from the first purchase.
        rng : numpy.random.Generator

        Returns
        -------
        DataFrame of shape (n_customers, 5)
            Histories, and the truth behind them: ``rate`` (purchases per unit of time while active) and ``alive``
            (whether still active at ``T``).
        """

    @abstractmethod
    def draw_futures(
        self, customers: pd.DataFrame, ends: Sequence[float], rng: np.random.Generator
    ) -> np.ndarray:
        """Draw one possible future of each customer, given the history and the parameters.

        Parameters
        ----------
        customers : DataFrame
            Histories.
        ends : sequence of float
            Ends of periods ahead, rising.
        rng : numpy.random.Generator

        Returns
        -------
        ndarray of int, shape (n_customers, n_periods)
            Purchases in each period.
        """

    @abstractmethod
    def _starts(self, histories: Histories) -> list[np.ndarray]:
        """Return parameters from which the search may start."""

    @abstractmethod
    def _alive(self, x: np.ndarray, t_x: np.ndarray, T: np.ndarray) -> np.ndarray:
        """Probability to be active at T."""

    @abstractmethod
    def _ahead(self, cells: Cells, horizons: np.ndarray) -> np.ndarray:
        """Expected purchases of the active, shape (n_cells, n_horizons)."""

    def _ahead_discounted(self, cells: Cells, schedule: Schedule) -> np.ndarray:
        """Expected discounted purchases of the active, shape (n_cells,)."""
        return self._ahead(cells, schedule.ends) @ schedule.by_total

    @abstractmethod
    def _buys(self, cells: Cells, horizon: float) -> np.ndarray:
        """Probability that the active buy within the horizon, shape (n_cells,)."""

    @abstractmethod
    def _expected(self, times: np.ndarray) -> np.ndarray:
        """Expected repeat purchases of a new customer."""

    def _folded(self, customers: pd.DataFrame, of_cells: Callable[[Cells], np.ndarray]) -> np.ndarray:
        """Compute something of the active cell by cell, and hand it out times the chance to be active."""
        x, t_x, T = checked(customers)
        cells = Cells.among(x, T)
        found = of_cells(cells).take(cells.of, axis=0)
        found *= self._alive(x, t_x, T)[:, None]
        return found


def _horizons(horizons: Sequence[float] | np.ndarray) -> np.ndarray:
    ahead = np.asarray(horizons, dtype="float64")
    bad = ~(np.isfinite(ahead) & (ahead >= 0))
    if bad.any():
        raise ParameterError(
            f"a horizon of {ahead[bad][0]}", "a finite time of 0 or more, in the unit of T", "correct it"
        )
    return ahead
