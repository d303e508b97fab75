"""The pages in a real browser: offline, quiet, accessible, readable on a phone, safe."""

import itertools
import json
import os
import re
import shutil
from pathlib import Path

import pytest

from crmlib.publish.request import Request
from crmlib.publish.run import make_report

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
REQUIRED = os.environ.get("CRMLIB_REQUIRE_BROWSER") == "1"
pytestmark = pytest.mark.skipif(
    CHROMIUM is None and not REQUIRED,
    reason="no Chromium on the PATH: the pages are not tested (on Debian and Ubuntu: apt-get install chromium)",
)
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
DESKTOP, PHONE = {"width": 1280, "height": 900}, {"width": 360, "height": 740}
PAGES = ("index", "00_start_here", "01_customer_base", "02_profitability")


@pytest.fixture(scope="module")
def browser():
    """A headless Chromium."""
    assert CHROMIUM, "CRMLIB_REQUIRE_BROWSER is set, and there is no Chromium on the PATH"
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    """The report of the bundled company, as everybody makes it first."""
    return make_report(Request(output=tmp_path_factory.mktemp("reports"))).folder


@pytest.fixture
def visit(browser):
    """Open a page; afterwards prove that it asked for nothing and complained about nothing."""
    contexts, complaints, requests = [], [], []

    def go(path: Path, **choices):
        context = browser.new_context(**choices)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("dialog", lambda dialog: (complaints.append(f"dialog: {dialog.message}"), dialog.dismiss()))
        page.on("request", lambda request: requests.append(request.url))
        page.goto(path.resolve().as_uri())
        return page

    yield go
    for context in contexts:
        context.close()
    assert complaints == []
    assert [url for url in requests if not url.startswith(("file://", "data:"))] == []


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_axe_finds_nothing_and_nothing_is_wider_than_the_screen(visit, report, name, scheme, size):
    from axe_playwright_python.sync_playwright import Axe

    page = visit(report / f"{name}.html", viewport=size, color_scheme=scheme)
    assert page.evaluate("document.documentElement.scrollWidth") <= size["width"]
    page.evaluate("document.querySelectorAll('details').forEach(fold => fold.open = true)")
    assert page.evaluate("document.documentElement.scrollWidth") <= size["width"]
    found = Axe().run(page).response["violations"]
    assert [(v["id"], v["impact"], v["nodes"][0]["html"][:200]) for v in found] == []


@pytest.mark.parametrize("name", PAGES)
def test_outline_language_title_descriptions_and_formulas(visit, report, name):
    page = visit(report / f"{name}.html", viewport=DESKTOP)
    levels = page.evaluate("[...document.querySelectorAll('h1,h2,h3,h4,h5,h6')].map(h => +h.tagName[1])")
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in itertools.pairwise(levels))
    assert page.evaluate("document.documentElement.lang") == "en"
    assert "Casa Verbena" in page.title()
    assert "June 2026" in page.title()
    ids = page.evaluate("[...document.querySelectorAll('[id]')].map(e => e.id)")
    assert len(set(ids)) == len(ids)
    for picture in page.locator("img").all():
        assert len(picture.get_attribute("alt")) > 40
    boxes = page.evaluate(
        "[...document.querySelectorAll('table')].map(t => t.parentElement.getAttribute('aria-label'))"
    )
    assert all(boxes)
    assert page.locator("script").count() == 0
    words = page.locator("main").inner_text()
    assert "$" not in words
    assert "\\" not in words
    if name == "02_profitability":
        assert page.locator("img").count() >= 5
        formulas = page.evaluate(
            "[...document.querySelectorAll('math')].map(m => m.getBoundingClientRect().height)"
        )
        assert len(formulas) >= 5
        assert min(formulas) > 8
        assert max(formulas) < 120


def test_findings_come_first_and_code_does_not_come_at_all(visit, report):
    page = visit(report / "02_profitability.html", viewport=DESKTOP)
    assert page.locator("h2").first.inner_text() == "Findings"
    top = page.locator("section.answer").bounding_box()
    assert top["y"] < DESKTOP["height"]
    words = page.locator("body").inner_text()
    for code in ("import ", "workbook", "book.", "def ", "Traceback", "<pandas"):
        assert code not in words


