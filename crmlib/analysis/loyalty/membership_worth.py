"""For which customers a membership is worth it to the company."""

import numpy as np
import pandas as pd

from crmlib.analysis.loyalty.staggered_effect import ClubEffect
from crmlib.errors import DataError, ParameterError

WORTH, NOT_WORTH, NOT_KNOWN = "worth it", "not worth it", "not known"


def membership_worth(
    expected_margin: pd.Series,
    members: pd.Index,
    effect: ClubEffect,
    fee_per_year: float,
    reward_cost_per_year: float,
) -> pd.DataFrame:
    """Compare what a year of membership adds with what it costs, customer by customer.

    Parameters
    ----------
    expected_margin : Series of float
        Margin expected in the next 12 months, by ``customer_id``: of members as members, of others without the club.
    members : Index
        Who is a member now.
    effect : ClubEffect
    fee_per_year, reward_cost_per_year : float
        What a member pays and what his rewards cost, in a year, 0 or more.

    Returns
    -------
    DataFrame
        Indexed like `expected_margin`: ``member``, ``expected_margin``, ``worth`` (margin from the effect + fee -
        rewards, run's currency), ``low``, ``high``, ``verdict``: ``worth it`` or ``not worth it`` where the whole
        interval says so, else ``not known``.

    Raises
    ------
    DataError
        If a customer stands twice.
    ParameterError
        If the fee or the cost is negative.

    Notes
    -----
    Definition of this project. The effect is the same share for everybody; the interval is that of the effect, not
    of the expected margin. Whether somebody would join is another question.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> effect = SimpleNamespace(effect=0.10, low=0.02, high=0.20)
    >>> margin = pd.Series({"A": 550.0, "B": 50.0, "C": 200.0})
    >>> membership_worth(margin, pd.Index(["A"]), effect, fee_per_year=0.0, reward_cost_per_year=10.0).round(2)
       member  expected_margin  worth    low   high       verdict
    A    True            550.0   40.0   0.78  81.67      worth it
    B   False             50.0   -5.0  -9.00   0.00     not known
    C   False            200.0   10.0  -6.00  30.00     not known
    """
    for name, value in (("fee_per_year", fee_per_year), ("reward_cost_per_year", reward_cost_per_year)):
        if not value >= 0:
            raise ParameterError(f"{name} = {value}", "0 or more", f"correct {name}")
    if expected_margin.index.has_duplicates:
        twice = expected_margin.index[expected_margin.index.duplicated()][0]
        raise DataError(f"customer {twice} twice", "one row per customer", "add rows up first")
    margin = expected_margin.to_numpy("float64", na_value=np.nan)
    member = expected_margin.index.isin(members)

    def worth(size: float) -> np.ndarray:
        return margin * np.where(member, size / (1 + size), size) + fee_per_year - reward_cost_per_year

    ends = np.array([worth(effect.low), worth(effect.high)])
    low, high = ends.min(axis=0), ends.max(axis=0)
    return pd.DataFrame(
        {
            "member": member,
            "expected_margin": margin,
            "worth": worth(effect.effect),
            "low": low,
            "high": high,
            "verdict": np.select([low > 0, high < 0], [WORTH, NOT_WORTH], NOT_KNOWN),
        },
        index=expected_margin.index,
    )
