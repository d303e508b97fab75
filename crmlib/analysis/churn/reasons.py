"""Why this customer: what moves a probability away from that of a typical customer, in words.

A feature is given the value it typically has among those who stayed, all else left as it is; by how much the
probability falls or rises is what the feature adds for this customer. It explains the method, not the
customer: what the method goes by need not be why somebody leaves.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from crmlib.analysis.churn.calibration import CalibratedPredictor
from crmlib.analysis.churn.drivers import related_features
from crmlib.analysis.churn.encoding import CHANCES, is_category
from crmlib.analysis.rounding import rounded
from crmlib.errors import ParameterError, TooLittleData

_MANY = 20_000
_SCREENED = 5_000
_RARELY = 0.01
# Where most customers have no value, there is nothing typical to compare with.
_WITHOUT_TYPICAL = re.compile(r"\s*\(typical(?:ly|:) \{typical[^}]*\}\)|; typically \{typical[^}]*\}")
_MANY_SMALL = "several small differences"


@dataclass(frozen=True)
class Wording:
    """How a feature is told.

    Attributes
    ----------
    known : str
        Template with ``{value}`` and, if wanted, ``{typical}``; numbers take a format, as in ``{value:.0%}``.
    missing : str
        What is said where the value is missing; made from the name if left out.
    """

    known: str
    missing: str = ""


#: Words for features that are found in most data; a catalogue of the caller comes before them.
DEFAULT_WORDING = {
    "recency_days": Wording("last purchase {value} days ago (typically {typical})", "no purchase known"),
    "p_alive": Wording(
        "still active with a chance of {value:.0%} (typically {typical:.0%})", "no history to tell from"
    ),
}


@dataclass(frozen=True)
class Reasons:
    """What moves each customer's probability.

    Attributes
    ----------
    table : DataFrame
        Indexed by ``customer_id``: ``churn`` (probability), ``side`` ('higher', 'lower' or 'typical', against the
        typical customer), and for places 1 and 2 ``feature_1`` (name), ``change_1`` (by how much the feature moves the
        probability; its sign is that of the side) and ``reason_1`` (words); missing where there is none. Words
        are plain text and may hold names from the data: escape them where markup is read.
    typical : Series
        Value of each feature of a typical customer.
    typical_churn : float
        Probability of a customer typical in everything.
    looked_at : tuple of str
        Features, or groups, that were tried for every customer.
    passed_over : tuple of str
        Those that were hardly ever a reason in a sample, and were not tried for everybody.
    """

    table: pd.DataFrame
    typical: pd.Series
    typical_churn: float
    looked_at: tuple[str, ...]
    passed_over: tuple[str, ...]

    @property
    def sentences(self) -> pd.Series:
        """One line of text per customer.

        Such as "higher: last purchase 210 days ago (typically 30); orders: 1 (typical: 4)".
        """
        first, second = self.table["reason_1"], self.table["reason_2"]
        side = self.table["side"].astype("str")
        told = first.fillna(_MANY_SMALL).where(second.isna(), first + "; " + second.fillna(""))
        return (side + ": " + told).where(side != "typical", "like a typical customer").rename("why")


def typical_values(features: pd.DataFrame) -> pd.Series:
    """Take the median of each column of numbers, and the most frequent category; missing where most are missing.

    Parameters
    ----------
    features : DataFrame
        Of customers who stayed.

    Returns
    -------
    Series
        One value per column.

    Examples
    --------
    >>> stayed = pd.DataFrame({"orders": [1, 4, 6], "channel": ["web", "shop", "web"]})
    >>> typical_values(stayed).tolist()
    [4.0, 'web']
    """
    found: dict[str, object] = {}
    for name in features:
        column = features[name]
        if column.isna().mean() > 0.5:
            found[name] = np.nan
        elif is_category(column):
            counts = column.astype("object").value_counts()
            found[name] = min(counts.index, key=lambda one, counts=counts: (-counts[one], str(one)))
        else:
            found[name] = float(column.astype("float64").median())
    return pd.Series(found, dtype="object")


def explain_customers(
    predictor: CalibratedPredictor,
    features: pd.DataFrame,
    stayed: pd.DataFrame,
    *,
    wording: Mapping[str, Wording | str] | None = None,
    groups: Mapping[str, Sequence[str]] | None = None,
    least: float = 0.02,
    most_groups: int = 6,
    seed: int = 0,
) -> Reasons:
    """Find for each customer the one or two features that move the probability most.

    Parameters
    ----------
    predictor : CalibratedPredictor
    features : DataFrame of shape (n_customers, n_features)
        Of the day that is scored, indexed by ``customer_id``.
    stayed : DataFrame
        Features of customers who stayed, for the typical values; see
        `crmlib.analysis.churn.forecast.ChurnForecast.typical_from`.
    wording : mapping of str to Wording or str, optional
        Feature to words; a text is `Wording.known`. Where there is none, `DEFAULT_WORDING`, else the name.
    groups : mapping of str to sequence of str, optional
        Name to columns that are replaced together; by default those that say much the same
        (`crmlib.analysis.churn.drivers.related_features`). Told is the first with words in `wording`, and `p_alive`,
        itself the result of a model, only where it is alone.
    least : float
        Smallest change of the probability that is told; who is nearer than that to the typical customer is typical.
    most_groups : int
        With more than 20,000 customers, groups are tried on 5,000 of them first; those that are a reason of fewer than
        1 % and, beyond so many, the least frequent ones, are passed over.
    seed : int
        Draws the sample.

    Returns
    -------
    Reasons

    Raises
    ------
    ParameterError
        If groups name other columns.
    TooLittleData
        If nobody stayed.

    Notes
    -----
    Definition of this project, after Robnik-Sikonja & Kononenko (2008), IEEE Transactions on Knowledge and Data
    Engineering 20:589-600, who leave one feature out at a time; here it gets a typical value. Changes do not add up to
    the distance from the typical customer. Only changes towards the customer's own side are told: of a customer at
    high risk, what raises it.

    Examples
    --------
    >>> from crmlib.analysis.churn.calibration import LogisticCurve
    >>> from crmlib.analysis.churn.predictors import fit_predictor
    >>> rng = np.random.default_rng(1)
    >>> known = pd.DataFrame({"recency_days": rng.integers(1, 400, 600)})
    >>> left = pd.Series(rng.random(600) < known["recency_days"] / 400)
    >>> rule = CalibratedPredictor(fit_predictor("recency", known, left, np.arange(600)), LogisticCurve(0, 1))
    >>> one = pd.DataFrame({"recency_days": [390]}, index=pd.Index(["A"], name="customer_id"))
    >>> explain_customers(rule, one, known[known["recency_days"] < 100]).sentences["A"]
    'higher: last purchase 390 days ago (typically 50)'
    """
    if not len(stayed):
        raise TooLittleData("nobody who stayed", "customers who came back", "take a longer outcome window")
    if groups is None:
        groups = related_features(_sample(stayed, _MANY, seed))
    absent = [name for columns in groups.values() for name in columns if name not in features]
    if absent:
        raise ParameterError(
            f"groups with {', '.join(absent)}", "columns of the features", "correct the groups"
        )
    typical = typical_values(stayed)
    row = _one_row(typical, stayed)
    usual = float(predictor.predict_churn(row).iloc[0])
    read = set(predictor.predictor.columns)
    groups = {name: columns for name, columns in groups.items() if read & set(columns)}
    looked_at = dict(groups)
    if len(features) > _MANY:
        looked_at = _often(
            predictor, _sample(features, _SCREENED, seed), row, usual, groups, least, most_groups
        )
    chance = predictor.predict_churn(features)
    places, changes, side = _strongest(predictor, features, chance, row, usual, looked_at, least)
    table = pd.DataFrame(
        {"churn": chance, "side": pd.Categorical.from_codes(side, ["lower", "typical", "higher"])}
    )
    names, told = list(looked_at), dict(wording or {})
    # The same phrase for the same value, in either place.
    for number in (0, 1):
        code = places[:, number]
        table[f"feature_{number + 1}"] = pd.Categorical.from_codes(code, names)
        table[f"change_{number + 1}"] = np.where(code >= 0, rounded(changes[:, number]), np.nan)
        words = np.full(len(features), None, dtype=object)
        for place, name in enumerate(names):
            rows = np.flatnonzero(code == place)
            if len(rows):
                column = _told_column(looked_at[name], told, read)
                words[rows] = _phrases(features[column].iloc[rows], typical[column], _wording(column, told))
        table[f"reason_{number + 1}"] = pd.array(words, dtype="str")
    passed = tuple(name for name in groups if name not in looked_at)
    return Reasons(table, typical, usual, tuple(looked_at), passed)


def _strongest(
    predictor: CalibratedPredictor,
    features: pd.DataFrame,
    chance: pd.Series,
    typical: pd.DataFrame,
    usual: float,
    groups: Mapping[str, Sequence[str]],
    least: float,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Places of the two groups that move each customer most to his side, the changes, and the side (0, 1 or 2)."""
    own = chance.to_numpy()
    away = own - usual
    sign = np.where(np.abs(away) < least, 0, np.sign(away)).astype("int8")
    places = np.full((len(own), 2), -1, dtype="int16")
    sizes = np.full((len(own), 2), np.nextafter(least, 0))
    others = predictor.predictor.log_odds_replaced(features, typical, groups)
    for place, (_, log_odds) in enumerate(others):
        size = sign * (own - predictor.curve.probabilities(log_odds))
        size = np.where(np.isnan(size), 0.0, size)
        first = size > sizes[:, 0]
        second = ~first & (size > sizes[:, 1])
        places[first, 1], sizes[first, 1] = places[first, 0], sizes[first, 0]
        places[first, 0], sizes[first, 0] = place, size[first]
        places[second, 1], sizes[second, 1] = place, size[second]
    return places, sizes * sign[:, None], sign + 1


