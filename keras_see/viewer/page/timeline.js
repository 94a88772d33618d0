// The timeline: filmstrip, curves, marks and the slider, all on one axis of steps.
import { button, choice, element } from "./elements.js";
import { shortNumber, whenOf } from "./library.js";
import { drawTile } from "./tiles.js";

const SVG = "http://www.w3.org/2000/svg";
const HEIGHT = 56;
const FILM_TILE = 40;
export const CURVE_COLORS = ["#4c8dff", "#e0863a", "#3fae7a", "#b874d6", "#d65c74", "#7d8a97"];
const SPEEDS = [1, 2, 4, 8, 16, 30];

/** The foot of the page. */
export class Timeline {
  constructor(app) {
    this.app = app;
    this.film = element("div", { class: "film", "aria-hidden": "true" });
    this.curves = document.createElementNS(SVG, "svg");
    this.curves.setAttribute("class", "curves");
    this.curves.setAttribute("preserveAspectRatio", "none");
    this.curves.setAttribute("aria-hidden", "true");
    this.marks = element("div", { class: "marks" });
    this.legend = element("div", { class: "legend-curves" });
    this.slider = element("input", { type: "range", min: 0, step: 1, class: "steps", "aria-label": "step of the training" });
    this.slider.addEventListener("input", () => app.goTo(this.steps[Number(this.slider.value)]));
    this.place = element("output", { class: "place" });
    this.fresh = element("button", { type: "button", class: "fresh", hidden: true, onclick: () => app.goTo(this.steps.at(-1)) });
    this.playing = button("▶", "play", () => app.play());
    this.curves.addEventListener("pointerdown", (event) => this.point(event));
    this.curves.addEventListener("pointermove", (event) => event.buttons && this.point(event));
    this.root = element("footer", {}, this.film, element("div", { class: "axis" }, this.curves, this.marks), this.slider, this.transport(), this.legend);
  }

  transport() {
    const { app } = this;
    const speeds = SPEEDS.map((speed) => [String(speed), `${speed} a second`]);
    this.speed = choice("speed", speeds, String(app.state.speed), (value) => app.set({ speed: Number(value) }));
    const modes = [["off", "off"], ["side", "side by side"], ["wipe", "wipe"], ["diff", "difference"]];
    this.compare = choice("compare", modes, app.state.compare, (value) => app.compare(value));
    this.other = element("button", { type: "button", class: "other", onclick: () => app.set({ other: app.state.step }) });
    return element(
      "div",
      { class: "transport" },
      element("div", { class: "keys" },
        button("|◀", "first step", () => app.goTo(this.steps[0])),
        button("‹", "step back", () => app.move(-1)),
        this.playing,
        button("›", "step forward", () => app.move(1)),
        button("▶|", "last step", () => app.goTo(this.steps.at(-1)))),
      this.place, this.fresh, element("div", { class: "spacer" }), this.compare, this.other, this.speed,
    );
  }

  point(event) {
    const box = this.curves.getBoundingClientRect();
    const share = Math.min(Math.max((event.clientX - box.left) / box.width, 0), 1);
    this.app.goTo(this.steps[Math.round(share * (this.steps.length - 1))]);
  }

  /** Take over the steps, curves and notes of the runs that are shown. */
  build(steps) {
    this.steps = steps;
    this.slider.max = Math.max(steps.length - 1, 0);
    this.chosen = this.chosenCurves();
    this.drawCurves();
    this.buildLegend();
    this.buildMarks();
    this.buildFilm();
  }

  /** The curves of the shown runs: those that the user chose, else accuracy and where the maps lie. */
  chosenCurves() {
    const runs = this.app.shownRuns();
    const tags = [...new Set(runs.flatMap((run) => run.curves.filter(({ points }) => points.length > 1).map(({ tag }) => tag)))];
    this.tags = tags;
    const isUsual = [/^validation accuracy$/, /energy_inside$/, /^train loss$/, /accuracy$/, /peak$/];
    const usual = isUsual.flatMap((each) => tags.filter((tag) => each.test(tag)).slice(0, 1));
    const wanted = this.app.state.curves ?? [...new Set(usual)].slice(0, 3);
    return wanted.filter((tag) => tags.includes(tag));
  }

  drawCurves() {
    const last = Math.max(this.steps.length - 1, 1);
    this.curves.setAttribute("viewBox", `0 0 ${last} ${HEIGHT}`);
    this.curves.replaceChildren();
    this.chosen.forEach((tag, number) => {
      const runs = this.app.shownRuns();
      const values = runs.flatMap((run) => pointsOf(run, tag).map(([, value]) => value));
      const [low, high] = [Math.min(...values), Math.max(...values)];
      for (const [place, run] of runs.entries()) this.curves.append(this.line(run, tag, low, high, number, place));
    });
    this.cursor = svgElement("line", { class: "cursor", y1: 0, y2: HEIGHT });
    this.curves.append(this.cursor);
    this.curves.toggleAttribute("hidden", !this.chosen.length);
  }

