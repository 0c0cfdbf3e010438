// @ts-check
/**
 * What the page looks like: every change of it, and nothing about the server.
 *
 * @typedef {import("./chat.js").Message} Message
 * @typedef {import("./chat.js").Draft} Draft
 */

const NEAR_THE_END = 60;
const SAME_BREATH = 5 * 60000;
// There is no room for more names, and the number of all stands before them.
const PEOPLE_PART = 100;

const title = document.title;
let countdown = 0;
/** Whether the newest message is in sight, and stays there when others come. */
let following = true;

/** @type {(id: string) => any} */
export const $ = (id) => document.getElementById(id);

/** @type {(tag: string, properties?: object, ...children: (Node | string)[]) => HTMLElement} */
function element(tag, properties = {}, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
}

/** Show the form for the name, or the chat. @param {"entry" | "chat"} name */
export function view(name) {
  $("loading").hidden = true;
  $("entry").hidden = name !== "entry";
  $("chat").hidden = name !== "chat";
  document.title = title;
  closeDrawer();
}

export function closeDrawer() {
  if ($("rooms").matches(":popover-open")) $("rooms").hidePopover();
}

/**
 * Make a request of a form; what its rule or the server has against it stands below the form's input.
 * @type {(form: string, input: string, request: (value: string) => Promise<void>) => void}
 */
export function onSubmit(form, input, request) {
  $(form).addEventListener("submit", async (/** @type {Event} */ event) => {
    event.preventDefault();
    const problem = $(input).checkValidity()
      ? await request($(input).value.trim()).catch((error) => error)
      : { message: $(input).dataset.rule };
    $(`${input}-error`).textContent = problem?.message;
    $(input).ariaInvalid = String(Boolean(problem));
    if (problem) $(input).focus();
    else $(form).reset();
  });
}

// ---- Above the messages -----------------------------------------------------------------------

/**
 * Show the state of the connection, and how long it will last.
 * @type {(kind: "connected" | "waiting" | "offline", words: string, delay?: number) => void}
 */
export function showState(kind, words, delay = 0) {
  const until = Date.now() + delay;
  const tick = () => {
    const seconds = Math.ceil(Math.max(0, until - Date.now()) / 1000);
    $("seconds").textContent = delay ? ` in ${seconds} s` : "";
  };
  clearInterval(countdown);
  if (delay) countdown = setInterval(tick, 250);
  tick();
  $("state").textContent = words;
  $("state").parentElement.dataset.kind = kind;
}

/**
 * Say what is wrong, and offer a way out.
 * @type {(words: string, label: string, action: () => unknown) => void}
 */
export function tell(words, label, action) {
  $("notice-text").textContent = words;
  $("notice-button").textContent = label;
  $("notice-button").onclick = () => {
    hush();
    action();
  };
  $("notice").hidden = false;
}

export function hush() {
  $("notice").hidden = true;
}

/** @type {(room: string, unread: number) => void} */
export function showTitle(room, unread) {
  document.title = `${unread ? `(${unread}) ` : ""}#${room} · ${title}`;
}

/** @type {(list: {name: string, people: number}[], here: string, more: boolean) => void} */
export function showRooms(list, here, more) {
  $("more-rooms").hidden = !more;
  // What is there already stays, and the focus with it.
  const known = new Map([...$("room-list").children].map((item) => [item.dataset.name, item]));
  for (const [name, item] of known) if (!list.some((room) => room.name === name)) item.remove();
  list.forEach(({ name, people }, index) => {
    const item = known.get(name) ?? roomItem(name);
    const there = $("room-list").children[index] ?? null;
    if (item !== there) $("room-list").insertBefore(item, there);
    item.firstElementChild.ariaCurrent = String(name === here);
    item.querySelector(".quiet").textContent = people ? `${people} here` : "";
  });
}

/** @param {string} name */
function roomItem(name) {
  const item = element("li", {}, element("a", { href: `#${name}` }, name, element("span", { className: "quiet" })));
  item.dataset.name = name;
  return item;
}

/** Somebody's name; whatever its direction, what stands beside it stays there. @param {string} name */
const isolated = (name) => element("bdi", {}, name);

/** @type {(people: {id: string, name: string, away: boolean}[], count: number, me?: string) => void} */
export function showPeople(people, count, me) {
  const sorted = people.toSorted((one, other) => one.name.localeCompare(other.name)).slice(0, PEOPLE_PART);
  const names = sorted.flatMap(({ id, name, away }) => {
    const words = [isolated(name), id === me ? " (you)" : "", away ? " (away)" : ""];
    return [", ", element("span", { className: away ? "away" : "" }, ...words)];
  });
  $("people").replaceChildren(...(names.length ? [`${count} here: `, ...names.slice(1)] : []));
}

/** @param {string[]} names */
export function showTyping(names) {
  const [one, other] = names.map(isolated);
  const words = other ? [one, " and ", other, " are typing…"] : one ? [one, " is typing…"] : [];
  $("typing").replaceChildren(...(names.length > 2 ? ["Several people are typing…"] : words));
}

