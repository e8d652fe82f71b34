// The words of a query as pills: a slider each, pin, ban; and the pictures that are part of it.
const PIN = "M12 17v5M8 3h8l-1 7 3 4H6l3-4z";
const BAN = "M5.6 5.6l12.8 12.8M12 3a9 9 0 1 0 0 18a9 9 0 0 0 0-18";
const EVERY_MS = 120;
const MOST = 3;

export default function ({ data, parentElement, setTriggerValue }) {
  const root = rootOf(parentElement, "lx");
  const pills = (root.pills ??= new Map());
  root.send = (kind, rest) => setTriggerValue("edit", { kind, ...rest });
  if (!root.parts) {
    root.parts = { pictures: el("div", { class: "pictures" }), words: el("div", { class: "words", role: "list" }) };
    root.append(root.parts.pictures, root.parts.words);
  }
  root.parts.pictures.replaceChildren(...data.pictures.map((picture) => chip(root, picture)));
  const heaviest = Math.max(...data.words.map((one) => one.weight), 1e-9);
  const alive = new Set(data.words.map((one) => one.word));
  for (const word of [...pills.keys()]) if (!alive.has(word)) pills.delete(word);
  arrange(root.parts.words, data.words.map((one) => {
    let node = pills.get(one.word);
    if (!node) pills.set(one.word, (node = pill(root, one)));
    update(node, one, heaviest);
    return node;
  }));
}

const pill = (root, one) => {
  const parts = {
    word: el("strong", {}, one.word),
    count: el("span", { class: "faint" }),
    fill: el("i", { class: "fill" }),
    factor: el("output", {}),
    slider: el("input", { type: "range", min: 0, max: MOST, step: 0.1, "aria-label": `Weight of ${one.word}` }),
    pin: el("button", { title: `Only pictures with ${one.word}`, "aria-label": `Pin ${one.word}` }, icon(PIN)),
    ban: el("button", { title: `No picture with ${one.word}`, "aria-label": `Ban ${one.word}` }, icon(BAN)),
  };
  let timer = null, last = 0;
  const tell = () => { last = Date.now(); timer = null; root.send("weight", { word: one.word, factor: Number(parts.slider.value) }); };
  parts.slider.addEventListener("input", () => {
    parts.factor.textContent = `× ${Number(parts.slider.value).toFixed(1)}`;
    timer ??= setTimeout(tell, Math.max(0, EVERY_MS - (Date.now() - last)));
  });
  parts.slider.addEventListener("change", () => { if (timer) clearTimeout(timer); tell(); });
  parts.slider.addEventListener("dblclick", () => root.send("weight", { word: one.word, factor: 1 }));
  parts.pin.addEventListener("click", () => root.send("pin", { word: one.word }));
  parts.ban.addEventListener("click", () => root.send("ban", { word: one.word }));
  const node = el("div", { class: "pill", role: "listitem", "data-word": one.word },
    parts.fill,
    el("div", { class: "top" }, parts.word, parts.count, parts.pin, parts.ban),
    el("div", { class: "low" }, parts.slider, parts.factor));
  node.parts = parts;
  return node;
};

const update = (node, one, heaviest) => {
  const { count, fill, factor, slider, pin, ban } = node.parts;
  count.textContent = one.images.toLocaleString("en");
  count.title = `${one.images.toLocaleString("en")} pictures carry it`;
  fill.style.width = `${(100 * one.weight) / heaviest}%`;
  if (focusedIn(slider) !== slider) slider.value = String(one.factor);
  factor.textContent = `× ${Number(slider.value).toFixed(1)}`;
  slider.setAttribute("aria-valuetext", `times ${Number(slider.value).toFixed(1)}`);
  node.classList.toggle("pinned", one.pinned);
  node.classList.toggle("banned", one.banned);
  node.classList.toggle("edited", one.edited);
  pin.setAttribute("aria-pressed", String(one.pinned));
  ban.setAttribute("aria-pressed", String(one.banned));
};

const chip = (root, picture) =>
  el("div", { class: `chip ${picture.kind}` },
    picture.thumb ? el("img", { src: picture.thumb, alt: picture.label }) : null,
    el("span", {}, picture.label),
    el("button", { "aria-label": `Remove: ${picture.label}`, title: "Remove", onclick: () => root.send("drop", { picture: picture.kind, id: picture.id }) }, "×"));
