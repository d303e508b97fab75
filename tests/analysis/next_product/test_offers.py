"""What is offered to whom, with its chance and margin."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from crmlib.analysis.next_product.choice import choose_next_product
from crmlib.analysis.next_product.offers import next_offers


@pytest.fixture(scope="module")
def histories(buyers):
    return buyers.drawn("taste")


@pytest.fixture(scope="module")
def choice(buyers, histories):
    return choose_next_product(histories, buyers.AS_OF, test_days=60)


@pytest.fixture(scope="module")
def offers(histories, choice):
    return next_offers(histories, choice)


def test_everybody_is_offered_something_not_bought_before(histories, offers):
    assert offers.index.tolist() == histories.customers.tolist()
    item = histories.items.index.get_indexer(offers["product_id"])
    bought = histories.ever_bought().toarray()
    assert bought[np.arange(len(offers)), item].sum() == 0
    assert (offers["name"] == "Product " + offers["product_id"]).all()


def test_offers_follow_the_taste_of_customers(histories, offers):
    """Most offers are from the six products most of the customer's purchases are from."""
    own = histories.ever_bought().toarray().reshape(len(offers), 4, 6).sum(axis=2).argmax(axis=1)
    offered = histories.items.index.get_indexer(offers["product_id"]) // 6
    assert (own == offered).mean() > 0.7


def test_margins_are_those_of_the_item(histories, choice, offers):
    margin = histories.items["margin_per_order"].loc[offers["product_id"]].to_numpy()
    assert offers["margin_per_order"].to_numpy() == pytest.approx(margin)
    assert offers["expected_margin"].to_numpy() == pytest.approx(margin * offers["probability"], rel=1e-5)
    seen = choice.reliability.loc["all"]
    assert seen["low"] < offers["probability"].mean() < seen["high"]


def test_some_customers_get_what_they_get_among_all(histories, choice, offers):
    few = pd.Index([offers.index[7], "nobody", offers.index[3]])
    pd.testing.assert_frame_equal(next_offers(histories, choice, few), offers.loc[[few[0], few[2]]])


def test_who_has_everything_is_offered_nothing_new(buyers, histories, choice):
    base = np.column_stack([histories.customer, histories.day, histories.item])
    owner = [(0, buyers.DAY - 30, item) for item in range(buyers.ITEMS)]
    full = buyers.laid_out(np.vstack([base, owner]))
    assert "C00000" not in next_offers(full, choice).index


def test_names_of_customers_change_nothing(histories, choice, offers):
    renamed = replace(
        histories, customers=pd.Index([f"<{n}>" for n in range(len(offers))], name="customer_id")
    )
    again = next_offers(renamed, choice)
    assert again["product_id"].tolist() == offers["product_id"].tolist()
