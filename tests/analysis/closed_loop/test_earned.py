"""What lists earned: by hand, with known truth, and nothing told where nothing can be known."""

from dataclasses import replace
from datetime import date, timedelta

import ibis
import numpy as np
import pandas as pd
import pytest

from crmlib.analysis.closed_loop.earned import earned
from crmlib.analysis.closed_loop.stored_lists import read_lists
from crmlib.analysis.closed_loop.updating import ALL_LISTS, evidence_of
from crmlib.errors import ParameterError

MAY = date(2026, 5, 31)
JUNE = date(2026, 6, 30)
HOSTILE = "<b>=1+1</b>"


def names(count, prefix="C"):
    return [f"{prefix}{n:05d}" for n in range(count)]


def bought(margin_by_customer, day=date(2026, 6, 10)):
    frame = pd.DataFrame(
        {"customer_id": list(margin_by_customer), "net_sales": list(margin_by_customer.values())}
    )
    return frame.assign(day=day, cost_of_goods=0.0)


def evaluate(stored, *lines, as_of=JUNE, **choices):
    lists = read_lists(stored, pd.Index(stored["customer_id"].unique()), as_of)
    table = pd.concat(lines) if lines else bought({})
    return earned(lists, ibis.memtable(table), as_of, **choices)


@pytest.fixture
def hundred(stored_list):
    """A list of 120 customers, every second held out, whose profit is expected to be the same."""
    return stored_list(ids=names(120))


# By hand ----------------------------------------------------------------------------------------


def test_the_effect_is_the_difference_of_the_means_with_welch_s_error(hundred):
    rng = np.random.default_rng(1)
    spent = dict(zip(names(120), np.round(rng.gamma(2, 10, 120), 2), strict=True))
    found = evaluate(hundred, bought(spent)).by_list.loc[("actions-2026-05-31", "save")]
    treated, control = (np.array(list(spent.values()))[start::2] for start in (0, 1))
    error = np.sqrt(treated.var(ddof=1) / 60 + control.var(ddof=1) / 60)
    assert found["effect"] == pytest.approx(treated.mean() - control.mean())
    assert found["error"] == pytest.approx(error)
    assert found["low"] == pytest.approx(found["effect"] - 1.959964 * error)
    assert found["earned"] == pytest.approx(60 * found["effect"])
    assert found["net_high"] == pytest.approx(60 * (found["effect"] + 1.959964 * error) - 60 * 2.0)
    assert (found["treated"], found["control"], found["days"]) == (60, 60, 10)


def test_arms_are_compared_within_quarters_of_expected_profit(stored_list):
    """One quarter has nobody but rich customers; the lot holds out more of it than of the others."""
    profit = np.repeat([1.0, 2.0, 3.0, 4.0], 40)
    arm = np.where(np.tile(np.arange(40), 4) < np.repeat([30, 30, 30, 10], 40), "contact", "hold out")
    stored = stored_list(ids=names(160), expected_profit=profit, arm=arm)
    spent = dict(zip(names(160), np.where(profit == 4, 1000.0, 10.0) + 5 * (arm == "contact"), strict=True))
    found = evaluate(stored, bought(spent)).total
    assert found["effect"] == pytest.approx(5.0) and found["error"] == pytest.approx(0.0, abs=1e-9)


def test_a_quarter_with_too_few_of_an_arm_is_compared_with_the_others(stored_list):
    profit = np.repeat([1.0, 2.0, 3.0, 4.0], 40)
    arm = np.where(np.tile(np.arange(40), 4) < np.repeat([20, 20, 20, 36], 40), "contact", "hold out")
    stored = stored_list(ids=names(160), expected_profit=profit, arm=arm)
    spent = dict(zip(names(160), profit, strict=True))
    found = evaluate(stored, bought(spent)).total
    assert found["effect"] == pytest.approx(
        profit[arm == "contact"].mean() - profit[arm == "hold out"].mean()
    )


