"""From contacts and order lines to a test: one row per customer and campaign.

The windows of a contact on day d:

- before: the days up to d - 1. Nothing on the day of contact or later is in a covariate.
- response: d to d + response_days - 1. The day of contact counts, for both arms alike.
- long: d to d + long_days - 1; ``silent`` looks at its part after the response window.

A row whose response window reaches past the last known day is set aside; one whose long window does keeps its
response and has no long outcome.
"""

from datetime import date

import ibis
import pandas as pd

from crmlib.analysis.ledger import whole_orders
from crmlib.analysis.targeting.trial import Trial
from crmlib.errors import DataError, ParameterError, TooLittleData

OUTCOMES = ("orders", "bought", "margin", "net", "long_orders", "long_margin", "long_net", "silent")
_BEFORE = ("recency_days", "tenure_days", "days_seen", "orders_before", "sales_before", "margin_before")
_COUNTS = ("orders", "long_orders", "orders_before", "contacts_before", "contacts_during")


def experiment(
    contacts: ibis.Table,
    lines: ibis.Table,
    as_of: date,
    *,
    customers: ibis.Table | None = None,
    response_days: int = 28,
    long_days: int = 180,
    history_days: int = 365,
    contact_cost: float | None = None,
) -> Trial:
    """Lay out randomised campaigns as a test.

    Parameters
    ----------
    contacts : ibis.Table
        ``customer_id``, ``campaign_id``, ``contacted_on``, ``arm`` ('treatment' or 'control') and, if known,
        ``cost`` and ``action``.
    lines : ibis.Table
        As returned by `crmlib.analysis.ledger.order_lines`.
    as_of : datetime.date
        Last known day.
    customers : ibis.Table, optional
        With ``acquired_on`` the tenure counts from there instead of from the first order seen;
        ``acquisition_channel`` and ``club_member_since`` become covariates.
    response_days, long_days, history_days : int
        Lengths of the windows. Four whole weeks for the response, so that all weekdays count alike.
    contact_cost : float, optional
        Cost of a contact where ``cost`` is not in the data.

    Returns
    -------
    Trial
        Outcomes, money in the run's currency: ``orders``, ``bought`` (0 or 1), ``margin`` (gross margin less
        returns of the window) and ``net`` (margin less cost) of the response window; ``long_orders``,
        ``long_margin``, ``long_net`` of the long window; ``silent`` (1 if nothing was ordered between
        the end of the response window and that of the long one: whoever was driven away is silent).
        Covariates: ``recency_days`` (since the last order; missing without one), ``tenure_days``, ``days_seen``
        (days of history in the data, at most `history_days`), ``orders_before``, ``sales_before``,
        ``margin_before`` (within `history_days`), ``contacts_before`` (times contacted within `history_days`), and from
        `customers` ``acquisition_channel`` (category) and ``club`` (0 or 1).
        Also ``overlapping`` (another contact of the same customer less than `response_days` away) and
        ``contacts_during`` (contacts by other campaigns within the long window).
        Notes: ``contacts`` (rows found), ``merged`` (second contacts in one campaign, added to the first),
        ``response_unknown`` and ``one_armed`` (rows set aside: window not over, campaign without control or
        without treatment), ``long_unknown`` (kept), ``overlapping`` (kept), ``customers``, ``customers_repeated``.

    Raises
    ------
    DataError
        If a customer is in both arms of one campaign.
    ParameterError
        If a window is not at least a day, or the long one is not longer than the response.
    TooLittleData
        If the cost of contacts is neither in the data nor stated, or no campaign has both arms.

    Examples
    --------
    >>> contacts = ibis.memtable(pd.DataFrame({
    ...     "customer_id": ["A", "B"], "campaign_id": ["spring"] * 2, "contacted_on": [date(2026, 3, 1)] * 2,
    ...     "arm": ["treatment", "control"], "cost": [1.0, 0.0]}))
    >>> lines = ibis.memtable(pd.DataFrame({
    ...     "customer_id": ["A", "A"], "order_id": ["1", "2"], "day": [date(2026, 2, 1), date(2026, 3, 5)],
    ...     "net_sales": [50.0, 30.0], "list_sales": 0.0, "discounts": 0.0, "returns": 0.0,
    ...     "cost_of_goods": [20.0, 10.0], "returned_goods": 0.0, "bought": True}))
    >>> test = experiment(contacts, lines, date(2026, 6, 30), long_days=60)
    >>> test.rows[["customer_id", "treated", "margin_before", "recency_days", "margin", "net"]]
      customer_id  treated  margin_before  recency_days  margin   net
    0           A     True           30.0          28.0    20.0  19.0
    1           B    False            0.0           NaN     0.0   0.0
    """
    table = campaign_table(
        contacts,
        lines,
        as_of,
        customers=customers,
        response_days=response_days,
        long_days=long_days,
        history_days=history_days,
        contact_cost=contact_cost,
    )
    rows = table.execute()
    _refuse(rows, contact_cost)
    notes = {"contacts": int(rows["waves"].sum()), "merged": int((rows["waves"] - 1).sum())}
    notes["response_unknown"] = int((~rows["response_known"]).sum())
    rows = rows[rows["response_known"]]
    # A campaign compares arms; where one is missing, there is nothing to compare.
    arms = rows.groupby("campaign_id")["treated"].transform("mean")
    notes["one_armed"] = int(arms.isin([0.0, 1.0]).sum())
    rows = rows[~arms.isin([0.0, 1.0])]
    if rows.empty:
        raise TooLittleData(
            f"{notes['contacts']} contacts, none in a campaign with both arms and a response window that is over",
            "campaigns in which a random part of the customers is held out",
            "hold out a random part of the next campaign and record it as arm = control",
        )
    first = rows.groupby("campaign_id")["contacted_on"].transform("min")
    rows = rows.assign(first=first).sort_values(["first", "campaign_id", "customer_id"]).drop(columns="first")
    rows = _typed(rows)
    per_customer = rows["customer_id"].value_counts()
    notes |= {
        "long_unknown": int(rows["long_margin"].isna().sum()),
        "overlapping": int(rows["overlapping"].sum()),
        "customers": len(per_customer),
        "customers_repeated": int((per_customer > 1).sum()),
    }
    return Trial.of(rows, OUTCOMES, covariates_in(rows), response_days, notes)


