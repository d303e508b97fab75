"""Figures of segments: how steady clusters are, and where customers stand by value and by tenure ahead."""

import numpy as np
import pandas as pd

from crmlib.display import formats
from crmlib.display.figures.labels import count_axis, name_axes
from crmlib.display.figures.room import make_room, mark
from crmlib.display.house import ACCENT, GREY, INK, LOSS, SOFT, Figure, canvas, money_axis
from crmlib.display.segments.palette import segment_colour
from crmlib.display.tables import Table

_MOST_DRAWN = 3000


def steady_counts(
    table: pd.DataFrame, title: str, subtitle: str, limits: tuple[float, float], currency: str = ""
) -> Figure:
    """Draw how steady the least steady cluster is, by the number of clusters.

    Parameters
    ----------
    table : DataFrame
        ``number`` of clusters, ``value`` (mean Jaccard index of the least steady one) and ``again`` (mean adjusted Rand
        index), in rising order.
    title, subtitle : str
    limits : tuple of float
        Indices from which on clusters are highly steady, and steady by the usual limit.
    currency : str
        Not used: no money is drawn.
    """
    strict, usual = limits
    values, numbers = table["value"].to_numpy(float), table["number"].to_numpy(int)
    drawing, axes = canvas(height=3.1)
    for limit, words in ((strict, "highly steady"), (usual, "usual limit")):
        axes.axhline(limit, color=INK, lw=1.0, ls="--", zorder=1)
        mark(axes, f"{words}: {limit:.2f}", (numbers[-1] + 0.45, limit), up=3, ha="right", color=INK)
    axes.plot(numbers, values, color=GREY, lw=1.2, zorder=2)
    colours = np.select([values >= strict, values >= usual], [ACCENT, GREY], LOSS)
    axes.scatter(numbers, values, color=colours, s=70, zorder=3)
    for number, value in zip(numbers, values, strict=True):
        mark(axes, f"{value:.2f}", (number, value), up=-8)
    axes.set_ylim(min(0.4, float(values.min()) - 0.1), 1.03)
    axes.set_xlim(numbers[0] - 0.5, numbers[-1] + 0.5)
    axes.set_xticks(numbers)
    name_axes(axes, "Clusters (number)", "Least steady cluster (mean Jaccard index)")
    make_room(axes)
    good = [str(number) for number, value in zip(numbers, values, strict=True) if value >= strict]
    alt = (
        "Line chart, number of clusters on the horizontal axis, mean Jaccard index of the least steady cluster on the "
        f"vertical axis: {values[0]:.2f} for {numbers[0]} and {values[-1]:.2f} for {numbers[-1]} clusters; "
        f"{'at or above ' if good else 'none reaches '}{strict:.2f}{': ' + ', '.join(good) if good else ''}."
    )
    columns = {
        "number": ("Clusters", "count"),
        "value": ("Least steady cluster (mean Jaccard index)", "number2"),
        "again": ("All clusters (mean adjusted Rand index)", "number2"),
    }
    return Figure(drawing, title, subtitle, alt, Table(table, title, columns))