def test_only_days_after_the_list_and_within_the_window_count(hundred):
    ids = names(120)
    lines = [bought(dict.fromkeys(ids[::2], 7.0), MAY + timedelta(days=n)) for n in (0, 1, 20, 21, 40)]
    found = evaluate(hundred, *lines, as_of=date(2026, 7, 31), response_days=20).total
    assert found["effect"] == pytest.approx(14.0)
    assert found["complete"] and found["days"] == found["of_days"] == 20
    seen = evaluate(hundred, *lines, as_of=MAY + timedelta(days=20), response_days=60).total
    assert seen["effect"] == pytest.approx(14.0) and not seen["complete"] and seen["days"] == 20


def test_what_customers_bought_before_is_taken_out_with_one_slope(hundred):
    rng = np.random.default_rng(3)
    x, treated = rng.gamma(2, 30, 120), np.arange(120) % 2 == 0
    y = 0.5 * x + 4 * treated + rng.normal(0, 1, 120)
    ids = names(120)
    before = bought(dict(zip(ids, x, strict=True)), date(2026, 1, 5))
    old = bought(dict(zip(ids, 1e4 * y, strict=True)), date(2025, 5, 31))
    lines = before, bought(dict(zip(ids, y, strict=True))), old
    found = evaluate(hundred, *lines).total
    slope = np.linalg.lstsq(np.column_stack([x, treated, ~treated]), y)[0][0]
    left = y - slope * x
    assert found["effect"] == pytest.approx(left[treated].mean() - left[~treated].mean())
    assert found["error"] < 0.3 * evaluate(hundred, lines[1]).total["error"]


# Promised ---------------------------------------------------------------------------------------


def test_what_was_promised_is_scaled_to_what_is_due(hundred):
    found = evaluate(
        hundred, bought({names(120)[0]: 1.0}, MAY + timedelta(days=73))[:1], as_of=date(2026, 8, 31)
    )
    row = found.total
    assert row["days"] == 73 and row["cost"] == 60 * 2.0
    assert row["promised_whole"] == pytest.approx(60 * 36.5)
    assert row["promised"] == pytest.approx(60 * 36.5 * 73 / 365)
    assert row["gain"] == pytest.approx(365.0 * 73 / 365) and row["promised_each"] == pytest.approx(7.3)


def test_an_action_that_works_at_once_is_due_sooner(hundred):
    lines = bought({names(120)[0]: 1.0}, JUNE)
    row = evaluate(hundred, lines, due_days={"save": 60}).total
    assert row["promised"] == pytest.approx(60 * 36.5 * 30 / 60)
    assert evaluate(hundred, lines, due_days={"save": 20}).total["gain"] == pytest.approx(365.0)
    assert evaluate(hundred, lines, due_days={"other": 20}).total["gain"] == pytest.approx(30.0)


# Several lists ----------------------------------------------------------------------------------


def test_money_adds_up_over_lists_and_actions(stored_list):
    rng = np.random.default_rng(4)
    lists = [
        stored_list(
            day, names(400), action=np.repeat(["save", "up"], 200), expected_profit=rng.gamma(2, 3, 400)
        )
        for day in (date(2026, 4, 30), MAY)
    ]
    days = [date(2026, 5, 10), date(2026, 6, 20)]
    spent = [bought(dict(zip(names(400), rng.gamma(1, 20, 400), strict=True)), day) for day in days]
    found = evaluate(pd.concat(lists), *spent)
    assert found.by_list.index.tolist() == [
        (f"actions-{day}", action) for day in ("2026-04-30", "2026-05-31") for action in ("save", "up")
    ]
    assert found.by_list["told"].all() and found.notes == ()
    for name in ("treated", "control", "earned", "net", "cost", "promised", "promised_whole"):
        assert found.by_list[name].sum() == pytest.approx(found.total[name])
        assert found.by_action[name].sum() == pytest.approx(found.total[name])
    np.testing.assert_allclose(np.sqrt(np.diag(found.covariance)), found.by_list["error"])


