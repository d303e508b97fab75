"""Which column of the source is which column of the contract."""

import difflib
import re
from dataclasses import dataclass

from crmlib.intake.contract import Column, Table
from crmlib.intake.report import Problem
from crmlib.intake.runfile import TableMap
from crmlib.intake.wording import listed

# What order logs out in the world call these columns; used to suggest a mapping, never to guess one.
_OTHER_NAMES = {
    "customer_id": (
        "custid",
        "clientid",
        "customer",
        "client",
        "buyerid",
        "userid",
        "memberid",
        "customerno",
    ),
    "ordered_at": (
        "date",
        "orderdate",
        "invoicedate",
        "purchasedate",
        "transactiondate",
        "timestamp",
        "datetime",
    ),
    "net_amount": (
        "amount",
        "total",
        "revenue",
        "sales",
        "netsales",
        "value",
        "linetotal",
        "netamount",
        "price",
    ),
    "order_id": ("invoiceno", "invoice", "orderno", "ordernumber", "transactionid", "receiptno", "basketid"),
    "product_id": ("stockcode", "sku", "itemid", "item", "articleno", "article", "productcode", "product"),
    "quantity": ("qty", "units", "pieces", "count"),
}
_UNIT_PRICES = ("unitprice", "priceperunit", "itemprice", "price")


@dataclass(frozen=True)
class Match:
    """The columns of one table, matched.

    Attributes
    ----------
    sources : dict of str to tuple of str
        Contract column to column or columns of the source (several: their product).
    unused : tuple of str
        Columns of the source that were not matched.
    problems : tuple of Problem
    """

    sources: dict[str, tuple[str, ...]]
    unused: tuple[str, ...]
    problems: tuple[Problem, ...]


def match_columns(table: Table, found: list[str], mapped: TableMap) -> Match:
    """Match the columns `found` with those of `table`, by the run file's map or by name.

    Names are compared without regard to case, surrounding blanks, spaces, hyphens and underscores.
    """
    sources: dict[str, tuple[str, ...]] = {}
    problems: list[Problem] = []
    for column in table.columns:
        wanted = mapped.columns.get(column.name)
        names = [wanted] if isinstance(wanted, str) else wanted or [column.name]
        actual = [find_column(name, found) for name in names]
        if None not in actual:
            sources[column.name] = tuple(name for name in actual if name is not None)
        elif wanted:
            problems += [
                _wrong_map(table, column, name, found) for name, a in zip(names, actual, strict=True) if not a
            ]
        elif column.required:
            problems.append(_missing(table, column, found, sources, first=not problems))
        if isinstance(wanted, list) and column.kind not in ("money", "number"):
            problems.append(
                Problem(
                    table=table.name,
                    code="product-of-texts",
                    severity="error",
                    count=1,
                    sentence=f"The run file maps {column.name} to several columns, but only money and numbers can "
                    "be multiplied.",
                    remedy=f"Map {column.name} to one column.",
                )
            )
    if any(problem.code == "missing-column" for problem in problems):
        problems[-1] = problems[-1].model_copy(update={"remedy": problems[-1].remedy + _start(table, found)})
    used = {name for names in sources.values() for name in names}
    return Match(sources, tuple(name for name in found if name not in used), tuple(problems))


def find_column(wanted: str, found: list[str]) -> str | None:
    """Return the column called `wanted`, compared without regard to case, blanks, hyphens and underscores.

    >>> find_column("customer_id", ["Customer ID", "Total"]), find_column("day", ["Total"])
    ('Customer ID', None)
    """
    if wanted in found:
        return wanted
    return {_key(name): name for name in reversed(found)}.get(_key(wanted))


def known_names(table: Table, names: list[str]) -> int:
    """Count the `names` that are columns of the contract, or what other programs call them.

    >>> from crmlib.intake.contract import TABLES
    >>> known_names(TABLES["orders"], ["Customer ID", "InvoiceDate", "Sales report"])
    2
    """
    known = {
        _key(name) for column in table.columns for name in (column.name, *_OTHER_NAMES.get(column.name, ()))
    }
    return len({_key(name) for name in names} & known)


