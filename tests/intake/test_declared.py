"""The parameters cell is read as it stands, or refused with its line."""

import json

import pytest

from crmlib.errors import ParameterError
from crmlib.intake.declared import Parameter, read_parameters


def notebook(*sources, tags=("parameters",)):
    return {
        "cells": [
            {"cell_type": "code", "metadata": {"tags": list(tags)}, "source": source} for source in sources
        ]
    }


def test_names_types_defaults_and_comments_are_read_in_order():
    declared = read_parameters(
        notebook(
            'source = "bundled"  # str, the data to open\n'
            "rate = 0.1  # float, share per year, the cost of capital\n"
            "n = 12\n"
            "flag = False\n"
            "groups = [0.2, 0.5]  # list, shares\n"
            'hash = "a # b"  # str, a value with a hash sign'
        )
    )
    assert list(declared) == ["source", "rate", "n", "flag", "groups", "hash"]
    assert [p.type for p in declared.values()] == ["str", "float", "int", "bool", "list", "str"]
    assert declared["rate"] == Parameter("rate", 0.1, "float", "float, share per year, the cost of capital")
    assert declared["hash"].default == "a # b"
    assert declared["n"].comment == ""


def test_a_file_gives_the_same_as_the_notebook_node(tmp_path):
    node = notebook(["n = 3\n", "k = 4"])
    path = tmp_path / "x.ipynb"
    path.write_text(json.dumps(node))
    assert read_parameters(path) == read_parameters(node) == read_parameters(str(path))


def test_without_the_tag_there_are_no_parameters():
    assert read_parameters(notebook("n = 3", tags=())) == {}


@pytest.mark.parametrize(
    "source",
    [
        "n = 3 + 4",
        "import os",
        "n = 3\nn = 4",
        "a, b = 1, 2",
        "n = None",
        "n = [[1]]",
        "n = {'a': 1}",
        "n = (",
    ],
)
def test_a_line_that_is_not_a_plain_value_is_refused(source):
    with pytest.raises(ParameterError, match="line"):
        read_parameters(notebook(source))


def test_two_parameter_cells_are_refused():
    with pytest.raises(ParameterError, match="2 cells"):
        read_parameters(notebook("n = 3", "k = 4"))


def test_an_unreadable_file_is_named(tmp_path):
    path = tmp_path / "broken.ipynb"
    path.write_text("{")
    with pytest.raises(ParameterError, match=r"broken\.ipynb"):
        read_parameters(path)
