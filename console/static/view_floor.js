// The floor: calls, seats, waiting callers, drafts.

import { h } from "./dom.js";
import { span } from "./format.js";
import { code, t } from "./i18n.js";
import { countdown, empty, number, panel, pill, seatWords, ticking, whenShort } from "./parts.js";

const MOST = 200;
const ORDER = ["ringing", "offered", "talking", "wrap_up", "available", "break", "offline"];

const more = (rows) => (rows.length > MOST ? h("p.quiet.pad", {}, t("ui.more", { n: rows.length - MOST })) : null);

export function callsPanel(store, view) {
  const tab = (name, key) =>
    h("button.tab", { "data-do": "tab", "data-tab": name, role: "tab", "aria-selected": String(view.tab === name), id: `tab-${name}`, "aria-controls": "calls-body" }, t(key));
  const tabs = h("div.tabs", { role: "tablist", "aria-label": t("ui.calls") }, tab("live", "ui.calls.live"), tab("past", "ui.calls.past"));
  return panel("calls", t("ui.calls"), tabs,
    h("div", { id: "calls-body", role: "tabpanel", "aria-labelledby": `tab-${view.tab}` },
      view.tab === "live" ? liveTable(store, view) : pastTable(store, view)));
}

function liveTable(store, view) {
  const rows = store.liveCalls();
  if (!rows.length) return empty(t("ui.calls.none"));
  return [
    table(["state", "caller", "region", "dialled", "seat", "arrived", "elapsed"], rows.slice(0, MOST).map((call) => row(call, view, [
      cell("state", pill("call.state", call.state)),
      cell("caller", opener(call)),
      cell("region", call.caller.region?.name ?? "–"),
      cell("dialled", call.dialled),
      cell("seat", seatName(store, call.seat)),
      cell("arrived", whenShort(call.arrived_at)),
      cell("elapsed", ticking(stateSince(call))),
    ]))),
    more(rows),
  ];
}

/** When the present state began, as far as the call tells. */
function stateSince(call) {
  if (call.state === "wrap_up") return call.ended_at ?? call.arrived_at;
  if (call.state === "talking") return call.joined_at ?? call.arrived_at;
  return call.arrived_at;
}

function pastTable(store, view) {
  const { items, next, loaded, error } = store.past;
  if (error) return h("p.error.pad", { role: "alert" }, error);
  if (!loaded && !items.length) return empty(t("ui.detail.loading"));
  if (!items.length) return empty(t("ui.calls.past.none"));
  return [
    table(["outcome", "caller", "region", "dialled", "seat", "arrived", "elapsed"], items.map((call) => row(call, view, [
      cell("state", h("span.pill", { "data-state": call.outcome === "served" ? "served" : "missed" }, h("span.dot", { "aria-hidden": "true" }), code("outcome", call.outcome) || "–")),
      cell("caller", opener(call)),
      cell("region", call.caller.region?.name ?? "–"),
      cell("dialled", call.dialled),
      cell("seat", seatName(store, call.seat)),
      cell("arrived", whenShort(call.arrived_at)),
      cell("elapsed", call.ended_at ? span(call.ended_at - call.arrived_at) : "–"),
    ]))),
    next ? h("button.wide", { "data-do": "more-past" }, t("ui.calls.more")) : null,
  ];
}

const table = (columns, rows) =>
  h("div.scroll", {}, h("table", {},
    h("thead", {}, h("tr", {}, columns.map((name) => h("th", { scope: "col", class: `c-${name}` }, t(`ui.col.${name}`))))),
    h("tbody", {}, rows)));

const row = (call, view, cells) =>
  h("tr", { "data-key": call.id, "data-do": "open-call", "data-id": call.id, "aria-current": view.call === call.id ? "true" : null }, cells);

const cell = (name, content) => h(`td.c-${name === "state" ? "state" : name}`, {}, content);

const opener = (call) => h("a", { href: `#/call/${call.id}` }, number(call.caller));

const seatName = (store, id) => {
  if (!id) return h("span.quiet", {}, "–");
  const seat = store.seats.get(id);
  return seat ? seatWords(seat) : id;
};

