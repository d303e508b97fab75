"""What clusters are made from: columns of customers, transformed and put on one scale, each step stated."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from scipy.stats import rankdata

from crmlib.analysis.segments.customer_numbers import customer_numbers, refuse_constant, refuse_few
from crmlib.errors import ParameterError

#: What each transform does to a column, for the reader.
TRANSFORMS = {
    "plain": "as it is",
    "log": "sign · log(1 + size / unit), the unit being the median size of the values other than 0",
    "rank": "share of customers below, equal values half counted",
}
#: What each scaling does to a transformed column.
SCALINGS = {
    "standard": "less its mean, divided by its standard deviation",
    "robust": "less its median, divided by its interquartile range (by its standard deviation where that is 0)",
    "none": "as it is",
}
Transform = Literal["plain", "log", "rank"]


@dataclass(frozen=True)
class ClusterFeatures:
    """Customers as points.

    Attributes
    ----------
    original : DataFrame
        Columns as they were, indexed by customer.
    scaled : DataFrame
        The same, transformed and scaled.
    steps : DataFrame
        Indexed by ``column``: ``transform`` (key of `TRANSFORMS`), ``unit`` (of log; else NaN), ``scaling`` (key of
        `SCALINGS`), ``middle`` and ``spread`` (taken off and divided by).
    """

    original: pd.DataFrame
    scaled: pd.DataFrame
    steps: pd.DataFrame


def cluster_features(
    customers: pd.DataFrame, transforms: Mapping[str, Transform], scaling: str = "standard"
) -> ClusterFeatures:
    """Transform and scale columns of customers.

    Parameters
    ----------
    customers : DataFrame of shape (n_customers, ...)
        Indexed by customer; numbers, losses allowed.
    transforms : mapping of str to {'plain', 'log', 'rank'}
        The columns to use, and what is done to each; see `TRANSFORMS`. Skewed money takes ``log``.
    scaling : {'standard', 'robust', 'none'}
        See `SCALINGS`.

    Returns
    -------
    ClusterFeatures

    Raises
    ------
    DataError
        If a column or a value is missing, or a customer stands twice.
    ParameterError
        If no column is named, or a transform or the scaling is unknown.
    TooLittleData
        If there are fewer than two customers, or a column has the same value for all.

    Notes
    -----
    The logarithm takes losses and does not depend on the currency, since money is measured in its own median.
    Definition of this project.

    Examples
    --------
    >>> people = pd.DataFrame({"profit": [-10.0, 0.0, 10.0, 30.0], "orders": [1, 2, 3, 6]}, index=list("ABCD"))
    >>> found = cluster_features(people, {"profit": "log", "orders": "rank"}, scaling="none")
    >>> found.scaled.round(3).to_numpy().tolist()
    [[-0.693, 0.125], [0.0, 0.375], [0.693, 0.625], [1.386, 0.875]]
    """
    if not transforms or scaling not in SCALINGS or set(transforms.values()) - set(TRANSFORMS):
        raise ParameterError(
            f"transforms = {dict(transforms)}, scaling = {scaling!r}",
            f"columns with {', '.join(TRANSFORMS)}, and a scaling of {', '.join(SCALINGS)}",
            "name at least one column, and a known transform for each",
        )
    values = customer_numbers(customers, list(transforms))
    refuse_few(len(customers), 2, "groups of customers")
    points, steps = {}, {}
    for column, transform in transforms.items():
        refuse_constant(values[column], column)
        changed, unit = _transformed(values[column], transform)
        middle, spread = _middle_and_spread(changed, scaling)
        points[column] = (changed - middle) / spread
        steps[column] = {
            "transform": transform,
            "unit": unit,
            "scaling": scaling,
            "middle": middle,
            "spread": spread,
        }
    return ClusterFeatures(
        pd.DataFrame(values, index=customers.index),
        pd.DataFrame(points, index=customers.index),
        pd.DataFrame.from_dict(steps, orient="index").rename_axis("column"),
    )


def same_scale(customers: pd.DataFrame, learned: ClusterFeatures) -> pd.DataFrame:
    """Transform and scale other customers by the units, middles and spreads that were learned on some.

    Parameters
    ----------
    customers : DataFrame of shape (n_customers, ...)
        With the columns of `learned`, indexed by customer.
    learned : ClusterFeatures

    Returns
    -------
    DataFrame of shape (n_customers, n_columns)
        The customers `learned` was made from get their values of `ClusterFeatures.scaled`.

    Raises
    ------
    DataError
        If a column or a value is missing, or a customer stands twice.

    Examples
    --------
    >>> people = pd.DataFrame({"orders": [1.0, 2.0, 3.0]}, index=list("ABC"))
    >>> learned = cluster_features(people, {"orders": "rank"}, scaling="none")
    >>> same_scale(pd.DataFrame({"orders": [2.0, 9.0]}, index=list("DE")), learned)["orders"].tolist()
    [0.5, 1.0]
    """
    values = customer_numbers(customers, list(learned.steps.index))
    points = {}
    for column, step in learned.steps.iterrows():
        changed = values[column]
        if step["transform"] == "rank":
            seen = np.sort(learned.original[column].to_numpy())
            sides = [np.searchsorted(seen, changed, side=side) for side in ("left", "right")]
            changed = (sides[0] + sides[1]) / (2 * len(seen))
        elif step["transform"] == "log":
            changed = np.sign(changed) * np.log1p(np.abs(changed) / step["unit"])
        points[column] = (changed - step["middle"]) / step["spread"]
    return pd.DataFrame(points, index=customers.index)


def drawn_rows(values: np.ndarray, most: int, seed: int) -> np.ndarray:
    """Row numbers of at most `most` points, drawn by lot, in an order that neither rows nor names decide.

    Parameters
    ----------
    values : ndarray of shape (n_customers, n_columns)
    most : int
    seed : int

    Returns
    -------
    ndarray of int, shape (min(n_customers, most),)

    Examples
    --------
    >>> drawn_rows(np.array([[2.0], [1.0], [3.0]]), most=5, seed=1).tolist()
    [1, 0, 2]
    """
    order = np.lexsort(values.T[::-1])
    if len(order) <= most:
        return order
    return order[np.sort(np.random.default_rng(seed).choice(len(order), most, replace=False))]


def _transformed(values: np.ndarray, transform: str) -> tuple[np.ndarray, float]:
    if transform == "rank":
        return (rankdata(values) - 0.5) / len(values), float("nan")
    if transform == "plain":
        return values, float("nan")
    size = np.abs(values)
    unit = float(np.median(size[size > 0]))
    return np.sign(values) * np.log1p(size / unit), unit


def _middle_and_spread(values: np.ndarray, scaling: str) -> tuple[float, float]:
    if scaling == "none":
        return 0.0, 1.0
    if scaling == "standard":
        return float(values.mean()), float(values.std())
    low, middle, high = np.quantile(values, [0.25, 0.5, 0.75])
    return float(middle), float(high - low) if high > low else float(values.std())
