"""A rehearsal of the forecast: made at an earlier day from what was known then, beside what came.

All that a forecast sees is cut off at the origin before any method gets it. Every method forecasts the same
customers: those with a purchase up to the origin. Nobody who came later is in the forecast or in what came.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Literal

import numpy as np
import pandas as pd

from crmlib.analysis.clv.fitting.maximum import NotConverged
from crmlib.analysis.clv.purchases.purchase_log import PurchaseLog
from crmlib.analysis.clv.spend.gamma_gamma import GammaGamma
from crmlib.analysis.clv.spend.money import SpendTimesRate
from crmlib.analysis.clv.timing.attrition import LatentAttrition
from crmlib.analysis.clv.timing.bg_nbd import BGNBD
from crmlib.analysis.clv.timing.groups import GroupFits
from crmlib.analysis.clv.timing.histories import Histories
from crmlib.analysis.clv.timing.mbg_cnbd import MBGCNBD
from crmlib.analysis.clv.timing.mbg_nbd import MBGNBD
from crmlib.analysis.clv.timing.pareto_nbd import ParetoNBD
from crmlib.analysis.clv.trust.baselines import OUTCOMES, CarriedOver, RFMCells, SameAgain, SegmentMarkov
from crmlib.analysis.clv.trust.drawn_parameters import around_maximum, drawn_spend
from crmlib.errors import ParameterError, TooLittleData

MODELS: dict[str, type[LatentAttrition]] = {
    "bg_nbd": BGNBD,
    "mbg_nbd": MBGNBD,
    "pareto_nbd": ParetoNBD,
    "mbg_cnbd": MBGCNBD,
}
BASELINES: dict[str, Callable] = {
    "same_again": SameAgain,
    "carried_over": CarriedOver,
    "rfm_cells": RFMCells,
    "segment_markov": SegmentMarkov,
}
#: Compared where nothing else is said: all but the model of regular purchases.
METHODS = ("bg_nbd", "mbg_nbd", "pareto_nbd", *BASELINES)
#: Customers that a comparison needs at each origin.
FEWEST = 50
#: The data reach behind the day a baseline learns from by at least this part of the horizon.
BEHIND = 4
_BLOCK = 50_000
_ENDS = ["purchases_low", "purchases_high", "money_low", "money_high"]


@dataclass(frozen=True)
class HoldOut:
    """Forecasts made at one origin, and what came.

    Attributes
    ----------
    origin, last : datetime.date
        Last day known to the forecasts, and last day of the horizon.
    horizon_days : int
    histories : DataFrame
        Customers with a purchase up to the origin; see `PurchaseLog.histories`.
    actual : DataFrame
        ``purchases`` (days) and ``money`` (net sales after all that came back) of each customer within
        the horizon.
    purchases, money : DataFrame
        Forecasts of the same, one column per method.
    low, high : DataFrame
        Interval of the money of each customer, one column per model that was drawn.
    totals : DataFrame
        Indexed by model that was drawn: intervals of the totals, ``purchases_low``, ``purchases_high``, ``money_low``,
        ``money_high``.
    models : dict of str to LatentAttrition
        Fitted to the histories, in days.
    spend : GammaGamma or None
        Fitted to the mean money per paid purchase.
    kept : float
        Net sales per purchase up to the origin over mean money per paid purchase: what is left of the
        latter after later returns and unpaid purchases. Forecasts of the models carry it.
    left_out : dict of str to str
        Methods without a forecast, with what their fit said.
    fits : dict of str to GroupFits
        Models by group, by method; see `crmlib.analysis.clv.trust.by_group.with_groups`.
    """

    origin: date
    last: date
    horizon_days: int
    histories: pd.DataFrame
    actual: pd.DataFrame
    purchases: pd.DataFrame
    money: pd.DataFrame
    low: pd.DataFrame
    high: pd.DataFrame
    totals: pd.DataFrame
    models: dict[str, LatentAttrition]
    spend: GammaGamma | None
    kept: float
    left_out: dict[str, str]
    fits: dict[str, GroupFits] = field(default_factory=dict)

    def forecast(self, method: str) -> pd.DataFrame:
        """Return the forecasts of one method, laid out like `actual`."""
        return pd.DataFrame({"purchases": self.purchases[method], "money": self.money[method]})

    def coverage(self) -> pd.DataFrame:
        """Tell how often intervals hold what came.

        Returns
        -------
        DataFrame
            Indexed by model: ``coverage`` (share of the customers whose money lies in their interval),
            ``money_covered`` and ``purchases_covered`` (bool: whether the totals lie in theirs), and the columns
            of `totals`.
        """
        came, sums = self.actual["money"].to_numpy()[:, None], self.actual.sum()
        inside = (self.low.to_numpy() <= came) & (came <= self.high.to_numpy())
        within = {
            f"{name}_covered": self.totals[f"{name}_low"].le(sums[name])
            & self.totals[f"{name}_high"].ge(sums[name])
            for name in reversed(OUTCOMES)
        }
        found = pd.DataFrame({"coverage": inside.mean(axis=0)}, index=self.low.columns)
        return found.assign(**within).join(self.totals)


def days_needed(horizon_days: int, methods: Sequence[str]) -> int:
    """Days that the data must reach back from an origin for the methods to learn.

    A baseline that learns needs the horizon and a quarter of it more; the last stretch, the horizon; a model
    alone, a quarter of it.

    Examples
    --------
    >>> days_needed(364, ["bg_nbd"]), days_needed(364, ["bg_nbd", "rfm_cells"])
    (91, 455)
    """
    asked = [BASELINES[name] for name in methods if name in BASELINES]
    behind = -(-horizon_days // BEHIND)
    if any(baseline.learns for baseline in asked):
        return horizon_days + behind
    return horizon_days if asked else behind


def hold_out(
    log: PurchaseLog,
    origin: date,
    horizon_days: int,
    methods: Sequence[str] = METHODS,
    *,
    money_over: Literal["repeats", "all"] = "all",
    n_draws: int = 200,
    level: float = 0.95,
    seed: int = 1,
) -> HoldOut:
    """Forecast from an origin, and set beside it what came.

    Parameters
    ----------
    log : PurchaseLog
        Reaching to the end of the horizon.
    origin : datetime.date
        Last day the forecasts may know.
    horizon_days : int
        Days ahead.
    methods : sequence of str
        Keys of `MODELS` and `BASELINES`.
    money_over : {'repeats', 'all'}
        Whether the first purchase counts in the mean money that the gamma-gamma model reads.
    n_draws : int
        Draws for the intervals of the models; 0 for none.
    level : float
        Level of the intervals.
    seed : int

    Returns
    -------
    HoldOut

    Raises
    ------
    ParameterError
        If a method is not known, or an option is out of range.
    TooLittleData
        If the data do not reach back or ahead far enough, or there are fewer than `FEWEST` customers.

    Notes
    -----
    Money forecast by a model: expected purchases x expected money per purchase (gamma-gamma) x `HoldOut.kept`.
    Intervals: logarithms of the parameters of the purchase model and of the gamma-gamma model from the normal
    approximation at the maximum (Laplace; a parameter at an edge stays there), and for each draw one future of each
    customer, as in `crmlib.analysis.clv.worth.value.customer_values`; `HoldOut.kept` is taken as known.
    """
    check_options(methods, n_draws, level)
    _check_reach(log, origin, horizon_days, methods)
    known, last = log.until(origin), origin + timedelta(days=horizon_days)
    histories = known.histories(money_over)
    if len(histories) < FEWEST:
        raise TooLittleData(
            f"{len(histories):,} customers with a purchase up to {origin}", f"{FEWEST} or more",
            "take a later origin or a shorter horizon",
        )  # fmt: skip
    rate = _kept(known.histories())
    found, left_out, models, spend = {}, {}, {}, None
    folded = None
    for name in methods:
        try:
            if name in BASELINES:
                found[name] = BASELINES[name]().fit(known, horizon_days).predict(known)
                continue
            spend = spend or GammaGamma().fit(histories)
            folded = folded or Histories.of(histories)
            money = SpendTimesRate(spend, rate)
            extra = {"log_itts": float(histories["log_itts"].sum())} if name == "mbg_cnbd" else {}
            model = MODELS[name]().fit_histories(folded, **extra)
            orders = model.predict_orders(histories, float(horizon_days))
            found[name] = pd.DataFrame({"purchases": orders, "money": orders * money.predict(histories)})
            models[name] = model
        except (TooLittleData, NotConverged) as refused:
            left_out[name] = str(refused)
    index = histories.index
    held = HoldOut(
        origin=origin,
        last=last,
        horizon_days=horizon_days,
        histories=histories,
        actual=log.sums(origin + timedelta(days=1), last, index),
        purchases=pd.DataFrame({name: own["purchases"] for name, own in found.items()}, index=index),
        money=pd.DataFrame({name: own["money"] for name, own in found.items()}, index=index),
        low=pd.DataFrame(index=index),
        high=pd.DataFrame(index=index),
        totals=pd.DataFrame(columns=_ENDS, dtype="float64"),
        models=models,
        spend=spend,
        kept=rate,
        left_out=left_out,
    )
    return with_intervals(held, list(models), n_draws, level, seed)


def with_intervals(held: HoldOut, names: Sequence[str], n_draws: int, level: float, seed: int) -> HoldOut:
    """Draw the intervals of some models of a rehearsal, beside those it has.

    `names` are keys of `HoldOut.models`, the others as for `hold_out`. The draws of a model do not depend on
    which others are drawn.
    """
    if not n_draws:
        return held
    low, high, totals = held.low.copy(), held.high.copy(), held.totals.copy()
    money = SpendTimesRate(held.spend, held.kept)
    for name in names:
        rng = np.random.default_rng([seed, held.origin.toordinal(), list(MODELS).index(name)])
        low[name], high[name], totals.loc[name] = _intervals(
            held.models[name], money, held.histories, held.horizon_days, n_draws, level, rng
        )
    return replace(held, low=low, high=high, totals=totals)


def check_options(methods: Sequence[str], n_draws: int, level: float) -> None:
    """Raise a `ParameterError` if a method is not known or named twice, or an option is out of range."""
    known = [*MODELS, *BASELINES]
    strange = [name for name in methods if name not in known]
    if strange or not methods or len(set(methods)) < len(methods):
        raise ParameterError(f"methods = {list(methods)}", f"each once: {', '.join(known)}", "correct them")
    if n_draws < 0 or not 0 < level < 1:
        raise ParameterError(
            f"n_draws = {n_draws}, level = {level}",
            "0 draws or more, a level between 0 and 1",
            "correct them",
        )


def _check_reach(log: PurchaseLog, origin: date, horizon_days: int, methods: Sequence[str]) -> None:
    if origin + timedelta(days=horizon_days) > log.last:
        raise TooLittleData(
            f"{(log.last - origin).days} days after the origin {origin}", f"the {horizon_days} of the horizon",
            "take an earlier origin or a shorter horizon",
        )  # fmt: skip
    reach, needed = (origin - log.first).days + 1, days_needed(horizon_days, methods)
    if reach < needed:
        raise TooLittleData(
            f"data from {log.first}, {max(reach, 0)} days up to the origin {origin}",
            f"{needed} days or more for a horizon of {horizon_days} days",
            "shorten the horizon, take fewer or later origins, or leave out baselines that learn",
        )


def _kept(histories: pd.DataFrame) -> float:
    """Net sales per purchase, over mean money per paid purchase; of histories with the first purchase in."""
    paid = (histories["money"].fillna(0.0) * histories["n"]).sum()
    if paid <= 0:
        return 1.0
    left = (paid + histories["returned"].sum()) / paid
    return float(left * histories["n"].sum() / (histories["x"] + 1).sum())


def _intervals(
    model: LatentAttrition,
    money: SpendTimesRate,
    histories: pd.DataFrame,
    horizon_days: int,
    n_draws: int,
    level: float,
    rng: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray, list[float]]:
    """Draw futures; return the ends of the money of each customer, and of the totals."""
    tails = [(1 - level) / 2, (1 + level) / 2]
    models = [model.with_params(params) for params in around_maximum(model, n_draws, rng)]
    spends = drawn_spend(money.spend, float(histories["n"].min()), n_draws, rng)
    moneys = [SpendTimesRate(spend, money.rate) for spend in spends]
    low, high, sums = drawn_futures(models, moneys, histories, horizon_days, level, rng)
    return low, high, np.quantile(sums, tails, axis=0).T.ravel().tolist()


def drawn_futures(
    models: Sequence[LatentAttrition],
    moneys: Sequence[SpendTimesRate],
    histories: pd.DataFrame,
    horizon_days: int,
    level: float,
    rng: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Draw one future of each customer by each pair of models.

    Returns
    -------
    low, high : ndarray of shape (n_customers,)
        Ends of the money of each customer.
    sums : ndarray of shape (n_draws, 2)
        Purchases and money of all.
    """
    tails = [(1 - level) / 2, (1 + level) / 2]
    seeds = rng.integers(0, 2**63, len(models))
    sums = np.zeros((len(models), 2))
    low, high = np.empty(len(histories)), np.empty(len(histories))
    for start in range(0, len(histories), _BLOCK):
        part = slice(start, start + _BLOCK)
        block = histories.iloc[part]
        futures = np.empty((len(models), len(block)), dtype=np.float32)
        for number, drawn in enumerate(models):
            own = np.random.default_rng([seeds[number], start])
            made = drawn.draw_futures(block, [float(horizon_days)], own)[:, 0]
            futures[number] = moneys[number].draw_sums(block, made, own)
            sums[number] += made.sum(), futures[number].sum(dtype="float64")
        low[part], high[part] = np.quantile(futures, tails, axis=0)
    return low, high, sums
