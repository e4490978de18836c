// Keys of every page: / finds, ? shows the keys, g and a letter goes somewhere, and in a list j, k or the arrows move
// from row to row, Enter opens and x chooses. Nothing needs them; no key acts while somebody types.

const GOES = { h: "a.brand", r: "#menu a[data-key='r']" };
let going = false;

/** @param {EventTarget | null} target */
function typing(target) {
  return target instanceof HTMLElement && (target.isContentEditable || target.matches("textarea, select, input:not([type=checkbox])"));
}

/** The links that open the rows of the page's lists. */
function rows() {
  return /** @type {HTMLTableRowElement[]} */ ([...document.querySelectorAll("table[data-rows] tbody tr")]);
}

/** @param {HTMLTableRowElement | undefined} row */
function reach(row) {
  const inside = /** @type {HTMLElement | null} */ (row?.querySelector("a, input"));
  inside?.focus();
  row?.scrollIntoView({ block: "nearest" });
}

/** @param {number} step */
function move(step) {
  const all = rows();
  const at = all.findIndex((row) => row.contains(document.activeElement));
  reach(at < 0 ? all[step > 0 ? 0 : all.length - 1] : all[Math.min(all.length - 1, Math.max(0, at + step))]);
  return all.length > 0;
}

function choose() {
  const row = rows().find((each) => each.contains(document.activeElement));
  const box = /** @type {HTMLInputElement | null | undefined} */ (row?.querySelector("input[type=checkbox]"));
  box?.click();
  return Boolean(box);
}

/** @param {string} key */
function act(key) {
  if (going) {
    going = false;
    const there = Object.hasOwn(GOES, key) ? GOES[/** @type {keyof typeof GOES} */ (key)] : "";
    const link = there ? /** @type {HTMLAnchorElement | null} */ (document.querySelector(there)) : null;
    link?.click();
    return Boolean(link);
  }
  switch (key) {
    case "/": {
      const field = /** @type {HTMLInputElement | null} */ (document.getElementById("text"));
      field?.focus();
      field?.select();
      return Boolean(field);
    }
    case "?": document.getElementById("shortcuts")?.togglePopover(); return true;
    case "g": going = true; setTimeout(() => { going = false; }, 1500); return true;
    case "j": return move(1);
    case "k": return move(-1);
    case "x": return choose();
    case "ArrowDown": return rows().some((row) => row.contains(document.activeElement)) && move(1);
    case "ArrowUp": return rows().some((row) => row.contains(document.activeElement)) && move(-1);
    default: return false;
  }
}

document.addEventListener("keydown", (event) => {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return;
  if (act(event.key)) event.preventDefault();
});
