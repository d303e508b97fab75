"""Forecasts without a model: by hand, against a second way, and what must not touch them."""

import datetime as dt
from itertools import pairwise

import ibis
import numpy as np
import pandas as pd
import pytest

from crmlib.analysis.clv.purchases.purchase_log import PurchaseLog
from crmlib.analysis.clv.trust.baselines import STATES, CarriedOver, RFMCells, SameAgain, SegmentMarkov
from crmlib.errors import ParameterError, TooLittleData

START, DAYS, HORIZON = dt.date(2023, 1, 1), 1000, 360
AS_OF = START + dt.timedelta(days=DAYS - 1)
EVERY = [SameAgain, CarriedOver, RFMCells, SegmentMarkov]


def drawn(seed=1, customers=300):
    """Customers of all paces who come and go, with returns."""
    rng = np.random.default_rng(seed)
    begin, stay = rng.integers(0, 800, customers), rng.exponential(500, customers)
    count = rng.poisson(rng.gamma(0.8, 12, customers)) + 1
    who = np.repeat(np.arange(customers), count)
    day = np.floor(begin[who] + rng.random(len(who)) * stay[who])
    day[np.append(True, who[1:] != who[:-1])] = begin
    kept = day < DAYS
    sales = np.round(rng.gamma(2, 20 * rng.gamma(4, 0.25, customers)[who]), 2)
    sales[rng.random(len(who)) < 0.05] *= -0.5
    table = pd.DataFrame({"customer_id": [f"K{w:03d}" for w in who], "day": day, "net_sales": sales})[kept]
    return table.assign(day=[START + dt.timedelta(days=int(d)) for d in table["day"]])


def log_of(table, last=AS_OF, **options):
    return PurchaseLog.of(ibis.memtable(table), last, **options)


@pytest.fixture(scope="module")
def log():
    return log_of(drawn())


def few(*rows):
    """Lines from (customer, day of the data, net sales)."""
    return pd.DataFrame(
        [(who, START + dt.timedelta(days=day), sales) for who, day, sales in rows],
        columns=["customer_id", "day", "net_sales"],
    )


def test_the_last_stretch_comes_again():
    table = few(("A", 0, 5.0), ("A", 19, 7.0), ("A", 10, 4.0), ("A", 12, -1.0), ("B", 9, 3.0))
    found = (
        SameAgain()
        .fit(log_of(table, START + dt.timedelta(19)), 10)
        .predict(log_of(table, START + dt.timedelta(19)))
    )
    assert found.loc["A"].to_list() == [2, 10] and found.loc["B"].to_list() == [0, 0]


def test_what_is_carried_over_is_a_ratio_of_totals():
    table = few(("A", 0, 10.0), ("B", 5, 30.0), ("A", 12, 8.0), ("B", 15, 12.0), ("C", 14, 100.0))
    log = log_of(table, START + dt.timedelta(19))
    model = CarriedOver().fit(log, 10)
    # C came later: nothing of C was there to be carried over.
    assert model.carried_.to_dict() == {"purchases": 1.0, "money": 0.5}
    assert model.predict(log)["money"].to_dict() == {"A": 4.0, "B": 6.0, "C": 50.0}


def test_a_stretch_that_the_data_do_not_hold_in_full_counts_in_proportion():
    table = few(("A", 15, 10.0), ("A", 22, 12.0))
    model = CarriedOver().fit(log_of(table, START + dt.timedelta(29)), 10)
    assert model.carried_["money"] == pytest.approx(12 / (10 * 10 / 5))


def test_equal_values_share_a_cell_and_cells_hold_their_means(log):
    model = RFMCells(classes=4, fewest=1).fit(log, HORIZON)
    then = log.until(AS_OF - dt.timedelta(HORIZON))
    standing = model._standing(then)
    came = log.sums(then.last + dt.timedelta(1), AS_OF, standing.index)
    cells = [np.searchsorted(model.edges_[name], standing[name]) for name in standing]
    assert all(len(set(cell)) <= 4 and len(set(cell)) > 1 for cell in cells)
    for values, cell in zip(standing.to_numpy().T, cells, strict=True):
        assert pd.Series(cell).groupby(values).nunique().max() == 1
    expected = came.groupby(cells).transform("mean")
    pd.testing.assert_frame_equal(model.predict(then), expected, check_dtype=False)
    assert model.predict(then).sum().to_numpy() == pytest.approx(came.sum().to_numpy())


def test_cells_with_few_customers_fall_back_step_by_step(log):
    model = RFMCells(classes=3, fewest=25).fit(log, HORIZON)
    standing = model._standing(log)
    keys = model._keys(standing)
    found, used = model.predict(log), set()
    for place, customer in enumerate(standing.index):
        for depth, (key, cells) in enumerate(zip(keys, model.cells_, strict=True)):
            cell = cells.iloc[key[place]]
            if cell["customers"] >= 25 or depth == 3:
                used.add(depth)
                assert found.loc[customer].to_list() == cell[["purchases", "money"]].to_list()
                break
    assert used >= {0, 1}
    all_together = RFMCells(classes=3, fewest=10_000).fit(log, HORIZON).predict(log)
    assert all_together.nunique().to_list() == [1, 1]


def test_classes_are_of_equal_size_where_values_differ():
    from crmlib.analysis.clv.trust.baselines import _edges

    assert _edges(pd.Series(np.arange(12.0)), 4).tolist() == [2, 5, 8]
    assert _edges(pd.Series([1.0] * 9 + [2.0]), 4).tolist() == [1.0]
    assert _edges(pd.Series([3.0] * 5), 4).tolist() == []


