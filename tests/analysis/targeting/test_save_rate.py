"""Save rates: beta distributions by their integrals, tests by a known truth."""

import numpy as np
import pytest
from scipy import stats
from scipy.integrate import quad

from crmlib.analysis.targeting.save_rate import MeasuredSaveRate, SaveRate
from crmlib.errors import ParameterError, TooLittleData


def test_parts_of_the_distribution_agree_with_numeric_integration():
    rate = SaveRate(0.25, 12)
    density = stats.beta(rate.alpha, rate.beta).pdf
    for end in (0.0, 0.1, 0.3, 0.8, 1.0):
        assert rate.below(end) == pytest.approx(quad(density, 0, end)[0], abs=1e-9)
        assert rate.mean_below(end) == pytest.approx(quad(lambda g: g * density(g), 0, end)[0], abs=1e-9)
    assert rate.mean_below(5.0) == pytest.approx(0.25)


def test_draws_have_the_mean_and_the_interval_of_the_distribution():
    rate = SaveRate(0.3, 20)
    drawn = rate.draws(np.random.default_rng(1), 200_000)
    assert drawn.mean() == pytest.approx(0.3, abs=0.001)
    assert np.quantile(drawn, [0.025, 0.975]) == pytest.approx(rate.interval(), abs=0.003)
    assert drawn.var() == pytest.approx(0.3 * 0.7 / 21, rel=0.02)


def test_a_rate_that_is_known_has_no_spread():
    rate = SaveRate(0.3, np.inf)
    assert rate.interval() == (0.3, 0.3) and (rate.draws(np.random.default_rng(1), 5) == 0.3).all()
    assert rate.below(np.array([0.29, 0.3, 0.31])).tolist() == [0, 1, 1]
    assert rate.mean_below(np.array([0.29, 0.31])).tolist() == [0, 0.3]


@pytest.mark.parametrize(
    "mean, strength", [(0, 20), (1, 20), (-0.1, 20), (np.nan, 20), (0.3, 0), (0.3, np.nan)]
)
def test_impossible_rates_are_refused(mean, strength):
    with pytest.raises(ParameterError, match="save rate"):
        SaveRate(mean, strength)


def test_a_test_without_effect_has_a_rate_of_nothing_and_an_interval_on_both_sides():
    found = MeasuredSaveRate(200, 1000, 200, 1000)
    low, high = found.interval()
    assert found.mean == 0 and low < 0 < high
    with pytest.raises(TooLittleData, match="interval above 0"):
        found.as_assumed()


def test_a_contact_that_drives_away_has_a_negative_rate():
    found = MeasuredSaveRate(300, 1000, 200, 1000)
    assert found.mean == pytest.approx(-0.5) and found.interval()[1] < 0


def test_the_interval_of_a_test_holds_the_truth_as_often_as_it_says():
    rng = np.random.default_rng(5)
    truth, inside = 0.25, 0
    for _ in range(300):
        found = MeasuredSaveRate(
            int(rng.binomial(800, 0.3 * (1 - truth))), 800, int(rng.binomial(500, 0.3)), 500
        )
        low, high = found.interval(0.9)
        inside += low < truth < high
    assert 0.85 < inside / 300 < 0.95


def test_the_interval_agrees_with_the_delta_method_on_the_logarithm_of_the_relative_risk():
    """Katz, Baptista, Azen & Pike (1978), Biometrics 34:469-474."""
    found = MeasuredSaveRate(1500, 10_000, 1000, 5_000)
    error = np.sqrt(1 / 1500 - 1 / 10_000 + 1 / 1000 - 1 / 5_000)
    ends = 1 - 0.75 * np.exp(np.array([1.959964, -1.959964]) * error)
    assert found.interval() == pytest.approx(ends, abs=0.003)


def test_a_clear_test_becomes_a_beta_distribution_of_the_same_mean_and_spread():
    found = MeasuredSaveRate(120, 1000, 200, 1000)
    rate = found.as_assumed()
    drawn = found.draws(np.random.default_rng(3), 100_000)
    assert rate.mean == pytest.approx(drawn.mean(), abs=0.003)
    spread = np.sqrt(rate.mean * (1 - rate.mean) / (rate.strength + 1))
    assert spread == pytest.approx(drawn.std(), rel=0.02)


def test_thin_or_impossible_tests_are_refused():
    with pytest.raises(TooLittleData, match="29 customers contacted"):
        MeasuredSaveRate(3, 29, 20, 100)
    with pytest.raises(TooLittleData, match="9 who left"):
        MeasuredSaveRate(3, 100, 9, 100)
    with pytest.raises(ParameterError, match="120 who left of 100 contacted"):
        MeasuredSaveRate(120, 100, 20, 100)
