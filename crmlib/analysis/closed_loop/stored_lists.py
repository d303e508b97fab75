"""Lists of earlier runs as they were stored: checked, and what cannot be used left out in so many words."""

from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd

from crmlib.analysis.targeting.decision import CONTACT, HOLD_OUT, LEAVE

#: What a list must say of each customer to be evaluated.
COLUMNS = (
    "list_id",
    "definition",
    "listed_on",
    "expires_on",
    "customer_id",
    "action",
    "arm",
    "channel",
    "gain",
    "cost",
    "expected_profit",
)
#: Channel of an action that reaches nobody, such as another price.
NO_CHANNEL = "none"
_RUN_DAY = "run_as_of"
_MONEY = ("gain", "cost", "expected_profit")


@dataclass(frozen=True)
class StoredLists:
    """Lists of earlier runs that can be evaluated.

    Attributes
    ----------
    rows : DataFrame
        One row per list and customer with an action, sorted by both: the columns of `COLUMNS`; ``listed_on`` and
        ``expires_on`` are timestamps, ``arm`` is 'contact' or 'hold out'.
    notes : tuple of str
        What was left out, how much of it, and why, in sentences.
    """

    rows: pd.DataFrame
    notes: tuple[str, ...] = ()

    @property
    def lists(self) -> tuple[str, ...]:
        """Names of the lists, the oldest first."""
        days = self.rows.groupby("list_id")["listed_on"].min().rename("day").reset_index()
        return tuple(days.sort_values(["day", "list_id"])["list_id"])

    def last_contacted(self) -> pd.Series:
        """Return the day of the last list on which each customer was to be contacted, by ``customer_id``."""
        rows = self.rows[(self.rows["arm"] == CONTACT) & (self.rows["channel"] != NO_CHANNEL)]
        return rows.groupby("customer_id")["listed_on"].max().rename("last_contacted")

    def observed(self, as_of: date, response_days: int) -> pd.Index:
        """Return who is on a list whose response is still being compared, in either arm: ``customer_id``, sorted.

        Parameters
        ----------
        as_of : datetime.date
            Last known day.
        response_days : int
            Days after a list in which its two arms are compared, the day of the list not counted.

        Notes
        -----
        If those held out were contacted within these days while those contacted rest, the new contact would count as
        the margin of those left alone, and every action would seem to do less than it does.
        """
        after = pd.Timestamp(as_of) - pd.Timedelta(days=response_days)
        rows = self.rows[(self.rows["listed_on"] > after) & (self.rows["channel"] != NO_CHANNEL)]
        return pd.Index(rows["customer_id"].unique(), dtype="str", name="customer_id").sort_values()


def read_lists(
    earlier: pd.DataFrame | None,
    customers: pd.Index | pd.Series,
    as_of: date,
    definition: str | None = None,
) -> StoredLists:
    """Take from the lists of earlier runs what can be evaluated.

    Parameters
    ----------
    earlier : DataFrame or None
        Rows of all lists as they were saved, with the columns of `COLUMNS` (customers left alone may be
        among them) and, if known, ``run_as_of``, the last known day of the run that saved them.
    customers : Index or Series of str
        Customers known today. Who is gone cannot be followed.
    as_of : datetime.date
        Last known day; a list of a later day is left out.
    definition : str, optional
        The definition in force. A list under another one promised something else and is left out; all
        definitions are taken if this is left out.

    Returns
    -------
    StoredLists
        Empty where nothing can be evaluated. A list is left out as a whole if it lacks columns, is under another
        definition, has no valid days, names arms that are not known, or if half of its customers or more are gone:
        then it was written for other customers. Of the others, rows are left out whose customer is gone, has
        contradicting rows in the list, or has no amounts. Identical rows count once.

    Examples
    --------
    >>> stored = pd.DataFrame({
    ...     "list_id": "actions-2026-05-31", "definition": "3f", "listed_on": date(2026, 5, 31),
    ...     "expires_on": date(2026, 6, 30), "customer_id": ["A", "B", "C"], "action": ["save", "save", "nothing"],
    ...     "arm": ["contact", "hold out", "leave alone"], "channel": "letter", "gain": 40.0, "cost": 2.0,
    ...     "expected_profit": 4.0})
    >>> found = read_lists(stored, pd.Index(["A", "B", "C"]), date(2026, 6, 30))
    >>> found.rows["customer_id"].tolist(), found.notes, found.last_contacted().index.tolist()
    (['A', 'B'], (), ['A'])
    """
    nothing = pd.DataFrame({name: pd.Series(dtype="object") for name in COLUMNS})
    nothing = nothing.astype(dict.fromkeys(_MONEY, "float64"))
    nothing = nothing.astype({"listed_on": "datetime64[ns]", "expires_on": "datetime64[ns]"})
    if earlier is None or earlier.empty:
        return StoredLists(nothing)
    missing = [name for name in COLUMNS if name not in earlier.columns]
    if missing:
        note = f"{_rows(len(earlier))} of earlier lists left out: without {', '.join(missing)}."
        return StoredLists(nothing, (note,))
    notes: list[str] = []
    rows = earlier[[*COLUMNS, *([_RUN_DAY] if _RUN_DAY in earlier.columns else [])]].reset_index(drop=True)
    for name in ("listed_on", "expires_on"):
        rows[name] = pd.to_datetime(rows[name], errors="coerce", format="mixed").astype("datetime64[ns]")
    for name in _MONEY:
        rows[name] = pd.to_numeric(rows[name], errors="coerce")
    unnamed = rows["list_id"].isna()
    if unnamed.any():
        notes.append(f"{_rows(int(unnamed.sum()))} of earlier lists left out: they name no list.")
    rows = rows[~unnamed]
    rows = _first_run_only(rows, notes)
    known = rows["customer_id"].isin(pd.Index(customers))
    kept = [
        part
        for name, own in rows.groupby("list_id", sort=True)
        if (part := _one_list(str(name), own, known.loc[own.index], as_of, definition, notes)) is not None
    ]
    found = pd.concat(kept, ignore_index=True) if kept else nothing
    return StoredLists(found, tuple(notes))


