"""From a Parquet file of order lines to one row per customer, with what is read and all memory."""

import zlib
from collections.abc import Callable
from datetime import date
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.lifetime_value import data

AS_OF = date(2026, 1, 1)


def file_of(size: int, folder: Path) -> Path:
    """Return the file of so many lines, written on the first call."""
    path = folder / f"lines_{size}.parquet"
    if not path.exists():
        data.order_lines(path, size)
    return path


def _ours(
    size: int, folder: Path, threads: int | None = None, margins: bool = False, read_before: bool = False
) -> Callable[[], pd.DataFrame]:
    import ibis

    from crmlib.analysis.clv.purchases.summary import purchase_summary
    from crmlib.analysis.ledger import order_lines

    path = file_of(size, folder)
    engine = ibis.duckdb.connect(**({"threads": threads} if threads else {}))
    # The peer knows one kind of money.
    columns = ["customer_id", "ordered_at", "net_amount", *(["cost_of_goods"] if margins else [])]
    if read_before:
        engine.create_table("orders", engine.read_parquet(path).select(columns))

    def run() -> pd.DataFrame:
        orders = engine.table("orders") if read_before else engine.read_parquet(path).select(columns)
        lines = order_lines(orders, 0.4)
        return purchase_summary(lines if margins else lines.drop("cost_of_goods"), AS_OF)

    return run


def _read(path: Path) -> pd.DataFrame:
    lines = pd.read_parquet(path, columns=["customer_id", "ordered_at", "net_amount"])
    return lines.astype({"net_amount": "float64"})


def _summarised(lines: pd.DataFrame) -> pd.DataFrame:
    from lifetimes.utils import summary_data_from_transaction_data

    return summary_data_from_transaction_data(
        lines, "customer_id", "ordered_at", monetary_value_col="net_amount", observation_period_end=AS_OF, freq="D"
    )  # fmt: skip


def _lifetimes(size: int, folder: Path) -> Callable[[], pd.DataFrame]:
    path = file_of(size, folder)
    return lambda: _summarised(_read(path))


def _lifetimes_read(size: int, folder: Path) -> Callable[[], pd.DataFrame]:
    lines = _read(file_of(size, folder))
    return lambda: _summarised(lines)


SIDES = {
    "crmlib": _ours,
    "crmlib, one thread": partial(_ours, threads=1),
    "crmlib, one thread, lines read before": partial(_ours, threads=1, read_before=True),
    "crmlib, with margins": partial(_ours, margins=True),
    "lifetimes": _lifetimes,
    "lifetimes, lines read before": _lifetimes_read,
}


def tell(frame: pd.DataFrame) -> dict:
    """What is kept to compare: counts, sums, and a check sum over all customers in the order of their names."""
    frame = frame.rename(columns={"frequency": "x", "recency": "t_x"})
    numbers = np.ascontiguousarray(frame[["x", "t_x", "T"]].sort_index().to_numpy(dtype="int64"))
    return {
        "customers": len(frame),
        "sums": numbers.sum(axis=0).tolist(),
        "check": zlib.crc32(numbers.tobytes()),
    }


def same(size: int, ours: dict, peer: dict) -> str:
    """Say whether all customers have the same x, t_x and T."""
    return f"{'yes' if ours == peer else f'NO: {ours}, {peer}'} ({ours['customers']:,} customers)"
