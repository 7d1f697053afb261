// One call whole: legs, timeline, the talk as a conversation, the recording, the draft.

import { h } from "./dom.js";
import { bytes, dayAndClock, joinWords, percent, span } from "./format.js";
import { code, t } from "./i18n.js";
import { mayArrange } from "./parties.js";
import { empty, icon, number, pill, seatWords, ticking, two, when, whenWhole } from "./parts.js";
import { controlsOf } from "./view_deck.js";
import { lateness } from "./view_floor.js";
import { originBanner } from "./view_origin.js";
import { partiesList } from "./view_parties.js";
import { superviseSection } from "./view_supervise.js";
import { whySection } from "./view_why.js";
import { about, centreName, demandWords, reasonWords } from "./words.js";

const UNSURE = 0.6;

export function detailView(store, view) {
  const { id, kind, data, error } = view.detail;
  return h("aside.detail", { "data-key": "detail", "aria-labelledby": "detail-title", tabindex: "-1", id: "detail" },
    h("header.detail-head", {},
      h("h2", { id: "detail-title" }, kind === "draft" ? t("ui.detail.draft") : t("ui.detail")),
      h("button.plain.square", { "data-do": "close-detail", "aria-label": t("ui.detail.close"), title: t("ui.detail.close") }, icon("close"))),
    error ? h("p.error.pad", { role: "alert" }, error) : null,
    !data && !error ? empty(t("ui.detail.loading")) : null,
    data && kind === "draft" ? block("draft", null, draftBody(data)) : null,
    data && kind === "call" ? callBody(store, data, view) : null,
    data ? h("p.quiet.pad.small", {}, `${t("ui.detail.call")} ${id}`) : null);
}

function callBody(store, call, view) {
  const { detail } = view;
  const over = call.state === "ended" || call.state === "wrap_up";
  return [
    h("div.who-called", { "data-key": "who" },
      h("p.big", {}, number(call.caller), call.caller.name ? h("span.name", {}, call.caller.name) : null),
      call.caller.masked ? h("p.quiet.small", {}, t("ui.detail.masked")) : null,
      store.may("restrict") && call.caller.number && call.direction !== "out" ? h("p", {}, h("button.small-button", { "data-do": "restrict-call", "data-id": call.id, "data-key": "restrict" }, t("ui.restrictions.propose.call"))) : null,
      h("p", {}, pill("call.state", call.state), " ", call.outcome ? h("span", {}, code("outcome", call.outcome)) : null,
        call.seat ? h("span.quiet", {}, ` ${store.seats.has(call.seat) ? "" : t("ui.col.seat")} ${seatLabel(store, call.seat)}`) : null),
      h("dl.facts", {},
        call.direction === "out" ? fact(t("ui.detail.direction"), t("ui.calls.out.long")) : null,
        fact(t("ui.col.arrived"), whenWhole(call.arrived_at)),
        fact(t("ui.col.dialled"), call.dialled),
        fact(t("ui.col.region"), call.caller.region ? [call.caller.region.name, call.caller.region.why ? h("span.quiet", {}, ` ${code("region.why", call.caller.region.why)}`) : null] : "–"),
        call.joined_at ? fact(t("ui.detail.wait"), span(call.joined_at - (call.answered_at ?? call.arrived_at))) : null,
        call.joined_at && call.ended_at ? fact(t("ui.detail.talk"), span(call.ended_at - call.joined_at)) : null)),
    call.origin || call.context ? block("origin", null, originBanner(store, call)) : null,
    sectionOf("supervise", t("ui.supervise"), superviseSection(store, call)),
    sectionOf("parties", t("ui.parties"), partiesSection(store, call, view)),
    sectionOf("why", t("ui.why"), whySection(store, call)),
    call.draft || over ? block("draft", t("ui.detail.draft"), call.draft ? draftBody(call.draft) : missing(call, "draft", over)) : null,
    block("transcript", t("ui.detail.transcript"), call.transcript ? conversation(store, call) : missing(call, "transcript", over)),
    block("recording", t("ui.detail.recording"), call.recording ? player(call, detail) : missing(call, "recording", over)),
    call.earlier.length ? block("earlier", t("ui.detail.earlier"), earlierList(call.earlier)) : null,
    block("timeline", t("ui.detail.timeline"), call.timeline.length ? timeline(store, call) : empty(t("ui.detail.timeline.none"))),
    block("legs", t("ui.detail.legs"), legs(store, call)),
  ];
}

