"""Figures of whom to contact: the lines drawn, the best point of the rule recommended, and readable names."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex

from crmlib.display import figures
from crmlib.display.house import ACCENT

NASTY = "$x <b>bold</b> A$AP $hop and a rather long name of something, really"
HEAD = {"title": "T", "subtitle": "S"}
SHARES = np.linspace(0, 1, 51)


def rule(name, height, end=-14_000.0):
    value = 4 * height * SHARES * (1 - SHARES) + end * SHARES**2
    return pd.DataFrame({"rule": name, "share": SHARES, "value": value, "low": value - 5_000 * SHARES,
                         "high": value + 5_000 * SHARES})  # fmt: skip


RULES = pd.concat(
    [rule("expected profit", 30_000), rule("uplift", 27_000), rule(NASTY, 12_000), rule("at random", 0)],
    ignore_index=True,
)


def profit(frame, currency="EUR", **more):
    return figures.profit_curves(frame, currency=currency, **(HEAD | more))


def qini(frame, currency="EUR", **more):
    numbers = {name: frame[name] / 1e6 for name in ("value", "low", "high")}
    return profit(frame.assign(**numbers), up="Extra orders (number per customer)", kind="number", **more)


def words(figure):
    return [text.get_text().replace("\n", " ") for text in figure.axes[0].texts if text.get_text()]


@pytest.mark.parametrize(("draw", "money"), [(profit, True), (qini, False)])
def test_every_figure_keeps_the_rules(keeps_the_rules, draw, money):
    keeps_the_rules(draw, RULES, money=money)


@pytest.mark.parametrize(
    "frame",
    [
        pytest.param(rule("everything loses", -8_000), id="negative alone"),
        pytest.param(rule("nothing moves", 0, 0), id="all zero"),
        pytest.param(pd.concat([rule(one, 20_000) for one in "abcdef"]), id="six equal"),
        pytest.param(pd.concat([rule(f"{one} {NASTY}", 9e6 + i * 4e5) for i, one in enumerate("abcd")]), id="long names"),
        pytest.param(rule("one point", 20_000).iloc[25:26], id="one point"),
    ],
)  # fmt: skip
def test_hard_cases_can_be_read(troubles_of, frame):
    figure = profit(frame)
    assert troubles_of(figure) == [] and len(figure.alt) <= 400 and "nan" not in figure.alt


def test_the_recommended_rule_has_the_accent_its_band_and_its_best_point():
    figure = profit(RULES.sample(frac=1, random_state=3).sort_values("rule", key=lambda r: r.map(order)))
    (axes,) = figure.axes
    lines = [line for line in axes.lines if len(line.get_xdata()) == len(SHARES)]
    assert [to_hex(line.get_color()) == ACCENT for line in lines] == [True, False, False, False]
    assert [line.get_linestyle() for line in lines] == ["-", "-", "-", "--"]
    expected = rule("expected profit", 30_000)
    assert lines[0].get_ydata().tolist() == expected["value"].tolist()
    best = expected.loc[expected["value"].idxmax()]
    (dot,) = [line for line in axes.lines if line.get_marker() == "o"]
    assert (dot.get_xdata()[0], dot.get_ydata()[0]) == (best["share"], best["value"])
    assert "Most: €26.9k, 44% contacted" in words(figure)
    assert "expected profit at most €26.9k at 44%" in figure.alt
    (band,) = axes.collections
    assert band.get_paths()[0].get_extents().ymin == pytest.approx(-19_000)


def order(name):
    return list(dict.fromkeys(RULES["rule"])).index(name)


def test_nobody_is_the_best_choice_if_every_contact_loses():
    figure = profit(rule("everything loses", -8_000))
    assert "Best: contact nobody" in words(figure)
    (dot,) = [line for line in figure.axes[0].lines if line.get_marker() == "o"]
    assert (dot.get_xdata()[0], dot.get_ydata()[0]) == (0, 0)


def test_each_rule_and_the_line_at_zero_are_named_inside_the_chart():
    figure = profit(RULES)
    (axes,) = figure.axes
    figure.drawing.canvas.draw()
    assert {"expected profit", "uplift", "at random", "contact nobody"} <= set(words(figure))
    frame = axes.get_window_extent().padded(2)
    boxes = [text.get_window_extent() for text in axes.texts if text.get_text()]
    assert all(
        frame.x0 <= box.x0 and box.x1 <= frame.x1 and frame.y0 <= box.y0 and box.y1 <= frame.y1
        for box in boxes
    )


def test_the_lines_stand_behind_the_figure_at_tenths():
    figure = profit(RULES)
    assert [row[0] for row in figure.data.rows] == [f"{tenth * 10}.0%" for tenth in range(11)]
    assert figure.data.rows[5][1] == "€26.5k" and figure.data.headings[1:4] == [
        "expected profit", "expected profit: low", "expected profit: high",
    ]  # fmt: skip


def test_plain_numbers_have_the_decimals_they_need():
    assert "Most: 0.0269, 44% contacted" in words(qini(RULES))
