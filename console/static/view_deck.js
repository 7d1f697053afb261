// What a seat does with the call in its hands: who is there, the caller's music, consultation, transfer, emergency.

import { h } from "./dom.js";
import { code, t } from "./i18n.js";
import { icon, pill, ticking } from "./parts.js";
import { actingSeat, inTalk, isConsulted, isFull, mayArrange, partyName, seatLeg, tryWords, underWay } from "./parties.js";
import { emergencyGroup } from "./view_emergency.js";
import { originBanner } from "./view_origin.js";
import { partiesList } from "./view_parties.js";

const SHOWN = ["offered", "preview", "dialling", "talking", "staying", "waiting", "in_flow", "arrived", "voicemail", "native", "leaving"];

/** The card under the screen pop. */
export function deckCard(store, call, view) {
  const controls = SHOWN.includes(call.state) ? controlsOf(store, call, view) : [];
  const origin = originBanner(store, call);
  if (!origin && !controls.filter(Boolean).length) return null;
  return h("section.deck.panel", { "data-key": `deck-${call.id}`, id: "deck", "aria-label": t("ui.deck"), "data-held": call.held }, origin, controls);
}

/** The same for a supervisor, in the call's detail. */
export function controlsOf(store, call, view, { keys = true, all = false } = {}) {
  const emergency = emergencyGroup(store, call, view, { keys });
  const list = partiesList(store, call, { all, emergencies: !emergency, ears: keys });
  const bar = mayArrange(store, call) ? barOf(store, call) : null;
  const buttons = buttonsOf(store, call);
  if (!emergency && !list && !bar && !buttons) return [];
  return [bar, h("div.deck-body", { "data-key": "deck-body" },
    h("div.deck-main", { "data-key": "deck-main" }, buttons, list ?? (buttons ? h("p.quiet.small", { "data-key": "nobody" }, t("ui.parties.none")) : null)),
    emergency)];
}

/** The seat has put the talk on hold: the caller hears music, or the others talk on without it. */
const isAside = (call, seat) => Boolean(seat?.joined_at) && seat.room === "side" && !underWay(call, seat.who) && !isConsulted(call, seat);

const arrange = (call, what, label, extra = {}) => h(extra.primary ? "button.primary" : "button", {
  "data-do": "arrange", "data-id": call.id, "data-what": what, "data-key": `arrange-${what}`, disabled: extra.disabled, title: extra.title,
  "aria-pressed": extra.pressed === undefined ? null : String(extra.pressed),
}, label);

/** The caller hears music, or somebody is asked in private: said in one line, with the ways out of it. */
function barOf(store, call) {
  const who = actingSeat(store, call);
  const now = underWay(call, who);
  const seat = seatLeg(call, who);
  const aside = isAside(call, seat);
  const consulted = isConsulted(call, seat);
  if (!now && !call.held && !aside && !consulted) return null;
  const beside = now?.side && seat?.room === "talk";
  const name = now ? partyName(store, now.party) : "";
  return h("div.heldbar", { "data-key": "heldbar", role: "status" },
    icon("music"),
    h("div.grow", {},
      call.held ? h("b", {}, t("ui.held"), " ", call.held_since ? h("span", { "aria-hidden": "true" }, ticking(call.held_since)) : null) : null,
      consulted ? h("span.heldbar-words", {}, t("ui.consult.you")) : null,
      aside && !call.held ? h("b", {}, t("ui.held.aside")) : null,
      now ? h("span.heldbar-words", {}, sentence(now, name, beside)) : null),
    h("div.buttons", {}, now?.pending ? pendingButtons(call, now.party) : now ? consultButtons(call, beside) : aside ? arrange(call, "resume", t("ui.arrange.resume"), { primary: true }) : null));
}

function sentence(now, name, beside) {
  if (now.pending) {
    const words = t(now.party.how === "transfer" ? "ui.transfer.pending" : "ui.consult.pending", { name });
    const tried = tryWords(now.party);
    return tried ? `${words} ${tried}` : words;
  }
  return t(beside ? "ui.consult.beside" : "ui.consult.private", { name });
}

const pendingButtons = (call, party) => [h("button.primary", {
  "data-do": "drop-party", "data-id": call.id, "data-part": party.id, "data-key": "give-up",
}, t(party.how === "transfer" ? "ui.transfer.cancel" : "ui.consult.cancel"))];

const consultButtons = (call, beside) => [
  arrange(call, "join", t("ui.arrange.join"), { primary: true, title: t("ui.arrange.join.long") }),
  arrange(call, "swap", t(beside ? "ui.arrange.swap.party" : "ui.arrange.swap.caller"), { title: t("ui.arrange.swap.long") }),
  arrange(call, "complete", t("ui.arrange.complete"), { title: t("ui.arrange.complete.long") }),
  arrange(call, "return", t("ui.arrange.return"), { title: t("ui.arrange.return.long") }),
];

function buttonsOf(store, call) {
  const seat = seatLeg(call, actingSeat(store, call));
  if (!["talking", "staying"].includes(call.state) || !mayArrange(store, call) || !seat?.joined_at) return null;
  const private_ = Boolean(underWay(call, seat.who)) || isConsulted(call, seat);
  const full = isFull(call);
  const pick = (how, primary) => h(primary ? "button.primary" : "button", {
    "data-do": "pick", "data-id": call.id, "data-how": how, "data-key": `pick-${how}`, disabled: full,
    title: full ? t("ui.pick.full") : code("party.ask.long", how),
  }, code("party.ask", how));
  return h("div.buttons.deck-buttons", { "data-key": "deck-buttons", role: "group", "aria-label": t("ui.deck") },
    // While somebody is asked in private the line above has the ways on.
    private_ ? null : [pick("transfer", true), pick("consult"), pick("join"), h("span.gap", { "aria-hidden": "true", "data-key": "gap" })],
    call.held || private_ || isAside(call, seat) ? null : arrange(call, "hold", t("ui.arrange.hold"), { title: t("ui.arrange.hold.long") }),
    arrange(call, seat.muted ? "unmute" : "mute", t(seat.muted ? "ui.arrange.unmute" : "ui.arrange.mute"), { pressed: seat.muted, title: t("ui.arrange.mute.long") }),
    inTalk(call) > 2 ? arrange(call, "leave", t("ui.arrange.leave"), { title: t("ui.arrange.leave.long") }) : null,
    seat.muted ? h("span.muted-note", { "data-key": "muted" }, pill("arrange", "muted")) : null);
}
