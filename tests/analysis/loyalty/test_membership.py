"""Who is a member from when to when: ends and fees come from the contract that began on the day of joining."""

import datetime as dt

import pandas as pd
import pytest

from crmlib.analysis.loyalty.membership import club
from crmlib.analysis.period import Period

AS_OF = dt.date(2026, 6, 30)


def contract(number, customer, started, ended=None, fee="12", months="12"):
    return {
        "contract_id": str(number),
        "customer_id": customer,
        "started_on": started,
        "ended_on": ended,
        "fee": fee,
        "period_months": months,
    }


PEOPLE = [
    {"customer_id": "B", "club_member_since": "2026-01-01"},
    {"customer_id": "A", "club_member_since": "2024-05-10"},
    {"customer_id": "C", "club_member_since": None},
    {"customer_id": "D", "club_member_since": "2025-03-01"},
]
PAPERS = [
    contract(1, "A", "2024-05-10", "2025-05-09"),
    contract(2, "A", "2025-12-01"),  # came back: another membership
    contract(3, "B", "2026-01-01", fee="3", months="3"),
    contract(4, "C", "2025-01-01"),  # a subscription, not the club
    contract(5, "D", "2025-02-01", "2025-12-31"),  # began on another day
]


@pytest.fixture(scope="module")
def members(tables):
    return club(tables(customers=PEOPLE, contracts=PAPERS), AS_OF)


def test_one_row_per_member_with_end_and_yearly_fee(members):
    found = members.memberships
    assert found.index.tolist() == ["A", "B", "D"]
    assert found["joined_on"].dt.date.tolist() == [
        dt.date(2024, 5, 10),
        dt.date(2026, 1, 1),
        dt.date(2025, 3, 1),
    ]
    assert found["ended_on"].dt.date.iloc[0] == dt.date(2025, 5, 9)
    assert found["ended_on"].isna().tolist() == [False, True, True]
    assert found["fee_per_year"].iloc[:2].tolist() == [12.0, 12.0]
    assert pd.isna(found["fee_per_year"].iloc[2]) and not members.fees_known


def test_the_first_and_the_last_day_are_days_of_membership(members):
    assert "A" in members.members_on(dt.date(2024, 5, 10))
    assert "A" not in members.members_on(dt.date(2024, 5, 9))
    assert "A" in members.members_on(dt.date(2025, 5, 9))
    assert "A" not in members.members_on(dt.date(2025, 5, 10))
    assert "B" not in members.members_on(dt.date(2025, 12, 31))
    assert members.members_on(AS_OF).tolist() == ["B", "D"]


def test_member_months_count_the_days_within_the_period(members):
    months = members.member_months(Period.ending(AS_OF, 12))
    assert months.index.tolist() == ["B", "D"]  # A had left
    assert months["D"] == pytest.approx(12, abs=0.01)
    assert months["B"] == pytest.approx(181 / 365.25 * 12)


def test_two_contracts_of_one_day_are_one_membership(tables):
    papers = [contract(1, "B", "2026-01-01", "2026-03-31"), contract(2, "B", "2026-01-01", None, fee="6")]
    found = club(tables(customers=PEOPLE[:1], contracts=papers), AS_OF).memberships
    assert found["ended_on"].isna().all() and found["fee_per_year"].tolist() == [18.0]


def test_nothing_later_than_the_day_is_known(tables):
    made = tables(customers=PEOPLE, contracts=[contract(1, "A", "2024-05-10", "2025-05-09")])
    then = club(made, dt.date(2024, 12, 31))
    assert then.memberships.index.tolist() == ["A"]
    assert then.memberships["ended_on"].isna().all()


def test_without_contracts_a_membership_has_no_known_end(tables):
    found = club(tables(customers=PEOPLE), AS_OF)
    assert found.memberships["ended_on"].isna().all() and not found.fees_known
    assert len(found.members_on(AS_OF)) == 3


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"customers": [{"customer_id": "A", "region": "Veneto"}]},
        {"customers": [{"customer_id": "A", "club_member_since": None}]},
        {"customers": [{"customer_id": "A", "club_member_since": "2026-07-01"}]},
    ],
    ids=["no customers", "no club", "nobody joined", "not yet"],
)
def test_a_company_without_a_club_has_none(tables, given):
    assert club(tables(**given), AS_OF) is None
