"""The charts."""

import math

from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, NullLocator

import data
from data import BY_HAND, SCENARIOS, best, limits, ours, peers
from style import FAINT, INK, LIMIT, OURS, PEERS, panels, spread, to_svg

COMPARE = "cargo bench -p compare"
SOCKETS = "cargo bench -p sockets"
COPY_AND_XOR = "limit: copy and XOR"
COPY = "limit: copy"


def all_charts(results):
    """Names and contents of the files."""
    return [
        ("codec", codec(results)),
        ("text", text(results)),
        ("sockets", sockets(results)),
        ("memory", memory(results)),
        ("handshake", handshake(results)),
        ("deflate", deflate(results)),
        ("growth", growth(results)),
        ("growth-sockets", growth_sockets(results)),
    ]


RELATIVE = (
    "Each size is relative to the fastest other library at it: below 1 sansws is the fastest. "
    "Logarithmic upwards; sizes are not to scale.\n"
    "Grey: less than it takes to copy the bytes, and to XOR them in words of 64 bits "
    "(of a server that sends: to copy alone); where it is not seen, it lies below."
)


def codec(results):
    groups = [
        ("receive-binary", "Receive binary messages, as a server"),
        ("echo", "Echo binary messages, as a server"),
        ("send-server", "Send as a server"),
        ("send-client", "Send as a client"),
    ]
    title = "Processor time of a message in memory, relative to the fastest of nine other Rust libraries"
    figure, axes = panels(2, 2, 10, 8.2, title, RELATIVE, results.machine, COMPARE)
    figure.subplots_adjust(left=0.05, right=0.87, wspace=0.54, hspace=0.3)
    for (group, name), plot in zip(groups, axes.flat):
        relative(plot, name, results.group(group))
    return to_svg(figure)


def text(results):
    groups = [
        ("receive-ascii", "Receive text, ASCII"),
        ("receive-japanese", "Receive text, Japanese (three bytes a character)"),
    ]
    title = "Processor time of a text message in memory, checked, relative to the fastest of nine others"
    figure, axes = panels(1, 2, 10, 4.6, title, RELATIVE, results.machine, COMPARE)
    figure.subplots_adjust(left=0.05, right=0.87, wspace=0.54)
    for (group, name), plot in zip(groups, axes.flat):
        relative(plot, name, results.group(group))
    return to_svg(figure)


def relative(plot, name, cases):
    """Lines of each contender over the sizes, as multiples of the fastest peer."""
    sizes = list(cases)
    references = [best(peers(cases[size])).nanoseconds for size in sizes]
    lines = {}
    for i, size in enumerate(sizes):
        for figure in cases[size]:
            lines.setdefault(figure.name, []).append((i, figure.nanoseconds / references[i]))
    lowest, highest = 1 / 8, 64
    limit = lines.pop(COPY_AND_XOR, None) or lines[COPY]
    for other in (COPY, BY_HAND):
        lines.pop(other, None)
    plot.fill_between(*zip(*limit), lowest, color=LIMIT, linewidth=0)
    plot.axhline(1, color=INK, linewidth=0.8)
    names = sorted(lines, key=lambda name: name.startswith(data.OURS))
    colours = PEERS | OURS
    for line in names:
        width = 2.4 if line == data.OURS else 1.6 if line in OURS else 0.9
        dashes = "-" if line not in OURS or line == data.OURS else (0, (4, 1.5))
        plot.plot(
            *zip(*lines[line]),
            color=colours[line],
            linewidth=width,
            linestyle=dashes,
            marker="o",
            markersize=width + 1,
            clip_on=True,
        )
    plot.set_yscale("log", base=2)
    multiples(plot.yaxis, lowest, highest)
    plot.set_ylim(lowest, highest)
    plot.set_xlim(-0.3, len(sizes) - 1 + 0.2)
    plot.set_xticks(range(len(sizes)), [data.size(size) for size in sizes])
    plot.set_title(name)
    ends = [min(max(math.log2(lines[line][-1][1]), -3), 6) for line in names]
    for line, end, place in zip(names, ends, spread(ends, 0.45)):
        label(plot, line, len(sizes) - 1, 2**end, 2**place, colours[line], line in OURS)


