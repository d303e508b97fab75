"""What each change of terms is worth in the next period, beside doing nothing.

A lever is valued on this period's orders. Part of that value would have gone by itself:
some customers recover, some leave. How large that part is can be measured, for each lever,
by valuing it on the period before and looking at the same customers one period later.

All formulas are definitions of this project.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from crmlib.analysis.intervals import Z, ratio_interval
from crmlib.analysis.levers import Terms


@dataclass(frozen=True)
class CarryOver:
    """How much of a lever's effect is still there one period later.

    Attributes
    ----------
    part : float
        Effect on the former targets one period later, divided by their effect then.
    spread : float
        Standard error of `part`, treating customers as a sample.
    """

    part: float
    spread: float

    @property
    def counted(self) -> float:
        """The part that is counted: never less than nothing, never more than all."""
        return float(np.clip(self.part, 0.0, 1.0))


def at_share(effect: pd.DataFrame, share: float) -> pd.Series:
    """Return the effect on each customer if `share` of the touched business walks away."""
    return effect["stay"] - share * (effect["stay"] + effect["leave"])


def carry_over(
    before: dict[str, pd.DataFrame], after: dict[str, pd.DataFrame], targets: pd.Index, terms: Terms
) -> dict[str, CarryOver]:
    """Measure on the period before how much of each lever's effect comes back.

    Parameters
    ----------
    before, after : dict
        Effects in the period before and in this one, as returned by
        `crmlib.analysis.levers.effects`.
    targets : Index
        The customers the terms would have applied to in the period before.
    terms : Terms

    Returns
    -------
    dict of str to CarryOver
        For each lever; all of it, without spread, where the lever had no effect before.
    """
    carried = {}
    for lever, effect in before.items():
        then = at_share(effect, terms.walk_away).reindex(targets).fillna(0.0).to_numpy()
        now = at_share(after[lever], terms.walk_away).reindex(targets).fillna(0.0).to_numpy()
        if then.sum() <= 0:
            carried[lever] = CarryOver(1.0, 0.0)
            continue
        low, high = ratio_interval(now, then)
        spread = (high - low) / (2 * Z)
        carried[lever] = CarryOver(now.sum() / then.sum(), spread if np.isfinite(spread) else 0.0)
    return carried


def value_options(
    by_lever: dict[str, pd.DataFrame],
    targets: pd.Index,
    terms: Terms,
    carried: dict[str, CarryOver] | None = None,
    seed: int = 0,
    draws: int = 4000,
) -> pd.DataFrame:
    """Profit each lever would move in the next period, with its range, beside doing nothing.

    Parameters
    ----------
    by_lever : dict
        Effects in this period, as returned by `crmlib.analysis.levers.effects`.
    targets : Index
        The customers the terms would apply to.
    terms : Terms
        Its `walk_range` is the assumed range of the share that goes elsewhere.
    carried : dict of str to CarryOver, optional
        As returned by `carry_over`. Without it this period is taken to repeat itself.
    seed, draws : int
        Seed and number of draws of the range.

    Returns
    -------
    DataFrame
        Indexed by lever, ``do_nothing`` first, the rest by gain: ``customers`` (the fewest
        who carry 95 % of the effect), ``gain`` (at the middle of the walk range), ``low``
        and ``high`` (95 % of the cases drawn, over the walk range and over the chance in
        what comes back; these customers taken as they are), ``at_half`` (gain if half of the
        touched business walks away), ``break_even`` (share that may walk away before the
        lever loses money; 1 where it never does) and ``carried`` (the part that comes back).
    """
    rng = np.random.default_rng(seed)
    walk = rng.uniform(*terms.walk_range, draws)
    noise = rng.normal(0.0, 1.0, draws)
    rows = {"do_nothing": (0, 0.0, 0.0, 0.0, 0.0, float("nan"), float("nan"))}
    for lever, effect in by_lever.items():
        back = (carried or {}).get(lever, CarryOver(1.0, 0.0))
        chosen = effect.loc[targets]
        stay, both = float(chosen["stay"].sum()), float(chosen.to_numpy().sum())
        parts = np.clip(back.part + back.spread * noise, 0.0, 1.0)
        low, high = np.quantile(parts * (stay - walk * both), [0.025, 0.975])
        rows[lever] = (
            _carriers(chosen["stay"]),
            back.counted * (stay - terms.walk_away * both),
            float(low),
            float(high),
            back.counted * (stay - 0.5 * both),
            float(np.clip(stay / both, 0.0, 1.0)) if both > 0 else 1.0,
            back.counted,
        )
    names = ["customers", "gain", "low", "high", "at_half", "break_even", "carried"]
    table = pd.DataFrame.from_dict(rows, orient="index", columns=names).rename_axis("lever")
    order = ["do_nothing", *table.drop(index="do_nothing").sort_values("gain", ascending=False).index]
    return table.loc[order]


def _carriers(stay: pd.Series, share: float = 0.95) -> int:
    """Return the fewest customers whose effects add up to a share of the whole."""
    ordered = np.sort(stay.to_numpy())[::-1]
    total = ordered.sum()
    return int(np.searchsorted(np.cumsum(ordered), share * total - 1e-9) + 1) if total > 0 else 0
