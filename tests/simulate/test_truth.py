"""The truth is the truth: it can be worked out again from the tables and the stated constants."""

from decimal import Decimal

import pytest


def test_every_euro_of_the_ledger_is_in_the_truth_once(db):
    ledger = db.sql(
        "SELECT sum(net_amount::DECIMAL(18,2)), sum(cost_of_goods::DECIMAL(18,2)) FROM orders"
    ).fetchall()
    truth = db.sql(
        "SELECT sum(sales::DECIMAL(18,2)), sum(cost_of_goods::DECIMAL(18,2)) FROM truth_profit"
    ).fetchall()
    assert ledger == truth


def test_profit_is_sales_less_its_costs_to_the_cent(db):
    wrong = db.sql("""SELECT count(*) FROM truth_profit WHERE profit::DECIMAL(18,2) <>
        sales::DECIMAL(18,2) - cost_of_goods::DECIMAL(18,2) - service_cost::DECIMAL(18,2)
        - acquisition_cost::DECIMAL(18,2)""").fetchall()
    assert wrong == [(0,)]


@pytest.mark.parametrize("year", [2024, 2025, 2026])
def test_sales_goods_and_acquisition_equal_an_independent_sum(db, year):
    rows = db.sql(f"""
        WITH real AS (
            SELECT coalesce(o.customer_id, i.customer_id) AS customer_id, net_amount, cost_of_goods
            FROM orders o LEFT JOIN truth_orders_identity i USING (order_id)
            WHERE ordered_at >= DATE '{year - 1}-07-01' AND ordered_at < DATE '{year}-07-01'),
        sums AS (SELECT customer_id, sum(net_amount::DECIMAL(18,2)) AS sales,
                        sum(cost_of_goods::DECIMAL(18,2)) AS goods FROM real GROUP BY 1),
        won AS (SELECT customer_id, acquisition_cost::DECIMAL(18,2) AS won FROM customers
                WHERE acquired_on BETWEEN DATE '{year - 1}-07-01' AND DATE '{year}-06-30')
        SELECT count(*), coalesce(sum(abs(coalesce(s.sales, 0) - t.sales::DECIMAL(18,2))), 0),
               sum(abs(coalesce(s.goods, 0) - t.cost_of_goods::DECIMAL(18,2))),
               sum(abs(coalesce(w.won, 0) - t.acquisition_cost::DECIMAL(18,2)))
        FROM (FROM truth_profit WHERE year_ending = DATE '{year}-06-30') t
        FULL JOIN sums s USING (customer_id) FULL JOIN won w USING (customer_id)""").fetchall()[0]
    assert rows[0] > 1000
    assert rows[1:] == (Decimal(0), Decimal(0), Decimal(0))


def test_service_cost_equals_minutes_times_rate_where_all_events_are_seen(db):
    """Customers with anonymous orders have events nobody saw: they are left out here."""
    worst, rows = db.sql("""
        WITH factor AS (SELECT substr(name, 8) AS region, value::DOUBLE AS travel FROM truth_parameters
                        WHERE name LIKE 'travel %'),
        minutes AS (SELECT substr(name, 9) AS activity, value::DOUBLE AS minutes FROM truth_parameters
                    WHERE name LIKE 'minutes %'),
        rate AS (SELECT substr(name, 6) AS resource, value::DOUBLE AS rate FROM truth_parameters
                 WHERE name LIKE 'rate %'),
        cost AS (
            SELECT e.customer_id, sum(minutes * quantity * rate * minutes_factor
                   * CASE WHEN activity IN ('parcel delivery', 'pallet delivery', 'sales visit')
                          THEN travel ELSE 1 END) AS cost
            FROM events e JOIN minutes USING (activity) JOIN activities USING (activity) JOIN rate USING (resource)
            JOIN truth_customers USING (customer_id) JOIN customers USING (customer_id) JOIN factor USING (region)
            WHERE occurred_on > DATE '2025-06-30' GROUP BY 1)
        SELECT max(abs(cost - service_cost) - 0.001 * cost), count(*)
        FROM cost JOIN truth_profit t USING (customer_id)
        WHERE year_ending = DATE '2026-06-30'
          AND customer_id NOT IN (SELECT customer_id FROM truth_orders_identity)""").fetchall()[0]
    assert rows > 1000
    assert worst < 0.02


def test_rates_are_cost_over_practical_minutes(db):
    worst = db.sql("""
        SELECT max(abs(cost_per_month / practical_minutes_per_month - value::DOUBLE))
        FROM resources JOIN truth_parameters ON name = 'rate ' || resource""").fetchall()[0][0]
    assert worst < 1e-9


def test_anonymous_orders_are_named_once(db):
    difference = db.sql("""
        SELECT count(*) FROM (SELECT DISTINCT order_id FROM orders WHERE customer_id IS NULL) o
        FULL JOIN truth_orders_identity i USING (order_id)
        WHERE o.order_id IS NULL OR i.order_id IS NULL""").fetchall()
    assert difference == [(0,)]


def test_commission_is_due_to_resellers_and_channels_only(db):
    rows = db.sql("""
        SELECT role, sum(commission) > 0 FROM truth_profit JOIN customers USING (customer_id)
        LEFT JOIN partners USING (partner_id) GROUP BY 1 ORDER BY 1""").fetchall()
    assert rows == [("channel", True), ("reseller", True), (None, False)]


def test_cohorts_hold_every_customer_and_drift(db):
    assert db.sql("SELECT sum(customers) FROM truth_cohorts").fetchall() == [(3000,)]
    factors = [
        row[0]
        for row in db.sql(
            "SELECT hazard_factor FROM truth_cohorts ORDER BY cohort = 'before' DESC, cohort"
        ).fetchall()
    ]
    assert factors[0] == 1
    assert factors == sorted(factors)


def test_partner_quality_is_stated_for_every_partner_that_delivers(db):
    missing = db.sql("""SELECT count(DISTINCT partner_id) FROM deliveries
                        WHERE partner_id NOT IN (SELECT partner_id FROM truth_partners)""").fetchall()
    assert missing == [(0,)]
