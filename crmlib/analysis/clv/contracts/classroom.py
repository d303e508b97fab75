"""Lifetime value by formulas of the classroom: constant retention, and moves between states.

They are exact for customers who are all alike, under contract, and value them wrongly where they
are not: see `ShiftedBetaGeometric` and `BGBB`. A repeat-buying rate is not a retention rate.
"""

from typing import Literal

import numpy as np
import pandas as pd

from crmlib.errors import ParameterError

Timing = Literal["payment_now", "after_payment", "end_of_period"]
TIMINGS = ("payment_now", "after_payment", "end_of_period")
_ROUNDING = 1e-9


def retention_value(margin: float, retention: float, rate: float, timing: Timing) -> float:
    """Value of a customer who stays each period with the same probability, without end.

    Parameters
    ----------
    margin : float
        Net payment per period.
    retention : float
        Probability to stay from one period to the next, 0 to 1.
    rate : float
        Discount rate per period; 1 + rate must be above `retention`.
    timing : {'payment_now', 'after_payment', 'end_of_period'}
        ``payment_now``: the first payment is made now and is certain, as by a prospect who is won;
        ``after_payment``: a payment has just been made and does not count, as for residual value;
        ``end_of_period``: payments come at the end of periods, the first one certain.

    Returns
    -------
    float
        In the unit of `margin`.

    Notes
    -----
    Fader & Hardie (2012), note 024.

    Examples
    --------
    >>> [round(retention_value(100, 0.8, 0.1, timing), 2) for timing in TIMINGS]
    [366.67, 266.67, 333.33]
    """
    retention, rate = _retention_and_rate(retention, rate)
    if timing not in TIMINGS:
        raise ParameterError(f"timing = {timing!r}", " or ".join(TIMINGS), "choose one of them")
    times = {"payment_now": 1 + rate, "after_payment": retention, "end_of_period": 1.0}[timing]
    return _finite(margin, "margin") * times / (1 + rate - retention)


def margin_multiple(retention: float, rate: float) -> float:
    """Value after a payment, in payments: retention / (1 + rate - retention).

    Parameters
    ----------
    retention, rate
        As in `retention_value`.

    Notes
    -----
    Gupta & Lehmann (2005), Managing Customers as Investments.

    Examples
    --------
    >>> round(margin_multiple(0.9, 0.12), 2)
    4.09
    """
    return retention_value(1.0, retention, rate, "after_payment")


def retention_elasticity(retention: float, rate: float) -> float:
    """Per cent by which `margin_multiple` rises if retention rises by one per cent.

    It is (1 + rate) / (1 + rate - retention).

    Parameters
    ----------
    retention, rate
        As in `retention_value`.

    Notes
    -----
    Gupta, Lehmann & Stuart (2004), Journal of Marketing Research 41:7-18.

    Examples
    --------
    >>> round(retention_elasticity(0.9, 0.12), 2)
    5.09
    """
    return retention_value(1.0, retention, rate, "payment_now")


def yearly_value(contribution: float, promotion: float, retention: float, rate: float, years: int) -> float:
    """Value of a customer with one sale a year, and promotion in the middle of each year.

    Sales are now and at the end of each of `years` years; promotion is half a year before
    each sale but the first, to customers who bought at the sale before.

    Parameters
    ----------
    contribution : float
        Gross contribution of a sale.
    promotion : float
        Cost of promotion per customer and year.
    retention : float
        Probability that a customer buys again the next year, 0 to 1.
    rate : float
        Discount rate per year, above -1.
    years : int
        Years after the first sale, 0 or more.

    Notes
    -----
    Berger & Nasr (1998), Journal of Interactive Marketing 12:17-30, case 1.

    Examples
    --------
    >>> round(yearly_value(260, 50, 0.75, 0.20, 10), 2)
    568.78
    """
    retention, rate = _retention_and_rate(retention, rate, endless=False)
    contribution, promotion = _finite(contribution, "contribution"), _finite(promotion, "promotion")
    year = np.arange(_periods(years, "years") + 1.0)
    sales = contribution * (retention / (1 + rate)) ** year
    costs = promotion * retention ** (year[1:] - 1) * (1 + rate) ** (0.5 - year[1:])
    return float(sales.sum() - costs.sum())


