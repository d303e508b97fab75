"""From an executed notebook to the parts of a page: what is shown, in which order.

All code is hidden. Cells for students (``teaching``, ``exercise``, ``solution``), proofs
(``claim``) and machinery are dropped, the findings are lifted to the top, and a heading
that is left with nothing below it goes too.
"""

import html
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import mistune
from markupsafe import Markup
from nbconvert.filters.ansi import strip_ansi
from nbconvert.filters.markdown_mistune import MathBlockParser, MathInlineParser

from crmlib.publish.mathml import PageError, to_mathml
from crmlib.publish.sanitise import (
    check_alt,
    check_images,
    clean,
    drop_foreign_images,
    flat_headings,
    plain,
    words,
    wrap_tables,
)

BUNDLE = "application/vnd.crmlib+json"
DROPPED = words("teaching exercise solution claim remove-cell parameters injected-parameters setup")
EMPTY = Markup()


@dataclass
class Section:
    """A heading of the page's outline: its level, its anchor and its text."""

    level: int
    anchor: str
    text: str


@dataclass
class Page:
    """The parts of one page, ready to be shown.

    Attributes
    ----------
    name, title : str
        The notebook's name and its question.
    lead : Markup
        What the reader leaves with, in a sentence.
    run_card, findings, colophon : Markup
        Empty where the notebook has none.
    body : list of Markup
        Everything else, in order.
    outline : list of Section
        The headings of `body`.
    bundles : list of dict
        What the notebook hands to the front page.
    refused : str
        Why the notebook does not answer on these data; empty where it does.
    """

    name: str
    title: str = ""
    lead: Markup = EMPTY
    run_card: Markup = EMPTY
    findings: Markup = EMPTY
    colophon: Markup = EMPTY
    body: list[Markup] = field(default_factory=list)
    outline: list[Section] = field(default_factory=list)
    bundles: list[dict[str, Any]] = field(default_factory=list)
    refused: str = ""


def read_page(node: Any, name: str, pages: Mapping[str, str]) -> Page:
    """Sort the cells of an executed notebook into the parts of a page.

    Parameters
    ----------
    node : notebook node
    name : str
        The notebook's name, for messages.
    pages : mapping of str to str
        File names of notebooks in this report, and their pages.

    Returns
    -------
    Page

    Raises
    ------
    PageError
        If a figure has no description or a formula cannot be shown.
    """
    page = Page(name, refused=node.get("metadata", {}).get("crmlib", {}).get("refused", ""))
    pieces: list[str] = []
    for number, cell in enumerate(node["cells"], 1):
        tags = set(cell["metadata"].get("tags", []))
        source = "".join(cell["source"])
        where = f"{name}, cell {number}"
        if tags & DROPPED:
            page.bundles += _bundles(cell)
        elif cell["cell_type"] == "markdown":
            text = _first_cell(page, source, pages, where) if not page.title else source
            shown = markdown(text, pages, where)
            if "summary" in tags:
                page.findings += Markup(shown)
            else:
                pieces.append(shown)
        elif cell["cell_type"] == "code":
            page.bundles += _bundles(cell)
            shown = _outputs(cell, pages, where)
            if "summary" in tags:
                page.findings += Markup(shown)
            elif "run-card" in tags:
                page.run_card += Markup(shown)
            elif "colophon" in tags:
                page.colophon += Markup(shown)
            elif shown:
                pieces.append(shown)
    page.title = page.title or name
    page.outline, page.body = _arrange("\n".join(pieces))
    return page


def _first_cell(page: Page, source: str, pages: Mapping[str, str], where: str) -> str:
    """Take title and lead from the first text cell; the rest of it is for people in JupyterLab."""
    found = re.match(r"\s*# +(.+?)\s*#*\s*(?:\n|$)", source)
    if not found:
        return source
    page.title = plain(markdown(found.group(1), pages, where))
    paragraphs = re.split(r"\n\s*\n", source[found.end() :].strip())
    if paragraphs[0]:
        page.lead = Markup(markdown(paragraphs[0], pages, where))
    return ""


