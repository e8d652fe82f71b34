// One picture under its patches: hover for words, pick a word for its map, drag to search.
const ANCHORS = [[68, 1, 84], [71, 44, 122], [59, 81, 139], [44, 113, 142], [33, 144, 141], [39, 173, 129], [92, 200, 99], [170, 220, 50], [253, 231, 37]]; // viridis
const LOW_OPACITY = 0.25;
const SEARCH_WORDS = 8;
const STRONGEST = 5; // patches that are listed for a word

export default function ({ data, parentElement, setTriggerValue }) {
  const root = rootOf(parentElement, "lx");
  const same = root.key === data.key;
  root.key = data.key;
  root.send = (kind, rest) => setTriggerValue("act", { kind, ...rest });
  const shown = JSON.stringify(data);
  if (!same || root.shown !== shown) {
    root.shown = shown;
    const view = (root.view = new Viewer(root, data));
    root.replaceChildren(el("div", { class: "columns" }, view.left(), view.right()));
    view.first();
  }
  if (!root.watching) watch(root);
  return () => { root.watching?.abort(); root.watching = null; };
}

// Escape lets go of the picked patches, and without any leads back to the results.
const watch = (root) => {
  root.watching = new AbortController();
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || event.defaultPrevented) return;
    if (!root.view.drop()) root.send("back");
  }, { signal: root.watching.signal });
};

const colour = (place) => {
  const at = Math.min(Math.max(place, 0), 1) * (ANCHORS.length - 1);
  const i = Math.min(Math.floor(at), ANCHORS.length - 2);
  return ANCHORS[i].map((low, k) => Math.round(low + (ANCHORS[i + 1][k] - low) * (at - i)));
};
const number = (value, digits = 3) => Number(value).toPrecision(digits).replace(/(\.\d*?)0+$/, "$1").replace(/\.$/, "");
// The patches with the largest values of a map, the best first; ties to the earlier patch.
const strongest = (layer) => layer.map.map((value, index) => ({ index, value }))
  .filter((one) => one.value > 0).sort((a, b) => b.value - a.value || a.index - b.index).slice(0, STRONGEST);
const clear = (node) => { while (node.firstChild) node.removeChild(node.firstChild); };

class Viewer {
  constructor(root, data) {
    Object.assign(this, { root, data, layer: null, cursor: null, selected: new Set(), opacity: 0.75, smooth: false, dragging: false });
    this.grid = data.grid;
  }

  left() {
    const { data } = this;
    if (!data.picture) return el("div", { class: "left" }, el("p", { class: "gone" }, "The photo is not where it was. What the index stored is shown."));
    this.canvas = el("canvas", { class: "heat", "aria-hidden": "true" });
    this.mark = el("div", { class: "mark", hidden: true });
    this.hover = el("div", { class: "hover", hidden: true });
    this.marks = el("div", { class: "selection" });
    this.numbers = el("div", { class: "numbers", "aria-hidden": "true" });
    const [x, y, right, bottom] = data.region ?? [0, 0, 1, 1], percent = (share) => `${100 * share}%`;
    this.seen = el("div", { class: data.region ? "seen part" : "seen", title: data.region ? "The model saw only this part of the photo." : null,
      style: { left: percent(x), top: percent(y), width: percent(right - x), height: percent(bottom - y) } }, this.canvas, this.marks, this.numbers, this.mark, this.hover);
    this.stage = el("div", { class: "stage", tabindex: data.grid ? 0 : null, role: data.grid ? "application" : null,
      "aria-label": `${data.name}, ${data.grid ? `${data.grid[0]} by ${data.grid[1]} patches; arrow keys move, space picks, enter searches` : ""}` },
      el("img", { src: data.picture, alt: `photo ${data.name}` }), this.seen);
    this.legend = el("div", { class: "scale" });
    this.said = el("div", { class: "said", "aria-live": "polite" });
    if (data.grid) this.listen();
    const opacity = el("input", { type: "range", min: 0, max: 100, value: 75, "aria-label": "Opacity of the map", oninput: (e) => { this.opacity = e.target.value / 100; this.draw(); } });
    const smooth = el("input", { type: "checkbox", onchange: (e) => { this.smooth = e.target.checked; this.draw(); } });
    return el("div", { class: "left" }, this.stage, this.legend,
      data.grid ? el("div", { class: "tools faint" }, el("label", {}, "map ", opacity), el("label", {}, smooth, " smooth")) : null,
      this.said);
  }

