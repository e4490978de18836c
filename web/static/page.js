// Finding what a page is known to have.

/**
 * The element of an id, of a kind; throws where the page has none.
 * @template {HTMLElement} T
 * @param {string} id
 * @param {new () => T} kind
 * @returns {T}
 */
export function byId(id, kind) {
  const found = document.getElementById(id);
  if (!(found instanceof kind)) throw new TypeError(`the page has no such element: ${id}`);
  return found;
}
