// Owned by the template: an update may change this file.
// @ts-check
/**
 * A Socket.IO client for pages. Its interface is that of the official client as far as a page needs
 * it, so that either can be imported where the other was.
 *
 * It speaks Engine.IO protocol 4 (https://github.com/socketio/engine.io-protocol) and Socket.IO
 * protocol 5 (https://github.com/socketio/socket.io-protocol). It connects by a websocket, and by
 * HTTP long-polling where a websocket does not get through; it begins with what has worked last, and
 * changes no open connection from one to the other. Namespaces of one server share a connection,
 * unless `forceNew` is set or the namespace is in use already.
 *
 * Left out: binary data (to emit it is an error, to get it ends the connection with "parse error"),
 * `retries`, `reconnectionAttempts`, `query`, `extraHeaders`, and recovery of the connection state.
 * Added: the event "reconnect_wait" of `socket.io`, with the milliseconds until the next attempt. An
 * error in a handler is reported as an uncaught one, and stops neither the other handlers nor the client.
 *
 * @typedef {(...values: any[]) => unknown} Handler
 *
 * @typedef {Object} Options
 * @property {string} [path]  where the server has Socket.IO; "/socket.io" by default
 * @property {object | ((send: (auth: object) => void) => void)} [auth]  what the server hears of this
 *   client when it connects, or a function that passes it on
 * @property {("websocket" | "polling")[]} [transports]  how to connect, the first choice first
 * @property {boolean} [forceNew]  whether to have a connection of its own
 * @property {boolean} [autoConnect]  whether to connect at once; true by default
 * @property {boolean} [reconnection]  whether to connect again by itself; true by default
 * @property {number} [reconnectionDelay]  milliseconds until the first attempt; doubled each time
 * @property {number} [reconnectionDelayMax]  the longest delay
 * @property {number} [randomizationFactor]  the share of the delay that chance adds or takes away
 * @property {number} [timeout]  milliseconds that an attempt to connect may take
 * @property {number} [ackTimeout]  milliseconds to wait for an ack; for ever by default
 */

const DEFAULTS = {
  path: "/socket.io",
  reconnection: true,
  reconnectionDelay: 1000,
  reconnectionDelayMax: 5000,
  randomizationFactor: 0.5,
  timeout: 20000,
};
// Types of Socket.IO packets.
const [CONNECT, DISCONNECT, EVENT, ACK, CONNECT_ERROR] = ["0", "1", "2", "3", "4"];
const RESERVED = ["connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener"];
const ANY = Symbol("any event");
// Between the packets that travel in one request; servers in Python take no more of them by default.
const SEPARATOR = "\x1e";
const PACKETS_PER_REQUEST = 16;

/** Call what others wrote. @type {(handler: Handler, ...values: any[]) => void} */
function call(handler, ...values) {
  try {
    handler(...values);
  } catch (error) {
    reportError(error);
  }
}

// ---- Handlers ---------------------------------------------------------------------------------

class Emitter {
  /** @type {Map<string | symbol, {handler: Handler, once: boolean}[]>} */
  #listeners = new Map();

  /** Call a handler whenever something happens. @type {(event: string | symbol, handler: Handler) => this} */
  on(event, handler) {
    return this.#set(event, [...this.#of(event), { handler, once: false }]);
  }

  /** Call a handler when something happens the next time. @type {(event: string, handler: Handler) => this} */
  once(event, handler) {
    return this.#set(event, [...this.#of(event), { handler, once: true }]);
  }

  /** Forget a handler, all of an event, or all. @type {(event?: string, handler?: Handler) => this} */
  off(event, handler) {
    if (event === undefined) this.#listeners.clear();
    else this.#set(event, this.#of(event).filter((other) => handler && other.handler !== handler));
    return this;
  }

  /** Call the handlers of an event. @type {(event: string | symbol, ...values: any[]) => void} */
  dispatch(event, ...values) {
    for (const listener of this.#of(event)) {
      if (listener.once) this.#set(event, this.#of(event).filter((other) => other !== listener));
      call(listener.handler, ...values);
    }
  }

  /** @param {string | symbol} event */
  #of(event) {
    return this.#listeners.get(event) ?? [];
  }

  /** @type {(event: string | symbol, listeners: {handler: Handler, once: boolean}[]) => this} */
  #set(event, listeners) {
    this.#listeners.set(event, listeners);
    return this;
  }
}

// ---- Engine.IO: one connection ----------------------------------------------------------------

