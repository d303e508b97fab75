"""What a club does to the purchases of its members: difference in differences for customers who join one by one."""

from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from scipy.stats import norm

from crmlib.analysis.loyalty.design import FEWEST_JOINERS, Design, bookings
from crmlib.analysis.loyalty.joining_chance import JoiningChance
from crmlib.analysis.loyalty.month_pairs import Compared, compare_months
from crmlib.analysis.loyalty.panel import ClubPanel
from crmlib.analysis.rounding import rounded
from crmlib.analysis.targeting.differences import Differences
from crmlib.errors import ParameterError, TooLittleData

STAGES = ((1, 3), (4, 6), (7, 12), (13, 24), (25, 36))


@dataclass(frozen=True)
class Before:
    """The months before joining, compared in the same way: an effect there is no effect of the club.

    Attributes
    ----------
    effect, low, high : float
        Of all of them together; NaN where too few joiners have so long a past.
    joiners : int
    statistic, degrees, p_value : float
        Wald test that the effect is zero in each of them.
    """

    effect: float
    low: float
    high: float
    joiners: int
    statistic: float
    degrees: int
    p_value: float


@dataclass(frozen=True)
class ClubEffect:
    """The effect of membership on the purchases of members.

    Attributes
    ----------
    outcome : str
    effect, low, high : float
        Rise of purchases of members, as a share of what they would buy without the club, with its interval.
    error : float
        Standard error of the logarithm of 1 + effect.
    level, p_value : float
    joiners, member_months, controls : int
        Joiners compared, their months, and customers who stood for those who had not joined.
    observed, expected : float
        What joiners bought in these months, and what they would have bought.
    by_month : DataFrame
        Indexed by month since joining (0, the month of joining, takes no part): ``effect``, ``low``, ``high``,
        ``band_low``, ``band_high`` (band that holds all months at once), ``joiners``, ``observed``, ``expected``.
    by_stage : DataFrame
        The same for the first months and those after, in few rows; no band.
    before : Before
    set_aside : dict of str to int
        Joiners who take no part, by reason.
    known_alive : bool
        Whether months count only as long as a later order proves that the customer was still there.
    """

    outcome: str
    effect: float
    low: float
    high: float
    error: float
    level: float
    p_value: float
    joiners: int
    member_months: int
    controls: int
    observed: float
    expected: float
    by_month: pd.DataFrame
    by_stage: pd.DataFrame
    before: Before
    set_aside: dict[str, int]
    known_alive: bool
    influence: np.ndarray = field(repr=False, compare=False)

    @property
    def clear(self) -> bool:
        """Whether the interval leaves out zero."""
        return bool(self.low > 0 or self.high < 0)


def club_effect(
    panel: ClubPanel,
    outcome: str = "orders",
    *,
    strata: pd.Series | None = None,
    level: float = 0.95,
    draws: int = 2000,
    seed: int = 1,
    **options: int | bool | JoiningChance | None,
) -> ClubEffect:
    """Estimate what membership does to the purchases of those who join.

    Parameters
    ----------
    panel : ClubPanel
    outcome : str
        ``orders``, ``net_sales`` or ``margin``; its total must be above zero.
    strata : Series, optional
        Group of each customer, known before joining, indexed like ``panel.customers``: joiners are compared within
        their group.
    level : float
    draws, seed : int
        Draws of the band over all months.
    **options
        Fields of `Design`, such as ``horizon``, ``anticipation``, ``known_alive`` or ``chance``.

    Returns
    -------
    ClubEffect

    Raises
    ------
    ParameterError
        If an option is out of range.
    TooLittleData
        If fewer than 30 joiners can be compared, or there is nobody to compare them with.

    Notes
    -----
    For the comparison see `month_pairs.compare_months`. What it takes for granted: without the club, joiners and
    others would have changed by the same factor from month to month; this is tried in the months before joining.

    Why ``known_alive``: who joins in a month is certainly a customer then, while nobody knows this of a customer
    who has not joined, and everybody knows it of one who will join later. With customers who leave unseen, any plain
    comparison mistakes this for an effect (immortal time: Suissa 2008, American Journal of Epidemiology 167:492-499).
    Here both sides count up to the last month after which they ordered again. Given his own rate, what a
    living customer buys in a month does not depend on whether he orders after it, as in all models of
    buying till you die (Schmittlein, Morrison & Colombo 1987, Management Science 33:1-24). So the effect found is that
    on the purchases of customers while they are customers; whether the club keeps them longer is not found.

    Where customers join with an order (see `joining_orders.joining_orders`), give ``chance``: without it the effect is
    overstated.

    Standard errors add up the influence of each customer over all his months; the band comes from a Gaussian multiplier
    bootstrap over customers, drawn through the covariance of the influences, which is the same distribution.
    """
    if not 0 < level < 1:
        raise ParameterError(f"level = {level}", "above 0 and below 1", "give 0.95, for example")
    design = Design(**options)
    booked, others, n_months = bookings(panel, outcome), design.others(panel, strata), len(panel.months)
    joiners, set_aside = design.after(panel)
    horizon, gap = design.horizon, design.gap
    stages = [(low, min(high, horizon)) for low, high in STAGES if low <= horizon]
    singles = [(month, month) for month in range(1, horizon + 1)]
    found = compare_months(booked, others, joiners, [(1, horizon), *stages, *singles], n_months)
    early = [(month, month) for month in range(-gap, -design.anticipation)]
    tried = compare_months(booked, others, design.ahead(panel), [(-gap, -1), *early], n_months)
    table, error = _results(found, level)
    if not np.isfinite(error[0]):
        raise TooLittleData(
            f"{outcome} of {found.observed[0]:g} by joiners, where {found.expected[0]:g} is expected",
            "totals above zero",
            "take orders as the outcome",
        )
    early_table, early_error = _results(tried, level)
    by_month = pd.concat([early_table.iloc[1:], table.iloc[1 + len(stages) :]])
    by_month.index = pd.Index([low for low, _ in early + singles], name="month")
    errors = np.append(early_error[1:], error[1 + len(stages) :])
    influence = np.hstack([tried.influence[:, 1:], found.influence[:, 1 + len(stages) :]])
    by_stage = table.iloc[1 : 1 + len(stages)].set_axis([f"{low} to {high}" for low, high in stages])
    whole = table.iloc[0]
    return ClubEffect(
        outcome=outcome,
        effect=float(whole["effect"]),
        low=float(whole["low"]),
        high=float(whole["high"]),
        error=float(rounded(error[0])),
        level=level,
        p_value=float(rounded(2 * norm.sf(abs(np.log1p(whole["effect"])) / error[0]))),
        joiners=int(found.joiners[0]),
        member_months=int(found.months[0]),
        controls=int((others.until > others.begins).sum()),
        observed=float(whole["observed"]),
        expected=float(whole["expected"]),
        by_month=_with_band(by_month, errors, influence, level, draws, seed),
        by_stage=by_stage.rename_axis("months since joining"),
        before=_before(early_table, early_error, tried.influence),
        set_aside=set_aside,
        known_alive=design.known_alive,
        influence=found.influence[:, 0],
    )


