"""Options: how much of an effect comes back, what each lever is worth, and how sure that is."""

import itertools
import math
import random
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from crmlib.analysis.levers import LEVERS, effects
from crmlib.analysis.options import CarryOver, at_share, carry_over, value_options

NUMBERS = ["customers", "gain", "low", "high", "at_half"]


def back(part, spread=0.0):
    """The same carry-over for every lever."""
    return {lever: CarryOver(part, spread) for lever in LEVERS}


def one(stay, leave):
    """Effects of a single lever on customers a, b, c and so on."""
    index = list("abcdefghijklmnopqrstuvwxyz"[: len(stay)])
    return {"discount_cap": pd.DataFrame({"stay": stay, "leave": leave}, index=index, dtype="float64")}


@pytest.fixture
def drawn_effects():
    def make(seed, n=40):
        rng = np.random.default_rng(seed)
        names = [f"c{i}" for i in range(n)]
        return {
            lever: pd.DataFrame({"stay": rng.gamma(2, 5, n), "leave": rng.normal(15, 20, n)}, index=names)
            for lever in LEVERS
        }

    return make


@pytest.fixture
def value(terms):
    """Value options on all customers, or on those given."""

    def of(by_lever, carried=None, targets=None, walk_away=terms.walk_away, **more):
        index = next(iter(by_lever.values())).index if targets is None else targets
        return value_options(by_lever, index, replace(terms, walk_away=walk_away), carried, **more)

    return of


# What comes back --------------------------------------------------------------------------------


def test_what_comes_back_by_hand_on_four_customers(terms):
    """One of the four has left, one is no longer touched; a newcomer does not count."""
    before = one([10, 20, 30, 40], [5, 10, 15, 20])
    after = {
        "discount_cap": pd.DataFrame({"stay": [10.0, 15, 0, 99], "leave": [5.0, 0, 0, 9]}, index=list("abcz"))
    }
    found = carry_over(before, after, pd.Index(list("abcd")), terms)["discount_cap"]
    # At a fifth that walks away: 0.8 x stay - 0.2 x leave.
    then, now = [7, 14, 21, 28], [7, 12, 0, 0]
    part = sum(now) / sum(then)
    assert found.part == pytest.approx(part) == pytest.approx(19 / 70)
    # Rests from the line through the origin, their standard deviation over three, times root four.
    rests = [n - part * t for n, t in zip(now, then, strict=True)]
    assert sum(rests) == pytest.approx(0)
    assert found.spread == pytest.approx(math.sqrt(4 * sum(r * r for r in rests) / 3) / 70)


def test_only_the_former_targets_are_followed(terms, drawn_effects):
    before, after = drawn_effects(1), drawn_effects(2)
    some = before["discount_cap"].index[5:20]
    found = carry_over(before, after, some, terms)
    cut = [{lever: frame.loc[some] for lever, frame in e.items()} for e in (before, after)]
    assert found == carry_over(*cut, some, terms)
    assert found != carry_over(before, after, before["discount_cap"].index, terms)


def test_an_unchanged_effect_comes_back_whole_and_a_share_of_it_as_that_share(terms, drawn_effects):
    before = drawn_effects(3)
    index = before["discount_cap"].index
    for share in (1.0, 0.25, 1.5):
        after = {lever: share * frame for lever, frame in before.items()}
        for found in carry_over(before, after, index, terms).values():
            assert (found.part, found.spread) == pytest.approx((share, 0), abs=1e-9)


def test_where_everybody_left_nothing_comes_back(terms, drawn_effects):
    before = drawn_effects(3)
    index = before["discount_cap"].index
    after = {lever: frame.rename(index=lambda n: "new " + n) for lever, frame in before.items()}
    for found in carry_over(before, after, index, terms).values():
        assert (found.part, found.spread) == (0, 0)


@pytest.mark.parametrize(("stay", "leave"), [([0, 0], [0, 0]), ([1, 2], [50, 60]), ([0, 0], [5, 0])])
def test_a_lever_that_brought_nothing_before_is_taken_to_come_back_whole(terms, stay, leave):
    after = one([10, 20], [5, 6])
    found = carry_over(one(stay, leave), after, pd.Index(["a", "b"]), terms)
    assert found == {"discount_cap": CarryOver(1.0, 0.0)}


def test_without_former_targets_all_is_taken_to_come_back(terms, drawn_effects):
    effect = drawn_effects(1)
    found = carry_over(effect, effect, effect["discount_cap"].index[:0], terms)
    assert found == back(1.0)


def test_one_former_target_gives_a_part_and_no_spread(terms):
    found = carry_over(one([10], [0]), one([4], [0]), pd.Index(["a"]), terms)["discount_cap"]
    assert (found.part, found.spread) == (pytest.approx(0.4), 0)