/**
 * What a connection tells its owner.
 * @typedef {Object} Owner
 * @property {() => void} opened
 * @property {(text: string) => void} message  may throw where the text is malformed
 * @property {(reason: string, error?: unknown) => void} ended  the last call; without `opened`, the only one
 */

/** A connection over one transport, which opens at most once and ends once. */
class Connection {
  url = "";
  patience = 0;
  sid = "";
  maxPayload = Infinity;
  ended = false;
  #timer = 0;

  /**
   * @param {string} url
   * @param {number} patience  milliseconds that may pass without a packet; later the server says how many
   * @param {Owner} owner
   */
  constructor(url, patience, owner) {
    Object.assign(this, { url, patience });
    this.owner = owner;
  }

  open() {
    this.#watch();
    try {
      this.start();
    } catch (error) {
      this.end("transport error", error);
    }
  }

  /** @type {(reason: string, error?: unknown) => void} */
  end(reason, error) {
    if (this.ended) return;
    this.ended = true;
    clearTimeout(this.#timer);
    this.stop(reason);
    this.owner.ended(reason, error);
  }

  /** Take a packet, whatever it is. @param {unknown} packet */
  receive(packet) {
    if (this.ended) return;
    try {
      this.#take(packet);
    } catch (error) {
      this.end("parse error", error);
    }
    this.#watch();
  }

  /** @param {unknown} packet */
  #take(packet) {
    if (typeof packet !== "string") throw new TypeError("The server sent binary data; use the official client.");
    const [type, data] = [packet[0], packet.slice(1)];
    if (type === "0" && !this.sid) this.#open(JSON.parse(data));
    else if (type === "1") this.end("transport close");
    else if (type === "2") this.send("3");
    else if (type === "4" && this.sid) this.owner.message(data);
    else if (type !== "6") throw new SyntaxError(`No packet of Engine.IO: ${packet.slice(0, 80)}`);
  }

  /** @param {any} handshake  what the server says first */
  #open({ sid, pingInterval, pingTimeout, maxPayload = Infinity }) {
    if (!sid || !(pingInterval + pingTimeout > 0)) throw new SyntaxError("No handshake of Engine.IO 4");
    Object.assign(this, { sid, maxPayload, patience: pingInterval + pingTimeout });
    this.owner.opened();
  }

  /** The server pings; a silent one is gone, and so is one that does not greet. */
  #watch() {
    clearTimeout(this.#timer);
    if (this.ended) return;
    this.#timer = setTimeout(() => this.end(this.sid ? "ping timeout" : "timeout"), this.patience);
  }

  // What each transport has of its own.
  /** Whether what is sent now would have to wait. */
  get busy() {
    return false;
  }
  start() {}
  /** @param {string} _packet */
  send(_packet) {}
  /** @param {string} _reason */
  stop(_reason) {}
}

class WebSocketConnection extends Connection {
  /** @type {WebSocket | null} */
  #socket = null;

  get busy() {
    return Boolean(this.#socket?.bufferedAmount);
  }

  start() {
    const socket = new WebSocket(this.url.replace(/^http/, "ws"));
    socket.binaryType = "arraybuffer";
    socket.onmessage = ({ data }) => this.receive(data);
    socket.onerror = () => this.end("transport error");
    socket.onclose = () => this.end("transport close");
    this.#socket = socket;
  }

  /** @param {string} packet */
  send(packet) {
    this.#socket?.send(packet);
  }

  stop() {
    this.#socket?.close();
  }
}

class PollingConnection extends Connection {
  /** @type {string[]} */
  #queue = [];
  #posting = false;
  #aborter = new AbortController();

  get busy() {
    return this.#posting;
  }

  async start() {
    try {
      while (!this.ended) {
        const packets = await this.#request({ signal: this.#aborter.signal });
        if (!packets) throw new Error("The server has ended the connection.");
        for (const packet of packets.split(SEPARATOR)) this.receive(packet);
      }
    } catch (error) {
      this.end("transport error", error);
    }
  }

