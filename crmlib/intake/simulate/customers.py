"""Customers: who they are, what they expect and receive, how content they are and how long they stay.

The causal chain, one step per function::

    _draw_place       where they live, which carrier serves them, how hard their address is
    _draw_buying      purchase rate (gamma), order value (gamma-gamma), first category, habits
    _draw_experience  expectation and perceived performance; carrier and reseller quality lower or lift it
    _draw_lifetime    satisfaction and cohort set the dropout hazard (gamma); lifetime exponential
    _draw_response    persuadable, unmoved or sleeping dog
    _draw_service     calls per order and minutes beyond the standard
    _draw_wallet      what they spend on the category altogether
    join_club         good and content customers are likelier to join

Times are days from the start of the window: negative before it.
"""

from datetime import date

import numpy as np

from crmlib.intake.simulate.company import (
    BOTH,
    CONTRACT,
    KIND_SHARES,
    PERSUADABLE,
    REGIONS,
    RESELLER,
    SHOP,
    SHOP_REGIONS,
    SLEEPING_DOG,
    UNMOVED,
    WEB,
    WEB_SHARE,
    Columns,
    Window,
)
from crmlib.intake.simulate.company import constant as c
from crmlib.intake.simulate.partners import CARRIER_OF_REGION, CARRIERS, RESELLERS
from crmlib.intake.simulate.products import (
    COOKWARE,
    DECOR,
    ENTRY_ON_HAZARD,
    ENTRY_ON_RATE,
    ENTRY_ON_SPEND,
    ENTRY_SHARES,
    TEXTILES,
)

BASE_YEARS = 6.0  # how long before the window the first customers came
LONGEST_LIFE_DAYS = 12_000.0
CLUB_OPENED = date(2021, 3, 1)
YEAR = 365.25


def kinds_of(rng: np.random.Generator, customers: int) -> np.ndarray:
    """Return one kind per customer, in exact shares, in random order."""
    edges = np.round(np.cumsum(KIND_SHARES[::-1]) * customers).astype(int)[::-1]
    kind = np.zeros(customers, np.int8)
    for number in range(1, len(KIND_SHARES)):
        kind[: edges[number]] = number  # later kinds overwrite the front
    return rng.permutation(kind)


def draw_people(
    rng: np.random.Generator, kind: np.ndarray, acquired: np.ndarray | None, referrer: Columns | None = None
) -> Columns:
    """Draw customers with all their traits.

    Parameters
    ----------
    rng : numpy.random.Generator
    kind : array of int
    acquired : array of float or None
        Day of acquisition. None: acquired before the window and still there when it opens.
    referrer : Columns or None
        Traits of the customer who recommended each of them.

    Returns
    -------
    Columns
        One value per customer and trait, in the order of `kind`.
    """
    if acquired is not None:
        return _draw_once(rng, kind, acquired, referrer)
    pending = np.arange(kind.size)
    parts, places = [], []
    while pending.size:
        age = rng.uniform(0, BASE_YEARS * YEAR, pending.size)
        drawn = _draw_once(rng, kind[pending], -age, None)
        # keep whom the left edge of the window still finds: survivors have lower hazards
        alive = drawn["lifetime_end"] >= 0
        parts.append({name: values[alive] for name, values in drawn.items()})
        places.append(pending[alive])
        pending = pending[~alive]
    order = np.argsort(np.concatenate(places), kind="stable") if places else np.arange(0)
    return {name: np.concatenate([part[name] for part in parts])[order] for name in parts[0]}


def _draw_once(
    rng: np.random.Generator, kind: np.ndarray, acquired: np.ndarray, referrer: Columns | None
) -> Columns:
    people: Columns = {"kind": kind, "acquired": np.floor(acquired)}
    people["referred"] = np.full(kind.size, referrer is not None)
    _draw_place(rng, people, referrer)
    _draw_buying(rng, people, referrer)
    _draw_experience(rng, people)
    _draw_lifetime(rng, people)
    _draw_response(rng, people)
    _draw_service(rng, people)
    _draw_wallet(rng, people)
    return people


def _draw_place(rng: np.random.Generator, people: Columns, referrer: Columns | None) -> None:
    kind, n = people["kind"], people["kind"].size
    weights = np.array([weight for _, weight, _, _ in REGIONS])
    near = np.where(np.arange(weights.size) < SHOP_REGIONS, weights, 0.0)
    anywhere = rng.choice(weights.size, n, p=weights / weights.sum())
    region = np.where(kind == WEB, anywhere, rng.choice(weights.size, n, p=near / near.sum()))
    region = np.where(np.isin(kind, (RESELLER, CONTRACT)), anywhere, region)
    if referrer is not None:  # people recommend to people nearby
        region = np.where((rng.random(n) < 0.7), referrer["region"], region)
    people["region"] = region.astype(np.int8)
    people["carrier"] = CARRIER_OF_REGION[region].astype(np.int8)
    people["travel"] = np.array([travel for *_, travel in REGIONS])[region]
    people["difficulty"] = np.exp(rng.normal(-0.125, 0.5, n))  # mean 1
    shares = np.array([share for *_, share, _ in RESELLERS])
    people["reseller"] = np.where(kind == RESELLER, rng.choice(len(RESELLERS), n, p=shares), -1).astype(
        np.int8
    )


