"""Whether effects on the hazard stay the same at all ages: score tests on the residuals of Cox's model."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy.stats import chi2, rankdata

from crmlib.analysis.rounding import rounded


def score_tests(
    design: np.ndarray,
    coefficients: np.ndarray,
    entry: np.ndarray,
    duration: np.ndarray,
    ended: np.ndarray,
    strata: np.ndarray,
    covariate: Sequence[str],
) -> pd.DataFrame:
    """Test whether the coefficients of a fit of Cox's model change with age.

    Parameters
    ----------
    design : ndarray of shape (n_contracts, n_coefficients)
    coefficients : ndarray of shape (n_coefficients,)
        Where the partial likelihood (ties after Efron) is largest.
    entry, duration : ndarray of shape (n_contracts,)
        Ages between which each contract was in sight.
    ended : ndarray of bool
    strata : ndarray of int
        Number of the stratum, from 0.
    covariate : sequence of str of length n_coefficients
        To which covariate each coefficient belongs; those of one covariate are tested together.

    Returns
    -------
    DataFrame
        ``covariate``, ``chi_square``, ``degrees``, ``p_value``; 6 significant digits.

    Notes
    -----
    Schoenfeld (1982), Biometrika 69:239-241: at each end, the covariate of the contract that ended less its mean
    among those at risk. Grambsch & Therneau (1994), Biometrika 81:515-526: score test of a coefficient that also goes
    with a function of age, here the rank of the age among the ends, so that neither a unit nor a long tail decides.
    The variance is the exact one, with risk sets that change over time.

    Examples
    --------
    >>> x = np.repeat([0.0, 1.0], 20)
    >>> age = np.tile(np.arange(1.0, 21.0), 2)
    >>> one = np.ones(40, dtype=bool)
    >>> found = score_tests(x[:, None], np.zeros(1), np.zeros(40), age, one, np.zeros(40, dtype=int), ["plan"])
    >>> found.round(6).to_dict("list")
    {'covariate': ['plan'], 'chi_square': [0.0], 'degrees': [1], 'p_value': [1.0]}
    """
    residuals, variances, ages = _residuals(design, coefficients, entry, duration, ended, strata)
    moves = rankdata(ages) - (len(ages) + 1) / 2
    moves = moves / max(len(ages), 1)
    information = variances.sum(axis=0)
    with_age = np.einsum("i,ijk->jk", moves, variances)
    of_age = np.einsum("i,ijk->jk", moves**2, variances)
    left = of_age - with_age @ np.linalg.pinv(information, hermitian=True) @ with_age
    score = moves @ residuals
    names = np.array(covariate)
    rows = []
    for name in dict.fromkeys(covariate):
        own = np.flatnonzero(names == name)
        inverse = np.linalg.pinv(left[np.ix_(own, own)], hermitian=True)
        found = float(score[own] @ inverse @ score[own])
        rows.append((name, found, len(own), float(chi2.sf(found, len(own)))))
    shown = pd.DataFrame(rows, columns=["covariate", "chi_square", "degrees", "p_value"])
    return shown.assign(
        chi_square=rounded(shown["chi_square"].to_numpy()), p_value=rounded(shown["p_value"].to_numpy())
    )


def _residuals(
    design: np.ndarray,
    coefficients: np.ndarray,
    entry: np.ndarray,
    duration: np.ndarray,
    ended: np.ndarray,
    strata: np.ndarray,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Schoenfeld's residuals, the variance of the covariates at risk, and the age, end by end."""
    risk = np.exp((design - design.mean(axis=0)) @ coefficients)
    residuals, variances, ages = [], [], []
    for stratum in np.unique(strata):  # strata, not contracts
        own = strata == stratum
        if not (ended & own).any():
            continue
        part = _one_stratum(design[own], risk[own], entry[own], duration[own], ended[own])
        for known, new in zip((residuals, variances, ages), part, strict=True):
            known.append(new)
    return np.concatenate(residuals), np.concatenate(variances), np.concatenate(ages)


def _one_stratum(
    design: np.ndarray, risk: np.ndarray, entry: np.ndarray, duration: np.ndarray, ended: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    width = design.shape[1]
    upper = np.triu_indices(width)
    # Sums of risk, risk times covariates, and risk times their products, side by side.
    moments = np.column_stack([np.ones(len(risk)), design, design[:, upper[0]] * design[:, upper[1]]])
    moments = moments * risk[:, None]
    ages = np.unique(duration[ended])
    at_risk = _from(ages, duration, moments) - _from(ages, entry, moments)
    rows = np.flatnonzero(ended)
    rows = rows[np.argsort(duration[rows], kind="stable")]
    which = np.searchsorted(ages, duration[rows])
    tied = np.bincount(which)
    ending = np.zeros((len(ages), moments.shape[1]))
    np.add.at(ending, which, moments[rows])
    # Efron: of d that end at one age, each in turn counts as partly gone for the next.
    turn = np.arange(len(rows)) - np.append(0, tied.cumsum()[:-1])[which]
    sums = at_risk[which] - (turn / tied[which])[:, None] * ending[which]
    means = sums[:, 1 : width + 1] / sums[:, :1]
    squares = np.zeros((len(rows), width, width))
    squares[:, upper[0], upper[1]] = sums[:, width + 1 :] / sums[:, :1]
    squares[:, upper[1], upper[0]] = squares[:, upper[0], upper[1]]
    variances = squares - means[:, :, None] * means[:, None, :]
    return design[rows] - means, variances, duration[rows]


def _from(ages: np.ndarray, values: np.ndarray, moments: np.ndarray) -> np.ndarray:
    """Sum moments over the contracts whose value is at or above each age."""
    sums = np.zeros((len(ages) + 1, moments.shape[1]))
    np.add.at(sums, np.searchsorted(ages, values, side="right"), moments)
    return sums[::-1].cumsum(axis=0)[::-1][1:]
