"""The integral at the heart of the Pareto/NBD likelihood, for all customers at once.

For a customer with shape A = r + x of the purchase rate, seen at a time d,

    tail(A, s, ρ) = ∫_1^∞ (1 + (v - 1) / ρ)^-A · v^-(s+1) dv,    ρ = (α + d) / (β + d),

is, times s, the chance that the customer leaves before buying again after d, times the odds at
d. The textbook writes it as a Gauss hypergeometric function of A, s and ρ. It depends on
the time only through ρ, smoothly: so it is integrated at a few Chebyshev points of log ρ for
each distinct A, and interpolated for everybody. All terms of the integral are positive.
"""

from dataclasses import dataclass

import numpy as np

#: What is computed: the tail and its derivatives by A, s and l = log ρ.
ORDERS = ("h", "A", "s", "l", "AA", "As", "Al", "ss", "sl", "ll")
#: Accuracy of full double precision, as the exponent of the relative error.
FULL_DIGITS = 37.0


@dataclass(frozen=True)
class Interpolant:
    """The tail as a function of log ρ, for several shapes.

    Attributes
    ----------
    series : ndarray of shape (n_shapes, n_orders, n_terms)
        Chebyshev coefficients of each of `ORDERS` (of the first alone, for values only).
    low, high : float
        Range of log ρ.
    """

    series: np.ndarray
    low: float
    high: float

    @classmethod
    def between(
        cls,
        shapes: np.ndarray,
        s: float,
        low: float,
        high: float,
        derivatives: bool = True,
        digits: float = FULL_DIGITS,
    ) -> "Interpolant":
        """Integrate at the points of a range of log ρ.

        Parameters
        ----------
        shapes : ndarray of shape (n_shapes,)
            Values of A, rising, above 0.
        s : float
            Shape of the rate of leaving, above 0.
        low, high : float
            Range of log ρ.
        derivatives : bool
            Whether the derivatives are wanted, too.
        digits : float
            Accuracy: the relative error is about exp(-digits).
        """
        half = max(0.5 * (high - low), 1e-12)
        # The tail is analytic up to log ρ = ±πi, which tells how many terms are needed.
        ratio = np.pi / half
        count = int(np.ceil(digits / np.log(ratio + np.hypot(1, ratio)))) + 3
        nodes = np.cos(np.pi * (np.arange(count) + 0.5) / count)
        at = 0.5 * (low + high) + half * nodes
        known = np.empty((len(shapes), len(ORDERS) if derivatives else 1, count))
        # Small shapes need a longer grid of their own; the others share a shorter one.
        short = int(np.searchsorted(shapes, 1.0))
        for part in (slice(0, short), slice(short, len(shapes))):
            if len(shapes[part]):
                known[part] = _integrals(shapes[part], s, at, derivatives, digits)
        waves = np.cos(np.outer(np.arange(count), np.pi * (np.arange(count) + 0.5) / count))
        series = (2 / count) * (known @ waves.T)
        series[:, :, 0] /= 2
        return cls(series, low, high)

    def basis(self, logs: np.ndarray) -> np.ndarray:
        """Return the Chebyshev polynomials at values of log ρ, shape (n_terms, n)."""
        half = max(0.5 * (self.high - self.low), 1e-12)
        place = np.clip((logs - 0.5 * (self.low + self.high)) / half, -1, 1)
        return np.polynomial.chebyshev.chebvander(place, self.series.shape[2] - 1).T

    def outer(self, logs: np.ndarray) -> np.ndarray:
        """Evaluate for every shape at every log ρ, shape (n_orders, n_shapes, n)."""
        return np.ascontiguousarray((self.series @ self.basis(logs)).transpose(1, 0, 2))

    def paired(self, shape: np.ndarray, logs: np.ndarray) -> np.ndarray:
        """Evaluate for shape number `shape[i]` at `logs[i]`, shape (n_orders, n)."""
        return np.einsum("nkc,cn->kn", self.series[shape], self.basis(logs), optimize=True)


def _integrals(shapes: np.ndarray, s: float, at: np.ndarray, derivatives: bool, digits: float) -> np.ndarray:
    """Integrate by the trapezoidal rule in u = log(v - 1), for all shapes and points at once."""
    least = float(at.min())
    step = np.pi**2 / digits  # the error of the rule falls as exp(-π² / step)
    start = min(0.0, least - np.log(shapes[-1] + 1), -np.log(s + 1)) - digits
    stop = max(0.0, float(at.max())) + digits / max(shapes[0] + s, 1.0)
    u = np.arange(start, stop + step, step)
    by_rho = np.logaddexp(0, u - at[:, None])  # log(1 + (v - 1) / ρ), shape (n_points, n_u)
    by_v = np.logaddexp(0, u)  # log v
    of_v = u - (s + 1) * by_v + np.log(step)
    mass, fall = np.empty((len(at), len(shapes), len(u))), np.exp(-by_rho)
    for number, shape in enumerate(shapes):
        if number and abs(shape - shapes[number - 1] - 1) < 1e-9:
            # One purchase more: a product takes a tenth of an exponential.
            np.multiply(mass[:, number - 1], fall, out=mass[:, number])
        else:
            np.exp(of_v - shape * by_rho, out=mass[:, number])
    rest, rest_1, rest_2 = _beyond(shapes, s, at, float(u[-1]), step)
    if not derivatives:
        return (mass.sum(axis=2).T + rest)[:, None, :]
    pull = np.exp(u - at[:, None] - by_rho)
    one = np.ones_like(pull)
    wide = np.broadcast_to(by_v, pull.shape)
    features = np.stack(
        [one, by_rho, wide, pull, by_rho**2, by_rho * wide, by_rho * pull, wide**2, wide * pull,
         pull**2, pull * (1 - pull)], axis=2,
    )  # fmt: skip
    sums = (mass @ features).transpose(1, 2, 0)  # (n_shapes, n_features, n_points)
    v, rho = u[-1], u[-1] - at  # what the logarithms are at the end of the grid
    sums += np.stack(
        [rest, rho * rest + rest_1, v * rest + rest_1, rest, rho**2 * rest + 2 * rho * rest_1 + rest_2,
         rho * v * rest + (rho + v) * rest_1 + rest_2, rho * rest + rest_1,
         v**2 * rest + 2 * v * rest_1 + rest_2, v * rest + rest_1, rest, 0 * rest], axis=1,
    )  # fmt: skip
    a = shapes[:, None]
    h, rho, v, pulls, rho_2, rho_v, rho_pull, v_2, v_pull, pull_2, curve = sums.transpose(1, 0, 2)
    return np.stack(
        [h, -rho, -v, a * pulls, rho_2, rho_v, pulls - a * rho_pull, v_2, -a * v_pull,
         a**2 * pull_2 - a * curve], axis=1,
    )  # fmt: skip


def _beyond(
    shapes: np.ndarray, s: float, at: np.ndarray, last: float, step: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Sum the trapezoids beyond the last u, and those times u - last and its square.

    There both logarithms are straight lines in u, so that the sums are geometric series: with small shapes
    they fall so slowly that no grid reaches their end.
    """
    decay = shapes[:, None] + s
    kept, lost = np.exp(-decay * step), -np.expm1(-decay * step)
    mass = np.exp(-shapes[:, None] * (last - at) - s * last) * step
    rest = mass * kept / lost
    return rest, rest * step / lost, rest * step**2 * (1 + kept) / lost**2
