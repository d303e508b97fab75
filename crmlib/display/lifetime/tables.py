"""Frames of lifetime value, dressed for people: names in words, verdicts as text."""

from collections.abc import Mapping, Sequence

import pandas as pd

from crmlib.analysis.clv.trust.by_group import parts
from crmlib.analysis.clv.trust.choose import Choice
from crmlib.analysis.clv.trust.departures import Check
from crmlib.display import formats

#: Names of the forecasts that are compared.
METHODS: Mapping[str, str] = {
    "bg_nbd": "BG/NBD",
    "mbg_nbd": "MBG/NBD",
    "pareto_nbd": "Pareto/NBD",
    "mbg_cnbd": "MBG/CNBD-k",
    "same_again": "Last period once more",
    "carried_over": "Last period, scaled",
    "rfm_cells": "Means of RFM cells",
    "segment_markov": "Markov chain of segments",
}
_CHECKED = {
    "spend": "Spend does not depend on how often people buy",
    "stationarity": "Rates do not drift over calendar time",
    "season": "Seasons play no part in the horizon",
    "censoring": "Every history begins with the first purchase",
    "regularity": "Purchases come at irregular times",
    "rehearsal": "A forecast made earlier has come true",
}
_AFFECTED = {
    "money": "money per purchase",
    "orders": "purchases of each customer",
    "alive": "chances to be active",
    "total": "the total",
    "prospect": "the value of a new customer",
}
_DASH = "–"


def named(method: str) -> str:
    """Return the name of a forecast for people, by group included.

    Examples
    --------
    >>> named("mbg_nbd by region")
    'MBG/NBD by region'
    """
    model, group = parts(method)
    return METHODS[model] + (f" by {group}" if group else "")


def contest(choice: Choice) -> pd.DataFrame:
    """Write the scores of all forecasts, the chosen one first, then by picked money.

    Columns ``method``, ``error`` (of the total), ``held`` (share of the money held by the best
    fifth), ``gini``, ``coverage`` and ``lost`` (money lost to the best pick).
    """
    scores = choice.scores.sort_values("picked_money", ascending=False, kind="stable")
    order = [choice.chosen, *(name for name in scores.index if name != choice.chosen)]
    rows = scores.loc[order]
    return pd.DataFrame(
        {
            "method": [named(name) + (" (chosen)" if name == choice.chosen else "") for name in order],
            "error": rows["error"].to_numpy(),
            "held": rows["gain_fifth"].to_numpy(),
            "gini": rows["gini"].to_numpy(),
            "coverage": rows["coverage"].to_numpy() if "coverage" in rows else float("nan"),
            "lost": rows["lost_to_best"].to_numpy(),
        }
    )


def assumptions(checks: Sequence[Check]) -> pd.DataFrame:
    """Write what was checked, what was found, and what it puts in doubt.

    Columns ``assumption``, ``found``, ``verdict`` and ``affects``.
    """
    return pd.DataFrame(
        {
            "assumption": [_CHECKED[check.name] for check in checks],
            "found": [_found(check) for check in checks],
            "verdict": [_VERDICTS[check.holds] for check in checks],
            "affects": [
                _DASH if check.holds else ", ".join(_AFFECTED[name] for name in check.affects)
                for check in checks
            ],
        }
    )


_VERDICTS = {True: "holds", False: "does not hold", None: "cannot be told"}


def _found(check: Check) -> str:
    """Say what a check found, with its size."""
    numbers, size = check.numbers, check.statistic
    if size != size:
        return "too little data to tell"
    words = {
        "rehearsal": lambda: f"{formats.number(size, 0)} months of data are too few to try",
        "spend": lambda: f"frequent buyers spend {_more(size)} per purchase",
        "stationarity": lambda: (
            f"in the later half purchases ran {_more(size)} than in the earlier, against the model"
        ),
        "season": lambda: _season(numbers, size),
        "censoring": lambda: f"{formats.share(size)} began before the data",
        "regularity": lambda: f"as if {formats.number(size, 2)} events made a purchase (1 is irregular)",
    }
    return words[check.name]()


def _season(numbers: Mapping, size: float) -> str:
    if numbers.get("whole_years"):
        return "the horizon is whole years"
    return f"the months ahead are {_more(size)} busy than a mean month"


def _more(ratio: float) -> str:
    change = ratio - 1
    return f"{formats.share(abs(change))} {'more' if change >= 0 else 'less'}"


def added_up(periods: pd.DataFrame) -> pd.DataFrame:
    """Return ``day``, ``actual`` and ``expected`` of purchases added up, as the figure of tracking reads them."""
    return pd.DataFrame(
        {
            "day": periods["last"],
            "actual": periods["cumulative_actual"],
            "expected": periods["cumulative_expected"],
        }
    )


def in_order(groups: pd.DataFrame, labels: Sequence[str]) -> pd.DataFrame:
    """Put cohorts in the order of time, those from before the data first."""
    order = [name for name in ("before", *labels) if name in groups.index]
    found = groups.loc[[*order, *(name for name in groups.index if name not in order)]]
    return found.rename(index={"before": "before the data"}).reset_index()
