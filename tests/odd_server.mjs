// The service's own Socket.IO client, before a server that does not keep to the protocol, or that only
// one transport reaches. Argument: the URL of the module. Prints what each case gave as one JSON object.
const sockets = [];
const reported = [];

class FakeWebSocket {
  bufferedAmount = 0;
  sent = [];
  isClosed = false;

  constructor(url) {
    this.url = url;
    sockets.push(this);
    if (FakeWebSocket.greets) queueMicrotask(() => FakeWebSocket.greeting.forEach((data) => this.say(data)));
  }
  say(data) {
    this.onmessage?.({ data });
  }
  send(data) {
    this.sent.push(data);
  }
  close() {
    this.isClosed = true;
  }
}
FakeWebSocket.greeting = ['0{"sid":"a","pingInterval":25000,"pingTimeout":20000}', '40/chat,{"sid":"b"}'];

Object.assign(globalThis, {
  WebSocket: FakeWebSocket,
  location: { origin: "http://service" },
  reportError: (error) => reported.push(error.message),
});
const { io } = await import(process.argv[2]);

const OPTIONS = { forceNew: true, reconnectionDelay: 20, randomizationFactor: 0, timeout: 200 };
const pause = (milliseconds = 10) => new Promise((resolve) => setTimeout(resolve, milliseconds));

/** Connect, and keep what the client tells of itself. */
async function connected(options = {}) {
  FakeWebSocket.greets = true;
  const socket = io("/chat", { ...OPTIONS, ...options });
  socket.told = [];
  for (const event of ["connect", "disconnect", "connect_error", "said"]) {
    socket.on(event, (value) => socket.told.push(value instanceof Error ? value.message : [event, value]));
  }
  await pause();
  return socket;
}

const MALFORMED = [
  "", "7", "x", "0", '0{"sid":"again"}', "4", "47", "42/chat", "42/chat,", '42/chat,{"a":1}', "42/chat,[]", "42/chat,[1]",
  '42/chat,["said"', '42/chat,["disconnect"]', '42/chat,["connect"]', "43/chat,[]", '43/chat,1{"a":1}', "40/chat", "40/chat,1",
  '41/chat,{"a":1}', "44/chat,", "44/chat,{}", '451-/chat,["said",{"_placeholder":true,"num":0}]', new ArrayBuffer(3), undefined, null,
];
const HARMLESS = ["6", '42/elsewhere,["said",1]', "43/chat,7[1]", '42["said",1]', "2"];

async function malformed() {
  const results = [];
  for (const data of MALFORMED) {
    const socket = await connected();
    sockets.at(-1).say(data);
    const { told, active } = socket;
    const found = [...told.at(-1), sockets.at(-1).isClosed, active];
    await pause(40);
    results.push([String(data), ...found, socket.connected]);
    socket.disconnect();
  }
  return results;
}

async function harmless() {
  const socket = await connected();
  for (const data of HARMLESS) sockets.at(-1).say(data);
  sockets.at(-1).say('42/chat,["said",2]');
  socket.disconnect();
  return [socket.told, sockets.at(-1).sent];
}

async function malformedGreeting() {
  FakeWebSocket.greets = false;
  globalThis.fetch = async () => new Response("{}");
  const socket = io("/chat", OPTIONS);
  const failed = new Promise((resolve) => socket.once("connect_error", (error) => resolve(error.message)));
  sockets.at(-1).say("4hello");
  const message = await failed;
  socket.disconnect();
  return message;
}

async function binary() {
  const socket = await connected();
  const before = sockets.at(-1).sent.length;
  const messages = [];
  for (const value of [new ArrayBuffer(1), new Uint8Array(1), { deep: [new Blob(["a"])] }]) {
    try {
      socket.emit("said", value);
    } catch (error) {
      messages.push(error.name);
    }
  }
  socket.disconnect();
  return [messages, sockets.at(-1).sent.length - before - 1];
}

async function handlers() {
  const socket = await connected();
  socket.on("said", () => {
    throw new Error("on purpose");
  });
  socket.on("said", () => socket.told.push("the next handler"));
  sockets.at(-1).say('42/chat,["said",1]');
  socket.auth = () => {
    throw new Error("no auth");
  };
  socket.disconnect().connect();
  await pause();
  socket.disconnect();
  return [socket.told.includes("the next handler"), ...reported.splice(0)];
}

/** Answer polling as a server does that needs no websocket; with `loses`, its requests find no session. */
function poll(loses) {
  const posted = [];
  globalThis.fetch = async (url, { method, body, signal }) => {
    const isFirst = !url.includes("sid=");
    if (method === "POST") posted.push(body);
    if (loses && !isFirst) return new Response("", { status: 400 });
    if (method === "POST") return new Response("ok");
    if (isFirst) return new Response('0{"sid":"p","pingInterval":25000,"pingTimeout":20000,"maxPayload":1000}');
    if (!posted.isGreeted) {
      posted.isGreeted = true;
      return new Response('40/chat,{"sid":"b"}\u001e42/chat,["said",1]');
    }
    return new Promise((_, reject) => signal.addEventListener("abort", () => reject(new Error("aborted"))));
  };
  return posted;
}

async function silentWebSocket() {
  FakeWebSocket.greets = false;
  const posted = poll(false);
  const before = sockets.length;
  const socket = io("/chat", OPTIONS);
  const connects = new Promise((resolve) => socket.once("connect", resolve));
  await connects;
  for (let number = 0; number < 40; number += 1) socket.emit("said", "x".repeat(90));
  await pause();
  const sizes = posted.slice(1).map((body) => [body.split("\u001e").length, body.length]);
  // Then the connection is lost: it comes back by polling at once.
  const again = new Promise((resolve) => socket.once("connect", resolve));
  posted.isGreeted = false;
  const { connection } = socket.io;
  connection.end("transport error");
  await again;
  const result = [sockets.length - before, sizes.every(([packets, size]) => packets <= 16 && size <= 1000), sizes.length > 3];
  socket.disconnect();
  await pause();
  return [...result, posted.at(-1)];
}

async function pollingThatFindsNoSession() {
  FakeWebSocket.greets = false;
  poll(true);
  const before = sockets.length;
  const socket = io("/chat", { ...OPTIONS, timeout: 40 });
  await pause(300);
  const attempts = sockets.length - before;
  FakeWebSocket.greets = true;
  await new Promise((resolve) => socket.once("connect", resolve));
  socket.disconnect();
  return attempts > 1;
}

async function delays() {
  FakeWebSocket.greets = false;
  globalThis.fetch = () => Promise.reject(new Error("away"));
  const socket = io("/chat", { ...OPTIONS, timeout: 2, reconnectionDelay: 10, reconnectionDelayMax: 50 });
  const waited = [];
  socket.io.on("reconnect_wait", (delay) => waited.push(delay));
  while (waited.length < 5) await pause();
  socket.disconnect();
  return waited.slice(0, 5);
}

const cases = { malformed, harmless, malformedGreeting, binary, handlers, silentWebSocket, pollingThatFindsNoSession, delays };
const results = {};
setTimeout(() => (console.error("no end", results), process.exit(2)), 30000).unref();
process.on("unhandledRejection", (error) => reported.push(`unhandled ${error}`));
for (const [name, run] of Object.entries(cases)) results[name] = await run();
console.log(JSON.stringify({ ...results, reported }));
process.exit(0);
