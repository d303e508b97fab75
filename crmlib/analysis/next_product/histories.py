"""Who bought which product on which day, in numbers that matrices are made of."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date

import ibis
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from scipy import sparse

from crmlib.analysis.rounding import rounded
from crmlib.errors import DataError, ParameterError, TooLittleData

PRODUCT, CATEGORY = "product", "category"
_COLUMNS = ["name", "category", "buyers", "margin_per_order"]
_EPOCH = date(1970, 1, 1)
_DAYS = 1 << 17
_HALF = 0.5


@dataclass(frozen=True)
class Histories:
    """Purchases by customer, day and item, each once.

    Attributes
    ----------
    customers : Index
        ``customer_id``, sorted.
    items : DataFrame
        What can be offered, indexed by ``product_id`` (sorted): ``name``, ``category`` (text; blank if not known),
        ``buyers`` (customers who ever bought it), ``margin_per_order`` (gross margin of its lines per order that
        holds it, run's currency). Where categories are offered, they are the index.
    level : str
        ``product`` or ``category``: what an item is.
    covered : float
        Share of all purchases that are of these items.
    customer, day, item : ndarray of int, shape (n_purchases,)
        Row numbers in `customers` and `items`, and days since 1970; sorted by customer, day, item.
    """

    customers: pd.Index
    items: pd.DataFrame
    level: str
    covered: float
    customer: np.ndarray
    day: np.ndarray
    item: np.ndarray

    def __len__(self) -> int:
        return len(self.customer)

    def between(self, first: int, last: int) -> "Histories":
        """Keep the purchases from one day to another, both included."""
        rows = (self.day >= first) & (self.day <= last)
        return replace(self, customer=self.customer[rows], day=self.day[rows], item=self.item[rows])

    def ever_bought(self) -> sparse.csr_array:
        """Return 1 where a customer bought an item: customers x items."""
        ever = self.times_bought()
        ever.data[:] = 1.0
        return ever

    def times_bought(self) -> sparse.csr_array:
        """Return in how many orders a customer bought an item: customers x items."""
        times = self._matrix(self.customer, self.item, len(self.customers))
        times.sum_duplicates()
        return times

    def orders(self) -> tuple[np.ndarray, sparse.csr_array]:
        """Return the customer of each day with a purchase, in order of time, and what it held: days x items."""
        new = np.ones(len(self), bool)
        new[1:] = (np.diff(self.customer) != 0) | (np.diff(self.day) != 0)
        number = np.cumsum(new) - 1
        return self.customer[new], self._matrix(number, self.item, int(new.sum()))

    def last_orders(self) -> sparse.csr_array:
        """Return what the last order of each customer held: customers x items."""
        latest = np.full(len(self.customers), -1)
        np.maximum.at(latest, self.customer, self.day)
        last = self.day == latest[self.customer]
        return self._matrix(self.customer[last], self.item[last], len(self.customers))

    def first_orders(self) -> sparse.csr_array:
        """Return what the first order of each customer held: customers x items."""
        earliest = np.full(len(self.customers), np.iinfo(np.int64).max)
        np.minimum.at(earliest, self.customer, self.day)
        first = self.day == earliest[self.customer]
        return self._matrix(self.customer[first], self.item[first], len(self.customers))

    def _matrix(self, row: np.ndarray, item: np.ndarray, n_rows: int) -> sparse.csr_array:
        ones = np.ones(len(row), np.float32)
        return sparse.csr_array((ones, (row, item)), shape=(n_rows, len(self.items)))


def purchase_histories(
    lines: ibis.Table,
    as_of: date,
    products: ibis.Table | None = None,
    not_goods: Sequence[str] = (),
    fewest_buyers: int = 20,
    level: str | None = None,
) -> Histories | None:
    """Lay out who bought what when.

    Parameters
    ----------
    lines : ibis.Table
        As returned by `crmlib.analysis.ledger.order_lines` with ``product_id`` kept.
    as_of : datetime.date
        Last known day.
    products : ibis.Table, optional
        ``product_id`` with ``name`` and ``category``, where they are known.
    not_goods : sequence of str
        Numbers that are booked like products but are none, such as postage.
    fewest_buyers : int
        Products with fewer buyers are neither offered nor learnt from.
    level : str, optional
        ``product`` or ``category``. By default products, unless less than half of all purchases are of products with
        enough buyers and categories are known.

    Returns
    -------
    Histories or None
        None where orders name no product.

    Raises
    ------
    DataError
        If `products` names a product twice.
    ParameterError
        If there is no such level.
    TooLittleData
        If fewer than two items have enough buyers, or categories are asked for and not known.

    Notes
    -----
    Definition of this project: everything a customer buys on one day is one order, and a product counts once in it.

    Examples
    --------
    >>> lines = ibis.memtable(pd.DataFrame({"customer_id": ["B", "A", "A"], "product_id": ["cup", "pot", "cup"],
    ...     "day": [date(2026, 1, 2)] * 3, "net_sales": [5.0, 30.0, 5.0], "cost_of_goods": [2.0, 20.0, 1.0],
    ...     "bought": True}))
    >>> found = purchase_histories(lines, date(2026, 1, 31), fewest_buyers=1)
    >>> found.items[["buyers", "margin_per_order"]]
                buyers  margin_per_order
    product_id
    cup              2               3.5
    pot              1              10.0
    >>> found.ever_bought().toarray().tolist()
    [[1.0, 1.0], [1.0, 0.0]]
    """
    if level not in (None, PRODUCT, CATEGORY):
        raise ParameterError(f"level = {level!r}", f"{PRODUCT} or {CATEGORY}", "leave it out")
    if "product_id" not in lines.columns:
        return None
    bought = lines.filter(
        lines.bought,
        lines.customer_id.notnull(),
        lines.product_id.notnull(),
        lines.day <= ibis.literal(as_of),
    )
    if len(not_goods):
        bought = bought.filter(bought.product_id.notin(list(not_goods)))
    known = products is not None and "category" in products.columns
    if level == CATEGORY and not known:
        raise TooLittleData("no category of products", "products.category", "offer products")
    if level != CATEGORY:
        found = _laid_out(bought.mutate(item=bought.product_id), fewest_buyers, PRODUCT)
        if found is None:
            return None
        if level == PRODUCT or found.covered >= _HALF or not known:
            return replace(found, items=_described(_refuse_few(found.items, fewest_buyers), products))
    of = products.filter(products.category.notnull()).select("product_id", item=products.category)
    found = _laid_out(bought.inner_join(of, "product_id"), fewest_buyers, CATEGORY)
    if found is None:
        return None
    items = _refuse_few(found.items, fewest_buyers)
    return replace(found, items=items.assign(name=items.index, category=items.index)[_COLUMNS])


def _laid_out(bought: ibis.Table, fewest_buyers: int, level: str) -> Histories | None:
    """Number customers, days and items, and keep the items with enough buyers; None where nothing was bought."""
    money = bought.group_by("item").agg(
        margin=(bought.net_sales.sum() - bought.cost_of_goods.sum()).cast("float64")
    )
    money = money.execute().set_index("item")["margin"]
    if money.empty:
        return None
    since = bought.day.delta(ibis.literal(_EPOCH), unit="day").cast("int32")
    # Lines of one purchase are put together here: the engine would take longer to find out which are the same.
    rows = bought.select("customer_id", "item", since=since).to_pyarrow()
    customers, customer = _numbered(rows["customer_id"])
    names, item = _numbered(rows["item"])
    customer, day, item = _distinct(customer, rows["since"].to_numpy(), item)
    items = pd.DataFrame(index=names.rename(f"{level}_id"))
    every = Histories(customers.rename("customer_id"), items, level, 1.0, customer, day, item)
    orders = np.bincount(item, minlength=len(names))
    items["buyers"] = every.ever_bought().sum(axis=0).astype("int64")
    items["margin_per_order"] = rounded(money.reindex(names).to_numpy() / orders, digits=9)
    enough = items["buyers"].to_numpy() >= fewest_buyers
    place = np.where(enough, np.cumsum(enough) - 1, -1).astype(np.int32)[item]
    kept = place >= 0
    return replace(
        every,
        items=items[enough],
        covered=float(kept.mean()),
        customer=customer[kept],
        day=day[kept],
        item=place[kept],
    )


def _refuse_few(items: pd.DataFrame, fewest_buyers: int) -> pd.DataFrame:
    if len(items) < 2:
        raise TooLittleData(
            f"{len(items)} with {fewest_buyers} or more buyers among the products",
            "2 or more",
            "wait until more is sold, or lower the number of buyers asked for",
        )
    return items


def _described(items: pd.DataFrame, products: ibis.Table | None) -> pd.DataFrame:
    """Add names and categories, blank where they are not known."""
    items = items.assign(name="", category="")
    if products is not None:
        columns = [name for name in ("name", "category") if name in products.columns]
        known = products.select("product_id", *columns).execute().set_index("product_id")
        if known.index.has_duplicates:
            twice = known.index[known.index.duplicated()][0]
            raise DataError(f"product {twice} twice", "one row per product", "keep one of the rows")
        for name in columns:
            items[name] = known[name].reindex(items.index).fillna("").astype(str)
    return items[_COLUMNS]


def _numbered(column: pa.ChunkedArray) -> tuple[pd.Index, np.ndarray]:
    """Return the sorted values of a column of text and the number of each row's value."""
    coded = pc.dictionary_encode(column.cast(pa.string()).combine_chunks())
    names = np.array(coded.dictionary.to_pylist(), dtype=object)
    order = np.argsort(names)
    place = np.empty(len(names), np.int32)
    place[order] = np.arange(len(names), dtype=np.int32)
    return pd.Index(names[order]), place[coded.indices.to_numpy()]


def _distinct(customer: np.ndarray, day: np.ndarray, item: np.ndarray) -> tuple[np.ndarray, ...]:
    """Sort purchases by customer, day and item, and keep each once."""
    size = int(item.max(initial=0)) + 1
    key = (customer.astype(np.int64) * _DAYS + (day + _DAYS // 2)) * size + item
    # Sorted and compared with the row above: numpy's unique hashes, which takes ten times as long on millions of rows.
    key.sort()
    key = key[np.diff(key, prepend=-1) != 0]
    rest, item = np.divmod(key, size)
    customer, day = np.divmod(rest, _DAYS)
    return customer.astype(np.int32), (day - _DAYS // 2).astype(np.int32), item.astype(np.int32)
