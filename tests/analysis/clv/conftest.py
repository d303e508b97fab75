"""A second way to compute the continuous-time models, the published formulas with fifty digits; and a small shop."""

import datetime as dt
from types import SimpleNamespace

import ibis
import numpy as np
import pandas as pd
import pytest
from mpmath import mp, mpf

from crmlib.analysis.clv.purchases.summary import purchase_summary
from crmlib.analysis.clv.timing.histories import Histories


def _log_beta(a, b):
    return mp.loggamma(a) + mp.loggamma(b) - mp.loggamma(a + b)


def _numbers(*values):
    return [value if isinstance(value, mpf) else mpf(float(value)) for value in values]


def bg_log_likelihood(params, x, t_x, T):
    """Fader, Hardie & Lee (2005), equation 6."""
    r, alpha, a, b, t_x, T = _numbers(*params, t_x, T)
    value = mp.loggamma(r + x) - mp.loggamma(r) + r * mp.log(alpha)
    there = _log_beta(a, b + x) - _log_beta(a, b) - (r + x) * mp.log(alpha + T)
    if x == 0:
        return value + there
    left = _log_beta(a + 1, b + x - 1) - _log_beta(a, b) - (r + x) * mp.log(alpha + t_x)
    return value + there + mp.log1p(mp.exp(left - there))


def bg_alive(params, x, t_x, T):
    """Fader, Hardie & Lee (2008), note 021."""
    r, alpha, a, b, t_x, T = _numbers(*params, t_x, T)
    return 1 / (1 + (a / (b + x - 1) * ((alpha + T) / (alpha + t_x)) ** (r + x) if x else 0))


def bg_expected(params, t):
    """Fader, Hardie & Lee (2005), equation 9; a hair beside its removable singularity at a = 1."""
    r, alpha, a, b, t = _numbers(*params, t)
    a = _beside_one(a)
    rest = (alpha / (alpha + t)) ** r * mp.hyp2f1(r, b, a + b - 1, t / (alpha + t))
    return (a + b - 1) / (a - 1) * (1 - rest)


def bg_ahead(params, x, t_x, T, t):
    """Fader, Hardie & Lee (2005), equation 10."""
    r, alpha, a, b, T_, t = _numbers(*params, T, t)
    return bg_alive(params, x, t_x, T) * bg_expected_of_active(r + x, alpha + T_, a, b + x, t)


def bg_expected_of_active(r, alpha, a, b, t):
    a = _beside_one(a)
    rest = (alpha / (alpha + t)) ** r * mp.hyp2f1(r, b, a + b - 1, t / (alpha + t))
    return (a + b - 1) / (a - 1) * (1 - rest)


def bg_active(params, x, t_x, T, t):
    r, alpha, _, _, T_, t = _numbers(*params, T, t)
    return bg_alive(params, x, t_x, T) * (1 - ((alpha + T_) / (alpha + T_ + t)) ** (r + x))


def mbg_log_likelihood(params, x, t_x, T):
    """Batislam, Denizel & Filiztekin (2007)."""
    r, alpha, a, b, t_x, T = _numbers(*params, t_x, T)
    value = mp.loggamma(r + x) - mp.loggamma(r) + r * mp.log(alpha)
    value += mp.loggamma(a + b) + mp.loggamma(b + x) - mp.loggamma(b) - mp.loggamma(a + b + x + 1)
    there = mp.log(b + x) - (r + x) * mp.log(alpha + T)
    left = mp.log(a) - (r + x) * mp.log(alpha + t_x)
    return value + there + mp.log1p(mp.exp(left - there))


def mbg_alive(params, x, t_x, T):
    r, alpha, a, b, t_x, T = _numbers(*params, t_x, T)
    return 1 / (1 + a / (b + x) * ((alpha + T) / (alpha + t_x)) ** (r + x))


