// Owned by the template: an update may change this file.
// @ts-check
/** Schemas: in words, as a tree, and what a value has against one. */

import { contract } from "./contract.js";
import { code, drawn, element } from "./dom.js";

/** @typedef {import("./contract.js").Schema} Schema */
/** @typedef {{path: string, reason: string}} Mismatch */
/** @typedef {{name: string, schema: Schema, required?: boolean, place?: string}} Member */

const REF = /^#\/components\/schemas\/(.+)$/;
const FORMATS = new Map([
  ["uuid", /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/i],
  ["date", /^\d{4}-\d\d-\d\d$/],
  ["date-time", /^\d{4}-\d\d-\d\d[T ]\d\d:\d\d/],
]);
const ENOUGH = 20;

/** @type {(value: unknown) => value is {[name: string]: any}} */
export const isObject = (value) => typeof value === "object" && value !== null && !Array.isArray(value);

/** Return the name of what a schema refers to, or nothing. @type {(schema: Schema) => string} */
const nameOf = (schema) => REF.exec(schema?.$ref ?? "")?.[1] ?? "";

/** Return a schema with what it refers to, further keywords of its own included. @type {(schema: Schema | boolean, depth?: number) => Schema} */
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
const spelled = (number) =>
  Number.isSafeInteger(number) || !Number.isInteger(Math.log2(number)) ? number.toLocaleString("en") : `2^${Math.log2(number)}`;

/** @type {[string, (limit: any) => string][]} */
const RULES = [
  ["minimum", (limit) => `at least ${spelled(limit)}`],
  ["exclusiveMinimum", (limit) => `more than ${spelled(limit)}`],
  ["maximum", (limit) => `at most ${spelled(limit)}`],
  ["exclusiveMaximum", (limit) => `less than ${spelled(limit)}`],
  ["multipleOf", (limit) => `a multiple of ${limit}`],
  ["minLength", (limit) => `at least ${spelled(limit)} character${limit === 1 ? "" : "s"}`],
  ["maxLength", (limit) => `at most ${spelled(limit)} character${limit === 1 ? "" : "s"}`],
  ["minItems", (limit) => `at least ${spelled(limit)} in the list`],
  ["maxItems", (limit) => `at most ${spelled(limit)} in the list`],
  ["uniqueItems", () => "no two alike"],
];

/** Return the limits of a value, of the choices but null as well. @type {(schema: Schema) => string} */
function rulesOf(schema) {
  const full = resolve(schema);
  const own = RULES.filter(([keyword]) => Object.hasOwn(full, keyword) && !(keyword.endsWith("Items") && (full.prefixItems || full.maxItems === 0)))
    .map(([keyword, words]) => words(full[keyword]));
  const named = nameOf(schema) && full.enum ? [typeOf({ enum: full.enum })] : [];
  const inner = full.items && !full.prefixItems ? rulesOf(full.items) : "";
  const others = (full.anyOf ?? full.oneOf ?? []).map(rulesOf);
  return [...named, ...own, inner && `each ${inner}`, ...others].filter(Boolean).join("; ");
}

/** @type {(schema: Schema) => string} */
function patternOf(schema) {
  const full = resolve(schema);
  return full.pattern ?? (full.anyOf ?? full.oneOf ?? []).map(patternOf).find(Boolean) ?? "";
}

// ---- As a tree ----------------------------------------------------------------------------------

/** Return what there is to unfold. @type {(schema: Schema, depth?: number) => Member[]} */
function membersOf(schema, depth = 0) {
  const full = resolve(schema);
  if (depth > 5) return [];
  if (full.prefixItems) {
    return full.prefixItems.map((/** @type {Schema} */ item, /** @type {number} */ at) => ({ name: String(at + 1), schema: item }));
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
    const pattern = patternOf(schema);
    const rules = rulesOf(schema);
    const isOptional = required === false;
    const fallback = Object.hasOwn(full, "default") ? `, else ${JSON.stringify(full.default)}` : "";
    return element("li", {},
      element("div", { className: "leaf" },
        name && code(name, "name"), element("span", { className: "type" }, typeOf(schema)),
        place && element("span", { className: "place" }, place),
        isOptional && element("span", { className: "quiet" }, `optional${fallback}`)),
      rules && element("div", { className: "rules" }, rules),
      pattern && element("div", { className: "rules" }, "pattern ", code(pattern)),
      full.description && element("div", { className: "rules" }, full.description),
      nested(schema));
  });
}

