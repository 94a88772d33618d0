// A tile enlarged: the value under the pointer, the colour bar with a mark there, and what the method says.
import { button, element } from "./elements.js";
import { drawBar, factsOf } from "./grid.js";
import { shortNumber, whenOf } from "./library.js";
import { notesOf } from "./method_notes.js";
import { drawTile, entryOf, upperOf, valueAt } from "./tiles.js";

/** The dialog. */
export class Enlarged {
  constructor(app) {
    this.app = app;
    this.canvas = element("canvas", { role: "img", onpointermove: (event) => this.point(event), onpointerleave: () => this.leave() });
    this.title = element("h2", { id: "enlarged-title" });
    this.facts = element("p", { class: "facts" });
    this.value = element("p", { class: "value" });
    this.bar = element("canvas", { width: 256, height: 10, class: "bar", "aria-hidden": "true" });
    this.mark = element("div", { class: "pointer", hidden: true });
    this.zero = element("span", { class: "number" });
    this.upper = element("span", { class: "number" });
    this.says = element("p");
    this.not = element("p");
    this.description = element("p", { class: "quiet" });
    const text = element("div", { class: "words" }, this.title, this.facts,
      element("div", { class: "legend" }, this.zero, element("div", { class: "marked" }, this.bar, this.mark), this.upper), this.value,
      element("h3", { text: "What it says" }), this.says, element("h3", { text: "What it does not say" }), this.not, this.description,
      element("p", { class: "quiet", text: "Hold H for the image alone, ← and → for other steps, Escape to close." }));
    this.root = element("dialog", { "aria-labelledby": "enlarged-title" }, button("✕", "close", () => this.root.close(), { class: "close" }), element("div", { class: "enlarged" }, this.canvas, text));
    this.root.addEventListener("click", (event) => event.target === this.root && this.root.close());
    this.root.addEventListener("close", () => (this.shown = null));
  }

  open(row, column) {
    this.shown = { row, column };
    this.leave();
    if (!this.root.open) this.root.showModal();
    this.draw();
  }

  draw() {
    if (!this.shown) return;
    const { app } = this;
    const { row, column } = this.shown;
    const { track, run } = column;
    const step = column.stepOf(app.state);
    const pixels = Math.max(Math.min(window.innerHeight * 0.72, window.innerWidth * 0.9, 720), 200);
    const cell = { step, row, mode: column.mode, pixels: Math.round(pixels), before: column.beforeOf?.(app.state) };
    const isThere = drawTile(this.canvas, app.library, run, track, cell, app.state, app.tracks());
    this.canvas.style.visibility = isThere ? "visible" : "hidden";
    this.title.textContent = `${track.about.title}, ${whenOf(run, step)}`;
    const found = track.heads.get(step)?.about.images[row.index];
    const facts = (factsOf(run, step, row)?.lines ?? []).map(([text]) => text);
    this.facts.textContent = [`image ${row.index + 1}`, ...facts, ...(found?.explained ?? [])].join(" · ");
    this.canvas.setAttribute("aria-label", this.facts.textContent);
    this.drawBar(track, step, row, column);
    const [says, not] = notesOf(track.about);
    this.says.textContent = says;
    this.not.textContent = not;
    this.description.textContent = (track.about.description ?? "").replaceAll("**", "");
  }

  drawBar(track, step, row, column) {
    const isMap = track.kind === "maps";
    this.bar.parentElement.parentElement.hidden = !isMap;
    if (!isMap) return;
    const { state } = this.app;
    this.isSigned = state.signed || column.mode === "diff";
    this.end = upperOf(track, step, row, state, this.app.tracks());
    drawBar(this.bar, state.colors === "sheet" ? track.about.style.colors : state.colors, track.about.style.exponent, this.isSigned);
    this.zero.textContent = this.isSigned ? `−${shortNumber(this.end)}` : "0";
    this.upper.textContent = shortNumber(this.end);
  }

  point(event) {
    const { row, column } = this.shown;
    if (column.track.kind !== "maps") return;
    const box = this.canvas.getBoundingClientRect();
    const [x, y] = [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
    const step = column.stepOf(this.app.state);
    const now = entryOf(this.app.library, column.track, step, row);
    if (!now || x < 0 || y < 0 || x >= 1 || y >= 1) return;
    let value = valueAt(now.entry, x, y, this.app.state.cells);
    if (column.mode === "diff") {
      const before = entryOf(this.app.library, column.track, column.beforeOf(this.app.state), row);
      value -= before ? valueAt(before.entry, x, y, this.app.state.cells) : 0;
    }
    this.value.textContent = `value here: ${shortNumber(value)}`;
    const share = this.end > 0 ? value / this.end : 0;
    const place = this.isSigned ? 0.5 + share / 2 : share;
    this.mark.hidden = Number.isNaN(place);
    this.mark.style.left = `${100 * Math.min(Math.max(place, 0), 1)}%`;
    if (column.mode === "wipe") this.app.wipeTo(event);
  }

  leave() {
    this.value.textContent = "Point at the map to read its values.";
    this.mark.hidden = true;
  }
}
