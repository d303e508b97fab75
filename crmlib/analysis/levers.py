"""What would move the profit of loss-making customers, and what to try in which order.

Four changes of terms, each with what it brings and what it risks. A change brings money
on the orders that stay and loses the margin of the orders that walk away. Service that is
no longer needed frees minutes, not money: only the share of freed capacity that is really
cut or put to other use counts (`capacity_realised`).

All formulas are definitions of this project.
"""

from dataclasses import dataclass

import ibis
import numpy as np
import pandas as pd
from scipy.stats import norm

from crmlib.analysis.losses import Persistence
from crmlib.analysis.period import Period

LEVERS = {
    "discount_cap": "Cap the discount",
    "minimum_order": "Ask for a minimum order",
    "delivery_fee": "Charge delivery on small orders",
    "cheaper_channel": "Move calls and visits to a cheaper channel",
}
STEPS = {
    "past": "Nothing to change: no purchase in this period",
    "wait": "Wait: they were just won",
    "watch": "Watch one more period: first loss",
    **LEVERS,
    "together": "All four terms together",
    "part": "Review whether to part",
}


@dataclass(frozen=True)
class Terms:
    """The terms to try.

    Attributes
    ----------
    minimum_order, delivery_fee : float
        Smallest order accepted; fee on orders below it. In the run's currency.
    contact_shift : float
        Share of calls, visits and other service without an order moved to a channel that
        costs close to nothing.
    discount_cap : float
        Highest discount as a share of the list price of an order.
    walk_away : float
        Share of the affected business that goes elsewhere: the middle of `walk_range`.
    capacity_realised : float
        Share of freed capacity that turns into money.
    """

    minimum_order: float
    delivery_fee: float
    contact_shift: float
    discount_cap: float
    walk_away: float
    capacity_realised: float

    @property
    def walk_range(self) -> tuple[float, float]:
        """Lowest and highest share that may walk away: 0 to twice the middle, as far as shares go."""
        return max(0.0, 2.0 * self.walk_away - 1.0), min(1.0, 2.0 * self.walk_away)


def affected_orders(
    lines: ibis.Table, events: ibis.Table | None, costs: pd.DataFrame | None, period: Period, terms: Terms
) -> pd.DataFrame:
    """Add up, per customer, the orders that the terms would touch.

    Parameters
    ----------
    lines : ibis.Table
        As returned by `crmlib.analysis.ledger.order_lines`.
    events, costs : ibis.Table and DataFrame, or None
        The table ``events`` and the result of `crmlib.analysis.costing.unit_costs`; None
        where there are no events, then orders cost nothing to serve.
    period : Period
        The days to count.
    terms : Terms
        Their `minimum_order` and `discount_cap` decide which orders are touched.

    Returns
    -------
    DataFrame
        Indexed by ``customer_id``: ``small_orders`` (number of orders below the minimum),
        ``small_sales``, ``small_margin`` and ``small_service`` (their net sales, gross
        margin and cost to serve), ``deep_excess`` (discount above the cap),
        ``deep_margin`` and ``deep_service`` (margin and cost to serve of the orders
        discounted above the cap).
    """
    bought = lines.filter(period.covers(lines.day), lines.bought, lines.customer_id.notnull())
    per_order = bought.group_by("customer_id", "order_id").agg(
        net=ibis._.net_sales.sum(),
        listed=ibis._.list_sales.sum(),
        discount=ibis._.discounts.sum(),
        margin=(ibis._.net_sales - ibis._.cost_of_goods).sum(),
    )
    if events is not None and costs is not None and "order_id" in events.columns:
        served = _service_of_orders(events, costs, period)
        per_order = per_order.left_join(served, ["customer_id", "order_id"])
        per_order = per_order.drop("customer_id_right", "order_id_right")
        per_order = per_order.mutate(service=per_order.service.fill_null(0))
    else:
        per_order = per_order.mutate(service=ibis.literal(0).cast("decimal(18, 4)"))
    small = ibis._.net < ibis.literal(terms.minimum_order).cast("decimal(18, 4)")
    allowed = per_order.listed * ibis.literal(terms.discount_cap).cast("decimal(18, 4)")
    per_order = per_order.mutate(excess=per_order.discount - allowed)
    deep = ibis._.excess > 0
    return (
        per_order.group_by("customer_id")
        .agg(
            small_orders=small.sum(),
            small_sales=ibis._.net.sum(where=small),
            small_margin=ibis._.margin.sum(where=small),
            small_service=ibis._.service.sum(where=small),
            deep_excess=ibis._.excess.sum(where=deep),
            deep_margin=ibis._.margin.sum(where=deep),
            deep_service=ibis._.service.sum(where=deep),
        )
        .order_by("customer_id")
        .execute()
        .set_index("customer_id")
        .astype("float64")
        .fillna(0.0)
    )


