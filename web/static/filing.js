// The grid of files that are not sent yet: what is said of each, before it is filed. A cell left empty takes what the form says;
// one may be filled down to all files below it (the button, or Ctrl+D in a cell).

import { pages } from "./paging.js";
import { sized } from "./receipts.js";

/** @typedef {import("./upload.js").Upload} Upload */

const FIELDS = ["class", "customer", "title", "dated_on"];

/**
 * @param {{ table: HTMLTableElement, pager: HTMLElement, text: Record<string, string>, classes: HTMLSelectElement,
 *   onRemove: (upload: Upload) => void }} what
 */
export function grid({ table, pager, text, classes, onRemove }) {
  const rows = table.tBodies[0];
  const section = /** @type {HTMLElement} */ (table.closest("section"));
  /** @type {Map<Upload, HTMLElement>} */
  const flags = new Map();
  const listed = pages({ pager, size: 50, draw: drawAll });

  /** @param {Upload[]} some */
  function drawAll(some) {
    rows.replaceChildren();
    flags.clear();
    some.forEach(drawOne);
  }

  /** @param {Upload} upload */
  function drawOne(upload) {
    const row = rows.insertRow();
    const name = row.insertCell();
    name.textContent = upload.file.webkitRelativePath || upload.file.name;
    const flag = document.createElement("div");
    flag.className = "fault";
    name.append(flag);
    flags.set(upload, flag);
    update(upload);
    const size = row.insertCell();
    size.className = "figure";
    size.textContent = sized(upload.file.size);
    for (const field of FIELDS) row.insertCell().append(control(upload, field));
    const button = document.createElement("button");
    button.type = "button";
    button.className = "quiet";
    button.textContent = text.textRemove;
    button.setAttribute("aria-label", `${text.textRemove}: ${upload.file.name}`);
    button.addEventListener("click", () => {
      onRemove(upload);
      show(listed.all().filter((each) => each !== upload));
    });
    row.insertCell().append(button);
  }

  /**
   * @param {Upload} upload
   * @param {string} field
   */
  function control(upload, field) {
    const made = field === "class"
      ? /** @type {HTMLSelectElement} */ (classes.cloneNode(true))
      : document.createElement("input");
    made.removeAttribute("id");
    made.removeAttribute("name");
    made.required = false;
    if (made instanceof HTMLInputElement) {
      made.type = field === "dated_on" ? "date" : "text";
      if (field === "customer") made.setAttribute("list", "customers");
    } else {
      made.options[0].textContent = text.textAsForm;
    }
    made.dataset.field = field;
    made.setAttribute("aria-label", `${headOf(field)?.dataset.label ?? field}: ${upload.file.name}`);
    made.value = upload.values[field] ?? "";
    made.addEventListener("input", () => { upload.values[field] = made.value; });
    made.addEventListener("keydown", (event) => {
      const key = /** @type {KeyboardEvent} */ (event);
      if (key.key.toLowerCase() !== "d" || !(key.ctrlKey || key.metaKey)) return;
      key.preventDefault();
      fillDown(field, upload);
    });
    return made;
  }

  /** @param {string} field */
  function headOf(field) {
    return /** @type {HTMLElement | null} */ (table.querySelector(`[data-fill="${field}"]`));
  }

  /**
   * @param {string} field
   * @param {Upload} from
   */
  function fillDown(field, from) {
    const all = listed.all();
    for (const upload of all.slice(all.indexOf(from) + 1)) upload.values[field] = from.values[field] ?? "";
    const at = document.activeElement instanceof HTMLElement ? document.activeElement.closest("tr")?.rowIndex : undefined;
    listed.again();
    if (at) /** @type {HTMLElement | null} */ (table.rows[at]?.querySelector(`[data-field="${field}"]`))?.focus();
  }

  for (const field of FIELDS) {
    headOf(field)?.addEventListener("click", () => {
      const all = listed.all();
      const filled = all.find((upload) => upload.values[field]) ?? all[0];
      if (filled) fillDown(field, filled);
    });
  }

  /** @param {Upload} upload */
  function update(upload) {
    const flag = flags.get(upload);
    if (flag) flag.textContent = upload.flag ? text[`flag${upload.flag[0].toUpperCase()}${upload.flag.slice(1)}`] : "";
  }

  /** @param {Upload[]} some */
  function show(some) {
    section.hidden = some.length === 0;
    listed.show(some);
  }
  return { show, update };
}
