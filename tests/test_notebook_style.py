"""The house style of notebooks, enforced: rules 3 to 9 of the style guide, so that style is no review topic.

Each rule reads a notebook and yields what is wrong with it. Every rule is also shown a
notebook that breaks it, so that the checker itself is tested.
"""

import ast
import copy
import json
import re
from pathlib import Path

import nbformat
import pytest

from crmlib.errors import ParameterError
from crmlib.intake.declared import read_parameters
from crmlib.intake.parameters import KNOWN, check_values

FOLDER = Path(__file__).parent.parent / "notebooks"
MAIN = sorted(FOLDER.glob("*.ipynb"))
SOLUTIONS = sorted((FOLDER / "solutions").glob("*.ipynb"))

TAGS = {
    "parameters", "setup", "run-card", "summary", "colophon", "teaching", "exercise", "solution", "claim",
    "remove-input", "remove-cell", "nbval-ignore-output",
}  # fmt: skip
ONCE = ("parameters", "setup", "run-card", "summary", "colophon")
SECTIONS = ("Findings", "What could be wrong", "Words used here", "Next and references")
OPENING = ("**The question to decide.**", "**Questions.**", "**You will be able to**", "**Before this**")
IMPORTS = {"crmlib", "numpy", "pandas"}
LONGEST_CELL, MOST_CELLS, LARGEST_BYTES = 25, 70, 900_000
BUNDLE = "application/vnd.crmlib+json"

ALL_RULES, MAIN_RULES = {}, {}


def rule(of_all: bool):
    """Register a rule, for every notebook or for the main ones only."""

    def register(check):
        (ALL_RULES if of_all else MAIN_RULES)[check.__name__] = check
        return check

    return register


# Reading a notebook -----------------------------------------------------------------------------


def tags(cell):
    return set(cell.metadata.get("tags", []))


def code_cells(nb):
    return [cell for cell in nb.cells if cell.cell_type == "code"]


def markdown_cells(nb):
    return [cell for cell in nb.cells if cell.cell_type == "markdown"]


def tagged(nb, tag):
    return [cell for cell in nb.cells if tag in tags(cell)]


def hidden(cell):
    """On the page such a cell is its output, or nothing: for the reader it is no code."""
    return bool(tags(cell) & {"remove-input", "remove-cell"})


def outputs(nb):
    return [(cell, output) for cell in code_cells(nb) for output in cell.get("outputs", [])]


def bundles(nb, kind):
    found = [output.get("data", {}).get(BUNDLE) for _, output in outputs(nb)]
    return [bundle for bundle in found if bundle and bundle["kind"] == kind]


def trees(nb):
    for cell in code_cells(nb):
        try:
            yield cell, ast.parse(cell.source)
        except SyntaxError:
            continue  # told by the rule `plain_python`


def section(nb, title):
    """The markdown below a heading of the second level, up to the next one."""
    text = "\n\n".join(cell.source for cell in markdown_cells(nb))
    found = re.search(rf"^## {re.escape(title)}$(.*?)(?=^## |\Z)", text, re.S | re.M)
    return found.group(1) if found else ""


def called(nb, method):
    """First arguments of the calls ``wb.<method>("...")``."""
    for _, tree in trees(nb):
        for node in ast.walk(tree):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
                continue
            if node.func.attr == method and node.args and isinstance(node.args[0], ast.Constant):
                yield node.args[0].value


# Structure --------------------------------------------------------------------------------------


@rule(of_all=True)
def one_title_that_is_a_question(nb):
    first, *rest = "\n".join(cell.source for cell in markdown_cells(nb)).splitlines()
    if not (first.startswith("# ") and first.endswith("?")):
        yield f"the title is no question: {first!r}"
    if nb.cells[0].cell_type != "markdown":
        yield "the first cell is not the title"
    yield from (f"a second title: {line!r}" for line in rest if line.startswith("# "))
    if first.removeprefix("# ") != nb.metadata.get("crmlib", {}).get("question"):
        yield "metadata.crmlib.question is not the title"


