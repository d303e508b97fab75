"""How often an action works: an assumption at first, then what tests have shown.

A rate of effect is net: a contact may also drive customers away, so it can be below 0, and its distribution is
normal. An assumption and a test are put together by their precision, as for two measurements of one number.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy.stats import norm

from crmlib.analysis.actions.menu import MENU
from crmlib.analysis.intervals import Z
from crmlib.errors import DataError, ParameterError

ASSUMPTION, TEST = "assumption", "test"
#: Verdicts on an action.
UNTESTED, PROVEN, NOT_PROVEN = "untested", "proven", "not proven"
_EVIDENCE = ("effect", "error", "gain")


def prior_rates(own: Sequence[str] = ()) -> pd.DataFrame:
    """Return the rates of effect before any test.

    Parameters
    ----------
    own : sequence of str
        Rates that take the place of those of the menu, such as ``"win back 0.02"``. The spread changes in proportion.

    Returns
    -------
    DataFrame
        Indexed by ``action``: ``mean`` and ``spread`` (standard deviation) of the rate, ``prior_mean``,
        ``prior_spread``, ``measured`` and ``measured_spread`` (NaN without a test), ``basis`` ("assumption"),
        ``verdict`` ("untested"), ``sources`` (what was taken in, in words).

    Raises
    ------
    ParameterError
        If an own rate names no action of the menu, or is no share above 0 and at most 1, or if an action stands twice.

    Examples
    --------
    >>> prior_rates(["win back 0.02"]).loc["win back", ["mean", "spread"]].astype(float).round(4).tolist()
    [0.02, 0.01]
    """
    means = {name: action.prior_mean for name, action in MENU.items()} | _own(own)
    index = pd.Index(MENU, name="action")
    mean = pd.Series(means).reindex(index)
    spread = (
        pd.Series({name: action.prior_spread / action.prior_mean for name, action in MENU.items()}) * mean
    )
    found = pd.DataFrame(
        {"mean": mean, "spread": spread, "prior_mean": mean, "prior_spread": spread}, index=index
    )
    return found.assign(
        measured=np.nan, measured_spread=np.nan, basis=ASSUMPTION, verdict=UNTESTED, sources=""
    )


def update_rates(rates: pd.DataFrame, evidence: pd.DataFrame | None) -> pd.DataFrame:
    """Put what tests have shown together with what was assumed, or known before.

    Parameters
    ----------
    rates : DataFrame
        As returned by `prior_rates` or by this function.
    evidence : DataFrame or None
        Indexed by ``action``, one row per action and test: ``effect`` (money per customer treated, before the cost of
        contact and offer, treated less held out), ``error`` (its standard error), ``gain`` (mean money if it works, of
        those treated, above 0) and ``source`` (in words). A test that measured the rate itself has a gain of 1. Rows
        without a number, or of actions that are not in `rates`, are passed over.

    Returns
    -------
    DataFrame
        As `prior_rates`; ``measured`` and ``measured_spread`` are the tests alone. ``basis`` is "test" as soon as the
        tests know more than the assumption, so if their spread is no larger; then ``verdict`` is "proven" if the 95 %
        interval of the rate is above 0, else "not proven".

    Raises
    ------
    DataError
        If a column is missing, an error is not above 0 or a gain is not above 0.

    Notes
    -----
    With effect e, standard error s and mean gain g the measured rate is e / g with spread s / g. With precisions
    (one over the squared spread) as weights, the mean of assumption and tests is the posterior mean for normal
    distributions (Gelman et al. 2013, Bayesian Data Analysis, section 2.5).

    Examples
    --------
    >>> seen = pd.DataFrame({"effect": [0.0], "error": [0.5], "gain": [20.0], "source": "a test"}, index=["cross-sell"])
    >>> found = update_rates(prior_rates(), seen).loc["cross-sell"]
    >>> found[["mean", "spread"]].astype(float).round(4).tolist(), found["basis"]
    ([0.0183, 0.0156], 'assumption')
    """
    if evidence is None or not len(evidence):
        return rates
    missing = [name for name in _EVIDENCE if name not in evidence.columns]
    if missing:
        raise DataError(
            f"evidence on actions without {missing[0]}", ", ".join(_EVIDENCE), "evaluate the tests first"
        )
    own = evidence[evidence.index.isin(rates.index)]
    own = own[np.isfinite(own[list(_EVIDENCE)].astype("float64")).all(axis=1)]
    for name in ("error", "gain"):
        if (own[name] <= 0).any():
            raise DataError(
                f"{name} = {own.loc[own[name] <= 0, name].iloc[0]:g} in the evidence on {own.index[own[name] <= 0][0]}",
                "a number above 0", "leave out what was measured on no customers",
            )  # fmt: skip
    if own.empty:
        return rates
    rate = own["effect"] / own["gain"]
    weight = (own["gain"] / own["error"]) ** 2
    before = (1 / rates["measured_spread"] ** 2).fillna(0.0)
    seen = weight.groupby(level=0).sum().reindex(rates.index, fill_value=0.0) + before
    sum_seen = (rate * weight).groupby(level=0).sum().reindex(rates.index, fill_value=0.0)
    sum_seen += before * rates["measured"].fillna(0.0)
    assumed = 1 / rates["prior_spread"] ** 2
    named = own.get("source", pd.Series("a test", own.index)).astype("str").groupby(level=0).agg("; ".join)
    sources = rates["sources"].str.cat(named.reindex(rates.index).fillna(""), sep="; ").str.strip("; ")
    there = seen > 0
    alone = np.sqrt(1 / seen.where(there))
    mean = ((assumed * rates["prior_mean"] + sum_seen) / (assumed + seen)).where(there, rates["mean"])
    spread = np.sqrt(1 / (assumed + seen)).where(there, rates["spread"])
    basis = np.where(alone <= rates["prior_spread"], TEST, ASSUMPTION)
    return rates.assign(
        mean=mean,
        spread=spread,
        measured=sum_seen / seen.where(there),
        measured_spread=alone,
        basis=basis,
        verdict=np.where(basis == ASSUMPTION, UNTESTED, np.where(mean > Z * spread, PROVEN, NOT_PROVEN)),
        sources=sources,
    )


def rate_draws(rates: pd.DataFrame, draws: int, seed: int) -> pd.DataFrame:
    """Draw the rates of all actions, one column each; what the customers of an action share is drawn once.

    Returns
    -------
    DataFrame of shape (draws, n_actions)
        Draws are spread evenly over each distribution and then shuffled, so that their mean is that of the rate.

    Examples
    --------
    >>> rate_draws(prior_rates(), 1000, 0)["save"].mean().round(6)
    np.float64(0.1)
    """
    even = norm.ppf((np.arange(draws) + 0.5) / draws)
    rng = np.random.default_rng([seed, 9])
    return pd.DataFrame({
        name: row["mean"] + row["spread"] * even[rng.permutation(draws)] for name, row in rates.iterrows()
    })  # fmt: skip


def _own(own: Sequence[str]) -> dict[str, float]:
    found: dict[str, float] = {}
    for entry in own:
        name, _, number = str(entry).strip().rpartition(" ")
        try:
            value = float(number)
        except ValueError:
            value = np.nan
        if name not in MENU or not 0 < value <= 1:
            raise ParameterError(
                f"assumed rate {str(entry)!r}",
                f"an action and a share above 0 and at most 1, such as 'save 0.1'; actions are {', '.join(MENU)}",
                "correct it",
            )
        if name in found:
            raise ParameterError(
                f"two assumed rates of {name}", "one for each action", "keep the one that is meant"
            )
        found[name] = value
    return found