def _first_run_only(rows: pd.DataFrame, notes: list[str]) -> pd.DataFrame:
    """Keep a list as the run that wrote it first stored it: the lot was drawn there."""
    if _RUN_DAY not in rows.columns:
        return rows
    first = rows.groupby("list_id")[_RUN_DAY].transform("min")
    again = rows[rows[_RUN_DAY] > first]
    for name, own in again.groupby("list_id", sort=True):
        notes.append(
            f"List {name}: stored by more than one run; {_rows(len(own))} of the later ones left out."
        )
    return rows[rows[_RUN_DAY] == first].drop(columns=_RUN_DAY)


def _one_list(
    name: str,
    own: pd.DataFrame,
    known: pd.Series,
    as_of: date,
    definition: str | None,
    notes: list[str],
) -> pd.DataFrame | None:
    """Return the rows of one list that can be used, None if it is left out; add to the notes."""
    acting = own[own["arm"] != LEAVE]
    known = known.loc[acting.index]
    reason = _no_use(own, acting, as_of, definition)
    if not reason and len(acting) and not known.any():
        reason = "none of its customers is known today"
    elif not reason and len(acting) and known.mean() <= 0.5:
        reason = f"of its {_customers(len(acting))} {int((~known).sum()):,} are not known today"
    if reason:
        notes.append(f"List {name}: left out with {_rows(len(own))}, {reason}.")
        return None
    rows = acting[known]
    if len(acting) > len(rows):
        number = _customers_are(len(acting) - len(rows))
        notes.append(f"List {name}: {number} not known today and left out.")
    same = rows.duplicated()
    rows = rows[~same]
    twice = rows["customer_id"].duplicated(keep=False)
    if twice.any():
        number = _customers(rows.loc[twice, "customer_id"].nunique())
        notes.append(f"List {name}: {number} with contradicting rows left out.")
    if same.any():
        notes.append(f"List {name}: rows that stand twice, counted once: {int(same.sum()):,}.")
    rows = rows[~twice]
    blank = ~np.isfinite(rows[list(_MONEY)]).all(axis=1)
    if blank.any():
        notes.append(
            f"List {name}: {_customers(int(blank.sum()))} without a gain, a cost or a profit left out."
        )
    rows = rows[~blank].sort_values("customer_id")
    return rows if len(rows) else None


def _no_use(own: pd.DataFrame, acting: pd.DataFrame, as_of: date, definition: str | None) -> str:
    """Why a list as a whole cannot be used; empty if it can."""
    if definition is not None and (own["definition"].astype("object") != definition).any():
        return "written under another definition"
    if own["listed_on"].isna().any() or own["listed_on"].nunique() != 1 or acting["expires_on"].isna().any():
        return "it has not one day of writing, or customers without a day of expiry"
    listed = own["listed_on"].iloc[0]
    if (acting["expires_on"] < listed).any():
        return "it expires before it was written"
    if listed > pd.Timestamp(as_of):
        return "it is of a later day than the data"
    if not acting["arm"].isin([CONTACT, HOLD_OUT]).all():
        return "it names arms that are not known"
    if acting["action"].isna().any() or acting["customer_id"].isna().any():
        return "it has customers without an id or an action"
    return ""


def _rows(number: int) -> str:
    return "1 row" if number == 1 else f"{number:,} rows"


def _customers(number: int) -> str:
    return "1 customer" if number == 1 else f"{number:,} customers"


def _customers_are(number: int) -> str:
    return _customers(number) + (" is" if number == 1 else " are")
