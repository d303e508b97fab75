"""Predictions of Pareto/NBD, against the published formulas."""

import numpy as np
import pandas as pd
import pytest

from crmlib.analysis.clv.timing.pareto_nbd import ParetoNBD

HISTORIES = (
    (0, 0.0, 1.0),
    (0, 0.0, 900.0),
    (1, 1.0, 1.0),
    (2, 30.43, 38.86),
    (40, 364.0, 365.0),
    (300, 10.0, 1000.0),
    (1500, 1000.0, 1000.0),
)
SCALES = ((0.01, 1000.0), (1000.0, 0.01), (10.0, 10.0), (50.0, 3.0), (3.0, 50.0))
SHAPES = (
    (0.01, 0.01),
    (0.6, 0.999999),
    (0.6, 1.0),
    (0.6, 1.000001),
    (1.0, 30.0),
    (1000.0, 1.0),
    (2.0, 1000.0),
)


@pytest.mark.parametrize("scales", SCALES, ids=str)
def test_predictions_are_the_published_ones(exact, scales):
    base = pd.DataFrame(HISTORIES, columns=["x", "t_x", "T"])
    for r, s in SHAPES:
        params = [r, scales[0], s, scales[1]]
        model = ParetoNBD().with_params(params)
        found = [model.predict_alive(base), model.predict_orders(base, 52.0)]
        for number, history in enumerate(HISTORIES):
            expected = (exact.pareto.alive(params, *history), exact.pareto.ahead(params, *history, 52.0))
            assert [f[number] for f in found] == pytest.approx(
                [float(e) for e in expected], rel=1e-9, abs=1e-250
            )


@pytest.mark.parametrize(
    "params",
    [
        (0.6, 10.0, 0.6, 12.0),
        (0.01, 1000.0, 1.0, 0.01),
        (30.0, 3.0, 0.999999, 50.0),
        (2.0, 50.0, 1000.0, 3.0),
        (0.3, 5.0, 900.0, 9e4),
    ],
    ids=str,
)
@pytest.mark.parametrize("horizon", [0.5, 52.0, 5000.0])
def test_the_chance_to_buy_again_is_the_integral_over_the_first_purchase(exact, params, horizon):
    base = pd.DataFrame([HISTORIES[k] for k in (0, 3, 6)], columns=["x", "t_x", "T"])
    found = ParetoNBD().with_params(params).predict_active(base, horizon)
    expected = [
        float(exact.pareto.active(params, *history, horizon)) for history in base.itertuples(index=False)
    ]
    assert found.to_numpy() == pytest.approx(np.array(expected), rel=1e-9, abs=1e-250)


@pytest.mark.parametrize("scales", SCALES, ids=str)
@pytest.mark.parametrize("time", [0.5, 52.0, 3000.0])
def test_expected_orders_of_a_new_customer_are_the_published_ones(exact, scales, time):
    for r, s in SHAPES:
        params = [r, scales[0], s, scales[1]]
        found = float(ParetoNBD().with_params(params).expected_orders(time))
        assert found == pytest.approx(float(exact.pareto.expected(params, time)), rel=1e-9)


@pytest.mark.parametrize("x", [0, 3])
def test_the_chance_to_be_active_falls_with_silence_from_certainty(x):
    base = pd.DataFrame({"x": x, "t_x": 20.0 * (x > 0), "T": np.linspace(20.0 * (x > 0), 300, 50)})
    alive = ParetoNBD().with_params([0.553, 10.578, 0.606, 11.669]).predict_alive(base)
    assert alive.iloc[0] == pytest.approx(1) and (alive.diff().dropna() < 0).all()


def test_predictions_do_not_jump_where_a_scale_or_a_shape_passes_its_special_value():
    base = pd.DataFrame(HISTORIES, columns=["x", "t_x", "T"])

    def near(s, beta):
        model = ParetoNBD().with_params([0.6, 10.0, s, beta])
        return np.concatenate(
            [model.predict_alive(base), model.predict_orders(base, 52.0), model.predict_active(base, 52.0)]
        )

    for a, b in (
        ((1.0, 30.0), (1 + 1e-11, 30.0)),
        ((1.0, 30.0), (1 - 1e-11, 30.0)),
        ((0.7, 10.0), (0.7, 10 + 1e-10)),
    ):
        assert near(*a) == pytest.approx(near(*b), rel=1e-8, abs=1e-250)
