"""Campaigns: who is drawn, who is held out at random, and what a contact really does.

A contact makes some customers buy (persuadables), leaves most unmoved and drives some away
(sleeping dogs). Those held out show what would have happened anyway.
"""

from datetime import date, timedelta

import numpy as np

from crmlib.intake.simulate.company import (
    CONTACT_CLASSES,
    CONTRACT,
    PERSUADABLE,
    SLEEPING_DOG,
    Columns,
    Window,
)
from crmlib.intake.simulate.company import constant as c

_CALENDAR = (  # month, day, name, action
    (2, 12, "winter", "catalogue"),
    (5, 6, "spring", "voucher"),
    (9, 10, "autumn", "catalogue"),
    (11, 14, "Christmas", "voucher"),
)
RESPONSE_DAYS = 28
LEAVING_DAYS = 45


def campaigns(window: Window) -> list[tuple[str, int, str]]:
    """Return id, day number and action of the campaigns whose response fits into the window."""
    found = []
    for year in range(window.start.year, window.end.year + 1):
        for month, day, name, action in _CALENDAR:
            on = date(year, month, day)
            if window.start <= on <= window.end - timedelta(days=RESPONSE_DAYS):
                found.append((f"{year}-{name}", window.day_number(on), action))
    return found


def contact(rng: np.random.Generator, people: Columns, window: Window) -> tuple[Columns, Columns]:
    """Draw contacts, let sleeping dogs leave, and return contacts and the extra orders they cause.

    Changes ``lifetime_end`` of `people`: the only place where a contact shortens a life.

    Returns
    -------
    contacts : Columns
        ``person`` (row of `people`), ``campaign``, ``day``, ``treated``, ``extra``, ``left``.
    extra_orders : Columns
        ``person`` and ``day`` of each order that would not have been placed.
    """
    persons, numbers, days, arms, extras, leavers = [], [], [], [], [], []
    order_person, order_day = [], []
    households = people["kind"] != CONTRACT
    for number, (_, day, _) in enumerate(campaigns(window)):
        # the company sees who became a customer, not who is still one
        eligible = households & (people["acquired"] <= day - 30) & (people["lifetime_end"] > day - 240)
        person = np.flatnonzero(eligible & (rng.random(eligible.size) < c("contacted_share")))
        treated = rng.random(person.size) >= c("control_share")
        contacted_alive = treated & (people["lifetime_end"][person] > day)
        persuaded = contacted_alive & (people["response"][person] == PERSUADABLE)
        extra = np.where(persuaded, rng.poisson(c("persuadable_extra_orders"), person.size), 0)
        left = contacted_alive & (people["response"][person] == SLEEPING_DOG)
        left &= rng.random(person.size) < c("sleeping_dog_leaves")
        leaving_day = day + 1 + rng.uniform(0, LEAVING_DAYS, person.size)
        end = people["lifetime_end"]
        end[person[left]] = np.minimum(end[person[left]], leaving_day[left])
        who = np.repeat(person, extra)
        order_person.append(who)
        order_day.append(day + 1 + rng.uniform(0, RESPONSE_DAYS - 1, who.size))
        for values, value in zip(
            (persons, days, arms, extras, leavers, numbers),
            (person, np.full(person.size, day), treated, extra, left, np.full(person.size, number)),
            strict=True,
        ):
            values.append(value)

    def joined(parts: list[np.ndarray], kind: type) -> np.ndarray:
        return np.concatenate(parts).astype(kind) if parts else np.zeros(0, kind)

    contacts = {
        "person": joined(persons, int),
        "campaign": joined(numbers, int),
        "day": joined(days, int),
        "treated": joined(arms, bool),
        "extra": joined(extras, int),
        "left": joined(leavers, bool),
    }
    return contacts, {"person": joined(order_person, int), "day": joined(order_day, float)}


def campaign_effects(contacts: Columns, response: np.ndarray, count: int) -> dict[str, np.ndarray]:
    """Count contacts, extra orders and leavers per campaign and class; arrays of campaigns x classes."""
    cell = contacts["campaign"] * len(CONTACT_CLASSES) + response[contacts["person"]]
    size, shape = count * len(CONTACT_CLASSES), (count, len(CONTACT_CLASSES))

    def total(weights: np.ndarray) -> np.ndarray:
        return np.bincount(cell, weights, size).reshape(shape)

    treated = contacts["treated"]
    return {
        "treated": total(treated.astype(float)),
        "control": total((~treated).astype(float)),
        "extra_orders": total(contacts["extra"].astype(float)),
        "left_because_of_contact": total(contacts["left"].astype(float)),
    }
