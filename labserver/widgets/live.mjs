// Lanes and counters of what passes the relay. The counters are a table, which says the same to
// those who do not see the lanes; nothing is announced, because it changes all the time.

import { element } from "./element.mjs";
import { whenKernelIsGone } from "./kernel_gone.mjs";
import { length, placed, sized } from "./live_strokes.mjs";

const FRAME_MS = 50; // 20 drawings per second
const STILL_MS = 1000; // for those who asked their system for less motion
const HEADS = ["lane", "the last 10 seconds; now is on the right", "messages", "requests", "bytes"];
const MIDDLE = 0.06; // of a lane's height, between up and down

function lane(name, colour) {
  const row = element("tr");
  const head = element("th");
  head.scope = "row";
  const mark = element("span", "lab-live-mark");
  mark.style.background = colour;
  head.append(mark, element("span", "", name));
  const cell = element("td", "lab-live-lane");
  const canvas = element("canvas");
  canvas.setAttribute("aria-hidden", "true");
  cell.append(canvas);
  const counters = [0, 1, 2].map(() => element("td", "lab-live-count"));
  row.append(head, cell, ...counters);
  return { row, canvas, counters, colour };
}

function draw({ canvas, colour }, strokes, ink) {
  const ratio = window.devicePixelRatio || 1;
  const width = Math.round(canvas.clientWidth * ratio);
  const height = Math.round(canvas.clientHeight * ratio);
  if (canvas.width !== width) canvas.width = width;
  if (canvas.height !== height) canvas.height = height;
  const pen = canvas.getContext("2d");
  pen.clearRect(0, 0, width, height);
  pen.globalAlpha = 0.35;
  pen.fillStyle = ink;
  pen.fillRect(0, Math.round(height / 2), width, ratio);
  pen.globalAlpha = 1;
  pen.fillStyle = colour;
  const half = height / 2;
  for (const { x, up, down } of strokes) {
    const left = x * (width - 3 * ratio);
    const gap = MIDDLE * half;
    const high = (half - gap) * length(up);
    const low = (half - gap) * length(down);
    pen.fillRect(left, half - gap - high, 3 * ratio, high);
    pen.fillRect(left, half + gap, 3 * ratio, low);
  }
}

export default {
  render({ model, el }) {
    const root = element("section", "lab-live");
    root.setAttribute("aria-label", "Messages on the wire, live");
    root.setAttribute("aria-live", "off");
    const table = element("table");
    const heads = element("tr");
    for (const text of HEADS) {
      const head = element("th", "", text);
      head.scope = "col";
      heads.append(head);
    }
    const head = element("thead");
    head.append(heads);
    const body = element("tbody");
    table.append(head, body);
    const note = element("p", "lab-live-note");
    root.append(table, note);
    el.append(root);

    const calm = window.matchMedia("(prefers-reduced-motion: reduce)");
    const lanes = [];
    let skewS = 0; // the kernel's clock minus this one; a host's clocks agree, others do not
    let timer = 0;

    const paint = () => {
      timer = 0;
      const { at, over, lanes: rows } = model.get("now");
      const nowS = over ? at : Date.now() / 1000 + skewS;
      const ink = getComputedStyle(root).color;
      let moving = false;
      rows.forEach(([, , , , , strokes], index) => {
        const shown = placed(strokes, nowS, model.get("window_s"), model.get("bin_s"));
        moving ||= shown.length > 0;
        if (lanes[index].canvas.clientWidth > 0) draw(lanes[index], shown, ink);
      });
      if (moving && !over) timer = setTimeout(paint, calm.matches ? STILL_MS : FRAME_MS);
    };

    const update = () => {
      const { over, lanes: rows } = model.get("now");
      rows.forEach(([name, colour, messages, requests, bytes], index) => {
        if (lanes.length === index) {
          lanes.push(lane(name, colour));
          body.append(lanes[index].row);
        }
        const { counters } = lanes[index];
        counters[0].textContent = messages.toLocaleString("en");
        counters[1].textContent = requests.toLocaleString("en");
        counters[2].textContent = sized(bytes);
      });
      if (over) note.textContent = "The servers have stopped: this is how it ended.";
      else if (rows.length === 0) note.textContent = "Waiting for the first message.";
      else note.textContent = "Strokes up go to the server, strokes down come from it.";
      if (!timer) paint();
    };

    const onNow = () => {
      skewS = model.get("now").at - Date.now() / 1000;
      update();
    };
    const sizes = new ResizeObserver(() => {
      if (!timer) paint();
    });
    sizes.observe(table);
    model.on("change:now", onNow);
    update();
    const stopWatching = whenKernelIsGone(model, root);
    return () => {
      stopWatching();
      clearTimeout(timer);
      sizes.disconnect();
      model.off("change:now", onNow);
    };
  },
};
