// What a page does with the service, over the official Socket.IO client.
// Arguments: the service's URL and the transports. Prints what came back as one JSON object.
const { io } = require("socket.io-client");

const [url, ...transports] = process.argv.slice(2);
const upgrades = transports.length > 1;

function opened() {
  const socket = io(`${url}/echo`, { transports, forceNew: true, reconnection: false, ackTimeout: 10000 });
  socket.heard = [];
  socket.on("said", (said) => socket.heard.push(said.message));
  return new Promise((resolve, reject) => {
    socket.on("connect_error", reject);
    const ready = () => resolve(socket);
    if (upgrades) socket.io.engine.once("upgrade", ready);
    else socket.on("connect", ready);
  });
}

async function until(condition) {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 10));
}

async function main() {
  const [one, other] = await Promise.all([opened(), opened()]);
  await until(() => one.connected && other.connected);
  const result = {
    transport: one.io.engine.transport.name,
    repeat: await one.emitWithAck("repeat", "a", 3),
    say: await one.emitWithAck("say", "socket"),
    unknown: await one.emitWithAck("nonsense"),
  };
  const response = await fetch(`${url}/echo/say/http`, { method: "POST" });
  result.http = await response.json();
  await until(() => one.heard.length === 2 && other.heard.length === 2);
  result.heard = [one.heard, other.heard];
  one.disconnect();
  other.disconnect();
  return result;
}

setTimeout(() => process.exit(2), 30000).unref();
main().then(
  (result) => console.log(JSON.stringify(result)),
  (error) => {
    console.error(error);
    process.exit(1);
  },
);
