"""Spreads of a difference of means, against draws."""

import numpy as np
import pytest

from crmlib.analysis.targeting.trial_outcomes import Amount, Rate
from crmlib.errors import ParameterError


def test_the_spread_of_a_rate_is_that_of_tests_carried_out():
    rng, customers, share = np.random.default_rng(1), 2000, 0.3
    without, with_effect = Rate(0.2).spreads(0.1, share)
    for effect, spread, control in ((0.1, with_effect, 0.2), (0.0, without, 0.2 * 0.3 + 0.3 * 0.7)):
        out = rng.binomial(600, control, 40_000) / 600
        contacted = rng.binomial(1400, control + effect, 40_000) / 1400
        assert (contacted - out).std() * np.sqrt(customers) == pytest.approx(spread, rel=0.02)


def test_the_spread_of_an_amount_knows_both_arms():
    assert Amount(3.0).spreads(1.0, 0.5) == pytest.approx((6.0, 6.0))
    assert Amount(3.0, 4.0).spreads(1.0, 0.25)[0] == pytest.approx(np.sqrt(9 / 0.25 + 16 / 0.75))


def test_a_rate_has_a_largest_rise_and_money_has_none():
    assert Rate(0.9).largest() == pytest.approx(0.1) and Amount(1.0).largest() == np.inf


@pytest.mark.parametrize(
    "make", [lambda: Rate(0.0), lambda: Rate(1.0), lambda: Amount(0.0), lambda: Amount(1.0, np.nan)]
)
def test_what_cannot_be_is_refused(make):
    with pytest.raises(ParameterError, match="a rate of|a standard deviation of"):  # noqa: RUF043
        make()
