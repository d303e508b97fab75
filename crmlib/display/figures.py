"""One function per kind of figure: tidy numbers in, a `Figure` out."""

import numpy as np
import pandas as pd

from crmlib.display import formats
from crmlib.display.house import ACCENT, GREY, INK, LOSS, PALE, Figure, canvas, money_axis, share_axis
from crmlib.display.tables import Table

_BAR = 0.68


def steps_to_profit(
    lines: pd.DataFrame, title: str, subtitle: str, currency: str, totals: tuple[str, ...]
) -> Figure:
    """Walk from sales to profit, one bar per step.

    Parameters
    ----------
    lines : DataFrame
        Columns ``line`` (name), ``amount`` (money; costs negative; subtotals as they stand).
    title, subtitle, currency : str
    totals : tuple of str
        Names of the lines that are subtotals: their bars stand on zero.
    """
    amounts = lines["amount"].to_numpy(float)
    is_total = lines["line"].isin(totals).to_numpy()
    ends = np.where(is_total, amounts, 0.0)
    level, starts = 0.0, np.zeros(len(amounts))
    for i, amount in enumerate(amounts):  # a dozen lines of a statement
        starts[i] = 0.0 if is_total[i] else level
        level = amount if is_total[i] else level + amount
        ends[i] = level
    drawing, axes = canvas(height=0.34 * len(amounts) + 0.6)
    colours = np.select([is_total, amounts < 0], [ACCENT, LOSS], GREY)
    places = np.arange(len(amounts))
    axes.barh(places, ends - starts, left=starts, height=_BAR, color=colours)
    span = max(ends.max(), starts.max()) - min(0.0, ends.min())
    for place, start, end, amount in zip(places, starts, ends, amounts, strict=True):
        axes.text(
            max(start, end) + 0.01 * span, place, formats.money(amount, currency), va="center", fontsize=9
        )
    axes.set_yticks(places, lines["line"])
    axes.invert_yaxis()
    axes.axvline(0, color=INK, lw=0.8)
    axes.set_xlim(right=max(ends.max(), starts.max()) + 0.14 * span)
    axes.set_xlabel(f"Money in the period ({currency})")
    axes.set_ylabel("Line of the income statement")
    money_axis(axes.xaxis, currency)
    axes.tick_params(axis="y", length=0)
    first, last = lines.iloc[0], lines.iloc[-1]
    alt = (
        f"Waterfall chart, money on the horizontal axis, one bar per line of the income statement: "
        f"from {first['line']} of {formats.money(first['amount'], currency)} "
        f"down to {last['line']} of {formats.money(last['amount'], currency)}."
    )
    data = Table(
        lines,
        title,
        {"line": ("Line", "text"), "amount": (f"Amount ({currency})", "full_money")},
        currency=currency,
    )
    return Figure(drawing, title, subtitle, alt, data)


def capacity_bars(capacity: pd.DataFrame, title: str, subtitle: str, currency: str) -> Figure:
    """Show what each pool of capacity costs, used and unused.

    Parameters
    ----------
    capacity : DataFrame
        As returned by `crmlib.analysis.costing.capacity_use`.
    title, subtitle, currency : str
    """
    table = capacity.sort_values("cost_supplied", ascending=False).reset_index()
    drawing, axes = canvas(height=0.52 * len(table) + 1.1)
    places = np.arange(len(table))
    unused = table["cost_unused"].clip(lower=0)
    axes.barh(places, table["cost_used"], height=_BAR, color=ACCENT)
    axes.barh(
        places,
        unused,
        left=table["cost_used"],
        height=_BAR,
        color="white",
        edgecolor=GREY,
        hatch="////",
        lw=0.8,
    )
    right = float(np.maximum(table["cost_supplied"], table["cost_used"]).max())
    for place, row in zip(places, table.itertuples(), strict=True):
        text = f"{formats.share(row.utilisation)} used, {formats.money(row.cost_unused, currency)} idle"
        axes.text(max(row.cost_supplied, row.cost_used) + 0.01 * right, place, text, va="center", fontsize=9)
    axes.set_yticks(places, table["resource"].str.capitalize())
    axes.invert_yaxis()
    axes.set_xlim(0, right * 1.42)
    axes.set_xlabel(f"Cost of the capacity in the period ({currency}); hatched: paid for and not used")
    axes.set_ylabel("Resource")
    money_axis(axes.xaxis, currency)
    axes.tick_params(axis="y", length=0)
    worst = table.loc[table["utilisation"].idxmin()]
    alt = (
        "Stacked bar chart, cost on the horizontal axis, one bar per resource, split into used and "
        f"unused capacity. The least used is {worst['resource']} at {formats.share(worst['utilisation'])}."
    )
    data = Table(
        table,
        title,
        {
            "resource": ("Resource", "text"),
            "cost_supplied": (f"Paid for ({currency})", "full_money"),
            "cost_used": (f"Used ({currency})", "full_money"),
            "cost_unused": (f"Not used ({currency})", "full_money"),
            "utilisation": ("Used (share of minutes)", "share1"),
        },
        currency=currency,
    )
    return Figure(drawing, title, subtitle, alt, data)


