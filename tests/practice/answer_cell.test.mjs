import assert from "node:assert/strict";
import { test } from "node:test";
import { answerCell, answerIndex, definesName } from "../../labserver/practice/answer_cell.mjs";

const wanted = { exercise: "E10", name: "mask" };
const code = (id, source = "", grade = undefined) => ({ code: true, id, source, grade });
const answer = (id, exercise) => code(id, "", { grade_id: exercise, solution: true });
const text = (id) => ({ code: false, id, source: "def mask():" });

test("the answer is the nearest cell above that bears the exercise's id", () => {
  const cells = [
    answer("one", "E10"),
    answer("copy", "E10"),
    answer("e11", "E11"),
    code("panel"),
    answer("last", "E10"),
  ];
  assert.equal(answerIndex(cells, 3, wanted), 1);
  assert.equal(answerIndex(cells, 0, wanted), 1);
});

test("a check or points cell of the exercise is not its answer", () => {
  const grade = { grade_id: "E10-points", solution: false };
  const cells = [
    code("x", "", { grade_id: "E10", solution: false }),
    code("e10", "", grade),
    code("p"),
  ];
  assert.equal(answerIndex(cells, 2, wanted), -1);
});

test("a cell without nbgrader's metadata is known by its id, or by what it defines", () => {
  assert.equal(answerIndex([code("e10"), code("panel")], 1, wanted), 0);
  const cells = [
    code("a", "x = 1\nasync def mask(p):"),
    text("b"),
    code("c", "mask(1)"),
    code("panel"),
  ];
  assert.equal(answerIndex(cells, 3, wanted), 0);
  assert.equal(answerIndex([text("b"), code("panel")], 1, wanted), -1);
});

test("a definition stands at the head of a line", () => {
  assert.ok(definesName("class mask:", "mask"));
  assert.ok(!definesName("def masked():", "mask"));
  assert.ok(!definesName("  def mask():", "mask"));
});

class Cell {
  static execute(cell, context) {
    return [cell.model.id, context.name];
  }

  constructor(id, source) {
    this.node = { contains: (el) => el === id };
    this.cleared = 0;
    this.model = {
      id,
      type: "code",
      getMetadata: () => undefined,
      clearExecution: () => {
        this.cleared += 1;
      },
      sharedModel: {
        getSource: () => source,
        setSource(text) {
          source = text;
        },
      },
    };
  }
}

function app(cells, node = { contains: () => true }) {
  const other = { node: { contains: () => false } };
  const terminal = { node: { contains: () => true }, content: {} };
  const notebook = { node, content: { widgets: cells }, sessionContext: { name: "context" } };
  return { shell: { widgets: () => [other, terminal, notebook] } };
}

test("the cell is read, written and run through JupyterLab's application", () => {
  const cells = [new Cell("e10", "def mask():"), new Cell("panel", "")];
  const found = answerCell(app(cells), "panel", wanted);
  assert.equal(found.source(), "def mask():");
  found.put("def mask():");
  assert.equal(cells[0].cleared, 0);
  found.put("stub");
  assert.equal(found.source(), "stub");
  assert.equal(cells[0].cleared, 1);
  assert.deepEqual(found.run(), ["e10", "context"]);
});

test("without the application, or outside a notebook, there is no cell", () => {
  assert.equal(answerCell(undefined, "panel", wanted), null);
  assert.equal(answerCell({}, "panel", wanted), null);
  const cells = [new Cell("e10", "def mask():"), new Cell("panel", "")];
  assert.equal(answerCell(app(cells), "elsewhere", wanted), null);
  assert.equal(answerCell(app([new Cell("panel", "")]), "panel", wanted), null);
});
