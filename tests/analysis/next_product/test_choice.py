"""The method is chosen on one stretch and tried on the next; chances foretold are chances seen."""

import numpy as np
import pytest

from crmlib.analysis.next_product.choice import Chances, choose_next_product
from crmlib.analysis.next_product.methods import NEXT, NOT_YET, POPULAR, TOGETHER
from crmlib.errors import TooLittleData


@pytest.fixture(scope="module")
def taste(buyers):
    return choose_next_product(buyers.drawn("taste"), buyers.AS_OF, test_days=60)


def test_the_stretches_follow_one_another(buyers, taste):
    assert (taste.chosen_on.learnt_to, taste.chosen_on.last) == (buyers.DAY - 120, buyers.DAY - 60)
    assert (taste.tested_on.learnt_to, taste.tested_on.last) == (buyers.DAY - 60, buyers.DAY)
    assert taste.method == TOGETHER and taste.beats_popular


def test_the_last_stretch_plays_no_part_in_the_choice(buyers):
    """A taste that breaks off at the end is chosen all the same, and the test shows that it no longer serves."""
    base = buyers.drawn("taste")
    late = base.day > buyers.DAY - 60
    rng = np.random.default_rng(1)
    item = np.where(late, rng.integers(0, buyers.ITEMS, len(base)), base.item)
    broken = buyers.laid_out(np.column_stack([base.customer, base.day, item]))
    found = choose_next_product(broken, buyers.AS_OF, test_days=60)
    assert found.method == TOGETHER
    assert found.tested_on.table.loc[TOGETHER, "hit_rate"] < found.chosen_on.table.loc[TOGETHER, "low"]


def test_without_a_rule_what_sells_most_is_offered(buyers):
    found = choose_next_product(buyers.drawn("chance"), buyers.AS_OF, new_only=False, test_days=60)
    assert found.method == POPULAR and not found.beats_popular
    new = choose_next_product(buyers.drawn("chance", seed=4), buyers.AS_OF, test_days=60)
    assert new.method in (NOT_YET, POPULAR) and not new.beats_popular


def test_chances_foretold_are_seen(buyers):
    """Shares of a chain differ by what came last; the chance of each third is right."""
    found = choose_next_product(
        buyers.drawn("chain", customers=4000), buyers.AS_OF, new_only=False, top=2, test_days=60
    )
    assert found.method == NEXT
    table = found.reliability
    assert table["customers"].iloc[:-1].sum() in (0, table.loc["all", "customers"])
    assert table.loc["all", "low"] - 0.03 < table.loc["all", "foretold"] < table.loc["all", "high"] + 0.03


def test_chances_rise_with_the_score_where_the_score_tells_hits_apart():
    rng = np.random.default_rng(1)
    score = rng.uniform(0.01, 0.5, 5000)
    fitted = Chances.fitted(score, (rng.random(5000) < score).astype(float))
    grid = np.array([0.05, 0.2, 0.4])
    assert fitted.of(grid) == pytest.approx(grid, abs=0.04)
    flat = Chances.fitted(score, (rng.random(5000) < 0.2).astype(float))
    assert flat.slope == 0 and flat.of(grid) == pytest.approx(np.full(3, 0.2), abs=0.02)
    falling = Chances.fitted(score, (rng.random(5000) > score).astype(float))
    assert falling.slope == 0


def test_few_hits_or_scores_all_alike_give_one_chance_for_all():
    score = np.linspace(0.1, 0.9, 200)
    few = Chances.fitted(score, (score > 0.85).astype(float))
    assert few.slope == 0 and few.of(score) == pytest.approx(np.full(200, 12.5 / 201), rel=0.1)
    alike = Chances.fitted(np.full(200, 0.3), np.tile([0.0, 1.0], 100))
    assert alike.of(np.array([0.1, 0.3])) == pytest.approx([0.5, 0.5])


def test_few_items_are_tried_with_fewer_offers(buyers, taste):
    assert taste.tested_on.top == 4  # a fifth of 24
    with pytest.raises(TooLittleData, match="customers with a next order"):
        choose_next_product(buyers.drawn("taste", customers=50), buyers.AS_OF, test_days=60)
