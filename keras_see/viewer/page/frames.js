// Records of an event file: raw maps and single pictures, as runs/map_encoding.py writes them (docs/format.md).

export const FORMAT_VERSION = 1;

/** The header of a record and the bytes that follow it. */
export function parsedFrame(bytes) {
  const magic = String.fromCharCode(...bytes.subarray(0, 4));
  if (magic !== "see\n") throw new Error("these bytes are no record of keras_see");
  const length = new DataView(bytes.buffer, bytes.byteOffset).getUint32(4, true);
  const header = JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + length)));
  if (header.version > FORMAT_VERSION) throw new Error(`format ${header.version} is newer than this viewer`);
  return { header, body: bytes.subarray(8 + length) };
}

/** Maps as a list of {values, rows, columns}, or pictures as a list of image bitmaps, with `header`. */
export async function decodedFrame(bytes) {
  const { header, body } = parsedFrame(bytes);
  const entries = header.kind === "maps" ? mapsOf(header, await inflated(body)) : await picturesOf(header, body);
  return { header, entries };
}

async function inflated(body) {
  const stream = new Blob([body]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

function mapsOf(header, raw) {
  const [count, rows, columns] = header.shape;
  const each = rows * columns;
  const value = reader(header.encoding, raw);
  return Array.from({ length: count }, (_, number) => {
    const values = new Float32Array(each);
    for (let i = 0; i < each; i++) values[i] = header.scales[number] * value(number * each + i);
    return { values, rows, columns };
  });
}

function reader(encoding, raw) {
  if (encoding === "float16") {
    const codes = new Uint16Array(raw.buffer, raw.byteOffset, raw.byteLength / 2);
    const table = halves();
    return (i) => table[codes[i]];
  }
  const table = encoding === "signed8" ? byteTable((code) => (code - 128) / 127) : byteTable((code) => (code - 1) / 254);
  return (i) => table[raw[i]];
}

function byteTable(root) {
  return Float32Array.from({ length: 256 }, (_, code) => (code ? Math.sign(root(code)) * root(code) ** 2 : NaN));
}

let halfTable = null;

/** The values of all numbers of half precision, by their bits. */
function halves() {
  halfTable ??= Float32Array.from({ length: 65536 }, (_, bits) => {
    const [sign, exponent, fraction] = [bits >> 15 ? -1 : 1, (bits >> 10) & 31, bits & 1023];
    if (exponent === 31) return fraction ? NaN : sign * Infinity;
    return exponent ? sign * 2 ** (exponent - 15) * (1 + fraction / 1024) : (sign * 2 ** -14 * fraction) / 1024;
  });
  return halfTable;
}

async function picturesOf(header, body) {
  let start = 0;
  const blobs = header.lengths.map((length) => {
    start += length;
    return new Blob([body.subarray(start - length, start)]);
  });
  return Promise.all(blobs.map((blob) => createImageBitmap(blob)));
}
