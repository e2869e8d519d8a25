// The panel under an answer: check, hints, reset, and what an interviewer asks next.

import { element, keepKeys } from "../widgets/element.mjs";
import { KERNEL_GONE } from "../widgets/kernel_gone.mjs";
import { onKernelEnd } from "../widgets/kernel_watch.mjs";
import { answerCell } from "./answer_cell.mjs";
import { proseAndCode, stateLine } from "./exercise_wording.mjs";

const SILENCE_MS = 3000; // after that the kernel is busy, or gone
const SILENT = "waiting for the kernel, which is busy…";
const CLOSED = "This page cannot write into your cell.";
const GONE = "The cell with your answer is not in this notebook any more. Make a new one.";
const UNSEEN =
  "This page cannot read your cell: what ran last was judged. If you have changed the cell since," +
  " run it, and check again.";
const TYPING_MS = 800; // a pause after which what was typed is kept
const SHOWN = "outcome points checking verdict problem hints unused can_bring_back answer note"
  .split(" ")
  .map((name) => `change:${name}`)
  .join(" ");

let views = 0;

function textLine(text, className, tag = "p") {
  const line = element(tag, className);
  for (const { piece, code } of proseAndCode(text)) {
    line.append(code ? element("code", "", piece) : piece);
  }
  return line;
}

