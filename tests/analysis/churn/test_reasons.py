"""Reasons: by hand, against plain second predictions, and in words that are plain text."""

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit

from crmlib.analysis.churn.calibration import CalibratedPredictor, LogisticCurve
from crmlib.analysis.churn.drivers import related_features
from crmlib.analysis.churn.predictors import fit_predictor
from crmlib.analysis.churn.reasons import Wording, explain_customers, typical_values
from crmlib.errors import ParameterError, TooLittleData


@pytest.fixture(scope="module")
def given(tried):
    return explain_customers(tried.forecast.predictor, tried.now.features, tried.forecast.typical_from)


def test_typical_is_the_median_and_the_most_frequent_name_and_missing_where_most_are_missing():
    stayed = pd.DataFrame(
        {
            "orders": [1, 2, 9],
            "gap": [np.nan, np.nan, 4.0],
            "some": [np.nan, 3.0, 5.0],
            "member": [True, True, False],
            "channel": pd.Categorical(["web", "shop", "shop"], categories=["fair", "web", "shop"]),
            "even": ["b", "a", None],
        }
    )
    found = typical_values(stayed)
    assert found[["orders", "some", "member", "channel", "even"]].tolist() == [2, 4, 1, "shop", "a"]
    assert np.isnan(found["gap"])


def test_the_typical_customer_is_like_a_typical_customer(tried):
    stayed = tried.forecast.typical_from
    typical = typical_values(stayed)
    one = pd.DataFrame({name: [typical[name]] for name in stayed}, index=pd.Index(["A"], name="customer_id"))
    found = explain_customers(tried.forecast.predictor, one, stayed)
    assert found.table.loc["A", "churn"] == found.typical_churn and found.table.loc["A", "side"] == "typical"
    assert found.sentences["A"] == "like a typical customer" and found.table["reason_1"].isna().all()


@pytest.mark.parametrize("method", ["logistic", "boosting"])
def test_changes_are_those_of_plain_second_predictions(tried, method):
    predictor, features, stayed = (
        tried.contest.predictors[method],
        tried.now.features,
        tried.forecast.typical_from,
    )
    found = explain_customers(predictor, features, stayed, least=0.01)
    typical, chance = typical_values(stayed), predictor.predict_churn(features)
    plain = pd.DataFrame(
        {
            name: chance
            - predictor.predict_churn(features.assign(**{column: typical[column] for column in columns}))
            for name, columns in related_features(stayed).items()
        }
    )
    sign = np.sign(chance - found.typical_churn)
    towards = plain.mul(sign, axis=0)
    told = found.table[found.table["side"] != "typical"]
    order = np.argsort(-towards.loc[told.index].to_numpy(), axis=1, kind="stable")
    best, second = towards.columns.to_numpy()[order[:, :2]].T
    assert len(told) > 800
    for number, names in ((1, best), (2, second)):
        given = told[f"feature_{number}"].notna().to_numpy()
        sizes = towards.loc[told.index].to_numpy()[np.arange(len(told)), towards.columns.get_indexer(names)]
        assert (given == (sizes >= 0.01)).mean() > 0.995
        same = told[f"feature_{number}"].astype("object").to_numpy()[given] == names[given]
        assert same.mean() > 0.995
        np.testing.assert_allclose(np.abs(told[f"change_{number}"])[given], sizes[given], atol=2e-6)


def test_changes_point_to_the_side_and_the_first_is_the_larger(given):
    table = given.table
    assert ((table["side"] == "higher") == (table["churn"] - given.typical_churn >= 0.02)).all()
    for number in (1, 2):
        change = table[f"change_{number}"]
        assert (change[table["side"] == "higher"].dropna() > 0).all() and (
            change[table["side"] == "lower"].dropna() < 0
        ).all()
        assert (change.isna() == table[f"reason_{number}"].isna()).all() and change.abs().min() >= 0.02
    both = table.dropna(subset=["change_2"])
    assert len(both) and (both["change_1"].abs() >= both["change_2"].abs()).all()
    assert (both["feature_1"].astype("str") != both["feature_2"].astype("str")).all()


def test_customers_who_have_not_come_for_long_are_told_so(tried, given):
    features = tried.now.features
    long_gone = features.index[(features["recency_days"] > 200) & (features["orders"] >= 3)]
    assert len(long_gone) > 5
    assert (given.table.loc[long_gone, "feature_1"] == "recency_days").mean() > 0.9
    said = given.table.loc[long_gone[0], "reason_1"]
    assert (
        said
        == f"last purchase {features.loc[long_gone[0], 'recency_days']:.0f} days ago (typically {given.typical['recency_days']:.0f})"
    )


def ruled(columns):
    """A logistic model of made customers with these columns, fitted to chances that follow them."""
    frame = pd.DataFrame(columns)
    rng = np.random.default_rng(1)
    first = frame.iloc[:, 0]
    risk = first if first.dtype.kind in "fib" else (first == first.iloc[0])
    left = pd.Series(rng.random(len(frame)) < expit(3 * np.asarray(risk.fillna(3.0), float) - 1.5))
    fitted = fit_predictor("logistic", frame, left, np.arange(len(frame)))
    return CalibratedPredictor(fitted, LogisticCurve(0.0, 1.0)), frame.set_index(
        pd.Index([f"C{i}" for i in frame.index], name="customer_id")
    )


