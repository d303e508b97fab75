"""What the notebook on segments says: every case of its sentences, tables, cards and closing."""

from dataclasses import replace
from datetime import date
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from crmlib.analysis.loyalty.programme_profit import DISCOUNTS
from crmlib.analysis.loyalty.staggered_effect import Before
from crmlib.analysis.period import Period
from crmlib.analysis.segments.cluster_search import search_clusters
from crmlib.analysis.segments.customer_features import CustomerFeatures
from crmlib.analysis.segments.direction_metrics import direction_metrics
from crmlib.analysis.segments.directions import direction_moves, direction_rules, directions
from crmlib.analysis.segments.identity import keep_identity
from crmlib.analysis.segments.level_effects import assumed_returns, level_sensitivity
from crmlib.analysis.segments.moving_up import lived_levels
from crmlib.analysis.segments.profiles import segment_profiles, segment_statement, segment_values
from crmlib.analysis.segments.relationship_terms import blocs_of, margin_bands, relationship_terms
from crmlib.analysis.segments.rfm import rfm
from crmlib.analysis.segments.value_loyalty import cut_sensitivity, value_loyalty
from crmlib.display.segments import (
    cards,
    choices_shown,
    closing,
    club_shown,
    clusters_shown,
    directions_shown,
    groups_shown,
    levels_shown,
    opening,
    rfm_shown,
)
from crmlib.display.segments.palette import INACTIVE, SEGMENTS
from crmlib.errors import DataError, ParameterError

DAY = date(2026, 6, 30)
YEAR = Period.ending(DAY, 12)
HOSTILE = "<b>$x {0} & Söhne"


@pytest.fixture(scope="session")
def wb(shops):
    return shops["all"]


@pytest.fixture
def plain(hold):
    """Check a title or note: as `hold`, and no full stop is owed."""

    def check(said, *parts):
        assert isinstance(said, str)
        return hold(said, *parts)

    return check


def company(n=240, seed=1, mean=60.0, spread=150.0):
    """Customers with value and tenure ahead, and what the cards add up."""
    rng = np.random.default_rng(seed)
    index = pd.Index([f"K{i:03d}" for i in range(n)], name="customer_id")
    return pd.DataFrame(
        {
            "value": rng.normal(mean, spread, n).round(2),
            "months_ahead": rng.uniform(0, 36, n).round(1),
            "active": True,
        },
        index=index,
    )


def parted_of(**options):
    return value_loyalty(company(**options), 50.0, 24.0)


# Opening


def test_who_is_looked_at_and_who_is_not(wb, hold):
    known = SimpleNamespace(period=YEAR)
    hold(
        opening.data(wb, known, company(), 300),
        "300 customers",
        "240",
        "1 July 2025",
        "60 are called inactive",
    )
    hold(opening.data(wb, known, company(), 240), "240 customers", "all of them")


def test_what_is_not_known_is_said_in_one_line(wb, hold):
    missing = pd.DataFrame({"meaning": [""], "needs": [""]}, index=["churn_probability"])
    (shown,) = opening.missing(wb, CustomerFeatures(pd.DataFrame(), missing, YEAR))
    hold(str(shown), "Left out: chance to stay away.", "churn of 03_churn")
    assert opening.missing(wb, CustomerFeatures(pd.DataFrame(), missing.iloc[:0], YEAR)) == []


def test_profits_of_another_period_are_refused():
    book = SimpleNamespace(customers=pd.DataFrame({"net_sales": [60.0, 40.0]}))
    opening.refuse_another_period(pd.DataFrame({"net_sales": [100.0]}), book)
    with pytest.raises(DataError, match=r"profits of another period.*period_months"):
        opening.refuse_another_period(pd.DataFrame({"net_sales": [100.02]}), book)


def test_a_line_of_value_once_taken_from_the_data_stays():
    value = pd.Series([10.0, 98.0])
    earlier = pd.DataFrame(
        {"value_cut": [40.0, 45.0], "run_as_of": pd.to_datetime(["2026-05-31", "2026-04-30"])}
    )
    assert opening.value_cut(0.0, value, earlier) == 40.0
    assert opening.value_cut(70.0, value, earlier) == 70.0
    assert opening.value_cut(0.0, value, earlier.drop(columns="value_cut")) == 54.0
    assert opening.value_cut(0.0, -value, None) == 0.0


# RFM


def scored(n=200, same=0.0, seed=2):
    rng = np.random.default_rng(seed)
    people = pd.DataFrame(
        {"recency_days": rng.permutation(n), "frequency": rng.permutation(n), "money": rng.normal(50, 60, n)},
        index=company(n).index,
    )
    people.loc[people.index[: int(same * n)], "frequency"] = 1
    return rfm(people)


def test_ties_are_told_only_where_they_count(wb, hold):
    hold(rfm_shown.ties(wb, scored()), "groups are of one size")
    hold(rfm_shown.ties(wb, scored(same=0.3)), "by frequency are not of one size")
    hold(rfm_shown.ties(wb, scored(same=0.7)), "By frequency", "70%", "of 5 groups", "not a score")


def test_where_champions_lose_the_page_says_so(wb, hold):
    found = scored()
    best = found.customers.index[found.customers["cell"] == "champions"]
    value = pd.Series(10.0, found.customers.index)
    assert rfm_shown.misled(wb, found, value) is None
    value[best[0]] = -25.0
    hold(rfm_shown.misled(wb, found, value), f"1 of the {len(best)} champions", "£25")


def test_cells_and_their_note(wb, plain):
    table = rfm_shown.cells(scored())
    assert table["customers"].sum() == 200 and table["money"].is_monotonic_decreasing
    plain(rfm_shown.note(wb, 200, [5, 5, 5]), "200 customers", "5 groups each")
    plain(rfm_shown.note(wb, 1, [5, 4, 3]), "1 customer", "recency 5", "frequency 4", "money 3")


# Clusters


@pytest.fixture(scope="module")
def search():
    rng = np.random.default_rng(3)
    parts = [
        pd.DataFrame({"profit": rng.normal(300 + 900 * k, 30, 40), "web_share": rng.normal(k, 0.05, 40)})
        for k in range(2)
    ]
    return search_clusters(pd.concat(parts, ignore_index=True), most=3, rounds=5)


