"""Figures of segments: the numbers drawn, colours by identity, and words that stay readable with any of them."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex

from crmlib.display import figures
from crmlib.display.house import ACCENT, GREY, GROUPS, LOSS
from crmlib.display.segments.palette import INACTIVE, SEGMENTS, segment_colour, segment_name

STEADY = pd.DataFrame(
    {"number": [2, 3, 4, 5, 6], "value": [0.96, 0.85, 0.8, 0.5, 0.2], "again": [0.9, 0.9, 0.7, 0.6, 0.3]}
)


def people(seed=1, n=400, spread=80.0, shift=30.0):
    rng = np.random.default_rng(seed)
    found = pd.DataFrame({"value": rng.normal(shift, spread, n), "months_ahead": rng.uniform(0, 36, n)})
    high, long = found["value"] >= 50, found["months_ahead"] >= 24
    found["segment"] = np.select([high & long, high, long], SEGMENTS[:3], SEGMENTS[3])
    return found


def steady(frame, title="T", subtitle="S", currency=""):
    return figures.steady_counts(frame, title, subtitle, (0.85, 0.75))


def mapped(frame, title="T", subtitle="S", currency="GBP"):
    return figures.value_map(frame, (50.0, 24.0), title, subtitle, currency, 36)


@pytest.mark.parametrize(
    ("draw", "frame", "money"),
    [
        pytest.param(steady, STEADY, False, id="steady"),
        pytest.param(mapped, people(), True, id="map"),
        pytest.param(mapped, people(spread=9000.0, shift=2e5), True, id="far from the lines"),
        pytest.param(mapped, people(n=2), True, id="two customers"),
        pytest.param(mapped, people(spread=0.0, shift=0.0), True, id="all at zero"),
    ],
)
def test_the_rules_of_every_figure_hold(keeps_the_rules, draw, frame, money):
    keeps_the_rules(draw, frame, money)


def test_numbers_of_clusters_are_coloured_by_the_limits_they_reach():
    figure = steady(STEADY)
    (dots,) = figure.axes[0].collections
    assert dots.get_offsets().tolist() == STEADY[["number", "value"]].astype(float).to_numpy().tolist()
    assert [to_hex(one) for one in dots.get_facecolors()] == [ACCENT, ACCENT, GREY, LOSS, LOSS]
    assert "0.85: 2, 3." in figure.alt
    assert "none reaches 0.85." in steady(STEADY.assign(value=0.5)).alt


def test_every_customer_stands_at_his_numbers_in_the_colour_of_his_group():
    frame = people()
    figure = mapped(frame)
    (dots,) = figure.axes[0].collections
    order = np.lexsort((frame["value"], frame["months_ahead"]))
    assert dots.get_offsets().tolist() == frame[["months_ahead", "value"]].to_numpy()[order].tolist()
    drawn = [to_hex(one[:3]) for one in dots.get_facecolors()]
    assert drawn == [segment_colour(name) for name in frame["segment"].to_numpy()[order]]
    counts = frame["segment"].value_counts()
    for name in SEGMENTS:
        assert any(
            text.get_text().startswith(f"{name}\n{counts[name]} customers") for text in figure.axes[0].texts
        )
    lines = {tuple(np.ravel(line.get_data())[[0, 1]]) for line in figure.axes[0].lines}
    assert len(lines) == 2
    assert figure.data.rows[0][1] == str(counts[figure.data.rows[0][0]])


def test_of_very_many_customers_some_are_drawn_and_all_are_counted():
    frame = people(n=9000)
    figure = mapped(frame)
    assert len(figure.axes[0].collections[0].get_offsets()) == 3000
    assert sum(int(row[1].replace(",", "")) for row in figure.data.rows) == 9000


def test_the_order_of_customers_changes_no_byte():
    frame = people()
    assert mapped(frame).png() == mapped(frame.sample(frac=1, random_state=4)).png()


# Colours by identity


def test_groups_have_colours_of_their_own_and_clusters_go_by_their_number():
    colours = [segment_colour(name) for name in SEGMENTS]
    assert len(set(colours)) == 4 and set(colours) <= set(GROUPS)
    assert [segment_colour(f"Cluster {number}") for number in (1, 2, 6, 7)] == [
        GROUPS[0],
        GROUPS[1],
        GROUPS[5],
        GROUPS[0],
    ]
    assert segment_colour(INACTIVE) == segment_colour("anything else") == GREY
    assert [segment_name(name.lower()) for name in SEGMENTS] == list(SEGMENTS)
