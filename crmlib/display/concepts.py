"""The ideas of customer relationship management, and where each of them lives in the suite.

Words only: which idea asks what, in which notebook, by which measure, on which tables, for which
decision. What a run knows (which notebooks and tables are there, the numbers) is joined to it.
"""

from dataclasses import dataclass

import pandas as pd

from crmlib.analysis.overview import Figures
from crmlib.display import formats
from crmlib.display.suite import Suite

#: The notebooks the suite is meant to have, and what they ask.
NOTEBOOKS = {
    "01_customer_base": "What does our customer base look like, and is it getting healthier?",
    "02_profitability": "Which customers earn us money?",
    "03_churn": "Who is leaving, and whom is it worth trying to keep?",
    "04_lifetime_value": "What is each relationship worth from here on, and how sure are we?",
    "05_customer_equity": "What is the whole base worth, and should the next euro buy or keep customers?",
    "06_segments": "Which groups of customers deserve which relationship?",
    "07_satisfaction": "Do customers get more than they expect, do they tell others, and does it pay?",
    "08_partners": "Which suppliers, channels and resellers help us create value?",
    "09_actions": "What do we do with whom this month, and did last month's actions work?",
    "10_report": "What should management know and decide this month?",
}


@dataclass(frozen=True)
class Concept:
    """An idea and where it lives.

    Attributes
    ----------
    group : str
        ``kinds``, one of the four directions (``win``, ``grow``, ``keep``, ``advocates``) or ``whole``.
    name, question : str
    notebooks : tuple of str
        Where it is treated; the measure is that of the first.
    measure : str
        What it is measured by.
    tables : tuple of str
        Tables of the contract it needs.
    decision : str
        What is decided with it.
    figure : str
        Name of its number in `crmlib.analysis.overview.key_numbers`; empty while there is none.
    """

    group: str
    name: str
    question: str
    notebooks: tuple[str, ...]
    measure: str
    tables: tuple[str, ...]
    decision: str
    figure: str = ""


CONCEPTS = (
    Concept(
        "kinds", "Operational CRM", "Who gets which service, call or offer today?",
        ("02_profitability", "09_actions"), "Customers on the list with a next step",
        ("orders", "events"), "who is called, served or left in peace", "with_a_step",
    ),
    Concept(
        "kinds", "Analytical CRM", "What do the data say about our customers?",
        ("01_customer_base", "02_profitability"), "Questions that have their notebook",
        ("orders", "customers"), "what to change, and for whom", "answered",
    ),
    Concept(
        "kinds", "Collaborative CRM", "What do we share with those who sell and deliver with us?",
        ("08_partners",), "Deliveries on time and complete", ("partners", "deliveries"),
        "with whom to share data, goals and margin",
    ),
    Concept(
        "win", "Winning customers", "How many came, and when?", ("01_customer_base",),
        "Customers won in the period", ("orders", "customers"), "whether enough new customers come", "won",
    ),
    Concept(
        "win", "Cost of winning", "What may a new customer cost?", ("02_profitability", "05_customer_equity"),
        "Average cost of winning a customer", ("customers",), "how much to spend, and through which channel",
        "cost_to_win",
    ),
    Concept(
        "win", "Cohorts", "Are new customers as good as the earlier ones were?", ("01_customer_base",),
        "Profit per customer at the age at which cohorts are compared, over all cohorts old enough", ("orders",),
        "whether to go on winning them in the same way", "cohort_value",
    ),
    Concept(
        "grow", "Customer profit", "Which relations earn, which cost more than they bring?",
        ("02_profitability",), "Earned on customers above zero", ("orders", "events", "activities", "resources"),
        "the terms of service: minimum order, fee, channel", "earned",
    ),
    Concept(
        "grow", "More from those who stay", "Who of those who stayed bought more?", ("01_customer_base",),
        "Share of the retained who bought more than before", ("orders", "products"), "what to offer next, to whom",
        "bought_more",
    ),
    Concept(
        "grow", "Share of customer", "What part of their spending in our category comes to us?",
        ("05_customer_equity",), "Our part of what customers spend in the category", ("survey",),
        "where more effort can still win spending",
    ),
    Concept(
        "grow", "Relationship levels", "Who deserves a partnership, and who a good routine?", ("06_segments",),
        "Customers whose margin carries more attention than they get", ("orders", "customers"),
        "how much attention each group gets", "raised",
    ),
    Concept(
        "keep", "Keeping customers", "How many of the customers of a period ago came again?", ("01_customer_base",),
        "Share who came again", ("orders",), "whether keeping is the first thing to look at", "retention",
    ),
    Concept(
        "keep", "Churn", "Who is about to leave, and whom can we still move?", ("03_churn",),
        "Money at risk in a year, chance to leave times what the customer brings", ("contacts", "contracts"),
        "whom to approach, whom to leave alone", "at_risk",
    ),
    Concept(
        "keep", "Satisfaction", "Do customers get what they expected?", ("07_satisfaction",),
        "What they received against what they expected", ("survey",), "which promise to mend first",
    ),
    Concept(
        "keep", "Perceived value", "Is our offer worth more to them than that of others?", ("07_satisfaction",),
        "Value against the main competitor", ("survey",), "what to offer more of, or at another price",
    ),
    Concept(
        "keep", "Loyalty and club programmes", "Does the club change what members do, or only reward it?",
        ("06_segments",), "What members buy more because they are members", ("contracts", "customers"),
        "whether and how to go on with the club",
    ),
    Concept(
        "advocates", "Advocates", "Who brings us other customers?", ("07_satisfaction",),
        "Customers brought by customers", ("referrals",), "whom to thank, and whom to ask",
    ),
    Concept(
        "advocates", "Referral value", "What is it worth that one customer brings another?",
        ("05_customer_equity",), "Profit of those brought, less the reward", ("referrals", "customers"),
        "what a recommendation may cost",
    ),
    Concept(
        "advocates", "Consumer-generated content", "What do customers publish about us?", ("07_satisfaction",),
        "Stars, number and use of their reviews", ("reviews",), "where to answer, what to mend, what to show",
    ),
    Concept(
        "whole", "Lifetime value", "What is a relationship worth from here on?", ("04_lifetime_value",),
        "Expected contribution of all customers from now on", ("orders",), "how much to invest in whom", "future",
    ),
    Concept(
        "whole", "Customer equity", "What is the whole base worth?", ("05_customer_equity",),
        "Lifetime values added up, those still to come included", ("orders", "customers"),
        "whether the next euro wins or keeps",
    ),
    Concept(
        "whole", "Segments", "Which customers are alike enough to be treated alike?", ("06_segments",),
        "Profit of the group that brings most", ("orders", "customers"), "which group gets which offer", "best_segment",
    ),
    Concept(
        "whole", "Partners", "Which suppliers, channels and resellers help?", ("08_partners",),
        "Score of each partner", ("partners", "deliveries"), "with whom to work more closely",
    ),
    Concept(
        "whole", "Actions and the closed loop", "Did what we did last month work?", ("09_actions",),
        "Customers on the list who are left alone by lot", ("contacts",), "what to repeat, change or stop", "held_out",
    ),
    Concept(
        "whole", "The management report", "What has to be decided this month?", ("10_report",),
        "Decisions and the money in them", ("orders",), "what comes first",
    ),
)  # fmt: skip