// ---- Messages ---------------------------------------------------------------------------------

/** @type {(room: string, messages: Message[], me?: string) => void} */
export function showRoom(room, messages, me) {
  $("room-title").textContent = `#${room}`;
  $("messages").replaceChildren();
  showEmpty(false);
  for (const message of messages) insert(message, me);
  for (const link of $("room-list").querySelectorAll("a")) {
    link.ariaCurrent = String(link.hash === `#${room}`);
  }
  toNewest();
}

/** @param {boolean} empty */
export function showEmpty(empty) {
  $("empty").hidden = !empty;
}

/** @param {boolean} busy whether older messages are on their way, which nobody should hear read out */
export function showBusy(busy) {
  $("log").ariaBusy = String(busy);
}

/** Make changes to the messages; who reads the newest goes on doing so. @param {() => void} change */
export function keepPlace(change) {
  const before = $("messages").childElementCount;
  change();
  if (following) toNewest();
  else if ($("messages").childElementCount > before) $("newest").hidden = false;
}

/** Make changes above the messages in sight, which stay where they are. @param {() => void} change */
export function keepBelow(change) {
  const log = $("log");
  const below = log.scrollHeight - log.scrollTop;
  change();
  log.scrollTop = log.scrollHeight - below;
}

/** @type {(there: boolean, loading: boolean, problem?: string) => void} */
export function showEarlier(there, loading, problem = "") {
  // A button that goes takes the focus with it.
  if (!there && document.activeElement === $("earlier-button")) $("log").focus({ preventScroll: true });
  if ($("earlier").hidden === there) keepBelow(() => ($("earlier").hidden = !there));
  $("earlier-error").textContent = problem;
  $("earlier-button").textContent = loading ? "Loading earlier messages" : problem ? "Try again" : "Earlier messages";
  $("earlier-button").ariaDisabled = String(loading);
  // Looked at anew each time: it may be in sight still. After a problem it waits for the button.
  atTheTop.disconnect();
  if (there && !loading && !problem) atTheTop.observe($("earlier"));
}

/** Put a message where its id belongs. @type {(message: Message, me?: string) => void} */
export function insert({ id, author, text, sent_at }, me) {
  const sent = new Date(sent_at);
  const today = sent.toDateString() === new Date().toDateString();
  const when = sent.toLocaleString([], { timeStyle: "short", ...(!today && { dateStyle: "medium" }) });
  const item = element("li", { className: author.id === me ? "mine" : "" },
    element("p", { className: "by" },
      element("strong", { dir: "auto" }, author.name), " ", element("time", { dateTime: sent_at }, when)),
    element("p", { className: "text", dir: "auto" }, text));
  Object.assign(item.dataset, { id, author: author.id, at: sent.getTime() });
  const list = $("messages");
  let before = list.firstElementChild?.dataset.id > id ? null : list.lastElementChild;
  while (before && Number(before.dataset.id) > id) before = before.previousElementSibling;
  if (before) before.after(item);
  else list.prepend(item);
  joinUp(item);
  joinUp(item.nextElementSibling);
  showEmpty(false);
}

/** Let the author stand once above what was said in the same breath. @param {any} item */
function joinUp(item) {
  const before = item?.previousElementSibling?.dataset;
  const same = before?.author === item?.dataset.author && item?.dataset.at - before?.at < SAME_BREATH;
  item?.classList.toggle("joined", Boolean(same));
}

/**
 * Show what the server does not have yet.
 * @type {(drafts: Draft[], state: string, retry: (draft: Draft) => void, discard: (draft: Draft) => void) => void}
 */
export function showDrafts(drafts, state, retry, discard) {
  const items = drafts.map((draft) => {
    const button = (/** @type {string} */ label, /** @type {(draft: Draft) => void} */ action) =>
      element("button", { type: "button", onclick: () => action(draft) }, label);
    const told = draft.problem
      ? element("p", { className: "error", role: "alert" }, `Not sent. ${draft.problem} `,
        button("Try again", retry), button("Discard", discard))
      : element("p", { className: "by" }, state);
    const text = element("p", { className: "text", dir: "auto" }, draft.text);
    return element("li", { className: "mine draft" }, text, told);
  });
  $("drafts").replaceChildren(...items);
}

export function toNewest() {
  following = true;
  $("log").scrollTop = $("log").scrollHeight;
  $("newest").hidden = true;
}

/** Presses the button for earlier messages when the reader comes near it. */
const atTheTop = new IntersectionObserver(
  (entries) => entries.some(({ isIntersecting }) => isIntersecting) && $("earlier-button").click(),
  { root: $("log"), rootMargin: "200px 0px" },
);

$("newest").addEventListener("click", toNewest);
$("log").addEventListener("scroll", () => {
  const { scrollHeight, scrollTop, clientHeight } = $("log");
  following = scrollHeight - scrollTop - clientHeight < NEAR_THE_END;
  if (following) $("newest").hidden = true;
});
new ResizeObserver(() => following && toNewest()).observe($("log"));
