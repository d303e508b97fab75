"""Check a list of actions before it is carried out in a simulated company."""

import pandas as pd

from crmlib.errors import DataError
from crmlib.intake.simulate.table_files import Tables

COLUMNS = ("list_id", "listed_on", "customer_id", "action", "arm", "channel")
_ACTING = ("contact", "hold out")
_ARMS = (*_ACTING, "leave alone")
_DAY = r"\d{4}-\d{2}-\d{2}(?:[ T]00:00(?::00)?)?"


def checked_list(actions: pd.DataFrame, source: Tables) -> pd.DataFrame:
    """Return the rows with an action, by customer, with the day of the list as a timestamp.

    Parameters
    ----------
    actions : DataFrame
        One row per customer with at least `COLUMNS`.
    source : Tables
        The company in which the list is to be carried out.

    Returns
    -------
    DataFrame
        `COLUMNS` of those contacted or held out.

    Raises
    ------
    DataError
        If the list is not what it should be; where one cell is at fault, with its row, column and value.
    """
    missing = [name for name in COLUMNS if name not in actions.columns]
    if missing:
        raise DataError(f"a list without {', '.join(missing)}", ", ".join(COLUMNS), "add the columns")
    if actions.empty:
        raise DataError(
            "a list without a row", "a row for each customer, also for those left alone",
            "take the table 'actions' that a report saved",
        )  # fmt: skip
    rows = actions.loc[:, list(COLUMNS)].reset_index(drop=True)
    _refuse(rows, "arm", ~rows["arm"].isin(_ARMS), "'contact', 'hold out' or 'leave alone'")
    rows = rows[rows["arm"].isin(_ACTING)]
    for name in ("list_id", "customer_id", "action", "channel"):
        blank = rows[name].isna() | (rows[name].astype("str").str.strip() == "")
        _refuse(rows, name, blank, "a text that is not blank")
    channel = rows["channel"].astype("str")
    other = (channel.str.strip().str.casefold() == "none") & (channel != "none")
    _refuse(rows, "channel", other, "'none', written like that, where nobody is contacted")
    text = rows["listed_on"].astype("str").str.strip()
    day = pd.to_datetime(text.where(text.str.fullmatch(_DAY)).str[:10], format="%Y-%m-%d", errors="coerce")
    _refuse(rows, "listed_on", day.isna(), "a day as YYYY-MM-DD")
    rows = rows.assign(listed_on=day, customer_id=rows["customer_id"].astype("str"))
    rows = rows.sort_values("customer_id").reset_index(drop=True)
    if rows[["list_id", "listed_on"]].drop_duplicates().shape[0] > 1:
        raise DataError("rows of several lists or days", "one list", "carry out one after the other")
    known = rows["customer_id"].isin(source.read("truth/customers")["customer_id"])
    for bad, what in ((rows["customer_id"].duplicated(), "twice"), (~known, "and not in the company")):
        if bad.any():
            raise DataError(f"{rows.loc[bad, 'customer_id'].iloc[0]} on the list {what}",
                            "customers of the company, each once", "correct the list")  # fmt: skip
    if len(rows):
        _refuse_days(rows["listed_on"].iloc[0], source)
        _refuse_again(rows, source)
    return rows


def campaigns(rows: pd.DataFrame) -> pd.Series:
    """Return the name under which the contacts of each row are recorded: one campaign per list and action."""
    return rows["list_id"].astype("str") + " " + rows["action"].astype("str")


def _refuse(rows: pd.DataFrame, column: str, bad: pd.Series, expected: str) -> None:
    if not bad.any():
        return
    first = rows.index[bad.to_numpy(dtype=bool)][0]
    value = rows.loc[first, column]
    shown = "nothing" if pd.isna(value) or not str(value).strip() else repr(str(value))
    more = int(bad.sum()) - 1
    also = "" if not more else f", and {more:,} more row{'s' if more != 1 else ''} like it"
    raise DataError(
        f"row {first + 1:,} of the list: {column} = {shown}{also}", expected,
        "correct the list, or take the table 'actions' that a report saved",
    )  # fmt: skip


def _refuse_days(day: pd.Timestamp, source: Tables) -> None:
    days = source.days("orders", "ordered_at")
    first, last = days.min(), days.max()
    if day >= last:
        raise DataError(
            f"a list of {day.date()}, and data until {last.date()}",
            "a list of an earlier day: what would follow is not drawn yet",
            "stand at an earlier day (as_of)",
        )
    if day < first.normalize():
        raise DataError(
            f"a list of {day.date()}, and data from {first.date()} on", "a list of a day within the data",
            "correct the column listed_on",
        )  # fmt: skip


def _refuse_again(rows: pd.DataFrame, source: Tables) -> None:
    contacted = rows[rows["channel"] != "none"]
    there = campaigns(contacted).isin(source.read("contacts")["campaign_id"])
    if there.any():
        raise DataError(
            f"the list {rows['list_id'].iloc[0]!r}, which was carried out in this company before",
            "each list once", "carry it out in the folder as it was before the list, or draw up a new list",
        )  # fmt: skip
