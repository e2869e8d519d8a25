// The prediction: a question, an answer, and a button that makes the answer final.

import { answerForm } from "./answer_form.mjs";
import { drawing, keepingFocus, prose, sheet, statusLine, stopping } from "./sheet.mjs";

function render({ model, el }) {
  const asked = model.get("asked");
  const root = sheet("Predict", asked.question);
  const { form, say } = answerForm(asked, (answer) => model.send({ lock: answer }));
  const said = statusLine();
  root.append(prose(asked.question), form, said);
  el.append(root);
  const stop = drawing(model, ["said", "problem"], () => {
    const text = model.get("said");
    const hide = () => {
      form.hidden = text !== "";
      said.textContent = text;
    };
    keepingFocus(root, hide, () => said);
    if (model.get("problem")) say(model.get("problem"));
  });
  return stopping(model, root, stop);
}

export default { render };
