"""Put a report together: pages, front page, key figures and manifest, from executed notebooks."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import nbformat

import crmlib
from crmlib.display import inventory
from crmlib.publish import manifest
from crmlib.publish.fingerprint import versions
from crmlib.publish.history import Earlier
from crmlib.publish.index import front_page, metrics_of
from crmlib.publish.pages import PageExporter, Site, links_to
from crmlib.publish.plan import Notebook


def assemble(
    stage: Path,
    data: Any,
    notebooks: Sequence[Notebook],
    records: Mapping[str, Mapping[str, Any]],
    settings: Mapping[str, Any],
    fingerprint: str,
    earlier: Earlier | None = None,
) -> None:
    """Write everything but the executed notebooks and their tables, which are there.

    Parameters
    ----------
    stage : Path
        The folder of the run being built.
    data : crmlib.intake.Data
    notebooks : sequence of Notebook
    records : mapping of str to mapping
        What the manifest says of each notebook.
    settings : mapping
        Settings of the whole run.
    fingerprint : str
        Hash of what the pages depend on.
    earlier : Earlier, optional
        The report before this one.

    Raises
    ------
    PageError
        If a page cannot be built as it should be.
    """
    site = Site(
        company=data.name,
        currency=data.currency,
        first_day_known=data.first_day,
        last_day=data.as_of,
        links=links_to(notebooks),
        earlier=earlier,
    )
    exporter = PageExporter(site)
    pages = []
    for link in site.links:
        node = nbformat.read(stage / "notebooks" / f"{link.name}.ipynb", as_version=4)
        text, resources = exporter.from_notebook_node(node, {"metadata": {"name": link.name}})
        _write(stage / link.href, text)
        pages.append(resources["page"])
    colophon = _colophon(data.fingerprint, fingerprint)
    front = front_page(
        exporter, pages, data.report, colophon, inventory.about_company(data), inventory.costs_assumed(data)
    )
    _write(stage / "index.html", front)
    head = {"company": data.name, "as_of": data.as_of.isoformat()}
    manifest.write_json(
        stage / "metrics.json", {**head, "currency": data.currency, "metrics": metrics_of(pages)}
    )
    facts = {
        **head,
        "data": {"hash": data.hash, "tables": {t.name: t.used_rows for t in data.report.tables}},
        "settings": settings,
        "versions": versions(),
        "pages": fingerprint,
        "links": [link.href for link in site.links],
        "earlier": earlier.as_of if earlier else None,
        "notebooks": records,
    }
    manifest.write(stage, facts)


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8", newline="\n")


def _colophon(data_hash: str, fingerprint: str) -> dict[str, str]:
    found = versions()
    shown = [f"{name} {found[name]}" for name in ("python", "duckdb", "pandas", "numpy") if name in found]
    return {
        "Made with": f"crmlib {crmlib.__version__} ({', '.join(shown)})",
        "Data fingerprint": data_hash[:12],
        "Report fingerprint": fingerprint[:12],
        "Files": "manifest.json lists every file of this report, metrics.json holds the key figures.",
    }
