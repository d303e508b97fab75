"""A second way to compute the continuous-time models: the published formulas, with fifty digits."""

from types import SimpleNamespace

import pytest
from mpmath import mp, mpf


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
