"""One bundled-size company on disk and one larger one in memory, drawn once for all tests."""

import duckdb
import numpy as np
import pytest

from crmlib.intake.simulate import simulate
from crmlib.intake.simulate.chunk import draw_chunk
from crmlib.intake.simulate.company import seasons, window_of
from crmlib.intake.simulate.products import product_range


def _connect(folder, ending="csv"):
    """Open a simulated folder: one view per table, those of the truth with the prefix truth_."""
    connection = duckdb.connect()
    for path in sorted(folder.rglob(f"*.{ending}")):
        name = path.stem if path.parent == folder else f"truth_{path.stem}"
        reader = f"read_csv('{path}', header=true)" if ending == "csv" else f"'{path}'"
        connection.execute(f"CREATE VIEW {name} AS FROM {reader}")
    return connection


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    place = tmp_path_factory.mktemp("simulate") / "company"
    simulate(place)
    return place


@pytest.fixture(scope="session")
def connect():
    return _connect


@pytest.fixture(scope="session")
def db(folder):
    return _connect(folder)


@pytest.fixture(scope="session")
def window():
    return window_of(36)


@pytest.fixture(scope="session")
def products():
    return product_range()


@pytest.fixture(scope="session")
def chunk(window, products):
    return draw_chunk(np.random.SeedSequence(5), 20_000, window, products, seasons(window))
