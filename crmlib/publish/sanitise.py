"""HTML from a notebook, made safe, readable on a phone, and whole for those who do not see it.

Three layers keep hostile text in data from running: the table helper escapes it, this module
lets only known elements through, and the page's content-security-policy forbids scripts and requests.
"""

import html
import re
from collections.abc import Mapping

import nh3

from crmlib.publish.mathml import PageError, words

#: What nbconvert writes where a figure has no description; as bad as none.
FILLER = "no description has been provided for this image"

_TAGS = words(
    "a abbr b blockquote br caption code dd del details div dl dt em figcaption figure h1 h2 h3 h4 h5 h6",
    "hr i img ins kbd li mark ol p pre q s samp small span strong sub summary sup",
    "table tbody td tfoot th thead tr u ul var",
)
_DROPPED_WITH_CONTENT = words(
    "script style template noscript iframe object embed svg math form button select textarea title"
)
_ATTRIBUTES = {
    "*": {"class", "lang"},
    "a": {"href"},
    "abbr": {"title"},
    "details": {"open"},
    "img": {"src", "alt", "width", "height"},
    "ol": {"start"},
    "td": {"colspan", "rowspan"},
    "th": {"colspan", "rowspan", "scope", "abbr"},
}
#: Classes the style sheet knows; any other could borrow the look of the page itself.
_CLASSES = words(
    "num txt total note table data-behind run-card left-out saved findings headline so-what decision",
    "verdict colophon exercise",
)
_SAVED_FILE = re.compile(r"tables/[\w-]+\.(csv|parquet)")
_PICTURE = re.compile(r"data:image/(png|jpeg|gif|webp);base64,[A-Za-z0-9+/=\s]+")
_SIZE = re.compile(r"\d{1,4}")


def _attribute(pages: Mapping[str, str]):
    """Make the rule for attribute values; `pages` maps notebook file names to their pages."""

    def keep(tag: str, name: str, value: str) -> str | None:
        if name == "class":
            return " ".join(part for part in value.split() if part in _CLASSES) or None
        if name == "href":
            target, _, anchor = value.partition("#")
            if target.rpartition("/")[2] in pages:
                return pages[target.rpartition("/")[2]] + (f"#{anchor}" if anchor else "")
            known = value.startswith(("https://", "http://", "mailto:", "#")) or _SAVED_FILE.fullmatch(value)
            return value if known else None
        if name == "src":
            return value if _PICTURE.fullmatch(value) else None
        if name in ("width", "height", "colspan", "rowspan", "start"):
            return value if _SIZE.fullmatch(value) else None
        return value

    return keep


def clean(markup: str, pages: Mapping[str, str] | None = None) -> str:
    """Let only harmless elements, attributes, addresses and classes through.

    Parameters
    ----------
    markup : str
    pages : mapping of str to str, optional
        File names of notebooks and the pages that links to them should lead to.
        A link to anything else inside the project becomes plain text.

    Examples
    --------
    >>> clean('<b onclick="x()">Rossi</b><script>x()</script> <i style="color: red">!</i>')
    '<b>Rossi</b> <i>!</i>'
    """
    return nh3.clean(
        markup,
        tags=set(_TAGS),
        clean_content_tags=set(_DROPPED_WITH_CONTENT),
        attributes=_ATTRIBUTES,
        attribute_filter=_attribute(pages or {}),
        url_schemes={"https", "http", "mailto", "data"},
        link_rel="noopener noreferrer",
    )


def check_alt(alt: object, where: str) -> str:
    """Return the description of a figure, or fail if there is none that says anything."""
    text = " ".join(str(alt or "").split())
    if not text or FILLER in text.lower():
        raise PageError(
            f"a figure without a description in {where}",
            "a description (alt text) of what the figure shows",
            "show the figure through crmlib.display, which asks for one",
        )
    return text


def check_images(markup: str, where: str) -> None:
    """Fail on a picture that is not inside the page, or that has no description."""
    for picture in re.findall(r"<img\b[^>]*>", markup):
        alt = re.search(r'\balt="([^"]*)"', picture)
        check_alt(html.unescape(alt.group(1)) if alt else "", where)
        if 'src="data:' not in picture:
            raise PageError(
                f"a picture in {where} that is not part of the notebook",
                "a picture drawn by a cell, or none",
                "draw it in a code cell, so that the page stays whole without a network",
            )


def drop_foreign_images(markup: str) -> str:
    """Drop pictures that lie elsewhere: in an output they can only come from data, and would ask a network.

    >>> drop_foreign_images('<p>Rossi<img alt="x"></p>')
    '<p>Rossi</p>'
    """
    return re.sub(r'<img\b(?![^>]*\bsrc="data:)[^>]*>', "", markup)


def plain(markup: str) -> str:
    """Return the text of a piece of HTML.

    >>> plain("<b>Rossi</b> &amp; C.")
    'Rossi & C.'
    """
    return " ".join(html.unescape(re.sub(r"<[^>]+>", "", markup)).split())


def wrap_tables(markup: str) -> str:
    """Put every table into a box of its own that scrolls sideways, by touch and by keyboard."""
    pieces = re.split(r"(?=<table\b)", markup)
    done = pieces[0]
    for piece in pieces[1:]:
        box = f'<div class="scroll" role="group" tabindex="0" aria-label="{html.escape(_name(done, piece))}">'
        done += box + piece.replace("</table>", "</table></div>", 1)
    return done


def _name(before: str, table: str) -> str:
    """Name a table by its own caption, else by that of the figure it stands in."""
    own = re.match(r"<table[^>]*><caption[^>]*>(.*?)</caption>", table, re.DOTALL)
    if own:
        return f"Table: {plain(own.group(1))}"
    figure = before.rpartition("<figure")[2]
    if "</figure>" not in figure:
        captions = re.findall(r"<figcaption[^>]*>(.*?)</figcaption>", figure, re.DOTALL)
        if captions:
            return f"Table: {plain(captions[-1])}"
    return "Table"


def flat_headings(markup: str) -> str:
    """Turn headings inside outputs into bold lines: only the notebook's text makes the page's outline."""
    markup = re.sub(r"<h[1-6][^>]*>", '<p class="subhead">', markup)
    return re.sub(r"</h[1-6]>", "</p>", markup)
