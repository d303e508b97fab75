"""From drawn arrays to the tables of the contract, column by column."""

from dataclasses import dataclass
from datetime import date

import numpy as np
import pyarrow as pa

from crmlib.intake.simulate.acquisition import BRINGERS, WON_BY, bringer
from crmlib.intake.simulate.campaigns import campaigns
from crmlib.intake.simulate.company import (
    ACTIVITIES,
    CAPACITY_STEP_MINUTES,
    CHANNELS,
    REGIONS,
    RESOURCES,
    Columns,
    Window,
)
from crmlib.intake.simulate.company import constant as c
from crmlib.intake.simulate.partners import CARRIERS
from crmlib.intake.simulate.products import Range
from crmlib.intake.simulate.service import NO_ORDER
from crmlib.intake.simulate.write import day, identifier, money, number, words

COSTS_RECORDED_FROM = date(2021, 1, 1)  # what winning a customer cost before is not known


@dataclass(frozen=True)
class Names:
    """How rows become ids: where this chunk's numbers start and how many digits ids have."""

    window: Window
    digits: int
    first_customer: int
    first_order: int
    first_contract: int

    def customer(self, person: np.ndarray, blank: np.ndarray | None = None) -> pa.Array:
        """Return customer ids."""
        return identifier("C", person + self.first_customer, self.digits, blank)

    def order(self, order: np.ndarray, blank: np.ndarray | None = None) -> pa.Array:
        """Return order ids."""
        return identifier("O", order + self.first_order, self.digits + 1, blank)

    def day(self, number: np.ndarray) -> pa.Array:
        """Return dates."""
        return day(self.window.start, number)


def ledger(orders: Columns, lines: Columns, *later: Columns) -> Columns:
    """Put sales, returns and replacements into one ledger in order of time, then order."""
    sale = lines["order"]
    parts = [{**lines, "day": orders["day"][sale], "minute": orders["minute"][sale]}, *later]
    book = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    book["net"] = book["list"] - book["discount"]
    order = np.lexsort((book["order"], book["minute"], book["day"]))
    book = {name: values[order] for name, values in book.items()}
    book["person"] = orders["person"][book["order"]]
    return book


def orders_table(names: Names, orders: Columns, book: Columns, products: Range) -> dict[str, object]:
    """Return the table `orders`."""
    order = book["order"]
    moment = np.datetime64(names.window.start, "m") + book["day"] * 1440 + book["minute"]
    return {
        "customer_id": names.customer(book["person"], orders["anonymous"][order]),
        "ordered_at": pa.array(moment.astype("datetime64[s]")),
        "net_amount": money(book["net"]),
        "order_id": names.order(order),
        "product_id": words(tuple(products.table["product_id"]), book["product"]),
        "quantity": pa.array(book["quantity"].astype(np.int32)),
        "discount_amount": money(book["discount"]),
        "cost_of_goods": money(book["cost"]),
        "channel": words(CHANNELS, orders["channel"][order]),
    }


def customers_table(names: Names, people: Columns) -> dict[str, object]:
    """Return the table `customers`."""
    unrecorded = people["acquired"] < names.window.day_number(COSTS_RECORDED_FROM)
    return {
        "customer_id": names.customer(np.arange(people["kind"].size)),
        "acquired_on": names.day(people["acquired"]),
        "acquisition_channel": words(tuple(name for name, _ in WON_BY), people["won_by"]),
        "acquisition_cost": money(people["acquisition_cents"], unrecorded),
        "partner_id": _words_or_blank(tuple(partner for partner, *_ in BRINGERS), bringer(people)),
        "region": words(tuple(name for name, *_ in REGIONS), people["region"]),
        "club_member_since": names.day(people["club_joined"]),
    }


def _words_or_blank(names: tuple[str, ...], which: np.ndarray) -> pa.Array:
    return pa.array(names).take(pa.array(np.maximum(which, 0).astype(np.int64), mask=which < 0))


def events_table(names: Names, orders: Columns, events: Columns) -> dict[str, object]:
    """Return the table `events`: a sale without a card leaves no event with a name."""
    order = events["order"]
    known = (order == NO_ORDER) | ~orders["anonymous"][order]
    seen = {name: values[known] for name, values in events.items()}
    return {
        "customer_id": names.customer(seen["person"]),
        "occurred_on": names.day(seen["day"]),
        "activity": words(tuple(name for name, *_ in ACTIVITIES), seen["activity"]),
        "quantity": pa.array(seen["quantity"].astype(np.int32)),
        "order_id": names.order(seen["order"], seen["order"] == NO_ORDER),
    }


def contacts_table(names: Names, contacts: Columns) -> dict[str, object]:
    """Return the table `contacts`; those held out cost nothing."""
    plan = campaigns(names.window)
    order = np.lexsort((contacts["person"], contacts["day"]))
    seen = {name: values[order] for name, values in contacts.items()}
    cost = np.where(seen["treated"], round(c("contact_cost") * 100), 0)
    return {
        "customer_id": names.customer(seen["person"]),
        "campaign_id": words(tuple(name for name, _, _ in plan), seen["campaign"]),
        "contacted_on": names.day(seen["day"]),
        "arm": words(("control", "treatment"), seen["treated"]),
        "cost": money(cost),
        "action": words(tuple(action for _, _, action in plan), seen["campaign"]),
    }


