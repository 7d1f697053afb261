// A seat's own place: its state, and the screen pop the moment a call is offered.

import { h } from "./dom.js";
import { code, t } from "./i18n.js";
import { countdown, icon, number, pill, seatWords, ticking } from "./parts.js";
import { earlierList } from "./view_call.js";

export function mePanel(store, view) {
  const seat = store.mySeat();
  if (!seat) {
    return h("section.me.panel", { "data-key": "me" }, h("p.error.pad", { role: "alert" }, t("ui.me.missing", { seat: store.you.seat })));
  }
  const call = store.myCall();
  return [
    call ? popCard(store, seat, call, view) : null,
    h("section.me.panel", { "data-key": "me", "aria-label": t("ui.me"), "data-state": seat.state },
      h("div.me-state", {},
        h("div", {}, h("b", {}, seatWords(seat))),
        pill("seat.state", seat.state),
        h("span", {}, ticking(seat.since)),
        seat.deadline ? h("span.quiet", {}, `${t("ui.pop.left")} `, countdown(seat.deadline)) : null,
        seat.wanted ? h("span.quiet", {}, t("ui.me.wanted"), code("seat.state", seat.wanted)) : null),
      hint(seat) ? h("p.quiet.me-hint", {}, hint(seat)) : null,
      stateButtons(store, seat, view)),
  ];
}

function hint(seat) {
  const key = { available: "ui.me.idle", break: "ui.me.break", offline: "ui.me.offline" }[seat.state];
  if (!key) return null;
  return seat.reason && seat.state !== "available" ? `${code("break", seat.reason)}。${t(key)}`.replace("。", t("ui.sentence")) : t(key);
}

function stateButtons(store, seat, view) {
  const ringing = seat.state === "offered" || seat.state === "ringing";
  const order = (state, label, primary) => h(primary ? "button.primary" : "button", {
    "data-do": "order-seat", "data-id": seat.id, "data-state": state, "data-key": `order-${state}`,
    "data-reason-from": state === "break" ? "break-reason" : null,
    "aria-pressed": String(seat.state === state), disabled: ringing || view.ordering || seat.state === state,
  }, label);
  const done = seat.state === "wrap_up";
  return h("div.buttons", {},
    order("available", done ? t("ui.me.done") : t("ui.me.available"), done || ["offline", "break"].includes(seat.state)),
    h("span.pair", { "data-key": "pair" }, order("break", t("ui.me.break.button")),
      h("select", { id: "break-reason", "aria-label": t("ui.me.break.reason"), disabled: ringing, "data-key": "reason" },
        store.breakReasons.map((reason) => h("option", { value: reason }, code("break", reason))))),
    order("offline", t("ui.me.offline.button")));
}

function popCard(store, seat, call, view) {
  const stage = call.state === "offered" ? (seat.state === "ringing" ? "ringing" : "offered") : call.state;
  if (!["offered", "ringing", "talking", "wrap_up"].includes(stage)) return null;
  const coming = stage === "offered" || stage === "ringing";
  const earlier = call.earlier.length ? call.earlier : (view.earlier.get(call.id) ?? []);
  const title = { offered: "ui.pop.incoming", ringing: "ui.pop.incoming", talking: "ui.pop.talking", wrap_up: "ui.pop.wrap_up" }[stage];
  return h("section.pop", { "data-key": `pop-${call.id}`, "data-stage": stage, "aria-labelledby": "pop-title", id: "pop" },
    h("div.pop-icon", {}, icon("phone")),
    h("div.pop-main", {},
      h("h2", { id: "pop-title" }, t(title), coming ? h("span.pop-stage", {}, t(`ui.pop.${stage}`)) : null),
      h("p.big", {}, number(call.caller), call.caller.name ? h("span.name", {}, call.caller.name) : null),
      h("p.pop-facts", {},
        call.caller.region ? h("span", {}, call.caller.region.name, call.caller.region.why ? h("span.quiet", {}, ` ${code("region.why", call.caller.region.why)}`) : null) : null,
        h("span", {}, `${t("ui.col.dialled")} ${call.dialled}`),
        coming ? h("span", {}, `${t("ui.pop.waited")} `, ticking(call.arrived_at)) : null,
        stage === "talking" && call.joined_at ? h("span", {}, ticking(call.joined_at)) : null),
      stage === "wrap_up" ? h("p", {}, t("ui.pop.wrap_up.lead")) : null),
    h("div.pop-earlier", {}, h("h3", {}, t("ui.detail.earlier")),
      earlier.length ? earlierList(earlier.slice(0, 5)) : h("p.quiet", {}, t("ui.detail.earlier.none"))),
    h("div.pop-side", {},
      seat.deadline ? h("div.pop-clock", {}, h("span", {}, t("ui.pop.left")), countdown(seat.deadline)) : null,
      coming ? null : h("a.button", { href: `#/call/${call.id}` }, t("ui.pop.open"))));
}