  /** @param {string} packet */
  async send(packet) {
    this.#queue.push(packet);
    if (this.#posting) return;
    this.#posting = true;
    try {
      await null; // What is sent in one go travels together.
      while (this.#queue.length) await this.#request({ method: "POST", body: this.#next() });
    } catch (error) {
      this.end("transport error", error);
    }
    this.#posting = false;
  }

  /** @param {string} reason */
  stop(reason) {
    this.#aborter.abort();
    if (reason !== "forced close") this.#queue = [];
    else if (this.sid) this.send("1");
  }

  /** Take as much from the queue as one request may hold. */
  #next() {
    let [count, size] = [0, 0];
    for (const packet of this.#queue.slice(0, PACKETS_PER_REQUEST)) {
      size += new Blob([packet, SEPARATOR]).size;
      if (count && size > this.maxPayload) break;
      count += 1;
    }
    return this.#queue.splice(0, count).join(SEPARATOR);
  }

  /** @param {RequestInit} init */
  async #request(init) {
    const response = await fetch(this.url + (this.sid && `&sid=${this.sid}`), { cache: "no-store", ...init });
    if (!response.ok) throw new Error(`The server answered with the status ${response.status}.`);
    return response.text();
  }
}

const TRANSPORTS = { websocket: WebSocketConnection, polling: PollingConnection };

// ---- Socket.IO: namespaces over a connection ---------------------------------------------------

/**
 * @typedef {Object} Packet
 * @property {string} type
 * @property {string} namespace
 * @property {number | undefined} id  by which an ack belongs to an event
 * @property {any} data
 */

/** @type {(type: string, namespace: string, data?: unknown, id?: number) => string} */
function encode(type, namespace, data, id) {
  const json = JSON.stringify(data, (_, value) => {
    if (value instanceof ArrayBuffer || ArrayBuffer.isView(value) || value instanceof Blob) {
      throw new TypeError("This client sends no binary data. Encode it as text, or use the official client.");
    }
    return value;
  });
  return type + (namespace === "/" ? "" : `${namespace},`) + (id ?? "") + (json ?? "");
}

/** Read a packet. Throws what JSON.parse throws, or a SyntaxError. @type {(text: string) => Packet} */
function decode(text) {
  const [, type = "", namespace = "/", id, json] = /^([0-4])(?:(\/[^,]*),?)?(\d+)?(.*)$/s.exec(text) ?? [];
  const data = json ? JSON.parse(json) : undefined;
  const isRight = {
    [CONNECT]: () => typeof data?.sid === "string",
    [DISCONNECT]: () => data === undefined,
    [EVENT]: () => Array.isArray(data) && typeof data[0] === "string" && !RESERVED.includes(data[0]),
    [ACK]: () => Array.isArray(data) && id !== undefined,
    [CONNECT_ERROR]: () => typeof (data?.message ?? data) === "string",
  }[type];
  if (!isRight?.()) throw new SyntaxError(`No packet of Socket.IO: ${text.slice(0, 80)}`);
  return { type, namespace, id: id === undefined ? undefined : Number(id), data };
}

/** What the namespaces of one server share: a connection, and the attempts to have one. */
class Manager extends Emitter {
  /** @type {Map<string, Socket>} */
  sockets = new Map();
  /** @type {Connection | null} */
  connection = null;
  #timer = 0;
  #attempts = 0;

  /** @param {string} origin @param {Options} options */
  constructor(origin, options) {
    super();
    this.options = { ...DEFAULTS, ...options };
    this.url = `${origin.replace(/^ws/, "http")}${this.options.path.replace(/\/$/, "")}/?EIO=4&transport=`;
    this.transports = options.transports ?? ["websocket", "polling"];
  }

  /** Connect, unless there is a connection or the time of the next attempt is set. */
  open() {
    if (!this.connection && !this.#timer) this.#try(this.transports);
  }

  /** Go, when nobody stays. */
  release() {
    if (this.#active.length) return;
    clearTimeout(this.#timer);
    const connection = this.connection;
    this.connection = null;
    this.#timer = this.#attempts = 0;
    connection?.end("forced close");
  }

  /** @param {string} packet */
  send(packet) {
    this.connection?.send(`4${packet}`);
  }

  get #active() {
    return [...this.sockets.values()].filter(({ active }) => active);
  }

  /** @param {("websocket" | "polling")[]} transports */
  #try([name, ...others]) {
    const connection = new TRANSPORTS[name](this.url + name, this.options.timeout / this.transports.length, {
      opened: () => this.#opened(),
      message: (text) => {
        // Not before: what opens is not what works, where each request finds another server.
        this.#prefer(name);
        const packet = decode(text);
        this.sockets.get(packet.namespace)?.receive(packet);
      },
      ended: (reason, error) => {
        if (connection !== this.connection) return;
        if (connection.sid) this.#closed(reason, error);
        else if (others.length) this.#try(others);
        else this.#failed(new Error(reason === "timeout" ? reason : `${name} error`, { cause: error }));
      },
    });
    this.connection = connection;
    connection.open();
  }

  /** @param {"websocket" | "polling"} name */
  #prefer(name) {
    if (this.transports[0] !== name) this.transports = [name, ...this.transports.filter((other) => other !== name)];
  }

