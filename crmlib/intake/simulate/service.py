"""Service: deliveries and how they go, and every event that takes somebody's time.

Events follow from orders (picking, delivery, till, returns), from how deliveries go (calls,
complaints, free replacements) and from what contract customers ask for (visits, reminders).
"""

import numpy as np

from crmlib.intake.simulate.company import (
    BY_SHOP,
    CALL,
    COMPLAINT,
    CONSULTATION,
    CONTRACT,
    DUNNING,
    PALLET,
    PARCEL,
    PICKING,
    RETURN_HANDLING,
    TILL,
    VISIT,
    Columns,
    Window,
    activity_tables,
    next_working_days,
)
from crmlib.intake.simulate.company import constant as c
from crmlib.intake.simulate.customers import failure_probability
from crmlib.intake.simulate.partners import CARRIERS
from crmlib.intake.simulate.products import FURNITURE, Range

YEAR = 365.25
NO_ORDER = -1
CONSULTATION_FROM = 80.0  # EUR: from this basket on most shop customers ask for advice
_USUAL_YEAR = 6500.0  # EUR a year of a contract customer to whom the numbers below apply
_BUSY = {  # per year of a contract customer: ordinary, costly
    VISIT: (8.5, 23.0),
    DUNNING: (3.0, 9.0),
    CONSULTATION: (4.0, 6.0),
}


def deliver(
    rng: np.random.Generator,
    people: Columns,
    orders: Columns,
    lines: Columns,
    products: Range,
    window: Window,
) -> Columns:
    """Deliver all orders but those carried home from a shop.

    Returns
    -------
    Columns
        ``order``, ``promised`` and ``delivered`` (day numbers), ``late``, ``complete``, ``damaged``.
    """
    order = np.flatnonzero(orders["channel"] != BY_SHOP)
    person = orders["person"][order]
    n = order.size

    def goes_wrong(what: str) -> np.ndarray:
        return rng.random(n) < failure_probability(people, what)[person]

    late, damaged, short = goes_wrong("late"), goes_wrong("damaged"), goes_wrong("incomplete")
    missing = rng.random(lines["order"].size) > products.fill_rate[lines["product"]]  # the supplier's fault
    short |= np.bincount(lines["order"], missing, orders["person"].size)[order] > 0
    lead = np.array([carrier.lead_days for carrier in CARRIERS])[people["carrier"][person]]
    promised = orders["day"][order] + lead
    early = rng.random(n) < 0.3
    delay = np.minimum(rng.geometric(0.4, n), 20)
    working = next_working_days(window)  # nobody drives on Sundays, and nobody promises to
    delivered = working[working[promised] + np.where(late, delay, -early.astype(int))]
    return {
        "order": order,
        "promised": working[promised],
        "delivered": delivered,
        "late": late,
        "complete": ~short,
        "damaged": damaged,
    }


def draw_replacements(
    rng: np.random.Generator, lines: Columns, deliveries: Columns, window: Window
) -> Columns:
    """Replace damaged goods free of charge: one line of the order again, net amount zero, at full cost."""
    replaced = deliveries["damaged"] & (rng.random(deliveries["order"].size) < c("replacement_if_damaged"))
    order, day = deliveries["order"][replaced], deliveries["delivered"][replaced]
    day = next_working_days(window)[day + 2]
    row = np.searchsorted(lines["order"], order)  # the first line of the order
    pieces = lines["quantity"][row]
    one = {name: np.rint(lines[name][row] / pieces).astype(np.int64) for name in ("list", "cost")}
    free = {
        "order": order,
        "product": lines["product"][row],
        "quantity": np.ones(order.size, np.int64),
        "list": one["list"],
        "discount": one["list"],
        "cost": one["cost"],
        "day": day,
        "minute": rng.integers(540, 1020, order.size),
    }
    inside = day < window.days
    return {name: values[inside] for name, values in free.items()}


