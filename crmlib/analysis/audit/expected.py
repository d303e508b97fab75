"""What deserves a second look: key figures beside the range in which they usually lie.

The ranges are rules of thumb of this project, wide on purpose. A figure outside its range is
not wrong; it is the first place to look for wrong data, or for what makes this company different.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import ibis
import pandas as pd

from crmlib.analysis.ledger import Ledger
from crmlib.analysis.period import Period


@dataclass(frozen=True)
class Expectation:
    """Where a figure usually lies, and what to ask if it does not."""

    label: str
    low: float
    high: float
    ask: str


EXPECTED = {
    "unnamed": Expectation(
        "Sales without a customer's name", 0.0, 0.05, "Which tills or channels sell to people without a name?"
    ),
    "returned": Expectation(
        "Sales taken back", 0.0, 0.15, "Are these returns, or corrections of wrong bookings?"
    ),
    "margin": Expectation(
        "Gross margin on net sales", 0.1, 0.8, "Are costs of goods complete and in the same currency?"
    ),
    "largest": Expectation(
        "Sales to the largest customer", 0.0, 0.05, "Is it one customer, or a collecting account?"
    ),
    "top_tenth": Expectation(
        "Sales to the best tenth of customers", 0.2, 0.65, "Do companies and households share one list?"
    ),
    "one_order": Expectation(
        "Active customers with one order",
        0.15,
        0.7,
        "Does everybody get a new number with each order, or none?",
    ),
    "busiest_day": Expectation("Sales on the busiest day", 0.0, 0.05, "Were many orders booked on one day?"),
    "retention": Expectation(
        "Retention between the periods", 0.3, 0.9, "Do customer numbers survive from year to year?"
    ),
    "last_window": Expectation(
        "Sales of the last window against a year earlier", 0.7, 1.4, "Are the last days complete?"
    ),
    "first_cohort": Expectation(
        "Size of the first cohort against the median", 0.5, 1.5, "Are earlier customers counted as new?"
    ),
}


def second_looks(figures: Mapping[str, float]) -> pd.DataFrame:
    """Set figures beside their expected range.

    Parameters
    ----------
    figures : mapping of str to float
        Values by key of `EXPECTED`; shares and ratios, 0 to 1 or above. Those that are missing
        or not known are left out.

    Returns
    -------
    DataFrame
        Indexed by key: ``label``, ``value``, ``low``, ``high``, ``inside`` (bool) and ``ask``.

    Examples
    --------
    >>> second_looks({"largest": 0.12, "margin": 0.4})["inside"].to_dict()
    {'margin': True, 'largest': False}
    """
    rows = {
        name: (
            rule.label,
            float(figures[name]),
            rule.low,
            rule.high,
            rule.low <= figures[name] <= rule.high,
            rule.ask,
        )
        for name, rule in EXPECTED.items()
        if name in figures and pd.notna(figures[name])
    }
    columns = ["label", "value", "low", "high", "inside", "ask"]
    return pd.DataFrame.from_dict(rows, orient="index", columns=columns)


def base_figures(
    book: Ledger,
    now: pd.DataFrame,
    days: pd.Series,
    retention: float,
    windows: pd.Series,
    sizes: pd.Series,
    per_year: int,
) -> dict[str, float]:
    """Compute the figures that `second_looks` judges.

    Parameters
    ----------
    book : Ledger
        Of the period.
    now : DataFrame
        Customers of the period, as returned by `Base.customers_in`.
    days : Series
        Net sales of the period by day, as returned by `sales_by_day`.
    retention : float
        Share retained between the periods; NaN if not known.
    windows : Series
        Net sales by whole window, the last one last.
    sizes : Series
        Customers by cohort, the oldest first, those won before left out.
    per_year : int
        Windows in a year.
    """
    sales, total = now["net_sales"], book.total
    buyers = now[now["orders"] > 0]
    top = sales.nlargest(max(1, round(len(buyers) / 10))).sum()
    known = float(sales.sum())
    yearly = len(windows) > per_year
    return {
        "unnamed": _part(book.anonymous["net_sales"], total["net_sales"]),
        "returned": _part(-total["returns"], total["net_sales"] - total["returns"]),
        "margin": _part(total["gross_margin"], total["net_sales"]),
        "largest": _part(sales.max(), known),
        "top_tenth": _part(top, known),
        "one_order": float((buyers["orders"] == 1).mean()),
        "busiest_day": _part(days.max(), days.sum()),
        "retention": retention,
        "last_window": _part(windows.iloc[-1], windows.iloc[-1 - per_year]) if yearly else float("nan"),
        "first_cohort": _part(sizes.iloc[0], sizes.iloc[1:].median()) if len(sizes) > 2 else float("nan"),
    }


def _part(above: float, below: float) -> float:
    return float(above / below) if below > 0 else float("nan")


def sales_by_day(lines: ibis.Table, period: Period) -> pd.Series:
    """Add up net sales of a period by day, sales without a name included."""
    within = lines.filter(period.covers(lines.day))
    days = within.group_by("day").agg(net_sales=ibis._.net_sales.sum().cast("float64")).order_by("day")
    return days.execute().set_index("day")["net_sales"]
