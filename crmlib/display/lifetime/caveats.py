"""Caveats that failed assumptions put on numbers, in full and as a short mark, wherever these appear."""

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from crmlib.analysis.clv.trust.departures import Check
from crmlib.display.prose import Sentence
from crmlib.display.workbook import Workbook

_WORDS = {
    "spend": "spend rises or falls with frequency",
    "stationarity": "rates have drifted over time",
    "season": "the horizon is no whole number of years",
    "censoring": "some histories are cut off at the start of the data",
    "regularity": "purchases come more regularly than the model thinks",
    "rehearsal": "the data are too short to hold a forecast against what came",
}
_SHORT = {
    "spend": "spend moves with frequency",
    "stationarity": "rates drift",
    "season": "part of a year",
    "censoring": "histories cut off",
    "regularity": "regular buyers",
    "rehearsal": "never rehearsed",
}
#: What the value of a single customer, or of a group, is made of.
VALUE = ("orders", "money")


@dataclass(frozen=True)
class Caveats:
    """What failed, and what it says beside a number.

    Kinds of numbers are those of `crmlib.analysis.clv.trust.departures.AFFECTS`: ``money``, ``orders``, ``alive``,
    ``total`` and ``prospect``. A number made of several kinds asks for all of them.

    Attributes
    ----------
    checks : sequence of Check
    """

    checks: Sequence[Check]

    def full(self, *kinds: str, but: str = "") -> str:
        """Return the caveat as a sentence; empty if nothing failed that touches these kinds, `but` one check aside.

        Examples
        --------
        >>> drift = Check.of("stationarity", 1.4, 1.2, 1.6, 1.25, False, {})
        >>> Caveats([drift]).full("orders"), Caveats([drift]).full("alive")
        ('Read with care: rates have drifted over time.', '')
        """
        return (
            f"Read with care: {listed(self._said(_WORDS, kinds, but))}." if self._failed(kinds, but) else ""
        )

    def mark(self, *kinds: str, but: str = "") -> str:
        """Return the caveat in two or three words, to stand after a number or in a subtitle.

        Examples
        --------
        >>> drift = Check.of("stationarity", 1.4, 1.2, 1.6, 1.25, False, {})
        >>> Caveats([drift]).mark("orders"), Caveats([drift]).mark("alive")
        (' (with care: rates drift)', '')
        """
        words = self.short(*kinds, but=but)
        return f" ({words})" if words else ""

    def short(self, *kinds: str, but: str = "") -> str:
        """Return the same without brackets, to stand in brackets with something else."""
        return f"with care: {', '.join(self._said(_SHORT, kinds, but))}" if self._failed(kinds, but) else ""

    def shown(self, wb: Workbook, *kinds: str, but: str = "") -> Sentence | None:
        """Return the caveat to be shown below a figure; None if there is none."""
        words = self.full(*kinds, but=but)
        return wb.say("**Caveat.** {words}", words=words) if words else None

    def beside(self, saved: pd.DataFrame) -> pd.DataFrame:
        """Return a saved table with the caveat on its values and chances in a column ``caveat``; or as it is."""
        words = self.full(*VALUE, "alive")
        return saved.assign(caveat=words) if words else saved

    def _failed(self, kinds: tuple[str, ...], but: str) -> list[str]:
        return [
            check.name
            for check in self.checks
            if check.holds is False and check.name != but and set(kinds) & set(check.affects)
        ]

    def _said(self, words: dict[str, str], kinds: tuple[str, ...], but: str) -> list[str]:
        return [words[name] for name in self._failed(kinds, but)]


def listed(words: Sequence[str]) -> str:
    """Join words as in a sentence.

    Examples
    --------
    >>> listed(["a"]), listed(["a", "b", "c"])
    ('a', 'a, b and c')
    """
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
