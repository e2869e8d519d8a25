// The wire inspector: a list, a few filters, and the message that was chosen. Only the rows in
// sight are in the page, so that 10,000 rows cost no more than 20.

import { element, keepKeys } from "./element.mjs";
import { messageView } from "./inspector_message.mjs";
import { csv, MessageRows } from "./inspector_rows.mjs";
import { KERNEL_GONE, whenKernelIsGone } from "./kernel_gone.mjs";
import { counted } from "./wording.mjs";

const ROW_PX = 22;
const PACKET_ROWS = 400; // the status mentions missing rows only if there are more
const COLUMNS = ["no.", "ms", "conn.", "", "kind", "payload", "bytes", "what"];
const ASKED_MS = 300; // after this long the panel says what it is waiting for
const HINT =
  "Choose a message to see its bytes. Save writes the listed rows as CSV; in Python, " +
  'trace.save("name.trace") keeps every byte.';

let views = 0;

function button(text, title, onClick) {
  const node = element("button", "", text);
  node.type = "button";
  node.title = title;
  node.addEventListener("click", onClick);
  return node;
}

/** A filter on one column: a select element that gains options as values occur. */
class Filter {
  constructor(label, onChange) {
    this.known = new Set();
    this.node = element("select");
    this.node.setAttribute("aria-label", label);
    this.node.append(new Option(`all ${label}`, ""));
    this.node.addEventListener("change", onChange);
  }

  offer(value, text) {
    if (this.known.has(value)) return;
    this.known.add(value);
    this.node.append(new Option(text, value));
  }

  passes(value) {
    return this.node.value === "" || this.node.value === value;
  }
}

function download(name, text) {
  const link = element("a");
  link.href = URL.createObjectURL(new Blob([text], { type: "text/csv" }));
  link.download = name;
  link.click();
  URL.revokeObjectURL(link.href);
}

