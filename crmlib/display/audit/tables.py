"""Frames of the audit, dressed for people: names in words, intervals as text."""

from collections.abc import Mapping, Sequence

import pandas as pd

from crmlib.analysis.audit.vital_signs import SIGNS
from crmlib.analysis.audit.windows import Windows
from crmlib.analysis.period import Period
from crmlib.display import formats

CARRIERS = {"old": "Won before the period", "won": "Won in the period"}
PLURAL = {"category": "categories", "product": "products"}
_DASH = "–"


def signs(
    table: pd.DataFrame, periods: Sequence[Period], currency: str, judged: bool, shown: int = 4
) -> pd.DataFrame:
    """Write the signs of health of the last periods, how the last one changed and, if wanted, whether by chance.

    Columns ``label``, ``period_0`` and so on (the earliest first) and ``change``.
    """
    numbers = range(max(0, len(periods) - shown), len(periods))
    words = pd.Series(", within chance", index=table.index).mask(table["low"].isna(), "")
    words = words.mask((table["low"] > 0) | (table["high"] < 0), ", more than chance")
    changes = [
        _changed(name, row["change"], row[numbers[-1]], currency) + (words[name] if judged else "")
        for name, row in table.iterrows()
    ]
    written = {
        f"period_{place}": [
            _written(value, SIGNS[name][1], currency) for name, value in table[number].items()
        ]
        for place, number in enumerate(numbers)
    }
    return pd.DataFrame({"label": [SIGNS[name][0] for name in table.index], **written, "change": changes})


def _changed(name: str, change: float, now: float, currency: str) -> str:
    """Write a change: of shares in points, else as a share of what it was, or as it is where that is not above zero."""
    if pd.isna(change):
        return _DASH
    if SIGNS[name][1] == "share":
        size, unit = 100 * change, " points" if abs(round(100 * change)) != 1 else " point"
        text = f"{abs(size):.0f}"
    else:
        before, size, unit = now - change, change, ""
        text = (
            formats.share(abs(change / before), 1)
            if before > 0
            else _written(abs(change), SIGNS[name][1], currency)
        )
    sign = "" if not any(digit in text for digit in "123456789") else "−" if size < 0 else "+"
    return f"{sign}{text}{unit}"


def next_items(table: pd.DataFrame, rows: int = 10) -> pd.DataFrame:
    """Say, for each entry, how many bought no second time, the same again, or most often something else."""
    dressed = []
    for item, counts in table.loc[
        table.sum(axis=1).sort_values(ascending=False, kind="stable").index
    ].iterrows():
        total, others = counts.sum(), counts.drop(index=["none", "(not known)", item], errors="ignore")
        most = others.idxmax() if len(others) and others.max() else _DASH
        dressed.append((item, int(total), counts.get("none", 0) / total, counts.get(item, 0) / total, most))
    columns = ["item", "customers", "none", "same", "most"]
    return pd.DataFrame(dressed, columns=columns).head(rows)


def averages(table: pd.DataFrame, currency: str, margin: bool = True) -> pd.DataFrame:
    """Write averages both ways, the margin where it is more than an assumption: ``label``, ``right``, ``wrong``."""
    names = {"order_value": ("Order value", "exact_money"), "margin": ("Profit margin", "share1")}
    rows = [
        (label, _written(table.loc[name, "ratio_of_totals"], kind, currency),
         _written(table.loc[name, "mean_of_ratios"], kind, currency))
        for name, (label, kind) in names.items()
        if margin or name != "margin"
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=["label", "right", "wrong"])


def money_bins(table: pd.DataFrame, currency: str) -> pd.DataFrame:
    """Name the bins of `one_period.money_distribution` in words, as ``label``."""
    labels = [
        formats.money_range(low, high, currency)
        for low, high in zip(table["low"], table["high"], strict=True)
    ]
    return table.assign(label=labels)


