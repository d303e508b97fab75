"""Values: they add up, their intervals cover simulated truth, and blocks and seeds do as they should."""

import numpy as np
import pandas as pd
import pytest

from crmlib.analysis.clv.discounting import Schedule
from crmlib.analysis.clv.spend.credibility import Credibility
from crmlib.analysis.clv.spend.gamma_gamma import GammaGamma
from crmlib.analysis.clv.spend.money import SpendTimesRate
from crmlib.analysis.clv.timing.mbg_nbd import MBGNBD
from crmlib.analysis.clv.worth import value
from crmlib.analysis.clv.worth.value import customer_values, expected_values, together
from crmlib.errors import ParameterError

TRUTH = MBGNBD().with_params([1.3, 80.0, 0.4, 3.0])
YEAR = Schedule.until(365.25, annual_rate=0.10)
UNDISCOUNTED = Schedule.until(365.25, annual_rate=0.0)


def credible(base_mean=12.0, within=2_500.0, between=400.0) -> Credibility:
    model = Credibility()
    model.base_mean_, model.within_, model.between_, model.n_customers_ = base_mean, within, between, 1_000
    return model


def drawn(seed, customers=600, horizon=365.25, mean=12.0):
    """Histories with money, and the money that each customer brings within the horizon."""
    rng = np.random.default_rng(seed)
    r, alpha, a, b = TRUTH.params_
    T = rng.integers(20, 1_000, customers).astype(float)
    rate = rng.gamma(r, 1 / alpha, customers)
    # Purchases that would be, and the number after which the customer leaves, the first one included.
    would, later = rng.poisson(rate * T), rng.poisson(rate * horizon)
    most = rng.geometric(rng.beta(a, b, customers)) - 1
    x = np.minimum(would, most)
    after = np.minimum(would + later, most) - x
    t_x = np.where(x > 0, np.ceil(T * rng.beta(np.maximum(x, 1), would - x + 1)), 0.0)
    worth = mean + 20 * rng.standard_normal(customers)
    n = x + 1
    table = pd.DataFrame({"x": x, "t_x": t_x, "T": T, "n": n, "squares": 2_500.0 * x})
    table["money"] = worth + 50 / np.sqrt(n) * rng.standard_normal(customers)
    table.index = [f"C{i:05d}" for i in range(customers)]
    brought = after * worth + 50 * np.sqrt(after) * rng.standard_normal(customers)
    return table, brought


def draws(number, model=TRUTH, spread=0.0, seed=1):
    logs = np.log(model.params_.to_numpy()) + spread * np.random.default_rng(seed).standard_normal(
        (number, 4)
    )
    return pd.DataFrame(np.exp(logs), columns=list(model.names))


def valued(customers, number=40, seed=5, money=None, schedule=YEAR, **options):
    spread = options.pop("spread", 0.1)
    return customer_values(
        TRUTH,
        draws(number, spread=spread),
        money or credible(),
        customers,
        schedule,
        np.random.default_rng(seed),
        **options,
    )


@pytest.fixture(scope="module")
def base():
    return drawn(1)[0]


def test_a_value_is_discounted_purchases_times_money(base):
    found = expected_values(TRUTH, credible(), base, YEAR)
    np.testing.assert_allclose(found["discounted_orders"], TRUTH.discounted_orders(base, YEAR))
    np.testing.assert_allclose(found["value"], found["discounted_orders"] * credible().predict(base))
    assert found["alive"].between(0, 1).all() and (found["discounted_orders"] <= found["orders"]).all()
    assert found.index.equals(base.index)
    plain = expected_values(TRUTH, credible(), base, UNDISCOUNTED)
    np.testing.assert_allclose(plain["orders"], plain["discounted_orders"])


def test_groups_that_part_the_base_add_up_to_all_of_it(base):
    number = np.arange(len(base)) % 4
    groups = {f"G{i}": number == i for i in range(4)}
    found = valued(base, groups=groups)
    names = list(groups)
    assert found.expected[names].sum() == pytest.approx(found.expected["all"], abs=0.005)
    assert found.expected["all"] == pytest.approx(found.customers["value"].sum(), abs=0.005)
    np.testing.assert_allclose(found.drawn[names].sum(axis=1), found.drawn["all"], atol=0.005)
    np.testing.assert_allclose(
        found.drawn_parameters[names].sum(axis=1), found.drawn_parameters["all"], atol=0.005
    )
    assert list(found.sums) == ["all", *names]
    alone = valued(base[number == 2])
    assert alone.sums["all"].value == pytest.approx(found.sums["G2"].value, abs=0.005)


