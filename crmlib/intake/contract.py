"""The tables and columns the suite accepts, with kinds, units and rules.

This is the one place where a table or column is defined. The checks, the teaching
company and the data dictionary all read it, so they cannot drift apart.

Kinds of column
---------------
``id``      text, compared exactly, trimmed; ``17850.0`` is read as ``17850``
``date``    a day
``time``    a day, or a day with a time of day
``money``   exact decimal with four places, in the run's one currency, net of tax
``number``  exact decimal with four places
``share``   number from 0 to 1
``score``   number within the column's bounds
``flag``    true or false
``choice``  one of the words listed
``text``    anything; shown as text, never run as markup or formula
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Column:
    """One column of an input table.

    Attributes
    ----------
    name, kind : str
        Name in the contract and kind as listed in the module's docstring.
    meaning : str
        What the column says, in one sentence, with its unit.
    required : bool
        Whether the table is refused without it.
    choices : tuple of str
        The words allowed, for kind ``choice``.
    bounds : tuple of float or None
        Lowest and highest value allowed; None leaves a side open.
    above : bool
        True if the lowest value itself is not allowed: a value to divide by must be above zero.
    refers_to : str
        ``table.column`` this identifier points to, if any.
    must_exist : bool
        True if no number can be made where `refers_to` has no such row.
    happens : bool
        True for the column that dates the row: rows later than ``as_of`` are left out.
    known_later : bool
        True for a date that may lie after ``as_of`` and is then not known yet
        (the value is blanked, the row stays).
    """

    name: str
    kind: str
    meaning: str
    required: bool = False
    choices: tuple[str, ...] = ()
    bounds: tuple[float | None, float | None] = (None, None)
    above: bool = False
    refers_to: str = ""
    must_exist: bool = False
    happens: bool = False
    known_later: bool = False


@dataclass(frozen=True)
class Table:
    """One input table.

    Attributes
    ----------
    name : str
        Name of the table, and of its file without ending.
    row : str
        What one row is.
    columns : tuple of Column
    key : tuple of str
        Columns that together name a row once; empty where repeats are genuine.
    """

    name: str
    row: str
    columns: tuple[Column, ...]
    key: tuple[str, ...] = ()

    def __getitem__(self, name: str) -> Column:
        """Return the column called `name`."""
        return {column.name: column for column in self.columns}[name]

    @property
    def required(self) -> tuple[str, ...]:
        """Names of the columns the table cannot do without."""
        return tuple(column.name for column in self.columns if column.required)

    @property
    def happens(self) -> str | None:
        """Name of the column that dates a row, or None."""
        return next((column.name for column in self.columns if column.happens), None)


def _customer(name: str = "customer_id", meaning: str = "The customer.") -> Column:
    return Column(name, "id", meaning, required=True, refers_to="customers.customer_id")


_TABLES = (
    Table(
        "orders",
        "an order line, or a whole order",
        (
            Column("customer_id", "id", "Who bought. Blank where the sale is anonymous.", True),
            Column("ordered_at", "time", "When the order was placed.", True, happens=True),
            Column(
                "net_amount",
                "money",
                "What the customer paid for the line after discount, net of tax; "
                "negative for a return, on the day of the return.",
                True,
            ),
            Column("order_id", "id", "The order the line belongs to."),
            Column("product_id", "id", "What was bought.", refers_to="products.product_id"),
            Column("quantity", "number", "Units in the line; negative for a return."),
            Column(
                "discount_amount",
                "money",
                "Money taken off the list price of the line; list price = net + discount.",
            ),
            Column("cost_of_goods", "money", "What the goods of the line cost; negative if taken back."),
            Column("channel", "text", "Where the order came in, for example web, shop, reseller."),
        ),
    ),
    Table(
        "customers",
        "a customer",
        (
            Column("customer_id", "id", "The customer.", True),
            Column("acquired_on", "date", "Day the relationship began.", happens=True),
            Column("acquisition_channel", "text", "How the customer was won."),
            Column("acquisition_cost", "money", "What winning this customer cost, once.", bounds=(0, None)),
            Column(
                "partner_id",
                "id",
                "The partner who brought or serves the customer.",
                refers_to="partners.partner_id",
            ),
            Column("region", "text", "Where the customer lives or trades."),
            Column(
                "club_member_since",
                "date",
                "Day the customer joined the club; blank if never.",
                known_later=True,
            ),
            Column(
                "contact_consent",
                "flag",
                "Whether the customer may be contacted; false if refused, blank if never asked or not known.",
            ),
        ),
        key=("customer_id",),
    ),
    Table(
        "products",
        "a product",
        (
            Column("product_id", "id", "The product.", True),
            Column("name", "text", "Its name."),
            Column("category", "text", "Its category."),
            Column("tier", "text", "Its price tier, for example entry, core, premium."),
            Column("supplier_id", "id", "The partner who supplies it.", refers_to="partners.partner_id"),
        ),
        key=("product_id",),
    ),
    Table(
        "events",
        "something done for a customer that costs capacity: a delivery, a return handled, a call, a visit",
        (
            _customer(),
            Column("occurred_on", "date", "Day it was done.", True, happens=True),
            Column(
                "activity", "id", "What was done.", True, refers_to="activities.activity", must_exist=True
            ),
            Column("quantity", "number", "How many times; 1 if left out.", bounds=(0, None)),
            Column("order_id", "id", "The order it was done for, if any."),
        ),
    ),
    Table(
        "activities",
        "an activity and the time it takes",
        (
            Column("activity", "id", "The activity.", True),
            Column("minutes_per_event", "number", "Minutes one event takes.", True, bounds=(0, None)),
            Column(
                "resource",
                "id",
                "The pool of capacity that does it.",
                True,
                refers_to="resources.resource",
                must_exist=True,
            ),
        ),
        key=("activity",),
    ),
    Table(
        "resources",
        "a pool of capacity: people, vans, a warehouse",
        (
            Column("resource", "id", "The pool.", True),
            Column(
                "cost_per_month",
                "money",
                "What the pool costs in a month, used or not.",
                True,
                bounds=(0, None),
            ),
            Column(
                "practical_minutes_per_month",
                "number",
                "Minutes a month it can really work, about 80 to 85 % of the paid time.",
                True,
                bounds=(0, None),
                above=True,
            ),
        ),
        key=("resource",),
    ),
    Table(
        "contacts",
        "a customer in a campaign, contacted or held out",
        (
            _customer(),
            Column("campaign_id", "id", "The campaign.", True),
            Column(
                "contacted_on",
                "date",
                "Day of contact (for the control arm: of assignment).",
                True,
                happens=True,
            ),
            Column(
                "arm",
                "choice",
                "Whether the customer was contacted or held out.",
                True,
                choices=("treatment", "control"),
            ),
            Column("cost", "money", "What this contact cost.", bounds=(0, None)),
            Column("action", "text", "What was offered."),
        ),
        key=("campaign_id", "customer_id"),
    ),
    Table(
        "contracts",
        "a membership or subscription",
        (
            Column("contract_id", "id", "The contract.", True),
            _customer(),
            Column("started_on", "date", "First day.", True, happens=True),
            Column("ended_on", "date", "Last day; blank while it runs.", known_later=True),
            Column("fee", "money", "Fee per period.", bounds=(0, None)),
            Column("period_months", "number", "Months one fee covers.", bounds=(0, None)),
            Column("plan", "text", "Terms agreed at the start, for example month to month, two years."),
            Column("service", "text", "What the contract is for, as agreed at the start."),
            Column("payment", "text", "How the fee is paid, as agreed at the start."),
        ),
        key=("contract_id",),
    ),
    Table(
        "survey",
        "one answer sheet",
        (
            _customer(),
            Column("answered_on", "date", "Day of the answer.", True, happens=True),
            Column("expectation", "score", "What was expected, 1 to 10.", bounds=(1, 10)),
            Column("performance", "score", "What was received, 1 to 10.", bounds=(1, 10)),
            Column("satisfaction", "score", "Overall satisfaction, 1 to 10.", bounds=(1, 10)),
            Column(
                "value_vs_competitor", "score", "Value against the main competitor, 1 to 10.", bounds=(1, 10)
            ),
            Column("recommend_0_10", "score", "Likelihood to recommend, 0 to 10.", bounds=(0, 10)),
            Column(
                "spend_elsewhere",
                "money",
                "Spent on the category elsewhere in the last 12 months.",
                bounds=(0, None),
            ),
        ),
    ),
    Table(
        "referrals",
        "a customer brought by another",
        (
            _customer("referrer_id", "The customer who recommended."),
            _customer("referred_id", "The customer who came."),
            Column("referred_on", "date", "Day the new customer came.", True, happens=True),
            Column("incentive", "money", "Reward paid for it.", bounds=(0, None)),
        ),
        key=("referred_id",),
    ),
    Table(
        "reviews",
        "one piece of customer-made content",
        (
            _customer(),
            Column("reviewed_on", "date", "Day it was published.", True, happens=True),
            Column("rating", "score", "Stars, 1 to 5.", True, bounds=(1, 5)),
            Column("product_id", "id", "The product it is about.", refers_to="products.product_id"),
            Column("helpful_votes", "number", "Readers who found it helpful.", bounds=(0, None)),
        ),
    ),
    Table(
        "partners",
        "a supplier, channel or reseller",
        (
            Column("partner_id", "id", "The partner.", True),
            Column(
                "role",
                "choice",
                "What the partner does.",
                True,
                choices=("supplier", "channel", "reseller", "carrier"),
            ),
            Column("name", "text", "Its name."),
            Column("commission_rate", "share", "Commission as a share of net sales.", bounds=(0, 1)),
        ),
        key=("partner_id",),
    ),
    Table(
        "deliveries",
        "one delivery by a partner",
        (
            Column("partner_id", "id", "The partner who delivered.", True, refers_to="partners.partner_id"),
            Column("promised_on", "date", "Day promised.", True),
            Column("delivered_on", "date", "Day delivered.", True, happens=True),
            Column("order_id", "id", "The order delivered."),
            Column("complete", "flag", "Whether everything was there."),
            Column("damaged", "flag", "Whether anything was damaged."),
        ),
    ),
)

TABLES: dict[str, Table] = {table.name: table for table in _TABLES}
