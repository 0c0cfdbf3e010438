// Owned by the template: an update may change this file.
// @ts-check
/**
 * What goes to the service for the arguments of a method, by either way.
 *
 * @typedef {import("./contract.js").Method} Method
 * @typedef {import("./contract.js").Route} Route
 * @typedef {Record<string, any>} Values  by the names of the parameters; further arguments as MORE
 * @typedef {({method: string, url: URL, headers: Record<string, string>, body: any})} Outgoing
 */

import { ROOT } from "./contract.js";
import { token } from "./token.js";

/** Where the further arguments of an event stand; no parameter has such a name. */
export const MORE = "*";

/** Return the URL of a path of the service. @param {string} path */
const urlOf = (path) => new URL(path.replace(/^\//, "./"), ROOT);

/** Return the request of a route; throws what no URL can say. @type {(route: Route, values: Values) => Outgoing} */
export function requestOf(route, values) {
  const at = (/** @type {string} */ place) => Object.keys(route.places).filter((name) => route.places[name] === place);
  const path = route.path.replace(/\{([^{}]+)\}/g, (_, name) => {
    const text = spelled(Object.hasOwn(values, name) ? values[name] : "");
    // Browsers take these for ways through folders.
    if (["", ".", ".."].includes(text)) throw new Error(`${name} is a part of the URL: it cannot be “${text}”.`);
    return encodeURIComponent(text);
  });
  const url = urlOf(path);
  for (const name of at("query")) {
    if (!Object.hasOwn(values, name)) continue;
    for (const value of [values[name]].flat()) if (value !== null) url.searchParams.append(name, spelled(value));
  }
  const [body] = at("body").filter((name) => Object.hasOwn(values, name)).map((name) => values[name]);
  /** @type {Record<string, string>} */
  const headers = {};
  if (token()) headers.Authorization = `Bearer ${token()}`;
  if (body !== undefined) headers["Content-Type"] = "application/json";
  return { method: route.method, url, headers, body };
}

/** @param {unknown} value */
const spelled = (value) => typeof value === "string" ? value : JSON.stringify(value);

/**
 * Return the arguments of an event. One that is left out before another is its default.
 * @type {(method: Method, values: Values) => any[]}
 */
export function argumentsOf({ parameters }, values) {
  const more = Object.hasOwn(values, MORE) ? [values[MORE]].flat() : [];
  const isGiven = (/** @type {import("./contract.js").Parameter} */ { name }) => Object.hasOwn(values, name);
  const count = more.length ? parameters.length : parameters.findLastIndex(isGiven) + 1;
  const given = parameters.slice(0, count).map((parameter) =>
    isGiven(parameter) ? values[parameter.name] : parameter.schema.default ?? null);
  return [...given, ...more];
}
