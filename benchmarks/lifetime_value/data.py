"""Data sets to time on, drawn with a seed by the rules of the papers, without a line of the package.

Purchases fall on whole days and two on one day are one, as in any order log.
"""

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

# The published estimates for CDNOW, with times in days.
BG_NBD = {"r": 0.243, "alpha": 4.414 * 7, "a": 0.793, "b": 2.426}
PARETO_NBD = {"r": 0.553, "alpha": 10.578 * 7, "s": 0.606, "beta": 11.669 * 7}
GAMMA_GAMMA = {"p": 6.25, "q": 3.74, "gamma": 15.44}

_CHUNK = 1_000_000
_FIRST_DAY = np.datetime64("2022-01-01").astype("int64")
_LAST = 1461  # days from the first to the last known one, 1 January 2026


def histories(customers: int, seed: int = 1, ages: tuple[int, int] = (180, 730)) -> pd.DataFrame:
    """Draw customers by the BG/NBD model: ``x``, ``t_x``, ``T`` in whole days."""
    rng = np.random.default_rng([seed, customers])
    r, alpha, a, b = BG_NBD.values()
    T = rng.integers(ages[0], ages[1] + 1, customers)
    rate = rng.gamma(r, 1 / alpha, customers)
    chances = rng.geometric(np.clip(rng.beta(a, b, customers), 1e-9, 1))  # leaves after so many repeats
    return _whole_days(T, rate, lambda number, time: chances > number, rng)


def pareto_histories(customers: int, seed: int = 1, ages: tuple[int, int] = (180, 730)) -> pd.DataFrame:
    """Draw customers by the Pareto/NBD model: ``x``, ``t_x``, ``T`` in whole days."""
    rng = np.random.default_rng([seed, customers, 2])
    r, alpha, s, beta = PARETO_NBD.values()
    T = rng.integers(ages[0], ages[1] + 1, customers)
    rate = rng.gamma(r, 1 / alpha, customers)
    leaves = rng.exponential(1 / np.maximum(rng.gamma(s, 1 / beta, customers), 1e-12))
    return _whole_days(T, rate, lambda number, time: time <= leaves, rng)


def _whole_days(T: np.ndarray, rate: np.ndarray, goes_on, rng: np.random.Generator) -> pd.DataFrame:
    x, t_x = np.zeros(len(T), dtype="int32"), np.zeros(len(T), dtype="int32")
    time = np.zeros(len(T))
    there, number = np.arange(len(T)), 0
    while len(there):
        time[there] += rng.standard_exponential(len(there)) / np.maximum(rate[there], 1e-12)
        there = there[(time[there] <= T[there]) & goes_on(number, time)[there]]
        day = np.ceil(time[there]).astype("int32")
        new = day > t_x[there]
        x[there[new]] += 1
        t_x[there] = day
        number += 1
    return pd.DataFrame({"x": x, "t_x": t_x, "T": T.astype("int32")}, index=names(len(T)))


def names(customers: int) -> pd.Index:
    """Name customers as shops do: a letter and a number with leading zeros."""
    return pd.Index([f"C{number:08d}" for number in range(customers)], name="customer_id")


def with_money(frame: pd.DataFrame, seed: int = 1) -> pd.DataFrame:
    """Add by the gamma-gamma model what customers spent: ``n`` repeat orders and their mean ``money``."""
    rng = np.random.default_rng([seed, len(frame), 3])
    p, q, gamma = GAMMA_GAMMA.values()
    n = frame["x"].to_numpy()
    inverse_mean = rng.gamma(q, 1 / gamma, len(frame))
    money = rng.gamma(np.maximum(p * n, 1e-9)) / inverse_mean / np.maximum(n, 1)
    return frame.assign(n=n, money=np.where(n > 0, money, np.nan))


def spenders(customers: int, seed: int = 1) -> pd.DataFrame:
    """Draw customers with one repeat order or more: ``n`` and ``money``."""
    rng = np.random.default_rng([seed, customers, 4])
    frame = pd.DataFrame({"x": rng.geometric(0.35, customers).astype("int32")}, index=names(customers))
    return with_money(frame, seed).drop(columns="x")


def order_lines(path: Path, rows: int, seed: int = 1) -> None:
    """Write a Parquet file of order lines: two lines an order, a tenth as many customers as lines, no returns.

    The peers know no returns: a day on which something only comes back is a purchase to them.
    """
    customers = max(rows // 10, 1)
    start = np.random.default_rng([seed, rows]).integers(0, 1000, customers).astype("int32")
    money = pa.decimal128(18, 4)
    columns = {"customer_id": pa.string(), "order_id": pa.string(), "ordered_at": pa.timestamp("us"),
               "net_amount": money, "cost_of_goods": money}  # fmt: skip
    schema = pa.schema(list(columns.items()))
    with pq.ParquetWriter(path, schema, compression="zstd") as file:
        for number in range(-(-rows // _CHUNK)):
            rng = np.random.default_rng([seed, rows, number])
            count = min(rows - number * _CHUNK, _CHUNK)
            orders = count // 2 + 1
            who = (customers * rng.random(orders) ** 1.6).astype("int64")  # a few buy much, many little
            day = start[who] + ((_LAST - start[who]) * rng.random(orders)).astype("int64")
            order = np.sort(rng.integers(0, orders, count))
            at = (_FIRST_DAY + day) * 86_400 + rng.integers(0, 86_400, orders)
            units = np.maximum(rng.lognormal(3.0, 0.8, count) * 100, 1).astype("int64") * 100
            table = [
                _numbered("C", who[order], 8),
                _numbered("B", order + number * _CHUNK, 1),
                pa.array(at[order] * 1_000_000, pa.int64()).cast(pa.timestamp("us")),
                _decimal(units, money),
                _decimal(units * 6 // 10, money),
            ]
            file.write_table(pa.table(table, schema=schema))


def _numbered(letter: str, numbers: np.ndarray, width: int) -> pa.Array:
    digits = pc.utf8_lpad(pa.array(numbers).cast(pa.string()), width, "0")
    return pc.binary_join_element_wise(letter, digits, "")


def _decimal(units: np.ndarray, kind: pa.DataType) -> pa.Array:
    """Ten-thousandths as decimals: the same number in 128 bits."""
    halves = np.stack([units, np.where(units < 0, -1, 0)], axis=1).astype("<i8")
    return pa.Array.from_buffers(kind, len(units), [None, pa.py_buffer(halves.tobytes())])
