// One file becomes a record: a small one in one request, a larger one in pieces (tus 1.0). Either may be begun again under
// its key, after a broken line or a reload, and ends in one record.
// What a person typed travels in headers, never in an address.

import { Again, ask, base64, base64url, persistently, sha256 } from "./sending.js";

const IN_PIECES_FROM = 1024 * 1024;
const TUS = { "Tus-Resumable": "1.0.0" };

/** @typedef {{ create: string, uploads: string, pieceBytes: number, csrf: string, broken: string }} Place */
/** @typedef {{ key: string, address?: string }} Known */
/** @typedef {{ onPart: (part: number) => void, onWait: (waiting: boolean) => void, remember: (known: Known) => void }} Told */

/**
 * @param {Place} place
 * @param {File} file
 * @param {Record<string, string>} metadata
 * @param {Known} known
 * @param {AbortSignal} signal
 * @param {Told} told
 * @returns {Promise<{ receipt: import("./sending.js").Receipt, checked: boolean }>}
 */
export function store(place, file, metadata, known, signal, told) {
  const way = file.size > IN_PIECES_FROM ? inPieces : atOnce;
  return persistently((moved) => way(place, file, metadata, known, signal, told, moved), signal, told.onWait);
}

/** @type {(place: Place, file: File, metadata: Record<string, string>, known: Known, signal: AbortSignal, told: Told,
 *   moved: () => void) => Promise<{ receipt: import("./sending.js").Receipt, checked: boolean }>} */
async function atOnce(place, file, metadata, known, signal, told) {
  const digest = await readable(sha256(file), place);
  /** @type {Record<string, string>} */
  const headers = {
    "Content-Type": "application/octet-stream",
    "Strongroom-Metadata": base64url(JSON.stringify(metadata)),
    "Strongroom-CSRF": place.csrf,
    "Idempotency-Key": known.key,
  };
  if (digest) headers["Repr-Digest"] = `sha-256=:${digest.base64}:`;
  const answer = await ask({
    method: "POST", address: place.create, headers, body: file, broken: place.broken, signal,
    onProgress: (sent) => told.onPart(file.size ? Math.min(sent / file.size, 1) : 1),
  });
  return { receipt: answer.body, checked: digest?.hex === answer.body.sha256 };
}

/** @type {typeof atOnce} */
async function inPieces(place, file, metadata, known, signal, told, moved = () => {}) {
  const common = { ...TUS, "Strongroom-CSRF": place.csrf };
  const { address, offset } = await whereItIs(place, file, metadata, known, signal, common, told);
  let at = offset;
  let checked = Boolean(globalThis.crypto?.subtle);
  told.onPart(at / file.size);
  while (at < file.size) {
    const piece = file.slice(at, at + place.pieceBytes);
    const digest = await readable(sha256(piece), place);
    checked &&= digest !== null;
    /** @type {Record<string, string>} */
    const headers = { ...common, "Content-Type": "application/offset+octet-stream", "Upload-Offset": String(at) };
    if (digest) headers["Upload-Checksum"] = `sha256 ${digest.base64}`;
    const from = at;
    const answer = await ask({
      method: "PATCH", address, headers, body: piece, broken: place.broken, signal,
      onProgress: (sent) => told.onPart(Math.min((from + sent) / file.size, 1)),
    });
    at = Number(answer.header("Upload-Offset"));
    moved();
  }
  const answer = await ask({ method: "GET", address, headers: {}, broken: place.broken, signal });
  if (!answer.body?.receipt) throw new Again(place.broken);
  // What had all of its bytes before this began is no news.
  return { receipt: { ...answer.body.receipt, replayed: offset === file.size }, checked };
}

/**
 * Where an upload is; begun if it is not yet, or not any more.
 * @param {Place} place
 * @param {File} file
 * @param {Record<string, string>} metadata
 * @param {Known} known
 * @param {AbortSignal} signal
 * @param {Record<string, string>} headers
 * @param {Told} told
 * @returns {Promise<{ address: string, offset: number }>}
 */
async function whereItIs(place, file, metadata, known, signal, headers, told) {
  if (known.address) {
    try {
      const answer = await ask({ method: "HEAD", address: known.address, headers, broken: place.broken, signal });
      return { address: known.address, offset: Number(answer.header("Upload-Offset")) };
    } catch (error) {
      const status = /** @type {{ status?: number }} */ (error).status;
      if (status !== 404 && status !== 410) throw error;
      delete known.address;
    }
  }
  const pairs = Object.entries(metadata).map(([name, value]) => `${name} ${base64(new TextEncoder().encode(value))}`);
  const answer = await ask({
    method: "POST", address: place.uploads, broken: place.broken, signal,
    headers: { ...headers, "Upload-Length": String(file.size), "Upload-Metadata": pairs.join(","), "Idempotency-Key": known.key },
  });
  known.address = answer.header("Location") ?? "";
  told.remember(known);
  return { address: known.address, offset: Number(answer.header("Upload-Offset")) };
}

/**
 * What reading the file gives; one that is gone or was changed meanwhile is not tried again.
 * @template T
 * @param {Promise<T>} reading
 * @param {Place} place
 */
async function readable(reading, place) {
  try {
    return await reading;
  } catch (error) {
    throw new Error(error instanceof Error ? error.message : place.broken);
  }
}
