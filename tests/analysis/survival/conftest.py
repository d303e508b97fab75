"""Published remission times, drawn contracts with late entry, and the IBM Telco file where it is at hand."""

import datetime as dt
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

# Freireich et al. (1963), Blood 21:699-716, as printed in Cox (1972), table 1: weeks of remission of 42 children with
# leukaemia; a minus marks those still in remission when last seen.
PLACEBO = [1, 1, 2, 2, 3, 4, 4, 5, 5, 8, 8, 8, 8, 11, 11, 12, 12, 15, 17, 22, 23]
MERCAPTOPURINE = [6, 6, 6, -6, 7, -9, 10, -10, -11, 13, 16, -17, -19, -20, 22, 23, -25, -32, -32, -34, -35]
REAL = os.environ.get("CRMLIB_REAL_DATA")
MAPS = Path(__file__).parents[3] / "data" / "maps"


@pytest.fixture(scope="session")
def remission():
    weeks = np.array([*PLACEBO, *MERCAPTOPURINE])
    return pd.DataFrame(
        {
            "entry": 0,
            "duration": np.abs(weeks),
            "ended": weeks > 0,
            "arm": ["placebo"] * len(PLACEBO) + ["6-MP"] * len(MERCAPTOPURINE),
        }
    )


@pytest.fixture(scope="session")
def drawn():
    """600 contracts in months; plan B ends half as fast, some came into sight late, some are still running."""
    rng = np.random.default_rng(5)
    size = 900
    plan = rng.choice(["A", "B"], size)
    fee = rng.uniform(10, 60, size).round(2)
    hazard = 0.06 * np.where(plan == "B", 0.5, 1.0) * np.exp(0.02 * (fee - 35))
    life = rng.geometric(np.minimum(hazard, 0.9))
    entry = np.where(rng.random(size) < 0.4, rng.integers(0, 20, size), 0)
    until = entry + rng.integers(1, 40, size)
    table = pd.DataFrame(
        {
            "contract_id": [f"K{n:03d}" for n in range(size)],
            "entry": entry,
            "duration": np.minimum(life, until),
            "ended": life <= until,
            "plan": plan,
            "fee_per_year": fee,
        }
    )
    return table[table["duration"] > table["entry"]].reset_index(drop=True).head(600)


@pytest.fixture(scope="session")
def telco(tmp_path_factory):
    """Contracts of the IBM Telco file, read through its map."""
    if not REAL:
        pytest.skip("set CRMLIB_REAL_DATA to the folder of the public files")
    from crmlib.intake import open_data

    path = Path(REAL, "telco_ibm", "Telco-Customer-Churn.csv.gz")
    data = open_data(path, cache=tmp_path_factory.mktemp("cache"), run_file=MAPS / "telco_ibm.toml")
    return data.table("contracts").order_by("contract_id").execute(), dt.date(2020, 1, 1)
