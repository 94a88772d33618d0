// Maps in colour, as the Python side draws them (visualization/map_drawing.py, visualization/resizing.py).
import { COLOR_STEPS, colorTable } from "./colors.js";

// See map_drawing.py for what these are and where they come from.
const UNDER_BRIGHTNESS = 0.45;
const DARKEST = 0.25;
const CONTRAST = 1.4;
const OPAQUE_FROM = 0.2;
const FULL_EFFECT_FROM = 0.1;
export const ALPHA = 0.65;

/**
 * The pixels of one map, RGBA.
 *
 * map: {values, rows, columns}. picture: RGBA of the same size as the result. options: {width, height, upper, style,
 * colors, alpha, cells, contour, signed}; style is {over_picture, exponent, smoothing} as Python stores it, colors a
 * name, contour a share of the range or 0.
 */
export function drawnMap(map, picture, options) {
  const { width, height, style } = options;
  const values = shares(smoothed(map, style.smoothing), options);
  const colored = style.over_picture ? overlaid(values, picture, options) : onBlack(values, options);
  if (options.contour > 0) drawContour(colored, values, width, height, options.contour);
  return colored;
}

/** The values of a map at each pixel as shares of the range, from 0 (or -1 where signed) to 1. */
function shares(map, { width, height, upper, style, cells, signed }) {
  const normal = new Float32Array(map.values.length);
  for (let i = 0; i < normal.length; i++) normal[i] = upper > 0 ? clipped(map.values[i] / upper, signed) : 0;
  const isWhole = !style.over_picture && height % map.rows === 0 && width % map.columns === 0;
  if (cells || isWhole) return repeated(normal, map.rows, map.columns, height, width);
  const resized = resizedPlane(normal, map.rows, map.columns, height, width);
  for (let i = 0; i < resized.length; i++) resized[i] = clipped(resized[i], signed);
  return resized;
}

/** A share within the range; 0 for what is no number. */
function clipped(value, signed) {
  if (value > 0) return value < 1 ? value : 1;
  if (!signed || value !== value) return 0;
  return value > -1 ? value : -1;
}

function overlaid(values, picture, { style, colors, alpha, signed }) {
  const result = new Uint8ClampedArray(picture.length);
  const [table, places] = [colorTable(signed ? "diverging" : colors), placesOf(style.exponent, signed)];
  const { grays, lights } = shadesOf(picture);
  let strongest = 0;
  for (let i = 0; i < values.length; i++) {
    if (values[i] > strongest) strongest = values[i];
    else if (-values[i] > strongest) strongest = -values[i];
  }
  const effect = Math.min(strongest / FULL_EFFECT_FROM, 1);
  const bare = 1 - effect;
  for (let i = 0, at = 0; i < values.length; i++, at += 4) {
    const strength = (values[i] < 0 ? -values[i] : values[i]) / OPAQUE_FROM;
    const share = strength < 1 ? strength : 1;
    const opacity = alpha * share * share * (3 - 2 * share);
    const place = places[((values[i] + 1) * SHARE_STEPS + 0.5) | 0];
    const dark = effect * UNDER_BRIGHTNESS * grays[i];
    const under = 1 - opacity;
    const color = opacity * lights[i];
    result[at] = (bare * picture[at] + dark) * under + color * table[place];
    result[at + 1] = (bare * picture[at + 1] + dark) * under + color * table[place + 1];
    result[at + 2] = (bare * picture[at + 2] + dark) * under + color * table[place + 2];
    result[at + 3] = 255;
  }
  return result;
}

function onBlack(values, { style, colors, signed }) {
  const result = new Uint8ClampedArray(4 * values.length);
  const [table, places] = [colorTable(signed ? "diverging" : colors), placesOf(style.exponent, signed)];
  for (let i = 0, at = 0; i < values.length; i++, at += 4) {
    const place = places[((values[i] + 1) * SHARE_STEPS + 0.5) | 0];
    for (let part = 0; part < 3; part++) result[at + part] = table[place + part];
    result[at + 3] = 255;
  }
  return result;
}

// Shares of a range are looked up in a table of so many steps for 1: powers are slow.
const SHARE_STEPS = 8192;

const tablesOfPlaces = new Map();

/** The place of the colour of each share from -1 to 1 in the table of colours. */
function placesOf(exponent, signed) {
  const key = `${exponent} ${Boolean(signed)}`;
  if (!tablesOfPlaces.has(key)) {
    const place = (share) => {
      const strength = Math.abs(share) ** exponent;
      return 3 * Math.round((signed ? 0.5 + 0.5 * Math.sign(share) * strength : share > 0 ? strength : 0) * COLOR_STEPS);
    };
    tablesOfPlaces.set(key, Int32Array.from({ length: 2 * SHARE_STEPS + 1 }, (_, i) => place(i / SHARE_STEPS - 1)));
  }
  return tablesOfPlaces.get(key);
}

const shades = new WeakMap();

/** How grey each pixel of a picture is, and how light a colour is over it. */
function shadesOf(picture) {
  if (!shades.has(picture)) {
    const grays = new Float32Array(picture.length / 4);
    for (let i = 0, at = 0; i < grays.length; i++, at += 4) {
      grays[i] = 0.299 * picture[at] + 0.587 * picture[at + 1] + 0.114 * picture[at + 2];
    }
    const lights = grays.map((gray) => DARKEST + (1 - DARKEST) * (gray / 255) ** CONTRAST);
    shades.set(picture, { grays, lights });
  }
  return shades.get(picture);
}

