"""What is gained when a customer stays: by lifetime value where it is known, else by a margin."""

from dataclasses import dataclass

import pandas as pd

from crmlib.analysis.targeting.value_kept import by_model, value_if_kept
from crmlib.errors import DataError, ParameterError

#: Where the values come from, in words.
SOURCES = {
    "value": "lifetime value if the customer stays",
    "stated": "the margin stated in the parameters",
    "margin": "gross margin of the last 12 months",
    "sums": "gross margin of the months looked back",
    "fee": "margin on the fees of a year",
}


@dataclass(frozen=True)
class WorthKeeping:
    """What each customer brings if he stays rather than leaves.

    Attributes
    ----------
    value : Series of float
        By ``customer_id``: gained if the customer is kept (run's currency), over `months`.
    yearly : Series of float
        The same over one year, for losses stated per year.
    source : str
        Key of `SOURCES`.
    months : int
        How far ahead `value` looks.
    comes_back : float
        Part of a customer's margin that one who leaves brings all the same; taken off.
    """

    value: pd.Series
    yearly: pd.Series
    source: str
    months: int
    comes_back: float

    @property
    def words(self) -> str:
        """Where the values come from."""
        return SOURCES[self.source]


def worth_keeping(
    saved: pd.DataFrame | None,
    features: pd.DataFrame,
    stated: float = 0.0,
    comes_back: float = 0.0,
    gross_margin: float | None = None,
) -> WorthKeeping:
    """Value customers by the best that is known of them.

    Parameters
    ----------
    saved : DataFrame or None
        The table ``lifetime_value`` that notebook 04 saves.
    features : DataFrame
        Of today's snapshot, indexed by ``customer_id``; with columns such as ``gross_margin_12m``, of which the one
        that looks back furthest is taken, or such as ``net_sales_12m`` where a `gross_margin` is stated.
    stated : float
        Margin that a kept customer brings in a year; above 0 it is taken for everybody.
    comes_back : float
        Part of the margin that those who leave bring all the same, from 0 to 1; see
        `crmlib.analysis.churn.came_back.came_back`.
    gross_margin : float, optional
        Share of net sales that is margin, where costs are not in the data.

    Returns
    -------
    WorthKeeping
        Customers without a lifetime value of their own have the margin of the months looked back, carried to a year;
        so have all where the values are those of a simple forecast, for these know no chance to leave.

    Raises
    ------
    DataError
        If the margin is needed and no feature holds it.
    ParameterError
        If `comes_back` is no share.

    Notes
    -----
    Definition of this project; see `crmlib.analysis.targeting.value_kept.value_if_kept` for the lifetime value. The
    past margin counts as that of the year to come.

    Examples
    --------
    >>> known = pd.DataFrame({"gross_margin_12m": [40.0, 10.0]}, index=pd.Index(["A", "B"], name="customer_id"))
    >>> found = worth_keeping(None, known, comes_back=0.1)
    >>> found.value.to_dict(), found.words
    ({'A': 36.0, 'B': 9.0}, 'gross margin of the last 12 months')
    """
    if not 0 <= comes_back <= 1:
        raise ParameterError(f"comes_back = {comes_back}", "a share from 0 to 1", "give 0.2 for 20 %")
    stays_away = 1 - comes_back
    if stated > 0:
        value = pd.Series(stays_away * stated, features.index, name="value")
        return WorthKeeping(value, value, "stated", 12, comes_back)
    name, months = _longest_margin(features, gross_margin is not None)
    rate = gross_margin if name.startswith("net_sales") else 1.0
    past = (features[name].astype("float64") * (rate * stays_away * 12 / months)).rename("value")
    source = "margin" if months == 12 else "sums"
    if saved is None or "alive" not in saved or saved["alive"].isna().any() or not by_model(saved):
        return WorthKeeping(past, past, source, 12, comes_back)
    horizons = sorted(int(one[6:]) for one in saved.columns if one[:6] == "value_" and one[6:].isdigit())
    if not horizons:
        return WorthKeeping(past, past, source, 12, comes_back)
    value = value_if_kept(saved, horizons[-1], comes_back).reindex(features.index)
    yearly = value_if_kept(saved, 12, comes_back) if 12 in horizons else value * 12 / horizons[-1]
    yearly = yearly.reindex(features.index)
    return WorthKeeping(value.fillna(past), yearly.fillna(past), "value", horizons[-1], comes_back)


def _longest_margin(features: pd.DataFrame, margin_stated: bool) -> tuple[str, int]:
    """The column of gross margin, or else of net sales, that looks back furthest, and how many months."""
    for start in ("gross_margin_", *(["net_sales_"] if margin_stated else [])):
        found = [
            (name, int(name.rsplit("_", 1)[1][:-1]))
            for name in features.columns
            if name.startswith(start) and name.endswith("m")
        ]
        if found:
            return max(found, key=lambda one: one[1])
    raise DataError(
        "features without a gross margin", "a column such as gross_margin_12m, or a stated gross margin",
        "state a margin per customer kept, or make the features with it",
    )  # fmt: skip


def of_fees(margin: pd.Series) -> WorthKeeping:
    """Value customers under contract by the margin on their fees of a year.

    Parameters
    ----------
    margin : Series of float
        By ``customer_id``, run's currency.
    """
    value = margin.astype("float64").rename("value")
    return WorthKeeping(value, value, "fee", 12, 0.0)