def _key(name: str) -> str:
    return re.sub(r"[\s_\-.]+", "", name).casefold()


def _wrong_map(table: Table, column: Column, wanted: str, found: list[str]) -> Problem:
    near = difflib.get_close_matches(wanted, found, n=1)
    return Problem(
        table=table.name,
        code="missing-column",
        severity="error",
        count=1,
        sentence=f'The run file maps {column.name} to column "{wanted}", which is not there. '
        f"The columns are: {listed(found, 15)}.",
        remedy=(f'Did you mean "{near[0]}"? ' if near else "") + f"Correct [tables.{table.name}] columns.",
    )


def _missing(
    table: Table, column: Column, found: list[str], taken: dict[str, tuple[str, ...]], first: bool
) -> Problem:
    near = nearest(column.name, [name for name in found if (name,) not in taken.values()])
    return Problem(
        table=table.name,
        code="missing-column",
        severity="error",
        count=1,
        sentence=f"Column {column.name} is missing ({column.meaning.rstrip('.')})."
        + (f" The columns found are: {listed(found, 15)}." if first else ""),
        remedy=f'Perhaps it is the column "{near}".'
        if near
        else "Add the column, or say in a run file which it is.",
    )


def _start(table: Table, found: list[str]) -> str:
    """Offer the lines of a run file that map what can be guessed."""
    if sum(not re.search("[^\\W\\d]", name) for name in found) >= len(found) / 2:
        return (
            " If the file has no header line, name its columns in a run file, in a line of its own below the line "
            f"[tables.{table.name}]: header = [...]"
        )
    guesses = {
        column.name: nearest(column.name, found) for column in table.columns if column.name in _OTHER_NAMES
    }
    exact = {_key(name): name for name in found}
    parts, taken = {}, set()
    # A column that bears a name of the contract means that and nothing else; the others go to the first that asks.
    for name, guess in sorted(guesses.items(), key=lambda item: _key(item[0]) not in exact):
        if guess and guess not in taken:
            parts[name] = f'"{guess}"'
            taken.add(guess)
    unit = next((name for name in found if _key(name) in _UNIT_PRICES), None)
    if unit and guesses.get("quantity"):
        parts["net_amount"] = f'["{guesses["quantity"]}", "{unit}"]'
    if table.name != "orders":
        parts = {name: parts.get(name, '"your column"') for name in table.required}
    parts = {name: parts.get(name, '"your column"') for name in table.required} | parts
    inside = ", ".join(f"{name} = {value}" for name, value in parts.items())
    return (
        f" A run file to start from (put the right names) has the line [tables.{table.name}] and below it the line "
        f"columns = {{ {inside} }}"
    )


def nearest(wanted: str, found: list[str]) -> str | None:
    """Return the name in `found` that most likely means the contract column `wanted`.

    >>> nearest("customer_id", ["InvoiceNo", "CustomerID"]), nearest("ordered_at", ["InvoiceDate", "Country"])
    ('CustomerID', 'InvoiceDate')
    """
    keys = {_key(name): name for name in reversed(found)}
    for other in _OTHER_NAMES.get(wanted, ()):
        if other in keys:
            return keys[other]
    near = difflib.get_close_matches(_key(wanted), list(keys), n=1, cutoff=0.6)
    return keys[near[0]] if near else None


def unique_names(header: list[str]) -> list[str]:
    """Name the columns of a header line: blank and repeated names get their position.

    >>> unique_names(["id", "", "id"])
    ['id', 'column 2', 'id (column 3)']
    """
    names: list[str] = []
    for position, name in enumerate(header, 1):
        name = name.strip()
        taken = any(name.lower() == other.lower() for other in names)
        names.append(f"{name} (column {position})" if taken else name or f"column {position}")
    return names
