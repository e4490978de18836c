// One file to the API as a raw body. XMLHttpRequest, because fetch tells nothing of an upload's progress.

/** @param {Uint8Array} bytes */
function base64(bytes) {
  let binary = "";
  for (const byte of bytes) binary += String.fromCharCode(byte);
  return btoa(binary);
}

/** @param {string} text */
function base64url(text) {
  return base64(new TextEncoder().encode(text)).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

/** @typedef {{ hex: string, field: string }} Digest */
/** @typedef {{ id: string, number: string, size_bytes: number, sha256: string, replayed: boolean }} Receipt */

/**
 * The digest of a file, or null where the browser has no cryptography (plain http on another machine).
 * @param {Blob} file
 * @returns {Promise<Digest | null>}
 */
export async function sha256(file) {
  if (!globalThis.crypto?.subtle) return null;
  const bytes = new Uint8Array(await crypto.subtle.digest("SHA-256", await file.arrayBuffer()));
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return { hex, field: `sha-256=:${base64(bytes)}:` };
}

/**
 * Resolves with the receipt, rejects with an Error whose message people can read.
 * @param {{ address: string, file: Blob, metadata: Record<string, string>, key: string, csrf: string,
 *   digest: Digest | null, broken: string, onProgress: (part: number) => void }} what
 * @returns {Promise<Receipt>}
 */
export function send({ address, file, metadata, key, csrf, digest, broken, onProgress }) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("POST", address);
    request.responseType = "json";
    request.setRequestHeader("Content-Type", "application/octet-stream");
    request.setRequestHeader("Strongroom-Metadata", base64url(JSON.stringify(metadata)));
    request.setRequestHeader("Strongroom-CSRF", csrf);
    request.setRequestHeader("Idempotency-Key", key);
    if (digest) request.setRequestHeader("Repr-Digest", digest.field);
    request.upload.addEventListener("progress", (event) => {
      if (event.lengthComputable && event.total > 0) onProgress(event.loaded / event.total);
    });
    request.addEventListener("load", () => {
      if (request.status === 200 || request.status === 201) resolve(request.response);
      else reject(new Error(request.response?.detail ?? broken));
    });
    request.addEventListener("error", () => reject(new Error(broken)));
    request.addEventListener("abort", () => reject(new Error(broken)));
    request.send(file);
  });
}
