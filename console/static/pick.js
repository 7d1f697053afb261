// Whom to bring into a call, and how: one dialog that searches directory, seats, skills, centres, and takes a number.

import { h, patch, say } from "./dom.js";
import { code, t } from "./i18n.js";
import { keepNote, noteOf } from "./notes.js";
import { mayArrange } from "./parties.js";
import { seatWords, two, worded } from "./parts.js";
import { haystack, hits, stateOf, words } from "./view_directory.js";
import { centreName } from "./words.js";

const HOWS = ["transfer", "consult", "join"];
const GROUPS = ["entry", "seat", "skill", "centre"];
const MOST = 60;
const FEW = 5;
const NUMBER = /^\+?[0-9]{3,20}$/;

/** Characters of a word for the next hotline, as the API takes them. */
const NOTE = 500;
const NOT_IN_A_LINE = /[\x00-\x1f\x7f-\x9f\u2028\u2029]+/g;

let open = null;

/** The answer of a dialog whose call went away meanwhile. */
export const GONE = { gone: true };

/** The picture behind the dialog has changed: what can be chosen may have, too, and the call may be over. */
export const refreshPick = () => (open?.isGone() ? open.end(GONE) : open?.draw());
export const closePick = () => open?.end(null);

/** Ask; gives {how, kind, id, name, note}, null when the person has thought better of it, GONE when there is no call. */
export function pick(store, call, { how = "transfer", target = "" } = {}) {
  closePick();
  return new Promise((done) => (open = new Picker(store, call, how, target, done)));
}

class Picker {
  constructor(store, call, how, target, done) {
    Object.assign(this, { store, call, how, chosen: target, text: "", group: target ? target.split(":")[0] : "", done, back: document.activeElement });
    this.element = h("dialog.ask.pick", { "aria-labelledby": "pick-title" });
    document.body.append(this.element);
    this.draw();
    this.element.addEventListener("cancel", (event) => {
      event.preventDefault();
      this.end(null);
    });
    this.element.addEventListener("click", (event) => this.#clicked(event));
    this.element.addEventListener("input", (event) => this.#typed(event));
    this.element.addEventListener("keydown", (event) => this.#key(event));
    this.element.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#submit();
    });
    this.element.showModal();
    (target ? this.element.querySelector("[type=submit]") : this.element.querySelector("#pick-search")).focus();
    this.element.querySelector(`[value="${CSS.escape(target)}"]`)?.scrollIntoView({ block: "center" });
  }

  isGone() {
    const call = this.store.calls.get(this.call.id);
    return !call || !mayArrange(this.store, call);
  }

  end(answer) {
    if (open === this) open = null;
    this.element.close();
    this.element.remove();
    if (this.back?.isConnected) this.back.focus();
    this.done(answer);
  }

  #clicked(event) {
    const button = event.target.closest("button");
    if (!button) return;
    if (button.value === "no") this.end(null);
    if (button.dataset.how) this.how = button.dataset.how;
    if (button.dataset.group !== undefined) this.group = button.dataset.group;
    this.draw();
  }

