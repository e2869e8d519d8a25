// What every widget is made of. All text goes through textContent, so that text from a chat or
// from the wire is shown as text and can never become markup.

/** Create an element with an optional class name and an optional text. */
export function element(tag, className, text) {
  const node = document.createElement(tag);
  if (className) node.className = className;
  if (text !== undefined) node.textContent = text;
  return node;
}

/** Keep the keys that are pressed in a widget from JupyterLab's commands, except for saving. */
export function keepKeys(root) {
  root.addEventListener("keydown", (event) => {
    const saves = (event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "s";
    if (!saves) event.stopPropagation();
  });
}
