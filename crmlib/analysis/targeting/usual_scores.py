"""The usual ways to rank customers for a campaign, made from an earlier test only, to be judged on a later one.

- **risk**: who is most likely to leave if left alone;
- **value at risk**: risk times what the customer brings if he stays;
- **expected profit**: value at risk times an assumed save rate, less the cost of the contact;
- **uplift**: what a contact was seen to change for customers like this one, less its cost.

The first three know only those left alone, as a company without a test does; the last one needs the test.
"""

import numpy as np
import pandas as pd

from crmlib.analysis.targeting.trial import Trial
from crmlib.analysis.targeting.uplift import AloneLearner, DRLearner, UpliftLearner, held_out, on_one_level
from crmlib.errors import ParameterError

RISK, AT_RISK, PROFIT, UPLIFT = "risk", "value at risk", "expected profit", "uplift"
ALONE = "expected alone"
#: Scores in money: whoever has 0 or less is not contacted, for `crmlib.analysis.targeting.targeting_rules`.
ABOVE = {PROFIT: 0.0, UPLIFT: 0.0}


def usual_scores(
    earlier: Trial,
    later: Trial | pd.DataFrame,
    money: str = "long_margin",
    leaves: str = "silent",
    save_rate: float = 0.3,
    contact_cost: float | None = None,
    learner: UpliftLearner | None = None,
    base: str = "linear",
    seed: int = 0,
) -> pd.DataFrame:
    """Score customers of a later test, or of today, by what an earlier test taught.

    Parameters
    ----------
    earlier : Trial
        With one action and covariates.
    later : Trial or DataFrame
        Whom to score: a test with one action, or the covariates of customers (see
        `crmlib.analysis.targeting.candidates`).
    money : str
        Outcome in money before the cost of contacts.
    leaves : str
        Outcome that is 1 for whoever is lost.
    save_rate : float
        Share of those about to leave whom a contact is assumed to keep, 0 to 1.
    contact_cost : float, optional
        Cost of a contact; the mean of the earlier test's if left out.
    learner : UpliftLearner, optional
        Learner of the uplift; ``DRLearner(base, seed)`` if left out.
    base : {'linear', 'boosting'}
        Base models of risk and value.
    seed : int

    Returns
    -------
    DataFrame
        Indexed like the rows of `later`: "risk" (a probability), "value at risk", "expected profit", "uplift" (money).

    Raises
    ------
    ParameterError
        If the save rate is no share.
    TooLittleData
        If an arm is too small to learn from.

    Notes
    -----
    What a customer brings if he stays is the money expected of him alone, divided by his chance to stay, and not
    below 0; whoever leaves is taken to bring nothing more.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> frame = pd.DataFrame({"treated": rng.random(2000) < 0.5, "recency_days": rng.uniform(0, 300, 2000)})
    >>> frame["silent"] = (rng.random(2000) < frame["recency_days"] / 300).astype(float)
    >>> frame["long_margin"] = 40 * (1 - frame["silent"])
    >>> test = Trial.of(frame, ["silent", "long_margin"], ["recency_days"])
    >>> people = pd.DataFrame({"recency_days": [30.0, 150.0, 290.0]}, index=["A", "B", "C"])
    >>> usual_scores(test, people, contact_cost=2.0).round(1)["risk"].tolist()
    [0.1, 0.5, 0.9]
    """
    found = _with_alone(earlier, later, money, leaves, save_rate, contact_cost, learner, base, seed)
    return found.drop(columns=ALONE)


def _with_alone(
    earlier: Trial,
    later: Trial | pd.DataFrame,
    money: str,
    leaves: str,
    save_rate: float = 0.3,
    contact_cost: float | None = None,
    learner: UpliftLearner | None = None,
    base: str = "linear",
    seed: int = 0,
) -> pd.DataFrame:
    """The scores, and the money expected alone that value at risk is made of."""
    if not 0 <= save_rate <= 1:
        raise ParameterError(f"save_rate = {save_rate}", "a share from 0 to 1", "give 0.3 for 30 %")
    earlier = earlier.single_action()
    scored = later.single_action().rows if isinstance(later, Trial) else later
    risk = alone(earlier, scored, leaves, base, seed).clip(0, 1)
    staying = np.maximum(1 - risk, 0.01)
    expected = alone(earlier, scored, money, base, seed)
    value = expected.clip(lower=0) / staying
    cost = float(earlier.rows.loc[earlier.treated, "cost"].mean()) if contact_cost is None else contact_cost
    gain = held_out(learner or DRLearner(base, seed), earlier, scored, money)
    return pd.DataFrame(
        {
            RISK: risk,
            AT_RISK: risk * value,
            PROFIT: save_rate * risk * value - cost,
            UPLIFT: gain - cost,
            ALONE: expected,
        }
    )


def scores_by_folds(
    trial: Trial,
    money: str = "long_margin",
    leaves: str = "silent",
    folds: int = 5,
    seed: int = 0,
    **options,
) -> pd.DataFrame:
    """Score each row of a test by what the customers of the other folds taught.

    Every row is judged by scores that have not seen its customer, and every row can be judged: the whole test is held
    out, fold by fold. What is judged is the way to make scores; the scores of a fold differ a little from those
    of the next. Uplift has the same mean in all folds; only that mean, and so who is just above 0, knows the row
    itself.

    Parameters
    ----------
    trial : Trial
        With one action.
    money, leaves
        As for `usual_scores`.
    folds : int
        All rows of a customer fall into the same fold.
    seed : int
        Of folds and base models.
    **options
        Further ones of `usual_scores`.

    Returns
    -------
    DataFrame
        Indexed like ``trial.rows``: the scores of `usual_scores`, and ``expected alone``, the money expected of the row
        without a contact, for `baseline` of `crmlib.analysis.targeting.targeting_rules.compare_rules`.
    """
    fold, parts = trial.single_action().folds(folds, seed), []
    for number in range(folds):
        others, own = trial.where(fold != number), trial.where(fold == number)
        parts.append(_with_alone(others, own, money, leaves, seed=seed, **options))
    found = pd.concat(parts).loc[trial.rows.index]
    return found.assign(**{UPLIFT: on_one_level(found[UPLIFT].to_numpy(), fold)})


def alone(
    earlier: Trial, customers: pd.DataFrame, outcome: str, base: str = "linear", seed: int = 0
) -> pd.Series:
    """Predict what customers do without a contact, from those held out of an earlier test.

    Parameters
    ----------
    earlier : Trial
        With one action.
    customers : DataFrame
        With the covariates of the test.
    outcome : str
    base, seed
        As for `usual_scores`.

    Returns
    -------
    Series of float
        Indexed like `customers`; a probability where the outcome is 0 or 1.
    """
    known, names = earlier.single_action().known(outcome), list(earlier.covariates)
    values = known.rows[outcome].to_numpy("float64")
    learner = AloneLearner(base, seed).fit(known.rows[names], known.treated, values)
    return pd.Series(learner.predict(customers[names]), customers.index, name=outcome)
