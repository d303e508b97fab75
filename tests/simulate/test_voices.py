import numpy as np
import pytest

from crmlib.intake.simulate.company import CONTRACT
from crmlib.intake.simulate.company import constant as c


def test_only_content_living_customers_recommend(chunk):
    people = chunk.people
    referred = np.flatnonzero(people["referrer"] >= 0)
    referrer, day = people["referrer"][referred], people["acquired"][referred]
    assert (people["satisfaction"][referrer] >= c("referral_threshold")).all()
    assert (people["acquired"][referrer] < day).all()
    assert (day <= people["lifetime_end"][referrer] + 1).mean() > 0.99
    assert not (people["kind"][referrer] == CONTRACT).any()


def test_the_more_content_the_more_referrals(chunk):
    people = chunk.people
    given = np.bincount(people["referrer"][people["referrer"] >= 0], minlength=people["kind"].size)
    levels = [(5.5, 6.5), (6.5, 7.5), (7.5, 8.5), (8.5, 10.1)]
    rates = [
        given[(people["satisfaction"] >= low) & (people["satisfaction"] < high)].mean()
        for low, high in levels
    ]
    assert rates == sorted(rates)
    assert rates[-1] > 2 * rates[0]


def test_the_share_of_referred_customers_is_as_stated(chunk):
    new = chunk.people["acquired"] >= 0
    assert (chunk.people["referrer"] >= 0).sum() / new.sum() == pytest.approx(c("referred_share"), abs=0.001)


def test_friends_resemble_each_other_in_spend(chunk):
    people = chunk.people
    referred = np.flatnonzero(people["referrer"] >= 0)
    pair = (
        np.log(people["order_value"][referred]),
        np.log(people["order_value"][people["referrer"][referred]]),
    )
    assert np.corrcoef(*pair)[0, 1] > 0.2


def test_answers_scatter_around_the_true_scores(chunk):
    survey, people = chunk.survey, chunk.people
    for name in ("expectation", "performance", "satisfaction"):
        error = survey[name] - people[name][survey["person"]]
        assert abs(error.mean()) < 0.1, name
        assert error.std() < 1, name


def test_spend_elsewhere_is_the_rest_of_the_wallet(chunk):
    survey, people = chunk.survey, chunk.people
    known = np.isfinite(survey["spend_elsewhere"])
    assert known.mean() == pytest.approx(0.75, abs=0.03)
    person = survey["person"][known]
    rest = people["wallet"][person] * (1 - people["wallet_share"][person])
    assert np.median(survey["spend_elsewhere"][known] / rest) == pytest.approx(1, abs=0.05)


def test_reviewers_are_self_selected(chunk):
    people = chunk.people
    writers = np.unique(chunk.reviews["person"])
    spread = np.abs(people["satisfaction"] - 7)
    assert spread[writers].mean() > spread.mean()
    happy = people["satisfaction"][chunk.reviews["person"]] > 8
    assert chunk.reviews["rating"][happy].mean() > chunk.reviews["rating"][~happy].mean() + 0.5


def test_reviewed_products_were_bought(chunk):
    bought = set(
        zip(
            chunk.orders["person"][chunk.lines["order"]].tolist(),
            chunk.lines["product"].tolist(),
            strict=True,
        )
    )
    reviewed = set(zip(chunk.reviews["person"].tolist(), chunk.reviews["product"].tolist(), strict=True))
    assert reviewed <= bought
