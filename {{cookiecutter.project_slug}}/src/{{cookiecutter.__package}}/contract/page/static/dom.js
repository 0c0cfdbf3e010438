// Owned by the template: an update may change this file.
// @ts-check
/** Making elements. What comes from the service is text, and never HTML. */

/** @typedef {Node | string | null | undefined | false} Child */

/** @type {(id: string) => any} */
export const $ = (id) => document.getElementById(id);

/** @type {(tag: string, properties?: object | string, ...children: Child[]) => any}  a text is the class */
export function element(tag, properties = {}, ...children) {
  const own = typeof properties === "string" ? { className: properties } : properties;
  const made = Object.assign(document.createElement(tag), own);
  made.append(...children.filter((child) => child instanceof Node || typeof child === "string"));
  return made;
}

/** @type {(className: string, ...children: Child[]) => HTMLElement} */
export const div = (className, ...children) => element("div", className, ...children);
/** @type {(className: string, ...children: Child[]) => HTMLElement} */
export const span = (className, ...children) => element("span", className, ...children);
/** @param {string} words */
export const quiet = (words) => element("p", "quiet", words);

/** @type {(text: string, className?: string) => HTMLElement} */
export const code = (text, className = "") => element("code", { className }, text);

/** @type {(text: string, onclick: () => unknown, more?: object) => HTMLButtonElement} */
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
  return div("prose", ...paragraphs.map((paragraph) =>
    element("p", {}, ...paragraph.split(/`{1,2}([^`]+)`{1,2}/).map((part, at) => at % 2 ? code(part) : part))));
}

/** Tell those who cannot see what has changed. @param {string} text */
export function say(text) {
  $("said").textContent = text;
}

/** Draw, or show what about as JSON. @type {(about: unknown, draw: () => HTMLElement) => HTMLElement} */
export function drawn(about, draw) {
  try {
    return draw();
  } catch (error) {
    return div("undrawn", quiet(`This page cannot draw it (${error}):`), block(pretty(about), "As JSON"));
  }
}
