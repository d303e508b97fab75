"""How the notebook on lifetime value ends: options in money, findings, decision."""

import numpy as np
import pandas as pd

from crmlib.analysis.clv.trust.choose import Choice
from crmlib.analysis.clv.worth.spending import Campaign
from crmlib.analysis.clv.worth.valuation import Worth
from crmlib.display.lifetime.caveats import VALUE, Caveats
from crmlib.display.lifetime.tables import named
from crmlib.display.prose import Sentence
from crmlib.display.workbook import Workbook

#: A channel is taken to be able to bring so many more customers like those it brought.
MORE = 0.1

_SIMPLE_WON = {
    "only_chance": "No model forecast better than {name} by more than chance.",
    "simple_picks_more": "The simple forecast {name} picked customers who brought more than those any model picked.",
    "model_totals_wrong": "No model came as close to the total in the rehearsals as the simple forecast {name}.",
    "one_kind": "No model could be fitted to these data; {name} is used.",
}


def options(campaign: Campaign, to_win: pd.DataFrame | None) -> pd.DataFrame:
    """Lay out what can be done, and what it is expected to move, the largest gain first, nothing last.

    Columns ``key``, ``label``, ``customers``, ``cost``, ``gain``, ``low``, ``high`` (money).
    """
    contacted = campaign.customers["contact"]
    cost = float((campaign.customers["limit"] - campaign.customers["gain"])[contacted].sum())
    rows = [
        (
            "contact",
            "Contact those for whom it pays",
            int(contacted.sum()),
            cost,
            campaign.gain,
            campaign.low,
            campaign.high,
        )
    ]
    if to_win is not None:
        pays = to_win[to_win["spare"] > 0]
        for name, row in pays.iterrows():
            number = max(1, round(MORE * row["recent"]))
            rows.append((
                f"win {name}", f"Win more: {name}", number, number * row["cost"], number * row["spare"],
                number * (row["low"] - row["cost"]), number * (row["high"] - row["cost"]),
            ))  # fmt: skip
    frame = pd.DataFrame(rows, columns=["key", "label", "customers", "cost", "gain", "low", "high"])
    frame = frame.sort_values("gain", ascending=False, kind="stable").head(6)
    nothing = pd.DataFrame([("nothing", "Do nothing", 0, 0.0, 0.0, 0.0, 0.0)], columns=frame.columns)
    return pd.concat([frame, nothing], ignore_index=True)


def win_note(to_win: pd.DataFrame | None) -> str:
    """Return what stands under the options about winning; empty where no channel is known."""
    if to_win is None:
        return ""
    return (
        "Win: a tenth more customers than came by the channel in the last 12 months, at today's cost; low to high by "
        "the 95% interval of their value."
    )


def win_title(wb: Workbook, to_win: pd.DataFrame) -> str:
    """Return the title of the figure of channels."""
    sure = to_win[to_win["low"] > to_win["cost"]]
    short = to_win[to_win["value"] < to_win["cost"]]
    if to_win["cost"].isna().all():
        return "What the next customer of each channel is worth"
    if len(short):
        return wb.text(
            "{n:count} of {all:count} channels cost more than their customers bring",
            n=len(short),
            all=len(to_win),
        )
    return wb.text(
        "In {n:count} of {all:count} channels a new customer is clearly worth more than winning one costs",
        n=len(sure), all=len(to_win),
    )  # fmt: skip


def win_sentence(wb: Workbook, to_win: pd.DataFrame) -> Sentence:
    """Say where there is room to spend more, and where there is least."""
    best, worst = to_win.iloc[0], to_win.iloc[-1]
    return wb.cases(
        (to_win["cost"].isna().all(),
         "A new customer is worth most in the channel {best}: {value:money} (95% interval {low:money} to "
         "{high:money}), which is the most that winning one may cost. What winning costs today is not in "
         "the data."),
        (len(to_win[to_win["spare"] > 0]) > 0,
         "There is most room in the channel {best}: a new customer is worth {value:money} (95% interval "
         "{low:money} to {high:money}) and costs {cost:money}. There is least in {worst}: "
         "{worst_value:money} against {worst_cost:money}."),
        (True,
         "No channel brings back what winning a customer costs. Nearest is {best}: {value:money} against "
         "{cost:money}."),
        best=str(to_win.index[0]), worst=str(to_win.index[-1]), value=best["value"], low=best["low"],
        high=best["high"],
        cost=best["cost"], worst_value=worst["value"], worst_cost=worst["cost"],
    )  # fmt: skip


