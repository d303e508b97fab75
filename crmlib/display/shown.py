"""Something a notebook shows, in three forms: for the page, for the terminal, for the report."""

import json
from typing import Any

BUNDLE = "application/vnd.crmlib+json"


class Shown:
    """What a cell shows.

    Parameters
    ----------
    markup : str
        HTML for the page; whatever comes from data is escaped in it.
    text : str
        The same as plain text.
    bundle : dict or None
        What it hands to the report.
    """

    def __init__(self, markup: str, text: str, bundle: dict[str, Any] | None = None):
        self.markup, self.text, self.bundle = markup, text, bundle

    def __str__(self) -> str:
        return self.text

    def _repr_mimebundle_(self, include=None, exclude=None) -> dict[str, Any]:
        bundle = {"text/html": self.markup, "text/plain": self.text}
        return bundle if self.bundle is None else bundle | {BUNDLE: json.loads(json.dumps(self.bundle))}