/** Who leads may arrange from here; a seat does it on the card of its own call, and reads here who was there. */
function partiesSection(store, call, view) {
  if (store.may("seats") && mayArrange(store, call)) {
    const controls = controlsOf(store, call, view, { keys: false, all: true }).filter(Boolean);
    return controls.length ? h("div.deck-inner", {}, controls) : null;
  }
  const list = partiesList(store, call, { all: true });
  const held = call.held ? h("p", {}, h("span.badge.warn", {}, t("ui.held")), " ", call.held_since ? ticking(call.held_since) : "") : null;
  return list || held ? [held, list] : null;
}

const sectionOf = (key, title, content) => (content ? block(key, title, content) : null);
const fact = (name, value) => h("div", {}, h("dt", {}, name), h("dd", {}, value));
const block = (key, title, content) => h("section.block", { "data-key": `block-${key}` }, title ? h("h3", {}, title) : null, content);
/** A seat's or an outside line's name ("line.110" is the directory's entry 110). */
function seatLabel(store, id) {
  if (store.seats.has(id)) return seatWords(store.seats.get(id));
  const entry = id.startsWith("line.") ? store.entry(id.slice(5)) : null;
  return entry ? two(entry.name) : id === "line.number" ? t("ui.leg.number") : id.replace(/^line\./, "");
}

/** What was asked for, as the timeline keeps it: "entry:110", "seat:8002", "skill:en", "centre:330302", "number". */
function targetWords(store, target) {
  const [kind, id] = target.split(/:(.*)/s);
  if (kind === "skill") return code("skill", id);
  if (kind === "centre") return centreName(store, id);
  if (kind === "entry") return seatLabel(store, `line.${id}`);
  return seatLabel(store, kind === "seat" ? id : kind === "number" ? "line.number" : target);
}

function missing(call, what, over) {
  if (call.withheld.includes(what)) return empty(t("ui.detail.withheld"));
  return empty(t(`ui.detail.${what}.${over && call.state === "ended" ? "none" : "later"}`));
}

export const earlierList = (list) =>
  h("ul.earlier", {}, list.map((one) => h("li", {},
    h("a", { href: `#/call/${one.id}` }, h("span.quiet", {}, dayAndClock(one.at)), " ", one.title ?? code("outcome", one.outcome)),
    one.title && one.outcome ? h("span.quiet", {}, ` ${code("outcome", one.outcome)}`) : null)));

/** "座席 林晓 8001", "外线 上海12345"; in a talk of several, who nobody could tell apart. */
function speaker(store, call, segment) {
  if (segment.party === "caller") return code("leg.kind", "caller");
  const who = segment.who ?? segment.seat;
  if (who) return `${code("leg.kind", segment.kind ?? "seat")} ${seatLabel(store, who)}`;
  const there = new Set(call.legs.filter((leg) => leg.joined_at && ["seat", "third", "line"].includes(leg.kind)).map((leg) => leg.who));
  return there.size > 1 ? t("ui.detail.transcript.several") : code("leg.kind", "seat");
}

function conversation(store, call) {
  const { transcript } = call;
  if (!transcript.segments.length) return empty(t("ui.detail.transcript.empty"));
  const unsure = transcript.segments.some((segment) => segment.words.some((word) => word.conf < UNSURE));
  return [
    unsure ? h("p.quiet.small", {}, t("ui.detail.transcript.legend")) : null,
    h("ol.talk", {}, transcript.segments.map((segment) => h("li", { "data-party": segment.party, "data-kind": segment.kind },
      h("div.meta", {}, speaker(store, call, segment), " ",
        h("button.link", { "data-do": "seek", "data-at": segment.start, title: t("ui.detail.recording.load") }, span(segment.start))),
      h("p.bubble", {}, words(segment))))),
  ];
}

function words(segment) {
  if (!segment.words.length) return segment.text;
  const out = [];
  let before = "";
  for (const word of segment.words) {
    out.push(joinWords(before, word.word));
    out.push(word.conf < UNSURE
      ? h("span.unsure", { title: t("ui.detail.unsure", { n: percent(word.conf) }) }, word.word)
      : word.word);
    before = word.word;
  }
  return out;
}

function player(call, detail) {
  const { recording } = call;
  return [
    detail.audio
      ? h("audio", { controls: true, src: detail.audio, "data-key": "audio", id: "audio" })
      : h("button", { "data-do": "load-audio", "data-key": "load", disabled: detail.audioBusy }, icon("phone"), detail.audioBusy ? t("ui.detail.loading") : t("ui.detail.recording.load")),
    detail.audioError ? h("p.error", { role: "alert", "data-key": "audio-error" }, detail.audioError) : null,
    h("p.quiet.small", { "data-key": "note" }, `${span(recording.duration)} · ${recording.format.toUpperCase()} · ${bytes(recording.size)}. ${t("ui.detail.recording.note")}`),
    h("p.quiet.small.hash", { title: recording.sha256, "data-key": "hash" }, `SHA-256 ${recording.sha256.slice(0, 16)}…`),
  ];
}