  right() {
    const { data } = this;
    const tabs = [["words", "Query words", () => this.waterfall()], ["own", "Everything it says", () => this.own()],
      ["tokens", "Fine match", () => this.tokens()], ["sum", "Arithmetic", () => this.arithmetic()]];
    this.panel = el("div", { class: "panel", role: "tabpanel", tabindex: 0 });
    this.tabs = tabs.map(([name, label, make]) => el("button", { role: "tab", "data-tab": name, "aria-selected": "false", onclick: () => this.open(name, make) }, label));
    const step = (event) => {
      const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (!by) return;
      event.preventDefault();
      const next = this.tabs[(this.tabs.indexOf(event.target) + by + tabs.length) % tabs.length];
      next.focus(); next.click();
    };
    this.makers = Object.fromEntries(tabs.map(([name, , make]) => [name, make]));
    return el("div", { class: "right" }, ...data.notes.map((note) => el("p", { class: "note faint" }, note)),
      el("div", { class: "tabs", role: "tablist", "aria-label": "Evidence", onkeydown: step }, ...this.tabs), this.panel);
  }

  first() {
    this.open("words", this.makers.words);
    const best = this.data.words.find((one) => one.map && one.contribution > 0);
    if (best) this.show({ kind: "word", title: best.word, ...best, scale: this.data.word_scale, grid: this.grid });
    this.tell(null);
  }

  open(name, make) {
    for (const tab of this.tabs) {
      const on = tab.dataset.tab === name;
      tab.setAttribute("aria-selected", String(on));
      tab.tabIndex = on ? 0 : -1;
      if (on) this.panel.setAttribute("aria-label", tab.textContent);
    }
    this.panel.replaceChildren(...make());
    this.pressed();
  }

  // --- the picture -----------------------------------------------------------------------------
  show(layer) {
    this.layer = this.layer && this.layer.title === layer.title && this.layer.kind === layer.kind ? null : layer;
    this.draw();
    this.pressed();
  }

  pressed() {
    for (const row of this.panel.querySelectorAll("[data-word]")) row.setAttribute("aria-pressed", String(this.layer?.kind === row.dataset.kind && this.layer?.title === row.dataset.word));
  }

  draw() {
    if (!this.canvas) return;
    const { layer, canvas, mark, legend } = this;
    clear(legend);
    clear(this.numbers);
    mark.hidden = !layer;
    if (!layer) { canvas.width = canvas.width; return; }
    const [rows, columns] = layer.grid, [low, high] = layer.scale;
    canvas.width = columns; canvas.height = rows;
    canvas.style.imageRendering = this.smooth ? "auto" : "pixelated";
    const context = canvas.getContext("2d"), pixels = context.createImageData(columns, rows);
    layer.map.forEach((value, i) => {
      const place = (value - low) / (high - low), [r, g, b] = colour(place);
      pixels.data.set([r, g, b, 255 * this.opacity * (LOW_OPACITY + (1 - LOW_OPACITY) * Math.min(Math.max(place, 0), 1))], 4 * i);
    });
    context.putImageData(pixels, 0, 0);
    this.place(mark, layer.best, layer.grid);
    const ramp = Array.from({ length: 9 }, (_, i) => `rgb(${colour(i / 8).join(",")})`).join(",");
    legend.append(el("strong", {}, layer.title), el("span", { class: "faint" }, number(low)),
      el("i", { class: "ramp", style: { background: `linear-gradient(90deg, ${ramp})` } }), el("span", { class: "faint" }, number(high)),
      el("span", { class: "faint wide" }, layer.kind === "token" ? "the outlined patch is the token's match; only it counts"
        : layer.local ? "the outlined patch gave the word its weight; only it carries credit"
          : "the word comes from the picture as a whole; the outlined patch is nearest to it"), this.order(layer));
  }

