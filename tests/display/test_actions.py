"""What the notebook on actions says: every case of its sentences, tables and closing."""

from datetime import date
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from crmlib.analysis.actions.action_list import action_list, by_action, chosen_actions
from crmlib.analysis.actions.choice import choose_actions
from crmlib.analysis.actions.expected import expected_profit
from crmlib.analysis.actions.list_truth import lists_truth
from crmlib.analysis.actions.offers import Offers
from crmlib.analysis.actions.options import Options
from crmlib.analysis.actions.policies import compare_policies
from crmlib.analysis.actions.rates import prior_rates, update_rates
from crmlib.analysis.actions.reachable import Reachable
from crmlib.analysis.closed_loop.hold_out import ALL
from crmlib.display.actions import closing, sentences, tables, truth, valued

AS_OF = date(2026, 6, 30)
IDS = pd.Index([f"K{number:02d}" for number in range(40)])
HOSTILE = "<b>$x {0}"
ALL_SAVED = dict.fromkeys(("lifetime_value", "churn", "profit_per_customer", "segments"), 1)
NOTHING_MISSING = Offers(IDS, {"save": pd.DataFrame({"gain": [5.0]}, index=IDS[:1])}, {})
BLIND = Offers(
    IDS, {"reprice": pd.DataFrame({"gain": []})}, {"save": "It needs churn.", "up-sell": "No tiers."}
)


@pytest.fixture(scope="session")
def wb(shops):
    return shops["all"]


@pytest.fixture(scope="module")
def offers():
    """Forty customers may be saved, at gains from 5 to 200; ten may get new terms."""
    save = pd.DataFrame({"gain": np.linspace(5, 200, 40), "cost": 3.0, "p": 0.4, "why": HOSTILE}, index=IDS)
    terms = pd.DataFrame(
        {"gain": 50.0, "cost": 5.0, "product": HOSTILE, "cause": "Discounts"}, index=IDS[:10]
    )
    return {"save": save, "reprice": terms}


@pytest.fixture(scope="module")
def profit(offers):
    return expected_profit(Options.of(IDS, offers), prior_rates())


@pytest.fixture(scope="module")
def best(profit):
    return choose_actions(profit, {"money": 30.0, "calls": 5.0})


@pytest.fixture(scope="module")
def listed(offers, profit, best):
    chosen = chosen_actions(profit, best)
    arm = pd.Series("contact", chosen.index).where(chosen.index != "K39", "hold out")
    return action_list(IDS, chosen, offers, arm, AS_OF, "abc", pd.Series("Friends", IDS[5:]))


@pytest.fixture(scope="module")
def promise(listed, profit, best):
    found = closing.parts(listed, profit.options.ids(), best.chosen, profit.options.contacts())
    return closing.promised(listed, profit.totals(found))


def shown_by_test(effect, error, action="save"):
    seen = pd.DataFrame({"effect": [effect], "error": error, "gain": 1.0, "source": "a test"}, index=[action])
    return update_rates(prior_rates(), seen)


def campaign(effect=-1.5, half=3.0, cost=1.4):
    row = {"campaigns": 3, "treated": 400, "control": 200, "soon": 1.5, "effect": effect, "error": half / 1.96,
           "low": effect - half, "high": effect + half, "cost": cost, "net": effect - cost, "net_low": effect - half - cost,
           "net_high": effect + half - cost}  # fmt: skip
    return SimpleNamespace(table=pd.DataFrame([row, row], index=[HOSTILE, "all"]), campaigns=3)


def recommending(method="bought together", rate=0.24):
    table = pd.DataFrame(
        {"hit_rate": [0.17, rate], "low": 0.1, "high": 0.3, "coverage": 0.5},
        index=["most popular not yet bought", "bought together"],
    )
    own = SimpleNamespace(table=table, top=5, customers=900)
    return SimpleNamespace(method=method, tested_on=own, beats_popular=method == "bought together")


def back(promised=100.0, earned=90.0, half=30.0, told=True):
    row = {"treated": 60, "control": 30, "promised": promised, "earned": earned, "earned_low": earned - half,
           "earned_high": earned + half, "told": told}  # fmt: skip
    return SimpleNamespace(by_action=pd.DataFrame([row], index=["save"]), total=pd.Series(row))


