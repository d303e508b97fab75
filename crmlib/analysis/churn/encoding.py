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
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
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


class Unskewed(OneToOneFeatureMixin, TransformerMixin, BaseEstimator):
    """Draw in long tails: the inverse hyperbolic sine in units of each column's own median.

    Near zero it is a straight line, far from it a logarithm, for negative values too; in units of the median
    it does not depend on the currency. Columns of `CHANCES` become log odds.

    Attributes
    ----------
    scale_ : ndarray of shape (n_columns,)
        Median size of the values other than 0; 1 where there are none.

    Notes
    -----
    Burbidge, Magee & Robb (1988), Journal of the American Statistical Association 83:123-127.

    Examples
    --------
    >>> money = pd.DataFrame({"margin": [0.0, 10.0, 1000.0]})
    >>> Unskewed().fit(money).transform(10 * money).round(2)["margin"].tolist()
    [0.0, 0.2, 3.68]
    """

    def fit(self, numbers: pd.DataFrame, churned: object = None) -> "Unskewed":
        """Learn the scales."""
        sizes = numbers.abs()
        self.scale_ = sizes.where(sizes > 0).median().fillna(1.0).to_numpy()
        self.feature_names_in_ = np.array(numbers.columns, dtype=object)
        self.n_features_in_ = numbers.shape[1]
        return self

    def transform(self, numbers: pd.DataFrame) -> pd.DataFrame:
        """Return the columns with shorter tails."""
        check_is_fitted(self)
        found = {
            name: logit(np.clip(numbers[name].to_numpy(), _CHANCE_EDGE, 1 - _CHANCE_EDGE))
            if name in CHANCES
            else np.arcsinh(numbers[name].to_numpy() / scale)
            for name, scale in zip(self.feature_names_in_, self.scale_, strict=True)
        }
        return pd.DataFrame(found, index=numbers.index, copy=False)


def linear_terms(table: FeatureTable) -> ColumnTransformer:
    """Make the step that turns a table of features into the terms of a linear model.

    Parameters
    ----------
    table : FeatureTable
        Fitted; its columns and kinds are those of the step.

    Returns
    -------
    ColumnTransformer
        Not fitted. Numbers are unskewed, filled with the median, marked where they were missing and scaled; each
        name, and a missing one, has a column.
    """
    names = list(table.categories_)
    numbers = [name for name in table.columns_ if name not in table.categories_]
    steps = Pipeline(
        [
            ("unskewed", Unskewed()),
            ("filled", SimpleImputer(strategy="median", add_indicator=True, keep_empty_features=True)),
            ("scaled", StandardScaler()),
        ]
    )
    one_each = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
    return ColumnTransformer([("numbers", steps, numbers), ("names", one_each, names)], sparse_threshold=0)


def term_owners(terms: ColumnTransformer) -> list[str]:
    """Name the feature that each term of a fitted `linear_terms` belongs to."""
    owners: list[str] = []
    for name, step, columns in terms.transformers_:
        if not columns or name == "remainder":
            continue
        if name == "numbers":
            marked = step.named_steps["filled"].indicator_.features_
            owners += [*columns, *(columns[place] for place in marked)]
        else:
            for column, found in zip(columns, step.categories_, strict=True):
                owners += [column] * len(found)
    return owners


def _places(column: pd.Series, known: pd.Index) -> np.ndarray:
    if isinstance(column.dtype, pd.CategoricalDtype):
        values = column.cat.categories.astype("object")
        codes = column.cat.codes.to_numpy()
    else:
        codes, values = pd.factorize(column.astype("object"))
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
