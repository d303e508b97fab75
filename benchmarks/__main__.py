"""Time the suite side by side with peers, in one run on one machine: ``python -m benchmarks``.

Each row is a whole command in a process of its own: wall-clock seconds and the largest
memory that the process and everything it started held at one time. Machines differ and are
noisy; the peer in the same run is what a row is to be read against.
"""

import argparse
import subprocess
import sys
import tempfile
import textwrap
import threading
import time
from pathlib import Path

import psutil

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
DUCKDB_SUMMARY = """
    import sys
    from pathlib import Path
    import duckdb
    for path in sorted(Path(sys.argv[1]).glob("*.parquet")):
        duckdb.sql(f"SUMMARIZE SELECT * FROM '{path}'").fetchall()
"""


def measure(command: list[str], cwd: Path, environment: dict[str, str]) -> tuple[float, float]:
    """Run a command; return its seconds and the peak memory of its process tree in GiB."""
    start = time.perf_counter()
    process = subprocess.Popen(
        command, cwd=cwd, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    peak = 0
    over = threading.Event()

    def watch() -> None:
        nonlocal peak
        tree = psutil.Process(process.pid)
        while not over.wait(0.1):
            try:
                members = [tree, *tree.children(recursive=True)]
                peak = max(peak, sum(member.memory_info().rss for member in members))
            except psutil.NoSuchProcess:
                continue

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    output, _ = process.communicate()
    over.set()
    watcher.join()
    if process.returncode:
        sys.exit(f"{' '.join(command)} failed:\n{output}")
    return time.perf_counter() - start, peak / 2**30


def main() -> None:
    """Run the rows and print them as a table."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--customers", type=int, default=1_000_000, help="size of the large company")
    options.add_argument("--only", choices=["small", "large"], help="run one half")
    given = options.parse_args()
    rows: list[tuple[str, float, float]] = []
    with tempfile.TemporaryDirectory(prefix="crmlib-bench-") as aside:
        folder = Path(aside)
        steady = {
            "PATH": f"{Path(PYTHON).parent}:/usr/bin:/bin",
            "HOME": aside,
            "PYTHONPATH": str(ROOT),
            "CRMLIB_CACHE": str(folder / "cache"),
            "PYTHONHASHSEED": "0",
        }

        def row(name: str, *command: str) -> None:
            seconds, memory = measure(list(command), folder, steady)
            rows.append((name, seconds, memory))
            print(f"{name:<72} {seconds:8.1f} s {memory:6.2f} GiB", flush=True)

        def script(text: str, *arguments: str) -> list[str]:
            return [PYTHON, "-c", textwrap.dedent(text), *arguments]

        if given.only != "large":
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
        if given.only != "small":
            size = f"{given.customers:,} customers"
            row(
                f"{size}, crmlib simulate",
                *CRMLIB, "simulate", "large", "--customers", str(given.customers), "--parquet",
            )  # fmt: skip
            large = str(folder / "large")
            row(f"{size}, crmlib check, cold", *CRMLIB, "check", large)
            row("  peer: DuckDB SUMMARIZE of the same files", *script(DUCKDB_SUMMARY, large))
            row(f"{size}, crmlib report, data prepared", *CRMLIB, "report", large, "--output", "reports")
            row(f"{size}, crmlib report, unchanged", *CRMLIB, "report", large, "--output", "reports")
            row(f"{size}, ledger of every customer by crmlib", *script(CRMLIB_LEDGER, large))
            row("  peer: the same by pandas", *script(PANDAS_LEDGER, large))


if __name__ == "__main__":
    main()