def lot(held=30, lists=1.0, notes=()):
    row = {
        "customers": 100,
        "held_out": held,
        "forgone": 12.0,
        "effect": 3.0,
        "smallest": 9.0 if held and lists < np.inf else np.nan,
        "lists": lists,
    }
    return SimpleNamespace(table=pd.DataFrame([row], index=[ALL]), notes=notes)


# Tables ------------------------------------------------------------------------------------------


def test_the_menu_has_a_row_for_each_action_somebody_is_eligible_for(profit):
    table = tables.menu(profit)
    assert table["label"].tolist() == ["Save", "Reprice"] and table["eligible"].tolist() == [40, 10]
    assert tables.contacting(profit) == ("save",)
    assert table["rate"].tolist() == [0.10, 0.75]
    words = tables.meanings(profit)
    assert words["label"].tolist() == table["label"].tolist() and (words.map(len) > 3).all().all()


def test_five_options_show_each_action_once_before_any_twice(profit):
    five = tables.five_options(profit)
    assert len(five) == 5 and set(five["action"]) == {"save", "reprice"} and five["action"].iloc[0] == "save"
    assert np.allclose(five["rate"] * five["gain"] - five["cost"], five["crmlib"])
    none = expected_profit(Options.of(IDS, {}), prior_rates())
    assert tables.five_options(none).empty


def test_five_to_choose_stand_by_profit_per_money(profit):
    five = tables.five_to_choose(profit)
    assert len(five) == 5 and five["per_money"].is_monotonic_decreasing and (five["profit"] > 0).all()
    assert (
        tables.five_to_choose(profit.where(profit.options.contacts() & (profit.options.table["gain"] > 185)))
        is None
    )


def test_an_assumption_and_a_test_weigh_what_the_update_gives_them():
    rates = shown_by_test(-0.02, 0.03)
    two = tables.weighing(rates, "save")
    assert (two["mean"] * two["weight"]).sum() / two["weight"].sum() == pytest.approx(
        rates.loc["save", "mean"]
    )
    assert tables.weighing(rates, "reprice") is None


def test_a_tested_rate_stands_beside_what_was_assumed():
    rows = tables.rate_rows(shown_by_test(-0.02, 0.03), ("save", "reprice"))
    assert rows["label"].tolist() == ["Save, assumed", "Save, after tests", "Reprice, not tested"]
    assert ((rows["low"] < rows["value"]) & (rows["value"] < rows["high"])).all()
    wide = tables.rate_rows(prior_rates(["up-sell 0.9"]), ("up-sell",))
    assert wide["high"].tolist() == [1.0] and wide["low"].between(-1, 0.9).all()


def test_all_campaigns_together_are_told_only_where_there_are_several_kinds():
    one = campaign()
    assert tables.campaigns(one)["label"].tolist() == [HOSTILE]
    two = SimpleNamespace(table=pd.concat([one.table.iloc[:1].rename({HOSTILE: "letter"}), one.table]))
    assert tables.campaigns(two)["label"].tolist() == ["Letter", HOSTILE, "All together"]


def test_the_month_adds_up_and_tells_the_cost_of_contacts_alone(listed):
    table = tables.month(by_action(listed)).set_index("label")
    assert table.loc["All customers", "customers"] == len(IDS) == table["customers"].iloc[:-1].sum()
    assert np.isnan(table.loc["Reprice", "cost"])
    assert (
        table.loc["All customers", "cost"]
        == table.loc["Save", "cost"]
        == 3.0 * table.loc["Save", "contacted"]
    )
    assert table.loc["All customers", "promised"] == pytest.approx(table["promised"].iloc[:-1].sum())


def test_the_first_rows_take_the_best_of_each_action_in_turn(listed):
    rows = tables.first_rows(listed, 4)
    assert rows["label"].tolist() == ["Reprice", "Save", "Reprice", "Save"] or rows["label"].tolist()[:2] == [
        "Save",
        "Reprice",
    ]
    assert set(tables.first_rows(listed, 99)["lot"]) == {"carry out", "leave alone"}


def test_money_of_the_customers_adds_up_to_that_of_other_notebooks(listed):
    earned = pd.DataFrame({"customer_id": IDS[::2], "profit": np.arange(20.0)})
    found = tables.money_of(listed, {"profit_per_customer": earned, "lifetime_value": None})
    assert found["profit"].sum() == earned["profit"].sum() and "value" not in found
    assert found["customers"].sum() == len(IDS)
    assert tables.held_money(found).iloc[-1][["label", "customers"]].tolist() == ["All customers", 40]


