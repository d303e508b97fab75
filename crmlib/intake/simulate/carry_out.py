"""Carry out a list of actions in the teaching company, so that a class can play the months.

The company's files hold what happens if nobody acts. A list changes that, for those it contacts: persuadable
customers order more in the four weeks after, sleeping dogs may leave, and nobody else is moved. Customers held out are
left as they are. The class stands at a day within the data, draws up a list, carries it out here, and goes on with the
new folder.
"""

import hashlib
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.stats import poisson

from crmlib.errors import ParameterError
from crmlib.intake.simulate.campaigns import LEAVING_DAYS, RESPONSE_DAYS
from crmlib.intake.simulate.company import (
    CHANNELS,
    CONTACT_CLASSES,
    PERSUADABLE,
    SLEEPING_DOG,
    Window,
    seasons,
)
from crmlib.intake.simulate.company import constant as c
from crmlib.intake.simulate.listed import campaigns, checked_list
from crmlib.intake.simulate.purchases import open_day
from crmlib.intake.simulate.table_files import Tables, read_list
from crmlib.intake.simulate.write import company_folder

_DAY = pd.Timedelta(days=1)
#: Truth that would be out of date: what nobody counted again.
_LEFT_OUT = ("truth/profit",)
_NOT_AGAIN = ("return handling", "complaint", "phone call")


@dataclass(frozen=True)
class Response:
    """What an action does to the customers it contacts.

    Attributes
    ----------
    extra_orders : float
        Expected extra orders of a persuadable customer within 28 days.
    leaves : float
        Probability that a sleeping dog leaves within 45 days.
    """

    extra_orders: float
    leaves: float


def carry_out(
    company: str | os.PathLike,
    actions: pd.DataFrame | str | os.PathLike,
    target: str | os.PathLike,
    seed: int = 20260630,
    responses: Mapping[str, Response] | None = None,
) -> pd.DataFrame:
    """Carry out a list in a simulated company and write the company that comes of it.

    Parameters
    ----------
    company : str or path
        Folder of a company drawn by `crmlib.intake.simulate.simulate`, or written by this function.
    actions : DataFrame, or str or path
        The list, or the file in which a report saved it (Parquet or CSV), one row per customer: ``list_id``,
        ``listed_on`` (its day, with days after it in the data), ``customer_id``, ``action``, ``arm`` ('contact', 'hold
        out' or 'leave alone') and ``channel`` ('none': nobody is contacted, and nothing happens).
    target : str or path
        A folder that does not exist yet, or is empty. Where no run file names the company, its folder does: give both
        folders the same name, in folders of their own months, and their reports belong together.
    seed : int
        The same company, list and seed give the same bytes; the luck of a customer does not depend on who else is
        listed.
    responses : mapping of str to Response, optional
        Effects of actions by name; those of the company's campaigns for others.

    Returns
    -------
    DataFrame
        What happened to those contacted, as it stands in ``truth/carried_out``: ``list_id``, ``customer_id``,
        ``action``, ``extra_orders``, ``left_on`` (empty who did not leave because of it).

    Raises
    ------
    DataError
        If the list lacks columns or rows, has a cell that cannot be read, more than one day or list, a customer twice
        or one that the company does not have, if there is no day after it in the data, or if it was carried out before.
    ParameterError
        If `target` holds something, or lies in the folder of the company.

    Notes
    -----
    Contacts are made on the day after the list. An extra order repeats an earlier one of the same customer (of the
    same kind of customer, where there is none), with its costs, on a day on which the channel is open. Of who leaves,
    all later orders vanish, with their deliveries, events and returns, and what was said in surveys and reviews. Later
    referrals and memberships stay. ``truth/profit`` is left out of the new folder, as it is about the company without
    the list; ``truth/customers`` has the new ends.

    Examples
    --------
    >>> import datetime, tempfile
    >>> from crmlib.intake.simulate import simulate
    >>> with tempfile.TemporaryDirectory() as place:
    ...     simulate(Path(place) / "march", customers=100)
    ...     names = pd.read_csv(Path(place) / "march" / "customers.csv")["customer_id"]
    ...     actions = pd.DataFrame({"list_id": "actions-2026-03-31", "listed_on": datetime.date(2026, 3, 31),
    ...         "customer_id": names, "action": "save", "arm": ["contact", "hold out"] * 50, "channel": "letter"})
    ...     happened = carry_out(Path(place) / "march", actions, Path(place) / "april")
    ...     contacts = pd.read_csv(Path(place) / "april" / "contacts.csv").query("contacted_on == '2026-04-01'")
    >>> len(happened), contacts.groupby(["campaign_id", "arm"]).size().to_dict()
    (50, {('actions-2026-03-31 save', 'control'): 50, ('actions-2026-03-31 save', 'treatment'): 50})
    """
    source = Tables(Path(company))
    if Path(target).resolve().is_relative_to(source.folder):
        raise ParameterError(
            f"'{target}', which lies inside the company's own folder", "a folder outside of it",
            "name a folder beside the company's",
        )  # fmt: skip
    listed = checked_list(actions if isinstance(actions, pd.DataFrame) else read_list(Path(actions)), source)
    happened = _draw(listed, source, seed, responses or {})
    extra = _extra_orders(happened, source, seed) if happened["extra_orders"].any() else None
    with company_folder(target, source.format) as out:
        skipped = {source.path(name) for name in _LEFT_OUT}
        shutil.copytree(
            source.folder, out.path, dirs_exist_ok=True,
            ignore=lambda folder, names: [n for n in names if Path(folder, n) in skipped],
        )  # fmt: skip
        changed = _without_leavers(source, happened)
        if extra is not None:
            _add_orders(changed, source, extra)
        changed["contacts"] = _with_contacts(source, listed)
        changed["truth/carried_out"] = source.stacked("truth/carried_out", _told(happened))
        for name, table in changed.items():
            source.write(out.path, name, table)
    return _told(happened)


