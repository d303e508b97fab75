"""What the notebook on churn says: every case of its sentences, tables and closing."""

from dataclasses import replace
from datetime import date, timedelta
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from crmlib.analysis.churn.came_back import CameBack
from crmlib.analysis.churn.losses_ahead import losses_ahead
from crmlib.analysis.churn.predictors import METHODS as ALL_METHODS
from crmlib.analysis.survival.durations import contract_durations
from crmlib.analysis.survival.kaplan_meier import survival_curve
from crmlib.analysis.survival.losses_seen import contractual_churn
from crmlib.analysis.survival.outlook import WhoEnds, models_beside, who_ends
from crmlib.analysis.survival.restricted_mean import restricted_mean
from crmlib.analysis.targeting.campaign_terms import ContactTerms
from crmlib.analysis.targeting.contact_profit import expected_profit
from crmlib.analysis.targeting.decision import Decision, deal_out, decide_by_profit
from crmlib.analysis.targeting.save_rate import MeasuredSaveRate, SaveRate
from crmlib.analysis.targeting.targeting_rules import EVERYONE, NOBODY, RANDOM
from crmlib.analysis.targeting.usual_scores import ABOVE, AT_RISK, RISK
from crmlib.analysis.targeting.worth_keeping import SOURCES, WorthKeeping, worth_keeping
from crmlib.display.churn import campaign, closing, contracts, meaning, sentences, tables, truth

HOSTILE = "<b>$x {0} & Söhne"
LEAVE = meaning.Meaning(
    "stay away", "6 months", "churned: bought, and then nothing", 0.4, 0.35, 0.45, "2 test days"
)
AS_OF = date(2025, 12, 31)


@pytest.fixture(scope="session")
def wb(shops):
    shops["all"].parameters["save_rate"] = 0.1
    return shops["all"]


@pytest.fixture
def plain(hold):
    """Check a title or note: as `hold`, and no full stop is owed."""

    def check(said, *parts):
        assert isinstance(said, str)
        return hold(said, *parts)

    return check


def people_of(values, chance=0.3):
    index = pd.Index([f"K{i}" for i in range(len(values))], name="customer_id")
    return pd.DataFrame({"churn_probability": chance, "value": np.asarray(values, dtype=float)}, index=index)


def loss_of(values, chance=0.3):
    people = people_of(values, chance)
    return losses_ahead(people["churn_probability"], people["value"], 0.1)


def keep_of(values, source="margin", back=0.0):
    value = people_of(values)["value"]
    return WorthKeeping(value, value, source, 12, back)


def profit_of(values, chance=0.3, cost=3.0, offer=2.0, rate=0.3, strength=20.0):
    terms = ContactTerms(contact_cost=cost, offer_cost=offer, save_rate=SaveRate(rate, strength))
    return expected_profit(people_of(values, chance), terms, draws=100)


# Meaning


def test_leaving_by_silence_is_told_with_its_definition_and_test_days():
    windows = SimpleNamespace(outcome_days=182, definition="churned: nothing for long")
    found = meaning.of_silence(windows, contest_of())
    assert (found.leave, found.length, found.definition) == (
        "stay away",
        "6 months",
        "churned: nothing for long",
    )
    assert (found.rate, found.low, found.high, found.of) == (0.41, 0.38, 0.44, "2 test days")


def test_leaving_by_contract_is_told_with_its_days():
    lost = contractual_churn(signed(), AS_OF)
    curve = survival_curve(contract_durations(signed(), AS_OF).table)
    found = meaning.of_contracts(lost, curve)
    assert (found.leave, found.length, found.of) == (
        "end their contract",
        "12 months",
        "31 December 2024 to 31 December 2025",
    )
    assert (found.rate, found.low, found.high) == (lost.rate, lost.low, lost.high)
    assert found.definition[0].islower() and not found.definition.endswith(".")
    year = curve.at([12]).iloc[0]
    first = meaning.of_contracts(None, curve)
    assert (first.rate, first.low, first.high) == (1 - year["survival"], 1 - year["high"], 1 - year["low"])
    assert first.low < first.rate < first.high and first.of == "first 12 months of a contract"


# Sentences


@pytest.mark.parametrize(
    ("kind", "under", "said"),
    [
        ("non-contractual", 0, ["2,000 customers", "7,000 purchases", "no loss is seen"]),
        ("mixed", 150, ["2,000 customers", "7,000 purchases", "150 of them", "contract"]),
        ("contractual", 1990, ["2,000 customers", "1,990 of them", "end of a contract"]),
        ("contractual", 2000, ["2,000 customers", "all with a contract", "end of a contract"]),
    ],
)
def test_data_are_told_by_the_kind_of_loss(wb, hold, kind, under, said):
    seen = SimpleNamespace(kind=kind, under_contract=under, customers=2000)
    waits = SimpleNamespace(customers=2000, purchases=7000)
    hold(sentences.data(wb, waits, seen), *said)
    if kind == "contractual":  # nobody asks for waits there
        hold(sentences.data(wb, None, seen), *said)


def waits_of(shares=(0.2, 0.5, 0.6), comes_back=0.6):
    curve = pd.DataFrame({"days": [10, 182, 400], "share": shares, "waiting": [90, 40, 30]})
    quantiles = pd.DataFrame({"days": [120, 300], "finished_alone": [80, 200]}, index=[0.5, 0.9])
    return SimpleNamespace(
        curve=curve, comes_back=comes_back, quantiles=quantiles, customers=900, purchases=2500
    )


def windows_of(outcome=182, eligible=365, why="ninety per cent come back within it"):
    chosen = pd.DataFrame(
        {"days": [outcome, eligible], "reason": [why, f"{HOSTILE} was chosen"]}, index=["outcome", "eligible"]
    )
    return SimpleNamespace(
        outcome_days=outcome, eligible_days=eligible, chosen=chosen, look_back_months=(3, 12)
    )


def test_waits_are_titled_by_the_share_of_those_who_buy_again(wb, plain):
    plain(sentences.waiting_title(wb, waits_of(), windows_of()), "83%", "6 months")
    plain(sentences.waiting_title(wb, waits_of(), windows_of(outcome=5)), "0%", "5 days")
    plain(sentences.waiting_title(wb, waits_of((0.0, 0.0, 0.0), 0.0), windows_of()), "0%")


def test_windows_are_marked_once_where_they_are_the_same():
    assert sentences.window_marks(windows_of()) == [
        (182, "outcome window: 6 months"),
        (365, "eligibility: 12 months"),
    ]
    assert len(sentences.window_marks(windows_of(eligible=182))) == 1


