"""Checks of every table: days, bounds, keys, references."""

import datetime as dt

import pytest


@pytest.mark.parametrize("day", ["1924-01-05", "2042-01-05", "2009-06-01"])
def test_a_few_days_years_away_are_set_aside_and_shown(company, lines, total, day):
    company.orders([*lines, f"C001,{day},8.00"])
    found = company.check()
    far = found.one("far-day")
    assert (far.severity, far.count) == ("warning", 1)
    assert found.cells("far-day") == [(len(lines) + 2, "ordered_at", day)]
    assert (found.ledger.total_net, found.ledger.set_aside_net) == (total(lines), 8)
    assert found.report.found("orders").first_day == dt.date(2023, 1, 1)


@pytest.mark.parametrize("day", ["1900-01-01", "0024-05-05", "9999-12-31", "2100-01-01"])
def test_placeholder_days_are_set_aside(company, lines, total, day):
    company.orders([*lines, f"C001,{day},8.00"])
    found = company.check()
    assert found.one("impossible-day").severity == "warning"
    assert found.ledger.total_net == total(lines)


def test_many_days_decades_away_stop_the_run(company, lines):
    company.orders([*lines, *["C001,1970-01-01,8.00"] * 5])
    assert company.check().one("far-day").severity == "error"


def test_a_long_gap_with_many_rows_on_both_sides_is_reported_and_all_rows_stay(company, lines, total):
    company.orders([*lines, *["C001,2018-05-05,8.00"] * 50])
    found = company.check()
    assert found.one("gap").severity == "warning"
    assert found.ledger.total_net == total(lines) + 400


def test_a_quiet_year_is_no_gap(company, lines):
    company.orders([*lines, "C001,2021-06-05,8.00"])
    assert not company.check().codes() & {"gap", "far-day"}


def test_old_customers_keep_their_day(company, lines):
    company.orders(lines)
    company.write(
        "customers.csv", [f"C{n:03d},{1990 + n}-01-01" for n in range(33)], "customer_id,acquired_on"
    )
    customers = company.open().table("customers")
    assert (
        customers.acquired_on.min().execute().year == 1990 and customers.acquired_on.count().execute() == 33
    )


def test_an_end_in_9999_means_still_running(company, lines):
    company.orders(lines)
    company.write(
        "contracts.csv",
        ["K1,C001,2023-02-01,9999-12-31", "K2,C002,2023-02-01,2023-12-31"],
        "contract_id,customer_id,started_on,ended_on",
    )
    data = company.open()
    assert data.table("contracts").ended_on.isnull().sum().execute() == 1
    assert "impossible-day" in {problem.code for problem in data.report.notes}


@pytest.mark.parametrize(("value", "fine"), [("0", True), ("1", True), ("-0.01", False), ("1.01", False)])
def test_numbers_outside_their_bounds_are_refused(company, lines, value, fine):
    company.orders(lines)
    company.write("partners.csv", [f"P1,supplier,{value}"], "partner_id,role,commission_rate")
    found = company.check()
    assert ("out-of-bounds" not in found.codes()) == fine
    if not fine:
        assert found.one("out-of-bounds", "partners").severity == "error"
        assert found.cells("out-of-bounds", "partners") == [(2, "commission_rate", value)]


def test_a_few_numbers_outside_their_bounds_count_as_blank(company, lines):
    company.orders(lines)
    company.write(
        "survey.csv",
        [f"C{n % 40:03d},2023-05-05,{n % 10 + 1}" for n in range(400)] + ["C001,2023-05-05,11"],
        "customer_id,answered_on,satisfaction",
    )
    data = company.open()
    survey = data.table("survey")
    assert (survey.count().execute(), survey.satisfaction.count().execute()) == (401, 400)
    assert float(survey.satisfaction.max().execute()) == 10


def test_a_few_rows_with_a_required_number_outside_its_bounds_are_set_aside(company, lines):
    company.orders(lines)
    company.write(
        "reviews.csv",
        [f"C{n % 40:03d},2023-05-05,{n % 5 + 1}" for n in range(400)] + ["C001,2023-05-05,6"],
        "customer_id,reviewed_on,rating",
    )
    found = company.check().report.found("reviews")
    assert (found.rows, found.used_rows) == (401, 400)


KEYED = {
    "products": ("product_id", ["P1", "P2", "P1"]),
    "customers": ("customer_id", ["C001", "C002", " C001"]),
    "activities": ("activity,minutes_per_event,resource", ["call,5,staff", "call,6,staff"]),
    "resources": ("resource,cost_per_month,practical_minutes_per_month", ["staff,100,50", "staff,100,50"]),
    "partners": ("partner_id,role", ["P1,carrier", "P1,supplier"]),
    "contracts": ("contract_id,customer_id,started_on", ["K1,C001,2023-05-05", "K1,C002,2023-05-05"]),
    "referrals": ("referrer_id,referred_id,referred_on", ["C001,C003,2023-05-05", "C002,C003,2023-06-05"]),
    "contacts": (
        "customer_id,campaign_id,contacted_on,arm",
        ["C001,X,2023-05-05,control", "C001,X,2023-05-06,treatment"],
    ),
}


