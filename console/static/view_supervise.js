// A supervisor's ear and voice in a call: listen, whisper, barge in, take over; and who listens now.

import { h } from "./dom.js";
import { code, t } from "./i18n.js";
import { seatWords, ticking } from "./parts.js";
import { observers } from "./parties.js";

export const MODES = ["listen", "whisper", "barge", "takeover"];
const KEPT = "hotline.phone";

/** The supervisor's own phone as this browser remembers it; else the one the token names. */
export function ownPhone(store) {
  let kept = "";
  try {
    kept = localStorage.getItem(KEPT) ?? "";
  } catch {
    /* no storage: it is chosen anew */
  }
  return store.seats.has(kept) ? kept : (store.you?.seat ?? "");
}

export function keepPhone(seat) {
  try {
    localStorage.setItem(KEPT, seat);
  } catch {
    /* as above */
  }
}

const seatIn = (call, seat) => call.legs.find((leg) => leg.who === seat && leg.kind !== "caller" && !leg.ended_at) ?? null;

export function superviseSection(store, call) {
  if (!store.may("supervise")) return null;
  const going = ["talking", "staying"].includes(call.state);
  const ears = observers(call);
  if (!going && !ears.length) return null;
  const phone = ownPhone(store);
  const mine = phone ? seatIn(call, phone) : null;
  const mode = mine ? (mine.kind === "observer" ? (mine.mode ?? "listen") : mine.kind === "seat" ? "takeover" : "barge") : null;
  const phones = [...store.seats.values()].filter((seat) => seat.id !== call.seat || seat.id === phone).sort((a, b) => a.id.localeCompare(b.id));
  return h("div.supervise", {},
    h("div.field-line", { "data-key": "phone" },
      h("label", { for: "own-phone" }, t("ui.supervise.phone")),
      h("select", { id: "own-phone", "data-do-change": "keep-phone", "data-key": "own-phone" },
        h("option", { value: "" }, t("ui.supervise.phone.none")),
        phones.map((seat) => h("option", { value: seat.id, selected: seat.id === phone }, `${seatWords(seat)} · ${code("seat.state", seat.state)}`)))),
    h("div.buttons", { role: "group", "aria-label": t("ui.supervise"), "data-key": "modes" },
      MODES.map((one) => h("button", {
        "data-do": "supervise", "data-id": call.id, "data-mode": one, "data-key": `mode-${one}`, "aria-pressed": String(mode === one),
        disabled: !phone || !going || mode === one || mode === "takeover", title: code("supervise.about", one),
      }, code("supervise", one))),
      h("button.danger-text", { "data-do": "supervise", "data-id": call.id, "data-mode": "stop", "data-key": "mode-stop", disabled: !mine || mode === "takeover", title: code("supervise.about", "stop") }, code("supervise", "stop"))),
    h("p.quiet.small", { "data-key": "about" }, t(phone ? "ui.supervise.lead" : "ui.supervise.choose")),
    ears.length
      ? h("ul.rows", { "data-key": "ears", "aria-label": t("ui.supervise.ears") }, ears.map((leg) => h("li", { "data-key": `ear-${leg.id}` },
          h("span.grow", {}, h("b", {}, store.seats.get(leg.who) ? seatWords(store.seats.get(leg.who)) : leg.who)),
          h("span.badge", {}, code("supervise", leg.mode ?? "listen")),
          h("span.quiet.small", {}, ticking(leg.joined_at ?? leg.started_at)))))
      : h("p.quiet.small", { "data-key": "none" }, t("ui.supervise.none")));
}
