"""From contacts and order lines to a test: every number again by plain loops, and nothing from after the contact."""

import datetime as dt

import ibis
import numpy as np
import pandas as pd
import pytest

from crmlib.analysis.targeting.experiments import campaign_table, covariates_in, experiment
from crmlib.errors import DataError, ParameterError, TooLittleData

AS_OF = dt.date(2026, 6, 30)
DAY = dt.timedelta(days=1)


def lines_frame(seed=1, customers=25, size=500):
    rng = np.random.default_rng(seed)
    net = rng.gamma(2, 20, size).round(2) * np.where(rng.random(size) < 0.1, -1, 1)
    frame = pd.DataFrame(
        {
            "customer_id": [f"C{i:02d}" for i in rng.integers(0, customers, size)],
            "order_id": [str(i) for i in rng.integers(0, 40, size)],
            "day": [dt.date(2025, 1, 1) + DAY * int(i) for i in rng.integers(0, 540, size)],
            "net_sales": net, "cost_of_goods": (net * 0.4).round(2), "bought": net > 0,
        }
    )  # fmt: skip
    return frame.assign(list_sales=0.0, discounts=0.0, returns=0.0, returned_goods=0.0)


def contacts_frame(seed=1, customers=30):
    rng = np.random.default_rng(seed)
    days = {
        "a": dt.date(2025, 6, 1),
        "b": dt.date(2025, 12, 1),
        "c": dt.date(2026, 3, 1),
        "d": dt.date(2026, 6, 20),
    }
    rows = [
        (f"C{i:02d}", name, day, "treatment" if rng.random() < 0.6 else "control")
        for name, day in days.items() for i in range(customers) if rng.random() < 0.7
    ]  # fmt: skip
    frame = pd.DataFrame(rows, columns=["customer_id", "campaign_id", "contacted_on", "arm"])
    return frame.assign(cost=np.where(frame["arm"] == "treatment", 1.5, 0.0), action="mail")


def made(contacts=None, lines=None, **options):
    contacts = contacts_frame() if contacts is None else contacts
    lines = lines_frame() if lines is None else lines
    return experiment(ibis.memtable(contacts), ibis.memtable(lines), AS_OF, **options)


def test_every_number_agrees_with_a_loop_over_the_order_lines():
    lines, test = lines_frame(), made(long_days=90, history_days=200)
    for row in test.rows.itertuples():
        day, own = row.contacted_on.date(), lines[lines["customer_id"] == row.customer_id]

        def window(first, last, own=own, day=day):
            inside = own[np.array([first <= (d - day).days <= last for d in own["day"]], dtype=bool)]
            orders = inside[inside["bought"]].groupby(["order_id", "day"]).ngroups
            return orders, inside["net_sales"].sum(), (inside["net_sales"] - inside["cost_of_goods"]).sum()

        assert (row.orders, row.margin) == pytest.approx((window(0, 27)[0], window(0, 27)[2]))
        assert (row.orders_before, row.sales_before, row.margin_before) == pytest.approx(window(-200, -1))
        assert row.net == pytest.approx(row.margin - 1.5 * row.treated) and row.bought == (row.orders > 0)
        past = [(day - d).days for d in own.loc[own["bought"], "day"] if d < day]
        assert row.recency_days == pytest.approx(min(past) if past else np.nan, nan_ok=True)
        assert row.tenure_days == pytest.approx(max(past) if past else np.nan, nan_ok=True)
        if (AS_OF - day).days >= 89:
            assert (row.long_orders, row.long_margin) == pytest.approx((window(0, 89)[0], window(0, 89)[2]))
            assert row.silent == (window(28, 89)[0] == 0)
        else:
            assert np.isnan(row.long_margin) and np.isnan(row.silent)
    assert set(test.rows["campaign_id"]) == {"a", "b", "c"}
    assert test.notes["response_unknown"] == (contacts_frame()["campaign_id"] == "d").sum() > 0


def test_nothing_from_the_day_of_contact_on_is_in_a_covariate():
    """Every order from the last contact on is deleted, then shuffled: covariates stay, to the last digit."""
    lines, contacts = lines_frame(), contacts_frame().query("campaign_id == 'c'")
    once = made(contacts, lines)
    later = lines["day"] >= dt.date(2026, 3, 1)
    mixed = lines.copy()
    mixed.loc[later, "net_sales"] = (
        lines.loc[later, "net_sales"].sample(frac=1, random_state=1).to_numpy() * 7
    )
    for changed in (lines[~later], mixed):
        again = made(contacts, changed)
        names = list(once.covariates)
        pd.testing.assert_frame_equal(again.rows[names], once.rows[names])
        assert (again.rows["margin"] != once.rows["margin"]).any()


def test_contacts_of_other_campaigns_are_counted_before_and_during():
    test = made(long_days=100)
    contacts = contacts_frame().query("arm == 'treatment'")
    for row in test.rows.itertuples():
        own = contacts[
            (contacts["customer_id"] == row.customer_id) & (contacts["campaign_id"] != row.campaign_id)
        ]
        away = [(d - row.contacted_on.date()).days for d in own["contacted_on"]]
        assert row.contacts_before == sum(-365 <= a < 0 for a in away)
        if not np.isnan(row.long_margin):
            assert row.contacts_during == sum(0 <= a < 100 for a in away)
        assert row.overlapping == any(abs(a) < 28 for a in away)


