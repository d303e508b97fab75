"""Reports, checks and analyses of a small and a large company, beside what a person would otherwise use."""

import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

from benchmarks.measure import measure

ROOT = Path(__file__).resolve().parents[1]
PYTHON = sys.executable
CRMLIB = [PYTHON, "-m", "crmlib.cli"]

PANDAS_LEDGER = """
    import sys
    from pathlib import Path
    import pandas as pd
    lines = pd.read_parquet(Path(sys.argv[1]) / "orders.parquet",
                            columns=["customer_id", "ordered_at", "net_amount", "cost_of_goods", "order_id"])
    lines = lines[lines["customer_id"].notna()].astype({"net_amount": "float64", "cost_of_goods": "float64"})
    ledger = lines.groupby("customer_id").agg(
        net=("net_amount", "sum"), cost=("cost_of_goods", "sum"), orders=("order_id", "nunique"))
    print(len(ledger), ledger["net"].sum())
"""
CRMLIB_LEDGER = """
    import sys
    from crmlib.analysis import ledger
    from crmlib.analysis.period import Period
    from crmlib.intake import open_data
    data = open_data(sys.argv[1])
    book = ledger.customer_ledger(ledger.order_lines(data.orders, data.gross_margin),
                                  Period(data.first_day, data.as_of, 36))
    print(len(book.customers), book.customers["net_sales"].sum())
"""
LENSES = """
    import sys
    from crmlib.analysis import ledger
    from crmlib.analysis.audit import cohorts, customer_days, one_cohort, one_period, product_lens
    from crmlib.analysis.audit import next_period, two_periods, vital_signs, whole_base
    from crmlib.analysis.audit.windows import Windows
    from crmlib.analysis.period import Period
    from crmlib.intake import open_data
    data = open_data(sys.argv[1])
    windows = Windows.back_from(data.as_of, 3, data.first_day)
    lines = ledger.order_lines(data.orders, data.gross_margin)
    customers = customer_days.customer_base(data.table, lines, windows, 3)
    stretches = Period.ending(data.as_of, 12, data.first_day).series(data.first_day)
    frames = [customers.customers_in(stretch) for stretch in stretches]
    one_period.profit_factors(frames[-1]), one_period.averages_two_ways(frames[-1])
    one_period.tenths(frames[-1]), one_period.tenths_of_profit(frames[-1]["profit"])
    change = two_periods.two_periods(frames[-2], frames[-1], stretches[-1].first)
    two_periods.what_moved(change.customers), two_periods.up_and_down(change.customers)
    two_periods.migration(change.customers), two_periods.beside_chance(customers, change, *stretches[-2:])
    waits = one_cohort.order_waits(customers, range(4))
    one_cohort.next_order_curves(waits, 30), one_cohort.who_stops(customers, range(4), stretches[-2].last, 30)
    ages = cohorts.by_age(customers)
    side = cohorts.compared(customers, ages, cohorts.horizon(ages, 4), 30)
    cohorts.trend(customers, side), cohorts.pooled(ages, range(4)), whole_base.by_window(customers)
    firsts = [stretch.first for stretch in stretches]
    need = next_period.next_period(frames, firsts)
    next_period.rehearse(frames, firsts), vital_signs.vital_signs(frames, firsts, 30, firsts[0])
    two_periods.after_silence(frames)
    items = product_lens.item_lines(data.orders, data.table("products"), "category")
    entered = product_lens.entries(customers, items).cache()
    product_lens.what_follows(customers, entered, 4, 30), product_lens.next_items(customers, items, entered)
    product_lens.breadth(items, frames[-1], stretches[-1], (3, 5), 30)
    print(len(frames[-1]), need.needed)
"""
PANDAS_LENS = """
    import sys
    from pathlib import Path
    import pandas as pd
    lines = pd.read_parquet(Path(sys.argv[1]) / "orders.parquet",
                            columns=["customer_id", "ordered_at", "net_amount", "cost_of_goods", "order_id"])
    lines = lines[lines["customer_id"].notna()].astype({"net_amount": "float64", "cost_of_goods": "float64"})
    lines["margin"], lines["day"] = lines["net_amount"] - lines["cost_of_goods"], lines["ordered_at"].dt.normalize()
    first = lines[lines["net_amount"] > 0].groupby("customer_id")["day"].min().rename("won_on").dt.to_period("Q")
    lines = lines.join(first, on="customer_id")
    lines["quarter"] = lines["day"].dt.to_period("Q")
    print(lines.groupby(["won_on", "quarter"]).agg(customers=("customer_id", "nunique"), orders=("order_id", "nunique"),
                                                   net=("net_amount", "sum"), margin=("margin", "sum")).shape)
"""
DUCKDB_SUMMARY = """
    import sys
    from pathlib import Path
    import duckdb
    for path in sorted(Path(sys.argv[1]).glob("*.parquet")):
        duckdb.sql(f"SUMMARIZE SELECT * FROM '{path}'").fetchall()
"""


def bundled(folder: Path) -> None:
    """Run the rows of the bundled company."""
    row = _rows(folder)
    notebook = str(ROOT / "notebooks" / "02_profitability.ipynb")
    row("bundled company, crmlib report, cold", *CRMLIB, "report", "--output", "reports")
    row("bundled company, crmlib report, unchanged", *CRMLIB, "report", "--output", "reports")
    row("  peer: papermill of the notebook", PYTHON, "-m", "papermill", notebook, "peer.ipynb")
    row(
        "  peer: nbconvert of the result to HTML",
        PYTHON,
        "-m",
        "nbconvert",
        "--to",
        "html",
        "peer.ipynb",
    )


def large(folder: Path, customers: int) -> None:
    """Run the rows of a simulated company of so many customers."""
    row = _rows(folder)
    size = f"{customers:,} customers"
    row(
        f"{size}, crmlib simulate",
        *CRMLIB, "simulate", "large", "--customers", str(customers), "--parquet",
    )  # fmt: skip
    data = str(folder / "large")
    row(f"{size}, crmlib check, cold", *CRMLIB, "check", data)
    row("  peer: DuckDB SUMMARIZE of the same files", *_script(DUCKDB_SUMMARY, data))
    row(f"{size}, crmlib report, data prepared", *CRMLIB, "report", data, "--output", "reports")
    row(f"{size}, crmlib report, unchanged", *CRMLIB, "report", data, "--output", "reports")
    row(f"{size}, ledger of every customer by crmlib", *_script(CRMLIB_LEDGER, data))
    row("  peer: the same by pandas", *_script(PANDAS_LEDGER, data))
    row(f"{size}, all lenses of the customer-base audit", *_script(LENSES, data))
    row("  peer: the table of lens five alone by pandas", *_script(PANDAS_LENS, data))


def _rows(folder: Path) -> Callable[..., None]:
    """Return a function that runs a command in the folder and prints a row."""
    steady = {
        "PATH": f"{Path(PYTHON).parent}:/usr/bin:/bin",
        "HOME": str(folder),
        "PYTHONPATH": str(ROOT),
        "CRMLIB_CACHE": str(folder / "cache"),
        "PYTHONHASHSEED": "0",
    }

    def row(name: str, *command: str) -> None:
        seconds, memory = measure(list(command), folder, steady)
        print(f"{name:<72} {seconds:8.1f} s {memory:6.2f} GiB", flush=True)

    return row


def _script(text: str, *arguments: str) -> list[str]:
    return [PYTHON, "-c", textwrap.dedent(text), *arguments]
