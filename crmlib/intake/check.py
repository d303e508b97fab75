"""Checking a source, and the report of a check as a person reads it."""

from pathlib import Path

from crmlib.intake.contract import TABLES
from crmlib.intake.report import CheckReport, Problem, TableFound
from crmlib.intake.source import find_source
from crmlib.intake.store import prepared
from crmlib.intake.wording import counted, listed, money, share

_TITLES = {
    "error": ("Errors", "no report can be made until they are corrected"),
    "warning": ("Warnings", "shown on every report"),
    "note": ("Notes", "how the data are read"),
}
# What a reader loses without an optional column or table; the rest needs no word.
_LEFT_OUT = {
    "orders.cost_of_goods": "margins rest on the stated gross margin",
    "orders.discount_amount": "no view of discounts",
    "orders.product_id": "no view of products",
    "orders.order_id": "all lines of a customer on a day count as one order",
    "orders.channel": "no view of channels",
    "orders.quantity": "no view of units",
    "customers": "no acquisition channel, cost or date of customers",
    "products": "no view of categories",
    "events": "no service cost by customer",
    "activities": "no service cost by customer",
    "resources": "no service cost by customer",
    "contacts": "no effect of campaigns",
    "contracts": "no view of memberships",
    "survey": "no satisfaction, no share of wallet",
    "referrals": "no referral value",
    "reviews": "no view of reviews",
    "partners": "no view of partners",
    "deliveries": "no view of deliveries",
}


def check_source(
    source: str | Path, run_file: str | Path | None = None, cache: str | Path | None = None
) -> CheckReport:
    """Check a source and return everything found, errors included.

    Parameters
    ----------
    source : str or Path
        ``"bundled"``, a run file, a folder, a file or a database URL; empty for the run file's own.
    run_file : str or Path, optional
        A run file that says how to read `source`.
    cache : str or Path, optional
        Folder of prepared stores, as in `open_data`.

    Returns
    -------
    CheckReport

    Raises
    ------
    DataError
        If no table of orders can be found at all.
    ParameterError
        If the source or the run file is not valid.
    """
    return prepared(find_source(source, run_file), cache)[1]


def render_report(report: CheckReport) -> str:
    """Write a check report as plain text, tables first, then errors, warnings and notes.

    >>> print(render_report(check_source("bundled")).splitlines()[0])
    Casa Verbena
    """
    lines = [report.name, ""]
    for found in report.tables:
        lines += _table(found)
    lines += _ledger(report)
    for severity, (title, meaning) in _TITLES.items():
        problems = [problem for problem in report.problems if problem.severity == severity]
        if problems:
            lines += ["", f"{title} ({len(problems)}): {meaning}"]
            for problem in problems:
                lines += _problem(problem)
    lines += ["", _verdict(report)]
    return "\n".join(lines)


def _table(found: TableFound) -> list[str]:
    gone = found.rows - found.used_rows
    facts = [counted(found.rows, "row") + (f", {gone:,} of them set aside" if gone else "")]
    if found.first_day:
        facts.append(f"{found.first_day} to {found.last_day}")
    if found.customers is not None:
        facts.append(counted(found.customers, "customer"))
    lines = [f"{found.name}: {'; '.join(facts)}  [{found.where}]", f"  columns: {', '.join(found.columns)}"]
    if found.missing_columns:
        lines.append(
            "  not there: "
            + ", ".join(
                column + (f" ({_LEFT_OUT[key]})" if (key := f"{found.name}.{column}") in _LEFT_OUT else "")
                for column in found.missing_columns
            )
        )
    if found.unused_columns:
        lines.append(f"  not used: {listed(found.unused_columns, 12)}")
    return lines


def _ledger(report: CheckReport) -> list[str]:
    lines = []
    there = {found.name for found in report.tables} | {problem.table for problem in report.problems}
    absent = [name for name in TABLES if name not in there]
    if absent:
        by_loss: dict[str, list[str]] = {}
        for name in absent:
            by_loss.setdefault(_LEFT_OUT.get(name, ""), []).append(name)
        losses = [
            f"{', '.join(names)} ({loss})" if loss else ", ".join(names) for loss, names in by_loss.items()
        ]
        lines += ["", "Tables not there: " + "; ".join(losses)]
    ledger = report.ledger
    if report.found("orders"):
        lines += ["", f"Net sales: {money(ledger.total_net, report.currency)}"]
        if ledger.set_aside_rows:
            lines[-1] += (
                f"; not in it: {counted(ledger.set_aside_rows, 'line')} set aside, "
                f"{money(ledger.set_aside_net, report.currency)}"
            )
        if ledger.anonymous_rows and ledger.total_net:
            lines[-1] += f"; without a customer: {share(ledger.anonymous_net, ledger.total_net)}"
    return lines


def _problem(problem: Problem) -> list[str]:
    lines = [f"  {problem.table}: {problem.sentence}"]
    lines += [f"    {text}" for text in problem.shown()]
    if problem.remedy:
        lines.append(f"    What to do: {problem.remedy}")
    return lines


def _verdict(report: CheckReport) -> str:
    if report.errors:
        return f"{counted(len(report.errors), 'error')}: correct the data or the run file, then check again."
    if report.warnings:
        return f"The data can be used. {counted(len(report.warnings), 'warning')} to bear in mind."
    return "The data can be used."