export function seatsPanel(store) {
  const seats = [...store.seats.values()].sort((a, b) => ORDER.indexOf(a.state) - ORDER.indexOf(b.state) || a.id.localeCompare(b.id));
  const centres = new Set(seats.map((seat) => seat.centre));
  if (!seats.length) return panel("seats", t("ui.seats"), null, empty(t("ui.seats.none")));
  return panel("seats", t("ui.seats"), h("span.quiet", {}, seats.length),
    h("ul.seats", {}, seats.slice(0, MOST).map((seat) => seatCard(store, seat, centres.size > 1))), more(seats));
}

function seatCard(store, seat, withCentre) {
  const reason = seat.reason && ["break", "offline"].includes(seat.state) ? code("break", seat.reason) : null;
  return h("li.seat", { "data-key": seat.id, "data-state": seat.state, "data-mine": store.you?.seat === seat.id },
    h("div.seat-head", {},
      h("div", {}, h("b", { title: seat.name }, seat.name), seat.name.includes(seat.id) ? null : h("span.quiet", {}, seat.id)),
      pill("seat.state", seat.state)),
    h("div.seat-body", {},
      withCentre ? h("span.quiet", {}, seat.centre) : null,
      h("span", {}, ticking(seat.since), reason ? ` · ${reason}` : ""),
      seat.deadline ? h("span.quiet", {}, `${t("ui.pop.left")} `, countdown(seat.deadline)) : null,
      seat.wanted ? h("span.quiet", {}, t("ui.me.wanted"), code("seat.state", seat.wanted)) : null,
      seat.call ? h("a", { href: `#/call/${seat.call}` }, t("ui.pop.open")) : null),
    seat.skills.length ? h("p.skills", {}, seat.skills.map((skill) => h("span.skill", {}, `${code("skill", skill.name)} ${skill.level}`))) : null,
    store.may("seats") ? seatMenu(seat) : null);
}

function seatMenu(seat) {
  const order = (state, reason, label) => h("button", { "data-do": "order-seat", "data-id": seat.id, "data-state": state, "data-reason": reason }, label);
  return h("details.menu", {},
    h("summary", {}, t("ui.seats.change")),
    h("div.buttons", {},
      order("available", null, seat.state === "wrap_up" ? t("ui.me.done") : t("ui.me.available")),
      order("break", "other", t("ui.me.break.button")),
      order("offline", null, t("ui.me.offline.button"))));
}

export function waitingPanel(store) {
  const line = store.inLine();
  return panel("waiting", t("ui.waiting"), h("span.quiet", {}, line.length),
    line.length
      ? h("ol.rows", {}, line.slice(0, MOST).map((one, rank) => {
          const call = store.calls.get(one.call);
          return h("li", { "data-key": one.call },
            h("span.rank", {}, rank + 1),
            h("a.grow", { href: `#/call/${one.call}` }, call ? number(call.caller) : one.call,
              h("span.quiet.block", {}, demand(one.demand), one.priority ? ` · ${t("ui.waiting.priority", { n: one.priority })}` : "")),
            ticking(one.since));
        }))
      : empty(t("ui.waiting.none")),
    more(line));
}

/** "putonghua ≥ 3, enterprise" in the reader's words. */
const demand = (text) => text.split(/,\s*/).map((part) => part.replace(/^[\w-]+/, (name) => code("skill", name))).join(" · ");

export function draftsPanel(store) {
  const drafts = store.newestDrafts();
  const none = store.may("words") ? "ui.drafts.none" : "ui.drafts.none.seat";
  return panel("drafts", t("ui.drafts"), h("span.quiet", {}, drafts.length || ""),
    drafts.length
      ? h("ul.rows", {}, drafts.slice(0, 50).map((draft) => h("li", { "data-key": draft.id },
          h("a.grow", { href: draft.call ? `#/call/${draft.call}` : `#/draft/${draft.id}` }, draft.title || t("ui.detail.draft"),
            h("span.quiet.block", {}, [draft.kind && code("draft.kind", draft.kind), draft.region_name, code("draft.state", draft.state)].filter(Boolean).join(" · "))),
          draft.uncertain.length ? h("span.badge.warn", {}, t("ui.drafts.check", { n: draft.uncertain.length })) : null,
          h("span.quiet", {}, whenShort(draft.created_at)))))
      : empty(t(none)));
}
