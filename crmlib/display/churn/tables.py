"""Frames of churn and of targeting, dressed for people: names in words, the rows that matter, curves from 0 on."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from crmlib.analysis.churn.catalogue import feature_catalogue
from crmlib.analysis.churn.contest import Contest
from crmlib.analysis.churn.definitions import Definitions
from crmlib.analysis.churn.drivers import Drivers
from crmlib.analysis.churn.reasons import Reasons
from crmlib.analysis.churn.rhythm import Rhythm
from crmlib.analysis.churn.snapshot import Snapshot
from crmlib.analysis.churn.windows import ChurnWindows
from crmlib.analysis.targeting.decision import Decision
from crmlib.analysis.targeting.evidence import MONEY, Evidence
from crmlib.analysis.targeting.maximum_profit import MaximumProfit
from crmlib.analysis.targeting.worth_keeping import WorthKeeping
from crmlib.display import formats

#: Names of the methods that are compared.
METHODS: Mapping[str, str] = {
    "base_rate": "One rate for all",
    "recency": "Days since the last purchase",
    "p_alive": "Chance to be active",
    "logistic": "Logistic regression",
    "boosting": "Boosted trees",
}
#: Ways to choose whom to contact, in words.
RULES: Mapping[str, str] = {
    "risk": "Most likely to leave",
    "value at risk": "Most value at risk",
    "expected profit": "Highest expected profit",
    "uplift": "Most moved by a contact",
    "everyone": "Everybody",
    "random": "By lot",
    "nobody": "Nobody",
}
_OUTCOMES = {
    "orders": "Orders within {response} days",
    "margin": "Margin within {response} days ({currency})",
    MONEY: "Margin within half a year ({currency})",
    "silent": "Silent after that (share)",
}
_SCORES = {
    "brier": ("Brier score", "low"),
    "uncertainty": ("… of one rate for these customers", "given"),
    "resolution": ("… less what telling customers apart saves", "high"),
    "reliability": ("… and what chances cost that do not come true", "0"),
    "auc": ("Rank (AUC)", "1; by lot 0.50"),
    "lift": ("Lift of the top tenth", "high; by lot 1"),
    "slope": ("Calibration slope", "1"),
    "intercept": ("Calibration intercept (log odds)", "0"),
}
_ROWS = 8
_FEW_WORDS = 2


def five_histories(histories: pd.DataFrame) -> pd.DataFrame:
    """Pick five customers who bought three times or more, from the quickest to the slowest; none where nobody did."""
    often = histories[histories["x"] >= 2]
    often = often if len(often) >= 5 else histories[histories["x"] >= 1]
    gap = (often["t_x"] / often["x"]).sort_values(kind="stable")
    places = np.linspace(0.1, 0.9, 5) * (len(gap) - 1) if len(gap) else np.array([])
    return often.loc[gap.index[np.unique(places.astype(int))], ["x", "t_x", "T"]].astype("int64")


def waiting_curve(waits: Rhythm) -> pd.DataFrame:
    """Return the share of purchases followed by another within so many days, from day 0 on."""
    return from_zero(
        waits.curve.rename(columns={"days": "time", "share": "value", "waiting": "at_risk"}), 0.0
    )


def from_zero(table: pd.DataFrame, value: float) -> pd.DataFrame:
    """Put a first row at time 0 before a curve."""
    kept = [name for name in ("time", "value", "low", "high", "at_risk") if name in table.columns]
    start = {"time": 0, "value": value, "low": value, "high": value, "at_risk": table["at_risk"].max()}
    return pd.concat([pd.DataFrame([start])[kept], table[kept]], ignore_index=True)


def definitions(others: Definitions) -> pd.DataFrame:
    """Return the definitions that are compared, the chosen one first."""
    table = others.table
    order = [others.chosen, *(name for name in table.index if name != others.chosen)]
    return table.loc[order].rename(columns={"value_at_stake": "value"}).reset_index()


def contest(tried: Contest) -> pd.DataFrame:
    """Write the scores of all methods, the simplest first, with the interval of the deciding one."""
    table = tried.scores.table
    rows = [
        {
            "method": METHODS[name] + (" (used)" if name == tried.chosen else ""),
            "brier": "{:.3f} ({:.3f} to {:.3f})".format(
                *table.loc[(name, "brier"), ["value", "low", "high"]]
            ),
            **{
                score: table.loc[(name, score), "value"]
                for score in ("skill", "auc", "lift", "slope", "too_high")
            },
        }
        for name in tried.scores.methods
    ]
    return pd.DataFrame(rows)


def score_by_score(tried: Contest) -> pd.DataFrame:
    """Return the scores of the method that is used, each with its interval and what would be right."""
    table = tried.scores.table.loc[tried.chosen]
    rows = [
        (words, *table.loc[name, ["value", "low", "high"]], right) for name, (words, right) in _SCORES.items()
    ]
    return pd.DataFrame(rows, columns=["label", "value", "low", "high", "right"])


def reliability(tried: Contest) -> pd.DataFrame:
    """Return predicted and observed shares by tenth, the method used first, the days alone beside it."""
    names = list(dict.fromkeys([tried.chosen, *(n for n in ("recency",) if n in tried.scores.methods)]))
    return tried.reliability.loc[names].reset_index()


def test_chances(tried: Contest) -> pd.DataFrame:
    """Return the probabilities of all methods on the test days."""
    return pd.DataFrame(
        {METHODS[name]: one.predict_churn(tried.tested.features) for name, one in tried.predictors.items()}
    )


def feature_words(name: str, windows: ChurnWindows) -> str:
    """Say what a feature is."""
    catalogue = feature_catalogue(windows.look_back_months)
    return str(catalogue["meaning"].get(name, str(name).replace("_", " ").capitalize()))


def importance(found: Drivers, windows: ChurnWindows) -> pd.DataFrame:
    """Return the most important features in words, with ``value``, ``low`` and ``high`` as shares of the error."""
    table = found.importance.head(_ROWS)
    scale = (table["share"] / table["importance"]).where(table["importance"] != 0, 0.0)
    rows = []
    for name, row in table.iterrows():
        together = len(str(row["features"]).split(", "))
        more = f" (and {together - 1} alike)" if together > 1 else ""
        rows.append(short_words(str(name), windows) + more)
    return pd.DataFrame(
        {
            "label": rows,
            "value": table["share"].to_numpy(),
            "low": (table["low"] * scale).to_numpy(),
            "high": (table["high"] * scale).to_numpy(),
        }
    )


def short_words(name: str, windows: ChurnWindows) -> str:
    """Say what a feature is by the first part of its meaning, if that says enough by itself."""
    meaning = feature_words(name, windows)
    for mark in (":", ";", ","):
        first = meaning.split(mark)[0]
        if len(first.split()) > _FEW_WORDS:
            meaning = first
    return meaning


def leading(found: Drivers) -> str | None:
    """Name the first feature with numbers whose dependence is known; None if there is none."""
    numbers = found.dependence[found.dependence["value"].notna()]
    return str(numbers["feature"].iloc[0]) if len(numbers) else None


def dependence(found: Drivers) -> pd.DataFrame:
    """Return the dependence on the leading feature."""
    return found.dependence[found.dependence["feature"] == leading(found)]


def seen(found: Drivers, now: Snapshot) -> pd.Series:
    """Return the leading feature of all customers of today."""
    return now.features[leading(found)].dropna().astype("float64")


def five_reasons(why: Reasons, keep: WorthKeeping) -> pd.DataFrame:
    """Pick five customers from the most to the least likely to leave, with what moves their probability."""
    table = why.table.assign(why=why.sentences, value=keep.value.reindex(why.table.index))
    ranked = table.sort_values("churn", ascending=False, kind="stable")
    places = np.unique((np.linspace(0.02, 0.98, 5) * (len(ranked) - 1)).astype(int))
    return ranked.iloc[places].reset_index()


def five_at_risk(people: pd.DataFrame) -> pd.DataFrame:
    """Pick five: the surest to leave, the most valuable, the most value at risk, a middle one, the surest to stay."""
    chance, value = people["churn_probability"], people["value"]
    at_risk = chance * value
    named = [
        chance.idxmax(),
        value.idxmax(),
        at_risk.idxmax(),
        (at_risk - at_risk.median()).abs().idxmin(),
        chance.idxmin(),
    ]
    return people.loc[list(dict.fromkeys(named))]


def options(decision: Decision) -> pd.DataFrame:
    """Write the ways to choose in words."""
    labels = [RULES[name] for name in decision.options.index]
    return decision.options.reset_index(drop=True).assign(label=labels)


def expected_maximum(own: MaximumProfit, published: MaximumProfit, tried: Contest) -> pd.DataFrame:
    """Set the expected maximum profit of the methods side by side, on own and on published terms."""
    mine, theirs = own.values, published.values
    used = METHODS[tried.chosen]
    return pd.DataFrame(
        {
            "method": [name + (" (used)" if name == used else "") for name in mine.index],
            "own": mine["expected_profit"].to_numpy(),
            "share": mine["expected_share"].to_numpy(),
            "published": theirs["expected_profit"].to_numpy(),
            "published_share": theirs["expected_share"].to_numpy(),
        }
    )


def effects(tests: Evidence, currency: str) -> pd.DataFrame:
    """Write what a contact changed, outcome by outcome, with covariates taken out."""
    table = tests.effects
    days = tests.trial.response_days
    return pd.DataFrame(
        {
            "label": [_OUTCOMES[name].format(response=days, currency=currency) for name in table.index],
            "treated": table["treated"].to_numpy(),
            "control": table["control"].to_numpy(),
            "mean_control": table["mean_control"].to_numpy(),
            "effect": table["adjusted"].to_numpy(),
            "low": table["adjusted_low"].to_numpy(),
            "high": table["adjusted_high"].to_numpy(),
        }
    )


def gain_curves(tests: Evidence) -> pd.DataFrame:
    """Return the gain after costs by share contacted, for each way to choose and for a lot."""
    first = tests.curves["rule"].iloc[0]
    curves = tests.curves.assign(rule=tests.curves["rule"].map(RULES)).rename(columns={"profit": "value"})
    lot = tests.curves[tests.curves["rule"] == first]
    lot = pd.DataFrame(
        {"rule": "at random", "share": lot["share"], "value": lot["random"], "low": np.nan, "high": np.nan}
    )
    return pd.concat([curves[["rule", "share", "value", "low", "high"]], lot], ignore_index=True)


def kinds(tests: Evidence) -> pd.DataFrame:
    """Return what a contact did to those it was predicted to move and to all others, net of its cost."""
    words = {
        "persuadable": "Predicted to bring more than the contact costs",
        "sleeping dog": "Predicted to bring less, or to be driven away",
    }
    table = tests.kinds.table
    return table.assign(label=[words[name] for name in table.index]).reset_index(drop=True)


def rules(tests: Evidence) -> pd.DataFrame:
    """Write what each way to choose earned: ``label``, ``value``, ``low``, ``high``."""
    table = tests.rules.table.drop(index=["nobody"])
    return pd.DataFrame(
        {
            "label": [f"{RULES[name]} ({formats.share(row['contacted'])})" for name, row in table.iterrows()],
            "value": table["earned"].to_numpy(),
            "low": table["low"].to_numpy(),
            "high": table["high"].to_numpy(),
        }
    )
