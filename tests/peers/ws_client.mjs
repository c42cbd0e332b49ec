// Talks to an echo server as Node's `ws` does:
// ws_client.mjs URL SUBPROTOCOL EXTENSIONS [PARAMETERS AS JSON]
// Prints "ok" at the end, or throws.
import assert from "node:assert/strict";
import { once } from "node:events";
import WebSocket from "ws";

const [url, subprotocol, extensions, parameters = "{}"] = process.argv.slice(2);
const perMessageDeflate = { threshold: 0, ...JSON.parse(parameters) };
const socket = new WebSocket(url, [subprotocol, "other"], { perMessageDeflate });
const inbox = [];
const waiting = [];
socket.on("message", (data, isBinary) => {
  const message = isBinary ? data : data.toString();
  waiting.length ? waiting.shift()(message) : inbox.push(message);
});
const next = () => (inbox.length ? inbox.shift() : new Promise(resolve => waiting.push(resolve)));

await once(socket, "open");
assert.equal(socket.protocol, subprotocol);
assert.equal(socket.extensions, extensions);

for (const size of [0, 1, 125, 126, 65535, 65536, 1 << 20]) {
  const text = "x".repeat(size);
  socket.send(text);
  assert.equal(await next(), text, `text of ${size}`);
  const data = Buffer.alloc(size, 0xa5);
  socket.send(data);
  assert.deepEqual(await next(), data, `binary of ${size}`);
}

// As programs send it: compressed a little, a lot, and not at all.
const records = Array.from({ length: 8000 }, (_, id) => ({ id, name: `name ${id}`, even: id % 2 === 0 }));
const noise = Buffer.from(Array.from({ length: 100_000 }, (_, i) => (i * i * 2654435761) >>> 13));
for (const message of [JSON.stringify(records.slice(0, 25)), JSON.stringify(records), "a".repeat(1 << 20)]) {
  for (let i = 0; i < 3; i++) {
    socket.send(message);
    assert.equal(await next(), message);
  }
}
socket.send(noise);
assert.deepEqual(await next(), noise);

// Fragments, cut within a character, with a ping between them.
const bytes = Buffer.from("añ日𝄞");
for (let cut = 0; cut <= bytes.length; cut++) {
  socket.send(bytes.subarray(0, cut), { binary: false, fin: false });
  const pong = once(socket, "pong");
  socket.ping(`at ${cut}`);
  socket.send(bytes.subarray(cut), { binary: false, fin: true });
  assert.equal(await next(), "añ日𝄞");
  assert.equal((await pong)[0].toString(), `at ${cut}`);
}

for (let i = 0; i < 1000; i++) socket.send(`message ${i}`);
for (let i = 0; i < 1000; i++) assert.equal(await next(), `message ${i}`);

socket.close(4321, "done");
const [code, reason] = await once(socket, "close");
assert.equal(code, 4321);
assert.equal(reason.toString(), "done");
console.log("ok");
