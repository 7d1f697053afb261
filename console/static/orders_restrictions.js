// Orders to the restriction list: each asks first and says what it means; the second person is another one.

import { get, post, postForBlob } from "./api.js";
import { ask } from "./dialog.js";
import { say } from "./dom.js";
import { shortDayAndMinute } from "./format.js";
import { code, problemText, t } from "./i18n.js";
import { wordsOfNumber } from "./parts.js";
import { freshRestrictions } from "./view_restrictions.js";

const REASONS = ["abuse", "threat", "obscene", "occupying", "false-report", "other"];
const DAYS = [1, 3, 7, 14, 30, 60, 90, 180];
const path = (...parts) => `/api/v1/restrictions${parts.map((part) => `/${encodeURIComponent(part)}`).join("")}`;
const ENDING = ["reject", "lift"];

/** tools: {store, view, draw, toast}; gives the orders, and `load` for who comes to the page. */
export function makeRestrictionOrders({ store, view, draw, toast }) {
  async function load(further = false) {
    if (!store.may("restrictions") || document.hidden) return;
    const { tab, pages } = view.restrictions;
    const known = pages[tab];
    // Elsewhere only the counts are wanted.
    const limit = view.page === "restrictions" ? Math.max(50, further ? 50 : Math.min(200, known.items.length)) : 1;
    try {
      const cursor = further && known.next ? `&cursor=${encodeURIComponent(known.next)}` : "";
      const page = await get(`${path()}?state=${tab}&limit=${limit}${cursor}`);
      view.restrictions.counts = { proposed: page.proposed, active: page.active, review_due: page.review_due, default_days: page.default_days, longest_days: page.longest_days };
      if (limit > 1) pages[tab] = { items: further ? [...known.items, ...page.items] : page.items, next: page.next, loaded: true };
    } catch (error) {
      if (view.page === "restrictions") pages[tab] = { ...known, error: problemText(error.problem) };
    }
    draw();
  }

  async function send(work, done) {
    try {
      const answer = await work();
      toast(done);
      await load();
      return answer;
    } catch (error) {
      toast(problemText(error.problem));
      await load();
      return null;
    }
  }

  const entry = (id) => Object.values(view.restrictions.pages).flatMap((page) => page.items).find((one) => one.id === id);

  async function propose(call) {
    if (!view.restrictions.counts) await load();
    const { default_days: usual = 7, longest_days: longest = 30 } = view.restrictions.counts ?? {};
    const days = [...new Set([...DAYS.filter((n) => n <= longest), usual, longest])].sort((a, b) => a - b);
    const found = await ask({
      title: call ? t("ui.restrictions.propose.title", { number: wordsOfNumber(call.caller) }) : t("ui.restrictions.propose.new"),
      lead: t("ui.restrictions.propose.lead"),
      fields: [
        ...(call ? [] : [{ name: "number", label: t("ui.restrictions.col.number"), required: true, pattern: "\\+?[0-9]{7,20}", inputmode: "tel", hint: t("ui.restrictions.propose.number") }]),
        { name: "reason", label: t("ui.restrictions.col.why"), kind: "select", value: "abuse", options: REASONS.map((value) => ({ value, label: code("restriction.reason", value) })) },
        { name: "note", label: t("ui.restrictions.propose.note"), required: true, hint: t("ui.restrictions.propose.note.hint") },
        { name: "days", label: t("ui.restrictions.propose.days"), kind: "select", value: String(usual), options: days.map((n) => ({ value: String(n), label: t("ui.restrictions.propose.days.n", { n }) })), hint: t("ui.restrictions.propose.days.hint") },
        { name: "variant", label: t("ui.restrictions.propose.variant"), kind: "choice", value: "announce", options: ["announce", "queue-last"].map((value) => ({ value, label: code("restriction.variant", value), about: code("restriction.variant.about", value) })) },
      ],
      confirm: t("ui.restrictions.propose.confirm"),
    });
    if (!found) return;
    const { number, days: long, ...rest } = found;
    await send(() => post(path(), { ...rest, days: Number(long), ...(call ? { call: call.id } : { number }) }), t("ui.restrictions.proposed"));
  }

  function questionOf(what, one) {
    const number = one.number;
    return {
      confirm: { title: t("ui.restrictions.ask.confirm", { number }), points: [t("ui.restrictions.ask.confirm.point", { n: Math.round(one.days * 100) / 100 }), t("ui.restrictions.ask.confirm.evidence")], confirm: t("ui.restrictions.confirm") },
      reject: { title: t("ui.restrictions.ask.reject", { number }), points: [t("ui.restrictions.ask.reject.point")], confirm: t("ui.restrictions.reject") },
      keep: { title: t("ui.restrictions.ask.keep", { number }), points: [t("ui.restrictions.ask.keep.point")], confirm: t("ui.restrictions.keep") },
      lift: { title: t("ui.restrictions.ask.lift", { number }), points: [t("ui.restrictions.ask.lift.point")], confirm: t(one.state === "proposed" ? "ui.restrictions.withdraw" : "ui.restrictions.lift") },
      appeal: { title: t("ui.restrictions.ask.appeal", { number }), points: [t("ui.restrictions.ask.appeal.point")], confirm: t("ui.restrictions.appeal") },
    }[what];
  }

  async function makeBundle(id) {
    // The calls to choose from are in the entry itself, whose number is shown with it: one audited look.
    const one = await get(path(id));
    const chosen = new Set([...one.calls, ...one.turned.slice(-20)]);
    const known = new Map(one.known.map((call) => [call.id, call]));
    for (const call of chosen) if (!known.has(call)) known.set(call, { id: call });
    const options = [...known.values()].map((call) => ({
      value: call.id, label: call.at ? shortDayAndMinute(call.at) : call.id, checked: chosen.has(call.id),
      about: [call.outcome ? code("outcome", call.outcome) : null, t(call.recorded ? "ui.restrictions.bundle.recorded" : "ui.restrictions.bundle.unrecorded")].filter(Boolean).join(" · "),
    }));
    const found = await ask({
      title: t("ui.restrictions.bundle.title", { number: wordsOfNumber(one) }), lead: t("ui.restrictions.bundle.lead"),
      points: [t("ui.restrictions.bundle.personal"), t("ui.restrictions.bundle.missing"), options.length ? null : t("ui.restrictions.bundle.calls.none"), t("ui.ask.audited")],
      fields: options.length ? [{ name: "calls", label: t("ui.restrictions.bundle.calls"), kind: "checks", options }] : [],
      confirm: t("ui.restrictions.bundle.confirm"),
    });
    if (!found) return;
    toast(t("ui.restrictions.bundle.busy"));
    const blob = await postForBlob(path(id, "bundle"), { calls: found.calls ?? [] });
    const link = document.createElement("a");
    link.href = URL.createObjectURL(blob);
    link.download = `hotline-evidence-${id}.zip`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
    const hash = await hashOf(blob);
    toast(t("ui.restrictions.bundle.made", { hash: hash.slice(0, 16) }));
    await load();
  }

  return {
    load,
    actions: {
      "to-restrictions": () => (location.hash = "#/restrictions"),
      "restrictions-tab"(button) {
        view.restrictions.tab = button.dataset.tab;
        load();
        draw();
      },
      "more-restrictions": () => load(true),
      "restrict-number": () => propose(null),
      "restrict-call"(button) {
        const call = store.calls.get(button.dataset.id) ?? (view.detail?.data?.id === button.dataset.id ? view.detail.data : null);
        if (call) propose(call);
      },
      async "restriction-whole"(button) {
        try {
          const one = await get(path(button.dataset.id));
          view.restrictions.whole.set(one.id, one.number);
          say(one.number);
        } catch (error) {
          toast(problemText(error.problem));
        }
        draw();
      },
      async "restriction-act"(button) {
        const { id, what } = button.dataset;
        const one = entry(id);
        if (!one) return;
        const needed = what !== "confirm";
        const label = what === "appeal" ? t("ui.restrictions.ask.appeal.note") : t(needed ? "ui.restrictions.ask.note" : "ui.restrictions.ask.note.optional");
        const question = questionOf(what, one);
        const found = await ask({ ...question, points: [...question.points, t("ui.ask.audited")], danger: ENDING.includes(what), fields: [{ name: "note", label, required: needed }] });
        if (found) await send(() => post(path(id, "act"), { what, note: found.note }), t("ui.restrictions.done"));
      },
      async "restriction-bundle"(button) {
        const { id } = button.dataset;
        if (view.restrictions.busy) return;
        view.restrictions.busy = id;
        try {
          await makeBundle(id);
        } catch (error) {
          toast(problemText(error.problem));
        }
        view.restrictions.busy = "";
        draw();
      },
    },
    forget: () => (view.restrictions = freshRestrictions()),
  };
}

/** Of a large file it may take a second; on a page that is not secure the browser has no such function. */
async function hashOf(blob) {
  if (!crypto.subtle) return "…";
  const digest = await crypto.subtle.digest("SHA-256", await blob.arrayBuffer());
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
