// The wire inspector. Only the rows in sight are in the page, so that 10,000 cost no more than
// 20. All text goes through textContent, so that it is text whatever was on the wire.

const ROW_PX = 22;
const HEX_COLUMNS = 16;

function element(tag, className, text) {
  const node = document.createElement(tag);
  if (className) node.className = className;
  if (text !== undefined) node.textContent = text;
  return node;
}

function button(text, title, onClick) {
  const node = element("button", "", text);
  node.type = "button";
  node.title = title;
  node.addEventListener("click", onClick);
  return node;
}

function choice(label, onChange) {
  const node = element("select");
  node.setAttribute("aria-label", label);
  node.append(new Option(`all ${label}`, ""));
  node.addEventListener("change", onChange);
  return node;
}

function offer(select, value, text) {
  if (![...select.options].some((option) => option.value === value)) {
    select.append(new Option(text, value));
  }
}

function hexView(raw, parts) {
  const box = element("div", "lab-wire-hex");
  const bytes = raw.match(/../g) ?? [];
  const partOf = new Array(bytes.length).fill(-1);
  parts.forEach(([, start, end], index) => partOf.fill(index, start, end));
  for (let start = 0; start < bytes.length; start += HEX_COLUMNS) {
    const line = element("div");
    line.append(element("span", "lab-wire-offset", start.toString(16).padStart(4, "0")));
    let text = "";
    for (let i = start; i < start + HEX_COLUMNS; i++) {
      const cell = element("span", "lab-wire-byte", bytes[i] ?? "  ");
      if (i < bytes.length) {
        cell.dataset.part = partOf[i];
        cell.dataset.tone = partOf[i] < 0 ? "" : parts[partOf[i]][4] ? "payload" : partOf[i] % 2;
        const code = parseInt(bytes[i], 16);
        text += code >= 32 && code < 127 ? String.fromCharCode(code) : "·";
      }
      line.append(cell);
    }
    line.append(element("span", "lab-wire-ascii", text));
    box.append(line);
  }
  return box;
}

function partList(parts, hex) {
  const table = element("table", "lab-wire-parts");
  parts.forEach(([name, start, end, meaning, isPayload], index) => {
    const row = element("tr", isPayload ? "lab-wire-is-payload" : "");
    row.tabIndex = 0;
    row.append(
      element("td", "", name),
      element("td", "", `${start}–${end - 1}`),
      element("td", "", meaning),
    );
    const light = (on) => {
      for (const cell of hex.querySelectorAll(`[data-part="${index}"]`)) {
        cell.classList.toggle("lab-wire-lit", on);
      }
    };
    for (const name of ["mouseenter", "focus"]) row.addEventListener(name, () => light(true));
    for (const name of ["mouseleave", "blur"]) row.addEventListener(name, () => light(false));
    table.append(row);
  });
  return table;
}

function bitView(bytes) {
  const box = element("div", "lab-wire-bits");
  bytes.forEach((bits, index) => {
    const names =
      index === 0
        ? ["FIN", "RSV1", "RSV2", "RSV3", "opcode", "", "", ""]
        : index === 1
          ? ["MASK", "length", "", "", "", "", "", ""]
          : [];
    const group = element("div", "lab-wire-octet");
    [...bits].forEach((bit, position) => {
      const cell = element("span", "", bit);
      cell.append(element("small", "", names[position] ?? ""));
      group.append(cell);
    });
    box.append(group);
  });
  return box;
}

