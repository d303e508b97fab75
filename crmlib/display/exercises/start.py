"""The exercises of notebook 00: three first numbers of any customer base."""

import pandas as pd

from crmlib.display.exercises.exercise import Exercise


def _per_customer(customers: pd.DataFrame) -> pd.Series:
    buyers = customers[customers["orders"] > 0]
    return buyers["net_sales"] / buyers["orders"]


def _active(customers: pd.DataFrame) -> int:
    return int((customers["orders"] > 0).sum())


EXERCISES = {
    "00.1": Exercise(
        answer=lambda customers, **_: customers["net_sales"].sum() / customers["orders"].sum(),
        wrong_turns=(
            (
                lambda customers, **_: _per_customer(customers).mean(),
                "You took each customer's average and then the average of these. Someone who orders once then counts "
                "as much as someone who orders every week. Divide one total by another.",
            ),
            (
                lambda customers, anonymous, **_: (
                    (customers["net_sales"].sum() + anonymous["net_sales"]) / customers["orders"].sum()
                ),
                "Your sales include those without a customer's name, your orders do not. Above and below the line "
                "must be the same people.",
            ),
            (
                lambda customers, **_: customers["net_sales"].sum() / customers["lines"].sum(),
                "That is the value of an order line. An order can have several lines.",
            ),
            (
                lambda customers, **_: customers["net_sales"].sum() / len(customers),
                "That is sales per customer. The question asks for an order.",
            ),
        ),
        hint="Begin with the two totals over all known customers: what they paid, and how often they ordered.",
    ),
    "00.2": Exercise(
        answer=lambda customers, anonymous: (
            anonymous["net_sales"] / (customers["net_sales"].sum() + anonymous["net_sales"])
        ),
        wrong_turns=(
            (
                lambda customers, anonymous: anonymous["net_sales"] / customers["net_sales"].sum(),
                "You divided by the sales to known customers. A share is a part of the whole, itself included.",
            ),
            (
                lambda customers, anonymous: (
                    anonymous["lines"] / (customers["lines"].sum() + anonymous["lines"])
                ),
                "That is a share of the order lines. The question asks for a share of the money.",
            ),
            (
                lambda customers, anonymous: (
                    100 * anonymous["net_sales"] / (customers["net_sales"].sum() + anonymous["net_sales"])
                ),
                "That is a percentage. Divide it by a hundred to give the share.",
            ),
            (
                lambda customers, anonymous: (
                    customers["net_sales"].sum() / (customers["net_sales"].sum() + anonymous["net_sales"])
                ),
                "That is the share with a name. The question asks for the rest.",
            ),
        ),
        hint="Begin with the whole: net sales with a name and without. Then ask which part of it has no name.",
    ),
    "00.3": Exercise(
        answer=lambda customers: customers["orders"].sum() / _active(customers),
        wrong_turns=(
            (
                lambda customers: customers["orders"].sum() / len(customers),
                "You counted everybody in the frame. Some of them only sent something back in the period: who placed "
                "no order is not active.",
            ),
            (
                lambda customers: customers["lines"].sum() / _active(customers),
                "Those are order lines per customer. Count orders.",
            ),
            (
                lambda customers: customers.loc[customers["orders"] > 0, "orders"].median(),
                "That is the customer in the middle. The average is pulled up by those who order often; the question "
                "asks for the average.",
            ),
            (
                lambda customers: _active(customers) / customers["orders"].sum(),
                "You have it upside down: that is customers per order.",
            ),
        ),
        hint="Begin by counting who is active: the customers with at least one order in the period.",
    ),
}