def _draw_buying(rng: np.random.Generator, people: Columns, referrer: Columns | None) -> None:
    kind, n = people["kind"], people["kind"].size
    contract = kind == CONTRACT
    entry = rng.choice(len(ENTRY_SHARES), n, p=ENTRY_SHARES)
    people["entry"] = entry.astype(np.int8)
    people["small_basket"] = (kind == WEB) & (rng.random(n) < c("small_basket_share"))
    people["heavy_returner"] = np.isin(kind, (WEB, BOTH)) & (rng.random(n) < c("heavy_returner_share"))
    # an exact share of the contract customers, so that a small company has its costly few as well
    rank = np.cumsum(contract) + rng.integers(0, 5)
    people["costly"] = contract & (rank % round(1 / c("costly_contract_share")) == 0)

    means = np.array(
        [c(f"purchase_rate_mean_{name}") for name in ("web", "shop", "both", "reseller", "contract")]
    )
    shape = np.where(contract, c("purchase_rate_shape_contract"), c("purchase_rate_shape"))
    rate = means[kind] * rng.gamma(shape) / shape
    rate *= np.where(contract, 1.0, np.array(ENTRY_ON_RATE)[entry])
    rate *= np.where(people["small_basket"], c("small_basket_rate"), 1.0)
    people["rate"] = rate * np.where(people["costly"], c("costly_contract_rate"), 1.0)

    shape = np.where(contract, c("spend_shape_between_contract"), c("spend_shape_between"))
    value = np.where(contract, c("spend_mean_contract"), c("spend_mean_household"))
    value = value * (shape - 1) / rng.gamma(shape)
    value *= np.where(contract, 1.0, np.array(ENTRY_ON_SPEND)[entry])
    value *= np.where(people["small_basket"], c("small_basket_spend"), 1.0)
    value *= np.where(people["costly"], c("costly_contract_spend"), 1.0)
    if referrer is not None:
        weight = c("referral_likeness")
        value = np.where(contract, value, value ** (1 - weight) * referrer["order_value"] ** weight)
    people["order_value"] = value
    web_share = np.clip(np.array(WEB_SHARE)[kind] + rng.normal(0, 0.06, n), 0, 1)
    far = people["region"] >= SHOP_REGIONS  # no shop to carry anything home from
    people["web_share"] = np.where(contract, 0.0, np.where(far & (kind == WEB), 1.0, web_share))
    people["bargain"] = np.where(contract, 0.0, rng.beta(1, 6, n))
    discount = np.where(people["costly"], c("costly_contract_discount"), c("contract_discount"))
    people["discount"] = np.where(contract, discount * rng.uniform(0.8, 1.2, n), 0.0)
    people["forgets_card"] = rng.beta(1, 1 / c("card_forgotten") - 1, n)


def failure_probability(people: Columns, carrier_value: str) -> np.ndarray:
    """Probability of a ``late``, ``damaged`` or ``incomplete`` delivery at the customer's address."""
    value = np.array([getattr(carrier, carrier_value) for carrier in CARRIERS])[people["carrier"]]
    return np.minimum(value * people["difficulty"], 0.8)


def _draw_experience(rng: np.random.Generator, people: Columns) -> None:
    kind, n = people["kind"], people["kind"].size
    failure = sum(failure_probability(people, name) for name in ("late", "damaged", "incomplete"))
    delivered = np.where(kind == CONTRACT, 1.0, people["web_share"])
    people["failed_delivery_share"] = np.minimum(failure, 1.0) * delivered
    advice = np.append([quality for *_, quality in RESELLERS], 0.0)[people["reseller"]]
    expectation = rng.normal(c("expectation_mean"), c("expectation_sd"), n)
    performance = (
        rng.normal(c("performance_mean"), c("performance_sd"), n)
        + c("delivery_failure_on_performance") * people["failed_delivery_share"]
        + advice
    )
    people["expectation"] = np.clip(expectation, 1, 10)
    people["performance"] = np.clip(performance, 1, 10)
    gap = people["performance"] - people["expectation"]
    weight = np.where(gap > 0, c("gain_on_satisfaction"), c("loss_on_satisfaction"))
    satisfaction = (
        c("satisfaction_base")
        + weight * gap
        + c("performance_on_satisfaction") * (people["performance"] - 7)
        + rng.normal(0, c("satisfaction_sd"), n)
    )
    people["satisfaction"] = np.clip(satisfaction, 1, 10)


