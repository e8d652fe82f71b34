// Makes elements. Strings become text nodes: nothing that a photo or a user names is ever markup.
const el = (tag, props = {}, ...children) => {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (name === "style") for (const [k, v] of Object.entries(value)) node.style.setProperty(k, v);
    else node.setAttribute(name, value === true ? "" : String(value));
  }
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
};

// The one root element of a component, kept from run to run.
const rootOf = (parent, name) => {
  let root = parent.querySelector(`.${name}`);
  if (!root) {
    root = el("div", { class: name });
    parent.append(root);
  }
  return root;
};

const icon = (path) => {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  const shape = document.createElementNS("http://www.w3.org/2000/svg", "path");
  shape.setAttribute("d", path);
  svg.append(shape);
  return svg;
};

const CHANNELS = [
  ["lexical", "words"],
  ["dense", "meaning"],
  ["late", "fine match"],
];

// Puts the nodes into a parent in this order; what is in place is not moved: a focus stays, a drag goes on.
const arrange = (parent, nodes) => {
  const wanted = new Set(nodes);
  for (const node of [...parent.childNodes]) if (!wanted.has(node)) node.remove();
  let next = parent.firstChild;
  for (const node of nodes) {
    if (node === next) next = next.nextSibling;
    else parent.insertBefore(node, next);
  }
};

// What has the focus inside a component.
const focusedIn = (parent) => parent.getRootNode().activeElement;
