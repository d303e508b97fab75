"""Customers who buy till they leave, some of whom join a club, with a known effect of membership."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from crmlib.analysis.loyalty.panel import NEVER, ClubPanel
from crmlib.analysis.loyalty.staggered_effect import club_effect

SEASON = np.array([0.8, 0.8, 0.9, 1.0, 1.0, 0.9, 0.8, 0.7, 1.0, 1.1, 1.4, 1.6])


def drawn(size=4000, seed=1, effect=0.08, months=36, leaving=0.03, before=0.0, selection=1.0):
    """Draw a panel: rates are gamma, lifetimes geometric, and who buys more is likelier to join.

    `leaving` is the chance to leave in a month, `before` a rise of purchases in the two months before joining,
    `selection` how much likelier to join who buys more.
    """
    rng = np.random.default_rng(seed)
    rate = rng.gamma(1.3, 0.35 / 1.3, size) + 0.03
    begins = np.maximum(rng.integers(-24, months, size), 0)
    lives = begins + rng.geometric(max(leaving, 1e-9), size) - 1
    chance = 1 / (1 + np.exp(1.2 - selection * np.log(rate / 0.35)))
    joined = begins + 1 + rng.geometric(0.08, size)
    joins = (rng.random(size) < chance) & (joined <= lives) & (joined < months)
    joined = np.where(joins, joined, NEVER)
    left = np.where(joins, joined + 12 * rng.geometric(0.3, size), NEVER)
    month = np.arange(months)
    member = (month > joined[:, None]) & (month <= left[:, None])
    soon = (month < joined[:, None]) & (month >= joined[:, None] - 2)
    mean = (
        rate[:, None] * SEASON[month % 12] * np.where(member, 1 + effect, 1) * np.where(soon, 1 + before, 1)
    )
    orders = rng.poisson(mean) * ((month >= begins[:, None]) & (month <= lives[:, None]))
    return laid_out(begins, joined, left, orders, rng)


def laid_out(begins, joined, left, orders, rng):
    """Panel of customers with their orders by month; an order is worth 40, half of it margin, a tenth off the list."""
    size, months = orders.shape
    latest = np.where(orders.any(axis=1), months - 1 - np.argmax(orders[:, ::-1] > 0, axis=1), 0)
    customer, when = np.nonzero(orders)
    count = orders[customer, when].astype(float)
    rows = pd.DataFrame({"customer": customer, "month": when, "orders": count})
    value = 40 * rng.gamma(4, 0.25, len(rows)) * count
    rows = rows.assign(net_sales=value, margin=0.5 * value, list_sales=value / 0.9, discounts=value / 9)
    names = pd.Index([f"C{number:06d}" for number in range(size)], name="customer_id")
    people = {"begins": begins, "proven": latest - 1, "joined": joined, "left": left}
    people = pd.DataFrame(people, index=names, dtype="int64")
    return ClubPanel(pd.period_range("2023-07", periods=months, freq="M"), people, rows)


def drawn_at_orders(size, seed, effect, alpha, beta, months=36):
    """Draw customers, all won within the panel, who join with each order by a chance from Beta(alpha, beta).

    Returns the panel and what is known of the occasions to join.
    """
    rng = np.random.default_rng(seed)
    rate = rng.gamma(1.3, 0.35 / 1.3, size) + 0.03
    begins = rng.integers(0, months, size)
    lives = begins + rng.geometric(0.03, size) - 1
    chance = rng.beta(alpha, beta, size)
    month = np.arange(months)
    there = (month >= begins[:, None]) & (month <= lives[:, None])
    mean = rate[:, None] * SEASON[month % 12] * there
    orders = rng.poisson(mean)
    joins = rng.binomial(orders, chance[:, None]) > 0
    with_order = joins.any(axis=1)
    joined = np.where(with_order, joins.argmax(axis=1), NEVER)
    # Which of the orders of that month it was: the first success, given that there is one.
    held = np.maximum(orders[np.arange(size), np.minimum(joined, months - 1)], 1)
    stays = 1 - chance
    number = np.ceil(np.log1p(-rng.random(size) * (1 - stays**held)) / np.log(stays))
    passed = (orders * (month < joined[:, None])).sum(axis=1) + with_order * (np.clip(number, 1, held) - 1)
    orders = orders + rng.poisson(effect * mean) * (month > joined[:, None])
    panel = laid_out(begins, joined, np.full(size, NEVER), orders, rng)
    table = {"passed": passed, "with_order": with_order, "joined": np.where(with_order, joined, np.nan)}
    return panel, pd.DataFrame(table, index=panel.customers.index)


@pytest.fixture(scope="session")
def loyal():
    return SimpleNamespace(drawn=drawn, drawn_at_orders=drawn_at_orders, NEVER=NEVER)


@pytest.fixture(scope="session")
def big_club():
    """A company large enough to tell an effect of 8 % from chance."""
    return drawn(size=40_000, seed=7)


@pytest.fixture(scope="session")
def found(big_club):
    return club_effect(big_club)