def whale(curve: pd.DataFrame, title: str, subtitle: str, currency: str) -> Figure:
    """Draw the whale curve: profit cumulated from the best customer to the worst.

    Parameters
    ----------
    curve : DataFrame
        As returned by `crmlib.analysis.profitability.whale_curve`.
    title, subtitle, currency : str
    """
    x = curve["customers_share"].to_numpy()
    y = curve["cumulative_profit"].to_numpy()
    peak = int(np.argmax(y))
    drawing, axes = canvas()
    axes.fill_between(x[: peak + 1], y[: peak + 1], color=ACCENT, alpha=0.10, lw=0)
    axes.plot(x[: peak + 1], y[: peak + 1], color=ACCENT, lw=2.4)
    axes.plot(x[peak:], y[peak:], color=LOSS, lw=2.4)
    axes.axhline(0, color=INK, lw=0.8)
    axes.axhline(y[-1], color=GREY, lw=1.0, ls="--")
    axes.plot([x[peak]], [y[peak]], "o", color=ACCENT, ms=6)
    axes.set_xlim(0, 1)
    axes.set_ylim(min(0.0, y.min()) * 1.08, y[peak] * 1.16)
    side = "right" if x[peak] > 0.45 else "left"
    axes.annotate(
        f"Peak: {formats.money(y[peak], currency)}\nat {formats.share(x[peak])} of customers",
        (x[peak], y[peak]),
        xytext=(-8 if side == "right" else 8, 6),
        textcoords="offset points",
        ha=side,
        va="bottom",
        fontsize=9.5,
        color=ACCENT,
        fontweight="bold",
    )
    axes.text(
        0.012,
        y[-1],
        f"What is left: {formats.money(y[-1], currency)}",
        va="bottom",
        fontsize=9,
        color="#5d6870",
    ) if y[-1] > 0 else axes.text(0.012, y[-1], formats.money(y[-1], currency), va="bottom", fontsize=9)
    axes.set_xlabel("Customers, from the most to the least profitable (share)")
    axes.set_ylabel(f"Cumulative profit ({currency})")
    share_axis(axes.xaxis)
    money_axis(axes.yaxis, currency)
    marks = np.linspace(0, 1, 11)
    behind = pd.DataFrame({"share": marks, "profit": np.interp(marks, x, y)})
    alt = (
        "Line chart, share of customers from best to worst on the horizontal axis, cumulative profit on the "
        f"vertical axis: it rises to {formats.money(y[peak], currency)} at {formats.share(x[peak])} of customers "
        f"and ends at {formats.money(y[-1], currency)}."
    )
    data = Table(
        behind,
        title,
        {
            "share": ("Best customers (share)", "share"),
            "profit": (f"Cumulative profit ({currency})", "full_money"),
        },
        currency=currency,
    )
    return Figure(drawing, title, subtitle, alt, data)


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
    drawing, axes = canvas()
    axes.bar(places, part, width=_BAR + 0.1, color=np.where(places <= 3, LOSS, GREY))
    top = max(float(part.max()), 0.02)
    for place, value, number in zip(places, part, table["turned_negative"], strict=True):
        if number:
            axes.text(place, value + 0.015 * top, formats.count(number), ha="center", va="bottom", fontsize=9)
    axes.set_ylim(0, top * 1.15)
    axes.set_xticks(places)
    axes.set_xlabel("Decile by gross margin (1 = highest tenth of customers)")
    axes.set_ylabel("Turn to a loss after service (share)")
    share_axis(axes.yaxis)
    alt = (
        "Bar chart, deciles of customers by gross margin on the horizontal axis, share that turns to a loss after "
        f"the cost to serve on the vertical axis: from {formats.share(part[0])} in the highest tenth to "
        f"{formats.share(part[-1])} in the lowest."
    )
    data = Table(
        table.reset_index().assign(share=part),
        title,
        {
            "margin_decile": ("Decile", "count"),
            "customers": ("Customers", "count"),
            "turned_negative": ("Turned to a loss", "count"),
            "share": ("Turned to a loss (share)", "share1"),
        },
    )
    return Figure(drawing, title, subtitle, alt, data)


