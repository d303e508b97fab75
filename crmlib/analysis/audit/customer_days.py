"""The ground of the audit: what each customer did and was worth on each day.

One table carries all lenses. Its rows are a customer and a day on which something happened;
its money is the profit of notebook 02, laid out by day: gross margin less what serving the
customer cost that day less the cost of winning the customer on the day of it. Any sum over
days, windows, cohorts or ages is therefore a part of the same profit.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

import ibis
import pandas as pd

from crmlib.analysis.audit.windows import Windows
from crmlib.analysis.costing import service_costs, unit_costs
from crmlib.analysis.ledger import whole_orders
from crmlib.analysis.period import Period

MONEY = ("net_sales", "gross_margin", "service_cost", "acquisition_cost", "profit")
SUMS = ("orders", *MONEY)
BEFORE = -1
_EXACT = "decimal(18, 6)"


@dataclass(frozen=True)
class Base:
    """The customer base as the lenses see it.

    Attributes
    ----------
    days : ibis.Table
        One row per known customer and day with an order, a return or a service, or on which the
        customer was won (``acquired_on``, with or without orders since): ``customer_id``,
        ``day``, ``orders``, the columns of `MONEY` (run's currency), ``won_on`` (date; NULL where
        it lies before the data on a day nobody knows), ``cohort`` (number of the window in which
        the customer was won; -1 before) and ``age_days`` (days since ``won_on``). Held by the
        engine.
    windows : Windows
        The windows that cut time and cohorts.
    lead_in : datetime.date
        Customers without ``acquired_on`` who first ordered before this day count as won before.
    assumed : bool
        Whether ``acquired_on`` is unknown for some customers, so that the lead-in decides.
    some_known : bool
        Whether ``acquired_on`` is known for some customers.
    """

    days: ibis.Table
    windows: Windows
    lead_in: date
    assumed: bool
    some_known: bool = False

    @property
    def as_of(self) -> date:
        """Last known day."""
        return self.windows.last

    def label(self, cohort: int) -> str:
        """Name of a cohort."""
        return "before" if cohort == BEFORE else self.windows.labels[cohort]

    def customers_in(self, period: Period) -> pd.DataFrame:
        """Put each customer's orders and money of one period into one row.

        Parameters
        ----------
        period : Period
            Anything with a ``covers`` condition on a day.

        Returns
        -------
        DataFrame
            Indexed by ``customer_id`` (sorted): everyone with a row in the period. Columns
            ``won_on`` (NaT where it lies before the data), ``cohort``, ``orders`` and `MONEY`.
        """
        within = self.days.filter(period.covers(self.days.day))
        customers = (
            within.group_by("customer_id")
            .agg(
                won_on=ibis._.won_on.min(),
                cohort=ibis._.cohort.min(),
                orders=ibis._.orders.sum(),
                **{name: ibis._[name].sum().cast("float64") for name in MONEY},
            )
            .order_by("customer_id")
            .execute()
            .set_index("customer_id")
        )
        # Far below a cent: a customer at zero is not taken for an earner or a loser.
        customers["won_on"] = pd.to_datetime(customers["won_on"])
        customers[list(MONEY)] = customers[list(MONEY)].round(6)
        return customers.astype({"orders": "int64", "cohort": "int64"})

    def members(self) -> pd.DataFrame:
        """Return who is in the base: indexed by ``customer_id``, ``won_on``, ``cohort`` and ``orders``."""
        members = self.days.group_by("customer_id").agg(
            won_on=ibis._.won_on.min(), cohort=ibis._.cohort.min(), orders=ibis._.orders.sum()
        )
        members = members.order_by("customer_id").execute().set_index("customer_id")
        return members.assign(
            won_on=pd.to_datetime(members["won_on"]), cohort=members["cohort"].astype("int64")
        )


def customer_base(
    tables: Callable[[str], ibis.Table | None],
    lines: ibis.Table,
    windows: Windows,
    lead_in_months: int = 0,
) -> Base:
    """Lay out the base of customer days.

    Parameters
    ----------
    tables : callable
        Returns the checked table of a name, or None; `crmlib.intake.Data.table` is one.
    lines : ibis.Table
        As returned by `crmlib.analysis.ledger.order_lines`.
    windows : Windows
        How time and cohorts are cut.
    lead_in_months : int
        Customers whose ``acquired_on`` is not known and whose first order lies in the first
        so many months of the data count as won before: nobody can tell them from old ones. So
        do those who sent something back before their first order.

    Returns
    -------
    Base
    """
    parts = [order_days(lines)]
    service = service_days(tables)
    if service is not None:
        parts.append(service)
    customers = tables("customers")
    if customers is not None and "acquired_on" in customers.columns:
        parts.append(_acquisition_days(customers, windows))
    days = (
        ibis.union(*parts)
        .group_by("customer_id", "day")
        .agg(
            orders=ibis._.orders.sum().cast("int32"),
            **{name: ibis._[name].sum().cast(_EXACT) for name in MONEY[:-1]},
        )
        if len(parts) > 1
        else parts[0]
    )
    # Events may reach back further than orders; no window would hold them.
    within = days.filter(days.day.between(windows.firsts[0], windows.last))
    days = within.mutate(
        profit=(ibis._.gross_margin - ibis._.service_cost - ibis._.acquisition_cost).cast(_EXACT)
    ).cache()
    lead_in = (pd.Timestamp(windows.firsts[0]) + pd.DateOffset(months=lead_in_months)).date()
    lead_in = next((first for first in windows.firsts if first >= lead_in), lead_in)
    won = _won(days, customers, windows, lead_in)
    joined = days.inner_join(won, "customer_id")
    joined = joined.mutate(age_days=joined.day.delta(joined.won_on, unit="day").cast("int32")).cache()
    known = won.agg(all=won.count(), known=won.acquired_on.count()).execute().iloc[0]
    assumed, some_known = bool(known["known"] < known["all"]), bool(known["known"])
    return Base(joined.drop("acquired_on"), windows, lead_in, assumed, some_known)


def order_days(lines: ibis.Table) -> ibis.Table:
    """Add up order lines by known customer and day; an order is one number on one day."""
    known = lines.filter(lines.customer_id.notnull())
    days = (
        whole_orders(known)
        .group_by("customer_id", "day")
        .agg(
            orders=ibis._.orders.sum().cast("int32"),
            net_sales=ibis._.net_sales.sum(),
            gross_margin=(ibis._.net_sales.sum() - ibis._.cost_of_goods.sum()),
        )
    )
    return _with_money(days)


def service_days(tables: Callable[[str], ibis.Table | None]) -> ibis.Table | None:
    """Value the events of each customer and day at the cost of their activity.

    Returns
    -------
    ibis.Table or None
        None where the table events, activities or resources is missing, or nothing was done yet.

    Raises
    ------
    DataError
        If an event has an activity without minutes and resource.
    """
    events, activities, resources = (tables(name) for name in ("events", "activities", "resources"))
    if events is None or activities is None or resources is None:
        return None
    done = events.select("activity").distinct().order_by("activity").execute()["activity"]
    if done.empty:
        return None
    kinds = pd.MultiIndex.from_product([done, ["order"]], names=["activity", "purpose"])
    once = pd.DataFrame(1.0, index=["one event"], columns=kinds)
    costs = service_costs(once, unit_costs(activities.execute(), resources.execute())).loc["one event"]
    # Nine decimals, and rounded after adding up: a price per piece may be counted by the million.
    cost = ibis.cases(
        *((events.activity == name, ibis.literal(Decimal(f"{value:.9f}"), "decimal(38, 9)"))
          for (name, _), value in costs.items())
    )  # fmt: skip
    times = events.quantity.fill_null(1) if "quantity" in events.columns else ibis.literal(1)
    valued = events.select("customer_id", day=events.occurred_on, cost=times.cast("decimal(18, 4)") * cost)
    return _with_money(valued.group_by("customer_id", "day").agg(service_cost=ibis._.cost.sum()))


def _acquisition_days(customers: ibis.Table, windows: Windows) -> ibis.Table:
    """Put the cost of winning each customer, zero if not known, on the day the customer was won."""
    won = customers.filter(customers.acquired_on.between(windows.firsts[0], windows.last))
    cost = won.acquisition_cost.fill_null(0) if "acquisition_cost" in won.columns else _exact(0)
    return _with_money(won.select("customer_id", day=won.acquired_on, acquisition_cost=cost))


def _with_money(days: ibis.Table) -> ibis.Table:
    """Give a part of the base all columns, in one order and one type."""
    money = {name: days[name].cast(_EXACT) if name in days.columns else _exact(0) for name in MONEY[:-1]}
    orders = days.orders if "orders" in days.columns else ibis.literal(0, "int32")
    return days.select("customer_id", "day", orders=orders, **money)


def _exact(value: float) -> ibis.Value:
    return ibis.literal(Decimal(f"{value:.6f}"), _EXACT)


def _won(days: ibis.Table, customers: ibis.Table | None, windows: Windows, lead_in: date) -> ibis.Table:
    """Say when each customer was won: one row per customer."""
    seen = days.group_by("customer_id").agg(
        first_order=ibis._.day.min(where=ibis._.orders > 0),
        first_return=ibis._.day.min(where=ibis._.net_sales < 0),
    )
    if customers is not None and "acquired_on" in customers.columns:
        known = customers.select("customer_id", "acquired_on")
        seen = seen.left_join(known, "customer_id").drop("customer_id_right")
    else:
        seen = seen.mutate(acquired_on=ibis.null("date"))
    won_on = ibis.ifelse(
        seen.acquired_on.isnull() | (seen.first_order < seen.acquired_on), seen.first_order, seen.acquired_on
    )
    # Who sends something back before the first order in the data has bought before it.
    returned_first = (seen.first_return < seen.first_order).fill_null(False)
    early = (seen.first_order < ibis.literal(lead_in)) | returned_first
    hidden = seen.acquired_on.isnull() & early
    won = seen.mutate(won_on=ibis.ifelse(hidden, None, won_on))
    cohort = windows.number(won.won_on).fill_null(BEFORE).cast("int16")
    return won.select("customer_id", "won_on", "acquired_on", cohort=cohort)
