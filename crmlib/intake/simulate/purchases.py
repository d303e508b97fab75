"""Purchases: when customers order, what is in the basket, what it costs, what comes back.

Orders of a living customer are a Poisson process with the customer's own rate, bent by the
season; club members order a little more; a contact adds orders of persuadable customers. The
value of an order is gamma-gamma; products, pieces and discounts are chosen to spend about it.
Money is in whole cents throughout.
"""

import numpy as np

from crmlib.intake.simulate.company import (
    BY_SHOP,
    BY_WEB,
    CHANNELS,
    CONTRACT,
    OTHER_CHANNEL,
    WEB_SHARE,
    Columns,
    Window,
    next_working_days,
)
from crmlib.intake.simulate.company import constant as c
from crmlib.intake.simulate.products import CONTRACT_MIX, DECOR, FOLLOWS, FURNITURE, LIGHTING, TEXTILES, Range

YEAR = 365.25
_OTHER = np.array([CHANNELS.index(name) for name in OTHER_CHANNEL])
FIRST_CHANNEL = np.array(
    [BY_WEB if share >= 0.4 else CHANNELS.index(OTHER_CHANNEL[kind]) for kind, share in enumerate(WEB_SHARE)]
)
MOST_LINES = 14
SALES_MONTHS = (1, 7)


def draw_orders(
    rng: np.random.Generator, people: Columns, extra: Columns, window: Window, seasons: Columns
) -> Columns:
    """Draw all orders of the window, in order of time.

    Returns
    -------
    Columns
        ``person``, ``day``, ``minute``, ``channel`` (number), ``value`` (EUR), ``first``, ``anonymous``.
    """
    steady, low, high = _steady_orders(rng, people, window, seasons["all"])
    added, newcomer = extra["person"], np.flatnonzero(people["acquired"] >= 0)
    steady_channel, added_channel = (_choose_channel(rng, people, person) for person in (steady, added))
    steady_day = _choose_day(rng, low, high, steady_channel, seasons)
    added_day = open_day(np.minimum(extra["day"].astype(np.int64), window.days - 1), added_channel, seasons)

    person = np.concatenate([steady, added, newcomer])
    channel = np.concatenate([steady_channel, added_channel, FIRST_CHANNEL[people["kind"][newcomer]]])
    acquired = people["acquired"].astype(np.int64)
    day = np.maximum(np.concatenate([steady_day, added_day, acquired[newcomer]]), acquired[person])
    first = np.arange(person.size) >= person.size - newcomer.size

    n, web = person.size, channel == BY_WEB
    minute = np.where(web, 420 + rng.triangular(0, 800, 1015, n), 570 + 590 * rng.random(n))
    shape = c("spend_shape_within")
    forgets = rng.random(n) < people["forgets_card"][person]
    orders = {
        "person": person,
        "day": day,
        "minute": minute.astype(np.int64),
        "channel": channel,
        "value": people["order_value"][person] / shape * rng.gamma(shape, size=n),
        "first": first,
        "anonymous": (channel == BY_SHOP) & forgets & ~first,
    }
    in_time = np.lexsort((person, orders["minute"], day))
    return {name: values[in_time] for name, values in orders.items()}


