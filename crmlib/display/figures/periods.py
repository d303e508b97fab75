"""Figures of one period and of two: how different customers are, and where they move."""

import numpy as np
import pandas as pd
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.patches import Rectangle

from crmlib.display import formats
from crmlib.display.figures.labels import (
    at_most,
    column_places,
    count_axis,
    in_sentence,
    name_axes,
    name_columns,
    name_rows,
    people,
    wrapped,
)
from crmlib.display.figures.room import make_room, mark, write_beside
from crmlib.display.house import (
    ACCENT,
    BAR,
    GREY,
    INK,
    LOSS,
    SOFT,
    Figure,
    canvas,
    share_axis,
)
from crmlib.display.tables import Table


def distribution(table: pd.DataFrame, title: str, subtitle: str, axis: str, marked_as: str = "") -> Figure:
    """Draw how many customers fall into each bin, with their share above the bar.

    Parameters
    ----------
    table : DataFrame
        Columns ``label`` (bin in words), ``customers`` and ``marked`` (drawn in the colour of
        losses), in the order of the bins.
    title, subtitle : str
    axis : str
        What the bins measure, with its unit.
    marked_as : str
        What the marked bins have in common, such as "lose money"; written with their share.
    """
    customers, marked = table["customers"].to_numpy(float), table["marked"].to_numpy(bool)
    total = customers.sum()
    shares = customers / (total or 1.0)
    drawing, axes = canvas(height=3.2)
    places = column_places(axes, len(table))
    axes.bar(places, customers, width=0.8, color=np.where(marked, LOSS, ACCENT))
    top = max(float(customers.max()), 1.0)
    for place, number, share in zip(places, customers, shares, strict=True):
        mark(axes, formats.share(share), (place, number), up=2)
    axes.set_ylim(0, top * 1.1)
    words = f"{formats.share(shares[marked].sum())} {marked_as}" if marked_as and marked.any() else ""
    if words:  # above all bars, on the side of the marked ones
        above = (float(places[marked].mean()), top)
        mark(axes, wrapped(words, 40), above, up=17, fontsize=9.5, color=LOSS, fontweight="bold")
    count_axis(axes.yaxis)
    name_axes(axes, axis, "Customers (number)")
    make_room(axes)
    name_columns(axes, table["label"])
    fullest = table.iloc[int(np.argmax(customers))]
    alt = (
        f"Bar chart, {in_sentence(axis)} on the horizontal axis, number of customers on the vertical "
        f"axis: the fullest bin is {fullest['label']} with {formats.count(fullest['customers'])} of "
        f"{formats.count(total)} customers" + (f"; {words}." if words else ".")
    )
    columns = {
        "label": (axis, "text"),
        "customers": ("Customers", "count"),
        "share": ("Customers (share)", "share1"),
    }
    return Figure(drawing, title, subtitle, alt, Table(table.assign(share=shares), title, columns))


def tenths_of_profit(table: pd.DataFrame, title: str, subtitle: str, currency: str) -> Figure:
    """Draw how many customers it takes to earn each tenth of the profit, the best first.

    Parameters
    ----------
    table : DataFrame
        Columns ``label``, ``customers`` and ``profit`` (money): the tenths, then those who earn
        beyond the total, and those who lose it again.
    title, subtitle, currency : str
    """
    customers, profit = table["customers"].to_numpy(float), table["profit"].to_numpy(float)
    total, everyone = float(profit.sum()), customers.sum() or 1.0
    # What the best customers have earned before this part begins: at the total, the rest is beyond.
    begins = np.concatenate([[0.0], np.cumsum(profit)[:-1]])
    beyond = begins >= total - 1e-9 * abs(total)
    drawing, axes = canvas(height=0.31 * len(table) + 0.7)
    places = name_rows(axes, table["label"], 28)
    axes.barh(places, customers, height=BAR, color=np.select([profit < 0, beyond], [LOSS, GREY], ACCENT))
    size = max(float(customers.max()), 1.0)
    words = [f"{people(number)} ({formats.share(number / everyone)})" for number in table["customers"]]
    write_beside(axes, places, customers + 0.012 * size, words)
    axes.set_xlim(0, size)
    tenth = formats.money(total / 10, currency)
    name_axes(axes, "Customers it takes (number)", f"Part of the profit ({tenth} a tenth)")
    count_axis(axes.xaxis)
    make_room(axes)
    first, most = table.iloc[0], table.iloc[int(np.argmax(customers))]
    alt = (
        "Bar chart, number of customers on the horizontal axis, one bar per part of the profit, from the best "
        f"customers to the worst: {in_sentence(first['label'])} takes {people(first['customers'])} "
        f"({formats.share(first['customers'] / everyone)}), the longest bar is {in_sentence(most['label'])} with "
        f"{formats.count(most['customers'])}."
    )
    columns = {
        "label": ("Part of the profit", "text"),
        "customers": ("Customers", "count"),
        "share": ("Customers (share)", "share1"),
        "profit": (f"Profit ({currency})", "full_money"),
    }
    behind = table.assign(share=customers / everyone)
    return Figure(drawing, title, subtitle, alt, Table(behind, title, columns, currency=currency))


