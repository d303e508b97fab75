"""Clusters on the page: what they are made from, how steady they are, and whether they beat a simple rule."""

import numpy as np
import pandas as pd

from crmlib.analysis.segments.against_rfm import METHODS, AgainstRfm
from crmlib.analysis.segments.cluster_count import BIC_STRONG, SILHOUETTES, ClusterCount
from crmlib.analysis.segments.cluster_features import SCALINGS
from crmlib.analysis.segments.cluster_search import ClusterSearch
from crmlib.analysis.segments.cluster_stability import HIGHLY_STABLE, VALID
from crmlib.analysis.segments.identity import Identity
from crmlib.display import formats
from crmlib.display.prose import Sentence
from crmlib.display.segments.opening import NAMES, day_of
from crmlib.display.workbook import Workbook

#: What each transform does, in a few words.
_TRANSFORMS = {
    "plain": "as it is",
    "log": "logarithm of its size, with its sign",
    "rank": "rank among customers, as a share",
}
#: Indices from which on clusters are highly steady, and steady by the usual limit.
LIMITS = (HIGHLY_STABLE, VALID)


def steps(search: ClusterSearch) -> pd.DataFrame:
    """Return what is done to each column, in words."""
    table = search.features.steps.reset_index()
    return pd.DataFrame(
        {"column": table["column"].map(NAMES), "transform": table["transform"].map(_TRANSFORMS)}
    )


def steps_note(wb: Workbook, search: ClusterSearch, active: int) -> str:
    """Return what stands under the table of columns: on which scale they are put, and whose they are."""
    scaling = SCALINGS[search.features.steps["scaling"].iloc[0]]
    return wb.text(
        "Then each {scaling}. {n:count} of {all:count} active customers, those of whom all of this is known.",
        scaling=scaling, n=len(search.features.scaled), all=active,
    )  # fmt: skip


def drawn(wb: Workbook, search: ClusterSearch) -> str:
    """Return the subtitle of the figure of steadiness."""
    steady = search.counted.stability
    rounds = formats.count(steady.rounds)
    return f"{wb.data.name}, {formats.count(steady.drawn)} customers, clusters made again {rounds} times"


def counts(search: ClusterSearch) -> pd.DataFrame:
    """Return the table of numbers of clusters, with a verdict."""
    table = search.counted.table.reset_index()
    table["verdict"] = np.select(
        [table["k"] == 1, table["least_jaccard"] >= HIGHLY_STABLE, table["least_jaccard"] >= VALID],
        ["one group", "highly steady", "steady enough by the usual limit"],
        "not steady",
    )
    return table


def least_steady(search: ClusterSearch) -> pd.DataFrame:
    """Return what the figure of steadiness draws."""
    table = search.counted.table.loc[2:].reset_index()
    return pd.DataFrame({"number": table["k"], "value": table["least_jaccard"], "again": table["ari"]})


def steady_title(wb: Workbook, search: ClusterSearch) -> str:
    """Return the title of the figure of steadiness."""
    found = search.counted
    return str(
        wb.cases(
            (
                found.reason == "nothing_stable",
                "No number of groups comes back reliably when customers are drawn anew",
            ),
            (
                found.chosen == 1,
                "Groups come back when customers are drawn anew, but lie no closer together than chance",
            ),
            (True, "{k} groups come back when customers are drawn anew, more do not"),
            k=_word(found.chosen),
        )
    )


