"""Lens 4: is each cohort better or worse than the one before, and through what?"""

from dataclasses import dataclass

import ibis
import numpy as np
import pandas as pd
from scipy.stats import t as student

from crmlib.analysis.audit.customer_days import SUMS, Base
from crmlib.analysis.audit.factors import contributions
from crmlib.analysis.intervals import Z, wilson_interval

PARTS = {
    "orders": "Orders per customer",
    "order_value": "Order value",
    "margin": "Margin before the cost of winning",
    "winning": "Cost of winning",
}
_SHARES = [f"{name}_{end}" for name in ("repeat", "active") for end in ("share", "low", "high")]


def by_age(base: Base) -> pd.DataFrame:
    """Follow every cohort by the age of its customers.

    Age counts from the day each customer was won, so that all have had the same time. Only
    ages that every customer of a cohort has completed are given.

    Returns
    -------
    DataFrame
        Indexed by ``cohort`` and ``age`` (number of completed windows, from 1): ``customers`` (won; always all of
        the cohort), ``active`` (placed an order in this window of age), ``repeaters`` (ordered on a
        second day by the end of it), and cumulated since the day won ``orders``, ``net_sales``,
        ``gross_margin``, ``service_cost``, ``acquisition_cost``, ``profit`` (run's currency),
        ``profit_squares`` (sum over customers of the squared cumulated profit) and ``largest``
        (cumulated profit of the customer furthest from zero).
    """
    days = base.days.filter(base.days.cohort >= 0)
    age = (days.age_days / base.windows.days).floor().cast("int32").clip(lower=0)
    aged = days.mutate(age=age)
    won = sizes(base)
    complete = {cohort: _complete_ages(base, cohort) for cohort in won.index}
    index = pd.MultiIndex.from_tuples(
        [(cohort, age) for cohort, ages in complete.items() for age in range(ages)], names=["cohort", "age"]
    )
    single = aged.group_by("customer_id", "cohort", "age").agg(**{name: ibis._[name].sum() for name in SUMS})
    flows = single.group_by("cohort", "age").agg(
        active=ibis._.count(where=ibis._.orders > 0),
        **{name: ibis._[name].sum().cast("float64") for name in SUMS},
    )
    table = flows.execute().set_index(["cohort", "age"])
    table = table.join(_repeaters(aged), how="outer").reindex(index).fillna(0.0)
    cumulated = [*SUMS, "repeaters"]
    table[cumulated] = table.groupby("cohort")[cumulated].cumsum()
    spread = _among_customers(aged, max(complete.values(), default=0)).reindex(index)
    table[["profit_squares", "largest"]] = spread[["squares", "largest"]]
    table.insert(0, "customers", won.reindex(table.index.get_level_values("cohort")).to_numpy())
    whole = ["customers", "active", "repeaters", "orders"]
    table = table.astype(dict.fromkeys(whole, "int64"))
    return table.set_index(table.index.set_levels(table.index.levels[1] + 1, level="age"))


def _complete_ages(base: Base, cohort: int) -> int:
    """How many windows of age the youngest possible customer of a cohort has completed."""
    seen = (base.as_of - base.windows.lasts[cohort]).days + 1
    return int(np.floor(seen / base.windows.days + 1e-9)) if cohort + 1 < len(base.windows) else 0


def _repeaters(aged: ibis.Table) -> pd.Series:
    """Count customers by cohort and the age at which they ordered on a second day."""
    own = ibis.window(group_by="customer_id", order_by="day")
    placed = aged.filter(aged.orders > 0).mutate(order=ibis.row_number().over(own))
    second = placed.filter(placed.order == 1).group_by("cohort", "age").agg(repeaters=ibis._.count())
    return second.execute().set_index(["cohort", "age"])["repeaters"]


def _among_customers(aged: ibis.Table, ages: int) -> pd.DataFrame:
    """Square and extreme of the profits of a cohort's customers, cumulated up to each age."""
    if not ages:
        index = pd.MultiIndex.from_arrays([[], []], names=["cohort", "age"])
        return pd.DataFrame({"squares": [], "largest": []}, index=index)
    each = aged.group_by("customer_id", "cohort").agg(
        **{f"age_{age}": ibis._.profit.sum(where=ibis._.age <= age).fill_null(0).cast("float64").round(2)
           for age in range(ages)}
    )  # fmt: skip
    # Rounded squares of cents are exact in a decimal, so that the order of the rows plays no part.
    measures = {
        "squares": lambda value: (value * value).cast("decimal(38, 4)").sum(),
        "top": lambda value: value.max(),
        "bottom": lambda value: value.min(),
    }
    sums = {
        f"{name}_{age}": measure(each[f"age_{age}"])
        for name, measure in measures.items()
        for age in range(ages)
    }
    wide = each.group_by("cohort").agg(**sums).execute().set_index("cohort").astype("float64")
    wide.columns = pd.MultiIndex.from_product([measures, range(ages)], names=["measure", "age"])
    table = wide.stack("age")
    return table.assign(largest=table["top"].where(table["top"] > -table["bottom"], table["bottom"]))


