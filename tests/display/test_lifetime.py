"""What the notebook on lifetime value says: every case of its sentences, tables and closing."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from crmlib.analysis.clv.discounting import Schedule
from crmlib.analysis.clv.trust.departures import AFFECTS, Check
from crmlib.analysis.clv.worth.simple_values import Rehearsed
from crmlib.analysis.clv.worth.spending import win_back
from crmlib.analysis.clv.worth.valuation import Worth
from crmlib.analysis.clv.worth.value import Values
from crmlib.display.lifetime import closing, sentences, tables
from crmlib.display.lifetime.caveats import Caveats


@pytest.fixture(scope="session")
def wb(shops):
    shops["all"].parameters["contact_cost"] = 3.0
    return shops["all"]


def worth_of(values, alive=0.5):
    values = np.asarray(values, dtype=float)
    frame = pd.DataFrame(
        {"alive": alive, "orders": 4.0, "discounted_orders": 3.5, "money": values / 3.5, "value": values,
         "low": values - 20, "high": values + 60}, index=[f"K{i}" for i in range(len(values))],
    )  # fmt: skip
    total = values.sum()
    drawn = pd.DataFrame({"all": np.linspace(0.8, 1.2, 201) * total})
    return Worth(
        frame,
        36,
        Values(frame, pd.Series({"all": total}), drawn, drawn, Schedule.until(1095.75, 0.1), 0.95),
        [],
    )


def choice_of(
    chosen="pareto_nbd", reason="model_picks_more", rival="same_again", gain=11_900.0, equals=("bg_nbd",)
):
    names = ["pareto_nbd", "bg_nbd", "same_again"]
    scores = pd.DataFrame(
        {"error": [-0.004, 0.02, 0.08], "gain_fifth": 0.7, "gini": 0.9, "coverage": [0.96, 0.95, np.nan],
         "picked_money": [730_000.0, 729_000.0, 718_000.0], "lost_to_best": [0.0, 1_000.0, 12_000.0],
         "error_purchases": [0.14, 0.1, 0.2]}, index=names,
    )  # fmt: skip
    against = pd.DataFrame({"picked_less": gain, "low": 4_800.0, "high": 20_300.0}, index=names)
    is_model = chosen in ("pareto_nbd", "bg_nbd")
    return SimpleNamespace(
        chosen=chosen, reason=reason, is_model=is_model, scores=scores, against=against, equals=equals,
        best_baseline=rival if is_model else chosen, best_model="pareto_nbd", model="pareto_nbd",
        hold_outs=(1, 2),
    )  # fmt: skip


NONE = Caveats([])
CHANNELS = pd.DataFrame(
    {"customers": [96, 365, 13], "value": [176.0, 88.0, 300.0], "low": [113.0, 51.0, 250.0],
     "high": [244.0, 118.0, 390.0], "cost": [35.0, 22.0, 440.0], "recent": [40, 120, 4],
     "spare": [141.0, 66.0, -140.0]}, index=["fair", "web search", "field sales"],
)  # fmt: skip


@pytest.mark.parametrize(
    ("before", "assumed", "said"),
    [
        ([False] * 4, False, ["4 customers", "2 of them once so far."]),
        ([True, False, False, False], False, ["1 began before the data do", "not seen."]),
        ([True, True, False, False], True, ["2 may have begun before the data do", "not seen."]),
    ],
)
def test_histories_say_who_began_before_the_data(wb, hold, before, assumed, said):
    customers = pd.DataFrame({"x": [0, 0, 3, 9]})
    hold(sentences.histories(wb, customers, pd.Series(before), assumed), *said)


def test_one_or_two_models(wb, hold):
    before = pd.Series([True, False])
    old, since, east = (SimpleNamespace(name=name) for name in ("before", "since", "since"))
    hold(sentences.models(wb, [old, since, east], before), "a model of their own")
    hold(sentences.models(wb, [since, east], before), "one model values them all")
    assert sentences.models(wb, [since], ~before & False) is None


def test_a_model_by_group_is_named_with_its_groups():
    assert (
        tables.named("pareto_nbd by channel") == "Pareto/NBD by channel"
        and tables.named("bg_nbd") == "BG/NBD"
    )


@pytest.mark.parametrize(
    ("choice", "said"),
    [
        (choice_of(), ["Pareto/NBD is used.", "off by 0.4%", "£730k", "£11.9k more", "last period once more", "BG/NBD did as well"]),
        (choice_of(reason="simple_totals_wrong", equals=()), ["Pareto/NBD is used.", "no simple forecast came as close."]),
        (choice_of("same_again", "only_chance", gain=500.0), ["No model beats", "Last period once more", "£500 less"]),
        (choice_of("same_again", "simple_picks_more"), ["The simple forecast Last period once more is used."]),
    ],
)  # fmt: skip
def test_the_choice_is_told_with_its_reason(wb, hold, choice, said):
    hold(sentences.chosen(wb, choice), *said)


def test_a_simple_forecast_with_the_better_total_says_by_how_much(wb, hold):
    hold(
        sentences.chosen(wb, choice_of("same_again", "model_totals_wrong")),
        "off by 8.0%",
        "Pareto/NBD, by 0.4%",
    )


@pytest.mark.parametrize(
    ("came", "said"),
    [([0.5, 2.0, 3.0], "less than expected in 2 of 3"), ([2.0, 3.0, 9.0], "more than expected in 3")],
)
def test_purchases_by_repeats_are_titled_by_their_side(wb, came, said):
    groups = pd.DataFrame({"bg_nbd": [1.0, 2.5, 2.9], "actual": came})
    assert said in sentences.repeats_title(wb, groups, "bg_nbd")


def test_only_a_model_has_intervals_to_tell_of(wb, hold):
    hold(sentences.covered(wb, choice_of()), "96% of the customers", "14% more purchases than came", "luck")
    assert sentences.covered(wb, choice_of("same_again")) is None


def test_the_contest_lists_the_chosen_forecast_first():
    shown = tables.contest(choice_of("bg_nbd"))
    assert shown["method"].tolist() == ["BG/NBD (chosen)", "Pareto/NBD", "Last period once more"]
    assert shown["lost"].tolist() == [1_000.0, 0.0, 12_000.0]


def a_check(name, holds, size=1.2, **numbers):
    return Check.of(name, size, size - 0.1, size + 0.1, 1.25, holds, numbers)


def test_a_failed_assumption_puts_a_caveat_where_it_belongs(wb, hold):
    checks = [a_check("spend", True), a_check("regularity", False, 2.4), a_check("censoring", False, 0.41)]
    care = Caveats(checks)
    hold(care.shown(wb, "alive"), "Read with care", "more regularly", "cut off at the start")
    hold(care.shown(wb, "alive", but="censoring"), "Read with care", "more regularly")
    assert care.shown(wb, "money") is None and care.mark("money") == care.full("money") == ""
    assert Caveats(checks[:1]).shown(wb, "total") is None
    assert care.mark("total") == " (with care: histories cut off)"
    assert care.mark("money", "alive") == " (with care: regular buyers, histories cut off)"


def test_the_saved_table_says_the_caveat_in_every_row_or_has_no_such_column():
    table = pd.DataFrame({"value_12": [1.0, 2.0]})
    care = Caveats([a_check("regularity", False, 2.4)])
    assert set(care.beside(table)["caveat"]) == {care.full("alive")} and "caveat" not in table
    assert list(Caveats([a_check("spend", None)]).beside(table)) == ["value_12"]


def test_every_check_has_words_for_its_caveat():
    for name in AFFECTS:
        care = Caveats([a_check(name, False)])
        assert care.full("total", "alive").startswith("Read with care: ") and care.mark("total", "alive")


def test_assumptions_are_written_with_size_and_verdict():
    checks = [a_check("spend", None), a_check("stationarity", False, 0.8), a_check("season", True, 1.0, whole_years=True),
              a_check("censoring", False, 0.41), Check.unknown("regularity", 1.1, {})]  # fmt: skip
    shown = tables.assumptions(checks)
    assert shown["verdict"].tolist() == [
        "cannot be told",
        "does not hold",
        "holds",
        "does not hold",
        "cannot be told",
    ]
    assert shown["found"].iloc[0] == "frequent buyers spend 20% more per purchase"
    assert "20% less" in shown["found"].iloc[1] and shown["found"].iloc[4] == "too little data to tell"
    assert shown["affects"].iloc[2] == "–"


def test_the_value_of_the_base_names_losses_only_where_there_are_some(wb, hold):
    hold(sentences.base_value(wb, worth_of([900, 300, -200]), 0.1), "3 customers", "£1,000", "10% a year",
         "of purchases and of money", "1 customer", "£200")  # fmt: skip
    assert "cost" not in str(sentences.base_value(wb, worth_of([900, 300]), 0.1))


def simple_worth(values, scale=0.05, rehearsals=2):
    return Worth(worth_of(values).customers, 12, None, [], Rehearsed(scale, rehearsals, pd.DataFrame()))


def test_a_simple_forecast_is_as_sure_as_it_was_off(wb, hold):
    hold(
        sentences.base_value(wb, simple_worth([60, 40]), 0.1),
        "12 months",
        "£100",
        "£80.64 to £124",
        "2 rehearsals",
    )
    hold(sentences.base_value(wb, simple_worth([60, 40], 0.05, 1), 0.1), "1 rehearsal;")
    unknown = sentences.base_value(wb, simple_worth([60, -40], np.nan), 0.1)
    hold(unknown, "It has no interval", "1 customer")
    hold(
        closing.headline(wb, simple_worth([60, 40]), NONE),
        "By the simple forecast",
        "95% interval £80.64 to £124",
    )
    assert "interval" not in str(closing.headline(wb, simple_worth([60, 40], np.nan), NONE))


def test_chances_beside_a_simple_forecast_name_their_model(wb, hold):
    hold(
        sentences.alive_by(wb, simple_worth([60, 40]), choice_of("same_again")),
        "by Pareto/NBD",
        "1 of 2",
        "no part",
    )
    assert sentences.alive_by(wb, worth_of([60, 40]), choice_of()) is None
    sure = simple_worth([60, 40])
    sure.customers["alive"] = 0.999
    hold(sentences.alive_by(wb, sure, choice_of("same_again")), "next to nobody leaving")
    assert sentences.alive_by(wb, worth_of([60, 40]), None) is None


def test_a_purchase_that_leaves_a_loss_is_told(wb, hold):
    customers = pd.DataFrame({"n": [2, 2], "money": [50.0, 70.0], "left": [12.0, 8.0]})
    hold(
        sentences.left_by_purchase(wb, customers, pd.Series([-1.0, 4.0])),
        "£60.00",
        "£10.00",
        "1 customer can",
    )
    hold(sentences.left_by_purchase(wb, customers, pd.Series([1.0, 4.0])), "Nobody is expected")


@pytest.mark.parametrize(
    ("channels", "title", "said"),
    [
        (CHANNELS, "1 of 3 channels cost more", ["most room in the channel fair", "£176", "field sales", "£300", "£440"]),
        (CHANNELS.iloc[:2], "In 2 of 2 channels", ["most room in the channel fair"]),
        (CHANNELS.assign(cost=np.nan, spare=np.nan), "What the next customer", ["worth most in the channel fair", "not in the data"]),
        (CHANNELS.iloc[2:], "1 of 1 channel", ["No channel brings back", "field sales"]),
    ],
)  # fmt: skip
def test_channels_are_told_by_what_they_leave(wb, hold, channels, title, said):
    assert closing.win_title(wb, channels).startswith(title)
    hold(closing.win_sentence(wb, channels), *said)


def campaign_of(worth, cost=3.0):
    return win_back(worth.customers, cost, 0.05)


def test_options_are_in_order_and_doing_nothing_is_one():
    worth = worth_of([900, 300, 20])
    shown = closing.options(campaign_of(worth), CHANNELS)
    assert shown["label"].iloc[-1] == "Do nothing" and (shown["gain"].iloc[:-1].diff().dropna() <= 0).all()
    assert "Win more: field sales" not in shown["label"].tolist()
    fair = shown.set_index("key").loc["win fair"]
    assert (fair["customers"], fair["cost"], fair["gain"]) == (4, 140.0, 564.0)


@pytest.mark.parametrize(
    ("values", "cost", "channels", "said"),
    [
        ([900, 300], 3.0, CHANNELS, ["Raise the limit for", "Contact 2 quiet customers", "random half"]),
        ([900, 300], 3.0, None, ["Contact 2 quiet customers", "random half"]),
        ([9, 3], 3.0, CHANNELS, ["Raise the limit for", "no quiet customer"]),
        ([9, 3], 3.0, None, ["Spend no more than today."]),
    ],
)
def test_the_decision_follows_the_money(wb, hold, values, cost, channels, said):
    worth = worth_of(values)
    campaign = campaign_of(worth, cost)
    act, wait = closing.decision(wb, closing.options(campaign, channels), campaign, channels, worth, NONE)
    hold(act, *said)
    hold(wait, "Then the customers of today bring", "36 months")


def test_without_a_model_nothing_is_spent_on_its_strength(wb, hold):
    act, _ = closing.decision(wb, None, None, None, worth_of([9, 3]), NONE)
    hold(act, "Rank by the simple forecast")


def test_findings_say_what_was_found_and_never_more_than_five(wb, hold):
    others = pd.DataFrame({"same": [1.0, 0.97, 0.99, 0.8]})
    worth = worth_of([900, 300, 200, 10, 8, 7, 6, 5, 4, -30])
    found = closing.findings(wb, worth, choice_of(), CHANNELS, campaign_of(worth), others, NONE)
    assert 3 <= len(found) <= 5
    for said, meaning in found:
        hold(said)
        hold(meaning)
    hold(found[1][0], "1 customer", "£30", "36 months.")
    few = closing.findings(wb, worth_of([9, 5, -40, -1, -1, -1]), choice_of(), None, None, others, NONE)
    hold(few[1][0], "4 customers", "£43.00", "1 of them make up nine tenths of that.")
    drift = Caveats([a_check("stationarity", False)])
    marked = closing.findings(wb, worth, choice_of(), None, None, others, drift)
    hold(marked[3][0], "Rates have drifted over time.")
    # Each number of the values carries the mark; the error of the rehearsal, which is past, does not.
    assert [("with care: rates drift" in str(said)) for said, _ in marked] == [True, True, False, False, True]
    simple = closing.findings(wb, worth, choice_of("same_again", "only_chance"), None, None, others, NONE)
    assert any("No model forecast better" in str(said) for said, _ in simple)
    wrong = closing.findings(
        wb, worth, choice_of("same_again", "model_totals_wrong"), None, None, others, NONE
    )
    assert any("No model came as close to the total" in str(said) for said, _ in wrong)


def test_key_figures_carry_the_caveat_of_their_kind(wb, monkeypatch):
    said = {}
    monkeypatch.setattr(
        wb, "metric",
        lambda name, label, value, unit, definition, *rest, period: said.update({name: (definition, period, *rest)}),
    )  # fmt: skip
    care = Caveats([a_check("stationarity", False)])
    closing.metrics(wb, worth_of([900, 300]), None, CHANNELS, care)
    for name in ("base_value", "new_customer"):
        assert said[name][0].endswith("Read with care: rates have drifted over time.")
        assert said[name][1].endswith("months (with care: rates drift)")
    assert (
        said["expected_active"][0].endswith("to be active today.")
        and "care" not in said["expected_active"][1]
    )
    closing.metrics(wb, simple_worth([60, 40]), choice_of("same_again"), None, NONE)
    assert said["expected_active"][0].endswith("by Pareto/NBD.")
    assert said["base_value"][2] == pytest.approx((80.64, 124.0), abs=0.01)
    assert said["forecast_error"][1] == "2 rehearsals"


def test_the_decision_and_doing_nothing_carry_their_caveats(wb, hold):
    worth, care = worth_of([900, 300]), Caveats([a_check("stationarity", False)])
    campaign = campaign_of(worth)
    act, wait = closing.decision(wb, closing.options(campaign, CHANNELS), campaign, CHANNELS, worth, care)
    hold(act, "Read with care: rates have drifted over time.")
    hold(wait, "95% interval", "with care: rates drift")


def test_other_assumptions_are_titled_by_what_they_do(wb):
    others = pd.DataFrame({"change": [0.0, 0.06, -0.56, 5.6], "same": [1.0, 0.99, 0.97, 0.5]})
    assert closing.assumptions_title(wb, others).startswith(
        "Rate and horizon move the total by up to 56%; 97% or more"
    )
    assert closing.assumptions_title(wb, others.assign(same=1.0)).endswith("the best fifth stay the same")
    assert "net sales" in closing.assumptions_title(wb, others.iloc[[0, 3]])


def test_the_note_on_assumptions_says_whom_they_touch():
    assert "new customers only" in sentences.assumptions_note(choice_of("same_again", "only_chance"))
    assert "only" not in sentences.assumptions_note(choice_of()).replace("fails only", "")
    assert sentences.assumptions_note(None) == sentences.assumptions_note(choice_of())


def test_an_error_of_purchases_that_money_makes_up_for_is_called_luck(wb, hold):
    def with_errors(money, purchases):
        choice = choice_of()
        choice.scores[["error", "error_purchases"]] = money, purchases
        return sentences.covered(wb, choice)

    hold(with_errors(0.01, 0.10), "10% more purchases", "each brought 8.9% more than it expected", "luck")
    hold(with_errors(0.00, -0.20), "20% fewer purchases", "each brought 20% less than it expected")
    hold(with_errors(0.09, 0.10), "turns out worse")
    hold(with_errors(-0.09, -0.10), "10% fewer purchases", "turns out better")
    hold(with_errors(0.0, 0.02), "within 2.0% of what it expected")


def test_the_headline_has_an_interval_where_there_is_one(wb, hold):
    worth = worth_of([900, 300])
    hold(closing.headline(wb, worth, NONE), "2 customers", "£1,200", "36 months (95% interval")
    drift = Caveats([a_check("stationarity", False)])
    assert str(closing.headline(wb, worth, drift)).endswith("; with care: rates drift).")


def test_value_turns_where_frequent_buyers_are_missed_sooner(wb, hold):
    grid = pd.DataFrame([[20.0, 18.0, 10.0], [90.0, 40.0, 2.0]], index=[2, 20], columns=[0.0, 60.0, 200.0])
    hold(sentences.iso_reading(wb, grid), "£90.00", "£20.00", "200 days")
    assert "order turns" not in str(sentences.iso_reading(wb, grid.iloc[:, :2]))


def test_hostile_names_of_channels_stay_text(wb):
    evil = CHANNELS.rename(index={"fair": "<script>alert(1)</script> **x** {y}"})
    said = closing.win_sentence(wb, evil)
    assert "<script>" not in said.html and "**x** {y}" in str(said)
