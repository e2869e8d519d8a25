// The explanation: a text in one's own words, locked in; then the model and its points to tick.

import { element } from "../../widgets/element.mjs";
import {
  button,
  drawing,
  keepingFocus,
  paragraphs,
  problemLine,
  prose,
  sheet,
  stopping,
  writingBox,
} from "./sheet.mjs";

/** The points: boxes to tick if there is a text that could make them, else a list. */
function pointList(model) {
  const points = model.get("points");
  if (!model.get("text")) {
    const list = element("ul");
    list.append(...points.map((point) => prose(point, "li")));
    return list;
  }
  const set = element("fieldset");
  set.append(element("legend", "", "Which of these did you say?"));
  points.forEach((point, index) => {
    const line = element("label");
    const box = element("input");
    box.type = "checkbox";
    box.checked = model.get("ticked").includes(index);
    box.addEventListener("change", () => model.send({ tick: index, on: box.checked }));
    line.append(box, prose(point, "span"));
    set.append(line);
  });
  return set;
}

function render({ model, el }) {
  const question = model.get("question");
  const root = sheet("Explain", question);
  const form = element("form");
  const save = (text) => {
    model.set("draft", text);
    model.save_changes();
  };
  const writing = writingBox({ label: question, most: model.get("most_chars"), save });
  writing.field.placeholder = "Two sentences of your own";
  const buttons = element("div", "lab-sheet-buttons");
  buttons.append(
    element("button", "", "Lock in"),
    button("Show me without writing", () => model.send({ show: true }), { quiet: true }),
  );
  const problem = problemLine();
  form.append(writing.field, buttons, problem);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    writing.flush();
    model.send({ lock: writing.field.value });
  });

  const yours = element("div", "lab-sheet-yours");
  const unfolded = element("div", "lab-sheet-model");
  unfolded.tabIndex = -1;
  unfolded.setAttribute("aria-label", "A model explanation");
  unfolded.setAttribute("role", "group");
  root.append(prose(question), form, yours, unfolded);
  el.append(root);

  const draw = () => {
    const text = model.get("text");
    const shows = model.get("model_text") !== "";
    const unfold = () => {
      form.hidden = shows;
      yours.hidden = text === "";
      unfolded.hidden = !shows;
      yours.replaceChildren(element("h4", "", "You wrote"), element("p", "lab-sheet-text", text));
      unfolded.replaceChildren(
        element("h4", "", "A model explanation"),
        ...paragraphs(model.get("model_text")),
        pointList(model),
      );
    };
    keepingFocus(root, unfold, () => unfolded);
  };
  const drawForm = () => {
    problem.textContent = model.get("problem");
    writing.show(model.get("draft"));
  };
  const drawTicks = () => {
    const boxes = unfolded.querySelectorAll("input");
    boxes.forEach((box, index) => {
      box.checked = model.get("ticked").includes(index);
    });
  };
  return stopping(
    model,
    root,
    writing.flush,
    drawing(model, ["text", "model_text", "points"], draw),
    drawing(model, ["draft", "problem"], drawForm),
    drawing(model, ["ticked"], drawTicks),
  );
}

export default { render };
