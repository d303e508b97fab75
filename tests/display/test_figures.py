"""Figures: the data drawn, labels with units, titles and alt text; never that a picture `exists`."""

import math

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex

from crmlib.analysis.concentration import whale_curve
from crmlib.display import figures
from crmlib.display.house import ACCENT, LOSS

TITLE, SUBTITLE = "A finding in one line", "Casa Prova, 2026, 10 customers"
LONG = "A long finding: " + "many words about many customers " * 3
PROFITS = [900.0, 400.0, 250.0, 100.0, 20.0, 0.0, -5.0, -60.0, -250.0, -400.0]

CURVE = whale_curve(pd.Series(PROFITS))
STEPS = pd.DataFrame(
    [("Sales at list price", 1000.0), ("Discounts", -150.0), ("Returns", -50.0), ("Net sales", 800.0),
     ("Cost of goods", -900.0), ("Gross margin", -100.0), ("Income", 30.0), ("Customer profit", -70.0)],
    columns=["line", "amount"],
)  # fmt: skip
TOTALS = ("Net sales", "Gross margin", "Customer profit")
CAPACITY = pd.DataFrame(
    {"cost_supplied": [500.0, 900.0, 100.0], "cost_used": [300.0, 900.0, 130.0],
     "cost_unused": [200.0, 0.0, -30.0], "utilisation": [0.6, 1.0, 1.3]},
    index=pd.Index(["till", "DHL vans", "help desk"], name="resource"),
)  # fmt: skip
RANKED = pd.DataFrame(
    {"label": ["Deep discounts", "Returned goods"], "amount": [5000.0, 1250.0], "customers": [12, 3]}
)
GAINS = pd.DataFrame(
    {"label": ["Do nothing", "Cap the discount", "Charge delivery", "Ask for more"], "gain": [0.0, 800.0, 90.0, -70.0],
     "low": [0.0, 300.0, -40.0, -120.0], "high": [0.0, 1400.0, 200.0, -10.0]}
)  # fmt: skip
DECILES = pd.DataFrame(
    {"customers": [10] * 10, "turned_negative": [2, 0, 1, 0, 0, 3, 4, 5, 5, 6], "moved": [0] * 10,
     "gross_margin": np.linspace(900, 10, 10), "after_service": np.linspace(800, -90, 10)},
    index=pd.RangeIndex(1, 11, name="margin_decile"),
)  # fmt: skip
FOLLOWED = pd.DataFrame(
    [[6, 3, 1], [4, 130, 66]],
    index=pd.Index(["loss", "gain"], name="before"),
    columns=["loss", "gain", "gone"],
)
TRUTH = pd.Series([-500.0, -3.0, 0.0, 40.0, 99.0, 3000.0], index=list("abcdef"))
ESTIMATE = TRUTH * 1.1 + 5

DRAWN = {
    "whale": lambda **k: figures.whale(CURVE, **k),
    "steps_to_profit": lambda **k: figures.steps_to_profit(STEPS, totals=TOTALS, **k),
    "capacity_bars": lambda **k: figures.capacity_bars(CAPACITY, **k),
    "ranked_bars": lambda **k: figures.ranked_bars(RANKED, axis="Money lost in the period", **k),
    "gains": lambda **k: figures.gains(GAINS, **k),
    "truth_scatter": lambda **k: figures.truth_scatter(ESTIMATE, TRUTH, **k),
    "turned_negative": lambda currency, **k: figures.turned_negative(DECILES, **k),
    "what_followed": lambda currency, **k: figures.what_followed(FOLLOWED, **k),
}
MONEY = set(DRAWN) - {"turned_negative", "what_followed"}


@pytest.fixture(autouse=True)
def no_figure_stays_open():
    yield
    plt.close("all")


def draw(name, title=TITLE, subtitle=SUBTITLE, currency="EUR"):
    return DRAWN[name](title=title, subtitle=subtitle, currency=currency)


