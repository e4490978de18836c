// One request to the API that carries a file, or a piece of one. XMLHttpRequest, because fetch tells nothing of progress.

/** What may be tried again: the line broke, the server is away, or another request came first. */
export class Again extends Error {}

/** @param {Uint8Array} bytes */
export function base64(bytes) {
  let binary = "";
  for (const byte of bytes) binary += String.fromCharCode(byte);
  return btoa(binary);
}

/** @param {string} text */
export function base64url(text) {
  return base64(new TextEncoder().encode(text)).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

/** @typedef {{ hex: string, base64: string }} Digest */
/** @typedef {{ id: string, number: string, size_bytes: number, sha256: string, replayed: boolean }} Receipt */
/** @typedef {{ status: number, header: (name: string) => string | null, body: any }} Answer */

/**
 * The digest of some bytes, or null where the browser has no cryptography (plain http on another machine).
 * @param {Blob} bytes
 * @returns {Promise<Digest | null>}
 */
export async function sha256(bytes) {
  if (!globalThis.crypto?.subtle) return null;
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", await bytes.arrayBuffer()));
  return { hex: Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join(""), base64: base64(digest) };
}

/**
 * Resolves with the answer where it is a good one; rejects with `Again`, with an Error whose message people can read, or
 * with the signal's reason.
 * @param {{ method: string, address: string, headers: Record<string, string>, body?: Blob | null, broken: string,
 *   signal: AbortSignal, onProgress?: (sent: number) => void }} what
 * @returns {Promise<Answer>}
 */
export function ask({ method, address, headers, body = null, broken, signal, onProgress }) {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason);
    const request = new XMLHttpRequest();
    const stop = () => request.abort();
    signal.addEventListener("abort", stop, { once: true });
    request.addEventListener("loadend", () => signal.removeEventListener("abort", stop));
    request.open(method, address);
    for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
    request.upload.addEventListener("progress", (event) => onProgress?.(event.loaded));
    request.addEventListener("load", () => {
      const told = bodyOf(request);
      const answer = { status: request.status, header: (/** @type {string} */ name) => request.getResponseHeader(name), body: told };
      if (request.status < 300) resolve(answer);
      else if (isPassing(request.status)) reject(new Again(told?.detail ?? broken));
      else reject(Object.assign(new Error(told?.detail ?? broken), { status: request.status }));
    });
    request.addEventListener("error", () => reject(new Again(broken)));
    request.addEventListener("abort", () => reject(signal.reason ?? new Again(broken)));
    request.send(body);
  });
}

/** @param {number} status */
function isPassing(status) {
  return status >= 500 || [408, 409, 423, 429, 460].includes(status);
}

/** @param {XMLHttpRequest} request */
function bodyOf(request) {
  try {
    return JSON.parse(request.responseText);
  } catch {
    return null;
  }
}

const TRIES = 12;
const LONGEST_MS = 15000;

/**
 * Tries until it succeeds, waiting longer each time; where the line is gone, until it is back. `attempt` says `moved` whenever
 * something got through: then its patience begins anew.
 * @template T
 * @param {(moved: () => void) => Promise<T>} attempt
 * @param {AbortSignal} signal
 * @param {(waiting: boolean) => void} onWait
 * @returns {Promise<T>}
 */
export async function persistently(attempt, signal, onWait) {
  for (let tries = 1; ; tries += 1) {
    try {
      return await attempt(() => { tries = 1; });
    } catch (error) {
      if (!(error instanceof Again) || signal.aborted || (tries >= TRIES && navigator.onLine)) throw error;
      onWait(true);
      await pause(Math.min(250 * 2 ** tries, LONGEST_MS) * (0.75 + Math.random() / 2), signal);
      onWait(false);
    }
  }
}

/**
 * @param {number} ms
 * @param {AbortSignal} signal
 * @returns {Promise<void>}
 */
function pause(ms, signal) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(end, ms);
    function end() {
      clearTimeout(timer);
      removeEventListener("online", end);
      signal.removeEventListener("abort", end);
      if (signal.aborted) reject(signal.reason);
      else resolve();
    }
    addEventListener("online", end);
    signal.addEventListener("abort", end);
  });
}