def label(plot, text, x, y, place, colour, is_bold):
    """Beside the end of a line, and joined to it if it had to move."""
    plot.annotate(
        text.replace("sansws, reads of", "reads of").replace("sansws, ", ""),
        (x, y),
        xytext=(1.07, place),
        textcoords=("axes fraction", "data"),
        color=colour if is_bold else INK,
        weight="bold" if is_bold else "normal",
        size=8,
        va="center",
        annotation_clip=False,
        arrowprops={
            "arrowstyle": "-",
            "color": colour,
            "linewidth": 0.6,
            "relpos": (0, 0.5),
            "shrinkA": 1,
            "shrinkB": 3,
        },
    )


def multiples(axis, lowest, highest):
    """Ticks at the powers of two, written as fractions and numbers."""
    exponents = range(math.ceil(math.log2(lowest)), math.floor(math.log2(highest)) + 1)
    axis.set_major_locator(FixedLocator([2**exponent for exponent in exponents]))
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{multiple(value)}×"))


def multiple(value):
    return f"{value:g}" if value >= 1 else f"1/{1 / value:g}"


def sockets(results):
    note = (
        "Relative to the best loop that does the same without the protocol (it checks nothing). "
        "Logarithmic. Grey: other libraries, each in the loops of its examples;\n"
        "the best of them is named. One message in flight on each connection, "
        "if nothing else is said. The last two: for each delivery, and for each connection."
    )
    title = "Processor time of a server for a message over loopback, kernel included"
    figure, ((plot,),) = panels(1, 1, 10, 5.4, title, note, results.machine, SOCKETS)
    figure.subplots_adjust(left=0.25, right=0.97)
    markers = {"sansws-epoll": "D", "sansws-tokio": "o", "sansws-blocking": "s"}
    lowest = 1
    scenarios = results.scenarios()
    for row, servers in enumerate(scenarios.values()):
        raw = best(limits(servers)).nanoseconds
        lowest = min([lowest, *(server.nanoseconds / raw for server in servers)])
        # Ours above the line and the others below it, so that none hides another.
        others = [(peer.nanoseconds / raw, row + 0.13) for peer in peers(servers)]
        plot.scatter(*zip(*others), color="#b5bac1", s=16, linewidths=0, zorder=2)
        fastest = best(peers(servers))
        plot.annotate(
            fastest.name,
            (fastest.nanoseconds / raw, row + 0.13),
            xytext=(0, -5),
            textcoords="offset points",
            size=8,
            color=FAINT,
            va="top",
            ha="left",
        )
        for mine in ours(servers):
            plot.scatter(
                mine.nanoseconds / raw,
                row - 0.13,
                color=OURS[mine.name],
                s=34,
                zorder=3,
                marker=markers[mine.name],
                linewidths=0,
                label=mine.name if row == 0 else None,
            )
    plot.axvline(1, color=INK, linewidth=0.8)
    plot.set_xscale("log", base=2)
    multiples(plot.xaxis, 1 / 2, 64)
    plot.set_xlim(lowest / 1.1, 64)
    plot.set_yticks(range(len(scenarios)), [SCENARIOS[name] for name in scenarios])
    plot.set_ylim(len(scenarios) - 0.4, -0.6)
    plot.legend(loc="upper right", bbox_to_anchor=(1, 1.1), ncols=3, prop={"weight": "bold"})
    return to_svg(figure)


