// Owned by the template: an update may change this file.
// @ts-check
/** Making elements. What comes from the service is text, and never HTML. */

/** @typedef {Node | string | null | undefined | false} Child */

/** @type {(id: string) => any} */
export const $ = (id) => document.getElementById(id);

/** @type {(tag: string, properties?: object, ...children: Child[]) => any} */
export function element(tag, properties = {}, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children.filter((child) => child instanceof Node || typeof child === "string"));
  return made;
}

/** @type {(text: string, className?: string) => HTMLElement} */
export const code = (text, className = "") => element("code", { className }, text);

/** A button that does nothing but what it is told. @type {(text: string, onclick: (event: MouseEvent) => unknown, more?: object) => HTMLButtonElement} */
export const button = (text, onclick, more = {}) =>
  element("button", { type: "button", onclick, ...more }, text);

/** A place for what is long; the keyboard can scroll it. @type {(text: string, label: string) => HTMLElement} */
export const block = (text, label) =>
  element("pre", { tabIndex: 0, role: "group", ariaLabel: label }, element("code", {}, text));

/** @param {unknown} value */
export const pretty = (value) => JSON.stringify(value, null, 2) ?? "";

/** A docstring: its paragraphs, with what stands in backticks as code. @param {string} text */
export function prose(text) {
  const paragraphs = text.split(/\n\s*\n/).filter(Boolean);
  return element("div", { className: "prose" }, ...paragraphs.map((paragraph) =>
    element("p", {}, ...paragraph.split(/`{1,2}([^`]+)`{1,2}/).map((part, at) => at % 2 ? code(part) : part))));
}

/** Tell those who cannot see what has changed. @param {string} text */
export function say(text) {
  $("said").textContent = text;
}

/** Draw a part; when that fails, show what it was about. @type {(about: unknown, draw: () => HTMLElement) => HTMLElement} */
export function drawn(about, draw) {
  try {
    return draw();
  } catch (error) {
    return element("div", { className: "undrawn" },
      element("p", { className: "quiet" }, `This page cannot draw it (${error}):`), block(pretty(about), "As JSON"));
  }
}
