"""A list carried out changes the customers it contacts, as their truth says, and nobody else."""

from datetime import date

import numpy as np
import pandas as pd
import pytest

from crmlib.errors import DataError, ParameterError
from crmlib.intake.check import check_source
from crmlib.intake.simulate import simulate
from crmlib.intake.simulate.carry_out import Response, carry_out
from crmlib.intake.simulate.company import constant as c

LISTED = date(2026, 3, 31)
STRONG = {"save": Response(extra_orders=1.0, leaves=0.5)}
HOSTILE = '=1+1,"<b>\n'


def read(folder, name):
    return pd.read_csv(folder / f"{name}.csv", dtype=str, keep_default_na=False)


def listed(folder, **columns):
    """Everybody on a list, every third held out."""
    ids = read(folder, "customers")["customer_id"]
    rows = pd.DataFrame(
        {"list_id": f"actions-{LISTED}", "listed_on": LISTED, "customer_id": ids, "action": "save"}
    )
    rows["arm"] = np.where(np.arange(len(ids)) % 3 == 0, "hold out", "contact")
    return rows.assign(channel="letter").assign(**columns)


@pytest.fixture(scope="module")
def after(folder, tmp_path_factory):
    """The company after a list with strong effects, and what happened."""
    target = tmp_path_factory.mktemp("carried") / "april"
    happened = carry_out(folder, listed(folder), target, responses=STRONG)
    truth = read(folder, "truth/customers").set_index("customer_id")
    alive = pd.to_datetime(truth["lifetime_end"]) > pd.Timestamp("2026-04-01")
    happened = happened.assign(
        alive=alive.loc[happened["customer_id"]].to_numpy(),
        kind=truth.loc[happened["customer_id"], "contact_class"].to_numpy(),
    )
    return target, happened


def test_only_those_contacted_who_are_still_there_and_can_be_moved_are_moved(folder, after):
    _, happened = after
    assert set(happened["customer_id"]) == set(listed(folder).query("arm == 'contact'")["customer_id"])
    moved, gone = happened["extra_orders"] > 0, happened["left_on"] != ""
    assert happened.loc[moved, "kind"].eq("persuadable").all() and happened.loc[moved, "alive"].all()
    assert happened.loc[gone, "kind"].eq("sleeping dog").all() and happened.loc[gone, "alive"].all()


def test_effects_are_as_large_as_they_are_said_to_be(after):
    _, happened = after
    there = happened[happened["alive"]]
    orders = there.loc[there["kind"] == "persuadable", "extra_orders"]
    assert orders.mean() == pytest.approx(1.0, abs=4 * 1 / np.sqrt(len(orders)))
    assert orders.var() == pytest.approx(1.0, abs=0.4)
    leaves = there.loc[there["kind"] == "sleeping dog", "left_on"] != ""
    assert leaves.mean() == pytest.approx(0.5, abs=4 * 0.5 / np.sqrt(len(leaves)))


def test_extra_orders_come_in_the_four_weeks_after_and_repeat_what_the_customer_bought(folder, after):
    target, happened = after
    before, now = read(folder, "orders"), read(target, "orders")
    added = now[~now["order_id"].isin(before["order_id"])]
    first = added.groupby("order_id").agg(who=("customer_id", "first"), day=("ordered_at", "min"))
    days = pd.to_datetime(first["day"])
    assert days.min() >= pd.Timestamp("2026-04-01") and days.max() < pd.Timestamp("2026-04-29")
    assert first["who"].value_counts().to_dict() == (
        happened[happened["extra_orders"] > 0].set_index("customer_id")["extra_orders"].to_dict()
    )
    old = before[before["ordered_at"] < "2026-04-01"]
    own = set(zip(old["customer_id"], old["product_id"], old["net_amount"], strict=True))
    repeated = [
        row in own for row in zip(added["customer_id"], added["product_id"], added["net_amount"], strict=True)
    ]
    assert np.mean(repeated) > 0.9  # the others had nothing to repeat
    assert (added["net_amount"].astype(float) > 0).all()


def test_who_leaves_does_nothing_more(folder, after):
    target, happened = after
    gone = happened[happened["left_on"] != ""].set_index("customer_id")["left_on"]
    orders, before = read(target, "orders"), read(folder, "orders")
    begins = orders.groupby("order_id")["ordered_at"].transform("min")
    own = orders["customer_id"].isin(gone.index)
    assert (begins[own] < orders.loc[own, "customer_id"].map(gone)).all()
    assert before["customer_id"].isin(gone.index).sum() > own.sum()
    hidden = read(target, "truth/orders_identity").merge(orders, on="order_id", suffixes=("", "_said"))
    hidden = hidden[hidden["customer_id"].isin(gone.index)]
    assert (hidden["ordered_at"] < hidden["customer_id"].map(gone)).all()
    for name, day in (("survey", "answered_on"), ("reviews", "reviewed_on")):
        table = read(target, name)
        table = table[table["customer_id"].isin(gone.index)]
        assert (table[day] < table["customer_id"].map(gone)).all()
    ends = read(target, "truth/customers").set_index("customer_id")["lifetime_end"]
    assert (ends.loc[gone.index] == gone).all()


