// The grid: a row per image, a column per method (and per run or step that is compared), tiles that follow the slider.
import { colorTable, COLOR_STEPS } from "./colors.js";
import { element } from "./elements.js";
import { limitOfRun, shortNumber, whenOf } from "./library.js";
import { drawSample, drawTile, entryOf, shows } from "./tiles.js";

/** The images of the runs that are shown: {fingerprint, index}, each once. */
export function rowsOf(runs) {
  const found = new Map();
  for (const track of runs.flatMap((run) => run.tracks)) {
    for (const head of [...track.heads.values()].reverse()) {
      const fingerprint = head.about.sample_images;
      if (fingerprint === undefined) break;
      head.about.images.forEach((_, index) => found.set(`${fingerprint} ${index}`, { fingerprint, index }));
      if (track.steps.length > 1 && head.about.sample_images === track.heads.get(track.steps[0]).about.sample_images) break;
    }
  }
  return [...found.values()];
}

/** What is known of an image at a step: true and predicted class, and the lines of its caption. */
export function factsOf(run, step, row) {
  for (const track of run.tracks) {
    const head = track.heads.get(step);
    if (head?.kind === "maps" && shows(head, row)) return head.about.images[row.index];
  }
  return null;
}

/** The grid of tiles. `app` is the page: its library, state and what it does when a tile is pressed. */
export class Grid {
  constructor(app) {
    this.app = app;
    this.root = element("div", { class: "grid", role: "table", "aria-label": "Maps: a row per image, a column per method" });
    this.strips = element("div", { class: "strips" });
    this.visible = new Set();
    this.watcher = new IntersectionObserver((entries) => this.seen(entries), { rootMargin: "200px" });
  }

  seen(entries) {
    for (const { target, isIntersecting } of entries) {
      if (isIntersecting) this.visible.add(target);
      else this.visible.delete(target);
      if (isIntersecting) this.drawCells(this.rowCells.get(target) ?? []);
    }
  }

  /** Make rows, columns and strips anew. */
  build(rows, columns, strips) {
    this.watcher.disconnect();
    this.visible.clear();
    this.rowCells = new Map();
    this.rows = rows;
    this.columns = columns;
    this.root.style.setProperty("--columns", columns.length);
    this.heads = columns.map((column) => this.head(column));
    const corner = element("div", { class: "corner", role: "columnheader", text: "input" });
    this.root.replaceChildren(element("div", { class: "row heads", role: "row" }, corner, ...this.heads.map((head) => head.root)));
    for (const row of rows) this.root.append(this.row(row));
    this.stripCells = strips.map((strip) => this.strip(strip));
    this.strips.replaceChildren(...this.stripCells.map((strip) => strip.root));
  }

  head({ track, run, label, isNamed }) {
    const bar = element("canvas", { width: 128, height: 6, class: "bar", "aria-hidden": "true" });
    const upper = element("span", { class: "number" });
    const zero = element("span", { class: "number", text: "0" });
    const legend = track.kind === "maps" ? element("div", { class: "legend" }, zero, bar, upper) : null;
    const title = element("div", { class: "title", text: track.about.title, title: track.about.description });
    const layer = element("div", { class: "layer", text: track.about.layer === "images" ? "" : track.about.layer, title: track.about.layer });
    const when = element("span", {});
    const whose = label || isNamed ? element("div", { class: "whose" }, run.dot ? dot(run.color) : null, label, when) : null;
    const root = element("div", { class: "head", role: "columnheader" }, title, whose ?? layer, legend);
    return { root, bar, upper, zero, when, track };
  }

  row(row) {
    const { app } = this;
    const picture = element("canvas", { role: "img", class: "sample" });
    const caption = element("div", { class: "caption" });
    const pin = element("button", { type: "button", class: "pin", "aria-label": `pin image ${row.index + 1}`, title: "show along the timeline", onclick: () => app.set({ pin: `${row.fingerprint} ${row.index}` }) }, "◉");
    const root = element("div", { class: "row", role: "row" }, element("div", { class: "input", role: "rowheader" }, element("div", { class: "frame" }, picture, pin), caption));
    const cells = this.columns.map((column) => this.cell(row, column));
    root.append(...cells.map((cell) => cell.root));
    this.rowCells.set(root, [{ picture, caption, pin, row, isInput: true, root }, ...cells]);
    this.watcher.observe(root);
    return root;
  }

