"""Room for words on a chart: beside the marks, at the ends of lines, and at the edges.

Figures come out with any company's numbers in them, so room is measured and never guessed.
"""

from collections.abc import Iterable, Sequence
from itertools import pairwise

import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.patheffects import withStroke
from matplotlib.text import Annotation, Text
from matplotlib.ticker import FixedLocator
from scipy.optimize import isotonic_regression

# A thin white edge keeps words readable where a line passes behind them.
HALO = [withStroke(linewidth=2.5, foreground="white")]


def mark(
    axes: Axes, words: str, at: tuple[float, float], right: float = 0, up: float = 0, **look
) -> Annotation:
    """Write words a few points beside a place on the data: to the right and up, or else left and down."""
    sides = {-1: "right", 0: "center", 1: "left"}, {-1: "top", 0: "center", 1: "bottom"}
    ha, va = (names[int(np.sign(shift))] for names, shift in zip(sides, (right, up), strict=True))
    options = {"fontsize": 9, "ha": ha, "va": va, "annotation_clip": False} | look
    return axes.annotate(words, at, xytext=(right, up), textcoords="offset points", **options)


def lone_dot(x: np.ndarray) -> dict:
    """A line of one known point is a dot, or nobody sees it."""
    return {"marker": "o", "ms": 5, "clip_on": False} if np.isfinite(x).sum() == 1 else {}


def write_beside(axes: Axes, places, positions, words: Iterable[str]) -> None:
    """Write the value of each bar at its end."""
    for place, position, word in zip(places, positions, words, strict=True):
        axes.text(position, place, word, va="center", fontsize=9)


def write_ends(axes: Axes, ends: Sequence[tuple[float, float, str, str]], aligned: bool = False) -> None:
    """Write a name to the right of each line's end, moved apart where they would overlap.

    Parameters
    ----------
    axes : Axes
        Its vertical limits must stand.
    ends : sequence of (x, y, words, colour)
        A name that had to move is tied to its line by a thin stroke.
    aligned : bool
        Whether all names stand to the right of the last end; a line that ends earlier is tied
        to its name by dots.
    """
    last = max(x for x, *_ in ends)
    if aligned:
        for x, y, _, colour in ends:
            axes.plot([x, last], [y, y], color=colour, lw=0.9, ls=(0, (1, 4)))
        ends = [(last, *rest) for _, *rest in ends]
    texts = [
        axes.annotate(
            words, (x, y), xytext=(11, y), textcoords=("offset points", "data"), va="center", fontsize=9,
            color=colour, path_effects=HALO, annotation_clip=False,
        )
        for x, y, words, colour in ends
    ]  # fmt: skip
    axes.figure.draw_without_rendering()
    low, high = axes.get_ylim()
    unit = (high - low) / axes.get_window_extent().height
    heights = np.array([text.get_window_extent().height + 3 for text in texts]) * unit
    for text, (x, y, _, colour), at in zip(
        texts, ends, spread([e[1] for e in ends], heights, low, high), strict=True
    ):
        text.xyann = (11, at)
        axes.annotate(
            "", (x, y), xytext=(10, at), textcoords=("offset points", "data"), annotation_clip=False,
            arrowprops={"arrowstyle": "-", "color": colour, "lw": 0.7, "shrinkA": 0, "shrinkB": 3},
        )  # fmt: skip


def spread(positions: Sequence[float], heights: np.ndarray, low: float, high: float) -> np.ndarray:
    """Move words apart as little as possible so that none overlaps the next.

    Parameters
    ----------
    positions : sequence of float
        Where the middle of each word would like to be.
    heights : ndarray
        Room each word needs.
    low, high : float
        Where words may stand.

    Examples
    --------
    >>> spread([1.0, 1.0, 5.0], np.ones(3), low=0.0, high=10.0).tolist()
    [0.5, 1.5, 5.0]
    """
    order = np.argsort(positions, kind="stable")
    wanted, size = np.asarray(positions, float)[order], np.asarray(heights, float)[order]
    # With the room of those below taken off, words that do not overlap only need to ascend.
    taken = np.cumsum(size) - size / 2
    free = isotonic_regression(wanted - taken).x
    free = np.clip(free, low, max(low, high - size.sum()))
    placed = np.empty(len(free))
    placed[order] = free + taken
    return placed


