"""A tiny company and small notebooks, so that whole runs take seconds."""

import json
from pathlib import Path

import pytest

ORDERS = "customer_id,ordered_at,net_amount\n" + "".join(
    f"C{n % 7},2026-{1 + n % 3:02d}-{1 + n % 28:02d},{10 + n}.50\n" for n in range(60)
)

SAVE = """
import os, pathlib
folder = pathlib.Path(os.environ["CRMLIB_RUN_FOLDER"]) / "tables"
(folder / "{name}.csv").write_text({content})
"""


@pytest.fixture(scope="session", autouse=True)
def cache(tmp_path_factory):
    """Prepared data of these tests stay out of the user's own cache."""
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("cache")
        patch.setenv("CRMLIB_CACHE", str(folder))
        yield folder


@pytest.fixture
def company(tmp_path) -> Path:
    """A folder with one table of orders."""
    folder = tmp_path / "shop"
    folder.mkdir()
    (folder / "orders.csv").write_text(ORDERS)
    return folder


class Suite:
    """A folder of notebooks under construction."""

    def __init__(self, folder: Path):
        self.folder = folder
        folder.mkdir()

    def add(self, name: str, *cells, parameters: str = "", **about) -> Path:
        """Write a notebook. A cell is code, or (code, tag), or text that starts with ``md:``."""
        made = []
        if parameters:
            cells = ((parameters, "parameters"), *cells)
        for number, cell in enumerate(cells):
            source, *tags = (cell,) if isinstance(cell, str) else cell
            kind = "markdown" if source.startswith("md:") else "code"
            entry = {"cell_type": kind, "id": f"cell-{number}", "metadata": {"tags": tags}}
            entry["source"] = source.removeprefix("md:")
            if kind == "code":
                entry |= {"execution_count": None, "outputs": []}
            made.append(entry)
        node = {"cells": made, "metadata": {"crmlib": about}, "nbformat": 4, "nbformat_minor": 5}
        path = self.folder / f"{name}.ipynb"
        path.write_text(json.dumps(node))
        return path


@pytest.fixture
def suite(tmp_path) -> Suite:
    """An empty folder of notebooks."""
    return Suite(tmp_path / "suite")


@pytest.fixture
def save():
    """Make the code of a cell that saves a table."""
    return lambda name, content="'a,b'": SAVE.format(name=name, content=content)
