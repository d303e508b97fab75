import numpy as np
import pytest

from crmlib.intake.simulate.company import CHANNELS, CONTRACT
from crmlib.intake.simulate.company import constant as c


def value(db, query):
    return db.sql(query).fetchall()[0][0]


def test_net_plus_discount_is_a_list_price_to_the_cent(db):
    wrong = value(
        db,
        """
        SELECT count(*) FROM orders WHERE quantity > 0 AND
        (net_amount < 0 OR discount_amount < 0 OR cost_of_goods <= 0
         OR (net_amount + discount_amount)::DECIMAL(18,2) * 100 % quantity <> 0)""",
    )
    assert wrong == 0


def test_a_return_takes_back_no_more_than_was_sold(db):
    wrong = value(
        db,
        """
        SELECT count(*) FROM (
            SELECT order_id, product_id, sum(quantity) AS left_over, sum(net_amount::DECIMAL(18,2)) AS net
            FROM orders GROUP BY ALL HAVING left_over < 0 OR net < 0)""",
    )
    assert wrong == 0


def test_returns_are_negative_in_every_column_and_later_than_the_sale(db):
    wrong = value(
        db,
        """
        WITH sale AS (SELECT order_id, min(ordered_at) AS sold FROM orders WHERE quantity > 0 GROUP BY 1)
        SELECT count(*) FROM orders JOIN sale USING (order_id) WHERE quantity < 0 AND
        (net_amount > 0 OR discount_amount > 0 OR cost_of_goods > 0 OR ordered_at <= sold)""",
    )
    assert wrong == 0


def test_some_returned_goods_cannot_be_sold_again(db):
    share = value(db, "SELECT avg((cost_of_goods = 0)::INT) FROM orders WHERE quantity < 0")
    assert share == pytest.approx(c("return_written_off"), abs=0.04)


def test_a_replacement_is_free_but_costs(db):
    rows, cost = db.sql("""SELECT count(*), min(cost_of_goods) FROM orders
                           WHERE net_amount = 0 AND quantity > 0""").fetchall()[0]
    assert 10 < rows < 200
    assert cost > 0


def test_genuine_repeats_exist_and_are_rare(db):
    repeats = value(
        db,
        """SELECT coalesce(sum(n - 1), 0) FROM (
        SELECT customer_id, ordered_at, net_amount, order_id, product_id, quantity, discount_amount,
               cost_of_goods, channel, count(*) AS n
        FROM orders WHERE quantity > 0 GROUP BY ALL HAVING count(*) > 1)""",
    )
    assert 1 <= repeats <= 60


def test_orders_fall_between_acquisition_and_the_end_of_the_lifetime(chunk, window):
    person, day = chunk.orders["person"], chunk.orders["day"]
    assert (day >= chunk.people["acquired"][person]).all()
    after = day > chunk.people["lifetime_end"][person]
    # a persuaded customer may come back once more before the end takes hold
    assert after.mean() < 0.002


def test_living_customers_order_at_their_own_rate(chunk, window):
    people = chunk.people
    start, end = np.maximum(people["acquired"], 0), np.clip(people["lifetime_end"], 0, window.days)
    expected = people["rate"] * (end - start) / 365.25
    steady = (people["kind"] != CONTRACT) & np.isnan(people["club_joined"])
    count = np.bincount(chunk.orders["person"][~chunk.orders["first"]], minlength=end.size)
    assert count[steady].sum() / expected[steady].sum() == pytest.approx(
        1.02, abs=0.04
    )  # campaigns add a little
    fast = steady & (people["rate"] > np.median(people["rate"]))
    assert count[fast].sum() / expected[fast].sum() == pytest.approx(1.02, abs=0.04)


def test_club_members_order_a_little_more_than_their_rate(chunk, window):
    people = chunk.people
    joined = np.clip(np.nan_to_num(people["club_joined"], nan=window.days), 0, window.days)
    end = np.clip(np.minimum(people["lifetime_end"], np.nan_to_num(people["club_left"])), joined, window.days)
    expected = people["rate"] * (end - joined) / 365.25
    person, day = chunk.orders["person"], chunk.orders["day"]
    inside = (day > joined[person]) & (day < end[person])
    assert inside.sum() / expected.sum() == pytest.approx(1 + c("club_on_rate"), abs=0.05)


def test_order_values_scatter_around_the_true_mean(chunk):
    net = np.bincount(chunk.lines["order"], chunk.lines["list"] - chunk.lines["discount"]) / 100
    true = chunk.people["order_value"][chunk.orders["person"]]
    assert net.sum() / true.sum() == pytest.approx(1, abs=0.05)
    usual = (true > 30) & (true < 200)  # below that the cheapest product sets a floor
    spread = np.std(net[usual] / true[usual])
    assert spread == pytest.approx(1 / np.sqrt(c("spend_shape_within")), abs=0.12)


def test_order_value_does_not_depend_on_frequency(chunk):
    people = chunk.people
    ordinary = (people["kind"] != CONTRACT) & ~people["small_basket"]
    rate, value = np.log(people["rate"][ordinary]), np.log(people["order_value"][ordinary])
    assert abs(np.corrcoef(rate, value)[0, 1]) < 0.06


def test_the_first_order_of_a_new_customer_holds_the_entry_category(chunk, products):
    order = chunk.lines["order"]
    person = chunk.orders["person"][order]
    entry = products.category[chunk.lines["product"]] == chunk.people["entry"][person]
    held = np.bincount(order, entry) > 0
    first = chunk.orders["first"] & (chunk.people["kind"][chunk.orders["person"]] != CONTRACT)
    assert held[first].mean() > 0.95  # too small a purse buys a vase instead of a lamp


def test_who_stays_trades_up(chunk, products):
    order = chunk.lines["order"]
    years = (chunk.orders["day"][order] - chunk.people["acquired"][chunk.orders["person"][order]]) / 365.25
    premium = products.tier[chunk.lines["product"]] == 2
    assert premium[years > 4].mean() > premium[years < 1].mean() + 0.01


def test_returns_are_higher_on_the_web_and_highest_with_heavy_returners(chunk):
    sold, back = chunk.lines["order"], chunk.returns["order"]
    web = chunk.orders["channel"] == CHANNELS.index("web")
    shop = chunk.orders["channel"] == CHANNELS.index("shop")
    heavy = chunk.people["heavy_returner"][chunk.orders["person"]]

    def rate(which):
        return which[back].sum() / which[sold].sum()

    assert rate(shop) < 0.03 < 0.05 < rate(web & ~heavy) < 0.1 < 0.35 < rate(web & heavy)


def test_only_till_sales_are_anonymous_and_never_the_first(chunk):
    anonymous = chunk.orders["anonymous"]
    assert (chunk.orders["channel"][anonymous] == CHANNELS.index("shop")).all()
    assert not chunk.orders["first"][anonymous].any()


def test_costly_contract_customers_negotiate_deeper_discounts(chunk):
    people = chunk.people
    contract = people["kind"] == CONTRACT
    assert people["discount"][people["costly"]].min() > people["discount"][contract & ~people["costly"]].max()
