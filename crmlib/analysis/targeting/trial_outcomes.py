"""What a test is to measure, a rate or an amount: how far an effect can go, and how much customers differ."""

from dataclasses import dataclass

import numpy as np

from crmlib.errors import ParameterError


@dataclass(frozen=True)
class Rate:
    """An outcome that happens or does not, such as an order or leaving.

    Attributes
    ----------
    without : float
        Share to whom it happens without a contact, above 0 and below 1.
    """

    without: float

    def __post_init__(self):
        if not 0 < self.without < 1:
            raise ParameterError(
                f"a rate of {self.without}", "a share above 0 and below 1", "give 0.2 for 20 %"
            )

    def spreads(self, effect: float, held_out: float) -> tuple[float, float]:
        """Spread of the difference of the means, times the root of all customers.

        First as if the contact did nothing, at the mean rate of both arms; then with the effect.
        """
        own = self.without + effect
        mean = held_out * self.without + (1 - held_out) * own
        alike = mean * (1 - mean) * (1 / held_out + 1 / (1 - held_out))
        apart = self.without * (1 - self.without) / held_out + own * (1 - own) / (1 - held_out)
        return float(np.sqrt(alike)), float(np.sqrt(apart))

    def largest(self) -> float:
        """Rise to which the rate would be 1."""
        return 1 - self.without


@dataclass(frozen=True)
class Amount:
    """An outcome in money or numbers.

    Attributes
    ----------
    spread : float
        Standard deviation between customers without a contact, above 0: of the same outcome over a window of the same
        length in the past. Covariates that explain a share R2 of its variance leave ``spread * sqrt(1 - R2)``.
    spread_contacted : float, optional
        With a contact; the same if left out.
    """

    spread: float
    spread_contacted: float | None = None

    def __post_init__(self):
        for value in (self.spread, self.spread if self.spread_contacted is None else self.spread_contacted):
            if not 0 < value < np.inf:
                raise ParameterError(
                    f"a standard deviation of {value}",
                    "a number above 0",
                    "measure it on a window of the past",
                )

    def spreads(self, effect: float, held_out: float) -> tuple[float, float]:
        """As for `Rate`; without and with the effect it is the same."""
        contacted = self.spread if self.spread_contacted is None else self.spread_contacted
        both = float(np.sqrt(self.spread**2 / held_out + contacted**2 / (1 - held_out)))
        return both, both

    def largest(self) -> float:
        """Money has no largest effect."""
        return np.inf
