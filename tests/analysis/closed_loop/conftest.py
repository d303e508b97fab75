"""Lists as a run stores them."""

from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest


@pytest.fixture(scope="session")
def stored_list():
    """Return the function that makes a list of one day."""

    def made(day=date(2026, 5, 31), ids=("A", "B", "C", "D"), **columns):
        rows = pd.DataFrame(
            {
                "list_id": f"actions-{day}",
                "definition": "3f",
                "listed_on": day,
                "expires_on": day + timedelta(days=30),
                "customer_id": list(ids),
                "action": "save",
                "arm": np.where(np.arange(len(ids)) % 2 == 0, "contact", "hold out"),
                "channel": "letter",
                "gain": 365.0,
                "rate": 0.1,
                "cost": 2.0,
                "expected_profit": 34.5,
                "run_as_of": pd.Timestamp(day),
            }
        )
        return rows.assign(**columns)

    return made