def test_limits_are_named_with_their_unit(best):
    assert tables.limits(best.limits, "GBP")["label"].tolist() == ["Money (GBP)", "Calls"]


def test_options_are_laid_out_for_the_exercises(profit):
    rows = tables.options(profit)
    assert len(rows) == 50 and np.allclose(rows["rate"] * rows["gain"] - rows["cost"], rows["profit"])


# Sentences ---------------------------------------------------------------------------------------


def test_what_the_list_is_made_from(wb, hold):
    saved = dict.fromkeys(("lifetime_value", "churn", "profit_per_customer", "segments"))
    hold(
        sentences.data(wb, IDS, saved | {"churn": 1, "segments": 1}),
        "40 customers",
        "churn and segments",
        "Nothing is known",
    )
    hold(sentences.data(wb, IDS[:1], dict.fromkeys(saved, 1)), "1 customer,", "churn, profit and segments")


def test_for_whom_something_could_be_done(wb, hold, offers):
    hold(valued.possible(wb, Offers(IDS, {"reprice": offers["reprice"]}, {})), "For 10 of 40 customers")
    hold(
        valued.possible(wb, Offers(IDS, {"reprice": offers["reprice"][:0]}, {})),
        "nothing that could be done with any",
    )
    hold(valued.possible(wb, BLIND), "For none of the 40 customers can it be told")


def test_actions_left_out_for_one_reason_stand_in_one_line(wb):
    found = sentences.left_out(
        wb, Offers(IDS, {}, {"level up": "No level.", "level down": "No level.", "save": "No churn."})
    )
    assert [one.bundle["part"] for one in found] == ["level up and level down", "save"]


@pytest.mark.parametrize(
    ("resting", "refused", "known", "words"),
    [
        (2, 0, False, ("2 customers had", "are left in peace", "do not say who refused")),
        (1, 3, True, ("1 customer had", "is left in peace", "3 customers refused")),
        (0, 0, True, ("Nobody had a contact in the last 60 days", "0 customers refused")),
    ],
)
def test_who_is_left_in_peace(wb, hold, resting, refused, known, words):
    hold(sentences.reach(wb, Reachable(IDS[:refused], IDS[:resting], 60, known)), *words)


def test_a_way_to_recommend_beats_what_sells_most_or_does_not(wb, hold):
    hold(
        sentences.next_product(wb, recommending()),
        "With 5 offers each",
        "24.0%",
        "what sells most, for 17.0%",
    )
    hold(
        sentences.next_product(wb, recommending("most popular not yet bought")),
        "No method",
        "simple method is used",
    )


def test_for_whom_an_action_pays_on_average(wb, hold, profit, offers):
    hold(sentences.pays_alone(wb, profit), "At the rates assumed it would pay to treat all who are eligible.")
    poor = {"save": offers["save"].assign(gain=5.0)}
    hold(
        sentences.pays_alone(wb, expected_profit(Options.of(IDS, poor), prior_rates())),
        "no action pays for all",
    )
    mixed = poor | {"reprice": offers["reprice"]}
    hold(
        sentences.pays_alone(wb, expected_profit(Options.of(IDS, mixed), prior_rates())),
        "reprice would pay", "Save loses on the average customer and has",
    )  # fmt: skip
    hold(sentences.pays_alone(wb, expected_profit(Options.of(IDS, {}), prior_rates())), "Nobody is eligible")


@pytest.mark.parametrize(
    ("effect", "half", "words"),
    [(9.0, 2.0, "contacts paid."), (-9.0, 2.0, "contacts lost money."), (1.0, 3.0, "cannot be shown.")],
)
def test_whether_past_contacts_paid(wb, hold, effect, half, words):
    hold(sentences.past(wb, campaign(effect, half)), "In 3 campaigns", "£1.40", words)


def test_what_tests_changed(wb, hold):
    both = ("save", "cross-sell")
    assert "spoken against save" in sentences.rates_title(wb, shown_by_test(-0.02, 0.03), both)
    assert "takes the place" in sentences.rates_title(wb, shown_by_test(0.2, 0.03), both)
    assert "No action was tested" in sentences.rates_title(wb, prior_rates(), both)
    hold(
        sentences.rates(wb, shown_by_test(-0.02, 0.03), both),
        "Save: not shown to work.",
        "nobody",
        "were not tested",
    )
    hold(sentences.rates(wb, shown_by_test(0.2, 0.03), both), "Save: shown to work.")
    hold(
        sentences.rates(wb, shown_by_test(0.01, 0.05, "cross-sell"), both),
        "change what is believed of cross-sell",
    )
    asked = shown_by_test(0.01, 0.05, "ask for referral")
    hold(
        sentences.rates(wb, asked, ("ask for referral",)),
        "Earlier lists have begun to change",
        "ask for referral",
    )
    hold(sentences.rates(wb, prior_rates(), both), "No action was tested")


