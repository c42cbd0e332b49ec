#!/bin/sh
# Both roles against the Autobahn|Testsuite: groups 1 to 7, 9 and 10, each case
# to be OK or INFORMATIONAL, in behavior and in closing behavior.
#
#   AUTOBAHN_HOME    where the suite is installed  (default: ./.autobahn)
#   AUTOBAHN_REPORT  where the reports go          (default: ./autobahn-report)
#
# Arguments go to run.py: `check.sh --cases 6.4.*` runs only these.
set -eu
cd "$(dirname "$0")/../.."
: "${AUTOBAHN_HOME:=.autobahn}" "${AUTOBAHN_REPORT:=autobahn-report}"
export AUTOBAHN_HOME

tests/autobahn/install.sh
cargo build --quiet --release --example echo_server --example autobahn_client
examples=${CARGO_TARGET_DIR:-target}/release/examples

run() {
    role=$1 port=$2
    shift 2
    python3 tests/autobahn/run.py "$role" "$port" --exclude '12.*' '13.*' \
        --fail-on NON-STRICT UNIMPLEMENTED --timeout 600 \
        --out "$AUTOBAHN_REPORT/$role" "$@"
}

run server 9011 "$@" -- "$examples/echo_server" 127.0.0.1:9011
run client 9012 "$@" -- "$examples/autobahn_client" ws://127.0.0.1:9012 client
