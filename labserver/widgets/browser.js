// The pane that shows a Client; element.js, chat_line.js, browser_techniques.js and browser_client.js
// stand above this, in one module. The client belongs to the widget, not to a view of it: shown
// twice, it is still one.

const DRAW_MS = 50; // drawing takes the thread on which messages come in, and are timed

function place({ name, base }) {
  return `${name}: ${base.replace(/^https?:\/\//, "")}`;
}

function tokensFrom(model, send) {
  const waiting = [];
  model.on("msg:custom", ({ token }) => {
    if (token) for (const give of waiting.splice(0)) give(token);
  });
  return () =>
    new Promise((give) => {
      waiting.push(give);
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
        client.end("the kernel has ended: run the cell again");
      }
    };
    client = new Client({
      user: model.get("user"),
      room: model.get("room"),
      technique: model.get("technique"),
      url: model.get("url"),
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
    signal.addEventListener("abort", () => client.end());
  }

  function render({ model, el }) {
    const user = model.get("user");
    const root = element("section", "lab-chat lab-browser");
    root.setAttribute("aria-label", `The browser's chat of ${user}`);

    const technique = model.get("technique");
    const head = element("header");
    const where = `in ${model.get("room")} over ${technique.replaceAll("_", " ")}`;
    const badge = element("span", "lab-chat-state");
    badge.setAttribute("role", "status");
    const cable = element("button", "lab-chat-cable");
    cable.type = "button";
    head.append(element("strong", "", user), element("span", "lab-chat-where", where), badge, cable);

    const way = element("div", "lab-browser-way");
    const { credential, why } = TECHNIQUES[technique];
    const proof = element("div", "lab-browser-proof", `identified by ${credential}`);
    proof.title = why;
    const reason = element("div", "lab-browser-reason");
    reason.setAttribute("role", "alert");
    const people = element("div", "lab-chat-people");
    const log = element("div", "lab-chat-log");
    log.tabIndex = 0;
    log.setAttribute("role", "log");
    log.setAttribute("aria-label", "Messages");

    const form = element("form");
    const input = element("input");
    input.maxLength = 4096;
    input.placeholder = "Message, then Enter";
    input.title = "/dm NAME text goes to one person";
    input.setAttribute("aria-label", `Message from ${user}`);
    form.append(input, element("button", "", "Send"));
    const counters = element("footer");
    counters.title = "Requests are those of the page; the browser's own preflights come on top";
    root.append(head, way, proof, people, reason, log, form, counters);
    el.append(root);

    const nodes = new WeakMap(); // a line that changes is another line
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
      way.textContent = client.way ? place(client.way) : "looking for the server…";
      reason.textContent = state === "open" ? "" : client.reason;
      const away = ["waiting", "closed", "refused"].includes(state);
      cable.textContent = away ? "Connect" : "Disconnect";
      cable.disabled = client.ended;
      const others = [...client.people].filter((one) => one !== user).sort();
      people.textContent = state === "open" ? `online: ${[user, ...others].join(", ")}` : "offline";
      if (lines !== client.lines) {
        const atEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 40;
        show(client.lines);
        if (atEnd) log.scrollTop = log.scrollHeight;
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

    form.addEventListener("submit", (event) => {
      event.preventDefault();
      if (input.value.trim() === "") return;
      client.say(input.value.trim());
      input.value = "";
    });
    // JupyterLab would take the keys for its own commands.
    root.addEventListener("keydown", (event) => event.stopPropagation());
    cable.addEventListener("click", () => {
      if (cable.textContent === "Connect") client.connect();
      else client.disconnect();
    });
    views.add(draw);
    draw();
    return () => {
      clearInterval(clock);
      views.delete(draw);
    };
  }

  return { initialize, render };
};
