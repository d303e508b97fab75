"""What a score of churn is worth in money: maximum profit, and expected maximum profit, of a retention campaign.

Scores order customers; a campaign contacts them from the top. How far it should go, and what it then earns, depends
on the offer as much as on the score. Measures without money (AUC, lift) cannot say that.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.optimize import isotonic_regression

from crmlib.analysis.clv.trust.forecast_scores import Ordered
from crmlib.analysis.intervals import percentile_ends
from crmlib.analysis.targeting.campaign_terms import OfferTerms
from crmlib.errors import DataError, ParameterError, TooLittleData

#: What each measure says; money is per customer of the base.
MEASURES = {
    "profit": "profit of the best campaign at the mean save rate (maximum profit)",
    "share": "share of the customers it contacts",
    "threshold": "lowest score it contacts",
    "expected_profit": "profit of the best campaigns, averaged over save rates (expected maximum profit)",
    "expected_share": "share of the customers they contact",
    "at_break_even": "profit if all are contacted whose score is at or above the break-even probability",
    "everyone": "profit if all are contacted",
    "perfect": "profit if exactly those who leave are contacted, where that pays",
}


@dataclass(frozen=True)
class MaximumProfit:
    """What scores are worth, per customer of the base.

    Attributes
    ----------
    table : DataFrame
        Indexed by ``method`` and ``measure`` (keys of `MEASURES`): ``value``, ``low``, ``high``.
        ``threshold`` is NaN where nobody should be contacted, ``at_break_even`` where a score is no probability.
    corners : dict of str to DataFrame
        For each method the campaigns that are best at some save rate, nobody first: ``share`` of the customers,
        ``leavers`` and ``stayers`` contacted (shares of all leavers and stayers), ``threshold`` (lowest
        score), ``from_rate`` and ``to_rate`` (save rates at which it is best), ``chance`` (that the save rate is
        among them).
    resampled : dict of str to DataFrame of shape (n_resamples, n_methods)
        Measure to its values with the customers drawn anew.
    terms : OfferTerms
    level : float
    customers : int
        Different customers.
    """

    table: pd.DataFrame
    corners: dict[str, pd.DataFrame]
    resampled: dict[str, pd.DataFrame]
    terms: OfferTerms
    level: float
    customers: int

    @property
    def values(self) -> pd.DataFrame:
        """One row per method, one column per measure."""
        return self.table["value"].unstack("measure")[list(MEASURES)].loc[list(self.corners)]

    def difference(self, measure: str, one: str, other: str) -> tuple[float, float, float]:
        """Return a measure of one method less that of another, with the interval of the pair."""
        drawn = (self.resampled[measure][one] - self.resampled[measure][other]).to_numpy()
        value = self.table.loc[(one, measure), "value"] - self.table.loc[(other, measure), "value"]
        return float(value), *(float(end) for end in percentile_ends(drawn[:, None], self.level)[:, 0])


def maximum_profit(
    churned: pd.Series,
    scores: pd.Series | pd.DataFrame,
    terms: OfferTerms | None = None,
    *,
    n_resamples: int = 300,
    level: float = 0.95,
    seed: int = 0,
) -> MaximumProfit:
    """Measure in money what scores of churn are worth.

    Parameters
    ----------
    churned : Series of bool
        Who left; the last level of the index is ``customer_id``.
    scores : Series or DataFrame of shape (n_rows, n_methods)
        Same index; the highest are contacted first, equal scores together.
    terms : OfferTerms, optional
        The published defaults if left out.
    n_resamples : int
        Draws of customers for the intervals, 20 or more, or 0 for none.
    level : float
        Level of the intervals.
    seed : int

    Returns
    -------
    MaximumProfit

    Raises
    ------
    DataError
        If scores are missing or indexed otherwise.
    ParameterError
        If an option is out of range.
    TooLittleData
        If all left, or none.

    Notes
    -----
    Verbeke, Dejaeger, Martens, Hur & Baesens (2012), European Journal of Operational Research 218:211-229, for the
    maximum; Verbraken, Verbeke & Baesens (2013), IEEE Transactions on Knowledge and Data Engineering 25:961-973,
    for its expectation, here in closed form over the corners of the convex hull of the ROC curve. The hull
    is found by isotonic regression of the outcome on the order of the scores (Fawcett & Niculescu-Mizil 2007, Machine
    Learning 68:97-106). In a block where a share p leaves, a contact pays from the save rate
    (offer + contact - p offer) / (p (value - offer)) on.

    Both measures choose the number of contacts on the same customers on which they count the money, so they flatter a
    little; ``at_break_even`` does not, and needs probabilities that come true. Percentile intervals from a
    bootstrap of customers, all days of a customer together.

    Examples
    --------
    >>> people = pd.Index([f"C{i}" for i in range(8)], name="customer_id")
    >>> churned = pd.Series([False, True] * 4, index=people)
    >>> scores = pd.Series([0.1, 0.2, 0.3, 0.4, 0.5, 0.7, 0.8, 0.9], index=people, name="score")
    >>> found = maximum_profit(churned, scores, n_resamples=0)
    >>> found.values.loc["score", ["profit", "share", "expected_profit"]].round(6).tolist()
    [23.875, 0.875, 23.875593]
    """
    terms = terms or OfferTerms()
    if (n_resamples != 0 and n_resamples < 20) or not 0 < level < 1:
        raise ParameterError(
            f"n_resamples = {n_resamples}, level = {level}", "0, or 20 or more, and a level between 0 and 1",
            "correct them",
        )  # fmt: skip
    frame = scores.to_frame(scores.name or "score") if isinstance(scores, pd.Series) else scores
    left = _checked(churned, frame)
    steps = {name: _Steps.of(frame[name].to_numpy("float64"), left) for name in frame.columns}
    once = np.ones(len(left))
    point = {name: one.measured(once, terms) for name, one in steps.items()}
    drawn: dict[str, list[list[float]]] = {name: [] for name in steps}
    codes, names = pd.factorize(np.asarray(churned.index.get_level_values(-1)), sort=True)
    for times in _draws(codes, len(names), n_resamples, seed):
        for name, one in steps.items():
            drawn[name].append(one.measured(times, terms))
    rows = {}
    arrays = {name: np.array(drawn[name]).reshape(-1, len(MEASURES)) for name in steps}
    for name in steps:
        ends = percentile_ends(arrays[name], level)
        for place, measure in enumerate(MEASURES):
            rows[name, measure] = (point[name][place], *ends[:, place])
    table = pd.DataFrame(
        list(rows.values()),
        index=pd.MultiIndex.from_tuples(list(rows), names=["method", "measure"]),
        columns=["value", "low", "high"],
    )
    resampled = {
        measure: pd.DataFrame({name: arrays[name][:, place] for name in steps})
        for place, measure in enumerate(MEASURES)
    }
    corners = {name: one.corners(terms) for name, one in steps.items()}
    return MaximumProfit(table, corners, resampled, terms, level, len(names))


def profit_by_share(
    churned: pd.Series, scores: pd.Series, terms: OfferTerms | None = None, points: int = 101
) -> pd.DataFrame:
    """Trace the profit of contacting the customers with the highest scores, up to shares of all.

    Parameters
    ----------
    churned, scores, terms
        As for `maximum_profit`; one score.
    points : int
        Shares from 0 to 1.

    Returns
    -------
    DataFrame
        Indexed by ``share``: ``profit`` at the mean save rate, ``low`` and ``high`` at the ends of its 95 %
        interval, all per customer of the base. Equal scores are contacted in proportion.
    """
    terms = terms or OfferTerms()
    left = _checked(churned, scores.to_frame("score"))
    shares = np.linspace(0, 1, points)
    ordered = Ordered.by(scores.to_numpy("float64"))
    leavers, all_ = (
        ordered.held(left, shares) / len(left),
        ordered.held(np.ones(len(left)), shares) / len(left),
    )
    low, high = terms.save_rate.interval()
    found = {
        name: _profit(rate, leavers, all_ - leavers, terms)
        for name, rate in (("profit", terms.save_rate.mean), ("low", low), ("high", high))
    }
    return pd.DataFrame(found, index=pd.Index(shares, name="share"))


@dataclass(frozen=True)
class _Steps:
    """Customers from the highest score to the lowest, equal scores in one step."""

    order: np.ndarray
    starts: np.ndarray
    scores: np.ndarray
    left: np.ndarray

    @classmethod
    def of(cls, scores: np.ndarray, left: np.ndarray) -> "_Steps":
        ordered = Ordered.by(scores)
        starts = np.append(0, ordered.ends[:-1] + 1)
        return cls(ordered.order, starts, scores[ordered.order][starts], left[ordered.order])

    def hull(self, times: np.ndarray, terms: OfferTerms) -> tuple[np.ndarray, ...]:
        """Corners of the hull: leavers and stayers contacted (shares of all), score, first save rate of each."""
        own = times[self.order]
        sizes = np.add.reduceat(own, self.starts)
        leavers = np.add.reduceat(own * self.left, self.starts)
        there = sizes > 0
        sizes, leavers, scores = sizes[there], leavers[there], self.scores[there]
        blocks = isotonic_regression(leavers / sizes, weights=sizes, increasing=False).blocks
        ends = blocks[1:] - 1
        total = sizes.sum()
        gone = np.append(0.0, np.cumsum(leavers)[ends])
        reached = np.append(0.0, np.cumsum(sizes)[ends])
        share = np.diff(gone) / np.diff(reached)
        spent = terms.offer_cost * (1 - share) + terms.contact_cost
        kept = share * (terms.value - terms.offer_cost)
        pays = np.divide(spent, kept, out=np.full_like(spent, np.inf), where=kept > 0)
        # Equal shares may differ in the last digit; the hull is concave.
        pays = np.maximum.accumulate(pays)
        return gone / total, (reached - gone) / total, np.append(np.inf, scores[ends]), np.append(0.0, pays)

    def measured(self, times: np.ndarray, terms: OfferTerms) -> list[float]:
        """All measures, in the order of `MEASURES`."""
        gone, stayed, scores, pays = self.hull(times, terms)
        rate = terms.save_rate
        best = int((pays[1:] < rate.mean).sum())
        chance, part = _between(pays, rate.below), _between(pays, rate.mean_below)
        spent = terms.contact_cost * gone + (terms.contact_cost + terms.offer_cost) * stayed
        expected = (terms.value - terms.offer_cost) * (gone @ part) - spent @ chance
        return [
            float(_profit(rate.mean, gone[best], stayed[best], terms)),
            float(gone[best] + stayed[best]),
            float(scores[best]) if best else float("nan"),
            float(expected),
            float((gone + stayed) @ chance),
            self._at_break_even(times, terms),
            float(_profit(rate.mean, gone[-1], stayed[-1], terms)),
            max(float(_profit(rate.mean, gone[-1], 0.0, terms)), 0.0),
        ]

    def _at_break_even(self, times: np.ndarray, terms: OfferTerms) -> float:
        if self.scores[0] > 1 or self.scores[-1] < 0:
            return float("nan")
        steps = int((self.scores >= terms.break_even_probability()).sum())
        last = self.starts[steps] if steps < len(self.starts) else len(self.order)
        own = times[self.order]
        gone, reached = own[:last] @ self.left[:last], own[:last].sum()
        return float(_profit(terms.save_rate.mean, gone, reached - gone, terms) / own.sum())

    def corners(self, terms: OfferTerms) -> pd.DataFrame:
        """Corners of the hull that are best at some save rate."""
        gone, stayed, scores, pays = self.hull(np.ones(len(self.order)), terms)
        ends = np.minimum(np.append(pays[1:], 1.0), 1.0)
        found = pd.DataFrame(
            {
                "share": gone + stayed,
                "leavers": gone / gone[-1],
                "stayers": stayed / stayed[-1],
                "threshold": np.where(np.isfinite(scores), scores, np.nan),
                "from_rate": np.minimum(pays, 1.0),
                "to_rate": ends,
                "chance": _between(pays, terms.save_rate.below),
            }
        )
        return found[found["to_rate"] > found["from_rate"]].reset_index(drop=True)


def _profit(rate: float, leavers: np.ndarray, stayers: np.ndarray, terms: OfferTerms) -> np.ndarray:
    """Profit per customer of the base of contacting leavers and stayers, both as shares of all."""
    kept = rate * (terms.value - terms.offer_cost) * leavers
    return kept - terms.contact_cost * leavers - (terms.offer_cost + terms.contact_cost) * stayers


def _between(pays: np.ndarray, cumulated) -> np.ndarray:
    """How much of a distribution over save rates lies where each corner is best."""
    return np.diff(cumulated(np.append(np.minimum(pays, 1.0), 1.0)))


def _draws(codes: np.ndarray, customers: int, n_resamples: int, seed: int) -> Iterator[np.ndarray]:
    """How often each row counts, with the customers drawn anew."""
    rng = np.random.default_rng([seed, customers])
    for _ in range(n_resamples):
        times = np.bincount(rng.integers(0, customers, customers), minlength=customers)
        yield times[codes].astype("float64")


def _checked(churned: pd.Series, scores: pd.DataFrame) -> np.ndarray:
    if not scores.index.equals(churned.index):
        raise DataError("scores not indexed like the outcome", "the same index", "reindex the scores")
    missing = scores.isna().sum()
    if missing.any():
        name = missing.idxmax()
        raise DataError(
            f"{int(missing[name]):,} of {len(scores):,} customers without a score {name!r}",
            "a score for each customer", "leave them out of all scores, or score them",
        )  # fmt: skip
    left = churned.to_numpy("float64")
    if left.size == 0 or left.min() == left.max():
        raise TooLittleData(
            f"{int(left.sum()):,} of {len(left):,} customers left", "some who left and some who stayed",
            "take a shorter or a longer outcome window",
        )  # fmt: skip
    return left
