// The form in which a prediction is made: a number or a choice, and the button that locks it in.

import { element } from "../../widgets/element.mjs";
import { readNumber } from "./number.mjs";
import { plain, problemLine, prose } from "./sheet.mjs";

/** A number to type, with a slider if both bounds are given. */
function numberInput(asked) {
  const { question, low, high, unit } = asked;
  const box = element("div", "lab-sheet-number");
  const field = element("input");
  field.type = "text"; // a field of type "number" takes no decimal comma, and does not say so
  field.inputMode = "decimal";
  field.autocomplete = "off";
  field.setAttribute("aria-label", unit ? `${plain(question)} In ${unit}` : plain(question));
  if (low !== null && high !== null) {
    const slider = element("input");
    slider.type = "range";
    slider.min = low;
    slider.max = high;
    slider.step = 10 ** Math.round(Math.log10((high - low) / 100));
    slider.value = (low + high) / 2; // otherwise it stays where the default bounds had put it
    slider.setAttribute("aria-label", plain(question));
    slider.addEventListener("input", () => {
      field.value = slider.value;
      field.dispatchEvent(new Event("input", { bubbles: true }));
    });
    field.addEventListener("input", (event) => {
      const { value } = readNumber(field.value, asked);
      if (event.isTrusted && value !== undefined) slider.value = value;
    });
    box.append(slider);
  }
  box.append(field, element("span", "", unit));
  return { box, first: field, read: () => readNumber(field.value, asked) };
}

/** One of several choices. */
function choiceInput({ question, choices }) {
  const box = element("div", "lab-sheet-choices");
  box.setAttribute("role", "radiogroup");
  box.setAttribute("aria-label", plain(question));
  const name = `choice-${crypto.getRandomValues(new Uint32Array(1))[0]}`;
  const buttons = choices.map((text) => {
    const line = element("label");
    const radio = element("input");
    radio.type = "radio";
    radio.name = name;
    line.append(radio, prose(text, "span"));
    box.append(line);
    return radio;
  });
  const read = () => {
    const value = choices[buttons.findIndex((radio) => radio.checked)];
    return value === undefined ? { problem: "Choose an answer first." } : { value };
  };
  return { box, first: buttons[0], read };
}

/** The form; `lock(value)` is called with an answer that fits the question. */
export function answerForm(asked, lock) {
  const form = element("form");
  form.noValidate = true;
  const input = asked.choices.length ? choiceInput(asked) : numberInput(asked);
  const problem = problemLine();
  problem.id = `problem-${crypto.getRandomValues(new Uint32Array(1))[0]}`;
  form.append(input.box, element("button", "", "Lock in"), problem);
  input.first.setAttribute("aria-describedby", problem.id);
  const say = (text) => {
    problem.textContent = text;
    input.first.setAttribute("aria-invalid", String(text !== ""));
  };
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const read = input.read();
    say(read.problem ?? "");
    if (read.problem) input.first.focus();
    else lock(read.value);
  });
  // Not while the number is being typed, but as soon as it is right.
  form.addEventListener("input", () => {
    if (problem.textContent && !input.read().problem) say("");
  });
  form.addEventListener("change", () => {
    const read = input.read();
    if (asked.choices.length === 0 && input.first.value !== "") say(read.problem ?? "");
  });
  return { form, first: input.first, say };
}
