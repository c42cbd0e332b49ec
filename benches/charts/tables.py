"""The tables of COMPARE.md."""

import data
from data import BY_HAND, best, limits, named, ours, peers

# How much the bytes written may differ for two settings to compress alike.
ALIKE = 0.03

# What counts as slower: less is within what two runs differ by, or nearly.
SLOWER = 1.02

# The groups of messages of several sizes.
MESSAGES = {
    "receive-binary": "receive, binary",
    "receive-ascii": "receive, ASCII",
    "receive-japanese": "receive, Japanese",
    "echo": "echo",
    "send-server": "send as a server",
    "send-client": "send as a client",
}


def all_tables(results):
    """Markdown, by the names of the places."""
    return {
        **{group: messages(results.group(group)) for group in MESSAGES},
        "default": multiples(results, "compare-default"),
        "fragments": ranking(results.group("fragments-of-1-KiB-echo")),
        "handshake": ranking(results.group("handshake-server")),
        "inflate": inflate(results),
        "compress": compress(results.group("deflate-compress")),
        "compress-c-zlib": compress(results.group("deflate-compress-c-zlib")),
        "growth": growth(results),
        "sockets": sockets(results),
        "memory": memory(results),
        "slower": slower(results),
        "machine": machine(results),
        **{
            f"{name}-{what}": found
            for name, other in results.others().items()
            for what, found in [
                ("memory", multiples(other, "compare")),
                ("sockets", sockets(other)),
                ("slower", slower(other)),
                ("machine", machine(other)),
            ]
        },
    }


def table(heading, rows, is_text=1):
    """The first columns are text, the others numbers."""
    rule = ["---" if i < is_text else "---:" for i in range(len(heading))]
    return "\n".join(f"| {' | '.join(row)} |" for row in [heading, rule, *rows])


def messages(cases):
    """For each size ours, the best of the others, and the limits."""
    by_hand = {
        size: figure
        for size, figures in cases.items()
        for figure in figures
        if figure.name == BY_HAND
    }
    rows = []
    for size, figures in cases.items():
        plain, fastest, other = named(figures, data.OURS), best(ours(figures)), best(peers(figures))
        setting = "" if fastest is plain else f" ({fastest.name.removeprefix('sansws, ')})"
        rows.append(
            [
                data.size(size),
                time(plain.nanoseconds),
                time(fastest.nanoseconds) + setting,
                f"{time(other.nanoseconds)} ({other.name})",
                emphasised(plain.nanoseconds / other.nanoseconds),
                time(copies(figures).nanoseconds),
            ]
        )
        if by_hand:
            rows[-1].append(time(by_hand[size].nanoseconds) if size in by_hand else "")
    heading = ["message", "sansws, ns", "best of its settings", "best other", "sansws : other"]
    heading.append(copies(figures).name)
    if by_hand:
        heading.append(BY_HAND)
    return table(heading, rows)


def copies(figures):
    """The limit that memory sets."""
    return [figure for figure in limits(figures) if figure.name != BY_HAND][-1]


def multiples(results, built):
    """Ours in its best setting as a multiple of the best other."""
    columns = [results.group(group, built) for group in MESSAGES]
    rows = [
        [data.size(size), *(emphasised(ratio(column[size])) for column in columns)]
        for size in columns[0]
    ]
    return table(["message", *MESSAGES.values()], rows)


def ratio(figures):
    return best(ours(figures)).nanoseconds / best(peers(figures)).nanoseconds


def ranking(cases):
    """All contenders of the one case, the fastest first."""
    ((_, figures),) = cases.items()
    first = named(figures, data.OURS).nanoseconds
    rows = [
        [strong(figure), time(figure.nanoseconds), f"{figure.nanoseconds / first:.2f}"]
        for figure in sorted(figures, key=lambda figure: figure.nanoseconds)
    ]
    return table(["", "ns", "x sansws"], rows)


def inflate(results):
    rows = []
    for group, kept in [("deflate-inflate", "yes"), ("deflate-inflate-no-takeover", "no")]:
        for size, figures in results.group(group).items():
            first = named(figures, data.OURS).nanoseconds
            rows += [
                [
                    data.size(size),
                    kept,
                    strong(figure),
                    time(figure.nanoseconds),
                    f"{figure.nanoseconds / first:.2f}",
                ]
                for figure in figures
            ]
    return table(["message", "context kept", "", "ns", "x sansws"], rows, is_text=3)


