// Which of the files that were just stored are here already: asked for many at a time, shortly after they came, and told
// only as far as whoever uploads may see the other record.

import { ask } from "./sending.js";

const AT_ONCE = 100;
const WAIT_MS = 700;
const never = new AbortController().signal;

/**
 * @param {{ address: string, csrf: string, onFound: (id: string, numbers: string[]) => void }} what
 * @returns {(id: string) => void} what is called with each record that was stored
 */
export function twins({ address, csrf, onFound }) {
  /** @type {string[]} */
  const stored = [];
  let timer = 0;

  async function send() {
    timer = 0;
    const records = stored.splice(0, AT_ONCE);
    if (stored.length) timer = setTimeout(send, WAIT_MS);
    const headers = { "Content-Type": "application/json", "Strongroom-CSRF": csrf };
    const body = new Blob([JSON.stringify({ records })]);
    try {
      const answer = await ask({ method: "POST", address, headers, body, broken: "", signal: never });
      for (const { id, twins: found } of answer.body.records) {
        onFound(id, found.map((/** @type {{ number: string }} */ each) => each.number));
      }
    } catch {
      // It is stored all the same: its page tells of its twins, too.
    }
  }

  return (id) => {
    stored.push(id);
    timer ||= setTimeout(send, WAIT_MS);
  };
}
