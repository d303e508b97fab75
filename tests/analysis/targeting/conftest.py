"""Tests with a known truth: what a contact does to each row is drawn first, what is seen of it afterwards."""

import numpy as np
import pandas as pd
import pytest

from crmlib.analysis.targeting.trial import Trial


def drawn_trial(customers=2000, campaigns=1, treated=0.5, seed=1, effect=None, noise=1.0, cost=0.0):
    """Customers with covariates ``x`` (-1 to 1) and ``kind``; the margin is 2 x + noise, plus the effect if treated.

    `treated` is the share of each campaign, or one share for all; `effect` a function of the rows.
    """
    rng = np.random.default_rng(seed)
    shares = np.broadcast_to(treated, campaigns)
    parts = []
    own = pd.DataFrame({"x": rng.uniform(-1, 1, customers), "kind": rng.choice(["web", "shop"], customers)})
    taste = rng.normal(0, noise, customers)  # of the customer, the same in each campaign
    for number, share in enumerate(shares):
        rows = own.assign(
            customer_id=[f"C{i:05d}" for i in range(customers)],
            campaign_id=f"{number}",
            contacted_on=pd.Timestamp("2025-01-01") + pd.Timedelta(days=60 * number),
            treated=rng.random(customers) < share,
        )
        rows["true"] = 1.0 if effect is None else effect(rows)
        rows["margin"] = (
            2 * rows["x"] + taste + rng.normal(0, noise, customers) + rows["true"] * rows["treated"]
        )
        rows["bought"] = (rng.random(customers) < 0.3 + 0.1 * rows["treated"]).astype(float)
        parts.append(rows)
    frame = pd.concat(parts, ignore_index=True)
    frame["action"] = np.where(frame["treated"], "voucher", None)
    frame["cost"] = cost * frame["treated"]
    return Trial.of(frame, ["margin", "bought"], ["x", "kind"], response_days=28)


@pytest.fixture(scope="session")
def trial_of():
    """Return the function that draws a test."""
    return drawn_trial
