"""Snapshots: what was known about each eligible customer at the end of a day, and what became of them.

Convention: a snapshot of a day knows everything up to and including that day and nothing later; the outcome begins
on the next. Whoever bought in the eligibility window is looked at, whether or not they ever buy again.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import ibis
import numpy as np
import pandas as pd

from crmlib.analysis.churn.active_chance import chances_alive
from crmlib.analysis.churn.activity import Activity, Tables, by_day, known_on, number_of, spread
from crmlib.analysis.churn.catalogue import LOOK_BACK_MONTHS, features_of
from crmlib.analysis.churn.purchase_features import breadth_on, features_of_orders, histories_on
from crmlib.analysis.churn.snapshot import Snapshot
from crmlib.analysis.churn.touchpoints import COMPLAINT_WORDS, SERVICE_WORDS, touchpoints
from crmlib.analysis.clv.timing.attrition import LatentAttrition
from crmlib.analysis.clv.timing.mbg_nbd import MBGNBD
from crmlib.errors import ParameterError, TooLittleData

#: Column that dates the rows of each table, and columns that may tell of a later day.
DATED_BY = {
    "orders": "ordered_at", "customers": "acquired_on", "events": "occurred_on", "contacts": "contacted_on",
    "contracts": "started_on", "survey": "answered_on", "referrals": "referred_on", "reviews": "reviewed_on",
    "deliveries": "delivered_on",
}  # fmt: skip
KNOWN_LATER = {"customers": ("club_member_since",), "contracts": ("ended_on",)}
_COUNTS = (
    "products", "categories", "channels", "contracts_running", "reviews_12m", "referrals_made", "campaigns_12m",
)  # fmt: skip
_ROWS_AT_ONCE = 1_000_000
_NAMES = ("main_channel", "acquisition_channel", "region", "club")


@dataclass(frozen=True)
class Snapshots:
    """Snapshots of several days, made in the same way.

    Attributes
    ----------
    snapshots : tuple of Snapshot
        In the order of time.
    left_out : DataFrame
        Indexed by ``feature``: ``needs`` (table or ``table.column`` that is missing) and ``meaning``.
    trouble : dict of datetime.date to str
        Days on which no chance to be active could be fitted, and why; it is missing for all customers then.
    """

    snapshots: tuple[Snapshot, ...]
    left_out: pd.DataFrame
    trouble: Mapping[date, str]

    def of(self, day: date) -> Snapshot:
        """Return the snapshot of a day."""
        return next(one for one in self.snapshots if one.day == day)

    @property
    def sizes(self) -> pd.DataFrame:
        """Indexed by ``day``: ``customers``, ``churned``, ``rate`` and ``margin`` (missing where not known yet)."""
        rows = {}
        for one in self.snapshots:
            known = one.outcome
            left = np.nan if known is None else float(known["churned"].sum())
            margin = np.nan if known is None else float(known["margin"].sum())
            rows[one.day] = (len(one.features), left, left / len(one.features), margin)
        names = ["customers", "churned", "rate", "margin"]
        return pd.DataFrame.from_dict(rows, orient="index", columns=names).rename_axis("day")


def make_snapshots(
    tables: Tables,
    activity: Activity,
    days: Sequence[date],
    *,
    outcome_days: int,
    eligible_days: int,
    look_back_months: Sequence[int] = LOOK_BACK_MONTHS,
    alive: LatentAttrition | None = None,
    since: date | None = None,
    service_words: Sequence[str] = SERVICE_WORDS,
    complaint_words: Sequence[str] = COMPLAINT_WORDS,
) -> Snapshots:
    """Make the features and outcomes of several days.

    Parameters
    ----------
    tables : callable
        Returns the checked table of a name, or None; `crmlib.intake.Data.table` is one.
    activity : Activity
        As returned by `crmlib.analysis.churn.activity.customer_activity` for the same tables.
    days : sequence of datetime.date
        Days to look from, such as `crmlib.analysis.churn.windows.ChurnWindows.days` and the last known one.
    outcome_days, eligible_days : int
        Windows after and up to each day.
    look_back_months : sequence of int
        Months looked back by sums, rising.
    alive : LatentAttrition, optional
        Model for ``p_alive``; it reads ``x``, ``t_x``, ``T``. `crmlib.analysis.clv.timing.mbg_nbd.MBGNBD` if left out.
    since : datetime.date, optional
        First day from which a first purchase can be trusted to be one, for customers without a day of winning.
        Who began before is fitted apart.
    service_words, complaint_words : sequence of str
        See `crmlib.analysis.churn.touchpoints.touchpoints`.

    Returns
    -------
    Snapshots

    Raises
    ------
    ParameterError
        If there is no day, a day is given twice, lies outside the data, or a window is below 1.
    TooLittleData
        If nobody is eligible on one of the days.

    Notes
    -----
    Definition of this project; the set follows what the field finds to matter: recency, frequency, money and their
    change (Buckinx & Van den Poel 2005, European Journal of Operational Research 164:252-268), recency over the own
    cadence, and the chance to be active (Schmittlein, Morrison & Colombo 1987, Management Science 33:1-24) as one
    feature among others. Where the data begin within the longest stretch looked back, sums are those of a shorter
    one: take `crmlib.analysis.churn.windows.ChurnWindows.look_back_months`.

    Examples
    --------
    >>> from crmlib.analysis.churn.activity import customer_activity
    >>> bought = {"customer_id": ["A", "A", "B"], "net_amount": [10.0, 30.0, 20.0],
    ...           "ordered_at": [date(2026, 1, 1), date(2026, 3, 1), date(2026, 1, 5)]}
    >>> tables = {"orders": ibis.memtable(bought).mutate(ordered_at=ibis._.ordered_at.cast("timestamp"))}.get
    >>> activity = customer_activity(tables, date(2026, 3, 31), 0.4)
    >>> made = make_snapshots(tables, activity, [date(2026, 1, 31)], outcome_days=59, eligible_days=31)
    >>> made.snapshots[0].features[["recency_days", "orders_3m", "net_sales_3m"]]
                 recency_days  orders_3m  net_sales_3m
    customer_id
    A                      30          1          10.0
    B                      26          1          20.0
    >>> made.snapshots[0].outcome
                 churned  margin
    customer_id
    A              False    12.0
    B               True     0.0
    """
    _check(activity, days, outcome_days, eligible_days)
    beside = touchpoints(tables, activity, service_words=service_words, complaint_words=complaint_words)
    wanted, left_out = _available(tables, activity, look_back_months)
    months, in_time = tuple(look_back_months), sorted(days)
    found, trouble = [], {}
    # A question to the engine costs the same for one day as for many, as long as all answers fit into memory.
    at_once = max(_ROWS_AT_ONCE // len(activity.ids), 1)
    for start in range(0, len(in_time), at_once):
        part = in_time[start : start + at_once]
        numbers = [number_of(day) for day in part]
        histories = histories_on(activity, numbers, months)
        around, breadth = beside.on(numbers), breadth_on(tables, activity, numbers, months[-1])
        outcomes = _outcomes(activity, numbers, outcome_days)
        for day, n in zip(part, numbers, strict=True):
            known = histories.pop(n)
            who, acquired = known.pop("who"), beside.acquired
            acquired = np.full(len(who), np.nan) if acquired is None else acquired[who]
            chance, said = chances_alive(
                alive or MBGNBD(), known, n, acquired, number_of(activity.first), since
            )
            if said:
                trouble[day] = said
            eligible = _eligible(known["last"] > n - eligible_days, eligible_days, day)
            who, of = who[eligible], {name: values[eligible] for name, values in known.items()}
            frame = features_of_orders(of, n, months, acquired[eligible]) | {"p_alive": chance[eligible]}
            others = around.pop(n) | breadth.pop(n)
            frame |= {name: values[who] for name, values in others.items()}
            features = _framed({name: frame[name] for name in wanted}, activity.ids[who])
            outcome = None
            if day + timedelta(days=outcome_days) <= activity.as_of:
                at = activity.ids.get_indexer(features.index)
                bought, margin = (outcomes[n][name][at] for name in ("bought", "margin"))
                outcome = pd.DataFrame(
                    {"churned": bought == 0, "margin": margin.round(6) + 0.0}, index=features.index
                )
            found.append(Snapshot(day, outcome_days, features, outcome))
    return Snapshots(tuple(found), left_out, trouble)


def make_snapshot(tables: Tables, activity: Activity, day: date, **options: object) -> Snapshot:
    """Make the snapshot of one day; see `make_snapshots` for the options."""
    return make_snapshots(tables, activity, [day], **options).snapshots[0]


def known_until(tables: Tables, day: date) -> Callable[[str], ibis.Table | None]:
    """Return the tables as they were at the end of a day.

    Parameters
    ----------
    tables : callable
        Returns the checked table of a name, or None.
    day : datetime.date

    Returns
    -------
    callable
        The same tables without rows dated later (customers won later among them); dates that lie later are blank.
    """

    def known(name: str) -> ibis.Table | None:
        table = tables(name)
        if table is None:
            return None
        on = DATED_BY.get(name)
        if on in table.columns:
            known_by_then = table[on] < ibis.literal(day + timedelta(days=1))
            table = table.filter(table[on].isnull() | known_by_then)
        later = [column for column in KNOWN_LATER.get(name, ()) if column in table.columns]
        return table.mutate(
            **{c: (table[c] <= ibis.literal(day)).ifelse(table[c], ibis.null(table[c].type())) for c in later}
        )

    return known


def _check(activity: Activity, days: Sequence[date], outcome_days: int, eligible_days: int) -> None:
    wrong = [day for day in days if not activity.first <= day <= activity.as_of]
    if not days or wrong or len(set(days)) < len(days):
        raise ParameterError(
            f"days = {', '.join(map(str, wrong or days)) or 'none'}",
            f"different days from {activity.first} to {activity.as_of}",
            "correct the days",
        )
    if min(outcome_days, eligible_days) < 1:
        raise ParameterError(
            f"outcome_days = {outcome_days}, eligible_days = {eligible_days}", "1 or more", "correct them"
        )


def _available(tables: Tables, activity: Activity, months: Sequence[int]) -> tuple[list[str], pd.DataFrame]:
    """Features whose tables and columns are there, and the others with what is missing."""
    columns: dict[str, frozenset[str]] = {"orders": activity.columns}

    def there(need: str) -> bool:
        name, _, column = need.partition(".")
        if name not in columns:
            table = tables(name)
            columns[name] = frozenset() if table is None else frozenset(table.columns)
        return column in columns[name] if column else bool(columns[name])

    wanted, rows = [], {}
    for one in features_of(months):
        missing = [need for need in one.needs if not there(need)]
        if missing:
            rows[one.name] = (", ".join(missing), one.meaning)
        else:
            wanted.append(one.name)
    left_out = pd.DataFrame.from_dict(rows, orient="index", columns=["needs", "meaning"])
    return wanted, left_out.rename_axis("feature")


def _eligible(eligible: np.ndarray, eligible_days: int, day: date) -> np.ndarray:
    if not eligible.any():
        raise TooLittleData(
            f"nobody who bought in the {eligible_days} days up to {day}",
            "customers to look at",
            "take a longer eligibility window, or a day on which the data have begun",
        )
    return eligible


def _framed(columns: dict[str, np.ndarray], customers: pd.Index) -> pd.DataFrame:
    kinds = dict(columns)
    for name, values in columns.items():
        if name in _NAMES:
            # Names that nobody has on this day must not show that somebody has them later.
            kinds[name] = pd.Categorical(pd.array(values, dtype="str"))
        elif name in _COUNTS:
            kinds[name] = values.astype("int32")
    found = pd.DataFrame(kinds, index=customers)
    return found if found.index.is_monotonic_increasing else found.sort_index()


def _outcomes(
    activity: Activity, numbers: Sequence[int], outcome_days: int
) -> dict[int, dict[str, np.ndarray]]:
    """Purchase days and margin of all customers in the outcome window of each day."""
    ends = {n + outcome_days: n for n in numbers}
    days = known_on(activity.days, list(ends))
    after = days.filter(days.n > days.d - outcome_days)
    sums = after.group_by("d", "who").agg(bought=ibis._.bought.sum(), margin=ibis._.gross_margin.sum())
    parts = by_day(sums, list(ends))
    return {n: spread(parts[end], len(activity.ids), blank=0) for end, n in ends.items()}
