// What the page shows, kept in its address, so that a view can be sent to someone else.

export const DEFAULTS = {
  step: null,
  runs: null,
  hide: "",
  range: "run",
  colors: "inferno",
  opacity: 0.65,
  cells: false,
  signed: false,
  contour: 0,
  compare: "off",
  other: null,
  show: "all",
  sort: "given",
  pin: null,
  size: 0,
  speed: 4,
  curves: null,
  theme: "auto",
};

// TensorBoard keeps what belongs to a plugin under this prefix in its own address.
const PREFIX = "p.see.";

/** The state in the address: that of the page which embeds this one where there is one. */
export function readState() {
  const state = { ...DEFAULTS };
  for (const part of addressOf().slice(1).split("&")) {
    const [name, value] = part.split("=");
    const key = name.replace(PREFIX, "");
    if (value !== undefined && key in DEFAULTS) state[key] = parsed(DEFAULTS[key], key, decoded(value));
  }
  return state;
}

/** Write what differs from the defaults into the address, without a new entry in the history. */
export function writeState(state) {
  const pairs = Object.keys(DEFAULTS)
    .filter((key) => JSON.stringify(state[key]) !== JSON.stringify(DEFAULTS[key]))
    .map((key) => `${PREFIX}${key}=${encodeURIComponent(JSON.stringify(state[key]))}`);
  const first = addressOf().slice(1).split("&")[0];
  const page = first.includes("=") ? "" : first;
  try {
    owner().history.replaceState(owner().history.state, "", `#${[page, ...pairs].filter(Boolean).join("&")}`);
  } catch {
    // a page without an address of its own, as in a notebook
  }
}

function parsed(usual, key, text) {
  try {
    const value = JSON.parse(text);
    return usual === null || typeof value === typeof usual || key === "range" ? value : usual;
  } catch {
    return usual;
  }
}

function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return "";
  }
}

function addressOf() {
  try {
    return owner().location.hash || "#";
  } catch {
    return "#";
  }
}

/** The window whose address is the page's: the embedding one of the same origin, as TensorBoard's. */
function owner() {
  try {
    if (window.parent !== window && window.parent.location.origin === window.location.origin) {
      if (window.location.origin !== "null") return window.parent;
    }
  } catch {
    // an embedding page of another origin
  }
  return window;
}
