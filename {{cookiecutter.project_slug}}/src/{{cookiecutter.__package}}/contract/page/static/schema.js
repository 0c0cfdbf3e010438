// Owned by the template: an update may change this file.
// @ts-check
/** Schemas: in words, as a tree, and what a value has against one. */

import { contract } from "./contract.js";
import { code, div, drawn, element, span } from "./dom.js";

/** @typedef {import("./contract.js").Schema} Schema */
/** @typedef {({path: string, reason: string})} Mismatch */
/** @typedef {[string, (value: any, limit: any) => boolean, (limit: any) => string]} Limit */
/** @typedef {({name: string, schema: Schema, required?: boolean, place?: string})} Member */

const REF = /^#\/components\/schemas\/(.+)$/;
const FORMATS = new Map([
  ["uuid", /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/i],
  ["date", /^\d{4}-\d\d-\d\d$/],
  ["date-time", /^\d{4}-\d\d-\d\d[T ]\d\d:\d\d/],
]);
const ENOUGH = 20;

/** @type {(value: unknown) => value is Record<string, any>} */
export const isObject = (value) => typeof value === "object" && value !== null && !Array.isArray(value);

/** Return the name of what a schema refers to, or nothing. @type {(schema: Schema) => string} */
const nameOf = (schema) => REF.exec(schema?.$ref ?? "")?.[1] ?? "";

/** Return a schema with what it refers to. @type {(schema: Schema | boolean, depth?: number) => Schema} */
export function resolve(schema, depth = 0) {
  if (schema === false) return { not: {} };
  if (!isObject(schema)) return {};
  const { $ref, ...own } = schema;
  const name = nameOf(schema);
  // Without the end, what refers to itself alone would be followed for ever.
  if (name && depth < 20 && Object.hasOwn(contract.schemas, name)) {
    return { title: name, ...resolve(contract.schemas[name], depth + 1), ...own };
  }
  return own.allOf?.length === 1 ? { ...resolve(own.allOf[0], depth + 1), ...own } : own;
}

/** Return the schemas of which a value fits one. @type {(schema: Schema) => Schema[]} */
export function choices(schema) {
  const several = schema.anyOf ?? schema.oneOf;
  if (several) return several;
  return Array.isArray(schema.type) ? schema.type.map((type) => ({ ...schema, type })) : [];
}

// ---- In words -----------------------------------------------------------------------------------

/** Return the type in a few words. @type {(schema: Schema | boolean) => string} */
export function typeOf(schema) {
  if (!isObject(schema)) return schema === false ? "nothing" : "anything";
  const { $ref, ...own } = schema;
  if ($ref) return nameOf(schema) || String($ref);
  if (Object.hasOwn(own, "const")) return JSON.stringify(own.const);
  if (own.enum) return own.enum.map((/** @type {unknown} */ value) => JSON.stringify(value)).join(" | ");
  if (choices(own).length) return choices(own).map(typeOf).join(" or ");
  if (own.allOf) return own.allOf.map(typeOf).join(" and ");
  if (own.type === "array") {
    if (own.prefixItems) return `[${own.prefixItems.map(typeOf).join(", ")}]`;
    if (own.maxItems === 0) return "nothing";
    return isObject(own.items) ? `list of ${typeOf(own.items)}` : "list";
  }
  if (own.type === "object") {
    if (own.properties) return own.title ?? "object";
    return isObject(own.additionalProperties) ? `object of ${typeOf(own.additionalProperties)}` : "object";
  }
  return own.format ?? own.type ?? "anything";
}

/** @param {number} number */
const spelled = (number) => {
  const power = Math.log2(number);
  return !Number.isSafeInteger(number) && Number.isInteger(power) ? `2^${power}` : number.toLocaleString("en");
};
/** @type {(count: number, what: string) => string} */
const amount = (count, what) => `${spelled(count)} ${what}${count === 1 ? "" : "s"}`;

