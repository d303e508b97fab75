"""Names of lines that start and end together: each is written where its line runs apart from the others."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.transforms import Bbox

from crmlib.display.figures.room import HALO, mark

# Where a word may stand beside its place on the data, in points right and up, the best first.
_SIDES = ((0, 5), (0, -5), (7, 4), (-7, 4), (7, -4), (-7, -4), (8, 0), (-8, 0))
_PLACES = 33  # along a line
_FAR = 60.0  # pixels from which two lines cannot be taken for one another


def split_lines(table: pd.DataFrame, name: str, x: str, y: str) -> dict[str, pd.DataFrame]:
    """Split a table into the known points of each line, from left to right; lines in the order of the table.

    Examples
    --------
    >>> long = pd.DataFrame({"rule": ["b", "b", "a"], "share": [1.0, 0.0, 1.0], "value": [2.0, 3.0, 4.0]})
    >>> {rule: line["value"].tolist() for rule, line in split_lines(long, "rule", "share", "value").items()}
    {'b': [3.0, 2.0], 'a': [4.0]}
    """
    lines = table.dropna(subset=[x, y]).groupby(name, sort=False, observed=True)
    return {str(one): line.sort_values(x, kind="stable") for one, line in lines}


def name_along(
    axes: Axes,
    lines: Sequence[tuple[np.ndarray, np.ndarray, str, str]],
    points: Sequence[tuple[float, float, str, Mapping]] = (),
) -> None:
    """Write a name beside each line, off all lines and off each other.

    Parameters
    ----------
    axes : Axes
        Its limits must stand.
    lines : sequence of (x, y, words, colour)
        Corners of each line from left to right, known numbers only. The first finds its place first; a line without
        words only keeps the names of others off.
    points : sequence of (x, y, words, look)
        Words about one place, such as the top of a line, with their look. They find theirs before the lines.
    """
    axes.figure.draw_without_rendering()
    paths = [_path(axes, x, y) for x, y, *_ in lines]
    drawn = np.concatenate([*paths, np.empty((0, 2))])
    taken: list[Bbox] = []
    for x, y, words, look in points:
        _write(axes, words, [((x, y), 0.0)], drawn, taken, look)
    for number, (x, y, words, colour) in enumerate(lines):
        if words:
            others = np.concatenate(
                [*(path for i, path in enumerate(paths) if i != number), np.empty((0, 2))]
            )
            along = np.linspace(x[0], x[-1], _PLACES + 2)[1:-1]
            spots = list(zip(along, np.interp(along, x, y), strict=True))
            apart = [_distance(axes.transData.transform(spot), others) for spot in spots]
            places = [(spot, _FAR - gap) for spot, gap in zip(spots, apart, strict=True)]
            _write(axes, words, places, drawn, taken, {"color": colour})


def _write(
    axes: Axes, words: str, places: Sequence[tuple[tuple[float, float], float]], drawn: np.ndarray, taken: list[Bbox],
    look: Mapping,
) -> None:  # fmt: skip
    """Write words at the place and side that cost least, and keep that room for them."""
    text = mark(axes, words, places[0][0], path_effects=HALO, **look)
    size = text.get_window_extent().bounds[2:]
    point = axes.figure.dpi / 72
    frame = axes.get_window_extent()
    best, least = None, np.inf
    for spot, price in places:
        for order, side in enumerate(_SIDES):
            box = _box(axes.transData.transform(spot) + np.multiply(side, point), size, side)
            cost = price + order + _price(box, drawn, taken, frame)
            if cost < least:
                best, least = (spot, side, box), cost
    text.remove()
    spot, (right, up), box = best
    mark(axes, words, spot, right=right, up=up, path_effects=HALO, **look)
    taken.append(box)


def _price(box: Bbox, drawn: np.ndarray, taken: Sequence[Bbox], frame: Bbox) -> float:
    """What it costs a reader to find words here: on other words, outside the chart, on a line."""
    wide = box.padded(3)
    outside = max(frame.x0 - box.x0, 0) + max(box.x1 - frame.x1, 0)
    outside += max(frame.y0 - box.y0, 0) + max(box.y1 - frame.y1, 0)
    crossed = ((drawn > wide.min) & (drawn < wide.max)).all(axis=1).sum()
    return 1e4 * sum(wide.overlaps(other) for other in taken) + 20.0 * outside + 4.0 * float(crossed)


def _box(anchor: np.ndarray, size: Sequence[float], side: tuple[float, float]) -> Bbox:
    """Room of words of this size that hang on a place by the side turned to it."""
    low = [at - length * (1 - np.sign(way)) / 2 for at, length, way in zip(anchor, size, side, strict=True)]
    return Bbox.from_bounds(*low, *size)


def _path(axes: Axes, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """A line as points on the page, three pixels apart."""
    corners = axes.transData.transform(np.column_stack([x, y]))
    length = np.concatenate([[0.0], np.hypot(*np.diff(corners, axis=0).T).cumsum()])
    steps = np.linspace(0.0, length[-1], int(length[-1] / 3) + 2)
    return np.column_stack([np.interp(steps, length, side) for side in corners.T])


def _distance(point: np.ndarray, others: np.ndarray) -> float:
    return min(float(np.hypot(*(others - point).T).min(initial=_FAR)), _FAR)
