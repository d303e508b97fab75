"""The frame around a notebook: checked parameters, claims, proofs, saved tables, findings as JSON."""

import json
import math
import os
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest

from crmlib.display import Workbook
from crmlib.display.shown import BUNDLE
from crmlib.display.workbook import BrokenClaim
from crmlib.errors import CrmError, ParameterError, TooLittleData
from crmlib.intake.contract import TABLES

HOSTILE = "<script>alert('x')</script> & **co** {braces}"
ORDERS = [("a", "2025-01-05", "10.00"), ("b", "2025-02-05", "20.00"), ("", "2025-03-05", "5.00"),
          ("a", "2025-04-05", "-3.00"), ("c", "2025-05-05", "30.00")]  # fmt: skip


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    """A folder with five order lines, and a run file with a hostile company name."""
    folder = tmp_path_factory.mktemp("shop")
    lines = [",".join(row) for row in [("customer_id", "ordered_at", "net_amount"), *ORDERS]]
    (folder / "orders.csv").write_text("\n".join(lines) + "\n")
    name = json.dumps(HOSTILE)
    (folder / "shop.toml").write_text(f'name = {name}\nsource = "."\ncurrency = "GBP"\ngross_margin = 0.4\n')
    return folder


@pytest.fixture(scope="module", autouse=True)
def cache(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CRMLIB_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture
def wb(shop, tmp_path, monkeypatch):
    monkeypatch.setenv("CRMLIB_RUN_FOLDER", str(tmp_path / "run"))
    monkeypatch.delenv("CRMLIB_STRICT", raising=False)
    return Workbook("02_profitability", str(shop / "shop.toml"), seed=7)


class Reader(HTMLParser):
    def __init__(self, markup):
        super().__init__(convert_charrefs=True)
        self.text, self.tags = "", []
        self.feed(markup)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)

    def handle_data(self, data):
        self.text += data


def shown(thing):
    """HTML as a browser reads it, plain text, and the bundle as strict JSON would carry it."""
    bundle = thing._repr_mimebundle_()
    data = bundle.get(BUNDLE)
    again = json.loads(json.dumps(data, allow_nan=False)) if data is not None else None
    assert again == data
    return Reader(bundle["text/html"]), bundle["text/plain"], data


# Setup ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("wrong", [{"seed": -1}, {"seed": 1.5}, {"discount_cap": 1.2}, {"period_months": 0},
                                   {"walk_away": "much"}, {"as_of": "31.12.2025"}])  # fmt: skip
def test_a_wrong_parameter_is_refused_before_the_data_are_opened(wrong):
    with pytest.raises(ParameterError) as error:
        Workbook("02_profitability", **{"source": "/no/such/folder", **wrong})
    assert next(iter(wrong)) in str(error.value)


def test_the_checked_parameters_are_kept(wb, shop):
    assert wb.parameters == {"source": str(shop / "shop.toml"), "as_of": "", "seed": 7}
    assert wb.currency == wb.data.currency == "GBP"


def test_the_run_card_says_what_was_run_on_what(wb):
    page, text, bundle = shown(wb.run_card())
    for fact in (
        "5 order lines",
        "3 customers",
        "5 January 2025 to 5 May 2025",
        "GBP",
        "seed 7",
        wb.data.fingerprint[:12],
    ):
        assert fact in page.text and fact in text
    assert bundle["kind"] == "run_card"
    assert bundle["facts"]["Company"] == HOSTILE
    assert "script" not in page.tags and HOSTILE in page.text


def test_the_run_card_counts_nothing_after_the_last_known_day(shop):
    wb = Workbook("02_profitability", str(shop / "shop.toml"), "2025-03-31")
    facts = shown(wb.run_card())[2]["facts"]
    assert facts["Data"] == "5 January 2025 to 31 March 2025, 3 order lines, 2 customers"
    assert facts["Last known day"] == "31 March 2025"


