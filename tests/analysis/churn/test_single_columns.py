"""What a column says alone: order, names, gaps, and nothing at all."""

from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from crmlib.analysis.churn.single_columns import single_column_auc
from crmlib.analysis.churn.snapshot import Snapshot
from crmlib.errors import TooLittleData


def days(count=3, size=2000):
    made = []
    for number in range(count):
        rng = np.random.default_rng(number)
        left = rng.random(size) < 0.3
        known = pd.DataFrame(
            {
                "falling": rng.normal(-1.0 * left, 1),
                "middle": np.where(left, rng.normal(0, 0.5, size), rng.choice([-2, 2], size) * 1.0),
                "gap": np.where(left & (rng.random(size) < 0.9), np.nan, 1.0),
                "name": pd.Categorical(np.where(rng.random(size) < 0.2, "x", np.where(left, "a", "b"))),
                "noise": rng.normal(size=size),
                "flat": 1.0,
            }
        )
        day = date(2025, 1, 1) + timedelta(days=100 * number)
        made.append(Snapshot(day, 90, known, pd.DataFrame({"churned": left, "margin": 0.0})))
    return made


def test_order_is_not_needed_and_missing_values_speak():
    snapshots = days()
    found = single_column_auc(snapshots)["auc"]
    last = snapshots[-1]
    assert found["falling"] == pytest.approx(roc_auc_score(last.churned, -last.features["falling"]), abs=0.02)
    assert found["middle"] > 0.95
    assert found["gap"] == pytest.approx(0.95, abs=0.02)
    assert found["name"] == pytest.approx(1 - 0.04 / 2 - 0.0, abs=0.02)
    assert found["noise"] == pytest.approx(0.5, abs=0.06)
    assert found["flat"] == 0.5


def test_the_error_is_that_of_repeated_draws():
    aucs = [single_column_auc([days(1, 4000)[0], one]).loc["falling"] for one in days(24, 400)[1:]]
    frame = pd.DataFrame(aucs)
    assert frame["auc"].std() == pytest.approx(frame["error"].mean(), rel=0.5)


def test_one_day_or_one_class_is_too_little():
    with pytest.raises(TooLittleData, match="1 days with a known outcome"):
        single_column_auc(days(1))
    stayed = [Snapshot(one.day, 90, one.features, one.outcome.assign(churned=False)) for one in days(2)]
    with pytest.raises(TooLittleData, match="0 who left"):
        single_column_auc(stayed)
