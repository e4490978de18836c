// The review of a disposal list by the keyboard: moving, choosing, deciding. Without it the form works by itself.

const grid = document.getElementById("grid");
const decision = document.getElementById("decision");
const DECISIONS = { d: "destroy", e: "extend", p: "permanent", c: "reclassify", t: "transfer", k: "keep" };

const boxes = () => [...grid.querySelectorAll("input[type=checkbox]")];

function move(step, choosing) {
  const all = boxes();
  const at = all.indexOf(document.activeElement);
  const next = all[Math.min(all.length - 1, Math.max(0, at + step))];
  if (!next) return;
  if (choosing && at >= 0) next.checked = all[at].checked = true;
  next.focus();
}

function decide(code) {
  decision.value = code;
  if (!boxes().some((box) => box.checked)) document.activeElement.checked = true;
  const field = { destroy: "decide", extend: "until", reclassify: "target" }[code] ?? "reason";
  document.getElementById(field).focus();
}

grid?.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.type !== "checkbox") return;
  if (event.key === "ArrowDown") move(1, event.shiftKey);
  else if (event.key === "ArrowUp") move(-1, event.shiftKey);
  else if (event.key === "a") {
    const all = boxes();
    const every = all.every((box) => box.checked);
    for (const box of all) box.checked = !every;
  } else if (decision && Object.hasOwn(DECISIONS, event.key)) decide(DECISIONS[event.key]);
  else return;
  event.preventDefault();
});
