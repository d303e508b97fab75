"""Log-likelihoods as the papers print them: the judge of whether two fits ended at the same optimum."""

import numpy as np
import pandas as pd
from scipy.special import betaln, gammaln, hyp2f1


def bg_nbd(params: dict[str, float], frame: pd.DataFrame) -> float:
    """Fader, Hardie & Lee (2005), Marketing Science 24:275-284, equation 6."""
    r, alpha, a, b = (params[name] for name in ("r", "alpha", "a", "b"))
    x, t_x, T = (frame[name].to_numpy(float) for name in ("x", "t_x", "T"))
    shared = gammaln(r + x) - gammaln(r) + r * np.log(alpha) - betaln(a, b)
    stayed = betaln(a, b + x) - (r + x) * np.log(alpha + T)
    left = betaln(a + 1, b + np.maximum(x, 1) - 1) - (r + x) * np.log(alpha + t_x)
    return float(np.sum(shared + np.where(x > 0, np.logaddexp(stayed, left), stayed)))


def pareto_nbd(params: dict[str, float], frame: pd.DataFrame) -> float:
    """Schmittlein, Morrison & Colombo (1987) as in Fader & Hardie (2005), note 009, equations 18 to 22."""
    r, alpha, s, beta = (params[name] for name in ("r", "alpha", "s", "beta"))
    x, t_x, T = (frame[name].to_numpy(float) for name in ("x", "t_x", "T"))
    total, most = r + s + x, max(alpha, beta)
    other = s + 1 if alpha >= beta else r + x

    def part(time: np.ndarray) -> np.ndarray:
        share = abs(alpha - beta) / (most + time)
        return np.log(hyp2f1(total, other, total + 1, share)) - total * np.log(most + time)

    at_last, at_end = part(t_x), part(T)
    with np.errstate(divide="ignore"):
        between = at_last + np.log(-np.expm1(np.minimum(at_end - at_last, 0.0)))
    stayed = -(r + x) * np.log(alpha + T) - s * np.log(beta + T)
    shared = gammaln(r + x) - gammaln(r) + r * np.log(alpha) + s * np.log(beta)
    return float(np.sum(shared + np.logaddexp(stayed, np.log(s) - np.log(total) + between)))


def gamma_gamma(params: dict[str, float], frame: pd.DataFrame) -> float:
    """Fader & Hardie (2013), note 025, equation 1a."""
    p, q, gamma = (params[name] for name in ("p", "q", "gamma"))
    n, m = frame["n"].to_numpy(float), frame["money"].to_numpy(float)
    size = p * n
    value = gammaln(size + q) - gammaln(size) - gammaln(q) + q * np.log(gamma)
    return float(
        np.sum(value + (size - 1) * np.log(m) + size * np.log(n) - (size + q) * np.log(gamma + m * n))
    )
