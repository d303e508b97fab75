"""Equal fingerprints mean equal results: whatever can change a result changes its fingerprint."""

import pytest

from crmlib.publish.fingerprint import code_hash, notebook_fingerprints, versions
from crmlib.publish.plan import discover

FACTS = {"data": "abc", "as_of": "2026-06-30"}


@pytest.fixture
def chain(suite):
    suite.add("01_a", "1", saves=["a"])
    suite.add("02_b", "2", needs=["a"])
    suite.add("03_c", "3")
    return suite


def prints(chain, parameters=None, facts=FACTS):
    return notebook_fingerprints(discover(chain.folder), parameters or {}, facts)


def changed(before, after):
    return {name for name in before if before[name] != after[name]}


def test_nothing_changed_nothing_changes(chain):
    assert prints(chain) == prints(chain)


def test_a_changed_notebook_changes_itself_and_those_that_need_it(chain):
    before = prints(chain)
    chain.add("01_a", "1 + 1", saves=["a"])
    assert changed(before, prints(chain)) == {"01_a", "02_b"}


def test_parameters_change_one_notebook_facts_change_all(chain):
    before = prints(chain)
    assert changed(before, prints(chain, {"03_c": {"n": 1}})) == {"03_c"}
    assert changed(before, prints(chain, facts={**FACTS, "data": "abd"})) == {"01_a", "02_b", "03_c"}


def test_an_overview_changes_with_the_text_of_any_notebook_and_no_other_does(chain):
    chain.add("00_overview", "0", overview=True)
    before = prints(chain)
    chain.add("03_c", "3", "md:A new word.")
    assert changed(before, prints(chain)) == {"00_overview", "03_c"}
    before = prints(chain)
    chain.add("04_d", "4")
    assert changed(before, prints(chain)) == {"00_overview"}


def test_what_a_notebook_reads_of_earlier_runs_changes_it_and_those_that_need_it(chain):
    notebooks = discover(chain.folder)
    none, one, two = (
        notebook_fingerprints(notebooks, {}, FACTS, {"01_a": {"a": [["2026-05-31", sha, ""]]}} if sha else {})
        for sha in ("", "1f", "2f")
    )
    assert changed(none, one) == changed(one, two) == {"01_a", "02_b"}


def test_a_library_version_changes_all(chain, monkeypatch):
    before = prints(chain)
    monkeypatch.setattr("crmlib.publish.fingerprint.versions", lambda: {**versions(), "pandas": "99"})
    assert changed(before, prints(chain)) == set(before)


def test_code_is_hashed_by_its_part_of_the_package():
    whole, part = code_hash(), code_hash("analysis")
    assert whole != part != code_hash("display")
