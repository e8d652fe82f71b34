// Hits as cards: thumbnail, reasons, shares of the channels, actions; a cut-off on the histogram.
const BINS = 32;
const ICONS = {
  like: "M12 5v14M5 12h14",
  unlike: "M5 12h14",
  up: "M7 11v9H4v-9zM7 11l4-8c1.5 0 2.5 1 2.5 2.5L13 9h6l-1.5 9-1 2H7",
  down: "M7 13V4H4v9zM7 13l4 8c1.5 0 2.5-1 2.5-2.5L13 15h6l-1.5-9-1-2H7",
};
const GRADES = [["up", 1, "Relevant"], ["down", 0, "Not relevant"]];

export default function ({ data, parentElement, setTriggerValue }) {
  const root = rootOf(parentElement, "lx");
  const cards = (root.cards ??= new Map());
  root.send = (kind, rest = {}) => setTriggerValue("action", { kind, ...rest });
  if (!root.parts) {
    root.parts = {
      head: el("div", { class: "head" }),
      notes: el("ul", { class: "notes", "aria-live": "polite" }),
      grid: el("div", { class: "grid", role: "list" }),
      foot: el("div", { class: "foot" }, el("button", { class: "more", onclick: () => root.send("more") }, "Show more")),
    };
    root.append(...Object.values(root.parts));
    root.parts.grid.addEventListener("keydown", (event) => step(root, event));
  }
  const { head, notes, grid, foot } = root.parts;

  notes.replaceChildren(...data.notes.map((note) => el("li", {}, note)));
  const alive = new Set(data.hits.map((hit) => hit.id));
  for (const id of [...cards.keys()]) if (!alive.has(id)) cards.delete(id);
  arrange(grid, data.hits.map((hit) => card(root, cards, hit, data)));
  grid.dataset.query = data.query ?? "";
  grid.dataset.turn = data.hits.map((hit) => `${hit.id} ${hit.score}`).join();

  root.apply = (cutoff) => {
    let count = 0;
    for (const hit of data.hits) {
      const hidden = cutoff !== null && hit.score < cutoff;
      cards.get(hit.id).hidden = hidden;
      count += hidden;
    }
    const text = count ? `${count} hidden` : "";
    head.querySelector(".hidden-count").textContent = text;
    return text;
  };
  const scale = JSON.stringify([data.scores, data.auto]);
  if (root.scale !== scale) {
    root.scale = scale;
    root.cut = histogram(root, data);
  }
  arrange(head, [summary(data), legend(data), root.cut?.node].filter(Boolean));
  if (root.cut) root.cut.set(data.cutoff);
  else root.apply(data.cutoff);
  foot.hidden = !data.more;
}

const summary = (data) =>
  el("p", { class: "summary" }, el("strong", {}, data.title), " ", el("span", { class: "faint" }, data.subtitle),
    " ", el("span", { class: "hidden-count faint" }));

const legend = (data) =>
  !data.scored ? null : el("p", { class: "legend faint" }, ...CHANNELS
    .filter(([name]) => data.channels.includes(name))
    .map(([name, label]) => el("span", {}, el("i", { class: `dot ${name}` }), label)));

// The scores as bars above a slider; hides at once, and tells the page where it came to rest.
const histogram = (root, data) => {
  if (!data.scored || data.scores.length < 3) return null;
  const low = Math.min(...data.scores), high = Math.max(...data.scores);
  if (!(high > low)) return null;
  const counts = new Array(BINS).fill(0);
  for (const score of data.scores) counts[Math.min(BINS - 1, Math.floor(((score - low) / (high - low)) * BINS))] += 1;
  const most = Math.max(...counts);
  const bars = counts.map((count) => el("i", { style: { height: `${(100 * count) / most}%` } }));
  const valueOf = (step) => (Number(step) <= 0 ? null : low + (Number(step) / 1000) * (high - low));
  const show = (value) => {
    const from = value ?? low - 1;
    bars.forEach((bar, i) => bar.classList.toggle("out", low + ((i + 1) / BINS) * (high - low) <= from));
    slider.setAttribute("aria-valuetext", root.apply(value) || "nothing hidden");
  };
  const slider = el("input", {
    type: "range", min: 0, max: 1000, "aria-label": "Hide pictures that score less",
    oninput: () => show(valueOf(slider.value)),
    onchange: () => root.send("cutoff", { value: valueOf(slider.value) }),
  });
  const auto = data.auto === null || data.auto <= low ? null : el("button", {
    title: "Cut where the automatic rule sees relevance end",
    onclick: () => root.send("cutoff", { value: Math.min(data.auto, high) }),
  }, "auto");
  const set = (value) => {
    if (focusedIn(slider) !== slider) slider.value = value === null ? 0 : Math.round((1000 * (value - low)) / (high - low));
    show(value);
  };
  const node = el("div", { class: "cut" }, el("span", { class: "faint" }, "cut-off"),
    el("div", { class: "histogram" }, el("div", { class: "bars", "aria-hidden": "true" }, ...bars), slider), auto);
  return { node, set };
};

