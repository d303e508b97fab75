"""Only harmless HTML gets through, and what a reader needs is there: descriptions, names, headings."""

import re

import pytest

from crmlib.publish.mathml import PageError
from crmlib.publish.sanitise import (
    check_alt,
    check_images,
    clean,
    flat_headings,
    plain,
    wrap_tables,
)

HOSTILE = [
    "<script>x()</script>",
    "<img src=x onerror=x()>",
    '<img src="data:image/svg+xml;base64,PHN2Zz4=" alt="a">',
    "<svg onload=x()><script>x()</script></svg>",
    "<math><mtext><table><mglyph><style><img src=x onerror=x()>",
    '<a href="javascript:x()">a</a>',
    '<a href="java&#10;script:x()">a</a>',
    '<a href="data:text/html,<script>x()</script>">a</a>',
    '<a href="//evil.example/x">a</a>',
    '<a href="tables/../../etc/passwd">a</a>',
    "<iframe srcdoc='<script>x()</script>'></iframe>",
    "<form action=https://evil.example><button>go</button></form>",
    '<p style="position:fixed;inset:0">all</p>',
    '<p class="skip masthead">a</p>',
    '<p id="content">a</p>',
    "<base href=https://evil.example>",
    "<meta http-equiv=refresh content='0;url=https://evil.example'>",
    "<link rel=stylesheet href=https://evil.example/x.css>",
    "<details ontoggle=x() open><summary>s</summary></details>",
    "<template><script>x()</script></template>",
    "<style>@import 'https://evil.example/x.css'</style>",
    "<object data=x></object><embed src=x>",
    '<b lang="x" onclick=x() data-x=1 title="t">b</b>',
]


@pytest.mark.parametrize("markup", HOSTILE)
def test_nothing_that_runs_asks_or_covers_gets_through(markup):
    safe = clean(markup)
    assert not re.search(
        r"<(script|svg|style|iframe|form|button|base|meta|link|template|object|embed|math)\b", safe, re.I
    )
    assert not re.search(r"\s(on\w+|style|id|srcdoc|data-\w+)=", safe)
    assert not re.search(r'(href|src)="(?!https://|http://|mailto:|#|tables/[\w-]+\.csv)', safe)
    assert "skip" not in safe
    assert "masthead" not in safe


def test_what_the_display_helpers_write_gets_through_unchanged():
    table = (
        '<figure class="table"><figcaption>Tiers (€)</figcaption><table><thead><tr><th scope="col" class="txt">Tier'
        '</th></tr></thead><tbody><tr class="total"><th scope="row" class="txt">Best</th><td class="num">1</td></tr>'
        '</tbody></table><p class="note">Source &amp; period</p></figure>'
    )
    assert clean(table) == table
    assert clean('<details class="data-behind"><summary>Numbers</summary></details>') == (
        '<details class="data-behind"><summary>Numbers</summary></details>'
    )
    assert 'href="tables/profit_per_customer.csv"' in clean(
        '<a href="tables/profit_per_customer.csv">list</a>'
    )


def test_links_between_notebooks_become_links_between_pages():
    pages = {"03_churn.ipynb": "03_churn.html"}
    assert 'href="03_churn.html#who"' in clean('<a href="03_churn.ipynb#who">next</a>', pages)
    for elsewhere in ("04_value.ipynb", "../docs/x.md", "/etc/passwd"):
        assert "href" not in clean(f'<a href="{elsewhere}">later</a>', pages)


@pytest.mark.parametrize("alt", ["", "  ", None, "No description has been provided for this image"])
def test_a_figure_without_a_description_stops_the_build(alt):
    with pytest.raises(PageError, match="without a description in 02_x, cell 7"):
        check_alt(alt, "02_x, cell 7")


def test_a_picture_has_to_be_in_the_page_and_described():
    check_images('<img src="data:image/png;base64,AAAA" alt="A curve">', "x")
    with pytest.raises(PageError, match="not part of the notebook"):
        check_images(clean('<img src="plot.png" alt="A curve">'), "x")
    with pytest.raises(PageError, match="without a description"):
        check_images('<img src="data:image/png;base64,AAAA">', "x")


def test_every_table_scrolls_in_a_box_with_its_own_name():
    shown = wrap_tables(
        "<figure><figcaption>Tiers &amp; <b>more</b></figcaption><table><tr><td>1</td></tr></table></figure>"
        "<table><caption>Own</caption></table><table></table>"
    )
    assert re.findall(r'aria-label="([^"]*)"', shown) == ["Table: Tiers &amp; more", "Table: Own", "Table"]
    assert shown.count('tabindex="0"') == shown.count("<table") == shown.count("</table></div>") == 3


def test_headings_of_outputs_do_not_enter_the_outline():
    assert (
        flat_headings('<h1>A</h1><h4 class="x">B</h4>') == '<p class="subhead">A</p><p class="subhead">B</p>'
    )


def test_plain_text_of_markup():
    assert plain("<p>Rossi  <b>&lt;C&gt;</b></p>") == "Rossi <C>"