#: Headings and kinds of the columns of `concept_map`.
COLUMNS = {
    "name": ("Idea", "text"),
    "question": ("Question", "text"),
    "measure": ("Measure, and its value in this run", "text"),
    "notebook": ("Notebook", "text"),
    "tables": ("Tables it needs", "text"),
    "decision": ("Decision it serves", "text"),
}


def concept_map(
    group: str, suite: Suite, tables: pd.DataFrame, numbers: Figures, currency: str
) -> pd.DataFrame:
    """Join the ideas of one group to what this run knows.

    Parameters
    ----------
    group : str
        See `Concept`.
    suite : Suite
        Which notebooks there are.
    tables : DataFrame
        As returned by `crmlib.display.inventory.tables_in`.
    numbers : dict
        As returned by `crmlib.analysis.overview.key_numbers`.
    currency : str

    Returns
    -------
    DataFrame
        One row per idea, with the columns of `COLUMNS`.
    """
    rows = [
        {
            "name": concept.name,
            "question": concept.question,
            "measure": f"{concept.measure}{_value(concept, suite, numbers, currency)}",
            "notebook": ", ".join(suite.state(name) for name in concept.notebooks),
            "tables": ", ".join(_rows(name, tables) for name in concept.tables),
            "decision": concept.decision[:1].upper() + concept.decision[1:],
        }
        for concept in CONCEPTS
        if concept.group == group
    ]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _value(concept: Concept, suite: Suite, numbers: Figures, currency: str) -> str:
    if not suite.has(concept.notebooks[0]) and concept.figure not in numbers:
        return ""
    if concept.figure in numbers:
        return f": {formats.written(*numbers[concept.figure], currency)}"
    return ": not known here" if concept.figure else f": see notebook {suite.state(concept.notebooks[0])}"


def _rows(name: str, tables: pd.DataFrame) -> str:
    found = tables.loc[name]
    return f"{name} ({formats.count(found['rows'])} rows)" if found["there"] else f"{name} (missing)"


def resting_on(tables: pd.DataFrame) -> pd.DataFrame:
    """Add to each table the ideas that need it: what can be asked with it, or not without it.

    Parameters
    ----------
    tables : DataFrame
        As returned by `crmlib.display.inventory.tables_in`.

    Returns
    -------
    DataFrame
        `tables` with the columns ``found`` (rows in words) and ``ideas``, the first few where they
        are many; for the order log all of them.
    """
    ideas = {
        name: _first_few([concept.name for concept in CONCEPTS if name in concept.tables])
        for name in tables.index
    }
    found = tables["rows"].map(formats.count, na_action="ignore").astype("object").fillna("missing")
    return tables.assign(found=found, ideas=pd.Series(ideas | {"orders": "Everything"}))


def _first_few(names: list[str], few: int = 3) -> str:
    more = len(names) - few
    return ", ".join(names[:few]) + (f" and {more} more" if more > 0 else "")


def left_without(tables: pd.DataFrame) -> tuple[list[str], list[str]]:
    """Name the ideas that lack tables: those of which some are there, and those of which none is.

    Parameters
    ----------
    tables : DataFrame
        As in `resting_on`.

    Returns
    -------
    (list of str, list of str)
        What can be treated in part, and what not at all.
    """
    there = set(tables.index[tables["there"]])
    in_part = [c.name for c in CONCEPTS if there & set(c.tables) and set(c.tables) - there]
    not_at_all = [c.name for c in CONCEPTS if not there & set(c.tables)]
    return in_part, not_at_all


def with_questions(stakes: pd.DataFrame, suite: Suite) -> pd.DataFrame:
    """Join to each sum at stake the question that goes into it.

    Parameters
    ----------
    stakes : DataFrame
        As returned by `crmlib.analysis.overview.stakes`.
    suite : Suite

    Returns
    -------
    DataFrame
        `stakes` with ``question``, ``state`` (number of the notebook, and whether it is planned) and
        ``here`` (bool).
    """
    return stakes.assign(
        question=stakes["notebook"].map(lambda name: suite.question(name, NOTEBOOKS)),
        state=stakes["notebook"].map(suite.state),
        here=stakes["notebook"].map(suite.has).astype("bool"),
    )
