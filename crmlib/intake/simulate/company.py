"""Casa Verbena, the invented company: its calendar, places, people's kinds and every constant.

Whatever shapes the company is a named value in `PARAMETERS`; the simulation reads it
from there and `truth/parameters` prints the same dictionary, so the truth that is
published is the truth that was used.
"""

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

NAME = "Casa Verbena"
LAST_DAY = date(2026, 6, 30)

Columns = dict[str, np.ndarray]
"""A table in memory: name of column to array, all of one length."""


@dataclass(frozen=True)
class Window:
    """The days in which orders are recorded. Day 0 is `start`; `days` is the number of days."""

    start: date
    days: int

    @property
    def end(self) -> date:
        """Last day."""
        return self.start + timedelta(days=self.days - 1)

    def day_number(self, day: date) -> int:
        """Days from the start of the window to `day`; negative before it."""
        return (day - self.start).days

    def year_edges(self) -> tuple[list[int], list[date]]:
        """First day numbers and last dates of the full 12-month stretches that end with the window."""
        first_days, endings, end = [], [], self.end
        while True:
            after = end + timedelta(days=1)
            first = date(after.year - 1, after.month, after.day)
            if first < self.start:
                break
            first_days.insert(0, self.day_number(first))
            endings.insert(0, end)
            end = first - timedelta(days=1)
        return first_days, endings


