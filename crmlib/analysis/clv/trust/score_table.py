"""Scores of several forecasts over several origins, side by side."""

from collections.abc import Sequence

import pandas as pd

from crmlib.analysis.clv.trust.forecast_scores import score, tenths
from crmlib.analysis.clv.trust.hold_out import HoldOut
from crmlib.analysis.clv.trust.paired_chance import PickedApart, error_apart, resampled

_SUMS = ["actual_money", "forecast_money", "error_money", "actual_purchases", "forecast_purchases",
         "picked_money", "perfect_money", "lost_to_perfect"]  # fmt: skip
_SHARES = ["coverage", "purchases_covered", "money_covered"]


def compared_scores(
    held: Sequence[HoldOut],
    methods: list[str],
    share: float,
    n_resamples: int,
    seed: int,
    tolerance: float,
    level: float,
) -> tuple[pd.DataFrame, pd.DataFrame, PickedApart, pd.DataFrame]:
    """Score methods by origin and in all, and see how far apart they are.

    Parameters
    ----------
    held : sequence of HoldOut
        One per origin.
    methods : list of str
        With a forecast at every origin.
    share, tolerance, level : float
    n_resamples, seed : int
        As for `crmlib.analysis.clv.trust.choose.choose_model`.

    Returns
    -------
    by_origin, scores : DataFrame
        As in `crmlib.analysis.clv.trust.choose.Choice`, but for what `with_coverage` adds.
    apart : PickedApart
        By picked money.
    errors : DataFrame
        By the error of the total; see `crmlib.analysis.clv.trust.paired_chance.error_apart`.
    """
    by_origin = _by_origin(held, methods, share)
    scores = _combined(by_origin, methods)
    picked, error = resampled(held, methods, share, n_resamples, seed)
    errors = error_apart(scores["error_size"], error, tolerance, level)
    return by_origin, scores, PickedApart(scores["picked_money"], picked, level), errors


def _by_origin(held: Sequence[HoldOut], methods: Sequence[str], share: float) -> pd.DataFrame:
    frames = []
    for one in held:
        rows = {name: score(one.forecast(name), one.actual, share) for name in methods}
        frame = pd.DataFrame.from_dict(rows, orient="index").rename_axis("method")
        frame.insert(0, "customers", len(one.actual))
        frame["lost_to_best"] = frame["picked_money"].max() - frame["picked_money"]
        frame["error_size"] = frame["error"].abs()
        frames.append(pd.concat({one.origin: frame}, names=["origin"]))
    return pd.concat(frames)


def _combined(by_origin: pd.DataFrame, methods: Sequence[str]) -> pd.DataFrame:
    """Add up money and purchases over origins, and average the rest."""
    groups = by_origin.groupby(level="method")
    found = groups.mean()
    found[_SUMS] = groups[_SUMS].sum()
    found["customers"] = groups["customers"].sum()
    found["error"] = found["error_money"] / found["actual_money"]
    found["error_purchases"] = found["forecast_purchases"] / found["actual_purchases"] - 1
    found["lost_to_best"] = found["picked_money"].max() - found["picked_money"]
    return found.loc[list(methods)]


def with_coverage(
    by_origin: pd.DataFrame, scores: pd.DataFrame, held: Sequence[HoldOut]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Add to scores how often the intervals that were drawn held what came; NaN for methods without.

    Parameters
    ----------
    by_origin, scores : DataFrame
        As returned by `compared_scores`.
    held : sequence of HoldOut
        One per origin, the same models drawn in each.
    """
    each = {one.origin: one.coverage().astype("float64").rename_axis("method") for one in held}
    covered = pd.concat(each, names=["origin"])
    shares = covered[_SHARES].groupby(level="method").mean()
    return by_origin.join(covered), scores.join(shares)


def mean_tenths(held: Sequence[HoldOut], methods: Sequence[str]) -> pd.DataFrame:
    """Average the tenths over origins."""
    names = ["method"]
    each = {
        name: sum(tenths(one.money[name], one.actual["money"]) for one in held) / len(held)
        for name in methods
    }
    return pd.concat(each, names=names)
