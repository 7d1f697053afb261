// The restriction list (限制名单): who is turned away, by whose word, until when; what waits for a second person.

import { h } from "./dom.js";
import { listComma, shortDayAndMinute, spaced } from "./format.js";
import { code, t } from "./i18n.js";
import { empty, whenShort } from "./parts.js";

export const freshRestrictions = () => ({ tab: "open", pages: { open: { items: [], loaded: false }, closed: { items: [], loaded: false } }, counts: null, whole: new Map(), busy: "" });

/** The way there, on the bar under the head: with what waits for somebody. */
export function restrictionsLink(store, view) {
  if (!store.may("restrictions")) return null;
  const waiting = (view.restrictions.counts?.proposed ?? 0) + (view.restrictions.counts?.review_due ?? 0);
  return h("a.button.small-button.to-restrictions", { href: "#/restrictions", "data-do": "to-restrictions", "data-key": "to-restrictions" },
    t(waiting ? "ui.restrictions.nav" : "ui.restrictions", { n: waiting }));
}

export function restrictionsPage(store, view) {
  const { tab, pages, counts } = view.restrictions;
  const page = pages[tab];
  const choose = (name) => h("button.tab", { "data-do": "restrictions-tab", "data-tab": name, role: "tab", "aria-selected": String(tab === name), id: `tab-rs-${name}`, "aria-controls": "restrictions-body" },
    t(name === "open" ? "ui.restrictions.open" : "ui.restrictions.closed"));
  return h("section.panel.restrictions", { "data-key": "restrictions", "aria-labelledby": "restrictions-title" },
    h("header", {}, h("h2", { id: "restrictions-title" }, t("ui.restrictions")),
      h("div.panel-tools", {},
        store.may("restrict") ? h("button.small-button", { "data-do": "restrict-number", "data-key": "add" }, t("ui.restrictions.add")) : null,
        h("a.button.small-button", { href: "#/", "data-do": "to-floor", "data-key": "to-floor" }, t("ui.restrictions.back")))),
    h("div.restrictions-tools", { "data-key": "tools" },
      h("p.quiet", {}, t("ui.restrictions.lead")),
      h("div.spread", {},
        h("div.tabs", { role: "tablist", "aria-label": t("ui.restrictions") }, choose("open"), choose("closed")),
        counts ? h("p.counts", {},
          h("span", { class: counts.proposed ? "badge warn" : "badge" }, t("ui.restrictions.count.proposed", { n: counts.proposed })), " ",
          h("span.badge", {}, t("ui.restrictions.count.active", { n: counts.active })), " ",
          h("span", { class: counts.review_due ? "badge warn" : "badge" }, t("ui.restrictions.count.due", { n: counts.review_due }))) : null)),
    h("div", { id: "restrictions-body", role: "tabpanel", "aria-labelledby": `tab-rs-${tab}`, "data-key": "body" }, body(store, view, page)));
}

function body(store, view, page) {
  const { tab } = view.restrictions;
  if (page.error) return h("p.error.pad", { role: "alert" }, page.error);
  if (!page.loaded) return empty(t("ui.detail.loading"));
  if (!page.items.length) return empty(t(tab === "open" ? "ui.restrictions.open.none" : "ui.restrictions.closed.none"));
  return [
    h("ul.rows.restricted", {}, page.items.map((one) => row(store, view, one))),
    page.next ? h("button.wide", { "data-do": "more-restrictions" }, t("ui.restrictions.more")) : null,
  ];
}

const fact = (name, ...value) => h("div", {}, h("dt", {}, name), h("dd", {}, value));
const round = (days) => String(Math.round(days * 100) / 100);

function row(store, view, one) {
  const whole = view.restrictions.whole.get(one.id);
  return h("li", { "data-key": one.id, "data-state": one.state },
    h("div.grow", {},
      h("p.restricted-head", {},
        h("b.number", {}, whole ? spaced(whole) : one.number),
        !whole && store.may("numbers") ? h("button.link", { "data-do": "restriction-whole", "data-id": one.id }, t("ui.restrictions.whole")) : null,
        h("span.pill", { "data-state": `rs-${one.state}` }, h("span.dot", { "aria-hidden": "true" }), code("restriction.state", one.state)),
        one.review_due ? h("span.badge.warn", {}, t(one.appealed_at ? "ui.restrictions.appealed" : "ui.restrictions.review.due")) : null,
        one.variant === "announce" ? null : h("span.badge", {}, code("restriction.variant", one.variant))),
      h("dl.facts", {},
        fact(t("ui.restrictions.col.why"), h("b", {}, code("restriction.reason", one.reason)), one.note ? h("span", { lang: "zh" }, ` ${one.note}`) : null),
        fact(t("ui.restrictions.col.time"), time(one)),
        one.begins_at ? fact(t("ui.restrictions.col.hits"), one.hits
          ? [t("ui.restrictions.hits", { n: one.hits }), h("span.quiet", {}, ` ${t("ui.restrictions.hits.last", { at: shortDayAndMinute(one.last_hit) })}`)]
          : h("span.quiet", {}, t("ui.restrictions.hits.none"))) : null,
        one.calls.length ? fact(t("ui.restrictions.evidence"), one.calls.flatMap((call, place) => [place ? listComma() : "", h("a", { href: `#/call/${call}` }, call)])) : null),
      h("details.menu", { "data-key": "history" }, h("summary", {}, t("ui.restrictions.history")),
        h("ol.history", {}, one.marks.map((mark) => h("li", {}, h("span.quiet", {}, whenShort(mark.at)), " ", h("b", {}, mark.who ?? t("ui.restrictions.itself")), " ",
          code("restriction.mark", mark.what), mark.note ? h("span.quiet", {}, ` ${mark.note}`) : null))))),
    store.may("restrict") ? h("div.buttons", {}, buttons(view, one)) : null);
}

function time(one) {
  const parts = [t("ui.restrictions.days", { n: round(one.days) })];
  if (one.ended_at) parts.push(t("ui.restrictions.ended", { at: shortDayAndMinute(one.ended_at) }));
  else if (one.until) parts.push(t("ui.restrictions.until", { at: shortDayAndMinute(one.until) }));
  if (one.state === "active" && one.review_at && !one.review_due) parts.push(t("ui.restrictions.review.at", { at: shortDayAndMinute(one.review_at) }));
  return [parts.join(" · "), h("span.quiet.small.block", {}, t("ui.restrictions.by", { who: one.proposed_by, at: shortDayAndMinute(one.proposed_at) }))];
}

function buttons(view, one) {
  const act = (what, label, kind = "") => h(`button.small-button${kind}`, { "data-do": "restriction-act", "data-what": what, "data-id": one.id, "data-key": what }, label);
  const bundle = h("button.small-button", { "data-do": "restriction-bundle", "data-id": one.id, "data-key": "bundle", disabled: view.restrictions.busy === one.id }, t("ui.restrictions.bundle"));
  if (one.state === "proposed") {
    return [
      one.own ? h("span.quiet.small", {}, t("ui.restrictions.own")) : [act("confirm", t("ui.restrictions.confirm"), ".primary"), act("reject", t("ui.restrictions.reject"))],
      act("lift", t("ui.restrictions.withdraw")), bundle,
    ];
  }
  if (one.state !== "active") return [bundle];
  return [
    one.review_due && !one.own ? act("keep", t("ui.restrictions.keep"), ".primary") : null,
    act("lift", t("ui.restrictions.lift")),
    one.appealed_at ? null : act("appeal", t("ui.restrictions.appeal")), bundle,
  ];
}
