"""Figures of estimates for groups, each with its interval and beside what they are held against."""

import numpy as np
import pandas as pd

from crmlib.display import formats
from crmlib.display.figures.labels import at_most, in_sentence, name_axes, name_rows, wrapped
from crmlib.display.figures.room import make_room, mark, value_limits
from crmlib.display.house import (
    ACCENT,
    GREY,
    INK,
    LOSS,
    Figure,
    canvas,
    money_axis,
    share_axis,
)
from crmlib.display.tables import Table


def estimate_dots(
    table: pd.DataFrame,
    title: str,
    subtitle: str,
    currency: str,
    axis: str,
    reference: float | None = None,
    reference_label: str = "",
    kind: str = "money",
    rows: str = "Group",
) -> Figure:
    """Draw an estimate per group with its interval, in the order given, beside a reference.

    Parameters
    ----------
    table : DataFrame
        Columns ``label``, ``value``, ``low``, ``high`` and ``customers``.
    title, subtitle, currency : str
    axis : str
        What is estimated.
    reference : float, optional
        Drawn as a dashed line. Groups whose interval holds it are grey, those above in the
        accent, those below in the colour of losses.
    reference_label : str
        Name of the reference.
    kind : {"money", "share"}
        What the numbers are.
    rows : str
        What the rows are.
    """

    def written(value: float) -> str:
        return formats.money(value, currency) if kind == "money" else formats.share(value)

    values, low, high = (table[name].to_numpy(float) for name in ("value", "low", "high"))
    colours = np.full(len(table), ACCENT, dtype=object)
    if reference is not None:
        colours = np.select([low > reference, high < reference], [ACCENT, LOSS], GREY)
    names = [
        f"{label} ({formats.count(n)})" for label, n in zip(table["label"], table["customers"], strict=True)
    ]
    drawing, axes = canvas(height=0.42 * len(table) + 0.9)
    places = name_rows(axes, names, 34)
    held = [] if reference is None else [reference]
    axes.set_xlim(*value_limits([values, low, high, held]))
    axes.hlines(places, low, high, color=colours, lw=6, alpha=0.4)
    axes.scatter(values, places, color=colours, s=60, zorder=3)
    if reference is not None:
        axes.plot([reference] * 2, [len(table) - 0.4, -0.6], color=INK, lw=1.0, ls="--", zorder=1)
        name = reference_label[:1].upper() + reference_label[1:]
        words = f"{wrapped(name, 40, 2)}\n{written(reference)}".strip()
        mark(axes, words, (reference, -0.6), up=3, color=INK)
    for place, value, start, end, colour in zip(places, values, low, high, colours, strict=True):
        below = colour == LOSS  # words on the side away from the reference
        at = np.fmin(start, value) if below else np.fmax(end, value)
        at = at if np.isfinite(at) else axes.get_xlim()[0]
        mark(axes, written(value), (at, place), right=-8 if below else 8)
    unit = currency if kind == "money" else "share of customers"
    if kind == "money":
        money_axis(axes.xaxis, currency)
    else:
        share_axis(axes.xaxis)
    name_axes(axes, f"{axis} ({unit})", f"{rows} (number of customers)")
    make_room(axes)
    told = [f"{label} at {written(value)}" for label, value in zip(table["label"], values, strict=True)]
    known = np.flatnonzero(np.isfinite(values))
    found = "no value is known."
    if len(known):
        highest, lowest = (told[known[pick(values[known])]] for pick in (np.argmax, np.argmin))
        found = f"the highest is {highest}, the lowest {lowest}."
    beside = (
        ""
        if reference is None
        else f" The dashed line, {in_sentence(reference_label)}: {written(reference)}."
    )
    alt = (
        f"Dot chart with ranges, {in_sentence(axis)} on the horizontal axis, one dot per {in_sentence(rows)}: "
        f"{found}{beside}"
    )
    shape = "exact_money" if kind == "money" else "share1"
    columns = {
        "label": (rows, "text"),
        "customers": ("Customers", "count"),
        "value": (f"{axis} ({unit})", shape),
        "low": (f"Low ({unit})", shape),
        "high": (f"High ({unit})", shape),
    }
    return Figure(drawing, title, subtitle, alt, Table(at_most(table), title, columns, currency=currency))
