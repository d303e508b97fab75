"""What rules for choosing whom to contact would have earned, told from a randomised test.

A rule says who is contacted. Among those, the test contacted some by lot and left the others alone; the difference is
what the rule earns. No model is believed here: rules are only as good as the test shows them to be.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from crmlib.analysis.targeting.resampling import customer_weights
from crmlib.analysis.targeting.trial import FEWEST_CUSTOMERS, Trial
from crmlib.errors import DataError, ParameterError

EVERYONE, NOBODY, RANDOM = "everyone", "nobody", "random"


@dataclass(frozen=True)
class RulesCompared:
    """What rules earn, and how sure that is.

    Attributes
    ----------
    table : DataFrame
        Indexed by ``rule``: ``contacted`` (share of the rows), ``spent`` (cost of contacts) and ``earned`` (margin that
        the contacts bring less their cost: more than contacting nobody), both per 1,000 customers; ``low``, ``high`` of
        it; ``more_than_everyone`` with ``everyone_low``, ``everyone_high``, ``more_than_random`` with ``random_low``,
        ``random_high`` (of a lot with the same share contacted); ``total`` (earned on all customers). NaN where the
        test has too few customers of an arm among those a rule contacts.
    resampled : DataFrame of shape (n_draws, n_rules)
        ``earned`` with the customers drawn anew.
    level : float
    """

    table: pd.DataFrame
    resampled: pd.DataFrame
    level: float

    def more(self, one: str, other: str) -> tuple[float, float, float]:
        """Return how much more one rule earns per 1,000 customers than another, with the interval of the pair."""
        value = float(self.table.loc[one, "earned"] - self.table.loc[other, "earned"])
        return value, *_ends((self.resampled[one] - self.resampled[other]).to_numpy(), self.level)


def compare_rules(
    scores: pd.DataFrame,
    trial: Trial,
    money: str = "margin",
    budget: float = 0.3,
    above: Mapping[str, float] | None = None,
    customers: int | None = None,
    baseline: pd.Series | None = None,
    draws: int = 1000,
    seed: int = 0,
    level: float = 0.95,
) -> RulesCompared:
    """Compare rules for choosing whom to contact, at the same budget, on a test they were not made from.

    Parameters
    ----------
    scores : DataFrame of shape (n_rows, n_rules)
        A score per rule, indexed like ``trial.rows``; the highest are contacted first. Equal scores at the end of
        the budget are contacted in proportion. A missing score is never contacted.
    trial : Trial
        With one action; see `Trial.only`. Use campaigns that no score has learned from.
    money : str
        Outcome in money before the cost of contacts.
    budget : float
        Share of the customers that may be contacted, above 0 and at most 1.
    above : mapping of str to float, optional
        Rules that contact nobody with a score of this or less, even if the budget allows it: 0 for a score that is a
        profit.
    customers : int, optional
        Customers on whom a campaign would be run, for ``total``; the rows of the test if left out.
    baseline : Series, optional
        Money expected of each row whatever the arm, from what was known before the contact. It takes noise out of
        the comparison and cannot bias it.
    draws, seed : int
    level : float

    Returns
    -------
    RulesCompared
        The rules given, and "everyone", "nobody" and "random" (a lot at the budget).

    Raises
    ------
    DataError
        If the scores are not indexed like the rows, or a rule has a reserved name.
    ParameterError
        If the budget is out of range.
    TooLittleData
        If an arm has fewer than 30 customers.

    Notes
    -----
    The estimate is the difference between arms among those a rule contacts, rows weighted by the inverse of the
    chance of their arm (Hájek's form), times the share contacted; evaluating rules by a randomised test follows
    Hitsch, Misra & Zhang (2024), Quantitative Marketing and Economics 22:115-168. Percentile intervals, customers
    drawn with all their rows; the choice of customers stays as it is.

    Examples
    --------
    >>> frame = pd.DataFrame({"treated": [True, False] * 100, "margin": [9.0, 0.0] * 50 + [0.0, 0.0] * 50})
    >>> frame["cost"] = 1.0 * frame["treated"]
    >>> trial = Trial.of(frame, ["margin"])
    >>> good = pd.DataFrame({"good": np.arange(200) < 100}, trial.rows.index).astype(float)
    >>> found = compare_rules(good, trial, budget=0.5)
    >>> found.table["earned"].round().to_dict()
    {'good': 4000.0, 'random': 1750.0, 'everyone': 3500.0, 'nobody': 0.0}
    """
    if not 0 < budget <= 1:
        raise ParameterError(f"budget = {budget}", "a share above 0 and at most 1", "give 0.3 for 30 %")
    trial = trial.single_action()
    chosen = chosen_rows(scores, trial, budget, above)
    known = trial.known(money)
    known.refuse_if_thin("a comparison of rules")
    chosen = chosen.loc[known.rows.index]
    values = known.net(money)
    if baseline is not None:
        before = baseline.reindex(known.rows.index)
        values = values - before.fillna(before.mean()).to_numpy("float64")
    earned, drawn = _earned(chosen, known, values, draws, seed)
    everyone = earned[EVERYONE]
    rows = {}
    for name in chosen.columns:
        share = float(chosen[name].mean())
        lot, lots = share * everyone, share * drawn[EVERYONE]
        rows[name] = {
            "contacted": share,
            "spent": _spent(chosen[name].to_numpy(), known),
            "earned": earned[name],
            **dict(zip(("low", "high"), _ends(drawn[name].to_numpy(), level), strict=True)),
            "more_than_everyone": earned[name] - everyone,
            **dict(
                zip(
                    ("everyone_low", "everyone_high"),
                    _ends((drawn[name] - drawn[EVERYONE]).to_numpy(), level),
                    strict=True,
                )
            ),
            "more_than_random": earned[name] - lot,
            **dict(
                zip(("random_low", "random_high"), _ends((drawn[name] - lots).to_numpy(), level), strict=True)
            ),
        }
    table = pd.DataFrame.from_dict(rows, orient="index").rename_axis("rule")
    many = len(known.rows) if customers is None else customers
    return RulesCompared(table.assign(total=table["earned"] * many / 1000), drawn, level)


def chosen_rows(
    scores: pd.DataFrame, trial: Trial, budget: float, above: Mapping[str, float] | None = None
) -> pd.DataFrame:
    """Say whom each rule contacts at a budget.

    Parameters
    ----------
    scores, trial, budget, above
        As for `compare_rules`.

    Returns
    -------
    DataFrame of shape (n_rows, n_rules + 3)
        Chance of being contacted, 0 or 1 but for equal scores at the end of the budget; also "random", "everyone" and
        "nobody".
    """
    if not scores.index.equals(trial.rows.index):
        raise DataError(
            "scores not indexed like the rows of the test", "the same index", "reindex the scores"
        )
    taken = {EVERYONE, NOBODY, RANDOM} & set(scores.columns)
    if taken:
        raise DataError(
            f"a rule called {sorted(taken)[0]}", "another name: it is always compared", "rename it"
        )
    unknown = set(above or {}) - set(scores.columns)
    if unknown:
        raise ValueError(f"above names {', '.join(sorted(unknown))}, which is no column of scores.")
    places = budget * len(scores)
    found = {}
    for name in scores.columns:
        found[name] = contact_chances(scores[name], places, (above or {}).get(name))
    chosen = pd.DataFrame(found, index=scores.index)
    return chosen.assign(**{RANDOM: budget, EVERYONE: 1.0, NOBODY: 0.0})


def contact_chances(score: pd.Series, places: float, above: float | None = None) -> np.ndarray:
    """Say with which chance each customer gets one of some places, by a score.

    Parameters
    ----------
    score : Series of float
        The highest are contacted first; who has none is never contacted.
    places : float
    above : float, optional
        Nobody with a score of this or less is contacted, even if places stay free.

    Returns
    -------
    ndarray
        1 or 0; equal scores at the last place share what is left.

    Examples
    --------
    >>> contact_chances(pd.Series([0.9, 0.5, 0.5, np.nan]), places=2).tolist()
    [1.0, 0.5, 0.5, 0.0]
    """
    score = score.astype("float64")
    if above is not None:
        score = score.where(score > above)
    first = score.rank(method="min", ascending=False) - 1
    held = score.map(score.value_counts())
    return ((places - first) / held).clip(0, 1).fillna(0.0).to_numpy()


def _earned(
    chosen: pd.DataFrame, trial: Trial, values: np.ndarray, draws: int, seed: int
) -> tuple[pd.Series, pd.DataFrame]:
    """Estimate what each rule earns per 1,000 customers, and the same with the customers drawn anew."""
    treated, share = trial.treated, trial.share()
    weight = np.where(treated, 1 / share, 1 / (1 - share))
    picked = chosen.to_numpy()
    arms = [picked * (weight * arm)[:, None] for arm in (treated, ~treated)]
    columns = np.concatenate([picked, *arms, *(arm * values[:, None] for arm in arms)], axis=1)
    size = len(chosen.columns)

    def estimate(times: np.ndarray) -> np.ndarray:
        sums = times @ columns
        reached, n_treated, n_control, y_treated, y_control = (
            sums[:, i * size : (i + 1) * size] for i in range(5)
        )
        there = (n_treated > 0) & (n_control > 0)
        mean = np.divide(y_treated, n_treated, out=np.full_like(reached, np.nan), where=there)
        mean -= np.divide(y_control, n_control, out=np.zeros_like(reached), where=there)
        part = reached / times.sum(axis=1, keepdims=True)
        return 1000 * np.where(reached > 0, part * mean, 0.0)

    enough = _enough(picked, trial)
    found = np.where(enough, estimate(np.ones((1, len(values))))[0], np.nan)
    drawn = np.empty((draws, size))
    for rows, times in customer_weights(trial, draws, seed):
        drawn[rows] = estimate(times)
    drawn = np.where(enough, drawn, np.nan)
    return pd.Series(found, chosen.columns), pd.DataFrame(drawn, columns=chosen.columns)


def _enough(picked: np.ndarray, trial: Trial) -> np.ndarray:
    """Whether the test has enough customers of both arms among those a rule contacts; nobody needs none."""
    clusters = trial.clusters()
    count = clusters.max() + 1
    enough = np.ones(picked.shape[1], dtype=bool)
    for column in range(picked.shape[1]):
        inside = picked[:, column] > 0
        if inside.any():
            arms = [
                np.bincount(clusters[inside & (trial.treated == arm)], minlength=count)
                for arm in (True, False)
            ]
            enough[column] = min(int((arm > 0).sum()) for arm in arms) >= FEWEST_CUSTOMERS
    return enough


def _spent(picked: np.ndarray, trial: Trial) -> float:
    """Cost of the contacts of a rule per 1,000 customers, at the mean cost of those it contacts."""
    cost = trial.rows["cost"].to_numpy("float64")
    weight = picked * trial.treated
    return float(1000 * picked.mean() * (weight @ cost) / weight.sum()) if weight.sum() > 0 else 0.0


def _ends(values: np.ndarray, level: float) -> tuple[float, float]:
    if np.isnan(values).all():
        return float("nan"), float("nan")
    low, high = np.nanquantile(values, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)
