"""Figures of estimates of any kind: features of a method, ways to choose customers beside the truth."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex

from crmlib.display import figures
from crmlib.display.house import ACCENT, GREY, LOSS

NASTY = "$x <b>bold</b> A$AP $hop and a rather long name of something, really"
HEAD = {"title": "T", "subtitle": "S"}
FEATURES = pd.DataFrame(
    {"label": ["Days since the last order", NASTY, "Region"], "value": [0.11, 0.004, -0.01], "low": [0.09, -0.001, -0.02],
     "high": [0.13, 0.009, -0.005]}
)  # fmt: skip
POLICIES = pd.DataFrame(
    {"label": ["expected profit", "churn probability", "everyone", "contact nobody"],
     "value": [41_000.0, 9_000, -14_000, 0], "low": [30_000.0, -2_500, -21_000, 0],
     "high": [52_000.0, 20_000, -6_000, 0], "truth": [38_000.0, 55_000, -30_000, np.nan]}
)  # fmt: skip


def importance(frame, currency="EUR", **more):
    return figures.estimate_dots(
        frame, currency=currency, axis="Rise of the error without it", reference=0, reference_label="no use",
        kind="share", rows="Feature", unit="share of the Brier score", **(HEAD | more),
    )  # fmt: skip


def policies(frame, currency="EUR", **more):
    return figures.estimate_dots(
        frame, currency=currency, axis="Profit of the campaign", reference=0, reference_label="contact nobody",
        rows="Way to choose customers", truth="Truth of the simulation", **(HEAD | more),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("draw", "frame", "money"), [(importance, FEATURES, False), (policies, POLICIES, True)]
)
def test_every_figure_keeps_the_rules(keeps_the_rules, draw, frame, money):
    keeps_the_rules(draw, frame, money=money)


def test_features_have_their_own_unit_and_no_customers():
    figure = importance(FEATURES)
    (axes,) = figure.axes
    assert axes.get_xlabel().replace("\n", " ") == "Rise of the error without it (share of the Brier score)"
    assert axes.get_ylabel() == "Feature"
    assert [to_hex(colour) for colour in axes.collections[1].get_facecolors()] == [ACCENT, GREY, LOSS]
    assert figure.data.headings[0] == "Feature" and "Customers" not in figure.data.headings


def test_35_features_can_be_read_and_a_dozen_stand_behind(troubles_of):
    many = pd.DataFrame(
        {"label": [f"Feature {n} of the method" for n in range(35)], "value": np.linspace(0.1, 0, 35)}
    )
    figure = importance(many.assign(low=many["value"] - 0.01, high=many["value"] + 0.01))
    assert troubles_of(figure) == [] and len(figure.data.rows) == 12
    assert figure.drawing.get_figheight() < 14


def test_the_truth_is_marked_where_it_is_known_and_named():
    figure = policies(POLICIES)
    (axes,) = figure.axes
    ticks = [one for one in axes.collections if hasattr(one, "get_segments")][-1].get_segments()
    assert [tick[0][0] for tick in ticks] == [38_000, 55_000, -30_000]
    assert [text.get_text() for text in axes.get_legend().get_texts()] == [
        "Profit of the campaign",
        "Truth of the simulation",
    ]
    assert "expected profit at €41.0k (truth of the simulation €38.0k)" in figure.alt
    assert figure.data.rows[0][1] == "€38,000.00" and figure.data.rows[-1][1] == "–"
    assert policies(POLICIES.drop(columns="truth")).axes[0].get_legend() is None
