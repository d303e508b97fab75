"""Running contracts a year ahead: by hand, by customer, and in words."""

from datetime import date

import numpy as np
import pandas as pd
import pytest

from crmlib.analysis.survival.durations import beginning_of_sight, contract_durations
from crmlib.analysis.survival.outlook import (
    chance_by_age,
    contract_outlook,
    lived_so_far,
    lost_lately,
    models_beside,
    who_ends,
)

AS_OF = date(2025, 12, 31)


def contracts(size=240, seed=1, plan=True, shift=0):
    """Monthly contracts of two a customer; those of plan light end three times as often."""
    rng = np.random.default_rng(seed)
    began = rng.integers(0, 24, size)
    light = rng.random(size) < 0.5
    life = rng.geometric(np.where(light, 0.12, 0.04))
    first = pd.Period("2024-01", "M") - shift
    starts = [(first + int(month)).start_time for month in began]
    ends = [
        (first + int(month + months) - 1).end_time.normalize() if month + months <= 24 else pd.NaT
        for month, months in zip(began, life, strict=True)
    ]
    frame = pd.DataFrame(
        {"contract_id": [f"K{i:03d}" for i in range(size)], "customer_id": [f"C{i // 2:03d}" for i in range(size)],
         "started_on": starts, "ended_on": ends, "fee": rng.integers(5, 40, size).astype(float), "period_months": 1}
    )  # fmt: skip
    return frame.assign(plan=np.where(light, "light", "<b>$full {0}")) if plan else frame


@pytest.fixture(scope="module")
def lived():
    return contract_durations(contracts(), AS_OF)


def test_a_customer_is_the_sum_of_his_contracts(lived):
    found = contract_outlook(lived, 0.4)
    stake = found.stake.table
    sums = stake.groupby("customer_id")[["fee_per_year", "at_stake"]].sum()
    assert found.people.index.tolist() == sorted(sums.index) and found.people.index.is_unique
    np.testing.assert_allclose(found.people["value"], 0.4 * sums["fee_per_year"])
    np.testing.assert_allclose(
        found.people["churn_probability"], sums["at_stake"] / sums["fee_per_year"], rtol=1e-9
    )
    assert found.people["churn_probability"].between(0, 1).all()
    lost = (found.people["churn_probability"] * found.people["value"]).sum()
    assert lost == pytest.approx(0.4 * found.stake.total, rel=1e-5)
    first = stake.sort_values("at_stake", ascending=False, kind="stable").drop_duplicates("customer_id")
    ages = first.set_index("customer_id")["age"].sort_index()
    assert found.people["age"].tolist() == ages.tolist()


def test_without_a_margin_the_whole_fee_counts(lived):
    fees = contract_outlook(lived, None).people["value"]
    np.testing.assert_allclose(0.25 * fees, contract_outlook(lived, 0.25).people["value"])


def test_looking_further_ahead_more_is_expected_to_end(lived):
    chances = [contract_outlook(lived, 0.4, months).people["churn_probability"] for months in (1, 6, 12)]
    assert (chances[0] <= chances[1]).all() and (chances[1] < chances[2]).any()


def test_plans_that_end_sooner_have_the_higher_chance(lived):
    found = contract_outlook(lived, 0.4)
    means = found.people.groupby("plan")["churn_probability"].mean()
    assert found.by == "plan" and means["light"] > means["<b>$full {0}"] + 0.1


def test_why_says_age_and_plan_as_text(lived):
    found = contract_outlook(lived, 0.4)
    assert found.why.index.equals(found.people.index)
    for name, words in found.why.items():
        row = found.people.loc[name]
        months = "1 month" if row["age"] == 1 else f"{row['age']:.0f} months"
        assert words == f"contract of {months}, {row['plan']}"
    assert found.why.str.contains("<b>$full {0}", regex=False).any()


def test_without_plans_rates_go_by_age_alone():
    for frame in (contracts(plan=False), contracts().assign(plan="one for all")):
        found = contract_outlook(contract_durations(frame, AS_OF), 0.4)
        assert found.by == "" and "plan" not in found.people
        assert found.why.str.fullmatch(r"contract of (1 month|\d+ months)").all()


