"""Names and numbers in words: on the axes, above the chart and in the table behind it."""

import re
import textwrap
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.ticker import MaxNLocator

from crmlib.display import formats


def wrapped(name: object, longest: int, lines: int = 3, whole: bool = False) -> str:
    """Break a name into at most `lines` lines of `longest` characters; longer words only if not `whole`.

    Examples
    --------
    >>> wrapped("Won July 2023 to June 2024", 15)
    'Won July 2023\\nto June 2024'
    """
    return textwrap.fill(
        str(name),
        longest,
        max_lines=lines,
        placeholder="…",
        break_long_words=not whole,
        break_on_hyphens=False,
    )


def name_rows(axes: Axes, names: Sequence | pd.Series, longest: int = 48) -> np.ndarray:
    """Write one name per place on the vertical axis, the first on top; returns the places."""
    places = np.arange(len(names))
    words = [wrapped(name, longest) for name in names]
    axes.set_yticks(places, words)
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.tick_params(axis="y", length=0)
    if any("\n" in word for word in words):
        axes.figure.draw_without_rendering()
        heights = [label.get_window_extent().height for label in axes.get_yticklabels()]
        apart = max([(one + two) / 2 + 3 for one, two in pairwise(heights)], default=heights[0])
        grow(axes, len(names) * apart - axes.get_window_extent().height)
    return places


def part_rows(axes: Axes) -> None:
    """Make the picture taller where the names of its rows would touch, once all else has its room."""
    axes.figure.draw_without_rendering()
    boxes = [label.get_window_extent() for label in axes.get_yticklabels()]
    tight = [
        (one.height + two.height) / abs(one.y0 + one.y1 - two.y0 - two.y1) for one, two in pairwise(boxes)
    ]
    grow(axes, (max(tight, default=0.0) - 1) * axes.get_window_extent().height)


def column_places(axes: Axes, number: int) -> np.ndarray:
    """Make room for `number` bars or dots side by side; returns their places."""
    axes.set_xlim(-0.6, number - 0.4)
    return np.arange(number)


def name_columns(axes: Axes, names: Sequence | pd.Series, below: Sequence | None = None) -> None:
    """Write one name per place on the horizontal axis, once all else has its room.

    Names stand on one line where they fit, else on several; a year stands under the first name
    of that year. Where even that is too wide, names stand upright.

    Parameters
    ----------
    axes : Axes
    names : sequence
    below : sequence of str, optional
        A word to stand on its own line below each name.
    """
    below = [""] * len(names) if below is None else list(below)
    tries = [[wrapped(name, longest, 4, whole=True) for name in names] for longest in (26, 13, 9, 7, 5)]
    dated = [re.fullmatch(r"(.+) (\d{4})", str(name)) for name in names]
    if all(dated):
        years = ["", *(found[2] for found in dated)]
        tries.insert(1, [
            f"{wrapped(found[1], 7, 3)}\n{found[2] if found[2] != year else ''}"
            for found, year in zip(dated, years, strict=False)
        ])  # fmt: skip
    axes.tick_params(axis="x", length=0, labelsize=9)
    for words in tries:
        under = [f"{name}\n{word}" if word else name for name, word in zip(words, below, strict=True)]
        if "…" not in "".join(under) and _fit(axes, under):
            break
    else:
        upright, step = [f"{wrapped(n, 24, 2)} {word}" for n, word in zip(names, below, strict=True)], 1
        while not _fit(axes, upright, step, rotation=90):  # of very many names every other, or fewer
            step *= 2
    heights = [label.get_window_extent().height for label in axes.get_xticklabels()]
    grow(axes, max(heights) - 16)


def _fit(axes: Axes, words: list[str], step: int = 1, rotation: float = 0) -> bool:
    """Write every so many of the names; returns whether none runs into the next."""
    axes.set_xticks(range(0, len(words), step), words[::step], rotation=rotation)
    axes.figure.draw_without_rendering()
    boxes = [label.get_window_extent() for label in axes.get_xticklabels()]
    return all(left.x1 + 3 <= right.x0 for left, right in pairwise(boxes))


