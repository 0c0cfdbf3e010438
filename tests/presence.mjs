// Who is in a room, as the module for presence has it, before a server that is none.
// Argument: the URL of the module. Prints what each case gave as one JSON object.
const { Presence } = await import(process.argv[2]);

/** A socket that says what it is told to, and what the module tells of it. */
function stage() {
  const handlers = {};
  const told = [];
  const socket = { on: (event, handler) => (handlers[event] = handler) };
  const presence = new Presence(socket, {
    change: (room) => told.push(["change", room]),
    join: (room, key, metas) => told.push(["join", room, key, metas]),
    leave: (room, key, metas) => told.push(["leave", room, key, metas]),
  });
  const say = (event, payload) => handlers[event](payload);
  const state = (present, room = "tea", count = Object.keys(present).length) =>
    say("presence_state", { room, count, present });
  const diff = (joins, leaves = {}, count = 0, room = "tea") => say("presence_diff", { room, count, joins, leaves });
  const lose = () => say("disconnect", "transport close");
  /** What was told since the last time, and what is known. */
  const seen = (room = "tea") => [told.splice(0), presence.list(room), presence.count(room)];
  return { presence, state, diff, lose, seen };
}

const CASES = {
  state() {
    const { state, seen } = stage();
    const before = seen();
    state({ ada: { 1: { away: false }, 2: { away: true } }, bob: { 3: {} } }, "tea", 1500);
    return [before, seen(), seen("coffee")];
  },
  diff() {
    const { state, diff, seen } = stage();
    state({ ada: { 1: {} }, bob: { 2: { name: "Bob" } } });
    seen();
    diff({ cem: { 3: {} } }, { bob: { 2: { name: "Bob" } } }, 2);
    return seen();
  },
  diffBeforeState() {
    const { state, diff, seen } = stage();
    diff({ ada: { 1: {} } });
    const before = seen();
    state({ bob: { 2: {} } });
    return [before, seen()[1]];
  },
  reconnection() {
    const { state, diff, lose, seen } = stage();
    state({ ada: { 1: { name: "Ada" } }, bob: { 2: { name: "Bob" } } });
    seen();
    lose();
    diff({ eve: { 9: {} } }, { ada: { 1: {} } });
    const meanwhile = seen();
    state({ ada: { 5: { name: "Ada" } }, cem: { 6: { name: "Cem" } } });
    const again = seen();
    diff({}, { ada: { 5: {} } }, 1);
    return [meanwhile, again, seen()[1]];
  },
  severalTabs() {
    const { state, diff, seen } = stage();
    state({ ada: { 1: { tab: 1 } } });
    seen();
    diff({ ada: { 2: { tab: 2 } } }, {}, 1);
    const two = seen();
    diff({}, { ada: { 1: { tab: 1 } } }, 1);
    const one = seen();
    diff({}, { ada: { 2: { tab: 2 } } });
    return [two, one, seen()];
  },
  update() {
    const { state, diff, seen } = stage();
    state({ ada: { 1: { away: false }, 2: { away: false } } });
    seen();
    diff({ ada: { 1: { away: true } } }, {}, 1);
    const updated = seen();
    // Another ref in the place of the last one: nobody has left.
    diff({ ada: { 3: { away: false } } }, { ada: { 1: {}, 2: {} } }, 1);
    return [updated, seen()];
  },
  forget() {
    const { presence, state, diff, seen } = stage();
    state({ ada: { 1: {} } });
    state({ ada: { 2: {} } }, "coffee");
    seen();
    presence.forget("tea");
    diff({ bob: { 3: {} } });
    return [seen(), seen("coffee")[1]];
  },
  unknown() {
    const { state, diff, seen } = stage();
    state({ ada: { 1: {} } }, "tea", 2000);
    seen();
    // Of somebody whom the state did not name.
    diff({}, { zoe: { 8: {} } }, 1999);
    return seen();
  },
  names() {
    const { state, diff, seen } = stage();
    state(JSON.parse('{"__proto__": {"1": {}}, "constructor": {"constructor": {}}}'));
    diff({}, { constructor: { toString: {} } }, 2);
    return seen()[1].map(({ key }) => key);
  },
};

const results = {};
for (const [name, run] of Object.entries(CASES)) results[name] = run();
console.log(JSON.stringify(results));