def test_windows_are_told_with_their_reasons_as_text(wb):
    said = sentences.windows_chosen(wb, waits_of(), windows_of())
    assert all(
        part in str(said) for part in ("12 months", "6 months", "ninety per cent", HOSTILE, "80 days", "120")
    )
    assert "&lt;b&gt;$x {0} &amp; Söhne" in said.html and "<b>" not in said.html


BACK = CameBack(date(2025, 1, 31), date(2025, 3, 31), date(2025, 6, 30), 400, 0.25, 0.21, 0.29, 0.12)


def test_other_definitions_say_how_far_the_rate_moves_and_who_came_back(wb, hold):
    others = SimpleNamespace(table=pd.DataFrame({"rate": [0.4, np.nan, 0.55]}), day=date(2025, 1, 31))
    hold(
        sentences.other_definitions(wb, others, BACK),
        "40%",
        "55%",
        "400 customers",
        "31 March 2025",
        "25%",
        "21%",
        "29%",
        "91 days",
        "12%",
    )
    assert "bought again" not in hold(sentences.other_definitions(wb, others, None), "40%", "55%")


METHODS = ("base_rate", "recency", "logistic", "boosting")


def contest_of(
    chosen="logistic", best="logistic", reason="beyond_simpler", methods=METHODS, left_out=None, **scores
):
    """A contest of which one method's scores are given as (value, low, high)."""
    given = {"brier": (0.2, 0.19, 0.21), "skill": (0.1, 0.05, 0.15), "auc": (0.7, 0.6, 0.8), "lift": (1.8, 1.6, 2.0),
             "slope": (1.02, 0.9, 1.1), "too_high": (0.004, -0.01, 0.02), "predicted": (0.42, 0.4, 0.44),
             "observed": (0.41, 0.38, 0.44)} | scores  # fmt: skip
    index = pd.MultiIndex.from_product([methods, given], names=["method", "score"])
    table = pd.DataFrame(list(given.values()) * len(methods), index, ["value", "low", "high"])
    days = [date(2025, 1, 31) + timedelta(days=90 * number) for number in range(4)]
    roles = pd.DataFrame(
        {"role": ["training", "calibration", "test", "test"], "customers": [90, 90, 100, 100], "churned": [40, 40, 30, 50]},
        index=days,
    )  # fmt: skip
    bins = pd.DataFrame(
        {"predicted": [0.2, 0.6], "observed": [0.25, 0.5], "agrees": [True, False]},
        pd.MultiIndex.from_product([[chosen], [1, 2]], names=["method", "bin"]),
    )
    others = [bins.rename(index={chosen: name}) for name in methods if name != chosen]
    return SimpleNamespace(
        chosen=chosen, best=best, reason=reason, left_out=left_out or {}, reliability=pd.concat([bins, *others]),
        scores=SimpleNamespace(table=table, methods=list(methods), values=table["value"].unstack("score").loc[list(methods)]),
        against_best=pd.DataFrame({"worse": 0.01}, index=list(methods)), roles=SimpleNamespace(days=roles, test=(1, 2)),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("tried", "said"),
    [
        (contest_of("base_rate", "recency", "no_better_than_rate"), ["No method", "same probability"]),
        (contest_of("recency", "logistic", "simpler_as_good"), ["Days since the last purchase is used", "Logistic regression has"]),
        (contest_of(), ["Logistic regression is used", "boosted trees", "1.80 times"]),
        (contest_of(methods=METHODS[:3]), ["Logistic regression is used", "1.80 times"]),
        (contest_of("boosting", "boosting"), ["Boosted trees is used", "1.80 times"]),
    ],
)  # fmt: skip
def test_the_method_is_told_with_its_reason(wb, hold, tried, said):
    hold(sentences.chosen(wb, tried), *said)


def test_the_note_of_methods_says_on_which_days_and_what_was_left_out(wb, hold):
    note = hold(
        sentences.contest_note(wb, contest_of()),
        "1 day up to 31 January 2025",
        "1 May 2025",
        "200 customers on 2 days",
        "28 October 2025",
        "40%",
    )
    assert "left out" not in note
    hold(
        sentences.contest_note(wb, contest_of(left_out={"p_alive": "no chances"})),
        "Chance to be active left out: no chances.",
    )


def test_a_leak_is_named_as_text(wb, hold):
    none = pd.DataFrame(columns=["column", "suspicion", "evidence"])
    hold(sentences.leaks(wb, none), "No feature tells the outcome suspiciously well")
    one = pd.DataFrame(
        {"column": ["<i>end</i>_{1}"], "suspicion": ["knows the outcome"], "evidence": ["AUC 0.99."]}
    )
    said = sentences.leaks(wb, one)
    assert "<i>end</i>_{1}" in str(said) and "AUC 0.99. A column" in str(said)
    assert "&lt;i&gt;end&lt;/i&gt;_{1}" in said.html


def test_reliability_is_titled_by_how_many_groups_agree(wb, plain):
    plain(sentences.reliability_title(wb, contest_of()), "1 of 2 groups")
    tried = contest_of()
    tried.reliability["agrees"] = True
    plain(sentences.reliability_title(wb, tried), "every group")


@pytest.mark.parametrize(
    ("scores", "said"),
    [
        ({"slope": (np.nan,) * 3}, ["one probability for all", "0.4% too high"]),
        ({}, ["Level and spread are right", "1.02", "0.90 to 1.10", "0.4% too high"]),
        ({"too_high": (-0.03, -0.05, -0.01)}, ["The spread is right", "3.0% too low", "−5.0% to −1.0%"]),
        ({"slope": (0.7, 0.6, 0.8)}, ["spread too far", "0.70"]),
        ({"slope": (1.4, 1.2, 1.6)}, ["too close together", "1.40"]),
    ],
)
def test_calibration_is_told_by_level_and_spread(wb, hold, scores, said):
    hold(sentences.calibrated(wb, contest_of(**scores)), *said)


def drivers_of(
    importance=(0.05, 0.01, 0.001),
    by_chance=(False, False, True),
    names=("recency_days", "p_alive", "my_column_{0}"),
):
    table = pd.DataFrame(
        {"features": list(names), "importance": importance, "low": importance, "high": importance,
         "share": np.array(importance) * 4, "by_chance": by_chance}, index=pd.Index(names, name="feature"),
    )  # fmt: skip
    bend = pd.DataFrame(
        {"feature": names[0], "value": [1.0, 100.0], "churn": [0.2, 0.6], "level": [None, None]}
    )
    return SimpleNamespace(importance=table, dependence=bend)


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (drivers_of(by_chance=(True,) * 3), "No feature is of use beyond chance"),
        (drivers_of(by_chance=(False, True, True)), "Only one thing counts beyond chance: days since"),
        (drivers_of(), "One thing counts more than all others together: days since"),
        (drivers_of((0.05, 0.049, 0.048), (False,) * 3), "3 of 3 things known"),
        (drivers_of(by_chance=(True, False, True)), "Only one thing counts beyond chance: "),
    ],
)
def test_importance_is_titled_by_what_counts(wb, plain, found, said):
    title = plain(sentences.importance_title(wb, found, windows_of()), said)
    if found.importance["by_chance"].iloc[0]:  # the first is there by chance: it is not the one that counts
        assert "days since" not in title