def _often(
    predictor: CalibratedPredictor,
    some: pd.DataFrame,
    typical: pd.DataFrame,
    usual: float,
    groups: Mapping[str, Sequence[str]],
    least: float,
    most: int,
) -> dict[str, Sequence[str]]:
    """The groups that are a reason often enough in a sample, in their order."""
    places, _, _ = _strongest(predictor, some, predictor.predict_churn(some), typical, usual, groups, least)
    counts = np.bincount(places[places >= 0], minlength=len(groups))
    ranked = np.argsort(-counts, kind="stable")[:most]
    kept = {place for place in ranked if counts[place] >= _RARELY * len(some)}
    return {name: columns for place, (name, columns) in enumerate(groups.items()) if place in kept}


def _one_row(typical: pd.Series, like: pd.DataFrame) -> pd.DataFrame:
    kinds = {name: "object" if is_category(like[name]) else "float64" for name in like}
    return pd.DataFrame({name: pd.Series([typical[name]], dtype=kind) for name, kind in kinds.items()})


def _sample(features: pd.DataFrame, most: int, seed: int) -> pd.DataFrame:
    if len(features) <= most:
        return features
    rng = np.random.default_rng([seed, len(features)])
    return features.iloc[np.sort(rng.choice(len(features), most, replace=False))]