def test_intervals_of_sums_and_of_customers_cover_the_truth():
    """A hundred groups of 50 customers each, at the true parameters."""
    customers, brought = drawn(2, 5_000)
    number = np.arange(len(customers)) % 100
    groups = {f"G{i:02d}": number == i for i in range(100)}
    found = valued(customers, 120, schedule=UNDISCOUNTED, groups=groups, spread=0.0)
    made = np.bincount(number, brought)
    sums = pd.DataFrame(found.sums.values(), index=list(found.sums)).drop(index="all")
    assert 88 <= ((sums["low"] <= made) & (made <= sums["high"])).sum() <= 100
    below, above = (made < sums["low"]).sum(), (made > sums["high"]).sum()
    assert below <= 9 and above <= 9
    assert (sums["low_parameters"] == sums["high_parameters"]).all()
    standard = (found.sums["all"].high - found.sums["all"].low) / 3.92
    assert abs(brought.sum() - found.sums["all"].value) < 3 * standard
    inside = (found.customers["low"] - 1e-6 <= brought) & (brought <= found.customers["high"] + 1e-6)
    assert inside.mean() > 0.94


def test_parameters_shared_by_all_do_not_average_out(base):
    """Four times as many customers: chance halves in proportion, doubt about the parameters does not."""
    small = valued(base, 150, spread=0.1).sums["all"]
    large = valued(drawn(1, 2_400)[0], 150, spread=0.1).sums["all"]

    def shares(doubt):
        return (doubt.high - doubt.low) / doubt.value, (
            doubt.high_parameters - doubt.low_parameters
        ) / doubt.value

    assert shares(large)[1] == pytest.approx(shares(small)[1], rel=0.15)
    assert shares(large)[0] < 0.9 * shares(small)[0]
    for doubt in (small, large):
        assert doubt.low < doubt.low_parameters < doubt.value < doubt.high_parameters < doubt.high


def test_doubt_about_parameters_is_the_value_at_each_draw(base):
    number = np.arange(len(base)) % 3 == 0
    found = valued(base, 25, schedule=UNDISCOUNTED, groups={"third": number})
    for row in range(25):
        at = expected_values(
            TRUTH.with_params(draws(25, spread=0.1).iloc[row]), credible(), base, UNDISCOUNTED
        )["value"]
        assert found.drawn_parameters.loc[row, "all"] == pytest.approx(at.sum(), rel=1e-9)
        assert found.drawn_parameters.loc[row, "third"] == pytest.approx(at[number].sum(), rel=1e-9)
    # With discounts, each customer keeps the expected one: close.
    found = valued(base, 25)
    at = [
        expected_values(TRUTH.with_params(row), credible(), base, YEAR)["value"].sum()
        for row in draws(25, spread=0.1).to_numpy()
    ]
    np.testing.assert_allclose(found.drawn_parameters["all"], at, rtol=2e-3)


def test_a_sample_of_customers_speaks_for_the_group_it_is_from(monkeypatch):
    """A small group of another kind is looked at in full; it must not weigh more in the whole."""
    customers = drawn(3, 6_000)[0]
    often = np.zeros(len(customers), dtype=bool)
    often[np.argsort(-customers["x"].to_numpy())[:300]] = True
    full = valued(customers, 20, groups={"often": often})
    monkeypatch.setattr(value, "_SAMPLE", 500)
    found = valued(customers, 20, groups={"often": often})
    for name in ("all", "often"):
        moved, truth = (
            found.drawn_parameters[name] - found.expected[name],
            full.drawn_parameters[name] - full.expected[name],
        )
        assert np.abs(moved - truth).max() < 0.15 * np.abs(truth).max()
    pd.testing.assert_frame_equal(found.drawn, full.drawn)


def test_sums_near_zero_keep_finite_intervals():
    """Earners and losers cancel: what the parameters move is an amount, not a share of next to nothing."""
    customers = drawn(4, 500)[0]
    both = pd.concat([customers.assign(n=1_000_000, money=10.0), customers.assign(n=1_000_000, money=-10.0)])
    both.index = [f"C{i}" for i in range(1_000)]
    earners = np.arange(1_000) < 500
    found = valued(both, 30, money=credible(0.0), groups={"earners": earners, "losers": ~earners})
    assert abs(found.expected["all"]) < 0.01 * found.expected["earners"]
    span = found.drawn_parameters["all"].max() - found.drawn_parameters["all"].min()
    assert span < 0.01 * found.expected["earners"]


def test_loss_makers_have_negative_values_and_intervals_in_order(base):
    losing = base.assign(n=50, money=-80.0)
    found = valued(losing, 100, money=credible(within=1.0))
    assert (found.customers["value"] < 0).all()
    assert (found.customers["low"] <= found.customers["high"]).all() and (found.customers["high"] <= 0).all()
    doubt = found.sums["all"]
    assert doubt.low < doubt.value < doubt.high < 0
    assert doubt.low_parameters < doubt.value < doubt.high_parameters < 0
    rate = SpendTimesRate(GammaGamma().with_params([6.25, 3.74, 15.44]), -0.1)
    assert (valued(base.assign(money=20.0), 10, money=rate).customers["value"] < 0).all()


