// Words and numbers as the widgets show them.

/** A number of things, with the noun in the singular or the plural: "1 byte", "2,000 bytes". */
export function counted(n, noun) {
  return `${n.toLocaleString("en")} ${noun}${n === 1 ? "" : "s"}`;
}

/** Who is typing, in one short sentence; an empty string if nobody is. */
export function typingNotice(names) {
  if (names.length === 0) return "";
  if (names.length > 3) return `${names.length} people are typing…`;
  return `${names.join(", ")} ${names.length === 1 ? "is" : "are"} typing…`;
}

/** A moment (milliseconds since 1970) as the time of day, to a tenth of a second: "14:03:05.8". */
export function timeOfDay(at) {
  const date = new Date(at);
  const two = (n) => String(n).padStart(2, "0");
  const tenth = Math.floor(date.getMilliseconds() / 100);
  return `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}.${tenth}`;
}

/** How much later something arrived than it was sent: "+3 ms", "+4.2 s", "+12 min". */
export function delayed(ms) {
  if (ms < 1000) return `+${Math.max(0, Math.round(ms))} ms`;
  if (ms < 60_000) return `+${(ms / 1000).toFixed(1)} s`;
  return `+${Math.round(ms / 60_000).toLocaleString("en")} min`;
}

/** Who is online; while there is no connection, who was when it ended. */
export function peopleNotice({ open, people, since }) {
  if (open) return `online: ${people.join(", ")}`;
  if (!since) return "not connected yet";
  const then = people.length ? `; online then: ${people.join(", ")}` : "";
  return `not connected since ${timeOfDay(since)}${then}`;
}

/** The note behind a chat line: what it waits for (is the connection `open`?), or why it was not sent. */
export function deliveryNote({ state, why = "" }, open) {
  if (state === "sending" && !open) return "waits for the connection";
  if (state === "sending") return why ? `sending… ${why}` : "sending…";
  return state === "failed" ? `not sent: ${why}` : why;
}
