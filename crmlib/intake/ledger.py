"""Checks of the order lines: the totals everything must add up to, and what casts doubt on them."""

import calendar
import datetime as dt

from crmlib.intake.checks import day_blocks
from crmlib.intake.inspection import SHOWN, TOLERATED, Inspection
from crmlib.intake.landing import ROW
from crmlib.intake.report import Ledger, examples
from crmlib.intake.sql import ident, rows
from crmlib.intake.wording import counted, money, share

# The last month counts as complete if the orders reach its last three days (Sundays, holidays).
MONTH_END_DAYS = 3
# So many days without an order, and then only a few: probably a wrong date.
LONELY_DAYS = 90
# More than this many times the new customers of the next 30 days: most of the first were customers before.
CENSORED_RATIO = 1.5


def check_ledger(orders: Inspection, currency: str) -> Ledger:
    """Check the order lines and return their totals."""
    facts = orders.one(f"""
        SELECT count(*) AS n, coalesce(sum(net_amount), 0) AS net,
            count(*) FILTER (customer_id IS NULL) AS anonymous,
            coalesce(sum(net_amount) FILTER (customer_id IS NULL), 0) AS anonymous_net,
            count(*) FILTER (net_amount < 0) AS negative,
            coalesce(sum(net_amount) FILTER (net_amount < 0), 0) AS negative_net,
            count(*) FILTER (net_amount = 0) AS zero,
            CAST(min(ordered_at) AS DATE) AS first, CAST(max(ordered_at) AS DATE) AS last
        FROM {orders.sql}
    """)
    ledger = Ledger(
        total_net=facts["net"],
        anonymous_net=facts["anonymous_net"],
        anonymous_rows=facts["anonymous"],
        returns_net=facts["negative_net"],
        returns_rows=facts["negative"],
        set_aside_net=orders.set_aside_net,
        set_aside_rows=orders.set_aside_rows,
    )
    if not facts["n"] or not orders.usable("net_amount"):
        return ledger
    _anonymous(orders, ledger, facts["n"], currency)
    gross = facts["net"] - facts["negative_net"]
    if facts["negative"]:
        orders.add(
            "returns",
            "note",
            f"{counted(facts['negative'], 'line', facts['n'], 'are')} negative (returns, "
            f"cancellations, corrections): {money(facts['negative_net'], currency)}, "
            f"{share(-facts['negative_net'], gross)} of the sales before them.",
            count=facts["negative"],
            net=facts["negative_net"],
        )
    if facts["zero"]:
        orders.add(
            "zero-amounts",
            "note",
            f"{counted(facts['zero'], 'line', facts['n'], 'have')} an amount of zero, such as gifts and samples.",
            count=facts["zero"],
            examples=orders.raw_cells("net_amount", "net_amount = 0"),
        )
    if orders.usable("ordered_at"):
        _last_month(orders, facts["last"])
        _lonely_end(orders)
    check_repeats(orders, currency)
    return ledger


def _anonymous(orders: Inspection, ledger: Ledger, lines: int, currency: str) -> None:
    if not ledger.anonymous_rows:
        return
    everything = ledger.anonymous_rows == lines
    orders.add(
        "missing-customer",
        "error" if everything else "warning",
        f"{counted(ledger.anonymous_rows, 'line', lines, 'name')} no customer: "
        f"{money(ledger.anonymous_net, currency)}, {share(ledger.anonymous_net, ledger.total_net)} of net sales. "
        "They count in totals and are left out wherever customers are looked at.",
        "Map the right column."
        if everything
        else "Find out which sales these are: a shop till, one channel, guests.",
        count=ledger.anonymous_rows,
        net=ledger.anonymous_net,
        examples=orders.raw_cells("customer_id", "customer_id IS NULL"),
    )


def _last_month(orders: Inspection, last: dt.date) -> None:
    days = calendar.monthrange(last.year, last.month)[1]
    if last.day <= days - MONTH_END_DAYS:
        orders.add(
            "partial-last-month",
            "note",
            f"The last month, {last:%Y-%m}, is not complete: the orders end on "
            f"{last}, day {last.day} of {days}.",
            "Do not compare it with whole months.",
        )


def _lonely_end(orders: Inspection) -> None:
    """Doubt a few orders long after all others: a typing error there moves the last known day."""
    *_, before, last = [None, *day_blocks(orders, "ordered_at", LONELY_DAYS)]
    if before is None or last[2] > TOLERATED * orders.rows:
        return
    condition = f"CAST(ordered_at AS DATE) >= DATE '{last[0]}'"
    orders.add(
        "lonely-end",
        "warning",
        f"{counted(last[2], 'line', orders.rows, 'lie')} {(last[0] - before[1]).days} days "
        f"after all others, which end on {before[1]}. The last of them, {last[1]}, counts as the last known day.",
        f"Correct the dates if they are wrong, or run with as_of = {before[1]}.",
        count=last[2],
        examples=orders.raw_cells("ordered_at", condition),
    )


