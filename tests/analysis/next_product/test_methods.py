"""What each method learns and offers, by hand."""

import numpy as np
import pytest

from crmlib.analysis.next_product.methods import (
    BEFORE,
    BLEND,
    BY_SIMPLICITY,
    NEXT,
    NOT_YET,
    POPULAR,
    TOGETHER,
    Past,
    in_chunks,
    learn,
    methods_for,
    scores,
)
from crmlib.errors import ParameterError

# Items 0 to 3. Customer 0: 0, then 1; customer 1: 0 and 2 on one day, then 1; customer 2: 3 long ago, 0 lately.
ROWS = [(0, 1000, 0), (0, 1010, 1), (1, 1000, 0), (1, 1000, 2), (1, 1020, 1), (2, 100, 3), (2, 1015, 0)]


@pytest.fixture
def past(buyers):
    return buyers.laid_out(ROWS, items=4)


def test_what_was_learnt_by_hand(past):
    learnt = learn(past, 1020)
    # The purchase of item 3 is older than a year.
    assert learnt.popularity.tolist() == pytest.approx([3 / 6, 2 / 6, 1 / 6, 0])
    assert learnt.together[0, 1] == pytest.approx(2 / (np.sqrt(3 * 2) + 20))
    assert learnt.together[2, 3] == 0 and np.diag(learnt.together).tolist() == [0] * 4
    # Three pairs of neighbouring orders: 0 > 1, {0, 2} > 1, 3 > 0.
    chance = np.array([1, 2, 0, 0]) / 3
    assert learnt.following[0].tolist() == pytest.approx(
        ((np.array([0, 2, 0, 0]) + 20 * chance) / 22).tolist()
    )
    assert learnt.following[1].tolist() == pytest.approx(chance.tolist())


def test_nothing_after_the_day_is_learnt(past):
    early = learn(past, 1015)
    assert early.together[0, 1] == pytest.approx(1 / (np.sqrt(3 * 1) + 20))
    assert Past.of(past, 1015).ever.sum() == 6


def test_only_what_was_not_bought_is_offered(past):
    learnt, mine = learn(past, 1020), Past.of(past, 1020)
    for method in methods_for(new_only=True):
        found = scores(method, learnt, mine, new_only=True)
        open_ = np.isfinite(found)
        assert open_.all() if method == POPULAR else (open_ == (mine.ever.toarray() == 0)).all()
    assert np.isfinite(scores(TOGETHER, learnt, mine, new_only=False)).all()


def test_each_method_offers_what_it_is_named_after(past):
    learnt, mine = learn(past, 1020), Past.of(past, 1020)
    assert scores(POPULAR, learnt, mine, True).argmax(axis=1).tolist() == [0, 0, 0]
    assert scores(NOT_YET, learnt, mine, True).argmax(axis=1).tolist() == [2, 3, 1]
    assert scores(TOGETHER, learnt, mine, True).argmax(axis=1)[2] == 1  # with 0 goes 1
    assert scores(NEXT, learnt, mine, False).argmax(axis=1)[2] == 1  # after 0 comes 1
    own = scores(BEFORE, learnt, mine, False)
    assert own[0, :2].tolist() == pytest.approx([0.5, 0.5]) and own[0].argmax() == 0  # a tie: what sells more


def test_ties_go_to_what_sells_more(buyers):
    past = buyers.laid_out([(0, 1000, 0), (0, 1000, 1), (1, 1000, 1), (1, 1000, 2)], items=3)
    found = scores(BEFORE, learn(past, 1000), Past.of(past, 1000), new_only=False)
    assert found.argmax(axis=1).tolist() == [1, 1]


def test_scores_are_shares(past):
    learnt, mine = learn(past, 1020), Past.of(past, 1020)
    for method in (POPULAR, BEFORE, TOGETHER, NEXT):
        found = scores(method, learnt, mine, new_only=False)
        assert found.sum(axis=1) == pytest.approx(np.ones(3), abs=1e-6)


def test_the_blend_lies_between_its_parts(past):
    learnt, mine = learn(past, 1020), Past.of(past, 1020)
    parts = np.array([scores(method, learnt, mine, False) for method in (POPULAR, TOGETHER, NEXT)])
    assert scores(BLEND, learnt, mine, False) == pytest.approx(parts.mean(axis=0), abs=1e-6)


def test_methods_run_from_the_simplest(past):
    assert methods_for(True) == tuple(name for name in BY_SIMPLICITY if name != BEFORE)
    assert methods_for(False) == tuple(name for name in BY_SIMPLICITY if name != NOT_YET)
    with pytest.raises(ParameterError, match="magic"):
        scores("magic", learn(past, 1020), Past.of(past, 1020), True)


def test_chunks_hold_everybody_once():
    parts = list(in_chunks(np.arange(1000), 10**6))
    assert len(parts) > 1 and np.concatenate(parts).tolist() == list(range(1000))