def _results(found: Compared, level: float) -> tuple[pd.DataFrame, np.ndarray]:
    known = (found.observed > 0) & (found.expected > 0)
    size = np.log(np.where(known, found.observed, 1.0) / np.where(known, found.expected, 1.0))
    error = np.where(known, np.sqrt((found.influence**2).sum(axis=0)), np.nan)
    size = np.where(known, size, np.nan)
    half = norm.ppf((1 + level) / 2) * error
    table = pd.DataFrame(
        {
            "effect": rounded(np.expm1(size)),
            "low": rounded(np.expm1(size - half)),
            "high": rounded(np.expm1(size + half)),
            "joiners": found.joiners,
            "observed": rounded(found.observed),
            "expected": rounded(found.expected),
        }
    )
    return table, error


def _with_band(
    table: pd.DataFrame, error: np.ndarray, influence: np.ndarray, level: float, draws: int, seed: int
) -> pd.DataFrame:
    """Add the band that holds all months at once (Callaway & Sant'Anna 2021, section 4.1)."""
    known = np.isfinite(error) & (error > 0)
    wide = np.full(len(table), np.nan)
    if known.any():
        scaled = influence[:, known] / error[known]
        likeness = scaled.T @ scaled + 1e-9 * np.eye(known.sum())
        normal = np.random.default_rng([seed, draws]).standard_normal((draws, known.sum()))
        farthest = np.abs(normal @ np.linalg.cholesky(likeness).T).max(axis=1)
        wide[known] = np.quantile(farthest, level) * error[known]
    size = np.log1p(table["effect"].to_numpy())
    table.insert(3, "band_low", rounded(np.expm1(size - wide)))
    table.insert(4, "band_high", rounded(np.expm1(size + wide)))
    return table


def _before(table: pd.DataFrame, error: np.ndarray, influence: np.ndarray) -> Before:
    whole = table.iloc[0]
    enough = whole["joiners"] >= FEWEST_JOINERS and np.isfinite(error[0])
    size = np.log1p(table["effect"].iloc[1:].to_numpy())
    names = list(range(len(size)))
    covariance = pd.DataFrame(influence[:, 1:].T @ influence[:, 1:], index=names, columns=names)
    single = pd.DataFrame({"difference": size, "error": error[1:]}, index=names)
    test = Differences(single, covariance, level=0.95).zero()
    ends = whole[["effect", "low", "high"]].astype(float) if enough else [np.nan] * 3
    return Before(
        *map(float, ends),
        int(whole["joiners"]),
        float(rounded(test.statistic)) if enough else float("nan"),
        test.degrees if enough else 0,
        float(rounded(test.p_value)) if enough else float("nan"),
    )
