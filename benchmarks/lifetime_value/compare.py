"""Run both sides of every comparison in turn, each in a process of its own with one thread, and print medians."""

import importlib.util
import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from statistics import median

from benchmarks.lifetime_value.side import module_of

PEERS = {"lifetimes": "lifetimes", "pymc-marketing": "pymc_marketing"}
_ONE_THREAD = {f"{library}_NUM_THREADS": "1" for library in ("OMP", "OPENBLAS", "MKL", "NUMBA")}


@dataclass(frozen=True)
class Subject:
    """Sides that are run in turn on the same data, and the rows they make.

    Attributes
    ----------
    module : str
        Module with the sides, and with ``same``; see `benchmarks.lifetime_value.side.module_of`.
    size : int
        Customers, or lines.
    runs : dict of str to int
        How often each side is run. Peers that take minutes run less often, and the row says so.
    rows : list of (str, str, str)
        Title, our side and the side of a peer.
    memory : {'extra', 'most'}
        Memory on top of what the process held before, or all of it.
    kind : str, optional
        Of a fit. Peers start at random points and may end elsewhere: the medians are then those of
        the runs that came to the optimum, if any did, and the row says how many.
    """

    module: str
    size: int
    runs: dict[str, int]
    rows: list[tuple[str, str, str]] = field(default_factory=list)
    memory: str = "extra"
    kind: str = ""


def _fit(kind: str, title: str, size: int, peer_runs: int = 5) -> Subject:
    ours, peer = f"{kind} crmlib", f"{kind} lifetimes"
    return Subject("fits", size, {ours: 7, peer: peer_runs}, [(title, ours, peer)], kind=kind)


def _lines(size: int) -> Subject:
    pairs = {
        "file to histories": ("crmlib", "lifetimes"),
        "file to histories, one thread": ("crmlib, one thread", "lifetimes"),
        "table to histories, one thread": (
            "crmlib, one thread, lines read before", "lifetimes, lines read before",
        ),
        "file to histories with margins, which the peer has not": ("crmlib, with margins", "lifetimes"),
    }  # fmt: skip
    runs = {side: 5 for pair in pairs.values() for side in pair}
    return Subject("order_lines", size, runs, [(title, *pair) for title, pair in pairs.items()], "most")


def _many_lines(size: int) -> Subject:
    sides = {"crmlib": "file to histories", "crmlib, with margins": "file to histories with margins"}
    rows = [(title, side, "") for side, title in sides.items()]
    return Subject("order_lines", size, dict.fromkeys(sides, 1), rows, "most")


PARTS: dict[str, list[Subject]] = {
    "bg-nbd": [
        _fit("BGNBD", "BG/NBD fit, standard errors", size) for size in (20_000, 100_000, 1_000_000)
    ],
    "pareto-nbd": [_fit("ParetoNBD", "Pareto/NBD fit", 100_000)],
    "gamma-gamma": [_fit("GammaGamma", "gamma-gamma fit", 1_000_000)],
    "predictions": [
        Subject(
            "predictions", 1_000_000, {"crmlib": 5, "lifetimes": 3, "pymc-marketing": 3},
            [("alive, orders, value", "crmlib", peer) for peer in PEERS],
        )
    ],
    "posterior": [
        Subject("posterior", 2_357, {"crmlib": 5, "pymc-marketing": 3},
                [("BG/NBD posterior", "crmlib", "pymc-marketing")])
    ],
    "order-lines": [_lines(10_000_000)],
}  # fmt: skip
SLOW: dict[str, list[Subject]] = {"order-lines": [_many_lines(100_000_000)]}


def run(folder: Path, parts: list[str], slow: bool = False) -> None:
    """Run the comparisons of these parts and print a row for each pair."""
    missing = [name for name, module in PEERS.items() if importlib.util.find_spec(module) is None]
    if missing:
        sys.exit(f"Found: no {' and no '.join(missing)} to compare with. What to do: make bench")
    print(f"{'lifetime value: seconds, processor seconds, GiB':<78} {'crmlib':>20} {'peer':>22}   ratio")
    for part in parts:
        for subject in PARTS[part] + (SLOW.get(part, []) if slow else []):
            compare(subject, folder)


def compare(subject: Subject, folder: Path) -> None:
    """Run the sides of a subject in turn and print its rows."""
    found: dict[str, list[dict]] = {side: [] for side in subject.runs}
    for number in range(max(subject.runs.values())):
        for side, runs in subject.runs.items():
            if number < runs:
                found[side].append(measure(subject, side, folder, seed=number))
    module = module_of(subject.module)
    what = "lines" if subject.module in ("order_lines", "churn.snapshots") else "customers"
    of_kind = [subject.kind] if subject.kind else []
    for title, ours, peer in subject.rows:
        name = f"{title}, {subject.size:,} {what}"
        own = _told(found[ours], subject.memory)
        if not peer:
            print(f"{name:<78} {own}", flush=True)
            continue
        arrived = theirs = found[peer]
        if subject.kind:
            first = found[ours][0]["found"]
            near = [
                abs(module.gain(*of_kind, subject.size, first, one["found"])) < module.NEAR for one in theirs
            ]
            arrived = [one for one, is_near in zip(theirs, near, strict=True) if is_near] or theirs
        seconds = [median(one["seconds"] for one in runs) for runs in (found[ours], arrived)]
        agreed = module.same(*of_kind, subject.size, found[ours][0]["found"], arrived[0]["found"])
        print(f"{name:<78} {own} {_told(arrived, subject.memory)} {seconds[1] / seconds[0]:6.1f}x")
        runs = f"{len(found[ours])} and {len(theirs)} runs"
        if len(arrived) < len(theirs):
            runs += f", of which {len(arrived)} came to the optimum: the medians are theirs"
        print(f"    {peer.removeprefix(subject.kind).strip()}; same: {agreed}; {runs}", flush=True)


def measure(subject: Subject, side: str, folder: Path, seed: int = 0) -> dict:
    """Run one side once."""
    command = [sys.executable, "-m", "benchmarks.lifetime_value.side"]
    command += [subject.module, side, str(subject.size), str(folder), str(seed)]
    root = str(Path(__file__).parents[2])
    environment = os.environ | _ONE_THREAD | {"PYTHONPATH": root, "HOME": str(folder), "PYTHONHASHSEED": "0"}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{' '.join(command)} failed:\n{done.stderr}")
    return json.loads(done.stdout.strip().splitlines()[-1])


def _told(runs: list[dict], memory: str) -> str:
    middle = partial(_median, runs)
    return f"{middle('seconds'):8.3f} {middle('processor'):7.2f} {middle(memory):5.2f}"


def _median(runs: list[dict], name: str) -> float:
    return median(one[name] for one in runs)
