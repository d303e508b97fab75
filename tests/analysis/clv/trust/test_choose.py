"""The choice of a forecast: companies of which it is known what should win."""

import datetime as dt

import ibis
import numpy as np
import pandas as pd
import pytest

from crmlib.analysis.clv.trust.choose import REASONS, _choose, choose_model
from crmlib.analysis.clv.trust.hold_out import BASELINES, METHODS
from crmlib.analysis.clv.trust.paired_chance import PickedApart
from crmlib.errors import ParameterError, TooLittleData

START, DAYS = dt.date(2023, 1, 1), 1096
AS_OF = START + dt.timedelta(days=DAYS - 1)


def lines_of(who, day, sales):
    table = pd.DataFrame({"customer_id": [f"K{w:05d}" for w in who], "net_sales": sales})
    return table.assign(day=(np.array(START, dtype="datetime64[D]") + np.asarray(day, dtype=int)).tolist())


def true_company(count=2000, seed=1):
    """MBG/NBD purchases with gamma-gamma spend, won over time."""
    rng = np.random.default_rng(seed)
    begin = rng.integers(0, int(DAYS * 0.8), count)
    rate, leaves, nu = rng.gamma(1.2, 1 / 80, count), rng.beta(0.5, 3.0, count), rng.gamma(4.0, 1 / 45, count)
    parts, now, there = [(np.arange(count), begin)], begin.astype(float), np.arange(count)
    while len(there):
        there = there[rng.random(len(there)) >= leaves[there]]
        now[there] += rng.exponential(1 / rate[there])
        there = there[now[there] < DAYS]
        parts.append((there, np.floor(now[there])))
    who, day = (np.concatenate(part).astype(int) for part in zip(*parts, strict=True))
    return lines_of(who, day, rng.gamma(4.0, 1 / nu[who]).round(2))


def repeating_company(count=400, years=4, seed=3):
    """Everybody does each year, on the same days, exactly what was done the year before."""
    rng = np.random.default_rng(seed)
    often = rng.integers(1, 7, count)
    who = np.repeat(np.arange(count), often)
    day = np.concatenate([rng.choice(364, number, replace=False) for number in often])
    sales = rng.lognormal(3.5, 1, len(who)).round(2)
    return pd.concat([lines_of(who, day + 364 * year, sales) for year in range(years)], ignore_index=True)


def chosen(table, as_of=AS_OF, *args, **options):
    return choose_model(ibis.memtable(table), as_of, *args, **({"n_draws": 40, "n_resamples": 200} | options))


@pytest.fixture(scope="module")
def true():
    return chosen(true_company())


def test_where_customers_are_as_the_models_say_a_model_wins_and_the_true_one_is_among_equals(true):
    assert true.is_model and true.reason == "model_picks_more"
    assert "mbg_nbd" in {true.chosen, *true.equals}
    assert true.best_model == true.chosen and true.best_baseline in BASELINES
    simple = true.against.loc[list(BASELINES)]
    assert (simple["low"] > 0).all() and not simple["by_chance"].any()
    assert (true.scores.loc[list(BASELINES), "lost_to_best"] > 0).all()
    assert not set(true.equals) & set(BASELINES)
    models = true.scores.loc[["bg_nbd", "mbg_nbd", "pareto_nbd"]]
    assert models["gini"].min() > true.scores.loc[list(BASELINES), "gini"].max()
    assert models["error_size"].max() < 0.1 and models["slope"].between(0.85, 1.15).all()


def test_intervals_are_drawn_for_the_chosen_and_the_best_model_alone(true):
    drawn = true.scores["coverage"].dropna().index
    assert set(drawn) == {true.chosen, true.best_model} and len(true.scores) > len(drawn)
    for held in true.hold_outs:
        assert set(held.low.columns) == set(held.totals.index) == set(drawn)
        alone = held.coverage()
        row = true.by_origin.loc[held.origin].loc[list(drawn)]
        np.testing.assert_allclose(row["coverage"], alone.loc[list(drawn), "coverage"].astype(float))


def test_intervals_hold_what_came_as_often_as_they_say(true):
    true_model = true.scores.loc[true.chosen]
    assert 0.93 < true_model["coverage"] < 0.985
    assert true_model["money_covered"] == 1 and true_model["purchases_covered"] == 1


