"""Which features there are, what each means, and what it needs: the one place that says so.

A snapshot makes the features whose tables and columns are there; words for people are made from the same list.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from crmlib.analysis.churn.purchase_features import recent_half
from crmlib.analysis.churn.reasons import Wording
from crmlib.errors import ParameterError

#: Months looked back by sums, the longest last: it is also that of shares, of breadth and of the trend.
LOOK_BACK_MONTHS = (3, 12)


@dataclass(frozen=True)
class Feature:
    """One feature.

    Attributes
    ----------
    name, meaning, unit : str
    needs : tuple of str
        Tables, or ``table.column``, without which it is left out.
    wording : Wording
        How its value is told of a customer.
    """

    name: str
    meaning: str
    unit: str
    needs: tuple[str, ...]
    wording: Wording


def features_of(look_back_months: Sequence[int] = LOOK_BACK_MONTHS) -> tuple[Feature, ...]:
    """List all features, in the order of the columns.

    Parameters
    ----------
    look_back_months : sequence of int
        Months looked back, rising.

    Returns
    -------
    tuple of Feature

    Examples
    --------
    >>> [one.name for one in features_of((12,)) if "12m" in one.name][:4]
    ['orders_12m', 'purchase_days_12m', 'net_sales_12m', 'gross_margin_12m']
    """
    months = tuple(look_back_months)
    if not months or any(one < 1 for one in months) or list(months) != sorted(set(months)):
        raise ParameterError(
            f"look_back_months = {list(months)}", "whole months, rising", "write for example [3, 12]"
        )
    longest, half = months[-1], recent_half(months[-1])
    rows: list[tuple[str, str, str, str, str, str]] = [
        ("recency_days", "Days since the last purchase", "days", "orders",
         "last purchase {value} days ago (typically {typical})", ""),
        ("tenure_days", "Days since the relationship began: the day of winning, else the first purchase that is known",
         "days", "orders", "customer for {value} days (typically {typical})", ""),
        ("cadence_days", "Usual days from one purchase to the next: their mean so far", "days", "orders",
         "usually {value} days between purchases (typically {typical})", "bought on one day only"),
        ("cadence_ratio", "Days since the last purchase over the usual days between purchases", "ratio", "orders",
         "silent for {value} times the own usual gap (typically {typical})", "bought on one day only"),
        ("longest_gap_days", "Longest wait between two purchases so far", "days", "orders",
         "longest pause so far {value} days (typically {typical})", "bought on one day only"),
    ]  # fmt: skip
    for name, meaning, unit, needs, words in (
        ("orders", "Orders", "orders", "orders", "{value} orders"),
        ("purchase_days", "Days with a purchase", "days", "orders", "bought on {value} days"),
        ("net_sales", "Net sales, returns taken off", "currency", "orders", "spent {value}"),
        ("gross_margin", "Gross margin", "currency", "orders.cost_of_goods", "brought {value} of margin"),
    ):
        typical = "{typical}"
        rows += [
            (f"{name}_{one}m", f"{meaning} in the last {one} months", unit, needs,
             f"{words} in the last {one} months (typically {typical})", "")
            for one in months
        ]  # fmt: skip
    year = f"in the last {longest} months"
    against = f"the last {half} against the {longest - half} months before"
    rows += [
        ("trend_orders", f"Orders, {against}: difference over sum, from -1 to 1", "index", "orders",
         f"trend of orders {{value:+.0%}} ({against}; typically {{typical:+.0%}})", f"no order {year}"),
        ("trend_sales", f"Net sales, {against}: difference over sum, from -1 to 1", "index", "orders",
         f"trend of spending {{value:+.0%}} ({against}; typically {{typical:+.0%}})", f"nothing spent {year}"),
        ("return_share", f"Returns over sales {year}", "share", "orders",
         "sent back {value:.0%} of sales (typically {typical:.0%})", f"no sales {year}"),
        ("discount_share", f"Discounts over list sales {year}", "share", "orders.discount_amount",
         "discounts of {value:.0%} (typically {typical:.0%})", f"no sales {year}"),
        ("products", f"Different products bought {year}", "products", "orders.product_id",
         f"bought {{value}} different products {year} (typically {{typical}})", ""),
        ("categories", f"Different categories bought {year}", "categories", "orders.product_id products.category",
         f"bought from {{value}} categories {year} (typically {{typical}})", ""),
        ("channels", f"Different channels bought through {year}; of a day, the first by alphabet", "channels",
         "orders.channel", f"used {{value}} channels {year} (typically {{typical}})", ""),
        ("main_channel", f"Channel of most purchase days {year}; of equals, the first by alphabet", "name",
         "orders.channel", "buys mostly through {value} (typically {typical})", f"no channel known {year}"),
        ("acquisition_channel", "How the customer was won", "name", "customers.acquisition_channel",
         "won through {value} (typically {typical})", "how the customer was won is not known"),
        ("region", "Where the customer lives or trades", "name", "customers.region",
         "lives in {value} (typically {typical})", "region not known"),
        ("club", "Whether the customer had joined the club", "name", "customers.club_member_since",
         "{value} of the club (typically {typical})", "whether in the club is not known"),
        ("contracts_running", "Contracts that run at the end of the day", "contracts", "contracts",
         "{value} contracts run (typically {typical})", ""),
        ("service_contacts_3m", "Calls, visits and complaints in the last 3 months", "contacts", "events",
         "{value} service contacts in 3 months (typically {typical})", ""),
        ("service_contacts_12m", "Calls, visits and complaints in the last 12 months", "contacts", "events",
         "{value} service contacts in 12 months (typically {typical})", ""),
        ("complaints_3m", "Complaints in the last 3 months", "complaints", "events",
         "{value} complaints in 3 months (typically {typical})", ""),
        ("complaints_12m", "Complaints in the last 12 months", "complaints", "events",
         "{value} complaints in 12 months (typically {typical})", ""),
        ("satisfaction", "Satisfaction in the last answer", "1 to 10", "survey.satisfaction",
         "satisfaction {value} (typically {typical})", "never answered a survey"),
        ("satisfaction_age_days", "Days since that answer", "days", "survey.satisfaction",
         "last answered {value} days ago (typically {typical})", "never answered a survey"),
        ("recommend", "Likelihood to recommend in the last answer", "0 to 10", "survey.recommend_0_10",
         "would recommend: {value} of 10 (typically {typical})", "never said whether to recommend"),
        ("reviews_12m", "Reviews written in the last 12 months", "reviews", "reviews",
         "wrote {value} reviews in 12 months (typically {typical})", ""),
        ("rating", "Mean rating of the reviews of the last 12 months", "1 to 5", "reviews",
         "gave {value} stars (typically {typical})", "wrote no review in 12 months"),
        ("referrals_made", "Customers brought so far", "customers", "referrals",
         "brought {value} customers (typically {typical})", ""),
        ("campaigns_12m", "Campaigns the customer was contacted in, in the last 12 months", "campaigns", "contacts",
         "contacted {value} times in 12 months (typically {typical})", ""),
        ("campaign_age_days", "Days since the last contact of a campaign", "days", "contacts",
         "last contacted {value} days ago (typically {typical})", "never contacted"),
        ("p_alive", "Chance that the customer is still active, by a model of repeat buying fitted on what was known",
         "chance", "orders", "still active with a chance of {value:.0%} (typically {typical:.0%})",
         "no history to tell from"),
    ]  # fmt: skip
    return tuple(
        Feature(name, meaning, unit, tuple(needs.split()), Wording(known, missing))
        for name, meaning, unit, needs, known, missing in rows
    )


def feature_catalogue(look_back_months: Sequence[int] = LOOK_BACK_MONTHS) -> pd.DataFrame:
    """Tell each feature in words.

    Parameters
    ----------
    look_back_months : sequence of int

    Returns
    -------
    DataFrame
        Indexed by ``feature``: ``meaning``, ``unit``, ``needs`` (tables and columns, in one text).

    Examples
    --------
    >>> feature_catalogue().loc["cadence_ratio", "meaning"]
    'Days since the last purchase over the usual days between purchases'
    """
    rows = {one.name: (one.meaning, one.unit, ", ".join(one.needs)) for one in features_of(look_back_months)}
    found = pd.DataFrame.from_dict(rows, orient="index", columns=["meaning", "unit", "needs"])
    return found.rename_axis("feature")


def wordings(look_back_months: Sequence[int] = LOOK_BACK_MONTHS) -> dict[str, Wording]:
    """Words of each feature for `crmlib.analysis.churn.reasons.explain_customers`.

    Parameters
    ----------
    look_back_months : sequence of int

    Returns
    -------
    dict of str to Wording

    Examples
    --------
    >>> wordings()["orders_3m"].known.format(value=1, typical=4)
    '1 orders in the last 3 months (typically 4)'
    """
    return {one.name: one.wording for one in features_of(look_back_months)}