def test_importance_is_a_share_of_the_error_and_strange_columns_stay_readable():
    found = drivers_of()
    found.importance.loc["p_alive", "features"] = "p_alive, orders_3m, orders_12m"
    shown = tables.importance(found, windows_of())
    assert shown["value"].tolist() == pytest.approx([0.2, 0.04, 0.004])
    assert shown["low"].tolist() == pytest.approx(shown["value"].tolist())
    assert "2 alike" in shown["label"][1] and shown["label"][2] == "My column {0}"


def test_dependence_runs_from_its_first_to_its_last_value(wb, plain):
    found = drivers_of()
    plain(sentences.dependence_title(wb, found, windows_of()), "rises", "20%", "60%")
    found.dependence["churn"] = [0.6, 0.2]
    plain(sentences.dependence_title(wb, found, windows_of()), "falls", "60%", "20%")
    assert tables.leading(found) == "recency_days" and len(tables.dependence(found)) == 2
    assert "last" in sentences.dependence_axis(found, windows_of())
    found.dependence["value"] = np.nan
    assert tables.leading(found) is None and sentences.dependence_title(wb, found, windows_of()) == ""


@pytest.mark.parametrize(
    ("values", "back", "said"),
    [
        ([100, 200, 300], 0.0, ["3 customers", "1 can be expected to stay away", "£180 a year", "30% of what all 3", "12 months."]),
        ([100, 200, 300], 0.2, ["£180 a year", "come back by themselves."]),
        ([100], 0.0, ["Of 1 customer,", "£30.00 a year"]),
        ([-5, -5, -5], 0.0, ["3 customers", "no money"]),
    ],
)  # fmt: skip
def test_what_is_at_risk_is_told_in_heads_and_money(wb, hold, values, back, said):
    hold(sentences.at_risk(wb, loss_of(values), keep_of(values, back=back), LEAVE), *said)


# Tables


def test_five_histories_run_from_quick_to_slow():
    frame = pd.DataFrame(
        {"x": [2] * 40 + [0] * 9, "t_x": range(10, 59), "T": 900}, index=[f"K{i:02d}" for i in range(49)]
    )
    five = tables.five_histories(frame.sample(frac=1, random_state=1))
    assert len(five) == 5 and (five["x"] == 2).all() and five["t_x"].is_monotonic_increasing
    assert len(tables.five_histories(frame[frame["x"] == 0])) == 0
    assert tables.five_histories(frame.assign(x=1))["x"].tolist() == [1] * 5


def test_curves_begin_at_day_0():
    shown = tables.waiting_curve(waits_of())
    assert shown.iloc[0].tolist() == [0, 0.0, 90] and shown["time"].tolist() == [0, 10, 182, 400]


def test_definitions_list_the_chosen_one_first():
    table = pd.DataFrame(
        {"rate": [0.1, 0.2, 0.3], "value_at_stake": 1.0}, index=pd.Index(["a", "b", "c"], name="definition")
    )
    shown = tables.definitions(SimpleNamespace(table=table, chosen="b"))
    assert shown["definition"].tolist() == ["b", "a", "c"] and shown["rate"].tolist() == [0.2, 0.1, 0.3]


def test_scores_of_the_method_used_stand_with_their_intervals_and_what_is_best():
    parts = dict.fromkeys(("uncertainty", "resolution", "reliability", "intercept"), (0.1, 0.05, 0.2))
    shown = tables.score_by_score(contest_of(**parts)).set_index("label")
    assert shown.loc["Lift of the top tenth", ["value", "low", "high"]].tolist() == [1.8, 1.6, 2.0]
    assert shown.loc["Calibration slope"].tolist() == [1.02, 0.9, 1.1, "1"] and len(shown) == 8


def test_the_contest_is_written_from_simple_to_rich_and_marks_the_one_used():
    shown = tables.contest(contest_of())
    assert shown["method"].tolist() == [
        "One rate for all",
        "Days since the last purchase",
        "Logistic regression (used)",
        "Boosted trees",
    ]
    assert set(shown["brier"]) == {"0.200 (0.190 to 0.210)"} and (shown["lift"] == 1.8).all()


def test_reliability_shows_the_method_used_and_the_days_alone():
    assert tables.reliability(contest_of())["method"].tolist() == ["logistic"] * 2 + ["recency"] * 2
    assert tables.reliability(contest_of("recency"))["method"].tolist() == ["recency"] * 2


def test_all_probabilities_of_the_test_days_are_named():
    index = pd.Index(["A", "B"])
    made = {
        name: SimpleNamespace(predict_churn=lambda rows, at=at: pd.Series(at, rows.index))
        for at, name in enumerate(METHODS[:2])
    }
    tried = SimpleNamespace(predictors=made, tested=SimpleNamespace(features=pd.DataFrame(index=index)))
    assert tables.test_chances(tried).to_dict("list") == {
        "One rate for all": [0, 0],
        "Days since the last purchase": [1, 1],
    }


def test_today_is_seen_along_the_leading_feature():
    now = SimpleNamespace(features=pd.DataFrame({"recency_days": [3, np.nan, 9]}))
    assert tables.seen(drivers_of(), now).tolist() == [3.0, 9.0]


def test_five_reasons_run_from_high_to_low():
    people = people_of(range(100), np.linspace(0, 1, 100))
    why = SimpleNamespace(
        table=pd.DataFrame({"churn": people["churn_probability"]}), sentences=pd.Series(HOSTILE, people.index)
    )
    shown = tables.five_reasons(why, keep_of(range(100)))
    assert len(shown) == 5 and shown["churn"].is_monotonic_decreasing and set(shown["why"]) == {HOSTILE}
    assert shown["value"].tolist() == [int(name[1:]) for name in shown["customer_id"]]


def test_five_at_risk_hold_the_ends_and_nobody_twice():
    people = people_of([5, 900, 60, 50, 1], [0.9, 0.1, 0.8, 0.4, 0.01])
    shown = tables.five_at_risk(people)
    # Surest to leave; most valuable, with most at risk (90 of value) too; nearest to the middle; surest to stay.
    assert shown.index.tolist() == ["K0", "K1", "K3", "K4"]
    assert tables.five_at_risk(people.iloc[:1]).index.tolist() == ["K0"]


