"""The bundled instance and its data dictionary.

The dictionary is computed from the contract and from the files themselves, so neither can drift
from it. ``python -m crmlib.intake.simulate.dictionary data`` writes both again.
"""

import shutil
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from crmlib.intake.contract import TABLES, Column
from crmlib.intake.simulate import simulate
from crmlib.intake.simulate.company import LAST_DAY, NAME, constant, window_of

_FEW = 14  # a text column with so few different values has them listed

_COMPANY = """\
# The bundled company: {name}

{name} is invented. It sells homeware from Vicenza: tableware, cookware, textiles, decor, lighting and
furniture, through six shops in Veneto, Lombardia and Emilia-Romagna, a web shop that delivers all over
Italy, and four resellers; a small contract business supplies hotels, restaurants and architects. Twelve
suppliers fill the warehouse, one own fleet and three carriers empty it. A club asks {fee:g} EUR a year.
The files hold a sample of its customers, with the capacity of warehouse, vans, desk, shops and field
sales that belongs to them, from {first.day} {first:%B %Y} to {last.day} {last:%B %Y}. Money is in EUR, net of tax.

Everything here was drawn by `crmlib simulate` with its default values, and can be drawn again, larger or
with another seed:

    crmlib simulate my-company --customers 100000 --seed 7 --parquet

`run.toml` tells the suite how to read the folder. `truth/` holds what no real company knows; the suite
reads it only to show how close an estimate comes, and tests use it to prove it.

How one thing leads to another: carriers, resellers and luck make performance; performance against
expectation makes satisfaction; satisfaction makes customers stay, recommend and write; who stays buys at a
rate, for a value and in categories of his own; orders cause deliveries, calls, returns and their cost.
"""

_QUIRKS = """\
## Known quirks, planted on purpose

- Sales at a till without the customer card have a blank `customer_id` (about 3 % of sales). They leave no
  row in `events`; `truth/orders_identity` says whose they were, `truth/profit` counts them.
- Customers won before the first day of the orders are in `customers` with their true `acquired_on`; their
  earlier orders are not in the data. Only those still customers on the first day are listed, and some of
  them never order again.
- What winning a customer cost before 2021 was not recorded: `acquisition_cost` is blank.
- A return is a negative line under the number of its order, on the day it came back. For {written_off:.0%} of the
  returned lines the goods cannot be sold again: their `cost_of_goods` is 0.
- A free replacement of damaged goods is a line with `net_amount` 0 and its full cost.
- A few lines appear twice in an order, because two pieces were rung up one by one. Both are real.
- Returns, deliveries and calls that would come after the last day are not there yet.
- List prices rise by {price_rise:.1%} and costs of goods by {cost_rise:.1%} every January.
- `spend_elsewhere` is a guess by the customer, rounded to tens, and missing on one sheet in four. Very
  content and very discontent customers answer more often, and write more reviews.
- Deliveries without `order_id` are those of suppliers to the warehouse.
- Club fees are in `contracts` only, not in `orders`.
- Campaigns hold out {held_out:.0%} at random. Who joined the club was not drawn at random: good customers join.
- `resources` states today's capacity; earlier years used less of it.
"""

TRUTH: dict[str, tuple[str, dict[str, str]]] = {
    "customers": (
        "a customer",
        {
            "customer_id": "The customer.",
            "kind": "Where and how the customer buys.",
            "segment": "Ordinary, small basket, heavy returner or costly contract.",
            "entry_category": "Category of the first line ever bought.",
            "purchase_rate_per_year": "Orders a year while alive, before season, club and contacts.",
            "dropout_hazard_per_year": "Rate of leaving, per year.",
            "lifetime_end": "Day the relationship ends or will end.",
            "mean_order_value": "True mean of the net value of an order, in EUR.",
            "gross_margin": "Share of net sales left after goods, over the whole period; blank without sales.",
            "expectation": "True expectation, 1 to 10.",
            "performance": "True perceived performance, 1 to 10.",
            "satisfaction": "True satisfaction, 1 to 10.",
            "failed_delivery_share": "Probability that carrier or address spoil an order, given how it is bought.",
            "contact_class": "Persuadable (a contact adds orders), sleeping dog (it drives away), or unmoved.",
            "minutes_factor": "Minutes an event really takes with this customer, times the standard.",
            "calls_factor": "Phone calls per order, times the usual.",
            "wallet_per_year": "Spent on the category a year, here and elsewhere, in EUR.",
            "share_of_wallet": "Share of the wallet spent here.",
        },
    ),
    "profit": (
        "a customer and a stretch of twelve months",
        {
            "customer_id": "The customer.",
            "year_ending": "Last day of the twelve months.",
            "sales": "Net sales after returns, purchases without card included, in EUR.",
            "cost_of_goods": "Cost of the goods, in EUR.",
            "service_cost": "Minutes really spent, at the true cost per minute, in EUR.",
            "acquisition_cost": "Cost of winning the customer, if won in these months, in EUR.",
            "profit": "Sales less these costs. Not in it: unused capacity, contacts, club fees, commission.",
            "commission": "Commission due to resellers and sales channels, in EUR, beside the profit.",
        },
    ),
    "orders_identity": (
        "an order without customer",
        {"order_id": "The order.", "customer_id": "Who really placed it."},
    ),
    "partners": (
        "a partner",
        {
            "partner_id": "The partner.",
            "late_probability": "Probability of a late delivery (carriers: at an address of ordinary difficulty).",
            "incomplete_probability": "Probability that a line (carriers: a delivery) is not complete.",
            "damaged_probability": "Probability of damage.",
            "advice_on_performance": "What a reseller's advice adds to perceived performance, in points.",
        },
    ),
    "cohorts": (
        "a quarter of acquisition",
        {
            "cohort": "Quarter; `before` for customers won before the first order day.",
            "customers": "Customers won.",
            "hazard_factor": "Dropout hazard of the cohort, times that of earlier customers: the known drift.",
            "mean_purchase_rate_per_year": "Mean of the true purchase rates.",
            "mean_satisfaction": "Mean of the true satisfaction.",
        },
    ),
    "campaigns": (
        "a campaign and a class of customers",
        {
            "campaign_id": "The campaign.",
            "contact_class": "The class.",
            "treated": "Customers contacted.",
            "control": "Customers held out.",
            "extra_orders": "Orders that would not have been placed without the contact.",
            "left_because_of_contact": "Customers whom the contact drove away.",
            "expected_extra_orders_per_contact": "Expected extra orders per contact of this class.",
            "leave_probability_per_contact": "Probability that a contact drives a customer of this class away.",
        },
    ),
    "parameters": (
        "a constant of the simulation",
        {"name": "Its name.", "value": "Its value.", "meaning": "What it does."},
    ),
}