def grow(axes: Axes, pixels: float) -> None:
    """Make the picture taller by what words take, so that the chart keeps its height."""
    drawing = axes.figure
    drawing.set_figheight(drawing.get_figheight() + max(pixels, 0.0) / drawing.dpi)


def name_axes(axes: Axes, across: str, up: str) -> None:
    """Label both axes, on as many lines as the length of the axis asks for."""
    for label, words, side in ((axes.xaxis.label, across, "width"), (axes.yaxis.label, up, "height")):
        label.set_text(words)
        axes.figure.draw_without_rendering()
        size, length = (getattr(thing.get_window_extent(), side) for thing in (label, axes))
        if size > length:
            label.set_text(textwrap.fill(words, max(int(len(words) * length / size) - 1, 18)))
    axes.figure.draw_without_rendering()
    grow(axes, axes.yaxis.label.get_window_extent().height - axes.get_window_extent().height)


def count_axis(axis: Axis) -> None:
    """Write whole numbers on an axis."""
    axis.set_major_locator(MaxNLocator(nbins=5, integer=True))
    axis.set_major_formatter(
        lambda value, _: f"{value / 1e6:g}M" if abs(value) >= 1e6 else formats.count(value)
    )


def day_step(last_day: float) -> int:
    """Choose a step that people count days in: weeks, months, quarters, years."""
    return next((days for days in (1, 7, 14, 30, 60, 90, 180, 365) if last_day / days <= 8.5), 730)


def legend_above(axes: Axes, handles: Sequence) -> None:
    """Explain marks above the chart, in as few lines as its width allows; the axes must be named."""
    axes.figure.draw_without_rendering()
    frame, left = axes.get_window_extent(), axes.get_tightbbox().x0
    for columns in range(len(handles), 0, -1):
        # A legend fills column after column; people read line after line.
        by_line = [handle for column in range(columns) for handle in handles[column::columns]]
        legend = axes.legend(
            handles=by_line, ncols=columns, loc="lower left", bbox_to_anchor=((left - frame.x0) / frame.width, 1.0),
            frameon=False, fontsize=9, handlelength=1.4, handleheight=0.9, columnspacing=1.4, borderaxespad=0.3,
            borderpad=0.1,
        )  # fmt: skip
        legend.set_in_layout(False)  # one that is too wide would squeeze the chart
        axes.figure.draw_without_rendering()
        if legend.get_window_extent().x1 <= frame.x1:
            break
    legend.set_in_layout(True)
    grow(axes, legend.get_window_extent().height)


def in_sentence(name: object) -> str:
    """Write a name inside a sentence: without its capital, unless it is an abbreviation.

    Examples
    --------
    >>> in_sentence("Left the best tenth"), in_sentence("UK"), in_sentence("Q3 2023")
    ('left the best tenth', 'UK', 'Q3 2023')
    """
    text = str(name)
    return text[:1].lower() + text[1:] if text[1:2].islower() or text[1:2] == " " else text


def people(number: float) -> str:
    """Count customers in words.

    Examples
    --------
    >>> people(1), people(1780)
    ('1 customer', '1,780 customers')
    """
    return f"{formats.count(number)} customer" + ("" if number == 1 else "s")


def at_most(frame: pd.DataFrame, rows: int = 12) -> pd.DataFrame:
    """Keep the first, the last and evenly spaced rows between, for the table behind a figure.

    Examples
    --------
    >>> at_most(pd.DataFrame({"month": range(100)}), rows=4)["month"].tolist()
    [0, 33, 66, 99]
    """
    if len(frame) <= rows:
        return frame
    return frame.iloc[np.linspace(0, len(frame) - 1, rows).round().astype(int)]
