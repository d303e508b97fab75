"""Figures of the probability to leave: the numbers drawn, and words that stay readable with any of them."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex

from crmlib.display import figures
from crmlib.display.house import ACCENT, GREY

NASTY = "$x <b>bold</b> A$AP $hop and a rather long name of something, really"
HEAD = {"title": "T", "subtitle": "S"}


def bins(method="trees", shift=0.0, number=10, top=0.9):
    predicted = np.linspace(0.05, top, number) if number > 1 else np.array([top])
    observed = np.clip(predicted + shift, 0, 1)
    return pd.DataFrame({"method": method, "predicted": predicted, "observed": observed,
                         "low": np.clip(observed - 0.06, 0, 1), "high": np.clip(observed + 0.06, 0, 1),
                         "customers": np.arange(100, 100 + number)})  # fmt: skip


THREE = pd.concat([bins("trees"), bins("logistic", 0.05), bins(NASTY, -0.05)], ignore_index=True)
DAYS = pd.DataFrame(
    {"feature": "recency_days", "value": [3.0, 20, 60, 130, 330], "label": ["3", "20", "60", "130", "330"],
     "churn": [0.14, 0.22, 0.4, 0.58, 0.78], "low": [0.1, 0.2, 0.3, 0.5, 0.6], "high": [0.2, 0.3, 0.5, 0.7, 0.9]}
)  # fmt: skip
CHANNELS = pd.DataFrame(
    {"feature": "channel", "value": np.nan, "label": ["Fair", "Web search", NASTY], "churn": [0.31, 0.33, 0.47],
     "low": [0.2, 0.3, 0.4], "high": [0.4, 0.5, 0.6], "customers": [300, 820, 1]}
)  # fmt: skip
SEEN = pd.Series(np.random.default_rng(0).exponential(90, 500))


def reliable(frame, currency="", **more):
    return figures.reliability(frame, **(HEAD | more))


def by_days(frame, currency="", **more):
    return figures.dependence_curve(frame, across="Time since the last order (days)", seen=SEEN, average=0.36,
                                    **(HEAD | more))  # fmt: skip


def plain(frame, currency="", **more):
    return figures.dependence_curve(frame, across="Orders so far (number)", **(HEAD | more))


def by_channel(frame, currency="", **more):
    return figures.dependence_curve(frame, across="Channel of the first order (number of customers)", average=0.33,
                                    **(HEAD | more))  # fmt: skip


@pytest.mark.parametrize(
    ("draw", "frame"),
    [
        pytest.param(reliable, bins().drop(columns="method"), id="one method"),
        pytest.param(by_days, DAYS, id="days"),
        pytest.param(by_channel, CHANNELS, id="categories"),
    ],
)
def test_every_figure_keeps_the_rules(keeps_the_rules, draw, frame):
    keeps_the_rules(draw, frame, money=False)


@pytest.mark.parametrize(
    ("draw", "frame"),
    [
        pytest.param(reliable, THREE, id="three methods"),
        pytest.param(reliable, pd.concat([bins(one) for one in "abcd"]), id="equal ends"),
        pytest.param(reliable, bins(number=1), id="one bin"),
        pytest.param(reliable, bins(number=4, top=0.06), id="small shares"),
        pytest.param(reliable, bins(number=2).assign(predicted=0.0, observed=0.0, high=0.0), id="all zero"),
        pytest.param(by_days, DAYS.assign(churn=0.36), id="as the average"),
        pytest.param(by_days, DAYS.assign(churn=[0.9, 0.3, 0.2, 0.1, 0.0]), id="falls to zero"),
        pytest.param(by_days, DAYS.iloc[:1], id="one value"),
        pytest.param(plain, DAYS.drop(columns=["low", "high"]), id="line alone"),
        pytest.param(by_channel, CHANNELS.iloc[:1], id="one category"),
        pytest.param(
            by_channel, pd.concat([CHANNELS.drop(columns=["customers", "low"])] * 3), id="nine categories"
        ),
    ],
)
def test_hard_cases_can_be_read(troubles_of, draw, frame):
    figure = draw(frame)
    assert troubles_of(figure) == [] and len(figure.alt) <= 400 and "nan" not in figure.alt


def words(figure):
    return [text.get_text().replace("\n", " ") for text in figure.axes[0].texts if text.get_text()]


def test_observed_stands_over_predicted_and_the_chosen_method_is_the_accent():
    figure = reliable(THREE, names={"trees": "Boosted trees"})
    (axes,) = figure.axes
    lines = {to_hex(line.get_color()): line for line in axes.lines if len(line.get_xdata()) == 10}
    chosen = bins()
    assert lines[ACCENT].get_xdata().tolist() == chosen["predicted"].tolist()
    assert lines[ACCENT].get_ydata().tolist() == chosen["observed"].tolist()
    assert set(lines) == {ACCENT, GREY}
    assert {"Boosted trees", "logistic", "as predicted"} <= set(words(figure))
    assert "100 to 109 customers" in axes.get_xlabel()


def test_the_diagonal_runs_through_equal_shares():
    for frame in (bins(), bins(top=0.3)):
        (axes,) = reliable(frame).axes
        diagonal = next(
            line for line in axes.lines if line.get_linestyle() == "--" and line.get_xdata()[0] == 0
        )
        assert list(diagonal.get_xdata()) == list(diagonal.get_ydata())
        assert axes.get_ylim()[0] == 0 and axes.get_ylim()[1] >= frame["high"].max()


def test_intervals_are_those_of_the_chosen_method_and_counted():
    figure = reliable(pd.concat([bins(shift=0.2, top=0.6), bins("logistic")]))
    bars = [one for one in figure.axes[0].collections if hasattr(one, "get_segments")]
    assert len(bars) == 1 and len(bars[0].get_segments()) == 10
    assert "holds the prediction in 0 of 10" in figure.alt
    assert "holds the prediction in 10 of 10" in reliable(bins()).alt


def test_larger_groups_have_larger_dots():
    (axes,) = reliable(bins().assign(customers=[50, *[100] * 8, 200])).axes
    sizes = next(one.get_sizes() for one in axes.collections if len(one.get_offsets()) == 10)
    assert sizes[0] * 4 == pytest.approx(sizes[-1]) and sizes[1] * 2 == pytest.approx(sizes[-1])


def test_the_line_of_a_feature_is_drawn_through_its_values_in_order():
    figure = by_days(DAYS.sample(frac=1, random_state=2))
    (axes,) = figure.axes
    line = next(line for line in axes.lines if len(line.get_xdata()) == 5)
    assert line.get_xdata().tolist() == DAYS["value"].tolist()
    assert line.get_ydata().tolist() == DAYS["churn"].tolist()
    assert {"14%", "78%", "36% all customers"} <= set(words(figure))
    assert "14% at 3, 78% at 330" in figure.alt
    assert [row[0] for row in figure.data.rows] == DAYS["label"].tolist()


def test_the_strip_counts_the_customers_below_the_line_and_writes_no_share_there():
    (axes,) = by_days(DAYS).axes
    inside = SEEN[(SEEN >= 3) & (SEEN <= 330)]
    heights = np.array([bar.get_height() for bar in axes.patches])
    number = np.histogram(inside, bins=len(heights), range=(3, 330))[0]
    assert heights / heights.max() == pytest.approx(number / number.max())
    assert all(bar.get_y() + bar.get_height() < 0 for bar in axes.patches)
    assert min(axes.get_yticks()) == 0
    (without,) = plain(DAYS).axes
    assert len(without.patches) == 0 and without.get_ylim()[0] == 0


def test_categories_are_dots_in_the_order_given():
    figure = by_channel(CHANNELS)
    (axes,) = figure.axes
    dots = next(
        one for one in axes.collections if len(one.get_offsets()) == 3 and not hasattr(one, "get_segments")
    )
    assert dots.get_offsets().tolist() == [[0, 0.31], [1, 0.33], [2, 0.47]]
    assert "(820)" in axes.get_xticklabels()[1].get_text()
    assert "Dot chart" in figure.alt and "47%" in figure.alt
