// Follows a destruction until it has taken effect: the page is asked for again, and what is watched in it replaced
// when it has changed. Without this module the page loads itself anew every few seconds.

import { showMoments } from "./times.js";

const EVERY_MS = 2000;
let shown = "";

/** @param {string} id */
async function fetched(id) {
  try {
    const answer = await fetch(location.href);
    if (!answer.ok || answer.redirected) return null;
    return new DOMParser().parseFromString(await answer.text(), "text/html").getElementById(id);
  } catch {
    return null; // away for a moment; the next look tells
  }
}

async function look() {
  const watched = document.querySelector("[data-watch]");
  if (!watched) return;
  const fresh = document.hidden ? null : await fetched(watched.id);
  if (fresh && fresh.innerHTML !== shown) {
    shown = fresh.innerHTML;
    watched.toggleAttribute("data-watch", fresh.hasAttribute("data-watch"));
    watched.replaceChildren(...fresh.childNodes);
    showMoments(watched);
  }
  setTimeout(look, EVERY_MS);
}

setTimeout(look, EVERY_MS);
