// Server-sent events and long polling by node:http. It prints its URL and ends with its stdin.
import { createServer } from "node:http";

const text = "!" + "x".repeat(273);
const block = `id: 0123abcd-1234\nevent: CHAT_MESSAGE\ndata: ${text}\n\n`;
const streams = new Set();
let said = 0;
let polls = [];

function answer({ response, after }) {
  const events = JSON.stringify(Array(said - after).fill(text));
  response.setHeader("Content-Type", "application/json");
  response.end(`{"events":${events},"cursor":"x-${said}"}`);
}

const server = createServer((request, response) => {
  if (request.method === "POST") {
    request.resume().on("end", () => {
      response.writeHead(202, { "Content-Length": 0 }).end();
      said += 1;
      for (const stream of streams) stream.write(block);
      const waiting = polls;
      polls = [];
      waiting.forEach(answer);
    });
  } else if (request.url.startsWith("/events")) {
    response.writeHead(200, { "Content-Type": "text/event-stream" }).flushHeaders();
    streams.add(response);
    response.on("close", () => streams.delete(response));
  } else {
    const after = Number(request.url.match(/after=(?:x-)?(\d+)/)[1]);
    const poll = { response, after };
    if (after < said) answer(poll);
    else polls.push(poll);
  }
});
server.listen({ host: "127.0.0.1", port: 0, backlog: 1024 }, () =>
  console.log(`http://127.0.0.1:${server.address().port}`),
);
process.stdin.resume().on("end", () => process.exit());
