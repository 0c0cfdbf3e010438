// What a page can rely on, whichever Socket.IO client it imports: the service's own, or the official one.
// The query of the page says which: `client` is the URL of a module with `io`, `transport` what it is
// expected to connect by, and with `websocket=none` the browser has none. `play()` goes through the
// behaviours and leaves in `window.results` what each gave. What has to be done outside of the browser
// meanwhile, to the server, is asked for in `window.wanted`.
const { client, transport, websocket } = Object.fromEntries(new URLSearchParams(location.search));

// Before the client is loaded, which may look for it then.
if (websocket === "none") delete window.WebSocket;
const { io } = await import(client);

// As both clients understand it: a websocket first, then long-polling.
const OPTIONS = {
  transports: ["websocket", "polling"],
  tryAllTransports: true,
  forceNew: true,
  reconnectionDelay: 100,
  reconnectionDelayMax: 400,
  timeout: 10000,
};
const PATIENCE = 20000;

const opened = [];

function open(namespace = "/lab", options = {}) {
  const socket = io(namespace, { ...OPTIONS, ...options });
  opened.push(socket);
  return socket;
}

/** Wait for an event, and return its arguments. */
function next(emitter, event) {
  return new Promise((resolve, reject) => {
    setTimeout(() => reject(new Error(`no ${event} came`)), PATIENCE);
    emitter.once(event, (...values) => resolve(values));
  });
}

async function connected(namespace, options) {
  const socket = open(namespace, options);
  await next(socket, "connect");
  return socket;
}

const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));
const failure = (promise) => promise.then(() => "no error", (error) => error.message);

/** Have something done outside of the browser: kill, start, freeze, thaw. */
function outside(action) {
  return new Promise((resolve) => Object.assign(window, { wanted: action, done: resolve }));
}

const behaviours = [];

/** Describe a behaviour: its name, what it gives, and how. */
function behaviour(name, expected, run) {
  behaviours.push({ name, expected, run });
}

behaviour("connects", [[false, true, undefined], true, true, "string", transport], async () => {
  const socket = open();
  const before = [socket.connected, socket.active, socket.id];
  await next(socket, "connect");
  return [before, socket.connected, socket.active, typeof socket.id, await socket.emitWithAck("transport")];
});

behaviour("is answered", { three: [3, null, true] }, async () => {
  const socket = await connected();
  return new Promise((resolve) => socket.emit("several", 1, "two", { three: [3, null, true] }, resolve));
});

behaviour("is answered by a promise", ["a", "b", null], async () => {
  const socket = await connected();
  return Promise.all([socket.emitWithAck("one", "a"), socket.emitWithAck("one", "b"), socket.emitWithAck("nothing")]);
});

behaviour("hears several arguments of an answer", [1, "two"], async () => {
  const socket = await connected();
  return new Promise((resolve) => socket.emit("pair", (...values) => resolve(values)));
});

behaviour("hears an error first where there is a time-out", [null, "x"], async () => {
  const socket = await connected();
  return new Promise((resolve) => socket.timeout(PATIENCE).emit("one", "x", (...values) => resolve(values)));
});

behaviour("waits for an ack no longer than it wants to", ["operation has timed out", "operation has timed out", "later"], async () => {
  const socket = await connected();
  const late = new Promise((resolve) => socket.timeout(100).emit("slow", (error) => resolve(error.message)));
  return [await late, await failure(socket.timeout(100).emitWithAck("slow")), await socket.emitWithAck("one", "later")];
});

behaviour("has one time-out for all acks", "operation has timed out", async () => {
  const socket = await connected("/lab", { ackTimeout: 100 });
  return failure(socket.emitWithAck("slow"));
});

behaviour("hears the server", [1, { two: 2 }], async () => {
  const socket = await connected();
  const heard = next(socket, "told");
  socket.emit("tell", 1, { two: 2 });
  return heard;
});

behaviour("answers the server", [42, "done"], async () => {
  const socket = await connected();
  socket.on("question", (value, answer) => answer(value + 1, "done"));
  const heard = next(socket, "answered");
  socket.emit("ask", 41);
  return heard;
});

