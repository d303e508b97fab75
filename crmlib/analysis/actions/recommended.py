"""The product to offer each customer next, by the way to recommend that a test on past days has chosen."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import ibis
import pandas as pd

from crmlib.analysis.ledger import order_lines
from crmlib.analysis.next_product.choice import NextProduct, choose_next_product
from crmlib.analysis.next_product.histories import purchase_histories
from crmlib.analysis.next_product.offers import next_offers
from crmlib.errors import TooLittleData


@dataclass(frozen=True)
class Recommended:
    """What to offer next, and how the way to recommend was chosen.

    Attributes
    ----------
    choice : NextProduct
    offers : DataFrame
        As `crmlib.analysis.next_product.offers.next_offers` returns it.
    """

    choice: NextProduct
    offers: pd.DataFrame


def recommended(
    orders: ibis.Table,
    products: ibis.Table | None,
    as_of: date,
    gross_margin: float | None = None,
    not_goods: Sequence[str] = (),
) -> Recommended | None:
    """Choose a way to recommend, and recommend.

    Parameters
    ----------
    orders : ibis.Table
        The checked table ``orders``.
    products : ibis.Table or None
    as_of : datetime.date
    gross_margin : float, optional
        For lines whose cost of goods is unknown.
    not_goods : sequence of str
        Products that are no goods, such as postage.

    Returns
    -------
    Recommended or None
        None where order lines name no products, or too few customers bought again to try anything on.
    """
    if "product_id" not in orders.columns:
        return None
    lines = order_lines(orders, gross_margin, keep=["product_id"])
    try:
        histories = purchase_histories(lines, as_of, products=products, not_goods=tuple(not_goods))
        if histories is None:
            return None
        choice = choose_next_product(histories, as_of)
    except TooLittleData:
        return None
    return Recommended(choice, next_offers(histories, choice))
