// A long list, a page of it at a time: ten thousand rows are never in the document at once.

/**
 * @template T
 * @param {{ pager: HTMLElement, size: number, draw: (items: T[]) => void }} what
 */
export function pages({ pager, size, draw }) {
  /** @type {T[]} */
  let items = [];
  let page = 0;
  const back = /** @type {HTMLButtonElement} */ (pager.querySelector("[data-back]"));
  const on = /** @type {HTMLButtonElement} */ (pager.querySelector("[data-on]"));
  const where = /** @type {HTMLElement} */ (pager.querySelector("[data-where]"));

  function again() {
    const last = Math.max(Math.ceil(items.length / size) - 1, 0);
    page = Math.min(page, last);
    pager.hidden = last === 0;
    back.disabled = page === 0;
    on.disabled = page === last;
    where.textContent = `${page + 1} / ${last + 1}`;
    draw(items.slice(page * size, (page + 1) * size));
  }
  back.addEventListener("click", () => { page -= 1; again(); });
  on.addEventListener("click", () => { page += 1; again(); });
  return { again, show: (/** @type {T[]} */ some) => { items = some; again(); }, all: () => items };
}