@rule(of_all=True)
def metadata_for_the_runner(nb):
    about = nb.metadata.get("crmlib", {})
    if missing := {"question", "needs", "saves"} - set(about):
        yield f"metadata.crmlib lacks {sorted(missing)}"
        return
    if sorted(about["saves"]) != sorted(set(called(nb, "save"))):
        yield "metadata.crmlib.saves are not the tables the cells save"
    if sorted(about["needs"]) != sorted(set(called(nb, "load"))):
        yield "metadata.crmlib.needs are not the tables the cells load"
    if sorted(about.get("earlier", [])) != sorted(set(called(nb, "earlier"))):
        yield "metadata.crmlib.earlier are not the tables of earlier runs the cells read"
    if nb.metadata.get("kernelspec", {}).get("name") != "python3":
        yield "the kernel is not python3"


@rule(of_all=True)
def tags_from_the_closed_list(nb):
    for cell in nb.cells:
        yield from (f"unknown tag {tag!r} in cell {cell.id}" for tag in tags(cell) - TAGS)


@rule(of_all=True)
def stable_cell_names(nb):
    ids = [cell.id for cell in nb.cells]
    if len(set(ids)) != len(ids):
        yield "two cells have the same id"
    if ids != [f"{ids[0].split('-')[0]}-{number:02d}" for number in range(len(ids))]:
        yield "cell ids do not count the cells"


@rule(of_all=False)
def each_part_once_and_in_order(nb):
    for tag in ONCE:
        if len(tagged(nb, tag)) != 1:
            yield f"{len(tagged(nb, tag))} cells tagged {tag}, not one"
    code = code_cells(nb)
    for place, tag in ((0, "parameters"), (1, "setup"), (2, "run-card"), (-1, "colophon")):
        if tag not in tags(code[place]):
            yield f"code cell {place} is not the {tag} cell"
    for tag in ONCE[1:]:
        yield from (f"the {tag} cell shows its code" for cell in tagged(nb, tag) if not hidden(cell))
    headings = [
        line[3:] for cell in markdown_cells(nb) for line in cell.source.splitlines() if line.startswith("## ")
    ]
    if [heading for heading in headings if heading in SECTIONS] != list(SECTIONS):
        yield f"the closing sections are not {', '.join(SECTIONS)}"
    opening = " ".join(cell.source for cell in nb.cells[:3])
    yield from (f"the opening lacks {part}" for part in OPENING if part not in opening)
    ideas = [heading for heading in headings if heading not in SECTIONS]
    yield from (
        f"the heading of an idea is no question: {heading!r}" for heading in ideas if heading[-1] != "?"
    )
    if not 3 <= len(ideas) <= 8:
        yield f"{len(ideas)} ideas, not three to six (and a look at the data)"


@rule(of_all=False)
def three_exercises_without_their_solutions(nb):
    named = [re.findall(r"^### Exercise (\d)", cell.source, re.M) for cell in tagged(nb, "exercise")]
    if [number for numbers in named for number in numbers] != ["1", "2", "3"]:
        yield "the exercises are not 1, 2 and 3"
    answers = [cell.source.splitlines()[0] for cell in tagged(nb, "exercise") if cell.cell_type == "code"]
    if answers != [f"answer_{number} = None" for number in (1, 2, 3)]:
        yield "an exercise has no empty answer"
    if tagged(nb, "solution"):
        yield "solutions stand in the main notebook"


@rule(of_all=True)
def no_larger_than_a_reader_can_bear(nb):
    for cell in code_cells(nb):
        lines = cell.source.count("\n") + 1
        # The findings are one cell by contract: the page lifts it to the top.
        if lines > LONGEST_CELL:
            yield f"cell {cell.id} has {lines} lines"
    if len(nb.cells) > MOST_CELLS:
        yield f"{len(nb.cells)} cells"
    size = len(nbformat.writes(nb).encode())
    if size > LARGEST_BYTES:
        yield f"{size:,} bytes"


# Code -------------------------------------------------------------------------------------------


@rule(of_all=True)
def plain_python(nb):
    for cell in code_cells(nb):
        try:
            ast.parse(cell.source)
        except SyntaxError as error:
            yield f"cell {cell.id} is no plain Python: {error.msg}"