def _chance(ids: pd.Series, purpose: str, seed: int) -> np.ndarray:
    """Uniform numbers between 0 and 1 that depend on the customer, the purpose and the seed alone."""
    key = hashlib.sha256(f"{seed}|{purpose}".encode()).hexdigest()[:16]
    return pd.util.hash_array(ids.to_numpy("object"), hash_key=key, categorize=False) / 2.0**64


def _draw(listed: pd.DataFrame, source: Tables, seed: int, responses: Mapping[str, Response]) -> pd.DataFrame:
    """Draw what happens to each customer contacted: ``extra_orders`` and ``left_on``."""
    people = source.read("truth/customers").set_index("customer_id")
    rows = listed[(listed["arm"] == "contact") & (listed["channel"] != "none")].reset_index(drop=True)
    usual = Response(c("persuadable_extra_orders"), c("sleeping_dog_leaves"))
    answer = {name: responses.get(name, usual) for name in rows["action"].unique()}
    extra, leaves = (
        rows["action"].map({name: getattr(one, field) for name, one in answer.items()}).to_numpy("float64")
        for field in ("extra_orders", "leaves")
    )
    own = people.loc[rows["customer_id"]]
    contacted = rows["listed_on"] + _DAY
    there = pd.to_datetime(own["lifetime_end"]).to_numpy() > contacted.to_numpy()
    kind = own["contact_class"].to_numpy("object")
    label = rows["list_id"].iloc[0] if len(rows) else ""
    ids = rows["customer_id"]
    moved = there & (kind == CONTACT_CLASSES[PERSUADABLE])
    orders = poisson.ppf(_chance(ids, f"{label} extra", seed), np.maximum(extra, 1e-12))
    gone = there & (kind == CONTACT_CLASSES[SLEEPING_DOG]) & (_chance(ids, f"{label} leaves", seed) < leaves)
    wait = 1 + np.floor(_chance(ids, f"{label} when", seed) * LEAVING_DAYS)
    left = (contacted + pd.to_timedelta(wait, "D")).where(gone)
    return rows.assign(
        kind=own["kind"].to_numpy("object"),
        extra_orders=np.where(moved, orders, 0).astype("int64"),
        left_on=left,
    )