def bars(axes):
    """Every bar as (place, start, length, colour), from its rectangle."""
    return [
        (round(p.get_y() + p.get_height() / 2, 6), p.get_x(), p.get_width(), to_hex(p.get_facecolor()))
        for p in axes.patches
    ]


def visible_ticks(axis, limits):
    low, high = sorted(limits)
    return [
        label
        for at, label in zip(axis.get_ticklocs(), axis.get_ticklabels(), strict=True)
        if low <= at <= high
    ]


def all_texts(figure):
    """Every text a reader sees: title, subtitle, labels, ticks, words beside the marks."""
    (axes,) = figure.axes
    ticks = visible_ticks(axes.xaxis, axes.get_xlim()) + visible_ticks(axes.yaxis, axes.get_ylim())
    return [*figure.drawing.texts, *axes.texts, axes.xaxis.label, axes.yaxis.label, *ticks]


def words(axes):
    return [text.get_text() for text in axes.texts]


# What holds for every figure --------------------------------------------------------------------


@pytest.mark.parametrize("name", DRAWN)
def test_title_and_subtitle_stand_at_the_top_left(name):
    figure = draw(name)
    title, subtitle = figure.drawing.texts
    assert (title.get_text(), subtitle.get_text()) == (TITLE, SUBTITLE)  # short enough for one line
    for text in (title, subtitle):
        assert text.get_horizontalalignment() == "left" and text.get_position()[0] < 0.05
    assert title.get_position()[1] > subtitle.get_position()[1] > 0.7
    assert figure.title == figure.data.title == TITLE


@pytest.mark.parametrize("name", DRAWN)
def test_both_axes_are_labelled_in_sentence_case_and_money_with_its_currency(name):
    (axes,) = draw(name, currency="GBP").axes
    labels = [axes.get_xlabel(), axes.get_ylabel()]
    assert all(label and label[0].isupper() and label[1:2].islower() for label in labels)
    assert any("(" in label for label in labels)
    if name in MONEY:
        assert any("(GBP" in label for label in labels)
        assert not any("EUR" in label for label in labels)


@pytest.mark.parametrize("name", DRAWN)
def test_the_alt_text_names_the_chart_its_axes_and_a_number(name):
    alt = draw(name).alt
    assert 80 <= len(alt) <= 400
    assert "chart" in alt or "plot" in alt
    assert "horizontal axis" in alt
    assert any(sign.isdigit() for sign in alt)
    assert alt.endswith(".") and "nan" not in alt


@pytest.mark.parametrize("name", DRAWN)
def test_the_numbers_drawn_stand_behind_the_figure_in_the_run_s_currency(name):
    figure = draw(name, currency="GBP")
    assert 2 <= len(figure.data.rows) <= 12
    text = figure.data.to_text() + figure.alt + " ".join(words(figure.axes[0]))
    assert "€" not in text
    assert ("£" in text) == (name in MONEY)


@pytest.mark.parametrize("name", DRAWN)
def test_bars_begin_at_zero_or_where_the_step_before_ended(name):
    """The axis of every bar shows zero: a cut-off bar lies."""
    (axes,) = draw(name).axes
    if axes.patches:
        low, high = axes.get_ylim() if name == "turned_negative" else axes.get_xlim()
        assert low <= 0 <= high


@pytest.mark.parametrize("name", DRAWN)
def test_no_chart_has_a_second_axis_or_a_legend_to_decode(name):
    (axes,) = draw(name).axes
    assert axes.get_legend() is None


@pytest.mark.parametrize("name", DRAWN)
@pytest.mark.parametrize("title", [TITLE, LONG, "W" * 120], ids=["short", "long", "one word"])
def test_every_word_lies_inside_the_picture(name, title):
    figure = draw(name, title=title, subtitle=f"{LONG}, 1 July 2025 to 30 June 2026")
    drawing = figure.drawing
    drawing.canvas.draw()
    width, height = drawing.canvas.get_width_height()
    for text in all_texts(figure):
        if text.get_text() and text.get_visible():
            box = text.get_window_extent()
            assert box.x0 >= -1 and box.x1 <= width + 1, text.get_text()
            assert box.y0 >= -1 and box.y1 <= height + 1, text.get_text()


