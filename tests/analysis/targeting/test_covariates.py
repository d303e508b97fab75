"""Covariates as numbers and groups."""

import numpy as np
import pandas as pd
import pytest

from crmlib.analysis.targeting.covariates import covariate_matrix, tiers


def test_missing_numbers_take_the_mean_and_are_marked():
    found = covariate_matrix(pd.DataFrame({"days": [1.0, np.nan, 5.0]}, index=list("abc")))
    assert found.to_dict("list") == {"days": [1.0, 3.0, 5.0], "days missing": [0.0, 1.0, 0.0]}
    assert found.index.tolist() == list("abc")


def test_columns_that_do_not_vary_are_left_out():
    frame = pd.DataFrame({"same": 1.0, "empty": np.nan, "one_name": "web", "flag": [True, False]})
    assert covariate_matrix(frame).columns.tolist() == ["flag"]
    assert covariate_matrix(frame[["same", "empty"]]).shape == (2, 0)


@pytest.mark.parametrize("kind", ["object", "str", "category"])
def test_names_become_columns_but_for_the_most_frequent_and_the_rare(kind):
    names = pd.Series(["web"] * 50 + ["shop"] * 30 + ["fair"] * 19 + [None] * 21).astype(kind)
    found = covariate_matrix(names.to_frame("channel"))
    assert found.columns.tolist() == ["channel: shop", "channel: missing"]
    assert found.sum().tolist() == [30, 21]


def test_the_order_of_rows_changes_nothing():
    rng = np.random.default_rng(1)
    frame = pd.DataFrame({"n": rng.normal(size=90), "name": rng.choice(["a", "b", "c"], 90)})
    mixed = frame.sample(frac=1, random_state=2)
    pd.testing.assert_frame_equal(covariate_matrix(mixed).sort_index(), covariate_matrix(frame))


def test_tiers_are_about_equal_and_keep_equal_values_together():
    assert tiers(np.arange(100.0), 4).tolist() == [1] * 25 + [2] * 25 + [3] * 25 + [4] * 25
    assert len(set(tiers(np.ones(50), 5))) == 1
    values = np.array([0.0] * 60 + list(range(1, 41)))
    found = tiers(values, 4)
    assert len(set(found[:60])) == 1 and found.max() == 4 and (np.diff(found) >= 0).all()
