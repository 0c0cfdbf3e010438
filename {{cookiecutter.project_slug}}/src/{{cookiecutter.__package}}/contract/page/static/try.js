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
import { block, button, element, pretty } from "./dom.js";
import { fields, initial, json } from "./form.js";
import { compare, judgeAck, judgeResponse, mediaOf, problemIn } from "./promise.js";
import { argumentsOf, MORE, requestOf } from "./request.js";
import { isObject } from "./schema.js";
import { useToken } from "./token.js";

const SHOWN_HEADERS = ["content-type", "location", "retry-after", "x-request-id"];
const LONGEST = 200_000;
const PATIENCE = 30_000;

/** @param {Verdict} verdict */
export const verdictLine = ({ kind, words }) => element("span", { className: `verdict ${kind}` }, words);

/** @type {(view: View, method: Method) => HTMLElement} */
export function trying(view, method) {
  const namespace = view.namespace ?? "/";
  const schema = schemaOf(method);
  /** @type {{[parameter: string]: any}} */
  let values = initial(schema);
  const form = element("div", { className: "form" });
  const raw = element("div");
  const fill = () => form.replaceChildren(fields(schema, values, (value) => {
    values = value;
    write();
  }, { label: "", depth: 0 }));
  const write = () => raw.replaceChildren(json(values, (value) => {
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
  const isReady = () => {
    const wrong = panel.querySelector("[aria-invalid=true]");
    wrong?.focus();
    return !wrong;
  };
  const request = () => sendRequest(method, () => requestOf(route.chosen(), values));
  const emission = () => sendEvent(namespace, method, event.chosen(), argumentsOf(method, values));
  const send = async (/** @type {(() => Promise<Result>)[]} */ ...ways) => {
    if (!isReady()) return;
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
      answers.prepend(element("p", { className: "agree" }, verdict ? verdictLine(verdict) : "There is nothing to compare."));
    }
    panel.ariaBusy = "false";
  };

  const { routes, events } = method;
  const ways = [
    ...(routes.length ? [{ label: "Send request", run: () => send(request) }] : []),
    ...(events.length ? [{ label: "Send event", run: () => send(emission) }] : []),
    ...(routes.length && events.length ? [{ label: "Try both", run: () => send(request, emission) }] : []),
  ];
  panel.addEventListener("submit", (/** @type {Event} */ submitted) => {
    submitted.preventDefault();
    ways[0]?.run();
  });
  const outgoing = () => requestOf(route.chosen(), values);
  const emitted = () => ({
    namespace, event: event.chosen(), values: argumentsOf(method, values), auth: connectionOf(namespace).whatItSays(),
  });
  const takesSomething = method.parameters.length > 0 || method.rest;
  panel.append(...[
    element("h3", {}, "Try it"), route.shown, event.shown,
    takesSomething ? form : element("p", { className: "quiet" }, "It takes no arguments."),
    takesSomething && element("details", { className: "raw" }, element("summary", {}, "Edit as JSON"), raw),
    element("div", { className: "buttons" }, ...ways.map(({ label, run }, at) => at
      ? button(label, run) : element("button", { type: "submit", className: "main" }, label))),
    routes.length > 0 && copies("Copy request as", OF_REQUEST, outgoing),
    events.length > 0 && copies("Copy event as", OF_EVENT, emitted),
    answers,
  ].filter((part) => part instanceof Node));
  return panel;
}

/** Buttons that copy what is sent, one for each language. @type {<T>(words: string, languages: {[name: string]: (sent: T) => string}, sent: () => T) => HTMLElement} */
const copies = (words, languages, sent) => element("div", { className: "copies" }, element("span", { className: "quiet" }, words),
  ...Object.entries(languages).map(([name, write]) => copier(name, () => write(sent()), "small")));

/** The parameters as one object. @param {Method} method @returns {Schema} */
function schemaOf({ parameters, rest }) {
  const known = parameters.map(({ name, schema }) => /** @type {[string, any]} */ ([name, schema]));
  const more = rest ? [/** @type {[string, any]} */ ([MORE, { type: "array", items: {}, title: "any number more" }])] : [];
  return {
    type: "object",
    properties: Object.fromEntries([...known, ...more]),
    required: parameters.filter(({ required }) => required).map(({ name }) => name),
  };
}

/** Let somebody choose where there is more than one. @type {<T>(label: string, all: T[], words: (one: T) => string) => {chosen: () => T, shown: HTMLElement | null}} */
function choice(label, all, words) {
  if (all.length < 2) return { chosen: () => all[0], shown: null };
  const select = element("select", { ariaLabel: label }, ...all.map((one) => element("option", {}, words(one))));
  return { chosen: () => all[select.selectedIndex], shown: select };
}

// ---- Sending ------------------------------------------------------------------------------------

/** @typedef {{shown: HTMLElement, response?: import("./promise.js").Response, answer?: any[]}} Result */

/** @type {(method: Method, outgoing: () => import("./request.js").Outgoing) => Promise<Result>} */
async function sendRequest(method, outgoing) {
  try {
    const { method: verb, url, headers, body } = outgoing();
    const start = performance.now();
    const response = await fetch(url, {
      method: verb, headers, body: body === undefined ? undefined : JSON.stringify(body), signal: AbortSignal.timeout(PATIENCE),
    });
    const text = await response.text();
    const time = performance.now() - start;
    const media = mediaOf(response.headers.get("content-type") ?? "");
    const found = { status: response.status, media, body: /[/+]json$/.test(media) ? JSON.parse(text) : text };
    const known = SHOWN_HEADERS.filter((name) => response.headers.has(name)).map((name) => `${name}: ${response.headers.get(name)}`);
    if (response.redirected) known.push(`redirected to: ${response.url}`);
    return {
      response: found,
      shown: result(`${response.status} ${response.statusText}`, response.ok, time, judgeResponse(method, found), [
        known.length && element("p", { className: "headers" }, known.join("\n")),
        text ? shownBody(found.body) : element("p", { className: "quiet" }, "Without a body."),
        isObject(found.body) && typeof found.body.token === "string" && tokenOffer(found.body.token),
      ], "Request"),
    };
  } catch (error) {
    return { shown: failed("Request", error) };
  }
}

/** @type {(namespace: string, method: Method, event: string, values: any[]) => Promise<Result>} */
async function sendEvent(namespace, method, event, values) {
  try {
    const { answer, time } = await connectionOf(namespace).call(event, values);
    const problem = problemIn(answer);
    return {
      answer,
      shown: result(problem ? `Refused with ${problem.status}` : "Acknowledged", !problem, time, judgeAck(method, answer),
        answer.length ? answer.map(shownBody) : [element("p", { className: "quiet" }, "Without arguments.")], "Event"),
    };
  } catch (error) {
    return { shown: failed("Event", error) };
  }
}

/** @type {(what: string, isGood: boolean, time: number, verdict: Verdict, parts: any[], way: string) => HTMLElement} */
function result(what, isGood, time, verdict, parts, way) {
  return element("section", { className: "answer", ariaLabel: way },
    element("div", { className: "outcome" },
      element("span", { className: "quiet" }, way),
      element("strong", { className: isGood ? "good" : "bad" }, what),
      element("span", { className: "quiet" }, `${time.toFixed(time < 10 ? 1 : 0)} ms`), verdictLine(verdict)),
    ...parts);
}

/** @type {(way: string, error: any) => HTMLElement} */
function failed(way, error) {
  const words = error.name === "TimeoutError" ? `No answer came within ${PATIENCE / 1000} seconds.`
    : error.message === "Failed to fetch" ? "The service does not answer." : error.message;
  return element("section", { className: "answer", ariaLabel: way },
    element("div", { className: "outcome" }, element("span", { className: "quiet" }, way), element("strong", { className: "bad" }, words)));
}

/** @param {any} body */
function shownBody(body) {
  const text = typeof body === "string" ? body : pretty(body);
  return block(text.length > LONGEST ? `${text.slice(0, LONGEST)}\n… and ${text.length - LONGEST} characters more` : text, "Answer");
}

/** @param {string} text */
function tokenOffer(text) {
  const offer = button("Use this token", () => {
    useToken(text);
    offer.textContent = "It is used from now on";
  }, { className: "main" });
  return offer;
}
