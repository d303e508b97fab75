"""The integral of the Pareto/NBD likelihood and its derivatives, with fifty digits."""

import numpy as np
import pytest
from mpmath import mp, mpf

from crmlib.analysis.clv.timing.lifetime_tail import ORDERS, Interpolant

LEAVES = (1e-2, 0.999999, 1.0, 20.0, 1000.0)
COUNTS = np.array([0.0, 1.0, 7.0, 300.0, 1500.0])
RANGES = ((-11.5, -9.0), (-3.0, 0.0), (0.0, 0.0), (0.0, 2.5), (2.0, 9.0), (-4.0, 4.0))


def published(shape, s, log_ratio):
    """The Gauss functions of Fader & Hardie (2005), A note on deriving the Pareto/NBD model, as a ratio of times."""
    mp.dps = 50
    shape, s, log_ratio = (mpf(float(v)) for v in (shape, s, log_ratio))
    order, ratio = shape + s, mp.exp(log_ratio)
    if ratio >= 1:
        return ratio**-s * mp.hyp2f1(order, s + 1, order + 1, 1 - 1 / ratio) / order
    return ratio**shape * mp.hyp2f1(order, shape, order + 1, 1 - ratio) / order


def quadrature(shape, s, log_ratio):
    """The integral itself, in u = log(v - 1)."""
    mp.dps = 50
    shape, s, log_ratio = (mpf(v) for v in (shape, s, log_ratio))

    def of(u):
        return mp.exp(u - shape * mp.log1p(mp.exp(u - log_ratio)) - (s + 1) * mp.log1p(mp.exp(u)))

    return mp.quad(of, [-150, *range(-40, 41, 4), 100, 200, 400])


@pytest.mark.parametrize(("shape", "s", "log_ratio"), [(0.6, 0.7, 1.2), (30.5, 1.0, -2.0), (2.0, 40.0, 0.0)])
def test_the_published_functions_are_the_integral(shape, s, log_ratio):
    assert float(published(shape, s, log_ratio) / quadrature(shape, s, log_ratio)) == pytest.approx(
        1, abs=1e-14
    )


@pytest.mark.parametrize("s", LEAVES)
@pytest.mark.parametrize(("low", "high"), RANGES)
def test_values_are_those_of_the_published_functions(s, low, high):
    at = np.array([low, 0.3 * low + 0.7 * high])
    for r in (0.01, 50.0):
        shapes = COUNTS[[0, 1, 4]] + r
        found = Interpolant.between(shapes, s, low, high, derivatives=False).outer(at)[0]
        expected = [[float(published(a, s, place)) for place in at] for a in shapes]
        assert found == pytest.approx(np.array(expected), rel=1e-10, abs=0)


@pytest.mark.parametrize("shape_and_s", [(1e-4, 1e-4), (1e-7, 1e-7), (1e-6, 0.3), (0.3, 1e-6), (1e-3, 1e-7)])
@pytest.mark.parametrize("log_ratio", [-8.0, 0.0, 8.0])
def test_small_shapes_with_their_endless_tails_are_summed_to_the_end(shape_and_s, log_ratio):
    shape, s = shape_and_s
    found = Interpolant.between(np.array([shape]), s, log_ratio, log_ratio).outer(np.array([log_ratio]))[0]
    assert found[0, 0] == pytest.approx(float(published(shape, s, log_ratio)), rel=1e-9)


@pytest.mark.parametrize(("shape", "s"), [(0.02, 0.03), (0.6, 0.7), (31.0, 1.0), (1500.0, 0.4), (2.0, 300.0)])
@pytest.mark.parametrize("log_ratio", [-5.0, -0.3, 0.0, 3.0])
def test_derivatives_are_those_of_the_published_functions(shape, s, log_ratio):
    found = Interpolant.between(np.array([shape]), s, log_ratio - 0.4, log_ratio + 1.1).outer(
        np.array([log_ratio])
    )
    point, step = [mpf(v) for v in (shape, s, log_ratio)], mpf("1e-6")

    def moved(*moves):
        return _published_at(
            *(p + step * m for p, m in zip(point, np.sum(moves, axis=0).tolist(), strict=True))
        )

    axes = dict(zip("Asl", np.eye(3, dtype=int), strict=True))
    for order, value in zip(ORDERS[1:], found[1:, 0, 0], strict=True):
        along = [axes[name] for name in order]
        if len(along) == 1:
            expected = (moved(along[0]) - moved(-along[0])) / (2 * step)
        else:
            one, two = along
            expected = (moved(one, two) - moved(one, -two) - moved(-one, two) + moved(-one, -two)) / (
                4 * step**2
            )
        assert value == pytest.approx(float(expected), rel=1e-7, abs=1e-9 * float(found[0, 0, 0])), order


def _published_at(shape, s, log_ratio):
    order, ratio = shape + s, mp.exp(log_ratio)
    if ratio >= 1:
        return ratio**-s * mp.hyp2f1(order, s + 1, order + 1, 1 - 1 / ratio) / order
    return ratio**shape * mp.hyp2f1(order, shape, order + 1, 1 - ratio) / order


def test_customer_by_customer_equals_the_table():
    shapes = COUNTS + 0.4
    table = Interpolant.between(shapes, 0.8, -2.0, 3.0)
    at = np.linspace(-2.0, 3.0, 7)
    outer = table.outer(at)
    number, place = np.meshgrid(np.arange(len(shapes)), np.arange(len(at)), indexing="ij")
    paired = table.paired(number.ravel(), at[place.ravel()])
    assert paired == pytest.approx(outer.reshape(len(ORDERS), -1), rel=1e-12, abs=1e-14)


def test_with_and_without_derivatives_the_value_is_the_same():
    shapes, at = COUNTS + 0.4, np.linspace(-2.0, 3.0, 7)
    plain, full = (Interpolant.between(shapes, 0.8, -2.0, 3.0, d).outer(at)[0] for d in (False, True))
    assert plain == pytest.approx(full, rel=1e-12)


def test_with_equal_scales_the_tail_is_one_over_the_sum_of_the_shapes():
    found = Interpolant.between(COUNTS + 0.4, 0.8, 0.0, 0.0, derivatives=False).outer(np.array([0.0]))
    assert found[0, :, 0] == pytest.approx(1 / (COUNTS + 1.2), rel=1e-12)


def test_times_the_rate_of_leaving_it_is_a_chance():
    for s in LEAVES:
        found = s * Interpolant.between(COUNTS + 0.4, s, -9.0, 9.0, derivatives=False).outer(
            np.linspace(-9, 9, 40)
        )
        assert (found > 0).all() and (found < 1 + 1e-12).all()
