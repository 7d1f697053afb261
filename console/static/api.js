// Requests with the token. It lives in this tab's session storage: never in a URL, never in a cookie.

const KEY = "hotline.token";
let token = null;

export function restoreToken() {
  // A link may bring the token in its fragment, which no server ever sees; it is taken out of the bar at once.
  const found = /(?:^#|&)token=([^&]+)/.exec(location.hash);
  if (found) {
    history.replaceState(null, "", location.pathname + location.search);
    setToken(decodeURIComponent(found[1]));
    return token;
  }
  try {
    token = sessionStorage.getItem(KEY);
  } catch {
    token = null;
  }
  return token;
}

export function setToken(next) {
  token = next;
  try {
    if (next) sessionStorage.setItem(KEY, next);
    else sessionStorage.removeItem(KEY);
  } catch {
    /* no storage: the token then lasts as long as the page */
  }
}

export const getToken = () => token;

/** An answer that is not what was asked for. `problem` is the API's own account, or null. */
export class ApiError extends Error {
  constructor(status, problem) {
    super(problem?.code ?? `status ${status}`);
    this.status = status;
    this.problem = problem;
  }
}

async function ask(path, options = {}) {
  let answer;
  try {
    const headers = { ...options.headers, Authorization: `Bearer ${token}` };
    answer = await fetch(path, { ...options, headers, credentials: "omit", cache: "no-store" });
  } catch {
    throw new ApiError(0, null);
  }
  if (!answer.ok) throw new ApiError(answer.status, await answer.json().catch(() => null));
  return answer;
}

export const get = async (path) => (await ask(path)).json();
export const getBlob = async (path) => (await ask(path)).blob();

const written = (method, path, body) => ask(path, { method, headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });
const send = async (method, path, body) => (await written(method, path, body)).json();
/** What is broken off in the middle is no file. */
export const postForBlob = async (path, body) => {
  const answer = await written("POST", path, body);
  try {
    return await answer.blob();
  } catch {
    throw new ApiError(0, null);
  }
};
export const post = (path, body) => send("POST", path, body);
export const put = (path, body) => send("PUT", path, body);
export const del = async (path) => (await ask(path, { method: "DELETE" })).json();

/** A key nobody else has: `crypto.randomUUID` is there on secure pages only, and a desk may stand in a plain network. */
export function freshKey() {
  if (crypto.randomUUID) return crypto.randomUUID();
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

const AGAIN = [300, 1000, 2500];
const PASSING = [0, 502, 503, 504];

/** Whether nobody has answered: what was asked may have been done or not, and may be asked again. */
export const isPassing = (error) => PASSING.includes(error.status);

/**
 * An order about a call. Its key stays the same: when the answer is lost on the way the same order goes out again under
 * the same key, and the service does it once. A refusal is an answer and is never asked twice.
 */
export async function order(method, path, body, key) {
  const headers = { "Content-Type": "application/json", "Idempotency-Key": key };
  for (let tries = 0; ; tries += 1) {
    try {
      return await (await ask(path, { method, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) })).json();
    } catch (error) {
      if (!isPassing(error) || tries >= AGAIN.length) throw error;
      await new Promise((done) => setTimeout(done, AGAIN[tries]));
    }
  }
}
