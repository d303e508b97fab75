"""The profit of a contact with each customer, once at the expected inputs and many times at drawn ones.

What all customers share (the save rate, the level of values and of risks) is drawn once for all of them, so that it
does not average out over a list; what is each customer's own is drawn for each.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import expit, logit
from scipy.stats import norm

from crmlib.analysis.clv.refusals import refuse, refuse_some
from crmlib.analysis.targeting.campaign_terms import ContactTerms
from crmlib.errors import DataError

_BLOCK = 4_000_000


@dataclass(frozen=True, eq=False)
class ProfitDraws:
    """Numbers of the customers, and what is drawn once for all of them.

    Attributes
    ----------
    terms : ContactTerms
    risk, value : ndarray of shape (n_customers,)
        Churn probability, and what is gained if the customer is kept.
    risk_spread, value_spread : ndarray of shape (n_customers,)
        Standard deviations of each customer on its own; 0 if known.
    contact, offer : ndarray of shape (n_customers,)
        Money per contact, and per offer taken.
    place : ndarray of int
        Positions of the customers in the order of their ids: draws do not depend on the order of rows.
    saved, scale, shift : ndarray of shape (n_draws,)
        Save rate, factor of all values, and shift of all log odds.
    seed : int
    """

    terms: ContactTerms
    risk: np.ndarray
    value: np.ndarray
    risk_spread: np.ndarray
    value_spread: np.ndarray
    contact: np.ndarray
    offer: np.ndarray
    place: np.ndarray
    saved: np.ndarray
    scale: np.ndarray
    shift: np.ndarray
    seed: int

    @classmethod
    def of(
        cls, customers: pd.DataFrame, terms: ContactTerms, level: float, draws: int, seed: int
    ) -> "ProfitDraws":
        """Check the numbers of customers, and draw what they share; see `expected_profit`."""
        for name in ("churn_probability", "value"):
            if name not in customers.columns:
                raise DataError(
                    f"customers without {name}", "churn_probability and value per customer", "join them"
                )
        twice = customers.index.duplicated()
        if twice.any():
            refuse(twice, customers.index, "a customer who stands twice", "one row each", "keep one row")
        risk = _numbers(customers, "churn_probability", 0.0, 1.0)
        value = _numbers(customers, "value")
        rng = np.random.default_rng(seed)
        saved = terms.save_rate.draws(rng, draws)
        doubt = np.sqrt(np.log1p(terms.value_doubt**2))
        return cls(
            terms,
            risk,
            value,
            _spread(customers, "churn", risk, level),
            _spread(customers, "value", value, level),
            _costs(customers, "contact_cost", terms.contact_cost),
            _costs(customers, "offer_cost", terms.offer_cost),
            np.argsort(customers.index.to_numpy(), kind="stable"),
            saved,
            np.exp(doubt * rng.standard_normal(draws) - doubt**2 / 2),
            terms.risk_doubt * rng.standard_normal(draws),
            seed,
        )

    def lost(self, risk: np.ndarray, value: np.ndarray, part: np.ndarray | slice = slice(None)) -> np.ndarray:
        """What a contact costs whatever the save rate: itself, offers to stayers, stayers driven away."""
        offers = (1 - self.terms.annoyance) * self.terms.acceptance * self.offer[part]
        return self.contact[part] + (1 - risk) * (offers + self.terms.annoyance * value)

    def profit(
        self, risk: np.ndarray, rate: np.ndarray | float, value: np.ndarray, part: np.ndarray | slice = slice(None)
    ) -> np.ndarray:  # fmt: skip
        """Profit of a contact with each customer of `part`, at risks, save rates and values."""
        return risk * rate * (value - self.offer[part]) - self.lost(risk, value, part)

    def cost(self) -> np.ndarray:
        """Expected money paid out per contact."""
        taken = (1 - self.risk) * (1 - self.terms.annoyance) * self.terms.acceptance
        return self.contact + self.offer * (taken + self.risk * max(self.terms.save_rate.mean, 0.0))

    def break_even_rates(self) -> np.ndarray:
        """Save rate from which a contact with each customer pays; infinity where none does."""
        kept = self.risk * (self.value - self.offer)
        return np.divide(
            self.lost(self.risk, self.value), kept, out=np.full_like(kept, np.inf), where=kept > 0
        )

    def break_even(self, mask: np.ndarray) -> float:
        """Save rate at which contacting the customers of `mask` neither wins nor loses."""
        kept = float((self.risk * (self.value - self.offer))[mask].sum())
        return float(self.lost(self.risk, self.value)[mask].sum() / kept) if kept > 0 else float("inf")

    def least_value(self) -> np.ndarray:
        """Value at which the profit is 0; it rises with the value only where more are saved than annoyed."""
        rate, annoyed = self.terms.save_rate.mean, self.terms.annoyance
        gained = self.risk * rate - (1 - self.risk) * annoyed
        offers = self.offer * (self.risk * rate + (1 - self.risk) * (1 - annoyed) * self.terms.acceptance)
        return np.divide(self.contact + offers, gained, out=np.full_like(gained, np.inf), where=gained > 0)

    def blocks(self) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Positions of some customers, in order of their ids, and drawn profits, shape (n_draws, n_some)."""
        size = max(1, _BLOCK // len(self.saved))
        for start in range(0, len(self.risk), size):
            part = self.place[start : start + size]
            rng = np.random.default_rng([self.seed, start, 1])
            shape = (len(self.saved), len(part))
            risk = _beta(rng, self.risk[part], self.risk_spread[part], shape)
            if self.shift.any():
                risk = expit(logit(risk) + self.shift[:, None])
            value = _amounts(rng, self.value[part], self.value_spread[part], shape) * self.scale[:, None]
            yield part, self.profit(risk, self.saved[:, None], value, part)

    def intervals(self, level: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Ends of each customer's interval, and the chance of a profit above 0."""
        low, high, chance = (np.zeros(len(self.risk)) for _ in range(3))
        for part, drawn in self.blocks():
            low[part], high[part] = np.quantile(drawn, tails(level), axis=0)
            chance[part] = (drawn > 0).mean(axis=0)
        return low, high, chance

    def gain_if_known(self) -> float:
        """Profit of those worth contacting, chosen anew for each drawn save rate, in the mean of the draws."""
        total, size = 0.0, max(1, _BLOCK // len(self.saved))
        for start in range(0, len(self.risk), size):
            part = self.place[start : start + size]
            drawn = self.profit(self.risk[part], self.saved[:, None], self.value[part], part)
            total += float(np.maximum(drawn, 0.0).sum()) / len(self.saved)
        return total

    def drawn_totals(self, members: np.ndarray) -> np.ndarray:
        """Drawn profits of lists, shape (n_draws, n_lists)."""
        found = np.zeros((len(self.saved), len(members)))
        for part, drawn in self.blocks():
            found += drawn @ members[:, part].T.astype("float64")
        return found


def _beta(rng: np.random.Generator, mean: np.ndarray, spread: np.ndarray, shape: tuple) -> np.ndarray:
    """Draw probabilities with means and standard deviations; a spread too wide becomes nearly 0 or 1."""
    if not (spread > 0).any():
        return np.broadcast_to(mean, shape)
    doubted = (spread > 0) & (mean > 0) & (mean < 1)
    inside = np.where(doubted, mean, 0.5)
    strength = np.maximum(inside * (1 - inside) / np.where(doubted, spread, 1.0) ** 2 - 1, 0.05)
    return np.where(doubted, rng.beta(inside * strength, (1 - inside) * strength, shape), mean)


def _amounts(rng: np.random.Generator, mean: np.ndarray, spread: np.ndarray, shape: tuple) -> np.ndarray:
    """Draw money with means and standard deviations: gamma where that is above 0, else normal."""
    if not (spread > 0).any():
        return np.broadcast_to(mean, shape)
    skewed = (spread > 0) & (mean > 0) & (spread <= mean)
    form = np.where(skewed, mean / np.where(skewed, spread, 1.0), 1.0) ** 2
    drawn = rng.standard_gamma(form, shape) * np.where(skewed, mean, 1.0) / form
    return np.where(skewed, drawn, mean + spread * rng.standard_normal(shape))


def _numbers(customers: pd.DataFrame, name: str, least: float = -np.inf, most: float = np.inf) -> np.ndarray:
    values = customers[name].to_numpy("float64", na_value=np.nan)
    bad = ~(np.isfinite(values) & (values >= least) & (values <= most))
    allowed = (
        "a number" if np.isinf(most) and np.isinf(least) else "0 or more" if np.isinf(most) else "0 to 1"
    )
    refuse_some(bad, customers.index, values, name, allowed, "correct it, or leave these customers out")
    return values


def _costs(customers: pd.DataFrame, name: str, common: float) -> np.ndarray:
    if name in customers.columns:
        return _numbers(customers, name, 0.0)
    return np.full(len(customers), common)


def _spread(customers: pd.DataFrame, name: str, middle: np.ndarray, level: float) -> np.ndarray:
    """Standard deviation behind an interval; 0 without one."""
    ends = [f"{name}_low", f"{name}_high"]
    given = [end for end in ends if end in customers.columns]
    if not given:
        return np.zeros(len(customers))
    if len(given) == 1:
        raise DataError(f"{given[0]} alone", f"both {ends[0]} and {ends[1]}, or neither", "give both")
    low, high = (_numbers(customers, end) for end in ends)
    refuse_some(
        (low > middle) | (high < middle), customers.index, middle,
        "churn_probability" if name == "churn" else name, f"a number from {ends[0]} to {ends[1]}",
        "correct the interval",
    )  # fmt: skip
    return (high - low) / (2 * norm.ppf((1 + level) / 2))


def tails(level: float) -> list[float]:
    """Shares below the low and the high end of an interval.

    Examples
    --------
    >>> tails(0.5)
    [0.25, 0.75]
    """
    return [(1 - level) / 2, (1 + level) / 2]
