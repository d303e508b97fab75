"""Both sides: RFM, and clusters by stability on a draw of 5,000 customers, for 2 to 8 clusters."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

DRAWN, ROUNDS, MOST = 5_000, 100, 8
_LOGS = ("money", "profit", "value")


def customers(size: int, seed: int = 1) -> pd.DataFrame:
    """Draw customers of four kinds that overlap, with losses and equal values as real ones have."""
    rng = np.random.default_rng([seed, size])
    kind = rng.choice(4, size, p=[0.5, 0.25, 0.15, 0.1])
    level = np.array([0.6, 1.0, 2.2, 5.0])[kind]
    return pd.DataFrame(
        {
            "recency_days": rng.geometric(level / 300),
            "frequency": 1 + rng.poisson(level * 2),
            "money": (level * rng.gamma(2.0, 40.0, size)).round(2),
            "profit": (level * rng.gamma(2.0, 20.0, size) - 30.0).round(2),
            "value": (level**2 * rng.gamma(2.0, 30.0, size)).round(2),
            "churn": rng.beta(2.0, 1.0 + 2.0 * level),
        },
        index=pd.Index([f"C{number:08d}" for number in range(size)], name="customer_id"),
    )


def _ours(size: int, folder: Path) -> Callable[[], dict]:
    from crmlib.analysis.segments.cluster_count import cluster_count
    from crmlib.analysis.segments.cluster_features import cluster_features
    from crmlib.analysis.segments.clusters import fit_clusters
    from crmlib.analysis.segments.rfm import rfm

    frame = customers(size)

    def run() -> dict:
        scored = rfm(frame)
        features = cluster_features(frame, dict.fromkeys(_LOGS, "log") | {"churn": "plain"})
        found = cluster_count(features, most=MOST, rounds=ROUNDS, most_customers=DRAWN, least_jaccard=0.85)
        made = fit_clusters(features, max(found.chosen, 2)) if found.chosen > 1 else None
        return {
            "champions": float((scored.customers["recency_score"] == 5).mean()),
            "ari": found.table["ari"].loc[2:].tolist(),
            "chosen": found.chosen,
            "labelled": 0 if made is None else len(frame),
        }

    return run


def _by_hand(size: int, folder: Path) -> Callable[[], dict]:
    from sklearn.cluster import KMeans
    from sklearn.metrics import adjusted_rand_score
    from sklearn.preprocessing import StandardScaler

    frame = customers(size)

    def run() -> dict:
        score = pd.qcut(-frame["recency_days"].rank(method="average"), 5, labels=False, duplicates="drop") + 1
        for name in ("frequency", "money"):
            pd.qcut(frame[name].rank(method="average"), 5, labels=False, duplicates="drop")
        amounts = frame[list(_LOGS)]
        logs = np.sign(amounts) * np.log1p(amounts.abs() / amounts.abs().where(amounts != 0).median())
        points = StandardScaler().fit_transform(logs.assign(churn=frame["churn"]))
        rng = np.random.default_rng(1)
        drawn = points[rng.choice(size, DRAWN, replace=False)]
        ari = []
        for k in range(2, MOST + 1):
            whole = KMeans(k, n_init=10, random_state=1).fit(drawn)
            alike = []
            for _ in range(ROUNDS):
                again = drawn[rng.integers(0, DRAWN, DRAWN)]
                other = KMeans(k, n_init=3, random_state=1).fit(again)
                alike.append(adjusted_rand_score(whole.predict(drawn), other.predict(drawn)))
            ari.append(float(np.mean(alike)))
        best = int(np.argmax(ari)) + 2
        KMeans(best, n_init=10, random_state=1).fit(drawn).predict(points)
        return {"champions": float((score == 5).mean()), "ari": ari, "chosen": best, "labelled": size}

    return run


SIDES = {"crmlib": _ours, "by hand": _by_hand}


def same(size: int, ours: dict, peer: dict) -> str:
    """Say how far both sides agree on the steadiness of each number of clusters."""
    apart = max(abs(one - other) for one, other in zip(ours["ari"], peer["ari"], strict=True))
    score = abs(ours["champions"] - peer["champions"])
    return f"adjusted Rand within {apart:.2f}, share of the best recency within {score:.3f}"
