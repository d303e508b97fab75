"""Everything past campaigns prove, on small simulated shops whose truth was planted."""

from datetime import date, timedelta

import ibis
import numpy as np
import pandas as pd
import pytest

from crmlib.analysis.targeting.decision import best_places
from crmlib.analysis.targeting.evidence import LEAVES, MONEY, OUTCOMES, gather_evidence
from crmlib.analysis.targeting.targeting_rules import EVERYONE, NOBODY, RANDOM

AS_OF = date(2026, 6, 30)
SENT = [date(2025, 4, 1), date(2025, 8, 1)]


def shop(effect, size=600, seed=1, arms=("treatment", "control"), sent=SENT, actions=("mail",), rate=0.5):
    """Order lines and contacts; `effect` is the money of an order more if contacted, by whether somebody buys a lot.

    A heavy buyer orders every month or so, a light one every four: what was bought before the contact shows it.
    """
    rng = np.random.default_rng(seed)
    heavy = rng.random(size) < 0.5
    names = [f"C{i:04d}" for i in range(size)]
    lines = []
    for name, often in zip(names, heavy, strict=True):
        days = rng.integers(0, 900, 26 if often else 7)
        lines += [
            (name, date(2024, 1, 10) + timedelta(days=int(day)), 20.0 + rng.integers(0, 5)) for day in days
        ]
    contacts = []
    for number, day in enumerate(sent):
        treated = rng.random(size) < rate
        for name, often, on in zip(names, heavy, treated, strict=True):
            arm = "treatment" if on else "control"
            if arm not in arms:
                continue
            action = actions[rng.integers(0, len(actions))] if on else None
            contacts.append((name, f"S{number}", day, arm, action, 2.0 * on))
            more = effect(often, action) if on else 0.0
            if more:
                lines.append((name, day + timedelta(days=5), more))
    orders = pd.DataFrame(lines, columns=["customer_id", "ordered_at", "net_amount"])
    orders["order_id"] = [f"O{i:06d}" for i in range(len(orders))]
    columns = ["customer_id", "campaign_id", "contacted_on", "arm", "action", "cost"]
    return orders, pd.DataFrame(contacts, columns=columns)


def gathered(orders, contacts, **options):
    table = ibis.memtable(orders)
    table = table.mutate(ordered_at=table.ordered_at.cast("timestamp"))
    if contacts is not None:
        contacts = ibis.memtable(contacts)
        contacts = contacts.mutate(action=contacts.action.cast("string"))
    return gather_evidence(contacts, table, AS_OF, gross_margin=0.5, draws=60, **options)


@pytest.fixture(scope="module")
def planted():
    """A contact brings heavy buyers an order of 160 and light ones nothing; half of it is margin.

    Fifteen customers were won at a fair and never contacted.
    """
    orders, contacts = shop(lambda often, _: 160.0 * often)
    orders["channel"] = np.where(orders["customer_id"].str[-1].isin(list("13579")), "web", "shop")
    fair = orders.head(15).assign(
        customer_id=[f"F{i:02d}" for i in range(15)], order_id=[f"F{i:02d}" for i in range(15)], channel="fair",
        ordered_at=AS_OF - timedelta(days=20),
    )  # fmt: skip
    return gathered(pd.concat([orders, fair], ignore_index=True), contacts)


@pytest.fixture(scope="module")
def barren():
    """A call brings everybody an order of 400, a mail, which is sent twice as often, nothing; each costs 2."""
    calls = shop(
        lambda _, action: 400.0 * (action == "call"), 500, actions=("call", "mail", "mail"), rate=0.6
    )
    return gathered(*calls)


def test_whom_a_contact_moves_is_found_and_contacted(planted):
    assert planted.decision.basis == "test" and planted.decision.rule == "uplift"
    table = planted.rules.table
    assert table.loc["uplift", "low"] > 0 and table.loc["uplift", "earned"] > table.loc[RANDOM, "earned"]
    contacted = planted.decision.customers["contact"]
    assert 0 < contacted.sum() <= 0.3 * len(planted.today)
    often = planted.trial.rows.groupby("customer_id")["orders_before"].mean()
    known = often.reindex(planted.today.index)
    assert known[contacted].mean() > 1.5 * known[~contacted].mean()
    pd.testing.assert_series_equal(
        contacted, best_places(planted.today["uplift"], 0.3, 0.0), check_names=False
    )


