// The cell with an exercise's answer, through JupyterLab's own application. The page has it only if
// JupyterLab was started with --expose-app-in-browser; elsewhere no cell is found.

/** Whether a cell's text defines a function or class of this name. */
export function definesName(source, name) {
  return new RegExp(`^(?:async +)?(?:def|class) +${name}\\b`, "m").test(source);
}

/**
 * Of a notebook's cells, the one with the answer: the nearest above the panel that bears the
 * exercise's id, otherwise the nearest above that defines what it asks for; -1 if there is none.
 */
export function answerIndex(cells, panelIndex, { exercise, name }) {
  const marked = ({ code, id, grade }) =>
    code && (grade ? grade.grade_id === exercise && grade.solution : id === exercise.toLowerCase());
  const indices = cells.map((_, index) => index);
  const above = indices.filter((index) => index < panelIndex).reverse();
  const own = above.find((index) => marked(cells[index]));
  if (own !== undefined) return own;
  const below = indices.find((index) => index > panelIndex && marked(cells[index]));
  if (below !== undefined) return below;
  return above.find((i) => cells[i].code && definesName(cells[i].source, name)) ?? -1;
}

function described(cell) {
  const { model } = cell;
  return {
    code: model.type === "code",
    id: model.id,
    grade: model.getMetadata?.("nbgrader"),
    source: model.sharedModel.getSource(),
  };
}

/**
 * Find the answer's cell in the notebook that shows `el`; null if the page cannot.
 *
 * The cell has `source()`, `put(text)`, which an undo takes back, and `run()`, which resolves when
 * the kernel has run it.
 */
export function answerCell(app, el, wanted) {
  for (const tab of app?.shell?.widgets?.("main") ?? []) {
    const cells = tab.content?.widgets;
    if (!tab.node?.contains(el) || !tab.sessionContext || !cells?.every((one) => one.model)) {
      continue;
    }
    const panelIndex = cells.findIndex((cell) => cell.node.contains(el));
    const index = panelIndex < 0 ? -1 : answerIndex(cells.map(described), panelIndex, wanted);
    const cell = cells[index];
    // What runs a cell is a static method of its class, which no page can import.
    if (typeof cell?.constructor?.execute !== "function") return null;
    return {
      source: () => cell.model.sharedModel.getSource(),
      put(text) {
        if (cell.model.sharedModel.getSource() === text) return;
        cell.model.sharedModel.setSource(text);
        cell.model.clearExecution?.();
      },
      run: () => cell.constructor.execute(cell, tab.sessionContext),
      interrupt: () => tab.sessionContext.session?.kernel?.interrupt(),
    };
  }
  return null;
}