def counted(search, chosen=2, usual=2, structure="strong", silhouette=0.8, also=(), reason="gap"):
    table = search.counted.table.assign(silhouette=silhouette)
    count = SimpleNamespace(
        chosen=chosen, also_possible=also, reason=reason, structure=structure, table=table, stability=search.counted.stability,
        kind="one group" if chosen == 1 else "reproducible" if structure == "none" else "natural",
    )  # fmt: skip
    return SimpleNamespace(
        counted=count, usual=usual, mixture=search.mixture, features=search.features, clusters=search.clusters,
        identity=search.identity,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (
            {"chosen": 1, "usual": 1, "reason": "nothing_stable"},
            ["One group, not several.", "Nothing comes back"],
        ),
        ({"chosen": 1, "usual": 1, "reason": "no_gap"}, ["One group", "no closer together"]),
        (
            {"chosen": 1, "usual": 2},
            ["One group by a strict limit, two by the usual one.", "0.85", "0.75 two groups"],
        ),
        (
            {"chosen": 2, "usual": 3},
            ["Two, perhaps three.", "0.80", "strong structure", "0.75 would let three pass"],
        ),
        ({"chosen": 2, "also": (3,)}, ["Two, perhaps three.", "gap statistic three"]),
        ({"chosen": 2}, ["Two groups.", "strong structure", "the same number"]),
        (
            {"structure": "none", "silhouette": 0.2, "usual": 3},
            ["none of them natural", "0.20", "0.25", "cuts", "three"],
        ),
        ({"structure": "none", "silhouette": 0.2}, ["no natural ones", "one crowd"]),
    ],
)
def test_the_number_of_clusters_is_told_with_its_evidence(wb, hold, search, options, said):
    hold(clusters_shown.chosen(wb, counted(search, **options)), *said)


def test_the_title_of_steadiness(wb, plain, search):
    plain(
        clusters_shown.steady_title(wb, counted(search, chosen=1, reason="nothing_stable")),
        "No number of groups",
    )
    plain(
        clusters_shown.steady_title(wb, counted(search, chosen=1, reason="no_gap")), "lie no closer together"
    )
    said = str(clusters_shown.chosen(wb, counted(search, chosen=1, usual=2, reason="no_gap")))
    plain(said, "what is steady lies no closer")
    plain(clusters_shown.steady_title(wb, search), "Two groups come back")
    assert clusters_shown.drawn(wb, search).endswith("80 customers, clusters made again 5 times")


def test_mixtures_are_told_by_how_steady_they_are(wb, hold, search):
    hold(clusters_shown.mixtures(wb, SimpleNamespace(counted=search.counted, mixture=None)), "one is enough")
    for least, said in ((0.3, "they do not come back"), (0.9, "0.90")):
        mixture = SimpleNamespace(by_count=pd.DataFrame({"least_jaccard": [least]}))
        hold(
            clusters_shown.mixtures(wb, SimpleNamespace(counted=search.counted, mixture=mixture)),
            "components",
            said,
        )


def test_tables_of_clusters_have_the_numbers_they_keep(wb, search, plain):
    labels = search.clusters.labels
    last = pd.DataFrame(
        {"customer_id": labels.index, "cluster": labels + 4, "run_as_of": pd.Timestamp(2026, 5, 31)}
    )
    kept = SimpleNamespace(clusters=search.clusters, identity=keep_identity(labels, last))
    assert clusters_shown.sizes(kept)["cluster"].tolist() == ["Cluster 5", "Cluster 6"]
    assert list(clusters_shown.size_columns(search)) == ["cluster", "customers", "profit", "web_share"]
    assert clusters_shown.steps(search)["column"].tolist() == ["Profit", "Share bought on the web"]
    plain(clusters_shown.steps_note(wb, search, 90), "80 of 90 active customers")
    verdicts = clusters_shown.counts(search)["verdict"].tolist()
    assert verdicts[:2] == ["one group", "highly steady"]
    assert clusters_shown.least_steady(search)["number"].tolist() == [2, 3]


def test_who_a_cluster_is_is_told_from_the_second_report_on(wb, hold):
    old = {"a": 1, "b": 1, "c": 2, "d": 2, "e": 3, "f": 3}
    earlier = pd.DataFrame(
        {"customer_id": list(old), "cluster": list(old.values()), "run_as_of": pd.Timestamp(2026, 5, 31)}
    )

    def said(**now):
        return clusters_shown.identity_said(
            wb, keep_identity(pd.Series(now).rename_axis("customer_id"), earlier)
        )

    assert (
        clusters_shown.identity_said(wb, keep_identity(pd.Series({"a": 1}).rename_axis("customer_id"), None))
        is None
    )
    hold(said(a=3, b=3, c=2, d=2, e=1, f=1), "All clusters are those of the report of 31 May 2026")
    hold(
        said(a=1, b=1, c=2, d=2, e=2, f=2, x=3),
        "clusters 1 and 2 kept",
        "cluster 4 new",
        "cluster 3 gone",
    )
    hold(said(x=1, y=1, z=2), "No cluster of the report of 31 May 2026 is left")


def rivals(verdict, use="last_money", usual=-0.01):
    methods = ["one_mean", "last_money", "clusters"]
    scores = pd.DataFrame(
        {"groups": [np.nan, np.nan, 3], "r2": [0.0, 0.6, 0.1], "r2_low": [0.0, 0.4, 0.0], "r2_high": [0.0, 0.7, 0.2],
         "r2_usual": 0.1, "r2_usual_low": 0.1, "r2_usual_high": 0.3, "top_fifth": 0.2}, pd.Index(methods, name="method"))  # fmt: skip
    gap = pd.DataFrame(
        {"clusters_less": [-0.02, usual], "low": [-0.03, -0.04], "high": [-0.01, 0.05]},
        pd.MultiIndex.from_tuples(
            [("rfm_scores", "r2"), ("rfm_scores", "r2_usual")], names=["method", "measure"]
        ),
    )
    return SimpleNamespace(
        scores=scores,
        differences=gap,
        use=use,
        rfm="rfm_scores",
        clusters_against_rfm=verdict,
        learned_on="earlier pair",
        customers=900,
    )


