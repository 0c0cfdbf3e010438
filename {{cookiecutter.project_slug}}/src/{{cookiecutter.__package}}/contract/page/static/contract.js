// Owned by the template: an update may change this file.
// @ts-check
/**
 * The contract of the service: what its views take and give, and where it is. `source` is a file with
 * a line; `ack` and what a view `sends` are schemas of lists, of the arguments.
 *
 * @typedef {Record<string, any>} Schema  of JSON Schema 2020-12
 * @typedef {({name: string, required: boolean, schema: Schema})} Parameter
 * @typedef {({method: string, path: string, places: Record<string, string>})} Route
 * @typedef {({status: number, detail: string})} Failure
 * @typedef {({limit: string, amount: number, seconds: number, by: string, shared: boolean})} Limit
 *
 * @typedef {({statuses: string[], media: string, schema: Schema})} Result
 *
 * @typedef {({name: string, doc: string, source: string, routes: Route[], events: string[],
 *   parameters: Parameter[], rest: boolean, result: Result | null, ack: Schema | null, errors: Failure[],
 *   limits: Limit[]})} Method
 *
 * @typedef {({name: string, doc: string, source: string, path: string, namespace: string | null,
 *   auth: Schema | null, limits: Limit[], methods: Method[], sends: Record<string, Schema> | null})} View
 *
 * @typedef {({title: string, version: string, description: string, views: View[],
 *   schemas: Record<string, Schema>})} Contract
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
