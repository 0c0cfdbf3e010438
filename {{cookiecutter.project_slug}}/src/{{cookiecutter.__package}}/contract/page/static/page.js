// Owned by the template: an update may change this file.
// @ts-check
/** The page: it loads the contract, and draws the view that the address names. */

import { contract, loadContract } from "./contract.js";
import { copier } from "./copy.js";
import { $, code, div, drawn, element, prose, quiet, span } from "./dom.js";
import { showDock, startDock } from "./dock.js";
import { address, closeMenu, indexViews, showNav, startNav } from "./nav.js";
import { loadAbout, showOverview, watch } from "./overview.js";
import { failuresOf } from "./promise.js";
import { list, same, tree } from "./schema.js";
import { startToken } from "./token.js";
import { trying } from "./try.js";

/** @typedef {import("./contract.js").View} View */
/** @typedef {import("./contract.js").Method} Method */

const AGAIN = 1000;
/** What is drawn. @type {View | null} */
let drawnView = null;
/** Its parts, by their names. @type {Map<string, HTMLElement>} */
let parts = new Map();

/** @type {(title: string, ...children: any[]) => HTMLElement} */
const part = (title, ...children) => div("part", title && element("h3", {}, title), ...children);

/** The one argument, or all. @param {import("./contract.js").Schema} schema */
const alone = (schema) => schema.prefixItems?.length === 1 ? schema.prefixItems[0] : schema;

// ---- A view -------------------------------------------------------------------------------------

/** @type {(view: View) => HTMLElement} */
function header(view) {
  return element("header", "view",
    element("h1", { tabIndex: -1 }, view.name),
    copier(view.source, () => view.source, "source"),
    element("p", "ways",
      span("quiet", "HTTP"), code(view.path),
      ...(view.namespace === null ? [] : [span("quiet", "Socket.IO"), code(view.namespace)])),
    prose(view.doc));
}

/** @type {(view: View, method: Method) => HTMLElement} */
function card(view, method) {
  return element("article", { ariaLabel: method.name },
    div("head", element("h2", { tabIndex: -1 }, element("a", { href: address(view, method.name) }, method.name)),
      copier(method.source, () => method.source, "source")),
    element("ul", "ways",
      ...method.routes.map((route) => element("li", {},
        span(`verb ${route.method.toLowerCase()}`, route.method), code(route.path))),
      ...method.events.map((event) => element("li", {},
        span("verb event", "EVENT"), code(event)))),
    div("halves", div("said", prose(method.doc), takes(method), answers(method), failures(method), limited(method.limits)),
      drawn(method, () => trying(view, method))));
}

/** @param {Method} method */
function takes(method) {
  if (!method.parameters.length && !method.rest) return part("Takes", quiet("No arguments."));
  const places = method.routes[0]?.places ?? {};
  const members = method.parameters.map(({ name, required, schema }) =>
    ({ name, schema, required, place: Object.hasOwn(places, name) ? places[name] : "" }));
  return part("Takes", members.length > 0 && list(members), method.rest && quiet("Events take any number more."));
}

/** @param {Method} method */
function answers({ routes, events, result, ack }) {
  const acked = ack?.prefixItems ?? [];
  const statuses = !routes.length ? [] : result?.statuses ?? ["any status"];
  const isEmpty = statuses.join() === "204";
  // Most methods answer the same by either way.
  const isShared = routes.length > 0 && acked.length === 1 && same(acked[0], result?.schema);
  const line = (/** @type {string[]} */ names, /** @type {string} */ words) =>
    div("leaf", ...names.map((name) => element("strong", "good", name)), span("quiet", words));
  const ofRequest = !routes.length ? [] : [
    line(isShared ? [...statuses, "ack"] : statuses, !result ? "not said" : isEmpty ? "without a body" : result.media),
    result && !isEmpty && tree(result.schema)];
  const ofEvent = !events.length || isShared ? [] : [
    line(["ack"], !ack ? "not said" : acked.length || ack.items ? "" : "without arguments"),
    ack && acked.length > 0 && tree(alone(ack))];
  return part("Answers", ...ofRequest, ...ofEvent);
}

