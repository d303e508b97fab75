"""Which months of which customers are compared to find the effect of the club."""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from crmlib.analysis.loyalty.joining_chance import JoiningChance
from crmlib.analysis.loyalty.month_pairs import Bookings, Joiners, Others
from crmlib.analysis.loyalty.panel import NEVER, OUTCOMES, ClubPanel
from crmlib.errors import ParameterError, TooLittleData

#: Fewest joiners whose months can be compared.
FEWEST_JOINERS = 30


@dataclass(frozen=True)
class Design:
    """How joiners are compared with others.

    Attributes
    ----------
    horizon : int
        Months after joining that are compared.
    base_months, least_before : int
        Most and fewest months before joining that stand for what a joiner would buy without the club.
    leads : int
        Months before joining for which the comparison is tried where nothing should be found.
    anticipation : int
        Months before joining that may already be changed by it, and take no part.
    known_alive : bool
        True: a month counts only while a later order proves the customer still there, for joiners and others
        alike. False: every month up to the last counts, whoever may have left.
    chance : JoiningChance, optional
        Where customers join with an order: makes up for the orders that are missing before. Only joiners whose
        orders since they could join are all known take part, and only months since the club opened count as a base.
    """

    horizon: int = 12
    base_months: int = 12
    least_before: int = 3
    leads: int = 3
    anticipation: int = 0
    known_alive: bool = True
    chance: JoiningChance | None = None

    def __post_init__(self):
        """Refuse lengths that are out of range."""
        for name in ("horizon", "base_months", "least_before", "leads"):
            if not getattr(self, name) >= 1:
                raise ParameterError(f"{name} = {getattr(self, name)}", "1 month or more", f"correct {name}")
        if not 0 <= self.anticipation < self.base_months:
            raise ParameterError(
                f"anticipation = {self.anticipation}", "0 or more, below base_months", "give 0"
            )

    def others(self, panel: ClubPanel, strata: pd.Series | None = None) -> Others:
        """Return who stands, from when to when, for customers who have not joined."""
        people = panel.customers
        joined = people["joined"].to_numpy()
        until = np.minimum(self._proven(panel), joined - 1 - self.anticipation)
        return Others(
            np.minimum(people["begins"].to_numpy(), len(panel.months) - 1), until, _codes(people, strata)
        )

    def after(self, panel: ClubPanel) -> tuple[Joiners, dict[str, int]]:
        """Return the months of joiners as members, and how many joiners are set aside for what reason.

        Raises
        ------
        TooLittleData
            If fewer than 30 joiners are left.
        """
        last = np.minimum(self._proven(panel), panel.customers["left"].to_numpy())
        found, inside, long_enough = self._joiners(panel, self.anticipation, last, 1)
        set_aside = {
            "too short before": int((inside & ~long_enough).sum()),
            "not seen as a customer after": int((inside & long_enough & ~found.used).sum()),
        }
        if self.chance is not None:
            factor, slopes, moved = self.chance.of(panel.customers.index)
            known = np.isfinite(factor)
            set_aside["earlier orders not all known"] = int((found.used & ~known).sum())
            factor = np.where(known, factor, 1.0)
            found = replace(found, used=found.used & known, factor=factor, slopes=slopes, moved=moved)
        if found.used.sum() < FEWEST_JOINERS:
            raise TooLittleData(
                f"{int(found.used.sum())} of {int(inside.sum())} joiners with {self.least_before} months before "
                "and a month after",
                f"{FEWEST_JOINERS} or more",
                "wait until more customers have joined within the data",
            )
        return found, set_aside

    @property
    def gap(self) -> int:
        """Months before joining that are kept for the trial where nothing should be found."""
        return max(self.leads, self.anticipation + 1)

    def ahead(self, panel: ClubPanel) -> Joiners:
        """Return the months of joiners shortly before joining."""
        last = np.minimum(self._proven(panel), panel.customers["joined"].to_numpy() - 1 - self.anticipation)
        return self._joiners(panel, self.gap, last, -self.gap)[0]

    def _joiners(
        self, panel: ClubPanel, gap: int, last: np.ndarray, low: int
    ) -> tuple[Joiners, np.ndarray, np.ndarray]:
        begins, joined = panel.customers["begins"].to_numpy(), panel.customers["joined"].to_numpy()
        base_last = joined - gap - 1
        base_first = np.maximum(begins, base_last - self.base_months + 1)
        if self.chance is not None:
            opened = (pd.Period(self.chance.opened, freq="M") - panel.months[0]).n
            base_first = np.maximum(base_first, opened + 1)
        inside = (joined >= 0) & (joined < NEVER)
        long_enough = base_last - base_first + 1 >= self.least_before
        last = np.minimum(last, len(panel.months) - 1)
        used = inside & long_enough & (last >= joined + low)
        return Joiners(used, joined, base_first, base_last, last), inside, long_enough

    def _proven(self, panel: ClubPanel) -> np.ndarray:
        proven = panel.customers["proven"].to_numpy()
        return proven if self.known_alive else np.full(len(proven), len(panel.months) - 1)


def bookings(panel: ClubPanel, outcome: str) -> Bookings:
    """Return the customer-months in which an outcome is not zero.

    Raises
    ------
    ParameterError
        If there is no such outcome.
    """
    if outcome not in OUTCOMES:
        raise ParameterError(f"outcome = {outcome!r}", f"one of {', '.join(OUTCOMES)}", "name one of them")
    rows = panel.rows[panel.rows[outcome] != 0]
    return Bookings(rows["customer"].to_numpy(), rows["month"].to_numpy(), rows[outcome].to_numpy("float64"))


def _codes(people: pd.DataFrame, strata: pd.Series | None) -> np.ndarray:
    if strata is None:
        return np.zeros(len(people), int)
    codes, _ = pd.factorize(strata.reindex(people.index).astype(object), sort=True, use_na_sentinel=False)
    return codes
