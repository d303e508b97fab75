"""Stratified assignment: exact, repeatable, blind to the order of rows, and fair."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import chi2

from crmlib.analysis.targeting.assignment import assign_arms
from crmlib.errors import DataError, ParameterError, TooLittleData


@pytest.fixture(scope="module")
def people():
    rng = np.random.default_rng(1)
    frame = pd.DataFrame(
        {
            "channel": rng.choice(["web", "shop", None], 1003, p=[0.6, 0.35, 0.05]),
            "value": rng.gamma(1, 50, 1003),
        },
        index=pd.Index([f"C{i:05d}" for i in range(1003)], name="customer_id"),
    )
    frame.loc[frame.index[::50], "value"] = np.nan
    return frame


def test_the_share_is_exact_to_one_customer_in_each_stratum_and_in_all(people):
    for share in (0.1, 0.3, 0.5, 0.77):
        drawn = assign_arms(people, share, seed=3, strata=["channel", "value"])
        counts = drawn.groupby("stratum")["arm"].agg(size="size", out=lambda arm: (arm == "control").sum())
        assert len(counts) > 10 and (abs(counts["out"] - share * counts["size"]) < 1).all()
        assert abs((drawn["arm"] == "control").sum() - share * 1003) < 1


def test_the_order_of_rows_changes_nothing_and_the_same_seed_gives_the_same_list(people):
    once = assign_arms(people, 0.3, seed=1, strata=["channel", "value"])
    pd.testing.assert_frame_equal(
        assign_arms(people.sample(frac=1, random_state=5), 0.3, 1, ["channel", "value"]), once
    )
    other = assign_arms(people, 0.3, seed=2, strata=["channel", "value"])
    alike = (other["arm"] == once["arm"]).mean()
    assert alike == pytest.approx(0.7**2 + 0.3**2, abs=0.06), "another seed is another lot"


def test_the_lot_of_a_few_customers_is_written_down():
    """Fixed for ever: hashes of another machine or version would change who is held out."""
    people = pd.DataFrame(index=[f"C{i}" for i in range(60)])
    drawn = assign_arms(people, 0.5, seed=7)
    assert "".join(drawn["arm"].str[0])[:20] == "cttccccttttcttctctct"


def test_every_customer_is_held_out_equally_often(people):
    few = people.iloc[:200]
    seeds, share = 250, 0.3
    out = sum(
        (assign_arms(few, share, seed, ["channel"])["arm"] == "control").astype(int) for seed in range(seeds)
    )
    statistic = ((out - seeds * share) ** 2 / (seeds * share * (1 - share))).sum()
    assert chi2.sf(statistic, 200) > 0.001 and chi2.cdf(statistic, 200) > 0.001
    assert out.mean() == pytest.approx(seeds * share, rel=0.01)


def test_arms_are_alike_in_what_they_were_stratified_by(people):
    apart = {}
    for strata in ([], ["value"]):
        means = []
        for seed in range(40):
            drawn = assign_arms(people, 0.3, seed, strata)
            means.append(people["value"].groupby(drawn["arm"]).mean().diff().iloc[-1])
        apart[len(strata)] = np.std(means)
    assert apart[1] < 0.7 * apart[0]


def test_numbers_are_cut_into_groups_and_missing_values_are_one(people):
    drawn = assign_arms(people, 0.3, 1, ["value"], groups=5)
    assert (
        drawn["stratum"].nunique() == 6
        and (drawn["stratum"] == "missing").sum() == people["value"].isna().sum()
    )
    few = assign_arms(people.assign(value=1 + (people["value"] > 50)), 0.3, 1, ["value"])
    assert sorted(few["stratum"].unique()) == ["1", "2"], "few values are strata as they are"
    assert set(assign_arms(people, 0.3, 1)["stratum"]) == {"all"}


def test_the_table_given_is_not_changed(people):
    before = people.copy()
    found = assign_arms(people, 0.3, 1, ["channel", "value"])
    pd.testing.assert_frame_equal(people, before)
    assert found.index.equals(people.index) and set(found["arm"]) == {"treatment", "control"}


@pytest.mark.parametrize("share", [0, 1, 30, np.nan])
def test_a_share_that_is_none_is_refused(people, share):
    with pytest.raises(ParameterError, match="held_out"):
        assign_arms(people, share, 1)


def test_what_cannot_be_assigned_is_refused(people):
    with pytest.raises(DataError, match="stands twice"):
        assign_arms(pd.concat([people, people.iloc[:1]]), 0.3, 1)
    with pytest.raises(DataError, match="without an id"):
        assign_arms(people.set_axis([None, *people.index[1:]]), 0.3, 1)
    with pytest.raises(DataError, match="without region"):
        assign_arms(people, 0.3, 1, ["region"])
    with pytest.raises(ParameterError, match="groups = 1"):
        assign_arms(people, 0.3, 1, ["value"], groups=1)
    for few in (people.iloc[:90], people.iloc[:0]):
        with pytest.raises(TooLittleData, match="at least 30 in each arm"):
            assign_arms(few, 0.3, 1)
