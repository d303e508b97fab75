"""Profiles: statements that add up to the cent, values with an interval that says what it is."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import ttest_1samp

from crmlib.analysis.profitability import STATEMENT
from crmlib.analysis.segments.profiles import (
    ALL,
    COSTS,
    NONE,
    segment_profiles,
    segment_statement,
    segment_values,
)
from crmlib.errors import DataError, ParameterError


@pytest.fixture
def people(account):
    rng = np.random.default_rng(4)
    names = [
        "list_sales",
        "discounts",
        "cost_of_goods",
        "service_order",
        "service_relationship",
        "acquisition_cost",
    ]
    rows = {f"K{i:03d}": dict(zip(names, rng.integers(0, 90_000, 6) / 100, strict=True)) for i in range(120)}
    return account(rows)


@pytest.fixture
def segments(people):
    """Most customers in a segment, some in none, one in a segment without money, one segment empty."""
    rng = np.random.default_rng(5)
    drawn = rng.choice(["loyal", "new", "lost"], len(people)).astype(object)
    drawn[:7] = None
    held = pd.Series(drawn, people.index)
    held["elsewhere"] = "new"
    return held.astype(pd.CategoricalDtype(["new", "loyal", "vanished", "lost"]))


def test_the_statement_of_the_segments_is_that_of_the_company_to_the_cent(people, segments):
    found = segment_statement(segments, people)
    assert list(found.columns) == ["new", "loyal", "vanished", "lost", NONE, ALL]
    assert list(found.index) == list(STATEMENT)
    for line in STATEMENT:
        sign = -1 if line in COSTS else 1
        assert round(found.loc[line, ALL], 2) == round(sign * people[line].sum(), 2)
        assert round(found.loc[line].drop(ALL).sum(), 2) == round(found.loc[line, ALL], 2)
        inside = people.loc[people.index.intersection(segments.index[segments == "lost"]), line].sum()
        assert found.loc[line, "lost"] == pytest.approx(sign * inside)
    assert (found["vanished"] == 0).all()
    pieces = ["list_sales", "discounts", "returns", "cost_of_goods"]
    pieces += ["service_order", "service_return", "service_relationship", "acquisition_cost"]
    assert found.loc[pieces].sum().to_numpy() == pytest.approx(found.loc["profit"].to_numpy())


def test_the_saved_table_may_have_customers_in_a_column_and_fewer_lines(people, segments):
    saved = people.reset_index()[["customer_id", "net_sales", "profit"]]
    found = segment_statement(segments, saved.iloc[::-1])
    assert list(found.index) == ["net_sales", "profit"]
    pd.testing.assert_frame_equal(
        found, segment_statement(segments, people).loc[found.index], check_exact=False
    )


def test_nobody_without_a_segment_needs_no_column(people):
    found = segment_statement(pd.Series("x", people.index), people)
    assert list(found.columns) == ["x", ALL]
    assert found["x"].tolist() == found[ALL].tolist()


def test_profiles_count_everybody_once_and_their_means_are_those_of_the_segment(people, segments):
    features = people.assign(
        recency_days=np.arange(120.0), frequency=1, categories=2, active_chance=0.5,
        churn_probability=np.where(np.arange(120) % 2, 0.25, np.nan),
        main_channel=np.where(np.arange(120) % 3, "web", "shop"),
    )  # fmt: skip
    found = segment_profiles(segments, features).table
    assert found["customers"].sum() == 120 and found["share"].sum() == pytest.approx(1)
    assert found["profit"].sum() == pytest.approx(people["profit"].sum())
    inside = features[segments.reindex(features.index) == "loyal"]
    row = found.loc["loyal"]
    assert row["recency_days"] == inside["recency_days"].median()
    assert row["churn_rate"] == 0.25 and row["churn_of"] == inside["churn_probability"].count()
    assert row["loss_makers"] == (inside["profit"] < 0).mean()
    ends = ttest_1samp(inside["profit"], 0).confidence_interval(0.95)
    assert [row["profit_low"], row["profit_high"]] == pytest.approx(list(ends))
    assert row["main_channel"] == "web"
    assert row["channel_share"] == pytest.approx((inside["main_channel"] == "web").mean())
    empty = found.loc["vanished"]
    assert empty["customers"] == 0 and np.isnan(empty["mean_profit"]) and pd.isna(empty["main_channel"])
    assert found.loc[NONE, "customers"] == 7


def test_a_single_customer_has_a_mean_and_no_interval():
    found = segment_profiles(pd.Series(["x"], ["A"]), pd.DataFrame({"money": [7.0]}, index=["A"])).table
    assert found.loc["x", ["mean_profit", "profit_share"]].tolist() == [7, 1]
    assert found.loc["x", ["profit_low", "profit_high"]].isna().all()


def test_equal_customers_leave_no_doubt_about_their_mean():
    names = [f"K{i}" for i in range(9)]
    found = segment_profiles(pd.Series("x", names), pd.DataFrame({"profit": 3.0}, index=names)).table
    assert found.loc["x", ["mean_profit", "profit_low", "profit_high"]].tolist() == [3, 3, 3]


def test_of_equally_common_channels_the_first_by_alphabet_is_named_whatever_the_rows():
    features = pd.DataFrame({"main_channel": ["web", "fair", None]}, index=list("ABC"))
    held = pd.Series("x", list("ABC"))
    for rows in (features, features.iloc[::-1]):
        assert segment_profiles(held, rows).table.loc["x", ["main_channel", "channel_share"]].tolist() == [
            "fair",
            0.5,
        ]


def test_losses_altogether_have_no_shares(people, segments):
    found = segment_profiles(segments, people.assign(profit=-1.0)).table
    assert found["profit_share"].isna().all() and found["profit"].sum() == -120


@pytest.fixture
def worth(people):
    values = pd.Series(np.random.default_rng(6).gamma(1, 200, 120), people.index)
    values.iloc[10:14] = np.nan
    return values


def test_values_add_up_and_those_without_one_are_counted(segments, worth):
    found = segment_values(segments, worth)
    assert list(found.index) == ["new", "loyal", "vanished", "lost", NONE, ALL]
    parts = found.drop(ALL)
    for column in ("customers", "valued", "value"):
        assert parts[column].sum() == pytest.approx(found.loc[ALL, column])
    assert found.loc[ALL, ["customers", "valued"]].tolist() == [121, 116]
    assert parts["value_share"].sum() == pytest.approx(1)
    inside = worth[segments.reindex(worth.index) == "loyal"].dropna()
    ends = ttest_1samp(inside, 0).confidence_interval(0.95)
    row = found.loc["loyal"]
    assert row[["mean_low", "mean_high"]].tolist() == pytest.approx(list(ends))
    assert row[["low", "high"]].tolist() == pytest.approx([end * len(inside) for end in ends])
    assert found.loc["vanished", "value"] == 0 and np.isnan(found.loc["vanished", "mean_value"])


def test_the_interval_from_the_ends_of_customers_holds_the_sum_as_often_as_it_says():
    """Customers whose value follows a known law, each by itself: 95 % of the sums lie within."""
    rng = np.random.default_rng(8)
    scale = rng.gamma(2, 50, 300)
    drawn = rng.gamma(2, 1, (2000, 300)) * scale
    names = [f"K{i}" for i in range(300)]
    low, high = (pd.Series(np.quantile(drawn, q, axis=0), names) for q in (0.025, 0.975))
    held = pd.Series(np.repeat(["x", "y", "z"], [200, 99, 1]), names)
    found = segment_values(held, pd.Series(2 * scale, names), (low, high))
    again = rng.gamma(2, 1, (2000, 300)) * scale
    for name, inside in (("x", held == "x"), ("y", held == "y"), (ALL, held != "")):
        sums = again[:, inside.to_numpy()].sum(axis=1)
        within = ((sums > found.loc[name, "low"]) & (sums < found.loc[name, "high"])).mean()
        assert within == pytest.approx(0.95, abs=0.02)
    assert (found["basis"] == "ends").all()
    assert found.loc["z", "high"] - found.loc["z", "low"] == pytest.approx(high["K299"] - low["K299"])
    assert found.loc["x", "mean_high"] == found.loc["x", "high"] / 200


def test_ends_of_customers_without_a_value_do_not_matter_and_missing_ends_do(segments, worth):
    ends = worth.fillna(1) - 5, worth.fillna(1) + 5
    found = segment_values(segments, worth, ends)
    n = found["valued"]
    assert (found["high"] - found["value"]).to_numpy() == pytest.approx(5 * np.sqrt(n).to_numpy())
    assert found.loc["vanished", ["low", "high"]].tolist() == [0, 0]
    with pytest.raises(DataError, match="a value without ends, at 1 of 121 customers: K050"):
        segment_values(segments, worth, (ends[0].drop("K050"), ends[1]))
    with pytest.raises(ParameterError, match="level = 95"):
        segment_values(segments, worth, ends, level=95)


def test_what_cannot_be_added_up_is_refused(people, segments):
    with pytest.raises(DataError, match="twice in segments"):
        segment_statement(pd.concat([segments, segments[:1]]), people)
    with pytest.raises(DataError, match="without a column profit"):
        segment_statement(segments, people.drop(columns="profit"))
    with pytest.raises(DataError, match="called no segment"):
        segment_values(segments.astype(object).fillna(NONE), people["profit"])
    with pytest.raises(DataError, match="twice in features"):
        segment_profiles(segments, pd.concat([people, people[:1]]))
    with pytest.raises(ParameterError, match="level = 95"):
        segment_profiles(segments, people, 95)


def test_neither_the_order_of_rows_nor_the_caller_s_tables_are_touched(people, segments, worth):
    rows = np.random.default_rng(1).permutation(len(people))
    copies = people.copy(), segments.copy(), worth.copy()
    mixed = people.iloc[rows]
    pd.testing.assert_frame_equal(segment_statement(segments, mixed), segment_statement(segments, people))
    again, first = segment_profiles(segments[::-1], mixed).table, segment_profiles(segments, people).table
    pd.testing.assert_frame_equal(again, first)
    pd.testing.assert_frame_equal(
        segment_values(segments[::-1], worth.iloc[rows]), segment_values(segments, worth)
    )
    pd.testing.assert_frame_equal(people, copies[0])
    pd.testing.assert_series_equal(segments, copies[1])
    pd.testing.assert_series_equal(worth, copies[2])
