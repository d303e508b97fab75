"""Customers with the same count and the same time are one cell: computed once, handed to all of them."""

from dataclasses import dataclass

import numpy as np

_DENSE = 20_000_000


@dataclass(frozen=True)
class Cells:
    """The distinct pairs of purchases and time seen.

    Attributes
    ----------
    x, T : ndarray of shape (n_cells,)
        Purchases and time of each cell, sorted by ``x``.
    of : ndarray of shape (n_customers,)
        Number of the cell of each customer.
    """

    x: np.ndarray
    T: np.ndarray
    of: np.ndarray

    @classmethod
    def among(cls, x: np.ndarray, T: np.ndarray) -> "Cells":
        """Find the cells of customers with whole numbers `x` and times `T`.

        Examples
        --------
        >>> cells = Cells.among(np.array([1.0, 0.0, 1.0]), np.array([30.0, 7.0, 30.0]))
        >>> cells.x.tolist(), cells.T.tolist(), cells.of.tolist()
        ([0.0, 1.0], [7.0, 30.0], [1, 0, 1])
        """
        codes = None
        if len(x) and (x.max() + 1) * (T.max() + 1) < _DENSE:
            codes = T.astype(np.int32)
            if not (codes == T).all():
                codes = None
        if codes is None:
            times, codes = np.unique(T, return_inverse=True)
        else:
            times = np.arange(T.max() + 1)
        width = max(len(times), 1)
        if len(x) and (x.max() + 1) * width < _DENSE:
            pair = x.astype(np.int32)
            pair *= np.int32(width)
            pair += codes.astype(np.int32, copy=False)
            there = np.zeros(int(pair.max()) + 1, dtype=bool)
            there[pair] = True
            distinct = np.flatnonzero(there)
            number = np.cumsum(there, dtype=np.int32)
            number -= 1
            of = number.take(pair)
        else:
            distinct, of = np.unique(x.astype(np.int64) * width + codes, return_inverse=True)
        return cls((distinct // width).astype("float64"), times[distinct % width], of)

    def runs(self) -> list[tuple[float, slice]]:
        """Return each distinct ``x`` with the stretch of its cells."""
        values, starts = np.unique(self.x, return_index=True)
        ends = np.append(starts, len(self.x))[1:]
        return [(float(v), slice(s, e)) for v, s, e in zip(values, starts, ends, strict=True)]
