"""Numbers that others have printed; each test id names the paper and the table.

Where no print could be had, the id says `definition` and the number is worked by hand.
"""

import math

import pandas as pd
import pytest

from crmlib.analysis.audit.factors import contributions
from crmlib.analysis.concentration import stobachoff_index, whale
from crmlib.analysis.costing import by_purpose, capacity_use, service_costs, unit_costs
from crmlib.analysis.intervals import wilson_interval
from crmlib.analysis.waiting import product_limit, share_by

# Kaplan & Anderson (2004), "Time-Driven Activity-Based Costing", Harvard Business Review 82(11):
# a customer service department of 560,000 dollars a quarter and 700,000 practical minutes.
MINUTES = {"process orders": 8, "handle inquiries": 44, "check credit": 50}
EVENTS = {"process orders": 49_000, "handle inquiries": 1_400, "check credit": 2_500}
SURVEYED = {"process orders": 0.70, "handle inquiries": 0.10, "check credit": 0.20}


def department(pools):
    """Unit costs, cost of the events and use of capacity of the quarter; `pools` by activity."""
    activities = pd.DataFrame(
        [{"activity": a, "minutes_per_event": m, "resource": pools[a][0]} for a, m in MINUTES.items()]
    )
    resources = pd.DataFrame(
        sorted(set(pools.values())), columns=["resource", "cost_per_month", "practical_minutes_per_month"]
    )
    counts = pd.DataFrame(
        [list(EVENTS.values())], index=["all customers"],
        columns=pd.MultiIndex.from_tuples([(a, "order") for a in EVENTS], names=["activity", "purpose"]),
    )  # fmt: skip
    costs = unit_costs(activities, resources)
    return costs, service_costs(counts, costs), capacity_use(counts, costs, resources, months=1)


@pytest.fixture(scope="module")
def time_driven():
    return department(dict.fromkeys(MINUTES, ("customer service", 560000, 700000)))


@pytest.fixture(scope="module")
def traditional():
    """Shares of time from interviews: each activity is a pool that its events use up."""
    return department({a: (a, SURVEYED[a] * 560_000, MINUTES[a] * EVENTS[a]) for a in MINUTES})


@pytest.mark.parametrize(
    ("what", "printed"),
    [
        pytest.param("rate", 0.80, id="Kaplan & Anderson 2004, capacity cost rate"),
        pytest.param("minutes_used", 578_600, id="Kaplan & Anderson 2004, minutes used"),
        pytest.param("cost_used", 462_880, id="Kaplan & Anderson 2004, cost assigned"),
        pytest.param("minutes_unused", 121_400, id="Kaplan & Anderson 2004, unused minutes"),
        pytest.param("cost_unused", 97_120, id="Kaplan & Anderson 2004, cost of unused capacity"),
        pytest.param("utilisation", 0.8266, id="Kaplan & Anderson 2004, share of capacity used"),
        pytest.param("cost_supplied", 560_000, id="Kaplan & Anderson 2004, cost supplied"),
        pytest.param("minutes_supplied", 700_000, id="Kaplan & Anderson 2004, practical capacity"),
    ],
)
def test_capacity_of_the_department(time_driven, what, printed):
    found = time_driven[2].loc["customer service", what]
    assert found == pytest.approx(printed, abs=0.00005 if what == "utilisation" else 1e-6)


@pytest.mark.parametrize(
    ("activity", "unit", "total"),
    [
        pytest.param("process orders", 6.40, 313_600, id="Kaplan & Anderson 2004, orders"),
        pytest.param("handle inquiries", 35.20, 49_280, id="Kaplan & Anderson 2004, inquiries"),
        pytest.param("check credit", 40.00, 100_000, id="Kaplan & Anderson 2004, credit checks"),
    ],
)
def test_time_driven_costs_of_the_department(time_driven, activity, unit, total):
    costs, service, _ = time_driven
    assert costs.loc[activity, "cost_per_event"] == pytest.approx(unit)
    assert service.loc["all customers", (activity, "order")] == pytest.approx(total)


