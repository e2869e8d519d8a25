// What a widget does when its kernel has ended while the page stayed open: it says so, and takes
// no more input. A widget adopts it with one line at the end of its `render`, and returns what that
// gives, or calls it in the function that it returns:
//
//   const stopWatching = whenKernelIsGone(model, root);

import { element } from "./element.mjs";
import { onKernelEnd } from "./kernel_watch.mjs";

export const KERNEL_GONE =
  "This widget belonged to a kernel that has ended. Run its cell again; a new kernel needs the" +
  " cells above it first.";

const CONTROLS = "button, input, select, textarea, form";

/**
 * Once the kernel has ended, say so at the head of `root` and make its controls inert.
 *
 * @param model the widget's.
 * @param root the element that the widget draws in.
 * @param ended is called when that happens.
 * @returns a function that stops watching.
 */
export function whenKernelIsGone(model, root, ended = () => {}) {
  return onKernelEnd(model, () => {
    const notice = element("p", "lab-kernel-gone", KERNEL_GONE);
    notice.setAttribute("role", "status");
    notice.style.cssText =
      "margin: 0; padding: 5px 8px; font-weight: 600; border-left: 5px solid #e69f00;" +
      "background: var(--jp-layout-color2, #eee); color: var(--jp-ui-font-color0, #111)";
    root.prepend(notice);
    for (const control of root.querySelectorAll(CONTROLS)) {
      control.inert = true;
      control.style.opacity = "0.5";
    }
    ended();
  });
}
