// The hotline directory (联动热线名录): whom a call can be connected with, what each takes, and why one cannot be rung.

import { h } from "./dom.js";
import { listComma, shortDayAndMinute } from "./format.js";
import { code, t } from "./i18n.js";
import { empty, two, worded } from "./parts.js";
import { mayArrange } from "./parties.js";

const FEW = 3;
export const KINDS = ["emergency", "hotline", "utility", "centre", "unit", "social"];

/** Everything of an entry that a search may hit, in lower case; `not`: what it does not take, too. */
export const haystack = (entry, not = false) => [
  entry.id, entry.name.zh, entry.name.en, ...entry.numbers, code("directory.kind", entry.kind),
  ...entry.matters.filter((matter) => matter.takes || not).flatMap((matter) => [matter.text.zh, matter.text.en, ...matter.codes]),
].join(" ").toLowerCase();

export const words = (text) => text.toLowerCase().split(/\s+/).filter(Boolean);
export const hits = (hay, sought) => sought.every((word) => hay.includes(word));

/** Whether, and why not. */
export const stateOf = (entry) => (entry.enabled ? "ready" : (entry.reason ?? "no-trunk"));

export function directoryPage(store, view) {
  const { text, kind } = view.directory;
  const { items, loaded, error } = store.directory;
  const sought = words(text);
  // Who takes the matter comes first; then who does not and says whose it is.
  const found = items.filter((entry) => hits(haystack(entry, true), sought))
    .sort((a, b) => Number(hits(haystack(b), sought)) - Number(hits(haystack(a), sought)));
  const shown = found.filter((entry) => !kind || entry.kind === kind);
  const kinds = [...KINDS, ...new Set(items.map((entry) => entry.kind).filter((one) => !KINDS.includes(one)))].filter((one) => items.some((entry) => entry.kind === one));
  const chip = (one, label, n) => h("button.chip", { "data-do": "directory-kind", "data-kind": one, "data-key": `kind-${one}`, "aria-pressed": String(kind === one) }, label, h("span.quiet", {}, ` ${n}`));
  return h("section.panel.directory", { "data-key": "directory", "aria-labelledby": "directory-title" },
    h("header", {}, h("h2", { id: "directory-title" }, t("ui.directory")),
      h("a.button.small-button", { href: "#/", "data-do": "to-floor", "data-key": "to-floor" }, t("ui.directory.back"))),
    h("div.directory-tools", { "data-key": "tools" },
      h("input", { id: "directory-search", type: "search", "data-do-input": "directory-search", "data-key": "search", placeholder: t("ui.directory.search"), "aria-label": t("ui.directory.search"), autocomplete: "off", spellcheck: "false" }),
      h("div.chips", { role: "group", "aria-label": t("ui.directory.kind"), "data-key": "kinds" },
        chip("", t("ui.directory.all"), found.length), kinds.map((one) => chip(one, code("directory.kind", one), found.filter((entry) => entry.kind === one).length)))),
    h("p.unseen", { role: "status", "data-key": "count" }, t("ui.directory.found", { n: shown.length })),
    error ? h("p.error.pad", { role: "alert", "data-key": "error" }, error) : null,
    !loaded && !error ? h("div", { "data-key": "empty" }, empty(t("ui.detail.loading")))
      : shown.length ? table(store, shown, sought) : h("div", { "data-key": "empty" }, empty(t(items.length ? "ui.directory.nothing" : "ui.directory.none"))));
}

function table(store, entries, sought) {
  const call = store.you.seat ? store.myCall() : null;
  const act = call && call.state === "talking" && mayArrange(store, call) ? call : null;
  const head = ["name", "kind", "numbers", "state", "matters", "fallback"];
  return h("div.scroll", { "data-key": "table" }, h("table.stack.entries", {},
    h("thead", {}, h("tr", {}, head.map((name) => h("th", { scope: "col", class: `d-${name}` }, HEAD[name]())), act ? h("th", { scope: "col" }, h("span.unseen", {}, t("ui.col.act"))) : null)),
    h("tbody", {}, entries.map((entry) => row(store, entry, sought, act)))));
}

const HEAD = {
  name: () => t("ui.directory.name"),
  kind: () => t("ui.directory.kind"),
  numbers: () => t("ui.directory.numbers"),
  state: () => t("ui.col.state"),
  matters: () => t("ui.directory.matters"),
  fallback: () => t("ui.directory.fallback"),
};

function row(store, entry, sought, call) {
  const state = stateOf(entry);
  const fallback = entry.fallback ? store.entry(entry.fallback) : null;
  return h("tr", { "data-key": entry.id, "data-entry": entry.id, "data-enabled": String(entry.enabled) },
    h("th.d-name", { scope: "row" }, worded(entry.name), entry.context ? h("span.quiet.small.block", {}, t("ui.directory.context")) : null),
    h("td.d-kind", {}, h("span", { class: entry.emergency ? "badge bad" : "badge" }, code("directory.kind", entry.kind))),
    h("td.d-numbers", {}, entry.numbers.map((number) => h("span.number.block", {}, number)),
      entry.digit ? h("span.quiet.small.block", {}, t("ui.directory.digit", { digit: entry.digit })) : null),
    h("td.d-state", {}, h("span.pill", { "data-state": `entry-${state}` }, h("span.dot", { "aria-hidden": "true" }), state === "ready" ? t("ui.directory.ready") : code("directory.reason", state)),
      entry.changes_at && state !== "no-trunk" ? h("span.quiet.small.block", {}, t(entry.open ? "ui.directory.until" : "ui.directory.opens", { at: shortDayAndMinute(entry.changes_at) })) : null),
    h("td.d-matters", {}, matters(store, entry, sought)),
    h("td.d-fallback", {}, entry.fallback ? (fallback ? worded(fallback.name) : entry.fallback) : h("span.quiet", {}, "–")),
    call ? h("td.d-act", {}, h("button.small-button", { "data-do": "pick", "data-id": call.id, "data-how": "consult", "data-target": `entry:${entry.id}`, disabled: !entry.enabled, "data-key": `pick-${entry.id}` }, t("ui.directory.call"))) : null);
}

function matters(store, entry, sought) {
  const takes = entry.matters.filter((matter) => matter.takes);
  const not = entry.matters.filter((matter) => !matter.takes);
  const hit = (matter) => sought.length > 0 && sought.some((word) => `${matter.text.zh} ${matter.text.en}`.toLowerCase().includes(word));
  const first = [...takes].sort((a, b) => Number(hit(b)) - Number(hit(a)));
  const line = (list) => list.flatMap((matter, place) => [place ? listComma() : "", hit(matter) ? h("mark", {}, worded(matter.text)) : worded(matter.text)]);
  if (!entry.matters.length) return h("span.quiet", {}, "–");
  const notThis = (matter) => h("p.small", {}, h("b", {}, t("ui.directory.not")), " ", line([matter]),
    matter.other ? h("span.quiet", {}, " → ", store.entry(matter.other) ? worded(store.entry(matter.other).name) : matter.other) : null);
  const more = takes.length > FEW || not.length;
  return [
    takes.length ? h("p", {}, line(first.slice(0, FEW)), takes.length > FEW ? h("span.quiet", {}, ` ${t("ui.directory.of", { n: takes.length })}`) : null) : null,
    more ? h("details.menu", { "data-key": "matters" }, h("summary", {}, t("ui.directory.who")),
      takes.length ? h("p.small", {}, h("b", {}, t("ui.directory.takes")), " ", line(first)) : null,
      not.map(notThis)) : null,
    not.filter(hit).map(notThis),
  ];
}
