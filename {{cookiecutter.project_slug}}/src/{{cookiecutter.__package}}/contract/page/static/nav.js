// Owned by the template: an update may change this file.
// @ts-check
/** The list of views, and the search in it. */

import { contract } from "./contract.js";
import { $, element, span } from "./dom.js";

/** @typedef {import("./contract.js").View} View */
/** @typedef {({href: string, text: string, kind: string, found: string})} Hit */

const MOST = 100;
/** @type {Hit[]} */
let index = [];
let here = "";

/** Return where a view is on this page, or a part of it. @type {(view: View, part?: string) => string} */
export const address = (view, part = "") => `#${[view.name, part].filter(Boolean).map(encodeURIComponent).join(".")}`;

/** @param {View} view @returns {Hit[]} */
function hitsOf(view) {
  const hit = (/** @type {string} */ part, /** @type {string} */ text, /** @type {string} */ kind) =>
    ({ href: address(view, part), text, kind, found: `${text} ${view.name}`.toLowerCase() });
  return [
    hit("", view.name, view.path),
    ...view.methods.flatMap((method) => [
      hit(method.name, method.name, view.name),
      ...method.routes.map((route) => hit(method.name, `${route.method} ${route.path}`, view.name)),
      ...method.events.map((event) => hit(method.name, event, `event of ${view.name}`)),
    ]),
    ...Object.keys(view.sends ?? {}).map((event) => hit("(sends)", event, `sent by ${view.name}`)),
  ];
}

/** Draw the list anew, with the address of what is on show. */
export function showNav(current = here) {
  here = current;
  /** @type {string[]} */
  const words = $("search").value.trim().toLowerCase().split(/\s+/).filter(Boolean);
  const found = words.length ? index.filter((hit) => words.every((word) => hit.found.includes(word))) : [];
  const items = words.length
    ? found.slice(0, MOST).map((hit) => link(hit.href, hit.text, hit.kind))
    : contract.views.flatMap((view) => [
      link(address(view), view.name, view.path),
      ...(here.split(".")[0] === address(view) ? [element("li", {}, element("ul", {}, ...view.methods.map((method) =>
        link(address(view, method.name), method.name, ways(method)))))] : []),
    ]);
  $("nav-list").replaceChildren(...items);
  $("found").textContent = words.length ? `${found.length || "Nothing"} found` : "";
}

/** @param {import("./contract.js").Method} method */
function ways({ routes, events }) {
  const verbs = new Set(routes.map(({ method }) => method));
  return [...verbs, ...(events.length ? ["event"] : [])].join(" ");
}

/** @type {(href: string, text: string, kind: string) => HTMLElement} */
function link(href, text, kind) {
  const made = element("a", { href }, span("", text), span("quiet", kind));
  if (href === here) made.ariaCurrent = "page";
  return element("li", {}, made);
}

export function indexViews() {
  index = contract.views.flatMap(hitsOf);
}

/** Hide the list where it lies above the page. */
export function closeMenu() {
  document.body.classList.remove("menu-open");
  $("menu").ariaExpanded = "false";
}

export function startNav() {
  $("search").addEventListener("input", () => showNav());
  $("menu").addEventListener("click", () => {
    $("menu").ariaExpanded = String(document.body.classList.toggle("menu-open"));
  });
  document.addEventListener("keydown", (event) => {
    const target = /** @type {HTMLElement} */ (event.target);
    if (event.key === "/" && !target.matches("input, textarea, select") && !event.ctrlKey && !event.metaKey) {
      event.preventDefault();
      document.body.classList.add("menu-open");
      $("search").focus();
    } else if ($("sidebar").contains(target)) move(event, target);
  });
}

/** @type {(event: KeyboardEvent, target: HTMLElement) => void} */
function move(event, target) {
  if (event.key === "Escape") {
    if ($("search").value) {
      $("search").value = "";
      showNav();
      $("search").focus();
    } else closeMenu();
    return;
  }
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  const stops = [$("search"), ...$("nav-list").querySelectorAll("a")];
  const at = stops.indexOf(target);
  if (!step || at < 0) return;
  event.preventDefault();
  stops[Math.min(Math.max(at + step, 0), stops.length - 1)].focus();
}
