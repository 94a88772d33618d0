// The page: state, and what belongs together in head, grid, timeline and dialog.
import { Controls } from "./controls.js";
import { element } from "./elements.js";
import { Enlarged } from "./enlarged.js";
import { Grid, changeOf, factsOf, rowsOf } from "./grid.js";
import { Library, limitOfRun } from "./library.js";
import { Timeline } from "./timeline.js";
import { readState, writeState } from "./view_state.js";

const RUN_COLORS = ["#4c8dff", "#f0883e", "#37b384", "#c678dd", "#e5566d", "#c9a227", "#56b6c2", "#8b95a1"];
// Keys of the state that change which rows and columns there are, or how large they are.
const STRUCTURE = ["runs", "hide", "compare", "show", "sort", "size", "curves", "range", "colors", "cells", "signed", "theme"];
// Milliseconds between two questions whether a training has gone on.
const PAUSE = 5000;
const NARROW = 640;

/** Show what a source has, inside an element. */
export async function start(source, root) {
  const app = new App(source, root);
  await app.begin();
  return app;
}

class App {
  constructor(source, root) {
    this.root = root;
    this.library = new Library(source);
    this.library.onFrame = () => this.drawSoon();
    this.state = { ...readState(), hold: false, wipe: 0.5 };
    this.timer = null;
    this.grid = new Grid(this);
    this.timeline = new Timeline(this);
    this.controls = new Controls(this);
    this.enlarged = new Enlarged(this);
    this.live = element("div", { class: "unseen", role: "status", "aria-live": "polite" });
    this.empty = element("div", { class: "empty", hidden: true });
    this.main = element("main", { tabindex: -1, onscroll: () => this.drawSoon() }, this.grid.root, this.grid.strips, this.empty);
    root.classList.add("see");
    root.replaceChildren(this.controls.root, this.main, this.timeline.root, this.enlarged.root, this.live);
    document.addEventListener("keydown", (event) => this.key(event));
    document.addEventListener("keyup", (event) => event.key.toLowerCase() === "h" && this.hold(false));
    window.addEventListener("resize", () => this.library.runs.length && this.build());
  }

  async begin() {
    await this.ask();
    if (this.library.source.isLive) setInterval(() => this.ask(), PAUSE);
  }

  /** Ask the source for what is new; the place stays. */
  async ask() {
    try {
      if (!(await this.library.refresh())) return;
    } catch (error) {
      this.sayEmpty(`The runs cannot be read now: ${error.message}.`);
      return;
    }
    const before = this.timeline.steps?.at(-1);
    if (this.library.runs.length) this.build();
    else this.sayEmpty();
    const last = this.timeline.steps?.at(-1);
    this.timeline.fresh.hidden = before === undefined || last === before || this.state.step === last;
    this.timeline.fresh.textContent = "newer steps ›";
  }

  sayEmpty(problem) {
    if (this.library.runs.length) return;
    this.empty.hidden = false;
    this.timeline.root.hidden = true;
    this.empty.replaceChildren(
      element("h2", { text: problem ?? "There is no run of keras_see here yet." }),
      element("p", { text: "Add a callback to a training, and its pictures appear here after the first epoch:" }),
      element("pre", { text: 'watch = keras_see.Watch("logs/run1", images)\nmodel.fit(..., callbacks=[watch])' }),
      element("p", { text: 'Then show the folder: keras-see board logs. A run that an older version wrote has sheets alone: see the Images tab.' }),
    );
  }

  shownRuns() {
    const chosen = this.library.runs.filter((run) => this.state.runs?.includes(run.id));
    return chosen.length ? chosen : this.library.runs.slice(0, 1);
  }

  tracks(withHidden = false) {
    const tracks = this.shownRuns().flatMap((run) => run.tracks);
    return withHidden ? tracks : tracks.filter((track) => !this.isHidden(track.word));
  }

  isHidden(word) {
    return this.state.hide.split("|").includes(word);
  }

  /** Bring the page in line with the runs and the state. */
  build() {
    this.empty.hidden = true;
    this.timeline.root.hidden = false;
    document.documentElement.dataset.theme = this.state.theme;
    const runs = this.shownRuns();
    this.library.runs.forEach((run, i) => (run.color = RUN_COLORS[i % RUN_COLORS.length]));
    runs.forEach((run) => (run.dot = runs.length > 1));
    const steps = [...new Set(runs.flatMap((run) => run.tracks.flatMap((track) => track.steps)))].sort((a, b) => a - b);
    if (!steps.includes(this.state.step)) this.state.step = nearest(steps, this.state.step);
    this.rows = this.sorted(this.filtered(rowsOf(runs)));
    const columns = this.gridColumns(runs);
    this.columnCount = columns.length;
    this.root.style.setProperty("--tile", `${this.size()}px`);
    this.grid.build(this.rows, columns, this.gridStrips(runs));
    this.timeline.build(steps);
    this.controls.build();
    this.drawSoon();
    this.fetchAhead();
  }

