"""Which forecast of customers to trust: models and simple forecasts compared on days that have passed.

The choice, a definition of this project, in one place. A forecast has two uses: the total goes into a budget,
and the order of the customers decides who is looked after.

1. **The total must be right.** A method is out if the size of its error (mean over origins, as a share
   of the money that came) is larger than that of the most accurate method by more than `tolerance` and beyond chance.
2. **A model must beat the simple forecasts.** Of those left, it must pick customers who bring more money, beyond
   chance, than the best pick of a simple forecast. If no simple forecast is left, every model left passes.
3. **Told apart by group** (region, channel), the best model takes part as one more if it beats itself for
   all customers beyond chance: it picks more money, or its total is clearly better and its pick not worse.
4. **Among those that pass**, whoever is beaten in step 2's money by any method left, beyond chance, is out, and
   the smallest error of the total decides among the rest. If no model passes, the same is done among the
   simple forecasts.

"By chance" always means: with the customers drawn anew (bootstrap, a customer with all origins being
one unit, both methods on the same customers), the interval of the difference holds 0. Chance that
moves all customers together, such as a bad year, is not in it: that is seen by comparing the origins.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

import ibis
import pandas as pd

from crmlib.analysis.clv.purchases.purchase_days import Purchase
from crmlib.analysis.clv.purchases.purchase_log import PurchaseLog
from crmlib.analysis.clv.trust.by_group import drawn, is_model, parts, with_groups
from crmlib.analysis.clv.trust.hold_out import (
    METHODS,
    HoldOut,
    check_options,
    days_needed,
    hold_out,
)
from crmlib.analysis.clv.trust.paired_chance import PickedApart
from crmlib.analysis.clv.trust.score_table import compared_scores, mean_tenths, with_coverage
from crmlib.errors import ParameterError, TooLittleData

#: What each reason says about a choice.
REASONS = {
    "model_picks_more": "A model picks customers who bring more than those any simple forecast picks, beyond chance",
    "simple_totals_wrong": "No simple forecast gets the total right, and a model does",
    "only_chance": "No model beats the best simple forecast by more than chance",
    "simple_picks_more": "A simple forecast picks customers who bring more than those any model picks, beyond chance",
    "model_totals_wrong": "No model gets the total right, and a simple forecast does",
    "one_kind": "Only models, or only simple forecasts, were compared or could be fitted",
}


@dataclass(frozen=True)
class Choice:
    """The method chosen, and all it was compared by.

    Attributes
    ----------
    chosen : str
        Key of `crmlib.analysis.clv.trust.hold_out.MODELS` or of `BASELINES`, or ``<model> by <group>``.
    reason : str
        Key of `REASONS`.
    best_model, best_baseline : str or None
        The chosen method, and what would be chosen if there were the other kind alone.
    equals : tuple of str
        Methods with a total not clearly worse whose pick differs from that of the chosen one by chance only.
    scores : DataFrame
        Indexed by method: scores of `crmlib.analysis.clv.trust.forecast_scores.score` over all origins. Money and
        purchases are sums (and ``error``, ``error_purchases`` their ratios), all others means; besides, ``error_size``
        (mean size of ``error`` over origins), ``lost_to_best`` (picked money less than that of the best pick), and for
        the best model and the chosen one ``coverage``, ``money_covered``, ``purchases_covered`` (shares).
    by_origin : DataFrame
        Indexed by ``origin`` and ``method``: the same for each origin, with the intervals of the totals.
    tenths : DataFrame
        Indexed by ``method`` and ``tenth``: ``customers``, ``forecast``, ``actual`` (means over origins).
    against : DataFrame
        Indexed by method: ``is_model``; ``picked_less`` (picked money of the chosen method less that of this one) with
        its interval ``low``, ``high``, and ``by_chance`` (bool: it holds 0); ``error_more`` (size of the error
        of the total beyond that of the most accurate method) with ``error_low``, ``error_high``, and
        ``total_clearly_worse`` (bool).
    hold_outs : tuple of HoldOut
        The latest origin first: fitted models, and forecasts of each customer beside what came.
    left_out : dict of str to str
        Methods that could not be fitted at an origin, and what was said.
    share, tolerance, level : float
        As asked for.
    """

    chosen: str
    reason: str
    best_model: str | None
    best_baseline: str | None
    equals: tuple[str, ...]
    scores: pd.DataFrame
    by_origin: pd.DataFrame
    tenths: pd.DataFrame
    against: pd.DataFrame
    hold_outs: tuple[HoldOut, ...]
    left_out: dict[str, str]
    share: float
    tolerance: float
    level: float

    @property
    def is_model(self) -> bool:
        """Whether a model was chosen."""
        return is_model(self.chosen)

    @property
    def model(self) -> str | None:
        """The model chosen, or the best one, groups aside: a key of `crmlib.analysis.clv.trust.hold_out.MODELS`."""
        name = self.chosen if self.is_model else self.best_model
        return parts(name)[0] if name else None

    @property
    def group(self) -> str | None:
        """What the chosen model is told apart by; None for one model for all, or a simple forecast."""
        return parts(self.chosen)[1]

    @property
    def latest(self) -> HoldOut:
        """The hold-out of the latest origin."""
        return self.hold_outs[0]


def choose_model(
    lines: ibis.Table,
    as_of: date,
    horizon_days: int = 365,
    origins: int = 2,
    *,
    since: date | None = None,
    step_days: int | None = None,
    methods: Sequence[str] = METHODS,
    groups: Mapping[str, pd.Series] | None = None,
    purchase: Purchase = "paid",
    money_over: Literal["repeats", "all"] = "all",
    share: float = 0.2,
    tolerance: float = 0.05,
    n_draws: int = 200,
    n_resamples: int = 500,
    level: float = 0.95,
    seed: int = 1,
) -> Choice:
    """Rehearse forecasts at several origins and choose the one to trust.

    Parameters
    ----------
    lines : ibis.Table
        As returned by `crmlib.analysis.ledger.order_lines`; read are ``customer_id``, ``day``, ``net_sales``.
    as_of : datetime.date
        Last known day: the end of the latest horizon.
    horizon_days : int
        Days ahead of each forecast.
    origins : int
        How many, 1 to 12.
    since : datetime.date, optional
        As in `crmlib.analysis.clv.purchases.summary.purchase_summary`: who began before is in no forecast.
    step_days : int, optional
        Days from one origin back to the next; half of the horizon by default.
    methods : sequence of str
        Keys of `crmlib.analysis.clv.trust.hold_out.MODELS` and `BASELINES`.
    groups : mapping of str to Series, optional
        Groups of customers that the best model is fitted to, too; see
        `crmlib.analysis.clv.trust.by_group.known_groups`.
    purchase : {'paid', 'bought', 'any'}
        What counts as a purchase; see `crmlib.analysis.clv.purchases.purchase_days`.
    money_over : {'repeats', 'all'}
        Whether the first purchase counts in the mean money that the gamma-gamma model reads.
    share : float
        Share of the customers picked by forecast, above 0 and below 1.
    tolerance : float
        By how much more a total may be off, as a share of the money that came.
    n_draws, n_resamples : int
        Draws for the intervals of the best model and of the chosen one (0 for none; the choice does not depend
        on them), and of customers for the differences.
    level : float
        Level of all intervals.
    seed : int

    Returns
    -------
    Choice

    Raises
    ------
    ParameterError
        If an option is out of range.
    TooLittleData
        If the data do not reach far enough back, there are too few customers, or nothing was sold.
    """
    step = _checked(horizon_days, origins, step_days, share, tolerance, n_resamples)
    check_options(methods, n_draws, level)
    log = PurchaseLog.of(lines, as_of, since=since, purchase=purchase)
    _check_reach(log, horizon_days, origins, step, methods)
    days = [as_of - timedelta(days=horizon_days + number * step) for number in range(origins)]
    held = tuple(hold_out(log, day, horizon_days, methods, money_over=money_over, n_draws=0) for day in days)
    left_out = {name: said for one in reversed(held) for name, said in one.left_out.items()}
    compared = [name for name in methods if name not in left_out]
    if not compared:
        raise TooLittleData(
            "no method that can be fitted at every origin", "customers who buy again",
            f"take a longer time, or more customers ({next(iter(left_out.values()))})",
        )  # fmt: skip
    for one in held:
        if one.actual["money"].sum() <= 0:
            raise TooLittleData(
                f"no sales to known customers from {one.origin} to {one.last}", "sales to compare forecasts with",
                "check that the data reach up to as_of",
            )  # fmt: skip
    options = (share, n_resamples, seed, tolerance, level)
    by_origin, scores, apart, errors = compared_scores(held, compared, *options)
    chosen, reason, best = _choose(scores, apart, errors["total_clearly_worse"])
    entered = compared
    if groups and best["model"]:
        held = tuple(with_groups(one, best["model"], groups) for one in held)
        left_out |= {name: said for one in held for name, said in one.left_out.items()}
        variants = [f"{best['model']} by {what}" for what in groups]
        variants = [name for name in variants if name not in left_out]
        by_origin, scores, apart, errors = compared_scores(held, [*compared, *variants], *options)
        entered = compared + [name for name in variants if _better(name, best["model"], apart, errors)]
        chosen, reason, best = _choose(scores.loc[entered], apart, errors["total_clearly_worse"])
    shown = [name for name in dict.fromkeys([chosen, best["model"]]) if name and is_model(name)]
    held = tuple(drawn(one, shown, groups or {}, n_draws, level, seed) for one in held)
    by_origin, scores = with_coverage(by_origin, scores, held)
    against = pd.concat([apart.from_all(chosen), errors], axis=1)
    against.insert(0, "is_model", [is_model(name) for name in against.index])
    fair = against["by_chance"] & ~against["total_clearly_worse"] & (against.index != chosen)
    fair &= against.index.isin(entered)
    return Choice(
        chosen=chosen,
        reason=reason,
        best_model=best["model"],
        best_baseline=best["simple"],
        equals=tuple(against.index[fair]),
        scores=scores,
        by_origin=by_origin,
        tenths=mean_tenths(held, list(scores.index)),
        against=against,
        hold_outs=held,
        left_out=left_out,
        share=share,
        tolerance=tolerance,
        level=level,
    )


def _better(variant: str, model: str, apart: PickedApart, errors: pd.DataFrame) -> bool:
    """Tell whether a model by group beats itself for all beyond chance."""
    _, low, high = apart.more(variant, model)
    if errors.loc[variant, "total_clearly_worse"]:
        return False
    return low > 0 or bool(errors.loc[model, "total_clearly_worse"] and high >= 0)


def _choose(
    scores: pd.DataFrame, apart: PickedApart, worse: pd.Series
) -> tuple[str, str, dict[str, str | None]]:
    """Apply the three steps; return the choice, the reason, and the best of each kind."""
    size = scores["error_size"]
    kinds = {"model": [], "simple": []}
    for name in scores.index:
        kinds["model" if is_model(name) else "simple"].append(name)
    right = {kind: [name for name in names if not worse[name]] for kind, names in kinds.items()}
    best = {
        kind: apart.best_of(right[kind] or names, right[kind] or names, size) if names else None
        for kind, names in kinds.items()
    }
    if not kinds["model"] or not kinds["simple"]:
        return best["model"] or best["simple"], "one_kind", best
    if not right["simple"]:
        return best["model"], "simple_totals_wrong", best
    if not right["model"]:
        return best["simple"], "model_totals_wrong", best
    rival = apart.money[right["simple"]].idxmax()
    leader = apart.money[right["model"]].idxmax()
    left = right["model"] + right["simple"]
    passed = [name for name in right["model"] if apart.more(name, rival)[1] > 0]
    if passed:
        best["model"] = apart.best_of(passed, left, size)
        return best["model"], "model_picks_more", best
    best["simple"] = apart.best_of(right["simple"], left, size)
    reason = "simple_picks_more" if apart.more(rival, leader)[1] > 0 else "only_chance"
    return best["simple"], reason, best


def _checked(
    horizon_days: int, origins: int, step_days: int | None, share: float, tolerance: float, n_resamples: int
) -> int:
    step = max(1, int(horizon_days) // 2) if step_days is None else step_days
    rules = (
        ("horizon_days", horizon_days, horizon_days == int(horizon_days) and horizon_days >= 1, "whole days"),
        ("origins", origins, origins in range(1, 13), "1 to 12"),
        ("step_days", step, step == int(step) and step >= 1, "whole days, 1 or more"),
        ("share", share, 0 < share < 1, "a share above 0 and below 1"),
        ("tolerance", tolerance, 0 <= tolerance < 1, "a share from 0 to below 1"),
        ("n_resamples", n_resamples, n_resamples >= 20, "20 or more"),
    )
    for name, value, fits, expected in rules:
        if not fits:
            raise ParameterError(f"{name} = {value}", expected, f"correct {name}")
    return int(step)


def _check_reach(
    log: PurchaseLog, horizon_days: int, origins: int, step: int, methods: Sequence[str]
) -> None:
    """Refuse data too short for all origins, and say which horizon they would allow."""
    back = (origins - 1) * step
    needed = horizon_days + days_needed(horizon_days, methods) + back
    reach = (log.last - log.first).days + 1
    if reach < needed:
        longest = int(horizon_days * reach / needed)
        raise TooLittleData(
            f"{reach} days of data, from {log.first} to {log.last}",
            f"{needed} days for {origins} origins, {step} days apart, with a horizon of {horizon_days} days",
            f"shorten horizon and step in proportion (to about {longest} days), or take fewer origins",
        )