/** Draw a white line where the values cross a level. */
function drawContour(pixels, values, width, height, level) {
  const is = (x, y) => Math.abs(values[y * width + x]) >= level;
  for (let y = 1; y < height - 1; y++) {
    for (let x = 1; x < width - 1; x++) {
      if (!is(x, y) || (is(x - 1, y) && is(x + 1, y) && is(x, y - 1) && is(x, y + 1))) continue;
      pixels.fill(255, 4 * (y * width + x), 4 * (y * width + x) + 3);
    }
  }
}

/** A map as smooth as its style draws it: a Gaussian whose deviation is a share of the longer side. */
export function smoothed(map, share) {
  const deviation = share * Math.max(map.rows, map.columns);
  if (deviation < 0.3) return map;
  const reach = Math.ceil(3 * deviation);
  const weights = Array.from({ length: 2 * reach + 1 }, (_, i) => Math.exp(-0.5 * ((i - reach) / deviation) ** 2));
  const sum = weights.reduce((a, b) => a + b);
  const kernel = weights.map((weight) => weight / sum);
  const once = summed(map.values, map.rows, map.columns, kernel, map.columns, 1);
  return { ...map, values: summed(once, map.columns, map.rows, kernel, 1, map.columns) };
}

/** Sums of neighbours along an axis of this length, mirrored at the edges. */
function summed(values, length, others, kernel, stride, otherStride) {
  const result = new Float32Array(values.length);
  const reach = (kernel.length - 1) / 2;
  for (let other = 0; other < others; other++) {
    for (let place = 0; place < length; place++) {
      let total = 0;
      for (let k = 0; k < kernel.length; k++) {
        total += kernel[k] * values[other * otherStride + mirrored(place + k - reach, length) * stride];
      }
      result[other * otherStride + place * stride] = total;
    }
  }
  return result;
}

function mirrored(place, length) {
  const turn = ((place % (2 * length)) + 2 * length) % (2 * length);
  return turn < length ? turn : 2 * length - 1 - turn;
}

function repeated(values, rows, columns, height, width) {
  const result = new Float32Array(height * width);
  for (let y = 0; y < height; y++) {
    const row = Math.floor((y * rows) / height) * columns;
    for (let x = 0; x < width; x++) result[y * width + x] = values[row + Math.floor((x * columns) / width)];
  }
  return result;
}

/** A plane in another size: bicubic with aligned pixel centres, as Pillow's BICUBIC resizes. */
export function resizedPlane(values, rows, columns, height, width) {
  if (rows === height && columns === width) return Float32Array.from(values);
  const across = axisPlan(columns, width);
  const wide = new Float32Array(rows * width);
  for (let y = 0; y < rows; y++) {
    for (let x = 0; x < width; x++) {
      let total = 0;
      const first = across.starts[x];
      const weights = x * across.taps;
      for (let k = 0; k < across.counts[x]; k++) total += across.weights[weights + k] * values[y * columns + first + k];
      wide[y * width + x] = total;
    }
  }
  const down = axisPlan(rows, height);
  const result = new Float32Array(height * width);
  for (let y = 0; y < height; y++) {
    const weights = y * down.taps;
    for (let k = 0; k < down.counts[y]; k++) {
      const weight = down.weights[weights + k];
      const source = (down.starts[y] + k) * width;
      for (let x = 0, at = y * width; x < width; x++, at++) result[at] += weight * wide[source + x];
    }
  }
  return result;
}

const plans = new Map();

/** Which inputs, with which weights, make each output of an axis. */
function axisPlan(from, to) {
  const key = `${from} ${to}`;
  if (!plans.has(key)) plans.set(key, madePlan(from, to));
  return plans.get(key);
}

function madePlan(from, to) {
  const scale = from / to;
  const filterScale = Math.max(scale, 1);
  const support = 2 * filterScale;
  const taps = 2 * Math.ceil(support) + 1;
  const plan = { taps, starts: new Int32Array(to), counts: new Int32Array(to), weights: new Float64Array(to * taps) };
  for (let place = 0; place < to; place++) {
    const center = (place + 0.5) * scale;
    const first = Math.max(Math.trunc(center - support + 0.5), 0);
    const count = Math.min(Math.trunc(center + support + 0.5), from) - first;
    let sum = 0;
    for (let k = 0; k < count; k++) {
      const weight = bicubic((k + first - center + 0.5) / filterScale);
      plan.weights[place * taps + k] = weight;
      sum += weight;
    }
    for (let k = 0; k < count; k++) plan.weights[place * taps + k] /= sum;
    plan.starts[place] = first;
    plan.counts[place] = count;
  }
  return plan;
}

/** Keys's cubic convolution with a = -0.5, as in Pillow. */
function bicubic(x) {
  const distance = Math.abs(x);
  if (distance < 1) return (1.5 * distance - 2.5) * distance * distance + 1;
  return distance < 2 ? ((-0.5 * distance + 2.5) * distance - 4) * distance + 2 : 0;
}
