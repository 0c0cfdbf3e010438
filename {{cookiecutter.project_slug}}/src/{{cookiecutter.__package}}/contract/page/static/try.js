// Owned by the template: an update may change this file.
// @ts-check
/**
 * A place to try one method: the form, what is sent, and what comes back.
 *
 * @typedef {import("./contract.js").View} View
 * @typedef {import("./contract.js").Method} Method
 * @typedef {import("./contract.js").Schema} Schema
 * @typedef {import("./promise.js").Verdict} Verdict
 */

import { connectionOf } from "./connection.js";
import { copier, OF_EVENT, OF_REQUEST } from "./copy.js";
import { block, button, div, element, pretty, quiet, span } from "./dom.js";
import { area, fields, initial } from "./form.js";
import { compare, judgeAck, judgeResponse, mediaOf, problemIn } from "./promise.js";
import { argumentsOf, MORE, requestOf } from "./request.js";
import { isObject } from "./schema.js";
import { useToken } from "./token.js";

const SHOWN_HEADERS = ["content-type", "location", "retry-after", "x-request-id"];
const LONGEST = 200_000;
const PATIENCE = 30_000;

/** @param {Verdict} verdict */
export const verdictLine = ({ kind, words }) => span(`verdict ${kind}`, words);

/** @type {(view: View, method: Method) => HTMLElement} */
export function trying(view, method) {
  const namespace = view.namespace ?? "/";
  const schema = schemaOf(method);
  /** @type {Record<string, any>} */
  let values = initial(schema);
  const form = div("form");
  const raw = div("");
  const fill = () => form.replaceChildren(fields(schema, values, (value) => {
    values = value;
    write();
  }, { label: "", depth: 0 }));
  const write = () => raw.replaceChildren(area(values, (value) => {
    // Other than an object it is of no use; the service would not even get it.
    values = isObject(value) ? value : {};
    fill();
  }, "Arguments"));
  fill();
  write();

  const route = choice("Route", method.routes, ({ method: verb, path }) => `${verb} ${path}`);
  const event = choice("Event", method.events, (name) => name);
  const answers = element("div", { className: "answers", role: "status" });
  const panel = element("form", { className: "try", noValidate: true, ariaLabel: `Try ${method.name}` });
  const outgoing = () => requestOf(route.chosen(), values);
  const emission = () => ({
    namespace,
    event: event.chosen(),
    values: argumentsOf(method, values),
    auth: connectionOf(namespace).whatItSays(),
  });
  const request = () => sendRequest(method, outgoing);
  const emit = () => sendEvent(method, emission());
  const send = async (/** @type {(() => Promise<Result>)[]} */ ...ways) => {
    const wrong = panel.querySelector("[aria-invalid=true]");
    if (wrong) return wrong.focus();
    panel.ariaBusy = "true";
    /** @type {Result[]} */
    const results = [];
    for (const way of ways) {
      results.push(await way());
      answers.replaceChildren(...results.map(({ shown }) => shown));
    }
    const [one, other] = results;
    if (other) {
      const verdict = one.response && other.answer ? compare(one.response, other.answer) : null;
      const line = verdict ? verdictLine(verdict) : "There is nothing to compare.";
      answers.prepend(element("p", "agree", line));
    }
    panel.ariaBusy = "false";
  };

  const { routes, events } = method;
  const ways = [
    ...(routes.length ? [{ label: "Send request", run: () => send(request) }] : []),
    ...(events.length ? [{ label: "Send event", run: () => send(emit) }] : []),
    ...(routes.length && events.length ? [{ label: "Try both", run: () => send(request, emit) }] : []),
  ];
  panel.addEventListener("submit", (/** @type {Event} */ submitted) => {
    submitted.preventDefault();
    ways[0]?.run();
  });
  const takesSomething = method.parameters.length > 0 || method.rest;
  panel.append(...[
    element("h3", {}, "Try it"), route.shown, event.shown,
    takesSomething ? form : quiet("It takes no arguments."),
    takesSomething && element("details", "raw", element("summary", {}, "Edit as JSON"), raw),
    div("buttons", ...ways.map(({ label, run }, at) => at
      ? button(label, run) : element("button", { type: "submit", className: "main" }, label))),
    routes.length > 0 && copies("Copy request as", OF_REQUEST, outgoing),
    events.length > 0 && copies("Copy event as", OF_EVENT, emission),
    answers,
  ].filter((part) => part instanceof Node));
  return panel;
}

/**
 * Buttons that copy what is sent, one for each language.
 * @type {<T>(words: string, languages: Record<string, (sent: T) => string>, sent: () => T) => HTMLElement}
 */
