"""Values of customers seen together: by history, by group, in order, and under other assumptions."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from crmlib.analysis.clv.discounting import Schedule
from crmlib.analysis.clv.timing.attrition import LatentAttrition
from crmlib.errors import ParameterError


def iso_values(
    model: LatentAttrition,
    money: float,
    schedule: Schedule,
    age: float,
    purchases: np.ndarray,
    silences: np.ndarray,
) -> pd.DataFrame:
    """Put a value on every history of customers who came at one time.

    Parameters
    ----------
    model : LatentAttrition
        Fitted.
    money : float
        Money per purchase, the same for all.
    schedule : Schedule
    age : float
        Time since the first purchase.
    purchases : ndarray of int
        Purchases so far, the first included; 2 or more.
    silences : ndarray
        Time since the last purchase, below `age`.

    Returns
    -------
    DataFrame
        Values, one row per number of purchases and one column per silence.

    Notes
    -----
    Fader, Hardie & Lee (2005), Journal of Marketing Research 42:415-430, iso-value curves.
    """
    x, silence = (side.ravel() for side in np.meshgrid(purchases - 1, silences, indexing="ij"))
    histories = pd.DataFrame({"x": x, "t_x": age - silence, "T": float(age)})
    values = money * model.discounted_orders(histories, schedule).to_numpy()
    return pd.DataFrame(
        values.reshape(len(purchases), len(silences)),
        index=pd.Index(purchases, name="purchases"),
        columns=pd.Index(silences, name="silence"),
    )


def by_group(values: pd.DataFrame, groups: pd.Series) -> pd.DataFrame:
    """Add up values by group; the groups together are all customers.

    Parameters
    ----------
    values : DataFrame
        As `crmlib.analysis.clv.worth.value.expected_values` returns it.
    groups : Series
        Name of each customer's group, by the same index; missing names are a group ``unknown``.

    Returns
    -------
    DataFrame
        Indexed by group, in the order of names: ``customers``, ``active`` (expected number of
        active customers; NaN where chances are not known), ``value``, ``share`` (of the value of all) and
        ``per_customer``.
    """
    # As objects first: where customers are missing, whole numbers would turn into fractions.
    named = groups.astype("object").reindex(values.index).fillna("unknown").astype("str")
    parts = values.groupby(named.to_numpy())
    found = pd.DataFrame(
        {
            "customers": parts.size(),
            "active": parts["alive"].sum(min_count=1),
            "value": parts["value"].sum(),
        }
    )
    total = values["value"].sum()
    found["share"] = found["value"] / total if total else np.nan
    found["per_customer"] = found["value"] / found["customers"]
    return found.rename_axis(groups.name or "group")


def other_assumptions(values: Mapping[str, pd.Series], picked_share: float = 0.2) -> pd.DataFrame:
    """Compare values under several assumptions with the first: in total, and in who comes first.

    Parameters
    ----------
    values : mapping of str to Series
        Values per customer under each assumption, all by the same index; the first is the one to
        compare with.
    picked_share : float
        Share of the customers that is picked by value, above 0 and at most 1.

    Returns
    -------
    DataFrame
        One row per assumption: ``total``, ``change`` (against the first), ``same`` (share of the
        customers picked under the first who are picked here, too), ``rank_correlation``
        (Spearman) and ``lost`` (value under this assumption of those picked by it, less that of those picked
        by the first: what the wrong order would cost if this assumption is the true one).

    Raises
    ------
    ParameterError
        If the share is out of range.
    """
    if not 0 < picked_share <= 1:
        raise ParameterError(
            f"picked_share = {picked_share}", "a share above 0 and at most 1", "give 0.2 for 20 %"
        )
    names = list(values)
    first = values[names[0]]
    number = max(1, round(picked_share * len(first)))
    best = _best(first, number)
    rows = {}
    for name, other in values.items():
        own = _best(other, number)
        rows[name] = {
            "total": float(other.sum()),
            "change": float(other.sum() / first.sum() - 1) if first.sum() else np.nan,
            "same": len(best.intersection(own)) / number,
            "rank_correlation": float(first.rank().corr(other.rank())),
            "lost": float(other.loc[own].sum() - other.loc[best].sum()),
        }
    return pd.DataFrame.from_dict(rows, orient="index")


def _best(values: pd.Series, number: int) -> pd.Index:
    """Return the customers of the highest values; equal ones in the order of their names."""
    return values.sort_index().sort_values(ascending=False, kind="stable").index[:number]
