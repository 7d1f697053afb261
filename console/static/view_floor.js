// The floor: calls and drafts.

import { h } from "./dom.js";
import { span } from "./format.js";
import { code, t } from "./i18n.js";
import { isOpen } from "./parties.js";
import { empty, more, MOST, number, panel, pill, seatWords, ticking, two, whenShort } from "./parts.js";

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

const GOOD = ["served", "answered", "reached"];

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
      cell("state", h("span.pill", { "data-state": GOOD.includes(call.outcome) ? "served" : "missed" }, h("span.dot", { "aria-hidden": "true" }), code("outcome", call.outcome) || "–")),
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
  h("div.scroll", {}, h("table.stack.calls", {},
    h("thead", {}, h("tr", {}, columns.map((name) => h("th", { scope: "col", class: `c-${name}` }, t(`ui.col.${name}`))))),
    h("tbody", {}, rows)));

const row = (call, view, cells) =>
  h("tr", { "data-key": call.id, "data-do": "open-call", "data-id": call.id, "aria-current": view.call === call.id ? "true" : null }, cells);

const cell = (name, content) => h(`td.c-${name === "state" ? "state" : name}`, {}, content);

const opener = (call) => [h("a", { href: `#/call/${call.id}` }, number(call.caller)),
  (call.parties ?? []).filter((party) => party.emergency && isOpen(party)).map((party) => h("span.badge.bad", { title: code("party.state", party.state) }, party.target.id)),
  call.held ? h("span.badge.warn", {}, t("ui.held.short")) : null,
  call.origin ? h("span.badge", { title: t("ui.origin") }, two(call.origin.label)) : null,
  call.direction === "out" ? h("span.badge", { title: t("ui.calls.out.long") }, t("ui.calls.out")) : null];

const seatName = (store, id) => {
  if (!id) return h("span.quiet", {}, "–");
  const seat = store.seats.get(id);
  return seat ? seatWords(seat) : id;
};

/** A badge for a draft whose words are awaited, or came late; null for others. */
export function lateness(draft) {
  if (draft.note === "waiting") return h("span.badge.warn", { "data-late": "waiting" }, t("ui.drafts.waiting"));
  if (draft.late === null || draft.late === undefined) return null;
  return h("span.badge", { "data-late": "late", title: t("ui.drafts.late.hint", { n: Math.round(draft.late) }) }, t("ui.drafts.late"));
}

export function draftsPanel(store) {
  const drafts = store.newestDrafts();
  const none = store.may("words") ? "ui.drafts.none" : "ui.drafts.none.seat";
  return panel("drafts", t("ui.drafts"), h("span.quiet", {}, drafts.length || ""),
    drafts.length
      ? h("ul.rows", {}, drafts.slice(0, 50).map((draft) => h("li", { "data-key": draft.id },
          h("a.grow", { href: draft.call ? `#/call/${draft.call}` : `#/draft/${draft.id}` }, draft.title || t("ui.detail.draft"),
            h("span.quiet.block", {}, [draft.kind && code("draft.kind", draft.kind), draft.region_name, code("draft.state", draft.state)].filter(Boolean).join(" · "))),
          lateness(draft),
          draft.uncertain.length ? h("span.badge.warn", {}, t("ui.drafts.check", { n: draft.uncertain.length })) : null,
          h("span.quiet", {}, whenShort(draft.created_at)))))
      : empty(t(none)));
}
