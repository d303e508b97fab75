"""What can be done with whom: one row for each customer and action he is eligible for."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from crmlib.analysis.actions.menu import MENU, PHONE
from crmlib.analysis.clv.refusals import refuse
from crmlib.errors import DataError

#: Limits of a month.
MONEY, CALLS = "money", "calls"


@dataclass(frozen=True, eq=False)
class Options:
    """The customers of the list and what is possible with each; doing nothing always is.

    Attributes
    ----------
    customers : Index
        All customers of the list, sorted, each once.
    actions : tuple of str
        Actions of the menu, in its order.
    table : DataFrame
        One row per customer and action, in the order of customers and of the menu: ``customer`` (position in
        `customers`), ``action`` (position in `actions`), ``gain`` (money if it works, above 0), ``cost`` (expected, of
        contact and offer; below 0 where something is saved whether it works or not).
    """

    customers: pd.Index
    actions: tuple[str, ...]
    table: pd.DataFrame

    @classmethod
    def of(cls, customers: pd.Index, offers: Mapping[str, pd.DataFrame]) -> "Options":
        """Put the offers of all actions together.

        Parameters
        ----------
        customers : Index
            All customers of the list.
        offers : mapping of str to DataFrame
            For each action ``gain`` and ``cost``, indexed by customer. Whoever gains nothing is left out, and so is
            whoever is not of the list.

        Returns
        -------
        Options

        Raises
        ------
        DataError
            If an action is not of the menu, a customer stands twice, or a number is missing.

        Examples
        --------
        >>> offers = {"save": pd.DataFrame({"gain": [20.0, 0.0], "cost": 3.0}, index=["B", "A"])}
        >>> found = Options.of(pd.Index(["B", "A"]), offers)
        >>> found.customers.tolist(), found.table["customer"].tolist()
        (['A', 'B'], [1])
        """
        unknown = [name for name in offers if name not in MENU]
        if unknown:
            raise DataError(f"an action {unknown[0]!r}", f"one of: {', '.join(MENU)}", "take one of the menu")
        everyone = pd.Index(customers).sort_values()
        _each_once(everyone, "the customers of the list")
        actions = tuple(name for name in MENU if name in offers)
        parts = [_part(everyone, name, number, offers[name]) for number, name in enumerate(actions)]
        empty = pd.DataFrame(
            {"customer": np.zeros(0, "int64"), "action": np.zeros(0, "int64"), "gain": 0.0, "cost": 0.0}
        )
        table = pd.concat(parts, ignore_index=True) if parts else empty
        order = np.argsort(table["customer"].to_numpy(), kind="stable")
        return cls(everyone, actions, table.iloc[order].reset_index(drop=True))

    def where(self, kept: np.ndarray) -> "Options":
        """Keep some of the options, given as a mask over the rows."""
        return Options(
            self.customers, self.actions, self.table[np.asarray(kept, dtype=bool)].reset_index(drop=True)
        )

    def names(self) -> np.ndarray:
        """Name of the action of each option."""
        return np.array(self.actions, dtype=object)[self.table["action"].to_numpy()]

    def ids(self) -> pd.Index:
        """Customer of each option."""
        return self.customers[self.table["customer"].to_numpy()]

    def in_lot_order(self, seed: int) -> np.ndarray:
        """Customer of each option as a number whose order is a lot: drawn from the ids and the seed alone."""
        numbers = pd.util.hash_array(
            self.customers.astype("str").to_numpy("object"),
            hash_key=f"{seed % 10**16:016d}",
            categorize=False,
        )
        return np.argsort(np.argsort(numbers, kind="stable"), kind="stable")[
            self.table["customer"].to_numpy()
        ]

    def contacts(self) -> np.ndarray:
        """Whether each option means that the customer is contacted."""
        return np.array([MENU[name].contacts for name in self.actions], dtype=bool)[
            self.table["action"].to_numpy()
        ]

    def by_channel(self, channel: str) -> np.ndarray:
        """Whether each option goes through a channel."""
        own = np.array([MENU[name].channel == channel for name in self.actions], dtype=bool)
        return own[self.table["action"].to_numpy()]

    def uses(self) -> pd.DataFrame:
        """What each option takes of the limits: ``money`` (expected, for contact and offer) and ``calls``.

        New terms and less attention cost no budget: what they give up is margin, not money paid out.
        """
        contacts = self.contacts()
        return pd.DataFrame({
            MONEY: np.where(contacts, self.table["cost"].clip(lower=0.0), 0.0),
            CALLS: self.by_channel(PHONE).astype("float64"),
        })  # fmt: skip


def _part(everyone: pd.Index, name: str, number: int, offer: pd.DataFrame) -> pd.DataFrame:
    _each_once(offer.index, f"the offer {name!r}")
    places = everyone.get_indexer(offer.index)
    gain, cost = (offer[column].to_numpy("float64", na_value=np.nan) for column in ("gain", "cost"))
    bad = ~(np.isfinite(gain) & np.isfinite(cost))
    if bad.any():
        refuse(bad, offer.index, f"{name} without gain or cost", "two numbers", "leave these customers out")
    kept = (places >= 0) & (gain > 0)
    return pd.DataFrame({"customer": places[kept], "action": number, "gain": gain[kept], "cost": cost[kept]})


def _each_once(index: pd.Index, what: str) -> None:
    twice = index.duplicated()
    if twice.any():
        refuse(twice, index, f"{what}: a customer who stands twice", "one row each", "keep one row")
