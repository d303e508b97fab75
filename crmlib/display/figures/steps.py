"""Figures of what happens step by step in time: contracts that end, customers who buy again."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import to_hex, to_rgb
from matplotlib.ticker import MaxNLocator, MultipleLocator
from matplotlib.transforms import Bbox

from crmlib.display import formats
from crmlib.display.figures.along import split_lines
from crmlib.display.figures.labels import (
    day_step,
    grow,
    in_sentence,
    name_axes,
    wrapped,
)
from crmlib.display.figures.room import lone_dot, make_room, mark, write_ends
from crmlib.display.house import (
    ACCENT,
    GROUPS,
    INK,
    SOFT,
    Figure,
    canvas,
    value_axis,
)
from crmlib.display.tables import Table
from crmlib.errors import ParameterError

_DASHES = ((0, (5, 2)), (0, (1, 1.3)), (0, (5, 1.5, 1, 1.5)))


def step_curves(
    table: pd.DataFrame,
    title: str,
    subtitle: str,
    across: str,
    up: str,
    marks: Sequence[tuple[float, str]] | None = None,
    models: pd.DataFrame | None = None,
    kind: str = "share",
) -> Figure:
    """Draw shares that change in steps over time, such as contracts still running, beside smooth models.

    Parameters
    ----------
    table : DataFrame
        Columns ``time``, ``value`` (at least one known) and optionally ``low``, ``high``, ``at_risk`` (how many were
        still followed) and ``group``, up to six. A curve is drawn from its first row to its last: give its start,
        too. Such as from `crmlib.analysis.waiting.product_limit`.
    title, subtitle : str
    across, up : str
        What the axes are, with their units; an axis in days is numbered in weeks, months, quarters or years.
    marks : sequence of (float, str), optional
        Times worth a dashed line, with their names.
    models : DataFrame, optional
        Columns ``name``, ``time``, ``value``: smooth lines, up to three, dashed or dotted.
    kind : {"share", "number"}
        What the values are.

    Raises
    ------
    ParameterError
        If there are more lines than a reader can tell apart.
    """
    named = table if "group" in table else table.assign(group="" if models is None else "observed")
    groups = split_lines(named, "group", "time", "value")
    smooth = {} if models is None else split_lines(models, "name", "time", "value")
    if len(groups) > len(GROUPS) or len(smooth) > len(_DASHES):
        raise ParameterError(
            f"{len(groups)} groups and {len(smooth)} models", f"up to {len(GROUPS)} groups and {len(_DASHES)} models",
            "put small groups together, or draw several figures",
        )  # fmt: skip

    def written(value: float) -> str:
        return formats.written(value, "number2" if kind == "number" else kind)

    def end_of(name: str, curve: pd.DataFrame) -> str:
        time, value = curve[["time", "value"]].iloc[-1]
        words = f"{written(value)} {name}" + (f", at {time:g}" if time < last else "")
        return wrapped(words.strip(), 24)

    drawing, axes = canvas()
    last = max(float(part["time"].max()) for part in [*groups.values(), *smooth.values()])
    ends = []
    for (name, curve), own in zip(groups.items(), GROUPS, strict=False):
        colour = ACCENT if len(groups) == 1 else own
        time, value = (curve[column].to_numpy(float) for column in ("time", "value"))
        if {"low", "high"} <= set(curve):
            axes.fill_between(time, curve["low"], curve["high"], step="post", color=colour, lw=0,
                              alpha=0.18 if len(groups) == 1 else 0.11)  # fmt: skip
        axes.step(time, value, where="post", color=colour, lw=2.4, zorder=3, **lone_dot(time))
        ends.append((time[-1], value[-1], end_of(name, curve), _dark(colour)))
    for (name, curve), dash in zip(smooth.items(), _DASHES, strict=False):
        time, value = (curve[column].to_numpy(float) for column in ("time", "value"))
        axes.plot(time, value, color=INK, lw=1.7, ls=dash, zorder=4)
        ends.append((time[-1], value[-1], end_of(name, curve), INK))
    drawn = [
        part[column]
        for part in [*groups.values(), *smooth.values()]
        for column in ("value", "high")
        if column in part
    ]
    top = max(float(pd.concat(drawn).max()), 1e-9)
    axes.set_xlim(0, max([last, 1e-9, *(time for time, _ in marks or [])]))
    axes.set_ylim(0, top * 1.02)
    value_axis(axes.yaxis, kind)
    days = "(days" in across
    axes.xaxis.set_major_locator(
        MultipleLocator(day_step(last))
        if days
        else MaxNLocator(nbins=9, integer=True, steps=[1, 2, 3, 6, 10])
    )
    name_axes(axes, across, up)
    write_ends(axes, ends, aligned=True)
    _name_times(axes, list(marks or []))
    told = [
        f"{name} from {written(part['value'].iloc[0])} to {written(part['value'].iloc[-1])} at "
        f"{part['time'].iloc[-1]:g}".strip()
        for name, part in (groups | smooth).items()
    ]
    alt = (
        f"Line chart in steps, {in_sentence(across)} on the horizontal axis, {in_sentence(up)} on the vertical axis: "
        f"{wrapped('; '.join(told), 240, 1)}."
    )
    step = day_step(last) if days else max(last / 10, 1e-9)
    times = np.array([*np.arange(0, last - step / 2, step), last])
    return Figure(drawing, title, subtitle, alt, _steps_behind(groups, smooth, times, title, across, kind))


def _dark(colour: str) -> str:
    """A colour as dark as words need to be."""
    return to_hex(0.6 * np.array(to_rgb(colour)) + 0.4 * np.array(to_rgb(INK)))


def _name_times(axes: Axes, marks: Sequence[tuple[float, str]]) -> None:
    """Draw dashed lines at times, named above the chart; the last lowest, so that no line crosses a name.

    The chart grows by the names, so that what is written inside keeps its place.
    """
    low, top = axes.get_ylim()
    marks = sorted(marks, key=lambda one: -one[0])
    texts = [
        mark(axes, wrapped(words, 36, 2), (time, low), right=4, up=1, color=SOFT) for time, words in marks
    ]
    make_room(axes)  # to the right
    axes.figure.draw_without_rendering()
    frame, point = axes.get_window_extent().frozen(), axes.figure.dpi / 72
    taken: list[Bbox] = []
    for (time, _), text in zip(marks, texts, strict=True):
        box = text.get_window_extent()
        box = box.translated(0, frame.y1 + 3 * point - box.y0)
        while hit := [other for other in taken if other.padded(2).overlaps(box)]:
            box = box.translated(0, max(other.y1 for other in hit) + 3 - box.y0)
        taken.append(box)
        text.xy, text.xyann = (time, top), (4, (box.y0 - frame.y1) / point)
    if marks:
        more = max(box.y1 for box in taken) - frame.y1 + 2
        axes.set_yticks([place for place in axes.get_yticks() if low <= place <= top])
        axes.set_ylim(low, top + (top - low) * more / frame.height)
        grow(axes, more)
    for (time, _), box in zip(marks, taken, strict=True):
        end = top + (top - low) * (box.y1 - frame.y1) / frame.height
        axes.plot([time, time], [low, end], color=SOFT, lw=1.1, ls="--", zorder=2)


def _steps_behind(
    groups: Mapping[str, pd.DataFrame], smooth: Mapping[str, pd.DataFrame], times: np.ndarray, title: str,
    across: str, kind: str,
) -> Table:  # fmt: skip
    """The curves at a dozen times, with those still followed; nothing beyond the end of a curve."""
    shape = "share1" if kind == "share" else "number2"
    frame = pd.DataFrame({"time": times})
    columns = {"time": (across, "count" if np.equal(times, np.round(times)).all() else "number")}

    def at_times(curve: pd.DataFrame, name: str) -> np.ndarray:
        known = curve["time"].to_numpy(float)
        place = np.searchsorted(known, times, side="right") - 1
        reached = curve[name].to_numpy(float)[np.maximum(place, 0)]
        return np.where((place >= 0) & (times <= known[-1]), reached, np.nan)

    named = {"value": "", "low": ", low", "high": ", high", "at_risk": ", still followed"}
    for number, (group, curve) in enumerate(groups.items()):
        for name, words in named.items():
            if name in curve and (name in ("value", "at_risk") or len(groups) == 1):
                frame[f"{name}_{number}"] = at_times(curve, name)
                heading = f"{group or 'Value'}{words}"
                columns[f"{name}_{number}"] = (
                    heading[:1].upper() + heading[1:], "count" if name == "at_risk" else shape,
                )  # fmt: skip
    for number, (name, curve) in enumerate(smooth.items()):
        frame[f"model_{number}"] = np.interp(times, curve["time"], curve["value"], left=np.nan, right=np.nan)
        columns[f"model_{number}"] = (name, shape)
    return Table(frame, title, columns)
