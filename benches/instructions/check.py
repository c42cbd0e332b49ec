#!/usr/bin/env python3
"""Count the instructions of the library's hot paths, and compare with recorded.txt.

  check.py [PATH...]        exits with 1 if one got dearer, or cheaper
  check.py --record         writes recorded.txt anew
  check.py --lines PATH     shows which functions and lines a path spends them in; with
                            --without-lto in that build

PATH is a part of a path's name. Needs valgrind.

Each path is counted in two builds: with link-time optimization and each crate compiled as a
whole, as the benches are, and without either. What Cargo does by default is between the two.
"""

import argparse
import functools
import json
import os
import platform
import re
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent

ROUNDS = 16

# The same program gives the same counts, whatever else the machine does. What is added to
# it elsewhere changed others by up to 0.3 %, a newer compiler by up to 6 %.
TOLERANCE = 0.02
TOLERANCE_ELSEWHERE = 0.1
# A crate is compiled in 16 parts then, and what lies in which changes with the rest of it. This
# is to find what is no longer inlined or turned into vectors: many times as many.
TOLERANCE_WITHOUT_LTO = 0.25
# In instructions: a branch more, where a path has few.
LEAST = 3

# Cargo's profile, and what is said of a build by it.
BUILDS = {"bench": "with LTO", "release": "without"}

# Nothing of the caller's, whose size would move the stack. For glibc, a copy by
# `rep movsb` would count as an instruction a byte; and large blocks are to begin at the
# same place of a page always.
ENVIRONMENT = {
    "GLIBC_TUNABLES": "glibc.cpu.x86_rep_movsb_threshold=1000000000:"
                      "glibc.malloc.mmap_threshold=131072",
    "PATH": os.environ["PATH"],
}


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--record", action="store_true", help="write recorded.txt anew")
    parser.add_argument("--file", type=Path, default=HERE / "recorded.txt",
                        help="another record to write or to compare with")
    parser.add_argument("--lines", metavar="PATH", help="show where a path spends them")
    parser.add_argument("--without-lto", action="store_true", help="with --lines: of the build without link-time optimization")
    parser.add_argument("paths", nargs="*", metavar="PATH")
    args = parser.parse_args()
    if args.record and args.paths:
        parser.error("a record is of all paths")
    if args.without_lto and not args.lines:
        parser.error("--without-lto is for --lines; else both builds are counted")

    if args.lines:
        program = build("release" if args.without_lto else "bench")
        return show_lines(program, chosen(list_paths(program)[1], [args.lines]))
    programs = [build(profile) for profile in BUILDS]
    machine, paths = list_paths(programs[0])
    selected = chosen(paths, args.paths)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        of_each = [pool.map(lambda name, program=program: count(program, name, paths[name]),
                            selected) for program in programs]
        counts = dict(zip(selected, zip(*of_each)))
    if args.record:
        write(args.file, machine, counts)
        return 0
    return compare(args.file, machine, counts, is_all=not args.paths)


def build(profile):
    """With debug symbols for `--lines`, which change no instruction."""
    environment = {**os.environ, f"CARGO_PROFILE_{profile.upper()}_DEBUG": "line-tables-only",
                   "CARGO_PROFILE_RELEASE_LTO": "off", "RUSTFLAGS": ""}
    subprocess.run(["cargo", "build", "--quiet", "--profile", profile, "-p", "instructions"],
                   cwd=ROOT, env=environment, check=True)
    program = target_directory() / "release" / "instructions"
    # Both profiles write to the same place.
    return shutil.copy(program, program.with_name(f"instructions-{profile}"))


@functools.cache
def target_directory():
    metadata = run(["cargo", "metadata", "--no-deps", "--format-version=1"], cwd=ROOT).stdout
    return Path(json.loads(metadata)["target_directory"])


def run(command, **options):
    done = subprocess.run(command, text=True, capture_output=True, **options)
    if done.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))}\n{done.stderr}")
    return done


