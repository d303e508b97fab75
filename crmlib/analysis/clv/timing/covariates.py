"""What is known of customers besides their purchases: region, channel, first product.

Customers with the same covariates share their parameters, so each distinct combination is
folded and computed like a base of its own, and the coefficients tie the combinations together.
"""

from collections.abc import Callable, Sequence
from typing import Self

import numpy as np
import pandas as pd
from scipy.stats import chi2, norm
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from crmlib.analysis.clv.discounting import Schedule
from crmlib.analysis.clv.fitting.maximum import LARGEST, SMALLEST, maximise
from crmlib.analysis.clv.refusals import refuse, refuse_some
from crmlib.analysis.clv.timing.attrition import LatentAttrition
from crmlib.analysis.clv.timing.histories import Histories
from crmlib.errors import DataError, ParameterError, TooLittleData

_MOST = 1_000
_FAR = 15.0
#: What a covariate of each process does to the logarithm of a parameter.
_PURCHASE = {"alpha": -1.0}
_DROPOUT = {"beta": -1.0, "a": 0.5, "b": -0.5}


class WithCovariates(BaseEstimator):
    """A model whose rates of buying and of leaving depend on covariates that do not change.

    A covariate z of buying makes the scale of the rate ``alpha * exp(-c z)``: with c above 0, customers
    with a larger z buy more. A covariate of leaving makes ``beta * exp(-c z)`` in Pareto/NBD, where
    c above 0 means a shorter life; in the BG/NBD family it moves the odds a / b of leaving
    at a chance by ``exp(c z)``. Covariates are taken as deviations from their mean, so that
    the parameters are those of an average customer.

    Parameters
    ----------
    model : LatentAttrition
        Which model, such as ``ParetoNBD()``.
    purchase, dropout : sequence of str
        Columns of the covariates of either process. Numbers and truth values are taken as they are; text
        becomes one column per value but the first in order, named ``column=value``.

    Attributes
    ----------
    params_ : Series
        Parameters of an average customer.
    coefficients_ : DataFrame
        One row per covariate and process: ``estimate``, ``standard_error``, ``low``, ``high`` (95 %),
        ``p_value`` (Wald).
    log_likelihood_, base_log_likelihood_ : float
        With and without the covariates.
    p_value_ : float
        Of the likelihood-ratio test that all coefficients are 0.

    Notes
    -----
    Fader & Hardie (2007), note 019, Incorporating time-invariant covariates into the Pareto/NBD and
    BG/NBD models; one coefficient for the odds of leaving, instead of one for a and one for b, is a
    definition of this project.
    """

    def __init__(self, model: LatentAttrition, purchase: Sequence[str] = (), dropout: Sequence[str] = ()):
        self.model = model
        self.purchase = purchase
        self.dropout = dropout

    def fit(self, customers: pd.DataFrame) -> Self:
        """Fit parameters and coefficients by maximum likelihood.

        Parameters
        ----------
        customers : DataFrame
            Histories, and the columns of the covariates.

        Raises
        ------
        DataError
            If a column is missing, holds missing or infinite values, takes very many values, or follows from
            others.
        ParameterError
            If there are no covariates.
        TooLittleData
            If a covariate does not vary, or the histories hold too little.
        """
        names = list(dict.fromkeys([*self.purchase, *self.dropout]))
        if not names:
            raise ParameterError("no covariates", "one of buying or of leaving", "fit the model without them")
        self._levels = {name: self._values_of(customers, name) for name in names}
        for name in names:
            if customers[name].nunique() < 2:
                raise TooLittleData(
                    f"covariate {name}, the same for all customers", "one that varies", "leave it out"
                )
        design = self._design(customers)
        self._means = design.mean()
        # Coefficients are sought per range, so that the unit of a covariate plays no part in the search.
        self._ranges = design.max() - design.min()
        # With all histories folded alike, the two likelihoods can be compared.
        self.base_ = type(self.model)(**self.model.get_params()).fit_histories(Histories.of(customers))
        columns = [("purchase", name) for name in self._columns(self.purchase)]
        columns += [("dropout", name) for name in self._columns(self.dropout)]
        self._effects = columns
        self._refuse_repetition(design)
        parts = []
        for members, row in self._combinations(design):
            own = customers[members]
            parts.append((self._folded(own), self._map(row)))
        start = np.concatenate([self.base_.maximum_.logs, np.zeros(len(columns))])
        size = len(self.model.names)
        reach = np.log(LARGEST / SMALLEST) / 2
        found = maximise(
            _summed(parts), [start], [*self.model.names, *(f"{kind}: {name}" for kind, name in columns)],
            np.concatenate([start[:size] - reach, np.full(len(columns), -_FAR)]),
            np.concatenate([start[:size] + reach, np.full(len(columns), _FAR)]),
        )  # fmt: skip
        self.maximum_ = found
        self.params_ = pd.Series(np.exp(found.logs[:size]), index=list(self.model.names), name="estimate")
        ranges = self._ranges[[name for _, name in columns]].to_numpy()
        errors = np.sqrt(np.diag(found.covariance()))[size:] / ranges
        estimate = found.logs[size:] / ranges
        half = norm.ppf(0.975) * errors
        self.coefficients_ = pd.DataFrame(
            {
                "estimate": estimate,
                "standard_error": errors,
                "low": estimate - half,
                "high": estimate + half,
                "p_value": 2 * norm.sf(np.abs(estimate / errors)),
            },
            index=pd.MultiIndex.from_tuples(columns, names=["process", "covariate"]),
        )
        self.log_likelihood_, self.base_log_likelihood_ = found.value, self.base_.log_likelihood_
        self.p_value_ = float(chi2.sf(2 * (self.log_likelihood_ - self.base_log_likelihood_), len(columns)))
        return self

    def predict_alive(self, customers: pd.DataFrame) -> pd.Series:
        """Probability that each customer is still active at the end of the time seen."""
        return self._each(customers, lambda model, own: model.predict_alive(own))

    def predict_orders(self, customers: pd.DataFrame, horizon: float) -> pd.Series:
        """Expected purchases of each customer within `horizon`."""
        return self._each(customers, lambda model, own: model.predict_orders(own, horizon))

    def discounted_orders(self, customers: pd.DataFrame, schedule: Schedule) -> pd.Series:
        """Expected discounted purchases of each customer."""
        return self._each(customers, lambda model, own: model.discounted_orders(own, schedule))

    def _each(
        self, customers: pd.DataFrame, predict: Callable[[LatentAttrition, pd.DataFrame], pd.Series]
    ) -> pd.Series:
        check_is_fitted(self, "params_")
        found = pd.Series(np.nan, index=customers.index)
        for members, row in self._combinations(self._design(customers)):
            logs = self._map(row) @ self.maximum_.logs
            own = predict(self.model.with_params(np.exp(logs)), customers[members])
            found = found.rename(own.name)
            found[members] = own.to_numpy()
        return found

    def _values_of(self, customers: pd.DataFrame, name: str) -> list[str] | None:
        """Return the values of a text column; None for numbers."""
        column = _column(customers, name)
        if column.dtype.kind in "biuf":
            return None
        found = sorted(column.dropna().astype("str").unique())
        _refuse_many(len(found))
        return found

    def _columns(self, names: Sequence[str]) -> list[str]:
        return [
            column
            for name in names
            for column in (
                [name] if self._levels[name] is None else [f"{name}={v}" for v in self._levels[name][1:]]
            )
        ]

    def _design(self, customers: pd.DataFrame) -> pd.DataFrame:
        """Return the covariates as numbers, one column each."""
        columns = {}
        for name, levels in self._levels.items():
            column = _column(customers, name)
            if (missing := column.isna().to_numpy()).any():
                refuse(
                    missing, customers.index, f"no value of {name}", "a value for every customer",
                    "fill the gaps with a value of their own, such as 'unknown'",
                )  # fmt: skip
            if levels is None:
                number = column.to_numpy(dtype="float64")
                bad = ~np.isfinite(number)
                refuse_some(bad, customers.index, number, name, "finite numbers", "correct them")
                columns[name] = number
                continue
            text = column.astype("str").to_numpy(dtype=object)
            if (new := ~np.isin(text, levels)).any():
                refuse(
                    new, customers.index, f"{name} = {text[new][0]!r}",
                    f"one of the {len(levels)} values that the model was fitted to",
                    "fit it with customers who have this value, too, or give them another",
                )  # fmt: skip
            for level in levels[1:]:
                columns[f"{name}={level}"] = (text == level).astype("float64")
        return pd.DataFrame(columns, index=customers.index)

    def _combinations(self, design: pd.DataFrame) -> list[tuple[np.ndarray, pd.Series]]:
        """Return the members and the centred covariates of each distinct combination."""
        number = design.groupby(list(design.columns), sort=True).ngroup().to_numpy()
        count = int(number.max(initial=-1)) + 1
        _refuse_many(count)
        first = np.unique(number, return_index=True)[1]
        return [(number == i, (design.iloc[first[i]] - self._means) / self._ranges) for i in range(count)]

    def _refuse_repetition(self, design: pd.DataFrame) -> None:
        """Refuse covariates of one process of which one follows from the others."""
        for names in (self._columns(self.purchase), self._columns(self.dropout)):
            own = ((design[names] - self._means[names]) / self._ranges[names]).drop_duplicates()
            if np.linalg.matrix_rank(own.to_numpy()) < len(names):
                raise DataError(
                    f"covariates of which one follows from the others, among {', '.join(names)}",
                    "covariates that each tell something of their own",
                    "leave one out",
                )

    def _folded(self, own: pd.DataFrame) -> Callable:
        return self.model.curved(Histories.of_any(own))

    def _map(self, row: pd.Series) -> np.ndarray:
        """Return the matrix that takes all unknowns to the logarithms of the parameters of one combination."""
        names = list(self.model.names)
        found = np.zeros((len(names), len(names) + len(self._effects)))
        found[:, : len(names)] = np.eye(len(names))
        for place, (kind, column) in enumerate(self._effects):
            for parameter, sign in (_PURCHASE if kind == "purchase" else _DROPOUT).items():
                if parameter in names:
                    found[names.index(parameter), len(names) + place] = sign * row[column]
        return found


def _column(customers: pd.DataFrame, name: str) -> pd.Series:
    if name not in customers.columns:
        raise DataError(f"no column {name}", "the columns of all covariates", "add it or leave it out")
    return customers[name]


def _refuse_many(count: int) -> None:
    if count > _MOST:
        raise DataError(
            f"{count:,} different combinations of covariates",
            f"at most {_MOST:,}",
            "cut numbers into classes first, for example tenths",
        )


def _summed(parts: list[tuple[Callable, np.ndarray]]) -> Callable:
    """Add up the log-likelihoods of combinations as a function of all unknowns."""

    def curved(unknowns: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
        value, gradient = 0.0, np.zeros(len(unknowns))
        hessian = np.zeros((len(unknowns), len(unknowns)))
        for own, to_logs in parts:
            v, g, h = own(to_logs @ unknowns)
            value += v
            gradient += to_logs.T @ g
            hessian += to_logs.T @ h @ to_logs
        return value, gradient, hessian

    return curved
