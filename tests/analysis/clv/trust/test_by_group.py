"""Models by group in the contest: chosen where groups differ, and left alone where they do not."""

import datetime as dt

import ibis
import numpy as np
import pandas as pd
import pytest

from crmlib.analysis.clv.discounting import Schedule
from crmlib.analysis.clv.purchases.summary import purchase_summary
from crmlib.analysis.clv.spend.money import OwnRates
from crmlib.analysis.clv.timing.groups import fit_by_group
from crmlib.analysis.clv.timing.mbg_nbd import MBGNBD
from crmlib.analysis.clv.trust.by_group import OTHER, is_model, known_groups, members, parts
from crmlib.analysis.clv.trust.choose import choose_model
from crmlib.analysis.clv.worth.valuation import model_of, value_base

START, DAYS = dt.date(2023, 1, 1), 900
AS_OF = START + dt.timedelta(days=DAYS - 1)
# Rate of buying (shape, scale in days) and of leaving (a, b) in each region.
REGIONS = {
    "north": ((6.0, 60.0), (0.2, 6.0)),
    "south": ((6.0, 400.0), (0.2, 6.0)),
    "west": ((6.0, 900.0), (3.0, 3.0)),
}


def company(seed=1, each=260):
    rng = np.random.default_rng(seed)
    rows = []
    for name, ((shape, scale), (a, b)) in REGIONS.items():
        begin = rng.integers(0, 700, each)
        rate, leave = rng.gamma(shape, 1 / scale, each), rng.beta(a, b, each)
        now, there = begin.astype(float), np.arange(each)
        bought = [(there, begin)]
        while len(there):
            there = there[rng.random(len(there)) >= leave[there]]
            now[there] += rng.exponential(1 / rate[there])
            there = there[now[there] < DAYS]
            bought.append((there, np.floor(now[there])))
        who, day = (np.concatenate(part).astype(int) for part in zip(*bought, strict=True))
        rows.append(
            pd.DataFrame({"customer_id": [f"{name}{w:04d}" for w in who], "day": day, "region": name})
        )
    table = pd.concat(rows, ignore_index=True)
    table["net_sales"] = rng.gamma(4.0, 10.0, len(table)).round(2) + 0.01
    table["day"] = [START + dt.timedelta(days=int(day)) for day in table["day"]]
    return table


@pytest.fixture(scope="module")
def table():
    return company()


def chosen(table, groups):
    lines = ibis.memtable(table[["customer_id", "day", "net_sales"]])
    methods = ["mbg_nbd", "same_again"]
    return choose_model(lines, AS_OF, 240, 2, methods=methods, groups=groups, n_draws=30, n_resamples=200)


@pytest.fixture(scope="module")
def regions(table):
    return table.groupby("customer_id")["region"].first()


@pytest.fixture(scope="module")
def choice(table, regions):
    return chosen(table, {"region": regions})


def test_where_regions_differ_the_model_by_region_wins(choice):
    assert choice.chosen == "mbg_nbd by region" and choice.is_model
    assert (choice.model, choice.group) == ("mbg_nbd", "region") and isinstance(model_of(choice), MBGNBD)
    more = choice.against.loc["mbg_nbd"]
    assert more["picked_less"] > 0 and more["low"] > 0
    assert choice.scores.loc[choice.chosen, "gini"] > choice.scores.loc["mbg_nbd", "gini"]
    assert 0.9 < choice.scores.loc[choice.chosen, "coverage"] < 0.99


def test_its_forecasts_are_those_of_a_fit_by_hand(choice, regions):
    held = choice.latest
    own = regions.reindex(held.histories.index)
    by_hand = fit_by_group(MBGNBD(), held.histories, own).predict_orders(held.histories, own, 240.0)
    np.testing.assert_allclose(held.purchases[choice.chosen], by_hand, rtol=1e-9)
    ratio = held.money / held.purchases
    np.testing.assert_allclose(ratio[choice.chosen], ratio["mbg_nbd"], rtol=1e-9)


def test_groups_dealt_out_at_random_are_never_chosen(table, regions):
    rng = np.random.default_rng(5)
    dealt = pd.Series(rng.choice(["a", "b", "c"], len(regions)), index=regions.index)
    found = chosen(table, {"region": dealt})
    assert found.group is None and "mbg_nbd by region" in found.scores.index
    assert "mbg_nbd by region" not in (found.best_model, *found.equals)
    without = chosen(table, None)
    assert found.chosen == without.chosen and found.reason == without.reason


def test_groups_that_cannot_be_fitted_are_left_out_and_said_so(table, regions):
    found = chosen(table, {"region": regions.where(regions == "north", "south")})
    assert "three groups" in found.left_out["mbg_nbd by region"] and found.group is None


def test_values_by_group_have_a_model_for_each_and_add_up(table, regions, choice):
    lines = ibis.memtable(table[["customer_id", "day", "net_sales"]])
    customers = purchase_summary(lines, AS_OF, money_over="all")
    customers["left"], customers["squares"] = 0.3 * customers["money"], 1.0 * customers["x"]
    people = ibis.memtable(pd.DataFrame({"customer_id": regions.index, "region": regions.to_numpy()}))
    before = pd.Series(False, index=customers.index)
    money, schedule = OwnRates.fit(customers), Schedule.until(365.25, 0.1)
    worth = value_base(choice, customers, before, money, schedule, lines, AS_OF, 1, n_draws=40, people=people)
    assert {stratum.group for stratum in worth.strata} == set(REGIONS)
    assert worth.customers.index.equals(customers.index) and worth.customers["alive"].between(0, 1).all()
    assert worth.total == pytest.approx(worth.customers["value"].sum(), abs=0.01)
    low, high = worth.interval
    assert low < worth.total < high
    mean = worth.customers["orders"].groupby(regions.reindex(customers.index)).mean()
    assert mean["north"] > 2 * mean["south"] > 2 * mean["west"]


def test_small_groups_are_put_together_and_too_few_are_no_groups():
    names = ["a"] * 5 + ["b"] * 5 + ["c"] * 5 + ["d"] * 2 + ["e"] * 1
    frame = pd.DataFrame(
        {"customer_id": [f"C{i:02d}" for i in range(20)], "region": [*names, None, None],
         "acquisition_channel": ["x"] * 10 + ["y"] * 10}
    )  # fmt: skip
    people = ibis.memtable(frame)
    found = known_groups(people, 5)
    assert list(found) == ["region"] and found["region"].value_counts().to_dict() == {
        "a": 5,
        "b": 5,
        "c": 5,
        OTHER: 3,
    }
    assert known_groups(people, 6) == {} == known_groups(None)
    assert known_groups(people.drop("region", "acquisition_channel")) == {}


def test_names_of_methods():
    assert parts("pareto_nbd by channel") == ("pareto_nbd", "channel")
    assert is_model("bg_nbd by region") and is_model("bg_nbd") and not is_model("same_again")


def test_everybody_is_a_member_once(table, regions):
    lines = ibis.memtable(table[["customer_id", "day", "net_sales"]])
    customers = purchase_summary(lines, AS_OF)
    own = regions.reindex(customers.index).astype("object")
    fits = fit_by_group(MBGNBD(), customers, own)
    own.iloc[:3] = None
    own.iloc[3] = "somewhere new"
    masks = members(fits, own)
    assert (np.sum(list(masks.values()), axis=0) == 1).all() and masks[None].sum() == 4
