// @ts-check
/**
 * The chat, over Socket.IO. No build step: the browser runs these files.
 *
 * What people write waits in `drafts` until the server acknowledges it, across reconnections and
 * reloads; by its `client_id` the server recognises what it already has, and tells it again. What
 * others write is recognised here by its `id`, and asked for after every reconnection and whenever an
 * id is missing, also the last one of the room. A room opens with what was said last; what was said
 * earlier is asked for when somebody wants to read it.
 *
 * @typedef {Object} Person
 * @property {string} id
 * @property {string} name
 *
 * @typedef {Object} InRoom  somebody who does something in a room
 * @property {string} room
 * @property {Person} person
 *
 * @typedef {Object} Message
 * @property {number} id  the ids of a room count its messages
 * @property {string} room
 * @property {Person} author
 * @property {string} text
 * @property {string} client_id
 * @property {string} sent_at
 *
 * @typedef {Object} Draft
 * @property {string} room
 * @property {string} text
 * @property {string} client_id
 * @property {string} [problem]  why the server does not take it
 *
 * @typedef {Object} Room
 * @property {Map<number, Message>} messages
 * @property {number} first  the id from which on nothing is missing
 * @property {number | null} last  the id up to which nothing is missing; null before the first visit
 * @property {boolean} earlier  whether there are messages before the first one
 * @property {boolean} loading  whether they are on their way
 */

import * as page from "./page.js";
import { $ } from "./page.js";
import { ask, http } from "./server.js";
import { Presence } from "../_client/presence.js";
import { io } from "../_client/socket.js";

const FIRST_DELAY = 1000;
const LONGEST_DELAY = 10000;
const GAP_LASTS = 2000;
const ROOMS_EVERY = 15000;
const ROOMS_PART = 100;
const TYPING_EVERY = 2000;
const TYPING_LASTS = 4000;

// Of this tab, and of those that it is duplicated into: they are one person.
/** @type {({token: string} & Person) | null} */
let session = JSON.parse(sessionStorage.getItem("session") ?? "null");
/** @type {Draft[]} */
let drafts = JSON.parse(sessionStorage.getItem("drafts") ?? "[]");
let delivering = false;
/** @type {import("../_client/socket.js").Socket | null} */
let socket = null;
/** @type {Presence | null} */
let presence = null;
/** @type {Map<string, Room>} */
const rooms = new Map();
/** The room on show; `joined` once its history is here and its messages arrive. */
let here = "";
let joined = false;
let visits = 0;
let unread = 0;
let roomsWanted = ROOMS_PART;
/** @type {Map<string, {name: string, timer: number}>} */
const typing = new Map();
let typedAt = 0;

// ---- The connection ---------------------------------------------------------------------------