def test_options_are_in_words():
    shown = tables.options(decide_by_profit(profit_of([100, 5, 1]), 1.0))
    assert shown["label"].iloc[0] == "Highest expected profit" and shown["label"].iloc[-1] == "Nobody"


def test_maximum_profits_stand_side_by_side():
    def measured(scale):
        return SimpleNamespace(
            values=pd.DataFrame(
                {"expected_profit": [scale, 2 * scale], "expected_share": [0.1, 0.2]},
                index=["One rate for all", "Logistic regression"],
            )
        )

    shown = tables.expected_maximum(measured(1.0), measured(10.0), contest_of())
    assert shown["method"].tolist() == ["One rate for all", "Logistic regression (used)"]
    assert (shown["own"].tolist(), shown["published"].tolist()) == ([1.0, 2.0], [10.0, 20.0])


def test_maximum_profit_is_noted_with_its_terms(wb, hold):
    terms = closing.offer_terms(keep_of([100, 300]), 5.0, 3.0, 0.1)
    hold(
        campaign.maximum_note(wb, SimpleNamespace(terms=terms)),
        "value £200.00",
        "offer £5.00",
        "contact £3.00",
        "save rate 10%",
    )
    assert closing.offer_terms(keep_of([-4.0, 2.0]), 5.0, 3.0, 0.1) is None


# Contacts


@pytest.mark.parametrize(
    ("profit", "said"),
    [
        (profit_of([100, 90, 1]), ["risk of 30%", "value of £50.89", "2 of 3 customers", "only if", "kept."]),
        (profit_of([1, 1, 1]), ["No contact is expected to pay", "30%", "£5"]),
        (profit_of([100, 90, 1], chance=[0.0, 0.0, 0.5]), ["no danger of leaving", "0 of 3 customers"]),
        (profit_of([100, 90, 1], cost=0.0, offer=0.0), ["costs nothing", "3 of 3 customers", "any save rate"]),
        (profit_of([60, -20, -90]), ["1 of 3 customers", "no save rate"]),
        (profit_of([100]), ["1 of 1 customer can"]),
    ],
)  # fmt: skip
def test_the_threshold_is_told_in_money(wb, hold, profit, said):
    hold(campaign.break_even(wb, profit, profit.terms, keep_of([1])), *said)


def test_the_break_even_value_is_where_a_contact_earns_nothing(wb):
    profit = profit_of([100, 90, 1])
    least = 2 + (3 + 0.7 * 2) / (0.3 * 0.3)
    assert profit_of([least]).customers["profit"].iloc[0] == pytest.approx(0, abs=1e-9)
    assert f"£{least:.2f}" in str(campaign.break_even(wb, profit, profit.terms, keep_of([1])))


@pytest.mark.parametrize("source", SOURCES)
def test_options_say_where_the_values_come_from(wb, hold, source):
    hold(campaign.options_note(wb, None, keep_of([1], source)), SOURCES[source])


def effect(value, low, high):
    return {
        "adjusted": value,
        "adjusted_low": low,
        "adjusted_high": high,
        "treated": 900,
        "control": 300,
        "mean_control": 20.0,
    }


def evidence_of(soon=(2.0, -1.0, 5.0), late=(-1.0, -6.0, 4.0), gone=(0.0, -0.02, 0.02), rule=NOBODY, uneven=0,
                campaigns=2, action="", curve=(-5.0, -9.0), more=(40.0, -10.0, 90.0), persuadable=True, rules=None, later=0.6):  # fmt: skip
    outcomes = {
        "orders": effect(0.1, 0.0, 0.2),
        "margin": effect(*soon),
        "long_margin": effect(*late),
        "silent": effect(*gone),
    }
    curves = pd.DataFrame({"share": [0.0, 0.5, 1.0], "profit": [0.0, *curve], "low": [0.0, curve[0] - 3, curve[1] - 3],
                           "high": [0.0, 9.0, 9.0], "random": [0.0, -4.0, -8.0]})  # fmt: skip
    given = {"risk": (-30.0, -60.0, 5.0), "uplift": (10.0, -20.0, 40.0), "random": (-3.0, -9.0, 3.0),
             "everyone": (-10.0, -30.0, 10.0), "nobody": (0.0, 0.0, 0.0)} | (rules or {})  # fmt: skip
    table = pd.DataFrame.from_dict(given, orient="index", columns=["earned", "low", "high"]).rename_axis(
        "rule"
    )
    table = table.assign(contacted=[0.3, 0.1, 0.3, 1.0, 0.0], random_low=-5.0)
    kinds = pd.DataFrame({"share": [0.25, 0.75]}, index=["persuadable", "sleeping dog"])
    compared = SimpleNamespace(table=table, more=lambda one, other: more)
    return SimpleNamespace(
        effects=pd.DataFrame.from_dict(outcomes, orient="index"), contact_cost=2.0, action=action, uneven=uneven,
        trial=SimpleNamespace(campaigns=list(range(campaigns)), response_days=28), balance=SimpleNamespace(test=SimpleNamespace(p_value=0.4)),
        later=SimpleNamespace(p_value=later),
        curves=pd.concat([curves.assign(rule=name) for name in ("uplift", "risk")]), rules=compared,
        kinds=SimpleNamespace(table=kinds if persuadable else kinds.iloc[1:]), decision=SimpleNamespace(rule=rule), save_rate=None,
        known=SimpleNamespace(
            rows=pd.DataFrame({"long_margin": np.linspace(0, 80, 1200)}), campaigns=list(range(campaigns))
        ),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("tests", "said"),
    [
        (evidence_of(late=(9.0, 4.0, 14.0)), ["£2.00", "£9.00", "£4.00", "£14.00", "it pays.", "kept nobody"]),
        (evidence_of(soon=(5.0, 1.0, 9.0)), ["Soon after", "£5.00", "nothing of that is left", "−£1.00", "kept nobody"]),
        (evidence_of(gone=(-0.1, -0.2, -0.05)), ["No gain", "kept customers from falling silent."]),
        (evidence_of(gone=(0.1, 0.05, 0.2)), ["No gain", "drove customers away."]),
        (evidence_of(gone=(np.nan,) * 3), ["No gain", "kept nobody that can be told from chance."]),
    ],
)  # fmt: skip
def test_effects_are_told_by_whether_they_last(wb, hold, tests, said):
    hold(campaign.effects(wb, tests), *said)