@pytest.mark.parametrize("name", DRAWN)
def test_a_long_title_does_not_run_into_the_subtitle_or_the_chart(name):
    figure = draw(name, title=LONG, subtitle=LONG)
    figure.drawing.canvas.draw()
    title, subtitle = (text.get_window_extent() for text in figure.drawing.texts)
    assert title.y0 >= subtitle.y1 - 1
    assert subtitle.y0 >= figure.axes[0].get_window_extent().y1 - 1


@pytest.mark.parametrize("name", DRAWN)
def test_the_same_numbers_give_the_same_bytes(name):
    one, two = draw(name).png(), draw(name).png()
    assert one == two
    assert one.startswith(b"\x89PNG")


@pytest.mark.parametrize("name", DRAWN)
def test_other_figures_drawn_before_change_no_byte(name):
    """A figure must not depend on what the notebook drew before it."""
    alone = draw(name).png()
    plt.rcParams["font.size"] = 20
    plt.rcParams["axes.facecolor"] = "red"
    assert draw(name).png() == alone


def test_other_numbers_give_another_picture():
    changed = RANKED.assign(amount=[5000.0, 2250.0])
    args = {"title": TITLE, "subtitle": SUBTITLE, "currency": "EUR", "axis": "Money lost"}
    drawn = figures.ranked_bars(RANKED, **args).png()
    assert figures.ranked_bars(changed, **args).png() != drawn
    assert figures.ranked_bars(RANKED, **args | {"title": "Another finding"}).png() != drawn


@pytest.mark.parametrize("name", DRAWN)
def test_a_dollar_sign_is_a_dollar_sign(name):
    """Two dollar signs in one text would be set as a formula, and a bad one would stop the notebook."""
    title = "Of $1.2M at list price, $300k is left"
    figure = draw(name, title=title, subtitle=r"Bad $\frac{1$ name, A$AP $hop", currency="USD")
    figure.drawing.canvas.draw()
    assert not any(text.get_parse_math() for text in all_texts(figure))


@pytest.mark.parametrize("name", DRAWN)
def test_drawing_changes_no_input(name):
    inputs = [CURVE, STEPS, CAPACITY, RANKED, GAINS, DECILES, FOLLOWED, ESTIMATE, TRUTH]
    before = [frame.copy() for frame in inputs]
    draw(name)
    for frame, was in zip(inputs, before, strict=True):
        assert frame.equals(was)


# The data drawn, figure by figure ---------------------------------------------------------------


def test_the_whale_rises_to_its_peak_and_falls_to_what_is_left():
    figure = draw("whale")
    (axes,) = figure.axes
    rise, fall, zero, end, dot, best_fifth = axes.lines
    assert list(best_fifth.get_xdata()) == [0.2, 0.2]
    x = [i / 10 for i in range(11)]
    y = np.cumsum([0.0, *PROFITS]).tolist()
    assert rise.get_xdata().tolist() == pytest.approx(x[:6]) and rise.get_ydata().tolist() == pytest.approx(
        y[:6]
    )
    assert fall.get_xdata().tolist() == pytest.approx(x[5:]) and fall.get_ydata().tolist() == pytest.approx(
        y[5:]
    )
    assert (to_hex(rise.get_color()), to_hex(fall.get_color())) == (ACCENT, LOSS)
    assert list(zero.get_ydata()) == [0, 0]
    assert list(end.get_ydata()) == pytest.approx([955, 955]) and end.get_linestyle() == "--"
    assert (dot.get_xdata()[0], dot.get_ydata()[0]) == (0.5, 1670)
    assert any("€1,670" in text and "50%" in text for text in words(axes))
    assert any("€955" in text for text in words(axes))
    assert "€1,670 at 50%" in figure.alt and "€955" in figure.alt
    assert figure.data.rows[0] == ["0%", "€0"] and figure.data.rows[-1] == ["100%", "€955"]
    assert figure.data.rows[2] == ["20%", "€1,300"]
    assert axes.get_xlim() == (0, 1)
    assert axes.get_ylim()[0] <= 0 and axes.get_ylim()[1] > 1670


