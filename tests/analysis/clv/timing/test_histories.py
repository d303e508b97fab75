"""Purchase histories: what is folded together, and what is refused with which words."""

import numpy as np
import pandas as pd
import pytest

from crmlib.analysis.clv.timing.histories import Histories, LogGrowth, checked
from crmlib.errors import DataError, TooLittleData


def table(x, t_x, T, index=None):
    return pd.DataFrame({"x": x, "t_x": t_x, "T": T}, index=index)


def many(n=400, seed=1, whole=True):
    rng = np.random.default_rng(seed)
    T = rng.integers(30, 90, n).astype(float)
    x = rng.poisson(1.0, n)
    t_x = np.where(x > 0, np.ceil(rng.random(n) * T), 0.0)
    if not whole:
        T, t_x = T / 7, t_x / 7
    return table(x, t_x, T)


def by_time(histories, column):
    """The histogram as a mapping from time to sum, without the empty times."""
    return {t: v for t, v in zip(histories.times.tolist(), column.tolist(), strict=True) if v}


def summed(times, weights):
    return {t: w for t, w in pd.Series(weights).groupby(np.asarray(times)).sum().items() if w}


@pytest.mark.parametrize("whole", [True, False], ids=["whole days", "weeks with decimals"])
@pytest.mark.parametrize("weighted", [False, True])
def test_folding_equals_brute_force(whole, weighted):
    customers = many(whole=whole)
    x, t_x, T = (customers[c].to_numpy(float) for c in ("x", "t_x", "T"))
    weight = np.random.default_rng(2).integers(0, 4, len(x)).astype(float) if weighted else None
    h = Histories.of(customers, weight)
    w = np.ones(len(x)) if weight is None else weight
    assert by_time(h, h.once_by_T) == pytest.approx(summed(T[x == 0], w[x == 0]))
    assert by_time(h, h.all_by_T) == pytest.approx(summed(T, w))
    assert by_time(h, h.repeats_by_T) == pytest.approx(summed(T, w * x))
    assert h.by_x.tolist() == [w[x == k].sum() for k in range(int(x.max()) + 1)]
    assert h.x.tolist() == x[x > 0].tolist()
    assert h.times[h.t_x].tolist() == t_x[x > 0].tolist()
    assert h.times[h.T].tolist() == T[x > 0].tolist()
    assert (h.weight is None) if weight is None else h.weight.tolist() == w[x > 0].tolist()
    assert h.customers == w.sum()
    assert h.repeats == pytest.approx((w * x).sum())
    assert h.exposure == pytest.approx((w * T).sum())


@pytest.mark.parametrize("shift", [0, 1, 2, 3])
def test_steps_of_a_product_are_counted_by_who_has_more_than_so_many(shift):
    customers = many()
    counts = Histories.of(customers).more_than(shift)
    x = customers["x"].to_numpy() + shift
    assert counts.tolist() == [(x > k).sum() for k in range(x.max())]


def test_whole_days_are_numbered_by_themselves_and_other_times_by_their_place():
    days, weeks = Histories.of(many()), Histories.of(many(whole=False))
    assert days.times.tolist() == list(range(len(days.times)))
    assert weeks.times[0] == 0 and (np.diff(weeks.times) > 0).all()
    assert len(weeks.times) < len(days.times) + 1


def test_days_too_many_for_a_table_are_told_apart_like_any_other_times():
    customers = table([1, 0, 3], [60_000.0, 0.0, 8.0], [100_000.0, 7.0, 9.0])
    h = Histories.of(customers)
    assert h.times.tolist() == [0, 7, 8, 9, 60_000, 100_000]
    assert h.times[h.T].tolist() == [100_000, 9]


