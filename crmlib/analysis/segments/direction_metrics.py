"""One metric for each direction: does winning lead to a second purchase, what could growing bring, what does keeping
protect, and whom did advocates bring.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import norm

from crmlib.analysis.intervals import wilson_interval
from crmlib.analysis.segments.directions import Directions
from crmlib.analysis.segments.rfm import equal_groups
from crmlib.analysis.segments.voices import Voices

#: The metric of each state: what it is, and its unit.
METRICS = {
    "win": ("Of customers won in the window before the last, those who have bought again", "share"),
    "grow": (
        "Margin that customers as frequent but as broad as the first rank bring more, by medians",
        "money",
    ),
    "keep": ("Value at risk: value times the chance to stay away", "money"),
    "advocates": ("Value of the customers they brought", "money"),
}
#: The metric of those to keep where notebook 03 has saved it.
YEARLY_RISK = (
    "Value at risk: the chance to stay away times what they would bring in a year, less what such customers bring who "
    "come back"
)
#: Peers needed on both sides for a median to be compared.
_LEAST_PEERS = 10
#: Standard error of a median in units of quartile distance over the root of the number.
_NOTCH = 1.25 / 1.35


@dataclass(frozen=True)
class Metric:
    """A metric of one state.

    Attributes
    ----------
    amount, low, high : float
        Value and interval; an end is NaN where none is known.
    of : int
        Customers it is about.
    """

    amount: float
    low: float
    high: float
    of: int


def direction_metrics(
    found: Directions, customers: pd.DataFrame, voices: Voices | None = None, level: float = 0.95
) -> pd.DataFrame:
    """Compute the metric of each direction.

    Parameters
    ----------
    found : Directions
    customers : DataFrame
        The same customers that the states were made of.
    voices : Voices, optional
    level : float

    Returns
    -------
    DataFrame
        Indexed by ``state``, those of `METRICS`: ``metric``, ``unit``, ``amount``, ``low``, ``high``, ``of`` (customers
        it is about); NaN where it cannot be told.

    Notes
    -----
    Win: Wilson's interval. Grow: within fifths of frequency, the median margin of customers who are as broad as the
    first rank, less that of those to grow, times the number of these; error of a median after McGill, Tukey & Larsen
    (1978, The American Statistician 32:12-16). It is seen among customers and not caused by breadth: at most a hint of
    what there is to gain. Keep: the sum of ``value_at_risk`` of those to keep where that column is known, else of the
    value times the churn probability, or times the chance to have left where no probability is known.
    Advocates: the value of those they brought is part of the value of the base, not on top of it. Definition of this
    project.

    Examples
    --------
    >>> from crmlib.analysis.segments.directions import direction_rules, directions
    >>> people = pd.DataFrame(
    ...     {"recency_days": [9, 5, 20, 30], "tenure_days": [900, 5, 120, 600], "purchases": [9, 1, 4, 9],
    ...      "frequency": [6, 1, 2, 7], "money": [90.0, 9, 20, 30], "churn_probability": [0.1, 0.5, 0.4, 0.2]},
    ...     index=list("ABCD"))
    >>> table = direction_metrics(directions(people, direction_rules(people)), people)
    >>> table.loc[["win", "keep"], ["amount", "of"]].values.tolist()
    [[1.0, 1.0], [9.0, 1.0]]
    """
    own = {
        "win": _back_again(found, customers, level),
        "grow": _below_peers(found, customers, level),
        "keep": _at_risk(found, customers),
        "advocates": _brought(found, voices),
    }
    rows = {name: {"metric": text, "unit": unit, **vars(own[name])} for name, (text, unit) in METRICS.items()}
    if "value_at_risk" in customers:
        rows["keep"]["metric"] = YEARLY_RISK
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("state")


def _back_again(found: Directions, customers: pd.DataFrame, level: float) -> Metric:
    window = found.rules.window_days
    before = customers["tenure_days"].between(window, 2 * window - 1) & (customers["purchases"] > 0)
    again = int((customers["purchases"][before] > 1).sum())
    n = int(before.sum())
    return Metric(
        again / n if n else np.nan, *(wilson_interval(again, n, level) if n else (np.nan, np.nan)), n
    )


def _below_peers(found: Directions, customers: pd.DataFrame, level: float) -> Metric:
    """Gap to the peers, fifth by fifth of frequency; fifths with too few on a side are left out."""
    nothing = Metric(np.nan, np.nan, np.nan, 0)
    if "money" not in customers or found.rules.breadth == "frequency":
        return nothing
    grow = (found.customers["state"] == "grow").to_numpy()
    broad = (customers[found.rules.breadth] >= found.rules.room_below).to_numpy() & (
        customers["frequency"] > 0
    ).to_numpy()
    inside = grow | broad
    if not inside.any():
        return nothing
    cell = equal_groups(customers["frequency"].to_numpy("float64")[inside], 5)
    money = pd.Series(customers["money"].to_numpy("float64")[inside]).groupby([cell, grow[inside]])
    ends = money.quantile([0.25, 0.75]).unstack()
    # Error of a median after McGill, Tukey & Larsen (1978): a few large customers do not widen it.
    error = _NOTCH * (ends[0.75] - ends[0.25]) / np.sqrt(money.size())
    both = pd.DataFrame({"size": money.size(), "median": money.median(), "error": error}).unstack()
    both = both[(both["size"] >= _LEAST_PEERS).all(axis=1)]
    if both.empty or both["size"].shape[1] < 2:
        return nothing
    n = both["size"][True]
    amount = float((n * (both["median"][False] - both["median"][True])).sum())
    half = norm.ppf((1 + level) / 2) * float(np.sqrt((n**2 * (both["error"] ** 2).sum(axis=1)).sum()))
    return Metric(amount, amount - half, amount + half, int(n.sum()))


def _at_risk(found: Directions, customers: pd.DataFrame) -> Metric:
    keep = (found.customers["state"] == "keep").to_numpy()
    if "value_at_risk" in customers:
        risk = customers["value_at_risk"][keep]
        return Metric(float(risk.sum(min_count=1)), np.nan, np.nan, int(risk.notna().sum()))
    leaves = pd.Series(np.nan, index=customers.index)
    if "churn_probability" in customers:
        leaves = customers["churn_probability"]
    if "active_chance" in customers:
        leaves = leaves.fillna(1 - customers["active_chance"])
    risk = (found.customers["value"] * leaves)[keep]
    return Metric(float(risk.sum(min_count=1)), np.nan, np.nan, int(risk.notna().sum()))


def _brought(found: Directions, voices: Voices | None) -> Metric:
    if voices is None or "referrals" in voices.missing:
        return Metric(np.nan, np.nan, np.nan, 0)
    state = found.customers["state"].astype("object")
    pairs = voices.brought[voices.brought["referrer_id"].map(state).eq("advocates")]
    worth = pairs["referred_id"].map(found.customers["value"]).fillna(0.0) * pairs["part"]
    return Metric(float(worth.sum()), np.nan, np.nan, int(pairs["referred_id"].nunique()))
