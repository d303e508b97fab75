"""A notebook that refuses, because too little is there to answer honestly.

That is an answer, not a failure: the report is made without it, the page shows the question and
why it is open, and the front page lists it under what was left out.
"""

import html
import re
from typing import Any

KIND = "TooLittleData"
_PARTS = re.compile(
    r"Found: (?P<found>.*?)\. Expected: (?P<expected>.*)\. What to do: (?P<remedy>.*)\.$", re.S
)


def refuse(node: Any, message: str) -> Any:
    """Reduce a notebook that refused to its question and the reason.

    Parameters
    ----------
    node : notebook node
        As far as it ran.
    message : str
        What the refusal said.

    Returns
    -------
    notebook node
        The heading of the notebook and one cell that says why it is not answered; its metadata
        carry ``refused``.
    """
    heading = next((cell for cell in node.cells if cell.cell_type == "markdown"), None)
    question = heading.source.splitlines()[0].lstrip("# ").strip() if heading else ""
    reason = in_words(message)
    if heading:
        heading.source = f"# {question}"
    shown = {
        "text/html": f'<p class="left-out"><strong>Not answered on these data.</strong> {html.escape(reason)}</p>',
        "text/plain": f"Not answered on these data. {reason}",
        "application/vnd.crmlib+json": {"kind": "left_out", "part": question, "reason": reason},
    }
    output = {"output_type": "display_data", "data": shown, "metadata": {}}
    cell = next(cell for cell in node.cells if cell.cell_type == "code")
    cell.update(
        source="", execution_count=1, outputs=[type(node)(output)], metadata=type(node)(tags=["summary"])
    )
    node.cells = [heading, cell] if heading else [cell]
    node.metadata.setdefault("crmlib", {})["refused"] = reason
    return node


def in_words(message: str) -> str:
    """Turn the three parts of an error into two sentences for a reader of the report.

    Examples
    --------
    >>> in_words("Found: 8 customers. Expected: at least 100 customers. What to do: use a longer period.")
    'There are 8 customers; needed are at least 100 customers. Use a longer period.'
    """
    parts = told_parts(message)
    if parts is None:
        return message.strip()
    found, expected, remedy = parts
    return f"There are {found}; needed are {expected}. {remedy[:1].upper()}{remedy[1:]}."


def told_parts(message: str) -> tuple[str, str, str] | None:
    """Take an error of the suite apart again: found, expected, what to do; None for any other text."""
    parts = _PARTS.match(message.strip())
    return (parts["found"], parts["expected"], parts["remedy"]) if parts else None
