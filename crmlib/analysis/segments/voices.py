"""Who speaks for the company: brought customers, would recommend it, or gave it five stars."""

from dataclasses import dataclass
from datetime import date, timedelta

import ibis
import numpy as np
import pandas as pd

from crmlib.analysis.churn.activity import Tables
from crmlib.errors import ParameterError

_TABLES = ("referrals", "survey", "reviews")


@dataclass(frozen=True)
class Voices:
    """What customers said and did for the company up to a day.

    Attributes
    ----------
    customers : DataFrame
        Indexed by ``customer_id``, sorted, everybody who is in one of the tables: ``brought`` (customers brought; one
        whom several brought on the same first day is shared), ``recommend`` (last answer, 0 to 10), ``stars`` (last
        review, 1 to 5; NaN without one), ``speaks`` (bool).
    brought : DataFrame
        One row per customer brought and referrer: ``referrer_id``, ``referred_id``, ``part`` (1, or shared).
    missing : tuple of str
        Of referrals, survey (with recommend_0_10) and reviews, what is not in the data.
    """

    customers: pd.DataFrame
    brought: pd.DataFrame
    missing: tuple[str, ...]


def voices_on(tables: Tables, day: date, least_recommend: float = 9, least_stars: float = 5) -> Voices:
    """Read who spoke for the company up to a day.

    Parameters
    ----------
    tables : callable
        Returns the checked table of a name, or None; read are ``referrals``, ``survey`` and ``reviews``.
    day : datetime.date
        Nothing later is read.
    least_recommend, least_stars : float
        From which on an answer, or a review, counts.

    Returns
    -------
    Voices
        Without any of the tables, nobody.

    Notes
    -----
    The last answer and the last review count; of several on one day, the lowest. A customer brought by several counts
    for the first; nobody brings himself. Definition of this project, after the question of Reichheld (2003).

    Examples
    --------
    >>> said = {"customer_id": ["A", "B"], "answered_on": [date(2026, 1, 5)] * 2, "recommend_0_10": [9, 6]}
    >>> found = voices_on({"survey": ibis.memtable(said)}.get, date(2026, 1, 31))
    >>> found.customers["speaks"].to_dict(), found.missing
    ({'A': True, 'B': False}, ('referrals', 'reviews'))
    """
    if not (0 <= least_recommend <= 10 and 1 <= least_stars <= 5):
        raise ParameterError(
            f"least_recommend = {least_recommend}, least_stars = {least_stars}",
            "0 to 10, and 1 to 5",
            "correct them",
        )
    end = ibis.literal(day + timedelta(days=1))
    missing = []
    parts = {}
    referrals = tables("referrals")
    pairs = pd.DataFrame(
        {"referrer_id": pd.Series(dtype="str"), "referred_id": pd.Series(dtype="str"), "part": 0.0}
    )
    if referrals is None:
        missing.append("referrals")
    else:
        pairs = _brought(referrals.filter(referrals.referred_on < end))
    parts["brought"] = pairs.groupby("referrer_id")["part"].sum()
    for name, on, score, called in (
        ("survey", "answered_on", "recommend_0_10", "recommend"), ("reviews", "reviewed_on", "rating", "stars"),
    ):  # fmt: skip
        table = tables(name)
        if table is None or score not in table.columns:
            missing.append(name)
            parts[called] = pd.Series(dtype="float64")
        else:
            parts[called] = _last(table.filter(table[on] < end, table[score].notnull()), on, score)
    found = pd.DataFrame(parts).sort_index().rename_axis("customer_id")
    found["brought"] = found["brought"].fillna(0.0)
    found["speaks"] = (
        (found["brought"] > 0) | (found["recommend"] >= least_recommend) | (found["stars"] >= least_stars)
    )
    return Voices(found, pairs, tuple(missing))


def _last(table: ibis.Table, on: str, score: str) -> pd.Series:
    """The last score of each customer; of several on one day, the lowest."""
    order = [ibis.desc(on), score]
    place = ibis.row_number().over(group_by="customer_id", order_by=order)
    rows = table.select("customer_id", on, score).mutate(place=place)
    last = rows.filter(rows.place == 0).select("customer_id", score=rows[score].cast("float64"))
    return last.order_by("customer_id").execute().set_index("customer_id")["score"]


def _brought(referrals: ibis.Table) -> pd.DataFrame:
    """Who brought whom first."""
    others = referrals.filter(referrals.referrer_id != referrals.referred_id)
    first = others.mutate(first=others.referred_on.min().over(group_by="referred_id"))
    pairs = first.filter(first.referred_on == first.first).select("referrer_id", "referred_id").distinct()
    found = pairs.order_by("referred_id", "referrer_id").execute()
    found["part"] = 1 / found.groupby("referred_id")["referrer_id"].transform("size").astype("float64")
    return found if len(found) else found.assign(part=np.zeros(0))
