// Why this call went where it went (派话依据): what the planner made of it, and each offer with its reasons.

import { h } from "./dom.js";
import { span } from "./format.js";
import { code, t } from "./i18n.js";
import { seatWords, when } from "./parts.js";
import { about, demandWords, reasonWords, stepsOf } from "./words.js";

const SHOWN = ["planned", "offered", "third_offered", "party_offered", "told", "not_taken", "callback_asked", "callback_due", "seat_lost"];

export function whySection(store, call) {
  const moments = call.timeline.filter((moment) => SHOWN.includes(moment.what));
  if (!moments.some((moment) => moment.what === "planned" || moment.detail.step !== undefined)) return null;
  return h("ol.why", {}, moments.map((moment, place) => h("li", { "data-what": moment.what, "data-key": `why-${place}` },
    h("div.spread", {}, h("b", {}, code("moment", moment.what), seatOf(store, moment)), h("span.quiet.small", {}, when(moment.at))),
    TELL[moment.what]?.(store, moment.detail, call) ?? null)));
}

const seatOf = (store, { detail }) => {
  if (!detail.seat) return "";
  const seat = store.seats.get(String(detail.seat));
  return ` ${seat ? seatWords(seat) : detail.seat}`;
};

function planned(store, detail) {
  const why = Array.isArray(detail.why) ? detail.why : String(detail.why ?? "").split(" ").filter(Boolean);
  const rule = detail.rule && !why.some((one) => one.startsWith("rule:")) ? [`rule:${detail.rule}`] : [];
  const steps = stepsOf(detail.steps);
  return [
    h("p", {}, [...rule, ...why].map((one) => h("span.badge", { title: one }, reasonWords(store, one))),
      detail.priority ? h("span.badge", {}, t("ui.waiting.priority", { n: detail.priority })) : null),
    steps.length ? h("ol.steps", {}, steps.map((step, place) => h("li", {},
      h("span.step-number", { "aria-hidden": "true" }, place + 1), h("span.grow", {}, demandWords(store, step.name)),
      h("span.quiet.small", {}, step.seconds === null ? t("ui.why.last") : step.seconds === 0 ? t("ui.why.skip") : t("ui.why.after", { n: step.seconds }))))) : null,
  ];
}

function offered(store, detail) {
  const why = typeof detail.why === "object" && detail.why !== null ? { ...detail.why, ...detail } : detail;
  const name = typeof why.step === "string" ? why.step : detail.why?.step;
  const level = typeof detail.level === "number" ? detail.level + 1 : typeof detail.step === "number" ? detail.step : null;
  const passed = typeof why.passed === "object" && why.passed !== null ? Object.values(why.passed).reduce((sum, n) => sum + Number(n), 0) : why.passed;
  return h("p.quiet", {}, [
    name || level ? t("ui.why.step", { n: level ?? "", name: demandWords(store, name ?? "") }) : null,
    typeof why.waited === "number" ? t("ui.why.waited", { time: span(why.waited) }) : null,
    typeof why.free === "number" ? t("ui.why.free", { n: why.free }) : null,
    typeof why.kept === "number" && why.kept > 0 ? t("ui.why.kept", { n: why.kept }) : null,
    passed > 0 ? t("ui.why.passed", { n: passed }) : null,
  ].filter(Boolean).join(" · "));
}

function told(store, detail) {
  const parts = [
    detail.what ? code("told", detail.what) : null,
    detail.position ? t("ui.why.position", { n: detail.position }) : null,
    typeof detail.seconds === "number" && detail.what !== "voicemail" ? t("ui.waiting.expected", { about: about(detail.seconds) }) : null,
  ].filter(Boolean);
  return parts.length ? h("p.quiet", {}, parts.join(" · ")) : null;
}

const TELL = {
  planned,
  offered,
  third_offered: offered,
  party_offered: offered,
  told,
  not_taken: (store, detail) => (detail.why ? h("p.quiet", {}, code("cause", detail.why)) : null),
  callback_asked: (store, detail) => (detail.by ? h("p.quiet", {}, code("callback.by", detail.by)) : null),
  callback_due: (store, detail) => (detail.reason ? h("p.quiet", {}, code("callback.reason", detail.reason)) : null),
  seat_lost: () => h("p.quiet", {}, t("ui.why.lost")),
};