def test_effects_are_noted_with_their_campaigns(wb, hold):
    hold(
        campaign.effects_note(wb, evidence_of()),
        "2 campaigns, all actions",
        "£2.00",
        "p 0.40",
        "odd share: none.",
    )
    hold(
        campaign.effects_note(wb, evidence_of(campaigns=1, uneven=2)),
        "1 campaign,",
        "odd share: 2.",
        "both arms alike",
    )
    hold(campaign.effects_note(wb, evidence_of(later=0.0001)), "reached one arm more than the other")
    assert f"2 campaigns, {HOSTILE} only" in campaign.effects_note(wb, evidence_of(action=HOSTILE))


def test_effects_are_written_in_words():
    shown = tables.effects(evidence_of(), "GBP")
    assert shown["label"].str.contains("(GBP)", regex=False).sum() == 2
    assert shown["label"].iloc[0] == "Orders within 28 days" and "28 days" in shown["label"].iloc[1]
    assert shown["effect"].tolist() == [0.1, 2.0, -1.0, 0.0] and not shown["label"].str.contains("[{}]").any()


@pytest.mark.parametrize(
    ("curve", "said"),
    [
        ((80.0, 20.0), ["50%", "£80.00"]),
        ((-5.0, -9.0), ["the more is lost"]),
        ((1.0, 2.0), ["No order of customers"]),
    ],
)
def test_gain_is_titled_by_what_chance_allows(wb, plain, curve, said):
    plain(campaign.gain_title(wb, evidence_of(curve=curve)), *said)


def test_curves_of_gain_have_a_lot_beside_them():
    shown = tables.gain_curves(evidence_of())
    assert shown["rule"].unique().tolist() == ["Most moved by a contact", "Most likely to leave", "at random"]
    assert shown.loc[shown["rule"] == "at random", "value"].tolist() == [0.0, -4.0, -8.0]


@pytest.mark.parametrize(
    ("tests", "said"),
    [
        (evidence_of(rule="uplift"), ["Most moved by a contact", "proven"]),
        (evidence_of(), ["No way to choose earned more"]),
        (evidence_of(rules={"risk": (-30.0, -60.0, -5.0)}), ["1 way to choose lost money"]),
        (evidence_of(rules={"risk": (-30.0, -60.0, -5.0), "everyone": (-9.0, -15.0, -1.0)}), ["2 ways to choose lost"]),
    ],
)  # fmt: skip
def test_rules_are_titled_by_what_is_proven(wb, plain, tests, said):
    plain(campaign.rules_title(wb, tests), *said)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"more": (40.0, 10.0, 90.0)}, ["£40.00", "£10.00", "£90.00"]),
        ({}, ["£40.00", "chance alone", "25% of the customers worth a contact"]),
        ({"more": (-40.0, -90.0, 5.0)}, ["most at risk earned £40.00", "chance alone", "−£5.00 to £90.00"]),
        ({"more": (-40.0, -90.0, -5.0)}, ["most at risk earned £40.00", "£5.00 to £90.00", "does not hold."]),
        ({"persuadable": False}, ["no customer is expected", "£40.00 less"]),
        (
            {"persuadable": False, "more": (-40.0, -90.0, 5.0)},
            ["no customer is expected", "earned £40.00", "−£5.00"],
        ),
        ({"more": (np.nan,) * 3}, ["Too few"]),
    ],
)
def test_risk_and_effect_are_compared_whichever_earned_more(wb, hold, options, said):
    hold(campaign.rules(wb, evidence_of(**options)), *said)


@pytest.mark.parametrize(
    ("order", "said"),
    [
        ((0.5, 0.2, 0.8), ["£0.50", "£0.20", "£0.80", "better than a lot", "£0.10"]),
        ((0.5, -0.2, 0.8), ["£0.50", "cannot be told from a lot", "£0.10"]),
        ((np.nan, np.nan, np.nan), ["Too few"]),
    ],
)
def test_an_order_is_held_against_a_lot(wb, hold, order, said):
    uplift, risk = (
        SimpleNamespace(coefficient=c, low=low, high=high) for c, low, high in (order, (0.1, -0.1, 0.3))
    )
    hold(campaign.order(wb, SimpleNamespace(orders={"uplift": uplift, "risk": risk})), *said)


@pytest.mark.parametrize(
    ("told", "said"),
    [([True, True], "Both are"), ([False, True], "One of them"), ([False, False], "No kind")],
)
def test_kinds_stand_with_whether_they_are_told_apart(wb, told, said):
    table = pd.DataFrame(
        {"share": [0.2, 0.8], "distinguishable": told}, index=["persuadable", "sleeping dog"]
    )
    tests = SimpleNamespace(kinds=SimpleNamespace(table=table))
    assert said in campaign.kinds_note(wb, tests)
    assert tables.kinds(tests)["label"].tolist()[0].startswith("Predicted to bring more")


def test_ways_to_choose_are_listed_without_nobody():
    shown = tables.rules(evidence_of())
    assert shown["label"].tolist()[0] == "Most likely to leave (30%)" and len(shown) == 4
    assert not shown["label"].str.startswith("Nobody").any()


def test_a_measured_save_rate_stands_beside_the_assumed_one(wb, hold):
    assert campaign.measured(wb, evidence_of()) is None
    for left, *said in (
        (60, "40%", "more than the 10%"),
        (150, "−50%", "less than the 10%"),
        (95, "5.0%", "neither"),
    ):
        tests = evidence_of()
        tests.save_rate = MeasuredSaveRate(left, 1000, 100, 1000)
        hold(campaign.measured(wb, tests), *said)


@pytest.mark.parametrize(
    ("values", "share", "said"),
    [
        (np.linspace(0, 90, 1000), 0.3, ["Draw 300 customers", "30%", "£3.00", "at most."]),
        (np.linspace(0, 90, 30), 0.3, ["9 customers are too few", "£3.00", "at most."]),
        (np.linspace(0, 90, 100), 0.01, ["1 customer", "too few"]),
        ([50.0] * 400, 0.3, ["Hold 30%", "one value for all", "at most."]),
    ],
)
def test_a_test_is_laid_out_as_large_as_it_must_be(wb, hold, values, share, said):
    hold(campaign.design(wb, profit_of(values), keep_of(values), share), *said)


def test_the_next_test_is_sized_by_what_a_contact_costs(wb, hold):
    hold(campaign.next_test(wb, evidence_of()), "£2.00", "1,200")
    free = evidence_of()
    free.contact_cost = 0.0
    hold(campaign.next_test(wb, free), "1,200")


# Contracts