def window_of(months: int) -> Window:
    """Return the window of `months` calendar months that ends on 30 June 2026.

    Examples
    --------
    >>> window_of(36)
    Window(start=datetime.date(2023, 7, 1), days=1096)
    """
    index = LAST_DAY.year * 12 + LAST_DAY.month - months  # months since year 0, January = 0
    start = date(index // 12, index % 12 + 1, 1)
    return Window(start, (LAST_DAY - start).days + 1)


# ---------------------------------------------------------------------------------------------
# Kinds of customer. Contract customers are hotels, restaurants and architects.

KINDS = ("web household", "shop household", "web and shop household", "reseller household", "contract")
WEB, SHOP, BOTH, RESELLER, CONTRACT = range(5)
KIND_SHARES = (0.39, 0.335, 0.185, 0.075, 0.015)
WEB_SHARE = (0.93, 0.05, 0.45, 0.15, 0.0)  # share of orders placed on the web; the rest as below
OTHER_CHANNEL = ("shop", "shop", "shop", "reseller", "contract")
CHANNELS = ("web", "shop", "reseller", "contract")
BY_WEB, BY_SHOP, BY_RESELLER, BY_CONTRACT = range(4)  # a kind of customer is not a channel: other names

CONTACT_CLASSES = ("unmoved", "persuadable", "sleeping dog")
UNMOVED, PERSUADABLE, SLEEPING_DOG = range(3)

# ---------------------------------------------------------------------------------------------
# Constants with a meaning. Time in years unless the name says otherwise.

PARAMETERS: dict[str, tuple[float, str]] = {
    # purchases
    "purchase_rate_shape": (1.25, "shape of the gamma distribution of purchase rates, households"),
    "purchase_rate_mean_web": (4.0, "mean orders a year of a living web household"),
    "purchase_rate_mean_shop": (4.2, "mean orders a year of a living shop household"),
    "purchase_rate_mean_both": (5.6, "mean orders a year of a living web and shop household"),
    "purchase_rate_mean_reseller": (2.8, "mean orders a year of a living reseller household"),
    "purchase_rate_mean_contract": (13.0, "mean orders a year of a living contract customer"),
    "purchase_rate_shape_contract": (8.0, "shape of the gamma distribution of purchase rates, contract"),
    "lines_per_order_household": (2.7, "mean order lines of a household order"),
    "lines_per_order_contract": (5.2, "mean order lines of a contract order"),
    # spend
    "spend_shape_within": (4.0, "gamma-gamma spend: shape p of order values within a customer"),
    "spend_shape_between": (4.5, "gamma-gamma spend: shape q of the customer's own scale"),
    "spend_mean_household": (50.0, "mean net order value of households, EUR"),
    "spend_mean_contract": (500.0, "mean net order value of contract customers, EUR"),
    "spend_shape_between_contract": (12.0, "shape q for contract customers"),
    "small_basket_share": (0.20, "share of web households that buy often in small baskets"),
    "small_basket_spend": (0.38, "order value of small-basket customers, times the usual"),
    "small_basket_rate": (1.5, "purchase rate of small-basket customers, times the usual"),
    "price_rise_per_year": (0.02, "list prices rise by this every 1 January"),
    "cost_rise_per_year": (0.025, "costs of goods rise by this every 1 January"),
    "trading_up_per_year": (
        0.10,
        "dearer pieces, fewer of them: rise of the unit price chosen per year of tenure",
    ),
    # lifetimes
    "lifetime_shape": (1.8, "shape of the gamma distribution of dropout hazards"),
    "dropout_hazard_mean_household": (
        0.42,
        "mean dropout hazard per year of a household with satisfaction 7",
    ),
    "dropout_hazard_mean_contract": (0.09, "mean dropout hazard per year of a contract customer"),
    "satisfaction_on_hazard": (-0.28, "log change of the dropout hazard per point of satisfaction"),
    "cohort_drift_hazard": (
        0.10,
        "log rise of the dropout hazard per year of later acquisition in the window",
    ),
    # satisfaction
    "expectation_mean": (7.2, "mean expectation, 1 to 10"),
    "expectation_sd": (0.9, "standard deviation of expectation"),
    "performance_mean": (7.8, "mean perceived performance when no delivery fails, 1 to 10"),
    "performance_sd": (1.0, "standard deviation of perceived performance"),
    "delivery_failure_on_performance": (-7.0, "change of performance per unit share of failed deliveries"),
    "satisfaction_base": (7.0, "satisfaction when performance equals expectation and both are 7"),
    "gain_on_satisfaction": (0.55, "change of satisfaction per point of performance above expectation"),
    "loss_on_satisfaction": (0.95, "change of satisfaction per point of performance below expectation"),
    "performance_on_satisfaction": (0.25, "change of satisfaction per point of performance above 7"),
    "satisfaction_sd": (0.45, "standard deviation of satisfaction left unexplained"),
    "survey_noise_sd": (0.6, "standard deviation of an answer around the true score"),
    # word of mouth
    "referred_share": (0.16, "share of the customers won in the window who were referred"),
    "satisfaction_on_referrals": (0.55, "log change of the referral rate per point of satisfaction"),
    "referral_threshold": (5.5, "customers with satisfaction below this never recommend"),
    "referral_likeness": (0.5, "weight of the referrer's level in the referred customer's order value"),
    "referred_hazard": (0.85, "dropout hazard of referred customers, times the usual"),
    "referral_paid_share": (0.5, "share of referrals for which a reward is paid"),
    "referral_incentive": (10.0, "reward for a referral where one is paid, EUR"),
    # contacts
    "contacted_share": (0.34, "share of eligible customers drawn into a campaign"),
    "control_share": (0.30, "share of a campaign held out, at random"),
    "persuadable_extra_orders": (0.30, "expected extra orders within 28 days per contact, persuadables"),
    "sleeping_dog_leaves": (0.16, "probability that a contact makes a sleeping dog leave within weeks"),
    "contact_cost": (1.40, "cost of one contact, EUR"),
    # club
    "club_share": (0.20, "share of households that ever join the club, about"),
    "club_on_rate": (0.08, "true rise of the purchase rate while a member"),
    "club_fee": (12.0, "club fee for 12 months, EUR; booked in contracts, not in orders"),
    "club_renewal_alpha": (2.4, "beta distribution of the yearly probability not to renew: alpha"),
    "club_renewal_beta": (7.0, "beta distribution of the yearly probability not to renew: beta"),
    # returns and discounts
    "return_rate_web": (0.075, "share of web lines returned by ordinary customers"),
    "return_rate_shop": (0.018, "share of shop and reseller lines returned"),
    "return_rate_heavy": (0.46, "share of lines returned by heavy returners"),
    "heavy_returner_share": (0.055, "share of web and web-and-shop households who are heavy returners"),
    "return_written_off": (0.20, "share of returned lines whose goods cannot be sold again"),
    "costly_contract_share": (0.20, "share of contract customers who cost more than they bring"),
    "costly_contract_spend": (1.45, "order value of costly contract customers, times the usual"),
    "costly_contract_rate": (1.4, "purchase rate of costly contract customers, times the usual"),
    "costly_contract_discount": (0.42, "mean negotiated discount of costly contract customers"),
    "contract_discount": (0.14, "mean negotiated discount of the other contract customers"),
    "costly_contract_returns": (0.13, "share of lines returned by costly contract customers"),
    # service
    "minutes_noise_sd": (0.20, "log standard deviation of a customer's minutes around the standard"),
    "service_hunger_sd": (0.7, "log standard deviation of a customer's calls per order"),
    "calls_per_order": (0.24, "mean phone calls per order"),
    "calls_per_failed_delivery": (0.55, "probability of a call after a late or incomplete delivery"),
    "complaint_if_damaged": (0.75, "probability of a complaint after a damaged delivery"),
    "replacement_if_damaged": (0.45, "probability of a free replacement after a damaged delivery"),
    # shop habits, wallet
    "card_forgotten": (0.10, "mean share of shop orders rung up without the customer card"),
    "genuine_repeat_lines": (0.0004, "share of shop lines rung up twice because two were bought one by one"),
    "wallet_share_alpha": (2.2, "beta distribution of the share of wallet at satisfaction 7: alpha"),
    "wallet_share_beta": (3.3, "beta distribution of the share of wallet: beta"),
}


def constant(name: str) -> float:
    """Return the value of a named constant."""
    return PARAMETERS[name][0]


# ---------------------------------------------------------------------------------------------
# Places. Shops stand in the first three regions only, so shop households live there.

REGIONS = (
    # name, population weight, carrier, travel factor on delivery minutes
    ("Veneto", 0.36, "K01", 0.80),
    ("Lombardia", 0.19, "K02", 0.95),
    ("Emilia-Romagna", 0.12, "K02", 0.92),
    ("Trentino-Alto Adige", 0.05, "K01", 1.05),
    ("Friuli-Venezia Giulia", 0.05, "K01", 1.00),
    ("Piemonte", 0.05, "K02", 1.10),
    ("Valle d'Aosta", 0.01, "K02", 1.35),
    ("Toscana", 0.05, "K03", 1.10),
    ("Lazio", 0.05, "K03", 1.20),
    ("Abruzzo", 0.01, "K04", 1.35),
    ("Campania", 0.03, "K04", 1.40),
    ("Puglia", 0.02, "K04", 1.45),
    ("Sicilia", 0.01, "K04", 1.60),
)
SHOP_REGIONS = 3

# ---------------------------------------------------------------------------------------------
# What service takes. Minutes and rates are those a time study would give.

ACTIVITIES = (
    # name, standard minutes, resource
    ("order picking", 4.0, "warehouse team"),
    ("parcel delivery", 9.0, "own and hired vans"),
    ("pallet delivery", 45.0, "own and hired vans"),
    ("return handling", 22.0, "warehouse team"),
    ("till service", 14.0, "shop teams"),
    ("showroom consultation", 34.0, "shop teams"),
    ("phone call", 10.0, "customer service desk"),
    ("complaint", 35.0, "customer service desk"),
    ("invoice dunning", 18.0, "customer service desk"),
    ("sales visit", 100.0, "field sales"),
)
(PICKING, PARCEL, PALLET, RETURN_HANDLING, TILL, CONSULTATION, CALL, COMPLAINT, DUNNING, VISIT) = range(10)

RESOURCES = (
    # name, cost per practical minute in EUR, share of practical capacity used in the last 12 months
    ("warehouse team", 0.42, 0.87),
    ("own and hired vans", 0.62, 0.89),
    ("customer service desk", 0.46, 0.84),
    ("shop teams", 0.60, 0.81),
    ("field sales", 0.92, 0.63),
)
CAPACITY_STEP_MINUTES = 50  # capacity is hired in steps of so many minutes a month


def activity_tables() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return standard minutes, resource number and cost per minute, one value per activity."""
    names = [name for name, _, _ in RESOURCES]
    minutes = np.array([minutes for _, minutes, _ in ACTIVITIES])
    resource = np.array([names.index(resource) for _, _, resource in ACTIVITIES])
    rate = np.array([rate for _, rate, _ in RESOURCES])[resource]
    return minutes, resource, rate


# ---------------------------------------------------------------------------------------------
# Seasons: spring weddings and Christmas, sales in January and July, a quiet August.

MONTH_FACTORS = (0.98, 0.80, 0.98, 1.12, 1.18, 0.98, 0.92, 0.60, 0.98, 1.02, 1.22, 1.62)
WEEKDAY_FACTORS = {  # Monday first
    "web": (1.15, 1.00, 0.98, 0.98, 0.90, 0.85, 1.14),
    "shop": (0.55, 0.90, 0.95, 1.00, 1.20, 2.20, 0.00),
    "reseller": (0.60, 0.95, 1.00, 1.00, 1.15, 2.00, 0.00),
    "contract": (1.30, 1.30, 1.20, 1.10, 0.90, 0.00, 0.00),
}
FIXED_HOLIDAYS = ((1, 1), (12, 25))  # even the web shop rests: no order is dated on these days
_AFTERMATH_DAYS = 200  # calls, returns and late deliveries may be drawn this far beyond the window


def next_working_days(window: Window) -> np.ndarray:
    """For every day number, the first day from then on that is neither Sunday nor holiday."""
    days = [window.start + timedelta(days=d) for d in range(window.days + _AFTERMATH_DAYS)]
    works = np.array([day.weekday() < 6 and (day.month, day.day) not in FIXED_HOLIDAYS for day in days])
    numbers = np.where(works, np.arange(works.size), works.size)
    return np.minimum.accumulate(numbers[::-1])[::-1]


def seasons(window: Window) -> dict[str, np.ndarray]:
    """Cumulated demand per channel: element d is the demand of all days before day d.

    A year holds about 365.25 units, so rate per year / 365.25 times a difference is a number
    of orders. ``"all"`` is the average without weekdays, used for the number of orders.
    """
    days = [window.start + timedelta(days=d) for d in range(window.days)]
    month = np.array([MONTH_FACTORS[day.month - 1] for day in days])
    month = month / np.mean(MONTH_FACTORS)
    open_day = np.array([(day.month, day.day) not in FIXED_HOLIDAYS for day in days], float)
    weekday = np.array([day.weekday() for day in days])
    cumulated = {"all": np.concatenate([[0.0], np.cumsum(month)])}
    for channel, factors in WEEKDAY_FACTORS.items():
        daily = month * open_day * (np.array(factors) / np.mean(factors))[weekday]
        cumulated[channel] = np.concatenate([[0.0], np.cumsum(daily)])
    return cumulated
