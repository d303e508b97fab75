"""What customers say: referrals, answer sheets, reviews. All follow from satisfaction."""

import numpy as np

from crmlib.intake.simulate.company import BY_WEB, CONTRACT, Columns, Window
from crmlib.intake.simulate.company import constant as c

YEAR = 365.25
SURVEYED = 0.40  # share of living customers asked once a year and answering, on average
REVIEW_RATE = 0.055  # reviews per delivered or bought order at satisfaction 7


def draw_referrers(
    rng: np.random.Generator, people: Columns, window: Window, count: int
) -> tuple[np.ndarray, ...]:
    """Choose who recommends `count` new customers, and when.

    Recommending is a Poisson process whose rate rises with satisfaction and stops below a
    threshold, while the customer is one; given the total, each referral falls on a customer in
    proportion to rate times time, which is what is drawn here.

    Returns
    -------
    person, day : arrays of int
        Referrer (row of `people`) and day the new customer comes.
    """
    start = np.maximum(people["acquired"] + 30, 0)
    end = np.minimum(people["lifetime_end"], window.days)
    exposed = np.maximum(end - start, 0)
    satisfaction = people["satisfaction"]
    rate = np.exp(c("satisfaction_on_referrals") * (satisfaction - 7)) * (
        satisfaction >= c("referral_threshold")
    )
    weight = rate * exposed * (people["kind"] != CONTRACT)
    if count == 0 or weight.sum() == 0:
        return np.zeros(0, int), np.zeros(0, int)
    person = np.searchsorted(np.cumsum(weight) / weight.sum(), rng.random(count), side="right")
    person = np.minimum(person, weight.size - 1)
    day = np.floor(start[person] + rng.random(count) * exposed[person]).astype(int)
    return person, np.minimum(day, window.days - 1)


def _answer(rng: np.random.Generator, true: np.ndarray, low: int, high: int) -> np.ndarray:
    noisy = true + rng.normal(0, c("survey_noise_sd"), true.size)
    return np.clip(np.rint(noisy), low, high).astype(int)


def draw_survey(rng: np.random.Generator, people: Columns, window: Window) -> Columns:
    """Draw answer sheets: a yearly survey in May, answered rather by the very content and the angry.

    ``spend_elsewhere`` is missing on one sheet in four and rounded by the customer to tens.
    """
    sheets = []
    for year in range(window.start.year, window.end.year + 1):
        opens = window.day_number(window.start.replace(year=year, month=5, day=1))
        if not 60 <= opens <= window.days - 30:
            continue
        asked = (people["acquired"] < opens - 30) & (people["lifetime_end"] > opens)
        eager = 0.75 + 0.22 * np.abs(people["satisfaction"] - 6.7)
        person = np.flatnonzero(asked & (rng.random(asked.size) < SURVEYED * eager))
        sheets.append((person, opens + rng.integers(0, 30, person.size)))
    person = np.concatenate([person for person, _ in sheets]) if sheets else np.zeros(0, int)
    day = np.concatenate([day for _, day in sheets]) if sheets else np.zeros(0, int)
    satisfaction = people["satisfaction"][person]
    value = 6.6 + 0.7 * (satisfaction - 7) + 1.2 * (people["wallet_share"][person] - 0.4)
    elsewhere = people["wallet"][person] * (1 - people["wallet_share"][person])
    elsewhere = np.rint(elsewhere * np.exp(rng.normal(0, 0.25, person.size)) / 10) * 10
    sheet = {
        "person": person,
        "day": day,
        "expectation": _answer(rng, people["expectation"][person], 1, 10),
        "performance": _answer(rng, people["performance"][person], 1, 10),
        "satisfaction": _answer(rng, satisfaction, 1, 10),
        "value_vs_competitor": _answer(rng, value, 1, 10),
        "recommend_0_10": _answer(rng, satisfaction + 0.9, 0, 10),
        "spend_elsewhere": np.where(rng.random(person.size) < 0.25, np.nan, elsewhere),
    }
    order = np.lexsort((person, day))
    return {name: values[order] for name, values in sheet.items()}


def draw_reviews(
    rng: np.random.Generator, people: Columns, orders: Columns, lines: Columns, window: Window
) -> Columns:
    """Draw reviews of products bought: extremes write more, so ratings are J-shaped and self-selected."""
    person = orders["person"]
    distance = np.abs(people["satisfaction"][person] - 7)
    online = np.where(orders["channel"] == BY_WEB, 1.6, 0.4)
    chance = REVIEW_RATE * online * (0.4 + 0.5 * distance) * (people["kind"][person] != CONTRACT)
    chance *= ~orders["anonymous"]
    order = np.flatnonzero(rng.random(person.size) < chance)
    day = orders["day"][order] + 3 + rng.integers(0, 28, order.size)
    stars = 4.3 + 0.75 * (people["satisfaction"][person[order]] - 7) + rng.normal(0, 0.9, order.size)
    votes = rng.poisson(0.5 + 0.6 * (np.abs(stars - 4) > 1.5) + rng.exponential(0.8, order.size))
    review = {
        "person": person[order],
        "day": day,
        "rating": np.clip(np.rint(stars), 1, 5).astype(int),
        "product": lines["product"][np.searchsorted(lines["order"], order)],
        "helpful_votes": votes,
    }
    keep = np.flatnonzero(day < window.days)
    keep = keep[np.lexsort((review["person"][keep], day[keep]))]
    return {name: values[keep] for name, values in review.items()}
