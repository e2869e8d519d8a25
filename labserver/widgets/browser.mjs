// The pane that shows a BrowserClient. The client belongs to the widget and not to one of its
// views, so that a widget which is shown twice is still one member of the room.

import { BrowserClient } from "./browser_client.mjs";
import { jupyterUrl, routesTo } from "./browser_route.mjs";
import { TECHNIQUES } from "./browser_techniques.mjs";
import { chatForm, chatHead, chatLine, chatLog, keepingEnd } from "./chat_window.mjs";
import { element } from "./element.mjs";
import { whenKernelIsGone } from "./kernel_gone.mjs";
import { counted } from "./wording.mjs";

const CLOSED_MS = 1000; // between two looks whether the notebook is still open
const DRAW_MS = 50; // drawing occupies the thread on which messages arrive and are timed

function shownRoute({ name, base }) {
  return `${name}: ${base.replace(/^https?:\/\//, "")}`;
}

/** Returns a function that asks the kernel for a token. */
function tokensFrom(model, send) {
  const waiting = [];
  model.on("msg:custom", ({ token }) => {
    if (token) for (const resolve of waiting.splice(0)) resolve(token);
  });
  return () =>
    new Promise((resolve) => {
      waiting.push(resolve);
      send({ want: "token" });
    });
}

export default () => {
  const views = new Set();
  let client;

  function initialize({ model, signal }) {
    let due = false;
    const send = (message) => {
      try {
        model.send(message);
      } catch {
        client.end("the kernel has ended, or the notebook was closed: run the cell again");
      }
    };
    const url = model.get("url");
    const page = { hostname: location.hostname, jupyter: jupyterUrl() };
    client = new BrowserClient({
      user: model.get("user"),
      room: model.get("room"),
      technique: TECHNIQUES[model.get("technique")],
      url,
      routes: routesTo(url, page),
      token: tokensFrom(model, send),
      report: (rows) => send({ began: performance.timeOrigin, rows }),
      changed: () => {
        if (due) return;
        due = true;
        setTimeout(() => {
          due = false;
          for (const draw of views) draw();
        }, DRAW_MS);
      },
    });
    model.on("msg:custom", ({ say, connected }) => {
      if (say !== undefined) client.say(say);
      if (connected === true) client.connect();
      if (connected === false) client.disconnect();
    });
    // JupyterLab tells no widget that its notebook was closed while the kernel goes on; but then
    // there is no view, and nothing can be sent.
    const watch = setInterval(() => {
      if (client.ended) clearInterval(watch);
      else if (views.size === 0) send({});
    }, CLOSED_MS);
    signal.addEventListener("abort", () => client.end());
  }

  function render({ model, el }) {
    const user = model.get("user");
    const root = element("section", "lab-chat lab-browser");
    root.setAttribute("aria-label", `The browser's chat of ${user}`);

    const technique = model.get("technique");
    const { head, badge, cable } = chatHead({ user, room: model.get("room"), technique });
    const route = element("div", "lab-browser-route");
    const { credential, why } = TECHNIQUES[technique];
    const proof = element("div", "lab-browser-proof", `identified by ${credential}`);
    proof.title = why;
    const reason = element("div", "lab-browser-reason");
    reason.setAttribute("role", "alert");
    const people = element("div", "lab-chat-people");
    const log = chatLog();
    const { form } = chatForm({ user, say: (text) => client.say(text) });
    const counters = element("footer");
    counters.title =
      "Requests that the page made; the browser's own preflight requests are not counted";
    root.append(head, route, proof, people, reason, log, form, counters);
    el.append(root);

    const nodes = new WeakMap(); // by line; a line that changes is a new object
    const show = (wanted) => {
      for (const line of wanted) if (!nodes.has(line)) nodes.set(line, chatLine(line));
      const rows = wanted.map((line) => nodes.get(line));
      const stay = new Set(rows);
      for (const row of [...log.children]) if (!stay.has(row)) row.remove();
      rows.forEach((row, index) => {
        if (log.children[index] !== row) log.insertBefore(row, log.children[index] ?? null);
      });
    };

    let lines;
    const draw = () => {
      const { state, retryAt, roundTrip } = client;
      const seconds = Math.max(0, retryAt - performance.now()) / 1000;
      badge.textContent = state === "waiting" ? `retry in ${seconds.toFixed(1)} s` : state;
      badge.dataset.state = state;
      route.textContent = client.route ? shownRoute(client.route) : "looking for the server…";
      reason.textContent = state === "open" ? "" : client.reason;
      const away = ["waiting", "closed", "refused"].includes(state);
      cable.textContent = away ? "Connect" : "Disconnect";
      cable.disabled = client.ended;
      const others = [...client.people].filter((one) => one !== user).sort();
      people.textContent = state === "open" ? `online: ${[user, ...others].join(", ")}` : "offline";
      if (lines !== client.lines) {
        keepingEnd(log, () => show(client.lines));
        lines = client.lines;
      }
      counters.textContent = [
        counted(client.requests, "request"),
        `${client.sent.toLocaleString("en")} sent`,
        `${client.received.toLocaleString("en")} received`,
        ...(roundTrip === null ? [] : [`round trip ${roundTrip.toFixed(1)} ms`]),
      ].join(" · ");
    };
    const clock = setInterval(() => {
      if (client.state === "waiting") draw();
    }, 100);

    // JupyterLab would take the keys for its own commands.
    root.addEventListener("keydown", (event) => event.stopPropagation());
    cable.addEventListener("click", () => {
      if (cable.textContent === "Connect") client.connect();
      else client.disconnect();
    });
    views.add(draw);
    draw();
    const stopWatching = whenKernelIsGone(model, root, () => client.end());
    return () => {
      stopWatching();
      clearInterval(clock);
      views.delete(draw);
    };
  }

  return { initialize, render };
};
