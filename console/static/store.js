// What the page knows: the live picture as the server last told it.

import { addCaptions } from "./i18n.js";

export class Store {
  constructor() {
    this.clear();
  }

  clear() {
    this.you = null;
    this.choices = { breaks: [], modes: [], centres: [], third: [], rest: 300 };
    this.places = new Map();
    this.mode = null;
    this.centres = [];
    this.directory = { items: [], numbers: false, loaded: false, error: "" };
    this.callbacks = new Map();
    this.callbacksOpen = 0;
    this.callbackPages = { open: { next: null, loaded: false }, closed: { next: null, loaded: false } };
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
      this.choices = data.choices;
      addCaptions(data.choices.captions);
      this.places = new Map(data.choices.centres.map((place) => [place.code, place.name]));
      if (data.snapshot) this.#all(data.snapshot);
      return [];
    }
    if (type === "call") {
      this.calls.set(data.id, data);
      if (data.state === "ended") this.#end(data);
      if (!["waiting", "offered", "due", "preview"].includes(data.state)) this.waiting.delete(`${data.id}+`);
      return [data.id];
    }
    if (type === "seat") this.seats.set(data.id, data);
    if (type === "waiting") {
      if (data.position === null) this.waiting.delete(waitingKey(data));
      else this.waiting.set(waitingKey(data), data);
    }
    if (type === "mode") this.mode = data;
    if (type === "callback") this.#callback(data);
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
    this.waiting = new Map(snapshot.waiting.map((one) => [waitingKey(one), one]));
    this.mode = snapshot.mode;
    this.drafts = by(snapshot.drafts, "id");
    this.health = by(snapshot.health, "part");
    this.past = { ...this.past, loaded: false };
  }

  #callback(entry) {
    const was = this.callbacks.get(entry.id);
    if (isOpen(entry) !== (was ? isOpen(was) : false)) this.callbacksOpen = Math.max(0, this.callbacksOpen + (isOpen(entry) ? 1 : -1));
    this.callbacks.set(entry.id, entry);
  }

  /** A page of the callback list, as asked for. */
  takeCallbacks(shown, page, further) {
    if (!further) for (const one of [...this.callbacks.values()]) if (isOpen(one) === (shown === "open")) this.callbacks.delete(one.id);
    for (const one of page.items) this.callbacks.set(one.id, one);
    this.callbackPages[shown] = { next: page.next, loaded: true };
    this.callbacksOpen = page.open;
  }

  callbackList(open) {
    const rank = (one) => (one.state === "running" ? 0 : one.do_not_disturb && one.reason !== "queue" ? 2 : 1);
    const soon = (one) => one.next_try ?? one.since;
    return [...this.callbacks.values()].filter((one) => isOpen(one) === open)
      .sort((a, b) => (open ? rank(a) - rank(b) || soon(a) - soon(b) : b.created_at - a.created_at));
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

  /** An entry of the hotline directory. */
  entry(id) {
    return this.directory.items.find((one) => one.id === id) ?? null;
  }

  /** The call in my seat's hands: offered to it, talking with it, or in wrap-up. */
  myCall() {
    const seat = this.mySeat();
    const byId = seat?.call ? this.calls.get(seat.call) : null;
    if (byId) return byId;
    const states = ["preview", "dialling", "offered", "talking", "staying", "wrap_up"];
    const there = (call) => !["talking", "staying"].includes(call.state) || call.legs.some((leg) => leg.who === call.seat && leg.kind !== "caller" && !leg.ended_at);
    return [...this.calls.values()].find((call) => call.seat === this.you?.seat && states.includes(call.state) && there(call)) ?? null;
  }

  liveCalls() {
    return [...this.calls.values()].sort((a, b) => b.arrived_at - a.arrived_at);
  }

  inLine() {
    return [...this.waiting.values()].sort((a, b) => a.position - b.position || a.since - b.since);
  }

  newestDrafts() {
    return [...this.drafts.values()].sort((a, b) => b.created_at - a.created_at);
  }
}

const isOpen = (entry) => entry.state === "open" || entry.state === "running";
const waitingKey = (one) => `${one.call}+${one.part ?? ""}`;
