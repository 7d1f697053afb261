// Codes of the routing in the reader's words: what a seat must be able to do, where, and why a call went there.

import { listComma, span } from "./format.js";
import { capital, code, current, t } from "./i18n.js";

/** A centre's code → its name. */
export const centreName = (store, id) => store.places.get(id) ?? id;

/** A break reason's caption: the configuration's own words first. */
export function breakWords(store, reason) {
  const found = store.choices.breaks.find((one) => one.code === reason);
  return capital(found?.caption[current()] || code("break", reason));
}

/** "wenzhou-wu ≥ 3, tax (expert) @home 330300+city" → "温州话 ≥ 3、税务（专家）· 温州市、本市". */
export function demandWords(store, text) {
  if (!text) return "";
  const [skills, places] = text.split(" @");
  const known = code("step", skills);
  const what = known !== skills ? known : skills.split(/,\s*/).map((part) => part
    .replace(/^[\w-]+/, (name) => code("skill", name))
    .replace(/\(([\w, -]+)\)/, (_, kinds) => `(${kinds.split(/,\s*/).map((kind) => code("seat.kind", kind)).join(listComma())})`)
    .replace(/ (\d)$/, " ≥ $1")).join(listComma());
  if (!places) return what;
  return `${what} · ${places.split("+").map((place) => placeWords(store, place)).join(listComma())}`;
}

function placeWords(store, place) {
  const [circle, home] = place.split(" ");
  if (home) return centreName(store, home);
  return store.places.get(circle) ?? (code("circle", circle) === circle ? seatOr(store, circle) : code("circle", circle));
}

const seatOr = (store, id) => store.seats.get(id)?.name ?? id;

/** A planner's reason: "rule:wenzhou", "repeat:3", "leader-day:8009", "mode:surge". */
export function reasonWords(store, reason) {
  const [kind, value] = reason.split(/:(.*)/s);
  const shown = kind === "rule" ? code("rule", value) : kind === "mode" ? code("mode", value) : kind === "closed" ? centreName(store, value)
    : kind === "leader-day" ? seatOr(store, value) : kind === "language" ? code("skill", value) : value === "same-seat" ? t("ui.why.same") : (value ?? "");
  const caption = code("why", kind);
  return shown ? `${caption} ${shown}` : caption;
}

/** Steps of the timeline ("a (10 s) → b", or a list of {name, seconds}) as [{name, seconds}]. */
export function stepsOf(steps) {
  if (Array.isArray(steps)) return steps;
  if (typeof steps !== "string" || !steps) return [];
  return steps.split(" → ").map((one) => {
    const found = /^(.*) \((\d+(?:\.\d+)?) s\)$/.exec(one);
    return found ? { name: found[1], seconds: Number(found[2]) } : { name: one, seconds: null };
  });
}

/** About how long: "约 2 分钟". */
export function about(seconds) {
  if (seconds < 60) return t("ui.about.seconds", { n: Math.max(5, Math.round(seconds / 5) * 5) });
  if (seconds < 5400) return t("ui.about.minutes", { n: Math.round(seconds / 60) });
  return span(seconds);
}

export const occupancy = (seat, now) => {
  if (!seat.signed_in_at) return null;
  const busy = seat.busy_seconds + (["talking", "wrap_up"].includes(seat.state) ? Math.max(0, now - seat.since) : 0);
  return Math.min(1, busy / Math.max(60, now - seat.signed_in_at));
};
