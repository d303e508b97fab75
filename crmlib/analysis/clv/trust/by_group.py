"""A model fitted to each region or channel, rehearsed beside the same model for all: is it worth telling them apart?"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import ibis
import numpy as np
import pandas as pd

from crmlib.analysis.clv.fitting.maximum import NotConverged
from crmlib.analysis.clv.spend.money import SpendTimesRate
from crmlib.analysis.clv.timing.groups import GroupFits, fit_by_group
from crmlib.analysis.clv.trust.drawn_parameters import drawn_group, drawn_spend
from crmlib.analysis.clv.trust.hold_out import MODELS, HoldOut, drawn_futures, with_intervals
from crmlib.errors import TooLittleData

#: Columns of the table ``customers`` by which customers may be told apart, and what they are called.
COLUMNS = {"region": "region", "acquisition_channel": "channel"}
OTHER = "other"
_BY = " by "


def parts(method: str) -> tuple[str, str | None]:
    """Return the model of a method, and what it is told apart by.

    Examples
    --------
    >>> parts("mbg_nbd by channel"), parts("mbg_nbd")
    (('mbg_nbd', 'channel'), ('mbg_nbd', None))
    """
    model, _, group = method.partition(_BY)
    return model, group or None


def is_model(method: str) -> bool:
    """Tell whether a method is a model, for all customers or by group, and no simple forecast."""
    return parts(method)[0] in MODELS


def known_groups(people: ibis.Table | None, fewest: int = 100) -> dict[str, pd.Series]:
    """Return the groups that customers can be told apart by.

    Parameters
    ----------
    people : ibis.Table or None
        The checked table ``customers``; read are the columns of `COLUMNS`.
    fewest : int
        Groups with fewer customers are put together.

    Returns
    -------
    dict of str to Series
        Group of each customer, by what the groups are; only where there are three or more of at least `fewest`.
    """
    columns = [] if people is None else [name for name in COLUMNS if name in people.columns]
    if not columns:
        return {}
    known = people.select("customer_id", *columns).execute().set_index("customer_id").sort_index()
    found = {}
    for column in columns:
        own = known[column].dropna().astype("str")
        sizes = own.value_counts()
        if (sizes >= fewest).sum() >= 3:
            found[COLUMNS[column]] = own.where(own.map(sizes) >= fewest, OTHER).rename(COLUMNS[column])
    return found


def with_groups(held: HoldOut, model: str, groups: Mapping[str, pd.Series]) -> HoldOut:
    """Add to a rehearsal the forecasts of a model fitted by group, small groups drawn towards the others.

    Parameters
    ----------
    held : HoldOut
        With the forecast of `model` for all customers.
    model : str
        Key of `crmlib.analysis.clv.trust.hold_out.MODELS`.
    groups : mapping of str to Series
        As returned by `known_groups`. They are taken to be known when a customer is won.

    Returns
    -------
    HoldOut
        With a method ``<model> by <group>`` for each of the groups that could be fitted; others stand in ``left_out``.
        Without their intervals: see `drawn`.
    """
    purchases, money, fitted, left_out = (
        held.purchases.copy(), held.money.copy(), dict(held.fits), dict(held.left_out)
    )  # fmt: skip
    per_purchase = SpendTimesRate(held.spend, held.kept).predict(held.histories)
    for what, series in groups.items():
        name = f"{model}{_BY}{what}"
        own = series.reindex(held.histories.index)
        try:
            fits = fit_by_group(MODELS[model](), held.histories, own)
        except (TooLittleData, NotConverged) as refused:
            left_out[name] = str(refused)
            continue
        fitted[name] = fits
        purchases[name] = fits.predict_orders(held.histories, own, float(held.horizon_days))
        money[name] = purchases[name] * per_purchase
    return replace(held, purchases=purchases, money=money, fits=fitted, left_out=left_out)


def drawn(
    held: HoldOut,
    methods: Sequence[str],
    groups: Mapping[str, pd.Series],
    n_draws: int,
    level: float,
    seed: int,
) -> HoldOut:
    """Draw the intervals of some models of a rehearsal, those by group included.

    Parameters
    ----------
    held : HoldOut
    methods : sequence of str
        Keys of ``held.models`` or of ``held.fits``.
    groups : mapping of str to Series
        As for `with_groups`.
    n_draws, level, seed
        As for `crmlib.analysis.clv.trust.hold_out.hold_out`.
    """
    found = with_intervals(held, [name for name in methods if name in held.models], n_draws, level, seed)
    low, high, totals = found.low.copy(), found.high.copy(), found.totals.copy()
    per_purchase = SpendTimesRate(held.spend, held.kept)
    for name in [name for name in methods if name in held.fits] if n_draws else []:
        own = groups[parts(name)[1]].reindex(held.histories.index)
        rng = np.random.default_rng(
            [seed, held.origin.toordinal(), len(MODELS) + list(held.fits).index(name)]
        )
        ends = _intervals(held.fits[name], per_purchase, held, own, n_draws, level, rng)
        low[name], high[name], totals.loc[name] = ends
    return replace(found, low=low, high=high, totals=totals)


def members(fits: GroupFits, groups: pd.Series) -> dict[str | None, np.ndarray]:
    """Return who belongs to each group with a model, as masks; under None those of another group, or of none."""
    labels = groups.astype("str").where(groups.notna(), None).to_numpy(dtype=object)
    found: dict[str | None, np.ndarray] = {name: labels == name for name in fits.models}
    others = ~np.isin(labels, list(fits.models))
    return found | ({None: others} if others.any() else {})


def _intervals(
    fits: GroupFits,
    money: SpendTimesRate,
    held: HoldOut,
    groups: pd.Series,
    n_draws: int,
    level: float,
    rng: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray, list[float]]:
    """Draw the futures of each group by its model; the draws of spend are those of all."""
    size = len(held.histories)
    low, high, sums = np.empty(size), np.empty(size), np.zeros((n_draws, 2))
    spends = drawn_spend(money.spend, float(held.histories["n"].min()), n_draws, rng)
    moneys = [SpendTimesRate(spend, money.rate) for spend in spends]
    for name, inside in members(fits, groups).items():
        model = fits.base if name is None else fits.models[name]
        models = drawn_group(model, fits.covariance.to_numpy(), n_draws, rng)
        own = held.histories[inside]
        low[inside], high[inside], of_group = drawn_futures(
            models, moneys, own, held.horizon_days, level, rng
        )
        sums += of_group
    tails = [(1 - level) / 2, (1 + level) / 2]
    return low, high, np.quantile(sums, tails, axis=0).T.ravel().tolist()
