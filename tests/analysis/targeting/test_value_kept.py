"""What a kept customer is worth: the weight of survival taken out once."""

import numpy as np
import pandas as pd
import pytest

from crmlib.analysis.clv.worth.spending import win_back
from crmlib.analysis.targeting.campaign_terms import ContactTerms
from crmlib.analysis.targeting.contact_profit import expected_profit
from crmlib.analysis.targeting.save_rate import SaveRate
from crmlib.analysis.targeting.value_kept import by_model, value_if_kept
from crmlib.errors import ParameterError, TooLittleData


def saved():
    return pd.DataFrame(
        {
            "customer_id": ["C", "A", "B"], "alive": [0.5, 0.8, 0.0], "value_12": [30.0, 80.0, 0.0],
            "value_36": [60.0, 120.0, 0.0], "low_36": 0.0, "high_36": 900.0,
        }
    )  # fmt: skip


def test_value_is_divided_by_the_chance_to_be_active():
    assert value_if_kept(saved()).to_dict() == {"A": pytest.approx(150), "B": 0, "C": 120}
    assert value_if_kept(saved(), months=12).to_dict() == {"A": pytest.approx(100), "B": 0, "C": 60}
    assert value_if_kept(saved()).index.tolist() == ["A", "B", "C"]


def test_what_comes_back_by_itself_is_not_gained():
    assert value_if_kept(saved(), comes_back=0.25).tolist() == pytest.approx([112.5, 0, 90])
    assert (value_if_kept(saved(), comes_back=1.0) == 0).all()


def test_values_of_a_simple_forecast_are_not_divided():
    """Beside them may stand the chance to be active of a model that was not used."""
    mixed = saved().assign(basis=["model", "simple forecast", "model"])
    assert not by_model(mixed) and by_model(saved()) and by_model(saved().assign(basis="model"))
    with pytest.raises(TooLittleData):
        value_if_kept(mixed)
    assert value_if_kept(saved().assign(basis="model")).to_dict() == value_if_kept(saved()).to_dict()


def test_survival_is_weighed_once():
    """Calling back who has left: the same gain as in lifetime value, where it is worked out another way."""
    table = saved().set_index("customer_id").loc[["A", "C"]]
    there = value_if_kept(saved(), 12).loc[["A", "C"]]
    people = pd.DataFrame({"churn_probability": 1 - table["alive"], "value": there})
    found = expected_profit(people, ContactTerms(1.5, save_rate=SaveRate(0.2, np.inf)))
    campaign = win_back(table.rename(columns={"value_12": "value"}), contact_cost=1.5, brought_back=0.2)
    np.testing.assert_allclose(found.customers["profit"], campaign.customers["limit"] - 1.5)


def test_losses_stay_losses():
    table = saved().assign(value_12=[-30.0, 80.0, 0.0])
    assert value_if_kept(table, 12)["C"] == -60


def test_values_without_chances_or_of_another_horizon_are_refused():
    with pytest.raises(TooLittleData, match="chances to be active"):
        value_if_kept(saved().assign(alive=np.nan))
    with pytest.raises(TooLittleData):
        value_if_kept(saved().drop(columns="alive"))
    with pytest.raises(ParameterError, match="12, 36 months"):
        value_if_kept(saved(), months=24)
    with pytest.raises(ParameterError, match="no months"):
        value_if_kept(saved()[["customer_id", "alive"]])
    with pytest.raises(ParameterError, match="comes_back"):
        value_if_kept(saved(), comes_back=1.1)
