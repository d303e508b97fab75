"""Two equal runs leave equal notebooks, whatever the clock, the memory and the folder were."""

import copy

from crmlib.publish.normalise import normalise


def executed(stamp, folder, address):
    return {
        "metadata": {
            "papermill": {"duration": stamp},
            "language_info": {"version": "3.11.7"},
            "kernelspec": {"name": stamp},
        },
        "nbformat": 4,
        "nbformat_minor": 5,
        "cells": [
            {"cell_type": "markdown", "id": "same", "metadata": {}, "source": "Text"},
            {
                "cell_type": "code",
                "id": f"random-{stamp}",
                "metadata": {"tags": ["injected-parameters"], "execution": {"iopub.status.busy": stamp}},
                "source": f'source = "{folder}/run.toml"',
                "execution_count": 1,
                "outputs": [
                    {"output_type": "stream", "name": "stdout", "text": f"<object at 0x{address}>"},
                    {"output_type": "stream", "name": "stdout", "text": f" {folder}/tables"},
                    {
                        "output_type": "stream",
                        "name": "stderr",
                        "text": f"/tmp/ipykernel_{len(stamp)}/12.py:3: w",
                    },
                    {
                        "output_type": "display_data",
                        "metadata": {},
                        "data": {"image/png": "0x12345678", "text/html": f"<p>{folder}</p>"},
                    },
                ],
            },
        ],
    }


def clean(node, folder):
    return normalise(copy.deepcopy(node), "01_a", [(f"{folder}/run.toml", "run.toml"), (folder, "data")])


def test_runs_at_other_times_in_other_folders_become_the_same():
    one = clean(executed("10:00", "/home/a", "7f00aa11"), "/home/a")
    two = clean(executed("23:59:59", "/srv/b c", "55dd00ee99"), "/srv/b c")
    assert one == two


def test_what_is_left_is_what_was_there():
    node = clean(executed("10:00", "/home/a", "7f00aa11"), "/home/a")
    code = node["cells"][1]
    assert code["source"] == 'source = "run.toml"'
    assert [output.get("text") for output in code["outputs"][:2]] == [
        "<object at 0x...> data/tables",
        "<cell>:3: w",
    ]
    assert code["outputs"][2]["data"] == {"image/png": "0x12345678", "text/html": "<p>data</p>"}
    assert node["cells"][0]["id"] == "same"


def test_a_path_inside_a_longer_name_stays():
    node = executed("1", "/data", "7f00aa11")
    node["cells"][1]["outputs"][0]["text"] = "and/data /database /data-2 /data/x '/data'"
    shown = normalise(node, "01_a", [("/data", "D")])["cells"][1]["outputs"][0]["text"]
    assert shown.startswith("and/data /database /data-2 D/x 'D'")


def test_every_cell_has_an_id_of_its_own():
    node = executed("1", "/x/y", "7f00aa11")
    node["cells"].append(copy.deepcopy(node["cells"][0]))
    node["cells"].append({**copy.deepcopy(node["cells"][0]), "id": ""})
    ids = [cell["id"] for cell in normalise(node, "01_a")["cells"]]
    assert len(set(ids)) == len(ids)


def test_a_long_output_takes_no_quadratic_time():
    node = executed("1", "/x/y", "7f00aa11")
    node["cells"][1]["outputs"][0]["text"] = "x" * 3_000_000  # hours, if it did
    normalise(node, "01_a", [("/x/y", "D")])