def test_words_of_the_caller_with_formats_and_for_missing_values():
    share = np.r_[np.linspace(0, 1, 60), np.full(40, np.nan)]
    predictor, frame = ruled({"bought_on_offer": share})
    stayed = frame.iloc[:20]
    words = {"bought_on_offer": Wording("{value:.0%} on offer, {typical:.1%} is usual", "offers not known")}
    found = explain_customers(predictor, frame, stayed, wording=words).sentences
    assert found["C59"] == "higher: 100% on offer, 16.1% is usual"
    assert found["C99"] == "higher: offers not known"
    plain = explain_customers(predictor, frame, stayed).sentences
    assert (
        plain["C59"] == "higher: bought on offer: 1 (typical: 0.16)"
        and plain["C99"] == "higher: bought on offer: not known"
    )
    short = explain_customers(
        predictor, frame, stayed, wording={"bought_on_offer": "offers {value}"}
    ).sentences
    assert short["C59"] == "higher: offers 1"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            "usually {value:.0f} days between purchases (typically {typical})",
            "usually 1 days between purchases",
        ),
        ("trend {value:+.0%} (a year before; typically {typical:+.0%})", "trend +100% (a year before)"),
        (None, "days between: 1"),
        ("{value:.0f} days, {typical:.1f} is usual", "1 days, not known is usual"),
    ],
)
def test_where_most_have_no_value_nothing_typical_is_named(words, said):
    """Most of those who stayed bought once and have no time between purchases."""
    gap = np.r_[np.linspace(0, 1, 60), np.full(90, np.nan)]
    predictor, frame = ruled({"days_between": gap})
    stayed = frame.iloc[40:]
    assert np.isnan(typical_values(stayed)["days_between"])
    wording = {} if words is None else {"days_between": Wording(words, "bought once")}
    found = explain_customers(predictor, frame.iloc[[0, 59]], stayed, wording=wording, least=1e-6)
    told = found.table["reason_1"].dropna().tolist()
    assert told and all("nan" not in one and "(typical" not in one for one in told)
    assert said in told


def test_flags_are_told_as_yes_and_no():
    predictor, frame = ruled({"left_club": np.arange(200) % 2 == 0})
    found = explain_customers(predictor, frame, frame[~frame["left_club"]]).sentences
    assert found["C0"] == "higher: left club: yes (typical: no)" and found["C1"] == "like a typical customer"


def test_names_from_the_data_and_odd_column_names_stay_plain_text():
    evil = "<b>{typical.__class__}</b>"
    predictor, frame = ruled({"channel {x}": [evil, "web"] * 100})
    found = explain_customers(predictor, frame, frame[frame["channel {x}"] == "web"]).sentences
    assert found["C0"] == f"higher: channel {{x}}: {evil} (typical: web)"


def test_of_a_group_a_fact_with_words_is_told_before_a_chance():
    x = np.linspace(0.01, 0.99, 200)
    predictor, frame = ruled({"p_alive": 1 - x, "weeks": x, "months": x})
    groups = {"past": ("p_alive", "weeks", "months")}
    stayed = frame.iloc[:20]
    told = explain_customers(predictor, frame, stayed, groups=groups, wording={"months": "months {value}"})
    others = explain_customers(predictor, frame, stayed, groups=groups)
    alone = explain_customers(predictor, frame, stayed, groups={"p_alive": ("p_alive",)})
    far = told.table["side"].ne("typical").to_numpy().nonzero()[0][-1]
    assert told.table["reason_1"].iloc[far].startswith("months")
    assert others.table["reason_1"].iloc[far].startswith("weeks")
    assert "still active with a chance of" in alone.table["reason_1"].dropna().iloc[0]


def test_a_rule_gives_its_own_column_and_one_rate_gives_none(tried):
    for method, names in (("recency", ("recency_days",)), ("base_rate", ())):
        found = explain_customers(
            tried.contest.predictors[method], tried.now.features, tried.forecast.typical_from
        )
        assert found.looked_at == names
        assert set(found.table["feature_1"].dropna()) == set(names)
    assert (found.sentences == "like a typical customer").all()


def test_many_customers_are_screened_and_told_the_same(tried, given, monkeypatch):
    predictor, features, stayed = tried.forecast.predictor, tried.now.features, tried.forecast.typical_from
    monkeypatch.setattr("crmlib.analysis.churn.reasons._MANY", 1000)
    monkeypatch.setattr("crmlib.analysis.churn.reasons._SCREENED", 700)
    some = explain_customers(predictor, features, stayed, groups=related_features(stayed))
    assert "shoe_size" in some.passed_over and set(some.looked_at) | set(some.passed_over) == set(
        given.looked_at
    )
    same = some.sentences == given.sentences
    assert same.mean() > 0.9
    two = explain_customers(predictor, features, stayed, groups=related_features(stayed), most_groups=2)
    assert len(two.looked_at) == 2


def test_each_customer_is_explained_alone_and_again(tried, given):
    few = tried.now.features.sample(50, random_state=1)
    found = explain_customers(tried.forecast.predictor, few, tried.forecast.typical_from)
    pd.testing.assert_series_equal(found.sentences, given.sentences.loc[few.index])
    again = explain_customers(tried.forecast.predictor, tried.now.features, tried.forecast.typical_from)
    pd.testing.assert_frame_equal(again.table, given.table)


def test_no_customers_give_no_reasons_and_nobody_who_stayed_is_refused(tried):
    predictor, stayed = tried.forecast.predictor, tried.forecast.typical_from
    none = explain_customers(predictor, tried.now.features.head(0), stayed)
    assert none.table.empty and none.sentences.empty
    with pytest.raises(TooLittleData, match="nobody who stayed"):
        explain_customers(predictor, tried.now.features, stayed.head(0))
    with pytest.raises(ParameterError, match="star_sign"):
        explain_customers(predictor, tried.now.features, stayed, groups={"stars": ("star_sign",)})
