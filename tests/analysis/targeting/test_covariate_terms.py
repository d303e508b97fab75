"""Covariates as a matrix: by hand, within what was seen, and the same whatever the order of rows and columns."""

import numpy as np
import pandas as pd
import pytest

from crmlib.analysis.targeting.covariate_terms import CovariateTerms


def people(size=200):
    rng = np.random.default_rng(1)
    known = pd.DataFrame({"days": rng.exponential(50, size), "club": rng.random(size) < 0.3})
    known.loc[::9, "days"] = np.nan
    known["channel"] = rng.choice(["web", "shop", None], size, p=[0.6, 0.3, 0.1])
    return known


def test_linear_terms_by_hand():
    names = ["web"] * 30 + ["shop"] * 25 + ["fair"] * 3 + [None] * 2
    known = pd.DataFrame({"days": [1.0, 3.0] * 29 + [np.nan] * 2, "channel": names})
    found = CovariateTerms().fit_transform(known)
    days = known["days"].fillna(2.0).to_numpy()
    gone = np.append(np.zeros(58), [1.0, 1.0])
    assert found[:, 0] == pytest.approx((days - 2) / np.sqrt(58 / 60))
    assert found[:, 1] == pytest.approx((gone - 2 / 60) / np.sqrt(2 / 60 * 58 / 60))
    assert found[:, 2:].sum(axis=0).tolist() == [25, 30, 5], "shop, web, and the rare with the missing"


@pytest.mark.parametrize("linear", [True, False])
def test_nothing_beyond_the_training_is_seen(linear):
    known = people()
    terms = CovariateTerms(linear).fit(known)
    far = pd.DataFrame({"days": [1e9, -5.0], "club": [True, False], "channel": ["fair", "kiosk"]})
    edge = far.assign(days=[known["days"].max(), known["days"].min()], channel=None)
    np.testing.assert_array_equal(terms.transform(far), terms.transform(edge))


@pytest.mark.parametrize("linear", [True, False])
@pytest.mark.parametrize("kind", ["object", "str", "category"])
def test_kind_of_names_order_of_rows_and_of_columns_change_nothing(linear, kind):
    known = people()
    terms = CovariateTerms(linear).fit(known)
    other = known.assign(channel=known["channel"].astype(kind))[["channel", "club", "days"]].iloc[::-1]
    np.testing.assert_array_equal(terms.transform(known), terms.transform(other)[::-1])
    again = CovariateTerms(linear).fit(other[["days", "club", "channel"]]).transform(known)
    np.testing.assert_allclose(again, terms.transform(known), atol=1e-12)


def test_trees_see_gaps_and_places_of_names():
    known = people()
    terms = CovariateTerms(linear=False).fit(known)
    found = terms.transform(known)
    assert terms.named_ == [2] and terms.levels_["channel"].tolist() == ["shop", "web"]
    np.testing.assert_array_equal(found[:, 0], known["days"].to_numpy())
    np.testing.assert_array_equal(found[:, 2], known["channel"].map({"shop": 0.0, "web": 1.0}))


def test_columns_of_one_value_or_of_none_add_nothing():
    known = people().assign(same=7.0, empty=np.nan, fraction=0.1 + 0.2)
    terms = CovariateTerms().fit_transform(known)
    flat = np.ptp(terms, axis=0) == 0
    assert np.isfinite(terms).all() and (terms[:, flat] == 0).all() and flat.sum() >= 3
    trees = CovariateTerms(linear=False).fit_transform(known)
    assert (trees[:, 3] == 0).all(), "a column without a value is refused by the trees"


def test_the_input_is_not_changed():
    known = people()
    before = known.copy()
    CovariateTerms(linear=False).fit(known).transform(known)
    pd.testing.assert_frame_equal(known, before)