@rule(of_all=True)
def flat_typed_parameters(nb):
    cells = tagged(nb, "parameters")
    if len(cells) != 1:
        yield f"{len(cells)} parameters cells"
        return
    lines = cells[0].source.splitlines()
    if len(lines) > 10:
        yield f"{len(lines)} parameters, more than ten"
    for line in lines:
        found = re.fullmatch(r"([a-z][a-z0-9_]*) = (.+?)\s+# (str|int|float|bool|list), (.{5,})", line)
        if not found:
            yield f"not `name = value  # type, meaning`: {line!r}"
            continue
        name, written, kind, meaning = found.groups()
        try:
            value = ast.literal_eval(written)
        except ValueError:
            yield f"the value of {name} is no literal"
            continue
        if type(value).__name__ != kind:
            yield f"{name} is said to be {kind} and is {type(value).__name__}"
        if isinstance(value, list) and any(isinstance(item, list | dict | tuple) for item in value):
            yield f"{name} is not flat"
        if set("=#") & set(meaning) or (isinstance(value, str) and set("=#") & set(value)):
            yield f"{name} has = or # in its comment or value; papermill's reader would cut it"
        if name not in KNOWN:
            yield f"{name} is not in the registry of parameters"
    try:
        declared = read_parameters(nb)
        check_values({name: parameter.default for name, parameter in declared.items() if name in KNOWN})
    except ParameterError as error:
        yield f"the suite refuses the cell: {error}"
    else:
        if len(declared) != len(lines):
            yield "the suite does not read every line of the cell"


@rule(of_all=True)
def notebooks_call_and_crmlib_computes(nb):
    forbidden = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda, ast.For, ast.While, ast.AsyncFor,
                 ast.With, ast.Try, ast.Global, ast.Delete)  # fmt: skip
    for cell, tree in trees(nb):
        for node in ast.walk(tree):
            if isinstance(node, forbidden):
                yield f"cell {cell.id}: {type(node).__name__}"
            elif isinstance(node, ast.Attribute) and node.attr in {"iterrows", "itertuples", "apply"}:
                yield f"cell {cell.id}: .{node.attr}, a loop over rows"


@rule(of_all=True)
def imports_in_one_block(nb):
    for cell, tree in trees(nb):
        for node in ast.walk(tree):
            if isinstance(node, ast.Import | ast.ImportFrom):
                names = (
                    [alias.name for alias in node.names] if isinstance(node, ast.Import) else [node.module]
                )
                if "setup" not in tags(cell):
                    yield f"cell {cell.id}: an import outside the setup cell"
                yield from (
                    f"cell {cell.id}: import of {name}" for name in names if name.split(".")[0] not in IMPORTS
                )
                if any(alias.name == "*" for alias in node.names):
                    yield f"cell {cell.id}: import of everything"


@rule(of_all=True)
def no_files_read_and_no_figures_drawn(nb):
    for cell, tree in trees(nb):
        for node in ast.walk(tree):
            name = (
                node.attr
                if isinstance(node, ast.Attribute)
                else node.id
                if isinstance(node, ast.Name)
                else ""
            )
            if name.startswith(("read_", "to_csv", "to_parquet", "to_excel", "write_")) or name in {
                "open",
                "open_data",
            }:
                yield f"cell {cell.id}: {name} reads or writes a file"
            if name in {"plt", "sns", "matplotlib", "seaborn", "plot", "hist", "style", "HTML", "Markdown"}:
                yield f"cell {cell.id}: {name} draws or formats"
            if name in {"print", "eval", "exec", "filterwarnings", "environ", "sql", "raw_sql"}:
                yield f"cell {cell.id}: {name}"


# Prose ------------------------------------------------------------------------------------------


@rule(of_all=True)
def prose_between_code(nb):
    row = 0
    for cell in nb.cells:
        row = row + 1 if cell.cell_type == "code" and not hidden(cell) else 0
        if row > 2:
            yield f"cell {cell.id} is the third code cell in a row"
    for cell, following in zip(nb.cells, nb.cells[1:], strict=False):
        only_heading = cell.cell_type == "markdown" and re.fullmatch(r"#+ .*", cell.source.strip())
        if only_heading and following.cell_type == "code" and not hidden(following):
            yield f"code without a lead-in after {cell.source!r}"


ALLOWED_NUMBERS = {"0", "1", "95%"}


