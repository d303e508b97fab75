"""All that a customer brings: own purchases, customers won by recommendation, less the attention they take.

An action must be judged by what it is to change. Who is asked to recommend the company buys no more than before, and
who gets more attention costs more; neither shows in the customer's own purchases.
"""

import ibis

_COLUMNS = ("customer_id", "day", "net_sales", "cost_of_goods", "since")


def brought(
    lines: ibis.Table, referrals: ibis.Table | None = None, service: ibis.Table | None = None
) -> ibis.Table:
    """Lay out what customers bring as lines of money, to be added up within windows.

    Parameters
    ----------
    lines : ibis.Table
        As returned by `crmlib.analysis.ledger.order_lines`.
    referrals : ibis.Table, optional
        ``referrer_id``, ``referred_id``, ``referred_on``. What a referred customer buys counts for the referrer too, in
        windows that were open when he came.
    service : ibis.Table, optional
        ``customer_id``, ``day``, ``service_cost``, as returned by
        `crmlib.analysis.audit.customer_days.service_days`. It counts as a cost.

    Returns
    -------
    ibis.Table
        ``customer_id``, ``day``, ``net_sales``, ``cost_of_goods`` and ``since`` (the day of the referral; missing for
        what is the customer's own), as `crmlib.analysis.closed_loop.outcomes.margins_within` takes it.

    Notes
    -----
    Definition of this project. The sum over customers counts the purchases of referred customers twice, once for each
    of the two who brought them about. Contacts that are among the events must not be in the cost of the action as well.

    Examples
    --------
    >>> import pandas as pd
    >>> from datetime import date
    >>> lines = ibis.memtable(pd.DataFrame({
    ...     "customer_id": ["A", "B"], "day": date(2026, 6, 9), "net_sales": [10.0, 30.0],
    ...     "cost_of_goods": [4.0, 9.0]}))
    >>> referrals = ibis.memtable(pd.DataFrame({
    ...     "referrer_id": ["A"], "referred_id": ["B"], "referred_on": [date(2026, 6, 1)]}))
    >>> found = brought(lines, referrals).execute()
    >>> found.groupby("customer_id")["net_sales"].sum().to_dict()
    {'A': 40.0, 'B': 30.0}
    """
    own = lines.select("customer_id", "day", "net_sales", "cost_of_goods", since=ibis.null("date"))
    parts = [own]
    if referrals is not None:
        known = referrals.filter(referrals.referred_on.notnull(), referrals.referrer_id.notnull())
        known = known.select("referrer_id", "referred_id", "referred_on")
        joined = lines.select(*_COLUMNS[:-1]).inner_join(known, [("customer_id", "referred_id")])
        parts.append(
            joined.select(
                customer_id=joined.referrer_id,
                day=joined.day,
                net_sales=joined.net_sales,
                cost_of_goods=joined.cost_of_goods,
                since=joined.referred_on,
            )
        )
    if service is not None:
        kind = lines.net_sales.type()
        parts.append(
            service.select(
                customer_id=service.customer_id,
                day=service.day,
                net_sales=ibis.literal(0).cast(kind),
                cost_of_goods=service.service_cost.cast(kind),
                since=ibis.null("date"),
            )
        )
    return own if len(parts) == 1 else ibis.union(*parts, distinct=False)
