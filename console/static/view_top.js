// The top bar: counters, the state of the line, language, sign out; and the login.

import { h } from "./dom.js";
import { dayAndClock, now } from "./format.js";
import { code, current, nextLanguage, t } from "./i18n.js";
import { countdown, ticking, whenShort, whenWhole } from "./parts.js";

const STATES = ["available", "ringing", "talking", "wrap_up", "rest", "break", "offline"];

export function topBar(store, line) {
  const waiting = store.inLine().filter((one) => one.kind === "live");
  const longest = waiting.length ? Math.min(...waiting.map((one) => one.since)) : null;
  const live = store.liveCalls().filter((call) => !["wrap_up", "due"].includes(call.state)).length;
  const seats = [...store.seats.values()];
  const counts = STATES.map((state) => [state, seats.filter((seat) => (seat.state === "offered" ? "ringing" : seat.state) === state).length]).filter(([, n]) => n);
  return [
    h("a.skip", { href: "#main", "data-key": "skip" }, t("ui.skip")),
    h("div.brand", { "data-key": "brand" },
      h("img", { src: "/static/icon.svg", alt: "", width: 28, height: 28 }),
      h("div", {}, h("strong", {}, t("ui.title")), h("time.now", { "data-clock": true, title: "Asia/Shanghai" }, dayAndClock(now())))),
    h("dl.counters", { "data-key": "counters" },
      counter(t("ui.count.live"), String(live)),
      counter(t("ui.count.waiting"), String(waiting.length), waiting.length ? "warn" : null),
      counter(t("ui.count.longest"), longest === null ? "–" : ticking(longest), longest === null ? null : "warn"),
      counter(t("ui.count.links"), links(store)),
      counter(t("ui.count.seats"), h("span.seatcounts", {}, counts.length
        ? counts.map(([state, n]) => h("span.seatcount", { "data-state": state, title: code("seat.state", state) },
            h("span.dot", { "aria-hidden": "true" }), h("span.word", {}, code("seat.state", state)), " ", h("b", {}, n)))
        : "0"))),
    h("div.tools", { "data-key": "tools" },
      lineState(line),
      h("button.plain", { "data-do": "language", lang: nextLanguage(), "aria-label": t("ui.language.label") }, t("ui.language")),
      h("span.who", { title: store.you.name }, h("b", {}, store.you.name), " ", h("span.quiet", {}, code("role", store.you.role))),
      h("button.plain", { "data-do": "logout" }, t("ui.logout"))),
  ];
}

const counter = (name, value, tone) => h("div.counter", { "data-tone": tone }, h("dt", {}, name), h("dd", {}, value));

function links(store) {
  const parts = [...store.health.values()];
  if (!parts.length) return h("span.quiet", {}, t("ui.links.unknown"));
  const bad = parts.filter((part) => !part.ok);
  if (!bad.length) return h("span.good", { title: parts.map((part) => code("part", part.part)).join(" · ") }, t("ui.links.ok"));
  return h("span.bad", {}, bad.map((part) => h("span.badpart", { title: part.message?.[current()], "data-severity": part.severity },
    code("part", part.part), part.reason ? `: ${code("health", part.reason)}` : "",
    " ", part.since ? whenShort(part.since) : null)));
}

function lineState(line) {
  if (line.state === "ok") return h("span.line", { "data-line": "ok" }, h("span.dot", { "aria-hidden": "true" }), t("ui.line.ok"));
  return h("span.line", { "data-line": line.state }, h("span.dot", { "aria-hidden": "true" }),
    t(line.state === "lost" ? "ui.line.off" : "ui.line.connecting"));
}

/** Shown over everything while the line is lost: the picture may be old. */
export function lineBanner(line) {
  if (line.state !== "lost" && !line.again) return null;
  const [before, after] = t("ui.line.lost").split("{seconds}");
  const [since, rest] = t("ui.line.lost.since").split("{time}");
  return h("div.banner", { role: "alert", "data-key": "banner" },
    h("span", {}, line.since ? h("b", { "data-key": "since" }, since, whenWhole(line.since), rest) : null, t("ui.line.lost.banner")), " ",
    line.state === "lost" ? h("span", {}, before, countdown(line.until), after) : h("span", {}, t("ui.line.connecting")),
    h("button", { "data-do": "retry", disabled: line.state !== "lost" }, t("ui.line.retry")));
}

export function loginView(state) {
  return h("main.login", { id: "main", "data-key": "login" },
    h("form.card", { "data-login": true },
      h("div.brand", {},
        h("img", { src: "/static/icon.svg", alt: "", width: 44, height: 44 }),
        h("h1", {}, t("ui.title"))),
      h("p", {}, t("ui.login.lead")),
      h("label", { for: "token" }, t("ui.login.token")),
      h("input", { id: "token", name: "token", type: "password", autocomplete: "off", spellcheck: "false", required: true,
        "aria-describedby": state.error ? "login-error" : null, autofocus: true }),
      state.error ? h("p.error", { id: "login-error", role: "alert" }, state.error) : null,
      h("button.primary", { type: "submit", disabled: state.busy }, state.busy ? t("ui.login.busy") : t("ui.login")),
      h("p.quiet", {}, t("ui.login.how"), h("code", {}, "hotline token --role supervisor")),
      h("button.plain", { type: "button", "data-do": "language", lang: nextLanguage(), "aria-label": t("ui.language.label") }, t("ui.language"))));
}
