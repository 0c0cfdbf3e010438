// Owned by the template: an update may change this file.
// @ts-check
/**
 * Whether what came is what was promised.
 *
 * @typedef {import("./contract.js").Method} Method
 * @typedef {import("./contract.js").Schema} Schema
 * @typedef {({kind: "right" | "wrong" | "open", words: string})} Verdict
 * @typedef {({status: number, media: string, body: any})} Response
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

/** @type {(media: string, promised: string) => Verdict} */
const otherMedia = (media, promised) =>
  wrong(`does not match: the media type is ${media || "none"}, not ${promised}`);

/** @type {(method: Method, response: Response) => Verdict} */
export function judgeResponse(method, { status, media, body }) {
  if (status >= 400) {
    return media === PROBLEM ? judgedProblem(method, status, body) : otherMedia(media, PROBLEM);
  }
  if (!method.result) return open("not said");
  const { statuses, media: promised, schema } = method.result;
  if (!statuses.some((one) => one === String(status) || one === `${String(status)[0]}XX`)) {
    return wrong(`does not match: the status is ${status}, not ${statuses.join(" or ")}`);
  }
  if (status === 204) return right();
  if (promised !== "*/*" && mediaOf(promised) !== media) return otherMedia(media, promised);
  return Object.keys(schema).length ? judged(schema, body) : open("not said what it is");
}

/** Return the problem in an ack, or nothing. @param {any[]} answer */
export function problemIn(answer) {
  const error = answer.length === 1 && isObject(answer[0]) ? answer[0].error : null;
  return isObject(error) && typeof error.status === "number" ? error : null;
}

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
export function compare({ status, body }, answer) {
  const problem = problemIn(answer);
  if (status >= 400 || problem) {
    if (status === problem?.status) return right("both refuse it, with the same status");
    return wrong(`the request has the status ${status}, the event ${problem ? problem.status : "is answered"}`);
  }
  const at = difference(status === 204 ? null : body, answer.length ? answer[0] : null);
  return at === null ? right("both answer the same") : open(`they differ${at && `, first at ${at}`}`);
}
