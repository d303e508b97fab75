"""Figures of one period and of two: the data drawn, and words that stay readable with any numbers."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex

from crmlib.display import figures
from crmlib.display.house import ACCENT, GREY, LOSS

TITLE, SUBTITLE = "A finding in one line", "Casa Prova, 2026, 10 customers"
HEAD = {"title": TITLE, "subtitle": SUBTITLE}
NASTY = "$x <b>bold</b> A$AP $hop and a rather long name of something, really"

BINS = pd.DataFrame(
    {"label": ["below €0", "€0 to €50", "€50 to €100", "€100 or more"], "customers": [20, 100, 60, 20],
     "marked": [True, False, False, False]}
)  # fmt: skip
PARTS = pd.DataFrame(
    {"label": [*(f"Tenth {n}" for n in range(1, 11)), "Beyond the total", "Lose it again"],
     "customers": [1, 2, 3, 4, 5, 6, 7, 8, 9, 15, 20, 20], "profit": [100.0] * 10 + [300.0, -300.0]}
)  # fmt: skip
MOVES = pd.DataFrame(
    [[6, 2, 0, 2], [3, 10, 3, 4], [0, 1, 9, 30]], index=pd.RangeIndex(1, 4), columns=[1, 2, 3, "gone"]
)
CHANCE = pd.DataFrame(
    {"label": ["Active before, not after", "Left the best tenth"], "observed": [0.31, 0.41], "by_chance": [0.14, 0.5]},
    index=["gone", "left"],
)  # fmt: skip
FACTORS = {"orders": "Orders per customer", "order_value": "Order value", "margin": "Margin"}
CHANGES = pd.DataFrame(
    {"label": ["2024", "2025"], "orders": [100.0, -50.0], "order_value": [50.0, -25.0], "margin": [-30.0, 90.0],
     "change": [120.0, 15.0]}
)  # fmt: skip
ESTIMATES = pd.DataFrame(
    {"label": ["Lamps", "Chairs", "Vases"], "value": [60.0, 40.0, 20.0], "low": [50.0, 30.0, 10.0],
     "high": [70.0, 50.0, 30.0], "customers": [300, 1, 1200]}
)  # fmt: skip


def distribution(frame, currency="", **head):
    return figures.distribution(frame, axis="Profit in the period (whole numbers)", **head)


def tenths(frame, **head):
    return figures.tenths_of_profit(frame, **head)


def moves(frame, currency="", **head):
    return figures.migration_map(frame, **head)


def chance(frame, currency="", **head):
    return figures.beside_chance(frame, **head)


def through(frame, **head):
    return figures.through_what(frame, factors=FACTORS, axis="Change of the profit", **head)


def estimates(frame, **head):
    more = {"reference": 45.0, "reference_label": "all customers"}
    return figures.estimate_dots(frame, axis="Profit per customer", **head, **more)


def many(frame, rows=12):
    """The same kind of table with `rows` rows and numbers of every size."""
    long = pd.concat([frame] * rows, ignore_index=True).head(rows)
    numbers = long.select_dtypes("number").columns.difference(["customers", "observed", "by_chance"])
    return long.assign(label=[f"{name} {place}" for place, name in enumerate(long["label"])]), numbers


CASES = [
    (distribution, BINS.assign(label=["-1", "0", "1", "2"]), False),
    (tenths, PARTS, True),
    (moves, MOVES, False),
    (chance, CHANCE, False),
    (through, CHANGES, True),
    (estimates, ESTIMATES, True),
]


@pytest.mark.parametrize(("draw", "frame", "money"), CASES)
def test_the_rules_of_every_figure_hold(draw, frame, money, keeps_the_rules):
    keeps_the_rules(draw, frame, money)


@pytest.mark.parametrize(("draw", "frame", "money"), [case for case in CASES if case[0] is not moves])
@pytest.mark.parametrize(("scale", "currency"), [(0.05, "EUR"), (5e5, "PLN")])
def test_twelve_rows_stay_readable_at_any_size_of_money(draw, frame, money, scale, currency, troubles_of):
    long, numbers = many(frame)
    long[numbers] *= scale
    assert troubles_of(draw(long, currency=currency, **HEAD)) == []


@pytest.mark.parametrize(("draw", "frame", "money"), [case for case in CASES if case[0] is not moves])
def test_one_row_with_a_hostile_name_is_a_figure_too(draw, frame, money, troubles_of):
    figure = draw(frame.head(1).assign(label=NASTY), currency="USD", **HEAD)
    assert troubles_of(figure) == []
    assert "&lt;b&gt;" in figure.data.to_html() and "<b>" not in figure.data.to_html()
    assert figure.png()


@pytest.mark.parametrize(("draw", "frame", "money"), CASES)
def test_all_zero_can_be_drawn(draw, frame, money, troubles_of):
    zero = frame.copy()
    numbers = zero.select_dtypes("number").columns
    zero[numbers] = zero[numbers] * 0
    figure = draw(zero, currency="EUR", **HEAD)
    assert troubles_of(figure) == [] and "nan" not in figure.alt


def words(figure):
    return [text.get_text() for text in figure.axes[0].texts]


def names(axis):
    return [label.get_text() for label in axis.get_ticklabels()]


def test_a_distribution_draws_customers_and_writes_their_share():
    figure = figures.distribution(BINS, axis="Profit (EUR)", marked_as="lose money", **HEAD)
    (axes,) = figure.axes
    assert [bar.get_height() for bar in axes.patches] == [20, 100, 60, 20]
    assert [to_hex(bar.get_facecolor()) for bar in axes.patches] == [LOSS, ACCENT, ACCENT, ACCENT]
    assert words(figure) == ["10%", "50%", "30%", "10%", "10% lose money"]
    assert axes.get_ylim()[0] == 0
    assert [name.replace("\n", " ") for name in names(axes.xaxis)] == BINS["label"].tolist()
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("Profit (EUR)", "Customers (number)")
    assert "€0 to €50 with 100 of 200 customers; 10% lose money" in figure.alt
    assert figure.data.rows[1] == ["€0 to €50", "100", "50.0%"]


def test_what_marks_a_bin_is_written_only_where_a_bin_is_marked():
    figure = figures.distribution(
        BINS.assign(marked=False), axis="Profit (EUR)", marked_as="lose money", **HEAD
    )
    assert not any("lose money" in word for word in [*words(figure), figure.alt])


def test_long_names_of_bins_stand_on_several_lines_or_upright_and_the_chart_keeps_its_height():
    heights = []
    for width in (1, 5, 40):
        table = pd.DataFrame({"label": ["name " * width] * 12, "customers": 5, "marked": False})
        figure = figures.distribution(table, axis="Orders (number)", **HEAD)
        figure.drawing.canvas.draw()
        heights.append(figure.axes[0].get_window_extent().height)
    assert max(heights) - min(heights) < 20
    assert figure.axes[0].get_xticklabels()[0].get_rotation() == 90


def test_tenths_show_how_many_customers_each_takes_in_three_colours():
    figure = tenths(PARTS, currency="EUR", **HEAD)
    (axes,) = figure.axes
    assert [bar.get_width() for bar in axes.patches] == PARTS["customers"].tolist()
    assert {bar.get_x() for bar in axes.patches} == {0}
    colours = [to_hex(bar.get_facecolor()) for bar in axes.patches]
    assert colours == [ACCENT] * 10 + [GREY, LOSS]
    assert words(figure)[0] == "1 customer (1.0%)" and words(figure)[-1] == "20 customers (20%)"
    assert axes.get_ylabel() == "Part of the profit (€100 a tenth)"
    assert names(axes.yaxis) == PARTS["label"].tolist()
    assert axes.get_ylim()[0] > axes.get_ylim()[1]  # the best on top
    assert "tenth 1 takes 1 customer (1.0%)" in figure.alt
    assert figure.data.rows[-1] == ["Lose it again", "20", "20.0%", "−€300"]


def test_a_migration_map_shades_shares_of_each_row_and_outlines_who_stayed():
    figure = moves(MOVES, **HEAD)
    (axes,) = figure.axes
    cells = [patch for patch in axes.patches if patch.get_fill()]
    assert len(cells) == 12
    assert words(figure) == ["60", "20", "20", "15", "50", "15", "20", "22", "75"]  # nothing below 5 %
    outlined = [patch.get_xy() for patch in axes.patches if not patch.get_fill()]
    assert outlined == [(0, 0), (1, 1), (2, 2)]
    lightness = [sum(cell.get_facecolor()[:3]) for cell in cells]
    assert np.argmin(lightness[:3]) == 0 and lightness[2] == max(lightness[:3])
    assert cells[3].get_x() - cells[2].get_x() == 1.5  # a gap before those who are gone
    assert names(axes.xaxis) == ["1", "2", "3", "not\nactive"] and names(axes.yaxis) == ["1", "2", "3"]
    assert axes.get_ylim()[0] > axes.get_ylim()[1]
    assert "36% of customers are where they were, 51% are not active" in figure.alt
    assert figure.data.rows[1] == ["2", "20", "15%", "50%", "15%", "20%"]


@pytest.mark.parametrize("groups", [1, 3, 10])
def test_a_migration_map_of_any_number_of_groups_is_readable(groups, troubles_of):
    table = pd.DataFrame(np.eye(groups, groups + 1, k=1, dtype=int) * 1000 + 60, index=range(1, groups + 1))
    table.iloc[-1] = 0  # a group without anybody
    figure = moves(table.rename(columns=lambda place: place + 1), **HEAD)
    assert troubles_of(figure) == [] and "nan" not in figure.data.to_text()
    assert len(words(figure)) <= groups * (groups + 1)


def test_change_stands_beside_chance_as_two_bars_from_zero():
    figure = chance(CHANCE, **HEAD)
    (axes,) = figure.axes
    observed, luck = axes.patches[:2], axes.patches[2:]
    assert [bar.get_width() for bar in observed] == [0.31, 0.41]
    assert [bar.get_width() for bar in luck] == [0.14, 0.5]
    assert {to_hex(bar.get_facecolor()) for bar in observed} == {ACCENT}
    assert {to_hex(bar.get_facecolor()) for bar in luck} == {GREY}
    assert all(one.get_y() < two.get_y() for one, two in zip(observed, luck, strict=True))
    assert words(figure) == ["31% between the periods", "41%", "14% between the halves", "50%"]
    assert "active before, not after 31% between the periods, 14% between the halves" in figure.alt


def test_a_share_that_is_not_known_is_said_and_not_drawn(troubles_of):
    table = CHANCE.assign(by_chance=[np.nan, 1.0])
    figure = figures.beside_chance(table, names=("in fact", "by luck"), **HEAD)
    assert "not known by luck" in words(figure) and "31% in fact" in words(figure)
    assert figure.axes[0].patches[2].get_width() == 0 and troubles_of(figure) == []
    assert figure.data.rows[0] == ["Active before, not after", "31.0%", "–"]


def spans(axes):
    return [(round(bar.get_y(), 1), bar.get_x(), bar.get_x() + bar.get_width()) for bar in axes.patches]


def test_gains_are_stacked_to_the_right_of_zero_and_losses_to_the_left():
    figure = through(CHANGES, currency="EUR", **HEAD)
    (axes,) = figure.axes
    first, second = ([s[1:] for s in spans(axes) if s[0] == y] for y in (-0.3, 0.7))
    assert first == [(0, 100), (100, 150), (0, -30)]
    assert second == [(0, -50), (-50, -75), (0, 90)]
    assert axes.collections[0].get_offsets().tolist() == [[120, 0], [15, 1]]
    assert words(figure) == ["€120", "€15.00"]
    legend = [text.get_text() for text in axes.get_legend().get_texts()]
    assert sorted(legend) == sorted([*FACTORS.values(), "Change in all"])
    assert "for 2025 the change is €15.00, the largest part of it €90.00 through margin" in figure.alt
    assert figure.data.rows[0] == ["2024", "€100.00", "€50.00", "−€30.00", "€120.00"]


def test_a_factor_moved_by_nothing_but_rounding_is_not_explained():
    for size in (1.0, 1e10):
        table = CHANGES.assign(**{name: size * CHANGES[name] for name in [*FACTORS, "change"]})
        table["margin"] = 1e-9 * size
        figure = through(table, currency="EUR", **HEAD)
        assert FACTORS["margin"] not in [t.get_text() for t in figure.axes[0].get_legend().get_texts()]


def test_a_factor_keeps_its_look_whatever_stands_beside_it():
    looks = []
    for wanted in (["orders", "order_value", "margin"], ["margin"], ["margin", "weather"]):
        table = CHANGES.assign(weather=1.0)
        figure = figures.through_what(
            table, currency="EUR", factors={name: name.title() for name in wanted}, **HEAD
        )
        bar = figure.axes[0].patches[2 * wanted.index("margin")]
        looks.append((to_hex(bar.get_facecolor()), bar.get_hatch()))
        every = [(to_hex(p.get_facecolor()), p.get_hatch()) for p in figure.axes[0].patches[::2]]
        assert len(set(every)) == len(wanted)
    assert len(set(looks)) == 1


def test_a_change_that_is_not_known_is_said(troubles_of):
    table = CHANGES.copy()
    table.iloc[1, 1:] = np.nan
    figure = through(table, currency="EUR", **HEAD)
    assert words(figure) == ["€120", "not known"] and troubles_of(figure) == []
    assert figure.data.rows[1] == ["2025", "–", "–", "–", "–"]


def test_estimates_are_coloured_by_where_they_stand_against_the_reference():
    figure = estimates(ESTIMATES, currency="EUR", **HEAD)
    (axes,) = figure.axes
    ranges, dots = axes.collections
    assert [s.tolist() for s in ranges.get_segments()] == [
        [[50, 0], [70, 0]],
        [[30, 1], [50, 1]],
        [[10, 2], [30, 2]],
    ]
    assert dots.get_offsets().tolist() == [[60, 0], [40, 1], [20, 2]]
    assert [to_hex(colour) for colour in dots.get_facecolors()] == [ACCENT, GREY, LOSS]
    (line,) = axes.lines
    assert list(line.get_xdata()) == [45, 45] and line.get_linestyle() == "--"
    assert words(figure) == ["All customers\n€45.00", "€60.00", "€40.00", "€20.00"]
    assert names(axes.yaxis) == ["Lamps (300)", "Chairs (1)", "Vases (1,200)"]
    assert "the highest is Lamps at €60.00, the lowest Vases at €20.00" in figure.alt
    assert "all customers: €45.00" in figure.alt


def test_estimates_may_be_shares_and_need_no_reference():
    table = ESTIMATES.assign(**{name: ESTIMATES[name] / 100 for name in ("value", "low", "high")})
    figure = figures.estimate_dots(
        table, currency="EUR", axis="Ordered again", kind="share", rows="First category", **HEAD
    )
    (axes,) = figure.axes
    assert axes.get_xlabel() == "Ordered again (share of customers)"
    assert axes.get_ylabel().replace("\n", " ") == "First category (number of customers)"
    assert words(figure) == ["60%", "40%", "20%"] and len(axes.lines) == 0
    assert {to_hex(colour) for colour in axes.collections[1].get_facecolors()} == {ACCENT}
    assert figure.data.rows[0] == ["Lamps", "300", "60.0%", "50.0%", "70.0%"]


def test_estimates_that_are_not_known_leave_their_place_open(troubles_of):
    table = ESTIMATES.copy()
    table.loc[1, ["value", "low", "high"]] = np.nan
    figure = estimates(table, currency="EUR", **HEAD)
    assert "not known" in words(figure) and "nan" not in figure.alt and troubles_of(figure) == []
    nobody = ESTIMATES.assign(value=np.nan, low=np.nan, high=np.nan)
    assert "no value is known" in estimates(nobody, currency="EUR", **HEAD).alt


def test_equal_estimates_get_an_axis_whose_numbers_differ(troubles_of):
    for value in (5.0, 5e7, -3.0, 0.0):
        figure = estimates(ESTIMATES.assign(value=value, low=value, high=value), currency="EUR", **HEAD)
        ticks = names(figure.axes[0].xaxis)
        assert len(set(ticks)) == len(ticks) and troubles_of(figure) == []


BRIDGE = pd.DataFrame(
    [
        ("Profit before", 77_100.0),
        ("Not active any more", -14_600.0),
        ("Won since", 7_900.0),
        ("Profit now", 70_400.0),
    ],
    columns=["line", "amount"],
)


def test_the_waterfall_takes_the_names_of_another_walk():
    figure = figures.steps_to_profit(
        BRIDGE, currency="EUR", totals=("Profit before", "Profit now"), axis="Group of customers",
        lines_of="group of customers", **HEAD,
    )  # fmt: skip
    assert figure.axes[0].get_ylabel() == "Group of customers"
    assert "one bar per group of customers: from profit before of €77.1k" in figure.alt


@pytest.mark.parametrize("scale", [1e-4, 1.0, 1e3, 0.0, -1.0])
def test_the_amounts_of_a_waterfall_stay_inside_the_picture(scale, troubles_of):
    lines = BRIDGE.assign(amount=BRIDGE["amount"] * scale, line=BRIDGE["line"] + " and a few words more")
    figure = figures.steps_to_profit(lines, currency="PLN", totals=tuple(lines["line"].iloc[[0, -1]]), **HEAD)
    assert troubles_of(figure) == []
