// The parts of a chat window that the kernel's windows and the browser's own have in common.

import { readTyped } from "./commands.mjs";
import { element } from "./element.mjs";
import { delayed, deliveryNote, timeOfDay } from "./wording.mjs";

const MOST_CHARS = 4096; // of a message, as the server counts them

/** The window's head: who speaks, in which room and over what, a badge for the state, a button. */
export function chatHead({ user, room, technique }) {
  const head = element("header");
  const over = technique && ` · ${technique.replaceAll("_", " ")}`;
  const badge = element("span", "lab-chat-state");
  badge.setAttribute("role", "status");
  const cable = element("button", "lab-chat-cable");
  cable.type = "button";
  head.append(
    element("strong", "", user),
    element("span", "lab-chat-where", `room ${room}${over}`),
    badge,
    cable,
  );
  return { head, badge, cable };
}

const scrolledBack = new WeakSet(); // lists whose end the reader has left

/** The list of messages, which can be scrolled with the keyboard. */
export function chatLog() {
  const log = element("div", "lab-chat-log");
  log.tabIndex = 0;
  log.setAttribute("role", "log");
  log.setAttribute("aria-label", "Messages");
  log.addEventListener("scroll", () => {
    if (log.scrollHeight - log.scrollTop - log.clientHeight < 40) scrolledBack.delete(log);
    else scrolledBack.add(log);
  });
  // It is filled before it is on the page, where it gets a height; and the lines around it, which
  // come and go, change that.
  new ResizeObserver(() => keepEnd(log)).observe(log);
  return log;
}

/** After a list or its height has changed: if it showed its end, it shows its end again. */
export function keepEnd(log) {
  if (!scrolledBack.has(log)) log.scrollTop = log.scrollHeight;
}

/**
 * When a line arrived in this window, and how much later that was: than it was written, if that
 * was here; otherwise than the server received it, if its clock is the same.
 */
function arrival({ at, ts, said, otherClock }) {
  const time = element("time", "", timeOfDay(at));
  time.dateTime = new Date(at).toISOString();
  time.title = "when it arrived in this window";
  if (said) time.title = `when the server had confirmed it; written at ${timeOfDay(said)}`;
  if (ts) time.title += `; the server received it at ${timeOfDay(Date.parse(ts))}`;
  const began = said ?? (ts && !otherClock ? Date.parse(ts) : null);
  if (began === null) return [time];
  const delay = element("span", "lab-chat-delay", delayed(at - began));
  delay.title = time.title;
  return [time, delay];
}

/** One line of the list, as it looks while the connection is `open`, or is not. */
export function chatLine(item, open) {
  const row = element("div", `lab-chat-line lab-chat-${item.state}`);
  if (item.at) row.append(...arrival(item));
  if (item.who) row.append(element("b", "", item.to ? `${item.who} → ${item.to}` : item.who));
  row.append(element("span", "lab-chat-text", item.text));
  const note = deliveryNote(item, open);
  if (note) row.append(element("i", "", note));
  return row;
}

/** What to say of a text with too many characters, which is not sent; empty for any other. */
function tooLong(text) {
  const count = [...(readTyped(text).content ?? "")].length;
  if (count <= MOST_CHARS) return "";
  const [most, has] = [MOST_CHARS, count].map((number) => number.toLocaleString("en"));
  return `A message has at most ${most} characters. This one has ${has}: shorten it.`;
}

/**
 * The form in which a message is written; `say` gets its text, unless there is none.
 *
 * Whoever writes sees the end of `log` again, where the line will stand.
 * `allow(placeholder, able)` sets what the empty box says, and whether anything can be sent.
 */
export function chatForm({ user, log, say }) {
  const form = element("form");
  const input = element("input");
  input.title = "/help lists the commands, such as /dm NAME text";
  input.setAttribute("aria-label", `Message from ${user}`);
  const send = element("button", "", "Send");
  form.append(input, send);
  input.addEventListener("input", () => input.setCustomValidity(tooLong(input.value.trim())));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const text = input.value.trim();
    if (text === "") return;
    input.value = "";
    scrolledBack.delete(log);
    keepEnd(log);
    say(text);
  });
  const allow = (placeholder, able = true) => {
    input.placeholder = placeholder;
    input.disabled = send.disabled = !able;
  };
  return { form, input, allow };
}
