"""Groups by value and loyalty on the page: who is where, what each is worth, and who moves."""

from datetime import date
from itertools import pairwise

import numpy as np
import pandas as pd

from crmlib.analysis.period import DAYS_PER_MONTH
from crmlib.analysis.profitability import named_lines
from crmlib.analysis.segments.level_effects import LevelSensitivity
from crmlib.analysis.segments.migration import INACTIVE as GONE
from crmlib.analysis.segments.migration import NEW, ChiSquare, Transitions, stationarity, transitions
from crmlib.analysis.segments.profiles import ALL, NONE
from crmlib.analysis.segments.raises import raises
from crmlib.analysis.segments.value_loyalty import GROUPS, ValueLoyalty, value_loyalty
from crmlib.display import formats
from crmlib.display.prose import Sentence
from crmlib.display.segments.directions_shown import Standing, share_with_ends
from crmlib.display.segments.palette import INACTIVE, SEGMENTS, segment_name
from crmlib.display.workbook import Workbook
from crmlib.errors import ParameterError, TooLittleData


def check_tenure(tenure_cut: float, horizon: float) -> None:
    """Refuse a cut-off of tenure beyond the horizon: nobody could be said to stay so long.

    Raises
    ------
    ParameterError
    """
    if tenure_cut >= horizon:
        raise ParameterError(
            f"tenure_cut = {tenure_cut:g}",
            f"fewer months than the horizon of {horizon:g}",
            "lower tenure_cut, or raise horizon_months in the run file",
        )


def segments_of(found: ValueLoyalty, everybody: pd.Index) -> pd.Series:
    """Return the group of each customer, in the order of `SEGMENTS`, those without a purchase in the period last."""
    names = found.customers["group"].map(segment_name).reindex(everybody).fillna(INACTIVE)
    return pd.Series(pd.Categorical(names, [*SEGMENTS, INACTIVE]), index=everybody, name="segment")


def five(here: pd.DataFrame) -> pd.DataFrame:
    """Pick five customers, from the highest value to the lowest."""
    ranked = here.sort_values(["value", "months_ahead"], ascending=False, kind="stable")
    return ranked.iloc[np.unique(np.linspace(0, len(ranked) - 1, min(5, len(ranked))).astype(int))]


def by_hand(people: pd.DataFrame, value_cut: float, tenure_cut: float) -> np.ndarray:
    """Name the group of each customer from the two cut-offs, step by step."""
    high, long = people["value"] >= value_cut, people["months_ahead"] >= tenure_cut
    return np.select([high & long, high, long], SEGMENTS[:3], SEGMENTS[3])


def map_title(wb: Workbook, found: ValueLoyalty) -> str:
    """Return the title of the map of customers."""
    friends, barnacles = found.groups.loc["true friends"], found.groups.loc["barnacles"]
    return str(
        wb.cases(
            (barnacles["value"] < 0 and friends["value_share"] == friends["value_share"],
             "{share:share} of the active customers are true friends and bring {part:share} of the profit before the "
             "cost of winning; {n:count} barnacles stay and cost {cost:money}"),
            (friends["value_share"] == friends["value_share"],
             "{share:share} of the active customers are true friends and bring {part:share} of the profit before the "
             "cost of winning"),
            (True, "{share:share} of the active customers are true friends; customers as a whole do not earn"),
            share=float(friends["share"]), part=float(friends["value_share"]), n=int(barnacles["customers"]),
            cost=-float(barnacles["value"]),
        )
    )  # fmt: skip


def cuts_said(wb: Workbook, found: ValueLoyalty, months: int, asked: float, kept: bool) -> Sentence:
    """Say where the lines are drawn, and where they come from."""
    start = "Value is high from **{cut:exact_money}** of profit in the period, before the cost of winning"
    end = "tenure long from **{months:count} months** ahead, of {horizon:count} looked at."
    return wb.cases(
        (asked > 0, f"{start} (as asked for), {end}"),
        (kept, f"{start} (the line of the last report, so that customers move and not the line), {end}"),
        (found.value_cut == 0, f"{start}, for customers as a whole earn nothing; {end}"),
        (True, f"{start} (the mean of the active customers, in round numbers), {end}"),
        cut=found.value_cut, months=found.loyalty_cut, horizon=months,
    )  # fmt: skip


#: Share of customers below which a line parts next to nobody.
_FEW = 0.01
#: Headings of the number of customers in each group.
COUNTED = {name: (name, "count") for name in SEGMENTS}


def other_lines(value_cut: float, tenure_cut: float, horizon: float) -> tuple[list[float], list[float]]:
    """Return cut-offs to try, those in use first: half and double the value, a quarter less and more of the months.

    Examples
    --------
    >>> other_lines(50.0, 24.0, 36.0), other_lines(0.0, 12.0, 12.0)
    (([50.0, 25.0, 100.0], [24.0, 18.0, 30.0]), ([0.0], [12.0, 9.0]))
    """
    amounts = [value_cut, 0.5 * value_cut, 2.0 * value_cut]
    months = [tenure_cut, 0.75 * tenure_cut, min(1.25 * tenure_cut, horizon)]
    return list(dict.fromkeys(amounts)), list(dict.fromkeys(months))


