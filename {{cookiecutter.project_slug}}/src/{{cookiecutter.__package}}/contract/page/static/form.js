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
 * @typedef {(full: Schema, value: any, change: Change, place: Place) => HTMLElement} Editor
 */

import { button, div, drawn, element, pretty, span } from "./dom.js";
import { check, choices, isObject, resolve, same, typeOf } from "./schema.js";

const DEEPEST = 5;
const LONG = 200;
const NUMBER = /^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$/;

/** A UUID of version 4; `crypto.randomUUID` is missing where the page comes by plain HTTP. */
function uuid() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 15) | 64;
  bytes[8] = (bytes[8] & 63) | 128;
  const digits = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
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
  if (depth > 2 * DEEPEST) return null;
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

/** Return an editor of a value. @type {Editor} */
function editor(schema, value, change, place) {
  return drawn(schema, () => {
    const full = resolve(schema);
    return editorOf(full, value, place.depth > DEEPEST)(full, value, change, place);
  });
}

/**
 * Choose an editor, by the value as well: somebody may have written another kind of it.
 * @type {(full: Schema, value: any, isDeep: boolean) => Editor}
 */
function editorOf(full, value, isDeep) {
  const isLike = (/** @type {string} */ type) => full.type === type && !check({ type }, value).length;
  if (Object.hasOwn(full, "const") && same(full.const, value)) return fixed;
  if (full.enum?.some((/** @type {unknown} */ one) => same(one, value))) return chosen;
  if (isLike("boolean")) return ticked;
  if (isLike("string")) return written;
  if (/^(integer|number)$/.test(full.type) && /^(string|number)$/.test(typeof value)) return counted;
  if (!isDeep && choices(full).length) return either;
  if (!isDeep && isLike("array") && (full.items || full.prefixItems)) return listed;
  if (!isDeep && isLike("object") && isObject(full.properties)) return fields;
  return (_, json, change, { label }) => area(json, change, label);
}

/** @type {Editor} */
function fixed(_, value, __, { label }) {
  return element("input", { value: JSON.stringify(value), readOnly: true, ariaLabel: label });
}

/** @type {Editor} */
function chosen({ enum: values }, value, change, { label }) {
  const onchange = () => change(values[select.selectedIndex]);
  const options = values.map((/** @type {unknown} */ one) =>
    element("option", {}, typeof one === "string" ? one : JSON.stringify(one)));
  const select = element("select", { ariaLabel: label, onchange }, ...options);
  select.selectedIndex = values.findIndex((/** @type {unknown} */ one) => same(one, value));
  return select;
}

/** @type {Editor} */
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
  const holder = div("holder");
  select.selectedIndex = Math.max(found, 0);
  draw(value);
  return div("either", select, holder);
}

/** @type {Editor} */
function ticked(_, value, change, { label }) {
  const onchange = () => change(box.checked);
  const box = element("input", { type: "checkbox", checked: value, ariaLabel: label, onchange });
  return box;
}

/** @type {Editor} */
function written({ format, maxLength = 0 }, value, change, { label }) {
  const isLong = maxLength > LONG || value.includes("\n");
  const input = element(isLong ? "textarea" : "input", { ariaLabel: label, oninput: () => change(input.value) });
  if (isLong) input.rows = 2;
  else input.type = format === "date" || format === "password" ? format : "text";
  Object.assign(input, { value, spellcheck: false, autocomplete: "off" });
  const make = MADE.get(format);
  if (!make || format === "date") return input;
  const onclick = () => {
    input.value = make();
    change(input.value);
  };
  const words = format === "uuid" ? "Generate" : "Now";
  return div("joined", input, button(words, onclick, { ariaLabel: `${words}: ${label}` }));
}

/** @type {Editor} */
function counted(_, value, change, { label }) {
  const oninput = () => {
    const text = input.value.trim();
    const number = Number(text);
    // JavaScript would change the last digits of a long one; the service also reads digits in a string.
    const isExact = NUMBER.test(text) && (Number.isSafeInteger(number) || !Number.isInteger(number));
    change(isExact ? number : input.value);
  };
  const look = { type: "text", inputMode: "decimal", autocomplete: "off" };
  const input = element("input", { ...look, value: String(value), ariaLabel: label, oninput });
  return input;
}

/** @type {Editor} */
function listed(full, value, change, place) {
  let items = value;
  const first = full.prefixItems ?? [];
  const schemaOf = (/** @type {number} */ at) => at < first.length ? first[at] : full.items;
  const set = (/** @type {any[]} */ next) => {
    items = next;
    change(items);
  };
  const draw = () => rows.replaceChildren(...items.map((/** @type {any} */ item, /** @type {number} */ at) => {
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
  const rows = element("ol", "items");
  const add = button("Add", onclick, { ariaLabel: `Add to ${place.label}` });
  draw();
  return element("div", { role: "group", ariaLabel: place.label }, rows, isObject(full.items) && add);
}

/** @type {Editor} */
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
      const holder = div("holder");
      const show = () => holder.replaceChildren(...(Object.hasOwn(held, name)
        ? [editor(schema, held[name], (part) => set(name, part), { label, depth: place.depth + 1 })] : []));
      const onchange = () => {
        // Who sends it wants something else than null.
        const begun = initial(schema) ?? initial(choices(resolve(schema))[0] ?? {});
        set(name, box.checked ? begun : undefined);
        show();
      };
      const checked = Object.hasOwn(held, name);
      const box = element("input", { type: "checkbox", checked, ariaLabel: `Send ${label}`, onchange });
      const isOptional = !isRequired || !box.checked;
      show();
      return div("field",
        element(isOptional ? "label" : "div", "leaf",
          isOptional && box, span("name", name), span("type", typeOf(schema))),
        holder);
    }));
}

/** JSON to edit; none is no value. @type {(value: any, change: Change, label: string) => HTMLElement} */
export function area(value, change, label) {
  const fault = element("p", { className: "fault", role: "alert" });
  const oninput = () => {
    try {
      change(input.value.trim() ? JSON.parse(input.value) : undefined);
      fault.textContent = "";
    } catch (error) {
      // It says where.
      fault.textContent = String(error);
    }
    input.ariaInvalid = String(Boolean(fault.textContent));
  };
  const text = pretty(value);
  const rows = Math.min(Math.max(text.split("\n").length, 2), 12);
  const look = { className: "code", rows, spellcheck: false };
  const input = element("textarea", { ...look, value: text, ariaLabel: `${label} as JSON`, oninput });
  return div("", input, fault);
}
