// Talks to an echo server as Node's `ws` does: ws_client.mjs URL SUBPROTOCOL
// Prints "ok" at the end, or throws.
import assert from "node:assert/strict";
import { once } from "node:events";
import WebSocket from "ws";

const [url, subprotocol] = process.argv.slice(2);
const socket = new WebSocket(url, [subprotocol, "other"], { perMessageDeflate: true });
const inbox = [];
const waiting = [];
socket.on("message", (data, isBinary) => {
  const message = isBinary ? data : data.toString();
  waiting.length ? waiting.shift()(message) : inbox.push(message);
});
const next = () => (inbox.length ? inbox.shift() : new Promise(resolve => waiting.push(resolve)));

await once(socket, "open");
assert.equal(socket.protocol, subprotocol);
assert.equal(socket.extensions, "");

for (const size of [0, 1, 125, 126, 65535, 65536, 1 << 20]) {
  const text = "x".repeat(size);
  socket.send(text);
  assert.equal(await next(), text, `text of ${size}`);
  const data = Buffer.alloc(size, 0xa5);
  socket.send(data);
  assert.deepEqual(await next(), data, `binary of ${size}`);
}

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
