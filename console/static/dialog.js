// A question in front of everything else: what will happen, what has to be filled in, yes or no.
// The browser's own <dialog> keeps the focus inside and closes on Escape.

import { h } from "./dom.js";
import { t } from "./i18n.js";

let number = 0;
const open = new Set();

/** Nobody is there to answer any more: every question is taken back. */
export const closeAsk = () => open.forEach((end) => end(null));

/**
 * Ask; gives the values by name, or null when the person has thought better of it.
 * ask({title, lead, points: [text], fields: [field], confirm, danger})
 * field: {name, label, kind: "text" | "choice" | "select" | "check" | "checks", options: [{value, label, about, checked}], value, hint, required, …}
 */
export function ask(question) {
  const id = `ask-${++number}`;
  const fields = question.fields ?? [];
  const element = h("dialog.ask", { "aria-labelledby": `${id}-title`, id },
    h("form", { method: "dialog", "data-do-submit": "ask" },
      h("h2", { id: `${id}-title` }, question.title),
      question.lead ? h("p", {}, question.lead) : null,
      question.points?.length ? h("ul.points", {}, question.points.filter(Boolean).map((point) => h("li", {}, point))) : null,
      fields.map((field) => fieldView(id, field)),
      h("div.ask-buttons", {},
        h("button", { type: "button", value: "no" }, t("ui.ask.no")),
        h("button", { type: "submit", class: question.danger ? "danger" : "primary" }, question.confirm))));
  document.body.append(element);
  return new Promise((done) => {
    const end = (value) => {
      open.delete(end);
      element.close();
      element.remove();
      done(value);
    };
    open.add(end);
    element.addEventListener("cancel", (event) => {
      event.preventDefault();
      end(null);
    });
    element.querySelector("[value=no]").addEventListener("click", () => end(null));
    element.querySelector("form").addEventListener("submit", (event) => {
      event.preventDefault();
      end(read(event.target, fields));
    });
    element.showModal();
    (element.querySelector("input:not([type=radio]):not([type=checkbox]), input:checked, select") ?? element.querySelector("[type=submit]")).focus();
  });
}

function read(form, fields) {
  const data = new FormData(form);
  return Object.fromEntries(fields.map(({ name, kind }) => [
    name, kind === "checks" ? data.getAll(name) : kind === "check" ? data.has(name) : String(data.get(name) ?? "").trim(),
  ]));
}

function fieldView(id, field) {
  const { name, label, kind, options = [], value, hint, ...more } = field;
  const own = `${id}-${name}`;
  const about = hint ? h("p.quiet.small", { id: `${own}-hint` }, hint) : null;
  const described = hint ? `${own}-hint` : null;
  if (kind === "check") {
    return h("div.field", {}, h("label.tick", {}, h("input", { type: "checkbox", name, checked: value, "aria-describedby": described }), label), about);
  }
  if (kind === "choice" || kind === "checks") {
    const type = kind === "choice" ? "radio" : "checkbox";
    return h("fieldset.field", {}, h("legend", {}, label),
      h(kind === "checks" ? "div.options.many" : "div.options", {}, options.map((option) =>
        h("label.tick", {}, h("input", { type, name, value: option.value, checked: option.checked ?? option.value === value, required: type === "radio" }),
          h("span", {}, option.label, option.about ? h("span.quiet.small.block", {}, option.about) : null)))), about);
  }
  const input = kind === "select"
    ? h("select", { id: own, name, "aria-describedby": described }, options.map((option) => h("option", { value: option.value, selected: option.value === value }, option.label)))
    : h("input", { id: own, name, type: "text", autocomplete: "off", value, maxlength: 200, "aria-describedby": described, ...more });
  return h("div.field", {}, h("label", { for: own }, label), input, about);
}
