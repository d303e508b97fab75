"""The product range: categories, price ladders, tiers, suppliers and costs.

The range is the same in every instance, whatever its seed or size.
"""

from dataclasses import dataclass

import numpy as np

from crmlib.intake.simulate.company import Columns

CATEGORIES = ("tableware", "cookware", "textiles", "decor", "lighting", "furniture")
TABLEWARE, COOKWARE, TEXTILES, DECOR, LIGHTING, FURNITURE = range(6)
TIERS = ("entry", "core", "premium")

# products, lowest and highest list price, share of list price paid for the goods, usual pieces per line
_RANGE = {
    "tableware": (34, 1.90, 79.0, 0.465, 3),
    "cookware": (28, 3.90, 169.0, 0.505, 1),
    "textiles": (32, 2.90, 149.0, 0.445, 1),
    "decor": (30, 2.90, 119.0, 0.43, 1),
    "lighting": (20, 12.90, 299.0, 0.48, 1),
    "furniture": (20, 59.0, 1190.0, 0.53, 1),
}
_NOUNS = {
    "tableware": ("Piatto piano", "Piatto fondo", "Tazza", "Insalatiera", "Calice", "Posate"),
    "cookware": ("Padella", "Casseruola", "Teglia", "Tagliere", "Caffettiera"),
    "textiles": ("Tovaglia", "Canovaccio", "Federa", "Plaid", "Completo letto"),
    "decor": ("Vaso", "Candela", "Cornice", "Cesto", "Specchio"),
    "lighting": ("Lampada da tavolo", "Sospensione", "Applique", "Piantana"),
    "furniture": ("Sedia", "Tavolino", "Tavolo", "Madia", "Poltrona"),
}
_COLLECTIONS = ("Verbena", "Città", "L'Aquila", "Forlì", "Salò", "Ginestra", "Cefalù", "Berici")

FOLLOWS = np.array(
    # rows: entry category; columns: category of a later line. People stay near where they came in;
    # who starts with textiles roams most, who starts with cookware least.
    [
        [0.50, 0.16, 0.14, 0.14, 0.04, 0.02],
        [0.20, 0.58, 0.09, 0.08, 0.03, 0.02],
        [0.17, 0.09, 0.38, 0.22, 0.09, 0.05],
        [0.16, 0.08, 0.21, 0.43, 0.08, 0.04],
        [0.10, 0.06, 0.16, 0.22, 0.38, 0.08],
        [0.10, 0.06, 0.20, 0.22, 0.16, 0.26],
    ]
)
ENTRY_SHARES = (0.27, 0.19, 0.21, 0.19, 0.08, 0.06)
ENTRY_ON_RATE = (1.05, 0.90, 1.15, 1.05, 0.80, 0.70)  # purchase rate, times the usual
ENTRY_ON_HAZARD = (1.00, 1.15, 0.85, 1.00, 1.10, 1.05)  # dropout hazard, times the usual
ENTRY_ON_SPEND = (0.92, 0.95, 0.92, 0.90, 1.45, 1.90)  # order value, times the usual
CONTRACT_MIX = np.array([0.36, 0.16, 0.20, 0.08, 0.10, 0.10])

# partner_id, share of lines delivered complete, by supplier; two suppliers per category
SUPPLIERS = {
    "tableware": (("S01", "Ceramiche Bassano", 0.992), ("S02", "Cristalleria Murano Nuova", 0.985)),
    "cookware": (("S03", "Officine Rame Valsugana", 0.990), ("S04", "Brenta Inox", 0.982)),
    "textiles": (("S05", "Tessitura Schio", 0.993), ("S06", "Lini dell'Adda", 0.975)),
    "decor": (("S07", "Vetreria Salò", 0.985), ("S08", "Bottega Città Alta", 0.930)),
    "lighting": (("S09", "Luce Forlì", 0.984), ("S10", "Lampade Orsini", 0.970)),
    "furniture": (("S11", "Falegnameria Berici", 0.965), ("S12", "Mobili dell'Aquila", 0.945)),
}


@dataclass(frozen=True)
class Range:
    """The product range as arrays, sorted by category, then by price.

    `table` holds the contract's columns; `category`, `tier`, `list_price` and `unit_cost` (EUR at
    the prices of 2023), `fill_rate`, `pieces` are one value per product; `first` and `count` locate
    a category's ladder; `ladder` is category * 100 + log(price), ascending, to find a price by search.
    """

    table: Columns
    category: np.ndarray
    tier: np.ndarray
    list_price: np.ndarray
    unit_cost: np.ndarray
    fill_rate: np.ndarray
    pieces: np.ndarray
    first: np.ndarray
    count: np.ndarray
    ladder: np.ndarray


def product_range() -> Range:
    """Return the range. Prices climb each category's ladder; costs fall as a share with the tier."""
    rng = np.random.default_rng(20230701)
    rows: dict[str, list] = {
        key: [] for key in ("name", "category", "tier", "supplier", "price", "cost", "fill")
    }
    counts = []
    for number, (category, (count, low, high, cost_share, _)) in enumerate(_RANGE.items()):
        steps = np.arange(count) / (count - 1)
        # just under a round price, as on a label; cumulative maximum keeps the ladder ascending
        price = np.exp(np.log(low) + steps * np.log(high / low) + rng.normal(0, 0.04, count))
        price = np.maximum.accumulate(np.round(price) - 0.10)
        tier = np.minimum((steps * 3).astype(int), 2)
        cost = price * (cost_share + np.array([0.05, 0.0, -0.05])[tier] + rng.normal(0, 0.02, count))
        per_noun = -(-count // len(_NOUNS[category]))  # cheap nouns first, as prices climb
        names = [
            f"{noun} {collection}" for noun in _NOUNS[category] for collection in _COLLECTIONS[:per_noun]
        ]
        supplier = (rng.random(count) < 0.4).astype(int)
        rows["name"] += names[:count]
        rows["category"] += [number] * count
        rows["tier"] += tier.tolist()
        rows["supplier"] += [SUPPLIERS[category][s][0] for s in supplier]
        rows["fill"] += [SUPPLIERS[category][s][2] for s in supplier]
        rows["price"] += price.tolist()
        rows["cost"] += np.round(cost, 2).tolist()
        counts.append(count)
    category, tier = np.array(rows["category"]), np.array(rows["tier"])
    price = np.array(rows["price"])
    table = {
        "product_id": np.array([f"P{number + 1:04d}" for number in range(len(price))], object),
        "name": np.array(rows["name"], object),
        "category": np.array(CATEGORIES, object)[category],
        "tier": np.array(TIERS, object)[tier],
        "supplier_id": np.array(rows["supplier"], object),
    }
    first = np.concatenate([[0], np.cumsum(counts)[:-1]])
    return Range(
        table,
        category,
        tier,
        price,
        np.array(rows["cost"]),
        np.array(rows["fill"]),
        np.array([pieces for *_, pieces in _RANGE.values()]),
        first,
        np.array(counts),
        category * 100 + np.log(price),
    )
