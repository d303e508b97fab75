"""Tables of customers who are still there, period by period, checked once and folded over cohorts.

A cohort is all customers won in one period. Of those under contract at its start (period 0), the table says how
many are still there after each renewal (period 1, 2, ...). Cohorts of different age stop at
different periods; what comes after is not known, and not taken as zero.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from crmlib.errors import DataError, TooLittleData

COLUMNS = ("period", "customers")
_CORRECT = "correct this number in the table"


@dataclass(frozen=True)
class Survivors:
    """Renewals made and contracts ended, by number of the renewal, of all cohorts together.

    Attributes
    ----------
    renewed, ended : ndarray of shape (n_renewals,)
        Customers who made renewal 1, 2, ..., and those who left at it.
    customers : float
        Customers at the start of all cohorts.
    """

    renewed: np.ndarray
    ended: np.ndarray
    customers: float

    @classmethod
    def of(cls, survivors: pd.DataFrame) -> "Survivors":
        """Check a table of survivors and fold it.

        Parameters
        ----------
        survivors : DataFrame
            Columns ``period`` (0, 1, 2, ...), ``customers`` (still there) and, for several cohorts,
            ``cohort``; in any order of rows.

        Raises
        ------
        DataError
            If the table cannot be one of survivors; the message names cohort and period.

        Notes
        -----
        The chance to renew at a given age is the same in all cohorts, so the likelihood needs
        only the sums over cohorts.

        Examples
        --------
        >>> table = pd.DataFrame({"cohort": [1, 1, 1, 2, 2], "period": [0, 1, 2, 0, 1],
        ...                       "customers": [100, 70, 60, 80, 50]})
        >>> folded = Survivors.of(table)
        >>> folded.renewed, folded.ended
        (array([120.,  60.]), array([60., 10.]))
        """
        period, customers = _checked(survivors)
        rises = period > 0
        before = np.append(0.0, customers[:-1])
        size = int(period.max()) + 1
        renewed = np.bincount(period[rises], customers[rises], size)[1:]
        ended = np.bincount(period[rises], (before - customers)[rises], size)[1:]
        return cls(renewed, ended, float(customers[~rises].sum()))

    def for_fit(self, n_parameters: int) -> "Survivors":
        """Return the renewals that somebody reached, or refuse if too few are there to fit a model.

        Raises
        ------
        TooLittleData
            If there is not one renewal more than there are parameters, or nobody left.
        """
        reached = (self.renewed + self.ended) > 0
        renewals = int(reached.sum())
        if renewals <= n_parameters:
            raise TooLittleData(
                f"{renewals} renewal{'s' * (renewals != 1)} reached by customers",
                f"{n_parameters + 1} or more, for a model with {n_parameters} parameters",
                "wait for older cohorts, or use shorter periods if contracts are renewed more often",
            )
        if not self.ended.any():
            raise TooLittleData(
                f"{self.customers:g} customers, none of whom left",
                "some who left",
                "take older cohorts; without a loss nothing can be learnt about losses",
            )
        last = (
            int(np.flatnonzero(reached)[-1]) + 1
        )  # renewals before it that nobody was seen at keep their number
        return Survivors(self.renewed[:last], self.ended[:last], self.customers)


def _checked(survivors: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Return periods and customers, cohort by cohort; or say which cohort and period cannot be."""
    missing = [name for name in COLUMNS if name not in survivors.columns]
    if missing:
        raise DataError(
            f"a table without {' and '.join(missing)}",
            "the columns period and customers, and cohort if there are several",
            "give one row for each cohort and period, with the customers still there",
        )
    if survivors.empty:
        raise DataError(
            "a table of survivors without rows", "at least one cohort", "check where it comes from"
        )
    several = "cohort" in survivors.columns
    labels = survivors["cohort"] if several else pd.Series(0, index=survivors.index)
    if labels.isna().any():
        raise DataError(
            f"{int(labels.isna().sum()):,} rows without a cohort",
            "a cohort in every row",
            "fill in the cohort",
        )

    def place(row: int) -> str:
        period = survivors["period"].iloc[row]
        shown = f"{period:g}" if isinstance(period, int | float | np.number) else str(period)
        return f"period {shown}" + (f" of cohort {labels.iloc[row]}" if several else "")

    values = []
    for name in COLUMNS:
        column = survivors[name]
        numbers = (
            column.astype("float64") if column.dtype.kind in "iuf" else pd.to_numeric(column, errors="coerce")
        )
        if column.dtype.kind not in "iuf":
            # A column of text is refused even where all of it reads as numbers; the first that does not is named.
            rows = np.flatnonzero(numbers.isna()) if numbers.isna().any() else np.arange(len(column))
            raise DataError(
                f"{name} = {column.iloc[rows[0]]!r} in {place(rows[0])}", f"numbers as {name}", _CORRECT
            )
        value = numbers.to_numpy()
        good = np.isfinite(value) & (value >= 0)
        if name == "period":
            good &= value == np.floor(value)
        if not good.all():
            row = int(np.flatnonzero(~good)[0])
            expected = "whole numbers from 0 as period" if name == "period" else "0 customers or more"
            raise DataError(f"{name} = {value[row]:g} in {place(row)}", expected, _CORRECT)
        values.append(value)
    codes, _ = pd.factorize(labels)
    period, customers = values
    order = np.lexsort((period, codes))
    _refuse_gaps(codes, period, order, place)
    codes, period, customers = codes[order], period[order].astype(np.int64), customers[order]
    risen = np.flatnonzero((period[1:] > 0) & (customers[1:] > customers[:-1]))
    if len(risen):
        row = int(risen[0]) + 1
        raise DataError(
            f"{customers[row]:g} customers in {place(int(order[row]))}, after {customers[row - 1]:g} the period before",
            "numbers of survivors that never rise",
            "count only customers of the start of the cohort; who comes back is a customer of a new cohort",
        )
    return period, customers


def _refuse_gaps(
    codes: np.ndarray, period: np.ndarray, order: np.ndarray, place: Callable[[int], str]
) -> None:
    """Refuse cohorts in which a period is missing or stands twice."""
    own, sorted_period = codes[order], period[order]
    first = np.append(True, own[1:] != own[:-1])
    starts = np.flatnonzero(first)
    expected = np.arange(len(own)) - starts[np.cumsum(first) - 1]
    wrong = np.flatnonzero(sorted_period != expected)
    if not len(wrong):
        return
    row = int(wrong[0])
    at = place(int(order[row]))
    if sorted_period[row] < expected[row]:
        raise DataError(f"{at} twice", "each period once in a cohort", "add the rows up, or leave one out")
    raise DataError(
        f"no period {expected[row]} before {at}",
        "all periods from 0, the start of the cohort, to the last one known",
        "add the row that is missing",
    )
