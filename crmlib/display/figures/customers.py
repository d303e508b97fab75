"""Figures of customers: how profit is spread, who turns to a loss, what became of them."""

import numpy as np
import pandas as pd
from matplotlib.ticker import MaxNLocator

from crmlib.display import formats
from crmlib.display.house import (
    ACCENT,
    BAR,
    GREY,
    INK,
    LOSS,
    PALE,
    SOFT,
    Figure,
    canvas,
    money_axis,
    share_axis,
)
from crmlib.display.tables import Table


def whale(
    curve: pd.DataFrame,
    title: str,
    subtitle: str,
    currency: str,
    of: str = "profit",
    best: str = "most to the least profitable",
) -> Figure:
    """Draw the whale curve: profit, or value, cumulated from the best customer to the worst.

    Parameters
    ----------
    curve : DataFrame
        As returned by `crmlib.analysis.concentration.whale_curve`.
    title, subtitle, currency : str
    of, best : str
        What is cumulated, and what the first customers are.
    """
    x, y = curve["customers_share"].to_numpy(), curve["cumulative_profit"].to_numpy()
    peak = int(np.argmax(y))
    drawing, axes = canvas()
    axes.fill_between(x[: peak + 1], y[: peak + 1], color=ACCENT, alpha=0.10, lw=0)
    axes.plot(x[: peak + 1], y[: peak + 1], color=ACCENT, lw=2.4)
    falls = y[-1] < y[peak] - 0.001 * abs(y[peak])
    axes.plot(x[peak:], y[peak:], color=LOSS if falls else ACCENT, lw=2.4)
    axes.axhline(0, color=INK, lw=0.8)
    axes.axhline(y[-1], color=GREY, lw=1.0, ls="--")
    if falls:
        axes.plot([x[peak]], [y[peak]], "o", color=ACCENT, ms=6)
    span = (y.max() - min(0.0, y.min())) or 1.0
    axes.set_xlim(0, 1)
    axes.set_ylim(min(0.0, y.min() - 0.08 * span), y.max() + 0.2 * span)
    left_of_peak = x[peak] > 0.45
    axes.annotate(
        f"Peak: {formats.money(y[peak], currency)}\nat {formats.share(x[peak])} of customers"
        if falls
        else f"All: {formats.money(y[peak], currency)}, from {formats.share(x[peak])} of customers",
        (x[peak], y[peak]),
        xytext=(-8 if left_of_peak else 8, 6),
        textcoords="offset points",
        ha="right" if left_of_peak else "left",
        va="bottom",
        fontsize=9.5,
        color=ACCENT,
        fontweight="bold",
    )
    if falls:
        axes.text(
            0.985, y[-1] - 0.02 * span, f"What is left: {formats.money(y[-1], currency)}", ha="right", va="top",
            fontsize=9, color=SOFT,
        )  # fmt: skip
    fifth = float(np.interp(0.2, x, y))
    axes.plot([0.2, 0.2], [0, fifth], color=GREY, lw=1.0, ls=":")
    axes.annotate(
        f"Best fifth: {formats.money(fifth, currency)}",
        (0.2, fifth),
        xytext=(8, -4),
        textcoords="offset points",
        va="top",
        fontsize=9,
        color=SOFT,
    )
    last = float(y[-1] - np.interp(0.99, x, y))
    if last < 0.2 * (y[-1] - y[peak]) < 0:  # a cliff: most of the fall is in the last hundredth
        axes.annotate(
            f"The last 1%: {formats.money(last, currency)}",
            (0.995, y[-1] - last / 2),
            xytext=(-12, 0),
            textcoords="offset points",
            ha="right",
            va="center",
            fontsize=9,
            color=LOSS,
        )
    axes.set_xlabel(f"Customers, from the {best} (share)")
    axes.set_ylabel(f"Cumulative {of} ({currency})")
    share_axis(axes.xaxis)
    money_axis(axes.yaxis, currency)
    marks = np.linspace(0, 1, 11)
    behind = pd.DataFrame({"share": marks, "profit": np.interp(marks, x, y)})
    alt = (
        f"Line chart, customers from best to worst on the horizontal axis, cumulative {of} on the vertical axis: "
        f"it rises to {formats.money(y[peak], currency)} at {formats.share(x[peak])} of customers and ends at "
        f"{formats.money(y[-1], currency)}."
    )
    columns = {
        "share": ("Best customers (share)", "share"),
        "profit": (f"Cumulative {of} ({currency})", "full_money"),
    }
    return Figure(drawing, title, subtitle, alt, Table(behind, title, columns, currency=currency))