def test_the_colophon_holds_versions_and_no_time(wb):
    _, text, bundle = shown(wb.colophon())
    assert bundle is None
    assert f"pandas {pd.__version__}" in text and wb.data.fingerprint[:12] in text
    assert not any(word in text for word in ("/", ":", "202"))
    assert shown(wb.colophon())[1] == text


# Claims and proofs ------------------------------------------------------------------------------


def test_a_claim_that_holds_is_said_with_its_numbers(wb):
    said = wb.claim(True, "It is {x:money}.", "It is not {y:money}.", x=3, y=4)
    assert str(said) == "It is £3.00."


def test_a_claim_that_does_not_hold_says_so_outside_the_bundled_company(wb):
    assert not wb.strict
    assert (
        str(wb.claim(np.False_, "It is {x:money}.", "It is not {y:money}.", x=3, y=4)) == "It is not £4.00."
    )


def test_a_strict_claim_that_does_not_hold_stops_the_notebook(shop, monkeypatch):
    monkeypatch.setenv("CRMLIB_STRICT", "1")
    strict = Workbook("02_profitability", str(shop / "shop.toml"))
    assert strict.strict
    with pytest.raises(BrokenClaim, match=r"It is £3\.00"):
        strict.claim(False, "It is {x:money}.", "not", x=3)
    assert str(strict.claim(True, "It is {x:money}.", "not", x=3)) == "It is £3.00."


def test_the_first_case_that_holds_is_said(wb):
    cases = ((False, "a {x:count}"), (True, "b {x:count}"), (True, "c {y:count}"))
    assert str(wb.cases(*cases, x=1, y=2)) == "b 1"


@pytest.mark.parametrize(
    ("left", "right", "tolerance"),
    [(1.0, 1.0, 0.01), (1.0, 1.0099, 0.01), (-5, -5.005, 0.01), (1e12, 1e12 + 0.5, 0.01), (0.1 + 0.2, 0.3, 0),
     (7, 7.4, 0.5)],
)  # fmt: skip
def test_amounts_that_agree_within_the_tolerance_pass(wb, left, right, tolerance):
    wb.prove("a and b", left, right, tolerance)
    wb.prove("a and b", right, left, tolerance)


@pytest.mark.parametrize(
    ("left", "right", "tolerance"),
    [(1.0, 1.011, 0.01), (1.0, -1.0, 0.01), (1e6, 1e6 + 0.02, 0.01), (1e12, 1e12 + 5, 0.01), (7, 7.6, 0.5),
     (math.nan, 1.0, 0.01), (1.0, math.nan, 0.01), (math.nan, math.nan, 0.01), (math.inf, 1.0, 0.01)],
)  # fmt: skip
def test_amounts_that_do_not_agree_stop_the_notebook(wb, left, right, tolerance):
    with pytest.raises(BrokenClaim, match="a and b"):
        wb.prove("a and b", left, right, tolerance)


def test_too_little_is_refused_with_how_much_is_needed(wb):
    wb.need(100, 100, "customers", "why")
    with pytest.raises(TooLittleData) as error:
        wb.need(99, 1_000, "customers with orders", "or deciles say nothing")
    assert "99 customers with orders" in error.value.found
    assert "at least 1,000, or deciles say nothing" in error.value.expected
    with pytest.raises(TooLittleData, match="1 customer with orders"):
        wb.need(1, 100, "customers with orders", "or deciles say nothing")


# What is shown ----------------------------------------------------------------------------------


def test_what_is_left_out_is_said_once_for_people_and_once_for_the_report(wb):
    page, text, bundle = shown(wb.left_out(HOSTILE, f"It needs {HOSTILE}."))
    assert page.text == text == f"Left out: {HOSTILE}. It needs {HOSTILE}."
    assert page.tags == ["p", "strong"]
    assert bundle == {"kind": "left_out", "part": HOSTILE, "reason": f"It needs {HOSTILE}."}


