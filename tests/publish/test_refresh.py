"""Refreshing committed notebooks: outputs anew, twice the same, and solutions know the suite they belong to."""

import json

from crmlib.publish.refresh import refresh

SEEN = "import os, pathlib\nprint(sorted(p.name for p in pathlib.Path(os.environ['CRMLIB_NOTEBOOKS']).glob('*.ipynb')))"


def printed(path):
    cells = json.loads(path.read_text())["cells"]
    return "".join("".join(out["text"]) for cell in cells for out in cell.get("outputs", [])).strip()


def test_a_folder_is_its_own_suite_and_solutions_belong_to_that_of_their_exercises(suite):
    main = suite.add("00_overview", "md:# What?", SEEN)
    (suite.folder / "solutions").mkdir()
    solved = main.rename(suite.folder / "solutions" / main.name)
    main = suite.add("00_overview", "md:# What?", SEEN)
    suite.add("01_a", "md:# A?", "1 + 1")

    assert refresh(suite.folder) == [main, suite.folder / "01_a.ipynb"]
    assert refresh(suite.folder / "solutions", suite.folder) == [solved]
    assert printed(main) == printed(solved) == "['00_overview.ipynb', '01_a.ipynb']"
    assert refresh(suite.folder) == []

    refresh(suite.folder / "solutions")
    assert printed(solved) == "['00_overview.ipynb']"
