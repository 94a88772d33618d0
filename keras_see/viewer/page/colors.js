// Colour maps as tables of colours, the same as those of the Python side (visualization/colormaps.py) and two more.

// Each map at equal steps. inferno, magma, viridis: van der Walt and Smith 2015, CC0. turbo: Mikhailov 2019. cividis:
// Nuñez, Anderton and Renslow 2018, made for colour blindness. "diverging": blue below zero, orange above, dark at zero.
const ANCHORS = {
  inferno:
    "000004 0b0724 210c4a 3d0965 57106e 71196e 8a226a a32c61 bc3754 d24644 e45a31 f1731d f98e09 fcac11 f9cb35 f2ea69 fcffa4",
  magma:
    "000004 0a0822 1d1147 36106b 51127c 6a1c81 832681 9c2e7f b73779 d0416f e75263 f56b5c fc8961 fea772 fec488 fde2a3 fcfdbf",
  viridis:
    "440154 48186a 472d7b 424086 3b528b 33638d 2c728e 26828e 21918c 1fa088 28ae80 3fbc73 5ec962 84d44b addc30 d8e219 fde725",
  turbo:
    "30123b 4040a2 466be3 4294ff 28bceb 18ddc2 32f298 6dfe62 a4fc3c cdec34 eecf3a fdac34 fb7e21 eb500e d02f05 a91601 7a0403",
  gray: "000000 ffffff",
  cividis: "00224e 123570 3b496c 575d6d 707173 8a8678 a59c74 c3b369 e1cc55 fee838",
  diverging: "8fe0ff 3fa9ea 1b74b8 10446f 08090a 6f3a0a b8630f f09a2a ffd98a",
};

export const COLOR_STEPS = 4096;

const tables = new Map();

/** The colours of 0, 1/4096, ..., 1 as a Float32Array of red, green and blue from 0 to 255. */
export function colorTable(name) {
  if (!tables.has(name)) tables.set(name, interpolated(ANCHORS[name].split(" ").map(components)));
  return tables.get(name);
}

function interpolated(anchors) {
  const table = new Float32Array(3 * (COLOR_STEPS + 1));
  for (let step = 0; step <= COLOR_STEPS; step++) {
    const place = (step / COLOR_STEPS) * (anchors.length - 1);
    const low = Math.min(Math.floor(place), anchors.length - 2);
    for (let part = 0; part < 3; part++) {
      table[3 * step + part] = anchors[low][part] + (place - low) * (anchors[low + 1][part] - anchors[low][part]);
    }
  }
  return table;
}

function components(color) {
  return [0, 2, 4].map((start) => parseInt(color.slice(start, start + 2), 16));
}
