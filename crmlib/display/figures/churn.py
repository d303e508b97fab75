"""Figures of the probability to leave: whether it comes true, and what it goes by."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from crmlib.display import formats
from crmlib.display.figures.along import name_along, split_lines
from crmlib.display.figures.labels import (
    at_most,
    column_places,
    in_sentence,
    name_axes,
    name_columns,
    wrapped,
)
from crmlib.display.figures.room import HALO, make_room, mark, write_ends
from crmlib.display.house import (
    ACCENT,
    GREY,
    INK,
    SOFT,
    Figure,
    canvas,
    share_axis,
)
from crmlib.display.tables import Table


def reliability(
    table: pd.DataFrame,
    title: str,
    subtitle: str,
    across: str = "Predicted to stay away (share)",
    up: str = "Stayed away (share of customers)",
    names: Mapping[str, str] | None = None,
) -> Figure:
    """Set the share that stayed away beside what was predicted, in groups of customers.

    Parameters
    ----------
    table : DataFrame
        Columns ``predicted``, ``observed``, ``low``, ``high``, ``customers`` and optionally ``method``; as returned by
        `crmlib.analysis.churn.reliability.reliability_curve`, one method below the other. The first is the one chosen.
    title, subtitle : str
    across, up : str
        What the axes are, with their units.
    names : mapping of str to str, optional
        Methods in words, where those of the table are not.
    """
    named = table if "method" in table else table.assign(method="observed")
    curves = split_lines(named, "method", "predicted", "observed")
    chosen, first = next(iter(curves.items()))
    known = pd.concat(curves.values())
    drawing, axes = canvas(height=4.4)
    reach = [known["predicted"], known["observed"], first["high"]]
    top = float(pd.concat(reach).max()) * 1.06
    top = top if 0 < top < 0.9 else 1.0
    axes.plot([0, top], [0, top], color=INK, lw=1.1, ls="--", zorder=1)
    ends = [(top, top, "as predicted", INK)]
    largest = max(float(known["customers"].max()), 1.0)
    for name, curve in reversed(curves.items()):
        main = name == chosen
        colour = ACCENT if main else GREY
        x, y = curve["predicted"].to_numpy(float), curve["observed"].to_numpy(float)
        axes.plot(x, y, color=colour, lw=2.2 if main else 1.3, zorder=3 if main else 2)
        axes.scatter(
            x, y, s=(70 if main else 25) * curve["customers"] / largest, color=colour, zorder=4 if main else 2
        )
        if main:
            axes.vlines(x, curve["low"], curve["high"], color=colour, lw=5, alpha=0.3, zorder=2)
        words = wrapped((names or {}).get(name, name), 18)
        ends.insert(0, (x[-1], y[-1], words, ACCENT if main else SOFT))
    axes.set_xlim(0, top)
    axes.set_ylim(0, top)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(MaxNLocator(nbins=6, steps=[1, 2, 2.5, 5, 10]))
        share_axis(axis)
    fewest, most = (formats.count(pick(first["customers"])) for pick in (min, max))
    name_axes(axes, f"{across}\nOne dot: {fewest if fewest == most else f'{fewest} to {most}'} customers", up)
    write_ends(axes, ends, aligned=True)
    mark(axes, "More than predicted", (0, top), right=8, up=-6, color=SOFT, path_effects=HALO)
    mark(axes, "Fewer than predicted", (top, 0), right=-8, up=8, color=SOFT, path_effects=HALO)
    make_room(axes)
    lowest, highest = (
        f"{formats.share(one.predicted)} predicted, {formats.share(one.observed)} seen"
        for one in (first.iloc[0], first.iloc[-1])
    )
    agree = int(((first["low"] <= first["predicted"]) & (first["predicted"] <= first["high"])).sum())
    alt = (
        f"Line chart, {in_sentence(across)} on the horizontal axis, {in_sentence(up)} on the vertical axis, one dot "
        f"per group of customers: {lowest} in the lowest, {highest} in the highest. The interval holds the prediction "
        f"in {agree} of {len(first)}."
    )
    behind = first.assign(group=np.arange(1, len(first) + 1))
    columns = {
        "group": ("Group, by prediction", "count"),
        "customers": ("Customers", "count"),
        "predicted": ("Predicted (share)", "share1"),
        "observed": ("Stayed away (share)", "share1"),
        "low": ("Low (share)", "share1"),
        "high": ("High (share)", "share1"),
    }
    return Figure(drawing, title, subtitle, alt, Table(at_most(behind), title, columns))


def dependence_curve(
    table: pd.DataFrame,
    title: str,
    subtitle: str,
    across: str,
    up: str = "Probability of staying away (mean)",
    seen: pd.Series | None = None,
    average: float | None = None,
) -> Figure:
    """Draw how a probability moves with the value of one feature, and where the customers are.

    Parameters
    ----------
    table : DataFrame
        Rows of one feature as `crmlib.analysis.churn.drivers.dependence` returns them: ``value`` (missing for
        categories), ``label`` (of categories), ``churn`` and optionally ``low``, ``high`` (the middle range of
        customers) and ``customers`` (of a category).
    title, subtitle : str
    across, up : str
        What the feature is and what is predicted, with their units.
    seen : Series of float, optional
        Value of the feature per customer, for the strip below the line.
    average : float, optional
        Probability of all customers as they are, drawn as a dashed line.
    """
    known = table.dropna(subset=["churn"])
    numbers = bool(known["value"].notna().all())
    known = known.sort_values("value", kind="stable") if numbers else known.reset_index(drop=True)
    chance = known["churn"].to_numpy(float)
    ranged = {"low", "high"} <= set(known)
    low, high = (known[name].to_numpy(float) if ranged else chance for name in ("low", "high"))
    top = max(float(np.nanmax([chance, high])), average or 0.0, 0.01) * 1.08
    drawing, axes = canvas()
    axes.set_ylim(0, top)
    share_axis(axes.yaxis)
    ends = []
    if numbers:
        x = known["value"].to_numpy(float)
        axes.fill_between(x, low, high, color=ACCENT, alpha=0.16, lw=0)
        axes.plot(x, chance, color=ACCENT, lw=2.4, marker="o", ms=5, clip_on=False, zorder=3)
        axes.set_xlim(x[0], x[-1] if x[-1] > x[0] else x[0] + 1.0)
        axes.xaxis.set_major_locator(MaxNLocator(nbins=7))
        ends.append((x[-1], chance[-1], formats.share(chance[-1]), ACCENT))
    else:
        places = column_places(axes, len(known))
        axes.vlines(places, low, high, color=ACCENT, lw=6, alpha=0.35)
        axes.scatter(places, chance, color=ACCENT, s=60, zorder=3)
        for place, value in zip(places, chance, strict=True):
            mark(axes, formats.share(value), (place, value), right=7, path_effects=HALO)
    if average is not None:
        reach = axes.get_xlim()
        axes.plot(reach, [average] * 2, color=INK, lw=1.1, ls="--", zorder=1)
        ends.append((reach[1], average, f"{formats.share(average)}\nall customers", INK))
    if seen is not None and numbers:
        _strip(axes, seen, top)
    name_axes(axes, across, up)
    if numbers and len(known) > 1:
        start = (known["value"].iloc[0], chance[0], formats.share(chance[0]), {"color": ACCENT})
        name_along(axes, [(known["value"].to_numpy(float), chance, "", ACCENT)], [start])
    if ends:
        write_ends(axes, ends)
    make_room(axes)
    if not numbers:
        counted = [f"({formats.count(n)})" for n in known["customers"]] if "customers" in known else None
        name_columns(axes, known["label"], counted)
    label = known["label"] if "label" in known else known["value"].map("{:g}".format)
    told = [f"{formats.share(chance[i])} at {label.iloc[i]}" for i in {0: 0, len(known) - 1: 0}]
    most = f"the highest is {formats.share(chance.max())} at {label.iloc[int(chance.argmax())]}"
    alt = (
        f"{'Line' if numbers else 'Dot'} chart, {in_sentence(across)} on the horizontal axis, {in_sentence(up)} on the "
        f"vertical axis: {wrapped(', '.join(told), 120, 1)}; {wrapped(most, 80, 1)}."
    )
    columns = {
        "label": (across, "text"),
        "customers": ("Customers", "count"),
        "churn": (up, "share1"),
        "low": ("Middle range from (share)", "share1"),
        "high": ("to (share)", "share1"),
    }
    behind = at_most(known.assign(label=label))
    columns = {name: column for name, column in columns.items() if name in behind}
    return Figure(drawing, title, subtitle, alt, Table(behind, title, columns))


def _strip(axes: Axes, seen: pd.Series, top: float) -> None:
    """Draw below zero how many customers have which value, as far as the line goes."""
    first, last = axes.get_xlim()
    values = seen.to_numpy(float)
    values = values[(values >= first) & (values <= last)]
    number, edges = np.histogram(values, bins=min(36, max(len(np.unique(values)), 2)), range=(first, last))
    written = [place for place in axes.get_yticks() if 0 <= place <= top]
    base = -0.15 * top
    heights = 0.12 * top * number / max(number.max(), 1)
    look = {"color": GREY, "alpha": 0.6, "edgecolor": "white", "lw": 0.4}
    axes.bar(edges[:-1], heights, np.diff(edges), base, align="edge", **look)
    axes.axhline(0, color=INK, lw=0.8)
    axes.set_ylim(base, top)
    axes.set_yticks(written)
    mark(axes, "number of\ncustomers", (last, base / 2), right=11, color=SOFT, fontsize=8.5)