def typed_numbers(markdown):
    """Numbers that a run could change, typed into text."""
    text = re.sub(r"^## .*References.*?(?=^## |\Z)", "", markdown, flags=re.S | re.M | re.I)
    text = re.sub(
        r"\$\$.*?\$\$|(?<![\\\d])\$(?=\S)[^$\n]*?(?<=\S)\$(?!\d)", " ", text, flags=re.S
    )  # formulas
    text = re.sub(r"`[^`]*`", " ", text)  # names of tables and columns
    text = re.sub(r"\]\([^)]*\)", "]", text)  # link targets
    text = re.sub(r"^\s*\d+\. ", "", text, flags=re.M)  # list numbering
    text = re.sub(r"^#+ Exercise \d\b", "", text, flags=re.M)
    text = re.sub(r"\breading time: \d+ minutes", "", text)
    text = re.sub(r"\b[Nn]otebook \d\d\b", "", text)
    text = re.sub(r"\((?:[A-Z][\w'&., -]* )?(?:19|20)\d\d[a-z]?\)", "", text)  # (Author 2004)
    found = re.findall(r"[€$£¥]?\s?\d[\d.,]*(?:\s?(?:%|per cent|percent|k|M|bn|million)\b|%)?", text)
    return [number.strip(" .,") for number in found if number.strip(" .,") not in ALLOWED_NUMBERS]


@rule(of_all=True)
def no_data_number_in_markdown(nb):
    for cell in markdown_cells(nb):
        yield from (f"cell {cell.id}: {number!r} is typed" for number in typed_numbers(cell.source))


@rule(of_all=False)
def bold_terms_are_explained(nb):
    listed = re.findall(r"^- \*\*(.+?)\*\* \((.+?)\): .{10,}$", section(nb, "Words used here"), re.M)
    lines = [line for line in section(nb, "Words used here").splitlines() if line.startswith("- ")]
    if len(listed) != len(lines):
        yield "a word is not written as `- **Term** (termine italiano): what it is`"
    words = {term.lower() for term, _ in listed}
    yield from (f"no Italian word for {term}" for term, italian in listed if italian.lower() == term.lower())
    if [term.lower() for term, _ in listed] != sorted(words):
        yield "the words are not in alphabetical order, each once"
    started, used = False, set()
    for cell in markdown_cells(nb):
        started = started or cell.source.startswith("## ")
        if any(f"## {title}" in cell.source for title in SECTIONS):
            break
        if started:
            used |= {term.lower() for term in re.findall(r"\*\*(.+?)\*\*", cell.source)}
    yield from (f"bold and not explained: {term}" for term in sorted(used - words))
    yield from (f"explained and nowhere bold: {term}" for term in sorted(words - used))


@rule(of_all=True)
def formulas_of_the_kind_the_page_can_set(nb):
    for cell in markdown_cells(nb):
        for formula in re.findall(r"\$\$.*?\$\$", cell.source, re.S):
            yield from (
                f"cell {cell.id}: {word} cannot be set as MathML"
                for word in (r"\begin{aligned}", r"\operatorname*", r"\begin{align}")
                if word in formula
            )
        if re.search(r"<(script|style|img|iframe|div|span|font)\b", cell.source):
            yield f"cell {cell.id}: HTML in markdown"


# Outputs ----------------------------------------------------------------------------------------


@rule(of_all=True)
def run_from_top_to_bottom(nb):
    counts = [cell.get("execution_count") for cell in code_cells(nb)]
    if counts != list(range(1, len(counts) + 1)):
        yield f"execution counts are {counts}"


@rule(of_all=True)
def no_error_warning_or_stray_text(nb):
    for cell, output in outputs(nb):
        if output.output_type in ("error", "stream"):
            yield f"cell {cell.id}: output of type {output.output_type}"
        text = json.dumps(output.get("data", {}))
        yield from (
            f"cell {cell.id}: {word} in its output" for word in ("Warning:", "Traceback") if word in text
        )


@rule(of_all=True)
def outputs_are_the_same_on_every_machine(nb):
    for cell, output in outputs(nb):
        text = json.dumps({key: value for key, value in output.get("data", {}).items() if key != "image/png"})
        if found := re.search(r"\bat 0x[0-9a-f]+|/home/|/tmp/|/root/|[A-Z]:\\\\Users|<Figure size", text):
            yield f"cell {cell.id}: {found.group(0)!r} in its output"
        if found := re.search(
            r"<script|<style|<iframe|class=\\\"dataframe|id=\\\"T_|https?://|javascript:", text
        ):
            yield f"cell {cell.id}: {found.group(0)!r} in its output; show tables and figures by the helpers"