def parts_nobody(wb: Workbook, found: ValueLoyalty) -> Sentence | None:
    """Warn where the line in months parts next to nobody; None where it does part customers."""
    long = float(found.customers["long_tenure"].mean())
    if _FEW < long < 1 - _FEW:
        return None
    return wb.cases(
        (long >= 1 - _FEW,
         "**Read the months with care:** next to everybody is expected to stay that long, so the groups are parted by "
         "value alone. In short data the model finds next to nobody leaving, which says little about who has."),
        (True,
         "**Read the months with care:** next to nobody is expected to stay that long, so the groups are parted by "
         "value alone. Lower the line in months."),
    )  # fmt: skip


def moved_cuts(table: pd.DataFrame) -> pd.DataFrame:
    """Return what other cut-offs would do, with the names of the groups; whole months are written without a decimal."""
    shown = table.rename(columns={name: segment_name(name) for name in GROUPS}).reset_index()
    return shown.assign(months=shown["loyalty_cut"].map("{:g}".format))


def sensitive(wb: Workbook, table: pd.DataFrame) -> Sentence:
    """Say how many customers hang on the cut-offs."""
    one = table.iloc[1:]
    worst = one["customers_moved"].idxmax()
    return wb.say(
        "With other lines, up to **{share:share}** of the customers would be in another group (at {value:exact_money} "
        "and {months:count} months). Lines are a choice: say them whenever you quote the groups.",
        share=float(one.loc[worst, "customers_moved"]), value=float(worst[0]), months=float(worst[1]),
    )  # fmt: skip


def statement(accounts: pd.DataFrame) -> pd.DataFrame:
    """Return the income statement by group with its lines in words."""
    return named_lines(accounts)


def statement_columns(accounts: pd.DataFrame) -> dict[str, tuple[str, str]]:
    """Return the headings of the income statement."""
    words = {ALL: "All", NONE: "None"}
    return {"line": ("Line", "text")} | {name: (words.get(name, name), "full_money") for name in accounts}


def worth(wb: Workbook, profile: pd.DataFrame, ahead: pd.DataFrame) -> pd.DataFrame:
    """Return size, profit, value ahead and habits of each group, with intervals in words."""
    table = profile.join(ahead[["value", "low", "high"]])
    table["profit_range"] = _ranges(wb, table["profit_low"], table["profit_high"])
    table["ahead_range"] = _ranges(wb, table["low"], table["high"])
    return table.reset_index()


def worth_note(wb: Workbook, horizon: int) -> str:
    """Return what stands under the table of worth."""
    return wb.text(
        "Profit: after the cost of winning customers, as in the income statement; the groups are parted by profit "
        "before "
        "it. Value ahead: the next {months:count} months, discounted. Intervals if customers were drawn anew; doubt "
        "about "
        "the model of value is not in them.",
        months=horizon,
    )  # fmt: skip


def grouped(standing: pd.DataFrame, value_cut: float, tenure_cut: float) -> pd.Series:
    """Return the group of everybody who had bought by a day, with the lines of today."""
    own = standing[standing["active"]]
    if own.empty:
        return segments_none(standing.index)
    return segments_of(value_loyalty(own, value_cut, tenure_cut), standing.index)


def segments_none(everybody: pd.Index) -> pd.Series:
    """Return everybody as inactive."""
    return pd.Series(
        pd.Categorical([INACTIVE] * len(everybody), [*SEGMENTS, INACTIVE]), index=everybody, name="segment"
    )


def movements(segments: list[pd.Series]) -> list[Transitions]:
    """Return who moved from each day to the next; both the moves and `segments` by day have the newest first."""
    states = [one.astype("object").replace({INACTIVE: GONE}) for one in segments]
    return [transitions(before, after, SEGMENTS) for after, before in pairwise(states)]


def same_moves(moves: list[Transitions]) -> ChiSquare | None:
    """Test whether customers moved as they did a period before; None with one pair of periods, or too few customers."""
    if len(moves) < 2:
        return None
    try:
        return stationarity([one.counts for one in moves])
    except TooLittleData:
        return None


def people_of(
    segments: pd.Series,
    now: pd.DataFrame,
    book: pd.DataFrame,
    tried: LevelSensitivity,
    levels: pd.DataFrame,
    going: Standing | None,
    lived: pd.Series | None,
    level_effect: float,
) -> pd.DataFrame:
    """Put into one row per customer what the cards add up.

    Parameters
    ----------
    segments : Series of category
    now : DataFrame
        As `crmlib.analysis.segments.standings.standings` returns it.
    book : DataFrame
        ``margin``, ``spent`` and ``bloc`` of the active customers.
    tried : LevelSensitivity
    levels : DataFrame
        ``cost`` by level.
    going : Standing or None
        States of customers by direction, where there are any.
    lived : Series or None
        Level of the active customers today, where it is known.
    level_effect : float
        Assumed rise of the margin by each step up.

    Returns
    -------
    DataFrame
        ``segment``, ``months_ahead``, `book`, ``level`` (planned), ``level_cost``, the columns of
        `crmlib.analysis.segments.raises.raises` (0 for who did not buy in the period) and ``direction``.
    """
    found = segments.to_frame().join(now["months_ahead"]).join(book)
    found[["margin", "spent"]] = found[["margin", "spent"]].fillna(0.0)
    plan = tried.base.segments
    # Who did not buy in the period gets what everybody gets.
    found["level"] = found["bloc"].map(plan["level"]).fillna(levels.index[0])
    found["level_cost"] = found["level"].map(levels["cost"])
    up = raises(found.loc[book.index, "level"], lived, book["margin"], levels, level_effect)
    found = found.join(up)
    found[list(up)] = found[list(up)].fillna(0)
    found["direction"] = None
    if going is not None:
        found["direction"] = going.found.customers["state"].reindex(found.index).astype("object")
    return found


