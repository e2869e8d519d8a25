// The chat window; element.js and chat_line.js stand above this, in one module.

const TYPING_EVERY_MS = 2000; // the server passes on one in two seconds anyway
const TYPING_ENDS_MS = 3000;

function typists(names) {
  if (names.length === 0) return "";
  if (names.length > 3) return `${names.length} people are typing…`;
  return `${names.join(", ")} ${names.length === 1 ? "is" : "are"} typing…`;
}

function render({ model, el }) {
  const user = model.get("user");
  const root = element("section", "lab-chat");
  root.setAttribute("aria-label", `Chat of ${user}`);

  const head = element("header");
  const badge = element("span", "lab-chat-state");
  badge.setAttribute("role", "status");
  const cable = element("button", "lab-chat-cable");
  const technique = model.get("technique").replaceAll("_", " ");
  head.append(
    element("strong", "", user),
    element("span", "lab-chat-where", `in ${model.get("room")}${technique && ` over ${technique}`}`),
    badge,
    cable,
  );

  const people = element("div", "lab-chat-people");
  const log = element("div", "lab-chat-log");
  log.tabIndex = 0;
  log.setAttribute("role", "log");
  log.setAttribute("aria-label", "Messages");
  const typing = element("div", "lab-chat-typing");
  typing.setAttribute("aria-live", "polite");

  const form = element("form");
  const input = element("input");
  input.maxLength = 4096;
  input.placeholder = "Message, then Enter";
  input.title = "/dm NAME text goes to one person";
  input.setAttribute("aria-label", `Message from ${user}`);
  const send = element("button", "", "Send");
  form.append(input, send);
  const counters = element("footer");
  root.append(head, people, log, typing, form, counters);
  el.append(root);

  const drawLines = () => {
    const atEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 40;
    log.replaceChildren(...model.get("lines").map(chatLine));
    if (atEnd) log.scrollTop = log.scrollHeight;
  };
  const drawPeople = () => {
    people.textContent = `online: ${model.get("people").join(", ")}`;
  };
  const drawTyping = () => {
    typing.textContent = typists(model.get("typing"));
  };
  const drawCounters = () => {
    const c = model.get("counters");
    counters.textContent = [
      counted(c.requests ?? 0, "request"),
      `${counted(c.sent ?? 0, "event")} sent`,
      `${(c.received ?? 0).toLocaleString("en")} received`,
      `${counted(c.payload ?? 0, "byte")} of JSON`,
    ].join(" · ");
  };

  let retryAt = 0;
  const drawState = () => {
    const { state, reason } = model.get("connection");
    const seconds = Math.max(0, (retryAt - performance.now()) / 1000);
    const away = state === "cut";
    badge.textContent = state === "waiting" ? `retry in ${seconds.toFixed(1)} s` : state;
    badge.title = reason ?? "";
    badge.dataset.state = state;
    cable.textContent = away ? "Restore" : "Cut";
    cable.title = away ? "Connect again" : "Cut the connection, as a broken cable would";
    cable.disabled = state === "closed" || state === "refused";
  };
  const onConnection = () => {
    retryAt = performance.now() + 1000 * (model.get("connection").retryIn ?? 0);
    drawState();
  };
  const clock = setInterval(() => {
    if (model.get("connection").state === "waiting") drawState();
  }, 100);

  let typingSince = -Infinity;
  let quiet = 0;
  const stopTyping = () => {
    clearTimeout(quiet);
    if (typingSince > -Infinity) model.send({ typing: false });
    typingSince = -Infinity;
  };
  input.addEventListener("input", () => {
    clearTimeout(quiet);
    if (input.value === "") return stopTyping();
    quiet = setTimeout(stopTyping, TYPING_ENDS_MS);
    if (performance.now() - typingSince > TYPING_EVERY_MS) {
      typingSince = performance.now();
      model.send({ typing: true });
    }
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (input.value.trim() === "") return;
    model.send({ say: input.value });
    input.value = "";
    stopTyping();
  });
  // JupyterLab would take the keys for its own commands.
  root.addEventListener("keydown", (event) => event.stopPropagation());
  cable.addEventListener("click", () => {
    const away = model.get("connection").state === "cut";
    model.send({ connection: away ? "restore" : "cut" });
  });

  const watched = {
    lines: drawLines,
    people: drawPeople,
    typing: drawTyping,
    counters: drawCounters,
    connection: onConnection,
  };
  for (const [name, draw] of Object.entries(watched)) {
    model.on(`change:${name}`, draw);
    draw();
  }
  return () => {
    clearInterval(clock);
    clearTimeout(quiet);
    for (const [name, draw] of Object.entries(watched)) model.off(`change:${name}`, draw);
  };
}

export default { render };
