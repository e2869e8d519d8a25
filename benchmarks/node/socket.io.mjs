// Fan-out by Socket.IO: what a member says is emitted to all. It prints its URL and ends with its stdin.
import { createServer } from "node:http";
import { Server } from "socket.io";

const text = "!" + "x".repeat(260); // with its framing 42["chat","…"] as long as the others' texts
const http = createServer();
const server = new Server(http, { pingInterval: 300_000, perMessageDeflate: false });
server.on("connection", (socket) => {
  socket.on("chat", () => server.emit("chat", text));
});
http.listen({ host: "127.0.0.1", port: 0, backlog: 1024 }, () =>
  console.log(`http://127.0.0.1:${http.address().port}`),
);
process.stdin.resume().on("end", () => process.exit());
