"""Do customers buy at the same pace all the time? Two checks of the calendar: drift, and the season."""

from datetime import date

import ibis
import numpy as np
import pandas as pd

from crmlib.analysis.clv.purchases.purchase_days import EPOCH, Purchase
from crmlib.analysis.clv.purchases.summary import purchases_in
from crmlib.analysis.clv.trust.departures import Check, check_options, ratio_holds
from crmlib.analysis.clv.trust.monthly_repeats import (
    ExpectsRepeats,
    days_by_month,
    enough,
    expected_growth,
    first_days,
    fitted_rates,
    gain_test,
    month_dummies,
    repeats_by_month,
    years_since,
)
from crmlib.analysis.period import Period
from crmlib.errors import ParameterError, TooLittleData

#: Ratio of purchases to expectation, later over earlier: what comes next may be off by as much.
STATIONARITY_LIMIT = 1.15
#: Ratio of the horizon's months to a whole year, per day.
SEASON_LIMIT = 1.10
#: Customers must arrive over this share of the time, or their age and the calendar are one.
_ARRIVING = 0.5
_YEAR, _WHOLE_WITHIN = 365.25, 3.0


def check_stationarity(
    model: ExpectsRepeats,
    lines: ibis.Table,
    customers: pd.DataFrame,
    last: date,
    *,
    purchase: Purchase = "paid",
    unit_days: float = 1.0,
    level: float = 0.95,
    limit: float = STATIONARITY_LIMIT,
    months: pd.DataFrame | None = None,
) -> Check:
    """Look whether customers of the same age buy as much in later months as in earlier ones.

    Parameters
    ----------
    model, lines, customers, last, purchase, unit_days
        As for `crmlib.analysis.clv.trust.monthly_repeats.repeats_by_month`; `customers` with ``x``, too.
    level : float
        Level of the interval.
    limit : float
        Ratio, above 1.
    months : DataFrame, optional
        What `repeats_by_month` returned, if it is there already.

    Returns
    -------
    Check
        ``statistic``: actual over expected repeat purchases in the later months, over the same in the
        earlier months; the two hold about as many expected purchases. ``numbers``: ``months``,
        ``split_on`` (first day of the later months), ``actual_earlier``, ``expected_earlier``, ``actual_later``,
        ``expected_later``, ``trend_per_year`` with ``trend_low`` and ``trend_high`` (change of actual over
        expected in a year, as a share), ``dispersion`` (variance between months over that of
        Poisson counts), ``season_taken_out`` and ``arriving`` (share of the time over which the middle 90 % of
        customers arrived).

    Notes
    -----
    Definition of this project. With two years or more, months of the year have effects of their
    own. The interval adds two sources: customers, who differ (from each customer's own purchases in
    both parts, by the delta method), and months, which differ by more than chance (dispersion). Where
    most customers arrived at about the same time, their age and the calendar cannot be told
    apart, and the check cannot say that all is well.
    """
    check_options(level, limit)
    if months is None:
        months = repeats_by_month(model, lines, customers, last, purchase=purchase, unit_days=unit_days)
    kept = enough(months)
    began = first_days(customers, last)
    end = (last - EPOCH).days
    early, late = np.quantile(began, [0.05, 0.95])
    arriving = float((late - early) / (end - began.min() + 1))
    when = pd.DatetimeIndex(kept.index)
    actual, expected = (kept[name].to_numpy(dtype="float64") for name in ("actual", "expected"))
    later = np.cumsum(expected) - 0.5 * expected > 0.5 * expected.sum()
    seasonal = len(kept) >= 24 and len(np.unique(when.month)) == 12
    rest = month_dummies(when) if seasonal else np.ones((len(kept), 1))
    facts = {"months": len(kept), "season_taken_out": bool(seasonal), "arriving": arriving}
    try:
        halves = fitted_rates(actual, expected, np.column_stack([rest, later]))
        slope = fitted_rates(actual, expected, np.column_stack([rest, years_since(when)]))
    except TooLittleData:
        return Check.unknown("stationarity", limit, facts)
    if min(actual[~later].sum(), actual[later].sum()) == 0:
        return Check.unknown("stationarity", limit, facts)

    split = when[later][0].date()
    facts |= {
        "split_on": split,
        "actual_earlier": int(actual[~later].sum()), "expected_earlier": float(expected[~later].sum()),
        "actual_later": int(actual[later].sum()), "expected_later": float(expected[later].sum()),
        "dispersion": halves.dispersion,
    }  # fmt: skip
    steep = slope.reach(level) * np.sqrt(slope.dispersion * slope.poisson[-1, -1])
    for name, move in (("trend_per_year", 0.0), ("trend_low", -steep), ("trend_high", steep)):
        facts[name] = float(np.expm1(slope.effects[-1] + move))
    after = purchases_in(lines, Period(split, last, 1), purchase=purchase, customers=customers.index)
    grown = expected_growth(model, end - int(began.min()) + 1, unit_days)
    by_customer = _spread_of_customers(
        customers["x"].to_numpy(), after["purchases"].to_numpy(), began, (split - EPOCH).days, end, grown
    )
    spread = np.sqrt(by_customer + (halves.dispersion - 1) * halves.poisson[-1, -1])
    half = halves.reach(level) * spread
    ratio, low, high = np.exp(halves.effects[-1] + np.array([0.0, -half, half]))
    holds = ratio_holds(ratio, low, high, limit)
    if holds and arriving < _ARRIVING:
        holds = None
    return Check.of("stationarity", ratio, low, high, limit, holds, facts)