behaviour("keeps the order of events", 100, async () => {
  const socket = await connected();
  const heard = [];
  socket.on("told", (value) => heard.push(value));
  for (let number = 0; number < 100; number += 1) socket.emit("tell", number, null);
  await socket.emitWithAck("one", null);
  return heard.every((value, index) => value === index) && heard.length;
});

behaviour("keeps every character", true, async () => {
  const socket = await connected();
  const text = "\u{1F642} שלום \u0000\u001e\u2028 \\n \"quoted\" 4{}[]\uFEFF";
  return (await socket.emitWithAck("one", text)) === text;
});

behaviour("sends a large message", 100000, async () => {
  const socket = await connected();
  return (await socket.emitWithAck("one", "é".repeat(100000))).length;
});

behaviour("is cut off after a message over the limit, and comes back", [true, true, "socket has been disconnected", "again"], async () => {
  const socket = await connected();
  const lost = next(socket, "disconnect");
  const answer = failure(socket.emitWithAck("one", "x".repeat(300000)));
  const [reason] = await lost;
  const result = [reason.startsWith("transport "), socket.active, await answer];
  await next(socket, "connect");
  return [...result, await socket.emitWithAck("one", "again")];
});

behaviour("listens once, always, or no more", [
    ["any", "told", 1], ["on", 1], ["once", 1],
    ["any", "told", 2], ["on", 2],
    ["any", "told", 3],
  ], async () => {
  const socket = await connected();
  const heard = [];
  const no = () => heard.push("no");
  socket.on("told", (value) => heard.push(["on", value]));
  socket.once("told", (value) => heard.push(["once", value]));
  socket.on("told", no).off("told", no);
  socket.onAny((event, value) => heard.push(["any", event, value]));
  socket.emit("tell", 1, null).emit("tell", 2, null);
  await socket.emitWithAck("one", null);
  socket.off("told");
  socket.emit("tell", 3, null);
  await socket.emitWithAck("one", null);
  return heard;
});

behaviour("has two namespaces in one connection", [[1, 1], true, false, 2, 3], async () => {
  const lab = open("/lab", { forceNew: false });
  const other = open("/other", { forceNew: false });
  await Promise.all([next(lab, "connect"), next(other, "connect")]);
  const answers = await Promise.all([lab.emitWithAck("one", 1), other.emitWithAck("one", 1)]);
  lab.disconnect();
  const result = [answers, lab.io === other.io, lab.id === other.id, await other.emitWithAck("one", 2)];
  return [...result, await new Promise((resolve) => lab.connect().emit("one", 3, resolve))];
});

behaviour("passes on who it is", [{ name: "Ada" }, { name: "Grace" }], async () => {
  const socket = await connected("/lab", { auth: { name: "Ada" } });
  const other = await connected("/lab", { auth: (send) => setTimeout(send, 10, { name: "Grace" }) });
  return [await socket.emitWithAck("auth"), await other.emitWithAck("auth")];
});

behaviour("hears why it is refused", [true, "The door is closed", 403, false, false], async () => {
  const socket = open("/closed");
  const [error] = await next(socket, "connect_error");
  return [error instanceof Error, error.message, error.data.status, socket.connected, socket.active];
});

behaviour("hears that there is no such namespace", ["There is no namespace /nowhere.", 404, "Not Found", false], async () => {
  const socket = open("/nowhere");
  const [error] = await next(socket, "connect_error");
  return [error.message, error.data.status, error.data.title, socket.active];
});

behaviour("does not come back by itself after a refusal", [1, 2], async () => {
  const socket = open("/closed");
  let refusals = 0;
  socket.on("connect_error", () => (refusals += 1));
  await next(socket, "connect_error");
  await pause(1000);
  const before = refusals;
  socket.connect();
  await next(socket, "connect_error");
  return [before, refusals];
});