def migration_map(table: pd.DataFrame, title: str, subtitle: str, group: str = "Tenth") -> Figure:
    """Show where the customers of each tenth of the period before are now.

    Parameters
    ----------
    table : DataFrame
        Customers by tenth before (index, 1 the best) and tenth now (columns); the last column,
        of any name, holds those who are not active now.
    title, subtitle : str
    group : str
        What the groups are called.
    """
    sizes = table.sum(axis=1).to_numpy(float)
    parts = table.to_numpy(float) / np.where(sizes > 0, sizes, 1.0)[:, None]
    rows, groups = len(table), table.shape[1] - 1
    # The gap sets those who are gone apart from those who moved.
    lefts = np.append(np.arange(groups), groups + 0.5).astype(float)
    tints = [LinearSegmentedColormap.from_list("tint", ["#f3f6f7", dark]) for dark in (ACCENT, SOFT)]
    tops = [max(float(part.max()), 0.01) for part in (parts[:, :-1], parts[:, -1])]
    drawing, axes = canvas(height=max(0.36 * rows + 0.8, 2.5))
    for row in range(rows):
        for left, part in zip(lefts, parts[row], strict=True):
            gone = int(left > groups)
            depth = part / tops[gone]
            axes.add_patch(
                Rectangle((left, row), 1, 1, facecolor=tints[gone](depth), edgecolor="white", lw=1)
            )
            if part >= 0.05:
                ink = "white" if depth > 0.6 else INK
                mark(axes, f"{part * 100:.0f}", (left + 0.5, row + 0.5), color=ink)
    for place in range(min(rows, groups)):
        axes.add_patch(Rectangle((place, place), 1, 1, fill=False, edgecolor=INK, lw=1.4, zorder=3))
    axes.set_xlim(-0.05, groups + 1.55)
    axes.set_ylim(rows + 0.05, -0.05)
    names = [str(column) for column in table.columns[:-1]]
    axes.set_xticks(lefts + 0.5, [*names, "not\nactive"])
    axes.set_yticks(np.arange(rows) + 0.5, [str(group) for group in table.index])
    axes.tick_params(length=0)
    for side in ("left", "bottom"):
        axes.spines[side].set_visible(False)
    now = f"{group} by profit now (1 = best; cells in % of the row)"
    name_axes(axes, now, f"{group} before (1 = best)")
    stayed, gone = np.trace(table.to_numpy(float)), float(table.iloc[:, -1].sum())
    everyone = sizes.sum() or 1.0
    alt = (
        f"Heat map chart, {in_sentence(group)} by profit now on the horizontal axis, {in_sentence(group)} in the "
        f"period before on the vertical axis: {formats.share(stayed / everyone)} of customers are where they were, "
        f"{formats.share(gone / everyone)} are not active any more; of the best {in_sentence(group)} "
        f"{formats.share(parts[0, 0])} stay in it."
    )
    behind = pd.DataFrame(parts, columns=[f"to_{place}" for place in range(groups + 1)])
    behind.insert(0, "before", [str(group) for group in table.index])
    behind.insert(1, "customers", sizes)
    columns = {"before": (f"{group} before", "text"), "customers": ("Customers", "count")}
    columns |= {f"to_{place}": (name, "share") for place, name in enumerate([*names, "Not active"])}
    note = f"Share of the customers of the row, by {in_sentence(group)} now."
    return Figure(drawing, title, subtitle, alt, Table(at_most(behind), title, columns, note))


def beside_chance(
    table: pd.DataFrame,
    title: str,
    subtitle: str,
    names: tuple[str, str] = ("between the periods", "between the halves"),
) -> Figure:
    """Set what changed beside what chance alone changes.

    Parameters
    ----------
    table : DataFrame
        Columns ``label``, ``observed`` and ``by_chance`` (shares of customers).
    title, subtitle : str
    names : tuple of str
        Names of the two, written beside the bars.
    """
    drawing, axes = canvas(height=0.62 * len(table) + 0.8)
    places = name_rows(axes, table["label"], 28)
    half = 0.36
    looks = (("observed", -half / 2, ACCENT, INK, names[0]), ("by_chance", half / 2, GREY, SOFT, names[1]))
    for column, shift, colour, ink, name in looks:
        shares = table[column].to_numpy(float)
        axes.barh(places + shift, np.nan_to_num(shares), height=half, color=colour)
        for place, share in zip(places, shares, strict=True):
            words = formats.share(share) + (f" {name}" if place == 0 else "")
            mark(axes, words, (np.nan_to_num(share), place + shift), right=4, color=ink)
    top = float(np.nan_to_num(table[["observed", "by_chance"]].to_numpy(float)).max())
    axes.set_xlim(0, max(top, 0.01))
    name_axes(axes, "Customers (share)", "What changed")
    share_axis(axes.xaxis)
    make_room(axes)
    first = table.iloc[0]
    alt = (
        f"Bar chart, share of customers on the horizontal axis, two bars per kind of change, {names[0]} and "
        f"{names[1]}: for {in_sentence(first['label'])} {formats.share(first['observed'])} {names[0]}, "
        f"{formats.share(first['by_chance'])} {names[1]}."
    )
    columns = {
        "label": ("What changed", "text"),
        "observed": (f"{names[0][:1].upper()}{names[0][1:]} (share)", "share1"),
        "by_chance": (f"{names[1][:1].upper()}{names[1][1:]} (share)", "share1"),
    }
    return Figure(drawing, title, subtitle, alt, Table(table, title, columns))
