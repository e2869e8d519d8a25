// The messages of one inspector as rows, in order and without a gap, whatever was dropped on the
// way; and the same rows as CSV.

const CSV_HEAD = "number,ms,connection,direction,kind,bytes,payload,summary,error";
export const PATIENCE_MS = 1000; // for rows that are on their way; it doubles, because a busy kernel answers late
export const PACKET_MS = 100; // Jupyter drops what comes faster than 1 MB per second

/**
 * Keeps the rows for all views of an inspector.
 *
 * The kernel pushes rows as messages pass. A packet that does not continue what is here shows that
 * another was dropped; then this asks for one packet after another until nothing is missing.
 */
export class MessageRows {
  constructor(model) {
    this.all = [];
    this.views = new Set();
    this.model = model;
    this.catchingUp = false;
    this.timer = 0;
    this.onMessage = (message) => message.rows && this.take(message);
    this.onTotal = () => {
      this.watch();
      this.tell();
    };
    model.on("msg:custom", this.onMessage);
    model.on("change:total change:full", this.onTotal);
    if (this.missing) this.ask(); // the page was reloaded
  }

  /** How many rows the kernel has that are missing here. */
  get missing() {
    return Math.max(0, this.model.get("total") - this.all.length);
  }

  take({ start, rows }) {
    if (start > this.all.length) {
      if (!this.catchingUp) this.ask();
      return;
    }
    const fresh = rows.slice(this.all.length - start);
    if (fresh.length === 0) return;
    this.all.push(...fresh);
    clearTimeout(this.timer);
    this.timer = 0;
    this.patience = PATIENCE_MS;
    if (!this.missing) this.catchingUp = false;
    else if (this.catchingUp) this.timer = setTimeout(() => this.ask(), PACKET_MS);
    else this.watch();
    this.tell();
  }

  watch() {
    if (this.timer || !this.missing) return;
    this.patience ??= PATIENCE_MS;
    this.timer = setTimeout(() => this.ask(), this.patience);
    this.patience *= 2;
  }

  ask() {
    this.timer = 0;
    if (!this.missing) return;
    this.catchingUp = true;
    this.model.send({ from: this.all.length });
    this.watch();
  }

  tell() {
    for (const draw of this.views) draw();
  }

  end() {
    clearTimeout(this.timer);
    this.model.off("msg:custom", this.onMessage);
    this.model.off("change:total change:full", this.onTotal);
  }
}

/** Rows as CSV (RFC 4180): every field is quoted, and quotation marks are doubled. */
export function csv(rows) {
  const quoted = (value) => `"${String(value).replaceAll('"', '""')}"`;
  return [CSV_HEAD, ...rows.map((row) => row.map(quoted).join(","))].join("\r\n");
}
