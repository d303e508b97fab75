"""Discrete-time hazards: counts, regression against an independent fit, known truth, refusals."""

import numpy as np
import pandas as pd
import pytest

from crmlib.analysis.intervals import wilson_interval
from crmlib.analysis.survival.hazards import DiscreteHazard, hazard_by_age
from crmlib.analysis.survival.person_periods import person_periods
from crmlib.errors import DataError, ParameterError, TooLittleData


def test_counted_hazards_are_shares_with_wilson_s_interval(drawn):
    found = hazard_by_age(drawn, per_class=20)
    periods = person_periods(drawn)
    assert (found["ended"] >= 20).all() and found["ended"].sum() == drawn["ended"].sum()
    for row in found.itertuples():
        part = periods[periods["age"].between(row.from_age, row.to_age)]
        assert (row.at_risk, row.ended) == (part["at_risk"].sum(), part["ended"].sum())
        assert row.hazard == pytest.approx(row.ended / row.at_risk, rel=1e-5)
        assert (row.low, row.high) == pytest.approx(wilson_interval(row.ended, row.at_risk), rel=1e-5)
    assert (found["from_age"].to_numpy()[1:] == found["to_age"].to_numpy()[:-1] + 1).all()


def test_without_covariates_the_levels_are_the_counted_hazards(drawn):
    counted = hazard_by_age(drawn, per_class=50)
    for link in ("logit", "cloglog"):
        model = DiscreteHazard(link).fit(drawn)
        assert model.by_age_["hazard"].to_numpy() == pytest.approx(counted["hazard"].to_numpy(), rel=1e-4)


def test_logit_is_the_logistic_regression_on_person_periods(drawn):
    from sklearn.linear_model import LogisticRegression

    model = DiscreteHazard("logit").fit(drawn, ["plan", "fee_per_year"])
    periods = person_periods(drawn, ["plan", "fee_per_year"])
    last = model.by_age_["to_age"].to_numpy()
    which = np.searchsorted(last, periods["age"])
    common = drawn["plan"].value_counts().index[0]
    x = np.column_stack([
        np.eye(len(last))[which],
        periods["plan"] != common,
        (periods["fee_per_year"] - drawn["fee_per_year"].mean()) / drawn["fee_per_year"].std(),
    ])  # fmt: skip
    stacked, y = np.vstack([x, x]), np.repeat([1, 0], len(x))
    weight = np.append(periods["ended"], periods["at_risk"] - periods["ended"])
    other = LogisticRegression(C=1e8, fit_intercept=False, tol=1e-10, max_iter=5000).fit(stacked, y, weight)
    assert model.coefficients_["coefficient"].to_numpy() == pytest.approx(other.coef_[0], abs=2e-4)


def test_slopes_and_bends_are_those_of_the_likelihood(drawn):
    """Both links: numerical derivatives of the log-likelihood agree with the ones the search uses."""
    for link in ("logit", "cloglog"):
        model = DiscreteHazard(link).fit(drawn, ["plan"])
        periods = person_periods(drawn, ["plan"])
        design = model._design(periods, periods["age"].to_numpy())
        n, d = periods["at_risk"].to_numpy(float), periods["ended"].to_numpy(float)
        at = model._at + 0.1
        value, slope, bend = model._curved(at, design, n, d)
        chance = model._chance(design @ at)
        assert value == pytest.approx(d @ np.log(chance) + (n - d) @ np.log1p(-chance))
        step = 1e-5
        for k in range(len(at)):
            up, down = (
                model._curved(at + sign * step * np.eye(len(at))[k], design, n, d) for sign in (1, -1)
            )
            assert slope[k] == pytest.approx((up[0] - down[0]) / (2 * step), rel=1e-5, abs=1e-4)
            assert bend[k] == pytest.approx((up[1] - down[1]) / (2 * step), rel=1e-5, abs=1e-3)


def test_cloglog_is_close_to_cox_and_finds_the_truth():
    """Continuous lives with a ratio of 0.5 seen by months: both say about log 0.5, within 1.96 standard errors."""
    from crmlib.analysis.survival.proportional import proportional_hazards

    rng = np.random.default_rng(12)
    plan = np.repeat(["A", "B"], [3100, 2900])
    life = np.ceil(rng.exponential(np.where(plan == "A", 12, 24))).astype(int)
    table = pd.DataFrame({"entry": 0, "duration": np.minimum(life, 24), "ended": life <= 24, "plan": plan})
    found = DiscreteHazard("cloglog").fit(table, ["plan"]).coefficients_.iloc[-1]
    cox = proportional_hazards(table, ["plan"]).effects.iloc[0]
    assert found["term"] == "plan: B" and found["low"] < np.log(0.5) < found["high"]
    assert found["coefficient"] == pytest.approx(cox["coefficient"], abs=0.02)
    assert found["standard_error"] == pytest.approx(cox["standard_error"], rel=0.03)


def test_predictions_carry_on_beyond_the_highest_age_and_know_their_interval(drawn):
    model = DiscreteHazard().fit(drawn, ["plan"])
    rows = pd.DataFrame({"plan": ["A", "B"]}, index=["x", "y"])
    found = model.predict(rows, [1, 500])
    assert found["row"].tolist() == ["x", "x", "y", "y"] and found["age"].tolist() == [1, 500, 1, 500]
    assert ((found["low"] < found["hazard"]) & (found["hazard"] < found["high"])).all()
    assert found["hazard"].iloc[1] == model.predict(rows, [int(drawn["duration"].max())])["hazard"].iloc[0]


def test_a_level_without_an_end_is_refused_by_name(drawn):
    table = drawn.assign(never=np.where(np.arange(len(drawn)) < 40, "kept", "other"))
    table.loc[table["never"] == "kept", "ended"] = False
    with pytest.raises(TooLittleData, match="40 contracts with never: kept, none of which ended"):
        DiscreteHazard().fit(table, ["never"])


def test_what_cannot_be_is_refused(drawn):
    with pytest.raises(ParameterError, match="link = 'probit'"):
        DiscreteHazard("probit").fit(drawn)
    with pytest.raises(DataError, match="1 contracts without plan"):
        DiscreteHazard().fit(drawn.assign(plan=drawn["plan"].where(drawn.index > 0)), ["plan"])
    with pytest.raises(DataError, match="plan = 'C', at 1 rows"):
        DiscreteHazard().fit(drawn, ["plan"]).predict(pd.DataFrame({"plan": ["C"]}), [1])
    with pytest.raises(TooLittleData, match="coefficients"):
        DiscreteHazard().fit(drawn.assign(many=np.arange(len(drawn)).astype(str)), ["many"])


def test_telco_ends_are_frequent_at_first_and_plans_bind(telco):
    from crmlib.analysis.survival.durations import contract_durations

    table = contract_durations(*telco).table
    found = hazard_by_age(table)
    assert found["ended"].sum() == 1869 and found["at_risk"].sum() == table["duration"].sum()
    first = found.iloc[0]
    assert (first["from_age"], first["to_age"], first["at_risk"], first["ended"]) == (1, 1, 7032, 380)
    model = DiscreteHazard().fit(table, ["plan"])
    ratios = model.coefficients_.set_index("term")["ratio"]
    assert (
        ratios["plan: Two year"] < ratios["plan: One year"] < 0.3
        and model.reference_["plan"] == "Month-to-month"
    )
