"""What the first order says about a customer: with what, and where, the relationship began.

It never changes afterwards, so it is known before every later contact; and where a relationship began often tells
more about who responds than how much was bought since.
"""

import ibis
import pandas as pd

from crmlib.errors import DataError


def first_orders(lines: ibis.Table, products: ibis.Table | None = None) -> pd.DataFrame:
    """Describe the first order day of each customer.

    Parameters
    ----------
    lines : ibis.Table
        As returned by `crmlib.analysis.ledger.order_lines`, with ``product_id`` or ``channel`` kept.
    products : ibis.Table, optional
        With ``product_id`` and ``category``.

    Returns
    -------
    DataFrame
        Indexed by ``customer_id`` (sorted): ``first_day``, and where they are known ``first_category`` and
        ``first_channel``, those with most sales on that day (of equals, the first by name).

    Raises
    ------
    DataError
        If neither can be known.

    Examples
    --------
    >>> lines = ibis.memtable(pd.DataFrame({"customer_id": ["A", "A", "A"], "day": [1, 1, 2], "bought": True,
    ...     "net_sales": [5.0, 9.0, 20.0], "channel": ["web", "shop", "web"]}))
    >>> first_orders(lines)["first_channel"].to_dict()
    {'A': 'shop'}
    """
    traits = {}
    own = lines.filter(lines.customer_id.notnull(), lines.bought)
    if products is not None and "category" in products.columns and "product_id" in lines.columns:
        kinds = products.select("product_id", "category")
        own = own.left_join(kinds, "product_id").select(*own.columns, "category")
        traits["first_category"] = "category"
    if "channel" in lines.columns:
        traits["first_channel"] = "channel"
    if not traits:
        raise DataError(
            "order lines without channel, and no products with a category",
            "one of them",
            'keep the column: order_lines(orders, margin, keep=["product_id", "channel"])',
        )
    first = own.mutate(first_day=own.day.min().over(ibis.window(group_by="customer_id")))
    first = first.filter(first.day == first.first_day)
    found = first.group_by("customer_id").agg(first_day=first.first_day.min())
    for name, column in traits.items():
        sums = (
            first.filter(first[column].notnull())
            .group_by("customer_id", column)
            .agg(sales=ibis._.net_sales.sum())
        )
        place = ibis.row_number().over(
            ibis.window(group_by="customer_id", order_by=[ibis.desc(sums.sales), sums[column]])
        )
        top = sums.mutate(place=place).filter(ibis._.place == 0).select("customer_id", **{name: sums[column]})
        found = found.left_join(top, "customer_id").select(*found.columns, name)
    return found.order_by("customer_id").execute().set_index("customer_id")


def known_before(rows: pd.DataFrame, first: pd.DataFrame) -> pd.DataFrame:
    """Join the first order to contacts, where it came before them.

    Parameters
    ----------
    rows : DataFrame
        ``contacted_on`` and ``customer_id`` (a column or the index): rows of a test, or candidates.
    first : DataFrame
        As returned by `first_orders`.

    Returns
    -------
    DataFrame
        Indexed like `rows`: the traits of `first` as text; missing where the first order was on the day of the contact
        or later. For `Trial.with_columns`, or to join to candidates.

    Examples
    --------
    >>> days = pd.to_datetime(["2026-01-01", "2026-03-01"])
    >>> first = pd.DataFrame({"first_day": days, "first_channel": ["web", "shop"]}, index=["A", "B"])
    >>> rows = pd.DataFrame({"customer_id": ["A", "B"], "contacted_on": pd.to_datetime(["2026-02-01"] * 2)})
    >>> known_before(rows, first)["first_channel"].fillna("-").tolist()
    ['web', '-']
    """
    ids = rows["customer_id"] if "customer_id" in rows.columns else rows.index
    own = first.reindex(ids).set_axis(rows.index)
    before = pd.to_datetime(own["first_day"]) < pd.to_datetime(rows["contacted_on"])
    return own.drop(columns="first_day").where(before, None).astype("str")
