"""Turn what is known about customers into numbers that a model can take.

Stated treatment of odd columns, the same for all methods:

- missing values: the median and a column that marks them (logistic), or a branch of their own (boosting)
- a category that is rare in training, or appears only later: counted as "other"; where training had no rare one, the
  logistic model adds nothing for it
- a column of one value, or known of fewer than 20 rows in training: carries no weight, whatever it holds later
- a column that was not there in training: not looked at
- a column that is there in training and missing later, infinite values, text where numbers were: refused.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy.special import logit
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from crmlib.errors import DataError

#: Columns that are chances by nature: they enter the logistic model as log odds.
CHANCES = ("p_alive",)
_MOST_CATEGORIES = 50
_CHANCE_EDGE = 1e-4


def is_category(column: pd.Series) -> bool:
    """Whether a column holds names rather than numbers."""
    kind = column.dtype
    return isinstance(kind, pd.CategoricalDtype) or kind == "object" or pd.api.types.is_string_dtype(kind)


class FeatureTable(TransformerMixin, BaseEstimator):
    """Check the columns of features and put them into one table of numbers.

    Parameters
    ----------
    columns : sequence of str, optional
        Columns to use; all by default.
    least : int
        Rows that a category needs in training to stand for itself, and known values that a column of numbers needs to
        be looked at.

    Attributes
    ----------
    columns_ : tuple of str
        Columns in the order of the result.
    categories_ : dict of str to Index
        For each column of names: the names that stand for themselves, the most frequent first, at most 50.
    unknown_ : tuple of str
        Columns of numbers with too few known values: 0 for everybody.
    feature_names_in_ : ndarray of str

    Notes
    -----
    A name becomes its place among `categories_`, and any other name the place after the last. Missing
    values stay missing.

    Examples
    --------
    >>> known = pd.DataFrame({"orders": [1, 2, 3], "channel": pd.Categorical(["web", "web", "shop"])})
    >>> table = FeatureTable(least=1).fit(known)
    >>> table.transform(pd.DataFrame({"channel": ["shop", "fair", None], "orders": [4, 5, None]}))
       orders  channel
    0     4.0      1.0
    1     5.0      2.0
    2     NaN      NaN
    """

    def __init__(self, columns: Sequence[str] | None = None, least: int = 20):
        self.columns = columns
        self.least = least

    def fit(self, features: pd.DataFrame, churned: object = None) -> "FeatureTable":
        """Learn which columns there are, and the names in them."""
        self.columns_ = tuple(features.columns if self.columns is None else self.columns)
        _refuse_missing(self.columns_, features)
        self.categories_ = {}
        unknown = []
        for name in self.columns_:
            column = features[name]
            if is_category(column):
                self.categories_[name] = self._frequent(column)
            elif not _is_number(column):
                raise DataError(
                    f"column {name} of kind {column.dtype} among the features", "numbers or categories",
                    "turn days into numbers of days, and leave out what is neither",
                )  # fmt: skip
            elif column.notna().sum() < self.least:
                unknown.append(name)
        self.unknown_ = tuple(unknown)
        self.feature_names_in_ = np.array(self.columns_, dtype=object)
        return self

    def transform(self, features: pd.DataFrame) -> pd.DataFrame:
        """Return the columns as numbers, shape (n_rows, n_columns), with the index of `features`.

        Raises
        ------
        DataError
            If a column is missing, holds text in place of numbers, or a value without end.
        """
        check_is_fitted(self)
        _refuse_missing(self.columns_, features)
        found = {name: self._numbers(features[name]) for name in self.columns_}
        return pd.DataFrame(found, index=features.index, copy=False)

    def get_feature_names_out(self, input_features: object = None) -> np.ndarray:
        """Names of the columns."""
        return np.array(self.columns_, dtype=object)

    def _frequent(self, column: pd.Series) -> pd.Index:
        counts = column.astype("object").value_counts()
        names = sorted(counts.index[counts >= self.least], key=lambda name: (-counts[name], str(name)))
        return pd.Index(names[:_MOST_CATEGORIES], dtype="object")

    def _numbers(self, column: pd.Series) -> np.ndarray:
        known = self.categories_.get(column.name)
        if known is not None:
            return _places(column, known)
        if not _is_number(column):
            raise DataError(
                f"column {column.name} of kind {column.dtype}", "numbers, as in training",
                "make the features of all days in the same way",
            )  # fmt: skip
        values = column.to_numpy("float64", na_value=np.nan)
        if np.isinf(values).any():
            raise DataError(
                f"{int(np.isinf(values).sum()):,} infinite values in column {column.name}",
                "numbers, or missing values", "look for a division by zero where the feature is made",
            )  # fmt: skip
        return np.zeros(len(values)) if column.name in self.unknown_ else values


class LinearTerms(TransformerMixin, BaseEstimator):
    """Turn a table of numbers into the terms of a linear model.

    Parameters
    ----------
    columns : sequence of str
        Columns of the table, as of `FeatureTable`.
    names : sequence of str
        Those that hold places of names.

    Attributes
    ----------
    unit_ : ndarray of shape (n_numbers,)
        Median size of the values other than 0; 1 where there are none.
    owners_ : list of str
        The column that each term belongs to.

    Notes
    -----
    Long tails are drawn in by the inverse hyperbolic sine in units of each column's own median (Burbidge, Magee & Robb
    1988, Journal of the American Statistical Association 83:123-127): near zero a straight line, far from it a
    logarithm, for negative values too, and whatever the currency. Columns of `CHANCES` become log odds. Missing numbers
    take the median and are marked, all is scaled to a standard deviation of 1, and each name, and a missing one, has
    a term.

    Examples
    --------
    >>> money = pd.DataFrame({"margin": [0.0, 10.0, 1000.0]})
    >>> LinearTerms(["margin"], []).fit(money).transform(10 * money).round(2).ravel().tolist()
    [-0.72, -0.43, 4.76]
    """

    def __init__(self, columns: Sequence[str], names: Sequence[str]):
        self.columns = columns
        self.names = names

    def fit(self, numbers: pd.DataFrame | np.ndarray, churned: object = None) -> "LinearTerms":
        """Learn units, medians, scales and which names there are; shape (n_rows, n_columns)."""
        numbers = np.asarray(numbers, dtype="float64")
        named = [place for place, name in enumerate(self.columns) if name in self.names]
        self.numbers_ = [place for place in range(len(self.columns)) if place not in named]
        self.unit_ = np.array([_median(np.abs(numbers[:, one]), 1.0, above=0) for one in self.numbers_])
        self.median_, self.mean_, self.spread_ = (np.zeros(len(self.numbers_)) for _ in range(3))
        self.marked_ = []
        for place in range(len(self.numbers_)):
            values, gaps = self._unskewed(numbers, place)
            self.median_[place] = _median(values, 0.0)
            values = np.where(gaps, self.median_[place], values)
            self.mean_[place], self.spread_[place] = _scale(values)
            if gaps.any():
                self.marked_.append((place, *_scale(gaps.astype("float64"))))
        self.named_ = [
            (place, value) for place in named for value in np.unique(_codes(numbers[:, place])).tolist()
        ]
        marked = [self.numbers_[place] for place, _, _ in self.marked_]
        places = [*self.numbers_, *marked, *(place for place, _ in self.named_)]
        self.owners_ = [self.columns[place] for place in places]
        return self

    def transform(self, numbers: pd.DataFrame | np.ndarray) -> np.ndarray:
        """Return the terms, shape (n_rows, n_terms)."""
        check_is_fitted(self)
        numbers = np.asarray(numbers, dtype="float64")
        found = np.empty((len(numbers), len(self.owners_)), order="F")
        marked = {place: number for number, (place, _, _) in enumerate(self.marked_, len(self.numbers_))}
        for place in range(len(self.numbers_)):
            values, gaps = self._unskewed(numbers, place)
            values = np.where(gaps, self.median_[place], values)
            found[:, place] = (values - self.mean_[place]) / self.spread_[place]
            if place in marked:
                _, mean, spread = self.marked_[marked[place] - len(self.numbers_)]
                found[:, marked[place]] = (gaps - mean) / spread
        first = len(self.numbers_) + len(self.marked_)
        codes = {place: _codes(numbers[:, place]) for place, _ in self.named_}
        for number, (place, value) in enumerate(self.named_, first):
            found[:, number] = codes[place] == value
        return found

    def _unskewed(self, numbers: np.ndarray, place: int) -> tuple[np.ndarray, np.ndarray]:
        """Values of a column of numbers with shorter tails, and where they are missing."""
        column = self.numbers_[place]
        values = numbers[:, column]
        if self.columns[column] in CHANCES:
            found = logit(np.clip(values, _CHANCE_EDGE, 1 - _CHANCE_EDGE))
        else:
            found = np.arcsinh(values / self.unit_[place])
        return found, np.isnan(values)


def _median(values: np.ndarray, blank: float, above: float = -np.inf) -> float:
    known = values[values > above]  # and so not missing
    return float(np.median(known)) if len(known) else blank


def _scale(values: np.ndarray) -> tuple[float, float]:
    """Mean and standard deviation; without end where all are equal, so that the term is 0 whatever comes."""
    mean, spread = float(values.mean()), float(values.std())
    return mean, spread if spread > 1e-12 * (1 + abs(mean)) else np.inf


def _codes(places: np.ndarray) -> np.ndarray:
    return np.where(np.isnan(places), -1, places).astype("int64")


def _places(column: pd.Series, known: pd.Index) -> np.ndarray:
    if isinstance(column.dtype, pd.CategoricalDtype):
        values = column.cat.categories.astype("object")
        codes = column.cat.codes.to_numpy()
    else:
        codes, values = pd.factorize(column)
    places = known.get_indexer(pd.Index(values, dtype="object")).astype("float64")
    places[places < 0] = len(known)
    return np.append(places, np.nan)[codes]


def _is_number(column: pd.Series) -> bool:
    return pd.api.types.is_numeric_dtype(column.dtype) and not pd.api.types.is_complex_dtype(column.dtype)


def _refuse_missing(columns: Sequence[str], features: pd.DataFrame) -> None:
    absent = [name for name in columns if name not in features.columns]
    if absent:
        raise DataError(
            f"features without the column(s) {', '.join(map(str, absent))}",
            "every column that the model was trained on",
            "make the features of all days in the same way, or train again without these columns",
        )
