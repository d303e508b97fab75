"""Who was called churned and bought again, counted by hand on a small shop."""

from datetime import date, timedelta
from types import SimpleNamespace

import ibis
import pandas as pd
import pytest

from crmlib.analysis.churn.activity import customer_activity
from crmlib.analysis.churn.came_back import came_back
from crmlib.analysis.churn.snapshot import Snapshot

DAY, AS_OF = date(2025, 1, 31), date(2025, 6, 30)
ENDS = DAY + timedelta(days=59)


def shop(later, churned=40, stayed=40, as_of=AS_OF, prefix="C"):
    """Everybody bought in January, who stayed again in February; `later`: customer, day and money afterwards."""
    ids = [f"{prefix}{number:03d}" for number in range(churned + stayed)]
    rows = [(one, date(2025, 1, 1), 10.0) for one in ids] + [
        (one, date(2025, 2, 1), 10.0) for one in ids[churned:]
    ]
    rows += [(ids[number], day, money) for number, day, money in later]
    frame = pd.DataFrame(rows, columns=["customer_id", "ordered_at", "net_amount"])
    gone = pd.DataFrame(
        {"churned": [number < churned for number in range(len(ids))]}, pd.Index(ids, name="customer_id")
    )
    return SimpleNamespace(frame=frame, snapshot=Snapshot(DAY, 59, gone[[]], gone), as_of=as_of)


def followed(own, frame=None, **options):
    orders = ibis.memtable(own.frame if frame is None else frame)
    orders = orders.mutate(ordered_at=orders.ordered_at.cast("timestamp"))
    return came_back(customer_activity({"orders": orders}.get, own.as_of, 0.5), own.snapshot, **options)


JUNE = date(2025, 6, 1)
LATER = [(number, JUNE, 20.0) for number in range(10)] + [(number, JUNE, 40.0) for number in range(40, 60)]


def test_shares_and_margins_are_those_counted_by_hand():
    found = followed(shop(LATER))
    assert (found.day, found.ends, found.until, found.days) == (DAY, ENDS, AS_OF, (AS_OF - ENDS).days)
    # 10 of 40 came back with half of 20; 20 of 40 who had stayed brought half of 40.
    assert (found.churned, found.share) == (40, 0.25)
    assert found.part_of_margin == pytest.approx((10 * 10) / (20 * 20))
    # Wilson (1927) for 10 of 40 at 95 %.
    z, p, n = 1.959964, 0.25, 40
    middle = (p + z * z / 2 / n) / (1 + z * z / n)
    half = z / (1 + z * z / n) * (p * (1 - p) / n + z * z / 4 / n / n) ** 0.5
    assert (found.low, found.high) == pytest.approx((middle - half, middle + half), abs=1e-6)


def test_a_purchase_within_the_window_is_no_return_and_one_the_day_after_is():
    assert followed(shop([(0, ENDS, 20.0)])).share == 0.0
    assert followed(shop([(0, ENDS + timedelta(days=1), 20.0)])).share == 1 / 40


def test_who_buys_twice_came_back_once():
    twice = followed(shop([(0, JUNE, 20.0), (0, JUNE + timedelta(days=3), 20.0)]))
    assert twice.share == 1 / 40


@pytest.mark.parametrize(
    ("later", "part"),
    [([], 0.0), ([(0, JUNE, 20.0)], 0.0), (LATER[-20:], 0.0), ([*LATER, (1, JUNE, 9_000.0)], 1.0)],
    ids=["nobody bought", "only the churned did", "only the others did", "the churned brought more"],
)
def test_the_part_of_the_margin_stays_a_share(later, part):
    assert followed(shop(later)).part_of_margin == part


def test_neither_the_order_of_rows_nor_the_names_matter():
    own = shop(LATER)
    assert followed(own, own.frame.sample(frac=1, random_state=1)) == followed(own)
    assert followed(shop(LATER, prefix="9")) == followed(own)


def test_customers_outside_the_snapshot_do_not_count():
    own = shop(LATER)
    strangers = pd.DataFrame({"customer_id": ["A", "Z"], "ordered_at": [JUNE] * 2, "net_amount": [9e6, 9e6]})
    assert followed(own, pd.concat([own.frame, strangers])) == followed(own)


@pytest.mark.parametrize(
    "options",
    [{"churned": 29}, {"stayed": 29}, {"as_of": ENDS + timedelta(days=59)}],
    ids=["few churned", "few stayed", "too soon"],
)
def test_too_few_or_too_soon_says_nothing(options):
    assert followed(shop([], **options)) is None


def test_just_enough_is_answered():
    assert followed(shop([], 30, 30, ENDS + timedelta(days=60))).days == 60


def test_a_higher_level_has_a_wider_interval():
    narrow, wide = followed(shop(LATER), level=0.8), followed(shop(LATER), level=0.99)
    assert wide.low < narrow.low < narrow.share < narrow.high < wide.high
