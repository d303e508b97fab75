"""Customers whose true chance to stay away is known, day by day."""

from datetime import date, timedelta
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit

from crmlib.analysis.churn.contest import run_contest
from crmlib.analysis.churn.forecast import forecast_churn
from crmlib.analysis.churn.snapshot import Snapshot

LAST = date(2026, 6, 30)
WINDOW = 91


def made(day=LAST, size=1500, seed=1, shift=0.0, known=True, steep=1.0, columns=None):
    """One day: a snapshot, and the true chances of its customers, who are the same on all days."""
    own = np.random.default_rng(seed)
    rate = own.gamma(1.2, 1, size) + 0.05
    channel = own.choice(["web", "shop", "reseller"], size, p=[0.5, 0.3, 0.2])
    rng = np.random.default_rng([seed, day.toordinal()])
    recency = np.round(np.minimum(rng.exponential(60 / rate), 700))
    orders = rng.poisson(4 * rate)
    truth = expit(steep * (-1 + recency / 90 - 0.35 * orders + 0.8 * (channel == "reseller")) + shift)
    features = pd.DataFrame(
        {
            "recency_days": recency,
            "p_alive": expit(1.5 - recency / 60 + rng.normal(0, 1.5, size)),
            "orders": orders,
            "days_between": np.where(
                orders > 1, 365 / np.maximum(orders, 1) + rng.normal(0, 5, size), np.nan
            ),
            "channel": pd.Categorical(channel),
            "shoe_size": rng.integers(35, 47, size),
        },
        index=pd.Index([f"C{number:05d}" for number in range(size)], name="customer_id"),
    )
    outcome = pd.DataFrame({"churned": rng.random(size) < truth, "margin": 0.0}, index=features.index)
    features = features if columns is None else features[columns]
    return Snapshot(day, WINDOW, features, outcome if known else None), pd.Series(truth, features.index)


def days(count):
    """Days one window apart; the last window ends on the last day."""
    return [LAST - timedelta(days=WINDOW * number) for number in range(count, 0, -1)]


def history(count=6, **options):
    """Snapshots of several days with known outcomes."""
    return [made(day, **options)[0] for day in days(count)]


@pytest.fixture(scope="session")
def churners():
    return SimpleNamespace(made=made, days=days, history=history, LAST=LAST, WINDOW=WINDOW)


@pytest.fixture(scope="session")
def tried():
    """A contest, the forecast of the last day that follows, and the true chances of that day."""
    snapshots = history()
    contest = run_contest(snapshots, n_resamples=100)
    now, truth = made(known=False)
    return SimpleNamespace(
        snapshots=snapshots,
        contest=contest,
        now=now,
        truth=truth,
        forecast=forecast_churn(snapshots, now, contest),
    )