@pytest.mark.parametrize("weighted", [False, True])
def test_a_part_holds_every_nth_repeater_and_the_rest_in_proportion(weighted):
    customers = many(2_000)
    weight = np.random.default_rng(3).integers(1, 4, 2_000).astype(float) if weighted else None
    h = Histories.of(customers, weight)
    part = h.part(4)
    share = len(part.x) / len(h.x)
    assert part.x.tolist() == h.x[::4].tolist()
    assert part.T.tolist() == h.T[::4].tolist() and part.t_x.tolist() == h.t_x[::4].tolist()
    assert part.once_by_T == pytest.approx(h.once_by_T * share)
    own = np.ones(len(part.x)) if part.weight is None else part.weight
    assert part.repeats == pytest.approx((part.x * own).sum())
    assert part.all_by_T.sum() == pytest.approx(part.once_by_T.sum() + own.sum())
    assert part.by_x[0] == pytest.approx(part.once_by_T.sum())
    assert part.by_x[1:].sum() == pytest.approx(own.sum())
    assert part.exposure / part.customers == pytest.approx(h.exposure / h.customers, rel=0.1)


def test_a_part_of_everything_is_the_whole():
    h = Histories.of(many())
    assert h.part(1) is h and h.part(0) is h


def test_the_order_of_customers_changes_no_histogram():
    customers = many()
    one, other = Histories.of(customers), Histories.of(customers.sample(frac=1, random_state=0))
    for name in ("times", "once_by_T", "all_by_T", "repeats_by_T", "by_x"):
        assert getattr(one, name).tolist() == getattr(other, name).tolist()


GOOD = {"x": [2.0, 0.0, 1.0], "t_x": [5.0, 0.0, 4.0], "T": [9.0, 8.0, 7.0]}


@pytest.mark.parametrize(
    ("column", "value", "words"),
    [
        ("x", -1.0, "x = -1"),
        ("x", np.nan, "x = nan"),
        ("x", np.inf, "x = inf"),
        ("t_x", -3.0, "t_x = -3"),
        ("t_x", np.nan, "t_x = nan"),
        ("t_x", np.inf, "t_x = inf"),
        ("T", -9.0, "T = -9"),
        ("T", np.nan, "T = nan"),
        ("T", np.inf, "T = inf"),
        ("x", 1.5, "x = 1.5"),
        ("t_x", 7.5, "t_x above T, for example 7.5 above 7"),
        ("t_x", 0.0, "x = 1"),
        ("x", 0.0, "t_x = 4"),
    ],
)
def test_a_history_that_cannot_be_is_refused_with_the_name_of_its_customer(column, value, words):
    customers = table(**GOOD, index=["Ada", "Bea", "Cleo"])
    customers.loc["Cleo", column] = value
    for use in (checked, Histories.of):
        with pytest.raises(DataError) as error:
            use(customers)
        assert words in error.value.found
        assert "at 1 of 3 customers: Cleo" in error.value.found
        assert error.value.expected and error.value.remedy


def test_of_many_bad_customers_the_first_three_are_named():
    customers = table([1] * 6, [2.0] * 6, [1.0, 3.0, 1.0, 1.0, 1.0, 1.0], list("abcdef"))
    with pytest.raises(DataError, match=r"at 5 of 6 customers: a, c, d, \.\.\."):
        checked(customers)


def test_days_beside_weeks_are_guessed():
    customers = table([2, 0, 1], [210.0, 0.0, 140.0], [39.0, 39.0, 39.0])
    with pytest.raises(DataError, match="are t_x and T in one unit") as error:
        checked(customers)
    assert "4.49 times T" in error.value.remedy


def test_one_late_customer_among_many_is_no_matter_of_units():
    customers = table([1] * 5, [1.0, 1.0, 1.0, 1.0, 9.0], [5.0] * 5)
    with pytest.raises(DataError) as error:
        checked(customers)
    assert "unit" not in error.value.remedy


@pytest.mark.parametrize("missing", [["x"], ["t_x"], ["T"], ["x", "T"]])
def test_a_missing_column_is_named(missing):
    with pytest.raises(DataError, match=f"a table without {', '.join(missing)}"):
        checked(table(**GOOD).drop(columns=missing))


@pytest.mark.parametrize(
    ("column", "values"),
    [
        ("t_x", ["5", "0", "4"]),
        ("T", pd.to_timedelta([9, 8, 7], unit="D")),
        ("x", [True, False, True]),
        ("T", pd.to_datetime(["2024-01-01"] * 3)),
    ],
)
def test_a_column_that_holds_no_numbers_is_refused(column, values):
    customers = table(**GOOD)
    customers[column] = values
    with pytest.raises(DataError, match=f"column {column} of type"):
        checked(customers)


