// Starts the page and joins its parts: one store, one live line, one drawing function.

import { ApiError, get, getBlob, getToken, isPassing, restoreToken, setToken } from "./api.js";
import { closeAsk } from "./dialog.js";
import { h, patch, say } from "./dom.js";
import { setServerTime } from "./format.js";
import { loadCaptions, nextLanguage, problemText, setLanguage, t } from "./i18n.js";
import { Live } from "./live.js";
import { forgetNote, tidyNote } from "./notes.js";
import { makeOrders } from "./orders.js";
import { makePartyOrders } from "./orders_parties.js";
import { makeRestrictionOrders } from "./orders_restrictions.js";
import { partySays } from "./parties.js";
import { tick } from "./parts.js";
import { closePick, refreshPick } from "./pick.js";
import { Store } from "./store.js";
import { detailView } from "./view_call.js";
import { callbacksPanel } from "./view_callbacks.js";
import { centresPanel } from "./view_centres.js";
import { directoryPage } from "./view_directory.js";
import { callsPanel, draftsPanel } from "./view_floor.js";
import { askedIn, mePanel } from "./view_me.js";
import { incidentsPanel, modeBar } from "./view_mode.js";
import { waitingPanel } from "./view_queue.js";
import { freshRestrictions, restrictionsPage } from "./view_restrictions.js";
import { seatsPanel } from "./view_seats.js";
import { lineBanner, loginView, topBar } from "./view_top.js";

const store = new Store();
const app = document.getElementById("app");
const view = { login: { busy: false, error: "" }, line: { state: "connecting" }, tab: "live", callbacks: "open", detail: null, toast: "", undo: null, ordering: false, earlier: new Map(), popped: null, page: "floor", directory: { text: "", kind: "" }, emergencies: new Set(), unanswered: new Map(), told: new Map(), restrictions: freshRestrictions() };
const live = new Live({ message: heard, line: setLine, refused });

let drawing = false;
function draw() {
  if (drawing) return;
  drawing = true;
  requestAnimationFrame(() => {
    drawing = false;
    app.dataset.ready = store.you ? "desk" : "login";
    if (!store.you) return patch(app, loginView(view.login));
    const shown = { tab: view.tab, call: view.detail?.id };
    patch(app,
      h("div.head", { "data-key": "head" },
        h("header.top", { "data-key": "top" }, topBar(store, view.line)),
        modeBar(store, view),
        lineBanner(view.line) ?? ""),
      h("main.floor", { id: "main", "data-key": "floor", tabindex: "-1", "data-detail": Boolean(view.detail), "data-page": view.page },
        h("div.own", { "data-key": "own" }, store.you.seat ? mePanel(store, view) : null),
        view.page === "directory" ? directoryPage(store, view) : view.page === "restrictions" ? restrictionsPage(store, view) : [
          h("div.left", { "data-key": "left" }, callsPanel(store, shown), callbacksPanel(store, view), draftsPanel(store)),
          h("div.right", { "data-key": "right" }, waitingPanel(store), incidentsPanel(store), centresPanel(store), seatsPanel(store))]),
      view.detail ? detailView(store, view) : "",
      view.toast ? h("div.toast", { role: "alert", "data-key": "toast" }, h("span", {}, view.toast),
        view.undo ? h("button.plain", { "data-do": view.undo.do, "data-id": view.undo.id }, view.undo.label) : null, h("button.plain", { "data-do": "dismiss" }, t("ui.error.dismiss"))) : "");
    refreshPick();
  });
}

// --- the line ---

function heard(message) {
  setServerTime(message.at);
  if (message.type === "bye") return toast(problemText(message.data));
  const calls = store.take(message);
  if (message.type === "hello") {
    view.unanswered.clear();
    if (view.tab === "past") loadPast();
    loadCallbacks();
    loadCentres();
    loadDirectory();
    restrictions.load();
    if (view.detail) openFromAddress();
  }
  if (calls.includes(view.detail?.id)) refreshDetail();
  noticePop();
  noticeParties(message.type === "hello");
  tidyNote(store);
  draw();
}

