"""How long is away? The outcome and the eligibility window, from the data's own rhythm, each with its reason.

Where customers need not give notice, leaving is not seen. Here a customer has *churned* on a day if, having bought
within the eligibility window up to it, they buy nothing in the outcome window after it. Both are a choice and stand
beside every number.
"""

import math
from dataclasses import dataclass
from datetime import date, timedelta

import pandas as pd

from crmlib.analysis.churn.rhythm import Rhythm
from crmlib.analysis.period import DAYS_PER_MONTH
from crmlib.errors import ParameterError, TooLittleData

_WEEK = 7
# A silence of days is no leaving, however often people buy.
_SHORTEST = 28
_MONTHS_FROM = 60
_FEW_DAYS = 6
_YEAR = 365


@dataclass(frozen=True)
class ChurnWindows:
    """The windows, the days on which they fit, and why.

    Attributes
    ----------
    outcome_days : int
        Days after a snapshot in which no purchase means churned.
    eligible_days : int
        Days up to a snapshot, itself included, in which a customer must have bought to be looked at.
    step_days : int
        From one snapshot to the next.
    days : tuple of datetime.date
        Snapshots whose outcome is known, in the order of time: their eligibility window lies within the data, and so
        does their outcome window.
    first, as_of : datetime.date
        First and last known day; on the last, everybody is scored and nobody's outcome is known.
    chosen : DataFrame
        Indexed by ``window`` ('outcome', 'eligible', 'step'): ``days``, ``length`` (in words), ``reason``.
    """

    outcome_days: int
    eligible_days: int
    step_days: int
    days: tuple[date, ...]
    first: date
    as_of: date
    chosen: pd.DataFrame

    @property
    def look_back_months(self) -> tuple[int, ...]:
        """Months that sums of features may look back: at most a year, no further than the first snapshot can."""
        known = (self.days[0] - self.first).days + 1
        longest = min(max(int(known / DAYS_PER_MONTH), 1), 12)
        return (longest // 4, longest) if longest >= 4 else (longest,)

    @property
    def definition(self) -> str:
        """What churned means here, in one sentence."""
        return (
            f"churned: bought in the {in_words(self.eligible_days)} up to a day, "
            f"and nothing in the {in_words(self.outcome_days)} after it"
        )


def choose_windows(
    rhythm: Rhythm,
    first: date,
    as_of: date,
    *,
    outcome_days: int = 0,
    eligible_days: int = 0,
    step_days: int = 0,
    snapshots: int = 4,
    share: float = 0.9,
    most: int = 12,
) -> ChurnWindows:
    """Choose both windows and lay out rolling snapshots.

    Parameters
    ----------
    rhythm : Rhythm
        As returned by `crmlib.analysis.churn.rhythm.purchase_rhythm`.
    first, as_of : datetime.date
        First and last known day.
    outcome_days, eligible_days, step_days : int
        Own choices, in days; 0: chosen here.
    snapshots : int
        Outcome windows that must fit one after the other: one to learn on, one to calibrate on, and those to test on.
    share : float
        Share of those who come back that the outcome window waits for, from 0.5 to 0.99.

    most : int
        Snapshots to keep at most, the latest ones: an old day tells of an old business.

    Returns
    -------
    ChurnWindows

    Raises
    ------
    ParameterError
        If a choice is out of range.
    TooLittleData
        If windows are longer than the data.

    Notes
    -----
    Definition of this project. Outcome: until the `share` of purchases that are followed by another one have been
    followed by it, rounded up to whole weeks, above 60 days to whole months, and no less than four weeks; a shorter
    window counts slow customers as gone, a longer one tells too late. Eligible: until all but one in forty have come
    back (at least the outcome window): who was silent for longer has most likely left before, and to predict that is
    no art. Both give way where the data are too short for `snapshots` windows. Step: one outcome window, or half of it
    where fewer than six snapshots fit.

    Examples
    --------
    >>> waits = pd.DataFrame({"days": [10, 20, 40], "waiting": [100, 60, 40], "share": [0.4, 0.7, 0.8]})
    >>> rhythm = Rhythm(waits, waits, 0.8, waits, 100, 300)
    >>> found = choose_windows(rhythm, date(2025, 1, 1), date(2025, 12, 31))
    >>> found.chosen[["days", "length"]].values.tolist()
    [[42, '6 weeks'], [42, '6 weeks'], [42, '6 weeks']]
    >>> found.definition
    'churned: bought in the 6 weeks up to a day, and nothing in the 6 weeks after it'
    """
    for name, value in (
        ("outcome_days", outcome_days), ("eligible_days", eligible_days), ("step_days", step_days),
    ):  # fmt: skip
        if value < 0:
            raise ParameterError(
                f"{name} = {value}", "a number of days, or 0 to have it chosen", "correct it"
            )
    if min(snapshots, most) < 1 or not 0.5 <= share <= 0.99:
        raise ParameterError(
            f"snapshots = {snapshots}, most = {most}, share = {share}",
            "1 or more, and 0.5 to 0.99",
            "correct them",
        )
    length = (as_of - first).days + 1
    outcome, why_outcome = _outcome(rhythm, length, outcome_days, snapshots, share)
    eligible, why_eligible = _eligible(rhythm, length, outcome, eligible_days, snapshots)
    if outcome + eligible > length:
        raise TooLittleData(
            f"{length} days of data, {first} to {as_of}, and windows of {eligible} and {outcome} days",
            "an eligibility and an outcome window within the data, one after the other",
            "choose shorter windows, or use a longer history",
        )
    step, why_step = _step(length, outcome, eligible, step_days)
    # Sums that look back a year need one before the first snapshot, where there is room for it.
    known = max(eligible, min(_YEAR, length - snapshots * outcome))
    days = rolling_days(first, as_of, outcome, known, step)[-most:]
    rows = {
        "outcome": (outcome, in_words(outcome), why_outcome),
        "eligible": (eligible, in_words(eligible), why_eligible),
        "step": (step, in_words(step), why_step),
    }
    chosen = pd.DataFrame.from_dict(rows, orient="index", columns=["days", "length", "reason"])
    return ChurnWindows(outcome, eligible, step, days, first, as_of, chosen.rename_axis("window"))


def rolling_days(
    first: date, as_of: date, outcome_days: int, known_days: int, step_days: int
) -> tuple[date, ...]:
    """Count snapshots back from the last day whose outcome is known, while so many days are known before.

    Returns
    -------
    tuple of datetime.date
        In the order of time; empty if none fits.

    Examples
    --------
    >>> [str(day) for day in rolling_days(date(2025, 1, 1), date(2025, 3, 31), 20, 30, 20)]
    ['2025-01-30', '2025-02-19', '2025-03-11']
    """
    latest = as_of - timedelta(days=outcome_days)
    count = ((latest - first).days + 1 - known_days) // step_days + 1
    return tuple(latest - timedelta(days=step_days * back) for back in reversed(range(max(count, 0))))


def in_words(days: int) -> str:
    """Tell a length in whole months from 60 days on, in weeks or in days.

    Examples
    --------
    >>> in_words(182), in_words(42), in_words(100), in_words(1)
    ('6 months', '6 weeks', '100 days', '1 day')
    """
    months = round(days / DAYS_PER_MONTH)
    if days >= _MONTHS_FROM and days == int(months * DAYS_PER_MONTH):
        return f"{months} months"
    if days % _WEEK == 0 and days:
        return f"{days // _WEEK} week" + "s" * (days != _WEEK)
    return f"{days} day" + "s" * (days != 1)


def whole_length(days: float, up: bool) -> int:
    """Round a length up or down to whole weeks, above 60 days to whole months; at least one.

    Examples
    --------
    >>> whole_length(45, up=True), whole_length(136, up=False)
    (49, 121)
    """
    unit = DAYS_PER_MONTH if days > _MONTHS_FROM else _WEEK
    number = days / unit
    # 365 days are twelve months, though a hair more than eleven of them would do.
    number = math.ceil(number - 0.02) if up else math.floor(number + 0.02)
    return int(max(number, 1) * unit)


def _outcome(rhythm: Rhythm, length: int, own: int, snapshots: int, share: float) -> tuple[int, str]:
    if own:
        return own, "stated in the parameters"
    quick = rhythm.days_until(share) <= _SHORTEST
    wanted = max(whole_length(rhythm.days_until(share), up=True), _SHORTEST)
    most = length // (snapshots + 1)
    if most < _SHORTEST:
        raise TooLittleData(
            f"{length} days of data", f"{snapshots + 1} windows of four weeks or more", "use a longer history"
        )
    if wanted <= most:
        return wanted, (
            f"of those who come back, {share:.0%} do so within {rhythm.days_until(share)} days, "
            f"open waits counted as open; {'no less than' if quick else 'rounded up to'} {in_words(wanted)}"
        )
    days = whole_length(most, up=False)
    return days, (
        f"{share:.0%} of those who come back need up to {rhythm.days_until(share)} days, but "
        f"{snapshots} windows and the days before them must fit into {length} days of data: "
        "some who are only slow count as churned"
    )


def _eligible(rhythm: Rhythm, length: int, outcome: int, own: int, snapshots: int) -> tuple[int, str]:
    if own:
        return own, "stated in the parameters"
    late = rhythm.days_until(0.975)
    wanted = max(whole_length(late, up=True), outcome)
    most = max(length - snapshots * outcome, outcome)
    if wanted > most:
        return max(whole_length(most, up=False), outcome), (
            f"one in forty of those who come back needs more than {late} days, but "
            f"{snapshots} outcome windows must fit after it into {length} days of data"
        )
    if wanted == outcome:
        return wanted, (
            f"all but one in forty of those who come back do so within {late} days; no less than the outcome window"
        )
    return wanted, (
        f"all but one in forty of those who come back do so within {late} days: "
        "who was silent for longer has most likely left before"
    )


def _step(length: int, outcome: int, eligible: int, own: int) -> tuple[int, str]:
    if own:
        return own, "stated in the parameters"
    fit = (length - eligible) // outcome
    if fit >= _FEW_DAYS:
        return outcome, "one outcome window: no two snapshots tell of the same days"
    return -(-outcome // 2), (
        f"half an outcome window, since only {fit} whole one{'s' * (fit != 1)} fit: neighbouring snapshots share days, "
        "and are kept apart between learning and testing"
    )
