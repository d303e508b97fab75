"""All that past campaigns prove: effects, who is moved, what each way to choose earned, and whom that points to now."""

from dataclasses import dataclass
from datetime import date

import ibis
import pandas as pd

from crmlib.analysis.ledger import order_lines
from crmlib.analysis.targeting.candidates import candidates
from crmlib.analysis.targeting.decision import Decision, decide_by_test
from crmlib.analysis.targeting.differences import WaldTest
from crmlib.analysis.targeting.effects import average_effects, pooled_effects
from crmlib.analysis.targeting.experiments import experiment
from crmlib.analysis.targeting.first_orders import first_orders, known_before
from crmlib.analysis.targeting.heterogeneity import Kinds, SortedGroups, persuadables, sorted_groups
from crmlib.analysis.targeting.qini import Qini, per_thousand, qini
from crmlib.analysis.targeting.save_rate import MeasuredSaveRate
from crmlib.analysis.targeting.targeting_rules import RulesCompared, compare_rules
from crmlib.analysis.targeting.trial import Trial
from crmlib.analysis.targeting.trial_checks import Balance, balance, later_contacts, sample_ratio
from crmlib.analysis.targeting.usual_scores import ABOVE, ALONE, scores_by_folds, usual_scores
from crmlib.errors import TooLittleData

#: What is compared: soon after the contact, and after half a year.
OUTCOMES = ("orders", "margin", "long_margin", "silent")
MONEY, LEAVES = "long_margin", "silent"
_CURVES = ("uplift", "risk", "value at risk")


@dataclass(frozen=True)
class Evidence:
    """What randomised campaigns show.

    Attributes
    ----------
    trial : Trial
        All campaigns, every action by itself.
    by_action : DataFrame
        Effects by ``outcome`` and ``action``; see `crmlib.analysis.targeting.effects.Effects`.
    effects : DataFrame
        By ``outcome``: of all actions together where they were not found to differ, else of `action` alone.
    action : str
        The action that is judged; empty if all are taken together.
    known : Trial
        Rows whose long outcome is known, of what is judged.
    scores : DataFrame
        Of these rows, each made without the customer's own fold.
    orders : dict of str to Qini
        For the orders by uplift, risk and value at risk: the curve of the gain after costs, with its coefficient.
    curves : DataFrame
        ``rule``, ``share``, ``profit`` with ``low`` and ``high``: gain after costs per 1,000 customers.
    groups : SortedGroups
        Effects in fifths by predicted uplift.
    kinds : Kinds
        Persuadables and sleeping dogs.
    rules : RulesCompared
    today : DataFrame
        Scores of the customers of today, by rule.
    decision : Decision
    contact_cost : float
        Mean cost of a contact.
    save_rate : MeasuredSaveRate or None
        None where too few left.
    balance : Balance
        Whether both arms were alike before.
    uneven : int
        Campaigns whose shares held out do not look like a lot.
    later : WaldTest
        Whether later campaigns reached both arms alike.
    """

    trial: Trial
    by_action: pd.DataFrame
    effects: pd.DataFrame
    action: str
    known: Trial
    scores: pd.DataFrame
    orders: dict[str, Qini]
    curves: pd.DataFrame
    groups: SortedGroups
    kinds: Kinds
    rules: RulesCompared
    today: pd.DataFrame
    decision: Decision
    contact_cost: float
    save_rate: MeasuredSaveRate | None
    balance: Balance
    uneven: int
    later: WaldTest

    def first_campaign(self) -> pd.DataFrame:
        """Return both arms of the first campaign: ``arm``, ``customers``, ``orders``, ``margin`` (means)."""
        rows = self.trial.rows
        own = rows[rows["campaign_id"] == self.trial.campaigns[0]]
        found = own.groupby("treated").agg(
            customers=("customer_id", "size"), orders=("orders", "mean"), margin=("margin", "mean")
        )
        found = found.sort_index(ascending=False)
        return found.assign(arm=["Contacted" if one else "Left alone" for one in found.index]).reset_index(
            drop=True
        )

    def first_effect(self, outcome: str = "margin") -> float:
        """Return the effect of the first campaign, as the analysis of all campaigns estimates it."""
        first = self.trial.campaigns[0]
        table = average_effects(
            self.trial.pooled().where(self.trial.rows["campaign_id"] == first),
            [outcome],
            "campaign_id",
            adjust_on=(),
        ).table
        return float(table.loc[(outcome, first), "effect"])


