"""Prepared stores: written once, whole or not at all, and named after everything that shaped them."""

import os
import subprocess
import sys
import textwrap

import pytest

from crmlib.errors import DataError, RunError
from crmlib.intake import store
from crmlib.intake.prepare import prepare
from crmlib.intake.source import find_source

OPEN = """
    import sys
    from crmlib.intake import open_data
    data = open_data(sys.argv[1], cache=sys.argv[2])
    print(data.hash, data.orders.net_amount.sum().execute())
"""


def run(script, *arguments):
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(script), *map(str, arguments)],
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def stores(company):
    return sorted(company.cache.glob("*.duckdb"))


def test_an_unchanged_source_is_not_read_again(company, lines, monkeypatch):
    company.orders(lines)
    first = company.open()
    monkeypatch.setattr(store, "prepare", lambda *_: pytest.fail("read again"))
    assert company.open().hash == first.hash


def test_the_name_of_a_store_changes_with_the_data_and_with_how_they_are_read(company, lines):
    company.orders(lines)
    hashes = [company.open().hash, company.open('decimal = "."').hash, company.open('name = "x"').hash]
    company.orders([*lines, "C001,2024-03-31,1.00"])
    hashes.append(company.open().hash)
    company.write("products.csv", ["P1"], "product_id")
    hashes.append(company.open().hash)
    assert len(set(hashes)) == len(hashes)
    assert company.open().hash == hashes[-1]


def test_parameters_of_notebooks_do_not_change_the_store(company, lines):
    company.orders(lines)
    assert company.open("").hash == company.open("[parameters]\nseed = 7").hash


def test_two_processes_that_prepare_the_same_source_both_succeed(company, lines):
    company.orders(lines)
    both = [run(OPEN, company.folder, company.cache) for _ in range(2)]
    results = [process.communicate(timeout=60) for process in both]
    assert [process.returncode for process in both] == [0, 0], results
    assert results[0][0] == results[1][0] and len(stores(company)) == 1


@pytest.mark.parametrize("damage", ["truncate", "flip", "empty", "no checksum"])
def test_a_damaged_store_is_prepared_again(company, lines, total, damage):
    company.orders(lines)
    before = company.open().hash
    (path,) = stores(company)
    if damage == "truncate":
        os.truncate(path, path.stat().st_size // 2)
    elif damage == "empty":
        path.write_bytes(b"")
    elif damage == "flip":
        content = bytearray(path.read_bytes())
        content[len(content) // 2] ^= 0xFF
        path.write_bytes(content)
    else:
        path.with_suffix(".sha256").unlink()
    data = company.open()
    assert data.hash == before and data.orders.net_amount.sum().execute() == total(lines)


FULL_DISK = """
    import resource, signal, sys
    from crmlib.errors import RunError
    from crmlib.intake import open_data
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[3]),) * 2)
    try:
        open_data(sys.argv[1], cache=sys.argv[2])
    except RunError as error:
        print(error)
"""


@pytest.mark.parametrize("size", [20_480, 200_000])  # full while a change is completed, and while it is made
def test_a_full_disk_is_a_clear_error_and_leaves_nothing_behind(company, lines, size):
    company.orders(lines)
    process = run(FULL_DISK, company.folder, company.cache, size)
    out, err = process.communicate(timeout=60)
    assert "cannot be written" in out and "CRMLIB_CACHE" in out, err
    assert not stores(company) and not list(company.cache.glob("aside-*"))
    assert company.open().orders.count().execute() == len(lines)


def test_a_cache_that_is_no_folder_is_a_clear_error(company, lines):
    company.orders(lines)
    company.cache.write_text("a file")
    with pytest.raises(RunError, match="CRMLIB_CACHE"):
        company.open()


def test_a_failure_leaves_no_half_written_store(company, lines, monkeypatch):
    company.orders(lines)
    monkeypatch.setattr("crmlib.intake.prepare.check_ledger", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        company.open()
    assert not stores(company) and not list(company.cache.glob("aside-*"))


def test_a_source_that_changes_while_it_is_read_is_refused(company, lines, monkeypatch):
    company.orders(lines)

    def slow(source, path):
        company.orders(lines[1:])
        return prepare(source, path)

    monkeypatch.setattr(store, "prepare", slow)
    with pytest.raises(DataError, match="changed while it was read"):
        company.open()
    assert not stores(company)


def test_only_a_handful_of_stores_is_kept_the_latest_used(company, lines, monkeypatch):
    monkeypatch.setattr(store, "KEPT_STORES", 3)
    company.orders(lines)
    first = company.open()
    for number in range(4):
        os.utime(company.cache / f"{first.hash}.duckdb")
        company.orders(lines[number + 1 :])
        company.open()
    assert len(stores(company)) == 3 and first.orders.count().execute() == len(lines)


def test_the_cache_is_where_the_environment_says(company, lines, monkeypatch):
    company.orders(lines)
    monkeypatch.setenv("CRMLIB_CACHE", str(company.folder / "elsewhere"))
    path, _ = store.prepared(find_source(company.folder))
    assert path.parent == company.folder / "elsewhere"


def test_a_server_is_read_afresh_and_its_store_named_after_the_rows(company, lines, monkeypatch):
    """A database without files cannot be recognised before it is read; row order must not matter."""
    company.orders(lines)
    monkeypatch.setattr("crmlib.intake.found.Source.fingerprint", lambda self: None)
    first = company.open().hash
    company.orders(lines[::-1])
    assert company.open().hash == first
    company.orders(lines[1:])
    assert company.open().hash != first
