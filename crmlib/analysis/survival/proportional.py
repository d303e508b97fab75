"""Which contracts end sooner: Cox's model, the check of what it assumes, and what is left where that fails."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from crmlib.analysis.rounding import rounded
from crmlib.analysis.survival.person_periods import ends_in_every_level, known_at_start, refuse_missing
from crmlib.analysis.survival.proportionality import score_tests
from crmlib.errors import TooLittleData

_PER_COEFFICIENT = 10
_CLASSES = 3
_NUMBER = "per sd"


@dataclass(frozen=True)
class ProportionalHazards:
    """A fit of Cox's model, with the check of proportional hazards.

    Attributes
    ----------
    effects : DataFrame
        ``covariate``, ``level`` (compared with the reference; for a number: ``per sd``), ``ratio`` (of hazards:
        above 1, contracts end sooner), ``low``, ``high``, ``p_value``, ``coefficient``, ``standard_error``; 6
        significant digits.
    reference : dict of str to str or float
        What levels are compared with: the most frequent value of a text, the mean of a number.
    check : DataFrame
        ``covariate``, ``chi_square``, ``degrees``, ``p_value`` (of proportional hazards) and ``fails``.
    failed : tuple of str
        Covariates whose effect changes with age beyond chance.
    changing : DataFrame or None
        For those: ``covariate``, ``level``, ``early`` and ``late`` ratio with ``early_low``, ``early_high``,
        ``late_low``, ``late_high``: before and after `halfway`. A level nobody of which ended in a half has a
        ratio of 0.
    halfway : float or None
        Age at which half of the ends have happened.
    remedy : ProportionalHazards or None
        The model with a baseline of its own for every level of the covariate that failed most, and of the next as
        long as one fails and others are left; the effects that stay are compared within these `strata`. Its own
        `failed` tells whether the last one holds. None where nothing failed, or there is no other covariate.
    strata : tuple of str
        Covariates with a baseline of their own.
    concordance : float
        Of two contracts, how often the one expected to end first does; 0.5 for no order.
    contracts, ended : int
    """

    effects: pd.DataFrame
    reference: dict[str, "str | float"]
    check: pd.DataFrame
    failed: tuple[str, ...]
    changing: pd.DataFrame | None
    halfway: float | None
    remedy: "ProportionalHazards | None"
    strata: tuple[str, ...]
    concordance: float
    contracts: int
    ended: int


def proportional_hazards(
    table: pd.DataFrame, covariates: Sequence[str], strata: Sequence[str] = (), level: float = 0.95
) -> ProportionalHazards:
    """Fit Cox's model, check that effects stay the same at all ages, and offer what to do where they do not.

    Where covariates fail the check, the two effects of each, before and after the age at which half of the ends
    have happened, are given beside it. The one that fails most then gets a baseline of its own for each of its
    levels (for a number, for each third), and the rest is fitted and checked again, until what is left holds.

    Parameters
    ----------
    table : DataFrame
        ``entry``, ``duration``, ``ended`` and the covariates, as in `Durations`.
    covariates : sequence of str
        Columns known at the start of a contract; texts or numbers, none missing. A constant one is left out.
    strata : sequence of str
        Columns whose levels have a baseline of their own.
    level : float
        Level of the intervals; a covariate fails at 1 less that, shared among all covariates (Bonferroni).

    Returns
    -------
    ProportionalHazards

    Raises
    ------
    DataError
        If a covariate has blanks, is not there, or knows the duration.
    TooLittleData
        If there are fewer than 10 ends for each coefficient, no covariate varies, or all or none of the contracts of a
        level ended, so that its ratio is not finite.

    Notes
    -----
    Cox (1972), Journal of the Royal Statistical Society B 34:187-220; ties: Efron (1977), Journal of the American
    Statistical Association 72:557-565; fitted by lifelines. Check: see `score_tests`. In a large base small
    changes of an effect fail, too: look at the two ratios before giving up a simple answer.

    Examples
    --------
    >>> age = np.ceil(-20 * np.log((np.arange(40) + 0.5) / 40))
    >>> table = pd.DataFrame({"entry": 0, "duration": np.append(age, np.minimum(2 * age, 60)),
    ...     "ended": np.append(age > 0, 2 * age <= 60), "plan": ["month"] * 40 + ["year"] * 40})
    >>> found = proportional_hazards(table, ["plan"])
    >>> found.effects["level"].tolist(), bool(found.effects["ratio"].iloc[0] < 0.6), found.failed
    (['year'], True, ())
    """
    known_at_start(table, [*covariates, *strata])
    coded = _Coded.of(table, covariates)
    ends = int(table["ended"].sum())
    if ends < _PER_COEFFICIENT * max(len(coded.names), 1) or not coded.names:
        raise TooLittleData(
            f"{ends} ends for {len(coded.names)} coefficients",
            f"one that varies or more, and {_PER_COEFFICIENT} ends for each",
            "use fewer covariates, or join rare levels",
        )
    groups = _strata(table, strata)
    ends_in_every_level(table, coded.reference)
    fit = _fit(coded.design, table, groups, level)
    effects = _effects(coded, fit)
    check = score_tests(
        coded.design.to_numpy(),
        fit.params_.to_numpy(),
        table["entry"].to_numpy(dtype="float64"),
        table["duration"].to_numpy(dtype="float64"),
        table["ended"].to_numpy(dtype=bool),
        groups,
        coded.covariate,
    )
    check["fails"] = check["p_value"] < (1 - level) / len(check)
    failed = tuple(check.loc[check["fails"], "covariate"])
    changing, halfway, remedy = None, None, None
    if failed:
        changing, halfway = _early_and_late(coded, table, groups, failed, level)
        remedy = _stratified(
            table, [name for name in covariates if name in coded.covariate], strata, check, level
        )
    return ProportionalHazards(
        effects, coded.reference, check, failed, changing, halfway, remedy, tuple(strata),
        float(rounded(fit.concordance_index_)), len(table), ends,
    )  # fmt: skip


def _stratified(
    table: pd.DataFrame, covariates: list[str], strata: Sequence[str], check: pd.DataFrame, level: float
) -> "ProportionalHazards | None":
    """Give the covariate that fails most a baseline for each of its levels, and go on until what is left holds.

    One that fails spoils the check of the others, so they are asked again without it.
    """
    worst = check.loc[(check["chi_square"] / check["degrees"]).where(check["fails"]).idxmax(), "covariate"]
    kept = [name for name in covariates if name != worst]
    if not kept:
        return None
    if table[worst].dtype.kind in "iuf":
        table = table.assign(**{worst: pd.qcut(table[worst], _CLASSES, duplicates="drop").astype(str)})
    found = proportional_hazards(table, kept, [*strata, worst], level)
    return found.remedy or found


@dataclass(frozen=True)
class _Coded:
    """Covariates as numbers: one column per level but the reference, or one per number."""

    design: pd.DataFrame
    covariate: list[str]
    level: list[str]
    reference: dict[str, "str | float"]

    @property
    def names(self) -> list[str]:
        return list(self.design.columns)

    @classmethod
    def of(cls, table: pd.DataFrame, covariates: Sequence[str]) -> "_Coded":
        columns, covariate, level, reference = {}, [], [], {}
        for name in covariates:
            column = table[name]
            refuse_missing(column, name)
            if column.dtype.kind in "iuf":
                spread = float(column.std())
                if spread > 0:
                    columns[f"{name}"] = (column.to_numpy(dtype="float64") - column.mean()) / spread
                    reference[name] = float(rounded(float(column.mean())))
                    covariate.append(name)
                    level.append(_NUMBER)
                continue
            text = column.astype("string")
            counts = text.value_counts().sort_index().sort_values(ascending=False, kind="stable")
            if len(counts) > 1:
                reference[name] = str(counts.index[0])
                for value in counts.index[1:]:
                    columns[f"{name}: {value}"] = (text == value).to_numpy(dtype="float64")
                    covariate.append(name)
                    level.append(str(value))
        return cls(pd.DataFrame(columns), covariate, level, reference)


def _strata(table: pd.DataFrame, strata: Sequence[str]) -> np.ndarray:
    if not strata:
        return np.zeros(len(table), dtype="int64")
    return table.groupby(list(strata), sort=True, observed=True, dropna=False).ngroup().to_numpy()


def _fit(design: pd.DataFrame, table: pd.DataFrame, groups: np.ndarray, level: float):
    from lifelines import CoxPHFitter  # takes a second to import: only who fits waits for it
    from lifelines.exceptions import ConvergenceError

    frame = design.set_axis([f"x{position}" for position in range(design.shape[1])], axis=1)
    for name in ("entry", "duration", "ended"):
        frame[name] = table[name].to_numpy()
    several = len(np.unique(groups)) > 1
    if several:
        frame["stratum"] = groups
    late = bool((frame["entry"] > 0).any())
    if not late:
        frame = frame.drop(columns="entry")
    try:
        return CoxPHFitter(alpha=1 - level).fit(
            frame,
            "duration",
            "ended",
            strata=["stratum"] if several else None,
            entry_col="entry" if late else None,
        )
    except ConvergenceError as problem:
        raise TooLittleData(
            f"covariates whose effects cannot be told apart ({str(problem).splitlines()[0]})",
            "covariates that vary independently of each other",
            "leave out one of two columns that say the same",
        ) from problem


def _effects(coded: _Coded, fit) -> pd.DataFrame:
    summary = fit.summary
    bounds = fit.confidence_intervals_.to_numpy()
    return pd.DataFrame(
        {
            "covariate": coded.covariate,
            "level": coded.level,
            "ratio": rounded(np.exp(summary["coef"].to_numpy())),
            "low": rounded(np.exp(bounds[:, 0])),
            "high": rounded(np.exp(bounds[:, 1])),
            "p_value": rounded(summary["p"].to_numpy()),
            "coefficient": rounded(summary["coef"].to_numpy()),
            "standard_error": rounded(summary["se(coef)"].to_numpy()),
        }
    )


def _early_and_late(
    coded: _Coded, table: pd.DataFrame, groups: np.ndarray, failed: tuple[str, ...], level: float
) -> tuple[pd.DataFrame, float]:
    """Let the effects that failed have one value before and one after the age of half of the ends."""
    halfway = float(table.loc[table["ended"], "duration"].quantile(0.5, interpolation="lower"))
    short = table["duration"] <= halfway
    first = table[["entry", "duration", "ended"]].assign(
        duration=table["duration"].clip(upper=halfway), ended=table["ended"] & short
    )
    second = table[["entry", "duration", "ended"]].assign(entry=table["entry"].clip(lower=halfway))
    parts, designs, strata = [], [], []
    changes = np.array([name in failed for name in coded.covariate])
    bare = []
    for late, part in enumerate((first, second)):
        there = (part["duration"] > part["entry"]).to_numpy()
        texts = changes & (np.array(coded.level) != _NUMBER)
        over = part["ended"].to_numpy(dtype=bool)
        endless = texts & ~(coded.design[there & over] > 0).any(axis=0).to_numpy()
        bare.append(endless[changes])
        # A level without an end in this half has a ratio of 0: as if its contracts were not at risk.
        there = there & ~(coded.design.loc[:, endless] > 0).any(axis=1).to_numpy()
        design = coded.design[there]
        effects = design.loc[:, changes]
        split = [effects * (late == 0), effects * (late == 1)]
        columns = [*design.columns[~changes], *("early " + effects.columns), *("late " + effects.columns)]
        designs.append(pd.concat([design.loc[:, ~changes], *split], axis=1).set_axis(columns, axis=1))
        parts.append(part[there])
        strata.append(groups[there])
    count, kept = int(changes.sum()), ~np.concatenate(bare)
    design = pd.concat(designs)
    design = design.loc[:, np.append(np.ones(design.shape[1] - 2 * count, dtype=bool), kept)]
    fit = _fit(design, pd.concat(parts), np.concatenate(strata), level)
    found = np.column_stack([fit.params_.to_numpy(), fit.confidence_intervals_.to_numpy()])
    ratios = np.tile([0.0, 0.0, np.nan], (2 * count, 1))
    ratios[kept] = rounded(np.exp(found[len(found) - kept.sum() :]))
    shown = {"covariate": np.array(coded.covariate)[changes], "level": np.array(coded.level)[changes]}
    for start, half in ((0, "early"), (count, "late")):
        for column, end in enumerate(("", "_low", "_high")):
            shown[half + end] = ratios[start : start + count, column]
    return pd.DataFrame(shown), halfway