def findings(
    wb: Workbook,
    worth: Worth,
    choice: Choice | None,
    to_win: pd.DataFrame | None,
    campaign: Campaign | None,
    others: pd.DataFrame,
    care: Caveats,
) -> list:
    """Return what was found, each with what it means, and with the mark of a caveat where one touches it."""
    doubtful, mark = care.full("total"), care.mark(*VALUE)
    values = worth.customers["value"]
    positive = values.clip(lower=0)
    tenth = positive.sort_values(ascending=False, kind="stable").iloc[: max(1, len(values) // 10)]
    losers = values < 0
    few = _making_up(values[losers], 0.9) if losers.any() else 0
    same = others["same"].iloc[1:-1].min() if len(others) > 2 else np.nan
    found = [
        wb.finding(
            "{share:share} of the value to come is held by the best tenth of the customers" + mark + ".",
            "They are worth a name on somebody's list; the saved table says who they are.",
            share=tenth.sum() / positive.sum(),
        ) if positive.sum() > 0 else None,
        wb.finding(
            "{n:count customer} can be expected to cost {cost:money} more than they bring in the next "
            "{months:count} months"
            + (", and {few:count} of them make up nine tenths of that" if few < losers.sum() / 2 else "") + mark + ".",
            "Change their terms before trying to keep them: a longer relation makes the loss larger.",
            n=int(losers.sum()), cost=-float(values[losers].sum()), months=worth.months,
            few=few,
        ) if losers.any() else None,
        wb.finding(
            "Held against days that have passed, {name} was off by {error:share1} on the total, and no "
            "simple forecast picked better customers.",
            "Use the values to rank customers; " + (
                "take the total with its interval." if _as_sure(worth, choice) else
                "the total may be off by as much again, which its interval does not hold."
            ),
            name=named(choice.chosen), error=abs(float(choice.scores.loc[choice.chosen, "error"])),
        ) if choice and choice.is_model else None,
        wb.finding(
            _SIMPLE_WON[choice.reason],
            "Values here come from that simple forecast. They reach {months:count} months, as far as it was rehearsed, "
            "and their interval is as wide as it was off then.", months=worth.months,
            name=named(choice.chosen).lower(),
        ) if choice and not choice.is_model else None,
        wb.finding(
            "{what}",
            "Read the total with care: the table of assumptions says how large that is, and what else it touches.",
            what=doubtful.removeprefix("Read with care: ").capitalize(),
        ) if doubtful else None,
        wb.finding(
            ("Whatever discount rate or horizon is assumed, at least {same:share} of the best fifth stay the "
             "best fifth" if same < 0.995 else
             "Whatever discount rate or horizon is assumed, the best fifth stay the best fifth") + mark + ".",
            "Argue about the rate for the budget, not for the list of customers.", same=same,
        ) if same == same and same >= 0.8 else None,
    ]  # fmt: skip
    if to_win is not None and to_win["cost"].notna().any():
        short = int((to_win["value"] < to_win["cost"]).sum())
        found.append(wb.finding(
            "In {sure:count} of {all:count} channels a new customer is worth more than winning one costs, "
            "beyond chance" + care.mark("prospect", but="censoring") + ".",
            "Let the limit follow the channel; one limit for all overpays in some and starves others.",
            sure=int((to_win["low"] > to_win["cost"]).sum()), all=len(to_win), short=short,
        ))  # fmt: skip
    return [one for one in found if one][:5]


def decision(
    wb: Workbook,
    table: pd.DataFrame | None,
    campaign: Campaign | None,
    to_win: pd.DataFrame | None,
    worth: Worth,
    care: Caveats,
) -> tuple[Sentence, Sentence]:
    """Return what to do, in money, and what happens if nothing is done, each with its caveat."""
    wait = wb.say(
        "Then the customers of today bring {total:money}{sure} in the next {months:count} months, and those who "
        "are quiet stay quiet.",
        total=worth.total, months=worth.months, sure=_how_sure(wb, worth, care),
    )  # fmt: skip
    if worth.total < 0:
        return wb.say(
            "**Change prices, costs or terms before spending on customers.** As they buy today they are expected to "
            "cost {loss:money} more than they bring; {good:count} of {n:count} are expected to bring anything{mark}.",
            mark=care.mark("total"), loss=-worth.total, good=int((worth.customers["value"] > 0).sum()),
            n=len(worth.customers),
        ), wait  # fmt: skip
    if table is None:
        return wb.say(
            "**Rank by the simple forecast and spend nothing on the strength of a model.** Its best fifth "
            "is in the saved table; the models get another chance when more months are known."
        ), wait
    wins = table[table["key"].str.startswith("win ")]
    best = wins.iloc[0] if len(wins) else None
    row = to_win.loc[best["key"].removeprefix("win ")] if best is not None else None
    contacted = int(campaign.customers["contact"].sum())
    act = wb.cases(
        (best is not None and best["low"] > 0 and contacted > 0,
         "**Raise the limit for {channel} to {limit:money} a customer** (the low end of what one is worth; "
         "today {cost:money}): a tenth more customers would bring **{gain:money}** (95% interval "
         "{low:money} to {high:money}). **Contact {n:count} quiet customers** at {price:money}, and leave a "
         "random half alone: expected {win:money} (range {w_low:money} to {w_high:money}) at the assumed effect, and "
         "it pays if {even:share1} or more of the lost come back.{care}"),
        (contacted > 0,
         "**Contact {n:count} quiet customers** at {price:money}, and leave a random half alone: expected "
         "**{win:money}** (range {w_low:money} to {w_high:money}) at the assumed effect. It pays if "
         "{even:share1} or more of the lost come back.{care}"),
        (best is not None and best["low"] > 0,
         "**Raise the limit for {channel} to {limit:money} a customer** (today {cost:money}): a tenth more "
         "customers would bring **{gain:money}** (95% interval {low:money} to {high:money}). At "
         "{price:money} a contact, no quiet customer is worth calling back.{care}"),
        (True,
         "**Spend no more than today.** No channel is sure to bring back more than it costs, and no quiet "
         "customer is worth a contact.{care}"),
        care=_after(care.full(*VALUE, "alive", "prospect")),
        channel=best["key"].removeprefix("win ") if best is not None else "",
        limit=row["low"] if row is not None else 0.0,
        cost=row["cost"] if row is not None else 0.0, gain=best["gain"] if best is not None else 0.0,
        low=best["low"] if best is not None else 0.0, high=best["high"] if best is not None else 0.0,
        n=contacted, price=float(wb.parameters["contact_cost"]), win=campaign.gain, w_low=campaign.low,
        w_high=campaign.high, even=campaign.break_even,
    )  # fmt: skip
    return act, wait


def headline(wb: Workbook, worth: Worth, care: Caveats) -> Sentence:
    """Return the answer to the notebook's question."""
    return wb.cases(
        (worth.values is not None,
         "The {n:count} customers of today are expected to bring {value:money} over the next {months:count} months"
         "{sure}."),
        (True,
         "By the simple forecast that won, the {n:count} customers of today bring {value:money} in the next "
         "{months:count} months{sure}."),
        n=len(worth.customers), value=worth.total, months=worth.months, sure=_how_sure(wb, worth, care),
    )  # fmt: skip


def metrics(
    wb: Workbook,
    worth: Worth,
    choice: Choice | None,
    to_win: pd.DataFrame | None,
    care: Caveats,
) -> None:
    """Note the key figures, each with its caveat: in full in the definition, in short beside the period."""
    ahead = f"next {worth.months} months"
    low, high = worth.interval
    by = named(choice.model or "mbg_nbd") if choice and not choice.is_model else ""
    wb.metric(
        "base_value", "Value of today's customers", worth.total, "money",
        "Expected contribution (gross margin less cost to serve) of all customers, discounted; without the "
        "cost of winning them and without new customers." + _after(care.full("total")),
        (low, high) if low == low else None, period=ahead + care.mark("total"),
    )  # fmt: skip
    wb.metric(
        "expected_active", "Customers still active, expected", float(worth.customers["alive"].sum()), "count",
        "Sum of the probabilities to be active today" + (f", by {by}." if by else ".") + _after(care.full("alive")),
        period=f"on {wb.text('{day:day}', day=wb.data.as_of)}" + care.mark("alive"),
    )  # fmt: skip
    if choice:
        wb.metric(
            "forecast_error", "Error of the rehearsed total", float(choice.scores.loc[choice.chosen, "error"]), "share",
            f"Forecast less actual net sales, as a share of the actual, over all rehearsals; {named(choice.chosen)}.",
            period=wb.text("{k:count rehearsal}", k=len(choice.hold_outs)),
        )  # fmt: skip
    if to_win is not None:
        weight = to_win["customers"]
        wb.metric(
            "new_customer", "Value of a new customer", float((weight * to_win["value"]).sum() / weight.sum()), "money",
            "Contribution of the first purchase and of all expected after it, discounted, before the cost "
            "of winning; mean over channels." + _after(care.full("prospect", but="censoring")),
            period=f"next {wb.data.horizon_months} months" + care.mark("prospect", but="censoring"),
        )  # fmt: skip


def assumptions_title(wb: Workbook, others: pd.DataFrame) -> str:
    """Return the title of the table of other assumptions: what they do to the total, and to who comes first."""
    rates = others.iloc[1:-1]
    if not len(rates):
        return "The same customers, counted in contribution and in net sales"
    moved = "Rate and horizon move the total by up to {change:share}; "
    return str(wb.cases(
        (rates["same"].min() < 0.995, moved + "{same:share} or more of the best fifth stay in it"),
        (True, moved + "the best fifth stay the same"),
        change=rates["change"].abs().max(), same=rates["same"].min(),
    ))  # fmt: skip


def _how_sure(wb: Workbook, worth: Worth, care: Caveats) -> str:
    """Return the interval of the total and its caveat, in one pair of brackets; empty without either."""
    low, high = worth.interval
    interval = wb.text("95% interval {low:money} to {high:money}", low=low, high=high) if low == low else ""
    parts = [part for part in (interval, care.short("total")) if part]
    return f" ({'; '.join(parts)})" if parts else ""


def _as_sure(worth: Worth, choice: Choice) -> bool:
    """Whether the interval of the total is at least as wide as the error in the rehearsals."""
    if worth.values is None:
        return False
    low, high = worth.interval
    return high - low >= 2 * abs(float(choice.scores.loc[choice.chosen, "error"]) * worth.total)


def _making_up(losses: pd.Series, share: float) -> int:
    """Return how many of the largest losses make up the share of all."""
    added = np.cumsum(np.sort(losses.to_numpy()))
    return int(np.searchsorted(-added, share * -added[-1]) + 1)


def _after(sentence: str) -> str:
    return f" {sentence}" if sentence else ""