def test_the_planted_effect_lies_in_its_interval(planted):
    """Half of the customers bring 80 of margin more: 40 on average, soon and after half a year."""
    for name in ("margin", MONEY):
        row = planted.effects.loc[name]
        assert row["adjusted_low"] < 40 < row["adjusted_high"] and row["adjusted_low"] > 0
    assert planted.effects.loc["orders", "adjusted"] == pytest.approx(0.5, abs=0.15)
    assert set(planted.effects.index) == set(OUTCOMES)


def test_gains_of_kinds_and_groups_point_the_same_way(planted):
    assert (
        planted.groups.foreseen
        and planted.groups.table["effect"].iloc[-1] > planted.groups.table["effect"].iloc[0]
    )
    assert planted.kinds.table.loc["persuadable", "low"] > 0


def test_where_the_action_judged_brings_nothing_nobody_is_contacted(barren):
    assert barren.decision.rule == NOBODY and barren.decision.contacted == 0
    assert barren.decision.options.loc[NOBODY, "profit"] == 0
    row = barren.effects.loc[MONEY]
    assert row["adjusted_low"] < 0 < row["adjusted_high"]


def test_what_belongs_together_has_the_same_rows(planted):
    assert planted.scores.index.equals(planted.known.rows.index)
    assert planted.known.rows[MONEY].notna().all()
    assert set(planted.curves) >= {"rule", "share", "profit", "low", "high", "random"}
    assert planted.curves["rule"].unique().tolist() == ["uplift", "risk", "value at risk"]
    assert {EVERYONE, NOBODY, RANDOM, *planted.scores.columns} == set(planted.rules.table.index)
    assert set(planted.scores.columns) <= set(planted.today.columns)
    assert planted.today.index.is_unique and planted.today.index.is_monotonic_increasing
    assert planted.decision.customers.index.equals(planted.today.index)
    assert planted.contact_cost == 2.0 and planted.uneven == 0
    assert 0.001 < planted.balance.test.p_value <= 1
    assert planted.action == "" and len(planted.trial.campaigns) == 2


def test_customers_of_a_kind_that_was_never_tested_are_not_judged(planted, barren):
    assert "first_channel" in planted.trial.covariates and "first_channel" not in barren.trial.covariates
    assert len(planted.today) > 300 and not planted.today.index.str.startswith("F").any()


def test_the_first_campaign_by_hand_is_what_the_analysis_says(planted):
    one = planted.first_campaign()
    rows = planted.trial.rows[planted.trial.rows["campaign_id"] == "S0"]
    for number, (arm, on) in enumerate((("Contacted", True), ("Left alone", False))):
        own = rows[rows["treated"] == on]
        assert one.loc[number, "arm"] == arm and one.loc[number, "customers"] == len(own)
        assert one.loc[number, "margin"] == pytest.approx(own["margin"].mean())
    assert planted.first_effect() == pytest.approx(one["margin"].iloc[0] - one["margin"].iloc[1])
    assert planted.first_effect("orders") == pytest.approx(one["orders"].iloc[0] - one["orders"].iloc[1])


def test_a_first_campaign_of_several_actions_is_taken_as_one(barren):
    assert len(barren.trial.actions) > 1
    one = barren.first_campaign()
    assert barren.first_effect() == pytest.approx(one["margin"].iloc[0] - one["margin"].iloc[1])


def test_the_save_rate_counts_all_campaigns_or_is_not_known(planted):
    own = planted.known.rows
    if planted.save_rate is None:
        assert own.loc[~own["treated"], LEAVES].sum() < 10
    else:
        assert planted.save_rate.contacted == own["treated"].sum()


def test_actions_that_differ_are_told_apart_and_the_one_used_most_is_judged(barren):
    assert barren.action == "mail"
    assert barren.by_action.loc[("margin", "call"), "low"] > barren.by_action.loc[("margin", "mail"), "high"]
    assert barren.effects.loc["margin", "adjusted_low"] < 0 < barren.effects.loc["margin", "adjusted_high"]
    assert set(barren.known.rows.loc[barren.known.treated, "action"]) == {"mail"}


@pytest.mark.parametrize(
    "options",
    [{"arms": ("treatment",)}, {"arms": ("control",)}, {"sent": [date(2026, 6, 20)]}, {"sent": [date(2026, 4, 10)]},
     {"size": 25}],
    ids=["nobody left alone", "nobody contacted", "response not over", "half a year not over", "too few"],
)  # fmt: skip
def test_contacts_that_can_prove_nothing_give_no_evidence(options):
    assert gathered(*shop(lambda *_: 0.0, **({"size": 120} | options))) is None


def test_without_contacts_there_is_no_evidence():
    orders, _ = shop(lambda *_: 0.0, 20)
    assert gathered(orders, None) is None
