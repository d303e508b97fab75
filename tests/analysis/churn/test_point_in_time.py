"""Snapshots: nothing later has any part in them, and every number comes out a second, plain way."""

from datetime import date, timedelta

import ibis
import numpy as np
import pandas as pd
import pytest

from crmlib.analysis.churn.activity import customer_activity
from crmlib.analysis.churn.catalogue import features_of
from crmlib.analysis.churn.point_in_time import (
    DATED_BY,
    KNOWN_LATER,
    known_until,
    make_snapshot,
    make_snapshots,
)
from crmlib.errors import ParameterError, TooLittleData
from crmlib.intake.contract import TABLES

FIRST, AS_OF = date(2024, 1, 1), date(2026, 6, 30)
DAY, OUTCOME, ELIGIBLE = date(2025, 9, 30), 120, 300
OPTIONS = {"outcome_days": OUTCOME, "eligible_days": ELIGIBLE}


def drawn(seed=1, people=70, lines=1400):
    """Draw the tables of an untidy company."""
    rng = np.random.default_rng(seed)
    length = (AS_OF - FIRST).days + 1

    def days(count):
        return pd.Timestamp(FIRST) + pd.to_timedelta(rng.integers(0, length, count), unit="D")

    def who(count):
        return np.array([f"K{number:03d}" for number in rng.integers(0, people, count)], dtype=object)

    buyers = who(lines)
    buyers[rng.random(lines) < 0.03] = None
    cents = rng.integers(1, 9000, lines) * np.where(rng.random(lines) < 0.1, -1, 1)
    orders = pd.DataFrame(
        {
            "customer_id": buyers,
            "ordered_at": days(lines) + pd.to_timedelta(rng.integers(0, 24, lines), unit="h"),
            "net_amount": cents / 100,
            "order_id": [f"O{number}" for number in rng.integers(0, lines, lines)],
            "product_id": [f"P{number}" for number in rng.integers(0, 30, lines)],
            "discount_amount": rng.integers(0, 300, lines) / 100,
            "cost_of_goods": np.round(cents * 0.6) / 100,
            "channel": rng.choice(["web", "shop", "fair"], lines),
        }
    )
    customers = pd.DataFrame(
        {
            "customer_id": [f"K{number:03d}" for number in range(people)],
            "acquired_on": days(people),
            "acquisition_channel": rng.choice(["fair", "search"], people),
            "region": rng.choice(["north", "south"], people),
            "club_member_since": days(people).where(rng.random(people) < 0.6),
        }
    )
    events = pd.DataFrame(
        {
            "customer_id": who(300),
            "occurred_on": days(300),
            "activity": rng.choice(["Complaint", "phone call", "delivery"], 300),
            "quantity": rng.integers(1, 3, 300) * 1.0,
        }
    )
    survey = pd.DataFrame(
        {
            "customer_id": who(120),
            "answered_on": days(120),
            "satisfaction": np.where(rng.random(120) < 0.2, np.nan, rng.integers(1, 11, 120)),
            "recommend_0_10": np.where(rng.random(120) < 0.4, np.nan, rng.integers(0, 11, 120)),
        }
    )
    contacts = pd.DataFrame(
        {
            "customer_id": who(150),
            "campaign_id": "C",
            "contacted_on": days(150),
            "arm": rng.choice(["treatment", "control"], 150),
        }
    )
    started = days(40)
    contracts = pd.DataFrame(
        {
            "contract_id": [f"M{number}" for number in range(40)],
            "customer_id": who(40),
            "started_on": started,
            "ended_on": (started + pd.Timedelta(days=365)).where(rng.random(40) < 0.7),
        }
    )
    return {
        "orders": orders,
        "customers": customers,
        "products": pd.DataFrame(
            {
                "product_id": [f"P{number}" for number in range(30)],
                "category": [f"G{number % 4}" for number in range(30)],
            }
        ),
        "events": events,
        "survey": survey,
        "contacts": contacts,
        "contracts": contracts,
        "reviews": pd.DataFrame(
            {"customer_id": who(80), "reviewed_on": days(80), "rating": rng.integers(1, 6, 80) * 1.0}
        ),
        "referrals": pd.DataFrame(
            {"referrer_id": who(30), "referred_id": [f"N{n}" for n in range(30)], "referred_on": days(30)}
        ),
    }


