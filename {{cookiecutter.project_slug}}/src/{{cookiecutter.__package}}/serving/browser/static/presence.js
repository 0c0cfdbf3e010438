// Owned by the template: an update may change this file.
// @ts-check
/**
 * Who is in the rooms that a client has joined, as `self.presence` of the view keeps it.
 *
 *     const presence = new Presence(socket, { change: (room) => show(presence.list(room)) });
 *
 * The socket may be one of this service's own client or of the official one. A key, such as the id of
 * a person, is in a room while it has a meta there: what one of its clients, which may be a tab, says
 * of itself. After a connection was lost, what is known stays until the server has told who is there now.
 *
 * @typedef {Record<string, any>} Meta
 *
 * @typedef {Object} Emitter  a socket of either client
 * @property {(event: string, handler: (value: any) => void) => unknown} on
 *
 * @typedef {Object} Handlers
 * @property {(room: string) => void} [change]  something is different, after the calls of the others
 * @property {(room: string, key: string, metas: Meta[]) => void} [join]  a key is there that was not, as
 *   are all of them when a room is joined
 * @property {(room: string, key: string, metas: Meta[]) => void} [leave]  a key is there no longer, and had these
 *
 * @typedef {Object} Room
 * @property {number} count
 * @property {Map<string, Map<string, Meta>>} present  the metas by key, and by what the server calls each
 * @property {boolean} current  whether it is that of this connection
 */

export class Presence {
  /** @type {Map<string, Room>} */
  #rooms = new Map();
  /** @type {Handlers} */
  #handlers;

  /** @param {Emitter} socket @param {Handlers} handlers */
  constructor(socket, handlers = {}) {
    this.#handlers = handlers;
    socket.on("presence_state", ({ room, count, present }) => {
      this.#set(room, count, changed(new Map(), present, {}));
    });
    socket.on("presence_diff", ({ room, count, joins, leaves }) => {
      const known = this.#rooms.get(room);
      // Without the state of this connection, which is on its way, it would be applied to another one.
      if (known?.current) this.#set(room, count, changed(known.present, joins, leaves));
    });
    socket.on("disconnect", () => {
      for (const room of this.#rooms.values()) room.current = false;
    });
  }

  /** Return who is in a room: at most the first thousand, and those who came since. @param {string} room */
  list(room) {
    const present = [...(this.#rooms.get(room)?.present ?? [])];
    return present.map(([key, refs]) => ({ key, metas: [...refs.values()] }));
  }

  /** Return how many keys are in a room, listed or not. @param {string} room */
  count(room) {
    return this.#rooms.get(room)?.count ?? 0;
  }

  /** Drop what is known of a room that the client has left. @param {string} room */
  forget(room) {
    this.#rooms.delete(room);
  }

  /** @type {(room: string, count: number, present: Room["present"]) => void} */
  #set(room, count, present) {
    const before = this.#rooms.get(room)?.present ?? new Map();
    const { change, join, leave } = this.#handlers;
    this.#rooms.set(room, { count, present, current: true });
    for (const [key, refs] of before) if (!present.has(key)) leave?.(room, key, [...refs.values()]);
    for (const [key, refs] of present) if (!before.has(key)) join?.(room, key, [...refs.values()]);
    change?.(room);
  }
}

/** @type {(present: Room["present"], joins: Record<string, Record<string, Meta>>, leaves: typeof joins) => Room["present"]} */
function changed(present, joins, leaves) {
  const now = new Map(present);
  for (const [key, refs] of Object.entries(leaves)) {
    const left = [...(now.get(key) ?? [])].filter(([ref]) => !Object.hasOwn(refs, ref));
    if (left.length) now.set(key, new Map(left));
    else now.delete(key);
  }
  for (const [key, refs] of Object.entries(joins)) {
    now.set(key, new Map([...(now.get(key) ?? []), ...Object.entries(refs)]));
  }
  return now;
}