@pytest.mark.parametrize("table", list(KEYED))
def test_a_key_that_names_two_rows_is_an_error(company, lines, table):
    header, rows = KEYED[table]
    company.orders(lines)
    company.write(f"{table}.csv", rows, header)
    found = company.check().one("duplicate-key", table)
    assert (found.severity, found.count) == ("error", 2)
    assert [cell.row for cell in found.examples] == [2, len(rows) + 1]


def test_the_same_customer_may_be_in_two_campaigns(company, lines):
    company.orders(lines)
    company.write(
        "contacts.csv", ["C001,X,2023-05-05,control", "C001,Y,2023-05-06,treatment"], KEYED["contacts"][0]
    )
    assert "duplicate-key" not in company.check().codes()


def test_references_to_nothing_are_counted_and_their_rows_stay(company, lines, total):
    company.orders(
        [f"{line},P{n % 4}" for n, line in enumerate(lines)],
        header="customer_id,ordered_at,net_amount,product_id",
    )
    company.write("products.csv", ["P0,S1", "P1,S2", "P2,"], "product_id,supplier_id")
    company.write("partners.csv", ["S1,supplier"], "partner_id,role")
    company.write("customers.csv", [f"C{n:03d}" for n in range(38)], "customer_id")
    company.write("events.csv", ["C999,2023-05-05,call"], "customer_id,occurred_on,activity")
    found = company.check()
    assert found.one("unknown-product").count == 100
    assert found.one("unknown-customer").count == 20
    assert found.one("unknown-partner", "products").count == 1
    assert found.one("unknown-customer", "events").count == 1
    assert found.cells("unknown-product")[0] == (5, "product_id", "P3")
    assert not found.codes("error") and found.ledger.total_net == total(lines)


def service(company, activities="call,5,staff", resources="staff,100,50", events="C001,2023-05-05,call"):
    """Write the three tables that the cost of service rests on."""
    company.write("events.csv", [events], "customer_id,occurred_on,activity")
    company.write("activities.csv", [activities], "activity,minutes_per_event,resource")
    company.write("resources.csv", [resources], "resource,cost_per_month,practical_minutes_per_month")


@pytest.mark.parametrize(
    ("given", "table", "code", "cell"),
    [
        ({"events": "C001,2023-05-05,visit"}, "events", "unknown-activity", (2, "activity", "visit")),
        ({"activities": "call,5,van"}, "activities", "unknown-resource", (2, "resource", "van")),
    ],
)
def test_what_service_costs_cannot_rest_on_a_reference_to_nothing(company, lines, given, table, code, cell):
    company.orders(lines)
    service(company, **given)
    found = company.check()
    assert found.codes("error") == {code} and found.cells(code, table) == [cell]
    assert found.one(code, table).remedy


@pytest.mark.parametrize(("minutes", "fine"), [("0", False), ("-50", False), ("0.01", True)])
def test_minutes_to_divide_by_are_above_zero(company, lines, minutes, fine):
    company.orders(lines)
    service(company, resources=f"staff,100,{minutes}")
    found = company.check()
    assert found.codes("error") == (set() if fine else {"out-of-bounds"})
    if not fine:
        problem = found.one("out-of-bounds", "resources")
        assert found.cells("out-of-bounds", "resources") == [(2, "practical_minutes_per_month", minutes)]
        assert "above 0" in problem.sentence and "must be above 0" in problem.remedy


def test_one_pool_without_minutes_among_many_is_an_error_too(company, lines):
    company.orders(lines)
    service(company)
    pools = [f"R{n},100,50" for n in range(999)]
    company.write(
        "resources.csv",
        ["staff,100,0", *pools],
        "resource,cost_per_month,practical_minutes_per_month",
    )
    assert company.check().codes("error") == {"out-of-bounds"}


def test_an_optional_column_with_nothing_in_it_counts_as_not_there(company, lines):
    company.orders(
        [f"{line},,web" for line in lines], header="customer_id,ordered_at,net_amount,cost_of_goods,channel"
    )
    data = company.open()
    assert not data.has("orders.cost_of_goods") and data.has("orders.channel")
    assert "cost_of_goods" not in data.orders.columns
    assert "empty-column" in {problem.code for problem in data.report.warnings}


def test_several_errors_are_all_found_in_one_check(company, lines):
    company.orders([*lines, "C001,31/01/2024,5.00"])
    company.write("products.csv", ["P1", "P1"], "product_id")
    company.write("partners.csv", ["P1"], "partner_id")
    company.write("survey.csv", "\xff", encoding="latin-1")
    assert company.check().codes("error") == {
        "mixed-date-formats",
        "duplicate-key",
        "missing-column",
        "wrong-encoding",
    }
