// Owned by the template: an update may change this file.
// @ts-check
/** The connection to the namespace of the view on show, and what arrives in it. */

import { connectionOf } from "./connection.js";
import { $, block, code, div, element, say } from "./dom.js";
import { area } from "./form.js";
import { judgeArrival } from "./promise.js";
import { isObject } from "./schema.js";
import { verdictLine } from "./try.js";

const WORDS = {
  off: "Not connected",
  connecting: "Connecting",
  on: "Connected",
  waiting: "Reconnecting",
  refused: "Refused",
};

/** @type {import("./connection.js").Connection | null} */
let shown = null;
let drawing = 0;

/** Show the connection of a namespace, or none. @param {string | null} namespace */
export function showDock(namespace) {
  shown?.removeEventListener("state", showState);
  shown?.removeEventListener("arrival", showSoon);
  shown = namespace === null ? null : connectionOf(namespace);
  $("dock").hidden = !shown;
  if (!shown) return;
  const connection = shown;
  $("namespace").textContent = namespace;
  $("auth").replaceChildren(area(connection.auth, (value) => (connection.auth = value), "auth"));
  connection.addEventListener("state", showState);
  connection.addEventListener("arrival", showSoon);
  showState();
  showArrivals();
}

export function startDock() {
  $("connect").addEventListener("click", () => {
    shown?.connect();
    unfold(true);
  });
  $("arrived").addEventListener("click", () => unfold($("dock-body").hidden));
  $("disconnect").addEventListener("click", () => shown?.disconnect());
  $("clear").addEventListener("click", () => {
    if (shown) shown.arrivals = [];
    showArrivals();
  });
  setInterval(showWait, 250);
}

/** @param {boolean} isOpen */
function unfold(isOpen) {
  $("dock-body").hidden = !isOpen;
  $("arrived").ariaExpanded = String(isOpen);
}

function showState() {
  if (!shown) return;
  const { state, reason } = shown;
  $("dock").dataset.state = state;
  $("connection").textContent = WORDS[state];
  $("connect").hidden = state !== "off" && state !== "refused";
  $("disconnect").hidden = !$("connect").hidden;
  $("reason").replaceChildren(isObject(reason) ? block(JSON.stringify(reason), "Why it was refused") : reason ?? "");
  $("reason").hidden = !reason;
  if (state === "refused") unfold(true);
  showWait();
}

function showWait() {
  const isWaiting = shown?.state === "waiting";
  const seconds = Math.max(0, Math.ceil(((shown?.until ?? 0) - Date.now()) / 1000));
  $("wait").textContent = isWaiting ? ` in ${seconds} s` : "";
}

/** @param {Date} at */
const timeOf = (at) => `${at.toTimeString().slice(0, 8)}.${String(at.getMilliseconds()).padStart(3, "0")}`;

/** Many may arrive before the page is drawn again. */
function showSoon() {
  if (!drawing) drawing = requestAnimationFrame(showArrivals);
  say(`${shown?.arrivals[0].event} arrived`);
}

function showArrivals() {
  drawing = 0;
  if (!shown) return;
  const { namespace, arrivals } = shown;
  $("count").textContent = String(arrivals.length);
  $("nothing").hidden = arrivals.length > 0;
  $("clear").hidden = !arrivals.length;
  $("arrivals").replaceChildren(...arrivals.map(({ event, values, at }) =>
    element("li", {},
      div("outcome", code(event), element("time", "quiet", timeOf(at)),
        verdictLine(judgeArrival(namespace, event, values))),
      element("pre", {}, values.map((value) => JSON.stringify(value)).join(", ")))));
}
