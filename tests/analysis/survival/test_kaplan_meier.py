"""Curves and log-rank test: published remission times, the library as second opinion, late entry by hand."""

import numpy as np
import pandas as pd
import pytest

from crmlib.analysis.survival.kaplan_meier import log_rank, survival_by, survival_curve
from crmlib.errors import DataError, TooLittleData


def test_published_freireich_1963_survival_of_the_treated(remission):
    """Kaplan-Meier estimates of the 6-MP group: Klein & Moeschberger (2003), table 4.1A."""
    curve = survival_by(remission, "arm")["6-MP"]
    assert curve.table["age"].tolist() == [6, 7, 10, 13, 16, 22, 23]
    assert curve.table["at_risk"].tolist() == [21, 17, 15, 12, 11, 7, 6]
    printed = [0.857, 0.807, 0.753, 0.690, 0.627, 0.538, 0.448]
    assert curve.table["survival"].round(3).tolist() == printed
    assert curve.median[0] == 23 and survival_by(remission, "arm")["placebo"].median[0] == 8


def test_published_greenwood_standard_errors_of_the_treated(remission):
    """0.0764, 0.0869, 0.0963, 0.1068, 0.1141, 0.1282, 0.1346: Klein & Moeschberger (2003), table 4.1A."""
    from crmlib.analysis.intervals import Z

    table = survival_by(remission, "arm")["6-MP"].table
    s = table["survival"]
    # The interval is symmetric on the scale of log(-log S); its half there is z * se / (S * |log S|).
    half = (np.log(-np.log(table["low"])) - np.log(-np.log(table["high"]))) / 2
    error = half / Z * s * -np.log(s)
    assert error.round(4).tolist() == [0.0764, 0.0869, 0.0963, 0.1068, 0.1141, 0.1282, 0.1346]


def test_published_kleinbaum_klein_2012_log_rank_of_remission(remission):
    """Chapter 2: chi-square 16.79; 9 ends with 6-MP against 19.25 expected, 21 with placebo against 10.75."""
    found = log_rank(remission, "arm")
    assert round(found.chi_square, 2) == 16.79 and found.degrees == 1 and found.p_value < 1e-4
    assert found.groups.set_index("group")["expected"].round(2).to_dict() == {"6-MP": 19.25, "placebo": 10.75}
    assert found.groups["ended"].tolist() == [9, 21]


def test_curves_are_those_of_the_library_also_with_late_entry(drawn):
    from lifelines import KaplanMeierFitter

    for late in (False, True):
        table = drawn if late else drawn.assign(entry=0)
        ours = survival_curve(table, smallest=1)
        theirs = KaplanMeierFitter().fit(
            table["duration"], table["ended"], entry=table["entry"] if late else None
        )
        ages = ours.table["age"].to_numpy()
        assert ours.table["survival"].to_numpy() == pytest.approx(theirs.predict(ages).to_numpy())
        bounds = theirs.confidence_interval_.reindex(ages).to_numpy()
        assert ours.table[["low", "high"]].to_numpy() == pytest.approx(bounds, abs=1e-9)


def test_three_groups_test_as_in_the_library(drawn):
    from lifelines.statistics import multivariate_logrank_test

    table = drawn.assign(entry=0, third=np.array(["x", "y", "z"])[np.arange(len(drawn)) % 3])
    for by in ("plan", "third"):
        theirs = multivariate_logrank_test(table["duration"], table[by], table["ended"])
        assert log_rank(table, by).chi_square == pytest.approx(theirs.test_statistic, rel=1e-5)
        assert log_rank(table, by).p_value == pytest.approx(theirs.p_value, rel=1e-4)


def test_late_entries_are_at_risk_after_their_entry_only():
    """By hand: at age 2 only a and b are in sight; c and d come at 2, so they count at 3."""
    table = pd.DataFrame(
        {"entry": [0, 0, 2, 2], "duration": [2, 3, 3, 4], "ended": [True, True, False, True]}
    )
    curve = survival_curve(table, smallest=1).table
    assert curve["at_risk"].tolist() == [2, 3, 1] and curve["survival"].tolist() == pytest.approx(
        [1 / 2, 1 / 3, 0]
    )
    counted = log_rank(table.assign(g=["x", "y", "x", "y"]), "g").groups.set_index("group")
    assert counted["expected"].tolist() == pytest.approx([1 / 2 + 1 / 3, 1 / 2 + 2 / 3 + 1], rel=1e-5)


def test_a_curve_of_late_entries_starts_where_enough_are_in_sight():
    """One lonely contract that ends at age 1 must not pull the whole curve to nothing."""
    table = pd.DataFrame({"entry": [0, *[5] * 30], "duration": [1, *range(6, 36)], "ended": True})
    curve = survival_curve(table)
    assert curve.from_age == 5 and curve.table["age"].min() == 6 and curve.contracts == 30
    assert curve.at([5, 6]).round(4)["survival"].tolist() == [1.0, 0.9667]
    assert curve.at([4])["survival"].isna().all() and curve.at([36])["survival"].isna().all()


def test_a_median_is_given_only_where_it_is_reached():
    table = pd.DataFrame({"duration": [1, 2, 9, 9, 9], "ended": [True, True, False, False, False]})
    assert survival_curve(table).median[0] is None
    reached = survival_curve(pd.DataFrame({"duration": [1, 2, 3, 4], "ended": True}))
    assert reached.median[0] == 2.0


def test_order_of_rows_and_names_of_groups_change_nothing(drawn):
    mixed = drawn.sample(frac=1, random_state=2)
    pd.testing.assert_frame_equal(survival_curve(mixed).table, survival_curve(drawn).table)
    renamed = mixed.assign(plan=mixed["plan"].map({"A": "z", "B": "a"}))
    assert log_rank(renamed, "plan").chi_square == pytest.approx(log_rank(drawn, "plan").chi_square, rel=1e-5)


def test_equal_groups_differ_as_often_as_the_level_says():
    rng, hits = np.random.default_rng(1), 0
    for _ in range(300):
        life, seen = rng.geometric(0.1, 80), rng.integers(1, 30, 80)
        table = pd.DataFrame(
            {"duration": np.minimum(life, seen), "ended": life <= seen, "g": ["a", "b"] * 40}
        )
        hits += log_rank(table, "g").p_value < 0.05
    assert 0.02 <= hits / 300 <= 0.09


def test_what_cannot_be_is_refused():
    table = pd.DataFrame({"contract_id": ["A", "B"], "duration": [3, -1], "ended": [True, False]})
    with pytest.raises(DataError, match="duration -1, at 1 of 2 contracts: B"):
        survival_curve(table)
    with pytest.raises(TooLittleData, match="none of which ended"):
        survival_curve(pd.DataFrame({"duration": [3, 1], "ended": False}))
    with pytest.raises(TooLittleData, match="1 group by g"):
        log_rank(pd.DataFrame({"duration": [3, 1], "ended": True, "g": "x"}), "g")
    with pytest.raises(DataError, match="no column plan"):
        log_rank(pd.DataFrame({"duration": [3, 1], "ended": True}), "plan")
    with pytest.raises(TooLittleData, match="none with 10 contracts"):
        survival_by(pd.DataFrame({"duration": [3, 1], "ended": True, "g": "x"}), "g")
    with pytest.raises(TooLittleData, match="never 10 contracts in sight"):
        survival_curve(pd.DataFrame({"entry": [1, 2], "duration": [3, 4], "ended": True}))