def campaign_table(
    contacts: ibis.Table,
    lines: ibis.Table,
    as_of: date,
    *,
    customers: ibis.Table | None = None,
    response_days: int = 28,
    long_days: int = 180,
    history_days: int = 365,
    contact_cost: float | None = None,
) -> ibis.Table:
    """Put what was known before and what happened after each contact into one row, in the engine.

    Parameters
    ----------
    contacts, lines, as_of, customers, response_days, long_days, history_days, contact_cost
        As for `experiment`.

    Returns
    -------
    ibis.Table
        One row per customer and campaign with the columns told there, and ``waves`` (contacts in the campaign),
        ``arms`` (1, or 2 where they contradict each other), ``response_known``, ``long_known``.

    Raises
    ------
    ParameterError
        If a window is not at least a day, or the long one is not longer than the response.
    """
    for name, days in (("response_days", response_days), ("history_days", history_days)):
        if not days >= 1:
            raise ParameterError(f"{name} = {days}", "at least 1 day", f"correct {name}")
    if not long_days > response_days:
        raise ParameterError(
            f"long_days = {long_days} and response_days = {response_days}",
            "a long window that is longer than the response",
            "correct long_days",
        )
    own = _one_row_each(contacts.filter(contacts.contacted_on <= ibis.literal(as_of)), contact_cost)
    known = lines.filter(lines.customer_id.notnull(), lines.day <= ibis.literal(as_of))
    days = (
        whole_orders(known)
        .group_by("customer_id", "day")
        .agg(
            made=ibis._.orders.sum().cast("int64"),
            # Exact as far as it goes: sums of floating point depend on the number of threads.
            sales=ibis._.net_sales.sum(),
            money=ibis._.net_sales.sum() - ibis._.cost_of_goods.sum(),
        )
    )
    paired = own.select("customer_id", "campaign_id", "contacted_on").inner_join(days, "customer_id")
    paired = paired.mutate(since=paired.day.delta(paired.contacted_on, unit="day"))
    since, ordered = paired.since, paired.made > 0
    before, ever = (since < 0) & (since >= -history_days), since < 0
    soon, late = (since >= 0) & (since < response_days), (since >= 0) & (since < long_days)
    sums = paired.group_by("customer_id", "campaign_id").agg(
        recency_days=(-paired.since).min(where=ever & ordered).cast("float64"),
        first_days=(-paired.since).max(where=ever & ordered).cast("float64"),
        orders_before=paired.made.sum(where=before),
        sales_before=paired.sales.sum(where=before),
        margin_before=paired.money.sum(where=before),
        orders=paired.made.sum(where=soon),
        margin=paired.money.sum(where=soon),
        long_orders=paired.made.sum(where=late),
        long_margin=paired.money.sum(where=late),
    )
    rows = _joined(own, sums)
    rows = _joined(rows, _other_contacts(own, response_days, long_days, history_days))
    first_day = known.agg(first_day=known.day.min())
    rows = rows.cross_join(first_day)
    left = ibis.literal(as_of).delta(rows.contacted_on, unit="day")
    seen = rows.contacted_on.delta(rows.first_day, unit="day")
    rows = rows.mutate(
        response_known=left >= response_days - 1,
        long_known=left >= long_days - 1,
        days_seen=ibis.least(ibis.greatest(seen, 0), history_days).cast("float64"),
    ).drop("first_day")
    rows = _with_customers(rows, customers)
    empty = [name for name in rows.columns if name in {*_COUNTS, *OUTCOMES, *_BEFORE[3:]}]
    return rows.mutate(**{name: rows[name].fill_null(0).cast("float64") for name in empty})