/** @param {({token: string})} identity */
function connect({ token }) {
  page.hush();
  page.showState("waiting", "Connecting");
  const client = io("/chat", {
    path: new URL("socket.io", document.baseURI).pathname,
    auth: { token },
    forceNew: true,
    reconnectionDelay: FIRST_DELAY,
    reconnectionDelayMax: LONGEST_DELAY,
    randomizationFactor: 0.25,
  });
  socket = client;
  let refusals = 0;
  let retry = 0;

  /** @param {number} [delay] */
  function wait(delay) {
    joined = false;
    showDrafts();
    if (navigator.onLine) page.showState("waiting", "Reconnecting", delay);
    else page.showState("offline", "Offline");
  }

  function now() {
    clearTimeout(retry);
    page.showState("waiting", "Connecting");
    client.disconnect().connect();
  }

  /** The client reconnects by itself, but not after a refusal. */
  function retryLater() {
    const delay = Math.min(FIRST_DELAY * 2 ** refusals, LONGEST_DELAY) * (0.75 + Math.random() / 2);
    refusals += 1;
    retry = setTimeout(() => socket === client && now(), delay);
    wait(delay);
  }

  client.io.on("reconnect_wait", wait);
  client.io.on("reconnect_attempt", () => page.showState("waiting", "Connecting"));
  client.on("connect", async () => {
    refusals = 0;
    page.hush();
    page.showState("connected", "Connected");
    listRooms();
    await enter(here);
    deliver();
  });
  client.on("disconnect", (/** @type {string} */ reason) => {
    if (client.active) wait();
    else if (reason !== "io client disconnect") retryLater();
  });
  client.on("connect_error", (/** @type {Error & {data?: {status?: number}}} */ error) => {
    if (error.data?.status === 401) return endSession(error.message);
    if (client.active) wait();
    else retryLater();
    const why = client.active ? "The server cannot be reached." : `The server refuses: ${error.message}`;
    return page.tell(`${why} What you write is kept, and sent later.`, "Try now", now);
  });
  client.on("session.ended", ({ reason = "" }) => endSession(reason));
  client.on("message", (/** @type {Message} */ message) => {
    const known = isKnown(message);
    place([message]);
    stopTyping(message.author.id);
    expect(message.room, message.id);
    if (document.hidden && !known && message.author.id !== session?.id) countUnread(unread + 1);
  });
  presence = new Presence(client, {
    change: (room) => room === here && showPeople(),
    leave: (_, id) => stopTyping(id),
  });
  client.on("typing", (/** @type {InRoom} */ { room, person }) => {
    // One may type in another tab.
    if (room !== here || person.id === session?.id) return;
    stopTyping(person.id);
    const timer = setTimeout(() => stopTyping(person.id), TYPING_LASTS);
    typing.set(person.id, { name: person.name, timer });
    showTyping();
  });
  window.ononline = () => socket === client && !client.connected && now();
}

/** @param {string} reason */
function endSession(reason) {
  socket?.disconnect();
  socket = presence = session = null;
  rooms.clear();
  sessionStorage.removeItem("session");
  page.view("entry");
  $("name-error").textContent = reason && `Your session has ended: ${reason}`;
  $("name").focus();
}

// ---- Rooms and their messages -----------------------------------------------------------------

const roomOfAddress = () => location.hash.slice(1) || "lobby";

/** @type {(name: string) => Room} */
function roomNamed(name) {
  const room = rooms.get(name) ?? { messages: new Map(), first: 0, last: null, earlier: false, loading: false };
  rooms.set(name, room);
  return room;
}

/** Tell whether a message has been here before, or is an earlier one. @param {Message} message */
function isKnown({ room: name, id }) {
  const room = roomNamed(name);
  return room.messages.has(id) || id <= (room.last ?? 0);
}

/** Tell whether nothing is missing up to an id. @type {(name: string, id: number) => boolean} */
function isComplete(name, id) {
  const room = roomNamed(name);
  if (room.last === null) return false;
  while (room.messages.has(room.last + 1)) room.last += 1;
  return room.last >= id;
}

/** Ask for what is missing up to an id, unless it comes by itself. @type {(name: string, id: number) => void} */
function expect(name, id) {
  if (isComplete(name, id)) return;
  setTimeout(() => joined && name === here && !isComplete(name, id) && enter(here), GAP_LASTS);
}

async function listRooms() {
  const list = [];
  let more = true;
  try {
    while (more && list.length < roomsWanted) {
      const part = await ask(socket, "rooms", list.at(-1)?.name ?? null, ROOMS_PART);
      list.push(...part);
      more = part.length === ROOMS_PART;
    }
    if (!list.some(({ name }) => name === here)) list.push(await ask(socket, "room", here));
  } catch (/** @type {any} */ problem) {
    // There may be no such room; else the next time is soon enough.
    if (problem.status !== 404) return;
  }
  page.showRooms(list, here, more);
  for (const { name, last_id } of list) if (name === here) expect(name, last_id);
}

/** @param {string} name */
function show(name) {
  here = name;
  const messages = [...roomNamed(name).messages.values()].sort((one, other) => one.id - other.id);
  page.showRoom(name, messages, session?.id);
  showEarlier();
  typing.clear();
  showTyping();
  showPeople();
  showDrafts();
  countUnread(0);
}