@pytest.mark.parametrize(
    ("verdict", "said"),
    [
        ("better", "better than RFM"),
        ("worse", "worse than RFM"),
        ("no difference beyond chance", "no better than RFM"),
    ],
)
def test_whether_clusters_beat_rfm_is_told_as_it_is(wb, hold, verdict, said):
    hold(
        clusters_shown.beats(wb, rivals(verdict)),
        said,
        "−2.0%",
        "without the largest customers −1.0%, −4.0% to 5.0%",
        "last period's profit once more",
    )
    hold(clusters_shown.beats(wb, rivals(verdict, "clusters")), said, "No simpler rule is as good")
    table = clusters_shown.scores(rivals(verdict))
    assert table["r2_range"].tolist() == ["", "40% to 70%", "0% to 20%"]
    assert "900 customers" in clusters_shown.scores_note(wb, rivals(verdict))


def test_where_the_largest_customers_turn_the_sign_nothing_is_said_of_clusters_and_rfm(wb, hold, search):
    turned = rivals("worse", usual=0.04)
    hold(clusters_shown.beats(wb, turned), "cannot be told", "the sign turns", "−2.0%", "without them 4.0%")
    found = closing.findings(wb, parted_of(mean=900.0), counted(search), turned, None, None, None)
    hold(next(text for text, _ in found if "luster" in str(text)), "cannot be told")
    hold(clusters_shown.beats(wb, rivals("no difference beyond chance", usual=0.04)), "no better than RFM")


# Groups


def test_groups_by_hand_are_those_of_the_analysis():
    people = company()
    found = groups_shown.segments_of(value_loyalty(people, 50.0, 24.0), people.index.append(pd.Index(["Z"])))
    assert found.iloc[:-1].tolist() == groups_shown.by_hand(people, 50.0, 24.0).tolist()
    assert found["Z"] == INACTIVE and list(found.cat.categories) == [*SEGMENTS, INACTIVE]
    five = groups_shown.five(people)
    assert (
        len(five) == 5
        and five["value"].is_monotonic_decreasing
        and five["value"].iloc[0] == people["value"].max()
    )
    assert len(groups_shown.five(people.head(2))) == 2


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({}, ["true friends", "of the profit"]),
        ({"mean": 30.0}, ["true friends", "barnacles stay and cost £"]),
        ({"mean": -300.0}, ["customers as a whole do not earn"]),
    ],
)
def test_the_map_has_a_finding_as_its_title(wb, plain, options, said):
    plain(groups_shown.map_title(wb, parted_of(**options)), *said)


def test_lines_are_told_with_where_they_come_from(wb, hold):
    parted = parted_of()
    hold(groups_shown.cuts_said(wb, parted, 36, 50.0, False), "£50.00", "as asked for", "24 months")
    hold(groups_shown.cuts_said(wb, parted, 36, 0.0, True), "line of the last report")
    hold(groups_shown.cuts_said(wb, parted, 36, 0.0, False), "the mean of the active customers")
    hold(
        groups_shown.cuts_said(wb, value_loyalty(company(), 0.0, 24.0), 36, 0.0, False),
        "customers as a whole earn nothing",
    )


def test_a_line_that_parts_nobody_is_warned_of(wb, hold):
    assert groups_shown.parts_nobody(wb, parted_of()) is None
    people = company()
    hold(
        groups_shown.parts_nobody(wb, value_loyalty(people.assign(months_ahead=36.0), 50, 24)),
        "next to everybody",
    )
    hold(
        groups_shown.parts_nobody(wb, value_loyalty(people.assign(months_ahead=1.0), 50, 24)),
        "next to nobody",
    )


def test_a_line_beyond_the_horizon_is_refused():
    groups_shown.check_tenure(24, 36)
    with pytest.raises(ParameterError, match="tenure_cut = 36"):
        groups_shown.check_tenure(36, 36)


def test_other_lines_move_customers_and_the_page_says_how_many(wb, hold):
    people = company()
    table = cut_sensitivity(people, *groups_shown.other_lines(50.0, 24.0, 36.0))
    shown = groups_shown.moved_cuts(table)
    assert len(shown) == 9 and shown.loc[0, ["value_cut", "loyalty_cut", "customers_moved"]].tolist() == [
        50,
        24,
        0,
    ]
    assert shown.loc[0, "months"] == "24"
    assert (shown[list(groups_shown.COUNTED)].sum(axis=1) == 240).all()
    hold(groups_shown.sensitive(wb, table), f"{shown['customers_moved'].max():.0%}", "Lines are a choice")


def test_the_statement_is_that_of_notebook_02_to_the_cent():
    people = company()
    profit = pd.DataFrame({"net_sales": 9.99, "profit": people["value"]}, index=people.index)
    segments = groups_shown.segments_of(parted_of(), people.index)
    accounts = segment_statement(segments, profit)
    shown = groups_shown.statement(accounts)
    assert list(groups_shown.statement_columns(accounts).values())[-1] == ("All", "full_money")
    last = shown.set_index("line").loc["Customer profit"]
    assert (
        last[list(SEGMENTS)].sum()
        == pytest.approx(last["all customers"])
        == pytest.approx(people["value"].sum())
    )


def test_worth_has_intervals_in_words(wb, plain):
    people = company()
    segments = groups_shown.segments_of(parted_of(), people.index)
    profile = segment_profiles(segments, people.rename(columns={"value": "profit"})).table
    table = groups_shown.worth(wb, profile, segment_values(segments, people["value"]))
    assert table["segment"].tolist() == [*SEGMENTS, INACTIVE]
    assert table["profit_range"].iloc[0].startswith("£") and " to £" in table["profit_range"].iloc[0]
    assert table["profit_range"].iloc[-1] == ""
    plain(groups_shown.worth_note(wb, 36), "36 months")


def moved(before, after):
    return groups_shown.movements([after, before])[0]


@pytest.fixture
def two_years():
    people, later = company(), company(seed=9)
    before, after = (
        groups_shown.segments_of(value_loyalty(one, 50.0, 24.0), people.index) for one in (people, later)
    )
    before.iloc[:20], after.iloc[200:] = INACTIVE, INACTIVE
    return before, after


def test_who_moved_is_counted_by_hand(two_years):
    before, after = two_years
    found = moved(before, after)
    table = groups_shown.moves(found).set_index("before")
    friends = before == "True friends"
    kept = (after[friends] == "True friends").mean()
    row = table.loc[f"True friends ({friends.sum()})"]
    assert row["True friends"].startswith(f"{kept:.0%} (") and row["True friends"].endswith(")")
    assert table.loc["New since (0)"].eq("–").all()
    assert list(groups_shown.move_columns(found).values())[-1] == ("Inactive", "written")