def test_nobody_else_is_touched(folder, after):
    target, happened = after
    moved = happened.loc[(happened["extra_orders"] > 0) | (happened["left_on"] != ""), "customer_id"]
    for name in ("orders", "events", "survey", "reviews"):
        before, now = read(folder, name), read(target, name)
        kept = [
            table[~table["customer_id"].isin(moved) & (table["customer_id"] != "")] for table in (before, now)
        ]
        pd.testing.assert_frame_equal(*(table.reset_index(drop=True) for table in kept))
    for name in ("customers", "products", "contracts", "referrals", "partners", "truth/cohorts"):
        assert (target / f"{name}.csv").read_bytes() == (folder / f"{name}.csv").read_bytes()


def test_contacts_are_recorded_with_both_arms(folder, after):
    target, _ = after
    rows = read(target, "contacts")
    assert len(rows) == len(read(folder, "contacts")) + 3000
    own = rows[rows["campaign_id"] == "actions-2026-03-31 save"]
    assert own["contacted_on"].eq("2026-04-01").all() and own["arm"].value_counts()["control"] == 1000
    assert own.groupby("arm")["cost"].unique().map(list).to_dict() == {
        "control": ["0.00"], "treatment": [f"{c('contact_cost'):.2f}"]}  # fmt: skip


def test_the_new_company_passes_the_checks_and_hangs_together(after, monkeypatch, tmp_path):
    target, _ = after
    monkeypatch.setenv("CRMLIB_CACHE", str(tmp_path))
    assert not check_source(str(target)).errors
    orders = read(target, "orders")
    assert orders["ordered_at"].is_monotonic_increasing and orders["ordered_at"].max() < "2026-07-01"
    sold = set(orders["order_id"])
    for name in ("deliveries", "events", "truth/orders_identity"):
        assert set(read(target, name)["order_id"]) - {""} <= sold
    assert not (target / "truth" / "profit.csv").exists()


def test_the_same_list_gives_the_same_bytes_in_any_order(folder, after, tmp_path):
    target, _ = after
    carry_out(folder, listed(folder).sample(frac=1, random_state=1), tmp_path / "again", responses=STRONG)
    names = sorted(path.relative_to(target) for path in target.rglob("*.*"))
    assert names == sorted(path.relative_to(tmp_path / "again") for path in (tmp_path / "again").rglob("*.*"))
    assert all((tmp_path / "again" / name).read_bytes() == (target / name).read_bytes() for name in names)


def test_the_luck_of_a_customer_does_not_depend_on_who_else_is_listed(folder, after, tmp_path):
    _, happened = after
    half = listed(folder).iloc[:900]
    found = carry_out(folder, half, tmp_path / "half", responses=STRONG)
    same = happened[happened["customer_id"].isin(found["customer_id"])].reset_index(drop=True)
    pd.testing.assert_frame_equal(found, same[found.columns])
    other = carry_out(folder, half, tmp_path / "other", responses=STRONG, seed=2)
    assert (other["extra_orders"] != found["extra_orders"]).any()


@pytest.mark.parametrize("nothing", [{"arm": "hold out"}, {"channel": "none"}, {"arm": "leave alone"}])
def test_where_nobody_is_contacted_nothing_happens(folder, tmp_path, nothing):
    assert carry_out(folder, listed(folder, **nothing), tmp_path / "new").empty
    for name in (
        "orders",
        "events",
        "deliveries",
        "survey",
        "reviews",
        "truth/customers",
        "truth/orders_identity",
    ):
        assert (tmp_path / "new" / f"{name}.csv").read_bytes() == (folder / f"{name}.csv").read_bytes()


def test_a_second_month_goes_on_from_the_first(folder, after, tmp_path):
    target, happened = after
    may = listed(folder, listed_on=date(2026, 4, 30), list_id="actions-2026-04-30")
    found = carry_out(target, may, tmp_path / "may", responses=STRONG)
    gone = set(happened.loc[happened["left_on"].between("2026-04-01", "2026-05-01"), "customer_id"])
    assert gone and not (found.loc[found["left_on"] != "", "customer_id"].isin(gone)).any()
    told = read(tmp_path / "may", "truth/carried_out")
    assert told["list_id"].unique().tolist() == ["actions-2026-03-31", "actions-2026-04-30"]


