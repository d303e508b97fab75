"""Acquisition: when customers are won, through which channel, and what that costs."""

import numpy as np

from crmlib.intake.simulate.company import (
    BOTH,
    CHANNELS,
    CONTRACT,
    RESELLER,
    SHOP,
    WEB,
    Columns,
)
from crmlib.intake.simulate.partners import RESELLERS, SALES_CHANNELS
from crmlib.intake.simulate.purchases import FIRST_CHANNEL

WON_BY = (
    # name, mean cost in EUR
    ("shop", 9.0),
    ("web search", 22.0),
    ("social media", 27.0),
    ("marketplace", 12.0),
    ("wedding list", 11.0),
    ("fair", 34.0),
    ("reseller", 5.0),
    ("field sales", 420.0),
    ("referral", 4.0),
)
MARKETPLACE, WEDDING_LIST, REFERRAL = 3, 4, 8
_BY_KIND = {  # shares of the channels above; referred customers apart
    WEB: (0, 0.45, 0.29, 0.18, 0.08, 0, 0, 0, 0),
    SHOP: (0.86, 0, 0, 0, 0, 0.14, 0, 0, 0),
    BOTH: (0, 0.50, 0.24, 0.06, 0.20, 0, 0, 0, 0),
    RESELLER: (0, 0, 0, 0, 0, 0, 1.0, 0, 0),
    CONTRACT: (0, 0, 0, 0, 0, 0.35, 0, 0.65, 0),
}
_COST_NOISE = 0.2

BRINGERS = tuple((partner, rate) for partner, _, rate, *_ in RESELLERS + SALES_CHANNELS)
_CHANNEL_OF = {MARKETPLACE: len(RESELLERS), WEDDING_LIST: len(RESELLERS) + 1}  # won by -> row of BRINGERS


def acquisition_days(rng: np.random.Generator, kind: np.ndarray, demand: Columns) -> np.ndarray:
    """Draw the day of the first order: with the season, when the first channel is open."""
    day, channel = np.empty(kind.size), FIRST_CHANNEL[kind]
    for number, name in enumerate(CHANNELS):
        mine, cumulated = channel == number, demand[name]
        position = rng.random(mine.sum()) * cumulated[-1]
        day[mine] = np.interp(position, cumulated, np.arange(cumulated.size))
    return np.minimum(np.floor(day), demand["all"].size - 2)


def draw_acquisition(rng: np.random.Generator, people: Columns) -> None:
    """Add how each customer was won (``won_by``) and what that cost (``acquisition_cents``)."""
    shares = np.cumsum([_BY_KIND[kind] for kind in range(len(_BY_KIND))], axis=1)
    how = (rng.random(people["kind"].size)[:, None] > shares[people["kind"]]).sum(axis=1)
    how[people["referred"]] = REFERRAL
    noise = np.exp(rng.normal(-(_COST_NOISE**2) / 2, _COST_NOISE, how.size))  # mean 1
    people["won_by"] = how.astype(np.int8)
    people["acquisition_cents"] = np.rint(np.array([cost for _, cost in WON_BY])[how] * noise * 100).astype(
        np.int64
    )


def bringer(people: Columns) -> np.ndarray:
    """Row of `BRINGERS` for the partner who brought or serves each customer, -1 for none."""
    partner = people["reseller"].astype(int)
    for won_by, row in _CHANNEL_OF.items():
        partner[(people["won_by"] == won_by) & (partner < 0)] = row
    return partner
