import numpy as np

from crmlib.intake.simulate.acquisition import BRINGERS, REFERRAL, WON_BY, acquisition_days, bringer
from crmlib.intake.simulate.company import CHANNELS, CONTRACT, RESELLER, seasons
from crmlib.intake.simulate.purchases import FIRST_CHANNEL


def test_customers_come_when_their_first_channel_is_open(window):
    demand = seasons(window)
    kind = np.random.default_rng(1).integers(0, 5, 20_000)
    day = acquisition_days(np.random.default_rng(2), kind, demand).astype(int)
    for number, name in enumerate(CHANNELS):
        mine = day[FIRST_CHANNEL[kind] == number]
        assert (np.diff(demand[name])[mine] > 0).all()


def test_referred_customers_are_won_by_referral_and_only_they(chunk):
    assert ((chunk.people["won_by"] == REFERRAL) == (chunk.people["referrer"] >= 0)).all()


def test_costs_scatter_around_the_mean_of_the_channel(chunk):
    cents, won_by = chunk.people["acquisition_cents"], chunk.people["won_by"]
    for number, (name, mean) in enumerate(WON_BY):
        mine = cents[won_by == number] / 100
        assert abs(mean - mine.mean()) < 0.06 * mean + 4 * mine.std() / np.sqrt(mine.size), name


def test_resellers_bring_their_households_and_nobody_brings_contracts(chunk):
    partner, kind = bringer(chunk.people), chunk.people["kind"]
    assert (partner[kind == RESELLER] >= 0).all()
    assert (partner[kind == CONTRACT] == -1).all()
    assert set(partner) == set(range(-1, len(BRINGERS)))
