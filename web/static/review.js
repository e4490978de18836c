// The review of a list by the keyboard (disposal, permissions): moving, choosing, deciding. Without it the form works by itself.

const grid = document.getElementById("grid");
const decision = /** @type {HTMLSelectElement | null} */ (document.getElementById("decision"));
const DECISIONS = new Map(
  Object.entries({ d: "destroy", e: "extend", p: "permanent", c: "reclassify", t: "transfer", k: "keep", r: "revoke" }),
);
const FIELDS = new Map(Object.entries({ destroy: "decide", extend: "until", reclassify: "target" }));

const boxes = () => /** @type {HTMLInputElement[]} */ ([...(grid?.querySelectorAll("tbody input[type=checkbox]") ?? [])]);

const current = () => boxes().indexOf(/** @type {HTMLInputElement} */ (document.activeElement));

/**
 * @param {number} step
 * @param {boolean} choosing
 */
function move(step, choosing) {
  const all = boxes();
  const at = current();
  const next = all[Math.min(all.length - 1, Math.max(0, at + step))];
  if (!next) return;
  if (choosing && at >= 0) next.checked = all[at].checked = true;
  next.focus();
}

/** @param {string} code */
function decide(code) {
  if (!decision) return;
  decision.value = code;
  const all = boxes();
  if (!all.some((box) => box.checked)) all[current()].checked = true;
  (document.getElementById(FIELDS.get(code) ?? "reason") ?? document.getElementById("decide"))?.focus();
}

grid?.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || current() < 0) return;
  const code = DECISIONS.get(event.key);
  if (event.key === "ArrowDown") move(1, event.shiftKey);
  else if (event.key === "ArrowUp") move(-1, event.shiftKey);
  else if (event.key === "a") {
    const all = boxes();
    const every = all.every((box) => box.checked);
    for (const box of all) box.checked = !every;
  } else if (code && [...(decision?.options ?? [])].some((each) => each.value === code)) decide(code);
  else return;
  event.preventDefault();
});