def _ranges(wb: Workbook, low: pd.Series, high: pd.Series) -> list[str]:
    return [
        f"{formats.money(one, wb.currency)} to {formats.money(two, wb.currency)}"
        if np.isfinite([one, two]).all()
        else ""
        for one, two in zip(low, high, strict=True)
    ]


def moves(found: Transitions) -> pd.DataFrame:
    """Return who became what: shares with intervals in words, a row per group before."""
    rows = []
    for before in found.counts.index:
        of = int(found.counts.loc[before].sum())
        row = {"before": f"{'New since' if before == NEW else segment_name(before)} ({formats.count(of)})"}
        for after in found.counts.columns:
            possible = of > 0 and not (before == NEW and after == GONE)
            row[after] = share_with_ends(found.cells.loc[(before, after)]) if possible else "–"
        rows.append(row)
    return pd.DataFrame(rows)


def move_columns(found: Transitions) -> dict[str, tuple[str, str]]:
    """Return the headings of `moves`."""
    return {"before": ("A period before (customers)", "text")} | {
        name: (segment_name(name), "written") for name in found.counts.columns
    }


def moved(wb: Workbook, found: Transitions, same: ChiSquare | None) -> Sentence:
    """Say how steady the groups are, and whether customers move as they did the period before."""
    first = SEGMENTS[0]
    kept = found.cells.loc[(first, first)]
    gone = found.cells.loc[(first, GONE)]
    return wb.cases(
        (not kept["of"] > 0, "A period before, nobody was a true friend by these lines."),
        (same is None,
         "Of {n:count} true friends of a period before, **{kept:share} still are** (95% interval {low:share} to "
         "{high:share}) and {gone:share} did not buy. Over all groups, {stayed:share} of those who bought in both "
         "periods are where they were."),
        (same is not None and same.p_value < 0.05,
         "Of {n:count} true friends of a period before, **{kept:share} still are** (95% interval {low:share} to "
         "{high:share}) and {gone:share} did not buy. Over all groups, {stayed:share} of those who bought in both "
         "periods are where they were. Customers did not move like this the period before (chi-square {chi:number}, "
         "{df:count} degrees of freedom): do not carry these shares far ahead."),
        (True,
         "Of {n:count} true friends of a period before, **{kept:share} still are** (95% interval {low:share} to "
         "{high:share}) and {gone:share} did not buy. Over all groups, {stayed:share} of those who bought in both "
         "periods are where they were. Customers moved the same way the period before, up to chance (chi-square "
         "{chi:number}, {df:count} degrees of freedom)."),
        n=int(kept["of"]), kept=float(kept["share"]), low=float(kept["low"]), high=float(kept["high"]),
        gone=float(gone["share"]), stayed=found.stayed, chi=same.statistic if same else 0.0,
        df=same.degrees if same else 0,
    )  # fmt: skip


def beside_truth(
    wb: Workbook, now: pd.DataFrame, truth: pd.DataFrame | None, day: date, cut: float, months: int
) -> Sentence | None:
    """Say how long customers of a long and of a short predicted tenure truly stay; None where the truth is not known.

    Parameters
    ----------
    wb : Workbook
    now : DataFrame
        ``months_ahead`` of the active customers.
    truth : DataFrame or None
        ``customer_id`` and ``lifetime_end`` of a simulated company.
    day : datetime.date
        Last known day.
    cut : float
        Months from which tenure is long.
    months : int
        Horizon.
    """
    if truth is None or not {"customer_id", "lifetime_end"} <= set(truth.columns):
        return None
    end = pd.to_datetime(truth.set_index("customer_id")["lifetime_end"]).reindex(now.index)
    stays = ((end - pd.Timestamp(day)).dt.days / DAYS_PER_MONTH).clip(0, months)
    long = now["months_ahead"] >= cut
    if not (long.any() and (~long).any()) or stays.isna().any():
        return None
    return wb.say(
        "This company is simulated, so the truth is known: of the next {months:count} months, customers of a long "
        "predicted tenure truly stay {long:number} and the others {short:number} on average; predicted were "
        "{said_long:number} and {said_short:number}.",
        months=months, long=float(stays[long].mean()), short=float(stays[~long].mean()),
        said_long=float(now["months_ahead"][long].mean()), said_short=float(now["months_ahead"][~long].mean()),
    )  # fmt: skip
