#!/bin/sh
# Both roles against the Autobahn|Testsuite, each case to be OK or
# INFORMATIONAL, in behavior and in closing behavior.
#
#   check.sh            groups 1 to 7, 9 and 10, and a case of each kind of the
#                       compression groups, 12 and 13: less than a minute a role
#   check.sh --all      all cases: some 15 minutes a role
#   check.sh CASE...    these cases, such as 6.4.* 7.1.1
#
#   AUTOBAHN_HOME       where the suite is installed  (default: ./.autobahn)
#   AUTOBAHN_REPORT     where the reports go          (default: ./autobahn-report)
set -euf
cd "$(dirname "$0")/../.."
: "${AUTOBAHN_HOME:=.autobahn}" "${AUTOBAHN_REPORT:=autobahn-report}"
export AUTOBAHN_HOME

case "${1:-}" in
    "") cases="1.* 2.* 3.* 4.* 5.* 6.* 7.* 9.* 10.*
            12.1.1 12.2.3 12.3.5 12.4.7 12.5.9
            13.1.1 13.2.2 13.3.3 13.4.4 13.5.5 13.6.6 13.7.7" ;;
    --all) cases="*" ;;
    *) cases="$*" ;;
esac

tests/autobahn/install.sh
cargo build --quiet --release --example echo_server --example autobahn_client
examples=${CARGO_TARGET_DIR:-target}/release/examples

run() {
    role=$1 port=$2
    shift 2
    # shellcheck disable=SC2086
    python3 tests/autobahn/run.py "$role" "$port" --cases $cases \
        --fail-on NON-STRICT UNIMPLEMENTED --timeout 3000 \
        --out "$AUTOBAHN_REPORT/$role" -- "$@"
}

run server 9011 "$examples/echo_server" 127.0.0.1:9011 --deflate
run client 9012 "$examples/autobahn_client" ws://127.0.0.1:9012 client --deflate
