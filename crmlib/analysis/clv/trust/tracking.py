"""Does a fitted model follow its customers: week by week, and by how often they had bought?

Two figures that every purchase model is asked for. The first adds up what the model expects of each customer from
the day of the first purchase on. The second starts from the histories and asks whether customers with
0, 1, 2, ... repeat purchases then bought as often as forecast.
"""

from datetime import date, timedelta
from typing import Literal

import ibis
import numpy as np
import pandas as pd

from crmlib.analysis.clv.purchases.purchase_days import EPOCH, Purchase
from crmlib.analysis.clv.purchases.purchase_log import PurchaseLog
from crmlib.analysis.clv.timing.attrition import LatentAttrition
from crmlib.analysis.intervals import Z
from crmlib.errors import DataError, ParameterError, TooLittleData

_EVERY = {"week": {"days": 7}, "month": {"months": 1}}


def tracked(
    model: LatentAttrition,
    lines: ibis.Table,
    origin: date,
    last: date,
    *,
    every: Literal["week", "month"] = "week",
    since: date | None = None,
    purchase: Purchase = "paid",
    unit_days: float = 1.0,
) -> pd.DataFrame:
    """Set the repeat purchases that a model expects of its customers beside those they made, period by period.

    The customers are those with a first purchase up to the origin. Expected is, summed over them, how many more repeat
    purchases a new customer makes from the age at the start of a period to that at its end: no
    history is used, so the line says how well the model describes the base, not single customers.

    Parameters
    ----------
    model : LatentAttrition
        Fitted to the histories of these customers.
    lines : ibis.Table
        As returned by `crmlib.analysis.ledger.order_lines`.
    origin : datetime.date
        Last day of the calibration. Periods are counted from it, back and ahead, so that it ends one.
    last : datetime.date
        Last known day.
    every : {'week', 'month'}
        Length of a period: 7 days, or a calendar month.
    since : datetime.date, optional
        As in `crmlib.analysis.clv.purchases.summary.purchase_summary`.
    purchase : {'paid', 'bought', 'any'}
        What counts as a purchase; the same as in the fit.
    unit_days : float
        Days in the model's unit of time: 7 for a model in weeks.

    Returns
    -------
    DataFrame
        One row per period, the first one with the first purchase, the last one ending on or before `last`:
        ``first``, ``last`` (days), ``expected`` and ``actual`` (repeat purchases in the period),
        ``cumulative_expected``, ``cumulative_actual``, ``held_out`` (bool: after the origin).

    Raises
    ------
    ParameterError
        If the origin is after `last`, or an option is none of those listed.
    TooLittleData
        If nobody bought up to the origin.

    Notes
    -----
    Fader, Hardie & Lee (2005), Marketing Science 24:275-284, figures 2 and 3.

    Examples
    --------
    >>> from crmlib.analysis.clv.timing.bg_nbd import BGNBD
    >>> bought = {
    ...     "customer_id": ["A", "A", "B"],
    ...     "day": [date(2026, 1, 1), date(2026, 1, 10), date(2026, 1, 9)],
    ...     "net_sales": [10.0, 20.0, 5.0],
    ... }
    >>> model = BGNBD().with_params([0.25, 30.0, 0.8, 2.4])
    >>> weeks = tracked(model, ibis.memtable(bought), date(2026, 1, 14), date(2026, 1, 21))
    >>> weeks[["expected", "actual", "held_out"]].round(3)
       expected  actual  held_out
    0     0.049       0     False
    1     0.094       1     False
    2     0.104       0      True
    """
    if every not in _EVERY:
        raise ParameterError(f"every = {every!r}", "week or month", "choose one of them")
    if origin > last:
        raise ParameterError(
            f"origin = {origin}, after the last day {last}", "an earlier day", "move it back"
        )
    if not (np.isfinite(unit_days) and unit_days > 0):
        raise ParameterError(f"unit_days = {unit_days}", "days above 0, such as 7 for weeks", "correct it")
    log = PurchaseLog.of(lines, last, since=since, purchase=purchase)
    base = log.until(origin).histories()
    if base.empty:
        raise TooLittleData(f"no purchase up to {origin}", "customers to follow", "take a later origin")
    first = base["first_day"].to_numpy()
    ends = _ends(EPOCH + timedelta(days=int(first.min())), origin, last, _EVERY[every])
    numbers = np.array([(end - EPOCH).days for end in ends])
    # Expected repeats by age in whole days: one table for all customers and periods.
    by_age = model.expected_orders(np.arange(numbers[-1] - first.min() + 1.0) / unit_days)
    days, customers = np.unique(first, return_counts=True)
    ages = np.maximum(numbers[:, None] - days, 0)
    total = by_age[ages] @ customers
    repeats = _repeat_days(log, base.index)
    made = np.searchsorted(repeats, numbers, side="right")
    expected, actual = np.diff(total), np.diff(made)
    return pd.DataFrame(
        {
            "first": [end + timedelta(days=1) for end in ends[:-1]],
            "last": ends[1:],
            "expected": expected,
            "actual": actual,
            "cumulative_expected": np.cumsum(expected),
            "cumulative_actual": np.cumsum(actual),
            "held_out": [end > origin for end in ends[1:]],
        }
    )