def mbg_expected(params, t):
    """Batislam, Denizel & Filiztekin (2007)."""
    r, alpha, a, b, t = _numbers(*params, t)
    a = _beside_one(a)
    rest = (alpha / (alpha + t)) ** r * mp.hyp2f1(r, b + 1, a + b, t / (alpha + t))
    return b / (a - 1) * (1 - rest)


def mbg_ahead(params, x, t_x, T, t):
    r, alpha, a, b, T_, t = _numbers(*params, T, t)
    return mbg_alive(params, x, t_x, T) * bg_expected_of_active(r + x, alpha + T_, a, b + x + 1, t)


def mbg_active(params, x, t_x, T, t):
    r, alpha, _, _, T_, t = _numbers(*params, T, t)
    return mbg_alive(params, x, t_x, T) * (1 - ((alpha + T_) / (alpha + T_ + t)) ** (r + x))


def pareto_left(params, x, t_x, T):
    """A_0 of Fader & Hardie (2005), A note on deriving the Pareto/NBD model, times (α + T)^(r+x) (β + T)^s."""
    r, alpha, s, beta, t_x, T = _numbers(*params, t_x, T)
    order = r + s + x

    def of(time):
        if alpha >= beta:
            series = mp.hyp2f1(order, s + 1, order + 1, (alpha - beta) / (alpha + time))
            return series * mp.exp(
                (r + x) * mp.log(alpha + T) + s * mp.log(beta + T) - order * mp.log(alpha + time)
            )
        series = mp.hyp2f1(order, r + x, order + 1, (beta - alpha) / (beta + time))
        return series * mp.exp(
            (r + x) * mp.log(alpha + T) + s * mp.log(beta + T) - order * mp.log(beta + time)
        )

    return of(t_x) - of(T)


def pareto_log_likelihood(params, x, t_x, T):
    r, alpha, s, beta, T_ = _numbers(*params, T)
    value = mp.loggamma(r + x) - mp.loggamma(r) + r * mp.log(alpha) + s * mp.log(beta)
    value -= (r + x) * mp.log(alpha + T_) + s * mp.log(beta + T_)
    return value + mp.log1p(s / (r + s + x) * pareto_left(params, x, t_x, T))


def pareto_alive(params, x, t_x, T):
    r, _, s, _ = _numbers(*params)
    return 1 / (1 + s / (r + s + x) * pareto_left(params, x, t_x, T))


def pareto_expected(params, t):
    r, alpha, s, beta, t = _numbers(*params, t)
    return r / alpha * _time_there(s, beta, t)


def pareto_ahead(params, x, t_x, T, t):
    r, alpha, s, beta, T_, t = _numbers(*params, T, t)
    return pareto_alive(params, x, t_x, T) * (r + x) / (alpha + T_) * _time_there(s, beta + T_, t)


def pareto_active(params, x, t_x, T, t):
    """The first purchase at u, still there: by quadrature."""
    r, alpha, s, beta, T_, t = _numbers(*params, T, t)
    r, alpha, beta = r + x, alpha + T_, beta + T_

    def first(log):
        u = mp.expm1(log) * alpha
        return r * mp.exp(-r * mp.log1p(u / alpha) - s * mp.log1p(u / beta))

    end = mp.log1p(t / alpha)
    points = [mpf(0), *sorted(p for p in (end, 1 / r, 10 / r, 60 / r) if p <= end)]
    return pareto_alive(params, x, t_x, T) * mp.quad(first, points)


def _time_there(s, beta, t):
    if s == 1:
        return beta * mp.log1p(t / beta)
    return beta / (s - 1) * (1 - (beta / (beta + t)) ** (s - 1))


def _beside_one(a):
    return a + mpf("1e-22") if a == 1 else a


@pytest.fixture(scope="session")
def exact():
    """Return the published formulas of the three models: exact.bg.log_likelihood(params, x, t_x, T) and so on."""
    mp.dps = 50
    parts = ("log_likelihood", "alive", "expected", "ahead", "active")
    return SimpleNamespace(
        **{
            model: SimpleNamespace(**{part: globals()[f"{model}_{part}"] for part in parts})
            for model in ("bg", "mbg", "pareto")
        }
    )


