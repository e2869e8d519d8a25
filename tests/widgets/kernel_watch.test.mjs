import assert from "node:assert/strict";
import { test } from "node:test";
import { onKernelEnd } from "../../labserver/widgets/kernel_watch.mjs";

/** As much of Lumino's signals as is used. */
class Signal {
  slots = new Set();
  connect(slot) {
    this.slots.add(slot);
  }
  disconnect(slot) {
    this.slots.delete(slot);
  }
  emit() {
    for (const slot of [...this.slots]) slot();
  }
}

/** A widget's model in JupyterLab, and what JupyterLab knows of the kernel. */
function inJupyterLab() {
  const kernel = { id: "k1", status: "idle", statusChanged: new Signal() };
  const sessionContext = {
    session: { kernel },
    statusChanged: new Signal(),
    kernelChanged: new Signal(),
  };
  const layout = { comm_live: true };
  const own = new Signal();
  const model = {
    get: (name) => (name === "layout" ? layout : undefined),
    on: (_, slot) => own.connect(slot),
    off: (_, slot) => own.disconnect(slot),
    widget_manager: { context: { sessionContext } },
  };
  return { model, layout, own, kernel, sessionContext };
}

function counting(model) {
  const seen = { times: 0 };
  seen.stop = onKernelEnd(model, () => {
    seen.times += 1;
  });
  return seen;
}

test("a busy kernel has not ended", () => {
  const { model, kernel, sessionContext } = inJupyterLab();
  const seen = counting(model);
  kernel.status = "busy";
  sessionContext.statusChanged.emit();
  assert.equal(seen.times, 0);
});

test("a restart closes the channel, and is told once", () => {
  const { model, layout, own, sessionContext } = inJupyterLab();
  const seen = counting(model);
  layout.comm_live = false;
  own.emit();
  sessionContext.statusChanged.emit();
  assert.equal(seen.times, 1);
});

test("a kernel that died, or was shut down, or exchanged for another has ended", () => {
  for (const change of [
    ({ kernel }) => {
      kernel.status = "autorestarting";
    },
    ({ sessionContext }) => {
      sessionContext.session = null;
    },
    ({ sessionContext }) => {
      sessionContext.session.kernel = { id: "k2", status: "idle" };
    },
  ]) {
    const lab = inJupyterLab();
    const seen = counting(lab.model);
    change(lab);
    lab.sessionContext.kernelChanged.emit();
    assert.equal(seen.times, 1);
  }
});

test("a widget that comes back without a kernel says so at once", () => {
  const { model, layout } = inJupyterLab();
  layout.comm_live = false;
  assert.equal(counting(model).times, 1);
});

test("who has stopped watching is told nothing", () => {
  const { model, layout, own } = inJupyterLab();
  const seen = counting(model);
  seen.stop();
  layout.comm_live = false;
  own.emit();
  assert.equal(seen.times, 0);
});

test("where the front end is another one, nothing is told and nothing fails", () => {
  const model = { get: () => undefined, on: () => {}, off: () => {} };
  const seen = counting(model);
  seen.stop();
  assert.equal(seen.times, 0);
});
