"""What past campaigns with a part held out by lot say about the actions of the menu.

A company's campaigns have names of their own. One that is called like an action of the menu counts for that action. Any
other is a letter with an offer to customers who are still there; all of them together count for the actions that are
letters to such customers: for *save* by the share of leavers they kept, for *cross-sell* and *up-sell* by the money
they brought. A campaign counts once for an action. What such a letter did not try, the product or the tier it names,
remains untested.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import ibis
import numpy as np
import pandas as pd

from crmlib.analysis.actions.expected import ActionProfit
from crmlib.analysis.actions.menu import MENU
from crmlib.analysis.intervals import Z
from crmlib.analysis.targeting.effects import Effects, average_effects
from crmlib.analysis.targeting.experiments import experiment
from crmlib.analysis.targeting.save_rate import MeasuredSaveRate
from crmlib.analysis.targeting.trial import Trial
from crmlib.errors import TooLittleData

MONEY, SOON, LEAVES = "long_margin", "margin", "silent"
#: Actions that are letters with an offer to customers who are still there.
ALIKE = ("cross-sell", "up-sell")


@dataclass(frozen=True)
class PastCampaigns:
    """Campaigns with a group left alone, and what they brought.

    Attributes
    ----------
    table : DataFrame
        Indexed by ``action`` (the company's own names, "all" last): ``campaigns``, ``treated``, ``control`` (rows),
        ``soon`` (margin per contact within four weeks), ``effect`` (within half a year), ``error``, ``low``, ``high``,
        ``cost`` (per contact), ``net`` (effect less cost), ``net_low``, ``net_high``. What customers did before is
        taken out. NaN where an arm has too few. "all" is the mean of the actions, weighted by their contacts.
    trial : Trial
    """

    table: pd.DataFrame
    trial: Trial

    @property
    def campaigns(self) -> int:
        """Number of campaigns old enough to be judged."""
        return int(self.table.loc["all", "campaigns"])


def past_campaigns(
    contacts: ibis.Table | None,
    lines: ibis.Table,
    as_of: date,
    *,
    customers: ibis.Table | None = None,
    contact_cost: float | None = None,
    without: Sequence[str] = (),
) -> PastCampaigns | None:
    """Evaluate campaigns with a group left alone.

    Parameters
    ----------
    contacts : ibis.Table or None
        The checked table ``contacts``.
    lines : ibis.Table
        As returned by `crmlib.analysis.ledger.order_lines`.
    as_of : datetime.date
    customers : ibis.Table, optional
    contact_cost : float, optional
        Of a contact where the contacts do not say it.
    without : sequence of str
        Campaigns that are evaluated elsewhere, such as lists of earlier months: evidence counts once.

    Returns
    -------
    PastCampaigns or None
        None without contacts, or where no campaign has a group left alone for half a year.
    """
    if contacts is None:
        return None
    if without:
        contacts = contacts.filter(~contacts.campaign_id.isin(list(without)))
    try:
        trial = experiment(contacts, lines, as_of, customers=customers, contact_cost=contact_cost)
        trial.known(MONEY).refuse_if_thin("lasting gains")
        own = average_effects(trial, [SOON, MONEY])
    except TooLittleData:
        return None
    rows = {action: _row(trial.only(action), own, [action]) for action in trial.actions}
    rows["all"] = _together(trial)
    table = pd.DataFrame.from_dict(rows, orient="index").rename_axis("action")
    return PastCampaigns(table, trial)


def campaign_evidence(past: PastCampaigns | None, profit: ActionProfit) -> pd.DataFrame | None:
    """Turn past campaigns into evidence on the actions of the menu.

    Parameters
    ----------
    past : PastCampaigns or None
    profit : ActionProfit
        For the mean gain of the customers eligible for each action.

    Returns
    -------
    DataFrame or None
        As `crmlib.analysis.actions.rates.update_rates` takes it: indexed by ``action``: ``effect``, ``error``,
        ``gain``, ``cost``, ``treated``, ``control``, ``source``.
    """
    if past is None:
        return None
    gains = profit.by_action()["gain"].dropna()
    gains = gains[gains > 0]
    rows = []
    for name, row in past.table.drop(index="all").iterrows():
        if name in MENU and name in gains.index:
            rows.append((name, row["effect"], row["error"], gains[name], row))
    for name in (*ALIKE, "save"):
        letters = _letters(past.trial, name)
        if letters is None:
            continue
        whole = _together(letters)
        if name in ALIKE and name in gains.index:
            rows.append((name, whole["effect"], whole["error"], gains[name], whole))
        rate = save_rate(letters) if name == "save" else None
        if rate is not None:
            low, high = rate.interval()
            rows.append((name, rate.mean, (high - low) / (2 * Z), 1.0, whole))
    counts = [int(row[4]["campaigns"]) for row in rows]
    found = pd.DataFrame(
        {
            "effect": [float(row[1]) for row in rows],
            "error": [float(row[2]) for row in rows],
            "gain": [float(row[3]) for row in rows],
            "cost": [float(row[4]["cost"]) for row in rows],
            "treated": [int(row[4]["treated"]) for row in rows],
            "control": [int(row[4]["control"]) for row in rows],
            "source": [f"{count} past campaigns" if count != 1 else "1 past campaign" for count in counts],
        },
        index=pd.Index([row[0] for row in rows], name="action", dtype="str"),
    )
    return found[found["error"] > 0]


def save_rate(trial: Trial) -> MeasuredSaveRate | None:
    """Measure the share kept of those who would have fallen silent; None where too few did.

    Parameters
    ----------
    trial : Trial
        Rows of the campaigns that count, with the outcome ``silent``.

    Returns
    -------
    MeasuredSaveRate or None
    """
    own = trial.known(LEAVES)
    left, treated = own.rows[LEAVES].to_numpy("float64"), own.treated
    counts = [left[treated].sum(), treated.sum(), left[~treated].sum(), (~treated).sum()]
    try:
        return MeasuredSaveRate(*(int(np.round(count)) for count in counts))
    except TooLittleData:
        return None


def _letters(trial: Trial, action: str) -> Trial | None:
    """Keep the campaigns of other names than those of the menu, without those that tried the action itself."""
    foreign = [name for name in trial.actions if name not in MENU]
    if not foreign:
        return None
    kept = np.any([trial.of_action(name) for name in foreign], axis=0)
    if action in trial.actions:  # its campaigns count by their own name
        tried = trial.only(action).rows["campaign_id"].unique()
        kept &= ~trial.rows["campaign_id"].isin(tried).to_numpy()
    found = trial.where(kept)
    try:
        found.known(MONEY).refuse_if_thin("lasting gains")
    except TooLittleData:
        return None
    return found


def _together(trial: Trial) -> dict[str, float]:
    """All contacts of a trial together: actions weighted by their contacts, so that the mean lies within its parts."""
    try:
        own = average_effects(trial, [SOON, MONEY])
        whole = own.table["error"].notna().all()
    except TooLittleData:
        whole = False
    if not whole:  # an action has too few to stand alone, and still counts in the whole
        trial = trial.pooled()
        own = average_effects(trial, [SOON, MONEY])
    return _row(trial, own, list(trial.actions))


def _row(trial: Trial, effects: Effects, actions: Sequence[str]) -> dict[str, float]:
    known = trial.known(MONEY).rows
    cost = float(known.loc[known["treated"], "cost"].mean())
    treated = known.loc[known["treated"], "action"].value_counts()
    weights = (treated.reindex(list(actions)) / treated.sum()).to_dict()
    soon, _, _ = effects.with_covariates[SOON].contrast(weights)
    late, low, high = effects.with_covariates[MONEY].contrast(weights)
    return {
        "campaigns": int(known["campaign_id"].nunique()),
        "treated": int(known["treated"].sum()),
        "control": int((~known["treated"]).sum()),
        "soon": soon,
        "effect": late,
        "error": (high - low) / (2 * Z),
        "low": low,
        "high": high,
        "cost": cost,
        "net": late - cost,
        "net_low": low - cost,
        "net_high": high - cost,
    }