def test_a_company_in_parquet_keeps_its_types(tmp_path):
    simulate(tmp_path / "march", customers=200, format="parquet")
    ids = pd.read_parquet(tmp_path / "march" / "customers.parquet")["customer_id"]
    rows = pd.DataFrame(
        {"list_id": "l", "listed_on": LISTED, "customer_id": ids, "action": "save", "arm": "contact"}
    )
    found = carry_out(tmp_path / "march", rows.assign(channel="letter"), tmp_path / "april", responses=STRONG)
    assert found["extra_orders"].sum() > 10
    for name in ("orders", "contacts", "events", "deliveries", "survey", "truth/customers"):
        before, now = (pd.read_parquet(tmp_path / month / f"{name}.parquet") for month in ("march", "april"))
        assert before.dtypes.tolist() == now.dtypes.tolist()
    assert len(pd.read_parquet(tmp_path / "april" / "contacts.parquet")) >= 200


def test_hostile_text_in_a_list_stays_text(folder, tmp_path):
    carry_out(folder, listed(folder, action=HOSTILE, list_id=HOSTILE).iloc[:40], tmp_path / "new")
    assert read(tmp_path / "new", "contacts")["action"].eq(HOSTILE).sum() == 40


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (lambda rows: rows.drop(columns=["arm", "action"]), "without action, arm"),
        (lambda rows: rows.assign(customer_id="X"), "X on the list"),
        (lambda rows: pd.concat([rows, rows.iloc[[0]]]), "on the list twice"),
        (lambda rows: rows.assign(listed_on=[LISTED, *[date(2026, 4, 1)] * 2999]), "several lists"),
        (
            lambda rows: rows.assign(listed_on=date(2026, 7, 1)),
            "a list of 2026-07-01, and data until 2026-06-30",
        ),
        (lambda rows: rows.assign(listed_on="1926-03-31"), "a list of 1926-03-31, and data from"),
        (
            lambda rows: rows.assign(listed_on="soon"),
            "row 1 of the list: listed_on = 'soon', and 2,999 more rows",
        ),
        (
            lambda rows: rows.assign(listed_on="31/03/2026"),
            "listed_on = '31/03/2026'.* Expected: a day as YYYY-MM-DD",
        ),
        (lambda rows: rows.assign(listed_on="2026-02-30"), "listed_on = '2026-02-30'"),
        (lambda rows: rows.assign(listed_on=""), "listed_on = nothing"),
        (lambda rows: rows.assign(listed_on=pd.NaT), "listed_on = nothing"),
        (lambda rows: rows.assign(arm="Contact"), "row 1 of the list: arm = 'Contact'"),
        (
            lambda rows: rows.assign(arm=["contact"] * 2999 + [None]),
            "row 3,000 of the list: arm = nothing\\.",
        ),
        (lambda rows: rows.assign(list_id=" "), "list_id = nothing"),
        (lambda rows: rows.assign(action=None), "action = nothing"),
        (lambda rows: rows.assign(channel="None"), "channel = 'None'"),
        (lambda rows: rows.iloc[:0], "a list without a row"),
    ],
)
def test_a_list_that_cannot_be_carried_out_is_refused(folder, tmp_path, change, what):
    with pytest.raises(DataError, match=what):
        carry_out(folder, change(listed(folder)), tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_a_day_may_come_as_text_or_as_a_time(folder, tmp_path):
    found = [
        carry_out(folder, listed(folder, listed_on=day).iloc[:30], tmp_path / str(number), responses=STRONG)
        for number, day in enumerate((LISTED, str(LISTED), pd.Timestamp(LISTED), f"{LISTED} 00:00:00"))
    ]
    assert all(one.equals(found[0]) for one in found)


def test_a_list_is_carried_out_once(folder, after, tmp_path):
    target, _ = after
    for again in (listed(folder), listed(folder, arm="hold out")):
        with pytest.raises(
            DataError, match="'actions-2026-03-31', which was carried out in this company before"
        ):
            carry_out(target, again, tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_a_company_is_not_written_into_itself(folder):
    before = sorted(folder.rglob("*"))
    with pytest.raises(ParameterError, match="inside the company's own folder"):
        carry_out(folder, listed(folder), folder / "april")
    assert sorted(folder.rglob("*")) == before


def test_only_a_simulated_company_can_be_played_and_nothing_is_overwritten(folder, tmp_path):
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "orders.csv").write_text("customer_id\n")
    with pytest.raises(DataError, match="no simulated company"):
        carry_out(tmp_path / "full", listed(folder), tmp_path / "new")
    with pytest.raises(ParameterError, match="not an empty folder"):
        carry_out(folder, listed(folder), tmp_path / "full")