def test_navigation_leads_everywhere_and_back(visit, report):
    page = visit(report / "index.html", viewport=DESKTOP)
    order = page.evaluate(
        "[...document.querySelectorAll('section.answer h2 a')].map(a => a.getAttribute('href'))"
    )
    assert order == sorted(order)
    assert order[0] == "00_start_here.html"
    page.locator("section.answer h2 a[href='02_profitability.html']").click()
    assert page.url.endswith("/02_profitability.html")
    assert page.locator("nav a[aria-current=page]").inner_text() == "Profitability"
    for link in page.locator("nav.contents a").all():
        link.click()
        anchor = link.get_attribute("href").removeprefix("#")
        box = page.locator(f"[id='{anchor}']").bounding_box()
        assert -2 <= box["y"] < DESKTOP["height"]
    for before in (*reversed(order[: order.index("02_profitability.html")]), "index.html"):
        page.locator("footer a[rel=prev]").click()
        assert page.url.endswith(f"/{before}")
    for link in page.locator("main a[href^=tables]").all():
        assert (report / link.get_attribute("href")).is_file()


def test_the_page_to_begin_with_leads_to_the_others_and_holds_the_glossary(visit, report):
    page = visit(report / "00_start_here.html", viewport=PHONE)
    leads = page.locator("main li a[href$='.html']")
    assert {"02_profitability.html"} < {link.get_attribute("href") for link in leads.all()}
    glossary = page.locator("details", has=page.locator("dt em[lang=it]"))
    assert not glossary.locator("dl").is_visible()
    glossary.locator("summary").click()
    assert glossary.locator("dl").is_visible()
    assert glossary.locator("dt").count() == glossary.locator("dd").count() > 30
    leads.filter(has_text="Which customers earn us money?").first.click()
    assert page.url.endswith("/02_profitability.html")


@pytest.mark.parametrize(("viewport", "shown"), [(PHONE, True), (DESKTOP, False)])
def test_the_title_of_a_figure_stands_above_it_on_a_small_screen_alone(visit, report, viewport, shown):
    page = visit(report / "01_customer_base.html", viewport=viewport)
    captions = page.locator("figure.chart > figcaption")
    assert captions.count() >= 10
    assert all(caption.is_visible() is shown for caption in captions.all())


def test_the_keyboard_is_enough(visit, report):
    page = visit(report / "02_profitability.html", viewport=PHONE)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    assert page.evaluate("document.activeElement.getBoundingClientRect().top") >= 0
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.evaluate("document.querySelector('main').contains(document.activeElement)")
    outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert outline != "none"
    page.keyboard.press("Enter")  # the first thing in the content folds out
    assert page.locator(".about-run[open] .run-card").is_visible()
    widest = page.evaluate(
        """() => { const boxes = [...document.querySelectorAll('.scroll')]
              .filter(b => b.offsetParent && b.scrollWidth > b.clientWidth + 40);
            boxes[0].focus(); return document.activeElement === boxes[0] }"""
    )
    assert widest
    page.keyboard.press("ArrowRight")
    for _ in range(200):  # a page's own policy forbids scripts that wait in it
        if page.evaluate("document.activeElement.scrollLeft > 0"):
            break
        page.wait_for_timeout(25)
    assert page.evaluate("document.activeElement.scrollLeft > 0")


@pytest.mark.parametrize("name", PAGES)
def test_everything_is_readable_without_javascript(visit, report, name):
    page = visit(report / f"{name}.html", java_script_enabled=False)
    assert page.locator("h1").is_visible()
    page.locator("details summary").first.click()
    assert page.locator("details").first.locator("dl").is_visible()


@pytest.mark.parametrize("name", PAGES)
def test_paper_is_white_and_has_no_navigation(visit, report, name):
    page = visit(report / f"{name}.html", color_scheme="dark")
    assert page.pdf(prefer_css_page_size=True).startswith(b"%PDF")
    page.emulate_media(media="print", color_scheme="dark")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert page.evaluate("getComputedStyle(document.body).color") == "rgb(0, 0, 0)"
    assert not page.locator("header nav").is_visible()
    if page.locator("img").count():
        assert page.evaluate("getComputedStyle(document.querySelector('img')).filter") == "none"


def test_pages_are_whole_and_of_modest_size(report):
    for path in report.glob("*.html"):
        text = path.read_text(encoding="utf-8")
        assert len(text) < 2_500_000
        without_pictures = re.sub(r"data:image/png;base64,[A-Za-z0-9+/=]+", "", text)
        assert len(without_pictures) < 200_000
        assert not re.search(r"""(src|@import|url\()\s*=?\s*["']?https?:""", without_pictures)
        assert "default-src 'none'" in text


