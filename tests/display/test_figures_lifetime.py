"""Figures of lifetime value: what is drawn, what is written, and that a reader can make it out."""

from functools import partial

import numpy as np
import pandas as pd
import pytest

from crmlib.display import figures

GROUPS = pd.DataFrame(
    {"label": ["0", "1", "2-3", "4+"], "customers": [900, 400, 120, 31], "forecast": [0.4, 1.1, 2.6, 8.9],
     "actual": [0.3, 1.2, 2.4, 9.4]}
)  # fmt: skip
CHANNELS = pd.DataFrame(
    {"label": ["fair", "web search", "field sales"], "customers": [96, 365, 13], "value": [176.0, 88.0, 300.0],
     "low": [113.0, 51.0, 250.0], "high": [244.0, 118.0, 390.0], "cost": [35.0, 90.0, 440.0]}
)  # fmt: skip
DAYS = pd.DataFrame(
    {"day": pd.date_range("2024-01-31", "2026-06-30", freq="ME"), "actual": np.arange(30) * 110.0,
     "expected": np.arange(30) * 104.0}
)  # fmt: skip


def grid():
    bought, days = np.arange(2, 25), np.arange(0.0, 700.0, 10.0)
    values = np.outer(bought, np.ones(len(days))) * 10 * np.exp(-np.outer(bought, days) / 1_500)
    return pd.DataFrame(values, index=bought, columns=days)


def groups_figure(frame, title, subtitle, currency):
    return figures.forecast_and_actual(
        frame, title, subtitle, "Repeat purchases", "Purchases (number)", currency
    )


def channels_figure(frame, title, subtitle, currency):
    return figures.worth_and_cost(
        frame, title, subtitle, currency, "Value of a new customer", "Cost of winning one", "Channel"
    )


def tracking_figure(frame, title, subtitle, currency):
    return figures.tracking(frame, title, subtitle, pd.Timestamp("2025-06-30"))


def iso_figure(frame, title, subtitle, currency):
    return figures.iso_values(frame, title, subtitle, currency)


@pytest.mark.parametrize(
    ("draw", "frame", "money"),
    [
        pytest.param(groups_figure, GROUPS, False, id="forecast and actual"),
        pytest.param(partial(groups_figure), GROUPS.iloc[:2], False, id="two groups"),
        pytest.param(channels_figure, CHANNELS, True, id="worth and cost"),
        pytest.param(channels_figure, CHANNELS.iloc[:1], True, id="one channel"),
        pytest.param(tracking_figure, DAYS, False, id="tracking"),
    ],
)
def test_every_figure_keeps_the_rules(keeps_the_rules, draw, frame, money):
    keeps_the_rules(draw, frame, money=money)


def test_bars_start_at_zero_and_show_what_happened():
    figure = groups_figure(GROUPS, "T", "S", "EUR")
    (axes,) = figure.axes
    assert axes.get_ylim()[0] == 0
    assert [bar.get_height() for bar in axes.patches] == GROUPS["actual"].tolist()
    (lines,) = axes.collections
    assert [segment[0][1] for segment in lines.get_segments()] == GROUPS["forecast"].tolist()


def test_shares_are_written_as_shares_with_the_names_given():
    table = GROUPS.assign(forecast=[0.62, 0.66, 0.7, 0.72], actual=[0.61, 0.73, 0.64, 0.74])
    figure = figures.forecast_and_actual(
        table,
        "T",
        "S",
        "Renewal",
        "Renewed (share)",
        kind="share",
        names=("Model", "Renewed"),
        who="contracts",
    )
    (axes,) = figure.axes
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["Model", "Renewed"]
    assert "model 72%, renewed 74%" in figure.alt
    assert "Contracts" in figure.data.to_text()


def test_a_channel_is_coloured_by_what_it_is_sure_to_bring():
    figure = channels_figure(CHANNELS, "T", "S", "EUR")
    (axes,) = figure.axes
    dots = [one for one in axes.collections if len(one.get_offsets()) == 3 and len(one.get_facecolors()) == 3]
    sure, unsure, short = (tuple(colour) for colour in dots[0].get_facecolors())
    assert len({sure, unsure, short}) == 3


def test_without_costs_there_is_no_mark_of_them():
    figure = channels_figure(CHANNELS.assign(cost=np.nan), "T", "S", "EUR")
    (axes,) = figure.axes
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["Value of a new customer"]
    assert "cost of" not in figure.alt and "nan" not in figure.alt


def test_lines_of_equal_value_lie_where_the_value_is():
    surface = grid()
    figure = iso_figure(surface, "T", "S", "EUR")
    assert "with 24 purchases worth €240 just after the last" in figure.alt
    assert "24 purchases (EUR)" in figure.data.to_text()
    (axes,) = figure.axes
    assert axes.get_ylim() == (2, 24)
    assert "(days)" in axes.get_xlabel() and "(number)" in axes.get_ylabel()
    assert figure.png() == iso_figure(surface, "T", "S", "EUR").png()


@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e6])
def test_any_size_of_value_can_be_drawn(scale, troubles_of):
    assert troubles_of(iso_figure(grid() * scale, "T", "S", "EUR")) == []
    money = CHANNELS[["value", "low", "high", "cost"]] * scale
    assert troubles_of(channels_figure(CHANNELS.assign(**money), "T", "S", "EUR")) == []
