// A chat client over Node's `ws`, told what to do line by line (see line_peer.py).
//
//     node peer.mjs URL [SUBPROTOCOL]
//
// Commands on standard input:  text …   binary HEX   bytes HEX   close CODE
// Answers on standard output:  open SUBPROTOCOL   message …   close CODE REASON   refused STATUS …

import { createInterface } from "node:readline";
import WebSocket from "ws";

const [url, subprotocol] = process.argv.slice(2);
const say = (...words) => process.stdout.write(`${words.join(" ")}\n`);
const sayLast = (...words) => process.stdout.write(`${words.join(" ")}\n`, () => process.exit());

const socket = new WebSocket(url, subprotocol ? [subprotocol] : []);
socket.on("open", () => say("open", socket.protocol));
socket.on("message", (data) => say("message", data.toString()));
socket.on("close", (code, reason) => {
  sayLast("close", code, reason.toString());
});
socket.on("unexpected-response", (_request, response) => {
  sayLast("refused", response.statusCode, response.headers["www-authenticate"] ?? "");
});
socket.on("error", (error) => say("error", error.message));

const commands = {
  text: (rest) => socket.send(rest),
  binary: (rest) => socket.send(Buffer.from(rest, "hex"), { binary: true }),
  bytes: (rest) => socket.send(Buffer.from(rest, "hex"), { binary: false }), // as a text frame
  close: (rest) => socket.close(Number(rest)),
};

for await (const line of createInterface({ input: process.stdin })) {
  const space = line.indexOf(" ");
  commands[line.slice(0, space)](line.slice(space + 1));
}
