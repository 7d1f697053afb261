// Every centre at a glance, for those who steer.

import { h } from "./dom.js";
import { t } from "./i18n.js";
import { empty, panel, ticking } from "./parts.js";

const MOST = 120;

export function centresPanel(store) {
  if (!store.may("steer") || store.centres.length < 2) return null;
  const rows = store.centres.filter((one) => one.seats || one.waiting || one.overflow_out).slice(0, MOST);
  const idle = store.centres.length - rows.length;
  const head = ["centre", "signed", "free", "talking", "waiting", "in", "out"];
  return panel("centres", t("ui.centres"), h("span.quiet", {}, store.centres.length),
    rows.length
      ? h("div.scroll", {}, h("table.dense", {},
          h("thead", {}, h("tr", {}, head.map((name) => h("th", { scope: "col", title: t(`ui.centres.${name}.long`) }, t(`ui.centres.${name}`))))),
          h("tbody", {}, rows.map((one) => row(store, one)))))
      : empty(t("ui.centres.none")),
    rows.length && idle ? h("p.quiet.small.pad", {}, t("ui.centres.idle", { n: idle })) : null);
}

function row(store, one) {
  const depth = depthOf(store, one);
  const number = (value, tone) => h("td", {}, value ? h("b", { "data-tone": tone }, value) : h("span.quiet", {}, "0"));
  return h("tr", { "data-key": one.code },
    h("th", { scope: "row", class: `depth-${Math.min(depth, 3)}`, title: one.code }, one.name,
      one.capacity !== null ? h("span.quiet.small.block", {}, t("ui.centres.capacity", { n: one.capacity })) : null),
    h("td", {}, one.signed_in, h("span.quiet", {}, `/${one.seats}`)),
    number(one.free, "good"), number(one.talking, "talk"),
    h("td", {}, one.waiting ? h("b", { "data-tone": "warn" }, one.waiting) : h("span.quiet", {}, "0"),
      one.longest ? h("span.quiet.small.block", {}, ticking(one.longest)) : null),
    number(one.overflow_in), number(one.overflow_out));
}

function depthOf(store, one) {
  let depth = 0;
  for (let at = one; at?.parent && depth < 4; at = store.centres.find((other) => other.code === at.parent)) depth += 1;
  return depth;
}
