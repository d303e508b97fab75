"""How much depends on the definition: several windows, and each customer's own cadence, side by side.

Nobody has churned as such; they have under a definition. Each row carries its own in words.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import ibis
import numpy as np
import pandas as pd

from crmlib.analysis.churn.activity import Activity, fetched, known_on, number_of
from crmlib.analysis.churn.windows import ChurnWindows, in_words, whole_length
from crmlib.analysis.intervals import wilson_interval
from crmlib.errors import DataError, ParameterError, TooLittleData

_YEAR = 365


@dataclass(frozen=True)
class Definitions:
    """Customers of one day under several definitions.

    Attributes
    ----------
    day : datetime.date
        Day that is looked at.
    chosen : str
        Definition the others are compared with.
    table : DataFrame
        Indexed by ``definition``: ``words``; ``customers`` (whom it can judge), ``churned`` (number), ``rate`` with
        ``low`` and ``high`` (Wilson interval); ``overlap`` (customers on both lists, as a share of those on either: the
        Jaccard index with the chosen definition); ``value_at_stake`` (currency) and ``value_share`` (of that of all
        customers judged); ``undecided`` (customers whose own window is longer than the data after the day).
    flags : DataFrame
        Indexed by ``customer_id`` (sorted): one column for each definition, True, False, or missing if undecided.
    value : Series
        Same index: what the customer was worth.
    windows : dict of str to int
        Definitions that are a window of silence, the same for all, with its length in days.
    """

    day: date
    chosen: str
    table: pd.DataFrame
    flags: pd.DataFrame
    value: pd.Series
    windows: dict[str, int]

    def who(self, definition: str = "") -> pd.Index:
        """Customers on the list of a definition; of the chosen one if none is named."""
        return self.flags.index[self.flags[definition or self.chosen].fillna(False).astype(bool)]


def compare_definitions(
    activity: Activity,
    windows: ChurnWindows,
    *,
    outcome_windows: Sequence[int] = (),
    factors: Sequence[float] = (2.0, 3.0),
    value: pd.Series | None = None,
) -> Definitions:
    """Compare who churned under several definitions, on the last day on which all windows are over.

    Parameters
    ----------
    activity : Activity
        As returned by `crmlib.analysis.churn.activity.customer_activity`.
    windows : ChurnWindows
        The definition that was chosen.
    outcome_windows : sequence of int
        Other outcome windows, in days; about half and one and a half of the chosen one if left out.
    factors : sequence of float
        Multiples of the own usual gap, above 0.
    value : Series, optional
        Value of each customer (run's currency); gross margin of the year up to the day if left out.

    Returns
    -------
    Definitions

    Raises
    ------
    ParameterError
        If a window or a factor is not above 0.
    DataError
        If a customer has two values.
    TooLittleData
        If the longest window leaves no day, or nobody is eligible.

    Notes
    -----
    Definition of this project. With k times the own gap, a customer's window runs until k times the usual days between
    purchases after the last purchase, at least until the day after the day; where it ends after the data, the customer
    is undecided (come back or not: those who came back early must not stand for the others). Who bought on one day only
    has no gap of their own and gets the median of the others. Customers without a value count as worth 0.

    Examples
    --------
    >>> from crmlib.analysis.churn.activity import customer_activity
    >>> bought = {"customer_id": ["A", "A", "B", "B", "A"], "net_amount": [10.0] * 5,
    ...           "ordered_at": [date(2026, 1, day) for day in (1, 11, 2, 12)] + [date(2026, 2, 20)]}
    >>> orders = ibis.memtable(bought).mutate(ordered_at=ibis._.ordered_at.cast("timestamp"))
    >>> activity = customer_activity({"orders": orders}.get, date(2026, 2, 28), 0.4)
    >>> windows = ChurnWindows(30, 20, 30, (), date(2026, 1, 1), date(2026, 2, 28), pd.DataFrame())
    >>> compare_definitions(activity, windows, outcome_windows=[15], factors=[2]).table["churned"].to_dict()
    {'15 days': 2, '30 days': 1, '2 gaps': 2}
    """
    chosen = windows.outcome_days
    lengths = _lengths(outcome_windows, chosen)
    _refuse_odd(lengths, factors)
    day = activity.as_of - timedelta(days=max(lengths))
    if day < activity.first:
        raise TooLittleData(
            f"a window of {max(lengths)} days, and {(activity.as_of - activity.first).days + 1} days of data",
            "windows within the data",
            "leave out the longest windows",
        )
    people = _people(activity, day, windows.eligible_days)
    n, last = number_of(day), number_of(activity.as_of)
    back = people["next"].to_numpy()
    flags = {in_words(one): pd.array(~(back <= n + one), dtype="boolean") for one in lengths}
    words = {in_words(one): f"no purchase in {in_words(one)} after it" for one in lengths}
    undecided = dict.fromkeys(flags, 0)
    for factor in factors:
        ends = np.maximum(np.ceil(people["last"] + factor * people["gap"]), n + 1).to_numpy()
        open_yet = ends > last
        own = pd.array(~(back <= ends), dtype="boolean")
        own[open_yet] = pd.NA
        flags[f"{factor:g} gaps"] = own
        words[f"{factor:g} gaps"] = f"no purchase until {factor:g} times the own usual gap was over"
        undecided[f"{factor:g} gaps"] = int(open_yet.sum())
    windows_of = {in_words(one): one for one in lengths}
    return _compared(activity, day, in_words(chosen), people, flags, words, undecided, value, windows_of)


def _lengths(others: Sequence[int], chosen: int) -> list[int]:
    found = others or (whole_length(chosen / 2, up=True), whole_length(chosen * 1.5, up=False))
    return sorted({*found, chosen})


def _refuse_odd(lengths: Sequence[int], factors: Sequence[float]) -> None:
    if min(lengths) < 1 or any(one <= 0 for one in factors):
        raise ParameterError(
            f"windows of {list(lengths)} days, factors {list(factors)}", "numbers above 0", "correct them"
        )


def _people(activity: Activity, day: date, eligible_days: int) -> pd.DataFrame:
    """Eligible customers: last purchase up to the day, next after it, usual gap, margin of the year up to it."""
    n, days = number_of(day), activity.days
    until = known_on(days, [n])
    bought = until.bought == 1
    before = until.group_by("who").agg(
        first=until.n.min(where=bought),
        last=until.n.max(where=bought),
        times=until.bought.sum(),
        margin=until.gross_margin.sum(where=until.n > n - _YEAR),
    )
    before = before.filter(before["last"] > n - eligible_days)
    after = days.filter(days.n > n, days.bought == 1).group_by("who").agg(next=ibis._.n.min())
    table = fetched(before.left_join(after, "who").drop("who_right"), "who")
    if not len(table["who"]):
        raise TooLittleData(
            f"nobody who bought in the {eligible_days} days up to {day}",
            "customers to look at",
            "take a longer eligibility window",
        )
    who = table.pop("who").to_numpy()
    found = pd.DataFrame(
        {name: column.to_pandas().astype("float64") for name, column in table.items()}
    ).set_axis(activity.ids[who])
    gap = (found["last"] - found["first"]) / (found["times"] - 1).where(found["times"] > 1)
    if gap.notna().sum() == 0:
        gap[:] = np.inf
    found["gap"] = gap.fillna(gap.median())
    return found.sort_index()


def _compared(
    activity: Activity,
    day: date,
    chosen: str,
    people: pd.DataFrame,
    flags: dict[str, pd.array],
    words: dict[str, str],
    undecided: dict[str, int],
    value: pd.Series | None,
    lengths: dict[str, int],
) -> Definitions:
    if value is not None and value.index.has_duplicates:
        twice = value.index[value.index.duplicated()][0]
        raise DataError(f"two values of customer {twice!r}", "one value for each customer", "add them up")
    worth = people["margin"] if value is None else value.reindex(people.index)
    worth = worth.fillna(0.0).astype("float64").rename("value")
    frame = pd.DataFrame(flags, index=people.index)
    reference = frame[chosen].fillna(False).to_numpy(dtype=bool)
    rows = {}
    for name in frame:
        judged = frame[name].notna().to_numpy()
        gone = frame[name].fillna(False).to_numpy(dtype=bool)
        low, high = wilson_interval(int(gone.sum()), int(judged.sum()))
        either = int((gone | reference).sum())
        at_stake, of_all = float(worth[gone].sum()), float(worth[judged].sum())
        rows[name] = {
            "words": words[name],
            "customers": int(judged.sum()),
            "churned": int(gone.sum()),
            "rate": gone.sum() / judged.sum() if judged.any() else np.nan,
            "low": low,
            "high": high,
            "overlap": int((gone & reference).sum()) / either if either else np.nan,
            "value_at_stake": round(at_stake, 2),
            "value_share": at_stake / of_all if of_all > 0 else np.nan,
            "undecided": undecided[name],
        }
    table = pd.DataFrame.from_dict(rows, orient="index").rename_axis("definition")
    return Definitions(day, chosen, table, frame, worth, lengths)