def draw_events(
    rng: np.random.Generator,
    people: Columns,
    orders: Columns,
    lines: Columns,
    returns: Columns,
    deliveries: Columns,
    products: Range,
    window: Window,
) -> Columns:
    """Draw all events of the window.

    Returns
    -------
    Columns
        ``person``, ``day``, ``activity`` (number), ``quantity``, ``order`` (row of `orders` or -1).
    """
    parts: list[tuple[np.ndarray, ...]] = []

    def happen(
        order: np.ndarray, day: np.ndarray, activity: np.ndarray | int, quantity: np.ndarray | int = 1
    ) -> None:
        shape = order.size
        parts.append(
            (
                orders["person"][order],
                day,
                np.broadcast_to(activity, shape),
                np.broadcast_to(quantity, shape),
                order,
            )
        )

    kind, costly = people["kind"][orders["person"]], people["costly"][orders["person"]]
    contract, shop = kind == CONTRACT, orders["channel"] == BY_SHOP
    every, day = np.arange(kind.size), orders["day"]
    size = np.bincount(lines["order"], minlength=kind.size)
    bulky = np.bincount(lines["order"], products.category[lines["product"]] == FURNITURE, kind.size) > 0

    sent, sent_day = deliveries["order"], deliveries["delivered"]
    happen(sent, day[sent], PICKING, np.where(contract, 2 * size, size)[sent])
    drops = np.where(costly, 2 + rng.integers(0, 4, kind.size), 1)  # frequent small deliveries of one order
    happen(sent, sent_day, np.where(contract | bulky, PALLET, PARCEL)[sent], drops[sent])
    happen(every[shop], day[shop], TILL)
    advised = shop & (orders["value"] > CONSULTATION_FROM) & (rng.random(kind.size) < 0.7)
    happen(every[advised], day[advised], CONSULTATION)
    back = np.flatnonzero(np.diff(returns["order"], prepend=-1))  # one handling per order returned
    happen(returns["order"][back], returns["day"][back], RETURN_HANDLING)

    hunger = people["hunger"][orders["person"]] * c("calls_per_order")
    calls = rng.poisson(hunger)
    caller = np.repeat(every, calls)
    working = next_working_days(window)
    happen(caller, working[day[caller] + rng.integers(0, 12, caller.size)], CALL)
    failed = (deliveries["late"] | ~deliveries["complete"]) & (
        rng.random(sent.size) < c("calls_per_failed_delivery")
    )
    happen(sent[failed], sent_day[failed], CALL)
    complaint = deliveries["damaged"] & (rng.random(sent.size) < c("complaint_if_damaged"))
    happen(sent[complaint], working[sent_day[complaint] + 1], COMPLAINT)

    parts += _contract_service(rng, people, window)
    names = ("person", "day", "activity", "quantity", "order")
    events = {
        name: np.concatenate([part[i] for part in parts]).astype(np.int64) for i, name in enumerate(names)
    }
    inside = events["day"] < window.days
    order = np.lexsort((events["activity"], events["order"], events["person"], events["day"]))
    order = order[inside[order]]
    return {name: values[order] for name, values in events.items()}


def _contract_service(
    rng: np.random.Generator, people: Columns, window: Window
) -> list[tuple[np.ndarray, ...]]:
    """Visits, reminders and advice of contract customers while the relationship lasts."""
    person = np.flatnonzero(people["kind"] == CONTRACT)
    start = np.maximum(people["acquired"][person], 0)
    years = np.maximum(np.minimum(people["lifetime_end"][person], window.days) - start, 0) / YEAR
    # who buys more is looked after more, but not in proportion
    size = np.sqrt(people["rate"][person] * people["order_value"][person] / _USUAL_YEAR)
    weekday = (np.datetime64(window.start) + np.arange(window.days)).astype("datetime64[D]").astype(int)
    weekday = (weekday + 3) % 7  # day 0 of the epoch was a Thursday
    parts = []
    for activity, (usual, costly) in _BUSY.items():
        count = rng.poisson(np.where(people["costly"][person], costly, usual) * size * years)
        who = np.repeat(np.arange(person.size), count)
        day = np.floor(start[who] + rng.random(who.size) * years[who] * YEAR).astype(np.int64)
        day = np.minimum(day, window.days - 1)
        day = np.maximum(day - np.maximum(weekday[day] - 4, 0), 0)  # Saturday and Sunday become Friday
        parts.append(
            (
                person[who],
                day,
                np.full(who.size, activity),
                np.ones(who.size, int),
                np.full(who.size, NO_ORDER),
            )
        )
    return parts


def true_minutes(people: Columns, events: Columns) -> np.ndarray:
    """Minutes each event really took: standard times the customer's own factor and the way to go."""
    standard, _, _ = activity_tables()
    minutes = standard[events["activity"]] * events["quantity"] * people["minutes_factor"][events["person"]]
    travels = np.isin(events["activity"], (PARCEL, PALLET, VISIT))
    return minutes * np.where(travels, people["travel"][events["person"]], 1.0)