@pytest.fixture(scope="session")
def alone():
    """Return a function: each history beside its likelihood's data, in which the others weigh nothing."""

    def of(histories):
        table = pd.DataFrame(histories, columns=["x", "t_x", "T"])
        for number, history in enumerate(histories):
            yield history, Histories.of_any(table, (np.arange(len(table)) == number).astype(float))

    return of


@pytest.fixture(scope="session")
def differences():
    """Return a function: gradient and Hessian by the logarithms of the parameters, by differences of fifty digits."""

    def of(function, params):
        mp.dps = 50
        logs, step = [mp.log(mpf(float(p))) for p in params], mpf("1e-10")
        count = len(logs)

        def moved(*moves):
            there = list(logs)
            for which, sign in moves:
                there[which] += sign * step
            return function([mp.exp(log) for log in there])

        gradient = [float((moved((i, 1)) - moved((i, -1))) / (2 * step)) for i in range(count)]
        hessian = np.zeros((count, count))
        for i in range(count):
            for j in range(i, count):
                corners = (a * b * moved((i, a), (j, b)) for a in (1, -1) for b in (1, -1))
                hessian[i, j] = hessian[j, i] = float(sum(corners) / (4 * step**2))
        return np.array(gradient), hessian

    return of


@pytest.fixture(scope="session")
def shop():
    """Return a function that draws a small shop, purchase by purchase: all that a value is made of."""

    def draw(seed=1, size=300, days=900, pace=(1.2, 80.0), leaves=(0.5, 3.0), price=1.0):
        rng = np.random.default_rng(seed)
        begin = rng.integers(0, int(days * 0.8), size)
        rate, leave = rng.gamma(pace[0], 1 / pace[1], size), rng.beta(*leaves, size)
        parts, now, there = [(np.arange(size), begin)], begin.astype(float), np.arange(size)
        while len(there):
            there = there[rng.random(len(there)) >= leave[there]]
            now[there] += rng.exponential(1 / rate[there])
            there = there[now[there] < days]
            parts.append((there, np.floor(now[there])))
        who, day = (np.concatenate(part).astype(int) for part in zip(*parts, strict=True))
        table = pd.DataFrame({"who": who, "day": day}).drop_duplicates().sort_values(["who", "day"])
        sales = rng.gamma(4.0, 12 / rng.gamma(4.0, 0.3, size)[table["who"]])
        own = rng.normal(0.3, 0.15, size)[table["who"]]
        net = (price * np.maximum(sales, 0.1)).round(2)
        left = (net * own + price * rng.normal(0, 3, len(net))).round(2)
        first = dt.date(2023, 1, 1)
        bought = pd.DataFrame(
            {
                "customer_id": [f"K{w:04d}" for w in table["who"]],
                "day": [first + dt.timedelta(days=int(d)) for d in table["day"]],
                "net_sales": net,
                "gross_margin": (left + 2.0 * price).round(2),
                "service_cost": 2.0 * price,
                "acquisition_cost": np.where(table["who"].duplicated(), 0.0, 5.0 * price),
            }
        )
        as_of = first + dt.timedelta(days=days - 1)
        lines = ibis.memtable(bought[["customer_id", "day", "net_sales"]])
        found = purchase_summary(lines, as_of, money_over="all")
        each = pd.Series(left, index=bought["customer_id"].to_numpy()).groupby(level=0)
        found["left"] = each.mean().reindex(found.index)
        found["squares"] = each.agg(lambda own: ((own - own.mean()) ** 2).sum()).reindex(found.index)
        return SimpleNamespace(
            days=ibis.memtable(bought),
            lines=lines,
            as_of=as_of,
            customers=found,
            before=pd.Series(begin < 90, index=found.index, name="before"),
        )

    return draw
