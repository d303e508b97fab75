"""Figures of what happens step by step: the curves drawn, the times marked, words that stay readable."""

from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex

from crmlib.display import figures
from crmlib.display.house import ACCENT
from crmlib.errors import ParameterError

NASTY = "$x <b>bold</b> A$AP $hop and a rather long name of something, really"
HEAD = {"title": "T", "subtitle": "S"}
AXES = {"across": "Age of the contract (months)", "up": "Still running (share of contracts)"}
MARKS = [(91, "outcome window: 91 days"), (182, "window for rare buyers: 182 days"), (200, "200 days")]


def running(rate=0.1, months=24, group=None):
    time = np.arange(months + 1)
    value = np.exp(-rate * time)
    table = pd.DataFrame({"time": time, "value": value, "low": value * 0.9, "high": np.minimum(value * 1.1, 1.0),
                          "at_risk": 500 - 7 * time})  # fmt: skip
    return table if group is None else table.assign(group=group)


def several(names, rates):
    return pd.concat([running(rate, group=name) for name, rate in zip(names, rates, strict=True)])


def model(months=48):
    time = np.linspace(0, months, 97)
    return pd.DataFrame({"name": "sBG", "time": time, "value": np.exp(-0.09 * time)})


def steps(frame, currency="", **more):
    return figures.step_curves(frame, **(HEAD | AXES | more))


def bought(frame, currency="", **more):
    frame = frame.assign(
        value=1 - frame["value"], low=1 - frame["high"], high=1 - frame["low"], time=frame["time"] * 16
    )
    days = {"across": "Time since the last order (days)", "up": "Bought again (share of customers)"}
    return figures.step_curves(frame, marks=MARKS, **(HEAD | days | more))


def with_model(frame, currency="", **more):
    return steps(frame, models=model(), marks=[(24, "the data end here")], **more)


def words(figure):
    return [text.get_text().replace("\n", " ") for text in figure.axes[0].texts if text.get_text()]


SIX = several(["Club", "Fair", "Web", "Friend", "Price", NASTY], [0.02, 0.05, 0.0501, 0.0502, 0.3, 0.9])


@pytest.mark.parametrize("draw", [steps, bought, with_model])
def test_every_figure_keeps_the_rules(keeps_the_rules, draw):
    keeps_the_rules(draw, running(), money=False)


@pytest.mark.parametrize(
    ("draw", "frame"),
    [
        pytest.param(steps, running(0.0), id="nobody leaves"),
        pytest.param(steps, running().iloc[:1], id="one known time"),
        pytest.param(steps, several("ABCDEF", [0.1] * 6), id="all equal"),
        pytest.param(bought, SIX[["group", "time", "value", "low", "high"]], id="marks and six, three equal"),
        pytest.param(with_model, SIX, id="model and six, three equal"),
    ],
)
def test_hard_cases_can_be_read(troubles_of, draw, frame):
    figure = draw(frame)
    assert troubles_of(figure) == [] and len(figure.alt) <= 400 and len(figure.data.rows) <= 13


def test_the_curve_is_drawn_in_steps_through_the_numbers_given():
    table = running()
    figure = steps(table.sample(frac=1, random_state=1))
    (axes,) = figure.axes
    line = next(line for line in axes.lines if len(line.get_xdata()) == len(table))
    assert line.get_drawstyle() == "steps-post" and to_hex(line.get_color()) == ACCENT
    assert line.get_xdata().tolist() == table["time"].tolist()
    assert line.get_ydata().tolist() == table["value"].tolist()
    (band,) = (one for one in axes.collections if len(one.get_paths()))
    assert band.get_paths()[0].get_extents().ymax == 1.0
    assert axes.get_ylim()[0] == 0
    assert "from 100% to 9.1% at 24" in figure.alt


def test_a_model_that_goes_further_is_named_beside_the_last_number_observed():
    figure = with_model(running())
    assert {"9.1% observed, at 24", "1.3% sBG", "the data end here"} <= set(words(figure))
    dashed = [line for line in figure.axes[0].lines if len(line.get_xdata()) == 97]
    assert len(dashed) == 1 and dashed[0].get_linestyle() != "-"
    assert "sBG" in figure.data.headings
    assert figure.data.rows[-1][1] == "–" and figure.data.rows[-1][-1] == "1.3%"  # nothing is observed there


def test_each_mark_stands_at_its_time_and_no_line_runs_through_a_name():
    figure = bought(running())
    (axes,) = figure.axes
    upright = [
        line for line in axes.lines if line.get_xdata()[0] == line.get_xdata()[-1] > 0 == line.get_ydata()[0]
    ]
    assert sorted(line.get_xdata()[0] for line in upright) == [91, 182, 200]
    assert all(line.get_linestyle() == "--" for line in upright)
    assert {name for _, name in MARKS} <= set(words(figure))
    figure.drawing.canvas.draw()
    for time, name in MARKS:
        box = next(
            text for text in axes.texts if text.get_text().replace("\n", " ") == name
        ).get_window_extent()
        for other, _ in MARKS:
            across = axes.transData.transform((other, 0))[0]
            assert other == time or not (box.x0 < across < box.x1) or other > time
        line = next(line for line in upright if line.get_xdata()[0] == time)
        assert axes.transData.transform((time, line.get_ydata()[-1]))[1] == pytest.approx(box.y1, abs=3)


def test_an_axis_of_days_is_numbered_in_months_or_the_like():
    (axes,) = bought(running()).axes
    gaps = set(np.diff(axes.get_xticks()))
    assert gaps == {60}


def test_those_still_followed_stand_behind_the_figure():
    figure = steps(running())
    assert figure.data.headings == [
        AXES["across"],
        "Value",
        "Value, low",
        "Value, high",
        "Value, still followed",
    ]
    assert figure.data.rows[0][-1] == "500" and figure.data.rows[-1][-1] == "332"
    both = steps(several(["Club", "Fair"], [0.02, 0.05]))
    assert both.data.headings == [
        AXES["across"],
        "Club",
        "Club, still followed",
        "Fair",
        "Fair, still followed",
    ]


def test_groups_keep_the_order_of_the_table_and_their_colour():
    first, second = (steps(several(["Club", "Fair"], rates)) for rates in ([0.02, 0.05], [0.05, 0.02]))
    colours = [[to_hex(line.get_color()) for line in one.axes[0].lines if len(line.get_xdata()) == 25]
               for one in (first, second)]  # fmt: skip
    assert colours[0] == colours[1] and len(set(colours[0])) == 2


def test_more_lines_than_can_be_told_apart_are_refused():
    with pytest.raises(ParameterError, match="7 groups"):
        steps(several("ABCDEFG", [0.1] * 7))


def test_no_two_end_names_touch():
    figure = steps(SIX)
    figure.drawing.canvas.draw()
    boxes = [text.get_window_extent() for text in figure.axes[0].texts if text.get_text()]
    assert len(boxes) == 6 and not any(one.overlaps(two) for one, two in combinations(boxes, 2))
