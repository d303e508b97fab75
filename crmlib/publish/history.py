"""Reports before this one: pages and key figures of the last, and the tables that notebooks read of all."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from crmlib.display.earlier import VARIABLE, EarlierTable
from crmlib.publish import manifest
from crmlib.publish.fingerprint import hash_file
from crmlib.publish.stage import finished_days


@dataclass(frozen=True)
class Earlier:
    """An earlier finished report of the same company.

    Attributes
    ----------
    as_of : str
        Its last known day, ``YYYY-MM-DD``.
    pages : tuple of str
        Files of its pages.
    figures : mapping of str to str
        Its key figures as it showed them, by ``notebook/name``.
    """

    as_of: str
    pages: tuple[str, ...] = ()
    figures: Mapping[str, str] = field(default_factory=dict)

    @property
    def day(self) -> str:
        """Its last known day, in words."""
        return day(date.fromisoformat(self.as_of))

    def link(self, page: str) -> dict[str, str]:
        """Lead to the same page of that report, or to its summary."""
        target = page if page in self.pages else "index.html"
        return {"href": f"../{self.as_of}/{target}", "day": self.day}

    def facts(self) -> list[Any]:
        """Return what a later page takes from it, for its fingerprint."""
        return [self.as_of, self.pages, dict(self.figures)]


def day(value: date) -> str:
    """Write a day in words.

    >>> day(date(2026, 6, 30))
    '30 June 2026'
    """
    return f"{value.day} {value:%B %Y}"


def read_earlier(folder: Path) -> Earlier:
    """Read what a later report needs of the finished one in `folder`.

    Figures that cannot be read are left out: an old report must never keep a new one from being made.
    """
    pages = tuple(manifest.read(folder).get("links", ()))
    figures: dict[str, str] = {}
    try:
        by_notebook = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))["metrics"]
        for notebook, metrics in by_notebook.items():
            figures |= {f"{notebook}/{metric['name']}": str(metric["text"]) for metric in metrics}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return Earlier(folder.name, pages)
    return Earlier(folder.name, pages, figures)


class EarlierTables:
    """The tables that the earlier finished runs of a company saved.

    Parameters
    ----------
    company : Path
        Folder of the company's reports.
    name : str
        The company's name; a report of another one is left out.
    as_of : str
        Last known day of this run, ``YYYY-MM-DD``; only earlier runs count.
    """

    def __init__(self, company: Path, name: str, as_of: str):
        days = [day for day in finished_days(company) if day < as_of]
        self._runs = [(company / day, manifest.read(company / day)) for day in days]
        self._name = name
        self._found: dict[str, list[EarlierTable]] = {}

    def of(self, table: str) -> list[EarlierTable]:
        """Return a table of each earlier run that saved it, in order of time.

        One that was changed, removed or belongs to somebody else is marked with the reason.
        """
        # Looked up once, so that fingerprint and notebook speak of the same files.
        if table not in self._found:
            found = (self._one(folder, known, table) for folder, known in self._runs)
            self._found[table] = [one for one in found if one]
        return self._found[table]

    def _one(self, folder: Path, known: Mapping[str, Any], table: str) -> EarlierTable | None:
        file = f"tables/{table}.parquet"
        path = folder / file
        if not known:
            problem = "What that report says of its files cannot be read." if path.exists() else ""
            return EarlierTable(folder.name, str(path), problem=problem) if problem else None
        if known.get("company") != self._name:
            return EarlierTable(folder.name, str(path), problem="That report is one of another company.")
        listed = known.get("files", {}).get(file)
        if listed is None:
            return None  # its notebook was not there, or did not answer
        try:
            found = hash_file(path)
        except OSError:
            return EarlierTable(folder.name, str(path), problem="The file cannot be read.")
        if found != listed:
            problem = "The file was changed after that report was made."
            return EarlierTable(folder.name, str(path), found, problem)
        return EarlierTable(folder.name, str(path.resolve()), found)

    def environment(self, tables: Iterable[str]) -> dict[str, str]:
        """Return the environment that hands these tables to a notebook."""
        return {
            VARIABLE: json.dumps({table: [asdict(found) for found in self.of(table)] for table in tables})
        }

    def facts(self, tables: Iterable[str]) -> dict[str, list[Any]]:
        """Return what a notebook takes from these tables, for its fingerprint."""
        return {t: [[found.as_of, found.sha256, found.problem] for found in self.of(t)] for t in tables}
