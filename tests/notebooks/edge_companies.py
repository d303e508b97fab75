"""Companies drawn to break a notebook, and how they are written down as files."""

import csv
import datetime as dt
import random
from itertools import cycle

import pandas as pd

# "Replace None with your number" is meant; so is "not known from it".
UNSAYABLE = r"\bnan\b|\binf\b|(?<!Replace )\bNone\b|<NA>|NaT|−\$?0(?![.,]?\d)|not known(?! from it)|Traceback"
LAST = dt.date(2025, 12, 31)
ORDERS = ("customer_id", "ordered_at", "net_amount")
MARGIN = "gross_margin = 0.3\n"
HOSTILE = (
    "<script>alert({})</script>", "=1+{}", "{{x}}{}", "**b{}**", '"quoted" {}', "it's {}", "new\nline {}", "@SUM({})",
    "-{}+1", "+{}", "$x_{}", "[a](javascript:{})", "&amp;{}", "%s {}", "{:04d}",
)  # fmt: skip
KINDS = (r"$\frac{$ **b** {item:count}", "<b>x</b> & <Söhne>", "=cmd|' /C calc'!A0", 'a "b"\nc', "{n:money}")


def draw(customers, months=36, old=0.3, leave=0.3, rate=4.0, won_until=LAST, who="K{:04d}"):
    """Order lines of customers who buy at a rate a year until they leave; some were there before."""
    rng, lines = random.Random(5), []
    first = (pd.Timestamp(LAST) + pd.Timedelta(days=1) - pd.DateOffset(months=months)).date()
    span, until = (LAST - first).days, (won_until - first).days
    for number in range(customers):
        there = rng.random() < old
        begin = 0 if there else rng.randrange(until + 1)
        day, end = begin + there * rng.expovariate(rate / 365), begin + rng.expovariate(leave / 365)
        while day <= span and (day <= end or day == begin):
            amount = round(rng.lognormvariate(3.5, 0.8), 2)
            lines.append((who.format(number), first + dt.timedelta(days=int(day)), amount))
            day += max(rng.expovariate(rate / 365), 0.2)
    return [(who.format(0), first, 10.0), *lines, (who.format(0), LAST, 10.0)]


def nobody_came_back():
    rng = random.Random(1)
    days = [dt.date(2023, 1, 1), LAST] + [LAST - dt.timedelta(days=rng.randrange(1096)) for _ in range(900)]
    return [(f"K{number}", day, round(rng.lognormvariate(3.5, 0.8), 2)) for number, day in enumerate(days)]


def alike():
    days = [dt.date(year, month, 1) for year in (2023, 2024, 2025) for month in (1, 5, 9)]
    return [(f"K{number:03d}", day, 40) for number in range(240) for day in [*days, LAST]]


def giant():
    lines = draw(400)
    total = sum(amount for *_, amount in lines)
    return lines + [
        ("G", dt.date(2023, 1, 10) + dt.timedelta(days=30 * n), round(2.75 * total, 2)) for n in range(36)
    ]


def returned():
    """Some send back three times what they bought; acquired a few days before the first order, at no known cost."""
    rng, lines = random.Random(8), draw(700)
    back = [(who, day, round(-3 * amount, 2)) for who, day, amount in lines if rng.random() < 0.08]
    first = {who: day for who, day, _ in sorted(lines, key=lambda line: line[1], reverse=True)}
    people = [(who, day - dt.timedelta(days=rng.randrange(10))) for who, day in first.items()]
    return {"orders": (ORDERS, lines + back), "customers": (("customer_id", "acquired_on"), people)}


def won_before_the_data():
    lines = draw(500, old=1.0, leave=0.1)
    people = [(who, "2020-05-05", 12) for who in sorted({who for who, *_ in lines})]
    return {
        "orders": (ORDERS, lines), "customers": (("customer_id", "acquired_on", "acquisition_cost"), people),
    }  # fmt: skip


def hostile():
    rng, lines = random.Random(3), draw(700)
    names = {who: form.format(number) for (number, who), form in zip(enumerate(dict.fromkeys(w for w, *_ in lines)), cycle(HOSTILE))}  # fmt: skip
    products = {form.format(number): KINDS[number % 5] for number, form in enumerate(HOSTILE)}
    bought = [(names[who], day, amount, rng.choice(list(products))) for who, day, amount in lines]
    dear = [
        (who, day, amount * (6 if products[what] == KINDS[0] else 1), what)
        for who, day, amount, what in bought
    ]
    return {
        "orders": ((*ORDERS, "product_id"), dear), "products": (("product_id", "category"), products.items()),
    }  # fmt: skip


CONTACTS = ("customer_id", "campaign_id", "contacted_on", "arm", "action")
CONTRACTS = ("contract_id", "customer_id", "started_on", "ended_on", "fee", "period_months", "plan")


def contacted(people, campaigns, held_out=0.4):
    """Contacts by lot, at no known cost: of each campaign its name, day, actions, and who is in it."""
    rng = random.Random(11)
    return CONTACTS, [
        (who, name, day, "control", None) if rng.random() < held_out else (who, name, day, "treatment", rng.choice(actions))
        for name, day, actions in campaigns
        for who in people
    ]  # fmt: skip