def _steady_orders(
    rng: np.random.Generator, people: Columns, window: Window, demand: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Person of each repeat order, and the days between which it falls."""
    days = np.arange(window.days + 1)
    start = np.maximum(people["acquired"] + 1, 0)
    end = np.clip(people["lifetime_end"], start, window.days)
    joined = np.clip(np.nan_to_num(people["club_joined"], nan=window.days), start, end)
    left = np.clip(np.nan_to_num(people["club_left"], nan=0), joined, end)

    def orders(per_year: np.ndarray, low: np.ndarray, high: np.ndarray) -> np.ndarray:
        return rng.poisson(per_year / YEAR * (np.interp(high, days, demand) - np.interp(low, days, demand)))

    usual = orders(people["rate"], start, end)
    as_member = orders(c("club_on_rate") * people["rate"], joined, left)  # on top, while a member
    everyone = np.arange(start.size)
    person = np.concatenate([np.repeat(everyone, usual), np.repeat(everyone, as_member)])
    is_usual = np.arange(person.size) < usual.sum()
    return (
        person,
        np.where(is_usual, start[person], joined[person]),
        np.where(is_usual, end[person], left[person]),
    )


def _choose_channel(rng: np.random.Generator, people: Columns, person: np.ndarray) -> np.ndarray:
    on_web = rng.random(person.size) < people["web_share"][person]
    return np.where(on_web, BY_WEB, _OTHER[people["kind"][person]])


def _choose_day(
    rng: np.random.Generator, low: np.ndarray, high: np.ndarray, channel: np.ndarray, seasons: Columns
) -> np.ndarray:
    """Choose a day between `low` and `high`: the season of the channel makes some likelier."""
    day = np.empty(low.size, np.int64)
    for number, name in enumerate(CHANNELS):
        mine, cumulated = np.flatnonzero(channel == number), seasons[name]
        days = np.arange(cumulated.size)
        begin, end = np.interp(low[mine], days, cumulated), np.interp(high[mine], days, cumulated)
        day[mine] = np.interp(begin + rng.random(mine.size) * (end - begin), cumulated, days)
    return open_day(np.minimum(day, seasons["all"].size - 2), channel, seasons)


def open_day(day: np.ndarray, channel: np.ndarray, seasons: Columns) -> np.ndarray:
    """Move days on which a channel is closed to the last open day before (or the first there is)."""
    day = day.copy()
    for number, name in enumerate(CHANNELS):
        opened = np.diff(seasons[name]) > 0
        last_open = np.maximum.accumulate(np.where(opened, np.arange(opened.size), -1))
        last_open[last_open < 0] = np.argmax(opened)
        mine = channel == number
        day[mine] = last_open[day[mine]]
    return day


def draw_lines(
    rng: np.random.Generator, people: Columns, orders: Columns, products: Range, window: Window
) -> Columns:
    """Fill the orders with products.

    Returns
    -------
    Columns
        ``order`` (row of `orders`), ``product`` (row of the range), ``quantity``, and in cents
        ``list``, ``discount``, ``cost``; net is list less discount. Sorted by order.
    """
    contract = people["kind"][orders["person"]] == CONTRACT
    mean = np.where(contract, c("lines_per_order_contract"), c("lines_per_order_household"))
    tenure = (orders["day"] - people["acquired"][orders["person"]]) / YEAR
    # who stays trades up: fewer and dearer pieces for the same money
    count = np.minimum(1 + rng.poisson((mean - 1) / (1 + c("trading_up_per_year") * tenure)), MOST_LINES)
    order = np.repeat(np.arange(count.size), count)
    part = rng.gamma(3.0, size=order.size)
    part /= np.bincount(order, part, count.size)[order]
    person, day = orders["person"][order], orders["day"][order]

    month, price_step, cost_step = _calendar(window)
    discount = _discount(rng, people, person, month[day])
    target = orders["value"][order] * part / (1 - discount) / price_step[day]  # at the list prices of 2023

    category = _choose_category(rng, people, orders, order, products, target)
    unit = target / products.pieces[category]
    place = np.searchsorted(products.ladder, category * 100 + np.log(np.maximum(unit, 1.0)))
    place = place + np.rint(rng.normal(-0.5, 1.2, place.size)).astype(np.int64)  # near the price aimed at
    lowest = products.first[category]
    product = np.clip(place, lowest, lowest + products.count[category] - 1)
    quantity = np.maximum(1, np.rint(target / products.list_price[product])).astype(np.int64)

    unit_list = np.rint(products.list_price[product] * price_step[day] * 100).astype(np.int64)
    unit_cost = np.rint(products.unit_cost[product] * cost_step[day] * 100).astype(np.int64)
    lines = {
        "order": order,
        "product": product,
        "quantity": quantity,
        "list": unit_list * quantity,
        "discount": np.rint(unit_list * quantity * discount).astype(np.int64),
        "cost": unit_cost * quantity,
    }
    lines = _one_line_per_product(lines)
    shop = orders["channel"][lines["order"]] == BY_SHOP
    twice = shop & (rng.random(shop.size) < c("genuine_repeat_lines"))
    keep = np.repeat(np.arange(shop.size), 1 + twice)
    return {name: values[keep] for name, values in lines.items()}


def _choose_category(
    rng: np.random.Generator,
    people: Columns,
    orders: Columns,
    order: np.ndarray,
    products: Range,
    target: np.ndarray,
) -> np.ndarray:
    """Choose a category per line; what follows depends on where the customer came in."""
    person = orders["person"][order]
    contract = people["kind"][person] == CONTRACT
    mixes = np.cumsum(np.vstack([FOLLOWS, CONTRACT_MIX]), axis=1)
    mix = np.where(contract, len(FOLLOWS), people["entry"][person])
    draw = rng.random(order.size)
    category = np.zeros(order.size, np.int64)
    for column in range(mixes.shape[1] - 1):
        category += draw > mixes[mix, column]
    # the first line of the first order is what the customer came for
    opening = (np.diff(order, prepend=-1) != 0) & orders["first"][order] & ~contract
    category[opening] = people["entry"][person[opening]]
    lowest = products.list_price[products.first]
    for dear, instead in ((FURNITURE, TEXTILES), (LIGHTING, DECOR)):  # too little money for a lamp: a vase
        category = np.where((category == dear) & (target < 0.6 * lowest[dear]), instead, category)
    return category


def _one_line_per_product(lines: Columns) -> Columns:
    """Add up lines of the same product in the same order, as a till or a basket does."""
    key = lines["order"] * 1000 + lines["product"]
    order = np.argsort(key, kind="stable")
    begins = np.flatnonzero(np.diff(key[order], prepend=-1))
    merged = {"order": lines["order"][order][begins], "product": lines["product"][order][begins]}
    for name in ("quantity", "list", "discount", "cost"):
        merged[name] = np.add.reduceat(lines[name][order], begins)
    return merged


def _calendar(window: Window) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Month, price level and cost level of every day of the window."""
    days = np.datetime64(window.start) + np.arange(window.days)
    month = days.astype("datetime64[M]").astype(int) % 12 + 1
    years = days.astype("datetime64[Y]").astype(int) + 1970 - 2023
    return month, (1 + c("price_rise_per_year")) ** years, (1 + c("cost_rise_per_year")) ** years


def _discount(rng: np.random.Generator, people: Columns, person: np.ndarray, month: np.ndarray) -> np.ndarray:
    """Negotiated for contract customers; sales in January and July and vouchers for the others."""
    size = person.size
    sale = np.isin(month, SALES_MONTHS) & (rng.random(size) < 0.45)
    voucher = rng.random(size) < people["bargain"][person]
    depth = np.where(
        sale, rng.integers(1, 4, size) * 0.10, np.where(voucher, rng.integers(2, 5, size) * 0.05, 0.0)
    )
    return np.where(people["kind"][person] == CONTRACT, np.round(people["discount"][person], 2), depth)


def draw_returns(
    rng: np.random.Generator, people: Columns, orders: Columns, lines: Columns, window: Window
) -> Columns:
    """Draw returned lines: like `lines` with negative amounts, plus their ``day`` and ``minute``.

    Part of the goods cannot be sold again: their cost does not come back.
    """
    order = lines["order"]
    person, channel = orders["person"][order], orders["channel"][order]
    web = channel == BY_WEB
    chance = np.where(web, c("return_rate_web"), c("return_rate_shop"))
    chance = np.where(people["heavy_returner"][person] & web, c("return_rate_heavy"), chance)
    chance = np.where(people["costly"][person], c("costly_contract_returns"), chance)
    row = np.flatnonzero(rng.random(order.size) < chance)
    order = order[row]
    day = orders["day"][order] + 3 + np.minimum(rng.geometric(0.12, row.size), 27)
    quantity = lines["quantity"][row]
    back = np.where((quantity >= 4) & (rng.random(row.size) < 0.5), (quantity + 1) // 2, quantity)
    resold = rng.random(row.size) >= c("return_written_off")

    def share(cents: np.ndarray) -> np.ndarray:
        return -np.rint(cents[row] * (back / quantity)).astype(np.int64)

    returned = {
        "order": order,
        "product": lines["product"][row],
        "quantity": -back,
        "list": share(lines["list"]),
        "discount": share(lines["discount"]),
        "cost": np.where(resold, share(lines["cost"]), 0),
        "day": day,
        "minute": np.where(orders["channel"][order] == BY_WEB, 600, 660) + rng.integers(0, 420, row.size),
    }
    # what comes back of an order comes back together, on the day of its first line
    begins = np.diff(order, prepend=-1) != 0
    first = np.flatnonzero(begins)[np.cumsum(begins) - 1]
    returned["day"], returned["minute"] = next_working_days(window)[day[first]], returned["minute"][first]
    inside = returned["day"] < window.days
    return {name: values[inside] for name, values in returned.items()}
