"""A small company on disk, to be broken in every way the checks must notice."""

import datetime as dt
from decimal import Decimal
from pathlib import Path

import pytest

from crmlib.intake import CheckReport, Data, Problem, check_source, open_data

HEADER = "customer_id,ordered_at,net_amount"
START = dt.date(2023, 1, 1)


def clean_lines(count: int = 400) -> list[str]:
    """Order lines without a fault: 40 customers over a bit more than a year, ending on a month's last day."""
    last = dt.date(2024, 3, 31)
    days = (last - START).days
    return [
        f"C{line % 40:03d},{START + dt.timedelta(days=round(days * line / (count - 1)))},{line * 37 % 900 + 100}.{line % 100:02d}"
        for line in range(count)
    ]


def exact_total(lines: list[str]) -> Decimal:
    """Sum of the last column, by exact arithmetic outside the package."""
    return sum((Decimal(line.rpartition(",")[2]) for line in lines), Decimal(0))


class Findings:
    """A check report, with shortcuts to look into it."""

    def __init__(self, report: CheckReport):
        self.report, self.ledger = report, report.ledger

    def codes(self, *severities: str) -> set[str]:
        return {p.code for p in self.report.problems if not severities or p.severity in severities}

    def one(self, code: str, table: str = "orders") -> Problem:
        """Return the one problem with this code; fail with everything found otherwise."""
        found = [p for p in self.report.problems if p.code == code and p.table == table]
        assert len(found) == 1, [(p.table, p.code, p.sentence) for p in self.report.problems]
        return found[0]

    def cells(self, code: str, table: str = "orders") -> list[tuple]:
        """Return the cells shown for a problem, as (row, column, value)."""
        return [(cell.row, cell.column, cell.value) for cell in self.one(code, table).examples]


class Company:
    """A folder of files, with shortcuts to write, check and open it."""

    def __init__(self, folder: Path, cache: Path):
        self.folder, self.cache = folder, cache
        folder.mkdir(exist_ok=True)

    def write(self, name: str, lines: list[str] | str, header: str = "", encoding: str = "utf-8") -> Path:
        text = lines if isinstance(lines, str) else "\n".join([header, *lines] if header else lines) + "\n"
        path = self.folder / name
        path.write_bytes(text.encode(encoding))
        return path

    def orders(self, lines: list[str], header: str = HEADER, **more) -> Path:
        return self.write("orders.csv", lines, header, **more)

    def run_file(self, text: str) -> Path:
        return self.write("run.toml", text)

    def check(self, run: str | None = None, source: str | Path = "") -> Findings:
        run_file = self.run_file(run) if run is not None else None
        return Findings(check_source(source or self.folder, run_file, cache=self.cache))

    def open(self, run: str | None = None, source: str | Path = "", as_of=None) -> Data:
        run_file = self.run_file(run) if run is not None else None
        return open_data(source or self.folder, as_of=as_of, cache=self.cache, run_file=run_file)


@pytest.fixture
def company(tmp_path) -> Company:
    return Company(tmp_path / "shop", tmp_path / "cache")


@pytest.fixture
def total():
    return exact_total


@pytest.fixture
def lines() -> list[str]:
    return clean_lines()
