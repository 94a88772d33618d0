// The runs as the page sees them: their tracks (the records of one tag), images, curves and notes.
import { decodedFrame } from "./frames.js";

const BEFORE = "before training";
// Bytes of decoded maps that are kept, the most recently used ones.
const MOST_KEPT = 256 * 2 ** 20;
// Records that are asked for in one request.
const AT_ONCE = 12;

/** All that a source has, by run; a callback with a name of its own makes a run of its own. */
export class Library {
  constructor(source) {
    this.source = source;
    this.runs = [];
    this.problems = [];
    this.frames = new Map();
    this.waiting = new Map();
    this.kept = 0;
    this.onFrame = () => {};
  }

  /** Ask the source again, and return whether anything is new. */
  async refresh() {
    const answer = await this.source.list();
    if (answer === null) return false;
    this.runs = answer.runs.flatMap(runsOf);
    this.problems = answer.problems ?? [];
    return true;
  }

  run(id) {
    return this.runs.find((run) => run.id === id);
  }

  /** The decoded record of a step where it is here already; else null, and `onFrame` is called when it is. */
  frame(track, step) {
    const key = `${track.run}\n${track.tag}\n${step}`;
    const found = this.frames.get(key);
    if (found) {
      this.frames.delete(key);
      this.frames.set(key, found);
      return found;
    }
    if (track.heads.has(step)) this.fetch(track, [step]).then(() => this.onFrame());
    return null;
  }

  /** Fetch and decode records that are not here yet, and return a promise of that. */
  fetch(track, steps) {
    const missing = steps.filter((step) => !this.has(track, step));
    const promise = missing.length ? this.fetched(track, missing) : Promise.resolve();
    const keys = missing.map((step) => `${track.run}\n${track.tag}\n${step}`);
    keys.forEach((key) => this.waiting.set(key, promise));
    return promise.finally(() => keys.forEach((key) => this.waiting.delete(key)));
  }

  has(track, step) {
    const key = `${track.run}\n${track.tag}\n${step}`;
    return this.frames.has(key) || this.waiting.has(key);
  }

  async fetched(track, steps) {
    let records = [];
    try {
      records = await this.source.frames(track.run, track.tag, steps);
    } catch (error) {
      this.tell(`${track.tag}: ${error.message}`);
    }
    await Promise.all(records.map((bytes, i) => this.keep(track, steps[i], bytes)));
  }

  async keep(track, step, bytes) {
    try {
      const frame = await decodedFrame(bytes);
      frame.size = frame.entries.reduce((sum, each) => sum + (each.values?.byteLength ?? 4 * each.width * each.height), 0);
      this.frames.set(`${track.run}\n${track.tag}\n${step}`, frame);
      this.kept += frame.size;
    } catch (error) {
      this.tell(`${track.tag}, step ${step}: ${error.message}`);
    }
    for (const [key, frame] of this.frames) {
      if (this.kept <= MOST_KEPT) break;
      this.kept -= frame.size;
      this.frames.delete(key);
    }
  }

  tell(problem) {
    if (!this.problems.includes(problem)) this.problems.push(problem);
  }

  /** Fetch the steps of some tracks beforehand, those nearest to a step first, until as much as may be kept is here. */
  async prefetch(tracks, step, isWanted) {
    for (let far = 0; ; far += AT_ONCE) {
      let isAll = true;
      for (const track of tracks) {
        const near = [...track.steps].sort((a, b) => Math.abs(a - step) - Math.abs(b - step)).slice(far, far + AT_ONCE);
        if (!near.length) continue;
        isAll = false;
        if (!isWanted() || this.kept > 0.8 * MOST_KEPT) return;
        await this.fetch(track, near);
        this.onFrame();
      }
      if (isAll) return;
    }
  }
}

/** The runs that a folder holds: one, and one more per name that callbacks were given. */
function runsOf(folder) {
  const runs = new Map();
  const at = (name) => {
    const id = name ? `${folder.name} · ${name}` : folder.name;
    if (!runs.has(name)) runs.set(name, { id, label: labelOf(id), tracks: [], images: new Map() });
    return runs.get(name);
  };
  for (const [tag, records] of Object.entries(folder.tags)) {
    const images = tag.match(/^see\/(?:(.*)\/)?sample_images\/[0-9a-f]+$/);
    if (images) {
      const track = trackOf(folder.name, tag, records, "");
      at(images[1] ?? "").images.set(track.about.fingerprint, track);
    } else if (records.length) {
      const [name, word] = partsOf(tag, records[0][1].about?.method ?? "");
      at(name).tracks.push(trackOf(folder.name, tag, records, word));
    }
  }
  for (const run of runs.values()) {
    run.tracks.sort((a, b) => (a.about.order ?? 0) - (b.about.order ?? 0) || a.tag.localeCompare(b.tag));
    run.curves = folder.curves.map(([tag, points]) => ({ tag, points: points.filter(([, value]) => value !== null) }));
    run.notes = folder.notes;
  }
  return [...runs.values()].filter((run) => run.tracks.length);
}

/** The name of the callback in a tag, and what comes after it: "see/val/grad_cam@a/b/maps" has "val", "grad_cam@a/b". */
function partsOf(tag, method) {
  const parts = tag.split("/");
  const place = parts.findIndex((part, i) => i > 0 && part.split("@")[0] === method);
  const start = place < 0 ? 1 : place;
  return [parts.slice(1, start).join("/"), parts.slice(start).join("/").replace(/\/maps$/, "")];
}

function trackOf(run, tag, records, word) {
  const heads = new Map(records);
  const last = records.at(-1)[1];
  return { run, tag, word, kind: last.kind, about: last.about, heads, steps: [...heads.keys()].sort((a, b) => a - b) };
}

function labelOf(id) {
  return id === "." ? "this run" : id.replace(/\/\.( ·|$)/, "$1");
}

/** What a step is called: "before training", "epoch 7 of 40", as the callback saw it. */
export function whenOf(run, step) {
  const head = run?.tracks.map((track) => track.heads.get(step)).find(Boolean);
  const when = head?.about?.when ?? `step ${step}`;
  return when.replace(/^epoch (\d+)\/(\d+)$/, "epoch $1 of $2").replace(/^epoch (\d+)\/\?$/, "epoch $1");
}

/** The upper end of a track's colours in one range for its whole run: what the most demanding step needs. */
export function limitOfRun(track) {
  if (!limits.has(track)) limits.set(track, foundLimit(track));
  return limits.get(track);
}

const limits = new WeakMap();

function foundLimit(track) {
  const trained = track.steps.filter((step) => track.heads.get(step).about.when !== BEFORE);
  const steps = trained.length ? trained : track.steps;
  return Math.max(0, ...steps.map((step) => track.heads.get(step).about.limit ?? 0));
}

/** A number with three significant digits, as the sheets write it. */
export function shortNumber(value) {
  if (value === null || value === undefined || Number.isNaN(value)) return "no number";
  const size = Math.abs(value);
  if (value === 0 || (size >= 0.01 && size < 1000)) return String(Number(value.toPrecision(3)));
  return value.toExponential(1).replace(/e([+-])(\d)$/, "e$10$2");
}