def contracts_table(names: Names, people: Columns) -> dict[str, object]:
    """Return the table `contracts`: one row per club membership, renewed once a year."""
    member = np.flatnonzero(np.isfinite(people["club_joined"]))
    member = member[np.lexsort((member, people["club_joined"][member]))]
    joined, left = people["club_joined"][member], people["club_left"][member] - 1
    running = left >= names.window.days
    return {
        "contract_id": identifier("M", np.arange(member.size) + names.first_contract, names.digits),
        "customer_id": names.customer(member),
        "started_on": names.day(joined),
        "ended_on": names.day(np.where(running, np.nan, left)),
        "fee": money(np.full(member.size, round(c("club_fee") * 100))),
        "period_months": pa.array(np.full(member.size, 12, np.int32)),
    }


def survey_table(names: Names, survey: Columns) -> dict[str, object]:
    """Return the table `survey`."""
    return {
        "customer_id": names.customer(survey["person"]),
        "answered_on": names.day(survey["day"]),
        **{
            name: pa.array(survey[name].astype(np.int32))
            for name in (
                "expectation",
                "performance",
                "satisfaction",
                "value_vs_competitor",
                "recommend_0_10",
            )
        },
        "spend_elsewhere": pa.array(survey["spend_elsewhere"], mask=np.isnan(survey["spend_elsewhere"])),
    }


def referrals_table(names: Names, people: Columns) -> dict[str, object]:
    """Return the table `referrals`: the new customer's first order is the day of the referral."""
    referred = np.flatnonzero(people["referrer"] >= 0)
    referred = referred[np.argsort(people["acquired"][referred], kind="stable")]
    incentive = np.where(people["paid_referral"][referred], round(c("referral_incentive") * 100), 0)
    return {
        "referrer_id": names.customer(people["referrer"][referred]),
        "referred_id": names.customer(referred),
        "referred_on": names.day(people["acquired"][referred]),
        "incentive": money(incentive),
    }


def reviews_table(names: Names, reviews: Columns, products: Range) -> dict[str, object]:
    """Return the table `reviews`."""
    return {
        "customer_id": names.customer(reviews["person"]),
        "reviewed_on": names.day(reviews["day"]),
        "rating": pa.array(reviews["rating"].astype(np.int32)),
        "product_id": words(tuple(products.table["product_id"]), reviews["product"]),
        "helpful_votes": pa.array(reviews["helpful_votes"].astype(np.int32)),
    }


def deliveries_table(
    names: Names, people: Columns, orders: Columns, deliveries: Columns
) -> dict[str, object]:
    """Return the outbound part of the table `deliveries`; what is still on its way is not in it."""
    arrived = np.flatnonzero(deliveries["delivered"] < names.window.days)
    arrived = arrived[np.lexsort((deliveries["order"][arrived], deliveries["delivered"][arrived]))]
    seen = {name: values[arrived] for name, values in deliveries.items()}
    return {
        "partner_id": words(
            tuple(k.partner_id for k in CARRIERS), people["carrier"][orders["person"][seen["order"]]]
        ),
        "promised_on": names.day(seen["promised"]),
        "delivered_on": names.day(seen["delivered"]),
        "order_id": names.order(seen["order"]),
        "complete": pa.array(seen["complete"]),
        "damaged": pa.array(seen["damaged"]),
    }


def plain_table(columns: Columns) -> dict[str, object]:
    """Return a small table of text and shares as it is."""
    return {
        name: number(values, 4) if values.dtype.kind == "f" else pa.array(values.tolist())
        for name, values in columns.items()
    }


def inbound_table(window: Window, inbound: Columns) -> dict[str, object]:
    """Return the inbound part of the table `deliveries`."""
    return {
        "partner_id": pa.array(inbound["partner_id"].tolist()),
        "promised_on": day(window.start, inbound["promised_on"]),
        "delivered_on": day(window.start, inbound["delivered_on"]),
        "order_id": pa.nulls(inbound["complete"].size, pa.string()),
        "complete": pa.array(inbound["complete"]),
        "damaged": pa.array(inbound["damaged"]),
    }


def activities_table() -> dict[str, object]:
    """Return the table `activities`."""
    names, minutes, resources = zip(*ACTIVITIES, strict=True)
    return {"activity": list(names), "minutes_per_event": list(minutes), "resource": list(resources)}


def resources_table(used_minutes_per_month: np.ndarray) -> dict[str, object]:
    """Return the table `resources`: capacity hired so that the used share is as planned.

    The cost of a practical minute is exact whatever the size of the company, so a true cost per
    minute exists before the size of the pools is known.
    """
    names, rates, shares = zip(*RESOURCES, strict=True)
    steps = np.ceil(used_minutes_per_month / np.array(shares) / CAPACITY_STEP_MINUTES).astype(np.int64)
    minutes = np.maximum(steps, 1) * CAPACITY_STEP_MINUTES
    cents = np.rint(minutes * np.array(rates) * 100).astype(np.int64)
    return {
        "resource": list(names),
        "cost_per_month": money(cents),
        "practical_minutes_per_month": pa.array(minutes),
    }
