"""Figures of cohorts and of the whole base: the data drawn, and words that stay readable with any numbers."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex

from crmlib.display import figures
from crmlib.display.figures.labels import wrapped
from crmlib.display.figures.room import spread, value_limits
from crmlib.display.house import ACCENT, INK, LOSS

HEAD = {"title": "A finding in one line", "subtitle": "Casa Prova, 2026, 10 customers"}
NASTY = "$x <b>bold</b> A$AP $hop and a rather long name of something, really"
QUARTERS = [f"Q{place % 4 + 1} {2022 + place // 4}" for place in range(12)]

DAYS = [0, 30, 90, 200, 365]
CURVES = pd.concat(
    pd.DataFrame({"order": n, "days": DAYS, "share": [0.0, 0.1 * n, 0.15 * n, 0.18 * n, 0.2 * n]}) for n in (1, 2, 3, 4)
).assign(low=lambda f: f["share"] * 0.9, high=lambda f: f["share"] * 1.1)  # fmt: skip
LIFE = pd.DataFrame(
    {"age_months": [0, 3, 6, 9, 12], "value": [-20.0, -5.0, 1.0, 8.0, 14.0], "low": [-25.0, -9.0, -4.0, 2.0, 7.0],
     "high": [-15.0, -1.0, 6.0, 14.0, 21.0]}
)  # fmt: skip
COHORTS = pd.DataFrame(
    {"label": QUARTERS[:5], "value": [40.0, 44.0, 38.0, 36.0, np.nan], "low": [30.0, 34.0, 28.0, 26.0, np.nan],
     "high": [50.0, 54.0, 48.0, 46.0, np.nan], "customers": [400, 1, 1200, 80, 75],
     "trend": [42.0, 40.5, 39.0, 37.5, np.nan]}
)  # fmt: skip
AGES = pd.DataFrame(
    [[-10.0, 5.0, 20.0, 30.0], [-12.0, 4.0, 18.0, np.nan], [-14.0, 2.0, np.nan, np.nan], [-15.0, np.nan, np.nan, np.nan]],
    index=QUARTERS[:4], columns=[0, 3, 6, 9],
)  # fmt: skip
BASE = pd.DataFrame(
    {"Won before July 2023": [90.0, 80.0, 70.0], "Won July 2023 to June 2024": [0.0, 50.0, 40.0],
     "Without a name": [10.0, 5.0, 20.0]}, index=QUARTERS[:3],
)  # fmt: skip


def next_orders(frame, currency="", **head):
    return figures.next_order_curves(frame, **head)


def life(frame, **head):
    return figures.value_to_date(frame, **head)


def side_by_side(frame, **head):
    return figures.cohort_values(frame, axis="Profit per customer in the first 12 months", **head)


def by_age(frame, **head):
    return figures.cohort_curves(frame, axis="Profit to date per customer won", **head)


def stacked(frame, **head):
    return figures.stacked_base(frame, axis="Net sales", cut=("Q1 2022",), apart="Without a name", **head)


CASES = [
    (next_orders, CURVES, False), (life, LIFE, True), (side_by_side, COHORTS, True), (by_age, AGES, True),
    (stacked, BASE, True),
]  # fmt: skip
MONEY = [(draw, frame) for draw, frame, money in CASES if money]


def words(figure):
    return [text.get_text() for text in figure.axes[0].texts if text.get_text()]


def names(axis):
    return [label.get_text() for label in axis.get_ticklabels()]


@pytest.mark.parametrize(("draw", "frame", "money"), CASES)
def test_the_rules_of_every_figure_hold(draw, frame, money, keeps_the_rules):
    keeps_the_rules(draw, frame, money)


@pytest.mark.parametrize(("draw", "frame"), MONEY)
@pytest.mark.parametrize("scale", [0.1, -1.0, 1e6])
def test_money_of_any_size_and_sign_stays_readable(draw, frame, scale, troubles_of):
    table = frame.copy()
    money = table.columns.difference(["label", "customers", "age_months"], sort=False)
    table[money] *= scale
    if scale < 0 and "low" in table:
        table[["low", "high"]] = table[["high", "low"]].to_numpy()
    assert troubles_of(draw(table, currency="PLN", **HEAD)) == []


@pytest.mark.parametrize(("draw", "frame", "money"), CASES)
def test_one_row_is_a_figure_too(draw, frame, money, troubles_of):
    figure = draw(frame.head(1), currency="EUR", **HEAD)
    assert troubles_of(figure) == [] and "nan" not in figure.alt
    assert figure.png()


@pytest.mark.parametrize(("draw", "frame"), MONEY)
def test_all_zero_can_be_drawn(draw, frame, troubles_of):
    table = frame.copy()
    money = table.columns.difference(["label", "customers", "age_months"], sort=False)
    table[money] *= 0.0
    assert troubles_of(draw(table, currency="EUR", **HEAD)) == []


# How soon the next order comes -----------------------------------------------------------------


def test_next_orders_are_steps_with_the_first_in_the_accent_and_its_band():
    figure = next_orders(CURVES, **HEAD)
    (axes,) = figure.axes
    steps = [line for line in axes.lines if line.get_drawstyle() == "steps-post"]
    assert [line.get_ydata()[-1] for line in steps] == pytest.approx([0.2, 0.4, 0.6, 0.8])
    colours = [to_hex(line.get_color()) for line in steps]
    assert colours[0] == ACCENT and len(set(colours)) == 4
    brightness = [int(colour[1:3], 16) for colour in colours[1:]]
    assert brightness == sorted(brightness, reverse=True)  # later orders darker
    assert len(axes.collections) == 1  # one band
    assert words(figure) == ["1st to 2nd: 20%", "2nd to 3rd: 40%", "3rd to 4th: 60%", "4th to 5th: 80%"]
    assert "within 365 days 20% go from the 1st to the 2nd order; 2nd to 3rd order 40%" in figure.alt
    assert figure.data.headings[:2] == ["Days since the order before", "1st to 2nd (share)"]
    assert figure.data.rows[0] == ["60", "10.0%", "20.0%", "30.0%", "40.0%"]  # reached by day 60
    assert figure.data.rows[-1][0] == "365"


def test_names_of_curves_that_end_together_are_moved_apart(troubles_of):
    same = CURVES.assign(share=CURVES["days"] / 1000)
    figure = next_orders(same, **HEAD)
    assert troubles_of(figure) == [] and len(words(figure)) == 4


def test_a_curve_that_ends_early_is_tied_to_its_name_by_dots(troubles_of):
    early = CURVES[(CURVES["order"] != 2) | (CURVES["days"] <= 90)]
    figure = next_orders(early, **HEAD)
    dotted = [line for line in figure.axes[0].lines if list(line.get_xdata()) == [90, 365]]
    assert [list(line.get_ydata()) for line in dotted] == [[0.3, 0.3]]
    assert "2nd to 3rd: 30%" in words(figure) and troubles_of(figure) == []


def test_columns_of_curves_may_stand_in_any_order():
    turned = next_orders(CURVES[["high", "share", "low", "days", "order"]], **HEAD)
    assert turned.alt == next_orders(CURVES, **HEAD).alt


# Value to date ----------------------------------------------------------------------------------


def test_value_to_date_marks_the_age_from_which_it_stays_above_zero():
    dips = LIFE.assign(value=[-20.0, 1.0, -2.0, 8.0, 14.0])
    figure = life(dips, currency="EUR", **HEAD)
    (axes,) = figure.axes
    line, zero, dot = axes.lines
    assert line.get_ydata().tolist() == dips["value"].tolist() and list(zero.get_ydata()) == [0, 0]
    assert (dot.get_xdata()[0], dot.get_ydata()[0]) == (9, 8)
    assert words(figure) == ["Paid back after 9 months", "€14.00\nafter 12 months"]
    assert "from −€20.00 after 0 months to €14.00 after 12 months. Paid back after 9 months." in figure.alt
    assert figure.data.rows[0] == ["0", "−€20.00", "−€25.00", "−€15.00"]


@pytest.mark.parametrize(
    ("values", "said"),
    [([-5.0, -4.0, -3.0, -2.0, -1.0], "Not paid back after 12 months"), ([1.0, 2.0, -1.0, 3.0, 4.0], None),
     ([-5.0, 2.0, 2.0, 2.0, -1.0], "Not paid back after 12 months"), ([0.0, 1.0, 2.0, 3.0, 4.0], None),
     ([-9.0, -8.0, -7.0, -6.0, 1.0], "Paid back after 12 months")],
)  # fmt: skip
def test_what_is_said_about_paying_back(values, said, troubles_of):
    figure = life(LIFE.assign(value=values), currency="EUR", **HEAD)
    told = [word for word in words(figure) if "aid back" in word]
    assert told == ([said] if said else []) and troubles_of(figure) == []
    if said and said.startswith("Not"):
        assert {text.get_color() for text in figure.axes[0].texts if "aid back" in text.get_text()} == {LOSS}


# Cohorts side by side -----------------------------------------------------------------------------


def test_cohorts_stand_in_order_with_intervals_and_the_last_known_in_the_accent():
    figure = side_by_side(COHORTS, currency="EUR", **HEAD)
    (axes,) = figure.axes
    ranges, dots = axes.collections
    assert [s.tolist() for s in ranges.get_segments()[:2]] == [[[0, 30], [0, 50]], [[1, 34], [1, 54]]]
    assert dots.get_offsets().tolist() == [[0, 40], [1, 44], [2, 38], [3, 36]]
    colours = [to_hex(colour) for colour in dots.get_facecolors()]
    assert colours[-1] == ACCENT and set(colours[:-1]) == {"#8a949c"}
    assert words(figure) == ["€40.00", "€44.00", "€38.00", "€36.00", "too young", "Trend"]
    (trend,) = axes.lines
    assert trend.get_linestyle() == "--" and trend.get_ydata().tolist() == [42, 40.5, 39, 37.5]
    assert names(axes.xaxis)[0].split() == ["Q1", "2022", "(400)"]
    assert "Q1 2022 at €40.00, Q4 2022 at €36.00; 1 too young to tell" in figure.alt
    assert figure.data.rows[-1] == [QUARTERS[4], "75", "–", "–", "–", "–"]


def test_zero_is_drawn_where_cohorts_lie_on_both_sides_of_it():
    below = COHORTS.assign(low=[-5.0, 34.0, 28.0, 26.0, np.nan])
    zero = side_by_side(below, currency="EUR", **HEAD).axes[0].lines[0]
    assert list(zero.get_ydata()) == [0, 0]


def test_the_year_stands_once_where_names_are_close():
    table = pd.DataFrame({"label": QUARTERS, "value": 5.0, "low": 4.0, "high": 6.0, "customers": 50})
    figure = side_by_side(table, currency="EUR", **HEAD)
    under = [name.split("\n") for name in names(figure.axes[0].xaxis)]
    assert [name[0] for name in under] == ["Q1", "Q2", "Q3", "Q4"] * 3
    assert [name[1] for name in under] == ["2022", "", "", "", "2023", "", "", "", "2024", "", "", ""]


@pytest.mark.parametrize("rows", [1, 3, 12, 30, 60])
def test_any_number_of_cohorts_with_any_names_is_readable(rows, troubles_of):
    labels = [f"15 Aug–30 Sep {2000 + place}" for place in range(rows)]
    labels[0] = NASTY
    table = pd.DataFrame({"label": labels, "value": np.linspace(5e7, 5.1e7, rows), "customers": 1_234_567})
    table = table.assign(low=table["value"] - 1e5, high=table["value"] + 1e5, trend=table["value"])
    table.loc[rows - 1, ["value", "low", "high", "trend"]] = np.nan
    figure = side_by_side(table, currency="PLN", **HEAD)
    assert troubles_of(figure) == [] and len(figure.data.rows) <= 12
    assert figure.axes[0].get_window_extent().height > 200


def test_cohorts_of_which_none_is_old_enough_leave_all_places_open(troubles_of):
    young = COHORTS.assign(value=np.nan, low=np.nan, high=np.nan).drop(columns="trend")
    figure = side_by_side(young, currency="EUR", **HEAD)
    assert words(figure) == ["too young"] * 5 and troubles_of(figure) == []
    assert "5 too young to tell" in figure.alt


# Cohorts by age -----------------------------------------------------------------------------------


def test_cohort_curves_show_the_oldest_dark_and_the_newest_long_enough_in_the_accent():
    figure = by_age(AGES, currency="EUR", **HEAD)
    (axes,) = figure.axes
    lines = axes.lines[:4]
    assert [line.get_xdata().tolist() for line in lines] == [[0, 3, 6, 9], [0, 3, 6], [0, 3], [0]]
    assert lines[0].get_ydata().tolist() == [-10, 5, 20, 30]
    colours = [to_hex(line.get_color()) for line in lines]
    assert (colours[0], colours[2]) == (INK, ACCENT) and colours[1] == colours[3] not in (INK, ACCENT)
    assert words(figure) == ["Q1 2022\n€30.00", "Q3 2022\n€2.00"]
    assert list(axes.lines[4].get_ydata()) == [0, 0]
    assert "4 in all: Q1 2022 stands at €30.00 after 9 months, Q3 2022 stands at €2.00" in figure.alt
    assert figure.data.rows[1] == ["Q2 2022", "−€12.00", "€4.00", "€18.00", "–"]


def test_curves_of_two_cohorts_that_end_together_and_have_long_names(troubles_of):
    table = pd.DataFrame([[1.0, 2.0], [1.0, 2.0]], index=[NASTY, NASTY[::-1]], columns=[0, 12])
    figure = by_age(table * 2.5e7, currency="PLN", **HEAD)
    assert troubles_of(figure) == [] and len(words(figure)) == 2


def test_many_cohorts_are_thinned_out_in_the_table_only():
    table = pd.DataFrame(
        np.arange(40 * 30).reshape(40, 30).astype(float),
        index=[f"M{n}" for n in range(40)],
        columns=range(30),
    )
    figure = by_age(table, currency="EUR", **HEAD)
    assert len(figure.axes[0].lines) == 40
    assert len(figure.data.rows) == 12 and len(figure.data.headings) == 7
    assert (figure.data.rows[0][0], figure.data.rows[-1][0]) == ("M0", "M39")


# The whole base -----------------------------------------------------------------------------------


def test_the_base_is_stacked_from_the_oldest_up_and_named_at_the_last_bar():
    figure = stacked(BASE, currency="EUR", **HEAD)
    (axes,) = figure.axes
    boxes = [(bar.get_y(), bar.get_height()) for bar in axes.patches]
    assert boxes == [(0, 90), (0, 80), (0, 70), (90, 0), (80, 50), (70, 40), (90, 10), (130, 5), (110, 20)]
    old, new, apart = (to_hex(axes.patches[place].get_facecolor()) for place in (2, 5, 8))
    assert new == ACCENT and old not in (new, apart) and axes.patches[8].get_hatch()
    assert [bool(bar.get_hatch()) for bar in axes.patches[:3]] == [True, False, False]
    assert {to_hex(bar.get_edgecolor()) for bar in axes.patches[:6]} == {"#ffffff"}  # never colour alone
    assert words(figure) == [
        "cut\nshort", "Won before July\n2023", "Won July 2023 to\nJune 2024", "Without a name",
    ]  # fmt: skip
    assert axes.get_legend() is None
    assert "€100 in Q1 2022, €130 in Q3 2022, of which €70.00 won before July 2023" in figure.alt
    assert figure.data.rows[0] == ["Q1 2022", "€90", "€0", "€10"]


def test_money_below_zero_is_stacked_downwards():
    table = BASE.assign(**{"Won before July 2023": [-30.0, -20.0, 10.0]})
    (axes,) = stacked(table, currency="EUR", **HEAD).axes
    boxes = [(bar.get_y(), bar.get_height()) for bar in axes.patches]
    assert boxes[:3] == [(0, -30), (0, -20), (0, 10)] and boxes[4] == (0, 50) and boxes[5] == (10, 40)
    assert axes.get_ylim()[0] < -30


def test_a_base_of_many_groups_and_periods_has_a_legend_instead(troubles_of):
    table = pd.DataFrame(
        np.arange(12.0 * 20).reshape(20, 12),
        index=[f"Period {n}" for n in range(20)],
        columns=[f"Won in {n}" for n in range(12)],
    )
    figure = figures.stacked_base(table, axis="Net sales", currency="EUR", **HEAD)
    legend = [text.get_text() for text in figure.axes[0].get_legend().get_texts()]
    assert sorted(legend) == sorted(table.columns) and words(figure) == []
    assert troubles_of(figure) == [] and len(figure.data.rows) == 12


def test_a_group_may_be_called_like_anything(troubles_of):
    table = BASE.rename(columns={"Won before July 2023": "step", "Won July 2023 to June 2024": NASTY})
    table.iloc[1, 0] = np.nan
    figure = stacked(table, currency="USD", **HEAD)
    assert troubles_of(figure) == [] and figure.data.rows[1] == ["Q2 2022", "$0", "$50", "$5"]
    assert "&lt;b&gt;" in figure.data.to_html()


# Room for words -----------------------------------------------------------------------------------


def test_words_move_apart_as_little_as_possible_and_stay_between_the_ends():
    heights = np.full(4, 2.0)
    free = spread([1.0, 5.0, 9.0, 13.0], heights, 0.0, 20.0)
    assert free.tolist() == [1, 5, 9, 13]
    moved = spread([19.0, 5.0, 5.0, 19.5], heights, 0.0, 20.0)
    assert moved.tolist() == pytest.approx([17.0, 4.0, 6.0, 19.0])
    assert np.diff(spread([7.0] * 4, heights, 0.0, 20.0)).tolist() == [2, 2, 2]


@pytest.mark.parametrize(
    "values", [[5.0], [0.0], [-3.0, 4.0], [100.0, 101.0], [-100.0, -101.0], [1e-6, 5e7], [np.nan]]
)
def test_the_axis_of_dots_holds_all_of_them_with_room_to_spare(values):
    low, high = value_limits([values])
    known = [value for value in values if value == value]
    assert low < high and all(low <= value <= high for value in known)
    assert high - low >= 0.2 * max(map(abs, known), default=0)


@pytest.mark.parametrize("name", ["", "W" * 200, NASTY, "a\nb\tc", "Q1 2022", 7])
def test_a_name_never_takes_more_than_its_room(name):
    lines = wrapped(name, 12).split("\n")
    assert len(lines) <= 3 and max(map(len, lines)) <= 12
