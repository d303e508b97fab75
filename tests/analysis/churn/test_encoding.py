"""Odd columns: each has a stated treatment or a refusal."""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone

from crmlib.analysis.churn.encoding import FeatureTable, Unskewed, linear_terms, term_owners
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


def test_unskewed_numbers_keep_their_order_and_do_not_know_the_currency():
    rng = np.random.default_rng(2)
    money = pd.DataFrame({"margin": rng.normal(0, 1, 400) * rng.lognormal(3, 2, 400)})
    found = Unskewed().fit(money).transform(money)["margin"]
    assert (found.rank() == money["margin"].rank()).all() and found.abs().max() < 12
    cents = Unskewed().fit(100 * money).transform(100 * money)["margin"]
    np.testing.assert_allclose(cents, found)
    assert Unskewed().fit(money * 0).transform(money * 0)["margin"].eq(0).all()


def test_a_chance_becomes_log_odds_and_stays_finite():
    alive = pd.DataFrame({"p_alive": [0.0, 0.5, 0.9, 1.0]})
    found = Unskewed().fit(alive).transform(alive)["p_alive"]
    assert found.iloc[1] == 0 and found.iloc[2] == pytest.approx(np.log(9)) and np.isfinite(found).all()


def test_each_term_of_the_linear_model_has_one_owner(known):
    table = FeatureTable().fit(known.assign(empty=np.nan, same=1.0))
    numbers = table.transform(known.assign(empty=np.nan, same=1.0))
    terms = linear_terms(table).fit(numbers)
    owners = term_owners(terms)
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
    terms = linear_terms(table).fit(table.transform(odd))
    found = pd.DataFrame(terms.transform(table.transform(odd)), columns=term_owners(terms))
    assert (found[["empty", "same"]].abs() < 1e-12).all(axis=None)


def test_a_step_can_be_cloned():
    assert clone(FeatureTable(["a"], least=3)).get_params() == {"columns": ["a"], "least": 3}
