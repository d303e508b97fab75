"""What each purchase left: the money from one purchase to the next."""

import ibis
import numpy as np
import pandas as pd

_EXACT = "decimal(18, 4)"
_WIDE = "decimal(38, 4)"  # squares of 1e14 still fit: two narrow decimals would make a narrow product


def purchase_cycles(days: ibis.Table) -> pd.DataFrame:
    """Add up the contribution of each purchase, per customer.

    A purchase is a day with net sales above 0. What happens after it and before the next one
    (returns, calls, deliveries) belongs to it; what happened before the first belongs to the first.
    The last purchase is not over yet: costs still to come are not in it.

    Parameters
    ----------
    days : ibis.Table
        Days of the customer base, as `crmlib.analysis.audit.customer_days.Base` holds them:
        ``customer_id``, ``day``, ``net_sales``, ``gross_margin``, ``service_cost``.

    Returns
    -------
    DataFrame
        Indexed by ``customer_id`` (sorted), customers with a purchase: ``n`` purchases, ``money``
        (mean contribution per purchase: gross margin less cost to serve, run's currency) and
        ``squares`` (sum of squared deviations of the purchases from that mean).
    """
    paid = (days.net_sales > 0).cast("int32")
    # Sums of decimals do not depend on the order of rows, sums of floats do.
    left = (days.gross_margin - days.service_cost).cast(_EXACT)
    window = ibis.cumulative_window(group_by="customer_id", order_by="day")
    numbered = days.select("customer_id", left=left, cycle=paid.sum().over(window))
    cycles = (
        numbered.mutate(cycle=ibis.greatest(numbered.cycle, 1))
        .group_by("customer_id", "cycle")
        .agg(left=ibis._.left.sum().cast(_EXACT))
    )
    buyers = days.filter(days.net_sales > 0).select("customer_id").distinct()
    left = cycles.left.cast(_WIDE)
    found = (
        cycles.mutate(square=left * left)
        .semi_join(buyers, "customer_id")
        .group_by("customer_id")
        .agg(
            n=ibis._.cycle.count().cast("int32"),
            total=ibis._.left.sum().cast("float64"),
            of_squares=ibis._.square.sum().cast("float64"),
        )
        .order_by("customer_id")
        .execute()
        .set_index("customer_id")
    )
    money = found["total"] / found["n"]
    squares = np.where(found["n"] > 1, np.maximum(found["of_squares"] - found["total"] * money, 0.0), 0.0)
    return pd.DataFrame({"n": found["n"], "money": money, "squares": squares})


def contribution(days: ibis.Table) -> float:
    """Return the contribution of all customers with a purchase, added up over days."""
    buyers = days.filter(days.net_sales > 0).select("customer_id").distinct()
    own = days.semi_join(buyers, "customer_id")
    left = (own.gross_margin - own.service_cost).cast(_EXACT).sum()
    return float(left.cast("float64").fill_null(0.0).execute())