def gather_evidence(
    contacts: ibis.Table | None,
    orders: ibis.Table,
    as_of: date,
    *,
    customers: ibis.Table | None = None,
    products: ibis.Table | None = None,
    gross_margin: float | None = None,
    contact_cost: float = 0.0,
    share: float = 0.3,
    active_days: int = 365,
    save_rate: float = 0.3,
    draws: int = 500,
    seed: int = 0,
) -> Evidence | None:
    """Analyse all campaigns with an arm held out by lot.

    Parameters
    ----------
    contacts : ibis.Table or None
        The table ``contacts``.
    orders : ibis.Table
        The checked table ``orders``.
    as_of : datetime.date
        Last known day.
    customers, products : ibis.Table, optional
    gross_margin : float, optional
        For lines whose cost of goods is unknown.
    contact_cost : float
        Cost of a contact where the contacts do not say it.
    share : float
        Share of the customers that may be contacted.
    active_days : int
        Whoever has not bought for longer is no candidate today.
    save_rate : float
        Assumed by the rule "expected profit".
    draws : int
        Of customers, for intervals of curves and rules.
    seed : int

    Returns
    -------
    Evidence or None
        None without contacts, or where no campaign can be judged.

    Notes
    -----
    Customers of today are looked at only if they are of a kind that was tested. Where effects of the actions were found
    to differ, the action with most contacts is judged alone. Where no long
    outcome is known yet, nothing can be said about lasting gains, and None is returned.
    """
    if contacts is None:
        return None
    extra = [name for name in ("channel", "product_id") if name in orders.columns]
    lines = order_lines(orders, gross_margin, keep=extra)
    try:
        trial = experiment(contacts, lines, as_of, customers=customers, contact_cost=contact_cost or None)
        trial.known(MONEY).refuse_if_thin("lasting gains")
        first = first_orders(lines, products) if _traits_known(lines, products) else None
        if first is not None:
            trial = trial.with_columns(known_before(trial.rows, first))
        separate = average_effects(trial, OUTCOMES)
        by_action = separate.table
        effects = pooled_effects(trial, OUTCOMES, separate=separate)
        action = "" if bool(effects["pooled"].all()) else _most_used(trial)
        judged = trial.only(action) if action else trial.pooled()
        if action:
            effects = by_action.xs(action, level="action")
        known = judged.known(MONEY)
        known.refuse_if_thin("lasting gains")
        scores = scores_by_folds(known, MONEY, LEAVES, seed=seed, save_rate=save_rate)
    except TooLittleData:
        return None
    own = scores.drop(columns=ALONE)
    orders = {name: qini(own[name], known, MONEY, net=True, draws=draws, seed=seed) for name in _CURVES}
    curves = pd.concat({name: per_thousand(found) for name, found in orders.items()}, names=["rule"])
    rules = compare_rules(
        own, known, MONEY, budget=share, above=ABOVE, baseline=scores[ALONE], draws=draws, seed=seed
    )
    groups = sorted_groups(own["uplift"], known, MONEY, net=True)
    today = candidates(contacts, lines, as_of, customers=customers, active_days=active_days)
    if first is not None:
        today = today.join(known_before(today, first))
    today = _like_tested(today, known)
    today = usual_scores(known, today, MONEY, LEAVES, save_rate, seed=seed)
    rows = trial.rows
    cost = float(rows.loc[rows["treated"], "cost"].mean())
    return Evidence(
        trial=trial,
        by_action=by_action,
        effects=effects,
        action=action,
        known=known,
        scores=own,
        orders=orders,
        curves=curves.reset_index(level="rule").reset_index(drop=True),
        groups=groups,
        kinds=persuadables(own["uplift"], known, MONEY, net=True),
        rules=rules,
        today=today,
        decision=decide_by_test(rules, today, groups, share, cost, ABOVE),
        contact_cost=cost,
        save_rate=_measured(known),
        balance=balance(judged),
        uneven=int(sample_ratio(judged)["suspicious"].sum()),
        later=later_contacts(known),
    )


def _like_tested(today: pd.DataFrame, known: Trial) -> pd.DataFrame:
    """Leave out customers of a kind that no test had, such as a channel that was never contacted."""
    covered = pd.Series(True, index=today.index)
    for name in known.covariates:
        if name in today.columns and not pd.api.types.is_numeric_dtype(known.rows[name]):
            seen = known.rows[name].dropna().unique()
            covered &= today[name].isna() | today[name].isin(seen)
    return today[covered]


def _traits_known(lines: ibis.Table, products: ibis.Table | None) -> bool:
    """Whether the first order of a customer can be told apart from another by more than its day."""
    sorts = products is not None and "category" in products.columns and "product_id" in lines.columns
    return sorts or "channel" in lines.columns


def _most_used(trial: Trial) -> str:
    counts = trial.rows.loc[trial.treated, "action"].value_counts()
    return str(min(counts.index, key=lambda one: (-counts[one], one)))


def _measured(trial: Trial) -> MeasuredSaveRate | None:
    """Save rate over all campaigns, a customer counting once for each; None where too few left."""
    own = trial.known(LEAVES)
    left, treated = own.rows[LEAVES].to_numpy("float64"), own.treated
    try:
        return MeasuredSaveRate(
            int(left[treated].sum()), int(treated.sum()), int(left[~treated].sum()), int((~treated).sum())
        )
    except TooLittleData:
        return None