def pooled(ages: pd.DataFrame, cohorts: range) -> pd.DataFrame:
    """Add neighbouring cohorts up to one, for the ages that all of them have completed.

    Parameters
    ----------
    ages : DataFrame
        As returned by `by_age`.
    cohorts : range
        Numbers of the cohorts.

    Returns
    -------
    DataFrame
        Indexed by ``age``: the columns of `ages`, ``value`` (cumulated profit per customer won),
        ``low`` and ``high`` (95 %), ``repeat_share`` and ``active_share`` with their ends.
    """
    part = ages[ages.index.get_level_values("cohort").isin(list(cohorts))]
    sums = part.drop(columns="largest").groupby("age").sum()
    present = part.index.get_level_values("cohort").nunique()
    sums = sums[part.groupby("age").size() == present]
    return with_intervals(sums)


def with_intervals(sums: pd.DataFrame) -> pd.DataFrame:
    """Add value per customer and shares of customers, with 95 % intervals, to sums over customers."""
    n = sums["customers"]
    value = sums["profit"] / n
    spread = np.sqrt(((sums["profit_squares"] - n * value**2) / (n - 1).where(n > 1)).clip(lower=0) / n)
    table = sums.assign(value=value, error=spread, low=value - Z * spread, high=value + Z * spread)
    for name, counts in (("repeat", sums["repeaters"]), ("active", sums["active"])):
        ends = [wilson_interval(k, m) for k, m in zip(counts, n, strict=True)]
        table[f"{name}_share"] = counts / n
        table[f"{name}_low"], table[f"{name}_high"] = [low for low, _ in ends], [high for _, high in ends]
    return table


def from_the_start(life: pd.DataFrame, months: int) -> pd.DataFrame:
    """Lay the value to date out by age in months, from the day of winning on.

    Parameters
    ----------
    life : DataFrame
        As returned by `pooled`.
    months : int
        Length of a window.

    Returns
    -------
    DataFrame
        ``age_months`` from 0, where only the cost of winning has fallen, ``value``, ``low``
        and ``high`` (NaN at 0).
    """
    cost = float((life["acquisition_cost"] / life["customers"]).iloc[0])
    curve = life[["value", "low", "high"]].reset_index(drop=True)
    curve.insert(0, "age_months", life.index * months)
    start = pd.DataFrame({"age_months": [0], "value": [0.0 - cost]})
    return pd.concat([start, curve], ignore_index=True)


def sizes(base: Base) -> pd.Series:
    """Count the customers of each cohort won since the data began, the oldest first."""
    won = base.days.filter(base.days.cohort >= 0).group_by("cohort").agg(n=ibis._.customer_id.nunique())
    return won.execute().set_index("cohort")["n"].sort_index()