def memory(results):
    servers = sorted(results.memory().items(), key=lambda server: server[1][1])
    note = "Resident memory of the server's process, of 10,000 connections. Logarithmic."
    title = "Memory of an idle connection: fresh (hollow), and after 16 KiB were echoed (full)"
    command = f"{SOCKETS} -- --memory"
    figure, ((plot,),) = panels(1, 1, 10, 4.6, title, note, results.machine, command)
    figure.subplots_adjust(left=0.2, right=0.9)
    for row, (name, (fresh, used)) in enumerate(servers):
        colour = OURS[data.OURS] if name.startswith(data.OURS) else FAINT
        plot.plot([fresh, used], [row, row], color=colour, linewidth=1.2, zorder=2)
        plot.scatter(fresh, row, s=28, facecolors="white", edgecolors=colour, zorder=3)
        plot.scatter(used, row, s=28, color=colour, zorder=3)
        plot.annotate(
            f"{used / 1000:,.1f} kB",
            (max(fresh, used), row),
            xytext=(8, 0),
            textcoords="offset points",
            size=8,
            va="center",
        )
    plot.set_xscale("log")
    plot.xaxis.set_minor_locator(NullLocator())
    lowest = min(min(figures) for _, figures in servers)
    plot.set_xlim(lowest / 1.6, 300_000)
    ticks = [tick for tick in (100, 1000, 10_000, 100_000) if tick > lowest / 1.6]
    plot.set_xticks(ticks, [f"{tick:,} bytes" for tick in ticks])
    plot.set_yticks(range(len(servers)), [name for name, _ in servers])
    plot.set_ylim(len(servers) - 0.4, -0.6)
    embolden(plot)
    return to_svg(figure)


def embolden(plot):
    for tick in plot.get_yticklabels():
        if tick.get_text().startswith(data.OURS):
            tick.set(weight="bold", color=OURS[data.OURS])


def handshake(results):
    ((size, figures),) = results.group("handshake-server").items()
    note = f"A browser's request of {size} bytes is parsed and checked, and the answer written."
    title = "Processor time of a server's handshake in memory"
    figure, ((plot,),) = panels(1, 1, 10, 2.8, title, note, results.machine, COMPARE)
    figure.subplots_adjust(left=0.16, right=0.94)
    bars(plot, figures, "ns")
    return to_svg(figure)


def bars(plot, figures, unit, divisor=1):
    figures = sorted(figures, key=lambda figure: figure.nanoseconds)
    colours = [OURS[data.OURS] if figure.is_ours else "#b5bac1" for figure in figures]
    times = [figure.nanoseconds / divisor for figure in figures]
    plot.barh(range(len(figures)), times, color=colours, height=0.62)
    for row, time in enumerate(times):
        plot.annotate(
            f"{time:,.0f}" if time >= 10 else f"{time:.1f}",
            (time, row),
            xytext=(4, 0),
            textcoords="offset points",
            size=8,
            va="center",
        )
    plot.set_yticks(range(len(figures)), [figure.name for figure in figures])
    plot.set_ylim(len(figures) - 0.4, -0.6)
    plot.set_xlim(0, max(times) * 1.1)
    plot.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g} {unit}"))
    plot.grid(False, axis="y")
    embolden(plot)


def deflate(results):
    note = (
        "JSON, no two messages the same; going on from those before it (full) and each by "
        "itself (hollow). sansws at levels 1, 2, 6, and 3 with memory level 7.\n"
        "Lower left is better: less time, and fewer bytes; bytes do not begin at zero. "
        "yawc is built on zlib-rs, as sansws is."
    )
    title = "permessage-deflate: what it costs to compress a message, and what is left of it"
    figure, axes = panels(1, 2, 10, 4.8, title, note, results.machine, COMPARE)
    figure.subplots_adjust(left=0.07, right=0.97, wspace=0.25)
    for plot, (size, figures) in zip(axes.flat, results.group("deflate-compress").items()):
        trade(plot, figures)
        plot.set_title(f"Compress messages of {data.size(size)}")
        plot.set_xlabel("µs a message")
    return to_svg(figure)


