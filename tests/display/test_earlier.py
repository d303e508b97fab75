"""Tables of earlier runs reach a notebook as they were, or not at all, and then with the reason."""

import hashlib
import json
from dataclasses import asdict

import pandas as pd
import pytest

from crmlib.display.earlier import RUN_DAY, VARIABLE, EarlierTable, read_earlier_tables
from crmlib.errors import DataError, ParameterError

HOSTILE = "=HYPERLINK(1)<script>"


@pytest.fixture
def hand(tmp_path, monkeypatch):
    """Hand over tables by day: a frame, the bytes of a file, or the reason why there is none."""

    def handed(name="actions", **by_day):
        entries = []
        for day, content in by_day.items():
            path = tmp_path / f"{day}.parquet"
            if isinstance(content, pd.DataFrame):
                content.to_parquet(path)
            elif isinstance(content, bytes):
                path.write_bytes(content)
            problem = content if isinstance(content, str) else ""
            sha = "" if problem else hashlib.sha256(path.read_bytes()).hexdigest()
            entries.append(asdict(EarlierTable(day.strip("d").replace("_", "-"), str(path), sha, problem)))
        monkeypatch.setenv(VARIABLE, json.dumps({name: entries}))
        return tmp_path

    return handed


def frame(*ids, **more):
    return pd.DataFrame({"customer_id": list(ids)} | more)


def test_by_hand_there_are_no_earlier_runs(monkeypatch):
    monkeypatch.delenv(VARIABLE, raising=False)
    assert read_earlier_tables("actions").rows is None


def test_rows_of_all_runs_come_with_the_day_of_their_run(hand):
    hand(d2026_04_30=frame("a", HOSTILE), d2026_05_31=frame("a", run_as_of="later"))
    found = read_earlier_tables("actions")
    assert found.rows["customer_id"].tolist() == ["a", HOSTILE, "a"]
    assert found.rows[RUN_DAY].dt.strftime("%Y-%m-%d").tolist() == ["2026-04-30"] * 2 + ["2026-05-31"]
    assert not found.left_out


def test_a_column_of_one_month_only_is_empty_in_the_others(hand):
    hand(d2026_04_30=frame("a"), d2026_05_31=frame("b", action=["win_back"]))
    assert read_earlier_tables("actions").rows["action"].isna().tolist() == [True, False]


def test_a_run_that_saved_no_rows_leaves_the_types_of_the_others(hand):
    hand(d2026_04_30=pd.DataFrame({"profit": []}, dtype=object), d2026_05_31=pd.DataFrame({"profit": [1.5]}))
    assert read_earlier_tables("actions").rows["profit"].dtype == float
    hand(d2026_04_30=frame())
    empty = read_earlier_tables("actions").rows
    assert len(empty) == 0 and RUN_DAY in empty


def test_what_cannot_be_used_is_left_out_with_the_reason(hand):
    hand(d2026_03_31="The file cannot be read.", d2026_04_30=b"no parquet", d2026_05_31=frame("a"))
    found = read_earlier_tables("actions")
    assert len(found.rows) == 1
    assert found.left_out == {
        "31 March 2026": "The file cannot be read.",
        "30 April 2026": "It is no table that can be read.",
    }
    hand(d2026_03_31="The file cannot be read.")
    assert read_earlier_tables("actions").rows is None


def test_a_file_replaced_meanwhile_is_not_read_under_the_old_fingerprint(hand):
    folder = hand(d2026_05_31=frame("a"))
    frame("b").to_parquet(folder / "d2026_05_31.parquet")
    with pytest.raises(DataError, match="2026-05-31"):
        read_earlier_tables("actions")


def test_a_table_the_notebook_does_not_list_is_refused(hand):
    hand(d2026_05_31=frame("a"))
    with pytest.raises(ParameterError, match=r"'segments'.*actions.*earlier"):
        read_earlier_tables("segments")