def test_where_last_year_comes_again_the_simple_forecast_wins_and_it_is_said():
    found = chosen(repeating_company(), START + dt.timedelta(days=364 * 4 - 1), 364)
    assert found.chosen in ("same_again", "carried_over") and not found.is_model
    assert found.reason in ("simple_picks_more", "only_chance")
    perfect = found.scores.loc["same_again"]
    assert perfect["lost_to_perfect"] == pytest.approx(0, abs=1e-6) and perfect["error_size"] < 1e-12
    assert perfect["gini"] == pytest.approx(1)
    assert (found.scores.loc[["bg_nbd", "mbg_nbd", "pareto_nbd"], "lost_to_best"] > 0).all()


def test_sums_over_origins_and_means(true):
    each = true.by_origin
    assert each.index.names == ["origin", "method"] and len(each) == 2 * len(METHODS)
    days = sorted(set(each.index.get_level_values("origin")), reverse=True)
    assert days == [AS_OF - dt.timedelta(365), AS_OF - dt.timedelta(365 + 182)]
    for name, row in true.scores.iterrows():
        own = each.xs(name, level="method")
        for sums in ("actual_money", "picked_money", "lost_to_perfect", "forecast_purchases"):
            assert row[sums] == pytest.approx(own[sums].sum())
        for means in ("gini", "gain_fifth", "mean_absolute_error", "slope", "correlation"):
            assert row[means] == pytest.approx(own[means].mean())
        assert row["error_size"] == pytest.approx(own["error"].abs().mean())
        assert row["error"] == pytest.approx(own["error_money"].sum() / own["actual_money"].sum())
    best = true.scores["picked_money"].max()
    assert true.scores["lost_to_best"].to_numpy() == pytest.approx(
        best - true.scores["picked_money"].to_numpy()
    )
    assert true.tenths.loc[true.chosen, "customers"].sum() == pytest.approx(
        true.scores["customers"].iloc[0] / 2
    )
    latest = true.latest
    assert latest.origin == days[0] and true.chosen in latest.models and true.chosen in latest.money
    assert true.reason in REASONS


def test_order_of_lines_later_lines_and_the_run_change_nothing(true):
    table = true_company()
    later = lines_of([0, 7, 99_999], [DAYS, DAYS + 3, DAYS + 8], [1e6, -50.0, 9.0])
    other = chosen(pd.concat([later, table]).sample(frac=1, random_state=2))
    for name in ("scores", "by_origin", "tenths", "against"):
        pd.testing.assert_frame_equal(getattr(true, name), getattr(other, name))
    assert (true.chosen, true.reason, true.equals) == (other.chosen, other.reason, other.equals)


def test_the_currency_scales_money_alone_and_leaves_the_choice():
    table = true_company(600)
    one = chosen(table, n_draws=0)
    other = chosen(table.assign(net_sales=table["net_sales"] * 1000), n_draws=0)
    assert (one.chosen, one.reason, one.equals) == (other.chosen, other.reason, other.equals)
    money = [name for name in one.scores if "money" in name and "covered" not in name]
    money += ["mean_absolute_error", "lost_to_perfect", "lost_to_best"]
    assert {"picked_money", "error_money"} < set(money)
    scale = [1000 if name in money else 1 for name in one.scores]
    np.testing.assert_allclose(other.scores, one.scores * scale, rtol=1e-4, atol=1e-5)


def test_names_of_customers_change_no_score():
    table = true_company(600)
    names = {who: f"Z{n:05d}" for n, who in enumerate(sorted(set(table["customer_id"]), reverse=True))}
    one, other = (
        chosen(each, n_draws=0) for each in (table, table.assign(customer_id=table["customer_id"].map(names)))
    )
    np.testing.assert_allclose(one.scores, other.scores, rtol=1e-6, atol=1e-9)


def test_noise_is_called_chance_and_the_simple_forecast_stays():
    """Everybody has one pace and one price: there is no order to find."""
    rng = np.random.default_rng(4)
    who = rng.integers(0, 300, 300 * 12)
    table = lines_of(who, rng.integers(0, DAYS, len(who)), rng.gamma(4, 10, len(who)).round(2))
    found = chosen(table, n_draws=0)
    assert found.reason == "only_chance" and found.chosen in BASELINES
    assert any(name not in BASELINES for name in found.equals)


def apart(money, spread):
    """Picked money with draws that differ by `spread` between methods, independently."""
    rng = np.random.default_rng(1)
    draws = pd.DataFrame({name: value + rng.normal(0, spread, 400) for name, value in money.items()})
    return PickedApart(pd.Series(money, dtype="float64"), draws, 0.95)


