"""What a cell shows: three forms of one thing, and strict JSON for the report."""

import json

import pytest

from crmlib.display.shown import BUNDLE, Shown


def test_the_page_the_terminal_and_the_report_get_their_own_form():
    shown = Shown("<p>a</p>", "a", {"kind": "x", "rows": 3})
    assert shown._repr_mimebundle_() == {
        "text/html": "<p>a</p>", "text/plain": "a", BUNDLE: {"kind": "x", "rows": 3},
    }  # fmt: skip
    assert str(shown) == "a"


def test_what_hands_over_nothing_has_no_bundle():
    assert set(Shown("<p>a</p>", "a")._repr_mimebundle_()) == {"text/html", "text/plain"}


def test_the_bundle_is_a_copy_that_json_can_hold():
    facts = {"rows": (1, 2)}
    bundle = Shown("", "", facts)._repr_mimebundle_()[BUNDLE]
    assert bundle == {"rows": [1, 2]} == json.loads(json.dumps(bundle))
    with pytest.raises(TypeError):
        Shown("", "", {"rows": object()})._repr_mimebundle_()
