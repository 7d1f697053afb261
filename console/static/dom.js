// Small building blocks: make elements from data, and bring what is on the screen up to date without throwing it
// away, so that focus, scrolling and an open menu survive an update. Text only ever enters as text.

const SVG = "http://www.w3.org/2000/svg";

/** h("div.card", {title: "x", "data-do": "open"}, child, [children], "text") */
export function h(what, attributes, ...children) {
  const [tag, ...classes] = what.split(".");
  const element = tag === "svg" || tag === "path" ? document.createElementNS(SVG, tag) : document.createElement(tag);
  if (classes.length) element.setAttribute("class", classes.join(" "));
  for (const [name, value] of Object.entries(attributes || {})) {
    if (value === null || value === undefined || value === false) continue;
    element.setAttribute(name, value === true ? "" : String(value));
  }
  for (const child of children.flat(4)) {
    if (child === null || child === undefined || child === false || child === "") continue;
    element.append(child instanceof Node ? child : document.createTextNode(String(child)));
  }
  return element;
}

/** Make the children of `parent` equal to `wanted`, changing as little as possible. */
export function patch(parent, ...wanted) {
  const list = wanted.flat(4).filter((node) => node instanceof Node || typeof node === "string");
  const nodes = list.map((node) => (node instanceof Node ? node : document.createTextNode(node)));
  const keyed = new Map();
  for (const old of parent.childNodes) if (keyOf(old)) keyed.set(keyOf(old), old);
  let here = parent.firstChild;
  for (const node of nodes) {
    const key = keyOf(node);
    const old = key ? keyed.get(key) : here && !keyOf(here) ? here : null;
    if (old && old.nodeName === node.nodeName) {
      if (old !== here) parent.insertBefore(old, here);
      else here = here.nextSibling;
      if (key) keyed.delete(key);
      update(old, node);
    } else {
      parent.insertBefore(node, here);
    }
  }
  while (here) {
    const next = here.nextSibling;
    here.remove();
    here = next;
  }
}

function keyOf(node) {
  return node.nodeType === 1 ? node.getAttribute("data-key") : null;
}

function update(old, fresh) {
  if (old.nodeType !== 1) {
    if (old.nodeValue !== fresh.nodeValue) old.nodeValue = fresh.nodeValue;
    return;
  }
  for (const { name } of [...old.attributes]) {
    // What the person opened, typed or loaded stays theirs.
    if (!fresh.hasAttribute(name) && !(name === "open" && old.nodeName === "DETAILS") && name !== "src") {
      old.removeAttribute(name);
    }
  }
  for (const { name, value } of fresh.attributes) {
    if (old.getAttribute(name) !== value && !(name === "open" && old.nodeName === "DETAILS")) {
      old.setAttribute(name, value);
    }
  }
  if (old.nodeName === "INPUT" || old.nodeName === "AUDIO") return;
  patch(old, ...fresh.childNodes);
}

/** One message for people who listen to the screen. */
export function say(text) {
  document.getElementById("say").textContent = text;
}