def test_what_the_table_of_customers_says_is_taken_as_of_the_contact():
    customers = pd.DataFrame(
        {"customer_id": ["C00", "C01", "C02"], "acquisition_channel": ["web", "fair", None],
         "acquired_on": [dt.date(2024, 1, 1), dt.date(2024, 6, 1), dt.date(2026, 1, 1)],
         "club_member_since": [dt.date(2025, 5, 31), dt.date(2025, 6, 1), None]}
    )  # fmt: skip
    rows = pd.DataFrame({"customer_id": ["C00", "C01"] + [f"C{i}" for i in range(10, 14)], "campaign_id": "a",
                         "contacted_on": dt.date(2025, 6, 1), "arm": ["treatment", "control"] * 3, "cost": 0.0})  # fmt: skip
    test = made(rows, customers=ibis.memtable(customers))
    own = test.rows.set_index("customer_id")
    assert own.loc[["C00", "C01"], "club"].tolist() == [1, 0], "who joins on the day was no member before"
    assert own.loc["C00", "tenure_days"] == (dt.date(2025, 6, 1) - dt.date(2024, 1, 1)).days
    assert own["acquisition_channel"].astype("object").fillna("-").loc[["C00", "C10"]].tolist() == [
        "web",
        "-",
    ]
    assert {"club", "acquisition_channel"} <= set(test.covariates)


def test_second_contacts_in_a_campaign_are_added_up():
    contacts = contacts_frame().query("campaign_id == 'a'")
    twice = contacts.assign(contacted_on=dt.date(2025, 6, 8), action="call")
    test = made(pd.concat([contacts, twice]))
    assert test.notes["merged"] == len(contacts) and len(test.rows) == len(contacts)
    assert test.actions == ("call + mail",) and set(test.rows.loc[test.treated, "cost"]) == {3.0}
    assert (test.rows["contacted_on"] == pd.Timestamp("2025-06-01")).all()


def test_campaigns_without_controls_are_set_aside_and_counted():
    contacts = contacts_frame()
    contacts.loc[contacts["campaign_id"] == "b", ["arm", "cost"]] = ["treatment", 1.5]
    test = made(contacts)
    assert set(test.rows["campaign_id"]) == {"a", "c"}
    assert test.notes["one_armed"] == (contacts["campaign_id"] == "b").sum()
    with pytest.raises(TooLittleData, match="both arms"):
        made(contacts[contacts["arm"] == "treatment"])


def test_costs_are_known_or_stated_and_controls_cost_nothing():
    plain = contacts_frame().drop(columns="cost")
    with pytest.raises(TooLittleData, match="contacts without a cost"):
        made(plain)
    test = made(plain, contact_cost=2.0)
    assert test.rows["cost"].tolist() == (2.0 * test.treated).tolist()


def test_a_customer_in_both_arms_is_refused():
    contacts = contacts_frame()
    first = contacts.iloc[:1].assign(arm=lambda f: np.where(f["arm"] == "control", "treatment", "control"))
    with pytest.raises(DataError, match="1 customers in both arms of one campaign: C"):
        made(pd.concat([contacts, first]))


def test_the_order_of_rows_changes_nothing():
    mixed = made(
        contacts_frame().sample(frac=1, random_state=1), lines_frame().sample(frac=1, random_state=2)
    )
    pd.testing.assert_frame_equal(mixed.rows, made().rows)


def test_sums_of_money_are_exact_so_that_neither_rows_nor_threads_change_a_digit():
    lines = lines_frame(size=4000, customers=3)
    kinds = {"net_sales": "decimal(18, 4)", "cost_of_goods": "decimal(18, 4)"}
    found = []
    for seed in (1, 2, 3):
        mixed = ibis.memtable(lines.sample(frac=1, random_state=seed)).cast(kinds)
        found.append(experiment(ibis.memtable(contacts_frame()), mixed, AS_OF).rows)
    for other in found[1:]:
        pd.testing.assert_frame_equal(other, found[0], check_exact=True)
    money = found[0][["margin_before", "sales_before", "margin", "long_margin"]].to_numpy()
    known = money[~np.isnan(money)]
    assert (known == known.round(4)).all(), "no digit that the cents do not have"


@pytest.mark.parametrize("options", [{"response_days": 0}, {"history_days": 0}, {"long_days": 28}])
def test_windows_that_cannot_be_are_refused(options):
    with pytest.raises(ParameterError, match="_days = "):
        made(**options)


def test_the_table_stays_in_the_engine_and_names_its_covariates():
    table = campaign_table(ibis.memtable(contacts_frame()), ibis.memtable(lines_frame()), AS_OF)
    assert isinstance(table, ibis.Table) and {"response_known", "long_known", "waves", "arms"} <= set(
        table.columns
    )
    assert covariates_in(pd.DataFrame(columns=["club", "margin", "recency_days"])) == ["recency_days", "club"]
