// Owned by the template: an update may change this file.
// @ts-check
/**
 * A form from a schema. Each editor shows one value, and tells with `change` what becomes of it. What
 * it cannot draw is JSON in a text area. It lets through what the schema forbids: the service answers.
 *
 * @typedef {import("./contract.js").Schema} Schema
 * @typedef {(value: any) => void} Change
 * @typedef {Object} Place
 * @property {string} label  for those who cannot see where it stands
 * @property {number} depth
 */

import { button, drawn, element, pretty } from "./dom.js";
import { check, choices, isObject, resolve, same, typeOf } from "./schema.js";

const DEEPEST = 5;
const LONG = 200;
const NUMBER = /^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$/;

/** A UUID of version 4; `crypto.randomUUID` is missing where the page comes by plain HTTP. */
function uuid() {
  const digits = [...crypto.getRandomValues(new Uint8Array(16))]
    .map((byte, at) => (at === 6 ? (byte & 15) | 64 : at === 8 ? (byte & 63) | 128 : byte).toString(16).padStart(2, "0"))
    .join("");
  return digits.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}

/** @type {Map<string, () => string>} */
const MADE = new Map([
  ["uuid", uuid],
  ["date", () => new Date().toISOString().slice(0, 10)],
  ["date-time", () => new Date().toISOString()],
]);

/** Return a value to begin with. @type {(schema: Schema, depth?: number) => any} */
export function initial(schema, depth = 0) {
  const full = resolve(schema);
  for (const keyword of ["default", "const"]) if (Object.hasOwn(full, keyword)) return full[keyword];
  const given = full.examples ?? full.enum;
  if (given?.length) return given[0];
  if (choices(full).length) return initial(choices(full)[0], depth + 1);
  if (full.type === "object" && depth <= DEEPEST) {
    const names = Object.keys(full.properties ?? {}).filter((name) => full.required?.includes(name));
    return Object.fromEntries(names.map((name) => [name, initial(full.properties[name], depth + 1)]));
  }
  if (full.type === "array") {
    return (full.prefixItems ?? []).map((/** @type {Schema} */ item) => initial(item, depth + 1));
  }
  if (full.type === "string") return MADE.get(full.format)?.() ?? "";
  if (full.type === "integer" || full.type === "number") return full.minimum ?? 0;
  return full.type === "boolean" ? false : full.type === "object" ? {} : null;
}

/** Return an editor of a value. @type {(schema: Schema, value: any, change: Change, place: Place) => HTMLElement} */
export function editor(schema, value, change, place) {
  return drawn(schema, () => {
    const full = resolve(schema);
    // What somebody else has written may be something else.
    const isLike = (/** @type {string} */ type) => full.type === type && !check({ type }, value).length;
    if (Object.hasOwn(full, "const") && same(full.const, value)) {
      return element("input", { value: JSON.stringify(full.const), readOnly: true, ariaLabel: place.label });
    }
    if (full.enum?.some((/** @type {unknown} */ one) => same(one, value))) return chosen(full.enum, value, change, place);
    if (choices(full).length && place.depth <= DEEPEST) return either(full, value, change, place);
    if (isLike("boolean")) return ticked(value, change, place);
    if (isLike("string")) return written(full, value, change, place);
    if (["integer", "number"].includes(full.type) && ["string", "number"].includes(typeof value)) return counted(value, change, place);
    if (place.depth <= DEEPEST && isLike("array") && (full.items || full.prefixItems)) return listed(full, value, change, place);
    if (place.depth <= DEEPEST && isLike("object") && isObject(full.properties)) return fields(full, value, change, place);
    return json(value, change, place.label);
  });
}

/** @type {(values: any[], value: any, change: Change, place: Place) => HTMLElement} */
function chosen(values, value, change, place) {
  const select = element("select", { ariaLabel: place.label, onchange: () => change(values[select.selectedIndex]) },
    ...values.map((one) => element("option", {}, typeof one === "string" ? one : JSON.stringify(one))));
  select.selectedIndex = values.findIndex((one) => same(one, value));
  return select;
}

/** @type {(full: Schema, value: any, change: Change, place: Place) => HTMLElement} */
function either(full, value, change, place) {
  const several = choices(full);
  const inner = { ...place, depth: place.depth + 1 };
  const found = several.findIndex((choice) => !check(choice, value).length);
  const draw = (/** @type {any} */ part) => {
    const choice = several[Math.max(select.selectedIndex, 0)];
    const isNull = choice.type === "null";
    holder.replaceChildren(...(isNull ? [] : [editor(choice, part, change, inner)]));
  };
  const onchange = () => {
    const part = initial(several[select.selectedIndex]);
    change(part);
    draw(part);
  };
  const select = element("select", { ariaLabel: `Kind of ${place.label}`, onchange },
    ...several.map((choice) => element("option", {}, typeOf(choice))));
  const holder = element("div", { className: "holder" });
  select.selectedIndex = Math.max(found, 0);
  draw(value);
  return element("div", { className: "either" }, select, holder);
}

/** @type {(value: boolean, change: Change, place: Place) => HTMLElement} */
function ticked(value, change, place) {
  const box = element("input", { type: "checkbox", checked: value, ariaLabel: place.label, onchange: () => change(box.checked) });
  return box;
}

