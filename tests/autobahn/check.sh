#!/bin/sh
# Both roles against the Autobahn|Testsuite, each case to be OK or
# INFORMATIONAL, in behavior and in closing behavior.
#
#   check.sh            groups 1 to 7, 9 and 10, and a case of each kind of the
#                       compression groups, 12 and 13: without an adapter as a
#                       server, and through each adapter as both
#   check.sh --all      all cases, without an adapter as a server and with that for
#                       tokio as a client: some 15 minutes each
#   check.sh CASE...    these cases, such as 6.4.* 7.1.1
#
#   AUTOBAHN_HOME       where the suite is installed  (default: ./.autobahn)
#   AUTOBAHN_REPORT     where the reports go          (default: ./autobahn-report)
set -euf
cd "$(dirname "$0")/../.."
: "${AUTOBAHN_HOME:=.autobahn}" "${AUTOBAHN_REPORT:=autobahn-report}"
export AUTOBAHN_HOME

adapters=1
case "${1:-}" in
    "") cases="1.* 2.* 3.* 4.* 5.* 6.* 7.* 9.* 10.*
            12.1.1 12.2.3 12.3.5 12.4.7 12.5.9
            13.1.1 13.2.2 13.3.3 13.4.4 13.5.5 13.6.6 13.7.7" ;;
    --all) cases="*" adapters= ;;
    *) cases="$*" ;;
esac

tests/autobahn/install.sh
cargo build --quiet --release --features tokio,futures-io,connect --example echo_server \
    --example blocking_echo --example tokio_echo --example smol_echo --example autobahn_client
examples=${CARGO_TARGET_DIR:-target}/release/examples

# run ROLE PORT REPORT ALSO_FAIL_ON COMMAND...
run() {
    role=$1 port=$2 report=$3 fail_on=$4
    shift 4
    # shellcheck disable=SC2086
    python3 tests/autobahn/run.py "$role" "$port" --cases $cases \
        --fail-on $fail_on --timeout 3000 \
        --out "$AUTOBAHN_REPORT/$report" -- "$@"
}
strict="NON-STRICT UNIMPLEMENTED"

run server 9011 server "$strict" "$examples/echo_server" 127.0.0.1:9011 --deflate
run client 9012 client "$strict" "$examples/autobahn_client" ws://127.0.0.1:9012 client --deflate
[ "$adapters" ] || exit 0

run server 9013 tokio-server "$strict" "$examples/tokio_echo" 127.0.0.1:9013 --deflate
run server 9014 blocking-server "$strict" "$examples/blocking_echo" 127.0.0.1:9014 --deflate
run server 9015 smol-server "$strict" "$examples/smol_echo" 127.0.0.1:9015 --deflate
# What is echoed by another task may come after the reader has seen the next
# violation, which ends the connection: that is what NON-STRICT means.
run server 9016 split-server UNIMPLEMENTED "$examples/tokio_echo" 127.0.0.1:9016 --deflate --split
for adapter in blocking futures-io; do
    run client 9017 $adapter-client "$strict" \
        "$examples/autobahn_client" ws://127.0.0.1:9017 $adapter --deflate --adapter $adapter
done
