"""Published numbers of the models in continuous time, on the CDNOW cohort.

The data stay where they are: CRMLIB_REAL_DATA names the folder, and without it these tests are skipped.
"""

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from crmlib.analysis.clv.timing.bg_nbd import BGNBD
from crmlib.analysis.clv.timing.mbg_nbd import MBGNBD
from crmlib.analysis.clv.timing.pareto_nbd import ParetoNBD

FOLDER = os.environ.get("CRMLIB_REAL_DATA")
needs_data = pytest.mark.skipif(not FOLDER, reason="CRMLIB_REAL_DATA names no folder")
AHEAD = 39.0
MODELS = {"bg": BGNBD, "mbg": MBGNBD, "pareto": ParetoNBD}
FHL = "Fader, Hardie & Lee 2005"


@pytest.fixture(scope="module")
def cdnow():
    """2,357 customers, first purchases in the first quarter of 1997, seen for 39 weeks, in weeks."""
    table = pd.read_csv(Path(FOLDER) / "cdnow" / "cdnow_customers_summary.csv", index_col="ID")
    return table.rename(columns={"frequency": "x", "recency": "t_x"})


@pytest.fixture(scope="module")
def fitted(cdnow):
    return {name: model().fit(cdnow) for name, model in MODELS.items()}


@pytest.fixture(scope="module")
def expected(cdnow, fitted):
    return {name: model.predict_orders(cdnow, AHEAD) for name, model in fitted.items()}


@pytest.fixture(scope="module")
def bought(cdnow):
    """What each of them bought in the 39 weeks after, counted from the log, once a day."""
    log = pd.read_csv(
        Path(FOLDER) / "cdnow" / "CDNOW_sample.txt.gz",
        sep=r"\s+",
        header=None,
        names=["master", "ID", "date", "discs", "dollars"],
    ).drop_duplicates(["ID", "date"])
    seen = log[log["date"] <= 19970930].groupby("ID").size() - 1
    assert (seen.reindex(cdnow.index) == cdnow["x"]).all()
    return log[log["date"] > 19970930].groupby("ID").size().reindex(cdnow.index, fill_value=0)


def printed(value, digits):
    """Equal to what was printed with so many digits."""
    return pytest.approx(value, abs=0.5 * 10**-digits * 1.02)


def ids(cases):
    return [pytest.param(*values, id=name) for name, values in cases.items()]


@needs_data
@pytest.mark.parametrize(
    ("model", "name", "value", "digits"),
    ids(
        {
            f"{FHL}, Table 2: BG/NBD r": ("bg", "r", 0.243, 3),
            f"{FHL}, Table 2: BG/NBD alpha": ("bg", "alpha", 4.414, 3),
            f"{FHL}, Table 2: BG/NBD a": ("bg", "a", 0.793, 3),
            f"{FHL}, Table 2: BG/NBD b": ("bg", "b", 2.426, 3),
            f"{FHL}, Table 2: Pareto/NBD r": ("pareto", "r", 0.553, 3),
            f"{FHL}, Table 2: Pareto/NBD alpha": ("pareto", "alpha", 10.578, 3),
            f"{FHL}, Table 2: Pareto/NBD s": ("pareto", "s", 0.606, 3),
            f"{FHL}, Table 2: Pareto/NBD beta (printed 11.669, the likelihood is flat there)": (
                "pareto",
                "beta",
                11.669,
                2,
            ),
            "computed: MBG/NBD r": ("mbg", "r", 0.525, 3),
            "computed: MBG/NBD alpha": ("mbg", "alpha", 6.183, 3),
            "computed: MBG/NBD a": ("mbg", "a", 0.891, 3),
            "computed: MBG/NBD b": ("mbg", "b", 1.614, 3),
        }
    ),
)
def test_estimates(fitted, model, name, value, digits):
    assert fitted[model].params_[name] == printed(value, digits)


@needs_data
@pytest.mark.parametrize(
    ("model", "value", "digits"),
    ids(
        {
            f"{FHL}, Table 2: BG/NBD": ("bg", -9582.4, 1),
            f"{FHL}, Table 2: Pareto/NBD": ("pareto", -9595.0, 1),
            "computed: MBG/NBD": ("mbg", -9582.13, 2),
        }
    ),
)
def test_log_likelihoods(fitted, model, value, digits):
    assert fitted[model].log_likelihood_ == printed(value, digits)
    assert fitted[model].maximum_.at_edge == {}


@needs_data
@pytest.mark.parametrize(
    ("name", "value"),
    ids(
        {
            "CLVTools test suite: standard error of r": ("r", 0.048),
            "CLVTools test suite: standard error of alpha": ("alpha", 0.843),
            "CLVTools test suite: standard error of s": ("s", 0.187),
            "CLVTools test suite: standard error of beta": ("beta", 6.211),
        }
    ),
)
def test_standard_errors_of_pareto_nbd(fitted, name, value):
    assert fitted["pareto"].standard_errors_[name] == printed(value, 3)


