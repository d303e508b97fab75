"""Do customers buy at regular times? A look at two neighbouring inter-purchase times of each."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from scipy.stats import norm

from crmlib.analysis.clv.refusals import refuse_some
from crmlib.errors import DataError, ParameterError, TooLittleData

#: What a verdict means for the choice of a model.
VERDICTS = {
    "poisson": "Purchases come at random, as BG/NBD, MBG/NBD and Pareto/NBD suppose",
    "regular": "Purchases are more regular than at random: compare MBG/CNBD-k, with k above 1",
    "clumped": "Purchases come in clumps, more irregular than at random: no model with k of 1 or more describes that",
}

_FEWEST = 30


@dataclass(frozen=True)
class Regularity:
    """How regular inter-purchase times are.

    Attributes
    ----------
    pairs, left_out : int
        Customers with two inter-purchase times, and those without.
    k : float
        Shape of their gamma distribution: 1 for purchases at random, more for regular ones.
    low, high : float
        Its interval.
    level : float
        Level of the interval.
    k_at_random : float
        What customers who buy at random show in these data: 1, or more where times are in whole days.
    verdict : {'poisson', 'regular', 'clumped'}
        A key of `VERDICTS`.
    """

    pairs: int
    left_out: int
    k: float
    low: float
    high: float
    level: float
    k_at_random: float
    verdict: Literal["poisson", "regular", "clumped"]

    @property
    def poisson_fits(self) -> bool:
        """Whether models with purchases at random (k = 1) fit the timing."""
        return self.verdict == "poisson"


def regularity(
    waits: pd.DataFrame, level: float = 0.95, whole_days: bool | None = None, tolerance: float = 0.1
) -> Regularity:
    """Estimate how regular customers buy, from two inter-purchase times of each.

    Where the times of a customer are from a gamma distribution with shape k, whatever its scale, the
    share M of the first in the sum of the two is from Beta(k, k): customers may differ in pace, and none is
    used twice. The times may be any two with fixed places, such as the last two complete ones: with k fixed
    they can be exchanged, so those that end before a last known day are no worse than others. They must
    not be chosen by their length.

    Times in whole days leave few values for M where times are short, and none but 1/2 for times of one
    day: customers then look more regular than they are. For purchases at random M is exactly uniform on
    those values, so what they would show is known: ``k_at_random``, with which the verdict compares.

    Parameters
    ----------
    waits : DataFrame of shape (n_customers, 2 or more)
        Columns ``itt_1`` and ``itt_2`` (days), such as of `crmlib.analysis.clv.purchases.summary.last_gaps`. Customers
        without two waits have 0 or NaN there, and are left out. Errors name customers by a column ``customer_id``, if
        there is one, or else by the index.
    level : float
        Level of the interval.
    whole_days : bool, optional
        Whether times are in whole days, with one purchase a day at most; by default, whether all of them are whole.
    tolerance : float
        A k within this share of ``k_at_random`` counts as at random, however sure it is that it differs.

    Returns
    -------
    Regularity
        The verdict is ``poisson`` where the interval reaches into the tolerated range.

    Raises
    ------
    DataError
        If a time is negative or infinite, or no number.
    TooLittleData
        If there are fewer than 30 customers with two waits, or no times differ.

    Notes
    -----
    Wheat & Morrison (1990), Journal of Marketing Research, k = (1 - 4 Var M) / (8 Var M), with the
    variance around 1/2, which is the mean of M under the model. The interval is from the spread of
    (M - 1/2)², on a scale of logarithms. It is one k for all: customers with different k give a value in
    between. The comparison for whole days, and the tolerance, are definitions of this project.

    Examples
    --------
    >>> rng = np.random.default_rng(8)
    >>> itt = rng.gamma(3.0, 10.0, (2000, 2))
    >>> found = regularity(pd.DataFrame(itt, columns=["itt_1", "itt_2"]))
    >>> print(f"k {found.k:.1f}, {found.low:.1f} to {found.high:.1f}: {found.verdict}")
    k 3.1, 2.9 to 3.3: regular
    """
    first, second = _checked(waits)
    if not 0 < level < 1 or not tolerance >= 0:
        raise ParameterError(
            f"level = {level}, tolerance = {tolerance}",
            "a level between 0 and 1, a tolerance of 0 or more",
            "correct them",
        )
    if len(first) < _FEWEST:
        raise TooLittleData(
            f"{len(first):,} customers with two inter-purchase times",
            f"{_FEWEST} or more",
            "take more customers or a longer time",
        )
    both = first + second
    if whole_days is None:
        whole_days = not ((first % 1).any() or (second % 1).any())
    # Of u days in two parts, the first is 1, ..., u - 1 with equal chances.
    at_random = float(np.mean(np.maximum(1 - 2 / both, 0.0) / 12)) if whole_days else 1 / 12
    square = (first / both - 0.5) ** 2
    spread = float(square.mean())
    if at_random == 0 or spread == 0:
        raise TooLittleData(
            "two equal times at every customer",
            "times that differ",
            "take customers with longer times between purchases, or times finer than days",
        )
    half = float(norm.ppf((1 + level) / 2) * square.std(ddof=1) / np.sqrt(len(square)) / spread)
    k, low, high = (_shape(v) for v in (spread, spread * np.exp(half), spread * np.exp(-half)))
    random = _shape(at_random)
    if low > random * (1 + tolerance):
        verdict = "regular"
    elif high < random / (1 + tolerance):
        verdict = "clumped"
    else:
        verdict = "poisson"
    return Regularity(len(first), len(waits) - len(first), k, low, high, level, random, verdict)


def _shape(variance: float) -> float:
    return max(float(1 / (8 * variance)) - 0.5, 0.0)


def _checked(waits: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    missing = [name for name in ("itt_1", "itt_2") if name not in waits.columns]
    if missing:
        raise DataError(
            f"a table without {', '.join(missing)}",
            "the columns itt_1 and itt_2 (days)",
            "build it with crmlib.analysis.clv.purchases.summary.last_gaps",
        )
    index = pd.Index(waits["customer_id"]) if "customer_id" in waits.columns else waits.index
    times = []
    for name in ("itt_1", "itt_2"):
        if waits[name].dtype.kind not in "iuf":
            raise DataError(f"column {name} of type {waits[name].dtype}", "numbers of days", "convert it")
        value = waits[name].to_numpy(dtype="float64")
        refuse_some(
            (value < 0) | np.isinf(value), index, value, name, "finite times, or 0 where there is none",
            "sort the purchases by day before taking differences",
        )  # fmt: skip
        times.append(value)
    both = (times[0] > 0) & (times[1] > 0)
    return times[0][both], times[1][both]
