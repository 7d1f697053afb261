// The callback list (回拨, 回访): who is to be called, when next, how it went so far.

import { h } from "./dom.js";
import { listComma, now, span } from "./format.js";
import { code, t } from "./i18n.js";
import { empty, number, panel, whenShort } from "./parts.js";

export function callbacksPanel(store, view) {
  const shown = view.callbacks;
  const page = store.callbackPages[shown];
  const tab = (name) => h("button.tab", { "data-do": "callback-tab", "data-tab": name, role: "tab", "aria-selected": String(shown === name), id: `tab-cb-${name}`, "aria-controls": "callbacks-body" },
    t(`ui.callbacks.${name}`), name === "open" && store.callbacksOpen ? ` ${store.callbacksOpen}` : "");
  const tools = h("div.panel-tools", {},
    h("div.tabs", { role: "tablist", "aria-label": t("ui.callbacks") }, tab("open"), tab("closed")),
    store.may("callbacks") ? h("button.small-button", { "data-do": "add-callback", "data-key": "add-callback" }, t("ui.callbacks.add")) : null);
  return panel("callbacks", t("ui.callbacks"), tools,
    h("div", { id: "callbacks-body", role: "tabpanel", "aria-labelledby": `tab-cb-${shown}` }, body(store, shown, page)));
}

function body(store, shown, page) {
  if (page.error) return h("p.error.pad", { role: "alert" }, page.error);
  const rows = store.callbackList(shown === "open");
  if (!page.loaded && !rows.length) return empty(t("ui.detail.loading"));
  if (!rows.length) return empty(t(`ui.callbacks.${shown}.none`));
  const head = ["callee", "reason", "state", "attempts", shown === "open" ? "next" : "ended", "act"];
  return [
    h("div.scroll", {}, h("table.stack.callbacks", {},
      h("thead", {}, h("tr", {}, head.map((name) => h("th", { scope: "col", class: `c-${name}` }, name === "act" ? h("span.unseen", {}, t("ui.col.act")) : t(`ui.col.${name}`))))),
      h("tbody", {}, rows.map((one) => row(store, one, shown))))),
    page.next ? h("button.wide", { "data-do": "more-callbacks" }, t("ui.callbacks.more")) : null,
  ];
}

function row(store, one, shown) {
  const reasons = [one.reason, ...one.also].map((reason) => code("callback.reason", reason));
  const call = one.call ?? one.origin;
  return h("tr", { "data-key": one.id },
    h("td.c-callee", {}, call ? h("a", { href: `#/call/${call}` }, number({ number: one.number, masked: one.masked })) : number({ number: one.number, masked: one.masked }),
      one.do_not_disturb ? h("span.badge.warn", {}, t("ui.callbacks.dnd")) : null),
    h("td.c-reason", {}, [...new Set(reasons)].join(listComma())),
    h("td.c-state", {}, h("span.pill", { "data-state": `cb-${one.state}` }, h("span.dot", { "aria-hidden": "true" }), code("callback.state", one.state))),
    h("td.c-attempts", {}, h("span", { title: t("ui.callbacks.attempts", { n: one.attempts }) }, `${one.attempts}${one.attempts_limit ? `/${one.attempts_limit}` : ""}`),
      one.last_outcome ? h("span.quiet", {}, ` ${code("callback.outcome", one.last_outcome)}`) : null),
    h("td.c-next", {}, shown === "open" ? nextTry(one) : whenShort(one.created_at)),
    h("td.c-act", {}, store.may("steer") ? action(one) : null));
}

function nextTry(one) {
  if (one.state === "running") return t("ui.callbacks.now");
  if (one.do_not_disturb && one.reason !== "queue") return h("span.quiet", {}, t("ui.callbacks.never"));
  if (!one.next_try || one.next_try <= now()) return t("ui.callbacks.free");
  return h("span", {}, whenShort(one.next_try), h("span.quiet.small.block", {}, t("ui.callbacks.in", { time: span(one.next_try - now()) })));
}

function action(one) {
  if (one.state === "open") return h("button.small-button", { "data-do": "cancel-callback", "data-id": one.id }, t("ui.callbacks.cancel"));
  if (["cancelled", "given_up", "expired"].includes(one.state)) return h("button.small-button", { "data-do": "reopen-callback", "data-id": one.id }, t("ui.callbacks.reopen"));
  return null;
}
