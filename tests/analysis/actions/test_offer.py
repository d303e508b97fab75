"""Prices of contacts and offers."""

import pytest

from crmlib.analysis.actions.offer import Offer, Prices
from crmlib.errors import ParameterError


@pytest.mark.parametrize("name", ["letter", "call", "offer"])
def test_a_price_below_zero_is_refused(name):
    with pytest.raises(ParameterError, match=f"{name} = -1"):
        Prices(**{name: -1.0})


def test_an_action_left_out_has_no_customers():
    assert Offer.missing("It needs x.").table is None