/** @param {Method} method */
function failures(method) {
  const all = failuresOf(method);
  if (!all.length) return "";
  return part("Can go wrong", element("ul", "tree", ...all.map(({ status, detail }) =>
    element("li", {}, div("leaf", element("strong", "bad", String(status)), span("detail", detail))))));
}

/** @param {import("./contract.js").Limit[]} limits */
function limited(limits) {
  /** @type {Map<string, string[]>} */
  const groups = new Map();
  for (const { limit, by, shared } of limits) {
    const whose = `${shared ? " for the whole view" : ""}, by ${by}`;
    groups.set(whose, [...groups.get(whose) ?? [], limit]);
  }
  const words = [...groups].map(([whose, texts]) => texts.join(" and ") + whose).join("; ");
  return words && quiet(`At most ${words}.`);
}

/** @param {View} view */
function sends({ sends }) {
  const all = Object.entries(sends ?? {});
  return element("article", { ariaLabel: "What it sends" },
    element("h2", { tabIndex: -1 }, "What it sends"),
    sends === null ? quiet("This view does not say what it sends.") : !all.length && quiet("Nothing."),
    ...all.map(([event, schema]) => drawn(schema, () =>
      part("", div("leaf", span("verb event", "EVENT"), code(event)), tree(alone(schema))))));
}

/** @param {View} view */
function connecting({ auth, limits }) {
  return element("article", { ariaLabel: "What connecting takes" },
    element("h2", { tabIndex: -1 }, "What connecting takes"),
    auth ? drawn(auth, () => tree(auth)) : quiet("This view does not say what it wants to know of who connects."),
    limited(limits));
}

/** @param {View} view */
function draw(view) {
  drawnView = view;
  parts = new Map([["", drawn(view, () => header(view))]]);
  for (const method of view.methods) parts.set(method.name, drawn(method, () => card(view, method)));
  if (view.namespace !== null) {
    parts.set("(sends)", drawn(view, () => sends(view)));
    parts.set("(auth)", drawn(view, () => connecting(view)));
  }
  $("view").replaceChildren(...parts.values());
}

// ---- The address --------------------------------------------------------------------------------

/** Return what the address names. @returns {({view: View | undefined, name: string})} */
function target() {
  const [name, inner = ""] = location.hash.slice(1).split(".").map((text) => {
    try {
      return decodeURIComponent(text);
    } catch {
      return text;
    }
  });
  return { view: contract.views.find((view) => view.name === name), name: inner };
}

/** @param {boolean} moves  whether somebody went there */
function show(moves) {
  const { view, name } = target();
  $("title").textContent = contract.title;
  $("overview").hidden = Boolean(view);
  $("view").hidden = !view;
  if (view && view !== drawnView) draw(view);
  showNav(view ? address(view, name) : "#");
  showDock(view?.namespace ?? null);
  const here = [view?.name, name].filter(Boolean).join(".");
  document.title = view ? `${here} · ${contract.title}` : $("service").parentElement.innerText;
  const found = view ? parts.get(name) ?? parts.get("") : $("overview");
  closeMenu();
  if (!moves && !name) return;
  if (name) found?.scrollIntoView();
  else scrollTo(0, 0);
  found?.querySelector("h1, h2")?.focus({ preventScroll: true });
}

// ---- The start ----------------------------------------------------------------------------------

async function refresh() {
  await loadContract();
  await loadAbout();
  drawnView = null;
  indexViews();
  showOverview();
}

async function start() {
  try {
    await refresh();
    $("loading").hidden = true;
    show(false);
    addEventListener("hashchange", () => show(true));
    // To where one is already, too, a link leads.
    addEventListener("click", ({ target }) => {
      const link = target instanceof Element && target.closest("a");
      if (link && link.hash && link.hash === location.hash) show(true);
    });
    watch(async () => {
      await refresh();
      show(false);
    });
  } catch (error) {
    $("loading").textContent = `The contract of the service does not load (${error}). This page tries again.`;
    setTimeout(start, AGAIN);
  }
}

$("skip").addEventListener("click", (/** @type {Event} */ event) => {
  event.preventDefault();
  $("main").focus();
});
startToken();
startNav();
startDock();
start();
