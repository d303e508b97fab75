"""The report before this one: where its pages are, and what its key figures were."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from crmlib.publish import manifest


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