def _bundles(cell: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [out["data"][BUNDLE] for out in cell.get("outputs", []) if BUNDLE in out.get("data", {})]


class _Renderer(mistune.HTMLRenderer):
    """Render markdown; formulas are put aside, so that cleaning the rest cannot touch them."""

    def __init__(self) -> None:
        super().__init__(escape=False)
        self.formulas: list[str] = []

    def _aside(self, formula: str) -> str:
        self.formulas.append(formula)
        return f"\ue000{len(self.formulas) - 1}\ue001"

    def inline_math(self, body: str) -> str:
        return self._aside(to_mathml(body))

    def block_math(self, body: str) -> str:
        label = 'class="formula" role="group" aria-label="Formula" tabindex="0"'
        return self._aside(f"<span {label}>{to_mathml(body.strip(), block=True)}</span>")

    def latex_environment(self, name: str, body: str) -> str:
        return self.block_math(f"\\begin{{{name}}}{body}\\end{{{name}}}")


def markdown(source: str, pages: Mapping[str, str], where: str) -> str:
    """Render a text cell: safe HTML, formulas as MathML.

    Parameters
    ----------
    source : str
    pages : mapping of str to str
    where : str
        Notebook and cell, for messages.

    Raises
    ------
    PageError
        If TeX is left over, or a picture is not part of the notebook.
    """
    renderer = _Renderer()
    render = mistune.Markdown(
        renderer,
        MathBlockParser(),
        MathInlineParser(),
        plugins=[mistune.import_plugin(p) for p in ("table", "strikethrough", "def_list", "footnotes")],
    )
    try:
        rendered = render(re.sub("[\ue000\ue001]", "", source))
    except PageError as problem:
        raise PageError(f"{where}: {problem.found}", problem.expected, problem.remedy) from problem
    safe = wrap_tables(clean(rendered, pages))
    check_images(safe, where)
    if leftover := re.search(
        r"\\[a-zA-Z]+\{[^<]*|\$\$[^<]*", re.sub(r"<(code|pre)\b.*?</\1>", "", safe, flags=re.S)
    ):
        raise PageError(
            f"{where}: raw TeX left on the page: {leftover.group()[:60]!r}",
            "formulas between dollar signs",
            "put the formula between $ and $, or the text between backticks",
        )
    return re.sub("\ue000(\\d+)\ue001", lambda found: renderer.formulas[int(found.group(1))], safe)


def _outputs(cell: Mapping[str, Any], pages: Mapping[str, str], where: str) -> str:
    """Show the outputs of a code cell; what it printed to the error stream goes to the log alone."""
    shown = []
    for output in cell.get("outputs", []):
        kind = output["output_type"]
        if kind == "stream" and output["name"] == "stdout" and output["text"].strip():
            shown.append(_preformatted(output["text"]))
        elif kind in ("display_data", "execute_result"):
            shown.append(_output(output, pages, where))
    return "\n".join(piece for piece in shown if piece)


def _output(output: Mapping[str, Any], pages: Mapping[str, str], where: str) -> str:
    """Show one output in the richest form a page can have."""
    data = output["data"]
    for kind in ("image/png", "image/jpeg"):
        if kind in data:
            about = output.get("metadata", {}).get(kind, {})
            alt = check_alt(about.get("alt") or data.get(BUNDLE, {}).get("alt"), where)
            title = data.get(BUNDLE, {}).get("title") or alt
            return _figure(kind, "".join(data[kind]), alt, about, title)
    if "text/html" in data:
        shown = wrap_tables(flat_headings(drop_foreign_images(clean("".join(data["text/html"]), pages))))
        check_images(shown, where)
        return shown
    if "image/svg+xml" in data:
        raise PageError(
            f"{where}: a figure as SVG, which cannot carry a description",
            "a figure as PNG",
            "show the figure through crmlib.display",
        )
    if "text/markdown" in data:  # computed text may hold data: no formulas, no markup of its own
        shown = mistune.create_markdown(escape=True, plugins=["table"])("".join(data["text/markdown"]))
        return wrap_tables(flat_headings(clean(shown, pages)))
    return _preformatted("".join(data.get("text/plain", "")))


def _preformatted(text: str) -> str:
    return f'<pre tabindex="0">{html.escape(strip_ansi(text).rstrip())}</pre>' if text.strip() else ""


def _figure(kind: str, picture: str, alt: str, about: Mapping[str, Any], title: str) -> str:
    """Show a picture, in a box that scrolls sideways where the screen is too small to read it."""
    size = "".join(
        f' {side}="{about[side]}"'
        for side in ("width", "height")
        if isinstance(about.get(side), int) and not isinstance(about[side], bool)
    )
    if not re.fullmatch(r"[A-Za-z0-9+/=\s]+", picture):
        raise PageError("a picture that is not base64", "a PNG or JPEG picture", "draw the figure again")
    content = re.sub(r"\s", "", picture)
    picture = f'<img src="data:{kind};base64,{content}" alt="{html.escape(alt)}"{size}>'
    box = f'class="scroll" role="group" tabindex="0" aria-label="Figure: {html.escape(title)}"'
    # On a small screen the title inside the picture is cut; there this one is shown above it.
    caption = f'<figcaption aria-hidden="true">{html.escape(title)}</figcaption>' if title != alt else ""
    return f'<figure class="chart">{caption}<div {box}>{picture}</div></figure>'


_HEADING = re.compile(r"<h([1-6])[^>]*>(.*?)</h\1>", re.DOTALL)


def _arrange(markup: str) -> tuple[list[Section], list[Markup]]:
    """Drop empty sections, put heading levels in order below the page's title, give them anchors."""
    parts = _HEADING.split(markup)  # text, level, heading, text, level, heading, text ...
    found = [[int(parts[i]), parts[i + 1], parts[i + 2].strip()] for i in range(1, len(parts), 3)]
    kept: list[list[Any]] = []
    for level, heading, text in reversed(found):
        follows = kept[-1][0] if kept else 0
        if text or follows > level:
            kept.append([level, heading, text])
    outline: list[Section] = []
    body = [Markup(parts[0])] if parts[0].strip() else []
    taken: set[str] = {"content", "findings", "contents", "title"}
    last = 1
    for level, heading, text in reversed(kept):
        last = min(max(level, 2), last + 1)
        anchor = _anchor(plain(heading), taken)
        outline.append(Section(last, anchor, plain(heading)))
        body.append(Markup(f'<h{last} id="{anchor}">{heading}</h{last}>\n{text}'))
    return outline, body


def _anchor(text: str, taken: set[str]) -> str:
    """Make an anchor no other heading has."""
    stem = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-") or "section"
    anchor, number = stem, 2
    while anchor in taken:
        anchor, number = f"{stem}-{number}", number + 1
    taken.add(anchor)
    return anchor
