"""Predicted tenure: against a plain simulation of the model, its limits, and what it may not depend on."""

import numpy as np
import pandas as pd
import pytest

from crmlib.analysis.clv.timing.mbg_nbd import MBGNBD
from crmlib.analysis.segments.predicted_tenure import DAYS_PER_MONTH, months_if_customer, predicted_tenure
from crmlib.errors import ParameterError

PARAMS = pd.Series({"r": 1.3, "alpha": 70.0, "a": 0.8, "b": 2.5})


@pytest.fixture(scope="module")
def people():
    """Histories drawn from the model itself, watched for one to three years."""
    rng = np.random.default_rng(3)
    watched = rng.integers(365, 1096, 900).astype(float)
    model = MBGNBD().with_params(PARAMS)
    drawn = model.simulate(watched, rng)[["x", "t_x", "T"]]
    return drawn.set_index(pd.Index([f"K{number:03d}" for number in range(900)], name="customer_id"))


@pytest.mark.parametrize(("x", "T", "months"), [(0, 400, 12), (6, 700, 36), (40, 1000, 24)])
def test_months_of_a_customer_are_those_of_a_plain_simulation(x, T, months):
    """Rate and chance to leave drawn from what the history leaves of them; leaving comes after a purchase."""
    rng = np.random.default_rng(1)
    rate = rng.gamma(PARAMS["r"] + x, 1 / (PARAMS["alpha"] + T), 400_000)
    leave = rng.beta(PARAMS["a"], PARAMS["b"] + x + 1, 400_000)
    stays = np.minimum(rng.exponential(1 / (rate * leave)), months * DAYS_PER_MONTH) / DAYS_PER_MONTH
    found = months_if_customer(pd.DataFrame({"x": [x], "T": [T]}), PARAMS, months)[0]
    assert found == pytest.approx(stays.mean(), abs=4 * stays.std() / np.sqrt(400_000))


def test_months_lie_between_none_and_the_horizon_and_grow_with_it(people):
    year, three = predicted_tenure(people, 12), predicted_tenure(people, 36)
    assert year.between(0, 12).all() and three.between(0, 36).all()
    assert (three >= year).all() and (three < 3 * year + 1e-6).all()
    assert list(three.index) == list(people.index) and three.name == "months_ahead"


def test_a_chance_known_from_elsewhere_takes_the_place_of_the_model_s(people):
    own = predicted_tenure(people, 12)
    chance = MBGNBD().fit(people).predict_alive(people)
    assert predicted_tenure(people, 12, alive=chance / 2).to_numpy() == pytest.approx(own / 2, rel=1e-4)
    some = predicted_tenure(people, 12, alive=pd.Series(0.0, people.index[:5]))
    assert (some.iloc[:5] == 0).all() and some.iloc[5:].equals(own.iloc[5:])


def test_those_before_the_data_have_parameters_of_their_own_only_where_there_are_enough(people):
    few = pd.Series(people.index.isin(people.index[:60]), people.index)
    many = pd.Series(people.index.isin(people.index[:300]), people.index)
    assert predicted_tenure(people, 12, few).equals(predicted_tenure(people, 12))
    apart = predicted_tenure(people, 12, many)
    assert apart.iloc[:300].to_numpy() == pytest.approx(predicted_tenure(people.iloc[:300], 12).to_numpy())


def test_neither_rows_nor_names_decide(people):
    mixed = people.sample(frac=1, random_state=2)
    found = predicted_tenure(mixed, 24)
    assert found.reindex(people.index).to_numpy() == pytest.approx(predicted_tenure(people, 24), rel=1e-4)


@pytest.mark.parametrize("months", [0, -1, float("inf"), float("nan")])
def test_a_horizon_that_cannot_be_is_refused(people, months):
    with pytest.raises(ParameterError, match="months = "):
        predicted_tenure(people, months)
