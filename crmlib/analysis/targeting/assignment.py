"""Who is contacted and who is held out: by lot, alike in what is known before, and the same when drawn again."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from crmlib.analysis.clv.refusals import refuse
from crmlib.analysis.targeting.covariates import tiers
from crmlib.analysis.targeting.trial import FEWEST_CUSTOMERS
from crmlib.errors import DataError, ParameterError, TooLittleData

TREATMENT, CONTROL = "treatment", "control"


def assign_arms(
    customers: pd.DataFrame,
    held_out: float,
    seed: int,
    strata: Sequence[str] = (),
    groups: int = 4,
    fewest: int = FEWEST_CUSTOMERS,
) -> pd.DataFrame:
    """Draw by lot which customers of a list are held out, evenly within strata.

    Parameters
    ----------
    customers : DataFrame
        Indexed by ``customer_id``, each once.
    held_out : float
        Share of the control arm, above 0 and below 1.
    seed : int
        Another seed for each campaign: with the same one, the same customers tend to be held out again.
    strata : sequence of str
        Columns of `customers` to be alike in both arms. A number with more than `groups` different values is
        cut into `groups` of about equal size, equal values together. Missing values are a stratum of their own.
    groups : int
    fewest : int
        Customers that each arm must have at least, 1 or more. Below 30 an arm tells nothing alone: only where lots of
        several lists are put together later.

    Returns
    -------
    DataFrame
        Indexed by ``customer_id`` (sorted): ``stratum`` (text), ``arm`` ('treatment' or 'control', as the table
        ``contacts`` has it).

    Raises
    ------
    DataError
        If a customer stands twice, has no id, or a column is missing.
    ParameterError
        If the share is out of range, `groups` below 2, or `fewest` below 1.
    TooLittleData
        If an arm would have fewer customers than `fewest`.

    Notes
    -----
    Within strata, customers are put in an order by chance; along that order, stratum after stratum, they are held out
    at equal distances from a start by chance (systematic sampling: Cochran 1977, Sampling Techniques, chapter 8). So
    the share of the control arm is that of the design to within one customer in each stratum and in the
    whole, and each customer has the same chance. Chance comes from hashes of the ids and the seed: the same list and
    seed give the same arms whatever the order of rows, on any machine. Who joins the list later can move others.

    Examples
    --------
    >>> people = pd.DataFrame({"channel": ["web", "shop"] * 100}, index=[f"C{i:03d}" for i in range(200)])
    >>> drawn = assign_arms(people, held_out=0.3, seed=1, strata=["channel"])
    >>> drawn.value_counts().sort_index().to_dict()
    {('shop', 'control'): 30, ('shop', 'treatment'): 70, ('web', 'control'): 30, ('web', 'treatment'): 70}
    """
    if not 0 < held_out < 1:
        raise ParameterError(f"held_out = {held_out}", "a share between 0 and 1", "give 0.3 for 30 %")
    if groups < 2 or fewest < 1:
        raise ParameterError(
            f"groups = {groups}, fewest = {fewest}", "2 groups and 1 customer or more", "give 4 for quarters"
        )
    missing = [name for name in strata if name not in customers.columns]
    if missing:
        raise DataError(
            f"customers without {missing[0]}", "all columns of strata", "join it, or leave it out"
        )
    for bad, what in ((customers.index.isna(), "a customer without an id"),
                      (customers.index.duplicated(), "a customer who stands twice")):  # fmt: skip
        if bad.any():
            refuse(bad, customers.index, what, "one row each", "keep one row")
    if int(min(held_out, 1 - held_out) * len(customers)) < fewest:
        raise TooLittleData(
            f"{len(customers)} customers, {held_out:.0%} of them to be held out",
            f"at least {fewest} in each arm",
            "take a longer list, or join the lists of several campaigns",
        )
    stratum = _strata(customers[list(strata)], groups)
    ids = customers.index.astype("str")
    lot = _lot(ids.to_numpy("object"), seed)
    order = np.lexsort((ids.to_numpy("object").astype("U"), lot, stratum.to_numpy("object").astype("U")))
    # The start, too, is drawn from the seed, so that the first customer has the chance of all others.
    places = np.arange(len(ids) + 1) * held_out + np.random.default_rng([seed, 29]).random()
    out = np.empty(len(ids), dtype=bool)
    out[order] = np.diff(np.floor(places)) > 0
    arm = pd.Series(np.where(out, CONTROL, TREATMENT), customers.index, dtype="str")
    found = pd.DataFrame({"stratum": stratum, "arm": arm}).sort_index()
    return found.rename_axis("customer_id")


def _strata(frame: pd.DataFrame, groups: int) -> pd.Series:
    """Name the stratum of each customer."""
    parts = []
    for name in frame.columns:
        values = frame[name]
        numeric = pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values)
        if numeric and values.nunique() > groups:
            numbers = values.astype("float64")
            known = numbers.notna()
            text = pd.Series("missing", frame.index, dtype="object")
            text[known] = [f"{name} {tier} of {groups}" for tier in tiers(numbers[known].to_numpy(), groups)]
        else:
            text = values.astype("object").where(values.notna(), "missing").map(str)
        parts.append(text)
    if not parts:
        return pd.Series("all", frame.index, dtype="str")
    joined = parts[0].str.cat(parts[1:], sep=" | ") if len(parts) > 1 else parts[0]
    return joined.astype("str")


def _lot(ids: np.ndarray, seed: int) -> np.ndarray:
    """Numbers by chance for ids: SipHash, keyed by the seed."""
    return pd.util.hash_array(ids, hash_key=f"{seed % 10**16:016d}", categorize=False)