def data_dictionary(folder: str | Path) -> str:
    """Return the data dictionary of a simulated company in `folder`, as Markdown.

    Parameters
    ----------
    folder : str or path
        A folder of CSV files written by `simulate`.

    Returns
    -------
    str
        The company in a paragraph, every table and column, the truth, the quirks.
    """
    folder, window = Path(folder), window_of(36)
    company = _COMPANY.format(name=NAME, first=window.start, last=LAST_DAY, fee=constant("club_fee"))
    parts = [company]
    parts.append("## Tables\n")
    for table in TABLES.values():
        found = _read(folder / f"{table.name}.csv")
        rows = [
            (column.name, _kind(column), column.meaning + _values(column, found)) for column in table.columns
        ]
        parts.append(_section(table.name, table.row, found.num_rows, rows))
    parts.append("## Truth\n")
    for name, (row, columns) in TRUTH.items():
        rows = [(column, "", meaning) for column, meaning in columns.items()]
        parts.append(_section(f"truth/{name}", row, _read(folder / "truth" / f"{name}.csv").num_rows, rows))
    parts.append(
        _QUIRKS.format(
            written_off=constant("return_written_off"),
            price_rise=constant("price_rise_per_year"),
            cost_rise=constant("cost_rise_per_year"),
            held_out=constant("control_share"),
        )
    )
    return "\n".join(parts)


def _kind(column: Column) -> str:
    low, high = column.bounds
    kind = column.kind
    if column.choices:
        kind = ", ".join(column.choices)
    elif low is not None and high is not None:
        kind = f"{kind}, {low:g} to {high:g}"
    elif low is not None:
        kind = f"{kind}, {'above' if column.above else 'at least'} {low:g}"
    if column.refers_to:
        kind += f" → {column.refers_to}"
    return kind + (", required" if column.required else "")


def _section(name: str, row: str, count: int, columns: list[tuple[str, str, str]]) -> str:
    with_kind = any(kind for _, kind, _ in columns)
    head = ["column", "kind", "meaning"] if with_kind else ["column", "meaning"]
    lines = [f"### {name}\n", f"One row is {row}. Rows: {count:,}.\n"]
    lines.append("| " + " | ".join(head) + " |")
    lines.append("|" + " --- |" * len(head))
    for column, kind, meaning in columns:
        cells = [f"`{column}`", kind, meaning] if with_kind else [f"`{column}`", meaning]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def _read(path: Path) -> pa.Table:
    with path.open(encoding="utf-8") as file:
        names = file.readline().strip().split(",")
    as_text = pa.csv.ConvertOptions(column_types=dict.fromkeys(names, pa.string()))
    return pa.csv.read_csv(path, convert_options=as_text)


def _values(column: Column, found: pa.Table) -> str:
    """List the words of a text column that has few of them; say so where the company has no such column."""
    if column.name not in found.column_names:
        return " Not here."
    if column.kind not in ("text", "id"):
        return ""
    values = sorted(value for value in pc.unique(found[column.name]).to_pylist() if value)
    return f" Here: {', '.join(values)}." if 1 < len(values) <= _FEW else ""


def write_bundled(folder: str | Path) -> None:
    """Draw the bundled instance again and put its tables and dictionary into `folder`.

    Other files in the folder (the run file, column maps) stay as they are.
    """
    folder = Path(folder)
    fresh = folder / ".fresh"
    shutil.rmtree(fresh, ignore_errors=True)
    simulate(fresh)
    (folder / "truth").mkdir(exist_ok=True)
    for path in sorted(fresh.rglob("*.csv")):
        path.replace(folder / path.relative_to(fresh))
    shutil.rmtree(fresh)
    (folder / "README.md").write_text(data_dictionary(folder), encoding="utf-8")


if __name__ == "__main__":
    write_bundled(sys.argv[1] if len(sys.argv) > 1 else "data")
