"""Exercises: the right number is accepted, every known mistake gets its hint, no message tells the answer."""

import copy
import math
import random
import re
from itertools import permutations

import numpy as np
import pandas as pd
import pytest

from crmlib.display import formats
from crmlib.display.exercises import EXERCISES, NOT_ANSWERED, check


def a_base(seed, n=437):
    rng = random.Random(seed)
    rows = []
    for _ in range(n):
        sales = rng.lognormvariate(5, 1)
        goods = sales * rng.uniform(0.4, 0.7)
        back = -sales * rng.uniform(0, 1) if rng.random() < 0.3 else 0.0
        returned_goods = back * rng.uniform(0.4, 0.7)
        handling = rng.uniform(2, 30) if back else 0.0
        service = rng.expovariate(1 / 40)
        margin = sales + back - goods - returned_goods
        rows.append(
            {"net_sales": sales + back, "returns": back, "returned_goods": returned_goods, "gross_margin": margin,
             "service_return": handling, "service_cost": service + handling, "profit": margin - service - handling}
        )  # fmt: skip
    return pd.DataFrame(rows, index=[f"K{i:03d}" for i in range(n)]).rename_axis("customer_id")


def the_buyers(seed, n=311):
    """Who ordered what in a period; some only sent something back."""
    rng = random.Random(seed)
    rows = []
    for _ in range(n):
        orders = 0 if rng.random() < 0.1 else 1 + int(rng.paretovariate(1.1)) % 30
        lines = orders + rng.randrange(0, 3 * orders + 1) + (orders == 0)
        sales = (
            sum(rng.lognormvariate(4 - orders / 40, 0.5) for _ in range(orders))
            if orders
            else -rng.uniform(5, 90)
        )
        rows.append({"orders": orders, "lines": lines, "net_sales": sales})
    return pd.DataFrame(rows, index=[f"K{i:03d}" for i in range(n)]).rename_axis("customer_id")


def the_values(seed, n=349):
    """What customers may bring, and how often they have bought again."""
    rng = random.Random(seed)
    rows = []
    for _ in range(n):
        alive, orders, money = rng.random(), rng.expovariate(0.3), rng.gauss(0.4, 0.9)
        x = rng.choice([0, 0, 1, 2, 7])
        rows.append({"alive": alive, "orders": orders, "money": money, "value": 0.9 * orders * money, "x": x})
    return pd.DataFrame(rows, index=[f"K{i:03d}" for i in range(n)]).rename_axis("customer_id")


def the_risks(seed, n=353):
    """Who may leave, what each is worth, and who of those on the test days did stay away."""
    rng = random.Random(seed)
    rows = []
    for _ in range(n):
        chance = rng.betavariate(1.2, 3)
        rows.append({"churn_probability": chance, "value": rng.lognormvariate(3, 1) * (1.4 - chance)})
    people = pd.DataFrame(rows, index=[f"K{i:03d}" for i in range(n)]).rename_axis("customer_id")
    chances = people["churn_probability"].to_numpy()
    came = pd.Series([rng.random() < chance for chance in chances])
    tested = pd.DataFrame({"chance": chances, "came": came.astype(float).to_numpy()}, index=people.index)
    return {"people": people, "tested": tested, "costs": pd.Series({"contact": 1.7, "offer": 4.0})}


def the_segments(seed, n=331):
    """Groups of customers, who moved from which into which, and a plan of levels with its assumptions."""
    rng = random.Random(seed)
    names = ("true friends", "butterflies", "barnacles", "strangers")
    groups = pd.Series(rng.choices(names, (3, 1, 4, 5), k=n), index=[f"K{i:03d}" for i in range(n)])
    columns = [name.capitalize() for name in names] + ["inactive"]
    moved = pd.DataFrame([[rng.randrange(20, 90) for _ in columns] for _ in columns], columns, columns)
    rows = [(rng.randrange(5, 200), rng.uniform(1, 40), rng.uniform(2, 90)) for _ in range(6)]
    plan = pd.DataFrame({"customers": [r[0] for r in rows], "cost": [r[0] * (1 + r[1]) for r in rows],
                         "more": [r[0] * r[2] for r in rows]})  # fmt: skip
    return {
        "groups": groups,
        "moved": moved,
        "plan": plan,
        "assumed": pd.Series({"effect": 0.04, "basic": 1.0}),
    }


