"""The look of figures, and what a notebook hands to the page."""

import base64
import io

import matplotlib.pyplot as plt
import pandas as pd
import pytest
from PIL import Image

from crmlib.display.house import GROUPS, Figure, canvas, money_axis, share_axis
from crmlib.display.tables import Table


@pytest.fixture(autouse=True)
def no_figure_stays_open():
    yield
    plt.close("all")


def a_figure(title="Sales by month", height=None):
    drawing, axes = canvas(height=height)
    axes.plot([1, 2], [3, 4])
    axes.set_xlabel("Month (number)")
    axes.set_ylabel("Sales (EUR)")
    data = Table(
        pd.DataFrame({"m": [1, 2], "s": [3.0, 4.0]}),
        title,
        {"m": ("Month", "count"), "s": ("Sales", "money")},
    )
    return Figure(
        drawing, title, "Casa Prova", "Line chart, months on the horizontal axis, sales rise.", data
    )


def labels(axis, values):
    return [axis.get_major_formatter()(value, None) for value in values]


def test_money_ticks_are_short_and_in_the_currency():
    _, axes = canvas()
    axes.set_xlim(0, 3e6)
    money_axis(axes.xaxis, "EUR")
    ticks = labels(axes.xaxis, [0, 1_500_000, 2_000_000, -250_000, 12_500, 500])
    assert ticks == ["€0", "€1.5M", "€2M", "−€250k", "€12.5k", "€500"]
    assert 3 <= len(axes.get_xticks()) <= 8


def test_money_ticks_keep_zeros_that_are_digits():
    _, axes = canvas()
    money_axis(axes.xaxis, "EUR")
    assert labels(axes.xaxis, [100_000, 20_000, 100_000_000]) == ["€100k", "€20k", "€100M"]


def test_ticks_that_differ_read_differently():
    _, axes = canvas()
    for top in (3, 40, 700, 9_000, 60_000, 2e6):
        axes.set_xlim(-top / 3, top)
        money_axis(axes.xaxis, "EUR")
        ticks = labels(axes.xaxis, axes.get_xticks())
        assert len(set(ticks)) == len(ticks), ticks


def test_share_ticks_are_per_cent_with_a_true_minus():
    _, axes = canvas()
    share_axis(axes.xaxis)
    assert labels(axes.xaxis, [0, 0.5, 1, -0.2]) == ["0%", "50%", "100%", "−20%"]


def test_share_ticks_of_a_narrow_axis_read_differently():
    _, axes = canvas()
    axes.set_xlim(0, 0.02)
    share_axis(axes.xaxis)
    axes.figure.canvas.draw()
    ticks = labels(axes.xaxis, axes.get_xticks())
    assert len(set(ticks)) == len(ticks), ticks


def test_the_axes_are_plain_without_top_and_right_edge():
    _, axes = canvas()
    assert not axes.spines["top"].get_visible() and not axes.spines["right"].get_visible()


def test_the_group_colours_are_six_and_differ():
    assert len(set(GROUPS)) == 6


def test_a_title_of_more_lines_makes_the_picture_taller_and_not_the_chart_smaller():
    short, long = a_figure(), a_figure("Sales by month, " * 12)
    sizes = []
    for figure in (short, long):
        figure.drawing.canvas.draw()
        sizes.append(figure.axes[0].get_window_extent().height)
    assert long.drawing.get_figheight() > short.drawing.get_figheight()
    assert sizes[1] == pytest.approx(sizes[0], rel=0.02)


@pytest.fixture
def shown(monkeypatch):
    """What `display` was given, call by call."""
    calls = []
    monkeypatch.setattr("IPython.display.display", lambda *args, **kwargs: calls.append((args, kwargs)))
    return calls


def test_a_figure_shows_its_picture_with_alt_text_and_then_its_numbers(shown):
    figure = a_figure("A <b>bold</b> & 'risky' title")
    figure._ipython_display_()
    (picture, options), (behind, _) = shown
    assert options["metadata"]["image/png"]["alt"] == figure.alt
    image = Image.open(io.BytesIO(base64.b64decode(picture[0]["image/png"])))
    size = options["metadata"]["image/png"]
    assert image.width / image.height == pytest.approx(size["width"] / size["height"], rel=0.01)
    assert image.width >= size["width"]  # sharp at its shown size
    assert figure.title in picture[0]["text/plain"] and figure.alt in picture[0]["text/plain"]
    assert picture[0]["application/vnd.crmlib+json"] == {
        "kind": "figure",
        "title": figure.title,
        "alt": figure.alt,
    }
    assert behind[0]["text/html"].startswith('<details class="data-behind"><summary>')
    assert "&lt;b&gt;" in behind[0]["text/html"] and "<b>" not in behind[0]["text/html"]
    assert "€4.00" in behind[0]["text/plain"]


def test_a_figure_once_shown_is_closed(shown):
    a_figure().show()
    assert plt.get_fignums() == []


def test_the_picture_holds_no_date_and_no_version():
    image = Image.open(io.BytesIO(a_figure().png()))
    assert not image.info.get("Software") and not {"date", "Creation Time"} & set(image.info)


def test_the_picture_is_small():
    assert len(a_figure().png()) < 40_000
