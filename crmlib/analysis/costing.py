"""What serving a customer costs: time-driven activity-based costing.

A pool of capacity (a warehouse team, a service desk) costs money every month and can
work a known number of minutes. Cost divided by minutes is its *capacity cost rate*;
rate times the minutes of an activity is the cost of one event; events times that cost
is what a customer costs. Capacity that nobody used is reported on its own and never
spread over customers, for no customer caused it.

Source: R. S. Kaplan and S. R. Anderson, "Time-Driven Activity-Based Costing",
Harvard Business Review 82(11), 2004.
"""

from collections.abc import Callable
from dataclasses import dataclass

import ibis
import pandas as pd

from crmlib.analysis.period import Period
from crmlib.errors import DataError

# What an event was done for, read from the order it names (see `served_events`).
PURPOSES = ("order", "return", "relationship")


def unit_costs(activities: pd.DataFrame, resources: pd.DataFrame) -> pd.DataFrame:
    """Cost of one event of each activity.

    Parameters
    ----------
    activities : DataFrame
        Columns ``activity``, ``minutes_per_event``, ``resource``.
    resources : DataFrame
        Columns ``resource``, ``cost_per_month``, ``practical_minutes_per_month``.

    Returns
    -------
    DataFrame
        Indexed by ``activity``: ``resource``, ``minutes_per_event``, ``rate`` (currency
        per minute) and ``cost_per_event``.

    Raises
    ------
    DataError
        If an activity uses a resource that is not listed, or a resource has no minutes.

    Examples
    --------
    The worked example of Kaplan and Anderson (2004): 560,000 dollars buy 700,000 minutes.

    >>> activities = pd.DataFrame({"activity": ["order", "inquiry", "credit check"],
    ...     "minutes_per_event": [8, 44, 50], "resource": "customer service"})
    >>> resources = pd.DataFrame({"resource": ["customer service"],
    ...     "cost_per_month": [560_000], "practical_minutes_per_month": [700_000]})
    >>> unit_costs(activities, resources)["cost_per_event"].round(2).to_dict()
    {'credit check': 40.0, 'inquiry': 35.2, 'order': 6.4}
    """
    rates = resources.set_index("resource").astype("float64").sort_index()
    idle = rates.index[rates["practical_minutes_per_month"] <= 0]
    if len(idle):
        raise DataError(
            f"resource '{idle[0]}' with no practical minutes",
            "practical_minutes_per_month above zero",
            "write how many minutes a month this pool can work, about 80 to 85 % of the paid time",
        )
    unknown = sorted(set(activities["resource"]) - set(rates.index))
    if unknown:
        raise DataError(
            f"activities that use resource '{unknown[0]}'",
            f"one of the resources {', '.join(rates.index)}",
            "add the resource or correct its name in the table activities",
        )
    rate = rates["cost_per_month"] / rates["practical_minutes_per_month"]
    costs = activities.set_index("activity").sort_index()[["resource", "minutes_per_event"]]
    costs["minutes_per_event"] = costs["minutes_per_event"].astype("float64")
    costs["rate"] = costs["resource"].map(rate)
    costs["cost_per_event"] = costs["minutes_per_event"] * costs["rate"]
    return costs


def served_events(events: ibis.Table, lines: ibis.Table | None, period: Period) -> pd.DataFrame:
    """Count the events of a period per customer, activity and purpose.

    An event that names no order was done for the *relationship*. An event that names an
    order was done for its *return* if it happened on or after the day the first line of
    that customer's order came back, else for the *order* itself. (Definition of this project.)

    Parameters
    ----------
    events : ibis.Table
        The checked table ``events``.
    lines : ibis.Table or None
        As returned by `crmlib.analysis.ledger.order_lines`; None leaves orders out.
    period : Period
        The days to count.

    Returns
    -------
    DataFrame
        Indexed by ``customer_id``, one column per ``(activity, purpose)`` that occurs,
        holding the number of events.
    """
    within = events.filter(period.covers(events.occurred_on))
    times = within.quantity.fill_null(1) if "quantity" in within.columns else ibis.literal(1)
    times = times.cast("decimal(18, 4)")
    if lines is None or "order_id" not in within.columns:
        marked = within.select("customer_id", "activity", times=times, purpose=ibis.literal("relationship"))
    else:
        returned = (
            lines.filter(lines.returns < 0, lines.order_id.notnull())
            .group_by("customer_id", "order_id")
            .agg(returned_on=ibis._.day.min())
        )
        # By customer and number: tills and shops use the same numbers again.
        joined = within.mutate(times=times).left_join(returned, ["customer_id", "order_id"])
        purpose = ibis.cases(
            (joined.order_id.isnull(), "relationship"),
            (joined.returned_on.notnull() & (joined.occurred_on >= joined.returned_on), "return"),
            else_="order",
        )
        marked = joined.select("customer_id", "activity", "times", purpose=purpose)
    found = marked.select("activity", "purpose").distinct().order_by("activity", "purpose").execute()
    pairs = list(found.itertuples(index=False, name=None))
    # Columns are named by place: an engine may not tell 'Call' from 'call' in a column's name.
    counted = (
        marked.group_by("customer_id")
        .agg(
            **{
                f"count_{place}": ibis._.times.sum(
                    where=(ibis._.activity == activity) & (ibis._.purpose == purpose)
                )
                .fill_null(0)
                .cast("float64")
                for place, (activity, purpose) in enumerate(pairs)
            }
        )
        .order_by("customer_id")
        .execute()
        .set_index("customer_id")
    )
    counted.columns = pd.MultiIndex.from_tuples(pairs, names=["activity", "purpose"])
    return counted