@pytest.mark.parametrize(("part", "counted"), [(-0.4, 0), (0.0, 0), (0.35, 0.35), (1.0, 1), (1.7, 1)])
def test_never_less_than_nothing_nor_more_than_all_is_counted(part, counted):
    assert CarryOver(part, 0.1).counted == counted


def test_the_part_that_comes_back_is_told_apart_from_what_is_counted(terms):
    index = pd.Index(["a", "b"])
    grown = carry_over(one([10, 10], [0, 0]), one([30, 20], [0, 0]), index, terms)["discount_cap"]
    turned = carry_over(one([10, 10], [0, 0]), one([1, 1], [90, 90]), index, terms)["discount_cap"]
    assert (grown.part, grown.counted) == (2.5, 1)
    assert turned.part < 0 and turned.counted == 0


@pytest.mark.parametrize("seed", [1, 2])
def test_on_a_drawn_company_every_lever_has_its_own_part(firm, terms, seed):
    _, customers, touched = firm(seed)
    _, later, touched_later = firm(seed + 10)
    before, after = effects(customers, touched, terms), effects(later, touched_later, terms)
    losers = customers.index[customers["profit"] < 0]
    found = carry_over(before, after, losers, terms)
    assert list(found) == list(LEVERS)
    for lever, carried in found.items():
        then, now = (
            sum(0.8 * e[lever].loc[who, "stay"] - 0.2 * e[lever].loc[who, "leave"]
                for who in losers if who in e[lever].index)
            for e in (before, after)
        )  # fmt: skip
        assert carried.part == pytest.approx(now / then if then > 0 else 1.0)
        assert carried.spread >= 0


# Gains ------------------------------------------------------------------------------------------


def test_without_a_carry_over_the_gain_is_the_plain_formula(drawn_effects, value):
    by_lever = drawn_effects(1)
    table = value(by_lever, walk_away=0.3)
    for lever in LEVERS:
        by_hand = sum(0.7 * stay - 0.3 * leave for stay, leave in by_lever[lever].itertuples(index=False))
        assert table.loc[lever, "gain"] == pytest.approx(by_hand)
        assert table.loc[lever, "gain"] == pytest.approx(at_share(by_lever[lever], 0.3).sum())
        assert table.loc[lever, "carried"] == 1
    pd.testing.assert_frame_equal(table, value(by_lever, back(1.0), walk_away=0.3))


def test_the_gain_is_linear_in_the_share_that_walks_away(drawn_effects, value):
    by_lever = drawn_effects(2)
    none, half, all_ = (value(by_lever, walk_away=w)["gain"].sort_index() for w in (0.0, 0.25, 0.5))
    assert ((none + all_) / 2).tolist() == pytest.approx(half.tolist())
    assert none["discount_cap"] == pytest.approx(by_lever["discount_cap"]["stay"].sum())


def test_the_gain_if_half_walks_away_by_hand(value):
    row = value(one([100, 20], [60, 0]), {"discount_cap": CarryOver(0.5, 0.0)}).loc["discount_cap"]
    # Half of 120 stays, half of 60 is lost: 30, of which half comes back.
    assert row["at_half"] == pytest.approx(15)
    assert row["gain"] == pytest.approx(0.5 * (0.8 * 120 - 0.2 * 60))


def test_the_gain_if_half_walks_away_does_not_depend_on_the_middle(drawn_effects, value):
    by_lever = drawn_effects(2)
    little, half = (value(by_lever, back(0.7), walk_away=w).sort_index() for w in (0.1, 0.5))
    assert little["at_half"].tolist() == pytest.approx(half["at_half"].tolist())
    assert half["at_half"].tolist() == pytest.approx(half["gain"].tolist())


def test_at_the_break_even_share_the_gain_is_nothing(drawn_effects, value):
    by_lever = drawn_effects(3)
    table = value(by_lever)
    for lever in LEVERS:
        share = table.loc[lever, "break_even"]
        assert 0 < share < 1
        assert value(by_lever, walk_away=share).loc[lever, "gain"] == pytest.approx(0, abs=1e-9)
    assert math.isnan(table.loc["do_nothing", "break_even"])


@pytest.mark.parametrize(("stay", "leave", "share"), [(10.0, -20.0, 1.0), (10.0, -10.0, 1.0), (0.0, 5.0, 0.0),
                                                       (0.0, 0.0, 1.0), (10.0, -5.0, 1.0)])  # fmt: skip
def test_the_break_even_share_stays_between_none_and_all(value, stay, leave, share):
    assert value(one([stay], [leave])).loc["discount_cap", "break_even"] == share


