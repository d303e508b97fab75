"""Both sides: one action of nine per customer, within money and calls, so that all together earn most."""

from collections.abc import Callable
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd

_ELIGIBLE = 0.4
_TODAY = date(2026, 6, 30)


def offers(size: int, seed: int = 1) -> tuple[pd.Index, dict[str, pd.DataFrame]]:
    """Draw for each action of the menu who is eligible, with gain and cost and the facts of a reason."""
    from crmlib.analysis.actions.menu import MENU

    rng = np.random.default_rng([seed, size])
    ids = pd.Index([f"C{number:08d}" for number in range(size)], name="customer_id")
    worth = rng.gamma(0.6, 150.0, size)
    found = {}
    for name, action in MENU.items():
        own = np.flatnonzero(rng.random(size) < _ELIGIBLE)
        found[name] = pd.DataFrame(
            {
                "gain": worth[own] * rng.uniform(0.02, 0.1, len(own)) / action.prior_mean,
                "cost": rng.uniform(3.0, 8.0, len(own)).round(2),
                "p": 0.4, "why": "silent for long", "last_on": pd.Timestamp("2025-03-01"), "orders": 3, "chance": 0.05,
                "category": "cups", "tier": "entry", "failure": "late", "failed_on": pd.Timestamp("2026-05-04"),
                "score": 9.0, "brought": 1.0, "cause": "Discounts", "level": "basic", "level_now": "reactive",
                "product": "cup",
            },
            index=ids[own],
        )  # fmt: skip
    return ids, found


def limits(size: int) -> dict[str, float]:
    """Money for about every tenth customer, calls for every fiftieth."""
    return {"money": 0.5 * size, "calls": 0.02 * size}


def _whole(size: int, folder: Path) -> Callable[[], dict]:
    from crmlib.analysis.actions.action_list import action_list, by_action, chosen_actions
    from crmlib.analysis.actions.choice import choose_actions
    from crmlib.analysis.actions.expected import expected_profit
    from crmlib.analysis.actions.options import Options
    from crmlib.analysis.actions.rates import prior_rates

    ids, made = offers(size)

    def run() -> dict:
        profit = expected_profit(Options.of(ids, made), prior_rates())
        best = choose_actions(profit, limits(size))
        chosen = chosen_actions(profit, best)
        arm = pd.Series("contact", chosen.index)
        listed = action_list(ids, chosen, made, arm, _TODAY, "benchmark")
        by_action(listed)
        return {"profit": best.profit, "bound": best.bound, "rows": len(listed)}

    return run


def _options(size: int) -> pd.DataFrame:
    from crmlib.analysis.actions.expected import expected_profit
    from crmlib.analysis.actions.options import Options
    from crmlib.analysis.actions.rates import prior_rates

    ids, made = offers(size)
    profit = expected_profit(Options.of(ids, made), prior_rates())
    options = profit.options.uses().assign(
        customer=profit.options.table["customer"], profit=profit.table["profit"]
    )
    return options[options["profit"] > 0].reset_index(drop=True)


def _ours(size: int, folder: Path) -> Callable[[], dict]:
    from crmlib.analysis.actions.choice import best_actions

    options = _options(size)

    def run() -> dict:
        best = best_actions(options, limits(size))
        return {"profit": best.profit, "bound": best.bound}

    return run


def _solver(size: int, folder: Path) -> Callable[[], dict]:
    from scipy.optimize import Bounds, LinearConstraint, milp
    from scipy.sparse import csr_matrix, vstack

    options = _options(size)

    def run() -> dict:
        count = len(options)
        once = csr_matrix((np.ones(count), (options["customer"], np.arange(count))), shape=(size, count))
        wanted = limits(size)
        uses = csr_matrix(options[list(wanted)].to_numpy().T)
        most = np.append(np.ones(size), list(wanted.values()))
        found = milp(
            -options["profit"].to_numpy(), integrality=np.ones(count), bounds=Bounds(0, 1),
            constraints=LinearConstraint(vstack([once, uses]), -np.inf, most), options={"mip_rel_gap": 1e-6},
        )  # fmt: skip
        return {"profit": -float(found.fun), "bound": -float(found.mip_dual_bound)}

    return run


SIDES = {"crmlib, whole list": _whole, "crmlib": _ours, "scipy milp": _solver}


def same(size: int, ours: dict, peer: dict) -> str:
    """Say how far both lists are from each other, and from what no list can exceed."""
    apart, gap = ours["profit"] / peer["profit"] - 1, 1 - ours["profit"] / ours["bound"]
    return f"profit {apart:+.6%} against the solver, {gap:.6%} below the bound"