def test_a_customer_on_two_lists_is_one_piece_of_evidence_about_chance(stored_list):
    """The same customers, arms and purchases twice: the error of both together is that of one."""
    rng = np.random.default_rng(5)
    spent = dict(zip(names(120), rng.gamma(1, 20, 120), strict=True))
    days = date(2026, 4, 30), MAY
    stored = pd.concat([stored_list(day, names(120)) for day in days])
    lines = [bought(spent, day + timedelta(days=5)) for day in days]
    # The first purchase would be history for the second list: let nobody have any by taking windows of ten days.
    found = evaluate(stored, *lines, response_days=10)
    one = evaluate(stored_list(days[0], names(120)), lines[0], response_days=10)
    both = found.by_list["error"].to_numpy()
    assert both[0] == pytest.approx(one.total["error"])
    assert both[1] == pytest.approx(0.0, abs=1e-9)  # all is known from the first purchase
    assert found.total["error"] == pytest.approx(both.sum() / 2)


def test_the_order_of_rows_and_the_names_of_customers_change_nothing(stored_list):
    rng = np.random.default_rng(6)
    spent = dict(zip(names(300), np.round(rng.gamma(1, 20, 300), 2), strict=True))
    stored = stored_list(ids=names(300), expected_profit=rng.gamma(2, 3, 300).round(2))
    first = evaluate(stored, bought(spent))
    again = evaluate(stored.sample(frac=1, random_state=1), bought(spent).iloc[::-1])
    pd.testing.assert_frame_equal(first.by_list, again.by_list)
    new = dict(zip(names(300), rng.permutation(names(300, HOSTILE)), strict=True))
    other = evaluate(
        stored.assign(customer_id=stored["customer_id"].map(new)),
        bought({new[k]: v for k, v in spent.items()}),
    )
    pd.testing.assert_frame_equal(first.by_list, other.by_list)


def test_intervals_hold_the_true_effect_as_often_as_they_say(stored_list):
    rng = np.random.default_rng(7)
    count, size = 150, 120
    stored, lines = [], []
    for number in range(count):
        ids = names(size, f"L{number}-")
        arm = rng.permutation(np.repeat(["contact", "hold out"], [80, 40]))
        spent = rng.gamma(0.5, 40, size) + 6 * (arm == "contact") * rng.integers(0, 2, size)
        stored.append(
            stored_list(ids=ids, list_id=f"L{number}", arm=arm, expected_profit=rng.gamma(2, 3, size))
        )
        lines.append(bought(dict(zip(ids, spent, strict=True))))
    found = evaluate(pd.concat(stored), *lines)
    held = ((found.by_list["low"] < 3) & (found.by_list["high"] > 3)).mean()
    assert 0.89 <= held <= 0.985
    assert found.total["low"] < 3 < found.total["high"] and found.total["error"] < 0.6


# Nothing to tell --------------------------------------------------------------------------------


def test_too_few_of_an_arm_are_not_told_and_not_in_the_total(stored_list):
    stored = stored_list(ids=names(180), action=np.repeat(["save", "up"], [130, 50]))
    spent = dict.fromkeys(names(180)[::2], 5.0)
    found = evaluate(stored, bought(spent))
    assert found.by_action["told"].to_dict() == {"save": True, "up": False}
    assert found.by_action.loc["up", ["effect", "low", "earned", "net_high"]].isna().all()
    assert found.total["treated"] == 65 and found.total["earned"] == pytest.approx(65 * 5.0)
    assert found.notes == (
        "up: 25 customers to be treated and 25 customers held out are too few to tell; it takes 30 of each.",
    )
    assert list(found.covariance.index) == [("actions-2026-05-31", "save")]