/** Join a room, and ask for what was said last, or since the last visit. @param {string} name */
async function enter(name) {
  if (here !== name) {
    socket?.emit("leave", here);
    presence?.forget(here);
    show(name);
  }
  const visit = ++visits;
  joined = false;
  page.showBusy(true);
  try {
    const room = roomNamed(name);
    let part = await ask(socket, "join", name, room.last, document.hidden);
    if (visit !== visits) return;
    if (room.last === null) {
      // These are the newest: if there are more, they are earlier.
      Object.assign(room, { first: part.messages[0]?.id ?? 1, earlier: part.more });
      part.more = false;
    }
    showEarlier();
    while (visit === visits) {
      place(part.messages);
      room.last = Math.max(room.last ?? 0, part.messages.at(-1)?.id ?? 0);
      joined = !part.more;
      if (joined) break;
      part = await http(session?.token, "GET", `chat/${name}/messages?since=${room.last}`);
    }
  } catch (/** @type {any} */ problem) {
    if (visit !== visits || !socket?.connected) return;
    if (problem.status === 401) endSession(problem.message);
    else if ([404, 422].includes(problem.status)) {
      page.tell(`There is no room called ${name}.`, "Go to the lobby", () => location.assign("#lobby"));
    } else page.tell(problem.message, "Try again", () => enter(name));
  } finally {
    page.showBusy(false);
    page.showEmpty(joined && !roomNamed(here).messages.size);
  }
}

/** Ask for what was said before the messages on show. */
async function loadEarlier() {
  const room = roomNamed(here);
  if (!room.earlier || room.loading) return;
  room.loading = true;
  showEarlier();
  page.showBusy(true);
  let problem = "";
  try {
    const part = await http(session?.token, "GET", `chat/${here}/messages?before=${room.first}`);
    // In another room meanwhile, or somebody else: it is asked for again when it is wanted.
    if (room !== rooms.get(here)) return;
    Object.assign(room, { first: part.messages[0]?.id ?? room.first, earlier: part.more });
    place(part.messages.reverse(), page.keepBelow);
  } catch (/** @type {any} */ error) {
    if (error.status === 401) endSession(error.message);
    problem = error.message;
  } finally {
    room.loading = false;
    page.showBusy(false);
    if (room === rooms.get(here)) showEarlier(problem);
  }
}

/** Show whether there is something to load. @param {string} [problem] why it could not be loaded */
function showEarlier(problem) {
  const { earlier, loading } = roomNamed(here);
  page.showEarlier(earlier, loading, problem);
}

/**
 * Keep and show messages, each once.
 * @type {(messages: Message[], keep?: (change: () => void) => void) => void}
 */
function place(messages, keep = page.keepPlace) {
  keep(() => {
    const room = roomNamed(here);
    for (const message of messages) {
      // A room that is not on show, and what is before the first message, are asked for in time.
      if (message.room !== here || message.id < room.first || room.messages.has(message.id)) continue;
      room.messages.set(message.id, message);
      page.insert(message, session?.id);
    }
    const stored = new Set(messages.map(({ client_id }) => client_id));
    const left = drafts.filter(({ client_id }) => !stored.has(client_id));
    if (left.length < drafts.length) setDrafts(left);
  });
}

function showPeople() {
  // Whoever has a tab in sight is not away.
  const people = (presence?.list(here) ?? []).map(({ key, metas }) => ({
    id: key, name: metas[0].name, away: metas.every(({ away }) => away),
  }));
  page.showPeople(people, presence?.count(here) ?? 0, session?.id);
}

/** @param {string} id  of a person */
function stopTyping(id) {
  clearTimeout(typing.get(id)?.timer);
  typing.delete(id);
  showTyping();
}

function showTyping() {
  page.showTyping([...typing.values()].map(({ name }) => name));
}

/** @param {number} count */
function countUnread(count) {
  unread = count;
  page.showTitle(here, unread);
}

// ---- Sending ----------------------------------------------------------------------------------

/** Like `crypto.randomUUID`, which browsers have only on https and on localhost. */
function uuid() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}

