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

/** The note behind a chat line: that it is on its way, or why it was not sent. */
export function deliveryNote({ state, why = "" }) {
  if (state === "sending") return "sending…";
  return state === "failed" ? `not sent: ${why}` : why;
}