  cell(row, column) {
    const canvas = element("canvas", { role: "img" });
    const caption = element("div", { class: "caption" });
    const tile = element("button", { type: "button", class: "tile", onclick: () => this.app.enlarge(row, column) }, canvas);
    const missing = element("div", { class: "missing", hidden: true });
    if (column.mode === "wipe") tile.addEventListener("pointermove", (event) => this.app.wipeTo(event));
    return { root: element("div", { class: "cell", role: "cell" }, tile, missing, caption), canvas, tile, caption, missing, row, column };
  }

  strip({ track, run, label, step }) {
    const tiles = track.about.images.map(() => {
      const canvas = element("canvas", { role: "img" });
      const caption = element("div", { class: "caption" });
      return { canvas, caption, root: element("figure", {}, canvas, caption) };
    });
    const title = element("h2", { title: track.about.description }, track.about.title, label ? element("span", { class: "whose" }, dot(run.color), label) : null);
    const missing = element("div", { class: "missing", hidden: true });
    return { root: element("section", { class: "strip" }, title, missing, element("div", { class: "figures" }, ...tiles.map((each) => each.root))), tiles, track, run, step, missing };
  }

  /** Draw all that can be seen, at the present step. */
  draw() {
    this.heads.forEach((head, number) => this.drawHead(head, this.columns[number]));
    for (const root of this.visible) this.drawCells(this.rowCells.get(root) ?? []);
    const { bottom } = this.root.parentElement.getBoundingClientRect();
    for (const strip of this.stripCells) if (strip.root.getBoundingClientRect().top < bottom + 200) this.drawStrip(strip);
  }

  drawHead(head, column) {
    const { state } = this.app;
    if (column.isNamed) head.when.textContent = `${column.label ? ", " : ""}${whenOf(column.run, column.stepOf(state))}`;
    if (head.track.kind !== "maps") return;
    const isSigned = state.signed || column.mode === "diff";
    const upper = typeof state.range === "number" ? state.range : state.range === "all" ? this.limitOfAll(head.track) : limitOfRun(head.track);
    head.upper.textContent = state.range === "image" ? "own peak" : shortNumber(upper);
    head.zero.textContent = isSigned ? (state.range === "image" ? "−" : `−${shortNumber(upper)}`) : "0";
    drawBar(head.bar, state.colors === "sheet" ? head.track.about.style.colors : state.colors, head.track.about.style.exponent, isSigned);
  }

  limitOfAll(track) {
    return Math.max(0, ...this.app.tracks().filter((each) => each.word === track.word).map(limitOfRun));
  }

  drawCells(cells) {
    for (const cell of cells) {
      if (cell.isInput) this.drawInput(cell);
      else this.drawCell(cell);
    }
  }

  drawInput({ picture, caption, pin, row, root }) {
    const { app } = this;
    const runs = app.shownRuns();
    const run = runs.find((each) => each.images.has(row.fingerprint));
    const isDrawn = run && drawSample(picture, app.library, run, row, app.pixels());
    root.classList.toggle("bare", !run);
    const told = toldLines(runs, app.state.step, row);
    const key = JSON.stringify(told);
    if (caption.dataset.key !== key) caption.replaceChildren(...told.map(lineElement));
    caption.dataset.key = key;
    picture.setAttribute("aria-label", `image ${row.index + 1}${isDrawn ? "" : ", not stored"}: ${told.map((line) => line.text).join(", ")}`);
    const isPinned = app.pinned() === `${row.fingerprint} ${row.index}`;
    pin.setAttribute("aria-pressed", isPinned);
    root.classList.toggle("pinned", isPinned);
  }