def capacity_use(
    counts: pd.DataFrame, costs: pd.DataFrame, resources: pd.DataFrame, months: float
) -> pd.DataFrame:
    """Compare the capacity paid for with the capacity used.

    Parameters
    ----------
    counts : DataFrame
        As returned by `served_events`.
    costs : DataFrame
        As returned by `unit_costs`.
    resources : DataFrame
        The table ``resources``.
    months : float
        Length of the period in months.

    Returns
    -------
    DataFrame
        Indexed by ``resource``: ``cost_supplied``, ``minutes_supplied``, ``rate``,
        ``minutes_used``, ``cost_used``, ``minutes_unused``, ``cost_unused`` and
        ``utilisation`` (share of minutes used; above 1 the standard minutes or the
        capacity in the tables are too low).
    """
    supplied = resources.set_index("resource").astype("float64").sort_index()
    used = (events_per_activity(counts) * costs["minutes_per_event"]).groupby(costs["resource"]).sum()
    table = pd.DataFrame(
        {
            "cost_supplied": supplied["cost_per_month"] * months,
            "minutes_supplied": supplied["practical_minutes_per_month"] * months,
            "rate": supplied["cost_per_month"] / supplied["practical_minutes_per_month"],
            "minutes_used": used.reindex(supplied.index).fillna(0.0),
        }
    )
    table["cost_used"] = table["minutes_used"] * table["rate"]
    table["minutes_unused"] = table["minutes_supplied"] - table["minutes_used"]
    table["cost_unused"] = table["cost_supplied"] - table["cost_used"]
    table["utilisation"] = table["minutes_used"] / table["minutes_supplied"]
    return table


def events_per_activity(counts: pd.DataFrame) -> pd.Series:
    """Return the number of events of each activity over all customers and purposes."""
    return counts.sum().groupby(level="activity").sum()


def service_costs(counts: pd.DataFrame, costs: pd.DataFrame) -> pd.DataFrame:
    """Value the events of each customer.

    Parameters
    ----------
    counts : DataFrame
        As returned by `served_events`.
    costs : DataFrame
        As returned by `unit_costs`.

    Returns
    -------
    DataFrame
        Same shape and labels as `counts`, in the run's currency.

    Raises
    ------
    DataError
        If an event has an activity without minutes and resource.
    """
    per_event = costs["cost_per_event"].reindex(counts.columns.get_level_values("activity"))
    if per_event.isna().any():
        missing = per_event.index[per_event.isna()][0]
        raise DataError(
            f"events of activity '{missing}', which the table activities does not list",
            "minutes and a resource for every activity",
            f"add a row for '{missing}' to the table activities",
        )
    return counts * per_event.to_numpy()


def by_purpose(service: pd.DataFrame) -> pd.DataFrame:
    """Add up service costs per customer and purpose (``order``, ``return``, ``relationship``)."""
    totals = service.T.groupby(level="purpose").sum().T if service.shape[1] else service
    return totals.reindex(columns=list(PURPOSES), fill_value=0.0)


@dataclass(frozen=True)
class CostToServe:
    """Everything `cost_to_serve` computes.

    Attributes
    ----------
    unit_costs : DataFrame
        See `unit_costs`.
    counts : DataFrame
        Events per customer; see `served_events`.
    service : DataFrame
        Cost per customer; see `service_costs`.
    capacity : DataFrame
        Capacity paid for and used; see `capacity_use`.
    """

    unit_costs: pd.DataFrame
    counts: pd.DataFrame
    service: pd.DataFrame
    capacity: pd.DataFrame

    @property
    def unused(self) -> float:
        """Cost of the capacity nobody used, in the run's currency; stays with the company."""
        return float(self.capacity["cost_unused"].sum())


def cost_to_serve(
    tables: Callable[[str], ibis.Table | None], lines: ibis.Table, period: Period
) -> CostToServe | None:
    """Cost the events of a period.

    Parameters
    ----------
    tables : callable
        Returns the checked table of a name, or None; `crmlib.intake.Data.table` is one.
    lines : ibis.Table
        As returned by `crmlib.analysis.ledger.order_lines`.
    period : Period
        The days to count.

    Returns
    -------
    CostToServe or None
        None where the table events, activities or resources is missing.
    """
    events, activities, resources = (tables(name) for name in ("events", "activities", "resources"))
    if events is None or activities is None or resources is None:
        return None
    pools = resources.execute()
    costs = unit_costs(activities.execute(), pools)
    counts = served_events(events, lines, period)
    return CostToServe(
        unit_costs=costs,
        counts=counts,
        service=service_costs(counts, costs),
        capacity=capacity_use(counts, costs, pools, period.months),
    )
