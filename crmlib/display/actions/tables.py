"""Frames that the notebook on actions shows as tables and figures."""

import numpy as np
import pandas as pd

from crmlib.analysis.actions.action_list import CONTACT, HOLD_OUT
from crmlib.analysis.actions.expected import ActionProfit
from crmlib.analysis.actions.keeping import horizon
from crmlib.analysis.actions.menu import MENU, NOTHING
from crmlib.analysis.actions.options import CALLS, MONEY
from crmlib.analysis.actions.past_campaigns import PastCampaigns
from crmlib.analysis.actions.policies import AT_RISK, BEST, EVERYONE, NOBODY, RISK
from crmlib.analysis.intervals import Z
from crmlib.analysis.next_product.choice import NextProduct

POLICIES = {
    BEST: "Highest expected profit", AT_RISK: "Most value at risk", RISK: "Most likely to leave",
    EVERYONE: "Everyone eligible", NOBODY: "Nobody",
}  # fmt: skip
METHODS = {
    "most popular": "What sells most",
    "most popular not yet bought": "What sells most and was not bought yet",
    "bought together": "Bought together by others",
    "bought next": "Bought next by others",
    "blend": "Mixture of these",
    "bought most often before": "What was bought most often before",
}
_FEW = 5


def titled(name: str) -> str:
    """Name of an action for the first cell of a row.

    Examples
    --------
    >>> titled("win back")
    'Win back'
    """
    return name[:1].upper() + name[1:]


def menu(profit: ActionProfit) -> pd.DataFrame:
    """One row per action that somebody is eligible for: who, gain, cost, rate assumed and rate at which it pays."""
    table = profit.by_action()
    table = table[table["eligible"] > 0]
    rates = profit.rates.reindex(table.index)
    return table.assign(
        label=[titled(name) for name in table.index],
        who=[MENU[name].who for name in table.index],
        rate=rates["mean"],
    )


def meanings(profit: ActionProfit) -> pd.DataFrame:
    """What rate, gain and cost of each action are, in words, for the actions somebody is eligible for."""
    table = profit.by_action()
    own = [MENU[name] for name in table.index[table["eligible"] > 0]]
    rows = [(titled(one.name), one.rate_means, one.gain_means, one.cost_means) for one in own]
    return pd.DataFrame(rows, columns=["label", "rate", "gain", "cost"])


def contacting(profit: ActionProfit) -> tuple[str, ...]:
    """Actions with a contact that somebody is eligible for, in the order of the menu."""
    table = profit.by_action()
    return tuple(name for name in table.index[table["eligible"] > 0] if MENU[name].contacts)


