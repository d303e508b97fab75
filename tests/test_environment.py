"""One environment, written three times: pyproject.toml, the hashed lock files, and environment.yml."""

import re
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.markers import Marker, default_environment
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
CONDA = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
LOCKS = {
    name: (ROOT / name).read_text(encoding="utf-8")
    for name in ("requirements.lock", "requirements-test.lock")
}

# What conda-forge calls a package where it is not what the index of Python calls it.
CONDA_NAMES = {
    "ibis-framework[duckdb]": "ibis-duckdb",
    "matplotlib": "matplotlib-base",
    "playwright": "playwright-python",
}
# Not on conda-forge: installed by pip inside the conda environment.
ONLY_PIP = {"axe-playwright-python"}
OURS = [Requirement(entry) for entry in PROJECT["dependencies"]]
FOR_TESTS = [Requirement(entry) for entry in PROJECT["optional-dependencies"]["test"]]


def full_name(requirement: Requirement) -> str:
    extras = f"[{','.join(sorted(requirement.extras))}]" if requirement.extras else ""
    return requirement.name + extras


def conda_entries() -> dict[str, SpecifierSet]:
    """Name and constraint of every conda package, and of those that pip adds."""
    plain = [entry for entry in CONDA["dependencies"] if isinstance(entry, str)]
    by_pip = [entry for part in CONDA["dependencies"] if isinstance(part, dict) for entry in part["pip"]]
    found = {}
    for entry in plain + by_pip:
        name, constraint = re.fullmatch(r"([A-Za-z0-9_.-]+)(.*)", entry).groups()
        # conda writes python=3.12 for every 3.12
        found[name] = SpecifierSet(re.sub(r"^=(\d[\d.]*)$", r"==\1.*", constraint.strip()))
    return found


def pins(text: str) -> list[tuple[str, str, str, int]]:
    """Name, version, marker and number of hashes of every pin in a lock file."""
    found = []
    for line in re.sub(r"\\\n\s*", " ", text).splitlines():
        head, *hashes = re.split(r"\s+--hash=", line)
        pin, _, marker = head.partition(" ; ")
        if match := re.fullmatch(r"([a-z0-9][a-z0-9._-]*)==(\S+)", pin.strip()):
            found.append((*match.groups(), marker.strip(), len(hashes)))
    return found


@pytest.mark.parametrize("requirement", OURS + FOR_TESTS, ids=full_name)
def test_conda_has_the_same_package_with_the_same_constraint(requirement):
    name = full_name(requirement)
    entries = conda_entries()
    assert CONDA_NAMES.get(name, name) in entries
    assert entries[CONDA_NAMES.get(name, name)] == requirement.specifier


def test_conda_has_nothing_more():
    expected = {CONDA_NAMES.get(full_name(r), full_name(r)) for r in OURS + FOR_TESTS}
    assert set(conda_entries()) - expected == {"python", "pip"}


def test_only_what_conda_forge_lacks_comes_by_pip():
    by_pip = [entry for part in CONDA["dependencies"] if isinstance(part, dict) for entry in part["pip"]]
    assert {Requirement(entry).name for entry in by_pip} == ONLY_PIP


def test_conda_asks_the_free_channel_alone():
    assert CONDA["channels"] in (["conda-forge"], ["conda-forge", "nodefaults"])
    assert CONDA["name"] == PROJECT["name"]


def test_conda_s_python_is_one_the_project_supports():
    python = str(conda_entries()["python"]).removeprefix("==").removesuffix(".*")
    assert SpecifierSet(PROJECT["requires-python"]).contains(f"{python}.5")


@pytest.mark.parametrize("python", ["3.11.9", "3.12.5", "3.13.1"])
@pytest.mark.parametrize(
    ("lock", "requirement"),
    [pytest.param("requirements.lock", r, id=f"run: {r.name}") for r in OURS]
    + [pytest.param("requirements-test.lock", r, id=f"test: {r.name}") for r in OURS + FOR_TESTS],
)
def test_every_dependency_is_pinned_once_within_its_constraint(lock, requirement, python):
    """For every Python supported: the markers choose exactly one version, and it fits."""
    machine = default_environment() | {
        "python_full_version": python, "python_version": python.rsplit(".", 1)[0], "sys_platform": "linux",
        "platform_system": "Linux", "os_name": "posix",
    }  # fmt: skip
    versions = [
        version for name, version, marker, _ in pins(LOCKS[lock])
        if name == canonicalize_name(requirement.name) and (not marker or Marker(marker).evaluate(machine))
    ]  # fmt: skip
    assert len(versions) == 1, versions
    assert requirement.specifier.contains(versions[0])


@pytest.mark.parametrize("lock", LOCKS)
def test_every_pin_has_hashes_and_every_line_is_understood(lock):
    found = pins(LOCKS[lock])
    assert len(found) == len(re.findall(r"^[a-zA-Z0-9]", LOCKS[lock], re.M)) > 100
    assert [name for name, _, _, hashes in found if not hashes] == []
    listed = re.findall(r"--hash=(\S+)", LOCKS[lock])
    assert all(re.fullmatch(r"sha256:[0-9a-f]{64}", entry) for entry in listed)
    assert sum(hashes for *_, hashes in found) == len(listed)


@pytest.mark.parametrize("lock", LOCKS)
def test_no_lock_holds_an_address_or_an_option_that_finds_packages_elsewhere(lock):
    for word in (
        "http:",
        "https:",
        "git+",
        "file:",
        "--index",
        "--extra-index",
        "--find-links",
        "--trusted",
        " @ ",
    ):
        assert word not in LOCKS[lock]


def test_the_tests_run_on_the_versions_that_reports_run_on():
    run, test = ({(n, v, m) for n, v, m, _ in pins(LOCKS[lock])} for lock in LOCKS)
    assert run <= test


def test_every_test_dependency_has_a_reason_to_be_there():
    """A package that no test imports only makes the installation longer."""
    used_as = {"nbval": "nbval", "pytest-xdist": "-n ", "ruff": "ruff", "pyyaml": "yaml", "openpyxl": "openpyxl",
               "playwright": "playwright", "mpmath": "mpmath", "axe-playwright-python": "axe_playwright_python", "pytest": "pytest"}  # fmt: skip
    places = [*(ROOT / "tests").rglob("*.py"), ROOT / "Makefile"]
    text = "\n".join(path.read_text(encoding="utf-8") for path in places if path != Path(__file__))
    text += "\nimport yaml"  # this file
    assert set(used_as) == {r.name for r in FOR_TESTS}
    assert [name for name, word in used_as.items() if word not in text] == []