def _service_of_orders(events: ibis.Table, costs: pd.DataFrame, period: Period) -> ibis.Table:
    """Cost to serve each order, its returns included, exact to a ten-thousandth."""
    within = events.filter(period.covers(events.occurred_on), events.order_id.notnull())
    times = within.quantity.fill_null(1) if "quantity" in within.columns else ibis.literal(1)
    cost = within.activity.cases(
        *((activity, float(round(value, 4))) for activity, value in costs["cost_per_event"].items()),
        else_=0.0,
    )
    return (
        within.mutate(spent=cost.cast("decimal(18, 4)") * times.cast("decimal(18, 4)"))
        .group_by("customer_id", "order_id")
        .agg(service=ibis._.spent.sum())
    )


def effects(customers: pd.DataFrame, touched: pd.DataFrame, terms: Terms) -> dict[str, pd.DataFrame]:
    """What each lever would bring and risk, customer by customer, had it been in force.

    Parameters
    ----------
    customers : DataFrame
        As returned by `crmlib.analysis.profitability.customer_profit`.
    touched : DataFrame
        As returned by `affected_orders`.
    terms : Terms

    Returns
    -------
    dict of str to DataFrame
        For each lever of `LEVERS` a frame indexed like `customers` with ``stay`` (money
        gained if nobody walks away) and ``leave`` (money lost, beyond that gain, if all
        affected business walks away). The effect at a share w that walks away is
        ``stay - w * (stay + leave)``.
    """
    t = touched.reindex(customers.index).fillna(0.0)
    realised = terms.capacity_realised
    needed = np.minimum(t["small_orders"], np.ceil(t["small_sales"] / max(terms.minimum_order, 0.01)))
    saved = (1.0 - needed / t["small_orders"].where(t["small_orders"] > 0, 1.0)) * t["small_service"]
    small_value = t["small_margin"] - realised * t["small_service"]
    relationship = customers["service_relationship"]
    whole_value = customers["gross_margin"] - realised * customers["service_cost"]
    shifted = terms.contact_shift * relationship
    parts = {
        "discount_cap": (t["deep_excess"], t["deep_margin"] - realised * t["deep_service"]),
        "minimum_order": (saved * realised, small_value),
        "delivery_fee": (t["small_orders"] * terms.delivery_fee, small_value * (terms.delivery_fee > 0)),
        "cheaper_channel": (shifted * realised, whole_value.where(shifted > 0, 0.0)),
    }
    return {lever: pd.DataFrame({"stay": stay, "leave": leave}) for lever, (stay, leave) in parts.items()}


def lever_gains(
    by_lever: dict[str, pd.DataFrame],
    targets: pd.Index,
    terms: Terms,
    lasting: Persistence | None,
    seed: int = 0,
    draws: int = 4000,
) -> pd.DataFrame:
    """Profit each lever would move next period, with its interval, beside doing nothing.

    Parameters
    ----------
    by_lever : dict
        As returned by `effects`.
    targets : Index
        The customers the terms would apply to.
    terms : Terms
        Its `walk_away` sets the range of the share that goes elsewhere.
    lasting : Persistence or None
        How much of a loss comes back, in money: a loss that would have gone by itself is
        not a gain. At most all of it counts, though old losers may lose more than before.
        None where only one period is known; then this period is taken to repeat itself.
    seed, draws : int
        Seed and number of draws of the interval.

    Returns
    -------
    DataFrame
        Indexed by lever, ``do_nothing`` first, the rest by gain: ``customers`` touched,
        ``gain`` (middle), ``low`` and ``high`` (95 % interval over customers, over the
        share that walks away, and over how much of the loss comes back), and ``break_even``
        (the share that may walk away before the lever loses money; 1 where it never does).
    """
    rng = np.random.default_rng(seed)
    recurs, expected = np.ones(draws), 1.0
    if lasting is not None and np.isfinite(lasting.repeat_money):
        # from the upper half: the lower end of the interval is cut at zero
        half = lasting.money_interval[1] - lasting.repeat_money
        spread = half / norm.ppf(0.975) if np.isfinite(half) else 0.0
        recurs = rng.normal(lasting.repeat_money, spread, draws).clip(0.0, 1.0)
        expected = float(np.clip(lasting.repeat_money, 0.0, 1.0))
    walk = rng.uniform(*terms.walk_range, draws)
    rows = {"do_nothing": (0, 0.0, 0.0, 0.0, float("nan"))}
    for lever, effect in by_lever.items():
        chosen = effect.loc[targets].to_numpy(float)
        touched = int((chosen != 0).any(axis=1).sum())
        stay, both = chosen[:, 0].sum(), chosen.sum()
        # Sampling customers anew moves the two totals together: normal, with n times the covariance.
        values = np.column_stack([chosen[:, 0], chosen.sum(axis=1)])
        spread = np.cov(values.T) * len(values) if len(values) > 1 else np.zeros((2, 2))
        totals = rng.multivariate_normal([stay, both], spread, draws, method="eigh")
        simulated = recurs * (totals[:, 0] - walk * totals[:, 1])
        low, high = np.quantile(simulated, [0.025, 0.975])
        gain = expected * (stay - terms.walk_away * both)
        even = float(np.clip(stay / both, 0.0, 1.0)) if both > 0 else 1.0
        rows[lever] = (touched, gain, float(low), float(high), even)
    table = pd.DataFrame.from_dict(
        rows, orient="index", columns=["customers", "gain", "low", "high", "break_even"]
    ).rename_axis("lever")
    order = ["do_nothing", *table.drop(index="do_nothing").sort_values("gain", ascending=False).index]
    return table.loc[order]


