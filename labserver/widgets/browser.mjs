// The pane that shows a BrowserClient. The client belongs to the widget and not to one of its
// views, so that a widget which is shown twice is still one member of the room.

import { asksForCertificate, whoAsks } from "./browser_certificate.mjs";
import { BrowserClient } from "./browser_client.mjs";
import { jupyterUrl, routesTo } from "./browser_route.mjs";
import { TECHNIQUES } from "./browser_techniques.mjs";
import { chatForm, chatHead, chatLine, chatLog, keepEnd } from "./chat_window.mjs";
import { element, keepKeys } from "./element.mjs";
import { whenKernelIsGone } from "./kernel_gone.mjs";
import { counted, peopleNotice } from "./wording.mjs";

const CLOSED_MS = 1000; // between two looks whether the notebook is still open
const DRAW_MS = 50; // drawing occupies the thread on which messages arrive and are timed
const SKIP = "labserver-skip-certificate";
const PLACEHOLDERS = {
  open: "Message, then Enter",
  closed: "Message: it waits until you connect",
  refused: "The server turned this client away",
};
const CLOSED_FOR_GOOD = "Closed: run the cell again to write here";

function shownRoute({ name, base }) {
  return `${name}: ${base.replace(/^https?:\/\//, "")}`;
}

/** Returns a function that promises a token: the one that came with the widget, then the kernel's. */
function tokensFrom(model, send) {
  const waiting = [];
  let first = model.get("first_token"); // a kernel that runs all cells cannot be asked meanwhile
  model.on("msg:custom", ({ token }) => {
    if (token) for (const resolve of waiting.splice(0)) resolve(token);
  });
  return () =>
    new Promise((resolve) => {
      if (first) {
        resolve(first);
        first = "";
        return;
      }
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
    const skip = ({ detail }) => detail === url && client.skip();
    globalThis.addEventListener(SKIP, skip);
    signal.addEventListener("abort", () => {
      globalThis.removeEventListener(SKIP, skip);
      client.end();
    });
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
    const reason = element("div", "lab-chat-reason");
    reason.setAttribute("role", "status");
    const certificate = element("div", "lab-browser-certificate");
    const page = element("a", "", "Open the certificate's page");
    page.href = `${client.url}/healthz`;
    page.target = "_blank";
    page.rel = "noopener";
    const skip = element("button", "", "Skip this server");
    skip.type = "button";
    skip.addEventListener("click", () => {
      globalThis.dispatchEvent(new CustomEvent(SKIP, { detail: client.url }));
    });
    certificate.append(page, skip);
    const people = element("div", "lab-chat-people");
    const log = chatLog();
    const { form, allow } = chatForm({ user, log, say: (text) => client.say(text) });
    const counters = element("footer");
    counters.title =
      "Requests that the page made; the browser's own preflight requests are not counted";
    root.append(head, route, proof, people, reason, certificate, log, form, counters);
    el.append(root);

    const nodes = new WeakMap(); // by line; a line that changes is a new object
    const show = (wanted, open) => {
      for (const line of wanted) if (!nodes.has(line)) nodes.set(line, chatLine(line, open));
      const rows = wanted.map((line) => nodes.get(line));
      const stay = new Set(rows);
      for (const row of [...log.children]) if (!stay.has(row)) row.remove();
      rows.forEach((row, index) => {
        if (log.children[index] !== row) log.insertBefore(row, log.children[index] ?? null);
      });
    };

    let lines;
    let wasOpen;
    const draw = () => {
      const { state, retryAt, roundTrip } = client;
      const seconds = Math.max(0, retryAt - performance.now()) / 1000;
      badge.textContent = state === "waiting" ? `retry in ${seconds.toFixed(1)} s` : state;
      badge.dataset.state = state;
      route.textContent = client.route ? shownRoute(client.route) : "looking for the server…";
      certificate.hidden = !asksForCertificate(client);
      const asker = whoAsks(client.url);
      const { byHand, skipped, untrusted, waitsFor } = client;
      reason.dataset.calm = byHand || skipped || untrusted || waitsFor !== "";
      if (waitsFor) reason.textContent = waitsFor;
      else if (state === "open") reason.textContent = "";
      else if (untrusted && !skipped && certificate.hidden && asker)
        reason.textContent = `waiting for the certificate to be accepted, see ${asker}'s pane`;
      else reason.textContent = client.reason;
      allow(
        client.ended
          ? CLOSED_FOR_GOOD
          : (PLACEHOLDERS[state] ?? "Message: it waits for the connection"),
        !client.ended && state !== "refused",
      );
      const away = ["waiting", "closed", "refused"].includes(state);
      cable.textContent = away ? "Connect" : "Disconnect";
      cable.disabled = client.ended;
      const others = [...client.people].filter((one) => one !== user).sort();
      const open = state === "open";
      people.textContent = peopleNotice({
        open,
        people: open ? [user, ...others] : others,
        since: client.since,
      });
      people.dataset.stale = !open;
      if (wasOpen !== open) for (const { line } of client.pending.values()) nodes.delete(line);
      if (wasOpen !== open || lines !== client.lines) {
        show(client.lines, open);
        keepEnd(log);
        [lines, wasOpen] = [client.lines, open];
      }
      counters.textContent = [
        `${counted(client.sent, "message")} sent`,
        `${client.received.toLocaleString("en")} received`,
        counted(client.requests, "request"),
        ...(roundTrip === null ? [] : [`round trip ${roundTrip.toFixed(1)} ms`]),
      ].join(" · ");
    };
    const clock = setInterval(() => {
      if (client.state === "waiting") draw();
    }, 100);

    keepKeys(root);
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
