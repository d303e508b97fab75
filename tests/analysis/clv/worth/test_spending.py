"""Limits of spending: what is at stake by hand, and groups whose true worth is known."""

import numpy as np
import pandas as pd
import pytest

from crmlib.analysis.clv.discounting import Schedule
from crmlib.analysis.clv.spend.credibility import Credibility
from crmlib.analysis.clv.timing.groups import fit_by_group
from crmlib.analysis.clv.timing.mbg_nbd import MBGNBD
from crmlib.analysis.clv.worth.spending import money_by_group, win_back, worth_of_new
from crmlib.errors import ParameterError

YEAR = Schedule.until(365.25, 0.1)


def values(alive, value):
    return pd.DataFrame({"alive": alive, "value": value}, index=[f"C{i}" for i in range(len(alive))])


def test_a_contact_by_hand():
    found = win_back(values([0.5, 0.2, 0.9], [10.0, 4.0, 9.0]), contact_cost=1.5, brought_back=0.2)
    # If active for sure they would bring 20, 20 and 10.
    assert found.customers["at_stake"].tolist() == pytest.approx([10, 16, 1])
    assert found.customers["limit"].tolist() == pytest.approx([2, 3.2, 0.2])
    assert found.customers["contact"].tolist() == [True, True, False]
    assert found.customers["gain"].tolist() == pytest.approx([0.5, 1.7, 0])
    assert found.gain == pytest.approx(2.2) and found.break_even == pytest.approx(3 / 26)
    assert found.low == pytest.approx(-3) and found.high == pytest.approx(0.4 * 26 - 3)
    assert found.customers.index.tolist() == ["C0", "C1", "C2"]


def drawn(seed=1, size=300):
    rng = np.random.default_rng(seed)
    return values(rng.random(size), rng.normal(10, 15, size))


@pytest.mark.parametrize("seed", range(3))
def test_at_the_share_of_break_even_the_same_contacts_gain_nothing(seed):
    found = win_back(drawn(seed), 2.0, 0.1)
    stake = found.customers.loc[found.customers["contact"], "at_stake"].sum()
    contacts = found.customers["contact"].sum()
    assert found.break_even * stake == pytest.approx(2.0 * contacts)
    assert (
        found.break_even < 0.1
        and found.low == pytest.approx(-2.0 * contacts)
        and found.low < found.gain < found.high
    )
    assert found.gain == pytest.approx(0.1 * stake - 2.0 * contacts)


def test_the_range_follows_the_spread_and_ends_at_none_and_all():
    base = drawn()
    none = win_back(base, 2.0, 0.1, spread=0.0)
    assert none.low == pytest.approx(none.gain) == pytest.approx(none.high)
    half = win_back(base, 2.0, 0.1, spread=0.5)
    assert half.low + half.high == pytest.approx(2 * half.gain) and half.low > win_back(base, 2.0, 0.1).low
    assert win_back(base, 2.0, 0.1, spread=5.0).low == win_back(base, 2.0, 0.1).low
    sure = win_back(base, 2.0, 0.8)
    stake = sure.customers.loc[sure.customers["contact"], "at_stake"].sum()
    assert sure.high == pytest.approx(stake - 2.0 * sure.customers["contact"].sum())


def test_who_is_active_for_sure_has_nothing_at_stake():
    found = win_back(values([1.0, 1.0], [50.0, -50.0]), 0.0, 0.5)
    assert (found.customers[["at_stake", "limit", "gain"]] == 0).all(axis=None)
    assert not found.customers["contact"].any() and found.gain == 0 and np.isnan(found.break_even)


def test_whoever_costs_money_is_never_contacted():
    found = win_back(values([0.5, 0.1, 0.5], [-10.0, -0.01, 10.0]), 0.0, 1.0)
    assert found.customers["contact"].tolist() == [False, False, True]
    assert found.gain == pytest.approx(10)


def test_a_contact_that_costs_nothing_goes_to_all_who_may_bring_something():
    base = drawn()
    found = win_back(base, 0.0, 0.3)
    assert (found.customers["contact"] == (base["value"] > 0)).all()
    assert found.break_even == 0 and found.low == 0
    dear = win_back(base, 1e9, 0.3)
    assert dear.gain == dear.low == dear.high == 0 and np.isnan(dear.break_even)


