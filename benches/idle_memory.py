#!/usr/bin/env python3
"""Measure what an idle connection takes in a server's memory.

  idle_memory.py [--connections N] [--message BYTES] [--header H] -- COMMAND...

COMMAND is an echo server that listens at 127.0.0.1:PORT, with {port} in its
arguments for the port. Its resident memory is read before anybody connects,
with N open connections, and after each has had one message of BYTES echoed.
"""

import argparse
import os
import resource
import selectors
import socket
import subprocess
import sys
import time

REQUEST = (b"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n"
           b"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
           b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n%s\r\n")


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--connections", type=int, default=10_000)
    parser.add_argument("--message", type=int, default=16 << 10)
    parser.add_argument("--header", default="", help="a header for the request")
    parser.add_argument("command", nargs="+")
    args = parser.parse_args()

    limit = args.connections + 100
    resource.setrlimit(resource.RLIMIT_NOFILE,
                       (limit, max(limit, resource.getrlimit(resource.RLIMIT_NOFILE)[1])))
    port = free_port()
    server = subprocess.Popen([part.replace("{port}", str(port)) for part in args.command],
                              stdout=subprocess.DEVNULL)
    try:
        wait_for(port)
        open_connection(port, "").close()
        time.sleep(1)
        before = resident(server.pid)
        sockets = [open_connection(port, args.header) for _ in range(args.connections)]
        time.sleep(1)
        fresh = resident(server.pid)
        frame = b"\x82\xfe" + args.message.to_bytes(2, "big") + bytes(4) + bytes(args.message)
        for start in range(0, len(sockets), 100):
            echo(sockets[start:start + 100], frame, args.message + 4)
        time.sleep(1)
        used = resident(server.pid)
    finally:
        server.terminate()
        server.wait()
    n = args.connections
    print(f"{n} connections: {before / 1024:.0f} KiB before; fresh {(fresh - before) / n:.0f} "
          f"bytes each; after a message of {args.message} bytes {(used - before) / n:.0f}")


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def wait_for(port):
    for _ in range(100):
        try:
            return socket.create_connection(("127.0.0.1", port)).close()
        except OSError:
            time.sleep(0.05)
    sys.exit("the server does not listen")


def open_connection(port, header):
    # Loopback has addresses enough for more connections than one has ports.
    connection = socket.create_connection(("127.0.0.1", port))
    connection.sendall(REQUEST % (header.encode() + b"\r\n" if header else b""))
    head = b""
    while b"\r\n\r\n" not in head:
        data = connection.recv(4096)
        if not data:
            sys.exit(f"refused: {head!r}")
        head += data
    if not head.startswith(b"HTTP/1.1 101 "):
        sys.exit(f"refused: {head!r}")
    return connection


def echo(sockets, frame, length):
    """Send a frame on each connection, and wait until as many bytes are back."""
    selector = selectors.DefaultSelector()
    for connection in sockets:
        connection.sendall(frame)
        selector.register(connection, selectors.EVENT_READ, [length])
    waiting = len(sockets)
    while waiting:
        for key, _ in selector.select():
            key.data[0] -= len(key.fileobj.recv(1 << 20))
            if key.data[0] <= 0:
                selector.unregister(key.fileobj)
                waiting -= 1


def resident(pid):
    with open(f"/proc/{pid}/statm") as statm:
        return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


if __name__ == "__main__":
    main()
