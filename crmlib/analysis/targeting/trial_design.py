"""How large a test must be, what it can show and what it costs: settled before the first contact.

A test that is too small does not say "no effect"; it says nothing. What is held out earns nothing from the contact, so
a test costs the profit that it forgoes, and that belongs beside its size.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil

import numpy as np
import pandas as pd
from scipy.optimize import brentq
from scipy.stats import norm

from crmlib.analysis.targeting.trial import FEWEST_CUSTOMERS
from crmlib.analysis.targeting.trial_outcomes import Amount, Rate
from crmlib.errors import ParameterError, TooLittleData

#: Shares held out that are laid side by side.
SHARES = (0.1, 0.2, 0.3, 0.4, 0.5)


@dataclass(frozen=True)
class Size:
    """Customers that a test needs.

    Attributes
    ----------
    contacted, held_out : int
    """

    contacted: int
    held_out: int

    @property
    def customers(self) -> int:
        """Both arms together."""
        return self.contacted + self.held_out


def size_of_test(
    outcome: Rate | Amount, effect: float, held_out: float = 0.5, power: float = 0.8, level: float = 0.95
) -> Size:
    """Work out how many customers a test needs to find an effect.

    Parameters
    ----------
    outcome : Rate or Amount
    effect : float
        Smallest effect worth finding, in units of the outcome (0.02: two points of a rate); the one at which the
        contact just pays is a good choice. Below 0 where the contact is to prevent something.
    held_out : float
        Share of the customers in the control arm.
    power : float
        Probability to find the effect if it is there.
    level : float
        Of the interval that must leave out 0; two-sided.

    Returns
    -------
    Size
        Rounded up; never fewer than 30 in an arm.

    Raises
    ------
    ParameterError
        If the effect is 0 or cannot be, or a share is out of range.

    Notes
    -----
    Normal approximation, without correction for continuity. With shares h held out, z the normal quantiles, s0 and s1
    the spreads without and with the effect: N = ((z_level s0 + z_power s1) / effect)^2; for rates Fleiss, Levin &
    Paik (2003), Statistical Methods for Rates and Proportions, chapter 4.

    Examples
    --------
    >>> size_of_test(Rate(0.5), 0.25, power=0.9)
    Size(contacted=77, held_out=77)
    >>> size_of_test(Amount(40.0), 2.0, held_out=0.2).customers
    19623
    """
    _check_shares(held_out=held_out, power=power, level=level)
    _check_effect(outcome, effect)
    without, with_effect = outcome.spreads(effect, held_out)
    quantiles = norm.ppf((1 + level) / 2) * without + norm.ppf(power) * with_effect
    customers = max((quantiles / effect) ** 2, FEWEST_CUSTOMERS)
    # A hair below the next whole number is that number.
    arms = [max(ceil(customers * share - 1e-9), FEWEST_CUSTOMERS) for share in (1 - held_out, held_out)]
    return Size(*arms)


def power_of_test(
    outcome: Rate | Amount, effects: Sequence[float], contacted: int, held_out: int, level: float = 0.95
) -> pd.Series:
    """Work out the probability that a test of a given size finds effects.

    Parameters
    ----------
    outcome : Rate or Amount
    effects : sequence of float
        None of them 0.
    contacted, held_out : int
        Customers in each arm, 30 or more.
    level : float

    Returns
    -------
    Series of float
        ``power``, indexed by ``effect``: of an interval that leaves out 0 on the right side.

    Examples
    --------
    >>> power_of_test(Rate(0.5), [0.1, 0.25], contacted=50, held_out=50).round(3).tolist()
    [0.169, 0.74]
    """
    _check_shares(level=level)
    share, customers = _share(contacted, held_out)
    found = []
    for effect in effects:
        _check_effect(outcome, effect)
        without, with_effect = outcome.spreads(effect, share)
        distance = abs(effect) * np.sqrt(customers) - norm.ppf((1 + level) / 2) * without
        # A rate of 1 in both arms has no spread left: what is beyond the limit is found for sure.
        found.append(float(norm.cdf(distance / with_effect)) if with_effect > 0 else float(distance > 0))
    return pd.Series(found, pd.Index(list(effects), name="effect", dtype="float64"), name="power")


def smallest_effect(
    outcome: Rate | Amount, contacted: int, held_out: int, power: float = 0.8, level: float = 0.95
) -> float:
    """Work out the smallest rise that a test of a given size finds with a given power.

    Parameters
    ----------
    outcome, contacted, held_out, power, level
        As for `size_of_test` and `power_of_test`.

    Returns
    -------
    float
        In units of the outcome, above 0.

    Raises
    ------
    ParameterError
        If a share is out of range; the power must be above that of no effect.
    TooLittleData
        If not even the largest effect there can be would be found.

    Examples
    --------
    >>> round(smallest_effect(Rate(0.5), 50, 50, power=0.9), 4)
    0.3026
    """
    _check_shares(power=power, level=level)
    if power <= 1 - level:
        raise ParameterError(
            f"power = {power}", f"more than {1 - level:.2f}, what chance alone gives", "give 0.8"
        )
    share, customers = _share(contacted, held_out)
    sure, likely = norm.ppf((1 + level) / 2), norm.ppf(power)

    def missing(effect: float) -> float:
        without, with_effect = outcome.spreads(effect, share)
        return sure * without + likely * with_effect - effect * np.sqrt(customers)

    top = outcome.largest()
    if np.isinf(top):
        return float(missing(0.0) / np.sqrt(customers))
    if missing(top) > 0:
        raise TooLittleData(
            f"{contacted} customers contacted and {held_out} held out",
            f"enough to find a rise of {top:g}, the largest there can be, with a power of {power:g}",
            "contact more customers, or hold out more of them",
        )
    return float(brentq(missing, 0.0, top, xtol=1e-12))


def shares_held_out(
    outcome: Rate | Amount,
    effect: float,
    customers: int,
    profit_per_contact: float,
    shares: Sequence[float] = SHARES,
    power: float = 0.8,
    level: float = 0.95,
) -> pd.DataFrame:
    """Lay side by side what holding out different shares of a list shows and costs.

    Parameters
    ----------
    outcome, effect, power, level
        As for `size_of_test`.
    customers : int
        Customers on the list.
    profit_per_contact : float
        Profit expected of a contact, less its cost: that is forgone with each customer held out. Below 0, holding out
        saves money.
    shares : sequence of float

    Returns
    -------
    DataFrame
        Indexed by ``share``: ``contacted``, ``held_out`` (customers), ``power`` (to find the effect), ``smallest``
        (effect found with the power asked for; NaN if none can be), ``forgone`` (money), ``lists`` (lists of this
        size needed for the power asked for).

    Raises
    ------
    ParameterError
        If the list has fewer than 30 customers for an arm, or a share is out of range.

    Examples
    --------
    >>> found = shares_held_out(Amount(40.0), 2.0, 5000, profit_per_contact=1.5, shares=[0.2, 0.5])
    >>> found[["contacted", "power", "smallest", "forgone"]].round(2)
           contacted  power  smallest  forgone
    share
    0.2         4000   0.29      3.96   1500.0
    0.5         2500   0.42      3.17   3750.0
    """
    rows = {}
    for share in shares:
        _check_shares(share=share)
        out = round(customers * share)
        chance = power_of_test(outcome, [effect], customers - out, out, level)
        try:
            smallest = smallest_effect(outcome, customers - out, out, power, level)
        except TooLittleData:
            smallest = float("nan")
        needed = size_of_test(outcome, effect, share, power, level)
        rows[share] = {
            "contacted": customers - out,
            "held_out": out,
            "power": float(chance.iloc[0]),
            "smallest": smallest,
            "forgone": out * profit_per_contact,
            "lists": max(ceil(needed.contacted / (customers - out)), ceil(needed.held_out / out)),
        }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("share")


def _check_shares(**shares: float) -> None:
    for name, share in shares.items():
        if not 0 < share < 1:
            raise ParameterError(f"{name} = {share}", "a share above 0 and below 1", "give 0.3 for 30 %")


def _check_effect(outcome: Rate | Amount, effect: float) -> None:
    possible = abs(effect) > 0 and effect <= outcome.largest()
    if isinstance(outcome, Rate):
        possible = possible and outcome.without + effect >= 0
    if not possible:
        raise ParameterError(
            f"an effect of {effect}", "one that is not 0 and that the outcome allows", "correct it"
        )


def _share(contacted: int, held_out: int) -> tuple[float, int]:
    if min(contacted, held_out) < FEWEST_CUSTOMERS:
        raise ParameterError(
            f"{contacted} customers contacted and {held_out} held out",
            f"{FEWEST_CUSTOMERS} or more in each arm",
            "take a longer list, or another share held out",
        )
    return held_out / (contacted + held_out), contacted + held_out