const copies = (words, languages, sent) => div("copies", span("quiet", words),
  ...Object.entries(languages).map(([name, write]) => copier(name, () => write(sent()), "small")));

/** The parameters as one object. @param {Method} method @returns {Schema} */
function schemaOf({ parameters, rest }) {
  const all = rest ? [...parameters, { name: MORE, schema: { type: "array", items: {} } }] : parameters;
  return {
    type: "object",
    properties: Object.fromEntries(all.map(({ name, schema }) => [name, schema])),
    required: parameters.filter(({ required }) => required).map(({ name }) => name),
  };
}

/**
 * Let somebody choose where there is more than one.
 * @type {<T>(label: string, all: T[], words: (one: T) => string) => {chosen: () => T, shown: HTMLElement | null}}
 */
function choice(label, all, words) {
  if (all.length < 2) return { chosen: () => all[0], shown: null };
  const select = element("select", { ariaLabel: label }, ...all.map((one) => element("option", {}, words(one))));
  return { chosen: () => all[select.selectedIndex], shown: select };
}

// ---- Sending ------------------------------------------------------------------------------------

/** @typedef {({shown: HTMLElement, response?: import("./promise.js").Response, answer?: any[]})} Result */

/** @type {(method: Method, outgoing: () => import("./request.js").Outgoing) => Promise<Result>} */
async function sendRequest(method, outgoing) {
  try {
    const { method: verb, url, headers, body } = outgoing();
    const start = performance.now();
    const sent = body === undefined ? undefined : JSON.stringify(body);
    const signal = AbortSignal.timeout(PATIENCE);
    const response = await fetch(url, { method: verb, headers, body: sent, signal });
    const text = await response.text();
    const time = performance.now() - start;
    const media = mediaOf(response.headers.get("content-type") ?? "");
    const found = { status: response.status, media, body: bodyOf(media, text) };
    const known = SHOWN_HEADERS.filter((name) => response.headers.has(name))
      .map((name) => `${name}: ${response.headers.get(name)}`);
    if (response.redirected) known.push(`redirected to: ${response.url}`);
    return {
      response: found,
      shown: result("Request", `${response.status} ${response.statusText}`, response.ok, time,
        verdictLine(judgeResponse(method, found)),
        known.length > 0 && element("p", "headers", known.join("\n")),
        text ? shownBody(found.body) : quiet("Without a body."),
        isObject(found.body) && typeof found.body.token === "string" && tokenOffer(found.body.token)),
    };
  } catch (error) {
    return { shown: failed("Request", error) };
  }
}

/** The body as a value, or as the text that it is. @type {(media: string, text: string) => any} */
function bodyOf(media, text) {
  try {
    return /[/+]json$/.test(media) ? JSON.parse(text) : text;
  } catch {
    return text;
  }
}

/** @type {(method: Method, emission: import("./copy.js").Emission) => Promise<Result>} */
async function sendEvent(method, { namespace, event, values }) {
  try {
    const { answer, time } = await connectionOf(namespace).call(event, values);
    const problem = problemIn(answer);
    return {
      answer,
      shown: result("Event", problem ? `Refused with ${problem.status}` : "Acknowledged", !problem, time,
        verdictLine(judgeAck(method, answer)),
        ...(answer.length ? answer.map(shownBody) : [quiet("Without arguments.")])),
    };
  } catch (error) {
    return { shown: failed("Event", error) };
  }
}

/** @type {(way: string, what: string, isGood: boolean, time?: number, line?: any, ...parts: any[]) => HTMLElement} */
function result(way, what, isGood, time, line, ...parts) {
  return element("section", { className: "answer", ariaLabel: way },
    div("outcome",
      span("quiet", way),
      element("strong", isGood ? "good" : "bad", what),
      time !== undefined && span("quiet", `${time.toFixed(time < 10 ? 1 : 0)} ms`),
      line),
    ...parts);
}

/** @type {(way: string, error: any) => HTMLElement} */
function failed(way, { name, message }) {
  const words = name === "TimeoutError" ? `No answer came within ${PATIENCE / 1000} seconds.`
    : name === "TypeError" ? `The service does not answer, or the browser does not ask: ${message}.` : message;
  return result(way, words, false);
}

/** @param {any} body */
function shownBody(body) {
  const text = typeof body === "string" ? body : pretty(body);
  const rest = text.length - LONGEST;
  return block(rest > 0 ? `${text.slice(0, LONGEST)}\n… and ${rest} characters more` : text, "Answer");
}

/** @param {string} text */
function tokenOffer(text) {
  const offer = button("Use this token", () => {
    useToken(text);
    offer.textContent = "It is used from now on";
  }, { className: "main" });
  return offer;
}