@pytest.mark.parametrize(("part", "counted"), [(0.0, 0.0), (0.35, 0.35), (1.0, 1.0), (1.7, 1.0), (-0.3, 0.0)])
def test_only_what_comes_back_counts(drawn_effects, value, part, counted):
    by_lever = drawn_effects(4)
    full, table = value(by_lever).sort_index(), value(by_lever, back(part)).sort_index()
    for name in ("gain", "low", "high", "at_half"):
        assert table[name].tolist() == pytest.approx((counted * full[name]).tolist())
    assert (table["carried"].drop("do_nothing") == counted).all()
    # Who is touched, and when a lever stops paying, does not hang on how much comes back.
    for name in ("customers", "break_even"):
        assert table[name].drop("do_nothing").tolist() == full[name].drop("do_nothing").tolist()


def test_each_lever_has_its_own_carry_over_and_one_that_is_missing_counts_whole(drawn_effects, value):
    by_lever = drawn_effects(4)
    full = value(by_lever)["gain"]
    parts = {"discount_cap": CarryOver(0.1, 0.0), "delivery_fee": CarryOver(0.6, 0.0)}
    table = value(by_lever, parts)
    for lever, part in {
        "discount_cap": 0.1,
        "minimum_order": 1,
        "delivery_fee": 0.6,
        "cheaper_channel": 1,
    }.items():
        assert table.loc[lever, "gain"] == pytest.approx(part * full[lever])


def test_options_stand_in_the_order_of_their_gains_after_doing_nothing(drawn_effects, value):
    table = value(drawn_effects(6), {"discount_cap": CarryOver(0.01, 0.0)})
    assert table.index[0] == "do_nothing" and set(table.index[1:]) == set(LEVERS)
    assert table["gain"].iloc[1:].is_monotonic_decreasing
    assert table.index[-1] == "discount_cap"
    assert table.loc["do_nothing", NUMBERS].tolist() == [0] * 5
    assert table.loc["do_nothing", ["break_even", "carried"]].isna().all()


def test_only_the_target_customers_count(drawn_effects, value):
    by_lever = drawn_effects(7)
    some = by_lever["discount_cap"].index[:7]
    alone = {lever: frame.loc[some] for lever, frame in by_lever.items()}
    pd.testing.assert_frame_equal(value(by_lever, targets=some), value(alone))
    assert (value(by_lever, targets=some)["customers"] <= 7).all()
    assert value(by_lever, targets=some[:0])[NUMBERS].to_numpy().tolist() == [[0] * 5] * 5


# Who carries an effect --------------------------------------------------------------------------


def fewest(stay, share=0.95):
    """Try all groups of customers, from none to all."""
    for size in range(len(stay) + 1):
        if any(sum(g) >= share * sum(stay) - 1e-9 for g in itertools.combinations(stay, size)):
            return size


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("shape", [0.15, 1.0, 20.0])
def test_the_customers_are_the_fewest_who_carry_the_effect(value, seed, shape):
    stay = np.random.default_rng(seed).gamma(shape, 10, 11).tolist()
    assert value(one(stay, [7.0] * 11)).loc["discount_cap", "customers"] == fewest(stay)


@pytest.mark.parametrize(
    ("stay", "expected"),
    [([0, 0, 0], 0), ([5], 1), ([5, 0, 0], 1), ([1] * 20, 19), ([95, 5], 1), ([94, 6], 2), ([1, 97, 2], 1)],
)
def test_the_customers_who_carry_an_effect_in_plain_cases(value, stay, expected):
    """Those who may leave without anything to gain from them carry nothing."""
    assert fewest(stay) == expected
    assert value(one(stay, [9.0] * len(stay))).loc["discount_cap", "customers"] == expected


# Ranges -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("walk_away", [0.1, 0.2, 0.5, 0.8])
@pytest.mark.parametrize("part", [None, 0.4])
def test_where_only_leaving_is_in_doubt_the_range_is_the_assumed_one(value, terms, walk_away, part):
    """Evenly spread shares: the middle 95 % of the effect lie between those at 2.5 % and 97.5 %."""
    carried = None if part is None else {"discount_cap": CarryOver(part, 0.0)}
    stay, leave = [70.0, 20, 10], [10.0, 40, 10]
    row = value(one(stay, leave), carried, walk_away=walk_away, draws=100_000).loc["discount_cap"]
    least, most = max(0, 2 * walk_away - 1), min(1, 2 * walk_away)
    for name, quantile in (("high", 0.025), ("low", 0.975)):
        share = least + quantile * (most - least)
        exact = (1 if part is None else part) * (100 - share * 160)
        # Five standard errors of a quantile of evenly spread draws.
        error = 5 * 160 * (most - least) * math.sqrt(0.025 * 0.975 / 100_000)
        assert row[name] == pytest.approx(exact, abs=error)


