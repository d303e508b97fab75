"""A randomised test: who was contacted by lot, who was held out, and what both did afterwards."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta

import numpy as np
import pandas as pd

from crmlib.errors import DataError, TooLittleData

#: An arm with fewer customers is not estimated: the normal approximation has nothing to stand on.
FEWEST_CUSTOMERS = 30
_NEEDED = ("customer_id", "campaign_id", "action", "treated", "cost")


@dataclass(frozen=True)
class Trial:
    """Rows of one or more randomised tests.

    Attributes
    ----------
    rows : DataFrame
        One row per customer and campaign, index 0, 1, ...: ``customer_id``, ``campaign_id``, ``action`` (what was
        offered; missing in a control arm that serves every action of its campaign), ``treated`` (bool),
        ``cost`` (money spent on this row), perhaps ``contacted_on``, then outcomes and covariates.
    outcomes : tuple of str
        Columns measured after the day of contact; missing where the window is not over.
    covariates : tuple of str
        Columns known before the day of contact.
    response_days : int or None
        Length of the response window, if the rows come from dated contacts.
    notes : dict
        Counts of what was set aside or needs attention.
    """

    rows: pd.DataFrame
    outcomes: tuple[str, ...]
    covariates: tuple[str, ...] = ()
    response_days: int | None = None
    notes: dict[str, int] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        frame: pd.DataFrame,
        outcomes: Sequence[str],
        covariates: Sequence[str] = (),
        response_days: int | None = None,
        notes: dict[str, int] | None = None,
    ) -> "Trial":
        """Take a frame with one row per customer and campaign as it is; no row is ever merged.

        Parameters
        ----------
        frame : DataFrame
            Must have ``treated``. Where they are missing, ``customer_id`` is the index, ``campaign_id`` is
            "test", ``action`` is "contact" for the treated and ``cost`` is 0.
        outcomes, covariates : sequence of str
            Columns of `frame`; outcomes are numbers or booleans.
        response_days : int, optional
        notes : dict, optional

        Returns
        -------
        Trial

        Raises
        ------
        DataError
            If a column is missing, an arm is not True or False, a treated row has no action, or a customer is twice in
            one campaign.

        Examples
        --------
        >>> frame = pd.DataFrame({"treated": [True, False, True], "bought": [1, 0, 0]}, index=["A", "B", "C"])
        >>> trial = Trial.of(frame, outcomes=["bought"])
        >>> trial.actions, trial.rows["customer_id"].tolist(), trial.share().round(3).tolist()
        (('contact',), ['A', 'B', 'C'], [0.667, 0.667, 0.667])
        """
        wanted = ["treated", *outcomes, *covariates]
        missing = [name for name in wanted if name not in frame.columns]
        if missing:
            raise DataError(
                f"rows of a test without {', '.join(missing)}", "these columns", "name columns that are there"
            )
        if frame["treated"].isna().any():
            raise DataError(
                f"{int(frame['treated'].isna().sum())} rows without an arm",
                "treated = True or False in each row",
                "leave out rows whose arm is not known",
            )
        if not frame["treated"].isin([True, False]).all():
            raise DataError(
                f"treated = {frame.loc[~frame['treated'].isin([True, False]), 'treated'].iloc[0]!r}",
                "treated = True or False in each row",
                "compare the column of arms with the name of the treated one",
            )
        treated = frame["treated"].to_numpy(dtype=bool)
        action = pd.Series(np.where(treated, "contact", None), frame.index, dtype="str")
        defaults = {
            "customer_id": frame.index,
            "campaign_id": "test",
            "action": action,
            "cost": 0.0,
        }
        rows = frame.assign(
            **{name: value for name, value in defaults.items() if name not in frame.columns}, treated=treated
        ).reset_index(drop=True)
        dated = ["contacted_on"] if "contacted_on" in rows.columns else []
        rows = rows[list(dict.fromkeys([*_NEEDED, *dated, *rows.columns]))]
        rows[list(outcomes)] = rows[list(outcomes)].astype("float64")
        rows["action"] = rows["action"].astype("str")
        if (rows["action"].isna() & rows["treated"]).any():
            raise DataError(
                "treated rows without an action", "what was offered", "name the action of each treated row"
            )
        twice = rows.duplicated(["customer_id", "campaign_id"])
        if twice.any():
            first = rows[twice].iloc[0]
            raise DataError(
                f"{int(twice.sum())} rows repeat a customer in a campaign: {first['customer_id']} in "
                f"{first['campaign_id']}",
                "one row per customer and campaign",
                "give each wave its own campaign_id, or add its rows up",
            )
        return cls(rows, tuple(outcomes), tuple(covariates), response_days, dict(notes or {}))

    @property
    def actions(self) -> tuple[str, ...]:
        """What was offered, sorted."""
        return tuple(sorted(self.rows.loc[self.rows["treated"], "action"].unique()))

    @property
    def campaigns(self) -> tuple[str, ...]:
        """Campaigns in the order of their first contact; by name where days are not known."""
        if "contacted_on" not in self.rows.columns:
            return tuple(sorted(self.rows["campaign_id"].unique()))
        first = self.rows.groupby("campaign_id")["contacted_on"].min().rename("first").reset_index()
        return tuple(first.sort_values(["first", "campaign_id"])["campaign_id"])

    @property
    def treated(self) -> np.ndarray:
        """Who was contacted, by row."""
        return self.rows["treated"].to_numpy(dtype=bool)

    def where(self, kept: np.ndarray | pd.Series) -> "Trial":
        """Keep some rows, chosen by what was known before the contact; their index stays."""
        return replace(self, rows=self.rows.loc[np.asarray(kept, dtype=bool)])

    def only(self, action: str) -> "Trial":
        """Keep one action with its own controls: those drawn for it, or for every action of its campaigns."""
        return self.where(self.of_action(action))

    def of_action(self, action: str) -> np.ndarray:
        """Rows that `only` keeps, shape (n_rows,), bool."""
        own, treated = (self.rows["action"] == action).to_numpy(dtype=bool), self.treated
        if not (own & treated).any():
            raise ValueError(
                f"No row was treated with {action!r}; the actions are {', '.join(self.actions)}."
            )
        cells = pd.factorize(self.rows["campaign_id"])[0]
        ran = (np.bincount(cells, own & treated) > 0)[cells]
        return ran & (own | (self.rows["action"].isna().to_numpy() & ~treated))

    def pooled(self) -> "Trial":
        """Treat all actions as one; right only where their effects were found not to differ."""
        name = " + ".join(self.actions)
        return replace(self, rows=self.rows.assign(action=name))

    def known(self, outcome: str) -> "Trial":
        """Keep rows whose outcome is known, of campaigns that have both arms: the others compare nothing."""
        if outcome not in self.outcomes:
            raise ValueError(f"{outcome!r} is no outcome of this test; there are {', '.join(self.outcomes)}.")
        there = self.where(self.rows[outcome].notna())
        share = there.share()
        return there.where((share > 0) & (share < 1))

    def with_columns(self, columns: pd.DataFrame, covariates: bool = True) -> "Trial":
        """Add columns, indexed like the rows; by default as covariates, so known before the contact."""
        if not columns.index.equals(self.rows.index):
            raise ValueError("The columns to add are not indexed like the rows of the test.")
        names = tuple(columns.columns) if covariates else ()
        rows = self.rows.assign(**{name: columns[name] for name in columns.columns})
        return replace(self, rows=rows, covariates=tuple(dict.fromkeys((*self.covariates, *names))))

    def net(self, money: str) -> np.ndarray:
        """Return an outcome in money less the cost of the contact, by row."""
        return self.rows[money].to_numpy("float64") - self.rows["cost"].to_numpy("float64")

    def clusters(self) -> np.ndarray:
        """Number the customers by row, in the order of their names: 0, 1, ..."""
        return pd.factorize(self.rows["customer_id"], sort=True)[0]

    def cells(self) -> np.ndarray:
        """Number the campaigns by row: the rows among which the lot was drawn."""
        return pd.factorize(self.rows["campaign_id"], sort=True)[0]

    def share(self) -> np.ndarray:
        """Share of the treated in the campaign of each row: the chance of having been contacted."""
        cells = self.cells()
        return (np.bincount(cells, self.treated) / np.bincount(cells))[cells]

    def folds(self, count: int, seed: int = 0) -> np.ndarray:
        """Number folds of customers by row, 0 to `count` - 1: all rows of a customer in the same one."""
        clusters = self.clusters()
        customers = int(clusters.max()) + 1 if len(clusters) else 0
        if count < 2 or customers < count:
            raise TooLittleData(
                f"{customers} customers in {count} folds",
                "2 folds or more, and a customer for each",
                "choose another number of folds",
            )
        return (np.random.default_rng([seed, 17]).permutation(customers) % count)[clusters]

    def single_action(self) -> "Trial":
        """Return this test if it has one action; otherwise an error: actions are never mixed in silence."""
        if len(self.actions) > 1:
            raise ValueError(
                f"This test has {len(self.actions)} actions: {', '.join(self.actions)}. Take one with only(), or "
                "call pooled() if their effects were found not to differ."
            )
        return self

    def split(self, last: int) -> tuple["Trial", "Trial"]:
        """Divide into earlier campaigns to learn from and the last ones to judge by.

        Parameters
        ----------
        last : int
            Campaigns held out.

        Returns
        -------
        earlier, later : Trial
            Rows whose response window was not over on the first day of the later campaigns are in neither.

        Raises
        ------
        TooLittleData
            If there are not more campaigns than are held out.
        """
        if "contacted_on" not in self.rows.columns or self.response_days is None:
            raise ValueError("Only tests with contacted_on and response_days can be split by time.")
        names = self.campaigns
        if not 0 < last < len(names):
            raise TooLittleData(
                f"{len(names)} campaigns, {last} of them to be held out",
                "at least one earlier campaign to learn from and one to hold out",
                "hold out fewer, or judge by folds of customers (crmlib.analysis.targeting.uplift.cross_fitted)",
            )
        later = self.rows["campaign_id"].isin(names[-last:])
        begins = _day(self.rows.loc[later, "contacted_on"].min())
        over = pd.to_datetime(self.rows["contacted_on"]) <= pd.Timestamp(
            begins - timedelta(days=self.response_days)
        )
        return self.where(~later & over), self.where(later)

    def refuse_if_thin(self, what: str) -> None:
        """Raise `TooLittleData` where an arm has too few customers for `what`."""
        ids = self.rows["customer_id"]
        counts = {arm: ids[self.treated == (arm == "treated")].nunique() for arm in ("treated", "control")}
        if min(counts.values()) < FEWEST_CUSTOMERS:
            raise TooLittleData(
                f"{counts['treated']} customers contacted and {counts['control']} held out",
                f"at least {FEWEST_CUSTOMERS} in each arm for {what}",
                "run a larger test; crmlib.analysis.targeting.trial_design says how large",
            )


def _day(value: object) -> date:
    return pd.Timestamp(value).date()
