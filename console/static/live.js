// The WebSocket: hello, events, beats. It comes back by itself, with back-off, and says how it stands.

import { getToken } from "./api.js";
import { now } from "./format.js";

const WAITS = [1, 2, 4, 8, 15];
/** Seconds without a sign of life after which a line counts as dead: while it connects, and before a hello says more. */
const CONNECTING = 10;
const UNKNOWN = 45;
const PROBE = 3000;

export class Live {
  /** on: {message(data), line({state, since, until}), refused(code)} */
  constructor(on) {
    this.on = on;
    this.last = null;
    this.tries = 0;
    this.timer = null;
    this.limit = UNKNOWN;
    this.socket = null;
    this.stopped = true;
    /** Since when the picture may be old, in the server's time; null while it is fresh. */
    this.since = null;
    window.addEventListener("online", () => (this.timer === null ? this.#look() : this.retryNow()));
    window.addEventListener("offline", () => this.#doubt());
    document.addEventListener("visibilitychange", () => !document.hidden && this.#look());
    // By the clock on the wall: a machine that slept finds out on waking, where a timer would sleep on.
    setInterval(() => this.#look(), 1000);
  }

  start() {
    this.stopped = false;
    this.on.line({ state: "connecting", again: this.tries > 0, since: this.since });
    const url = new URL("/api/v1/events", location.href);
    url.protocol = url.protocol.replace("http", "ws");
    if (this.last !== null) url.searchParams.set("since", this.last);
    const socket = new WebSocket(url, ["hotline.v1", `bearer.${getToken()}`]);
    this.socket = socket;
    this.movedAt = Date.now();
    this.silence = CONNECTING;
    socket.onmessage = (event) => socket === this.socket && this.#heard(JSON.parse(event.data));
    socket.onclose = (event) => socket === this.socket && this.#lost(event.code);
  }

  stop() {
    this.stopped = true;
    clearTimeout(this.timer);
    this.timer = null;
    const socket = this.socket;
    this.socket = null;
    this.last = null;
    this.since = null;
    this.tries = 0;
    socket?.close();
  }

  retryNow() {
    if (this.stopped || this.timer === null) return;
    clearTimeout(this.timer);
    this.timer = null;
    this.start();
  }

  #heard(message) {
    this.movedAt = Date.now();
    if (message.type === "hello") {
      this.tries = 0;
      this.since = null;
      this.limit = this.silence = message.data.heartbeat * 2.5;
      this.on.line({ state: "ok" });
    }
    if (message.type !== "bye") this.last = message.id;
    this.on.message(message);
  }

  /** A line that is dead but not closed: beats stop, so we close it ourselves. */
  #look() {
    if (this.socket && Date.now() - this.movedAt > this.silence * 1000) this.#drop();
  }

  /** The browser says there is no network, which it knows badly: one question, and the line is dead or it is not. */
  async #doubt() {
    const { socket } = this;
    if (!socket) return;
    try {
      await fetch("/healthz", { cache: "no-store", signal: AbortSignal.timeout(PROBE) });
    } catch {
      if (socket === this.socket) this.#drop();
    }
  }

  #drop() {
    const { socket } = this;
    this.socket = null;
    socket.close();
    this.#lost(0);
  }

  #lost(code) {
    this.socket = null;
    if (this.stopped) return;
    if (code === 4401) {
      this.on.refused("token-expired");
      return;
    }
    // What was heard last was true then: since that moment the picture may be old.
    this.since ??= now() - (Date.now() - this.movedAt) / 1000;
    // A little chance in the wait: a hundred desks do not all knock at the same moment.
    const wait = WAITS[Math.min(this.tries, WAITS.length - 1)] * (0.75 + Math.random() / 2);
    this.tries += 1;
    this.on.line({ state: "lost", since: this.since, until: now() + wait });
    this.timer = setTimeout(() => {
      this.timer = null;
      this.start();
    }, wait * 1000);
    if (this.tries % 3 === 2) this.on.refused(null);
  }
}
