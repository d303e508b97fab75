"""What is said about customers that a model cannot take."""

from typing import Any

import numpy as np
import pandas as pd

from crmlib.errors import DataError

_NAMED = 3


def refuse_some(
    bad: np.ndarray, index: pd.Index, values: np.ndarray, name: str, expected: str, remedy: str
) -> None:
    """Raise a `DataError` that names the first customers of `bad` and their value, if there are any."""
    if np.any(bad):
        refuse(bad, index, f"{name} = {np.asarray(values)[bad][0]:g}", expected, remedy)


def refuse(bad: np.ndarray, index: pd.Index, found: str, expected: str, remedy: str) -> Any:
    """Raise a `DataError` about the customers of `bad`: how many of how many, and the first by name.

    Examples
    --------
    >>> refuse(np.array([False, True]), pd.Index(["A", "B"]), "T = -3", "0 or more", "correct it")
    Traceback (most recent call last):
    crmlib.errors.DataError: Found: T = -3, at 1 of 2 customers: B. Expected: 0 or more. What to do: correct it.
    """
    named = [str(customer) for customer in index[bad][:_NAMED]]
    more = ", ..." if bad.sum() > _NAMED else ""
    at = f"at {int(bad.sum()):,} of {len(bad):,} customers: {', '.join(named)}{more}"
    raise DataError(f"{found}, {at}", expected, remedy)
