"""Notebooks are found, put in order by what they need and save, and given checked parameters."""

import pytest

from crmlib.errors import ParameterError
from crmlib.publish.plan import assign_parameters, choose, dependencies, discover


def names(notebooks):
    return [notebook.name for notebook in notebooks]


def test_order_follows_needs_and_saves_not_file_names(suite):
    suite.add("01_last", needs=["b"])
    suite.add("02_middle", needs=["a"], saves=["b"])
    suite.add("03_first", saves=["a"])
    suite.add("04_free")
    assert names(discover(suite.folder)) == ["03_first", "02_middle", "01_last", "04_free"]


def test_a_file_without_the_suite_metadata_is_no_part_of_it(suite):
    suite.add("01_a")
    (suite.folder / "Untitled.ipynb").write_text('{"cells": [], "metadata": {}}')
    assert names(discover(suite.folder)) == ["01_a"]


def test_question_and_label_come_from_metadata_or_from_the_notebook(suite):
    suite.add("01_customer_base", "md:# How healthy is *it*?\n\nText")
    suite.add("02_x", question="Who earns?", label="Earners")
    first, second = discover(suite.folder)
    assert (first.question, first.label) == ("How healthy is *it*?", "Customer base")
    assert (second.question, second.label) == ("Who earns?", "Earners")


def test_a_table_nobody_saves_is_named_with_the_notebook_that_needs_it(suite):
    suite.add("01_a", needs=["cohorts"])
    with pytest.raises(ParameterError, match="01_a needs table 'cohorts'"):
        discover(suite.folder)
    suite.add("01_a", saves=["a"], earlier=["cohort"])
    with pytest.raises(ParameterError, match=r"01_a needs table 'cohort' of earlier runs.*one of: a"):
        discover(suite.folder)


def test_a_table_of_earlier_runs_may_be_the_notebook_s_own(suite):
    suite.add("01_a", saves=["a"], earlier=["a"])
    [found] = discover(suite.folder)
    assert found.earlier == ("a",) and dependencies([found]) == {"01_a": []}


def test_an_overview_takes_of_the_tables_it_needs_those_that_somebody_saves(suite):
    suite.add("00_overview", needs=["cohorts", "profits"], overview=True)
    suite.add("02_profits", saves=["profits"])
    found = discover(suite.folder)
    assert names(found) == ["02_profits", "00_overview"]
    assert [notebook.overview for notebook in found] == [False, True]
    assert dependencies(found) == {"00_overview": ["02_profits"], "02_profits": []}
    assert names(choose(found, ["00"])) == ["02_profits", "00_overview"]


def test_two_notebooks_must_not_save_the_same_table(suite):
    suite.add("01_a", saves=["t"])
    suite.add("02_b", saves=["t"])
    with pytest.raises(ParameterError, match="saved by 01_a and by 02_b"):
        discover(suite.folder)


def test_notebooks_that_wait_for_each_other_are_refused(suite):
    suite.add("01_a", needs=["y"], saves=["x"])
    suite.add("02_b", needs=["x"], saves=["y"])
    with pytest.raises(ParameterError, match="wait for each other"):
        discover(suite.folder)


def test_an_empty_folder_and_a_broken_file_are_refused(suite):
    with pytest.raises(ParameterError, match="no notebook"):
        discover(suite.folder)
    (suite.folder / "01_a.ipynb").write_text("{")
    with pytest.raises(ParameterError, match=r"01_a\.ipynb cannot be read"):
        discover(suite.folder)


def test_the_digest_sees_code_and_not_outputs(suite):
    path = suite.add("01_a", "x = 1")
    before = discover(suite.folder)[0].digest
    path.write_text(path.read_text().replace('"execution_count": null', '"execution_count": 7'))
    assert discover(suite.folder)[0].digest == before
    suite.add("01_a", "x = 2")
    assert discover(suite.folder)[0].digest != before


@pytest.mark.parametrize(
    ("only", "chosen"),
    [
        ([], ["01_a", "02_b", "03_c", "04_d"]),
        (["03"], ["01_a", "02_b", "03_c"]),
        (["02_b"], ["01_a", "02_b"]),
        (["04", "01"], ["01_a", "04_d"]),
    ],
)
def test_a_notebook_is_chosen_with_all_it_builds_on(suite, only, chosen):
    suite.add("01_a", saves=["a"])
    suite.add("02_b", needs=["a"], saves=["b"])
    suite.add("03_c", needs=["b"])
    suite.add("04_d")
    assert names(choose(discover(suite.folder), only)) == chosen


def test_an_unknown_choice_is_refused(suite):
    suite.add("01_a")
    with pytest.raises(ParameterError, match="no notebook called '7'"):
        choose(discover(suite.folder), ["7"])


@pytest.fixture
def two(suite):
    suite.add("01_a", parameters='source = "bundled"\nas_of = ""\nmonths = 12\nrate = 0.1')
    suite.add("02_b", parameters='source = "bundled"\nmonths = 12')
    return discover(suite.folder)


def test_shared_values_reach_those_who_know_them_and_own_values_win(two):
    given = assign_parameters(two, {"months": 6, "rate": 1}, {"02_b": {"months": 3}})
    assert given == {"01_a": {"months": 6, "rate": 1.0}, "02_b": {"months": 3}}


def test_a_wrong_value_shared_by_several_notebooks_is_told_once(two):
    with pytest.raises(ParameterError) as caught:
        assign_parameters(two, {"months": "many"}, {})
    assert len(str(caught.value).splitlines()) == 1
    assert "months = 'many' for [parameters]" in str(caught.value)
    with pytest.raises(ParameterError, match="months = 'few' for 01_a"):
        assign_parameters(two, {"months": 3}, {"01_a": {"months": "few"}})


def test_every_problem_is_told_at_once(two):
    with pytest.raises(ParameterError) as caught:
        assign_parameters(
            two,
            {"month": 6, "rate": "high", "source": "x"},
            {"02_c": {}, "02_b": {"rate": 1}},
        )
    lines = str(caught.value).splitlines()
    assert len(lines) == 5
    for words in (
        "'source' under",
        "'month' for [parameters]",
        "unknown notebook '02_c'",
        "rate = 'high' for [parameters]",
        "'rate' for 02_b",
    ):
        assert sum(words in line for line in lines) == 1
    assert "'months'" in next(line for line in lines if "'month'" in line)
