"""The figures of a run against the step, as SVG to stand in a page.

Matplotlib draws; the words stay text. Ink and series have the colours of the page's CSS, light or dark.
"""

import dataclasses
import io
import re

import matplotlib
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, StrMethodFormatter

COLORS = 6
"""How many `--series-N` page.css has."""

INK = "#010203"  # which no series has: replaced by the colour of the text around
SERIES = [f"#0102{10 + index}" for index in range(COLORS)]

LOSSES = "losses"

Points = dict[str, list[tuple[int, float]]]


@dataclasses.dataclass(frozen=True)
class Chart:
    """One pair of axes.

    Attributes:
        title: what is drawn.
        names: of the lines, in the order of their colours.
        svg: an <svg> element.
    """

    title: str
    names: tuple[str, ...]
    svg: str


def charts(series: Points) -> list[Chart]:
    """The curves `{metric: [(step, value)]}`: losses in one chart, and of the others those together that measure the same."""
    groups: dict[str, Points] = {}
    for title, name in sorted(((_title(name), name) for name in series), key=lambda pair: (pair[0] != LOSSES, *pair)):
        groups.setdefault(title, {})[name] = series[name]
    return [draw(title, lines, f"chart{index}") for index, (title, lines) in enumerate(groups.items())]


def _title(name: str) -> str:
    """What a metric measures: fake_logits and real_logits are both "logits", CycleGAN's cycle_G and cycle_F both "cycle"."""
    if name.endswith("loss"):
        return LOSSES
    if name.startswith("evaluation/"):
        return name.replace("evaluation/", "evaluated: ").replace("_", " ")
    return re.sub("^(real|fake|wrong)_|(_[A-Z])+$", "", name.rpartition("/")[2]).replace("_", " ")


def draw(title: str, lines: Points, prefix: str) -> Chart:
    """A chart of lines `{name: [(step, value)]}`; `prefix` keeps its ids from those of other charts in the page."""
    # The font is the page's; drawn with one of about its width, for the margins.
    settings = {"svg.fonttype": "none", "svg.hashsalt": prefix, "font.size": 10, "font.family": ["DejaVu Sans"]}
    with matplotlib.rc_context(settings):
        figure = Figure(figsize=(4.8, 3), layout="constrained", facecolor="none")
        axes = figure.add_subplot(facecolor="none")
        for index, points in enumerate(lines.values()):
            style = ("-", "--", ":", "-.")[index // COLORS % 4]
            marker = "o" if len(points) < 12 else None  # a single point would be no line
            color = SERIES[index % COLORS]
            steps, values = zip(*points, strict=True)
            axes.plot(steps, values, color=color, linestyle=style, linewidth=1.3, marker=marker, markersize=3)
        axes.xaxis.set_major_locator(MaxNLocator(5, integer=True))
        axes.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
        axes.yaxis.set_major_locator(MaxNLocator(6))
        axes.set_xlabel("step", color=INK)
        axes.tick_params(colors=INK)
        axes.yaxis.get_offset_text().set_color(INK)
        axes.spines[:].set_color(INK)
        axes.spines[["top", "right"]].set_visible(False)
        axes.grid(color=INK, alpha=0.15, linewidth=0.6)
        file = io.StringIO()
        nothing = dict.fromkeys(("Creator", "Date", "Format", "Type"))
        figure.savefig(file, format="svg", metadata=nothing)
    return Chart(title, tuple(lines), _inline(file.getvalue(), prefix))


def _inline(svg: str, prefix: str) -> str:
    """A file's SVG as an element of a page: no namespaces, no size of its own, colours and ids of the page."""
    svg = svg[svg.index("<svg") :]
    head, end, body = svg.partition(">")
    head = re.sub(r'\s(xmlns(:\w+)?|version|width|height)="[^"]*"', "", head)
    svg = re.sub(r'( id="|url\(#|href="#)', rf"\g<1>{prefix}-", head + end + body)
    for index, color in enumerate(SERIES):
        svg = svg.replace(color, f"var(--series-{index})")
    return svg.replace(INK, "currentColor").strip()
