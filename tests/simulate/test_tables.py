"""The tables on disk keep the contract."""

import pytest

from crmlib.intake.contract import TABLES
from crmlib.intake.simulate.company import window_of

# Columns for other companies: a club has one plan and one way to pay, and nobody is asked for consent.
NOT_DRAWN = {
    ("contracts", "plan"),
    ("contracts", "service"),
    ("contracts", "payment"),
    ("customers", "contact_consent"),
}
COLUMNS = [(table.name, column) for table in TABLES.values() for column in table.columns]


def named(pairs):
    return [f"{table}.{column.name}" for table, column in pairs]


def value(db, query):
    return db.sql(query).fetchall()[0][0]


@pytest.mark.parametrize("name", TABLES)
def test_every_table_has_every_column_in_order(db, name):
    expected = [column.name for column in TABLES[name].columns if (name, column.name) not in NOT_DRAWN]
    assert db.sql(f"FROM {name}").columns == expected


@pytest.mark.parametrize("name", [name for name, table in TABLES.items() if table.key])
def test_keys_are_unique(db, name):
    key = ", ".join(TABLES[name].key)
    assert value(db, f"SELECT count(*) FROM (SELECT {key} FROM {name} GROUP BY ALL HAVING count(*) > 1)") == 0


REFERENCES = [(table, column) for table, column in COLUMNS if column.refers_to]


@pytest.mark.parametrize(("table", "column"), REFERENCES, ids=named(REFERENCES))
def test_references_are_intact(db, table, column):
    target, key = column.refers_to.split(".")
    orphans = f"SELECT count(*) FROM {table} WHERE {column.name} IS NOT NULL AND {column.name} NOT IN"
    assert value(db, f"{orphans} (SELECT {key} FROM {target})") == 0


@pytest.mark.parametrize("table", ["events", "deliveries", "truth_orders_identity"])
def test_orders_referred_to_exist(db, table):
    missing = f"SELECT count(*) FROM {table} WHERE order_id IS NOT NULL AND order_id NOT IN"
    assert value(db, f"{missing} (SELECT order_id FROM orders)") == 0


REQUIRED = [
    pair for pair in COLUMNS if pair[1].required and (pair[0], pair[1].name) != ("orders", "customer_id")
]


@pytest.mark.parametrize(("table", "column"), REQUIRED, ids=named(REQUIRED))
def test_required_columns_have_no_gaps(db, table, column):
    assert value(db, f"SELECT count(*) FROM {table} WHERE {column.name} IS NULL") == 0


BOUNDED = [pair for pair in COLUMNS if pair[1].bounds != (None, None)]


@pytest.mark.parametrize(("table", "column"), BOUNDED, ids=named(BOUNDED))
def test_values_stay_within_bounds(db, table, column):
    low, high = column.bounds
    least, most, rows = db.sql(
        f"SELECT min({column.name}), max({column.name}), count({column.name}) FROM {table}"
    ).fetchall()[0]
    assert rows > 0
    assert low is None or least >= low
    assert high is None or most <= high


CHOICES = [pair for pair in COLUMNS if pair[1].choices]


@pytest.mark.parametrize(("table", "column"), CHOICES, ids=named(CHOICES))
def test_choices_are_those_of_the_contract(db, table, column):
    found = {row[0] for row in db.sql(f"SELECT DISTINCT {column.name} FROM {table}").fetchall()}
    assert found == set(column.choices)


HAPPENS = [(name, table.happens) for name, table in TABLES.items() if table.happens]


@pytest.mark.parametrize(("table", "column"), HAPPENS)
def test_nothing_happens_after_the_last_day(db, table, column):
    first, last = db.sql(f"SELECT min({column})::DATE, max({column})::DATE FROM {table}").fetchall()[0]
    window = window_of(36)
    assert last <= window.end
    if table not in ("customers", "contracts"):  # relations may be older than the orders
        assert first >= window.start


def test_orders_fill_the_window_and_come_in_order(db, window):
    first, last = db.sql("SELECT min(ordered_at)::DATE, max(ordered_at)::DATE FROM orders").fetchall()[0]
    assert (first, last) == (window.start, window.end)
    rows = db.sql("SELECT ordered_at, order_id FROM orders").fetchall()
    assert rows == sorted(rows)


def test_customers_won_before_the_window_bought_before_it(db, window):
    share = value(db, f"SELECT avg((acquired_on < DATE '{window.start}')::INT) FROM customers")
    assert share == pytest.approx(0.45, abs=0.01)


def test_customers_won_in_the_window_place_their_first_order_that_day(db, window):
    strangers = value(
        db,
        f"""
        WITH real AS (SELECT coalesce(o.customer_id, i.customer_id) AS customer_id, ordered_at::DATE AS day
                      FROM orders o LEFT JOIN truth_orders_identity i USING (order_id)),
             first AS (SELECT customer_id, min(day) AS day FROM real GROUP BY 1)
        SELECT count(*) FROM customers LEFT JOIN first USING (customer_id)
        WHERE acquired_on >= DATE '{window.start}' AND day IS DISTINCT FROM acquired_on""",
    )
    assert strangers == 0


def test_events_follow_their_orders_and_belong_to_the_same_customer(db):
    wrong = value(
        db,
        """
        WITH placed AS (SELECT order_id, any_value(customer_id) AS buyer, min(ordered_at)::DATE AS day
                        FROM orders WHERE customer_id IS NOT NULL GROUP BY 1)
        SELECT count(*) FROM events LEFT JOIN placed USING (order_id)
        WHERE order_id IS NOT NULL AND (buyer IS DISTINCT FROM customer_id OR occurred_on < day)""",
    )
    assert wrong == 0


def test_club_members_have_a_contract_from_the_day_they_joined(db):
    wrong = value(
        db,
        """
        SELECT count(*) FROM customers FULL JOIN contracts USING (customer_id)
        WHERE club_member_since IS DISTINCT FROM started_on""",
    )
    assert wrong == 0
    assert value(db, "SELECT count(*) FROM contracts WHERE ended_on IS NULL") > 50


def test_referred_customers_come_on_their_first_day_through_an_older_customer(db):
    wrong = value(
        db,
        """
        SELECT count(*) FROM referrals r JOIN customers n ON n.customer_id = referred_id
        JOIN customers o ON o.customer_id = referrer_id
        WHERE n.acquired_on <> referred_on OR o.acquired_on >= referred_on OR n.acquisition_channel <> 'referral'""",
    )
    assert wrong == 0
