"""What was measured, as the benches wrote it."""

import csv
import statistics
from dataclasses import dataclass

OURS = "sansws"
BY_HAND = "limit: by hand"


@dataclass(frozen=True)
class Figure:
    """A contender in a case."""

    name: str
    is_limit: bool
    nanoseconds: float
    payload: float = 0.0
    written: float = 0.0

    @property
    def is_ours(self):
        return self.name.startswith(OURS)

    @property
    def ratio(self):
        """Bytes written for each byte of message."""
        return self.written / self.payload


@dataclass(frozen=True)
class Growth:
    """How a time grows with a number."""

    name: str
    points: tuple  # of number and time
    limits: tuple = ()  # of the same bytes

    def line(self):
        """Slope and intercept of the straight line with the least squares."""
        numbers, times = zip(*self.points)
        return statistics.linear_regression(numbers, times)

    def greatest_distance(self):
        """From the line, as a part of the greatest time."""
        slope, intercept = self.line()
        distances = (abs(intercept + slope * number - time) for number, time in self.points)
        return max(distances) / max(time for _, time in self.points)


class Results:
    def __init__(self, directory):
        self.directory = directory
        lines = (directory / "machine.txt").read_text(encoding="utf-8").splitlines()
        self.machine = dict(line.split(": ", 1) for line in lines)

    def group(self, name, built="compare"):
        """Of `cargo bench -p compare`: what was measured of each size, if it was there then."""
        cases = {}
        path = f"{built}/{name}.csv"
        for row in self._rows(path) if (self.directory / path).exists() else []:
            figure = Figure(
                row["contender"],
                row["limit"] == "true",
                float(row["median_ns"]),
                float(row["payload_bytes"]),
                float(row["written_bytes"]),
            )
            cases.setdefault(int(row["size"]), []).append(figure)
        return cases

    def growth(self):
        """Of `cargo bench -p compare`: how ours grows."""
        series = {}
        for row in self._rows("compare/growth.csv"):
            contenders = series.setdefault(row["series"], {})
            points = contenders.setdefault((row["contender"], row["limit"] == "true"), [])
            points.append((int(row["number"]), float(row["median_ns"])))
        return [_growth(name, contenders) for name, contenders in series.items()]

    def scenarios(self):
        """Of `cargo bench -p sockets`: the servers of each scenario that was there then."""
        return {
            name: [
                Figure(row["server"], row["limit"] == "true", float(row["median_ns"]))
                for row in self._rows(f"sockets/{name}.csv")
            ]
            for name in SCENARIOS
            if (self.directory / f"sockets/{name}.csv").exists()
        }

    def others(self):
        """What was measured with other processors, by their names."""
        directories = sorted(path.parent for path in self.directory.glob("*/machine.txt"))
        return {directory.name: Results(directory) for directory in directories}

    def socket_growth(self, series):
        """For each server what it costs at each value of what the series is about."""
        servers = {}
        for row in self._rows("sockets/growth.csv"):
            if row["series"] == series:
                column = {"size": "bytes"}.get(series, series)
                point = int(row[column]), float(row["median_ns"])
                servers.setdefault(row["server"], []).append(point)
        return servers

    def memory(self):
        """For each server the bytes of a connection: fresh, and after a message."""
        rows = self._rows("sockets/memory.csv")
        return {row["server"]: (int(row["fresh_bytes"]), int(row["used_bytes"])) for row in rows}

    def _rows(self, path):
        with open(self.directory / path, newline="", encoding="utf-8") as file:
            return list(csv.DictReader(file))


def _growth(name, contenders):
    limits = [Growth(of, tuple(points)) for (of, limit), points in contenders.items() if limit]
    (mine,) = (points for (_, limit), points in contenders.items() if not limit)
    return Growth(name, tuple(mine), tuple(limits))


def best(figures):
    return min(figures, key=lambda figure: figure.nanoseconds)


def ours(figures):
    return [figure for figure in figures if figure.is_ours]


def peers(figures):
    # Loops without the protocol are none, whether they check text or not.
    return [
        figure
        for figure in figures
        if not (figure.is_ours or figure.is_limit or figure.name.startswith("raw-"))
    ]


def limits(figures):
    return [figure for figure in figures if figure.is_limit]


def named(figures, name):
    return next(figure for figure in figures if figure.name == name)


def size(count):
    """A number of bytes, in words."""
    if count < 1 << 10:
        return f"{count} B"
    if count < 1 << 20:
        return f"{count >> 10} KiB"
    return f"{count >> 20} MiB"


SCENARIOS = {
    "s1": "1 connection, 16 B",
    "b1": "100 connections, 16 B",
    "b16": "100 connections, 16 B, 16 in flight",
    "c1": "100 connections, 1 KiB",
    "c16": "100 connections, 1 KiB, 16 in flight",
    "ct16": "the same, mixed text",
    "k16": "10 connections, 16 KiB, 16 in flight",
    "d": "10 connections, 64 KiB",
    "d4": "10 connections, 64 KiB, 4 in flight",
    "e": "2 connections, 1 MiB",
    "f": "128 B from one to 500",
    "h": "connect, echo, close",
}
