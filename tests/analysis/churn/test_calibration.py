"""Curves that correct probabilities: against scikit-learn, by hand, and where the truth is known."""

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit, logit
from sklearn.base import is_classifier
from sklearn.linear_model import LogisticRegression

from crmlib.analysis.churn.calibration import (
    CalibratedPredictor,
    LogisticCurve,
    fit_curve,
    logistic_curve,
    recalibration,
    rising_curve,
)
from crmlib.analysis.churn.predictors import Predictor
from crmlib.errors import TooLittleData


def drawn(size, intercept=0.0, slope=1.0, seed=1):
    rng = np.random.default_rng(seed)
    odds = rng.normal(-0.5, 1.5, size)
    return odds, rng.random(size) < expit(intercept + slope * odds)


@pytest.mark.parametrize(("intercept", "slope"), [(0.0, 1.0), (-0.7, 0.4), (1.0, 2.5), (0.2, -1.0)])
def test_the_line_is_that_of_an_unpenalised_logistic_regression(intercept, slope):
    odds, left = drawn(800, intercept, slope)
    found = recalibration(odds, left)
    peer = LogisticRegression(C=np.inf, tol=1e-10, solver="newton-cholesky").fit(odds[:, None], left)
    assert found == pytest.approx((peer.intercept_[0], peer.coef_[0, 0]), abs=1e-6)


def test_the_line_recovers_what_was_put_in_and_does_not_depend_on_the_scale():
    odds, left = drawn(200_000, -0.3, 0.6)
    assert recalibration(odds, left) == pytest.approx((-0.3, 0.6), abs=0.03)
    intercept, slope = recalibration(odds, left)
    assert recalibration(odds * 1e-3, left) == pytest.approx((intercept, slope * 1e3))


def test_equal_log_odds_move_the_level_alone_and_a_sharp_divide_has_no_line():
    assert recalibration(np.full(100, 2.0), np.arange(100) < 25) == pytest.approx((logit(0.25) - 2, 1.0))
    odds = np.linspace(-1, 1, 50)
    assert np.isnan(recalibration(odds, odds > 0)).all()
    assert np.isnan(recalibration(np.full(9, 1.0), np.ones(9))).all()


def test_a_sharp_divide_gets_a_finite_curve():
    odds = np.linspace(-1, 1, 50)
    curve = logistic_curve(odds, odds > 0)
    ends = curve.probabilities(np.array([-1.0, 1.0]))
    assert 0 < ends[0] < 0.1 and 0.9 < ends[1] < 1 and np.isfinite(curve.slope)


def test_the_rising_curve_by_hand():
    """Steps 0, 1/2 (two customers), 1 at log odds of -2, -0.5 and 3; ends at 1 / (n + 2)."""
    curve = rising_curve(np.array([-2.0, -1.0, 0.0, 3.0]), np.array([False, True, False, True]))
    assert curve.log_odds.tolist() == [-2, -0.5, 3] and curve.share.tolist() == pytest.approx(
        [1 / 6, 0.5, 5 / 6]
    )
    middle = curve.probabilities(np.array([-9.0, -1.25, 1.25, 9.0]))
    assert middle.tolist() == pytest.approx([1 / 6, 1 / 3, 2 / 3, 5 / 6])


def test_the_rising_curve_keeps_the_order_between_its_ends():
    odds, left = drawn(3000)
    curve = rising_curve(odds, left)
    inside = np.sort(odds[(odds > curve.log_odds[0]) & (odds < curve.log_odds[-1])])
    assert (np.diff(curve.probabilities(inside)) > 0).all()
    assert curve.probabilities(odds).mean() == pytest.approx(left.mean(), abs=0.01)


def test_few_customers_get_a_logistic_curve_and_many_too_unless_the_truth_bends():
    def bent(odds):
        return 0.1 + 0.8 * (odds > 0)

    for size, kind in ((1500, "logistic"), (20_000, "isotonic")):
        rng = np.random.default_rng(2)
        odds = rng.normal(0, 2, size)
        assert fit_curve(odds, rng.random(size) < bent(odds)).kind == kind
    assert fit_curve(*drawn(20_000, -0.3, 0.6)).kind == "logistic"


@pytest.mark.parametrize("bend", [False, True])
def test_corrected_probabilities_come_true(bend):
    rng = np.random.default_rng(3)
    odds = rng.normal(0, 2, 40_000)
    truth = 0.1 + 0.8 * (odds > 0) if bend else expit(-1 + 0.5 * odds)
    left = rng.random(40_000) < truth
    curve = fit_curve(odds[:20_000], left[:20_000])
    assert np.abs(curve.probabilities(odds[20_000:]) - truth[20_000:]).mean() < 0.02


def test_one_outcome_only_is_refused():
    with pytest.raises(TooLittleData, match="0 of 5 customers"):
        fit_curve(np.arange(5.0), np.zeros(5, dtype=bool))


def test_a_calibrated_predictor_is_a_classifier_that_is_never_quite_sure():
    people = pd.DataFrame(index=pd.Index(["B", "A"], name="customer_id"))
    sure = CalibratedPredictor(Predictor("base_rate", None, 0.5), LogisticCurve(30.0, 1.0))
    assert sure.predict_churn(people).to_dict() == {"B": 0.999999, "A": 0.999999}
    assert is_classifier(sure) and sure.predict(people).all() and sure.method == "base_rate"
    np.testing.assert_allclose(sure.predict_proba(people).sum(axis=1), 1)
