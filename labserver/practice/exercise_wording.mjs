// What the panel says in words.

const count = (n, noun) => `${n} ${noun}${n === 1 ? "" : "s"}`;

/** The state in one line, such as `Wrong · 0 of 3 points · 1 of 3 hints used`. */
export function stateLine({ outcome, points, most, used, hints }) {
  const word = outcome === "pass" ? "Passed" : outcome === "wrong" ? "Wrong" : "Not attempted";
  const worth =
    outcome === "not attempted" ? count(most, "point") : `${points} of ${count(most, "point")}`;
  return [word, worth, ...(used ? [`${used} of ${count(hints, "hint")} used`] : [])].join(" · ");
}

/** A text in pieces, of which every second one stood between backticks and is code. */
export function proseAndCode(text) {
  return text.split("`").map((piece, index) => ({ piece, code: index % 2 === 1 }));
}