def test_moves_are_told_with_what_they_were_before(wb, hold, two_years):
    found = moved(*two_years)
    hold(groups_shown.moved(wb, found, None), "true friends", "still are", "95% interval", "where they were.")
    test = SimpleNamespace(p_value=0.01, statistic=40.2, degrees=16)
    hold(groups_shown.moved(wb, found, test), "still are", "did not move like this", "40.2", "16")
    test.p_value = 0.5
    hold(groups_shown.moved(wb, found, test), "the same way the period before", "40.2")
    nobody = two_years[0].astype("object").replace("True friends", "Strangers")
    hold(groups_shown.moved(wb, moved(nobody, two_years[1]), None), "nobody was a true friend")


def test_moves_are_compared_only_where_there_are_two_pairs_and_enough_customers(two_years):
    found = moved(*two_years)
    assert groups_shown.same_moves([]) is None and groups_shown.same_moves([found]) is None
    assert (
        groups_shown.same_moves([found, found]) is None
        or groups_shown.same_moves([found, found]).p_value > 0.99
    )
    few = moved(*(one.iloc[:9] for one in two_years))
    assert groups_shown.same_moves([few, few]) is None


def test_groups_of_an_earlier_day_use_the_lines_of_today():
    people = company()
    people.loc[people.index[:30], "active"] = False
    found = groups_shown.grouped(people, 50.0, 24.0)
    assert (found.iloc[:30] == INACTIVE).all()
    assert found.iloc[30:].tolist() == groups_shown.by_hand(people.iloc[30:], 50.0, 24.0).tolist()
    assert (groups_shown.grouped(people.assign(active=False), 50.0, 24.0) == INACTIVE).all()


def test_predicted_tenure_stands_beside_the_truth(wb, hold):
    people = company()
    truth = pd.DataFrame({"customer_id": people.index, "lifetime_end": "2027-06-30"})
    hold(groups_shown.beside_truth(wb, people, truth, DAY, 24, 36), "36 months", "truly stay 12.0", "12.0")
    assert groups_shown.beside_truth(wb, people, None, DAY, 24, 36) is None
    assert groups_shown.beside_truth(wb, people, truth.iloc[1:], DAY, 24, 36) is None
    assert groups_shown.beside_truth(wb, people.assign(months_ahead=30.0), truth, DAY, 24, 36) is None


# Directions


def features(n=120, seed=5):
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {"recency_days": rng.integers(0, 600, n), "tenure_days": rng.integers(600, 900, n), "purchases": rng.integers(1, 9, n),
         "frequency": rng.integers(0, 6, n), "money": rng.normal(40, 60, n), "churn_probability": rng.uniform(0, 1, n)},
        index=company(n).index,
    )  # fmt: skip


def test_states_have_a_size_a_measure_and_a_next_step(wb, plain):
    people = features()
    found = directions(people, direction_rules(people), left_out=("survey",))
    going = directions_shown.Standing(found, direction_metrics(found, people))
    table = directions_shown.states(wb, going)
    assert table["customers"].sum() == len(people) and table["step"].str.len().gt(5).all()
    measures = table.set_index("state")["measure"]
    assert measures["keep"].startswith("£") and measures["advocates"] == "–" and measures["steady"] == ""
    plain(directions_shown.rules(wb, going), "by margin", "purchase days", "Not in the data: survey.")


def test_moves_between_states_are_counted_and_told(wb, hold, plain):
    people, later = features(), features(seed=6)
    rules = direction_rules(people)
    one, two = directions(people, rules), directions(later, rules)
    change = SimpleNamespace(moves=direction_moves(one, two), rules=rules)
    table = directions_shown.moves(change.moves)
    keep = (one.customers["state"] == "keep").sum()
    assert f"Keep ({keep})" in table["before"].tolist() and "inactive" not in table
    kept = ((one.customers["state"] == "keep") & (two.customers["state"] == "keep")).sum() / keep
    hold(directions_shown.moved(wb, change), f"{keep} customers of the first rank", f"{kept:.0%} are still")
    assert set(directions_shown.move_columns(change.moves)) == set(table.columns)
    plain(directions_shown.moves_note(change), "margin")


# Levels


def planned(margin=None, effect=0.05, budget=None, n=240):
    people = company(n)
    rng = np.random.default_rng(8)
    margin = pd.Series(rng.lognormal(4, 1.5, n), people.index) if margin is None else margin
    segments = groups_shown.segments_of(value_loyalty(people, 50.0, 24.0), people.index)
    terms = relationship_terms(None, 12)
    bloc, like = blocs_of(segments, margin_bands(margin, terms.levels, effect), margin, SEGMENTS)
    returns = assumed_returns(like.index, terms.levels.index, effect, 1.0)
    tried = level_sensitivity(like, terms.levels, returns, budget)
    book = pd.DataFrame({"margin": margin, "spent": margin / 3, "value": people["value"], "bloc": bloc})
    everybody = groups_shown.people_of(segments, people, book, tried, terms.levels, None, None, effect)
    return SimpleNamespace(
        people=people, segments=segments, terms=terms, like=like, tried=tried, book=book, effect=effect,
        everybody=everybody,
    )  # fmt: skip


def choices_of(own, lived=None):
    return choices_shown.choices(own.everybody, lived, own.terms, own.effect)


def test_the_plan_adds_up_and_so_do_its_choices(wb):
    own = planned()
    table = levels_shown.plan(own.everybody, SEGMENTS).set_index("segment")
    levels = list(own.terms.levels.index)
    assert table.loc["All", levels].sum() == 240 and (table.loc["All"] == table.drop("All").sum()).all()
    assert table.loc["All", "raise_cost"] == pytest.approx(own.tried.base.cost - 240)
    assert table.loc["All", "raised"] == 240 - table.loc["All", "basic"]
    choices = choices_of(own)
    assert choices["gain"].iloc[0] == pytest.approx(own.tried.base.gain)
    assert choices["gain"].iloc[0] >= choices["gain"].iloc[1:].max() - 1e-6
    assert choices.iloc[-1][["customers", "cost", "gain", "low", "high"]].tolist() == [0] * 5
    everybody = choices.set_index("label").loc["Everybody proactive"]
    margin = own.book["margin"].clip(lower=0).sum()
    assert everybody["gain"] == pytest.approx(0.15 * margin - 240 * 0.6 * 45)
    assert everybody["low"] == pytest.approx(0.075 * margin - 240 * 0.6 * 45)