@pytest.mark.parametrize(
    ("earned", "words"),
    [(90.0, "cannot be told apart"), (20.0, "less than promised"), (300.0, "more than promised")],
)
def test_promised_and_earned(wb, hold, earned, words):
    hold(sentences.earlier(wb, back(earned=earned)), "promised £100", words)


def test_what_cannot_be_told_is_not_said(wb):
    assert sentences.earlier(wb, back(told=False)) is None and not sentences.can_be_told(None)
    assert sentences.notes(wb, ()) is None and str(sentences.notes(wb, ("One.", "Two."))) == "One. Two."


def test_what_the_limits_leave_out(wb, hold, profit, best):
    hold(
        sentences.chosen(wb, best),
        "are on the list",
        "left out by the limits",
        "another £1 of budget would earn £",
    )
    shut = choose_actions(profit, {"money": 0.0, "calls": 1.0})
    hold(
        sentences.chosen(wb, shut),
        "10 customers are on the list",
        "left out, since there is not enough money.",
    )
    free = choose_actions(profit, {"money": np.inf, "calls": np.inf})
    hold(sentences.chosen(wb, free), "the limits leave nobody out", "No list within the limits earns more.")
    hold(sentences.chosen(wb, choose_actions(profit.where(profit.options.contacts()), {"money": 0.0, "calls": 1.0})),
         "Nobody is on the list.", "not enough money")  # fmt: skip


@pytest.fixture(scope="module")
def compared(profit):
    contacts = profit.where(profit.options.contacts())
    limits = {"money": 30.0, "calls": 5.0}
    falling = pd.Series(np.linspace(0.9, 0.1, 40), IDS)
    return compare_policies(contacts, limits, choose_actions(contacts, limits), falling, 10 * falling)[0]


def test_ways_to_choose(wb, hold, compared):
    assert "is expected to earn £" in sentences.policies_title(wb, compared, "")
    hold(sentences.policies(wb, compared), "goes by risk alone spends £30", "still pays if the actions work")
    assert tables.policies(compared)["label"].tolist()[0] == "Highest expected profit"
    lost = compared.assign(profit=compared["profit"].where(compared.index != "everyone", -50.0))
    assert "Contacting everyone would lose £50" in sentences.policies_title(wb, lost, "")
    nobody = compared.assign(customers=0)
    assert (
        sentences.policies_title(wb, nobody, "There is no money.") == "Nobody is contacted: there is no money"
    )
    hold(sentences.policies(wb, nobody), "There is no action with a contact to compare")
    loses = compared.assign(customers=compared["customers"].where(compared.index == "everyone", 0))
    hold(sentences.policies(wb, loses), "doing nothing is the best")
    better = compared.assign(profit=[9.0, 5.0, 5.0, 5.0, 0.0])
    hold(sentences.policies(wb, better), "is expected to earn £4.00 less")


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (lot(), ("30 customers are held out by lot, which forgoes £12", "just pays the cost of £3.00")),
        (lot(1, 4.2), ("1 customer is held out", "too short", "£9.00", "It takes 5 lists")),
        (
            lot(4, np.inf, ("Few.",)),
            ("4 customers are held out", "of expected profit. Few."),
        ),
        (lot(4, np.inf), ("4 customers are held out", "too few to tell anything by this list alone.")),
        (lot(30, 400.0), ("more such lists than anybody would wait for",)),
        (
            lot(0, np.nan, ("Too few.",)),
            ("Nobody is left alone by lot. Too few.",),
        ),
    ],
)
def test_the_lot_and_what_it_can_show(wb, found, words):
    text = str(sentences.held_out(wb, found))
    assert text == text.strip() and all(word in text for word in words), text


# Closing -----------------------------------------------------------------------------------------


