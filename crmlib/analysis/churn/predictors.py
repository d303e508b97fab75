"""Methods that say how likely a customer is to stay away: from one rate for all to boosted trees."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import logit
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer

from crmlib.analysis.churn.encoding import FeatureTable, LinearTerms
from crmlib.errors import ParameterError, TooLittleData

#: The methods, the simplest first.
METHODS = ("base_rate", "recency", "p_alive", "logistic", "boosting")
#: The rules that read one column.
ONE_COLUMN = {"recency": "recency_days", "p_alive": "p_alive"}

_PENALTIES = (0.001, 0.01, 0.1, 1.0, 10.0)  # strength of the data against the penalty, the strictest first
_FOLDS = 4
_TUNING_ROWS = 30_000
_MOST_TREES = 300
_PATIENCE = 15
_CHUNK = 100_000


def available_methods(features: pd.DataFrame) -> tuple[list[str], dict[str, str]]:
    """Tell which methods the features allow.

    Returns
    -------
    methods : list of str
        Of `METHODS`, the simplest first.
    left_out : dict of str to str
        Method to what is missing.

    Examples
    --------
    >>> available_methods(pd.DataFrame({"recency_days": [3, 5], "orders": [1, 2]}))
    (['base_rate', 'recency', 'logistic', 'boosting'], {'p_alive': 'no column p_alive among the features'})
    """
    left_out = {
        method: f"no column {column} among the features"
        for method, column in ONE_COLUMN.items()
        if column not in features.columns or features[column].isna().all()
    }
    return [method for method in METHODS if method not in left_out], left_out


@dataclass(frozen=True)
class Predictor:
    """A fitted method, before calibration.

    Attributes
    ----------
    method : str
        Of `METHODS`.
    pipeline : Pipeline or None
        scikit-learn pipeline from features to log odds; None for one rate for all.
    rate : float
        Share that stayed away in training.
    columns : tuple of str
        Features that are read.
    tuned : dict
        What was chosen on folds of customers: ``penalty`` (the C of scikit-learn), or ``trees``.
    """

    method: str
    pipeline: Pipeline | None
    rate: float
    columns: tuple[str, ...] = ()
    tuned: dict[str, Any] = field(default_factory=dict)

    def log_odds(self, features: pd.DataFrame) -> np.ndarray:
        """Log odds of staying away, shape (n_rows,)."""
        if self.pipeline is None or not len(features):
            return np.full(len(features), logit(self.rate))
        return np.concatenate([self.pipeline.decision_function(part) for part in _parts(features)])

    def log_odds_replaced(
        self, features: pd.DataFrame, others: pd.DataFrame, groups: Mapping[str, Sequence[str]]
    ) -> Iterator[tuple[str, np.ndarray]]:
        """Log odds if the columns of a group had other values, group by group.

        Parameters
        ----------
        features : DataFrame
            One row per customer.
        others : DataFrame of shape (1, n_features) or (n_rows, n_features)
            The values to take instead: the same for everybody, or each row its own.
        groups : mapping of str to sequence of str
            Name of each group to its columns; columns that are not read change nothing.

        Yields
        ------
        group : str
        log_odds : ndarray of shape (n_rows,)
        """
        own, other = (self._laid_out(frame, groups) for frame in (features, others))
        yield from ((name, self._exchanged(own, other, groups, name)) for name in groups)

    def log_odds_dealt(
        self, features: pd.DataFrame, groups: Mapping[str, Sequence[str]], orders: Iterable[np.ndarray]
    ) -> Iterator[tuple[str, np.ndarray]]:
        """Log odds if the columns of a group were dealt out anew among the customers, order by order.

        Parameters
        ----------
        features, groups
            As for `log_odds_replaced`.
        orders : iterable of ndarray of int, shape (n_rows,)
            For each deal, the row that each customer takes the values of.

        Yields
        ------
        group, log_odds
            For all groups in turn, then for all groups in the next order; see `log_odds_replaced`.
        """
        own = self._laid_out(features, groups)
        for order in orders:
            other = own[order]
            yield from ((name, self._exchanged(own, other, groups, name)) for name in groups)

    def log_odds_at(
        self, features: pd.DataFrame, grids: Mapping[str, Sequence[object]]
    ) -> Iterator[tuple[str, np.ndarray]]:
        """Log odds if all customers had the same value of a column, column by column.

        Parameters
        ----------
        features : DataFrame
        grids : mapping of str to sequence
            Column to the values it is to take.

        Yields
        ------
        column : str
        log_odds : ndarray of shape (n_rows, n_values)
        """
        groups = {name: (name,) for name in grids}
        own = self._laid_out(features, groups)
        ends = np.cumsum([len(values) for values in grids.values()], dtype=int)
        places = {name: np.arange(end - len(grids[name]), end) for name, end in zip(grids, ends, strict=True)}
        # One row per value of any column, the rest of the row as it comes: what is read of it is that column alone.
        rows = features.iloc[np.zeros(ends[-1] if len(ends) else 0, dtype=int)]
        changed = {name: np.resize(np.asarray(values), len(rows)) for name, values in grids.items()}
        for name, values in grids.items():
            changed[name][places[name]] = values
        others = self._laid_out(rows.assign(**changed), groups)
        for name in grids:
            found = [self._exchanged(own, others[[one]], groups, name) for one in places[name]]
            yield name, np.column_stack(found)

    def _laid_out(self, features: pd.DataFrame, groups: Mapping[str, Sequence[str]]) -> np.ndarray:
        """Rows in a form in which what a group holds can be exchanged.

        Of a linear model, a sum, what all terms add and what those of each group do; of trees the columns themselves.
        """
        if self.pipeline is None or not len(features):
            return self.log_odds(features)[:, None]
        steps = self.pipeline[:-1]
        if "terms" not in self.pipeline.named_steps:
            return np.concatenate([steps.transform(part) for part in _parts(features)])
        owners, weight = self.pipeline["terms"].owners_, self.pipeline[-1].coef_[0]
        held = [weight * np.isin(owners, list(columns)) for columns in groups.values()]
        share = np.column_stack([weight, *held])
        return np.concatenate([steps.transform(part) @ share for part in _parts(features)])

    def _exchanged(
        self, own: np.ndarray, other: np.ndarray, groups: Mapping[str, Sequence[str]], name: str
    ) -> np.ndarray:
        """Log odds of rows laid out, with a group of others in place of their own; one row stands for all."""
        if self.pipeline is None or not len(own):
            return own[:, 0]
        model = self.pipeline[-1]
        if "terms" in self.pipeline.named_steps:
            place = list(groups).index(name) + 1
            return own[:, 0] + model.intercept_[0] - own[:, place] + other[:, place]
        places = [self.columns.index(column) for column in groups[name] if column in self.columns]
        found = []
        for start in range(0, len(own), _CHUNK):
            part = own[start : start + _CHUNK].copy()
            part[:, places] = (other[start : start + _CHUNK] if len(other) > 1 else other)[:, places]
            found.append(model.decision_function(part))
        return np.concatenate(found)


def fit_predictor(
    method: str,
    features: pd.DataFrame,
    churned: pd.Series,
    customers: np.ndarray,
    seed: int = 0,
    tuned: Mapping[str, Any] | None = None,
) -> Predictor:
    """Fit one method.

    Parameters
    ----------
    method : str
        Of `METHODS`.
    features : DataFrame of shape (n_rows, n_features)
        Of training snapshots under each other.
    churned : Series of bool
        Same index.
    customers : ndarray of shape (n_rows,)
        Whose row it is; folds never divide a customer.
    seed : int
        Deals customers to folds.
    tuned : mapping, optional
        Settings to take as they are, as of `Predictor.tuned`; chosen on folds if left out.

    Returns
    -------
    Predictor

    Raises
    ------
    ParameterError
        If there is no such method.
    DataError
        If a column cannot be used; see `crmlib.analysis.churn.encoding`.
    TooLittleData
        If fewer than four customers stayed away, or came back.

    Notes
    -----
    Logistic regression with a ridge penalty (le Cessie & van Houwelingen 1992, Applied Statistics 41:191-201), its
    strength chosen by log loss on four folds of customers; ties go to the stricter penalty. Boosting of small trees
    (Friedman 2001, Annals of Statistics 29:1189-1232) in scikit-learn's histogram version; the number of trees is the
    median of those best on the folds. Classes are not weighed or resampled, so probabilities keep their
    level. The rules of one column are logistic curves of it.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> known = pd.DataFrame({"recency_days": rng.integers(1, 400, 500)})
    >>> churned = pd.Series(rng.random(500) < known["recency_days"] / 400)
    >>> rule = fit_predictor("recency", known, churned, known.index.to_numpy())
    >>> bool(np.diff(rule.log_odds(pd.DataFrame({"recency_days": [10, 300]})))[0] > 0)
    True
    """
    if method not in METHODS:
        raise ParameterError(f"method {method}", f"one of {', '.join(METHODS)}", "correct the name")
    outcome = churned.to_numpy(bool)
    if min(len(np.unique(customers[outcome])), len(np.unique(customers[~outcome]))) < _FOLDS:
        raise TooLittleData(
            f"{int(outcome.sum()):,} of {len(outcome):,} times a customer stayed away",
            f"at least {_FOLDS} customers who stayed away and {_FOLDS} who came back",
            "take a shorter or a longer outcome window",
        )
    rate = float(outcome.mean())
    if method == "base_rate":
        return Predictor(method, None, rate)
    columns = [ONE_COLUMN[method]] if method in ONE_COLUMN else list(features.columns)
    table = FeatureTable(columns).fit(features)
    if method in ONE_COLUMN:
        tuned, pipeline = {}, _logistic(table, 1e4)
    elif method == "logistic":
        tuned = dict(tuned or {"penalty": _best_penalty(table, features, outcome, customers, seed)})
        pipeline = _logistic(table, tuned["penalty"])
    else:
        tuned = dict(tuned or {"trees": _best_trees(table, features, outcome, customers, seed)})
        # Without names of columns, which cost more than the trees when many customers are scored in parts.
        plain = FunctionTransformer(np.asarray)
        model = _trees(table, seed, max_iter=tuned["trees"], early_stopping=False)
        pipeline = Pipeline([("table", FeatureTable(columns)), ("plain", plain), ("model", model)])
    return Predictor(method, pipeline.fit(features, outcome), rate, tuple(columns), tuned)


def _logistic(table: FeatureTable, penalty: float) -> Pipeline:
    # Newton's method ends at the optimum to the last digits, on any machine.
    model = LogisticRegression(C=penalty, solver="newton-cholesky", tol=1e-8, max_iter=200)
    terms = LinearTerms(table.columns_, tuple(table.categories_))
    return Pipeline([("table", FeatureTable(table.columns_)), ("terms", terms), ("model", model)])


def _best_penalty(
    table: FeatureTable, features: pd.DataFrame, churned: np.ndarray, customers: np.ndarray, seed: int
) -> float:
    some = _tuning_rows(customers, seed)
    numbers = table.transform(features.iloc[some]).to_numpy()
    churned, customers = churned[some], customers[some]
    losses = np.zeros(len(_PENALTIES))
    for learn, check in _folds(churned, customers, seed):
        pipeline = _logistic(table, _PENALTIES[0])
        terms = pipeline["terms"].fit(numbers[learn])
        known, new = np.ascontiguousarray(terms.transform(numbers[learn])), terms.transform(numbers[check])
        # From the strictest on, each fit begins where the one before ended.
        model = pipeline["model"].set_params(warm_start=True)
        for place, penalty in enumerate(_PENALTIES):
            model.set_params(C=penalty).fit(known, churned[learn])
            losses[place] += log_loss(churned[check], model.predict_proba(new)[:, 1], labels=[False, True])
    return _PENALTIES[int(np.argmin(np.round(losses, 6)))]


def _trees(table: FeatureTable, seed: int, **options: Any) -> HistGradientBoostingClassifier:
    return HistGradientBoostingClassifier(
        learning_rate=0.1, max_leaf_nodes=12, min_samples_leaf=20, l2_regularization=1.0, random_state=seed,
        categorical_features=[table.columns_.index(name) for name in table.categories_] or None, **options,
    )  # fmt: skip


def _best_trees(
    table: FeatureTable, features: pd.DataFrame, churned: np.ndarray, customers: np.ndarray, seed: int
) -> int:
    some = _tuning_rows(customers, seed)
    numbers = table.transform(features.iloc[some]).to_numpy()
    churned, customers = churned[some], customers[some]
    best = []
    for learn, check in _folds(churned, customers, seed):
        model = _trees(table, seed, max_iter=_MOST_TREES, early_stopping=True, n_iter_no_change=_PATIENCE)
        known, new = numbers[learn], numbers[check]
        blank = np.isnan(known).all(axis=0)  # refused by the library
        known[:, blank] = new[:, blank] = 0.0
        # Customers of the fold say when to stop.
        model.fit(known, churned[learn], X_val=new, y_val=churned[check])
        best.append(int(np.argmax(np.round(model.validation_score_, 6))))
    return max(1, int(np.median(best)))


def _folds(churned: np.ndarray, customers: np.ndarray, seed: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Deal customers out like cards, sorted by how often they left; a deal to learn from needs both outcomes."""
    codes, names = pd.factorize(customers, sort=True)
    lot = np.random.default_rng([seed, len(names)]).random(len(names))
    fold = np.empty(len(names), dtype=int)
    fold[np.lexsort([lot, np.bincount(codes, churned)])] = np.arange(len(names)) % _FOLDS
    for number in range(_FOLDS):
        check = fold[codes] == number
        if 0 < churned[~check].mean() < 1:
            yield np.flatnonzero(~check), np.flatnonzero(check)


def _tuning_rows(customers: np.ndarray, seed: int) -> np.ndarray:
    """Rows of so many customers, drawn by lot, that there are not too many rows to try settings on."""
    if len(customers) <= _TUNING_ROWS:
        return np.arange(len(customers))
    codes, names = pd.factorize(customers, sort=True)
    share = _TUNING_ROWS / len(customers)
    return np.flatnonzero((np.random.default_rng([seed, len(names)]).random(len(names)) < share)[codes])


def _parts(features: pd.DataFrame) -> Iterator[pd.DataFrame]:
    for start in range(0, len(features), _CHUNK):
        yield features.iloc[start : start + _CHUNK]
