"""Doubt about the parameters of money per purchase: the models of it, fitted to what might as well have been seen."""

from dataclasses import replace

import numpy as np
import pandas as pd

from crmlib.analysis.clv.spend.credibility import Credibility
from crmlib.analysis.clv.spend.gamma_gamma import GammaGamma
from crmlib.analysis.clv.spend.money import MoneyPerPurchase, OwnRates, SpendTimesRate
from crmlib.analysis.clv.trust.drawn_parameters import drawn_spend
from crmlib.errors import ParameterError, TooLittleData

#: Customers drawn for one fit of the rates; with more, the spread is scaled down to that of all.
MOST = 20_000
_LEARNT = ("within_", "between_", "base_mean_")


def drawn_money(
    money: MoneyPerPurchase, customers: pd.DataFrame, n_draws: int, rng: np.random.Generator
) -> list[MoneyPerPurchase]:
    """Draw the parameters of a model of money per purchase.

    Those of spend (gamma-gamma) are drawn from the normal approximation of their logarithms at the
    maximum. Rates by credibility have no likelihood: under each drawn spend they are estimated anew from customers
    drawn with replacement, so that spend and rate of a draw go together, and large customers count as
    the chance they are.

    Parameters
    ----------
    money : OwnRates, SpendTimesRate or Credibility
        Fitted. A margin rate that was given is taken as known.
    customers : DataFrame
        Those it was fitted to, with the columns it reads.
    n_draws : int
    rng : numpy.random.Generator

    Returns
    -------
    list of MoneyPerPurchase
        `n_draws` models like `money`.

    Raises
    ------
    ParameterError
        If `money` is of another kind.

    Notes
    -----
    Efron & Tibshirani (1993), An Introduction to the Bootstrap, chapter 6, for the rates; above `MOST` customers
    the m out of n bootstrap (Bickel, Götze & van Zwet 1997, Statistica Sinica 7:1-31).

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> means = rng.normal(10.0, 4.0, 300)
    >>> customers = pd.DataFrame({"n": 2, "money": means + rng.normal(0, 3, 300), "squares": 18.0})
    >>> drawn = drawn_money(Credibility().fit(customers), customers, 200, rng)
    >>> round(float(np.std([one.base_mean_ for one in drawn])), 1)
    0.3
    """
    if isinstance(money, Credibility):
        return [_rates(money, customers, None, None, rng) for _ in range(n_draws)]
    if not isinstance(money, OwnRates | SpendTimesRate):
        raise ParameterError(
            f"money per purchase by {type(money).__name__}", "OwnRates, SpendTimesRate or Credibility",
            "give one of them, or take its parameters as known",
        )  # fmt: skip
    spends = drawn_spend(money.spend, float(customers["n"].min()), n_draws, rng)
    if isinstance(money, SpendTimesRate):
        return [replace(money, spend=spend) for spend in spends]
    return [OwnRates(spend, _rates(money.rates, customers, spend, money.spend, rng)) for spend in spends]


def _rates(
    fitted: Credibility,
    customers: pd.DataFrame,
    spend: GammaGamma | None,
    estimated: GammaGamma | None,
    rng: np.random.Generator,
) -> Credibility:
    """Fit rates to customers drawn anew, by the drawn spend; without a spend, to money itself."""
    size = len(customers)
    number = min(size, MOST)
    while True:
        own = customers.iloc[rng.integers(0, size, number)].reset_index(drop=True)
        try:
            found = _learnt(Credibility().fit(_read(own, spend)))
            break
        except TooLittleData:
            # Nobody drawn bought twice. As somebody in the base did, the next draw may hold them.
            continue
    if number < size:
        at_estimates, of_all = _learnt(Credibility().fit(_read(own, estimated))), _learnt(fitted)
        found = found - at_estimates + of_all + np.sqrt(number / size) * (at_estimates - of_all)
    drawn = Credibility()
    drawn.within_, drawn.between_ = np.maximum(found[:2], 0.0).tolist()
    drawn.base_mean_, drawn.n_customers_ = float(found[2]), fitted.n_customers_
    return drawn


def _read(customers: pd.DataFrame, spend: GammaGamma | None) -> pd.DataFrame:
    return customers if spend is None else OwnRates(spend, Credibility()).own_rates(customers)


def _learnt(rates: Credibility) -> np.ndarray:
    return np.array([getattr(rates, name) for name in _LEARNT])
