"""How tests read figures and sentences: the words in them, and whether a reader can make them out."""

import json
import re
from itertools import combinations

import matplotlib.pyplot as plt
import pandas as pd
import pytest

from crmlib.analysis.audit.next_period import NextPeriod
from crmlib.display.workbook import Workbook

TITLE = "Of $1.2M at list price, $300k is left <b>now</b>"
SUBTITLE = r"Bad $\frac{1$ name, A$AP $hop, 1 July 2025 to 30 June 2026, 1,780 customers"


@pytest.fixture(autouse=True)
def no_figure_stays_open():
    yield
    plt.close("all")


def visible_ticks(axis, limits):
    low, high = sorted(limits)
    labels = zip(axis.get_ticklocs(), axis.get_ticklabels(), strict=True)
    return [label for at, label in labels if low <= at <= high]


def all_texts(figure):
    """Every text a reader sees: title, subtitle, labels, ticks, legend, words beside the marks."""
    (axes,) = figure.axes
    ticks = visible_ticks(axes.xaxis, axes.get_xlim()) + visible_ticks(axes.yaxis, axes.get_ylim())
    legend = axes.get_legend().get_texts() if axes.get_legend() else []
    texts = [*figure.drawing.texts, *axes.texts, axes.xaxis.label, axes.yaxis.label, *ticks, *legend]
    return [text for text in texts if text.get_text() and text.get_visible()]


def troubles(figure):
    """Texts that leave the picture, and pairs of texts that run into each other."""
    figure.drawing.canvas.draw()
    width, height = figure.drawing.canvas.get_width_height()
    texts = all_texts(figure)
    boxes = [text.get_window_extent() for text in texts]
    for text, box in zip(texts, boxes, strict=True):
        if box.x0 < -1 or box.y0 < -1 or box.x1 > width + 1 or box.y1 > height + 1:
            yield "outside", text.get_text()
    for (one, first), (two, second) in combinations(zip(texts, boxes, strict=True), 2):
        if first.padded(-1).overlaps(second.padded(-1)):
            yield "overlap", one.get_text(), two.get_text()


@pytest.fixture
def troubles_of():
    """What a reader could not make out on a figure, as a list; empty is good."""
    return lambda figure: list(troubles(figure))


@pytest.fixture
def keeps_the_rules():
    """Check what holds for every figure; `draw` takes a frame, a title, a subtitle and a currency."""

    def check(draw, frame, money: bool):
        before = frame.copy()
        figure = draw(frame, title=TITLE, subtitle=SUBTITLE, currency="GBP")
        assert frame.equals(before)
        (axes,) = figure.axes
        title, subtitle = figure.drawing.texts
        assert figure.title == figure.data.title == title.get_text().replace("\n", " ") == TITLE
        assert subtitle.get_text().replace("\n", " ") == SUBTITLE
        labels = [axes.get_xlabel(), axes.get_ylabel()]
        assert all(label and label[0].isupper() and label[1:2].islower() for label in labels)
        assert any("(" in label for label in labels)
        assert any("(GBP" in label or "(£" in label for label in labels) == money
        assert 80 <= len(figure.alt) <= 400 and "chart" in figure.alt and "horizontal axis" in figure.alt
        assert figure.alt.endswith(".") and any(sign.isdigit() for sign in figure.alt)
        seen = " ".join([figure.alt, figure.data.to_text(), *(text.get_text() for text in all_texts(figure))])
        assert ("£" in seen) == money and "€" not in seen
        assert not any(lost in seen.split() for lost in ("nan", "None", "inf"))
        assert 1 <= len(figure.data.rows) <= 13
        assert not any(text.get_parse_math() for text in all_texts(figure))
        assert list(troubles(figure)) == []
        assert figure.png() == draw(frame, title=TITLE, subtitle=SUBTITLE, currency="GBP").png()

    return check


@pytest.fixture(scope="session")
def shops(tmp_path_factory):
    """Workbooks in pounds by what their data hold: ``sales`` alone, ``goods`` with their cost, or ``all``."""
    tables = {
        "orders": "customer_id,ordered_at,net_amount\na,2025-01-05,10.00\nb,2025-02-05,20.00\n",
        "costed": "customer_id,ordered_at,net_amount,cost_of_goods\na,2025-01-05,10.00,4\nb,2025-02-05,20.00,9\n",
        "events": "customer_id,occurred_on,activity\na,2025-01-06,call\n",
        "activities": "activity,resource,minutes_per_event\ncall,desk,5\n",
        "resources": "resource,cost_per_month,practical_minutes_per_month\ndesk,1000,6000\n",
    }
    kinds = {"sales": ["orders"], "goods": ["costed"], "all": ["costed", "events", "activities", "resources"]}
    opened = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CRMLIB_CACHE", str(tmp_path_factory.mktemp("cache")))
        for kind, names in kinds.items():
            folder = tmp_path_factory.mktemp(kind)
            for name in names:
                (folder / f"{name.replace('costed', 'orders')}.csv").write_text(tables[name])
            run = f'name = {json.dumps(TITLE)}\nsource = "."\ncurrency = "GBP"\ngross_margin = 0.4\n'
            (folder / "run.toml").write_text(run)
            opened[kind] = Workbook("01_customer_base", str(folder / "run.toml"))
    return opened


@pytest.fixture(scope="session")
def a_need():
    """Need of the next period: £100,000 to hold, of which today's customers bring a known part, give or take £12,000."""
    nan = float("nan")

    def make(existing=82_000.0, ends=(90.0, 150.0), won=100, per_new=150.0, from_largest=0.62):
        groups = pd.DataFrame(
            {"customers": [400], "sales": [90_000.0], "expected": [existing]}, index=["old"]
        )
        known = won > 1 and per_new > 0
        return NextPeriod(
            groups, 100_000.0, existing, (existing - 12_000.0, existing + 12_000.0), per_new if won else nan, won,
            0.0, (100_000.0 - existing) / per_new if known else nan, ends if known else (nan, nan), from_largest,
        )  # fmt: skip

    return make


LEFT_OVER = r"\b(nan|NaN|NaT|inf|None)\b|not known(?! from)|[{}]|\*\*|  | [.,;:]|−\D?0(?![\d.,]*[1-9])|−[\d,]+ (new )?cust|€"


@pytest.fixture
def hold():
    """Check that a text holds some words one after another, and nothing left over from the machine."""

    def check(said, *parts):
        text, at = str(said), 0
        assert not re.search(LEFT_OVER, text), text
        assert text == text.strip() and (text[0].isupper() or text[0].isdigit()), text
        assert isinstance(said, str) or (text.endswith(".") and "**" not in said.html)
        for part in parts:
            assert part in text[at:], f"{part!r} is not where it should be: {text}"
            at = text.index(part, at) + len(part)
        return text

    return check
