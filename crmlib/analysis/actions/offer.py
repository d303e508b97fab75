"""One action as it can be offered: to whom, for what gain and cost, or why it is left out."""

from dataclasses import dataclass

import pandas as pd

from crmlib.errors import ParameterError


@dataclass(frozen=True)
class Prices:
    """What contacts and offers cost, run's currency.

    Attributes
    ----------
    letter, call : float
        Per contact, 0 or more.
    offer : float
        Of an offer that is taken, 0 or more.
    """

    letter: float = 3.0
    call: float = 6.0
    offer: float = 5.0

    def __post_init__(self):
        for name in ("letter", "call", "offer"):
            if not 0 <= getattr(self, name) < float("inf"):
                raise ParameterError(
                    f"{name} = {getattr(self, name)}", "0 or more", f"correct the cost of a {name}"
                )


@dataclass(frozen=True)
class Offer:
    """An action and the customers eligible for it.

    Attributes
    ----------
    table : DataFrame or None
        Indexed by ``customer_id``: ``gain``, ``cost``, perhaps ``product`` (what is offered) and facts for the reason;
        None where the action is left out.
    left_out : str
        Sentence that says why; empty if it is not.
    """

    table: pd.DataFrame | None
    left_out: str = ""

    @classmethod
    def missing(cls, sentence: str) -> "Offer":
        """An action that is left out."""
        return cls(None, sentence)


def by_customer(saved: pd.DataFrame) -> pd.DataFrame:
    """Index a saved table by customer, sorted."""
    return saved.set_index("customer_id").sort_index()