def signed(plan=True, size=240, seed=1):
    rng = np.random.default_rng(seed)
    began, light = rng.integers(0, 24, size), rng.random(size) < 0.5
    life = rng.geometric(np.where(light, 0.12, 0.04))
    first = pd.Period("2024-01", "M")
    ends = [
        (first + int(month + months) - 1).end_time.normalize() if month + months <= 24 else pd.NaT
        for month, months in zip(began, life, strict=True)
    ]
    frame = pd.DataFrame(
        {"contract_id": [f"K{i:03d}" for i in range(size)], "customer_id": [f"C{i:03d}" for i in range(size)],
         "started_on": [(first + int(month)).start_time for month in began], "ended_on": ends, "fee": 10.0,
         "period_months": 1}
    )  # fmt: skip
    return frame.assign(plan=np.where(light, "light", HOSTILE)) if plan else frame


@pytest.fixture(scope="module")
def lived():
    return contract_durations(signed(), AS_OF)


@pytest.fixture(scope="module")
def ends(lived):
    return who_ends(lived)


def test_contracts_are_titled_by_what_is_known(wb, plain, lived, ends):
    curve = survival_curve(lived.table)
    title = contracts.title(wb, curve, ends)
    means = ends.means.set_index("group")["mean"]
    assert HOSTILE in title and "light" in title and "plan" in title
    assert f"{means.min():.1f}" in title and f"{means.max():.1f}" in title
    plain(
        contracts.title(wb, curve, None),
        "Half of the contracts have ended after",
        f"{curve.median[0]:.0f} month",
    )
    high = SimpleNamespace(median=(None, None, None), table=pd.DataFrame({"age": [1], "survival": [0.9]}))
    plain(contracts.title(wb, high, None), "90%", "1 month")
    short = SimpleNamespace(median=(1.0, None, None), table=high.table)
    assert contracts.title(wb, short, None).endswith("after 1 month")


def test_curves_are_drawn_by_level_where_one_matters(lived, ends):
    curve = survival_curve(lived.table)
    parts = contracts.curves(curve, ends, lived)
    assert set(parts["group"]) == {"light", HOSTILE} and (parts.groupby("group")["time"].min() == 0).all()
    whole = contracts.curves(curve, None, lived)
    assert "group" not in whole and whole["value"].iloc[0] == 1.0 and whole["value"].is_monotonic_decreasing


def test_models_stand_beside_the_curve_or_not_at_all(lived):
    assert contracts.models(None) is None
    shown = contracts.models(models_beside(lived))
    assert shown["name"].unique().tolist() == ["Beta-geometric model", "One rate for ever"]
    assert shown["value"].between(0, 1).all()


def beside_of(sbg, constant, held=True):
    table = pd.DataFrame(
        {
            "survival": [0.8, 0.6],
            "sbg": [0.8, 0.6 + sbg],
            "constant": [0.8, 0.6 - constant],
            "held_out": [False, held],
        }
    )
    return SimpleNamespace(table=table, fitted_until=7)


@pytest.mark.parametrize(
    ("beside", "said"),
    [
        (beside_of(0.01, 0.02), ["neither", "2.0%"]),
        (beside_of(0.01, 0.2), ["the beta-geometric model", "1.0%", "one rate for ever", "20%"]),
        (beside_of(0.2, 0.01), ["one rate for ever", "1.0%", "the beta-geometric model", "20%"]),
        (beside_of(0.2, 0.01, held=False), []),
        (None, []),
    ],
)
def test_contracts_are_told_with_and_without_models(wb, hold, lived, beside, said):
    mean_life = restricted_mean(survival_curve(lived.table))
    lost = contractual_churn(signed(), AS_OF)
    text = hold(
        contracts.told(wb, mean_life, beside, lost),
        f"{lost.rate:.0%}",
        f"{lost.running_before} contracts",
        f"{mean_life.mean:.1f} months",
        *said,
    )
    assert ("Fitted" in text) == bool(said)
    hold(contracts.told(wb, mean_life, beside, None), f"{mean_life.mean:.1f} months")


@pytest.mark.parametrize(
    ("late", "out", "said"),
    [
        (0, 0, None),
        (3, 1, ["3 contracts came", "1 contract"]),
        (1, 0, ["1 contract came", "not in the data"]),
        (0, 2, ["2 contracts"]),
    ],
)
def test_contracts_that_say_nothing_are_counted(wb, hold, late, out, said):
    durations = SimpleNamespace(late_entries=late, without_exposure=pd.DataFrame({"contract_id": range(out)}))
    found = contracts.left_out_rows(wb, durations)
    assert found is None if said is None else hold(found, *said)


def test_effects_on_ending_are_named_as_they_stand(ends):
    shown = contracts.effects(ends)
    words = " ".join(shown["what"])
    assert words.startswith("Plan: ") and HOSTILE in words and "light" in words
    assert set(shown["holds"]) <= {"yes", "no"} and (shown["low"] <= shown["ratio"]).all()


@pytest.mark.parametrize(
    ("failed", "remedy", "said"),
    [
        ((), None, ["No effect is seen to change"]),
        (("plan",), None, ["plan changes with age"]),
        (("plan", "payment"), None, ["plan and payment change with age"]),
        (("plan", "payment", "service"), None, ["plan, payment and service change"]),
        (("plan",), (("plan",), ()), ["every plan", "the rest holds."]),
        (("plan",), (("plan",), ("payment",)), ["every plan", "read the curves."]),
    ],
)
def test_effects_that_change_with_age_are_noted(wb, hold, ends, failed, remedy, said):
    remedy = None if remedy is None else SimpleNamespace(strata=remedy[0], failed=remedy[1])
    given = WhoEnds(SimpleNamespace(failed=failed, remedy=remedy), ends.means, ends.first)
    hold(contracts.effects_note(wb, given), *said)


# Closing


def test_the_headline_says_how_many_and_how_much(wb, hold):
    hold(
        closing.headline(wb, loss_of([100, 200, 300]), LEAVE),
        "Of 3 customers, 1 ",
        "stay away",
        "6 months",
        "£180",
    )
    hold(closing.headline(wb, loss_of([100]), LEAVE), "Of 1 customer, 0 ")


def final_of(
    rule="uplift", basis="test", contact=3, profit=(500.0, 100.0, 900.0), everyone=(-50.0, -300.0, 200.0)
):
    names = list(dict.fromkeys([rule, "everyone", NOBODY]))
    rows = {"everyone": (10, 30.0, *everyone), NOBODY: (0, 0.0, 0.0, 0.0, 0.0)} | (
        {rule: (contact, 9.0, *profit)} if rule != NOBODY else {}
    )
    options = pd.DataFrame(
        [rows[name] for name in names], index=names, columns=["customers", "cost", "profit", "low", "high"]
    )
    people = people_of(range(10))
    customers = pd.DataFrame(
        {
            "profit": 1.5,
            "low": -1.0,
            "high": 4.0,
            "contact": np.arange(10) < (contact if rule != NOBODY else 0),
        },
        people.index,
    )
    return Decision(basis, rule, customers, options)


