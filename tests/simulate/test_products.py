import numpy as np
import pytest

from crmlib.intake.simulate.products import CATEGORIES, CONTRACT_MIX, ENTRY_SHARES, FOLLOWS, product_range


def test_prices_climb_within_each_category_and_the_search_ladder_is_sorted(products):
    for number in range(len(CATEGORIES)):
        prices = products.list_price[products.category == number]
        assert (np.diff(prices) >= 0).all()
    assert (np.diff(products.ladder) >= 0).all()


def test_names_and_ids_are_unique_and_accents_survive(products):
    assert (
        len(set(products.table["product_id"])) == len(set(products.table["name"])) == products.category.size
    )
    assert any("L'Aquila" in name for name in products.table["name"])
    assert any("Città" in name for name in products.table["name"])


def test_dearer_tiers_leave_a_better_margin(products):
    share = products.unit_cost / products.list_price
    for number in range(len(CATEGORIES)):
        entry, core, premium = (
            share[(products.category == number) & (products.tier == tier)].mean() for tier in range(3)
        )
        assert entry > core > premium


def test_mixes_are_shares_and_people_stay_near_their_entry():
    assert FOLLOWS.sum(axis=1) == pytest.approx(np.ones(len(CATEGORIES)))
    assert (FOLLOWS.argmax(axis=1) == np.arange(len(CATEGORIES))).all()
    assert CONTRACT_MIX.sum() == pytest.approx(1)
    assert sum(ENTRY_SHARES) == pytest.approx(1)


def test_the_range_is_the_same_every_time(products):
    again = product_range()
    assert (again.list_price == products.list_price).all()
    assert (again.table["supplier_id"] == products.table["supplier_id"]).all()
