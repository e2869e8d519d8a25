// Whether the kernel that a widget was made in still lives. A widget's model says whether its own
// channel to the kernel is still in use; what else is to be known is JupyterLab's, and other front
// ends may not have it.

const ENDED = ["restarting", "autorestarting", "terminating", "dead"];

function kernelOf(manager) {
  const session = manager?.context?.sessionContext;
  return session === undefined ? manager?.kernel : session?.session?.kernel;
}

function hasEnded(model, born) {
  const kernel = kernelOf(model.widget_manager);
  // anywidget does not hand out the widget's own channel; that of its layout ends with it.
  const closed = model.get("layout")?.comm_live === false;
  return closed || kernel?.id !== born || ENDED.includes(kernel?.status);
}

/**
 * Call a function once the kernel that a widget was made in has ended, at once if it has already.
 *
 * @param model the widget's.
 * @param ended is called without arguments, once.
 * @returns a function that stops watching.
 */
export function onKernelEnd(model, ended) {
  const kernel = kernelOf(model.widget_manager);
  const session = model.widget_manager?.context?.sessionContext;
  const signals = [session?.statusChanged, session?.kernelChanged, kernel?.statusChanged];
  const stop = () => {
    model.off("comm_live_update", look);
    for (const signal of signals) signal?.disconnect(look);
  };
  function look() {
    if (!hasEnded(model, kernel?.id)) return;
    stop();
    ended();
  }
  model.on("comm_live_update", look);
  for (const signal of signals) signal?.connect(look);
  look();
  return stop;
}