@pytest.mark.parametrize(
    ("final", "said"),
    [
        (final_of(), ["Contact the 3 customers", '"Most moved by a contact"', "£500", "£100 to £900", "£9.00"]),
        (final_of(contact=1), ["Contact the 1 customer of"]),
        (final_of("random"), ["Contact 3 customers drawn by lot", "£500", "£100 to £900"]),
        (final_of(NOBODY), ["Contact nobody with the offers made so far", "lose £50.00", "£300", "a gain of £200"]),
        (final_of(NOBODY, everyone=(-50.0, -300.0, -20.0)), ["Contact nobody", "lose £50.00", "one of £20.00"]),
        (final_of(NOBODY, everyone=(50.0, -30.0, 200.0)), ["Contact nobody", "earn £50.00", "−£30.00 to £200"]),
        (final_of(NOBODY, "assumption"), ["Contact nobody.", "10%"]),
        (final_of("expected profit", "assumption"), ["Contact 3 customers for £9.00", "£500", "10%", "an assumption"]),
        (final_of("expected profit", "assumption", profit=(500.0, -100.0, 900.0)), ["Test before you contact.", "3 customers", "£500", "−£100 to £900"]),
        (final_of("expected profit", "assumption", contact=1, profit=(5.0, -1.0, 9.0)), ["1 customer for"]),
    ],
)  # fmt: skip
def test_the_decision_follows_what_is_proven_or_expected(wb, hold, final, said):
    act, wait = closing.decision(wb, final, loss_of([100, 200, 300]), keep_of([1]), LEAVE)
    hold(act, *said)
    hold(wait, "Then 1 customer can be expected to stay away within 6 months", "£180")
    _, wait = closing.decision(wb, final, loss_of([100, 200, 300]), keep_of([1], back=0.2), LEAVE)
    hold(wait, "come back by themselves", "£180")


def test_findings_say_what_was_found_and_never_more_than_five(wb, hold, lived, ends):
    others = SimpleNamespace(table=pd.DataFrame({"rate": [0.4, 0.55]}))
    curve = survival_curve(lived.table)
    loss = loss_of([1000, 1, 1, 1, 1, 1, 1, 1, 1, 1])
    found = closing.findings(wb, contest_of(), others, BACK, loss, evidence_of(), curve, ends)
    assert len(found) == 5
    for said, so_what in found:
        hold(said)
        hold(so_what)
    texts = " ".join(str(said) for said, _ in found)
    assert "99% of the value at risk" in texts and "1.80 times" in texts and "−£1.00 of margin" in texts
    assert "25% bought again within 91 days" in texts and "from 40% to 55%" in texts
    few = closing.findings(wb, None, None, None, loss, None, curve, ends)
    assert HOSTILE in str(few[-1][0]) and len(few) == 2
    year = closing.findings(wb, None, None, None, loss, None, curve, None)
    hold(year[-1][0], f"{curve.at([12])['survival'].iloc[0]:.0%} of the contracts")
    young = survival_curve(lived.table.assign(duration=lived.table["duration"].clip(upper=6)))
    assert len(closing.findings(wb, None, None, None, loss, None, young, None)) == 1


def test_where_nothing_is_at_risk_no_tenth_of_it_is_found(wb):
    assert closing.findings(wb, None, None, None, loss_of([-5, -5]), None) == []
    assert closing.findings(wb, None, None, None, loss_of([10] * 100), None) == []


def test_a_method_no_better_than_one_rate_is_found_as_such(wb, hold):
    tried = contest_of("base_rate", "base_rate", "no_better_than_rate")
    ((said, so_what),) = closing.findings(wb, tried, None, None, loss_of([-5]), None)
    hold(said, "No method tells beforehand")
    hold(so_what, "42%")


def test_contacts_that_pay_are_found_to(wb, hold):
    for late, words in (((9.0, 4.0, 14.0), "Contacts pay"), ((-1.0, -6.0, 4.0), "not earned back")):
        ((said, so_what),) = closing.findings(
            wb, None, None, None, loss_of([-5]), evidence_of(late=late, campaigns=1)
        )
        hold(said, "In 1 campaign", "£2.00")
        hold(so_what, words)


@pytest.mark.parametrize("final", [final_of(), final_of(NOBODY), final_of(NOBODY, "assumption")])
def test_key_figures_are_those_of_the_sentences(wb, final):
    loss = loss_of([100, 200, 300])
    closing.metrics(wb, LEAVE, loss, final)
    noted = wb._metrics
    assert noted["expected_leavers"]["value"] == pytest.approx(0.9)
    assert noted["value_at_risk"]["value"] == pytest.approx(180.0)
    assert (noted["churn_rate"]["value"], noted["churn_rate"]["period"]) == (0.4, "2 test days")
    assert noted["contact_profit"]["value"] == final.options.loc[final.rule, "profit"]
    assert bool(noted["contact_profit"]["interval"]) == (final.rule != NOBODY)
    for figure in noted.values():
        assert not any(
            lost in str(figure["text"]) + figure["definition"] for lost in ("nan", "None", "not known", "{")
        )


@pytest.mark.parametrize(
    ("rate", "ends", "shown"),
    [(0.4, (0.35, 0.45), "35% to 45%"), (0.4, (np.nan, np.nan), ""), (np.nan, (np.nan, np.nan), None)],
)
def test_a_churn_rate_is_shown_as_far_as_it_is_known(wb, rate, ends, shown):
    wb._metrics.clear()
    own = replace(LEAVE, rate=rate, low=ends[0], high=ends[1])
    closing.metrics(wb, own, loss_of([100, 200, 300]), final_of())
    noted = wb._metrics.get("churn_rate")
    assert noted is None if shown is None else noted["interval"] == shown
    assert "value_at_risk" in wb._metrics


def test_the_saved_table_has_one_row_per_customer_and_adds_up():
    people, loss = people_of(range(10)), loss_of(range(10))
    why = pd.Series(HOSTILE, people.index[::-1])
    dealt = deal_out(final_of(), people, 0.3, seed=1)
    saved = closing.saved_churn(people, why, loss, final_of(), dealt)
    assert saved["customer_id"].tolist() == people.index.tolist() and saved["customer_id"].is_unique
    assert saved["value_at_risk"].sum() == pytest.approx(loss.at_risk)
    assert (saved["decision"] == "contact").sum() == 3 and set(saved["decision"]) == {
        "contact",
        "leave alone",
    }
    assert set(saved["why"]) == {HOSTILE} and set(saved["basis"]) == {"test"}
    assert saved["churn_probability"].sum() == pytest.approx(loss.leavers)
    assert saved.columns.tolist() == [
        "customer_id", "churn_probability", "why", "worth_if_kept", "value_at_risk", "expected_profit", "profit_low",
        "profit_high", "decision", "basis",
    ]  # fmt: skip


