"""Parameters are read from the parameters cell and refused, all at once, before anything runs."""

import pickle
from datetime import date

import pytest

from crmlib.errors import ParameterError
from crmlib.intake.declared import read_parameters
from crmlib.intake.parameters import KNOWN, check_parameters, check_values

CELL = 'as_of = ""\nperiod_months = 12\ndelivery_fee = 4.9\nmine = 3\nstrict = True\nshares = [0.1]\nnames = ["a"]'
DECLARED = read_parameters(
    {"cells": [{"cell_type": "code", "metadata": {"tags": ["parameters"]}, "source": CELL}]}
)


@pytest.mark.parametrize(
    ("given", "checked"),
    [
        ({"delivery_fee": 6}, {"delivery_fee": 6.0}),
        ({"as_of": date(2025, 6, 30)}, {"as_of": "2025-06-30"}),
        ({"as_of": ""}, {"as_of": ""}),
        ({"shares": [0, 1]}, {"shares": [0.0, 1.0]}),
        ({"names": []}, {"names": []}),
        ({"strict": False}, {"strict": False}),
        ({"mine": -7}, {"mine": -7}),
    ],
)
def test_allowed_values_come_back_in_the_type_of_the_default(given, checked):
    result = check_parameters(DECLARED, given)
    assert result == checked
    assert [type(v) for v in result.values()] == [type(v) for v in checked.values()]


@pytest.mark.parametrize(
    "given",
    [
        {"period_months": 0},
        {"period_months": 61},
        {"period_months": True},
        {"period_months": 12.0},
        {"period_months": "12"},
        {"delivery_fee": -0.01},
        {"delivery_fee": float("inf")},
        {"delivery_fee": True},
        {"as_of": "30/06/2025"},
        {"as_of": "20250630"},
        {"as_of": "2025-02-30"},
        {"mine": 3.5},
        {"mine": False},
        {"strict": 1},
        {"shares": ["a"]},
        {"shares": 0.1},
        {"names": [True]},
    ],
)
def test_a_value_not_allowed_names_the_parameter_and_what_is_allowed(given):
    (name,) = given
    with pytest.raises(ParameterError) as caught:
        check_parameters(DECLARED, given, "02_profitability")
    assert caught.value.found.startswith(f"{name} = ")
    assert "02_profitability" in str(caught.value)
    assert caught.value.exit_code == 2


@pytest.mark.parametrize("value", [[], ["save 0.1"], ["win back 0.02", "up-sell 1"]])
def test_assumed_rates_name_an_action_and_a_share(value):
    assert check_values({"assumed_rates": value}) == {"assumed_rates": value}


@pytest.mark.parametrize(
    "value", [["save 2"], ["save 0"], ["save nan"], ["save"], ["0.1"], ["save x"], ["save 0.1", "save 0.2"]]
)
def test_other_assumed_rates_are_refused_before_anything_runs(value):
    with pytest.raises(ParameterError, match=r"assumed_rates = .*each action once"):
        check_values({"assumed_rates": value})


def test_an_unknown_name_suggests_the_nearest():
    with pytest.raises(ParameterError, match="'period_months'") as caught:
        check_parameters(DECLARED, {"period_month": 3})
    assert "unknown parameter 'period_month'" in caught.value.found


def test_all_problems_are_told_at_once_one_line_each():
    with pytest.raises(ParameterError) as caught:
        check_parameters(DECLARED, {"nonsense": 1, "period_months": 0, "mine": "x", "delivery_fee": 2})
    lines = str(caught.value).splitlines()
    assert len(lines) == 3
    assert all(name in line for name, line in zip(("nonsense", "period_months", "mine"), lines, strict=True))
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)


def test_check_values_looks_at_well_known_names_only():
    assert check_values({"seed": 0, "anything": object}) == {"seed": 0, "anything": object}
    with pytest.raises(ParameterError, match="seed"):
        check_values({"seed": -1})


@pytest.mark.parametrize(
    ("name", "allowed", "refused"),
    [
        ("outcome_days", [0, 90, 730], [-1, 731, 90.0, "90"]),
        ("offer_cost", [0.0, 5, 1e4], [-0.01, float("nan"), "5"]),
        ("margin_kept", [0.0, 120.0], [-1.0, float("inf")]),
        ("save_rate", [0.001, 0.3, 0.999], [0.0, 1.0, -0.3, 30]),
        ("budget_share", [0.01, 0.3, 1], [0.0, 1.01, 30]),
    ],
)
def test_terms_of_a_campaign_are_held_to_their_range(name, allowed, refused):
    for value in allowed:
        assert check_values({name: value}) == {name: value}
    for value in refused:
        with pytest.raises(ParameterError, match=f"{name} = "):
            check_values({name: value})


@pytest.mark.parametrize("name", KNOWN)
def test_every_rule_says_in_words_what_it_wants(name):
    with pytest.raises(ParameterError) as caught:
        check_values({name: object()})
    assert caught.value.expected == KNOWN[name].words
