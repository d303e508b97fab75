"""The check of proportional hazards: against a fit that lets the effect change, and how often it cries wolf."""

import numpy as np
import pandas as pd
import pytest

from crmlib.analysis.survival.proportionality import score_tests


def breslow_free(size, seed, changes):
    """Lives without ties, of two kinds; where `changes`, the second kind ends sooner only at first."""
    rng = np.random.default_rng(seed)
    x = rng.integers(0, 2, size).astype(float)
    life = rng.exponential(1.0, size) * np.where((x == 1) & changes, rng.choice([0.3, 3.0], size), 1.0)
    seen = rng.uniform(0.5, 3, size)
    return x, np.minimum(life, seen), life <= seen


def fitted(x, duration, ended):
    from lifelines import CoxPHFitter

    return CoxPHFitter().fit(pd.DataFrame({"x": x, "d": duration, "e": ended}), "d", "e")


def checked(x, duration, ended, beta):
    zeros = np.zeros(len(x))
    return score_tests(x[:, None], np.array([beta]), zeros, duration, ended, zeros.astype(int), ["x"]).iloc[0]


def test_it_is_the_score_test_of_an_effect_that_goes_with_the_rank_of_age():
    """By hand, end by end: covariate times rank as a second coefficient whose score is tested at zero."""
    x, duration, ended = breslow_free(120, 3, True)
    beta = float(fitted(x, duration, ended).params_.iloc[0])
    times = np.sort(duration[ended])
    score, info = np.zeros(2), np.zeros((2, 2))
    for rank, time in enumerate(times):
        g = np.array([1.0, rank - (len(times) - 1) / 2])
        at = duration >= time
        w = np.exp(beta * x[at]) / np.exp(beta * x[at]).sum()
        mean = w @ x[at]
        own = x[(duration == time) & ended][0]
        score += g * (own - mean)
        info += np.outer(g, g) * (w @ x[at] ** 2 - mean**2)
    expected = score[1] ** 2 / (info[1, 1] - info[0, 1] ** 2 / info[0, 0])
    assert score[0] == pytest.approx(0, abs=1e-4)
    assert checked(x, duration, ended, beta)["chi_square"] == pytest.approx(expected, rel=1e-4)


def test_residuals_add_up_to_nothing_and_are_those_of_the_library():
    from crmlib.analysis.survival.proportionality import _residuals

    x, duration, ended = breslow_free(150, 5, False)
    fit = fitted(x, duration, ended)
    zeros = np.zeros(len(x))
    ours, _, ages = _residuals(x[:, None], fit.params_.to_numpy(), zeros, duration, ended, zeros.astype(int))
    assert ours.sum() == pytest.approx(0, abs=1e-4) and (ages == np.sort(duration[ended])).all()
    theirs = fit.compute_residuals(pd.DataFrame({"x": x, "d": duration, "e": ended}), "schoenfeld")
    order = duration[theirs.index].argsort(kind="stable")
    assert ours[:, 0] == pytest.approx(theirs["x"].to_numpy()[order], abs=1e-6)


def test_it_cries_wolf_as_often_as_its_level_and_sees_a_wolf():
    false, true = 0, 0
    for seed in range(120):
        for changes in (False, True):
            x, duration, ended = breslow_free(150, 100 + seed, changes)
            # The score at the maximum: a few Newton steps are enough for one coefficient.
            p = checked(x, duration, ended, newton(x, duration, ended))["p_value"] < 0.05
            true, false = true + (p and changes), false + (p and not changes)
    assert false / 120 <= 0.11 and true / 120 >= 0.35


def newton(x, duration, ended):
    from crmlib.analysis.survival.proportionality import _residuals

    beta, zeros = np.zeros(1), np.zeros(len(x))
    for _ in range(8):
        residuals, variances, _ = _residuals(x[:, None], beta, zeros, duration, ended, zeros.astype(int))
        beta = beta + residuals.sum() / variances.sum()
    return float(beta[0])


def test_those_not_yet_in_sight_are_not_at_risk():
    """A contract that enters after every end changes no residual."""
    from crmlib.analysis.survival.proportionality import _residuals

    x, duration, ended = breslow_free(60, 9, False)
    zeros = np.zeros(60)
    alone, *_ = _residuals(x[:, None], np.array([0.3]), zeros, duration, ended, zeros.astype(int))
    more = _residuals(
        np.append(x, 1.0)[:, None] , np.array([0.3]), np.append(zeros, 50.0), np.append(duration, 60.0),
        np.append(ended, False), np.zeros(61, dtype=int),
    )[0]  # fmt: skip
    assert more == pytest.approx(alone)


def test_levels_of_one_covariate_are_tested_together():
    rng = np.random.default_rng(7)
    kind, duration = rng.integers(0, 3, 90), rng.exponential(1, 90)
    design = np.column_stack([kind == 1, kind == 2, rng.normal(size=90)]).astype(float)
    found = score_tests(
        design, np.zeros(3), np.zeros(90), duration, np.ones(90, bool), np.zeros(90, int), ["k", "k", "z"]
    )
    assert found["covariate"].tolist() == ["k", "z"] and found["degrees"].tolist() == [2, 1]
    swapped = design.copy()
    swapped[:, 1] = (kind == 0).astype(float)  # another reference level, the same question
    again = score_tests(
        swapped, np.zeros(3), np.zeros(90), duration, np.ones(90, bool), np.zeros(90, int), ["k", "k", "z"]
    )
    assert again["chi_square"].iloc[0] == pytest.approx(found["chi_square"].iloc[0], rel=1e-4)
