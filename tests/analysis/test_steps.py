"""Steps: who gets which, that they add up to the losses, and the list that is saved."""

import pandas as pd
import pytest

from crmlib.analysis.concentration import whale
from crmlib.analysis.levers import LEVERS, effects
from crmlib.analysis.losses import CAUSES, anatomy
from crmlib.analysis.steps import STEPS, next_steps, step_summary, with_steps


@pytest.fixture
def planned(account):
    """Losers made so that each deserves another step; the levers' effects are given by hand."""
    names = ["earns", "zero", "just won", "first loss", "new and losing", "cap", "minimum", "fee", "channel",
             "together", "part", "bought nothing"]  # fmt: skip
    customers = account(
        {name: {"list_sales": 100, "cost_of_goods": 80, "service_order": 30} for name in names}
    )
    customers.loc["bought nothing", ["list_sales", "net_sales", "gross_margin"]] = 0
    customers["profit"] = -10.0
    customers.loc["just won", ["acquisition_cost", "profit"]] = [40, -10]
    customers.loc[["earns", "zero"], "profit"] = [5, 0]
    zero = pd.DataFrame({"stay": 0.0, "leave": 0.0}, index=customers.index)
    by_lever = {lever: zero.copy() for lever in LEVERS}
    by_lever["discount_cap"].loc["cap"] = [20, 10]  # 0.8 x 20 - 0.2 x 10 = 14
    by_lever["minimum_order"].loc[["cap", "minimum"]] = [30, 0]
    by_lever["delivery_fee"].loc[["fee", "cap"]] = [12.5, 0]  # 0.8 x 12.5 = 10: just enough
    by_lever["cheaper_channel"].loc["channel"] = [40, 0]
    for lever in LEVERS:
        by_lever[lever].loc["together"] = [6, 0]  # 4.8 each; fee and minimum count once
        by_lever[lever].loc["part"] = [3, 0]
        by_lever[lever].loc[["first loss", "new and losing", "just won", "bought nothing"]] = [50, 0]
    before = account({name: {"returns": -10} for name in names if name != "new and losing"})
    before.loc["first loss", ["profit", "acquisition_cost"]] = [-5, 5]
    return customers, by_lever, before


def test_everyone_gets_the_mildest_step_that_may_be_enough(planned, terms):
    customers, by_lever, before = planned
    plan = next_steps(customers, by_lever, terms, before)
    assert plan["step"].to_dict() == {
        "just won": "wait", "first loss": "watch", "new and losing": "watch", "cap": "discount_cap",
        "minimum": "minimum_order", "fee": "delivery_fee", "channel": "cheaper_channel", "together": "together",
        "part": "part", "bought nothing": "past",
    }  # fmt: skip
    after = {"just won": 30, "first loss": -10, "new and losing": -10, "cap": 4, "minimum": 14, "fee": 0,
             "channel": 22, "together": 4.4, "part": -10, "bought nothing": -10}  # fmt: skip
    assert plan["after_step"].to_dict() == pytest.approx(after)
    assert (plan["loss"] == -10).all()


def test_without_a_period_before_nobody_is_put_on_watch(planned, terms):
    customers, by_lever, _ = planned
    plan = next_steps(customers, by_lever, terms)
    assert "watch" not in set(plan["step"])
    assert plan.loc["first loss", "step"] == "discount_cap"


def test_parting_frees_the_realised_service_and_gives_up_the_margin(planned, terms):
    customers, by_lever, before = planned
    plan = next_steps(customers, by_lever, terms, before)
    assert plan.loc["part", "avoidable"] == pytest.approx(0.5 * 30 - 20)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_losses_by_step_are_the_losses_of_the_whale(firm, seed, terms):
    _, customers, touched = firm(seed)
    plan = next_steps(customers, effects(customers, touched, terms), terms)
    summary, w = step_summary(plan), whale(customers["profit"])
    assert summary["loss"].sum() == pytest.approx(w.loss)
    assert summary["customers"].sum() == w.losers == len(plan)
    assert [s for s in STEPS if s in summary.index] == list(summary.index)
    assert (plan["after_step"] >= plan["loss"] - 1e-9).all()
    helped = ~plan["step"].isin(["past", "watch", "part"])
    assert (plan.loc[helped, "after_step"] >= 0).all()


def test_order_of_customers_changes_no_step(planned, terms):
    customers, by_lever, before = planned
    expected = next_steps(customers, by_lever, terms, before)
    turned = next_steps(customers[::-1], by_lever, terms, before[::-1])
    pd.testing.assert_frame_equal(turned.sort_index(), expected.sort_index())


