"""What past campaigns with a part held out by lot say about the actions of the menu.

A company's campaigns have names of their own. One that is called like an action of the menu counts for that action. Any
other is a letter with an offer to customers who are still there, and counts for the actions that are letters to such
customers: for *save* by the share of leavers it kept, for *cross-sell* and *up-sell* by the money it brought. What
such a letter did not try, the product or the tier it names, remains untested.
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
from crmlib.analysis.targeting.effects import average_effects
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
        taken out. NaN where an arm has too few.
    save_rate : MeasuredSaveRate or None
        Share kept of those who would have fallen silent; None where too few did.
    trial : Trial
    """

    table: pd.DataFrame
    save_rate: MeasuredSaveRate | None
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
        own = average_effects(trial, [SOON, MONEY]).table
        together = average_effects(trial.pooled(), [SOON, MONEY]).table
    except TooLittleData:
        return None
    name = trial.pooled().actions[0]
    rows = {action: _row(trial.only(action), own, action) for action in trial.actions}
    rows["all"] = _row(trial.pooled(), together, name)
    table = pd.DataFrame.from_dict(rows, orient="index").rename_axis("action")
    return PastCampaigns(table, _save_rate(trial), trial)


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
    rows = []
    for name, row in past.table.drop(index="all").iterrows():
        if name in MENU and name in gains.index:
            rows.append((name, row["effect"], row["error"], gains[name], row))
    foreign = [name for name in past.table.index.drop("all") if name not in MENU]
    if foreign:
        whole = past.table.loc["all"] if len(foreign) == len(past.table) - 1 else past.table.loc[foreign[0]]
        rows += [
            (name, whole["effect"], whole["error"], gains[name], whole)
            for name in ALIKE
            if name in gains.index
        ]
        if past.save_rate is not None:
            low, high = past.save_rate.interval()
            rows.append(("save", past.save_rate.mean, (high - low) / (2 * Z), 1.0, whole))
    found = pd.DataFrame(
        {
            "effect": [float(row[1]) for row in rows],
            "error": [float(row[2]) for row in rows],
            "gain": [float(row[3]) for row in rows],
            "cost": [float(row[4]["cost"]) for row in rows],
            "treated": [int(row[4]["treated"]) for row in rows],
            "control": [int(row[4]["control"]) for row in rows],
            "source": f"{past.campaigns} past campaigns" if past.campaigns != 1 else "1 past campaign",
        },
        index=pd.Index([row[0] for row in rows], name="action", dtype="str"),
    )
    return found[(found["gain"] > 0) & (found["error"] > 0)]


def _row(trial: Trial, effects: pd.DataFrame, action: str) -> dict[str, float]:
    late, soon = effects.loc[(MONEY, action)], effects.loc[(SOON, action)]
    known = trial.known(MONEY).rows
    cost = float(known.loc[known["treated"], "cost"].mean())
    return {
        "campaigns": int(known["campaign_id"].nunique()),
        "treated": int(known["treated"].sum()),
        "control": int((~known["treated"]).sum()),
        "soon": float(soon["adjusted"]),
        "effect": float(late["adjusted"]),
        "error": float(late["adjusted_error"]),
        "low": float(late["adjusted_low"]),
        "high": float(late["adjusted_high"]),
        "cost": cost,
        "net": float(late["adjusted"] - cost),
        "net_low": float(late["adjusted_low"] - cost),
        "net_high": float(late["adjusted_high"] - cost),
    }


def _save_rate(trial: Trial) -> MeasuredSaveRate | None:
    own = trial.known(LEAVES)
    left, treated = own.rows[LEAVES].to_numpy("float64"), own.treated
    counts = [left[treated].sum(), treated.sum(), left[~treated].sum(), (~treated).sum()]
    try:
        return MeasuredSaveRate(*(int(np.round(count)) for count in counts))
    except TooLittleData:
        return None
