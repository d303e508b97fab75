"""All offers of the month: which actions the data allow, and which are left out, with a reason."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date

import ibis
import pandas as pd

from crmlib.analysis.actions import growing, keeping
from crmlib.analysis.actions.menu import MENU
from crmlib.analysis.actions.offer import Offer, Prices
from crmlib.analysis.ledger import order_lines
from crmlib.analysis.segments.levels import LEVELS
from crmlib.analysis.steps import ACTIONS, STEPS
from crmlib.errors import TooLittleData

#: Tables of other notebooks that offers are made from.
SAVED = ("lifetime_value", "churn", "profit_per_customer", "segments")
#: Parting is no action of the menu: a person reviews it.
TERMS = tuple(step for step in ACTIONS if step != STEPS["part"])


@dataclass(frozen=True)
class Offers:
    """What can be offered to whom.

    Attributes
    ----------
    customers : Index
        Everybody who stands in a table the list is made from, sorted.
    tables : dict of str to DataFrame
        For each action of the menu that the data allow: ``gain``, ``cost`` and the facts of its reason, by customer.
    left_out : dict of str to str
        For each other action the sentence that says why.
    """

    customers: pd.Index
    tables: dict[str, pd.DataFrame]
    left_out: dict[str, str]


def all_offers(
    saved: Mapping[str, pd.DataFrame | None],
    tables: Callable[[str], ibis.Table | None],
    as_of: date,
    prices: Prices,
    *,
    gross_margin: float | None = None,
    cross_sell: pd.DataFrame | None = None,
) -> Offers:
    """Make the offers of the month.

    Parameters
    ----------
    saved : mapping of str to DataFrame or None
        Tables of other notebooks by the names of `SAVED`; what is not there is None or missing.
    tables : callable
        Gives the checked table of a name, or None.
    as_of : datetime.date
        Last known day.
    prices : Prices
    gross_margin : float, optional
        For lines whose cost of goods is unknown.
    cross_sell : DataFrame, optional
        As `crmlib.analysis.next_product.offers.next_offers` returns it: ``name`` of the product, ``probability`` (that
        the next order holds it) and ``margin_per_order``, by customer.

    Returns
    -------
    Offers

    Raises
    ------
    TooLittleData
        If no saved table is there.
    """
    customers = customers_of(saved)
    got = {name: saved.get(name) for name in SAVED}
    orders = tables("orders")
    extra = [name for name in ("product_id", "quantity") if name in orders.columns]
    lines = order_lines(orders, gross_margin, keep=extra)
    lifetime, churn, profit = got["lifetime_value"], got["churn"], got["profit_per_customer"]
    up, down = growing.level_changes(got["segments"], profit, LEVELS, prices)
    made = {
        "win back": keeping.win_back(lifetime, keeping.order_histories(lines, as_of), prices, churn),
        "save": keeping.save(churn, prices),
        "cross-sell": _cross_sell(cross_sell, lifetime, prices),
        "up-sell": growing.up_sell(lines, tables("products"), as_of, prices),
        "service repair": keeping.service_repair(churn, tables, as_of, prices),
        "level up": up,
        "level down": down,
        "ask for referral": growing.ask_for_referral(lifetime, lines, tables, as_of, prices),
        "reprice": growing.reprice(profit, TERMS),
    }
    found = {name: made[name].table for name in MENU if made[name].table is not None}
    left_out = {name: made[name].left_out for name in MENU if made[name].table is None}
    return Offers(customers, found, left_out)


def customers_of(saved: Mapping[str, pd.DataFrame | None]) -> pd.Index:
    """Everybody who stands in one of the tables the list is made from, sorted.

    Raises
    ------
    TooLittleData
        If no saved table is there.
    """
    ids = [pd.Index(table["customer_id"]) for table in saved.values() if table is not None]
    if not ids:
        raise TooLittleData(
            "none of the tables a list of actions is made from", "values, chances to leave or profits of customers",
            "run notebooks 02, 03 and 04 first, on data long enough for one of them",
        )  # fmt: skip
    customers = ids[0]
    for more in ids[1:]:
        customers = customers.union(more)
    return customers.unique().sort_values().rename("customer_id")


def _cross_sell(recommended: pd.DataFrame | None, lifetime: pd.DataFrame | None, prices: Prices) -> Offer:
    """Gain = margin of an order's worth of the product, times the chance that it is wanted over the mean chance."""
    if recommended is None or recommended.empty:
        return Offer.missing(
            "It needs order lines with products, and enough of them to tell what goes with what."
        )
    own = recommended.sort_index()
    if lifetime is not None:
        gone = lifetime.loc[lifetime["alive"] < keeping.PROBABLY_GONE, "customer_id"]
        own = own[~own.index.isin(gone)]
    chance = own["probability"]
    gain = own["margin_per_order"] * chance / chance.mean()
    table = pd.DataFrame({"gain": gain, "cost": prices.letter, "product": own["name"], "chance": chance})
    return Offer(table)
