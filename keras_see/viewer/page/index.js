// What TensorBoard calls to show the tab.
import { start } from "./app.js";
import { ServerSource } from "./sources.js";

export async function render() {
  document.documentElement.lang = "en";
  const style = document.createElement("link");
  style.rel = "stylesheet";
  style.href = new URL("./style.css", import.meta.url).href;
  document.head.append(style);
  const root = document.createElement("div");
  document.body.append(root);
  await start(new ServerSource(new URL(".", import.meta.url).href.replace(/\/$/, "")), root);
}