def plain_states(log, last):
    """The second way: customer by customer."""
    table = pd.DataFrame({"who": log.ids[log.customer], "day": log.day, "bought": log.bought})
    number, states = (last - dt.date(1970, 1, 1)).days, {}
    for who, own in table[table["bought"] & (table["day"] <= number)].groupby("who"):
        silent, often = number - own["day"].max(), (own["day"] > number - HORIZON).sum()
        when = "this part" if silent < 90 else "part before" if silent < 180 else "longer"
        states[who] = "none" if not often else f"{when} {'1' if often == 1 else '2-3' if often < 4 else '4+'}"
    return pd.Series(states)


def test_moves_and_rewards_are_those_of_a_second_way(log):
    model = SegmentMarkov().fit(log, HORIZON)
    ends = [AS_OF - dt.timedelta(days=days) for days in (360, 270, 180, 90, 0)]
    pairs, rewards = [], []
    for start, end in pairwise(ends):
        one, other = plain_states(log, start), plain_states(log, end)
        pairs.append(pd.DataFrame({"one": one, "other": other.reindex(one.index)}))
        came = log.sums(start + dt.timedelta(1), end, pd.Index(one.index))
        rewards.append(came.assign(one=one.to_numpy()))
    moves = pd.concat(pairs)
    expected = pd.crosstab(moves["one"], moves["other"], normalize="index")
    expected = expected.reindex(index=STATES, columns=STATES, fill_value=0.0)
    seen = model.rewards_["customers"] > 0
    np.testing.assert_allclose(model.transitions_[seen], expected[seen.to_numpy()], atol=1e-12)
    means = pd.concat(rewards).groupby("one").mean().reindex(STATES)
    np.testing.assert_allclose(
        model.rewards_.loc[seen, ["purchases", "money"]], means[seen.to_numpy()], atol=1e-9
    )
    chained = (
        sum(np.linalg.matrix_power(model.transitions_, part) for part in range(4))
        @ model.rewards_[["purchases", "money"]].to_numpy()
    )
    now = plain_states(log, AS_OF)
    np.testing.assert_allclose(model.predict(log), chained[[STATES.index(state) for state in now]], atol=1e-9)


def test_rows_of_moves_add_up_to_one_and_states_nobody_was_in_stay(log):
    model = SegmentMarkov().fit(log, HORIZON)
    assert model.transitions_.sum(axis=1).to_numpy() == pytest.approx(np.ones(len(STATES)))
    lonely = few(*[(f"K{i}", day, 5.0) for i in range(5) for day in range(i, 40, 2)])
    model = SegmentMarkov().fit(log_of(lonely, START + dt.timedelta(39)), 12)
    empty = model.rewards_["customers"] == 0
    assert empty.sum() == 9 and (np.diag(model.transitions_)[empty] == 1).all()
    assert model.rewards_.loc[empty, "money"].unique() == pytest.approx([7.5])


@pytest.mark.parametrize("baseline", EVERY)
def test_nothing_after_the_log_touches_a_forecast(baseline):
    table, origin = drawn(5), AS_OF - dt.timedelta(days=200)
    later = (table["day"] > origin).to_numpy()
    other = table.copy()
    other.loc[later, "net_sales"] *= -50
    other.loc[later, "customer_id"] = "K000"
    known = [log_of(each).until(origin) for each in (table, other, table[~later])]
    one, *rest = (baseline().fit(log, HORIZON).predict(log) for log in known)
    for found in rest:
        pd.testing.assert_frame_equal(one, found)


@pytest.mark.parametrize("baseline", EVERY)
def test_order_names_and_currency(baseline, log):
    found = baseline().fit(log, HORIZON).predict(log)
    assert list(found.columns) == ["purchases", "money"] and found.index.equals(log.histories().index)
    assert np.isfinite(found).all(axis=None)
    table = drawn()
    mixed = log_of(table.sample(frac=1, random_state=1))
    pd.testing.assert_frame_equal(found, baseline().fit(mixed, HORIZON).predict(mixed))
    cents = log_of(table.assign(net_sales=table["net_sales"] * 100))
    pd.testing.assert_frame_equal(found * [1, 100], baseline().fit(cents, HORIZON).predict(cents))
    names = {who: f"Z{number}" for number, who in enumerate(reversed(found.index))}
    renamed = log_of(table.assign(customer_id=table["customer_id"].map(names)))
    other = baseline().fit(renamed, HORIZON).predict(renamed)
    pd.testing.assert_frame_equal(found.rename(names).sort_index(), other, check_names=False)


@pytest.mark.parametrize("baseline", [CarriedOver, RFMCells, SegmentMarkov])
def test_without_a_past_nothing_can_be_learned(baseline, log):
    with pytest.raises(TooLittleData, match="no customer 1200 days before"):
        baseline().fit(log, 1200)


@pytest.mark.parametrize(
    ("baseline", "horizon", "message"),
    [
        (SameAgain(), 0, "horizon_days = 0"),
        (RFMCells(), 1.5, "horizon_days = 1.5"),
        (RFMCells(classes=1), 90, "classes = 1"),
        (SegmentMarkov(periods=0), 90, "periods = 0"),
        (SegmentMarkov(periods=9), 5, "periods = 9 in 5 days"),
    ],
)
def test_options_are_checked(baseline, horizon, message, log):
    with pytest.raises(ParameterError, match=message):
        baseline.fit(log, horizon)