def the_options(seed, n=307):
    """Options of customers with their rates, gains and costs; rates of which one was tested, another a little."""
    rng = random.Random(seed)
    rows = []
    for place in range(n):
        action = rng.choice(["win back", "save", "reprice"])
        rate = {"win back": 0.05, "save": 0.11, "reprice": 0.7}[action]
        gain, cost = rng.lognormvariate(4, 1), rng.uniform(2, 9) * (3 if action == "reprice" else 1)
        rows.append((f"K{place % (n // 2):03d}", action, rate, gain, cost, rate * gain - cost))
    options = pd.DataFrame(rows, columns=["customer_id", "action", "rate", "gain", "cost", "profit"])
    rates = pd.DataFrame(
        {"prior_mean": [0.05, 0.13, 0.6], "prior_spread": [0.03, 0.07, 0.1], "measured": [0.012, -0.021, float("nan")],
         "measured_spread": [0.09, 0.025 + rng.uniform(0, 0.02), float("nan")]},
        index=["win back", "save", "reprice"],
    )  # fmt: skip
    return {"options": options, "rates": rates}


def the_factors(seed):
    """The factors of a profit before and now, and what each moved, averaged over all sequences."""
    rng = random.Random(seed)
    before = [float(rng.randrange(200, 900)), rng.uniform(2, 4), rng.uniform(30, 90), rng.uniform(0.1, 0.4)]
    now = [value * rng.uniform(0.7, 1.4) for value in before]
    moved = [0.0] * 4
    for sequence in permutations(range(4)):
        state = list(before)
        for place in sequence:
            old, state[place] = math.prod(state), now[place]
            moved[place] += (math.prod(state) - old) / 24
    index = pd.Index(["customers", "orders", "order_value", "margin"])
    return pd.DataFrame({"before": before, "now": now, "contribution": moved}, index=index)


def the_need(seed):
    """What customers of old and customers just won carry over, and what a new one brings."""
    rng = random.Random(seed)
    rows = []
    for least in (0.55, 1.05):
        customers, carried = rng.randrange(200, 900), least + rng.uniform(0, 0.2)
        sales = customers * rng.uniform(100, 400)
        rows.append((customers, sales, carried, carried - 0.1, carried + 0.1, carried * sales))
    columns = ["customers", "sales", "carried", "carried_low", "carried_high", "expected"]
    groups = pd.DataFrame(rows, columns=columns, index=pd.Index(["old", "won"], name="group"))
    return {"groups": groups, "target": rows[0][1] + rows[1][1], "per_new": rows[1][1] / rows[1][0]}


CUSTOMERS = a_base(2)
BUYERS = the_buyers(2)
ANONYMOUS = pd.Series({"lines": 517.0, "net_sales": 24_680.5})
CAPACITY = pd.DataFrame(
    {"cost_supplied": [31_000.0, 54_321.0, 8_765.0], "minutes_supplied": [60_000.0, 81_234.0, 11_111.0],
     "minutes_used": [55_000.0, 70_001.0, 3_210.0]},
    index=pd.Index(["desk", "stock", "vans"], name="resource"),
)  # fmt: skip
CAPACITY["utilisation"] = CAPACITY["minutes_used"] / CAPACITY["minutes_supplied"]
FRAMES = {
    "00.1": {"customers": BUYERS, "anonymous": ANONYMOUS}, "00.2": {"customers": BUYERS, "anonymous": ANONYMOUS},
    "00.3": {"customers": BUYERS},
    "01.1": {"customers": BUYERS}, "01.2": {"moved": the_factors(2)}, "01.3": the_need(2),
    "02.1": {"customers": CUSTOMERS}, "02.2": {"capacity": CAPACITY}, "02.3": {"customers": CUSTOMERS},
    "03.1": {"people": the_risks(2)["people"]},
    "03.2": {name: the_risks(2)[name] for name in ("people", "costs")}, "03.3": {"tested": the_risks(2)["tested"]},
    "04.1": {"customers": the_values(2)}, "04.2": {"customers": the_values(2)},
    "04.3": {"customers": the_values(2), "histories": the_values(2)[["x"]]},
    "06.1": {"groups": the_segments(2)["groups"]}, "06.2": {"moved": the_segments(2)["moved"]},
    "06.3": {name: the_segments(2)[name] for name in ("plan", "assumed")},
    "09.1": {"options": the_options(2)["options"]}, "09.2": {"options": the_options(2)["options"]},
    "09.3": {"rates": the_options(2)["rates"]},
}  # fmt: skip


