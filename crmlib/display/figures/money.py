"""Figures of money by line, resource, group or option: horizontal bars, labels in words."""

import numpy as np
import pandas as pd

from crmlib.display import formats
from crmlib.display.figures.labels import in_sentence, name_axes, name_rows
from crmlib.display.figures.room import make_room, write_beside
from crmlib.display.house import ACCENT, BAR, GREY, INK, LOSS, Figure, canvas, money_axis
from crmlib.display.tables import Table


def steps_to_profit(
    lines: pd.DataFrame,
    title: str,
    subtitle: str,
    currency: str,
    totals: tuple[str, ...],
    axis: str = "Line of the statement",
    lines_of: str = "line of the income statement",
) -> Figure:
    """Walk from one amount to another, such as from sales to profit, one bar per step.

    Parameters
    ----------
    lines : DataFrame
        Columns ``line`` (name) and ``amount`` (money; costs negative; subtotals as they stand).
    title, subtitle, currency : str
    totals : tuple of str
        Names of the lines that are subtotals: their bars stand on zero.
    axis : str
        What the lines are, for the axis.
    lines_of : str
        What one bar stands for, for the alt text.
    """
    amounts = lines["amount"].to_numpy(float)
    is_total = lines["line"].isin(totals).to_numpy()
    # A step starts where the running level stands; a subtotal sets the level anew, from zero.
    ends = np.array([], dtype=float)
    level = 0.0
    for amount, total in zip(amounts, is_total, strict=True):
        level = amount if total else level + amount
        ends = np.append(ends, level)
    starts = np.where(is_total, 0.0, np.concatenate([[0.0], ends[:-1]]))
    drawing, axes = canvas(height=0.34 * len(lines) + 0.6)
    places = name_rows(axes, lines["line"])
    colours = np.select([is_total, amounts < 0], [ACCENT, LOSS], GREY)
    axes.barh(places, ends - starts, left=starts, height=BAR, color=colours)
    right = np.maximum(starts, ends)
    span = right.max() - min(0.0, ends.min())
    write_beside(axes, places, right + 0.01 * span, [formats.money(a, currency) for a in amounts])
    axes.axvline(0, color=INK, lw=0.8)
    axes.set_xlim(right=right.max() + 0.15 * span)
    money_axis(axes.xaxis, currency)
    name_axes(axes, f"Money in the period ({currency})", axis)
    make_room(axes)
    first, last = lines.iloc[0], lines.iloc[-1]
    alt = (
        f"Waterfall chart, money on the horizontal axis, one bar per {lines_of}: "
        f"from {in_sentence(first['line'])} of {formats.money(first['amount'], currency)} "
        f"to {in_sentence(last['line'])} of {formats.money(last['amount'], currency)}."
    )
    columns = {"line": ("Line", "text"), "amount": (f"Amount ({currency})", "full_money")}
    return Figure(drawing, title, subtitle, alt, Table(lines, title, columns, currency=currency))


def capacity_bars(capacity: pd.DataFrame, title: str, subtitle: str, currency: str) -> Figure:
    """Show what each pool of capacity costs, used and unused (hatched).

    Parameters
    ----------
    capacity : DataFrame
        As returned by `crmlib.analysis.costing.capacity_use`.
    title, subtitle, currency : str
    """
    table = capacity.sort_values("cost_supplied", ascending=False, kind="stable").reset_index()
    drawing, axes = canvas(height=0.5 * len(table) + 0.9)
    places = name_rows(axes, table["resource"].str[:1].str.upper() + table["resource"].str[1:])
    unused = table["cost_unused"].clip(lower=0)
    axes.barh(places, table["cost_used"], height=BAR, color=ACCENT)
    axes.barh(
        places,
        unused,
        left=table["cost_used"],
        height=BAR,
        color="white",
        edgecolor=GREY,
        hatch="////",
        lw=0.8,
    )
    ends = table[["cost_supplied", "cost_used"]].max(axis=1)
    words = [
        f"{formats.share(row.utilisation)} used, {formats.money(row.cost_unused, currency)} unused"
        if row.cost_unused >= 0
        else f"{formats.share(row.utilisation)} used: overloaded"
        for row in table.itertuples()
    ]
    write_beside(axes, places, ends + 0.01 * ends.max(), words)
    axes.set_xlim(0, ends.max() * 1.62)
    axes.set_xlabel(f"Cost of the capacity in the period ({currency})")
    axes.set_ylabel("Resource")
    money_axis(axes.xaxis, currency)
    least = table.loc[table["utilisation"].idxmin()]
    alt = (
        "Stacked bar chart, cost on the horizontal axis, one bar per resource, split into used and unused "
        f"capacity (hatched). The least used is {least['resource']} at {formats.share(least['utilisation'])}."
    )
    columns = {
        "resource": ("Resource", "text"),
        "cost_supplied": (f"Paid for ({currency})", "full_money"),
        "cost_used": (f"Used ({currency})", "full_money"),
        "cost_unused": (f"Not used ({currency})", "full_money"),
        "utilisation": ("Used (share of minutes)", "share1"),
    }
    return Figure(drawing, title, subtitle, alt, Table(table, title, columns, currency=currency))


