"""The teaching company: every table of the contract, and the truth behind it.

`simulate` draws Casa Verbena, an invented Italian homeware retailer, at any size. Customers are
drawn in chunks, each with its own random stream, so memory stays bounded and the same seed gives
the same bytes. See the modules for the causal chain: `customers` (traits, satisfaction, lifetime),
`campaigns`, `voices` (referrals, survey, reviews), `purchases`, `service`, `partners`, `truth`.
"""

import os
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from crmlib.errors import ParameterError
from crmlib.intake.simulate import tables, truth
from crmlib.intake.simulate.campaigns import campaign_effects, campaigns, contact
from crmlib.intake.simulate.company import (
    CHANNELS,
    CONTRACT,
    RESOURCES,
    WEB,
    Columns,
    Window,
    activity_tables,
    seasons,
    window_of,
)
from crmlib.intake.simulate.company import constant as c
from crmlib.intake.simulate.customers import draw_people, join_club, kinds_of
from crmlib.intake.simulate.partners import inbound_deliveries, partner_quality, partners
from crmlib.intake.simulate.products import Range, product_range
from crmlib.intake.simulate.purchases import FIRST_CHANNEL, draw_lines, draw_orders, draw_returns
from crmlib.intake.simulate.service import NO_ORDER, deliver, draw_events, draw_replacements
from crmlib.intake.simulate.voices import draw_referrers, draw_reviews, draw_survey
from crmlib.intake.simulate.write import Folder, company_folder

CHUNK = 50_000
FEWEST_CUSTOMERS = 100
_BEFORE = 0.45  # share of customers won before a window of 36 months
_STEPS = ("kinds", "people", "contacts", "referrers", "referred", "club", "acquisition", "orders",
          "lines", "deliveries", "replacements", "returns", "events", "survey", "reviews", "paid")


def simulate(
    folder: str | os.PathLike,
    customers: int = 3000,
    seed: int = 20260630,
    months: int = 36,
    format: str = "csv",
) -> None:
    """Write the tables of an invented company, with the truth behind them, into a folder.

    Parameters
    ----------
    folder : str or path
        A folder that does not exist yet, or is empty. It appears when everything is written.
    customers : int, default 3000
        Customers in the table `customers`, at least 100.
    seed : int, default 20260630
        The same seed and size give the same bytes.
    months : int, default 36
        Months of orders, ending on 30 June 2026; 12 to 120.
    format : {"csv", "parquet"}, default "csv"

    Raises
    ------
    ParameterError
        If a value is out of range, or the folder holds something already.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> with tempfile.TemporaryDirectory() as place:
    ...     simulate(pathlib.Path(place) / "verbena", customers=100)
    ...     print((pathlib.Path(place) / "verbena" / "orders.csv").read_text().splitlines()[0])
    customer_id,ordered_at,net_amount,order_id,product_id,quantity,discount_amount,cost_of_goods,channel
    """
    _check("customers", customers, FEWEST_CUSTOMERS, 10_000_000)
    _check("months", months, 12, 120)
    _check("seed", seed, 0, 2**63)
    window, products = window_of(months), product_range()
    sizes = [min(CHUNK, customers - first) for first in range(0, customers, CHUNK)]
    company_seed, *chunk_seeds = np.random.SeedSequence(seed).spawn(1 + len(sizes))
    demand = seasons(window)
    with company_folder(folder, format) as out:
        totals = _Totals.empty(window)
        digits = max(6, len(str(customers)))
        for size, chunk_seed in zip(sizes, chunk_seeds, strict=True):
            names = tables.Names(window, totals.customers + 1, digits, totals.orders + 1, digits + 1,
                                 totals.contracts + 1)
            _write_chunk(out, size, chunk_seed, names, products, demand, totals)
        _write_company(out, np.random.default_rng(company_seed), window, products, totals)


