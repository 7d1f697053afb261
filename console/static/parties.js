// What the page reads out of a call with several parties: who is there, in which room, what is under way.

import { code, t } from "./i18n.js";
import { seatWords, two } from "./parts.js";

export const MOST_PARTIES = 6;
const OPEN = ["queued", "ringing", "joined"];
const PENDING = ["queued", "ringing"];
const OVER = ["wrap_up", "ended"];

export const isOpen = (party) => OPEN.includes(party.state);
export const isPending = (party) => PENDING.includes(party.state);
export const isOver = (call) => OVER.includes(call.state);

const live = (leg) => !leg.ended_at;
export const legOf = (call, party) => (party.leg ? call.legs.find((leg) => leg.id === party.leg && live(leg)) : null) ?? null;
export const seatLeg = (call, seat) => call.legs.find((leg) => leg.who === seat && ["seat", "third"].includes(leg.kind) && live(leg)) ?? null;
export const observers = (call) => call.legs.filter((leg) => ["observer", "assistant"].includes(leg.kind) && live(leg));
/** A listener is unheard and stays unseen: only those who may listen themselves see that somebody does. */
export const seenObservers = (store, call) => observers(call).filter((leg) => store.may("supervise") || (leg.mode ?? "listen") !== "listen");

/** How many talk with the caller, the caller among them. */
export const inTalk = (call) => call.legs.filter((leg) => (leg.joined_at || leg.kind === "caller") && live(leg) && (leg.room ?? "talk") === "talk" && !["observer", "assistant"].includes(leg.kind)).length;

export const isFull = (call) => call.parties.filter(isOpen).length + 1 >= MOST_PARTIES;

/** Whether this reader may order something about that call: the one its own seat is in, or any for those who lead. */
export function mayArrange(store, call) {
  if (isOver(call)) return false;
  if (store.may("seats")) return true;
  if (!store.may("own_call") || store.myCall()?.id !== call.id) return false;
  // Who has left, or only rings to be asked in, orders nothing.
  return ["talking", "staying"].includes(call.state) ? Boolean(seatLeg(call, store.you.seat)?.joined_at) : call.seat === store.you.seat;
}

/** Whose leg an arrangement is about: one's own seat's if it is in this call, else the call's seat. */
export const actingSeat = (store, call) => (store.you?.seat && seatLeg(call, store.you.seat) ? store.you.seat : call.seat);

/** {party, side, pending}: the private consultation or transfer that this seat has under way, if there is one. */
export function underWay(call, seat) {
  const open = call.parties.filter((party) => isOpen(party) && !party.emergency && (!party.asked_by || party.asked_by === seat));
  const pending = open.find((party) => isPending(party) && ["consult", "transfer"].includes(party.how));
  if (pending) return { party: pending, pending: true, side: false };
  const side = open.find((party) => party.state === "joined" && legOf(call, party)?.room === "side");
  return side ? { party: side, pending: false, side: true } : null;
}

/** Whether that seat is the one who is asked in private: it came as a party and has not been taken into the talk. */
export const isConsulted = (call, leg) => leg?.room === "side" && call.parties.some((party) => party.state === "joined" && party.leg === leg.id);

/** "日语 · 山口惠 8010", "110 公安报警". */
export function partyName(store, party) {
  const label = two(party.label);
  const name = party.emergency && !label.includes(party.target.id) ? `${party.target.id} ${label}` : label;
  const seat = party.seat ? store.seats.get(party.seat) : null;
  const words = seat ? seatWords(seat) : (party.seat ?? "");
  return party.target.kind === "seat" || !words ? (seat ? words : name) : `${name} · ${words}`;
}

/** "第 2 条线路，共 3 条 · 市应急联动备用线"; nothing where there is one line only. */
export function tryWords(party) {
  const told = [];
  if (party.tries > 1 && party.tried > 0) told.push(t("ui.party.try", { n: party.tried, of: party.tries }));
  const trying = two(party.trying);
  if (trying && trying !== two(party.label)) told.push(trying);
  return told.join(" · ");
}

/** What has become of it, in one sentence: for the eye and for who listens to the screen. */
export function partySays(store, party) {
  const name = partyName(store, party);
  if (party.state === "queued") return t("ui.party.says.queued", { name });
  if (party.state === "ringing") {
    const before = party.why && party.tried > 1 ? t("ui.party.before", { why: code("party.why", party.why) }) : "";
    return [t("ui.party.says.ringing", { name }), tryWords(party), before].filter(Boolean).join(" · ");
  }
  if (party.state === "joined") return t("ui.party.says.joined", { name });
  if (party.state === "failed") return t("ui.party.says.failed", { name, why: code("party.why", party.why) || code("party.state", "failed") });
  return t("ui.party.says.left", { name });
}
