"""The one-way flow of the rooms, the size of modules, and the few words every public name owes its reader."""

import ast
import re
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "crmlib"
MODULES = sorted(PACKAGE.rglob("*.py"))

# A room knows only the rooms to its left, and itself.
FLOW = ("errors", "intake", "analysis", "display", "publish", "cli")
# Inside analysis, the rooms of lifetime value, in the same way.
LIFETIME = ("fitting", "contracts", "occasions", "purchases", "timing", "spend", "trust", "worth")
LONGEST = 350
# Modules that are a list of definitions, best read in one place.
LONGER = {"intake/contract.py": 400}
VAGUE = {"utils", "util", "helpers", "helper", "common", "misc", "tools", "shared", "base", "core", "stuff"}
# Libraries that come with a declared one and are meant to be used with it.
COMES_WITH = {"duckdb": "ibis-framework[duckdb]", "IPython": "ipykernel", "nbclient": "nbconvert",
              "jinja2": "nbconvert", "traitlets": "nbconvert", "jupyter_client": "nbconvert",
              "markupsafe": "nbconvert",
    "mistune": "nbconvert"}  # fmt: skip
IMPORT_NAMES = {"ibis": "ibis-framework[duckdb]", "sklearn": "scikit-learn", "PIL": "pillow",
                "python_calamine": "python-calamine", "arviz_stats": "arviz-stats"}  # fmt: skip


def relative(path: Path) -> str:
    return path.relative_to(PACKAGE).as_posix()


def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def room(dotted: str) -> str | None:
    """`crmlib.display.tables` is in the room display; `crmlib` itself (its version) in none."""
    parts = dotted.split(".")
    return parts[1] if len(parts) > 1 else None