@rule(of_all=True)
def figures_can_be_read_without_seeing_them(nb):
    for cell in code_cells(nb):
        made = cell.get("outputs", [])
        for output, following in zip(made, [*made[1:], None], strict=False):
            data = output.get("data", {})
            if "image/svg+xml" in data or "image/jpeg" in data:
                yield f"cell {cell.id}: a picture that is no PNG"
            if "image/png" not in data:
                continue
            alt = output.metadata.get("image/png", {}).get("alt", "")
            if len(alt) < 40 or "no description" in alt.lower():
                yield f"cell {cell.id}: alt text {alt!r}"
            if data.get(BUNDLE, {}).get("alt") != alt:
                yield f"cell {cell.id}: a figure that was not made by the helper"
            behind = following.get("data", {}).get("text/html", "") if following else ""
            if 'class="data-behind"' not in behind:
                yield f"cell {cell.id}: no numbers behind the figure"


@rule(of_all=True)
def tables_have_a_title_and_few_rows(nb):
    for cell, output in outputs(nb):
        html = output.get("data", {}).get("text/html", "")
        for table in re.findall(r"<figure class=\"table\">.*?</figure>", html, re.S):
            if not re.search(r"<figcaption>[^<]{10,}</figcaption>", table):
                yield f"cell {cell.id}: a table without a title"
            if table.count("<tr") > 14:
                yield f"cell {cell.id}: a table of {table.count('<tr') - 1} rows"
            # The numbers behind a figure are folded away and may be as wide as what is drawn.
            if table.count('scope="col"') > 8 and "data-behind" not in html:
                yield f"cell {cell.id}: a table of {table.count(chr(34) + 'col' + chr(34))} columns"


@rule(of_all=False)
def findings_are_computed_and_handed_over(nb):
    summary = tagged(nb, "summary")
    made = [o.get("data", {}).get(BUNDLE, {}) for cell in summary for o in cell.get("outputs", [])]
    found = [bundle for bundle in made if bundle.get("kind") == "findings"]
    if len(found) != 1 or len(bundles(nb, "findings")) != 1:
        yield "the summary cell does not hand over the findings"
        return
    if not 3 <= len(found[0]["findings"]) <= 5:
        yield f"{len(found[0]['findings'])} findings, not three to five"
    for part in [found[0]["headline"], found[0]["decision"]["text"]]:
        if not re.search(r"\d", part):
            yield f"no number in {part!r}"
    if not any(metric["low"] is not None for metric in found[0]["metrics"]):
        yield "no metric has an interval"
    if len(bundles(nb, "run_card")) != 1:
        yield "the run card is not handed over"
    if sorted(b["table"] for b in bundles(nb, "saved")) != sorted(
        nb.metadata.get("crmlib", {}).get("saves", [])
    ):
        yield "the tables saved are not those declared"


# The notebooks of the suite ---------------------------------------------------------------------


def read(path):
    return nbformat.read(path, 4)


def rules_for(path):
    return ALL_RULES | (MAIN_RULES if path in MAIN else {})


@pytest.mark.parametrize(
    ("path", "name"),
    [pytest.param(p, n, id=f"{p.parent.name}/{p.stem}: {n}") for p in MAIN + SOLUTIONS for n in rules_for(p)],
)
def test_style(path, name):
    assert list(rules_for(path)[name](read(path))) == []


def test_there_are_notebooks_to_check():
    assert FOLDER / "02_profitability.ipynb" in MAIN
    assert [path.name for path in SOLUTIONS] == [path.name for path in MAIN]


@pytest.mark.parametrize("path", MAIN + SOLUTIONS, ids=lambda path: path.parent.name + "/" + path.stem)
def test_the_file_is_a_valid_notebook(path):
    nbformat.validate(read(path))


# The checker itself -----------------------------------------------------------------------------

PICTURE = {
    "output_type": "display_data",
    "data": {
        "image/png": "eA==",
        "text/plain": "[Figure]",
        BUNDLE: {"kind": "figure", "title": "t", "alt": "a" * 50},
    },
    "metadata": {"image/png": {"alt": "a" * 50}},
}
BEHIND = {
    "output_type": "display_data",
    "data": {"text/html": '<details class="data-behind"></details>'},
    "metadata": {},
}


def bundle(**data):
    return {"output_type": "execute_result", "execution_count": 1, "data": {BUNDLE: data}, "metadata": {}}


