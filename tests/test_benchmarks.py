"""The benchmarks run, compare like with like, and their environment is the one of the reports with the peers on top."""

import os
import re
import tomllib
from itertools import chain
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from packaging.requirements import Requirement

from benchmarks.actions import compare as actions
from benchmarks.actions import lists
from benchmarks.churn import compare as churn
from benchmarks.churn import scoring, snapshots
from benchmarks.lifetime_value import compare, data, fits, formulas, order_lines, posterior, predictions
from benchmarks.segments import compare as segments
from benchmarks.segments import groups

ROOT = Path(__file__).parent.parent
REAL = os.environ.get("CRMLIB_REAL_DATA")
LOCK = (ROOT / "requirements-bench.lock").read_text(encoding="utf-8")
MODULES = {"fits": fits, "order_lines": order_lines, "posterior": posterior, "predictions": predictions}
MODULES |= {
    "churn.scoring": scoring,
    "churn.snapshots": snapshots,
    "segments.groups": groups,
    "actions.lists": lists,
}


def pins(text: str) -> set[str]:
    return {line.removesuffix("\\").strip() for line in text.splitlines() if re.match(r"[a-z0-9].*==", line)}


def test_the_peers_stand_on_the_versions_that_reports_run_on():
    run = pins((ROOT / "requirements.lock").read_text(encoding="utf-8"))
    assert len(run) > 100
    assert run - pins(LOCK) == set()


def test_the_lock_has_the_peers_with_hashes_and_without_addresses():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    peers = [Requirement(entry) for entry in project["optional-dependencies"]["bench"]]
    assert {peer.name for peer in peers} == set(compare.PEERS)
    assert {str(peer) for peer in peers} <= pins(LOCK)
    entries = re.split(r"\n(?=[a-z0-9])", LOCK)
    assert all("--hash=sha256:" in entry for entry in entries if entry.strip())
    assert not re.search(r"https?:|git\+|file:|--(extra-)?index|--find-links|--trusted| @ ", LOCK)


def test_every_row_has_two_sides_that_exist():
    for subject in chain(
        *compare.PARTS.values(), *compare.SLOW.values(), churn.SUBJECTS, segments.SUBJECTS, actions.SUBJECTS
    ):
        sides = MODULES[subject.module].SIDES
        assert set(subject.runs) <= set(sides)
        for _, ours, peer in subject.rows:
            assert ours in subject.runs and (peer in subject.runs or not peer)


def test_data_follow_the_seed_alone_and_are_histories():
    frame = data.histories(500, seed=3)
    pd.testing.assert_frame_equal(frame, data.histories(500, seed=3))
    assert not frame.equals(data.histories(500, seed=4))
    for one in (frame, data.pareto_histories(500)):
        assert (one["t_x"] <= one["T"]).all()
        assert ((one["x"] == 0) == (one["t_x"] == 0)).all()
        assert (one["x"] <= one["t_x"]).all()


@pytest.mark.parametrize("kind", fits.KINDS)
def test_our_side_of_a_fit_finds_what_the_data_were_drawn_with(kind, tmp_path):
    size = 20_000
    found = fits.SIDES[f"{kind} crmlib"](size, tmp_path)()
    assert fits.same(kind, size, found, found | {"errors": {}}).startswith("yes")
    truth = {"BGNBD": data.BG_NBD, "ParetoNBD": data.PARETO_NBD, "GammaGamma": data.GAMMA_GAMMA}[kind]
    assert 0 < fits.gain(kind, size, found, {"params": truth}) < 60  # whole days cost a little
    worse = {name: value * 1.2 for name, value in found["params"].items()}
    assert fits.same(kind, size, found, {"params": worse, "errors": {}}).startswith("no, ours is higher")


def test_our_other_sides_run(tmp_path):
    for module, size in ((predictions, 1_000), (posterior, 2_357), (order_lines, 20_000)):
        for side, prepare in module.SIDES.items():
            if side.startswith("crmlib"):
                told = module.tell(prepare(size, tmp_path)())
                assert module.same(size, told, told).startswith("yes")


def test_churn_scores_and_reasons_are_those_of_scikit_learn(monkeypatch, tmp_path):
    monkeypatch.setattr(scoring, "_TRAINED", 1_500)
    monkeypatch.setattr(scoring, "_DRAWS", 20)
    for subject in churn.SUBJECTS:
        for _, ours, peer in subject.rows if subject.module == "churn.scoring" else []:
            own, other = (scoring.tell(scoring.SIDES[side](400, tmp_path)()) for side in (ours, peer))
            assert scoring.same(400, own, other).startswith("yes"), ours
            assert scoring.same(400, own, [1.01 * number for number in own]).startswith("NO")


def test_churn_snapshots_are_those_of_plain_pandas(tmp_path):
    own, other = (snapshots.tell(side(20_000, tmp_path)()) for side in snapshots.SIDES.values())
    assert snapshots.same(20_000, own, other).startswith("yes")
    wrong = {day: one | {"customers": one["customers"] + 1} for day, one in other.items()}
    assert snapshots.same(20_000, own, wrong).startswith("NO")


def test_groups_are_scored_and_steady_as_by_hand(monkeypatch, tmp_path):
    monkeypatch.setattr(groups, "ROUNDS", 8)
    monkeypatch.setattr(groups, "DRAWN", 400)
    monkeypatch.setattr(groups, "MOST", 3)
    own, other = (side(1_000, tmp_path)() for side in groups.SIDES.values())
    assert own["champions"] == pytest.approx(other["champions"], abs=0.01)
    assert own["ari"] == pytest.approx(other["ari"], abs=0.25) and min(own["ari"]) > 0.5
    assert "within" in groups.same(1_000, own, other)


def test_lists_earn_what_those_of_a_general_solver_do(tmp_path):
    whole, own, other = (lists.SIDES[side](1_500, tmp_path)() for side in lists.SIDES)
    assert own["profit"] == pytest.approx(other["profit"], rel=1e-4) and own["profit"] < own["bound"]
    assert whole["profit"] == pytest.approx(own["profit"]) and whole["rows"] == 1_500
    assert "against the solver" in lists.same(1_500, own, other)


def test_our_histories_are_those_of_plain_pandas(tmp_path):
    size = 30_000
    lines = pd.read_parquet(order_lines.file_of(size, tmp_path))
    days = lines.assign(day=lines["ordered_at"].dt.normalize()).groupby("customer_id")["day"]
    first, last = days.min(), days.max()
    frame = pd.DataFrame(
        {
            "x": days.nunique() - 1,
            "t_x": (last - first).dt.days,
            "T": (pd.Timestamp(order_lines.AS_OF) - first).dt.days,
        }
    )
    for side in ("crmlib", "crmlib, with margins"):
        assert order_lines.tell(order_lines.SIDES[side](size, tmp_path)()) == order_lines.tell(frame)


@pytest.mark.skipif(not REAL, reason="set CRMLIB_REAL_DATA to the folder of the public files")
def test_the_judge_of_optima_gives_the_published_log_likelihoods_of_cdnow():
    frame = pd.read_csv(Path(REAL, "cdnow", "cdnow_customers_summary.csv"))
    frame = frame.rename(columns={"frequency": "x", "recency": "t_x"})
    bg_nbd = formulas.bg_nbd({"r": 0.2426, "alpha": 4.4135, "a": 0.7929, "b": 2.4258}, frame)
    pareto = formulas.pareto_nbd({"r": 0.5533, "alpha": 10.5776, "s": 0.6062, "beta": 11.6679}, frame)
    np.testing.assert_allclose([bg_nbd, pareto], [-9582.43, -9594.97], atol=0.0051)