def turned_negative(table: pd.DataFrame, title: str, subtitle: str) -> Figure:
    """Show, by decile of gross margin, how many customers lose money once service counts.

    Parameters
    ----------
    table : DataFrame
        As returned by `crmlib.analysis.profitability.reclassified`.
    title, subtitle : str
    """
    part = (table["turned_negative"] / table["customers"]).to_numpy()
    places = table.index.to_numpy()
    drawing, axes = canvas(height=3.2)
    # The three best tenths in the accent of losses: that is where nobody looks for them.
    axes.bar(places, part, width=0.8, color=np.where(places <= 3, LOSS, GREY))
    top = max(float(part.max()), 0.02)
    for place, value, number in zip(places, part, table["turned_negative"], strict=True):
        axes.text(place, value + 0.015 * top, formats.count(number), ha="center", va="bottom", fontsize=9)
    axes.set_ylim(0, top * 1.15)
    axes.set_xticks(places)
    axes.yaxis.set_major_locator(MaxNLocator(nbins=5, steps=[1, 2, 5, 10]))
    axes.set_xlabel("Tenth of customers by gross margin (1 = highest)")
    axes.set_ylabel("Turn to a loss (share)")
    share_axis(axes.yaxis)
    alt = (
        "Bar chart, tenths of customers by gross margin on the horizontal axis, share that turns to a loss after "
        f"the cost to serve on the vertical axis: {formats.share(part[0])} in the highest tenth, "
        f"{formats.share(part[-1])} in the lowest."
    )
    columns = {
        "margin_decile": ("Tenth by gross margin", "count"),
        "customers": ("Customers", "count"),
        "turned_negative": ("Turn to a loss", "count"),
        "share": ("Turn to a loss (share)", "share1"),
    }
    return Figure(
        drawing, title, subtitle, alt, Table(table.reset_index().assign(share=part), title, columns)
    )


def what_followed(table: pd.DataFrame, title: str, subtitle: str) -> Figure:
    """Show what became of former losers and former earners.

    Parameters
    ----------
    table : DataFrame
        ``table`` of `crmlib.analysis.losses.Persistence`.
    title, subtitle : str
    """
    names = {"loss": "Lost money before", "gain": "Earned money before"}
    looks = {
        "loss": (LOSS, "white", "lose money"),
        "gain": (ACCENT, "white", "earn money"),
        "gone": (PALE, INK, "not active"),
    }
    parts = table.div(table.sum(axis=1), axis=0).fillna(0.0)
    drawing, axes = canvas(height=1.9)
    places, left = np.arange(len(parts)), np.zeros(len(parts))
    for state, (colour, ink, word) in looks.items():
        widths = parts[state].to_numpy()
        axes.barh(places, widths, left=left, height=BAR, color=colour)
        for place, start, width in zip(places, left, widths, strict=True):
            if width >= 0.12:  # narrower parts have no room for words; the table has them
                text = f"{formats.share(width)}\n{word}"
                axes.text(start + width / 2, place, text, ha="center", va="center", fontsize=9, color=ink)
            elif width >= 0.05:
                text = formats.share(width)
                axes.text(start + width / 2, place, text, ha="center", va="center", fontsize=9, color=ink)
        left = left + widths
    counts = table.sum(axis=1)
    axes.set_yticks(places, [f"{names[i]}\n({formats.count(counts[i])} customers)" for i in parts.index])
    axes.invert_yaxis()
    axes.set_xlim(0, 1)
    axes.tick_params(axis="y", length=0)
    axes.set_xlabel("What they do in the period after (share of customers)")
    axes.set_ylabel("Period before")
    share_axis(axes.xaxis)
    alt = (
        "Stacked bar chart, share of customers on the horizontal axis, one bar for customers who lost and one for "
        f"customers who earned money before: {formats.share(parts.loc['loss', 'loss'])} of the first and "
        f"{formats.share(parts.loc['gain', 'loss'])} of the second lose money in the period after."
    )
    columns = {
        "before": ("Period before", "text"),
        "loss": ("Lose money (customers)", "count"),
        "gain": ("Earn money (customers)", "count"),
        "gone": ("Not active (customers)", "count"),
    }
    shown = table.reset_index().assign(before=[names[i] for i in table.index])
    return Figure(drawing, title, subtitle, alt, Table(shown, title, columns))


def truth_scatter(estimate: pd.Series, truth: pd.Series, title: str, subtitle: str, currency: str) -> Figure:
    """Plot estimated against true profit per customer, where a simulated company knows it.

    Parameters
    ----------
    estimate, truth : Series
        Profit per customer, indexed alike, in the run's currency.
    title, subtitle, currency : str
    """
    drawing, axes = canvas(height=4.2)
    axes.scatter(truth, estimate, s=9, color=ACCENT, alpha=0.35, lw=0)
    low, high = float(min(truth.min(), estimate.min())), float(max(truth.max(), estimate.max()))
    axes.plot([low, high], [low, high], color=INK, lw=1, ls="--")
    axes.text(high, high, "estimate = truth  ", ha="right", va="top", fontsize=9)
    axes.set_xscale("symlog", linthresh=100)
    axes.set_yscale("symlog", linthresh=100)
    money_axis(axes.xaxis, currency)
    money_axis(axes.yaxis, currency)
    axes.set_xlabel(f"True profit per customer ({currency}, logarithmic beyond 100)")
    axes.set_ylabel(f"Estimated profit ({currency})")
    alt = (
        "Scatter plot, true profit per customer on the horizontal axis, estimated profit on the vertical axis: "
        f"{formats.count(len(truth))} customers around the dashed line on which both are equal."
    )
    tenth = np.ceil(truth.rank(ascending=False) * 10 / len(truth)).clip(1, 10).astype("int64")
    behind = pd.DataFrame({"truth": truth, "estimate": estimate}).groupby(tenth.rename("tenth")).sum()
    columns = {
        "tenth": ("Tenth by true profit", "count"),
        "truth": (f"True profit ({currency})", "full_money"),
        "estimate": (f"Estimated ({currency})", "full_money"),
    }
    return Figure(
        drawing, title, subtitle, alt, Table(behind.reset_index(), title, columns, currency=currency)
    )
