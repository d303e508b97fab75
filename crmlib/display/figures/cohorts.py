"""Figures of cohorts: how customers develop with age, and one cohort beside another."""

import numpy as np
import pandas as pd
from matplotlib.colors import LinearSegmentedColormap, to_hex
from matplotlib.ticker import MaxNLocator, MultipleLocator

from crmlib.display import formats
from crmlib.display.figures.labels import (
    at_most,
    column_places,
    day_step,
    in_sentence,
    name_axes,
    name_columns,
    wrapped,
)
from crmlib.display.figures.room import HALO, lone_dot, make_room, mark, value_limits, write_ends
from crmlib.display.house import (
    ACCENT,
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

_GREYS = LinearSegmentedColormap.from_list("greys", ["#aeb6bc", INK])


def next_order_curves(curves: pd.DataFrame, title: str, subtitle: str) -> Figure:
    """Draw how soon customers place their next order, after the first, the second and so on.

    Parameters
    ----------
    curves : DataFrame
        Columns ``order`` (n, the order already placed), ``days`` (since that order), ``share``
        (who have placed the next one by then), ``low`` and ``high``. At least one known share.
    title, subtitle : str
    """
    known = curves.dropna(subset=["share"]).sort_values(["order", "days"], kind="stable")
    numbers = known["order"].unique()
    last_day = float(known["days"].max())
    drawing, axes = canvas()
    ends = []
    for place, number in enumerate(numbers):
        curve = known[known["order"] == number]
        colour = ACCENT if place == 0 else to_hex(_GREYS(place / max(len(numbers) - 1, 1) - 0.25))
        if place == 0:
            axes.fill_between(
                curve["days"], curve["low"], curve["high"], step="post", color=ACCENT, alpha=0.18, lw=0
            )
        thick = {"lw": 1.6, "zorder": 2} if place else {"lw": 2.6, "zorder": 3}
        days, share = curve["days"].to_numpy(float), curve["share"].to_numpy(float)
        axes.step(days, share, where="post", color=colour, **thick, **lone_dot(days))
        words = f"{_ordinal(number)} to {_ordinal(number + 1)}: {formats.share(share[-1])}"
        ends.append((days[-1], share[-1], words, colour if place == 0 else SOFT))
    axes.set_xlim(0, max(last_day, 1.0))
    axes.set_ylim(0, max(float(known[["share", "high"]].max().max()), 0.01) * 1.06)
    share_axis(axes.yaxis)
    step = day_step(last_day)
    axes.xaxis.set_major_locator(MultipleLocator(step))
    name_axes(axes, "Time since the order before (days)", "Ordered again (share of customers)")
    write_ends(axes, ends, aligned=True)
    make_room(axes)
    days, share = ends[0][:2]
    later = "; ".join(words.replace(":", " order") for _, _, words, _ in ends[1:])
    alt = (
        "Line chart, days since the order before on the horizontal axis, share who have placed the next "
        "order on "
        f"the vertical axis: within {formats.count(days)} days {formats.share(share)} go from the "
        f"{_ordinal(numbers[0])} to the {_ordinal(numbers[0] + 1)} order" + (f"; {later}." if later else ".")
    )
    behind = pd.DataFrame({"days": [*np.arange(step, last_day, step), last_day]})
    columns = {"days": ("Days since the order before", "count")}
    for number in numbers:
        curve = known[known["order"] == number]
        place = np.searchsorted(curve["days"].to_numpy(float), behind["days"], side="right") - 1
        reached = np.where(place >= 0, curve["share"].to_numpy(float)[place], 0.0)  # nobody before the first
        # Beyond the curve nothing is known, unless all had ordered by then.
        followed = (behind["days"] <= curve["days"].max()) | (curve["share"].iloc[-1] > 1 - 1e-9)
        behind[f"order_{number}"] = np.where(followed, reached, np.nan)
        columns[f"order_{number}"] = (f"{_ordinal(number)} to {_ordinal(number + 1)} (share)", "share1")
    return Figure(drawing, title, subtitle, alt, Table(behind, title, columns))


def _ordinal(number: float) -> str:
    number = int(number)
    ending = {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th") if number % 100 not in (11, 12, 13) else "th"
    return f"{number}{ending}"


def bought_again_and_active(life: pd.DataFrame, title: str, subtitle: str, window: str) -> Figure:
    """Set repeat buying, which only rises, beside the share who ordered lately, by age.

    Parameters
    ----------
    life : DataFrame
        Columns ``age_months``, ``repeat_share`` and ``active_share`` with their ends ``_low`` and ``_high``
        (as ``repeat_low``); the first row may lack a share that says nothing yet.
    title, subtitle : str
    window : str
        How long "lately" is, such as ``3 months``.
    """
    drawing, axes = canvas(height=3.4)
    ages = life["age_months"].to_numpy(float)
    names = {"active": f"ordered in the last {window}", "repeat": "have ever bought again"}
    ends = []
    for name, colour in (("repeat", SOFT), ("active", ACCENT)):
        share = life[f"{name}_share"].to_numpy(float)
        axes.fill_between(ages, life[f"{name}_low"], life[f"{name}_high"], color=colour, alpha=0.16, lw=0)
        axes.plot(ages, share, color=colour, lw=2.4, **lone_dot(share))
        ends.append((ages[-1], share[-1], wrapped(f"{formats.share(share[-1])} {names[name]}", 18), colour))
    axes.set_xlim(0, max(float(ages.max()), 1.0))
    axes.set_ylim(0, float(np.nanmax(life[["repeat_high", "active_high"]].to_numpy(float))) * 1.06)
    axes.xaxis.set_major_locator(MaxNLocator(nbins=9, integer=True, steps=[1, 2, 3, 6, 10]))
    share_axis(axes.yaxis)
    name_axes(axes, "Time since the customer was won (months)", "Customers won (share)")
    write_ends(axes, ends)
    make_room(axes)
    last = life.iloc[-1]
    alt = (
        "Line chart, months since the customer was won on the horizontal axis, share of the customers on "
        "the vertical axis: after "
        f"{_months(last['age_months'])} {formats.share(last['repeat_share'])} {names['repeat']}, "
        f"{formats.share(last['active_share'])} {names['active']}."
    )
    columns = {
        "age_months": ("Months since won", "count"),
        "repeat_share": ("Have ever bought again (share)", "share1"),
        "active_share": (f"Ordered in the last {window} (share)", "share1"),
    }
    return Figure(drawing, title, subtitle, alt, Table(at_most(life), title, columns))


def value_to_date(curve: pd.DataFrame, title: str, subtitle: str, currency: str) -> Figure:
    """Draw what a customer won has brought up to each age, and when winning them has paid back.

    Parameters
    ----------
    curve : DataFrame
        Columns ``age_months``, ``value`` (cumulative money per customer won), ``low``, ``high``;
        at least one known value. Paid back is a customer whose value, below zero at first,
        stays at zero or above from this age on.
    title, subtitle, currency : str
    """
    known = curve.dropna(subset=["value"]).sort_values("age_months", kind="stable")
    ages, values = known["age_months"].to_numpy(float), known["value"].to_numpy(float)
    drawing, axes = canvas()
    axes.fill_between(ages, known["low"], known["high"], color=ACCENT, alpha=0.18, lw=0)
    axes.plot(ages, values, color=ACCENT, lw=2.4, **lone_dot(ages))
    axes.axhline(0, color=INK, lw=0.8)
    reach = known[["value", "low", "high"]].to_numpy(float)
    low, high = min(float(np.nanmin(reach)), 0.0), max(float(np.nanmax(reach)), 0.0)
    span = (high - low) or 1.0
    axes.set_xlim(0, max(ages[-1], 1.0))
    axes.set_ylim(low - 0.14 * span, high + 0.08 * span)
    below = np.flatnonzero(values < 0)
    words = ""
    started_below = values[0] < 0
    if started_below and below[-1] + 1 < len(values):
        paid = ages[below[-1] + 1]
        words = f"Paid back after {_months(paid)}"
        axes.plot([paid], [values[below[-1] + 1]], "o", color=ACCENT, ms=7)
        # Left of the crossing the line runs below zero, right of it above: words go where it is not.
        left = paid > ages[-1] / 2
        mark(axes, words, (paid, 0.0), right=-6 if left else 6, up=9 if left else -6, color=ACCENT,
             fontsize=9.5, fontweight="bold")  # fmt: skip
    elif started_below:
        words = f"Not paid back after {_months(ages[-1])}"
        mark(axes, words, (ages[-1], 0.0), right=-4, up=4, color=LOSS, fontsize=9.5, fontweight="bold")
    money_axis(axes.yaxis, currency)
    axes.xaxis.set_major_locator(MaxNLocator(nbins=8, integer=True))
    value = f"Value to date per customer won ({currency})"
    name_axes(axes, "Time since the customer was won (months)", value)
    end, after = formats.money(values[-1], currency), f"after {_months(ages[-1])}"
    mark(axes, f"{end}\n{after}", (ages[-1], values[-1]), right=6, color=ACCENT, fontweight="bold")
    make_room(axes)
    alt = (
        "Line chart, months since the customer was won on the horizontal axis, cumulative value per "
        "customer won on "
        f"the vertical axis: from {formats.money(values[0], currency)} after {_months(ages[0])} to {end} {after}."
        + (f" {words}." if words else "")
    )
    columns = {
        "age_months": ("Months since won", "count"),
        "value": (f"Value to date ({currency})", "exact_money"),
        "low": (f"Low ({currency})", "exact_money"),
        "high": (f"High ({currency})", "exact_money"),
    }
    return Figure(drawing, title, subtitle, alt, Table(at_most(known), title, columns, currency=currency))


def _months(age: float) -> str:
    number = formats.number(age, 0 if float(age).is_integer() else 1)
    return f"{number} month" + ("" if age == 1 else "s")


def cohort_values(table: pd.DataFrame, title: str, subtitle: str, currency: str, axis: str) -> Figure:
    """Set the cohorts beside each other at equal age, each with its interval.

    Parameters
    ----------
    table : DataFrame
        One row per cohort, the oldest first: ``label``, ``value`` (money; missing where nothing can be
        told), ``low``, ``high``, ``customers`` and optionally ``trend`` and ``missing`` (why there is no
        value, such as ``too few``; without it they are too young).
    title, subtitle, currency : str
    axis : str
        What the value is.
    """
    values = table["value"].to_numpy(float)
    known = np.isfinite(values)
    drawing, axes = canvas()
    places = column_places(axes, len(table))
    last = int(np.max(np.flatnonzero(known), initial=-1))
    colours = np.where(places == last, ACCENT, GREY)
    trend = table["trend"].to_numpy(float) if "trend" in table else np.full(len(table), np.nan)
    axes.set_ylim(*value_limits([values, table["low"], table["high"], trend]))
    if axes.get_ylim()[0] < 0 < axes.get_ylim()[1]:
        axes.axhline(0, color=INK, lw=0.8)
    axes.vlines(places, table["low"], table["high"], color=colours, lw=6, alpha=0.4)
    axes.scatter(places[known], values[known], color=colours[known], s=60, zorder=3)
    written = known if len(table) <= 8 else np.isin(places, [np.argmax(known), last]) & known
    tops = np.fmax(table["high"].to_numpy(float), values)
    for place in places[written]:
        bold = {"fontweight": "bold", "color": ACCENT} if place == last else {}
        words = formats.money(values[place], currency)
        mark(axes, words, (place, tops[place]), up=4, path_effects=HALO, **bold)
    why = table["missing"].to_numpy(object) if "missing" in table else np.full(len(table), "too young")
    for place in places[~known]:
        axes.axvspan(place - 0.4, place + 0.4, facecolor="none", edgecolor=PALE, hatch="////", lw=0)
        mark(axes, why[place], (place, axes.get_ylim()[0]), up=6, rotation=90, color=SOFT, path_effects=HALO)
    fitted = np.flatnonzero(np.isfinite(trend))
    if len(fitted) > 1:
        axes.plot(places[fitted], trend[fitted], color=INK, lw=1.2, ls="--", zorder=2)
        mark(axes, "Trend", (fitted[0], trend[fitted[0]]), right=-14, color=INK)
    money_axis(axes.yaxis, currency)
    name_axes(axes, "Cohort: customers won in (number of customers)", f"{axis} ({currency})")
    make_room(axes)
    name_columns(axes, table["label"], [f"({formats.count(number)})" for number in table["customers"]])
    alt = (
        f"Dot chart with ranges, cohorts on the horizontal axis, the oldest first, {in_sentence(axis)} on the "
        "vertical axis: " + _from_to(table.loc[known, "label"], values[known], currency)
        + "".join(f"; {(why[~known] == one).sum()} {one} to tell" for one in dict.fromkeys(why[~known])) + "."
    )  # fmt: skip
    columns = {
        "label": ("Cohort", "text"),
        "customers": ("Customers", "count"),
        "value": (f"{axis} ({currency})", "exact_money"),
        "low": (f"Low ({currency})", "exact_money"),
        "high": (f"High ({currency})", "exact_money"),
    } | ({"trend": (f"Trend ({currency})", "exact_money")} if "trend" in table else {})
    return Figure(drawing, title, subtitle, alt, Table(at_most(table), title, columns, currency=currency))


def _from_to(labels: pd.Series, values: np.ndarray, currency: str) -> str:
    if not len(values):
        return "0 are old enough"
    first, last = (f"{labels.iloc[i]} at {formats.money(values[i], currency)}" for i in (0, -1))
    return f"{first}, {last}" if len(values) > 1 else first


def cohort_curves(table: pd.DataFrame, title: str, subtitle: str, currency: str, axis: str) -> Figure:
    """Draw what each cohort has brought by age, the oldest dark and the newest in the accent.

    Parameters
    ----------
    table : DataFrame
        Index: cohort, the oldest first. Columns: age in months. Cumulative money per customer,
        missing where a cohort is not old enough; at least one known value.
    title, subtitle, currency : str
    axis : str
        What the value is.
    """
    table = table.dropna(axis="columns", how="all")
    ages, values = table.columns.to_numpy(float), table.to_numpy(float)
    lengths = np.isfinite(values).sum(axis=1)
    drawn = np.flatnonzero(lengths)
    # The youngest cohort has hardly a line yet: the newest with half of the ages stands for the new.
    long_enough = drawn[lengths[drawn] >= max(lengths.max() / 2, 1)]
    oldest, newest = drawn[0], long_enough[-1]
    drawing, axes = canvas()
    ends = {}
    for row in drawn:
        seen = np.isfinite(values[row])
        colour, width, order = ("#b9c1c7", 1.2, 2)
        if row == oldest:
            colour, width, order = INK, 1.8, 3
        if row == newest:
            colour, width, order = ACCENT, 2.6, 4
        x, y = ages[seen], values[row][seen]
        axes.plot(x, y, color=colour, lw=width, zorder=order, **lone_dot(x))
        if row in (oldest, newest):
            words = f"{wrapped(table.index[row], 18)}\n{formats.money(y[-1], currency)}"
            ends[row] = (x[-1], y[-1], words, colour)
    reach = values[np.isfinite(values)]
    low, high = min(float(reach.min()), 0.0), max(float(reach.max()), 0.0)
    span = (high - low) or 1.0
    axes.set_xlim(0, max(ages.max(), 1.0))
    axes.set_ylim(low - 0.06 * span * (low < 0), high + 0.06 * span)
    if low < 0:
        axes.axhline(0, color=INK, lw=0.8)
    money_axis(axes.yaxis, currency)
    axes.xaxis.set_major_locator(MaxNLocator(nbins=8, integer=True))
    name_axes(axes, "Time since the customer was won (months)", f"{axis} ({currency})")
    write_ends(axes, list(ends.values()))
    make_room(axes)
    told = [
        f"{table.index[row]} stands at {formats.money(y, currency)} after {_months(x)}"
        for row, (x, y, _, _) in ends.items()
    ]
    alt = (
        f"Line chart, months since the customer was won on the horizontal axis, {in_sentence(axis)} on the vertical "
        f"axis, one line per cohort, {formats.count(len(drawn))} in all: {', '.join(told)}."
    )
    shown = sorted({round(place) for place in np.linspace(0, len(ages) - 1, 6)})
    behind = pd.DataFrame(values[:, shown], columns=[f"age_{place}" for place in shown])
    behind.insert(0, "cohort", [str(name) for name in table.index])
    columns = {"cohort": ("Cohort", "text")}
    columns |= {f"age_{i}": (f"After {_months(ages[i])} ({currency})", "exact_money") for i in shown}
    return Figure(drawing, title, subtitle, alt, Table(at_most(behind), title, columns, currency=currency))