@pytest.mark.parametrize("profits", [[5.0], [-5.0], [-5.0, -1.0], [0.0, 0.0], [3.0, 2.0, 1.0]])
def test_the_whale_of_a_company_without_losers_or_without_earners(profits):
    figure = figures.whale(whale_curve(pd.Series(profits)), TITLE, SUBTITLE, "EUR")
    rise, fall = figure.axes[0].lines[:2]
    assert [*rise.get_ydata(), *fall.get_ydata()[1:]] == pytest.approx(
        np.cumsum([0, *sorted(profits)[::-1]]).tolist()
    )
    low, high = figure.axes[0].get_ylim()
    assert low <= min(0, sum(profits)) and high > low
    assert figure.png()


def test_each_step_begins_where_the_last_ended_and_subtotals_stand_on_zero():
    (axes,) = draw("steps_to_profit").axes
    spans = [tuple(sorted((start, start + length))) for _, start, length, _ in bars(axes)]
    assert spans == [
        (0, 1000),
        (850, 1000),
        (800, 850),
        (0, 800),
        (-100, 800),
        (-100, 0),
        (-100, -70),
        (-70, 0),
    ]
    colours = [colour for *_, colour in bars(axes)]
    assert [colours[i] for i in (3, 5, 7)] == [ACCENT] * 3
    assert [colours[i] for i in (1, 2, 4)] == [LOSS] * 3
    assert [label.get_text() for label in axes.get_yticklabels()] == STEPS["line"].tolist()
    assert words(axes)[:3] == ["€1,000", "−€150", "−€50.00"]
    low, high = axes.get_ylim()
    assert low > high  # the first line on top


def test_the_alt_text_of_steps_keeps_the_names_of_months():
    steps = pd.DataFrame(
        {"line": ["Profit, 12 months to 30 June 2025", "Lost", "Profit, 12 months to 30 June 2026"],
         "amount": [100.0, -40.0, 60.0]}
    )  # fmt: skip
    figure = figures.steps_to_profit(steps, TITLE, SUBTITLE, "EUR", (steps["line"][0], steps["line"][2]))
    assert "from profit, 12 months to 30 June 2025 of €100 to profit, 12 months to 30 June 2026" in figure.alt


def test_capacity_bars_show_used_and_unused_side_by_side_the_dearest_on_top():
    figure = draw("capacity_bars")
    (axes,) = figure.axes
    drawn = bars(axes)
    used, unused = drawn[:3], drawn[3:]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["DHL vans", "Till", "Help desk"]
    assert [(start, length) for _, start, length, _ in used] == [(0, 900), (0, 300), (0, 130)]
    assert [(start, length) for _, start, length, _ in unused] == [(900, 0), (300, 200), (130, 0)]
    assert all(patch.get_hatch() for patch in axes.patches[3:])  # never colour alone
    assert words(axes) == ["100% used, €0 unused", "60% used, €200 unused", "130% used: overloaded"]
    assert "till at 60%" in figure.alt


def test_ranked_bars_keep_their_order_and_say_how_many():
    figure = draw("ranked_bars")
    (axes,) = figure.axes
    assert [(place, start, length) for place, start, length, _ in bars(axes)] == [(0, 0, 5000), (1, 0, 1250)]
    assert words(axes) == ["€5,000, 12 customers", "€1,250, 3 customers"]
    assert "Deep discounts with €5,000 from 12 customers" in figure.alt
    assert axes.get_xlabel() == "Money lost in the period (EUR)"