def test_where_only_what_comes_back_is_in_doubt_the_range_is_that_of_a_normal(value):
    row = value(one([100.0], [60.0]), back(0.5, 0.1), walk_away=0.0, draws=100_000).loc["discount_cap"]
    assert (row["low"], row["high"]) == pytest.approx((100 * (0.5 - 0.196), 100 * (0.5 + 0.196)), abs=0.5)


def test_without_any_doubt_there_is_no_range(drawn_effects, value):
    table = value(drawn_effects(5), back(0.6), walk_away=0.0)
    for end in ("low", "high"):
        assert table[end].tolist() == pytest.approx(table["gain"].tolist())


@pytest.mark.parametrize("part", [0.0, 0.5, 1.0, 1.4])
def test_not_even_at_the_ends_of_the_range_more_than_all_or_less_than_nothing_comes_back(value, part):
    row = value(one([100.0], [-100.0]), back(part, 3.0), walk_away=0.0).loc["discount_cap"]
    assert (row["low"], row["high"]) == (0, 100)


@pytest.mark.parametrize("walk_away", [0.7, 1.0])
def test_no_more_than_all_business_can_walk_away(value, walk_away):
    row = value(one([100.0], [60.0]), walk_away=walk_away).loc["discount_cap"]
    assert -60 <= row["low"] <= row["high"] <= 100


def test_customers_are_taken_as_they_are(value):
    """However unlike the customers are, the range is that of their sum."""
    even, uneven = one([50.0, 50], [30.0, 30]), one([100.0, 0], [0.0, 60])
    names = ["gain", "low", "high", "at_half", "break_even"]
    pd.testing.assert_frame_equal(value(even, back(0.5, 0.1))[names], value(uneven, back(0.5, 0.1))[names])


def test_more_doubt_about_what_comes_back_widens_the_range(drawn_effects, value):
    tables = [value(drawn_effects(4), back(0.5, spread)) for spread in (0.0, 0.1, 0.2)]
    widths = [(t["high"] - t["low"]).drop("do_nothing") for t in tables]
    assert (widths[1] > widths[0]).all() and (widths[2] > widths[1]).all()


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("carried", [None, back(0.0, 0.1), back(0.4, 0.05), back(0.95, 0.1), back(1.2, 0.25)])
@pytest.mark.parametrize("walk_away", [0.0, 0.2, 0.5, 0.9])
def test_the_middle_lies_in_its_range(drawn_effects, value, seed, carried, walk_away):
    table = value(drawn_effects(seed, n=12), carried, walk_away=walk_away, seed=seed)
    slack = 1e-9 * (1 + table["gain"].abs())
    assert (table["low"] <= table["gain"] + slack).all()
    assert (table["gain"] <= table["high"] + slack).all()


def test_the_same_seed_gives_the_same_table_and_another_seed_about_the_same(drawn_effects, value):
    by_lever = drawn_effects(8)
    first, same, other = (value(by_lever, back(0.5, 0.1), seed=seed) for seed in (1, 1, 2))
    pd.testing.assert_frame_equal(first, same)
    ends = ["low", "high"]
    pd.testing.assert_frame_equal(first.drop(columns=ends), other.drop(columns=ends))
    assert not first["low"].equals(other["low"])
    width = (first["high"] - first["low"]).max()
    assert np.allclose(first[ends], other[ends], atol=0.1 * width)


def test_the_range_of_a_lever_does_not_hang_on_which_others_are_valued(drawn_effects, value):
    by_lever = drawn_effects(8)
    whole = value(by_lever, back(0.5, 0.1))
    for lever, effect in by_lever.items():
        alone = value({lever: effect}, back(0.5, 0.1))
        pd.testing.assert_frame_equal(alone, whole.loc[["do_nothing", lever]])


def test_order_and_names_of_customers_change_nothing(drawn_effects, value):
    by_lever = drawn_effects(9)
    expected = value(by_lever)
    index = by_lever["discount_cap"].index
    mixed = list(index)
    random.Random(1).shuffle(mixed)
    pd.testing.assert_frame_equal(value(by_lever, targets=pd.Index(mixed)), expected)
    renamed = {lever: frame.rename(index=lambda n: n + "x") for lever, frame in by_lever.items()}
    pd.testing.assert_frame_equal(value(renamed), expected)


def test_valuing_leaves_its_inputs_alone(drawn_effects, value, terms):
    by_lever = drawn_effects(9)
    index = by_lever["discount_cap"].index
    value(by_lever, carry_over(by_lever, drawn_effects(10), index, terms))
    for lever, frame in drawn_effects(9).items():
        pd.testing.assert_frame_equal(by_lever[lever], frame)
