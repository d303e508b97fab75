"""Repeat purchases month by month: how many there were, how many a model expects, and what moves the ratio."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Protocol

import ibis
import numpy as np
import pandas as pd
from scipy.stats import f as f_distribution
from scipy.stats import t as t_distribution

from crmlib.analysis.clv.purchases.purchase_days import Purchase, purchase_days
from crmlib.errors import DataError, TooLittleData

#: Months in which fewer repeat purchases are expected say next to nothing, and are left out of fits.
FEWEST_EXPECTED = 5.0
_STEPS, _NEAR = 40, 1e-10


class ExpectsRepeats(Protocol):
    """What is read of a model; any `crmlib.analysis.clv.timing.attrition.LatentAttrition` has it."""

    def expected_orders(self, times: np.ndarray) -> np.ndarray:
        """Expected repeat purchases of a new customer up to a time after the first purchase."""


def repeats_by_month(
    model: ExpectsRepeats,
    lines: ibis.Table,
    customers: pd.DataFrame,
    last: date,
    *,
    purchase: Purchase = "paid",
    unit_days: float = 1.0,
) -> pd.DataFrame:
    """Count repeat purchases by calendar month, beside what a model expects of the first purchases alone.

    Parameters
    ----------
    model : LatentAttrition
        Fitted.
    lines : ibis.Table
        As returned by `crmlib.analysis.ledger.order_lines`.
    customers : DataFrame
        Indexed by ``customer_id``, with the column ``first_on``, as
        `crmlib.analysis.clv.purchases.summary.purchase_summary` returns it; nobody else is counted.
    last : datetime.date
        Last day of the calibration, which `customers` end on, too.
    purchase : {'paid', 'bought', 'any'}
        What counts as a purchase, as in `customers`; see `crmlib.analysis.clv.purchases.purchase_days`.
    unit_days : float
        Days in the model's unit of time: 7 for a model of weeks.

    Returns
    -------
    DataFrame
        Indexed by ``month`` (its first day), without gaps from the first purchase to `last`: ``actual`` repeat
        purchases, ``expected`` ones (sum over customers of the increase of the expected repeats since
        the first purchase) and ``days`` of the month within the data.

    Raises
    ------
    DataError
        If there is no ``first_on``, or a first purchase lies after `last`.

    Notes
    -----
    The tracking plot of Fader, Hardie & Lee (2005), Marketing Science 24:275-284, figure 4, by month.
    """
    began = first_days(customers, last)
    start = int(began.min())
    length = (last - date(1970, 1, 1)).days - start + 1
    grown = expected_growth(model, length, unit_days)
    born = np.bincount(began - start, minlength=length).astype("float64")
    by_day = np.diff(np.convolve(born, grown)[:length], prepend=0.0)

    days = purchase_days(lines, lambda day: day <= ibis.literal(last), purchase)
    known = ibis.memtable(pd.DataFrame({"customer_id": customers.index.to_numpy()}))
    bought = days.filter(days.bought).semi_join(known, "customer_id")
    counts = bought.group_by(year=bought.day.year(), number=bought.day.month()).agg(purchases=ibis._.count())
    found = counts.execute()
    called = pd.PeriodIndex.from_fields(year=found["year"], month=found["number"], freq="M")
    calendar = pd.date_range(pd.Timestamp(start, unit="D"), pd.Timestamp(last), freq="D").to_period("M")
    expected = pd.Series(by_day).groupby(calendar).agg(["sum", "size"])
    firsts = pd.Series(born).groupby(calendar).sum()
    purchases = pd.Series(found["purchases"].to_numpy(), index=called).reindex(expected.index, fill_value=0)
    return pd.DataFrame(
        {
            "actual": (purchases - firsts).astype("int64"),
            "expected": expected["sum"],
            "days": expected["size"].astype("int64"),
        }
    ).set_axis(expected.index.to_timestamp().rename("month"))


def first_days(customers: pd.DataFrame, last: date) -> np.ndarray:
    """Return the days of the first purchases, as days since 1970; refuse what cannot be."""
    if "first_on" not in customers.columns or len(customers) == 0:
        raise DataError(
            f"{len(customers):,} customers with the columns {', '.join(map(str, customers.columns)) or 'none'}",
            "customers with the day of their first purchase, first_on",
            "build the table with crmlib.analysis.clv.purchases.summary.purchase_summary",
        )
    began = customers["first_on"].to_numpy(dtype="datetime64[D]")
    late = np.isnat(began) | (began > np.datetime64(last))
    if late.any():
        raise DataError(
            f"first_on = {began[late][0]}, at {int(late.sum()):,} of {len(began):,} customers",
            f"first purchases up to {last}",
            "give the last day that the table was built with",
        )
    return began.astype("int64")


def expected_growth(model: ExpectsRepeats, length: int, unit_days: float) -> np.ndarray:
    """Expected repeat purchases of a new customer 0, 1, ... `length` - 1 days after the first."""
    return np.asarray(model.expected_orders(np.arange(length) / unit_days), dtype="float64")


@dataclass(frozen=True)
class Rates:
    """Logarithms of rates (actual over expected), by quasi-Poisson regression.

    Attributes
    ----------
    effects : ndarray of shape (n_effects,)
        Estimates.
    poisson : ndarray of shape (n_effects, n_effects)
        Their covariance if counts were from Poisson distributions.
    dispersion : float
        Variance of the counts over that of Poisson counts; 1 at least.
    free : int
        Degrees of freedom that the dispersion is estimated with.
    deviance : float
    """

    effects: np.ndarray
    poisson: np.ndarray
    dispersion: float
    free: int
    deviance: float

    def reach(self, level: float) -> float:
        """Half of an interval in standard errors."""
        return float(t_distribution.ppf((1 + level) / 2, self.free))


def fitted_rates(actual: np.ndarray, expected: np.ndarray, design: np.ndarray) -> Rates:
    """Fit ``actual ~ expected * exp(design @ effects)``, with a variance in proportion to the mean.

    Parameters
    ----------
    actual, expected : ndarray of shape (n_months,)
        Counts, and what they are compared with (above 0).
    design : ndarray of shape (n_months, n_effects)
        Of full rank.

    Returns
    -------
    Rates

    Raises
    ------
    TooLittleData
        If no degree of freedom is left, or the design is not of full rank.

    Notes
    -----
    McCullagh & Nelder (1989), Generalized Linear Models, section 9.2: the dispersion is Pearson's chi-square over
    its degrees of freedom.

    Examples
    --------
    >>> found = fitted_rates(np.array([12.0, 8.0, 33.0, 27.0]), np.full(4, 10.0), np.eye(2)[[0, 0, 1, 1]])
    >>> np.exp(found.effects).round(2).tolist(), round(found.dispersion, 2), found.free
    ([1.0, 3.0], 1.0, 2)
    """
    free = len(actual) - design.shape[1]
    if free < 1 or np.linalg.matrix_rank(design) < design.shape[1]:
        raise TooLittleData(
            f"{len(actual)} months for {design.shape[1]} effects",
            "more months than effects, and months that tell them apart",
            "take a longer time",
        )
    weight = np.sqrt(expected)
    start = np.log((actual + 0.5) / expected)
    effects = np.linalg.lstsq(design * weight[:, None], start * weight, rcond=None)[0]
    for _ in range(_STEPS):
        mean = expected * np.exp(design @ effects)
        step = np.linalg.solve(design.T @ (design * mean[:, None]), design.T @ (actual - mean))
        effects = effects + np.clip(step, -1.0, 1.0)
        if np.abs(step).max() < _NEAR:
            break
    mean = expected * np.exp(design @ effects)
    pearson = float(((actual - mean) ** 2 / mean).sum())
    poisson = np.linalg.inv(design.T @ (design * mean[:, None]))
    share = np.where(actual > 0, actual / mean, 1.0)
    deviance = float(2 * (actual * np.log(share) - (actual - mean)).sum())
    return Rates(effects, poisson, max(pearson / free, 1.0), free, deviance)


def gain_test(small: Rates, large: Rates) -> tuple[float, float]:
    """Return F and the p-value of the effects that `large` has beyond `small`, overdispersion allowed for."""
    more = small.free - large.free
    ratio = max(small.deviance - large.deviance, 0.0) / more / large.dispersion
    return ratio, float(f_distribution.sf(ratio, more, large.free))


def enough(months: pd.DataFrame) -> pd.DataFrame:
    """Return the months in which enough repeat purchases are expected to say something."""
    return months[months["expected"] >= FEWEST_EXPECTED]


def month_dummies(months: pd.DatetimeIndex) -> np.ndarray:
    """Return one column per month of the year; shape (n_months, 12)."""
    return np.eye(12)[months.month.to_numpy() - 1]


def years_since(months: pd.DatetimeIndex) -> np.ndarray:
    """Return the years from the middle of all months to each of them."""
    number = 12 * months.year.to_numpy() + months.month.to_numpy()
    return (number - number.mean()) / 12


def days_by_month(last: date, horizon: int) -> np.ndarray:
    """Count the days of each month of the year among the `horizon` days after `last`; shape (12,)."""
    ahead = pd.date_range(last + timedelta(days=1), periods=horizon, freq="D")
    return np.bincount(ahead.month.to_numpy() - 1, minlength=12).astype("float64")
