"""Models of contracts against the curve that was seen: inside its interval, also at ages they were not fitted to?"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from crmlib.analysis.clv.contracts.sbg import ShiftedBetaGeometric
from crmlib.analysis.clv.contracts.survivors import Survivors
from crmlib.analysis.rounding import rounded
from crmlib.analysis.survival.kaplan_meier import survival_curve
from crmlib.analysis.survival.person_periods import person_periods
from crmlib.errors import ParameterError, TooLittleData

MODELS = ("sbg", "constant")


@dataclass(frozen=True)
class ModelsAgainstCurve:
    """The shifted beta-geometric model and a constant rate beside the curve of Kaplan and Meier.

    Attributes
    ----------
    table : DataFrame
        One row per age: ``age``, ``at_risk``, ``survival``, ``low``, ``high`` (of the curve), ``sbg``,
        ``constant`` (shares the models expect), ``sbg_inside``, ``constant_inside`` and ``held_out`` (age
        after those of the fit).
    summary : DataFrame
        ``model``, ``part`` (``fitted``, ``held out``), ``ages``, ``inside`` (how many of them lie in the interval),
        ``largest_gap`` (model less curve where they differ most).
    alpha, beta : float
        Parameters of the shifted beta-geometric model.
    constant_rate : float
        Chance to end per unit of age, if it were the same for all contracts at all ages.
    fitted_until : int
        Last age of the fit: what happened later is not known to the models.
    from_age : float
        Age at which the curve begins; models are read for contracts that reached it.
    at_edge : dict of str to str
        Parameters of the shifted beta-geometric model that ran away: contracts hardly differ, or losses rise with age.
    """

    table: pd.DataFrame
    summary: pd.DataFrame
    alpha: float
    beta: float
    constant_rate: float
    fitted_until: int
    from_age: float
    at_edge: dict[str, str]


def models_against_curve(
    table: pd.DataFrame, fitted_until: int | None = None, level: float = 0.95
) -> ModelsAgainstCurve:
    """Fit the shifted beta-geometric model and a constant rate, and hold both against the curve.

    Parameters
    ----------
    table : DataFrame
        ``entry``, ``duration``, ``ended`` in months or periods, as in `Durations`.
    fitted_until : int, optional
        Only ends up to this age are fitted; later ages are the test. About half of the highest age if not given.
    level : float
        Level of the intervals of the curve.

    Returns
    -------
    ModelsAgainstCurve

    Raises
    ------
    ParameterError
        If no age is left for the test.
    TooLittleData
        If fewer than 3 ages are there to fit, or nobody ended at them.

    Notes
    -----
    Fader & Hardie (2007), Journal of Interactive Marketing 21:76-90. With late entry each contract counts
    from the age at which it came into sight: its likelihood is that of the ends it could show. Ages at which
    fewer than 10 are at risk are not judged.

    Examples
    --------
    >>> regular = [369, 163, 86, 56, 37, 27, 21]
    >>> table = pd.DataFrame({"entry": 0, "duration": [*np.repeat(range(1, 8), regular), *[7] * 241],
    ...                       "ended": [True] * 759 + [False] * 241})
    >>> found = models_against_curve(table, fitted_until=4)
    >>> round(found.alpha, 2), round(found.beta, 2), found.summary["inside"].tolist()
    (0.76, 1.3, [4, 3, 1, 0])
    """
    longest = int(table["duration"].max())
    until = max(longest // 2, 3) if fitted_until is None else int(fitted_until)
    if not 3 <= until <= longest:
        raise ParameterError(
            f"fitted_until = {until}, with ages up to {longest}",
            "an age from 3 to the highest",
            "move it, or use shorter units of age",
        )
    curve = survival_curve(table, level)
    periods = person_periods(table).set_index("age").reindex(range(1, longest + 1), fill_value=0)
    known = periods.loc[:until]
    if not known["ended"].sum():
        raise TooLittleData(
            f"no end up to age {until}", "some ends in the ages of the fit", "move fitted_until up"
        )
    renewed = (known["at_risk"] - known["ended"]).to_numpy(dtype="float64")
    ended = known["ended"].to_numpy(dtype="float64")
    model = ShiftedBetaGeometric().fit(Survivors(renewed, ended, float(len(table))))
    rate = float(ended.sum() / known["at_risk"].sum())
    start = int(curve.from_age)
    ages = np.arange(start + 1, longest + 1)
    shown = curve.at(ages).astype({"age": "int64"})
    shown.insert(1, "at_risk", periods["at_risk"].reindex(ages).to_numpy())
    expected = model.survival(np.arange(longest + 1)).to_numpy()
    shown["sbg"] = rounded(expected[ages] / expected[start])
    shown["constant"] = rounded((1 - rate) ** (ages - start))
    judged = (shown["at_risk"] >= 10) & shown["low"].notna() & (shown["low"] < shown["high"])
    for name in MODELS:
        inside = (shown[name] >= shown["low"]) & (shown[name] <= shown["high"])
        shown[f"{name}_inside"] = inside.astype("boolean").where(judged)
    shown["held_out"] = shown["age"] > until
    return ModelsAgainstCurve(
        shown,
        _summary(shown[judged]),
        *(float(rounded(model.params_[name])) for name in ("alpha", "beta")),
        float(rounded(rate)),
        until,
        curve.from_age,
        dict(model.maximum_.at_edge),
    )


def _summary(judged: pd.DataFrame) -> pd.DataFrame:
    rows = []
    for name in MODELS:
        for label, later in (("fitted", False), ("held out", True)):
            part = judged[judged["held_out"] == later]
            if len(part):
                gap = (part[name] - part["survival"]).to_numpy()
                inside = int(part[f"{name}_inside"].sum())
                widest = float(rounded(gap[np.abs(gap).argmax()]))
                rows.append((name, label, len(part), inside, widest))
    return pd.DataFrame(rows, columns=["model", "part", "ages", "inside", "largest_gap"])
