"""Why a customer gets his action, in words, from his own facts."""

from collections.abc import Callable

import pandas as pd

_FAILURES = {
    "late": "Delivery late on ", "incomplete": "Delivery incomplete on ", "damaged": "Delivery damaged on ",
    "below": "Received less than expected by the survey of ",
}  # fmt: skip


def reasons(action: str, facts: pd.DataFrame) -> pd.Series:
    """Put the reason of an action into words.

    Parameters
    ----------
    action : str
        Of the menu.
    facts : DataFrame
        Rows of the offer of that action.

    Returns
    -------
    Series of str
        Indexed like `facts`.

    Examples
    --------
    >>> facts = pd.DataFrame({"last_on": [pd.Timestamp("2025-03-01")], "orders": [1], "alive": [0.2]}, index=["A"])
    >>> reasons("win back", facts).tolist()
    ['No purchase since 1 March 2025, after 1 order']
    """
    return _WORDS[action](facts).astype("str")


def _win_back(facts: pd.DataFrame) -> pd.Series:
    return "No purchase since " + _day(facts["last_on"]) + ", after " + _count(facts["orders"], "order")


def _save(facts: pd.DataFrame) -> pd.Series:
    chance = (facts["p"] * 100).round().astype("int64").astype("str") + "% likely to leave"
    why = facts["why"].fillna("").astype("str").str.strip().str.rstrip(".")
    for word, said in (("higher", "raised by"), ("lower", "lowered by")):
        why = why.str.replace(rf"\b{word}: ", f"{said} ", regex=True)
    return chance.where(why == "", chance + ", " + why)


def _repair(facts: pd.DataFrame) -> pd.Series:
    return facts["failure"].map(_FAILURES) + _day(facts["failed_on"])


def _up_sell(facts: pd.DataFrame) -> pd.Series:
    return "Buys mostly " + facts["category"] + ", tier " + facts["tier"]


def _cross_sell(facts: pd.DataFrame) -> pd.Series:
    return "The next order holds it with a chance of " + (facts["chance"] * 100).round(1).astype("str") + "%"


def _referral(facts: pd.DataFrame) -> pd.Series:
    answered = "Answered " + facts["score"].fillna(0).astype("int64").astype("str") + " of 10"
    brought = "Brought " + _count(facts["brought"].fillna(0), "customer") + " so far"
    both = (answered + "; b" + brought.str.slice(1)).where(facts["brought"] > 0, answered)
    return both.where(facts["score"].notna(), brought)


def _reprice(facts: pd.DataFrame) -> pd.Series:
    cause = facts["cause"].fillna("none").astype("str")
    return ("Loses money, mostly by " + cause.str.slice(0, 1).str.lower() + cause.str.slice(1)).where(
        cause != "none", "Loses money"
    )


def _level(facts: pd.DataFrame) -> pd.Series:
    return "Served at level " + facts["level_now"].astype("str") + "; due is " + facts["level"].astype("str")


def _day(days: pd.Series) -> pd.Series:
    when = pd.to_datetime(days)
    written = when.dt.day.astype("Int64").astype("str") + " " + when.dt.strftime("%B %Y")
    return written.where(when.notna(), "an unknown day").astype("str")


def _count(numbers: pd.Series, what: str) -> pd.Series:
    whole = numbers.fillna(0).astype("int64")
    return whole.astype("str") + (" " + what) + whole.eq(1).map({True: "", False: "s"})


_WORDS: dict[str, Callable[[pd.DataFrame], pd.Series]] = {
    "win back": _win_back, "save": _save, "service repair": _repair, "up-sell": _up_sell, "cross-sell": _cross_sell,
    "ask for referral": _referral, "reprice": _reprice, "level up": _level, "level down": _level,
}  # fmt: skip
