// Finds records while somebody types: the newest few stand in a list below the field; where nothing is typed, ArrowDown
// shows what was searched for lately. The arrows choose one, Enter opens it (or shows all, where none is chosen), Esc closes
// the list. What is typed goes by POST, so it stands in no address.

const WAIT_MS = 150;

/** @param {HTMLInputElement} field @param {HTMLElement} list */
function seek(field, list) {
  /** @type {AbortController | null} */
  let asking = null;
  let waiting = 0;
  let chosen = -1;

  const options = () => /** @type {HTMLAnchorElement[]} */ ([...list.querySelectorAll("[role=option]")]);

  function close() {
    clearTimeout(waiting);
    asking?.abort();
    list.hidden = true;
    list.replaceChildren();
    chosen = -1;
    field.setAttribute("aria-expanded", "false");
    field.removeAttribute("aria-activedescendant");
    field.removeAttribute("aria-controls");
  }

  /** @param {number} place */
  function choose(place) {
    const all = options();
    chosen = all.length ? (place + all.length) % all.length : -1;
    all.forEach((option, at) => option.setAttribute("aria-selected", String(at === chosen)));
    const now = all[chosen];
    if (now) {
      field.setAttribute("aria-activedescendant", now.id);
      now.scrollIntoView({ block: "nearest" });
    } else field.removeAttribute("aria-activedescendant");
  }

  async function ask() {
    const token = /** @type {HTMLInputElement | null} */ (field.form?.querySelector("[name=csrf_token]"))?.value ?? "";
    asking?.abort();
    const mine = new AbortController();
    asking = mine;
    try {
      const answer = await fetch(list.dataset.found ?? "", {
        method: "POST",
        body: new URLSearchParams({ csrf_token: token, text: field.value }),
        signal: mine.signal,
      });
      if (!answer.ok) return close();
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      if (mine.signal.aborted) return;
      if (!page.body.children.length) return close();
      list.replaceChildren(...page.body.children);
      list.hidden = false;
      chosen = -1;
      field.removeAttribute("aria-activedescendant");
      field.setAttribute("aria-expanded", "true");
      field.setAttribute("aria-controls", "found");
    } catch (error) {
      if (!(error instanceof DOMException && error.name === "AbortError")) close();
    }
  }

  field.setAttribute("role", "combobox");
  field.setAttribute("aria-autocomplete", "list");
  field.setAttribute("aria-expanded", "false");
  field.addEventListener("input", () => {
    clearTimeout(waiting);
    asking?.abort();
    if (!field.value.trim()) close();
    else waiting = setTimeout(ask, WAIT_MS);
  });
  field.addEventListener("keydown", (event) => {
    if (event.isComposing) return;
    if (event.key === "Escape" && !list.hidden) close();
    else if (event.key === "ArrowDown" && list.hidden && !field.value.trim()) ask();
    else if (event.key === "ArrowDown" && !list.hidden) choose(chosen + 1);
    else if (event.key === "ArrowUp" && !list.hidden) choose(chosen < 0 ? -1 : chosen - 1);
    else if (event.key === "Enter" && chosen >= 0) options()[chosen]?.click();
    else return;
    event.preventDefault();
  });
  field.addEventListener("click", () => {
    if (list.hidden && !field.value.trim()) ask();
  });
  field.form?.addEventListener("focusout", (event) => {
    if (!(event.relatedTarget instanceof Node && field.form?.contains(event.relatedTarget))) close();
  });
}

const field = /** @type {HTMLInputElement | null} */ (document.getElementById("text"));
const list = /** @type {HTMLElement | null} */ (document.querySelector("[data-found]"));
if (field?.form?.matches(".seek") && list) seek(field, list);