def contributions(by_group: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Put the contributions of several groups of customers into rows, with their sum as ``change``."""
    table = pd.DataFrame({name: moved["contribution"] for name, moved in by_group.items()}).T
    return table.assign(change=table.sum(axis=1)).rename_axis("label").reset_index()


def up_and_down(table: pd.DataFrame) -> pd.DataFrame:
    """Name what went up and down, the most customers first; rows without customers left out."""
    labels = [f"Orders {orders}, order value {value}" for orders, value in table.index]
    labels = [label.replace(" same", " the same") for label in labels]
    dressed = table.assign(label=labels).reset_index(drop=True)
    return dressed[dressed["customers"] > 0].sort_values(["customers", "label"], ascending=[False, True])


def span(windows: Windows, cohorts: range) -> str:
    """Name the days over which neighbouring cohorts were won."""
    return str(Period(windows.firsts[cohorts[0]], windows.lasts[cohorts[-1]], 0.0))


def waits(table: pd.DataFrame) -> pd.DataFrame:
    """Name the orders and write the interval of the last share that is known."""
    marks = [name for name in table.columns if name.startswith("days_") and name.count("_") == 1]
    dressed = table.reset_index()
    dressed["label"] = [f"{number} to {number + 1}" for number in dressed["order"]]
    dressed["interval"] = [
        _last_interval(row, [mark for mark in marks if pd.notna(row[mark])])
        for row in dressed.to_dict("records")
    ]
    return dressed


def _last_interval(row: Mapping[str, float], marks: list[str]) -> str:
    if not marks:
        return _DASH
    low, high = row[f"{marks[-1]}_low"], row[f"{marks[-1]}_high"]
    return _DASH if pd.isna(low) or pd.isna(high) else f"{formats.share(low)} to {formats.share(high)}"


def side_by_side(side: pd.DataFrame, rows: int = 10) -> pd.DataFrame:
    """Keep the newest cohorts that are old enough, and say what each adds to the one before as ``verdict``."""
    known = side[side["value"].notna()]
    words = pd.Series("not told apart", index=known.index)
    words = words.mask(known["change_low"] > 0, "better").mask(known["change_high"] < 0, "worse")
    words = words.mask(known["change"].isna(), _DASH)
    return known.assign(verdict=words).tail(rows)


def within(table: pd.DataFrame, windows: Windows, period: Period) -> pd.Series:
    """Tell which rows of `whole_base.by_window` lie in a period."""
    return pd.Series(
        table.index.get_level_values("window") >= windows.holding(period.first), index=table.index
    )


def breadth(table: pd.DataFrame, currency: str) -> pd.DataFrame:
    """Write the interval of the profit of customers with about the same number of orders."""
    text = [
        _DASH
        if pd.isna(low)
        else f"{formats.exact_money(low, currency)} to {formats.exact_money(high, currency)}"
        for low, high in zip(table["alike_low"], table["alike_high"], strict=True)
    ]
    return table.assign(interval=text).reset_index()


def checked(checks: pd.DataFrame) -> pd.DataFrame:
    """Write key figures, their expected range, and what to ask where a figure lies outside."""
    ratios = checks.index.isin(
        ["last_window", "first_cohort"]
    )  # against another period: not parts of a whole
    kinds = ["number2" if ratio else "share1" for ratio in ratios]
    return pd.DataFrame(
        {
            "label": checks["label"],
            "value": [_written(value, kind, "") for value, kind in zip(checks["value"], kinds, strict=True)],
            "range": [
                f"{_written(low, kind.rstrip('1'), '')} to {_written(high, kind.rstrip('1'), '')}"
                for low, high, kind in zip(checks["low"], checks["high"], kinds, strict=True)
            ],
            "look": ["as expected" if row.inside else row.ask for row in checks.itertuples()],
        }
    )


def _written(value: float, kind: str, currency: str) -> str:
    return _DASH if pd.isna(value) else formats.written(value, kind, currency)
