"""Each month of joiners against each month before, and the same two months of customers who had not joined.

The change from month s to month t of joiners is set against that of customers who were there in both and had not joined
by t. All is a sum over customer-months with a purchase, looked up in tables of month by month, so that
the work grows with the orders and not with customers times months times months.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from crmlib.errors import TooLittleData


@dataclass(frozen=True)
class Bookings:
    """Customer-months in which something was booked.

    Attributes
    ----------
    customer, month : ndarray of int, shape (n_rows,)
    amount : ndarray of float, shape (n_rows,)
    """

    customer: np.ndarray
    month: np.ndarray
    amount: np.ndarray


@dataclass(frozen=True)
class Others:
    """Whom joiners are compared with; one value per customer, in the order of the bookings.

    Attributes
    ----------
    begins, until : ndarray of int, shape (n_customers,)
        First and last month in which the customer can stand for those who had not joined.
    group : ndarray of int, shape (n_customers,)
        Joiners are compared with customers of their own group.
    """

    begins: np.ndarray
    until: np.ndarray
    group: np.ndarray


@dataclass(frozen=True)
class Joiners:
    """The months of each joiner; one value per customer, anything where `used` is False.

    Attributes
    ----------
    used : ndarray of bool, shape (n_customers,)
    joined : ndarray of int, shape (n_customers,)
        Month of joining; months since joining count from here.
    base_first, base_last : ndarray of int, shape (n_customers,)
        Months before that stand for what the joiner would buy without the club.
    last : ndarray of int, shape (n_customers,)
        Last month to compare.
    factor : ndarray of float, shape (n_customers,), optional
        What base months are multiplied by; 1 by default.
    slopes, moved : ndarray of shape (n_customers, n_parameters), optional
        Where factors were estimated: how their logarithms change with the parameters, and how much each customer
        moves these.
    """

    used: np.ndarray
    joined: np.ndarray
    base_first: np.ndarray
    base_last: np.ndarray
    last: np.ndarray
    factor: np.ndarray | None = None
    slopes: np.ndarray | None = None
    moved: np.ndarray | None = None


@dataclass(frozen=True)
class Compared:
    """What joiners bought and what they would have bought, for each span of months since joining.

    Attributes
    ----------
    observed, expected : ndarray of shape (n_spans,)
    joiners, months : ndarray of int, shape (n_spans,)
        Joiners with a month in the span, and their months.
    of_observed, of_expected : ndarray of shape (n_customers, n_spans)
        How much each customer moves the one and the other; over customers they sum to the totals.
    """

    observed: np.ndarray
    expected: np.ndarray
    joiners: np.ndarray
    months: np.ndarray
    of_observed: np.ndarray
    of_expected: np.ndarray

    @property
    def influence(self) -> np.ndarray:
        """How much each customer moves the logarithm of observed over expected; zero where that is not known."""
        known = (self.observed > 0) & (self.expected > 0)
        observed, expected = np.where(known, self.observed, 1.0), np.where(known, self.expected, 1.0)
        return np.where(known, self.of_observed / observed - self.of_expected / expected, 0.0)


def compare_months(
    bookings: Bookings, others: Others, joiners: Joiners, spans: Sequence[tuple[int, int]], n_months: int
) -> Compared:
    """Compare joiners with customers who had not joined, over pairs of months.

    Parameters
    ----------
    bookings : Bookings
    others : Others
    joiners : Joiners
    spans : sequence of (int, int)
        First and last month since joining of each comparison; negative before joining.
    n_months : int

    Returns
    -------
    Compared

    Raises
    ------
    TooLittleData
        If joiners have a pair of months in which no other customer bought anything.

    Notes
    -----
    With C(s, t) the purchases in month s, and C'(s, t) those in month t, of all others who were there from s to t,
    a joiner with n base months is expected to buy in month t

        sum over base months s of  y(s) / n  x  C'(s, t) / C(s, t).

    That is a difference in differences of logarithms with a comparison group of its own for each pair of months: the
    group-time effect of Callaway & Sant'Anna (2021, Journal of Econometrics 225:200-230) with customers not yet joined,
    in the form for counts, where groups differ by a factor (Wooldridge 2023, Econometrics Journal 26:C31-C66).
    Influences are the derivatives of the logarithm by the weight of a customer.
    """
    who, month, amount = bookings.customer, bookings.month, bookings.amount
    then, now = _others_then_and_now(bookings, others, n_months)
    with np.errstate(divide="ignore", invalid="ignore"):
        change = np.where(then > 0, now / then, 0.0)
    grown = _summed(change, axis=2)  # over months t, with a leading 0
    in_base = joiners.used[who] & (month >= joiners.base_first[who]) & (month <= joiners.base_last[who])
    base = np.flatnonzero(in_base)
    lengths = joiners.base_last - joiners.base_first + 1
    share = amount[base] / lengths[who[base]]
    if joiners.factor is not None:
        share = share * joiners.factor[who[base]]
    n, size = len(others.begins), (int(others.group.max(initial=0)) + 1, n_months, n_months + 1)
    of_observed, of_expected = np.zeros((n, len(spans))), np.zeros((n, len(spans)))
    people, months = np.zeros(len(spans), int), np.zeros(len(spans), int)
    for number, (low, high) in enumerate(spans):
        first, last = joiners.joined + low, np.minimum(joiners.joined + high, joiners.last)
        some = joiners.used & (first <= last)
        people[number], months[number] = some.sum(), (last - first + 1)[some].sum()
        inside = some[who] & (month >= first[who]) & (month <= last[who])
        got = np.bincount(who[inside], amount[inside], n)
        rows = base[some[who[base]]]
        weight = share[some[who[base]]]
        whose, since = who[rows], month[rows]
        group = others.group[whose]
        factor = grown[group, since, last[whose] + 1] - grown[group, since, first[whose]]
        would = np.bincount(whose, weight * factor, n)
        # Purchases of base months by the months t they are carried to: on at the first, off after the last.
        carried = np.zeros(size)
        np.add.at(carried, (group, since, first[whose]), weight)
        np.add.at(carried, (group, since, last[whose] + 1), -weight)
        carried = np.cumsum(carried, axis=2)[:, :, :n_months]
        carried[np.abs(carried) < 1e-9] = 0.0
        _refuse_alone(carried, then)
        of_observed[:, number] = got
        of_expected[:, number] = would + _moved_by_others(bookings, others, carried, then, change)
        if joiners.slopes is not None:
            of_expected[:, number] += joiners.moved @ (joiners.slopes.T @ would)
    return Compared(
        of_observed.sum(axis=0), of_expected.sum(axis=0), people, months, of_observed, of_expected
    )


def _others_then_and_now(bookings: Bookings, others: Others, n_months: int) -> tuple[np.ndarray, np.ndarray]:
    """Purchases of others by group, earlier month s and later month t: those of s, those of t."""
    who, month, amount = bookings.customer, bookings.month, bookings.amount
    begins, until, group = others.begins[who], others.until[who], others.group[who]
    shape = (int(others.group.max(initial=0)) + 1, n_months, n_months)
    kept = (month >= begins) & (month <= until)
    place = np.ravel_multi_index((group[kept], month[kept], until[kept]), shape)
    by_end = np.bincount(place, amount[kept], np.prod(shape)).reshape(shape)
    then = by_end[:, :, ::-1].cumsum(axis=2)[:, :, ::-1]  # still there in t
    place = np.ravel_multi_index((group[kept], begins[kept], month[kept]), shape)
    now = np.bincount(place, amount[kept], np.prod(shape)).reshape(shape).cumsum(axis=1)  # there since s
    later = np.triu(np.ones((n_months, n_months), bool), 1)
    return np.where(later, then, 0.0), np.where(later, now, 0.0)


def _moved_by_others(
    bookings: Bookings, others: Others, carried: np.ndarray, then: np.ndarray, change: np.ndarray
) -> np.ndarray:
    """How much each of the others moves the expected purchases of joiners."""
    who, month, amount = bookings.customer, bookings.month, bookings.amount
    kept = (month >= others.begins[who]) & (month <= others.until[who])
    who, month, amount = who[kept], month[kept], amount[kept]
    group = others.group[who]
    weight = np.divide(carried, then, out=np.zeros_like(carried), where=then > 0)
    up = weight[:, ::-1].cumsum(axis=1)[:, ::-1]  # over months s from the first of the customer on
    down = (weight * change).cumsum(axis=2)  # over months t up to the last of the customer
    moved = up[group, others.begins[who], month] - down[group, month, others.until[who]]
    return np.bincount(who, amount * moved, len(others.begins))


def _summed(values: np.ndarray, axis: int) -> np.ndarray:
    zero = np.zeros_like(np.take(values, [0], axis=axis))
    return np.concatenate([zero, values.cumsum(axis=axis)], axis=axis)


def _refuse_alone(carried: np.ndarray, then: np.ndarray) -> None:
    alone = (carried != 0) & (then <= 0)
    if alone.any():
        raise TooLittleData(
            f"{int(alone.sum())} pairs of months in which none of the customers to compare with bought anything",
            "customers who have not joined, in every month and group of the joiners",
            "take fewer groups to compare within, or leave the effect of the club open",
        )