def next_steps(
    customers: pd.DataFrame,
    by_lever: dict[str, pd.DataFrame],
    terms: Terms,
    before: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Give each loss-making customer the first step that may be enough, in fixed order.

    Nothing is to be changed where the customer bought nothing: the loss is a return or
    service of earlier business. Else the order goes from the step that risks least to the
    one that ends the relationship: wait (the loss is the cost of winning the customer), watch
    (the customer did not lose money the period before), each lever that would bring the
    customer to zero, all four together, and last a review whether to part.

    Parameters
    ----------
    customers, by_lever, terms
        As in `effects`.
    before : DataFrame, optional
        Customers of the period before; without it nobody is put on watch.

    Returns
    -------
    DataFrame
        Indexed by ``customer_id`` of the losers: ``step`` (key of `STEPS`), ``loss``
        (<= 0), ``after_step`` (profit expected with the step, at the middle share that
        walks away) and ``avoidable`` (what parting would free: realised service cost less
        gross margin; where it is negative, parting costs money).
    """
    losers = customers[customers["profit"] < 0]
    if before is None:
        first_loss = pd.Series(False, index=losers.index)
    else:
        past = (before["profit"] + before["acquisition_cost"]).reindex(losers.index)
        first_loss = ~(past < 0)
    moved = {
        lever: (e["stay"] - terms.walk_away * (e["stay"] + e["leave"])).reindex(losers.index)
        for lever, e in by_lever.items()
    }
    # A minimum and a fee act on the same orders: together only the better of the two counts.
    on_small_orders = moved["minimum_order"].combine(moved["delivery_fee"], np.maximum)
    moved["together"] = moved["discount_cap"] + on_small_orders + moved["cheaper_channel"]
    step = pd.Series("part", index=losers.index)
    after = losers["profit"].copy()
    # From the last resort to the mildest step, so that the mildest that suffices wins.
    for name in reversed(["discount_cap", "minimum_order", "delivery_fee", "cheaper_channel", "together"]):
        enough = losers["profit"] + moved[name] >= 0
        step = step.mask(enough, name)
        after = after.mask(enough, losers["profit"] + moved[name])
    just_won = losers["profit"] + losers["acquisition_cost"] >= 0
    nothing_bought = losers["list_sales"] <= 0
    for name, holds in (("watch", first_loss), ("past", nothing_bought), ("wait", just_won)):
        step = step.mask(holds, name)
        after = after.mask(holds, losers["profit"])
    after = after.mask(just_won, losers["profit"] + losers["acquisition_cost"])
    return pd.DataFrame(
        {
            "step": step,
            "loss": losers["profit"],
            "after_step": after,
            "avoidable": terms.capacity_realised * losers["service_cost"] - losers["gross_margin"],
        }
    ).rename_axis("customer_id")


def step_summary(plan: pd.DataFrame) -> pd.DataFrame:
    """Add up the plan by step, in the order of the steps.

    Returns
    -------
    DataFrame
        Indexed by ``step``: ``customers``, ``loss``, ``after_step`` (money) and
        ``worth_parting`` (customers whose parting would free more than it costs).
    """
    groups = plan.assign(worth_parting=plan["avoidable"] > 0).groupby("step")
    table = groups[["loss", "after_step", "worth_parting"]].sum()
    table.insert(0, "customers", groups.size())
    return table.reindex([step for step in STEPS if step in table.index])


def with_steps(customers: pd.DataFrame, plan: pd.DataFrame) -> pd.DataFrame:
    """Join the next step to the customers; one row per customer, ready to save.

    Returns
    -------
    DataFrame
        ``customer_id`` and the columns of `customers`, then ``step`` in words (``keep`` for
        customers without a loss), sorted by profit from high to low.
    """
    step = plan["step"].map(STEPS).reindex(customers.index).fillna("Keep")
    table = customers.assign(step=step).rename_axis("customer_id").reset_index()
    return table.sort_values(["profit", "customer_id"], ascending=[False, True], ignore_index=True)
