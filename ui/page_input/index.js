// What the search page takes from anywhere on it: a pasted or dropped picture, and "/" for the box.
const SIDE = 448;
const BOX = 'input[aria-label="Search your photos"]';

export default function ({ data, parentElement, setTriggerValue }) {
  const root = rootOf(parentElement, "lx");
  root.send = (kind, rest) => setTriggerValue("input", { kind, ...rest });
  root.said ??= root.appendChild(el("p", { class: "sr", role: "status" }));
  root.veil ??= root.appendChild(el("div", { class: "veil", hidden: true }, "Drop the picture to search with it"));
  if (!root.watching) watch(root);
  return () => { root.watching?.abort(); root.watching = null; };
}

const watch = (root) => {
  root.watching = new AbortController();
  const on = (name, handler) => document.addEventListener(name, handler, { signal: root.watching.signal });
  on("paste", (event) => {
    const file = pictureIn(event.clipboardData);
    if (file) { event.preventDefault(); take(root, file); }
  });
  on("dragover", (event) => {
    if (!hasFiles(event) || isOurs(event)) return;
    event.preventDefault();
    root.veil.hidden = false;
  });
  on("dragleave", (event) => { if (!event.relatedTarget) root.veil.hidden = true; });
  on("drop", (event) => {
    root.veil.hidden = true;
    if (!hasFiles(event) || isOurs(event)) return;
    event.preventDefault();
    const file = pictureIn(event.dataTransfer);
    if (file) take(root, file);
    else root.send("refused", { name: event.dataTransfer.files[0]?.name ?? "" });
  });
  on("keydown", (event) => {
    if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey || isTyping(event)) return;
    event.preventDefault();
    const box = document.querySelector(BOX);
    box?.focus();
    box?.select();
  });
};

const hasFiles = (event) => [...(event.dataTransfer?.types ?? [])].includes("Files");
const isOurs = (event) => event.composedPath().some((node) => node.dataset?.testid === "stFileUploaderDropzone");
const isTyping = (event) => event.composedPath().some((node) => node.isContentEditable || ["INPUT", "TEXTAREA", "SELECT"].includes(node.tagName));
const pictureIn = (held) => [...(held?.files ?? [])].find((file) => file.type.startsWith("image/"));

// Drawn small before it is sent: the model sees no more, and no metadata leaves the page.
const take = async (root, file) => {
  root.said.textContent = "reading the picture";
  try {
    const picture = await createImageBitmap(file);
    const scale = Math.min(1, SIDE / Math.max(picture.width, picture.height));
    const canvas = el("canvas", {});
    canvas.width = Math.max(1, Math.round(picture.width * scale));
    canvas.height = Math.max(1, Math.round(picture.height * scale));
    const context = canvas.getContext("2d");
    context.imageSmoothingQuality = "high";
    context.drawImage(picture, 0, 0, canvas.width, canvas.height);
    picture.close();
    root.said.textContent = "searching with the picture";
    root.send("picture", { data: canvas.toDataURL("image/png").split(",")[1] });
  } catch {
    root.said.textContent = "";
    root.send("refused", { name: file.name });
  }
};
