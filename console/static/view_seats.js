// All seats: who, what they can do, what they do now, and a supervisor's hand on each.

import { h } from "./dom.js";
import { now, percent } from "./format.js";
import { code, t } from "./i18n.js";
import { countdown, empty, more, MOST, panel, pill, ticking } from "./parts.js";
import { breakWords, centreName, occupancy } from "./words.js";

const ORDER = ["ringing", "offered", "talking", "wrap_up", "available", "rest", "break", "offline"];

export function seatsPanel(store) {
  const seats = [...store.seats.values()].sort((a, b) => ORDER.indexOf(a.state) - ORDER.indexOf(b.state) || a.id.localeCompare(b.id));
  const centres = new Set(seats.map((seat) => seat.centre));
  if (!seats.length) return panel("seats", t("ui.seats"), null, empty(t("ui.seats.none")));
  return panel("seats", t("ui.seats"), h("span.quiet", {}, seats.length),
    h("ul.seats", {}, seats.slice(0, MOST).map((seat) => card(store, seat, centres.size > 1))), more(seats));
}

function card(store, seat, withCentre) {
  const why = seat.reason && ["break", "offline"].includes(seat.state) ? breakWords(store, seat.reason) : null;
  const kind = seat.kind === "agent" ? null : code("seat.kind", seat.kind);
  return h("li.seat", { "data-key": seat.id, "data-state": seat.state, "data-mine": store.you?.seat === seat.id },
    h("div.seat-head", {},
      h("div", {}, h("b", { title: seat.name }, seat.name), seat.name.includes(seat.id) ? null : h("span.quiet", {}, seat.id)),
      pill("seat.state", seat.state)),
    h("div.seat-body", {},
      h("span", {}, seat.since ? ticking(seat.since) : t("ui.seats.never"), why ? ` · ${why}` : ""),
      seat.deadline ? h("span.quiet", {}, `${t("ui.pop.left")} `, countdown(seat.deadline)) : null,
      seat.wanted ? h("span.quiet", {}, t("ui.me.wanted"), code("seat.state", seat.wanted)) : null,
      seat.call ? h("a", { href: `#/call/${seat.call}` }, t("ui.pop.open")) : null),
    kind || !seat.on_duty ? h("p.seat-tags", {}, kind ? h("span.badge", {}, kind) : null, seat.on_duty ? null : h("span.badge.warn", { title: t("ui.seats.off.long") }, t("ui.seats.off"))) : null,
    seat.skills.length ? h("p.skills", {}, seat.skills.map((skill) => h("span.skill", {}, `${code("skill", skill.name)} ${skill.level}`))) : null,
    workedLine(seat, withCentre ? centreName(store, seat.centre) : ""),
    store.may("seats") ? menu(seat) : null);
}

/** "鹿城区 · 已接 21 通 · 占用率 62%". */
export function workedLine(seat, centre = "") {
  const share = occupancy(seat, now());
  const worked = share === null ? "" : t("ui.seats.worked", { n: seat.taken, share: percent(share) });
  const told = [centre, worked].filter(Boolean).join(" · ");
  return told ? h("p.quiet.small", { title: worked ? t("ui.seats.occupancy.long") : null }, told) : null;
}

function menu(seat) {
  const order = (state, label) => h("button", { "data-do": "order-seat", "data-id": seat.id, "data-state": state, "data-key": `to-${state}` }, label);
  return h("details.menu", { "data-key": "menu" },
    h("summary", {}, t("ui.seats.change")),
    h("div.buttons", {},
      seat.state === "available" ? null : order("available", t(seat.state === "wrap_up" ? "ui.me.done" : seat.state === "offline" ? "ui.me.in" : "ui.me.available")),
      seat.state === "break" ? null : order("break", t("ui.me.break.button")),
      seat.state === "offline" ? null : order("offline", t("ui.me.out")),
      ["offline", "break", "rest"].includes(seat.state) ? null : h("button", { "data-do": "rest-seat", "data-id": seat.id, "data-key": "rest" }, t("ui.rest.button")),
      h("button.danger-text", { "data-do": "reset-seat", "data-id": seat.id, "data-key": "reset" }, t("ui.reset.button"))));
}
