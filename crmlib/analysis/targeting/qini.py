"""How much of the effect of a contact the customers with the highest scores hold: the Qini curve.

Customers are contacted from the highest score down. After the first k of them, the curve stands at

    Q(k) = Y_T(k) - Y_C(k) * N_T(k) / N_C(k)

with the outcome Y and the number N of the contacted and of those held out among the k (Radcliffe 2007, Direct Marketing
Analytics Journal 1:14-21). Here it is divided by the number contacted in the whole test, so that it is an effect **per
customer of the base**: its end is the average effect of contacting everyone. A score that knows nothing follows the
straight line to that end. The Qini coefficient is the area between curve and line, per customer too, and not divided by
the area of a perfect curve: what is perfect cannot be known, since nobody is seen both ways.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from crmlib.analysis.targeting.resampling import customer_weights
from crmlib.analysis.targeting.trial import Trial
from crmlib.errors import DataError

_GRID = np.linspace(0, 1, 101)


@dataclass(frozen=True)
class Qini:
    """A Qini curve with its coefficient.

    Attributes
    ----------
    curve : DataFrame
        One row per distinct score, from the highest, after a first row at 0: ``share`` (of the rows reached), ``score``
        (the lowest reached), ``treated``, ``control`` (rows reached), ``gain`` (outcome per customer of the base),
        ``random`` (the straight line).
    band : DataFrame
        At shares of 0, 0.01, ..., 1: ``share``, ``gain``, ``low``, ``high``, ``random``.
    coefficient, low, high : float
        Area between curve and line, with its interval.
    resampled : ndarray of shape (n_draws,)
        The coefficient with the customers drawn anew.
    """

    curve: pd.DataFrame
    band: pd.DataFrame
    coefficient: float
    low: float
    high: float
    resampled: np.ndarray

    @property
    def total(self) -> float:
        """Average effect of contacting everyone, the end of the curve."""
        return float(self.curve["gain"].iloc[-1])

    @property
    def better_than_random(self) -> bool:
        """Whether the order by score is better than an order by lot beyond chance."""
        return bool(self.low > 0)

    def at(self, share: float) -> float:
        """Return the gain per customer of the base when a share of it is contacted."""
        return float(np.interp(share, self.curve["share"], self.curve["gain"]))


def qini(
    score: pd.Series,
    trial: Trial,
    outcome: str,
    net: bool = False,
    draws: int = 500,
    seed: int = 0,
    level: float = 0.95,
) -> Qini:
    """Draw the Qini curve of a score on rows it was not made from.

    Parameters
    ----------
    score : Series of float
        Indexed like ``trial.rows``; the highest is contacted first. Equal scores are reached in one step.
    trial : Trial
        With one action; see `Trial.only`.
    outcome : str
        Rows whose outcome is not known are left out.
    net : bool
        Take the cost of the contacts off an outcome in money: the curve is then the profit by share contacted.
    draws, seed : int
        Draws of customers for the intervals.
    level : float

    Returns
    -------
    Qini

    Raises
    ------
    DataError
        If a score is missing.
    TooLittleData
        If an arm has fewer than 30 customers.

    Notes
    -----
    Where campaigns held out different shares, rows weigh by the inverse of the chance of their arm; with one
    share this is Radcliffe's curve. Before both arms have a row the curve is drawn straight from 0.

    Examples
    --------
    >>> frame = pd.DataFrame({"treated": [True, False] * 60, "bought": [1, 0] * 30 + [0, 0] * 30})
    >>> trial = Trial.of(frame, ["bought"])
    >>> found = qini(pd.Series(np.arange(120) < 60, trial.rows.index).astype(float), trial, "bought", draws=50)
    >>> found.curve[["share", "gain", "random"]].to_numpy().tolist()
    [[0.0, 0.0, 0.0], [0.5, 0.5, 0.25], [1.0, 0.5, 0.5]]
    >>> found.coefficient, found.better_than_random
    (0.125, True)
    """
    step = _Steps.of(score, trial, outcome, net)
    one = np.ones((1, len(step.values)))
    share, gain = (found[0] for found in step.reached(one))
    drawn, band = np.empty(draws), np.empty((draws, len(_GRID)))
    for rows, weights in customer_weights(step.trial, draws, seed):
        shares, gains = step.reached(weights)
        drawn[rows] = _area(gains, shares)
        band[rows] = [np.interp(_GRID, *pair) for pair in zip(shares, gains, strict=True)]
    ends = [(1 - level) / 2, (1 + level) / 2]
    low, high = np.quantile(drawn, ends)
    curve = step.curve.assign(share=share, gain=gain, random=share * gain[-1])
    edges = np.quantile(band, ends, axis=0)
    grid = pd.DataFrame({"share": _GRID, "gain": np.interp(_GRID, share, gain)}).assign(
        low=edges[0], high=edges[1], random=_GRID * gain[-1]
    )
    coefficient = float(_area(gain[None], share[None])[0])
    columns = ["share", "score", "treated", "control", "gain", "random"]
    return Qini(curve[columns], grid, coefficient, float(low), float(high), drawn)


def profit_curve(
    score: pd.Series,
    trial: Trial,
    money: str = "margin",
    draws: int = 500,
    seed: int = 0,
    level: float = 0.95,
) -> pd.DataFrame:
    """Say what contacting the customers with the highest scores earns, by the share contacted.

    Parameters
    ----------
    score, trial, draws, seed, level
        As for `qini`.
    money : str
        Outcome in money before the cost of contacts.

    Returns
    -------
    DataFrame
        ``share``, and per 1,000 customers of the base, in the run's currency: ``profit`` (margin that the contacts
        bring, less their cost), ``low``, ``high``, ``random``.

    Notes
    -----
    The highest point of the curve is too high for the next campaign: it was picked by looking.
    """
    return per_thousand(qini(score, trial, money, net=True, draws=draws, seed=seed, level=level))


def per_thousand(found: Qini) -> pd.DataFrame:
    """Return the band of a curve in money per 1,000 customers; columns as in `profit_curve`."""
    return found.band.rename(columns={"gain": "profit"}).assign(
        **{name: 1000 * found.band[key] for name, key in
           (("profit", "gain"), ("low", "low"), ("high", "high"), ("random", "random"))}
    )  # fmt: skip


@dataclass(frozen=True)
class _Steps:
    """Rows in the order of their score, equal scores in one step."""

    trial: Trial
    values: np.ndarray
    order: np.ndarray
    ends: np.ndarray
    weight: np.ndarray
    curve: pd.DataFrame

    @classmethod
    def of(cls, score: pd.Series, trial: Trial, outcome: str, net: bool) -> "_Steps":
        trial = trial.single_action().known(outcome)
        trial.refuse_if_thin("a Qini curve")
        ranked = score.reindex(trial.rows.index).to_numpy("float64")
        if np.isnan(ranked).any():
            raise DataError(
                f"{int(np.isnan(ranked).sum())} of {len(ranked)} rows without a score",
                "a score for each row of the test",
                "score all of them; who must not be contacted gets the lowest score",
            )
        order = np.argsort(-ranked, kind="stable")
        down = ranked[order]
        ends = np.append(np.flatnonzero(down[1:] != down[:-1]), len(down) - 1)
        treated, share = trial.treated, trial.share()
        reached = np.cumsum(treated[order])[ends]
        curve = pd.DataFrame(
            {
                "score": np.append(np.nan, down[ends]),
                "treated": np.append(0, reached),
                "control": np.append(0, ends + 1 - reached),
            }
        )
        weight = np.where(treated, 1 / share, 1 / (1 - share))
        values = trial.net(outcome) if net else trial.rows[outcome].to_numpy("float64")
        return cls(trial, values, order, ends, weight, curve)

    def reached(self, times: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Share of the rows reached at each step, and gain per customer of the base, both from 0.

        `times` is how often each row counts, shape (n_draws, n_rows).
        """
        times = times[:, self.order]
        n_treated, y_treated = self._of_arm(times, self.trial.treated)
        n_control, y_control = self._of_arm(times, ~self.trial.treated)
        shares = np.cumsum(times, axis=1)[:, self.ends]
        shares /= shares[:, -1:].copy()
        both = (n_treated > 0) & (n_control > 0)
        ratio = np.divide(n_treated, n_control, out=np.zeros_like(n_treated), where=both)
        gain = (y_treated - y_control * ratio) / np.maximum(n_treated[:, -1:], 1e-300)
        first = both.argmax(axis=1)
        if first.any():
            # Straight from 0 to the first step that has both arms.
            rows = np.arange(len(times))
            slope = gain[rows, first] / shares[rows, first]
            gain = np.where(both, gain, slope[:, None] * shares)
        start = np.zeros((len(times), 1))
        return np.concatenate([start, shares], axis=1), np.concatenate([start, gain], axis=1)

    def _of_arm(self, times: np.ndarray, arm: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Weighted number and outcome of the rows of an arm up to each step; `times` in the order of the score."""
        rows = np.flatnonzero(arm[self.order])
        own, of = times[:, rows], self.order[rows]
        upto = np.searchsorted(rows, self.ends, side="right")
        found = []
        for per_row in (self.weight[of], self.weight[of] * self.values[of]):
            sums = np.zeros((len(times), len(rows) + 1))
            np.cumsum(own * per_row, axis=1, out=sums[:, 1:])
            found.append(sums[:, upto])
        return found[0], found[1]


def _area(gains: np.ndarray, shares: np.ndarray) -> np.ndarray:
    return np.trapezoid(gains, shares, axis=1) - gains[:, -1] / 2
