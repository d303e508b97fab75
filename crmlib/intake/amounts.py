"""Money and numbers: decimal marks, thousands, currency signs, per cent."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from crmlib.intake.cells import FLOATS, WHOLE, Cell, Finding, Question, Way, known
from crmlib.intake.sql import literal
from crmlib.intake.wording import counted, listed

# ISO code of what stands beside an amount. The dollar sign is taken as USD.
SIGNS = {
    "€": "EUR",
    "£": "GBP",
    "$": "USD",
    "¥": "JPY",
    "₹": "INR",
    "₺": "TRY",
    "₽": "RUB",
    "₩": "KRW",
    "zł": "PLN",
}
CODES = (
    *(
        "EUR",
        "USD",
        "GBP",
        "CHF",
        "JPY",
        "CNY",
        "SEK",
        "NOK",
        "DKK",
        "PLN",
        "CZK",
        "HUF",
        "RON",
        "BGN",
        "TRY",
    ),
    *(
        "RUB",
        "UAH",
        "INR",
        "BRL",
        "MXN",
        "CAD",
        "AUD",
        "NZD",
        "SGD",
        "HKD",
        "ZAR",
        "KRW",
        "ILS",
        "AED",
        "SAR",
    ),
)
_CURRENCY = "(?i)(" + "|".join(["US\\$", *(sign.replace("$", "\\$") for sign in SIGNS), *CODES]) + ")"

# Shapes of the digits. "?" marks those that mean nothing alone: 1.234 and 1,234.
_SHAPES = {
    "whole": r"^\d+$",
    "point": r"^(\d*\.(\d{1,2}|\d{4,})|\d+\.|(0|\d{4,})?\.\d{3}|\d*\.?\d+[eE][+-]?\d+)$",
    "comma": r"^(\d*,(\d{1,2}|\d{4,})|(0|\d{4,})?,\d{3})$",
    "point, thousands with comma": r"^\d{1,3}((,\d{3})+\.\d+|(,\d{3}){2,})$",
    "comma, thousands with point": r"^\d{1,3}((\.\d{3})+,\d+|(\.\d{3}){2,})$",
    "1.234?": r"^\d{1,3}\.\d{3}$",
    "1,234?": r"^\d{1,3},\d{3}$",
}
_PLAIN = r"^[+-]?\d+(\.(\d{1,2}|\d{4}))?$"
_FITTING = {  # shapes that can be read once the decimal mark is known
    ".": ("whole", "point", "point, thousands with comma", "1.234?", "1,234?"),
    ",": ("whole", "comma", "comma, thousands with point", "1.234?", "1,234?"),
}
_POINT = ("point", "point, thousands with comma")
_COMMA = ("comma", "comma, thousands with point")


def amount(cell: Cell) -> Question:
    """Read money, a number, a share or a score."""
    if cell.type in WHOLE:
        return known(Way(f"TRY_CAST({cell.sql} AS {_precision(cell)})", f"{cell.sql} IS NOT NULL"))
    if cell.type.startswith("DECIMAL"):
        exact = cell.sql if int(cell.type.rstrip(")").split(",")[1]) > 4 else ""
        return known(
            Way(f"TRY_CAST({cell.sql} AS {_precision(cell)})", f"{cell.sql} IS NOT NULL", exact=exact)
        )
    if cell.type.startswith(FLOATS):
        present = f"({cell.sql} IS NOT NULL AND NOT isnan({cell.sql}))"
        exact = f"TRY_CAST({cell.sql} AS DECIMAL(38,10))"
        return known(Way(f"TRY_CAST({cell.sql} AS {_precision(cell)})", present, exact=exact))
    if not cell.is_text:
        return known(
            Way("NULL", f"{cell.sql} IS NOT NULL", hint=f"The column holds {cell.type}, not numbers.")
        )
    digits, shape = _digits(cell.sql), _shape(_digits(cell.sql))
    plain = cell.usual
    measures = {
        "present": f"count({cell.sql})",
        "plain": f"count(*) FILTER ({plain})",
        "plain_point": f"count(*) FILTER ({plain} AND contains({cell.sql}, '.'))",
        "shapes": f"histogram(CASE WHEN NOT {plain} THEN {shape} END)",
        "currencies": f"histogram(CASE WHEN NOT {plain} THEN nullif({_currency(cell.sql)}, '') END)",
        "per_cent": f"count(CASE WHEN NOT {plain} AND contains({cell.sql}, '%') THEN {shape} END)",
        "long": rf"count(CASE WHEN NOT {plain} AND regexp_matches({digits}, '[.,]\d{{5,}}$') THEN 1 END)",
    }
    usual = {plain: f"regexp_matches({cell.sql}, {literal(_PLAIN)})"}
    return Question(measures, lambda measured: _decide(cell, measured), usual)


def _currency(text: str) -> str:
    return f"CASE WHEN {_dressed(text)} THEN regexp_extract({text}, {literal(_CURRENCY)}, 1) ELSE '' END"


def _precision(cell: Cell) -> str:
    # Six places for the factors of a product, so that a price of 0.00125 survives until it is multiplied.
    return "DECIMAL(18,6)" if cell.factor else "DECIMAL(18,4)"


def _dressed(text: str) -> str:
    return rf"NOT regexp_matches({text}, '^[+-]?[\d.,]+$')"


def _digits(text: str) -> str:
    """SQL of the digits and marks of a number: no sign, currency, blanks, apostrophes, per cent."""
    bare = f"regexp_replace({text}, {literal(_CURRENCY)}, '')"
    bare = rf"regexp_replace({bare}, '[\s\p{{Z}}''’%]', '', 'g')"
    bare = rf"regexp_replace({bare}, '^\((.*)\)$', '\1')"
    undressed = rf"regexp_replace({bare}, '^[+\-−]|[+\-−]$', '')"
    return f"CASE WHEN {_dressed(text)} THEN {undressed} ELSE ltrim({text}, '+-') END"


def _negative(text: str) -> str:
    return rf"regexp_matches({text}, '^[^\d.,]*[-−]|[-−][^\d.,]*$|^[^\d]*\(.*\)[^\d]*$')"


def _shape(digits: str) -> str:
    cases = " ".join(
        f"WHEN regexp_matches({digits}, {literal(pattern)}) THEN {literal(name)}"
        for name, pattern in _SHAPES.items()
    )
    return f"CASE {cases} END"


def _decide(cell: Cell, measured: Mapping[str, Any]) -> Way:
    shapes = Counter(dict(measured["shapes"] or {}))
    shapes.update({"point": measured["plain_point"], "whole": measured["plain"] - measured["plain_point"]})
    mark, findings = _decimal_mark(cell, shapes)
    currencies: dict[str, int] = dict(measured["currencies"] or {})
    found = sorted({_code(sign) for sign in currencies})
    findings += _currencies(cell, currencies)
    if cell.typed and measured["present"]:
        findings.append(
            cell.find("stored-as-text", "note", f"Numbers in column {cell.label} are stored as text.")
        )
    text, digits = cell.sql, _digits(cell.sql)
    fits = f"{_shape(digits)} IN ({', '.join(map(literal, _FITTING[mark]))})"
    if cell.column.kind != "share":
        fits += f" AND NOT contains({text}, '%')"
    number = f"replace({digits}, ',', '')"
    if mark == ",":
        number = f"replace(replace({digits}, '.', ''), ',', '.')"
    simple = measured["plain"] == measured["present"] and mark == "."

    def read(precision: str) -> str:
        if simple:
            return f"TRY_CAST({text} AS {precision})"
        value = f"TRY_CAST({number} AS {precision})"
        value = f"CASE WHEN {_negative(text)} THEN -{value} ELSE {value} END"
        if cell.column.kind == "share":
            value = f"CASE WHEN contains({text}, '%') THEN {value} / 100 ELSE {value} END"
        return f"CASE WHEN {fits} THEN {value} END"

    if measured["per_cent"] and cell.column.kind == "share":
        findings.append(
            cell.find(
                "per-cent",
                "note",
                f"In column {cell.label}, {counted(measured['per_cent'], 'cell', verb='are')} in per "
                "cent; 12 % is read as 0.12.",
                "",
                measured["per_cent"],
                f"contains({text}, '%')",
            )
        )
    hint = "Write plain numbers such as 1234.50."
    return Way(
        f"CAST({read(_precision(cell))} AS {_precision(cell)})",
        f"{text} IS NOT NULL",
        tuple(findings),
        exact=read("DECIMAL(38,10)") if measured["long"] else "",
        hint=hint,
        currency=found[0] if len(found) == 1 else "",
    )


def _code(sign: str) -> str:
    return SIGNS.get(sign.lower(), "USD" if "$" in sign else sign.upper())


def _currencies(cell: Cell, currencies: Mapping[str, int]) -> list[Finding]:
    if not currencies:
        return []
    count = sum(currencies.values())
    usual = max(currencies, key=lambda sign: (currencies[sign], sign))
    shown = _currency(cell.sql) + " <> ''"
    if len({_code(sign) for sign in currencies}) > 1:
        written = listed([f"{counted(n, 'cell')} with {sign}" for sign, n in sorted(currencies.items())])
        return [
            cell.find(
                "several-currencies",
                "error",
                f"Column {cell.label} has amounts in several currencies: {written}.",
                "Convert all amounts to one currency before, or give the lines of one currency only.",
                count,
                f"{shown} AND {_currency(cell.sql)} <> {literal(usual)}",
            )
        ]
    return [
        cell.find(
            "currency-sign",
            "note",
            f"In column {cell.label}, {counted(count, 'cell', cell.rows, 'carry')} the currency "
            f"{_code(usual)}; it is read and dropped.",
            "",
            count,
            shown,
        )
    ]


def _decimal_mark(cell: Cell, shapes: Mapping[str, int]) -> tuple[str, list[Finding]]:
    """Decide which of point and comma is the decimal mark of a column."""
    point = sum(shapes.get(name, 0) for name in _POINT)
    comma = sum(shapes.get(name, 0) for name in _COMMA)
    said = cell.form.decimal
    if point and comma and not said:
        return ".", [
            cell.find(
                "mixed-decimal-marks",
                "error",
                f"Column {cell.label} has {counted(point, 'number')} with a decimal point and {comma:,} with a decimal "
                "comma.",
                "Write all numbers in one way, or set decimal in the run file.",
                min(point, comma),
                _is_shape(cell, _COMMA if comma <= point else _POINT),
            )
        ]
    doubtful = "1,234?"
    if not shapes.get(doubtful) and cell.column.kind in ("money", "number"):
        doubtful = "1.234?"  # a share or a score is no thousand
    unsettled = shapes.get(doubtful, 0)
    if not said and not point and not comma and unsettled:
        sign = "comma" if "," in doubtful else "point"
        return ".", [
            cell.find(
                "ambiguous-decimal-mark",
                "error",
                f"Column {cell.label} has {counted(unsettled, 'number')} like {doubtful[:-1]}, and no number tells "
                f"whether the {sign} marks decimals or thousands.",
                'Say in the run file: decimal = "," or decimal = ".".',
                unsettled,
                _is_shape(cell, [doubtful]),
            )
        ]
    if said == "," or (comma and not said):
        return ",", [
            cell.find(
                "decimal-comma",
                "note",
                f"Column {cell.label} is read with a decimal comma: 1.234,50 is 1234.50.",
                "",
                comma,
                _is_shape(cell, _COMMA),
            )
        ]
    thousands = shapes.get("point, thousands with comma", 0) + unsettled
    if thousands:
        return ".", [
            cell.find(
                "thousands-comma",
                "note",
                f"In column {cell.label}, {counted(thousands, 'number', verb='have')} commas "
                "between thousands: 1,234.50 is 1234.50.",
                "",
                thousands,
                _is_shape(cell, ["point, thousands with comma", "1,234?"]),
            )
        ]
    return ".", []


def _is_shape(cell: Cell, names: Iterable[str]) -> str:
    return f"{_shape(_digits(cell.sql))} IN ({', '.join(map(literal, names))})"
