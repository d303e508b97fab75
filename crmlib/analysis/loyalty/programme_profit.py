"""What a club earns in a period: margin from its effect and fees, less rewards and cheaper sales that came anyway."""

from dataclasses import dataclass

import ibis
import numpy as np
import pandas as pd
from scipy.stats import norm

from crmlib.analysis.loyalty.discount_rise import DiscountRise
from crmlib.analysis.loyalty.membership import Club
from crmlib.analysis.loyalty.staggered_effect import ClubEffect
from crmlib.analysis.period import Period
from crmlib.analysis.rounding import rounded
from crmlib.errors import ParameterError, TooLittleData

MARGIN, FEES, REWARDS, DISCOUNTS, PROFIT = (
    "margin from the effect",
    "fees",
    "rewards",
    "discounts on sales that would have come anyway",
    "profit",
)
KEEP, END, NOT_KNOWN = "keep", "end", "not known"


@dataclass(frozen=True)
class ProgrammeProfit:
    """What the club earned in a period, against having no club.

    Attributes
    ----------
    table : DataFrame
        Indexed by part: ``total``, ``low``, ``high``, ``per_member_year`` (run's currency). The parts add up to profit;
        costs are negative. Discounts are among them only where their rise was estimated.
    period : Period
    member_years : float
    members_margin, members_list_sales : float
        Gross margin and list sales of members in the months of their membership.
    fees_known : bool
        False: fees of some memberships are not known and counted as nothing.
    break_even_effect : float
        Effect at which the club earns nothing; infinite where even the largest would not do.
    decision : str
        ``keep`` if the whole interval of profit is above zero, ``end`` if it is below, else ``not known``.
    """

    table: pd.DataFrame
    period: Period
    member_years: float
    members_margin: float
    members_list_sales: float
    fees_known: bool
    break_even_effect: float
    decision: str

    @property
    def profit(self) -> tuple[float, float, float]:
        """Profit with the ends of its interval."""
        return tuple(float(value) for value in self.table.loc[PROFIT, ["total", "low", "high"]])


def programme_profit(
    members: Club,
    lines: ibis.Table,
    effect: ClubEffect,
    period: Period,
    reward_cost_per_year: float,
    discount: DiscountRise | None = None,
) -> ProgrammeProfit:
    """Work out what the club earned in a period.

    Parameters
    ----------
    members : Club
    lines : ibis.Table
        As returned by `crmlib.analysis.ledger.order_lines`.
    effect : ClubEffect
        Of orders, or of margin (then without `discount`, which is in it).
    period : Period
    reward_cost_per_year : float
        What the rewards of a member cost in a year, 0 or more.
    discount : DiscountRise, optional
        Estimated on the same panel as `effect`.

    Returns
    -------
    ProgrammeProfit

    Raises
    ------
    ParameterError
        If the reward cost is negative, or discounts would count twice.
    TooLittleData
        If nobody was a member in the period.

    Notes
    -----
    Definition of this project. With margin M and list sales S of members while they were members, effect e and rise of
    the discount share d, members would have brought (M + d S) / (1 + e) without the club: the extra orders are as large
    and as profitable as the others. Ending the club is the zero that profit is compared with: no fee, no reward, no
    effect. The effect of those who joined within the data stands for all members. Only effect and discount are
    uncertain here; what was sold, paid and given is known.
    """
    if not reward_cost_per_year >= 0:
        raise ParameterError(
            f"reward_cost_per_year = {reward_cost_per_year}",
            "0 or more",
            "state what rewards cost per member",
        )
    if discount is not None and effect.outcome == "margin":
        raise ParameterError(
            "an effect on margin and a rise of discounts", "one of them", "take the effect on orders"
        )
    months = members.member_months(period)
    if months.empty:
        raise TooLittleData(
            f"no member in {period.in_words}", "members in the period", "take a period with members"
        )
    years = months / 12
    margin, sales = _while_members(members, lines, period)
    fee = members.memberships["fee_per_year"].reindex(months.index)
    fees = float((fee * years).sum())
    rewards = -reward_cost_per_year * float(years.sum())
    rise = 0.0 if discount is None else discount.rise
    base = margin + rise * sales

    def earned(size: float | np.ndarray) -> float | np.ndarray:
        return base * size / (1 + size)

    parts = {
        MARGIN: (earned(effect.effect), *sorted((earned(effect.low), earned(effect.high)))),
        FEES: (fees,) * 3,
        REWARDS: (rewards,) * 3,
    }
    if discount is not None:
        parts[DISCOUNTS] = (-rise * sales, *sorted((-discount.high * sales, -discount.low * sales)))
    profit = sum(values[0] for values in parts.values())
    ends = tuple(parts[MARGIN][end] + fees + rewards for end in (1, 2))
    if discount is not None:
        keeps = 1 / (1 + effect.effect)
        moved = base * keeps * effect.influence - sales * keeps * discount.influence
        half = norm.ppf((1 + effect.level) / 2) * np.sqrt((moved**2).sum())
        ends = (profit - half, profit + half)
    parts[PROFIT] = (profit, *ends)
    table = pd.DataFrame.from_dict(parts, orient="index", columns=["total", "low", "high"])
    table["per_member_year"] = table["total"] / years.sum()
    table = table.rename_axis("part").apply(rounded, digits=9)
    left = margin + fees + rewards
    return ProgrammeProfit(
        table=table,
        period=period,
        member_years=float(years.sum()),
        members_margin=margin,
        members_list_sales=sales,
        fees_known=bool(fee.notna().all()),
        break_even_effect=float(rounded(base / left - 1)) if left > 0 else float("inf"),
        decision=KEEP if ends[0] > 0 else END if ends[1] < 0 else NOT_KNOWN,
    )


def _while_members(members: Club, lines: ibis.Table, period: Period) -> tuple[float, float]:
    """Gross margin and list sales of members on days of their membership."""
    stretch = members.memberships.reset_index()
    late = pd.Timestamp(period.last)
    spans = ibis.memtable(
        pd.DataFrame(
            {
                "member": stretch["customer_id"].astype(str),
                "first": stretch["joined_on"].dt.date,
                "last": stretch["ended_on"].fillna(late).clip(upper=late).dt.date,
            }
        )
    )
    within = lines.filter(period.covers(lines.day))
    joined = within.inner_join(spans, within.customer_id == spans.member)
    # Cast: the engine may have taken dates of a frame for timestamps.
    joined = joined.filter(
        joined.day >= joined["first"].cast("date"), joined.day <= joined["last"].cast("date")
    )
    sums = joined.agg(
        margin=(joined.net_sales.sum() - joined.cost_of_goods.sum()).cast("float64"),
        sales=joined.list_sales.sum().cast("float64"),
    )
    margin, sales = sums.execute().fillna(0.0).to_numpy("float64")[0]
    return float(margin), float(sales)
