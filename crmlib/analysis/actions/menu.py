"""The closed menu of actions: what can be done with a customer, and what is assumed of it before any test.

Every action is held against doing nothing. What it earns is linear in one number, the *rate of effect*: the share of
the customers treated on whom it works, less those on whom it does harm,

    profit = rate * gain - cost,

with the gain in money if it works and the cost of contact and offer. Rates and spreads here are assumptions of this
project, on the careful side; a test of the own company takes their place (`crmlib.analysis.actions.rates`).
"""

from dataclasses import dataclass

#: The default: do nothing. It costs and earns nothing.
NOTHING = "nothing"
LETTER, PHONE, NONE = "letter", "phone", "none"


@dataclass(frozen=True)
class Action:
    """Something that can be done with a customer.

    Attributes
    ----------
    name : str
        As it stands in the list.
    channel : str
        ``letter`` (or e-mail), ``phone``, or ``none`` where nobody is contacted.
    prior_mean, prior_spread : float
        Rate of effect before any test: mean and standard deviation.
    rate_means : str
        What the rate is a share of, in words.
    gain_means, cost_means : str
        What is gained if it works, and what it costs, in words.
    who : str
        Who is eligible, in words.
    days_valid : int
        Days after which an action not carried out is void.
    """

    name: str
    channel: str
    prior_mean: float
    prior_spread: float
    rate_means: str
    gain_means: str
    cost_means: str
    who: str
    days_valid: int

    @property
    def contacts(self) -> bool:
        """Whether the customer is contacted, so that consent and rest days count."""
        return self.channel != NONE


_ACTIONS = (
    Action(
        "win back", LETTER, 0.05, 0.025, "customers who had left and return because of it",
        "value of an active customer times the chance to have left, less the offer",
        "contact, and the offer to those who would have bought anyway",
        "more likely gone than not", 31,
    ),
    Action(
        "save", LETTER, 0.10, 0.065, "customers about to leave whom it keeps",
        "value if kept times the chance to leave, less the offer",
        "contact, and the offer to those who would have stayed anyway",
        "bought lately and may leave", 31,
    ),
    Action(
        "cross-sell", LETTER, 0.03, 0.02, "customers who buy the product named and would not have",
        "margin of the product, times the chance that it is wanted over the average chance", "contact",
        "active, with a product to recommend", 31,
    ),
    Action(
        "up-sell", LETTER, 0.03, 0.02, "customers who trade up to the next tier",
        "more margin in a year at the next tier", "contact",
        "active, buying below the highest tier", 31,
    ),
    Action(
        "service repair", PHONE, 0.15, 0.10, "customers about to leave whom an apology keeps",
        "value if kept times the chance to leave", "call",
        "let down lately: late, incomplete or damaged delivery, or less than expected", 14,
    ),
    Action(
        "level up", PHONE, 0.05, 0.05, "margin of a year by which more attention raises it",
        "margin of a year", "calls of a year",
        "served below the level due to the segment", 92,
    ),
    Action(
        "level down", NONE, 0.30, 0.15, "cost of attention that is saved in money",
        "cost of attention without an order, a year", "a tenth of the margin, which may be lost",
        "served above the level due to the segment", 92,
    ),
    Action(
        "ask for referral", LETTER, 0.04, 0.03, "customers who bring one more new customer",
        "margin of a new customer in the first year, less the reward", "contact",
        "would recommend, or has done so", 31,
    ),
    Action(
        "reprice", NONE, 0.75, 0.10, "customers who accept the new terms",
        "loss of a year that ends, over parting", "margin that goes with those who leave, less service saved",
        "loses money, and a change of terms would end that", 92,
    ),
)  # fmt: skip

#: The actions by name, "nothing" left out.
MENU: dict[str, Action] = {action.name: action for action in _ACTIONS}