  #opened() {
    const attempt = this.#attempts;
    this.#attempts = 0;
    for (const socket of this.#active) socket.greet();
    this.dispatch("open");
    if (attempt) this.dispatch("reconnect", attempt);
  }

  /** @type {(reason: string, error?: unknown) => void} */
  #closed(reason, error) {
    this.connection = null;
    for (const socket of this.#active) socket.closed(reason, error);
    this.dispatch("close", reason, error);
    this.#reconnect();
  }

  /** @param {Error} error */
  #failed(error) {
    const attempt = this.#attempts;
    this.connection = null;
    for (const socket of this.#active) socket.dispatch("connect_error", error);
    this.dispatch("error", error);
    this.#reconnect();
    if (attempt) this.dispatch("reconnect_error", error);
  }

  /** Set the time of the next attempt, unless a handler has begun one or nobody needs it any more. */
  #reconnect() {
    const { reconnection, reconnectionDelay, reconnectionDelayMax, randomizationFactor } = this.options;
    if (!reconnection || this.connection || this.#timer || !this.#active.length) return;
    const delay = Math.min(reconnectionDelay * 2 ** this.#attempts, reconnectionDelayMax);
    // Those who lost one server come back apart, also when they all wait for the longest time.
    const spread = delay * (1 + randomizationFactor * (2 * Math.random() - 1));
    this.#timer = setTimeout(() => {
      this.#timer = 0;
      this.#attempts += 1;
      this.dispatch("reconnect_attempt", this.#attempts);
      if (this.#active.length) this.open();
    }, spread);
    this.dispatch("reconnect_wait", spread);
  }
}

/** A client in a namespace. */
export class Socket extends Emitter {
  connected = false;
  /** Whether it is connected, or connects by itself as soon as it can. */
  active = false;
  /** @type {string | undefined} */
  id = undefined;
  /** @type {({timeout?: number, volatile?: boolean})} */
  #flags = {};
  #ids = 0;
  /** @type {Map<number, {settle: Handler, timer: number}>} */
  #acks = new Map();
  /** What waits for the connection. @type {({packet: string, id?: number})[]} */
  #buffer = [];

  /** @param {Manager} manager @param {string} namespace @param {Options} options */
  constructor(manager, namespace, { auth, ackTimeout }) {
    super();
    this.io = manager;
    this.nsp = namespace;
    this.auth = auth;
    this.ackTimeout = ackTimeout;
  }

  connect() {
    const isOpen = Boolean(this.io.connection?.sid);
    const isGreeted = this.active && isOpen;
    this.active = true;
    if (!isOpen) this.io.open();
    else if (!isGreeted) this.greet();
    return this;
  }

  disconnect() {
    const wasConnected = this.connected;
    if (wasConnected) this.io.send(encode(DISCONNECT, this.nsp));
    this.#leave();
    if (wasConnected) this.closed("io client disconnect");
    return this;
  }

  close() {
    return this.disconnect();
  }

  /** For the next emit: how long to wait for its ack. @param {number} milliseconds */
  timeout(milliseconds) {
    this.#flags.timeout = milliseconds;
    return this;
  }

  /** For the next emit: not worth keeping when it cannot be sent at once. */
  get volatile() {
    this.#flags.volatile = true;
    return this;
  }