@pytest.mark.parametrize(
    ("money", "sizes", "worse", "expected"),
    [
        ((100, 99, 80, 70), (0.03, 0.02, 0.1, 0.02), (), ("mbg_nbd", "model_picks_more")),
        ((100, 90, 80, 70), (0.03, 0.02, 0.1, 0.02), (), ("bg_nbd", "model_picks_more")),
        ((100, 99, 100, 70), (0.03, 0.02, 0.1, 0.02), (), ("same_again", "only_chance")),
        ((100, 99, 98, 97), (0.03, 0.02, 0.1, 0.02), (), ("rfm_cells", "only_chance")),
        ((80, 79, 100, 70), (0.03, 0.02, 0.1, 0.02), (), ("same_again", "simple_picks_more")),
        ((100, 99, 200, 70), (0.03, 0.02, 0.4, 0.02), ("same_again",), ("mbg_nbd", "model_picks_more")),
        ((50, 49, 200, 70), (0.03, 0.02, 0.4, 0.3), ("same_again", "rfm_cells"), ("mbg_nbd", "simple_totals_wrong")),
        ((100, 99, 80, 70), (0.3, 0.3, 0.1, 0.02), ("bg_nbd", "mbg_nbd"), ("same_again", "model_totals_wrong")),
        ((100, 99, 80, 79), (0.3, 0.3, 0.1, 0.02), ("bg_nbd", "mbg_nbd"), ("rfm_cells", "model_totals_wrong")),
        ((100, 99, 97, 50), (0.3, 0.3, 0.1, 0.02), (), ("same_again", "only_chance")),
    ],
)  # fmt: skip
def test_the_rule_step_by_step(money, sizes, worse, expected):
    names = ["bg_nbd", "mbg_nbd", "same_again", "rfm_cells"]
    scores = pd.DataFrame({"error_size": sizes}, index=names)
    gate = pd.Series([name in worse for name in names], index=names)
    found = _choose(scores, apart(dict(zip(names, money, strict=True)), 1.5), gate)
    assert found[:2] == expected and expected[0] in found[2].values()


def test_one_kind_alone_is_said():
    table = true_company(600)
    assert chosen(table, methods=["mbg_nbd", "pareto_nbd"], n_draws=0).reason == "one_kind"
    found = chosen(table, methods=["rfm_cells", "same_again"], origins=1)
    assert found.reason == "one_kind" and found.best_model is None and len(found.hold_outs) == 1


def test_models_that_cannot_be_fitted_are_named():
    """Nobody buys again before the first horizon begins: nothing can be learnt about repeats."""
    rng = np.random.default_rng(2)
    table = lines_of(np.arange(400), rng.integers(0, DAYS, 400), 10.0)
    again = lines_of(np.arange(50), rng.integers(DAYS - 300, DAYS, 50), 10.0)
    found = chosen(pd.concat([table, again]), n_draws=0)
    assert set(found.left_out) >= {"bg_nbd", "mbg_nbd", "pareto_nbd"}
    assert found.chosen in BASELINES and found.reason == "one_kind"


def test_data_that_do_not_reach_are_refused_with_what_would_do():
    table = pd.concat([true_company(300), lines_of([0], [0], [9.0])])
    with pytest.raises(TooLittleData, match=r"1096 days of data, .* 1186 days for 3 origins, 182 days apart"):
        chosen(table, origins=3)
    with pytest.raises(TooLittleData, match="to about 337 days"):
        chosen(table, origins=3)
    assert chosen(table, AS_OF, 337, 3, n_draws=0).chosen
    with pytest.raises(TooLittleData, match=r"Found: \d+ customers with a purchase"):
        chosen(table[table["customer_id"] < "K00040"])
    with pytest.raises(TooLittleData, match="days of data, from 2023-06-01"):
        chosen(table, since=dt.date(2023, 6, 1))
    with pytest.raises(TooLittleData, match="no sales to known customers from"):
        chosen(table, AS_OF + dt.timedelta(800))


@pytest.mark.parametrize(
    "options",
    [
        {"horizon_days": 0}, {"horizon_days": 10.5}, {"origins": 0}, {"origins": 13}, {"step_days": 0}, {"share": 1.0},
        {"tolerance": -0.1}, {"n_resamples": 5}, {"level": 0}, {"n_draws": -1}, {"methods": ["best"]},
    ],
)  # fmt: skip
def test_options_are_checked_before_anything_is_read(options):
    name = next(iter(options))
    with pytest.raises(ParameterError, match=name):
        choose_model(None, AS_OF, **options)