def test_a_plan_that_is_missing_or_too_young_to_be_in_a_duration_stays_readable():
    frame = contracts()
    frame.loc[::7, "plan"] = None
    young = pd.DataFrame(
        {"contract_id": ["K998", "K999"], "customer_id": ["C998", "C999"], "started_on": pd.Timestamp("2025-12-20"),
         "ended_on": pd.NaT, "fee": 9.0, "period_months": 1, "plan": ["light", None]}
    )  # fmt: skip
    found = contract_outlook(contract_durations(pd.concat([frame, young]), AS_OF), 0.4)
    assert found.why["C998"] == "contract of 0 months, light"
    assert found.why["C999"] == "contract of 0 months, (unknown)"
    assert not found.why.str.contains(r"\bnan\b|None", regex=True).any()


def test_the_order_of_contracts_changes_nothing_and_names_only_themselves():
    frame = contracts()
    plain = contract_outlook(contract_durations(frame, AS_OF), 0.4)
    mixed = contract_outlook(contract_durations(frame.sample(frac=1, random_state=1), AS_OF), 0.4)
    pd.testing.assert_frame_equal(mixed.people, plain.people)
    renamed = frame.assign(customer_id="Z" + frame["customer_id"])
    other = contract_outlook(contract_durations(renamed, AS_OF), 0.4).people
    np.testing.assert_allclose(other["churn_probability"], plain.people["churn_probability"])


def test_customers_named_by_numbers_are_named_in_text():
    frame = contracts(plan=False)
    frame["customer_id"] = np.arange(len(frame)) // 2
    assert all(
        isinstance(name, str) for name in contract_outlook(contract_durations(frame, AS_OF), 0.4).people.index
    )


def test_durations_are_none_where_there_is_too_little_to_say():
    assert lived_so_far(None, AS_OF) is None
    assert lived_so_far(contracts(4), AS_OF) is None
    frame = contracts()
    found = lived_so_far(frame, AS_OF)
    assert found.table.equals(contract_durations(frame, AS_OF).table)


def test_contracts_without_a_column_of_ends_say_nothing_about_how_long_they_last():
    never = pd.DataFrame(
        {"contract_id": range(50), "customer_id": range(50), "started_on": pd.Timestamp("2023-01-01")}
    )
    assert beginning_of_sight(never, date(2024, 1, 1)) is None
    assert lived_so_far(never, date(2025, 12, 31)) is None and lost_lately(never, date(2025, 12, 31)) is None


def test_models_stand_beside_durations_or_not_at_all(lived):
    assert models_beside(None) is None
    young = pd.DataFrame(
        {"contract_id": range(80), "customer_id": range(80), "started_on": "2025-11-01", "fee": 9.0, "period_months": 1,
         "ended_on": ["2025-11-30"] * 40 + [None] * 40}
    )  # fmt: skip
    two_ages = lived_so_far(young, AS_OF)
    assert two_ages is not None and models_beside(two_ages) is None
    assert {"survival", "sbg", "constant", "held_out"} <= set(models_beside(lived).table)


def test_who_ends_sooner_is_found_by_what_was_known(lived):
    found = who_ends(lived)
    assert found.first == "plan" and set(found.means["group"]) == {"light", "<b>$full {0}"}
    means = found.means.set_index("group")["mean"]
    assert means["light"] < means["<b>$full {0}"]
    strongest = found.cox.effects.loc[found.cox.effects["coefficient"].abs().idxmax()]
    assert strongest["covariate"] == "plan"


def test_nothing_known_at_the_start_compares_nothing():
    assert who_ends(contract_durations(contracts(plan=False), AS_OF)) is None
    assert who_ends(contract_durations(contracts().assign(plan="one for all"), AS_OF)) is None


def test_what_is_known_of_some_contracts_alone_is_not_compared():
    frame = contracts()
    frame.loc[::7, "plan"] = None
    assert who_ends(contract_durations(frame, AS_OF)) is None
    rng = np.random.default_rng(2)
    paid = contract_durations(frame.assign(payment=rng.choice(["card", "bill"], len(frame))), AS_OF)
    assert who_ends(paid).first == "payment"


def test_chances_to_end_are_counted_by_age_and_named():
    lived = contract_durations(contracts(), AS_OF)
    found = chance_by_age(lived)
    assert found["ended"].sum() == lived.ended and len(found) <= 8
    first = found.iloc[0]
    by_hand = ((lived.table["duration"] <= first["to_age"]) & lived.table["ended"]).sum()
    assert first["ended"] == by_hand and found["ages"].iloc[0] in ("1", f"1 to {int(first['to_age'])}")
    assert chance_by_age(None) is None
    assert chance_by_age(contract_durations(contracts(size=40), AS_OF)) is None
