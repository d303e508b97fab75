"""What policies of contacting customers would truly earn, which only a simulated company can tell."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd

from crmlib.analysis.targeting.targeting_rules import EVERYONE, NOBODY, RANDOM, contact_chances
from crmlib.errors import DataError, ParameterError

PERFECT = "all-knowing"
_RESERVED = (NOBODY, EVERYONE, RANDOM, PERFECT)
_CLASSES = ("persuadable", "sleeping dog", "unmoved")
_DAYS_PER_YEAR = 365.25


@dataclass(frozen=True)
class TrueEffects:
    """What one contact truly does to customers who are still there.

    Attributes
    ----------
    extra_orders : float
        Orders a persuadable customer places because of it.
    leaves : float
        Probability that it drives a sleeping dog away.
    """

    extra_orders: float
    leaves: float

    @classmethod
    def of(cls, parameters: pd.DataFrame) -> "TrueEffects":
        """Read the effects from the constants of a simulation, a frame of ``name`` and ``value``.

        Examples
        --------
        >>> names = ["persuadable_extra_orders", "sleeping_dog_leaves"]
        >>> TrueEffects.of(pd.DataFrame({"name": names, "value": ["0.3", "0.16"]}))
        TrueEffects(extra_orders=0.3, leaves=0.16)
        """
        known = parameters.set_index("name")["value"]
        names = ("persuadable_extra_orders", "sleeping_dog_leaves")
        missing = [name for name in names if name not in known.index]
        if missing:
            raise DataError(
                f"constants of a simulation without {missing[0]}", f"{names[0]} and {names[1]}",
                "simulate the company anew",
            )  # fmt: skip
        return cls(*(float(known[name]) for name in names))


@dataclass(frozen=True)
class PoliciesCompared:
    """Policies, carried out in truth.

    Attributes
    ----------
    table : DataFrame
        Indexed by ``policy``, the highest profit first: ``contacts``, ``persuadables`` and ``sleeping_dogs``
        (contacted and still there), ``gone`` (contacted, but had left before), ``gained`` (margin of extra orders),
        ``lost`` (value of those driven away), ``cost``, ``profit`` (gained - lost - cost, against contacting nobody),
        ``short`` (less than the all-knowing policy), ``of_perfect`` (share of its profit; NaN if that is 0). All are
        expected, so there is no luck in them.
    customers : int
        Customers whose truth is known.
    """

    table: pd.DataFrame
    customers: int

    @property
    def best(self) -> str:
        """Policy with the highest true profit among those that can be carried out."""
        return str(self.table["profit"].drop(PERFECT).idxmax())

    @property
    def distance(self) -> float:
        """Money by which the best policy that can be carried out is short of the all-knowing one."""
        return float(self.table.loc[self.best, "short"])


def true_gains(
    truth: pd.DataFrame,
    effects: TrueEffects,
    as_of: date,
    months: int | None = None,
    annual_rate: float = 0.0,
) -> pd.DataFrame:
    """Work out what contacting each customer once would truly bring, before its cost.

    Parameters
    ----------
    truth : DataFrame
        ``customer_id``, ``contact_class``, ``lifetime_end``, ``purchase_rate_per_year``, ``mean_order_value`` and
        ``gross_margin`` (a share; blank for customers without sales, who are given that of all).
    effects : TrueEffects
    as_of : datetime.date
        Day of the contact.
    months : int, optional
        How far ahead lost value counts; all of it if left out.
    annual_rate : float
        Discount rate of lost value.

    Returns
    -------
    DataFrame
        Indexed by ``customer_id`` (sorted): ``contact_class``, ``there`` (had not left by `as_of`), ``order_margin``,
        ``remaining`` (true value from `as_of` on), ``gained`` (margin of extra orders of persuadables) and
        ``lost`` (value of sleeping dogs, times the probability that they leave).

    Notes
    -----
    Definition of this project. Remaining value is rate times margin per order times time left, by the true day of
    leaving. A customer who is driven away is taken to leave at once. Left out: cost of serving the orders, season, and
    what an extra order takes from later ones.

    Examples
    --------
    >>> kinds = ["persuadable", "sleeping dog", "unmoved"]
    >>> truth = pd.DataFrame({"customer_id": ["A", "B", "C"], "contact_class": kinds, "lifetime_end": "2030-01-01",
    ...     "purchase_rate_per_year": 4.0, "mean_order_value": 50.0, "gross_margin": 0.4})
    >>> true_gains(truth, TrueEffects(0.3, 0.16), date(2026, 1, 1), months=12)[["remaining", "gained", "lost"]]
                 remaining  gained  lost
    customer_id
    A                 80.0     6.0   0.0
    B                 80.0     0.0  12.8
    C                 80.0     0.0   0.0
    """
    if annual_rate < 0 or (months is not None and months <= 0):
        raise ParameterError(
            f"annual_rate = {annual_rate}, months = {months}", "a rate of 0 or more and a month or more", "correct them"
        )  # fmt: skip
    known = truth.set_index("customer_id").sort_index()
    strange = set(known["contact_class"].dropna()) - set(_CLASSES)
    if strange:
        raise DataError(
            f"contact class {sorted(strange)[0]!r}", " or ".join(_CLASSES), "use the truth of a simulated company"
        )  # fmt: skip
    days = (pd.to_datetime(known["lifetime_end"]) - pd.Timestamp(as_of)).dt.days.to_numpy("float64")
    there = days > 0
    horizon = np.inf if months is None else months / 12
    years, force = np.clip(days / _DAYS_PER_YEAR, 0.0, horizon), np.log1p(annual_rate)
    lasting = np.where(there, _lasting(years, force), 0.0)
    spend, share = (
        known[name].to_numpy("float64", na_value=np.nan) for name in ("mean_order_value", "gross_margin")
    )
    rate = known["purchase_rate_per_year"].to_numpy("float64")
    weight = np.where(np.isnan(share), 0.0, rate * spend)
    common = float(weight @ np.nan_to_num(share) / weight.sum()) if weight.sum() > 0 else 0.0
    margin = spend * np.where(np.isnan(share), common, share)
    remaining = rate * margin * lasting
    kind = known["contact_class"].to_numpy("object")
    return pd.DataFrame(
        {
            "contact_class": known["contact_class"],
            "there": there,
            "order_margin": margin,
            "remaining": remaining,
            "gained": np.where(there & (kind == "persuadable"), effects.extra_orders * margin, 0.0),
            "lost": np.where(there & (kind == "sleeping dog"), effects.leaves * remaining, 0.0),
        },
        index=known.index,
    )


def compare_policies(
    scores: pd.DataFrame,
    gains: pd.DataFrame,
    contact_cost: float,
    contacts: int | None = None,
    above: Mapping[str, float] | None = None,
) -> PoliciesCompared:
    """Carry out policies on the customers of today, in truth.

    Parameters
    ----------
    scores : DataFrame of shape (n_customers, n_policies)
        Indexed like `gains`: all who may be contacted. The highest scores are contacted first; equal ones at the
        end of the places in proportion; a missing score never.
    gains : DataFrame
        As returned by `true_gains`; customers without truth are left out.
    contact_cost : float
        Money per contact, 0 or more.
    contacts : int, optional
        Places, the same for each policy; everybody if left out.
    above : mapping of str to float, optional
        Policies that contact nobody with a score of this or less, even if there are places: 0 for a score in money.

    Returns
    -------
    PoliciesCompared
        The policies given, "nobody", "everyone" (whatever the places), "random" (a lot for the places) and
        "all-knowing" (only those, and the best of them, who truly bring more than the contact costs).

    Raises
    ------
    DataError
        If no customer's truth is known, a policy has a reserved name, or `above` names no policy.
    ParameterError
        If a cost or a number is below 0.

    Examples
    --------
    >>> people = pd.Index(["A", "B", "C"], name="customer_id")
    >>> gains = pd.DataFrame({"contact_class": ["persuadable", "sleeping dog", "unmoved"], "there": True,
    ...     "gained": [6.0, 0, 0], "lost": [0, 12.8, 0]}, index=people)
    >>> scores = pd.DataFrame({"risk": [0.1, 0.8, 0.5]}, index=people)
    >>> compare_policies(scores, gains, contact_cost=1.0, contacts=1).table[["contacts", "profit", "short"]]
                 contacts     profit      short
    policy
    all-knowing       1.0   5.000000   0.000000
    nobody            0.0   0.000000   5.000000
    random            1.0  -3.266667   8.266667
    everyone          3.0  -9.800000  14.800000
    risk              1.0 -13.800000  18.800000
    """
    known, own = _known(scores, gains)
    taken = [name for name in _RESERVED if name in known.columns]
    strange = sorted(set(above or {}) - set(known.columns))
    if taken or strange:
        raise DataError(
            f"a policy called {taken[0]}" if taken else f"a limit for {strange[0]}, which is no policy",
            "another name: it is always compared" if taken else "names of scores", "rename it",
        )  # fmt: skip
    if not contact_cost >= 0 or (contacts is not None and contacts < 0):
        raise ParameterError(
            f"contact_cost = {contact_cost}, contacts = {contacts}", "0 or more", "correct them"
        )  # fmt: skip
    places = len(own) if contacts is None else min(int(contacts), len(own))
    worth = (own["gained"] - own["lost"] - contact_cost).to_numpy()
    chances = {name: contact_chances(known[name], places, (above or {}).get(name)) for name in known.columns}
    chances |= {
        NOBODY: np.zeros(len(own)),
        EVERYONE: np.ones(len(own)),
        RANDOM: np.full(len(own), places / len(own)),
        PERFECT: contact_chances(pd.Series(worth, own.index), places, 0.0),
    }
    kind, there = own["contact_class"].to_numpy("object"), own["there"].to_numpy(bool)
    measured = {
        "contacts": np.ones(len(own)),
        "persuadables": there & (kind == "persuadable"),
        "sleeping_dogs": there & (kind == "sleeping dog"),
        "gone": ~there,
        "gained": own["gained"].to_numpy(),
        "lost": own["lost"].to_numpy(),
        "cost": np.full(len(own), float(contact_cost)),
        "profit": worth,
    }
    table = pd.DataFrame(
        {name: {key: float(chance @ values) for key, values in measured.items()} for name, chance in chances.items()}
    ).T.rename_axis("policy")  # fmt: skip
    perfect = table.loc[PERFECT, "profit"]
    table["short"] = perfect - table["profit"]
    table["of_perfect"] = table["profit"] / perfect if perfect > 0 else np.nan
    return PoliciesCompared(table.sort_values("profit", ascending=False, kind="stable"), len(own))


def _known(scores: pd.DataFrame, gains: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    both = scores.index.intersection(gains.index).sort_values()
    if both.empty:
        raise DataError(
            "no customer with a score whose truth is known", "truth of the same customers",
            "use the truth of this company",
        )  # fmt: skip
    return scores.loc[both], gains.loc[both]


def _lasting(years: np.ndarray, force: float) -> np.ndarray:
    """Integral of exp(-force t) from 0 to years."""
    return -np.expm1(-force * years) / force if force > 0 else years
