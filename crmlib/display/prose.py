"""Sentences whose numbers are computed by the run.

A sentence is a template with named, formatted fields. Only the template may carry
emphasis (``**bold**``); whatever a field contains is text.
"""

import html
import re
import string
from typing import Any

from crmlib.display import formats


class _Fields(string.Formatter):
    """Fill a template; each field names one of the house formats.

    ``{x:money}``, ``{x:full_money}``, ``{x:exact_money}``, ``{x:share}``, ``{x:share1}`` (one
    decimal), ``{x:count}``, ``{x:count customer}`` (1 customer, 2 customers), ``{x:number}``,
    ``{x:number2}`` (two decimals), ``{x:day}``; a field without a format is text.
    """

    def __init__(self, currency: str, escape: bool):
        self.currency, self.escape = currency, escape

    def format_field(self, value: Any, spec: str) -> str:
        text = self._formatted(value, spec)
        if not self.escape:
            return text
        # A minus sign and its number stay on one line.
        return html.escape(text.replace("−", "−\u2060") if spec else text)

    def _formatted(self, value: Any, spec: str) -> str:
        if spec.startswith("count "):
            return formats.count(value) + spec.removeprefix("count") + "s" * (formats.count(value) != "1")
        if spec:
            return formats.written(value, spec, self.currency)
        if not isinstance(value, str):
            raise ValueError(f"{value!r} needs a format such as :money, :share or :count")
        return value

    def check_unused_args(self, used_args, args, kwargs) -> None:
        unused = set(kwargs) - set(used_args)
        if unused:
            raise ValueError(f"values not used in the sentence: {', '.join(sorted(unused))}")


class Sentence:
    """A paragraph computed from the run; shows itself in a notebook.

    Parameters
    ----------
    template : str
        Text with named fields, each with a house format; ``**bold**`` is emphasis.
    currency : str
        Currency of money fields.
    **values
        One value for each field.

    Examples
    --------
    >>> print(Sentence("The best fifth earns **{profit:money}**, {part:share} of all.",
    ...                profit=412_305, part=0.8))
    The best fifth earns €412k, 80% of all.
    """

    def __init__(self, template: str, currency: str = "EUR", **values: Any):
        template = " ".join(template.split())
        self.text = _Fields(currency, escape=False).vformat(template.replace("**", ""), (), values)
        # Emphasis is made before the values are filled in: their stars are text.
        marked = re.sub(r"\*\*(.+?)\*\*", r"<strong>\1</strong>", html.escape(template, quote=False))
        self.html = _Fields(currency, escape=True).vformat(marked, (), values)

    def __str__(self) -> str:
        return self.text

    def _repr_mimebundle_(self, include=None, exclude=None) -> dict[str, str]:
        return {"text/html": f"<p>{self.html}</p>", "text/plain": self.text}