def test_nobody_active_is_worth_about_nothing(base):
    gone = base.assign(x=200, t_x=200.0, T=5_000.0)
    found = valued(gone, 20)
    assert abs(found.sums["all"].value) < 1e-6
    assert found.sums["all"].low == found.sums["all"].high == 0
    assert (found.customers[["low", "high"]] == 0).all().all()
    endless = expected_values(
        MBGNBD().with_params([1.3, 80.0, 0.4, 3.0]), credible(), base.assign(T=1e12), YEAR
    )
    assert np.isfinite(endless).all().all() and endless["value"].abs().max() < 1e-6


def test_no_warning_where_nothing_is_expected(base, recwarn):
    silent = base.assign(x=2_000, t_x=1.0, T=1e9)
    assert valued(silent, 3).expected["all"] == 0
    assert [str(w.message) for w in recwarn] == []


def test_an_empty_group_and_no_customers_at_all(base):
    found = valued(base, 5, groups={"none": np.zeros(len(base), dtype=bool)})
    assert found.sums["none"] == value.Doubt(0.0, 0.0, 0.0, 0.0, 0.0)
    assert valued(base[:0], 5).sums["all"].value == 0


def test_a_seed_gives_the_same_twice_and_another_seed_does_not(base):
    one, two, three = (valued(base, 10, seed=seed) for seed in (1, 1, 2))
    pd.testing.assert_frame_equal(one.customers, two.customers)
    pd.testing.assert_frame_equal(one.drawn, two.drawn)
    assert (one.drawn["all"] != three.drawn["all"]).all()
    pd.testing.assert_series_equal(one.expected, three.expected)


def test_blocks_do_not_matter(base, monkeypatch):
    groups = {"odd": np.arange(len(base)) % 2 == 1}
    whole = valued(base, 100, groups=groups)
    monkeypatch.setattr(value, "_BLOCK", 170)
    parted = valued(base, 100, groups=groups)
    pd.testing.assert_series_equal(parted.expected, whole.expected)
    pd.testing.assert_frame_equal(parted.drawn_parameters, whole.drawn_parameters)
    pd.testing.assert_frame_equal(
        parted.customers.drop(columns=["low", "high"]), whole.customers.drop(columns=["low", "high"])
    )
    for name in ("all", "odd"):
        spread = whole.drawn[name].std()
        assert parted.drawn[name].mean() == pytest.approx(whole.drawn[name].mean(), abs=0.4 * spread)
        assert parted.drawn[name].std() == pytest.approx(spread, rel=0.2)
    reach = [(parts.customers["high"] - parts.customers["low"]).mean() for parts in (whole, parted)]
    assert reach[1] == pytest.approx(reach[0], rel=0.05)


def test_blocks_draw_independently(base, monkeypatch):
    """Two equal blocks must not have equal futures: their chances would not average out."""
    twice = pd.concat([base[:300], base[:300]]).set_axis([f"C{i}" for i in range(600)])
    monkeypatch.setattr(value, "_BLOCK", 300)
    halves = {"first": np.arange(600) < 300, "second": np.arange(600) >= 300}
    found = valued(twice, 200, groups=halves, spread=0.0)
    assert abs(np.corrcoef(found.drawn["first"], found.drawn["second"])[0, 1]) < 0.25


def test_the_order_of_columns_of_the_draws_does_not_matter(base):
    plain = customer_values(TRUTH, draws(5), credible(), base, YEAR, np.random.default_rng(1))
    mixed = customer_values(
        TRUTH, draws(5)[["b", "alpha", "a", "r"]], credible(), base, YEAR, np.random.default_rng(1)
    )
    pd.testing.assert_frame_equal(plain.drawn, mixed.drawn)


def test_strata_put_together_add_up(base):
    older = base["T"].to_numpy() > 500
    groups = {"x": base["x"].to_numpy() > 3}
    parts = [valued(base[mask], 30, groups={"x": groups["x"][mask]}) for mask in (older, ~older)]
    found = together(parts)
    assert found.customers.index.tolist() == sorted(base.index)
    whole = expected_values(TRUTH, credible(), base, YEAR)["value"]
    assert found.sums["all"].value == pytest.approx(whole.sum(), abs=0.005)
    assert found.sums["x"].value == pytest.approx(whole[groups["x"]].sum(), abs=0.005)


def test_the_inputs_are_left_alone(base):
    kept = base.copy()
    valued(base, 3)
    pd.testing.assert_frame_equal(base, kept)


@pytest.mark.parametrize(
    ("options", "message"),
    [({"level": 95}, "level = 95"), ({"level": 0}, "level = 0"), ({"groups": {"all": np.ones(600, bool)}}, "group 'all'"),
     ({"groups": {"half": np.ones(300, bool)}}, "group 'half' with 300 entries"), ({"number": 0}, "0 draws")],
)  # fmt: skip
def test_what_cannot_be_is_refused(base, options, message):
    with pytest.raises(ParameterError, match=message):
        valued(base, **options)


def test_draws_of_another_model_are_refused(base):
    other = pd.DataFrame({"r": [1.0], "alpha": [1.0], "s": [1.0], "beta": [1.0]})
    with pytest.raises(ParameterError, match="draws of r, alpha, a, b"):
        customer_values(TRUTH, other, credible(), base, YEAR, np.random.default_rng(1))
