"""Groups keep their number from run to run, as long as they are made of the same customers."""

import itertools

import numpy as np
import pandas as pd
import pytest

from crmlib.analysis.segments.matching import jaccard, matched, renamed
from crmlib.errors import DataError, ParameterError


def groups(*sizes, start=0):
    labels = np.repeat(np.arange(1, len(sizes) + 1), sizes)
    return pd.Series(labels, index=[f"K{i:04d}" for i in range(start, start + len(labels))])


def test_groups_that_were_only_numbered_anew_get_their_old_numbers():
    old = groups(40, 25, 35)
    for order in itertools.permutations([1, 2, 3]):
        new = old.map(dict(zip([1, 2, 3], order, strict=True))).sample(frac=1, random_state=1)
        found = matched(old, new)
        pd.testing.assert_series_equal(renamed(new, found).loc[old.index], old, check_names=False)
        assert (found.pairs["jaccard"] == 1).all() and not found.vanished and not found.fresh


def test_jaccard_agrees_with_sets():
    rng = np.random.default_rng(5)
    first, second = rng.integers(1, 4, 200), rng.integers(1, 6, 200)
    index, shared = jaccard(first, second, np.arange(1, 4), np.arange(1, 6))
    for i, j in itertools.product(range(3), range(5)):
        a, b = set(np.flatnonzero(first == i + 1)), set(np.flatnonzero(second == j + 1))
        assert shared[i, j] == len(a & b) and index[i, j] == pytest.approx(len(a & b) / len(a | b))


def test_the_pairing_has_the_largest_sum_of_all():
    rng = np.random.default_rng(6)
    old = pd.Series(rng.integers(1, 5, 60))
    new = pd.Series(np.where(rng.random(60) < 0.6, old, rng.integers(1, 5, 60)))
    found = matched(old, new, least_overlap=0.01)
    best = max(
        sum(found.overlap.iloc[i, j] for i, j in enumerate(order))
        for order in itertools.permutations(range(4))
    )
    assert found.pairs["jaccard"].sum() == pytest.approx(best)


def test_a_group_that_vanishes_frees_no_number():
    old = groups(40, 25, 35)
    new = old.copy()
    new[old == 3] = np.where(np.arange(35) < 17, 1, 2)  # group 3 falls apart
    new = pd.concat([new, pd.Series([7] * 20, index=[f"N{i}" for i in range(20)])])
    found = matched(old, new)
    assert found.vanished == (3,) and found.fresh == (4,)
    assert renamed(new, found).loc["N0"] == 4
    assert matched(old, new, first_free=9).fresh == (9,)


def test_customers_won_or_lost_since_change_no_overlap():
    old, new = groups(50, 50), groups(50, 50)
    more = pd.concat([new, pd.Series(1, index=[f"N{i}" for i in range(500)])])
    found = matched(old, more.iloc[20:])
    assert (found.pairs["jaccard"] == 1).all() and found.customers == 80


def test_the_least_overlap_decides_and_may_be_reached_exactly():
    old, new = groups(2, 2), groups(3, 1)  # overlaps 2/3 and 1/2
    assert matched(old, new, 0.5).pairs["old"].tolist() == [1, 2]
    assert matched(old, new, 0.51).pairs["old"].isna().tolist() == [False, True]


def test_runs_without_common_customers_share_no_group():
    found = matched(groups(5, 5), groups(5, 5, start=100))
    assert found.vanished == (1, 2) and found.fresh == (3, 4) and found.customers == 0
    empty = matched(groups(), groups(5))
    assert empty.fresh == (1,) and empty.vanished == ()


def test_input_is_not_changed_and_unknown_groups_are_named():
    old, new = groups(5, 5), groups(6, 4)
    before = new.copy()
    found = matched(old, new)
    pd.testing.assert_series_equal(new, before)
    with pytest.raises(DataError, match="group 9"):
        renamed(new + 8, found)


@pytest.mark.parametrize(
    ("old", "options", "error", "said"),
    [
        (groups(5, 5), {"least_overlap": 0}, ParameterError, "least_overlap = 0"),
        (groups(5, 5), {"first_free": 2}, ParameterError, "first_free = 2"),
        (groups(5, 5).astype(float), {}, DataError, "old groups of type float64"),
        (pd.Series([1, None], dtype="Int64"), {}, DataError, "no old group"),
        (pd.Series([1, 2], index=["A", "A"]), {}, DataError, "stands twice in old"),
    ],
)
def test_what_cannot_be_paired_is_refused(old, options, error, said):
    with pytest.raises(error) as refused:
        matched(old, groups(5, 5), **options)
    assert said in refused.value.found