def test_where_today_is_known_only_those_really_raised_count():
    """A third lives at accountable today: by hand, customer by customer."""
    own = planned()
    lived = pd.Series(np.where(np.arange(240) % 3 == 0, "accountable", "basic"), own.book.index)
    order, cost = list(own.terms.levels.index), own.terms.levels["cost"]
    margin, paid, more, raised = own.book["margin"], 0.0, 0.0, 0
    for name, level in own.everybody["level"].items():
        steps = order.index(level) - order.index(lived[name])
        if steps > 0:
            raised += 1
            paid += cost[level] - cost[lived[name]]
            more += 0.05 * steps * margin[name]
    choices = choices_of(own, lived)
    first = choices.iloc[0]
    assert 0 < raised < (own.everybody["level"] != "basic").sum()
    assert first[["customers", "cost", "gain"]].tolist() == pytest.approx([raised, paid, more - paid])
    assert first[["low", "high"]].tolist() == pytest.approx([more / 2 - paid, 2 * more - paid])
    reactive = choices.set_index("label").loc["Everybody at least reactive"]
    assert reactive["customers"] == 160 and reactive["cost"] == pytest.approx(
        160 * (cost["reactive"] - cost["basic"])
    )
    assert choices["label"].iloc[-1] == choices_shown.AS_TODAY


def test_the_plan_says_what_it_is_measured_against(wb, plain):
    own = planned()
    plain(levels_shown.plan_note(wb, own.tried, 500.0, None), "planned above basic", "not in the data")
    plain(
        levels_shown.plan_note(wb, own.tried, 500.0, own.everybody["level"]), "above the level lived at today"
    )


def test_what_a_step_must_bring_is_its_cost_over_the_margin_or_a_fall_of_churn(wb):
    own = planned()
    profile = pd.DataFrame({"churn_rate": 0.3}, index=list(SEGMENTS))
    table = levels_shown.steps_up(own.segments, own.book["margin"], profile, own.terms, 0.1, 182).set_index(
        "segment"
    )
    mean = own.book["margin"].groupby(own.segments, observed=True).mean()
    assert table["reactive"].to_dict() == pytest.approx((3 / mean).to_dict())
    assert table["full partnership"].to_dict() == pytest.approx((0.6 * 195 / mean).to_dict())
    # A customer of margin m at cost 1 is worth (m - 1) (1 + d) / (c + d): the same at cost 4 with less churn.
    # Who stays away for six months with 0.3 does so within a year with 1 − 0.7², as 182 days are half a year.
    year = 1 - 0.7 ** (365.25 / 182)
    assert year == pytest.approx(0.511, abs=0.001) and table["churn"].tolist() == pytest.approx([year] * 4)
    fall = table["fall"] / 100
    worth = (mean - 1) / (year + 0.1), (mean - 4) / (year - fall + 0.1)
    assert worth[0].to_dict() == pytest.approx(worth[1].to_dict())
    columns = levels_shown.step_columns(table, 182)
    assert columns["away"][0] == "Stay away, next 6 months" and "points" in columns["fall"][0]
    note = levels_shown.steps_note(wb, table, 0.1)
    assert "10% discount" in note and "Gupta & Lehmann 2003" in note and "serving orders" in note
    lost = levels_shown.steps_up(own.segments, own.book["margin"] - 1000, profile, own.terms, 0.1, 182)
    assert (lost["margin"] < 0).all() and lost[list(own.terms.levels.index[1:])].isna().all().all()
    # A customer of margin 4 has 3 left after basic, which one step of 3 takes: no fall of churn brings that back.
    poor = levels_shown.steps_up(own.segments, own.book["margin"] * 0 + 4, profile, own.terms, 0.1, 182)
    assert poor["fall"].isna().all()
    for without in (
        levels_shown.steps_up(own.segments, own.book["margin"], profile.iloc[:, :0], own.terms, 0.1, 182),
        levels_shown.steps_up(own.segments, own.book["margin"], profile, own.terms, 0.1, None),
    ):
        assert list(levels_shown.step_columns(without, None))[-1] == "full partnership"
        assert "stay away" not in levels_shown.steps_note(wb, without, 0.1)


def test_where_the_step_to_a_level_pays_is_told(wb, plain):
    own = planned()
    table = levels_shown.levels(own.terms, 0.05).set_index("level")
    assert table.loc["Reactive", "from_margin"] == pytest.approx(3 / 0.05) and np.isnan(
        table.loc["Basic", "from_margin"]
    )
    plain(levels_shown.levels_note(wb, own.terms, 0.05), "£0.60", "assumed")
    known = SimpleNamespace(levels=own.terms.levels, rate=0.5, capacity_minutes=6000.0, assumed=False)
    plain(levels_shown.levels_note(wb, known, 0.05), "£0.50", "100 hours")


def test_limits_are_told_with_what_they_keep_away(wb, plain):
    plain(levels_shown.plan_note(wb, planned().tried, 500.0, None), "Budget £500 a year above basic")
    tight = planned(budget=300.0)
    assert tight.tried.base.worth_of_budget > 1
    plain(levels_shown.plan_note(wb, tight.tried, 60.0, None), "£60", "without the limit on money")


@pytest.mark.parametrize(
    ("options", "title", "doubt"),
    [
        ({}, "A higher level pays for", "rests on the assumption"),
        ({"margin": pd.Series(5.0, company().index)}, "Nobody can be raised at a gain", "Nobody is raised"),
        (
            {"margin": pd.Series(9e5, company().index)},
            "a year, if the assumption holds",
            "if nothing, they cost",
        ),
    ],
    ids=["some", "nobody", "everybody"],
)
def test_choices_are_told_by_what_they_gain(wb, plain, hold, options, title, doubt):
    own = planned(**options)
    choices = choices_of(own)
    plain(choices_shown.choices_title(wb, choices), title)
    hold(choices_shown.effect_doubt(wb, choices, 0.05), doubt)
    assert choices_shown.drawn_choices(choices)["label"].iloc[[0, -1]].tolist() == [
        choices_shown.PLAN,
        choices_shown.NOTHING,
    ]


def test_the_effect_from_which_the_raises_pay_is_cost_over_margin(wb, hold):
    choices = pd.DataFrame(
        {"customers": [301, 900, 0], "cost": [2726.0, 9e3, 0], "more": [5413.0, 1e3, 0], "gain": [2687.0, -8e3, 0],
         "low": [-19.5, -85e2, 0]})  # fmt: skip
    hold(
        choices_shown.effect_doubt(wb, choices, 0.05),
        "it is 2.5% a step or more",
        "−£19.50",
        "they cost £2,726",
    )


