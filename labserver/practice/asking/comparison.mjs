// What was measured, beside the prediction; covered until there is one.

import { element } from "../../widgets/element.mjs";
import { answerForm } from "./answer_form.mjs";
import { button, drawing, keepingFocus, prose, sheet, statusLine, stopping } from "./sheet.mjs";

const SVG = "http://www.w3.org/2000/svg";

// A sign, a word and (in the style sheet) a colour say the same.
const BADGES = {
  right: ["✓", "Right"],
  close: ["≈", "Close"],
  low: ["▼", "Too low"],
  high: ["▲", "Too high"],
  wrong: ["✗", "Wrong"],
  unguessed: ["", "Shown without a guess"],
};

function shape(tag, attributes, text = "") {
  const node = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.textContent = text;
  return node;
}

function percent(share) {
  return `${(100 * share).toFixed(1)}%`;
}

function label(place, y, text) {
  const anchor = place < 0.15 ? "start" : place > 0.85 ? "end" : "middle";
  return shape("text", { x: percent(place), y, "text-anchor": anchor }, text);
}

/** A scale with two marks, told apart by their shapes; the line above says the same. */
function scale([guess, measured], line) {
  // Without a viewBox, so that on a narrow page the scale shrinks and its text does not.
  const svg = shape("svg", { role: "img", "aria-label": line });
  const [from, to] = [percent(guess), percent(measured)];
  const diamond = shape("svg", { x: to, y: 28, overflow: "visible" });
  diamond.append(shape("path", { class: "lab-scale-measured", d: "M0 -9l9 9l-9 9l-9 -9z" }));
  svg.append(
    shape("line", { class: "lab-scale-line", x1: "0%", x2: "100%", y1: 28, y2: 28 }),
    shape("line", { class: "lab-scale-off", x1: from, x2: to, y1: 28, y2: 28 }),
    shape("circle", { class: "lab-scale-guess", cx: from, cy: 28, r: 7 }),
    diamond,
    label(guess, 13, "you guessed"),
    label(measured, 53, "measured"),
  );
  return svg;
}

function reason(why, folded) {
  if (!folded) return prose(why, "p", "lab-sheet-why");
  const details = element("details");
  details.append(element("summary", "", "Why"), prose(why, "p", "lab-sheet-why"));
  return details;
}

/** What stands below the question: the verdict, the fact, what was seen, and the reason. */
function outcome({ verdict, line, why, places, evidence }) {
  const [sign, word] = BADGES[verdict];
  const badge = element("span", `lab-badge lab-badge-${verdict}`);
  if (sign) badge.append(element("span", "lab-badge-sign", sign));
  badge.append(word);
  const parts = [badge, prose(line)];
  if (places) parts.push(scale(places, line));
  if (evidence) parts.push(element("div", "lab-sheet-evidence", evidence));
  if (why) parts.push(reason(why, verdict === "right"));
  return parts;
}

/** The cover: the result can be seen after a guess, made here or at the question, or without. */
function cover(asked, model) {
  const box = element("div", "lab-sheet-cover");
  const said = prose("The result is covered, because you have not guessed yet.");
  const buttons = element("div", "lab-sheet-buttons");
  const { form, first, say } = answerForm(asked, (answer) => model.send({ lock: answer }));
  form.hidden = true;
  const unfold = () => {
    form.hidden = false;
    said.hidden = guess.hidden = true;
  };
  const guess = button("Guess first", () => {
    unfold();
    first.focus();
  });
  buttons.append(
    guess,
    button("Show me without a guess", () => model.send({ show: true }), { quiet: true }),
  );
  box.append(said, form, buttons);
  const complain = (text) => {
    unfold(); // the form has the line for it
    say(text);
  };
  return { box, complain };
}

function render({ model, el }) {
  const asked = model.get("asked");
  const root = sheet("Measured", asked.question);
  const { box: covered, complain } = cover(asked, model);
  const shown = statusLine();
  root.append(prose(asked.question), covered, shown);
  el.append(root);
  const stop = drawing(model, ["covered", "result", "problem"], () => {
    const result = model.get("result");
    const bare = model.get("covered") || !result.line;
    const uncover = () => {
      covered.hidden = !bare;
      shown.replaceChildren(...(bare ? [] : outcome(result)));
    };
    keepingFocus(root, uncover, () => shown);
    if (model.get("problem")) complain(model.get("problem"));
  });
  return stopping(model, root, stop);
}

export default { render };
