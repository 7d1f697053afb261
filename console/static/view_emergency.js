// The emergency lines (110, 119, 120, 122): one key each, in every state of a call, and what came of it step by step.

import { h } from "./dom.js";
import { code, t } from "./i18n.js";
import { countdown, ticking, two } from "./parts.js";
import { isOpen, isPending, mayArrange, partySays } from "./parties.js";
import { dropButton } from "./view_parties.js";

/** Four at most have a key of their own. */
const KEYS = 4;

/** Whether an emergency line can be rung into that call: as long as its caller is there. */
export const mayEmergency = (store, call) => mayArrange(store, call) && !["due", "preview"].includes(call.state);

/** The lines with a key: one a number; a second entry of the same number is only the first one's fallback. */
export const keysOf = (directory) => {
  // A directory that could not be read takes no key away: the service knows its lines, and says so if it does not.
  const lines = directory.error && !directory.loaded ? PLAIN : directory.items.filter((entry) => entry.emergency);
  return lines.filter((entry, place) => place === lines.findIndex((one) => numberOf(one) === numberOf(entry)));
};
const PLAIN = ["110", "119", "120", "122"].map((id) => ({ id, name: { zh: "", en: "" }, numbers: [id], enabled: true }));
const numberOf = (entry) => entry.numbers[0] ?? entry.id;

/** The last party of that emergency entry. */
const lastOf = (call, entry) => [...call.parties].reverse().find((party) => party.emergency && party.target.id === entry.id) ?? null;

export function emergencyGroup(store, call, view, { keys = true } = {}) {
  if (!mayEmergency(store, call)) return null;
  const lines = keysOf(store.directory);
  const parties = call.parties.filter((party) => party.emergency);
  const shown = [...parties.filter(isOpen), ...parties.filter((party) => !isOpen(party)).slice(-1)];
  return h("section.emergency", { "data-key": "emergency", "aria-label": t("ui.emergency") },
    h("h3", {}, t("ui.emergency"), h("span.quiet.small", {}, t("ui.emergency.lead"))),
    lines.length
      ? h("div.emergency-keys", {}, lines.map((entry, place) => key(call, view, entry, keys && place < KEYS ? place + 1 : null)))
      : h("p.quiet", {}, t(store.directory.loaded ? "ui.emergency.none" : "ui.detail.loading")),
    h("div.emergency-lines", {}, shown.map((party) => step(store, call, party))));
}

function key(call, view, entry, digit) {
  const party = lastOf(call, entry);
  const going = view.emergencies.has(`${call.id} ${entry.id}`) || (party && isOpen(party));
  const why = entry.enabled ? null : code("directory.reason", entry.reason ?? "no-trunk");
  return h("button.emergency-key", {
    "data-do": "emergency", "data-id": call.id, "data-entry": entry.id, "data-key": `emergency-${entry.id}`, disabled: !entry.enabled || going,
    "data-going": going, "aria-keyshortcuts": digit ? `Alt+${digit}` : null, title: why ?? two(entry.name),
  },
    h("b", {}, numberOf(entry)),
    h("span.emergency-name", {}, why ?? (going ? code("party.state", party && isOpen(party) ? party.state : "ringing") : two(entry.name).replace(numberOf(entry), "").trim() || two(entry.name))),
    digit && !why && !going ? h("kbd", { "aria-hidden": "true" }, `Alt+${digit}`) : null);
}

function step(store, call, party) {
  return h("p.emergency-line", { "data-key": `step-${party.id}`, "data-state": party.state },
    h("span.dot", { "aria-hidden": "true" }),
    h("span.grow", {}, partySays(store, party), party.state === "failed" ? ` ${t("ui.emergency.again")}` : ""),
    isPending(party) && party.deadline ? h("span.small", { "aria-hidden": "true" }, countdown(party.deadline)) : null,
    party.state === "joined" ? h("span.small", { "aria-hidden": "true" }, ticking(party.since)) : null,
    isOpen(party) ? dropButton(call, party) : null);
}