@pytest.mark.parametrize("budget", [0.0, 240.0], ids=["nothing", "the basic level"])
def test_a_budget_of_nothing_raises_nobody_and_says_why(wb, hold, budget):
    own = planned(budget=budget)
    choices = choices_of(own)
    act, wait = closing.decision(wb, choices, own.tried, None, "")
    hold(act, "Raise nobody.", "nobody is raised" if budget == 0 else "no segment can be raised at a gain")
    hold(wait, "£240")


def today_of(own, spent):
    book = own.book.assign(spent=spent)
    lived = lived_levels(book["spent"], own.terms.levels)
    plan = own.book["bloc"].map(own.tried.base.segments["level"])
    return levels_shown.today(lived, plan, book, own.terms), plan


def test_today_beside_the_plan_is_counted_by_hand(wb, hold):
    own = planned()
    table, plan = today_of(own, 500.0)
    low = plan != "full partnership"
    assert table.loc["lowered", "customers"] == low.sum() and table["customers"].sum() == 240
    assert table.loc["lowered", "spent"] == pytest.approx(500.0 * low.sum())
    assert table.loc["lowered", "losers"] == (own.book.loc[low, "value"] < 0).sum()
    hold(
        levels_shown.today_said(wb, table),
        "£120k a year",
        "served above the level",
        "cost more than they bring",
        "talk before",
    )
    table, _ = today_of(own, 0.0)
    hold(levels_shown.today_said(wb, table), "Nobody is served above the level planned")
    table, _ = today_of(own, own.book["spent"] / 40)
    table["losers"] = 0
    hold(levels_shown.today_said(wb, table), "calls, visits and complaints")


def test_a_year_is_a_year_whatever_the_period():
    money = pd.DataFrame(
        {
            "gross_margin": [60.0],
            "service_order": [5.0],
            "service_return": [1.0],
            "service_relationship": [4.0],
        }
    )
    half = levels_shown.yearly(money, pd.Series([50.0]), 6)
    assert half.iloc[0].to_dict() == {"margin": 108.0, "spent": 8.0, "value": 100.0}
    assert len(levels_shown.five(planned().like)) == 5


# Club


def club_of(
    effect=0.08, low=-0.05, high=0.24, early=(-0.2, -0.4, 0.1, 0.3), decision="keep", truth=0.08, even=0.02
):
    before = Before(*early[:3], 60, 3.0, 3, early[3])
    stage = pd.DataFrame({"effect": [0.1], "low": [0.0], "high": [0.2], "joiners": [1.0]}, index=["1 to 3"])
    own = SimpleNamespace(
        effect=effect,
        low=low,
        high=high,
        joiners=98,
        clear=low > 0 or high < 0,
        before=before,
        by_stage=stage,
        observed=672.0,
        expected=621.2,
    )
    compared = pd.DataFrame(
        {
            "effect": [1.66, effect],
            "low": [1.3, low],
            "high": [2.0, high],
            "flaw": ["Who joins bought more.", ""],
        },
        pd.Index(["members against others", "joiners against those not yet joined"], name="comparison"),
    )
    if truth is not None:
        compared["off_by"], compared["holds_truth"] = compared["effect"] - truth, True
    sums = {"keep": (400.0, 10.0, 800.0), "end": (-400.0, -800.0, -10.0), "not known": (50.0, -100.0, 200.0)}[
        decision
    ]
    rows = [(200.0, 200.0, 200.0, 1.0), (-90.0, -90.0, -90.0, -0.4), (30.0, -20.0, 80.0, 0.1), (*sums, 2.0)]
    table = pd.DataFrame(
        rows, ["fees", "rewards", DISCOUNTS, "profit"], ["total", "low", "high", "per_member_year"]
    ).rename_axis("part")
    money = SimpleNamespace(
        table=table,
        profit=sums,
        decision=decision,
        break_even_effect=even,
        fees_known=False,
        member_years=200.0,
    )
    fees = pd.DataFrame({"fee_per_year": [12.0, np.nan]}, index=["K000", "K001"])
    members = SimpleNamespace(memberships=fees, as_of=DAY, members_on=lambda day: pd.Index(["K000"]))
    return club_shown.ClubAnswer(
        members, SimpleNamespace(joiners=242, never=2370), own, compared, truth, None, money
    )


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"low": 0.01}, ["raises purchases by 8.0%", "98 who joined", "p = 0.30)."]),
        ({}, ["is not clear:", "from −5.0% to 24%"]),
        ({"effect": -0.1, "low": -0.2, "high": -0.02}, ["lowers purchases by 10%", "2.0% to 20%"]),
        ({"early": (-0.2, -0.4, -0.1, 0.01)}, ["finds −20%", "read the effect with care"]),
        ({"early": (np.nan,) * 4}, ["Too few have a past long enough"]),
    ],
)
def test_the_effect_of_the_club_is_told_as_sure_as_it_is(wb, hold, options, said):
    hold(club_shown.effect_said(wb, club_of(**options)), *said)


def test_a_club_joined_at_the_till_is_said_to_be_mended_for_it(wb, hold):
    assert "ordered on the day" not in str(club_shown.effect_said(wb, club_of()))
    joined = replace(club_of(), at_the_till=0.62)
    hold(
        club_shown.effect_said(wb, joined), "62% of the joiners ordered on the day they joined", "made up for"
    )