def trade(plot, figures):
    """Time against size of each setting."""
    for keeps in (True, False):
        line = [it for it in without_reset(figures) if ("no takeover" not in it.name) == keeps]
        line = [it for it in line if "memory level" not in it.name]
        plot.plot(
            [it.nanoseconds / 1000 for it in line],
            [100 * it.ratio for it in line],
            color=OURS[data.OURS],
            linewidth=0.8,
            zorder=2,
        )
    at = {figure: (figure.nanoseconds / 1000, 100 * figure.ratio) for figure in figures}
    for figure, (x, y) in at.items():
        colour = OURS[data.OURS] if figure.is_ours else PEERS["yawc"]
        keeps = "no takeover" not in figure.name
        plot.scatter(
            x,
            y,
            s=52 if figure.is_ours else 16,
            color=colour if keeps else "white",
            edgecolors=colour,
            marker="o" if figure.is_ours else "s",
            zorder=3,
        )
    plot.set_xlim(0, 1.45 * max(x for x, _ in at.values()))
    plot.margins(y=0.1)
    plot.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g} %"))
    # The others' above and to the right; ours below, and to the left if there is room.
    end = plot.get_xlim()[1]
    for text, (x, y) in together(plot, [(setting(it), at[it]) for it in peers(figures)]):
        plot.annotate(
            text, (x, y), xytext=(6, 5), textcoords="offset points", size=7.5, color=PEERS["yawc"]
        )
    for text, (x, y) in together(plot, [(setting(it), at[it]) for it in without_reset(figures)]):
        has_room = x > end / 8
        plot.annotate(
            text,
            (x, y),
            xytext=(-4 if has_room else 6, -10),
            textcoords="offset points",
            size=7.5,
            color=OURS[data.OURS],
            weight="bold",
            ha="right" if has_room else "left",
        )


def without_reset(figures):
    """Ours, without those that lie beside one that does not keep its context."""
    return [it for it in ours(figures) if "reset" not in it.name]


def setting(figure):
    name = figure.name.replace(", no takeover", "").replace(" (zlib-rs),", "")
    return name.removeprefix("sansws, ").removesuffix(", memory level 7")


def together(plot, labels):
    """One label where several would lie upon each other."""
    (_, width), (bottom, top) = plot.get_xlim(), plot.get_ylim()
    found = []
    for text, (x, y) in labels:
        for i, (before, (left, height)) in enumerate(found):
            if abs(x - left) < width / 20 and abs(y - height) < (top - bottom) / 40:
                joined = text if text.startswith(before) else f"{before}, {text}"
                found[i] = (joined, (left, height))
                break
        else:
            found.append((text, (x, y)))
    return found


def growth(results):
    series = results.growth()
    note = (
        "Processor time of sansws in memory, by the number of what a peer sends: measured "
        "(points), and the straight line with the least squares. All axes begin at zero.\n"
        "In italics how far a point is from the line at most, as a part of the whole. "
        "Hollow: to copy as many bytes twice, and to XOR them, too."
    )
    title = "How cost grows"
    rows = math.ceil(len(series) / 4)
    size, command = (10, 1 + 2.25 * rows), f"{COMPARE} -- growth"
    figure, axes = panels(rows, 4, *size, title, note, results.machine, command)
    figure.subplots_adjust(left=0.06, right=0.98, wspace=0.32, hspace=0.55)
    for plot, one in zip(axes.flat, series):
        straight(plot, one)
    for plot in axes.flat[len(series) :]:
        plot.set_axis_off()
    return to_svg(figure)


