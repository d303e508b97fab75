"""Figures of lifetime value: forecasts beside what happened, value by history, worth beside cost."""

import matplotlib.dates as mdates
import numpy as np
import pandas as pd
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from crmlib.display import formats
from crmlib.display.figures.labels import (
    at_most,
    column_places,
    count_axis,
    in_sentence,
    legend_above,
    name_axes,
    name_columns,
    name_rows,
)
from crmlib.display.figures.room import HALO, make_room, mark, value_limits, write_ends
from crmlib.display.house import ACCENT, GREY, INK, LOSS, PALE, SOFT, Figure, canvas, money_axis, value_axis
from crmlib.display.tables import Table


def iso_values(grid: pd.DataFrame, title: str, subtitle: str, currency: str) -> Figure:
    """Draw lines of equal value over the history of a customer.

    Parameters
    ----------
    grid : DataFrame
        Index: purchases so far, rising; columns: days since the last purchase, rising; values: money.
    title, subtitle, currency : str
    """
    drawing, axes = canvas(height=4.2)
    days, bought = grid.columns.to_numpy(float), grid.index.to_numpy(float)
    values = grid.to_numpy(float)
    levels = _levels(values)
    shades = [ACCENT if i == len(levels) - 1 else GREY for i in range(len(levels))]
    axes.contourf(days, bought, values, levels=[levels[-1], max(values.max(), levels[-1] * 1.001) * 2],
                  colors=[ACCENT], alpha=0.10)  # fmt: skip
    lines = axes.contour(days, bought, values, levels=levels, colors=shades, linewidths=1.8)
    axes.clabel(lines, fmt=lambda value: formats.round_money(value, currency), fontsize=9, inline=True)
    axes.set_xlim(days[0], days[-1])
    axes.set_ylim(bought[0], bought[-1])
    axes.yaxis.set_major_locator(MaxNLocator(nbins=6, integer=True))
    name_axes(axes, "Time since the last purchase (days)", "Purchases so far (number)")
    corners = {(i, j): values[i, j] for i in (0, -1) for j in (0, -1)}
    written = {where: formats.money(value, currency) for where, value in corners.items()}
    alt = (
        "Line chart of equal values, days since the last purchase on the horizontal axis, purchases so far on "
        f"the vertical axis: with {formats.count(bought[-1])} purchases worth {written[-1, 0]} just after the last and "
        f"{written[-1, -1]} after {formats.count(days[-1])} days; with {formats.count(bought[0])}, {written[0, 0]} and "
        f"{written[0, -1]}."
    )
    picked = at_most(grid.T.reset_index(drop=True).assign(days=days), 12)
    some = at_most(grid.reset_index(drop=True).assign(at=bought), 6)["at"]
    table = pd.DataFrame(
        {"days": picked["days"]} | {f"n{n:.0f}": grid.loc[n].to_numpy()[picked.index] for n in some}
    )
    columns = {"days": ("Days since the last purchase", "count")} | {
        f"n{n:.0f}": (f"{n:.0f} purchases ({currency})", "exact_money") for n in some
    }
    return Figure(drawing, title, subtitle, alt, Table(table, title, columns, currency=currency))


def _levels(values: np.ndarray) -> list[float]:
    """Choose up to six round amounts that the values pass through, each about double the one before."""
    top, low = float(values.max()), max(float(values.min()), float(values.max()) / 200)
    steps = [m * 10.0**e for e in range(-2, 9) for m in (1, 2, 5)]
    inside = [step for step in steps if low * 1.02 < step < top * 0.98]
    return inside[-6:] or [0.5 * (low + top)]


