"""Fits by maximum likelihood: BG/NBD with standard errors, Pareto/NBD and gamma-gamma, against lifetimes."""

import importlib
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pandas as pd

from benchmarks.lifetime_value import data, formulas

KINDS = {
    "BGNBD": ("BetaGeoFitter", data.histories, formulas.bg_nbd),
    "ParetoNBD": ("ParetoNBDFitter", data.pareto_histories, formulas.pareto_nbd),
    "GammaGamma": ("GammaGammaFitter", data.spenders, formulas.gamma_gamma),
}
_MODULES = {"BGNBD": "timing.bg_nbd", "ParetoNBD": "timing.pareto_nbd", "GammaGamma": "spend.gamma_gamma"}
# lifetimes calls the scale of the gamma-gamma model v.
_OUR_NAMES = {"v": "gamma"}
# In units of log-likelihood: fits further apart than this are not at the same optimum.
NEAR = 0.05
# Fitted by both sides beforehand, so that neither is timed while its libraries wake up.
_FIRST = 500


def _ours(kind: str, size: int, folder: Path) -> Callable[[], dict]:
    model = getattr(importlib.import_module(f"crmlib.analysis.clv.{_MODULES[kind]}"), kind)
    frame = KINDS[kind][1](size)
    model().fit(KINDS[kind][1](_FIRST))

    def run() -> dict:
        fitted = model().fit(frame)
        return {"params": fitted.params_.to_dict(), "errors": fitted.standard_errors_.to_dict()}

    return run


def _lifetimes(kind: str, size: int, folder: Path) -> Callable[[], dict]:
    import lifetimes

    model = getattr(lifetimes, KINDS[kind][0])
    frame = KINDS[kind][1](size)
    columns = ("n", "money") if kind == "GammaGamma" else ("x", "t_x", "T")
    first = KINDS[kind][1](_FIRST)
    model().fit(*(first[name] for name in columns))

    def run() -> dict:
        fitted = model().fit(*(frame[name] for name in columns))
        # Its Pareto/NBD has no standard errors.
        return {
            "params": _renamed(fitted.params_),
            "errors": _renamed(getattr(fitted, "standard_errors_", pd.Series(dtype="float64"))),
        }

    return run


def _renamed(series: pd.Series) -> dict[str, float]:
    return {_OUR_NAMES.get(name, name): float(value) for name, value in series.items()}


SIDES = {
    f"{kind} {side}": partial(function, kind)
    for kind in KINDS
    for side, function in (("crmlib", _ours), ("lifetimes", _lifetimes))
}


def gain(kind: str, size: int, ours: dict, peer: dict) -> float:
    """How much higher our log-likelihood is than the peer's, both by the formula printed in the paper."""
    _, draw, of = KINDS[kind]
    frame = draw(size)
    return of(ours["params"], frame) - of(peer["params"], frame)


def same(kind: str, size: int, ours: dict, peer: dict) -> str:
    """Say whether both ended at the same optimum, by the log-likelihood as printed in the paper."""
    more = gain(kind, size, ours, peer)
    apart = [abs(ours["errors"][name] / error - 1) for name, error in peer["errors"].items()]
    errors = f"standard errors within {max(apart):.1e}" if apart else "the peer has no standard errors"
    verdict = "yes" if abs(more) < NEAR else "no, ours is higher" if more > 0 else "NO, ours is lower"
    return f"{verdict} (log-likelihood {more:+.6f}; {errors})"
