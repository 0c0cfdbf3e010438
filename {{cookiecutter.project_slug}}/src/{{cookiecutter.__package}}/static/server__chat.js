// @ts-check
/** How the page asks the server, and hears in words why something cannot be. */

const ACK_TIMEOUT = 8000;
const UNREACHABLE = { detail: "The server cannot be reached. Try again in a moment." };

/** What the server, or the network, has against a request. */
class Problem extends Error {
  /** @param {Partial<{errors: {detail: string}[], detail: string, title: string, status: number}>} problem */
  constructor({ errors, detail, title, status = 0 }) {
    super(errors?.[0]?.detail || detail || title || "The server did not say why.");
    this.status = status;
  }
}

/** @type {(token: string | undefined, method: string, path: string, body?: object) => Promise<any>} */
export async function http(token, method, path, body) {
  const headers = new Headers(body && { "Content-Type": "application/json" });
  if (token) headers.set("Authorization", `Bearer ${token}`);
  const response = await fetch(path, { method, headers, body: body && JSON.stringify(body) }).catch(() => {
    throw new Problem(UNREACHABLE);
  });
  const answer = await response.json().catch(() => ({}));
  if (!response.ok) throw new Problem({ title: response.statusText, status: response.status, ...answer });
  return answer;
}

/**
 * Send an event, and return what the server answers.
 * @type {(socket: any, event: string, ...values: any[]) => Promise<any>}
 */
export async function ask(socket, event, ...values) {
  // The client would keep it until it is connected again, and the server could get it twice.
  if (!socket?.connected) throw new Problem(UNREACHABLE);
  const answer = await socket.timeout(ACK_TIMEOUT).emitWithAck(event, ...values).catch(() => {
    throw new Problem({ detail: "The server did not answer in time." });
  });
  if (answer?.error) throw new Problem(answer.error);
  return answer;
}