def check_repeats(orders: Inspection, currency: str) -> None:
    """Report lines that repeat another one in every column; they stay, since genuine repeats exist.

    The lines are compared by a hash first, and only those whose hash repeats by their contents.
    """
    columns = ", ".join(ident(name) for name in orders.sources)
    hashes = f"SELECT hash({columns}) AS h FROM {orders.sql}"
    suspects = f"(SELECT h FROM ({hashes}) GROUP BY h HAVING count(*) > 1)"
    orders.connection.execute(
        f"CREATE OR REPLACE TEMP TABLE suspects AS SELECT {ROW}, {columns} FROM {orders.sql} "
        f"WHERE hash({columns}) IN {suspects}"
    )
    rest = [
        name for name in orders.landed.types if not any(name in names for names in orders.sources.values())
    ]
    everything = ", ".join(
        [f"s.{ident(name)}" for name in orders.sources] + [f"l.{ident(name)}" for name in rest]
    )
    same = f"PARTITION BY {everything} ORDER BY {ROW}"
    repeats = (
        f"(SELECT {ROW}, s.net_amount, row_number() OVER ({same}) AS nth, first({ROW}) OVER ({same}) AS first "
        f"FROM suspects AS s JOIN {orders.landed.relation} AS l USING ({ROW}))"
    )
    found = orders.one(f"SELECT count(*) AS n, sum(net_amount) AS net FROM {repeats} WHERE nth > 1")
    if found["n"]:
        cells = rows(
            orders.connection, f"SELECT {ROW}, first FROM {repeats} WHERE nth > 1 ORDER BY 1 LIMIT {SHOWN}"
        )
        orders.add(
            "repeated-lines",
            "warning",
            f"{counted(found['n'], 'line', orders.rows, 'repeat')} an earlier line in every column: "
            f"{money(found['net'], currency)}. They stay, because the same thing can be bought twice.",
            "If a file was exported or loaded twice, remove the second copy.",
            count=found["n"],
            net=found["net"],
            examples=examples([(row, "", f"same as row {first:,}") for row, first in cells]),
        )
    orders.connection.execute("DROP TABLE suspects")


def check_beginning(orders: Inspection, customers: Inspection | None) -> None:
    """Report customers who were probably customers before the first order in the data."""
    if not orders.usable("ordered_at"):
        return
    first_orders, start = orders.customers, f"(SELECT CAST(min(ordered_at) AS DATE) FROM {orders.sql})"
    if customers is not None and customers.usable("acquired_on"):
        found = orders.one(f"""
            SELECT count(*) FILTER (acquired_on < {start}) AS before, count(*) FILTER (acquired_on > day) AS late,
                count(*) AS n
            FROM {first_orders} JOIN {customers.sql} USING (customer_id)
        """)
        if found["before"]:
            customers.add(
                "acquired-before",
                "note",
                f"{counted(found['before'], 'customer', found['n'], 'have')} an "
                "acquired_on before the first order in the data; what they bought earlier is not known.",
                count=found["before"],
                share=found["before"] / found["n"],
            )
        if found["late"]:
            late = (
                f"EXISTS (SELECT 1 FROM {first_orders} AS o WHERE o.customer_id = {customers.sql}.customer_id "
                "AND o.day < acquired_on)"
            )
            customers.add(
                "acquired-late",
                "warning",
                f"{counted(found['late'], 'customer', found['n'])} ordered before the day in acquired_on.",
                "Correct acquired_on, or leave it blank.",
                count=found["late"],
                share=found["late"] / found["n"],
                examples=customers.cells("acquired_on", late),
            )
        return
    found = orders.one(f"""
        SELECT count(*) AS n, count(*) FILTER (day < {start} + 30) AS first,
            count(*) FILTER (day >= {start} + 30 AND day < {start} + 60) AS second, max(day) - {start} AS days
        FROM {first_orders}
    """)
    if found["days"] and found["days"] >= 60 and found["first"] > CENSORED_RATIO * found["second"]:
        orders.add(
            "left-censored",
            "warning",
            f"{counted(found['first'], 'customer', found['n'], 'appear')} first in the first 30 days, against "
            f"{found['second']:,} in the next 30: many of them were customers before the data begin, so their first "
            "order is not known.",
            "Add a table customers with acquired_on, or do not count them as new customers.",
            count=found["first"],
            share=found["first"] / found["n"],
        )


def check_later_days(orders: Inspection, others: dict[str, Inspection]) -> None:
    """Note rows of other tables that happened after the last order."""
    last = f"(SELECT CAST(max(ordered_at) AS DATE) FROM {orders.sql})"
    for other in others.values():
        column = other.table.happens
        if other is orders or not orders.usable("ordered_at") or not other.usable(column):
            continue
        condition = f"CAST({ident(column)} AS DATE) > {last}"
        count = other.one(f"SELECT count(*) AS n FROM {other.sql} WHERE {condition}")["n"]
        if count:
            other.add(
                "after-last-order",
                "note",
                f"{counted(count, 'row', other.rows, 'are')} dated after the last order; "
                "nothing looks at what lies there.",
                count=count,
                examples=other.cells(column, condition),
            )
