"""A company's data, checked and typed, as every analysis uses them."""

import datetime as dt
from pathlib import Path

import ibis
import pandas as pd

from crmlib.errors import DataError, ParameterError
from crmlib.intake.contract import TABLES
from crmlib.intake.found import Source
from crmlib.intake.handed import handed_over
from crmlib.intake.report import CheckReport, Problem, TableFound
from crmlib.intake.source import find_source
from crmlib.intake.sql import OFFLINE
from crmlib.intake.store import prepared, stored_report
from crmlib.intake.wording import counted


class Data:
    """A prepared source, seen as of one day.

    Attributes
    ----------
    name, currency : str
        Name of the company; ISO code of its money.
    gross_margin : float or None
        Stated share of net sales left after the cost of goods.
    annual_discount_rate : float
    horizon_months : int
    first_day, as_of : datetime.date
        First order day and last known day; nothing later can be seen.
    hash : str
        Identifies the prepared data: the contents and how they were read.
    folder : Path or None
        Folder of the source; the truth of a simulated company stands in it.
    store : Path
        The prepared data.
    fingerprint : str
        Names the contents of the source, whatever version of the suite reads them.
    report : CheckReport
        What the checks found.
    connection : ibis.backends.duckdb.Backend
        The read-only store.
    """

    def __init__(self, source: Source, store: Path, report: CheckReport, as_of: str | dt.date | None):
        run = source.run
        self.name, self.currency, self.hash = source.name, report.currency, store.stem
        self.store, self.fingerprint = store, report.fingerprint or store.stem
        self.gross_margin, self.horizon_months = run.gross_margin, run.horizon_months
        self.annual_discount_rate = run.annual_discount_rate
        self.folder = source.folder
        found = report.found("orders")
        self.first_day: dt.date = found.first_day
        self.as_of: dt.date = _day(as_of, found.first_day, found.last_day)
        self.connection = ibis.duckdb.connect(store, read_only=True, **OFFLINE)
        self.report = report if self.as_of == found.last_day else self._with_later_orders(report, found)

    def __repr__(self) -> str:
        return f"Data({self.name!r}, {self.first_day} to {self.as_of}, {len(self.report.tables)} tables)"

    def _with_later_orders(self, report: CheckReport, found: TableFound) -> CheckReport:
        """Add to the report how many order lines are left out because they came after `as_of`."""
        orders = self.connection.table("orders")
        count = int(orders.filter(orders.ordered_at >= _next(self.as_of)).count().execute())
        later = Problem(
            table="orders",
            code="after-as-of",
            severity="note",
            count=count,
            share=count / found.used_rows,
            sentence=f"{counted(count, 'line', found.used_rows, 'are')} dated after {self.as_of}, the last day known "
            "in this run, and not looked at.",
        )
        return report.model_copy(update={"problems": (*report.problems, later)})

    @property
    def orders(self) -> ibis.Table:
        """The order lines up to `as_of`; sales without a customer have a NULL ``customer_id``."""
        return self.table("orders")

    def table(self, name: str) -> ibis.Table | None:
        """Return a table of the contract as known on `as_of`.

        Parameters
        ----------
        name : str

        Returns
        -------
        ibis.Table or None
            The contract columns that the source has; rows that happened up to `as_of`; dates that were not
            known then are NULL. None if the source lacks the table.
        """
        contract = TABLES[name]
        found = self.report.found(name)
        if found is None:
            return None
        table = self.connection.table(name).select(*found.columns)
        after = _next(self.as_of)
        if contract.happens in found.columns:
            day = table[contract.happens]
            table = table.filter(day.isnull() | (day < after))
        later = {
            column.name: ibis.ifelse(table[column.name] < after, table[column.name], None)
            for column in contract.columns
            if column.known_later and column.name in found.columns
        }
        return table.mutate(**later) if later else table

    def has(self, what: str) -> bool:
        """Tell whether the source has a table (``"events"``) or column (``"orders.cost_of_goods"``)."""
        name, _, column = what.partition(".")
        contract = TABLES[name]
        if column:
            contract[column]
        found = self.report.found(name)
        return found is not None and (not column or column in found.columns)

    def truth(self, name: str) -> pd.DataFrame | None:
        """Return a table of the simulated truth, or None where the source is no simulation."""
        for ending, read in ((".parquet", pd.read_parquet), (".csv", pd.read_csv)):
            path = self.folder / "truth" / (name + ending) if self.folder else None
            if path and path.exists():
                return read(path)
        return None


def open_data(
    source: str | Path,
    as_of: str | dt.date | None = None,
    cache: str | Path | None = None,
    run_file: str | Path | None = None,
) -> Data:
    """Open a source: read and check it, or take it from the cache where nothing has changed.

    Parameters
    ----------
    source : str or Path
        ``"bundled"``, a run file, a folder, a file or a database URL.
    as_of : str or datetime.date, optional
        Last known day; the last order day if empty.
    cache : str or Path, optional
        Folder of prepared stores; ``$CRMLIB_CACHE`` or ``~/.cache/crmlib`` if left out.
    run_file : str or Path, optional
        A run file that says how to read `source`; a notebook started by a run need not name it.

    Returns
    -------
    Data

    Raises
    ------
    DataError
        If the data have errors; all of them are named.
    ParameterError
        If the source, the run file or `as_of` is not valid.
    RunError
        If the prepared data cannot be written.

    Examples
    --------
    >>> data = open_data("bundled", as_of="2025-12-31")
    >>> data.currency, data.has("orders.cost_of_goods"), data.has("events")
    ('EUR', True, True)
    >>> bool(data.orders.ordered_at.max().execute() < dt.datetime(2026, 1, 1))
    True
    """
    handed = handed_over(source) if run_file is None else None
    found = find_source(handed.place, handed.run_file) if handed else find_source(source, run_file)
    report = stored_report(Path(handed.store)) if handed else None
    if report is not None:
        return Data(found, Path(handed.store), report, as_of)
    store, report = prepared(found, cache)
    if report.errors:
        raise DataError(
            f"{counted(len(report.errors), 'error')} in {found.place}: "
            + "; ".join(map(_in_short, report.errors)),
            "data without errors",
            report.errors[0].remedy.rstrip(".") or "correct the data",
        )
    return Data(found, store, report, as_of)


def _next(day: dt.date) -> ibis.expr.types.DateScalar:
    return ibis.date(day + dt.timedelta(days=1))


def _in_short(problem: Problem) -> str:
    shown = f" ({problem.shown()[0]})" if problem.examples else ""
    return f"{problem.table}: {problem.sentence.rstrip('.')}{shown}"


def _day(as_of: str | dt.date | None, first: dt.date, last: dt.date) -> dt.date:
    if not as_of:
        return last
    try:
        day = dt.date.fromisoformat(as_of) if isinstance(as_of, str) else as_of
    except ValueError:
        raise ParameterError(f"as_of = {as_of!r}", "a day such as 2026-10-31", "correct as_of") from None
    if not first <= day <= last:
        raise ParameterError(
            f"as_of = {day}", f"a day from {first} to {last}, the period of the orders", "correct as_of"
        )
    return day