def ranked_bars(
    table: pd.DataFrame, title: str, subtitle: str, currency: str, axis: str, colour: str = LOSS
) -> Figure:
    """Draw one money bar per group, in the order given, with the number of customers.

    Parameters
    ----------
    table : DataFrame
        Columns ``label``, ``amount`` (money) and ``customers``.
    title, subtitle, currency : str
    axis : str
        What the bars measure, for the axis.
    colour : str
        Colour of the bars.
    """
    places = np.arange(len(table))
    amounts = table["amount"].to_numpy(float)
    drawing, axes = canvas(height=0.46 * len(table) + 0.9)
    axes.barh(places, amounts, height=_BAR, color=colour)
    size = max(np.abs(amounts).max(), 1e-9)
    for place, amount, number in zip(places, amounts, table["customers"], strict=True):
        text = f"{formats.money(amount, currency)}, {formats.count(number)} customers"
        side = "right" if amount < 0 else "left"
        axes.text(amount + np.sign(amount) * 0.015 * size, place, text, va="center", ha=side, fontsize=9)
    axes.set_yticks(places, table["label"])
    axes.invert_yaxis()
    axes.axvline(0, color=INK, lw=0.8)
    if (amounts <= 0).all():
        axes.set_xlim(-size * 1.75, 0)
        axes.yaxis.tick_right()
        axes.yaxis.set_label_position("right")
        axes.spines[["left"]].set_visible(False)
    else:
        axes.set_xlim(min(0.0, amounts.min()) * 1.6, size * 1.6)
    axes.set_xlabel(f"{axis} ({currency})")
    axes.set_ylabel("Group of customers")
    money_axis(axes.xaxis, currency)
    axes.tick_params(axis="y", length=0)
    first = table.iloc[0]
    alt = (
        f"Bar chart, {axis.lower()} on the horizontal axis, one bar per group: the first is {first['label']} with "
        f"{formats.money(first['amount'], currency)} from {formats.count(first['customers'])} customers."
    )
    data = Table(
        table,
        title,
        {
            "label": ("Group", "text"),
            "customers": ("Customers", "count"),
            "amount": (f"{axis} ({currency})", "full_money"),
        },
        currency=currency,
    )
    return Figure(drawing, title, subtitle, alt, data)


def what_followed(table: pd.DataFrame, title: str, subtitle: str) -> Figure:
    """Show what became of former losers and former earners.

    Parameters
    ----------
    table : DataFrame
        ``table`` of `crmlib.analysis.losses.Persistence`.
    title, subtitle : str
    """
    names = {"loss": "Lost money before", "gain": "Earned money before"}
    parts = table.div(table.sum(axis=1), axis=0).fillna(0.0)
    drawing, axes = canvas(height=1.9)
    looks = {
        "loss": (LOSS, "white", "lost again or now"),
        "gain": (ACCENT, "white", "earned"),
        "gone": (PALE, INK, "gone"),
    }
    places = np.arange(len(parts))
    left = np.zeros(len(parts))
    for state, (colour, ink, word) in looks.items():
        width = parts[state].to_numpy()
        axes.barh(places, width, left=left, height=_BAR, color=colour)
        for place, start, part in zip(places, left, width, strict=True):
            if part >= 0.07:
                label = (
                    {"loss": "lose", "gain": "earn", "gone": "gone"}[state]
                    if part < 0.2
                    else {"loss": "lose money", "gain": "earn money", "gone": "no longer customers"}[state]
                )
                axes.text(
                    start + part / 2,
                    place,
                    f"{formats.share(part)}\n{label}",
                    ha="center",
                    va="center",
                    fontsize=9,
                    color=ink,
                )
        left = left + width
    axes.set_yticks(
        places, [f"{names[i]}\n({formats.count(table.loc[i].sum())} customers)" for i in parts.index]
    )
    axes.invert_yaxis()
    axes.set_xlim(0, 1)
    axes.set_xlabel("What they do in the period after (share of customers)")
    axes.set_ylabel("")
    share_axis(axes.xaxis)
    axes.tick_params(axis="y", length=0)
    alt = (
        "Stacked bar chart, share of customers on the horizontal axis, one bar for customers who lost and one for "
        f"customers who earned money before: {formats.share(parts.loc['loss', 'loss'])} of the first and "
        f"{formats.share(parts.loc['gain', 'loss'])} of the second lose money in the period after."
    )
    shown = table.reset_index().assign(before=[names[i] for i in table.index])
    data = Table(
        shown,
        title,
        {
            "before": ("Period before", "text"),
            "loss": ("Lose money (customers)", "count"),
            "gain": ("Earn money (customers)", "count"),
            "gone": ("No longer customers", "count"),
        },
    )
    return Figure(drawing, title, subtitle, alt, data)