def test_planning_leaves_its_inputs_alone(planned, terms):
    customers, by_lever, before = planned
    copies = customers.copy(), {k: v.copy() for k, v in by_lever.items()}, before.copy()
    step_summary(next_steps(customers, by_lever, terms, before))
    pd.testing.assert_frame_equal(customers, copies[0])
    pd.testing.assert_frame_equal(before, copies[2])
    for lever, frame in by_lever.items():
        pd.testing.assert_frame_equal(frame, copies[1][lever])


def test_nobody_loses_nobody_needs_a_step(planned, terms):
    customers, by_lever, before = planned
    plan = next_steps(customers.loc[["earns", "zero"]], by_lever, terms, before)
    assert plan.empty and step_summary(plan).empty
    assert step_summary(plan)["loss"].sum() == 0
    assert with_steps(customers.loc[["earns", "zero"]], plan)["step"].tolist() == ["Keep", "Keep"]


def test_the_list_holds_every_customer_once_from_best_to_worst(planned, terms):
    customers, by_lever, before = planned
    table = with_steps(customers, next_steps(customers, by_lever, terms, before))
    assert sorted(table["customer_id"]) == sorted(customers.index)
    assert table["profit"].is_monotonic_decreasing
    steps = dict(zip(table["customer_id"], table["step"], strict=True))
    assert steps["earns"] == steps["zero"] == "Keep"
    assert steps["part"] == STEPS["part"]
    assert table["profit"].sum() == customers["profit"].sum()


# The list ---------------------------------------------------------------------------------------


def test_the_list_says_why_a_loser_loses_and_nothing_about_the_others(planned, terms):
    customers, by_lever, before = planned
    table = with_steps(customers, next_steps(customers, by_lever, terms, before)).set_index("customer_id")
    assert table.loc["bought nothing", "main_cause"] == CAUSES["no purchase"]
    assert table.loc["just won", "main_cause"] == CAUSES["acquisition"]
    assert table.loc[["earns", "zero"], "main_cause"].tolist() == ["none", "none"]
    losers = customers.index[customers["profit"] < 0]
    assert set(table.loc[losers, "main_cause"]) <= set(CAUSES.values())


@pytest.mark.parametrize("seed", [1, 2])
def test_losses_by_main_cause_in_the_list_are_those_of_the_anatomy(firm, terms, seed):
    _, customers, touched = firm(seed)
    table = with_steps(customers, next_steps(customers, effects(customers, touched, terms), terms))
    by_cause = table[table["main_cause"] != "none"].groupby("main_cause")["profit"].sum()
    expected = anatomy(customers)["loss"].rename(index=CAUSES)
    assert by_cause.to_dict() == pytest.approx(expected.to_dict())


def test_the_list_says_what_parting_would_free_for_losers_only(planned, terms):
    customers, by_lever, before = planned
    table = with_steps(customers, next_steps(customers, by_lever, terms, before)).set_index("customer_id")
    # Half of the service of 30, less the margin of 20 where there is one.
    assert table["avoidable"].drop(["earns", "zero", "bought nothing"]).tolist() == pytest.approx([-5] * 9)
    assert table.loc["bought nothing", "avoidable"] == pytest.approx(15)
    assert table.loc[["earns", "zero"], "avoidable"].isna().all()


def test_the_list_shows_the_profit_of_the_period_before_where_known(planned, terms):
    customers, by_lever, before = planned
    plan = next_steps(customers, by_lever, terms, before)
    table = with_steps(customers, plan, before[::-1]).set_index("customer_id")
    assert pd.isna(table.loc["new and losing", "profit_before"])
    assert table.loc["first loss", "profit_before"] == -5
    assert (table["profit_before"].drop(["new and losing", "first loss"]) == -10).all()
    assert with_steps(customers, plan)["profit_before"].isna().all()


def test_the_list_leaves_its_inputs_alone_and_keeps_every_column_of_the_customers(planned, terms):
    customers, by_lever, before = planned
    plan = next_steps(customers, by_lever, terms, before)
    copies = customers.copy(), plan.copy(), before.copy()
    table = with_steps(customers, plan, before)
    for frame, copy in zip((customers, plan, before), copies, strict=True):
        pd.testing.assert_frame_equal(frame, copy)
    added = ["step", "main_cause", "avoidable", "profit_before"]
    assert list(table.columns) == ["customer_id", *customers.columns, *added]
