"""One side of a comparison, in a process of its own.

Called as ``python -m benchmarks.lifetime_value.side SUBJECT SIDE SIZE FOLDER SEED``. Imports and what
a subject prepares are not timed. The last line printed is JSON: what the side found, wall-clock and
processor seconds, the most memory of the process, and how much of that came on top.
"""

import gc
import importlib
import json
import re
import resource
import sys
import time
import warnings
from pathlib import Path
from types import ModuleType

import numpy as np

_CLEAR, _STATUS = Path("/proc/self/clear_refs"), Path("/proc/self/status")


def _memory(name: str) -> float:
    """Memory now (``VmRSS``) or at most (``VmHWM``) in GiB; without /proc the most alone is known."""
    if _STATUS.exists():
        return int(re.search(rf"{name}:\s+(\d+) kB", _STATUS.read_text()).group(1)) / 2**20
    unit = 2**30 if sys.platform == "darwin" else 2**20
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit


def module_of(subject: str) -> ModuleType:
    """Import the module of a subject: of this package, or of another one of the benchmarks (``churn.scoring``)."""
    return importlib.import_module(f"benchmarks.{subject if '.' in subject else 'lifetime_value.' + subject}")


def main() -> None:
    """Run one side and print what it took."""
    warnings.simplefilter("ignore")  # the peers' own: deprecations and overflow in their searches
    subject, name, size, folder, seed = sys.argv[1:]
    module = module_of(subject)
    run = module.SIDES[name](int(size), Path(folder))
    np.random.seed(int(seed))  # noqa: NPY002 - lifetimes starts its searches at random points
    gc.collect()
    if _CLEAR.exists():
        _CLEAR.write_text("5")  # forget the most memory so far
    before = _memory("VmRSS")
    start, processor = time.perf_counter(), time.process_time()
    found = run()
    seconds, processor = time.perf_counter() - start, time.process_time() - processor
    most = _memory("VmHWM")
    if hasattr(module, "tell"):
        found = module.tell(found)
    print()
    print(json.dumps(
        {"found": found, "seconds": seconds, "processor": processor, "most": most, "extra": max(most - before, 0.0)}
    ))  # fmt: skip


if __name__ == "__main__":
    main()
