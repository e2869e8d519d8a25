// The chat window of a client that runs in the kernel: it draws the widget's traits.

import { chatForm, chatHead, chatLine, chatLog, keepEnd } from "./chat_window.mjs";
import { element, keepKeys } from "./element.mjs";
import { whenKernelIsGone } from "./kernel_gone.mjs";
import { counted, peopleNotice, typingNotice } from "./wording.mjs";

const TYPING_EVERY_MS = 2000; // the server passes on at most one every two seconds
const TYPING_ENDS_MS = 3000;
const PLACEHOLDERS = {
  cut: "Message: it waits until you restore the connection",
  waiting: "Message: it waits for the connection",
  connecting: "Message: it waits for the connection",
  closed: "Closed: run the cell again to write here",
  refused: "The server turned this client away",
};

function render({ model, el }) {
  const user = model.get("user");
  const root = element("section", "lab-chat");
  root.setAttribute("aria-label", `Chat of ${user}`);
  const { head, badge, cable } = chatHead({
    user,
    room: model.get("room"),
    technique: model.get("technique"),
  });
  const people = element("div", "lab-chat-people");
  const why = element("div", "lab-chat-reason");
  const log = chatLog();
  const typing = element("div", "lab-chat-typing");
  typing.setAttribute("aria-live", "polite");
  const { form, input, allow } = chatForm({
    user,
    log,
    say: (text) => {
      model.send({ say: text });
      stopTyping();
    },
  });
  const counters = element("footer");
  root.append(head, people, why, log, typing, form, counters);
  el.append(root);

  const drawLines = () => {
    const open = model.get("connection").state === "open";
    log.replaceChildren(...model.get("lines").map((line) => chatLine(line, open)));
    keepEnd(log);
  };
  const drawPeople = () => {
    const { state, since } = model.get("connection");
    const open = state === "open";
    const everybody = model.get("people");
    const others = everybody.filter((one) => one !== user);
    people.textContent = peopleNotice({ open, people: open ? everybody : others, since });
    people.dataset.stale = !open;
  };
  const drawTyping = () => {
    typing.textContent = typingNotice(model.get("typing"));
  };
  const drawCounters = () => {
    const c = model.get("counters");
    counters.textContent = [
      `${counted(c.sent ?? 0, "message")} sent`,
      `${(c.received ?? 0).toLocaleString("en")} received`,
      counted(c.requests ?? 0, "request"),
      `${counted(c.payload ?? 0, "byte")} of JSON`,
    ].join(" · ");
    counters.title =
      `With typing, presence and acknowledgements: ${counted(c.eventsUp ?? 0, "event")} to the` +
      ` server, ${(c.eventsDown ?? 0).toLocaleString("en")} from it`;
  };

  let retryAt = 0;
  const drawState = () => {
    const { state, reason } = model.get("connection");
    const seconds = Math.max(0, (retryAt - performance.now()) / 1000);
    const cut = state === "cut";
    badge.textContent = state === "waiting" ? `retry in ${seconds.toFixed(1)} s` : state;
    badge.dataset.state = state;
    why.textContent = state === "open" ? "" : (reason ?? "");
    const able = state !== "closed" && state !== "refused";
    allow(PLACEHOLDERS[state] ?? "Message, then Enter", able);
    cable.textContent = cut ? "Restore" : "Cut";
    cable.title = cut ? "Connect again" : "Cut the connection, as a broken cable would";
    cable.disabled = !able;
  };
  let wasOpen;
  const onConnection = () => {
    retryAt = performance.now() + 1000 * (model.get("connection").retryIn ?? 0);
    drawState();
    drawPeople();
    const open = model.get("connection").state === "open";
    if (open !== wasOpen) drawLines(); // a retry is no reason: a selection in the list would go
    wasOpen = open;
  };
  const clock = setInterval(() => {
    if (model.get("connection").state === "waiting") drawState();
  }, 100);

  let typingSince = Number.NEGATIVE_INFINITY;
  let quiet = 0;
  const stopTyping = () => {
    clearTimeout(quiet);
    if (typingSince > Number.NEGATIVE_INFINITY) model.send({ typing: false });
    typingSince = Number.NEGATIVE_INFINITY;
  };
  input.addEventListener("input", () => {
    clearTimeout(quiet);
    if (input.value === "") {
      stopTyping();
      return;
    }
    quiet = setTimeout(stopTyping, TYPING_ENDS_MS);
    if (performance.now() - typingSince > TYPING_EVERY_MS) {
      typingSince = performance.now();
      model.send({ typing: true });
    }
  });
  keepKeys(root);
  cable.addEventListener("click", () => {
    const cut = model.get("connection").state === "cut";
    model.send({ connection: cut ? "restore" : "cut" });
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
  const stopWatching = whenKernelIsGone(model, root);
  return () => {
    stopWatching();
    clearInterval(clock);
    clearTimeout(quiet);
    for (const [name, draw] of Object.entries(watched)) model.off(`change:${name}`, draw);
  };
}

export default { render };
