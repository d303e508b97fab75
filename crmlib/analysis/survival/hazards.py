"""Chance to end in each month or period of a contract's life: counted by age, and by discrete-time regression."""

from collections.abc import Sequence
from typing import Self

import numpy as np
import pandas as pd
from scipy.special import expit, log_expit
from scipy.stats import norm

from crmlib.analysis.clv.fitting.maximum import maximise
from crmlib.analysis.rounding import rounded
from crmlib.analysis.survival.person_periods import (
    age_classes,
    ends_in_every_level,
    person_periods,
    refuse_missing,
)
from crmlib.errors import DataError, ParameterError, TooLittleData

LINKS = ("logit", "cloglog")
_BOX = 25.0
_MOST_CLASSES = 12


def hazard_by_age(
    table: pd.DataFrame, per_class: int = 25, level: float = 0.95, most: int = _MOST_CLASSES
) -> pd.DataFrame:
    """Count the chance to end within one unit of age, by classes of ages.

    Parameters
    ----------
    table : DataFrame
        ``entry``, ``duration``, ``ended``, as in `Durations`, in months or periods.
    per_class : int
        Ends a class of ages needs; neighbouring ages are joined until they have so many.
    level : float
        Level of the intervals.
    most : int
        Classes at most.

    Returns
    -------
    DataFrame
        ``from_age``, ``to_age``, ``at_risk`` (units of age lived by all), ``ended``, ``hazard`` (ended / at
        risk), ``low``, ``high``.

    Raises
    ------
    TooLittleData
        If all ages together have fewer than `per_class` ends.

    Notes
    -----
    Interval: Wilson (1927), as in `wilson_interval`. Contracts are at risk again at each age, which the likelihood of
    discrete time treats as independent trials (Singer & Willett 1993, Journal of Educational Statistics 18:155-195).

    Examples
    --------
    >>> table = pd.DataFrame({"entry": 0, "duration": [1] * 30 + [2] * 70, "ended": [True] * 100})
    >>> hazard_by_age(table)[["from_age", "to_age", "at_risk", "ended", "hazard"]].to_dict("list")
    {'from_age': [1, 2], 'to_age': [1, 2], 'at_risk': [100, 70], 'ended': [30, 70], 'hazard': [0.3, 1.0]}
    """
    periods = person_periods(table)
    last = age_classes(periods, per_class, most)
    which = np.searchsorted(last, periods["age"].to_numpy())
    found = periods.groupby(which)[["at_risk", "ended"]].sum()
    n, d = found["at_risk"].to_numpy(dtype="float64"), found["ended"].to_numpy(dtype="float64")
    z = float(norm.ppf((1 + level) / 2))
    share = d / n
    centre = (share + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z * np.sqrt(share * (1 - share) / n + z**2 / (4 * n**2)) / (1 + z**2 / n)
    return pd.DataFrame(
        {
            "from_age": np.append(1, last[:-1] + 1),
            "to_age": last,
            "at_risk": found["at_risk"].to_numpy(),
            "ended": found["ended"].to_numpy(),
            "hazard": rounded(share),
            "low": rounded(np.maximum(centre - half, 0)),
            "high": rounded(np.minimum(centre + half, 1)),
        }
    )


class DiscreteHazard:
    """Regression of the chance to end within one unit of age on age and on what was known at the start.

    Parameters
    ----------
    link : {"logit", "cloglog"}
        ``"logit"``: effects are ratios of odds. ``"cloglog"``: effects are ratios of hazards, the same as those
        of Cox's model if time is continuous and ends are only seen by unit.
    per_class : int
        Ends a class of ages needs; each class has a level of its own, so that no shape is imposed.

    Attributes
    ----------
    coefficients_ : DataFrame
        ``term`` (``age 1-3``, ``plan: Two year``, ``fee_per_year``), ``coefficient``, ``standard_error``,
        ``low``, ``high`` and ``ratio`` (of odds or of hazards); 6 significant digits. Numbers are per standard
        deviation.
    by_age_ : DataFrame
        ``from_age``, ``to_age``, ``hazard``, ``low``, ``high`` of the reference: the most frequent value of
        every text, the mean of every number.
    reference_ : dict
        That reference.
    log_likelihood_ : float

    Notes
    -----
    Cox (1972), Journal of the Royal Statistical Society B 34:187-220, section 6; Prentice & Gloeckler (1978),
    Biometrics 34:57-67; Allison (1982), Sociological Methodology 13:61-98.

    Examples
    --------
    >>> table = pd.DataFrame({"entry": 0, "duration": [1] * 60 + [2] * 140, "ended": [True] * 60 + [False] * 140,
    ...                       "plan": ["month"] * 50 + ["year"] * 10 + ["month"] * 50 + ["year"] * 90})
    >>> model = DiscreteHazard().fit(table, ["plan"])
    >>> model.predict(pd.DataFrame({"plan": ["month", "year"]}), [1])["hazard"].round(3).tolist()
    [0.333, 0.053]
    """

    def __init__(self, link: str = "logit", per_class: int = 50):
        self.link, self.per_class = link, per_class

    def fit(self, table: pd.DataFrame, covariates: Sequence[str] = (), level: float = 0.95) -> Self:
        """Fit by maximum likelihood.

        Parameters
        ----------
        table : DataFrame
            ``entry``, ``duration``, ``ended`` in months or periods, and the covariates.
        covariates : sequence of str
            Columns known at the start of a contract; texts or numbers, none missing.
        level : float
            Level of the intervals.

        Raises
        ------
        DataError
            If a covariate is missing, has blanks, or knows the duration.
        TooLittleData
            If there are fewer than 10 ends for each coefficient of a covariate, or a value of a text has none.
        NotConverged
            If the search ends without a maximum.
        """
        if self.link not in LINKS:
            raise ParameterError(f"link = {self.link!r}", "one of " + ", ".join(LINKS), "correct the link")
        periods = person_periods(table, covariates)
        self._last = age_classes(periods, self.per_class, _MOST_CLASSES)
        self._learn(table, covariates)
        terms = sum(len(levels) for levels in self._levels.values()) + len(self._scale)
        ends = int(periods["ended"].sum())
        if ends < 10 * terms:
            raise TooLittleData(
                f"{ends} ends for {terms} coefficients", "10 ends or more for each", "use fewer covariates"
            )
        ends_in_every_level(table, self._levels)
        design = self._design(periods, periods["age"].to_numpy())
        names = self._names()
        n, d = (periods[name].to_numpy(dtype="float64") for name in ("at_risk", "ended"))
        start = np.zeros(len(names))
        start[: len(self._last)] = self._linked(np.clip(d.sum() / n.sum(), 1e-9, 1 - 1e-9))
        found = maximise(
            lambda at: self._curved(at, design, n, d),
            [start],
            names,
            np.full(len(names), -_BOX),
            np.full(len(names), _BOX),
        )
        self._at, self._covariance = found.logs, found.covariance()
        self.log_likelihood_ = float(rounded(found.value, 12))
        error = np.sqrt(np.diag(self._covariance))
        z = float(norm.ppf((1 + level) / 2))
        self.coefficients_ = pd.DataFrame(
            {
                "term": names,
                "coefficient": rounded(self._at),
                "standard_error": rounded(error),
                "low": rounded(self._at - z * error),
                "high": rounded(self._at + z * error),
                "ratio": rounded(np.exp(self._at)),
            }
        )
        typical = pd.DataFrame([self.reference_]) if self.reference_ else pd.DataFrame(index=[0])
        shown = self.predict(typical, self._last.tolist(), level)
        starts = np.append(1, self._last[:-1] + 1)
        self.by_age_ = shown.assign(from_age=starts, to_age=self._last)[
            ["from_age", "to_age", "hazard", "low", "high"]
        ]
        return self

    def predict(self, rows: pd.DataFrame, ages: Sequence[int], level: float = 0.95) -> pd.DataFrame:
        """Chance to end at each of some ages.

        Parameters
        ----------
        rows : DataFrame of shape (n_contracts, ...)
            The covariates. A text never seen in the fit is an error.
        ages : sequence of int
            1 for the first month or period; beyond the highest age seen the last level is carried on.

        Returns
        -------
        DataFrame of shape (n_contracts * n_ages, 5)
            ``row`` (label in the index of `rows`), ``age``, ``hazard``, ``low``, ``high``; contract by contract.
        """
        ages = np.asarray(ages, dtype="int64")
        spread = rows.iloc[np.repeat(np.arange(len(rows)), len(ages))]
        age = np.tile(ages, len(rows))
        design = self._design(spread, age)
        line = design @ self._at
        half = norm.ppf((1 + level) / 2) * np.sqrt(
            np.maximum(np.einsum("ij,jk,ik->i", design, np.nan_to_num(self._covariance), design), 0)
        )
        return pd.DataFrame(
            {
                "row": spread.index.to_numpy(),
                "age": age,
                "hazard": rounded(self._chance(line)),
                "low": rounded(self._chance(line - half)),
                "high": rounded(self._chance(line + half)),
            }
        )

    def _learn(self, table: pd.DataFrame, covariates: Sequence[str]) -> None:
        """Keep the levels of texts, the most frequent first, and the scale of numbers."""
        self._levels, self._scale, self.reference_ = {}, {}, {}
        for name in covariates:
            column = table[name]
            refuse_missing(column, name)
            if column.dtype.kind in "iuf":
                mean, spread = float(column.mean()), float(column.std())
                if spread > 0:
                    self._scale[name], self.reference_[name] = (mean, spread), mean
                continue
            counts = (
                column.astype("string")
                .value_counts()
                .sort_index()
                .sort_values(ascending=False, kind="stable")
            )
            if len(counts) > 1:  # a constant says nothing
                self.reference_[name], *self._levels[name] = counts.index.tolist()

    def _names(self) -> list[str]:
        starts = np.append(1, self._last[:-1] + 1)
        names = [f"age {a}" if a == b else f"age {a}-{b}" for a, b in zip(starts, self._last, strict=True)]
        names += [f"{name}: {level}" for name, levels in self._levels.items() for level in levels]
        return names + list(self._scale)

    def _design(self, rows: pd.DataFrame, age: np.ndarray) -> np.ndarray:
        which = np.minimum(np.searchsorted(self._last, age), len(self._last) - 1)
        columns = [(which == k).astype("float64") for k in range(len(self._last))]
        for name, levels in self._levels.items():
            value = rows[name].astype("string")
            unknown = ~value.isin([self.reference_[name], *levels]).to_numpy(dtype=bool)
            if unknown.any():
                raise DataError(
                    f"{name} = {value[unknown].iloc[0]!r}, at {int(unknown.sum()):,} rows",
                    "one of " + ", ".join([self.reference_[name], *levels]),
                    "fit on contracts that have it, or join it with another level",
                )
            columns += [(value == level).to_numpy(dtype="float64") for level in levels]
        columns += [(rows[name].to_numpy(dtype="float64") - m) / s for name, (m, s) in self._scale.items()]
        return np.column_stack(columns)

    def _linked(self, chance: float) -> float:
        return float(np.log(chance / (1 - chance)) if self.link == "logit" else np.log(-np.log1p(-chance)))

    def _chance(self, line: np.ndarray) -> np.ndarray:
        return expit(line) if self.link == "logit" else -np.expm1(-np.exp(np.minimum(line, 30.0)))

    def _curved(
        self, at: np.ndarray, design: np.ndarray, n: np.ndarray, d: np.ndarray
    ) -> tuple[float, np.ndarray, np.ndarray]:
        """Log-likelihood, gradient and Hessian of d ends among n at risk."""
        line = design @ at
        if self.link == "logit":
            chance = expit(line)
            value = d @ log_expit(line) + (n - d) @ log_expit(-line)
            slope, bend = d - n * chance, n * chance * (1 - chance)
        else:
            rate = np.exp(np.minimum(line, 30.0))
            value = d @ np.log(np.maximum(-np.expm1(-rate), 1e-300)) - (n - d) @ rate
            # d/dline of log(1 - exp(-rate)) is rate / (exp(rate) - 1)
            odds = rate / np.expm1(np.minimum(rate, 700.0))
            slope = d * odds - (n - d) * rate
            bend = (n - d) * rate - d * odds * (1 - rate - odds)
        return float(value), design.T @ slope, -(design * bend[:, None]).T @ design
