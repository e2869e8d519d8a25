// A sheet: what is asked, where it is answered, and what is said about it. The parts that the
// widgets which ask have in common.

import { element, keepKeys } from "../../widgets/element.mjs";
import { whenKernelIsGone } from "../../widgets/kernel_gone.mjs";

const DRAFT_AFTER_MS = 400;

/** Text with `code` in it, as an element; everything else in the text is text. */
export function prose(text, tag = "p", className = "") {
  const node = element(tag, className);
  text.split(/`([^`\n]+)`/).forEach((part, index) => {
    if (index % 2) node.append(element("code", "", part));
    else if (part) node.append(part.replaceAll(/(\d) %/g, "$1\u00a0%")); // not on two lines
  });
  return node;
}

/** A text whose paragraphs are parted by blank lines. */
export function paragraphs(text) {
  return text.split("\n\n").map((part) => prose(part));
}

/** The same text for a label, in which there are no elements. */
export function plain(text) {
  return text.replaceAll(/`([^`\n]+)`/g, "$1");
}

/** The frame of a widget that asks; `kind` is its heading, `label` says what it is about. */
export function sheet(kind, label) {
  const root = element("section", `lab-sheet lab-sheet-${kind.toLowerCase()}`);
  root.setAttribute("aria-label", `${kind}: ${plain(label)}`);
  root.append(element("strong", "lab-sheet-kind", kind));
  keepKeys(root);
  return root;
}

export function button(text, pressed, { quiet = false } = {}) {
  const node = element("button", quiet ? "lab-sheet-quiet" : "", text);
  node.type = "button";
  node.addEventListener("click", pressed);
  return node;
}

/** A line that is read out when something goes wrong. */
export function problemLine() {
  const line = element("div", "lab-sheet-problem");
  line.setAttribute("role", "alert");
  return line;
}

/** A line that is read out when it changes, and that can take the focus of a form that goes. */
export function statusLine() {
  const line = element("div", "lab-sheet-status");
  line.setAttribute("role", "status");
  line.tabIndex = -1;
  return line;
}

/** Run `change`; if it hides what has the focus, the focus goes to `next()`. */
export function keepingFocus(root, change, next) {
  const had = root.contains(document.activeElement);
  change();
  const now = document.activeElement;
  if (had && (!root.contains(now) || now.closest("[hidden]"))) next()?.focus();
}

/** A box for a text. `save(text)` is called shortly after the last key, and by `flush`. */
export function writingBox({ label, most, save }) {
  const field = element("textarea");
  field.rows = 3;
  field.maxLength = most;
  field.setAttribute("aria-label", plain(label));
  let later = 0;
  const flush = () => {
    if (!later) return;
    clearTimeout(later);
    later = 0;
    save(field.value);
  };
  field.addEventListener("input", () => {
    clearTimeout(later);
    later = setTimeout(flush, DRAFT_AFTER_MS);
  });
  field.addEventListener("blur", flush);
  field.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) field.form.requestSubmit();
  });
  // What is being written here is newer than what the kernel knows of it.
  const show = (text) => {
    if (field.value === "") field.value = text;
  };
  return { field, flush, show };
}

/** The function that a render returns: it stops what the sheet does, and the watch on its kernel. */
export function stopping(model, root, ...stops) {
  const all = [...stops, whenKernelIsGone(model, root)];
  return () => {
    for (const stop of all) stop();
  };
}

/** Draw now and whenever one of the model's values changes; the result stops it. */
export function drawing(model, names, draw) {
  const events = names.map((name) => `change:${name}`).join(" ");
  model.on(events, draw);
  draw();
  return () => model.off(events, draw);
}
