#!/usr/bin/env bash
# Measures all anew, keeps the figures in benches/results, and draws from them what
# README.md and COMPARE.md show. It takes a quiet machine about twenty minutes, and needs
# Linux with two processors.
#
# With the name of another processor it measures what COMPARE.md shows beside that: messages
# and handshakes in memory, and servers over loopback. Their figures go to a directory of that
# name.
set -euo pipefail
cd "$(dirname "$0")/.."

other="${1:-}"
results="benches/results${other:+/$other}"
revision="$(git describe --always --dirty)" # before anything is written
target="$(cargo metadata --quiet --format-version 1 --no-deps |
    python3 -c 'import json, sys; print(json.load(sys.stdin)["target_directory"])')"

# As Cargo builds by default, in a directory of its own.
by_default() {
    CARGO_PROFILE_BENCH_LTO=false CARGO_PROFILE_BENCH_CODEGEN_UNITS=16 \
        cargo bench --quiet --target-dir "$target/default" -p compare "$@"
}

# All that takes part is built before anything is measured.
[ -n "$other" ] || by_default --no-run
cargo bench --quiet --no-run -p sockets
[ -n "$other" ] || cargo bench --quiet --no-run -p compare --features c-zlib
cargo bench --quiet --no-run -p compare

# Nothing of an earlier run may remain among the figures.
rm -rf "$target/compare" "$target/sockets" "$target/default/compare"
if [ -n "$other" ]; then
    cargo bench --quiet -p compare -- receive/ echo send/ handshake/
    cargo bench --quiet -p sockets
else
    cargo bench --quiet -p compare
    cargo bench --quiet -p sockets
    cargo bench --quiet -p sockets -- --memory
    cargo bench --quiet -p sockets -- --growth
    cargo bench --quiet -p compare --features c-zlib -- deflate/compress
    by_default -- receive/ echo send/
fi

rm -rf "$results"/{compare,compare-default,sockets,machine.txt}
mkdir -p "$results"
[ -n "$other" ] || cp -R "$target/default/compare" "$results/compare-default"
cp -R "$target/compare" "$target/sockets" "$results"

about_processor() { lscpu | sed -n "s/^$1: *//p"; }
libraries() { cargo tree --quiet -p "$1" --depth 1 -e normal --prefix none --no-dedupe; }
peers='fastwebsockets|soketto|sockudo-ws|tokio-tungstenite|tokio-websockets|tungstenite|web-socket|websocket-sans-io|wtx|yawc'
model="$(about_processor 'Model name') (family $(about_processor 'CPU family'), model $(about_processor Model))"
hypervisor="$(about_processor 'Hypervisor vendor')"
versions="$({ libraries compare && libraries sockets; } | sed -nE "s/^($peers) v([^ ]+).*/\1 \2/p")"
{
    echo "machine: $model, $(nproc) processors${hypervisor:+, $hypervisor}"
    echo "system: $(uname -sr | cut -d- -f1), $(uname -m)"
    echo "compiler: $(rustc --version | cut -d' ' -f1,2), fat LTO${RUSTFLAGS:+, $RUSTFLAGS}"
    echo "date: $(date -u +%F)"
    echo "revision: $revision"
    echo "beside: $(sort -u <<<"$versions" | paste -sd, | sed 's/,/, /g')"
} >"$results/machine.txt"

benches/charts/run
git status --short "$results" docs/charts COMPARE.md