EVIL = "<script>document.title='pwned'</script><img src=x onerror=document.title='pwned'>"
DISPLAYS = """
import matplotlib.pyplot as plt
import pandas as pd
from IPython.display import HTML, Markdown, Image, display
from crmlib.display.prose import Sentence
from crmlib.display.tables import Table
from crmlib.intake import open_data
evil = {evil!r}
data = open_data(source, as_of)
ids = data.orders.customer_id.execute().drop_duplicates().sort_values().reset_index(drop=True)
frame = pd.DataFrame({{"who": ids, evil: ids}})
display(Table(frame, evil, {{"who": (evil, "text")}}, note=evil))
display(Sentence("Best: {{who}}", who=evil))
display(HTML(f"<p onclick=alert(1)>{{evil}}</p><svg onload=alert(1)><a href='javascript:alert(1)'>x</a></svg>"))
display(HTML(f"<details ontoggle=alert(1) open><summary>{{evil}}</summary></details><style>body{{{{display:none}}}}</style>"))
display(Markdown(evil + " [x](javascript:alert(1))"))
display(frame)
print(evil)
display({{"text/html": "<p>x</p>", "application/vnd.crmlib+json": {{"kind": "findings", "headline": evil,
  "findings": [{{"text": evil, "so_what": evil}}], "decision": {{"text": evil, "do_nothing": evil}},
  "metrics": [{{"name": evil, "label": evil, "text": evil, "interval": evil, "definition": evil, "period": evil}}]}}}}, raw=True)
display({{"text/html": "<p>x</p>", "application/vnd.crmlib+json": {{"kind": "left_out", "part": evil, "reason": evil}}}}, raw=True)
display({{"image/png": {pixel!r}, "application/vnd.crmlib+json": {{"kind": "figure", "title": '">' + evil, "alt": '">' + evil}}}},
  raw=True, metadata={{"image/png": {{"alt": '">' + evil, "width": '1" onload="alert(1)'}}}})
frame
"""
PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="


@pytest.fixture(scope="module")
def hostile(tmp_path_factory):
    """The report of a company whose name, identifiers and notebook all try to run something."""
    place = tmp_path_factory.mktemp("hostile")
    rows = [f'"{EVIL.replace("pwned", f"pwned{n}")}",2026-01-{1 + n:02d},{n}.5' for n in range(28)]
    (place / "orders.csv").write_text("\n".join(["customer_id,ordered_at,net_amount", *rows, ""]))
    (place / "run.toml").write_text(
        f"source = '''{place}'''\nname = '''{EVIL.replace(chr(39), chr(34))}'''\n"
    )
    marked = "<script>document.title='pwned'</script><b onclick=alert(1)>Rossi</b>"
    cells = [
        {"cell_type": "markdown", "id": "a", "metadata": {}, "source": f"# {marked}\n\n{marked}"},
        {"cell_type": "code", "id": "b", "metadata": {"tags": ["parameters"]}, "outputs": [], "execution_count": None,
         "source": 'source = "bundled"\nas_of = ""'},
        {"cell_type": "markdown", "id": "c", "metadata": {},
         "source": f"## Heading {marked}\n\n<iframe srcdoc='{EVIL}'></iframe> [x](javascript:alert(1)) <b onmouseover=alert(1)>b</b>"},
        {"cell_type": "code", "id": "d", "metadata": {}, "outputs": [], "execution_count": None,
         "source": DISPLAYS.format(evil=EVIL, pixel=PIXEL)},
    ]  # fmt: skip
    (place / "notebooks").mkdir()
    (place / "notebooks" / "01_evil.ipynb").write_text(
        json.dumps(
            {"cells": cells, "metadata": {"crmlib": {"label": EVIL}}, "nbformat": 4, "nbformat_minor": 5}
        )
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CRMLIB_CACHE", str(place / "cache"))
        request = Request(str(place / "run.toml"), output=place / "out", notebooks=place / "notebooks")
        return make_report(request).folder


@pytest.mark.parametrize("name", ["index", "01_evil"])
@pytest.mark.parametrize("guarded", [True, False], ids=["with policy", "without policy"])
def test_hostile_text_is_shown_and_runs_nothing(visit, hostile, name, guarded):
    page = visit(hostile / f"{name}.html", bypass_csp=not guarded)
    page.wait_for_timeout(200)
    assert not page.title().startswith("pwned")
    assert (
        page.evaluate(
            "document.querySelectorAll('script,iframe,svg,[onclick],[onerror],[onload],[style]').length"
        )
        == 0
    )
    assert page.evaluate("[...document.links].filter(a => a.protocol === 'javascript:').length") == 0
    assert page.locator("h1").is_visible()
    words = page.locator("body").inner_text()
    assert "<script>document.title='pwned" in words or '<script>document.title="pwned' in words
