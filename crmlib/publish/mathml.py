"""Formulas: TeX in the notebook, MathML on the page, and a failed build when that cannot be done.

A reader should never meet raw TeX, nor half a formula. `latex2mathml` passes on in silence what it
does not know, so what it returns is checked piece by piece.
"""

import re
from functools import lru_cache
from xml.etree import ElementTree

from crmlib.errors import RunError


def words(*lines: str) -> frozenset[str]:
    """Return the words of some lines as a set."""
    return frozenset(" ".join(lines).split())


_MATHML = "{http://www.w3.org/1998/Math/MathML}"
_ELEMENTS = words(
    "math mrow mi mn mo mtext mspace mfrac msqrt mroot msub msup msubsup munder mover munderover",
    "mstyle mpadded mphantom mtable mtr mtd menclose mmultiscripts mprescripts none",
)
_CHILDREN = {
    "mfrac": 2, "mroot": 2, "msub": 2, "msup": 2, "munder": 2, "mover": 2, "msubsup": 3, "munderover": 3,
}  # fmt: skip
_ATTRIBUTES = words(
    "display displaystyle scriptlevel mathvariant stretchy fence form separator largeop movablelimits",
    "accent accentunder lspace rspace minsize maxsize symmetric width height depth linethickness columnalign",
    "rowspacing columnspacing columnlines rowlines notation mathsize linebreak",
)


class PageError(RunError):
    """A page cannot be built as it should be."""


def _refuse(tex: str, why: str) -> PageError:
    return PageError(
        f"the formula {tex.strip()!r} cannot be shown: {why}",
        "a formula of ordinary TeX commands (no 'aligned', no undefined commands)",
        "write it more simply, for example one line per formula",
    )


@lru_cache(maxsize=1024)
def to_mathml(tex: str, block: bool = False) -> str:
    r"""Turn a formula into MathML.

    Parameters
    ----------
    tex : str
        Without the dollar signs.
    block : bool, default False
        Whether it stands on a line of its own.

    Returns
    -------
    str

    Raises
    ------
    PageError
        If any part of it would not be shown as a formula.

    Examples
    --------
    >>> to_mathml("x^2").partition("<mrow>")[2]
    '<msup><mi>x</mi><mn>2</mn></msup></mrow></math>'
    >>> to_mathml(r"\profit_x")
    Traceback (most recent call last):
    crmlib.publish.mathml.PageError: Found: the formula '\\profit_x' cannot be shown: unknown \profit. ...
    """
    from latex2mathml.converter import convert

    bare = re.sub(r"\\[\\{}]", "", tex)
    if bare.count("{") != bare.count("}"):
        raise _refuse(tex, "its braces do not match")
    if re.search(r"(?<!\\)\$", tex):
        raise _refuse(tex, "a dollar sign is inside")
    try:
        result = convert(tex, display="block" if block else "inline")
        tree = ElementTree.fromstring(result)
    except Exception as problem:  # the library raises many kinds, some of them without a text
        raise _refuse(tex, f"it is not understood ({type(problem).__name__})") from problem
    for element in tree.iter():
        name = element.tag.removeprefix(_MATHML)
        text = (element.text or "") + (element.tail or "")
        if unknown := re.search(r"\\\w*", text):
            raise _refuse(tex, f"unknown {unknown.group()}")
        if name not in _ELEMENTS or not _ATTRIBUTES.issuperset(element.attrib):
            raise _refuse(tex, f"it would bring <{name}> with {', '.join(element.attrib) or 'no attribute'}")
        if element.get("linebreak") == "newline":
            raise _refuse(tex, "it has several lines")
        if len(element) != _CHILDREN.get(name, len(element)):
            raise _refuse(tex, f"a part of <{name}> is missing")
    return result
