"""What a list earned: customers who were to get an action against those left alone by lot, beside what was promised.

Everybody counts as the lot had it, whether reached or not (intention to treat): who is reached is no matter of
chance, so only the lot makes both arms alike.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import ibis
import numpy as np
import pandas as pd

from crmlib.analysis.closed_loop.contact_records import ContactRecords, contact_records
from crmlib.analysis.closed_loop.hold_out import ALL, strata_of
from crmlib.analysis.closed_loop.outcomes import margins_within
from crmlib.analysis.closed_loop.stored_lists import StoredLists
from crmlib.analysis.targeting.decision import CONTACT
from crmlib.analysis.targeting.differences import Differences, by_group
from crmlib.analysis.targeting.trial import FEWEST_CUSTOMERS, Trial
from crmlib.errors import ParameterError

#: Strata with fewer customers in an arm are not compared by themselves.
FEWEST_IN_STRATUM = 5
HISTORY_DAYS = 365
#: Columns of the tables, as `Earned` tells them.
TABLE = (
    *("treated", "control", "days", "of_days", "complete", "effect", "error", "low", "high"),
    *("promised_each", "gain", "earned", "earned_low", "earned_high", "cost", "net", "net_low", "net_high"),
    *("promised", "promised_whole", "told"),
)
_MONEY = ("earned", "earned_low", "earned_high")
_NOTHING = {"treated": 0, "control": 0, "complete": False, "told": False}
_KEYS = ["list_id", "action"]


@dataclass(frozen=True)
class Earned:
    """What lists earned so far.

    Attributes
    ----------
    by_list : DataFrame
        Indexed by ``list_id`` and ``action``, lists in order of time: ``treated``, ``control`` (customers compared),
        ``days`` (seen so far), ``of_days``, ``complete`` (bool), per customer ``effect`` (margin of those to be
        treated less that of those held out, before the cost of the action), ``error``, ``low``, ``high``,
        ``promised_each`` (effect the list promised, as far as it is due) and ``gain`` (money if the action works, as
        far as it is due); in money over all treated ``earned`` with ``earned_low`` and ``earned_high``,
        ``cost``, ``net`` with ``net_low`` and ``net_high`` (earned less cost), ``promised`` (before cost, as far as it
        is due), ``promised_whole``, ``reached``, ``reached_held_out`` (shares with a recorded contact; missing
        where not known), ``carried_out`` and ``told`` (bool). Where ``told`` is False there are too few to tell, and
        what was earned is missing.
    by_action : DataFrame
        Indexed by ``action``: the same over all lists.
    total : Series
        The same over all actions that can be told, so that the money of `by_action` adds up to it; missing where
        none can.
    covariance : DataFrame
        Of the effects in `by_list` that can be told: a customer may be on several lists.
    level : float
    notes : tuple of str
        What was not compared, in sentences.
    campaigns : tuple of str
        Campaigns in the record of contacts that are one of these lists; their evidence must not count twice.
    """

    by_list: pd.DataFrame
    by_action: pd.DataFrame
    total: pd.Series
    covariance: pd.DataFrame
    level: float
    notes: tuple[str, ...] = ()
    campaigns: tuple[str, ...] = ()


def earned(
    lists: StoredLists,
    lines: ibis.Table,
    as_of: date,
    *,
    contacts: ibis.Table | None = None,
    response_days: int = 90,
    due_days: int | Mapping[str, int] = 365,
    level: float = 0.95,
) -> Earned:
    """Compare the arms of stored lists by what they brought since.

    Parameters
    ----------
    lists : StoredLists
        As returned by `crmlib.analysis.closed_loop.stored_lists.read_lists`.
    lines : ibis.Table
        As returned by `crmlib.analysis.ledger.order_lines`; or by `crmlib.analysis.closed_loop.brought.brought`, where
        an action is to win other customers or to change what attention costs.
    as_of : datetime.date
        Last known day.
    contacts : ibis.Table, optional
        Record of contacts, to see whether a list was carried out.
    response_days : int
        Days after the list in which margins count; fewer where fewer are known.
    due_days : int or mapping of str to int
        Days after the list over which what it promises is due, evenly; one number, or one for each action
        (365 for others). An action whose effect comes at once needs a short one: against a promise spread over a year
        its first month would look many times too good.
    level : float

    Returns
    -------
    Earned

    Raises
    ------
    ParameterError
        If a number of days is below 1, or the level out of range.

    Notes
    -----
    Within each list and action the arms are compared in quarters of expected profit, where each has five customers in
    both arms, else as a whole, and weighted by those treated. What customers brought in the year before the list is
    taken out of the margin with one slope per list (Deng, Xu, Kohavi & Walker 2013, WSDM, pages 123-132). Variances
    are added up by customer; see `crmlib.analysis.targeting.differences.by_group`. Fewer than 30 customers in an arm
    are not told.

    Examples
    --------
    >>> from crmlib.analysis.closed_loop.stored_lists import read_lists
    >>> ids = [f"C{i:03d}" for i in range(120)]
    >>> stored = pd.DataFrame({
    ...     "list_id": "may", "definition": "1", "listed_on": date(2026, 5, 31), "expires_on": date(2026, 6, 30),
    ...     "customer_id": ids, "action": "save", "arm": ["contact", "hold out"] * 60, "channel": "letter",
    ...     "gain": 40.0, "cost": 2.0, "expected_profit": 2.0})
    >>> lines = ibis.memtable(pd.DataFrame({
    ...     "customer_id": ids, "day": date(2026, 6, 9), "net_sales": [9.0, 3.0] * 60, "cost_of_goods": 0.0}))
    >>> found = earned(read_lists(stored, pd.Index(ids), date(2026, 6, 9)), lines, date(2026, 6, 9), due_days=36)
    >>> found.total[["effect", "earned", "net", "promised", "promised_whole"]].astype(float).tolist()
    [6.0, 360.0, 240.0, 60.0, 240.0]
    """
    if not response_days >= 1:
        raise ParameterError(f"response_days = {response_days}", "at least 1 day", "correct response_days")
    if not 0 < level < 1:
        raise ParameterError(f"level = {level}", "a share above 0 and below 1", "give 0.95 for 95 %")
    rows, unseen = _seen(lists.rows, lines, as_of, response_days)
    rows = _due(rows, due_days)
    notes = [*unseen]
    cells = _cells(rows)
    both = rows["arm"].groupby(cells).transform("nunique").eq(2)
    notes += _not_compared(rows[~both])
    rows, cells = rows[both], cells[both]
    rows = rows.assign(margin=_adjusted(rows, lines, cells))
    keys, by = _groups(rows, lists.lists)
    separate = _compared(rows, cells, by, level)
    by_list = _table(rows, by, separate).set_axis(keys)
    records = contact_records(lists.rows, contacts, as_of) if contacts is not None else None
    by_list = _with_records(by_list, records)
    by_action = _table(rows, rows["action"], _compared(rows, cells, rows["action"], level))
    told = rows["action"].isin(by_action.index[by_action["told"]])
    rows, cells, everything = rows[told], cells[told], pd.Series(ALL, rows.index[told])
    total = _table(rows, everything, _compared(rows, cells, everything, level))
    total = total.iloc[0] if len(total) else pd.Series(dict.fromkeys(TABLE, np.nan) | _NOTHING, name=ALL)
    known = by_list["told"].to_numpy()
    matrix = separate.covariance.to_numpy()[np.ix_(known, known)] if separate else np.zeros((0, 0))
    covariance = pd.DataFrame(matrix, keys[known], keys[known])
    notes += _untold(by_action) + _not_carried_out(by_list)
    campaigns = records.campaigns if records else ()
    return Earned(by_list, by_action, total, covariance, level, tuple(notes), campaigns)


def _groups(rows: pd.DataFrame, order: tuple[str, ...]) -> tuple[pd.MultiIndex, pd.Series]:
    """Number lists and actions, lists in order of time."""
    place = rows["list_id"].map({name: number for number, name in enumerate(order)})
    pairs = pd.DataFrame({"place": place, "action": rows["action"], "list_id": rows["list_id"]})
    number = pairs.groupby(["place", "action"], sort=True).ngroup()
    once = pairs.assign(number=number).drop_duplicates("number").sort_values("number")
    return pd.MultiIndex.from_frame(once[_KEYS]), number


def _seen(
    rows: pd.DataFrame, lines: ibis.Table, as_of: date, response_days: int
) -> tuple[pd.DataFrame, list[str]]:
    """Mark how many days since each list are known; leave out lists of which no day is."""
    last = lines.filter(lines.day <= ibis.literal(as_of)).agg(last=lines.day.max()).execute().iloc[0, 0]
    listed = rows["listed_on"]
    last = pd.Timestamp(last) if pd.notna(last) else listed.min()
    days = (last - listed).dt.days.clip(upper=response_days)
    rows = rows.assign(days=days.astype("int64"), of_days=response_days)
    none = rows[rows["days"] < 1].groupby("list_id", sort=True).size()
    notes = [
        f"List {name}: no orders are known after its day, so nothing can be told." for name in none.index
    ]
    return rows[rows["days"] >= 1], notes


def _due(rows: pd.DataFrame, due_days: int | Mapping[str, int]) -> pd.DataFrame:
    """Scale what was promised to the part of it that is due by now."""
    own = due_days if isinstance(due_days, Mapping) else dict.fromkeys(rows["action"].unique(), due_days)
    for name, days in own.items():
        if not days >= 1:
            raise ParameterError(f"due_days = {days} for '{name}'", "at least 1 day", "correct due_days")
    span = rows["action"].map(own).astype("float64").fillna(365.0)
    share = (rows["days"] / span).clip(upper=1.0)
    whole = rows["expected_profit"] + rows["cost"]
    return rows.assign(promised_whole=whole, promised=whole * share, gain=rows["gain"] * share)


def _cells(rows: pd.DataFrame) -> pd.Series:
    """Name the group of customers within which arms are compared."""
    own = rows["list_id"].astype("str") + " | " + rows["action"].astype("str")
    if rows.empty:
        return own
    quarter = strata_of(rows.assign(action=own))
    sizes = rows.groupby([own.rename("own"), quarter.rename("cell"), rows["arm"]]).size()
    sizes = sizes.unstack("arm", fill_value=0)
    smallest = sizes.min(axis=1) if sizes.shape[1] == 2 else sizes.min(axis=1) * 0
    thin = smallest.groupby("own").min() < FEWEST_IN_STRATUM
    return quarter.where(~own.map(thin), own)


def _both_arms(cells: pd.Series, arm: pd.Series) -> pd.Series:
    return arm.groupby(cells).transform("nunique").eq(2)


def _not_compared(rows: pd.DataFrame) -> list[str]:
    """Say of which actions nobody was held out, or nobody treated; one sentence per list."""
    if rows.empty:
        return []
    counts = rows.groupby(_KEYS, sort=True).size().rename("size").reset_index()
    named = counts["action"].astype("str") + " (" + counts["size"].map(_customers) + ")"
    lists = named.groupby(counts["list_id"], sort=True).agg(", ".join)
    return [
        f"List {name}: without customers in both arms, and so not told: {actions}."
        for name, actions in lists.items()
    ]


def _adjusted(rows: pd.DataFrame, lines: ibis.Table, cells: pd.Series) -> pd.Series:
    """Margin of the window, less what margins of the year before say of it."""
    listed = rows["listed_on"]
    after = {
        "first_day": listed + pd.Timedelta(days=1),
        "last_day": listed + pd.to_timedelta(rows["days"], "D"),
    }
    before = {"first_day": listed - pd.Timedelta(days=HISTORY_DAYS - 1), "last_day": listed}
    ids = rows["customer_id"]
    y, x = (margins_within(lines, pd.DataFrame({"customer_id": ids} | span)) for span in (after, before))
    keys = [cells, rows["arm"]]
    own = x - x.groupby(keys).transform("mean"), y - y.groupby(keys).transform("mean")
    sums = pd.DataFrame({"xy": own[0] * own[1], "xx": own[0] ** 2}).groupby(rows["list_id"]).transform("sum")
    slope = (sums["xy"] / sums["xx"].where(sums["xx"] > 0)).fillna(0.0)
    return y - slope * (x - x.groupby(cells).transform("mean"))


def _compared(rows: pd.DataFrame, cells: pd.Series, by: pd.Series, level: float) -> Differences | None:
    """Estimate the effect in each group of rows, groups in the order they sort."""
    if rows.empty:
        return None
    treated = (rows["arm"] == CONTACT).to_numpy()
    frame = rows[["customer_id", "margin"]].assign(campaign_id=cells, treated=treated, action="", cost=0.0)
    trial = Trial.of(frame.reset_index(drop=True), outcomes=["margin"])
    codes = pd.factorize(by, sort=True)[0]
    groups = {str(code): codes == code for code in np.unique(codes)}
    return by_group(trial, trial.rows["margin"].to_numpy("float64"), groups, None, level)


def _table(rows: pd.DataFrame, by: pd.Series, found: Differences | None) -> pd.DataFrame:
    """Lay effects, money and promises of each group side by side."""
    treated = rows["arm"] == CONTACT
    own = rows[treated].assign(whole_seen=rows["days"] >= rows["of_days"]).groupby(by[treated], sort=True)
    table = own.agg(
        days=("days", "mean"),
        of_days=("of_days", "max"),
        complete=("whole_seen", "all"),
        gain=("gain", "mean"),
        cost=("cost", "sum"),
        promised=("promised", "sum"),
        promised_whole=("promised_whole", "sum"),
    )
    table.insert(0, "treated", own.size().astype("int64"))
    table.insert(1, "control", rows[~treated].groupby(by[~treated], sort=True).size().astype("int64"))
    named = {"difference": "effect", "error": "error", "low": "low", "high": "high"}
    if found is None:
        effects = pd.DataFrame(columns=list(named.values()), index=table.index, dtype="float64")
    else:
        effects = found.table.rename(columns=named)[list(named.values())].set_axis(table.index)
    known = effects["error"].notna()
    effects = effects.where(known, np.nan)
    table = table.join(effects).assign(promised_each=table["promised"] / table["treated"], told=known)
    for money, each in zip(_MONEY, ("effect", "low", "high"), strict=True):
        table[money] = table[each] * table["treated"]
        table[money.replace("earned", "net")] = table[money] - table["cost"]
    return table[list(TABLE)]


def _with_records(table: pd.DataFrame, records: ContactRecords | None) -> pd.DataFrame:
    if records is None:
        return table.assign(reached=np.nan, reached_held_out=np.nan, carried_out=True)
    return table.join(records.table).astype({"carried_out": bool})


def _untold(by_action: pd.DataFrame) -> list[str]:
    """Say of which actions there are too few to tell."""
    return [
        f"{name}: {_customers(row.treated)} to be treated and {_customers(row.control)} held out are too few to "
        f"tell; it takes {FEWEST_CUSTOMERS} of each."
        for name, row in by_action[~by_action["told"]].iterrows()
    ]


def _not_carried_out(by_list: pd.DataFrame) -> list[str]:
    """Say of which lists the record of contacts does not show that they were carried out."""
    return [
        f"List {name}, {action}: {row.reached:.0%} of those to be contacted have a contact recorded, and "
        f"{row.reached_held_out:.0%} of those held out. It was hardly carried out, and says little of the action."
        for (name, action), row in by_list[~by_list["carried_out"]].iterrows()
    ]


def _customers(number: int) -> str:
    return "1 customer" if number == 1 else f"{number:,} customers"
