"""The catalogue: every feature has a meaning, a unit, what it needs, and words that can be said."""

import pytest

from crmlib.analysis.churn.catalogue import feature_catalogue, features_of, wordings
from crmlib.errors import ParameterError
from crmlib.intake.contract import TABLES


def test_names_are_told_once_and_whole():
    found = feature_catalogue()
    assert found.index.is_unique and len(found) > 30
    assert (found[["meaning", "unit", "needs"]].map(len) > 0).all(axis=None)
    assert list(wordings()) == found.index.tolist()


def test_what_is_needed_is_in_the_contract():
    for one in features_of():
        for need in one.needs:
            table, _, column = need.partition(".")
            assert not column or TABLES[table][column]
            assert table in TABLES


@pytest.mark.parametrize("one", features_of(), ids=lambda one: one.name)
def test_words_hold_the_value_and_what_is_typical(one):
    value, usual = ("web", "shop") if one.unit == "name" else (0.25, 0.5)
    said = one.wording.known.format(value=value, typical=usual)
    assert "{" not in said + one.wording.missing
    assert "typically" in said
    assert any(told in said for told in ("web", "0.25", "25%"))


def test_months_looked_back_are_in_names_and_words():
    found = feature_catalogue((2, 8))
    assert {"orders_2m", "orders_8m"} <= set(found.index) and "orders_12m" not in found.index
    assert "the last 4 against the 4 months before" in found.loc["trend_orders", "meaning"]


@pytest.mark.parametrize("months", [(), (0, 3), (12, 3), (3, 3)])
def test_odd_months_are_refused(months):
    with pytest.raises(ParameterError, match="look_back_months"):
        features_of(months)
