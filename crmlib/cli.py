"""The command line: ``crmlib check``, ``report``, ``simulate``, ``carry-out`` and ``open``.

Heavy libraries are imported inside the commands, so that ``crmlib --help`` answers at once.
"""

import os
import signal
import sys
import time
from pathlib import Path
from typing import Annotated, Any

import typer

from crmlib.errors import CrmError

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
Source = Annotated[
    str, typer.Argument(metavar="[RUNFILE]", help="A run file, folder, data file or database URL.")
]
Map = Annotated[
    Path | None,
    typer.Option("--map", metavar="RUNFILE", help="A run file that says how to read the source."),
]


@app.callback(invoke_without_command=True)
def crmlib(
    version: Annotated[bool, typer.Option("--version", help="Say which version this is.")] = False,
) -> None:
    """Customer relationship analytics: from an order log to decisions in money."""
    if version:
        from crmlib import __version__

        print(f"crmlib {__version__}")
        raise typer.Exit()


@app.command()
def report(
    source: Source = "bundled",
    as_of: Annotated[str, typer.Option(metavar="DATE", help="Last known day, as YYYY-MM-DD.")] = "",
    only: Annotated[
        list[str] | None, typer.Option(metavar="NUMBER", help="Only this notebook and those it needs.")
    ] = None,
    output: Annotated[Path, typer.Option(metavar="DIR", help="Folder for reports.")] = Path("reports"),
    jobs: Annotated[int, typer.Option(min=0, metavar="N", help="Notebooks side by side; 0 for 2.")] = 0,
    run_file: Map = None,
    timeout: Annotated[
        float, typer.Option(min=1, metavar="SECONDS", help="Longest time a cell may take.")
    ] = 600,
    force: Annotated[bool, typer.Option("--force", help="Run also what is unchanged.")] = False,
    notebooks: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Folder of notebooks, if not the suite's own.")
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", help="Print only the page to open.")] = False,
) -> None:
    """Make the report, and print the page to open."""
    started = time.monotonic()
    from crmlib.publish.progress import Progress
    from crmlib.publish.request import Request
    from crmlib.publish.run import make_report

    choices: dict[str, Any] = {"notebooks": notebooks} if notebooks else {}
    if jobs:
        choices["jobs"] = jobs
    request = Request(
        source=source,
        run_file=run_file,
        as_of=as_of,
        only=tuple(name for text in only or () for name in text.split(",") if name),
        output=output,
        timeout=timeout,
        force=force,
        **choices,
    )
    with Progress(quiet=quiet) as progress:
        result = make_report(request, progress)
    seconds = time.monotonic() - started
    if result.unchanged:
        progress.say(
            "Nothing has changed since the last run: the report there still holds. The page to open:"
        )
    else:
        progress.say(f"The report is complete, after {seconds:.1f} s. The page to open:")
    print(result.index)


@app.command()
def check(source: Source = "bundled", run_file: Map = None) -> None:
    """Say what is in the data, and every problem with row, column and value."""
    from crmlib.intake.check import check_source, render_report

    found = check_source(source, run_file)
    print(render_report(found))
    if found.errors:
        raise typer.Exit(1)


@app.command()
def simulate(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A folder that is empty or not there yet.")],
    customers: Annotated[int, typer.Option(metavar="N", help="How many customers.")] = 3000,
    seed: Annotated[int, typer.Option(metavar="N", help="The same seed gives the same company.")] = 20260630,
    months: Annotated[int, typer.Option(metavar="N", help="Months of orders.")] = 36,
    parquet: Annotated[bool, typer.Option("--parquet", help="Write Parquet instead of CSV.")] = False,
) -> None:
    """Draw an invented company with every table, and the truth behind it."""
    from crmlib.intake.simulate import simulate as draw

    draw(folder, customers=customers, seed=seed, months=months, format="parquet" if parquet else "csv")
    print(folder)


@app.command("carry-out")
def carry_out(
    actions: Annotated[Path, typer.Argument(metavar="LIST", help="The table 'actions' that a report saved.")],
    company: Annotated[Path, typer.Argument(metavar="DIR", help="Folder of the simulated company.")],
    target: Annotated[Path, typer.Argument(metavar="NEW", help="Folder for the company it becomes.")],
    seed: Annotated[int, typer.Option(metavar="N", help="The same seed gives the same luck.")] = 20260630,
) -> None:
    """Carry out a list of actions in a simulated company, to play the months."""
    from crmlib.intake.simulate.carry_out import carry_out as play

    happened = play(company, actions, target, seed)
    extra, left = int(happened["extra_orders"].sum()), int((happened["left_on"] != "").sum())
    print(f"{target}: {len(happened):,} contacted, {extra:,} extra orders, {left:,} left because of it")


@app.command("open")
def open_report(
    name: Annotated[str, typer.Argument(help="Company, or part of its name; else the newest report.")] = "",
    output: Annotated[Path, typer.Option(metavar="DIR", help="Folder for reports.")] = Path("reports"),
) -> None:
    """Open the newest report in the browser."""
    import webbrowser

    from crmlib.publish.stage import newest_report

    page = newest_report(output, name) / "index.html"
    print(page)
    webbrowser.open(page.resolve().as_uri())


class _Stopped(BaseException):
    """Someone asked the command to end: by Ctrl-C, or through the system."""


def _stop(number: int, frame: object) -> None:
    raise _Stopped(number)


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; return its exit code: 0 done, 1 failed, 2 wrong use.

    Parameters
    ----------
    arguments : list of str, optional
        The command line's own if left out.
    """
    stops = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(number, _stop) for number in stops]
    try:
        app(args=arguments, prog_name="crmlib")
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 0
    except CrmError as problem:
        print(problem, file=sys.stderr)
        return problem.exit_code
    except Exception as problem:
        if os.environ.get("CRMLIB_TRACEBACK"):
            raise
        kind = type(problem).__name__
        print(
            f"An error nobody foresaw: {kind}: {problem}. Set CRMLIB_TRACEBACK=1 to see where.",
            file=sys.stderr,
        )
        return 1
    except _Stopped as stopped:
        print("Stopped. Nothing was changed.", file=sys.stderr)
        return 128 + int(stopped.args[0])
    finally:
        for number, handler in zip(stops, before, strict=True):
            signal.signal(number, handler)
    return 0


if __name__ == "__main__":
    sys.exit(main())