/** What is inside is drawn when somebody looks: it may be without an end. @param {Schema} schema */
function nested(schema) {
  const members = membersOf(schema);
  if (!members.length) return null;
  const details = element("details", {}, element("summary", {}, `${members.length} ${members.length === 1 ? "member" : "members"}`));
  details.addEventListener("toggle", () => details.append(list(members)), { once: true });
  return details;
}

/** Draw members as a list to unfold. @param {Member[]} members */
export const list = (members) => element("ul", { className: "tree" }, ...members.map(leaf));

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

/** Return the path where two values differ, "" for the values themselves, or null. @type {(one: any, other: any, path?: string) => string | null} */
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

/** Return where a value is not what a schema says: nothing, if it is. @type {(schema: Schema | boolean, value: any, path?: string, depth?: number) => Mismatch[]} */
export function check(schema, value, path = "", depth = 0) {
  if (depth > 60) return [];
  if (schema === false) return [{ path, reason: "should not be there" }];
  const full = resolve(schema);
  /** @type {Mismatch[]} */
  const found = [];
  const blame = (/** @type {unknown} */ isRight, /** @type {string} */ reason) => { if (!isRight) found.push({ path, reason }); };
  const visit = (/** @type {Schema | boolean} */ part, /** @type {string | number} */ name) => {
    if (found.length < ENOUGH) found.push(...check(part, value[name], below(path, name), depth + 1));
  };
  const kind = kindOf(value);
  const types = full.type === undefined ? [] : [full.type].flat();
  if (types.length && !types.includes(kind) && !(kind === "integer" && types.includes("number"))) {
    return [{ path, reason: `is ${kind}, not ${types.join(" or ")}` }];
  }
  if (Object.hasOwn(full, "const")) blame(same(full.const, value), `is not ${JSON.stringify(full.const)}`);
  if (full.enum) blame(full.enum.some((/** @type {unknown} */ one) => same(one, value)), `is none of ${typeOf({ enum: full.enum })}`);
  if (full.not) blame(check(full.not, value, path, depth + 1).length, "is what it should not be");
  for (const part of full.allOf ?? []) found.push(...check(part, value, path, depth + 1));
  const several = full.anyOf ?? full.oneOf;
  if (several) {
    const tries = several.map((/** @type {Schema} */ part) => check(part, value, path, depth + 1));
    // Of those that do not fit, the one that came furthest says most.
    const deepest = tries.toSorted((/** @type {Mismatch[]} */ one, /** @type {Mismatch[]} */ other) =>
      (other[0]?.path.length ?? 0) - (one[0]?.path.length ?? 0))[0] ?? [];
    const isFlat = deepest[0]?.path === path;
    if (!tries.some((/** @type {Mismatch[]} */ one) => !one.length)) {
      found.push(...(isFlat ? [{ path, reason: `is not ${typeOf({ anyOf: several })}` }] : deepest));
    }
  }
  if (typeof value === "string") checkText(full, value, blame);
  if (typeof value === "number") checkNumber(full, value, blame);
  if (kind === "array") {
    blame(value.length >= (full.minItems ?? 0), `has ${value.length} items, not at least ${full.minItems}`);
    blame(value.length <= (full.maxItems ?? Infinity), `has ${value.length} items, not at most ${full.maxItems}`);
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

/** @type {(full: Schema, value: string, blame: (isRight: unknown, reason: string) => void) => void} */
function checkText({ minLength = 0, maxLength = Infinity, pattern, format }, value, blame) {
  const length = [...value].length;
  blame(length >= minLength, `has ${length} characters, not at least ${minLength}`);
  blame(length <= maxLength, `has ${length} characters, not at most ${maxLength}`);
  blame(FORMATS.get(format)?.test(value) ?? true, `is no ${format}`);
  blame(matches(pattern, value), `does not match ${pattern}`);
}

/** @type {(pattern: string | undefined, value: string) => boolean} */
function matches(pattern, value) {
  try {
    return pattern === undefined || new RegExp(pattern, "u").test(value);
  } catch {
    return true; // Python knows patterns that a browser does not.
  }
}

/** @type {(full: Schema, value: number, blame: (isRight: unknown, reason: string) => void) => void} */
function checkNumber(full, value, blame) {
  blame(value >= (full.minimum ?? -Infinity), `is less than ${full.minimum}`);
  blame(value <= (full.maximum ?? Infinity), `is more than ${full.maximum}`);
  blame(!(value <= full.exclusiveMinimum), `is not more than ${full.exclusiveMinimum}`);
  blame(!(value >= full.exclusiveMaximum), `is not less than ${full.exclusiveMaximum}`);
}
