"""How the charts look, and how they become bytes."""

import io
import re
from pathlib import Path

import matplotlib

matplotlib.use("svg")

from matplotlib import font_manager, pyplot  # noqa: E402, the backend comes first

# It comes with matplotlib, so that text is laid out alike everywhere; where it is shown,
# one that is as wide may take its place.
FONT = "DejaVu Sans"
FONTS = f"'{FONT}', Verdana, sans-serif"

# Not another version of it, which the system may have.
font_manager.fontManager.ttflist = [
    font
    for font in font_manager.fontManager.ttflist
    if Path(font.fname).is_relative_to(matplotlib.get_data_path())
]

INK = "#1f2328"
FAINT = "#6e7781"
GRID = "#e3e6ea"
LIMIT = "#eceff2"

# Ours, by the setting or the server; all warm, and dark enough for text.
OURS = {
    "sansws": "#c8400a",
    "sansws, reads of 16 KiB": "#a8690b",
    "sansws, memory reused": "#8a4a2f",
    "sansws, vectored": "#a3195b",
    "sansws, in pieces": "#a3195b",
    "sansws, adapter for tokio": "#d1873b",
    "sansws-epoll": "#c8400a",
    "sansws-tokio": "#a8690b",
    "sansws-blocking": "#6e2a0c",
}

# Muted, and told apart by those who see few colours; each library keeps its own.
PEERS = {
    "fastwebsockets": "#7a8fb8",
    "sockudo-ws": "#5f9ea0",
    "soketto": "#a8a29a",
    "tokio-websockets": "#6b7a3a",
    "tokio-tungstenite": "#8c6bb1",
    "tungstenite": "#8c6bb1",
    "web-socket": "#b09a5b",
    "websocket-sans-io": "#4f6d8f",
    "wtx": "#3f8f6b",
    "yawc": "#a0708c",
}

pyplot.rcParams.update(
    {
        "font.family": FONT,
        "font.size": 9,
        "svg.fonttype": "none",
        "svg.hashsalt": "sansws",
        "figure.facecolor": "white",
        "text.color": INK,
        "axes.edgecolor": FAINT,
        "axes.labelcolor": INK,
        "axes.linewidth": 0.6,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.titlesize": 9.5,
        "axes.titleweight": "bold",
        "axes.titlelocation": "left",
        "axes.axisbelow": True,
        "axes.grid": True,
        "grid.color": GRID,
        "grid.linewidth": 0.6,
        "xtick.color": FAINT,
        "ytick.color": FAINT,
        "xtick.labelcolor": INK,
        "ytick.labelcolor": INK,
        "xtick.major.size": 0,
        "ytick.major.size": 0,
        "ytick.minor.size": 0,
        "xtick.minor.size": 0,
        "legend.frameon": False,
    }
)


def panels(rows, columns, width, height, title, note, machine, command, **options):
    """A figure with a title above, and below it a note and where the numbers are from."""
    figure, axes = pyplot.subplots(rows, columns, figsize=(width, height), squeeze=False, **options)
    inch = 1 / height
    figure.suptitle(title, x=0.012, y=1 - 0.1 * inch, ha="left", va="top", size=11, weight="bold")
    source = f"{machine['machine']}, {machine['system']}, {machine['compiler']}, {machine['date']}"
    below = [*note.splitlines(), f"{command} on {source}"]
    for line, text in enumerate(reversed(below)):
        figure.text(0.012, (0.08 + 0.16 * line) * inch, text, size=8, color=FAINT, va="bottom")
    bottom = (0.66 + 0.16 * len(below)) * inch
    figure.subplots_adjust(top=1 - 0.68 * inch, bottom=bottom)
    return figure, axes


def to_svg(figure):
    """Without a date, and with ids that only depend on the contents."""
    file = io.StringIO()
    nothing = {"Creator": None, "Date": None, "Format": None, "Type": None}
    figure.savefig(file, format="svg", metadata=nothing)
    pyplot.close(figure)
    text = file.getvalue().replace(f"'{FONT}'", FONTS)
    # Nobody sees a thousandth of a point.
    text = re.sub(r"-?\d+\.\d{3,}", lambda number: f"{float(number[0]):.2f}", text)
    text = re.sub(r" <metadata>.*?</metadata>\n", "", text, flags=re.DOTALL)
    lines = (line.rstrip() for line in text.splitlines())
    return "\n".join(lines) + "\n"


def spread(positions, gap):
    """The same positions, moved apart as little as makes each `gap` from the next."""
    order = sorted(range(len(positions)), key=lambda i: positions[i])
    # Of members that touch: the sum of the places that each wants the first to have.
    clusters = []
    for i in order:
        clusters.append((positions[i], [i]))
        while len(clusters) > 1 and _end(clusters[-2], gap) > _start(clusters[-1]):
            upper, lower = clusters.pop(), clusters.pop()
            moved = upper[0] - gap * len(lower[1]) * len(upper[1])
            clusters.append((lower[0] + moved, lower[1] + upper[1]))
    placed = {}
    for cluster in clusters:
        for place, i in enumerate(cluster[1]):
            placed[i] = _start(cluster) + gap * place
    return [placed[i] for i in range(len(positions))]


def _start(cluster):
    return cluster[0] / len(cluster[1])


def _end(cluster, gap):
    return _start(cluster) + gap * len(cluster[1])
