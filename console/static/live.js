// The WebSocket: hello, events, beats. It comes back by itself, with back-off, and says how it stands.

import { getToken } from "./api.js";

const WAITS = [1, 2, 4, 8, 15];

export class Live {
  /** on: {message(data), line({state, until}), refused(code)} */
  constructor(on) {
    this.on = on;
    this.last = null;
    this.tries = 0;
    this.timer = null;
    this.silence = null;
    this.limit = 45;
    this.socket = null;
    window.addEventListener("online", () => this.retryNow());
  }

  start() {
    this.stopped = false;
    this.on.line({ state: "connecting", again: this.tries > 0 });
    const url = new URL("/api/v1/events", location.href);
    url.protocol = url.protocol.replace("http", "ws");
    if (this.last !== null) url.searchParams.set("since", this.last);
    const socket = new WebSocket(url, ["hotline.v1", `bearer.${getToken()}`]);
    this.socket = socket;
    socket.onmessage = (event) => this.#heard(JSON.parse(event.data));
    socket.onclose = (event) => socket === this.socket && this.#lost(event.code);
    this.#listenForSilence();
  }

  stop() {
    this.stopped = true;
    clearTimeout(this.timer);
    clearTimeout(this.silence);
    const socket = this.socket;
    this.socket = null;
    this.last = null;
    socket?.close();
  }

  retryNow() {
    if (this.stopped || this.timer === null) return;
    clearTimeout(this.timer);
    this.timer = null;
    this.start();
  }

  #heard(message) {
    this.#listenForSilence();
    if (message.type === "hello") {
      this.tries = 0;
      this.limit = message.data.heartbeat * 2.5;
      this.on.line({ state: "ok" });
    }
    if (message.type !== "bye") this.last = message.id;
    this.on.message(message);
  }

  #listenForSilence() {
    clearTimeout(this.silence);
    // A line that is dead but not closed: beats stop, so we close it ourselves.
    this.silence = setTimeout(() => {
      const socket = this.socket;
      this.socket = null;
      socket?.close();
      this.#lost(0);
    }, this.limit * 1000);
  }

  #lost(code) {
    clearTimeout(this.silence);
    if (this.stopped) return;
    if (code === 4401) {
      this.on.refused("token-expired");
      return;
    }
    // A little chance in the wait: a hundred desks do not all knock at the same moment.
    const wait = WAITS[Math.min(this.tries, WAITS.length - 1)] * (0.75 + Math.random() / 2);
    this.tries += 1;
    this.on.line({ state: "lost", until: Date.now() / 1000 + wait });
    this.timer = setTimeout(() => {
      this.timer = null;
      this.start();
    }, wait * 1000);
    if (this.tries % 3 === 2) this.on.refused(null);
  }
}
