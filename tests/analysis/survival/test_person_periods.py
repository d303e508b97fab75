"""Ages lived: counted contract by contract, covariates that know the duration, classes of ages."""

import numpy as np
import pandas as pd
import pytest

from crmlib.analysis.survival.person_periods import age_classes, known_at_start, person_periods
from crmlib.errors import DataError, ParameterError, TooLittleData


def test_counts_are_those_of_one_contract_after_the_other(drawn):
    expected = {}
    for row in drawn.itertuples():
        for age in range(row.entry + 1, row.duration + 1):
            at_risk, ended = expected.get((age, row.plan), (0, 0))
            expected[age, row.plan] = at_risk + 1, ended + (row.ended and age == row.duration)
    found = person_periods(drawn, ["plan"])
    assert {(r.age, r.plan): (r.at_risk, r.ended) for r in found.itertuples()} == expected
    assert found["ended"].sum() == drawn["ended"].sum()
    assert found["at_risk"].sum() == (drawn["duration"] - drawn["entry"]).sum()


def test_order_of_rows_changes_nothing(drawn):
    pd.testing.assert_frame_equal(
        person_periods(drawn.sample(frac=1, random_state=1), ["plan"]), person_periods(drawn, ["plan"])
    )


@pytest.mark.parametrize("name", ["duration", "started_on", "running", "ended"])
def test_the_duration_itself_is_no_covariate(drawn, name):
    with pytest.raises(DataError, match=f"covariate {name}, which is the duration or a part of it"):
        known_at_start(drawn.assign(started_on="x", running=False), [name])


def test_a_planted_tenure_is_caught_and_a_fee_is_not(drawn):
    tenure = drawn["duration"] + np.random.default_rng(1).normal(0, 0.3, len(drawn))
    with pytest.raises(DataError, match="covariate months_paid, which goes with the duration"):
        known_at_start(drawn.assign(months_paid=tenure), ["plan", "months_paid"])
    known_at_start(drawn, ["plan", "fee_per_year"])
    with pytest.raises(DataError, match="no covariate colour"):
        known_at_start(drawn, ["colour"])


def test_days_and_parts_of_months_are_refused(drawn):
    with pytest.raises(ParameterError, match="ages up to"):
        person_periods(drawn.assign(duration=drawn["duration"] * 100))
    with pytest.raises(DataError, match="duration that are no whole numbers"):
        person_periods(drawn.assign(duration=drawn["duration"] + 0.5))


@pytest.mark.parametrize(
    ("ends", "per_class", "most", "last"),
    [
        ([30, 10, 20, 25, 3], 25, 12, [1, 3, 5]),
        ([30, 0, 0, 30, 0], 25, 12, [1, 5]),
        ([10] * 10, 10, 5, [2, 4, 6, 8, 10]),
        ([5, 5], 10, 12, [2]),
        ([5, 6, 4], 10, 12, [3]),
    ],
)
def test_classes_join_neighbours_until_each_has_enough(ends, per_class, most, last):
    periods = pd.DataFrame({"age": range(1, len(ends) + 1), "ended": ends})
    assert age_classes(periods, per_class, most).tolist() == last


def test_fewer_ends_than_one_class_needs_are_too_few():
    with pytest.raises(TooLittleData, match="9 ends"):
        age_classes(pd.DataFrame({"age": [1, 2], "ended": [4, 5]}), 10, 12)