  /** The columns: per method one per run, and with "side by side" one per step too. */
  gridColumns(runs) {
    const words = [...new Set(this.tracks().filter((track) => track.about.sample_images !== undefined).map((track) => track.word))];
    const { compare } = this.state;
    const now = (state) => state.step;
    const other = () => this.other();
    return words.flatMap((word) =>
      runs.flatMap((run) => {
        const track = run.tracks.find((each) => each.word === word);
        if (!track) return [];
        const named = run.dot ? run.label : "";
        const column = { track, run, mode: "map", label: named, stepOf: now };
        if (compare === "off" || track.kind !== "maps") return [column];
        if (compare === "side") {
          return [{ ...column, stepOf: other, isNamed: true }, { ...column, isNamed: true }];
        }
        return [{ ...column, mode: compare, beforeOf: other }];
      }),
    );
  }

  gridStrips(runs) {
    return runs.flatMap((run) =>
      run.tracks
        .filter((track) => track.about.sample_images === undefined && !this.isHidden(track.word))
        .map((track) => ({ track, run, label: run.dot ? run.label : "", step: (state) => state.step })),
    );
  }

  filtered(rows) {
    const { show } = this.state;
    if (show === "all") return rows;
    const facts = (row) => this.shownRuns().map((run) => factsOf(run, this.lastStep(run), row)).filter(Boolean);
    if (show === "wrong") return rows.filter((row) => facts(row).some((each) => each.right === false));
    return rows.filter((row) => facts(row).some((each) => `class:${each.true ?? each.predicted}` === show));
  }

  sorted(rows) {
    const { sort } = this.state;
    if (sort === "given") return rows;
    const run = this.shownRuns()[0];
    const track = run.tracks.find((each) => each.kind === "maps");
    const weight = (row) =>
      sort === "changed" ? changeOf(this.library, track, row) : 1 - (factsOf(run, this.lastStep(run), row)?.true_probability ?? 1);
    if (sort === "changed") this.library.fetch(track, [track.steps[0], track.steps.at(-1)]).then(() => this.resort());
    const weights = new Map(rows.map((row) => [row, weight(row)]));
    return [...rows].sort((a, b) => weights.get(b) - weights.get(a));
  }

  /** Sort again once the maps that it takes are here. */
  resort() {
    const before = JSON.stringify(this.rows);
    if (this.state.sort === "changed" && JSON.stringify(this.sorted(this.rows)) !== before) this.build();
  }

  lastStep(run) {
    return Math.max(...run.tracks.filter((track) => track.kind === "maps").map((track) => track.steps.at(-1)));
  }

  classes() {
    const found = new Set();
    for (const run of this.shownRuns()) {
      for (const row of rowsOf([run])) {
        const facts = factsOf(run, this.lastStep(run), row);
        const name = facts?.true ?? facts?.predicted;
        if (name !== undefined) found.add(name);
      }
    }
    return [...found].sort((a, b) => a.localeCompare(b, undefined, { numeric: true }));
  }

  /** What about the chosen runs cannot be compared. */
  differences() {
    const runs = this.shownRuns();
    const told = [];
    const images = (run) => [...new Set(run.tracks.map((track) => track.about.sample_images).filter((each) => each !== undefined))].join();
    for (const run of runs.slice(1)) {
      if (images(run) !== images(runs[0])) told.push(`${run.label} shows other images than ${runs[0].label}: they stand in rows of their own.`);
      const missing = runs[0].tracks.filter((track) => !run.tracks.some((each) => each.word === track.word));
      if (missing.length) told.push(`${run.label} has no ${missing.map((track) => track.about.title).join(", ")}.`);
    }
    const step = this.state.step;
    const notes = new Set(this.tracks().flatMap((track) => track.heads.get(step)?.about.notes ?? []));
    return [...told, ...notes];
  }

  async fetchAhead() {
    const turn = (this.turn = {});
    await this.library.prefetch(this.tracks(), this.state.step, () => this.turn === turn);
  }

  /** Change the state, and show that. */
  set(changes) {
    Object.assign(this.state, changes);
    this.writing ??= setTimeout(() => {
      this.writing = null;
      writeState(this.state);
    }, 150);
    if (Object.keys(changes).some((key) => STRUCTURE.includes(key))) this.build();
    else this.drawSoon();
  }