function view({ model, el }, rows) {
  const name = `lab-wire-${views++}`;
  let shown = []; // indices of the rows that pass the filters
  let first = 0; // rows before this one were cleared
  let looked = 0; // how many rows went through the filters; it stands still during a pause
  let paused = false;
  let inPage = false; // JupyterLab removes cells out of sight, and their scroll position is lost
  let atEnd = true;
  let place = 0; // the scroll position, to be restored
  let selected = -1;
  let pressed = null; // where the pointer went down on a row, and which row that was
  let frame = 0;
  let asked = 0;
  let gone = false;

  const root = element("section", "lab-wire");
  root.setAttribute("aria-label", `Messages on the wire: ${model.get("title")}`);
  const bar = element("header");
  const count = element("span", "lab-wire-count");
  const direction = new Filter("directions", () => refilter());
  direction.node.title = "up: from the client to the server";
  direction.offer("up", "→ up");
  direction.offer("down", "← down");
  const kind = new Filter("kinds", () => refilter());
  const connection = new Filter("connections", () => refilter());
  const pause = button("Pause", "Freeze the list; new messages are kept for later", () => {
    paused = !paused;
    pause.textContent = paused ? "Resume" : "Pause";
    update();
  });
  const clear = button("Clear", "Hide the messages listed so far", () => {
    first = looked;
    selected = -1;
    clearTimeout(asked);
    panel.replaceChildren(HINT);
    refilter();
  });
  const save = button("Save", "Save the listed rows as CSV", () =>
    download("messages.csv", csv(shown.map((index) => rows.all[index]))),
  );
  bar.append(element("strong", "", model.get("title")), count);
  bar.append(direction.node, kind.node, connection.node, pause, clear, save);

  const heads = element("div", "lab-wire-row lab-wire-heads");
  heads.setAttribute("aria-hidden", "true");
  heads.append(...COLUMNS.map((text) => element("span", "", text)));
  const list = element("div", "lab-wire-list");
  list.tabIndex = 0;
  list.setAttribute("role", "listbox");
  list.setAttribute("aria-label", "Messages");
  const filler = element("div");
  const visible = element("div", "lab-wire-visible");
  for (const part of [filler, visible]) part.setAttribute("role", "presentation");
  list.append(filler, visible);
  const panel = element("div", "lab-wire-detail", HINT);
  panel.setAttribute("role", "region");
  panel.setAttribute("aria-label", "The chosen message");
  root.append(bar, heads, list, panel);
  el.append(root);

  const passes = (row) =>
    direction.passes(row[3]) && kind.passes(row[4]) && connection.passes(String(row[2]));

  const rowNode = (at) => {
    const index = shown[at];
    const [number, ms, conn, way, what, size, payload, summary, wrong] = rows.all[index];
    const node = element("div", `lab-wire-row lab-wire-${way}${wrong ? " lab-wire-wrong" : ""}`);
    node.id = `${name}-${index}`;
    node.setAttribute("role", "option");
    node.setAttribute("aria-selected", index === selected);
    node.setAttribute("aria-posinset", at + 1);
    node.setAttribute("aria-setsize", shown.length);
    const arrow = element("span", "", way === "up" ? "→" : "←");
    arrow.setAttribute("role", "img");
    arrow.setAttribute("aria-label", way);
    node.append(
      element("span", "", number),
      element("span", "", ms.toFixed(1)),
      element("span", "", `#${conn}`),
      arrow,
      element("span", "", what),
      element("span", "", payload),
      element("span", "", size),
      element("span", "lab-wire-summary", summary),
    );
    return node;
  };

  const status = () => {
    const all = looked - first;
    const some = shown.length < all ? `${shown.length.toLocaleString("en")} of ` : "";
    const more = model.get("total") - looked;
    return [
      `${some}${counted(all, "message")}`,
      ...(paused ? [`paused, ${more.toLocaleString("en")} more`] : []),
      ...(!paused && more > PACKET_ROWS ? [`${more.toLocaleString("en")} still to come`] : []),
      ...(model.get("full") ? ["the tape is full; later messages were not recorded"] : []),
    ].join(" · ");
  };

  const draw = () => {
    frame = 0;
    const top = Math.floor(list.scrollTop / ROW_PX);
    const fit = Math.ceil(list.clientHeight / ROW_PX) + 1;
    const nodes = [];
    for (let at = top; at < Math.min(top + fit, shown.length); at++) nodes.push(rowNode(at));
    visible.style.transform = `translateY(${top * ROW_PX}px)`;
    visible.replaceChildren(...nodes);
    const chosen = `${name}-${selected}`;
    if (nodes.some((node) => node.id === chosen))
      list.setAttribute("aria-activedescendant", chosen);
    else list.removeAttribute("aria-activedescendant");
  };

  const redraw = () => {
    frame ||= requestAnimationFrame(draw);
  };

  /** Show another list; one that was scrolled to its end stays at its end. */
  const change = (make) => {
    make();
    filler.style.height = `${shown.length * ROW_PX}px`;
    if (atEnd) list.scrollTop = list.scrollHeight;
    count.textContent = status();
    redraw();
  };

  const look = () => {
    for (; looked < rows.all.length; looked++) {
      const row = rows.all[looked];
      kind.offer(row[4], row[4]);
      connection.offer(String(row[2]), `connection ${row[2]}`);
      if (passes(row)) shown.push(looked);
    }
  };

  const update = () => {
    if (paused) count.textContent = status();
    else change(look);
  };

  const refilter = () =>
    change(() => {
      shown = [];
      for (let i = first; i < looked; i++) if (passes(rows.all[i])) shown.push(i);
    });

  const open = (index) => {
    selected = index;
    clearTimeout(asked);
    redraw();
    if (gone) {
      panel.textContent = KERNEL_GONE;
      return;
    }
    model.send({ open: index });
    asked = setTimeout(() => {
      panel.textContent =
        "Waiting for the kernel, which finishes the running cell before it sends the bytes.";
    }, ASKED_MS);
  };

  const onMessage = (message) => {
    if (!message.detail || message.index !== selected) return;
    clearTimeout(asked);
    panel.replaceChildren(...messageView(message.detail));
    panel.scrollTop = 0;
  };

  // In a list that runs, rows move on or are replaced between press and release, and Chromium then
  // fires no click; or they are not drawn yet. So the place of the press alone says which row is
  // chosen, if the pointer is released there. A press on the list itself is on its scroll bar, or
  // below the rows.
  const indexAt = (event) => {
    const y = event.clientY - list.getBoundingClientRect().top + list.scrollTop;
    return shown[Math.floor(y / ROW_PX)];
  };
  root.addEventListener("pointerdown", (event) => {
    const onRow = event.button === 0 && event.target !== list && list.contains(event.target);
    const index = onRow ? indexAt(event) : undefined;
    pressed = index === undefined ? null : { y: event.clientY, index };
  });
  list.addEventListener("pointerup", (event) => {
    if (pressed && Math.abs(event.clientY - pressed.y) < ROW_PX) open(pressed.index);
    pressed = null;
  });

  list.addEventListener("keydown", (event) => {
    const last = shown.length - 1;
    const page = Math.floor(list.clientHeight / ROW_PX) - 1;
    const at = shown.indexOf(selected);
    const to = {
      ArrowDown: at + 1,
      ArrowUp: at - 1,
      PageDown: at + page,
      PageUp: at - page,
      Home: 0,
      End: last,
    }[event.key];
    if (to === undefined || last < 0) return;
    event.preventDefault();
    const next = Math.min(last, Math.max(0, to));
    open(shown[next]);
    const lowest = (next + 1) * ROW_PX - list.clientHeight;
    list.scrollTop = Math.min(next * ROW_PX, Math.max(lowest, list.scrollTop));
  });
  keepKeys(root);
  list.addEventListener("scroll", () => {
    if (!inPage || list.clientHeight === 0) return;
    atEnd = list.scrollHeight - list.scrollTop - list.clientHeight < 2 * ROW_PX;
    place = list.scrollTop;
    redraw();
  });
  const sizes = new ResizeObserver(() => {
    inPage = list.clientHeight > 0;
    if (!inPage) return;
    list.scrollTop = atEnd ? list.scrollHeight : place;
    redraw();
  });
  sizes.observe(list);

  model.on("msg:custom", onMessage);
  rows.views.add(update);
  update();
  const stopWatching = whenKernelIsGone(model, root, () => {
    gone = true;
  });
  return () => {
    stopWatching();
    cancelAnimationFrame(frame);
    clearTimeout(asked);
    sizes.disconnect();
    rows.views.delete(update);
    model.off("msg:custom", onMessage);
  };
}

export default () => {
  let rows;
  return {
    initialize({ model }) {
      rows = new MessageRows(model); // before there is a view, so that it misses nothing
      return () => rows.end();
    },
    render: (context) => view(context, rows),
  };
};
