"""What contacting each customer is expected to earn, and whether that is known well enough to act on.

Contacting nobody earns 0 and is always among the options: every profit here is a difference to it. The value that
counts is what a customer brings *if he stays*, less what he brings if he leaves; see
`crmlib.analysis.targeting.value_kept.value_if_kept`.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from crmlib.analysis.targeting.campaign_terms import ContactTerms
from crmlib.analysis.targeting.profit_draws import ProfitDraws, tails
from crmlib.errors import DataError, ParameterError

#: Verdicts on a customer.
CONTACT, LEAVE, UNSURE = "contact", "do not contact", "cannot say"
#: Lists that are always valued.
NOBODY, EVERYONE, EXPECTED, SURE = "nobody", "everyone", "expected gain", "sure gain"


@dataclass(frozen=True)
class ContactProfit:
    """Expected profit of contacting each customer and lists of them.

    Attributes
    ----------
    customers : DataFrame
        Indexed like the customers given: ``churn_probability``, ``value``, ``profit`` (expected), ``low``, ``high``
        (its interval; doubt about the inputs, not luck), ``chance`` (that the expected profit is above 0), ``cost``
        (expected money paid out: contact and offers), ``break_even_rate`` (save rate from which the contact pays,
        infinity if none does), ``least_value`` (value from which it pays, infinity if none), ``verdict``
        (`CONTACT` if the interval is above 0, `LEAVE` if below, else `UNSURE`).
    options : DataFrame
        As returned by `totals`, for the lists "nobody", "everyone", "expected gain" (profit above 0) and "sure gain"
        (verdict "contact").
    terms : ContactTerms
    level : float
    draws : ProfitDraws
        The inputs, and what was drawn once for all customers.
    """

    customers: pd.DataFrame
    options: pd.DataFrame
    terms: ContactTerms
    level: float
    draws: ProfitDraws

    @property
    def best(self) -> str:
        """Option with the highest expected profit; "nobody" where nobody is expected to earn anything."""
        return EXPECTED if (self.customers["profit"] > 0).any() else NOBODY

    def worth_of_knowing_save_rate(self) -> float:
        """Return what knowing the save rate before choosing would earn: the most that a test of it is worth.

        Notes
        -----
        Expected value of perfect information (Raiffa & Schlaifer 1961, Applied Statistical Decision Theory): over the
        draws of the save rate, the profit of those worth contacting at that rate, less the profit of those worth
        contacting at the mean rate. For one campaign on these customers; what is learned serves later ones, too.

        Examples
        --------
        >>> people = pd.DataFrame({"churn_probability": [0.5], "value": [100.0]}, index=["A"])
        >>> found = expected_profit(people, ContactTerms(contact_cost=20.0))
        >>> found.customers["profit"].round(2).tolist(), round(found.worth_of_knowing_save_rate(), 1)
        ([-5.0], 0.4)
        """
        chosen = float(self.customers["profit"].clip(lower=0).sum())
        return max(self.draws.gain_if_known() - chosen, 0.0)

    def totals(self, lists: Mapping[str, pd.Series | pd.Index]) -> pd.DataFrame:
        """Value lists of customers; what customers share stays shared, so that it does not average out.

        Parameters
        ----------
        lists : mapping of str to Series of bool or Index
            Members by name of the list.

        Returns
        -------
        DataFrame
            Indexed by ``list``: ``customers``, ``cost`` (expected money paid out), ``profit``, ``low``, ``high``,
            ``chance`` (that the expected profit is above 0), ``break_even_rate`` (save rate at which the list
            neither wins nor loses; NaN for an empty list).

        Examples
        --------
        >>> people = pd.DataFrame({"churn_probability": [0.5, 0.1], "value": [100.0, 100.0]}, index=["A", "B"])
        >>> found = expected_profit(people, ContactTerms(contact_cost=2.0))
        >>> found.totals({"first": pd.Index(["A"])})[["customers", "profit"]].round(6)
              customers  profit
        list
        first         1    13.0
        """
        index = self.customers.index
        members = {name: _members(chosen, index) for name, chosen in lists.items()}
        drawn = self.draws.drawn_totals(np.array(list(members.values())).reshape(len(members), len(index)))
        rows = {}
        for (name, mask), column in zip(members.items(), drawn.T, strict=True):
            own, count = self.customers.loc[mask], int(mask.sum())
            low, high = np.quantile(column, tails(self.level))
            rows[name] = {
                "customers": count,
                "cost": float(own["cost"].sum()),
                "profit": float(own["profit"].sum()),
                "low": float(low),
                "high": float(high),
                "chance": float((column > 0).mean()),
                "break_even_rate": self.draws.break_even(mask) if count else float("nan"),
            }
        return pd.DataFrame.from_dict(rows, orient="index").rename_axis("list")


def expected_profit(
    customers: pd.DataFrame,
    terms: ContactTerms,
    *,
    draws: int = 1000,
    seed: int = 0,
    level: float = 0.95,
) -> ContactProfit:
    """Work out what contacting each customer is expected to earn.

    Parameters
    ----------
    customers : DataFrame
        One row per customer: ``churn_probability`` (without a contact) and ``value`` (gained if the customer is kept,
        as `value_if_kept` returns it, or a stated margin; run's currency). Optional, as intervals of the same
        `level`: ``churn_low``, ``churn_high`` and ``value_low``, ``value_high``, about the expected number and for
        each customer on its own. Optional, instead of the terms: ``contact_cost``, ``offer_cost``.
    terms : ContactTerms
    draws : int
        Draws of all that is not known for sure, 100 or more.
    seed : int
    level : float

    Returns
    -------
    ContactProfit

    Raises
    ------
    DataError
        If a column is missing, a number is missing or out of range, or a customer stands twice.
    ParameterError
        If an option is out of range.

    Notes
    -----
    With churn probability p, save rate s, value v, cost d of the offer and f of the contact, acceptance a, annoyance q:

        profit = p s (v - d) - (1 - p) [(1 - q) a d + q v] - f

    Without annoyance, with full acceptance and one value for all this is the model of Verbeke et al. (2012), European
    Journal of Operational Research 218:211-229; the individual form is a definition of this project. Probabilities
    are drawn from beta, values from gamma distributions (normal where they may be negative) with the given mean
    and the spread of the interval. Save rate and common errors are drawn once for all customers.

    A list picked by its expected profit looks better than it is, the more so the less is known about each
    customer; only a random group held out tells.

    Examples
    --------
    >>> people = pd.DataFrame({"churn_probability": [0.5, 0.5, 0.02], "value": [100.0, 12.0, 100.0]}, list("ABC"))
    >>> found = expected_profit(people, ContactTerms(contact_cost=2.0, offer_cost=1.0))
    >>> found.customers[["profit", "break_even_rate", "verdict"]].round(3)
       profit  break_even_rate         verdict
    A  12.350            0.051         contact
    B  -0.850            0.455      cannot say
    C  -2.386            1.505  do not contact
    >>> found.best, round(float(found.options.loc["everyone", "profit"]), 3)
    ('expected gain', 9.114)
    """
    if draws < 100 or not 0 < level < 1:
        raise ParameterError(
            f"draws = {draws}, level = {level}", "100 or more draws, and a level between 0 and 1", "correct them"
        )  # fmt: skip
    inputs = ProfitDraws.of(customers, terms, level, draws, seed)
    low, high, chance = inputs.intervals(level)
    found = pd.DataFrame(
        {
            "churn_probability": inputs.risk,
            "value": inputs.value,
            "profit": inputs.profit(inputs.risk, terms.save_rate.mean, inputs.value),
            "low": low,
            "high": high,
            "chance": chance,
            "cost": inputs.cost(),
            "break_even_rate": inputs.break_even_rates(),
            "least_value": inputs.least_value(),
        },
        index=customers.index,
    )
    verdict = np.where(low > 0, CONTACT, np.where(high < 0, LEAVE, UNSURE))
    found["verdict"] = pd.Series(verdict, index=found.index, dtype="str")
    empty = ContactProfit(found, pd.DataFrame(), terms, level, inputs)
    every = pd.Series(True, index=found.index)
    lists = {
        NOBODY: ~every,
        EVERYONE: every,
        EXPECTED: found["profit"] > 0,
        SURE: found["verdict"] == CONTACT,
    }
    return ContactProfit(found, empty.totals(lists), terms, level, inputs)


def _members(chosen: pd.Series | pd.Index, index: pd.Index) -> np.ndarray:
    if isinstance(chosen, pd.Series):
        return chosen.reindex(index).eq(True).to_numpy(bool)
    unknown = pd.Index(chosen).difference(index)
    if len(unknown):
        raise DataError(
            f"{len(unknown):,} customers of a list who were not valued, {unknown[0]} first",
            "customers of the table", "value them first",
        )  # fmt: skip
    return index.isin(chosen)
