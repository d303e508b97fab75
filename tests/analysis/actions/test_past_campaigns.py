"""Past campaigns: what they brought, and on which actions of the menu that is evidence."""

from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest

from crmlib.analysis.actions.expected import expected_profit
from crmlib.analysis.actions.options import Options
from crmlib.analysis.actions.past_campaigns import campaign_evidence, past_campaigns, save_rate
from crmlib.analysis.actions.rates import prior_rates, update_rates
from crmlib.analysis.ledger import order_lines

TODAY, CALLED = date(2026, 6, 30), date(2025, 9, 1)
PEOPLE = 400


def several(build, effects):
    """One campaign per action, each with its own customers, who bought unlike amounts before it."""
    rng = np.random.default_rng(4)
    contacts, orders = [], []
    for action, effect in effects.items():
        for number in range(PEOPLE // 2 if action != "voucher" else PEOPLE):
            who, treated = f"{action} {number:03d}", number % 3 > 0
            contacts.append({
                "customer_id": who, "campaign_id": f"the {action}", "contacted_on": str(CALLED), "cost": "2",
                "arm": "treatment" if treated else "control", "action": action,
            })  # fmt: skip
            before = rng.gamma(2, 50)
            orders.append({"customer_id": who, "ordered_at": "2025-03-01", "net_amount": f"{before:.2f}"})
            if rng.random() < 0.8:
                after = max(0.4 * before + rng.normal(60, 20) + treated * effect, 1.0)
                day = CALLED + timedelta(days=14)
                orders.append({"customer_id": who, "ordered_at": str(day), "net_amount": f"{after:.2f}"})
    return build("contacts", contacts), order_lines(build("orders", orders), 0.4)


def company(build, action):
    """Half were contacted; three in four of them, and one in two of the others, order 50 once, after two weeks."""
    contacts, orders = [], []
    for number in range(PEOPLE):
        who, treated = f"C{number:03d}", number % 2 == 0
        contacts.append({
            "customer_id": who, "campaign_id": "autumn", "contacted_on": str(CALLED), "cost": "2" if treated else "0",
            "arm": "treatment" if treated else "control", "action": action,
        })  # fmt: skip
        orders.append({"customer_id": who, "ordered_at": "2025-03-01", "net_amount": "100"})
        if number % 8 < 6 if treated else number % 4 == 1:
            orders.append(
                {"customer_id": who, "ordered_at": str(CALLED + timedelta(days=14)), "net_amount": "50"}
            )
    return build("contacts", contacts), order_lines(build("orders", orders), 0.4)


@pytest.fixture(scope="module")
def catalogue(build):
    contacts, lines = company(build, "catalogue")
    return past_campaigns(contacts, lines, TODAY)


def valued(gain=20.0):
    ids = [f"C{number:03d}" for number in range(10)]
    offer = pd.DataFrame({"gain": gain, "cost": 3.0}, index=ids)
    offers = dict.fromkeys(("save", "cross-sell", "up-sell", "win back"), offer)
    return expected_profit(Options.of(pd.Index(ids), offers), prior_rates())


def test_what_a_campaign_brought_is_the_difference_of_its_arms(catalogue):
    rows = catalogue.trial.rows
    means = rows.groupby("treated")["long_margin"].mean()
    assert means.tolist() == [10.0, 15.0]  # half and three quarters of 50 at a margin of 40 %
    own = catalogue.table.loc["all"]
    assert own["effect"] == pytest.approx(5.0, abs=0.01)
    assert own["cost"] == 2.0 and own["net"] == pytest.approx(own["effect"] - 2)
    assert (own["treated"], own["control"], own["campaigns"]) == (200, 200, 1)
    assert own["low"] < own["effect"] < own["high"]


def test_a_campaign_of_another_name_speaks_for_letters_to_customers_who_are_there(catalogue):
    found = campaign_evidence(catalogue, valued())
    assert set(found.index) == {"save", "cross-sell", "up-sell"}
    assert found.loc["cross-sell", ["effect", "gain"]].tolist() == pytest.approx([5.0, 20.0], abs=0.01)
    assert found.loc["save", "effect"] == pytest.approx(save_rate(catalogue.trial).mean)
    rates = update_rates(prior_rates(), found)
    assert rates.loc["cross-sell", "measured"] == pytest.approx(0.25, abs=0.001)
    assert rates.loc["win back", "verdict"] == "untested" and rates.loc["win back", "sources"] == ""


def test_a_campaign_called_like_an_action_speaks_for_that_action(build):
    contacts, lines = company(build, "up-sell")
    found = campaign_evidence(past_campaigns(contacts, lines, TODAY), valued(40.0))
    assert found.index.tolist() == ["up-sell"]
    assert found.loc["up-sell", ["effect", "gain", "cost"]].tolist() == pytest.approx(
        [5.0, 40.0, 2.0], abs=0.01
    )
    assert found.loc["up-sell", "source"] == "1 past campaign"


def test_without_a_group_left_alone_nothing_is_known(build):
    contacts, lines = company(build, "catalogue")
    assert past_campaigns(None, lines, TODAY) is None
    assert past_campaigns(contacts.filter(contacts.arm == "treatment"), lines, TODAY) is None
    assert past_campaigns(contacts, lines, CALLED + timedelta(days=60)) is None  # half a year is not over
    assert campaign_evidence(None, valued()) is None


def test_a_campaign_that_is_evaluated_elsewhere_counts_once(build):
    contacts, lines = company(build, "catalogue")
    assert past_campaigns(contacts, lines, TODAY, without=["autumn"]) is None
    assert past_campaigns(contacts, lines, TODAY, without=["spring"]).campaigns == 1


def test_a_campaign_that_changes_nothing_closes_the_action(build):
    contacts, lines = company(build, "catalogue")
    rng = np.random.default_rng(0)
    frame = contacts.execute()
    dealt = np.where(rng.permutation(PEOPLE) < PEOPLE / 2, "treatment", "control")
    again = build("contacts", frame.assign(arm=dealt).astype("str").to_dict("records"))
    rates = update_rates(prior_rates(), campaign_evidence(past_campaigns(again, lines, TODAY), valued(500.0)))
    assert rates.loc["cross-sell", "verdict"] == "not proven"


@pytest.fixture(scope="module")
def mixed(build):
    contacts, lines = several(build, {"catalogue": 5.0, "voucher": 100.0, "save": -10.0})
    return past_campaigns(contacts, lines, TODAY)


def test_all_campaigns_of_other_names_count_together(mixed):
    found, table = campaign_evidence(mixed, valued()), mixed.table
    both = table.loc[["catalogue", "voucher"]]
    by_hand = np.average(both["effect"], weights=both["treated"])
    assert found.loc["cross-sell", "effect"] == pytest.approx(by_hand)
    assert found.loc["up-sell", "effect"] == pytest.approx(by_hand)
    assert found.loc["cross-sell", "treated"] == both["treated"].sum()
    assert found.loc["cross-sell", "source"] == "2 past campaigns"
    assert found.loc["cross-sell", "error"] < both["error"].max()


def test_a_campaign_called_save_counts_in_money_and_not_again_by_whom_it_kept(mixed):
    own = campaign_evidence(mixed, valued()).loc[["save"]]
    money = own[own["gain"] == 20.0]
    assert money["effect"].tolist() == pytest.approx([mixed.table.loc["save", "effect"]])
    others = mixed.trial.where(mixed.trial.rows["action"].isin(["catalogue", "voucher"]))
    rate = own[own["gain"] == 1.0]
    assert rate["effect"].tolist() == pytest.approx([save_rate(others).mean])
    assert money["treated"].sum() + rate["treated"].sum() == mixed.table.loc["all", "treated"]


def test_only_a_campaign_called_save_counts_once(build):
    contacts, lines = several(build, {"save": 5.0})
    found = campaign_evidence(past_campaigns(contacts, lines, TODAY), valued())
    assert found.index.tolist() == ["save"] and found["gain"].tolist() == [20.0]


def test_all_together_lies_within_its_parts(build):
    contacts, lines = several(build, {"catalogue": 5.0, "voucher": 5.0})
    table = past_campaigns(contacts, lines, TODAY).table
    parts = table.drop(index="all")
    assert parts["effect"].min() <= table.loc["all", "effect"] <= parts["effect"].max()
    assert parts["cost"].min() <= table.loc["all", "cost"] <= parts["cost"].max()
    assert table.loc["all", "error"] < parts["error"].min() * 1.01