  drawCell({ canvas, tile, caption, missing, row, column }) {
    const { app } = this;
    const step = column.stepOf(app.state);
    const cell = { step, row, mode: column.mode, pixels: app.pixels(), before: column.beforeOf?.(app.state) };
    const isThere = drawTile(canvas, app.library, column.run, column.track, cell, app.state, app.tracks());
    const why = isThere ? "" : whyMissing(column, step, row) || (cell.before === undefined ? "" : whyMissing(column, cell.before, row));
    tile.hidden = why !== "";
    missing.hidden = why === "";
    missing.textContent = why;
    const found = why ? null : column.track.heads.get(step)?.about.images[row.index];
    const lines = found ? (found.explained ?? found.lines.map(([text]) => text)) : [];
    const text = lines.join(" · ");
    if (caption.textContent === text && canvas.hasAttribute("aria-label")) return;
    caption.textContent = text;
    canvas.setAttribute("aria-label", `${column.track.about.title} of image ${row.index + 1}, ${lines.join(", ")}`);
  }

  drawStrip({ tiles, track, run, step, missing }) {
    const { app } = this;
    const at = step(app.state);
    const head = track.heads.get(at);
    missing.hidden = Boolean(head);
    missing.textContent = head ? "" : `nothing at ${whenOf(run, at)}`;
    tiles.forEach(({ canvas, caption, root }, index) => {
      root.hidden = !head;
      const entry = head && app.library.frame(track, at)?.entries[index];
      if (!entry || canvas.dataset.step === String(at)) return;
      canvas.dataset.step = at;
      canvas.width = entry.width;
      canvas.height = entry.height;
      canvas.getContext("2d").drawImage(entry, 0, 0);
      const lines = head.about.images[index].lines.map(([text]) => text);
      caption.textContent = lines.join(" · ");
      canvas.setAttribute("aria-label", `${track.about.title}: ${lines.join(", ")}`);
    });
  }
}

function whyMissing({ track, run }, step, row) {
  const head = track.heads.get(step);
  if (!head) return step > track.steps.at(-1) ? `ended after ${whenOf(run, track.steps.at(-1))}` : `nothing at step ${step}`;
  return shows(head, row) ? "" : "another image here";
}

/** The caption of an image: what all runs say of it once, what they say each with their dot. */
function toldLines(runs, step, row) {
  const found = runs.map((run) => (factsOf(run, step, row)?.lines ?? []).map(([text, right]) => ({ text, right, color: run.color })));
  const isShared = ({ text }) => found.every((lines) => !lines.length || lines.some((line) => line.text === text));
  const shared = (found.find((lines) => lines.length) ?? []).filter(isShared).map((line) => ({ ...line, color: null }));
  return [...shared, ...found.flat().filter((line) => !isShared(line))];
}

function lineElement({ text, right, color }) {
  const mark = right === true ? "✓ " : right === false ? "✗ " : "";
  const kind = right === true ? "right" : right === false ? "wrong" : "";
  return element("div", { class: `line ${kind}`, title: text }, color ? dot(color) : null, mark + text);
}

/** A coloured dot, which stands for a run. */
export function dot(color) {
  const made = element("span", { class: "dot", "aria-hidden": "true" });
  made.style.background = color;
  return made;
}

/** The colours of a range, as they are over a grey picture. */
export function drawBar(canvas, colors, exponent, isSigned) {
  const key = `${colors} ${exponent} ${isSigned}`;
  if (canvas.dataset.key === key) return;
  canvas.dataset.key = key;
  const { width, height } = canvas;
  const pen = canvas.getContext("2d");
  const table = colorTable(isSigned ? "diverging" : colors);
  for (let x = 0; x < width; x++) {
    const share = x / (width - 1);
    const place = isSigned ? 0.5 + 0.5 * Math.sign(2 * share - 1) * Math.abs(2 * share - 1) ** exponent : share ** exponent;
    const at = 3 * Math.round(place * COLOR_STEPS);
    pen.fillStyle = `rgb(${table[at]} ${table[at + 1]} ${table[at + 2]})`;
    pen.fillRect(x, 0, 1, height);
  }
}

/** How much the map of an image changed between the first and the last step of a track, as a share of its strength. */
export function changeOf(library, track, row) {
  const [first, last] = [track.steps[0], track.steps.at(-1)].map((step) => entryOf(library, track, step, row)?.entry);
  if (!first || !last) return 0;
  let [moved, sum] = [0, 0];
  for (let i = 0; i < last.values.length; i++) {
    moved += Math.abs(last.values[i] - first.values[i]);
    sum += Math.abs(last.values[i]) + Math.abs(first.values[i]);
  }
  return sum > 0 ? moved / sum : 0;
}
