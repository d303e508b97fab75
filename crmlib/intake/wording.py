"""Counts, shares and money as the checks write them."""

from decimal import Decimal


def counted(count: int, noun: str, total: int | None = None, verb: str = "") -> str:
    """Write a count with its noun, its share of `total`, and a verb (given for several) that agrees.

    >>> counted(135080, "row", 541909)
    '135,080 rows (24.9%)'
    >>> counted(1, "row", 90_000, "have"), counted(3, "entry", verb="carry"), counted(1, "entry", verb="carry")
    ('1 row (less than 0.1%) has', '3 entries carry', '1 entry carries')
    """
    if count != 1:
        noun = _with_s(noun)
    elif verb:
        verb = {"have": "has", "are": "is", "do": "does"}.get(verb) or _with_s(verb)
    return " ".join(filter(None, (f"{count:,} {noun}", f"({share(count, total)})" if total else "", verb)))


def these(count: int, noun: str, verb: str) -> str:
    """Point back to things already counted.

    >>> these(1, "row", "are"), these(2, "cell", "count")
    ('this row is', 'these cells count')
    """
    words = counted(count, noun, verb=verb).partition(" ")[2]
    return ("this " if count == 1 else "these ") + words


def _with_s(word: str) -> str:
    return word[:-1] + "ies" if word.endswith("y") and word[-2] not in "aeiou" else word + "s"


def share(part: float | Decimal, total: float | Decimal) -> str:
    """Write a part of a total in per cent.

    >>> share(1, 3), share(1, 9000), share(0, 5), share(-1, 9000)
    ('33.3%', 'less than 0.1%', '0.0%', '0.0%')
    """
    ratio = 100 * float(part) / float(total) if total else 0.0
    return "less than 0.1%" if 0 < ratio < 0.05 else f"{ratio:.1f}%".replace("-0.0%", "0.0%")


def money(amount: Decimal, currency: str) -> str:
    """Write an amount of money.

    >>> money(Decimal("9747747.934"), "GBP"), money(Decimal("-0.001"), "EUR")
    ('9,747,747.93 GBP', '0.00 EUR')
    """
    rounded = round(amount, 2)
    return f"{rounded if rounded else Decimal('0.00'):,.2f} {currency}"


def listed(names: list[str] | tuple[str, ...], limit: int = 8) -> str:
    """Write a list, the tail of a long one as a number.

    >>> listed(["a", "b", "c"], limit=2)
    'a, b and 1 more'
    """
    names = list(names)
    return ", ".join(names[:limit]) + (f" and {len(names) - limit:,} more" if len(names) > limit else "")
