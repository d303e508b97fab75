"""Run the committed notebooks again and keep their cleaned outputs: ``python -m crmlib.publish.refresh``.

The notebooks run at their defaults, in the same steady environment as a report, and are
normalised, so that running this twice changes nothing. All run before any is replaced.
"""

import sys
import tempfile
from pathlib import Path

from crmlib.display.suite import VARIABLE
from crmlib.errors import CrmError
from crmlib.publish.execute import Job, run_all
from crmlib.publish.plan import discover
from crmlib.publish.request import NOTEBOOKS


def refresh(folder: Path, suite: Path | None = None) -> list[Path]:
    """Run the notebooks of a folder and replace those whose outputs changed.

    Parameters
    ----------
    folder : Path
        Its notebooks run in the order of their needs and saves.
    suite : Path, optional
        The suite they belong to; the folder itself if left out. Solutions belong to the suite
        whose exercises they solve.

    Returns
    -------
    list of Path
        The notebooks that changed.

    Raises
    ------
    RunError
        If a cell fails; then nothing is replaced.
    """
    notebooks = discover(folder)
    place = str((suite or folder).resolve())
    changed = []
    with tempfile.TemporaryDirectory(prefix="crmlib-refresh-") as aside:
        # The tables that one saves and another needs lie in one folder.
        shared = Path(aside) / "run"
        jobs = [
            Job(
                notebook, {}, Path(aside) / notebook.name, {"CRMLIB_RUN_FOLDER": str(shared), VARIABLE: place}
            )
            for notebook in notebooks
        ]
        run_all(jobs, hidden=[(str(NOTEBOOKS.parent), "<suite>")])
        for job in jobs:
            new = job.executed.read_bytes()
            if new != job.notebook.path.read_bytes():
                part = job.notebook.path.with_suffix(".part")
                part.write_bytes(new)
                part.replace(job.notebook.path)
                changed.append(job.notebook.path)
    return changed


def main() -> int:
    """Refresh the notebooks and their solutions; return the exit code."""
    try:
        changed = [
            path for folder in (NOTEBOOKS, NOTEBOOKS / "solutions") for path in refresh(folder, NOTEBOOKS)
        ]
    except CrmError as problem:
        sys.stderr.write(f"{problem}\n")
        return problem.exit_code
    names = ", ".join(str(path.relative_to(NOTEBOOKS)) for path in changed)
    sys.stdout.write(f"Refreshed: {names}\n" if changed else "Nothing has changed.\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