/** Limits by type: the keyword, whether a value keeps to it, and in words. @type {Record<string, Limit[]>} */
const LIMITS = {
  number: [
    ["minimum", (value, limit) => value >= limit, (limit) => `at least ${spelled(limit)}`],
    ["exclusiveMinimum", (value, limit) => value > limit, (limit) => `more than ${spelled(limit)}`],
    ["maximum", (value, limit) => value <= limit, (limit) => `at most ${spelled(limit)}`],
    ["exclusiveMaximum", (value, limit) => value < limit, (limit) => `less than ${spelled(limit)}`],
    ["multipleOf", (value, limit) => isWhole(value / limit), (limit) => `a multiple of ${limit}`],
  ],
  string: [
    ["minLength", (value, limit) => [...value].length >= limit, (limit) => `at least ${amount(limit, "character")}`],
    ["maxLength", (value, limit) => [...value].length <= limit, (limit) => `at most ${amount(limit, "character")}`],
    ["pattern", (value, limit) => isLike(value, limit), (limit) => `matching ${limit}`],
  ],
  array: [
    ["minItems", (value, limit) => value.length >= limit, (limit) => `at least ${amount(limit, "item")}`],
    ["maxItems", (value, limit) => value.length <= limit, (limit) => `at most ${amount(limit, "item")}`],
    ["uniqueItems", (value) => value.every(isFirst), () => "without a repetition"],
  ],
};

/** @param {number} number */
const isWhole = (number) => Math.abs(number - Math.round(number)) < 1e-9;
/** @type {(item: any, at: number, all: any[]) => boolean} */
const isFirst = (item, at, all) => all.findIndex((other) => same(item, other)) === at;

/** @type {(value: string, pattern: string) => boolean} */
function isLike(value, pattern) {
  try {
    return new RegExp(pattern, "u").test(value);
  } catch {
    return true; // Python knows patterns that a browser does not.
  }
}

/** Return the limits, also of items and choices. @type {(schema: Schema, depth?: number) => string[]} */
function limitsOf(schema, depth = 0) {
  if (depth > 5) return [];
  const full = resolve(schema);
  // The type of a list that is given item by item says how long it is.
  const isTuple = full.prefixItems || full.maxItems === 0;
  const own = Object.values(LIMITS).flat().filter(([keyword]) =>
    Object.hasOwn(full, keyword) && !(isTuple && keyword.endsWith("Items")));
  return [
    ...(nameOf(schema) && full.enum ? [typeOf({ enum: full.enum })] : []),
    ...own.map(([keyword, , words]) => words(full[keyword])),
    ...(isObject(full.items) ? limitsOf(full.items, depth + 1).map((words) => `each ${words}`) : []),
    ...choices(full).flatMap((choice) => limitsOf(choice, depth + 1)),
  ];
}

// ---- As a tree ----------------------------------------------------------------------------------

/** Return what there is to unfold. @type {(schema: Schema, depth?: number) => Member[]} */
function membersOf(schema, depth = 0) {
  const full = resolve(schema);
  if (depth > 5) return [];
  if (full.prefixItems) {
    return Object.values(full.prefixItems).map((item, at) => ({ name: String(at + 1), schema: item }));
  }
  if (full.type === "array") return membersOf(full.items, depth + 1);
  if (isObject(full.properties)) {
    return Object.entries(full.properties).map(([name, part]) =>
      ({ name, schema: part, required: Boolean(full.required?.includes(name)) }));
  }
  if (isObject(full.additionalProperties)) return membersOf(full.additionalProperties, depth + 1);
  const deep = [...choices(full), ...(full.allOf ?? [])].filter((choice) => membersOf(choice, depth + 1).length);
  if (deep.length === 1) return membersOf(deep[0], depth + 1);
  return deep.map((choice) => ({ name: typeOf(choice), schema: choice }));
}

/** Draw one line of a tree. @param {Member} member */
function leaf({ name, schema, required, place }) {
  return drawn(schema, () => {
    const full = resolve(schema);
    const limits = limitsOf(schema).join("; ");
    const fallback = Object.hasOwn(full, "default") ? `, else ${JSON.stringify(full.default)}` : "";
    return element("li", {},
      div("leaf", name && code(name, "name"), span("type", typeOf(schema)),
        place && span("place", place),
        required === false && span("quiet", `optional${fallback}`)),
      limits && div("rules", limits),
      full.description && div("rules", full.description),
      nested(schema));
  });
}

/** What is inside is drawn when somebody looks: it may be without an end. @param {Schema} schema */
function nested(schema) {
  const members = membersOf(schema);
  if (!members.length) return null;
  const details = element("details", {}, element("summary", {}, amount(members.length, "member")));
  details.addEventListener("toggle", () => details.append(list(members)), { once: true });
  return details;
}

/** Draw members as a list to unfold. @param {Member[]} members */
export const list = (members) => element("ul", "tree", ...members.map(leaf));

