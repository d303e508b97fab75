"""The same tables in another engine."""

import itertools

import ibis
import pandas as pd
import pytest


@pytest.fixture(scope="session")
def on_sqlite():
    """Return a function that copies a small table without missing days into SQLite."""
    engine, numbers = ibis.sqlite.connect(), itertools.count()

    def copy(table):
        frame = table.execute()
        for name, kind in table.schema().items():
            if kind.is_decimal():
                frame[name] = frame[name].astype("float64")
            elif kind.is_date():
                frame[name] = pd.to_datetime(frame[name]).dt.date
        return engine.create_table(f"copy_{next(numbers)}", frame)

    return copy
