// Owned by the template: an update may change this file.
// @ts-check
/**
 * Whether what came is what was promised.
 *
 * @typedef {import("./contract.js").Method} Method
 * @typedef {import("./contract.js").Schema} Schema
 * @typedef {{kind: "right" | "wrong" | "open", words: string}} Verdict
 * @typedef {{status: number, media: string, body: any}} Response
 */

import { contract, viewsIn } from "./contract.js";
import { check, difference, isObject } from "./schema.js";

const PROBLEM = "application/problem+json";

/** @type {(words?: string) => Verdict} */
const right = (words = "as promised") => ({ kind: "right", words });
/** @type {(words: string) => Verdict} */
const wrong = (words) => ({ kind: "wrong", words });
/** @type {(words: string) => Verdict} */
const open = (words) => ({ kind: "open", words });

/** @type {(schema: Schema, value: any) => Verdict} */
function judged(schema, value) {
  const [first, ...others] = check(schema, value);
  if (!first) return right();
  const more = others.length ? ` (and ${others.length} more)` : "";
  return wrong(`does not match: ${first.path ? `${first.path}: ` : ""}${first.reason}${more}`);
}

/** Return the media type alone. @param {string} text */
export const mediaOf = (text) => text.split(";")[0].trim().toLowerCase();

/** Return the failures of a method that its docstring need not name. @param {Method} method */
export const failuresOf = ({ errors, parameters }) =>
  parameters.length && !errors.some(({ status }) => status === 422)
    ? [...errors, { status: 422, detail: "an argument is missing or invalid" }] : errors;

/** @type {(method: Method, status: number, problem: any) => Verdict} */
function judgedProblem(method, status, problem) {
  const schema = Object.hasOwn(contract.schemas, "Problem") ? contract.schemas.Problem : {};
  const verdict = judged(schema, problem);
  if (verdict.kind === "wrong") return verdict;
  const isNamed = failuresOf(method).some((failure) => failure.status === status);
  return isNamed ? right("an error, as promised") : open("an error that the method does not name");
}

/** @type {(method: Method, response: Response) => Verdict} */
export function judgeResponse(method, { status, media, body }) {
  if (status >= 400) {
    return media === PROBLEM ? judgedProblem(method, status, body) : wrong(`does not match: the media type is ${media || "none"}, not ${PROBLEM}`);
  }
  if (!method.result) return open("not said");
  const { statuses, media: promised, schema } = method.result;
  if (!statuses.some((one) => one === String(status) || one === `${String(status)[0]}XX`)) {
    return wrong(`does not match: the status is ${status}, not ${statuses.join(" or ")}`);
  }
  if (status === 204) return right();
  if (promised !== "*/*" && mediaOf(promised) !== media) return wrong(`does not match: the media type is ${media || "none"}, not ${promised}`);
  return Object.keys(schema).length ? judged(schema, body) : open("not said what it is");
}

/** Return the problem in an ack, or nothing. @param {any[]} answer */
export const problemIn = (answer) =>
  answer.length === 1 && isObject(answer[0]) && isObject(answer[0].error) && typeof answer[0].error.status === "number" ? answer[0].error : null;

/** @type {(method: Method, answer: any[]) => Verdict} */
export function judgeAck(method, answer) {
  const problem = problemIn(answer);
  if (problem) return judgedProblem(method, problem.status, problem);
  return method.ack ? judged(method.ack, answer) : open("not said");
}

/** @type {(namespace: string, event: string, values: any[]) => Verdict} */
export function judgeArrival(namespace, event, values) {
  const views = viewsIn(namespace);
  const promised = views.find(({ sends }) => sends && Object.hasOwn(sends, event))?.sends?.[event];
  if (promised) return judged(promised, values);
  return views.some(({ sends }) => sends === null) ? open("not said") : wrong("not declared");
}

/** Say whether both ways gave the same. @type {(response: Response, answer: any[]) => Verdict} */
export function compare({ status, media, body }, answer) {
  const problem = problemIn(answer);
  if (status >= 400 && problem) {
    return problem.status === status ? right("both refuse it, with the same status") : wrong(`the request is refused with ${status}, the event with ${problem.status}`);
  }
  if (problem) return wrong(`the request is answered with ${status}, the event refused with ${problem.status}`);
  if (status >= 400) return wrong(`the request is refused with ${status}, the event answered`);
  const one = status === 204 ? null : body;
  const at = difference(one, answer.length ? answer[0] : null);
  if (at === null) return right("both answer the same");
  return open(media === "" && one === null ? "only the event answers something" : `they differ${at && `, first at ${at}`}`);
}