def chosen(wb: Workbook, search: ClusterSearch) -> Sentence:
    """Say how many groups there are, on what evidence, and what the usual limit would give."""
    found = search.counted
    row = found.table.loc[max(found.chosen, 2)]
    others = [k for k in (search.usual, *found.also_possible) if k != found.chosen]
    other = _word(others[0]).lower() if others else ""
    return wb.cases(
        (found.chosen == 1 and search.usual == 1,
         "**One group, not several.** {why} Cut into two all the same, {change:share} of the customers would be in the "
         "other group had others like them been drawn."),
        (found.chosen == 1,
         "**One group by a strict limit, {other} by the usual one.** At {strict:number2} {why_strict}; at "
         "{usual:number2} {other} groups would count. Cut into two, {change:share} of the customers would be in the "
         "other group had others like them been drawn."),
        (found.kind == "natural" and len(others) > 0,
         "**{k}, perhaps {other}.** {k} groups come back (least steady Jaccard index {jaccard:number2}), they "
         "{apart_words} (silhouette {apart:number2}, {structure}), and {change:share} of the customers would be in "
         "another one "
         "by chance. {rival}"),
        (found.kind == "natural",
         "**{k} groups.** They come back (least steady Jaccard index {jaccard:number2}), they {apart_words} "
         "(silhouette "
         "{apart:number2}, {structure}), and {change:share} of the customers would be in another one by chance. The "
         "usual limit of {usual:number2} would give the same number."),
        (len(others) > 0,
         "**{k}, perhaps {other}, and none of them natural.** {k} groups come back (least steady Jaccard index "
         "{jaccard:number2}), and {change:share} of the customers would be in another one by chance. But they do not "
         "lie apart (silhouette {apart:number2}, where {weak:number2} would be a weak structure): one crowd, cut where "
         "it always cuts. {rival}"),
        (True,
         "**{k} groups, but no natural ones.** They come back (least steady Jaccard index {jaccard:number2}), and "
         "{change:share} of the customers would be in another one by chance. But they do not lie apart (silhouette "
         "{apart:number2}, where {weak:number2} would be a weak structure): one crowd, cut where it always cuts."),
        why="Nothing comes back when customers are drawn anew." if found.reason == "nothing_stable" else
        "Customers lie no closer together than without any groups.",
        why_strict="nothing is steady enough" if found.reason == "nothing_stable" else
        "what is steady lies no closer together than without any groups",
        k=_word(found.chosen), other=other, strict=HIGHLY_STABLE, usual=VALID, change=float(row["change_by_chance"]),
        jaccard=float(row["least_jaccard"]), apart=float(row["silhouette"]),
        structure=_structure(found), apart_words=lie_apart(found), weak=SILHOUETTES[0], rival=_rival(wb, search, other),
    )  # fmt: skip


def mixtures(wb: Workbook, search: ClusterSearch) -> Sentence:
    """Say what mixtures of normal distributions would say, and how steady they are."""
    bic, steady = search.counted.table["bic"], search.mixture
    best = int(bic.idxmin())
    near = bool((bic.drop(best) - bic[best]).min() <= BIC_STRONG)
    return wb.cases(
        (steady is None,
         "A mixture of normal distributions says the same: by BIC one is enough."),
        (steady is not None and float(steady.by_count["least_jaccard"].iloc[0]) < VALID,
         "A mixture of normal distributions would use {k:count} components by BIC{near}, but they do not come back: "
         "its least steady component has a Jaccard index of {jaccard:number2}. Components describe the shape of the "
         "crowd; they are no groups of customers."),
        (True,
         "A mixture of normal distributions would use {k:count} components by BIC{near}; its least steady component "
         "has a Jaccard index of {jaccard:number2}."),
        k=best, near=", though others are as good" if near else "",
        jaccard=float(steady.by_count["least_jaccard"].iloc[0]) if steady else 0.0,
    )  # fmt: skip


def sizes(search: ClusterSearch) -> pd.DataFrame:
    """Return each cluster under the number it keeps, with its size and medians."""
    found = search.clusters
    numbers = search.identity.labels.groupby(found.labels).first()
    table = found.sizes.join(found.medians).rename(numbers.to_dict()).sort_index()
    table.index = pd.Index([f"Cluster {number}" for number in table.index], name="cluster")
    return table.reset_index()


def size_columns(search: ClusterSearch) -> dict[str, tuple[str, str]]:
    """Return the headings of `sizes`: money exact, shares as shares, counts with a decimal."""
    kinds = {"profit": "exact_money", "money": "exact_money", "value_ahead": "exact_money", "frequency": "count",
             "categories": "count"}  # fmt: skip
    own = {name: (f"{NAMES[name]} (median)", kinds.get(name, "share")) for name in search.clusters.medians}
    return {
        "cluster": ("Cluster", "text"),
        "customers": ("Customers", "count"),
        **own,
    }


def identity_said(wb: Workbook, identity: Identity) -> Sentence | None:
    """Say which clusters are those of the last report, which are new and which are gone; None in a first report."""
    if identity.pairing is None:
        return None
    pairs = identity.pairing.pairs
    kept = sorted(int(n) for n in pairs.loc[pairs["old"].notna(), "number"])
    return wb.cases(
        (len(kept) == len(pairs) and not identity.pairing.vanished,
         "All clusters are those of the report of {day:day}, and keep their numbers."),
        (len(kept) == 0,
         "No cluster of the report of {day:day} is left: all are new, and have numbers that were never used."),
        (True,
         "Compared with the report of {day:day}: {kept} kept{fresh}{gone}. A number is never given to another "
         "cluster."),
        day=day_of(identity.since), kept=_numbered(kept),
        fresh=f", {_numbered(identity.pairing.fresh)} new" if identity.pairing.fresh else "",
        gone=f", {_numbered(identity.pairing.vanished)} gone" if identity.pairing.vanished else "",
    )  # fmt: skip