def list_paths(program):
    """What the counts depend on, and how many operations a round of each path is."""
    found = run(["valgrind", "--tool=none", "-q", program], env=ENVIRONMENT).stdout.splitlines()
    versions = [run(["rustc", "--version"], cwd=ROOT).stdout.split(" (")[0],
                " ".join(platform.libc_ver()),
                run(["valgrind", "--version"]).stdout.strip()]
    paths = (line.split(" ", 1) for line in found[1:])
    return ", ".join([found[0], *versions]), {name: int(operations) for operations, name in paths}


def chosen(paths, parts):
    selected = [name for name in paths if not parts or any(part in name for part in parts)]
    if not selected:
        sys.exit(f"no path has {' or '.join(parts)} in its name; there are:\n  "
                 + "\n  ".join(paths))
    return selected


def callgrind(program, name, out):
    return run(["valgrind", "--tool=callgrind", "--toggle-collect=instructions::counted",
                f"--callgrind-out-file={out}", program, name, str(ROUNDS)], env=ENVIRONMENT)


def count(program, name, operations):
    collected = callgrind(program, name, os.devnull).stderr
    total = int(re.search(r"Collected : (\d+)", collected).group(1))
    if total == 0:
        sys.exit(f"callgrind has seen nothing of {name}")
    return round(total / (ROUNDS * operations))


def write(file, machine, counts):
    lines = ["# Instructions an operation, written by check.py --record: "
             + ", ".join(BUILDS.values()), f"# {machine}"]
    lines += ["".join(f"{each:8}" for each in both) + f" {name}"
              for name, both in counts.items()]
    file.write_text("\n".join(lines) + "\n")


def compare(file, machine, counts, is_all):
    _, recorded_with, *lines = file.read_text().splitlines()
    recorded = {name: tuple(map(int, both))
                for *both, name in (line.split(maxsplit=len(BUILDS)) for line in lines)}
    is_elsewhere = recorded_with != f"# {machine}"
    tolerance = TOLERANCE_ELSEWHERE if is_elsewhere else TOLERANCE
    tolerances = [tolerance, TOLERANCE_WITHOUT_LTO]

    wrong = []
    print("   ".join(f"{name:>16}" for name in BUILDS.values()))
    for name, both in counts.items():
        if name not in recorded:
            wrong.append(f"{name}: not recorded")
            print("   ".join(f"{now:8}        " for now in both) + f"  {name}")
            continue
        columns = []
        for now, before, most, which in zip(both, recorded[name], tolerances, BUILDS.values()):
            columns.append(f"{now:8} {(now - before) / before:+7.1%}")
            if abs(now - before) > max(most * before, LEAST):
                verdict = "DEARER" if now > before else "cheaper"
                wrong.append(f"{name}, {which}: {verdict}, {now} instructions instead of {before}")
        print("   ".join(columns) + f"  {name}")
    if is_all:
        wrong += [f"{name}: recorded, but not there" for name in recorded if name not in counts]

    if is_elsewhere:
        print(f"\nRecorded with  {recorded_with[2:]},\n   this is with  {machine},\n"
              f"so up to {tolerance:.0%} more or less are let pass (as always"
              f" {TOLERANCE_WITHOUT_LTO:.0%} without LTO). To compare exactly, count the commit"
              " before with the same, or record anew.")
    if not wrong:
        return 0
    print("\nNot as recorded:\n  " + "\n  ".join(wrong)
          + "\nIf it is to stay so, say why in the commit, with what this writes:\n"
            "  benches/instructions/check.py --record")
    return 1


def show_lines(program, names):
    out = program.with_name("instructions.callgrind")
    callgrind(program, names[0], out)
    print(run(["callgrind_annotate", "--auto=yes", "--context=3", out], cwd=ROOT).stdout)
    print(f"{ROUNDS} rounds of {names[0]}; for kcachegrind it is in {out}")
    return 0


sys.exit(main())