def compress(cases):
    """With each setting of others, that of ours which writes as much."""
    rows = []
    for size, figures in cases.items():
        for figure in figures:
            rows.append(
                [
                    data.size(size),
                    strong(figure),
                    time(figure.nanoseconds),
                    f"{100 * figure.ratio:.1f} %",
                    "" if figure.is_ours else alike(figure, figures),
                ]
            )
    return table(["message", "", "ns", "written", "x ours that writes as much"], rows, is_text=2)


def alike(figure, figures):
    nearest = nearest_of_ours(figure, figures)
    if not nearest:
        return "none does"
    name = nearest.name.removeprefix("sansws, ")
    return f"{figure.nanoseconds / nearest.nanoseconds:.2f} ({name})"


def nearest_of_ours(figure, figures):
    """The fastest setting of ours that writes as much, if there is one."""

    def distance(mine):
        return abs(mine.written / figure.written - 1)

    nearest = min(ours(figures), key=lambda mine: (distance(mine), mine.nanoseconds))
    return nearest if distance(nearest) <= ALIKE else None


def growth(results):
    rows = []
    for series in results.growth():
        slope, _ = series.line()
        (first, _), (last, _) = series.points[0], series.points[-1]
        each = f"{slope:.0f}" if slope >= 10 else f"{slope:.2f}"
        rows.append(
            [
                series.name,
                f"{first:,} to {last:,}",
                each,
                f"{100 * series.greatest_distance():.1f} %",
            ]
        )
    return table(["number of", "from, to", "ns each", "farthest from the line"], rows)


def sockets(results):
    """For each server and scenario the multiple of the best loop without the protocol."""
    columns = results.scenarios()
    raw = {name: best(limits(servers)).nanoseconds for name, servers in columns.items()}
    names = {server.name: server for servers in columns.values() for server in servers}
    rows = []
    for name in names:
        row = [strong(names[name])]
        for scenario, servers in columns.items():
            server = next((server for server in servers if server.name == name), None)
            row.append(f"{server.nanoseconds / raw[scenario]:.2f}" if server else "")
        rows.append(row)
    rows.append(["1.00 in µs", *(f"{time / 1000:.2f}" for time in raw.values())])
    return table(["", *(f"`{name}`" for name in columns)], rows)


def memory(results):
    servers = sorted(results.memory().items(), key=lambda server: server[1][1])
    rows = [
        [f"**{name}**" if name.startswith(data.OURS) else name, f"{fresh:,}", f"{used:,}"]
        for name, (fresh, used) in servers
    ]
    return table(["", "fresh", "after a message of 16 KiB"], rows)


def slower(results):
    """Where another library is faster than ours in its best setting, or on the same runtime."""
    cases = [
        (name + suffix, data.size(size), figures)
        for built, suffix in [("compare", ""), ("compare-default", ", by Cargo's default")]
        for group, name in MESSAGES.items()
        for size, figures in results.group(group, built).items()
    ]
    for group, name in [
        ("fragments-of-1-KiB-echo", "echo, fragments of 1 KiB"),
        ("handshake-server", "handshake"),
    ]:
        cases += [(name, data.size(size), it) for size, it in results.group(group).items()]
    for group, name in [
        ("deflate-inflate", "inflate"),
        ("deflate-inflate-no-takeover", "inflate, no context kept"),
    ]:
        cases += [(name, data.size(size), it) for size, it in results.group(group).items()]
    pairs = [(name, case, best(ours(it)), best(peers(it))) for name, case, it in cases]
    for name, servers in results.scenarios().items():
        # Those of the others are all on tokio.
        mine = named(servers, "sansws-tokio")
        pairs.append(("server over loopback", f"`{name}`", mine, best(peers(servers))))
    for group in ["deflate-compress", "deflate-compress-c-zlib"]:
        for size, figures in results.group(group).items():
            for other in peers(figures):
                if mine := nearest_of_ours(other, figures):
                    pairs.append(("compress", data.size(size), mine, other))
    rows = [
        [name, case, mine.name, other.name, f"{mine.nanoseconds / other.nanoseconds:.2f}"]
        for name, case, mine, other in pairs
        if mine.nanoseconds > SLOWER * other.nanoseconds
    ]
    return table(["", "", "ours", "fastest", "ours : fastest"], rows, is_text=4)


def machine(results):
    return "\n".join(f"- {name}: {value}" for name, value in results.machine.items())


def time(nanoseconds):
    return f"{nanoseconds:,.0f}" if nanoseconds >= 100 else f"{nanoseconds:.1f}"


def strong(figure):
    return f"**{figure.name}**" if figure.is_ours else figure.name


def emphasised(ratio):
    """Bold where ours is not the fastest."""
    return f"**{ratio:.2f}**" if ratio > 1 else f"{ratio:.2f}"
