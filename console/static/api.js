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

async function send(method, path, body) {
  const headers = { "Content-Type": "application/json" };
  return (await ask(path, { method, headers, body: JSON.stringify(body) })).json();
}
export const post = (path, body) => send("POST", path, body);
export const put = (path, body) => send("PUT", path, body);
export const del = async (path) => (await ask(path, { method: "DELETE" })).json();
