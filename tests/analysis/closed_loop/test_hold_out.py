"""Who is held out: enough of each action to find the effect asked for, evenly by lot, and never more than allowed."""

import numpy as np
import pandas as pd
import pytest

from crmlib.analysis.closed_loop.hold_out import ALL, hold_out, seed_of, strata_of
from crmlib.analysis.targeting.trial_design import power_of_test
from crmlib.analysis.targeting.trial_outcomes import Amount
from crmlib.errors import DataError, ParameterError

LIST = "actions-2026-06-30"


def listed(seed=1, **sizes):
    """Customers by action, and what each brought in a past window: a standard deviation of about 20."""
    rng = np.random.default_rng(seed)
    action = np.repeat(list(sizes), list(sizes.values()))
    ids = pd.Index([f"C{i:05d}" for i in rng.permutation(len(action))], name="customer_id")
    frame = pd.DataFrame({"action": action, "expected_profit": rng.gamma(2, 3, len(action))}, ids)
    return frame, pd.Series(rng.gamma(1, 20, len(action)), ids)


def test_each_action_holds_out_the_smallest_share_that_finds_its_effect():
    people, past = listed(save=3000, cross=3000)
    table = hold_out(people, past, {"save": 2.5, "cross": 3.6}, LIST).table
    for name, effect in (("save", 2.5), ("cross", 3.6)):
        row = table.loc[name]
        spread = Amount(past[people["action"] == name].std())
        chances = [
            power_of_test(spread, [effect], 3000 - out, out).iloc[0]
            for out in (int(row["held_out"]), int(row["held_out"]) - 150)
        ]
        assert chances[0] >= 0.8 > chances[1]
        assert row["power"] == pytest.approx(chances[0]) and row["smallest"] <= effect and row["lists"] == 1
    assert table.loc["save", "share"] > table.loc["cross", "share"]


def test_what_is_too_small_to_find_the_effect_holds_out_the_most_and_says_how_many_lists_it_takes():
    people, past = listed(save=400)
    row = hold_out(people, past, 1.0, LIST, most=0.25).table.loc["save"]
    assert (row["held_out"], row["contacted"]) == (100, 300)
    assert row["power"] < 0.2 and row["smallest"] > 1.0
    alone = hold_out(*listed(save=400 * int(row["lists"])), 1.0, LIST, most=0.25).table.loc["save"]
    assert alone["power"] > 0.7


def test_the_share_is_even_over_actions_and_quarters_of_profit():
    people, past = listed(save=1000, cross=1400)
    drawn = hold_out(people, past, 1.0, LIST, most=0.3)
    out = (drawn.arm == "hold out").groupby(strata_of(people)).agg(["sum", "size"])
    assert len(out) == 8
    assert ((out["sum"] - 0.3 * out["size"]).abs() <= 1).all()


def test_the_lot_depends_on_the_list_alone():
    people, past = listed(save=500, cross=500)
    first = hold_out(people, past, 5.0, LIST).arm
    again = hold_out(people.sample(frac=1, random_state=3), past.iloc[::-1], 5.0, LIST).arm
    pd.testing.assert_series_equal(first, again)
    other = hold_out(people, past, 5.0, "actions-2026-07-31").arm
    both = ((first == "hold out") & (other == "hold out")).sum()
    # By chance, the share of the first that the second holds out again is its own share.
    assert seed_of(LIST) != seed_of("actions-2026-07-31")
    assert both / (first == "hold out").sum() == pytest.approx((other == "hold out").mean(), abs=0.1)


def test_small_actions_are_drawn_together_and_what_is_too_small_holds_out_nobody():
    people, past = listed(save=1000, repair=70, up=60)
    drawn = hold_out(people, past, 5.0, LIST)
    assert drawn.table.loc[["repair", "up"], "held_out"].sum() == 39
    assert drawn.table.loc[["repair", "up"], "power"].isna().all() and not drawn.notes
    drawn = hold_out(*listed(save=1000, repair=70), 5.0, LIST)
    assert drawn.table.loc["repair", "held_out"] == 21 and np.isnan(drawn.table.loc["repair", "power"])
    assert drawn.notes == (
        "70 customers are too few to tell by this list alone what repair does: the lots of several months are put "
        "together until 30 are held out.",
    )
    drawn = hold_out(*listed(save=1000, repair=6), 5.0, LIST)
    assert drawn.table.loc["repair", "held_out"] == 0
    assert drawn.notes == (
        "Nobody is held out of repair: 6 customers are too few for two arms, so what it does cannot be told.",
    )
    one = hold_out(*listed(save=1), 5.0, LIST)
    assert (one.arm == "contact").all()
    assert one.notes[0].startswith("Nobody is held out of the list: 1 customer is too few")


def test_a_list_of_nobody_holds_out_nobody():
    drawn = hold_out(*listed(), 5.0, LIST)
    assert drawn.arm.empty and drawn.notes == ("Nobody is on the list.",)
    assert drawn.table.loc[ALL, ["customers", "held_out", "forgone"]].tolist() == [0, 0, 0]


def test_customers_who_all_bought_alike_leave_nothing_to_size_by():
    people, past = listed(save=600)
    row = hold_out(people, past * 0, 5.0, LIST).table.loc["save"]
    assert row["held_out"] == 30 and np.isnan(row["power"])


def test_totals_add_up():
    people, past = listed(save=900, cross=300)
    drawn = hold_out(people, past, 4.0, LIST)
    own, whole = drawn.table.drop(ALL), drawn.table.loc[ALL]
    for name in ("customers", "contacted", "held_out", "forgone"):
        assert whole[name] == pytest.approx(own[name].sum())
    assert whole["forgone"] == pytest.approx(people.loc[drawn.arm == "hold out", "expected_profit"].sum())


def test_all_actions_are_as_exact_as_the_weighted_mean_of_their_effects():
    people, past = listed(save=800, cross=400)
    drawn = hold_out(people, past, {"save": 9.0, "cross": 1.0}, LIST)
    arms = drawn.table.loc[["cross", "save"], ["contacted", "held_out"]].to_numpy("float64")
    assert arms[0, 1] / arms[0].sum() == pytest.approx(0.3) and arms[1, 1] / arms[1].sum() < 0.3
    weight = arms[:, 0] / arms[:, 0].sum()
    error = past.std() * np.sqrt((weight**2 * (1 / arms).sum(axis=1)).sum())
    assert drawn.table.loc[ALL, "smallest"] == pytest.approx((1.959964 + 0.841621) * error, rel=0.01)


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (lambda people: people.rename(index={people.index[0]: people.index[1]}), "stands twice"),
        (lambda people: people.assign(action=None), "no action"),
        (lambda people: people.assign(expected_profit=np.inf), "no expected profit"),
        (lambda people: people.drop(columns="action"), "without action"),
        (lambda people: people.rename(index={people.index[0]: "new"}), "no margin in the past.*new"),
    ],
)
def test_a_list_that_cannot_be_drawn_from_is_refused(change, what):
    people, past = listed(save=100)
    with pytest.raises(DataError, match=what):
        hold_out(change(people), past, 5.0, LIST)


@pytest.mark.parametrize("wrong", [{"most": 0.04}, {"most": 0.6}, {"effect": 0.0}, {"effect": {"up": 3.0}}])
def test_a_size_that_cannot_be_is_refused(wrong):
    people, past = listed(save=100)
    with pytest.raises(ParameterError):
        hold_out(people, past, **({"effect": 5.0, "list_id": LIST} | wrong))