def _told(happened: pd.DataFrame) -> pd.DataFrame:
    found = happened[["list_id", "customer_id", "action", "extra_orders", "left_on"]]
    return found.assign(left_on=found["left_on"].dt.strftime("%Y-%m-%d").astype("object").fillna(""))


def _extra_orders(happened: pd.DataFrame, source: Tables, seed: int) -> pd.DataFrame:
    """One row per extra order: the order it repeats (``like``), its ``day`` and its ``order_id``."""
    orders = source.read("orders")
    moment = source.days("orders", "ordered_at")
    people = source.read("truth/customers").set_index("customer_id")["kind"]
    before = orders.assign(day=moment, amount=orders["net_amount"].astype("float64"))
    listed = happened["listed_on"].iloc[0]
    named = before["customer_id"].isin(people.index)
    before = before[named & (before["day"] < listed + _DAY) & (before["amount"] > 0)]
    first = before.groupby("order_id", sort=True).agg(
        customer_id=("customer_id", "first"), day=("day", "min"), channel=("channel", "first")
    )
    rows = happened.loc[np.repeat(happened.index, happened["extra_orders"])].reset_index(drop=True)
    turn = rows.groupby("customer_id").cumcount().astype("str")
    ids, label = rows["customer_id"] + "|" + turn, rows["list_id"].iloc[0]
    like = _pick(first, first["customer_id"], rows["customer_id"], _chance(ids, f"{label} order", seed))
    kinds = first["customer_id"].map(people)
    like = like.fillna(_pick(first, kinds, rows["kind"], _chance(ids, f"{label} kind", seed)))
    after = 1 + np.floor(_chance(ids, f"{label} day", seed) * (RESPONSE_DAYS - 1))
    day = rows["listed_on"] + _DAY + pd.to_timedelta(after, "D")
    rows = rows.assign(like=like, day=day)[["customer_id", "like", "day"]].dropna()
    rows["source_day"] = first.loc[rows["like"], "day"].dt.normalize().to_numpy()
    channel = first.loc[rows["like"], "channel"].to_numpy("object")
    rows["day"] = _opened(rows["day"], channel, moment.min(), moment.max())
    rows = rows[rows["day"] <= moment.max()].sort_values(["day", "customer_id"], kind="stable")
    digits = orders["order_id"].str[1:]
    numbers = int(digits.astype("int64").max()) + 1 + np.arange(len(rows))
    width = int(digits.str.len().max())
    return rows.assign(order_id=[f"O{number:0{width}d}" for number in numbers])


def _pick(orders: pd.DataFrame, by: pd.Series, wanted: pd.Series, chance: np.ndarray) -> pd.Series:
    """Pick by chance an order among those of each wanted customer or kind; missing where there is none."""
    ordered = orders.index[np.argsort(by.to_numpy("object").astype("U"), kind="stable")]
    counts = by.value_counts().sort_index()
    start = counts.cumsum() - counts
    own = wanted.map(counts)
    place = wanted.map(start) + np.floor(chance * own)
    found = pd.Series(None, wanted.index, dtype="object")
    there = own.notna()
    found[there] = ordered.to_numpy("object")[place[there].to_numpy("int64")]
    return found


def _opened(days: pd.Series, channel: np.ndarray, first: pd.Timestamp, last: pd.Timestamp) -> pd.Series:
    """Move days to the last one on which the channel was open; days after the data stay as they are."""
    start = first.normalize()
    window = Window(start.date(), (last.normalize() - start).days + 1)
    number = np.array((days - start).dt.days, dtype="int64")
    inside = number < window.days
    which = pd.Series(channel).map({name: n for n, name in enumerate(CHANNELS)}).to_numpy("int64")
    number[inside] = open_day(number[inside], which[inside], seasons(window))
    return pd.Series(start + pd.to_timedelta(number, "D"), days.index)