def test_nullable_numbers_are_numbers_and_their_gaps_are_refused():
    customers = table(**GOOD).astype({"x": "Int64", "t_x": "Float64"})
    assert checked(customers)[0].tolist() == [2, 0, 1]
    customers.loc[1, "x"] = pd.NA
    with pytest.raises(DataError, match="x = nan, at 1 of 3 customers: 1"):
        checked(customers)


def test_one_customer_is_too_few():
    with pytest.raises(TooLittleData, match="1 customer, of whom 1 bought again"):
        Histories.of(table([2], [5.0], [9.0]))


def test_a_base_without_any_repeat_teaches_nothing_about_repeats():
    with pytest.raises(TooLittleData, match="3 customers, of whom 0 bought again"):
        Histories.of(table([0, 0, 0], [0.0, 0.0, 0.0], [9.0, 8.0, 7.0]))


def test_nobody_at_all_is_too_few():
    with pytest.raises(TooLittleData, match="0 customers"):
        Histories.of(table([], [], []).astype(float))


@pytest.mark.parametrize("bad", [-1.0, np.nan, np.inf])
def test_weights_are_numbers_of_zero_or_more(bad):
    customers = table(**GOOD, index=["Ada", "Bea", "Cleo"])
    with pytest.raises(DataError, match=r"weights = .* at 1 of 3 customers: Bea"):
        Histories.of(customers, np.array([1.0, bad, 1.0]))


def test_weights_of_the_wrong_number_are_refused():
    with pytest.raises(DataError, match="weights"):
        Histories.of(table(**GOOD), np.ones(2))


def test_repeats_of_weight_zero_are_no_repeats():
    with pytest.raises(TooLittleData):
        Histories.of(table(**GOOD), np.array([0.0, 1.0, 0.0]))


def test_a_customer_may_be_seen_for_no_time_at_all():
    *_, T = checked(table([0, 1], [0.0, 1.0], [0.0, 1.0]))
    assert T.tolist() == [0, 1]


def test_the_last_purchase_may_be_on_the_last_day():
    h = Histories.of(table([1, 1], [9.0, 4.0], [9.0, 9.0]))
    assert h.t_x.tolist() == [9, 4]


@pytest.mark.parametrize("whole", [True, False])
def test_the_frame_of_the_caller_stays_as_it_was(whole):
    customers = many(whole=whole)
    weight = np.ones(len(customers))
    before = customers.copy(deep=True)
    h = Histories.of(customers, weight)
    h.part(3)
    for array in (h.x, h.times, h.all_by_T, h.by_x, h.once_by_T, h.repeats_by_T, h.weight):
        array[...] = 0
    pd.testing.assert_frame_equal(customers, before)
    assert (weight == 1).all()


@pytest.mark.parametrize("scale", [1e-5, 0.3, 40.0, 1e6])
@pytest.mark.parametrize("whole", [True, False])
def test_growth_by_table_is_growth_by_formula(scale, whole):
    customers = many(whole=whole)
    early, late = customers["t_x"].to_numpy(float), customers["T"].to_numpy(float)
    growth = LogGrowth.of(scale, early, late)
    assert (growth.table is not None) == whole
    expected = np.log1p((late - early) / (scale + early))
    assert growth.between(early, late) == pytest.approx(expected, rel=1e-12, abs=1e-15)


@pytest.mark.parametrize(
    ("early", "late"), [([0.5, 3.0], [1.0, 4.0]), ([0.0, 1.0], [1.5, 4.0]), ([9.0], [90_000.0])]
)
def test_times_that_make_no_table_of_days_are_taken_as_they_are(early, late):
    growth = LogGrowth.of(2.0, np.array(early), np.array(late))
    assert growth.table is None
    assert growth.between(np.array(early), np.array(late)) == pytest.approx(
        np.log((2 + np.array(late)) / (2 + np.array(early)))
    )