@pytest.mark.parametrize(
    ("activity", "minutes"),
    [
        pytest.param("process orders", 392_000, id="Kaplan & Anderson 2004, minutes of orders"),
        pytest.param("handle inquiries", 61_600, id="Kaplan & Anderson 2004, minutes of inquiries"),
        pytest.param("check credit", 125_000, id="Kaplan & Anderson 2004, minutes of credit checks"),
    ],
)
def test_minutes_of_the_department(traditional, activity, minutes):
    assert traditional[2].loc[activity, "minutes_used"] == minutes


@pytest.mark.parametrize(
    ("activity", "unit"),
    [
        pytest.param("process orders", 8.00, id="Kaplan & Anderson 2004, traditional, orders"),
        pytest.param("handle inquiries", 40.00, id="Kaplan & Anderson 2004, traditional, inquiries"),
        pytest.param("check credit", 44.80, id="Kaplan & Anderson 2004, traditional, credit checks"),
    ],
)
def test_traditional_costs_are_the_case_in_which_nothing_is_ever_unused(traditional, activity, unit):
    costs, service, capacity = traditional
    assert costs.loc[activity, "cost_per_event"] == pytest.approx(unit)
    assert capacity["cost_unused"].abs().max() == pytest.approx(0, abs=1e-6)
    assert by_purpose(service)["order"].sum() == pytest.approx(560_000)


@pytest.mark.parametrize(
    ("successes", "trials", "low", "high"),
    [
        pytest.param(81, 263, 0.2553, 0.3662, id="Newcombe 1998, table I, 81 of 263, Wilson's score"),
        pytest.param(15, 148, 0.0624, 0.1605, id="Newcombe 1998, table I, 15 of 148, Wilson's score"),
        pytest.param(0, 20, 0.0000, 0.1611, id="Newcombe 1998, table I, 0 of 20, Wilson's score"),
        pytest.param(1, 29, 0.0061, 0.1718, id="Newcombe 1998, table I, 1 of 29, Wilson's score"),
    ],
)
def test_wilsons_interval(successes, trials, low, high):
    """R. G. Newcombe, Statistics in Medicine 17:857-872."""
    assert wilson_interval(successes, trials) == pytest.approx((low, high), abs=0.00005)


@pytest.mark.parametrize(
    ("profits", "area", "index"),
    [
        pytest.param([1, 1], 1 / 2, 0.0, id="definition: two alike"),
        # Points 0, 3/2, 1: trapezoids 3/8 and 5/8.
        pytest.param([3, -1], 1.0, 1 / 2, id="definition: one carries the other's loss"),
        # Points 0, 3/2, 3/2, 1: (3/4 + 3/2 + 5/4) / 3.
        pytest.param([3, 0, -1], 7 / 6, 4 / 7, id="definition: earner, zero, loser"),
        # Points 0, 1, 1, 1, 1, 1: (1/2 + 4) / 5.
        pytest.param([1, 0, 0, 0, 0], 9 / 10, 4 / 9, id="definition: one of five earns all"),
        # Points 0, 2, 3, 3, 2, 1: (1 + 5/2 + 3 + 5/2 + 3/2) / 5.
        pytest.param([20, 10, 0, -10, -10], 21 / 10, 16 / 21, id="definition: a whale"),
    ],
)
def test_stobachoff_index(profits, area, index):
    assert (area - 1 / 2) / area == pytest.approx(index)
    assert stobachoff_index(pd.Series(profits, dtype="float64")) == pytest.approx(index)


def test_twice_the_area_less_one_passes_one_where_there_are_losses():
    """Why the index is not called a Gini coefficient: for the whale above, 2A - 1 is 3.2."""
    index = stobachoff_index(pd.Series([20.0, 10.0, 0.0, -10.0, -10.0]))
    area = 1 / (2 * (1 - index))
    assert 2 * area - 1 == pytest.approx(3.2)
    assert 0 <= index < 1