def test_chances_of_zero_or_not_known_say_nothing():
    found = win_back(values([0.0, np.nan, 0.5], [0.0, 5.0, 5.0]), 1.0, 1.0)
    assert found.customers["contact"].tolist() == [False, False, True] and found.gain == pytest.approx(4)
    assert found.customers["at_stake"].iloc[0] == 0 and np.isnan(found.customers["at_stake"].iloc[1])
    unknown = win_back(values([np.nan] * 2, [5.0, 5.0]), 1.0, 1.0)
    assert unknown.gain == unknown.high == 0 and not unknown.customers["contact"].any()
    assert win_back(drawn(size=0), 1.0, 0.5).gain == 0


@pytest.mark.parametrize("share", [0, -0.1, 1.01, np.nan])
def test_a_share_out_of_range_is_refused(share):
    with pytest.raises(ParameterError, match="brought_back"):
        win_back(drawn(), 1.0, share)


@pytest.mark.parametrize("options", [{"contact_cost": -0.01}, {"contact_cost": np.nan}, {"spread": -1.0}])
def test_a_cost_or_a_spread_below_zero_is_refused(options):
    with pytest.raises(ParameterError, match=next(iter(options))):
        win_back(drawn(), **{"contact_cost": 1.0, "brought_back": 0.1} | options)


def test_the_order_of_customers_and_the_currency_change_no_contact():
    base = drawn()
    found = win_back(base, 2.0, 0.1)
    mixed = win_back(base.sample(frac=1, random_state=1), 2.0, 0.1)
    pd.testing.assert_frame_equal(mixed.customers.loc[base.index], found.customers)
    cents = win_back(base.assign(value=100 * base["value"]), 200.0, 0.1)
    assert cents.customers["contact"].equals(found.customers["contact"])
    assert [cents.gain, cents.low, cents.high] == pytest.approx(
        [100 * v for v in (found.gain, found.low, found.high)]
    )
    assert cents.break_even == pytest.approx(found.break_even)


# Money of groups


def credible(within, between, base_mean=0.0):
    model = Credibility()
    model.base_mean_, model.within_, model.between_, model.n_customers_ = base_mean, within, between, 10
    return model


def cycles_of(rows):
    found = pd.DataFrame(rows, columns=["group", "n", "money"]).assign(squares=0.0)
    return found.set_axis([f"C{i:04d}" for i in range(len(found))])


def test_money_of_groups_by_hand():
    """Own means have variance 1 + 4 / n: 2 for n of 4, and 5 for n of 1. So each group has a precision of 1."""
    table = cycles_of(
        [("X", 4, 10.0), ("X", 4, 12.0), ("Y", 4, 4.0), ("Y", 4, 6.0), *[("Z", 1, 8.0)] * 5, ("Z", 0, np.nan)]
    )
    found = money_by_group(credible(4.0, 1.0), table, table["group"])
    # Means 11, 5 and 8; their squares away from 8 are 18, two more than 2, over 3 - 3 / 3: the variance is 8.
    assert found["customers"].to_dict() == {"X": 2, "Y": 2, "Z": 5}
    assert found["money"].tolist() == pytest.approx([8 + 3 * 8 / 9, 8 - 3 * 8 / 9, 8])
    # A ninth of the doubt is that of the mean of the groups, which has the variance (8 + 1) / 3.
    assert found["error"].tolist() == pytest.approx([np.sqrt(8 / 9 + 3 / 81)] * 3)


def test_groups_that_do_not_differ_share_the_mean_of_all():
    table = cycles_of([("X", 4, 10.0), ("Y", 4, 10.5), ("Z", 1, 9.0)])
    found = money_by_group(credible(4.0, 1.0), table, table["group"])
    precision = np.array([0.5, 0.5, 0.2])
    mean = precision @ [10.0, 10.5, 9.0] / 1.2
    assert found["money"].tolist() == pytest.approx([mean] * 3)
    assert found["error"].tolist() == pytest.approx([np.sqrt(1 / 1.2)] * 3)