// Arrow keys go from picture to picture; Escape leads back to the search box.
const step = (root, event) => {
  if (event.altKey || event.ctrlKey || event.metaKey) return;
  const from = event.target.closest("article");
  const all = [...root.parts.grid.children].filter((node) => !node.hidden);
  const at = all.indexOf(from);
  if (event.key === "Escape") document.querySelector('input[aria-label="Search your photos"]')?.focus();
  if (at < 0) return;
  const columns = all.filter((node) => node.offsetTop === all[0].offsetTop).length;
  const to = { ArrowRight: at + 1, ArrowLeft: at - 1, ArrowDown: at + columns, ArrowUp: at - columns, Home: 0, End: all.length - 1 }[event.key];
  if (to === undefined) return;
  event.preventDefault();
  const next = all[Math.min(Math.max(to, 0), all.length - 1)].querySelector(".open");
  next.focus({ preventScroll: true });
  next.scrollIntoView({ block: "nearest" });
};

const card = (root, cards, hit, data) => {
  let node = cards.get(hit.id);
  if (!node) {
    const parts = {
      image: el("img", { alt: "", loading: "lazy", decoding: "async" }),
      rank: el("span", { class: "rank" }),
      name: el("div", { class: "name" }),
      reasons: el("div", { class: "reasons" }),
      bar: el("div", { class: "bar" }),
      stack: el("button", { class: "stack", onclick: () => root.send("stack", { id: hit.id }) }),
      marks: el("div", { class: "marks" }),
    };
    const act = (kind, label, title) =>
      el("button", { title, "aria-label": `${title}: ${hit.name}`, onclick: () => root.send(kind, { id: hit.id }) }, label);
    node = el("article", { role: "listitem", "data-id": hit.id },
      el("button", { class: "open", "aria-label": `Why this picture: ${hit.name}`, onclick: () => root.send("why", { id: hit.id }) },
        parts.image, parts.rank),
      el("div", { class: "text" }, parts.bar, parts.reasons, parts.name, parts.stack,
        el("div", { class: "actions" },
          act("why", "why?", "Why this picture"),
          act("like", icon(ICONS.like), "More like this"),
          act("unlike", icon(ICONS.unlike), "Not like this"),
          parts.marks)));
    node.parts = parts;
    cards.set(hit.id, node);
  }
  fill(root, node, hit, data);
  return node;
};

const fill = (root, node, hit, data) => {
  const { image, rank, name, reasons, bar, stack, marks } = node.parts;
  node.classList.toggle("below", hit.below);
  image.alt = hit.alt;
  node.classList.toggle("waiting", hit.thumb === null);
  node.classList.toggle("gone", hit.thumb === "");
  if (hit.thumb && image.src !== hit.thumb) image.src = hit.thumb;
  rank.textContent = hit.rank ? String(hit.rank) : "";
  name.textContent = hit.name;
  name.title = hit.path;
  reasons.replaceChildren(...hit.reasons.map((word) => el("span", {}, word)));
  const total = Object.values(hit.shares).reduce((sum, share) => sum + Math.max(share, 0), 0);
  bar.hidden = !(total > 0);
  bar.replaceChildren(...CHANNELS.filter(([key]) => hit.shares[key] > 0)
    .map(([key]) => el("i", { class: key, style: { width: `${(100 * hit.shares[key]) / total}%` } })));
  bar.title = hit.told;
  bar.setAttribute("role", "img");
  bar.setAttribute("aria-label", hit.told);
  stack.hidden = !hit.others;
  stack.textContent = `${hit.opened ? "hide" : "+"} ${hit.others} nearly the same`;
  stack.setAttribute("aria-expanded", String(hit.opened));
  node.classList.toggle("stacked", hit.others > 0);
  if (!data.judging) marks.replaceChildren();
  else if (!marks.childElementCount) marks.append(...GRADES.map(([kind, grade, said]) => el("button", {
    class: "mark", title: said, "aria-label": `${said}: ${hit.name}`, onclick: () => root.send("grade", { id: hit.id, grade }),
  }, icon(ICONS[kind]))));
  [...marks.children].forEach((button, i) => {
    const on = hit.grade === GRADES[i][1];
    button.classList.toggle("on", on);
    button.setAttribute("aria-pressed", String(on));
  });
};