def covariates_in(rows: pd.DataFrame) -> list[str]:
    """Name the columns of a campaign table that were known before the contact."""
    named = (*_BEFORE, "contacts_before", "acquisition_channel", "club")
    return [name for name in named if name in rows.columns]


def _one_row_each(contacts: ibis.Table, contact_cost: float | None) -> ibis.Table:
    """Add up second contacts of a customer in a campaign; two actions become one of both names."""
    has = set(contacts.columns)
    treated = contacts.arm == "treatment"
    stated = ibis.null("float64") if contact_cost is None else ibis.literal(float(contact_cost))
    cost = contacts.cost.cast("float64") if "cost" in has else ibis.null("float64")
    # Who was held out costs nothing, even where nobody wrote the 0 down.
    cost = ibis.coalesce(cost, ibis.ifelse(treated, stated, ibis.literal(0.0)))
    plain = contacts.filter(contacts.customer_id.notnull()).select(
        "customer_id",
        "campaign_id",
        "contacted_on",
        treated=treated.cast("int8"),
        cost=cost,
        action=contacts.action if "action" in has else ibis.null("string"),
    )
    found = plain.group_by("customer_id", "campaign_id").agg(
        contacted_on=plain.contacted_on.min(),
        waves=plain.count(),
        arms=plain.treated.nunique(),
        treated=plain.treated.max(),
        cost=plain.cost.sum(),
        costless=plain.cost.isnull().cast("int64").sum(),
        one=plain.action.min(),
        other=plain.action.max(),
    )
    both = ibis.ifelse(found.one == found.other, found.one, found.one.concat(" + ", found.other))
    return found.mutate(treated=found.treated == 1, action=both).drop("one", "other")


