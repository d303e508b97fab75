"""Whether members get larger discounts because of the club: cheaper sales that would have come at the former price."""

from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from scipy.stats import norm

from crmlib.analysis.loyalty.design import Design, bookings
from crmlib.analysis.loyalty.joining_chance import JoiningChance
from crmlib.analysis.loyalty.month_pairs import Compared, compare_months
from crmlib.analysis.loyalty.panel import ClubPanel
from crmlib.analysis.rounding import rounded


@dataclass(frozen=True)
class DiscountRise:
    """Rise of the discounts of members because of the club.

    Attributes
    ----------
    rise, low, high : float
        In shares of sales at list prices: 0.02 is 2 of 100 more.
    share, expected_share : float
        Discount share of members, and what it would be without the club.
    joiners : int
    level : float
    """

    rise: float
    low: float
    high: float
    share: float
    expected_share: float
    joiners: int
    level: float
    influence: np.ndarray = field(repr=False, compare=False)

    @property
    def clear(self) -> bool:
        """Whether the interval leaves out zero."""
        return bool(self.low > 0 or self.high < 0)


def discount_rise(
    panel: ClubPanel,
    *,
    strata: pd.Series | None = None,
    level: float = 0.95,
    **options: int | bool | JoiningChance | None,
) -> DiscountRise | None:
    """Estimate how much larger the discounts of members are because of the club.

    Parameters
    ----------
    panel : ClubPanel
    strata, **options
        As for `staggered_effect.club_effect`.
    level : float

    Returns
    -------
    DiscountRise or None
        None where no discount is in the data.

    Raises
    ------
    TooLittleData
        If fewer than 30 joiners can be compared, or there is nobody to compare them with.

    Notes
    -----
    Discounts and list sales of joiners are each compared with those of others as in `month_pairs.compare_months`;
    the rise is the share observed less the share expected, with the influence of each customer on both.
    """
    if not (panel.rows["discounts"] > 0).any():
        return None
    design = Design(**options)
    others, (joiners, _), spans = design.others(panel, strata), design.after(panel), [(1, design.horizon)]
    given, sales = (
        compare_months(bookings(panel, name), others, joiners, spans, len(panel.months))
        for name in ("discounts", "list_sales")
    )
    share, moved = _share(given, sales, "observed")
    would, would_move = _share(given, sales, "expected")
    influence = moved - would_move
    half = norm.ppf((1 + level) / 2) * np.sqrt((influence**2).sum())
    rise = share - would
    return DiscountRise(
        *(float(rounded(value)) for value in (rise, rise - half, rise + half, share, would)),
        joiners=int(sales.joiners[0]),
        level=level,
        influence=influence,
    )


def _share(given: Compared, sales: Compared, which: str) -> tuple[float, np.ndarray]:
    """Discount share, observed or expected, and how much each customer moves it."""
    upper, lower = getattr(given, which)[0], getattr(sales, which)[0]
    share = upper / lower
    moved = getattr(given, f"of_{which}")[:, 0] - share * getattr(sales, f"of_{which}")[:, 0]
    return float(share), moved / lower