def cohort_hazard(acquired: np.ndarray) -> np.ndarray:
    """Hazard of a cohort, times that of customers won before the window: later cohorts are a little worse."""
    return np.exp(c("cohort_drift_hazard") * np.maximum(acquired, 0) / YEAR)


def _draw_lifetime(rng: np.random.Generator, people: Columns) -> None:
    contract, shape = people["kind"] == CONTRACT, c("lifetime_shape")
    mean = np.where(contract, c("dropout_hazard_mean_contract"), c("dropout_hazard_mean_household"))
    hazard = mean * rng.gamma(shape, size=contract.size) / shape
    hazard *= np.exp(c("satisfaction_on_hazard") * (people["satisfaction"] - 7))
    hazard *= np.where(contract, 1.0, np.array(ENTRY_ON_HAZARD)[people["entry"]])
    hazard *= np.where(people["referred"], c("referred_hazard"), 1.0)
    people["hazard"] = hazard * cohort_hazard(people["acquired"])
    life = YEAR * rng.exponential(size=contract.size) / people["hazard"]
    people["lifetime_end"] = people["acquired"] + np.minimum(life, LONGEST_LIFE_DAYS)


def _draw_response(rng: np.random.Generator, people: Columns) -> None:
    kind, entry = people["kind"], people["entry"]
    persuadable = (
        0.19 * np.where(np.isin(entry, (TEXTILES, DECOR)), 1.9, 1.0) * np.where(entry == COOKWARE, 0.5, 1)
    )
    persuadable *= np.where(np.isin(kind, (WEB, BOTH)), 1.15, 0.75)
    annoyed = 0.08 * np.where(kind == SHOP, 2.0, 1.0) * np.where(people["expectation"] > 8, 1.6, 0.9)
    draw = rng.random(kind.size)
    response = np.where(draw < persuadable, PERSUADABLE, np.where(draw > 1 - annoyed, SLEEPING_DOG, UNMOVED))
    people["response"] = np.where(kind == CONTRACT, UNMOVED, response).astype(np.int8)


def _draw_service(rng: np.random.Generator, people: Columns) -> None:
    n, sd = people["kind"].size, c("service_hunger_sd")
    hunger = np.exp(rng.normal(-(sd**2) / 2, sd, n))
    hunger *= np.where(people["heavy_returner"], 2.0, 1.0) * np.where(people["costly"], 2.5, 1.0)
    people["hunger"] = hunger
    sd = c("minutes_noise_sd")
    people["minutes_factor"] = np.exp(rng.normal(-(sd**2) / 2, sd, n))  # mean 1


def _draw_wallet(rng: np.random.Generator, people: Columns) -> None:
    share = rng.beta(c("wallet_share_alpha"), c("wallet_share_beta"), people["kind"].size)
    odds = share / (1 - share) * np.exp(0.25 * (people["satisfaction"] - 7))
    people["wallet_share"] = np.clip(odds / (1 + odds), 0.03, 0.98)
    people["wallet"] = people["rate"] * people["order_value"] / people["wallet_share"]


def join_club(rng: np.random.Generator, people: Columns, window: Window) -> None:
    """Add day of joining and of leaving the club; NaN for those who never join.

    Selection: who buys often, spends much and is content joins; the true effect is small.
    """
    n = people["kind"].size
    level = np.log(people["rate"] / 3.5) + 0.6 * np.log(people["order_value"] / 60)
    level += 0.35 * (people["satisfaction"] - 7)
    share = c("club_share")
    odds = share / (1 - share) * np.exp(0.9 * level)
    opened = window.day_number(CLUB_OPENED)
    joined = np.floor(np.maximum(people["acquired"], opened) + rng.exponential(0.7 * YEAR, n))
    member = (rng.random(n) < odds / (1 + odds)) & (people["kind"] != CONTRACT)
    member &= (joined < people["lifetime_end"]) & (joined < window.days)
    leaving = rng.beta(c("club_renewal_alpha"), c("club_renewal_beta"), n)
    years = rng.geometric(np.clip(leaving, 0.02, 0.98))
    # nobody renews after the relationship is over
    alive_years = np.ceil((people["lifetime_end"] - joined) / YEAR)
    years = np.minimum(years, np.maximum(alive_years, 1))
    people["club_joined"] = np.where(member, joined, np.nan)
    people["club_left"] = np.where(member, _anniversary(window, joined, years), np.nan)


def _anniversary(window: Window, day: np.ndarray, years: np.ndarray) -> np.ndarray:
    """Same day of the month so many years later (the 28th for the 29th to 31st)."""
    dates = np.datetime64(window.start) + day.astype(np.int64)
    months = dates.astype("datetime64[M]")
    day_of_month = np.minimum((dates - months).astype(np.int64), 27)
    later = (months + 12 * years.astype(np.int64)).astype("datetime64[D]") + day_of_month
    return (later - np.datetime64(window.start)).astype(np.int64)