def test_a_club_joined_at_the_till_is_estimated_with_the_chance_to_join(monkeypatch):
    """Where so many join with an order, effect and discounts are both told of the chance; else of none."""
    seen = {}
    panel = SimpleNamespace(months=pd.period_range("2024-01", periods=2, freq="M"))
    monkeypatch.setattr(club_shown, "club", lambda tables, day: SimpleNamespace(as_of=day))
    monkeypatch.setattr(club_shown, "club_panel", lambda *given: panel)
    monkeypatch.setattr(club_shown, "joining_chance", lambda *given: "the chance")
    monkeypatch.setattr(club_shown, "club_effect", lambda *given, chance, **more: seen.update(effect=chance))
    monkeypatch.setattr(
        club_shown, "discount_rise", lambda *given, chance, **more: seen.update(discount=chance)
    )
    for name in ("naive_comparisons", "comparisons_beside_truth", "programme_profit"):
        monkeypatch.setattr(club_shown, name, lambda *given: None)
    for matters, expected in ((True, "the chance"), (False, None)):
        ordered = SimpleNamespace(matters=matters, share=0.6)
        monkeypatch.setattr(club_shown, "joining_orders", lambda *given, found=ordered: found)
        answer = club_shown.answer({}.get, None, SimpleNamespace(last="day"), 5.0, None, 1)
        assert seen == {"effect": expected, "discount": expected}
        assert answer.at_the_till == (0.6 if matters else None)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (
            {},
            [
                "The club earned £400",
                "£10.00 to £800",
                "without the fees it would be £200 (−£190 to £600)",
                "As long as fees stay above rewards",
                "is not clear",
                "by lot",
            ],
        ),
        ({"low": 0.01, "early": (0.0, -0.1, 0.1, 0.5)}, ["The club earned £400", "Keep it."]),
        ({"low": 0.01, "early": (-0.2, -0.4, -0.1, 0.01)}, ["is not clear. End nothing"]),
        ({"low": -0.2, "effect": -0.1, "high": -0.05}, ["buy less once they have joined"]),
        ({"decision": "end"}, ["The club lost £400", "£10.00 to £800", "end it"]),
        ({"decision": "not known"}, ["cannot be told:", "−£100", "effect of 2.0%"]),
        ({"decision": "not known", "even": np.inf}, ["cannot be told:", "a member and year."]),
    ],
)
def test_what_the_club_earned_decides(wb, hold, options, said):
    hold(club_shown.profit_said(wb, club_of(**options), 5.0), *said)


def test_comparisons_show_the_truth_only_where_it_is_known(wb, plain):
    found = club_of()
    assert club_shown.comparisons(found)["truth"].tolist() == [0.08, 0.08]
    assert "off_by" in club_shown.flaw_columns(found)
    hidden = club_of(truth=None)
    assert "truth" not in club_shown.comparisons(hidden) and "off_by" not in club_shown.flaw_columns(hidden)
    assert club_shown.flaws(found)["flaw"].iloc[-1] == "The comparison used here."
    plain(club_shown.comparisons_title(wb, found), "166%", "raises purchases by 8.0%, perhaps not at all")
    assert club_shown.comparisons_title(wb, club_of(low=0.01)).endswith("joining raises purchases by 8.0%")
    assert club_shown.who(wb, found).endswith("242 customers who joined within the data, 2,370 who did not")
    plain(
        club_shown.account_note(wb, found),
        "200 member years",
        "less discount than expected",
        "the interval holds zero",
        "Fees of some",
    )


def test_by_hand_and_by_stage(wb):
    found = club_of()
    sums = club_shown.hand_made(found)["orders"]
    assert sums.iloc[0] / sums.iloc[1] - 1 == pytest.approx(0.0818, abs=1e-3)
    assert club_shown.stages(found)["label"].tolist() == ["Before joining", "Months 1 to 3"]
    assert club_shown.stages(club_of(early=(np.nan,) * 4))["label"].tolist() == ["Months 1 to 3"]
    assert club_shown.profit(found)["part"].tolist()[::3] == ["Fees", "Profit"]
    assert club_shown.profit_of(found) == (400.0, 10.0, 800.0) and club_shown.profit_of(None) is None


def test_members_are_counted_by_group_and_inactive_customers_left_out():
    people = company()
    segments = groups_shown.segments_of(parted_of(), people.index)
    segments.iloc[5:25] = INACTIVE
    table = club_shown.by_segment(club_of(), segments, pd.DataFrame({"money": people["value"]}), 5.0)
    assert (
        table["customers"].sum() == 220
        and table["members"].sum() == 1
        and INACTIVE not in set(table["segment"])
    )


# Cards and closing


def cards_of(wb, kept=True, past=True, **options):
    own = planned(**options)
    segments = own.segments.copy()
    segments.iloc[230:] = INACTIVE
    now = own.people
    everybody = groups_shown.people_of(
        segments, now, own.book, own.tried, own.terms.levels, None, None, own.effect
    )
    if past:
        everybody["past"] = own.book["margin"] * 0.9
    people = features(240).assign(profit=now["value"])
    profile = segment_profiles(segments, people).table
    moves = moved(segments, segments) if kept else None
    facts = cards.facts(profile, segment_values(segments, now["value"]), everybody, moves)
    return own, everybody, facts, cards.card_rows(wb, facts, 36)


def test_every_group_has_a_card_with_all_its_parts(wb, hold):
    _, everybody, facts, rows = cards_of(wb)
    assert rows["segment"].tolist() == [*SEGMENTS, INACTIVE] and list(rows.columns[1:]) == list(cards.PARTS)
    for text in rows[list(cards.PARTS)].to_numpy().ravel():
        hold(text)
        assert text.endswith(".")
    assert facts["cost"].sum() == pytest.approx(everybody["level_cost"].sum())
    assert facts["customers"].sum() == 240
    assert facts["raised"].sum() == (everybody["level"] != "basic").sum()


def test_a_card_says_what_must_come_back_by_plain_arithmetic(wb):
    _, everybody, _, rows = cards_of(wb)
    mine = everybody[(everybody["segment"] == "True friends") & (everybody["level"] != "basic")]
    extra = (mine["level_cost"] - 1.0).sum()
    card = rows.set_index("segment").loc["True friends", "comes_back"]
    assert f"The {len(mine)} customers raised" in card
    assert f"rise by {extra / mine['margin'].sum():.1%}" in card


def test_a_card_of_a_group_that_nobody_is_raised_in(wb, hold):
    _, _, _, rows = cards_of(wb, kept=False, margin=pd.Series(3.0, company().index))
    card = rows.iloc[0]
    hold(card["comes_back"], "nobody is raised")
    hold(card["known_by"], "Watch their number and their profit")
    assert "basic for" not in card["gets"] and card["gets"].startswith("Basic for")


