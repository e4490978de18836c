// What this browser remembers of uploads, so that the same files dropped again after a reload go on: by a keyed digest of
// what the file is and is said to be, never by a name. It holds a key of idempotency and an opaque address.

const PREFIX = "strongroom-upload-";
const SALT = "strongroom-uploads-salt";
const KEPT_MS = 7 * 24 * 3600 * 1000;

export function randomKey() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/**
 * The place where a file's upload is remembered; null where the browser has no cryptography, or keeps nothing.
 * @param {File} file
 * @param {string} uploads  where its company keeps uploads: another company's is another upload
 * @param {Record<string, string>} metadata
 * @returns {Promise<string | null>}
 */
export async function fingerprint(file, uploads, metadata) {
  try {
    if (!globalThis.crypto?.subtle) return null;
    let salt = localStorage.getItem(SALT);
    if (!salt) localStorage.setItem(SALT, (salt = randomKey()));
    const said = JSON.stringify([salt, uploads, file.webkitRelativePath || file.name, file.size, file.lastModified, metadata]);
    const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(said)));
    return PREFIX + Array.from(digest.slice(0, 16), (byte) => byte.toString(16).padStart(2, "0")).join("");
  } catch {
    return null;
  }
}

/**
 * @param {string | null} place
 * @returns {import("./storing.js").Known}
 */
export function known(place) {
  try {
    const kept = place ? JSON.parse(localStorage.getItem(place) ?? "null") : null;
    if (kept && Date.now() - kept.at < KEPT_MS) return { key: kept.key, address: kept.address };
  } catch { /* as good as nothing kept */ }
  return { key: randomKey() };
}

/**
 * @param {string | null} place
 * @param {import("./storing.js").Known} what
 */
export function remember(place, what) {
  try {
    if (place) localStorage.setItem(place, JSON.stringify({ ...what, at: Date.now() }));
  } catch { /* full, or forbidden: then a reload begins anew */ }
}

/** @param {string | null} place */
export function forget(place) {
  if (place) localStorage.removeItem(place);
}

/** What was begun in pieces and is remembered. @returns {{ place: string, address: string }[]} */
export function begun() {
  try {
    return Object.keys(localStorage).filter((each) => each.startsWith(PREFIX)).flatMap((place) => {
      const { address } = JSON.parse(localStorage.getItem(place) ?? "{}");
      return address ? [{ place, address }] : [];
    });
  } catch {
    return [];
  }
}

/** Forgets what is too old to go on. */
export function tidy() {
  try {
    for (const place of Object.keys(localStorage).filter((each) => each.startsWith(PREFIX))) {
      const kept = JSON.parse(localStorage.getItem(place) ?? "{}");
      if (!(Date.now() - kept.at < KEPT_MS)) localStorage.removeItem(place);
    }
  } catch { /* nothing is kept */ }
}
