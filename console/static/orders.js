// What a person orders: each asks first where it matters, sends, and says why when it is refused.

import { del, post, put } from "./api.js";
import { ask } from "./dialog.js";
import { now, span } from "./format.js";
import { code, current, problemText, t } from "./i18n.js";
import { seatWords, wordsOfNumber } from "./parts.js";

const path = (...parts) => `/api/v1/${parts.map(encodeURIComponent).join("/")}`;

/** tools: {store, view, draw, toast, reloadCentres} */
export function makeOrders({ store, view, draw, toast, reloadCentres }) {
  async function send(work, done) {
    try {
      const answer = await work();
      done?.(answer);
      draw();
      return answer;
    } catch (error) {
      toast(problemText(error.problem));
      return null;
    }
  }
  const keepSeat = (seat) => store.seats.set(seat.id, seat);
  const keepCallback = (entry) => store.callbacks.set(entry.id, entry);

  return {
    async "order-seat"(button) {
      const { id, state, reasonFrom } = button.dataset;
      const reason = reasonFrom ? document.getElementById(reasonFrom).value : button.dataset.reason;
      view.ordering = true;
      draw();
      const seat = await send(() => post(path("seats", id, "state"), reason ? { state, reason } : { state }), keepSeat);
      if (seat) button.closest("details")?.removeAttribute("open");
      view.ordering = false;
      draw();
    },

    async "rest-seat"(button) {
      const seat = store.seats.get(button.dataset.id);
      const busy = !["available", "break", "rest"].includes(seat.state);
      const yes = await ask({
        title: t("ui.rest.title", { seat: seatWords(seat) }), lead: t("ui.rest.lead"),
        points: [
          t(busy ? "ui.rest.after" : "ui.rest.now"), t("ui.rest.until", { time: span(store.choices.rest) }),
          t("ui.rest.end"), t("ui.ask.audited"),
        ],
        confirm: t("ui.rest.confirm"),
      });
      if (yes) await send(() => post(path("seats", seat.id, "rest"), {}), keepSeat);
    },

    async "reset-seat"(button) {
      const seat = store.seats.get(button.dataset.id);
      const yes = await ask({
        title: t("ui.reset.title", { seat: seatWords(seat) }), lead: t("ui.reset.lead", { state: code("seat.state", seat.state) }),
        points: [t(`ui.reset.${RESET[seat.state] ?? "available"}`), t("ui.reset.phone"), t("ui.ask.audited")],
        confirm: t("ui.reset.confirm"), danger: true,
      });
      if (yes) await send(() => post(path("seats", seat.id, "reset"), {}), keepSeat);
    },

    async "call-back"(button) {
      const call = store.calls.get(button.dataset.id);
      const yes = await ask({
        title: t("ui.callback.ask.title", { number: wordsOfNumber(call.caller) }),
        points: [t("ui.callback.ask.told"), t("ui.callback.ask.rank"), t("ui.callback.ask.seat"), t("ui.ask.audited")],
        confirm: t("ui.waiting.callback"),
      });
      if (yes) await send(() => post(path("calls", call.id, "callback"), {}), () => toast(t("ui.callback.asked")));
    },

    async "add-callback"() {
      const found = await ask({
        title: t("ui.callbacks.add.title"), lead: t("ui.callbacks.add.lead"),
        fields: [
          { name: "number", label: t("ui.col.callee"), required: true, pattern: "\\+?[0-9]{3,20}", inputmode: "tel", hint: t("ui.callbacks.add.number") },
          { name: "reason", label: t("ui.col.reason"), kind: "choice", value: "visit", options: ["visit", "missed"].map((reason) => ({ value: reason, label: code("callback.reason", reason), about: t(`ui.callbacks.add.${reason}`) })) },
        ],
        confirm: t("ui.callbacks.add"),
      });
      if (found) await send(() => post(path("callbacks"), found), (entry) => {
        keepCallback(entry);
        view.callbacks = "open";
        toast(t("ui.callbacks.added"));
      });
    },

    async "cancel-callback"(button) {
      const entry = store.callbacks.get(button.dataset.id);
      const yes = await ask({
        title: t("ui.callbacks.cancel.title", { number: wordsOfNumber(entry) }),
        points: [t("ui.callbacks.cancel.nobody"), t("ui.callbacks.cancel.undo"), t("ui.ask.audited")],
        confirm: t("ui.callbacks.cancel"), danger: true,
      });
      if (!yes) return;
      await send(() => post(path("callbacks", entry.id, "cancel"), {}), (over) => {
        keepCallback(over);
        toast(t("ui.callbacks.cancelled"), { label: t("ui.undo"), do: "reopen-callback", id: entry.id });
      });
    },

    async "reopen-callback"(button) {
      await send(() => post(path("callbacks", button.dataset.id, "reopen"), {}), (entry) => {
        keepCallback(entry);
        toast(t("ui.callbacks.reopened"));
      });
    },

    async "switch-mode"() {
      const { mode } = store;
      const found = await ask({
        title: t("ui.mode.switch"), lead: t("ui.mode.switch.lead"),
        fields: [
          { name: "mode", label: t("ui.mode"), kind: "choice", value: mode.mode, options: store.choices.modes.map((name) => ({ value: name, label: code("mode", name), about: code("mode.about", name) })) },
          { name: "automatic", label: t("ui.mode.auto"), kind: "check", value: mode.automatic, hint: t("ui.mode.auto.hint") },
          { name: "reason", label: t("ui.mode.reason"), required: true, hint: t("ui.mode.reason.hint") },
        ],
        confirm: t("ui.mode.confirm"),
      });
      if (!found) return;
      const order = { reason: found.reason, automatic: found.automatic, ...(found.mode === mode.mode ? {} : { mode: found.mode }) };
      await send(() => put(path("mode"), order), (present) => (store.mode = present));
    },

    async "add-incident"() {
      const hours = [["", t("ui.incidents.open")], ...[1, 2, 4, 8, 24].map((n) => [String(n * 3600), t("ui.incidents.hours", { n })])];
      const found = await ask({
        title: t("ui.incidents.add.title"), lead: t("ui.incidents.add.lead"),
        fields: [
          { name: "regions", label: t("ui.incidents.regions"), kind: "checks", options: store.choices.centres.map((place) => ({ value: place.code, label: place.name })), hint: t("ui.incidents.regions.hint") },
          { name: "zh", label: t("ui.incidents.zh"), required: true },
          { name: "en", label: t("ui.incidents.en"), hint: t("ui.incidents.en.hint") },
          { name: "until", label: t("ui.incidents.until"), kind: "select", value: "7200", options: hours.map(([value, label]) => ({ value, label })) },
        ],
        confirm: t("ui.incidents.add"),
      });
      if (!found) return;
      if (!found.regions.length) return toast(t("ui.incidents.regions.none"));
      const order = { regions: found.regions, zh: found.zh, ...(found.en ? { en: found.en } : {}), ...(found.until ? { until: Math.round(now() + Number(found.until)) } : {}) };
      await send(() => post(path("incidents"), order), (one) => {
        if (!store.mode.incidents.some((other) => other.id === one.id)) store.mode = { ...store.mode, incidents: [...store.mode.incidents, one] };
      });
    },

    async "end-incident"(button) {
      const one = store.mode.incidents.find((incident) => incident.id === button.dataset.id);
      const yes = await ask({ title: t("ui.incidents.end.title"), lead: one.text[current()], points: [t("ui.incidents.end.lead"), t("ui.ask.audited")], confirm: t("ui.incidents.end") });
      if (!yes) return;
      await send(() => del(path("incidents", one.id)), () => {
        store.mode = { ...store.mode, incidents: store.mode.incidents.filter((other) => other.id !== one.id) };
      });
    },

    "to-incidents"() {
      document.getElementById("incidents-title")?.scrollIntoView({ block: "center" });
      reloadCentres();
    },
  };
}

const RESET = { offered: "ringing", ringing: "ringing", talking: "talking", wrap_up: "wrap_up", break: "break", rest: "break", offline: "offline" };