  // The patches that say a word most, in order; the numbers are on the picture too.
  order(layer) {
    const [, columns] = layer.grid, own = this.grid && String(layer.grid) === String(this.grid);
    const found = strongest(layer);
    if (!found.length) return null;
    found.forEach((one, i) => { const node = el("div", { class: "order" }, el("span", {}, String(i + 1))); this.place(node, one.index, layer.grid); this.numbers.append(node); });
    return el("ol", { class: "patches wide", "aria-label": `Patches that say ${layer.title} most` }, ...found.map((one, i) => el("li", {},
      el("button", { disabled: !own, title: own ? "Show what else this patch says" : null, "data-patch": one.index, onclick: () => this.move(one.index) },
        `${i + 1} · row ${Math.floor(one.index / columns) + 1}, column ${(one.index % columns) + 1}`, el("span", { class: "faint" }, ` ${number(one.value)}`)))));
  }

  place(node, index, grid = this.grid) {
    const [rows, columns] = grid;
    Object.assign(node.style, { left: `${(100 * (index % columns)) / columns}%`, top: `${(100 * Math.floor(index / columns)) / rows}%`, width: `${100 / columns}%`, height: `${100 / rows}%` });
    node.hidden = false;
  }

  at(event) {
    const box = this.seen.getBoundingClientRect(), [rows, columns] = this.grid;
    const column = Math.floor((columns * (event.clientX - box.left)) / box.width), row = Math.floor((rows * (event.clientY - box.top)) / box.height);
    return column < 0 || row < 0 || column >= columns || row >= rows ? null : row * columns + column;
  }

