# Talks to an echo server as Python's `websockets` does, compressed in several
# ways: websockets_client.py URL
# Prints "ok" at the end, or raises.
import asyncio
import json
import random
import sys

import websockets
from websockets.extensions.permessage_deflate import ClientPerMessageDeflateFactory

PARAMETERS = [
    {},
    {"server_no_context_takeover": True, "client_no_context_takeover": True},
    {"server_max_window_bits": 9, "client_max_window_bits": 10},
    {"server_max_window_bits": 8},
]


async def talk(url, parameters):
    offer = ClientPerMessageDeflateFactory(**parameters)
    async with websockets.connect(
        url, compression=None, extensions=[offer], max_size=None, subprotocols=["echo"]
    ) as socket:
        assert [e.name for e in socket.protocol.extensions] == ["permessage-deflate"]
        assert socket.subprotocol == "echo"
        records = json.dumps([{"id": i, "name": f"name {i}"} for i in range(30_000)])
        messages = ["", "a", records[:1024], records[:1024], records[: 1 << 20], "日本語𝄞" * 5000]
        messages += [b"", random.Random(1).randbytes(100_000), bytes(1 << 20)]
        for message in messages:
            await socket.send(message)
            assert await socket.recv() == message, len(message)
        await socket.send(iter(["in ", "frag", "ments" * 1000]))
        assert await socket.recv() == "in frag" + "ments" * 1000
        await (await socket.ping(b"x"))
        await socket.close(4321, "done")
        assert (socket.close_code, socket.close_reason) == (4321, "done")


async def main(url):
    for parameters in PARAMETERS:
        await talk(url, parameters)
    print("ok")


asyncio.run(main(sys.argv[1]))
