// A seat's own place: its state, and the screen pop the moment a call is offered.

import { h } from "./dom.js";
import { span } from "./format.js";
import { code, t } from "./i18n.js";
import { unsentNote } from "./notes.js";
import { isPending } from "./parties.js";
import { countdown, icon, number, pill, seatWords, ticking, two } from "./parts.js";
import { earlierList } from "./view_call.js";
import { deckCard } from "./view_deck.js";
import { workedLine } from "./view_seats.js";
import { breakWords, centreName } from "./words.js";

export function mePanel(store, view) {
  const seat = store.mySeat();
  if (!seat) {
    return h("section.me.panel", { "data-key": "me" }, h("p.error.pad", { role: "alert" }, t("ui.me.missing", { seat: store.you.seat })));
  }
  const call = store.myCall();
  return [
    call ? [popCard(store, seat, call, view), deckCard(store, call, view)] : null,
    h("section.me.panel", { "data-key": "me", "aria-label": t("ui.me"), "data-state": seat.state },
      h("div.me-state", {},
        h("div", {}, h("b", {}, seatWords(seat)), h("span.quiet.small.block", {}, [code("seat.kind", seat.kind), centreName(store, seat.centre)].join(" · "))),
        pill("seat.state", seat.state),
        seat.since ? h("span", {}, ticking(seat.since)) : null,
        seat.deadline ? h("span.quiet", {}, `${t("ui.pop.left")} `, countdown(seat.deadline)) : null,
        seat.wanted ? h("span.quiet", {}, t("ui.me.wanted"), code("seat.state", seat.wanted)) : null),
      h("div.me-hint", {}, hint(store, seat) ? h("p.quiet", {}, hint(store, seat)) : null, workedLine(seat)),
      stateButtons(store, seat, view)),
  ];
}

function hint(store, seat) {
  if (!seat.on_duty && seat.state === "available") return t("ui.me.off");
  const key = { available: "ui.me.idle", break: "ui.me.break", rest: "ui.me.rest", offline: "ui.me.offline" }[seat.state];
  if (!key) return null;
  const said = seat.state === "break" || seat.state === "offline";
  return said && seat.reason ? `${breakWords(store, seat.reason)}${t("ui.sentence")}${t(key)}` : t(key);
}

function stateButtons(store, seat, view) {
  const ringing = seat.state === "offered" || seat.state === "ringing";
  const order = (state, label, primary) => h(primary ? "button.primary" : "button", {
    "data-do": "order-seat", "data-id": seat.id, "data-state": state, "data-key": `order-${state}`,
    "data-reason-from": state === "break" ? "break-reason" : null,
    "aria-pressed": String(seat.state === state), disabled: ringing || view.ordering || seat.state === state || (seat.state === "rest" && state === "available"),
  }, label);
  const done = seat.state === "wrap_up";
  const words = (one) => `${breakWords(store, one.code)} · ${t("ui.me.break.limit", { n: Math.round(one.limit / 60) })}`;
  return h("div.buttons", {},
    order("available", t(done ? "ui.me.done" : seat.state === "offline" ? "ui.me.in" : "ui.me.available"), done || ["offline", "break"].includes(seat.state)),
    h("span.pair", { "data-key": "pair" }, order("break", t("ui.me.break.button")),
      h("select", { id: "break-reason", "aria-label": t("ui.me.break.reason"), title: t("ui.me.break.reason"), disabled: ringing, "data-key": "reason" },
        store.choices.breaks.map((one) => h("option", { value: one.code, title: span(one.limit) }, words(one))))),
    order("offline", t("ui.me.out")),
    ["talking", "wrap_up"].includes(seat.state) && seat.wanted !== "rest"
      ? h("button", { "data-do": "rest-seat", "data-id": seat.id, "data-key": "rest", title: t("ui.rest.lead") }, t("ui.rest.own")) : null);
}

function popCard(store, seat, call, view) {
  const out = ["preview", "dialling"].includes(call.state);
  const asked = askedIn(call, seat.id);
  const asThird = Boolean(asked);
  const stage = (asThird && ["offered", "ringing"].includes(seat.state)) ? seat.state : call.state === "offered" || call.state === "preview" ? (seat.state === "ringing" ? "ringing" : "offered") : seat.state === "wrap_up" ? "wrap_up" : call.state === "staying" ? "talking" : call.state;
  if (!["offered", "ringing", "dialling", "talking", "wrap_up"].includes(stage)) return null;
  const coming = stage === "offered" || stage === "ringing";
  const earlier = call.earlier.length ? call.earlier : (view.earlier.get(call.id) ?? []);
  const incoming = out ? "ui.pop.outgoing" : asThird ? "ui.pop.third" : "ui.pop.incoming";
  const title = { offered: incoming, ringing: incoming, dialling: "ui.pop.dialling", talking: call.state === "staying" ? "ui.pop.staying" : "ui.pop.talking", wrap_up: "ui.pop.wrap_up" }[stage];
  return h("section.pop", { "data-key": `pop-${call.id}`, "data-stage": stage, "aria-labelledby": "pop-title", id: "pop" },
    h("div.pop-icon", {}, icon("phone")),
    h("div.pop-main", {},
      h("h2", { id: "pop-title" }, t(title), coming ? h("span.pop-stage", {}, t(`ui.pop.${stage}`)) : null),
      h("p.big", {}, number(call.caller), call.caller.name ? h("span.name", {}, call.caller.name) : null),
      h("p.pop-facts", {},
        call.caller.region ? h("span", {}, call.caller.region.name, call.caller.region.why ? h("span.quiet", {}, ` ${code("region.why", call.caller.region.why)}`) : null) : null,
        h("span", {}, `${t("ui.col.dialled")} ${call.dialled}`),
        coming && !out && !asThird ? h("span", {}, `${t("ui.pop.waited")} `, ticking(call.arrived_at)) : null,
        stage === "talking" && call.joined_at ? h("span", {}, ticking(call.joined_at)) : null),
      asThird && coming ? h("p", {}, code("party.you", asked.how), asked.target.kind === "skill" ? ` ${t("ui.pop.third.need", { skill: two(asked.label) })}` : "") : null,
      call.origin && coming ? h("p", {}, h("span.badge.pop-origin", {}, t("ui.origin")), " ", two(call.origin.label)) : null,
      out ? h("p", {}, t(coming ? "ui.pop.outgoing.lead" : "ui.pop.dialling.lead")) : null,
      stage === "wrap_up" ? h("p", {}, t("ui.pop.wrap_up.lead")) : null,
      stage === "wrap_up" && unsentNote(store, call) ? h("p.note.unsent", {}, h("b", {}, t("ui.pop.unsent")), " ", unsentNote(store, call)) : null),
    h("div.pop-earlier", {}, h("h3", {}, t("ui.detail.earlier")),
      earlier.length ? earlierList(earlier.slice(0, 5)) : h("p.quiet", {}, t("ui.detail.earlier.none"))),
    h("div.pop-side", {},
      seat.deadline ? h("div.pop-clock", {}, h("span", {}, t("ui.pop.left")), countdown(seat.deadline)) : null,
      coming ? null : h("div.buttons", {}, h("a.button", { href: `#/call/${call.id}` }, t("ui.pop.open")))));
}

/** The party as which this seat is asked into the call just now. */
export const askedIn = (call, seat) => call.parties.find((party) => party.seat === seat && isPending(party)) ?? null;
