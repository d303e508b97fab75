"""Odd columns: each has a stated treatment or a refusal."""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone

from crmlib.analysis.churn.encoding import FeatureTable, LinearTerms
from crmlib.errors import DataError


@pytest.fixture(scope="module")
def known():
    rng = np.random.default_rng(1)
    return pd.DataFrame(
        {
            "orders": rng.poisson(3, 300),
            "margin": np.where(rng.random(300) < 0.2, np.nan, rng.normal(20, 40, 300)),
            "channel": pd.Categorical(rng.choice(["web", "shop", None], 300)),
            "city": rng.choice(["Padova", "Vicenza", "Verona"], 300, p=[0.6, 0.38, 0.02]),
            "member": rng.random(300) < 0.5,
        }
    )


def test_a_name_has_a_place_and_a_rare_later_or_missing_one_its_own_treatment(known):
    table = FeatureTable().fit(known)
    assert table.categories_["city"].tolist() == ["Padova", "Vicenza"]
    new = pd.concat([known.iloc[:4]] * 1, ignore_index=True).assign(
        city=["Vicenza", "Verona", "Milano", None], channel=["web", "fair", None, "shop"]
    )
    found = table.transform(new)
    assert found["city"].tolist()[:3] == [1, 2, 2] and np.isnan(found["city"].iloc[3])
    assert found["channel"].isna().tolist() == [False, False, True, False]
    assert set(found.dtypes) == {np.dtype("float64")}


def test_the_kind_of_text_column_changes_nothing(known):
    table = FeatureTable().fit(known)
    as_text = known.assign(channel=known["channel"].astype("object"), city=known["city"].astype("category"))
    pd.testing.assert_frame_equal(table.transform(as_text), table.transform(known))
    pd.testing.assert_frame_equal(FeatureTable().fit(as_text).transform(known), table.transform(known))


def test_whole_numbers_with_missing_values_and_flags_become_plain_numbers(known):
    table = FeatureTable(["orders", "member"]).fit(known)
    new = pd.DataFrame(
        {"orders": pd.array([1, None], dtype="Int64"), "member": pd.array([True, None], dtype="boolean")}
    )
    found = table.transform(new)
    assert found.iloc[0].tolist() == [1, 1] and found.iloc[1].isna().all()


def test_columns_come_in_the_order_of_training_and_others_are_not_looked_at(known):
    table = FeatureTable().fit(known)
    mixed = known[known.columns[::-1]].assign(new_column="anything")
    pd.testing.assert_frame_equal(table.transform(mixed), table.transform(known))
    assert table.get_feature_names_out().tolist() == known.columns.tolist()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda frame: frame.drop(columns=["margin", "city"]), r"without the column\(s\) margin, city"),
        (lambda frame: frame.assign(margin=np.inf), "infinite values in column margin"),
        (lambda frame: frame.assign(margin="much"), "column margin of kind str"),
        (lambda frame: frame.assign(orders=pd.Timestamp("2026-01-01")), "column orders of kind datetime"),
    ],
)
def test_what_cannot_be_scored_is_refused_by_name(known, change, said):
    with pytest.raises(DataError, match=said):
        FeatureTable().fit(known).transform(change(known))


def test_days_as_dates_are_refused_in_training(known):
    with pytest.raises(DataError, match="numbers of days"):
        FeatureTable().fit(known.assign(since=pd.Timestamp("2026-01-01")))


def terms_of(table):
    return LinearTerms(table.columns_, tuple(table.categories_))


def test_numbers_keep_their_order_in_terms_that_do_not_know_the_currency():
    rng = np.random.default_rng(2)
    money = pd.DataFrame({"margin": rng.normal(0, 1, 400) * rng.lognormal(3, 2, 400)})
    found = LinearTerms(["margin"], []).fit_transform(money)[:, 0]
    assert (pd.Series(found).rank() == money["margin"].rank()).all() and np.abs(found).max() < 4
    assert found.mean() == pytest.approx(0, abs=1e-12) and found.std() == pytest.approx(1)
    cents = LinearTerms(["margin"], []).fit_transform(100 * money)[:, 0]
    np.testing.assert_allclose(cents, found, atol=1e-12)
    assert (LinearTerms(["margin"], []).fit_transform(money * 0) == 0).all()


def test_long_tails_are_drawn_in_by_hand():
    terms = LinearTerms(["margin"], []).fit(np.array([[0.0], [-4.0], [8.0], [np.nan], [0.0]]))
    assert terms.unit_.tolist() == [6] and terms.owners_ == ["margin", "margin"]
    plain = np.array([0, np.arcsinh(-4 / 6), np.arcsinh(8 / 6), 0, 0])
    found = terms.transform(np.array([[0.0], [-4.0], [8.0], [np.nan], [0.0]]))
    np.testing.assert_allclose(found[:, 0], (plain - plain.mean()) / plain.std())
    np.testing.assert_allclose(found[:, 1], (np.arange(5) == 3) / 0.4 - 0.5)


def test_a_chance_becomes_log_odds_and_stays_finite():
    alive = np.array([[0.0], [0.5], [0.9], [1.0]])
    terms = LinearTerms(["p_alive"], []).fit(alive)
    found = terms.transform(alive)[:, 0] * terms.spread_ + terms.mean_
    assert found[1] == pytest.approx(0) and found[2] == pytest.approx(np.log(9)) and np.isfinite(found).all()


def test_names_have_a_term_each_and_new_ones_none():
    terms = LinearTerms(["channel"], ["channel"]).fit(np.array([[0.0], [2.0], [np.nan]]))
    found = terms.transform(np.array([[2.0], [1.0], [np.nan], [0.0]]))
    assert terms.owners_ == ["channel"] * 3 and found.sum(axis=1).tolist() == [1, 0, 1, 1]
    assert len(np.unique(found[[0, 2, 3]], axis=0)) == 3


def test_each_term_of_the_linear_model_has_one_owner(known):
    table = FeatureTable().fit(known.assign(empty=np.nan, same=1.0))
    numbers = table.transform(known.assign(empty=np.nan, same=1.0))
    terms = terms_of(table).fit(numbers)
    owners = terms.owners_
    found = terms.transform(numbers)
    assert found.shape == (300, len(owners)) and np.isfinite(found).all()
    assert owners[:5] == ["orders", "margin", "member", "empty", "same"]
    for name in table.columns_:  # moving one column moves its own terms only
        if name == "empty":
            continue
        moved = terms.transform(numbers.assign(**{name: numbers[name].to_numpy()[::-1]}))
        changed = {owners[place] for place in np.flatnonzero(np.abs(moved - found).max(axis=0) > 0)}
        assert changed <= {name} and (changed or name == "same")


def test_a_column_of_one_value_or_of_none_has_terms_of_zero(known):
    odd = known.assign(empty=np.nan, same=7.0)
    table = FeatureTable().fit(odd)
    terms = terms_of(table).fit(table.transform(odd))
    found = pd.DataFrame(terms.transform(table.transform(odd)), columns=terms.owners_)
    assert (found[["empty", "same"]].abs() < 1e-12).all(axis=None)


def test_a_step_can_be_cloned():
    assert clone(FeatureTable(["a"], least=3)).get_params() == {"columns": ["a"], "least": 3}