behaviour("is disconnected by the server, for good", ["io server disconnect", false, false, undefined, false], async () => {
  const socket = await connected();
  const lost = next(socket, "disconnect");
  socket.emit("kick");
  const [reason] = await lost;
  const result = [reason, socket.connected, socket.active, socket.id];
  await pause(500);
  result.push(socket.connected);
  socket.connect();
  await next(socket, "connect");
  return result;
});

behaviour("is cut off by the server, and comes back", [true, false, true, "again"], async () => {
  const socket = await connected();
  const lost = next(socket, "disconnect");
  socket.emit("cut");
  const [reason] = await lost;
  const result = [reason.startsWith("transport "), socket.connected, socket.active];
  await next(socket, "connect");
  return [...result, await socket.emitWithAck("one", "again")];
});

behaviour("disconnects, and connects again when it is told to", [["io client disconnect", undefined], false, "socket has been disconnected", false, "again"], async () => {
  const socket = await connected();
  const lost = next(socket, "disconnect");
  const answer = failure(socket.emitWithAck("slow"));
  socket.disconnect();
  const result = [await lost, socket.active, await answer];
  await pause(500);
  result.push(socket.connected);
  await next(socket.connect(), "connect");
  return result.concat(await socket.emitWithAck("one", "again"));
});

behaviour("keeps what its handlers ask when the connection is lost", ["asked then", "asked again"], async () => {
  const socket = await connected();
  const then = new Promise((resolve) => socket.once("disconnect", () => socket.emit("one", "asked then", resolve)));
  const again = new Promise((resolve) => {
    socket.timeout(PATIENCE).emit("slow", () => socket.emit("one", "asked again", resolve));
  });
  socket.disconnect().connect();
  return Promise.all([then, again]);
});

behaviour("leaves at once, before it is there", [[], false], async () => {
  const socket = open();
  const heard = [];
  for (const event of ["connect", "disconnect", "connect_error"]) socket.on(event, () => heard.push(event));
  socket.disconnect();
  await pause(500);
  return [heard, socket.active];
});

behaviour("keeps what is emitted while it is not connected, in order, and drops what is volatile", ["operation has timed out", "second", ["first", "third", "fourth"]], async () => {
  const socket = await connected();
  socket.disconnect();
  const heard = [];
  socket.on("told", (value) => heard.push(value));
  socket.emit("tell", "first", null);
  socket.volatile.emit("tell", "volatile", null);
  const answer = socket.emitWithAck("one", "second");
  socket.emit("tell", "third", null);
  const late = await failure(socket.timeout(50).emitWithAck("tell", "too late", null));
  socket.on("connect", () => socket.emit("tell", "fourth", null));
  socket.connect();
  const result = [late, await answer];
  await socket.emitWithAck("one", null);
  return [...result, heard];
});

behaviour("sends what is volatile when it can", ["now", null], async () => {
  const socket = await connected();
  await pause(300);
  const heard = next(socket, "told");
  socket.volatile.emit("tell", "now", null);
  return heard;
});

behaviour("knows who is in a room, with however many clients, also when it comes back", [
    ["ada joins", "bob joins"], [["ada", 1], ["bob", 2]], ["bob leaves"], [["ada", 1]], 1,
  ], async () => {
  const { Presence } = await import("../_client/presence.js");
  const sockets = await Promise.all([connected(), connected(), connected()]);
  const [socket, bob, again] = sockets;
  const told = [];
  const presence = new Presence(socket, {
    join: (_, key) => told.push(`${key} joins`),
    leave: (_, key) => told.push(`${key} leaves`),
  });
  const seen = () => presence.list("tea").map(({ key, metas }) => [key, metas.length]);
  const until = async (count, metas) => {
    while (presence.count("tea") !== count || seen().flat().at(-1) !== metas) await pause(20);
  };
  for (const one of sockets) await one.emitWithAck("enter", "tea", one === socket ? "ada" : "bob");
  await until(2, 2);
  const result = [told.splice(0), seen()];
  socket.emit("cut");
  await next(socket, "disconnect");
  await next(socket, "connect");
  for (const one of [bob, again]) await one.emitWithAck("go", "tea");
  await socket.emitWithAck("enter", "tea", "ada");
  await until(1, 1);
  return [...result, told, seen(), presence.count("tea")];
});