def test_months_too_small_each_are_told_together(stored_list):
    stored = pd.concat([stored_list(day, names(50, f"{day}")) for day in (date(2026, 4, 30), MAY)])
    found = evaluate(stored, bought({f"{MAY}00000": 1.0}))
    assert not found.by_list["told"].any() and found.by_action["told"].all()
    assert found.covariance.empty and found.notes == ()
    known = evidence_of(found)
    assert list(known.index) == [(ALL_LISTS, "save")] and known["source"].tolist() == [ALL_LISTS]
    assert known["effect"].iloc[0] == found.by_action.loc["save", "effect"]
    assert known["error"].iloc[0] == found.by_action.loc["save", "error"]
    doubtful = replace(found, by_list=found.by_list.assign(carried_out=[True, False]))
    assert evidence_of(doubtful).empty, (
        "a list that was not carried out says nothing, nor what it is mixed into"
    )


def test_where_nobody_was_held_out_nothing_is_told(stored_list):
    stored = stored_list(ids=names(3), arm="contact", action=["save", "up", "up"])
    found = evaluate(stored, bought({"x": 1.0}))
    assert found.by_list.empty and found.by_action.empty and found.total["treated"] == 0
    assert found.notes == (
        "List actions-2026-05-31: without customers in both arms, and so not told: save (1 customer), up (2 customers).",
    )


@pytest.mark.parametrize("last", [date(2026, 5, 20), MAY, date(2026, 7, 1)])
def test_orders_that_end_before_the_list_or_are_not_known_yet_tell_nothing(hundred, last):
    found = evaluate(hundred, bought(dict.fromkeys(names(120), 1.0), last))
    assert found.by_list.empty and not found.total["told"] and np.isnan(found.total["earned"])
    assert found.notes == (
        "List actions-2026-05-31: no orders are known after its day, so nothing can be told.",
    )


def test_without_lists_there_is_nothing(stored_list):
    lines = ibis.memtable(bought({"x": 1.0}))
    found = earned(read_lists(None, pd.Index(["x"]), JUNE), lines, JUNE)
    assert found.by_list.empty and found.by_action.empty and found.notes == ()
    assert list(found.by_list.columns[:4]) == ["treated", "control", "days", "of_days"]


def test_an_effect_without_any_spread_is_told_as_it_is(hundred):
    """Nobody bought anything: no effect, and nothing that could be chance."""
    row = evaluate(hundred, bought({"somebody else": 5.0})).total
    assert (row["effect"], row["error"]) == (0.0, 0.0)


# Carried out ------------------------------------------------------------------------------------


def contacted(ids, day=date(2026, 6, 2), campaign="june"):
    frame = pd.DataFrame({"customer_id": ids, "campaign_id": campaign, "contacted_on": day})
    return ibis.memtable(frame.assign(arm="treatment"))


def test_a_list_that_was_carried_out_says_so(hundred):
    found = evaluate(hundred, bought({"C00000": 1.0}), contacts=contacted(names(120)[::2]))
    row = found.by_list.iloc[0]
    assert (row["reached"], row["reached_held_out"], row["carried_out"]) == (1.0, 0.0, True)
    assert found.notes == ()


def test_a_list_that_was_not_carried_out_is_named(hundred):
    found = evaluate(hundred, bought({"C00000": 1.0}), contacts=contacted(names(120)[:12]))
    assert not found.by_list["carried_out"].iloc[0]
    assert found.notes == (
        "List actions-2026-05-31, save: 10% of those to be contacted have a contact recorded, and 10% of those held "
        "out. It was hardly carried out, and says little of the action.",
    )


@pytest.mark.parametrize(
    "wrong", [{"response_days": 0}, {"due_days": 0}, {"due_days": {"save": -1}}, {"level": 1.0}]
)
def test_a_window_that_cannot_be_is_refused(hundred, wrong):
    with pytest.raises(ParameterError):
        evaluate(hundred, bought({"C00000": 1.0}), **wrong)
