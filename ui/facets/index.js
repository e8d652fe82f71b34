// What a library holds, as lists and a tree of folders: every entry is a button that shows it.
export default function ({ data, parentElement, setTriggerValue }) {
  const root = rootOf(parentElement, "lx");
  root.send = (kind, value) => setTriggerValue("pick", { kind, value });
  const shown = JSON.stringify(data.groups);
  if (root.shown === shown) return;
  root.shown = shown;
  root.replaceChildren(...data.groups.map((group) => section(root, group)));
}

const section = (root, group) => {
  const most = Math.max(...group.entries.map((one) => one.count), 1);
  const list = el("ul", { class: group.kind === "path" ? "tree" : "flat", "aria-label": group.title }, ...group.entries.map((one) => entry(root, group, one, most, true)));
  return el("section", {}, el("h4", {}, group.title), list, group.note ? el("p", { class: "faint" }, group.note) : null);
};

const entry = (root, group, one, most, isOpen) => {
  const inside = one.inside ?? [];
  const button = el("button", { class: "entry", title: one.title ?? null, onclick: () => root.send(group.kind, one.value) },
    el("i", { class: "fill", style: { width: `${(100 * one.count) / most}%` } }),
    el("span", { class: "label" }, one.label), el("span", { class: "faint count" }, one.count.toLocaleString("en")));
  if (!inside.length) return el("li", {}, group.kind === "path" ? el("span", { class: "fold" }) : null, button);
  const below = el("ul", { class: "tree" }, ...inside.map((other) => entry(root, group, other, most, false)));
  const fold = el("button", { class: "fold", "aria-label": `Folders in ${one.label}`, onclick: () => open(below.hidden) });
  const open = (on) => {
    below.hidden = !on;
    fold.textContent = on ? "▾" : "▸";
    fold.setAttribute("aria-expanded", String(on));
  };
  open(isOpen);
  return el("li", {}, fold, button, below);
};