  line(run, tag, low, high, number, place) {
    const points = pointsOf(run, tag)
      .map(([step, value]) => [this.placeOf(step), HEIGHT - 5 - ((HEIGHT - 10) * (value - low)) / (high - low || 1)])
      .filter(([x]) => x !== null)
      .map((pair) => pair.join(","));
    const dashes = place ? { "stroke-dasharray": `${2 + 3 * place} 3` } : {};
    return svgElement("polyline", { points: points.join(" "), stroke: CURVE_COLORS[number % CURVE_COLORS.length], ...dashes });
  }

  /** The place of a step on the axis, between its neighbours where it is none of the page's steps. */
  placeOf(step) {
    const after = this.steps.findIndex((each) => each >= step);
    if (after < 0) return null;
    if (this.steps[after] === step || after === 0) return this.steps[after] === step ? after : null;
    return after - (this.steps[after] - step) / (this.steps[after] - this.steps[after - 1]);
  }

  buildLegend() {
    const choices = this.tags.filter((tag) => !this.chosen.includes(tag)).map((tag) => [tag, named(tag)]);
    this.values = this.chosen.map((tag, number) => {
      const value = element("span", { class: "number" });
      const chip = element("button", { type: "button", class: "chip", title: "hide this curve", "aria-label": `hide the curve ${named(tag)}`, onclick: () => this.app.set({ curves: this.chosen.filter((each) => each !== tag) }) }, element("span", { class: "swatch" }), named(tag), value);
      chip.firstChild.style.background = CURVE_COLORS[number % CURVE_COLORS.length];
      return { tag, value, chip };
    });
    const add = choices.length ? choice("curve", [["", "add …"], ...choices], "", (tag) => this.app.set({ curves: [...this.chosen, tag] })) : null;
    this.legend.replaceChildren(...this.values.map(({ chip }) => chip), ...(add ? [add] : []));
  }

  buildMarks() {
    const notes = this.app.shownRuns().flatMap((run) => run.notes);
    this.marks.replaceChildren(
      ...notes.filter(([step]) => this.placeOf(step) !== null).map(([step, text]) => {
        const mark = button("▲", text, () => this.app.goTo(step), { class: "mark" });
        mark.style.left = `${(100 * this.placeOf(step)) / Math.max(this.steps.length - 1, 1)}%`;
        return mark;
      }),
    );
  }

  buildFilm() {
    const room = Math.max(Math.floor(this.root.clientWidth / (FILM_TILE + 6)) || 12, 4);
    const every = Math.max(Math.ceil(this.steps.length / room), 1);
    const chosen = this.steps.filter((_, place) => place % every === 0 || place === this.steps.length - 1);
    this.frames = chosen.map((step) => {
      const canvas = element("canvas", {});
      const root = element("button", { type: "button", tabindex: -1, title: whenOf(this.app.shownRuns()[0], step), onclick: () => this.app.goTo(step) }, canvas);
      return { step, canvas, root };
    });
    this.film.replaceChildren(...this.frames.map(({ root }) => root));
  }

  /** Follow the present step. */
  draw() {
    const { app } = this;
    const place = this.steps.indexOf(app.state.step);
    const run = app.shownRuns().find((each) => each.tracks.some((track) => track.heads.has(app.state.step)));
    const when = whenOf(run, app.state.step);
    this.slider.value = place;
    this.slider.setAttribute("aria-valuetext", when);
    this.place.textContent = when;
    this.place.title = `step ${app.state.step}`;
    this.cursor.setAttribute("x1", place);
    this.cursor.setAttribute("x2", place);
    for (const { tag, value } of this.values) value.textContent = app.shownRuns().map((each) => valueAtStep(each, tag, app.state.step)).join(" / ");
    this.playing.textContent = app.timer ? "❚❚" : "▶";
    this.playing.setAttribute("aria-label", app.timer ? "pause" : "play");
    this.other.hidden = app.state.compare === "off";
    this.other.textContent = `with ${whenOf(run, app.other())}`;
    this.other.title = "compare with the present step from now on";
    this.drawFilm();
  }

  drawFilm() {
    const pinned = this.app.pinnedRow();
    const run = this.app.shownRuns().find((each) => each.tracks.some((track) => track.kind === "maps"));
    const track = run?.tracks.find((each) => each.kind === "maps" && !this.app.isHidden(each.word));
    this.film.hidden = !track || !pinned;
    if (this.film.hidden) return;
    for (const { step, canvas, root } of this.frames) {
      root.classList.toggle("now", step === this.app.state.step);
      const key = JSON.stringify([pinned, track.run, track.tag, this.app.look()]);
      if (canvas.dataset.key === key || !track.heads.has(step)) continue;
      const cell = { step, row: pinned, pixels: 2 * FILM_TILE };
      if (drawTile(canvas, this.app.library, run, track, cell, { ...this.app.state, contour: 0, hold: false }, this.app.tracks())) canvas.dataset.key = key;
    }
  }
}

function pointsOf(run, tag) {
  return run.curves.find((curve) => curve.tag === tag)?.points ?? [];
}

function valueAtStep(run, tag, step) {
  const points = pointsOf(run, tag).filter(([each]) => each <= step);
  return points.length ? shortNumber(points.at(-1)[1]) : "–";
}

/** A curve's name for people: "grad_cam/energy_inside" is "grad_cam energy inside". */
function named(tag) {
  return tag.replaceAll("/", " ").replaceAll("_", " ");
}

function svgElement(name, attributes) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}