def test_gains_show_each_interval_with_its_middle_and_zero():
    figure = draw("gains")
    (axes,) = figure.axes
    segments = [s.tolist() for c in axes.collections if hasattr(c, "get_segments") for s in c.get_segments()]
    assert segments == [
        [[low, i], [high, i]] for i, (low, high) in enumerate(zip(GAINS["low"], GAINS["high"], strict=True))
    ]
    dots = axes.collections[-1]
    assert dots.get_offsets().tolist() == [[gain, i] for i, gain in enumerate(GAINS["gain"])]
    grey, sure, open_, loss = (to_hex(c) for c in dots.get_facecolors())
    assert sure == ACCENT and loss == LOSS and grey == open_ not in (ACCENT, LOSS)
    assert axes.lines[0].get_linestyle() == "--" and list(axes.lines[0].get_xdata()) == [0, 0]
    assert "cap the discount: €800, between €300 and €1,400" in figure.alt
    low, high = axes.get_xlim()
    assert low < -120 and high > 1400


def test_gains_of_nothing_at_all_can_be_drawn():
    flat = GAINS.assign(gain=0.0, low=0.0, high=0.0)
    assert figures.gains(flat, TITLE, SUBTITLE, "EUR").png()


def test_tenths_show_the_share_that_turns_and_the_number_above():
    figure = draw("turned_negative")
    (axes,) = figure.axes
    heights = [patch.get_height() for patch in axes.patches]
    assert heights == pytest.approx([n / 10 for n in DECILES["turned_negative"]])
    assert [round(p.get_x() + p.get_width() / 2) for p in axes.patches] == list(range(1, 11))
    assert words(axes) == [str(n) for n in DECILES["turned_negative"]]
    assert axes.get_ylim()[0] == 0
    assert "20% in the highest tenth" in figure.alt and "60% in the lowest" in figure.alt
    assert figure.data.rows[0] == ["1", "10", "2", "20.0%"]


def test_what_followed_fills_each_bar_to_the_whole():
    figure = draw("what_followed")
    (axes,) = figure.axes
    for place, counts in zip((0, 1), FOLLOWED.to_numpy(), strict=True):
        mine = [(start, length) for at, start, length, _ in bars(axes) if at == place]
        assert [length for _, length in mine] == pytest.approx((counts / counts.sum()).tolist())
        assert mine[0][0] == 0 and sum(mine[-1]) == pytest.approx(1)
    assert "60%\nlose money" in words(axes)
    assert "60% of the first and 2.0% of the second" in figure.alt
    assert "(10 customers)" in axes.get_yticklabels()[0].get_text()
    assert figure.data.rows == [
        ["Lost money before", "6", "3", "1"],
        ["Earned money before", "4", "130", "66"],
    ]


def test_what_followed_with_nobody_in_a_row_draws_an_empty_bar():
    empty = FOLLOWED.copy()
    empty.loc["loss"] = 0
    figure = figures.what_followed(empty, TITLE, SUBTITLE)
    assert not any(math.isnan(length) for _, _, length, _ in bars(figure.axes[0]))
    assert figure.png()


def test_estimates_are_drawn_against_the_truth():
    figure = draw("truth_scatter")
    (axes,) = figure.axes
    points = axes.collections[0].get_offsets()
    assert points.tolist() == [[t, e] for t, e in zip(TRUTH, ESTIMATE, strict=True)]
    (diagonal,) = axes.lines
    assert list(diagonal.get_xdata()) == list(diagonal.get_ydata())
    assert "estimate = truth" in words(axes)[0]
    assert "6 customers" in figure.alt
    assert sum(
        float(row[1].replace("€", "").replace(",", "").replace("−", "-")) for row in figure.data.rows
    ) == (pytest.approx(TRUTH.sum(), abs=3))
