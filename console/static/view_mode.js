// The operating mode (Art. 29), always in sight, and the known incidents.

import { h } from "./dom.js";
import { dayAndClock, listComma, shortDayAndClock } from "./format.js";
import { code, current, t } from "./i18n.js";
import { empty, panel, whenShort } from "./parts.js";
import { restrictionsLink } from "./view_restrictions.js";

/** One line under the top bar: which mode, since when, by whom, why; and the way to another one. */
export function modeBar(store, view) {
  const { mode } = store;
  if (!mode) return h("div.modebar", { "data-key": "mode", "data-mode": "unknown" }, h("span.quiet", {}, t("ui.mode.unknown")), restrictionsLink(store, view),
    h("a.button.small-button.to-directory", { href: "#/directory", "data-do": "to-directory", "data-key": "to-directory" }, t("ui.directory")));
  const facts = [
    mode.since ? t("ui.mode.since", { at: shortDayAndClock(mode.since) }) : null,
    mode.by ? code("mode.by", mode.by) : null,
    mode.reason,
  ].filter(Boolean);
  return h("section.modebar", { "data-key": "mode", "data-mode": mode.mode, "aria-label": t("ui.mode") },
    h("span.mode-name", {}, h("span.dot", { "aria-hidden": "true" }), h("span.quiet", {}, t("ui.mode")), " ", h("b", {}, code("mode", mode.mode))),
    h("span.mode-facts", { title: mode.since ? dayAndClock(mode.since) : null }, facts.length ? facts.join(" · ") : code("mode.about", mode.mode)),
    h("span.quiet.mode-auto", {}, t(mode.automatic ? "ui.mode.auto.on" : "ui.mode.auto.off")),
    mode.incidents.length ? h("a.badge.warn", { href: "#incidents-title", "data-do": "to-incidents" }, t("ui.incidents.count", { n: mode.incidents.length })) : null,
    restrictionsLink(store, view),
    h("a.button.small-button.to-directory", { href: "#/directory", "data-do": "to-directory", "data-key": "to-directory" }, t("ui.directory")),
    store.may("steer") ? h("button.small-button", { "data-do": "switch-mode", "data-key": "switch-mode" }, t("ui.mode.switch")) : null);
}

export function incidentsPanel(store) {
  const incidents = store.mode?.incidents ?? [];
  const steer = store.may("steer");
  if (!incidents.length && !steer) return null;
  return panel("incidents", t("ui.incidents"),
    steer ? h("button.small-button", { "data-do": "add-incident", "data-key": "add-incident" }, t("ui.incidents.add")) : h("span.quiet", {}, incidents.length),
    incidents.length
      ? h("ul.rows", {}, incidents.map((one) => h("li", { "data-key": one.id },
          h("div.grow", {},
            h("b", {}, one.regions.map((place) => place.name).join(listComma())), " ",
            one.until ? h("span.quiet", {}, t("ui.incidents.until"), " ", whenShort(one.until)) : h("span.quiet", {}, t("ui.incidents.open")),
            h("p", {}, one.text[current()] || one.text.zh),
            h("span.quiet.small.block", {}, [one.since ? shortDayAndClock(one.since) : null, one.by].filter(Boolean).join(" · "))),
          steer && !one.fixed ? h("button.small-button", { "data-do": "end-incident", "data-id": one.id }, t("ui.incidents.end")) : null,
          one.fixed ? h("span.badge", {}, t("ui.incidents.fixed")) : null)))
      : empty(t("ui.incidents.none")));
}