def other_frames(number, seed):
    """The frames of an exercise with other customers in them."""
    if number in ("01.2", "01.3"):
        return {"moved": the_factors(seed)} if number == "01.2" else the_need(seed)
    if number.startswith("03"):
        return {name: the_risks(seed, n=200 + seed)[name] for name in FRAMES[number]}
    if number.startswith("06"):
        return {name: the_segments(seed, n=200 + seed)[name] for name in FRAMES[number]}
    if number.startswith("09"):
        return {name: the_options(seed, n=200 + seed)[name] for name in FRAMES[number]}
    if number.startswith("04"):
        own = the_values(seed, n=200 + seed)
        return {"customers": own} | ({"histories": own[["x"]]} if number == "04.3" else {})
    other = a_base(seed, n=200 + seed) if number.startswith("02") else the_buyers(seed, n=200 + seed)
    return FRAMES[number] | ({"customers": other} if "customers" in FRAMES[number] else {})


def best_twentieth(values):
    """Share of the total in the best twentieth, the last customer counted in part, by hand."""
    ordered = sorted(values, reverse=True)
    whole, part = divmod(len(ordered) / 20, 1)
    return (sum(ordered[: int(whole)]) + part * ordered[int(whole)]) / sum(values)


def lifted(goods, handling):
    after = [
        (p, p + goods * (g - r) + handling * s)
        for p, r, g, s in CUSTOMERS[["profit", "returns", "returned_goods", "service_return"]].itertuples(
            index=False
        )
    ]
    return sum(p < 0 <= round(q, 2) for p, q in after)


ORDERS, LINES, SALES = (float(BUYERS[name].sum()) for name in ("orders", "lines", "net_sales"))
ACTIVE = sum(BUYERS["orders"] > 0)
NAMELESS = 24_680.5
ONCE = sum(BUYERS["orders"] == 1)
# The four factors of both sides, customers and orders first; what both groups sold and carry over.
(C0, O0, V0, M0), (C1, O1, V1, M1) = (FRAMES["01.2"]["moved"][side].tolist() for side in ("before", "now"))
(SOLD, SOLD_WON), (KEPT, KEPT_WON) = (
    FRAMES["01.3"]["groups"][name].tolist() for name in ("sales", "carried")
)
TARGET, EACH = SOLD + SOLD_WON, FRAMES["01.3"]["per_new"]
PEOPLE = list(FRAMES["03.2"]["people"].itertuples(index=False, name=None))
LEAVERS = sum(p for p, _ in PEOPLE)
CONTACT, OFFER = FRAMES["03.2"]["costs"]
# Where contacting everybody neither wins nor loses: what contacts and offers cost over what is kept at a rate of 1.
EVEN = (len(PEOPLE) * CONTACT + OFFER * sum(1 - p for p, _ in PEOPLE)) / sum(
    p * (v - OFFER) for p, v in PEOPLE
)
MEAN_RISK, MEAN_VALUE = (sum(row[place] for row in PEOPLE) / len(PEOPLE) for place in (0, 1))
TESTED = sorted(FRAMES["03.3"]["tested"].itertuples(index=False, name=None), reverse=True)
STAYED_AWAY, TENTH = sum(came for _, came in TESTED), round(len(TESTED) / 10)
VALUES = FRAMES["04.3"]["customers"]
RICH = [max(v, 0.0) for v in VALUES["value"]]
AGAIN = FRAMES["04.3"]["histories"]["x"].tolist()
UNDISCOUNTED = sum(o * m for o, m in VALUES[["orders", "money"]].itertuples(index=False))
IN_GROUPS = FRAMES["06.1"]["groups"].tolist()
LITTLE = sum(name in ("barnacles", "strangers") for name in IN_GROUPS)
MOVED = FRAMES["06.2"]["moved"].to_numpy().tolist()
PLAN = list(FRAMES["06.3"]["plan"].itertuples(index=False, name=None))
ABOVE_BASIC, MORE = sum(c - n for n, c, _ in PLAN), sum(m for *_, m in PLAN)
OPTIONS = list(FRAMES["09.1"]["options"].itertuples(index=False, name=None))
PAYS = [who for who, _, rate, gain, cost, _ in OPTIONS if rate * gain > cost]
BACK = [(gain, cost) for _, action, _, gain, cost, _ in OPTIONS if action == "win back"]
GAINS, COSTS = (sum(row[place] for row in BACK) for place in (0, 1))
SHARPEST = FRAMES["09.3"]["rates"].loc["save", "measured_spread"]


