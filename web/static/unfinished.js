// What this browser began and did not finish before the page was loaded: told, gone on with by choosing the same files again,
// or given up. What another browser of the same person sends is not touched.

import { byId } from "./page.js";
import { begun, forget } from "./remembered.js";
import { ask } from "./sending.js";

const never = new AbortController().signal;

/**
 * @param {{ address: string, csrf: string, text: Record<string, string>, here: () => (string | null)[] }} page `here` gives
 *   the places of what this page sends itself.
 */
export async function tellUnfinished({ address, csrf, text, here }) {
  const notice = byId("unfinished", HTMLElement);
  const answer = await ask({ method: "GET", address, headers: {}, broken: "", signal: never });
  /** @type {Set<string>} */
  const open = new Set(answer.body.uploads.map((/** @type {{ id: string }} */ each) => `${address}/${each.id}`));
  const left = () => begun().filter((each) => open.has(each.address) && !here().includes(each.place));

  /** @param {string} words */
  const show = (words) => {
    const count = left().length;
    byId("unfinished-count", HTMLElement).textContent = words.replace("{count}", String(count));
    notice.hidden = !count;
  };
  byId("give-up", HTMLButtonElement).addEventListener("click", async () => {
    const headers = { "Tus-Resumable": "1.0.0", "Strongroom-CSRF": csrf };
    let reason = "";
    await Promise.all(left().map(async (each) => {
      try {
        await ask({ method: "DELETE", address: each.address, headers, broken: text.textOffline, signal: never });
      } catch (error) {
        const { status, message } = /** @type {Error & { status?: number }} */ (error);
        if (status !== 404 && status !== 410) {
          reason = message;
          return;
        }
      }
      forget(each.place);
    }));
    show(`${text.textNotGivenUp} ${reason}`);
  });
  show(text.textUnfinished);
}
