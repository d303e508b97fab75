"""One card per group: who they are, what they are worth, get and cost, what must come back, how we will know."""

import html
from collections.abc import Mapping

import numpy as np
import pandas as pd

from crmlib.analysis.segments.directions import STATES
from crmlib.analysis.segments.migration import Transitions
from crmlib.analysis.segments.relationship_terms import TERMS
from crmlib.analysis.targeting.trial_design import FEWEST_CUSTOMERS, smallest_effect
from crmlib.analysis.targeting.trial_outcomes import Amount
from crmlib.display import formats
from crmlib.display.segments.levels_shown import smallest_seen
from crmlib.display.segments.palette import INACTIVE
from crmlib.display.shown import Shown
from crmlib.display.workbook import Workbook

#: What each group calls for, in one sentence.
ADVICE = {
    "True friends": "Look after them before they ask; never bother them with offers they do not need.",
    "Butterflies": "Earn with them while they are here, and stop investing when they stop buying.",
    "Barnacles": "They stay, so it is worth finding out why they earn so little: small needs, or dear service.",
    "Strangers": "No investment beyond an offer with the next order: each order has to pay for itself.",
    INACTIVE: "Mailings only. Whom it pays to call back is the question of notebook 03.",
}
#: Share of a group from which on its commonest direction is told.
_MOST = 0.4
#: Parts of a card, in the order of reading.
PARTS = {
    "who": "Who they are",
    "worth": "What they are worth",
    "gets": "What they get",
    "costs": "What it costs",
    "comes_back": "What must come back",
    "known_by": "How we will know",
}


def facts(
    profile: pd.DataFrame,
    values: pd.DataFrame,
    people: pd.DataFrame,
    kept: Transitions | None,
) -> pd.DataFrame:
    """Collect the numbers of each card.

    Parameters
    ----------
    profile : DataFrame
        `crmlib.analysis.segments.profiles.Profiles.table`.
    values : DataFrame
        As returned by `crmlib.analysis.segments.profiles.segment_values`.
    people : DataFrame
        By customer: ``segment``, ``months_ahead``, ``margin`` (before the relationship, of the period), ``spent``
        (on the relationship today), ``level`` (planned), ``level_cost``, ``steps``, ``raise_cost`` and ``more`` (as
        `crmlib.analysis.segments.raises.raises` returns them), ``direction`` and, where it is known, ``past`` (profit
        of the period before).
    kept : Transitions or None
        Who moved from group to group.

    Returns
    -------
    DataFrame
        Indexed by group: the columns of `profile`, and ``value``, ``low``, ``high`` (value ahead), ``months``,
        ``margin``, ``spent``, ``cost``, ``extra`` (cost of the raises), ``more``, ``raised``, ``seen``
        (smallest effect on the margin per customer that a test on half of those raised would find; NaN if too few),
        ``raised_margin`` (mean margin of those raised), ``stayed`` with ``stayed_low`` and ``stayed_high``,
        ``direction`` (the commonest),
        ``direction_share``, and the number of customers at each level.
    """
    above = people["steps"] > 0
    held = people.groupby("segment", observed=False)
    table = profile.join(values[["value", "low", "high"]])
    table["months"] = held["months_ahead"].mean()
    for name, column in (
        ("margin", "margin"),
        ("spent", "spent"),
        ("cost", "level_cost"),
        ("extra", "raise_cost"),
        ("more", "more"),
    ):
        table[name] = held[column].sum()
    table["raised"] = above.groupby(people["segment"], observed=False).sum()
    own = people[above]
    table["raised_margin"] = own.groupby("segment", observed=False)["margin"].mean()
    table["seen"] = [smallest_rise(own[own["segment"] == name]) for name in table.index]
    counts = pd.crosstab(people["segment"], people["level"]).reindex(
        index=table.index, columns=list(TERMS), fill_value=0
    )
    table = table.join(counts)
    if people["direction"].notna().any():
        states = pd.crosstab(people["segment"], people["direction"]).reindex(table.index).fillna(0)
        table["direction"] = states.idxmax(axis=1).where(states.sum(axis=1) > 0, None)
        table["direction_share"] = states.max(axis=1) / states.sum(axis=1)
    for name in ("stayed", "stayed_low", "stayed_high"):
        table[name] = np.nan
    if kept is not None:
        for name in table.index.intersection(kept.counts.index):
            cell = kept.cells.loc[(name, name)]
            table.loc[name, ["stayed", "stayed_low", "stayed_high"]] = cell[
                ["share", "low", "high"]
            ].to_numpy(float)
    return table


def smallest_rise(raised: pd.DataFrame) -> float:
    """Smallest rise of the margin that a test on a random half finds in four of five cases.

    Parameters
    ----------
    raised : DataFrame
        ``margin`` and, where it is known, ``past`` (of the period before, which explains a part of the margin).

    Returns
    -------
    float
        Money per customer; NaN with too few customers.
    """
    half = len(raised) // 2
    if half < FEWEST_CUSTOMERS:
        return float("nan")
    spread = float(raised["margin"].std(ddof=1))
    if "past" in raised and raised["past"].notna().all() and raised["past"].nunique() > 1 and spread > 0:
        spread *= float(np.sqrt(max(1 - raised["margin"].corr(raised["past"]) ** 2, 0.0)))
    return smallest_effect(Amount(spread), half, half) if spread > 0 else float("nan")


