"""What a source holds: which tables of the contract, whose customers, and what has to be assumed."""

from collections.abc import Sequence

import ibis
import pandas as pd

from crmlib.display import formats
from crmlib.intake.contract import TABLES
from crmlib.intake.data import Data


def tables_in(data: Data) -> pd.DataFrame:
    """Count the rows of every table of the contract as known on the last known day.

    Parameters
    ----------
    data : crmlib.intake.Data

    Returns
    -------
    DataFrame
        Indexed by ``table``, in the order of the contract: ``row`` (what one row is), ``there``
        (bool), ``rows`` (missing where the table is not there) and ``days``, first and last in
        words (empty where its rows have no day).

    Examples
    --------
    >>> from crmlib.intake import open_data
    >>> found = tables_in(open_data("bundled"))
    >>> found.loc["customers", "rows"].item(), bool(found["there"].all())
    (3000, True)
    """
    rows = [{"table": name, "row": table.row, **_facts(data, name)} for name, table in TABLES.items()]
    return pd.DataFrame(rows).astype({"rows": "Int64"}).set_index("table")


def _facts(data: Data, name: str) -> dict:
    table = data.table(name)
    if table is None:
        return {"there": False, "rows": None, "days": ""}
    day = TABLES[name].happens
    if day not in table.columns:
        return {"there": True, "rows": table.count().execute(), "days": ""}
    found = table.agg(rows=table.count(), first=table[day].min(), last=table[day].max()).execute().iloc[0]
    known = pd.notna(found["first"])
    days = f"{formats.day(found['first'])} to {formats.day(found['last'])}" if known else ""
    return {"there": True, "rows": found["rows"], "days": days}


def is_simulated(data: Data) -> bool:
    """Tell whether the company is simulated, so that the truth about it is known."""
    return data.truth("parameters") is not None


def about_company(data: Data) -> str:
    """Say that a simulated company is invented and what it sells; empty for any other.

    Examples
    --------
    >>> from crmlib.intake import open_data
    >>> print(about_company(open_data("bundled")).partition(" (")[0])
    Casa Verbena is a simulated company: invented people buy invented goods
    """
    if not is_simulated(data):
        return ""
    categories = categories_sold(data)
    sold = f" ({listed(categories)})" if categories else ""
    return (
        f"{data.name} is a simulated company: invented people buy invented goods{sold}. "
        "What really happened in it is known, so estimates can be checked against the truth."
    )


def categories_sold(data: Data) -> list[str]:
    """List the categories of products, the one with the largest net sales first; empty where none is known."""
    if not (data.has("products.category") and data.has("orders.product_id")):
        return []
    sold = (
        data.orders.join(data.table("products").select("product_id", "category"), "product_id")
        .filter(ibis._.category.notnull())
        .group_by("category")
        .agg(net=ibis._.net_amount.sum())
        .order_by(ibis.desc("net"), "category")
    )
    return sold.category.execute().tolist()


def held_out(data: Data) -> int:
    """Count the customers whom a campaign held out; 0 where the data have no campaigns."""
    contacts = data.table("contacts")
    if contacts is None:
        return 0
    return int(contacts.filter(contacts.arm == "control").customer_id.nunique().execute())


def margin_assumed(costed_share: float, stated: float | None) -> str:
    """Say at which assumed margin money is counted; empty where every cost of goods is in the data.

    Parameters
    ----------
    costed_share : float
        Share of net sales whose cost of goods is in the data.
    stated : float or None
        Gross margin stated in the run file, as a share of net sales.

    Examples
    --------
    >>> margin_assumed(0.0, 0.2)
    'at an assumed margin of 20% of sales'
    >>> margin_assumed(0.7, 0.2)
    'at an assumed margin of 20% of sales whose cost is missing'
    >>> margin_assumed(1.0, 0.2)
    ''
    """
    if stated is None or not costed_share < 1:
        return ""
    some = " whose cost is missing" if costed_share > 0 else ""
    return f"at an assumed margin of {formats.share(stated)} of sales{some}"


def costs_assumed(data: Data) -> str:
    """Say in a sentence that profits rest on an assumed margin; empty where every line has its cost.

    Over all orders known, whatever period a notebook looks at.
    """
    if data.gross_margin is None:
        return ""
    margin = formats.share(data.gross_margin)
    if not data.has("orders.cost_of_goods"):
        return (
            "The data hold no costs of goods: every profit and margin here is counted at an assumed margin of "
            f"{margin} of sales, and stands or falls with it."
        )
    without = data.orders.filter(data.orders.cost_of_goods.isnull()).count().execute()
    if not without:
        return ""
    part = formats.share(without / data.orders.count().execute())
    return f"{part} of the order lines have no cost of goods; they count at an assumed margin of {margin} of sales."


def listed(names: Sequence[str], most: int = 6) -> str:
    """Write names as people do: ``a, b and c``; of very many only the first.

    >>> listed(["a"]), listed(["a", "b", "c"]), listed(list("abc"), most=2)
    ('a', 'a, b and c', 'a, b and more')
    """
    *first, last = names if len(names) <= most else [*names[:most], "more"]
    return f"{', '.join(first)} and {last}" if first else last