def test_customers_the_decision_does_not_know_are_left_alone():
    people, loss = people_of(range(10)), loss_of(range(10))
    final = final_of()
    known = Decision("test", "uplift", final.customers.iloc[2:], final.options)
    dealt = deal_out(known, people, 0.3, seed=1)
    saved = closing.saved_churn(people, pd.Series("x", people.index), loss, known, dealt)
    assert len(saved) == 10 and saved["decision"].tolist()[:3] == ["leave alone", "leave alone", "contact"]
    assert saved["expected_profit"].isna().sum() == 2 and saved["value_at_risk"].notna().all()


# Truth


def known_of(policies):
    scores = SimpleNamespace(values=pd.DataFrame({"auc": [0.83]}, index=["forecast"]))
    windows = pd.DataFrame(
        {
            "words": ["3 months"],
            "silent": [0.4],
            "gone": [0.1],
            "truly_gone": [0.21],
            "found": [0.93],
            "false_alarm": [0.3],
        }
    )
    return truth.Truth(SimpleNamespace(gone=0.12, scores=scores), 0.37, windows, policies)


def policies_of(**profits):
    given = {
        "all-knowing": 900.0,
        "uplift": 300.0,
        "risk": -40.0,
        "nobody": 0.0,
        "everyone": -500.0,
    } | profits
    table = pd.DataFrame({"profit": pd.Series(given)}).assign(contacts=[50.0, 30.0, 30.0, 0.0, 200.0])
    best = table["profit"].drop("all-knowing").max()
    return SimpleNamespace(table=table, distance=900.0 - best)


def test_the_truth_is_told_beside_the_estimates(wb, hold):
    ahead = SimpleNamespace(probabilities=pd.Series([0.3, 0.5]))
    alone, windows = truth.told(wb, known_of(None), ahead)
    hold(alone, "40%", "37%", "12%", "83%")
    assert windows.rows == [["3 months", "40%", "10%", "21%", "93%", "30%"]]
    first, _, figure, last = truth.told(wb, known_of(policies_of()), ahead)
    assert "most moved by a contact" in figure.title and str(first) == str(alone)
    hold(last, "£900", "50 contacts", "£600")
    *_, figure, last = truth.told(wb, known_of(policies_of(uplift=-10.0)), ahead)
    assert "contacting nobody" in figure.title
    hold(last, "£900 short")


def simulated(size=200):
    """A company whose truth is known: every other customer has left by the end of the window, a quarter is moved."""
    names = [f"K{i:03d}" for i in range(size)]
    gone = np.arange(size) % 2 == 0
    customers = pd.DataFrame(
        {"customer_id": names, "lifetime_end": np.where(gone, "2025-12-31", "2035-01-01"), "purchase_rate_per_year": 4.0,
         "contact_class": np.where(np.arange(size) % 4 == 1, "persuadable", "unmoved"), "mean_order_value": 50.0,
         "gross_margin": 0.4}
    )  # fmt: skip
    constants = pd.DataFrame(
        {"name": ["persuadable_extra_orders", "sleeping_dog_leaves"], "value": ["0.5", "0.1"]}
    )
    data = SimpleNamespace(
        truth={"customers": customers, "parameters": constants}.get, annual_discount_rate=0.1, as_of=AS_OF
    )
    index = pd.Index(names, name="customer_id")
    now = SimpleNamespace(day=AS_OF, outcome_days=182, features=pd.DataFrame(index=index))
    chances = pd.Series(np.where(gone, 0.8, 0.3), index) + np.linspace(0, 0.01, size)
    today = pd.DataFrame({"risk": chances, "uplift": np.where(np.arange(size) % 4 == 1, 5.0, -5.0)}, index)
    today = today.assign(**{"value at risk": chances, "expected profit": 1.0})
    return (
        SimpleNamespace(data=data),
        SimpleNamespace(now=now, probabilities=chances),
        SimpleNamespace(
            day=AS_OF,
            windows={"6 months": 182, "1 year": 365},
            flags=pd.DataFrame({"6 months": gone | (np.arange(size) % 4 == 1), "1 year": gone}, index),
        ),
        SimpleNamespace(today=today, contact_cost=2.0),
    )


def test_estimates_and_policies_are_held_against_the_truth_of_a_simulation():
    company, ahead, others, tests = simulated()
    found = truth.beside_truth(company, ahead, others, tests, 0.25)
    # Of the half year, those still there buy or not; of the year, all who are silent have left.
    assert found.windows.loc[182, ["silent", "truly_gone", "found"]].tolist() == [
        0.75,
        pytest.approx(2 / 3),
        1.0,
    ]
    assert found.windows.loc[365, "truly_gone"] == 1.0 and found.windows["words"].tolist() == [
        "6 months",
        "1 year",
    ]
    assert found.gone.gone == 0.5 and found.gone.scores.values.loc["forecast", "auc"] == 1.0
    # Half are gone for sure; the others stay silent for half a year with exp(-4 / 2).
    assert found.silence == pytest.approx(0.5 + 0.5 * np.exp(-4 * 182 / 365.25), abs=1e-6)
    table = found.policies.table
    # Fifty are moved: half an order of 50 at 40 %, less 2 each.
    assert table.loc["uplift", ["contacts", "profit"]].tolist() == pytest.approx(
        [50, 50 * (0.5 * 50 * 0.4 - 2)]
    )
    assert found.policies.best == "uplift" and found.policies.distance == pytest.approx(0.0)
    assert table.loc["risk", "profit"] == pytest.approx(-100.0)
    assert truth.beside_truth(company, ahead, others, None, 0.25).policies is None


def test_real_companies_have_no_truth(wb):
    assert truth.beside_truth(wb, None, None, None, 0.3) is None


def test_values_from_the_analysis_are_told_without_a_mark_left_over(wb, hold):
    known = pd.DataFrame({"gross_margin_12m": [40.0, 10.0]}, index=pd.Index(["K0", "K1"], name="customer_id"))
    keep = worth_keeping(None, known, comes_back=0.1)
    loss = losses_ahead(pd.Series(0.5, known.index), keep.yearly)
    hold(
        sentences.at_risk(wb, loss, keep, LEAVE),
        "£22.50",
        "gross margin of the last 12 months",
        "themselves.",
    )


def test_every_rule_and_method_has_a_name():
    assert set(tables.RULES) >= {*ABOVE, RISK, AT_RISK, EVERYONE, RANDOM, NOBODY}
    assert list(tables.METHODS) == list(ALL_METHODS)