def make_room(axes: Axes) -> None:
    """Widen the limits of both axes until every word written on the data lies inside.

    Each word keeps its place on the data and its size on the page, so the new limits follow
    from what it sticks out today. The room holds words only, so no number is written along it.
    """
    ends = [axes.get_xlim(), axes.get_ylim()]
    numbers = [axis.get_majorticklocs() for axis in (axes.xaxis, axes.yaxis)]
    texts = [text for text in axes.texts if text.get_text()]
    for _ in range(3):
        axes.figure.draw_without_rendering()
        frame, boxes = axes.get_window_extent(), [text.get_window_extent() for text in texts]
        across = [(_anchor(text, 0), box.x0, box.x1) for text, box in zip(texts, boxes, strict=True)]
        along = [(_anchor(text, 1), box.y0, box.y1) for text, box in zip(texts, boxes, strict=True)]
        axes.set_xlim(_limits(axes.get_xlim(), frame.x0, frame.width, across))
        axes.set_ylim(_limits(axes.get_ylim(), frame.y0, frame.height, along))
    for axis, was, is_now, at in zip(
        (axes.xaxis, axes.yaxis), ends, (axes.get_xlim(), axes.get_ylim()), numbers, strict=True
    ):
        if was != is_now and not isinstance(axis.get_major_locator(), FixedLocator):
            axis.set_ticks([place for place in at if min(was) <= place <= max(was)])
            _thin(axis)


def _thin(axis: Axis) -> None:
    """Drop every other number along an axis while two of them touch."""
    while len(axis.get_majorticklocs()) > 2:
        axis.figure.draw_without_rendering()
        boxes = [label.get_window_extent() for label in axis.get_ticklabels()]
        if not any(one.padded(3).overlaps(two) for one, two in pairwise(boxes)):
            return
        axis.set_ticks(axis.get_majorticklocs()[::2])


def _anchor(text: Text, side: int) -> float:
    """Where on the data a word hangs."""
    if isinstance(text, Annotation):
        units = text.anncoords if isinstance(text.anncoords, tuple) else (text.anncoords,) * 2
        return text.xyann[side] if units[side] == "data" else text.xy[side]
    return text.get_position()[side]


def _limits(
    limits: tuple[float, float], start: float, length: float, words: list[tuple[float, float, float]]
) -> tuple[float, float]:
    first, last = limits
    low, high = first, last
    for anchor, begins, ends in words:
        part = (anchor - first) / (last - first)
        at = start + part * length
        if ends > start + length:
            room = max(length - (ends - at) - 2, 0.3 * length)
            high = max(high, anchor, first + (anchor - first) * length / room, key=_along(limits))
        if begins < start:
            room = max(length - (at - begins) - 2, 0.3 * length)
            low = min(low, anchor, last - (last - anchor) * length / room, key=_along(limits))
    return low, high


def _along(limits: tuple[float, float]):
    """Order numbers in the direction of the axis, which may run downwards."""
    down = limits[1] < limits[0]
    return lambda value: -value if down else value


def value_limits(numbers: Iterable) -> tuple[float, float]:
    """Choose the ends of an axis for dots: with zero where that costs little room.

    At least a fifth of the largest number is shown, so that small differences do not look large
    and the numbers on the axis differ.

    Examples
    --------
    >>> value_limits([[1.0, 10.0]]), value_limits([[100.0, 100.0]])
    ((0.0, 11.0), (88.0, 112.0))
    """
    known = np.concatenate([np.asarray(part, float) for part in numbers])
    known = known[np.isfinite(known)]
    if not known.any():
        return 0.0, 1.0
    low, high = float(known.min()), float(known.max())
    if low <= 0 <= high or min(abs(low), abs(high)) < 0.5 * max(abs(low), abs(high)):
        low, high = min(low, 0.0), max(high, 0.0)
    missing = max(0.2 * max(abs(low), abs(high)) - (high - low), 0.0) / 2
    low, high = low - missing, high + missing
    pad = 0.1 * (high - low) or 1.0
    return (low if low == 0 else low - pad), (high if high == 0 else high + pad)
