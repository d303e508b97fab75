"""Cox's model: the published coefficient, an independent likelihood, late entry, and what follows a failed check."""

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import minimize_scalar

from crmlib.analysis.survival.proportional import proportional_hazards
from crmlib.errors import DataError, TooLittleData


def efron(beta, table, x):
    """Log partial likelihood with ties after Efron, end by end."""
    total = 0.0
    for age in np.unique(table["duration"][table["ended"]]):
        risk = np.exp(beta * x[(table["duration"] >= age) & (table["entry"] < age)]).sum()
        tied = (table["duration"] == age) & table["ended"]
        own, count = np.exp(beta * x[tied]).sum(), int(tied.sum())
        total += beta * x[tied].sum() - sum(np.log(risk - turn / count * own) for turn in range(count))
    return total


def test_published_cox_model_of_freireich_1963(remission):
    """Ties after Efron: 1.57 with standard error 0.41 (after Breslow it would be 1.51): R survival, coxph."""
    found = proportional_hazards(remission, ["arm"])
    effect = found.effects.iloc[0]
    # Both arms have 21 children: the reference is the first by name.
    assert found.reference == {"arm": "6-MP"} and effect["level"] == "placebo"
    assert round(effect["coefficient"], 2) == 1.57 and round(effect["standard_error"], 2) == 0.41
    assert found.failed == () and found.remedy is None and found.changing is None


@pytest.mark.parametrize("late", [False, True])
def test_the_coefficient_is_where_the_likelihood_is_largest(drawn, late):
    table = drawn if late else drawn.assign(entry=0)
    found = proportional_hazards(table, ["plan"])
    x = (table["plan"] != found.reference["plan"]).to_numpy(float)
    best = minimize_scalar(
        lambda beta: -efron(beta, table, x), bounds=(-3, 3), method="bounded", options={"xatol": 1e-9}
    )
    assert found.effects["coefficient"].iloc[0] == pytest.approx(best.x, abs=1e-5)


def test_known_effects_are_found(drawn):
    """Drawn with a ratio of 0.5 between plans, and exp(0.02) per unit of fee."""
    found = proportional_hazards(drawn, ["plan", "fee_per_year"])
    plan, fee = found.effects.iloc[0], found.effects.iloc[1]
    low, high = sorted((plan["low"], plan["high"]))
    truth = 0.5 if found.reference["plan"] == "A" else 2.0
    assert low < truth < high
    assert fee["level"] == "per sd" and fee["low"] < np.exp(0.02 * drawn["fee_per_year"].std()) < fee["high"]
    assert found.failed == ()


@pytest.fixture(scope="module")
def crossing():
    """Plan B ends three times as often in its first year and 0.4 times as often later; colour acts evenly."""
    rng = np.random.default_rng(3)
    size = 3000
    plan, colour = rng.choice(["A", "B"], size, p=[0.6, 0.4]), rng.choice(["blue", "red"], size, p=[0.6, 0.4])
    base = 0.02 * np.where(colour == "red", 1.6, 1.0)
    early, late = base * np.where(plan == "B", 3.0, 1.0), base * np.where(plan == "B", 0.4, 1.0)
    first, second = rng.geometric(early), rng.geometric(late)
    life = np.where(first <= 12, first, 12 + second)
    return pd.DataFrame(
        {"entry": 0, "duration": np.minimum(life, 72), "ended": life <= 72, "plan": plan, "colour": colour}
    )


def test_a_failed_check_names_the_covariate_says_by_how_much_and_stratifies(crossing):
    found = proportional_hazards(crossing, ["plan", "colour"])
    # Colour acts evenly, yet a plan that does not spoils its check, too; within plans it holds.
    assert "plan" in found.failed
    row = found.changing.set_index("covariate", drop=False).loc["plan"]
    assert (
        (row["covariate"], row["level"]) == ("plan", "B") and row["early_low"] > 1.5 and row["late_high"] < 1
    )
    assert found.remedy.strata == ("plan",) and found.remedy.failed == ()
    red = found.remedy.effects.iloc[0]
    assert red["covariate"] == "colour" and red["low"] < np.log(0.968) / np.log(0.98) < red["high"]


def test_the_stratified_coefficient_is_that_of_both_likelihoods_together(crossing):
    small = crossing.head(400)
    found = proportional_hazards(small, ["colour"], strata=["plan"])
    parts = [small[small["plan"] == plan].reset_index(drop=True) for plan in ("A", "B")]

    def both(beta):
        return -sum(efron(beta, part, (part["colour"] == "red").to_numpy(float)) for part in parts)

    best = minimize_scalar(both, bounds=(-3, 3), method="bounded", options={"xatol": 1e-9})
    sign = 1 if found.reference["colour"] == "blue" else -1
    assert sign * found.effects["coefficient"].iloc[0] == pytest.approx(best.x, abs=1e-5)


def test_a_level_that_never_ends_late_has_a_late_ratio_of_nothing(crossing):
    table = crossing.copy()
    over = (table["plan"] == "B") & (table["duration"] > 10)
    table.loc[over, "ended"] = False
    row = proportional_hazards(table, ["plan", "colour"]).changing.set_index("covariate").loc["plan"]
    assert row["early"] > 1 and row["late"] == 0 and np.isnan(row["late_high"])


def test_order_of_rows_changes_nothing(drawn):
    found, mixed = (proportional_hazards(t, ["plan"]) for t in (drawn, drawn.sample(frac=1, random_state=4)))
    pd.testing.assert_frame_equal(found.effects, mixed.effects)
    pd.testing.assert_frame_equal(found.check, mixed.check)


def test_what_cannot_be_is_refused(drawn):
    with pytest.raises(DataError, match="covariate duration, which is the duration"):
        proportional_hazards(drawn, ["duration"])
    with pytest.raises(DataError, match="contracts without plan"):
        proportional_hazards(drawn.assign(plan=drawn["plan"].where(drawn.index > 2)), ["plan"])
    with pytest.raises(TooLittleData, match="0 coefficients"):
        proportional_hazards(drawn.assign(one="x"), ["one"])
    with pytest.raises(TooLittleData, match="never: kept, none of which ended"):
        table = drawn.assign(never=np.where(drawn.index < 40, "kept", "other"))
        proportional_hazards(table.assign(ended=table["ended"] & (table["never"] != "kept")), ["never"])
    with pytest.raises(TooLittleData, match="cannot be told apart"):
        proportional_hazards(drawn.assign(same=drawn["plan"].str.lower()), ["plan", "same"])


def test_telco_effects_are_those_of_the_library_called_by_hand(telco):
    from lifelines import CoxPHFitter

    from crmlib.analysis.survival.durations import contract_durations

    table = contract_durations(*telco).table
    found = proportional_hazards(table, ["plan", "service"])
    frame = (
        pd.get_dummies(table[["plan", "service"]])
        .astype(float)
        .drop(columns=["plan_Month-to-month", "service_Fiber optic"])
    )
    fit = CoxPHFitter().fit(frame.assign(d=table["duration"], e=table["ended"]), "d", "e")
    named = found.effects.assign(name=found.effects["covariate"] + "_" + found.effects["level"]).set_index(
        "name"
    )
    for name, coefficient in fit.params_.items():
        assert named.loc[name, "coefficient"] == pytest.approx(coefficient, rel=1e-4)
    # Both effects change with age; a baseline for each plan takes out the stronger change.
    assert found.failed == ("plan", "service") and found.remedy.strata == ("plan",)
    halves = found.changing.set_index("level")
    assert found.halfway == 10 and (halves.loc[["One year", "Two year"], "early"] < 0.2).all()
