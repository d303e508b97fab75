"""How many of a list are left alone by lot, and who: so many that next month can tell what the actions did.

What is held out earns nothing from its action, so an action that many get holds out a small share and one that few
get a larger one. Where even the largest share allowed is too small, that is said, with the number of lists it takes.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from crmlib.analysis.clv.refusals import refuse
from crmlib.analysis.targeting.assignment import CONTROL, assign_arms
from crmlib.analysis.targeting.covariates import tiers
from crmlib.analysis.targeting.decision import CONTACT, HOLD_OUT
from crmlib.analysis.targeting.trial import FEWEST_CUSTOMERS
from crmlib.analysis.targeting.trial_design import shares_held_out
from crmlib.analysis.targeting.trial_outcomes import Amount
from crmlib.errors import DataError, ParameterError

ALL = "all actions"
#: Shares that an action may hold out, the smallest first.
#: A hold-out of fewer customers is no lot worth drawing.
FEWEST_HELD_OUT = 2
STEPS = (0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5)
_QUARTERS = 4
_DESIGN = ["effect", "spread", "power", "smallest", "lists"]


@dataclass(frozen=True)
class HoldOut:
    """Whom of a list to leave alone.

    Attributes
    ----------
    arm : Series of str
        By ``customer_id``: 'contact' or 'hold out'.
    table : DataFrame
        Indexed by ``action``, "all actions" last: ``customers``, ``contacted``, ``held_out``, ``share``, ``effect``
        (to be found, money per customer), ``spread`` (standard deviation between customers), ``power`` (to find the
        effect with this list), ``smallest`` (effect that is found with the power asked for), ``lists`` (such lists
        needed to find the effect), ``forgone`` (profit expected of those held out). Missing where nobody is held
        out.
    notes : tuple of str
        What a reader has to know, in sentences.
    """

    arm: pd.Series
    table: pd.DataFrame
    notes: tuple[str, ...] = ()


def seed_of(list_id: str) -> int:
    """Return the seed of a list: another one for each list, the same whenever it is asked for.

    Examples
    --------
    >>> seed_of("actions-2026-05-31") == seed_of("actions-2026-05-31") != seed_of("actions-2026-06-30")
    True
    """
    return int.from_bytes(hashlib.sha256(list_id.encode()).digest()[:6], "big")


def strata_of(listed: pd.DataFrame) -> pd.Series:
    """Name the stratum of each customer: the action, and the quarter of expected profit within it.

    Parameters
    ----------
    listed : DataFrame
        ``action`` and ``expected_profit``; customers with equal profit share a stratum.

    Returns
    -------
    Series of str

    Examples
    --------
    >>> strata_of(pd.DataFrame({"action": ["save"] * 4, "expected_profit": [4.0, 1.0, 3.0, 2.0]})).tolist()
    ['save, quarter 4', 'save, quarter 1', 'save, quarter 3', 'save, quarter 2']
    """
    quarter = listed.groupby("action")["expected_profit"].transform(
        lambda own: tiers(own.to_numpy("float64"), _QUARTERS)
    )
    return listed["action"].astype("str") + ", quarter " + quarter.astype("int64").astype("str")


def hold_out(
    listed: pd.DataFrame,
    past: pd.Series,
    effect: float | Mapping[str, float],
    list_id: str,
    *,
    most: float = 0.3,
    power: float = 0.8,
    level: float = 0.95,
) -> HoldOut:
    """Draw by lot whom of a list to leave alone, for each action as many as it takes to find an effect.

    Parameters
    ----------
    listed : DataFrame
        Customers who are to get an action, indexed by ``customer_id``, each once: ``action`` and
        ``expected_profit`` (money, if carried out).
    past : Series of float
        Margin of customers in a past window as long as the one the action is judged by; see
        `crmlib.analysis.closed_loop.outcomes.margins_before`. Its spread says how much chance there will be.
    effect : float or mapping of str to float
        Smallest effect worth finding, in money per customer within that window and before the cost of
        the action, above 0; one for all actions, or one for each. That at which the action just pays is a good choice.
    list_id : str
        Name of the list; the lot is drawn from it.
    most : float
        Largest share of an action to hold out, from 0.05 to 0.5.
    power : float
        Probability to find the effect if it is there.
    level : float
        Of the interval that must leave out 0.

    Returns
    -------
    HoldOut

    Raises
    ------
    DataError
        If a customer stands twice or has no id, an action or expected profit is missing, or `past` lacks somebody.
    ParameterError
        If `most` or an effect is out of range.

    Notes
    -----
    Definition of this project. An action holds out the smallest of 5, 10, 15, ... per cent, up to `most`, by which it
    finds its effect; if none does, `most`. Actions too small for 30 customers in each arm are drawn together and
    hold out `most`: alone they tell nothing, but the lots of several months are put together. Fewer than two are not
    held out. Within an action the lot is drawn evenly
    over quarters of expected profit (`crmlib.analysis.targeting.assignment.assign_arms`). Sizes are those of
    `crmlib.analysis.targeting.trial_design`, which leaves out that strata and what customers bought before
    narrow the interval a little.

    Examples
    --------
    >>> ids = pd.Index([f"C{i:04d}" for i in range(2000)], name="customer_id")
    >>> listed = pd.DataFrame({"action": ["save", "win back"] * 1000, "expected_profit": 4.0}, ids)
    >>> past = pd.Series(np.arange(2000) % 40, ids, dtype="float64")
    >>> drawn = hold_out(listed, past, {"save": 6.0, "win back": 3.0}, "actions-2026-06-30")
    >>> drawn.table[["customers", "held_out", "share", "lists"]]
                 customers  held_out  share  lists
    action
    save              1000        50   0.05    1.0
    win back          1000       150   0.15    1.0
    all actions       2000       200   0.10    1.0
    """
    listed = _checked(listed, past)
    if not STEPS[0] <= most <= STEPS[-1]:
        raise ParameterError(f"most = {most}", "a share from 0.05 to 0.5", "give 0.3 for 30 %")
    if listed.empty:
        arm = pd.Series([], listed.index, dtype="str", name="arm")
        return HoldOut(arm, _table(listed, arm, {}, {ALL: 0.0}, power, level), ("Nobody is on the list.",))
    names = sorted(listed["action"].unique())
    wanted = {name: effect.get(name, np.nan) if isinstance(effect, Mapping) else effect for name in names}
    for name, value in wanted.items():
        if not 0 < value < np.inf:
            raise ParameterError(
                f"an effect of {value} for '{name}'", "an amount above 0", "give the cost of the action"
            )
    spreads = _spreads(listed["action"], past.reindex(listed.index))
    counts = listed["action"].value_counts()
    shares, together = {}, []
    for name in names:
        held = _smallest_share(int(counts[name]), wanted[name], spreads[name], most, power, level)
        if held is None:
            together.append(name)
        else:
            shares[name] = held
    arm = pd.Series(CONTACT, listed.index, dtype="str", name="arm")
    groups = [([name], share) for name, share in shares.items()]
    small = listed["action"].isin(together)
    notes = []
    if together and int(most * small.sum()) >= FEWEST_HELD_OUT:
        groups.append((together, most))
    if together and int(most * small.sum()) < FEWEST_CUSTOMERS:
        notes.append(_too_short(together, int(small.sum()), len(names), most))
    seed = seed_of(list_id)
    for actions, share in groups:
        own = listed[listed["action"].isin(actions)]
        strata = own.assign(stratum=strata_of(own))
        drawn = assign_arms(strata, share, seed, ["stratum"], fewest=FEWEST_HELD_OUT)["arm"]
        arm[drawn.index[drawn == CONTROL]] = HOLD_OUT
    table = _table(listed, arm, wanted, spreads, power, level)
    return HoldOut(arm, table, tuple(notes))


def _checked(listed: pd.DataFrame, past: pd.Series) -> pd.DataFrame:
    missing = [name for name in ("action", "expected_profit") if name not in listed.columns]
    if missing:
        raise DataError(f"a list without {missing[0]}", "action and expected_profit", "add the column")
    known = past[~past.index.duplicated()].reindex(listed.index)
    for what, bad in (
        ("a customer without an id", listed.index.isna()),
        ("a customer who stands twice", listed.index.duplicated()),
        ("no action", listed["action"].isna().to_numpy()),
        ("no expected profit", ~np.isfinite(listed["expected_profit"].to_numpy("float64"))),
        ("no margin in the past", ~np.isfinite(known.to_numpy("float64"))),
    ):
        if bad.any():
            refuse(bad, listed.index, what, "one row each, with action, profit and past", "correct the list")
    return listed.sort_index().rename_axis("customer_id")


def _spreads(action: pd.Series, past: pd.Series) -> dict[str, float]:
    """Standard deviation of the past margins of each action; that of all where an action is small or still."""
    whole = float(past.std(ddof=1)) if len(past) > 1 else 0.0
    found = past.groupby(action).agg(["size", "std"])
    own = found["std"].where((found["size"] >= FEWEST_CUSTOMERS) & (found["std"] > 0), whole)
    return own.to_dict() | {ALL: whole}


def _smallest_share(
    customers: int, effect: float, spread: float, most: float, power: float, level: float
) -> float | None:
    """Smallest share that finds the effect, else the largest allowed; None if no share leaves 30 in an arm."""
    allowed = [*(step for step in STEPS if step < most - 1e-9), most]
    allowed = [share for share in allowed if int(share * customers) >= FEWEST_CUSTOMERS]
    if not allowed:
        return None
    if not spread > 0:
        return allowed[0]
    laid = shares_held_out(Amount(spread), effect, customers, 0.0, allowed, power, level)
    enough = laid.index[laid["power"] >= power]
    return float(enough[0]) if len(enough) else allowed[-1]


def _table(
    listed: pd.DataFrame,
    arm: pd.Series,
    wanted: Mapping[str, float],
    spreads: Mapping[str, float],
    power: float,
    level: float,
) -> pd.DataFrame:
    out = arm == HOLD_OUT
    rows = {}
    for name in [*sorted(wanted), ALL]:
        own = np.ones(len(listed), dtype=bool) if name == ALL else (listed["action"] == name).to_numpy()
        held = int((out & own).sum())
        effect = wanted[name] if name != ALL else float(listed["action"].map(wanted).mean())
        row = {
            "customers": int(own.sum()),
            "contacted": int(own.sum()) - held,
            "held_out": held,
            "share": held / own.sum() if own.any() else np.nan,
            "forgone": float(listed.loc[own & out.to_numpy(), "expected_profit"].sum()),
        }
        if name == ALL:
            contacted, held = _as_one_test([(one["contacted"], one["held_out"]) for one in rows.values()])
            row |= _design(effect, spreads[name], contacted + held, held, power, level)
        else:
            row |= _design(effect, spreads[name], row["customers"], held, power, level)
        rows[name] = row
    columns = ["customers", "contacted", "held_out", "share", *_DESIGN, "forgone"]
    return pd.DataFrame.from_dict(rows, orient="index").reindex(columns=columns).rename_axis("action")


def _as_one_test(arms: Sequence[tuple[int, int]]) -> tuple[int, int]:
    """Arms of the one test that is as exact as several together, each weighted by its contacts.

    Held out is so many that 1 / contacted + 1 / held out is the variance of the weighted mean of the effects.
    """
    both = np.array([pair for pair in arms if min(pair) > 0], dtype="float64").reshape(-1, 2)
    contacted = both[:, 0].sum()
    if not contacted:
        return 0, 0
    variance = ((both[:, 0] / contacted) ** 2 * (1 / both).sum(axis=1)).sum()
    return int(contacted), int(1 / (variance - 1 / contacted) + 1e-9)


def _design(
    effect: float, spread: float, customers: int, held: int, power: float, level: float
) -> dict[str, float]:
    """What the arms of an action can show."""
    known = {"effect": effect, "spread": spread}
    if min(held, customers - held) < FEWEST_CUSTOMERS or not spread > 0:
        return known
    laid = shares_held_out(Amount(spread), effect, customers, 0.0, [held / customers], power, level).iloc[0]
    return known | {name: float(laid[name]) for name in ("power", "smallest", "lists")}


def _too_short(names: Sequence[str], customers: int, of: int, most: float) -> str:
    who = "the list" if len(names) == of else ", ".join(names)
    number = "1 customer is" if customers == 1 else f"{customers:,} customers are"
    if int(most * customers) < FEWEST_HELD_OUT:
        return f"Nobody is held out of {who}: {number} too few for two arms, so what it does cannot be told."
    what = "its actions do" if len(names) == of else f"{who} {'does' if len(names) == 1 else 'do'}"
    return (
        f"{number} too few to tell by this list alone what {what}: the lots of several months are put "
        f"together until {FEWEST_CUSTOMERS} are held out."
    )