/** Draw one schema. @param {Schema} schema */
export const tree = (schema) => list([{ name: "", schema }]);

// ---- What a value has against it ------------------------------------------------------------------

/** @param {unknown} value */
function kindOf(value) {
  if (value === null) return "null";
  if (Array.isArray(value)) return "array";
  return typeof value === "number" && Number.isInteger(value) ? "integer" : typeof value;
}

/** @type {(one: unknown, other: unknown) => boolean} */
export const same = (one, other) => difference(one, other) === null;

/** Return the path where two values differ, or null. @type {(one: any, other: any, path?: string) => string | null} */
export function difference(one, other, path = "") {
  if (Object.is(one, other) || (one === 0 && other === 0)) return null;
  const kind = kindOf(one);
  if (kind !== kindOf(other) || (kind !== "array" && kind !== "object")) return path;
  for (const name of new Set([...Object.keys(one), ...Object.keys(other)])) {
    const at = below(path, name);
    if (!Object.hasOwn(one, name) || !Object.hasOwn(other, name)) return at;
    const found = difference(one[name], other[name], at);
    if (found !== null) return found;
  }
  return null;
}

/** @type {(path: string, name: string | number) => string} */
const below = (path, name) => path ? `${path}.${name}` : String(name);

/**
 * Return where a value is not what a schema says: nothing, if it is.
 * @type {(schema: Schema | boolean, value: any, path?: string, turns?: number) => Mismatch[]}
 */
export function check(schema, value, path = "", turns = 0) {
  // A schema may come back to itself without going deeper into the value.
  if (turns > 8) return [];
  if (schema === false) return [{ path, reason: "should not be there" }];
  const full = resolve(schema);
  /** @type {Mismatch[]} */
  const found = [];
  const blame = (/** @type {unknown} */ isRight, /** @type {string} */ reason) =>
    found.push(...(isRight ? [] : [{ path, reason }]));
  const visit = (/** @type {Schema | boolean} */ part, /** @type {string | number} */ name) => {
    if (found.length < ENOUGH) found.push(...check(part, value[name], below(path, name)));
  };
  const kind = kindOf(value);
  const types = full.type === undefined ? [] : [full.type].flat();
  if (types.length && !types.includes(kind) && !(kind === "integer" && types.includes("number"))) {
    return [{ path, reason: `is ${kind}, not ${types.join(" or ")}` }];
  }
  if (Object.hasOwn(full, "const")) blame(same(full.const, value), `is not ${JSON.stringify(full.const)}`);
  if (full.enum) {
    blame([...full.enum].some((one) => same(one, value)), `is none of ${typeOf({ enum: full.enum })}`);
  }
  if (full.not) blame(check(full.not, value, path, turns + 1).length, "is what it should not be");
  for (const part of full.allOf ?? []) found.push(...check(part, value, path, turns + 1));
  const several = full.anyOf ?? full.oneOf;
  if (several) {
    const tries = [...several].map((part) => check(part, value, path, turns + 1));
    if (tries.every(({ length }) => length)) {
      // Of those that do not fit, the one that came furthest says most.
      const [deepest] = tries.sort(([one], [other]) => other.path.length - one.path.length);
      found.push(...(deepest[0].path === path ? [{ path, reason: `is not ${typeOf({ anyOf: several })}` }] : deepest));
    }
  }
  for (const [keyword, isRight, words] of LIMITS[kind === "integer" ? "number" : kind] ?? []) {
    const limit = Object.hasOwn(full, keyword) ? full[keyword] : undefined;
    if (limit !== undefined && limit !== false) blame(isRight(value, limit), `is not ${words(limit)}`);
  }
  if (typeof value === "string") blame(FORMATS.get(full.format)?.test(value) ?? true, `is no ${full.format}`);
  if (kind === "array") {
    const first = full.prefixItems ?? [];
    for (const at of value.keys()) visit(at < first.length ? first[at] : full.items ?? true, at);
  }
  if (kind === "object") {
    for (const name of full.required ?? []) blame(Object.hasOwn(value, name), `has no ${name}`);
    const known = full.properties ?? {};
    for (const name of Object.keys(value)) {
      if (Object.hasOwn(known, name)) visit(known[name], name);
      else if (!full.patternProperties) visit(full.additionalProperties ?? true, name);
    }
  }
  return found.slice(0, ENOUGH);
}
