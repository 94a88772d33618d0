// Elements of the page, made without HTML: what comes out of a file is only ever text.

/** A new element with attributes, listeners (names with "on") and children (elements or texts). */
export function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else if (key === "class") made.className = value;
    else if (key === "text") made.textContent = value;
    else if (value !== null && value !== undefined && value !== false) made.setAttribute(key, value === true ? "" : value);
  }
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

/** A button with a text or a sign, and a name for those who do not see it. */
export function button(text, name, press, attributes = {}) {
  return element("button", { type: "button", "aria-label": name, title: name, onclick: press, ...attributes }, text);
}

/** A labelled list to choose from: pairs of value and text. */
export function choice(label, pairs, value, change) {
  const select = element("select", { onchange: () => change(select.value), "aria-label": label });
  for (const [each, text] of pairs) select.append(element("option", { value: each, text }));
  select.value = value;
  return element("label", { class: "field" }, element("span", { text: label }), select);
}

/** A box to tick. */
export function tick(label, value, change) {
  const box = element("input", { type: "checkbox", onchange: () => change(box.checked) });
  box.checked = value;
  return element("label", { class: "tick" }, box, element("span", { text: label }));
}

/** A slider with its label. */
export function slider(label, value, [least, most, step], change) {
  const input = element("input", { type: "range", min: least, max: most, step, "aria-label": label });
  input.value = value;
  input.addEventListener("input", () => change(Number(input.value)));
  return element("label", { class: "field" }, element("span", { text: label }), input);
}
