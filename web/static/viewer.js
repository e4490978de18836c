// Turns the pages of a record by the keyboard and in place. Without this module each page is a link, and the page loads anew.

const pane = document.getElementById("preview");
let turning = false;

/** @param {HTMLAnchorElement} link */
async function turn(link) {
  if (!pane || turning) return;
  turning = true;
  pane.setAttribute("aria-busy", "true");
  try {
    const answer = await fetch(link.href);
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const fresh = page.getElementById("preview");
    if (!answer.ok || answer.redirected || !fresh) throw new Error("something else came");
    pane.replaceChildren(...fresh.childNodes);
    history.replaceState(null, "", link.href);
  } catch {
    location.assign(link.href); // the whole page says what is wrong
  } finally {
    turning = false;
    pane.removeAttribute("aria-busy");
  }
}

/** @param {EventTarget | null} target */
const links = (target) =>
  /** @type {HTMLAnchorElement | null} */ (target instanceof Element ? target.closest(".pages a") : null);

pane?.addEventListener("click", (event) => {
  const link = links(event.target);
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey || event.button !== 0) return;
  event.preventDefault();
  void turn(link).then(() => {
    const again = link.rel ? `a[rel=${link.rel}]` : `a[data-zoom="${link.dataset.zoom}"]`;
    const next = /** @type {HTMLElement | null} */ (pane.querySelector(again) ?? pane.querySelector(".pages a"));
    next?.focus();
  });
});

const KEYS = new Map([
  ["ArrowLeft", "a[rel=prev]"],
  ["ArrowRight", "a[rel=next]"],
  ["+", 'a[data-zoom="+"]'],
  ["-", 'a[data-zoom="-"]'],
]);

document.addEventListener("keydown", (event) => {
  const typing = event.target instanceof Element && event.target.closest("input, textarea, select, [contenteditable]");
  const wanted = KEYS.get(event.key);
  if (typing || !wanted || event.ctrlKey || event.metaKey || event.altKey) return;
  // What was enlarged is moved by the arrows while it has the focus.
  if (event.key.startsWith("Arrow") && event.target instanceof Element && event.target.closest(".close")) return;
  const link = /** @type {HTMLAnchorElement | null} */ (pane?.querySelector(wanted));
  if (!link) return;
  event.preventDefault();
  void turn(link);
});
