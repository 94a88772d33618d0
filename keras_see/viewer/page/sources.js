// Where the runs come from: TensorBoard's server, or the file that holds this page.

/** Runs that TensorBoard serves; `list` gives null where nothing has changed since the last call. */
export class ServerSource {
  constructor(base = ".") {
    this.base = base;
    this.known = "";
    this.isLive = true;
  }

  async list() {
    const response = await fetch(`${this.base}/runs?known=${encodeURIComponent(this.known)}`);
    if (!response.ok) throw new Error(`the server answered ${response.status}`);
    const answer = await response.json();
    if (answer.digest === this.known) return null;
    this.known = answer.digest;
    return answer;
  }

  /** The bytes of records of one tag, in the order of the steps. */
  async frames(run, tag, steps) {
    const query = new URLSearchParams({ run, tag, steps: steps.join(",") });
    const response = await fetch(`${this.base}/frames?${query}`);
    if (!response.ok) throw new Error(`the server answered ${response.status}`);
    return unpacked(new Uint8Array(await response.arrayBuffer()));
  }
}

/** Runs that lie in this page: one script element with the list, and one per tag with its records in base64. */
export class EmbeddedSource {
  constructor(document) {
    this.document = document;
    this.isLive = false;
    this.parts = new Map();
  }

  async list() {
    return JSON.parse(this.document.getElementById("see-runs").textContent);
  }

  async frames(run, tag, steps) {
    const key = `${run}\n${tag}`;
    if (!this.parts.has(key)) this.parts.set(key, this.part(run, tag));
    const found = this.parts.get(key);
    return steps.map((step) => bytesOf(found[step]));
  }

  part(run, tag) {
    const elements = [...this.document.querySelectorAll("script[data-run]")];
    const element = elements.find((each) => each.dataset.run === run && each.dataset.tag === tag);
    return JSON.parse(element.textContent);
  }
}

function bytesOf(text) {
  const characters = atob(text);
  const bytes = new Uint8Array(characters.length);
  for (let i = 0; i < bytes.length; i++) bytes[i] = characters.charCodeAt(i);
  return bytes;
}

/** Records out of one answer: each preceded by its length in four bytes, the lowest first. */
function unpacked(bytes) {
  const found = [];
  const view = new DataView(bytes.buffer);
  for (let at = 0; at < bytes.length; ) {
    const length = view.getUint32(at, true);
    found.push(bytes.slice(at + 4, at + 4 + length));
    at += 4 + length;
  }
  return found;
}
