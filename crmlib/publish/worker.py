"""The process that runs one notebook: ``python -m crmlib.publish.worker``.

It reads one line of JSON from its standard input (the job), writes lines of JSON to its standard
output (progress, then the result), and ends. When its standard input closes before that, the run has
been stopped or killed: it kills the kernel and ends at once, so no orphan stays behind on any system.
"""

import json
import os
import signal
import sys
import threading
from pathlib import Path
from typing import Any


def tell(**message: Any) -> None:
    """Send one message to the run."""
    CHANNEL.write(json.dumps(message) + "\n")
    CHANNEL.flush()


def spare_slow_import() -> None:
    """Keep jsonschema from compiling a grammar for web addresses (1.2 s) that no notebook needs."""
    sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]


def make_engine(timeout: float) -> Any:
    """Make the papermill engine: this Python as kernel, progress per cell, a kernel that can be killed."""
    from ipykernel.kernelspec import get_kernel_dict
    from jupyter_client import AsyncKernelManager
    from jupyter_client.kernelspec import KernelSpec
    from papermill.clientwrap import PapermillNotebookClient
    from papermill.engines import NBClientEngine

    class ThisPython(AsyncKernelManager):
        """A kernel of the Python that runs this, whatever kernels the user has registered."""

        @property
        def kernel_spec(self) -> KernelSpec:
            spec = KernelSpec(**get_kernel_dict())
            spec.argv = [sys.executable, *spec.argv[1:], "--HistoryManager.enabled=False"]
            return spec

    class Engine(NBClientEngine):
        client: Any = None
        cell: int | None = None

        @classmethod
        def execute_managed_notebook(cls, nb_man: Any, kernel_name: str, **_: Any) -> None:
            start = nb_man.cell_start

            def cell_start(cell: Any, cell_index: int | None = None, **kwargs: Any) -> None:
                cls.cell = cell_index
                tell(cell=cell_index, of=len(nb_man.nb.cells))
                start(cell, cell_index, **kwargs)

            nb_man.cell_start = cell_start
            cls.client = PapermillNotebookClient(
                nb_man,
                kernel_name=kernel_name,
                timeout=timeout,
                startup_timeout=120,
                iopub_timeout=60,
                shutdown_kernel="immediate",
            )
            cls.client.km = ThisPython(kernel_name=kernel_name, transport_encryption="auto")
            cls.client.execute()

    return Engine


def kill_kernel(engine: Any) -> None:
    """Kill the kernel and whatever it started."""
    pid = getattr(getattr(getattr(engine.client, "km", None), "provisioner", None), "pid", None)
    if not pid:
        return
    try:
        if hasattr(os, "killpg"):
            os.killpg(pid, signal.SIGKILL)  # jupyter_client gives each kernel a group of its own
        else:
            os.kill(pid, signal.SIGTERM)
    except OSError:
        return  # it is gone already


def run(job: dict[str, Any]) -> None:
    """Run one notebook and tell how it went.

    The job names the ``notebook``, its ``parameters``, the ``folder`` to write the executed notebook into, the
    ``timeout`` per cell in seconds and what to hide (see `crmlib.publish.normalise`).
    """
    spare_slow_import()
    import nbformat
    import papermill
    from papermill.engines import papermill_engines
    from papermill.exceptions import PapermillExecutionError
    from papermill.execute import ERROR_MARKER_TAG

    from crmlib.publish.normalise import normalise
    from crmlib.publish.refusal import KIND, refuse

    engine = make_engine(job["timeout"])
    threading.Thread(target=end_with_the_run, args=(engine,), daemon=True).start()
    papermill_engines.register("crmlib", engine)
    path, folder = Path(job["notebook"]), Path(job["folder"])
    failure: dict[str, Any] | None = None
    try:
        node = papermill.execute_notebook(
            str(path),
            None,
            parameters=job["parameters"],
            engine_name="crmlib",
            kernel_name="python3",
            language="python",
            progress_bar=False,
            cwd=str(path.parent),
        )
    except PapermillExecutionError as problem:
        failure = {"cell": problem.cell_index, "kind": problem.ename, "message": problem.evalue}
    except Exception as problem:  # a dead kernel, a timeout, a kernel that does not start
        failure = {"cell": engine.cell, "kind": type(problem).__name__, "message": str(problem)}
    if engine.client is None:
        tell(failed=failure)
        return
    node = engine.client.nb if failure else node
    node.cells = [cell for cell in node.cells if ERROR_MARKER_TAG not in cell.metadata.get("tags", [])]
    failure = failure or unfinished(node)
    if failure and failure["kind"] == KIND:
        node, failure = refuse(node, failure["message"]), None
    if failure is None:
        normalise(node, path.stem, [tuple(pair) for pair in job["hidden"]])
    else:
        failure |= place(node, failure["cell"])
    try:
        (folder / path.name).write_text(nbformat.writes(node) + "\n", encoding="utf-8", newline="\n")
    except OSError as problem:
        failure = failure or {
            "cell": None,
            "kind": "OSError",
            "message": f"it cannot be written: {problem.strerror}",
        }
    tell(**({"failed": failure} if failure else {"done": True}))


def unfinished(node: Any) -> dict[str, Any] | None:
    """Find the first code cell that never ran or shows an error; papermill does not see all of them."""
    for index, cell in enumerate(node.cells):
        if cell.cell_type != "code" or not cell.source.strip():
            continue
        if cell.execution_count is None:
            message = "the notebook ended before this cell was run, perhaps because a cell called exit()"
            return {"cell": index, "kind": "NotRun", "message": message}
        for output in cell.outputs:
            if output.output_type == "error":
                return {"cell": index, "kind": output.ename, "message": output.evalue}
    return None


def place(node: Any, index: int | None) -> dict[str, Any]:
    """Number a cell as a person counts it in the notebook they know, and quote its first line."""
    if index is None or index >= len(node.cells):
        return {"number": None, "line": ""}
    added = [i for i, cell in enumerate(node.cells) if "injected-parameters" in cell.metadata.get("tags", [])]
    lines = [line for line in node.cells[index].source.splitlines() if line.strip()]
    return {"number": index + 1 - sum(i < index for i in added), "line": lines[0] if lines else ""}


def end_with_the_run(engine: Any) -> None:
    """Wait for the run to close the channel, which it also does by dying."""
    sys.stdin.buffer.read()
    kill_kernel(engine)
    os._exit(1)


if __name__ == "__main__":
    # What libraries print goes to the log; only messages go to the run.
    CHANNEL = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    run(json.loads(sys.stdin.buffer.readline()))
    CHANNEL.flush()
    os._exit(0)  # the watching thread still waits for input
