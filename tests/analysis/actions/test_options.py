"""Options: every customer with every action he is eligible for."""

import pandas as pd
import pytest

from crmlib.analysis.actions.options import Options
from crmlib.errors import DataError


def offer(**gains):
    return pd.DataFrame({"gain": list(gains.values()), "cost": 1.0}, index=list(gains))


def test_options_stand_by_customer_and_by_the_order_of_the_menu():
    offers = {"reprice": offer(B=3.0), "save": offer(C=1.0, B=2.0, A=0.0, Z=5.0)}
    found = Options.of(pd.Index(["C", "A", "B"]), offers)
    assert found.customers.tolist() == ["A", "B", "C"] and found.actions == ("save", "reprice")
    assert list(zip(found.ids(), found.names(), found.table["gain"], strict=True)) == [
        ("B", "save", 2.0), ("B", "reprice", 3.0), ("C", "save", 1.0)
    ]  # fmt: skip
    assert found.contacts().tolist() == [True, False, True]
    assert found.by_channel("letter").tolist() == [True, False, True]
    assert found.where([False, True, True]).names().tolist() == ["reprice", "save"]


def test_nothing_to_offer_is_no_error():
    found = Options.of(pd.Index(["A"]), {})
    assert found.actions == () and found.table.empty and found.contacts().tolist() == []


@pytest.mark.parametrize(
    ("customers", "offers", "words"),
    [
        (["A", "A"], {}, "stands twice"),
        (["A"], {"save": pd.concat([offer(A=1.0)] * 2)}, "stands twice"),
        (["A"], {"dance": offer(A=1.0)}, "'dance'"),
        (["A"], {"save": offer(A=float("nan"))}, "without gain or cost"),
    ],
)
def test_what_cannot_be_is_refused(customers, offers, words):
    with pytest.raises(DataError, match=words):
        Options.of(pd.Index(customers), offers)
