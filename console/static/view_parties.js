// The further parties of a call as a list: who, how far, in which room, and why it did not come to be.

import { h } from "./dom.js";
import { code, t } from "./i18n.js";
import { pill, ticking, when } from "./parts.js";
import { isOpen, isPending, legOf, mayArrange, partyName, seenObservers, tryWords } from "./parties.js";

/** all: finished ones too, however many; else the last two of them. */
export function partiesList(store, call, { all = false, emergencies = true, ears = true } = {}) {
  const told = call.parties.filter((party) => emergencies || !party.emergency);
  const open = told.filter(isOpen);
  const over = told.filter((party) => !isOpen(party));
  const shown = [...open, ...(all ? over : over.slice(-2)).reverse()];
  const heard = ears ? seenObservers(store, call) : [];
  if (!shown.length && !heard.length) return null;
  return h("ul.parties", { "data-key": "parties", "aria-label": t("ui.parties") },
    shown.map((party) => row(store, call, party)), heard.map((leg) => observerRow(store, leg)));
}

function row(store, call, party) {
  const room = legOf(call, party)?.room;
  const state = party.state === "joined" && room === "side" ? "side" : party.state;
  const about = [
    isPending(party) ? tryWords(party) : "",
    party.why && party.state === "failed" ? code("party.why", party.why) : "",
    party.why && party.state === "ringing" && party.tried > 1 ? t("ui.party.before", { why: code("party.why", party.why) }) : "",
  ].filter(Boolean).join(" · ");
  return h("li.party", { "data-key": `party-${party.id}`, "data-party": party.id, "data-state": party.state },
    h("div.grow", {},
      h("b", {}, partyName(store, party)), " ", h("span.badge", { "data-how": party.how }, code("party.how", party.how)),
      about ? h("span.block.small", { "data-why": party.state }, about) : null),
    pill("party.state", state),
    h("span.quiet.small.clock", {}, isOpen(party) ? ticking(party.since) : when(party.since)),
    isOpen(party) && mayArrange(store, call) ? dropButton(call, party) : null);
}

export const dropButton = (call, party) => h("button.small-button", {
  "data-do": "drop-party", "data-id": call.id, "data-part": party.id, "data-key": `drop-${party.id}`,
}, t(party.state === "joined" ? "ui.party.release" : "ui.party.withdraw"));

function observerRow(store, leg) {
  const seat = store.seats.get(leg.who);
  return h("li.party", { "data-key": `ear-${leg.id}`, "data-state": "joined" },
    h("div.grow", {}, h("b", {}, seat?.name ?? leg.who ?? ""), " ", seat && !seat.name.includes(seat.id) ? h("span.quiet", {}, seat.id) : null),
    h("span.badge", {}, code("supervise", leg.mode ?? "listen")),
    h("span.quiet.small.clock", {}, ticking(leg.joined_at ?? leg.started_at)));
}
