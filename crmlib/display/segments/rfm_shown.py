"""RFM on the page: cells, ties, and where the scores mislead."""

import pandas as pd

from crmlib.analysis.segments.rfm import Rfm
from crmlib.display.prose import Sentence
from crmlib.display.workbook import Workbook

_MEASURES = {"recency_days": "recency", "frequency": "frequency", "money": "money"}


def cells(found: Rfm) -> pd.DataFrame:
    """Return the named cells that somebody is in, the fullest of money first."""
    table = found.cells[found.cells["customers"] > 0].reset_index()
    table["cell"] = table["cell"].str.capitalize()
    return table.sort_values("money", ascending=False, kind="stable")


def cuts(groups: list[int]) -> dict[str, int]:
    """Return the number of groups by measure.

    Examples
    --------
    >>> cuts([5, 4, 5])
    {'recency_days': 5, 'frequency': 4, 'money': 5}
    """
    return dict(zip(_MEASURES, groups, strict=True))


def note(wb: Workbook, customers: int, groups: list[int]) -> str:
    """Return what stands under the table of cells."""
    if len(set(groups)) == 1:
        return wb.text(
            "{n:count customer}, {g:count} groups each by recency, frequency and money.",
            n=customers,
            g=groups[0],
        )
    return wb.text(
        "{n:count customer}; groups by recency {r:count}, by frequency {f:count}, by money {m:count}.",
        n=customers, r=groups[0], f=groups[1], m=groups[2],
    )  # fmt: skip


def ties(wb: Workbook, found: Rfm) -> Sentence:
    """Say whether equal values left fewer or unequal groups."""
    table = found.ties
    worst = table["largest_group"].mul(table["asked"]).idxmax()
    row = table.loc[worst]
    short = [_MEASURES[name] for name in found.unequal]
    return wb.cases(
        (len(short) > 0,
         "**Equal values get equal scores.** By {words} that leaves fewer groups than asked for: {tie:share} of the "
         "customers have the same {one}, so only {found:count} of {asked:count} groups have anybody in them, and the "
         "largest holds {largest:share}. To part them anyway would be a lot, not a score."),
        (float(row["largest_group"]) * float(row["asked"]) > 1.25,
         "**Equal values get equal scores.** So the groups by {one} are not of one size: the largest of {asked:count} "
         "holds {largest:share} of the customers."),
        (True, "Equal values are few here: the groups are of one size, as asked for."),
        words=" and ".join(short), one=_MEASURES[worst], tie=float(row["largest_tie"]), found=int(row["found"]),
        asked=int(row["asked"]), largest=float(row["largest_group"]),
    )  # fmt: skip


def misled(wb: Workbook, found: Rfm, value: pd.Series) -> Sentence | None:
    """Say how many of the best cell earn nothing once they are served; None where nobody is in it or none loses."""
    best = found.customers.index[found.customers["cell"] == "champions"]
    own = value.reindex(best).dropna()
    losers = int((own < 0).sum())
    if not losers:
        return None
    return wb.say(
        "**Where it misleads:** {k:count} of the {n:count} champions cost more than they bring, {loss:money} in the "
        "period. RFM does not see it; profit does.",
        k=losers, n=len(own), loss=-float(own[own < 0].sum()),
    )  # fmt: skip
