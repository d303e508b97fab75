"""Figures of estimates for groups, each with its interval and beside what they are held against."""

import numpy as np
import pandas as pd
from matplotlib.lines import Line2D

from crmlib.display import formats
from crmlib.display.figures.labels import (
    at_most,
    in_sentence,
    legend_above,
    name_axes,
    name_rows,
    part_rows,
    wrapped,
)
from crmlib.display.figures.room import make_room, mark, value_limits
from crmlib.display.house import (
    ACCENT,
    GREY,
    INK,
    LOSS,
    Figure,
    canvas,
    value_axis,
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
    unit: str = "share of customers",
    truth: str = "Truth",
) -> Figure:
    """Draw an estimate per group with its interval, in the order given, beside a reference.

    Groups may be anything that has an estimate: features of a method by their importance, or ways to choose
    customers by what they earn.

    Parameters
    ----------
    table : DataFrame
        Columns ``label``, ``value``, ``low``, ``high`` and optionally ``customers`` and ``truth`` (what is known of a
        simulated company; missing where it is not).
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
    unit : str
        Unit of shares.
    truth : str
        Name of what is known.
    """

    def written(value: float) -> str:
        return formats.money(value, currency) if kind == "money" else formats.share(value)

    values, low, high = (table[name].to_numpy(float) for name in ("value", "low", "high"))
    colours = np.full(len(table), ACCENT, dtype=object)
    if reference is not None:
        colours = np.select([low > reference, high < reference], [ACCENT, LOSS], GREY)
    counted = "customers" in table
    names = table["label"]
    if counted:
        names = [f"{label} ({formats.count(n)})" for label, n in zip(names, table["customers"], strict=True)]
    drawing, axes = canvas(height=(0.42 if len(table) <= 14 else 0.3) * len(table) + 0.9)
    places = name_rows(axes, names, 34)
    held = [] if reference is None else [reference]
    known = table["truth"].to_numpy(float) if "truth" in table else np.full(len(table), np.nan)
    axes.set_xlim(*value_limits([values, low, high, held, known]))
    axes.hlines(places, low, high, color=colours, lw=6, alpha=0.4)
    axes.scatter(values, places, color=colours, s=60, zorder=3)
    if reference is not None:
        axes.plot([reference] * 2, [len(table) - 0.4, -0.6], color=INK, lw=1.0, ls="--", zorder=1)
        name = reference_label[:1].upper() + reference_label[1:]
        words = f"{wrapped(name, 40, 2)}\n{written(reference)}".strip()
        mark(axes, words, (reference, -0.6), up=3, color=INK)
    for place, value, start, end, true, colour in zip(places, values, low, high, known, colours, strict=True):
        below = colour == LOSS  # words on the side away from the reference
        at = np.fmin(np.fmin(start, value), true) if below else np.fmax(np.fmax(end, value), true)
        at = at if np.isfinite(at) else axes.get_xlim()[0]
        mark(axes, written(value), (at, place), right=-8 if below else 8)
    unit = currency if kind == "money" else unit
    value_axis(axes.xaxis, kind, currency)
    name_axes(axes, f"{axis} ({unit})", f"{rows} (number of customers)" if counted else rows)
    make_room(axes)
    part_rows(axes)
    marked = np.isfinite(known)
    if marked.any():
        axes.vlines(known[marked], places[marked] - 0.3, places[marked] + 0.3, color=INK, lw=2.2, zorder=4)
        legend_above(
            axes,
            [
                Line2D([], [], color=GREY, marker="o", lw=5, alpha=0.7, label=axis),
                Line2D([], [], color=INK, marker="|", ms=13, mew=2.2, lw=0, label=truth),
            ],
        )
    told = [
        f"{label} at {written(value)}"
        + (f" ({in_sentence(truth)} {written(true)})" if np.isfinite(true) else "")
        for label, value, true in zip(table["label"], values, known, strict=True)
    ]
    found = "no value is known."
    if np.isfinite(values).any():
        highest, lowest = (told[pick(values)] for pick in (np.nanargmax, np.nanargmin))
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
        "truth": (f"{truth} ({unit})", shape),
        "value": (f"{axis} ({unit})", shape),
        "low": (f"Low ({unit})", shape),
        "high": (f"High ({unit})", shape),
    }
    columns = {name: column for name, column in columns.items() if name in table}
    return Figure(drawing, title, subtitle, alt, Table(at_most(table), title, columns, currency=currency))
