"""Covariates as a matrix that a model can take, laid out once and the same for all models of a learner."""

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

_FEWEST = 20


class CovariateTerms(TransformerMixin, BaseEstimator):
    """Lay out covariates of any kind as numbers, within what the training has seen.

    Parameters
    ----------
    linear : bool
        Terms of a linear model, without gaps and scaled. Otherwise one column per covariate for trees, with
        gaps, names as places among the names of the training.

    Attributes
    ----------
    levels_ : dict of str to Index
        For each covariate that holds names: the names of the training, sorted.
    named_ : list of int
        Columns of the result that hold names; none in a linear model.

    Notes
    -----
    Nothing is known beyond what the test has seen, so numbers are held within the range of the training, and a name
    that the training did not have is as good as a missing one. Linear terms are each number (a missing one at the
    median), a mark where it is missing if it was in training, and a column for each name and for a missing one on at
    least 20 rows; the rarer ones share a column. All are divided by their standard deviation, but for names.

    Examples
    --------
    >>> known = pd.DataFrame({"days": [10.0, 20, 30], "channel": ["web", "shop", "web"]})
    >>> new = pd.DataFrame({"days": [40.0, None], "channel": ["shop", "fair"]})
    >>> CovariateTerms(linear=False).fit(known).transform(new).tolist()
    [[30.0, 0.0], [nan, nan]]
    >>> CovariateTerms().fit(known).transform(new).round(2).tolist()
    [[1.22, 1.0], [0.0, 1.0]]
    """

    def __init__(self, linear: bool = True):
        self.linear = linear

    def fit(self, features: pd.DataFrame, outcome: object = None) -> "CovariateTerms":
        """Learn ranges, names, medians and scales."""
        self.levels_ = {
            name: pd.Index(sorted(features[name].dropna().astype("str").unique()), dtype="object")
            for name in features.columns
            if not (
                pd.api.types.is_numeric_dtype(features[name]) or pd.api.types.is_bool_dtype(features[name])
            )
        }
        self.numbers_ = [name for name in features.columns if name not in self.levels_]
        numbers = self._numbers(features)
        # A column without a value has no range; any will do, as it stays without a value.
        there = ~np.isnan(numbers)
        self.least_ = np.where(there, numbers, np.inf).min(axis=0, initial=np.inf)
        self.most_ = np.where(there, numbers, -np.inf).max(axis=0, initial=-np.inf)
        first = len(self.numbers_)
        self.named_ = [] if self.linear else list(range(first, first + len(self.levels_)))
        if self.linear:
            self._learn_terms(numbers, features)
        return self

    def transform(self, features: pd.DataFrame) -> np.ndarray:
        """Return the matrix, shape (n_rows, n_terms)."""
        check_is_fitted(self, "levels_")
        numbers = self._numbers(features)
        known = self.least_ <= self.most_
        numbers[:, known] = np.clip(numbers[:, known], self.least_[known], self.most_[known])
        numbers[:, ~known] = np.nan if self.linear else 0.0
        places = [self._places(features[name], levels) for name, levels in self.levels_.items()]
        if self.linear:
            return self._terms(numbers, places)
        names = [np.where(place < len(levels), place, np.nan)
                 for place, levels in zip(places, self.levels_.values(), strict=True)]  # fmt: skip
        return np.column_stack([numbers, *names])

    def _numbers(self, features: pd.DataFrame) -> np.ndarray:
        columns = [features[name].to_numpy("float64", na_value=np.nan) for name in self.numbers_]
        return np.column_stack(columns) if columns else np.empty((len(features), 0))

    def _places(self, column: pd.Series, levels: pd.Index) -> np.ndarray:
        """Place of each name among the levels; the number of levels for a missing or an unknown one."""
        codes, values = pd.factorize(column)
        found = levels.get_indexer(pd.Index([str(one) for one in values], dtype="object"))
        found = np.where(found < 0, len(levels), found)
        return np.append(found, len(levels))[codes]

    def _learn_terms(self, numbers: np.ndarray, features: pd.DataFrame) -> None:
        gaps = np.isnan(numbers)
        self.median_ = np.array([
            np.median(column[~gap]) if not gap.all() else 0.0
            for column, gap in zip(numbers.T, gaps.T, strict=True)
        ])  # fmt: skip
        self.marked_ = gaps.any(axis=0)
        self.columns_ = []
        for name, levels in self.levels_.items():
            counts = np.bincount(self._places(features[name], levels), minlength=len(levels) + 1)
            often = np.flatnonzero(counts >= _FEWEST)
            # Names and gaps that are rare share the last column.
            column = np.full(len(levels) + 1, len(often))
            column[often] = np.arange(len(often))
            self.columns_.append(column)
        plain = self._filled(numbers)
        self.mean_, spread = plain.mean(axis=0), plain.std(axis=0)
        # Rounding gives a column of one value a spread of its last digits.
        self.scale_ = np.where(spread > 1e-12 * (1 + np.abs(self.mean_)), spread, np.inf)

    def _filled(self, numbers: np.ndarray) -> np.ndarray:
        gaps = np.isnan(numbers)
        return np.column_stack([np.where(gaps, self.median_, numbers), gaps[:, self.marked_]])

    def _terms(self, numbers: np.ndarray, places: list[np.ndarray]) -> np.ndarray:
        scaled = (self._filled(numbers) - self.mean_) / self.scale_
        names = [
            np.eye(column.max() + 1)[column[place]]
            for column, place in zip(self.columns_, places, strict=True)
        ]
        return np.column_stack([scaled, *names])
