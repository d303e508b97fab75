"""The front page: what was found, what to decide, what was left out, how sound the data are."""

from collections.abc import Mapping, Sequence
from datetime import date
from itertools import zip_longest
from typing import Any

from crmlib.display import formats
from crmlib.intake.contract import TABLES
from crmlib.intake.report import CheckReport
from crmlib.publish.content import Page
from crmlib.publish.history import Earlier, day
from crmlib.publish.pages import PageExporter

#: Key figures shown on top; all of them are in metrics.json.
GLANCE = 8


def findings_of(page: Page) -> dict[str, Any]:
    """Return the findings a notebook handed over; empty if it has none."""
    return next((bundle for bundle in reversed(page.bundles) if bundle.get("kind") == "findings"), {})


def metrics_of(pages: Sequence[Page]) -> dict[str, list[dict[str, Any]]]:
    """Return the key figures of every notebook, by its name."""
    return {page.name: list(findings_of(page).get("metrics", [])) for page in pages}


def front_page(
    exporter: PageExporter,
    pages: Sequence[Page],
    report: CheckReport,
    colophon: Mapping[str, str],
    company_note: str = "",
    assumed: str = "",
) -> str:
    """Build ``index.html``.

    Parameters
    ----------
    exporter : PageExporter
    pages : sequence of Page
        In reading order.
    report : CheckReport
        What the checks of the data found.
    colophon : mapping of str to str
        Versions and fingerprints, for those who have to reproduce the report.
    company_note : str
        What to know of the company before reading, such as that it is simulated.
    assumed : str
        At which assumed margin money is counted; empty where all costs are in the data.

    Returns
    -------
    str
    """
    links = {link.name: link for link in exporter.site.links}
    answers = [
        {
            "name": page.name,
            "href": links[page.name].href,
            "label": links[page.name].label,
            "question": page.title,
            "headline": findings_of(page).get("headline", ""),
            "findings": findings_of(page).get("findings", []),
            "decision": findings_of(page).get("decision"),
            "refused": page.refused,
            "saved": [
                {**bundle, "rows": f"{bundle['rows']:,}"}
                for bundle in page.bundles
                if bundle.get("kind") == "saved"
            ],
        }
        for page in pages
    ]
    earlier = exporter.site.earlier
    return exporter.fill(
        "index.html.j2",
        metrics=glance([_with_before(page, earlier) for page in pages]),
        company_note=company_note,
        assumed=assumed,
        answers=answers,
        left_out=left_out(pages),
        quality=quality(report, exporter.site.last_day),
        colophon=colophon,
        earlier=earlier.link("index.html") if earlier else None,
    )


def _with_before(page: Page, earlier: Earlier | None) -> list[dict[str, Any]]:
    """Return the key figures of a page, each with what it was in the report before."""
    figures = earlier.figures if earlier else {}
    return [
        {**metric, "before": figures.get(f"{page.name}/{metric['name']}", "")}
        for metric in metrics_of([page])[page.name]
    ]


def glance(metrics: Sequence[Sequence[Mapping[str, Any]]]) -> list[Mapping[str, Any]]:
    """Choose the key figures for the top: the first of each notebook, then the second, and so on.

    >>> glance([[{"name": "a"}, {"name": "b"}], [{"name": "c"}]])
    [{'name': 'a'}, {'name': 'b'}, {'name': 'c'}]
    """
    rounds = [metric for turn in zip_longest(*metrics) for metric in turn if metric is not None]
    chosen = [id(metric) for metric in rounds[:GLANCE]]
    return [metric for own in metrics for metric in own if id(metric) in chosen]


def left_out(pages: Sequence[Page]) -> list[dict[str, str]]:
    """List the parts that could not be computed, each once, with the reason."""
    found: dict[str, dict[str, str]] = {}
    for page in pages:
        for bundle in page.bundles:
            if bundle.get("kind") == "left_out":
                part = bundle["part"]
                found.setdefault(part, {"part": part[:1].upper() + part[1:], "reason": bundle["reason"]})
    return list(found.values())


def quality(report: CheckReport, last_day: date) -> dict[str, Any]:
    """Put what the checks found into words and rows for the front page.

    Parameters
    ----------
    report : CheckReport
    last_day : datetime.date
        The last day this report knows; the checks cover all days of the source.
    """
    orders = report.found("orders")
    sentences = []
    if orders.last_day > last_day:
        sentences.append(
            f"The checks cover all orders in the source, up to {day(orders.last_day)}; "
            f"this report uses what was known on {day(last_day)}."
        )
    there = {table.name for table in report.tables}
    missing = [name for name in TABLES if name not in there]
    if missing:
        sentences.append(
            f"Not among the data: {_listed(missing)}. What rests on them is left out or estimated, "
            "and the report says so in that place."
        )
    return {
        "sentences": sentences,
        "ledger": _ledger(report),
        "warnings": report.warnings,
        "notes": report.notes,
        "tables": [
            {
                "name": table.name.capitalize(),
                "rows": formats.count(table.rows),
                "used": formats.count(table.used_rows),
                "customers": "" if table.customers is None else formats.count(table.customers),
                "period": f"{day(table.first_day)} to {day(table.last_day)}" if table.first_day else "",
            }
            for table in report.tables
        ],
    }


def _ledger(report: CheckReport) -> list[dict[str, Any]]:
    """Account for every order line and its money, from what was found to what is used."""
    ledger, used = report.ledger, report.found("orders").used_rows
    lines = [
        ("Order lines found", used + ledger.set_aside_rows, ledger.total_net + ledger.set_aside_net, False),
        ("Set aside, because they could not be read", -ledger.set_aside_rows, -ledger.set_aside_net, False),
        ("Net sales", used, ledger.total_net, True),
        (
            "of which to known customers",
            used - ledger.anonymous_rows,
            ledger.total_net - ledger.anonymous_net,
            False,
        ),
        ("of which without a customer's name", ledger.anonymous_rows, ledger.anonymous_net, False),
    ]
    return [
        {
            "line": line,
            "rows": formats.count(rows),
            "net": formats.exact_money(float(net), report.currency),
            "total": total,
        }
        for line, rows, net, total in lines
    ]


def _listed(names: Sequence[str]) -> str:
    *most, last = names
    return f"{', '.join(most)} and {last}" if most else last
