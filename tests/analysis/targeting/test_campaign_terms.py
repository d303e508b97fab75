"""Terms: where a contact begins to pay, and what is refused."""

import numpy as np
import pytest

from crmlib.analysis.targeting.campaign_terms import ContactTerms, OfferTerms
from crmlib.analysis.targeting.save_rate import MeasuredSaveRate, SaveRate
from crmlib.errors import ParameterError


def profit(p, value, terms):
    kept = p * (terms.save_rate.mean * (value - terms.offer_cost) - terms.contact_cost)
    return kept - (1 - p) * (terms.offer_cost + terms.contact_cost)


@pytest.mark.parametrize(
    "terms", [OfferTerms(), OfferTerms(80, 12, 3, SaveRate(0.2, 9)), OfferTerms(50, 0, 2)]
)
def test_at_break_even_a_contact_earns_nothing(terms):
    p = terms.break_even_probability()
    assert profit(p, terms.value, terms) == pytest.approx(0)
    assert profit(p + 0.01, terms.value, terms) > 0 > profit(p - 0.01, terms.value, terms)
    for chance in (0.1, 0.5, 1.0):
        assert profit(chance, terms.break_even_value(chance), terms) == pytest.approx(0)
    assert terms.break_even_value(p) == pytest.approx(terms.value)


@pytest.mark.parametrize(
    "options, named",
    [
        ({"value": 10.0}, "value"), ({"offer_cost": -1}, "offer_cost"), ({"contact_cost": np.nan}, "contact_cost"),
        ({"value": np.inf}, "value"), ({"save_rate": 0.3}, "SaveRate"),
        ({"save_rate": MeasuredSaveRate(120, 1000, 200, 1000)}, "as_assumed"),
    ],
)  # fmt: skip
def test_impossible_offers_are_refused(options, named):
    with pytest.raises(ParameterError, match=named):
        OfferTerms(**options)


@pytest.mark.parametrize(
    "options, named",
    [
        ({"contact_cost": -1}, "contact_cost"), ({"offer_cost": np.inf}, "offer_cost"), ({"acceptance": 1.2}, "acceptance"),
        ({"annoyance": -0.1}, "annoyance"), ({"value_doubt": -1}, "value_doubt"), ({"risk_doubt": np.nan}, "risk_doubt"),
        ({"save_rate": 0.3}, "save rate"),
    ],
)  # fmt: skip
def test_impossible_terms_are_refused(options, named):
    with pytest.raises(ParameterError, match=named):
        ContactTerms(**{"contact_cost": 1.0} | options)