behaviour("does not emit what is reserved", [
    ["connect", "disconnect", "connect_error"].map((event) => `"${event}" is a reserved event name`),
    "still here",
  ], async () => {
  const socket = await connected();
  const results = [];
  for (const event of ["connect", "disconnect", "connect_error"]) {
    try {
      socket.emit(event);
    } catch (error) {
      results.push(error.message);
    }
  }
  return [results, await socket.emitWithAck("one", "still here")];
});

behaviour("goes on after a handler that throws", ["thrown on purpose", [2, null]], async () => {
  const socket = await connected();
  const reported = new Promise((resolve) => {
    const hear = (event) => (event.preventDefault(), resolve((event.error ?? event.reason).message));
    for (const kind of ["error", "unhandledrejection"]) window.addEventListener(kind, hear, { once: true });
  });
  socket.once("told", () => {
    throw new Error("thrown on purpose");
  });
  socket.emit("tell", 1, null);
  const message = await reported;
  const heard = next(socket, "told");
  socket.emit("tell", 2, null);
  return [message, await heard];
});

// What follows needs somebody outside.
const alone = behaviours.length;

behaviour("comes back when the server does, and says what it does meanwhile", [
    true, true, false, "meanwhile",
    ["connect_error undefined", "reconnect number", "reconnect_attempt number", "reconnect_error error"],
  ], async () => {
  const socket = await connected();
  const heard = new Set();
  for (const event of ["reconnect_attempt", "reconnect_error", "reconnect"]) {
    socket.io.on(event, (value) => heard.add(`${event} ${value instanceof Error ? "error" : typeof value}`));
  }
  socket.on("connect_error", (error) => heard.add(`connect_error ${error.data}`));
  const lost = next(socket, "disconnect");
  await outside("kill");
  const [reason] = await lost;
  const waiting = socket.emitWithAck("one", "meanwhile");
  await next(socket.io, "reconnect_error");
  const result = [reason.startsWith("transport "), socket.active, socket.connected];
  const back = next(socket, "connect");
  await outside("start");
  await back;
  return [...result, await waiting, [...heard].sort()];
});

behaviour("keeps trying where there is no server yet", [true, undefined, true, true], async () => {
  await outside("kill");
  const socket = open();
  const [error] = await next(socket, "connect_error");
  const result = [error instanceof Error, error.data, socket.active];
  const back = next(socket, "connect");
  await outside("start");
  await back;
  return [...result, socket.connected];
});

behaviour("tries once only, where it is told so", 1, async () => {
  await outside("kill");
  const socket = open("/lab", { reconnection: false });
  let errors = 0;
  socket.on("connect_error", () => (errors += 1));
  await next(socket, "connect_error");
  await pause(1000);
  const attempts = errors;
  await outside("start");
  await next(socket.connect(), "connect");
  return attempts;
});

behaviour("notices that the server is silent", ["ping timeout", "again"], async () => {
  const socket = await connected();
  const lost = next(socket, "disconnect");
  await outside("freeze");
  const [reason] = await lost;
  const back = next(socket, "connect");
  await outside("thaw");
  await back;
  return [reason, await socket.emitWithAck("one", "again")];
});

/** Go through the behaviours. @param {boolean} withServer whether somebody outside does what is asked for */
window.play = async (withServer) => {
  const results = (window.results = {});
  for (const { name, expected, run } of behaviours.slice(0, withServer ? undefined : alone)) {
    let timer;
    const late = new Promise((_, reject) => (timer = setTimeout(reject, 3 * PATIENCE, new Error("it has no end"))));
    const found = await Promise.race([run(), late]).catch((error) => `failed: ${error.stack}`);
    clearTimeout(timer);
    for (const socket of opened.splice(0)) socket.off().disconnect();
    const [one, other] = [expected, found].map((value) => JSON.stringify(value));
    results[name] = one === other ? "as expected" : `${other}, and not ${one}`;
  }
  window.over = true;
};