def good_notebook():
    """The smallest notebook that keeps every rule."""
    findings = bundle(
        kind="findings", headline="Few earn €5.", findings=[{}, {}, {}], decision={"text": "Do it for €3."},
        metrics=[{"low": 1}],
    )  # fmt: skip
    table = {"output_type": "execute_result", "execution_count": 1, "metadata": {}, "data": {
        "text/html": '<figure class="table"><figcaption>Sales by customer</figcaption></figure>'}}  # fmt: skip
    md = nbformat.v4.new_markdown_cell
    cells = [
        md("# Who earns us money?\n\nreading time: 20 minutes"),
        md("**The question to decide.** a\n\n**Questions.**\n1. What?"),
        md("**You will be able to** b\n\n**Before this** c", metadata={"tags": ["teaching"]}),
        ("parameters", 'source = "bundled"    # str, the data to open\nseed = 7    # int, seed of the intervals', []),
        ("setup remove-input", "from crmlib.display import Workbook", []),
        ("run-card remove-input", "wb.run_card()", [bundle(kind="run_card")]),
        md("## What is left?\n\n**Margin** is $a - 2b$, between 0 and 1, with a 95% interval."),
        ("", "margin = 3", []),
        ("remove-input", "wb.show(margin)", [PICTURE, BEHIND]),
        md("## What does it cost?\n\nPlain."),
        ("", "wb.table(margin)", [table]),
        md("## What now?\n\nPlain (Kaplan 2004)."),
        ("remove-input", 'wb.save("profit", margin)', [bundle(kind="saved", table="profit")]),
        md("## Findings"),
        ("summary remove-input", "wb.findings(margin)", [findings]),
        md("## What could be wrong\n\nNothing."),
        *(cell for number in (1, 2, 3) for cell in (
            md(f"### Exercise {number} (easy)\n\nWhat?", metadata={"tags": ["exercise"]}),
            ("exercise", f"answer_{number} = None\nwb.exercise({number}, answer_{number})", []))),
        md("## Words used here\n\n- **Margin** (margine): what is left of the sales."),
        md("## Next and references\n\n- Kaplan, R. S. (2004). Costing. *HBR* 82(11), 131-138."),
        ("colophon remove-input", "wb.colophon()", []),
    ]  # fmt: skip
    made, count = [], 0
    for place, cell in enumerate(cells):
        if isinstance(cell, tuple):
            names, source, outs = cell
            count += 1
            outs = [nbformat.from_dict(copy.deepcopy(out)) for out in outs]
            cell = nbformat.v4.new_code_cell(source, outputs=outs, execution_count=count)
            cell.metadata["tags"] = names.split()
        cell["id"] = f"p02-{place:02d}"
        made.append(cell)
    about = {"question": "Who earns us money?", "needs": [], "saves": ["profit"]}
    return nbformat.v4.new_notebook(
        cells=made, metadata={"crmlib": about, "kernelspec": {"name": "python3", "display_name": "Python 3"}}
    )


def problems(nb):
    return {name for name, check in (ALL_RULES | MAIN_RULES).items() if list(check(nb))}


def test_the_good_notebook_is_good():
    nb = good_notebook()
    nbformat.validate(nb)
    assert problems(nb) == set()


def change(place, **values):
    def apply(nb):
        nb.cells[place].update(values)

    return apply


def source(place, text):
    return change(place, source=text)


def parameters(text):
    return source(3, 'source = "bundled"    # str, the data to open\n' + text)


def add_text(text):
    return source(9, f"## What does it cost?\n\n{text}")


def retag(place, *names):
    def apply(nb):
        nb.cells[place].metadata["tags"] = list(names)

    return apply


def with_output(place, **output):
    def apply(nb):
        nb.cells[place].outputs.append(nbformat.from_dict({"metadata": {}, **output}))

    return apply


def html(text):
    return with_output(10, output_type="display_data", data={"text/html": text})


def three_in_a_row(nb):
    for place in (8, 9):
        nb.cells[place] = nbformat.v4.new_code_cell("margin = 4", execution_count=99)
        nb.cells[place]["id"] = f"p02-{place:02d}"


def drop_alt(nb):
    nb.cells[8].outputs[0].metadata = {}


def short_alt(nb):
    nb.cells[8].outputs[0].metadata["image/png"]["alt"] = "A chart."


def drop_numbers_behind(nb):
    del nb.cells[8].outputs[1]


def drop_findings(nb):
    nb.cells[14].outputs = []


def metadata(**values):
    def apply(nb):
        nb.metadata["crmlib"] = {**nb.metadata["crmlib"], **values}

    return apply


def drop_cell(place):
    def apply(nb):
        del nb.cells[place]

    return apply


