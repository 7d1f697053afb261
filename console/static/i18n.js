// Captions: Chinese first; the choice is remembered in this browser.

let captions = {};
let languages = ["zh", "en"];
let language = "zh";

export async function loadCaptions() {
  const answer = await fetch("/static/i18n.json");
  ({ captions, languages } = await answer.json());
  let kept = null;
  try {
    kept = localStorage.getItem("hotline.language");
  } catch {
    /* storage may be closed to us: the default will do */
  }
  setLanguage(languages.includes(kept) ? kept : languages[0], false);
}

/** Names that the configuration gives to its own skills, rules and modes; a language it leaves out keeps ours. */
export function addCaptions(more) {
  for (const [key, texts] of Object.entries(more ?? {})) {
    const ours = captions[key];
    if (ours && key.startsWith("why.")) continue; // what a planner's reason means is ours to say
    captions[key] = { zh: texts.zh || ours?.zh || texts.en, en: capital(texts.en) || ours?.en || texts.zh };
  }
}

/** "short break" → "Short break": configured words stand where ours do. */
export const capital = (text) => text.charAt(0).toUpperCase() + text.slice(1);

export function setLanguage(next, keep = true) {
  language = next;
  document.documentElement.lang = next === "zh" ? "zh-CN" : next;
  document.title = t("ui.title");
  if (keep) {
    try {
      localStorage.setItem("hotline.language", next);
    } catch {
      /* as above */
    }
  }
}

export const current = () => language;
export const nextLanguage = () => languages[(languages.indexOf(language) + 1) % languages.length];

/** The caption of a key, with {names} filled in. */
export function t(key, values) {
  const text = captions[key]?.[language] ?? key;
  return values ? text.replace(/{(\w+)}/g, (whole, name) => values[name] ?? whole) : text;
}

/** The caption of a code of some family; a code nobody has named is shown as it is. */
export function code(family, value) {
  if (value === null || value === undefined) return "";
  return captions[`${family}.${value}`]?.[language] ?? String(value);
}

/** The sentence of an API problem. */
export function problemText(problem) {
  return problem?.message?.[language] ?? `${t("problem.network")} · ${t("problem.network.mend")}`;
}
