"""Draws the charts of README.md and COMPARE.md, and fills COMPARE.md's tables, from what
was measured. The same data give the same bytes.

    benches/charts/run            # write them
    benches/charts/run --check    # fail if they are not what the data give
"""

import argparse
import re
import sys
from pathlib import Path

import figures
import tables
from data import Results

ROOT = Path(__file__).resolve().parents[2]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("results", nargs="?", type=Path, default=ROOT / "benches/results")
    parser.add_argument("--check", action="store_true", help="write nothing, compare")
    arguments = parser.parse_args()
    results = Results(arguments.results)

    charts = ROOT / "docs/charts"
    wanted = {charts / f"{name}.svg": svg for name, svg in figures.all_charts(results)}
    comparison = ROOT / "COMPARE.md"
    text = comparison.read_text(encoding="utf-8")
    wanted[comparison] = fill(text, tables.all_tables(results))

    strange = set(charts.glob("*.svg")) - set(wanted)
    stale = [path for path, text in wanted.items() if read(path) != text]
    if arguments.check:
        for path in sorted([*strange, *stale]):
            print(f"{path.relative_to(ROOT)} is not what benches/results gives", file=sys.stderr)
        sys.exit(1 if strange or stale else 0)
    charts.mkdir(parents=True, exist_ok=True)
    for path in strange:
        path.unlink()
    for path in stale:
        path.write_text(wanted[path], encoding="utf-8")


def read(path):
    return path.read_text(encoding="utf-8") if path.exists() else None


def fill(text, found):
    """Puts each table between its markers. Each must have a place, and each place a table."""
    marked = re.compile(r"(<!-- figures: (\S+) -->\n).*?(<!-- end -->)", re.DOTALL)
    names = [match[2] for match in marked.finditer(text)]
    if sorted(names) != sorted(found):
        sys.exit(f"COMPARE.md has places for {sorted(names)}, there are {sorted(found)}")
    return marked.sub(lambda match: f"{match[1]}\n{found[match[2]]}\n\n{match[3]}", text)


main()
