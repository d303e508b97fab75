"""One chunk of customers: drawn in memory, step by step, then written table by table.

A chunk knows nothing of the others: its draws depend on its own random streams only, so memory
stays bounded and a company of any size is the same bytes every time. Referrals stay within it.
"""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from crmlib.intake.simulate import tables, truth
from crmlib.intake.simulate.acquisition import acquisition_days, draw_acquisition
from crmlib.intake.simulate.campaigns import contact
from crmlib.intake.simulate.company import Columns, Window
from crmlib.intake.simulate.company import constant as c
from crmlib.intake.simulate.customers import draw_people, join_club, kinds_of
from crmlib.intake.simulate.products import Range
from crmlib.intake.simulate.purchases import FIRST_CHANNEL, draw_lines, draw_orders, draw_returns, open_day
from crmlib.intake.simulate.service import deliver, draw_events, draw_replacements
from crmlib.intake.simulate.voices import draw_referrers, draw_reviews, draw_survey
from crmlib.intake.simulate.write import Folder, money

_BEFORE = 0.45  # share of customers won before a window of 36 months
_DAYS_OF_36_MONTHS = 1096
# a new step goes to the end: the streams of the others then stay what they are
_STEPS = (
    "kinds",
    "people",
    "contacts",
    "referrers",
    "referred",
    "club",
    "acquisition",
    "orders",
    "lines",
    "deliveries",
    "replacements",
    "returns",
    "events",
    "survey",
    "reviews",
    "incentives",
)


@dataclass(frozen=True)
class Chunk:
    """All that was drawn for some customers. Rows refer to each other by position."""

    people: Columns
    contacts: Columns
    orders: Columns
    lines: Columns
    deliveries: Columns
    returns: Columns
    events: Columns
    ledger: Columns
    survey: Columns
    reviews: Columns


def draw_chunk(
    seed: np.random.SeedSequence, size: int, window: Window, products: Range, demand: Columns
) -> Chunk:
    """Draw `size` customers and all that happens to them."""
    # one stream per step: a change in one step leaves the draws of the others alone
    streams = {
        name: np.random.default_rng(child)
        for name, child in zip(_STEPS, seed.spawn(len(_STEPS)), strict=True)
    }
    people, contacts, extra = _draw_customers(streams, size, window, demand)
    orders = draw_orders(streams["orders"], people, extra, window, demand)
    lines = draw_lines(streams["lines"], people, orders, products, window)
    deliveries = deliver(streams["deliveries"], people, orders, lines, products, window)
    replacements = draw_replacements(streams["replacements"], lines, deliveries, window)
    returns = draw_returns(streams["returns"], people, orders, lines, window)
    return Chunk(
        people=people,
        contacts=contacts,
        orders=orders,
        lines=lines,
        deliveries=deliveries,
        returns=returns,
        events=draw_events(streams["events"], people, orders, lines, returns, deliveries, products, window),
        ledger=tables.ledger(orders, lines, returns, replacements),
        survey=draw_survey(streams["survey"], people, window),
        reviews=draw_reviews(streams["reviews"], people, orders, lines, window),
    )


def _draw_customers(
    streams: dict[str, np.random.Generator], size: int, window: Window, demand: Columns
) -> tuple[Columns, Columns, Columns]:
    """Draw people, their contacts and the orders those cause; people in the order they were won."""
    new_share = (1 - _BEFORE) * window.days / _DAYS_OF_36_MONTHS
    before = round(size * _BEFORE / (_BEFORE + new_share))
    referred = round((size - before) * c("referred_share"))
    kind = kinds_of(streams["kinds"], size - referred)  # in random order
    old, new = kind[:before], kind[before:]
    rng = streams["people"]
    people = _stack(
        draw_people(rng, old, None),
        draw_people(rng, new, acquisition_days(rng, new, demand)),
    )
    people["referrer"] = np.full(kind.size, -1)
    contacts, extra = contact(streams["contacts"], people, window)
    friends_of_customers = round(0.8 * referred)
    for count in (friends_of_customers, referred - friends_of_customers):  # then friends of friends
        referrer, day = draw_referrers(streams["referrers"], people, window, count)
        traits = {name: values[referrer] for name, values in people.items()}
        day = open_day(day, FIRST_CHANNEL[traits["kind"]], demand)
        friends = draw_people(streams["referred"], traits["kind"], day.astype(float), traits)
        friends["referrer"] = referrer
        more_contacts, more_extra = contact(streams["contacts"], friends, window)
        for more in (more_contacts, more_extra):
            more["person"] += people["kind"].size
        contacts, extra = _stack(contacts, more_contacts), _stack(extra, more_extra)
        people = _stack(people, friends)
    join_club(streams["club"], people, window)
    draw_acquisition(streams["acquisition"], people)
    people["paid_referral"] = streams["incentives"].random(size) < c("referral_paid_share")
    return _in_order_won(people, contacts, extra)


def _stack(first: Columns, second: Columns) -> Columns:
    return {name: np.concatenate([first[name], second[name]]) for name in first}


def _in_order_won(people: Columns, contacts: Columns, extra: Columns) -> tuple[Columns, Columns, Columns]:
    order = np.argsort(people["acquired"], kind="stable")
    place = np.empty_like(order)
    place[order] = np.arange(order.size)
    people = {name: values[order] for name, values in people.items()}
    referrer = people["referrer"]
    people["referrer"] = np.where(referrer >= 0, place[referrer], -1)
    contacts["person"], extra["person"] = place[contacts["person"]], place[extra["person"]]
    return people, contacts, extra


def write_chunk(out: Folder, chunk: Chunk, names: tables.Names, products: Range) -> None:
    """Append the chunk to the tables of the company and to their truth."""
    people, orders, window = chunk.people, chunk.orders, names.window
    for name, columns in (
        ("orders", tables.orders_table(names, orders, chunk.ledger, products)),
        ("customers", tables.customers_table(names, people)),
        ("events", tables.events_table(names, orders, chunk.events)),
        ("deliveries", tables.deliveries_table(names, people, orders, chunk.deliveries)),
        ("contacts", tables.contacts_table(names, chunk.contacts)),
        ("contracts", tables.contracts_table(names, people)),
        ("survey", tables.survey_table(names, chunk.survey)),
        ("reviews", tables.reviews_table(names, chunk.reviews, products)),
        ("referrals", tables.referrals_table(names, people)),
    ):
        out.append(name, columns)

    everyone = np.arange(people["kind"].size)
    out.append(
        "truth/customers",
        {"customer_id": names.customer(everyone), **truth.traits(people, chunk.ledger, window)},
    )
    profit = truth.profit_per_year(people, orders, chunk.ledger, chunk.events, window)
    endings = np.array(window.year_edges()[1], "datetime64[D]")
    out.append(
        "truth/profit",
        {
            "customer_id": names.customer(profit.pop("person")),
            "year_ending": pa.array(endings[profit.pop("year")]),
            **{name: money(cents) for name, cents in profit.items()},
        },
    )
    nameless = np.flatnonzero(orders["anonymous"])
    out.append(
        "truth/orders_identity",
        {"order_id": names.order(nameless), "customer_id": names.customer(orders["person"][nameless])},
    )
