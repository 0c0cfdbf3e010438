// Owned by the template: an update may change this file.
// @ts-check
/** One connection for each namespace, which stays open while one looks at other views. */

import { io } from "../../_client/socket.js";
import { ROOT } from "./contract.js";
import { token } from "./token.js";

/** @typedef {"off" | "connecting" | "on" | "waiting" | "refused"} State */
/** @typedef {({event: string, values: any[], at: Date})} Arrival */

/** How long a connection and an ack may take. */
const SECONDS = 8;
const KEPT = 200;

export class Connection extends EventTarget {
  /** @type {State} */
  state = "off";
  /** Why it is not connected: the problem of the service, or a sentence. @type {any} */
  reason = null;
  /** When the next attempt is, in the milliseconds of the clock. */
  until = 0;
  /** The `auth` that somebody has written, instead of the one with the token. @type {any} */
  auth = undefined;
  /** What the service sent, the last first. @type {Arrival[]} */
  arrivals = [];

  /** @param {string} namespace */
  constructor(namespace) {
    super();
    this.namespace = namespace;
    const path = new URL("socket.io", ROOT).pathname;
    const auth = (/** @type {(auth: object) => void} */ send) => send(this.whatItSays());
    this.socket = io(namespace, { path, auth, forceNew: true, autoConnect: false });
    this.socket.on("connect", () => this.#become("on"));
    this.socket.on("disconnect", (reason) => {
      if (this.state === "off") return;
      // After an end that the service wants, no attempt follows.
      if (this.socket.active) this.#become("waiting", "The connection was lost.");
      else this.#become("off", reason === "io server disconnect" ? "The service has ended the connection." : null);
    });
    this.socket.on("connect_error", (error) => {
      if (this.socket.active) this.#become("waiting", "The service does not answer.");
      else this.#become("refused", error.data ?? error.message);
    });
    this.socket.io.on("reconnect_wait", (delay) => {
      this.until = Date.now() + delay;
      this.#become("waiting", this.reason);
    });
    this.socket.io.on("reconnect_attempt", () => this.#become("connecting"));
    this.socket.onAny((event, ...values) => {
      // Of an event that wants an ack, the last one is the function for it.
      const data = values.filter((value) => typeof value !== "function");
      this.arrivals = [{ event, values: data, at: new Date() }, ...this.arrivals].slice(0, KEPT);
      this.dispatchEvent(new Event("arrival"));
    });
  }

  connect() {
    this.#become("connecting");
    this.socket.connect();
  }

  disconnect() {
    this.#become("off");
    this.socket.disconnect();
  }

  /**
   * Send an event, connected first; rejects with a sentence.
   * @type {(event: string, values: any[]) => Promise<{answer: any[], time: number}>}
   */
  async call(event, values) {
    await this.#ready();
    const start = performance.now();
    return new Promise((resolve, reject) => {
      const ack = (/** @type {Error | null} */ error, /** @type {any[]} */ ...answer) => {
        const isLate = error?.message === "operation has timed out";
        if (!error) resolve({ answer, time: performance.now() - start });
        else reject(new Error(isLate ? `No ack came within ${SECONDS} seconds.` : "The connection ended."));
      };
      this.socket.timeout(SECONDS * 1000).emit(event, ...values, ack);
    });
  }

  /** Return what the service hears of this client when it connects. */
  whatItSays() {
    if (this.auth !== undefined) return this.auth;
    return token() ? { token: token() } : {};
  }

  /** Wait until it is connected; rejects when it is refused, or after a while. @returns {Promise<void>} */
  #ready() {
    if (this.state === "off" || this.state === "refused") this.connect();
    return new Promise((resolve, reject) => {
      const settle = () => {
        if (this.state === "connecting" || this.state === "waiting") return;
        finish();
        if (this.state === "on") resolve();
        else if (this.state === "off") reject(new Error("The connection was ended."));
        else reject(new Error(`The connection was refused: ${this.reason?.detail ?? this.reason}`));
      };
      const timer = setTimeout(() => {
        finish();
        reject(new Error(`There was no connection within ${SECONDS} seconds.`));
      }, SECONDS * 1000);
      const finish = () => {
        clearTimeout(timer);
        this.removeEventListener("state", settle);
      };
      this.addEventListener("state", settle);
      settle();
    });
  }

  /** @type {(state: State, reason?: any) => void} */
  #become(state, reason = null) {
    this.state = state;
    this.reason = reason;
    this.dispatchEvent(new Event("state"));
  }
}

/** @type {Map<string, Connection>} */
const connections = new Map();

/** @param {string} namespace */
export function connectionOf(namespace) {
  const known = connections.get(namespace) ?? new Connection(namespace);
  connections.set(namespace, known);
  return known;
}
