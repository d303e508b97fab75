"""Figures of whom to contact: what rules for choosing customers earn, by how many are contacted."""

from collections.abc import Callable, Mapping
from functools import partial
from itertools import cycle

import numpy as np
import pandas as pd

from crmlib.display import formats
from crmlib.display.figures.along import name_along, split_lines
from crmlib.display.figures.labels import in_sentence, name_axes, wrapped
from crmlib.display.figures.room import lone_dot, make_room
from crmlib.display.house import ACCENT, GREY, INK, SOFT, Figure, canvas, share_axis, value_axis
from crmlib.display.tables import Table

_GREYS = (SOFT, GREY, "#b3bbc1")


def profit_curves(
    table: pd.DataFrame,
    title: str,
    subtitle: str,
    currency: str,
    across: str = "Customers contacted, from the most promising (share)",
    up: str = "Profit",
    kind: str = "money",
    dashed: str = "at random",
    nobody: str = "contact nobody",
) -> Figure:
    """Draw what contacting the first customers of a list brings, by the share contacted, one line per rule.

    Parameters
    ----------
    table : DataFrame
        Columns ``rule`` (in words), ``share`` (0 to 1), ``value``, and for the first rule ``low`` and ``high``. The
        first rule is the recommended one: it has the accent, its band and its best point, and
        at least one known value. From
        `crmlib.analysis.targeting.maximum_profit.profit_by_share` or
        `crmlib.analysis.targeting.qini.profit_curve`, or ``band`` of `crmlib.analysis.targeting.qini.qini`,
        put below each other.
    title, subtitle, currency : str
    across, up : str
        What the axes are; `up` with its unit unless it is money.
    kind : {"money", "number", "share"}
        What the values are.
    dashed : str
        Rule drawn dashed, with which the others are compared.
    nobody : str
        Name of the line at zero.
    """
    curves = split_lines(table, "rule", "share", "value")
    known = pd.concat(curves.values())
    recommended, first = next(iter(curves.items()))
    written = _writer(known["value"], kind, currency)
    drawing, axes = canvas(height=4.2)
    lines, greys = [], cycle(_GREYS)
    for rule, curve in curves.items():
        chosen = rule == recommended
        colour = ACCENT if chosen else SOFT if rule == dashed else next(greys)
        look = {"lw": 2.8, "zorder": 4} if chosen else {"lw": 1.7, "zorder": 3}
        x, y = (curve[name].to_numpy(float) for name in ("share", "value"))
        axes.plot(x, y, color=colour, ls="--" if rule == dashed else "-", **look, **lone_dot(x))
        lines.append((x, y, wrapped(rule, 28, 2), ACCENT if chosen else SOFT))
    ends = [known["value"].to_numpy(float), np.zeros(1)]
    if {"low", "high"} <= set(table):
        axes.fill_between(first["share"], first["low"], first["high"], color=ACCENT, alpha=0.16, lw=0)
        ends += [first[name].to_numpy(float) for name in ("low", "high")]
    low, high = (float(pick(np.concatenate(ends))) for pick in (np.nanmin, np.nanmax))
    span = (high - low) or 1.0
    reach = max(float(known["share"].max()), 0.01)
    axes.axhline(0, color=INK, lw=1.0)
    lines.append((np.array([0.0, reach]), np.zeros(2), nobody, INK))
    best = first.loc[first["value"].idxmax()]
    at, most, words = 0.0, 0.0, f"Best: {nobody}"
    if best["value"] > 0:
        at, most = float(best["share"]), float(best["value"])
        words = f"Most: {written(most)},\n{formats.share(at)} contacted"
        axes.plot([at, at], [0, most], color=ACCENT, lw=1.0, ls=":")
    axes.plot([at], [most], "o", color=ACCENT, ms=7, zorder=5, clip_on=False)
    axes.set_xlim(0, reach)
    axes.set_ylim(low - 0.08 * span, high + 0.18 * span)
    share_axis(axes.xaxis)
    value_axis(axes.yaxis, kind, currency)
    name_axes(axes, across, f"{up} ({currency})" if kind == "money" else up)
    name_along(axes, lines, [(at, most, words, {"color": ACCENT, "fontweight": "bold"})])
    make_room(axes)
    others = "; ".join(_most(rule, curve, written) for rule, curve in list(curves.items())[1:5])
    alt = (
        f"Line chart, {_short(across)} on the horizontal axis, {_short(up)} on the vertical axis, one line per rule: "
        f"{_most(recommended, first, written)}" + (f"; {others}." if others else ".")
    )
    return Figure(drawing, title, subtitle, alt, _behind(curves, title, currency, written, reach))


def _short(axis: str) -> str:
    """Name an axis inside a sentence, without its unit."""
    return in_sentence(axis.partition(" (")[0])


def _most(rule: str, curve: pd.DataFrame, written: Callable[[float], str]) -> str:
    best = curve.loc[curve["value"].idxmax()]
    return f"{wrapped(rule, 40, 1)} at most {written(best['value'])} at {formats.share(best['share'])}"


def _writer(values: pd.Series, kind: str, currency: str) -> Callable[[float], str]:
    """How to write a value; a plain number with as many decimals as the largest needs for three figures."""
    if kind != "number":
        return partial(formats.written, kind=kind, currency=currency)
    size = float(values.abs().max())
    decimals = 2 - int(np.floor(np.log10(size))) if size > 0 else 0
    return partial(formats.number, decimals=int(np.clip(decimals, 0, 6)))


def _behind(
    curves: Mapping[str, pd.DataFrame],
    title: str,
    currency: str,
    written: Callable[[float], str],
    reach: float,
) -> Table:
    """Lines at tenths of their reach, and the ends of the first."""
    shares = np.linspace(0.0, reach, 11)
    frame, columns = pd.DataFrame({"share": shares}), {"share": ("Contacted (share)", "share1")}
    for number, (rule, curve) in enumerate(curves.items()):
        names = ["value", *(name for name in ("low", "high") if number == 0 and name in curve)]
        for name in names:
            values = np.interp(shares, curve["share"], curve[name], left=np.nan, right=np.nan)
            frame[f"{name}_{number}"] = [written(value) if np.isfinite(value) else "–" for value in values]
            columns[f"{name}_{number}"] = (rule if name == "value" else f"{rule}: {name}", "written")
    return Table(frame, title, columns, currency=currency)
