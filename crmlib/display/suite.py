"""The suite as a notebook sees it: which notebooks there are, what they ask, which words they explain.

It is read from the folder of notebooks each time, so that nothing that is shown of the suite can
fall behind the suite.
"""

import html
import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

import crmlib
from crmlib.display import formats
from crmlib.display.shown import Shown
from crmlib.errors import ParameterError

#: Where the runner tells which folder of notebooks it runs.
VARIABLE = "CRMLIB_NOTEBOOKS"
_WORDS = re.compile(r"^## Words used here$(.*?)(?=^## |\Z)", re.S | re.M)
_WORD = re.compile(r"^- \*\*(.+?)\*\* \((.+?)\): (.+)$", re.M)


@dataclass(frozen=True)
class Word:
    """A term, its Italian name, and what it means, in one line."""

    term: str
    italian: str
    meaning: str


@dataclass(frozen=True)
class Member:
    """One notebook of the suite: its file name without ending, its question and its words."""

    name: str
    question: str
    words: tuple[Word, ...] = ()


@dataclass(frozen=True)
class Suite:
    """The notebooks of one folder, by file name.

    Attributes
    ----------
    members : tuple of Member
    """

    members: tuple[Member, ...] = ()

    def has(self, name: str) -> bool:
        """Tell whether a notebook is there."""
        return any(member.name == name for member in self.members)

    def question(self, name: str, planned: Mapping[str, str]) -> str:
        """Return the question of a notebook: its own where it is there, else the one planned."""
        return next((m.question for m in self.members if m.name == name), planned.get(name, ""))

    def state(self, name: str) -> str:
        """Return the number of a notebook, and that it is planned where it is not there.

        Examples
        --------
        >>> Suite((Member("02_profitability", "Who earns?"),)).state("02_profitability")
        '02'
        >>> Suite().state("03_churn")
        '03 (planned)'
        """
        number = name.partition("_")[0]
        return number if self.has(name) else f"{number} (planned)"

    def glossary(self) -> pd.DataFrame:
        """Collect the words of all notebooks, one row per term, in alphabetical order.

        Returns
        -------
        DataFrame
            ``term``, ``italian``, ``meaning`` and ``notebooks`` (their numbers). Where several
            notebooks explain a term, the meaning is that of the first; Italian names that differ
            all stand there.
        """
        rows = [
            {"key": word.term.lower(), **vars(word), "notebooks": member.name.partition("_")[0]}
            for member in self.members
            for word in member.words
        ]
        if not rows:
            return pd.DataFrame(columns=["term", "italian", "meaning", "notebooks"])
        return (
            pd.DataFrame(rows)
            .groupby("key")
            .agg(
                term=("term", "first"),
                italian=("italian", lambda names: ", ".join(dict.fromkeys(names))),
                meaning=("meaning", "first"),
                notebooks=("notebooks", lambda numbers: ", ".join(dict.fromkeys(numbers))),
            )
            .reset_index(drop=True)
        )

    def show_questions(self, planned: Mapping[str, str]) -> Shown:
        """List the questions, each with a link to its notebook, or marked as planned.

        Parameters
        ----------
        planned : mapping of str to str
            Names and questions of all notebooks the suite is meant to have.
        """
        marks, texts = [], []
        for name in sorted({*planned, *(member.name for member in self.members)}):
            question = self.question(name, planned)
            number, asked = html.escape(self.state(name)), html.escape(question)
            link = f'<a href="{html.escape(name)}.ipynb">{asked}</a>' if self.has(name) else asked
            marks.append(f"<li><strong>{number}</strong>: {link}</li>")
            texts.append(f"- {self.state(name)}: {question}")
        return Shown(f"<ul>{''.join(marks)}</ul>", "\n".join(texts))

    def show_glossary(self) -> Shown:
        """Show the words of all notebooks as a list that folds out."""
        words = self.glossary()
        summary = f"All {formats.count(len(words))} words of the suite, English and Italian"
        marks = "".join(
            f"<dt><strong>{html.escape(word.term)}</strong> "
            f'<em lang="it">{html.escape(word.italian)}</em></dt>'
            f"<dd>{html.escape(_sentence(word.meaning))} <small>Notebook {html.escape(word.notebooks)}</small></dd>"
            for word in words.itertuples()
        )
        text = "\n".join(
            f"{word.term} ({word.italian}): {_sentence(word.meaning)} [{word.notebooks}]"
            for word in words.itertuples()
        )
        return Shown(f"<details><summary>{summary}</summary><dl>{marks}</dl></details>", f"{summary}\n{text}")


def notebooks_folder() -> Path:
    """Return the folder the runner names in ``CRMLIB_NOTEBOOKS``, else the repository's own."""
    named = os.environ.get(VARIABLE)
    return Path(named) if named else Path(crmlib.__file__).parents[1] / "notebooks"


def read_suite(folder: Path) -> Suite:
    """Read the notebooks of a folder; a file without ``crmlib`` in its metadata is no part of it.

    Raises
    ------
    ParameterError
        If a file cannot be read as a notebook.
    """
    found = (_read(path) for path in sorted(folder.glob("*.ipynb")))
    return Suite(tuple(member for member in found if member is not None))


def notebook_file(path: Path) -> tuple[dict, list[dict]] | None:
    """Read what a notebook says of itself in ``metadata.crmlib``, and its cells; None if it is of no suite.

    Raises
    ------
    ParameterError
        If the file is no notebook.
    """
    try:
        node = json.loads(path.read_text(encoding="utf-8"))
        about, cells = node.get("metadata", {}).get("crmlib"), node.get("cells", [])
        [(cell["cell_type"], cell["metadata"], "".join(cell.get("source", ""))) for cell in cells]
    except (OSError, ValueError, AttributeError, KeyError, TypeError) as problem:
        raise ParameterError(
            f"{path.name} cannot be read as a notebook ({problem})",
            "an .ipynb file",
            "open it in JupyterLab and save it again, or move it away",
        ) from problem
    return None if about is None else (about, cells)


def _read(path: Path) -> Member | None:
    found = notebook_file(path)
    if found is None:
        return None
    about, cells = found
    texts = ["".join(cell.get("source", "")) for cell in cells if cell["cell_type"] == "markdown"]
    return Member(
        name=path.stem,
        question=about.get("question") or path.stem.replace("_", " "),
        words=tuple(Word(*map(_plain, found)) for found in _words("\n\n".join(texts))),
    )


def _words(text: str) -> list[tuple[str, str, str]]:
    section = _WORDS.search(text)
    return _WORD.findall(section.group(1)) if section else []


def _plain(markdown: str) -> str:
    """Take emphasis and backticks off a line of markdown."""
    return re.sub(r"[*`]", "", markdown).strip()


def _sentence(meaning: str) -> str:
    return meaning[:1].upper() + meaning[1:]
