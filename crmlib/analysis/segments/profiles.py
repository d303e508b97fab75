"""What each segment is: its income statement, its value ahead, who leaves it and how its customers buy.

Every statement adds up to the cent: the segments, and the customers of none, are the whole.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import t as student

from crmlib.analysis.clv.refusals import refuse
from crmlib.analysis.clv.worth.value import Values
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
    "draws": "Purchases and parameters drawn anew, the parameters shared by all customers",
    "customers": "Customers drawn anew, each with the value expected of them; doubt about the model is not in it",
}
_CENTS = 100


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
    segments: pd.Series, values: pd.Series, drawn: Values | None = None, level: float = 0.95
) -> pd.DataFrame:
    """Add up the value ahead by segment, with an interval that says where it comes from.

    Parameters
    ----------
    segments : Series of str
        Segment by customer; a missing one is none.
    values : Series of float
        Value ahead by customer, as notebook 04 saves it; customers without one bring nothing and are counted.
    drawn : Values, optional
        Values with the segments as groups, as `crmlib.analysis.clv.worth.strata.values_of` returns them when called
        with `segment_members`: then the interval is that of the draws, in which all customers share the parameters.
    level : float
        Level of the intervals without draws.

    Returns
    -------
    DataFrame
        Indexed by ``segment`` (`NONE` where somebody with a value has no segment, and `ALL` at the end): ``customers``,
        ``valued`` (those with a value), ``value``, ``value_share`` (NaN unless the total is above 0), ``low``,
        ``high``, ``mean_value``, ``mean_low``, ``mean_high`` (per valued customer) and ``basis`` (key of `BASES`).

    Raises
    ------
    DataError
        If a customer stands twice, or the draws are of other segments.

    Notes
    -----
    Intervals of single customers must not be added up: they would treat all bad luck as happening at once, or, as
    independent, forget that one wrong parameter is wrong for all.

    Examples
    --------
    >>> values = pd.Series([100.0, 140.0, 10.0], index=list("ABC"))
    >>> found = segment_values(pd.Series(["x", "x", "y"], index=list("ABC")), values)
    >>> found["value"].to_dict(), found["basis"].iloc[0]
    ({'x': 240.0, 'y': 10.0, 'all customers': 250.0}, 'customers')
    """
    _once(segments, "segments")
    _once(values, "values")
    names = _names(segments)
    everybody = segments.index.union(values.index)
    own, worth = segments.reindex(everybody), values.reindex(everybody)
    place = _placed(own, names)
    shown = [*range(len(names)), *([len(names)] if (place == len(names)).any() else [])]
    labels = [*names, NONE][: len(shown)]
    if drawn is not None and set(names) - set(drawn.expected.index):
        absent = ", ".join(map(str, sorted(set(names) - set(drawn.expected.index))))
        raise DataError(
            f"no draws of {absent}", "draws with all segments as groups", "pass segment_members to values_of"
        )
    parts = [worth[place == number] for number in shown] + [worth]
    rows = [_valued(part, level) for part in parts]
    table = pd.DataFrame(rows, index=pd.Index([*labels, ALL], name="segment"))
    table["basis"] = "customers"
    if drawn is not None:
        sums = drawn.sums
        for name in [*names, ALL]:
            one = sums["all" if name == ALL else name]
            ends = np.array([one.low, one.high])
            table.loc[name, ["low", "high"]] = ends
            table.loc[name, ["mean_low", "mean_high"]] = ends / max(table.loc[name, "valued"], 1)
            table.loc[name, "basis"] = "draws"
    total = table.loc[ALL, "value"]
    table.insert(3, "value_share", table["value"] / total if total > 0 else np.nan)
    return table


def segment_members(segments: pd.Series) -> dict[str, pd.Series]:
    """Say who belongs to each segment, as `crmlib.analysis.clv.worth.strata.values_of` reads groups."""
    return {name: (segments == name).fillna(False).astype(bool) for name in _names(segments)}


def _valued(values: pd.Series, level: float) -> dict[str, float]:
    known = values.dropna().to_numpy("float64")
    n, mean = len(known), float(known.mean()) if len(known) else float("nan")
    half = _half(known.std(ddof=1), n, level) if n > 1 else float("nan")
    return {
        "customers": len(values), "valued": n, "value": float(known.sum()), "low": n * (mean - half),
        "high": n * (mean + half), "mean_value": mean, "mean_low": mean - half, "mean_high": mean + half,
    }  # fmt: skip


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
        return list(segments.cat.categories)
    return sorted(segments.dropna().unique())


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