def gains(table: pd.DataFrame, title: str, subtitle: str, currency: str) -> Figure:
    """Draw what each option moves, with its interval, beside doing nothing.

    Parameters
    ----------
    table : DataFrame
        Columns ``label``, ``gain``, ``low``, ``high``.
    title, subtitle, currency : str
    """
    places = np.arange(len(table))
    colours = np.where(table["low"] > 0, ACCENT, np.where(table["high"] < 0, LOSS, GREY))
    drawing, axes = canvas(height=0.44 * len(table) + 0.9)
    for place, row, colour in zip(places, table.itertuples(), colours, strict=True):
        axes.plot([row.low, row.high], [place, place], color=colour, lw=5, alpha=0.35, solid_capstyle="round")
        axes.plot([row.gain], [place], "o", color=colour, ms=8)
        axes.text(
            row.gain, place - 0.22, formats.money(row.gain, currency), ha="center", va="bottom", fontsize=9
        )
    axes.axvline(0, color=INK, lw=1.0, ls="--")
    axes.set_yticks(places, table["label"])
    axes.set_ylim(len(table) - 0.5, -0.75)
    axes.margins(x=0.08)
    axes.set_xlabel(f"Profit moved in the next period ({currency}); bar: 95% interval")
    axes.set_ylabel("Option")
    money_axis(axes.xaxis, currency)
    axes.tick_params(axis="y", length=0)
    best = table.loc[table["gain"].idxmax()]
    alt = (
        "Dot chart with intervals, profit moved on the horizontal axis, one dot per option. The largest is "
        f"{best['label']}: {formats.money(best['gain'], currency)}, between {formats.money(best['low'], currency)} and "
        f"{formats.money(best['high'], currency)}. Doing nothing stands at zero."
    )
    data = Table(
        table,
        title,
        {
            "label": ("Option", "text"),
            "gain": (f"Expected ({currency})", "full_money"),
            "low": (f"Low ({currency})", "full_money"),
            "high": (f"High ({currency})", "full_money"),
        },
        currency=currency,
    )
    return Figure(drawing, title, subtitle, alt, data)


def truth_scatter(estimate: pd.Series, truth: pd.Series, title: str, subtitle: str, currency: str) -> Figure:
    """Plot estimated against true profit per customer (teaching company only).

    Parameters
    ----------
    estimate, truth : Series
        Profit per customer, indexed alike, in the run's currency.
    title, subtitle, currency : str
    """
    drawing, axes = canvas(height=4.2)
    axes.scatter(truth, estimate, s=9, color=ACCENT, alpha=0.35, lw=0, rasterized=True)
    low, high = float(min(truth.min(), estimate.min())), float(max(truth.max(), estimate.max()))
    axes.plot([low, high], [low, high], color=INK, lw=1, ls="--")
    axes.text(high, high, "estimate = truth ", ha="right", va="bottom", fontsize=9, color=INK)
    for axis in (axes.xaxis, axes.yaxis):
        money_axis(axis, currency)
    axes.set_xscale("symlog", linthresh=100)
    axes.set_yscale("symlog", linthresh=100)
    money_axis(axes.xaxis, currency)
    money_axis(axes.yaxis, currency)
    axes.set_xlabel(f"True profit per customer ({currency}, logarithmic)")
    axes.set_ylabel(f"Estimated profit ({currency})")
    alt = (
        "Scatter plot, true profit per customer on the horizontal axis, estimated profit on the vertical axis, "
        f"{formats.count(len(truth))} customers close to the dashed line on which both are equal."
    )
    deciles = pd.qcut(truth.rank(method="first"), 10, labels=False)
    behind = pd.DataFrame({"truth": truth, "estimate": estimate}).groupby(deciles).sum().iloc[::-1]
    behind.insert(0, "tenth", range(1, len(behind) + 1))
    data = Table(
        behind,
        title,
        {
            "tenth": ("Tenth by true profit", "count"),
            "truth": (f"True profit ({currency})", "full_money"),
            "estimate": (f"Estimated ({currency})", "full_money"),
        },
        currency=currency,
    )
    return Figure(drawing, title, subtitle, alt, data)