def value_map(
    people: pd.DataFrame, cuts: tuple[float, float], title: str, subtitle: str, currency: str, horizon: float
) -> Figure:
    """Draw customers by tenure ahead and value, parted by the two cut-offs into four groups.

    Parameters
    ----------
    people : DataFrame
        ``value`` (money), ``months_ahead`` and ``segment`` (name of the group), by customer. Of very many, every so
        many are drawn; all are counted.
    cuts : tuple of float
        Value from which it is high, months from which tenure is long.
    title, subtitle, currency : str
    horizon : float
        Months looked ahead.
    """
    value_cut, months_cut = cuts
    value, ahead = people["value"].to_numpy(float), people["months_ahead"].to_numpy(float)
    step = max(1, -(-len(people) // _MOST_DRAWN))
    order = np.lexsort((value, ahead))[::step]
    drawing, axes = canvas(height=4.4)
    # Money spans from large losses to large profits: near the line it is drawn as it is, beyond it by its logarithm.
    near = max(float(np.quantile(np.abs(value), 0.75)), abs(value_cut), 1e-9)
    axes.set_yscale("symlog", linthresh=near)
    names = people["segment"].astype("str").to_numpy()
    axes.scatter(
        ahead[order],
        value[order],
        s=11,
        lw=0,
        alpha=0.55,
        color=[segment_colour(name) for name in names[order]],
        zorder=2,
    )
    axes.axhline(value_cut, color=INK, lw=1.0, ls="--", zorder=3)
    axes.axvline(months_cut, color=INK, lw=1.0, ls="--", zorder=3)
    low, high = float(value.min()), float(value.max())
    bottom, top = _beyond(low, near, -1), _beyond(high, near, 1)
    axes.set_ylim(bottom, top)
    axes.set_xlim(0, horizon)
    sums = people.assign(segment=names).groupby("segment")["value"].agg(["size", "sum"])
    corners = {
        "Butterflies": (0.015 * horizon, top, "left", "top"), "True friends": (0.985 * horizon, top, "right", "top"),
        "Strangers": (0.015 * horizon, bottom, "left", "bottom"),
        "Barnacles": (0.985 * horizon, bottom, "right", "bottom"),
    }  # fmt: skip
    for name, (x, y, side, end) in corners.items():
        size, money = sums.loc[name] if name in sums.index else (0, 0.0)
        words = f"{name}\n{formats.count(size)} customer{'s' * (size != 1)}, {formats.money(money, currency)}"
        look = {"ha": side, "va": end, "color": INK, "fontweight": "bold", "fontsize": 9.5}
        up = -4 if end == "top" else 4
        mark(
            axes, words, (x, y), up=up, bbox={"facecolor": "white", "alpha": 0.8, "lw": 0, "pad": 1.5}, **look
        )
    money_axis(axes.yaxis, currency)
    ticks = _ticks(bottom, top, near)
    axes.set_yticks(ticks, [formats.round_money(tick, currency) for tick in ticks])
    axes.minorticks_off()
    count_axis(axes.xaxis)
    name_axes(axes, "Expected to stay (months ahead)", f"Profit before the cost of winning ({currency})")
    axes.grid(axis="y", color="#eef1f3", lw=0.6, zorder=0)
    axes.tick_params(colors=SOFT)
    told = ", ".join(
        f"{formats.count(row['size'])} {name.lower()} with {formats.money(row['sum'], currency)}"
        for name, row in sums.iterrows()
    )
    alt = (
        "Dot chart, months a customer is expected to stay on the horizontal axis, profit before the cost of winning on "
        f"the vertical axis, parted at {formats.money(value_cut, currency)} and {months_cut:g} months: {told}."
    )
    behind = sums.reset_index().assign(mean=lambda frame: frame["sum"] / frame["size"])
    columns = {
        "segment": ("Group", "text"),
        "size": ("Customers", "count"),
        "sum": (f"Profit before the cost of winning ({currency})", "full_money"),
        "mean": (f"Profit per customer ({currency})", "exact_money"),
    }
    return Figure(drawing, title, subtitle, alt, Table(behind, title, columns, currency=currency))


def _beyond(value: float, near: float, side: int) -> float:
    """End of the axis on one side: beyond the farthest customer by room for two lines of words."""
    size = max(side * value, 0.0)
    return side * (near * 3 if size <= near else size * 8)


def _ticks(bottom: float, top: float, near: float) -> list[float]:
    """Round numbers, a power of ten apart beyond the middle."""
    first = 10 ** np.ceil(np.log10(near))
    powers = first * 10.0 ** np.arange(0, 12)
    ups, downs = powers[powers < top], powers[powers < -bottom]
    return [*(-downs[::-1]), 0.0, *ups]
