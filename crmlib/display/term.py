"""A term with the suite: which notebook in which week, what to dwell on, what to argue about.

Words only; which notebooks are there is read from the suite.
"""

from dataclasses import dataclass

import pandas as pd

from crmlib.display.suite import Suite


@dataclass(frozen=True)
class Week:
    """One week of a course: a notebook, what to dwell on, which exercises, what to argue about."""

    notebook: str
    idea: str
    exercises: str
    discussion: str


TERM = (
    Week("00_start_here", "What a relation is worth, and to whom", "all three",
         "Is it right to treat customers differently?"),
    Week("01_customer_base", "How different customers are; what changed between two periods", "the first",
         "Would you rather lose ten small customers or one large one?"),
    Week("01_customer_base", "Customers by the time they came", "the other two",
         "Are new customers worse, or only younger?"),
    Week("02_profitability", "From sales to the profit of a customer; what service costs", "the first two",
         "Who should pay for hours that nobody used?"),
    Week("02_profitability", "Losses, terms of service, and the milder steps before parting", "the third",
         "When, if ever, should a company part with a customer?"),
    Week("03_churn", "Who leaves, and who can be moved", "all three",
         "Is it wise to call someone who has forgotten us?"),
    Week("04_lifetime_value", "What a relation is worth from here on", "all three",
         "How far ahead may a company believe its forecasts?"),
    Week("05_customer_equity", "Winning against keeping; share of customer", "all three",
         "Why is the saying about the cheap kept customer so popular?"),
    Week("06_segments", "Groups, relationship levels, clubs", "all three",
         "Does the club make loyal customers, or do loyal customers join?"),
    Week("07_satisfaction", "Expectation, value, satisfaction, advocates", "all three",
         "Why do satisfied customers leave?"),
    Week("08_partners", "Partners who help to create value", "all three",
         "How much may a company tell its resellers about its customers?"),
    Week("09_actions", "Acting, holding out a group, learning from it", "all three",
         "Is it fair to hold some customers out of an offer?"),
    Week("10_report", "What management has to know; own data", "a report on own data",
         "Which number would you leave out?"),
)  # fmt: skip

COLUMNS = {
    "week": ("Week", "count"),
    "notebook": ("Notebook", "text"),
    "idea": ("Idea", "text"),
    "exercises": ("Exercises", "text"),
    "discussion": ("To discuss", "text"),
}


def term_plan(suite: Suite) -> pd.DataFrame:
    """Lay out a term: one row per week, with the columns of `COLUMNS`.

    The exercises of a notebook that is not there yet are marked as planned.
    """
    rows = [
        {
            "week": number,
            "notebook": suite.state(week.notebook),
            "idea": week.idea,
            "exercises": week.exercises if suite.has(week.notebook) else "planned",
            "discussion": week.discussion,
        }
        for number, week in enumerate(TERM, 1)
    ]
    return pd.DataFrame(rows, columns=list(COLUMNS))