def test_sentences_and_tables_speak_the_run_s_currency(wb):
    assert wb.text("{x:money}", x=3) == str(wb.say("{x:money}", x=3)) == "£3.00"
    table = wb.table(pd.DataFrame({"x": [3.0]}), "t", {"x": ("X", "money")}, note="n", emphasis=("£3.00",))
    assert table.rows == [["£3.00"]] and table.note == "n"


def test_showing_passes_over_what_is_not_there(wb, monkeypatch):
    calls = []
    monkeypatch.setattr("IPython.display.display", lambda *things: calls.append(things))
    one, two = wb.say("one"), wb.say("two")
    wb.show(None, one, None, two)
    assert calls == [(one, two)]


# Saved tables -----------------------------------------------------------------------------------


def test_a_saved_table_can_be_loaded_and_is_linked(wb, tmp_path):
    frame = pd.DataFrame({"customer_id": ["=a", "b"], "profit": [1.5, -2.25]})
    page, text, bundle = shown(wb.save("profit_per_customer", frame, HOSTILE))
    assert bundle == {"kind": "saved", "table": "profit_per_customer", "rows": 2, "title": HOSTILE}
    assert "script" not in page.tags and HOSTILE in page.text and "2 rows" in page.text
    assert 'href="tables/profit_per_customer.csv"' in wb.save("profit_per_customer", frame, "x").markup
    assert "tables/profit_per_customer.csv" in text
    pd.testing.assert_frame_equal(wb.load("profit_per_customer", "02_profitability"), frame)
    assert sorted(path.name for path in (tmp_path / "run" / "tables").iterdir()) == [
        "profit_per_customer.csv", "profit_per_customer.parquet",
    ]  # fmt: skip


def test_a_table_that_nobody_saved_names_the_notebook_to_run_first(wb):
    with pytest.raises(CrmError, match="run 01_customer_base first"):
        wb.load("cohorts", "01_customer_base")


def test_a_table_that_is_optional_may_be_missing(wb):
    assert wb.load("cohorts", "01_customer_base", optional=True) is None
    wb.save("cohorts", pd.DataFrame({"customers": [3]}), "Cohorts")
    assert wb.load("cohorts", "01_customer_base", optional=True)["customers"].tolist() == [3]


def test_by_hand_tables_go_to_the_workbench_of_the_repository(wb, monkeypatch):
    monkeypatch.delenv("CRMLIB_RUN_FOLDER")
    assert wb._tables().parts[-3:] == ("reports", "workbench", "tables")
    assert wb._tables().is_absolute()
    assert os.environ.get("CRMLIB_RUN_FOLDER") is None


# Findings ---------------------------------------------------------------------------------------


def findings(wb):
    return wb.findings(
        wb.say("Few **earn** {x:money}.", x=412_305),
        [wb.finding("{n:count} lose.", "Look at {part:share}.", n=12, part=0.5, unused=1), None,
         wb.finding(f"{{name}} {HOSTILE.replace('{braces}', '')}", "So what.", name=HOSTILE)],
        wb.say("**Cap** it for {x:money}.", x=5),
        wb.say("Lose {x:money} again.", x=7),
    )  # fmt: skip


def test_the_findings_are_handed_over_as_plain_text(wb):
    wb.metric("m", "Profit", 1234.5678, "money", "What is left.", (1000.0, 2000.0), period="May")
    page, text, bundle = shown(findings(wb))
    assert bundle["kind"] == "findings"
    assert bundle["headline"] == "Few earn £412k."
    assert bundle["findings"][0] == {"text": "12 lose.", "so_what": "Look at 50%."}
    assert len(bundle["findings"]) == 2
    assert bundle["findings"][1]["text"].startswith(HOSTILE)
    assert bundle["decision"] == {"text": "Cap it for £5.00.", "do_nothing": "Lose £7.00 again."}
    for part in (
        "Few earn £412k.",
        "12 lose.",
        "Look at 50%.",
        "Cap it for £5.00.",
        "Lose £7.00 again.",
        HOSTILE,
    ):
        assert part in page.text and part in text
    assert "script" not in page.tags
    assert bundle["metrics"] == [
        {"name": "m", "label": "Profit", "value": 1234.57, "unit": "money", "low": 1000.0, "high": 2000.0,
         "text": "£1,235", "interval": "£1,000 to £2,000",
         "interval_label": "95% interval", "definition": "What is left.", "period": "May"}
    ]  # fmt: skip


