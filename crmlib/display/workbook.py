"""What a notebook needs around its analysis: checked parameters, open data, live sentences, findings.

A `Workbook` is made once, in the setup cell. It checks the parameters, opens the data,
and afterwards shows sentences, tables and figures, saves tables for other notebooks, and
hands the findings to the report.
"""

import html
import math
import os
import string
from pathlib import Path
from typing import Any

import ibis
import pandas as pd

import crmlib
from crmlib.display import exercises, formats
from crmlib.display.earlier import read_earlier_tables
from crmlib.display.key_figures import key_figure
from crmlib.display.prose import Sentence
from crmlib.display.shown import Shown
from crmlib.display.suite import Suite, notebooks_folder, read_suite
from crmlib.display.tables import Table, write_table
from crmlib.errors import CrmError, TooLittleData
from crmlib.intake import open_data
from crmlib.intake.parameters import check_values

WORKBENCH = Path("reports") / "workbench"


class BrokenClaim(CrmError):
    """A claim the text makes does not hold in data where it must."""


class Workbook:
    """The frame around one notebook's analysis.

    Parameters
    ----------
    name : str
        The notebook's name, such as ``02_profitability``.
    source, as_of : str
        Where the data are and the last known day; see `crmlib.intake.open_data`.
    **parameters
        The other parameters of the notebook, as in its parameters cell.

    Attributes
    ----------
    data : crmlib.intake.Data
        The opened data.
    parameters : dict
        The checked parameters.

    Raises
    ------
    ParameterError
        If a parameter has a wrong type or is out of range.
    DataError
        If the data have errors.
    """

    def __init__(self, name: str, source: str = "bundled", as_of: str = "", **parameters: Any):
        self.name = name
        self.parameters = check_values({"source": source, "as_of": as_of, **parameters})
        self.data = open_data(self.parameters["source"], self.parameters["as_of"])
        self.currency = self.data.currency
        # On the bundled company, and wherever asked, a broken claim stops the notebook.
        self.strict = (source == "bundled" and not as_of) or os.environ.get("CRMLIB_STRICT") == "1"
        self._metrics: dict[str, dict[str, Any]] = {}

    def run_card(self) -> Shown:
        """Show what was run on what: data, period, parameters, version."""
        data = self.data
        shown = {name: value for name, value in self.parameters.items() if name not in ("source", "as_of")}
        seen = data.orders.agg(lines=ibis._.count(), customers=ibis._.customer_id.nunique()).execute().iloc[0]
        facts = {
            "Company": data.name,
            "Last known day": formats.day(data.as_of),
            "Data": f"{formats.day(data.first_day)} to {formats.day(data.as_of)}, "
            f"{formats.count(seen['lines'])} order lines, {formats.count(seen['customers'])} customers",
            "Currency": data.currency,
            "Settings": ", ".join(_setting(*setting) for setting in shown.items()),
            "Data fingerprint": data.fingerprint[:12],
            "Version": f"crmlib {crmlib.__version__}",
        }
        rows = "".join(f"<dt>{html.escape(k)}</dt><dd>{html.escape(v)}</dd>" for k, v in facts.items())
        text = "\n".join(f"{k}: {v}" for k, v in facts.items())
        return Shown(f'<dl class="run-card">{rows}</dl>', text, {"kind": "run_card", "facts": facts})

    def say(self, template: str, **values: Any) -> Sentence:
        """Return a live sentence; see `crmlib.display.prose.Sentence` for the fields."""
        return Sentence(template, self.currency, **values)

    def text(self, template: str, **values: Any) -> str:
        """Return a live sentence as plain text, for titles and notes."""
        return str(self.say(template, **values))

    def show(self, *shown: Any) -> None:
        """Display several things one after another, passing over None."""
        from IPython.display import display

        display(*(thing for thing in shown if thing is not None))

    def claim(self, holds: bool, template: str, otherwise: str, **values: Any) -> Sentence:
        """Return `template` if the claim holds in these data, else say that it does not.

        On the bundled company a claim that fails raises, since its text was written for it.
        """
        if not holds and self.strict:
            raise BrokenClaim(
                f"a claim that does not hold: {self._sentence(template, values)}",
                "the usual pattern in the bundled company",
                "correct the text or the analysis",
            )
        return self._sentence(template if holds else otherwise, values)

    def cases(self, *cases: tuple[bool, str], **values: Any) -> Sentence:
        """Return the first template whose condition holds; the last should always hold.

        Use it where the data decide what can be said at all; use `claim` where the text
        makes a point that the bundled company must bear out.
        """
        template = next(template for holds, template in cases if holds)
        return self._sentence(template, values)

    def _sentence(self, template: str, values: dict[str, Any]) -> Sentence:
        """Make a sentence of the values its template names; the other template needs the rest."""
        names = {name for _, name, _, _ in string.Formatter().parse(template) if name}
        return Sentence(template, self.currency, **{name: values[name] for name in names})

    def finding(self, found: str, meaning: str, **values: Any) -> tuple[Sentence, Sentence]:
        """Return a finding: what was found, and what it means for the decision."""
        return self._sentence(found, values), self._sentence(meaning, values)

    def prove(self, what: str, left: float, right: float, tolerance: float = 0.01) -> None:
        """Stop unless two amounts agree, by default to the cent.

        Parameters
        ----------
        what : str
            What is said to be equal.
        left, right : float
            The two amounts.
        tolerance : float
            Largest difference allowed. For large sums the rounding of floating point, one
            part in a million million, is allowed on top.
        """
        allowed = tolerance + 1e-12 * max(abs(left), abs(right))
        if not abs(left - right) <= allowed < math.inf:
            raise BrokenClaim(
                f"{what}: {left:,.4f} against {right:,.4f}",
                f"two equal amounts (within {tolerance})",
                "do not use these figures; report the data and parameters that led here",
            )

    def table(self, frame: pd.DataFrame, title: str, columns: dict, note: str = "", **options) -> Table:
        """Return a table in the run's currency; see `crmlib.display.tables.Table`."""
        return Table(frame, title, columns, note, self.currency, **options)

    def left_out(self, part: str, reason: str) -> Shown:
        """Say in one line that a part is left out and why; the front page repeats it."""
        text = f"Left out: {part}. {reason}"
        return Shown(
            f'<p class="left-out"><strong>Left out: {html.escape(part)}.</strong> {html.escape(reason)}</p>',
            text,
            {"kind": "left_out", "part": part, "reason": reason},
        )

    def need(self, found: int, needed: int, what: str, why: str) -> None:
        """Refuse where too little is there.

        Raises
        ------
        TooLittleData
            If `found` is below `needed`; the sentence names both.
        """
        if found < needed:
            noun, _, rest = what.partition(" ")
            of_one = f"{noun.removesuffix('s')} {rest}".rstrip()
            raise TooLittleData(
                f"{formats.count(found)} {of_one if found == 1 else what}",
                f"at least {formats.count(needed)}, {why}",
                "use a longer period or a source with more customers",
            )

    def save(self, name: str, frame: pd.DataFrame, title: str) -> Shown:
        """Save a table for other notebooks and for download, as Parquet and as CSV.

        The runner names the folder; by hand it is ``reports/workbench``.
        """
        write_table(frame, self._tables(), name)
        rows = formats.count(len(frame))
        return Shown(
            f'<p class="saved">Full list: <a href="tables/{name}.csv">{html.escape(title)}</a> ({rows} rows)</p>',
            f"Full list: tables/{name}.csv, {title} ({rows} rows)",
            {"kind": "saved", "table": name, "rows": len(frame), "title": title},
        )

    def load(self, name: str, made_by: str, optional: bool = False) -> pd.DataFrame | None:
        """Read a table that another notebook saved.

        With `optional`, a table that is not there gives None: its notebook did not answer on these
        data, or is not part of this suite.
        """
        path = self._tables() / f"{name}.parquet"
        if optional and not path.exists():
            return None
        if not path.exists():
            raise TooLittleData(
                f"no results in a saved table '{name}'", f"those of {made_by}", f"run {made_by} first"
            )
        return pd.read_parquet(path)

    def earlier(self, name: str) -> pd.DataFrame | None:
        """Read a table that earlier runs of this company saved; None if there is none.

        Its rows have a column ``run_as_of``. By hand there are no earlier runs. A table that cannot be
        used is shown as left out; see `crmlib.display.earlier.read_earlier_tables`.
        """
        found = read_earlier_tables(name)
        for day, reason in found.left_out.items():
            self.show(self.left_out(f"table '{name}' of the report of {day}", reason))
        return found.rows

    def suite(self) -> Suite:
        """Read the suite this notebook is part of: its notebooks, their questions and words.

        The runner names the folder; by hand it is the repository's own.
        """
        return read_suite(notebooks_folder())

    def _tables(self) -> Path:
        folder = os.environ.get("CRMLIB_RUN_FOLDER")
        root = Path(folder) if folder else Path(crmlib.__file__).parent.parent / WORKBENCH
        return root / "tables"

    def metric(
        self,
        name: str,
        label: str,
        value: float,
        unit: str,
        definition: str,
        interval: tuple[float, float] | None = None,
        interval_label: str = "95% interval",
        period: str = "",
    ) -> None:
        """Note a key number for the findings.

        Parameters
        ----------
        name : str
            Stable name for machines.
        label, definition : str
            What a manager reads beside the number, and how it is defined.
        value : float
        unit : str
            ``money``, ``share``, ``count`` or ``number``.
        interval : tuple of float, optional
            Low and high end of its interval.
        interval_label : str
            What kind of interval it is.
        period : str
            The time it is about, in a few words; the front page shows it under the figure.
        """
        # By name, so that a cell run twice does not note it twice.
        self._metrics[name] = key_figure(
            name, label, value, unit, definition, interval, interval_label, period, self.currency
        )

    def findings(
        self,
        headline: Sentence,
        findings: list[tuple[Sentence, Sentence]],
        decision: Sentence,
        nothing: Sentence,
    ) -> Shown:
        """Show the findings and hand them to the report.

        Parameters
        ----------
        headline : Sentence
            The answer to the notebook's question, in one sentence.
        findings : list of (Sentence, Sentence) or None
            What was found and what it means; see `finding`. None is passed over.
        decision : Sentence
            What to do, in money, with its uncertainty.
        nothing : Sentence
            What happens if nothing is done.
        """
        findings = [finding for finding in findings if finding]
        points = "".join(
            f"<li><p>{found.html}</p><p class='so-what'>{meaning.html}</p></li>"
            for found, meaning in findings
        )
        shown = (
            f'<div class="findings"><p class="headline">{headline.html}</p><ul>{points}</ul>'
            f'<div class="decision"><p><strong>Decision.</strong> {decision.html}</p>'
            f"<p><strong>Or do nothing.</strong> {nothing.html}</p></div></div>"
        )
        text = "\n".join(
            [
                str(headline),
                *(f"- {found} {meaning}" for found, meaning in findings),
                f"Decision. {decision}",
                f"Or do nothing. {nothing}",
            ]
        )
        bundle = {
            "kind": "findings",
            "headline": str(headline),
            "findings": [{"text": str(found), "so_what": str(meaning)} for found, meaning in findings],
            "decision": {"text": str(decision), "do_nothing": str(nothing)},
            "metrics": list(self._metrics.values()),
        }
        return Shown(shown, text, bundle)

    def exercise(self, number: int, answer: float | None, **frames: Any) -> Shown:
        """Check the answer to an exercise against the current data: right, or a hint."""
        verdict = exercises.check(f"{self.name[:2]}.{number}", answer, **frames)
        return Shown(f'<p class="verdict">{html.escape(verdict)}</p>', verdict, None)

    def colophon(self) -> Shown:
        """Show the versions and fingerprints this notebook ran with."""
        import duckdb
        import numpy
        import sklearn

        versions = {
            "crmlib": crmlib.__version__,
            "pandas": pd.__version__,
            "numpy": numpy.__version__,
            "scikit-learn": sklearn.__version__,
            "ibis": ibis.__version__,
            "duckdb": duckdb.__version__,
        }
        text = "Made with " + ", ".join(f"{name} {version}" for name, version in versions.items())
        text += f". Data fingerprint {self.data.fingerprint[:12]}."
        return Shown(f'<p class="colophon">{html.escape(text)}</p>', text, None)


def _setting(name: str, value: Any) -> str:
    if isinstance(value, list):
        written = ", ".join(str(each) for each in value) or "none"
    else:
        written = f"{value:g}" if isinstance(value, int | float) else str(value)
    return f"{name.replace('_', ' ')} {written}"
