// The rows of one inspector, in order and without a gap, whatever was dropped on the way.

const PATIENCE_MS = 1000; // for what is on its way; it doubles, as a busy kernel answers later
const PACKET_MS = 100; // Jupyter drops what comes faster than 1 MB a second

/**
 * Keeps the rows for all views.
 *
 * They are pushed by the kernel as they come. A packet that does not follow on what is there
 * shows that one was dropped: then this asks, packet after packet, until it has all.
 */
class Rows {
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
    if (this.lacking) this.ask(); // the page was reloaded
  }

  /** How many the kernel has and this does not. */
  get lacking() {
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
    if (!this.lacking) this.catchingUp = false;
    else if (this.catchingUp) this.timer = setTimeout(() => this.ask(), PACKET_MS);
    else this.watch();
    this.tell();
  }

  watch() {
    if (this.timer || !this.lacking) return;
    this.patience ??= PATIENCE_MS;
    this.timer = setTimeout(() => this.ask(), this.patience);
    this.patience *= 2;
  }

  ask() {
    this.timer = 0;
    if (!this.lacking) return;
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
