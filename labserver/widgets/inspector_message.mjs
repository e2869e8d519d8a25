// One message, as the inspector shows it when it is clicked: its bits, its bytes, and what they
// mean.

import { element } from "./element.mjs";
import { counted } from "./wording.mjs";

const HEX_COLUMNS = 16;
const MASKED_COLUMNS = 8; // masked and unmasked, side by side

function bytesOf(hex) {
  return hex.match(/../g) ?? [];
}

function asText(bytes) {
  const codes = bytes.map((byte) => Number.parseInt(byte, 16));
  return codes.map((code) => (code >= 32 && code < 127 ? String.fromCharCode(code) : "·")).join("");
}

/** Bytes in hexadecimal, coloured by part; masked bytes have the unmasked ones beside them. */
function hexView({ raw, unmasked, parts }) {
  const box = element("div", "lab-wire-hex");
  box.tabIndex = 0; // it scrolls sideways where there is little room
  box.setAttribute("role", "group");
  box.setAttribute("aria-label", "Bytes, in hexadecimal");
  const bytes = bytesOf(raw);
  const plain = bytesOf(unmasked);
  const start = bytes.length - plain.length; // where the masked bytes begin
  const columns = plain.length ? MASKED_COLUMNS : HEX_COLUMNS;
  const partOf = new Array(bytes.length).fill(-1);
  for (const [index, [, from, to]] of parts.entries()) partOf.fill(index, from, to);

  const cells = (line, at, byteAt) => {
    for (let i = at; i < at + columns; i++) {
      const byte = byteAt(i);
      const cell = element("span", "lab-wire-byte", byte ?? "  ");
      if (byte) {
        cell.dataset.part = partOf[i];
        if (partOf[i] >= 0) cell.dataset.look = parts[partOf[i]][4];
      }
      line.append(cell);
    }
  };
  if (plain.length) {
    const wide = 3 * columns;
    const head = `${" ".repeat(6)}${"on the wire".padEnd(wide + 2)}${"without the mask".padEnd(wide)}`;
    box.append(element("div", "lab-wire-offset", head));
  }
  for (let at = 0; at < bytes.length; at += columns) {
    const line = element("div");
    line.append(element("span", "lab-wire-offset", `${at.toString(16).padStart(4, "0")}  `));
    cells(line, at, (i) => bytes[i]);
    let said = bytes.slice(at, at + columns);
    if (plain.length) {
      line.append("  ");
      cells(line, at, (i) => plain[i - start]);
      said = plain.slice(Math.max(0, at - start), Math.max(0, at + columns - start));
    }
    line.append(element("span", "lab-wire-ascii", `  ${asText(said)}`));
    box.append(line);
  }
  return box;
}

function partTable(parts, hex) {
  const table = element("table", "lab-wire-parts");
  parts.forEach(([name, start, end, meaning, look], index) => {
    const row = element("tr", look === "payload" ? "lab-wire-is-payload" : "");
    row.tabIndex = 0;
    const label = element("td");
    const chip = element("span", "lab-wire-chip", name);
    chip.dataset.look = look;
    label.append(chip);
    row.append(
      label,
      element("td", "", end - start > 1 ? `${start}–${end - 1}` : `${start}`),
      element("td", "", meaning),
    );
    const light = (on) => {
      for (const cell of hex.querySelectorAll(`[data-part="${index}"]`)) {
        cell.classList.toggle("lab-wire-lit", on);
      }
    };
    for (const event of ["mouseenter", "focus"]) row.addEventListener(event, () => light(true));
    for (const event of ["mouseleave", "blur"]) row.addEventListener(event, () => light(false));
    table.append(row);
  });
  return table;
}

/** The head of a frame and the first bytes of its payload as bits, with one box per byte. */
function bitView(octets) {
  const box = element("div", "lab-wire-bits");
  box.setAttribute("role", "group");
  box.setAttribute("aria-label", "The frame's first bytes, bit by bit");
  for (const [bits, fields] of octets) {
    const octet = element("div", "lab-wire-octet");
    let position = 0;
    for (const [name, width, look] of fields) {
      const field = element("div", "lab-wire-field");
      field.dataset.look = look;
      field.style.flexGrow = width;
      const value = element("div", "lab-wire-bit-row");
      for (const bit of bits.slice(position, position + width))
        value.append(element("span", "", bit));
      position += width;
      field.append(value, element("small", "", name));
      octet.append(field);
    }
    box.append(octet);
  }
  return box;
}

function fieldTable(fields) {
  const table = element("table", "lab-wire-fields");
  for (const [name, value] of fields) {
    const row = element("tr");
    const head = element("th", "", name);
    head.scope = "row";
    row.append(head, element("td", "", value));
    table.append(row);
  }
  return table;
}

/** What the kernel sent about a message, as nodes for the panel. */
export function messageView(message) {
  const hex = hexView(message);
  const shown = message.raw.length / 2;
  const overhead = message.size - message.payload;
  const cut = shown < message.size ? `; the first ${shown.toLocaleString("en")} are shown` : "";
  const known = `${message.payload.toLocaleString("en")} of payload, ${overhead.toLocaleString("en")} of overhead`;
  const sizes = message.opaque ? "encrypted, so payload and overhead cannot be told apart" : known;
  return [
    element("h4", "", `${message.number} · ${message.kind} · ${message.summary}`),
    element("p", "", `${counted(message.size, "byte")}: ${sizes}${cut}`),
    ...(message.error ? [element("p", "lab-wire-error", message.error)] : []),
    ...(message.bits.length ? [bitView(message.bits)] : []),
    ...(message.text ? [element("p", "lab-wire-text", message.text)] : []),
    ...(shown ? [hex, partTable(message.parts, hex)] : []),
    ...(message.fields.length ? [fieldTable(message.fields)] : []),
  ];
}