function timeline(store, call) {
  return h("ol.timeline", {}, call.timeline.map((moment) => h("li", {},
    h("span.quiet", {}, when(moment.at)), h("span", {}, code("moment", moment.what), details(store, moment.detail)))));
}

function details(store, detail) {
  const line = detail.attempt && detail.of > 1 ? t("ui.party.try", { n: detail.attempt, of: detail.of }) : "";
  const told = Object.entries(detail).map(([key, value]) => oneDetail(store, key, value)).filter(Boolean);
  if (line) told.push(line);
  return told.length ? h("span.quiet", {}, ` ${told.join(" · ")}`) : null;
}

/** What the section "why here" tells in full is left out of the timeline. */
const ELSEWHERE = ["steps", "priority", "level", "waited", "free", "kept", "passed", "rule", "position", "part", "key", "attempt", "of"];

function oneDetail(store, key, value) {
  if (value === null || value === "" || typeof value === "object" || ELSEWHERE.includes(key)) return "";
  if (key === "seat") return seatLabel(store, String(value));
  if (key === "who") return targetWords(store, String(value));
  if (key === "how") return code("party.how", value);
  if (key === "mode") return code("supervise", value);
  if (key === "why" && code("party.why", value) !== String(value)) return code("party.why", value);
  if (key === "by") return code("moment.by", value);
  if (key === "cause" || (key === "why" && code("cause", value) !== String(value))) return code("cause", value);
  if (key === "why") return String(value).split(" ").map((one) => reasonWords(store, one)).join(" · ");
  if (key === "state") return code("call.state", value);
  if (key === "demand" || key === "step") return typeof value === "string" ? demandWords(store, value) : "";
  if (key === "what") return code("told", value);
  if (key === "reason") return code("callback.reason", value);
  if (key === "seconds") return about(value);
  return String(value);
}

function legs(store, call) {
  const seen = call.legs.filter((leg) => leg.kind !== "observer" || store.may("supervise") || (leg.mode ?? "listen") !== "listen");
  return h("ul.rows", {}, seen.map((leg) => h("li", { "data-leg": leg.kind },
    h("span.grow", {}, h("b", {}, code("leg.kind", leg.kind)), " ", leg.kind !== "caller" && leg.who ? seatLabel(store, leg.who) : (leg.who ?? ""),
      h("span.quiet.block", {}, legWords(leg).join(" · "))),
    h("span.quiet", {}, when(leg.started_at), leg.ended_at ? [" – ", when(leg.ended_at)] : ""))));
}

const legWords = (leg) => [
  code("leg.state", leg.state),
  leg.mode ? code("supervise", leg.mode) : "",
  leg.room === "side" && !leg.ended_at ? code("leg.room", "side") : "",
  leg.muted && !leg.ended_at ? code("arrange", "muted") : "",
  leg.cause ? code("cause", leg.cause) : "",
].filter(Boolean);

function draftBody(draft) {
  const doubtful = new Set(draft.uncertain.map((doubt) => doubt.field));
  const field = (name, value) => value ? h("div", { "data-doubt": doubtful.has(name) }, h("dt", {}, code("draft.field", name)), h("dd", {}, value)) : null;
  const caller = [draft.caller.name, draft.caller.phone].filter(Boolean).join(" ");
  return [
    h("p.draft-title", {}, draft.title || "–"),
    h("p", {}, h("span.badge", {}, code("draft.state", draft.state)), " ", draft.kind ? h("span.badge", {}, code("draft.kind", draft.kind)) : null,
      draft.source === "voicemail" ? h("span.badge", {}, code("draft.source", draft.source)) : null, " ", lateness(draft)),
    draft.note ? h("p.note", {}, code("draft.note", draft.note)) : null,
    h("dl.facts", {},
      field("content", draft.content), field("region", draft.region_name ? `${draft.region_name}${draft.region ? ` ${draft.region}` : ""}` : draft.region),
      field("address", draft.address), field("caller", caller), field("catalogue", draft.catalogue), field("unit", draft.unit),
      field("handling", draft.handling && code("handling", draft.handling)), field("due", draft.due && dayAndClock(draft.due))),
    draft.uncertain.length ? h("div.doubts", {}, h("b", {}, t("ui.detail.doubts")),
      h("ul", {}, draft.uncertain.map((doubt) => h("li", {}, `${code("draft.field", doubt.field)}${doubt.text ? ` “${doubt.text}”` : ""} `, h("span.quiet", {}, code("doubt", doubt.why)))))) : null,
    draft.state === "draft" ? h("p.quiet.small", {}, t("ui.detail.draft.note")) : null,
  ];
}
