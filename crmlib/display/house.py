"""The look of every figure: colours, fonts, titles, axes, alt text, data behind.

A figure of the suite is a `Figure`: the drawing, its title, its alt text and the table
of the numbers drawn. It shows itself in a notebook as a picture followed by a fold-out table.
"""

import base64
import io
import textwrap

import matplotlib
import matplotlib.pyplot as plt
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.text import Text
from matplotlib.ticker import FuncFormatter, MaxNLocator
from PIL import Image

from crmlib.display import formats
from crmlib.display.tables import Table

ACCENT, LOSS, INK, SOFT, GREY, PALE = "#0b6e7f", "#b4432f", "#22303a", "#5d6870", "#8a949c", "#d9dfe3"
# Okabe & Ito's set for colour-blind readers, without black and yellow: one colour per group,
# the same group the same colour everywhere.
GROUPS = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00")
SIZE = (6.6, 3.9)
DPI = 140
BAR = 0.68  # thickness of a horizontal bar, as a share of its place

_STYLE = {
    "font.family": "DejaVu Sans",
    "font.size": 10.5,
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": GREY,
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.color": INK,
    "ytick.color": INK,
    "grid.color": PALE,
    "figure.facecolor": "white",
    "svg.hashsalt": "crmlib",
    "text.parse_math": False,  # "$1.2M of $3M" is money, not a formula
}


def canvas(height: float | None = None, **grid):
    """Start a drawing in the house style; returns matplotlib's figure and axes."""
    sns.set_theme(style="ticks", rc=_STYLE)
    return plt.subplots(figsize=(SIZE[0], height or SIZE[1]), layout="constrained", **grid)


def money_axis(axis, currency: str) -> None:
    """Write money on an axis as k and M."""
    if axis.get_scale() == "linear":
        axis.set_major_locator(MaxNLocator(nbins=5, steps=[1, 2, 2.5, 5, 10]))
    axis.set_major_formatter(FuncFormatter(lambda value, _: formats.round_money(value, currency)))


def share_axis(axis) -> None:
    """Write shares on an axis in per cent, with a decimal where the axis is short."""

    def written(value: float, _) -> str:
        low, high = axis.get_view_interval()
        return f"{value * 100:.{1 if abs(high - low) < 0.05 else 0}f}%".replace("-", "−")

    axis.set_major_formatter(FuncFormatter(written))


def value_axis(axis, kind: str, currency: str = "") -> None:
    """Write on an axis what the numbers are: ``money``, ``share``, or as they stand."""
    if kind == "money":
        money_axis(axis, currency)
    elif kind == "share":
        share_axis(axis)


class Figure:
    """A drawing with everything a reader needs to use it.

    Parameters
    ----------
    drawing : matplotlib.figure.Figure
    title : str
        A question or a computed finding; drawn at the top left.
    subtitle : str
        Population, period and number of customers, in grey below the title.
    alt : str
        Kind of chart, what is on the axes, the main shape, for those who do not see it.
    data : Table
        The numbers drawn.
    """

    def __init__(self, drawing, title: str, subtitle: str, alt: str, data: Table):
        self.drawing, self.title, self.alt, self.data = drawing, title, alt, data
        heading = drawing.text(
            0.012, 0.985, "", ha="left", va="top", fontsize=12, fontweight="bold", color=INK
        )
        below = drawing.text(0.012, 0, "", ha="left", va="bottom", fontsize=9, color=SOFT)
        space = 0.24 * _wrap(heading, title, 66) + 0.16 * _wrap(below, subtitle, 100) + 0.16
        height = drawing.get_figheight() + space
        top = 1 - space / height
        drawing.set_figheight(height)
        drawing.get_layout_engine().set(rect=(0, 0, 1, top))
        below.set_y(top + min(0.012, 0.1 / height))  # of a tall picture these parts would be wide gaps
        heading.set_y(max(0.985, 1 - 0.12 / height))

    @property
    def axes(self) -> list[Axes]:
        """The axes drawn, for those who want to change or test them."""
        return self.drawing.axes

    def png(self) -> bytes:
        """Draw the picture; the same numbers give the same bytes."""
        drawn, small = io.BytesIO(), io.BytesIO()
        with matplotlib.rc_context(_STYLE):
            self.drawing.savefig(drawn, format="png", dpi=DPI, metadata={"Software": None})
        plt.close(self.drawing)
        # A chart has few colours: a palette of 64 makes the file a third of its size.
        palette = Image.open(drawn).convert("RGB").quantize(64, method=Image.Quantize.MAXCOVERAGE, dither=0)
        palette.save(small, format="png", optimize=True)
        return small.getvalue()

    def _ipython_display_(self) -> None:
        self.show()

    def show(self) -> None:
        """Display the picture, its alt text and the numbers behind it."""
        from IPython.display import display

        width, height = (round(inches * 100) for inches in self.drawing.get_size_inches())
        picture = base64.b64encode(self.png()).decode()
        display(
            {
                "image/png": picture,
                "text/plain": f"[Figure: {self.title}] {self.alt}",
                "application/vnd.crmlib+json": {"kind": "figure", "title": self.title, "alt": self.alt},
            },
            metadata={"image/png": {"alt": self.alt, "width": width, "height": height}},
            raw=True,
        )
        display(
            {
                "text/html": '<details class="data-behind"><summary>The numbers behind this figure'
                f"</summary>{self.data.to_html()}</details>",
                "text/plain": self.data.to_text(),
            },
            raw=True,
        )


def _wrap(text: Text, words: str, longest: int) -> int:
    """Break `words` into lines that fit the picture; returns how many there are."""
    for characters in range(longest, 20, -2):
        text.set_text(textwrap.fill(words, characters))
        if text.get_window_extent().x1 <= 0.985 * text.figure.bbox.width:
            break
    return text.get_text().count("\n") + 1
