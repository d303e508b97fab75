"""Customers whose next purchase follows a known rule."""

import datetime as dt
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from crmlib.analysis.next_product.histories import Histories

DAY = (dt.date(2026, 6, 30) - dt.date(1970, 1, 1)).days
ITEMS = 24


def laid_out(rows, names=None, items=ITEMS):
    """Histories of rows of customer, day and item."""
    rows = np.unique(np.asarray(rows), axis=0)
    customers = pd.Index([f"C{n:05d}" for n in range(rows[:, 0].max() + 1)], name="customer_id")
    names = names or [f"P{n:03d}" for n in range(items)]
    pairs = np.unique(rows[:, 0].astype(np.int64) * items + rows[:, 2])
    frame = pd.DataFrame(
        {
            "name": [f"Product {name}" for name in names],
            "category": ["even" if n % 2 == 0 else "odd" for n in range(items)],
            "buyers": np.bincount(pairs % items, minlength=items),
            "margin_per_order": np.arange(items) + 1.0,
        },
        index=pd.Index(names, name="product_id"),
    )
    return Histories(customers, frame, "product", 1.0, *rows.T)


def drawn(rule, customers=1200, orders=6, seed=1, gap=60):
    """Histories of customers who follow a rule from order to order, the last one near `DAY`.

    ``chance``: any product, some oftener than others. ``taste``: two products in three are of the customer's own six.
    ``chain``: two products in three are the one that follows the last.
    """
    rng = np.random.default_rng(seed)
    popular = 1 / np.arange(2, ITEMS + 2)
    rows, last = [], rng.integers(0, ITEMS, customers)
    taste, everyone = rng.integers(0, ITEMS // 6, customers), np.arange(customers)
    start = DAY - gap * orders + rng.integers(0, gap, customers)
    for number in range(orders):
        item = rng.choice(ITEMS, customers, p=popular / popular.sum())
        follows = rng.random(customers) < 2 / 3
        if rule == "taste":
            item = np.where(follows, taste * 6 + rng.integers(0, 6, customers), item)
        if rule == "chain":
            item = np.where(follows, (last * 7 + 3) % ITEMS, item)
        day = start + gap * number + rng.integers(0, gap // 2, customers)
        rows.append(np.column_stack([everyone, np.minimum(day, DAY), item]))
        last = item
    return laid_out(np.vstack(rows))


@pytest.fixture(scope="session")
def buyers():
    return SimpleNamespace(drawn=drawn, laid_out=laid_out, DAY=DAY, AS_OF=dt.date(2026, 6, 30), ITEMS=ITEMS)
