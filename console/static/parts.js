// Pieces that several views use.

import { h } from "./dom.js";
import { clock, dayAndClock, now, shortDayAndClock, span, spaced } from "./format.js";
import { code, current, t } from "./i18n.js";

export const pill = (family, state) => h("span.pill", { "data-state": state }, h("span.dot", { "aria-hidden": "true" }), code(family, state));

/** Counts up from `since`; the ticker keeps it right without drawing anything anew. */
export const ticking = (since, label) => h("span.ticking", { "data-since": since, title: label ?? dayAndClock(since) }, span(now() - since));

/** Counts down to `until`. */
export const countdown = (until) => h("span.ticking.countdown", { "data-until": until, title: dayAndClock(until) }, span(until - now()));

export function tick() {
  for (const element of document.querySelectorAll("[data-clock]")) element.textContent = dayAndClock(now());
  for (const element of document.querySelectorAll("[data-since]")) {
    element.textContent = span(now() - Number(element.dataset.since));
  }
  for (const element of document.querySelectorAll("[data-until]")) {
    const left = Number(element.dataset.until) - now();
    element.textContent = span(left);
    element.toggleAttribute("data-late", left <= 5);
  }
}

export const when = (at) => h("time", { datetime: new Date(at * 1000).toISOString(), title: dayAndClock(at) }, clock(at));
export const whenShort = (at) => h("time", { datetime: new Date(at * 1000).toISOString(), title: dayAndClock(at) }, shortDayAndClock(at));
export const whenWhole = (at) => h("time", { datetime: new Date(at * 1000).toISOString() }, dayAndClock(at));

export function number(caller) {
  if (!caller.number) return h("span.quiet", {}, t("ui.number.none"));
  const title = caller.masked ? t("ui.detail.masked") : null;
  return h("span.number", { title }, caller.masked ? caller.number : spaced(caller.number));
}

/** A number as text: for a dialog's title. */
export const wordsOfNumber = (caller) => (caller.number ? (caller.masked ? caller.number : spaced(caller.number)) : t("ui.number.none"));

/** So many rows are drawn at most; what is left is counted. */
export const MOST = 200;
export const more = (rows) => (rows.length > MOST ? h("p.quiet.pad", {}, t("ui.more", { n: rows.length - MOST })) : null);

/** "林晓 8001"; a name that already holds the id is not followed by it. */
export const seatWords = (seat) => (seat.name.includes(seat.id) ? seat.name : `${seat.name} ${seat.id}`);

/** A text of the API in the reader's language; Chinese where there is no other. */
export const two = (text) => text?.[current()] || text?.zh || "";

/** The same as a piece of the page: Chinese words that nobody has translated say what they are, to voices and fonts. */
export const worded = (text) => inHan(two(text));
const inHan = (words) => (current() !== "zh" && /\p{Script=Han}/u.test(words) ? h("span", { lang: "zh" }, words) : words);

export const empty = (text) => h("p.empty", {}, text);

export const panel = (id, title, extra, ...children) =>
  h("section.panel", { "data-key": id, "aria-labelledby": `${id}-title` },
    h("header", {}, h("h2", { id: `${id}-title` }, title), extra),
    ...children);

export function icon(name) {
  const paths = {
    phone: "M6.6 10.8a15 15 0 0 0 6.600 6.600l2.200-2.200a1 1 0 0 1 1-.25 11.400 11.400 0 0 0 3.600.57 1 1 0 0 1 1 1V20a1 1 0 0 1-1 1A17 17 0 0 1 3 4a1 1 0 0 1 1-1h3.500a1 1 0 0 1 1 1c0 1.250.2 2.450.57 3.570a1 1 0 0 1-.25 1z",
    close: "M6 6l12 12M18 6L6 18",
    music: "M9 18V6l10-2v11M9 18a2.500 2.500 0 1 1-5 0 2.500 2.500 0 0 1 5 0zM19 15a2.500 2.500 0 1 1-5 0 2.500 2.500 0 0 1 5 0z",
  };
  return h("svg", { viewBox: "0 0 24 24", width: 20, height: 20, "aria-hidden": "true", class: `icon ${name}` }, h("path", { d: paths[name] }));
}
