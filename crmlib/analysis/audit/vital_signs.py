"""The signs of health of a customer base, period by period."""

from collections.abc import Sequence
from datetime import date

import numpy as np
import pandas as pd

from crmlib.analysis.audit.next_period import carried_by_pair, won_since
from crmlib.analysis.intervals import Z

SIGNS = {
    "active": ("Active customers", "count"),
    "won": ("New customers won", "count"),
    "retention": ("Retention", "share"),
    "carried_old": ("Carried over by customers won earlier", "share"),
    "carried_won": ("Carried over by customers just won", "share"),
    "per_new": ("Sales per new customer", "exact_money"),
    "cost": ("Cost of winning one", "exact_money"),
    "sales": ("Sales to known customers", "full_money"),
    "profit": ("Profit from known customers", "full_money"),
}


def vital_signs(
    frames: Sequence[pd.DataFrame], firsts: Sequence[date], smallest: int, since: date
) -> pd.DataFrame:
    """Follow the signs of health over all periods.

    Parameters
    ----------
    frames : sequence of DataFrame
        Customers of neighbouring periods of the same length, the earliest first.
    firsts : sequence of datetime.date
        First day of each period.
    smallest : int
        No rate or average over fewer customers.
    since : datetime.date
        Who was new is known from this day on: nothing is said of new customers in a period that
        begins before.

    Returns
    -------
    DataFrame
        Indexed by the keys of `SIGNS` that are known in some period (a cost of zero is not): one column per
        period, numbered from 0, ``change`` (of the last one from the one before), ``low`` and ``high`` (its 95 %
        interval, taking customers as a sample; NaN for plain counts).
    """
    values, errors = {}, {}
    shares = carried_by_pair(frames, firsts)
    for number, (frame, first) in enumerate(zip(frames, firsts, strict=True)):
        new = frame[won_since(frame, first)]
        buyers = frame.index[frame["orders"] > 0]
        values[number] = {"active": len(buyers), "sales": frame["net_sales"].sum()}
        values[number] |= {"profit": frame["profit"].sum()} | ({"won": len(new)} if first >= since else {})
        errors[number] = {}
        if len(new) >= max(smallest, 2) and first >= since:
            values[number] |= {"per_new": new["net_sales"].mean(), "cost": new["acquisition_cost"].mean()}
            root = np.sqrt(len(new))
            errors[number] |= {
                "per_new": new["net_sales"].std() / root,
                "cost": new["acquisition_cost"].std() / root,
            }
        if number:
            past = frames[number - 1]
            before = past.index[past["orders"] > 0]
            if len(before) >= max(smallest, 1):
                kept = before.isin(buyers).mean()
                values[number]["retention"] = kept
                errors[number]["retention"] = np.sqrt(kept * (1 - kept) / len(before))
            recent = int(won_since(past, firsts[number - 1]).sum())
            for group, size in (("old", len(past) - recent), ("won", recent)):
                if size >= smallest and firsts[number - 1] >= since:
                    values[number][f"carried_{group}"] = shares.loc[number, group]
                    errors[number][f"carried_{group}"] = shares.loc[number, f"{group}_error"]
    table = pd.DataFrame(values, index=list(SIGNS))
    last = len(frames) - 1
    spread = pd.DataFrame(errors, index=list(SIGNS), dtype="float64")
    table["change"] = table[last] - table[last - 1]
    error = np.hypot(spread[last], spread[last - 1])
    for name, column in (("sales", "net_sales"), ("profit", "profit")):
        moved = frames[-1][column].sub(frames[-2][column], fill_value=0.0)
        error[name] = np.sqrt(len(moved) * moved.var(ddof=1))
    table["low"], table["high"] = table["change"] - Z * error, table["change"] + Z * error
    seen = table[range(last + 1)].notna()
    seen.loc["cost"] &= table.loc["cost", range(last + 1)] != 0  # nobody wrote down what winning cost
    return table[seen.any(axis=1)]