def _check(name: str, value: int, low: int, high: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise ParameterError(f"{name} = {value!r}", f"a whole number from {low} to {high}", f"change {name}")


@dataclass
class _Totals:
    """What the chunks add up to."""

    customers: int
    orders: int
    contracts: int
    last_year_minutes: np.ndarray
    campaign_effects: dict[str, np.ndarray]
    cohorts: dict[int, np.ndarray]

    @classmethod
    def empty(cls, window: Window) -> "_Totals":
        return cls(0, 0, 0, np.zeros(len(RESOURCES)), {}, {})


def _streams(seed: np.random.SeedSequence) -> dict[str, np.random.Generator]:
    """One stream per step: a change in one step leaves the draws of the others alone."""
    return {name: np.random.default_rng(child) for name, child in
            zip(_STEPS, seed.spawn(len(_STEPS)), strict=True)}


def _draw_customers(
    streams: dict[str, np.random.Generator], size: int, window: Window, demand: Columns
) -> tuple[Columns, Columns, Columns]:
    """Draw people, contacts and extra orders of one chunk; people in the order they were won."""
    flow = (1 - _BEFORE) * window.days / 1096
    before = round(size * _BEFORE / (_BEFORE + flow))
    referred = round((size - before) * c("referred_share"))
    kind = kinds_of(streams["kinds"], size - referred)
    is_before = np.zeros(kind.size, bool)
    is_before[:before] = True  # kinds are in random order
    rng = streams["people"]
    old = draw_people(rng, kind[is_before], None)
    new = draw_people(rng, kind[~is_before], _acquisition_days(rng, kind[~is_before], demand))
    people = _stack(old, new)
    people["referrer"] = np.full(kind.size, -1)
    contacts, extra = contact(streams["contacts"], people, window)
    for share in (0.8, 1.0):  # friends of friends, once
        missing = size - people["kind"].size if share == 1.0 else round(referred * share)
        referrer, day = draw_referrers(streams["referrers"], people, window, missing)
        traits = {name: values[referrer] for name, values in people.items()}
        friends = draw_people(streams["referred"], traits["kind"], day.astype(float), traits)
        friends["referrer"] = referrer
        more_contacts, more_extra = contact(streams["contacts"], friends, window)
        shift = people["kind"].size
        contacts = _stack(contacts, {**more_contacts, "person": more_contacts["person"] + shift})
        extra = _stack(extra, {**more_extra, "person": more_extra["person"] + shift})
        people = _stack(people, friends)
    join_club(streams["club"], people, window)
    tables.draw_acquisition(streams["acquisition"], people)
    return _in_order_won(people, contacts, extra)


def _acquisition_days(rng: np.random.Generator, kind: np.ndarray, demand: Columns) -> np.ndarray:
    """Days on which customers are won: with the season, on open days of their first channel."""
    day = np.empty(kind.size)
    channel = FIRST_CHANNEL[kind]
    for number, name in enumerate(CHANNELS):
        mine, cumulated = channel == number, demand[name]
        position = rng.random(mine.sum()) * cumulated[-1]
        day[mine] = np.interp(position, cumulated, np.arange(cumulated.size))
    return np.minimum(np.floor(day), demand["all"].size - 2)


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


def _write_chunk(
    out: Folder, size: int, seed: np.random.SeedSequence, names: tables.Names, products: Range,
    demand: Columns, totals: _Totals,
) -> None:
    window, streams = names.window, _streams(seed)
    people, contacts, extra = _draw_customers(streams, size, window, demand)
    orders = draw_orders(streams["orders"], people, extra, window, demand)
    lines = draw_lines(streams["lines"], people, orders, products, window)
    deliveries = deliver(streams["deliveries"], people, orders, lines, products)
    replacements = draw_replacements(streams["replacements"], orders, lines, deliveries, window)
    returns = draw_returns(streams["returns"], people, orders, lines, window)
    events = draw_events(streams["events"], people, orders, lines, returns, deliveries, products, window)
    book = tables.ledger(orders, lines, returns, replacements)

    out.append("orders", tables.orders_table(names, orders, book, products))
    out.append("customers", tables.customers_table(names, people))
    out.append("events", tables.events_table(names, orders, events))
    out.append("deliveries", tables.deliveries_table(names, people, orders, deliveries))
    out.append("contacts", tables.contacts_table(names, contacts))
    out.append("contracts", tables.contracts_table(names, people))
    survey = draw_survey(streams["survey"], people, orders, window)
    out.append("survey", tables.survey_table(names, survey))
    out.append("reviews", tables.reviews_table(
        names, draw_reviews(streams["reviews"], people, orders, lines, window), products))
    paid = streams["paid"].random(size) < 0.5
    out.append("referrals", tables.referrals_table(names, people, paid))

    out.append("truth/customers", truth.customers_truth(
        people, book, names.customer(np.arange(size)), window))
    year = truth.profit_per_year(people, book, events, people["acquisition_cents"], window)
    ends = np.array(window.year_edges()[1], "datetime64[D]")
    out.append("truth/profit", {
        "customer_id": names.customer(year["person"]),
        "year_ending": pa.array(ends[year["year"]]),
        **{name: tables.money(year[name]) for name in
           ("sales", "cost_of_goods", "service_cost", "acquisition_cost", "profit")},
    })
    nameless = np.flatnonzero(orders["anonymous"])
    out.append("truth/orders_identity", {
        "order_id": names.order(nameless), "customer_id": names.customer(orders["person"][nameless])})
    _add_up(totals, people, contacts, orders, events, window)


def _add_up(
    totals: _Totals, people: Columns, contacts: Columns, orders: Columns, events: Columns, window: Window
) -> None:
    totals.customers += people["kind"].size
    totals.orders += orders["day"].size
    totals.contracts += int(np.isfinite(people["club_joined"]).sum())
    minutes, resource, _ = activity_tables()
    seen = (events["order"] == NO_ORDER) | ~orders["anonymous"][events["order"]]
    seen &= events["day"] >= window.year_edges()[0][-1]
    activity = events["activity"][seen]
    totals.last_year_minutes += np.bincount(
        resource[activity], minutes[activity] * events["quantity"][seen], len(RESOURCES))
    for name, values in campaign_effects(contacts, people["response"], len(campaigns(window))).items():
        totals.campaign_effects[name] = totals.campaign_effects.get(name, 0) + values
    for quarter, sums in truth.cohort_sums(people, window).items():
        totals.cohorts[quarter] = totals.cohorts.get(quarter, 0) + sums


def _write_company(
    out: Folder, rng: np.random.Generator, window: Window, products: Range, totals: _Totals
) -> None:
    out.append("products", tables.products_table(products))
    out.append("partners", tables.partners_table(partners()))
    out.append("deliveries", tables.inbound_table(window, inbound_deliveries(rng, window, totals.customers)))
    out.append("activities", tables.activities_table())
    out.append("resources", tables.resources_table(totals.last_year_minutes / 12))
    out.append("truth/partners", tables.partners_table(partner_quality()))
    out.append("truth/cohorts", truth.cohorts_table(totals.cohorts))
    out.append("truth/campaigns", truth.campaigns_table(
        [name for name, _, _ in campaigns(window)], totals.campaign_effects))
    out.append("truth/parameters", truth.parameters_table())


__all__ = ["simulate"]
assert CONTRACT and WEB == 0  # channel and kind share the number of the web