  #typed(event) {
    if (event.target.id === "pick-note") {
      keepNote(this.store, this.call, event.target.value);
      return;
    }
    if (event.target.id === "pick-search") {
      this.text = event.target.value.trim();
      this.chosen = "";
    } else if (event.target.name === "target") this.chosen = event.target.value;
    this.draw();
  }

  #key(event) {
    const first = this.element.querySelector("input[name=target]:not(:disabled)");
    if (event.target.id !== "pick-search" || !first) return;
    if (event.key !== "ArrowDown" && event.key !== "Enter") return;
    event.preventDefault();
    // Enter chooses the first that fits and rests on the button: a caller is not sent away by one key too many.
    this.chosen = first.value;
    this.draw();
    (event.key === "Enter" ? this.element.querySelector("[type=submit]") : first).focus();
  }

  #submit() {
    const option = this.#options().find((one) => one.key === this.chosen && !one.why);
    if (!option) return say(t("ui.pick.choose"));
    const note = option.context ? noteOf(this.store, this.call).replace(NOT_IN_A_LINE, " ").trim().slice(0, NOTE) : "";
    this.end({ how: this.how, kind: option.kind, id: option.id, name: option.title, note });
  }

  draw() {
    const sought = words(this.text);
    const found = this.#options().filter((one) => one.kind === "number" || hits(one.hay, sought));
    if (!found.some((one) => one.key === this.chosen && !one.why)) this.chosen = "";
    const chosen = found.find((one) => one.key === this.chosen);
    const how = (name) => h("button", { type: "button", "data-how": name, "data-key": `how-${name}`, "aria-pressed": String(this.how === name) }, code("party.ask", name));
    const chip = (name, label) => h("button.chip", { type: "button", "data-group": name, "data-key": `group-${name}`, "aria-pressed": String(this.group === name) }, label);
    patch(this.element, h("form", { method: "dialog", "data-key": "form" },
      h("h2", { id: "pick-title", "data-key": "title" }, code("party.ask.title", this.how)),
      h("div.segments", { role: "group", "aria-label": t("ui.pick.how"), "data-key": "hows" }, HOWS.map(how)),
      h("p.quiet.small", { "data-key": "about" }, code("party.ask.long", this.how)),
      h("input", { id: "pick-search", type: "search", autocomplete: "off", spellcheck: "false", "data-key": "search", placeholder: t("ui.pick.search"), "aria-label": t("ui.pick.search"), "aria-controls": "pick-list" }),
      h("div.chips", { role: "group", "aria-label": t("ui.pick.groups"), "data-key": "groups" }, chip("", t("ui.directory.all")), GROUPS.map((name) => chip(name, code("pick.group", name)))),
      h("div.pick-list", { id: "pick-list", "data-key": "list", role: "radiogroup", "aria-labelledby": "pick-title" }, this.#groups(found)),
      chosen?.context ? noteField() : null,
      h("div.ask-buttons", { "data-key": "buttons" },
        h("button", { type: "button", value: "no", "data-key": "no" }, t("ui.ask.no")),
        h("button.primary", { type: "submit", "data-key": "yes", disabled: !chosen },
          chosen ? t("ui.pick.go", { how: code("party.ask", this.how), name: chosen.title }) : code("party.ask", this.how)))));
    const note = this.element.querySelector("#pick-note");
    const written = noteOf(this.store, this.call);
    if (note && note.value !== written) note.value = written;
    for (const input of this.element.querySelectorAll("input[name=target]")) input.checked = input.value === this.chosen;
  }

  #groups(found) {
    const can = (kind) => kind === "number" || found.some((one) => one.kind === kind && !one.why);
    const order = ["number", ...GROUPS].sort((a, b) => Number(can(b)) - Number(can(a)));
    const shown = order.filter((kind) => kind === "number" || !this.group || this.group === kind).map((kind) => {
      const all = found.filter((one) => one.kind === kind).sort((a, b) => Number(Boolean(a.why)) - Number(Boolean(b.why)));
      const most = this.group || this.text ? MOST : FEW;
      const rest = all.length - most;
      if (!all.length) return null;
      return h("fieldset.pick-group", { "data-key": `of-${kind}` }, h("legend", {}, code("pick.group", kind)),
        all.slice(0, most).map((one) => option(one)),
        rest > 0 ? h("button.plain.small-button", { type: "button", "data-key": "more", "data-group": this.group || this.text ? null : kind, disabled: Boolean(this.group || this.text) }, t(this.group || this.text ? "ui.pick.narrow" : "ui.pick.more", { n: rest })) : null);
    }).filter(Boolean);
    return shown.length ? shown : h("p.empty", { "data-key": "nothing" }, t("ui.pick.nothing"));
  }

  #options() {
    const { store } = this;
    const seats = [...store.seats.values()].filter((seat) => seat.id !== this.call.seat && seat.id !== store.you?.seat);
    const list = store.directory.items.map((entry) => ({
      key: `entry:${entry.id}`, kind: "entry", id: entry.id, title: two(entry.name), about: entry.numbers.filter((number) => !two(entry.name).includes(number)).join(" · "), hay: haystack(entry), matter: matterOf(entry, words(this.text)), context: entry.context,
      why: stateOf(entry) === "ready" ? "" : code("directory.reason", stateOf(entry)),
    }));
    for (const seat of seats) {
      const about = [code("seat.kind", seat.kind), centreName(store, seat.centre), ...seat.skills.map((skill) => code("skill", skill.name))];
      list.push({ key: `seat:${seat.id}`, kind: "seat", id: seat.id, title: seatWords(seat), about: about.join(" · "), hay: `${seat.id} ${seat.name} ${about.join(" ")}`.toLowerCase(), why: seat.state === "available" ? "" : code("seat.state", seat.state) });
    }
    const skills = new Map(store.choices.third.map((name) => [name, []]));
    for (const seat of seats) for (const { name } of seat.skills) if (skills.has(name)) skills.get(name).push(seat);
    for (const [name, who] of skills) list.push({ key: `skill:${name}`, kind: "skill", id: name, title: code("skill", name), about: freeWords(who), hay: `${name} ${code("skill", name)}`.toLowerCase(), why: "" });
    for (const place of store.choices.centres) {
      list.push({ key: `centre:${place.code}`, kind: "centre", id: place.code, title: place.name, about: freeWords(seats.filter((seat) => seat.centre === place.code)), hay: `${place.code} ${place.name}`.toLowerCase(), why: "" });
    }
    const number = this.text.replace(/[\s-]/g, "");
    if (NUMBER.test(number)) list.push({ key: `number:${number}`, kind: "number", id: number, title: t("ui.pick.dial", { number }), about: t("ui.pick.dial.about"), hay: "", why: store.directory.numbers ? "" : t("ui.pick.dial.not") });
    return list;
  }
}

const freeWords = (seats) => t("ui.pick.free", { n: seats.filter((seat) => seat.state === "available" && seat.on_duty).length, of: seats.length });

/** Which of its matters the search has hit. */
const matterOf = (entry, sought) => {
  const found = sought.length ? entry.matters.find((matter) => matter.takes && sought.some((word) => `${matter.text.zh} ${matter.text.en}`.toLowerCase().includes(word))) : null;
  return found?.text ?? null;
};

/** "受理：{matter}" around a matter that may be marked as Chinese. */
const takesWords = (matter) => {
  const [before, after] = t("ui.pick.matter", { matter: "\0" }).split("\0");
  return [before, worded(matter), after];
};

/** Only where the case travels along: the next hotline reads it with the rest of the case. */
const noteField = () => h("div.field.pick-note", { "data-key": "note" },
  h("label", { for: "pick-note" }, t("ui.pick.note")),
  h("textarea", { id: "pick-note", "data-key": "note-text", rows: 2, maxlength: NOTE, autocomplete: "off", "aria-describedby": "pick-note-hint" }),
  h("p.quiet.small", { id: "pick-note-hint" }, t("ui.pick.note.hint")));

const option = (one) => h("label.tick.pick-option", { "data-key": one.key, "data-off": Boolean(one.why) },
  h("input", { type: "radio", name: "target", value: one.key, disabled: Boolean(one.why) }),
  h("span.grow", {}, h("b", {}, one.title), " ", h("span.quiet.small", {}, one.about),
    one.matter ? h("span.small.block", {}, takesWords(one.matter)) : null),
  one.why ? h("span.badge.warn", {}, one.why) : null);