def signed(people, ending=0.1, plans=("monthly", "yearly")):
    """Contracts by the month, which end with a chance every month that differs by plan; all began within three years."""
    rng, rows = random.Random(13), []
    last = pd.Timestamp(LAST)
    for number, who in enumerate(people):
        start = pd.Timestamp(2023, 1, 1) + pd.DateOffset(months=rng.randrange(30))
        chance, months = ending * (1 if number % len(plans) else 0.5), 1
        while (end := start + pd.DateOffset(months=months) - pd.Timedelta(days=1)) <= last:
            if rng.random() < chance:
                break
            months += 1
        ended = end.date() if end <= last else None
        rows.append(
            (f"M{number:05d}", who, start.date(), ended, 10 + number % 7, 1, plans[number % len(plans)])
        )
    return CONTRACTS, rows


def hostile_everywhere():
    """As `hostile`, and channels, regions, plans, campaigns and actions are as bad."""
    drawn, rng = hostile(), random.Random(4)
    head, lines = drawn["orders"]
    people = sorted({line[0] for line in lines})
    campaigns = [
        (HOSTILE[number].format(number), dt.date(2024 + number // 4, 2 + 2 * (number % 4), 10), KINDS[:2])
        for number in range(6)
    ]
    return drawn | {
        "orders": ((*head, "channel"), [(*line, KINDS[len(line[0]) % 5]) for line in lines]),
        "customers": (
            ("customer_id", "acquisition_channel", "region"), [(who, rng.choice(KINDS), rng.choice(KINDS)) for who in people],
        ),
        "contacts": contacted(people, campaigns),
        "contracts": signed(people[::3], plans=KINDS),
    }  # fmt: skip


def loss_without_anything():
    """Every sale loses money; no order numbers, products or contacts, and no contract ever ended."""
    lines = draw(700)
    people = sorted({who for who, *_ in lines})
    return {
        "orders": ((*ORDERS, "cost_of_goods"), [(*line, round(line[2] * 1.3, 2)) for line in lines]),
        "contracts": signed(people, ending=0.0),
    }


def tests_that_tell_nothing():
    """One campaign contacted everybody, another held some out, but in the last week."""
    lines = draw(700)
    people = sorted({who for who, *_ in lines})
    head, all_of_them = contacted(people, [("all", dt.date(2025, 2, 3), ["mail"])], held_out=0.0)
    late = contacted(people, [("late", LAST - dt.timedelta(days=5), ["mail"])])[1]
    return {"orders": (ORDERS, lines), "contacts": (head, all_of_them + late)}


def contracts_only():
    """Everybody has a contract and pays by it, month by month; some ended. Plans have hostile names."""
    head, rows = signed([f"{number:05d}" for number in range(500)], ending=0.06, plans=KINDS)
    lines = [
        (who, start, fee) for _, who, start, _, fee, *_ in rows
    ] + [("00000", dt.date(2023, 1, 1), 10), ("00000", LAST, 10)]  # fmt: skip
    return {"orders": (ORDERS, lines), "contracts": (head, rows)}


def faithful():
    """Everybody buys every other week, and nobody ever stops."""
    days = [dt.date(2023, 1, 1) + dt.timedelta(days=14 * number) for number in range(78)]
    return [(f"K{number:03d}", day, 20 + number % 9) for number in range(320) for day in [*days, LAST]]


# How to draw the company, and the months of the two periods that the notebook compares.
COMPANIES = {
    "young": (lambda: draw(260, months=18), 6),
    "two months": (lambda: draw(400, months=2, rate=20), 1),
    "nobody came back": (nobody_came_back, 12),
    "nobody won lately": (lambda: draw(700, won_until=dt.date(2024, 10, 31), leave=0.1), 12),
    "a loss with all": (
        lambda: {"orders": ((*ORDERS, "cost_of_goods"), [(*line, round(line[2] * 1.3, 2)) for line in draw(700)])}, 12,
    ),
    "all alike": (alike, 12),
    "one giant": (giant, 12),
    "all won before": (won_before_the_data, 12),
    "hostile": (hostile, 12),
    "returns": (returned, 12),
}  # fmt: skip
# Companies that only the notebook on churn is asked about.
CHURNING = {
    "hostile everywhere": hostile_everywhere, "loss without anything": loss_without_anything,
    "tests that tell nothing": tests_that_tell_nothing, "contracts only": contracts_only, "faithful": faithful,
}  # fmt: skip


def write(folder, drawn):
    """Write a company as CSV files; returns its run file."""
    tables = drawn if isinstance(drawn, dict) else {"orders": (ORDERS, drawn)}
    folder.mkdir(parents=True, exist_ok=True)
    for name, (head, rows) in tables.items():
        with (folder / f"{name}.csv").open("w", newline="", encoding="utf-8") as stream:
            csv.writer(stream).writerows([head, *rows])
    margin = "" if "cost_of_goods" in tables["orders"][0] else MARGIN
    (folder / "run.toml").write_text(
        f'name = "Own"\nsource = "."\ncurrency = "USD"\n{margin}', encoding="utf-8"
    )
    return folder / "run.toml"
