// Owned by the template: an update may change this file.
// @ts-check
/**
 * The contract of the service: what its views take and give, and where it is.
 *
 * @typedef {{[keyword: string]: any}} Schema  of JSON Schema 2020-12
 * @typedef {{name: string, required: boolean, schema: Schema}} Parameter
 * @typedef {{method: string, path: string, places: {[parameter: string]: string}}} Route
 * @typedef {{status: number, detail: string}} Failure
 *
 * @typedef {Object} Method
 * @property {string} name
 * @property {string} doc
 * @property {string} source  the file and the line
 * @property {Route[]} routes
 * @property {string[]} events
 * @property {Parameter[]} parameters
 * @property {boolean} rest  whether its events take any number of further arguments
 * @property {{statuses: string[], media: string, schema: Schema} | null} result
 * @property {Schema | null} ack  an array: the arguments of the ack
 * @property {Failure[]} errors
 *
 * @typedef {Object} View
 * @property {string} name
 * @property {string} doc
 * @property {string} source
 * @property {string} path
 * @property {string | null} namespace
 * @property {Schema | null} auth
 * @property {Method[]} methods
 * @property {{[event: string]: Schema} | null} sends  for each event an array: its arguments
 *
 * @typedef {Object} Contract
 * @property {string} title
 * @property {string} version
 * @property {string} description
 * @property {View[]} views
 * @property {{[name: string]: Schema}} schemas
 */

// A proxy may have put a prefix in front of everything: the page knows only where it stands itself.
const FOLDER = new URL("..", import.meta.url);
export const ROOT = new URL("..", FOLDER);

/** @type {Contract} */
export const contract = { title: "", version: "", description: "", views: [], schemas: {} };

/** Return the JSON of a file of the page; throws where there is none. @param {string} name */
export async function load(name) {
  const response = await fetch(new URL(name, FOLDER));
  if (!response.ok) throw new Error(`The service answers with ${response.status}.`);
  return response.json();
}

export async function loadContract() {
  Object.assign(contract, await load("contract.json"));
}

/** Return the views of a namespace, which share its connections. @param {string} namespace */
export function viewsIn(namespace) {
  return contract.views.filter((view) => view.namespace === namespace);
}
