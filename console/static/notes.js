// What a seat has typed for the next hotline and not sent yet. It outlives the page: a browser that crashes, a token
// that runs out, a closed lid. One note, of one call, of one person; it goes with its call, and when that person signs
// out, because it is about a caller and the machine may be another's in the next shift.

const KEY = "hotline.note";
const LIFE = 12 * 3600 * 1000;

let kept = read();

function read() {
  try {
    const found = JSON.parse(localStorage.getItem(KEY));
    return found && Date.now() - found.at < LIFE ? found : null;
  } catch {
    return null; // no storage, or not ours: the note then lasts as long as the page
  }
}

function write() {
  try {
    if (kept) localStorage.setItem(KEY, JSON.stringify(kept));
    else localStorage.removeItem(KEY);
  } catch {
    /* as above */
  }
}

const whoIs = (store) => store.you?.seat ?? store.you?.name ?? "";

/** The note about that call, "" if there is none. */
export const noteOf = (store, call) => (kept?.call === call.id && kept.who === whoIs(store) ? kept.note : "");

/** The same while it has reached nobody. */
export const unsentNote = (store, call) => (kept?.sent ? "" : noteOf(store, call));

export function keepNote(store, call, note) {
  kept = note ? { call: call.id, who: whoIs(store), note, sent: false, at: Date.now() } : null;
  write();
}

/** It has gone out with an order; if nobody answers there, it need not be written again. */
export function noteSent() {
  if (!kept) return;
  kept.sent = true;
  write();
}

export function forgetNote() {
  kept = null;
  write();
}

/** After news: a note whose call is over, or which somebody else has left here, goes. */
export function tidyNote(store) {
  if (kept && (kept.who !== whoIs(store) || !store.calls.has(kept.call))) forgetNote();
}