def company(frames, engine=None):
    """Put frames into an engine; columns that hold days are days."""
    engine, made = engine or ibis.duckdb.connect(), {}
    for name, frame in frames.items():
        on_days = [c for c in frame if c.endswith(("_on", "_since"))]
        # SQLite takes no missing days, but missing text.
        written = frame.assign(**{c: frame[c].dt.strftime("%Y-%m-%d") for c in on_days})
        table = engine.create_table(name, written)
        made[name] = table.mutate(**{c: table[c].cast("date") for c in on_days})
    return made.get


def features(frames, day=DAY, engine=None, as_of=AS_OF, **options):
    tables = company(frames, engine)
    return make_snapshot(tables, customer_activity(tables, as_of, 0.4), day, **(OPTIONS | options)).features


@pytest.fixture(scope="module")
def frames():
    return drawn()


@pytest.fixture(scope="module")
def made(frames):
    tables = company(frames)
    activity = customer_activity(tables, AS_OF, 0.4)
    return make_snapshots(tables, activity, [AS_OF, DAY, DAY - timedelta(days=91)], **OPTIONS)


def rows_after(frames, name):
    return frames[name][DATED_BY[name]] >= pd.Timestamp(DAY + timedelta(days=1))


def test_rows_of_later_days_that_are_deleted_change_no_feature(frames, made):
    cut = {name: f[~rows_after(frames, name)] if name in DATED_BY else f for name, f in frames.items()}
    assert sum(map(len, cut.values())) < sum(map(len, frames.values())) * 0.8
    for as_of in (DAY, AS_OF):
        pd.testing.assert_frame_equal(features(cut, as_of=as_of), made.of(DAY).features, check_exact=True)


def test_rows_of_later_days_that_are_shuffled_change_no_feature(frames, made):
    rng = np.random.default_rng(5)
    mixed = {}
    for name, frame in frames.items():
        mixed[name] = frame.copy()
        if name in DATED_BY:
            late = rows_after(frames, name).to_numpy()
            # Days stay, and all that is told of them goes to somebody else; a customer's own row keeps its name.
            kept = [DATED_BY[name], *(["customer_id"] if name == "customers" else [])]
            for column in frame.columns.difference(kept):
                values = frame[column].to_numpy().copy()
                values[late] = rng.permutation(values[late])
                mixed[name][column] = values
    assert not mixed["orders"].equals(frames["orders"])
    pd.testing.assert_frame_equal(features(mixed), made.of(DAY).features, check_exact=True)


def test_dates_that_lie_later_are_not_known_yet(frames, made):
    later = {name: frame.copy() for name, frame in frames.items()}
    club, ended = later["customers"]["club_member_since"], later["contracts"]["ended_on"]
    assert (club > pd.Timestamp(DAY)).any() and (ended > pd.Timestamp(DAY)).any()
    later["customers"]["club_member_since"] = club.where(club <= pd.Timestamp(DAY))
    later["contracts"]["ended_on"] = ended.where(ended <= pd.Timestamp(DAY))
    pd.testing.assert_frame_equal(features(later), made.of(DAY).features, check_exact=True)


def test_the_order_of_rows_changes_nothing(frames, made):
    mixed = {name: frame.sample(frac=1, random_state=3) for name, frame in frames.items()}
    pd.testing.assert_frame_equal(features(mixed), made.of(DAY).features, check_exact=True)


def test_names_of_customers_change_nothing(frames, made):
    """The new names sort the other way round."""

    def named(column):
        return column.map(lambda one: one if pd.isna(one) else f"Z{999 - int(one[1:]):03d}")

    other = {name: frame.copy() for name, frame in frames.items()}
    for name, frame in other.items():
        for column in ("customer_id", "referrer_id"):
            if column in frame:
                other[name][column] = named(frame[column])
    known = made.of(DAY).features
    found = features(other).loc[named(known.index.to_series())]
    pd.testing.assert_frame_equal(found.set_axis(known.index), known, check_exact=True)


def test_days_made_together_are_those_made_one_by_one(frames, made):
    for one in (made.snapshots[0], made.snapshots[-1]):
        pd.testing.assert_frame_equal(features(frames, one.day), one.features, check_exact=True)


def test_another_engine_comes_to_the_same_features(frames, made):
    found = features(frames, engine=ibis.sqlite.connect())
    pd.testing.assert_frame_equal(found, made.of(DAY).features, check_exact=False, rtol=1e-5, atol=1e-5)


