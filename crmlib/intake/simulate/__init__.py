"""The teaching company: every table of the contract, and the truth behind it.

`simulate` draws Casa Verbena, an invented Italian homeware retailer, at any size. The causal
chain is told module by module::

    customers     traits, expectation and performance, satisfaction, lifetime, club
    campaigns     contacts with a control arm, and whom they move or drive away
    voices        referrals, survey, reviews: all follow from satisfaction
    acquisition   when and how customers are won, and what that costs
    purchases     orders, baskets, discounts, returns
    service       deliveries, and the events that cost somebody's time
    partners      suppliers, carriers, resellers and their true quality
    truth         what no company knows: traits, true profit, effects
"""

import os
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from crmlib.errors import ParameterError
from crmlib.intake.simulate import tables, truth
from crmlib.intake.simulate.campaigns import campaign_effects, campaigns
from crmlib.intake.simulate.chunk import Chunk, draw_chunk, write_chunk
from crmlib.intake.simulate.company import RESOURCES, Window, activity_tables, seasons, window_of
from crmlib.intake.simulate.partners import inbound_deliveries, partner_quality, partners
from crmlib.intake.simulate.products import Range, product_range
from crmlib.intake.simulate.service import NO_ORDER
from crmlib.intake.simulate.write import Folder, company_folder

CHUNK = 50_000
FEWEST_CUSTOMERS, MOST_CUSTOMERS = 100, 20_000_000
FEWEST_MONTHS, MOST_MONTHS = 12, 120


def simulate(
    folder: str | os.PathLike,
    customers: int = 3000,
    seed: int = 20260630,
    months: int = 36,
    format: str = "csv",
    progress: Callable[[int, int], None] | None = None,
) -> None:
    """Write the tables of an invented company, with the truth behind them, into a folder.

    Parameters
    ----------
    folder : str or path
        A folder that does not exist yet, or is empty. It appears when everything is written.
    customers : int, default 3000
        Customers in the table `customers`, at least 100.
    seed : int, default 20260630
        The same seed, size and months give the same bytes.
    months : int, default 36
        Months of orders, ending on 30 June 2026; 12 to 120.
    format : {"csv", "parquet"}, default "csv"
    progress : callable, optional
        Called with the number of customers written and their total, after each chunk.

    Raises
    ------
    ParameterError
        If a value is out of range, or the folder holds something already.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> with tempfile.TemporaryDirectory() as place:
    ...     simulate(pathlib.Path(place) / "verbena", customers=100)
    ...     print((pathlib.Path(place) / "verbena" / "resources.csv").read_text().splitlines()[0])
    resource,cost_per_month,practical_minutes_per_month
    """
    _check("customers", customers, FEWEST_CUSTOMERS, MOST_CUSTOMERS)
    _check("seed", seed, 0, 2**63 - 1)
    _check("months", months, FEWEST_MONTHS, MOST_MONTHS)
    window, products = window_of(months), product_range()
    demand = seasons(window)
    sizes = [min(CHUNK, customers - first) for first in range(0, customers, CHUNK)]
    company_seed, *chunk_seeds = np.random.SeedSequence(seed).spawn(1 + len(sizes))
    digits = max(6, len(str(customers)))
    totals = _Totals()
    with company_folder(folder, format) as out:
        for size, chunk_seed in zip(sizes, chunk_seeds, strict=True):
            chunk = draw_chunk(chunk_seed, size, window, products, demand)
            starts = totals.customers + 1, totals.orders + 1, totals.contracts + 1
            write_chunk(out, chunk, tables.Names(window, digits, *starts), products)
            totals.add(chunk, window)
            if progress is not None:
                progress(totals.customers, customers)
        _write_company(out, np.random.default_rng(company_seed), window, products, totals)


def _check(name: str, value: int, low: int, high: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise ParameterError(f"{name} = {value!r}", f"a whole number from {low} to {high}", f"change {name}")


@dataclass
class _Totals:
    """What the chunks add up to."""

    customers: int = 0
    orders: int = 0
    contracts: int = 0
    last_year_minutes: np.ndarray = field(default_factory=lambda: np.zeros(len(RESOURCES)))
    campaign_effects: dict[str, np.ndarray] = field(default_factory=dict)
    cohorts: dict[int, np.ndarray] = field(default_factory=dict)

    def add(self, chunk: Chunk, window: Window) -> None:
        """Add one chunk."""
        people, orders, events = chunk.people, chunk.orders, chunk.events
        self.customers += people["kind"].size
        self.orders += orders["day"].size
        self.contracts += int(np.isfinite(people["club_joined"]).sum())
        # capacity is planned on what the company sees, as in the table events
        minutes, resource, _ = activity_tables()
        seen = (events["order"] == NO_ORDER) | ~orders["anonymous"][events["order"]]
        seen &= events["day"] >= window.year_edges()[0][-1]
        activity = events["activity"][seen]
        spent = minutes[activity] * events["quantity"][seen]
        self.last_year_minutes += np.bincount(resource[activity], spent, len(RESOURCES))
        effects = campaign_effects(chunk.contacts, people["response"], len(campaigns(window)))
        for name, values in effects.items():
            self.campaign_effects[name] = self.campaign_effects.get(name, 0) + values
        for quarter, sums in truth.cohort_sums(people, window).items():
            self.cohorts[quarter] = self.cohorts.get(quarter, 0) + sums


def _write_company(
    out: Folder, rng: np.random.Generator, window: Window, products: Range, totals: _Totals
) -> None:
    """Write the tables that do not grow with the customers, and the truth summed over all of them."""
    inbound = inbound_deliveries(rng, window, totals.customers)
    ids = [name for name, _, _ in campaigns(window)]
    for name, columns in (
        ("products", tables.plain_table(products.table)),
        ("partners", tables.plain_table(partners())),
        ("deliveries", tables.inbound_table(window, inbound)),
        ("activities", tables.activities_table()),
        ("resources", tables.resources_table(totals.last_year_minutes / 12)),
        ("truth/partners", tables.plain_table(partner_quality())),
        ("truth/cohorts", truth.cohorts_table(totals.cohorts)),
        ("truth/campaigns", truth.campaigns_table(ids, totals.campaign_effects)),
        ("truth/parameters", truth.parameters_table()),
    ):
        out.append(name, columns)


__all__ = ["simulate"]
