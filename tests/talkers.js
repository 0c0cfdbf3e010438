// People who talk in the lobby over the official Socket.IO client, with its own idea of when to
// connect again. Arguments: the service's URL, and for each of them a JSON object: name, token,
// address, transports. Prints a line for each message that is acknowledged: who, how many so far.
// At the end of its input they stop, ask for what they miss, and what each has is printed as JSON.
const { randomUUID } = require("crypto");
const { io } = require("socket.io-client");

const [url, ...people] = process.argv.slice(2);
let stopped = false;

const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

class Talker {
  constructor({ name, token, address, transports }) {
    this.name = name;
    this.headers = { Authorization: `Bearer ${token}`, "X-Forwarded-For": address };
    this.acknowledged = {};
    this.heard = {};
    this.transports = new Set();
    this.longest = 0;
    this.socket = io(`${url}/chat`, {
      auth: { token },
      extraHeaders: { "X-Forwarded-For": address },
      forceNew: true,
      transports,
    });
    this.socket.on("message", (message) => this.hear(message));
    this.socket.on("connect", () => this.catchUp().catch(() => {}));
  }

  hear(message) {
    this.heard[message.id] = message.text;
  }

  complete() {
    let last = 0;
    while (last + 1 in this.heard) last += 1;
    return last;
  }

  async catchUp() {
    let page = await this.socket.timeout(3000).emitWithAck("join", "lobby", this.complete());
    while (true) {
      page.messages.forEach((message) => this.hear(message));
      if (!page.more) return;
      const path = `/chat/lobby/messages?limit=500&since=${this.complete()}`;
      page = await (await fetch(url + path, { headers: this.headers })).json();
    }
  }

  async say(text) {
    const message = { text, client_id: randomUUID() };
    const started = Date.now();
    while (true) {
      const answer = await this.socket
        .timeout(3000)
        .emitWithAck("send", "lobby", message)
        .catch(() => ({ error: { status: 503 } }));
      if ("id" in answer) {
        this.longest = Math.max(this.longest, Date.now() - started);
        this.acknowledged[answer.id] = text;
        this.transports.add(this.socket.io.engine.transport.name);
        return;
      }
      if (answer.error.status !== 503) throw new Error(JSON.stringify(answer));
      await pause(50);
    }
  }

  async talk() {
    for (let number = 1; !stopped; number += 1) {
      await this.say(`${this.name} ${number}`);
      console.log(`${this.name} ${number}`);
      await pause(100);
    }
  }
}

async function main() {
  const talkers = people.map((person) => new Talker(JSON.parse(person)));
  await Promise.all(talkers.map((talker) => talker.talk()));
  await Promise.all(talkers.map((talker) => talker.catchUp()));
  const result = talkers.map(({ name, acknowledged, heard, longest, transports }) => {
    return { name, acknowledged, heard, longest, transports: [...transports] };
  });
  return JSON.stringify(result);
}

process.stdin.resume();
process.stdin.on("end", () => (stopped = true));
setTimeout(() => process.exit(2), 240000).unref();
main().then(
  (result) => process.stdout.write(`${result}\n`, () => process.exit(0)),
  (error) => {
    console.error(error);
    process.exit(1);
  },
);
