// One tile: a map over its image, or a single picture, on a canvas.
import { drawnMap, resizedPlane } from "./drawing.js";
import { limitOfRun } from "./library.js";

/** The records of an image: its map at a step of a track, and what belongs to it. Null where it is not there (yet). */
export function entryOf(library, track, step, row) {
  const head = track?.heads.get(step);
  if (!head || !shows(head, row)) return null;
  const frame = library.frame(track, step);
  const entry = frame?.entries[row.index];
  return entry ? { entry, head, about: head.about.images?.[row.index] ?? {} } : null;
}

/** Whether a record has an entry for an image. */
export function shows(head, row) {
  return (head.about.sample_images ?? row.fingerprint) === row.fingerprint && row.index < head.about.images.length;
}

/** The upper end of the colours: of one map, a run, all runs that are shown, or a number. */
export function upperOf(track, step, row, state, tracks) {
  if (typeof state.range === "number") return state.range;
  if (state.range === "image") return track.heads.get(step)?.about.images[row.index]?.limit ?? 0;
  const alike = state.range === "all" ? tracks.filter((each) => each.word === track.word) : [track];
  return Math.max(0, ...alike.map(limitOfRun));
}

/** Draw the map of a step, or its difference to another step, and return whether that was possible. */
export function drawTile(canvas, library, run, track, cell, state, tracks) {
  const now = entryOf(library, track, cell.step, cell.row);
  if (!now) return false;
  if (now.entry.values === undefined) {
    drawPicture(canvas, now.entry);
    return true;
  }
  const before = cell.before === undefined ? null : entryOf(library, track, cell.before, cell.row);
  if (cell.before !== undefined && !before) return false;
  if (run.images.has(cell.row.fingerprint) && !bitmapOf(library, run, cell.row)) return false;
  const [rows, columns] = pictureSize(library, run, cell.row, now);
  const [width, height] = fitted(columns, rows, cell.pixels);
  const picture = pictureOf(library, run, cell.row, width, height);
  const isDifference = before !== null && cell.mode === "diff";
  const map = isDifference ? difference(now.entry, before.entry) : now.entry;
  const upper = upperOf(track, cell.step, cell.row, state, tracks);
  const options = optionsOf(state, now.head.about.style, { width, height, upper, signed: state.signed || isDifference });
  const pixels = state.hold ? picture : drawnMap(map, picture, options);
  if (before !== null && cell.mode === "wipe" && !state.hold) {
    const other = optionsOf(state, now.head.about.style, { ...options, upper: upperOf(track, cell.before, cell.row, state, tracks) });
    wipe(pixels, drawnMap(before.entry, picture, other), width, height, state.wipe ?? 0.5);
  }
  put(canvas, pixels, width, height);
  return true;
}

/** Draw the sample image alone. */
export function drawSample(canvas, library, run, row, pixels) {
  const bitmap = bitmapOf(library, run, row);
  if (!bitmap) return false;
  const [width, height] = fitted(bitmap.width, bitmap.height, pixels);
  put(canvas, pictureOf(library, run, row, width, height), width, height);
  return true;
}

/** The value of a map under a place of its picture (shares of its width and height), as it is drawn: bicubic. */
export function valueAt(map, x, y, cells) {
  if (cells || map.rows * map.columns > 4096) {
    const row = Math.min(Math.floor(y * map.rows), map.rows - 1);
    return map.values[row * map.columns + Math.min(Math.floor(x * map.columns), map.columns - 1)];
  }
  const fine = 128;
  const plane = resizedPlane(map.values, map.rows, map.columns, fine, fine);
  return plane[Math.min(Math.floor(y * fine), fine - 1) * fine + Math.min(Math.floor(x * fine), fine - 1)];
}

function optionsOf(state, style, others) {
  const colors = state.colors === "sheet" ? style.colors : state.colors;
  return { style, colors, alpha: state.opacity, cells: state.cells, contour: state.contour, ...others };
}

function difference(map, other) {
  const values = Float32Array.from(map.values, (value, i) => value - other.values[i]);
  return { ...map, values };
}

/** Put the left part of another picture into this one, up to a share of the width, with a line between. */
function wipe(pixels, others, width, height, share) {
  const end = Math.round(share * width);
  for (let y = 0; y < height; y++) {
    pixels.set(others.subarray(4 * y * width, 4 * (y * width + end)), 4 * y * width);
    if (end > 0 && end < width) pixels.fill(255, 4 * (y * width + end), 4 * (y * width + end) + 4);
  }
}

function put(canvas, pixels, width, height) {
  if (canvas.width !== width || canvas.height !== height) {
    canvas.width = width;
    canvas.height = height;
  }
  canvas.getContext("2d").putImageData(new ImageData(pixels, width, height), 0, 0);
}

function drawPicture(canvas, bitmap) {
  if (canvas.width !== bitmap.width || canvas.height !== bitmap.height) {
    canvas.width = bitmap.width;
    canvas.height = bitmap.height;
  }
  canvas.getContext("2d").drawImage(bitmap, 0, 0);
}

function fitted(columns, rows, pixels) {
  const factor = pixels / Math.max(columns, rows);
  return [Math.max(Math.round(columns * factor), 1), Math.max(Math.round(rows * factor), 1)];
}

function bitmapOf(library, run, row) {
  const track = run.images.get(row.fingerprint);
  return track ? library.frame(track, track.steps.at(-1))?.entries[row.index] : null;
}

function pictureSize(library, run, row, now) {
  const bitmap = bitmapOf(library, run, row);
  return bitmap ? [bitmap.height, bitmap.width] : [now.entry.rows, now.entry.columns];
}

const pictures = new Map();
const MOST_PICTURES = 512;

/** The pixels of a sample image in a size; plain grey where the run keeps no images. */
function pictureOf(library, run, row, width, height) {
  const bitmap = bitmapOf(library, run, row);
  const key = `${bitmap ? `${run.id} ${row.fingerprint} ${row.index}` : "grey"} ${width} ${height}`;
  if (!pictures.has(key)) {
    if (pictures.size >= MOST_PICTURES) pictures.delete(pictures.keys().next().value);
    pictures.set(key, bitmap ? pixelsOf(bitmap, width, height) : new Uint8ClampedArray(4 * width * height).fill(128));
  }
  return pictures.get(key);
}

function pixelsOf(bitmap, width, height) {
  const canvas = new OffscreenCanvas(width, height);
  const pen = canvas.getContext("2d");
  pen.imageSmoothingEnabled = width < 2 * bitmap.width; // the pixels of small pictures stay visible
  pen.imageSmoothingQuality = "high";
  pen.drawImage(bitmap, 0, 0, width, height);
  return pen.getImageData(0, 0, width, height).data;
}
