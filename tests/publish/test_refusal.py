"""A notebook that refuses is an answer: the report is made, and says what is missing."""

import json

import pytest

from crmlib.publish.refusal import in_words
from crmlib.publish.request import Request
from crmlib.publish.run import make_report

REFUSE = """
from crmlib.errors import TooLittleData
raise TooLittleData("8 <b>customers</b>", "at least 100, or shares say nothing", "use a longer period")
"""
NEEDS = """
from crmlib.display import Workbook
Workbook.load(Workbook.__new__(Workbook), "t", "02_asks")
"""


@pytest.fixture
def report(tmp_path, company, suite):
    def run(**choices):
        return make_report(
            Request(source=str(company), output=tmp_path / "out", notebooks=suite.folder, **choices)
        )

    return run


def test_a_refusal_leaves_a_report_that_says_why(report, suite, save):
    suite.add("01_answers", "md:# What is here?", "print(1)")
    suite.add("02_asks", "md:# Who stays?\n\nMore text.", REFUSE, "never_reached", saves=["t"])
    suite.add("03_builds_on_it", "md:# What follows?", NEEDS, needs=["t"])
    made = report()
    front = (made.folder / "index.html").read_text()
    assert "Who stays?" in front and "What follows?" in front
    assert (
        "There are 8 &lt;b&gt;customers&lt;/b&gt;; needed are at least 100, or shares say nothing." in front
    )
    assert "Use a longer period." in front
    assert "needed are those of 02_asks" in front  # what builds on it is left out too, and says so
    page = (made.folder / "02_asks.html").read_text()
    assert "Not answered on these data." in page and "<b>customers" not in page
    assert "never_reached" not in page
    node = json.loads((made.folder / "notebooks" / "02_asks.ipynb").read_text())
    assert node["metadata"]["crmlib"]["refused"].startswith("There are 8")
    again = report()
    assert again.unchanged


def test_what_is_no_error_of_the_suite_stays_as_it_is():
    assert in_words("something else") == "something else"
