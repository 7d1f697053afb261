// Orders about the parties of a call. Each goes out under a key of its own, so that it is carried out once at most.

import { freshKey, isPassing, order } from "./api.js";
import { ask } from "./dialog.js";
import { say } from "./dom.js";
import { code, problemText, t } from "./i18n.js";
import { noteSent } from "./notes.js";
import { partySays } from "./parties.js";
import { seatWords, two } from "./parts.js";
import { closePick, GONE, pick } from "./pick.js";
import { keysOf, mayEmergency } from "./view_emergency.js";
import { keepPhone, ownPhone } from "./view_supervise.js";

const path = (id, ...rest) => `/api/v1/calls/${[id, ...rest].map(encodeURIComponent).join("/")}`;

/** tools: {store, view, draw, toast, refreshDetail} */
export function makePartyOrders({ store, view, draw, toast, refreshDetail }) {
  const flying = new Set();

  /** The same order is not sent again while the first one is on its way: a double click is one wish. */
  async function send(method, where, body, done) {
    const mark = `${method} ${where} ${JSON.stringify(body ?? null)}`;
    if (flying.has(mark)) return null;
    flying.add(mark);
    // Nobody has answered this order yet: pressed again before the page knows more, it is still the same wish.
    const key = view.unanswered.get(mark) ?? freshKey();
    view.unanswered.delete(mark);
    try {
      const answer = await order(method, where, body, key);
      done?.(answer);
      refreshDetail();
      draw();
      return answer;
    } catch (error) {
      if (isPassing(error)) view.unanswered.set(mark, key);
      toast(problemText(error.problem));
      return null;
    } finally {
      flying.delete(mark);
    }
  }

  /** The answer may be here before the event that tells the same. */
  const keepParty = (id) => (party) => {
    const call = store.calls.get(id);
    if (call && !call.parties.some((one) => one.id === party.id)) store.calls.set(id, { ...call, parties: [...call.parties, party] });
    say(partySays(store, party));
  };

  const callOf = (id) => store.calls.get(id) ?? (view.detail?.data?.id === id ? view.detail.data : null);

  async function emergency(call, entry) {
    const mark = `${call.id} ${entry}`;
    if (view.emergencies.has(mark)) return;
    view.emergencies.add(mark);
    closePick();
    draw();
    await send("POST", path(call.id, "emergency"), { entry }, keepParty(call.id));
    view.emergencies.delete(mark);
    draw();
  }

  return {
    async pick(button) {
      const call = callOf(button.dataset.id);
      if (!call) return;
      const found = await pick(store, call, { how: button.dataset.how, target: button.dataset.target ?? "" });
      if (found === GONE) return toast(t("ui.pick.gone"));
      if (!found) return;
      const body = { how: found.how, [found.kind]: found.id, ...(found.note ? { note: found.note } : {}) };
      const party = await send("POST", path(call.id, "parties"), body, keepParty(call.id));
      if (party && found.note) noteSent();
    },

    "drop-party": (button) => send("DELETE", path(button.dataset.id, "parties", button.dataset.part)),

    arrange: (button) => send("POST", path(button.dataset.id, "arrange"), { what: button.dataset.what }, () => say(code("arrange.done", button.dataset.what))),

    emergency: (button) => emergency({ id: button.dataset.id }, button.dataset.entry),

    /** Alt+1 … Alt+4, in whatever the seat does just now. Gives whether there was a call to ring the line into. */
    emergencyKey(digit) {
      const call = store.you?.seat ? store.myCall() : null;
      const entry = keysOf(store.directory)[digit - 1];
      if (!call || !entry || !mayEmergency(store, call)) return false;
      const going = call.parties.some((party) => party.emergency && party.target.id === entry.id && ["queued", "ringing", "joined"].includes(party.state));
      if (!entry.enabled) toast(`${two(entry.name)}${t("ui.sentence")}${code("directory.reason", entry.reason ?? "no-trunk")}`);
      else if (!going) emergency(call, entry.id);
      return true;
    },

    async supervise(button) {
      const { id, mode } = button.dataset;
      const seat = document.getElementById("own-phone")?.value || ownPhone(store);
      const call = callOf(id);
      if (mode === "takeover") {
        const served = store.seats.get(call?.seat);
        const yes = await ask({
          title: t("ui.supervise.takeover"), lead: t("ui.supervise.takeover.lead", { seat: served ? seatWords(served) : (call?.seat ?? "") }),
          points: [t("ui.supervise.takeover.undo"), t("ui.ask.audited")], confirm: code("supervise", "takeover"), danger: true,
        });
        if (!yes) return;
      }
      await send("POST", path(id, "supervise"), seat ? { mode, seat } : { mode });
    },

    "keep-phone"(select) {
      keepPhone(select.value);
      draw();
    },
  };
}
