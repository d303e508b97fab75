"""What must change nothing: the order of rows, names, how an order is written down, and all that came later."""

import csv
import datetime as dt
import random
from dataclasses import asdict, is_dataclass
from decimal import Decimal

import pandas as pd
import pytest

from crmlib.analysis.audit.customer_days import customer_base
from crmlib.analysis.audit.windows import Windows
from crmlib.analysis.ledger import order_lines
from crmlib.analysis.period import Period
from crmlib.intake import open_data

FIRST, AS_OF = dt.date(2025, 1, 1), dt.date(2026, 7, 31)
LATER = Period.ending(AS_OF, 6)
HALVES = LATER.previous(), LATER
NAMES = ("orders", "customers", "events", "activities", "resources")


def alike(one, two, exact=False):
    """Compare what lenses return: frames, series, numbers, dataclasses of them."""
    if isinstance(one, pd.DataFrame):
        pd.testing.assert_frame_equal(one, two, check_exact=exact, check_dtype=exact, rtol=1e-9, atol=1e-6)
    elif isinstance(one, pd.Series):
        pd.testing.assert_series_equal(one, two, check_exact=exact, rtol=1e-9, atol=1e-6)
    elif is_dataclass(one):
        alike(asdict(one), asdict(two), exact)
    elif isinstance(one, dict):
        assert one.keys() == two.keys()
        for name in one:
            alike(one[name], two[name], exact)
    elif isinstance(one, tuple | float):
        assert one == pytest.approx(two, rel=0 if exact else 1e-9, abs=0 if exact else 1e-6, nan_ok=True)
    else:
        assert one == two


@pytest.fixture(scope="module")
def rows(untidy):
    """An untidy company; of a third of its customers nobody wrote down when they were won."""
    drawn = untidy(21, customers=400, lines=700)
    drawn.customers = [
        row | {"acquired_on": None} if number % 3 == 0 else row for number, row in enumerate(drawn.customers)
    ]
    return drawn


@pytest.fixture(scope="module")
def look(tables, lenses):
    """Return a function that looks at rows through all lenses."""

    def through(rows, **changed):
        made = tables(**({name: getattr(rows, name) for name in NAMES} | changed))
        windows = Windows.back_from(AS_OF, 3, FIRST)
        return lenses(customer_base(made, order_lines(made("orders"), 0.35), windows, 3), HALVES)

    return through


@pytest.fixture(scope="module")
def expected(rows, look):
    return look(rows)


def shuffled(values, seed):
    values = values[:]
    random.Random(seed).shuffle(values)
    return values


def test_the_lenses_see_something(expected):
    """Lest the other tests compare nothing with nothing."""
    for name, value in expected.items():
        assert value is not None and len(value if not is_dataclass(value) else asdict(value)), name
    assert {"retained", "lost", "new", "back"} <= set(expected["change"]["group"])
    assert (expected["members"]["cohort"] == -1).any() and expected["ages"]["customers"].sum() > 20


def test_the_order_of_the_rows_changes_not_a_bit(rows, look, expected):
    found = look(rows, **{name: shuffled(getattr(rows, name), number) for number, name in enumerate(NAMES)})
    alike(found, expected, exact=True)


@pytest.mark.parametrize(
    "rename", [lambda n: f"z é {n:02d}|'", lambda n: f"q{997 * (n + 1) % 1009}"], ids=["kept", "turned"]
)
def test_names_of_customers_change_nothing_but_the_names(rows, look, expected, rename):
    def named(who):
        return None if who is None else rename(int(who[1:]))

    back = {named(f"K{n:02d}"): f"K{n:02d}" for n in range(410)}
    found = look(rows, **{
        name: [row | {"customer_id": named(row["customer_id"])} for row in getattr(rows, name)]
        for name in ("orders", "customers", "events")
    })  # fmt: skip
    for name in ("year", "before", "now", "members", "change"):
        found[name] = found[name].rename(index=back).sort_index()
    found["list"]["customer_id"] = found["list"]["customer_id"].map(back)
    found["list"] = found["list"].sort_values("customer_id", ignore_index=True)
    alike(found, expected)