def imported(tree: ast.Module, path: Path):
    """Every module that a file imports anywhere in it, relative imports resolved."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            if node.level:
                up = path.relative_to(ROOT).with_suffix("").parts[: -node.level]
                base = ".".join([*up, *([node.module] if node.module else [])])
            else:
                base = node.module or ""
            if base == "crmlib":
                yield from (f"crmlib.{alias.name}" for alias in node.names)
            else:
                yield base


def against_the_flow(source: str, path: Path) -> list[str]:
    mine = room("crmlib." + ".".join(path.relative_to(PACKAGE).with_suffix("").parts))
    found = []
    for name in imported(ast.parse(source), path):
        theirs = room(name) if name.split(".")[0] == "crmlib" else None
        if theirs in FLOW and mine in FLOW and FLOW.index(theirs) > FLOW.index(mine):
            found.append(name)
    return found


@pytest.mark.parametrize("path", MODULES, ids=relative)
def test_no_module_imports_from_a_later_room(path):
    assert against_the_flow(path.read_text(encoding="utf-8"), path) == []


@pytest.mark.parametrize(
    ("source", "path", "found"),
    [
        ("from crmlib.display import Workbook", "analysis/ledger.py", ["crmlib.display"]),
        ("def f():\n    import crmlib.publish.run", "intake/data.py", ["crmlib.publish.run"]),
        ("from crmlib import cli", "publish/run.py", ["crmlib.cli"]),
        ("from ..publish import run", "display/tables.py", ["crmlib.publish"]),
        ("from crmlib.intake import open_data", "errors.py", ["crmlib.intake"]),
        ("from crmlib.analysis.period import Period\nimport crmlib", "display/tables.py", []),
        ("from . import amounts", "intake/typed.py", []),
    ],
)
def test_the_check_of_the_flow_sees_every_way_to_import(source, path, found):
    assert against_the_flow(source, PACKAGE / path) == found


def test_the_rooms_of_lifetime_value_flow_one_way():
    """Their two common modules, on discounting and on refusals, know none of the rooms."""
    home = PACKAGE / "analysis" / "clv"
    assert {path.name for path in home.iterdir() if (path / "__init__.py").exists()} == set(LIFETIME)
    seen = set()
    for path in home.rglob("*.py"):
        inside = path.relative_to(home).parts
        mine = LIFETIME.index(inside[0]) if len(inside) > 1 else -1
        for name in imported(tree_of(path), path):
            parts = name.split(".")
            if parts[:3] == ["crmlib", "analysis", "clv"] and len(parts) > 3 and parts[3] in LIFETIME:
                assert LIFETIME.index(parts[3]) <= mine, f"{path}: {name}"
                seen.add(parts[3])
    assert seen >= set(LIFETIME) - {"worth", "trust"}


def test_every_room_of_the_flow_is_there_and_no_other():
    rooms = {path.relative_to(PACKAGE).parts[0].removesuffix(".py") for path in MODULES}
    assert rooms - {"__init__", "__main__"} == set(FLOW)


def test_analysis_reads_no_source_and_draws_nothing():
    """Frames and tables in, frames out: analysis knows neither files nor figures nor the opening of data."""
    for path in (PACKAGE / "analysis").rglob("*.py"):
        names = set(imported(tree_of(path), path))
        assert not {name.split(".")[0] for name in names} & {
            "matplotlib",
            "seaborn",
            "IPython",
            "pathlib",
            "os",
            "io",
        }
        assert not {name for name in names if name.startswith("crmlib.intake")}


@pytest.mark.parametrize("path", MODULES, ids=relative)
def test_modules_are_short_enough_to_read(path):
    lines = len(path.read_text(encoding="utf-8").splitlines())
    assert lines <= LONGER.get(relative(path), LONGEST)


def test_long_modules_are_still_there():
    assert set(LONGER) <= {relative(path) for path in MODULES}


@pytest.mark.parametrize("path", MODULES, ids=relative)
def test_a_module_is_named_after_what_it_is_about(path):
    assert path.stem not in VAGUE


@pytest.mark.parametrize("path", MODULES, ids=relative)
def test_only_the_command_line_prints(path):
    if path.stem == "cli":
        return
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            assert node.func.id not in {"print", "input", "breakpoint"}, f"line {node.lineno}"


@pytest.mark.parametrize("path", MODULES, ids=relative)
def test_no_error_is_passed_over_in_silence(path):
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.ExceptHandler):
            assert node.type is not None, f"line {node.lineno}: a bare except"
            assert not (len(node.body) == 1 and isinstance(node.body[0], ast.Pass)), f"line {node.lineno}"


def public(tree: ast.Module):
    """Public functions and classes of a module, and the public methods of its public classes."""
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_"):
            yield node
            if isinstance(node, ast.ClassDef):
                yield from (
                    f for f in node.body
                    if isinstance(f, ast.FunctionDef) and not f.name.startswith("_")
                    and not any(isinstance(d, ast.Name) and d.id == "overload" for d in f.decorator_list)
                )  # fmt: skip


@pytest.mark.parametrize("path", MODULES, ids=relative)
def test_modules_and_public_names_say_what_they_are(path):
    tree = tree_of(path)
    assert ast.get_docstring(tree), "the module has no docstring"
    mute = [node.name for node in public(tree) if not ast.get_docstring(node)]
    assert mute == []


@pytest.mark.parametrize("path", MODULES, ids=relative)
def test_documented_parameters_exist(path):
    """A name in a numpydoc `Parameters` section that the function does not take misleads its reader."""
    for node in public(tree_of(path)):
        doc = ast.get_docstring(node) or ""
        found = re.search(r"^Parameters\n-+\n(.*?)(?=^\w[\w ]*\n-+$|\Z)", doc, re.S | re.M)
        if not found:
            continue
        takes = node
        if isinstance(node, ast.ClassDef):
            takes = next(
                (f for f in node.body if isinstance(f, ast.FunctionDef) and f.name == "__init__"), None
            )
        if takes is None:
            continue
        arguments = takes.args
        known = {a.arg for a in [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]}
        known |= {a.arg for a in (arguments.vararg, arguments.kwarg) if a}
        lines = [line for line in found.group(1).splitlines() if line and not line.startswith(" ")]
        documented = {n.strip(" *") for line in lines for n in line.split(" : ")[0].split(",")}
        assert documented <= known, f"{node.name}: {sorted(documented - known)}"


@pytest.mark.parametrize("path", MODULES, ids=relative)
def test_what_is_imported_is_declared(path):
    tomllib = pytest.importorskip("tomllib")
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    names = {re.split(r"[<>=!~ ]", entry)[0] for entry in declared}
    for name in imported(tree_of(path), path):
        top = name.split(".")[0]
        if top in sys.stdlib_module_names or top == "crmlib":
            continue
        needed = COMES_WITH.get(top) or IMPORT_NAMES.get(top) or top
        assert needed in names, f"{top} is imported and {needed} is not declared"


def test_the_command_line_starts_without_the_heavy_libraries():
    """`crmlib --help` must not wait seconds for libraries it does not use."""
    heavy = {"ibis", "pandas", "papermill", "matplotlib", "seaborn", "sklearn", "scipy", "nbconvert"}
    top = [node for node in tree_of(PACKAGE / "cli.py").body if isinstance(node, ast.Import | ast.ImportFrom)]
    names = {
        name.split(".")[0] for name in imported(ast.Module(body=top, type_ignores=[]), PACKAGE / "cli.py")
    }
    assert not names & heavy


def test_every_module_of_analysis_and_display_has_tests_under_its_name():
    """A module has a test module of its name; one of a folder may share that of the folder."""
    for room in ("analysis", "display"):
        for path in (PACKAGE / room).rglob("*.py"):
            if path.stem == "__init__":
                continue
            tests, inside = ROOT / "tests" / room, path.relative_to(PACKAGE / room)
            own = tests / inside.parent / f"test_{path.stem}.py"
            shared = tests / f"test_{inside.parts[0]}.py"
            assert own.exists() or (len(inside.parts) > 1 and shared.exists()), relative(path)