def believed(times):
    return (0.13 / 0.07**2 - times * 0.021 / SHARPEST**2) / (1 / 0.07**2 + times / SHARPEST**2)


RIGHT = {
    "00.1": SALES / ORDERS,
    "00.2": NAMELESS / (NAMELESS + SALES),
    "00.3": ORDERS / ACTIVE,
    "01.1": ONCE / ACTIVE,
    "01.2": C0 * O1 * V0 * M0 - C0 * O0 * V0 * M0,
    "01.3": (TARGET - KEPT * SOLD - KEPT * SOLD_WON) / EACH,
    "02.1": best_twentieth(CUSTOMERS["profit"]),
    "02.2": 60 * 8_765 / 11_111,
    "02.3": lifted(1, 1),
    "03.1": LEAVERS,
    "03.2": EVEN,
    "03.3": sum(came for _, came in TESTED[:TENTH]) / STAYED_AWAY,
    "04.1": sum(a < 0.5 for a in VALUES["alive"]),
    "04.2": UNDISCOUNTED,
    "04.3": sum(v for v, x in zip(RICH, AGAIN, strict=True) if x == 0) / sum(RICH),
    "06.1": LITTLE / len(IN_GROUPS),
    "06.2": MOVED[0][0] / sum(MOVED[0][:4]),
    "06.3": 0.04 * ABOVE_BASIC / MORE,
    "09.1": len(PAYS),
    "09.2": COSTS / GAINS,
    "09.3": believed(4),
}
MISTAKES = [
    ("00.1", sum(s / o for o, _, s in BUYERS.itertuples(index=False) if o) / ACTIVE, "average of these"),
    ("00.1", (SALES + NAMELESS) / ORDERS, "same people"),
    ("00.1", SALES / LINES, "order line"),
    ("00.1", SALES / len(BUYERS), "sales per customer"),
    ("00.2", NAMELESS / SALES, "itself included"),
    ("00.2", 517 / (517 + LINES), "share of the money"),
    ("00.2", 100 * NAMELESS / (NAMELESS + SALES), "percentage"),
    ("00.2", SALES / (NAMELESS + SALES), "share with a name"),
    ("00.3", ORDERS / len(BUYERS), "not active"),
    ("00.3", LINES / ACTIVE, "order lines per customer"),
    ("00.3", sorted(o for o in BUYERS["orders"] if o)[ACTIVE // 2], "in the middle"),
    ("00.3", ACTIVE / ORDERS, "upside down"),
    ("01.1", ONCE / len(BUYERS), "not active"),
    ("01.1", ONCE, "how many they are"),
    ("01.1", sum(BUYERS["orders"] < 2) / len(BUYERS), "without an order as well"),
    ("01.1", 100 * ONCE / ACTIVE, "percentage"),
    ("01.2", FRAMES["01.2"]["moved"].loc["orders", "contribution"], "all sequences"),
    ("01.2", C1 * O1 * V1 * M1 - C1 * O0 * V1 * M1, "Start from the period before"),
    ("01.2", C0 * O1 * V0 * M0, "profit itself"),
    ("01.3", (TARGET - KEPT * SOLD - KEPT_WON * SOLD_WON) / EACH, "its own share"),
    ("01.3", (TARGET - (KEPT + KEPT_WON) / 2 * TARGET) / EACH, "mean of the two shares"),
    ("01.3", (TARGET - KEPT * SOLD) / EACH, "they carry something over as well"),
    ("01.3", TARGET - KEPT * SOLD - KEPT * SOLD_WON, "money that is missing"),
    ("02.1", best_twentieth(CUSTOMERS["net_sales"]), "net sales"),
    ("02.1", best_twentieth(CUSTOMERS["gross_margin"]), "gross margin"),
    ("02.1", best_twentieth(CUSTOMERS["profit"]) * CUSTOMERS["profit"].sum() / CUSTOMERS["profit"].clip(lower=0).sum(),
     "includes the losses"),
    ("02.1", 100 * best_twentieth(CUSTOMERS["profit"]), "percentage"),
    ("02.2", 60 * 8_765 / 3_210, "minutes used"),
    ("02.2", 8_765 / 11_111, "cost of a minute"),
    ("02.2", 60 * 31_000 / 60_000, "busiest"),
    ("02.3", lifted(0, 1), "handling cost only"),
    ("02.3", lifted(1, 0), "margin only"),
    ("02.3", sum((CUSTOMERS["profit"] < 0) & (CUSTOMERS["returns"] < 0)), "would reach zero"),
    ("02.3", sum(p >= 0 for p in CUSTOMERS["profit"]) + lifted(1, 1), "everybody"),
    ("03.1", sum(p > 0.5 for p, _ in PEOPLE), "add up the probabilities"),
    ("03.1", LEAVERS / len(PEOPLE), "how many customers"),
    ("03.1", len(PEOPLE) - LEAVERS, "expected to come back"),
    ("03.2", len(PEOPLE) * CONTACT / sum(p * v for p, v in PEOPLE), "left out the offers"),
    ("03.2", (CONTACT + OFFER) / (MEAN_RISK * MEAN_VALUE), "two averages"),
    ("03.3", sum(came for _, came in TESTED[:TENTH]) / TENTH, "share of the tenth"),
    ("03.3", sum(came for _, came in TESTED[-TENTH:]) / STAYED_AWAY, "lowest probabilities"),
    ("04.1", sum(a > 0.5 for a in VALUES["alive"]), "more likely to be active"),
    ("04.1", sum(a < 0.5 for a in VALUES["alive"]) / len(VALUES), "how many customers"),
    ("04.1", sum(1 - a for a in VALUES["alive"]), "all chances added up"),
    ("04.2", sum(VALUES["value"]), "future discounted"),
    ("04.2", sum(VALUES["orders"]) * sum(VALUES["money"]) / len(VALUES), "two averages"),
    ("04.2", UNDISCOUNTED / len(VALUES), "all customers together"),
    ("04.3", sum(x == 0 for x in AGAIN) / len(AGAIN), "share of the customers"),
    ("04.3", sum(v for v, x in zip(VALUES["value"], AGAIN, strict=True) if x == 0) / sum(VALUES["value"]), "losses count"),
    ("04.3", sum(v for v, x in zip(RICH, AGAIN, strict=True) if x == 1) / sum(RICH), "repeat purchases"),
    ("06.1", LITTLE, "how many they are"),
    ("06.1", sum(name in ("barnacles", "butterflies") for name in IN_GROUPS) / len(IN_GROUPS), "Butterflies are worth"),
    ("06.1", 1 - LITTLE / len(IN_GROUPS), "worth much"),
    ("06.2", MOVED[0][0] / sum(MOVED[0]), "did not buy again"),
    ("06.2", MOVED[0][0] / sum(row[0] for row in MOVED), "Rows are before"),
    ("06.3", 0.04 * sum(c for _, c, _ in PLAN) / MORE, "Everybody gets it anyway"),
    ("06.3", ABOVE_BASIC / MORE, "Multiply it with the effect"),
    ("09.1", sum(gain > cost for _, _, _, gain, cost, _ in OPTIONS), "left out the rate"),
    ("09.1", len(set(PAYS)), "how many customers"),
    ("09.2", sum(cost / gain for gain, cost in BACK) / len(BACK), "divide the sums"),
    ("09.2", GAINS / COSTS, "Turn it round"),
    ("09.2", sum(row[4] for row in OPTIONS) / sum(row[3] for row in OPTIONS), "for all actions"),
    ("09.3", believed(1), "believed today"),
    ("09.3", believed(2), "not twice"),
    ("09.3", -0.021, "tests alone"),
]  # fmt: skip


def told(number, answer, **frames):
    return check(number, answer, **(frames or FRAMES[number]))


def test_every_exercise_is_tested_here():
    assert set(RIGHT) == set(FRAMES) == set(EXERCISES)
    assert all(sum(number == m[0] for m in MISTAKES) == len(e.wrong_turns) for number, e in EXERCISES.items())


@pytest.mark.parametrize("number", EXERCISES)
def test_the_right_number_is_right_in_any_type(number):
    right = RIGHT[number]
    for answer in (right, np.float64(right), np.float32(right), str(right)):
        assert told(number, answer) == "Right."


@pytest.mark.parametrize("number", EXERCISES)
def test_a_rounded_right_number_is_right_and_a_wrong_one_is_not(number):
    right, digits = RIGHT[number], {"01.1": 4}.get(number, 3)
    off = {"01.3": 0.015, "03.3": 0.025}.get(number, 0.01)
    assert told(number, float(f"{right:.{digits}g}")) == "Right."
    for wrong in (right * (1 + off), right * (1 - off), -right, right * 100, right + 7, 0, 1e9):
        assert told(number, wrong).startswith("Not yet. ")


@pytest.mark.parametrize(("number", "mistake", "hint"), MISTAKES)
def test_a_known_mistake_gets_its_hint(number, mistake, hint):
    assert not math.isclose(mistake, RIGHT[number], rel_tol=0.01), "these data cannot tell the mistake"
    assert hint in told(number, mistake)
    assert told(number, mistake).startswith("Not yet. ")


@pytest.mark.parametrize("number", EXERCISES)
@pytest.mark.parametrize("answer", [float("nan"), float("inf"), -float("inf"), 123.456])
def test_any_other_number_gets_the_general_hint(number, answer):
    assert told(number, answer) == f"Not yet. {EXERCISES[number].hint}"


@pytest.mark.parametrize("number", EXERCISES)
@pytest.mark.parametrize(
    "answer",
    [
        "about half",
        "0,5",
        "",
        [1],
        {},
        object(),
        np.array([1.0, 2.0]),
        pd.Series([1.0, 2.0]),
        CUSTOMERS,
        print,
    ],
    ids=["words", "comma", "empty", "list", "dict", "object", "array", "series", "frame", "function"],
)
def test_what_is_not_one_number_is_told_so(number, answer):
    assert told(number, answer) == "The answer must be one number."


@pytest.mark.parametrize("number", EXERCISES)
def test_no_answer_yet_is_no_mistake(number):
    assert told(number, None) == NOT_ANSWERED


@pytest.mark.parametrize("number", EXERCISES)
@pytest.mark.parametrize("answer", [None, 3.0, "x"])
def test_without_the_data_the_exercise_says_so(number, answer):
    name = next(iter(FRAMES[number]))
    assert "cannot be checked" in told(number, answer, **{name: None})


def numbers_in(text):
    return [float(found.replace(",", "")) for found in re.findall(r"\d[\d,]*\.?\d*", text)]


@pytest.mark.parametrize("number", EXERCISES)
@pytest.mark.parametrize("seed", [1, 2, 3, 4])
def test_no_message_holds_the_answer_in_any_form(number, seed):
    """Neither as a number, nor as a share, nor rounded, nor in the house formats."""
    frames = other_frames(number, seed)
    right = EXERCISES[number].answer(**frames)
    wrong = [told(number, turn(**frames), **frames) for turn, _ in EXERCISES[number].wrong_turns]
    for message in [
        *wrong,
        told(number, 1e9, **frames),
        told(number, None, **frames),
        told(number, "?", **frames),
    ]:
        for form in (formats.money, formats.exact_money, formats.share, formats.number, formats.count):
            assert form(right).lstrip("€") not in re.findall(r"[\d,.]+%?", message)
        for found in numbers_in(message):
            assert not any(math.isclose(found, right * scale, rel_tol=0.02) for scale in (1, 100, 0.01))


@pytest.mark.parametrize("number", EXERCISES)
def test_checking_changes_no_frame_and_does_not_depend_on_the_order_of_rows(number):
    frames = FRAMES[number]
    before = copy.deepcopy(frames)
    mixed = {
        name: frame.sample(frac=1, random_state=2) if hasattr(frame, "sample") else frame
        for name, frame in frames.items()
    }
    for answer in (RIGHT[number], 1e9):
        assert told(number, answer, **mixed) == told(number, answer)
    for name, frame in frames.items():
        assert frame.equals(before[name]) if hasattr(frame, "equals") else frame == before[name]


def test_where_nobody_returned_anything_the_answer_is_none_of_them():
    quiet = CUSTOMERS.assign(returns=0.0, returned_goods=0.0, service_return=0.0)
    assert told("02.3", 0, customers=quiet) == "Right."
    assert told("02.3", 1, customers=quiet).startswith("Not yet. ")


def test_a_count_must_be_met_exactly():
    """Half a per cent of a large count is several customers."""
    many = pd.concat([CUSTOMERS] * 40, ignore_index=True)
    right = RIGHT["02.3"] * 40
    assert told("02.3", right, customers=many) == "Right."
    assert told("02.3", right + 1, customers=many).startswith("Not yet. ")


def test_a_single_customer_without_an_order_is_told_from_none():
    """100 of 363 active customers ordered once; 100 of 364 in the frame is a quarter of a per cent less."""
    frame = pd.DataFrame({"orders": [1] * 100 + [2] * 263 + [0]})
    assert told("01.1", 0.2755, customers=frame) == "Right."
    assert "not active" in told("01.1", 0.2747, customers=frame)


@pytest.mark.parametrize("group", ["old", "won"])
def test_without_one_of_the_two_groups_the_exercise_says_so(group):
    frames = FRAMES["01.3"] | {"groups": FRAMES["01.3"]["groups"].drop(index=group)}
    for answer in (RIGHT["01.3"], 0, TARGET, float("nan"), None):
        assert "cannot be checked" in told("01.3", answer, **frames)


def test_equal_chances_at_the_edge_of_the_tenth_count_in_part():
    """Two of twenty are the tenth: one alone, and one of four alike, two of whom stayed away."""
    tested = pd.DataFrame(
        {"chance": [0.9] + [0.5] * 4 + [0.1] * 15, "came": [1.0, 1.0, 1.0, 0.0, 0.0] + [0.0] * 13 + [1.0] * 2}
    )
    for seed in range(3):
        assert told("03.3", 1.5 / 5, tested=tested.sample(frac=1, random_state=seed)) == "Right."


@pytest.mark.parametrize(
    "tested", [{"chance": 0.2, "came": [1.0, 0.0] * 20}, {"chance": range(40), "came": 0.0}]
)
def test_where_nobody_is_told_apart_or_nobody_left_there_is_no_answer(tested):
    for answer in (0.1, None, 0.0):
        assert "cannot be checked" in told("03.3", answer, tested=pd.DataFrame(tested))


def test_where_nobody_is_worth_an_offer_there_is_no_save_rate():
    poor = FRAMES["03.2"]["people"].assign(value=1.0)
    assert "cannot be checked" in told("03.2", 0.3, people=poor, costs=FRAMES["03.2"]["costs"])


def test_an_unknown_exercise_is_an_error_of_the_author():
    with pytest.raises(KeyError):
        check("02.9", 1.0)
