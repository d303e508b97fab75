"""The one currency of a run: what the run file says, and what the data themselves say."""

from crmlib.intake.amounts import CODES, SIGNS
from crmlib.intake.inspection import Inspection
from crmlib.intake.report import Problem
from crmlib.intake.runfile import RunFile
from crmlib.intake.sql import ident, rows
from crmlib.intake.wording import listed

_COLUMN_NAMES = ("currency", "currencycode", "currencyid", "curr", "cur", "isocurrency", "valuta", "devise")


def named_currencies(inspection: Inspection) -> set[str]:
    """Return the currencies that a currency column of the table names, as codes where they are known.

    The contract has no such column, so it is looked for among those that nothing else uses.
    """
    found: set[str] = set()
    for column in inspection.unused:
        if "".join(filter(str.isalpha, column.casefold())) in _COLUMN_NAMES:
            words = rows(
                inspection.connection,
                f"SELECT DISTINCT upper(trim(CAST({ident(column)} AS VARCHAR))) AS word "
                f"FROM {inspection.landed.relation} WHERE word <> '' ORDER BY 1 LIMIT 20",
            )
            found |= {SIGNS.get(word, word) for (word,) in words}
    return found


def run_currency(run: RunFile, inspections: dict[str, Inspection]) -> tuple[str, list[Problem]]:
    """Return the currency of the run, and problems where the data name another or several."""
    named = sorted({currency for inspection in inspections.values() for currency in inspection.currencies})
    table = next((name for name, inspection in inspections.items() if inspection.currencies), "orders")
    stated = run.currency if "currency" in run.model_fields_set else None
    if len(named) > 1:
        return run.currency, [Problem(
            table=table, code="several-currencies", severity="error", count=len(named),
            sentence=f"The data name several currencies: {listed(named)}.",
            remedy="Convert all amounts to one currency before, or give the lines of one currency only.",
        )]
    if not named or named[0] == stated:
        return run.currency, []
    if stated:
        return stated, [Problem(
            table=table, code="other-currency", severity="error", count=1,
            sentence=f"The run file says the currency is {stated}, but the data name {named[0]}.",
            remedy=f'Correct the data, or say currency = "{named[0]}" in the run file.',
        )]
    if named[0] not in CODES:
        return run.currency, []
    return named[0], [Problem(
        table=table, code="currency-found", severity="note", count=1,
        sentence=f"The currency is {named[0]}, as the data say.",
    )]
