// Fan-out by ws: what a member says is sent to all. It prints its URL and ends with its stdin.
import { WebSocketServer } from "ws";

const text = "!" + "x".repeat(273);
const server = new WebSocketServer({
  host: "127.0.0.1",
  port: 0,
  perMessageDeflate: false,
  backlog: 1024,
});
server.on("connection", (socket) => {
  socket.on("message", () => {
    for (const member of server.clients) member.send(text);
  });
});
server.on("listening", () => console.log(`http://127.0.0.1:${server.address().port}`));
process.stdin.resume().on("end", () => process.exit());
