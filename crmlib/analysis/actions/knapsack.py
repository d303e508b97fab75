"""A multiple-choice knapsack: at most one option per customer, several limits, very many customers.

Prices of the limits are found first (the Lagrangian dual); they decide about nearly everybody. What room they leave is
filled up, and the few customers at the edge are settled by an exact search.
"""

from dataclasses import dataclass, replace

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, linprog, milp

_ROUNDS, _FILLINGS = 80, 200
_EXACT, _SLACK = 1e-9, 1e-9
#: How far equal options are moved apart, as a share of the mean profit, and in which proportions.
_APART, _GOLDEN = 1e-6, 0.6180339887498949
#: Customers at the edge who are settled by an exact search, and the most steps of that search.
_EDGE, _STEPS = 40, 2000


@dataclass(frozen=True, eq=False)
class Knapsack:
    """Options worth doing, grouped by customer, with limits scaled to 1.

    Attributes
    ----------
    group : ndarray of int
        Number of the customer of each option, ascending.
    starts : ndarray of int
        First option of each customer.
    profit : ndarray
        Above 0.
    uses : ndarray of shape (n_limits, n_options)
        Parts of the limits.
    unit : ndarray of shape (n_limits,)
        What a limit of 1 stands for.
    """

    group: np.ndarray
    starts: np.ndarray
    profit: np.ndarray
    uses: np.ndarray
    unit: np.ndarray

    @classmethod
    def of(cls, keys: np.ndarray, profit: np.ndarray, uses: np.ndarray, given: np.ndarray) -> "Knapsack":
        """Group options by their keys, which ascend; no option by itself breaks a limit."""
        new = np.ones(len(keys), dtype=bool)
        new[1:] = keys[1:] != keys[:-1]
        unit = np.where(given > 0, given, 1.0)
        return cls(np.cumsum(new) - 1, np.flatnonzero(new), profit, uses / unit[:, None], unit)

    def solve(self) -> tuple[np.ndarray, np.ndarray, float]:
        """Options of the list, prices of the limits, and the bound."""
        if not len(self.profit):
            return np.zeros(0, dtype="int64"), np.zeros(len(self.unit)), 0.0
        none = np.zeros(len(self.unit))
        free = self.best(none)
        if (self.uses[:, free].sum(axis=1) <= 1 + _SLACK).all():
            return free, none, float(self.profit[free].sum())
        apart = self.told_apart()
        prices = apart.prices()
        picked = self.improved(apart.filled(apart.started(prices), prices), prices)
        bound = float(self.reduced(prices)[self.best(prices)].sum() + prices.sum())
        return picked, prices / self.unit, bound

    def told_apart(self) -> "Knapsack":
        """The same with profits moved by next to nothing, so that equal customers do not all change their mind at once.

        The first in the order of keys come first; the options of one customer move differently for each.
        """
        place = np.arange(len(self.group)) - self.starts[self.group]
        first = 1.0 - self.group / (self.group[-1] + 1.0)
        moved = _APART * float(self.profit.mean()) * first * (1.0 + np.modf(place * _GOLDEN)[0])
        return replace(self, profit=self.profit + moved)

    def reduced(self, prices: np.ndarray) -> np.ndarray:
        """Profit of each option after paying the prices."""
        return self.profit - prices @ self.uses

    def best(self, prices: np.ndarray) -> np.ndarray:
        """Option worth most at the prices, for each customer who has one worth doing."""
        left = self.reduced(prices)
        top = np.maximum.reduceat(left, self.starts)[self.group]
        ties = np.flatnonzero((left == top) & (left > 0))
        first = np.ones(len(ties), dtype=bool)
        first[1:] = self.group[ties[1:]] != self.group[ties[:-1]]
        return ties[first]

    def prices(self) -> np.ndarray:
        """Prices that minimise the dual."""
        size = len(self.unit)
        with np.errstate(divide="ignore", invalid="ignore"):
            ratios = np.where(self.uses > 0, self.profit / self.uses, 0.0)
        most = ratios.max(axis=1)
        at, least, found = np.zeros(size), np.inf, np.zeros(size)
        slopes, heights = [], []
        for _ in range(_ROUNDS):
            picked = self.best(at)
            slope = 1.0 - self.uses[:, picked].sum(axis=1)
            value = float(self.reduced(at)[picked].sum() + at.sum())
            if value < least:
                least, found = value, at
            slopes.append(slope)
            heights.append(value - slope @ at)
            # The dual lies above each of its tangents; the next prices are lowest under all of them.
            cuts = np.column_stack([np.array(slopes), -np.ones(len(slopes))])
            lowest = linprog(
                np.append(np.zeros(size), 1.0), A_ub=cuts, b_ub=-np.array(heights),
                bounds=[*((0.0, top) for top in most), (0.0, None)], method="highs",
            )  # fmt: skip
            if lowest.x is None or least - lowest.x[-1] <= _EXACT * max(least, 1e-300):
                break
            at = np.clip(lowest.x[:-1], 0.0, most)
        return found

    def started(self, prices: np.ndarray) -> np.ndarray:
        """Choices at the prices, as far as they keep within the limits, the clearest first."""
        picked = self.best(prices)
        clear = np.argsort(-self.reduced(prices)[picked], kind="stable")
        return self.taken(picked[clear], np.ones(len(self.unit)))

    def taken(self, ranked: np.ndarray, room: np.ndarray) -> np.ndarray:
        """Options in their order as long as they fit, then those further down that still do."""
        return ranked[fitting(self.uses[:, ranked], room)]

    def filled(self, picked: np.ndarray, prices: np.ndarray) -> np.ndarray:
        """Raise customers to better options while there is room."""
        now = self.of_customer(picked)
        for _ in range(_ROUNDS):
            gained = np.append(self.profit, 0.0)[now]
            held = np.hstack([self.uses, np.zeros((len(self.unit), 1))])[:, now]
            room = 1.0 - held.sum(axis=1)
            better = np.flatnonzero(self.profit > gained[self.group])
            more = self.uses[:, better] - held[:, self.group[better]]
            fits = (more <= room[:, None] + _SLACK).all(axis=0)
            better, more = better[fits], more[:, fits]
            if not len(better):
                break
            rise = self.profit[better] - gained[self.group[better]] - prices @ more
            ranked = np.lexsort((better, -rise))
            _, first = np.unique(self.group[better[ranked]], return_index=True)
            ranked = ranked[np.sort(first)]
            own = ranked[fitting(np.maximum(more[:, ranked], 0.0), np.maximum(room, 0.0))]
            if not len(own):
                break
            now[self.group[better[own]]] = better[own]
        return np.sort(now[now < len(self.profit)])

    def of_customer(self, picked: np.ndarray) -> np.ndarray:
        """Option of each customer; one past the last for nothing."""
        now = np.full(len(self.starts), len(self.profit))
        now[self.group[picked]] = picked
        return now

    def improved(self, picked: np.ndarray, prices: np.ndarray) -> np.ndarray:
        """Settle the customers at the edge exactly, the others staying as they are."""
        left = self.reduced(prices)
        top = np.maximum(np.maximum.reduceat(left, self.starts), 0.0)
        below = np.where(left < top[self.group], left, -np.inf)
        second = np.maximum(np.maximum.reduceat(below, self.starts), np.where(top > 0, 0.0, -np.inf))
        now = self.of_customer(picked)
        off = top - np.append(left, 0.0)[now]
        nearness = np.where(off > 0, np.minimum(off, top - second) * 1e-3, top - second)
        nearness = np.where(np.isfinite(nearness), nearness, 0.0)
        edge = np.sort(np.argsort(nearness, kind="stable")[:_EDGE])
        inside = np.zeros(len(self.starts), dtype=bool)
        inside[edge] = True
        kept = picked[~inside[self.group[picked]]]
        room = 1.0 - self.uses[:, kept].sum(axis=1)
        own = np.flatnonzero(inside[self.group])
        once = (self.group[own][None, :] == edge[:, None]).astype("float64")
        scale = self.profit[own].max()
        limits = [
            LinearConstraint(once, -np.inf, 1.0),
            LinearConstraint(self.uses[:, own], -np.inf, room + _SLACK),
        ]
        found = milp(
            -self.profit[own] / scale, integrality=np.ones(len(own)), bounds=Bounds(0, 1), constraints=limits,
            options={"node_limit": _STEPS, "mip_rel_gap": 0.0},
        )  # fmt: skip
        if found.x is None:
            return picked
        settled = np.sort(np.append(kept, own[found.x > 0.5]))
        within = (self.uses[:, settled].sum(axis=1) <= 1 + 2 * _SLACK).all()
        better = self.profit[settled].sum() > self.profit[picked].sum() * (1 + 1e-12)
        return settled if within and better else picked


def fitting(uses: np.ndarray, room: np.ndarray) -> np.ndarray:
    """Find what fits into limits, taken from the top; what does not fit is passed over.

    Parameters
    ----------
    uses : ndarray of shape (n_limits, n_candidates)
        0 or more, the first candidate first.
    room : ndarray of shape (n_limits,)

    Returns
    -------
    ndarray of int
        Positions, sorted.

    Examples
    --------
    >>> fitting(np.array([[2.0, 2.0, 1.0]]), np.array([3.0])).tolist()
    [0, 2]
    """
    waiting, taken = np.arange(uses.shape[1]), []
    room = room.copy()
    for _ in range(_FILLINGS):
        waiting = waiting[(uses[:, waiting] <= room[:, None] + _SLACK).all(axis=0)]
        if not len(waiting):
            break
        so_far = np.cumsum(uses[:, waiting], axis=1)
        number = int((so_far <= room[:, None] + _SLACK).all(axis=0).sum())
        taken.append(waiting[:number])
        room -= so_far[:, number - 1]
        waiting = waiting[number:]
    return np.sort(np.concatenate(taken)) if taken else np.zeros(0, dtype="int64")