def _other_contacts(own: ibis.Table, response_days: int, long_days: int, history_days: int) -> ibis.Table:
    """Count the contacts that other campaigns made with the customer of each row."""
    others = own.filter(own.treated).select(
        "customer_id", other_campaign=ibis._.campaign_id, other_day=ibis._.contacted_on
    )
    paired = own.select("customer_id", "campaign_id", "contacted_on").inner_join(others, "customer_id")
    paired = paired.filter(paired.campaign_id != paired.other_campaign)
    paired = paired.mutate(away=paired.other_day.delta(paired.contacted_on, unit="day"))
    away = paired.away
    return paired.group_by("customer_id", "campaign_id").agg(
        contacts_before=((away < 0) & (away >= -history_days)).cast("int64").sum(),
        contacts_during=((away >= 0) & (away < long_days)).cast("int64").sum(),
        near=(away.abs() < response_days).cast("int64").sum(),
    )


def _joined(left: ibis.Table, right: ibis.Table) -> ibis.Table:
    keys = ["customer_id", "campaign_id"]
    joined = left.left_join(right, keys)
    return joined.select(*left.columns, *(name for name in right.columns if name not in keys))


def _with_customers(rows: ibis.Table, customers: ibis.Table | None) -> ibis.Table:
    """Add the tenure, and what the table customers says that was true on the day of contact."""
    has = set(customers.columns) if customers is not None else set()
    wanted = [n for n in ("acquired_on", "acquisition_channel", "club_member_since") if n in has]
    if wanted:
        joined = rows.left_join(customers.select("customer_id", *wanted), "customer_id")
        rows = joined.select(*rows.columns, *wanted)
    tenure = rows.first_days
    if "acquired_on" in wanted:
        since = rows.contacted_on.delta(rows.acquired_on, unit="day").cast("float64")
        tenure = ibis.ifelse(since >= 0, ibis.greatest(since, tenure.fill_null(0)), tenure)
    rows = rows.mutate(tenure_days=tenure)
    if "club_member_since" in wanted:
        rows = rows.mutate(club=(rows.club_member_since < rows.contacted_on).fill_null(False).cast("float64"))
    return rows.drop("first_days", *(n for n in wanted if n != "acquisition_channel"))


def _refuse(rows: pd.DataFrame, contact_cost: float | None) -> None:
    mixed = rows[rows["arms"] > 1]
    if len(mixed):
        first = mixed.sort_values(["campaign_id", "customer_id"]).iloc[0]
        raise DataError(
            f"{len(mixed)} customers in both arms of one campaign: {first['customer_id']} in {first['campaign_id']}",
            "each customer of a campaign contacted or held out",
            "correct arm, or give each wave its own campaign_id",
        )
    if contact_cost is None and (rows["costless"] > 0).any():
        raise TooLittleData(
            f"{int((rows['costless'] > 0).sum())} contacts without a cost",
            "the cost of each contact, or contact_cost",
            "state contact_cost, 0 if a contact costs nothing",
        )


def _typed(rows: pd.DataFrame) -> pd.DataFrame:
    late = ~rows["long_known"].to_numpy(dtype=bool)
    long = ["long_orders", "long_margin", "contacts_during"]
    later_orders = rows["long_orders"] - rows["orders"]
    action = rows["action"].astype("object")
    unnamed = rows["treated"] & action.isna()
    found = rows.assign(
        action=action.mask(unnamed, "contact"),
        contacted_on=pd.to_datetime(rows["contacted_on"]),
        overlapping=rows["near"].fillna(0) > 0,
        bought=(rows["orders"] > 0).astype("float64"),
        net=rows["margin"] - rows["cost"],
        silent=(later_orders == 0).astype("float64").mask(late),
        long_net=(rows["long_margin"] - rows["cost"]).mask(late),
        **{name: rows[name].mask(late) for name in long},
    )
    if "acquisition_channel" in found.columns:
        found["acquisition_channel"] = found["acquisition_channel"].astype("category")
    return found.drop(columns=["waves", "arms", "costless", "near", "response_known", "long_known"])
