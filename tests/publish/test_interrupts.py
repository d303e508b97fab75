"""A run that is stopped, killed or out of disk leaves no process, no half report, and no lock."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

SLOW = """
import os, pathlib, time
mark = pathlib.Path({mark!r})
if mark.parent.joinpath("slow").exists():
    mark.write_text(f"{{os.getpid()}} {{os.getppid()}}")
    time.sleep(120)
"""


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (ProcessLookupError, FileNotFoundError):
        return False
    return state != "Z"


def wait_until(condition, seconds=30):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.05)
    return False


@pytest.fixture
def command(company, suite, tmp_path):
    """Start ``crmlib report`` as a person would, in a process of its own."""

    def start(*, before=None):
        arguments = [
            "report",
            str(company),
            "--output",
            str(tmp_path / "out"),
            "--notebooks",
            str(suite.folder),
        ]
        return subprocess.Popen(
            [sys.executable, "-m", "crmlib.cli", *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            preexec_fn=before,
        )

    return start


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX systems")
def test_a_stopped_run_leaves_the_last_good_one_and_no_process(command, suite, tmp_path):
    mark, slow = tmp_path / "mark", tmp_path / "slow"
    suite.add("01_a", "md:# A?", SLOW.format(mark=str(mark)))
    run = command()
    assert run.wait(60) == 0, run.stderr.read()
    page = Path(run.stdout.read().strip())
    building, lock = page.parents[1] / ".building", f"{page.parent.name}.lock"
    good = page.read_bytes()

    slow.touch()
    suite.add("01_a", "md:# A, slowly?", SLOW.format(mark=str(mark)))
    for sent, code in ((signal.SIGKILL, -9), (signal.SIGINT, 130), (signal.SIGTERM, 143)):
        mark.unlink(missing_ok=True)
        run = command()
        assert wait_until(lambda: mark.exists() and len(mark.read_text().split()) == 2)
        kernel, worker = map(int, mark.read_text().split())
        assert alive(kernel)
        assert alive(worker)
        run.send_signal(sent)
        assert run.wait(30) == code
        assert wait_until(lambda kernel=kernel, worker=worker: not alive(kernel) and not alive(worker), 15)
        assert page.read_bytes() == good
        if sent != signal.SIGKILL:  # what a killed run left, the next one has cleaned up
            assert [path.name for path in building.iterdir()] == [lock]
            assert "Stopped" in run.stderr.read()

    slow.unlink()
    run = command()
    assert run.wait(60) == 0, run.stderr.read()
    assert "A, slowly?" in (page.parent / "01_a.html").read_text()
    assert [path.name for path in building.iterdir()] == [lock]


@pytest.mark.skipif(os.name != "posix", reason="limits of POSIX systems")
def test_no_room_for_a_file_stops_the_run_and_leaves_the_last_good_one(command, suite, tmp_path):
    import resource

    suite.add("01_a", "md:# A?", "print(1)")
    run = command()
    assert run.wait(60) == 0
    page = Path(run.stdout.read().strip())
    good = json.loads((page.parent / "manifest.json").read_text())

    suite.add("01_a", "md:# A?", "print('x' * 300_000)")
    run = command(before=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000)))
    assert run.wait(60) == 1
    words = run.stderr.read()
    assert "cannot be written" in words
    assert "Traceback" not in words
    assert json.loads((page.parent / "manifest.json").read_text()) == good
    assert [path.name for path in (page.parents[1] / ".building").iterdir()] == [f"{page.parent.name}.lock"]
