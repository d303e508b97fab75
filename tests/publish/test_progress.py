"""One display on a terminal, plain lines elsewhere, and everything in the log."""

import datetime as dt
import io

from crmlib.publish.progress import Log, Progress


class Terminal(io.StringIO):
    def isatty(self):
        return True


def play(progress):
    with progress:
        progress.start("Reading")
        progress.finish("Reading", "12 lines")
        progress.start("02_x")
        progress.step("02_x", 3, 9)
        progress.say("a word [in brackets]")
        progress.finish("02_x")


def test_plain_lines_where_there_is_no_terminal():
    stream = io.StringIO()
    play(Progress(stream))
    lines = stream.getvalue().splitlines()
    assert lines[0] == "Reading ..."
    assert lines[1].startswith("Reading: done in ")
    assert lines[1].endswith("(12 lines)")
    assert "a word [in brackets]" in lines
    assert "\x1b" not in stream.getvalue()


def test_one_display_on_a_terminal():
    stream = Terminal()
    play(Progress(stream))
    shown = stream.getvalue()
    assert "02_x" in shown
    assert "12 lines" in shown
    assert "a word [in brackets]" in shown
    assert "100%" in shown


def test_quiet_is_quiet_and_the_log_has_it_all(tmp_path):
    stream, log = io.StringIO(), Log()
    progress = Progress(stream, quiet=True)
    progress.listeners.append(log.note)
    play(progress)
    log.head("Casa Verbena", dt.date(2026, 6, 30))
    log.write(tmp_path / "run.log")
    assert stream.getvalue() == ""
    lines = (tmp_path / "run.log").read_text().splitlines()
    assert lines[0] == "Report of Casa Verbena, last known day 2026-06-30"
    assert [word in "".join(lines) for word in ("Reading: ", "12 lines", "a word", "02_x: ")] == [True] * 4
