// The head of the page: runs, and how maps are drawn.
import { button, choice, element, slider, tick } from "./elements.js";
import { dot } from "./grid.js";

const RANGES = [["run", "one for the run"], ["all", "one for all runs"], ["image", "each image its own"], ["fixed", "fixed …"]];
const COLORS = [["inferno", "inferno"], ["viridis", "viridis"], ["cividis", "cividis (colour blindness)"], ["magma", "magma"], ["gray", "grey"], ["turbo", "turbo"], ["sheet", "as in the sheets"]];
const SORTS = [["given", "as given"], ["wrong", "most wrong first"], ["changed", "changed most first"]];
const THEMES = ["auto", "light", "dark"];

/** The head. */
export class Controls {
  constructor(app) {
    this.app = app;
    this.runs = element("div", { class: "runs", role: "group", "aria-label": "runs" });
    this.columns = element("div", { class: "columns", role: "group", "aria-label": "columns" });
    this.panel = element("div", { class: "panel", id: "view-panel", hidden: true });
    this.view = button("View ▾", "how maps are drawn", () => this.toggle(), { "aria-expanded": "false", "aria-controls": "view-panel" });
    this.theme = button("◐", "light or dark", () => this.nextTheme());
    this.notice = element("div", { class: "notice", role: "status", hidden: true });
    this.show = element("div", { class: "fields" });
    this.root = element("header", {}, element("h1", { text: "See" }), this.runs, element("div", { class: "spacer" }), this.show, this.view, this.theme, this.panel, this.notice);
  }

  toggle() {
    this.panel.hidden = !this.panel.hidden;
    this.view.setAttribute("aria-expanded", String(!this.panel.hidden));
  }

  nextTheme() {
    this.app.set({ theme: THEMES[(THEMES.indexOf(this.app.state.theme) + 1) % THEMES.length] });
  }

  build() {
    const { app } = this;
    const { state } = app;
    this.runs.replaceChildren(...app.library.runs.map((run) => this.chip(run)));
    const kinds = [["all", "all images"], ["wrong", "wrong ones"], ...app.classes().map((name) => [`class:${name}`, `class ${name}`.slice(0, 40)])];
    this.show.replaceChildren(
      choice("show", kinds, kinds.some(([kind]) => kind === state.show) ? state.show : "all", (value) => app.set({ show: value })),
      choice("sort", SORTS, state.sort, (value) => app.set({ sort: value })),
    );
    const words = [...new Map(app.tracks(true).map((track) => [track.word, track.about.title]))];
    const isFixed = typeof state.range === "number";
    const fixed = element("input", { type: "number", min: 0, step: "any", "aria-label": "upper end of the range", value: isFixed ? state.range : "" });
    fixed.addEventListener("change", () => Number(fixed.value) > 0 && app.set({ range: Number(fixed.value) }));
    fixed.hidden = !isFixed;
    this.panel.replaceChildren(
      choice("range", RANGES, isFixed ? "fixed" : state.range, (value) => app.set({ range: value === "fixed" ? app.presentLimit() : value })),
      fixed,
      choice("colours", COLORS, state.colors, (value) => app.set({ colors: value })),
      slider("opacity", state.opacity, [0.1, 1, 0.05], (value) => app.set({ opacity: value })),
      slider("contour", state.contour, [0, 0.95, 0.05], (value) => app.set({ contour: value })),
      slider("tile size", app.size(), [64, 320, 8], (value) => app.set({ size: value })),
      tick("below zero too", state.signed, (value) => app.set({ signed: value })),
      tick("true cells", state.cells, (value) => app.set({ cells: value })),
      element("div", { class: "columns", role: "group", "aria-label": "columns" }, ...words.map(([word, title]) => tick(title, !app.isHidden(word), () => app.toggleColumn(word)))),
    );
    this.tell();
  }

  chip(run) {
    const isShown = this.app.shownRuns().includes(run);
    return element("button", { type: "button", class: "chip", "aria-pressed": isShown, title: run.label, onclick: () => this.app.toggleRun(run.id) }, dot(isShown ? run.color : "transparent"), run.label);
  }

  /** Say what cannot be shown. */
  tell() {
    const problems = [...this.app.library.problems, ...this.app.differences()];
    const key = JSON.stringify(problems);
    if (this.notice.dataset.key === key) return;
    this.notice.dataset.key = key;
    this.notice.hidden = !problems.length;
    this.notice.replaceChildren(...problems.slice(0, 4).map((text) => element("div", { text })));
    if (problems.length > 4) this.notice.append(element("div", { text: `and ${problems.length - 4} more` }));
  }
}