def card_rows(wb: Workbook, table: pd.DataFrame, horizon: int) -> pd.DataFrame:
    """Write the cards: one row per group with somebody in it, one column per part of `PARTS`.

    Parameters
    ----------
    wb : Workbook
    table : DataFrame
        As returned by `facts`.
    horizon : int
        Months looked ahead.
    """
    rows = []
    for name, row in table[table["customers"] > 0].iterrows():
        parts = {
            "who": _who(wb, name, row, horizon), "worth": _worth(wb, row), "gets": _gets(wb, name, row),
            "costs": _costs(wb, row), "comes_back": _comes_back(wb, row), "known_by": _known_by(wb, name, row),
        }  # fmt: skip
        rows.append({"segment": name, **parts})
    return pd.DataFrame(rows, columns=["segment", *PARTS])


def show_cards(rows: pd.DataFrame) -> Shown:
    """Lay the cards out, each as a titled list."""
    markup = "".join(
        f'<figure class="card"><figcaption>{html.escape(row["segment"])}</figcaption><dl class="run-card">'
        + "".join(
            f"<dt>{html.escape(words)}</dt><dd>{_unbroken(row[part])}</dd>" for part, words in PARTS.items()
        )
        + "</dl></figure>"
        for _, row in rows.iterrows()
    )
    text = "\n\n".join(
        "\n".join([row["segment"], *(f"{words}: {row[part]}" for part, words in PARTS.items())])
        for _, row in rows.iterrows()
    )
    return Shown(markup, text)


def _unbroken(text: str) -> str:
    """Escape a text, and keep each minus sign on the line of its number."""
    return html.escape(text.replace("−", "−\u2060"))


def _who(wb: Workbook, name: str, row: pd.Series, horizon: int) -> str:
    said = [wb.text("{n:count customer}, {share:share} of all.", n=row["customers"], share=row["share"])]
    if name == INACTIVE:
        said.append("No purchase in the period.")
    elif _known(row, "frequency", "recency_days"):
        said.append(
            wb.text(
                "Typically {f:count purchase} in the period, the last {r:count day} ago.",
                f=row["frequency"], r=row["recency_days"],
            )
        )  # fmt: skip
    if isinstance(row.get("main_channel"), str):
        said.append(
            wb.text(
                "{share:share} buy mainly through: {channel}.",
                share=row["channel_share"],
                channel=row["main_channel"],
            )
        )
    if _known(row, "months"):
        said.append(
            wb.text("Expected to stay {m:count} of the next {h:count} months.", m=row["months"], h=horizon)
        )
    return " ".join(said)


def _worth(wb: Workbook, row: pd.Series) -> str:
    parts = []
    if _known(row, "profit"):
        start = (
            "Profit of {profit:money} in the period, after the cost of winning them"
            if row["profit"] >= 0
            else "A loss of {loss:money} in the period, after the cost of winning them"
        )
        values = {"profit": row["profit"]} if row["profit"] >= 0 else {"loss": -row["profit"]}
        if _known(row, "mean_profit", "profit_low", "profit_high"):
            start += ", {mean:money} each (95% interval {low:money} to {high:money})"
            values |= {"mean": row["mean_profit"], "low": row["profit_low"], "high": row["profit_high"]}
        parts.append(wb.text(start + ".", **values))
    if _known(row, "value", "low", "high"):
        parts.append(
            wb.text(
                "Value ahead {value:money} (95% interval {low:money} to {high:money}).",
                value=row["value"], low=row["low"], high=row["high"],
            )
        )  # fmt: skip
    elif _known(row, "value"):
        parts.append(wb.text("Value ahead {value:money}.", value=row["value"]))
    return " ".join(parts)


def _gets(wb: Workbook, name: str, row: pd.Series) -> str:
    mix = [f"{level} for {formats.count(row[level])}" for level in TERMS if row[level] > 0]
    said = ", ".join(mix)
    parts = [f"{said[:1].upper()}{said[1:]}.", ADVICE[name]]
    if isinstance(row.get("direction"), str) and row["direction_share"] >= _MOST:
        words, step = STATES[row["direction"]]
        parts.append(
            wb.text(
                "{share:share} of them are in the state {words}: {step}.",
                share=row["direction_share"], words=words.lower(), step=step[:1].lower() + step[1:],
            )
        )  # fmt: skip
    return " ".join(parts)


def _costs(wb: Workbook, row: pd.Series) -> str:
    if row["spent"] > 0:
        return wb.text(
            "By plan {cost:money} a year. Today {spent:money} goes into calls, visits and complaints.",
            cost=row["cost"], spent=row["spent"],
        )  # fmt: skip
    return wb.text("By plan {cost:money} a year.", cost=row["cost"])


def _comes_back(wb: Workbook, row: pd.Series) -> str:
    if not row["raised"] > 0:
        return "Nothing beyond today: nobody is raised."
    return wb.text(
        "The {n:count customer} raised cost {extra:money} more a year. Their margin has to rise by {least:share1} to "
        "cover it; expected, on the stated assumption, are {more:money}.",
        n=row["raised"], extra=row["extra"], least=row["extra"] / (row["raised"] * row["raised_margin"]),
        more=row["more"],
    )  # fmt: skip


def _known_by(wb: Workbook, name: str, row: pd.Series) -> str:
    said = []
    if row["raised"] > 0:
        seen = smallest_seen(row["seen"], row["raised_margin"])
        said.append(
            f"A test that raises a random half sees a rise of {seen} or more; anything smaller stays an assumption."
            if seen
            else "Too few are raised for a test of their own; count them in with those raised in the other groups."
        )
    if _known(row, "stayed"):
        said.append(
            wb.text(
                "Watch how many are still {name} a period later: of the last ones {share:share} were (95% interval "
                "{low:share} to {high:share}).",
                name=name.lower(), share=row["stayed"], low=row["stayed_low"], high=row["stayed_high"],
            )
        )  # fmt: skip
    elif not said:
        said.append("Watch their number and their profit in the next report.")
    return " ".join(said)


def _known(row: Mapping, *names: str) -> bool:
    return all(name in row and row[name] == row[name] and np.isfinite(row[name]) for name in names)