function render({ model, el }) {
  const rows = [];
  let shown = []; // indices into rows that pass the filters
  let first = 0; // rows before this one were cleared
  let paused = false;
  let asked = -1;
  let selected = -1;

  const root = element("section", "lab-wire");
  root.setAttribute("aria-label", `Messages on the wire: ${model.get("title")}`);
  const bar = element("header");
  const count = element("span", "lab-wire-count");
  count.setAttribute("role", "status");
  const direction = choice("directions", () => refilter());
  offer(direction, "up", "up: client to server");
  offer(direction, "down", "down: server to client");
  const kind = choice("kinds", () => refilter());
  const connection = choice("connections", () => refilter());
  const pause = button("Pause", "Leave the list as it is; nothing is lost", () => {
    paused = !paused;
    pause.textContent = paused ? "Go on" : "Pause";
    if (!paused) refilter();
  });
  const clear = button("Clear", "Hide what has been so far", () => {
    first = rows.length;
    refilter();
  });
  const save = button("Save", "Save the rows as CSV", () => {
    const quoted = (value) => `"${String(value).replaceAll('"', '""')}"`;
    const head = "number,ms,connection,direction,kind,bytes,payload,summary,error";
    const lines = shown.map((index) => rows[index].map(quoted).join(","));
    const link = element("a");
    link.href = URL.createObjectURL(new Blob([[head, ...lines].join("\n")], { type: "text/csv" }));
    link.download = "messages.csv";
    link.click();
    URL.revokeObjectURL(link.href);
  });
  bar.append(element("strong", "", model.get("title")), count);
  bar.append(direction, kind, connection, pause, clear, save);

  const list = element("div", "lab-wire-list");
  list.tabIndex = 0;
  list.setAttribute("role", "listbox");
  list.setAttribute("aria-label", "Messages; arrow keys move, Enter opens");
  const filler = element("div");
  const visible = element("div", "lab-wire-visible");
  list.append(filler, visible);
  const panel = element("div", "lab-wire-detail", "Click a message to see its bytes.");
  root.append(bar, list, panel);
  el.append(root);

  const passes = (row) =>
    (!direction.value || row[3] === direction.value) &&
    (!kind.value || row[4] === kind.value) &&
    (!connection.value || String(row[2]) === connection.value);

  const rowNode = (index) => {
    const [number, ms, conn, way, what, size, payload, summary, wrong] = rows[index];
    const node = element("div", `lab-wire-row lab-wire-${way}`);
    node.setAttribute("role", "option");
    node.setAttribute("aria-selected", index === selected);
    if (wrong) node.classList.add("lab-wire-wrong");
    node.append(
      element("span", "", number),
      element("span", "", `${ms.toFixed(1)} ms`),
      element("span", "", `#${conn}`),
      element("span", "", way === "up" ? "→" : "←"),
      element("span", "", what),
      element("span", "", `${payload}/${size} B`),
      element("span", "lab-wire-summary", summary),
    );
    node.addEventListener("click", () => open(index));
    return node;
  };

  const draw = () => {
    const top = Math.floor(list.scrollTop / ROW_PX);
    const fit = Math.ceil(list.clientHeight / ROW_PX) + 2;
    filler.style.height = `${shown.length * ROW_PX}px`;
    visible.style.transform = `translateY(${top * ROW_PX}px)`;
    visible.replaceChildren(...shown.slice(top, top + fit).map(rowNode));
    const all = rows.length - first;
    count.textContent =
      shown.length === all ? `${all} messages` : `${shown.length} of ${all} messages`;
  };

  const follow = (change) => {
    const atEnd = list.scrollHeight - list.scrollTop - list.clientHeight < 2 * ROW_PX;
    change();
    filler.style.height = `${shown.length * ROW_PX}px`;
    if (atEnd) list.scrollTop = list.scrollHeight;
    draw();
  };

  const refilter = () =>
    follow(() => {
      shown = [];
      for (let i = first; i < rows.length; i++) if (passes(rows[i])) shown.push(i);
    });

  const open = (index) => {
    selected = index;
    model.send({ open: rows[index][0] - 1 });
    draw();
  };

  const ask = () => {
    if (rows.length < model.get("total") && asked !== rows.length) {
      asked = rows.length;
      model.send({ from: rows.length });
    }
  };

  const onMessage = (message) => {
    if (message.rows && message.start === rows.length) {
      const before = rows.length;
      rows.push(...message.rows);
      for (const row of message.rows) {
        offer(kind, row[4], row[4]);
        offer(connection, String(row[2]), `connection ${row[2]}`);
      }
      asked = -1;
      if (!paused) {
        follow(() => {
          for (let i = before; i < rows.length; i++) if (passes(rows[i])) shown.push(i);
        });
      }
      ask();
    } else if (message.detail) {
      const found = message.detail;
      const hex = hexView(found.raw, found.parts);
      const fields = element("table", "lab-wire-fields");
      for (const [name, value] of found.fields) {
        const row = element("tr");
        row.append(element("th", "", name), element("td", "", value));
        fields.append(row);
      }
      panel.replaceChildren(
        element("h4", "", `${found.number} · ${found.kind} · ${found.summary}`),
        element("p", "", `${found.size} bytes: ${found.payload} of payload, the rest overhead`),
      );
      if (found.error) panel.append(element("p", "lab-wire-error", found.error));
      if (found.bits.length) panel.append(bitView(found.bits));
      panel.append(hex, partList(found.parts, hex), fields);
    }
  };

  list.addEventListener("scroll", draw);
  list.addEventListener("keydown", (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    event.stopPropagation(); // JupyterLab would take the keys for its own commands
    if (!step || shown.length === 0) return;
    event.preventDefault();
    const at = Math.min(shown.length - 1, Math.max(0, shown.indexOf(selected) + step));
    open(shown[at]);
    list.scrollTop = Math.max(0, at * ROW_PX - list.clientHeight / 2);
  });
  const again = setInterval(() => {
    asked = -1; // a packet may have been dropped on the way
    ask();
  }, 2000);
  model.on("change:total", ask);
  model.on("msg:custom", onMessage);
  draw();
  ask();
  return () => {
    clearInterval(again);
    model.off("change:total", ask);
    model.off("msg:custom", onMessage);
  };
}

export default { render };
