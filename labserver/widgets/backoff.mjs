// How long a client waits before it connects again: exponential backoff with full jitter, so that
// clients that were cut off together come back spread out. The kernel's clients do the same
// (labserver/techniques/reconnecting_client.py).

export const BACKOFF_BASE_MS = 250;
export const BACKOFF_CAP_MS = 10_000;
export const STEADY_MS = 5000; // a connection that lasted this long was a good one

export class Backoff {
  constructor(random = Math.random) {
    this.random = random;
    this.attempt = 0;
  }

  /** Milliseconds to wait after a connection that lasted `lastedMs`. */
  delayAfter(lastedMs) {
    if (lastedMs > STEADY_MS) this.attempt = 0;
    const most = Math.min(BACKOFF_CAP_MS, BACKOFF_BASE_MS * 2 ** this.attempt);
    this.attempt += 1;
    return this.random() * most;
  }
}