function setLine(line) {
  view.line = line;
  if (line.state === "lost") say(t("ui.line.lost.banner"));
  draw();
}

/** The server no longer takes us: find out why, and if it is the token, go back to the login. */
async function refused(code) {
  if (code) return leave(t(`problem.${code}`));
  try {
    await get("/api/v1/events");
  } catch (error) {
    if (error.status === 401 || error.status === 403) leave(problemText(error.problem));
  }
}

/** The screen pop: said aloud once per call, and earlier calls are fetched if the event did not bring them. */
function noticePop() {
  const call = store.you?.seat ? store.myCall() : null;
  const asThird = call && askedIn(call, store.you.seat) && ["offered", "ringing"].includes(store.mySeat()?.state);
  const coming = call?.state === "offered" || call?.state === "preview" || (call && asThird);
  document.title = coming ? `● ${t(asThird ? "ui.pop.third" : "ui.pop.incoming")}` : t("ui.title");
  if (!coming || view.popped === call.id) return;
  view.popped = call.id;
  say(`${t("ui.pop.incoming")} ${call.caller.number ?? t("ui.number.none")} ${call.caller.region?.name ?? ""}`);
  window.scrollTo({ top: 0 });
  if (call.earlier.length) return;
  get(`/api/v1/calls/${encodeURIComponent(call.id)}`)
    .then((whole) => {
      view.earlier.clear();
      view.earlier.set(call.id, whole.earlier);
      draw();
    })
    .catch(() => {});
}

/** What becomes of the parties of the seat's own call is said aloud: ringing, the next line, joined, failed and why. */
function noticeParties(quietly) {
  const call = store.you?.seat ? store.myCall() : null;
  for (const party of call?.parties ?? []) {
    const now = `${party.state} ${party.tried} ${party.seat ?? ""}`;
    const before = view.told.get(`${call.id} ${party.id}`);
    view.told.set(`${call.id} ${party.id}`, now);
    if (before !== now && !quietly) say(partySays(store, party));
  }
}

async function lookAtHealth() {
  if (!store.you || document.hidden) return;
  try {
    const { parts } = await (await fetch("/readyz", { cache: "no-store" })).json();
    store.health = new Map(parts.map((part) => [part.part, part]));
    draw();
  } catch {
    /* the line to the service is down, which the page says anyway */
  }
}

// --- signing in and out ---

async function enter(token) {
  setToken(token);
  view.login = { busy: true, error: "" };
  draw();
  try {
    const hello = await get("/api/v1/events");
    setServerTime(hello.at);
    store.take(hello);
    view.login = { busy: false, error: "" };
    live.start();
    openFromAddress();
  } catch (error) {
    if (getToken() !== token) return;
    if (isPassing(error)) {
      // Nobody answers: the token may be good, and who comes back to a service that is being restarted keeps it.
      view.login = { busy: false, error: problemText(error.problem) };
      setTimeout(() => getToken() === token && !store.you && enter(token), 2000);
      return draw();
    }
    setToken(null);
    const machine = error instanceof ApiError && error.status === 403;
    view.login = { busy: false, error: machine ? t("ui.login.machine") : problemText(error.problem) };
  }
  draw();
}

function leave(reason = "") {
  live.stop();
  setToken(null);
  closePick();
  closeAsk();
  store.clear();
  document.title = t("ui.title");
  view.told.clear();
  restrictions.forget();
  dropDetail();
  view.login = { busy: false, error: reason };
  draw();
}

// --- a call's or draft's detail ---