def tracking(table: pd.DataFrame, title: str, subtitle: str, known_until: pd.Timestamp) -> Figure:
    """Draw purchases added up beside what the model expected, and where it stopped learning.

    Parameters
    ----------
    table : DataFrame
        Columns ``day`` (end of a period), ``actual`` and ``expected``, purchases up to then.
    title, subtitle : str
    known_until : Timestamp
        Last day the model has seen.
    """
    drawing, axes = canvas(height=3.6)
    days = pd.to_datetime(table["day"])
    axes.plot(days, table["actual"], color=INK, lw=2.4)
    axes.plot(days, table["expected"], color=ACCENT, lw=2.2, ls=(0, (5, 2)))
    axes.set_ylim(0, float(table[["actual", "expected"]].max().max()) * 1.05)
    axes.set_xlim(days.iloc[0], days.iloc[-1])
    axes.axvline(known_until, color=GREY, lw=1.2, ls="--")
    top = axes.get_ylim()[1]
    mark(axes, "the model knows", (mdates.date2num(known_until), top), right=-5, up=-3, color=SOFT)
    mark(axes, "it does not know", (mdates.date2num(known_until), top), right=5, up=-3, color=SOFT)
    axes.xaxis.set_major_locator(mdates.AutoDateLocator(minticks=3, maxticks=7))
    axes.xaxis.set_major_formatter(mdates.DateFormatter("%b %Y"))
    count_axis(axes.yaxis)
    name_axes(axes, "Day", "Repeat purchases, added up (number)")
    last = table.iloc[-1]
    at = mdates.date2num(days.iloc[-1])
    write_ends(
        axes,
        [
            (at, float(last["actual"]), f"{formats.count(last['actual'])}\nhappened", INK),
            (at, float(last["expected"]), f"{formats.count(last['expected'])}\nexpected", ACCENT),
        ],
    )
    make_room(axes)
    alt = (
        "Line chart, days on the horizontal axis, repeat purchases added up on the vertical axis: at the end "
        f"{formats.count(last['actual'])} happened, {formats.count(last['expected'])} were expected."
    )
    columns = {
        "day": ("Up to", "day"),
        "actual": ("Happened (purchases)", "count"),
        "expected": ("Expected (purchases)", "count"),
    }
    return Figure(drawing, title, subtitle, alt, Table(at_most(table), title, columns))


def forecast_and_actual(
    table: pd.DataFrame,
    title: str,
    subtitle: str,
    across: str,
    up: str,
    currency: str = "",
    kind: str = "number",
    names: tuple[str, str] = ("Forecast", "Happened"),
    who: str = "customers",
) -> Figure:
    """Set what a forecast said of each group of customers beside what happened.

    Parameters
    ----------
    table : DataFrame
        Columns ``label``, ``customers``, ``forecast`` and ``actual`` (means per customer).
    title, subtitle : str
    across : str
        What the groups are.
    up : str
        What was forecast, with its unit unless it is money.
    currency : str
    kind : {"money", "number", "share"}
        What the numbers are.
    names : tuple of str
        What the lines and the bars are.
    who : str
        Who is counted.
    """

    def written(value: float) -> str:
        return formats.written(value, kind, currency)

    drawing, axes = canvas(height=3.4)
    places = column_places(axes, len(table))
    forecast, actual = table["forecast"].to_numpy(float), table["actual"].to_numpy(float)
    ends = np.concatenate([forecast, actual])
    axes.set_ylim(min(0.0, float(np.nanmin(ends)) * 1.05), max(float(np.nanmax(ends)) * 1.05, 1e-9))
    axes.bar(places, actual, width=0.62, color=PALE, zorder=1)
    axes.hlines(forecast, places - 0.36, places + 0.36, color=ACCENT, lw=3, zorder=3)
    for place in {0, len(table) - 1}:
        mark(
            axes,
            written(actual[place]),
            (place, max(actual[place], forecast[place])),
            up=4,
            path_effects=HALO,
        )
    unit = f" ({currency})" if kind == "money" else ""
    value_axis(axes.yaxis, kind, currency)
    name_axes(axes, f"{across} (number of {who})", up + unit)
    make_room(axes)
    name_columns(axes, table["label"], [f"({formats.count(n)})" for n in table["customers"]])
    legend_above(
        axes,
        [
            Line2D([], [], color=ACCENT, lw=3, label=names[0]),
            Line2D([], [], color=PALE, lw=9, label=names[1]),
        ],
    )
    first, last = (
        f"{table['label'].iloc[i]}: {in_sentence(names[0])} {written(forecast[i])}, "
        f"{in_sentence(names[1])} {written(actual[i])}"
        for i in (0, -1)
    )
    alt = (
        f"Bar chart ({in_sentence(names[1])}) with lines ({in_sentence(names[0])}), {in_sentence(across)} on the "
        f"horizontal axis, {in_sentence(up)} on the vertical axis. {first}; {last}."
    )
    shape = {"money": "exact_money", "share": "share1"}.get(kind, "number2")
    columns = {
        "label": (across, "text"),
        "customers": (who.capitalize(), "count"),
        "forecast": (f"{names[0]}{unit}", shape),
        "actual": (f"{names[1]}{unit}", shape),
    }
    return Figure(drawing, title, subtitle, alt, Table(at_most(table), title, columns, currency=currency))


