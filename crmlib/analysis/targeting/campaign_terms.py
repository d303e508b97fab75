"""Terms of a campaign that is to keep customers: what an offer and a contact cost, and what they do."""

from dataclasses import dataclass, field

import numpy as np

from crmlib.analysis.targeting.save_rate import AnySaveRate, SaveRate
from crmlib.errors import ParameterError


@dataclass(frozen=True)
class OfferTerms:
    """Terms of a retention campaign for customers of one average value.

    A customer who would leave and is contacted stays with the probability of the save rate, takes the offer and keeps
    his value. One who would have stayed anyway takes the offer, too. Everybody contacted costs the contact.

    Attributes
    ----------
    value : float
        Average value of a customer kept, run's currency, above the cost of the offer.
    offer_cost, contact_cost : float
        Money per offer taken and per contact, 0 or more.
    save_rate : SaveRate

    Notes
    -----
    The defaults are those of Verbraken, Verbeke & Baesens (2013), IEEE Transactions on Knowledge and Data
    Engineering 25:961-973: 200, 10, 1 EUR and Beta(6, 14).
    """

    value: float = 200.0
    offer_cost: float = 10.0
    contact_cost: float = 1.0
    save_rate: SaveRate = field(default_factory=SaveRate)

    def __post_init__(self):
        for name in ("offer_cost", "contact_cost"):
            if not 0 <= getattr(self, name) < np.inf:
                raise ParameterError(f"{name} = {getattr(self, name)}", "0 or more", f"correct {name}")
        if not self.offer_cost < self.value < np.inf:
            raise ParameterError(
                f"value = {self.value}, offer_cost = {self.offer_cost}", "a value above the cost of the offer",
                "make a cheaper offer, or look at customers who are worth it",
            )  # fmt: skip
        if not isinstance(self.save_rate, SaveRate):
            raise ParameterError(
                "a save rate that is no beta distribution", "a SaveRate",
                "take as_assumed() of a measured rate",
            )  # fmt: skip

    def break_even_probability(self) -> float:
        """Return the churn probability from which a contact pays, above 1 if it never does.

        Examples
        --------
        >>> round(OfferTerms().break_even_probability(), 4)
        0.1642
        """
        kept = self.save_rate.mean * (self.value - self.offer_cost) + self.offer_cost
        return (self.offer_cost + self.contact_cost) / kept

    def break_even_value(self, probability: np.ndarray) -> np.ndarray:
        """Return the customer value from which a contact pays at churn probabilities; infinity at 0.

        Examples
        --------
        >>> OfferTerms().break_even_value(np.array([0.0, 0.1, 0.5])).round(2).tolist()
        [inf, 343.33, 50.0]
        """
        probability = np.asarray(probability, dtype="float64")
        spent = (1 - probability) * self.offer_cost + self.contact_cost
        with np.errstate(divide="ignore"):
            return self.offer_cost + spent / (probability * self.save_rate.mean)


@dataclass(frozen=True)
class ContactTerms:
    """Terms of a campaign for customers who differ in value, with the doubt about what all of them share.

    Attributes
    ----------
    contact_cost : float
        Money per contact, 0 or more.
    offer_cost : float
        What an offer costs when it is taken, 0 or more. All who are saved take it.
    save_rate : SaveRate or MeasuredSaveRate
        Share kept of those who would have left.
    acceptance : float
        Share of those who would have stayed anyway who take the offer all the same.
    annoyance : float
        Probability that a contact drives away one who would have stayed. Leave it at 0 with a measured save
        rate, which is a net one already.
    value_doubt : float
        Standard deviation of the error that all values share, as a share of them: 0.1 if the forecast may be 10 % off.
    risk_doubt : float
        Standard deviation of the error that all churn probabilities share, in log odds: 0.2 moves 50 % to 55 %.

    Examples
    --------
    >>> terms = ContactTerms(contact_cost=1.4, offer_cost=5.0)
    >>> terms.save_rate.mean, terms.acceptance, terms.annoyance
    (0.3, 1.0, 0.0)
    """

    contact_cost: float
    offer_cost: float = 0.0
    save_rate: AnySaveRate = field(default_factory=SaveRate)
    acceptance: float = 1.0
    annoyance: float = 0.0
    value_doubt: float = 0.0
    risk_doubt: float = 0.0

    def __post_init__(self):
        for name in ("contact_cost", "offer_cost", "value_doubt", "risk_doubt"):
            if not 0 <= getattr(self, name) < np.inf:
                raise ParameterError(f"{name} = {getattr(self, name)}", "0 or more", f"correct {name}")
        for name in ("acceptance", "annoyance"):
            if not 0 <= getattr(self, name) <= 1:
                raise ParameterError(
                    f"{name} = {getattr(self, name)}", "a share from 0 to 1", "give 0.1 for 10 %"
                )
        if not hasattr(self.save_rate, "draws"):
            raise ParameterError(
                f"a save rate {self.save_rate!r}",
                "a SaveRate or a MeasuredSaveRate",
                "give SaveRate(0.3, 20)",
            )
