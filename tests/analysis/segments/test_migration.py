"""Transitions between groups: counts, smoothed shares, intervals and two chi-square tests."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import chi2_contingency

from crmlib.analysis.segments.migration import independence, stationarity, transitions
from crmlib.errors import DataError, ParameterError, TooLittleData

NAMES = ["high", "middle", "low"]


def moved(count=900, seed=1, stay=0.6):
    rng = np.random.default_rng(seed)
    ids = np.array([f"K{i:04d}" for i in range(count)])
    was = rng.choice(NAMES, count)
    became = np.where(rng.random(count) < stay, was, rng.choice(NAMES, count))
    return pd.Series(was, index=ids).iloc[: count - 50], pd.Series(became, index=ids).iloc[30:]


def counts(rows, index=("high", "low"), columns=("high", "low")):
    return pd.DataFrame(rows, index=list(index), columns=list(columns))


def test_everybody_is_counted_once_whoever_came_or_went():
    before, after = moved()
    found = transitions(before, after, NAMES)
    assert found.counts.to_numpy().sum() == 900
    assert list(found.counts.index) == [*NAMES, "new"] and list(found.counts.columns) == [*NAMES, "inactive"]
    assert found.counts.loc["new"].sum() == 50 and found.counts["inactive"].sum() == 30
    both = before.index.intersection(after.index)
    for a in NAMES:
        for b in NAMES:
            assert found.counts.loc[a, b] == ((before[both] == a) & (after[both] == b)).sum()
    assert found.stayed == pytest.approx((before[both] == after[both]).mean())


def test_order_of_rows_changes_nothing_and_a_missing_value_is_a_missing_row():
    before, after = moved()
    first = transitions(before, after, NAMES)
    mixed = after.reindex(before.index.union(after.index)).sample(frac=1, random_state=1)
    pd.testing.assert_frame_equal(first.cells, transitions(before.sample(frac=1), mixed, NAMES).cells)


def test_smoothed_shares_by_hand_sum_to_one_and_leave_out_what_cannot_be():
    before = pd.Series(["high"] * 4 + ["low"], index=list("ABCDE"))
    after = pd.Series(["high"] * 3 + ["low"], index=list("ABCF"))
    found = transitions(before, after, ["high", "low"])
    assert found.shares.loc["high"].tolist() == pytest.approx([4 / 7, 1 / 7, 2 / 7])
    assert found.shares.loc["new"].tolist() == pytest.approx([1 / 3, 2 / 3, 0])
    assert found.shares.sum(axis=1).tolist() == pytest.approx([1, 1, 1])
    plain = transitions(before, after, ["high", "low"], smoothing=0)
    assert plain.shares.loc["high"].tolist() == pytest.approx([3 / 4, 0, 1 / 4])
    assert plain.cells["share"].tolist() == pytest.approx(plain.cells["smoothed"].tolist())
    # Wilson's interval of 3 in 4, by his formula with z = 1.959964.
    z2 = 1.959964**2
    centre, half = (3 + z2 / 2) / (4 + z2), np.sqrt(z2) * np.sqrt(3 / 4 + z2 / 4) / (4 + z2)
    assert found.cells.loc[("high", "high"), ["low", "high"]].tolist() == pytest.approx(
        [centre - half, centre + half]
    )


def test_known_customers_without_a_purchase_are_a_state_of_their_own():
    before = pd.Series(["high", "inactive", "inactive"], index=list("ABC"))
    after = pd.Series(["high", "low", "inactive"], index=list("ABC"))
    found = transitions(before, after)
    assert list(found.counts.index) == ["high", "low", "inactive", "new"]
    assert found.counts.loc["inactive"].tolist() == [0, 1, 1]
    assert found.shares.loc["low"].isna().all() and found.cells.loc[
        ("low", "low"), ["low", "high"]
    ].tolist() == [0, 1]


def test_who_is_in_neither_period_is_nobody():
    before = pd.Series(["high", None], index=list("AB"))
    after = pd.Series(["high", None], index=list("AB"))
    assert transitions(before, after).counts.to_numpy().sum() == 1


def test_independence_is_pearsons_test_without_those_who_are_new():
    found = transitions(*moved(), NAMES).counts
    test = independence(found)
    expected = chi2_contingency(found.drop(index="new"), correction=False)
    assert test.statistic == pytest.approx(expected.statistic) and test.degrees == expected.dof == 6
    assert test.p_value == pytest.approx(expected.pvalue) and test.p_value < 1e-6
    assert independence(found.assign(never=0)).degrees == 6


def test_independence_rejects_as_often_as_it_should_where_nothing_depends():
    rng = np.random.default_rng(7)
    drawn = [rng.multinomial(200, [0.5, 0.3, 0.2], size=3) for _ in range(400)]
    p = [independence(counts(table, NAMES, NAMES)).p_value for table in drawn]
    assert 0.06 <= np.mean(np.array(p) < 0.1) <= 0.14


def test_stationarity_is_the_sum_of_one_test_per_state():
    first, second = (transitions(*moved(seed=s), NAMES).counts for s in (1, 2))
    found = stationarity([first, second])
    parts = [chi2_contingency(np.array([first.loc[n], second.loc[n]]), correction=False) for n in NAMES]
    assert found.statistic == pytest.approx(sum(p.statistic for p in parts))
    assert found.degrees == sum(p.dof for p in parts) == 9
    assert found.p_value > 0.01
    changed = transitions(*moved(seed=3, stay=0.2), NAMES).counts
    assert stationarity([first, second, changed]).p_value < 1e-6


def test_a_state_of_one_period_alone_is_not_compared():
    first = counts([[30, 10], [10, 30]])
    second = counts([[20, 20], [10, 30], [9, 9]], index=("high", "low", "inactive"))
    assert stationarity([first, second]).degrees == 2


def test_thin_counts_are_refused():
    with pytest.raises(TooLittleData, match="expected counts"):
        independence(counts([[3, 1], [1, 3]]))
    with pytest.raises(TooLittleData, match="expected counts"):
        stationarity([counts([[30, 1], [1, 3]]), counts([[30, 1], [1, 3]])])
    with pytest.raises(TooLittleData, match="one group"):
        independence(counts([[30, 10], [0, 0]]))
    with pytest.raises(TooLittleData, match="1 pairs"):
        stationarity([counts([[30, 10], [10, 30]])])
    with pytest.raises(TooLittleData, match="no state"):
        stationarity([counts([[30, 0], [0, 30]])] * 2)
    with pytest.raises(DataError, match="different groups"):
        stationarity([counts([[30, 10], [10, 30]]), counts([[30, 10], [10, 30]], columns=("high", "lower"))])


@pytest.mark.parametrize(
    ("before", "after", "options", "error", "said"),
    [
        (["high"], ["high"], {"smoothing": -1}, ParameterError, "smoothing = -1"),
        (["high"], ["high"], {"level": 1}, ParameterError, "level = 1"),
        (["high"], ["low"], {"groups": ["high"]}, DataError, "customers in low"),
        (["high"], ["high"], {"groups": ["high", "high"]}, ParameterError, "groups ="),
        (["high"], ["high"], {"groups": ["high", "new"]}, ParameterError, "groups ="),
        (["high"], ["new"], {}, DataError, "'new' after"),
        ([], [], {}, TooLittleData, "no customers"),
    ],
)
def test_what_cannot_be_is_refused(before, after, options, error, said):
    with pytest.raises(error) as refused:
        transitions(pd.Series(before, dtype=object), pd.Series(after, dtype=object), **options)
    assert said in refused.value.found


def test_a_customer_who_stands_twice_is_named():
    with pytest.raises(DataError, match="stands twice before, at 1 of 2 customers: A"):
        transitions(pd.Series(["high", "low"], index=["A", "A"]), pd.Series(["high"], index=["A"]))
