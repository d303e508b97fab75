"""What the next customer of each channel is worth, and what winning one costs today."""

import ibis
import numpy as np
import pandas as pd

from crmlib.analysis.clv.discounting import Schedule
from crmlib.analysis.clv.spend.credibility import Credibility
from crmlib.analysis.clv.timing.attrition import LatentAttrition
from crmlib.analysis.clv.timing.groups import fit_by_group
from crmlib.analysis.clv.worth.spending import worth_of_new

_FEWEST_CHANNELS = 3
_FEWEST = 5
OTHER = "other channels"


def channels(
    people: ibis.Table | None, customers: pd.Index, before: pd.Series, fewest: int = _FEWEST
) -> pd.Series | None:
    """Name the channel of each customer won since the data begin.

    Parameters
    ----------
    people : ibis.Table or None
        The checked table ``customers``; read is ``acquisition_channel``.
    customers : Index
        Customers with a purchase.
    before : Series of bool
        Who began before the data; they say nothing of new customers.
    fewest : int
        Channels with fewer customers are put together.

    Returns
    -------
    Series or None
        By customer; None where fewer than three channels are known.
    """
    if people is None or "acquisition_channel" not in people.columns:
        return None
    known = people.select("customer_id", "acquisition_channel").execute().set_index("customer_id")
    found = known["acquisition_channel"].reindex(customers[~before.to_numpy()]).dropna().astype("str")
    sizes = found.map(found.value_counts())
    found = found.where(sizes >= fewest, OTHER)
    return found if found.nunique() >= _FEWEST_CHANNELS else None


def to_win(
    model: LatentAttrition,
    customers: pd.DataFrame,
    channel: pd.Series,
    people: ibis.Table,
    schedule: Schedule,
    as_of: pd.Timestamp,
    seed: int,
) -> pd.DataFrame:
    """Set the value of the next customer of each channel beside the cost of winning one.

    Parameters
    ----------
    model : LatentAttrition
        Which model; fitted here to each channel, small ones drawn towards the others.
    customers : DataFrame
        Histories with ``first_on``, ``n``, ``left`` and ``squares`` (contribution per purchase).
    channel : Series
        As returned by `channels`.
    people : ibis.Table
        The checked table ``customers``; ``acquisition_cost`` and ``acquired_on``, where they are there.
    schedule : Schedule
    as_of : Timestamp
        Last known day.
    seed : int

    Returns
    -------
    DataFrame
        Indexed by channel, the largest spare value first: ``customers``, ``orders``, ``money``, ``value``,
        ``low``, ``high``, ``cost`` (mean of those won since the data begin; NaN where not known), ``recent``
        (customers won in the last 365 days) and ``spare`` (value less cost).
    """
    contributions = customers[["n", "left", "squares"]].rename(columns={"left": "money"})
    fits = fit_by_group(model, customers.loc[channel.index], channel)
    money = Credibility().fit(contributions)
    rng = np.random.default_rng(seed)
    found = worth_of_new(fits, money, contributions.loc[channel.index], channel, schedule, rng)
    columns = [name for name in ("acquisition_cost", "acquired_on") if name in people.columns]
    known = people.select("customer_id", *columns).execute().set_index("customer_id").reindex(channel.index)
    if "acquisition_cost" in columns:
        found["cost"] = known["acquisition_cost"].astype("float64").groupby(channel).mean()
    else:
        found["cost"] = np.nan
    first = (
        pd.to_datetime(known["acquired_on"]) if "acquired_on" in columns else pd.Series(pd.NaT, channel.index)
    )
    started = first.fillna(customers["first_on"].reindex(channel.index))
    found["recent"] = (started > as_of - pd.Timedelta(days=365)).groupby(channel).sum()
    found["spare"] = found["value"] - found["cost"]
    order = found["spare"].fillna(found["value"]).sort_values(ascending=False, kind="stable").index
    return found.loc[order]
