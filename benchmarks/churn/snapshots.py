"""Rolling snapshots from a Parquet file of order lines, against the same features written in plain pandas.

Every side reads the file, adds up three days, and fits the chance to be active on each. A few customers buy much; a
line in twenty comes back.
"""

import zlib
from collections.abc import Callable
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

AS_OF = date(2025, 12, 31)
DAYS = (date(2025, 1, 1), date(2025, 7, 2), AS_OF)
OUTCOME_DAYS, ELIGIBLE_DAYS, MONTHS = 182, 365, (3, 12)
#: What DuckDB may hold, so that the whole process stays below 6 GiB.
MEMORY = "3GB"

_CHUNK = 1_000_000
_LINES_PER_CUSTOMER = 20
_FIRST_DAY, _LENGTH = np.datetime64("2023-01-01").astype("int64"), 1096
_CHANNELS = ["reseller", "shop", "web"]
_EPOCH = pd.Timestamp("1970-01-01")


def lines_of(size: int, folder: Path, seed: int = 1) -> Path:
    """Write order lines of a twentieth as many customers on the first call; return the file."""
    path = folder / f"churn_lines_{size}.parquet"
    if path.exists():
        return path
    customers = max(size // _LINES_PER_CUSTOMER, 1)
    rng = np.random.default_rng([seed, size])
    start = (rng.random(customers) * 900).astype("int32")
    length = np.minimum(rng.exponential(700, customers), _LENGTH - start)
    kinds = {"customer_id": pa.string(), "order_id": pa.string(), "ordered_at": pa.timestamp("us"),
             "product_id": pa.string(), "channel": pa.string(), "net_amount": pa.decimal128(18, 4),
             "discount_amount": pa.decimal128(18, 4), "cost_of_goods": pa.decimal128(18, 4)}  # fmt: skip
    schema = pa.schema(list(kinds.items()))
    with pq.ParquetWriter(path, schema, compression="zstd") as file:
        for number in range(-(-size // _CHUNK)):
            rng = np.random.default_rng([seed, size, number])
            count = min(size - number * _CHUNK, _CHUNK)
            orders = count // 2 + 1
            who = (customers * rng.random(orders) ** 1.3).astype("int64")
            day = start[who] + (length[who] * rng.random(orders)).astype("int64")
            of = np.sort(rng.integers(0, orders, count))
            cents = np.maximum(rng.lognormal(3.0, 0.8, count) * 100, 1).astype("int64")
            cents *= np.where(rng.random(count) < 0.05, -1, 1)
            at = ((_FIRST_DAY + day) * 86_400 + rng.integers(0, 86_400, orders)) * 1_000_000
            columns = [
                _names("C", who[of], 8),
                _names("B", of + number * _CHUNK, 1),
                pa.array(at[of], pa.int64()).cast(pa.timestamp("us")),
                _names("P", (2000 * rng.random(count) ** 2).astype("int64"), 4),
                pa.array(_CHANNELS).take(pa.array(who[of] % 7 % 3)),
                *(_money(share) for share in (cents * 100, np.abs(cents) * 10, cents * 60)),
            ]
            file.write_table(pa.table(columns, schema=schema))
    return path


def _names(letter: str, numbers: np.ndarray, width: int) -> pa.Array:
    digits = pc.utf8_lpad(pa.array(numbers).cast(pa.string()), width, "0")
    return pc.binary_join_element_wise(letter, digits, "")


def _money(units: np.ndarray) -> pa.Array:
    """Ten-thousandths as decimals: the same number in 128 bits."""
    halves = np.stack([units, np.where(units < 0, -1, 0)], axis=1).astype("<i8")
    return pa.Array.from_buffers(pa.decimal128(18, 4), len(units), [None, pa.py_buffer(halves.tobytes())])


def _ours(size: int, folder: Path) -> Callable[[], dict[date, pd.DataFrame]]:
    import ibis

    from crmlib.analysis.churn.activity import customer_activity
    from crmlib.analysis.churn.point_in_time import make_snapshots

    path = lines_of(size, folder)
    engine = ibis.duckdb.connect(threads=2, memory_limit=MEMORY, temp_directory=str(folder / "spill"))

    def run() -> dict[date, pd.DataFrame]:
        tables = {"orders": engine.read_parquet(path)}.get
        activity = customer_activity(tables, AS_OF)
        made = make_snapshots(
            tables, activity, DAYS, outcome_days=OUTCOME_DAYS, eligible_days=ELIGIBLE_DAYS,
            look_back_months=MONTHS,
        )  # fmt: skip
        return {one.day: _joined(one.features, one.outcome) for one in made.snapshots}

    return run


def _joined(features: pd.DataFrame, outcome: pd.DataFrame | None) -> pd.DataFrame:
    return features if outcome is None else features.join(outcome)


def _pandas(size: int, folder: Path) -> Callable[[], dict[date, pd.DataFrame]]:
    """The same features as one would write them by hand, from floats in memory; the chance to be active is ours."""
    path = lines_of(size, folder)

    def run() -> dict[date, pd.DataFrame]:
        lines = pd.read_parquet(path)
        for name in ("net_amount", "discount_amount", "cost_of_goods"):
            lines[name] = lines[name].astype("float64")
        lines["day"] = (lines["ordered_at"].dt.normalize() - _EPOCH).dt.days
        lines["above"] = lines["net_amount"] > 0
        return {day: _one_day(lines, (pd.Timestamp(day) - _EPOCH).days, day) for day in DAYS}

    return run


def _one_day(lines: pd.DataFrame, n: int, day: date) -> pd.DataFrame:
    from crmlib.analysis.clv.timing.mbg_nbd import MBGNBD

    known = lines[lines["day"] <= n]
    by_day = known.groupby(["customer_id", "day"], as_index=False)["net_amount"].sum()
    bought = by_day[by_day["net_amount"].round(6) > 0].sort_values(["customer_id", "day"])
    bought["gap"] = bought.groupby("customer_id")["day"].diff()
    people = bought.groupby("customer_id").agg(
        first=("day", "min"), last=("day", "max"), times=("day", "size"), longest=("gap", "max")
    )
    histories = pd.DataFrame(
        {"x": people["times"] - 1.0, "t_x": people["last"] - people["first"], "T": n - people["first"]}
    )
    people["p_alive"] = MBGNBD().fit(histories).predict_alive(histories).round(6)
    people = people[people["last"] > n - ELIGIBLE_DAYS]
    found = pd.DataFrame(index=people.index)
    found["recency_days"] = n - people["last"]
    found["tenure_days"] = n - people["first"]
    found["cadence_days"] = ((people["last"] - people["first"]) / (people["times"] - 1)).round(6)
    found["cadence_ratio"] = (found["recency_days"] / found["cadence_days"]).round(6)
    found["longest_gap_days"] = people["longest"]
    sums = {}
    for months in (3, 6, 12):
        part = known[known["day"] > n - int(months * 365.25 / 12)]
        orders = part[part["above"]].drop_duplicates(["customer_id", "day", "order_id"])
        sums[months] = pd.DataFrame(
            {
                "orders": orders.groupby("customer_id").size(),
                "purchase_days": bought[bought["day"] > n - int(months * 365.25 / 12)]
                .groupby("customer_id")
                .size(),
                "net_sales": part.groupby("customer_id")["net_amount"].sum(),
                "cost": part.groupby("customer_id")["cost_of_goods"].sum(),
            }
        ).reindex(people.index, fill_value=0).fillna(0)  # fmt: skip
    for name in ("orders", "purchase_days", "net_sales"):
        for months in MONTHS:
            found[f"{name}_{months}m"] = sums[months][name].round(6)
    for months in MONTHS:
        found[f"gross_margin_{months}m"] = (sums[months]["net_sales"] - sums[months]["cost"]).round(6)
    for name, of in (("trend_orders", "orders"), ("trend_sales", "net_sales")):
        recent, before = sums[6][of].round(6), (sums[12][of] - sums[6][of]).round(6)
        size = recent.abs() + before.abs()
        found[name] = ((recent - before) / size.where(size > 0)).round(6)
    year = known[known["day"] > n - 365]
    back = -year[~year["above"]].groupby("customer_id")["net_amount"].sum().reindex(people.index).fillna(0)
    given = year[year["above"]].groupby("customer_id")[["net_amount", "discount_amount"]].sum()
    given = given.reindex(people.index).fillna(0)
    sales = (sums[12]["net_sales"] + back).round(6)
    found["return_share"] = (back / sales.where(sales > 0)).round(6)
    listed = given.sum(axis=1)
    found["discount_share"] = (given["discount_amount"] / listed.where(listed > 0)).round(6)
    above = year[year["above"]]
    found["products"] = above.groupby("customer_id")["product_id"].nunique().reindex(people.index).fillna(0)
    days = above.merge(bought[["customer_id", "day"]], on=["customer_id", "day"])
    days = days.groupby(["customer_id", "day"], as_index=False)["channel"].min()
    often = days.groupby(["customer_id", "channel"], as_index=False).size()
    often = often.sort_values(["customer_id", "size", "channel"], ascending=[True, False, True])
    found["channels"] = often.groupby("customer_id").size().reindex(people.index).fillna(0)
    best = often.drop_duplicates("customer_id").set_index("customer_id")["channel"]
    found["main_channel"] = best.reindex(people.index)
    found["p_alive"] = people["p_alive"]
    if n + OUTCOME_DAYS <= (pd.Timestamp(AS_OF) - _EPOCH).days:
        after = lines[(lines["day"] > n) & (lines["day"] <= n + OUTCOME_DAYS)]
        nets = after.groupby(["customer_id", "day"])["net_amount"].sum().round(6)
        came = nets[nets > 0].index.get_level_values(0).unique()
        found["churned"] = ~people.index.isin(came)
        margin = (after["net_amount"] - after["cost_of_goods"]).groupby(after["customer_id"]).sum()
        found["margin"] = margin.reindex(people.index).fillna(0).round(6)
    return found


SIDES = {"crmlib": _ours, "pandas": _pandas}


def tell(found: dict[date, pd.DataFrame]) -> dict:
    """What is kept to compare: by day and column the sum and how many are missing; customers and their names."""
    told = {}
    for day, frame in found.items():
        numbers = frame.drop(columns="main_channel").astype("float64")
        told[str(day)] = {
            "customers": len(frame),
            "names": zlib.crc32("".join(frame.index).encode()),
            "channels": zlib.crc32("".join(frame["main_channel"].astype("str")).encode()),
            "sums": {name: float(numbers[name].sum()) for name in sorted(numbers)},
            "squares": {name: float((numbers[name] ** 2).sum()) for name in sorted(numbers)},
            "missing": {name: int(numbers[name].isna().sum()) for name in sorted(numbers)},
        }
    return told


def same(size: int, ours: dict, peer: dict) -> str:
    """Say whether both sides made the same features of the same customers, sums within rounding."""
    apart, wrong = 0.0, []
    for day, own in ours.items():
        other = peer[day]
        wrong += [
            f"{day} {part}"
            for part in ("customers", "names", "channels", "missing")
            if own[part] != other[part]
        ]
        for part in ("sums", "squares"):
            for name, value in own[part].items():
                difference = abs(value - other[part].get(name, np.nan)) / max(abs(value), 1.0)
                apart = max(apart, difference)
                if not difference < 1e-6:
                    wrong.append(f"{day} {name}")
    customers = sum(one["customers"] for one in ours.values())
    said = "yes" if not wrong else f"NO: {', '.join(dict.fromkeys(wrong))}"
    return f"{said} ({customers:,} rows, {len(next(iter(ours.values()))['sums']) + 1} columns, within {apart:.0e})"