function send() {
  const text = $("text").value.trim();
  if (!text) return;
  $("text").value = "";
  typedAt = 0;
  setDrafts([...drafts, { room: here, text, client_id: uuid() }]);
  page.toNewest();
  deliver();
}

/** Send what waits, in order, each until the server has it or says why not. */
async function deliver() {
  if (delivering) return;
  delivering = true;
  for (let draft; socket?.connected && (draft = drafts.find(({ problem }) => !problem)); ) {
    const { room, text, client_id } = draft;
    try {
      place([await ask(socket, "send", room, { text, client_id })]);
    } catch (/** @type {any} */ problem) {
      if (problem.status === 401) endSession(problem.message);
      else if (problem.status && problem.status !== 503) setProblem(draft, problem.message);
      // Without an answer, the message may have arrived or not: the same again finds out.
      else await new Promise((resolve) => setTimeout(resolve, FIRST_DELAY));
    }
  }
  delivering = false;
}

/** @type {(draft: Draft, problem?: string) => void} */
function setProblem(draft, problem) {
  setDrafts(drafts.map((other) => (other === draft ? { ...draft, problem } : other)));
}

/** @param {Draft[]} changed */
function setDrafts(changed) {
  drafts = changed;
  sessionStorage.setItem("drafts", JSON.stringify(drafts));
  showDrafts();
}

function showDrafts() {
  const retry = (/** @type {Draft} */ draft) => {
    setProblem(draft);
    deliver();
  };
  const discard = (/** @type {Draft} */ draft) => setDrafts(drafts.filter((other) => other !== draft));
  const state = socket?.connected ? "Sending" : "Waiting for the connection";
  page.showDrafts(drafts.filter(({ room }) => room === here), state, retry, discard);
}

// ---- What people do ---------------------------------------------------------------------------

/** @param {({token: string} & Person)} identity */
function start(identity) {
  page.view("chat");
  $("me").textContent = identity.name;
  $("text").focus();
  show(roomOfAddress());
  connect(identity);
}

page.onSubmit("entry-form", "name", async (name) => {
  session = await http(session?.token, "POST", "session", { name });
  sessionStorage.setItem("session", JSON.stringify(session));
  if (session) start(session);
});

page.onSubmit("room-form", "room-name", async (name) => {
  const room = await ask(socket, "create", { name });
  location.hash = room.name;
  page.closeDrawer();
  $("text").focus();
});

$("sign-out").addEventListener("click", async () => {
  socket?.disconnect();
  setDrafts([]);
  await http(session?.token, "DELETE", "session").catch(() => null);
  endSession("");
});

$("composer").addEventListener("submit", (/** @type {Event} */ event) => {
  event.preventDefault();
  send();
});

$("text").addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
  if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  send();
});

$("text").addEventListener("input", () => {
  if (!joined || !$("text").value || Date.now() - typedAt < TYPING_EVERY) return;
  typedAt = Date.now();
  socket?.volatile.emit("typing", here);
});

$("room-list").addEventListener("click", page.closeDrawer);
$("more-rooms").addEventListener("click", () => {
  roomsWanted += ROOMS_PART;
  listRooms();
});
$("earlier-button").addEventListener("click", loadEarlier);

// The links of the rooms change the address, and so do the browser's buttons.
window.addEventListener("hashchange", async () => {
  if (!session || roomOfAddress() === here) return;
  page.hush();
  if (!socket?.connected) return show(roomOfAddress());
  await enter(roomOfAddress());
  return listRooms();
});

document.addEventListener("visibilitychange", () => {
  if (session && !document.hidden) countUnread(0);
  if (socket?.connected) socket.emit("away", document.hidden);
});

// A browser may keep the page for its Back button, and with it the connection.
window.addEventListener("pagehide", () => socket?.disconnect());
window.addEventListener("pageshow", ({ persisted }) => persisted && location.reload());

setInterval(() => socket?.connected && !document.hidden && listRooms(), ROOMS_EVERY);

if (session) start(session);
else page.view("entry");
