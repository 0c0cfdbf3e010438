// Owned by the template: an update may change this file.
// @ts-check
/** The first screen: what this is, how busy it is, what to do next, and the views. */

import { contract, load } from "./contract.js";
import { $, code, element, span } from "./dom.js";

const EVERY = 1000;

/** What is known in development alone. @type {any} */
let about = null;
/** @type {({at: number, numbers: any}) | null} */
let before = null;

/** Draw what the contract says. */
export function showOverview() {
  $("service").textContent = about ? about.command.split(" ").at(-1) : contract.title;
  $("running").hidden = !about;
  const versions = Object.entries(about?.versions ?? {}).map((pair) => pair.join(" "));
  $("versions").textContent = about
    ? [`${about.environment}, ${about.mode} mode`, ...versions].join(" · ") : `Version ${contract.version}`;
  $("description").textContent = contract.description;
  $("views").replaceChildren(...contract.views.map((view) =>
    element("li", {}, element("a", { href: `#${encodeURIComponent(view.name)}` },
      element("strong", {}, view.name),
      code(view.path),
      span("quiet", view.doc.split("\n")[0])))));
  $("no-views").hidden = contract.views.length > 0;
  if (about) showAbout();
}

function showAbout() {
  $("next").hidden = false;
  $("numbers").hidden = false;
  $("edit").hidden = !about.edit;
  $("file").textContent = about.edit;
  $("at-once").hidden = !about.reloads;
  $("reload").hidden = about.reloads;
  $("run").textContent = `${about.command} run --reload`;
  $("new-view").textContent = `${about.command} new-view rooms`;
  $("links").hidden = !about.links.length;
  $("links").replaceChildren("Open ");
  about.links.forEach((/** @type {string} */ path, /** @type {number} */ at) => {
    const text = path === "/" ? "the page of this service" : path;
    $("links").append(at ? ", " : "", element("a", { href: path.slice(1) || "." }, text));
  });
}

/** Ask what runs here; in production, the service says nothing of it. */
export async function loadAbout() {
  about = await load("about.json");
}

/** Show how busy the service is, over and over. @param {() => Promise<void>} again  when it has been away */
export async function watch(again) {
  try {
    if (about && !document.hidden && !$("overview").hidden) {
      if (!$("away").hidden) await again();
      await showNumbers();
      $("away").hidden = true;
    } else before = null;
  } catch {
    before = null;
    $("away").hidden = false;
  }
  setTimeout(watch, EVERY, again);
}

async function showNumbers() {
  const numbers = await load("numbers.json");
  const at = performance.now();
  $("connections").textContent = String(numbers.connections);
  $("errors").textContent = String(numbers.errors);
  $("errors").classList.toggle("failing", numbers.errors > 0);
  if (before) {
    const seconds = (at - before.at) / 1000;
    for (const what of ["events", "requests"]) {
      const rate = (numbers[what] - before.numbers[what]) / seconds;
      $(what).textContent = rate < 10 ? rate.toFixed(1) : rate.toFixed(0);
    }
  }
  before = { at, numbers };
}
