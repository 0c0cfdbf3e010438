// Owned by the template: an update may change this file.
// The page of a service in development: what it answers, and how busy it is.

const EVERY = 1000;

/** @param {string} id */
const $ = (id) => /** @type {HTMLElement} */ (document.getElementById(id));

/** @type {(path: string) => Promise<any>} */
async function get(path) {
  const response = await fetch(`_welcome/${path}`);
  if (!response.ok) throw new Error(`The service answers with ${response.status}.`);
  return response.json();
}

/** @type {(table: string, rows: string[][]) => void} */
function fill(table, rows) {
  const body = /** @type {HTMLElement} */ ($(table).querySelector("tbody"));
  body.replaceChildren(
    ...rows.map((cells) => {
      const row = document.createElement("tr");
      row.append(
        ...cells.map((text) => Object.assign(document.createElement("td"), { textContent: text })),
      );
      return row;
    }),
  );
}

async function showService() {
  const about = await get("about");
  const name = about.command.split(" ").at(-1);
  document.title = `${name} is running`;
  $("service").textContent = name;
  const versions = Object.entries(about.versions).map((pair) => pair.join(" "));
  $("versions").textContent = [`${about.environment}, ${about.mode} mode`, ...versions].join(" · ");
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
    const link = Object.assign(document.createElement("a"), { href: path.slice(1) || ".", textContent: text });
    $("links").append(at ? ", " : "", link);
  });
  fill("routes", about.routes.map((/** @type {any} */ found) => [found.methods, found.path, found.method, found.place]));
  fill("handlers", about.events.map((/** @type {any} */ found) => [found.namespace, found.event, found.method, found.place]));
}

/** @type {({at: number, numbers: any}) | null} */
let before = null;

async function showNumbers() {
  const numbers = await get("numbers");
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

async function watch() {
  try {
    // A service that was away has been started again, and may answer something else now.
    if (!before) await showService();
    await showNumbers();
    $("state").hidden = true;
  } catch {
    before = null;
    $("state").textContent = "The service does not answer. This page continues as soon as it does.";
    $("state").hidden = false;
  }
  setTimeout(watch, EVERY);
}

watch();