def check_season(
    months: pd.DataFrame,
    last: date,
    horizon_days: float,
    level: float = 0.95,
    limit: float = SEASON_LIMIT,
) -> Check:
    """Look how much purchases vary over the months of the year, and whether that moves a total.

    Parameters
    ----------
    months : DataFrame
        As returned by `crmlib.analysis.clv.trust.monthly_repeats.repeats_by_month`: 24 months or more.
    last : datetime.date
        Last known day; the horizon begins on the day after.
    horizon_days : float
        How far ahead.
    level : float
        Level of the interval.
    limit : float
        Ratio, above 1.

    Returns
    -------
    Check
        ``statistic``: purchases per day in the months of the horizon over those in a whole
        year, customers alike: 1 where the horizon is whole years, whatever the season.
        ``numbers``: ``months``, ``whole_years`` (whether the horizon is, within three days), ``peak`` and
        ``trough`` (highest and lowest month over the mean, with what chance adds to them taken off),
        ``peak_month`` and ``trough_month`` (1 to 12), ``share_of_variance`` (of the variance between
        months, the part that comes back every year; 0 where that is no more than chance), ``f`` and
        ``p_value`` (whether months differ at all, overdispersion allowed for) and ``dispersion``. With less
        than two years only the first two.

    Notes
    -----
    Definition of this project: a quasi-Poisson regression of actual on expected repeat purchases with an
    effect of each month of the year and a trend; the interval is by the delta method. Extremes of twelve are
    extreme by chance, too: their distance from 1 is shrunk by the factor 1 - 1 / F.

    Examples
    --------
    >>> when = pd.date_range("2023-01-01", periods=36, freq="MS", name="month")
    >>> sales = np.where(when.month == 12, 200.0, 100.0)
    >>> months = pd.DataFrame({"actual": sales, "expected": 100.0, "days": 30}, index=when)
    >>> half, year = (check_season(months, date(2025, 12, 31), days) for days in (181, 365))
    >>> round(half.statistic, 2), round(year.statistic, 2), year.holds, year.numbers["peak_month"]
    (0.92, 1.0, True, 12)
    """
    check_options(level, limit)
    horizon = round(horizon_days) if np.isfinite(horizon_days) else 0
    if horizon < 1:
        raise ParameterError(
            f"horizon_days = {horizon_days}", "a finite time of one day or more", "correct it"
        )
    years = max(round(horizon_days / _YEAR), 1)
    kept = enough(months)
    when = pd.DatetimeIndex(kept.index)
    facts = {
        "months": len(kept),
        "whole_years": bool(abs(horizon_days - years * _YEAR) <= _WHOLE_WITHIN),
    }
    if len(kept) < 24 or len(np.unique(when.month)) < 12:
        return Check.unknown("season", limit, facts)
    actual, expected = (kept[name].to_numpy(dtype="float64") for name in ("actual", "expected"))
    time = years_since(when)
    plain = fitted_rates(actual, expected, np.column_stack([np.ones(len(kept)), time]))
    full = fitted_rates(actual, expected, np.column_stack([month_dummies(when), time]))
    f, p_value = gain_test(plain, full)

    paces = np.exp(full.effects[:12] - full.effects[:12].max())
    year, ahead = days_by_month(last, 365), days_by_month(last, horizon)
    year, ahead = year / year.sum(), ahead / ahead.sum()
    mean = float(year @ paces)
    factor = float(ahead @ paces) / mean
    slope = paces * (ahead - factor * year) / mean
    half = full.reach(level) * np.sqrt(full.dispersion * slope @ full.poisson[:12, :12] @ slope)
    by_chance = max(0.0, 1 - 1 / f) if f > 0 else 0.0
    top, bottom = int(paces.argmax()), int(paces.argmin())
    left = full.deviance / full.free / max(plain.deviance / plain.free, 1e-300)
    facts |= {
        "peak": 1 + (float(paces[top]) / mean - 1) * by_chance, "peak_month": top + 1,
        "trough": 1 + (float(paces[bottom]) / mean - 1) * by_chance, "trough_month": bottom + 1,
        "share_of_variance": float(np.clip(1 - left, 0, 1)),
        "f": f, "p_value": p_value, "dispersion": full.dispersion,
    }  # fmt: skip
    low, high = factor - half, factor + half
    return Check.of("season", factor, low, high, limit, ratio_holds(factor, low, high, limit), facts)


def _spread_of_customers(
    repeats: np.ndarray, after: np.ndarray, began: np.ndarray, split: int, end: int, grown: np.ndarray
) -> float:
    """Variance of the logarithm of the ratio by the customers who happen to be in the base.

    Days are counted since 1970; `after` are all purchases from the day of the split on, `grown` the expected
    repeats of a new customer after 0, 1, ... days.
    """
    recent = after - (began >= split)
    due = grown[end - began]
    due_before = np.where(began < split, grown[np.maximum(split - 1 - began, 0)], 0.0)
    parts = (recent, due - due_before, repeats - recent, due_before)
    shares = [part / max(part.sum(), 1e-300) for part in parts]
    return float(((shares[0] - shares[1] - shares[2] + shares[3]) ** 2).sum())