def straight(plot, series):
    slope, intercept = series.line()
    end = series.points[-1][0]
    top = max(time for _, time in series.points)
    unit, divisor = ("ms", 1e6) if top >= 1e6 else ("µs", 1e3)
    line = [(number, (intercept + slope * number) / divisor) for number in (0, end)]
    plot.plot(*zip(*line), color=FAINT, linewidth=1)
    for limit in series.limits:
        plot.plot(
            *zip(*((number, time / divisor) for number, time in limit.points)),
            color=FAINT,
            marker="o",
            markersize=4,
            fillstyle="none",
            linestyle="none",
        )
    plot.plot(
        *zip(*((number, time / divisor) for number, time in series.points)),
        color=OURS[data.OURS],
        marker="o",
        markersize=4,
        linestyle="none",
    )
    plot.set_xlim(0, end * 1.06)
    plot.set_ylim(0, top / divisor * 1.15)
    plot.set_title(series.name[0].upper() + series.name[1:], size=8.5)
    ticks = [0, end // 2, end]
    plot.set_xticks(ticks, [counted(tick) for tick in ticks], size=8)
    plot.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g} {unit}"))
    plot.tick_params(axis="y", labelsize=8)
    each = f"{slope:.0f}" if slope >= 10 else f"{slope:.2f}"
    plot.text(
        0.05,
        0.95,
        f"{each} ns each",
        transform=plot.transAxes,
        va="top",
        size=8.5,
        weight="bold",
        color=OURS[data.OURS],
    )
    plot.text(
        0.05,
        0.85,
        f"± {100 * series.greatest_distance():.1f} %",
        transform=plot.transAxes,
        va="top",
        size=8,
        style="italic",
        color=FAINT,
    )


def counted(number):
    if number and number % (1 << 20) == 0:
        return f"{number >> 20} Mi"
    if number >= 1 << 14 and number % (1 << 10) == 0:
        return f"{number >> 10} Ki"
    return f"{number:,}"


def growth_sockets(results):
    series = [
        ("connections", "Connections, one in flight on each", (1, 10, 100, 1000, 10_000)),
        ("in_flight", "Messages in flight on each of 100", (1, 4, 16, 64)),
        ("size", "Bytes of a message", (1, 2**8, 2**16, 2**24)),
    ]
    note = (
        "Messages of 16 bytes, but for the last, which has four connections. One processor for "
        "the server. Both axes are logarithmic."
    )
    title = "Processor time of a server for a message over loopback, as the load grows"
    command = f"{SOCKETS} -- --growth"
    figure, axes = panels(1, 3, 10, 3.9, title, note, results.machine, command)
    figure.subplots_adjust(left=0.06, right=0.88, wspace=0.3)
    colours = {"raw-epoll": FAINT, "raw-tokio": "#a3a9b1"} | OURS
    for plot, (name, heading, ticks) in zip(axes.flat, series):
        servers = results.socket_growth(name)
        for server, points in servers.items():
            is_ours = server.startswith(data.OURS)
            plot.plot(
                *zip(*((count, time / 1000) for count, time in points)),
                color=colours[server],
                linewidth=1.8 if is_ours else 1.2,
                linestyle="-" if is_ours else (0, (4, 1.5)),
                marker="o",
                markersize=2.5,
            )
        plot.set_xscale("log")
        plot.set_yscale("log")
        plot.xaxis.set_minor_locator(NullLocator())
        plot.yaxis.set_minor_locator(NullLocator())
        low, high = plot.get_ylim()
        plot.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5) if high < 1000 * low else (1,)))
        plot.set_xticks(ticks, [counted(tick) for tick in ticks])
        plot.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,g} µs"))
        plot.set_title(heading, size=9)
    ends = [math.log10(points[-1][1] / 1000) for points in servers.values()]
    lowest, highest = (math.log10(end) for end in plot.get_ylim())
    for server, end, place in zip(servers, ends, spread(ends, (highest - lowest) / 16)):
        label(
            plot,
            server,
            servers[server][-1][0],
            10**end,
            10**place,
            colours[server],
            server.startswith(data.OURS),
        )
    return to_svg(figure)