def by_repeats(
    histories: pd.DataFrame, forecast: pd.DataFrame | pd.Series, actual: pd.Series, fewest: int = 30
) -> pd.DataFrame:
    """Compare forecast and actual purchases of customers by their number of repeat purchases before.

    Parameters
    ----------
    histories : DataFrame
        Column ``x``.
    forecast : DataFrame or Series
        Forecast purchases of the same customers within the horizon, one column per method.
    actual : Series
        What they then bought.
    fewest : int
        Customers a class needs; classes with fewer are put together with the next higher ones, and the highest
        with those below.

    Returns
    -------
    DataFrame
        Indexed by ``repeats`` (text such as ``3``, ``4-5`` or ``7+``): ``customers``, ``actual`` (mean),
        ``low``, ``high`` (95 % interval of that mean, treating customers as a sample), and the mean of each forecast
        under the method's name (``forecast`` for a Series without one).

    Raises
    ------
    DataError
        If the customers are not the same in all three.

    Notes
    -----
    Fader, Hardie & Lee (2005), Marketing Science 24:275-284, figure 4 (conditional expectations).

    Examples
    --------
    >>> histories = pd.DataFrame({"x": [0, 0, 1, 2, 5]})
    >>> found = by_repeats(histories, pd.Series([0.2, 0.4, 1, 2, 3.0]), pd.Series([0, 1, 1, 1, 4]), fewest=2)
    >>> found[["customers", "actual", "forecast"]]
             customers  actual  forecast
    repeats
    0                2     0.5       0.3
    1+               3     2.0       2.0
    """
    if isinstance(forecast, pd.Series):
        forecast = forecast.to_frame(forecast.name if forecast.name is not None else "forecast")
    if not (histories.index.equals(forecast.index) and histories.index.equals(actual.index)):
        raise DataError(
            f"{len(histories):,} histories, {len(forecast):,} forecasts and {len(actual):,} outcomes with other names",
            "the same customers in the same order",
            "take all three from one hold-out",
        )
    if fewest < 1:
        raise ParameterError(f"fewest = {fewest}", "1 or more", "correct it")
    x = histories["x"].to_numpy()
    values, counts = np.unique(x, return_counts=True)
    starts = values[_pooled(counts, fewest)]
    which = np.searchsorted(starts, x, side="right") - 1
    size = np.bincount(which)
    came = actual.to_numpy(dtype="float64")
    mean = np.bincount(which, came) / size
    squares = np.bincount(which, (came - mean[which]) ** 2)
    half = Z * np.sqrt(squares / np.maximum(size - 1, 1) / size)
    forecasts = {
        name: np.bincount(which, column.to_numpy("float64")) / size for name, column in forecast.items()
    }
    found = {"customers": size, "actual": mean, "low": mean - half, "high": mean + half, **forecasts}
    return pd.DataFrame(found, index=pd.Index(_labels(starts, values), name="repeats"))


def _ends(begin: date, origin: date, last: date, length: dict[str, int]) -> list[date]:
    """Ends of all periods from the last one before `begin` to the last one up to `last`; the origin is one."""
    after = pd.Timestamp(origin + timedelta(days=1))

    def end(number: int) -> date:
        step = {unit: number * count for unit, count in length.items()}
        return (after + pd.DateOffset(**step)).date() - timedelta(days=1)

    number, ends = 0, [origin]
    while ends[0] >= begin:
        number -= 1
        ends.insert(0, end(number))
    number = 1
    while end(number) <= last:
        ends.append(end(number))
        number += 1
    return ends


def _repeat_days(log: PurchaseLog, customers: pd.Index) -> np.ndarray:
    """Days of all repeat purchases of these customers, sorted."""
    known = np.zeros(len(log.ids), dtype=bool)
    known[log.ids.get_indexer(customers)] = True
    who, when = log.customer[log.bought], log.day[log.bought]
    opens = np.append(True, who[1:] != who[:-1])
    return np.sort(when[known[who] & ~opens])


def _pooled(counts: np.ndarray, fewest: int) -> list[int]:
    """Places at which classes of at least `fewest` begin."""
    starts, size = [0], 0
    for place, count in enumerate(counts):
        if size >= fewest:
            starts.append(place)
            size = 0
        size += count
    return starts[:-1] if size < fewest and len(starts) > 1 else starts


def _labels(starts: np.ndarray, values: np.ndarray) -> list[str]:
    """Name classes by their numbers of repeats; the last one is open if it has several."""
    lasts = np.append(starts[1:] - 1, values[-1])
    named = [f"{low}" if low == high else f"{low}-{high}" for low, high in zip(starts, lasts, strict=True)]
    if starts[-1] < values[-1]:
        named[-1] = f"{starts[-1]}+"
    return named