def test_the_smallest_rise_that_a_test_sees_shrinks_with_what_the_past_explains():
    margin = pd.Series(np.random.default_rng(1).normal(100, 30, 400))
    alone = cards.smallest_rise(pd.DataFrame({"margin": margin}))
    # 80 % power at 5 %: 2.8 standard errors of the difference of two halves.
    assert alone == pytest.approx(2.80 * margin.std() * np.sqrt(2 / 200), rel=0.01)
    past = margin + np.random.default_rng(2).normal(0, 30, 400)
    less = cards.smallest_rise(pd.DataFrame({"margin": margin, "past": past}))
    assert less == pytest.approx(alone * np.sqrt(1 - margin.corr(past) ** 2), rel=1e-6)
    assert np.isnan(cards.smallest_rise(pd.DataFrame({"margin": [1.0, 2.0]})))
    assert np.isnan(cards.smallest_rise(pd.DataFrame({"margin": [5.0] * 100})))


def test_hostile_names_in_cards_stay_text():
    rows = pd.DataFrame([{"segment": HOSTILE, **dict.fromkeys(cards.PARTS, HOSTILE)}])
    shown = cards.show_cards(rows)
    assert "<b>" not in shown.markup and shown.markup.count("&lt;b&gt;$x {0} &amp; Söhne") == 7
    assert shown.text.count(HOSTILE) == 7


def test_the_decision_names_what_can_be_lost_and_what_a_test_can_see(wb, hold):
    own, everybody, _, _ = cards_of(wb)
    choices = choices_of(own)
    seen = closing.seen_by_test(everybody, None)
    assert seen.endswith("of the margin")
    act, wait = closing.decision(wb, choices, own.tried, None, seen)
    hold(
        act,
        "Raise",
        "above basic",
        "the most that can be lost",
        "half the assumed effect",
        "A test on half of them",
    )
    hold(wait, "keeps the routine", "neither gained nor risked")
    act, _ = closing.decision(wb, choices, own.tried, None, "")
    hold(act, "too few for a test")
    low = choices.assign(low=-5.0)
    act, wait = closing.decision(wb, low, own.tried, today_of(own, 500.0)[0], seen)
    hold(act, "only those of the highest margin at first", "−£5")
    hold(wait, "attention stays where it is", "above the level that pays")
    nobody = everybody.assign(steps=0)
    assert closing.seen_by_test(nobody, None) == ""


@pytest.mark.parametrize(
    ("options", "raised", "said"),
    [
        ({}, 7, ["are true friends and bring", "before the cost of winning", "pays for 7 customers"]),
        ({}, 0, ["are true friends and bring", "before the cost of winning", "pays for nobody"]),
        ({"mean": -300.0}, 1, ["are true friends;", "pays for 1 customer if"]),
        ({"mean": -300.0}, 0, ["are true friends;", "pays for nobody"]),
    ],
)
def test_the_headline_answers_the_question(wb, hold, options, raised, said):
    choices = pd.DataFrame({"customers": [raised]})
    hold(
        closing.headline(wb, parted_of(**options), choices, None),
        *said[:-1],
        "than the basic level",
        said[-1],
    )
    today = today_of(planned(), 0.0)[0]
    hold(closing.headline(wb, parted_of(**options), choices, today), *said[:-1], "than today", said[-1])


def test_findings_are_five_at_most_and_each_has_a_meaning(wb, hold, search, two_years):
    own = planned()
    today = today_of(own, 500.0)[0]
    found = closing.findings(
        wb, parted_of(mean=30.0), search, rivals("worse"), moved(*two_years), today, club_of()
    )
    assert len(found) == 5
    for text, meaning in found:
        hold(text)
        hold(meaning)
    words = " ".join(str(text) for text, _ in found)
    for part in ("served", "barnacles", "2 groups come back", "true friends", "Members buy 166% more"):
        assert part in words or part == "served"
    assert closing.findings(wb, parted_of(), None, None, None, None, None) != []


@pytest.mark.parametrize(
    ("options", "against", "said"),
    [
        ({"chosen": 1}, None, "No clusters of customers are steady enough"),
        ({"structure": "none"}, "better", "do not lie apart; they foretell profit better"),
        (
            {"structure": "weak"},
            "no difference beyond chance",
            "only weakly apart; they foretell profit no better",
        ),
        ({}, None, "lie apart."),
    ],
)
def test_the_finding_on_clusters_is_as_strong_as_they_are(wb, hold, search, options, against, said):
    found = closing.findings(
        wb,
        parted_of(mean=900.0),
        counted(search, **options),
        rivals(against) if against else None,
        None,
        None,
        None,
    )
    hold(next(text for text, _ in found if "luster" in str(text)), said)


def test_a_club_that_explains_more_than_it_seems_is_told_plainly(wb, hold):
    found = closing.findings(wb, parted_of(), None, None, None, None, club_of(effect=1.8, low=1.2, high=2.2))
    hold(found[-1][0], "Membership changes purchases by 180%")


def test_key_figures_are_noted_with_their_definition(wb, two_years):
    own = planned()
    choices = choices_of(own)
    wb._metrics.clear()
    closing.metrics(wb, parted_of(), "12 months to 30 June 2026", choices, moved(*two_years), club_of())
    noted = dict(wb._metrics)
    wb._metrics.clear()
    assert list(noted) == ["true_friends", "true_friends_profit", "friends_kept", "level_gain", "club_profit"]
    assert noted["club_profit"]["low"] == 10.0 and noted["level_gain"]["low"] == pytest.approx(
        choices["low"].iloc[0]
    )


def test_the_saved_table_has_every_customer_once_and_money_that_adds_up():
    everybody = pd.Index(["a", "b", "c"], name="customer_id")
    profits = pd.DataFrame(
        {"customer_id": ["a", "c"], "net_sales": [9.0, 1.0], "gross_margin": [4.0, 0.5], "service_cost": [1.0, 2.0],
         "acquisition_cost": [0.0, 3.0], "profit": [3.0, -4.5]})  # fmt: skip
    columns = {
        "segment": pd.Series(["True friends"], ["a"]), "cluster": pd.Series([2], ["c"], dtype="Int64"), "level_now": None,
    }  # fmt: skip
    found = closing.saved_segments(everybody, profits, pd.Series([7.0], ["b"]), columns, (50.0, 24.0))
    assert found["customer_id"].tolist() == ["a", "b", "c"] and found["segment"].tolist() == [
        "True friends",
        "",
        "",
    ]
    assert found["profit"].tolist() == [3.0, 0.0, -4.5] and found["value_ahead"].tolist() == [0.0, 7.0, 0.0]
    assert found["cluster"].isna().tolist() == [True, True, False] and (found["level_now"] == "").all()
    assert (found["value_cut"] == 50.0).all() and (found["tenure_cut"] == 24.0).all()
