"""Figures of stacked bars: through what money changed, and whose money each period brings."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.colors import LinearSegmentedColormap, to_hex
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from crmlib.display import formats
from crmlib.display.figures.labels import (
    at_most,
    column_places,
    in_sentence,
    legend_above,
    name_axes,
    name_columns,
    name_rows,
    wrapped,
)
from crmlib.display.figures.room import make_room, mark, write_ends
from crmlib.display.house import (
    ACCENT,
    BAR,
    GROUPS,
    INK,
    SOFT,
    Figure,
    canvas,
    money_axis,
)
from crmlib.display.tables import Table

# The same factor has the same colour and hatch in every figure, whichever factors stand beside it.
_FACTOR_PLACES = {"customers": 0, "orders": 1, "order_value": 2, "margin": 3, "winning": 4}
_HATCHES = ("", "////", "", "....", "xxxx", "\\\\\\\\")
_OLD_TO_NEW = LinearSegmentedColormap.from_list("age", ["#cdd3d7", "#7fb0b8", ACCENT])


def through_what(
    table: pd.DataFrame,
    title: str,
    subtitle: str,
    currency: str,
    factors: Mapping[str, str],
    axis: str = "Change",
    rows: str = "Period",
) -> Figure:
    """Show through which factors money changed, and the change in all.

    Parameters
    ----------
    table : DataFrame
        Columns ``label``, one column of money per factor, and ``change``, their sum.
    title, subtitle, currency : str
    factors : mapping of str to str
        Columns of the factors, with their names in words.
    axis : str
        What changed.
    rows : str
        What the rows are.
    """
    drawing, axes = canvas(height=0.42 * len(table) + 0.7)
    places = name_rows(axes, table["label"], 24)
    parts = table[list(factors)].fillna(0.0)
    up, down = np.zeros(len(table)), np.zeros(len(table))
    handles, hardly = [], 1e-6 * float(parts.abs().to_numpy().max(initial=0.0))
    for column, name in factors.items():
        amounts = parts[column].to_numpy(float)
        colour, hatch = _factor_look(column, list(factors))
        left = np.where(amounts >= 0, up, down)
        axes.barh(
            places, amounts, left=left, height=BAR, color=colour, hatch=hatch, edgecolor="white", lw=0.6
        )
        if (np.abs(amounts) > hardly).any():  # nothing to explain about what is not drawn
            handles.append(Patch(facecolor=colour, hatch=hatch, edgecolor="white", label=wrapped(name, 60)))
        up, down = up + np.maximum(amounts, 0), down + np.minimum(amounts, 0)
    change = table["change"].to_numpy(float)
    axes.scatter(change, places, s=44, color=INK, edgecolor="white", lw=1.2, zorder=4)
    handles.append(
        Line2D([], [], marker="o", ls="", color=INK, markeredgecolor="white", ms=7.5, label="Change in all")
    )
    for place, end, amount in zip(places, np.fmax(up, np.nan_to_num(change)), change, strict=True):
        mark(axes, formats.money(amount, currency), (end, place), right=8, fontweight="bold")
    axes.axvline(0, color=INK, lw=0.8)
    reach = float(up.max() - down.min()) or 20.0
    axes.set_xlim(down.min() - 0.03 * reach, up.max() + 0.03 * reach)
    money_axis(axes.xaxis, currency)
    name_axes(axes, f"{axis} ({currency})", rows)
    legend_above(axes, handles)
    make_room(axes)
    last = table.iloc[-1]
    most = parts.iloc[-1].abs().idxmax()
    alt = (
        f"Stacked bar chart, {in_sentence(axis)} on the horizontal axis, one bar per {in_sentence(rows)}, split into "
        f"{', '.join(in_sentence(name) for name in factors.values())}: for {last['label']} the change is "
        f"{formats.money(last['change'], currency)}, the largest part of it "
        f"{formats.money(last[most], currency)} through {in_sentence(factors[most])}."
    )
    columns = {"label": (rows, "text")}
    kind = "exact_money" if table[["change", *factors]].abs().max(axis=None) < 1000 else "full_money"
    columns |= {column: (f"{name} ({currency})", kind) for column, name in factors.items()}
    columns |= {"change": (f"Change in all ({currency})", kind)}
    return Figure(drawing, title, subtitle, alt, Table(at_most(table), title, columns, currency=currency))


def _factor_look(column: str, factors: list[str]) -> tuple[str, str]:
    """Return the colour and the hatch of a factor."""
    free = [place for place in range(len(GROUPS)) if place not in _FACTOR_PLACES.values()]
    others = [name for name in factors if name not in _FACTOR_PLACES]
    place = _FACTOR_PLACES.get(column)
    if place is None:
        place = free[others.index(column) % len(free)]
    return GROUPS[place], _HATCHES[place]


def stacked_base(
    table: pd.DataFrame,
    title: str,
    subtitle: str,
    currency: str,
    axis: str,
    cut: tuple[str, ...] = (),
    apart: str = "",
    steps: str = "Period",
) -> Figure:
    """Stack the money of each step of time by when its customers were won, the oldest at the bottom.

    Parameters
    ----------
    table : DataFrame
        Index: step of time. Columns: groups of customers, the oldest first. Money.
    title, subtitle, currency : str
    axis : str
        What the money is.
    cut : tuple of str
        Steps that are not whole.
    apart : str
        Column that is no cohort, such as sales without a name.
    steps : str
        What the steps of time are.
    """
    names = [str(step) for step in table.index]
    amounts = table.fillna(0.0).to_numpy(float)
    drawing, axes = canvas(height=4.2)
    places = column_places(axes, len(table))
    is_cut = np.isin(names, cut)
    up, down = np.zeros(len(table)), np.zeros(len(table))
    cohorts = [column for column in table.columns if column != apart]
    marks, handles = [], []
    for column, money in zip(table.columns, amounts.T, strict=True):
        colour = "white"
        if column != apart:
            colour = to_hex(_OLD_TO_NEW(cohorts.index(column) / max(len(cohorts) - 1, 1)))
        look = {"facecolor": colour, "lw": 0.9} | (
            {"edgecolor": "#aeb6bc", "hatch": "...", "lw": 0.6} if column == apart else {"edgecolor": "white"}
        )
        bottom = np.where(money >= 0, up, down)
        bars = axes.bar(places, money, bottom=bottom, width=0.8, **look)
        for bar, short in zip(bars, is_cut, strict=True):
            if short:
                bar.set_hatch("////")
        marks.append((places[-1] + 0.4, bottom[-1] + money[-1] / 2, wrapped(column, 18), INK))
        handles.append(Patch(label=wrapped(column, 60), **look))
        up, down = up + np.maximum(money, 0), down + np.minimum(money, 0)
    span = float(up.max() - down.min()) or 25.0
    axes.set_ylim(down.min() - 0.03 * span * (down.min() < 0), up.max() + 0.04 * span)
    for place in places[is_cut]:
        mark(axes, "cut\nshort", (place, up[place]), up=3, color=SOFT)
    axes.plot([-0.6, len(table) - 0.4], [0, 0], color=INK, lw=0.8)
    money_axis(axes.yaxis, currency)
    name_axes(axes, steps, f"{axis} ({currency})")
    if len(marks) <= 8:
        write_ends(axes, marks)
    else:
        legend_above(axes, handles[::-1])
    make_room(axes)
    name_columns(axes, names)
    totals = amounts.sum(axis=1)
    before = f"{formats.money(totals[0], currency)} in {names[0]}, " if len(names) > 1 else ""
    alt = (
        f"Stacked bar chart, {in_sentence(steps)} on the horizontal axis, {in_sentence(axis)} on the vertical axis, "
        f"split by when customers were won: {before}"
        f"{formats.money(totals[-1], currency)} in {names[-1]}, of which {formats.money(amounts[-1, 0], currency)} "
        f"{in_sentence(table.columns[0])}."
    )
    behind = pd.DataFrame(amounts, columns=[f"group_{place}" for place in range(table.shape[1])])
    behind.insert(0, "step", names)
    columns = {"step": (steps, "text")}
    columns |= {
        f"group_{place}": (f"{name} ({currency})", "full_money") for place, name in enumerate(table.columns)
    }
    return Figure(drawing, title, subtitle, alt, Table(at_most(behind), title, columns, currency=currency))