def _told_column(columns: Sequence[str], told: Mapping[str, Wording | str], read: set[str]) -> str:
    """The column of a group that is told: one with words of the caller, and rather a fact than a chance."""
    return min(
        (name for name in columns if name in read), key=lambda name: (name in CHANCES, name not in told)
    )


def _wording(name: str, told: Mapping[str, Wording | str]) -> Wording:
    plain = str(name).replace("_", " ").replace("{", "{{").replace("}", "}}")
    words = told.get(name, DEFAULT_WORDING.get(name, Wording(plain + ": {value} (typical: {typical})")))
    if isinstance(words, str):
        words = Wording(words)
    return words if words.missing else Wording(words.known, str(name).replace("_", " ") + ": not known")


class _Number(float):
    """A number that says itself in few digits unless a format is asked for."""

    def __format__(self, form: str) -> str:
        if np.isnan(self):
            return "not known"
        if form:
            return super().__format__(form)
        size = abs(self)
        digits = ",.0f" if size >= 10 or self == round(self) else ",.1f" if size >= 1 else ".2g"
        return super().__format__(digits)


def _phrases(column: pd.Series, typical: object, words: Wording) -> np.ndarray:
    """Say each value in words: one phrase for each different value."""
    if is_category(column):
        codes, values = pd.factorize(column.astype("object"))
        said = [str(value) for value in values]
        usual = "not known" if pd.isna(typical) else str(typical)
    else:
        numbers = column.to_numpy("float64", na_value=np.nan)
        codes, values = pd.factorize(rounded(numbers, 4))
        said, usual = [_Number(value) for value in values], _Number(typical)
        if column.dtype.kind == "b":
            said = ["yes" if value else "no" for value in values]
            usual = "not known" if pd.isna(typical) else "yes" if typical >= 0.5 else "no"
    known = words.known if not pd.isna(typical) else _WITHOUT_TYPICAL.sub("", words.known)
    phrases = [known.format(value=value, typical=usual) for value in said]
    return np.array([*phrases, words.missing], dtype=object)[codes]
