"""Whom to contact: by hand, within the budget, and nobody unless somebody is shown or expected to pay."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from crmlib.analysis.targeting.campaign_terms import ContactTerms
from crmlib.analysis.targeting.contact_profit import expected_profit
from crmlib.analysis.targeting.decision import (
    AT_RISK,
    CONTACT,
    HOLD_OUT,
    LEAVE,
    PROFIT,
    RISK,
    best_places,
    deal_out,
    decide_by_profit,
    decide_by_test,
)
from crmlib.analysis.targeting.heterogeneity import sorted_groups
from crmlib.analysis.targeting.save_rate import SaveRate
from crmlib.analysis.targeting.targeting_rules import EVERYONE, NOBODY, RANDOM, RulesCompared, compare_rules
from crmlib.errors import DataError, ParameterError

IDS = [f"C{number:02d}" for number in range(10)]
TODAY = pd.DataFrame(
    {"risk": np.arange(10) / 10, "uplift": [3.0, -1.0, 2.0, -4.0, 0.5, -1.0, -2.0, 0.0, 1.0, -3.0]},
    index=pd.Index(IDS, name="customer_id"),
)  # fmt: skip
GROUPS = SimpleNamespace(
    table=pd.DataFrame({"predicted": [-2.0, 0.0, 2.0], "low": [-5.0, -1.0, 1.0], "high": [-1.0, 1.0, 4.0]})
)


def rules(**rows):
    """Rules of a test by name: earned per 1,000 customers, low and high."""
    rows = {"risk": (5.0, -10.0, 20.0), "uplift": (60.0, -5.0, 99.0), RANDOM: (3.0, -9.0, 15.0),
            EVERYONE: (10.0, -30.0, 50.0), NOBODY: (0.0, 0.0, 0.0)} | rows  # fmt: skip
    table = pd.DataFrame.from_dict(rows, orient="index", columns=["earned", "low", "high"]).rename_axis(
        "rule"
    )
    return RulesCompared(table, pd.DataFrame(), 0.95)


def decided(share=0.3, today=TODAY, above=None, **rows):
    return decide_by_test(
        rules(**rows), today, GROUPS, share, 2.0, {"uplift": 0.0} if above is None else above
    )


def test_the_highest_scores_get_the_places():
    score = pd.Series([1.0, 9.0, 5.0, 7.0], index=list("ABCD"))
    assert best_places(score, 0.5).to_dict() == {"A": False, "B": True, "C": False, "D": True}
    assert best_places(score, 1.0).all() and best_places(score, 1.0, above=5.0).sum() == 2


def test_equal_scores_go_by_id_in_whatever_order_they_stand():
    score = pd.Series([1.0, 1.0, 1.0, 1.0], index=list("DBCA"))
    for seed in range(5):
        picked = best_places(score.sample(frac=1, random_state=seed), 0.5)
        assert sorted(picked.index[picked]) == ["A", "B"]


def test_missing_scores_are_never_picked_even_where_places_are_left():
    score = pd.Series([np.nan, -5.0, np.nan, np.nan], index=list("ABCD"))
    assert best_places(score, 1.0).to_dict() == {"A": False, "B": True, "C": False, "D": False}


@pytest.mark.parametrize("share", [0.01, 0.1, 0.3, 0.7, 1.0])
@pytest.mark.parametrize("size", [1, 7, 10, 1000])
def test_the_budget_is_kept_and_used(share, size):
    score = pd.Series(np.random.default_rng(size).normal(size=size), index=[f"C{i:04d}" for i in range(size)])
    assert best_places(score, share).sum() == int(share * size + 1e-9) <= share * size + 1e-9


@pytest.mark.parametrize("share", [0.0, -0.1, 1.01, np.nan])
def test_a_budget_that_is_no_share_is_refused(share):
    with pytest.raises(ParameterError, match="a budget of"):
        best_places(pd.Series([1.0]), share)


def test_a_proven_rule_is_used_on_its_best_customers():
    found = decided(uplift=(60.0, 5.0, 99.0))
    assert (found.basis, found.rule, found.contacted) == ("test", "uplift", 3)
    assert found.customers.index[found.customers["contact"]].tolist() == ["C00", "C02", "C08"]
    # Ten customers are a hundredth of a thousand.
    assert found.options.loc["uplift"].tolist() == [3, 6.0, 0.6, 0.05, 0.99]


def test_a_rule_whose_interval_reaches_down_to_0_is_not_used_however_much_it_earned():
    for low in (-0.1, 0.0, np.nan):
        found = decided(uplift=(1e6, low, 2e6))
        assert (found.rule, found.contacted) == (NOBODY, 0)
    assert decided(risk=(1.0, 0.5, 2.0), uplift=(1e6, 0.0, 2e6)).rule == "risk"


def test_of_two_proven_rules_the_one_that_earned_more_is_used():
    assert decided(risk=(70.0, 1.0, 90.0), uplift=(60.0, 50.0, 99.0)).rule == "risk"
    assert decided(risk=(50.0, 1.0, 90.0), uplift=(60.0, 50.0, 99.0)).rule == "uplift"


def test_a_rule_that_finds_nobody_today_is_not_used():
    found = decided(today=TODAY.assign(uplift=-1.0), uplift=(60.0, 5.0, 99.0))
    assert (found.rule, found.contacted) == (NOBODY, 0)


def test_contacting_everybody_is_an_option_only_where_the_budget_reaches():
    proven = {EVERYONE: (900.0, 500.0, 1300.0), RANDOM: (270.0, 150.0, 390.0)}
    lot = decided(**proven)
    assert (lot.rule, lot.contacted) == (RANDOM, 3)
    assert lot.options.loc[RANDOM].tolist() == [3, 6.0, 2.7, 1.5, 3.9]
    whole = decided(1.0, **(proven | {RANDOM: proven[EVERYONE]}))
    assert (whole.rule, whole.contacted) == (EVERYONE, 10)
    assert decided(**proven, uplift=(600.0, 5.0, 990.0)).rule == "uplift"


def test_a_lot_is_the_same_in_any_order_and_another_with_another_seed():
    proven = rules(**{RANDOM: (270.0, 150.0, 390.0)})
    many = pd.DataFrame({"risk": 0.1, "uplift": 0.0}, index=[f"C{i:03d}" for i in range(200)])

    def drawn(today, seed):
        found = decide_by_test(proven, today, GROUPS, 0.3, 2.0, seed=seed).customers["contact"]
        return set(found.index[found])

    first = drawn(many, 1)
    assert len(first) == 60 and drawn(many.sample(frac=1, random_state=3), 1) == first != drawn(many, 2)


def test_options_end_with_nobody_who_earns_nothing_and_costs_nothing():
    for found in (decided(), decided(uplift=(60.0, 5.0, 99.0))):
        assert found.options.index[-1] == NOBODY and found.options.loc[NOBODY].tolist() == [0, 0, 0, 0, 0]
        assert found.options.loc[EVERYONE, ["customers", "cost"]].tolist() == [10, 20.0]
        assert found.options.index.name == "option" and found.options["customers"].dtype == "int64"


def test_a_customer_is_given_the_effect_seen_in_the_nearest_group():
    found = decided().customers
    assert found["profit"].equals(TODAY["uplift"].rename("profit"))
    assert found.loc["C00", ["low", "high"]].tolist() == [1.0, 4.0]
    assert found.loc["C03", ["low", "high"]].tolist() == [-5.0, -1.0]
    assert found.loc["C04", ["low", "high"]].tolist() == [-1.0, 1.0]


def test_who_has_no_prediction_has_no_profit_and_is_not_contacted():
    found = decided(
        1.0, TODAY.assign(uplift=TODAY["uplift"].where(TODAY["uplift"] < 3)), uplift=(60.0, 5.0, 99.0)
    )
    assert found.customers.loc["C00", ["profit", "low", "high"]].isna().all()
    assert not found.customers.loc["C00", "contact"] and found.contacted == 3


def test_neither_row_order_nor_names_change_the_decision():
    plain = decided(uplift=(60.0, 5.0, 99.0))
    mixed = decided(today=TODAY.sample(frac=1, random_state=1), uplift=(60.0, 5.0, 99.0))
    pd.testing.assert_frame_equal(mixed.customers.sort_index(), plain.customers)
    pd.testing.assert_frame_equal(mixed.options, plain.options)
    renamed = decided(today=TODAY.set_axis([f"Z{i:02d}" for i in range(10)]), uplift=(60.0, 5.0, 99.0))
    assert renamed.customers["contact"].tolist() == plain.customers["contact"].tolist()


def test_a_rule_without_scores_of_today_is_refused():
    with pytest.raises(DataError, match="the rule uplift"):
        decided(today=TODAY[["risk"]].assign(other=1.0))


def test_real_comparisons_lead_to_those_who_are_moved(trial_of):
    """A contact brings 8 to those with x above 0, takes 8 from the others, and costs 1."""
    trial = trial_of(customers=1500, effect=lambda rows: np.where(rows["x"] > 0, 8.0, -8.0), cost=1.0)
    scores = pd.DataFrame({"risk": -trial.rows["x"], "uplift": 8 * np.sign(trial.rows["x"]) - 1})
    compared = compare_rules(scores, trial, "margin", 0.3, {"uplift": 0.0}, draws=100)
    groups = sorted_groups(scores["uplift"], trial, "margin", groups=2, net=True)
    today = pd.DataFrame({"risk": [0.9, 0.1, 0.5, 0.2], "uplift": [-9.0, 7.0, -9.0, 7.0]}, index=list("ABCD"))
    found = decide_by_test(compared, today, groups, 0.3, 1.0, {"uplift": 0.0})
    assert found.rule == "uplift" and found.customers["contact"].tolist() == [False, True, False, False]
    assert found.customers.loc["B", "low"] > 0 > found.customers.loc["A", "high"]


def an_expectation(size=200, seed=1, cost=3.0, offer=2.0, rate=0.3):
    rng = np.random.default_rng(seed)
    people = pd.DataFrame(
        {"churn_probability": rng.beta(1, 2, size), "value": rng.gamma(1, 50, size) - 15},
        index=pd.Index([f"C{i:03d}" for i in range(size)], name="customer_id"),
    )
    terms = ContactTerms(contact_cost=cost, offer_cost=offer, save_rate=SaveRate(rate, 20.0))
    return people, expected_profit(people, terms, draws=100)


@pytest.mark.parametrize("share", [0.05, 0.3, 1.0])
def test_expected_losses_are_never_picked_and_no_list_of_that_length_earns_more(share):
    _, profit = an_expectation()
    found = decide_by_profit(profit, share)
    picked = found.customers[found.customers["contact"]]
    assert (found.basis, found.rule) == ("assumption", PROFIT)
    assert (picked["profit"] > 0).all() and len(picked) <= share * 200
    best = np.sort(profit.customers["profit"].clip(lower=0))[::-1][: int(share * 200)].sum()
    assert found.options.loc[PROFIT, "profit"] == pytest.approx(picked["profit"].sum()) == pytest.approx(best)
    assert found.options["profit"].idxmax() == PROFIT


def test_the_other_lists_are_by_risk_and_by_value_at_risk():
    people, profit = an_expectation()
    found = decide_by_profit(profit, 0.1).options
    own = profit.customers["profit"]
    chance = people["churn_probability"]
    for name, score in ((RISK, chance), (AT_RISK, chance * people["value"])):
        best = score.sort_values(ascending=False).index[:20]
        assert (
            found.loc[name, "profit"] == pytest.approx(own[best].sum()) and found.loc[name, "customers"] == 20
        )
    assert (
        found.loc[EVERYONE, "profit"] == pytest.approx(own.sum()) and found.loc[EVERYONE, "customers"] == 200
    )
    assert found.index.tolist() == [PROFIT, AT_RISK, RISK, EVERYONE, NOBODY]
    assert found.loc[NOBODY].tolist() == [0, 0, 0, 0, 0]
    assert (found["low"] <= found["profit"]).all() and (found["profit"] <= found["high"]).all()


def test_where_no_contact_is_expected_to_pay_nobody_is_contacted():
    _, profit = an_expectation(cost=1e4)
    found = decide_by_profit(profit, 0.3)
    assert (found.rule, found.contacted) == (NOBODY, 0) and found.options.loc[PROFIT, "customers"] == 0


def test_a_budget_too_small_for_one_customer_contacts_nobody():
    _, profit = an_expectation(size=20)
    found = decide_by_profit(profit, 0.01)
    assert (found.rule, found.contacted) == (NOBODY, 0)


def test_a_part_of_the_list_is_held_out_by_lot_alike_in_both_arms():
    people, profit = an_expectation(size=400)
    found = decide_by_profit(profit, 0.6)
    dealt = deal_out(found, people, 0.3, seed=4, strata=["churn_probability"])
    listed = found.customers["contact"].reindex(people.index)
    assert (dealt[~listed] == LEAVE).all() and set(dealt[listed]) == {CONTACT, HOLD_OUT}
    assert (dealt == HOLD_OUT).sum() == pytest.approx(0.3 * listed.sum(), abs=1)
    risks = people["churn_probability"].groupby(dealt).mean()
    assert abs(risks[CONTACT] - risks[HOLD_OUT]) < 0.05
    mixed = deal_out(found, people.sample(frac=1, random_state=1), 0.3, seed=4, strata=["churn_probability"])
    assert mixed.sort_index().equals(dealt.sort_index())
    assert not deal_out(found, people, 0.3, seed=5, strata=["churn_probability"]).equals(dealt)


def test_of_a_list_too_short_for_two_arms_nobody_is_held_out():
    people, profit = an_expectation(size=20)
    found = decide_by_profit(profit, 0.5)
    dealt = deal_out(found, people, 0.3, seed=4)
    assert (dealt == CONTACT).sum() == found.contacted > 0 and HOLD_OUT not in set(dealt)


def test_expected_profit_does_not_depend_on_the_order_of_rows():
    people, profit = an_expectation()
    terms = profit.terms
    mixed = decide_by_profit(expected_profit(people.sample(frac=1, random_state=2), terms, draws=100), 0.3)
    plain = decide_by_profit(profit, 0.3)
    assert mixed.customers["contact"].sort_index().equals(plain.customers["contact"])
    pd.testing.assert_frame_equal(mixed.options, plain.options)
