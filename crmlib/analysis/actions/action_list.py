"""The list of the month: every customer once, with the action, its reason and what it promises."""

import hashlib
import json
from collections.abc import Mapping
from datetime import date, timedelta

import numpy as np
import pandas as pd

from crmlib.analysis.actions.choice import Choice
from crmlib.analysis.actions.expected import ActionProfit
from crmlib.analysis.actions.menu import MENU, NOTHING
from crmlib.analysis.actions.reasons import reasons
from crmlib.errors import DataError

CONTACT, HOLD_OUT, LEAVE_ALONE = "contact", "hold out", "leave alone"
COLUMNS = (
    "customer_id", "action", "arm", "reason", "product", "channel", "expected_profit", "low", "high", "rate", "gain",
    "cost", "segment", "list_id", "definition", "listed_on", "expires_on",
)  # fmt: skip


def list_id(as_of: date) -> str:
    """Return the name of the list of a day.

    Examples
    --------
    >>> list_id(date(2026, 6, 30))
    'actions-2026-06-30'
    """
    return f"actions-{as_of.isoformat()}"


def definition(rates: pd.DataFrame, rules: Mapping[str, object]) -> str:
    """Return a short label of menu, assumed rates and rules: lists with the same label were made alike.

    Parameters
    ----------
    rates : DataFrame
        As returned by `crmlib.analysis.actions.rates.prior_rates` or after updates; only what was assumed counts.
    rules : mapping of str to object
        Costs, limits and whatever else the list hangs on; numbers and words.

    Returns
    -------
    str
        Twelve hexadecimal digits.

    Examples
    --------
    >>> from crmlib.analysis.actions.rates import prior_rates
    >>> definition(prior_rates(), {"budget": 10.0}) == definition(prior_rates(), {"budget": 20.0})
    False
    """
    assumed = {name: [float(row["prior_mean"]), float(row["prior_spread"])] for name, row in rates.iterrows()}
    menu = {name: [action.channel, action.days_valid, action.who] for name, action in MENU.items()}
    text = json.dumps([menu, assumed, dict(rules)], sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def chosen_actions(profit: ActionProfit, choice: Choice) -> pd.DataFrame:
    """Lay out the options chosen: who gets what.

    Returns
    -------
    DataFrame
        Indexed by ``customer_id`` (sorted): ``action``, ``expected_profit``, ``low``, ``high``, ``rate``, ``gain``,
        ``cost``.
    """
    on = choice.chosen
    options = profit.options
    action = options.names()[on]
    found = pd.DataFrame(
        {
            "action": pd.Series(action, dtype="str").to_numpy(),
            "expected_profit": profit.table["profit"].to_numpy()[on],
            "low": profit.table["low"].to_numpy()[on],
            "high": profit.table["high"].to_numpy()[on],
            "rate": profit.rates["mean"].reindex(action).to_numpy("float64"),
            "gain": options.table["gain"].to_numpy()[on],
            "cost": options.table["cost"].to_numpy()[on],
        },
        index=options.ids()[on].rename("customer_id"),
    )
    return found.sort_index()


def action_list(
    customers: pd.Index,
    chosen: pd.DataFrame,
    offers: Mapping[str, pd.DataFrame],
    arm: pd.Series,
    as_of: date,
    label: str,
    segments: pd.Series | None = None,
) -> pd.DataFrame:
    """Make the list of the month.

    Parameters
    ----------
    customers : Index
        All customers, each once.
    chosen : DataFrame
        As returned by `chosen_actions`.
    offers : mapping of str to DataFrame
        Rows of the offers, for the reasons and products.
    arm : Series of str
        "contact" or "hold out", for each customer of `chosen`.
    as_of : datetime.date
        Last known day; outcomes count from the day after.
    label : str
        As returned by `definition`.
    segments : Series, optional
        Segment of each customer.

    Returns
    -------
    DataFrame
        Columns `COLUMNS`, one row per customer, sorted by ``customer_id``. Money of ``expected_profit``, ``low``,
        ``high``, ``gain`` and ``cost`` is rounded to the cent, so ``rate * gain - cost`` may be a cent off. "nothing"
        has zeros.

    Raises
    ------
    DataError
        If a customer of `chosen` has no arm, or is not among the customers.
    """
    everyone = pd.Index(customers).sort_values()
    strange = chosen.index.difference(everyone)
    missing = chosen.index.difference(arm.dropna().index)
    if len(strange) or len(missing):
        raise DataError(
            f"{len(strange)} customers with an action who are not in the base, and {len(missing)} without an arm",
            "an arm for each, and all of them in the base", "deal out the arms among the customers chosen",
        )  # fmt: skip
    place = everyone.get_indexer(chosen.index)
    words, products = (pd.Series("", chosen.index, dtype="str") for _ in range(2))
    for name, own in chosen.groupby("action").groups.items():
        facts = offers[name].loc[own]
        words.loc[own] = reasons(name, facts)
        if "product" in facts:
            products.loc[own] = facts["product"].fillna("").astype("str")
    action = _filled(len(everyone), place, chosen["action"], NOTHING)
    valid = {name: as_of + timedelta(days=one.days_valid) for name, one in MENU.items()} | {NOTHING: None}
    channel = {name: one.channel for name, one in MENU.items()} | {NOTHING: ""}
    found = pd.DataFrame({
        "customer_id": everyone,
        "action": action,
        "arm": _filled(len(everyone), place, arm.reindex(chosen.index), LEAVE_ALONE),
        "reason": _filled(len(everyone), place, words, ""),
        "product": _filled(len(everyone), place, products, ""),
        "channel": action.map(channel).astype("str"),
    })  # fmt: skip
    for name in ("expected_profit", "low", "high", "rate", "gain", "cost"):
        values = np.zeros(len(everyone))
        values[place] = chosen[name].to_numpy("float64")
        found[name] = np.round(values, 6 if name == "rate" else 2) + 0.0
    named = pd.Series("", everyone, dtype="str")
    if segments is not None:
        named = segments.astype("object").reindex(everyone).fillna("").astype("str")
    found["segment"] = named.to_numpy()
    found["list_id"], found["definition"] = list_id(as_of), label
    found["listed_on"] = pd.Timestamp(as_of)
    found["expires_on"] = pd.to_datetime(action.map(valid))
    return found[list(COLUMNS)]


def by_action(listed: pd.DataFrame) -> pd.DataFrame:
    """Add up a list by action, "nothing" last.

    Returns
    -------
    DataFrame
        Indexed by ``action``: ``customers``, ``contacted``, ``held_out``, ``cost`` and ``promised`` (of those not held
        out), ``forgone`` (promised by those held out), ``expires_on``.
    """
    carried, held = listed["arm"] == CONTACT, listed["arm"] == HOLD_OUT
    sums = listed.assign(
        contacted=carried, held_out=held, paid=listed["cost"].where(carried, 0.0),
        promised=listed["expected_profit"].where(carried, 0.0), forgone=listed["expected_profit"].where(held, 0.0),
    ).groupby("action")  # fmt: skip
    found = sums.agg(
        customers=("customer_id", "size"), contacted=("contacted", "sum"), held_out=("held_out", "sum"),
        cost=("paid", "sum"), promised=("promised", "sum"), forgone=("forgone", "sum"), expires_on=("expires_on",
        "first"),
    )  # fmt: skip
    return found.reindex([name for name in (*MENU, NOTHING) if name in found.index])


def _filled(size: int, place: np.ndarray, values: pd.Series, otherwise: str) -> pd.Series:
    found = np.full(size, otherwise, dtype=object)
    found[place] = values.to_numpy(object)
    return pd.Series(found, dtype="str")