def scores(found: AgainstRfm) -> pd.DataFrame:
    """Return how well each rule foretold profit, with intervals in words."""
    table = found.scores.reset_index()
    table["label"] = table["method"].map(METHODS)
    for name in ("r2", "r2_usual"):
        table[f"{name}_range"] = [
            f"{formats.share(low)} to {formats.share(high)}" if low < high else ""
            for low, high in zip(table[f"{name}_low"], table[f"{name}_high"], strict=True)
        ]
    return table


def beats(wb: Workbook, found: AgainstRfm) -> Sentence:
    """Say whether clusters foretell profit better than RFM, and which rule is enough."""
    gap, usual = (found.differences.loc[(found.rfm, name)] for name in ("r2", "r2_usual"))
    simple = METHODS[found.use]
    verdict = {"better": "better than RFM does", "worse": "worse than RFM does"}.get(
        found.clusters_against_rfm, "no better than RFM does, beyond chance"
    )
    start = (
        f"**Clusters foretell next period's profit {verdict}** (error removed less that of RFM: {{gap:share1}}, 95% "
        "interval {low:share1} to {high:share1}; without the largest customers {usual:share1}, {least:share1} to "
        "{most:share1}). "
    )
    if turns(found):
        start = (
            "**Whether clusters foretell next period's profit better or worse than RFM cannot be told:** the sign "
            "turns "
            "without the hundredth of the largest customers (error removed less that of RFM: {gap:share1}, 95% "
            "interval "
            "{low:share1} to {high:share1}; without them {usual:share1}, {least:share1} to {most:share1}). "
        )
    return wb.cases(
        (found.use == "clusters", start + "No simpler rule is as good."),
        (True,
         start + "The simplest rule that none beats is: {simple}. Groups are for people to remember and to treat "
         "alike; to foretell profit nobody needs them."),
        gap=float(gap["clusters_less"]), low=float(gap["low"]), high=float(gap["high"]),
        usual=float(usual["clusters_less"]), least=float(usual["low"]), most=float(usual["high"]),
        simple=simple[:1].lower() + simple[1:],
    )  # fmt: skip


def scores_note(wb: Workbook, found: AgainstRfm) -> str:
    """Return what stands under the table of rules."""
    learned = {
        "earlier pair": "Learned on the pair of periods before, tried on the last one",
        "folds of customers": "Learned on four fifths of the customers, tried on the others, in turn",
    }[found.learned_on]
    return wb.text(
        "{learned}; {n:count} customers. Error removed: share of the squared error of one mean for everybody, which a "
        "few large customers rule; beside it without the hundredth of the largest. Clusters are made of what order "
        "lines tell.",
        learned=learned, n=found.customers,
    )  # fmt: skip


def _rival(wb: Workbook, search: ClusterSearch, other: str) -> str:
    if search.usual != search.counted.chosen:
        return wb.text("The usual limit of {usual:number2} would let {other} pass.", usual=VALID, other=other)
    return wb.text("By the gap statistic {other} would do as well, within its error.", other=other)


def lie_apart(found: ClusterCount) -> str:
    """Say in the same words everywhere how far clusters lie apart.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> [lie_apart(SimpleNamespace(structure=name)) for name in ("strong", "weak", "none")]
    ['lie apart', 'lie only weakly apart', 'do not lie apart']
    """
    return {"weak": "lie only weakly apart", "none": "do not lie apart"}.get(found.structure, "lie apart")


def turns(found: AgainstRfm) -> bool:
    """Say whether clusters are better than RFM with the largest customers and worse without them, or the reverse."""
    gap, usual = (
        float(found.differences.loc[(found.rfm, name), "clusters_less"]) for name in ("r2", "r2_usual")
    )
    return found.clusters_against_rfm in ("better", "worse") and gap * usual < 0


def _structure(found: ClusterCount) -> str:
    return {
        "weak": "a weak structure",
        "reasonable": "a reasonable structure",
        "strong": "a strong structure",
    }.get(found.structure, "no structure")


def _numbered(numbers) -> str:
    return (
        "clusters " * (len(numbers) > 1) + "cluster " * (len(numbers) == 1) + " and ".join(map(str, numbers))
    )


def _word(number: int) -> str:
    words = ("", "One", "Two", "Three", "Four", "Five", "Six", "Seven", "Eight")
    return words[number] if number < len(words) else str(number)