def _add_orders(changed: dict[str, pd.DataFrame], source: Tables, extra: pd.DataFrame) -> None:
    """Add extra orders with their deliveries and what they make people do; changes `changed`."""
    last = source.days("orders", "ordered_at").max().normalize()
    for name, columns in (
        ("orders", ["ordered_at"]),
        ("deliveries", ["promised_on", "delivered_on"]),
        ("events", ["occurred_on"]),
    ):
        table = source.read(name)
        keep = pd.Series(True, table.index)
        if name == "orders":
            begins = source.days(name, "ordered_at").groupby(table["order_id"]).transform("min")
            keep = (table["net_amount"].astype("float64") > 0) & (source.days(name, "ordered_at") == begins)
        if name == "events":
            keep = ~table["activity"].isin(_NOT_AGAIN)
        copies = extra.rename(columns={"customer_id": "who", "order_id": "new"})
        copies = copies.merge(table[keep], left_on="like", right_on="order_id", sort=False)
        shift = copies["day"] - copies["source_day"]
        late = pd.Series(False, copies.index)
        for column in columns:
            moment = pd.to_datetime(copies[column]) + shift
            late |= moment.dt.normalize() > last
            copies[column] = source.as_days(name, column, moment)
        copies["order_id"] = copies["new"]
        if "customer_id" in table.columns:
            copies["customer_id"] = copies["who"]
        added = copies.loc[~late, table.columns]
        changed[name] = source.in_order(name, pd.concat([changed[name], added]), columns[-1])


def _without_leavers(source: Tables, happened: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Take out of all tables what those who left would have done later."""
    left = happened.dropna(subset=["left_on"]).set_index("customer_id")["left_on"]
    orders, hidden = source.read("orders"), source.read("truth/orders_identity")
    nameless = hidden.set_index("order_id")["customer_id"]
    begins = source.days("orders", "ordered_at").groupby(orders["order_id"]).transform("min")
    who = orders["customer_id"].where(orders["customer_id"].isin(happened["customer_id"]),
                                      orders["order_id"].map(nameless))  # fmt: skip
    gone = set(orders.loc[(begins >= _when(left, who)).to_numpy(), "order_id"])
    found = {"orders": orders[~orders["order_id"].isin(gone)]}
    for name in ("deliveries", "events", "truth/orders_identity"):
        table = source.read(name)
        found[name] = table[~table["order_id"].isin(gone)]
    for name, column in (("events", "occurred_on"), ("survey", "answered_on"), ("reviews", "reviewed_on")):
        table = found.get(name, source.read(name))
        later = pd.to_datetime(table[column]) >= _when(left, table["customer_id"])
        if name == "events":  # what follows from an order before goes on
            later &= ~table["order_id"].isin(orders["order_id"])
        found[name] = table[~later]
    people = source.read("truth/customers").copy()
    ends = pd.to_datetime(people["lifetime_end"])
    ends = ends.where(~(_when(left, people["customer_id"]) < ends), _when(left, people["customer_id"]))
    people["lifetime_end"] = source.as_days("truth/customers", "lifetime_end", ends)
    return found | {"truth/customers": people}


def _when(left: pd.Series, customers: pd.Series) -> pd.Series:
    """Day on which each row's customer left; missing if not because of the list."""
    return pd.Series(left.reindex(customers.to_numpy("object")).to_numpy(), customers.index)


def _with_contacts(source: Tables, listed: pd.DataFrame) -> pd.DataFrame:
    """Add the contacts of the list, one campaign per action; held out customers cost nothing."""
    table = source.read("contacts")
    rows = listed[listed["channel"] != "none"]
    treated = (rows["arm"] == "contact").to_numpy()
    added = pd.DataFrame(
        {
            "customer_id": rows["customer_id"],
            "campaign_id": campaigns(rows),
            "contacted_on": source.as_days("contacts", "contacted_on", rows["listed_on"] + _DAY),
            "arm": np.where(treated, "treatment", "control"),
            "cost": source.as_money("contacts", "cost", np.where(treated, c("contact_cost"), 0.0)),
            "action": rows["action"],
        }
    )
    return source.in_order("contacts", pd.concat([table, added[table.columns]]), "contacted_on")