@pytest.mark.parametrize(
    ("top", "rest", "share"),
    [
        pytest.param(150, [0, 0, 0, -50], 1.5, id="Kaplan & Narayanan 2001, 20 % earn 150 %"),
        pytest.param(300, [0, 0, -100, -100], 3.0, id="Kaplan & Narayanan 2001, 20 % earn 300 %"),
    ],
)
def test_the_share_of_the_best_fifth_is_measured_as_in_print(top, rest, share):
    found = whale(pd.Series([top, *rest], dtype="float64"))
    assert found.top_fifth_share == pytest.approx(share)
    assert math.isclose(found.peak_share, share)


# Freireich et al. (1963), Blood 21:699-716: weeks of remission of 21 leukaemia patients on 6-mercaptopurine.
RELAPSED = [6, 6, 6, 7, 10, 13, 16, 22, 23]
STILL_IN_REMISSION = [6, 9, 10, 11, 17, 19, 20, 25, 32, 32, 34, 35]


@pytest.mark.parametrize(
    ("week", "patients", "remission", "low", "high"),
    [
        pytest.param(6, 21, 0.857, 0.620, 0.952, id="Freireich 1963, Kaplan-Meier, 6 weeks"),
        pytest.param(7, 17, 0.807, 0.563, 0.923, id="Freireich 1963, Kaplan-Meier, 7 weeks"),
        pytest.param(10, 15, 0.753, 0.503, 0.889, id="Freireich 1963, Kaplan-Meier, 10 weeks"),
        pytest.param(13, 12, 0.690, 0.432, 0.849, id="Freireich 1963, Kaplan-Meier, 13 weeks"),
        pytest.param(16, 11, 0.627, 0.368, 0.805, id="Freireich 1963, Kaplan-Meier, 16 weeks"),
        pytest.param(22, 7, 0.538, 0.268, 0.747, id="Freireich 1963, Kaplan-Meier, 22 weeks"),
        pytest.param(23, 6, 0.448, 0.188, 0.680, id="Freireich 1963, Kaplan-Meier, 23 weeks"),
    ],
)
def test_remission_under_6_mercaptopurine(week, patients, remission, low, high):
    """Product limits as in every textbook; interval on the scale log(-log), as survfit and LIFETEST print it."""
    waits = pd.DataFrame(
        {"days": RELAPSED + STILL_IN_REMISSION, "over": [True] * 9 + [False] * 12, "customers": 1}
    )
    curve = product_limit(waits)
    found = share_by(curve, week)
    assert curve.set_index("days").loc[week, "waiting"] == patients
    assert 1 - found["share"] == pytest.approx(remission, abs=0.0006)
    assert (1 - found["high"], 1 - found["low"]) == pytest.approx((low, high), abs=0.0006)


@pytest.mark.parametrize(
    ("before", "now", "parts"),
    [
        # The joint part 10 x 1 is halved: 2 x 10 + 5 and 1 x 100 + 5.
        pytest.param(
            [100, 2], [110, 3], [25, 105], id="definition: two factors share the joint part equally"
        ),
        # da (b0 c0 / 3 + (b0 c1 + b1 c0) / 6 + b1 c1 / 3) and so on for 2 x 3 x 5 = 30 to 4 x 6 x 7 = 168.
        pytest.param([2, 3, 5], [4, 6, 7], [55, 55, 28], id="definition: three factors, Shapley's weights"),
        pytest.param([2, 3, 5], [2, 3, 5], [0, 0, 0], id="definition: nothing moved"),
        pytest.param([4, 0.5], [0, 0.5], [-2, 0], id="definition: one falls to zero"),
    ],
)
def test_contributions_of_factors(before, now, parts):
    """Shorrocks (2013), Journal of Economic Inequality 11:99-126."""
    found = contributions(pd.Series(before, dtype="float64"), pd.Series(now, dtype="float64"))
    assert found.tolist() == pytest.approx(parts)
    assert found.sum() == pytest.approx(math.prod(now) - math.prod(before))