/** Set a text only if it is another one, because a live region would be read out again. */
function say(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

function hintList(texts, start) {
  const list = element("ol");
  list.start = start;
  texts.forEach((text, index) => {
    const line = element("li");
    // The third hint is the code of an answer with a gap in it.
    line.append(start + index === 3 ? element("code", "", text) : textLine(text, "", "span"));
    list.append(line);
  });
  return list;
}

function render({ model, el }) {
  const view = `${Date.now()}-${++views}`;
  const wanted = { exercise: model.get("exercise_id"), name: model.get("name") };
  const cell = () => answerCell(window.jupyterapp, el, wanted);
  let phase = ""; // "run": the cell runs, "asked": no answer yet, "lost": none will come
  let since = 0;

  const root = element("section", "lab-exercise");
  root.setAttribute("aria-label", `Exercise ${wanted.exercise}`);
  const head = element("header");
  const state = element("span", "lab-exercise-state");
  head.append(element("strong", "", `${wanted.exercise} · ${model.get("title")}`), state);

  const buttons = element("div", "lab-exercise-buttons");
  const button = (label, act, className = "") => {
    const one = element("button", className, label);
    one.type = "button";
    // Not `disabled`: that would take the focus away.
    one.addEventListener("click", () => one.getAttribute("aria-disabled") !== "true" && act());
    return one;
  };
  const check = button("Check", () => startCheck(), "lab-exercise-check");
  const stop = button("Stop", () => stopCheck());
  const hint = button("Hint", () => tell({ do: "hint" }));
  const reset = button("Reset", () => replace("reset"));
  const bringBack = button("Bring my attempt back", () => {
    reset.focus(); // this button may go
    replace("bring_back");
  });
  const progress = element("span", "lab-exercise-progress");
  const doing = element("span");
  doing.setAttribute("role", "status");
  const seconds = element("span");
  seconds.setAttribute("aria-hidden", "true"); // or each second would be read out
  progress.append(doing, " ", seconds);
  buttons.append(check, stop, hint, reset, bringBack, progress);

  const problem = element("div", "lab-exercise-problem");
  problem.setAttribute("role", "alert");
  // As `lab.check` shows it: each line keeps its column when it wraps.
  const verdict = element("div", "lab-exercise-verdict");
  const summary = element("div");
  summary.setAttribute("role", "status");
  const details = element("pre");
  const unseen = element("p", "", UNSEEN);
  verdict.append(summary, details, unseen);
  const offer = element("div", "lab-exercise-offer");
  const hints = element("div", "lab-exercise-hints");
  const interview = element("details", "lab-exercise-interview");
  const heading = ["An interviewer asks next"];
  if (model.get("prepares_for")) heading.push(`(${model.get("prepares_for")})`);
  interview.append(
    element("summary", "", heading.join(" ")),
    textLine(model.get("question"), "lab-exercise-question"),
  );
  const note = element("textarea");
  note.rows = 3;
  note.setAttribute("aria-label", "Your answer to the interviewer");
  note.placeholder = "Your answer; it is kept as you type.";
  const ask = button("", () => {
    keepNote();
    note.focus(); // this button goes
    tell({ do: "answer" });
  });
  const answer = element("details", "lab-exercise-answer");
  answer.open = true;
  answer.append(element("summary", "", "An answer"));
  const answerText = element("div");
  answer.append(answerText);
  interview.append(note, ask, answer);
  root.append(head, buttons, problem, verdict, offer, hints, interview);
  el.append(root);

  const tell = (message) => {
    try {
      model.send({ ...message, view });
    } catch {
      phase = "lost"; // the kernel was restarted, and knows nothing of this panel
      draw();
    }
  };

  const isBusy = () => model.get("checking") || phase === "run" || phase === "asked";

  function startCheck() {
    phase = "asked";
    since = performance.now();
    tell({ do: "check", source: cell()?.source() ?? null });
    draw();
  }

  async function runThenCheck() {
    const answerOf = cell();
    if (!answerOf) {
      tell({ do: "check", source: null });
      return;
    }
    const source = answerOf.source();
    phase = "run";
    draw();
    try {
      await answerOf.run();
    } catch {
      // The kernel was interrupted or restarted: what is defined now decides.
    }
    phase = "asked";
    tell({ do: "check", source, ran: true });
    draw();
  }

  function stopCheck() {
    if (phase === "run") {
      cell()?.interrupt();
      return;
    }
    phase = ""; // even if no answer comes
    tell({ do: "stop" });
    draw();
  }

  function replace(how) {
    tell({ do: how, source: cell()?.source() ?? null });
  }

  function keepNote() {
    clearTimeout(keepNote.timer);
    if (note.value !== model.get("note")) tell({ do: "note", text: note.value });
  }

  note.addEventListener("input", () => {
    clearTimeout(keepNote.timer);
    keepNote.timer = setTimeout(keepNote, TYPING_MS);
    drawAsk();
  });
  note.addEventListener("blur", keepNote);

  function drawAsk() {
    ask.textContent = note.value.trim()
      ? "Compare with an answer"
      : "Show an answer without writing one";
    ask.hidden = model.get("answer") !== "";
  }

  function drawOffer() {
    const [text, what] = model.get("offered");
    offer.replaceChildren();
    offer.hidden = text === undefined;
    if (text === undefined) return;
    const field = element("textarea");
    field.readOnly = true;
    field.rows = Math.min(text.split("\n").length + 1, 16);
    field.value = text;
    field.setAttribute("aria-label", `Text to copy: ${what}`);
    const copy = button("Copy", async () => {
      field.select();
      try {
        await navigator.clipboard.writeText(text);
        copy.textContent = "Copied";
      } catch {
        copy.textContent = "Press Ctrl+C to copy";
      }
    });
    offer.append(
      element("p", "", `${window.jupyterapp ? GONE : CLOSED} Copy ${what} into it:`),
      field,
      copy,
    );
  }

  let drawnOutcome = model.get("outcome");
  interview.open = drawnOutcome === "pass";

  function draw() {
    const outcome = model.get("outcome");
    const used = model.get("hints").length;
    const unused = model.get("unused");
    const busy = isBusy();
    root.dataset.outcome = outcome;
    state.textContent = stateLine({
      outcome,
      points: model.get("points"),
      most: model.get("most"),
      used,
      hints: 3,
    });
    const hadFocus = stop.contains(document.activeElement);
    check.setAttribute("aria-disabled", String(busy));
    stop.hidden = !busy;
    if (hadFocus && !busy) check.focus();
    bringBack.hidden = !model.get("can_bring_back");
    hint.textContent = used ? `Hint (${used} of 3 used)` : "Hint";

    say(problem, busy ? "" : model.get("problem"));
    const [how, text] = model.get("verdict");
    const [first, ...lines] = busy || !text ? [""] : text.split("\n");
    verdict.dataset.outcome = how ?? "";
    say(summary, first);
    unseen.hidden = !first || cell() !== null;
    details.replaceChildren(...lines.map((line) => element("div", "lab-exercise-line", line)));
    hints.replaceChildren();
    if (used)
      hints.append(element("div", "lab-exercise-label", "Hints"), hintList(model.get("hints"), 1));
    if (unused.length) {
      hints.append(
        element("div", "lab-exercise-label", used ? "Hints you did not use" : "The hints"),
        hintList(unused, used + 1),
      );
    }
    if (outcome === "pass" && drawnOutcome !== "pass") interview.open = true;
    drawnOutcome = outcome;
    if (document.activeElement !== note) note.value = model.get("note");
    answer.hidden = model.get("answer") === "";
    answerText.replaceChildren(
      ...model
        .get("answer")
        .split("\n")
        .map((line) => textLine(line)),
    );
    drawAsk();
    tick();
  }

  function tick() {
    const busy = isBusy();
    if (busy && !since) since = performance.now();
    if (!busy) since = 0;
    const elapsed = since ? performance.now() - since : 0;
    say(seconds, elapsed >= 1000 ? `${Math.floor(elapsed / 1000)} s` : "");
    if (!busy) say(doing, phase === "lost" ? KERNEL_GONE : "");
    else if (phase === "run") say(doing, "running your cell…");
    else if (model.get("checking") || elapsed < SILENCE_MS) say(doing, "checking…");
    else say(doing, SILENT);
  }

  const ticking = setInterval(tick, 500);
  const onMessage = (message) => {
    if (message.view !== undefined && message.view !== view) return;
    if (message.do === "heard") {
      phase = "";
      draw();
    } else if (message.do === "run") runThenCheck();
    else if (message.do === "put") cell()?.put(message.text);
    else if (message.do === "reset") replace("reset");
  };
  keepKeys(root);
  // Another notebook may have changed what is kept while this one was out of sight.
  const looking = new IntersectionObserver((entries) => {
    if (entries.some((entry) => entry.isIntersecting)) tell({ do: "look" });
  });
  looking.observe(root);
  model.on(SHOWN, draw);
  model.on("change:offered", drawOffer);
  model.on("msg:custom", onMessage);
  drawOffer();
  draw();
  const stopWatching = onKernelEnd(model, () => {
    phase = "lost";
    draw();
  });
  return () => {
    stopWatching();
    clearInterval(ticking);
    keepNote();
    looking.disconnect();
    model.off(SHOWN, draw);
    model.off("change:offered", drawOffer);
    model.off("msg:custom", onMessage);
  };
}

export default { render };
