"""Histories of opportunities used or left, checked once, and folded where customers are alike.

A history is three whole numbers: of ``n`` opportunities after the first purchase, ``x`` were used,
the last of them opportunity number ``t_x`` (0 if none). An opportunity is a thing that can
be used once: a yearly appeal, a weekly market, a monthly mailing.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from crmlib.analysis.clv.refusals import refuse_some
from crmlib.errors import DataError, TooLittleData

COLUMNS = ("x", "t_x", "n")
#: Opportunities seen of one customer, at most.
LONGEST = 2_000
#: With fewer opportunities there are fewer kinds of histories than parameters.
LEAST = 3


@dataclass(frozen=True)
class Opportunities:
    """The distinct histories, and how many customers have each.

    Attributes
    ----------
    x, t_x, n : ndarray of shape (n_cells,)
        The distinct histories.
    weight : ndarray of shape (n_cells,)
        Customers of each, or the sum of their weights.
    of : ndarray of shape (n_customers,)
        Number of the history of each customer.
    """

    x: np.ndarray
    t_x: np.ndarray
    n: np.ndarray
    weight: np.ndarray
    of: np.ndarray

    @classmethod
    def of_customers(cls, customers: pd.DataFrame, weight: np.ndarray | None = None) -> "Opportunities":
        """Check histories and fold them.

        Parameters
        ----------
        customers : DataFrame of shape (n_customers, 3 or more)
            Columns ``x``, ``t_x``, ``n``.
        weight : ndarray of shape (n_customers,), optional
            How often each customer counts.

        Raises
        ------
        DataError
            If a history cannot be one; the message names the first customers.

        Examples
        --------
        >>> customers = pd.DataFrame({"x": [1, 0, 1], "t_x": [2, 0, 2], "n": [6, 6, 6]})
        >>> folded = Opportunities.of_customers(customers)
        >>> folded.x, folded.t_x, folded.weight, folded.of
        (array([0, 1]), array([0, 2]), array([1., 2.]), array([1, 0, 1]))
        """
        x, t_x, n = _checked(customers)
        if weight is not None:
            weight = _weights(weight, customers.index)
        width = int(n.max(initial=0)) + 1
        codes, of = np.unique((x * width + t_x) * width + n, return_inverse=True)
        x_and_t, n_cell = np.divmod(codes, width)
        x_cell, t_cell = np.divmod(x_and_t, width)
        counted = np.bincount(of, weight, len(codes)).astype("float64")
        return cls(x_cell, t_cell, n_cell, counted, of)

    def for_fit(self) -> "Opportunities":
        """Return the histories of customers with a weight, or refuse if too few are there to fit a model.

        Raises
        ------
        TooLittleData
            If there are fewer than two customers, nobody came back, or nobody was seen for three
            opportunities.
        """
        counted = self.weight > 0
        customers = len(self.of) if counted.all() else int(counted[self.of].sum())
        seen = self.n[counted]
        if customers < 2 or not (self.x[counted] > 0).any():
            raise TooLittleData(
                f"{customers:,} customer{'s' * (customers != 1)}, "
                f"of whom {int((self.x > 0)[self.of][counted[self.of]].sum()):,} used an opportunity",
                "two customers or more, one of them with an opportunity used",
                "take more customers or a longer time; without a repeat nothing can be learnt about repeats",
            )
        if seen.max() < LEAST:
            raise TooLittleData(
                f"at most {int(seen.max())} opportunit{'y' if seen.max() == 1 else 'ies'} seen of a customer",
                f"{LEAST} opportunities or more: fewer cannot tell rare use from having left",
                "take customers who were won earlier, or shorter opportunities",
            )
        of = (np.cumsum(counted) - 1)[self.of[counted[self.of]]]
        return Opportunities(self.x[counted], self.t_x[counted], seen, self.weight[counted], of)


def _weights(weight: np.ndarray, index: pd.Index) -> np.ndarray:
    weight = np.asarray(weight, dtype="float64")
    if weight.shape != (len(index),):
        raise DataError(
            f"weights of shape {weight.shape} for {len(index):,} customers",
            "one for each customer",
            "give them",
        )
    bad = ~(np.isfinite(weight) & (weight >= 0))
    refuse_some(bad, index, weight, "weight", "numbers of 0 or more", "correct or leave out these rows")
    return weight


def _checked(customers: pd.DataFrame) -> list[np.ndarray]:
    missing = [name for name in COLUMNS if name not in customers.columns]
    if missing:
        raise DataError(
            f"a table without {', '.join(missing)}",
            f"the columns {', '.join(COLUMNS)}",
            "count for each customer the opportunities seen, those used, and the number of the last one used",
        )
    values = []
    for name in COLUMNS:
        column = customers[name]
        if column.dtype.kind not in "iuf":
            raise DataError(
                f"column {name} of type {column.dtype}", "whole numbers", "give counts as numbers"
            )
        value = column.to_numpy(dtype="float64")
        refuse_some(
            ~(np.isfinite(value) & (value >= 0) & (value == np.floor(value))), customers.index, value, name,
            "whole numbers of 0 or more", "correct or leave out these rows",
        )  # fmt: skip
        values.append(value)
    x, t_x, n = values
    index = customers.index
    refuse_some(
        n > LONGEST, index, n, "n", f"{LONGEST:,} opportunities at most",
        "count in longer opportunities, such as weeks or months",
    )  # fmt: skip
    refuse_some(t_x > n, index, t_x, "t_x", "the last opportunity used among the n seen", "check the numbers")
    refuse_some(
        x > t_x, index, x, "x", "no more opportunities used than there were up to the last one used (t_x)",
        "count each opportunity once; the first purchase is none",
    )  # fmt: skip
    refuse_some((x == 0) & (t_x > 0), index, t_x, "t_x", "t_x of 0 where x is 0", "set it to 0, or count x")
    return [value.astype(np.int64) for value in values]