/** @type {(full: Schema, value: string, change: Change, place: Place) => HTMLElement} */
function written({ format, maxLength = 0 }, value, change, place) {
  const isLong = maxLength > LONG || value.includes("\n");
  const input = element(isLong ? "textarea" : "input", { ariaLabel: place.label, oninput: () => change(input.value) });
  if (isLong) input.rows = 2;
  else input.type = format === "date" || format === "password" ? format : "text";
  Object.assign(input, { value, spellcheck: false, autocomplete: "off" });
  const make = MADE.get(format);
  if (!make || format === "date") return input;
  const onclick = () => {
    input.value = make();
    change(input.value);
  };
  return element("div", { className: "joined" }, input,
    button(format === "uuid" ? "Generate" : "Now", onclick, { ariaLabel: `${format === "uuid" ? "Generate" : "Now, for"} ${place.label}` }));
}

/** @type {(value: number | string, change: Change, place: Place) => HTMLElement} */
function counted(value, change, place) {
  const oninput = () => {
    const text = input.value.trim();
    const number = Number(text);
    // JavaScript would change the last digits of a long one; the service also reads digits in a string.
    const isExact = NUMBER.test(text) && (Number.isSafeInteger(number) || !Number.isInteger(number));
    change(isExact ? number : input.value);
  };
  const input = element("input", { type: "text", inputMode: "decimal", autocomplete: "off", value: String(value), ariaLabel: place.label, oninput });
  return input;
}

/** @type {(full: Schema, value: any[], change: Change, place: Place) => HTMLElement} */
function listed(full, value, change, place) {
  let items = value;
  const first = full.prefixItems ?? [];
  const schemaOf = (/** @type {number} */ at) => at < first.length ? first[at] : full.items;
  const set = (/** @type {any[]} */ next) => {
    items = next;
    change(items);
  };
  const draw = () => rows.replaceChildren(...items.map((item, at) => {
    const label = `${place.label}, ${at + 1}`;
    const replace = (/** @type {any} */ part) => set(items.with(at, part));
    const remove = () => {
      set(items.toSpliced(at, 1));
      draw();
      add.focus();
    };
    return element("li", {}, editor(schemaOf(at) ?? {}, item, replace, { label, depth: place.depth + 1 }),
      at >= first.length && button("Remove", remove, { ariaLabel: `Remove ${label}` }));
  }));
  const onclick = () => {
    set([...items, initial(schemaOf(items.length))]);
    draw();
    rows.lastElementChild.querySelector("input, select, textarea")?.focus();
  };
  const rows = element("ol", { className: "items" });
  const add = button("Add", onclick, { ariaLabel: `Add to ${place.label}` });
  draw();
  return element("div", { role: "group", ariaLabel: place.label }, rows, isObject(full.items) && add);
}

/** @type {(full: Schema, value: {[name: string]: any}, change: Change, place: Place) => HTMLElement} */
export function fields(full, value, change, place) {
  let held = value;
  const set = (/** @type {string} */ name, /** @type {any} */ part) => {
    const { [name]: before, ...others } = held;
    held = part === undefined ? others : { ...held, [name]: part };
    change(held);
  };
  return element("div", { className: "fields", role: "group", ariaLabel: place.label || "Arguments" },
    ...Object.entries(full.properties).map(([name, schema]) => {
      const label = place.label ? `${place.label}.${name}` : name;
      const isRequired = full.required?.includes(name);
      const holder = element("div", { className: "holder" });
      const show = () => holder.replaceChildren(...(Object.hasOwn(held, name)
        ? [editor(schema, held[name], (part) => set(name, part), { label, depth: place.depth + 1 })] : []));
      const onchange = () => {
        set(name, box.checked ? initial(schema) : undefined);
        show();
      };
      const box = element("input", { type: "checkbox", checked: Object.hasOwn(held, name), ariaLabel: `Send ${label}`, onchange });
      const isOptional = !isRequired || !box.checked;
      show();
      return element("div", { className: "field" },
        element(isOptional ? "label" : "div", { className: "leaf" }, isOptional && box,
          element("span", { className: "name" }, name), element("span", { className: "type" }, typeOf(schema))),
        holder);
    }));
}

/** A text area with JSON; an empty one is no value. @type {(value: any, change: Change, label: string) => HTMLElement} */
export function json(value, change, label) {
  const fault = element("p", { className: "fault", role: "alert" });
  const oninput = () => {
    try {
      change(area.value.trim() ? JSON.parse(area.value) : undefined);
      fault.textContent = "";
    } catch (error) {
      fault.textContent = error instanceof SyntaxError ? faultIn(area.value, error.message) : String(error);
    }
    area.ariaInvalid = String(Boolean(fault.textContent));
  };
  const text = pretty(value);
  const rows = Math.min(Math.max(text.split("\n").length, 2), 12);
  const area = element("textarea", { className: "code", value: text, rows, spellcheck: false, ariaLabel: `${label} as JSON`, oninput });
  return element("div", {}, area, fault);
}

/** Say where JSON is wrong, in lines, where the browser says it in characters. @type {(text: string, words: string) => string} */
function faultIn(text, words) {
  const at = /at position (\d+)(?! \(line)/.exec(words)?.[1];
  const lines = text.slice(0, Number(at)).split("\n");
  return at ? `${words} (line ${lines.length} column ${(lines.at(-1) ?? "").length + 1})` : words;
}
