"""The one currency of a run: what the run file says, and what the data themselves say."""

from crmlib.intake.amounts import CODES, SIGNS
from crmlib.intake.inspection import SHOWN, Inspection
from crmlib.intake.landing import ROW
from crmlib.intake.report import Problem, examples
from crmlib.intake.runfile import RunFile
from crmlib.intake.sql import ident, literal, rows
from crmlib.intake.wording import counted, listed

_COLUMN_NAMES = ("currency", "currencycode", "currencyid", "curr", "cur", "isocurrency", "valuta", "devise")


def named_currencies(inspection: Inspection) -> None:
    """Take note of the currencies that a currency column of the table names, as codes where they are known.

    The contract has no such column, so it is looked for among those that nothing else uses.
    """
    for column in inspection.unused:
        if "".join(filter(str.isalpha, column.casefold())) not in _COLUMN_NAMES:
            continue
        word, relation = f"upper(trim(CAST({ident(column)} AS VARCHAR)))", inspection.landed.relation
        counts = dict(
            rows(
                inspection.connection,
                f"SELECT {word} AS word, count(*) FROM {relation} WHERE word <> '' "
                "GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 20",
            )
        )
        inspection.currencies |= {SIGNS.get(sign, sign) for sign in counts}
        if len(counts) > 1:
            written = listed([f"{counted(count, 'row')} with {sign}" for sign, count in counts.items()])
            others = rows(
                inspection.connection,
                f"SELECT {ROW}, {ident(column)} FROM {relation} "
                f"WHERE {word} NOT IN ('', {literal(next(iter(counts)))}) ORDER BY 1 LIMIT {SHOWN}",
            )
            inspection.add(
                "several-currencies",
                "error",
                f"Column {column} names several currencies: {written}.",
                "Convert all amounts to one currency before, or give the lines of one currency only.",
                count=sum(counts.values()),
                examples=examples([(row, column, value) for row, value in others]),
            )


def run_currency(run: RunFile, inspections: dict[str, Inspection]) -> tuple[str, list[Problem]]:
    """Return the currency of the run, and problems where the data name another or several."""
    named = sorted({currency for inspection in inspections.values() for currency in inspection.currencies})
    table = next((name for name, inspection in inspections.items() if inspection.currencies), "orders")
    stated = run.currency if "currency" in run.model_fields_set else None
    if len(named) > 1:
        if any(problem.code == "several-currencies" for i in inspections.values() for problem in i.problems):
            return run.currency, []
        return run.currency, [
            Problem(
                table=table,
                code="several-currencies",
                severity="error",
                count=len(named),
                sentence=f"The data name several currencies: {listed(named)}.",
                remedy="Convert all amounts to one currency before, or give the lines of one currency only.",
            )
        ]
    if not named or named[0] == run.currency:
        return run.currency, []
    if stated:
        return stated, [
            Problem(
                table=table,
                code="other-currency",
                severity="error",
                count=1,
                sentence=f"The run file says the currency is {stated}, but the data name {named[0]}.",
                remedy=f'Correct the data, or say currency = "{named[0]}" in the run file.',
            )
        ]
    if named[0] not in CODES:
        return run.currency, []
    return named[0], [
        Problem(
            table=table,
            code="currency-found",
            severity="note",
            count=1,
            sentence=f"The currency is {named[0]}, as the data say.",
        )
    ]
