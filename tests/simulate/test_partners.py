import numpy as np
import pytest

from crmlib.intake.simulate.company import window_of
from crmlib.intake.simulate.partners import inbound_deliveries, partner_quality, partners


def test_every_supplier_of_the_range_is_a_partner(products):
    suppliers = partners()["partner_id"][partners()["role"] == "supplier"]
    assert set(products.table["supplier_id"]) <= set(suppliers)


def test_only_those_who_sell_have_a_commission():
    table = partners()
    assert (np.isfinite(table["commission_rate"]) == np.isin(table["role"], ("reseller", "channel"))).all()


def test_inbound_quality_follows_the_truth():
    inbound = inbound_deliveries(np.random.default_rng(3), window_of(36), 60_000)
    quality = partner_quality()
    late = inbound["delivered_on"] > inbound["promised_on"]
    for supplier, known in zip(quality["partner_id"], quality["late_probability"], strict=True):
        mine = inbound["partner_id"] == supplier
        if mine.any():
            assert late[mine].mean() == pytest.approx(known, abs=0.04), supplier


def test_inbound_deliveries_grow_with_the_company():
    sizes = [
        inbound_deliveries(np.random.default_rng(3), window_of(12), n)["partner_id"].size
        for n in (500, 9000, 10**6, 10**7)
    ]
    assert sizes[0] < sizes[1] < sizes[2]
    assert sizes[3] == pytest.approx(sizes[2], rel=0.01)
