"""What each segment is: its income statement, its value ahead, who leaves it and how its customers buy.

Every statement adds up to the cent: the segments, and the customers of none, are the whole.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import norm
from scipy.stats import t as student

from crmlib.analysis.clv.refusals import refuse
from crmlib.analysis.profitability import STATEMENT
from crmlib.errors import DataError, ParameterError

#: Name of the customers of no segment, and of the sum.
NONE, ALL = "no segment", "all customers"
#: Lines of the statement that are costs.
COSTS = (
    "discounts",
    "cost_of_goods",
    "service_order",
    "service_return",
    "service_relationship",
    "acquisition_cost",
)
#: Where an interval of a value comes from.
BASES = {
    "ends": "What each customer may bring, one independent of the other; doubt that all share is left out",
    "customers": "Customers drawn anew, each with the value expected of them; doubt about the model is left out",
}


@dataclass(frozen=True)
class Profiles:
    """Segments side by side.

    Attributes
    ----------
    table : DataFrame
        Indexed by ``segment``: ``customers``, ``share``, and as far as known ``profit``, ``profit_share`` (NaN unless
        the total is above 0), ``mean_profit`` with ``profit_low`` and ``profit_high``, ``loss_makers`` (share of
        customers with a loss), ``churn_rate`` (mean probability, of those who have one), ``churn_of`` (how many
        these are), ``active_chance`` (mean), ``recency_days`` and ``frequency`` (medians of those who ever bought),
        ``categories`` and ``web_share`` (means), ``cost_to_serve_share`` (median), ``main_channel`` (the one of most
        customers; of equally many, the first by alphabet), ``channel_share`` (of those with a channel).
    level : float
        Level of the intervals, which are about the mean if customers were drawn anew.
    """

    table: pd.DataFrame
    level: float


def segment_statement(segments: pd.Series, profit: pd.DataFrame) -> pd.DataFrame:
    """Lay out the income statement of each segment.

    Parameters
    ----------
    segments : Series of str
        Segment by customer; a missing one is none.
    profit : DataFrame
        Money by customer, as notebook 02 saves it or `crmlib.analysis.profitability.customer_profit` returns it.

    Returns
    -------
    DataFrame
        One row per line of `crmlib.analysis.profitability.STATEMENT` that `profit` holds, costs negative, in the run's
        currency; a column per segment in the order of names (of a categorical, in its order), `NONE` where customers
        with money have no segment, and `ALL`. Each line adds up to the cent.

    Raises
    ------
    DataError
        If a customer stands twice, or there is no profit.

    Examples
    --------
    >>> profit = pd.DataFrame(
    ...     {"list_sales": [100.0, 50, 20], "discounts": [10.0, 0, 0], "profit": [40.0, 25, 9]}, index=list("ABC")
    ... )
    >>> segment_statement(pd.Series(["x", "y"], index=list("AB")), profit)
    segment         x     y  no segment  all customers
    line
    list_sales  100.0  50.0        20.0          170.0
    discounts   -10.0   0.0         0.0          -10.0
    profit       40.0  25.0         9.0           74.0
    """
    money = _indexed(profit, "profit")
    lines = [line for line in STATEMENT if line in money.columns]
    if "profit" not in lines:
        raise DataError(
            "money without a column profit", "the profit of each customer", "run 02_profitability first"
        )
    _once(segments, "segments")
    names = _names(segments)
    place = _placed(segments.reindex(money.index), names)
    sums = money[lines].groupby(place).sum()
    shown = [*range(len(names)), *([len(names)] if (place == len(names)).any() else [])]
    table = sums.reindex(shown, fill_value=0.0).T
    table.columns = [*names, NONE][: len(shown)]
    table[ALL] = table.sum(axis=1)
    table.loc[[line for line in COSTS if line in lines]] *= -1
    return (table + 0.0).rename_axis("line").rename_axis("segment", axis=1)


def segment_profiles(segments: pd.Series, features: pd.DataFrame, level: float = 0.95) -> Profiles:
    """Describe each segment by what is known about its customers.

    Parameters
    ----------
    segments : Series of str
        Segment by customer; a missing one is none.
    features : DataFrame
        `crmlib.analysis.segments.customer_features.CustomerFeatures.customers`; any of the columns may be missing.
        Where there is no ``profit``, ``money`` (gross margin) takes its place.
    level : float
        Level of the intervals, above 0 and below 1.

    Returns
    -------
    Profiles

    Raises
    ------
    DataError
        If a customer stands twice.
    ParameterError
        If `level` is out of range.

    Notes
    -----
    Interval of a mean: Student's t on the customers of the segment; NaN for a single customer. Where a few large
    customers make the mean, the interval is too narrow. Definition of this project.

    Examples
    --------
    >>> features = pd.DataFrame({"profit": [40.0, 20, -6], "recency_days": [3, 9, 80]}, index=list("ABC"))
    >>> found = segment_profiles(pd.Series(["x", "x", "y"], index=list("ABC")), features).table
    >>> found[["customers", "mean_profit", "recency_days", "loss_makers"]].values.tolist()
    [[2.0, 30.0, 6.0, 0.0], [1.0, -6.0, 80.0, 1.0]]
    """
    if not 0 < level < 1:
        raise ParameterError(f"level = {level}", "above 0 and below 1", "give for example 0.95")
    people = _indexed(features, "features")
    _once(segments, "segments")
    names = _names(segments)
    place = _placed(segments.reindex(people.index), names)
    shown = [*range(len(names)), *([len(names)] if (place == len(names)).any() else [])]
    sizes = np.bincount(place, minlength=len(names) + 1)[shown]
    found: dict[str, object] = {"customers": sizes, "share": sizes / max(sizes.sum(), 1)}
    held = people.groupby(place)
    money = "profit" if "profit" in people else "money" if "money" in people else None
    if money:
        found |= _money(people[money], place, shown, sizes, level)
    for name, column, how in (
        ("churn_rate", "churn_probability", "mean"), ("churn_of", "churn_probability", "count"),
        ("active_chance", "active_chance", "mean"), ("recency_days", "recency_days", "median"),
        ("frequency", "frequency", "median"), ("categories", "categories", "mean"),
        ("web_share", "web_share", "mean"), ("cost_to_serve_share", "cost_to_serve_share", "median"),
    ):  # fmt: skip
        if column in people:
            found[name] = getattr(held[column], how)().reindex(shown).to_numpy()
    if "main_channel" in people:
        counts = pd.crosstab(place, people["main_channel"].astype("object"))
        counts = counts[sorted(counts.columns)].reindex(shown, fill_value=0)
        total = counts.sum(axis=1).to_numpy()
        if counts.shape[1]:
            best = counts.to_numpy().argmax(axis=1)
            found["main_channel"] = np.where(total > 0, counts.columns.to_numpy(object)[best], None)
            found["channel_share"] = counts.to_numpy().max(axis=1) / np.where(total > 0, total, np.nan)
    index = pd.Index([*names, NONE][: len(shown)], name="segment")
    return Profiles(pd.DataFrame({k: np.asarray(v) for k, v in found.items()}, index=index), level)


def segment_values(
    segments: pd.Series,
    values: pd.Series,
    ends: tuple[pd.Series, pd.Series] | None = None,
    level: float = 0.95,
) -> pd.DataFrame:
    """Add up the value ahead by segment, with an interval that says where it comes from.

    Parameters
    ----------
    segments : Series of str
        Segment by customer; a missing one is none.
    values : Series of float
        Value ahead by customer, as notebook 04 saves it; customers without one bring nothing and are counted.
    ends : tuple of Series of float, optional
        Low and high end of what each customer may bring, at the same level, as notebook 04 saves them.
    level : float
        Level of the intervals, above 0 and below 1.

    Returns
    -------
    DataFrame
        Indexed by ``segment`` (`NONE` where somebody with a value has no segment, and `ALL` at the end): ``customers``,
        ``valued`` (those with a value), ``value``, ``value_share`` (NaN unless the total is above 0), ``low``,
        ``high``, ``mean_value``, ``mean_low``, ``mean_high`` (per valued customer) and ``basis`` (key of `BASES`).

    Raises
    ------
    DataError
        If a customer stands twice, or has a value without ends.
    ParameterError
        If `level` is out of range.

    Notes
    -----
    The ends of customers must not be added up: that would be bad luck for all at once. Their widths, in standard
    deviations of a normal distribution, are added in squares instead, as of customers who have their luck each by
    themselves. Doubt about the parameters of the model, which all customers share, is in each width but not in how
    they add up: the interval of a segment is somewhat too narrow. Without ends, the interval is the one of a mean: what
    it would be for other customers of the same kind.

    Examples
    --------
    >>> values = pd.Series([100.0, 140.0, 10.0], index=list("ABC"))
    >>> ends = values - 30, values + 30
    >>> found = segment_values(pd.Series(["x", "x", "y"], index=list("ABC")), values, ends)
    >>> found.loc["x", ["value", "low", "high"]].astype(float).round(1).tolist(), found.loc["x", "basis"]
    ([240.0, 197.6, 282.4], 'ends')
    """
    if not 0 < level < 1:
        raise ParameterError(f"level = {level}", "above 0 and below 1", "give for example 0.95")
    _once(segments, "segments")
    _once(values, "values")
    names = _names(segments)
    everybody = segments.index.union(values.index)
    worth = values.reindex(everybody).astype("float64")
    place = _placed(segments.reindex(everybody), names)
    shown = [*range(len(names)), *([len(names)] if (place == len(names)).any() else [])]
    spread = _spread(worth, ends, level) if ends is not None else None
    index = pd.Index([*[*names, NONE][: len(shown)], ALL], name="segment")
    inside = [*(place == number for number in shown), np.ones(len(everybody), dtype=bool)]
    rows = [_valued(worth[one], None if spread is None else spread[one], level) for one in inside]
    table = pd.DataFrame(rows, index=index)
    total = table.loc[ALL, "value"]
    table.insert(3, "value_share", table["value"] / total if total > 0 else np.nan)
    table["basis"] = "customers" if ends is None else "ends"
    return table


def _spread(values: pd.Series, ends: tuple[pd.Series, pd.Series], level: float) -> np.ndarray:
    """Standard deviation of what each customer may bring; 0 for those without a value."""
    low, high = (one.reindex(values.index).to_numpy("float64") for one in ends)
    bad = values.notna().to_numpy() & ~(high >= low)
    if bad.any():
        refuse(
            bad,
            values.index,
            "a value without ends",
            "a low and a high end for each value",
            "value them again",
        )
    return np.where(values.notna(), high - low, 0.0) / (2 * norm.ppf((1 + level) / 2))


def _valued(values: pd.Series, spread: np.ndarray | None, level: float) -> dict[str, float]:
    known = values.dropna().to_numpy()
    n, total = len(known), float(known.sum())
    if spread is not None:
        half = float(norm.ppf((1 + level) / 2) * np.sqrt((spread**2).sum()))
    else:
        half = float(n * _half(known.std(ddof=1), n, level)) if n > 1 else float("nan")
    row = {"value": total, "low": total - half, "high": total + half}
    means = {f"mean_{name}": amount / n if n else np.nan for name, amount in row.items()}
    return {"customers": len(values), "valued": n, **row, **means}


def _money(money: pd.Series, place: np.ndarray, shown: list[int], sizes: np.ndarray, level: float) -> dict:
    held = money.groupby(place)
    sums, means, spread = (getattr(held, how)().reindex(shown) for how in ("sum", "mean", "std"))
    half = _half(spread.to_numpy(), sizes, level)
    total = sums.sum()
    return {
        "profit": sums.fillna(0.0), "profit_share": sums.fillna(0.0) / total if total > 0 else np.nan * sums,
        "mean_profit": means, "profit_low": means - half, "profit_high": means + half,
        "loss_makers": (money < 0).groupby(place).mean().reindex(shown),
    }  # fmt: skip


def _half(spread: np.ndarray, count: np.ndarray, level: float) -> np.ndarray:
    with np.errstate(invalid="ignore", divide="ignore"):
        return student.ppf((1 + level) / 2, np.maximum(count - 1, 0.5)) * spread / np.sqrt(count)


def _names(segments: pd.Series) -> list:
    if isinstance(segments.dtype, pd.CategoricalDtype):
        names = list(segments.cat.categories)
    else:
        names = sorted(segments.dropna().unique())
    if {NONE, ALL} & set(names):
        raise DataError(
            f"a segment called {NONE} or {ALL}", "other names", "leave the segment of those customers blank"
        )
    return names


def _placed(segments: pd.Series, names: list) -> np.ndarray:
    """Number of each customer's segment; one more than the last for none."""
    found = pd.Index(names).get_indexer(segments.astype("object")) if names else np.full(len(segments), -1)
    return np.where(found < 0, len(names), found)


def _indexed(table: pd.DataFrame, name: str) -> pd.DataFrame:
    found = table.set_index("customer_id") if "customer_id" in table.columns else table
    _once(found, name)
    return found


def _once(table: pd.DataFrame | pd.Series, name: str) -> None:
    twice = table.index.duplicated()
    if twice.any():
        refuse(
            twice, table.index, f"a customer who stands twice in {name}", "one row each", "add rows up first"
        )