def test_the_promise_adds_up_to_the_cent(promise, listed):
    parts = promise.loc[["contacts", "terms"]]
    assert parts["profit"].sum() == pytest.approx(promise.loc["list", "profit"], abs=1e-9)
    assert (
        parts["customers"].sum()
        == promise.loc["list", "customers"]
        == int((listed["arm"] == "contact").sum())
    )
    assert promise.loc["contacts", "held_out"] == 1 and promise.loc["terms", "held_out"] == 0
    assert (promise["low"] < promise["profit"]).all() and (promise["profit"] < promise["high"]).all()


def test_the_answer_and_the_decision(wb, hold, promise, listed):
    sums = by_action(listed)
    hold(closing.headline(wb, promise, NOTHING_MISSING, ALL_SAVED), "This month", "of 40 customers", "£")
    act, wait = closing.decision(wb, promise, sums, NOTHING_MISSING, ALL_SAVED)
    hold(act, "New terms: ", "without a contact", "(save) for £", "left alone by lot.")
    hold(wait, "Then nothing is spent")


def test_a_list_of_one_kind_and_an_empty_one(wb, hold, promise, listed):
    sums = by_action(listed)
    none = promise.assign(customers=0)
    hold(
        closing.headline(wb, none, NOTHING_MISSING, ALL_SAVED), "nothing is done with any of the 40 customers"
    )
    act, wait = closing.decision(wb, none, sums, NOTHING_MISSING, ALL_SAVED)
    hold(act, "Do nothing this month.")
    hold(wait, "That is this decision. Nothing is lost by it")
    only = promise.copy()
    only.loc["contacts", "customers"] = 0
    hold(closing.decision(wb, only, sums, NOTHING_MISSING, ALL_SAVED)[0], "New terms: ", "Contact nobody.")
    only = promise.copy()
    only.loc["terms", "customers"] = 0
    assert "New terms" not in hold(
        closing.decision(wb, only, sums, NOTHING_MISSING, ALL_SAVED)[0],
        "contacts",
        "this is a test, and 1 customer is left",
    )
    only["held_out"] = 0
    hold(
        closing.decision(wb, only, sums, NOTHING_MISSING, ALL_SAVED)[0],
        "this list is too short to test them.",
    )
    only["low"] = 1.0
    hold(closing.decision(wb, only, sums, NOTHING_MISSING, ALL_SAVED)[0], "over doing nothing.")


def test_where_nothing_could_be_valued_nothing_is_concluded(wb, hold, promise, listed):
    none, sums = promise.assign(customers=0), by_action(listed)
    said = closing.headline(wb, none, BLIND, ALL_SAVED)
    assert "worth it" not in str(said), hold(said, "40 customers", "cannot be told")
    act, wait = closing.decision(wb, none, sums, BLIND, ALL_SAVED | {"churn": None, "segments": None})
    hold(act, "cannot be told", "no answer from notebooks 03 (churn) and 06 (segments).", "run again")
    assert "nothing is lost" not in str(hold(wait, "the question stays open")).lower()
    act, _ = closing.decision(wb, none, sums, BLIND, ALL_SAVED | {"churn": None})
    hold(act, "no answer from notebook 03 (churn).")
    hold(closing.decision(wb, none, sums, BLIND, ALL_SAVED)[0], "which data each action lacks")
    found, meaning = valued.finding(wb, BLIND)
    hold(found, "2 actions of the menu could not be valued: save and up-sell.")
    hold(meaning, "nothing against them")
    assert valued.finding(wb, NOTHING_MISSING) is None


def test_what_could_be_valued_and_loses_is_told_from_what_could_not(wb, hold, promise, listed):
    part = Offers(IDS, NOTHING_MISSING.tables, {"up-sell": "No tiers."})
    none = promise.assign(customers=0)
    hold(
        closing.headline(wb, none, part, ALL_SAVED),
        "no action that could be valued",
        "1 action could not be valued.",
    )
    act, wait = closing.decision(wb, none, by_action(listed), part, ALL_SAVED)
    hold(act, "Do nothing this month.", "Nothing is known of up-sell")
    hold(wait, "of the other actions nothing is known")