def state_values(
    moves: pd.DataFrame | np.ndarray,
    rewards: pd.Series | np.ndarray,
    rate: float,
    horizon: int | None = None,
) -> pd.Series:
    """Value of customers who move between states, such as years since the last purchase.

    Parameters
    ----------
    moves : DataFrame or ndarray of shape (n_states, n_states)
        Probability to move from the state of the row to the state of the column in one period; rows add up to
        1, or to less if some leave for good.
    rewards : Series or ndarray of shape (n_states,)
        Net payment at once in each state; a Series is put into the order of the states.
    rate : float
        Discount rate per period.
    horizon : int, optional
        Periods after now that count; all if not given, for which the rate must be above 0.

    Returns
    -------
    Series of shape (n_states,)
        Indexed by state.

    Notes
    -----
    Pfeifer & Carraway (2000), Journal of Interactive Marketing: (I - P / (1 + d))^-1 R without
    end, and the sum of (P / (1 + d))^t R for t from 0 to the horizon.

    Examples
    --------
    >>> moves = [[0.3, 0.7, 0, 0, 0], [0.2, 0, 0.8, 0, 0], [0.15, 0, 0, 0.85, 0],
    ...          [0.05, 0, 0, 0, 0.95], [0, 0, 0, 0, 1]]
    >>> state_values(np.array(moves), np.array([36, -4, -4, -4, 0]), rate=0.2, horizon=4).round(3).tolist()
    [50.115, 4.22, 0.592, -1.98, 0.0]
    """
    chances, paid, states = _states(moves, rewards)
    rate = _finite(rate, "rate")
    if horizon is None:
        if rate <= 0:
            raise ParameterError(
                f"rate = {rate:g}", "a discount rate above 0 where no horizon is given", "give one"
            )
        found = np.linalg.solve(np.eye(len(paid)) - chances / (1 + rate), paid)
    else:
        _, rate = _retention_and_rate(0.0, rate, endless=False)
        found = paid
        for _ in range(_periods(horizon, "horizon")):
            found = paid + chances @ found / (1 + rate)
    return pd.Series(found, index=states, name="value")


def _states(
    moves: pd.DataFrame | np.ndarray, rewards: pd.Series | np.ndarray
) -> tuple[np.ndarray, np.ndarray, pd.Index]:
    """Check moves and rewards, and bring them into one order of states."""
    table = moves if isinstance(moves, pd.DataFrame) else pd.DataFrame(np.asarray(moves, dtype="float64"))
    if table.shape[0] != table.shape[1] or set(table.index) != set(table.columns):
        raise ParameterError(
            f"moves with {table.shape[0]} rows and {table.shape[1]} columns",
            "one row and one column for each state, with the same names",
            "correct the table",
        )
    table = table.loc[:, table.index].astype("float64")
    chances = table.to_numpy()
    totals = chances.sum(axis=1)
    bad = ~(((chances >= 0).all(axis=1)) & (totals <= 1 + _ROUNDING))
    if bad.any():
        row = int(np.flatnonzero(bad)[0])
        raise ParameterError(
            f"moves from state {table.index[row]} of {chances[row].round(6).tolist()}, in all {totals[row]:g}",
            "probabilities of 0 or more that add up to 1 at most",
            "correct this row",
        )
    if isinstance(rewards, pd.Series):
        missing = [str(state) for state in table.index if state not in rewards.index]
        if missing:
            raise ParameterError(
                f"no reward for {', '.join(missing)}",
                "a reward for every state",
                "add it; 0 is a reward, too",
            )
        rewards = rewards.loc[table.index]
    paid = np.asarray(rewards, dtype="float64")
    if paid.shape != totals.shape or not np.isfinite(paid).all():
        raise ParameterError(
            f"rewards {paid.tolist()} for {len(totals)} states", "one finite number for each", "correct them"
        )
    return chances, paid, table.index


def _finite(value: float, name: str) -> float:
    if isinstance(value, bool) or not np.isscalar(value) or not np.isfinite(value):
        raise ParameterError(f"{name} = {value!r}", "a finite number", f"correct {name}")
    return float(value)


def _periods(value: int, name: str) -> int:
    if _finite(value, name) < 0 or value != int(value):
        raise ParameterError(f"{name} = {value!r}", "a whole number of 0 or more", f"correct {name}")
    return int(value)


def _retention_and_rate(retention: float, rate: float, endless: bool = True) -> tuple[float, float]:
    retention, rate = _finite(retention, "retention"), _finite(rate, "rate")
    if not 0 <= retention <= 1:
        raise ParameterError(
            f"retention = {retention:g}", "a share from 0 to 1, such as 0.8 for 80 %", "correct retention"
        )
    if rate <= -1 or (endless and 1 + rate <= retention):
        expected = f"a discount rate above {retention - 1 if endless else -1:g}"
        raise ParameterError(f"rate = {rate:g}", expected, "correct rate; 0.1 stands for 10 %")
    return retention, rate