function openFromAddress() {
  const found = /^#\/(call|draft)\/([\w.-]+)$/.exec(location.hash);
  if (!found) turnTo(/^#\/(directory|restrictions)$/.exec(location.hash)?.[1] ?? "floor");
  if (!found || !store.you) {
    dropDetail();
    return draw();
  }
  const [, kind, id] = found;
  if (view.detail?.id !== id) {
    dropDetail();
    view.detail = { kind, id, data: null, error: "", audio: null, back: document.activeElement };
    requestAnimationFrame(() => requestAnimationFrame(() => document.getElementById("detail")?.focus({ preventScroll: false })));
  }
  loadDetail();
  draw();
}

/** Another page under the same head; the seat's own card stays on every one. */
function turnTo(page) {
  if (view.page === page) return;
  view.page = page;
  view.directory = { text: "", kind: "" };
  window.scrollTo({ top: 0 });
  view.restrictions.whole.clear();
  if (page === "restrictions") restrictions.load();
  if (page === "directory") {
    loadDirectory();
    requestAnimationFrame(() => requestAnimationFrame(() => document.getElementById("directory-search")?.focus()));
  }
}

async function loadDetail() {
  const { detail } = view;
  try {
    const path = detail.kind === "call" ? "/api/v1/calls/" : "/api/v1/tickets/";
    detail.data = await get(path + encodeURIComponent(detail.id));
    detail.error = "";
  } catch (error) {
    detail.error = problemText(error.problem);
  }
  draw();
}

let refreshing = null;
function refreshDetail() {
  clearTimeout(refreshing);
  refreshing = setTimeout(() => view.detail && loadDetail(), 400);
}

function dropDetail() {
  if (view.detail?.audio) URL.revokeObjectURL(view.detail.audio);
  view.detail = null;
}

async function loadAudio(at = 0) {
  const { detail } = view;
  if (!detail?.data?.recording) return;
  if (!detail.audio) {
    detail.audioBusy = true;
    draw();
    try {
      detail.audio = URL.createObjectURL(await getBlob(detail.data.recording.audio));
      detail.audioError = "";
    } catch (error) {
      detail.audioError = problemText(error.problem);
    }
    detail.audioBusy = false;
    draw();
    if (!detail.audio) return;
    await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
  }
  const audio = document.getElementById("audio");
  if (!audio) return;
  if (audio.readyState < 1) await new Promise((done) => audio.addEventListener("loadedmetadata", done, { once: true }));
  audio.currentTime = at;
  audio.play().catch(() => {});
}

// --- lists and commands ---

async function loadPast(further = false) {
  const { past } = store;
  try {
    const cursor = further && past.next ? `&cursor=${encodeURIComponent(past.next)}` : "";
    const page = await get(`/api/v1/calls?live=false&limit=50${cursor}`);
    store.past = { items: further ? [...past.items, ...page.items] : page.items, next: page.next, loaded: true };
  } catch (error) {
    store.past = { ...past, error: problemText(error.problem) };
  }
  draw();
}

async function loadCallbacks(further = false) {
  const shown = view.callbacks;
  const known = store.callbackPages[shown];
  try {
    const cursor = further && known.next ? `&cursor=${encodeURIComponent(known.next)}` : "";
    store.takeCallbacks(shown, await get(`/api/v1/callbacks?state=${shown}&limit=50${cursor}`), further);
  } catch (error) {
    store.callbackPages[shown] = { ...known, error: problemText(error.problem) };
  }
  draw();
}

async function loadCentres() {
  if (!store.may("steer") || document.hidden) return;
  try {
    store.centres = (await get("/api/v1/centres")).items;
    draw();
  } catch {
    /* the next look will tell; a lost line is said anyway */
  }
}

async function loadDirectory() {
  if (!store.you || document.hidden) return;
  try {
    store.directory = { ...(await get("/api/v1/directory")), loaded: true, error: "" };
  } catch (error) {
    store.directory = { ...store.directory, error: problemText(error.problem) };
  }
  draw();
}

let toastTimer = null;
function toast(text, undo = null) {
  view.toast = text;
  view.undo = undo;
  clearTimeout(toastTimer);
  toastTimer = setTimeout(() => actions.dismiss(), 8000);
  draw();
}

const restrictions = makeRestrictionOrders({ store, view, draw, toast });
const actions = {
  language() {
    setLanguage(nextLanguage());
    draw();
  },
  logout() {
    forgetNote();
    leave();
  },
  retry: () => live.retryNow(),
  dismiss() {
    view.toast = "";
    draw();
  },
  tab(button) {
    view.tab = button.dataset.tab;
    if (view.tab === "past" && !store.past.loaded) loadPast();
    draw();
  },
  "more-past": () => loadPast(true),
  "open-call": (row) => (location.hash = `#/call/${row.dataset.id}`),
  "close-detail"() {
    const back = view.detail?.back;
    history.pushState(null, "", location.pathname + (view.page === "floor" ? "" : `#/${view.page}`));
    dropDetail();
    draw();
    if (back?.isConnected) back.focus();
  },
  "callback-tab"(button) {
    view.callbacks = button.dataset.tab;
    if (!store.callbackPages[view.callbacks].loaded) loadCallbacks();
    draw();
  },
  "more-callbacks": () => loadCallbacks(true),
  "to-directory": () => (location.hash = "#/directory"),
  "to-floor": () => (location.hash = "#/"),
  "directory-search"(input) {
    view.directory.text = input.value.trim();
    draw();
  },
  "directory-kind"(button) {
    view.directory.kind = button.dataset.kind;
    draw();
  },
  ...makeOrders({ store, view, draw, toast, reloadCentres: loadCentres }),
  ...makePartyOrders({ store, view, draw, toast, refreshDetail }),
  ...restrictions.actions,
  "load-audio": () => loadAudio(),
  seek: (button) => loadAudio(Number(button.dataset.at)),
};

document.addEventListener("click", (event) => {
  const target = event.target.closest("[data-do]");
  const link = event.target.closest("a[href]");
  if (link && link !== target) return;
  if (link) event.preventDefault();
  if (target) actions[target.dataset.do]?.(target);
});
for (const kind of ["input", "change"]) {
  document.addEventListener(kind, (event) => {
    const target = event.target.closest?.(`[data-do-${kind}]`);
    if (target) actions[target.getAttribute(`data-do-${kind}`)]?.(target);
  });
}
document.addEventListener("submit", (event) => {
  event.preventDefault();
  if (!("login" in event.target.dataset)) return;
  const token = new FormData(event.target).get("token").trim();
  if (token) enter(token);
});
document.addEventListener("keydown", (event) => {
  const digit = event.altKey && !event.ctrlKey && !event.metaKey && /^Digit([1-4])$/.exec(event.code);
  if (digit && !event.repeat && actions.emergencyKey(Number(digit[1]))) return event.preventDefault();
  if (event.key === "Escape" && view.detail && !document.querySelector("dialog[open]")) actions["close-detail"]();
  const tab = event.target.closest?.("[role=tab]");
  if (tab && (event.key === "ArrowLeft" || event.key === "ArrowRight")) {
    const other = tab.nextElementSibling ?? tab.previousElementSibling;
    actions[other.dataset.do](other);
    other.focus();
  }
});
window.addEventListener("hashchange", () => {
  // A second link with a token may arrive while the page is open.
  if (location.hash.includes("token=")) enter(restoreToken());
  else if (location.hash !== "#main") openFromAddress();
});
setInterval(tick, 500);
// The parts' health is asked for, not waited for: a part that is down may be the one that would tell.
setInterval(lookAtHealth, 15_000);
setInterval(loadCentres, 5_000);
// Hours begin and end, trunks come and go: the directory says which hotline can be rung now.
setInterval(loadDirectory, 60_000);
setInterval(() => restrictions.load(), 20_000);

await loadCaptions();
const kept = restoreToken();
if (kept && getToken()) enter(kept);
else draw();
