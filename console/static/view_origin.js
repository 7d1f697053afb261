// A call that came from another hotline: who sent it, which case, and what has been told already.

import { h } from "./dom.js";
import { dayAndClock } from "./format.js";
import { code, t } from "./i18n.js";
import { number, two } from "./parts.js";

export function originBanner(store, call) {
  if (!call.origin && !call.context) return null;
  const { context } = call;
  const name = call.origin ? two(call.origin.label) : (context.hotline ?? "");
  return h("section.origin", { "data-key": "origin", "aria-label": t("ui.origin") },
    h("div.spread", {},
      h("h3", {}, h("span.badge.origin-badge", {}, t("ui.origin")), " ", h("b", {}, name),
        context?.urgent ? h("span.badge.warn", {}, t("ui.origin.urgent")) : null,
        context?.callback ? h("span.badge", {}, t("ui.origin.callback")) : null),
      call.case ? h("span.quiet.small.case", { title: t("ui.origin.case") }, `${t("ui.origin.case")} ${call.case}`) : null),
    context ? story(context) : h("p.quiet", {}, t("ui.origin.bare")));
}

function story(context) {
  const { caller } = context;
  const region = caller.region?.name ?? "";
  const address = context.address ?? "";
  const place = address.startsWith(region) ? address : `${region} ${address}`.trim();
  const facts = [
    caller.number || caller.name ? fact(t("ui.col.caller"), [number(caller), caller.name ? ` ${caller.name}` : ""]) : null,
    place ? fact(t("ui.col.region"), place) : null,
    context.kind ? fact(code("draft.field", "kind"), code("draft.kind", context.kind)) : null,
    context.language ? fact(t("ui.origin.language"), code("skill", context.language)) : null,
    fact(t("ui.origin.earlier"), context.earlier ? t("ui.origin.earlier.n", { n: context.earlier }) : t("ui.origin.earlier.none")),
    context.issued_at ? fact(t("ui.origin.issued"), dayAndClock(context.issued_at)) : null,
  ].filter(Boolean);
  return [
    h("p.origin-story", {}, context.summary ?? h("span.quiet", {}, t(caller.masked ? "ui.origin.masked" : "ui.origin.empty"))),
    h("p.origin-facts", {}, facts),
  ];
}

const fact = (name, value) => h("span", {}, h("span.quiet", {}, `${name} `), value);
