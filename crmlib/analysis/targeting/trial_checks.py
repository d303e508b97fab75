"""Whether a test was run as planned: the lot fell evenly, arms are alike, windows do not run into each other."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import chisquare

from crmlib.analysis.targeting.covariates import covariate_matrix
from crmlib.analysis.targeting.differences import WaldTest, by_column
from crmlib.analysis.targeting.trial import Trial
from crmlib.errors import ParameterError

#: Shares of arms that would come about less often than this by lot point to a fault.
SUSPICIOUS = 0.001


@dataclass(frozen=True)
class Balance:
    """How alike the arms were before the contact.

    Attributes
    ----------
    table : DataFrame
        Indexed by covariate: ``mean_treated``, ``mean_control``, ``apart`` (standardised mean difference), ``low``,
        ``high``, ``beyond_chance`` (the interval, widened for the number of covariates, leaves out 0).
    test : WaldTest
        Whether all differences together can be chance.
    """

    table: pd.DataFrame
    test: WaldTest


def balance(trial: Trial, covariates: list[str] | None = None, level: float = 0.95) -> Balance:
    """Compare the arms in what was known before the contact.

    Parameters
    ----------
    trial : Trial
        With one action; see `Trial.only`.
    covariates : list of str, optional
        All of the trial's, if left out.
    level : float

    Returns
    -------
    Balance

    Raises
    ------
    TooLittleData
        If an arm has fewer than 30 customers.

    Notes
    -----
    The difference is divided by the root of the mean of the two variances within arms (Austin 2009, Statistics in
    Medicine 28:3083-3107). Arms are compared within campaigns; the joint test is that of Hansen & Bowers (2008),
    Statistical Science 23:219-236, with variances by customer.

    Examples
    --------
    >>> frame = pd.DataFrame({"treated": np.arange(200) % 2 == 0, "bought": 0.0, "recency_days": np.arange(200) // 2})
    >>> found = balance(Trial.of(frame, ["bought"], ["recency_days"]))
    >>> float(found.table.loc["recency_days", "apart"]), bool(found.table.loc["recency_days", "beyond_chance"])
    (0.0, False)
    """
    trial = trial.single_action()
    numbers = covariate_matrix(trial.rows[list(covariates or trial.covariates)])
    found = by_column(trial, numbers, level)
    chance = by_column(trial, numbers, 1 - (1 - level) / max(numbers.shape[1], 1)).table
    treated = trial.treated
    spread = np.sqrt((numbers[treated].var(ddof=1) + numbers[~treated].var(ddof=1)) / 2)
    table = found.table[["mean_treated", "mean_control"]].assign(
        apart=found.table["difference"] / spread,
        low=found.table["low"] / spread,
        high=found.table["high"] / spread,
        beyond_chance=(chance["low"] > 0) | (chance["high"] < 0),
    )
    return Balance(table.rename_axis("covariate"), found.zero())


def sample_ratio(trial: Trial, held_out: float | None = None) -> pd.DataFrame:
    """Check the share held out against the design.

    Parameters
    ----------
    trial : Trial
        With one action; see `Trial.only`.
    held_out : float, optional
        Designed share of the control arm. Without it, campaigns are held against the share in all of them, which
        finds only a campaign that differs from the others.

    Returns
    -------
    DataFrame
        Indexed by campaign, with a last row "all": ``treated``, ``control``, ``share_held_out``, ``expected`` (share),
        ``p_value``, ``suspicious`` (p_value below 0.001). In row "all" p_value is that of the total against the
        design or, without a design, of the campaigns against each other.

    Raises
    ------
    ParameterError
        If the share is not between 0 and 1.

    Notes
    -----
    Pearson's chi-squared test. A ratio that the lot cannot explain is a fault of drawing or recording, and no estimate
    from such a test can be trusted (Fabijan et al. 2019, KDD, pages 2156-2164).

    Examples
    --------
    >>> frame = pd.DataFrame({"treated": [True] * 900 + [False] * 300, "bought": 0.0})
    >>> found = sample_ratio(Trial.of(frame, ["bought"]), held_out=0.3).loc["all"]
    >>> float(found["share_held_out"]), bool(found["suspicious"])
    (0.25, True)
    """
    trial = trial.single_action()
    if held_out is not None and not 0 < held_out < 1:
        raise ParameterError(f"held_out = {held_out}", "a share between 0 and 1", "give 0.3 for 30 %")
    counts = trial.rows.groupby("campaign_id")["treated"].agg(rows="size", treated="sum")
    counts = counts.reindex(list(trial.campaigns))
    counts.loc["all"] = counts.sum()
    control = counts["rows"] - counts["treated"]
    expected = float(control["all"] / counts.loc["all", "rows"]) if held_out is None else held_out
    seen = np.stack([counts["treated"], control], axis=1).astype("float64")
    due = counts["rows"].to_numpy()[:, None] * np.array([1 - expected, expected])
    p_value = np.array([chisquare(*pair).pvalue for pair in zip(seen, due, strict=True)])
    if held_out is None:
        # The total fits its own share; what is left to see is whether the campaigns differ.
        many = len(seen) - 1
        p_value[-1] = chisquare(seen[:-1].ravel(), due[:-1].ravel(), ddof=many).pvalue if many > 1 else np.nan
    return pd.DataFrame(
        {
            "treated": counts["treated"].astype("int64"),
            "control": control.astype("int64"),
            "share_held_out": control / counts["rows"],
            "expected": expected,
            "p_value": p_value,
            "suspicious": p_value < SUSPICIOUS,
        }
    )


def later_contacts(trial: Trial) -> WaldTest:
    """Test whether the arms were contacted unequally by other campaigns within the long window.

    A contact that drives customers away, or wins them back, changes who is drawn later; then long outcomes hold a
    part of the effect of those later contacts.
    """
    trial = trial.single_action()
    known = trial.where(trial.rows["contacts_during"].notna())
    return by_column(known, known.rows[["contacts_during"]]).zero()