def test_customers_of_equal_means_are_weighed_by_their_purchases():
    table = cycles_of([("X", 6, 100.0), ("X", 2, 60.0), ("Y", 8, 10.0), ("Z", 8, 50.0)])
    found = money_by_group(credible(4.0, 0.0), table, table["group"])
    # Precisions of 2 each; means 90, 10, 50: away from 50 by 2 * (1600 + 1600) - 2, over 6 - 12 / 6.
    between = (6_400 - 2) / 4
    share = between / (between + 0.5)
    assert found["money"].tolist() == pytest.approx([50 + 40 * share, 50 - 40 * share, 50])


@pytest.mark.filterwarnings("error")
def test_equal_purchases_leave_no_doubt():
    table = cycles_of([("X", 2, 5.0), ("X", 2, 5.0), ("Y", 1, 5.0), ("Z", 3, 5.0)])
    found = money_by_group(Credibility().fit(table), table, table["group"])
    assert found["money"].tolist() == pytest.approx([5, 5, 5]) and (found["error"] < 1e-6).all()


def test_a_group_without_a_purchase_gets_the_mean_of_the_groups():
    table = cycles_of([("X", 4, 11.0), ("X", 4, 11.0), ("Y", 4, 5.0), ("Y", 4, 5.0), ("Q", 0, np.nan)])
    found = money_by_group(credible(4.0, 1.0), table, table["group"])
    assert found.loc["Q", "customers"] == 0 and found.loc["Q", "money"] == pytest.approx(8)
    assert found.loc["Q", "error"] > 2 * found.loc["X", "error"]


def test_customers_of_no_group_and_numbers_as_names():
    table = cycles_of([(1, 4, 11.0), (2, 4, 5.0), (3, 4, 8.0), (3, 4, 1e6)])
    groups = table["group"].iloc[:3]
    found = money_by_group(credible(4.0, 1.0), table, groups)
    assert found.index.tolist() == ["1", "2", "3"] and found["customers"].sum() == 3
    pd.testing.assert_frame_equal(found, money_by_group(credible(4.0, 1.0), table.iloc[:3], groups))


def test_errors_are_as_large_as_they_say():
    """Eight groups of few customers, drawn again and again."""
    rng = np.random.default_rng(1)
    away, errors = [], []
    for _ in range(300):
        truth = rng.normal(10, 3, 8)
        group = np.repeat(np.arange(8), [2, 2, 3, 5, 10, 20, 40, 80])
        n = rng.integers(1, 6, len(group))
        own = truth[group] + rng.normal(0, 4, len(group)) + rng.normal(0, 6 / np.sqrt(n))
        table = cycles_of(zip([f"G{g}" for g in group], n, own, strict=True))
        found = money_by_group(credible(36.0, 16.0), table, table["group"])
        away.append(found["money"] - truth)
        errors.append(found["error"] ** 2)
    ratio = np.mean(np.square(away), axis=0) / np.mean(errors, axis=0)
    # The variance between so few groups is itself uncertain, which the errors do not hold.
    assert ((ratio > 0.75) & (ratio < 1.6)).all()


def test_money_of_groups_scales_with_the_currency():
    rng = np.random.default_rng(2)
    table = cycles_of([(g, n, m) for g, n, m in zip(rng.choice(list("XYZ"), 60), rng.integers(1, 5, 60), rng.normal(5, 9, 60), strict=True)])  # fmt: skip
    found = money_by_group(credible(9.0, 4.0), table, table["group"])
    cents = money_by_group(credible(9e4, 4e4), table.assign(money=100 * table["money"]), table["group"])
    np.testing.assert_allclose(cents[["money", "error"]], 100 * found[["money", "error"]])
    mixed = money_by_group(credible(9.0, 4.0), table.sample(frac=1, random_state=1), table["group"])
    pd.testing.assert_frame_equal(mixed, found)


# The next customer of a group

PACES = {"often": 40.0, "middle": 90.0, "rare": 220.0}
MONEY = {"often": 12.0, "middle": 12.0, "rare": 12.0, "tiny": 12.0, "silent": 12.0}


