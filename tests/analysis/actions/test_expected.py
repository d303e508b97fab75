"""Expected profit of options, its interval, and totals in which shared doubt stays shared."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm

from crmlib.analysis.actions.expected import expected_profit
from crmlib.analysis.actions.options import Options
from crmlib.analysis.actions.rates import prior_rates, update_rates
from crmlib.errors import DataError, ParameterError


def options(gains=(100.0, 20.0), cost=3.0, action="save"):
    ids = [f"C{number}" for number in range(len(gains))]
    return Options.of(pd.Index(ids), {action: pd.DataFrame({"gain": gains, "cost": cost}, index=ids)})


def test_profit_is_rate_times_gain_less_cost():
    found = expected_profit(options(), prior_rates())
    assert found.table["profit"].tolist() == pytest.approx([0.10 * 100 - 3, 0.10 * 20 - 3])


def test_with_gains_known_the_interval_is_that_of_the_rate():
    found = expected_profit(options(), prior_rates(), gain_doubt=0.0, draws=20_000)
    ends = norm.ppf([0.025, 0.975], 0.10, 0.065)
    assert found.table.loc[0, ["low", "high"]].astype(float).tolist() == pytest.approx(
        ends * 100 - 3, abs=0.05
    )
    doubted = expected_profit(options(), prior_rates(), gain_doubt=0.5)
    assert doubted.table.loc[0, "high"] > found.table.loc[0, "high"]
    assert doubted.table["profit"].tolist() == found.table["profit"].tolist()


def test_the_doubt_of_a_list_does_not_average_out():
    """A hundred equal customers share one rate: their interval is a hundred times that of one."""
    found = expected_profit(options([50.0] * 100), prior_rates())
    total = found.totals({"all": np.ones(100, dtype=bool)}).loc["all"]
    own = found.table.loc[0]
    assert total[["profit", "low", "high"]].tolist() == pytest.approx(
        (100 * own[["profit", "low", "high"]]).tolist()
    )
    assert total["cost"] == 300 and total["break_even"] == pytest.approx(3 / 5)


def test_different_actions_have_different_luck():
    ids = [f"C{number}" for number in range(50)]
    frame = pd.DataFrame({"gain": 100.0, "cost": 1.0}, index=ids)
    both = Options.of(pd.Index(ids), {"save": frame.iloc[:25], "cross-sell": frame.iloc[25:]})
    found = expected_profit(both, prior_rates(), gain_doubt=0.0)
    action = both.names()
    sums = found.totals({"both": action != "", **{name: action == name for name in ("save", "cross-sell")}})
    width = sums["high"] - sums["low"]
    assert width["both"] == pytest.approx(np.hypot(width["save"], width["cross-sell"]), rel=0.05)
    assert sums.loc["both", "profit"] == pytest.approx(sums.loc[["save", "cross-sell"], "profit"].sum())


def test_an_untested_action_needs_an_expected_profit_and_a_tested_one_a_sure_one():
    gains = [100.0, 31.0, 29.0]
    assert expected_profit(options(gains), prior_rates()).table["worth_doing"].tolist() == [True, True, False]
    strong = pd.DataFrame({"effect": [0.10], "error": 0.03, "gain": 1.0}, index=["save"])
    tested = expected_profit(options(gains), update_rates(prior_rates(), strong))
    assert tested.table["worth_doing"].tolist() == [True, False, False]
    failed = strong.assign(effect=0.0)
    assert not expected_profit(options(gains), update_rates(prior_rates(), failed)).table["worth_doing"].any()


def test_each_action_is_summed_up():
    table = expected_profit(options(), prior_rates()).by_action().loc["save"]
    assert (table["eligible"], table["gain"], table["cost"], table["worth"]) == (2, 60.0, 3.0, 1)
    assert table["break_even_rate"] == pytest.approx(6 / 120)
    assert table["all_profit"] == pytest.approx(0.10 * 120 - 6) and table["profit"] == pytest.approx(7.0)


def test_an_empty_list_earns_nothing():
    found = (
        expected_profit(options(), prior_rates()).totals({"nobody": np.zeros(2, dtype=bool)}).loc["nobody"]
    )
    assert found[["customers", "cost", "profit", "low", "high", "chance"]].tolist() == [0] * 6
    assert np.isnan(found["break_even"])
    none = expected_profit(Options.of(pd.Index(["A"]), {}), prior_rates())
    assert none.table.empty and none.by_action().empty


def test_what_makes_no_sense_is_refused():
    with pytest.raises(DataError, match="no rate for save"):
        expected_profit(options(), prior_rates().drop(index="save"))
    with pytest.raises(ParameterError, match="draws = 10"):
        expected_profit(options(), prior_rates(), draws=10)


def test_the_interval_of_a_list_holds_its_true_profit_as_often_as_it_says():
    """Worlds with other rates and another level of the gains, both from what is assumed."""
    rng = np.random.default_rng(2)
    ids = [f"C{number}" for number in range(60)]
    frame = pd.DataFrame({"gain": rng.gamma(2, 40, 60), "cost": 3.0}, index=ids)
    both = Options.of(pd.Index(ids), {"save": frame.iloc[:30], "win back": frame.iloc[30:]})
    total = expected_profit(both, prior_rates()).totals({"all": np.ones(60, dtype=bool)}).loc["all"]
    level = rng.lognormal(-np.log(1.04) / 2, np.sqrt(np.log(1.04)), 4000)
    gross = sum(
        frame["gain"].iloc[part].sum() * rng.normal(mean, spread, 4000)
        for part, mean, spread in ((slice(0, 30), 0.10, 0.065), (slice(30, 60), 0.05, 0.025))
    )
    profit = level * gross - 180
    assert np.mean((total["low"] < profit) & (profit < total["high"])) == pytest.approx(0.95, abs=0.012)
    assert profit.mean() == pytest.approx(total["profit"], abs=4 * profit.std() / np.sqrt(4000))
