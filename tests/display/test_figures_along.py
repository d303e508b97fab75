"""Names along lines: beside their own line, off the others and off each other."""

from itertools import combinations

import numpy as np
import pytest

from crmlib.display.figures.along import name_along
from crmlib.display.house import canvas

X = np.linspace(0, 1, 50)


def drawn(lines, points=()):
    _, axes = canvas()
    for x, y, *_ in lines:
        axes.plot(x, y)
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1)
    name_along(axes, lines, points)
    axes.figure.draw_without_rendering()
    return axes


def boxes(axes):
    return {text.get_text(): text.get_window_extent() for text in axes.texts}


def test_a_name_stands_beside_its_own_line_and_on_none():
    axes = drawn([(X, 0.3 + 0.4 * X, "upper", "k"), (X, 0.3 - 0.2 * X, "lower", "k")])
    for name, slope in (("upper", 0.4), ("lower", -0.2)):
        box = boxes(axes)[name]
        middle = axes.transData.inverted().transform([(box.x0 + box.x1) / 2, (box.y0 + box.y1) / 2])
        gaps = {other: abs(0.3 + other * middle[0] - middle[1]) for other in (0.4, -0.2)}
        assert min(gaps, key=gaps.get) == slope and gaps[slope] < 0.12
        for other in (0.4, -0.2):
            line = axes.transData.transform(np.column_stack([X, 0.3 + other * X]))
            assert not ((line > box.min) & (line < box.max)).all(axis=1).any()


@pytest.mark.parametrize("lines", [2, 6])
def test_names_of_equal_lines_do_not_touch(lines):
    axes = drawn(
        [(X, 0.5 + 0 * X, f"line {n}", "k") for n in range(lines)], [(0.5, 0.5, "top", {"color": "k"})]
    )
    assert len(boxes(axes)) == lines + 1
    assert not any(one.overlaps(two) for one, two in combinations(boxes(axes).values(), 2))


def test_a_line_without_a_name_keeps_others_off():
    free, held = (
        boxes(drawn([(X, 0.5 + 0 * X, "name", "k"), *more]))["name"]
        for more in ([], [(X, 0.55 + 0 * X, "", "k")])
    )
    assert free.y0 > held.y1  # it went below
