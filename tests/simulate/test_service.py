import numpy as np
import pytest

from crmlib.intake.simulate.company import (
    CALL,
    CHANNELS,
    COMPLAINT,
    CONTRACT,
    PALLET,
    PARCEL,
    PICKING,
    RETURN_HANDLING,
    TILL,
    VISIT,
    activity_tables,
    constant,
)
from crmlib.intake.simulate.partners import CARRIERS
from crmlib.intake.simulate.service import true_minutes


def orders_with(chunk, *activities):
    return np.unique(chunk.events["order"][np.isin(chunk.events["activity"], activities)])


def test_every_order_carried_home_is_served_and_every_other_is_picked(chunk):
    shop = np.flatnonzero(chunk.orders["channel"] == CHANNELS.index("shop"))
    sent = np.flatnonzero(chunk.orders["channel"] != CHANNELS.index("shop"))
    assert (orders_with(chunk, TILL) == shop).all()
    assert (orders_with(chunk, PICKING) == sent).all()


def test_deliveries_that_arrived_have_an_event(chunk, window):
    arrived = chunk.deliveries["order"][chunk.deliveries["delivered"] < window.days]
    assert (orders_with(chunk, PARCEL, PALLET) == np.sort(arrived)).all()


def test_returned_orders_are_handled_once(chunk):
    handled = chunk.events["order"][chunk.events["activity"] == RETURN_HANDLING]
    assert (np.sort(handled) == np.unique(chunk.returns["order"])).all()


def test_the_weak_carrier_is_late_most_often(chunk):
    carrier = chunk.people["carrier"][chunk.orders["person"][chunk.deliveries["order"]]]
    late = chunk.deliveries["delivered"] > chunk.deliveries["promised"]
    on_time = [1 - late[carrier == k].mean() for k in range(len(CARRIERS))]
    assert on_time == sorted(on_time, reverse=True)
    for k, known in enumerate(CARRIERS):
        assert 1 - on_time[k] == pytest.approx(known.late, rel=0.25)


def test_nobody_drives_on_sundays(chunk, window):
    days = np.datetime64(window.start) + chunk.deliveries["delivered"]
    assert not ((days.astype("datetime64[D]").astype(int) + 3) % 7 == 6).any()


def test_calls_follow_failed_deliveries_and_complaints_follow_damage(chunk, window):
    done = chunk.deliveries["delivered"] < window.days - 30
    order, damaged = chunk.deliveries["order"][done], chunk.deliveries["damaged"][done]
    failed = (chunk.deliveries["late"] | ~chunk.deliveries["complete"])[done]
    calls = np.isin(order, orders_with(chunk, CALL))
    complained = np.isin(order, orders_with(chunk, COMPLAINT))
    assert calls[failed].mean() > 2 * calls[~failed].mean()
    assert complained[damaged].mean() == pytest.approx(constant("complaint_if_damaged"), abs=0.04)
    assert not complained[~damaged].any()


def test_only_contract_customers_are_visited_and_the_costly_more_often(chunk):
    visits = np.bincount(
        chunk.events["person"][chunk.events["activity"] == VISIT], minlength=chunk.people["kind"].size
    )
    contract, costly = chunk.people["kind"] == CONTRACT, chunk.people["costly"]
    assert visits[~contract].sum() == 0
    assert visits[costly].mean() > 2 * visits[contract & ~costly].mean()


def test_true_minutes_scatter_around_the_standard_but_not_by_much_in_total(chunk):
    standard, _, _ = activity_tables()
    usual = standard[chunk.events["activity"]] * chunk.events["quantity"]
    true = true_minutes(chunk.people, chunk.events)
    assert true.sum() / usual.sum() == pytest.approx(1, abs=0.05)
    n = chunk.people["kind"].size
    ratio = np.bincount(chunk.events["person"], true, n) / np.maximum(
        np.bincount(chunk.events["person"], usual, n), 1e-9
    )
    assert 0.15 < ratio[ratio > 0].std() < 0.3