@pytest.fixture(scope="module")
def won():
    """Three large groups that buy at different rates, a tiny one that bought a lot, one that never came back."""
    rng = np.random.default_rng(4)
    parts = []
    for name, pace in PACES.items():
        own = (
            MBGNBD()
            .with_params([1.3, pace, 0.5, 3.0])
            .simulate(rng.integers(100, 900, 500).astype(float), rng)
        )
        parts.append(own[["x", "t_x", "T"]].assign(t_x=np.ceil(own["t_x"]), group=name))
    parts.append(
        pd.DataFrame(
            {"x": [30, 25, 28, 0, 31], "t_x": [390.0, 380, 395, 0, 399], "T": 400.0, "group": "tiny"}
        )
    )
    parts.append(pd.DataFrame({"x": 0, "t_x": 0.0, "T": 300.0, "group": ["silent"] * 8}))
    found = pd.concat(parts, ignore_index=True)
    found = found.set_axis([f"C{i:05d}" for i in range(len(found))])
    n = found["x"] + 1
    found = found.assign(n=n, squares=64.0 * found["x"])
    worth = 12 + rng.normal(0, 5, len(found))
    return found.assign(money=worth + rng.normal(0, 8 / np.sqrt(n)))


@pytest.fixture(scope="module")
def fits(won):
    return fit_by_group(MBGNBD(), won, won["group"])


def worth(won, fits, seed=1, **options):
    money = Credibility().fit(won)
    return worth_of_new(fits, money, won, won["group"], YEAR, np.random.default_rng(seed), **options)


@pytest.fixture(scope="module")
def new(won, fits):
    return worth(won, fits)


def test_a_new_customer_is_worth_the_first_purchase_and_the_discounted_rest(new, fits):
    for name, row in new.iterrows():
        repeats = fits.models[name].discounted_orders_of_new(YEAR)
        assert row["value"] == pytest.approx((1 + repeats) * row["money"])
        assert row["orders"] == pytest.approx(float(fits.models[name].expected_orders(365.25)))
        assert repeats < row["orders"] and row["low"] < row["value"] < row["high"]


def test_groups_come_in_the_order_of_their_true_rates(new):
    assert new.loc[list(PACES), "value"].is_monotonic_decreasing
    for name, pace in PACES.items():
        truth = MBGNBD().with_params([1.3, pace, 0.5, 3.0])
        value = (1 + truth.discounted_orders_of_new(YEAR)) * 12
        assert new.loc[name, "low"] < value < new.loc[name, "high"]
        assert new.loc[name, "value"] == pytest.approx(value, rel=0.12)


def test_a_small_group_is_drawn_towards_the_others_and_is_less_sure(won, fits, new):
    tiny = won[won["group"] == "tiny"]
    alone = MBGNBD().fit(tiny)
    others = np.mean([fits.models[name].expected_orders(365.25) for name in PACES])
    assert others < new.loc["tiny", "orders"] < float(alone.expected_orders(365.25))
    width = (new["high"] - new["low"]) / new["value"]
    assert width["tiny"] > 2 * width[list(PACES)].max()


def test_a_group_without_repeats_has_an_interval_and_one_as_wide_as_groups_differ(new):
    width = (new["high"] - new["low"]) / new["value"]
    assert width["silent"] > 2 * width[list(PACES)].max()
    assert new.loc["silent", "customers"] == 8 and new["customers"].sum() == 1_513


def test_a_wider_level_is_wider_and_a_seed_says_all(won, fits, new):
    wide = worth(won, fits, level=0.99)
    assert ((wide["low"] <= new["low"]) & (wide["high"] >= new["high"])).all()
    pd.testing.assert_frame_equal(worth(won, fits), new)
    other = worth(won, fits, seed=2)
    pd.testing.assert_series_equal(other["value"], new["value"])
    np.testing.assert_allclose(
        other.loc[list(PACES), ["low", "high"]], new.loc[list(PACES), ["low", "high"]], rtol=0.05
    )


def test_the_currency_scales_money_alone(won, fits, new):
    cents = worth(won.assign(money=100 * won["money"], squares=1e4 * won["squares"]), fits)
    np.testing.assert_allclose(
        cents[["money", "value", "low", "high"]], 100 * new[["money", "value", "low", "high"]]
    )
    np.testing.assert_allclose(cents[["customers", "orders"]], new[["customers", "orders"]])
