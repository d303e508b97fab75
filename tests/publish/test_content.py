"""A notebook's cells become the parts of a page: findings first, code and teaching left out."""

import re

import pytest

from crmlib.publish.content import BUNDLE, read_page
from crmlib.publish.mathml import PageError

PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="


def text(source, *tags):
    return {"cell_type": "markdown", "metadata": {"tags": list(tags)}, "source": source}


def code(*outputs, tags=()):
    return {
        "cell_type": "code",
        "metadata": {"tags": list(tags)},
        "source": "secret_code()",
        "outputs": list(outputs),
    }


def shows(metadata=None, **data):
    named = {
        "html": "text/html",
        "plain": "text/plain",
        "md": "text/markdown",
        "png": "image/png",
        "svg": "image/svg+xml",
        "bundle": BUNDLE,
    }
    return {
        "output_type": "display_data",
        "metadata": metadata or {},
        "data": {named[k]: v for k, v in data.items()},
    }


def page(*cells, pages=None):
    return read_page(
        {"cells": [text("# Which *customers* earn?\n\nYou leave with a list.\n\nLevel: easy."), *cells]},
        "02_x",
        pages or {},
    )


def body(*cells, **kwargs):
    return "\n".join(page(*cells, **kwargs).body)


def test_title_and_lead_come_from_the_first_cell_and_the_rest_of_it_is_for_authors():
    found = page()
    assert found.title == "Which customers earn?"
    assert "You leave with a list." in found.lead
    assert "Level" not in "".join(found.body)


def test_no_code_is_shown_and_cells_for_students_and_machinery_are_dropped():
    tags = ("teaching", "exercise", "solution", "claim", "remove-cell", "parameters", "setup")
    cells = [code(shows(html=f"<p>{tag}</p>"), tags=[tag]) for tag in tags] + [
        text(f"{tag} words", tag) for tag in tags
    ]
    shown = body(*cells, code(shows(html="<p>result</p>"), tags=["remove-input"]))
    assert "result" in shown
    assert "secret_code" not in shown
    assert not any(tag in shown for tag in tags)


def test_the_summary_is_lifted_and_the_run_card_and_colophon_have_places_of_their_own():
    found = page(
        code(shows(html="<dl class='run-card'></dl>"), tags=["run-card"]),
        text("## Body"),
        text("words"),
        code(shows(html="<p>the answer</p>"), tags=["summary"]),
        code(shows(html="<p>versions</p>"), tags=["colophon"]),
    )
    assert "run-card" in found.run_card
    assert "the answer" in found.findings
    assert "versions" in found.colophon
    assert "answer" not in "".join(found.body)


def test_what_a_dropped_cell_hands_over_still_reaches_the_front_page():
    found = page(
        code(shows(html="x", bundle={"kind": "left_out", "part": "a", "reason": "b"}), tags=["claim"])
    )
    assert found.bundles == [{"kind": "left_out", "part": "a", "reason": "b"}]


def test_a_heading_left_with_nothing_below_it_goes_too():
    found = page(
        text("## By hand"),
        code(shows(html="<p>x</p>"), tags=["teaching"]),
        text("## Exercises"),
        text("Try", "exercise"),
        text("## Kept\n\n### Also kept"),
        text("words"),
        text("## At the end"),
    )
    assert [section.text for section in found.outline] == ["Kept", "Also kept"]


def test_headings_are_in_order_with_anchors_of_their_own():
    found = page(text("# One\n\na\n\n#### Deep\n\nb\n\n## One\n\nc\n\n### Findings\n\nd"))
    assert [(s.level, s.anchor) for s in found.outline] == [
        (2, "one"),
        (3, "deep"),
        (2, "one-2"),
        (3, "findings-2"),
    ]
    assert re.findall(r'<h(\d) id="([^"]+)"', "\n".join(found.body)) == [
        ("2", "one"), ("3", "deep"), ("2", "one-2"), ("3", "findings-2"),
    ]  # fmt: skip


def test_formulas_become_mathml_and_dollars_in_code_stay():
    shown = body(text("With $x_i$ and\n\n$$y = \\frac{1}{2}$$\n\nand `$z$`."))
    assert shown.count("<math") == 2
    assert "<code>$z$</code>" in shown
    assert "$x_i$" not in shown


@pytest.mark.parametrize("source", [r"$\nonsense$", r"an \frac{a}{b} without dollars", "half a formula $$ x"])
def test_raw_tex_stops_the_build_and_names_the_cell(source):
    with pytest.raises(PageError, match="02_x, cell 2"):
        body(text(source))


def test_a_figure_is_shown_with_its_description():
    shown = body(
        code(
            shows(
                png=PIXEL,
                plain="<Figure>",
                metadata={"image/png": {"alt": 'A "curve"', "width": 640, "height": "9"}},
            )
        )
    )
    assert 'alt="A &quot;curve&quot;"' in shown
    assert "<figcaption" not in shown  # there is no title to show above it
    assert 'width="640"' in shown
    assert "height" not in shown
    assert "&lt;Figure" not in shown


@pytest.mark.parametrize(
    "output",
    [
        shows(png=PIXEL),
        shows(png=PIXEL, metadata={"image/png": {"alt": "No description has been provided for this image"}}),
        shows(html=f'<img src="data:image/png;base64,{PIXEL}">'),
        shows(svg="<svg></svg>"),
        shows(png='AAA" onerror="x()', metadata={"image/png": {"alt": "x"}}),
    ],
)
def test_a_figure_nobody_can_use_stops_the_build(output):
    with pytest.raises(PageError):
        body(code(output))


def test_the_title_of_a_figure_stands_above_it_for_small_screens():
    output = shows(png=PIXEL, metadata={"image/png": {"alt": "Bar chart"}})
    output["data"]["application/vnd.crmlib+json"] = {
        "kind": "figure",
        "title": "Half <earn> 1",
        "alt": "Bar chart",
    }
    assert '<figcaption aria-hidden="true">Half &lt;earn&gt; 1</figcaption>' in body(code(output))


@pytest.mark.parametrize(
    "output",
    [
        shows(html="<p><script>x()</script><b onclick='x()'>Rossi</b></p>"),
        shows(md="<script>x()</script> **Rossi** $x$"),
        shows(plain="<script>x()</script> Rossi"),
        {"output_type": "stream", "name": "stdout", "text": "<script>x()</script> Rossi"},
    ],
)
def test_hostile_outputs_show_as_text(output):
    shown = body(code(output))
    assert "Rossi" in shown
    assert "<script" not in shown
    assert "onclick" not in shown


def test_a_picture_from_elsewhere_stops_the_build_in_a_text_and_is_dropped_from_an_output():
    picture = '<img alt="x" src="https://example.org/x.png">'
    with pytest.raises(PageError, match="not part of the notebook"):
        body(text(f"A picture: {picture}"))
    with pytest.raises(PageError, match="not part of the notebook"):
        body(text("![x](plot.png)"))
    assert body(code(shows(html=f"<p>Rossi {picture}</p>"))).strip() == "<p>Rossi </p>"


def test_the_error_stream_is_not_shown():
    assert body(code({"output_type": "stream", "name": "stderr", "text": "FutureWarning"})) == ""


def test_an_output_is_shown_in_one_form_only():
    assert "plain" not in body(code(shows(html="<p>rich</p>", plain="plain")))
