// The prediction: a question, an answer, and a button that makes the answer final.

import { element } from "../../widgets/element.mjs";

/** A number to type, with a slider if both bounds are given; `value()` is null until it is valid. */
function numberInput({ low, high, unit, label, edited }) {
  const box = element("div", "lab-predict-number");
  const field = element("input");
  field.type = "number";
  field.step = "any";
  field.setAttribute("aria-label", label);
  if (low !== null) field.min = low;
  if (high !== null) field.max = high;
  field.addEventListener("input", edited);
  if (low !== null && high !== null) {
    const slider = element("input");
    slider.type = "range";
    slider.min = low;
    slider.max = high;
    slider.step = 10 ** Math.round(Math.log10((high - low) / 100));
    slider.value = (low + high) / 2; // otherwise it stays where the default bounds had put it
    slider.setAttribute("aria-label", label);
    slider.addEventListener("input", () => {
      field.value = slider.value;
      edited();
    });
    field.addEventListener("input", () => {
      slider.value = field.value;
    });
    box.append(slider);
  }
  box.append(field, element("span", "", unit));
  const value = () => (field.value === "" || !field.checkValidity() ? null : Number(field.value));
  return { box, value };
}

/** One of several choices; `value()` is null until one is chosen. */
function choiceInput({ choices, label, edited }) {
  const box = element("div", "lab-predict-choices");
  box.setAttribute("role", "radiogroup");
  box.setAttribute("aria-label", label);
  const name = `predict-${crypto.getRandomValues(new Uint32Array(1))[0]}`;
  const buttons = choices.map((text) => {
    const line = element("label");
    const button = element("input");
    button.type = "radio";
    button.name = name;
    button.addEventListener("change", edited);
    line.append(button, element("span", "", text));
    box.append(line);
    return button;
  });
  const value = () => choices[buttons.findIndex((button) => button.checked)] ?? null;
  return { box, value };
}

function render({ model, el }) {
  const root = element("section", "lab-predict");
  const question = model.get("question");
  root.setAttribute("aria-label", `Prediction: ${question}`);
  const form = element("form");
  const button = element("button", "", "Lock in");
  const edited = () => {
    button.disabled = asked.value() === null;
  };
  const choices = model.get("choices");
  const asked = choices.length
    ? choiceInput({ choices, label: question, edited })
    : numberInput({
        low: model.get("low"),
        high: model.get("high"),
        unit: model.get("unit"),
        label: question,
        edited,
      });
  form.append(asked.box, button);
  const said = element("div", "lab-predict-said");
  said.setAttribute("role", "status");
  const problem = element("div", "lab-predict-problem");
  problem.setAttribute("role", "alert");
  root.append(element("strong", "", "Predict"), element("p", "", question), form, problem, said);
  el.append(root);

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (asked.value() !== null) model.send({ lock: asked.value() });
  });
  // JupyterLab would take the keys for its own commands.
  root.addEventListener("keydown", (event) => event.stopPropagation());
  const draw = () => {
    const text = model.get("said");
    form.hidden = text !== "";
    said.textContent = text;
    problem.textContent = model.get("problem");
  };
  model.on("change:said change:problem", draw);
  edited();
  draw();
  return () => model.off("change:said change:problem", draw);
}

export default { render };