@needs_data
@pytest.mark.parametrize(
    ("model", "value", "digits"),
    ids(
        {
            "recomputed: BG/NBD, sum of conditional expectations": ("bg", 1653.4, 1),
            "recomputed: Pareto/NBD, sum of conditional expectations": ("pareto", 1665.5, 1),
            "computed: MBG/NBD, sum of conditional expectations": ("mbg", 1576.74, 2),
        }
    ),
)
def test_expected_purchases_of_the_next_39_weeks(expected, model, value, digits):
    assert expected[model].sum() == printed(value, digits)


@needs_data
@pytest.mark.parametrize(
    ("model", "value"),
    ids(
        {
            f"{FHL}, Figure 3: BG/NBD, cumulative repeats at week 78": ("bg", 4160.6),
            f"{FHL}, Figure 3: Pareto/NBD, cumulative repeats at week 78": ("pareto", 4270.1),
        }
    ),
)
def test_expected_repeats_from_the_first_purchase_to_week_78(fitted, cdnow, model, value):
    assert fitted[model].expected_orders(cdnow["T"].to_numpy() + AHEAD).sum() == printed(value, 1)


@needs_data
def test_actual_repeats_of_the_hold_out(cdnow, bought):
    assert bought.sum() == 1882
    assert cdnow["x"].sum() + bought.sum() == 4339
    assert ((cdnow["x"] == 0).sum(), bought[cdnow["x"] == 0].sum()) == (1411, 334)
    three = bought[cdnow["x"] == 3]
    assert (len(three), three.mean(), three.min(), three.max()) == (100, 1.56, 0, 10)


@needs_data
@pytest.mark.parametrize(
    ("model", "value"),
    ids(
        {
            f"{FHL}, Figure 4: BG/NBD, customers without repeats": ("bg", 0.225),
            f"{FHL}, Figure 4: Pareto/NBD, customers without repeats": ("pareto", 0.138),
        }
    ),
)
def test_expectation_of_the_zero_class(cdnow, expected, model, value):
    assert expected[model][cdnow["x"] == 0].mean() == printed(value, 3)


@needs_data
@pytest.mark.parametrize(
    ("model", "mean", "digits", "low", "high"),
    ids(
        {
            f"{FHL}, Table 4: BG/NBD, customers with three repeats": ("bg", 1.52, 2, 0.04, 2.56),
            f"{FHL}, Table 4: Pareto/NBD, customers with three repeats": ("pareto", 1.714, 3, 0.09, 2.84),
        }
    ),
)
def test_expectation_of_customers_with_three_repeats(cdnow, expected, model, mean, digits, low, high):
    three = expected[model][cdnow["x"] == 3]
    assert three.mean() == printed(mean, digits)
    assert (three.min(), three.max()) == (printed(low, 2), printed(high, 2))


@needs_data
@pytest.mark.parametrize(
    ("model", "value"),
    ids(
        {
            f"{FHL}, Table 3: BG/NBD with actual": ("bg", 0.626),
            f"{FHL}, Table 3: Pareto/NBD with actual": ("pareto", 0.630),
        }
    ),
)
def test_correlation_with_what_they_did(expected, bought, model, value):
    assert np.corrcoef(expected[model], bought)[0, 1] == printed(value, 3)


@needs_data
@pytest.mark.parametrize("value", [pytest.param(0.996, id=f"{FHL}, Table 3: BG/NBD with Pareto/NBD")])
def test_correlation_between_the_models(expected, value):
    assert np.corrcoef(expected["bg"], expected["pareto"])[0, 1] == printed(value, 3)


@pytest.mark.parametrize(
    ("history", "alive", "orders"),
    ids(
        {
            "recomputed from note 021 and equation 10: two repeats, the last in week 30.43": (
                (2, 30.43, 38.86),
                0.7266,
                1.2259,
            ),
            "recomputed from note 021 and equation 10: one repeat in week 1.71": (
                (1, 1.71, 38.86),
                0.2122,
                0.2033,
            ),
        }
    ),
)
def test_single_histories_of_bg_nbd(history, alive, orders):
    model = BGNBD().with_params([0.24259, 4.41353, 0.79289, 2.42575])
    customer = pd.DataFrame([history], columns=["x", "t_x", "T"])
    assert model.predict_alive(customer)[0] == printed(alive, 4)
    assert model.predict_orders(customer, AHEAD)[0] == printed(orders, 4)


@needs_data
def test_the_fit_in_days_is_the_fit_in_weeks(cdnow, fitted):
    days = cdnow.assign(t_x=(cdnow["t_x"] * 7).round(), T=(cdnow["T"] * 7).round())
    for name, model in MODELS.items():
        in_days = model().fit(days)
        times = [7.0 if n in model.scales else 1.0 for n in model.names]
        assert in_days.params_.to_numpy() == pytest.approx(fitted[name].params_.to_numpy() * times, rel=2e-3)
        constant = -cdnow["x"].sum() * np.log(7)
        assert in_days.log_likelihood_ == pytest.approx(fitted[name].log_likelihood_ + constant, abs=0.2)