  /**
   * Send an event, as soon as there is a connection. The last argument may be a function for the ack;
   * where there is a time-out, its first argument is an error or null.
   * @type {(event: string, ...values: any[]) => this}
   */
  emit(event, ...values) {
    const ack = typeof values.at(-1) === "function" ? values.pop() : undefined;
    const hearsErrors = (this.#flags.timeout ?? this.ackTimeout) !== undefined;
    /** @type {Handler} */
    const withoutError = (error, ...answer) => error ?? ack(...answer);
    this.#emit(event, values, ack && !hearsErrors ? withoutError : ack);
    return this;
  }

  /**
   * Send an event and return the ack's first argument. Rejects when the connection or the time is over.
   * @type {(event: string, ...values: any[]) => Promise<any>}
   */
  emitWithAck(event, ...values) {
    return new Promise((resolve, reject) => {
      this.#emit(event, values, (error, answer) => (error ? reject(error) : resolve(answer)));
    });
  }

  /** Call a handler with every event of the server and its name. @param {Handler} handler */
  onAny(handler) {
    return this.on(ANY, handler);
  }

  /** Ask the server to be let into the namespace. */
  greet() {
    const { auth, io: { connection } } = this;
    const send = (/** @type {object | undefined} */ data) => {
      // A function may take its time.
      if (this.active && connection === this.io.connection) this.io.send(encode(CONNECT, this.nsp, data));
    };
    if (typeof auth === "function") call(/** @type {Handler} */ (auth), send);
    else send(auth);
  }

  /** @param {Packet} packet */
  receive({ type, id, data }) {
    if (!this.active) return;
    if (type === CONNECT) this.#connected(data.sid);
    else if (type === EVENT) this.#happened(id, data);
    else if (type === ACK) this.#settle(Number(id), null, ...data);
    else {
      this.#leave();
      if (type === DISCONNECT) this.closed("io server disconnect");
      else this.dispatch("connect_error", Object.assign(new Error(data.message ?? data), { data: data.data }));
    }
  }

  /** @type {(reason: string, error?: unknown) => void} */
  closed(reason, error) {
    this.connected = false;
    this.id = undefined;
    // What handlers emit from here on waits, and is not lost.
    const lost = [...this.#acks.keys()].filter((id) => !this.#buffer.some((kept) => kept.id === id));
    this.dispatch("disconnect", reason, error);
    for (const id of lost) this.#settle(id, new Error("socket has been disconnected"));
  }

  /** @param {string} id */
  #connected(id) {
    this.id = id;
    this.connected = true;
    for (const { packet } of this.#buffer.splice(0)) this.io.send(packet);
    this.dispatch("connect");
  }

  #leave() {
    this.active = false;
    this.io.release();
  }

  /** @type {(id: number | undefined, data: [string, ...any[]]) => void} */
  #happened(id, [event, ...values]) {
    let isAnswered = id === undefined;
    const ack = (/** @type {any[]} */ ...answer) => {
      if (!isAnswered && this.connected) this.io.send(encode(ACK, this.nsp, answer, id));
      isAnswered = true;
    };
    if (!isAnswered) values.push(ack);
    this.dispatch(ANY, event, ...values);
    this.dispatch(event, ...values);
  }

  /** @type {(event: string, values: any[], settle?: Handler) => void} */
  #emit(event, values, settle) {
    const { timeout = this.ackTimeout, volatile } = this.#flags;
    this.#flags = {};
    if (RESERVED.includes(event)) throw new Error(`"${event}" is a reserved event name`);
    const id = settle ? this.#ids++ : undefined;
    const packet = encode(EVENT, this.nsp, [event, ...values], id);
    if (settle && id !== undefined) {
      const late = () => this.#settle(id, new Error("operation has timed out"));
      this.#acks.set(id, { settle, timer: timeout === undefined ? 0 : setTimeout(late, timeout) });
    }
    if (volatile && (!this.connected || this.io.connection?.busy)) return;
    if (this.connected) this.io.send(packet);
    else this.#buffer.push({ packet, id });
  }

  /** @type {(id: number, error: Error | null, ...answer: any[]) => void} */
  #settle(id, error, ...answer) {
    const waiting = this.#acks.get(id);
    if (!waiting) return;
    this.#acks.delete(id);
    clearTimeout(waiting.timer);
    this.#buffer = this.#buffer.filter((kept) => kept.id !== id);
    call(waiting.settle, error, ...answer);
  }
}

/** @type {Map<string, Manager>} */
const managers = new Map();

/**
 * Return a client of a namespace, which connects unless `autoConnect` is false.
 * @type {(uri?: string | Options, options?: Options) => Socket}
 */
export function io(uri = "/", options = {}) {
  if (typeof uri === "object") return io("/", uri);
  const parts = /^((?:http|ws)s?:\/\/[^/]+)?(\/.*)?$/.exec(uri);
  if (!parts) throw new TypeError(`${uri} is neither a namespace, such as /chat, nor a URL.`);
  const [, origin = location.origin, namespace = "/"] = parts;
  const key = `${origin} ${options.path ?? DEFAULTS.path}`;
  const shared = options.forceNew ? undefined : managers.get(key);
  const manager = shared && !shared.sockets.has(namespace) ? shared : new Manager(origin, options);
  if (!options.forceNew && !shared) managers.set(key, manager);
  const socket = new Socket(manager, namespace, options);
  manager.sockets.set(namespace, socket);
  return options.autoConnect === false ? socket : socket.connect();
}