def worth_and_cost(
    table: pd.DataFrame, title: str, subtitle: str, currency: str, axis: str, cost: str, rows: str
) -> Figure:
    """Set what something is worth, with its interval, beside what it costs.

    Parameters
    ----------
    table : DataFrame
        Columns ``label``, ``customers``, ``value``, ``low``, ``high`` and ``cost`` (missing where not known).
    title, subtitle, currency : str
    axis : str
        What the value is.
    cost, rows : str
        What the cost is, and what the rows are.
    """
    values, low, high, costs = (table[name].to_numpy(float) for name in ("value", "low", "high", "cost"))
    drawing, axes = canvas(height=0.46 * len(table) + 1.1)
    names = [
        f"{label} ({formats.count(n)})" for label, n in zip(table["label"], table["customers"], strict=True)
    ]
    places = name_rows(axes, names, 34)
    axes.set_xlim(*value_limits([values, low, high, costs]))
    colours = np.select([low > costs, high < costs], [ACCENT, LOSS], GREY)
    axes.hlines(places, low, high, color=colours, lw=7, alpha=0.4)
    axes.scatter(values, places, color=colours, s=60, zorder=3)
    known = np.isfinite(costs)
    axes.vlines(costs[known], places[known] - 0.3, places[known] + 0.3, color=INK, lw=2.2, zorder=4)
    for place, value, end, colour in zip(places, values, high, colours, strict=True):
        mark(axes, formats.money(value, currency), (np.fmax(end, value), place), right=8, color=colour)
    money_axis(axes.xaxis, currency)
    name_axes(axes, f"{axis} ({currency})", f"{rows} (number of customers)")
    make_room(axes)
    marks = [Line2D([], [], color=GREY, marker="o", lw=5, alpha=0.7, label=axis)]
    if known.any():
        marks.append(Line2D([], [], color=INK, marker="|", ms=13, mew=2.2, lw=0, label=cost))
    legend_above(axes, marks)
    told = [
        f"{label} {formats.money(value, currency)}"
        + (f" at a cost of {formats.money(price, currency)}" if np.isfinite(price) else "")
        for label, value, price in zip(table["label"], values, costs, strict=True)
    ]
    alt = f"Dot chart with ranges, {in_sentence(axis)} on the horizontal axis, one dot per {in_sentence(rows)}: "
    alt += "; ".join(told[:8]) + "."
    columns = {
        "label": (rows, "text"),
        "customers": ("Customers", "count"),
        "value": (f"{axis} ({currency})", "exact_money"),
        "low": (f"Low ({currency})", "exact_money"),
        "high": (f"High ({currency})", "exact_money"),
        "cost": (f"{cost} ({currency})", "exact_money"),
    }
    return Figure(drawing, title, subtitle, alt, Table(at_most(table), title, columns, currency=currency))