def test_tables_and_contract_of_findings_have_the_fields_the_report_reads(wb):
    wb.metric("m", "Profit", 1, "count", "d")
    metric = shown(findings(wb))[2]["metrics"][0]
    assert {"name", "label", "value", "unit", "low", "high", "definition"} <= set(metric)
    assert metric["low"] is metric["high"] is None and metric["interval"] == ""


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, None, np.float64("nan")])
def test_a_number_that_is_not_known_is_null_in_json_and_words_for_people(wb, value):
    wb.metric("m", "Share", value, "share", "d", (value, value))
    metric = shown(findings(wb))[2]["metrics"][0]
    assert metric["value"] is metric["low"] is metric["high"] is None
    assert metric["text"] == "not known"


@pytest.mark.parametrize(("unit", "text"), [("money", "£412k"), ("share", "41,230,500%"), ("count", "412,305"),
                                            ("number", "412,305.0")])  # fmt: skip
def test_a_metric_is_written_in_its_unit(wb, unit, text):
    wb.metric("m", "M", np.float64(412_305), unit, "d")
    assert shown(findings(wb))[2]["metrics"][0]["text"] == text


def test_metrics_have_six_digits_so_that_two_machines_agree(wb):
    wb.metric("m", "M", 123456.789 * (1 + 1e-9), "number", "d")
    assert shown(findings(wb))[2]["metrics"][0]["value"] == 123457.0


def test_a_cell_run_twice_does_not_note_its_metric_twice(wb):
    for value in (1, 2):
        wb.metric("m", "M", value, "count", "d")
    assert [m["value"] for m in shown(findings(wb))[2]["metrics"]] == [2]


def test_another_workbook_begins_without_metrics(wb, shop):
    wb.metric("m", "M", 1, "count", "d")
    other = Workbook("02_profitability", str(shop / "shop.toml"))
    assert shown(findings(other))[2]["metrics"] == []


def test_a_table_of_an_earlier_run_that_cannot_be_used_is_shown_as_left_out(wb, monkeypatch):
    calls = []
    monkeypatch.setattr("IPython.display.display", lambda *things: calls.extend(things))
    monkeypatch.delenv("CRMLIB_EARLIER", raising=False)
    assert wb.earlier("actions") is None and calls == []
    entry = {"as_of": "2026-04-30", "file": "", "problem": "The file cannot be read."}
    monkeypatch.setenv("CRMLIB_EARLIER", json.dumps({"actions": [entry]}))
    assert wb.earlier("actions") is None
    part = "table 'actions' of the report of 30 April 2026"
    assert [shown(c)[2] for c in calls] == [
        {"kind": "left_out", "part": part, "reason": "The file cannot be read."}
    ]


def test_an_exercise_is_checked_under_the_number_of_its_notebook(wb):
    customers = pd.DataFrame({"profit": [60.0] + [5.0] * 8 + [-20.0]})
    page, text, bundle = shown(wb.exercise(1, 0.375, customers=customers))
    assert page.text == text == "Right." and bundle is None
    assert shown(wb.exercise(1, HOSTILE, customers=customers))[1] == "The answer must be one number."


def test_every_table_of_the_contract_can_be_asked_for(wb):
    assert {name: wb.data.table(name) is not None for name in TABLES} == {n: n == "orders" for n in TABLES}
