// An echo server of Node's `ws`: prints its URL. The path picks its manner:
// "/" echoes whole, "/fragments" in fragments with pings between them,
// "/close" closes first, "/greeting" says something before it echoes. It
// compresses what its argument, a JSON, says.
import { WebSocketServer } from "ws";

const perMessageDeflate = JSON.parse(process.argv[2] ?? "false");
const server = new WebSocketServer({ host: "127.0.0.1", port: 0, maxPayload: 16 << 20, perMessageDeflate });
server.on("listening", () => console.log(`ws://127.0.0.1:${server.address().port}`));
server.on("connection", (socket, request) => {
  if (request.url === "/close") socket.close(4001, "not today");
  if (request.url === "/greeting") socket.send("hello, I echo");
  socket.on("message", (data, isBinary) => {
    if (request.url !== "/fragments") return socket.send(data, { binary: isBinary });
    const third = Math.ceil(data.length / 3);
    for (let i = 0; i < 3; i++) {
      socket.ping(`before ${i}`);
      socket.send(data.subarray(i * third, (i + 1) * third), { binary: isBinary, fin: i === 2 });
    }
  });
});
