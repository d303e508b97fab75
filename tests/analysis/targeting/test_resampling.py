"""Customers drawn anew with all their rows."""

import numpy as np

from crmlib.analysis.targeting import resampling
from crmlib.analysis.targeting.resampling import customer_weights
from crmlib.analysis.targeting.trial import Trial


def all_weights(trial, draws, seed):
    parts = list(customer_weights(trial, draws, seed))
    assert [p[0].start for p in parts] + [draws] == [0] + [p[0].stop for p in parts]
    return np.concatenate([weights for _, weights in parts])


def test_rows_of_a_customer_count_alike_and_as_many_customers_are_drawn_as_there_are(trial_of):
    trial = trial_of(customers=40, campaigns=3)
    weights = all_weights(trial, 30, seed=1)
    by_campaign = weights.reshape(30, 3, 40)
    assert (by_campaign == by_campaign[:, :1]).all()
    assert (by_campaign[:, 0].sum(axis=1) == 40).all()


def test_each_customer_counts_once_in_the_mean(trial_of):
    weights = all_weights(trial_of(customers=50), 4000, seed=1)
    assert abs(weights.mean(axis=0) - 1).max() < 0.08
    assert abs(weights.var() - (1 - 1 / 50)) < 0.03, "a binomial of 50 with chance 1 in 50"


def test_blocks_and_the_order_of_rows_change_nothing(trial_of, monkeypatch):
    trial = trial_of(customers=40, campaigns=2)
    whole = all_weights(trial, 20, seed=3)
    monkeypatch.setattr(resampling, "_BLOCK", 7 * len(trial.rows))
    assert (all_weights(trial, 20, seed=3) == whole).all()
    mixed = trial.rows.sample(frac=1, random_state=1)
    again = all_weights(Trial.of(mixed, trial.outcomes), 20, seed=3)
    assert (again[:, np.argsort(mixed.index.to_numpy())] == whole).all()
    assert (all_weights(trial, 20, seed=4) != whole).any()
