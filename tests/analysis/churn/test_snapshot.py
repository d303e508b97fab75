"""What a snapshot says of itself, and snapshots under each other."""

from dataclasses import replace
from datetime import timedelta

import pandas as pd
import pytest

from crmlib.analysis.churn.snapshot import stacked


def test_the_window_ends_its_length_after_the_day(churners):
    one = churners.made(size=30)[0]
    assert one.ends == one.day + timedelta(days=churners.WINDOW)
    assert one.churned.index.equals(one.features.index)


def test_what_nobody_can_know_yet_is_refused(churners):
    today = churners.made(size=30, known=False)[0]
    with pytest.raises(ValueError, match=f"known only after {today.ends}"):
        _ = today.churned


def test_snapshots_under_each_other_keep_their_rows_and_kinds(churners):
    snapshots = churners.history(3, size=30)
    features, churned = stacked(snapshots)
    assert features.index.names == ["day", "customer_id"] and churned.index.equals(features.index)
    assert isinstance(features["channel"].dtype, pd.CategoricalDtype)
    for one in snapshots:
        pd.testing.assert_frame_equal(features.loc[one.day], one.features)
        pd.testing.assert_series_equal(churned.loc[one.day], one.churned)


def test_names_that_not_all_days_have_stay_names(churners):
    first, last = churners.history(2, size=30)
    fewer = first.features.assign(channel=pd.Categorical(["web"] * 30))
    features, _ = stacked([replace(first, features=fewer), last])
    assert features["channel"].loc[first.day].eq("web").all()
    assert set(features["channel"].loc[last.day]) == {"web", "shop", "reseller"}