def test_findings_are_found_where_they_are(wb, hold, compared, listed, promise):
    sums, lost = by_action(listed), compared.assign(profit=-50.0)
    earning = pd.DataFrame({"worth": [3]}, index=["cross-sell"])
    found = closing.findings(
        wb,
        sums,
        earning,
        shown_by_test(-0.02, 0.03),
        lost,
        campaign(),
        back(),
        recommending(),
        lot(),
        listed,
        promise,
        NOTHING_MISSING,
    )
    assert len(found) == 5
    for said, meaning in found:
        hold(said)
        hold(meaning)
    last = by_action(listed).iloc[-1:]
    bare = closing.findings(
        wb,
        last,
        earning,
        prior_rates(),
        compared.assign(profit=1.0),
        None,
        None,
        None,
        None,
        listed,
        promise,
        NOTHING_MISSING,
    )
    assert [str(said) for said, _ in bare] == ["No action was ever tested against a group left alone."]
    popular = recommending("most popular not yet bought")
    few = closing.findings(
        wb,
        sums,
        earning * 0,
        prior_rates(),
        compared,
        campaign(),
        None,
        popular,
        lot(0),
        listed,
        promise,
        NOTHING_MISSING,
    )
    assert len(few) == 3
    hold(few[2][1], "Nothing beats what sells most", "A letter for that alone does not pay")


def test_the_few_who_bring_nearly_all_of_an_action_are_named(wb, hold, listed, promise):
    money = {"reprice": [500.0, 400.0, 30.0, 20.0, 10.0, 5.0, 5.0], "save": [3.0]}
    rows = [
        (f"<b>{name[0]}{n}</b>", name, "contact", value)
        for name, own in money.items()
        for n, value in enumerate(own)
    ]
    few = pd.DataFrame(rows, columns=["customer_id", "action", "arm", "expected_profit"])
    sums = few.groupby("action")["expected_profit"].agg(promised="sum", contacted="size")
    said, meaning = closing._largest(wb, sums, few)
    hold(said, "new terms (reprice), with 7 customers", "93% of that comes from 2 of them")
    hold(meaning, "by name: <b>r0</b> and <b>r1</b>.")
    assert "<b>r0" not in meaning.html, "an id is text"
    giant = few.assign(
        expected_profit=few["expected_profit"].where(few["customer_id"] != "<b>r0</b>", 9400.0)
    )
    sums = giant.groupby("action")["expected_profit"].agg(promised="sum", contacted="size")
    said, meaning = closing._largest(wb, sums, giant)
    hold(said, "95% of that comes from one of them.")
    hold(meaning, "Look at this one first: <b>r0</b>.")
    even = few.assign(expected_profit=10.0)
    sums = even.groupby("action")["expected_profit"].agg(promised="sum", contacted="size")
    assert str(closing._largest(wb, sums, even)[1]) == "Begin there."


def test_what_no_lot_can_tell_is_said_beside_it(wb, hold, promise):
    drawn = lot()
    said, meaning = closing._lot(wb, drawn, promise)
    hold(said, "who would be contacted are left alone by lot", "would pay")
    part = promise.loc["terms", "profit"] / promise.loc["list", "profit"]
    hold(meaning, f"{part:.0%} of what the list promises needs no contact")


def test_key_figures(shops, promise):
    book = shops["sales"]
    closing.metrics(book, promise, back())
    noted = book._metrics
    assert noted["list_profit"]["value"] == pytest.approx(promise.loc["list", "profit"])
    assert noted["earlier_earned"]["value"] == 90.0


# Truth -------------------------------------------------------------------------------------------


def test_the_truth_of_a_list(wb, hold, profit):
    gains = pd.DataFrame(
        {"gained": 1.0, "lost": np.where(np.arange(40) < 4, 60.0, 0.0), "there": True}, index=IDS
    )
    costs = truth.cheapest_contact(profit.where(profit.options.contacts()))
    assert len(costs) == 40 and (costs == 3.0).all()
    table = lists_truth({"list": costs.iloc[4:14], "everyone": costs}, gains, 0.5)
    figure, said = truth.told(wb, table)
    assert "contacts of the list would lose £20" in figure.title
    hold(said, "The 10 contacts", "Learning by a short list costs little", "lot can show.")
    earning = lists_truth({"list": costs.iloc[4:14] * 0, "everyone": costs}, gains, 0.5)
    figure, said = truth.told(wb, earning)
    assert "would earn £10" in figure.title
    hold(said, "What is really new")
    (said,) = truth.told(wb, lists_truth({"list": costs.iloc[:0], "everyone": costs}, gains, 0.5))
    hold(said, "Nobody is contacted this month.")
    assert truth.beside_truth(wb, pd.DataFrame(), costs, 3.0) is None