def oldest(won: pd.Series, longest: int) -> range:
    """Choose the cohorts to follow over time: the oldest, at most half of them and at most `longest`.

    Parameters
    ----------
    won : Series
        As returned by `sizes`.
    longest : int
        Most cohorts to put together.

    Examples
    --------
    >>> oldest(pd.Series(100, index=range(12)), longest=4)
    range(0, 4)
    """
    if won.empty:
        return range(0)
    count = max(1, min(longest, len(won) // 2))
    return range(int(won.index[0]), int(won.index[count - 1]) + 1)


def horizon(ages: pd.DataFrame, longest: int) -> int:
    """Choose the age at which to compare: the longest that half of the cohorts, and two, have completed.

    Parameters
    ----------
    ages : DataFrame
        As returned by `by_age`.
    longest : int
        Longest age wanted, in windows.

    Returns
    -------
    int
        Number of windows; 0 where fewer than two cohorts can be compared.
    """
    reached = ages.groupby("age").size()
    needed = max(2, int(np.ceil(ages.index.get_level_values("cohort").nunique() / 2)))
    fitting = reached[(reached >= needed) & (reached.index <= longest)]
    if fitting.empty:
        fitting = reached[(reached >= 2) & (reached.index <= longest)]
    return int(fitting.index.max()) if len(fitting) else 0


def compared(base: Base, ages: pd.DataFrame, age: int, smallest: int) -> pd.DataFrame:
    """Compare cohorts at the same age.

    Parameters
    ----------
    base : Base
    ages : DataFrame
        As returned by `by_age`.
    age : int
        Completed windows of age.
    smallest : int
        Cohorts with fewer customers get no rate.

    Returns
    -------
    DataFrame
        Indexed by ``cohort``, every cohort with customers: ``label``, ``customers``, ``missing`` (why
        there is no value: ``too few``, ``too young``, or empty), ``value``
        (profit per customer up to that age, cost of winning included) with ``low``, ``high``;
        ``index`` (100 for all of them together); ``largest`` (what the customer furthest from zero adds
        to the value); ``repeat_share`` and ``active_share`` (placed an order
        in the last window of age) with their ends; the factors ``orders``, ``order_value``,
        ``margin`` (before the cost of winning) and ``winning`` (cost per customer); ``change`` of
        the value from the cohort before with ``change_low``, ``change_high``, and its parts
        ``from_orders``, ``from_order_value``, ``from_margin``, ``from_winning``, which add up
        to it. NaN where a cohort is too young or too small.
    """
    there = ages.reset_index().query("age == @age").set_index("cohort")
    won = sizes(base)
    there = with_intervals(there).reindex(won.index)
    there["customers"] = won
    there.loc[won < smallest, there.columns.difference(["customers"])] = np.nan
    earned = there["profit"] + there["acquisition_cost"]
    table = pd.DataFrame(
        {
            "label": [base.label(cohort) for cohort in won.index],
            "customers": won,
            "missing": np.select(
                [won < smallest, there["value"].isna()], ["too few", "too young"], default=""
            ),
            **{name: there[name] for name in ("value", "low", "high", "error")},
            "index": 100 * there["value"] / _together(there),
            "largest": there["largest"] / there["customers"],
            **{name: there[name] for name in _SHARES},
            "orders": there["orders"] / there["customers"],
            "order_value": there["net_sales"] / there["orders"],
            "margin": earned / there["net_sales"],
            "winning": there["acquisition_cost"] / there["customers"],
        }
    )
    return pd.concat([table, _changes(table)], axis=1)


def _together(there: pd.DataFrame) -> float:
    """Value per customer of all cohorts that can be compared; NaN where it is not positive."""
    known = there[there["value"].notna()]
    value = float(known["profit"].sum() / max(known["customers"].sum(), 1))
    return value if value > 0 else float("nan")


def _changes(table: pd.DataFrame) -> pd.DataFrame:
    """Compare each cohort with the last one before it that can be compared."""
    known = table[table["value"].notna()]
    factors = ["orders", "order_value", "margin"]
    rows = {}
    for earlier, later in zip(known.index[:-1], known.index[1:], strict=True):
        old, new = known.loc[earlier], known.loc[later]
        change = new["value"] - old["value"]
        half = Z * np.hypot(new["error"], old["error"])
        parts = contributions(old[factors].astype("float64"), new[factors].astype("float64"))
        rows[later] = {
            "change": change,
            "change_low": change - half,
            "change_high": change + half,
            **{f"from_{name}": money for name, money in parts.items()},
            "from_winning": old["winning"] - new["winning"],
        }
    columns = ["change", "change_low", "change_high", *(f"from_{name}" for name in PARTS)]
    return pd.DataFrame.from_dict(rows, orient="index", columns=columns).reindex(table.index)


@dataclass(frozen=True)
class Trend:
    """A straight line through the cohorts' values.

    Attributes
    ----------
    per_year : float
        Change of the value per customer from cohorts a year apart, run's currency.
    interval : tuple of float
        Its 95 % interval.
    fitted : Series
        The line, by cohort.
    """

    per_year: float
    interval: tuple[float, float]
    fitted: pd.Series


def trend(base: Base, table: pd.DataFrame) -> Trend | None:
    """Fit a line through the values of the cohorts, each weighted by its number of customers.

    The variance among customers is pooled over cohorts: taken one by one, a cohort that happens
    to lack an extreme customer would pass for precise. Where cohorts differ by more than chance
    among customers explains, the interval is widened accordingly (Birge ratio: Birge 1932,
    Physical Review 40:207-227). The interval takes the t distribution, cohorts being few.

    Returns
    -------
    Trend or None
        None with fewer than three cohorts, or where they were won within less than nine months: a
        change per year cannot be told from them.
    """
    known = table[table["value"].notna() & (table["error"] > 0)]
    years = known.index.to_numpy(float) * base.windows.months / 12
    if len(known) < 3 or years[-1] - years[0] + base.windows.months / 12 < 0.75:
        return None
    n, value = known["customers"].to_numpy(float), known["value"].to_numpy()
    among = float((known["error"] ** 2 * n * (n - 1)).sum() / (n - 1).sum())
    weight = n / among
    centre = np.average(years, weights=weight)
    spread = float((weight * (years - centre) ** 2).sum())
    slope = float((weight * (years - centre) * value).sum() / spread)
    fitted = np.average(value, weights=weight) + slope * (years - centre)
    excess = float((weight * (value - fitted) ** 2).sum() / (len(known) - 2))
    half = float(student.ppf(0.975, len(known) - 2)) * float(np.sqrt(max(excess, 1.0) / spread))
    return Trend(slope, (slope - half, slope + half), pd.Series(fitted, index=known.index))