def test_orders_written_in_more_lines_are_the_same_orders(rows, look, expected):
    """Each line in three: amounts, discounts and costs add up to the same."""
    split = []
    for row in rows.orders:
        parts = [{}, {}, {}]
        for name in ("net_amount", "discount_amount", "cost_of_goods"):
            whole = None if row.get(name) is None else Decimal(row[name])
            third = None if whole is None else (whole / 3).quantize(Decimal("0.01"))
            for part, value in zip(parts, [third, third, whole and whole - 2 * third], strict=True):
                part[name] = whole if whole is None or whole == 0 else value
        for part in parts if Decimal(row["net_amount"]) else [{}]:
            split.append(row | part)
    alike(look(rows, orders=split), expected)


def test_without_order_numbers_all_of_a_day_is_one_order(rows, look):
    """Where nobody has two orders on a day, numbers add nothing, even if each line had its own day."""
    days, single = set(), []
    for number, row in enumerate(rows.orders):
        key = row["customer_id"], row["ordered_at"][:10]
        if key not in days:
            days.add(key)
            single.append(row | {"order_id": f"N{number}"})
    events = [event | {"order_id": None} for event in rows.events]
    numbered = look(rows, orders=single, events=events)
    alike(
        look(rows, orders=[row | {"order_id": None} for row in single], events=events), numbered, exact=True
    )
    bare = [{name: value for name, value in row.items() if name != "order_id"} for row in single]
    alike(look(rows, orders=bare, events=events), numbered, exact=True)


# Nothing later is known -----------------------------------------------------------------------------

CUT = dt.date(2026, 3, 31)


def write(folder, tables):
    folder.mkdir()
    for name, rows in tables.items():
        columns = list(dict.fromkeys(key for row in rows for key in row))
        with (folder / f"{name}.csv").open("w", newline="", encoding="utf-8") as stream:
            table = csv.DictWriter(stream, columns)
            table.writeheader()
            table.writerows(rows)
    (folder / "run.toml").write_text('name = "Untidy"\nsource = "."\ncurrency = "EUR"\ngross_margin = 0.35\n')
    return folder


@pytest.fixture(scope="module")
def at(tmp_path_factory, lenses):
    """Return a function that looks at a folder of files as of `CUT` through all lenses."""
    place = tmp_path_factory.mktemp("later")

    def through(name, tables):
        data = open_data(write(place / name, tables) / "run.toml", CUT, place / "cache")
        windows = Windows.back_from(data.as_of, 3, data.first_day)
        base = customer_base(data.table, order_lines(data.orders, data.gross_margin), windows, 3)
        now = Period.ending(CUT, 6)
        return lenses(base, (now.previous(), now))

    return through


def test_what_came_later_is_not_known(rows, at):
    """The future cut off, and the future mixed up, leave every lens as it was, to the last bit."""
    dates = {"orders": "ordered_at", "customers": "acquired_on", "events": "occurred_on"}
    anchor = {
        "customer_id": None,
        "ordered_at": f"{CUT} 09:00:00",
        "net_amount": "1.00",
        "order_id": "anchor",
    }
    whole = {name: getattr(rows, name) for name in NAMES}
    whole["orders"] = [*rows.orders, anchor]
    past, wild, random_ = dict(whole), dict(whole), random.Random(5)
    for name, column in dates.items():
        past[name] = [row for row in whole[name] if (row[column] or "")[:10] <= str(CUT)]
        late = [row for row in whole[name] if (row[column] or "")[:10] > str(CUT)]
        assert late and past[name]
        if name == "customers":
            changed = [row | {"acquisition_cost": 99, "acquired_on": "2026-05-05"} for row in late]
        else:
            who = [f"K{random_.randrange(410):02d}" for _ in late]
            changed = [row | {"customer_id": name} for row, name in zip(late, who, strict=True)]
            changed += [row | {"customer_id": f"late {number}"} for number, row in enumerate(late)]
            for row in changed:
                row |= {"net_amount": 7777, "order_id": "O0001"} if name == "orders" else {"quantity": 50}
        wild[name] = shuffled([*past[name], *changed], 6)
    expected = at("whole", whole)
    alike(at("past", past), expected, exact=True)
    alike(at("wild", wild), expected, exact=True)
    assert not any("late" in who for who in expected["members"].index)
