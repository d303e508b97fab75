"""What the next period needs: what today's customers will bring, and how many must be won."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd

from crmlib.analysis.intervals import Z

TOTALS = ("Sales now", "From today's customers", "The same sales again")
_CARRIED = {"old": "Customers won earlier: less or more", "won": "Customers just won: less or more"}


@dataclass(frozen=True)
class NextPeriod:
    """What the next period needs to sell as much as this one.

    Attributes
    ----------
    groups : DataFrame
        Indexed by ``old`` (won before the period) and ``won`` (won in it): ``customers``,
        ``sales`` (this period), ``carried`` (share of a period's sales such customers brought in
        the next), ``carried_low``, ``carried_high``, ``expected`` (sales in the next period).
    target : float
        Sales to hold: those of this period.
    existing, existing_interval : float, tuple of float
        What today's customers are expected to bring, with a 95 % interval for what they will
        bring: chance in the shares, their change from period to period, and chance in the period to come.
    per_new : float
        Sales per customer won, in the period of winning, which is on average half a period long.
    won : int
        Customers won in this period.
    new_variance : float
        Variance of the sales of one customer just won.
    needed, needed_interval : float, tuple of float
        Customers to win in the next period to reach the target, with its 95 % interval; below
        zero where today's customers alone bring more than the target. NaN where nobody was won.
    from_largest : float
        Part of the chance in what customers carry over that comes from the two in a hundred who
        bought most in the earlier period: where it is near 1, the range is about them.
    """

    groups: pd.DataFrame
    target: float
    existing: float
    existing_interval: tuple[float, float]
    per_new: float
    won: int
    new_variance: float
    needed: float
    needed_interval: tuple[float, float]
    from_largest: float

    def sales_with(self, new: float) -> tuple[float, float, float]:
        """Sales of the next period if so many customers are won: low end, middle, high end (95 %)."""
        middle = self.existing + (new * self.per_new if new else 0.0)
        half = Z * np.sqrt(self._variance_with(new))
        return float(middle - half), float(middle), float(middle + half)

    def _variance_with(self, new: float) -> float:
        variance = ((self.existing_interval[1] - self.existing) / Z) ** 2
        return variance + (self.new_variance * (abs(new) + new**2 / self.won) if new else 0.0)


def next_period(periods: Sequence[pd.DataFrame], firsts: Sequence[date]) -> NextPeriod | None:
    """Estimate what today's customers will bring in the next period, and how many must be won.

    Customers won in a period have had only a part of it; so two groups carry over differently:
    those won in the period and those won before it. Each brings in the next period the share
    of its sales that its forerunners brought, over all neighbouring periods there are.

    Parameters
    ----------
    periods : sequence of DataFrame
        As returned by `Base.customers_in`, for neighbouring periods of the same length, the
        earliest first; two or more.
    firsts : sequence of datetime.date
        First day of each period.

    Returns
    -------
    NextPeriod or None
        None where nobody is there today, or a group of today has no forerunners to learn from.

    Notes
    -----
    Definition of this project, after lens 5 of Fader, Hardie & Ross (2022). The carried share is
    a ratio of totals with the variance of a ratio estimate (Cochran 1977, Sampling Techniques,
    section 6.4), a customer being the unit over all periods; where it differs between periods by
    more than that explains, their variance is added (moment estimate, DerSimonian & Laird 1986).
    The interval of the number needed adds the variance of the carried sales, of the sales per
    new customer, and of the new customers' own sales (delta method).
    """
    now, past = periods[-1], _forerunners(periods, firsts)
    if now.empty:
        return None
    just_won = won_since(now, firsts[-1])
    today = {"old": now[~just_won], "won": now[just_won]}
    rows, variance, beside = {}, 0.0, []
    for name, group in today.items():
        if group.empty:
            continue
        pairs, sold = past[past["group"] == name], float(group["net_sales"].sum())
        if len(pairs) < 2 or pairs["before"].sum() <= 0:
            return None
        rate, error, luck = carried(pairs)
        between = _between(pairs)
        beside.append(pairs.assign(squared=(pairs["now"] - rate * pairs["before"]) ** 2))
        rows[name] = {
            "customers": len(group),
            "sales": sold,
            "carried": rate,
            "carried_low": rate - Z * error,
            "carried_high": rate + Z * error,
            "expected": rate * sold,
        }
        variance += sold**2 * (error**2 + between) + luck * len(group)
    groups = pd.DataFrame.from_dict(rows, orient="index").rename_axis("group")
    existing, half = float(groups["expected"].sum()), Z * np.sqrt(variance)
    target, new = float(now["net_sales"].sum()), today["won"]["net_sales"]
    per_new = float(new.mean()) if len(new) else float("nan")
    own = float(new.var(ddof=1)) if len(new) > 1 else 0.0
    needed, ends = float("nan"), (float("nan"), float("nan"))
    if len(new) > 1 and per_new > 0:
        needed = (target - existing) / per_new
        spread = Z * np.sqrt(variance + needed**2 * own / len(new) + abs(needed) * own) / per_new
        ends = (float(needed - spread), float(needed + spread))
    interval = (float(existing - half), float(existing + half))
    chance = pd.concat(beside)
    largest = chance["before"] >= chance["before"].quantile(0.98)
    from_largest = float(chance.loc[largest, "squared"].sum() / max(chance["squared"].sum(), 1e-12))
    return NextPeriod(groups, target, existing, interval, per_new, len(new), own, needed, ends, from_largest)


def _forerunners(periods: Sequence[pd.DataFrame], firsts: Sequence[date]) -> pd.DataFrame:
    """Sales of each customer in a period and in the next, for all neighbouring periods.

    Columns ``pair`` (number of the earlier period), ``group`` (``old`` or ``won``, as the customer was in the earlier
    period), ``before`` and ``now``.
    """
    pairs = []
    for number in range(len(periods) - 1):
        early, late = periods[number], periods[number + 1]
        pair = early["net_sales"].to_frame("before").join(late["net_sales"].rename("now"), how="outer")
        pair["won_on"] = early["won_on"].reindex(pair.index).fillna(late["won_on"])
        group = np.where(won_since(pair, firsts[number]), "won", "old")
        there = ~won_since(pair, firsts[number + 1])  # as a customer, when the earlier period ended
        pair = pair[["before", "now"]].fillna(0.0).assign(pair=number, group=group)
        pairs.append(pair[there.to_numpy()])
    return pd.concat(pairs)


def won_since(customers: pd.DataFrame, day: date) -> pd.Series:
    """Tell who was won on a day or later; a day nobody knows lies before the data."""
    return customers["won_on"] >= pd.Timestamp(day)


def carried(pairs: pd.DataFrame) -> tuple[float, float, float]:
    """Ratio of the totals, its standard error, and the variance of one customer in one period around it."""
    rate = pairs["now"].sum() / pairs["before"].sum()
    beside = pairs["now"] - rate * pairs["before"]
    each = beside.groupby(level=0).sum()  # one customer is one unit, in however many periods
    error = np.sqrt(len(each) * each.var(ddof=1)) / pairs["before"].sum()
    return float(rate), float(error), float(beside.var(ddof=1))


def _between(pairs: pd.DataFrame) -> float:
    """Variance of the carried share from one pair of periods to another, beyond chance among customers."""
    known = [
        carried(part)[:2] for _, part in pairs.groupby("pair") if len(part) > 1 and part["before"].sum() > 0
    ]
    rates, errors = np.array(known).reshape(-1, 2).T
    if len(rates) < 2 or not (errors > 0).all():
        return 0.0
    weight = 1 / errors**2
    excess = (weight * (rates - np.average(rates, weights=weight)) ** 2).sum() - (len(rates) - 1)
    return float(max(0.0, excess / (weight.sum() - (weight**2).sum() / weight.sum())))


def carried_by_pair(periods: Sequence[pd.DataFrame], firsts: Sequence[date]) -> pd.DataFrame:
    """Measure the carried shares for each pair of neighbouring periods on its own.

    Returns
    -------
    DataFrame
        Indexed by the number of the later period; ``old``, ``old_error``, ``won``, ``won_error``;
        NaN where a group has no sales to carry over.
    """
    pairs, rows = _forerunners(periods, firsts), {}
    for (number, name), part in pairs.groupby(["pair", "group"]):
        if len(part) > 1 and part["before"].sum() > 0:
            rate, error, _ = carried(part)
            rows.setdefault(number + 1, {}).update({name: rate, f"{name}_error": error})
    columns = ["old", "old_error", "won", "won_error"]
    return pd.DataFrame.from_dict(rows, orient="index", columns=columns).reindex(range(1, len(periods)))


def walk_to_target(need: NextPeriod) -> pd.DataFrame:
    """Lay out the way from the sales of this period to the same sales in the next.

    Returns
    -------
    DataFrame
        ``line`` and ``amount``; the lines named in `TOTALS` are subtotals.
    """
    groups = need.groups
    moved = groups["expected"] - groups["sales"]
    lines = [(TOTALS[0], need.target)]
    lines += [(words, float(moved[name])) for name, words in _CARRIED.items() if name in groups.index]
    lines += [(TOTALS[1], need.existing), ("New customers must bring", need.target - need.existing)]
    return pd.DataFrame([*lines, (TOTALS[2], need.target)], columns=["line", "amount"])


@dataclass(frozen=True)
class Rehearsal:
    """The forecast of this period as it would have been made a period ago.

    Attributes
    ----------
    expected : float
        Sales forecast from the two periods before and the customers really won.
    interval : tuple of float
        Its 95 % interval.
    actual : float
        Sales of this period.
    same_as_before : float
        The naive forecast: the sales of the period before.
    won : int
        Customers really won in this period, whom the forecast was given.
    """

    expected: float
    interval: tuple[float, float]
    actual: float
    same_as_before: float
    won: int


def rehearse(periods: Sequence[pd.DataFrame], firsts: Sequence[date]) -> Rehearsal | None:
    """Forecast the last period from those before it, and compare.

    Parameters
    ----------
    periods, firsts
        As in `next_period`; three or more.

    Returns
    -------
    Rehearsal or None
        None where there are fewer than three periods, or nothing to learn from.
    """
    then = next_period(periods[:-1], firsts[:-1]) if len(periods) > 2 else None
    if then is None:
        return None
    now = periods[-1]
    won = int(won_since(now, firsts[-1]).sum())
    if won and not then.won:
        return None
    low, expected, high = then.sales_with(won)
    return Rehearsal(expected, (low, high), float(now["net_sales"].sum()), then.target, won)