  goTo(step) {
    if (step === undefined || step === this.state.step) return;
    if (step === this.timeline.steps.at(-1)) this.timeline.fresh.hidden = true;
    this.set({ step });
  }

  move(by) {
    const { steps } = this.timeline;
    const place = Math.min(Math.max(steps.indexOf(this.state.step) + by, 0), steps.length - 1);
    this.goTo(steps[place]);
  }

  play() {
    if (this.timer) {
      clearInterval(this.timer);
      this.timer = null;
      this.drawSoon();
      return;
    }
    const { steps } = this.timeline;
    if (this.state.step === steps.at(-1)) this.goTo(steps[0]);
    const next = () => (this.state.step === this.timeline.steps.at(-1) ? this.play() : this.move(1));
    this.timer = setInterval(next, 1000 / this.state.speed);
    this.drawSoon();
  }

  compare(mode) {
    this.set({ compare: mode, other: this.state.other ?? this.timeline.steps[0] });
  }

  /** The step that is compared with: before training, unless the user chose another. */
  other() {
    return this.state.other ?? this.timeline.steps[0];
  }

  toggleRun(id) {
    const shown = this.shownRuns().map((run) => run.id);
    const runs = shown.includes(id) ? shown.filter((each) => each !== id) : [...shown, id];
    this.set({ runs: runs.length ? runs : null });
  }

  toggleColumn(word) {
    const hidden = this.state.hide.split("|").filter(Boolean);
    this.set({ hide: (hidden.includes(word) ? hidden.filter((each) => each !== word) : [...hidden, word]).join("|") });
  }

  enlarge(row, column) {
    this.enlarged.open(row, column);
  }

  hold(isHeld) {
    if (this.state.hold === isHeld) return;
    this.state.hold = isHeld;
    this.drawSoon();
  }

  wipeTo(event) {
    const box = event.currentTarget.getBoundingClientRect();
    this.state.wipe = Math.min(Math.max((event.clientX - box.left) / box.width, 0), 1);
    this.drawSoon();
  }

  pinned() {
    const row = this.pinnedRow();
    return row ? `${row.fingerprint} ${row.index}` : null;
  }

  pinnedRow() {
    return this.rows.find((row) => `${row.fingerprint} ${row.index}` === this.state.pin) ?? this.rows[0] ?? null;
  }

  presentLimit() {
    return Math.max(...this.tracks().filter((track) => track.kind === "maps").map(limitOfRun)) || 1;
  }

  size() {
    return this.state.size || this.usualSize();
  }

  /** The size at which all columns fit side by side, within bounds. */
  usualSize() {
    const [least, most, gap, edges] = window.innerWidth < NARROW ? [84, 200, 8, 30] : [104, 224, 14, 52];
    const count = (this.columnCount ?? 3) + 1;
    const [wide, high] = [(window.innerWidth - edges) / count - gap, 0.25 * window.innerHeight];
    return Math.round(Math.min(Math.max(Math.min(wide, high), least), most));
  }

  /** Pixels of a tile on this screen. */
  pixels() {
    return Math.round(Math.min(this.size() * Math.min(window.devicePixelRatio || 1, 2), 320));
  }

  /** What, besides the step, decides how a tile looks. */
  look() {
    const { range, colors, opacity, cells, signed, runs } = this.state;
    return [range, colors, opacity, cells, signed, runs];
  }

  drawSoon() {
    this.frame ??= requestAnimationFrame(() => {
      this.frame = null;
      if (!this.library.runs.length) return;
      this.timeline.draw();
      this.grid.draw();
      this.enlarged.draw();
      this.controls.tell();
      if (!this.timer) this.live.textContent = this.timeline.place.textContent;
    });
  }

  key(event) {
    const target = event.target;
    if (event.ctrlKey || event.metaKey || event.altKey || !this.library.runs.length) return;
    if (target.matches?.("select, input:not(.steps)")) return;
    const moves = { ArrowLeft: -1, ArrowRight: 1, PageDown: -10, PageUp: 10, Home: -Infinity, End: Infinity };
    const by = moves[event.key];
    if (by !== undefined) this.move(event.shiftKey ? 10 * by : by);
    else if (event.key === " " && !target.matches?.("button")) this.play();
    else if (event.key.toLowerCase() === "h") this.hold(true);
    else return;
    event.preventDefault();
  }
}

function nearest(steps, wanted) {
  if (wanted === null || !steps.length) return steps.at(-1);
  return steps.reduce((best, step) => (Math.abs(step - wanted) < Math.abs(best - wanted) ? step : best));
}
