"""What a source holds: which tables of the contract are there, how many rows, of which days."""

import pandas as pd

from crmlib.display import formats
from crmlib.intake.contract import TABLES
from crmlib.intake.data import Data


def tables_in(data: Data) -> pd.DataFrame:
    """Count the rows of every table of the contract as known on the last known day.

    Parameters
    ----------
    data : crmlib.intake.Data

    Returns
    -------
    DataFrame
        Indexed by ``table``, in the order of the contract: ``row`` (what one row is), ``there``
        (bool), ``rows`` (missing where the table is not there) and ``days``, first and last in
        words (empty where its rows have no day).

    Examples
    --------
    >>> from crmlib.intake import open_data
    >>> found = tables_in(open_data("bundled"))
    >>> found.loc["customers", "rows"].item(), bool(found["there"].all())
    (3000, True)
    """
    rows = [{"table": name, "row": table.row, **_facts(data, name)} for name, table in TABLES.items()]
    return pd.DataFrame(rows).astype({"rows": "Int64"}).set_index("table")


def _facts(data: Data, name: str) -> dict:
    table = data.table(name)
    if table is None:
        return {"there": False, "rows": None, "days": ""}
    day = TABLES[name].happens
    if day not in table.columns:
        return {"there": True, "rows": table.count().execute(), "days": ""}
    found = table.agg(rows=table.count(), first=table[day].min(), last=table[day].max()).execute().iloc[0]
    known = pd.notna(found["first"])
    days = f"{formats.day(found['first'])} to {formats.day(found['last'])}" if known else ""
    return {"there": True, "rows": found["rows"], "days": days}
