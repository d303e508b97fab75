"""What each action is expected to earn with each customer over doing nothing, and how sure that is.

The profit of an action is linear in its rate of effect, and the rate is shared by all its customers. So an interval
needs no draws per customer: the ends of the shared factor, times the customer's own gain, are the ends of the profit.
Totals of a list add up gains by action first, so that what customers share does not average out.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from crmlib.analysis.actions.options import Options
from crmlib.analysis.actions.rates import ASSUMPTION, rate_draws
from crmlib.errors import DataError, ParameterError

#: Doubt about all gains together, as a share of them: values a year ahead are forecasts.
GAIN_DOUBT = 0.2
_FEWEST_DRAWS = 100
_BY_ACTION = (
    "eligible", "gain", "cost", "break_even_rate", "all_profit", "worth", "profit", "low", "high",
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class ActionProfit:
    """Expected profit of every option, over doing nothing.

    Attributes
    ----------
    options : Options
    table : DataFrame
        One row per option, as in ``options.table``: ``profit`` (expected), ``low``, ``high`` (its interval: doubt
        about rate and gains, not luck), ``worth_doing`` (an untested action if its expected profit is above 0; a
        tested one only if the whole interval is).
    factors : DataFrame of shape (n_draws, n_actions)
        Drawn rates times the drawn level of all gains.
    rates : DataFrame
    level : float
    """

    options: Options
    table: pd.DataFrame
    factors: pd.DataFrame
    rates: pd.DataFrame
    level: float

    def where(self, kept: np.ndarray) -> "ActionProfit":
        """Keep some of the options, given as a mask over the rows."""
        own = self.table[np.asarray(kept, dtype=bool)].reset_index(drop=True)
        return ActionProfit(self.options.where(kept), own, self.factors, self.rates, self.level)

    def totals(self, lists: Mapping[str, np.ndarray]) -> pd.DataFrame:
        """Add up lists of options.

        Parameters
        ----------
        lists : mapping of str to ndarray of bool
            For each list, which options are on it.

        Returns
        -------
        DataFrame
            Indexed by ``list``: ``customers`` (options on it), ``cost``, ``profit``, ``low``, ``high``, ``chance``
            (that the expected profit is above 0), ``break_even`` (part of the rates at which the list neither wins nor
            loses, 1 for the rates as they are; NaN for an empty list or one that is not expected to gain).
        """
        action = self.options.table["action"].to_numpy()
        gain, cost = (self.options.table[name].to_numpy() for name in ("gain", "cost"))
        size = len(self.options.actions)
        mean = self.rates["mean"].reindex(self.options.actions).to_numpy()
        rows = {}
        for name, chosen in lists.items():
            on = np.asarray(chosen, dtype=bool)
            gains = np.bincount(action[on], gain[on], size)
            spent = float(cost[on].sum())
            drawn = self.factors.to_numpy() @ gains - spent
            low, high = np.quantile(drawn, [(1 - self.level) / 2, (1 + self.level) / 2])
            gross = float(mean @ gains)
            rows[name] = {
                "customers": int(on.sum()),
                "cost": spent,
                "profit": gross - spent,
                "low": float(low),
                "high": float(high),
                "chance": float((drawn > 0).mean()),
                "break_even": spent / gross if gross > 0 else np.nan,
            }
        return pd.DataFrame.from_dict(rows, orient="index").rename_axis("list")

    def by_action(self) -> pd.DataFrame:
        """Say what each action earns: with all who are eligible, and with those with whom it is worth doing.

        Returns
        -------
        DataFrame
            Indexed by ``action``: ``eligible``, ``gain`` and ``cost`` (means of the eligible), ``break_even_rate``
            (rate at which all eligible together neither win nor lose), ``all_profit`` (of all eligible), ``worth``
            (customers with whom it is worth doing), ``profit``, ``low``, ``high`` (of those).
        """
        action = self.options.table["action"].to_numpy()
        worth = self.table["worth_doing"].to_numpy()
        rows = {}
        for number, name in enumerate(self.options.actions):
            own = action == number
            both = self.totals({"all": own, "worth": own & worth})
            count = int(own.sum())
            gain = float(self.options.table["gain"].to_numpy()[own].sum())
            rows[name] = {
                "eligible": count,
                "gain": gain / count if count else np.nan,
                "cost": both.loc["all", "cost"] / count if count else np.nan,
                "break_even_rate": both.loc["all", "cost"] / gain if gain > 0 else np.nan,
                "all_profit": both.loc["all", "profit"],
                "worth": int(both.loc["worth", "customers"]),
                **both.loc["worth", ["profit", "low", "high"]].to_dict(),
            }
        found = pd.DataFrame.from_dict(rows, orient="index").rename_axis("action")
        return found.reindex(columns=list(_BY_ACTION))


def expected_profit(
    options: Options,
    rates: pd.DataFrame,
    *,
    gain_doubt: float = GAIN_DOUBT,
    draws: int = 2000,
    seed: int = 0,
    level: float = 0.95,
) -> ActionProfit:
    """Work out what each option is expected to earn over doing nothing.

    Parameters
    ----------
    options : Options
    rates : DataFrame
        As returned by `crmlib.analysis.actions.rates.update_rates`.
    gain_doubt : float
        Standard deviation of the error that all gains share, as a share of them, 0 or more.
    draws : int
        100 or more.
    seed : int
    level : float

    Returns
    -------
    ActionProfit

    Raises
    ------
    DataError
        If an action has no rate.
    ParameterError
        If a number is out of range.

    Notes
    -----
    profit = rate * gain - cost. The rate of an action is drawn once for all its customers, the level of the gains once
    for all customers and actions (log-normal with mean 1). Definition of this project.

    Examples
    --------
    >>> from crmlib.analysis.actions.rates import prior_rates
    >>> offers = {"save": pd.DataFrame({"gain": [100.0, 20.0], "cost": 3.0}, index=["A", "B"])}
    >>> found = expected_profit(Options.of(pd.Index(["A", "B"]), offers), prior_rates())
    >>> found.table.round(1)
       profit  low  high  worth_doing
    0     7.0 -5.8  21.4         True
    1    -1.0 -3.6   1.9        False
    """
    if not (gain_doubt >= 0 and draws >= _FEWEST_DRAWS and 0 < level < 1):
        raise ParameterError(
            f"gain_doubt = {gain_doubt}, draws = {draws}, level = {level}",
            f"a doubt of 0 or more, {_FEWEST_DRAWS} draws or more, and a level between 0 and 1", "correct them",
        )  # fmt: skip
    lacking = [name for name in options.actions if name not in rates.index]
    if lacking:
        raise DataError(f"no rate for {lacking[0]}", "one for each action", "state one")
    own = rates.loc[list(options.actions)]
    doubt = np.sqrt(np.log1p(gain_doubt**2))
    normal = np.random.default_rng([seed, 8]).standard_normal(draws)
    scale = np.exp(doubt * normal - doubt**2 / 2)
    factors = rate_draws(rates, draws, seed)[list(options.actions)].mul(scale / scale.mean(), axis=0)
    tails = [(1 - level) / 2, (1 + level) / 2]
    ends = np.quantile(factors.to_numpy(), tails, axis=0) if len(own) else np.zeros((2, 0))
    action = options.table["action"].to_numpy()
    gain, cost = (options.table[name].to_numpy() for name in ("gain", "cost"))
    profit = own["mean"].to_numpy()[action] * gain - cost
    low = ends[0][action] * gain - cost
    untested = (own["basis"] == ASSUMPTION).to_numpy()[action]
    table = pd.DataFrame({
        "profit": profit, "low": low, "high": ends[1][action] * gain - cost,
        "worth_doing": np.where(untested, profit > 0, low > 0),
    })  # fmt: skip
    return ActionProfit(options, table, factors, rates, level)
