// What the page knows: the live picture as the server last told it.

export class Store {
  constructor() {
    this.clear();
  }

  clear() {
    this.you = null;
    this.breakReasons = [];
    this.calls = new Map();
    this.seats = new Map();
    this.waiting = new Map();
    this.drafts = new Map();
    this.health = new Map();
    this.past = { items: [], next: null, loaded: false };
  }

  /** Take in one message; gives the ids of calls it concerns. */
  take(message) {
    const { type, data } = message;
    if (type === "hello") {
      this.you = data.you;
      this.breakReasons = data.break_reasons;
      if (data.snapshot) this.#all(data.snapshot);
      return [];
    }
    if (type === "call") {
      this.calls.set(data.id, data);
      if (data.state === "ended") this.#end(data);
      if (!["waiting", "offered"].includes(data.state)) this.waiting.delete(data.id);
      return [data.id];
    }
    if (type === "seat") this.seats.set(data.id, data);
    if (type === "waiting") {
      if (data.position === null) this.waiting.delete(data.call);
      else this.waiting.set(data.call, data);
    }
    if (type === "health") this.health.set(data.part, data);
    if (type === "draft") {
      this.drafts.set(data.id, data);
      return data.call ? [data.call] : [];
    }
    return [];
  }

  #all(snapshot) {
    const by = (list, key) => new Map(list.map((one) => [one[key], one]));
    this.calls = by(snapshot.calls, "id");
    this.seats = by(snapshot.seats, "id");
    this.waiting = by(snapshot.waiting, "call");
    this.drafts = by(snapshot.drafts, "id");
    this.health = by(snapshot.health, "part");
    this.past = { ...this.past, loaded: false };
  }

  #end(call) {
    this.calls.delete(call.id);
    if (!this.past.loaded) return;
    this.past.items = [call, ...this.past.items.filter((one) => one.id !== call.id)].slice(0, 500);
  }

  may(right) {
    return Boolean(this.you?.rights.includes(right));
  }

  mySeat() {
    return this.you?.seat ? (this.seats.get(this.you.seat) ?? null) : null;
  }

  /** The call in my seat's hands: offered to it, talking with it, or in wrap-up. */
  myCall() {
    const seat = this.mySeat();
    const byId = seat?.call ? this.calls.get(seat.call) : null;
    if (byId) return byId;
    const states = ["offered", "talking", "wrap_up"];
    return [...this.calls.values()].find((call) => call.seat === this.you?.seat && states.includes(call.state)) ?? null;
  }

  liveCalls() {
    return [...this.calls.values()].sort((a, b) => b.arrived_at - a.arrived_at);
  }

  inLine() {
    return [...this.waiting.values()].sort((a, b) => b.priority - a.priority || a.since - b.since);
  }

  newestDrafts() {
    return [...this.drafts.values()].sort((a, b) => b.created_at - a.created_at);
  }
}