BROKEN = [
    ("one_title_that_is_a_question", source(0, "# Profitability analysis")),
    ("one_title_that_is_a_question", add_text("\n# Another title?")),
    ("one_title_that_is_a_question", metadata(question="Something else?")),
    ("metadata_for_the_runner", metadata(saves=[])),
    ("metadata_for_the_runner", metadata(needs=["cohorts"])),
    ("metadata_for_the_runner", lambda nb: nb.metadata.pop("crmlib")),
    ("tags_from_the_closed_list", retag(7, "remove_input")),
    ("stable_cell_names", change(7, id="random-1234")),
    ("each_part_once_and_in_order", retag(14, "remove-input")),
    ("each_part_once_and_in_order", retag(5, "run-card")),
    ("each_part_once_and_in_order", source(9, "## Costs\n\nPlain.")),
    ("each_part_once_and_in_order", source(1, "**The question to decide.** a")),
    ("each_part_once_and_in_order", source(15, "## Caveats\n\nNothing.")),
    ("three_exercises_without_their_solutions", source(17, "answer_1 = 0.5\nwb.exercise(1, answer_1)")),
    ("three_exercises_without_their_solutions", drop_cell(16)),
    ("three_exercises_without_their_solutions", retag(7, "solution")),
    ("no_larger_than_a_reader_can_bear", source(7, "\n".join(["margin = 3"] * 26))),
    ("no_larger_than_a_reader_can_bear", html("x" * 900_000)),
    ("plain_python", source(7, "%matplotlib inline")),
    ("plain_python", source(7, "!pip install x")),
    ("flat_typed_parameters", parameters("seed = 7")),
    ("flat_typed_parameters", parameters("seed = 7    # float, seed of the intervals")),
    ("flat_typed_parameters", parameters("seed = 7.0    # int, seed of the intervals")),
    ("flat_typed_parameters", parameters("seed = 3 + 4    # int, seed of the intervals")),
    ("flat_typed_parameters", parameters("seed = 7    # int, seed=7 by default")),
    ("flat_typed_parameters", parameters("seed = 7    # int, the #1 seed of all")),
    ("flat_typed_parameters", parameters("seed = -7    # int, seed of the intervals")),
    ("flat_typed_parameters", parameters("my_own_name = 7    # int, something of mine")),
    ("flat_typed_parameters", parameters("# a line of its own")),
    ("flat_typed_parameters", parameters("\n".join(["seed = 7    # int, seed of the intervals"] * 10))),
    ("notebooks_call_and_crmlib_computes", source(7, "def f(x):\n    return x")),
    ("notebooks_call_and_crmlib_computes", source(7, "class A:\n    pass")),
    ("notebooks_call_and_crmlib_computes", source(7, "f = lambda x: x")),
    ("notebooks_call_and_crmlib_computes", source(7, "for row in margin:\n    row")),
    ("notebooks_call_and_crmlib_computes", source(7, "while margin:\n    margin = 0")),
    ("notebooks_call_and_crmlib_computes", source(7, "[row for row in margin.itertuples()]")),
    ("notebooks_call_and_crmlib_computes", source(7, "margin.apply(max, axis=1)")),
    ("imports_in_one_block", source(7, "import numpy as np")),
    ("imports_in_one_block", source(4, "import matplotlib.pyplot as plt")),
    ("imports_in_one_block", source(4, "from crmlib import *")),
    ("no_files_read_and_no_figures_drawn", source(7, 'pd.read_csv("data/orders.csv")')),
    ("no_files_read_and_no_figures_drawn", source(7, 'open("data/orders.csv")')),
    ("no_files_read_and_no_figures_drawn", source(7, "plt.figure()")),
    ("no_files_read_and_no_figures_drawn", source(7, "margin.plot()")),
    ("no_files_read_and_no_figures_drawn", source(7, "margin.style.format(3)")),
    ("no_files_read_and_no_figures_drawn", source(7, 'HTML("<b>x</b>")')),
    ("no_files_read_and_no_figures_drawn", source(7, "print(margin)")),
    ("prose_between_code", three_in_a_row),
    ("prose_between_code", source(9, "## What does it cost?")),
    ("no_data_number_in_markdown", add_text("The top tenth earns 73% of profit.")),
    ("no_data_number_in_markdown", add_text("There are 1,762 customers.")),
    ("no_data_number_in_markdown", add_text("It costs €5 each.")),
    ("no_data_number_in_markdown", add_text("It costs $5 and then $7 each.")),
    ("no_data_number_in_markdown", add_text("A rate of 0.42 is high.")),
    ("no_data_number_in_markdown", add_text("About 3 customers in 10.")),
    ("no_data_number_in_markdown", add_text("Sales of 2.3 million.")),
    ("no_data_number_in_markdown", add_text("In 2026 sales fell.")),
    ("no_data_number_in_markdown", add_text("1. First, 12 of them left.")),
    ("no_data_number_in_markdown", source(15, "## What could be wrong\n\n- Only 40 days are known.")),
    ("bold_terms_are_explained", add_text("A **whale curve** rises and falls.")),
    ("bold_terms_are_explained", source(22, "## Words used here\n\n- **Margin**: what is left of the sales.")),
    ("bold_terms_are_explained", source(22, "## Words used here\n\n- **Margin** (margin): what is left of the sales.")),
    ("bold_terms_are_explained", source(6, "## What is left?\n\nMargin is what is left.")),
    ("formulas_of_the_kind_the_page_can_set", add_text(r"$$\begin{aligned} a &= b \end{aligned}$$")),
    ("formulas_of_the_kind_the_page_can_set", add_text("<img src=x onerror=alert(1)>")),
    ("run_from_top_to_bottom", change(7, execution_count=None)),
    ("run_from_top_to_bottom", change(7, execution_count=12)),
    ("no_error_warning_or_stray_text", with_output(7, output_type="stream", name="stderr", text="hm")),
    ("no_error_warning_or_stray_text", with_output(7, output_type="stream", name="stdout", text="hm")),
    ("no_error_warning_or_stray_text", with_output(7, output_type="error", ename="E", evalue="e", traceback=[])),
    ("no_error_warning_or_stray_text", html("FutureWarning: something")),
    ("outputs_are_the_same_on_every_machine", html("&lt;object at 0x7f5e8c358170&gt;")),
    ("outputs_are_the_same_on_every_machine", html("/home/anna/crm/data")),
    ("outputs_are_the_same_on_every_machine", html('<table class="dataframe">')),
    ("outputs_are_the_same_on_every_machine", html("<style>td {}</style>")),
    ("outputs_are_the_same_on_every_machine", html('<a href="https://example.com">')),
    ("figures_can_be_read_without_seeing_them", drop_alt),
    ("figures_can_be_read_without_seeing_them", short_alt),
    ("figures_can_be_read_without_seeing_them", drop_numbers_behind),
    ("figures_can_be_read_without_seeing_them",
     with_output(7, output_type="display_data", data={"image/svg+xml": "<svg/>"})),
    ("tables_have_a_title_and_few_rows", html('<figure class="table"><table></table></figure>')),
    ("tables_have_a_title_and_few_rows",
     html('<figure class="table"><figcaption>All the customers</figcaption>' + "<tr>" * 30 + "</figure>")),
    ("findings_are_computed_and_handed_over", drop_findings),
    ("findings_are_computed_and_handed_over",
     lambda nb: nb.cells[14].outputs[0].data[BUNDLE].update(findings=[{}] * 6)),
    ("findings_are_computed_and_handed_over",
     lambda nb: nb.cells[14].outputs[0].data[BUNDLE].update(headline="Few earn a lot.")),
]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "breaking"), [pytest.param(n, b, id=f"{n}-{i}") for i, (n, b) in enumerate(BROKEN)]
)
def test_the_checker_finds_what_is_broken(name, breaking):
    nb = good_notebook()
    breaking(nb)
    assert name in problems(nb)


def test_every_rule_is_shown_a_notebook_that_breaks_it():
    assert {name for name, _ in BROKEN} == set(ALL_RULES | MAIN_RULES)


@pytest.mark.parametrize(
    "text",
    [
        "The rate is $C/M = 0.8$ and $$s = 2 n$$ holds.",
        "1. What is left?\n2. What does it cost?",
        "A 95% interval, from 0 to 1.",
        "It follows Kaplan (2004), as in notebook 02.",
        "## References\n\n- Kaplan (2004). *HBR* 82(11), 131-138.\n",
        "*Analytical CRM · level: second year · reading time: 20 minutes*",
        "See `orders_2` and [the page](page_12.html).",
    ],
)
def test_numbers_that_no_run_can_change_may_be_typed(text):
    assert typed_numbers(text) == []
