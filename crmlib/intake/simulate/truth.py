"""The truth folder: what no company knows about its customers, and we do."""

import numpy as np

from crmlib.intake.simulate.acquisition import BRINGERS, bringer
from crmlib.intake.simulate.company import (
    ACTIVITIES,
    BY_RESELLER,
    CONTACT_CLASSES,
    KINDS,
    PARAMETERS,
    REGIONS,
    RESELLER,
    RESOURCES,
    SLEEPING_DOG,
    Columns,
    Window,
    activity_tables,
)
from crmlib.intake.simulate.company import constant as c
from crmlib.intake.simulate.customers import cohort_hazard
from crmlib.intake.simulate.products import (
    CATEGORIES,
    ENTRY_ON_HAZARD,
    ENTRY_ON_RATE,
    ENTRY_ON_SPEND,
    FOLLOWS,
)
from crmlib.intake.simulate.service import true_minutes
from crmlib.intake.simulate.write import day, number, words

_LATEST = 36_500.0  # a lifetime longer than this is cut, so that it remains a date


def profit_per_year(
    people: Columns, orders: Columns, ledger: Columns, events: Columns, window: Window
) -> Columns:
    """True profit per customer and 12-month stretch ending with the window's last day.

    Sales include purchases rung up without a card, service is counted at the minutes it really
    took and the true cost per minute, acquisition in the stretch in which the customer was won.
    Commission of partners is given beside the profit, not taken off it.

    Returns
    -------
    Columns
        ``person``, ``year`` (number of the stretch), and in cents ``sales``, ``cost_of_goods``,
        ``service_cost``, ``acquisition_cost``, ``profit``, ``commission``; only rows in which
        anything happened.
    """
    edges = np.array(window.year_edges()[0])
    years, n = edges.size, people["kind"].size

    def cell(person: np.ndarray, days: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        year = np.searchsorted(edges, days, side="right") - 1
        inside = year >= 0
        return (person * years + year)[inside], inside

    def total(person: np.ndarray, days: np.ndarray, cents: np.ndarray) -> np.ndarray:
        where, inside = cell(person, days)
        return np.bincount(where, cents[inside], n * years)  # exact below 2**53 cents

    _, _, rate = activity_tables()
    cost = true_minutes(people, events) * rate[events["activity"]] * 100
    everyone = np.arange(n)
    won = people["acquired"] >= 0
    sums = {
        "sales": total(ledger["person"], ledger["day"], ledger["net"]),
        "cost_of_goods": total(ledger["person"], ledger["day"], ledger["cost"]),
        "service_cost": np.rint(total(events["person"], events["day"], cost)),
        "acquisition_cost": total(everyone[won], people["acquired"][won], people["acquisition_cents"][won]),
        "commission": np.rint(total(ledger["person"], ledger["day"], _commission(people, orders, ledger))),
    }
    happened = sum(np.abs(values) for values in sums.values()) > 0
    row = np.flatnonzero(happened)
    table = {name: values[row].astype(np.int64) for name, values in sums.items()}
    commission = table.pop("commission")
    sales, *costs = table.values()
    return {
        "person": row // years,
        "year": row % years,
        **table,
        "profit": sales - sum(costs),
        "commission": commission,
    }


def _commission(people: Columns, orders: Columns, ledger: Columns) -> np.ndarray:
    """Commission in cents per ledger line: resellers on all they sell, sales channels on first orders."""
    rate = np.append([rate for _, rate in BRINGERS], 0.0)[bringer(people)][ledger["person"]]
    by_reseller = orders["channel"][ledger["order"]] == BY_RESELLER
    brought = (people["kind"][ledger["person"]] != RESELLER) & orders["first"][ledger["order"]]
    return np.where(by_reseller | brought, rate * ledger["net"], 0.0)


def traits(people: Columns, ledger: Columns, window: Window) -> dict[str, object]:
    """Return the columns of `truth/customers`, one row per customer."""
    n = people["kind"].size
    sales = np.bincount(ledger["person"], ledger["net"], n)
    cost = np.bincount(ledger["person"], ledger["cost"], n)
    with np.errstate(divide="ignore", invalid="ignore"):
        margin = np.where(sales > 0, 1 - cost / sales, np.nan)
    segment = np.select([people["costly"], people["heavy_returner"], people["small_basket"]], [1, 2, 3], 0)
    return {
        "kind": words(KINDS, people["kind"]),
        "segment": words(("ordinary", "costly contract", "heavy returner", "small basket"), segment),
        "entry_category": words(CATEGORIES, people["entry"]),
        "purchase_rate_per_year": number(people["rate"], 3),
        "dropout_hazard_per_year": number(people["hazard"], 4),
        "lifetime_end": day(window.start, np.floor(np.minimum(people["lifetime_end"], _LATEST))),
        "mean_order_value": number(people["order_value"], 2),
        "gross_margin": number(margin, 4),
        "expectation": number(people["expectation"], 2),
        "performance": number(people["performance"], 2),
        "satisfaction": number(people["satisfaction"], 2),
        "failed_delivery_share": number(people["failed_delivery_share"], 4),
        "contact_class": words(CONTACT_CLASSES, people["response"]),
        "minutes_factor": number(people["minutes_factor"], 3),
        "calls_factor": number(people["hunger"], 3),
        "wallet_per_year": number(people["wallet"], 0),
        "share_of_wallet": number(people["wallet_share"], 3),
    }


def cohort_number(acquired: np.ndarray, window: Window) -> np.ndarray:
    """Quarters since year 0 for customers won in the window, 0 for those won before."""
    days = np.datetime64(window.start) + np.maximum(acquired, 0).astype(int)
    month = days.astype("datetime64[M]").astype(int) + 1970 * 12
    return np.where(acquired < 0, 0, month // 3)


def cohort_sums(people: Columns, window: Window) -> dict[int, np.ndarray]:
    """Per cohort: customers, sum of true hazard factors, of purchase rates, of satisfaction."""
    quarter, place = np.unique(cohort_number(people["acquired"], window), return_inverse=True)
    values = (np.ones(place.size), cohort_hazard(people["acquired"]), people["rate"], people["satisfaction"])
    sums = np.stack([np.bincount(place, value) for value in values], axis=1)
    return dict(zip(quarter.tolist(), sums, strict=True))


def cohorts_table(sums: dict[int, np.ndarray]) -> dict[str, object]:
    """Return the table `truth/cohorts` from the sums of all chunks."""
    quarters = sorted(sums)
    total = np.array([sums[quarter] for quarter in quarters])
    names = ["before" if q == 0 else f"{q // 4}-Q{q % 4 + 1}" for q in quarters]
    return {
        "cohort": names,
        "customers": total[:, 0].astype(int),
        "hazard_factor": number(total[:, 1] / total[:, 0], 4),
        "mean_purchase_rate_per_year": number(total[:, 2] / total[:, 0], 3),
        "mean_satisfaction": number(total[:, 3] / total[:, 0], 3),
    }


def campaigns_table(ids: list[str], effects: dict[str, np.ndarray]) -> dict[str, object]:
    """Return the table `truth/campaigns`: one row per campaign and class."""
    classes = len(CONTACT_CLASSES)
    extra = np.where(np.arange(classes) == 1, c("persuadable_extra_orders"), 0.0)
    leave = np.where(np.arange(classes) == SLEEPING_DOG, c("sleeping_dog_leaves"), 0.0)
    return {
        "campaign_id": [name for name in ids for _ in range(classes)],
        "contact_class": list(CONTACT_CLASSES) * len(ids),
        **{name: values.ravel().astype(int) for name, values in effects.items()},
        "expected_extra_orders_per_contact": np.tile(extra, len(ids)),
        "leave_probability_per_contact": np.tile(leave, len(ids)),
    }


def parameters_table() -> dict[str, object]:
    """Return the table `truth/parameters`: every constant by name, value and meaning."""
    rows = [(name, value, meaning) for name, (value, meaning) in PARAMETERS.items()]
    for i, category in enumerate(CATEGORIES):
        rows.append((f"entry_{category}_on_rate", ENTRY_ON_RATE[i], "purchase rate by first category"))
        rows.append((f"entry_{category}_on_hazard", ENTRY_ON_HAZARD[i], "dropout hazard by first category"))
        rows.append((f"entry_{category}_on_spend", ENTRY_ON_SPEND[i], "order value by first category"))
        for j, later in enumerate(CATEGORIES):
            rows.append(
                (f"{category}_then_{later}", float(FOLLOWS[i, j]), "share of later lines by first category")
            )
    rows += [
        (f"minutes {name}", minutes, f"standard minutes; done by {by}") for name, minutes, by in ACTIVITIES
    ]
    rows += [(f"rate {name}", rate, "true cost per minute in EUR") for name, rate, _ in RESOURCES]
    rows += [
        (f"travel {name}", travel, "factor on delivery and visit minutes") for name, _, _, travel in REGIONS
    ]
    names, values, meanings = zip(*rows, strict=True)
    return {"name": list(names), "value": [f"{value:g}" for value in values], "meaning": list(meanings)}
