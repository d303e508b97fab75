"""How many of those about to leave a contact keep: assumed, or measured in a randomised test.

The save rate is the number on which the profit of a campaign hangs most, and the one that is known least. So it
never stands without its doubt: an assumption has the weight of so many cases, a test that of its customers.
"""

import functools
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from scipy.special import betainc, betaincinv

from crmlib.errors import ParameterError, TooLittleData

#: An arm with fewer customers, or leavers among those left alone, measures nothing.
FEWEST_CUSTOMERS = 30
FEWEST_LEAVERS = 10
_DRAWS = 20_000


class AnySaveRate(Protocol):
    """What both kinds of save rate offer: ``mean``, and draws that carry the doubt."""

    @property
    def mean(self) -> float:
        """Share kept of those who would have left."""

    def draws(self, rng: np.random.Generator, size: int) -> np.ndarray:
        """Draw save rates, shape (size,)."""


@dataclass(frozen=True)
class SaveRate:
    """An assumed save rate: a beta distribution.

    Attributes
    ----------
    mean : float
        Share kept of those who would have left, above 0 and below 1.
    strength : float
        How many would-be leavers the assumption is worth, above 0; infinity if it is taken as known.

    Notes
    -----
    The defaults are Beta(6, 14) of Verbraken, Verbeke & Baesens (2013), IEEE Transactions on Knowledge and Data
    Engineering 25:961-973.

    Examples
    --------
    >>> rate = SaveRate()
    >>> round(rate.alpha, 6), round(rate.beta, 6)
    (6.0, 14.0)
    >>> [round(end, 3) for end in rate.interval()]
    [0.126, 0.512]
    """

    mean: float = 0.3
    strength: float = 20.0

    def __post_init__(self):
        if not 0 < self.mean < 1:
            raise ParameterError(
                f"a save rate of {self.mean}", "a share above 0 and below 1", "give 0.3 for 30 %"
            )
        if not self.strength > 0:
            raise ParameterError(
                f"a save rate with strength {self.strength}", "a number of cases above 0",
                "give 20 for an assumption worth twenty cases",
            )  # fmt: skip

    @property
    def alpha(self) -> float:
        """First parameter of the beta distribution."""
        return self.mean * self.strength

    @property
    def beta(self) -> float:
        """Second parameter of the beta distribution."""
        return (1 - self.mean) * self.strength

    def below(self, rate: np.ndarray) -> np.ndarray:
        """Probability of a save rate of at most `rate`."""
        if np.isinf(self.strength):
            return (np.asarray(rate) >= self.mean).astype("float64")
        return betainc(self.alpha, self.beta, np.clip(rate, 0, 1))

    def mean_below(self, rate: np.ndarray) -> np.ndarray:
        """Part of the mean that comes from save rates of at most `rate`; all of it at 1."""
        if np.isinf(self.strength):
            return self.mean * self.below(rate)
        return self.mean * betainc(self.alpha + 1, self.beta, np.clip(rate, 0, 1))

    def draws(self, rng: np.random.Generator, size: int) -> np.ndarray:
        """Draw save rates, shape (size,)."""
        if np.isinf(self.strength):
            return np.full(size, self.mean)
        return rng.beta(self.alpha, self.beta, size)

    def interval(self, level: float = 0.95) -> tuple[float, float]:
        """Range that holds the save rate with a probability of `level`."""
        if np.isinf(self.strength):
            return self.mean, self.mean
        low, high = betaincinv(self.alpha, self.beta, [(1 - level) / 2, (1 + level) / 2])
        return float(low), float(high)


@dataclass(frozen=True)
class MeasuredSaveRate:
    """A save rate from a randomised test; below 0 if more left among those contacted.

    Count every customer once. The rate is a net one: whoever was driven away by the contact counts against it, so
    take no further loss from annoyance together with it.

    Attributes
    ----------
    left_contacted, contacted : int
        Customers who left, of how many contacted.
    left_alone, alone : int
        Customers who left, of how many held out.

    Notes
    -----
    With l1 and l0 the shares that left, the rate is 1 - l1 / l0: one less the relative risk. The draws take both shares
    from their beta posteriors with Jeffreys' prior (Brown, Cai & DasGupta 2001, Statistical Science 16:101-133).

    Examples
    --------
    >>> test = MeasuredSaveRate(left_contacted=150, contacted=1000, left_alone=200, alone=1000)
    >>> round(test.mean, 6)
    0.25
    >>> [round(end, 2) for end in test.interval()]
    [0.09, 0.38]
    """

    left_contacted: int
    contacted: int
    left_alone: int
    alone: int

    def __post_init__(self):
        for left, of, who in (
            (self.left_contacted, self.contacted, "contacted"),
            (self.left_alone, self.alone, "left alone"),
        ):
            if not 0 <= left <= of:
                raise ParameterError(
                    f"{left} who left of {of} {who}", "a number from 0 to all of them", "correct the counts"
                )
            if of < FEWEST_CUSTOMERS:
                raise TooLittleData(
                    f"a test with {of} customers {who}", f"{FEWEST_CUSTOMERS} or more in each arm",
                    "state a save rate and its strength instead, or run a larger test",
                )  # fmt: skip
        if self.left_alone < FEWEST_LEAVERS:
            raise TooLittleData(
                f"{self.left_alone} who left of those left alone", f"{FEWEST_LEAVERS} or more",
                "state a save rate and its strength instead, or watch the test longer",
            )  # fmt: skip

    @property
    def mean(self) -> float:
        """Share kept of those who would have left."""
        return 1 - (self.left_contacted / self.contacted) / (self.left_alone / self.alone)

    def draws(self, rng: np.random.Generator, size: int) -> np.ndarray:
        """Draw save rates, shape (size,)."""
        left = rng.beta(self.left_contacted + 0.5, self.contacted - self.left_contacted + 0.5, size)
        return 1 - left / rng.beta(self.left_alone + 0.5, self.alone - self.left_alone + 0.5, size)

    def interval(self, level: float = 0.95) -> tuple[float, float]:
        """Range that holds the save rate with a probability of `level`."""
        low, high = np.quantile(self._sample, [(1 - level) / 2, (1 + level) / 2])
        return float(low), float(high)

    def as_assumed(self) -> SaveRate:
        """Return the beta distribution with the mean and the spread of the test.

        Raises
        ------
        TooLittleData
            If the interval reaches down to 0: a beta distribution would then promise that the contact helps.
        """
        low, _ = self.interval()
        if low <= 0:
            raise TooLittleData(
                f"a test by which a contact keeps {self.mean:.1%} of those who would have left, or from {low:.1%} on",
                "an interval above 0", "use the measured rate as it is, or run a larger test",
            )  # fmt: skip
        mean = float(self._sample.mean())
        return SaveRate(mean, max(mean * (1 - mean) / float(self._sample.var()) - 1, 1e-3))

    @functools.cached_property
    def _sample(self) -> np.ndarray:
        return self.draws(np.random.default_rng(0), _DRAWS)
