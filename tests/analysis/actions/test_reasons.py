"""Reasons in words, from the customer's own facts."""

import pandas as pd
import pytest

from crmlib.analysis.actions.menu import MENU
from crmlib.analysis.actions.reasons import reasons

FACTS = {
    "win back": (
        {"last_on": pd.Timestamp("2025-03-01"), "orders": 6},
        "No purchase since 1 March 2025, after 6 orders",
    ),
    "save": (
        {"p": 0.384, "why": "higher: silent for long; lower: 3 orders."},
        "38% likely to leave, raised by silent for long; lowered by 3 orders",
    ),
    "cross-sell": ({"chance": 0.0731}, "The next order holds it with a chance of 7.3%"),
    "up-sell": ({"category": "cups", "tier": "entry"}, "Buys mostly cups, tier entry"),
    "service repair": (
        {"failure": "late", "failed_on": pd.Timestamp("2026-05-04")},
        "Delivery late on 4 May 2026",
    ),
    "level up": ({"level_now": "basic", "level": "proactive"}, "Served at level basic; due is proactive"),
    "level down": ({"level_now": "proactive", "level": "basic"}, "Served at level proactive; due is basic"),
    "ask for referral": ({"score": 9.0, "brought": 1.0}, "Answered 9 of 10; brought 1 customer so far"),
    "reprice": ({"cause": "Discounts"}, "Loses money, mostly by discounts"),
}


@pytest.mark.parametrize("action", MENU)
def test_each_action_has_its_reason(action):
    facts, words = FACTS[action]
    assert reasons(action, pd.DataFrame([facts], index=["A"])).to_dict() == {"A": words}


@pytest.mark.parametrize(
    ("action", "facts", "words"),
    [
        ("save", {"p": 0.384, "why": None}, "38% likely to leave"),
        ("ask for referral", {"score": float("nan"), "brought": 2.0}, "Brought 2 customers so far"),
        ("ask for referral", {"score": 10.0, "brought": float("nan")}, "Answered 10 of 10"),
        ("reprice", {"cause": "none"}, "Loses money"),
    ],
)
def test_what_is_not_known_is_not_said(action, facts, words):
    assert reasons(action, pd.DataFrame([facts])).tolist() == [words]


@pytest.mark.parametrize("action", MENU)
def test_nobody_needs_no_reason(action):
    facts, _ = FACTS[action]
    assert reasons(action, pd.DataFrame([facts]).iloc[:0]).tolist() == []
