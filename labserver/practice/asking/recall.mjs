// The recall: questions on what was learned before; the answer is shown after the learner's own.

import { element } from "../../widgets/element.mjs";
import {
  button,
  drawing,
  keepingFocus,
  problemLine,
  prose,
  sheet,
  stopping,
  writingBox,
} from "./sheet.mjs";

/** One question; `draw()` shows what is kept of it, `flush()` keeps what is being written. */
function card(model, id) {
  const item = () => model.get("items").find((one) => one.id === id);
  const { about, question } = item();
  const root = element("li");
  const form = element("form");
  const save = (text) => {
    model.set("drafts", { ...model.get("drafts"), [id]: text });
    model.save_changes();
  };
  const writing = writingBox({ label: question, most: model.get("most_chars"), save });
  writing.field.rows = 2;
  const buttons = element("div", "lab-sheet-buttons");
  buttons.append(
    element("button", "", "Show the answer"),
    button("Show me without answering", () => model.send({ id }), { quiet: true }),
  );
  form.append(writing.field, buttons);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    writing.flush();
    model.send({ id, text: writing.field.value });
  });
  const yours = element("p", "lab-sheet-text");
  const answer = element("div", "lab-sheet-model");
  answer.tabIndex = -1;
  answer.setAttribute("role", "group");
  answer.setAttribute("aria-label", "The answer");
  const judge = (text, knew) => button(text, () => model.send({ id, knew }), { quiet: true });
  const knew = judge("✓ I knew it", true);
  const not = judge("↻ Not yet", false);
  const judging = element("div", "lab-sheet-buttons");
  judging.setAttribute("role", "group");
  judging.setAttribute("aria-label", "Did you know it?");
  judging.append(knew, not);
  root.append(
    element("span", "lab-sheet-about", about),
    prose(question),
    form,
    yours,
    answer,
    judging,
  );

  const draw = () => {
    const now = item();
    const shows = now.answer !== "";
    const unfold = () => {
      form.hidden = shows;
      answer.hidden = judging.hidden = !shows;
      yours.hidden = now.text === "";
      yours.textContent = `You wrote: ${now.text}`;
      answer.replaceChildren(prose(now.answer));
    };
    keepingFocus(root, unfold, () => answer);
    knew.setAttribute("aria-pressed", String(now.knew === true));
    not.setAttribute("aria-pressed", String(now.knew === false));
    writing.show(model.get("drafts")[id] ?? "");
  };
  return { root, draw, flush: writing.flush };
}

function render({ model, el }) {
  const root = sheet("Recall", "what you have learned so far");
  const list = element("ol");
  const cards = model.get("items").map(({ id }) => card(model, id));
  list.append(...cards.map((one) => one.root));
  const problem = problemLine();
  root.append(list, problem);
  el.append(root);
  const stop = drawing(model, ["items", "drafts", "problem"], () => {
    for (const one of cards) one.draw();
    problem.textContent = model.get("problem");
  });
  return stopping(model, root, ...cards.map((one) => one.flush), stop);
}

export default { render };
