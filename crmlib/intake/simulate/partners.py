"""Partners: suppliers, carriers, resellers and sales channels, with the quality nobody tells us."""

from dataclasses import dataclass

import numpy as np

from crmlib.intake.simulate.company import REGIONS, Columns, Window
from crmlib.intake.simulate.products import SUPPLIERS


@dataclass(frozen=True)
class Carrier:
    """A carrier and its true quality at an address of ordinary difficulty."""

    partner_id: str
    name: str
    lead_days: int
    late: float
    damaged: float
    incomplete: float


CARRIERS = (
    Carrier("K01", "Furgoni Verbena", 2, 0.035, 0.006, 0.002),
    Carrier("K02", "Corriere Dolomiti", 2, 0.075, 0.012, 0.004),
    Carrier("K03", "Freccia Adriatica", 3, 0.100, 0.015, 0.005),
    Carrier("K04", "Sud Espresso", 4, 0.260, 0.040, 0.015),
)
CARRIER_OF_REGION = np.array(
    [[carrier.partner_id for carrier in CARRIERS].index(carrier) for _, _, carrier, _ in REGIONS]
)

RESELLERS = (
    # id, name, commission, share of the reseller households, quality of advice on performance
    ("R01", "Casa Più Padova", 0.14, 0.34, 0.1),
    ("R02", "Arredamenti L'Aquila", 0.16, 0.22, -0.3),
    ("R03", "Idee Casa Trento", 0.15, 0.26, 0.3),
    ("R04", "Bottega Forlì", 0.18, 0.18, -0.9),
)
SALES_CHANNELS = (
    # id, name, commission; who brings web customers
    ("V01", "Mercato Casa Online", 0.10),
    ("V02", "Liste Nozze & Doni", 0.08),
)

_SUPPLIER_LATE = {"S06": 0.16, "S08": 0.30, "S11": 0.18, "S12": 0.26}
_SUPPLIER_LATE_USUAL = 0.06


def partners() -> Columns:
    """Return the table `partners`."""
    rows = [(c.partner_id, "carrier", c.name, np.nan) for c in CARRIERS]
    rows += [(p, "reseller", name, rate) for p, name, rate, _, _ in RESELLERS]
    rows += [(s, "supplier", name, np.nan) for pair in SUPPLIERS.values() for s, name, _ in pair]
    rows += [(p, "channel", name, rate) for p, name, rate in SALES_CHANNELS]
    ids, roles, names, rates = zip(*rows, strict=True)
    return {
        "partner_id": np.array(ids, object),
        "role": np.array(roles, object),
        "name": np.array(names, object),
        "commission_rate": np.array(rates),
    }


def partner_quality() -> Columns:
    """Return the truth about partners: probabilities at an ordinary address, lift of performance."""
    rows = [(c.partner_id, c.late, c.incomplete, c.damaged, np.nan) for c in CARRIERS]
    rows += [(p, np.nan, np.nan, np.nan, quality) for p, _, _, _, quality in RESELLERS]
    rows += [
        (s, _SUPPLIER_LATE.get(s, _SUPPLIER_LATE_USUAL), round(1 - fill, 4), np.nan, np.nan)
        for pair in SUPPLIERS.values()
        for s, _, fill in pair
    ]
    ids, late, incomplete, damaged, advice = zip(*rows, strict=True)
    return {
        "partner_id": np.array(ids, object),
        "late_probability": np.array(late),
        "incomplete_probability": np.array(incomplete),
        "damaged_probability": np.array(damaged),
        "advice_on_performance": np.array(advice),
    }


def inbound_deliveries(rng: np.random.Generator, window: Window, customers: int) -> Columns:
    """Deliveries of the suppliers to the warehouse, without order: partner, days, complete, damaged.

    A supplier comes two to forty times a month, depending on the size of the company.
    """
    suppliers = [(s, fill) for pair in SUPPLIERS.values() for s, _, fill in pair]
    per_month = int(np.clip(round(customers / 1500), 2, 40))
    count = max(1, round(per_month * window.days / 30.4375))
    partner = np.repeat(np.arange(len(suppliers)), count)
    late_share = np.array([_SUPPLIER_LATE.get(s, _SUPPLIER_LATE_USUAL) for s, _ in suppliers])[partner]
    promised = rng.integers(0, window.days, partner.size)
    late = rng.random(partner.size) < late_share
    delivered = promised + np.where(
        late, rng.geometric(0.25, partner.size), -rng.integers(0, 2, partner.size)
    )
    fill = np.array([fill for _, fill in suppliers])[partner]
    rows = {
        "partner_id": np.array([s for s, _ in suppliers], object)[partner],
        "promised_on": promised,
        "delivered_on": delivered,
        # an inbound delivery holds several products: complete only if the three that matter are there
        "complete": rng.random(partner.size) < fill**3,
        "damaged": rng.random(partner.size) < 0.012,
    }
    inside = (delivered >= 0) & (delivered < window.days)
    order = np.lexsort((rows["partner_id"].astype(str), promised, delivered))
    order = order[inside[order]]
    return {name: values[order] for name, values in rows.items()}
