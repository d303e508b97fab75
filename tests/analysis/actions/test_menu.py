"""The menu: names that a list can carry, and assumptions that can be read."""

import pytest

from crmlib.analysis.actions.menu import MENU, NONE, NOTHING


def test_doing_nothing_is_no_action():
    assert NOTHING not in MENU and len(MENU) == 9


@pytest.mark.parametrize("name", MENU)
def test_an_action_states_what_it_assumes(name):
    action = MENU[name]
    assert action.name == name
    assert 0 < action.prior_mean <= 1 and 0 < action.prior_spread <= action.prior_mean
    assert action.days_valid > 0 and all(
        [action.who, action.rate_means, action.gain_means, action.cost_means]
    )
    assert action.contacts == (action.channel != NONE)


def test_only_changes_of_terms_and_of_service_need_no_contact():
    assert [name for name, action in MENU.items() if not action.contacts] == ["level down", "reprice"]