def five_options(profit: ActionProfit) -> pd.DataFrame:
    """Five options of as many actions as there are, each with a customer in the upper middle of its profits."""
    if not len(profit.table):
        return pd.DataFrame(columns=["customer_id", "action", "rate", "gain", "cost", "crmlib"])
    frame = profit.options.table.assign(
        customer_id=profit.options.ids(), action=profit.options.names(), crmlib=profit.table["profit"]
    )
    frame["rate"] = profit.rates["mean"].reindex(frame["action"]).to_numpy()
    ranked = frame.sort_values(["action", "crmlib", "customer_id"], ascending=[True, False, True])
    place = ranked.groupby("action").cumcount()
    size = ranked.groupby("action")["crmlib"].transform("size")
    # one at a tenth from the top of each action, then the best that remain
    picked = ranked[place == (size // 10)]
    order = {name: number for number, name in enumerate(MENU)}
    picked = picked.sort_values("action", key=lambda names: names.map(order)).head(_FEW)
    missing = _FEW - len(picked)
    if missing > 0:
        picked = pd.concat([picked, ranked.drop(index=picked.index).head(missing)])
    return picked[["customer_id", "action", "rate", "gain", "cost", "crmlib"]].reset_index(drop=True)


def weighing(rates: pd.DataFrame, action: str) -> pd.DataFrame | None:
    """Assumption, tests and both together for one action: mean, spread and precision; None where it was not tested."""
    row = rates.loc[action]
    if not np.isfinite(row["measured"]):
        return None
    means = [row["prior_mean"], row["measured"]]
    spreads = [row["prior_spread"], row["measured_spread"]]
    return pd.DataFrame({"what": ["Assumed", "Tests"], "mean": means, "spread": spreads}).assign(
        weight=lambda frame: 1 / frame["spread"] ** 2
    )


def rate_rows(rates: pd.DataFrame, actions: tuple[str, ...]) -> pd.DataFrame:
    """Rates with their 95 % intervals, for the actions there are; what was assumed beside what is believed now."""
    rows = []
    for name in actions:
        row = rates.loc[name]
        if np.isfinite(row["measured"]):
            rows.append((f"{titled(name)}, assumed", row["prior_mean"], row["prior_spread"]))
            rows.append((f"{titled(name)}, after tests", row["mean"], row["spread"]))
        else:
            rows.append((f"{titled(name)}, not tested", row["mean"], row["spread"]))
    frame = pd.DataFrame(rows, columns=["label", "value", "spread"])
    half = Z * frame["spread"]  # a share: what the normal distribution has beyond is not shown
    return frame.assign(
        low=(frame["value"] - half).clip(-1.0, 1.0), high=(frame["value"] + half).clip(-1.0, 1.0)
    )


def campaigns(past: PastCampaigns) -> pd.DataFrame:
    """Past campaigns by what was offered, all together last."""
    table = past.table
    kept = table if len(table) > 2 else table.drop(index="all")
    return kept.assign(label=["All together" if name == "all" else titled(str(name)) for name in kept.index])


def next_methods(chosen: NextProduct) -> pd.DataFrame:
    """How often each method's offers were in the next order, on days it had not seen."""
    table = chosen.tested_on.table
    used = table.index == chosen.method
    label = pd.Series([METHODS.get(name, titled(name)) for name in table.index], table.index)
    return table.assign(label=label.where(~used, label + " (used)"))


def policies(table: pd.DataFrame) -> pd.DataFrame:
    """Ways to choose, with names for people."""
    return table.assign(
        label=[POLICIES[name] for name in table.index], value=table["profit"],
        even=table["break_even"].where(table["profit"] != 0),
    ).reset_index(drop=True)  # fmt: skip


def limits(table: pd.DataFrame, currency: str) -> pd.DataFrame:
    """What there is of each limit, what is used, and what one more unit would earn."""
    names = {MONEY: f"Money ({currency})", CALLS: "Calls"}
    return table.assign(label=[names.get(str(name), titled(str(name))) for name in table.index])


def month(by_action: pd.DataFrame) -> pd.DataFrame:
    """The list by action, with names for people and a total; the cost is that of contacts."""
    table = by_action.assign(
        label=[titled(name) for name in by_action.index],
        expires=by_action["expires_on"].dt.strftime("%-d %B %Y").where(by_action["expires_on"].notna(), "–"),
    )
    contacts = np.array([name in MENU and MENU[name].contacts for name in by_action.index])
    table["cost"] = table["cost"].where(contacts)
    sums = table[["customers", "contacted", "held_out", "cost", "promised", "forgone"]].sum()
    total = pd.DataFrame([sums.to_dict() | {"label": "All customers", "expires": "–"}])
    return pd.concat([table, total], ignore_index=True)


def first_rows(listed: pd.DataFrame, rows: int = 10) -> pd.DataFrame:
    """The rows of the list that promise most, the best of each action first in turn."""
    acting = listed[listed["action"] != NOTHING]
    ranked = acting.sort_values(["expected_profit", "customer_id"], ascending=[False, True])
    turn = ranked.groupby("action").cumcount()
    picked = ranked.assign(turn=turn).sort_values(
        ["turn", "expected_profit"], ascending=[True, False], kind="stable"
    )
    lots = {CONTACT: "carry out", HOLD_OUT: "leave alone"}
    return picked.head(rows).assign(
        label=lambda frame: frame["action"].map(titled), lot=lambda frame: frame["arm"].map(lots)
    )


def options(profit: ActionProfit) -> pd.DataFrame:
    """Every option: ``customer_id``, ``action``, ``rate``, ``gain``, ``cost``, ``profit``."""
    action = profit.options.names()
    return pd.DataFrame({
        "customer_id": profit.options.ids(), "action": pd.Series(action, dtype="str"),
        "rate": profit.rates["mean"].reindex(action).to_numpy(), "gain": profit.options.table["gain"],
        "cost": profit.options.table["cost"], "profit": profit.table["profit"],
    })  # fmt: skip


def five_to_choose(profit: ActionProfit) -> pd.DataFrame | None:
    """Five customers with one contact each that is expected to earn something; None where there are fewer than five."""
    contacts = options(profit)[profit.options.contacts()]
    own = contacts[(contacts["profit"] > 0) & (contacts["cost"] > 0)]
    own = own.sort_values(["profit", "customer_id"], ascending=[False, True]).drop_duplicates("customer_id")
    if len(own) < _FEW:
        return None
    places = np.linspace(0, len(own) - 1, _FEW).round().astype(int)
    five = own.iloc[places].reset_index(drop=True)
    five = five.assign(per_money=five["profit"] / five["cost"])
    return five.sort_values("per_money", ascending=False, ignore_index=True)


def money_of(listed: pd.DataFrame, saved: dict[str, pd.DataFrame | None]) -> pd.DataFrame:
    """By action, what its customers earned in the last period and are worth from here on, as far as it is known.

    Returns
    -------
    DataFrame
        Indexed by ``action`` in the order of the menu: ``customers``, ``profit`` and ``value`` (only where known).
    """
    own = listed[["customer_id", "action"]].assign(customers=1)
    months = horizon(saved["lifetime_value"]) if saved.get("lifetime_value") is not None else None
    value = f"value_{months}"
    for name, table, column in (
        ("profit", "profit_per_customer", "profit"),
        ("value", "lifetime_value", value),
    ):
        if saved.get(table) is not None:
            known = saved[table].set_index("customer_id")[column]
            own[name] = known.reindex(own["customer_id"]).fillna(0.0).to_numpy()
    sums = own.drop(columns="customer_id").groupby("action").sum()
    return sums.reindex([name for name in (*MENU, NOTHING) if name in sums.index])


def earlier_lists(by_action: pd.DataFrame) -> pd.DataFrame:
    """What earlier lists promised and earned, by action, with names for people."""
    return by_action.assign(label=[titled(str(name)) for name in by_action.index])


def held_money(table: pd.DataFrame) -> pd.DataFrame:
    """Money of the customers of each action, with names for people and a total."""
    shown = table.assign(label=[titled(str(name)) for name in table.index])
    total = pd.DataFrame([table.sum().to_dict() | {"label": "All customers"}])
    return pd.concat([shown, total], ignore_index=True)