def plain(frames, day):
    """Compute features of everybody in loops."""
    end, start = pd.Timestamp(day) + pd.Timedelta(days=1), pd.Timestamp(day) + pd.Timedelta(days=1)
    orders = frames["orders"].dropna(subset="customer_id")
    orders = orders.assign(day=orders["ordered_at"].dt.normalize())
    back = {months: start - pd.Timedelta(days=days) for months, days in ((3, 91), (6, 182), (12, 365))}
    rows = {}
    for who, own in orders.groupby("customer_id"):
        before = own[own["ordered_at"] < end]
        nets = before.groupby("day")["net_amount"].sum().round(6)
        bought = sorted(nets[nets > 0].index)
        if not bought or (pd.Timestamp(day) - bought[-1]).days >= ELIGIBLE:
            continue
        row = {"recency_days": (pd.Timestamp(day) - bought[-1]).days}
        gaps = np.diff(np.array(bought, dtype="datetime64[D]")).astype(int)
        row["cadence_days"] = gaps.mean() if len(gaps) else np.nan
        row["longest_gap_days"] = gaps.max() if len(gaps) else np.nan
        parts = {months: before[before["day"] >= since] for months, since in back.items()}
        counts = {}
        for months, part in parts.items():
            above = part[part["net_amount"] > 0]
            counts[months] = len(set(zip(above["day"], above["order_id"], strict=True)))
        for months in (3, 12):
            row[f"orders_{months}m"] = counts[months]
            row[f"purchase_days_{months}m"] = sum(one >= back[months] for one in bought)
            row[f"net_sales_{months}m"] = parts[months]["net_amount"].sum()
            row[f"gross_margin_{months}m"] = (
                parts[months]["net_amount"] - parts[months]["cost_of_goods"]
            ).sum()
        row["trend_orders"] = (2 * counts[6] - counts[12]) / counts[12] if counts[12] else np.nan
        year = parts[12]
        above, below = year[year["net_amount"] > 0], year[year["net_amount"] < 0]
        sales = above["net_amount"].sum()
        row["return_share"] = -below["net_amount"].sum() / sales if sales > 0 else np.nan
        listed = sales + above["discount_amount"].sum()
        row["discount_share"] = above["discount_amount"].sum() / listed if sales > 0 else np.nan
        row["products"] = above["product_id"].nunique()
        row["categories"] = above["product_id"].str[1:].astype(int).mod(4).nunique()
        firsts = above[above["day"].isin(bought)].groupby("day")["channel"].min().value_counts()
        row["channels"] = len(firsts)
        row["main_channel"] = min(firsts.index, key=lambda c: (-firsts[c], c)) if len(firsts) else None
        after = own[(own["day"] >= end) & (own["day"] < end + pd.Timedelta(days=OUTCOME))]
        nets = after.groupby("day")["net_amount"].sum().round(6)
        row["churned"] = not (nets > 0).any()
        row["margin"] = (after["net_amount"] - after["cost_of_goods"]).sum()

        def of(name, on, key="customer_id", who=who):
            mine = frames[name][frames[name][key] == who]
            return mine[mine[on] < end]

        calls = of("events", "occurred_on")
        calls = calls[calls["occurred_on"] >= back[12]]
        row["complaints_12m"] = calls.loc[calls["activity"] == "Complaint", "quantity"].sum()
        row["service_contacts_12m"] = calls.loc[calls["activity"] != "delivery", "quantity"].sum()
        said = of("survey", "answered_on").dropna(subset="satisfaction")
        last = said[said["answered_on"] == said["answered_on"].max()]
        row["satisfaction"] = last["satisfaction"].mean()
        row["satisfaction_age_days"] = (pd.Timestamp(day) - last["answered_on"].max()).days
        reached = of("contacts", "contacted_on")
        reached = reached[reached["arm"] == "treatment"]
        row["campaigns_12m"] = int((reached["contacted_on"] >= back[12]).sum())
        row["campaign_age_days"] = (pd.Timestamp(day) - reached["contacted_on"].max()).days
        running = of("contracts", "started_on")["ended_on"]
        row["contracts_running"] = int((running.isna() | (running >= end)).sum())
        written = of("reviews", "reviewed_on")
        row["rating"] = written.loc[written["reviewed_on"] >= back[12], "rating"].mean()
        row["referrals_made"] = len(of("referrals", "referred_on", "referrer_id"))
        person = frames["customers"].set_index("customer_id").loc[who]
        there = person["acquired_on"] < end
        row["region"] = person["region"] if there else None
        row["club"] = ("member" if person["club_member_since"] < end else "no member") if there else None
        began = min(person["acquired_on"], bought[0]) if there else bought[0]
        row["tenure_days"] = (pd.Timestamp(day) - began).days
        rows[who] = row
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("customer_id")


