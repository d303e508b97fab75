"""Whom to contact now: by what a test has proven, or by what is assumed where nothing was tested.

"Nobody" is always among the options and wins unless another one is shown, or expected, to earn more.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from crmlib.analysis.targeting.assignment import CONTROL, assign_arms
from crmlib.analysis.targeting.contact_profit import ContactProfit
from crmlib.analysis.targeting.heterogeneity import SortedGroups
from crmlib.analysis.targeting.targeting_rules import EVERYONE, NOBODY, RANDOM, RulesCompared
from crmlib.errors import DataError, ParameterError, TooLittleData

RISK, AT_RISK, PROFIT = "risk", "value at risk", "expected profit"
#: What is to be done with a customer.
CONTACT, HOLD_OUT, LEAVE = "contact", "hold out", "leave alone"


@dataclass(frozen=True)
class Decision:
    """Whom to contact, and what each way to choose is worth.

    Attributes
    ----------
    basis : {'test', 'assumption'}
        Whether a randomised test or an assumed save rate stands behind the money.
    rule : str
        The way to choose that is used; "nobody" where none earns anything, or none is proven to.
    customers : DataFrame
        Indexed by ``customer_id``: ``profit`` (expected of a contact, run's currency), ``low``, ``high``, ``contact``
        (bool).
    options : DataFrame
        Indexed by ``option``, "nobody" last: ``customers`` (contacted), ``cost`` (money paid out), ``profit`` (more
        than contacting nobody), ``low``, ``high``; for the customers of today.
    """

    basis: Literal["test", "assumption"]
    rule: str
    customers: pd.DataFrame
    options: pd.DataFrame

    @property
    def contacted(self) -> int:
        """How many are to be contacted."""
        return int(self.customers["contact"].sum())


def best_places(score: pd.Series, share: float, above: float = -np.inf) -> pd.Series:
    """Mark the customers with the highest scores; equal ones in the order of their ids.

    Parameters
    ----------
    score : Series of float
        By customer; a missing score is never marked.
    share : float
        Share of the customers that may be marked, above 0 and at most 1.
    above : float
        Scores of this or less are not marked, even where there are places left.

    Returns
    -------
    Series of bool

    Examples
    --------
    >>> best_places(pd.Series([3.0, 1.0, 3.0, -2.0], index=list("DBCA")), 0.5, above=0).to_dict()
    {'D': True, 'B': False, 'C': True, 'A': False}
    """
    if not 0 < share <= 1:
        raise ParameterError(f"a budget of {share}", "a share above 0 and at most 1", "give 0.3 for 30 %")
    named = np.argsort(score.index.to_numpy(), kind="stable")
    values = score.to_numpy("float64")
    ranked = named[np.argsort(-np.where(np.isnan(values), -np.inf, values)[named], kind="stable")]
    ranked = ranked[: int(share * len(score) + 1e-9)]
    found = np.zeros(len(score), dtype=bool)
    found[ranked] = True
    return pd.Series(found & (values > above), index=score.index)


def decide_by_test(
    rules: RulesCompared,
    today: pd.DataFrame,
    groups: SortedGroups,
    share: float,
    contact_cost: float,
    above: Mapping[str, float] | None = None,
    uplift: str = "uplift",
    seed: int = 0,
) -> Decision:
    """Choose by what each rule earned on the rows of a test that it had not seen.

    Parameters
    ----------
    rules : RulesCompared
        Of the test, at the same `share`.
    today : DataFrame
        A score per rule for the customers of today, indexed by ``customer_id``.
    groups : SortedGroups
        Effects seen in groups of predicted uplift, net of the cost of the contact.
    share : float
        Share of the customers that may be contacted.
    contact_cost : float
        Money per contact.
    above : mapping of str to float, optional
        As for `crmlib.analysis.targeting.targeting_rules.compare_rules`.
    uplift : str
        Column of `today` that is a profit per customer.
    seed : int
        Of the lot, where a lot is what is used.

    Returns
    -------
    Decision
        ``profit`` of a customer is the predicted one; ``low`` and ``high`` are those of the effect seen in the group
        whose mean prediction is nearest; all are missing where there is no prediction.

    Raises
    ------
    DataError
        If a rule has no scores for today.

    Notes
    -----
    Definition of this project. A rule is used if the interval of what it earned lies above 0 and it finds somebody
    today; of several, the one that earned most. Contacting everybody breaks a budget below 1: where contacts are proven
    to pay but no list is, the places go by lot. What the test shows per 1,000 customers is taken over to the customers
    of today, who are taken to be like those of the test.
    """
    missing = [name for name in rules.table.index if name not in (*today.columns, EVERYONE, NOBODY, RANDOM)]
    if missing:
        raise DataError(f"no scores of today for the rule {missing[0]}", "a column per rule", "score them")
    above = above or {}
    picked = {
        name: best_places(today[name], share, above.get(name, -np.inf))
        for name in rules.table.index
        if name in today.columns
    }
    everybody = pd.Series(True, index=today.index)
    picked |= {RANDOM: _by_lot(today.index, share, seed), EVERYONE: everybody, NOBODY: ~everybody}
    rows = {}
    for name, row in rules.table.iterrows():
        number, scale = int(picked[name].sum()), len(today) / 1000
        rows[name] = (number, number * contact_cost, *(scale * row[["earned", "low", "high"]]))
    finds = np.array([picked[name].any() for name in rules.table.index], dtype=bool)
    barred = rules.table.index.isin([NOBODY, RANDOM if share == 1 else EVERYONE])
    proven = rules.table[(rules.table["low"] > 0) & finds & ~barred]
    rule = str(proven["earned"].idxmax()) if len(proven) else NOBODY
    own = today[uplift].to_numpy("float64")
    centres = groups.table["predicted"].to_numpy("float64")
    nearest = np.searchsorted((centres[1:] + centres[:-1]) / 2, own)
    ends = groups.table[["low", "high"]].to_numpy("float64")[nearest]
    ends[np.isnan(own)] = np.nan
    customers = pd.DataFrame(
        {"profit": own, "low": ends[:, 0], "high": ends[:, 1], "contact": picked[rule]}, index=today.index
    )
    return Decision("test", rule, customers, _in_order(rows))


def deal_out(
    decision: Decision, customers: pd.DataFrame, held_out: float, seed: int, strata: Sequence[str] = ()
) -> pd.Series:
    """Draw by lot whom of the list to leave alone, so that the next run can tell what the contacts did.

    Parameters
    ----------
    decision : Decision
    customers : DataFrame
        Indexed by ``customer_id``; with the columns of `strata`.
    held_out : float
        Share of the list that is held out, above 0 and below 1.
    seed : int
    strata : sequence of str
        See `crmlib.analysis.targeting.assignment.assign_arms`.

    Returns
    -------
    Series of str
        By customer of `customers`: `CONTACT`, `HOLD_OUT` or `LEAVE`. With too short a list for two arms nobody is held
        out.
    """
    listed = decision.customers["contact"].reindex(customers.index).eq(True)
    found = pd.Series(np.where(listed, CONTACT, LEAVE), customers.index, name="decision").astype("str")
    if listed.any():
        try:
            arms = assign_arms(customers[listed], held_out, seed, strata)["arm"]
        except TooLittleData:
            return found
        found[arms.index[arms == CONTROL]] = HOLD_OUT
    return found


def decide_by_profit(profit: ContactProfit, share: float) -> Decision:
    """Choose by expected profit under an assumed or measured save rate.

    Parameters
    ----------
    profit : ContactProfit
        As returned by `crmlib.analysis.targeting.contact_profit.expected_profit`.
    share : float
        Share of the customers that may be contacted.

    Returns
    -------
    Decision
        Beside the expected profit stand the lists by risk and by value at risk alone, of the same length at most.

    Notes
    -----
    Definition of this project. All lists are valued by the same probabilities, values and terms, so that the
    ranking by expected profit cannot lose here; whether it is right, a test can say.

    Examples
    --------
    >>> from crmlib.analysis.targeting.campaign_terms import ContactTerms
    >>> from crmlib.analysis.targeting.contact_profit import expected_profit
    >>> people = pd.DataFrame({"churn_probability": [0.9, 0.5, 0.1], "value": [1.0, 100.0, 90.0]}, list("ABC"))
    >>> found = decide_by_profit(expected_profit(people, ContactTerms(contact_cost=2.0)), share=0.4)
    >>> found.rule, found.customers["contact"].to_dict(), found.options["profit"].round(1).to_dict()
    ('expected profit', {'A': False, 'B': True, 'C': False}, {'expected profit': 13.0, 'value at risk': 13.0, \
'risk': -1.7, 'everyone': 12.0, 'nobody': 0.0})
    """
    own = profit.customers
    scores = {
        PROFIT: (own["profit"], 0.0),
        AT_RISK: (own["churn_probability"] * own["value"], -np.inf),
        RISK: (own["churn_probability"], -np.inf),
    }
    lists = {name: best_places(score, share, above) for name, (score, above) in scores.items()}
    lists |= {EVERYONE: pd.Series(True, own.index), NOBODY: pd.Series(False, own.index)}
    totals = profit.totals(lists)
    rows = {
        name: (int(row["customers"]), *row[["cost", "profit", "low", "high"]])
        for name, row in totals.iterrows()
    }
    rule = PROFIT if lists[PROFIT].any() else NOBODY
    customers = own[["profit", "low", "high"]].assign(contact=lists[rule])
    return Decision("assumption", rule, customers, _in_order(rows))


def _by_lot(customers: pd.Index, share: float, seed: int) -> pd.Series:
    """Draw a share of the customers; the same ones in whatever order they stand."""
    drawn = np.random.default_rng(seed).permutation(len(customers))
    lot = pd.Series(drawn.astype("float64"), customers.sort_values())
    return best_places(lot.reindex(customers), share)


def _in_order(rows: Mapping[str, tuple]) -> pd.DataFrame:
    names = [name for name in rows if name != NOBODY] + [NOBODY]
    found = pd.DataFrame(
        [rows[name] for name in names], index=names, columns=["customers", "cost", "profit", "low", "high"]
    )
    return found.astype({"customers": "int64"}).rename_axis("option")
