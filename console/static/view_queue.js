// Who waits: place, how long, how long still, what kind of seat is sought now and when that widens.

import { h } from "./dom.js";
import { code, t } from "./i18n.js";
import { countdown, empty, more, MOST, number, panel, ticking } from "./parts.js";
import { about, demandWords } from "./words.js";

export function waitingPanel(store) {
  const line = store.inLine();
  return panel("waiting", t("ui.waiting"), h("span.quiet", {}, line.length),
    line.length ? h("ol.rows", {}, line.slice(0, MOST).map((one, place) => row(store, one, place + 1))) : empty(t("ui.waiting.none")),
    more(line));
}

function row(store, one, place) {
  const call = store.calls.get(one.call);
  const can = one.kind === "live" && store.may("callbacks") && call?.caller.number && ["waiting", "offered"].includes(call.state);
  return h("li.waiting", { "data-key": `${one.call}+${one.part ?? ""}`, "data-kind": one.kind },
    h("span.rank", { title: t("ui.waiting.place", { n: place }) }, place),
    h("div.grow", {},
      h("div.spread", {},
        h("span", {}, h("a", { href: `#/call/${one.call}` }, call ? number(call.caller) : one.call), " ",
          one.kind === "live" ? null : h("span.badge", {}, code("waiting.kind", one.kind))),
        h("span.clock", {}, ticking(one.since))),
      h("span.quiet.block", {}, demandWords(store, one.demand), one.priority > 0 ? ` · ${t("ui.waiting.priority", { n: one.priority })}` : ""),
      h("div.spread", {},
        h("span.quiet.small", {},
          one.steps > 1 ? t("ui.waiting.step", { n: one.step, of: one.steps }) : null,
          one.next_step_at ? [" · ", t("ui.waiting.next"), " ", countdown(one.next_step_at)] : null,
          one.expected !== null ? [one.steps > 1 ? " · " : "", t("ui.waiting.expected", { about: about(one.expected) })] : null),
        can ? h("button.small-button", { "data-do": "call-back", "data-id": one.call, "data-key": "call-back" }, t("ui.waiting.callback")) : null)));
}
