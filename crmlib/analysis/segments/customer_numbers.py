"""The columns of customers that groups are made from, checked before anything is computed."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from crmlib.analysis.clv.refusals import refuse, refuse_some
from crmlib.errors import DataError, TooLittleData


def customer_numbers(
    customers: pd.DataFrame, columns: Sequence[str], least: float | None = None
) -> dict[str, np.ndarray]:
    """Take columns of numbers, one row per customer.

    Parameters
    ----------
    customers : DataFrame of shape (n_customers, ...)
        Indexed by customer.
    columns : sequence of str
        Columns wanted.
    least : float, optional
        Smallest value allowed in all of them.

    Returns
    -------
    dict of str to ndarray of float, shape (n_customers,)
        In the order of `columns`.

    Raises
    ------
    DataError
        If a column is not there or holds no numbers, a customer stands twice, a value is missing or infinite, or
        one is below `least`.

    Examples
    --------
    >>> people = pd.DataFrame({"money": [10, 20]}, index=["A", "B"])
    >>> customer_numbers(people, ["money"])["money"].tolist()
    [10.0, 20.0]
    """
    absent = [column for column in columns if column not in customers]
    if absent:
        raise DataError(
            f"no column {', '.join(absent)} among {', '.join(map(str, customers.columns)) or 'none'}",
            f"one row per customer with {', '.join(columns)}",
            "add the column, or name those there are",
        )
    twice = customers.index.duplicated()
    if twice.any():
        refuse(
            twice, customers.index, "a customer who stands twice", "one row per customer", "add rows up first"
        )
    found = {}
    for column in columns:
        if not pd.api.types.is_numeric_dtype(customers[column]):
            raise DataError(
                f"column {column} of type {customers[column].dtype}",
                "numbers",
                "turn it into numbers, or leave it out",
            )
        values = customers[column].to_numpy("float64", na_value=np.nan)
        remedy = "leave those customers out and say how many, or fill the value in with a stated rule"
        refuse_some(~np.isfinite(values), customers.index, values, column, "a finite number", remedy)
        if least is not None:
            low = values < least
            refuse_some(low, customers.index, values, column, f"{least:g} or more", "correct the values")
        found[column] = values
    return found


def refuse_constant(values: np.ndarray, column: str) -> None:
    """Raise `TooLittleData` if all customers have the same value, since it tells nobody apart.

    Examples
    --------
    >>> refuse_constant(np.array([3.0, 3.0]), "money")
    Traceback (most recent call last):
    crmlib.errors.TooLittleData: Found: money = 3 for all 2 customers. Expected: ... customers apart. ...
    """
    if len(values) and values.min() == values.max():
        raise TooLittleData(
            f"{column} = {values[0]:g} for all {len(values):,} customers",
            "a column that tells customers apart",
            "leave the column out, or take a longer period",
        )


def refuse_few(count: int, least: int, why: str) -> None:
    """Raise `TooLittleData` if there are fewer than `least` customers; `why` says what they are needed for.

    Examples
    --------
    >>> refuse_few(3, 5, "5 groups")
    Traceback (most recent call last):
    crmlib.errors.TooLittleData: Found: 3 customers. Expected: at least 5 for 5 groups. What to do: ...
    """
    if count < least:
        raise TooLittleData(
            f"{count:,} customers",
            f"at least {least:,} for {why}",
            "ask for fewer groups, or take a longer period",
        )
