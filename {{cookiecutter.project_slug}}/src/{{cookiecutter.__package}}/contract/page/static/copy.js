// Owned by the template: an update may change this file.
// @ts-check
/**
 * Copying: to the clipboard, and what the form holds as code that sends exactly that.
 *
 * @typedef {import("./request.js").Outgoing} Outgoing
 * @typedef {({namespace: string, event: string, values: any[], auth: any})} Emission
 */

import { ROOT } from "./contract.js";
import { button, element, say, span } from "./dom.js";

// ---- The clipboard ------------------------------------------------------------------------------

/** A button that copies a text. @type {(label: string, text: () => string, className?: string) => HTMLElement} */
export function copier(label, text, className = "") {
  const place = span("copier");
  const done = (/** @type {string} */ words) => {
    say(words);
    made.dataset.said = words;
    setTimeout(() => delete made.dataset.said, 1500);
  };
  const show = (/** @type {string} */ words) => {
    const shown = element("pre", { tabIndex: 0, role: "group", ariaLabel: "To copy" }, words);
    place.append(shown);
    getSelection()?.selectAllChildren(shown);
  };
  const onclick = async () => {
    for (const before of document.querySelectorAll(".copier pre")) before.remove();
    let words = "";
    try {
      words = text();
    } catch (error) {
      return show(String(error));
    }
    try {
      await navigator.clipboard.writeText(words);
      done("Copied");
    } catch {
      // The page may have come by plain HTTP, where there is no clipboard.
      show(words);
      done("Selected");
    }
  };
  const made = button(label, onclick, { className, title: "Copy" });
  place.append(made);
  return place;
}

// ---- Literals -----------------------------------------------------------------------------------

/** @type {Map<any, string>} */
const PYTHON = new Map([[true, "True"], [false, "False"], [null, "None"]]);

/** A value in Python: its strings have the same escapes as those of JSON. @type {(value: any) => string} */
function python(value) {
  if (PYTHON.has(value)) return PYTHON.get(value) ?? "";
  if (Array.isArray(value)) return `[${value.map(python).join(", ")}]`;
  if (typeof value !== "object") return JSON.stringify(value);
  return `{${Object.entries(value).map(([name, part]) => `${JSON.stringify(name)}: ${python(part)}`).join(", ")}}`;
}

/** A value in JavaScript, where a member `__proto__` needs brackets to be one. @type {(value: any) => string} */
function javascript(value) {
  if (Array.isArray(value)) return `[${value.map(javascript).join(", ")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const name = (/** @type {string} */ text) => text === "__proto__" ? '["__proto__"]' : JSON.stringify(text);
  return `{${Object.entries(value).map(([key, part]) => `${name(key)}: ${javascript(part)}`).join(", ")}}`;
}

/** A word of a shell. @param {string} text */
const quoted = (text) => /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;

// ---- Code ---------------------------------------------------------------------------------------

/** @type {Record<string, (outgoing: Outgoing) => string>} */
export const OF_REQUEST = {
  curl({ method, url, headers, body }) {
    const isPlain = method === "GET" && body === undefined;
    const parts = [
      `curl ${isPlain ? "" : `-X ${method} `}${quoted(url.href)}`,
      ...Object.entries(headers).map(([name, value]) => `-H ${quoted(`${name}: ${value}`)}`),
      ...(body === undefined ? [] : [`--data-raw ${quoted(JSON.stringify(body))}`]),
    ];
    return parts.join(" \\\n  ");
  },
  Python({ method, url, headers, body }) {
    const kind = url.protocol === "https:" ? "HTTPSConnection" : "HTTPConnection";
    const isSent = body !== undefined;
    return [
      "import http.client",
      ...(isSent ? ["import json"] : []),
      "",
      `connection = http.client.${kind}(${python(url.host)})`,
      "connection.request(",
      `    ${python(method)},`,
      `    ${python(url.pathname + url.search)},`,
      ...(isSent ? [`    body=json.dumps(${python(body)}),`] : []),
      `    headers=${python(headers)},`,
      ")",
      "response = connection.getresponse()",
      "print(response.status, response.read().decode())",
    ].join("\n");
  },
  JavaScript({ method, url, headers, body }) {
    return [
      `const response = await fetch(${javascript(url.href)}, {`,
      `  method: ${javascript(method)},`,
      `  headers: ${javascript(headers)},`,
      ...(body === undefined ? [] : [`  body: JSON.stringify(${javascript(body)}),`]),
      "});",
      "console.log(response.status, await response.text());",
    ].join("\n");
  },
};

/** @type {Record<string, (emission: Emission) => string>} */
export const OF_EVENT = {
  Python({ namespace, event, values, auth }) {
    const path = new URL("socket.io", ROOT).pathname.slice(1);
    const given = values.map((value) => `${python(value)},`).join(" ");
    return [
      "import socketio  # python-socketio[client]",
      "",
      "with socketio.SimpleClient() as client:",
      "    client.connect(",
      `        ${python(ROOT.origin)},`,
      `        namespace=${python(namespace)},`,
      `        socketio_path=${python(path)},`,
      `        auth=${python(auth)},`,
      "    )",
      `    print(client.call(${python(event)}, (${given}), timeout=8))`,
    ].join("\n");
  },
  JavaScript({ namespace, event, values, auth }) {
    return [
      'import { io } from "socket.io-client";',
      "",
      `const socket = io(${javascript(ROOT.origin + namespace)}, {`,
      `  path: ${javascript(new URL("socket.io", ROOT).pathname)},`,
      `  auth: ${javascript(auth)},`,
      "});",
      `console.log(await socket.timeout(8000).emitWithAck(${[event, ...values].map(javascript).join(", ")}));`,
      "socket.disconnect();",
    ].join("\n");
  },
};