@pytest.mark.parametrize("day", [DAY, DAY - timedelta(days=91)])
def test_every_number_comes_out_a_second_way(frames, made, day):
    one = made.of(day)
    found, expected = one.features.join(one.outcome), plain(frames, day)
    assert len(expected) > 40 and 0 < expected["churned"].sum() < len(expected)
    assert found.index.tolist() == expected.index.tolist()
    for name in expected:
        if found[name].dtype == "category":
            assert (
                found[name].astype("object").where(found[name].notna(), None).tolist()
                == expected[name].astype("object").where(expected[name].notna(), None).tolist()
            ), name
        else:
            np.testing.assert_allclose(
                found[name].astype(float), expected[name].astype(float), atol=2e-6, err_msg=name
            )


def test_the_last_day_has_no_outcome(made):
    assert made.snapshots[-1].day == AS_OF and made.snapshots[-1].outcome is None
    assert made.sizes["churned"].notna().tolist() == [True, True, False]


def test_columns_are_those_of_the_catalogue_and_none_is_a_copy(made):
    names = [one.name for one in features_of()]
    assert made.snapshots[0].features.columns.tolist() == names
    assert made.left_out.empty and made.trouble == {}
    assert made.of(DAY).features["p_alive"].between(0, 1).all()


def test_dates_and_amounts_suffice_and_what_is_left_out_is_named(frames):
    bare = {"orders": frames["orders"][["customer_id", "ordered_at", "net_amount"]]}
    tables = company(bare)
    found = make_snapshots(tables, customer_activity(tables, AS_OF, 0.4), [DAY], **OPTIONS)
    columns = found.snapshots[0].features.columns
    assert {"recency_days", "orders_3m", "net_sales_12m", "p_alive"} <= set(columns)
    assert set(columns) | set(found.left_out.index) == {one.name for one in features_of()}
    assert found.left_out.loc["categories", "needs"] == "orders.product_id, products.category"
    assert not set(columns) & set(found.left_out.index)


def test_the_columns_that_date_rows_are_those_of_the_contract():
    assert {name: table.happens for name, table in TABLES.items() if table.happens} == DATED_BY
    later = {
        name: tuple(column.name for column in table.columns if column.known_later)
        for name, table in TABLES.items()
    }
    assert {name: columns for name, columns in later.items() if columns} == KNOWN_LATER


def test_tables_known_until_a_day_hold_nothing_later(frames):
    known = known_until(company(frames), DAY)
    assert known("deliveries") is None
    for name in set(DATED_BY) & set(frames):
        days = pd.to_datetime(known(name).execute()[DATED_BY[name]])
        assert days.max() < pd.Timestamp(DAY + timedelta(days=1)) <= frames[name][DATED_BY[name]].max()
    assert (pd.to_datetime(known("contracts").execute()["ended_on"]).dropna() <= pd.Timestamp(DAY)).all()


@pytest.mark.parametrize(
    ("days", "options", "error"),
    [
        ([], {}, ParameterError),
        ([DAY, DAY], {}, ParameterError),
        ([AS_OF + timedelta(days=1)], {}, ParameterError),
        ([DAY], {"outcome_days": 0}, ParameterError),
        ([DAY], {"look_back_months": (12, 3)}, ParameterError),
    ],
)
def test_what_cannot_be_asked_is_refused(frames, days, options, error):
    tables = company(frames)
    with pytest.raises(error):
        make_snapshots(tables, customer_activity(tables, AS_OF, 0.4), days, **(OPTIONS | options))


def test_nobody_eligible_is_refused():
    lines = pd.DataFrame(
        {
            "customer_id": ["A", "A", "B"],
            "ordered_at": pd.to_datetime(["2026-01-01", "2026-03-31", "2026-01-02"]),
            "net_amount": [5.0, 5.0, 5.0],
        }
    )
    tables = company({"orders": lines})
    activity = customer_activity(tables, date(2026, 3, 31), 0.4)
    with pytest.raises(TooLittleData, match="nobody who bought in the 20 days up to 2026-02-28"):
        make_snapshots(tables, activity, [date(2026, 2, 28)], outcome_days=10, eligible_days=20)
