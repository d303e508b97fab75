"""What to do with a customer who loses money: the mildest step that may be enough."""

import numpy as np
import pandas as pd

from crmlib.analysis.levers import LEVERS, Terms
from crmlib.analysis.losses import CAUSES, loss_causes
from crmlib.analysis.options import at_share

STEPS = {
    "past": "Nothing to change: no purchase in this period",
    "wait": "Wait: they were just won",
    "watch": "Watch one more period: no loss before, or new",
    **LEVERS,
    "together": "All four terms together",
    "part": "Review whether to part",
}

#: Steps in which something is done, as they stand in the saved table: not waiting, watching or nothing.
ACTIONS = tuple(STEPS[name] for name in (*LEVERS, "together", "part"))


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
        lever: at_share(effect, terms.walk_away).reindex(losers.index) for lever, effect in by_lever.items()
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


def with_steps(
    customers: pd.DataFrame, plan: pd.DataFrame, before: pd.DataFrame | None = None
) -> pd.DataFrame:
    """Join the next step to the customers; one row per customer, ready to save.

    Returns
    -------
    DataFrame
        ``customer_id`` and the columns of `customers`, then ``step`` in words (``Keep`` for
        customers without a loss), ``main_cause`` of a loss in words, ``avoidable`` and
        ``profit_before`` (in the period before, where known), sorted by profit from high to
        low.
    """
    step = plan["step"].map(STEPS).reindex(customers.index).fillna("Keep")
    table = customers.assign(
        step=step,
        main_cause=loss_causes(customers).map(CAUSES).reindex(customers.index).fillna("none"),
        avoidable=plan["avoidable"].reindex(customers.index),
        profit_before=np.nan if before is None else before["profit"].reindex(customers.index),
    )
    table = table.rename_axis("customer_id").reset_index()
    return table.sort_values(["profit", "customer_id"], ascending=[False, True], ignore_index=True)