def ranked_bars(
    table: pd.DataFrame, title: str, subtitle: str, currency: str, axis: str, colour: str = LOSS
) -> Figure:
    """Draw one money bar per group, in the order given, with the number of customers.

    Parameters
    ----------
    table : DataFrame
        Columns ``label``, ``amount`` (money, not negative) and ``customers``.
    title, subtitle, currency : str
    axis : str
        What the bars measure, for the axis.
    colour : str
        Colour of the bars.
    """
    drawing, axes = canvas(height=0.44 * len(table) + 0.8)
    places = name_rows(axes, table["label"])
    amounts = table["amount"].to_numpy(float)
    axes.barh(places, amounts, height=BAR, color=colour)
    size = max(amounts.max(), 1e-9)
    words = [
        f"{formats.money(row.amount, currency)}, {formats.count(row.customers)} customer{'s' * (row.customers != 1)}"
        for row in table.itertuples()
    ]
    write_beside(axes, places, amounts + 0.015 * size, words)
    axes.set_xlim(0, size * 1.55)
    axes.set_xlabel(f"{axis} ({currency})")
    axes.set_ylabel("Group of customers")
    money_axis(axes.xaxis, currency)
    first = table.iloc[0]
    alt = (
        f"Bar chart, {in_sentence(axis)} on the horizontal axis, one bar per group: the first is {first['label']} with "
        f"{formats.money(first['amount'], currency)} from {formats.count(first['customers'])} customers."
    )
    columns = {
        "label": ("Group", "text"),
        "customers": ("Customers", "count"),
        "amount": (f"{axis} ({currency})", "full_money"),
    }
    return Figure(drawing, title, subtitle, alt, Table(table, title, columns, currency=currency))


def gains(table: pd.DataFrame, title: str, subtitle: str, currency: str) -> Figure:
    """Draw what each option moves, with its interval, beside doing nothing.

    Parameters
    ----------
    table : DataFrame
        Columns ``label``, ``gain``, ``low``, ``high``; doing nothing is a row of zeros.
    title, subtitle, currency : str
    """
    drawing, axes = canvas(height=0.46 * len(table) + 0.8)
    places = name_rows(axes, table["label"])
    colours = np.select([table["low"] > 0, table["high"] < 0], [ACCENT, LOSS], GREY)
    axes.hlines(places, table["low"], table["high"], color=colours, lw=6, alpha=0.4)
    words = [
        formats.money(row.gain, currency)
        + (
            f" ({formats.money(row.low, currency)} to {formats.money(row.high, currency)})"
            if row.low < row.high
            else ""
        )
        for row in table.itertuples()
    ]
    axes.scatter(table["gain"], places, color=colours, s=60, zorder=3)
    span = max(table["high"].max() - min(table["low"].min(), 0.0), 1e-9)
    write_beside(axes, places, table["high"] + 0.045 * span, words)
    axes.axvline(0, color=INK, lw=1.0, ls="--")
    axes.set_xlim(min(table["low"].min(), 0.0) - 0.06 * span, max(table["high"].max(), 0.0) + 1.25 * span)
    axes.set_xlabel(f"Profit moved in the next period ({currency})")
    axes.set_ylabel("Option")
    money_axis(axes.xaxis, currency)
    best = table.loc[table["gain"].idxmax()]
    alt = (
        "Dot chart with ranges, profit moved on the horizontal axis, one dot per option. The largest is "
        f"{in_sentence(best['label'])}: {formats.money(best['gain'], currency)}, between "
        f"{formats.money(best['low'], currency)} and {formats.money(best['high'], currency)}. "
        "Doing nothing stands at zero."
    )
    columns = {
        "label": ("Option", "text"),
        "gain": (f"Expected ({currency})", "full_money"),
        "low": (f"Low ({currency})", "full_money"),
        "high": (f"High ({currency})", "full_money"),
    }
    return Figure(drawing, title, subtitle, alt, Table(table, title, columns, currency=currency))
