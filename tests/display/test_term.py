"""A term: every notebook has its weeks, and what is not there yet is marked."""

import re

from crmlib.display.concepts import NOTEBOOKS
from crmlib.display.suite import Member, Suite
from crmlib.display.tables import Table
from crmlib.display.term import COLUMNS, TERM, term_plan


def test_every_notebook_has_a_week_in_the_order_of_the_suite():
    names = [week.notebook for week in TERM]
    assert names == sorted(names)
    assert set(names) == {"00_start_here", *NOTEBOOKS}
    assert 10 <= len(names) <= 14


def test_weeks_are_counted_and_what_is_not_there_is_planned():
    plan = term_plan(Suite((Member("00_start_here", "?"), Member("02_profitability", "?"))))
    assert plan["week"].tolist() == list(range(1, len(TERM) + 1))
    there = plan["notebook"].isin(["00", "02"])
    assert there.sum() == 3
    assert (plan.loc[~there, "exercises"] == "planned").all()
    assert plan.loc[~there, "notebook"].str.endswith("(planned)").all()
    assert (plan.loc[there, "exercises"] != "planned").all()


def test_when_all_are_there_nothing_is_planned():
    plan = term_plan(Suite(tuple(Member(week.notebook, "?") for week in TERM)))
    assert not plan.astype("str").apply(lambda column: column.str.contains("planned")).to_numpy().any()


def test_every_week_has_something_to_discuss_and_no_number():
    for week in TERM:
        assert week.discussion.endswith("?") and week.idea
        assert not re.search(r"\d", week.idea + week.exercises + week.discussion)


def test_a_plan_fits_a_table():
    for half in (term_plan(Suite()).head(7), term_plan(Suite()).iloc[7:]):
        assert len(half) <= 10
        Table(half, "A term", COLUMNS).to_html()
