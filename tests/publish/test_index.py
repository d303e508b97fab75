"""The front page brings every notebook's answer, what was left out, and the ledger to the cent."""

import datetime as dt
import re
from decimal import Decimal

import pytest

from crmlib.intake.report import CheckReport, Ledger, Problem, TableFound
from crmlib.publish.content import Page
from crmlib.publish.history import Earlier
from crmlib.publish.index import front_page, glance, left_out, quality
from crmlib.publish.pages import Link, PageExporter, Site
from crmlib.publish.sanitise import plain

DAY = dt.date(2026, 6, 30)


def metric(name, **about):
    return {
        "name": name,
        "label": name,
        "text": "€5",
        "interval": "",
        "definition": "",
        "period": "",
        **about,
    }


@pytest.fixture
def report():
    orders = TableFound(
        name="orders", where="orders.csv", rows=110, used_rows=100,
        first_day=dt.date(2025, 1, 1), last_day=DAY, customers=7,
    )  # fmt: skip
    ledger = Ledger(
        total_net=Decimal("1000.10"), anonymous_net=Decimal("100.05"), anonymous_rows=9,
        set_aside_net=Decimal("50.00"), set_aside_rows=10,
    )  # fmt: skip
    problems = (
        Problem(table="orders", code="a", severity="note", sentence="A note."),
        Problem(table="orders", code="b", severity="warning", sentence="A warning.", remedy="Do this."),
    )
    return CheckReport(name="Shop", currency="EUR", tables=(orders,), problems=problems, ledger=ledger)


def findings(**about):
    return {
        "kind": "findings",
        "headline": "A few earn it all.",
        "findings": [{"text": "The best fifth earns 80%.", "so_what": "Keep them."}],
        "decision": {"text": "Charge delivery: €5k.", "do_nothing": "It stays."},
        "metrics": [metric("profit", interval="€4 to €6", definition="Margin less cost.")],
        **about,
    }


@pytest.fixture
def front(report):
    """Build a front page from what notebooks hand over."""

    def build(*bundles, company="Casa & <b>Verbena</b>", earlier=None, **known):
        site = Site(company, "EUR", dt.date(2025, 1, 1), DAY, (Link("02_x", "02_x.html", "Profit"),), earlier)
        page = Page("02_x", title="Which customers earn?", bundles=list(bundles))
        return front_page(PageExporter(site), [page], report, {"Made with": "crmlib"}, **known)

    return build


def test_question_answer_decision_and_lists_are_there(front):
    shown = front(findings(), {"kind": "saved", "table": "profit", "rows": 12345, "title": "Every customer"})
    words = plain(shown)
    for expected in (
        "customer report, June 2026", "Sales from 1 January 2025 to 30 June 2026", "Which customers earn?",
        "A few earn it all.", "The best fifth earns 80%.", "Keep them.", "Charge delivery: €5k.", "It stays.",
        "95% interval: €4 to €6", "Margin less cost.", "Every customer (spreadsheet, 12,345 rows)",
    ):  # fmt: skip
        assert expected in words
    assert 'href="02_x.html"' in shown
    assert 'href="tables/profit.csv"' in shown


def test_text_from_data_is_shown_as_text(front):
    evil = "<script>x()</script>"
    shown = front(
        findings(headline=evil, decision={"text": evil, "do_nothing": evil}),
        {"kind": "left_out", "part": evil, "reason": evil},
    )
    assert "<script" not in shown
    assert "Casa &amp; &lt;b&gt;Verbena" in shown


def test_warnings_come_before_notes_and_both_before_nothing(front):
    words = plain(front(findings()))
    assert words.index("A warning.") < words.index("Do this.") < words.index("A note.")


def test_what_was_left_out_is_said_once_with_its_reason(front):
    part = {"kind": "left_out", "part": "cost to serve", "reason": "No events."}
    assert plain(front(part, part)).count("Cost to serve") == 1
    assert "Nothing: every part" in plain(front(findings()))
    assert left_out([Page("a", bundles=[part])]) == [{"part": "Cost to serve", "reason": "No events."}]


def test_the_ledger_adds_up_to_the_cent(report):
    lines = {line["line"]: line for line in quality(report, DAY)["ledger"]}
    amounts = {
        name: Decimal(re.sub(r"[€,]", "", line["net"]).replace("−", "-")) for name, line in lines.items()
    }
    found, aside, net, known, unnamed = amounts.values()
    assert (found, net) == (Decimal("1050.10"), Decimal("1000.10"))
    assert found + aside == net == known + unnamed
    rows = [int(line["rows"].replace(",", "").replace("−", "-")) for line in lines.values()]
    assert rows == [110, -10, 100, 91, 9]


def test_a_report_on_an_earlier_day_says_that_the_checks_see_more(report):
    assert not any("checks cover" in s for s in quality(report, DAY)["sentences"])
    assert any("checks cover" in s for s in quality(report, dt.date(2026, 5, 31))["sentences"])


def test_missing_tables_are_named(report):
    (sentence,) = quality(report, DAY)["sentences"]
    assert "customers, products" in sentence
    assert "orders" not in sentence


def test_key_figures_of_every_notebook_reach_the_top():
    many = [[metric(f"{notebook}{n}") for n in range(5)] for notebook in "abcdef"]
    assert [m["name"] for m in glance(many)] == ["a0", "a1", "b0", "b1", "c0", "d0", "e0", "f0"]
    assert [m["name"] for m in glance([[metric("a")], []])] == ["a"]


def test_every_tile_shows_the_period_it_is_about(front):
    periods = ["6 months to 30 June 2026", "next 3 months", "<b>92</b> days", ""]
    metrics = [metric(name, period=period) for name, period in zip("abcd", periods, strict=True)]
    tiles = re.search(r'<dl class="band">(.*?)</dl>', front(findings(metrics=metrics)), re.S).group(1)
    shown = [plain(tile) for tile in re.findall(r"<dd>(.*?)</dd>", tiles)]
    assert [text.removeprefix("€5").strip() for text in shown] == periods
    assert "<b>" not in tiles


def test_what_to_know_of_the_company_and_its_costs_stands_before_the_answers(front):
    shown = front(
        findings(), company_note="<i>Simulated</i>.", assumed="At an assumed margin of 20% of sales."
    )
    words = plain(shown)
    assert (
        words.index("<i>Simulated</i>.") < words.index("At a glance") < words.index("assumed margin of 20%")
    )
    assert words.index("assumed margin of 20%") < words.index("A few earn it all.")
    assert "<i>" not in shown and "assumed margin" not in front(findings())


def test_an_earlier_report_is_linked_page_by_page(front):
    assert 'href="../2026-05-31/index.html"' in front(findings(), earlier=Earlier("2026-05-31"))
    shown = plain(
        front(findings(), earlier=Earlier("2026-05-31", (), {"02_x/profit": "€4", "02_x/other": "€77"}))
    )
    assert "31 May 2026: €4" in shown
    assert "€77" not in shown
    assert Earlier("2026-05-31", ("02_x.html",)).link("02_x.html")["href"] == "../2026-05-31/02_x.html"
    assert Earlier("2026-05-31", ()).link("02_x.html") == {
        "href": "../2026-05-31/index.html",
        "day": "31 May 2026",
    }
