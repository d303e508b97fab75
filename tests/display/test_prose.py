"""Live sentences: numbers by the house rules, and whatever a value contains is text."""

import datetime as dt
import html
from html.parser import HTMLParser

import pytest

from crmlib.display.prose import Sentence

HOSTILE = [
    "<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "Rossi & Söhne <GmbH>", '"quoted" and \'single\'',
    "{profit:money}", "{0}", "{", "}}", "%s %(x)s", "**not bold**", "**", "a ** b ** c", "=cmd|' /C calc'!A0",
    "$x$ and \\alpha", "line\nbreak", "&lt;already&gt;", "\u202egnp.exe", "<!-- -->", "]]>", "`code`", "# title",
]  # fmt: skip


class Reader(HTMLParser):
    """What a browser would show, and which elements it would make."""

    def __init__(self, markup):
        super().__init__(convert_charrefs=True)
        self.text, self.elements = "", []
        self.feed(markup)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, *attrs))

    def handle_data(self, data):
        self.text += data


@pytest.mark.parametrize("value", HOSTILE)
def test_a_value_is_shown_as_text_and_makes_no_element(value):
    sentence = Sentence("Before {name} after.", name=value)
    shown = Reader(sentence._repr_mimebundle_()["text/html"])
    assert shown.text == f"Before {value} after."
    assert shown.elements == [("p",)]
    assert str(sentence) == sentence._repr_mimebundle_()["text/plain"] == f"Before {value} after."


@pytest.mark.parametrize("value", HOSTILE)
def test_a_value_inside_emphasis_is_emphasised_as_it_is(value):
    sentence = Sentence("**{name}** and **more**", name=value)
    shown = Reader(sentence.html)
    assert shown.text == f"{value} and more"
    assert shown.elements == [("strong",), ("strong",)]


@pytest.mark.parametrize("value", ["**", "x** **y"])
def test_stars_of_two_values_make_no_emphasis_between_them(value):
    sentence = Sentence("{a} or {b}", a=value, b=value)
    assert "strong" not in sentence.html
    assert str(sentence) == f"{value} or {value}"


def test_signs_in_the_template_are_text_too():
    sentence = Sentence("Margin < 0 & cost > 1, don't {x}", x="panic")
    assert Reader(sentence.html).text == str(sentence) == "Margin < 0 & cost > 1, don't panic"
    assert Reader(sentence.html).elements == []


@pytest.mark.parametrize(
    ("n", "said"),
    [(1, "1 new customer"), (2, "2 new customers"), (0, "0 new customers"), (1.4, "1 new customer"),
     (1.6, "2 new customers"), (-1, "−1 new customers"), (1234.0, "1,234 new customers")],
)  # fmt: skip
def test_a_count_and_its_noun_agree(n, said):
    sentence = Sentence("**{n:count new customer}** came.", n=n)
    assert str(sentence) == f"{said} came."
    assert sentence.html.replace("\u2060", "") == f"<strong>{said}</strong> came."


def test_a_count_needs_no_noun_but_takes_any():
    assert str(Sentence("{a:count} in {a:count month}, {b:count day}", a=12, b=1)) == "12 in 12 months, 1 day"


def test_a_currency_is_text_too():
    sentence = Sentence("It is {x:money}", currency="<b>", x=3)
    assert Reader(sentence.html).elements == []
    assert Reader(sentence.html).text == str(sentence) == "It is <b> 3.00"


def test_numbers_follow_the_house_rules_in_html_and_text():
    sentence = Sentence(
        "{a:money} {a:full_money} {a:exact_money} {b:share} {b:share1} {c:count} {d:number} {d:number2} {e:day}",
        currency="GBP", a=-12_345.678, b=0.1234, c=1762, d=2.345, e=dt.date(2026, 6, 30),
    )  # fmt: skip
    expected = "−£12.3k −£12,346 −£12,345.68 12% 12.3% 1,762 2.3 2.35 30 June 2026"
    assert str(sentence).replace("2.34 ", "2.35 ") == expected  # a half may round either way
    joined = html.unescape(sentence.html)
    assert joined.count("−\u2060£") == 3  # a minus sign and its number stay on one line
    assert joined.replace("\u2060", "") == str(sentence)


def test_emphasis_is_for_the_page_only():
    sentence = Sentence("**{n:count} customers** lose **money**.", n=3)
    assert str(sentence) == "3 customers lose money."
    assert sentence.html == "<strong>3 customers</strong> lose <strong>money</strong>."


def test_white_space_of_the_template_does_not_matter():
    assert str(Sentence("one\n    two   three")) == "one two three"


@pytest.mark.parametrize(
    ("template", "values", "said"),
    [
        ("{x}", {"x": 3}, "3 needs a format"),
        ("{x}", {"x": None}, "None needs a format"),
        ("{x:.2f}", {"x": 3.0}, "not a format of the house"),
        ("{x:money}", {"x": 1, "y": 2}, "not used in the sentence: y"),
    ],
)
def test_a_slip_of_the_author_is_told(template, values, said):
    with pytest.raises(ValueError, match=said):
        Sentence(template, **values)


def test_a_forgotten_value_is_told_by_name():
    with pytest.raises(KeyError, match="gain"):
        Sentence("{gain:money}")


def test_a_value_that_is_not_known_reads_as_words():
    assert str(Sentence("{x:money} of {y:share}", x=float("nan"), y=None)) == "not known of not known"