  listen() {
    const { stage } = this;
    stage.addEventListener("pointermove", (event) => {
      const index = this.at(event);
      if (index === null || index === this.cursor) return;
      this.move(index);
      if (this.dragging) this.pick(index, true);
    });
    stage.addEventListener("pointerleave", () => { if (!this.dragging) { this.cursor = null; this.hover.hidden = true; this.tell(null); } });
    stage.addEventListener("pointerdown", (event) => {
      if (event.pointerType === "mouse" && event.button !== 0) return;
      event.preventDefault(); stage.focus({ preventScroll: true });
      const index = this.at(event);
      if (index === null) return;
      this.dragging = event.pointerType === "mouse" || event.pointerType === "pen";
      this.move(index); this.pick(index, this.selected.has(index) ? false : true);
    });
    const end = () => { this.dragging = false; };
    stage.addEventListener("pointerup", end); stage.addEventListener("pointercancel", end);
    stage.addEventListener("dragstart", (event) => event.preventDefault());
    stage.addEventListener("keydown", (event) => {
      const [rows, columns] = this.grid, step = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] }[event.key];
      if (step) {
        const at = this.cursor ?? 0, row = Math.floor(at / columns) + step[0], column = (at % columns) + step[1];
        if (row >= 0 && row < rows && column >= 0 && column < columns) this.move(this.cursor === null ? 0 : row * columns + column);
      } else if (event.key === " " && this.cursor !== null) this.pick(this.cursor, !this.selected.has(this.cursor));
      else if (event.key === "Enter" && this.selected.size) this.search();
      else return;
      event.preventDefault();
    });
  }

  move(index) { this.cursor = index; this.place(this.hover, index); this.tell(index); }

  pick(index, on) { if (on) this.selected.add(index); else this.selected.delete(index); this.outline(); this.tell(index); }

  drop() {
    const had = this.selected.size > 0;
    this.selected.clear();
    if (had) { this.outline(); this.tell(this.cursor); }
    return had;
  }

  outline() {
    this.marks.replaceChildren(...[...this.selected].map((index) => { const node = el("div", { class: "picked" }); this.place(node, index); return node; }));
  }

  // Words of some patches: each with its largest weight there, as the picture's own vector is made.
  wordsOf(indices) {
    const best = new Map();
    for (const index of indices) for (const [word, weight] of this.data.patches[index]) best.set(word, Math.max(weight, best.get(word) ?? 0));
    return [...best].sort((a, b) => b[1] - a[1]);
  }

  tell(index) {
    if (!this.said || !this.grid) return;
    const chosen = this.selected.size ? [...this.selected] : index === null ? [] : [index];
    const columns = this.grid[1];
    if (!chosen.length) { this.said.replaceChildren(el("p", { class: "faint" }, "Point at a patch to read its words; drag over patches to search with them.")); return; }
    const title = this.selected.size ? `${this.selected.size} ${this.selected.size === 1 ? "patch" : "patches"} picked` : `patch row ${Math.floor(index / columns) + 1}, column ${(index % columns) + 1}`;
    const words = this.wordsOf(chosen).slice(0, SEARCH_WORDS), top = Math.max(...words.map((one) => one[1]), 1e-9);
    this.said.replaceChildren(
      el("p", { class: "saidtitle" }, el("strong", {}, title)),
      el("ul", { class: "bars" }, ...words.map(([word, weight]) => el("li", {}, el("span", { class: "w" }, word), el("i", { class: "lexical", style: { width: `${(55 * weight) / top}%` } }), el("span", { class: "faint" }, number(weight))))),
      this.selected.size ? el("p", {}, el("button", { class: "go", onclick: () => this.search() }, "Search with these words"), " ",
        el("button", { onclick: () => { this.selected.clear(); this.outline(); this.tell(null); } }, "Clear")) : null ?? "");
  }

  search() { this.root.send("search", { words: Object.fromEntries(this.wordsOf([...this.selected]).slice(0, SEARCH_WORDS)) }); }

  // --- the panels ------------------------------------------------------------------------------
  row(kind, title, layer, ...cells) {
    const props = layer ? { "data-word": title, "data-kind": kind, "aria-pressed": "false", title: "Show where", onclick: () => this.show({ kind, title, ...layer }) } : { disabled: true };
    return el("li", {}, el("button", { class: "row", ...props }, ...cells));
  }

  waterfall() {
    const { data } = this;
    if (data.lexical === null) return [el("p", {}, "The query has no word side.")];
    if (!data.words.length) return [el("p", {}, "None of the query's words fires on this photo."), el("p", {}, "sum = 0")];
    const steps = data.words.map((one) => ({ label: one.word, value: one.contribution, one }));
    if (data.rest.count) steps.push({ label: `${data.rest.count} more words`, value: data.rest.contribution });
    let sum = 0;
    for (const step of steps) { step.from = sum; sum += step.value; step.to = sum; }
    const ends = [0, ...steps.map((step) => step.to)], low = Math.min(...ends), span = Math.max(...ends) - low || 1;
    const bar = (from, to) => el("span", { class: "track" }, el("i", { class: to >= from ? "lexical" : "minus", style: { left: `${(100 * (Math.min(from, to) - low)) / span}%`, width: `${(100 * Math.abs(to - from)) / span}%` } }));
    return [
      el("p", { class: "faint" }, "query weight × photo weight = contribution; the bars add up to the score."),
      el("ul", { class: "rows" },
        ...steps.map((step) => this.row("word", step.label, step.one?.map ? { ...step.one, scale: data.word_scale, grid: this.grid } : null,
          el("span", { class: "w" }, step.label), bar(step.from, step.to),
          el("span", { class: "n", title: step.one ? `${number(step.one.query)} × ${number(step.one.image)}` : null }, number(step.value)))),
        el("li", { class: "total" }, el("span", { class: "w" }, "sum"), bar(0, data.sum), el("span", { class: "n", "data-sum": data.sum }, number(data.sum, 5)))),
      el("p", { class: "faint" }, `The lexical score of this photo is ${number(data.lexical, 5)}.`),
    ];
  }

  own() {
    const { data } = this, top = Math.max(...data.own.map((one) => one.image), 1e-9);
    return [el("p", { class: "faint" }, "The heaviest words the index keeps for this photo."),
      el("ul", { class: "rows" }, ...data.own.map((one) => this.row("word", one.word, one.map ? { ...one, scale: data.word_scale, grid: this.grid } : null,
        el("span", { class: "w" }, one.word), el("span", { class: "track" }, el("i", { class: "lexical", style: { width: `${(100 * one.image) / top}%` } })), el("span", { class: "n" }, number(one.image)))))];
  }

  tokens() {
    const { data } = this;
    if (!data.tokens.length) return [el("p", {}, "The query has no text or picture to match finely.")];
    const top = Math.max(...data.tokens.map((one) => Math.abs(one.share)), 1e-9);
    return [el("p", { class: "faint" }, "Every token of the query looks for its best patch; the shares add up to the late score. A map of all tokens at once would explain nothing: only best patches count."),
      el("ul", { class: "rows" }, ...data.tokens.map((one, i) => this.row("token", `${i + 1} ${one.text}`, { ...one, scale: data.token_scale, grid: data.token_grid },
        el("span", { class: "w" }, one.text), el("span", { class: "track" }, el("i", { class: "late", style: { width: `${(100 * Math.abs(one.share)) / top}%` } })), el("span", { class: "n" }, number(one.share)))),
      el("li", { class: "total" }, el("span", { class: "w" }, "sum"), el("span", { class: "track" }), el("span", { class: "n" }, number(data.tokens.reduce((sum, one) => sum + one.share, 0), 4)))),
      el("p", { class: "faint" }, `The late score of this photo is ${number(data.late, 4)}.`)];
  }

  arithmetic() {
    const { data } = this, sum = data.arithmetic, top = Math.max(...sum.shares.map((one) => Math.abs(one.share)), 1e-9);
    const rank = (value) => (value ? `rank ${value.toLocaleString("en")}` : "");
    const weighted = sum.shares.some((one) => one.weight !== null);
    const told = new Set(), alone = (one) => { if (told.has(one.name)) return ""; told.add(one.name); return rank(one.rank); };
    return [el("p", {}, "Joined by ", el("strong", { "data-rule": true }, sum.rule)), el("p", { class: "faint" }, sum.does),
      el("table", { class: "sum" }, el("thead", {}, el("tr", {}, ...["channel", "looks at", "value", weighted ? "× weight" : null, weighted ? "= share" : "share", "", "alone"].filter((text) => text !== null).map((text) => el("th", {}, text)))),
        el("tbody", {}, ...sum.shares.map((one) => el("tr", {}, el("td", {}, el("i", { class: `dot ${one.name}` }), one.label), el("td", {}, one.what), el("td", {}, one.value), weighted ? el("td", {}, one.weight === null ? "" : number(one.weight, 4)) : null, el("td", { "data-share": one.share }, number(one.share, 4)),
          el("td", { class: "cell" }, el("i", { class: one.share < 0 ? "minus" : one.name, style: { width: `${(100 * Math.abs(one.share)) / top}%` } })), el("td", { class: "faint" }, alone(one)))),
        el("tr", { class: "total" }, el("td", { colspan: weighted ? 4 : 3 }, "together"), el("td", { "data-fused": sum.fused }, number(sum.fused, 4)), el("td", {}), el("td", { class: "faint" }, rank(sum.fused_rank))))),
      el("p", { class: "faint" }, "The dense vector is one for the whole photo: it has no map, and an invented one would mislead.")];
  }
}
