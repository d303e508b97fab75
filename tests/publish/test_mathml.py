r"""Formulas become MathML as a whole, or the build stops; no raw TeX and nothing else gets through."""

from xml.etree import ElementTree

import pytest

from crmlib.publish.mathml import PageError, to_mathml


@pytest.mark.parametrize(
    "tex",
    [
        r"s_i = \sum_{a} n_{ia}\, t_a \frac{C_a}{M_a}",
        r"\text{profit}_c = m_c - s_c",
        r"\hat{\pi} = \bar{x} \pm 1.96\,\sigma / \sqrt{n}",
        r"E[X \mid t] = \int_0^\infty x\, f(x)\, dx",
        r"\begin{cases} 1 & x > 0 \\ 0 & \text{else} \end{cases}",
        r"50\,\% \approx \mathrm{AUC}",
        r"\left( 1 - w \right) b_i \leq \max_k x_k",
        r"\operatorname*{argmax}_x f(x)",
        r"\$5 + €3",
    ],
)
def test_ordinary_formulas_become_well_formed_mathml(tex):
    for block in (False, True):
        tree = ElementTree.fromstring(to_mathml(tex, block))
        assert tree.tag == "{http://www.w3.org/1998/Math/MathML}math"
        assert tree.get("display") == ("block" if block else "inline")
        assert "\\" not in "".join(tree.itertext())


def test_the_parts_of_a_fraction_stay_where_they_are():
    tree = ElementTree.fromstring(to_mathml(r"\frac{a}{b+c}"))
    fraction = next(element for element in tree.iter() if element.tag.endswith("mfrac"))
    assert ["".join(part.itertext()) for part in fraction] == ["a", "b+c"]


@pytest.mark.parametrize(
    ("tex", "why"),
    [
        (r"\profit_x", r"unknown \\profit"),
        (r"\begin{aligned} a &= b \\ c &= d \end{aligned}", "not understood"),
        (r"a \\ b", "several lines"),
        (r"\frac{a", "braces"),
        (r"\frac a", "missing"),
        (r"a $ b", "dollar"),
        (r"\text{<script>alert(1)</script>}", "bring <script>"),
        (r"\href{javascript:alert(1)}{x}", "href"),
        (r"\color{red}{x}", "mathcolor"),
        (r"\text{a & b}", "not understood"),
    ],
)
def test_anything_else_stops_the_build_and_says_why(tex, why):
    with pytest.raises(PageError, match=why) as caught:
        to_mathml(tex)
    assert caught.value.exit_code == 1
