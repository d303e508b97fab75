"""What is known about customers before a contact, as numbers and as groups: missing values marked, names spread out."""

import numpy as np
import pandas as pd

_FEWEST = 20


def covariate_matrix(frame: pd.DataFrame) -> pd.DataFrame:
    """Turn covariates into columns of numbers without gaps.

    Parameters
    ----------
    frame : DataFrame of shape (n_rows, n_covariates)
        Numbers, booleans, or names (text or ``category``).

    Returns
    -------
    DataFrame
        Same index. A number keeps its name; where it is missing it is replaced by the mean, and a column
        ``<name> missing`` marks the rows. A name becomes one column ``<name>: <value>`` for each value on at
        least 20 rows, the most frequent left out. Columns that do not vary are left out.

    Examples
    --------
    >>> covariate_matrix(pd.DataFrame({"recency_days": [10.0, None, 30.0], "club": [True, False, False]}))
       recency_days  recency_days missing  club
    0          10.0                   0.0   1.0
    1          20.0                   1.0   0.0
    2          30.0                   0.0   0.0
    """
    columns = {}
    for name in frame.columns:
        values = frame[name]
        if pd.api.types.is_bool_dtype(values) or pd.api.types.is_numeric_dtype(values):
            numbers = values.astype("float64").to_numpy()
            missing = np.isnan(numbers)
            if not missing.all():
                columns[name] = np.where(missing, np.nanmean(numbers), numbers)
            columns[f"{name} missing"] = missing.astype("float64")
        else:
            text = values.astype("object").where(values.notna(), "missing").astype("str")
            counts = text.value_counts().sort_index().sort_values(ascending=False, kind="stable")
            for value in counts.index[1:][counts.iloc[1:] >= _FEWEST]:
                columns[f"{name}: {value}"] = (text == value).to_numpy("float64")
    varying = {name: values for name, values in columns.items() if np.ptp(values) > 0}
    return pd.DataFrame(varying, index=frame.index)


def tiers(values: np.ndarray, count: int) -> np.ndarray:
    """Number groups of about equal size from 1, the lowest; equal values share a group.

    Examples
    --------
    >>> tiers(np.array([5.0, 1.0, 1.0, 9.0]), 2).tolist()
    [2, 1, 1, 2]
    """
    rank = pd.Series(values).rank(method="average").to_numpy()
    return np.ceil(rank / len(values) * count).clip(1, count).astype(int)
