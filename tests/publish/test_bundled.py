"""The report of the bundled company: the same bytes in another folder, at another hour, in another zone."""

import hashlib
import json

from crmlib.publish.request import Request
from crmlib.publish.run import make_report


def fingerprints(folder):
    files = [path for path in sorted(folder.rglob("*")) if path.is_file() and path.name != "run.log"]
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files
    }


def test_two_runs_give_the_same_bytes_and_a_third_has_nothing_to_do(tmp_path, monkeypatch):
    one = make_report(Request(output=tmp_path / "one"))
    before = fingerprints(one.folder)
    again = make_report(Request(output=tmp_path / "one"))
    assert again.unchanged
    assert fingerprints(one.folder) == before

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    two = make_report(Request(output=tmp_path / "an other place", jobs=1))
    assert fingerprints(two.folder) == before

    manifest = json.loads((one.folder / "manifest.json").read_text())
    assert set(manifest["files"]) == set(before) - {"manifest.json"}
    assert all(before[name] == known for name, known in manifest["files"].items())
    for name, notebook in manifest["notebooks"].items():
        assert f"{name}.html" in before
        for table in notebook["saves"]:
            assert {f"tables/{table}.csv", f"tables/{table}.parquet"} <= set(before)
